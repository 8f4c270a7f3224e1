"""Table 6 with one ρ for all its markets: the cells, a row by hand, the spread by hand, the stored table."""

from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.experiments import persistence, table6
from tests.common import assert_refused
from tests.test_table6 import assert_summary_of_the_command

FEW = persistence.cells(models=("PCA", "IPCA"), draws=(0, 3), repetitions=2)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    path = tmp_path_factory.mktemp("persistence") / "few.csv"
    return path, persistence.run(path, FEW, n_jobs=1)


@pytest.fixture(scope="module")
def stored():
    return persistence.read()


# What is run


def test_every_cell_is_there_once():
    cells = persistence.cells()
    assert len(cells) == len(set(cells)) == 2 * (2 * 40 * 8 + 4 * 6 * 3)
    counts = Counter((case, draw, model) for case, draw, _, model, _ in cells)
    for case, draw, model in product(persistence.CASES, range(40), persistence.MODELS):
        quick = model in ("PCA", "IPCA")
        assert counts[case, draw, model] == (8 if quick else 3 if draw < 6 else 0)


def test_whenever_the_run_is_stopped_the_draws_have_as_many_markets_and_networks_come_last():
    cells = persistence.cells()
    models = [model for *_, model, _ in cells]
    assert set(models[:1280]) == {"PCA", "IPCA"} and set(models[1280:]) == {"CA0", "CA1", "CA2", "CA3"}
    for stop in range(0, len(cells), 37):
        counts = Counter((case, draw, model) for case, draw, _, model, _ in cells[:stop])
        for model in persistence.MODELS:
            draws = range(40 if model in persistence.QUICK else 6)
            assert np.ptp([counts[case, draw, model] for case in persistence.CASES for draw in draws]) <= 1


def test_some_cells_alone_can_be_asked_for():
    assert persistence.cells(("linear",), ("CA1", "PCA"), (5, 7), (1,), repetitions=2, repetitions_elsewhere=1) == [
        ("linear", 5, 0, "PCA", 1), ("linear", 7, 0, "PCA", 1), ("linear", 5, 1, "PCA", 1), ("linear", 7, 1, "PCA", 1),
        ("linear", 5, 0, "CA1", 1),
    ]  # fmt: skip


BAD_CELLS = {
    "an unknown case": ({"cases": ("square",)}, ValueError, "cases", "'square'"),
    "an unknown model": ({"models": ("PCA", "CA4")}, ValueError, "models", "'CA3'", "'CA4'"),
    "too many factors": ({"factors": (7,)}, ValueError, "factors", "7"),
    "a draw too many": ({"draws": (0, 40)}, ValueError, "draws", "between 0 and 39", "40"),
    "half a draw": ({"draws": (0.5,)}, TypeError, "draws", "whole number", "0.5"),
    "no repetitions": ({"repetitions": 0}, ValueError, "repetitions", "at least 1"),
    "no repetitions elsewhere": ({"repetitions_elsewhere": 0}, ValueError, "repetitions_elsewhere", "at least 1"),
}


@pytest.mark.parametrize("case", BAD_CELLS)
def test_cells_that_are_none_are_refused(case):
    arguments, *refusal = BAD_CELLS[case]
    assert_refused(lambda: persistence.cells(**arguments), *refusal)


def test_draws_of_rho_are_uniform_and_their_own():
    rho = np.array([persistence.persistence(draw) for draw in range(40)])
    assert rho.shape == (40, 50) and len(np.unique(rho)) == 2000
    assert 0.9 <= rho.min() < 0.901 and 0.999 < rho.max() < 1
    assert rho.mean() == pytest.approx(0.95, abs=4 * 0.1 / np.sqrt(12 * 2000))
    assert_refused(lambda: persistence.persistence(-1), ValueError, "draw", "at least 0", "-1")


# A row


