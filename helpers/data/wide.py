"""Wide tables, a column for each ticker: Ken French's files, and prices as yfinance gives them."""

import gzip
import os
import re
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from helpers.checks import first_few
from helpers.data.dates import BY_MONTH, LATE, Day, frequency_of_dates, span, window
from helpers.data.file import File, Source, existing
from helpers.data.frames import is_frame
from helpers.data.layout import Layout
from helpers.data.layouts import LAYOUTS, recognised
from helpers.data.prices import note_on_gross_returns, weekends_of_some
from helpers.data.returns import notes_on_returns
from helpers.labels import as_dates
from helpers.panel import Panel

FRENCH_MISSING = (-99.99, -999.0)
FRENCH_DATES = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d"}
NO_RETURNS = re.compile("number of firms|firm size|market cap|average of|sum of|be/me|breakpoint", re.IGNORECASE)
SMALLEST_PERCENT = 0.05  # of returns in percent, the largest column's median size is above this
PRICES = ("Adj Close", "Close")  # adjusted first, where both are there
DEFAULTS = {"date", "ticker"}
BROKEN = (OSError, EOFError, zlib.error)  # what a packed file raises that is not whole


class Table(NamedTuple):
    """One of the tables in a file of Ken French."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def guessed(source: Source) -> tuple[Layout | None, str]:
    """The layout that a file or a frame looks like, and why; None where it looks like none, or needs none."""
    wide, why = guessed_wide(source)
    if wide:
        return wide, why
    columns = File(source).columns
    found = None if DEFAULTS <= set(columns) else recognised(columns)
    return found or (None, "")


def guessed_wide(source: Source) -> tuple[Layout | None, str]:
    """The layout of a wide table that a file or a frame looks like, and why; None where it looks like none."""
    if not is_frame(source) and isinstance(source, str | os.PathLike) and Path(source).expanduser().is_file():
        begin = _first_lines(Path(source).expanduser())
        if re.match(r"(Price|Ticker),", begin) and re.search(r"^(Ticker|Price),", begin.partition("\n")[2]):
            return LAYOUTS["yfinance"], "its header has the two lines Price and Ticker"
        if _tables(begin):
            return LAYOUTS["french"], "its tables begin with a comma and dates, as in Ken French's files"
    if isinstance(source, pd.DataFrame) and source.columns.nlevels == 2 and _level_of_kinds(source) is not None:
        return LAYOUTS["yfinance"], "its columns have two levels, one of which holds 'Close'"
    if isinstance(source, str | os.PathLike) and str(source).lower().endswith(".parquet"):
        columns = File(source).columns
        if any(column.startswith("('Close', ") or column.endswith(", 'Close')") for column in columns):
            return LAYOUTS["yfinance"], "its columns have two levels, one of which holds 'Close'"
    return None, ""


def read_wide(
    source: Source, layout: Layout, percent: bool, start: Day | None, end: Day | None, dtype: Any
) -> tuple[Panel, list[str]]:
    """The panel in a wide table, and what is to be warned of.

    Parameters
    ----------
    source : str, path or frame
    layout : Layout
        "french" or "yfinance".
    percent, start, end, dtype
        As in `read_panel`.
    """
    if layout.name == "french":
        returns, notes = _french(source, layout, percent)
    else:
        if percent:
            raise ValueError("percent was given, but layout='yfinance' holds prices: their returns are fractions.")
        returns, notes = _of_prices(source)
    frequency = frequency_of_dates(returns.index)
    if frequency in BY_MONTH:
        returns.index += pd.offsets.MonthEnd(0)
    kept = returns.iloc[window(returns.index, start, end, months=frequency in BY_MONTH)]
    if not len(kept):
        raise ValueError(f"No date is left from start={start!r} to end={end!r}: dates are {span(returns.index)}.")
    notes += notes_on_returns(kept.to_numpy(), kept.index, kept.columns, frequency)
    return Panel(returns=kept.astype(dtype)), notes


def _first_lines(path):
    """The beginning of a text file, packed or not; nothing of a binary or broken one."""
    try:
        with _opened(path) as file:
            begin = file.read(1 << 14)
    except BROKEN:
        return ""
    return "" if b"\0" in begin else _as_text(begin).rpartition("\n")[0] + "\n"


def _opened(path):
    return gzip.open(path) if path.name.lower().endswith(".csv.gz") else open(path, "rb")


def _as_text(content):
    """Text in UTF-8, or in Latin-1, as the copyright sign of some files asks."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _tables(text):
    """The tables in a text: a header that begins with a comma, and below it rows that begin with a date."""
    lines, tables, title, i = text.splitlines(), [], "", 0
    while i < len(lines):
        line = lines[i]
        if line.lstrip().startswith(",") and i + 1 < len(lines) and _begins_with_date(lines[i + 1]):
            rows = []
            for row in lines[i + 1 :]:
                if not _begins_with_date(row):
                    break
                rows.append([cell.strip() for cell in row.split(",")])
            columns = [cell.strip() for cell in line.split(",")[1:]]
            tables.append(Table(title.strip() or "the first, without a title", columns, rows))
            i, title = i + len(rows), ""
        else:
            title = line  # it stands right above its table
        i += 1
    return tables


