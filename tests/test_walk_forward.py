"""Walking forward, against lists made by hand, plain loops, scikit-learn and skfolio; interruptions; no look-ahead."""

import os
import pickle
import subprocess
import sys
import threading
from copy import deepcopy
from dataclasses import FrozenInstanceError, replace
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import skfolio.model_selection as skfolio
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LassoCV, Ridge
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.evaluation import walk_forward
from helpers.evaluation.splitter import WalkForward, split_by_date
from helpers.evaluation.walk_forward import OutOfSample, out_of_sample
from helpers.labels import labelled
from helpers.models.base import FactorModel
from helpers.models.ipca import InstrumentedPCA
from helpers.models.pca import PCAFactors
from helpers.models.regression import CrossSectionalRegression, TimeSeriesRegression
from helpers.panel import Panel
from tests.common import assert_refused, small_panel, with_value

ROOT = Path(__file__).parent.parent

SOME = settings(deadline=None, derandomize=True, max_examples=100)
SIZES = st.fixed_dictionaries(
    {
        "n_train": st.integers(1, 12),
        "n_validation": st.integers(0, 8),
        "n_test": st.integers(1, 6),
        "purge": st.integers(0, 3),
        "embargo": st.integers(0, 3),
        "expanding": st.booleans(),
    }
)
PANEL, GAPPY = small_panel(), small_panel(missing=0.1)
SPLITTER = WalkForward(n_train=16, n_validation=8, n_test=6, purge=1, embargo=2)
FIRST = 24  # position of the first date that SPLITTER tests
RANDOM = np.random.default_rng(5)
FRAME = PANEL.to_frame()
R = np.zeros((40, 12))
X, Y = FRAME[["size", "value", "momentum"]], FRAME["returns"]


def changed(panel, dates, what=("returns", "characteristics", "portfolios")):
    """The panel with other numbers at these dates."""
    arrays = {name: getattr(panel, name).copy() for name in what}
    for array in arrays.values():
        array[dates] = np.random.default_rng(99).normal(5, 10, array[dates].shape)
    return replace(panel, **arrays)


def positions(part):
    return None if part is None else list(range(part.start, part.stop))


def as_lists(splits):
    return [(list(map(int, before)), list(map(int, test))) for before, test in splits]


def by_hand(n_dates, n_train, n_validation, n_test, purge, embargo, expanding):
    """Each fold's (training, validation, test): every date is asked where it belongs."""
    folds = []
    for start in range(n_train + n_validation, n_dates, n_test):
        train, validation, test = [], [], []
        for d in range(n_dates):
            before_validation, before_test = start - n_validation - d, start - d
            if start <= d < start + n_test:
                test.append(d)
            elif purge + embargo < before_test <= n_validation:
                validation.append(d)
            elif before_validation <= (purge if n_validation else purge + embargo):
                continue
            elif expanding or before_validation <= n_train:
                train.append(d)
        folds.append((train, validation, test))
    return folds


def suitable(sizes):
    gap = sizes["purge"] + sizes["embargo"]
    if sizes["n_validation"]:
        return gap < sizes["n_validation"] and sizes["purge"] < sizes["n_train"]
    return gap < sizes["n_train"]


# --- The folds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("splitter", "expected"),
    [
        (WalkForward(3), [([0, 1, 2], None, [3]), ([0, 1, 2, 3], None, [4]), ([0, 1, 2, 3, 4], None, [5])]),
        (WalkForward(3, n_test=2, expanding=False), [([0, 1, 2], None, [3, 4]), ([2, 3, 4], None, [5])]),
        (WalkForward(2, 2), [([0, 1], [2, 3], [4]), ([0, 1, 2], [3, 4], [5])]),
        (WalkForward(2, 2, expanding=False), [([0, 1], [2, 3], [4]), ([1, 2], [3, 4], [5])]),
        (WalkForward(2, 2, purge=1), [([0], [2], [4]), ([0, 1], [3], [5])]),
        (WalkForward(2, 3, embargo=2), [([0, 1], [2], [5])]),
        (WalkForward(4, purge=1, embargo=1), [([0, 1], None, [4]), ([0, 1, 2], None, [5])]),
        (WalkForward(4, purge=1, embargo=1, expanding=False), [([0, 1], None, [4]), ([1, 2], None, [5])]),
        (WalkForward(3, n_test=99), [([0, 1, 2], None, [3, 4, 5])]),
    ],
    ids=repr,
)
def test_the_folds_of_six_dates_are_these(splitter, expected):
    assert [tuple(positions(part) for part in fold[:3]) for fold in splitter.slices(6)] == expected
    assert [positions(fold.past) for fold in splitter.slices(6)] == [list(range(test[0])) for _, _, test in expected]
    splits = [(train + (validation or []), test) for train, validation, test in expected]
    assert as_lists(splitter.split(np.zeros((6, 2)))) == splits
    assert splitter.get_n_splits(np.zeros((6, 2))) == len(expected)


MONTHS = pd.date_range("1957-03-31", "2016-12-31", freq="ME")  # the paper's


@pytest.mark.parametrize("dates", [MONTHS, MONTHS.to_period("M"), MONTHS.to_numpy(), MONTHS - pd.Timedelta(1, "D")])
def test_the_papers_scheme_trains_18_calendar_years_validates_12_and_tests_30(dates):
    folds = WalkForward(18, 12, 1, calendar_years=True).slices(dates)
    assert len(folds) == 30 and [f.train.stop for f in folds] == list(range(214, 214 + 30 * 12, 12))
    for k, (train, validation, test, past) in enumerate(folds):
        assert train.start == past.start == 0 and past.stop == test.start
        assert set(MONTHS[train].year) == set(range(1957, 1975 + k))
        assert set(MONTHS[validation].year) == set(range(1975 + k, 1987 + k)) and len(MONTHS[validation]) == 144
        assert set(MONTHS[test].year) == {1987 + k} and len(MONTHS[test]) == 12
    in_dates = WalkForward(214, 144, 12).slices(len(MONTHS))
    assert folds == in_dates  # since the other years are whole
    late = WalkForward(18 * 12, 12 * 12, 12).slices(len(MONTHS))[0]
    assert str(MONTHS[late.test.start].date()) == "1987-03-31"  # years from March to February


