"""When the characteristics of a file are known, as far as numbers tell: a fast one repeats a return it has seen."""

import math
from collections.abc import Collection, Sequence
from itertools import repeat, starmap
from typing import NamedTuple

import numpy as np

from helpers.checks import first_few
from helpers.data.rows import Rows

# Looked at are a few runs of dates, of the tickers that are there most: enough to know a correlation to two digits.
RUNS, LENGTH, TICKERS = 5, 12, 30
ENOUGH = 30  # of fewer pairs, a correlation tells nothing
NEAR_ONE = 0.9
MANY_TICKERS = 5  # so many are ranked at each date; fewer, over all dates
# By how many dates the return that a characteristic repeats lies after its row: the last one known before is at -1.
AS_DECLARED, OFFSETS = -1, (-1, 0, 1, -2)
RETURNS = {-2: "two dates before its row", -1: "the date before its row", 0: "its own row", 1: "the date after its row"}


class Sign(NamedTuple):
    """What one characteristic tells: the return that it repeats, how, and how closely."""

    name: str
    offset: int
    by_change: bool
    correlation: float

    def __str__(self) -> str:
        what = "the change of " if self.by_change else ""
        return f"{what}{self.name!r} goes with the return of {RETURNS[self.offset]} ({self.correlation:.3f})"


class Timing:
    """A sample of the characteristics, compared with the returns around them.

    A past month's return among the characteristics (reversal) is a return itself. The logarithm of a price, or of a
    market value, changes by one. Rank correlations within dates find either, ranked characteristics included.

    Parameters
    ----------
    names : list of str
    returns : (n_dates, n_tickers)
    rows : Rows
    """

    def __init__(self, names: Sequence[str], returns: np.ndarray, rows: Rows) -> None:
        n_dates, n_tickers = returns.shape
        dates = _runs(n_dates)
        self._date, self._ticker = np.full(n_dates, -1), np.full(n_tickers, -1)
        self._date[dates] = np.arange(dates.size).reshape(dates.shape)
        looked_at = rows.used & (rows.date_codes < n_dates)
        looked_at &= self._date[np.where(looked_at, rows.date_codes, 0)] >= 0
        how_often = np.bincount(rows.ticker_codes[looked_at], minlength=n_tickers)
        tickers = np.sort(np.argsort(-how_often, kind="stable")[:TICKERS])
        self._ticker[tickers] = np.arange(len(tickers))
        self.names, self._returns = names, returns[dates][..., tickers]
        self._values = np.full((len(names), dates.size, len(tickers)), np.nan, dtype=np.float32)
        self._signs: list[Sign] | None = None

    def add(self, columns: slice, values: np.ndarray, dates: np.ndarray, tickers: np.ndarray) -> None:
        """Adds the values (n_columns, n_rows) of some rows, at these positions of dates and tickers."""
        d, s = self._date[dates], self._ticker[tickers]
        here = np.flatnonzero((d >= 0) & (s >= 0))
        with np.errstate(over="ignore"):
            self._values[columns, d[here], s[here]] = values[:, here]

    def signs(self) -> list[Sign]:
        """One for each characteristic that tells something."""
        if self._signs is None:
            values = self._values.reshape(len(self.names), *self._returns.shape)
            found = zip(self.names, *map(_correlations, (values, _changes(values)), repeat(self._returns)), strict=True)
            self._signs = [sign for sign in starmap(_sign, found) if sign]
        return self._signs

    def notes(self, known: Collection[str]) -> list[str]:
        """Sentences on characteristics that look as if they were known at another date than declared.

        Nothing is said of those in `known`, which are spoken of already.
        """
        return [_sentence([sign for sign in signs if sign.name not in known]) for signs in self._wrong(known)]

    def said(self) -> str:
        """A sentence on what the data tell of the date at which the characteristics are known."""
        if not self.signs():
            return "no characteristic changes as fast as a return, so the data cannot tell when they are known"
        right = [sign for sign in self.signs() if sign.offset == AS_DECLARED]
        said = [f"As declared: {first_few(map(str, right), 2)}."] if right else []
        return " ".join([*(_sentence(signs) for signs in self._wrong(())), *said])

    def _wrong(self, known):
        """The signs that speak against what was declared, by offset.

        One that lags behind speaks only if no other is newer: a column may hold the price of the month before.
        """
        newest = max((sign.offset for sign in self.signs()), default=AS_DECLARED)
        offsets = [offset for offset in OFFSETS[1:] if offset >= min(newest, AS_DECLARED + 1)]
        found = ([s for s in self.signs() if s.offset == offset and s.name not in known] for offset in offsets)
        return [signs for signs in found if signs]