def _n_rows(text):
    return sum(map(_begins_with_date, text.splitlines()))


def _begins_with_date(line):
    return bool(re.match(r"\s*(1[89]|20)\d\d((0[1-9]|1[0-2])(\d\d)?)?\s*,", line))


def _french(source, layout, percent):
    """The returns in a file of Ken French, as a frame of dates x columns in fractions."""
    if not isinstance(source, str | os.PathLike):
        raise TypeError("layout='french' reads a CSV file as it comes; pass its path, not a frame.")
    path = existing(source)
    try:
        with _opened(path) as file:
            text = _as_text(file.read())
    except BROKEN as error:
        raise ValueError(f"{path.name} cannot be read: {error}. Fetch it again.") from None
    tables = _tables(text)
    if not tables:
        raise ValueError(
            f"{path.name} holds no table as Ken French's files do: a header that begins with a comma, and rows that "
            "begin with 192607, 19260701 or 1926."
        )
    apart = _n_rows(text) - sum(len(table.rows) for table in tables)
    if apart:
        raise ValueError(
            f"{path.name} has {apart} row(s) of numbers apart from every header, behind an empty line perhaps. "
            "Fetch it again."
        )
    titles = [table.title for table in tables]
    fitting = [table for table in tables if (layout.table or "").lower() in table.title.lower()]
    if not fitting:
        raise ValueError(f"{path.name} has no table {layout.table!r}; it has {first_few(map(repr, titles), 8)}.")
    table = fitting[0]
    if NO_RETURNS.search(table.title):
        raise ValueError(f"The table {table.title!r} of {path.name} holds no returns; it has {first_few(titles, 8)}.")
    values = _numbers(path, table)
    notes = []
    if len(tables) > 1 and not layout.table:
        notes.append(
            f"{path.name} holds {len(tables)} tables: {first_few(map(repr, titles), 8)}. Read was {table.title!r}; for "
            "another pass layout=dataclasses.replace(helpers.LAYOUTS['french'], table='words of its title')."
        )
    if percent:
        size = np.nanmax(values.abs().median()) if values.notna().any(axis=None) else np.nan
        if size < SMALLEST_PERCENT:
            notes.append(
                f"The numbers of {path.name} look like fractions already: the largest median size of a column is "
                f"{size:.2g} percent. If so, pass percent=False."
            )
        values = values / 100
    return values, notes


