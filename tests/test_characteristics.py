"""Characteristics from prices: against plain loops, by hand, and never from the future."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from skfolio.datasets import load_factors_dataset, load_sp500_dataset

from helpers.data.datasets import load_stocks
from helpers.data.prices import characteristics_from_prices
from helpers.data.ranks import rank_across_tickers
from helpers.models.managed import managed_portfolios
from tests.common import assert_refused

SOME = settings(deadline=None, derandomize=True, max_examples=10)
NAMES = ["reversal", "momentum", "volatility", "maximum", "beta", "turnover"]
FREQUENCIES = ("monthly", "daily")
by_frequency = pytest.mark.parametrize("frequency", FREQUENCIES)


def history(seed=0, n_days=560, n_tickers=6, missing=0.0):
    """Prices, volumes, a market and two portfolios on the weekdays from 2018 on."""
    random = np.random.default_rng(seed)
    days = pd.bdate_range("2018-01-01", periods=n_days)
    tickers = [f"T{s}" for s in range(n_tickers)]
    market = pd.Series(random.normal(0.0005, 0.01, n_days), days)
    noise_free = market.to_numpy()[:, None] * random.uniform(0.5, 1.5, n_tickers)
    returns = noise_free + random.normal(0, 0.02, (n_days, n_tickers))
    prices = pd.DataFrame(50 * np.exp(returns.cumsum(axis=0)), days, tickers)
    volume = pd.DataFrame(random.lognormal(10, 1, (n_days, n_tickers)), days, tickers)
    portfolios = pd.DataFrame(random.normal(0, 0.01, (n_days - 1, 2)), days[1:], ["value", "size"])
    return {
        "prices": prices.mask(random.random(prices.shape) < missing),
        "volume": volume.mask(random.random(prices.shape) < missing),
        "market": market,
        "portfolios": portfolios,
    }


def lively_history():
    """One with all that happens to tickers: gaps, a listing (T1), a leaving (T2), a suspension (T3)."""
    tables = history(missing=0.03)
    prices = tables["prices"]
    prices.iloc[:300, 1] = prices.iloc[450:, 2] = prices.iloc[400:430, 3] = np.nan
    return tables


WHOLE, LIVELY = history(), lively_history()
DAYS = WHOLE["prices"].index
HISTORIES = {"whole": WHOLE, "lively": LIVELY}
with_and_without_gaps = pytest.mark.parametrize("tables", HISTORIES.values(), ids=HISTORIES)


def panel_of(tables, frequency="daily", **changed):
    return characteristics_from_prices(**{**tables, **changed}, frequency=frequency)


def characteristic(panel, name):
    """One characteristic as a table of dates x tickers."""
    j = panel.characteristic_names.get_loc(name)
    return pd.DataFrame(panel.characteristics[:, :, j], panel.dates, panel.tickers)


def known_at(tables, name, d):
    """One characteristic of every ticker at the close of day d: in the daily panel it stands beside the next return."""
    return characteristic(panel_of(tables), name).loc[DAYS[d + 1]]


def closes(days=DAYS):
    """The positions of the last trading day of each month."""
    months = [day.month for day in days]
    return [d for d in range(len(days) - 1) if months[d] != months[d + 1]]


def begins_and_ends(panel, frequency):
    """The positions of the closes between which each row's return is earned."""
    if frequency == "daily":
        ends = [DAYS.get_loc(date) for date in panel.dates]
        return [d - 1 for d in ends], ends
    last = {(DAYS[d].year, DAYS[d].month): d for d in range(len(DAYS))}
    ends = [last[date.year, date.month] for date in panel.dates]
    before = [date - pd.offsets.MonthBegin() - pd.Timedelta(days=1) for date in panel.dates]
    return [last[date.year, date.month] for date in before], ends


def same(a, b, exactly=True):
    if exactly:
        return np.array_equal(a, b, equal_nan=True)
    return np.allclose(a, b, rtol=1e-6, atol=1e-10, equal_nan=True)


# One cell at a time ---------------------------------------------------------------------------------------------------


