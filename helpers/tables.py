"""Tables that belong together: they agree along every axis that they share, and what is computed has their labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.calendars import require_one_calendar
from helpers.checks import as_array, labels_along
from helpers.labels import are_dates, as_labels, labelled, on_its_side, plain, short

DATES_AND_TICKERS = ("n_dates", "n_tickers")

# Axes along which dates stand, and one along which they never do, even where a table has no others.
OF_DATES, OF_TICKERS = ("n_dates", "n_past"), "n_tickers"


class Tables:
    """The tables of one call, taken in one after the other as arrays, and the labels of what is computed from them.

    Two tables that share an axis must be equally long along it, and where both have labels there, these must be the
    same in the same order. Where only one has labels they count for both: plain arrays and lists go by position. Dates
    stand along the axes of dates, and along no other axis of such a table; labels of two levels are refused.

    Examples
    --------
    >>> tables = Tables()
    >>> returns = tables.array("returns", pd.DataFrame({"AAPL": [0.01, 0.03], "MSFT": [0.02, 0.0]}))
    >>> sizes = tables.array("sizes", [[1.0, 3.0], [1.0, 3.0]])
    >>> tables.labelled((returns * sizes).sum(axis=0), "n_tickers").to_frame()
    AAPL    0.04
    MSFT    0.06
    dtype: float64
    """

    def __init__(self):
        self._lengths: dict[str, int] = {}
        self._named: dict[str, tuple[str, pd.Index]] = {}  # by axis: the first table with labels along it, and these

    def array(
        self,
        name: str,
        values: Any,
        axes: Sequence[str] = DATES_AND_TICKERS,
        missing: bool = False,
        keep_precision: bool = False,
    ) -> np.ndarray:
        """One table as an array, refused where it does not fit the others.

        Parameters
        ----------
        name : str
            The argument's name, for the messages.
        values : array_like
        axes : sequence of str
            The names of its axes; those of other tables by the same name are the same axis.
        missing : bool
            Whether NaN is allowed.
        keep_precision : bool
            Whether float32 stays so, as in `as_array`.

        Raises
        ------
        TypeError, ValueError
            If the values are no numbers, or their axes, lengths or labels are not those asked for.
        """
        along = {axis: labels_along(values, i) for i, axis in enumerate(axes)}
        found = {axis: plain(f"The {_what(axis)} of {name}", own) for axis, own in along.items() if own is not None}
        _require_upright(name, found, axes)
        array = as_array(name, values, axes, missing=missing, sizes=self._lengths, keep_precision=keep_precision)
        self._lengths |= dict(zip(axes, array.shape, strict=True))
        self.takes_in(name, found)
        return array

    def side(self, name: str, values: Any) -> np.ndarray:
        """A table of side data, (n_dates, n_tickers): numbers, or objects if it holds text, None where unknown."""
        if not isinstance(name, str):
            raise TypeError(f"side must be a dict whose names are text; {name!r} was given as one.")
        called = f"side[{name!r}]"
        if np.asarray(values).dtype.kind in "fiub":
            return self.array(called, values, missing=True, keep_precision=True)
        if np.ndim(values) != 2:
            raise ValueError(f"{called} must be a table (n_dates, n_tickers); its shape is {np.shape(values)}.")
        table = values if isinstance(values, pd.DataFrame) else pd.DataFrame(np.asarray(values, dtype=object))
        known = table.notna()
        self.array(called, known.astype(float) if table is values else known.to_numpy(dtype=float))
        return np.where(known, table.to_numpy(dtype=object), None)

    def takes_in(self, name: str, labels: Mapping[str, pd.Index]) -> None:
        """Takes in labels by the axes along which they stand, refused where they are not those of the other tables.

        Parameters
        ----------
        name : str
            Whose labels they are, for the messages.
        labels : dict of str to Index
        """
        for axis, given in labels.items():
            whose = f"The {_what(axis)} of {name}"
            self._lengths.setdefault(axis, len(given))
            own = as_labels(whose, given, len(given), dates=axis in OF_DATES)
            if axis in OF_DATES:
                require_one_calendar(whose, own)
            first, others = self._named.setdefault(axis, (name, own))
            if not own.equals(others):
                raise ValueError(
                    f"{whose} are not those of {first}, or stand in another order. Align the two tables first."
                )

    def labels(self, axis: str) -> pd.Index | None:
        """The labels along an axis, or None where no table has any."""
        return self._named[axis][1] if axis in self._named else None

    def require_time_order(self, axis: str = "n_dates") -> None:
        """Refuses labels of dates that do not ascend: what follows would take one date for the next."""
        labels = self.labels(axis)
        if labels is not None and not labels.is_monotonic_increasing:
            name = self._named[axis][0]
            raise ValueError(
                f"The dates of {name} must ascend, and these do not. Sort it by date, such as {name}.sort_index(), "
                "or pass an array, whose rows are dates in time order."
            )

    def labelled(self, values: np.ndarray, *axes: str | pd.Index) -> np.ndarray:
        """The values with the labels of their axes; as they are, if no table has labels.

        Parameters
        ----------
        values : array
        *axes : str or Index
            One for each axis: its name, or its own labels. An axis along which no table has labels is numbered.
        """
        if not self._named:
            return values
        found = [axis if isinstance(axis, pd.Index) else self.labels(axis) for axis in axes]
        numbers = (pd.RangeIndex(length) for length in values.shape)
        return labelled(values, *(n if labels is None else labels for labels, n in zip(found, numbers, strict=True)))


def _what(axis):
    """What stands along an axis, for a message."""
    return axis.removeprefix("n_") if axis.startswith("n_") else "other labels"


def _require_upright(name, labels, axes):
    """Refuses dates along another axis than that of the dates, or along that of the tickers where there is none."""
    dates = [labels.get(axis, pd.RangeIndex(0)) for axis in axes if axis in OF_DATES]
    for axis, others in labels.items():
        if axis in OF_DATES:
            continue
        if on_its_side(dates[0], others) if dates else axis == OF_TICKERS and are_dates(others):
            where = [(f"its {_what(axis)}", others), *(("its dates", found) for found in dates if len(found))]
            told = " and ".join(f"{short(found[0])} where {what} belong" for what, found in where if len(found))
            raise ValueError(
                f"{name} stands on its side: it has {told}. Pass {name}.T; or if this is right, make the labels of its "
                f"{_what(axis)} text."
            )