def _numbers(path, table):
    """The numbers of a table, NaN where a code stands, by date."""
    wrong = [row[0] for row in table.rows if len(row) != len(table.columns) + 1]
    if wrong:
        raise ValueError(
            f"In {path.name}, the row(s) {first_few(wrong)} do not have the {len(table.columns)} entries of the "
            "header: the file is cut off, or columns were added. Fetch it again."
        )
    if not all(table.columns) or len(set(table.columns)) < len(table.columns):
        raise ValueError(f"The columns of {path.name} are unnamed or repeated: {first_few(table.columns, 8)}.")
    lengths = {len(row[0]) for row in table.rows}
    if len(lengths) > 1:
        raise ValueError(f"One table of {path.name} has dates of {first_few(sorted(lengths))} digits. Correct them.")
    (length,) = lengths
    try:
        values = np.array([[float(cell) if cell else np.nan for cell in row[1:]] for row in table.rows])
    except ValueError as error:
        raise ValueError(f"{path.name} holds text among its numbers: {error}. Correct it, or fetch it again.") from None
    values[np.isclose(values[..., None], FRENCH_MISSING).any(axis=-1)] = np.nan
    dates = pd.to_datetime([row[0] for row in table.rows], format=FRENCH_DATES[length]).as_unit("us")
    dates += {4: pd.offsets.YearEnd(0), 6: pd.offsets.MonthEnd(0), 8: pd.Timedelta(0)}[length]
    return _ascending(pd.DataFrame(values, dates, table.columns), path.name)


def _ascending(table, name):
    twice = table.index[table.index.duplicated()]
    if len(twice):
        raise ValueError(f"{name} repeats the date(s) {first_few(day.date() for day in twice)}. Keep one row for each.")
    return table.sort_index()


def _of_prices(source):
    """Daily returns of adjusted closing prices, dates x tickers, and what is to be warned of."""
    prices, name, notes = _prices(source)
    empty = prices.columns[prices.isna().all()]
    if len(empty):
        notes.append(f"{len(empty)} ticker(s) have no price and are left out: {first_few(empty)}. Were they found?")
        prices = prices.drop(columns=empty)
    if prices.empty:
        raise ValueError(f"{name} holds no price.")
    bad = np.argwhere(((prices <= 0) | np.isinf(prices)).to_numpy())
    if len(bad):
        d, s = bad[0]
        raise ValueError(
            f"{name} holds {len(bad)} price(s) that are 0, below, or infinite, such as {prices.iat[d, s]:g} of "
            f"{prices.columns[s]} at {prices.index[d].date()}. CRSP writes minus the mean of bid and ask where nothing "
            "was traded: then take the absolute value, and NaN for 0."
        )
    weekend, said = weekends_of_some(prices)
    notes += filter(None, (said, note_on_gross_returns(prices)))
    prices = prices[~weekend].dropna(how="all")
    if len(prices) < 2:
        raise ValueError(f"{name} holds {len(prices)} day(s) of prices; a return needs two.")
    holes = prices.isna() & prices.ffill().notna() & prices.bfill().notna()
    if holes.any(axis=None):
        d, s = np.argwhere(holes.to_numpy())[0]
        notes.append(
            f"{int(holes.sum(axis=None))} price(s) are missing between others, such as that of {prices.columns[s]} at "
            f"{prices.index[d].date()}: the returns of that day and of the next one are missing, too. If the tickers "
            "have different holidays, keep the days on which all have prices."
        )
    stopped = prices.columns[prices.iloc[-2].notna() & prices.iloc[-1].isna()]
    if len(stopped):
        notes.append(
            f"On the last day, {prices.index[-1].date()}, {first_few(stopped)} have no price: perhaps it is "
            "unfinished. Then leave it out with end=."
        )
    return (prices / prices.shift(1) - 1).iloc[1:], notes


