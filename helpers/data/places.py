"""Where the characteristics of each row of a file go: into one array, or, of a large sparse panel, row after row."""

import numpy as np

from helpers.compact import CompactArray, is_large
from helpers.data.rows import Rows


class Places:
    """The characteristics of a panel while they are read.

    Parameters
    ----------
    rows : Rows
    n_dates : int
        Of the panel: rows of later dates have no place.
    n_columns : int
    dtype : str
    """

    def __init__(self, rows: Rows, n_dates: int, n_columns: int, dtype: str) -> None:
        used = np.flatnonzero(rows.used & (rows.date_codes < n_dates))
        shape = (n_dates, len(rows.tickers), n_columns)
        self.grid = self.values = None
        if not is_large(len(used), shape, np.dtype(dtype).itemsize):
            self.grid = np.full(shape, np.nan, dtype)
            return
        cells = rows.date_codes[used].astype(np.int64) * shape[1] + rows.ticker_codes[used]
        order = used[np.argsort(cells, kind="stable")]  # by date, and by ticker within it
        self.at = np.full(len(rows.date_codes), -1, np.int32)  # of each row of the file
        self.at[order] = np.arange(len(order))
        self.columns, self.n_tickers = rows.ticker_codes[order].astype(np.int32), shape[1]
        self.starts = np.concatenate([[0], np.bincount(rows.date_codes[used], minlength=n_dates).cumsum()])
        self.values = np.full((len(order), n_columns), np.nan, dtype)

    def put(self, columns: slice, values: np.ndarray, file_rows: np.ndarray, dates: np.ndarray, tickers: np.ndarray):
        """Puts the values (n_columns, n_rows) of some rows of the file to their places."""
        if self.grid is not None:
            self.grid[dates, tickers, columns] = values.T
        else:
            self.values[self.at[file_rows], columns] = values.T

    def filled(self) -> np.ndarray | CompactArray:
        """All that was put."""
        if self.grid is not None:
            return self.grid
        return CompactArray(self.values, self.columns, self.starts, self.n_tickers)