def plain(name, tables, d, s):
    """The characteristic of ticker s known at day d, by the words of the definition."""
    p, v = tables["prices"].iloc[:, s].tolist(), tables["volume"].iloc[:, s].tolist()
    if np.isnan(p[d]):
        return np.nan
    if name == "reversal":
        return p[d] / p[d - 21] - 1
    if name == "momentum":
        return p[d - 21] / p[d - 252] - 1
    if name == "turnover":
        means = []
        for window in (21, 252):
            volumes = [v[i] for i in range(d - window + 1, d + 1) if not np.isnan(p[i]) and not np.isnan(v[i])]
            means.append(sum(volumes) / len(volumes) if len(volumes) >= window * 2 / 3 else np.nan)
        return means[0] / means[1]
    window = 252 if name == "beta" else 21
    past = [(p[i] / p[i - 1] - 1, tables["market"].iloc[i]) for i in range(d - window + 1, d + 1)]
    past = np.array([pair for pair in past if not np.isnan(pair[0])])
    if len(past) < window * 2 / 3:
        return np.nan
    if name == "beta":
        return sm.OLS(past[:, 0], sm.add_constant(past[:, 1])).fit().params[1]
    return past[:, 0].std(ddof=1) if name == "volatility" else past[:, 0].max()


@pytest.mark.parametrize("name", NAMES)
@with_and_without_gaps
@by_frequency
def test_characteristics_are_those_of_a_plain_loop(name, tables, frequency):
    panel = panel_of(tables, frequency)
    found = characteristic(panel, name).to_numpy()
    begins, _ = begins_and_ends(panel, frequency)
    random = np.random.default_rng(1)
    n_known = 0
    for row, s in zip(random.integers(panel.n_dates, size=60), random.integers(panel.n_tickers, size=60), strict=True):
        expected = plain(name, tables, begins[row], s)
        assert same(found[row, s], expected, exactly=False)
        n_known += not np.isnan(expected)
    assert n_known > 30


def test_without_a_market_beta_is_the_slope_on_the_mean_of_the_tickers_that_trade():
    tables = {**LIVELY, "market": LIVELY["prices"].pct_change(fill_method=None).mean(axis=1)}
    assert same(panel_of(tables).characteristics, panel_of(LIVELY, market=None).characteristics)


def test_without_gaps_beta_is_the_slope_of_polyfit_and_the_mean_beta_is_one():
    panel = panel_of(WHOLE, market=None)
    r = WHOLE["prices"].pct_change()
    expected = np.polyfit(r.mean(axis=1)[149:401], r[149:401], deg=1)[0]
    found = characteristic(panel, "beta")
    assert np.allclose(found.loc[DAYS[401]], expected) and np.allclose(found.mean(axis=1), 1)


def test_a_wrong_price_is_forgotten_when_it_has_left_the_window():
    tables = {**WHOLE, "prices": WHOLE["prices"].copy(), "market": None}
    tables["prices"].iloc[260, 0] *= 1000
    tables["market"] = tables["prices"].pct_change().mean(axis=1)
    for name in NAMES:
        assert np.allclose(known_at(tables, name, 520), [plain(name, tables, 520, s) for s in range(6)], rtol=1e-6)


def test_a_panel_has_turnover_only_if_volume_is_given():
    assert list(panel_of(WHOLE).characteristic_names) == NAMES
    assert list(panel_of(WHOLE, volume=None).characteristic_names) == NAMES[:-1]
    assert same(panel_of(WHOLE).characteristics[:, :, :-1], panel_of(WHOLE, volume=None).characteristics)


# Pairing --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stairs():
    """A price of 100 + d on weekday d, and one ten times as high."""
    days = pd.bdate_range("2020-01-01", "2021-03-31")
    return pd.DataFrame({"A": 100.0 + np.arange(len(days)), "B": 1000.0 + 10 * np.arange(len(days))}, days)


def test_months_by_hand(stairs):
    panel = characteristics_from_prices(stairs)
    assert [f"{date:%Y-%m-%d}" for date in panel.dates] == ["2021-01-31", "2021-02-28", "2021-03-31"]
    # The last weekdays of December to March, 2020-12-31, 2021-01-29, 2021-02-26 and 2021-03-31, stand at
    # 261, 282, 302 and 325.
    for ticker in (0, 1):
        assert np.allclose(panel.returns[:, ticker], [382 / 361 - 1, 402 / 382 - 1, 425 / 402 - 1])
    expected = [361 / 340 - 1, 382 / 361 - 1, 402 / 381 - 1]
    assert np.allclose(characteristic(panel, "reversal")["A"], expected)
    assert np.allclose(characteristic(panel, "momentum")["A"], [340 / 109 - 1, 361 / 130 - 1, 381 / 150 - 1])
    assert np.allclose(characteristic(panel, "maximum")["A"], [1 / 340, 1 / 361, 1 / 381])
    assert np.allclose(characteristic(panel, "beta"), 1)


