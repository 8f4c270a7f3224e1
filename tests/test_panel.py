"""The Panel, its exchange with the long frame, and the functions that stand beside it."""

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.utils import _safe_indexing

from helpers.data.ranks import rank_across_tickers
from helpers.evaluation.splitter import split_by_date
from helpers.models.managed import managed_portfolios
from helpers.models.pca import PCAFactors
from helpers.models.regression import TimeSeriesRegression
from helpers.panel import Panel
from tests.common import assert_refused, small_panel, with_value

SOME = settings(deadline=None, derandomize=True, max_examples=25)
SEEDS = st.integers(0, 10_000)

PANEL = small_panel()
GAPPY = small_panel(missing=0.2)
R, C, X = PANEL.returns, PANEL.characteristics, PANEL.portfolios
MONTHS = pd.date_range("2020-01-31", periods=3, freq="ME")
FRAME = pd.DataFrame(
    {"returns": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], "size": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]},
    index=pd.MultiIndex.from_product([MONTHS, ["AAPL", "IBM"]], names=["date", "ticker"]),
)


def frame_indexed_by(first, second, names=("date", "ticker")):
    index = pd.MultiIndex.from_product([first, second], names=names)
    return pd.DataFrame({"returns": np.arange(float(len(index)))}, index=index)


def same_panel(a, b):
    return (
        a.dates.equals(b.dates)
        and a.tickers.equals(b.tickers)
        and all(
            np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True)
            for name in ("returns", "characteristics")
        )
    )


def test_a_panel_counts_its_axes():
    assert (PANEL.n_dates, PANEL.n_tickers, PANEL.n_characteristics, PANEL.n_portfolios) == (40, 12, 3, 2)


def test_a_panel_says_in_one_line_what_it_holds():
    returns = [[0.1, np.nan], [0.2, 0.3]]
    panel = Panel(returns=returns, dates=pd.to_datetime(["2020-01-31", "2020-02-29"]))
    assert repr(panel) == (
        "Panel(2 dates x 2 tickers, 0 characteristics, 0 portfolios, 25.0% missing, "
        "2020-01-31 to 2020-02-29)"
    )


def test_labels_left_out_are_counted_from_zero():
    panel = Panel(returns=R, characteristics=C, portfolios=X)
    assert list(panel.dates) == list(range(40)) and list(panel.tickers) == list(range(12))
    assert list(panel.characteristic_names) == [0, 1, 2] and list(panel.portfolio_names) == [0, 1]


def test_labels_are_taken_from_data_frames():
    wide = pd.DataFrame([[0.1, 0.2], [0.3, 0.4]], index=MONTHS[:2], columns=["AAPL", "IBM"])
    panel = Panel(returns=wide, portfolios=wide[["IBM"]].rename(columns={"IBM": "market"}))
    assert list(panel.dates) == list(MONTHS[:2]) and list(panel.tickers) == ["AAPL", "IBM"]
    assert list(panel.portfolio_names) == ["market"] and panel.returns[1, 0] == 0.3


def test_a_panel_does_not_follow_changes_of_the_arrays_it_was_made_from():
    returns = np.array([[0.1, 0.2]])
    panel = Panel(returns=returns)
    returns[0, 0] = 9.0
    assert panel.returns[0, 0] == 0.1


def test_a_panel_and_its_slices_are_read_only():
    for panel in (PANEL, PANEL[3:5], PANEL[[3, 5]]):
        for array in (panel.returns, panel.characteristics, panel.portfolios):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0.0
    with pytest.raises(FrozenInstanceError):
        PANEL.returns = R


def test_missing_values_of_nullable_and_object_tables_are_missing_returns():
    objects = Panel(returns=np.array([[0.1, None]], dtype=object))
    nullable = Panel(returns=pd.DataFrame({"A": [0.1], "B": [None]}, dtype="Float64"))
    for panel in (objects, nullable):
        assert panel.returns[0, 0] == 0.1 and np.isnan(panel.returns[0, 1])


def test_masked_returns_are_missing_returns():
    masked = np.ma.masked_array([[0.1, 0.2]], mask=[[False, True]])
    assert np.isnan(Panel(returns=masked).returns[0, 1])


def test_numbers_of_any_kind_are_kept():
    for kind in (np.float32, np.float16, int, bool):
        assert (Panel(returns=np.array([[1, 0]], dtype=kind)).returns == [[1, 0]]).all()


@pytest.mark.parametrize(
    "dates, rows",
    [
        (slice(5, 9), range(5, 9)),
        (slice(None, 3), range(3)),
        (slice(-3, None), range(37, 40)),
        (slice("2000-03", "2000-05"), range(2, 5)),
        (slice(pd.Timestamp("2003-01-31"), None), range(36, 40)),
        ([1, 4, 39], [1, 4, 39]),
        (np.arange(40) % 2 == 0, range(0, 40, 2)),
    ],
)
def test_a_slice_of_dates_keeps_the_rows_and_all_other_labels(dates, rows):
    part, rows = PANEL[dates], list(rows)
    for name in ("returns", "characteristics", "portfolios"):
        assert np.array_equal(getattr(part, name), getattr(PANEL, name)[rows])
    assert part.dates.equals(PANEL.dates[rows])
    for name in ("tickers", "characteristic_names", "portfolio_names"):
        assert getattr(part, name).equals(getattr(PANEL, name))


def test_from_frame_puts_every_row_at_its_date_and_ticker():
    panel = Panel.from_frame(FRAME.sample(frac=1, random_state=0))
    assert list(panel.dates) == list(MONTHS) and list(panel.tickers) == ["AAPL", "IBM"]
    assert list(panel.characteristic_names) == ["size"]
    for d, date in enumerate(MONTHS):
        for s, ticker in enumerate(["AAPL", "IBM"]):
            row = FRAME.loc[(date, ticker)]
            assert panel.returns[d, s] == row["returns"] and panel.characteristics[d, s, 0] == row["size"]


def test_a_row_that_is_absent_from_the_frame_is_missing_from_the_panel():
    panel = Panel.from_frame(FRAME.drop(index=(MONTHS[1], "IBM")))
    assert np.isnan(panel.returns[1, 1]) and np.isnan(panel.characteristics[1, 1, 0])
    assert np.isnan(panel.returns).sum() == 1 and panel.returns[2, 1] == 0.6


def test_from_frame_takes_the_returns_from_the_column_that_is_named():
    panel = Panel.from_frame(FRAME.rename(columns={"returns": "ret"})[["size", "ret"]], returns="ret")
    assert panel.returns[2, 1] == 0.6 and panel.characteristics[2, 1, 0] == 6.0


