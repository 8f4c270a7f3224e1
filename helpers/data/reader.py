"""A researcher's own file: read as a Panel, and described before it is read."""

import csv
import difflib
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date as Date
from itertools import pairwise
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from helpers.checks import as_choice, as_count, as_flag, first_few
from helpers.panel import Panel

MISSING = (*pa.csv.ConvertOptions().null_values, ".", "None", "<NA>")  # a dot is how SAS and Stata write a missing number
NUMBER = re.compile(r"\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|nan)\s*", re.IGNORECASE)
BLOCK = 1 << 20  # bytes of CSV read at once
BATCH = 2048  # rows of Parquet read at once

LONGEST_GAPS = {"daily": 4, "weekly": 13, "monthly": 75, "quarterly": 200, "annual": np.inf}  # days: holidays, an absent month
BY_MONTH = ("monthly", "quarterly", "annual")
WAYS_TO_WRITE_DATES = {
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?": "ISO8601",
    r"\d{4}/\d\d/\d\d": "%Y/%m/%d",
    r"\d{4}-\d\d": "%Y-%m",
    r"\d{8}": "%Y%m%d",
    r"\d{6}": "%Y%m",
}

KINDS_OF_FILE = (".csv", ".csv.gz", ".parquet")
OTHER_KINDS_OF_FILE = {
    ".xlsx": "Export the sheet as CSV.",
    ".xls": "Export the sheet as CSV.",
    ".zip": "Unzip it first, and pass the file that was in it.",
    ".gz": "Unpack it first; a packed CSV file may stay so if its name ends in .csv.gz.",
    ".tsv": "Export it with commas, as CSV.",
    ".txt": "If it is CSV with commas, rename it to .csv.",
    ".dta": "Convert it with pandas.read_stata(...).to_parquet(...).",
    ".sas7bdat": "Convert it with pandas.read_sas(...).to_parquet(...).",
}


def read_panel(
    path,
    date="date",
    ticker="ticker",
    returns="returns",
    characteristics=None,
    exclude=(),
    returns_path=None,
    date_format=None,
    lag=0,
    start=None,
    end=None,
    percent=False,
    missing_values=(),
    dtype="float32",
):
    """The panel that a CSV or Parquet file describes: one row for each (date, ticker), in any order, with gaps allowed.

    The file is read twice in small batches, first its dates, tickers and returns, then its characteristics, which go straight to
    their places in the panel. Memory: the panel's own, and little more. The file is never altered.

    Parameters
    ----------
    path : str or path
        A file that ends in .csv, .csv.gz or .parquet. Numbers in CSV have a decimal point, and columns are separated by commas.
    date, ticker, returns : str
        The names of three columns. Dates: timestamps, 2020-01-31, 20200131, 202001 or 2020-01; their time of day is dropped, and
        dates of monthly, quarterly and annual data become the last day of their month. Tickers: text, or whole numbers; in CSV,
        whole numbers are read as such unless some begin with a zero. Returns: fractions per period.
    characteristics : sequence of str, optional
        The columns of characteristics. Left out: every other column of numbers; columns that hold text only are left out, with
        a warning.
    exclude : sequence of str
        Columns that are not read.
    returns_path : str or path, optional
        A second file that holds the returns, under the same names of date and ticker (capitals may differ). They are joined to
        the first file by ticker and date, or month if the data are monthly. The dates and tickers of the panel are those of the
        first file; a return that has no row there is kept if its ticker and its date are among them, and dropped otherwise.
    date_format : str, optional
        How dates are written (in both files) if otherwise than above, such as "%d/%m/%Y"; see `datetime.strptime`.
    lag : int
        By how many of the file's dates the characteristics are moved forward, if those in the row of a return were not known
        before it was earned. The first `lag` dates, at which nothing is known then, are dropped.
    start, end : str or date, optional
        The first and the last date of the panel, such as "1987" or "1987-01-31". In monthly and rarer data, months count.
    percent : bool
        Whether the returns are in percent, and are to be divided by 100.
    missing_values : sequence of str
        Texts that mean a missing number, beside the usual ones (empty, ``NA``, ``NaN``, ``null``, a dot, …).
    dtype : {"float32", "float64"}
        Of returns and characteristics. float32 takes half the memory, and keeps 7 digits.

    Returns
    -------
    Panel
        Dates and tickers ascend. NaN where the file has no row or no value.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If an argument, or a column, is of the wrong kind.
    ValueError
        If the file can't be read, a column is missing, a date is not understood, dates are of mixed frequency, a (date, ticker)
        repeats, a column holds text beside numbers, a value is infinite, or no date is left.

    Warns
    -----
    UserWarning
        If returns look like percent, a characteristic looks like the return of its own row or of the next date, never changes,
        or is known for nobody at some dates, a column of text is left out, or most rows find no return in the second file.

    Examples
    --------
    The published file of Gu, Kelly and Xiu, and returns bought from CRSP:

    >>> from helpers.data.published import PUBLISHED_LAYOUT
    >>> read_panel("datashare.csv", **PUBLISHED_LAYOUT, returns_path="crsp.csv", returns="RET")  # doctest: +SKIP
    """
    as_flag("percent", percent)
    as_choice("dtype", dtype, ("float32", "float64"))
    columns = _Columns(date, ticker, returns, characteristics, exclude, date_format, missing_values)
    found = _take_in(path, columns, returns_path, lag, start, end, percent, dtype, _refuse)
    for sentence in found.warnings:
        warnings.warn(sentence, UserWarning, stacklevel=2)
    return Panel._of(
        returns=found.returns.astype(dtype),
        characteristics=found.grid,
        dates=found.dates,
        tickers=found.rows.tickers,
        characteristic_names=pd.Index(found.names, dtype="str"),
    )