def test_days_by_hand(stairs):
    panel = characteristics_from_prices(stairs[:255], frequency="daily")
    assert panel.dates.equals(stairs.index[253:255].rename("date"))
    assert np.allclose(panel.returns[:, 0], [1 / 352, 1 / 353])
    assert np.allclose(characteristic(panel, "reversal")["A"], [352 / 331 - 1, 353 / 332 - 1])
    assert np.allclose(characteristic(panel, "momentum")["A"], [331 / 100 - 1, 332 / 101 - 1])


@pytest.mark.parametrize(
    "end, last_row",
    [
        ("2021-03-31", "2021-03-31"),
        ("2021-03-30", "2021-02-28"),
        ("2021-02-26", "2021-02-28"),
        ("2021-02-25", "2021-01-31"),
    ],
)
def test_a_last_month_counts_only_if_its_last_weekday_is_there(stairs, end, last_row):
    assert characteristics_from_prices(stairs[:end]).dates[-1] == pd.Timestamp(last_row)


def test_a_month_ends_with_its_last_trading_day_whatever_the_calendar_says(stairs):
    panel = characteristics_from_prices(stairs.drop(pd.to_datetime(["2021-01-29", "2021-01-28"])))
    assert panel.returns[0, 0] == pytest.approx(380 / 361 - 1) and panel.returns[1, 0] == pytest.approx(402 / 380 - 1)


@with_and_without_gaps
@by_frequency
def test_returns_are_ratios_of_the_prices_at_both_ends(tables, frequency):
    panel = panel_of(tables, frequency)
    p = tables["prices"].to_numpy()
    for row, (begin, end) in enumerate(zip(*begins_and_ends(panel, frequency), strict=True)):
        assert same(panel.returns[row], p[end] / p[begin] - 1)


def test_the_first_row_follows_the_first_complete_window():
    assert panel_of(WHOLE).dates[0] == DAYS[253]
    late = WHOLE["prices"].copy()
    late.iloc[:40] = np.nan
    late.iloc[:60, 1:] = np.nan
    panel = panel_of({**WHOLE, "prices": late})
    assert panel.dates[0] == DAYS[253 + 40] and np.isnan(characteristic(panel, "momentum").iloc[0, 1:]).all()
    monthly = panel_of({**WHOLE, "prices": late}, "monthly")
    begins, _ = begins_and_ends(monthly, "monthly")
    assert begins[0] == min(d for d in closes() if d >= 252 + 40)


def test_days_without_any_price_are_no_trading_days():
    every_day = {name: table.asfreq("D") for name, table in WHOLE.items() if name in ("prices", "volume")}
    for frequency in FREQUENCIES:
        panel, other = panel_of(WHOLE, frequency), panel_of({**WHOLE, **every_day}, frequency)
        assert same(panel.characteristics, other.characteristics) and same(panel.returns, other.returns)
        assert panel.dates.equals(other.dates)


def test_hours_do_not_matter_and_time_zones_are_kept():
    later = {name: table.set_axis(table.index + pd.Timedelta(hours=16)) for name, table in WHOLE.items()}
    abroad = {name: table.tz_localize("America/New_York") for name, table in later.items()}
    for frequency in FREQUENCIES:
        panel = panel_of(WHOLE, frequency)
        for tables in (later, {**WHOLE, "market": later["market"]}, abroad):
            other = panel_of(tables, frequency)
            assert same(panel.characteristics, other.characteristics) and same(panel.portfolios, other.portfolios)
    assert panel_of(abroad, "daily").dates.equals(panel_of(WHOLE, "daily").dates.tz_localize("America/New_York"))
    assert panel_of(abroad, "monthly").dates.equals(panel_of(WHOLE, "monthly").dates)


def test_the_tables_given_stay_as_they_are():
    copies = {name: table.copy() for name, table in LIVELY.items()}
    panel_of(LIVELY, "monthly")
    assert all(copies[name].equals(table) for name, table in LIVELY.items())


# No look-ahead --------------------------------------------------------------------------------------------------------


def with_other_numbers(tables, days):
    """The tables with other numbers, and other gaps, at these positions of days."""
    random = np.random.default_rng(99)
    tables = {name: table.copy() for name, table in tables.items()}
    for name, table in tables.items():
        where = table.index.isin(DAYS[days])
        shape = table[where].shape
        of_returns = name in ("market", "portfolios")
        numbers = random.normal(0.05, 0.05, shape) if of_returns else random.lognormal(3, 1, shape)
        if name in ("prices", "volume"):
            numbers[random.random(shape) < 0.1] = np.nan
        table[where] = numbers
    return tables


