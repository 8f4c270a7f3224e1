"""A researcher's own file: read as a Panel, or described before it is read."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pandas as pd

from helpers.checks import as_choice, as_flag
from helpers.data.columns import Columns
from helpers.data.contents import Precision, read_contents
from helpers.data.dates import Day
from helpers.data.file import AnyPath
from helpers.data.schema import Schema, described
from helpers.panel import Panel


def read_panel(
    path: AnyPath,
    date: str = "date",
    ticker: str = "ticker",
    returns: str = "returns",
    characteristics: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    returns_path: AnyPath | None = None,
    date_format: str | None = None,
    lag: int = 0,
    start: Day | None = None,
    end: Day | None = None,
    percent: bool = False,
    missing_values: Iterable[str] = (),
    dtype: Precision = "float32",
) -> Panel:
    """The panel that a CSV or Parquet file describes: a row for each (date, ticker), in any order, with gaps allowed.

    The file is read twice in small batches, first its dates, tickers and returns, then its characteristics, which go
    straight to their places in the panel. Memory: the panel's own, and little more. The file is never altered.

    Parameters
    ----------
    path : str or path
        A file that ends in .csv, .csv.gz or .parquet. Numbers in CSV have a decimal point, and columns are separated by
        commas.
    date, ticker, returns : str
        The names of three columns. Dates: timestamps, 2020-01-31, 20200131, 202001 or 2020-01; their time of day is
        dropped, and dates of monthly, quarterly and annual data become the last day of their month. Tickers: text, or
        whole numbers; in CSV, whole numbers are read as such unless some begin with a zero. Returns: fractions per
        period.
    characteristics : iterable of str, optional
        The columns of characteristics, in the order wanted. Left out: every other column of numbers; columns that hold
        text only are left out, with a warning.
    exclude : iterable of str
        Columns that are not read.
    returns_path : str or path, optional
        A second file that holds the returns, under the same names of date and ticker (capitals may differ). They are
        joined to the first file by ticker and date, or month if the data are monthly. The dates and tickers of the
        panel are those of the first file; a return that has no row there is kept if its ticker and its date are among
        them, and dropped otherwise.
    date_format : str, optional
        How dates are written (in both files) if otherwise than above, such as "%d/%m/%Y"; see `datetime.strptime`.
    lag : int
        By how many of the file's dates the characteristics are moved forward, if those in the row of a return were not
        known before it was earned. The first `lag` dates, at which nothing is known then, are dropped.
    start, end : str or date, optional
        The first and the last date of the panel, such as "1987" or "1987-01-31". In monthly and rarer data, months
        count.
    percent : bool
        Whether the returns are in percent, and are to be divided by 100.
    missing_values : iterable of str
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
        If the file can't be read, a column is missing, a date is not understood, dates are of mixed frequency, a (date,
        ticker) repeats, a column holds text beside numbers, a value is infinite, or no date is left.

    Warns
    -----
    UserWarning
        If returns look like percent, a characteristic looks like the return of its own row or of the next date, never
        changes, or is known for nobody at some dates, a column of text is left out, or most rows find no return in the
        second file.

    Examples
    --------
    Files like the published one of Gu, Kelly and Xiu and the returns bought from CRSP, made up here:

    >>> import tempfile
    >>> from helpers.data import PUBLISHED_LAYOUT, read_panel, write_published_layout
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     datashare, crsp = write_published_layout(folder, n_tickers=50, n_dates=24, n_characteristics=3)
    ...     panel = read_panel(datashare, **PUBLISHED_LAYOUT, returns_path=crsp, returns="RET")
    >>> panel.n_dates, list(panel.characteristic_names), panel.returns.dtype
    (24, ['mom12m', 'mom1m', 'mvel1'], dtype('float32'))
    """
    as_flag("percent", percent)
    as_choice("dtype", dtype, ("float32", "float64"))
    columns = Columns(date, ticker, returns, characteristics, exclude, date_format, missing_values)
    contents = read_contents(path, columns, returns_path, percent, _refuse, lag, start, end, dtype)
    for sentence in contents.notes:
        warnings.warn(sentence, UserWarning, stacklevel=2)
    return Panel._of(
        returns=contents.returns.astype(dtype),
        characteristics=contents.grid,
        dates=contents.dates,
        tickers=contents.rows.tickers,
        characteristic_names=pd.Index(contents.names, dtype="str"),
    )


def read_schema(
    path: AnyPath,
    date: str = "date",
    ticker: str = "ticker",
    returns: str = "returns",
    characteristics: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    returns_path: AnyPath | None = None,
    date_format: str | None = None,
    percent: bool = False,
    missing_values: Iterable[str] = (),
) -> Schema:
    r"""What a CSV or Parquet file holds, and all that `read_panel` would refuse or warn of, in little memory.

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
    memory    8e-09 GB as a Panel of float32
    warnings  1
      1. In mine.csv, column 'size' holds text beside numbers: 'B', 1 row(s). If that means a
         missing number, pass missing_values=('B',); otherwise correct or exclude the column.
    """
    as_flag("percent", percent)
    columns = Columns(date, ticker, returns, characteristics, exclude, date_format, missing_values)
    faults: list[str] = []
    contents = read_contents(path, columns, returns_path, percent, faults.append)
    return described(Path(path).name, contents, faults)


def _refuse(sentence: str) -> NoReturn:
    raise ValueError(sentence)