@dataclass(frozen=True, eq=False, repr=False)
class Schema:
    """What a file holds, as `read_schema` found it.

    Parameters
    ----------
    name : str
        Of the file, without its folder.
    n_rows, n_dates, n_tickers : int
    first_date, last_date : Timestamp
    frequency : {"daily", "weekly", "monthly", "quarterly", "annual", "mixed", "unknown"}
        Unknown if there is one date only.
    tickers_per_date : (least, median, most)
    n_repeated : int
        Rows whose (date, ticker) stands in an earlier row.
    gigabytes : float
        What the Panel would take in float32.
    columns : DataFrame
        One line for each column of characteristics. `holds`: "numbers", "text", "numbers and text", or the type of a Parquet
        column that is neither; `missing`: the share of rows; `first_known`: a date; `constant`: whether it is the same number
        everywhere; `constant_dates`: at how many dates it is the same for all tickers (of two at least).
    warnings : tuple of str
        What `read_panel` would refuse or warn of, in sentences.
    """

    name: str
    n_rows: int
    n_dates: int
    n_tickers: int
    first_date: pd.Timestamp
    last_date: pd.Timestamp
    frequency: str
    tickers_per_date: tuple
    n_repeated: int
    gigabytes: float
    columns: pd.DataFrame
    warnings: tuple

    def __repr__(self):
        least, median, most = self.tickers_per_date
        kinds = [f"{count:,} of {kind}" for kind, count in self.columns["holds"].value_counts().items()]
        lines = [
            f"{self.name}: {self.n_rows:,} rows, {self.n_repeated:,} of them repeated",
            f"dates     {self.n_dates:,}, {self.first_date.date()} to {self.last_date.date()}, {self.frequency}",
            f"tickers   {self.n_tickers:,}; at a date {least:,} at least, {median:,} in the median, {most:,} at most",
            f"columns   {', '.join(kinds) or 'none'}",
            f"memory    {self.gigabytes:.3g} GB as a Panel of float32",
            f"warnings  {len(self.warnings)}",
            *(fill(f"  {i}. {sentence}", 96, subsequent_indent="     ") for i, sentence in enumerate(self.warnings, start=1)),
        ]
        return "\n".join(lines)


def read_schema(
    path,
    date="date",
    ticker="ticker",
    returns="returns",
    characteristics=None,
    exclude=(),
    returns_path=None,
    date_format=None,
    percent=False,
    missing_values=(),
):
    """What a CSV or Parquet file holds, and all that `read_panel` would refuse or warn of, without reading it into memory.

    Parameters
    ----------
    path, date, ticker, returns, characteristics, exclude, returns_path, date_format, percent, missing_values
        As in `read_panel`.

    Returns
    -------
    Schema

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If the file can't be read, the column of dates or tickers is missing, or no row has a date and a ticker. All other faults
        are reported in `Schema.warnings`.
    """
    as_flag("percent", percent)
    columns = _Columns(date, ticker, returns, characteristics, exclude, date_format, missing_values)
    faults = []
    found = _take_in(path, columns, returns_path, 0, None, None, percent, None, faults.append)
    rows, dates = found.rows, found.dates
    per_date = np.bincount(rows.date_codes[rows.used], minlength=len(dates))
    return Schema(
        name=Path(path).name,
        n_rows=len(rows.date_codes),
        n_dates=len(dates),
        n_tickers=len(rows.tickers),
        first_date=dates[0],
        last_date=dates[-1],
        frequency=found.frequency,
        tickers_per_date=(int(per_date.min()), int(np.median(per_date)), int(per_date.max())),
        n_repeated=found.n_repeated,
        gigabytes=len(dates) * len(rows.tickers) * (len(found.names) + 1) * 4 / 1e9,
        columns=pd.concat([_lines_of_numbers(found), _lines_of_text(found)]) if found.texts else _lines_of_numbers(found),
        warnings=(*faults, *found.warnings),
    )


def _lines_of_numbers(found):
    known, statistics = found.statistics.known, found.statistics
    first = [found.dates[at.argmax()] if at.any() else pd.NaT for at in known > 0]
    same = (known > 1) & (statistics.least == statistics.most)
    return pd.DataFrame(
        {
            "holds": "numbers",
            "missing": 1 - known.sum(axis=1) / len(found.rows.date_codes),
            "first_known": pd.DatetimeIndex(first, dtype=found.dates.dtype),
            "constant": pd.array(statistics.constant(), dtype="boolean"),
            "constant_dates": pd.array(same.sum(axis=1), dtype="Int64"),
        },
        index=pd.Index(found.names, name="column", dtype="str"),
    )


def _lines_of_text(found):
    texts = found.texts.values()
    return pd.DataFrame(
        {
            "holds": [text.holds for text in texts],
            "missing": [text.n_missing / len(found.rows.date_codes) for text in texts],
            "first_known": np.full(len(texts), np.datetime64("NaT"), dtype=found.dates.dtype),
            "constant": pd.array([pd.NA] * len(texts), dtype="boolean"),
            "constant_dates": pd.array([pd.NA] * len(texts), dtype="Int64"),
        },
        index=pd.Index(list(found.texts), name="column", dtype="str"),
    )


# --- The two passes over a file ------------------------------------------------------------------------------------------------


class _Contents(NamedTuple):
    """What the two passes found: where the rows belong, the returns (n_dates, n_tickers), the characteristics if asked for."""

    rows: "_Rows"
    dates: pd.DatetimeIndex
    frequency: str
    n_repeated: int
    returns: np.ndarray
    names: list
    texts: dict
    statistics: "_Statistics"
    grid: np.ndarray | None
    warnings: list


def _refuse(sentence):
    raise ValueError(sentence)