@with_and_without_gaps
@by_frequency
@pytest.mark.parametrize("market_given", [True, False])
@pytest.mark.parametrize("cut", [closes()[14], closes()[19], 400, 557])
def test_the_future_moves_neither_past_rows_nor_the_characteristics_of_the_next(tables, frequency, market_given, cut):
    other = with_other_numbers(tables, slice(cut + 1, None))
    if not market_given:
        tables, other = ({**t, "market": None} for t in (tables, other))
    a, b = panel_of(tables, frequency), panel_of(other, frequency)
    begins, ends = (np.array(positions) for positions in begins_and_ends(a, frequency))
    earned, known = ends <= cut, begins <= cut
    assert earned.any() and a.dates.equals(b.dates)
    assert same(a.returns[earned], b.returns[earned]) and same(a.portfolios[earned], b.portfolios[earned])
    assert same(a.characteristics[known], b.characteristics[known])
    for row in np.flatnonzero(~earned)[:1]:
        assert not same(a.returns[row], b.returns[row]) and not same(a.portfolios[row], b.portfolios[row])
    for row in np.flatnonzero(~known)[:1]:
        moved = (a.characteristics[row] != b.characteristics[row]).any(axis=0)
        # so this test could tell; momentum sees a day 21 days later
        assert moved[a.characteristic_names != "momentum"].all()


@with_and_without_gaps
@by_frequency
def test_what_happens_while_a_return_is_earned_does_not_move_its_characteristics(tables, frequency):
    a = panel_of(tables, frequency)
    for row, (begin, end) in enumerate(zip(*begins_and_ends(a, frequency), strict=True)):
        if row in (2, 5, a.n_dates - 2):
            b = panel_of(with_other_numbers(tables, slice(begin + 1, end + 1)), frequency)
            assert same(a.characteristics[: row + 1], b.characteristics[: row + 1])
            assert not same(a.returns[row], b.returns[row])
            assert not same(a.characteristics[row + 1], b.characteristics[row + 1])


@by_frequency
def test_a_table_that_ends_earlier_gives_the_same_rows(frequency):
    whole, cut = panel_of(LIVELY, frequency), closes()[20] + 1
    part = panel_of({name: table.loc[: DAYS[cut - 1]] for name, table in LIVELY.items()}, frequency)
    assert part.dates.equals(whole.dates[: part.n_dates]) and part.n_dates < whole.n_dates
    for name in ("returns", "characteristics", "portfolios"):
        assert same(getattr(part, name), getattr(whole, name)[: part.n_dates])


def test_an_adjustment_made_later_moves_nothing_before_it():
    split = WHOLE["prices"].copy()
    split.iloc[:400, 0] /= 4
    for frequency in FREQUENCIES:
        a, b = panel_of(WHOLE, frequency), panel_of(WHOLE, frequency, prices=split)
        begins, ends = (np.array(positions) for positions in begins_and_ends(a, frequency))
        assert same(a.characteristics[begins < 400], b.characteristics[begins < 400])
        assert same(a.returns[ends < 400], b.returns[ends < 400])


# Gaps -----------------------------------------------------------------------------------------------------------------


def unknown_days(tables, name, ticker):
    """The days at whose close the characteristic is unknown, among those of the daily panel."""
    values = characteristic(panel_of(tables), name)[ticker]
    return [DAYS.get_loc(date) - 1 for date in values.index[values.isna()]]


def without_prices(days, ticker=0, tables=WHOLE):
    prices = tables["prices"].copy()
    prices.iloc[days, ticker] = np.nan
    return {**tables, "prices": prices}


def test_a_missing_price_leaves_two_returns_unknown_and_what_begins_or_ends_there():
    tables = without_prices(300)
    panel = panel_of(tables)
    assert [DAYS.get_loc(date) for date in panel.dates[np.isnan(panel.returns[:, 0])]] == [300, 301]
    expected = {name: [300] for name in NAMES} | {"reversal": [300, 321], "momentum": [300, 321, 552]}
    assert {name: unknown_days(tables, name, "T0") for name in NAMES} == expected
    assert not np.isnan(panel.returns[:, 1:]).any() and not np.isnan(panel.characteristics[:, 1:]).any()


def test_a_missing_price_leaves_a_monthly_return_unknown_only_at_its_ends():
    closing = closes()[15]
    for day, months in ((closing, 2), (closing + 5, 0)):
        assert np.isnan(panel_of(without_prices(day), "monthly").returns[:, 0]).sum() == months


