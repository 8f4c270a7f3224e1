"""Models beside each other: scores and errors by hand, by loops and by drawing dates again; the truth; bad input."""

import itertools
from copy import deepcopy
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone

from helpers.data.simulated import simulate_constant_betas, simulate_market
from helpers.evaluation import comparison
from helpers.evaluation.comparison import Truth, compare
from helpers.evaluation.inference import newey_west
from helpers.evaluation.metrics import information_coefficient, predictive_r2, total_r2
from helpers.evaluation.portfolios import portfolio_returns, sorted_positions
from helpers.evaluation.splitter import WalkForward
from helpers.evaluation.walk_forward import out_of_sample
from helpers.models.ipca import InstrumentedPCA
from helpers.models.pca import PCAFactors
from helpers.models.regression import CrossSectionalRegression, TimeSeriesRegression
from tests.common import assert_refused, small_panel, with_value

MODELS = {
    "PCA": PCAFactors(1, tolerance=1e-3),
    "IPCA": InstrumentedPCA(2),
    "cross sections": CrossSectionalRegression(),
}
PANEL, GAPPY = small_panel(n_dates=60), small_panel(missing=0.1, n_dates=60, seed=1)
SPLITTER = WalkForward(n_train=20, n_validation=6, n_test=9)
MARKETS = [simulate_market("linear", 60, 25, 4, seed=seed) for seed in range(5)]
SCORES = {
    "total R²": lambda tested: total_r2(tested.returns, tested.reconstruction),
    "predictive R²": lambda tested: predictive_r2(tested.returns, tested.prediction),
    "IC": lambda tested: np.nanmean(information_coefficient(tested.returns, tested.prediction)),
}
COLUMNS = ["score", "standard error", "difference", "standard error of difference", "t"]


@pytest.fixture(scope="module")
def walks():
    """What each model says out of sample of the panel with gaps."""
    return {name: out_of_sample(model, GAPPY, SPLITTER) for name, model in MODELS.items()}


@pytest.fixture(scope="module")
def table():
    return compare(MODELS, GAPPY, SPLITTER)


@pytest.fixture(scope="module")
def over_markets():
    return compare({"PCA": PCAFactors(2), "IPCA": InstrumentedPCA(3)}, MARKETS, SPLITTER)


# --- One market -------------------------------------------------------------------------------------------------------


def test_scores_are_those_of_the_measures_out_of_sample(table, walks):
    assert list(table.index) == list(itertools.product(SCORES, MODELS)) and list(table.columns) == COLUMNS
    assert table.index.names == ["measure", "model"] and (table.dtypes == "float64").all()
    for measure, name in table.index:
        assert np.isclose(table.loc[(measure, name), "score"], SCORES[measure](walks[name]), rtol=1e-12)


def test_of_the_information_coefficient_errors_and_differences_are_those_of_newey_and_west(table, walks):
    series = {name: information_coefficient(walk.returns, walk.prediction) for name, walk in walks.items()}
    for name in MODELS:
        score, error, difference, error_of_difference, t = table.loc["IC", name]
        assert (score, error) == pytest.approx(newey_west(series[name]), rel=1e-12)
        if name != "PCA":
            paired = newey_west(series[name] - series["PCA"])
            assert (difference, error_of_difference) == pytest.approx(paired, rel=1e-12)
            assert t == pytest.approx(paired[0] / paired[1])


def ratio_moves(walk, what):
    """How far each date moves an R², to first order, by plain loops."""
    above, below = [], []
    for returns, said in zip(walk.returns, getattr(walk, what), strict=True):
        known = [(r, r_hat) for r, r_hat in zip(returns, said, strict=True) if not np.isnan(r)]
        below.append(sum(r**2 for r, _ in known))
        above.append(below[-1] - sum((r - r_hat) ** 2 for r, r_hat in known))
    share, mean = sum(above) / sum(below), sum(below) / len(below)
    return np.array([(a - share * b) / mean for a, b in zip(above, below, strict=True)])


