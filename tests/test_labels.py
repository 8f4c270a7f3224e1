"""Arrays with labels, against pandas; and tables with labels that are set side by side."""

import copy
import io
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest

from helpers.checks import labels_along, require_same_axis
from helpers.equation import product, share_explained
from helpers.labels import Labelled, factor_names, labelled, pairs
from tests.common import assert_refused

DATES = pd.date_range("2020-01-31", periods=4, freq="ME", name="date")
TICKERS = pd.Index(["IBM", "AAPL", "MSFT"], name="ticker")  # not sorted, and to stay so
FACTORS = factor_names(2)
VALUES = np.arange(12.0).reshape(4, 3) - 3


def table():
    return labelled(np.array(VALUES), DATES, TICKERS)


def betas():
    return labelled(np.arange(24.0).reshape(4, 3, 2), DATES, TICKERS, FACTORS)


# Frames


def test_one_axis_makes_a_series():
    series = labelled(VALUES[0], TICKERS).to_frame()
    pd.testing.assert_series_equal(series, pd.Series(VALUES[0], TICKERS))


def test_two_axes_make_a_table():
    pd.testing.assert_frame_equal(table().to_frame(), pd.DataFrame(VALUES, DATES, TICKERS))


def test_three_axes_make_a_long_frame_in_the_order_of_the_labels():
    frame = betas().to_frame()
    assert list(frame.index) == [(date, ticker) for date in DATES for ticker in TICKERS]
    assert frame.index.names == ["date", "ticker"] and list(frame.columns) == ["F1", "F2"]
    assert frame.columns.name == "factor"
    for d, date in enumerate(DATES):
        for s, ticker in enumerate(TICKERS):
            assert frame.loc[(date, ticker)].tolist() == betas()[d, s].tolist()


def test_pairs_keep_the_order_of_both_kinds_of_labels():
    assert list(pairs(DATES[::-1], TICKERS)) == [(date, ticker) for date in DATES[::-1] for ticker in TICKERS]
    assert pairs(DATES, TICKERS).names == ["date", "ticker"]


def test_factors_without_names_are_numbered_from_one():
    assert list(factor_names(3)) == ["F1", "F2", "F3"] and factor_names(3).name == "factor"


@pytest.mark.parametrize(
    ("values", "axes", "words"),
    [
        (VALUES, (DATES[:3], TICKERS), ("(3, 3)", "(4, 3)")),
        (VALUES, (DATES, TICKERS[:2]), ("(4, 2)", "(4, 3)")),
        (VALUES, (DATES,), ("(4,)", "(4, 3)")),
        (VALUES, (DATES, TICKERS, FACTORS), ("(4, 3, 2)", "(4, 3)")),
        (VALUES.T, (DATES, TICKERS), ("(4, 3)", "(3, 4)")),
    ],
)
def test_labels_that_do_not_fit_the_values_are_refused(values, axes, words):
    assert_refused(lambda: labelled(values, *axes), ValueError, *words)


# What is computed