def _sentence(signs):
    """What signs of one offset say."""
    shift, names = signs[0].offset - AS_DECLARED, first_few(repr(sign.name) for sign in signs)
    when = f"{'one date' if abs(shift) == 1 else 'two dates'} {'later' if shift > 0 else 'earlier'}"
    looks = f"The characteristics look like they were known {when} than declared: {first_few(map(str, signs), 2)}."
    if shift > 0:
        return f"{looks} If that is true of all, pass lag={shift}; if of {names} alone, exclude it."
    return (
        f"{looks} Nothing leaks, but what is newer is not used: perhaps the file was lagged already. Then lower lag, "
        "or choose the layout that says so, such as dataclasses.replace(helpers.LAYOUTS[name], months_ahead=0)."
    )


def _sign(name, of_itself, of_its_change):
    """The strongest of the correlations near one, the return of the date before first; None if there is none."""
    best = None
    for by_change, correlations in ((False, of_itself), (True, of_its_change)):
        for offset, correlation in zip(OFFSETS, correlations, strict=True):
            if abs(correlation) > max(NEAR_ONE, 0 if best is None else abs(best.correlation) + 0.01):
                best = Sign(name, offset, by_change, float(correlation))
    return best


def _runs(n_dates):
    """Positions (n_runs, length) of dates that follow each other, the runs spread evenly up to the last date."""
    if n_dates <= RUNS * LENGTH:
        return np.arange(n_dates)[None]
    begin = np.linspace(0, n_dates - LENGTH, RUNS).astype(int)
    return begin[:, None] + np.arange(LENGTH)


def _changes(values):
    """By how much the logarithms change from date to date, of characteristics that are hardly ever below zero."""
    changes = np.full(values.shape, np.nan, dtype=np.float32)
    positive = (values > 0).sum(axis=(1, 2, 3)) > NEAR_ONE * (~np.isnan(values)).sum(axis=(1, 2, 3))
    chosen = values[positive]
    logs = np.log(chosen, out=np.full_like(chosen, np.nan), where=chosen > 0)
    changes[positive, :, 1:] = np.diff(logs, axis=2)
    return changes


def _ranks(values):
    """Ranks from -1/2 to 1/2 across the tickers of each date, or over all values where tickers are few."""
    whole = values.shape[-1] < MANY_TICKERS
    x = values.reshape(len(values), math.prod(values.shape[1:])) if whole else values
    counts = (~np.isnan(x)).sum(axis=-1, keepdims=True)
    ranks = np.empty(x.shape, dtype=np.float32)
    order = np.argsort(x, axis=-1)  # NaN comes last
    np.put_along_axis(ranks, order, np.arange(x.shape[-1], dtype=np.float32), axis=-1)
    few = counts < min(MANY_TICKERS, x.shape[-1])
    return np.where(np.isnan(x) | few, np.nan, ranks / np.maximum(counts - 1, 1) - 0.5).reshape(values.shape)


def _correlations(values, returns):
    """The correlations (n_columns, n_offsets) of the ranks with those of the returns so many dates later.

        Σ a b - Σ a Σ b / n   over   √ (Σ a² - (Σ a)² / n) (Σ b² - (Σ b)² / n)        where both are known

    Parameters
    ----------
    values : (n_columns, n_runs, length, n_tickers)
    returns : (n_runs, length, n_tickers)
    """
    own, ranked = _ranks(values), _ranks(returns[None])[0]
    length, found = returns.shape[1], np.zeros((len(values), len(OFFSETS)))
    for k, offset in enumerate(OFFSETS):
        b = ranked[:, max(0, offset) : length + min(0, offset)].ravel()
        a = own[:, :, max(0, -offset) : length - max(0, offset)].reshape(len(own), len(b))
        has_a, has_b = (~np.isnan(a)).astype(float), (~np.isnan(b)).astype(float)
        a, b = np.nan_to_num(a), np.nan_to_num(b)
        n, sum_b, sum_bb = (has_a @ np.column_stack([has_b, b, b**2])).T
        sum_a, sum_ab = (a @ np.column_stack([has_b, b])).T
        enough = n >= ENOUGH
        n = np.maximum(n, 1)
        squares = np.maximum(a**2 @ has_b - sum_a**2 / n, 0) * np.maximum(sum_bb - sum_b**2 / n, 0)
        varies = enough & (squares > 0)
        found[varies, k] = (sum_ab - sum_a * sum_b / n)[varies] / np.sqrt(squares[varies])
    return found
