"""The returns of a panel: the file's own, or those that are joined to it from a second file."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.calendars import note_on_turns
from helpers.checks import HUGE
from helpers.data.columns import Columns, note_on_returns_layout, notes_on_wanted, same_but_for_capitals
from helpers.data.file import File, Report
from helpers.data.joining import MANY_ALONE, note_on_lost, refusal_of_strangers, rows_beside
from helpers.data.rows import Rows, among, by_month, count_repeated, note_on_screens, of_rows, repeated
from helpers.data.statistics import CODES, SAME_DIGITS

# Fractions are not of this size in the median; and of no market do the liveliest tickers stay below that size.
PERCENT_BEGINS = {"daily": 0.1, "weekly": 0.2, "quarterly": np.inf, "annual": np.inf}
PERCENT_BEGINS_OTHERWISE = 0.3
STILL = {"daily": 0.0005, "weekly": 0.001}
STILL_OTHERWISE = 0.002
OFTEN = 12  # of fewer returns, the median of one ticker tells nothing
NINES = -99.0  # codes from here on are looked for among percents, too, this one if it is repeated


def own_returns(file: File, rows: Rows, dated: Rows, report: Report) -> np.ndarray:
    """The file's own returns (n_dates, n_tickers), NaN where there is none.

    Parameters
    ----------
    file : File
    rows : Rows
        With the dates of the characteristics.
    dated : Rows
        With those of the returns.
    report : callable
        Takes the sentence on a fault.
    """
    if dated.returns is not None and np.isnan(dated.returns).all():
        report(f"The returns of {file.name} are missing in every row.")
    return among(dated, rows).placed(dated.returns)


@dataclass(frozen=True, eq=False)
class Joined:
    """What the second file holds of the tickers and dates of the first.

    Parameters
    ----------
    returns : (n_dates, n_tickers)
    notes : list of str
    rows : Rows
        Of the second file, at its own dates, those that `select` leaves out among them; None if none fits.
    """

    returns: np.ndarray
    notes: list[str]
    rows: Rows | None


def joined_returns(
    file: File,
    source: File,
    columns: Columns,
    rows: Rows,
    frequency: str,
    largest: float,
    report: Report,
    kept: Callable[[File, int], np.ndarray],
) -> Joined:
    """The returns of a second file, and a remark on rows of the first that find none in it.

    Parameters
    ----------
    file, source : File
        The first and the second.
    columns : Columns
    rows : Rows
        Of the first file.
    frequency : str
        Of the first file.
    largest : float
        Beyond it, a return counts as infinite.
    report : callable
        Takes the sentence on a fault.
    kept : function of a file and its number of rows
        Whether `select` lets each of its rows pass.
    """
    layout = columns.returns_layout
    date = same_but_for_capitals(source, "date", layout.date if layout else columns.date)
    ticker = same_but_for_capitals(source, "ticker", layout.ticker if layout else columns.ticker)
    named = (date, ticker, columns.returns)
    remedy = "Bring the returns to the frequency of the characteristics first: compound them."
    about = rows, frequency, columns.date_format, largest, report, layout, remedy
    theirs, fits = rows_beside(file, source, named, *about)
    if not fits:
        return Joined(rows.placed(None), note_on_screens(source, theirs, layout, "returns_layout"), None)
    as_read = theirs
    theirs = by_month(theirs, frequency, layout.returns_ahead.get(columns.returns, 0) if layout else 0)
    found = among(theirs, rows)
    # Of rows that stand for the same ticker and date, `select` may leave one.
    found = of_rows(found, kept(source, len(theirs.date_codes)) | ~repeated(found))
    if not found.used.any():
        report(refusal_of_strangers(file, source, rows, theirs))
        return Joined(found.placed(None), note_on_screens(source, theirs, layout, "returns_layout"), None)
    count_repeated(source, found, frequency, report, layout)
    returns = found.placed(found.returns)
    notes = notes_on_wanted(source, layout) + note_on_returns_layout(source, layout)
    notes += note_on_screens(source, theirs, layout, "returns_layout")
    partner = ~np.isnan(found.placed(np.ones(len(found.date_codes))))
    until = int(np.searchsorted(rows.dates, theirs.dates[-1], side="right"))
    d, t = rows.date_codes[rows.used], rows.ticker_codes[rows.used]
    some = ~np.isnan(returns[d, t])
    if columns.select:
        some |= ~partner[d, t]  # those are left out, and said to be
    alone = np.isnan(among(theirs, rows).placed(np.ones(len(theirs.date_codes))))[d, t] & (d < until)
    if some.mean() < 0.5:
        notes.append(f"Only {some.mean():.0%} of the rows of {file.name} find a return in {source.name}.")
    elif alone.sum() > MANY_ALONE * len(d):
        notes.append(f"{alone.sum():,} of the {len(d):,} rows of {file.name} have no row in {source.name}.")
    notes += note_on_lost(file, source, rows, theirs)
    return Joined(returns, notes, by_month(as_read, frequency))


def notes_on_returns(
    returns: np.ndarray, dates: pd.DatetimeIndex, tickers: pd.Index, frequency: str, percent: bool = False
) -> list[str]:
    """Sentences on returns that come by turns, look like codes or like percent; or were divided and look like none.

    Parameters
    ----------
    returns : (n_dates, n_tickers)
        In fractions, if they are what `percent` says.
    dates, tickers, frequency
        Of the returns.
    percent : bool
        Whether they were divided by 100.
    """
    codes, coded = _codes(returns, 100 if percent else 1)
    turns = note_on_turns(~np.isnan(returns), dates)
    notes = [turns] * bool(turns)
    if len(codes):
        d, s = np.argwhere(coded)[0]
        texts = tuple(f"{code:g}" for code in sorted(codes))
        lie = "lie below -1" if not percent else "are about -1 or below"
        notes.append(
            f"Look at the returns: {int(coded.sum())} of them {lie}, such as {returns[d, s]:.4g} of {tickers[s]} at "
            f"{dates[d].date()}. That is a code for a missing return: pass missing_values={texts!r}."
        )
        returns = np.where(coded, np.nan, returns)
    large = np.argwhere(returns >= HUGE)
    written = returns[tuple(large.T)] * (100 if percent else 1)
    near = np.abs(written[:, None] + CODES) <= 2 * SAME_DIGITS * np.abs(CODES)
    if near.any():
        of_codes = large[near.any(axis=1)]
        (d, s), texts = of_codes[0], tuple(f"{code:g}" for code in -CODES[near.any(axis=0)][::-1])
        notes.append(
            f"Look at the returns: {len(of_codes)} of them are {' or '.join(texts)}, such as that of {tickers[s]} at "
            f"{dates[d].date()}. If that is a code for a missing return, pass missing_values={texts!r}."
        )
        returns = returns.copy()
        returns[tuple(of_codes.T)] = np.nan
    signs = signs_of_percent(returns, dates, tickers, frequency)
    if signs and percent:
        notes.append(
            f"The returns look wrong, although they were divided by 100: {', and '.join(signs)}. Correct them."
        )
    elif signs:
        notes.append(
            f"The returns look like percent: {', and '.join(signs)}. If so, pass percent=True; otherwise correct them."
        )
    elif percent and 0 < (size := _largest_median(returns)) < STILL.get(frequency, STILL_OTHERWISE):
        notes.append(
            f"The returns look like fractions already: divided by 100, as percent=True asks, the largest median size "
            f"of a ticker's is {size:.2g}. If so, pass percent=False."
        )
    return notes


def _codes(returns, scale):
    """The codes among the returns, as the file has them, and where they stand."""
    low = np.argwhere(returns <= CODES.max() * (1 - SAME_DIGITS) / scale)
    values = returns[tuple(low.T)] * scale
    near = np.abs(values[:, None] - CODES) <= 2 * SAME_DIGITS * np.abs(CODES)
    if scale > 1 or len(low) < (returns < -1).sum() or not near.any(axis=1).all():  # -44 may be a return in percent
        near &= (CODES <= NINES) & ((near.sum(axis=0) > 1) | (CODES < NINES))
    coded = np.zeros(returns.shape, dtype=bool)
    coded[tuple(low[near.any(axis=1)].T)] = True
    return CODES[near.any(axis=0)], coded


def signs_of_percent(returns: np.ndarray, dates: pd.DatetimeIndex, tickers: pd.Index, frequency: str) -> list[str]:
    """What speaks for percent: the size of most returns, or of many tickers', and returns below -1.

    Parameters
    ----------
    returns : (n_dates, n_tickers)
    dates, tickers, frequency
        Of the returns.
    """
    known = returns[~np.isnan(returns)]
    if not known.size:
        return []
    begins = PERCENT_BEGINS.get(frequency, PERCENT_BEGINS_OTHERWISE)
    signs, typical, large = [], np.median(np.abs(known)), _large(returns, begins)
    if typical > begins:
        signs.append(f"their median size is {typical:.3g}")
    elif len(large):
        size = np.nanmedian(np.abs(returns[:, large[0]]))
        signs.append(
            f"those of {len(large)} ticker(s), such as {tickers[large[0]]}, have a median size like {size:.3g}"
        )
    below = np.argwhere(returns < -1)
    if len(below):
        d, s = below[0]
        signs.append(
            f"{len(below)} of them lie below -1, such as {returns[d, s]:.3g} of {tickers[s]} at {dates[d].date()}, "
            "and nothing can lose more than all of its value"
        )
    return signs


def _medians(returns):
    """The tickers that have returns often, and the median size of each one's."""
    often = np.flatnonzero((~np.isnan(returns)).sum(axis=0) >= OFTEN)
    return often, np.nanmedian(np.abs(returns[:, often]), axis=0) if len(often) else np.empty(0)


def _large(returns, begins):
    """The tickers whose returns are too large for fractions, if they are an eighth of all: one may be a penny stock."""
    often, sizes = _medians(returns)
    large = often[sizes > begins]
    return large if 8 * len(large) >= len(often) else np.empty(0, dtype=int)


def _largest_median(returns):
    return _medians(returns)[1].max(initial=0)
