"""What the numbers of each column look like: where it is known, whether it ever changes, whether it is a return."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.checks import LOOKS_THE_SAME, first_few

OFTEN = 12  # at so many dates two tickers are not the same by chance
LOG_PRICE = 20  # in size, the logarithm of no price is above it
SAME_DIGITS = 1e-6  # two numbers are equal if they are so to six digits: one of them may have been float32
# Numbers that files hold where one is missing; those above -99 are CRSP's.
CODES = np.array([-99999.0, -9999.99, -9999.0, -999.99, -999.9, -999.0, -99.99, -99.9, -99.0, -88, -77, -66, -55, -44])
PRICES = ("prc", "altprc", "price", "bidlo", "askhi", "openprc", "dlyprc", "mthprc", "close")
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
    coded : (n_columns, n_codes)
        How many values are each of the `CODES`.
    least_other : (n_columns,)
        The least value that is none of them.
    """

    def __init__(self, n_columns: int, n_dates: int) -> None:
        self.known = np.zeros((n_columns, n_dates), dtype=np.int64)
        self.least = np.full((n_columns, n_dates), np.inf)
        self.most = np.full((n_columns, n_dates), -np.inf)
        self.coded = np.zeros((n_columns, len(CODES)), dtype=np.int64)
        self.least_other = np.full(n_columns, np.inf)
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
        self._count_codes(columns, values)
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

    def _count_codes(self, columns, values):
        lowest, others = np.fmin.reduce(values, axis=1), self.least_other[columns]
        bounds = np.fmin(CODES.max() * (1 - SAME_DIGITS), 2 * others)  # codes lie far below all else
        for j in np.flatnonzero(lowest <= bounds):
            low = values[j] <= bounds[j]
            is_code = np.abs(values[j, low][:, None] - CODES) <= SAME_DIGITS * np.abs(CODES)
            self.coded[(columns.start or 0) + j] += is_code.sum(axis=0)
            low[low] = is_code.any(axis=1)
            lowest[j] = np.fmin.reduce(values[j, ~low], initial=np.inf)
        self.least_other[columns] = np.fmin(others, lowest)

    def codes(self) -> list[np.ndarray]:
        """The codes of missing numbers in each column: far below all else, and repeated if not very far."""
        found = []
        for counts, other in zip(self.coded, self.least_other, strict=True):
            far = (counts > 0) & (CODES < 2 * other) & np.isfinite(other)
            enough = counts[far].sum() > 1 or (CODES[far] < 10 * other).all()
            found.append(CODES[far] if enough else CODES[:0])
        return found

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


def like_returns(statistics: Statistics, names: Sequence[str]) -> set[str]:
    """The characteristics that look like the return of their own row, or of the next date."""
    alike = (np.abs(statistics.correlations()) > LOOKS_THE_SAME).any(axis=0)
    return {name for name, same in zip(names, alike, strict=True) if same}


def notes_on_characteristics(statistics: Statistics, names: Sequence[str], dates: pd.DatetimeIndex) -> list[str]:
    """Sentences on characteristics that hold codes, look like a return, never change, or are known for nobody."""
    notes = [*_notes_on_codes(statistics, names), *_notes_on_prices(statistics, names)]
    notes += _notes_on_markets(statistics, names)
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


def _notes_on_codes(statistics, names):
    """A sentence on characteristics that seem to hold codes for missing numbers."""
    found = {name: codes for name, codes in zip(names, statistics.codes(), strict=True) if len(codes)}
    if not found:
        return []
    shown = [f"{name!r} ({', '.join(f'{code:g}' for code in codes)})" for name, codes in found.items()]
    texts = tuple(f"{code:g}" for code in sorted({code for codes in found.values() for code in codes}))
    return [
        f"{len(found)} characteristic(s) hold what looks like a code for a missing number, far below all else: "
        f"{first_few(shown)}. If so, pass missing_values={texts!r}."
    ]


def _notes_on_markets(statistics, names):
    """A sentence on columns that are the same for all tickers of a date, whichever the date."""
    several = (statistics.known > 1).sum(axis=1)
    same = (statistics.constant_dates() == several) & (several >= OFTEN) & ~statistics.constant()
    alike = [repr(name) for name, is_same in zip(names, same, strict=True) if is_same]
    if not alike:
        return []
    return [
        f"{len(alike)} column(s) are the same for all tickers at every date, as a market's return is: "
        f"{first_few(alike)}. They tell no ticker from another, and may not be known before their row's return. "
        "Exclude them."
    ]


def _notes_on_prices(statistics, names):
    """A sentence on prices below 0, unless they have been made ranks."""
    least, most = statistics.least.min(axis=1, initial=np.inf), statistics.most.max(axis=1, initial=-np.inf)
    below = [
        repr(name)
        for name, a, b in zip(names, least, most, strict=True)
        if name.lower() in PRICES and a < 0 and max(-a, b) > LOG_PRICE
    ]
    if not below:
        return []
    return [
        f"{len(below)} column(s) of prices have values below 0: {first_few(below)}. CRSP writes minus the mean of bid "
        "and ask where nothing was traded: then take the absolute value, and leave 0 empty, or pass the layout "
        "(layout='crsp_siz')."
    ]
