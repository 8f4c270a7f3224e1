"""The leakage clinic: each leak by a second route, the stored table made again, and the command."""

import inspect

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from helpers.evaluation.metrics import predictive_r2
from helpers.experiments import clinic
from helpers.models.ipca import InstrumentedPCA
from helpers.panel import Panel
from tests.common import assert_refused

QUICK = ("gaps filled", "ranks over time", "own factors", "rows out of order")
FIRST = 160  # the first date that is judged


@pytest.fixture(scope="module")
def stored():
    return clinic.read()


def test_the_market_explains_as_much_as_ever_and_predicts_nothing():
    panel = clinic.clinic_market(0)
    assert abs(panel.portfolios.mean()) < 0.01
    scores = [clinic.own_factors(market, right=True) for market in range(20)]
    assert abs(np.mean(scores)) < 3 * np.std(scores) / np.sqrt(20)
    assert clinic.rows_out_of_order(0, right=True) > 0.35


def stored_row(stored, case, recipe, market):
    rows = stored[(stored["case"] == case) & (stored["recipe"] == recipe) & (stored["market"] == market)]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize("case", QUICK)
@pytest.mark.parametrize("recipe", clinic.RECIPES)
@pytest.mark.parametrize("market", [1, 7])
def test_the_stored_rows_are_made_again_by_the_committed_code(case, recipe, market, stored):
    made, row = clinic.run_cell(case, recipe, market), stored_row(stored, case, recipe, market)
    assert float(f"{made['score']:.6g}") == pytest.approx(row["score"], rel=2e-6, abs=1e-8)
    assert list(made) == [*clinic.KEY, "score"] and [made[name] for name in clinic.KEY] == [case, recipe, market]


@pytest.mark.parametrize("recipe", clinic.RECIPES)
def test_stored_rows_of_several_networks_are_made_again(recipe, stored):
    """To what another processor may change by rounding otherwise."""
    made, row = clinic.run_cell("several networks", recipe, 3), stored_row(stored, "several networks", recipe, 3)
    assert made["score"] == pytest.approx(row["score"], abs=4e-3)


def test_the_stored_folds_of_the_network_outside_the_loop_are_made_again_and_by_a_trained_network_only(
    stored, monkeypatch
):
    """By its fifth round the network has been trained on what it is tested on; an untrained one knows nothing."""
    case = ("model outside the loop", "copied", 1)
    folds = stored_row(stored, *case)[clinic.FOLDS]
    made = clinic.run_cell(*case)
    assert [made[name] for name in clinic.FOLDS] == pytest.approx(folds.to_list(), abs=0.03)
    assert made["score"] == np.mean([made[name] for name in clinic.FOLDS])
    monkeypatch.setattr(clinic, "FIT", clinic.FIT | {"epochs": 0})
    untrained = clinic.run_cell(*case)
    assert sum(abs(untrained[name] - folds[name]) > 0.03 for name in clinic.FOLDS) >= 3
    assert abs(untrained["fold_5"] - folds["fold_5"]) > 0.1


def test_the_right_recipe_builds_a_network_in_each_round(stored):
    made = clinic.run_cell("model outside the loop", "right", 1)
    row = stored_row(stored, "model outside the loop", "right", 1)
    assert [made[name] for name in clinic.FOLDS] == pytest.approx(row[clinic.FOLDS].to_list(), abs=0.03)


def test_the_stored_table_is_whole_and_says_what_the_lesson_says(stored):
    summary = clinic.summary(stored)
    assert list(summary.index) == [(case, recipe) for case in clinic.CASES for recipe in clinic.RECIPES]
    assert (summary["markets"] == 40).all()
    wrong, right = (summary.xs(recipe, level="recipe") for recipe in clinic.RECIPES)
    for case in ("gaps filled", "ranks over time", "own factors", "model outside the loop"):
        assert wrong.loc[case, "mean"] > 5 * wrong.loc[case, "se"]
        assert abs(right.loc[case, "mean"]) < 2.5 * right.loc[case, "se"]
    for case in ("rows out of order", "several networks"):
        assert right.loc[case, "mean"] - wrong.loc[case, "mean"] > 5 * right.loc[case, "se"]


def test_the_folds_of_the_network_outside_the_loop_rise_and_their_mean_is_the_score(stored):
    loops = stored[stored["case"] == "model outside the loop"]
    assert np.allclose(loops[clinic.FOLDS].mean(axis=1), loops["score"], atol=1e-5)
    assert stored.loc[stored["case"] != "model outside the loop", clinic.FOLDS].isna().all(axis=None)
    by_round = loops[loops["recipe"] == "copied"][clinic.FOLDS].mean()
    assert by_round.is_monotonic_increasing and by_round.iloc[-1] > 0.03