def _take_in(path, columns, returns_path, lag, start, end, percent, dtype, report):
    """What the file holds. Each fault is handed to `report`; where that does not raise, the reading goes on as well as it can."""
    lag = as_count("lag", lag, at_least=0)
    file = _File(path, columns.missing_values)
    source = None if returns_path is None else _File(returns_path, columns.missing_values)
    own_returns, names, left_out = columns.among(file, source, report)

    rows = _read_rows(file, columns.date, columns.ticker, own_returns, columns.date_format, report)
    frequency = _frequency_of(file, [rows.dates, rows.dates[_window(rows.dates, start, end, months=True)]], report)
    rows = _cut(_by_month(rows, frequency), start, end, lag, frequency)
    n_repeated = _require_each_once(file, rows, frequency, report)
    if source is None:
        returns, notes = _own_returns(file, rows, report), []
    else:
        returns, notes = _joined_returns(file, source, columns, rows, frequency, report)
    returns = (returns / 100 if percent else returns)[lag:]

    names, texts, statistics, grid = _read_characteristics(file, columns, names, rows, returns, dtype, report)
    dates = rows.dates[lag:]
    notes += _notes_on_text(texts | left_out)
    notes += _notes_on_returns(returns, dates, rows.tickers, frequency)
    notes += _notes_on_characteristics(statistics, names, dates)
    return _Contents(rows, dates, frequency, n_repeated, returns, names, texts | left_out, statistics, grid, notes)


def _read_rows(file, date, ticker, returns, date_format, report):
    """The first pass: where each row of the file belongs, and its return."""
    dates, tickers, values = _Codes(), _Codes(), []
    try:
        for batch in file.batches([date, ticker], [returns] if returns else []):
            dates.add(batch.column(date))
            tickers.add(batch.column(ticker))
            if returns:
                values.append(batch.column(returns).to_numpy(zero_copy_only=False))
    except _TextFound as found:
        report(_refusal_of_text(file, found.texts))
        return _read_rows(file, date, ticker, None, date_format, report)
    dates, date_codes = dates.found()
    tickers, ticker_codes = tickers.found()
    _require_complete(file, date, date_codes, report)
    _require_complete(file, ticker, ticker_codes, report)
    rows = _Rows(
        *_sorted(_as_dates(file, date, dates, date_codes, date_format, report), date_codes),
        *_sorted(_as_tickers(file, ticker, tickers, report), ticker_codes),
        np.concatenate(values) if values else None,
    )
    if not rows.used.any():
        raise ValueError(f"{file.name} has no row with both a {date!r} and a {ticker!r}.")
    if values:
        _remove_infinite(file, returns, rows.returns, report)
    return rows


def _read_characteristics(file, columns, names, rows, returns, dtype, report):
    """The second pass, and a third without the columns that turned out to hold text."""
    try:
        return names, {}, *_read_numbers(file, names, rows, returns, dtype, report)
    except _TextFound as found:
        texts = found.texts
    bad = {name: text for name, text in texts.items() if text.n_numbers or columns.characteristics is not None}
    if bad:
        report(_refusal_of_text(file, bad))
    names = [name for name in names if name not in texts]
    return names, texts, *_read_numbers(file, names, rows, returns, dtype, report)


def _read_numbers(file, names, rows, returns, dtype, report):
    """The statistics of the columns and, if a dtype is given, the grid (n_dates, n_tickers, n_chars) of their values."""
    n_dates, n_tickers = returns.shape
    largest = np.finfo(dtype or "float32").max
    statistics = _Statistics(len(names), n_dates)
    grid = None if dtype is None else np.full((n_dates, n_tickers, len(names)), np.nan, dtype)
    next_returns = np.vstack([returns[1:], np.full((1, n_tickers), np.nan)])
    too_large, at = {}, 0
    for batch in file.batches(numbers=names) if names else ():
        d, s = (codes[at : at + batch.num_rows] for codes in (rows.date_codes, rows.ticker_codes))
        values = np.array([column.to_numpy(zero_copy_only=False) for column in batch.columns])
        for j, i in np.argwhere(np.abs(values) > largest):
            too_large.setdefault(names[j], int(at + i + 1))
            values[j, i] = np.nan
        at += batch.num_rows
        here = (d >= 0) & (s >= 0) & (d < n_dates)
        if not here.all():
            values, d, s = values[:, here], d[here], s[here]
        statistics.add(values, d, returns[d, s], next_returns[d, s])
        if grid is not None:
            grid[d, s] = values.T
    if too_large:
        where = first_few([f"{name!r} in row {row}" for name, row in too_large.items()])
        report(f"{file.name} holds infinite values, or values above {largest:.2g}: {where}. Leave such values empty in the file.")
    return statistics, grid


# --- Where a row belongs -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """Where each row of a file belongs: its date and its ticker as positions among labels that ascend, -1 where it has none."""

    dates: pd.DatetimeIndex
    date_codes: np.ndarray
    tickers: pd.Index
    ticker_codes: np.ndarray
    returns: np.ndarray | None

    @property
    def used(self):
        return (self.date_codes >= 0) & (self.ticker_codes >= 0)


class _Codes:
    """Whole numbers that stand for labels, handed out as the labels come in; -1 stands for a label that is missing."""

    def __init__(self):
        self.codes = {}
        self.parts = []

    def add(self, column):
        encoded = column.dictionary_encode()
        codes = [
            -1 if _is_blank(label) else self.codes.setdefault(label, len(self.codes)) for label in encoded.dictionary.to_pylist()
        ]
        of_rows = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        self.parts.append(np.array([*codes, -1], dtype=np.int32)[of_rows])

    def found(self):
        """The labels in the order of their codes, and the code of each row."""
        return list(self.codes), np.concatenate([np.empty(0, dtype=np.int32), *self.parts])


def _is_blank(label):
    return not label.strip() if isinstance(label, str) else pd.isna(label)


def _recoded(codes, positions):
    """The codes after their labels have moved to other positions; -1 stays."""
    return np.append(positions, -1).astype(np.int32)[codes]


def _sorted(labels, codes):
    """The distinct labels in ascending order, NaT left out, and the codes that go with them."""
    ascending = labels.dropna().unique().sort_values()
    return ascending, _recoded(codes, ascending.get_indexer(labels))


