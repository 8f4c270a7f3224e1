"""What a file holds, found by reading it twice: first where its rows belong, then its characteristics."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from helpers.checks import as_count, first_few
from helpers.data.columns import Columns
from helpers.data.dates import Day, frequency_of, window
from helpers.data.file import AnyPath, File, Report
from helpers.data.returns import joined_returns, notes_on_returns, own_returns
from helpers.data.rows import Rows, by_month, count_repeated, cut, read_rows
from helpers.data.statistics import Statistics, notes_on_characteristics
from helpers.data.text import Text, TextFound, notes_on_text, refusal_of_text

Precision = Literal["float32", "float64"]


@dataclass(frozen=True, eq=False)
class Contents:
    """What the two passes over a file found.

    Parameters
    ----------
    rows : Rows
        From the first date that is needed, `lag` dates before that of the panel.
    dates : DatetimeIndex
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
        The characteristics, if they were asked for.
    notes : list of str
        What is to be warned of.
    """

    rows: Rows
    dates: pd.DatetimeIndex
    frequency: str
    n_repeated: int
    returns: np.ndarray
    names: list[str]
    texts: dict[str, Text]
    statistics: Statistics
    grid: np.ndarray | None
    notes: list[str]


def read_contents(
    path: AnyPath,
    columns: Columns,
    returns_path: AnyPath | None,
    percent: bool,
    report: Report,
    lag: int = 0,
    start: Day | None = None,
    end: Day | None = None,
    dtype: Precision | None = None,
) -> Contents:
    """What the file holds.

    Parameters
    ----------
    path, returns_path, percent, lag, start, end
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
    source = None if returns_path is None else File(returns_path, columns.missing_values)
    own, names, left_out = columns.among(file, source, report)

    rows = read_rows(file, columns.date, columns.ticker, own, columns.date_format, largest, report)
    part = rows.dates[window(rows.dates, start, end, months=True)]
    frequency = frequency_of(file, [rows.dates, part], report)
    rows = cut(by_month(rows, frequency), start, end, lag, frequency)
    n_repeated = count_repeated(file, rows, frequency, report)
    notes: list[str] = []
    if source is None:
        returns = own_returns(file, rows, report)
    else:
        returns, notes = joined_returns(file, source, columns, rows, frequency, largest, report)
    returns = (returns / 100 if percent else returns)[lag:]

    names, texts, statistics, grid = _read_characteristics(file, columns, names, rows, returns, dtype, largest, report)
    dates, texts = rows.dates[lag:], texts | left_out
    notes += notes_on_text(texts)
    notes += notes_on_returns(returns, dates, rows.tickers, frequency)
    notes += notes_on_characteristics(statistics, names, dates)
    return Contents(rows, dates, frequency, n_repeated, returns, names, texts, statistics, grid, notes)


def _read_characteristics(file, columns, names, rows, returns, dtype, largest, report):
    """The second pass, and a third without the columns that turned out to hold text."""
    try:
        return names, {}, *_read_numbers(file, names, rows, returns, dtype, largest, report)
    except TextFound as found:
        texts = found.texts
    bad = {name: text for name, text in texts.items() if text.n_numbers or columns.characteristics is not None}
    if bad:
        report(refusal_of_text(file.name, bad))
    names = [name for name in names if name not in texts]
    return names, texts, *_read_numbers(file, names, rows, returns, dtype, largest, report)


def _read_numbers(file, names, rows, returns, dtype, largest, report):
    """The statistics of the columns and, if a dtype is given, the grid (n_dates, n_tickers, n_chars) of values."""
    n_dates, n_tickers = returns.shape
    statistics = Statistics(len(names), n_dates)
    grid = None if dtype is None else np.full((n_dates, n_tickers, len(names)), np.nan, dtype)
    next_returns = np.vstack([returns[1:], np.full((1, n_tickers), np.nan)])
    too_large: dict[str, int] = {}
    for first, columns, values in file.blocks(names):
        block = slice(first, first + values.shape[1])
        d, s = rows.date_codes[block], rows.ticker_codes[block]
        for j, i in np.argwhere(np.abs(values) > largest):
            too_large.setdefault(names[columns][j], int(first + i + 1))
            values[j, i] = np.nan
        here = (d >= 0) & (s >= 0) & (d < n_dates)
        if not here.all():
            values, d, s = values[:, here], d[here], s[here]
        statistics.add(columns, values, d, (returns[d, s], next_returns[d, s]))
        if grid is not None:
            grid[d, s, columns] = values.T
    if too_large:
        where = first_few([f"{name!r} in row {row}" for name, row in too_large.items()])
        report(
            f"{file.name} holds infinite values, or values above {largest:.2g}: {where}. "
            "Leave such values empty in the file."
        )
    return statistics, grid
