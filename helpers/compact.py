"""Characteristics of which only the rows that exist are stored: of 30,000 tickers ever listed, 6,000 are there at once.

dense : n_dates · n_tickers · n_chars numbers        compact : (rows that exist) · n_chars
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

# A table that would take so many bytes as one array, and of whose rows no more than this share exist, is kept compact.
LARGE, SPARSE = 200_000_000, 0.7

# Larger than this, in bytes, it is never made one array: the machine would swap, or stop.
LARGEST = 4_000_000_000

BLOCK = 4_000_000  # numbers in one block of a compact panel


class CompactArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array (n_dates, n_tickers, n_chars), NaN wherever no row is stored.

    It has the shape of that array, and gives it, or a part of it, to whoever asks: ``np.asarray(compact)``,
    ``compact[d]``, ``compact[known]`` with one bool for each date and ticker. ``compact[a:b]`` copies nothing.

    Parameters
    ----------
    values : (n_rows, n_chars)
        The rows, date after date, and by ticker within a date.
    columns : (n_rows,)
        The position of each row's ticker.
    starts : (n_dates + 1,)
        Where the rows of each date begin, and where the last ends.
    n_tickers : int
    """

    ndim = 3

    def __init__(self, values: np.ndarray, columns: np.ndarray, starts: np.ndarray, n_tickers: int) -> None:
        self.values, self.columns, self.starts, self.n_tickers = values, columns, starts, n_tickers
        for array in (values, columns, starts):
            array.flags.writeable = False

    @classmethod
    def of(cls, array: np.ndarray) -> CompactArray:
        """The same characteristics, compact: a row for each date and ticker that has any of them."""
        there = ~np.isnan(array).all(axis=2)
        starts = np.concatenate([[0], there.sum(axis=1).cumsum()])
        return cls(array[there], np.nonzero(there)[1].astype(np.int32), starts, array.shape[1])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_dates, n_tickers, n_chars)."""
        return len(self.starts) - 1, self.n_tickers, self.values.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """Of the numbers."""
        return self.values.dtype

    @property
    def size(self) -> int:
        """How many numbers are stored."""
        return int(self.starts[-1] - self.starts[0]) * self.values.shape[1]

    @property
    def nbytes(self) -> int:
        """How many bytes are stored."""
        rows = self.starts[-1] - self.starts[0]
        return int(rows * (self.values.shape[1] * self.values.itemsize + self.columns.itemsize) + self.starts.nbytes)

    @property
    def rows(self) -> slice:
        """Which of the stored rows are those of these dates."""
        return slice(int(self.starts[0]), int(self.starts[-1]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __repr__(self) -> str:
        return f"CompactArray{self.shape}, of which {self.starts[-1] - self.starts[0]:,} rows are stored"

    def __getitem__(self, index: Any) -> Any:
        """Some dates, compact; or what an array would give, as an array.

        Parameters
        ----------
        index : slice, array or tuple
            A slice, positions or bools of dates give a CompactArray. One bool for each date and ticker gives rows,
            (n_chosen, n_chars). One date, or a tuple, gives what it gives of an array.
        """
        if isinstance(index, tuple):
            first, *others = index
            if first is Ellipsis or first is None:
                return np.asarray(self)[index]
            if isinstance(first, int | np.integer):
                return self[first][tuple(others)]
            if isinstance(first, np.ndarray | list) and any(isinstance(i, np.ndarray | list) for i in others):
                return np.asarray(self)[index]  # points of the table, not dates
            return np.asarray(self[first])[:, *others]
        if isinstance(index, int | np.integer):
            (d,) = np.arange(len(self))[[index]]
            return np.asarray(self[d : d + 1])[0]
        if isinstance(index, slice) and index.step in (None, 1):
            a, b, _ = index.indices(len(self))
            return CompactArray(self.values, self.columns, self.starts[a : max(a, b) + 1], self.n_tickers)
        index = np.asarray(index if not isinstance(index, slice) else np.arange(len(self))[index])
        if index.dtype == bool and index.ndim == 2:
            return self._rows_of(index)
        dates = np.arange(len(self))[index]
        counts = np.diff(self.starts)[dates]
        starts = np.concatenate([[0], counts.cumsum()])
        taken = np.repeat(self.starts[:-1][dates] - starts[:-1], counts) + np.arange(starts[-1])
        return CompactArray(self.values[taken], self.columns[taken], starts, self.n_tickers)

    def _rows_of(self, chosen):
        """The rows of the chosen dates and tickers, NaN where none is stored."""
        there = self.there()
        if (there == chosen).all():
            return self.values[self.rows]  # nothing is copied
        found = chosen & there
        rows = self.values[self.rows][chosen[self.dates(), self.columns[self.rows]]]
        if (found == chosen).all():
            return rows
        filled = np.full((int(chosen.sum()), self.shape[2]), np.nan, self.dtype)
        filled[found[chosen]] = rows
        return filled

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The whole as one array, (n_dates, n_tickers, n_chars); refused where it would not fit into memory."""
        size = int(np.prod(self.shape)) * self.values.itemsize
        if size > LARGEST:
            raise ValueError(
                f"These characteristics would take {size / 1e9:.1f} GB as one array; as they are stored they take "
                f"{self.nbytes / 1e9:.1f}. Take some dates, panel[a:b], or work through panel.blocks()."
            )
        array = np.full(self.shape, np.nan, self.dtype if dtype is None else dtype)
        array[self.dates(), self.columns[self.rows]] = self.values[self.rows]
        return array

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return getattr(ufunc, method)(*(np.asarray(x) if isinstance(x, CompactArray) else x for x in inputs), **options)

    def dates(self) -> np.ndarray:
        """The position of each row's date."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.starts))

    def there(self) -> np.ndarray:
        """Where a row is stored, (n_dates, n_tickers)."""
        there = np.zeros(self.shape[:2], bool)
        there[self.dates(), self.columns[self.rows]] = True
        return there

    def some(self) -> np.ndarray:
        """Whether a row is stored for each ticker, at any date: (n_tickers,)."""
        some = np.zeros(self.n_tickers, bool)
        some[self.columns[self.rows]] = True
        return some

    def checked(self, shape: tuple[int, ...]) -> CompactArray:
        """The array itself, refused if it is not one for returns of this shape, or a number is infinite."""
        if self.shape[:2] != shape:
            raise ValueError(
                f"characteristics has the shape {self.shape}, and returns {shape}: pass both of one panel."
            )
        if any(np.isinf(piece).any() for piece in self.pieces()):
            raise ValueError("characteristics has infinite values. Replace them by NaN, or by a number.")
        return self

    def tickers_at(self, d: int) -> np.ndarray:
        """The positions of the tickers that have a row at a date."""
        return self.columns[self.starts[d] : self.starts[d + 1]]

    def rows_at(self, d: int) -> np.ndarray:
        """Their rows, (n_there, n_chars)."""
        return self.values[self.starts[d] : self.starts[d + 1]]

    def pieces(self, n_rows: int = 100_000) -> Iterator[np.ndarray]:
        """The stored rows, some after the others, none of them copied; one piece at least."""
        rows = self.values[self.rows]
        return (rows[a : a + n_rows] for a in range(0, max(len(rows), 1), n_rows))

    def blocks(self, n_values: int) -> Iterator[slice]:
        """Dates after dates, of about so many stored numbers each, and of one date at least."""
        most = max(1, n_values // max(1, self.shape[2]))
        a = 0
        while a < len(self):
            b = int(np.searchsorted(self.starts, self.starts[a] + most, side="right")) - 1
            yield slice(a, b := min(max(b, a + 1), len(self)))
            a = b

    def dense(self, who: np.ndarray) -> np.ndarray:
        """The characteristics of those tickers, at ascending positions, that have any: (n_dates, n_chosen, n_chars)."""
        array = np.full((len(self), len(who), self.shape[2]), np.nan, self.dtype)
        array[self.dates(), np.searchsorted(who, self.columns[self.rows])] = self.values[self.rows]
        return array

    def with_values(self, values: np.ndarray) -> CompactArray:
        """Other numbers in the same rows."""
        return CompactArray(values, self.columns[self.rows], self.starts - self.starts[0], self.n_tickers)

    def with_rows(self, there: np.ndarray) -> CompactArray:
        """The same numbers, and rows of NaN at further cells of (n_dates, n_tickers)."""
        stored = self.there()
        both = stored | there
        if (both == stored).all():
            return self
        values = np.full((int(both.sum()), self.shape[2]), np.nan, self.dtype)
        values[stored[both]] = self.values[self.rows]
        starts = np.concatenate([[0], both.sum(axis=1).cumsum()])
        return CompactArray(values, np.nonzero(both)[1].astype(np.int32), starts, self.n_tickers)

    def of_tickers(self, positions: np.ndarray) -> CompactArray:
        """The characteristics of some tickers, in the order given."""
        place = np.full(self.n_tickers, -1)
        place[positions] = np.arange(len(positions))
        columns = place[self.columns[self.rows]]
        kept = np.flatnonzero(columns >= 0)
        dates = self.dates()[kept]
        order = np.lexsort((columns[kept], dates))
        starts = np.concatenate([[0], np.bincount(dates, minlength=len(self)).cumsum()])
        rows = kept[order]
        return CompactArray(self.values[self.rows][rows], columns[rows].astype(np.int32), starts, len(positions))


def is_large(n_rows: int, shape: tuple[int, int, int], itemsize: int) -> bool:
    """Whether a table of which so many rows exist is kept compact."""
    n_cells = int(shape[0]) * int(shape[1])
    return n_cells * shape[2] * itemsize > LARGE and n_rows <= SPARSE * n_cells


def joined(first: Any, later: Any) -> Any:
    """The characteristics of the first dates and of those that follow, compact if either is."""
    if not isinstance(first, CompactArray) and not isinstance(later, CompactArray):
        return np.concatenate([first, later])
    parts = [part if isinstance(part, CompactArray) else CompactArray.of(part) for part in (first, later)]
    values, columns = (
        np.concatenate([getattr(part, name)[part.rows] for part in parts]) for name in ("values", "columns")
    )
    counts = np.concatenate([np.diff(part.starts) for part in parts])
    return CompactArray(values, columns, np.concatenate([[0], counts.cumsum()]), parts[0].n_tickers)


def complete(characteristics: Any) -> np.ndarray:
    """Where a ticker has all of its characteristics, (n_dates, n_tickers)."""
    if not isinstance(characteristics, CompactArray):
        return ~np.isnan(characteristics).any(axis=2)
    found = np.zeros(characteristics.shape[:2], bool)
    rows = characteristics.rows
    known = np.concatenate([~np.isnan(piece).any(axis=1) for piece in characteristics.pieces()])
    found[characteristics.dates(), characteristics.columns[rows]] = known
    return found


def some_known(characteristics: Any) -> np.ndarray:
    """Where a ticker has any of its characteristics, (n_dates, n_tickers)."""
    z = characteristics
    if not isinstance(z, CompactArray):
        return ~np.isnan(z).all(axis=2)
    found = np.zeros(z.shape[:2], bool)
    found[z.dates(), z.columns[z.rows]] = np.concatenate([~np.isnan(piece).all(axis=1) for piece in z.pieces()])
    return found


def rows_of(characteristics: Any, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows, (n_rows, n_chars), and which of them are those of the known cells; compact ones are not copied."""
    if not isinstance(characteristics, CompactArray):
        rows = characteristics[known]
        return rows, np.arange(len(rows))
    z = characteristics
    return z.values[z.rows], np.flatnonzero(known[z.dates(), z.columns[z.rows]])


def each_column(characteristics: Any) -> Iterator[np.ndarray]:
    """The values of each characteristic, in any shape, one characteristic after the other."""
    stored = (
        characteristics.values[characteristics.rows] if isinstance(characteristics, CompactArray) else characteristics
    )
    return (stored[..., j] for j in range(stored.shape[-1]))


def blocks_of(panel: Any) -> Iterator[tuple[slice, Any, Any]]:
    """What `Panel.blocks` gives."""
    z = panel.characteristics
    if not isinstance(z, CompactArray):
        yield slice(0, panel.n_dates), slice(None), panel
        return
    for rows in z.blocks(BLOCK):
        part = panel[rows]
        who = np.flatnonzero(~np.isnan(part.returns).all(axis=0) | z[rows].some())
        side = {name: values[:, who] for name, values in part.side.items()}
        parts = {"returns": part.returns[:, who], "characteristics": z[rows].dense(who), "side": side}
        yield rows, who, part._with(parts | {"tickers": panel.tickers[who]})