def _as_dates(file, column, labels, codes, date_format, report):
    """The labels as timestamps without a time of day, NaT where one is not understood."""
    if labels and isinstance(labels[0], Date):
        return _as_days(pd.to_datetime(labels))
    texts = pd.Index([re.sub(r"\.0$", "", str(label).strip()) for label in labels], dtype="str")
    if date_format is None:
        fits = {way: texts.str.fullmatch(way).astype(bool) for way in WAYS_TO_WRITE_DATES}
        way = max(fits, key=lambda way: fits[way].sum())  # that of most, since the first date may be the wrong one
        if labels and not fits[way].any():
            raise ValueError(
                f"The dates in column {column!r} of {file.name} are written like {labels[0]!r}, which is not understood, or could "
                "be read in two ways (day or month first). Pass date_format, such as '%d/%m/%Y' or '%m/%d/%Y'."
            )
        texts, date_format = texts.where(fits[way]), WAYS_TO_WRITE_DATES[way]
    dates = _as_days(pd.to_datetime(texts, format=date_format, errors="coerce"))
    if date_format != "ISO8601" and not re.search("%[djxc]", date_format):  # no day is named
        dates += pd.offsets.MonthEnd(0) if re.search("%[mbB]", date_format) else pd.offsets.YearEnd(0)
    bad = np.isin(codes, np.flatnonzero(dates.isna()))
    if bad.any():
        shown = first_few([f"{labels[codes[i]]!r} in row {i + 1}" for i in np.flatnonzero(bad)[:3]])
        report(
            f"{int(bad.sum())} date(s) in column {column!r} of {file.name} are no dates, or not written like the others: {shown}. "
            "Correct them; if all are meant so, pass date_format, such as '%d/%m/%Y'."
        )
    return dates


def _as_days(timestamps):
    return pd.DatetimeIndex(timestamps).tz_localize(None).normalize().as_unit("us")


def _as_tickers(file, column, labels, report):
    """The labels as text or as whole numbers; those of a CSV file are whole numbers if all look so and none begins with a zero."""
    if all(type(label) is int or (isinstance(label, float) and label.is_integer()) for label in labels):
        return pd.Index([int(label) for label in labels])
    if not all(isinstance(label, str) for label in labels):
        kinds = sorted({type(label).__name__ for label in labels})
        raise TypeError(
            f"Tickers must be text or whole numbers; column {column!r} of {file.name} holds {first_few(kinds)}, such as {labels[0]!r}."
        )
    blanks = [repr(label) for label in labels if label != label.strip()]
    if blanks:
        report(f"{len(blanks)} ticker(s) of {file.name} have blanks around them: {first_few(blanks)}. Remove the blanks.")
    values = {label: int(label.removesuffix(".0")) for label in labels if re.fullmatch(r"[0-9]{1,18}(\.0)?", label)}
    by_value = {}
    for label, value in values.items():
        by_value.setdefault(value, []).append(label)
    alike = [" and ".join(map(repr, group)) for group in by_value.values() if len(group) > 1]
    if alike:
        report(f"Some tickers of {file.name} are one number written in several ways: {first_few(alike)}. Write each in one way.")
    if file.is_csv and len(values) == len(labels) and not any(re.match("0[0-9]", label) for label in labels):
        return pd.Index(list(values.values()), dtype="int64")
    return pd.Index(labels, dtype="str")


def _require_complete(file, column, codes, report):
    if (codes < 0).any():
        rows = np.flatnonzero(codes < 0) + 1
        report(
            f"{file.name} has {len(rows)} row(s) without a {column!r}: row {first_few(rows)}. Fill them in, or drop such rows."
        )


def _remove_infinite(file, column, returns, report):
    infinite = np.isinf(returns)
    if infinite.any():
        row = int(infinite.argmax()) + 1
        report(
            f"Column {column!r} of {file.name} holds infinite values, the first in row {row}. Leave such values empty in the file."
        )
        returns[infinite] = np.nan


def _require_each_once(file, rows, frequency, report):
    """The number of rows whose (date, ticker) stands in an earlier row, after the fault is reported."""
    cells = np.where(
        rows.used, rows.ticker_codes * np.int64(len(rows.dates)) + rows.date_codes, -1 - np.arange(len(rows.date_codes))
    )
    order = np.argsort(cells, kind="stable")
    again = np.flatnonzero(np.diff(cells[order]) == 0)
    if len(again):
        shown = [
            f"({rows.dates[rows.date_codes[i]].date()}, {rows.tickers[rows.ticker_codes[i]]}) in rows {i + 1} and {j + 1}"
            for i, j in zip(order[again[:3]], order[again[:3] + 1], strict=True)
        ]
        by_month = " In monthly and rarer data, two dates in one month are one date." if frequency in BY_MONTH else ""
        report(f"{file.name} has {len(again)} repeated (date, ticker) row(s): {first_few(shown)}. Keep one of each.{by_month}")
    return len(again)


# --- Dates ---------------------------------------------------------------------------------------------------------------------


def _frequency_of(file, alternatives, report):
    """The frequency of the first of the alternatives, sequences of dates, that has one; "mixed" after the fault is reported."""
    for dates in alternatives:
        frequency, fault = _frequency(dates)
        if not fault:
            return frequency
    report(f"The dates of {file.name} are of mixed frequency: {fault}. Keep one part, with start and end, or bring all to one.")
    return "mixed"


def _frequency(dates):
    """How often the dates come, a name of `LONGEST_GAPS` or "unknown" for a single date, and what speaks against it."""
    if len(dates) < 2:
        return "unknown", ""
    names = list(LONGEST_GAPS)
    days = np.diff(dates) / np.timedelta64(1, "D")
    kinds = np.searchsorted(list(LONGEST_GAPS.values()), days)
    # By the root of the days, neither a single hole in daily data nor a second date in some months outweighs the rest.
    main = np.bincount(kinds, np.sqrt(days)).argmax()
    edges = np.flatnonzero(np.diff(kinds, prepend=-1, append=-1))
    longest, a, b = max(((b - a, a, b) for a, b in pairwise(edges) if kinds[a] != main), default=(0, 0, 0))
    if longest < 5:  # holidays and absent months
        return names[main], ""
    return names[main], f"most are {names[main]}, but those from {dates[a].date()} to {dates[b].date()} are {names[kinds[a]]}"