@pytest.mark.parametrize("expanding", [True, False])
@pytest.mark.parametrize("n_validation", [0, 2])
def test_calendar_years_are_those_of_the_dates_whatever_their_number(expanding, n_validation):
    """Against the years of each date, in uneven daily data with gaps; purge and embargo stay dates."""
    days = pd.bdate_range("2009-08-03", "2016-03-15").delete(range(300, 420))
    sizes = {"purge": 3, "embargo": 2, "expanding": expanding, "calendar_years": True}
    splitter = WalkForward(2, n_validation, 2, **sizes)
    year = days.year.to_numpy()
    first = 2009 + 2 + n_validation
    folds = splitter.slices(days)
    assert [int(year[fold.test.start]) for fold in folds] == list(range(first, 2017, 2))
    for (train, validation, test, _), y in zip(folds, range(first, 2017, 2), strict=True):
        begins = [int(np.searchsorted(year, each)) for each in (y - n_validation - 2, y - n_validation, y)]
        assert train.start == (0 if expanding else begins[0])
        assert train.stop == begins[1] - (3 if n_validation else 5)
        assert validation == (slice(begins[1], begins[2] - 5) if n_validation else None)
        assert set(year[test]) == {y, y + 1} & set(year)
    panel = Panel(returns=np.zeros((len(days), 2)), dates=days)
    assert [fold.test.n_dates for fold in splitter.folds(panel)] == [f.test.stop - f.test.start for f in folds]
    rows = as_lists(splitter.split(panel))
    assert [test for _, test in rows] == [positions(fold.test) for fold in folds]
    assert splitter.get_n_splits(panel) == len(folds)


@pytest.mark.parametrize(
    ("dates", "sizes", "error", "words"),
    [
        (60, {}, TypeError, ("calendar_years=True needs dates", "int")),
        (range(60), {}, TypeError, ("needs dates", "pd.to_datetime")),
        (["1999", "2000"], {}, TypeError, ("needs dates",)),
        (MONTHS[::-1], {}, ValueError, ("dates must ascend",)),
        (MONTHS[:300], {}, ValueError, ("n_train = 18 and n_validation = 12", "none of the 26 year(s)", "31 years")),
        (MONTHS, {"purge": 214}, ValueError, ("purge = 214", "no date", "fold 0")),
        (MONTHS, {"embargo": 144}, ValueError, ("embargo = 144", "no date")),
        (MONTHS, {"calendar_years": 1}, TypeError, ("calendar_years must be True or False",)),
    ],
)
def test_calendar_years_that_cannot_be_told_are_refused(dates, sizes, error, words):
    sizes = {"calendar_years": True} | sizes
    assert_refused(lambda: WalkForward(18, 12, 1, **sizes).slices(dates), error, *words)


@SOME
@given(SIZES, st.integers(1, 30))
def test_a_fold_holds_the_dates_that_a_loop_over_all_dates_puts_into_it(sizes, more):
    assume(suitable(sizes))
    n_dates = sizes["n_train"] + sizes["n_validation"] + more
    folds = WalkForward(**sizes).slices(n_dates)
    found = [(positions(f.train), positions(f.validation) or [], positions(f.test)) for f in folds]
    assert found == by_hand(n_dates, **sizes)


@SOME
@given(SIZES, st.integers(1, 30))
def test_every_later_date_is_tested_once_after_what_was_learned_and_validated(sizes, more):
    assume(suitable(sizes))
    splitter, first = WalkForward(**sizes), sizes["n_train"] + sizes["n_validation"]
    folds = splitter.slices(first + more)
    assert [d for fold in folds for d in positions(fold.test)] == list(range(first, first + more))
    for k, (train, validation, test, past) in enumerate(folds):
        gap = sizes["purge"] + sizes["embargo"]
        assert (past.start, past.stop) == (0, test.start)
        if validation is None:
            assert train.stop == test.start - gap
        else:
            assert validation.stop == test.start - gap and validation.start - train.stop == sizes["purge"]
            assert validation.stop - validation.start == sizes["n_validation"] - gap
        if k:
            grown = (train.stop - train.start) - (folds[k - 1].train.stop - folds[k - 1].train.start)
            assert grown == (sizes["n_test"] if sizes["expanding"] else 0)


def test_the_folds_of_a_panel_are_panels_of_the_same_dates():
    for fold, slices in zip(SPLITTER.folds(PANEL), SPLITTER.slices(40), strict=True):
        for part, where in zip(fold, slices, strict=True):
            assert part.dates.equals(PANEL.dates[where]) and np.array_equal(part.returns, PANEL.returns[where])
            assert np.array_equal(part.portfolios, PANEL.portfolios[where])
    assert [fold.validation for fold in WalkForward(38).folds(PANEL)] == [None, None]


def test_a_splitter_stores_what_it_is_given_and_shows_it():
    words = "WalkForward(n_train=5, n_validation=0, n_test=2, purge=0, embargo=0, expanding=True, "
    words += "calendar_years=False)"
    splitter = WalkForward(5, n_test=2)
    assert repr(splitter) == repr(clone(splitter)) == repr(pickle.loads(pickle.dumps(splitter))) == words
    assert clone(splitter) is not splitter
    WalkForward(-1, purge="many")  # looked at when it is used


# --- The same folds elsewhere -----------------------------------------------------------------------------------------


@SOME
@given(SIZES, st.integers(2, 5))
def test_time_series_split_of_scikit_learn_makes_the_same_folds_where_it_can(sizes, n_folds):
    """It has no validation part, and its last fold is never shorter."""
    sizes = sizes | {"n_validation": 0}
    assume(suitable(sizes))
    gap, n_dates = sizes["purge"] + sizes["embargo"], sizes["n_train"] + n_folds * sizes["n_test"]
    longest = None if sizes["expanding"] else sizes["n_train"] - gap
    other = TimeSeriesSplit(n_folds, max_train_size=longest, test_size=sizes["n_test"], gap=gap)
    dates = np.zeros((n_dates, 1))
    assert as_lists(WalkForward(**sizes).split(dates)) == as_lists(other.split(dates))


@SOME
@given(SIZES, st.integers(1, 20))
def test_walk_forward_of_skfolio_makes_the_same_folds(sizes, more):
    """Its training part is counted without the gap."""
    sizes = sizes | {"n_validation": 0}
    assume(suitable(sizes))
    gap, dates = sizes["purge"] + sizes["embargo"], np.zeros((sizes["n_train"] + more, 1))
    other = skfolio.WalkForward(
        sizes["n_test"], sizes["n_train"] - gap, expand_train=sizes["expanding"], reduce_test=True, purged_size=gap
    )
    splitter = WalkForward(**sizes)
    assert as_lists(splitter.split(dates)) == as_lists(other.split(dates))
    assert splitter.get_n_splits(dates) == other.get_n_splits(dates)


# --- Rows of several tickers ------------------------------------------------------------------------------------------


def labels(frame, splits):
    return [(list(frame.index[before]), list(frame.index[test])) for before, test in splits]


def test_the_rows_of_a_date_stay_together():
    for (before, test), fold in zip(SPLITTER.split(X), SPLITTER.slices(40), strict=True):
        known = [*positions(fold.train), *positions(fold.validation)]
        assert before.tolist() == [12 * d + s for d in known for s in range(12)]
        assert test.tolist() == [12 * d + s for d in positions(fold.test) for s in range(12)]


def test_rows_in_any_order_are_split_as_sorted_ones_with_dates_in_time_order():
    rows = RANDOM.permutation(len(X))[:300]  # with gaps, too
    unsorted = X.iloc[rows]
    expected = labels(unsorted.sort_index(), SPLITTER.split(unsorted.sort_index()))
    for (before, test), (known, later) in zip(labels(unsorted, SPLITTER.split(unsorted)), expected, strict=True):
        assert sorted(before) == known and sorted(test) == later
        assert [date for date, _ in before] == [date for date, _ in known]


