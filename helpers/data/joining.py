"""A further file beside the first: its rows, and where they have a partner."""

import numpy as np
import pandas as pd

from helpers.checks import first_few
from helpers.data.dates import LONGEST_GAPS, frequency_of, require_monthly, span
from helpers.data.file import File, Report
from helpers.data.layout import Layout
from helpers.data.rows import Rows, read_rows
from helpers.data.tickers import positions_of

MANY_ALONE = 0.01  # of the rows: as many as lose their last return to a delisting


def rows_beside(
    file: File,
    source: File,
    named: tuple[str, str, str | None],
    rows: Rows,
    frequency: str,
    date_format: str | None,
    largest: float,
    report: Report,
    layout: Layout | None,
    remedy: str,
    monthly: bool = False,
) -> tuple[Rows, bool]:
    """The rows of a further file at its own dates, and whether these come as often as those of the first.

    Parameters
    ----------
    file, source : File
        The first and the further one.
    named : (date, ticker, returns)
        Its columns.
    rows, frequency
        Of the first file.
    date_format, largest, report, layout
        As in `read_rows`.
    remedy : str
        What to do if they do not.
    monthly : bool
        Whether daily dates are refused, since the layout says that they are months.
    """
    theirs = read_rows(source, *named, date_format, largest, report, layout)
    month = pd.Timedelta(days=31)
    near = theirs.dates[(theirs.dates >= rows.dates[0] - month) & (theirs.dates <= rows.dates[-1] + month)]
    own = frequency_of(source, [near], report)
    if monthly and layout:
        own = require_monthly(source, own, theirs.dates, layout)
    if {frequency, own} <= set(LONGEST_GAPS) and frequency != own:
        report(f"{file.name} is {frequency} and {source.name} is {own}. {remedy}")
        return theirs, False
    return theirs, True


def refusal_of_strangers(file: File, source: File, rows: Rows, theirs: Rows) -> str:
    """The sentence on a further file that has no ticker and date of the first."""
    lost = note_on_lost(file, source, rows, theirs)
    return (
        f"{source.name} has no row of a ticker and date of {file.name}. The tickers are {first_few(theirs.tickers)} "
        f"and {first_few(rows.tickers)}, the dates {span(theirs.dates)} and {span(rows.dates)}. "
        f"{' '.join(lost) or 'Check that they mean the same.'}"
    )


def note_on_lost(file: File, source: File, rows: Rows, theirs: Rows) -> list[str]:
    """A sentence on tickers that find none in the other file, if they differ from one there in their writing only."""
    at = positions_of(theirs.tickers, rows.tickers)
    alone = np.setdiff1d(np.arange(len(rows.tickers)), at)
    bare = {_bare(str(ticker)): ticker for ticker in theirs.tickers[at < 0]}
    pairs = [(ticker, bare[_bare(str(ticker))]) for ticker in rows.tickers[alone] if _bare(str(ticker)) in bare]
    if not pairs:
        return []
    alike = first_few(f"{ticker!r} and {other!r}" for ticker, other in pairs)
    return [
        f"{len(pairs)} ticker(s) of {file.name} and {source.name} differ in their writing only, and are not joined: "
        f"{alike}. Write them alike."
    ]


def _bare(ticker):
    """What is left of a ticker without blanks, capitals, and zeros before a number."""
    return ticker.strip().upper().removesuffix(".0").lstrip("0")


def partners(theirs: Rows, rows: Rows) -> np.ndarray:
    """The position of the first file's row for each row of another, -1 where it has none: (n_their_rows,).

    Parameters
    ----------
    theirs : Rows
        Among the dates and tickers of the first file.
    rows : Rows
        Of the first file.
    """
    width = np.int64(len(rows.tickers))
    used, asked = np.flatnonzero(rows.used), np.flatnonzero(theirs.used)
    cells = rows.date_codes[used] * width + rows.ticker_codes[used]
    order = np.argsort(cells, kind="stable")
    wanted = theirs.date_codes[asked] * width + theirs.ticker_codes[asked]
    place = np.minimum(np.searchsorted(cells, wanted, sorter=order), len(cells) - 1)
    found = used[order[place]]
    at = np.full(len(theirs.date_codes), -1, dtype=np.int64)
    at[asked] = np.where(cells[order[place]] == wanted, found, -1)
    return at