def test_a_row_of_pca_is_what_a_hand_computes():
    row = persistence.run_cell("nonlinear", 7, 2, "PCA", 3)
    rho = np.random.default_rng([7, 1]).uniform(0.9, 1, 50)
    returns = simulate_market("nonlinear", seed=2, persistence=rho).panel.returns
    betas = np.linalg.svd(returns[:120])[2][:3].T
    factors, tested = returns @ betas, returns[120:]
    means = np.array([factors[:d].mean(axis=0) for d in range(120, 180)])
    assert [row[name] for name in persistence.KEY] == ["nonlinear", 7, 2, "PCA", 3]
    assert np.isclose(row["total_r2"], total_r2(tested, factors[120:] @ betas.T))
    assert np.isclose(row["predictive_r2"], total_r2(tested, means @ betas.T))
    assert list(row) == persistence.COLUMNS and row["settings"] == "the defaults" and row["seconds"] > 0
    assert not np.isclose(row["total_r2"], table6.run_cell("nonlinear", 2, "PCA", 3)["total_r2"], rtol=0.01)


def test_a_row_with_the_rho_of_a_market_is_the_row_of_table_6(monkeypatch):
    monkeypatch.setattr(persistence, "persistence", lambda draw: np.random.default_rng(4).uniform(0.9, 1, 50))
    persistence.simulated.cache_clear()
    row, expected = persistence.run_cell("linear", 0, 4, "IPCA", 2), table6.run_cell("linear", 4, "IPCA", 2)
    persistence.simulated.cache_clear()
    assert [row[name] for name in persistence.MEASURES] == [expected[name] for name in persistence.MEASURES]


def test_a_network_has_the_seed_of_its_repetition(monkeypatch):
    asked = []
    monkeypatch.setattr(table6, "make", lambda *wanted, seed: asked.append((wanted, seed)) or table6.PCAFactors(1))
    assert persistence.run_cell("linear", 1, 5, "CA2", 3)["settings"] == table6.settings("CA2")
    assert asked == [(("CA2", 3), 5)]


# The file


def test_the_file_is_the_cells_in_order(few):
    path, table = few
    assert list(table.columns) == persistence.COLUMNS
    assert list(table[persistence.KEY].itertuples(index=False, name=None)) == [
        (case, draw, repetition, model, 3)
        for case in persistence.CASES for model in ("PCA", "IPCA") for draw in (0, 3) for repetition in (0, 1)
    ]  # fmt: skip
    pd.testing.assert_frame_equal(persistence.run(path, FEW, n_jobs=1), table)
    table.assign(settings="another").to_csv(path.with_name("other.csv"), index=False)
    refused = ("other settings", "another", "--out")
    assert_refused(lambda: persistence.read(path.with_name("other.csv")), ValueError, *refused)
    assert_refused(lambda: persistence.read(table6.STORED), ValueError, "not a table made by", "persistence")


def test_the_command_makes_the_file_and_prints_the_summary(few, tmp_path, capsys):
    arguments = ["--models", "PCA", "IPCA", "--draws", "0", "3"]
    assert_summary_of_the_command(persistence, arguments, few[1], tmp_path, capsys, "between", "se_one_rho", "paper")


def test_the_help_says_how_many_there_are(capsys):
    with pytest.raises(SystemExit):
        persistence.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "simulated markets (default 8)" in said and "persistence.csv" in said
    assert "the same for the networks, which see the first 6 draws (default 3)" in said


# What is made of it


def test_the_spread_is_that_of_a_hand():
    """Means of draws 3, 7, 5 and of markets 4, 6: the rest is -1, 0, 1 in the first and the opposite in the second."""
    found = persistence.spread(pd.DataFrame([[1.0, 5.0], [6.0, 8.0], [5.0, 5.0]]))
    rest = 2 * (1 + 0 + 1) / 2
    between, within = 4 - rest / 2, (8 + 2 + 0) / 3
    assert found["mean"] == 5 and found["se"] == pytest.approx(np.sqrt(between / 3 + 2 / 2))
    assert [found["between"], found["within"]] == pytest.approx(np.sqrt([between, within]))
    assert found["se_one_rho"] == pytest.approx(np.sqrt(between + within / 100))
    assert found["se_new_rho"] == pytest.approx(np.sqrt((between + within) / 100))
    assert [found["draws"], found["repetitions"]] == [3, 2]