def test_from_frame_aligns_the_portfolios_by_date():
    later_first = pd.DataFrame({"market": [4.0, 3.0, 2.0, 1.0]}, index=[pd.Timestamp("2021-01-31"), *MONTHS[::-1]])
    assert Panel.from_frame(FRAME, portfolios=later_first).portfolios[:, 0].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("dates", [[1990, 1991], pd.period_range("2020-01", periods=2, freq="M")])
def test_dates_may_be_years_or_periods(dates):
    panel = Panel.from_frame(frame_indexed_by(dates, ["A", "B"]))
    assert list(panel.dates) == list(dates) and panel.returns.tolist() == [[0, 1], [2, 3]]


@SOME
@given(seed=SEEDS, n_dates=st.integers(1, 6), n_tickers=st.integers(1, 5), missing=st.floats(0, 0.9))
def test_a_shuffled_frame_with_gaps_leads_back_to_the_same_panel(seed, n_dates, n_tickers, missing):
    frame = small_panel(missing, n_dates, n_tickers, seed).to_frame()
    random = np.random.default_rng(seed)
    frame = frame[(random.random(len(frame)) < 0.7) | (np.arange(len(frame)) == 0)]
    panel = Panel.from_frame(frame)
    again = Panel.from_frame(panel.to_frame().sample(frac=1, random_state=seed))
    assert same_panel(panel, again)
    pd.testing.assert_frame_equal(again.to_frame(), frame, check_freq=False, check_index_type=False)


def test_to_frame_leaves_out_rows_about_which_nothing_is_known():
    panel = Panel(returns=[[0.1, np.nan]], characteristics=[[[np.nan], [np.nan]]], characteristic_names=["size"])
    frame = panel.to_frame()
    assert frame.index.names == ["date", "ticker"] and list(frame.columns) == ["returns", "size"]
    # Its only row is all that tells of ticker 1; a ticker known elsewhere has no row where nothing is known of it.
    assert frame.index.tolist() == [(0, 0), (0, 1)]
    known_later = Panel(returns=[[0.1, np.nan], [0.2, 0.3]])
    assert known_later.to_frame().index.tolist() == [(0, 0), (1, 0), (1, 1)]


def managed_portfolios_by_loop(panel, constant):
    rows = []
    for r, z in zip(panel.returns, panel.characteristics, strict=True):
        z = np.column_stack([z, np.ones(len(z))]) if constant else z
        known = ~np.isnan(r) & ~np.isnan(z).any(axis=1)
        rows.append(np.linalg.lstsq(z[known], r[known], rcond=None)[0])
    return np.array(rows)


@pytest.mark.parametrize("constant", [False, True])
def test_managed_portfolios_are_one_regression_per_date_over_the_tickers_that_are_known(constant):
    panel = Panel(returns=GAPPY.returns, characteristics=with_value(C, ([0, 0, 7], [1, 2, 3], [0, 1, 2]), np.nan))
    assert np.allclose(managed_portfolios(panel, constant), managed_portfolios_by_loop(panel, constant))


def test_the_constant_of_managed_portfolios_is_the_intercept_of_scikit_learn():
    with_constant = managed_portfolios(PANEL, constant=True)
    for d in range(PANEL.n_dates):
        regression = LinearRegression().fit(C[d], R[d])
        assert np.allclose(with_constant[d], [*regression.coef_, regression.intercept_])


@pytest.mark.parametrize("constant", [False, True])
def test_a_characteristic_that_nobody_has_at_a_date_has_an_empty_portfolio_there(constant):
    c = np.array(PANEL.characteristics)
    c[:7, :, 1] = 0.0
    c[5:9, :, 2] = 0.0
    panel = Panel(returns=PANEL.returns, characteristics=c)
    portfolios = managed_portfolios(panel, constant)
    for d in range(panel.n_dates):
        there = ~np.isnan(panel.returns[d] + c[d].sum(axis=1))
        z = np.column_stack([c[d], np.ones(panel.n_tickers)])[there][:, : 4 if constant else 3]
        # Of all solutions the shortest: what is 0 for everybody gets nothing.
        assert np.allclose(portfolios[d], np.linalg.pinv(z) @ panel.returns[d, there])
    assert (portfolios[:7, 1] == 0).all() and (portfolios[5:9, 2] == 0).all() and (portfolios[9:, :3] != 0).all()


def test_a_characteristic_is_in_nobodys_hands_if_only_those_without_a_return_have_it():
    returns, c = np.array(PANEL.returns), np.array(PANEL.characteristics)
    returns[3, 0], c[3, 1:, 1] = np.nan, 0.0
    assert managed_portfolios(Panel(returns=returns, characteristics=c))[3, 1] == 0


def test_a_date_without_returns_has_no_managed_portfolios():
    returns = np.array(PANEL.returns)
    returns[2] = np.nan
    panel = Panel(returns=returns, characteristics=PANEL.characteristics)
    assert_refused(lambda: managed_portfolios(panel), ValueError, "for the date(s) 2")


def test_managed_portfolios_recover_the_factors_of_a_market_without_noise():
    factors = np.random.default_rng(1).normal(size=(40, 3))
    panel = Panel(returns=(C @ factors[:, :, None])[:, :, 0], characteristics=C)
    assert np.allclose(managed_portfolios(panel), factors)


def test_ranks_are_those_of_pandas_within_each_date():
    characteristics = with_value(C.round(1), (3, slice(0, 4), 1), np.nan)
    ranks = rank_across_tickers(characteristics)
    for j in range(3):
        table = pd.DataFrame(characteristics[:, :, j])
        expected = 2 * table.rank(axis=1).div(table.count(axis=1) + 1, axis=0) - 1
        assert np.allclose(ranks[:, :, j], expected, equal_nan=True)


def test_ranks_of_three_tickers_are_minus_one_half_zero_and_one_half():
    assert rank_across_tickers([[[7.0], [-1.0], [100.0]]])[0, :, 0].tolist() == [0.0, -0.5, 0.5]


def test_ties_share_a_rank():
    assert rank_across_tickers([[[1.0], [2.0], [2.0]]])[0, :, 0].tolist() == [-0.5, 0.25, 0.25]


def test_an_unknown_characteristic_stays_unknown_or_takes_the_median_rank():
    characteristics = [[[1.0], [np.nan], [3.0]], [[np.nan]] * 3]
    assert np.isnan(rank_across_tickers(characteristics)[:, :, 0]).tolist() == [[False, True, False], [True] * 3]
    assert np.allclose(rank_across_tickers(characteristics, "median")[:, :, 0], [[-1 / 3, 0, 1 / 3], [0] * 3])


