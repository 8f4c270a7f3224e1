"""Walking forward, against index lists written by hand, plain loops, scikit-learn and skfolio; interruptions; no look-ahead."""

import json
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from functools import partial
from pathlib import Path

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
from helpers.evaluation.splitter import WalkForward
from helpers.evaluation.walk_forward import OutOfSample, out_of_sample
from helpers.models.base import FactorModel
from helpers.models.ipca import InstrumentedPCA
from helpers.models.pca import PCAFactors
from helpers.models.regression import CrossSectionalRegression, TimeSeriesRegression
from tests.common import assert_refused, small_panel

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
            elif before_validation > (purge if n_validation else purge + embargo) and (expanding or before_validation <= n_train):
                train.append(d)
        folds.append((train, validation, test))
    return folds


def suitable(sizes):
    gap = sizes["purge"] + sizes["embargo"]
    if sizes["n_validation"]:
        return gap < sizes["n_validation"] and sizes["purge"] < sizes["n_train"]
    return gap < sizes["n_train"]


# --- The folds -----------------------------------------------------------------------------------------------------------------


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
    assert as_lists(splitter.split(np.zeros((6, 2)))) == splits and splitter.get_n_splits(np.zeros((6, 2))) == len(expected)


def test_the_papers_scheme_trains_18_years_validates_12_and_tests_30():
    folds = WalkForward(18, 12, 1).slices(60)
    years = [(1957 + f.train.start, 1957 + f.train.stop, 1957 + f.validation.stop, 1957 + f.test.stop) for f in folds]
    assert len(folds) == 30 and years[0] == (1957, 1975, 1987, 1988) and years[-1] == (1957, 2004, 2016, 2017)


@SOME
@given(SIZES, st.integers(1, 30))
def test_a_fold_holds_the_dates_that_a_loop_over_all_dates_puts_into_it(sizes, more):
    assume(suitable(sizes))
    n_dates = sizes["n_train"] + sizes["n_validation"] + more
    folds = WalkForward(**sizes).slices(n_dates)
    assert [(positions(f.train), positions(f.validation) or [], positions(f.test)) for f in folds] == by_hand(n_dates, **sizes)


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
    words = "WalkForward(n_train=5, n_validation=0, n_test=2, purge=0, embargo=0, expanding=True)"
    splitter = WalkForward(5, n_test=2)
    assert repr(splitter) == repr(clone(splitter)) == repr(pickle.loads(pickle.dumps(splitter))) == words
    assert clone(splitter) is not splitter
    WalkForward(-1, purge="many")  # looked at when it is used


# --- The same folds elsewhere --------------------------------------------------------------------------------------------------


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


# --- Rows of several tickers ---------------------------------------------------------------------------------------------------


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


# --- scikit-learn --------------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("purge", [0, 1])
def test_a_day_ahead_target_reaches_into_the_test_unless_one_date_is_purged(purge):
    splitter, other = WalkForward(20, n_test=5, purge=purge), changed(PANEL, slice(20, None), ["returns"])
    weights = []
    for panel in (PANEL, other):
        x, y = panel.characteristics[:-1].reshape(-1, 3), panel.returns[1:].reshape(-1)
        before, _ = next(splitter.split(x, groups=np.repeat(np.arange(39), 12)))
        weights.append(Ridge().fit(x[before], y[before]).coef_)
    assert np.array_equal(*weights) == bool(purge)


# --- Out of sample -------------------------------------------------------------------------------------------------------------

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
    for k, parts in enumerate(by_hand(40, **vars(splitter))):
        train, validation, test = parts
        fitted = clone(model).fit(panel[train[0] : train[-1] + 1], panel[np.array(validation)] if validation else None)
        factors = fitted.factors(panel)
        for d in test:
            beta = fitted.betas(panel)[d]
            assert np.allclose(found.reconstruction[row], beta @ factors[d])
            assert np.allclose(found.prediction[row], beta @ factors[:d].mean(axis=0))
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
    assert not np.allclose(before.prediction[row + 1], after.prediction[row + 1])
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
    """A model that, as a network does, goes on from where its last fit ended: it says how many dates it has seen in all."""

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


def test_progress_is_shown_when_it_is_asked_for(capsys, monkeypatch):
    monkeypatch.setattr(walk_forward, "tqdm", partial(walk_forward.tqdm, disable=False))  # against TQDM_DISABLE
    out_of_sample(PCAFactors(1), PANEL, SPLITTER)
    assert capsys.readouterr() == ("", "")
    out_of_sample(PCAFactors(1), PANEL, SPLITTER, progress=True)
    shown = capsys.readouterr()
    assert shown.out == "" and "folds" in shown.err and "/3" in shown.err


# --- The folder ----------------------------------------------------------------------------------------------------------------


def same(a, b):
    assert isinstance(a, OutOfSample) and a.dates.equals(b.dates)
    return all(getattr(a, name).tobytes() == getattr(b, name).tobytes() for name in ("reconstruction", "prediction", "fold"))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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
    assert names(folder) == [f"fold_{k:03d}.npz" for k in range(stop_at)]
    untouched = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    fits.stop_at = None
    assert same(run(str(folder)), whole) and fits == [15, 21, 27]
    assert all(path.stat().st_mtime_ns == time for path, time in untouched.items())
    assert same(run(folder), whole) and len(fits) == 3  # nothing is left to do


