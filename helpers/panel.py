"""The Panel: returns, the characteristics known before them, and the observed portfolios, by date and ticker."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.added import parts_with
from helpers.calendars import require_one_calendar
from helpers.checks import as_array, frozen_copy, n_happened, read_only
from helpers.compact import CompactArray
from helpers.labels import as_labels, short
from helpers.long_frame import long_frame, parts_of_frame
from helpers.panel_folder import stored_panel, write_panel
from helpers.parts import Parts
from helpers.tables import DATES_AND_TICKERS, Tables

Table = ArrayLike | pd.DataFrame | pd.Index | None


@dataclass(frozen=True, eq=False, repr=False)
class Panel(Parts):
    """A market seen through its data: what each ticker earned at each date, and what was known before.

    Parameters
    ----------
    returns : (n_dates, n_tickers)
        R, in fractions per period (0.01 is one percent); NaN where there is none.
    characteristics : (n_dates, n_tickers, n_chars), optional
        X; row d is known BEFORE the return of row d is earned. NaN where unknown.
    portfolios : (n_dates, n_portfolios), optional
        Returns of observed portfolios in fractions per period: given factors, or what a Factor network reads. NaN only
        at dates that have not happened.
    dates, tickers, characteristic_names, portfolio_names : sequences, optional
        Labels. Dates must ascend; none may repeat. Where they are left out, those of a DataFrame are taken, else 0, 1,
        2, ….
    side : dict of str to (n_dates, n_tickers), optional
        What is known of the tickers before each date and is no characteristic that a model reads: market values for
        weights, industries, exchanges. Numbers, NaN where unknown, or text, None where unknown.

    Raises
    ------
    TypeError
        If an array does not hold numbers.
    ValueError
        If shapes or labels disagree, labels repeat, dates do not ascend, or a value is infinite (or, in portfolios, NaN
        at a date with returns or before one).

    Notes
    -----
    The arrays are copied once and then read-only. `panel[a:b]` is a panel of the dates a to b, by position or by date
    label; `panel.sel(dates, tickers)` one of some dates and tickers, by label. Dates given as text like 2020-01-31, or
    as Python's own, become timestamps.

    Of a large panel in which most tickers are absent at most dates, only the characteristics that exist are stored:
    `characteristics` is then a `CompactArray`, which gives any part of it as an array. `compact` makes any panel such.

    The last dates may be such as have not happened: their characteristics are known and no ticker has a return. Those
    are the dates that one forecasts; models learn nothing from them.
    """

    # What each holds once the panel is made; what may be left out is filled in, but for the portfolios and their names.
    returns: np.ndarray
    characteristics: np.ndarray = None  # type: ignore[assignment]
    portfolios: np.ndarray | None = None
    dates: pd.Index = None  # type: ignore[assignment]
    tickers: pd.Index = None  # type: ignore[assignment]
    characteristic_names: pd.Index = None  # type: ignore[assignment]
    portfolio_names: pd.Index | None = None
    side: Mapping[str, np.ndarray] = None  # type: ignore[assignment]

    if TYPE_CHECKING:
        # What an editor shows: the constructor takes whatever becomes these.
        def __init__(
            self, returns: Table, characteristics: Table = None, portfolios: Table = None, dates: Table = None,
            tickers: Table = None, characteristic_names: Table = None, portfolio_names: Table = None,
            side: Mapping[str, ArrayLike | pd.DataFrame] | None = None
        ): ...  # fmt: skip

    def __post_init__(self):
        if isinstance(self.returns, (pd.DataFrame, pd.Series)) and self.returns.index.nlevels > 1:
            raise TypeError(
                "returns must be a table of dates x tickers; a long frame was given. Call Panel.from_frame(frame)."
            )
        tables = Tables()
        returns = tables.array("returns", self.returns, missing=True, keep_precision=True)
        if returns.size == 0:
            raise ValueError(f"returns must hold at least one date and one ticker; its shape is {returns.shape}.")
        characteristics, portfolios = np.empty((*returns.shape, 0)), None
        if isinstance(self.characteristics, CompactArray):
            characteristics = self.characteristics.checked(returns.shape)
        elif self.characteristics is not None:
            of_characteristics = "characteristics", self.characteristics, (*DATES_AND_TICKERS, "n_chars")
            characteristics = tables.array(*of_characteristics, missing=True, keep_precision=True)
        if self.portfolios is not None:
            of_portfolios = "portfolios", self.portfolios, ("n_dates", "n_portfolios")
            portfolios = tables.array(*of_portfolios, missing=True, keep_precision=True)
            as_array("portfolios", portfolios[: n_happened(returns)], of_portfolios[2])
        elif self.portfolio_names is not None:
            raise ValueError("portfolio_names was given without portfolios. Pass both or neither.")

        side = {name: tables.side(name, values) for name, values in dict(self.side or {}).items()}
        self._settle(returns, characteristics, portfolios, side, frozen_copy, tables)

    @classmethod
    def _of(cls, **parts):
        """The panel that takes over arrays made for it alone: labels are checked, arrays neither checked nor copied."""
        panel = object.__new__(cls)
        panel.__setstate__({name: None for name in cls.__dataclass_fields__} | parts)
        side = parts.get("side") or {}
        panel._settle(panel.returns, panel.characteristics, panel.portfolios, side, read_only, Tables())
        return panel

    def _settle(self, returns, characteristics, portfolios, side, frozen, tables):
        """Checks the labels against the arrays and against those of the tables given, and stores both."""
        n_dates, n_tickers = returns.shape
        dates = as_labels("dates", self.dates, n_dates, tables.labels("n_dates"), dates=True)
        if not dates.is_monotonic_increasing:
            raise ValueError(
                "dates must ascend, and these do not. Sort the panel by date first (Panel.from_frame does it)."
            )
        require_one_calendar("dates", dates)
        tickers = as_labels("tickers", self.tickers, n_tickers, tables.labels("n_tickers"))
        n_chars = characteristics.shape[2]
        names = as_labels("characteristic_names", self.characteristic_names, n_chars, tables.labels("n_chars"))
        if "returns" in names:
            raise ValueError(
                "characteristic_names must not hold 'returns': to_frame gives that name to the returns. Rename it."
            )
        found = {
            "returns": frozen(returns),
            "characteristics": frozen(characteristics),
            "portfolios": None if portfolios is None else frozen(portfolios),
            "dates": dates.rename("date"),
            "tickers": tickers.rename("ticker"),
            "characteristic_names": names,
            "portfolio_names": None,
            "side": MappingProxyType({name: frozen(values) for name, values in side.items()}),
        }
        if portfolios is not None:
            own, n = tables.labels("n_portfolios"), portfolios.shape[1]
            found["portfolio_names"] = as_labels("portfolio_names", self.portfolio_names, n, own)
        for name, value in found.items():
            object.__setattr__(self, name, value)

    @property
    def n_dates(self) -> int:
        """The number of dates."""
        return self.returns.shape[0]

    @property
    def n_tickers(self) -> int:
        """The number of tickers."""
        return self.returns.shape[1]

    @property
    def n_characteristics(self) -> int:
        """The number of characteristics of each ticker."""
        return self.characteristics.shape[2]

    @property
    def n_portfolios(self) -> int:
        """The number of observed portfolios."""
        return 0 if self.portfolios is None else self.portfolios.shape[1]

    @property
    def n_happened(self) -> int:
        """How many dates have happened: those up to the last at which some ticker has a return."""
        return n_happened(self.returns)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_dates, n_tickers), as scikit-learn asks of what it cuts into folds."""
        return self.returns.shape

    def __len__(self) -> int:
        return self.n_dates

    def __repr__(self) -> str:
        missing = np.isnan(self.returns).mean()
        return (
            f"Panel({self.n_dates} dates x {self.n_tickers} tickers, {self.n_characteristics} characteristics, "
            f"{self.n_portfolios} portfolios, {missing:.1%} missing, "
            f"{short(self.dates[0])} to {short(self.dates[-1])}"
            f"{', beside it ' + ', '.join(self.side) if self.side else ''})"
        )

    def __getstate__(self):
        state = {name: value for name, value in vars(self).items() if name != "_cut"}
        return state | {"side": dict(self.side)}

    def __setstate__(self, state):
        side = {name: read_only(values) for name, values in (state.get("side") or {}).items()}
        for name, value in (state | {"side": MappingProxyType(side)}).items():
            # numpy forgets, on copying and unpickling, that an array is read-only
            object.__setattr__(self, name, read_only(value))

    def _with(self, parts):
        """The panel with some of its parts exchanged for others known to be sound; nothing is copied or checked."""
        panel = object.__new__(Panel)
        panel.__setstate__(self.__getstate__() | parts)
        return panel

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, portfolios: pd.DataFrame | None = None, returns: Hashable = "returns"
    ) -> Panel:
        """The panel that a long frame describes: one row for each (date, ticker), in any order, with gaps allowed.

        Parameters
        ----------
        frame : DataFrame
            Indexed by (date, ticker). One column holds the returns (fractions per period), every other one a
            characteristic known BEFORE the return of its row is earned.
        portfolios : DataFrame, optional
            Indexed by date, one column for each portfolio. It must cover the frame's dates; others are dropped. If left
            out, the portfolios of the panel that the frame came from, if it came from `to_frame`.
        returns : str
            The name of the column of returns.

        Raises
        ------
        TypeError
            If the frame is no DataFrame with a (date, ticker) index, dates are text, or a column is not numeric.
        ValueError
            If a (date, ticker) repeats, a label is missing, two tickers differ by blanks only, or a forward return
            (a column named ``returns_fwd``) stands among the characteristics.

        Warns
        -----
        UserWarning
            If a column looks like the return of its own row, or of the next date; or if the tickers come by turns, as
            those of two calendars do.
        """
        return cls(**parts_of_frame(frame, portfolios, returns))

    def to_frame(self) -> pd.DataFrame:
        """The long frame of the panel, indexed by (date, ticker): `returns`, then the characteristics.

        Rows with neither a return nor a characteristic are left out, so that gaps stay gaps; but a date, or a ticker,
        that would be lost with all of its rows keeps them, or one. The portfolios, the side data and the order of the
        tickers travel in `frame.attrs`: `Panel.from_frame(panel.to_frame())` gives the panel back.
        """
        return long_frame(self)

    def with_characteristics(self, tables: Mapping[Hashable, Any] | None = None, /, **more: Any) -> Panel:
        """The panel with further characteristics behind its own, as it is otherwise.

        Row d of each must be known BEFORE the return of row d is earned: returns themselves, and all that is made of
        them, are shifted by a date at least. A table of the returns of the same dates would let every model look
        ahead, and so would one of prices at the end of them.

        Parameters
        ----------
        tables : dict or DataFrame, optional
            Tables by their names, for names that are no Python words; or a long frame indexed by (date, ticker), of
            which each column is a characteristic.
        **more
            Tables by their names: (n_dates, n_tickers), NaN where unknown. Arrays go by position. A DataFrame must have
            the panel's dates and tickers in their order. A Series indexed by (date, ticker) has its rows in any order,
            with gaps: those that are absent are unknown, and values of dates or tickers that the panel has not are left
            out, with a warning.

        Returns
        -------
        Panel
            With numbers in the precision of its characteristics. Of a compact panel it is compact, with a row also
            where only the new tables know something. They are not ranked: `rank_across_tickers` ranks all.

        Raises
        ------
        TypeError
            If a table does not hold numbers.
        ValueError
            If a table has another shape or other labels, repeats a (date, ticker), holds infinite values or no date or
            ticker of the panel; if a name is one of the panel's; or if a table is a multiple of the returns of the same
            date, or of the next.

        Examples
        --------
        What each ticker earned the date before, as a characteristic:

        >>> panel = Panel(returns=[[0.01, 0.02], [0.03, -0.01], [0.00, 0.04]], tickers=["AAPL", "IBM"])
        >>> earned = pd.DataFrame(panel.returns, panel.dates, panel.tickers)
        >>> panel.with_characteristics(reversal=earned.shift(1)).characteristics[:, :, 0]
        array([[  nan,   nan],
               [ 0.01,  0.02],
               [ 0.03, -0.01]])
        """
        return Panel._of(**self.__getstate__() | parts_with(self, tables, more))

    def save(self, folder: str | Path) -> None:
        """Writes the panel into a folder of its own, whole or not at all; `Panel.load` opens it.

        Parameters
        ----------
        folder : str or path
            Made, or, if it holds a panel, replaced.
        """
        write_panel(self, folder)

    @classmethod
    def load(cls, folder: str | Path) -> Panel:
        """The panel that `save` wrote, read from disk where and when it is needed (a numpy memory map).

        So a panel may be larger than memory, and processes that load it share it.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such folder, or it is damaged or not one that `save` wrote.
        """
        return stored_panel(cls, folder)


def require_panel(panel: Any, characteristics: bool = False, portfolios: bool = False) -> None:
    """Refuses what is no panel, or one without a part that is needed, and says how to get it."""
    if not isinstance(panel, Panel):
        raise TypeError(
            f"A Panel is needed; a {type(panel).__name__} was given. Make one with Panel(...) or Panel.from_frame."
        )
    if characteristics and not panel.n_characteristics:
        raise ValueError(
            "The panel has no characteristics, and they are needed here. Pass Panel(..., characteristics=...)."
        )
    if portfolios and not panel.n_portfolios:
        raise ValueError("The panel has no portfolios, and they are needed here. Pass Panel(..., portfolios=...).")
