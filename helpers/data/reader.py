"""A researcher's own file: read as a Panel, or described before it is read."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pandas as pd

from helpers.checks import as_choice, as_flag
from helpers.data.beside import Wanted
from helpers.data.columns import Columns
from helpers.data.contents import Precision, read_contents
from helpers.data.dates import Day
from helpers.data.file import Source
from helpers.data.frames import is_frame
from helpers.data.layout import Layout
from helpers.data.layouts import as_layout
from helpers.data.schema import Schema, described, schema_of_wide
from helpers.data.wide import guessed, guessed_wide, read_wide
from helpers.panel import Panel


def read_panel(
    path: Source,
    date: str | None = None,
    ticker: str | None = None,
    returns: str | None = None,
    characteristics: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    returns_path: Source | None = None,
    date_format: str | None = None,
    lag: int = 0,
    start: Day | None = None,
    end: Day | None = None,
    percent: bool | None = None,
    missing_values: Iterable[str] = (),
    dtype: Precision = "float32",
    layout: str | Layout | None = None,
    returns_layout: str | Layout | None = None,
    select: Wanted | None = None,
    side: Iterable[str] = (),
    more_path: Source | None = None,
    more_layout: str | Layout | None = None,
) -> Panel:
    """The panel that a CSV or Parquet file describes: a row for each (date, ticker), in any order, with gaps allowed.

    The file is read twice in small batches, first its dates, tickers and returns, then its characteristics, which go
    straight to their places in the panel. Memory: the panel's own, and little more. The file is never altered.

    Parameters
    ----------
    path : str, path or frame
        A file that ends in .csv, .csv.gz or .parquet. Numbers in CSV have a decimal point, and columns are separated by
        commas. Or a long frame of pandas, polars or pyarrow.
    date, ticker, returns : str, optional
        The names of three columns; those of the layout, or "date", "ticker" and "returns", if left out. Dates:
        timestamps, 2020-01-31, 20200131, 202001 or 2020-01; their time of day is dropped, and dates of monthly,
        quarterly and annual data become the last day of their month. Tickers: text, or whole numbers; in CSV, whole
        numbers are read as such unless some begin with a zero. Returns: fractions per period.
    characteristics : iterable of str, optional
        The columns of characteristics, in the order wanted, those of `more_path` too. Left out: every other column of
        numbers; columns that hold text only are left out, with a warning, and so are identifiers such as permco, gvkey
        or year.
    exclude : iterable of str
        Columns that are not read, of the first file and of `more_path`.
    returns_path : str, path or frame, optional
        A second file that holds the returns, under the same names of date and ticker (capitals may differ), or under
        those of `returns_layout`. They are joined to the first file by ticker and date, or month if the data are
        monthly. The dates and tickers of the panel are those of the first file; a return that has no row there is kept
        if its ticker and its date are among them, and dropped otherwise.
    date_format : str, optional
        How dates are written (in all files) if otherwise than above, such as "%d/%m/%Y"; see `datetime.strptime`.
    lag : int
        By how many of the file's dates the characteristics are moved forward, if those in the row of a return were not
        known before it was earned. The first `lag` dates, at which nothing is known then, are dropped.
    start, end : str or date, optional
        The first and the last date of the panel, such as "1987" or "1987-01-31". In monthly and rarer data, months
        count.
    percent : bool, optional
        Whether the returns are in percent, and are to be divided by 100. Left out: as the layout says, else no.
    missing_values : iterable of str
        Texts that mean a missing number, beside the usual ones (empty, ``NA``, ``NaN``, ``null``, a dot, a dot with a
        letter, …). One that is a number, such as ``-99.99``, stands for it however it is written.
    dtype : {"float32", "float64"}
        Of returns and characteristics. float32 takes half the memory, and keeps 7 digits.
    layout : str or Layout, optional
        How a known file is laid out: one of `LAYOUTS`, by name. It says which column is what, what is in percent or a
        code for missing, which rows are kept, and when a characteristic is known; `table_of_layouts()` shows them. What
        is passed beside it goes before it.
    returns_layout : str or Layout, optional
        The same of the second file.
    select : dict, optional
        Which rows are read, before anything is ranked or sorted: what columns of any of the files must be, such as
        ``{"shrcd": (10, 11), "prc": ">= 5"}``. A column of the second file stands beside a return, and is known after
        it: what is asked of it is asked of the ticker's row of the date before (at its first date, of its own; beyond
        the end of the second file, of its last). So no return is left out for what it did to a price. What is asked of
        a column of `more_path` is asked of the row that joins.
    side : iterable of str
        Columns of any of the files that the panel carries as `side`, and no model reads: market values for weights,
        industries, exchanges. Those of the first file, and of `more_path`, are known when characteristics are; those of
        the second, which stand beside a return, one date later. They are no characteristics unless they are named
        there, too. A column of several files is taken from the first of them.
    more_path : str, path or frame, optional
        A further file of characteristics, such as your own, under the same names of date and ticker (capitals may
        differ), or under those of `more_layout`. Each row joins the row of the first file of the same ticker and date,
        or month if the data are monthly, as if its columns stood there: they are known when those of that row are, and
        `lag` moves both. So beside a file whose rows are dated by the return that they explain, as those of "gkx" are,
        a signal that is dated by the month at whose END it is known needs a `more_layout` that says so.
    more_layout : str or Layout, optional
        How the further file is laid out, and how many months after its date the return lies that a row explains
        (`months_ahead`), such as ``dataclasses.replace(LAYOUTS["gkx"], months_ahead=1)``. Left out: as the first file.

    Returns
    -------
    Panel
        Dates and tickers ascend. NaN where the file has no row or no value. Tickers without a return at any date are
        left out. A large panel in which most tickers are absent at most dates is compact: see `Panel`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If an argument, or a column, is of the wrong kind.
    ValueError
        If the file can't be read, a column is missing, a date is not understood, dates are of mixed frequency, a (date,
        ticker) repeats, a column holds text beside numbers or stands in two files of characteristics, a value is
        infinite, or no date is left.

    Warns
    -----
    UserWarning
        If returns look like percent, numbers like codes for missing ones, or prices lie below 0; if the characteristics
        look as if they were known later or earlier than declared, one of them never changes, or is known for nobody at
        some dates; if columns of text or identifiers are left out, or rows are, by a layout, by `select` or since their
        ticker has no return; or if more than one row in a hundred has no partner in the second or the further file, a
        row of the further one has none in the first, or tickers differ in their writing only.

    Examples
    --------
    Files like the published one of Gu, Kelly and Xiu and the returns bought from CRSP, made up here:

    >>> import tempfile
    >>> from helpers.data import read_panel, write_published_layout
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     datashare, crsp = write_published_layout(folder, n_tickers=50, n_dates=24, n_characteristics=3)
    ...     panel = read_panel(datashare, layout="gkx", returns_path=crsp, returns="RET")
    >>> panel.n_dates, list(panel.characteristic_names), panel.returns.dtype
    (24, ['mom12m', 'mom1m', 'mvel1'], dtype('float32'))
    """
    laid_out, theirs = as_layout("layout", layout), as_layout("returns_layout", returns_layout)
    percent = as_flag("percent", _percent(percent, laid_out, theirs, returns_path))
    as_choice("dtype", dtype, ("float32", "float64"))
    if theirs and returns_path is None:
        raise ValueError("returns_layout was given without returns_path, the second file that it is of.")
    _require_returns(theirs, returns)
    further = _as_further(more_layout, more_path)
    if laid_out and laid_out.wide:
        beside = (date, ticker, returns, characteristics, returns_path, date_format, select, tuple(side) or None)
        beside += (more_path,)
        _require_alone(laid_out, beside, exclude, lag, missing_values)
        panel, notes = read_wide(path, laid_out, percent, start, end, dtype)
    else:
        if date is ticker is None:
            _refuse_wide(path)
        names = (date, ticker, returns, characteristics, exclude, date_format, missing_values)
        columns = Columns(*names, laid_out, theirs, select, side, further)
        contents = read_contents(path, columns, returns_path, percent, _refuse, lag, start, end, dtype, more_path)
        notes = contents.notes
        panel = Panel._of(
            returns=contents.returns.astype(dtype),
            characteristics=contents.grid,
            dates=contents.dates,
            tickers=contents.tickers,
            characteristic_names=pd.Index(contents.names, dtype="str"),
            side={name: v if v.dtype == object else v.astype(dtype) for name, v in contents.side.items()},
        )
        if columns.asked and columns.asked != contents.names:  # some before those of the first file
            panel = panel.select_characteristics(columns.asked)
    for sentence in notes:
        warnings.warn(sentence, UserWarning, stacklevel=2)
    return panel


def read_schema(
    path: Source,
    date: str | None = None,
    ticker: str | None = None,
    returns: str | None = None,
    characteristics: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    returns_path: Source | None = None,
    date_format: str | None = None,
    percent: bool | None = None,
    missing_values: Iterable[str] = (),
    layout: str | Layout | None = None,
    returns_layout: str | Layout | None = None,
    more_path: Source | None = None,
    more_layout: str | Layout | None = None,
) -> Schema:
    r"""What a CSV or Parquet file holds, and all that `read_panel` would refuse or warn of, in little memory.

    Parameters
    ----------
    path, date, ticker, returns, characteristics, exclude, returns_path, date_format, percent, missing_values
        As in `read_panel`.
    more_path, more_layout
        As in `read_panel`.
    layout, returns_layout
        As in `read_panel`. If neither a layout nor date and ticker are named, the layout is guessed, and the schema
        says why.

    Returns
    -------
    Schema

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If the file can't be read, the column of dates or tickers is missing, or no row has a date and a ticker. All
        other faults are reported in `Schema.warnings`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from helpers.data import read_schema
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mine.csv"
    ...     written = path.write_text("date,ticker,returns,size\n2020-01-31,A,0.01,7\n2020-02-29,A,0.02,B\n")
    ...     read_schema(path)
    mine.csv: 2 rows, 0 of them repeated
    dates     2, 2020-01-31 to 2020-02-29, monthly
    tickers   1; at a date 1 at least, 1 in the median, 1 at most
    columns   1 of numbers and text
    layout    none is named or recognised: a row's characteristics are taken to
              be known before its return
    timing    no characteristic changes as fast as a return, so the data cannot
              tell when they are known
    memory    8e-09 GB as a Panel of float32
    warnings  1
      1. In mine.csv, column 'size' holds text beside numbers: 'B', 1 row(s). If
         that means a missing number, pass missing_values=('B',); otherwise
         correct or exclude the column.
    """
    laid_out, theirs = as_layout("layout", layout), as_layout("returns_layout", returns_layout)
    _require_returns(theirs, returns)
    why = ""
    if laid_out is None and date is ticker is None:
        laid_out, why = guessed(path)
    percent = as_flag("percent", _percent(percent, laid_out, theirs, returns_path))
    if laid_out and laid_out.wide:
        panel, notes = read_wide(path, laid_out, percent, None, None, "float64")
        return schema_of_wide(path, panel, laid_out, why, notes)
    named = (date, ticker, returns, characteristics, exclude, date_format, missing_values)
    columns = Columns(*named, laid_out, theirs, more_layout=_as_further(more_layout, more_path))
    faults: list[str] = []
    contents = read_contents(path, columns, returns_path, percent, faults.append, more_path=more_path)
    return described(path, contents, faults, why)


def _percent(percent, layout, returns_layout, returns_path):
    """Whether returns are in percent: what the user says, else what the layout of the file that holds them says."""
    if percent is not None:
        return percent
    of_returns = layout if returns_path is None else returns_layout
    return bool(of_returns and of_returns.percent)


def _as_further(more_layout, more_path):
    """The layout of the further file, refused without one, or where it is a wide table."""
    layout = as_layout("more_layout", more_layout)
    if layout and more_path is None:
        raise ValueError("more_layout was given without more_path, the further file that it is of.")
    if layout and layout.wide:
        raise ValueError(
            f"more_layout={layout.name!r} is a wide table, {layout.title}, and holds no characteristics. Bring a file "
            "with a row for each date and ticker."
        )
    return layout


def _require_alone(layout, beside, exclude, lag, missing_values):
    """Refuses arguments on columns that a wide table does not have."""
    if any(argument is not None for argument in beside) or tuple(exclude) or tuple(missing_values) or lag:
        raise ValueError(
            f"layout={layout.name!r} is a wide table, a column for each ticker: beside it only start, end, percent and "
            "dtype can be given."
        )


def _require_returns(returns_layout, returns):
    """Refuses a second file whose layout has no column of returns to join."""
    if returns_layout and (returns_layout.wide or not (returns_layout.returns or returns)):
        raise ValueError(
            f"returns_layout={returns_layout.name!r} has no column of returns that could be joined: "
            f"{returns_layout.title}. Bring a file with a row for each date and ticker, such as CRSP's."
        )


def _refuse_wide(path):
    """Refuses a wide table that is taken for a long one."""
    looks_like, why = guessed_wide(path)
    if looks_like:
        name = "frame" if is_frame(path) else Path(path).name
        raise ValueError(f"{name} looks like {looks_like.title}: {why}. Then pass layout={looks_like.name!r}.")


def _refuse(sentence: str) -> NoReturn:
    raise ValueError(sentence)
