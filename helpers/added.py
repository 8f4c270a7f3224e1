"""Characteristics of one's own, brought as tables, behind those that a panel has."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers.calendars import require_one_calendar
from helpers.checks import LOOKS_THE_SAME, as_array, described_kind, first_few, like, no_spread
from helpers.compact import LARGEST, CompactArray
from helpers.labels import as_labels, dates_and_tickers, short
from helpers.tables import DATES_AND_TICKERS, Tables

FEW = 3  # of fewer cells, nothing is said of what they are like
ALIKE = 1e-5  # numbers are the same if they differ by this share: one of them may have been float32


def parts_with(panel: Any, tables: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the panel that `Panel.with_characteristics` gives, as far as they differ from the panel's."""
    given = _named(tables, more)
    old = panel.characteristic_names
    names = as_labels("The names of the characteristics", list(given), len(given))
    again = [name for name in names if name in old]
    if again:
        others = (
            f"panel.select_characteristics(panel.characteristic_names.drop({again!r}))"
            if len(old) > len(again)
            else "dataclasses.replace(panel, characteristics=None, characteristic_names=None)"
        )
        raise ValueError(
            f"The panel has {first_few(map(repr, again))} among its characteristics. Give the new one another name; or "
            f"to replace it, leave the old one out first: {others}.with_characteristics(...)."
        )
    z = panel.characteristics
    dtype = z.dtype if z.shape[2] else panel.returns.dtype
    found = []
    for name, values in given.items():
        found.append(_table(panel, name, values, dtype))
    if isinstance(z, CompactArray):
        together = _behind_rows(z, found)
    else:
        together = np.concatenate([z.astype(dtype, copy=False), np.stack(found, axis=2)], axis=2)
    return {"characteristics": together, "characteristic_names": pd.Index([*old, *names], name=old.name)}


def _named(tables, more):
    """All tables by their names: those of the mapping, or the columns of a long frame, and those by keyword."""
    if isinstance(tables, pd.DataFrame) and tables.index.nlevels == 2:
        as_labels("The columns of the frame", tables.columns, tables.shape[1])
        tables = {name: tables[name] for name in tables}
    tables = {} if tables is None else tables
    if isinstance(tables, pd.DataFrame) or not isinstance(tables, Mapping):
        raise TypeError(
            "with_characteristics takes tables by name: panel.with_characteristics(reversal=table), a dict of names "
            f"and tables, or a long frame indexed by (date, ticker); {described_kind(tables)} was given."
        )
    twice = [name for name in tables if name in more]
    if twice:
        raise ValueError(f"{first_few(map(repr, twice))} is given twice, in the dict and by keyword. Give one table.")
    if not tables and not more:
        raise ValueError("with_characteristics needs a table at least: panel.with_characteristics(reversal=table).")
    return {**tables, **more}


def _table(panel, name, values, dtype):
    """One characteristic, (n_dates, n_tickers), in the precision of the others."""
    if isinstance(values, pd.Series):
        table = _of_series(panel, name, values)
    else:
        tables = Tables()
        tables.takes_in("the panel", {"n_dates": panel.dates, "n_tickers": panel.tickers})
        table = tables.array(str(name), values, missing=True, keep_precision=True)
    with np.errstate(over="ignore", invalid="ignore"):  # what is beyond the precision becomes infinite, and is refused
        table = table.astype(dtype, copy=False)
        table = as_array(str(name), table, DATES_AND_TICKERS, missing=True, keep_precision=True)
    _require_known_before(name, table, panel.returns, "sort_index().groupby(level=1)." * isinstance(values, pd.Series))
    return table