@pytest.mark.parametrize(("measure", "what"), [("total R²", "reconstruction"), ("predictive R²", "prediction")])
def test_errors_of_a_share_are_those_of_the_mean_of_what_each_date_moves_it(table, walks, measure, what):
    moves = {name: ratio_moves(walk, what) for name, walk in walks.items()}
    for name in MODELS:
        row = table.loc[(measure, name)]
        assert row["standard error"] == pytest.approx(newey_west(moves[name])[1], rel=1e-9)
        if name != "PCA":
            error = newey_west(moves[name] - moves["PCA"])[1]
            assert row["standard error of difference"] == pytest.approx(error, rel=1e-9)
            score = table.loc[(measure, "PCA"), "score"]
            assert row["difference"] == pytest.approx(row["score"] - score)
            assert row["t"] == pytest.approx(row["difference"] / error)


def drawn_again(statistic, n_dates, block, n_draws=3000):
    """The standard deviation of a statistic of dates over histories drawn from them in circular blocks."""
    random = np.random.default_rng(0)
    starts = random.integers(n_dates, size=(n_draws, n_dates // block, 1))
    return np.std([statistic((rows + np.arange(block)).ravel() % n_dates) for rows in starts])


def test_the_leave_one_out_score_is_that_of_each_folds_own_model():
    table = compare({"PCA": PCAFactors(2)}, PANEL, SPLITTER, "leave-one-out R²")
    folds, above, below = list(SPLITTER.folds(PANEL)), 0.0, 0.0
    for fold in folds:
        said = PCAFactors(2).fit(fold.train, fold.validation).leave_one_out(fold.test)
        above, below = above + ((fold.test.returns - said) ** 2).sum(), below + (fold.test.returns**2).sum()
    assert len(folds) > 1
    assert table.loc[("leave-one-out R²", "PCA"), "score"] == pytest.approx(1 - above / below, rel=1e-12)


@pytest.mark.parametrize("measure", SCORES)
def test_errors_of_one_market_are_the_spread_over_histories_drawn_again_in_blocks(measure):
    """Blocks of L + 1 dates have the weights of Newey and West's L lags: 5 and 4 at 120 dates."""
    panel = simulate_market("linear", 160, 30, 4, seed=3).panel
    models = {"PCA": PCAFactors(2), "IPCA": InstrumentedPCA(3)}
    table = compare(models, panel, WalkForward(40, n_test=60), measure)
    walks = {name: out_of_sample(model, panel, WalkForward(40, n_test=60)) for name, model in models.items()}

    def score_of(walk):
        """The score on some dates."""
        if measure == "IC":
            coefficients = np.asarray(information_coefficient(walk.returns, walk.prediction))
            return lambda dates: coefficients[dates].mean()
        said = np.asarray(walk.reconstruction if measure == "total R²" else walk.prediction)
        return lambda dates: total_r2(walk.returns[dates], said[dates])

    one, two = map(score_of, walks.values())
    assert table.loc[(measure, "IPCA"), "standard error"] == pytest.approx(drawn_again(two, 120, 5), rel=0.08)
    spread = drawn_again(lambda dates: two(dates) - one(dates), 120, 5)
    assert table.loc[(measure, "IPCA"), "standard error of difference"] == pytest.approx(spread, rel=0.08)


def test_differences_are_taken_on_the_same_dates_which_makes_them_sure():
    """Dates on which returns are noisy are hard for both: pairing takes that away."""
    panel = simulate_market("linear", 120, 30, 4, seed=0).panel
    table = compare([InstrumentedPCA(3), InstrumentedPCA(4)], panel, WalkForward(60, n_test=60), "total R²")
    one, two = table["standard error"]
    row = table.iloc[1]
    assert row["standard error of difference"] < 0.2 * np.hypot(one, two)
    assert row["t"] == pytest.approx(row["difference"] / row["standard error of difference"])


@pytest.mark.parametrize("baseline", MODELS)
def test_the_baseline_is_the_one_that_is_named(baseline, table):
    found = compare(MODELS, GAPPY, SPLITTER, baseline=baseline)
    assert found[["score", "standard error"]].equals(table[["score", "standard error"]])
    for measure, name in found.index:
        row = found.loc[(measure, name)]
        if name == baseline:
            assert row[["difference", "standard error of difference", "t"]].isna().all()
        elif name == "PCA":
            opposite = table.loc[(measure, baseline)]
            assert row["difference"] == -opposite["difference"] and row["t"] == pytest.approx(-opposite["t"])


def test_a_model_beside_itself_differs_by_nothing_and_has_no_t():
    table = compare({"one": PCAFactors(1), "two": PCAFactors(1)}, PANEL, SPLITTER)
    others = table.xs("two", level="model")
    assert (others["difference"] == 0).all() and (others["standard error of difference"] == 0).all()
    assert others["t"].isna().all()


def test_models_in_a_list_are_named_by_what_they_print():
    models = [PCAFactors(1), InstrumentedPCA(2)]
    names = ["PCAFactors(n_factors=1)", "InstrumentedPCA(n_factors=2)"]
    found = compare(models, PANEL, SPLITTER, "total R²")
    assert list(found.index) == [("total R²", name) for name in names]
    named = compare(dict(zip(names, models, strict=True)), PANEL, SPLITTER, "total R²")
    assert found.equals(named) and not hasattr(models[0], "betas_")
    assert compare(tuple(models), PANEL, SPLITTER, baseline=names[1]).loc[("IC", names[1])].isna().sum() == 3


@pytest.mark.parametrize(
    "chosen",
    ["IC", ["IC", "total R²"], ("predictive R²",), iter(["IC"])],
    ids=["a name", "a list", "a tuple", "an iterator"],
)
def test_the_measures_asked_for_are_those_that_come(chosen, table):
    wanted = {"IC": ["IC"], "['IC', 'total R²']": ["IC", "total R²"], "('predictive R²',)": ["predictive R²"]}
    names = wanted.get(chosen if isinstance(chosen, str) else repr(chosen), ["IC"])
    found = compare(MODELS, GAPPY, SPLITTER, chosen)
    assert found.equals(table.loc[[(measure, name) for measure in names for name in MODELS]])


# --- Measures of one's own --------------------------------------------------------------------------------------------


def long_short(tested):
    """What the best third of the tickers earns over the worst, date by date."""
    positions = sorted_positions(tested.prediction, 3)
    return portfolio_returns(positions[-1] - positions[0], tested.returns)


def test_a_measure_of_ones_own_is_one_number_without_an_error_or_one_for_each_date_with_one():
    own = {"worst": lambda tested: np.nanmin(tested.prediction), "10-1": long_short, "n": lambda tested: 3}
    table = compare({"a": PCAFactors(1), "b": InstrumentedPCA(2)}, PANEL, SPLITTER, own)
    models = {"a": PCAFactors(1), "b": InstrumentedPCA(2)}
    walks = {name: out_of_sample(model, PANEL, SPLITTER) for name, model in models.items()}
    for name, walk in walks.items():
        score, error, *_ = table.loc["worst", name]
        assert score == walk.prediction.min() and np.isnan(error)
        assert table.loc["10-1", name].iloc[:2].to_list() == pytest.approx(newey_west(long_short(walk)), rel=1e-12)
    assert table.loc[("worst", "b"), "difference"] == pytest.approx(-np.diff(table.loc["worst", "score"][::-1])[0])
    assert np.isnan(table.loc[("worst", "b"), ["standard error of difference", "t"]]).all()
    paired = newey_west(long_short(walks["b"]) - long_short(walks["a"]))
    found = table.loc[("10-1", "b"), ["difference", "standard error of difference"]]
    assert found.to_list() == pytest.approx(paired, rel=1e-9)
    assert table.loc["n", "score"].to_list() == [3, 3] and table.loc[("n", "b"), "difference"] == 0


def test_dates_of_which_a_measure_says_nothing_are_left_out():
    every_other = {"IC": lambda tested: np.where(np.arange(34) % 2, np.nan, long_short(tested))}
    models = {"a": PCAFactors(1), "b": InstrumentedPCA(2)}
    table = compare(models, PANEL, SPLITTER, every_other)
    a, b = (long_short(out_of_sample(model, PANEL, SPLITTER))[::2] for model in models.values())
    assert table.loc["IC", "a"].iloc[:2].to_list() == pytest.approx(newey_west(a), rel=1e-12)
    assert table.loc["IC", "b"].iloc[2:4].to_list() == pytest.approx(newey_west(b - a), rel=1e-9)


def test_of_a_measure_that_says_nothing_there_is_no_score():
    nothing = {"number": lambda tested: np.nan, "dates": lambda tested: np.full(34, np.nan)}
    assert compare(MODELS, PANEL, SPLITTER, nothing).isna().all(axis=None)
    one_date = {"first": lambda tested: np.where(np.arange(34) == 0, 0.5, np.nan)}
    row = compare(MODELS, PANEL, SPLITTER, one_date).iloc[1]
    assert row["score"] == 0.5 and row["difference"] == 0 and np.isnan(row["standard error"])


def test_dates_that_only_one_of_two_models_can_be_judged_on_still_count_for_it():
    """The difference is that of the two scores, and each date moves it by what it moves either."""
    halves = {"half": lambda tested: np.where(np.arange(34) < 20, tested.prediction[:, 0], np.nan)}
    models = {"a": PCAFactors(1), "b": InstrumentedPCA(2)}
    a, b = (out_of_sample(model, PANEL, SPLITTER).prediction[:, 0] for model in models.values())

    def late_half(tested):
        return halves["half"](tested) if isinstance(tested.models[0], PCAFactors) else tested.prediction[:, 0]

    late = {"half": late_half}
    row = compare(models, PANEL, SPLITTER, late).iloc[1]
    assert row["difference"] == pytest.approx(b.mean() - a[:20].mean())
    moves = (b - b.mean()) - np.where(np.arange(34) < 20, (a - a[:20].mean()) * 34 / 20, 0)
    assert row["standard error of difference"] == pytest.approx(newey_west(moves)[1], rel=1e-9)


# --- Several markets --------------------------------------------------------------------------------------------------


def scores_of(model, measure):
    return np.array([SCORES[measure](out_of_sample(model, market.panel, SPLITTER)) for market in MARKETS])


@pytest.mark.parametrize("measure", SCORES)
def test_over_markets_scores_are_means_and_errors_those_of_a_mean(over_markets, measure):
    pca, ipca = scores_of(PCAFactors(2), measure), scores_of(InstrumentedPCA(3), measure)
    score, error, difference, error_of_difference, t = over_markets.loc[measure, "IPCA"]
    assert (score, error) == pytest.approx((ipca.mean(), stats.sem(ipca)))
    assert (difference, error_of_difference) == pytest.approx(((ipca - pca).mean(), stats.sem(ipca - pca)))
    assert t == pytest.approx(stats.ttest_rel(ipca, pca).statistic)
    assert over_markets.loc[measure, "PCA"].iloc[:2].to_list() == pytest.approx([pca.mean(), stats.sem(pca)])


def test_a_market_of_which_a_measure_says_nothing_is_left_out():
    def mean(tested):
        return np.nan if tested.returns[0, 0] == MARKETS[2].panel.returns[26, 0] else tested.prediction.mean()

    some = [market for i, market in enumerate(MARKETS) if i != 2]
    models = {"a": PCAFactors(1), "b": PCAFactors(2)}
    of_all = compare(models, MARKETS, SPLITTER, {"mean": mean})
    pd.testing.assert_frame_equal(of_all, compare(models, some, SPLITTER, {"mean": mean}))
    assert compare(models, MARKETS[2:3], SPLITTER, {"mean": mean}).isna().all(axis=None)
    alone = compare(models, MARKETS[1:3], SPLITTER, {"mean": mean})
    assert alone["score"].notna().all() and alone["standard error"].isna().all() and alone["t"].isna().all()


def test_markets_may_come_from_a_generator_and_be_panels_of_different_sizes():
    panels = [PANEL, GAPPY, small_panel(n_dates=50, n_tickers=15, seed=3)]
    model = TimeSeriesRegression()
    found = compare({"a": model}, (panel for panel in panels), SPLITTER)
    assert list(found.index.get_level_values("model")) == ["a"] * 3
    expected = [SCORES["total R²"](out_of_sample(model, panel, SPLITTER)) for panel in panels]
    assert found.loc[("total R²", "a"), "score"] == pytest.approx(np.mean(expected))
    mixed = compare({"a": PCAFactors(1)}, [PANEL, MARKETS[0]], SPLITTER)
    assert "truth" not in mixed.index.get_level_values("model")


# --- The truth --------------------------------------------------------------------------------------------------------


def truth_by_loops(market, first):
    """r̂ by the true β and F, and by the running mean of the true F, from a date on."""
    reconstruction, forecast = [], []
    for d in range(first, market.panel.n_dates):
        expected = sum(market.factors[:d]) / d
        reconstruction.append([beta @ market.factors[d] for beta in market.betas[d]])
        forecast.append([beta @ expected for beta in market.betas[d]])
    return np.array(reconstruction), np.array(forecast)


def test_the_truth_of_simulated_markets_stands_in_the_last_row(over_markets):
    found = {measure: [] for measure in SCORES}
    for market in MARKETS:
        returns, (reconstruction, forecast) = market.panel.returns[26:], truth_by_loops(market, 26)
        found["total R²"].append(total_r2(returns, reconstruction))
        found["predictive R²"].append(predictive_r2(returns, forecast))
        found["IC"].append(information_coefficient(returns, forecast).mean())
        assert np.allclose(reconstruction, market.reconstruction[26:])
    for measure, scores in found.items():
        assert list(over_markets.loc[measure].index) == ["PCA", "IPCA", "truth"]
        assert over_markets.loc[(measure, "truth"), "score"] == pytest.approx(np.mean(scores))
        assert over_markets.loc[(measure, "truth"), "standard error"] == pytest.approx(stats.sem(scores))


def test_the_truth_may_be_the_baseline_and_what_beats_it_has_fitted_the_noise_of_the_date_itself():
    """A regression of 25 returns on 3 β explains 3/25 of the noise, too; a forecast cannot."""
    table = compare({"PCA": PCAFactors(2), "IPCA": InstrumentedPCA(3)}, MARKETS, SPLITTER, baseline="truth")
    assert table.xs("truth", level="model")["difference"].isna().all()
    assert table.loc[("total R²", "PCA"), "t"] < -2
    noise = 1 - table.loc[("total R²", "truth"), "score"]
    assert table.loc[("total R²", "IPCA"), "difference"] == pytest.approx(noise * 3 / 25, rel=0.15)
    assert table.loc[("predictive R²", "IPCA"), "t"] < 2


@pytest.mark.parametrize(
    "market", [MARKETS[0], simulate_constant_betas(n_dates=60, n_tickers=8)], ids=["changing", "constant"]
)
def test_the_truth_is_a_model_like_any_other(market):
    past, later = market.panel[:40], market.panel[40:]
    truth = Truth(market)
    assert clone(truth).market is market and clone(truth).fit(past, later).fitted_
    assert truth.fit(past) is truth and not truth.reads_validation
    reconstruction, forecast = truth_by_loops(market, 40)
    assert np.allclose(truth.reconstruct(later), reconstruction)
    assert np.allclose(truth.predict(later, past), forecast)
    assert truth.score(later) == pytest.approx(total_r2(later.returns, reconstruction))
    assert np.array_equal(truth.betas(later), market.betas[40:])
    assert np.array_equal(truth.factors(later), market.factors[40:])
    frame = truth.betas(later).to_frame()
    assert list(frame.columns) == ["F1", "F2", "F3"] and frame.loc[later.dates[3]].index.equals(later.tickers)
    assert truth.factors(later).to_frame().index.equals(later.dates)
    assert np.array_equal(truth.factors(market.panel[[3, 7]]), market.factors[[3, 7]])


def test_the_truth_has_no_factors_of_dates_that_have_not_happened():
    market = MARKETS[0]
    whole = market.panel
    unhappened = replace(whole, returns=with_value(whole.returns, slice(57, None), np.nan))
    truth = Truth(market).fit(whole[:40])
    factors = truth.factors(unhappened)
    assert np.array_equal(factors[:57], market.factors[:57]) and np.isnan(factors[57:]).all()
    assert np.isnan(truth.reconstruct(unhappened)[57:]).all()
    # What is expected of the last three dates is the mean up to the last date that has happened.
    expected = truth.expected_factors(unhappened[57:], unhappened[:57])
    assert np.allclose(expected, market.factors[:57].mean(axis=0))


def test_the_truth_of_a_market_says_nothing_of_another():
    truth = Truth(MARKETS[0])
    other = simulate_constant_betas(n_dates=60, n_tickers=25).panel
    longer = simulate_market("linear", 61, 25, 4).panel
    for panel in (other, longer, MARKETS[0].panel.select_tickers(["S002", "S001"])):
        for call in (truth.fit, truth.betas, truth.factors, truth.reconstruct, truth.score):
            assert_refused(partial(call, panel), ValueError, "its own market", "market.panel")
    assert_refused(lambda: truth.fit("panel"), TypeError, "A Panel is needed", "str")
    assert_refused(
        lambda: Truth(PANEL).fit(PANEL), TypeError, "market must be a SimulatedMarket", "simulate_market", "a Panel"
    )


# --- Gaps and the future ----------------------------------------------------------------------------------------------


def test_next_month_is_forecast_and_judges_nobody():
    tables = {name: with_value(getattr(PANEL, name), -1, np.nan) for name in ("returns", "portfolios")}
    found = compare(MODELS, replace(PANEL, **tables), SPLITTER)
    pd.testing.assert_frame_equal(found, compare(MODELS, PANEL[:-1], SPLITTER), rtol=1e-9)


def test_a_date_without_returns_is_left_out_of_errors_too():
    unbalanced = replace(GAPPY, returns=with_value(GAPPY.returns, ([30, 30, 41], slice(None)), np.nan))
    walk = out_of_sample(TimeSeriesRegression(), unbalanced, SPLITTER)
    known = ~np.isnan(walk.returns).all(axis=1)
    table = compare({"given": TimeSeriesRegression()}, unbalanced, SPLITTER)
    assert known.sum() == 32
    for measure, what in (("total R²", "reconstruction"), ("predictive R²", "prediction")):
        part = replace(
            walk, panel=walk.panel[known], reconstruction=walk.reconstruction[known],
            prediction=walk.prediction[known], fold=walk.fold[known],
        )  # fmt: skip
        expected = (SCORES[measure](walk), newey_west(ratio_moves(part, what))[1])
        assert table.loc[measure, "given"].iloc[:2].to_list() == pytest.approx(expected, rel=1e-9)
    coefficients = information_coefficient(walk.returns, walk.prediction)
    assert table.loc["IC", "given"].iloc[:2].to_list() == pytest.approx(newey_west(coefficients), rel=1e-12)


def test_models_are_judged_on_the_same_returns_or_not_at_all():
    panel = replace(PANEL, characteristics=with_value(PANEL.characteristics, (40, 2, 0), np.nan))
    for measure, what in (("total R²", "reconstruction"), ("predictive R²", "prediction")):
        with pytest.raises(ValueError, match=f"{what} is NaN at 1 place.* where a return is present") as refusal:
            compare({"PCA": PCAFactors(1), "IPCA": InstrumentedPCA(2)}, panel, SPLITTER, [measure])
        assert refusal.value.__notes__ == [f"This was the measure {measure!r} of the model 'IPCA'."]
    without = replace(panel, returns=with_value(panel.returns, (40, 2), np.nan))
    assert compare({"PCA": PCAFactors(1), "IPCA": InstrumentedPCA(2)}, without, SPLITTER)["score"].notna().all()


# --- How it is run ----------------------------------------------------------------------------------------------------


def test_finished_folds_are_kept_in_a_folder_but_not_the_markets_own_truth(tmp_path, monkeypatch):
    run = partial(compare, {"PCA": PCAFactors(1), "IPCA": InstrumentedPCA(2)}, MARKETS[:2], SPLITTER)
    expected = run()
    assert run(folder=tmp_path).equals(expected)
    assert len(list(tmp_path.rglob("output.pkl"))) == 2 * 2 * 4
    monkeypatch.setattr(PCAFactors, "fit", None)
    monkeypatch.setattr(InstrumentedPCA, "fit", None)
    assert run(folder=tmp_path).equals(expected)


def test_progress_reaches_each_walk(monkeypatch):
    asked, genuine = [], comparison.out_of_sample

    def noting(model, panel, splitter, folder, progress):
        asked.append((type(model).__name__, progress))
        return genuine(model, panel, splitter)

    monkeypatch.setattr(comparison, "out_of_sample", noting)
    compare([PCAFactors(1)], MARKETS[0], SPLITTER, progress=True)
    compare([PCAFactors(1)], PANEL, SPLITTER)
    assert asked == [("PCAFactors", True), ("Truth", True), ("PCAFactors", False)]


def test_an_error_keeps_its_kind_and_is_noted_with_the_model_the_fold_and_the_measure():
    with pytest.raises(ValueError, match="n_factors must be between") as refusal:
        compare({"one": PCAFactors(1), "too many": PCAFactors(13)}, PANEL, SPLITTER)
    assert refusal.value.__notes__[0].startswith("This was fold 0, which tests")
    assert refusal.value.__notes__[1:] == ["This was the model 'too many'."]

    def broken(tested):
        raise KeyError("no luck")

    with pytest.raises(KeyError, match="no luck") as refusal:
        compare({"one": PCAFactors(1)}, PANEL, SPLITTER, {"IC": lambda tested: 1.0, "mine": broken})
    assert refusal.value.__notes__ == ["This was the measure 'mine' of the model 'one'."]


def test_neither_models_nor_markets_are_changed():
    models, before = {"a": PCAFactors(1)}, deepcopy(MARKETS[0].panel.returns)
    compare(models, MARKETS[0], SPLITTER)
    assert models == {"a": models["a"]} and vars(models["a"]) == vars(PCAFactors(1))
    assert np.array_equal(MARKETS[0].panel.returns, before)


class Unprinted(PCAFactors):
    def __repr__(self):
        return "a model"


BAD_INPUT = {
    "one model": (
        lambda: compare(PCAFactors(1), PANEL, SPLITTER),
        TypeError, "models must be a dict", "a PCAFactors", "compare([model]",
    ),
    "a name": (lambda: compare("PCA", PANEL, SPLITTER), TypeError, "models must be a dict", "a str"),
    "a number": (lambda: compare(3, PANEL, SPLITTER), TypeError, "models must be a dict", "a int"),
    "no models": (lambda: compare({}, PANEL, SPLITTER), ValueError, "models is empty", "name at least one"),
    "no models in a list": (lambda: compare([], PANEL, SPLITTER), ValueError, "models is empty"),
    "a class": (
        lambda: compare({"PCA": PCAFactors}, PANEL, SPLITTER),
        TypeError, "models['PCA'] must be a FactorModel", "PCAFactors(3)", "the class PCAFactors",
    ),
    "a text among models": (
        lambda: compare([PCAFactors(1), "PCA"], PANEL, SPLITTER),
        TypeError, "models[\"'PCA'\"]", "FactorModel", "a str",
    ),
    "two models that print alike": (
        lambda: compare([Unprinted(1), Unprinted(2)], PANEL, SPLITTER), ValueError, "print alike", "Name them",
    ),
    "a model named truth": (
        lambda: compare({"truth": PCAFactors(1)}, MARKETS[0], SPLITTER), ValueError, "'truth'", "another name",
    ),
    "no data": (lambda: compare(MODELS, None, SPLITTER), TypeError, "data must be a Panel", "a NoneType"),
    "an array": (
        lambda: compare(MODELS, PANEL.returns, SPLITTER), TypeError, "data must hold panels", "a ndarray is among them",
    ),
    "a frame": (lambda: compare(MODELS, pd.DataFrame(PANEL.returns), SPLITTER), TypeError, "data must hold panels"),
    "a dict of markets": (lambda: compare(MODELS, {"a": PANEL}, SPLITTER), TypeError, "data must be a Panel", "a dict"),
    "a path": (lambda: compare(MODELS, "panel.csv", SPLITTER), TypeError, "data must be a Panel", "a str"),
    "no markets": (lambda: compare(MODELS, [], SPLITTER), ValueError, "data is empty", "at least one Panel"),
    "a list with a text": (lambda: compare(MODELS, [PANEL, "b"], SPLITTER), TypeError, "a str is among them"),
    "another splitter": (lambda: compare(MODELS, PANEL, 5), TypeError, "splitter must be a WalkForward", "a int"),
    "too few dates": (lambda: compare(MODELS, PANEL[:20], SPLITTER), ValueError, "n_train = 20", "at least 27"),
    "an unknown measure": (
        lambda: compare(MODELS, PANEL, SPLITTER, ["IC", "R2"]),
        ValueError, "measures must be some of 'total R²', 'leave-one-out R²', 'predictive R²', 'IC'", "a dict", "'R2'",
    ),
    "a function for a measure": (
        lambda: compare(MODELS, PANEL, SPLITTER, total_r2),
        TypeError, "measures", "a function",
    ),
    "a list for a measure": (lambda: compare(MODELS, PANEL, SPLITTER, [["IC"]]), ValueError, "measures", "['IC']"),
    "no measures": (lambda: compare(MODELS, PANEL, SPLITTER, []), ValueError, "measures is empty"),
    "no measures in a dict": (lambda: compare(MODELS, PANEL, SPLITTER, {}), ValueError, "measures is empty"),
    "a measure that is no function": (
        lambda: compare(MODELS, PANEL, SPLITTER, {"IC": "IC"}),
        TypeError, "measures['IC']", "function of an OutOfSample",
    ),
    "a measure of text": (
        lambda: compare(MODELS, PANEL, SPLITTER, {"mine": repr}),
        TypeError, "measures['mine']", "34 test dates", "a str",
    ),
    "a measure of another length": (
        lambda: compare(MODELS, PANEL, SPLITTER, {"mine": lambda tested: tested.returns[:5, 0]}),
        TypeError, "measures['mine']", "one for each of the 34 test dates", "(5,)",
    ),
    "a measure of two axes": (
        lambda: compare(MODELS, PANEL, SPLITTER, {"mine": lambda tested: tested.returns}), TypeError, "(34, 12)",
    ),
    "a measure of two things": (
        lambda: compare(MODELS, PANEL, SPLITTER, {"mine": lambda tested: (1.0, 2.0)}),
        TypeError, "a tuple of shape (2,)",
    ),
    "a measure of nothing": (
        lambda: compare(MODELS, PANEL, SPLITTER, {"mine": lambda tested: None}),
        TypeError, "measures['mine']", "NoneType",
    ),
    "a baseline that is none": (
        lambda: compare(MODELS, PANEL, SPLITTER, baseline="CA1"), ValueError, "baseline", "'IPCA'", "'CA1'",
    ),
    "the truth of data as a baseline": (
        lambda: compare(MODELS, PANEL, SPLITTER, baseline="truth"), ValueError, "baseline", "'cross sections'; 'truth'",
    ),
    "progress as text": (lambda: compare(MODELS, PANEL, SPLITTER, progress="yes"), TypeError, "progress", "'yes'"),
    "a number for the folder": (lambda: compare(MODELS, PANEL, SPLITTER, folder=3), TypeError, "folder", "a int"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])