def _by_month(rows, frequency):
    """The rows with their dates at the end of the month, if the data are monthly or rarer."""
    if frequency not in BY_MONTH:
        return rows
    dates, codes = _sorted(rows.dates + pd.offsets.MonthEnd(0), rows.date_codes)
    return replace(rows, dates=dates, date_codes=codes)


def _window(dates, start, end, months):
    """The slice of the dates from start to end; if months count, from the first day of start's to the last of end's."""
    first = dates[0] if start is None else _period("start", start).start_time
    last = dates[-1] if end is None else _period("end", end).end_time
    if months:
        first, last = first.to_period("M").start_time, last.to_period("M").end_time
    if start is not None and end is not None and first > last:
        raise ValueError(f"start must not be after end; start={start!r} and end={end!r} were given.")
    return slice(int(dates.searchsorted(first)), int(dates.searchsorted(last, side="right")))


def _period(name, value):
    """The day, month or year that is meant."""
    if not isinstance(value, str | Date | np.datetime64):
        raise TypeError(f"{name} must be a date, such as '1987' or '1987-01-31'; {value!r} was given.")
    try:
        period = pd.Period(value) if isinstance(value, str) else pd.Period(pd.Timestamp(value), "D")
    except ValueError:
        period = pd.NaT
    if period is pd.NaT:
        raise ValueError(f"{name} must be a date, such as '1987' or '1987-01-31'; {value!r} was given.")
    return period


def _cut(rows, start, end, lag, frequency):
    """The rows from start to end and, before them, those at `lag` more dates; tickers that are left without a row are dropped."""
    span = _window(rows.dates, start, end, months=frequency in BY_MONTH)
    held = f"dates {rows.dates[0].date()} to {rows.dates[-1].date()}"
    if span.start >= span.stop:
        raise ValueError(f"No date is left from start={start!r} to end={end!r}: the file has {held}.")
    if lag >= span.stop:
        raise ValueError(
            f"lag must be below the number of dates; {lag} was given, and up to the end there are {span.stop}, {held}."
        )
    a = max(span.start - lag, 0)
    codes = rows.date_codes - a
    codes[(codes < 0) | (codes >= span.stop - a)] = -1
    used = np.unique(rows.ticker_codes[(codes >= 0) & (rows.ticker_codes >= 0)])
    positions = np.full(len(rows.tickers), -1)
    positions[used] = np.arange(len(used))
    return _Rows(rows.dates[a : span.stop], codes, rows.tickers[used], _recoded(rows.ticker_codes, positions), rows.returns)


# --- Returns -------------------------------------------------------------------------------------------------------------------


def _placed(values, d, s, rows):
    """The values on the grid of dates and tickers of the rows; positions of -1 fall off it."""
    grid = np.full((len(rows.dates), len(rows.tickers)), np.nan)
    here = (d >= 0) & (s >= 0)
    if values is not None:
        grid[d[here], s[here]] = values[here]
    return grid


def _own_returns(file, rows, report):
    """The file's own returns."""
    if rows.returns is not None and np.isnan(rows.returns).all():
        report(f"The returns of {file.name} are missing in every row.")
    return _placed(rows.returns, rows.date_codes, rows.ticker_codes, rows)


def _joined_returns(file, source, columns, rows, frequency, report):
    """The returns of a second file, and a remark if most rows of the first find none in it."""
    date = _same_but_for_capitals(source, "date", columns.date)
    ticker = _same_but_for_capitals(source, "ticker", columns.ticker)
    theirs = _read_rows(source, date, ticker, columns.returns, columns.date_format, report)
    month = pd.Timedelta(days=31)
    near = theirs.dates[(theirs.dates >= rows.dates[0] - month) & (theirs.dates <= rows.dates[-1] + month)]
    their_frequency = _frequency_of(source, [near], report)
    if {frequency, their_frequency} <= set(LONGEST_GAPS) and frequency != their_frequency:
        raise ValueError(
            f"{file.name} is {frequency} and {source.name} is {their_frequency}. Bring the returns to the frequency of the "
            "characteristics first: compound them."
        )
    theirs = _by_month(theirs, frequency)
    d = _recoded(theirs.date_codes, rows.dates.get_indexer(theirs.dates))
    s = _recoded(theirs.ticker_codes, rows.tickers.astype("str").get_indexer(theirs.tickers.astype("str")))
    if not ((d >= 0) & (s >= 0)).any():
        raise ValueError(
            f"{source.name} has no row of a ticker and date of {file.name}. The tickers are {first_few(theirs.tickers)} and "
            f"{first_few(rows.tickers)}, the dates {_span(theirs.dates)} and {_span(rows.dates)}. Check that they mean the same."
        )
    _require_each_once(source, replace(rows, date_codes=d, ticker_codes=s), frequency, report)
    returns = _placed(theirs.returns, d, s, rows)
    found = ~np.isnan(returns[rows.date_codes[rows.used], rows.ticker_codes[rows.used]])
    few = [f"Only {found.mean():.0%} of the rows of {file.name} find a return in {source.name}."] if found.mean() < 0.5 else []
    return returns, few


def _span(dates):
    return f"{dates[0].date()} to {dates[-1].date()}"


# --- Columns -------------------------------------------------------------------------------------------------------------------


