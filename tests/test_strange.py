"""Data that are not what they seem are refused or told of: no wrong number without a word."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from helpers.checks import like
from helpers.data.layouts import LAYOUTS
from helpers.data.prices import characteristics_from_prices
from helpers.data.reader import read_panel
from helpers.data.simulated import simulate_constant_betas, simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.evaluation.premia import risk_premia
from helpers.evaluation.splitter import WalkForward
from helpers.models.hooks import Embedding
from helpers.models.neural_ipca import NeuralIPCA
from helpers.models.regression import CrossSectionalRegression
from helpers.panel import Panel
from tests.common import assert_refused

MONTHS = pd.date_range("2000-01-31", periods=30, freq="ME")
TICKERS = [f"T{i:02d}" for i in range(12)]
R = pd.DataFrame(np.random.default_rng(0).normal(0.01, 0.05, (30, 12)), MONTHS, TICKERS)


def panel():
    z = np.random.default_rng(1).normal(size=(30, 12, 2))
    names = {"dates": MONTHS, "tickers": TICKERS, "characteristic_names": ["c1", "c2"]}
    return Panel(returns=R.to_numpy(), characteristics=z, **names)


def long(**columns):
    """A long frame of returns and further columns, tables like R."""
    tables = {"returns": R, "size": R * 0 + np.arange(12), **columns}
    return pd.DataFrame({name: table.stack() for name, table in tables.items()}).rename_axis(["date", "ticker"])


@pytest.mark.parametrize("asked", [{"select": {"returns": ">= -0.05"}}, {"side": ["returns"]}])
def test_rows_are_not_selected_by_the_return_that_they_are_to_explain(asked):
    frame = long().reset_index()
    refused = lambda: read_panel(frame, characteristics=["size"], **asked)  # noqa: E731
    assert_refused(refused, ValueError, "'returns', the return that the row", "knows the future")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        later = read_panel(frame, characteristics=["size"], lag=1, **asked)  # then it is one of the date before
    assert later.n_dates == 29


def test_a_return_of_the_next_month_is_no_side_data():
    frame = long().reset_index().rename(columns={"date": "eom", "ticker": "id", "returns": "ret_exc_lead1m"})
    frame["id"] = frame["id"].str[1:].astype(int)
    asked = {"layout": replace(LAYOUTS["jkp"], screens={}, dated={}), "side": ["ret_exc_lead1m"]}
    assert_refused(lambda: read_panel(frame, **asked), ValueError, "side names 'ret_exc_lead1m'")


def test_numbers_of_tickers_that_went_through_float32_are_refused(tmp_path):
    frame = long().reset_index()
    ids = 101_000_101 + 7 * frame["ticker"].str[1:].astype(int)
    frame.assign(ticker=ids.astype("float32")).to_parquet(tmp_path / "x.parquet")
    assert_refused(
        lambda: read_panel(tmp_path / "x.parquet", characteristics=["size"]), ValueError, "float32", "7 digits"
    )
    frame.assign(ticker=ids.astype("float64")).to_parquet(tmp_path / "x.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert list(read_panel(tmp_path / "x.parquet", characteristics=["size"]).tickers) == sorted(ids.unique())
        few = frame.assign(ticker=np.float64(2**25))[:12].drop_duplicates("date")  # a number that float32 holds, too
        assert read_panel(few, characteristics=["size"]).tickers[0] == 2**25
    apart = 2**26 + 8 * frame["ticker"].str[1:].astype(int)  # which float32 keeps apart
    indexed = frame.assign(ticker=apart.astype("float32")).set_index(["date", "ticker"])
    assert_refused(lambda: Panel.from_frame(indexed), ValueError, "float32", "7 digits")


@pytest.mark.parametrize(("code", "percent"), [(99.99, False), (999, False), (9999, False), (9999, True)])
def test_codes_above_zero_are_told_of(code, percent):
    frame = long().reset_index()
    frame["returns"] *= 100 if percent else 1
    frame.loc[[3, 50, 99], "returns"] = code
    said = rf"3 of them are {code:g}, such as that of T03 at 2000-01-31.*missing_values=\('{code:g}',\)"
    with pytest.warns(UserWarning, match=said):
        read_panel(frame, characteristics=["size"], percent=percent, dtype="float64")
    again = read_panel(frame, characteristics=["size"], percent=percent, missing_values=(f"{code:.10g}",))
    assert np.isnan(again.returns).sum() == 3


@pytest.mark.parametrize("name", ["returns_fwd", "Returns_Fwd", "RETURNS_FWD"])
def test_the_return_of_the_next_date_is_no_characteristic_however_it_is_written(name):
    assert_refused(lambda: Panel.from_frame(long(**{name: R.shift(-1)})), ValueError, repr(name), "leak")


@pytest.mark.parametrize(
    ("made", "when"),
    [(np.log1p(R), "the same date"), (R + 0.001, "the same date"), (np.log1p(R.shift(-1)), "the next date")],
)
def test_what_looks_like_a_return_that_is_not_known_yet_is_told_of(made, when):
    with pytest.warns(UserWarning, match=rf"mine looks like the return of {when} \(correlation (1\.000|0\.99\d)\)"):
        panel().with_characteristics(mine=made)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        panel().with_characteristics(mine=np.log1p(R.shift(1)))


def test_labels_are_taken_for_labels():
    numbered = replace(panel(), dates=np.arange(1, 31), tickers=np.arange(12))
    assert list(numbered.sel(slice(10, 12)).dates) == list(numbered.sel([10, 11, 12]).dates) == [10, 11, 12]
    assert list(numbered.sel(slice(None, 2)).dates) == [1, 2]
    for take in (numbered.select_tickers, numbered.select_characteristics):
        assert_refused(lambda take=take: take([False, True]), TypeError, "True and False", "the mask")
        assert_refused(lambda take=take: take([[1]]), TypeError, "must be labels")


def test_tables_that_would_lose_their_names_or_masks_are_refused():
    frame = pl.DataFrame(R.to_numpy(), schema=TICKERS)
    assert_refused(lambda: total_r2(frame, frame), TypeError, "polars", "to_pandas()")
    assert_refused(lambda: Panel(returns=frame), TypeError, "polars")
    masked = [np.ma.masked_equal([0.1, -99.0], -99.0), [0.1, 0.2]]
    assert_refused(lambda: Panel(returns=masked), TypeError, "list of MaskedArray", "masks would be lost")
    by_ticker = [R[name] for name in TICKERS]
    assert_refused(lambda: Panel(returns=by_ticker), TypeError, "list of Series", "pd.concat")
    assert Panel(returns=np.ma.masked_equal([[0.1, -99.0]], -99.0)).n_tickers == 2, (
        "one masked array is NaN where masked"
    )


@pytest.mark.parametrize("name", ["eom", "caldt", "when"])
def test_rows_are_not_taken_for_dates_where_a_column_holds_them(name):
    flat = long().reset_index().rename(columns={"date": name}).sort_values(["ticker", name], ignore_index=True)
    splitter = WalkForward(12, n_test=6)
    assert_refused(lambda: list(splitter.split(flat)), ValueError, f"its column {name!r}", "groups=")
    assert len(list(splitter.split(flat, groups=flat[name]))) == 3


@pytest.mark.parametrize("dates", [MONTHS.repeat(12), MONTHS[::-1]])
def test_slices_are_of_dates_that_ascend(dates):
    assert_refused(lambda: WalkForward(12, n_test=6).slices(dates), ValueError, "dates must ascend, each of them once")


def test_categories_in_another_writing_are_refused():
    market = simulate_market("linear", n_dates=20, n_tickers=20, n_characteristics=3, seed=0).panel
    codes = np.tile(np.repeat([10.0, 20.0], 10), (20, 1))
    numbers, texts = (replace(market, side={"industry": each}) for each in (codes, codes.astype(str).astype(object)))
    model = NeuralIPCA(1, (), 1, l1=0.0, epochs=1, hooks=Embedding("industry")).fit(numbers)
    assert_refused(
        lambda: model.reconstruct(texts), ValueError, "'industry'", "'10.0'", "10.0, 20.0 there", "Write both alike"
    )
    mixed = codes.astype(object)
    mixed[:, 0] = "ten"
    with pytest.raises(TypeError, match="hold float and str"):
        NeuralIPCA(1, (), 1, l1=0.0, epochs=1, hooks=Embedding("industry")).fit(
            replace(market, side={"industry": mixed})
        )


def test_premia_of_too_few_dates_or_without_an_error_have_no_t():
    made = simulate_constant_betas(n_dates=60, n_tickers=20, seed=0).panel
    for n in (3, 4, 5):
        assert_refused(
            lambda n=n: risk_premia(made.returns[:n], made.portfolios[:n]), ValueError, f"{n} dates say nothing"
        )
    F = np.asarray(made.portfolios)
    exact = F @ np.random.default_rng(3).normal(1, 0.5, (20, F.shape[1])).T
    table = risk_premia(exact, F)
    assert table.loc["intercept", "Fama-MacBeth error"] == 0 and np.isnan(table.loc["intercept", "t"])
    assert table["t"].iloc[1:].notna().all()


def test_days_on_which_only_one_ticker_trades_are_in_no_window():
    days = pd.date_range("2015-01-01", "2018-12-31", freq="D")
    moves = np.random.default_rng(2).normal(0, 0.01, (len(days), 5))
    prices = pd.DataFrame(100 * np.exp(np.cumsum(moves, axis=0)), days, [*"ABCD", "BTC"])
    prices.loc[days.day_of_week >= 5, [*"ABCD"]] = np.nan
    with pytest.warns(UserWarning, match=r"\d+ day\(s\) of weekends, on which only BTC have prices, are left out"):
        found = characteristics_from_prices(prices)
    alone = characteristics_from_prices(prices[days.day_of_week < 5])
    assert np.array_equal(found.characteristics, alone.characteristics, equal_nan=True)
    assert np.array_equal(found.returns, alone.returns, equal_nan=True)


def prices(n_days=300, seed=3):
    days = pd.bdate_range("2010-01-04", periods=n_days)
    moves = np.random.default_rng(seed).normal(0, 0.01, (n_days, 5))
    return pd.DataFrame(1 + moves, days, list("ABCDE")).cumprod()


def told(made, words):
    """How many warnings have these words, and what was made."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = made()
    return sum(words in str(warning.message) for warning in caught), result