def test_an_interruption_while_a_fold_is_written_leaves_no_part_of_it(fits, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(walk_forward.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        out_of_sample(PCAFactors(2), PANEL, SPLITTER, tmp_path)
    assert names(tmp_path) == []


KILLED = """
import os
from helpers import walk_forward
from tests.test_walk_forward import GAPPY, SPLITTER, MODELS

def replace(unfinished, path):
    if path.name == "fold_001.npz":
        os.kill(os.getpid(), 9)
    genuine(unfinished, path)

genuine, os.replace = os.replace, replace
walk_forward.out_of_sample(MODELS["components"], GAPPY, SPLITTER, {folder!r})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
def test_a_killed_run_goes_on_in_another_process(fits, tmp_path):
    root = Path(__file__).parent.parent
    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(folder=str(tmp_path))], cwd=root, capture_output=True, check=False
    )
    assert killed.returncode == -9, killed.stderr.decode()
    assert names(tmp_path) == ["fold_000.npz", "fold_001.npz.unfinished"]
    found = out_of_sample(MODELS["components"], GAPPY, SPLITTER, tmp_path)
    assert fits == [21, 27] and names(tmp_path) == ["fold_000.npz", "fold_001.npz", "fold_002.npz"]
    assert same(found, out_of_sample(MODELS["components"], GAPPY, SPLITTER))


def test_the_same_run_is_known_again_by_its_values(fits, tmp_path):
    whole = out_of_sample(PCAFactors(2), PANEL, SPLITTER, tmp_path)
    arrays = {name: np.asfortranarray(getattr(PANEL, name)) for name in ("returns", "characteristics", "portfolios")}
    again = replace(PANEL, **arrays, dates=PANEL.dates.as_unit("ns"), tickers=list(PANEL.tickers))
    sizes = {name: np.int64(value) for name, value in vars(SPLITTER).items() if name != "expanding"}
    assert same(out_of_sample(PCAFactors(np.int64(2)), again, WalkForward(**sizes), tmp_path), whole) and len(fits) == 3


class Plain(Remembering):
    """A model with a parameter of any kind."""

    def __init__(self, parameter=None, progress=False, n_jobs=1):
        super().__init__()
        self.parameter, self.progress, self.n_jobs = parameter, progress, n_jobs


def test_a_run_may_go_on_with_a_progress_bar_or_other_processes(tmp_path):
    out_of_sample(Plain(), PANEL, SPLITTER, tmp_path)
    out_of_sample(Plain(progress=True, n_jobs=2), PANEL, SPLITTER, tmp_path, progress=True)


BETAS = pd.DataFrame(RANDOM.normal(size=(12, 2)), index=PANEL.tickers)


@pytest.mark.parametrize(
    ("there", "here", "words"),
    [
        (2, 3, "model parameter is 2 there and 3 here"),
        (1, True, "model parameter is 1 there and True here"),
        ((32, 16), (32,), "model parameter is (32, 16) there and (32) here"),
        (None, 0.5, "model parameter is None there and 0.5 here"),
        (PCAFactors(2), PCAFactors(3), "model parameter__n_factors is 2 there and 3 here"),
        (BETAS, BETAS + 1e-12, "model parameter is float64 (12, 2) "),
        (BETAS, BETAS[::-1], "model parameter is float64 (12, 2) "),
        (BETAS, BETAS.rename(index={"T00": "AAPL"}), "12 labels "),
        (BETAS.to_numpy(), BETAS.to_numpy()[::-1], "model parameter is float64 (12, 2) "),
        (BETAS.to_numpy(), BETAS.to_numpy().T, "float64 (2, 12) "),
        ({"a": 1}, {"a": 2}, "model parameter is dict "),
        (np.sqrt, np.square, "model parameter is ufunc "),
    ],
)
def test_a_folder_of_a_model_with_another_parameter_is_refused(there, here, words, tmp_path):
    splitter = WalkForward(20, n_test=10)
    out_of_sample(Plain(there), PANEL, splitter, tmp_path)
    out_of_sample(Plain(there), PANEL, splitter, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    call = partial(out_of_sample, Plain(here), PANEL, splitter, tmp_path)
    assert_refused(call, ValueError, str(tmp_path), "another run", words, "a folder of its own")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("model", "panel", "splitter", "words"),
    [
        (PCAFactors(2), PANEL, SPLITTER, "model is helpers.evaluation.walk_forward.PCAFactors"),
        (None, changed(PANEL, slice(39, None), ["returns"]), SPLITTER, "panel returns is float64 (40, 12) "),
        (None, changed(PANEL, slice(39, None), ["characteristics"]), SPLITTER, "panel characteristics is float64 (40, 12, 3) "),
        (None, replace(PANEL, portfolios=None, portfolio_names=None), SPLITTER, "panel portfolios is float64 (40, 2) "),
        (None, replace(PANEL, dates=range(40)), SPLITTER, "panel dates is 40 labels "),
        (None, replace(PANEL, tickers=range(12)), SPLITTER, "panel tickers is 12 labels "),
        (None, replace(PANEL, characteristic_names=[1, 2, 3]), SPLITTER, "panel characteristic_names is 3 labels "),
        (None, PANEL[:36], SPLITTER, "panel returns is float64 (40, 12) "),
        (None, PANEL, WalkForward(16, 8, 6, 1, 1), "splitter embargo is 2 there and 1 here"),
        (None, PANEL, WalkForward(16, 8, 6, 1, 2, expanding=False), "splitter expanding is True there and False here"),
    ],
)
def test_a_folder_of_another_run_is_refused(model, panel, splitter, words, fits, tmp_path):
    out_of_sample(Plain(), PANEL, SPLITTER, tmp_path)
    (tmp_path / "fold_000.npz").unlink()  # whichever folds are there
    words = words.replace(
        "helpers.evaluation.walk_forward.PCAFactors", "tests.test_walk_forward.Plain there and helpers.models.pca.PCAFactors here"
    )
    assert_refused(partial(out_of_sample, model or Plain(), panel, splitter, tmp_path), ValueError, "another run", words)
    assert fits == [] and names(tmp_path) == ["fold_001.npz", "fold_002.npz"]


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-30], lambda content: b"not a fold"])
def test_a_damaged_fold_is_refused_and_made_again_once_it_is_deleted(damage, tmp_path):
    run = partial(out_of_sample, PCAFactors(2), PANEL, SPLITTER, tmp_path)
    whole, path = run(), tmp_path / "fold_001.npz"
    path.write_bytes(damage(path.read_bytes()))
    assert_refused(run, ValueError, str(path), "damaged", "Delete it")
    path.unlink()
    assert same(run(), whole)


def test_a_file_of_something_else_is_refused_and_other_files_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    run = partial(out_of_sample, PCAFactors(2), PANEL, SPLITTER, tmp_path)
    run()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    np.savez(tmp_path / "fold_007.npz", prediction=np.zeros(3))
    assert_refused(run, ValueError, "fold_007.npz", "no fold of out_of_sample")
    (tmp_path / "fold_007.npz").unlink()
    (tmp_path / "fold_007.npz").mkdir()
    with pytest.raises(OSError, match="fold_007.npz"):
        run()


def test_a_stored_fold_can_be_read_with_numpy_alone(tmp_path):
    found = out_of_sample(PCAFactors(2), PANEL, SPLITTER, tmp_path)
    with np.load(tmp_path / "fold_002.npz") as file:
        assert np.array_equal(file["prediction"], found.prediction[found.fold == 2])
        run = json.loads(str(file["run"]))
    assert run["model"] == "helpers.models.pca.PCAFactors" and run["model n_factors"] == "2" and run["splitter n_train"] == "16"


# --- Refusals ------------------------------------------------------------------------------------------------------------------


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
        (WalkForward(5, purge=2, embargo=3), ValueError, ("gap of 5", "purge = 2, embargo = 3", "n_train = 5", "at least 6")),
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
        (X, pd.Categorical(DATES), TypeError, ("groups", "'categorical'")),
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
    assert_refused(lambda: cross_val_score(Ridge(), X, Y, cv=WalkForward(40)), ValueError, "n_train = 40", "at least 41")


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
        (lambda: out_of_sample(PCAFactors(2), PANEL, SPLITTER, progress="yes"), TypeError, ("progress", "'yes'")),
        (lambda: SPLITTER.slices("all"), TypeError, ("n_dates must be a whole number", "'all'")),
    ],
)
def test_bad_input_is_refused(call, error, words):
    assert_refused(call, error, *words)


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        (PCAFactors(13), ValueError, ("n_factors must be between 1 and 12", "13")),
        (Broken(np.zeros((6, 11))), ValueError, ("reconstruction", "n_tickers = 12", "(6, 11)")),
        (Broken(np.full((6, 12), np.inf)), ValueError, ("reconstruction has 72 infinite",)),
        (Broken("words"), TypeError, ("reconstruction must hold numbers", "'words'")),
        (Broken(KeyError), KeyError, ("no luck",)),
        (Broken(RuntimeError), RuntimeError, ("no luck",)),
    ],
)
def test_an_error_of_the_model_names_the_fold_and_its_test_dates(model, error, words):
    call = partial(out_of_sample, model, PANEL, SPLITTER)
    assert_refused(call, error, "Fold 0, which tests 2002-01-31 to 2002-06-30: ", *words)


def test_a_ticker_that_comes_later_is_an_error_of_the_fold_that_meets_it(tmp_path):
    """Its returns are missing in the training part of the first two folds only."""
    returns = PANEL.returns.copy()
    returns[:20, 0] = np.nan
    panel = replace(PANEL, returns=returns)
    call = partial(out_of_sample, PCAFactors(2), panel, WalkForward(16, n_test=12), tmp_path)
    assert_refused(call, ValueError, "Fold 0, which tests 2001-05-31 to 2002-04-30: ", "T00")
    assert names(tmp_path) == []