class _Columns:
    """What the user says of the columns."""

    def __init__(self, date, ticker, returns, characteristics, exclude, date_format, missing_values):
        named = {"date": date, "ticker": ticker, "returns": returns}
        for argument, name in (named | ({} if date_format is None else {"date_format": date_format})).items():
            if not isinstance(name, str):
                raise TypeError(f"{argument} must be text; {name!r} was given.")
        if len(set(named.values())) < 3:
            raise ValueError(f"date, ticker and returns must be three columns; {date!r}, {ticker!r} and {returns!r} were given.")
        self.date, self.ticker, self.returns, self.date_format = date, ticker, returns, date_format
        self.characteristics = None if characteristics is None else _as_texts("characteristics", characteristics)
        self.exclude = _as_texts("exclude", exclude)
        self.missing_values = _as_texts("missing_values", missing_values)
        twice = [name for name in self.characteristics or () if name in {*named.values(), *self.exclude}]
        twice += [name for name in self.exclude if name in (date, ticker)]
        if twice:
            raise ValueError(f"Column {twice[0]!r} is named twice, among date, ticker, returns, characteristics and exclude.")

    def among(self, file, source, report):
        """The column of the file's own returns or None, those of its characteristics, and those that can't be any."""
        for argument in ("date", "ticker"):
            _require_column(file, argument, getattr(self, argument))
            _require_labels(file, argument, getattr(self, argument))
        for argument in ("characteristics", "exclude"):
            for name in getattr(self, argument) or ():
                _require_column(file, argument, name)
        own_returns = self._own_returns(file, source, report)
        names = self.characteristics
        if names is None:
            names = [name for name in file.columns if name not in {self.date, self.ticker, own_returns, *self.exclude}]
        names = [name for name in names if not _is_unfit(file, name, report)]
        left_out = {name: _Text(file.kinds[name]) for name in names if file.kinds[name] not in ("numbers", "text")}
        if left_out and self.characteristics is not None:
            report(_refusal_of_text(file, left_out))
        return own_returns, [name for name in names if name not in left_out], left_out

    def _own_returns(self, file, source, report):
        if source is not None:
            _require_column(source, "returns", self.returns)
            if self.returns in file.columns and self.returns not in self.exclude:
                raise ValueError(
                    f"Both {file.name} and {source.name} have a column {self.returns!r}. "
                    f"Pass exclude=({self.returns!r},) for those of the second, or leave returns_path out for those of the first."
                )
        elif self.returns in file.columns:
            return self.returns
        else:
            report(_without_column(file, "returns", self.returns) + " If a second file holds the returns, pass returns_path=….")
        return None


def _as_texts(name, values):
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a sequence of texts, such as ({values!r},); {values!r} was given.")
    values = list(values)
    wrong = [value for value in values if not isinstance(value, str)]
    if wrong:
        raise TypeError(f"{name} must hold texts; {wrong[0]!r} was given.")
    if len(set(values)) < len(values):
        raise ValueError(f"{name} must all differ; {first_few(values)} were given.")
    return values


def _is_unfit(file, name, report):
    """Whether the column cannot be a characteristic, after the fault is reported."""
    if not name.strip() or re.fullmatch(r"__index_level_\d+__", name):
        report(
            f"A column of {file.name} has no name ({name!r}): perhaps pandas wrote its row numbers. "
            f"Pass exclude=({name!r},), or write the file with index=False."
        )
    elif name == "returns":
        report(f"Column 'returns' of {file.name} is not the one named by returns=. Exclude it, or name that one.")
    elif name == "returns_fwd":
        report(f"Column 'returns_fwd' of {file.name} is not known before the return of its row. Pass exclude=('returns_fwd',).")
    else:
        return False
    return True


def _require_column(file, argument, name):
    if name not in file.columns:
        raise ValueError(_without_column(file, argument, name))


def _require_labels(file, argument, name):
    kind = file.kinds[name]
    if kind not in ("numbers", "text") and not (argument == "date" and kind.startswith(("timestamp", "date"))):
        raise TypeError(f"Column {name!r} of {file.name} holds {kind}, which can be no {argument}. Convert it to text first.")


def _without_column(file, argument, name, remedy=""):
    alike = {other.strip().lower(): other for other in reversed(file.columns)}
    nearest = difflib.get_close_matches(name.strip().lower(), alike, n=1)
    advice = f" Perhaps {alike[nearest[0]]!r} is meant." if nearest else ""
    one = (
        f"Pass {argument}={alike[nearest[0]] if nearest else 'its name'!r}."
        if argument in ("date", "ticker", "returns")
        else f"Name columns that it has in {argument}."
    )
    return f"{file.name} has no column {name!r}; it has {first_few(map(repr, file.columns), 8)}.{advice} {remedy or one}"


def _same_but_for_capitals(file, argument, name):
    """The file's column of that name, in capitals or not."""
    alike = [other for other in file.columns if other.lower() == name.lower()]
    if name not in alike and len(alike) == 1:
        name = alike[0]
    if name not in file.columns:
        raise ValueError(_without_column(file, argument, name, f"Name its {argument} as in the first file."))
    _require_labels(file, argument, name)
    return name


# --- Reading a file in batches -------------------------------------------------------------------------------------------------


class _TextFound(Exception):
    """Columns that should hold numbers hold text."""

    def __init__(self, texts):
        super().__init__()
        self.texts = texts


class _Text:
    """What is in a column that does not hold numbers alone."""

    def __init__(self, kind="text"):
        self.kind, self.n_numbers, self.texts = kind, 0, Counter()
        self.n_missing = 0 if kind == "text" else np.nan

    @property
    def holds(self):
        return "numbers and text" if self.n_numbers else self.kind

    def shown(self, how_many):
        """The texts that are most frequent, or the type of the column."""
        return first_few([f"{text!r}, {count:,} row(s)" for text, count in self.texts.most_common()], how_many) or self.kind

    def add(self, column, nulls):
        known = column.filter(pc.invert(_is_missing(column, nulls)))
        self.n_missing += len(column) - len(known)
        try:
            self.n_numbers += len(pc.utf8_trim_whitespace(known).cast(pa.float64()))
        except pa.ArrowInvalid:
            for entry in known.cast(pa.binary()).value_counts():
                text, count = entry["values"].as_py().decode(errors="replace"), entry["counts"].as_py()
                if NUMBER.fullmatch(text):
                    self.n_numbers += count
                elif text in self.texts or len(self.texts) < 1000:  # enough to show, however long the file
                    self.texts[text] += count