def near_one(kind):
    """Tables whose numbers lie about 1."""
    random, table = np.random.default_rng(4), prices()
    gross = (table / table.shift(1)).dropna()
    currencies = np.exp(0.4 * np.log(table / table.median()))
    if kind == "gross returns":
        return gross
    if kind == "gross returns with gaps and an empty column":
        return gross.where(random.random(gross.shape) < 0.6).assign(Z=np.nan)
    if kind == "currencies with gaps":
        return currencies.where(random.random(table.shape) < 0.5)
    if kind == "currencies and one wrong number":
        currencies.iloc[100, 2] = 100.0
        return currencies
    if kind == "coins held at 1":
        return 1 + 0 * table + random.normal(0, 5e-4, table.shape)
    return {"prices from 1": table, "a few days": gross[:15], "a constant": 0 * table + 1.0}[kind]


@pytest.mark.parametrize(
    ("kind", "is_told"),
    [
        ("gross returns", True),
        ("gross returns with gaps and an empty column", True),
        ("currencies with gaps", False),
        ("currencies and one wrong number", False),
        ("coins held at 1", False),
        ("prices from 1", False),
        ("a few days", False),
        ("a constant", False),
    ],
)
def test_gross_returns_in_the_place_of_prices_are_told_of(kind, is_told):
    table = near_one(kind)
    assert told(lambda: read_panel(table, layout="yfinance"), "gross returns")[0] == is_told
    if kind == "gross returns":
        assert told(lambda: characteristics_from_prices(table), "gross returns")[0] == 1


