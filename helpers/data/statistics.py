"""What the numbers of each column look like: where it is known, whether it ever changes, whether it is a return."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.checks import first_few

LOOKS_THE_SAME = 0.99  # the correlation from which a characteristic is taken for a return
SAME_DIGITS = 1e-6  # two numbers are equal if they are so to six digits: one of them may have been float32
SMALLEST_VARIANCE = 1e-9  # a share of the mean square; below it, a difference of sums tells nothing


class Statistics:
    """What the blocks of values tell of each column: where it is known, its extremes, how it moves with two returns.

    The two returns of a value are that of its own row and that of the next date: neither is known when the value should
    be. All is summed in float64, whatever the panel will hold.

    Attributes
    ----------
    known : (n_columns, n_dates)
        How many tickers have a value.
    least, most : (n_columns, n_dates)
        The extremes among the tickers, infinite where there is none.
    """

    def __init__(self, n_columns: int, n_dates: int) -> None:
        self.known = np.zeros((n_columns, n_dates), dtype=np.int64)
        self.least = np.full((n_columns, n_dates), np.inf)
        self.most = np.full((n_columns, n_dates), -np.inf)
        self._sums = np.zeros((2, n_columns, 7))

    def add(self, columns: slice, values: np.ndarray, dates: np.ndarray, returns: Sequence[np.ndarray]) -> None:
        """Adds the values of some rows.

        Parameters
        ----------
        columns : slice
            Which of the columns they are of.
        values : (n_columns, n_rows)
        dates : (n_rows,)
            Positions.
        returns : two of (n_rows,)
            That of the row itself, and that of the same ticker at the next date.
        """
        if not len(dates):
            return
        known = ~np.isnan(values)
        x = np.where(known, values, 0.0)
        with np.errstate(over="ignore", invalid="ignore"):  # squares of enormous numbers: no correlation, then
            for sums, r in zip(self._sums[:, columns], returns, strict=True):
                has = ~np.isnan(r)
                r = np.where(has, r, 0.0)
                weights = np.column_stack([has, r, r**2]).astype(float)
                sums[:, :3] += known @ weights  # how many, Σ r, Σ r²
                sums[:, 3:5] += x @ weights[:, :2]  # Σ x, Σ x r
                sums[:, 5] += np.square(x) @ weights[:, 0]  # Σ x²
                same = known & (np.abs(x - r) <= SAME_DIGITS * np.abs(r))
                sums[:, 6] += same @ weights[:, 0]  # how many are equal
        if (np.diff(dates) < 0).any():
            order = np.argsort(dates, kind="stable")
            values, known, dates = values[:, order], known[:, order], dates[order]
        begin = np.flatnonzero(np.diff(dates, prepend=-1))
        at = dates[begin]
        self.known[columns, at] += np.add.reduceat(known, begin, axis=1, dtype=np.int64)
        for extremes, extreme in ((self.least, np.fmin), (self.most, np.fmax)):
            extremes[columns, at] = extreme(extremes[columns, at], extreme.reduceat(values, begin, axis=1))

    def constant(self) -> np.ndarray:
        """Whether each column is the same number wherever it is known."""
        return (self.known.sum(axis=1) > 1) & (self.least.min(axis=1) == self.most.max(axis=1))

    def constant_dates(self) -> np.ndarray:
        """At how many dates each column is the same number for all tickers, of two at least."""
        return ((self.known > 1) & (self.least == self.most)).sum(axis=1)

    def correlations(self) -> np.ndarray:
        """(2, n_columns): the correlation with either return, 1 where all equal it, NaN where too few are known."""
        n, r, rr, x, xr, xx, equal = np.moveaxis(self._sums, 2, 0)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            var_r, var_x = rr - r**2 / n, xx - x**2 / n
            varies = (var_r > SMALLEST_VARIANCE * rr) & (var_x > SMALLEST_VARIANCE * xx)
            correlations = np.where(varies & (n >= 30), (xr - x * r / n) / np.sqrt(var_x * var_r), np.nan)
        return np.where(varies & (n >= 3) & (equal == n), 1.0, correlations)


def notes_on_characteristics(statistics: Statistics, names: Sequence[str], dates: pd.DatetimeIndex) -> list[str]:
    """Sentences on characteristics that look like a return, never change, or are known for nobody."""
    notes = []
    own, following = statistics.correlations()
    for name, correlation in zip(names, own, strict=True):
        if abs(correlation) > LOOKS_THE_SAME:
            notes.append(
                f"Characteristic {name!r} looks like the return itself (correlation {correlation:.3f} with that of its "
                "own row): not known before it. Pass lag=1, or exclude it."
            )
    for name, correlation in zip(names, following, strict=True):
        if abs(correlation) > LOOKS_THE_SAME:
            notes.append(
                f"Characteristic {name!r} looks like the return of the next date (correlation {correlation:.3f}): "
                "it holds the future. Exclude it."
            )
    constant = [repr(name) for name, same in zip(names, statistics.constant(), strict=True) if same]
    if constant:
        notes.append(
            f"{len(constant)} characteristic(s) are one number everywhere: {first_few(constant)}. Exclude them."
        )
    worst = [
        f"{name!r} at {nobody.sum()} date(s), the last {dates[np.flatnonzero(nobody)[-1]].date()}"
        for name, nobody in zip(names, statistics.known == 0, strict=True)
        if nobody.any()
    ]
    if worst:
        notes.append(
            f"{len(worst)} characteristic(s) are known for nobody at some of the {len(dates)} dates: "
            f"{first_few(worst)}. Begin later (start=...), exclude them, or fill them."
        )
    return notes
