"""Where each row of a file belongs: its date and its ticker, as positions among labels that ascend."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from helpers.checks import first_few
from helpers.data.dates import BY_MONTH, Day, as_dates, span, window
from helpers.data.file import File, Report
from helpers.data.layout import Layout
from helpers.data.text import Text, TextFound, refusal_of_text
from helpers.data.tickers import as_tickers, positions_of


@dataclass(frozen=True)
class Rows:
    """The rows of a file.

    Parameters
    ----------
    dates : DatetimeIndex
    date_codes : (n_rows,)
        The position of each row's date, -1 where it has none.
    tickers : Index
    ticker_codes : (n_rows,)
        The position of each row's ticker, -1 where it has none.
    returns : (n_rows,) or None
        As the file has them; None if it has none.
    n_screened : int
        How many rows are left out by the screens.
    """

    dates: pd.DatetimeIndex
    date_codes: np.ndarray
    tickers: pd.Index
    ticker_codes: np.ndarray
    returns: np.ndarray | None
    n_screened: int = 0

    @property
    def used(self) -> np.ndarray:
        """Whether each row has both a date and a ticker."""
        return (self.date_codes >= 0) & (self.ticker_codes >= 0)

    def placed(self, values: np.ndarray | None) -> np.ndarray:
        """The values of the rows on the grid of dates and tickers, NaN where there is none."""
        grid = np.full((len(self.dates), len(self.tickers)), np.nan)
        if values is not None:
            used = self.used
            grid[self.date_codes[used], self.ticker_codes[used]] = values[used]
        return grid


def read_rows(
    file: File,
    date: str,
    ticker: str,
    returns: str | None,
    date_format: str | None,
    largest: float,
    report: Report,
    layout: Layout | None = None,
) -> Rows:
    """The rows of a file, found by reading its dates, its tickers and, if they are named, its returns.

    Parameters
    ----------
    file : File
    date, ticker, returns, date_format
        As in `read_panel`; returns may be None.
    largest : float
        Beyond it, a return counts as infinite.
    report : callable
        Takes the sentence on a fault.
    layout : Layout, optional
        Its screens leave rows out, and dates that it knows to lie ahead are compared.
    """
    if returns and file.holds_neither(returns):
        report(refusal_of_text(file.name, {returns: Text(file.kinds[returns])}))
        returns = None
    asked = (*layout.screens, *layout.dated, *(layout.leaving or ())[:1]) if layout else ()
    labels = dict.fromkeys((date, ticker, *asked))
    found, values = {name: _Codes() for name in labels}, []
    try:
        for batch in file.batches(list(labels), [returns] if returns else []):
            for name, codes in found.items():
                codes.add(batch.column(name))
            if returns:
                values.append(batch.column(returns).to_numpy(zero_copy_only=False))
    except TextFound as text:
        if not file.learned(text.texts):
            report(refusal_of_text(file.name, text.texts))
            returns = None
        return read_rows(file, date, ticker, returns, date_format, largest, report, layout)
    date_labels, date_codes = found[date].found()
    ticker_labels, ticker_codes = found[ticker].found()
    screened = np.zeros(len(date_codes), dtype=bool)
    for name, kept in (layout.screens if layout else {}).items():
        passes = _kept(found[name], kept)
        if layout and name in layout.carried:
            empty = found[name].found()[1] < 0
            if layout.leaving:
                empty |= _kept(found[layout.leaving[0]], layout.leaving[1:])
            passes |= empty & np.isin(ticker_codes, ticker_codes[passes])
        screened |= ~passes
    date_codes[screened] = ticker_codes[screened] = -1
    _require_complete(file, date, date_codes, report, screened)
    _require_complete(file, ticker, ticker_codes, report, screened)
    dates = as_dates(file, date, date_labels, date_codes, date_format, report)
    for name, months in (layout.dated if layout else {}).items():
        _require_ahead(file, date, dates, date_codes, name, found[name], months, date_format, report)
    dates, date_codes = _sorted(dates, date_codes)
    tickers, ticker_codes = _sorted(as_tickers(file, ticker, ticker_labels, report), ticker_codes)
    returned = np.concatenate(values) if values else None
    rows = Rows(dates, date_codes, tickers, ticker_codes, returned, int(screened.sum()))
    if not rows.used.any():
        screens = f" that passes the screens {_screens(layout)}. {_without_screens(layout)}" if screened.any() else "."
        raise ValueError(f"{file.name} has no row with both a {date!r} and a {ticker!r}{screens}")
    if returns and rows.returns is not None:
        _remove_infinite(file, returns, rows.returns, largest, report)
    return rows


def note_on_screens(file: File, rows: Rows, layout: Layout | None, option: str = "layout") -> list[str]:
    """A sentence on the rows that the screens of the layout leave out, if there are any."""
    if not layout or not rows.n_screened:
        return []
    return [
        f"{rows.n_screened:,} of the {len(rows.date_codes):,} rows of {file.name} are left out, as {layout.title} "
        f"asks: kept are those with {_screens(layout)}. {_without_screens(layout, option)}"
    ]


def _without_screens(layout, option="layout"):
    return f"Without them: {option}=dataclasses.replace(helpers.LAYOUTS[{layout.name!r}], screens={{}})."


def _screens(layout):
    return ", ".join(f"{name} = {' or '.join(kept)}" for name, kept in layout.screens.items())


def _kept(codes, kept):
    """Whether each row holds one of the values, as text without capitals; 1.0 is 1."""
    labels, of_rows = codes.found()
    texts = [re.sub(r"\.0$", "", str(label).strip().lower()) for label in labels]
    return np.array([*(text in kept for text in texts), False])[of_rows]


def _require_ahead(file, date, dates, date_codes, name, later, months, date_format, report):
    """Refuses rows in which a second date does not lie so many months after the first."""
    labels, later_codes = later.found()
    theirs = as_dates(file, name, labels, later_codes, date_format, report)
    both = np.flatnonzero((date_codes >= 0) & (later_codes >= 0))
    apart = theirs.to_period("M")[later_codes[both]].asi8 - dates.to_period("M")[date_codes[both]].asi8
    wrong = both[apart != months]
    if len(wrong):
        report(
            f"{file.name} has {len(wrong)} row(s) in which {name!r} is not {months} month(s) after {date!r}, such as "
            f"row {wrong[0] + 1}: {dates[date_codes[wrong[0]]].date()} and {theirs[later_codes[wrong[0]]].date()}. "
            "Its returns belong to other months than the layout says: correct the file."
        )


class _Codes:
    """Whole numbers that stand for labels, handed out as the labels come in; -1 stands for a label that is missing."""

    def __init__(self):
        self.codes = {}
        self.parts = []

    def add(self, column: pa.Array) -> None:
        encoded = column.dictionary_encode()
        codes = [
            -1 if _is_blank(label) else self.codes.setdefault(label, len(self.codes))
            for label in encoded.dictionary.to_pylist()
        ]
        of_rows = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        self.parts.append(np.array([*codes, -1], dtype=np.int32)[of_rows])

    def found(self) -> tuple[list[Any], np.ndarray]:
        """The labels in the order of their codes, and the code of each row."""
        return list(self.codes), np.concatenate([np.empty(0, dtype=np.int32), *self.parts])


def _is_blank(label):
    return not label.strip() if isinstance(label, str) else pd.isna(label)


def recoded(codes: np.ndarray, positions: Sequence[int] | np.ndarray) -> np.ndarray:
    """The codes after their labels have moved to other positions; -1 stays."""
    return np.append(positions, -1).astype(np.int32)[codes]


def _sorted(labels, codes):
    """The distinct labels in ascending order, NaT left out, and the codes that go with them."""
    ascending = labels.dropna().unique().sort_values()
    return ascending, recoded(codes, ascending.get_indexer(labels))


def by_month(rows: Rows, frequency: str, ahead: int = 0) -> Rows:
    """The rows with their dates at the end of the month, or of a later one, if the data are monthly or rarer."""
    if frequency not in BY_MONTH:
        return rows
    dates, codes = _sorted(rows.dates + pd.offsets.MonthEnd(0) + ahead * pd.offsets.MonthEnd(1), rows.date_codes)
    return replace(rows, dates=dates, date_codes=codes)


def among(theirs: Rows, rows: Rows) -> Rows:
    """Rows of one file, or with other dates, among the dates and tickers of others; -1 where they have no place."""
    return replace(
        rows,
        date_codes=recoded(theirs.date_codes, rows.dates.get_indexer(theirs.dates)),
        ticker_codes=recoded(theirs.ticker_codes, positions_of(theirs.tickers, rows.tickers)),
        returns=theirs.returns,
    )


def cut(rows: Rows, start: Day | None, end: Day | None, lag: int, frequency: str) -> Rows:
    """The rows from start to end and those at `lag` dates before; tickers that are left without a row are dropped."""
    kept = window(rows.dates, start, end, months=frequency in BY_MONTH)
    if kept.start >= kept.stop:
        raise ValueError(f"No date is left from start={start!r} to end={end!r}: the file has dates {span(rows.dates)}.")
    if lag >= kept.stop:
        raise ValueError(
            f"lag must be below the number of dates; {lag} was given, and up to the end there are {kept.stop}, "
            f"dates {span(rows.dates)}."
        )
    a = max(kept.start - lag, 0)
    codes = rows.date_codes - a
    codes[(codes < 0) | (codes >= kept.stop - a)] = -1
    return of_tickers_that_are_left(replace(rows, dates=rows.dates[a : kept.stop], date_codes=codes))[0]


def of_tickers_that_are_left(rows: Rows) -> tuple[Rows, np.ndarray]:
    """The rows without tickers of which no row is left, and the positions that the others had."""
    used = np.unique(rows.ticker_codes[rows.used])
    positions = np.full(len(rows.tickers), -1)
    positions[used] = np.arange(len(used))
    return replace(rows, tickers=rows.tickers[used], ticker_codes=recoded(rows.ticker_codes, positions)), used


def of_rows(rows: Rows, kept: np.ndarray) -> Rows:
    """The rows of which some, (n_rows,), are kept: the others belong nowhere."""
    return replace(rows, date_codes=np.where(kept, rows.date_codes, -1).astype(rows.date_codes.dtype))


def repeated(rows: Rows) -> np.ndarray:
    """Whether another row has the (date, ticker) of each, (n_rows,)."""
    return pd.Series(_cells(rows)).duplicated(keep=False).to_numpy()


def _cells(rows):
    """A number for the (date, ticker) of each row; a row that belongs nowhere has one of its own."""
    places = rows.ticker_codes * np.int64(len(rows.dates)) + rows.date_codes
    return np.where(rows.used, places, -1 - np.arange(len(rows.date_codes)))


def count_repeated(file: File, rows: Rows, frequency: str, report: Report, layout: Layout | None = None) -> int:
    """The number of rows whose (date, ticker) stands in an earlier row, after the fault is reported."""
    cells = _cells(rows)
    order = np.argsort(cells, kind="stable")
    again = np.flatnonzero(np.diff(cells[order]) == 0)
    if len(again):
        shown = []
        for i, j in zip(order[again[:3]], order[again[:3] + 1], strict=True):
            date, ticker = rows.dates[rows.date_codes[i]].date(), rows.tickers[rows.ticker_codes[i]]
            shown.append(f"({date}, {ticker}) in rows {i + 1} and {j + 1}")
        months = " In monthly and rarer data, two dates in one month are one date." if frequency in BY_MONTH else ""
        remedy = layout.repeated if layout and layout.repeated else "Keep one of each."
        report(f"{file.name} has {len(again)} repeated (date, ticker) row(s): {first_few(shown)}. {remedy}{months}")
    return len(again)


def _require_complete(file, column, codes, report, screened):
    if (codes[~screened] < 0).any():
        rows = np.flatnonzero((codes < 0) & ~screened) + 1
        report(
            f"{file.name} has {len(rows)} row(s) without a {column!r}: row {first_few(rows)}. "
            "Fill them in, or drop such rows."
        )


def _remove_infinite(file, column, returns, largest, report):
    beyond = np.abs(returns) > largest
    if beyond.any():
        what = "infinite values" if np.isinf(returns).any() else f"values above {largest:.2g}"
        report(
            f"Column {column!r} of {file.name} holds {what}, the first in row {int(beyond.argmax()) + 1}. "
            "Leave such values empty in the file."
        )
        returns[beyond] = np.nan