@pytest.mark.parametrize("name", ["volatility", "maximum"])
def test_two_thirds_of_a_month_suffice(name):
    day = 400
    # j prices in a row are j + 1 daily returns: 14 of 21 are left, then 13.
    assert np.isfinite(known_at(without_prices(slice(day - 10, day - 4)), name, day)["T0"])
    assert np.isnan(known_at(without_prices(slice(day - 10, day - 3)), name, day)["T0"])


def test_two_thirds_of_a_year_suffice():
    day = 400
    # 168 and 167 of 252 returns are left
    few, many = (without_prices(slice(day - 200, day - 200 + j)) for j in (83, 84))
    assert np.isfinite(known_at(few, "beta", day)["T0"]) and np.isnan(known_at(many, "beta", day)["T0"])
    few, many = (without_prices(slice(day - 200, day - 200 + j)) for j in (84, 85))  # 168 and 167 of 252 volumes
    assert np.isfinite(known_at(few, "turnover", day)["T0"]) and np.isnan(known_at(many, "turnover", day)["T0"])


def test_two_thirds_of_the_volumes_suffice_for_turnover():
    for j, known in ((7, True), (8, False)):
        volume = WHOLE["volume"].copy()
        volume.iloc[400 - j + 1 : 401, 0] = np.nan
        assert np.isfinite(known_at({**WHOLE, "volume": volume}, "turnover", 400)["T0"]) == known


def test_a_ticker_listed_late_gets_each_characteristic_when_its_window_is_there():
    listed = 100
    tables = without_prices(slice(None, listed))
    first_known = {
        name: unknown_days(tables, name, "T0")[-1] + 1 if unknown_days(tables, name, "T0") else 252 for name in NAMES
    }
    assert first_known == {
        "reversal": 252,  # by the first row, and for long
        "volatility": 252,
        "maximum": 252,
        "momentum": listed + 252,
        "beta": listed + 168,
        "turnover": listed + 167,
    }
    panel = panel_of(without_prices(slice(None, 300)))
    assert np.isnan(panel.returns[: 301 - 253, 0]).all() and not np.isnan(panel.returns[301 - 253 :, 0]).any()
    assert np.isnan(panel.characteristics[: 300 - 252, 0]).all()


@by_frequency
def test_a_ticker_that_has_left_has_neither_returns_nor_characteristics(frequency):
    left = closes()[20] - 8
    panel = panel_of(without_prices(slice(left, None)), frequency)
    begins, ends = (np.array(positions) for positions in begins_and_ends(panel, frequency))
    assert np.isnan(panel.characteristics[begins >= left, 0]).all() and np.isnan(panel.returns[ends >= left, 0]).all()
    assert not np.isnan(panel.characteristics[begins < left, 0]).any()
    assert not np.isnan(panel.returns[ends < left, 0]).any()


def test_volume_without_a_price_does_not_count():
    tables = without_prices(slice(None, 200))
    volume = tables["volume"].copy()
    volume.iloc[:200, 0] = 0.0  # as vendors fill the days before a listing
    assert same(panel_of(tables).characteristics, panel_of({**tables, "volume": volume}).characteristics)


def test_where_nothing_moves_or_is_traded_nothing_is_divided_by_zero():
    prices, volume = WHOLE["prices"].copy(), WHOLE["volume"].copy()
    prices["T0"], volume["T0"] = 7.0, 0.0
    volume.loc[DAYS[260] :, "T1"] = 0.0
    panel = panel_of({**WHOLE, "prices": prices, "volume": volume})
    turnover = characteristic(panel, "turnover")
    assert np.isnan(turnover["T0"]).all() and not np.isinf(panel.characteristics).any()
    assert (turnover.loc[DAYS[281] : DAYS[511], "T1"] == 0).all() and np.isnan(turnover.loc[DAYS[512] :, "T1"]).all()
    for name in NAMES[:-1]:
        assert np.allclose(characteristic(panel, name)["T0"], 0, atol=1e-12)
    still = WHOLE["market"].copy()
    still.iloc[300:] = 0.003
    still = panel_of(WHOLE, market=still)
    without = still.dates[np.isnan(characteristic(still, "beta")["T1"])]
    assert [DAYS.get_loc(date) for date in without] == list(range(552, 560))


def test_a_ticker_without_any_price_stays_a_column_of_unknowns():
    panel = panel_of(without_prices(slice(None)), "monthly")
    assert np.isnan(panel.returns[:, 0]).all() and np.isnan(panel.characteristics[:, 0]).all()
    assert not np.isnan(panel.characteristics[:, 1:]).any()