PLAIN = {
    "a row": lambda a: a[0],
    "a part": lambda a: a[:2],
    "a column": lambda a: a[:, 1],
    "chosen rows": lambda a: a[[2, 0]],
    "a mask": lambda a: a[a > 0],
    "another axis": lambda a: a[:, None],
    "each row": lambda a: next(iter(a)),
    "a sum with a number": lambda a: a + 1,
    "a number less it": lambda a: 1 - a,
    "a product of two": lambda a: a * a,
    "a sum with an array": lambda a: a + VALUES,
    "an array and it": lambda a: VALUES + a,
    "its negative": lambda a: -a,
    "a root": lambda a: np.sqrt(a + 3),
    "a comparison": lambda a: a > 1,
    "where it is unknown": lambda a: np.isnan(a),
    "a matrix product": lambda a: a @ VALUES.T,
    "a matrix product from the left": lambda a: VALUES.T @ a,
    "a sum over dates": lambda a: a.sum(axis=0),
    "a mean over tickers": lambda a: np.mean(a, axis=1),
    "a standard deviation": lambda a: a.std(axis=0),
    "a median": lambda a: np.median(a, axis=0),
    "a mean of what is known": lambda a: np.nanmean(a, axis=0),
    "a running sum": lambda a: a.cumsum(axis=0),
    "differences": lambda a: np.diff(a, axis=0),
    "it twice": lambda a: np.concatenate([a, a]),
    "it and an array": lambda a: np.concatenate([a, VALUES]),
    "two side by side": lambda a: np.stack([a, a]),
    "a choice": lambda a: np.where(a > 0, a, 0.0),
    "an array of it": np.array,
    "it as an array": np.asarray,
    "rounded": lambda a: a.round(1),
    "an Einstein sum": lambda a: np.einsum("ds,ds->d", a, a),
    "an array to which it was added": lambda a: np.add(VALUES, a, out=np.empty((4, 3))),
    "an in-place sum": lambda a: a.__iadd__(1),
}


@pytest.mark.parametrize("what", PLAIN)
def test_what_is_computed_or_cut_out_is_the_plain_array_that_numpy_gives(what):
    found, expected = PLAIN[what](table()), PLAIN[what](np.array(VALUES))
    assert type(found) is np.ndarray and np.array_equal(found, expected)


@pytest.mark.parametrize(
    "compute",
    [lambda a: a[1, 2], lambda a: a.sum(), np.mean, lambda a: a.max(), np.linalg.norm, lambda a: (a > 0).any()],
)
def test_a_single_number_is_a_number(compute):
    found = compute(table())
    assert isinstance(found, np.generic) and found == compute(VALUES)


@pytest.mark.parametrize(
    "turn",
    [lambda a: a.T, lambda a: a.reshape(3, 4), lambda a: a.ravel(), lambda a: a.astype("float32"), np.sort, np.flip],
)
def test_what_was_reshaped_has_no_labels_and_says_so(turn):
    turned = turn(table())
    assert np.array_equal(turned, turn(VALUES)) and labels_along(turned, 0) is None
    if isinstance(turned, Labelled):
        assert_refused(turned.to_frame, ValueError, "computed or reshaped", "the model's own result")


def test_an_in_place_sum_leaves_a_plain_array_under_the_name():
    result = table()
    result += 1
    assert type(result) is np.ndarray and np.array_equal(result, VALUES + 1)


def test_it_prints_as_any_array_does():
    assert repr(table()) == repr(VALUES) and str(table()) == str(VALUES)


def test_pandas_takes_it_as_numbers():
    pd.testing.assert_frame_equal(pd.DataFrame(table()), pd.DataFrame(VALUES))


# Copies


@pytest.mark.parametrize(
    "again",
    [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a)), lambda a: joblib.load(dumped(a))],
    ids=["deepcopy", "pickle", "joblib"],
)
def test_a_copy_has_the_numbers_and_the_labels_and_a_memory_of_its_own(again):
    original = betas()
    same = again(original)
    assert type(same) is Labelled and np.array_equal(same, original) and not np.shares_memory(same, original)
    pd.testing.assert_frame_equal(same.to_frame(), original.to_frame())
    bare = again(table().T)
    assert np.array_equal(bare, VALUES.T) and labels_along(bare, 0) is None


def dumped(value):
    file = io.BytesIO()
    joblib.dump(value, file)
    file.seek(0)
    return file


def test_the_array_that_was_given_stays_as_it_was():
    values = np.array(VALUES)
    result = labelled(values, DATES, TICKERS)
    assert type(values) is np.ndarray and values.flags.writeable and np.shares_memory(result, values)


# Tables side by side


def frame(dates=DATES, tickers=TICKERS):
    return pd.DataFrame(VALUES, dates, tickers)