def test_groups_say_the_date_of_each_row_and_go_before_the_index():
    expected = as_lists(SPLITTER.split(X))
    dates = X.index.get_level_values("date")
    for groups in (
        dates,
        dates.to_series(),
        dates.to_numpy(),
        dates.to_period("M"),
        list(dates.date),
        dates.year * 12 + dates.month,
    ):
        assert as_lists(SPLITTER.split(X.to_numpy(), groups=groups)) == expected
        assert as_lists(SPLITTER.split(X.sample(frac=1, random_state=0), groups=groups)) == expected
        assert SPLITTER.get_n_splits(X.to_numpy(), groups=groups) == len(expected)
    assert SPLITTER.get_n_splits(groups=dates) == len(expected)
    quarters = PANEL.dates.to_period("Q")  # sizes are then in quarters
    assert as_lists(WalkForward(13).split(PANEL, groups=quarters)) == [(list(range(39)), [39])]


def test_a_frame_indexed_by_date_is_split_by_date():
    wide = pd.DataFrame(PANEL.returns, index=PANEL.dates)
    expected = as_lists(SPLITTER.split(PANEL.returns))
    assert (
        as_lists(SPLITTER.split(wide))
        == as_lists(SPLITTER.split(PANEL))
        == as_lists(SPLITTER.split(list(PANEL.returns)))
        == expected
    )
    backwards = as_lists(SPLITTER.split(wide[::-1]))
    assert backwards == [([39 - d for d in before], [39 - d for d in test]) for before, test in expected]
    twice = pd.concat([wide, wide])
    assert as_lists(SPLITTER.split(twice)) == [
        tuple([row for d in part for row in (d, d + 40)] for part in fold) for fold in expected
    ]


# --- scikit-learn -----------------------------------------------------------------------------------------------------


def ridge_scores(splitter, alpha=1.0):
    """R² of each fold, in a loop over masks of the dates."""
    dates, scores = FRAME.index.get_level_values("date"), []
    for fold in splitter.slices(40):
        known = dates.isin(PANEL.dates[fold.train]) | dates.isin(PANEL.dates[fold.validation])
        test = dates.isin(PANEL.dates[fold.test])
        scores.append(Ridge(alpha).fit(X[known], Y[known]).score(X[test], Y[test]))
    return scores


def test_cross_validation_in_scikit_learn_walks_forward():
    expected = ridge_scores(SPLITTER)
    assert np.allclose(cross_validate(Ridge(), X, Y, cv=SPLITTER)["test_score"], expected)
    pipeline = make_pipeline(StandardScaler(with_std=False), Ridge())
    shuffled = FRAME.sample(frac=1, random_state=1)
    assert np.allclose(cross_val_score(pipeline, shuffled[X.columns], shuffled["returns"], cv=SPLITTER), expected)


def test_a_grid_is_searched_walking_forward():
    grid = [1e-3, 1e3]
    search = GridSearchCV(Ridge(), {"alpha": grid}, cv=SPLITTER)
    expected = [np.mean(ridge_scores(SPLITTER, alpha)) for alpha in grid]
    found = clone(search).fit(X, Y)
    assert np.allclose(found.cv_results_["mean_test_score"], expected) and found.n_splits_ == 3
    assert found.best_params_["alpha"] == grid[int(np.argmax(expected))]


def test_groups_reach_the_splitter_with_and_without_metadata_routing():
    dates, expected = FRAME.index.get_level_values("date"), ridge_scores(SPLITTER)
    x, y = X.to_numpy(), Y.to_numpy()
    assert np.allclose(cross_val_score(Ridge(), x, y, groups=dates, cv=SPLITTER), expected)
    with config_context(enable_metadata_routing=True):
        assert np.allclose(cross_val_score(Ridge(), x, y, params={"groups": dates}, cv=SPLITTER), expected)
        assert np.allclose(cross_val_score(Ridge(), X, Y, cv=SPLITTER), expected)
        found = GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=SPLITTER).fit(x, y, groups=dates)
        assert np.allclose(found.cv_results_["mean_test_score"], np.mean(expected))


def test_an_estimator_that_hands_over_bare_arrays_is_given_the_list_of_splits():
    lasso = LassoCV(alphas=[0.01, 0.1], cv=list(SPLITTER.split(X))).fit(X, Y)
    assert lasso.mse_path_.shape == (2, 3)
    assert LassoCV(alphas=[0.01, 0.1], cv=SPLITTER).fit(X, Y).mse_path_.shape == (2, 76)  # each row taken for a date


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("purge", [0, 1, 2, 3])
def test_a_target_over_some_dates_needs_a_purge_of_one_date_less(horizon, purge):
    """Row d holds what is known after date d, and the sum of the returns that follow. After date 20 row 20 is known."""
    splitter, n_rows = WalkForward(20, n_test=5, purge=purge), 40 - horizon

    def weights(panel):
        y = np.stack([panel.returns[d + 1 : d + 1 + horizon].sum(axis=0) for d in range(n_rows)]).ravel()
        x = panel.characteristics[:n_rows].reshape(-1, 3)
        before, _ = next(splitter.split(x, groups=np.repeat(np.arange(n_rows), 12)))
        return Ridge().fit(x[before], y[before]).coef_

    def reads(dates):
        return not np.array_equal(weights(PANEL), weights(changed(PANEL, dates, ["returns"])))

    assert reads(slice(21, None)) == (purge < horizon - 1)  # what is not known when row 20 is
    assert reads(slice(20, None)) == (purge < horizon)  # what is not known before date 20


# --- Out of sample ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("horizon", "purge"), [(1, 0), (3, 2), (3, 1), (3, 0)])
def test_a_forecast_of_returns_over_some_dates_knows_none_that_is_not_over(horizon, purge):
    """Row d sums the returns of dates d to d + horizon - 1. From date 26 on they change; row 26 is forecast."""
    splitter = WalkForward(20, n_test=10, purge=purge)

    def of_row_26(panel):
        sums = [panel.returns[d : d + horizon].sum(axis=0) for d in range(38)]
        over = Panel(returns=np.array(sums), characteristics=panel.characteristics[:38])
        return np.asarray(out_of_sample(InstrumentedPCA(2), over, splitter).prediction)[26 - 20]

    same = np.array_equal(of_row_26(PANEL), of_row_26(changed(PANEL, slice(26, None), ["returns"])))
    assert same == (purge >= horizon - 1)

