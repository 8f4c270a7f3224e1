"""The returns of a panel: the file's own, or those that are joined to it from a second file."""

from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.checks import first_few
from helpers.data.columns import Columns, same_but_for_capitals
from helpers.data.dates import LONGEST_GAPS, frequency_of, span
from helpers.data.file import File, Report
from helpers.data.rows import Rows, by_month, count_repeated, read_rows, recoded

PERCENT_BEGINS = 0.3  # fractions of daily, weekly and monthly returns are not of this size in the median


def own_returns(file: File, rows: Rows, report: Report) -> np.ndarray:
    """The file's own returns (n_dates, n_tickers), NaN where there is none."""
    if rows.returns is not None and np.isnan(rows.returns).all():
        report(f"The returns of {file.name} are missing in every row.")
    return rows.placed(rows.returns)


def joined_returns(
    file: File, source: File, columns: Columns, rows: Rows, frequency: str, largest: float, report: Report
) -> tuple[np.ndarray, list[str]]:
    """The returns (n_dates, n_tickers) of a second file, and a remark if most rows of the first find none in it.

    Parameters
    ----------
    file, source : File
        The first and the second.
    columns : Columns
    rows : Rows
        Of the first file.
    frequency : str
        Of the first file.
    largest : float
        Beyond it, a return counts as infinite.
    report : callable
        Takes the sentence on a fault.
    """
    date = same_but_for_capitals(source, "date", columns.date)
    ticker = same_but_for_capitals(source, "ticker", columns.ticker)
    theirs = read_rows(source, date, ticker, columns.returns, columns.date_format, largest, report)
    month = pd.Timedelta(days=31)
    near = theirs.dates[(theirs.dates >= rows.dates[0] - month) & (theirs.dates <= rows.dates[-1] + month)]
    their_frequency = frequency_of(source, [near], report)
    if {frequency, their_frequency} <= set(LONGEST_GAPS) and frequency != their_frequency:
        raise ValueError(
            f"{file.name} is {frequency} and {source.name} is {their_frequency}. "
            "Bring the returns to the frequency of the characteristics first: compound them."
        )
    theirs = by_month(theirs, frequency)
    found = replace(  # their rows among the dates and tickers of the first file
        rows,
        date_codes=recoded(theirs.date_codes, rows.dates.get_indexer(theirs.dates)),
        ticker_codes=recoded(theirs.ticker_codes, rows.tickers.astype("str").get_indexer(theirs.tickers.astype("str"))),
        returns=theirs.returns,
    )
    if not found.used.any():
        raise ValueError(
            f"{source.name} has no row of a ticker and date of {file.name}. The tickers are "
            f"{first_few(theirs.tickers)} and {first_few(rows.tickers)}, the dates {span(theirs.dates)} and "
            f"{span(rows.dates)}. Check that they mean the same."
        )
    count_repeated(source, found, frequency, report)
    returns = found.placed(found.returns)
    share = (~np.isnan(returns[rows.date_codes[rows.used], rows.ticker_codes[rows.used]])).mean()
    remark = f"Only {share:.0%} of the rows of {file.name} find a return in {source.name}."
    return returns, [remark] if share < 0.5 else []


def notes_on_returns(returns: np.ndarray, dates: pd.DatetimeIndex, tickers: pd.Index, frequency: str) -> list[str]:
    """A sentence on returns that look like percent, if they do."""
    known = returns[~np.isnan(returns)]
    if not known.size:
        return []
    signs, typical, below = [], np.median(np.abs(known)), np.argwhere(returns < -1)
    if typical > PERCENT_BEGINS and frequency not in ("quarterly", "annual"):
        signs.append(f"their median size is {typical:.3g}")
    if len(below):
        d, s = below[0]
        signs.append(
            f"{len(below)} of them lie below -1, such as {returns[d, s]:.3g} of {tickers[s]} at {dates[d].date()}, "
            "and nothing can lose more than all of its value"
        )
    if not signs:
        return []
    return [f"The returns look like percent: {', and '.join(signs)}. If so, pass percent=True; otherwise correct them."]