LABELLED_TABLES = {"result": lambda dates, tickers: labelled(VALUES, dates, tickers), "DataFrame": frame}


@pytest.mark.parametrize("one", LABELLED_TABLES)
@pytest.mark.parametrize("other", LABELLED_TABLES)
def test_tables_of_the_same_labels_stand_side_by_side_and_others_are_refused(one, other):
    a = LABELLED_TABLES[one](DATES, TICKERS)
    for axis, what in enumerate(("dates", "tickers")):
        require_same_axis(what, "a", a, axis, "b", LABELLED_TABLES[other](DATES, TICKERS), axis)
    later, shuffled = DATES + pd.DateOffset(months=1), TICKERS[[1, 0, 2]]
    words = "The dates of a are not those of b", "Align"
    b = LABELLED_TABLES[other](later, TICKERS)
    assert_refused(lambda: require_same_axis("dates", "a", a, 0, "b", b, 0), ValueError, *words)
    c = LABELLED_TABLES[other](DATES, shuffled)
    words = "The tickers of a are not those of b", "another order"
    assert_refused(lambda: require_same_axis("tickers", "a", a, 1, "b", c, 1), ValueError, *words)
    require_same_axis("dates", "a", a, 0, "c", c, 0)


def test_an_axis_may_be_another_in_the_other_table():
    require_same_axis("tickers", "betas", betas(), -2, "returns", table(), 1)
    require_same_axis("dates", "betas", betas(), -3, "returns", table(), 0)
    shuffled = labelled(VALUES, DATES, TICKERS[::-1])
    assert_refused(
        lambda: require_same_axis("tickers", "betas", betas(), -2, "returns", shuffled, 1), ValueError, "tickers"
    )


def test_plain_arrays_go_by_position_beside_anything():
    for plain in (VALUES, VALUES.tolist(), table() + 0, table().T.T, None):
        for axis in (0, 1, -1):
            assert labels_along(plain, axis) is None
            require_same_axis("dates", "a", plain, axis, "b", table(), 0)
            require_same_axis("dates", "a", table(), 0, "b", plain, axis)


def test_labels_along_an_axis_are_counted_from_either_end_and_there_are_none_beyond():
    for axis, labels in enumerate((DATES, TICKERS, FACTORS)):
        assert labels_along(betas(), axis) is labels is labels_along(betas(), axis - 3)
    for beyond in (3, -4):
        assert labels_along(betas(), beyond) is None
    assert labels_along(frame(), -3) is None and labels_along(frame(), 0) is not None


# The equation


def test_the_product_of_labelled_halves_is_that_of_plain_loops():
    factors = labelled(np.arange(8.0).reshape(4, 2), DATES, FACTORS)
    found = product(betas(), factors)
    for d in range(4):
        for s in range(3):
            assert found[d, s] == sum(betas()[d, s, k] * factors[d, k] for k in range(2))
    assert type(found) is np.ndarray


def test_the_share_explained_is_of_known_returns_and_of_tables_with_the_same_labels():
    returns, said = frame(), labelled(VALUES / 2, DATES, TICKERS)
    assert share_explained(returns, said) == 0.75 and share_explained(returns, 0 * VALUES) == 0
    returns.iloc[0, 0] = np.nan
    known = VALUES.ravel()[1:]
    assert share_explained(returns, VALUES + 1) == pytest.approx(1 - len(known) / (known @ known))
    assert_refused(lambda: share_explained(returns, labelled(VALUES, DATES, TICKERS[::-1])), ValueError, "tickers")
    assert_refused(lambda: share_explained(returns, frame(DATES[::-1])), ValueError, "dates of reconstruction")
    unknown = np.array(VALUES)
    unknown[0, :2] = np.nan
    assert_refused(lambda: share_explained(returns, unknown, "guess"), ValueError, "guess is NaN at 1 place(s)")
    assert_refused(lambda: share_explained(0 * VALUES, VALUES), ValueError, "every return is zero or missing")
