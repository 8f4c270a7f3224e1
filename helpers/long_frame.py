"""A panel as a long frame of pandas, one row for each (date, ticker), and back."""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from helpers.calendars import note_on_turns
from helpers.checks import HUGE, LOOKS_THE_SAME, WHOLE_IN_FLOAT32, like
from helpers.compact import CompactArray, is_large
from helpers.labels import columns_of_numbers, dates_and_tickers, pairs, rows_for

# Where a long frame carries what of its panel has no place in its rows and columns.
ASIDE = "panel"


def parts_of_frame(frame: pd.DataFrame, portfolios: pd.DataFrame | None, returns: Hashable) -> dict[str, Any]:
    """The arguments of `Panel`, from those of `Panel.from_frame`."""
    dates, tickers = dates_and_tickers(frame)
    if tickers.dtype == np.float32 and tickers.max() > WHOLE_IN_FLOAT32:
        raise ValueError(
            f"The tickers of frame are in float32, which keeps 7 digits: longer numbers have become others, such as "
            f"{tickers.max():.0f}. Write them as whole numbers or text."
        )
    names = columns_of_numbers(frame, returns)
    aside = frame.attrs.get(ASIDE)
    if not isinstance(aside, _Aside):
        aside = None
    date_codes, date_labels = pd.factorize(dates, sort=True)
    if date_labels.equals(pd.RangeIndex(len(date_labels))):
        date_labels = pd.RangeIndex(len(date_labels))
    ticker_codes, ticker_labels = pd.factorize(tickers, sort=True)
    if aside is not None and ticker_labels.isin(aside.tickers).all():
        ticker_labels = aside.tickers[aside.tickers.isin(ticker_labels)]
        ticker_codes = ticker_labels.get_indexer(tickers)
    dtype = np.dtype(np.float32 if (frame.dtypes == np.float32).all() else float)
    shape = (len(date_labels), len(ticker_labels))

    def numbers(columns):
        return frame[columns].to_numpy(dtype=dtype, na_value=np.nan)

    earned = np.full(shape, np.nan, dtype)
    earned[date_codes, ticker_codes] = numbers(returns)
    turns = note_on_turns(~np.isnan(earned), date_labels)
    if turns:
        warnings.warn(turns, UserWarning, stacklevel=3)
    _warn_of_returns(frame, names, earned, date_codes, ticker_codes)
    z: np.ndarray | CompactArray
    if is_large(len(frame), (*shape, len(names)), dtype.itemsize):
        order = np.lexsort((ticker_codes, date_codes))
        starts = np.concatenate([[0], np.bincount(date_codes, minlength=shape[0]).cumsum()])
        z = CompactArray(numbers(names)[order], ticker_codes[order].astype(np.int32), starts, shape[1])
    else:
        z = np.full((*shape, len(names)), np.nan, dtype)
        z[date_codes, ticker_codes] = numbers(names)
    side = {}
    if aside is not None:
        portfolios = aside.portfolios if portfolios is None else portfolios
        side = {name: table.reindex(index=date_labels, columns=ticker_labels) for name, table in aside.side.items()}
    return {
        "returns": earned,
        "characteristics": z,
        "portfolios": None if portfolios is None else rows_for(portfolios, date_labels),
        "dates": date_labels,
        "tickers": ticker_labels,
        "characteristic_names": names,
        "side": side,
    }


def _warn_of_returns(frame, names, earned, date_codes, ticker_codes):
    """Warns of columns that look like the return of their row, or of the next date: neither is known before it."""
    nobody = np.full((1, earned.shape[1]), np.nan)
    padded = np.concatenate([nobody, np.where(np.abs(earned) < HUGE, earned, np.nan), nobody])
    before, own, following = (padded[date_codes + d, ticker_codes] for d in range(3))
    for name in names:
        x = frame[name].to_numpy(dtype=float, na_value=np.nan)
        both = [like(x, own), like(x, following)]
        ahead = int(np.argmax(np.abs(both)))
        # Returns may be like those of the date before, which are known: then all three are alike, and that one most.
        if abs(both[ahead]) > max(LOOKS_THE_SAME, abs(like(x, before))):
            warnings.warn(
                f"Column {name!r} of frame looks like the return of {('its own row', 'the next date')[ahead]} "
                f"(correlation {both[ahead]:.3f}), which is not known before it. Leave it out, or shift it by date: "
                f"frame[{name!r}].sort_index().groupby(level=1).shift({1 + ahead}).",
                UserWarning,
                stacklevel=4,
            )


def long_frame(panel: Any) -> pd.DataFrame:
    """What `Panel.to_frame` gives."""
    z, r = panel.characteristics, panel.returns
    some = z.there() if isinstance(z, CompactArray) else ~np.isnan(z).all(axis=2)
    kept = some | ~np.isnan(r)
    kept[~kept.any(axis=1)] = True
    kept[0, ~kept.any(axis=0)] = True
    rows = pairs(panel.dates, panel.tickers)[kept.ravel()]
    values = np.column_stack([r[kept], z[kept]])
    frame = pd.DataFrame(values, rows, ["returns", *panel.characteristic_names])
    table = None if panel.portfolios is None else pd.DataFrame(panel.portfolios, panel.dates, panel.portfolio_names)
    side = {name: pd.DataFrame(values, panel.dates, panel.tickers) for name, values in panel.side.items()}
    frame.attrs[ASIDE] = _Aside(panel.tickers, table, side)
    return frame


class _Aside(dict):
    """What of a panel does not fit into a long frame: its order of tickers, its portfolios or None, its side data.

    pandas copies attrs at every step: this is handed on as it is, and equals itself alone. Parquet files keep attrs as
    JSON, and there it is an empty dict.
    """

    def __init__(self, tickers, portfolios, side):
        super().__init__()
        self.tickers, self.portfolios, self.side = tickers, portfolios, side

    __eq__, __ne__, __hash__ = object.__eq__, object.__ne__, object.__hash__  # type: ignore[assignment]

    def __deepcopy__(self, memo):
        return self