def test_ranking_a_panel_changes_its_characteristics_only():
    ranked = rank_across_tickers(GAPPY)
    assert np.array_equal(ranked.characteristics, rank_across_tickers(GAPPY.characteristics))
    assert np.array_equal(ranked.returns, GAPPY.returns, equal_nan=True)
    assert np.array_equal(ranked.portfolios, GAPPY.portfolios)
    for name in ("dates", "tickers", "characteristic_names", "portfolio_names"):
        assert getattr(ranked, name).equals(getattr(GAPPY, name))


@SOME
@given(seed=SEEDS, transform=st.sampled_from([np.exp, np.arctan, lambda c: 3 * c - 7, lambda c: c**3]))
def test_ranks_do_not_change_under_a_monotone_transformation(seed, transform):
    c = np.random.default_rng(seed).normal(size=(4, 6, 2)).round(1)
    assert np.array_equal(rank_across_tickers(transform(c)), rank_across_tickers(c))


@SOME
@given(seed=SEEDS)
def test_permuting_the_tickers_permutes_the_ranks(seed):
    random = np.random.default_rng(seed)
    c, order = random.normal(size=(4, 6, 2)), random.permutation(6)
    assert np.array_equal(rank_across_tickers(c[:, order]), rank_across_tickers(c)[:, order])


def test_a_panel_is_split_into_thirds_in_time_order():
    parts = split_by_date(small_panel(n_dates=180, n_tickers=2))
    assert [part.n_dates for part in parts] == [60, 60, 60]
    assert all(a.dates[-1] < b.dates[0] for a, b in pairwise(parts))


@SOME
@given(n_dates=st.integers(10, 60), share=st.floats(0.15, 0.85))
def test_the_parts_of_a_split_put_together_are_the_panel(n_dates, share):
    panel = small_panel(n_dates=n_dates, n_tickers=2)
    before, after = split_by_date(panel, (share, 1 - share))
    assert np.array_equal(np.concatenate([before.returns, after.returns]), panel.returns)
    assert abs(before.n_dates - share * n_dates) <= 0.5


@pytest.mark.parametrize(
    "at",
    [
        [10, 25],
        np.array([10, 25]),
        ["2000-11-30", "2002-02-28"],
        ["2000-11", "2002-02"],
        [pd.Timestamp("2000-11-02"), pd.Timestamp("2002-02-28")],
        [np.datetime64("2000-11-30"), np.datetime64("2002-02-28")],
    ],
)
def test_a_split_begins_each_part_at_the_date_or_position_given(at):
    parts = split_by_date(PANEL, at=at)
    assert [part.n_dates for part in parts] == [10, 15, 15]
    assert parts[1].dates[0] == pd.Timestamp("2000-11-30")


@pytest.mark.parametrize(
    "dates", [PANEL.dates.tz_localize("UTC"), PANEL.dates.to_period("M")], ids=["time zone", "periods"]
)
def test_dates_with_a_time_zone_and_periods_are_split_by_text_too(dates):
    assert [part.n_dates for part in split_by_date(Panel(returns=R, dates=dates), at=["2000-11"])] == [10, 30]