def _of_series(panel, name, series):
    """The numbers of a series indexed by (date, ticker) at their places; a word on those that have none."""
    if series.index.nlevels != 2:
        raise TypeError(
            f"{name} is a Series indexed by {series.index.nlevels} level(s); (date, ticker) is needed. Or pass a table "
            "of dates x tickers."
        )
    numbers = as_array(str(name), series.to_numpy(), ("n_rows",), missing=True, keep_precision=True)
    dates, tickers = dates_and_tickers(series.to_frame(), str(name))
    d, s = panel.dates.get_indexer(dates), panel.tickers.get_indexer(tickers)
    known = ~np.isnan(numbers)
    here = (d >= 0) & (s >= 0)
    if not here.any():
        raise ValueError(
            f"{name} has no row of a date and ticker of the panel. Its dates are {short(dates.min())} to "
            f"{short(dates.max())}, its tickers {first_few(tickers.unique())}; the panel's are {short(panel.dates[0])} "
            f"to {short(panel.dates[-1])}, and {first_few(panel.tickers)}. Write both alike."
        )
    if type(dates) is type(panel.dates):  # month ends and last trading days agree in two months of three
        require_one_calendar(f"The dates of {name} and of the panel", panel.dates.union(dates.unique()).sort_values())
    lost = known & ~here
    if lost.any():
        warnings.warn(
            f"{int(lost.sum()):,} of the {int(known.sum()):,} values of {name} are left out: the panel has no such "
            f"date or ticker, as {series.index[lost][0]}.",
            UserWarning,
            stacklevel=5,
        )
    table = np.full(panel.shape, np.nan, numbers.dtype)
    table[d[here], s[here]] = numbers[here]
    return table


def _require_known_before(name, table, returns, by_ticker):
    """Refuses a table that is a multiple of the returns of its own dates, or of the next: of what is not known yet."""
    for ahead, when in enumerate(("the same date", "the next date")):
        x, r = table[: len(table) - ahead], returns[ahead:]
        both = ~np.isnan(x) & ~np.isnan(r)
        x, r = x[both].astype(float), r[both].astype(float)
        if len(r) < FEW or no_spread(r):
            continue
        multiple = x @ r / (r @ r) * r
        near = ALIKE * np.abs(multiple) + 1e-9 * np.abs(multiple).max()
        if multiple.any() and (np.abs(x - multiple) <= near).all():
            raise ValueError(
                f"{name} is the return of {when}, or a multiple of it, and row d of a characteristic must be known "
                f"BEFORE the return of row d is earned. Shift it by date, such as {name}.{by_ticker}shift({1 + ahead})."
            )
        # Returns may be like those of the date before, which are known.
        if abs(alike := like(x, r)) > max(LOOKS_THE_SAME, abs(like(table[1:].ravel(), returns[:-1].ravel()))):
            warnings.warn(
                f"{name} looks like the return of {when} (correlation {alike:.3f}), which is not known before it. If "
                f"it is made of it, shift it by date, such as {name}.{by_ticker}shift({1 + ahead}).",
                UserWarning,
                stacklevel=5,
            )


def _behind_rows(z, tables):
    """The stored rows with further columns; where a table knows what had no row, there is one now."""
    known = np.zeros(z.shape[:2], bool)
    for table in tables:
        known |= ~np.isnan(table)
    n_old, n_chars, dtype = int(z.there().sum()), z.shape[2] + len(tables), tables[0].dtype
    n_rows = int((known | z.there()).sum())
    if n_rows > 2 * n_old and n_rows * n_chars * dtype.itemsize > LARGEST:
        raise ValueError(
            f"The tables have values for {n_rows - n_old:,} dates and tickers at which the panel stores no row, beside "
            f"its {n_old:,} rows: together they would take {n_rows * n_chars * dtype.itemsize / 1e9:.1f} GB. Leave "
            "NaN where a ticker is not there."
        )
    z = z.with_rows(known)
    d, s = z.dates(), z.columns[z.rows]
    values = np.empty((len(s), n_chars), dtype)
    values[:, : z.shape[2]] = z.values[z.rows]
    for j, table in enumerate(tables, z.shape[2]):
        values[:, j] = table[d, s]
    return z.with_values(values)