# Properties -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(1e-3, 1e3), min_size=6, max_size=6), st.sampled_from(FREQUENCIES))
@SOME
def test_the_currency_of_a_price_and_the_unit_of_a_volume_change_nothing(scales, frequency):
    scaled = {**LIVELY, "prices": LIVELY["prices"] * scales, "volume": LIVELY["volume"] * scales[::-1], "market": None}
    a, b = panel_of(LIVELY, frequency, market=None), panel_of(scaled, frequency)
    assert same(a.returns, b.returns, exactly=False) and same(a.characteristics, b.characteristics, exactly=False)


@given(st.permutations(range(6)), st.sampled_from(FREQUENCIES))
@SOME
def test_permuting_tickers_permutes_the_panel(order, frequency):
    permuted = {**LIVELY, "market": None} | {name: LIVELY[name].iloc[:, order] for name in ("prices", "volume")}
    a, b = panel_of(LIVELY, frequency, market=None), panel_of(permuted, frequency)
    assert list(b.tickers) == list(a.tickers[order]) and same(a.returns[:, order], b.returns)
    assert same(a.characteristics[:, order], b.characteristics, exactly=False)


@given(st.floats(0.1, 5))
@SOME
def test_a_market_scaled_up_scales_beta_down(scale):
    a, b = (
        characteristic(panel_of(WHOLE, market=market), "beta") for market in (WHOLE["market"], scale * WHOLE["market"])
    )
    assert np.allclose(a, scale * b)


def test_with_a_market_given_no_ticker_depends_on_another():
    tables, few = without_prices([300, 400, 401]), ["T0", "T5"]
    part = panel_of({**tables, "prices": tables["prices"][few], "volume": tables["volume"][few]})
    whole = panel_of(tables).select_tickers(few)
    assert same(part.characteristics, whole.characteristics) and same(part.returns, whole.returns)


# Portfolios -----------------------------------------------------------------------------------------------------------


@by_frequency
def test_portfolios_are_compounded_over_the_days_of_their_row(frequency):
    panel = panel_of(WHOLE, frequency)
    assert list(panel.portfolio_names) == ["value", "size"]
    for row, (begin, end) in enumerate(zip(*begins_and_ends(panel, frequency), strict=True)):
        growth = np.ones(2)
        for d in range(begin + 1, end + 1):
            growth *= 1 + WHOLE["portfolios"].loc[DAYS[d]].to_numpy()
        assert np.allclose(panel.portfolios[row], growth - 1)


def test_a_ticker_as_a_portfolio_earns_what_the_ticker_earns():
    portfolios = WHOLE["prices"].pct_change().iloc[1:]
    for frequency in FREQUENCIES:
        panel = panel_of(WHOLE, frequency, portfolios=portfolios)
        assert np.allclose(panel.portfolios, panel.returns)


@by_frequency
def test_rows_that_portfolios_do_not_cover_wholly_are_left_out(frequency):
    whole = panel_of(WHOLE, frequency)
    part = panel_of(WHOLE, frequency, portfolios=WHOLE["portfolios"].loc[DAYS[400] : DAYS[500]])
    begins, ends = (np.array(positions) for positions in begins_and_ends(whole, frequency))
    kept = (begins >= 399) & (ends <= 500)
    assert part.dates.equals(whole.dates[kept]) and 0 < kept.sum() < whole.n_dates
    for name in ("returns", "characteristics", "portfolios"):
        assert same(getattr(part, name), getattr(whole, name)[kept])


def test_days_that_only_the_portfolios_have_belong_to_the_row_around_them():
    portfolios = WHOLE["portfolios"].copy()
    portfolios.loc[DAYS[399]] = 0.02
    fewer = {name: WHOLE[name].drop(DAYS[399]) for name in ("prices", "volume", "market")}
    panel = panel_of({**WHOLE, **fewer}, portfolios=portfolios)
    at_400 = panel.portfolios[panel.dates.get_loc(DAYS[400])]
    assert np.allclose(at_400, 1.02 * (1 + WHOLE["portfolios"].loc[DAYS[400]]) - 1)


# Real prices ----------------------------------------------------------------------------------------------------------

STOCKS, ETFS = load_sp500_dataset(), load_factors_dataset()