BAD_INPUT = {
    "returns with one axis": (lambda: Panel(returns=R[0]), ValueError, "returns", "n_dates", "(12,)"),
    "no returns": (lambda: Panel(returns=None), ValueError, "returns", "n_tickers"),
    "no dates": (lambda: Panel(returns=np.empty((0, 3))), ValueError, "returns", "(0, 3)", "at least one"),
    "text for returns": (lambda: Panel(returns=[["a", "b"]]), TypeError, "returns", "numbers", "list"),
    "ragged returns": (lambda: Panel(returns=[[0.1, 0.2], [0.1]]), TypeError, "returns", "numbers"),
    "dates for returns": (lambda: Panel(returns=np.array([["2020-01-31"]], "M8[D]")), TypeError, "returns", "numbers"),
    "complex returns": (lambda: Panel(returns=R + 1j), TypeError, "returns", "numbers"),
    "a long frame for returns": (lambda: Panel(returns=FRAME), (TypeError, ValueError), "from_frame"),
    "an infinite return": (
        lambda: Panel(returns=with_value(R, (2, 3), np.inf)), ValueError, "returns", "1 infinite", "(2, 3)", "NaN",
    ),
    "characteristics of fewer dates": (
        lambda: Panel(returns=R, characteristics=C[:10]), ValueError, "characteristics", "n_dates = 40", "(10, 12, 3)",
    ),
    "characteristics with swapped axes": (
        lambda: Panel(returns=R[:, :11], characteristics=C),
        ValueError, "characteristics", "n_tickers = 11", "(40, 12, 3)",
    ),
    "one characteristic without its axis": (
        lambda: Panel(returns=R, characteristics=C[:, :, 0]), ValueError, "characteristics", "3 axes", "(40, 12)",
    ),
    "an infinite characteristic": (
        lambda: Panel(returns=R, characteristics=with_value(C, (1, 1, 1), -np.inf)),
        ValueError, "characteristics", "(1, 1, 1)",
    ),
    "portfolios of other dates": (
        lambda: Panel(returns=R, portfolios=X[:5]), ValueError, "portfolios", "n_dates = 40", "(5, 2)",
    ),
    "a missing portfolio return": (
        lambda: Panel(returns=R, portfolios=with_value(X, (1, 1), np.nan)), ValueError, "portfolios", "1 NaN", "(1, 1)",
    ),
    "names without portfolios": (
        lambda: Panel(returns=R, portfolio_names=["m"]), ValueError, "portfolio_names", "portfolios",
    ),
    "too few dates": (lambda: Panel(returns=R, dates=range(39)), ValueError, "dates", "40 entries", "39 were given"),
    "repeated dates": (lambda: Panel(returns=R[:2], dates=[7, 7]), ValueError, "dates", "differ", "7"),
    "descending dates": (lambda: Panel(returns=R[:2], dates=[2, 1]), ValueError, "dates", "ascend", "Sort"),
    "a missing date": (lambda: Panel(returns=R[:1], dates=[pd.NaT]), ValueError, "dates", "missing"),
    "text dates": (
        lambda: Panel(returns=R[:2], dates=["10/1/2020", "9/1/2020"]), TypeError, "dates", "text", "to_datetime",
    ),
    "repeated tickers": (
        lambda: Panel(returns=R[:, :2], tickers=["IBM", "IBM"]), ValueError, "tickers", "differ", "IBM",
    ),
    "a missing ticker": (lambda: Panel(returns=R[:, :2], tickers=["IBM", None]), ValueError, "tickers", "missing"),
    "too few tickers": (lambda: Panel(returns=R, tickers=["IBM"]), ValueError, "tickers", "12 entries", "1 were given"),
    "one text for the tickers": (lambda: Panel(returns=R[:, :3], tickers="IBM"), TypeError, "tickers", "IBM"),
    "repeated characteristics": (
        lambda: Panel(returns=R, characteristics=C, characteristic_names=["a", "a", "b"]),
        ValueError, "characteristic_names", "repeated: a",
    ),
    "a characteristic named as the returns": (
        lambda: Panel(returns=R, characteristics=C, characteristic_names=["returns", "a", "b"]).to_frame(),
        ValueError, "characteristic_names", "returns",
    ),
    "too few portfolio names": (
        lambda: Panel(returns=R, portfolios=X, portfolio_names=["m"]),
        ValueError, "portfolio_names", "2 entries", "1 were given",
    ),
    "dates that contradict the table": (
        lambda: Panel(returns=pd.DataFrame(R), dates=range(1, 41)), ValueError, "dates differ", "index",
    ),
    "tickers that contradict the table": (
        lambda: Panel(returns=pd.DataFrame(R[:, :2]), tickers=["A", "B"]), ValueError, "tickers differ", "columns",
    ),
    "a table of portfolios with other dates": (
        lambda: Panel(returns=pd.DataFrame(R), portfolios=pd.DataFrame(X, index=range(1, 41))),
        ValueError, "portfolios", "Align",
    ),
    "a slice with a step": (lambda: PANEL[::2], ValueError, "step 2"),
    "a slice without dates": (lambda: PANEL[5:5], ValueError, "panel[5:5]", "40 dates"),
    "a slice before the first date": (lambda: PANEL[:"1999"], ValueError, "panel[None:1999]", "2000-01-31"),
    "a single position": (lambda: PANEL[3], TypeError, "panel[...]", "slice", "3"),
    "a single date": (lambda: PANEL["2000-03"], TypeError, "panel[...]", "slice", "2000-03"),
    "descending positions": (lambda: PANEL[[3, 1]], ValueError, "ascend", "[3, 1]"),
    "a position beyond the panel": (lambda: PANEL[[40]], ValueError, "0 to 39", "[40]"),
    "a mask of another length": (lambda: PANEL[np.array([True, False])], TypeError, "panel[...]"),
    "a slice by what is no date": (lambda: PANEL["hello":], (TypeError, ValueError), "panel[", "hello"),
    "a slice by dates where there are positions": (
        lambda: Panel(returns=R)["2000":"2001"], (TypeError, ValueError), "panel[", "2000",
    ),
    "no frame": (lambda: Panel.from_frame(R), TypeError, "frame", "ndarray", "(date, ticker)"),
    "a frame without its index": (lambda: Panel.from_frame(FRAME.reset_index()), TypeError, "frame", "set_index"),
    "a wide frame": (lambda: Panel.from_frame(FRAME["returns"].unstack()), TypeError, "frame", "(date, ticker)"),
    "an empty frame": (lambda: Panel.from_frame(FRAME.iloc[:0]), ValueError, "frame", "empty", "0 rows"),
    "swapped levels": (lambda: Panel.from_frame(FRAME.swaplevel()), TypeError, "(ticker, date)", "swaplevel"),
    "swapped levels without names": (
        lambda: Panel.from_frame(FRAME.swaplevel().rename_axis([None, None])), TypeError, "(ticker, date)", "swaplevel",
    ),
    "swapped levels of numbers": (
        lambda: Panel.from_frame(frame_indexed_by([10001, 10002], [20200131, 20200229], ["permno", "DATE"])),
        TypeError, "swaplevel",
    ),
    "swapped levels with periods": (
        lambda: Panel.from_frame(frame_indexed_by([10001, 10002], MONTHS.to_period("M"), ["permno", "month"])),
        TypeError, "swaplevel",
    ),
    "a frame with text dates": (
        lambda: Panel.from_frame(frame_indexed_by(["10/1/2020", "9/1/2020"], ["A"])),
        TypeError, "dates", "text", "to_datetime",
    ),
    "dates of several types": (
        lambda: Panel.from_frame(
            pd.DataFrame({"returns": [0.1, 0.2]}, index=pd.MultiIndex.from_tuples([(2020, "A"), ("2021", "A")]))
        ),
        (TypeError, ValueError), "dates", "type",
    ),
    "a row without a date": (
        lambda: Panel.from_frame(frame_indexed_by([pd.NaT, MONTHS[0]], ["A"])), ValueError, "without a date", "Drop",
    ),
    "repeated rows": (
        lambda: Panel.from_frame(pd.concat([FRAME, FRAME.iloc[:2]])), ValueError, "2 repeated", "AAPL", "duplicated",
    ),
    "tickers that differ by blanks": (
        lambda: Panel.from_frame(FRAME.rename(index={"IBM": "AAPL "})), ValueError, "blanks", "'AAPL '", "Strip",
    ),
    "no column of returns": (
        lambda: Panel.from_frame(FRAME[["size"]]), ValueError, "frame", "'returns'", "size", "returns=",
    ),
    "a list for the name of the returns": (
        lambda: Panel.from_frame(FRAME, returns=["returns"]), (TypeError, ValueError), "returns must", "['returns']",
    ),
    "repeated columns": (
        lambda: Panel.from_frame(pd.concat([FRAME, FRAME[["size"]]], axis=1)), ValueError, "repeated columns", "size",
    ),
    "forward returns among the characteristics": (
        lambda: Panel.from_frame(FRAME.assign(returns_fwd=0.1)), ValueError, "returns_fwd", "Drop", "leak",
    ),
    "a column of text": (lambda: Panel.from_frame(FRAME.assign(name="x")), TypeError, "'name'", "numbers"),
    "a column of complex numbers": (lambda: Panel.from_frame(FRAME.assign(size=1j)), TypeError, "size", "numbers"),
    "an infinite value in the frame": (
        lambda: Panel.from_frame(FRAME.replace(3.0, np.inf)), ValueError, "1 infinite", "(1, 0, 0)",
    ),
    "portfolios without dates": (
        lambda: Panel.from_frame(FRAME, portfolios=X[:3]), TypeError, "portfolios", "ndarray", "DataFrame",
    ),
    "portfolios that end too early": (
        lambda: Panel.from_frame(FRAME, portfolios=pd.DataFrame({"m": [0.1, 0.2]}, index=MONTHS[:2])),
        ValueError, "portfolios", "1 of the frame's dates", "2020-03-31",
    ),
    "portfolios with a repeated date": (
        lambda: Panel.from_frame(FRAME, portfolios=pd.DataFrame({"m": 0.1}, index=[*MONTHS, MONTHS[0]])),
        ValueError, "portfolios", "repeat", "2020-01-31",
    ),
    "portfolios of text": (
        lambda: Panel.from_frame(FRAME, portfolios=pd.DataFrame({"m": list("abc")}, index=MONTHS)),
        TypeError, "portfolios", "numbers",
    ),
    "a portfolio with a gap": (
        lambda: Panel.from_frame(FRAME, portfolios=pd.DataFrame({"m": [0.1, np.nan, 0.2]}, index=MONTHS)),
        ValueError, "portfolios", "1 NaN",
    ),
    "managed portfolios of an array": (lambda: managed_portfolios(R), TypeError, "Panel", "ndarray"),
    "managed portfolios without characteristics": (
        lambda: managed_portfolios(Panel(returns=R)), ValueError, "characteristics", "needed",
    ),
    "more characteristics than tickers": (
        lambda: managed_portfolios(Panel(returns=R[:, :2], characteristics=C[:, :2])),
        ValueError, "fewer tickers", "(3)", "0, 1, 2 and 37 more",
    ),
    "collinear characteristics": (
        lambda: managed_portfolios(Panel(returns=R, characteristics=np.concatenate([C, C[:, :, :1]], axis=2))),
        ValueError, "characteristics is collinear",
    ),
    "a characteristic that is zero": (
        lambda: managed_portfolios(Panel(returns=R, characteristics=np.zeros((40, 12, 1)))),
        ValueError, "characteristics", "zero",
    ),
    "a constant beside a constant characteristic": (
        lambda: managed_portfolios(Panel(returns=R, characteristics=np.ones((40, 12, 1))), constant=True),
        ValueError, "characteristics", "collinear",
    ),
    "a word for the constant": (lambda: managed_portfolios(PANEL, constant="no"), TypeError, "constant", "'no'"),
    "ranks of a vector": (lambda: rank_across_tickers(R[0]), ValueError, "characteristics", "3 axes", "(12,)"),
    "ranks of text": (lambda: rank_across_tickers([[["a"]]]), TypeError, "characteristics", "numbers"),
    "ranks of infinite values": (
        lambda: rank_across_tickers(with_value(C, (0, 0, 0), np.inf)), ValueError, "characteristics", "1 infinite",
    ),
    "an unknown treatment of missing values": (
        lambda: rank_across_tickers(C, missing="drop"), ValueError, "missing", "'keep'", "'median'", "'drop'",
    ),
    "a split of an array": (lambda: split_by_date(R), TypeError, "Panel", "ndarray"),
    "fractions above one": (
        lambda: split_by_date(PANEL, (0.5, 0.6)), ValueError, "fractions", "add up to 1", "(0.5, 0.6)",
    ),
    "a negative fraction": (lambda: split_by_date(PANEL, (1.5, -0.5)), ValueError, "fractions", "above 0"),
    "a single fraction": (lambda: split_by_date(PANEL, 0.5), ValueError, "fractions", "n_parts"),
    "a missing fraction": (lambda: split_by_date(PANEL, (np.nan, 0.5)), ValueError, "fractions", "NaN"),
    "more parts than dates": (
        lambda: split_by_date(PANEL[:2]), ValueError, "at least one date", "[0, 1, 1]", "2 dates",
    ),
    "cuts in the wrong order": (lambda: split_by_date(PANEL, at=[20, 10]), ValueError, "time order", "[0, 20, 10]"),
    "a cut at the first date": (lambda: split_by_date(PANEL, at=[0]), ValueError, "at least one date"),
    "a cut beyond the last date": (lambda: split_by_date(PANEL, at=["2030"]), ValueError, "at least one date", "40"),
    "one cut without its list": (lambda: split_by_date(PANEL, at=10), (TypeError, ValueError), "at must", "10"),
    "one date without its list": (lambda: split_by_date(PANEL, at="2001"), (TypeError, ValueError), "at must", "2001"),
    "a cut that is no date": (lambda: split_by_date(PANEL, at=["hello"]), (TypeError, ValueError), "at must", "hello"),
    "a cut between two positions": (
        lambda: split_by_date(Panel(returns=R), at=[1.5]), (TypeError, ValueError), "at must", "1.5",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])


