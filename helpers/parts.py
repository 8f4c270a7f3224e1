"""Parts of a panel: some of its dates, tickers or characteristics, panels that follow each other, blocks."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from helpers.calendars import follows
from helpers.compact import CompactArray, blocks_of, joined
from helpers.labels import columns_named, rows_at, rows_named, short, written


class Parts:
    """What a `Panel` gives parts of itself by; a part shares its arrays wherever that is possible."""

    if TYPE_CHECKING:
        returns: np.ndarray
        characteristics: Any
        portfolios: np.ndarray | None
        dates: Any
        tickers: Any
        characteristic_names: Any
        side: Any

        @property
        def n_dates(self) -> int: ...

        def _with(self, parts: dict[str, Any]) -> Self: ...

    def __getitem__(self, dates: Any) -> Self:
        """The panel of some of its dates.

        Parameters
        ----------
        dates : slice or array
            A slice of positions or of date labels, the last label included; or ascending positions; or one bool for
            each date.
        """
        # how scikit-learn asks for the rows of an array
        if isinstance(dates, tuple) and len(dates) == 2 and dates[1] is ...:
            dates = dates[0]
        rows = self.rows(dates)
        by_date = ("returns", "characteristics", "portfolios", "dates")
        parts = {name: getattr(self, name)[rows] for name in by_date if getattr(self, name) is not None}
        part = self._with(parts | {"side": {name: values[rows] for name, values in self.side.items()}})
        if isinstance(rows, slice) and rows.step in (None, 1):
            whole, start, _ = self.place()
            object.__setattr__(part, "_cut", (whole, start + rows.indices(self.n_dates)[0]))
        if part.n_dates == 0:
            raise ValueError(
                f"No date is left by panel[{written(dates)}]: the panel has {self.n_dates} dates, "
                f"{short(self.dates[0])} to {short(self.dates[-1])}."
            )
        return part

    def select_tickers(self, tickers: Iterable[Hashable]) -> Self:
        """The panel of some of its tickers, in the order given; the portfolios stay as they are.

        Parameters
        ----------
        tickers : sequence
            Labels out of `panel.tickers`.
        """
        columns, z = columns_named(self.tickers, tickers), self.characteristics
        chosen = z.of_tickers(columns) if isinstance(z, CompactArray) else z[:, columns]
        side = {name: values[:, columns] for name, values in self.side.items()}
        parts = {"returns": self.returns[:, columns], "characteristics": chosen, "side": side}
        return self._with(parts | {"tickers": self.tickers[columns]})

    def select_characteristics(self, names: Iterable[Hashable]) -> Self:
        """The panel of some of its characteristics, in the order given.

        Parameters
        ----------
        names : sequence
            Out of `panel.characteristic_names`.

        Raises
        ------
        TypeError, ValueError
            If a name is not in the panel, or is given twice.
        """
        columns = columns_named(self.characteristic_names, names, "characteristics")
        z = self.characteristics
        chosen = z.with_values(z.values[z.rows][:, columns]) if isinstance(z, CompactArray) else z[:, :, columns]
        return self._with({"characteristics": chosen, "characteristic_names": self.characteristic_names[columns]})

    def sel(self, dates: Any = None, tickers: Iterable[Hashable] | None = None) -> Self:
        """The panel of some of its dates and of some of its tickers, by their labels.

        Parameters
        ----------
        dates : label, slice of labels or sequence of labels, optional
            Such as "2003" (all dates of that year), slice("2003", "2005-06") or some of `panel.dates`; all dates if
            left out. A slice of labels holds both of its ends, also where dates are numbers, of which panel[a:b] takes
            positions.
        tickers : sequence, optional
            Labels out of `panel.tickers`, in the order wanted; all tickers if left out.

        Raises
        ------
        TypeError, ValueError
            If a label is not in the panel, or none is given.
        """
        panel = self if tickers is None else self.select_tickers(tickers)
        if dates is None:
            return panel
        if isinstance(dates, slice):
            if pd.api.types.is_numeric_dtype(self.dates):
                return panel[self.dates.slice_indexer(dates.start, dates.stop, dates.step)]
            return panel[dates]
        if isinstance(dates, str) or not isinstance(dates, Iterable):
            dates = [dates]
        rows = [rows_named(self.dates, date) for date in dates]
        return panel[np.unique(np.concatenate([np.array([], int), *rows]))]

    def joined(self, later: Self) -> Self:
        """The panel of these dates and, after them, those of a later panel of the same market.

        Parameters
        ----------
        later : Panel
            Begins after this one ends; the same tickers, characteristics and portfolios in the same order.
        """
        if not isinstance(later, Parts):
            raise TypeError(f"A Panel is needed; a {type(later).__name__} was given. Cut both from one panel.")
        if not follows(self.dates, later.dates):
            raise ValueError(
                f"The later panel must begin after the first, which ends at {short(self.dates[-1])}; it begins at "
                f"{short(later.dates[0])}. Cut both from one panel, such as panel[:60] and panel[60:120]."
            )
        for name in ("tickers", "characteristic_names", "portfolio_names"):
            ours, theirs = getattr(self, name), getattr(later, name)
            if (ours is None) != (theirs is None) or (ours is not None and not ours.equals(theirs)):
                raise ValueError(f"The two panels differ in {name}, or in their order. Cut both from one panel.")
        (whole, start, middle), (other, begin, stop) = self.place(), later.place()
        if whole is other and middle == begin:
            return whole[start:stop]  # nothing is copied
        if [*self.side] != [*later.side]:
            raise ValueError(f"The two panels differ in their side data: {[*self.side]} and {[*later.side]}.")
        by_date = ("returns",) + ("portfolios",) * (self.portfolios is not None)
        parts = {name: np.concatenate([getattr(self, name), getattr(later, name)]) for name in by_date}
        parts["characteristics"] = joined(self.characteristics, later.characteristics)
        parts["side"] = {name: np.concatenate([values, later.side[name]]) for name, values in self.side.items()}
        return self._with(parts | {"dates": self.dates.append(later.dates)})

    def compact(self) -> Self:
        """The same panel, with only those characteristics stored that exist."""
        z = self.characteristics
        return self if isinstance(z, CompactArray) else self._with({"characteristics": CompactArray.of(z)})

    def blocks(self) -> Iterator[tuple[slice, Any, Self]]:
        """The panel in parts that fit into memory as arrays, one after the other.

        A small panel is one block. A block of a compact one is a panel of some dates in a row, and of the tickers that
        have a return or a characteristic at any of them.

        Yields
        ------
        dates : slice
            Positions among the panel's dates.
        tickers : slice or (n_chosen,)
            Positions among its tickers: what is computed of the block belongs into ``result[dates, tickers]``.
        block : Panel
        """
        return blocks_of(self)

    def place(self) -> tuple[Self, int, int]:
        """The panel that this one was cut from by dates, itself if from none, and from which to which position."""
        whole, start = getattr(self, "_cut", (self, 0))
        return whole, start, start + self.n_dates

    def rows(self, dates: Any) -> slice | np.ndarray:
        """The positions of the dates, as a slice or an array: what `panel[dates]` takes from each of its arrays."""
        return rows_at(self.dates, dates)