@pytest.mark.parametrize(("n_calendars", "is_told"), [(1, False), (2, True), (3, True)])
def test_tickers_that_come_by_turns_are_told_of(n_calendars, is_told):
    weeks = pd.date_range("2020-01-01", periods=40, freq="7D")
    rows = [
        (week + pd.Timedelta(days=s % n_calendars), f"T{s:02d}", 0.01 * np.sin(s * w + w), float(s))
        for w, week in enumerate(weeks) for s in range(12)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["date", "ticker", "returns", "size"])
    for made in (
        lambda: read_panel(frame, characteristics=["size"]),
        lambda: Panel.from_frame(frame.set_index(["date", "ticker"])),
    ):
        assert told(made, "by turns")[0] == is_told == told(made, f"every {n_calendars} dates")[0]


def test_returns_of_quarters_in_rows_of_months_do_not_come_by_turns():
    months = pd.date_range("2000-01-31", periods=90, freq="ME")
    earned = pd.DataFrame(np.random.default_rng(5).normal(size=(90, 12)) / 20, months, TICKERS)
    earned[np.arange(90) % 3 != 2] = np.nan  # while what is known of each ticker has all months
    frame = pd.DataFrame({"returns": earned.stack(future_stack=True), "size": 1.0}).rename_axis(["date", "ticker"])
    assert told(lambda: Panel.from_frame(frame), "by turns")[0] == 0
    by_turns = pd.DataFrame({t: R[t].where(np.arange(30) % 3 == s % 3) for s, t in enumerate(R)}).stack()
    frame = by_turns.rename_axis(["date", "ticker"]).to_frame("returns")
    assert told(lambda: Panel.from_frame(frame), "every 3 dates")[0] == 1