def test_text_that_can_be_read_in_one_way_only_becomes_timestamps():
    months = Panel(returns=R[:2], dates=["2020-09", "2020-10"])
    assert list(months.dates) == [pd.Timestamp("2020-09-01"), pd.Timestamp("2020-10-01")]
    frame = frame_indexed_by(["2020-10-01", "2020-09-01"], ["A"])
    assert list(Panel.from_frame(frame).dates) == [pd.Timestamp("2020-09-01"), pd.Timestamp("2020-10-01")]
    assert_refused(lambda: Panel(returns=R[:1], dates=["2020-13"]), ValueError, "dates", "no date")


def entering_late(panel, n_late=2):
    """The panel with its last tickers entering after two thirds of the dates."""
    returns = np.array(panel.returns)
    returns[: 2 * len(returns) // 3, -n_late:] = np.nan
    return replace(panel, returns=returns)


def test_text_dates_become_dates_so_that_a_year_is_cut_whole():
    months = [f"{year}-{month:02d}" for year in (2013, 2014, 2015) for month in range(1, 13)]
    panel = Panel(returns=np.ones((36, 2)), dates=months)
    assert panel[:"2014"].n_dates == 24 and panel["2015":].n_dates == 12
    frame = pd.DataFrame({"returns": 1.0}, pd.MultiIndex.from_product([months[::-1], ["A"]]))
    assert Panel.from_frame(frame)[:"2014"].n_dates == 24


def test_whole_number_dates_are_not_mistaken_for_positions():
    panel = Panel(returns=np.ones((3, 2)), dates=[201401, 201402, 201403])
    assert panel[:2].n_dates == 2
    assert_refused(lambda: panel[:201402], ValueError, "201402", "positions", "to_datetime")
    assert_refused(lambda: panel[:"2014"], TypeError, "2014", "positions")


def test_tickers_can_be_selected_as_the_messages_advise():
    panel = entering_late(small_panel())
    past = panel[:20]
    assert_refused(lambda: TimeSeriesRegression().fit(past), ValueError, "T10, T11", "select_tickers")
    assert_refused(lambda: PCAFactors(2).fit(past), ValueError, "T10, T11", "select_tickers")
    few = panel.select_tickers(panel.tickers[:10])
    assert few.n_tickers == 10 and np.array_equal(few.returns, panel.returns[:, :10])
    assert np.array_equal(few.characteristics, panel.characteristics[:, :10])
    assert np.array_equal(few.portfolios, panel.portfolios)
    assert np.allclose(
        TimeSeriesRegression().fit(few[:20]).betas_, TimeSeriesRegression().fit(small_panel()[:20]).betas_[:10]
    )
    assert list(panel.select_tickers(["T03", "T01"]).tickers) == ["T03", "T01"]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda panel: panel.select_tickers(["IBM"]), ValueError, ("IBM", "tickers")),
        (lambda panel: panel.select_tickers("T01"), TypeError, ("T01", "sequence")),
        (lambda panel: panel.select_tickers([]), ValueError, ("at least one",)),
        (lambda panel: panel.select_tickers(["T01", "T01"]), ValueError, ("T01", "differ")),
        (lambda panel: panel[:, 3], TypeError, ("dates only", "select_tickers")),
    ],
)
def test_a_bad_selection_is_refused(call, error, words):
    assert_refused(lambda: call(small_panel()), error, *words)


