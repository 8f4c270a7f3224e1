"""Characteristics made of daily prices: what the past of a price says about its ticker, before the row's return."""

import warnings
from typing import Literal

import numpy as np
import pandas as pd

from helpers.checks import SMALLEST_SHARE, as_array, as_choice, first_few, require_same_axis
from helpers.labels import as_dates
from helpers.panel import Panel

# Trading days. A year of daily returns takes one close more, and the return of the first row another one.
MONTH, YEAR = 21, 252
DAYS_NEEDED = YEAR + 2

# Exchanges close for holidays and after disasters; a longer break (in calendar days) is rather a hole in the data.
LONGEST_BREAK = 15

RETURNS_END = 0.5  # half of a table's numbers are larger than that if they are prices
# Gross returns are so near to 1, vary by more than that, and have no more to do with those of the day before; it takes
# so many pairs to say so.
ABOUT_ONE, HELD, FORGOTTEN, PAIRS = 0.1, 1e-3, 0.5, 100


def characteristics_from_prices(
    prices: pd.DataFrame,
    volume: pd.DataFrame | None = None,
    market: pd.Series | None = None,
    frequency: Literal["monthly", "daily"] = "monthly",
    portfolios: pd.DataFrame | None = None,
) -> Panel:
    """A panel of returns with characteristics from daily prices, each known at the close where the row's return begins.

        r_s^(d) = p_s^(d) / p_s^(d-1) - 1        the daily return of ticker s, p its price; known at the close of d:

        reversal      p^(d) / p^(d-21) - 1                                        the last month
        momentum      p^(d-21) / p^(d-252) - 1                                    the year, its last month left out
        volatility    standard deviation of r^(d-20), …, r^(d)                    divided by n - 1
        maximum       the largest of r^(d-20), …, r^(d)
        beta          the slope of r^(d-251), …, r^(d) on the market's returns    with an intercept
        turnover      mean volume of the last 21 days / mean volume of the last 252 days

    Every row is a return from one close to a later one, with what was known at the first of them. A daily row runs from
    a day to the next. A monthly row runs from the last trading day of a month to that of the next.

    Parameters
    ----------
    prices : DataFrame, dates x tickers
        Daily closing prices, adjusted for splits and dividends, in any currency; NaN where a ticker is not traded
        (prices filled forward would pass for returns of 0). Dates ascend.
    volume : DataFrame like prices, optional
        Shares or money traded each day, adjusted for splits. Without it there is no turnover.
    market : Series by date, optional
        The market's daily returns, in fractions per day. Default: the mean over the tickers that have a return that
        day.
    frequency : {"monthly", "daily"}
        The length of a row.
    portfolios : DataFrame, dates x portfolios, optional
        Daily returns of observed portfolios, in fractions per day. They are compounded over the days of each row.

    Returns
    -------
    Panel
        Returns in fractions per month or per day. Characteristics in the order above: reversal, momentum and maximum in
        fractions, volatility in fractions per day, beta and turnover without unit. A monthly row is dated by the
        month's last calendar day.

    Raises
    ------
    TypeError
        If a table is no DataFrame (market: Series) of numbers by date, or the time zones of two tables differ.
    ValueError
        If a price is zero or negative, or a volume negative; if the dates do not ascend, repeat, or are not daily; if
        there are too few of them; if the market or the portfolios miss a day; or if returns stand for prices, or
        percents for fractions.

    Warns
    -----
    UserWarning
        If only some of the tickers have prices on weekends: those days are left out. If prices look like gross returns.

    Notes
    -----
    *Which rows.* The first row is the first before which some ticker has every characteristic. A last month whose last
    weekday is not among the dates is left out, as part of a month would pass for all of it. With portfolios, only rows
    all of whose days they cover are kept. Days on which no ticker has a price are no trading days, and are left out; so
    are hours.

    *What is unknown (NaN).* A return, reversal or momentum, if the price at either end is missing: a month in which a
    ticker leaves has no return. A daily return, too: gaps are not filled. Volatility, maximum, beta and turnover need
    two thirds of the days of each window (14 of 21, 168 of 252), and take those that are there; the volume of a day
    without a price is left out. Nothing is known of a ticker on a day without a price, so one that has left keeps no
    characteristics. Beta is unknown where the market stands still, turnover where nothing was traded.

    A split or dividend rescales the adjusted prices of all days before it. That changes no ratio among them, and so
    lets no future in.

    References
    ----------
    Jegadeesh (1990), reversal; Jegadeesh, Titman (1993), momentum; Bali, Cakici, Whitelaw (2011), maximum. Gu, Kelly,
    Xiu (2021) use relatives of all six: mom1m, mom12m, retvol, maxret, beta (from weekly returns) and turn (over shares
    outstanding).
    """
    as_choice("frequency", frequency, ("monthly", "daily"))
    prices, volume = _traded(prices, volume)
    days = prices.index
    returns = prices / prices.shift(1) - 1
    market = returns.mean(axis=1) if market is None else _market_of(days, market)

    begins, ends, dates = _rows(days, frequency)
    names = None
    if portfolios is not None:
        covered, portfolios, names = _compounded(portfolios, days, begins, ends)
        begins, ends, dates = begins[covered], ends[covered], dates[covered]

    known = {name: table.to_numpy()[begins] for name, table in _known_at_close(prices, returns, market, volume)}
    characteristics = np.stack(list(known.values()), axis=-1)
    p = prices.to_numpy()
    characteristics[np.isnan(p[begins])] = np.nan
    first = _first_complete(characteristics, days, frequency)
    return Panel(
        returns=(p[ends] / p[begins] - 1)[first:],
        characteristics=characteristics[first:],
        portfolios=None if portfolios is None else portfolios[first:],
        dates=dates[first:],
        tickers=prices.columns,
        characteristic_names=list(known),
        portfolio_names=names,
    )