def test_months_of_whom_half_are_missing_at_random_are_not_told_of_as_turns():
    there = np.random.default_rng(0).random(R.shape) < 0.3
    frame = long(returns=R.where(there)).dropna(subset="returns")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Panel.from_frame(frame)


@pytest.mark.parametrize(("ahead", "when"), [(0, "of its own row"), (1, "of the next date")])
def test_a_column_of_a_frame_like_the_return_is_told_of(ahead, when):
    seen = R.shift(-ahead) * 3 + np.random.default_rng(1).normal(0, 1e-3, R.shape)
    with pytest.warns(UserWarning, match=f"'seen' of frame looks like the return {when}.*shift.{1 + ahead}."):
        Panel.from_frame(long(seen=seen))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Panel.from_frame(long(seen=seen.shift(1 + ahead)))


def test_returns_that_last_may_be_characteristics_of_the_next_date():
    bills = pd.DataFrame(np.cumsum(np.random.default_rng(0).normal(0, 1e-4, R.shape), axis=0) + 0.01, MONTHS, TICKERS)
    for seen, words in ((bills.shift(1), None), (bills, "of its own row"), (bills.shift(-1), "of the next date")):
        frame = long(returns=bills, seen=seen)
        counts = [told(lambda f=frame: Panel.from_frame(f), w)[0] for w in ("like the return", words or "like the")]
        assert counts == 2 * [words is not None]
    added = Panel(bills)
    assert told(lambda: added.with_characteristics(seen=bills.shift(1)), "looks like")[0] == 0


