"""Exercises of lesson 19: your own files, from a file to a panel."""

from functools import cache, partial

import numpy as np
import pandas as pd

from helpers.exercises.checker import Exercise, Open

# Exercise 1: a join that loses months


@cache
def _two_tables():
    """Twice two small tables as in the published files: dated by the last weekday of a month, and by its last day."""
    return [(_characteristics(seed), _returns(seed)) for seed in (0, 1)]


def _characteristics(seed):
    return _monthly("DATE", "BME", seed).assign(bm=1.0).sample(frac=0.95, random_state=10 + seed).sort_index()


def _returns(seed):
    table = _monthly("date", "ME", seed).assign(RET=0.01)
    return table.sample(frac=0.9, random_state=seed)  # in any order, and each table has rows that the other lacks


def _monthly(date, frequency, seed):
    days = pd.date_range("1957-03", periods=14 + seed, freq=frequency).strftime("%Y%m%d").astype(int)
    return pd.MultiIndex.from_product([days, range(10001, 10007)], names=[date, "permno"]).to_frame(index=False)


def joined(x, r):
    x, r = x.assign(month=x["DATE"] // 100), r.assign(month=r["date"] // 100)
    both = x.merge(r, on=["permno", "month"])
    return both["month"].nunique(), len(both)


def _by_day(x, r):
    both = x.merge(r, left_on=["permno", "DATE"], right_on=["permno", "date"])
    return both["DATE"].nunique(), len(both)


def _by_month_alone(x, r):
    both = x.assign(month=x["DATE"] // 100).merge(r.assign(month=r["date"] // 100), on="month")
    return both["month"].nunique(), len(both)


def _by_year(x, r):
    both = x.assign(year=x["DATE"] // 10_000).merge(r.assign(year=r["date"] // 10_000), on=["permno", "year"])
    return both["DATE"].nunique(), len(both)


def _pushed_on(x, r):
    x = x.assign(date=pd.to_datetime(x["DATE"].astype(str)) + pd.offsets.MonthEnd())
    both = x.merge(r.assign(date=pd.to_datetime(r["date"].astype(str))), on=["permno", "date"])
    return both["date"].nunique(), len(both)


def _joined(x, r, how="inner", counted=lambda both: (both["month"].nunique(), len(both))):
    x, r = x.assign(month=x["DATE"] // 100), r.assign(month=r["date"] // 100)
    return counted(x.merge(r, on=["permno", "month"], how=how))


_without_a_return = partial(_joined, how="left")
_without_characteristics = partial(_joined, how="right")
_all_rows_of_both = partial(_joined, how="outer")
_tickers = partial(_joined, counted=lambda both: (both["permno"].nunique(), len(both)))
_rows_twice = partial(_joined, counted=lambda both: (len(both), len(both)))
_exchanged = partial(_joined, counted=lambda both: (len(both), both["month"].nunique()))


def _without_the_year(x, r):
    x, r = x.assign(month=x["DATE"] // 100 % 100), r.assign(month=r["date"] // 100 % 100)
    both = x.merge(r, on=["permno", "month"])
    return both["DATE"].nunique(), len(both)


q1 = Exercise(
    reference=joined,
    mistakes={
        _by_day: "You still join by day. If the last day of a month is a Saturday or a Sunday, the two "
        "files name different days.",
        _by_month_alone: "Your rows are joined by month alone, so that each ticker meets the returns of all others. "
        "The permno must agree, too.",
        _by_year: "Too many digits are gone: what is left is the year, and each row meets the "
        "returns of up to twelve months.",
        _without_the_year: "Your month is a number from 1 to 12, without its year: March 1957 meets March 1958.",
        _tickers: "Your first number counts the tickers. The months are asked for.",
        _rows_twice: "Your first number counts rows. How many different months are among them?",
        _exchanged: "The numbers are right, and exchanged: the months come first.",
        _pushed_on: "MonthEnd() moves a date that is the end of its month to the end of the NEXT month, and there "
        "stands another return. MonthEnd(0) would leave it.",
        _without_a_return: "The months are right. But how='left' also keeps rows that find no return, and "
        "these are not to be counted.",
        _without_characteristics: "The months are right. But how='right' also keeps returns without characteristics, "
        "and these are not to be counted.",
        _all_rows_of_both: "The months are right. But how='outer' keeps the rows of both tables that find no partner. "
        "Only rows in both count.",
    },
    calls=_two_tables,
    hints=(
        "Which dates of one file are not in the other? Look at them in a calendar.",
        "The month is enough: 20000131 // 100 is 200001. Join on permno and on this number.",
    ),
    insight="All months that end on a Saturday or Sunday were gone, two in seven. No error says so, and the months "
    "that are left look like any others. Count dates and rows before and after every join.",
)

# Exercise 2: what was known a month before


@cache
def _long_tables():
    """Twice a long table with gaps, its rows in any order.

    The news of a month is a part of its return, and of the next one's.
    """
    return [(_long_table(seed),) for seed in (0, 1)]


def _long_table(seed):
    random = np.random.default_rng(seed)
    shock = random.normal(0, 0.1, (25, 12))
    ret = shock + 0.3 * np.vstack([np.zeros(12), shock[:-1]]) + 0.02 * np.arange(12) / 12
    months = pd.date_range("1960-11", periods=25, freq="ME")
    own = pd.MultiIndex.from_product([months, range(12)], names=["month", "firm"]).to_frame(index=False)
    own = own.assign(ret=ret.ravel(), news=(shock + random.normal(0, 0.05, shock.shape)).ravel())
    return own.sample(frac=0.8, random_state=seed)


def known_before(own):
    table = own.pivot(index="month", columns="firm", values=["ret", "news"])
    before = table["news"].shift(1)
    return table["ret"].stack().corr(before.stack())


def _of_the_same_month(own):
    return own["ret"].corr(own["news"])


def _by_the_grid(own, moved=1, axis=0, said=lambda ret, news: ret.stack().corr(news.stack())):
    """What is made of two grids, months by firms: the returns, and the news so many months later."""
    table = own.pivot(index="month", columns="firm", values=["ret", "news"])
    return said(table["ret"], table["news"].shift(moved, axis=axis))


def _r_of_filled(ret, news):
    return np.corrcoef(ret.fillna(0).to_numpy().ravel(), news.fillna(0).to_numpy().ravel())[0, 1]


_of_the_month_after = partial(_by_the_grid, moved=-1)
_two_months_before = partial(_by_the_grid, moved=2)
_of_another_firm = partial(_by_the_grid, axis=1)
_covariance = partial(_by_the_grid, said=lambda ret, news: ret.stack().cov(news.stack()))
_mean_of_firms = partial(_by_the_grid, said=lambda ret, news: ret.corrwith(news).mean())
_mean_of_months = partial(_by_the_grid, said=lambda ret, news: ret.corrwith(news, axis=1).mean())
_gaps_as_zero = partial(_by_the_grid, said=_r_of_filled)
_unknown_as_zero = partial(_by_the_grid, said=lambda ret, news: ret.stack().corr(news.fillna(0).stack()))


def _without_january(own):
    key = own["month"].dt.year * 100 + own["month"].dt.month
    before = own.assign(key=key + 1)[["firm", "key", "news"]]
    both = own.assign(key=key)[["firm", "key", "ret"]].merge(before, on=["firm", "key"])
    return both["ret"].corr(both["news"])


def _by_rows(own, by=None, moved=1, within="firm"):
    """The same in rows, sorted or not, within a firm or among all."""
    own = own.sort_values(by) if by else own
    return own["ret"].corr((own.groupby(within) if within else own)["news"].shift(moved))


_of_the_row_above = partial(_by_rows, within=None)
_of_the_row_above_sorted = partial(_by_rows, by=["firm", "month"], within=None)
_of_the_row_above_by_month = partial(_by_rows, by=["month", "firm"], within=None)
_of_the_firm_unsorted = partial(_by_rows)
_of_the_last_row_of_the_firm = partial(_by_rows, by=["firm", "month"])
_of_the_next_row_of_the_firm = partial(_by_rows, by=["firm", "month"], moved=-1)

q2 = Exercise(
    reference=known_before,
    mistakes={
        _of_the_same_month: "These are the news of the month itself. They were not known before its return was earned.",
        _of_the_month_after: "You moved them the wrong way: each return now stands beside the news of the month after.",
        _of_the_row_above: "The row above belongs to any firm and any month: the rows of this table stand in no order.",
        _of_the_row_above_sorted: "The order is right now. But the first row of each firm gets the last "
        "news of the firm above it.",
        _two_months_before: "These are the news of two months before. Move by one.",
        _of_another_firm: "You moved along the firms: each meets news of its neighbour. Move along the months.",
        _covariance: "This is the covariance. Asked for is the correlation.",
        _mean_of_firms: "This is the mean of one correlation for each firm. Put all pairs into one.",
        _mean_of_months: "This is the mean of one correlation for each month. Put all pairs into one.",
        _gaps_as_zero: "Gaps have become zeros, and count. Leave out a pair that is not there.",
        _unknown_as_zero: "News that are not known have become zeros. Leave those pairs out.",
        _without_january: "195712 + 1 is 195713, and there is no such month: January is without news. Count months "
        "by to_period('M'), or move along a grid.",
        _of_the_row_above_by_month: "Sorted by month first, the row above is another firm. Stay within the firm.",
        _of_the_firm_unsorted: "You stay within a firm, but its rows stand in no order. Sort by month "
        "first; and mind the gaps.",
        _of_the_last_row_of_the_firm: "Nearly. The row above is the firm's last one, and that is an older month where "
        "the firm has a gap. News of the month before are then unknown.",
        _of_the_next_row_of_the_firm: "shift(-1) brings the news of a LATER month beside each return. And the row "
        "below is not the month after, where a firm has a gap.",
    },
    calls=_long_tables,
    hints=(
        "The row above is not the month before: there are many firms, no order, and gaps. What shape "
        "would make it the row above?",
        "own.pivot(index='month', columns='firm', values=['ret', 'news']) has a row for each month, and "
        "table['news'].shift(1) moves it down.",
        "table['ret'].stack() and .stack() of the shifted news are two columns again. a.corr(b) "
        "pairs them by their labels.",
    ),
    insight="Dates and tickers as the two axes of a grid make a lag one step along an axis, whatever the order and the "
    "gaps of the file. That is what lag=1 does.",
)

# Exercise 3: the mean of all who were there


@cache
def _markets_that_losers_leave():
    return [(_market_that_losers_leave(seed),) for seed in (0, 1)]


def _market_that_losers_leave(seed):
    random = np.random.default_rng(seed)
    R = random.normal(0.01, 0.15, (60, 40))
    R[np.arange(60)[:, None] < np.where(np.arange(40) % 3, 0, random.integers(0, 50, 40))] = np.nan
    lost = pd.DataFrame(np.log1p(np.nan_to_num(R))).cumsum() < np.log(0.5)
    return np.where(lost.cummax().shift(1, fill_value=False), np.nan, R)


def earned(R):
    return np.nanmean(R, axis=1).mean()


_OTHER_MEANS = [
    (lambda R: np.nanmean(R[:, ~np.isnan(R[-1])], axis=1).mean(),
     "Your tickers are those that are there at the end. Before the end nobody knew who that would be."),
    (lambda R: np.nanmean(R[:, ~np.isnan(R[0])], axis=1).mean(),
     "Your tickers are those of the first month. Who came later was held as well."),
    (lambda R: np.nansum(R, axis=1).mean(),
     "You added up the tickers of a month. With equal parts of each he earns their mean."),
    (lambda R: np.median(np.nanmean(R, axis=1)),
     "This is the median of the months. The mean over the months is asked for."),
    (lambda R: np.nanmedian(R, axis=1).mean(),
     "You took the median ticker of each month. Equal parts of all earn their mean."),
    (lambda R: np.prod(1 + np.nanmean(R, axis=1)) ** (1 / len(R)) - 1,
     "This compounds the months. The plain mean over them is asked for."),
    (lambda R: np.where(np.isnan(R), -1, R).mean(),
     "A gap became a loss of everything. Who is not there in a month is not held in it."),
    (lambda R: (np.nansum(R, axis=1) / (~np.isnan(R)).sum(axis=1).max()).mean(),
     "You divided each month by the same number of tickers. Divide by those that are there."),
    (lambda R: R[:, ~np.isnan(R).any(axis=0)].mean(),
     "Your tickers have no gaps at all: survivors, and none that came later. This is what a fixed list of tickers "
     "does."),
    (lambda R: np.nan_to_num(R).mean(),
     "A gap became a return of 0, which nobody earned. The money was in the tickers that were there."),
    (lambda R: np.nanmean(R),
     "Nobody is left out, but a month with many tickers counts more than one with few. Take the mean of each month "
     "first."),
    (lambda R: np.nanmean(R, axis=0).mean(),
     "Each ticker counts alike here, even one that was there for two months only. Months come first, then their mean."),
]  # fmt: skip

q3 = Exercise(
    reference=earned,
    mistakes=dict(_OTHER_MEANS),
    calls=_markets_that_losers_leave,
    hints=(
        "Two means, one after the other. What did one month bring? Then: what did the months bring?",
        "np.nanmean leaves gaps out. Along which axis do the tickers of one month lie?",
    ),
    insight="A row at a time, nobody needs to know who will be there later. Managed portfolios work in the same way, "
    "one date at a time, and so they need no fixed list of tickers.",
)

# Exercise 4: a seventh characteristic


@cache
def _two_price_tables():
    days = pd.bdate_range("2020-01-01", "2021-06-30")
    steps = [np.random.default_rng(seed).normal(0, 0.02, (len(days), 4)) for seed in (0, 1)]
    return [(pd.DataFrame(np.exp(np.cumsum(step, axis=0)), days, list("ABCD")),) for step in steps]


def near_high(prices):
    share = prices / prices.rolling(252).max()
    return share.resample("ME").last().shift(1).dropna()


def _near(prices, days=252, high="max", least=None, month="last", moved=1, early=0):
    """The right way with another window or step."""
    share = prices / getattr(prices.rolling(days, min_periods=least), high)()
    return getattr(share.shift(early).resample("ME"), month)().shift(moved).dropna()


_not_moved = partial(_near, moved=0)
_moved_by_a_day = partial(_near, moved=0, early=1)
_moved_by_21_days = partial(_near, moved=0, early=21)
_moved_twice = partial(_near, moved=2)
_moved_the_wrong_way = partial(_near, moved=-1)
_share_of_the_mean = partial(_near, high="mean")
_share_of_the_low = partial(_near, high="min")
_a_day_short, _a_day_long = (partial(_near, days=days) for days in (251, 253))
_first_year_kept = partial(_near, least=1)
_mean_of_the_month = partial(_near, month="mean")
_first_of_the_month = partial(_near, month="first", moved=0)


def _a_month_too_many(prices):
    share = (prices / prices.rolling(252).max()).resample("ME").last().dropna()
    return share.set_axis(share.index + pd.offsets.MonthEnd(1))


def _closes_of_two_months(prices):
    highs, ends = (table.resample("ME").last() for table in (prices.rolling(252).max(), prices))
    return (ends / highs.shift(1)).dropna()


def _of_the_whole_table(prices):
    share = prices / prices.max()
    return share.resample("ME").last().shift(1)[12:]


def _of_the_month_ends(prices):
    ends = prices.resample("ME").last()
    return (ends / ends.rolling(12).max()).shift(1).dropna()


def _high_before_the_close(prices):
    share = prices / prices.shift(1).rolling(252).max()
    return share.resample("ME").last().shift(1).dropna()


def _highest_so_far(prices):
    share = prices / prices.cummax()
    return share.resample("ME").last().shift(1)[12:]


q4 = Exercise(
    reference=near_high,
    mistakes={
        _not_moved: "The row of a month holds the close at the end of that month, and so its return. "
        "first_moved would say July 2015.",
        _moved_by_a_day: "One day is not enough. The return of a month begins at the last close of the month BEFORE: "
        "move by one row of months.",
        _moved_by_21_days: "21 days are not a month of the calendar. Take the last close of a month, then move by one "
        "row.",
        _moved_twice: "You moved by two months. The close of the month before is known: one is enough.",
        _share_of_the_low: "You divided by the lowest close. Asked for is the highest.",
        _a_day_long: "Your window has 253 days. A year is 252 here.",
        _first_year_kept: "Your windows begin with fewer than 252 closes (min_periods): until then nothing is known.",
        _mean_of_the_month: "You took the mean share of the month before. Its last one is asked for.",
        _first_of_the_month: "You took the first close of the month itself. The last one BEFORE it is asked for.",
        _a_month_too_many: "Nearly. Your last row is that of a month that has no prices yet. The months are those of "
        "the prices.",
        _closes_of_two_months: "The close is that of the month itself, and the high is moved. Move both.",
        _of_the_whole_table: "This is the highest close of the whole table. At most dates nobody knew it yet.",
        _share_of_the_mean: "You divided by the mean of the last 252 closes. How near is it to their highest?",
        _moved_the_wrong_way: "shift(-1) brings the close of the NEXT month into the row. It must come from the month "
        "before.",
        _of_the_month_ends: "Your high is the highest of twelve month-ends. The highest of 252 daily closes "
        "lies between them, mostly.",
        _a_day_short: "Your window has 251 days. A year is 252 here.",
        _high_before_the_close: "Your high leaves out the close itself, and so a share can be above 1. The last of the "
        "252 days is the day itself.",
        _highest_so_far: "This is the highest close since the table begins. Only the last 252 days count.",
    },
    calls=_two_price_tables,
    hints=(
        "Three steps: the share on each day, its last value of each month, and then to the row of the "
        "month that begins there.",
        "prices.rolling(252).max() is the highest close of the last 252 days. resample('ME').last() takes "
        "the last day of each month.",
        "A table with one row a month is moved to the next month by shift(1). dropna() leaves out months that are not "
        "known.",
    ),
    insight="How near a price is to its high of a year is a characteristic of the literature (George and Hwang, 2004). "
    "The last step is the one that is forgotten.",
)

# Exercise 5: break a file

q5 = Open(
    look_for="Say first what you broke and on which rows, then what the schema said. The reader compares columns with "
    "each other and with their own past. It can't see a fault that leaves all of these as they were, and a number "
    "beside a picture of the same ticker often can.",
    hints=(
        "Begin with a fault that you have met: which of your own tables was once wrong, and how did you find out?",
        "read_csv, change some rows, to_csv, then read_schema. Draw the number of tickers by date and the largest "
        "return of each date before and after.",
    ),
)