def test_a_characteristic_that_nobody_has_is_named():
    panel = small_panel()
    unknown = replace(panel, characteristics=with_value(panel.characteristics, (3, slice(None), 1), np.nan))
    assert_refused(lambda: managed_portfolios(unknown), ValueError, "'value'", "2000-04-30")


def test_filling_with_the_median_invents_no_rows():
    panel = entering_late(small_panel())
    unlisted = np.isnan(panel.returns)
    panel = replace(panel, characteristics=np.where(unlisted[:, :, None], np.nan, panel.characteristics))
    panel = replace(panel, characteristics=with_value(panel.characteristics, (0, 0, 0), np.nan))
    ranked = rank_across_tickers(panel, missing="median")
    assert ranked.characteristics[0, 0, 0] == 0
    assert len(ranked.to_frame()) == len(panel.to_frame()) == (~unlisted).sum()


@pytest.mark.parametrize("again", [copy.deepcopy, lambda panel: pickle.loads(pickle.dumps(panel))])
def test_a_copied_panel_is_read_only_too(again):
    with pytest.raises(ValueError, match="read-only"):
        again(small_panel()).returns[0, 0] = 1


def test_a_time_zone_is_named_when_it_is_what_differs():
    frame = small_panel().to_frame()
    aware = frame.set_index(frame.index.set_levels(frame.index.levels[0].tz_localize("UTC"), level=0))
    portfolios = pd.DataFrame({"m": 0.0}, small_panel().dates)
    assert_refused(lambda: Panel.from_frame(aware, portfolios=portfolios), ValueError, "portfolios", "UTC")


def test_portfolios_can_be_exchanged_for_managed_ones():
    panel = small_panel()
    managed = replace(panel, portfolios=managed_portfolios(panel), portfolio_names=panel.characteristic_names)
    assert list(managed.portfolio_names) == list(panel.characteristic_names)


def test_one_characteristic_alone_is_ranked_like_the_first_of_several():
    gappy = with_value(C, (2, 3), np.nan)
    for missing in ("keep", "median"):
        alone = rank_across_tickers(gappy[:, :, 0], missing)
        assert np.array_equal(alone, rank_across_tickers(gappy, missing)[:, :, 0], equal_nan=True)


# The panel back from its long frame


def assert_same_panel(a, b):
    __tracebackhide__ = True
    for name in ("returns", "characteristics", "portfolios"):
        one, two = getattr(a, name), getattr(b, name)
        if one is None or two is None:
            assert one is two, name
            continue
        np.testing.assert_array_equal(one, two, err_msg=name)
        assert one.dtype == two.dtype, name
    for name in ("dates", "tickers", "characteristic_names", "portfolio_names"):
        one, two = getattr(a, name), getattr(b, name)
        assert (one is None and two is None) or (one.equals(two) and one.name == two.name), name


def with_gap(panel, dates=slice(0), tickers=slice(0)):
    """The panel about which nothing is known at these dates, nor of these tickers."""
    returns, characteristics = np.array(panel.returns), np.array(panel.characteristics)
    for array in (returns, characteristics):
        array[dates] = np.nan
        array[:, tickers] = np.nan
    return replace(panel, returns=returns, characteristics=characteristics)


def single(panel):
    names = ("returns", "characteristics", "portfolios")
    return replace(panel, **{name: getattr(panel, name).astype("float32") for name in names})


THERE_AND_BACK = {
    "as it is": PANEL,
    "with gaps": GAPPY,
    "unsorted tickers": PANEL.select_tickers(["T05", "T11", "T00", "T07"]),
    "no portfolios": replace(PANEL, portfolios=None, portfolio_names=None),
    "nothing but returns": Panel(returns=R),
    "a date about which nothing is known": with_gap(PANEL, dates=7),
    "the first date unknown": with_gap(PANEL, dates=0),
    "the last dates unknown": with_gap(PANEL, dates=slice(38, None)),
    "a ticker about which nothing is known": with_gap(PANEL, tickers=[3, 8]),
    "dates and tickers unknown": with_gap(GAPPY.select_tickers(GAPPY.tickers[::-1]), dates=[0, 5], tickers=[0, 11]),
    "nothing known at all": Panel(returns=np.full((2, 3), np.nan), tickers=["b", "a", "c"]),
    "dates that have not happened": replace(
        PANEL, returns=with_value(R, slice(37, None), np.nan), portfolios=with_value(X, slice(37, None), np.nan)
    ),
    "single precision": single(PANEL),
    "single precision with gaps": with_gap(single(GAPPY), dates=3, tickers=4),
    "positions for dates": Panel(returns=R, characteristics=C, portfolios=X),
    "periods": replace(PANEL, dates=PANEL.dates.to_period("M")),
    "a time zone": replace(PANEL, dates=PANEL.dates.tz_localize("America/New_York")),
    "years": replace(PANEL, dates=range(1980, 2020)),
    "one date": PANEL[3:4],
    "one ticker": PANEL.select_tickers(["T04"]),
    "numbers for tickers": replace(PANEL, tickers=[*range(100, 106), *range(50, 56)]),
    "numbers for names": Panel(returns=R, characteristics=C, portfolios=X, dates=PANEL.dates),
}


@pytest.mark.parametrize("case", THERE_AND_BACK)
def test_the_long_frame_gives_the_panel_back(case):
    panel = THERE_AND_BACK[case]
    frame = panel.to_frame()
    assert_same_panel(Panel.from_frame(frame), panel)
    assert_same_panel(Panel.from_frame(frame.sample(frac=1, random_state=0)), panel)
    assert_same_panel(Panel.from_frame(pickle.loads(pickle.dumps(frame))), panel)