def test_a_likeness_is_found_whatever_the_order_and_the_gaps():
    random = np.random.default_rng(0)
    r = random.normal(size=(1000, 500))
    hidden = r.copy()
    hidden[:, 0] = np.nan
    few = np.where(random.random(r.shape) < 0.002, r, np.nan)
    for seen in (r, hidden, few):
        assert like(seen.ravel(), r.ravel()) == pytest.approx(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert like(np.full(50, 1e200) * r[0, :50], r[0, :50]) == 0.0 == like(np.full(50, np.inf), r[0, :50])


def test_the_remedy_for_a_column_like_the_return_serves_rows_in_any_order():
    frame = long(seen=R).iloc[::-1]
    frame["seen"] = frame["seen"].sort_index().groupby(level=1).shift(1)  # what the warning says
    panel = Panel.from_frame(frame)
    assert np.array_equal(panel.characteristics[1:, :, 1], R.to_numpy()[:-1])


def test_an_index_of_python_times_in_utc_is_read_as_one_of_pandas():
    table = prices()
    late = pd.DatetimeIndex(table.index.tz_localize("Asia/Tokyo").tz_convert("UTC"))
    for index in (late, pd.Index(late.to_pydatetime(), dtype=object)):
        assert_refused(lambda index=index: read_panel(table.set_axis(index), layout="yfinance"), ValueError, "midnight")
    gone = pd.Index([*late.tz_convert("Asia/Tokyo").to_pydatetime()[:-1], pd.NaT], dtype=object)
    assert_refused(lambda: characteristics_from_prices(table.set_axis(gone)), ValueError, "row(s) without a date")


def test_dates_of_several_time_zones_are_refused_wherever_they_stand():
    mixed = [d.tz_localize("Europe/Berlin" if i % 2 else "US/Eastern") for i, d in enumerate(MONTHS)]
    table = (1 + R).cumprod().set_axis(pd.Index(mixed, dtype=object))
    frame = table.stack().rename_axis(["date", "ticker"]).to_frame("returns")
    for asked in (
        lambda: Panel(R.to_numpy(), dates=mixed),
        lambda: Panel.from_frame(frame),
        lambda: read_panel(table, layout="yfinance"),
        lambda: characteristics_from_prices(table),
    ):
        assert_refused(asked, TypeError, "several time zones", "Europe/Berlin", "tzinfo=None")


def test_betas_given_after_a_fit_are_refused_unless_they_are_of_the_same_shape():
    tables = {"constant": np.ones((12, 1)), "of each date": np.ones((30, 12, 1)), "None": None}
    others = {"fewer": np.ones((5, 1)), "more": np.ones((12, 3)), "fewer dates": np.ones((20, 12, 1)),
              "more dates": np.ones((60, 12, 1)), "ragged": [[1, 2], [3]], "one axis": np.ones(12)}  # fmt: skip
    for before, betas in tables.items():
        model = CrossSectionalRegression(betas).fit(panel())
        for after, other in (tables | others).items():
            model.set_params(given_betas=other)
            for asked in (model.betas, model.factors, model.reconstruct):
                if before != after:
                    assert_refused(lambda asked=asked: asked(panel()), ValueError, "changed after the fit", "Fit again")
    named = pd.DataFrame(np.arange(12.0)[:, None], TICKERS)
    model = CrossSectionalRegression(named).fit(panel()).set_params(given_betas=named[::-1])
    assert_refused(lambda: model.betas(panel()), ValueError, "of other tickers")
    earlier = CrossSectionalRegression(named).fit(panel())
    said = np.asarray(earlier.reconstruct(panel()))
    del earlier.shape_of_betas_  # as in a file that an earlier edition has saved
    assert np.array_equal(earlier.reconstruct(panel()), said)
    once, twice = (CrossSectionalRegression(c * named).fit(panel()) for c in (1, 2))
    assert np.allclose(once.set_params(given_betas=2 * named).reconstruct(panel()), twice.reconstruct(panel()))


def test_text_in_a_table_is_found_by_its_column():
    table = prices().astype({"C": object})
    table.iloc[4, 2] = "n/a"
    assert_refused(lambda: characteristics_from_prices(table), TypeError, "column(s) 'C'")
    assert_refused(lambda: read_panel(table, layout="yfinance"), TypeError, "column(s) 'C'")
    for each in (table, table.astype(object)):
        assert_refused(lambda each=each: Panel(each), TypeError, "column(s) 'C' was given")