def test_filled_gaps_by_plain_loops():
    """A regression that has learned who is missing says -2 of them; among the rest it knows nothing."""
    scores = {right: clinic.gaps_filled(2, right) for right in (False, True)}
    assert scores[False] > 0.7 and abs(scores[True]) < 0.1
    panel, random = clinic.clinic_market(2), np.random.default_rng(2)
    enters = random.integers(0, clinic.N_DATES, clinic.N_TICKERS)
    leaves = enters + random.integers(40, 200, clinic.N_TICKERS)
    rows, targets = [], []
    for d in range(FIRST):
        for s in range(clinic.N_TICKERS):
            if enters[s] <= d < leaves[s]:
                rows.append([*panel.characteristics[d, s], 1.0])
                targets.append(panel.returns[d, s])
    slopes = np.linalg.solve(np.transpose(rows) @ rows, np.transpose(rows) @ targets)
    coefficients = []
    for d in range(FIRST, clinic.N_DATES):
        there = (enters <= d) & (d < leaves)
        said = np.column_stack([panel.characteristics[d, there], np.ones(there.sum())]) @ slopes
        coefficients.append(spearmanr(panel.returns[d, there], said).statistic)
    assert scores[True] == pytest.approx(np.nanmean(coefficients), abs=1e-9)


def test_ranks_over_time_look_ahead_and_ranks_across_tickers_do_not():
    """By hand: the sign of the slope is all that a rank correlation takes from a regression on one characteristic."""
    panel = clinic.clinic_market(5)
    price = np.vstack([np.zeros(clinic.N_TICKERS), np.cumsum(panel.returns, axis=0)[:-1]])
    for right, axis in ((False, 0), (True, 1)):
        rank = 2 * rankdata(price, axis=axis) / (price.shape[axis] + 1) - 1
        slope = np.polyfit(rank[:FIRST].ravel(), panel.returns[:FIRST].ravel(), 1)[0]
        by_hand = np.mean([spearmanr(rank[d], panel.returns[d]).statistic for d in range(FIRST, clinic.N_DATES)])
        assert clinic.ranks_over_time(5, right) == pytest.approx(np.sign(slope) * by_hand)


def test_rows_in_the_order_of_the_file_belong_to_other_tickers():
    frame = clinic.clinic_market(1).to_frame().sample(frac=1, random_state=1)
    reshaped = frame["c1"].to_numpy().reshape(clinic.N_DATES, clinic.N_TICKERS)
    assert (reshaped == Panel.from_frame(frame).characteristics[:, :, 0]).mean() < 0.01
    assert clinic.rows_out_of_order(1, right=False) < 0.1


def test_the_periods_own_factors_know_what_will_be_earned():
    panel = clinic.clinic_market(4)
    period = panel[FIRST : FIRST + clinic.PERIOD]
    model = InstrumentedPCA(3).fit(panel[:FIRST])
    own = np.mean([model.factors(period[d : d + 1])[0] for d in range(clinic.PERIOD)], axis=0)
    assert clinic.own_factors(4, False) == pytest.approx(predictive_r2(period.returns, model.betas(period) @ own))


@pytest.mark.parametrize("case", clinic.CASES)
def test_each_case_says_what_it_is(case):
    words = inspect.getdoc(clinic.CASES[case])
    assert words.splitlines()[0].startswith("The ") and "right recipe" in words


def test_a_run_goes_on_where_it_was_and_another_file_is_refused(tmp_path):
    path = tmp_path / "mine.csv"
    first = clinic.run(path, QUICK[2:3], markets=1, n_jobs=1)
    line = path.read_text().splitlines()[1]
    both = clinic.run(path, QUICK[2:4], markets=2, n_jobs=1)
    assert len(first) == 2 and len(both) == 8 and path.read_text().splitlines()[1] == line
    assert both["case"].tolist() == ["own factors"] * 4 + ["rows out of order"] * 4
    other = tmp_path / "notes.csv"
    other.write_text("a,b\n1,2\n")
    assert_refused(
        lambda: clinic.run(other, QUICK, 1, n_jobs=1), ValueError, "notes.csv", "not a table made by", "a, b"
    )
    assert other.read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: clinic.run_cell("no such case", "right", 0), ValueError, "'gaps filled'"),
        (lambda: clinic.run_cell("own factors", "wrong", 0), ValueError, "'copied'"),
        (lambda: clinic.run("never.csv", ("no such case",)), ValueError, "'no such case' was given"),
        (lambda: clinic.run("never.csv", (*QUICK, "another", "own factors")), ValueError, "'another' was given"),
        (
            lambda: clinic.run_cell("own factors", "own factors", 0),
            ValueError,
            "recipe must be one of 'copied', 'right'",
        ),
        (lambda: clinic.run("never.csv", QUICK, markets=0), ValueError, "at least 1"),
    ],
)
def test_what_does_not_exist_is_refused(call, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_refused(call, error, words)
    assert not list(tmp_path.iterdir())


def test_the_command_prints_the_summary_and_refuses_in_a_sentence(tmp_path, capsys, monkeypatch):
    path = str(tmp_path / "mine.csv")
    clinic.main(["--cases", "own factors", "--markets", "2", "--jobs", "1", "--out", path])
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("own factors", "copied", "right", "markets"))
    with pytest.raises(SystemExit) as leaving:
        clinic.main(["--markets", "0", "--out", path])
    assert leaving.value.code == 2 and "at least 1" in capsys.readouterr().err
    monkeypatch.setattr(clinic, "run", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(SystemExit) as leaving:
        clinic.main(["--out", path])
    assert "the same command" in leaving.value.code