def _prices(source):
    """The adjusted closing prices, days x tickers, the name for messages, and what is to be warned of."""
    table, name = _as_frame(source)
    if table.columns.nlevels == 2:
        level = _level_of_kinds(table)
        if level is None:
            raise ValueError(f"{name} has two levels of columns and 'Close' in neither: {first_few(table.columns, 4)}.")
        kind = next(kind for kind in PRICES if kind in table.columns.get_level_values(level))
        table = table.xs(kind, axis=1, level=level)
    elif table.columns.nlevels > 2 or {"Open", "Close"} <= set(table.columns):
        raise ValueError(
            f"{name} does not say which ticker its columns belong to: {first_few(table.columns, 6)}. Download it with "
            "multi_level_index=True, or pass the closing prices with a column for each ticker."
        )
    repeated = table.columns[table.columns.duplicated()]
    if len(repeated):
        raise ValueError(f"{name} repeats the ticker(s) {first_few(repeated)}. Keep one column of each.")
    text = [column for column in table if not pd.api.types.is_numeric_dtype(table[column])]
    other = recognised([str(name) for name in (table.index.name, *table.columns)])
    if other:
        raise ValueError(f"{name} has no column for each ticker. It looks like layout={other[0].name!r}: {other[1]}.")
    if text:
        raise TypeError(f"{name} holds no numbers in the column(s) {first_few(map(repr, text))}. Correct or drop them.")
    table, notes = _by_day(table, name)
    return _ascending(table, name).astype(float), name, notes


def _level_of_kinds(table):
    """Which of two levels of columns says what kind of price it is."""
    return next((i for i in (0, 1) if set(PRICES) & set(table.columns.get_level_values(i))), None)


def _by_day(table, name):
    """The table with days for its index, those that the clocks of its time zone show, and a note on one left out."""
    index = table.index
    if index.inferred_type == "datetime":
        index = as_dates(f"The dates of {name}", index)
    in_utc = str(getattr(index, "tz", "")) in ("UTC", "UTC+00:00")
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if pd.api.types.is_string_dtype(index) and index.str.match(r"\d{4}-\d\d-\d\d").all():
        in_utc = index.str.contains(r"(?:Z|[+-]00:?00)$").any()
        index = pd.DatetimeIndex(index.str[:19])
    if not isinstance(index, pd.DatetimeIndex):
        raise TypeError(f"The rows of {name} must be dated by timestamps or 2020-01-31; {index[0]!r} was found.")
    index = index.tz_localize(None)
    if index.hasnans:
        raise ValueError(f"{name} has row(s) without a date. Drop them first.")
    if in_utc and (index.hour >= LATE).any():
        raise ValueError(
            f"The rows of {name} are times in UTC, such as {index[index.hour >= LATE][0]}: a midnight east of "
            "Greenwich is the day before in UTC. Convert the index to the exchange's time zone first, such as "
            "tz_convert('Asia/Tokyo')."
        )
    days = index.normalize().as_unit("us")
    timed, newest = index != days, index == index.max()
    notes = []
    if len(index) > 1 and (timed == newest).all():
        notes.append(f"The last row, of {index.max()}, has a time of day: it is of an unfinished day, and left out.")
        table, index, days = table[~newest], index[~newest], days[~newest]
    if index.is_unique and not days.is_unique:
        raise ValueError(
            f"{name} holds several prices a day, as of {index[0]} and {index[1]}. Bring one of each day: "
            "yfinance.download(..., interval='1d')."
        )
    return table.set_axis(days.rename(None), axis=0), notes


def _as_frame(source):
    """The table as pandas keeps it, and its name."""
    if isinstance(source, pd.DataFrame):
        return source, "frame"
    if is_frame(source):
        table = pa.table(source).to_pandas()
        return table.set_index(table.columns[0]), "frame"
    path = existing(source)
    if path.name.lower().endswith(".parquet"):
        table = pd.read_parquet(path)
        return table if isinstance(table.index, pd.DatetimeIndex) else table.set_index(table.columns[0]), path.name
    lines = _first_lines(path).split("\n")
    levels = [0, 1] if re.match(r"(Price|Ticker),", lines[0]) and re.match(r"(Price|Ticker),", lines[1]) else 0
    try:
        return pd.read_csv(path, header=levels, index_col=0), path.name
    except (ValueError, *BROKEN) as error:
        other, why = guessed_wide(path)
        looks = f" It looks like layout={other.name!r}: {why}." if other else ""
        raise ValueError(f"{path.name} cannot be read as a table of prices: {str(error).rstrip('.')}.{looks}") from None