def test_a_frame_that_was_filtered_gives_what_is_left_with_its_portfolios_and_order():
    panel = PANEL.select_tickers(["T05", "T11", "T00", "T07"])
    frame = panel.to_frame()
    dates, tickers = (frame.index.get_level_values(level) for level in (0, 1))
    assert_same_panel(Panel.from_frame(frame[dates >= "2002"]), panel["2002":])
    assert_same_panel(Panel.from_frame(frame[tickers != "T11"]), panel.select_tickers(["T05", "T00", "T07"]))
    assert_same_panel(Panel.from_frame(frame.drop(columns="value")), replace(
        panel, characteristics=panel.characteristics[:, :, [0, 2]], characteristic_names=["size", "momentum"]
    ))  # fmt: skip


def test_portfolios_that_are_passed_go_before_those_that_came_with_the_frame():
    other = pd.DataFrame({"gold": np.arange(40.0)}, PANEL.dates)
    panel = Panel.from_frame(PANEL.to_frame(), portfolios=other)
    assert list(panel.portfolio_names) == ["gold"] and panel.portfolios[:, 0].tolist() == list(range(40))


def test_a_frame_with_tickers_or_dates_of_its_own_is_no_longer_that_of_the_panel():
    frame = PANEL.select_tickers(["T05", "T00"]).to_frame()
    renamed = Panel.from_frame(frame.rename(index={"T05": "ZZZ", "T00": "AAA"}))
    assert list(renamed.tickers) == ["AAA", "ZZZ"]
    later = frame.set_index(frame.index.set_levels(PANEL.dates + pd.DateOffset(years=10), level=0))
    assert_refused(lambda: Panel.from_frame(later), ValueError, "portfolios", "no row for 40", "pass portfolios=")


def test_frames_of_two_panels_put_together_belong_to_neither():
    frames = PANEL.to_frame(), replace(PANEL, dates=PANEL.dates + pd.DateOffset(years=10)).to_frame()
    panel = Panel.from_frame(pd.concat(frames))
    assert panel.n_dates == 80 and panel.portfolios is None
    one = PANEL.to_frame()
    assert Panel.from_frame(pd.concat([one[:100], one[100:]])).portfolio_names.equals(PANEL.portfolio_names)


@pytest.mark.filterwarnings("error")
def test_the_long_frame_is_written_to_parquet_and_feather_without_ado(tmp_path):
    frame = PANEL.to_frame()
    frame.to_parquet(tmp_path / "panel.parquet")
    frame.reset_index().to_feather(tmp_path / "panel.feather")
    read = pd.read_parquet(tmp_path / "panel.parquet")
    assert_same_panel(Panel.from_frame(read, portfolios=pd.DataFrame(X, PANEL.dates, PANEL.portfolio_names)), PANEL)
    assert Panel.from_frame(read).portfolios is None


def test_the_long_frame_follows_no_change_of_its_own_copy():
    frame = PANEL.to_frame()
    frame.attrs["note"] = "mine"
    frame["returns"] = 0.0
    assert "note" not in PANEL.to_frame().attrs and not (PANEL.returns == 0).any()


# Some dates and some tickers, by their labels


@pytest.mark.parametrize(
    ("dates", "rows"),
    [
        ("2003", range(36, 40)),
        ("2000-03", [2]),
        ("2000-03-31", [2]),
        (pd.Timestamp("2000-03-31"), [2]),
        (np.datetime64("2000-03-31"), [2]),
        (slice("2000-03", "2000-05"), range(2, 5)),
        (slice(None, "2000"), range(12)),
        (["2002", "2000-03"], [2, *range(24, 36)]),
        ([pd.Timestamp("2000-05-31"), "2000-03-31", "2000-05"], [2, 4]),
        (PANEL.dates[[30, 10]], [10, 30]),
        (None, range(40)),
    ],
)
def test_dates_are_selected_by_label_in_time_order(dates, rows):
    assert_same_panel(PANEL.sel(dates), PANEL[list(rows)])
    assert_same_panel(PANEL.sel(dates=dates, tickers=["T03", "T01"]), PANEL[list(rows)].select_tickers(["T03", "T01"]))


def test_tickers_alone_are_selected_by_label():
    assert_same_panel(PANEL.sel(tickers=["T03", "T01"]), PANEL.select_tickers(["T03", "T01"]))


def test_periods_and_numbers_are_selected_by_label():
    months = replace(PANEL, dates=PANEL.dates.to_period("M"))
    assert months.sel("2003").n_dates == 4 and months.sel(pd.Period("2000-03", "M")).dates[0] == months.dates[2]
    years = replace(PANEL, dates=range(1980, 2020))
    assert list(years.sel(1985).dates) == [1985] and list(years.sel([2019, 1980]).dates) == [1980, 2019]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: PANEL.sel("1999"), ValueError, ("'1999'", "not in the panel", "2000-01-31 to 2003-04-30")),
        (lambda: PANEL.sel(["2000", "hello"]), ValueError, ("'hello'", "not in the panel")),
        (lambda: PANEL.sel(5), ValueError, ("5", "not in the panel")),
        (lambda: PANEL.sel([]), ValueError, ("No date is left", "40 dates")),
        (lambda: PANEL.sel(slice("2010", None)), ValueError, ("No date is left", "2010")),
        (lambda: PANEL.sel("2000", ["IBM"]), ValueError, ("IBM", "not in the panel")),
        (lambda: PANEL.sel("2000", "T01"), TypeError, ("T01", "sequence")),
        (lambda: PANEL.sel("2000", 3), TypeError, ("sequence", "[3]")),
        (lambda: PANEL.sel("2000", []), ValueError, ("at least one",)),
    ],
)
def test_labels_that_are_not_there_are_refused(call, error, words):
    assert_refused(call, error, *words)


# One panel after another


def test_two_parts_of_a_panel_are_joined_again():
    for cut in (1, 20, 39):
        assert_same_panel(PANEL[:cut].joined(PANEL[cut:]), PANEL)
    assert_same_panel(PANEL[:10].joined(PANEL[30:]), PANEL[[*range(10), *range(30, 40)]])
    plain = Panel(returns=R, characteristics=C)
    assert_same_panel(plain[:5].joined(plain[5:]), plain)
    with pytest.raises(ValueError, match="read-only"):
        PANEL[:20].joined(PANEL[20:]).returns[0, 0] = 1.0


def test_dates_that_have_not_happened_may_be_joined():
    panel = THERE_AND_BACK["dates that have not happened"]
    assert_same_panel(panel[:35].joined(panel[35:]), panel)


OTHER_NAMES = replace(PANEL, characteristic_names=["size", "value", "beta"])