MODELS = {
    "time series": TimeSeriesRegression(),
    "cross sections": CrossSectionalRegression(),
    "components": PCAFactors(2),
    "instrumented components": InstrumentedPCA(2),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
with_and_without_gaps = pytest.mark.parametrize("panel", [PANEL, GAPPY], ids=["complete", "gaps"])


@every_model
@with_and_without_gaps
@pytest.mark.parametrize("splitter", [SPLITTER, WalkForward(30, n_test=3, expanding=False)], ids=["grows", "rolls"])
def test_the_block_is_what_a_loop_over_folds_says_date_by_date(model, panel, splitter):
    found = out_of_sample(model, panel, splitter)
    first = splitter.n_train + splitter.n_validation
    row = 0
    sizes = {name: value for name, value in vars(splitter).items() if name != "calendar_years"}
    for k, parts in enumerate(by_hand(40, **sizes)):
        train, validation, test = parts
        fitted = clone(model).fit(panel[train[0] : train[-1] + 1], panel[np.array(validation)] if validation else None)
        factors = fitted.factors(panel)
        for d in test:
            beta = fitted.betas(panel)[d]
            assert np.allclose(found.reconstruction[row], beta @ factors[d])
            assert np.allclose(found.prediction[row], beta @ factors[: d - splitter.purge].mean(axis=0))
            assert found.fold[row] == k and found.dates[row] == panel.dates[d]
            assert np.array_equal(found.returns[row], panel.returns[d], equal_nan=True)
            row += 1
    assert row == len(found.dates) == 40 - first and found.panel.dates.equals(panel.dates[first:])


unmoved = partial(np.allclose, rtol=1e-12, atol=1e-15)  # the last bit may hang on how later dates lie in memory


@every_model
@with_and_without_gaps
@pytest.mark.parametrize("d", [FIRST, FIRST + 4, FIRST + 6, FIRST + 11])
def test_the_prediction_of_a_date_knows_its_characteristics_and_nothing_else_of_it_or_of_what_follows(model, panel, d):
    other = changed(changed(panel, slice(d, None), ["returns", "portfolios"]), slice(d + 1, None))
    before, after = (out_of_sample(model, p, SPLITTER) for p in (panel, other))
    row = d - FIRST
    assert unmoved(before.prediction[: row + 1], after.prediction[: row + 1])
    assert unmoved(before.reconstruction[:row], after.reconstruction[:row])
    later = row + 1 + SPLITTER.purge  # λ ends as many dates earlier
    assert not np.allclose(before.prediction[later], after.prediction[later])
    assert not np.allclose(before.reconstruction[row], after.reconstruction[row])


@pytest.mark.parametrize("model", [PCAFactors(2), TimeSeriesRegression()], ids=["components", "time series"])
def test_dates_left_out_do_not_move_what_is_learned(model):
    """They still count for λ, the average of the factors: it is known by then."""
    fold = SPLITTER.slices(40)[0]
    for gap in (slice(fold.train.stop, fold.validation.start), slice(fold.validation.stop, fold.test.start)):
        before, after = (out_of_sample(model, p, SPLITTER) for p in (PANEL, changed(PANEL, gap)))
        first = before.fold == 0
        assert np.array_equal(before.reconstruction[first], after.reconstruction[first])
        assert not np.allclose(before.reconstruction[~first], after.reconstruction[~first])
        assert not np.allclose(before.prediction[first], after.prediction[first])


class Remembering(FactorModel):
    """A model that, as a network does, goes on from where its last fit ended, and says how many dates it has seen."""

    def __init__(self, memory=None):
        self.memory = memory

    def fit(self, panel, validation=None):
        if self.memory is not None:
            self.memory_ = self.memory  # a parameter must not be changed by fit, but some are
        self.memory_ = getattr(self, "memory_", [])
        self.memory_.append(panel.n_dates)
        return self

    def betas(self, panel):
        return np.full((panel.n_dates, panel.n_tickers, 1), float(sum(self.memory_)))

    def factors(self, panel):
        return np.ones((panel.n_dates, 1))


@pytest.mark.parametrize("memory", [None, []], ids=["in an attribute", "in a parameter"])
def test_nothing_is_carried_from_fold_to_fold(memory):
    splitter = WalkForward(10, n_test=10)
    model = Remembering(memory)
    found = out_of_sample(model, PANEL, splitter)
    assert found.reconstruction[::10, 0].tolist() == found.prediction[::10, 0].tolist() == [10, 20, 30]
    assert not hasattr(model, "memory_") and not model.memory
    # The mistake, a model built before the loop:
    leaky = [model.fit(fold.train).reconstruct(fold.test)[0, 0] for fold in splitter.folds(PANEL)]
    assert leaky == [10, 30, 60]


def test_the_validation_part_reaches_the_network_and_every_fold_is_a_network_of_its_own():
    from helpers.models.autoencoder import ConditionalAutoencoder

    model = ConditionalAutoencoder(1, (2,), n_members=1, l1=(1e-3, 1e-2), epochs=2, batch_size=64)
    splitter = WalkForward(20, 10, 5)
    found = out_of_sample(model, PANEL, splitter)
    fold = list(splitter.folds(PANEL))[1]
    fitted = clone(model).fit(fold.train, fold.validation)
    assert np.array_equal(found.reconstruction[5:], fitted.reconstruct(fold.test))
    assert np.array_equal(found.prediction[5:], fitted.predict(fold.test, fold.past))


def test_the_result_says_what_it_holds_and_cannot_be_changed():
    found = out_of_sample(PCAFactors(1), PANEL, SPLITTER)
    assert repr(found).startswith("OutOfSample(3 folds, 16 dates x 12 tickers)")
    with pytest.raises(ValueError, match="read-only"):
        found.prediction[0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        found.fold = None
    assert found == found and found != out_of_sample(PCAFactors(1), PANEL, SPLITTER) and len({found, found}) == 1


@every_model
def test_a_model_that_does_not_read_validation_dates_learns_from_them(model):
    """Without gaps, that is a fit to all dates before the test."""
    found = out_of_sample(model, GAPPY, WalkForward(16, 8, 6))
    for k, fitted in enumerate(found.models):
        past = GAPPY[: 24 + 6 * k]
        alone, test = clone(model).fit(past), GAPPY[24 + 6 * k : 30 + 6 * k]
        assert np.allclose(found.prediction[found.fold == k], alone.predict(test, past), rtol=1e-9)
        assert np.allclose(fitted.reconstruct(GAPPY), alone.reconstruct(GAPPY), rtol=1e-9)


def with_next_month(panel):
    """The panel without the returns of its last date, nor those of its portfolios."""
    tables = {name: with_value(getattr(panel, name), -1, np.nan) for name in ("returns", "portfolios")}
    return replace(panel, **tables)


@every_model
@with_and_without_gaps
def test_a_date_that_has_not_happened_is_forecast_and_stands_beside_an_empty_return(model, panel, tmp_path):
    expected = out_of_sample(model, panel, SPLITTER)
    found = out_of_sample(model, with_next_month(panel), SPLITTER, tmp_path)
    assert np.allclose(found.prediction, expected.prediction, rtol=1e-9) and np.isfinite(found.prediction[-1]).all()
    assert np.isnan(found.reconstruction[-1]).all() and np.isnan(found.returns[-1]).all()
    assert np.allclose(found.reconstruction[:-1], expected.reconstruction[:-1], rtol=1e-9)
    last = found.to_frame().loc[panel.dates[-1]]
    assert list(last.columns) == ["returns", "reconstruction", "prediction", "fold"] and len(last) == 12
    assert last[["returns", "reconstruction"]].isna().all(axis=None) and last["prediction"].notna().all()
    assert np.array_equal(last["prediction"], found.prediction[-1]) and (last["fold"] == 2).all()


def test_next_month_alone_is_forecast_from_all_of_the_past():
    coming = with_next_month(PANEL)
    model = InstrumentedPCA(2)
    found = out_of_sample(model, coming, WalkForward(n_train=39))
    assert np.array_equal(found.prediction, clone(model).fit(coming[:39]).predict(coming[39:], coming[:39]))
    assert found.to_frame()["prediction"].notna().all() and len(found.to_frame()) == 12


def test_the_frame_holds_what_was_said_of_each_ticker_row_by_row():
    returns = with_value(GAPPY.returns, (25, 3), np.nan)
    unknown = with_value(GAPPY.characteristics, (25, 3, 0), np.nan)
    panel = replace(GAPPY, returns=returns, characteristics=unknown)
    found = out_of_sample(InstrumentedPCA(2), panel, SPLITTER)
    frame = found.to_frame()
    assert frame.index.names == ["date", "ticker"] and len(frame) == 16 * 12 - 1
    assert (panel.dates[25], "T03") not in frame.index  # neither a forecast nor a return
    for (date, ticker), row in frame.iterrows():
        d, s = found.dates.get_loc(date), panel.tickers.get_loc(ticker)
        said = [found.returns[d, s], found.reconstruction[d, s], found.prediction[d, s], found.fold[d]]
        assert np.array_equal(row, said, equal_nan=True)
    assert np.isnan(frame["returns"]).sum() == np.isnan(panel.returns[24:]).sum() - 1


def test_where_beta_is_unknown_nothing_is_said():
    unknown = with_value(PANEL.characteristics, ([20, 30], [0, 5], [1, 2]), np.nan)
    panel = replace(PANEL, characteristics=unknown)
    found = out_of_sample(InstrumentedPCA(2), panel, SPLITTER)
    assert np.argwhere(np.isnan(found.prediction)).tolist() == [[6, 5]]
    assert np.argwhere(np.isnan(found.reconstruction)).tolist() == [[6, 5]]


def test_what_was_said_has_labels():
    found = out_of_sample(PCAFactors(1), PANEL, SPLITTER)
    for said in (found.reconstruction, found.prediction):
        frame = said.to_frame()
        assert frame.index.equals(PANEL.dates[24:]) and frame.columns.equals(PANEL.tickers)
        assert np.array_equal(frame, said)


def test_arrays_handed_over_stay_their_owners_and_the_result_its_own():
    r_hat, forecast, fold = np.zeros((40, 12)), np.ones((40, 12)), np.zeros(40, int)
    found = OutOfSample(PANEL, r_hat, forecast, fold)
    r_hat[0, 0] = forecast[0, 0] = fold[0] = 7
    assert found.reconstruction[0, 0] == 0 and found.prediction[0, 0] == 1 and found.fold[0] == 0
    for name in ("reconstruction", "prediction", "fold"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(found, name)[0] = 1
    assert found.models == () and repr(found) == "OutOfSample(1 folds, 40 dates x 12 tickers)"


@pytest.mark.parametrize(
    "copied", [lambda found: pickle.loads(pickle.dumps(found)), deepcopy], ids=["pickled", "copied"]
)
def test_a_copy_is_whole(copied):
    found = out_of_sample(PCAFactors(1), PANEL, SPLITTER)
    other = copied(found)
    assert same(other, found) and other.prediction.to_frame().equals(found.prediction.to_frame())
    assert not other.prediction.flags.writeable and other.to_frame().equals(found.to_frame())


def test_progress_is_shown_when_it_is_asked_for(capsys, monkeypatch):
    monkeypatch.setattr(walk_forward, "tqdm", partial(walk_forward.tqdm, disable=False))  # against TQDM_DISABLE
    out_of_sample(PCAFactors(1), PANEL, SPLITTER)
    assert capsys.readouterr() == ("", "")
    out_of_sample(PCAFactors(1), PANEL, SPLITTER, progress=True)
    shown = capsys.readouterr()
    assert shown.out == "" and "folds" in shown.err and "/3" in shown.err


# --- The folder -------------------------------------------------------------------------------------------------------


def same(a, b):
    assert isinstance(a, OutOfSample) and a.dates.equals(b.dates)
    return all(
        getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in ("reconstruction", "prediction", "fold")
    )


def kept(folder):
    """The files of the finished folds, oldest first."""
    return sorted(folder.rglob("output.pkl"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture
def fits(monkeypatch):
    """The number of training dates of each fit of PCAFactors from now on; `stop_at` interrupts it as by Ctrl-C."""

    class Fits(list):
        stop_at = None

    made, genuine = Fits(), PCAFactors.fit

    def fit(self, panel, validation=None):
        if len(made) == made.stop_at:
            raise KeyboardInterrupt
        made.append(panel.n_dates)
        return genuine(self, panel, validation)

    monkeypatch.setattr(PCAFactors, "fit", fit)
    return made


@pytest.mark.parametrize("stop_at", [0, 1, 2])
def test_an_interrupted_run_goes_on_where_it_was_to_the_same_bytes(stop_at, fits, tmp_path):
    run = partial(out_of_sample, PCAFactors(2), GAPPY, SPLITTER)
    whole = run()
    assert fits == [15, 21, 27]
    fits.clear()
    fits.stop_at = stop_at
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "deep" / "folder")
    folder = tmp_path / "deep" / "folder"
    finished = kept(folder)
    assert len(finished) == stop_at
    untouched = {path: path.stat().st_mtime_ns for path in finished}

    fits.stop_at = None
    assert same(run(str(folder)), whole) and fits == [15, 21, 27]
    assert all(path.stat().st_mtime_ns == time for path, time in untouched.items())
    again = run(folder)
    assert same(again, whole) and len(fits) == 3  # nothing is left to do
    for model, fresh in zip(again.models, whole.models, strict=True):
        assert np.array_equal(model.betas_, fresh.betas_) and model.tickers_.equals(PANEL.tickers)
        assert np.array_equal(model.reconstruct(GAPPY), fresh.reconstruct(GAPPY))


def half_written(to_write, file, **_):
    file.write(b"the beginning of a fold")
    raise KeyboardInterrupt


def test_what_was_half_written_when_a_run_was_interrupted_is_no_fold(fits, tmp_path, monkeypatch):
    monkeypatch.setattr(joblib.numpy_pickle, "dump", half_written)
    with pytest.raises(KeyboardInterrupt):
        out_of_sample(PCAFactors(2), PANEL, SPLITTER, tmp_path)
    assert kept(tmp_path) == []
    monkeypatch.undo()
    assert same(out_of_sample(PCAFactors(2), PANEL, SPLITTER, tmp_path), out_of_sample(PCAFactors(2), PANEL, SPLITTER))


KILLED = """
import os
import joblib
from tests import test_walk_forward as here

def fit(self, panel, validation=None):
    if {when!r} == "fitting" and panel.n_dates == 21:
        os.kill(os.getpid(), 9)
    return genuine(self, panel, validation)

def dump(to_write, file, **how):
    if {when!r} == "writing" and to_write[2].n_dates_seen == 21:
        file.write(b"the beginning of a fold")
        file.flush()
        os.kill(os.getpid(), 9)
    written(to_write, file, **how)

def counting(self, panel, validation=None):
    self.n_dates_seen = panel.n_dates
    return fit(self, panel, validation)

genuine, here.PCAFactors.fit = here.PCAFactors.fit, counting
written, joblib.numpy_pickle.dump = joblib.numpy_pickle.dump, dump
here.out_of_sample(here.MODELS["components"], here.GAPPY, here.SPLITTER, {folder!r})
"""


def in_another_process(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
@pytest.mark.parametrize("when", ["fitting", "writing"])
def test_a_killed_run_goes_on_in_another_process(when, fits, tmp_path):
    killed = in_another_process(KILLED.format(folder=str(tmp_path), when=when))
    assert killed.returncode == -9, killed.stderr
    assert len(kept(tmp_path)) == 1
    found = out_of_sample(MODELS["components"], GAPPY, SPLITTER, tmp_path)
    assert fits == [21, 27] and len(kept(tmp_path)) == 3
    assert same(found, out_of_sample(MODELS["components"], GAPPY, SPLITTER))


RECALLED = """
from tests import test_walk_forward as here
here.PCAFactors.fit = None
for folder in {folders!r}:
    found = here.out_of_sample(here.MODELS["components"], here.GAPPY, here.SPLITTER, folder)
    print(found.prediction.sum().hex())
"""


def test_another_process_fits_no_finished_fold_again_in_whichever_folder(tmp_path):
    """joblib alone forgets to mark a second folder as one of the same function, so that another process begins anew."""
    folders = [str(tmp_path / name) for name in ("first", "second")]
    for folder in folders:
        found = out_of_sample(MODELS["components"], GAPPY, SPLITTER, folder)
    recalled = in_another_process(RECALLED.format(folders=folders))
    assert recalled.stdout.split() == [found.prediction.sum().hex()] * 2 and recalled.stderr == ""


class Plain(Remembering):
    """A model with a parameter of any kind, which says how many dates all of its fits have seen."""

    n_fits = 0

    def __init__(self, parameter=None, progress=False, n_jobs=1, verbose=0):
        super().__init__()
        self.parameter, self.progress, self.n_jobs, self.verbose = parameter, progress, n_jobs, verbose

    def fit(self, panel, validation=None):
        Plain.n_fits += 1
        return super().fit(panel, validation)


def n_fits(model, folder, panel=PANEL, splitter=SPLITTER, **how):
    """How many folds are fitted for this call."""
    before = Plain.n_fits
    out_of_sample(model, panel, splitter, folder, **how)
    return Plain.n_fits - before


def test_the_same_run_is_known_again_by_its_values(fits, tmp_path):
    whole = out_of_sample(PCAFactors(2), PANEL, SPLITTER, tmp_path)
    arrays = {name: np.asfortranarray(getattr(PANEL, name)) for name in ("returns", "characteristics", "portfolios")}
    labels = {"dates": PANEL.dates.as_unit("ns"), "tickers": PANEL.tickers.astype(object)}
    labels |= {name: list(getattr(PANEL, name)) for name in ("characteristic_names", "portfolio_names")}
    again = replace(PANEL, **arrays, **labels)
    sizes = {
        name: np.int64(value) for name, value in vars(SPLITTER).items() if name not in ("expanding", "calendar_years")
    }
    assert same(out_of_sample(PCAFactors(np.int64(2)), again, WalkForward(**sizes), tmp_path), whole) and len(fits) == 3
    assert kept(tmp_path) and len(kept(tmp_path)) == 3


def test_a_run_may_go_on_with_a_progress_bar_or_other_processes(tmp_path):
    assert n_fits(Plain(Plain()), tmp_path) == 3
    assert n_fits(Plain(Plain(progress=True), progress=True, n_jobs=2, verbose=3), tmp_path, progress=True) == 0
    assert n_fits(Plain(Plain(n_jobs=4)), tmp_path) == 0


BETAS = pd.DataFrame(RANDOM.normal(size=(12, 2)), index=PANEL.tickers)


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (2, 3),
        (1, True),
        ((32, 16), (32,)),
        (None, 0.5),
        ("CA1", "CA2"),
        (PCAFactors(2), PCAFactors(3)),
        (PCAFactors(2), InstrumentedPCA(2)),
        (BETAS, BETAS + 1e-12),
        (BETAS, BETAS[::-1]),
        (BETAS, BETAS.rename(index={"T00": "AAPL"})),
        (BETAS, BETAS.rename(columns={1: 2})),
        (BETAS[0], BETAS[1]),
        (BETAS.to_numpy(), BETAS.to_numpy()[::-1]),
        (BETAS.to_numpy(), BETAS.to_numpy().T),
        (labelled(BETAS, *BETAS.axes), labelled(BETAS, BETAS.index[::-1], BETAS.columns)),
        (PANEL.dates, PANEL.dates + pd.Timedelta(1, "D")),
        (pd.Index([1, 2]), pd.Index(["1", "2"])),
        ({"a": 1}, {"a": 2}),
        (np.sqrt, np.square),
    ],
)
def test_a_run_with_another_parameter_is_another_run_and_both_may_share_a_folder(there, here, tmp_path):
    splitter = WalkForward(20, n_test=10)
    for parameter in (there, here):
        assert n_fits(Plain(parameter), tmp_path, splitter=splitter) == 2
    for parameter in (there, here):
        assert n_fits(Plain(deepcopy(parameter)), tmp_path, splitter=splitter) == 0
    assert len(kept(tmp_path)) == 4


@pytest.mark.parametrize(
    ("panel", "splitter"),
    [
        (changed(PANEL, slice(39, None), ["returns"]), SPLITTER),
        (changed(PANEL, slice(39, None), ["characteristics"]), SPLITTER),
        (changed(PANEL, slice(39, None), ["portfolios"]), SPLITTER),
        (replace(PANEL, portfolios=None, portfolio_names=None), SPLITTER),
        (replace(PANEL, dates=range(40)), SPLITTER),
        (replace(PANEL, tickers=range(12)), SPLITTER),
        (replace(PANEL, characteristic_names=[1, 2, 3]), SPLITTER),
        (replace(PANEL, portfolio_names=["market", "gold"]), SPLITTER),
        (PANEL[:36], SPLITTER),
        (PANEL, WalkForward(16, 8, 6, 1, 1)),
        (PANEL, WalkForward(16, 8, 6, 1, 2, expanding=False)),
    ],
)
def test_a_run_on_other_data_or_other_folds_is_another_run(panel, splitter, tmp_path):
    for panels, folds in ((PANEL, SPLITTER), (panel, splitter)):
        assert n_fits(Plain(), tmp_path, panels, folds) > 1
    for panels, folds in ((PANEL, SPLITTER), (panel, splitter)):
        assert n_fits(Plain(), tmp_path, panels, folds) == 0


def test_another_class_of_the_same_parameters_is_another_run(tmp_path):
    class_of_same_name = type("Plain", (Plain,), {"__module__": "elsewhere"})
    with pytest.warns(UserWarning, match="No fold of this Plain is kept"):
        assert n_fits(class_of_same_name(), tmp_path) == 3
    assert n_fits(Plain(), tmp_path) == 3
    assert n_fits(TwoOf(), tmp_path) == 3


class TwoOf(Plain):
    """Another model with the same parameters."""


DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[:-30],
    "another": lambda content: b"not a fold",
    "one bit": lambda content: content[:900] + bytes([content[900] ^ 4]) + content[901:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_fold_is_fitted_again_and_says_so(damage, fits, tmp_path, capfd, caplog):
    run = partial(out_of_sample, PCAFactors(2), PANEL, SPLITTER, tmp_path)
    whole, path = run(), kept(tmp_path)[1]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(UserWarning, match="Fold 1 in .* cannot be read and is fitted again") as warned:
        assert same(run(), whole)
    assert len(warned) == 1 and str(tmp_path) in str(warned[0].message) and warned[0].filename == __file__
    assert fits == [15, 21, 27, 21]
    assert same(run(), whole) and len(fits) == 4
    assert capfd.readouterr() == ("", "") and not caplog.records  # joblib would have told its own story


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "helpers").mkdir()
    out_of_sample(PCAFactors(2), PANEL, SPLITTER, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine" and len(kept(tmp_path)) == 3


def test_a_model_whose_class_cannot_be_found_again_is_tested_and_not_kept(tmp_path, capfd):
    class Mine(Plain):
        pass

    with pytest.warns(UserWarning, match="No fold of this Mine is kept in .*pickle cannot write it") as warned:
        found = out_of_sample(Mine(), PANEL, SPLITTER, tmp_path)
    assert "top of a module" in str(warned[0].message) and warned[0].filename == __file__ and len(warned) == 1
    assert same(found, out_of_sample(Mine(), PANEL, SPLITTER)) and kept(tmp_path) == []
    assert capfd.readouterr() == ("", "")


def test_a_parameter_that_pickle_cannot_write_is_no_reason_to_stop(tmp_path):
    with pytest.warns(UserWarning, match="No fold of this Plain is kept"):
        found = out_of_sample(Plain(lambda: None), PANEL, SPLITTER, tmp_path)
    assert same(found, out_of_sample(Plain(), PANEL, SPLITTER)) and kept(tmp_path) == []


class Locked(Remembering):
    """A model that has learned what pickle cannot write."""

    def fit(self, panel, validation=None):
        self.lock_ = threading.Lock()
        return super().fit(panel, validation)


class Nameless(Locked):
    """Another one; what it has learned has no name by which pickle could find it."""

    def fit(self, panel, validation=None):
        super().fit(panel, validation)
        self.lock_ = lambda: None
        return self


@pytest.mark.filterwarnings("ignore:Fold . in .* cannot be read")  # what joblib began to write
@pytest.mark.parametrize("model", [Locked(), Nameless()], ids=repr)
def test_a_fitted_model_that_pickle_cannot_write_is_tested_each_time(model, tmp_path, capfd):
    expected = out_of_sample(model, PANEL, SPLITTER)
    for _ in range(2):
        with pytest.warns(Warning, match="Unable to cache to disk"):
            assert same(out_of_sample(model, PANEL, SPLITTER, tmp_path), expected)
    assert capfd.readouterr() == ("", "")


SCRIPT = """
import sys
from helpers.evaluation import out_of_sample
from tests.test_walk_forward import PANEL, SPLITTER, Remembering

class Mine(Remembering):
    def fit(self, panel, validation=None):
        print("fitted")
        return super().fit(panel, validation)

print(out_of_sample(Mine(), PANEL, SPLITTER, sys.argv[1]).prediction[:, 0].tolist())
"""


def test_a_model_of_a_script_is_kept_for_the_next_run_of_the_script(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT)
    runs = [
        subprocess.run(
            [sys.executable, script, tmp_path / "kept"],
            env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [run.stderr for run in runs] == ["", ""]
    assert runs[0].stdout == "fitted\n" * 3 + runs[1].stdout and runs[1].stdout.startswith("[15.0, ")


def test_nothing_is_printed(tmp_path, capfd, caplog, recwarn):
    for _ in range(2):
        out_of_sample(PCAFactors(2), PANEL, SPLITTER, tmp_path)
    assert capfd.readouterr() == ("", "") and not caplog.records and not recwarn.list


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("splitter", "error", "words"),
    [
        (WalkForward(0), ValueError, ("n_train must be at least 1", "0")),
        (WalkForward(1.5), TypeError, ("n_train must be a whole number", "1.5")),
        (WalkForward("year"), TypeError, ("n_train", "'year'")),
        (WalkForward(5, -1), ValueError, ("n_validation must be at least 0", "-1")),
        (WalkForward(5, n_test=0), ValueError, ("n_test must be at least 1", "0")),
        (WalkForward(5, purge=-1), ValueError, ("purge must be at least 0", "-1")),
        (WalkForward(5, embargo=None), TypeError, ("embargo must be a whole number", "None")),
        (WalkForward(5, expanding="yes"), TypeError, ("expanding must be True or False", "'yes'")),
        (
            WalkForward(5, purge=2, embargo=3),
            ValueError,
            ("gap of 5", "purge = 2, embargo = 3", "n_train = 5", "at least 6"),
        ),
        (WalkForward(5, 5, purge=2, embargo=3), ValueError, ("gap of 5", "n_validation = 5", "at least 6")),
        (WalkForward(2, 5, purge=2), ValueError, ("gap of 2", "n_train = 2", "at least 3")),
        (WalkForward(40), ValueError, ("n_train = 40", "none of the 40 date(s)", "at least 41")),
        (WalkForward(30, 10), ValueError, ("n_train = 30 and n_validation = 10", "at least 41", "smaller parts")),
    ],
    ids=repr,
)
def test_sizes_that_make_no_folds_are_refused_when_they_are_used(splitter, error, words):
    for call in (
        lambda: splitter.folds(PANEL),
        lambda: splitter.split(X),
        lambda: splitter.get_n_splits(X),
        lambda: splitter.slices(40),
        lambda: out_of_sample(PCAFactors(2), PANEL, splitter),
    ):
        assert_refused(call, error, *words)


DATES = X.index.get_level_values("date")


@pytest.mark.parametrize(
    ("x", "groups", "error", "words"),
    [
        (None, None, TypeError, ("X must have rows", "NoneType")),
        (5, None, TypeError, ("X must have rows", "int")),
        (np.float64(5), None, TypeError, ("X must have rows",)),
        (np.zeros((0, 2)), None, ValueError, ("n_dates must be at least 1", "0")),
        (X.swaplevel(), None, TypeError, ("(ticker, date)", "X.swaplevel()")),
        (X.swaplevel().rename_axis(["a", "b"]), None, TypeError, ("(ticker, date)",)),
        (pd.DataFrame({"x": 1.0}, pd.MultiIndex.from_product([[7, 8], [1, 2]], names=["id", "Month"])), None, TypeError,
         ("(ticker, date)",)),
        (X.droplevel("date"), None, TypeError, ("The dates of X", "'string'", "'T00'", "pd.to_datetime")),
        (X.reset_index(drop=True)[::-1], None, ValueError, ("numbers do not ascend", "groups=")),
        (pd.concat([X.reset_index(drop=True)] * 2), None, ValueError, ("numbers do not ascend", "reset_index")),
        (X.to_numpy(), DATES[1:], ValueError, ("groups", "480 rows", "479")),
        (X, DATES.astype(str), TypeError, ("groups", "'string'", "'2000-01-31'", "pd.to_datetime")),
        (X, [DATES[0], 3] * 240, TypeError, ("groups", "'mixed-integer'")),
        (X, pd.Categorical(DATES.astype(str)), TypeError, ("groups", "'string'")),
        (X, X.index, ValueError, ("groups must be one date for each row", "get_level_values")),
        (X, np.zeros((480, 2)), ValueError, ("groups must be one date for each row",)),
        (X, DATES.where(DATES > DATES[0]), ValueError, ("groups are missing for 12 row(s)",)),
        (X, np.where(DATES.year > 2000, DATES.year, np.nan), ValueError, ("groups are missing for 144 row(s)",)),
    ],
)  # fmt: skip
def test_rows_whose_dates_are_not_certain_are_refused(x, groups, error, words):
    assert_refused(lambda: SPLITTER.split(x, groups=groups), error, *words)
    assert_refused(lambda: SPLITTER.get_n_splits(x, groups=groups), error, *words)


def test_scikit_learn_passes_the_refusal_on():
    assert_refused(
        lambda: cross_val_score(Ridge(), X, Y, cv=WalkForward(40)), ValueError, "n_train = 40", "at least 41"
    )


class Broken(Remembering):
    """A model that says something of the wrong kind."""

    def __init__(self, said):
        super().__init__()
        self.said = said

    def reconstruct(self, panel):
        if isinstance(self.said, type):
            raise self.said("no luck")
        return self.said


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: out_of_sample(PCAFactors, PANEL, SPLITTER), TypeError, ("model", "the class PCAFactors")),
        (lambda: out_of_sample(Ridge(), PANEL, SPLITTER), TypeError, ("model must be a FactorModel", "Ridge")),
        (lambda: out_of_sample(PCAFactors(2), FRAME, SPLITTER), TypeError, ("A Panel is needed", "DataFrame")),
        (lambda: SPLITTER.folds(FRAME), TypeError, ("A Panel is needed", "DataFrame")),
        (lambda: out_of_sample(PCAFactors(2), PANEL, KFold()), TypeError, ("splitter must be a WalkForward", "KFold")),
        (lambda: out_of_sample(PCAFactors(2), PANEL, SPLITTER, 3), TypeError, ("folder must be a path", "int")),
        (lambda: out_of_sample(PCAFactors(2), PANEL, SPLITTER, __file__), ValueError, ("is a file", "another name")),
        (lambda: out_of_sample(PCAFactors(2), PANEL, SPLITTER, Path(__file__) / "x"), OSError, ("test_walk_forward",)),
        (lambda: out_of_sample(PCAFactors(2), PANEL, SPLITTER, progress="yes"), TypeError, ("progress", "'yes'")),
        (lambda: SPLITTER.slices("all"), TypeError, ("n_dates must be a whole number", "'all'")),
        (lambda: split_by_date(PANEL, (0.5, 0.0, 0.5)), ValueError, ("fractions must be above 0", "(0.5, 0.0, 0.5)")),
        (lambda: OutOfSample(PANEL, R[1:], R, R[:, 0]), ValueError, ("reconstruction", "n_dates = 40", "(39, 12)")),
        (lambda: OutOfSample(PANEL, R, R[:, 1:], R[:, 0]), ValueError, ("prediction", "n_tickers = 12", "(40, 11)")),
        (lambda: OutOfSample(PANEL, R, R, R[1:, 0]), ValueError, ("fold", "n_dates = 40", "(39,)")),
    ],
)
def test_bad_input_is_refused(call, error, words):
    assert_refused(call, error, *words)


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        (PCAFactors(13), ValueError, ("n_factors must be between 1 and 12", "13")),
        (Broken(np.zeros((6, 11))), ValueError, ("reconstruct", "n_tickers = 12", "(6, 11)")),
        (Broken(np.full((6, 12), np.inf)), ValueError, ("reconstruct has 72 infinite",)),
        (Broken("words"), TypeError, ("reconstruct must hold numbers", "'words'")),
        (Broken(KeyError), KeyError, ("no luck",)),
        (Broken(RuntimeError), RuntimeError, ("no luck",)),
    ],
)
@pytest.mark.parametrize("folder", [False, True], ids=["", "with a folder"])
def test_an_error_of_the_model_keeps_its_kind_and_is_noted_with_the_fold_and_its_test_dates(
    model, error, words, folder, tmp_path
):
    with pytest.raises(error) as refusal:
        out_of_sample(model, PANEL, SPLITTER, tmp_path if folder else None)
    assert type(refusal.value) is error and all(word in str(refusal.value) for word in words)
    assert refusal.value.__notes__ == ["This was fold 0, which tests 2002-01-31 to 2002-06-30."]
    assert kept(tmp_path) == []


def test_a_ticker_that_comes_later_is_an_error_of_the_fold_that_meets_it(tmp_path):
    """Its returns are missing in the training part of the first fold only."""
    returns = PANEL.returns.copy()
    returns[:20, 0] = np.nan
    panel = replace(PANEL, returns=returns)
    with pytest.raises(ValueError, match="T00") as refusal:
        out_of_sample(PCAFactors(2), panel, WalkForward(16, n_test=12), tmp_path)
    assert refusal.value.__notes__ == ["This was fold 0, which tests 2001-05-31 to 2002-04-30."]
    assert kept(tmp_path) == []
    later = replace(panel, returns=with_value(panel.returns, (slice(20), 0), PANEL.returns[:20, 0]), dates=range(40))
    broken = replace(later, returns=with_value(later.returns, (slice(16, 40), 3), np.nan))
    with pytest.raises(ValueError) as refusal:
        out_of_sample(PCAFactors(17), broken, WalkForward(16, n_test=12), tmp_path)
    assert refusal.value.__notes__ == ["This was fold 0, which tests 16 to 27."]