def test_twenty_real_stocks_by_month():
    panel = characteristics_from_prices(STOCKS)
    assert panel.dates.equals(pd.date_range("1991-01-31", "2022-11-30", freq="ME", name="date"))
    assert not np.isnan(panel.returns).any() and not np.isnan(panel.characteristics).any()
    means = {name: float(characteristic(panel, name).to_numpy().mean()) for name in panel.characteristic_names}
    assert means["beta"] == pytest.approx(1) and 0.005 < means["reversal"] < 0.02 and 0.1 < means["momentum"] < 0.25
    assert 0.01 < means["volatility"] < 0.03 < means["maximum"] < 0.05
    expected = STOCKS["AAPL"].loc["2001-02-28"] / STOCKS["AAPL"].loc["2001-01-31"] - 1
    assert panel["2001-02":"2001-02"].returns[0, list(panel.tickers).index("AAPL")] == pytest.approx(expected)


def test_twenty_real_stocks_by_day_with_etfs_are_those_of_the_panel_of_stocks():
    panel = characteristics_from_prices(STOCKS, frequency="daily", portfolios=ETFS.pct_change().iloc[1:])
    stocks = load_stocks()
    assert panel.dates.equals(stocks.dates) and panel.tickers.equals(stocks.tickers)
    assert np.allclose(panel.returns, stocks.returns) and np.allclose(panel.portfolios, stocks.portfolios)
    assert panel.portfolio_names.equals(stocks.portfolio_names) and not np.isnan(panel.characteristics).any()


def test_the_panel_is_ready_for_ranks_and_managed_portfolios():
    panel = rank_across_tickers(characteristics_from_prices(STOCKS))
    assert managed_portfolios(panel, constant=True).shape == (383, 6)
    assert np.abs(panel.characteristics).max() < 1


# Bad input ------------------------------------------------------------------------------------------------------------


def spoiled(name, days, columns, value):
    table = WHOLE[name].copy()
    table.iloc[days, columns] = value
    return {name: table}