@pytest.mark.parametrize(
    ("later", "error", "words"),
    [
        (PANEL[19:], ValueError, ("begin after", "2001-08-31")),
        (PANEL[:20], ValueError, ("begin after", "begins at 2000-01-31", "ends at 2001-08-31")),
        (PANEL[20:].select_tickers(PANEL.tickers[::-1]), ValueError, ("differ in tickers", "order")),
        (PANEL[20:].select_tickers(PANEL.tickers[:5]), ValueError, ("differ in tickers",)),
        (OTHER_NAMES[20:], ValueError, ("differ in characteristic_names",)),
        (replace(PANEL, portfolio_names=["market", "gold"])[20:], ValueError, ("differ in portfolio_names",)),
        (THERE_AND_BACK["no portfolios"][20:], ValueError, ("differ in portfolio_names",)),
        (PANEL.returns[20:], TypeError, ("Panel", "ndarray")),
    ],
)
def test_what_is_no_later_part_of_the_same_market_is_not_joined(later, error, words):
    assert_refused(lambda: PANEL[:20].joined(later), error, *words)


def test_a_panel_without_portfolios_takes_none_from_a_later_one():
    assert_refused(lambda: THERE_AND_BACK["no portfolios"][:20].joined(PANEL[20:]), ValueError, "portfolio_names")


# Dates that have not happened


@pytest.mark.parametrize("n", [0, 1, 2, 40])
def test_dates_have_happened_up_to_the_last_with_a_return(n):
    returns = with_value(R, slice(40 - n, None), np.nan) if n else R
    assert Panel(returns=returns).n_happened == 40 - n
    if 0 < n < 40:  # a date without returns between others has happened, and one return of one ticker is enough
        assert Panel(returns=with_value(returns, 5, np.nan)).n_happened == 40 - n
        assert Panel(returns=with_value(returns, (40 - n, 3), 0.0)).n_happened == 41 - n


def test_portfolios_may_be_unknown_at_dates_that_have_not_happened_and_at_no_others():
    returns, unknown = with_value(R, slice(38, None), np.nan), with_value(X, (slice(38, None), 1), np.nan)
    panel = Panel(returns=returns, portfolios=unknown)
    assert np.isnan(panel.portfolios[38:, 1]).all() and panel[38:].n_happened == 0

    def with_portfolios(portfolios, returns=returns):
        return lambda: Panel(returns=returns, portfolios=portfolios)

    for row in (0, 20, 37):
        words = "portfolios has 1 NaN", f"({row}, 0)"
        assert_refused(with_portfolios(with_value(X, (row, 0), np.nan)), ValueError, *words)
    assert_refused(with_portfolios(unknown, R), ValueError, "portfolios has 2 NaN", "(38, 1)")
    infinite = with_value(unknown, (39, 0), np.inf)
    assert_refused(with_portfolios(infinite), ValueError, "portfolios has 1 infinite", "(39, 0)")
    alone = Panel(returns=returns[38:], portfolios=unknown[38:])
    assert alone.n_happened == 0 and alone.n_dates == 2


# What a panel is made of, and what it leaves alone


def test_a_panel_has_a_length_and_a_shape():
    assert len(PANEL) == 40 and PANEL.shape == (40, 12) and len(PANEL[3:5]) == 2 and PANEL[3:5].shape == (2, 12)
    assert Panel(returns=[[0.0]]).shape == (1, 1)


def test_scikit_learn_cuts_a_panel_as_it_cuts_an_array():
    rows = np.array([2, 3, 7])
    assert_same_panel(PANEL[rows, ...], PANEL[rows])
    assert_same_panel(_safe_indexing(PANEL, rows), PANEL[rows])
    for key in ((rows, 1), (rows, ..., 1), (..., rows)):
        assert_refused(lambda key=key: PANEL[key], TypeError, "dates only", "select_tickers")


def test_the_constructor_neither_freezes_nor_keeps_the_arrays_it_is_given():
    arrays = {"returns": np.array(R), "characteristics": np.array(C), "portfolios": np.array(X)}
    panel = Panel(**arrays)
    for name, array in arrays.items():
        assert array.flags.writeable and not np.shares_memory(array, getattr(panel, name))
        array[:] = 9.0
        assert not (getattr(panel, name) == 9).any()
    table = pd.DataFrame(R)
    of_table = Panel(returns=table)
    table.iloc[0, 0] = 9.0
    assert of_table.returns[0, 0] == R[0, 0]


@pytest.mark.parametrize(("given", "kept"), [("float32", "float32"), ("float64", "float64"), (int, "float64")])
def test_single_precision_is_kept_and_other_numbers_become_double(given, kept):
    panel = Panel(**{
        name: getattr(PANEL, name).astype(given) for name in ("returns", "characteristics", "portfolios")
    })  # fmt: skip
    for part in (panel, panel[3:5], panel.sel(5), panel[:5].joined(panel[5:]), panel.select_tickers([3, 1])):
        assert {str(each.dtype) for each in (part.returns, part.characteristics, part.portfolios)} == {kept}


def test_a_part_of_a_panel_shares_its_memory_and_an_exchange_checks_the_labels_again():
    assert np.shares_memory(PANEL[3:9].characteristics, PANEL.characteristics)
    assert np.shares_memory(PANEL[3:9].returns, PANEL.returns)
    assert_refused(lambda: replace(PANEL, tickers=["A"]), ValueError, "tickers", "12 entries")
    assert_refused(lambda: replace(PANEL, dates=PANEL.dates[::-1]), ValueError, "ascend")


def test_a_return_of_zero_is_a_return():
    panel = Panel(returns=with_value(R, (39, slice(None)), 0.0), portfolios=X)
    assert panel.n_happened == 40 and len(panel.to_frame()) == 480
    assert Panel(returns=[[0.0]]).n_happened == 1


def test_a_single_date_and_a_single_ticker_make_a_panel():
    one = Panel(returns=[[0.1]], characteristics=[[[1.0]]], portfolios=[[0.2]], dates=["2020-01-31"], tickers=["A"])
    assert repr(one) == (
        "Panel(1 dates x 1 tickers, 1 characteristics, 1 portfolios, 0.0% missing, 2020-01-31 to 2020-01-31)"
    )
    assert_same_panel(Panel.from_frame(one.to_frame()), replace(one, characteristic_names=[0], portfolio_names=[0]))


def test_a_name_or_a_table_that_does_not_belong_to_the_arrays_is_refused():
    assert_refused(lambda: Panel(returns=R, portfolio_names=["m"]), ValueError, "without portfolios", "both or neither")
    long = PANEL.to_frame()[["returns"]]
    assert_refused(lambda: Panel(returns=long), TypeError, "long frame", "Panel.from_frame")
    assert_refused(lambda: Panel(returns=np.empty((0, 3))), ValueError, "at least one date", "(0, 3)")
    assert_refused(lambda: Panel(returns=np.empty((3, 0))), ValueError, "at least one", "(3, 0)")
