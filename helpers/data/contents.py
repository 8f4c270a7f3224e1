"""What a file holds, found by reading it twice: first where its rows belong, then its characteristics."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from helpers.checks import as_count, first_few
from helpers.compact import CompactArray
from helpers.data.choice import Choice
from helpers.data.columns import Columns
from helpers.data.dates import Day, frequency_of, require_monthly, window
from helpers.data.file import File, Report, Source
from helpers.data.layout import Layout
from helpers.data.more import columns_of_more, joined_more
from helpers.data.places import Places
from helpers.data.returns import joined_returns, notes_on_returns, own_returns
from helpers.data.rows import Rows, by_month, count_repeated, cut, note_on_screens, of_rows, read_rows, repeated
from helpers.data.statistics import Statistics, like_returns, notes_on_characteristics
from helpers.data.text import Text, TextFound, notes_on_text, refusal_of_text
from helpers.data.timing import Timing

Precision = Literal["float32", "float64"]


@dataclass(frozen=True, eq=False)
class Part:
    """A file's share of the characteristics.

    Parameters
    ----------
    file : File
    names : list of str
        The characteristics that it holds.
    asked : bool
        Whether they were named, so that text among them is refused.
    at : (n_rows,) or None
        Which row of the first file each of its rows joins, -1 for none; None of the first file.
    """

    file: File
    names: list[str]
    asked: bool
    at: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Contents:
    """What the two passes over a file found.

    Parameters
    ----------
    rows : Rows
        From the first date that is needed, `lag` dates before that of the panel.
    dates, tickers : Index
        Those of the panel.
    frequency : str
    n_repeated : int
        Rows whose (date, ticker) stands in an earlier row.
    returns : (n_dates, n_tickers)
    names : list of str
        The characteristics.
    texts : dict of str to Text
        The columns that are none.
    statistics : Statistics
        Of the characteristics.
    grid : (n_dates, n_tickers, n_chars) or None
        The characteristics, if they were asked for; compact if they are many, and sparse.
    side : dict of str to (n_dates, n_tickers)
    notes : list of str
        What is to be warned of.
    layout : Layout or None
        With the names of columns as the file has them.
    timing : str
        What the data tell of when the characteristics are known.
    """

    rows: Rows
    dates: pd.DatetimeIndex
    tickers: pd.Index
    frequency: str
    n_repeated: int
    returns: np.ndarray
    names: list[str]
    texts: dict[str, Text]
    statistics: Statistics
    grid: np.ndarray | CompactArray | None
    side: dict[str, np.ndarray]
    notes: list[str]
    layout: Layout | None
    timing: str


def read_contents(
    path: Source,
    columns: Columns,
    returns_path: Source | None,
    percent: bool,
    report: Report,
    lag: int = 0,
    start: Day | None = None,
    end: Day | None = None,
    dtype: Precision | None = None,
    more_path: Source | None = None,
) -> Contents:
    """What the file holds, and those beside it.

    Parameters
    ----------
    path, returns_path, percent, lag, start, end, more_path
        As in `read_panel`.
    columns : Columns
    report : callable
        Takes the sentence on a fault. Where it does not raise, the reading goes on as well as it can.
    dtype : {"float32", "float64"}, optional
        Of the characteristics; they are not kept if it is left out.
    """
    lag = as_count("lag", lag, at_least=0)
    largest = float(np.finfo(dtype or "float32").max)
    file = File(path, columns.missing_values)
    source = None if returns_path is None else File(returns_path, columns.missing_values, "returns_path")
    more = None if more_path is None else File(more_path, columns.missing_values, "more_path")
    columns = columns.fitted(file, source, percent, more)
    layout = columns.layout
    notes: list[str] = []
    own, names, left_out = columns.among(file, source, notes, report, more)
    parts = [Part(file, names, columns.characteristics is not None)]
    if more:
        labels, names, unfit = columns_of_more(columns, file, source, more, notes, report)
        parts.append(Part(more, names, columns.asked is not None))
        left_out |= unfit

    as_read = read_rows(file, columns.date, columns.ticker, own, columns.date_format, largest, report, layout)
    notes += note_on_screens(file, as_read, layout)
    part = as_read.dates[window(as_read.dates, start, end, months=True)]
    frequency = frequency_of(file, [as_read.dates, part], report)
    if layout and layout.monthly and frequency != "monthly":
        frequency = require_monthly(file, frequency, as_read.dates, layout)
    later = set() if lag else {*(layout.futures if layout else ())}
    ahead = layout.months_ahead if layout else 0
    if own and not lag and columns.ahead(own) >= ahead:
        later.add(own)
    choice = Choice(columns, file, source, more, later)
    all_read = as_read
    as_read = of_rows(all_read, choice.kept(file, len(all_read.date_codes)))
    choice.require_some(as_read)
    rows = cut(by_month(as_read, frequency, ahead), start, end, lag, frequency)
    n_repeated = count_repeated(file, rows, frequency, report, layout)
    joined = of_returns = None
    if source is None:
        of_returns = by_month(all_read, frequency, columns.ahead(own))
        # Of rows that stand for the same ticker and date, `select` may leave one.
        of_returns = of_rows(of_returns, (as_read.date_codes >= 0) | ~repeated(of_returns))
        returns = own_returns(file, rows, of_returns, report)
    else:
        joined = joined_returns(file, source, columns, rows, frequency, largest, report, choice.kept)
        returns = joined.returns
        notes += joined.notes
    returns = choice.held(rows, by_month(all_read, frequency, ahead), of_returns, returns, lag)
    if more:
        choice.at = joined_more(file, more, labels, columns, rows, frequency, largest, report, notes)
        parts[1] = replace(parts[1], at=choice.at)
    found = rows
    rows, returns = choice.left(rows, returns, joined, frequency, notes)
    side = choice.side(rows, joined, frequency, lag)
    returns = (returns / 100 if percent else returns)[lag:]

    names, texts, statistics, timing, grid = _read_characteristics(parts, rows, returns, dtype, largest, report)
    dates, texts = rows.dates[lag:], texts | left_out
    notes += notes_on_text(texts)
    notes += notes_on_returns(returns, dates, rows.tickers, frequency, percent)
    notes += timing.notes(like_returns(statistics, names))
    notes += notes_on_characteristics(statistics, names, dates)
    about = statistics, grid, side, notes, layout, timing.said()
    return Contents(found, dates, rows.tickers, frequency, n_repeated, returns, names, texts, *about)


def _read_characteristics(parts, rows, returns, dtype, largest, report):
    """The second pass, and a third without the columns that turned out to hold text."""
    try:
        return (
            [name for part in parts for name in part.names],
            {},
            *_read_numbers(parts, rows, returns, dtype, largest, report),
        )
    except TextFound as found:
        file, texts = found.file, found.texts
    (part,) = (part for part in parts if part.file is file)
    left = part
    if not part.file.learned(texts):
        bad = {name: text for name, text in texts.items() if text.n_numbers or part.asked}
        if bad:
            report(refusal_of_text(part.file.name, bad))
        left = replace(part, names=[name for name in part.names if not texts.keys() & part.file.inputs(name)])
    parts = [left if each is part else each for each in parts]
    names, others, *read = _read_characteristics(parts, rows, returns, dtype, largest, report)
    return names, ({} if left is part else texts) | others, *read


def _read_numbers(parts, rows, returns, dtype, largest, report):
    """The statistics of the columns, their timing, and if a dtype is given the grid (n_dates, n_tickers, n_chars)."""
    n_dates, n_tickers = returns.shape
    names = [name for part in parts for name in part.names]
    statistics, timing = Statistics(len(names), n_dates), Timing(names, returns, rows)
    places = None if dtype is None else Places(rows, n_dates, len(names), dtype)
    next_returns = np.vstack([returns[1:], np.full((1, n_tickers), np.nan)])
    begin = 0
    for part in parts:
        too_large: dict[str, int] = {}
        for first, columns, values in part.file.blocks(part.names):
            for j, i in np.argwhere(np.abs(values) > largest):
                too_large.setdefault(part.names[columns][j], int(first + i + 1))
                values[j, i] = np.nan
            block = slice(first, first + values.shape[1])
            at = np.arange(block.start, block.stop) if part.at is None else part.at[block]
            d, s = (np.where(at >= 0, codes[at], -1) for codes in (rows.date_codes, rows.ticker_codes))
            here = (d >= 0) & (s >= 0) & (d < n_dates)
            if not here.all():
                values, d, s, at = values[:, here], d[here], s[here], at[here]
            columns = slice(begin + columns.start, begin + columns.start + len(values))
            if places is not None:
                places.put(columns, values, at, d, s)
            statistics.add(columns, values, d, (returns[d, s], next_returns[d, s]))
            timing.add(columns, values, d, s)
        begin += len(part.names)
        if too_large:
            where = first_few([f"{name!r} in row {row}" for name, row in too_large.items()])
            report(
                f"{part.file.name} holds infinite values, or values above {largest:.2g}: {where}. "
                "Leave such values empty in the file."
            )
    return statistics, timing, None if places is None else places.filled()