P, V, M, X = (WHOLE[name] for name in ("prices", "volume", "market", "portfolios"))
REFUSED = {
    "an array": (dict(prices=P.to_numpy()), TypeError, "prices must be a DataFrame", "ndarray"),
    "a series": (dict(prices=P["T0"]), TypeError, "prices must be a DataFrame", "Series"),
    "a long frame": (dict(prices=P.stack().to_frame("close")), TypeError, "several levels", "unstack()"),
    "two levels of columns": (dict(prices=pd.concat({"Close": P}, axis=1)), TypeError, "prices['Close']"),
    "numbered rows": (dict(prices=P.reset_index(drop=True)), TypeError, "RangeIndex", "pd.to_datetime(prices.index)"),
    "text": (dict(prices=P.map("{:.2f} USD".format)), TypeError, "prices must hold numbers"),
    "nothing": (dict(prices=P.iloc[:0]), ValueError, "prices is empty", "0 rows"),
    "a row without a date": (dict(prices=P.set_axis([pd.NaT, *DAYS[1:]])), ValueError, "1 row(s) without a date"),
    "newest first": (dict(prices=P[::-1]), ValueError, "must ascend", "prices.sort_index()"),
    "a day twice": (
        dict(prices=P.iloc[np.sort([*range(560), 7])]),
        ValueError,
        "one row a day",
        "1 more",
        "2018-01-10",
    ),
    "hours": (dict(prices=P.set_axis(pd.date_range("2018", periods=560, freq="h"))), ValueError, "one row a day"),
    "a ticker twice": (dict(prices=P.set_axis([*"ABCDEA"], axis=1)), ValueError, "must all differ", "A"),
    "infinity": (spoiled("prices", 3, 0, np.inf), ValueError, "prices has 1 infinite"),
    "a price of zero": (spoiled("prices", 9, 2, 0), ValueError, "above 0; T2 has 0 on 2018-01-12", "1 such", "NaN"),
    "a negative price": (spoiled("prices", [9, 8], 2, -1), ValueError, "above 0; T2 has -1 on 2018-01-11", "2 such"),
    "minus the mean of bid and ask": (
        spoiled("prices", slice(0, 200), slice(0, 3), P.iloc[:200, :3] * -1),
        ValueError,
        "above 0; T0 has -",
        "CRSP writes minus the mean of bid and ask",
        "prices.abs()",
    ),
    "two prices of CRSP": (
        spoiled("prices", [9, 8], 2, -50),
        ValueError,
        "T2 has -50 on 2018-01-11",
        "2 such",
        "prices.abs(), NaN for 0",
    ),
    "returns": (dict(prices=P.pct_change()), ValueError, "looks like a table of returns", "%", "cumprod()"),
    "months": (
        dict(prices=P.set_axis(pd.date_range("1970", periods=560, freq="ME"))),
        ValueError,
        "daily",
        "31 or more days",
    ),
    "weeks": (
        dict(prices=P.set_axis(pd.date_range("1970", periods=560, freq="W"))),
        ValueError,
        "daily",
        "7 or more days",
    ),
    "few weeks": (dict(prices=P[::5]), ValueError, "daily", "7 or more days"),
    "too few days": (dict(prices=P[:253]), ValueError, "at least 254 days", "it has 253"),
    "one day": (dict(prices=P[:1]), ValueError, "at least 254 days", "it has 1"),
    "no price": (dict(prices=P * np.nan), ValueError, "at least 254 days", "it has 0"),
    "a hole": (dict(prices=P.drop(DAYS[300:312])), ValueError, "a hole", "2019-02-22 and 2019-03-13"),
    "no whole month": (
        dict(prices=P[:255], volume=None),
        ValueError,
        "every characteristic before any whole month",
        "2018-12-21",
    ),
    "another volume": (dict(volume=V[1:]), ValueError, "The dates of volume are not those of prices"),
    "volume of others": (dict(volume=V.iloc[:, ::-1]), ValueError, "The tickers of volume are not those of prices"),
    "volume as an array": (dict(volume=V.to_numpy()), TypeError, "volume must be a DataFrame"),
    "negative volume": (spoiled("volume", 9, 2, -5), ValueError, "volume must be at least 0; T2 has -5 on 2018-01-12"),
    "a market of two": (dict(market=X), TypeError, "market must be a Series", "DataFrame"),
    "a market that misses days": (
        dict(market=M.drop(DAYS[7:9])),
        ValueError,
        "no return on 2 of the 559",
        "2018-01-10, 2018-01-11",
    ),
    "a market with a gap": (
        dict(market=M.mask(M.index == DAYS[7])),
        ValueError,
        "no return on 1 of the 559",
        "2018-01-10",
    ),
    "a market in percent": (dict(market=100 * M), ValueError, "market must hold daily returns in fractions", "by 100"),
    "a market of prices": (dict(market=P["T0"]), ValueError, "market must hold daily returns", "pct_change()"),
    "a market elsewhere": (
        dict(market=M.tz_localize("UTC")),
        TypeError,
        "market have the time zone UTC",
        "tz_localize(None)",
    ),
    "portfolios as an array": (dict(portfolios=X.to_numpy()), TypeError, "portfolios must be a DataFrame"),
    "portfolios with a gap": (spoiled("portfolios", 9, 0, np.nan), ValueError, "portfolios has 1 NaN", "Fill or drop"),
    "portfolios with a hole": (
        dict(portfolios=X.drop(DAYS[[77, 78]])),
        ValueError,
        "no row for 2 of the days",
        "2018-04-18",
    ),
    "portfolios of another time": (dict(portfolios=X[:4]), ValueError, "covers no row", "2018-01-05", "2020-02-21"),
    "portfolios in percent": (dict(portfolios=100 * X), ValueError, "portfolios must hold daily returns in fractions"),
    "one portfolio in percent beside a riskless one": (
        dict(portfolios=X.assign(rf=0.0001, bill=0.0002, market=100 * X["value"])[["rf", "bill", "market"]]),
        ValueError,
        "Column 'market' of portfolios must hold daily returns in fractions",
        "Divide percents by 100",
    ),
    "a code among portfolios": (
        spoiled("portfolios", 9, 0, -99.99),
        ValueError,
        "portfolios must be at least -1; value has -99.99",
        "codes",
    ),
    "a market with a code": (
        dict(market=M.where(M.index != DAYS[9], -99)),
        ValueError,
        "market must be at least -1",
        "2018-01-12",
    ),
    "portfolios elsewhere": (dict(portfolios=X.tz_localize("UTC")), TypeError, "portfolios have the time zone UTC"),
    "another frequency": (
        dict(frequency="weekly"),
        ValueError,
        "frequency must be one of 'monthly', 'daily'",
        "'weekly'",
    ),
}


@pytest.mark.parametrize("arguments, error, fragments", [(a, e, f) for a, e, *f in REFUSED.values()], ids=REFUSED)
def test_bad_input_is_refused_in_so_many_words(arguments, error, fragments):
    tables = {**WHOLE, "volume": None} if "prices" in arguments else WHOLE
    assert_refused(lambda: characteristics_from_prices(**{**tables, **arguments}), error, *fragments)


def test_the_first_return_of_a_market_may_be_missing():
    for market in (M.mask(M.index == DAYS[0]), M[1:]):
        assert same(panel_of(WHOLE).characteristics, panel_of(WHOLE, market=market).characteristics)