class _File:
    """A CSV or Parquet file, opened for reading only and read in batches of rows: it is never in memory as a whole.

    `kinds` tells what each column holds: "numbers", "text" (in CSV perhaps numbers), or another type of Parquet.
    """

    def __init__(self, path, missing_values=()):
        self.path = _existing(path)
        self.name = self.path.name
        self.nulls = [*MISSING, *missing_values]
        self.is_csv = not self.name.lower().endswith(".parquet")
        try:
            kinds = self._kinds_in_csv() if self.is_csv else self._kinds_in_parquet()
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error
        self.columns = [name for name, _ in kinds]
        self.kinds = dict(kinds)
        repeated = [name for name, count in Counter(self.columns).items() if count > 1]
        if repeated:
            raise ValueError(f"{self.name} has several columns of the same name: {first_few(map(repr, repeated))}. Rename them.")

    def batches(self, labels=(), numbers=()):
        """All rows in order, a batch at a time: columns of labels as the file has them, columns of numbers as floats."""
        try:
            yield from self._batches(labels, numbers)
        except (pa.ArrowException, OSError) as error:
            texts = self._text_in(numbers) if isinstance(error, pa.ArrowInvalid) else {}
            if texts:
                raise _TextFound(texts) from None
            raise self._unreadable(error) from error

    def _batches(self, labels, numbers, check_utf8=True):
        if self.is_csv:
            types = dict.fromkeys(labels, pa.string()) | dict.fromkeys(numbers, pa.float64())
            read = pa.csv.ReadOptions(block_size=BLOCK)
            parse = pa.csv.ParseOptions(newlines_in_values=True)
            convert = pa.csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=self.nulls, check_utf8=check_utf8
            )
            with pa.csv.open_csv(self.path, read, parse, convert) as reader:
                yield from reader
        else:
            # Without these two, whole row groups (of a million rows, in files that pandas wrote) would be in memory.
            with pa.parquet.ParquetFile(self.path, pre_buffer=False, buffer_size=1 << 16) as file:
                for batch in file.iter_batches(BATCH, columns=[*labels, *numbers]):
                    columns = {name: _plain(batch.column(name)) for name in labels}
                    yield pa.record_batch(columns | {name: _as_floats(batch.column(name), self.nulls) for name in numbers})

    def _text_in(self, names):
        """What the columns hold that hold text, found by reading them once more, all as text."""
        found = {name: _Text() for name in names if self.kinds[name] == "text"}
        try:
            for batch in self._batches(list(found), (), check_utf8=False) if found else ():
                for name, text in found.items():
                    text.add(batch.column(name), self.nulls)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error
        return {name: text for name, text in found.items() if text.texts}

    def _unreadable(self, error):
        reason = str(error).splitlines()[0][:200]
        return ValueError(
            f"{self.name} cannot be read: {reason}. Is it whole, and is it UTF-8 text if CSV? Fetch or export it again."
        )

    def _kinds_in_csv(self):
        with pa.input_stream(self.path, compression="gzip" if self.name.lower().endswith(".gz") else None) as stream:
            begin = stream.read(1 << 20)
        for magic, what in {
            b"PK": "a zip archive or an Excel workbook",
            b"\x1f\x8b": "packed by gzip",
            b"PAR1": "Parquet",
        }.items():
            if begin.startswith(magic):
                raise ValueError(f"{self.name} is {what}, not CSV. Unpack or export it, or give it the ending of what it is.")
        lines = [line for line in begin.splitlines() if line.strip()]
        if len(lines) < 2:
            raise ValueError(f"{self.name} {'has a header and no rows' if lines else 'is empty'}.")
        try:
            header = lines[0].decode("utf-8-sig")
            names = next(csv.reader([header]))
        except (UnicodeDecodeError, csv.Error):
            names = []
        if not names or b"\0" in begin:
            raise ValueError(f"{self.name} is not UTF-8 text, as a CSV file must be. Export it again, as CSV in UTF-8.")
        if len(names) == 1 and re.search(r"[;\t|]", header):
            raise ValueError(f"{self.name} is not separated by commas: its header is {header[:60]!r}. Export it with commas.")
        return [(name, "text") for name in names]

    def _kinds_in_parquet(self):
        if not self.path.stat().st_size:
            raise ValueError(f"{self.name} is empty.")
        with pa.parquet.ParquetFile(self.path) as file:
            if not file.metadata.num_rows:
                raise ValueError(f"{self.name} has columns and no rows.")
            return [(field.name, _kind(field.type)) for field in file.schema_arrow]


def _existing(path):
    """The path, if there is a file of a kind that can be read."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be the path of a file; {path!r} was given.")
    path = Path(path).expanduser()
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Pass the path of one file in it.")
    if not path.exists():
        others = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        nearest = difflib.get_close_matches(path.name, others, n=1)
        raise FileNotFoundError(f"There is no file {path}." + (f" Perhaps {nearest[0]!r} is meant." if nearest else ""))
    if not path.name.lower().endswith(KINDS_OF_FILE):
        advice = OTHER_KINDS_OF_FILE.get(path.suffix.lower(), "Convert it first.")
        raise ValueError(f"{path.name} must be one of {', '.join(KINDS_OF_FILE)}. {advice}")
    return path


def _kind(dtype):
    """What a column of Parquet holds: "numbers", "text", or the name of its type."""
    if pa.types.is_dictionary(dtype):
        dtype = dtype.value_type
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_null)
    if any(is_number(dtype) for is_number in numbers):
        return "numbers"
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary, pa.types.is_large_binary)
    return "text" if any(is_text(dtype) for is_text in texts) else str(dtype)


def _plain(column):
    """The column without the ways in which Parquet keeps text, of which there are many."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.binary()).view(pa.string()) if _kind(column.type) == "text" else column