def test_what_a_market_has_of_its_own_is_no_spread_between_draws():
    random = np.random.default_rng(0)
    draws, markets, rest = (random.normal(0, sd, shape) for sd, shape in ((3, (400, 1)), (7, (1, 30)), (2, (400, 30))))
    found = persistence.spread(pd.DataFrame(draws + markets + rest))
    assert found["between"] == pytest.approx(draws.std(), abs=0.05)
    assert found["within"] == pytest.approx(np.sqrt(markets.var(ddof=1) + rest.var()), rel=0.01)
    alone = persistence.spread(pd.DataFrame(markets + rest))
    assert alone["between"] < 0.2 and alone["se"] == pytest.approx(markets.std() / np.sqrt(30), rel=0.05)


def test_a_negative_spread_counts_as_none_and_repetitions_that_a_draw_lacks_are_left_out():
    found = persistence.spread(pd.DataFrame([[1.0, 3.0, 9.0], [3.0, 1.0, np.nan]]))
    assert found["between"] == 0 and found["repetitions"] == 2 and found["mean"] == 2
    assert found["se_one_rho"] == found["se_new_rho"] == pytest.approx(np.sqrt(2 / 100))
    assert np.isnan(persistence.spread(pd.DataFrame([[1.0], [2.0]]))["between"])
    assert np.isnan(persistence.spread(pd.DataFrame([[1.0, 2.0]]))["se_one_rho"])


def test_the_summary_is_the_spread_of_each_row_in_percent_beside_the_paper(few):
    table = few[1]
    summary = persistence.summary(table.sample(frac=1, random_state=0))
    assert sorted(summary.index) == sorted(product(persistence.CASES, ("PCA", "IPCA"), (3,)))
    assert (summary["", "draws"] == 2).all() and (summary["", "repetitions"] == 2).all()
    for (case, model, n_factors), row in summary.iterrows():
        rows = table[(table["case"] == case) & (table["model"] == model)]
        for measure in persistence.MEASURES:
            scores = 100 * rows.sort_values(["draw", "repetition"])[measure].to_numpy().reshape(2, 2)
            expected = persistence.spread(pd.DataFrame(scores)).drop(["draws", "repetitions"])
            assert row[measure][expected.index].to_list() == pytest.approx(expected.to_list())
            assert row[measure, "paper"] == table6.PAPER[case, measure][model][n_factors - 1]


REMADE = [("linear", 0, 0, "PCA", 3), ("nonlinear", 39, 7, "PCA", 3), ("linear", 21, 4, "IPCA", 3)]


@pytest.mark.parametrize("cell", REMADE, ids=str)
def test_stored_rows_are_made_again_to_the_printed_digit(cell, stored):
    made, rows = persistence.run_cell(*cell), stored[(stored[persistence.KEY] == list(cell)).all(axis=1)]
    assert len(rows) == 1
    for name in persistence.MEASURES:
        assert float(f"{made[name]:.6g}") == pytest.approx(rows.iloc[0][name], rel=2e-6, abs=1e-8)


def test_a_stored_row_of_a_network_is_made_again(stored):
    """To what another processor may change by rounding otherwise; an untrained network explains next to nothing."""
    cell = ("linear", 5, 2, "CA0", 3)
    made, row = persistence.run_cell(*cell), stored[(stored[persistence.KEY] == list(cell)).all(axis=1)].iloc[0]
    assert row["total_r2"] > 0.3
    assert [made[name] for name in persistence.MEASURES] == pytest.approx(row[list(persistence.MEASURES)], abs=5e-3)


def test_the_stored_table_holds_every_cell_once(stored):
    found = list(stored[persistence.KEY].itertuples(index=False, name=None))
    assert len(found) == len(set(found)) and set(found) == set(persistence.cells())