def _known_at_close(prices, returns, market, volume):
    """Each characteristic in turn, and its table of days x tickers: row d is made of data up to the close of day d."""
    past_month = prices.shift(MONTH)
    yield "reversal", prices / past_month - 1
    yield "momentum", past_month / prices.shift(YEAR) - 1
    yield "volatility", _last(MONTH, returns).std()
    yield "maximum", _last(MONTH, returns).max()
    yield "beta", _slopes(returns, market)
    if volume is not None:
        yield "turnover", _last(MONTH, volume).mean() / _last(YEAR, volume).mean()


def _last(n_days, table):
    """The windows of the last n days, each good for a number if two thirds of its days are known."""
    return table.rolling(n_days, min_periods=2 * n_days // 3)


def _slopes(returns, market):
    """The slope of each ticker's returns on the market's over the last year, from the days on which it has one.

    β = (mean of m r - mean of m · mean of r) / (mean of m² - (mean of m)²)
    """
    r, m = returns, (0 * returns).add(market, axis=0)  # m is unknown where r is
    mean_m, mean_r, mean_mm, mean_mr = (_last(YEAR, table).mean() for table in (m, r, m * m, m * r))
    variance = mean_mm - mean_m**2
    return (mean_mr - mean_m * mean_r) / variance.where(variance > SMALLEST_SHARE * mean_mm)


def _rows(days, frequency):
    """The closes at which each row's return begins and ends, as positions among the days; and the row's date."""
    if frequency == "daily":
        closes, dates = np.arange(len(days)), days
    else:
        # The last day closes its month if the next weekday falls into another one.
        following = days.append(pd.DatetimeIndex([days[-1] + pd.offsets.BDay()]))
        closes = np.flatnonzero(np.diff(12 * following.year + following.month))
        dates = days.tz_localize(None) + pd.offsets.MonthEnd(0)
    return closes[:-1], closes[1:], dates[closes[1:]]


def _first_complete(characteristics, days, frequency):
    """The first row before which some ticker has every characteristic."""
    complete = ~np.isnan(characteristics).any(axis=2).all(axis=1)
    if not complete.any():
        row = "day" if frequency == "daily" else "whole month"
        raise ValueError(
            f"No ticker has every characteristic before any {row} of prices ({days[0].date()} to {days[-1].date()}). "
            f"A ticker needs prices on {YEAR + 1} days and then for a {row}. Pass a longer or fuller table."
        )
    return int(complete.argmax())


def weekends_of_some(prices: pd.DataFrame) -> tuple[np.ndarray, str]:
    """Which days are of weekends on which some of the tickers rest, (n_days,), and a sentence on them, if there are.

    Windows of days that hold them would be those of a calendar in which the others have gaps.

    Parameters
    ----------
    prices : DataFrame
        Dates x tickers.
    """
    weekend = prices.index.day_of_week >= 5
    some = prices.loc[weekend].notna().any().to_numpy()
    if not some.any() or some.all():
        return np.zeros(len(prices), bool), ""
    said = (
        f"{int(prices.loc[weekend].notna().any(axis=1).sum())} day(s) of weekends, on which only "
        f"{first_few(prices.columns[some])} have prices, are left out: every return and window is of days on which all "
        "can be traded."
    )
    return weekend, said


def _traded(prices, volume):
    """The prices and volumes as floats, on the days on which some ticker has a price."""
    table = _by_day("prices", prices)
    _require_prices(table)
    trading = table.notna().any(axis=1).to_numpy()
    weekend, said = weekends_of_some(table)
    for sentence in filter(None, (said, note_on_gross_returns(table))):
        warnings.warn(sentence, UserWarning, stacklevel=3)
    trading = trading & ~weekend
    found = table[trading]
    _require_daily(found.index)
    if volume is None:
        return found, None
    for axis, what in enumerate(("dates", "tickers")):
        require_same_axis(what, "volume", volume, axis, "prices", prices, axis)
    volume = _by_day("volume", volume)
    _refuse_where(volume < 0, "volume", volume, "be at least 0", "Set it to NaN where it is unknown.")
    return found, volume[trading].where(found.notna())


def _market_of(days, market):
    """The market's return on each of the days; the first day's may be missing, since no ticker has one either."""
    if not isinstance(market, pd.Series):
        raise TypeError(
            f"market must be a Series of daily returns by date; a {type(market).__name__} was given. "
            "Pass one column of it, such as market['SPY']."
        )
    market = _by_day("market", market.to_frame("market"), days)["market"].dropna()
    absent = days[1:].difference(market.index)
    if len(absent):
        raise ValueError(
            f"market has no return on {len(absent)} of the {len(days) - 1} days that need one: "
            f"{first_few(absent.strftime('%Y-%m-%d'))}. Add them, or pass only the prices of the days that market "
            "covers."
        )
    _require_fractions("market", market.to_frame("market"))
    return market.reindex(days)


def _compounded(portfolios, days, begins, ends):
    """Which rows the portfolios cover, their returns over each of these rows, and their names.

    x = Π_d (1 + x^(d)) - 1        d: the days after the close at which the row begins, up to that at which it ends
    """
    table = _by_day("portfolios", portfolios, days, missing=False)
    _require_fractions("portfolios", table)
    first, last = table.index[[0, -1]]
    absent = days[(days >= first) & (days <= last)].difference(table.index)
    if len(absent):
        raise ValueError(
            f"portfolios has no row for {len(absent)} of the days of prices since its first: "
            f"{first_few(absent.strftime('%Y-%m-%d'))}. Add them, or pass only the portfolios after these days."
        )
    covered = np.asarray((days[begins + 1] >= first) & (days[ends] <= last))
    if not covered.any():
        raise ValueError(
            f"portfolios covers no row of the panel: it runs from {first.date()} to {last.date()}, "
            f"and prices from {days[0].date()} to {days[-1].date()}. Pass tables that overlap."
        )
    begins, ends = begins[covered], ends[covered]
    table = table[(table.index > days[begins[0]]) & (table.index <= days[ends[-1]])]
    starts = table.index.searchsorted(days[begins], side="right")
    return covered, np.multiply.reduceat(1 + table.to_numpy(), starts, axis=0) - 1, table.columns


def _by_day(name, table, days=None, missing=True):
    """The table as floats, one row a calendar day; refused where it is none, or in another time zone than the days."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{name} must be a DataFrame, dates down and names across; a {type(table).__name__} was given.")
    if table.index.nlevels > 1 or table.columns.nlevels > 1:
        raise TypeError(
            f"{name} must have one label for each row (its date) and each column; its labels have several levels. "
            f"Take one field, such as {name}['Close'], and turn a long table with unstack()."
        )
    if table.index.inferred_type == "datetime":
        table = table.set_axis(as_dates(f"The dates of {name}", table.index))
    if not isinstance(table.index, pd.DatetimeIndex):
        raise TypeError(
            f"{name} must be indexed by dates (a DatetimeIndex); a {type(table.index).__name__} was given. "
            f"Convert it: {name}.index = pd.to_datetime({name}.index)."
        )
    if table.empty:
        raise ValueError(f"{name} is empty: it has {table.shape[0]} rows and {table.shape[1]} columns.")
    if days is not None and str(table.index.tz) != str(days.tz):
        raise TypeError(
            f"The dates of {name} have the time zone {table.index.tz}, those of prices {days.tz}. "
            "Make them alike, for example with table.tz_localize(None)."
        )
    if table.index.hasnans:
        raise ValueError(f"{name} has {np.count_nonzero(table.index.isna())} row(s) without a date. Drop them first.")
    index = table.index.normalize()
    if not index.is_monotonic_increasing:
        raise ValueError(f"The dates of {name} must ascend, and these do not. Call {name}.sort_index() first.")
    if not index.is_unique:
        twice = index[index.duplicated()]
        raise ValueError(
            f"{name} must have one row a day; {len(twice)} more row(s) repeat a day, such as {twice[0].date()}."
        )
    if not table.columns.is_unique:
        repeated = first_few(table.columns[table.columns.duplicated()])
        raise ValueError(f"The columns of {name} must all differ; repeated: {repeated}. Keep one of each.")
    values = as_array(name, table, ("n_dates", "n_columns"), missing=missing)
    return pd.DataFrame(values, index, table.columns)


def _require_prices(prices):
    below = prices.to_numpy()[(prices < 0).to_numpy()]
    share = below.size / max(prices.notna().to_numpy().sum(), 1)
    sizes = np.abs(prices.to_numpy())
    if share > 0.1 and np.nanmedian(sizes) < RETURNS_END:
        raise ValueError(
            f"prices looks like a table of returns: {share:.0%} of its values are below 0. "
            "Pass the prices themselves; (1 + returns).cumprod() serves as well."
        )
    remedy = "Set it to NaN where the ticker was not traded."
    if below.size:
        remedy = "CRSP writes minus the mean of bid and ask if nothing was traded: then pass prices.abs(), NaN for 0."
    _refuse_where(prices <= 0, "prices", prices, "be above 0", remedy)


def note_on_gross_returns(prices: pd.DataFrame) -> str:
    """A sentence on a table of 1 + r, whose numbers lie about 1 and know nothing of those of the day before; or none.

    Prices of what is held at 1, such as dollars in other coins, are like that, too, but for their size.

    Parameters
    ----------
    prices : DataFrame
        Dates x tickers.
    """
    middle = prices.median().dropna()
    if middle.empty or ((middle - 1).abs() > ABOUT_ONE).any():
        return ""
    apart = (prices[middle.index] - middle).clip(-ABOUT_ONE, ABOUT_ONE).to_numpy()
    now, before = apart[1:], apart[:-1]
    both = ~np.isnan(now + before)
    now, before = now[both], before[both]
    if len(now) < PAIRS or np.sqrt((before**2).mean()) < HELD:
        return ""
    alike = now @ before / (before @ before)
    if alike > FORGOTTEN:
        return ""
    return (
        f"The prices look like gross returns, 1 + r: they lie about 1, and have a correlation of {alike:.2f} with "
        "those of the day before. If they are, pass table.cumprod()."
    )


def _require_daily(days):
    """Nothing, or an error: dates that are too few, or too far apart to be trading days."""
    gaps = np.diff(days.tz_localize(None)) // np.timedelta64(1, "D")
    if len(gaps) and np.median(gaps) > 1:
        raise ValueError(
            f"prices must be daily; half of its dates are {np.median(gaps):.0f} or more days apart. "
            "Pass one row for each trading day: the windows count these."
        )
    if len(days) < DAYS_NEEDED:
        raise ValueError(
            f"prices must have at least {DAYS_NEEDED} days on which a ticker has a price; it has {len(days)}. "
            f"The longest window takes {YEAR + 1} of them, and the first return one more."
        )
    if gaps.max() > LONGEST_BREAK:
        after = int(gaps.argmax())
        raise ValueError(
            f"prices has a hole: no ticker has a price between {days[after].date()} and {days[after + 1].date()}. "
            "Fill it, or pass only the prices on one side of it."
        )


def _require_fractions(name, returns):
    """Refuses percents and prices in any column: a riskless one beside them is small in either unit."""
    sizes = returns.abs().median()
    if sizes.max() > 0.1:
        column = f"Column {sizes.idxmax()!r} of {name}" if len(sizes) > 1 else name
        raise ValueError(
            f"{column} must hold daily returns in fractions; half of its values are {sizes.max():.2g} or more in size. "
            "Divide percents by 100; make returns of prices with prices.pct_change().iloc[1:]."
        )
    _refuse_where(returns < -1, name, returns, "be at least -1", "Divide percents by 100; leave codes such as -99 out.")


def _refuse_where(bad, name, table, rule, remedy):
    bad = bad.to_numpy()
    if bad.any():
        d, s = np.argwhere(bad)[0]
        raise ValueError(
            f"{name} must {rule}; {table.columns[s]} has {table.iat[d, s]:g} on {table.index[d].date()} "
            f"({int(bad.sum())} such value(s) in all). {remedy}"
        )
