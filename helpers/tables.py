"""Tables that belong together: they agree along every axis that they share, and what is computed has their labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.checks import as_array, labels_along, require_same_axis
from helpers.labels import labelled

DATES_AND_TICKERS = ("n_dates", "n_tickers")


class Tables:
    """The tables of one call, taken in one after the other as arrays, and the labels of what is computed from them.

    Two tables that share an axis must be equally long along it, and where both have labels there, these must be the
    same in the same order. Where only one has labels they count for both: plain arrays and lists go by position.

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
        self._named: dict[str, tuple[str, Any, int]] = {}  # by axis: the first table with labels along it, and where

    def array(
        self, name: str, values: Any, axes: Sequence[str] = DATES_AND_TICKERS, missing: bool = False
    ) -> np.ndarray:
        """One table as an array of float64, refused where it does not fit the others.

        Parameters
        ----------
        name : str
            The argument's name, for the messages.
        values : array_like
        axes : sequence of str
            The names of its axes; those of other tables by the same name are the same axis.
        missing : bool
            Whether NaN is allowed.

        Raises
        ------
        TypeError, ValueError
            If the values are no numbers, or their axes, lengths or labels are not those asked for.
        """
        array = as_array(name, values, axes, missing=missing, sizes=self._lengths)
        self._lengths |= dict(zip(axes, array.shape, strict=True))
        for i, axis in enumerate(axes):
            if labels_along(values, i) is not None:
                require_same_axis(
                    axis.removeprefix("n_"), name, values, i, *self._named.setdefault(axis, (name, values, i))
                )
        return array

    def labels(self, axis: str) -> pd.Index | None:
        """The labels along an axis, or None where no table has any."""
        if axis not in self._named:
            return None
        _, values, i = self._named[axis]
        return labels_along(values, i)

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
