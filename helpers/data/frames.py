"""Frames of pandas, polars or pyarrow in the place of a file: as Arrow tables, sharing memory where they can."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from helpers.checks import described_kind, first_few

# What wide tables hold: dates in the index, and a column for each ticker.
WIDE = (
    "frame has dates in its index and a column for each ticker. For returns call Panel(returns=frame); for daily "
    "prices characteristics_from_prices(frame), or pass layout='yfinance'."
)

pa.array(pd.period_range("2000-01", periods=1, freq="M"))  # from now on, Arrow knows the periods of pandas in files


def is_frame(source: Any) -> bool:
    """Whether it is a frame, and not the path of a file."""
    return hasattr(source, "__arrow_c_stream__") or isinstance(source, pd.DataFrame)


def looks_wide(frame: Any) -> bool:
    """Whether it has a row for each date, as a wide table has; a long one of a single ticker has so, too."""
    dated = isinstance(frame, pd.DataFrame) and isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex)
    return dated and frame.index.is_unique and len(frame) > 1


def as_table(frame: Any) -> pa.Table:
    """A long frame as an Arrow table: a row for each date and ticker, labels that stand in a named index included."""
    if isinstance(frame, pd.DataFrame):
        frame = _with_labels_as_columns(frame)
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except (pa.ArrowException, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise TypeError(f"frame holds values of several kinds in one column: {reason}. {_remedy(frame)}") from None
    else:
        table = _of_other_kinds(frame)
    if not table.num_rows:
        raise ValueError(f"frame has {table.num_columns} columns and no rows.")
    return table


def _remedy(frame):
    """What to do about the first column that Arrow cannot take."""
    for name in frame.columns:
        try:
            pa.array(frame[name], from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError):
            return f"Convert it: frame[{name!r}].astype('str'), or pandas.to_numeric(…, errors='coerce')."
    return "Convert it."


def _of_other_kinds(frame):
    try:
        return pa.table(frame)
    except pa.ArrowInvalid:  # a series is a stream, too
        kind = described_kind(frame)
        raise TypeError(f"path must be the path of a file, or a frame of pandas or polars; {kind} was given.") from None


def _with_labels_as_columns(frame):
    """The frame with the labels of its index as columns, refused where its columns cannot be told apart."""
    if frame.columns.nlevels > 1:
        raise ValueError(
            f"frame has {frame.columns.nlevels} levels of columns. Daily prices as yfinance gives them are read with "
            "layout='yfinance'; otherwise flatten them first: frame.columns = ['_'.join(c) for c in frame.columns]."
        )
    twice = frame.columns[frame.columns.duplicated()].unique()
    if len(twice):
        raise ValueError(f"frame has several columns of the same name: {first_few(map(repr, twice))}. Rename them.")
    wrong = [name for name in frame.columns if not isinstance(name, str)]
    if wrong and looks_wide(frame):
        raise ValueError(WIDE)
    if wrong:
        raise TypeError(f"The columns of frame must be named by text; {first_few(map(repr, wrong))} was given. Rename.")
    named = [name for name in frame.index.names if name is not None]
    if isinstance(frame.index, pd.MultiIndex) and len(named) < frame.index.nlevels:
        raise ValueError("The levels of frame's index need names: frame.index.names = ['date', 'ticker'].")
    twice = [name for name in named if name in frame.columns]
    if twice:
        raise ValueError(f"frame has {twice[0]!r} both in its index and among its columns. Drop one.")
    return frame.reset_index() if named else frame


def is_period(dtype: pa.DataType) -> bool:
    """Whether a column holds the periods of pandas, such as months."""
    return getattr(dtype, "extension_name", "") == "pandas.period"


def last_days(column: pa.Array) -> pa.Array:
    """The last day of each period."""
    periods = pd.arrays.PeriodArray(
        np.asarray(column.storage.fill_null(pd.NaT._value)), dtype=pd.PeriodDtype(column.type.freq)
    )
    return pa.array(pd.Series(periods.to_timestamp(how="end")).dt.normalize(), pa.timestamp("us"))