def _as_floats(column, nulls):
    column = _plain(column)
    if pa.types.is_string(column.type):
        column = pc.utf8_trim_whitespace(pc.if_else(_is_missing(column, nulls), pa.scalar(None, pa.string()), column))
    return column.cast(pa.float64(), safe=False)  # unsafe: whole numbers beyond 2^53 are rounded


def _is_missing(column, nulls):
    return pc.is_in(column, value_set=pa.array([*nulls, None], pa.string()))


# --- What the numbers look like ------------------------------------------------------------------------------------------------


class _Statistics:
    """What the batches tell of each column: where it is known, its extremes at each date, how it moves with two returns.

    The two returns of a value are that of its own row and that of the next date: neither is known when the value should be.
    """

    def __init__(self, n_columns, n_dates):
        self.known = np.zeros((n_columns, n_dates), dtype=np.int64)
        self.least = np.full((n_columns, n_dates), np.inf)
        self.most = np.full((n_columns, n_dates), -np.inf)
        self.sums = np.zeros((2, n_columns, 7))

    def add(self, values, dates, *returns):
        """Adds values (n_columns, n_rows) at the dates, positions (n_rows,), with their two returns (n_rows,)."""
        if not len(dates):
            return
        known = ~np.isnan(values)
        x = np.where(known, values, 0.0)
        for sums, r in zip(self.sums, returns, strict=True):
            has = ~np.isnan(r)
            r = np.where(has, r, 0.0)
            weights = np.column_stack([has, r, r**2]).astype(float)
            sums[:, :3] += known @ weights  # how many, Σ r, Σ r²
            sums[:, 3:5] += x @ weights[:, :2]  # Σ x, Σ x r
            sums[:, 5] += np.square(x) @ weights[:, 0]  # Σ x²
            sums[:, 6] += ((x == r) & known) @ weights[:, 0]  # how many are equal
        if (np.diff(dates) < 0).any():
            order = np.argsort(dates, kind="stable")
            values, known, dates = values[:, order], known[:, order], dates[order]
        begin = np.flatnonzero(np.diff(dates, prepend=-1))
        at = dates[begin]
        self.known[:, at] += np.add.reduceat(known, begin, axis=1, dtype=np.int64)
        self.least[:, at] = np.fmin(self.least[:, at], np.fmin.reduceat(values, begin, axis=1))
        self.most[:, at] = np.fmax(self.most[:, at], np.fmax.reduceat(values, begin, axis=1))

    def constant(self):
        """Whether each column is the same number wherever it is known."""
        return (self.known.sum(axis=1) > 1) & (self.least.min(axis=1) == self.most.max(axis=1))

    def correlations(self):
        """(2, n_columns): the correlation with either return, 1 where all are equal to it, NaN where there are too few to tell."""
        n, r, rr, x, xr, xx, equal = np.moveaxis(self.sums, 2, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            var_r, var_x = rr - r**2 / n, xx - x**2 / n
            varies = (var_r > 1e-9 * rr) & (var_x > 1e-9 * xx)
            correlations = np.where(varies & (n >= 30), (xr - x * r / n) / np.sqrt(var_x * var_r), np.nan)
        return np.where(varies & (n >= 3) & (equal == n), 1.0, correlations)


def _notes_on_returns(returns, dates, tickers, frequency):
    """Sentences on returns that look like percent."""
    known = returns[~np.isnan(returns)]
    if not known.size:
        return []
    signs, typical, below = [], np.median(np.abs(known)), np.argwhere(returns < -1)
    if typical > 0.3 and frequency not in ("quarterly", "annual"):
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


def _notes_on_characteristics(statistics, names, dates):
    """Sentences on characteristics that look like a return, never change, or are known for nobody."""
    notes = []
    own, following = statistics.correlations()
    for name, correlation in zip(names, own, strict=True):
        if abs(correlation) > 0.99:
            notes.append(
                f"Characteristic {name!r} looks like the return itself (correlation {correlation:.3f} with that of its own row): "
                "not known before it. Pass lag=1, or exclude it."
            )
    for name, correlation in zip(names, following, strict=True):
        if abs(correlation) > 0.99:
            notes.append(
                f"Characteristic {name!r} looks like the return of the next date (correlation {correlation:.3f}): "
                "it holds the future. Exclude it."
            )
    constant = [repr(name) for name, same in zip(names, statistics.constant(), strict=True) if same]
    if constant:
        notes.append(f"{len(constant)} characteristic(s) are one number everywhere: {first_few(constant)}. Exclude them.")
    nobody = statistics.known == 0
    if nobody.any():
        worst = [
            f"{name!r} at {at.sum()} date(s), the last {dates[np.flatnonzero(at)[-1]].date()}"
            for name, at in zip(names, nobody, strict=True)
            if at.any()
        ]
        notes.append(
            f"{len(worst)} characteristic(s) are known for nobody at some of the {len(dates)} dates: {first_few(worst)}. "
            "Begin later (start=...), exclude them, or fill them."
        )
    return notes


def _notes_on_text(texts):
    """A sentence on the columns that are left out because they hold no number."""
    shown = [f"{name!r} ({text.shown(1)})" for name, text in texts.items() if not text.n_numbers]
    if not shown:
        return []
    return [
        f"{len(shown)} column(s) hold no numbers and are left out: {first_few(shown)}. Name them in exclude if that is meant."
    ]


def _refusal_of_text(file, texts):
    """The sentence on columns that should hold numbers alone."""
    shown = [
        f"column {name!r} holds {'text beside numbers' if text.n_numbers else 'no numbers'}: {text.shown(3)}"
        for name, text in texts.items()
    ]
    words = sorted({word for text in texts.values() if text.n_numbers for word in text.texts})
    if 0 < len(words) <= 8:
        remedy = f"If that means a missing number, pass missing_values={tuple(words)!r}; otherwise correct or exclude the column."
    else:
        remedy = "Correct the column, or exclude it."
    return f"In {file.name}, {'; '.join(shown[:3])}. {remedy}"
