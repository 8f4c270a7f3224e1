"""The Panel: returns, the characteristics known before them, and the observed portfolios, by date and ticker."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.checks import as_array
from helpers.labels import (
    as_labels,
    columns_named,
    columns_of_numbers,
    dates_and_tickers,
    follows,
    pairs,
    require_one_calendar,
    rows_at,
    rows_for,
    rows_named,
    short,
    written,
)
from helpers.tables import DATES_AND_TICKERS, Tables

# Where a long frame carries what of its panel has no place in its rows and columns.
ASIDE = "panel"

Table = ArrayLike | pd.DataFrame | pd.Index | None


@dataclass(frozen=True, eq=False, repr=False)
class Panel:
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

    if TYPE_CHECKING:
        # What an editor shows: the constructor takes whatever becomes these.
        def __init__(
            self, returns: Table, characteristics: Table = None, portfolios: Table = None, dates: Table = None,
            tickers: Table = None, characteristic_names: Table = None, portfolio_names: Table = None
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
        if self.characteristics is not None:
            of_characteristics = "characteristics", self.characteristics, (*DATES_AND_TICKERS, "n_chars")
            characteristics = tables.array(*of_characteristics, missing=True, keep_precision=True)
        if self.portfolios is not None:
            of_portfolios = "portfolios", self.portfolios, ("n_dates", "n_portfolios")
            portfolios = tables.array(*of_portfolios, missing=True, keep_precision=True)
            as_array("portfolios", portfolios[: _n_happened(returns)], of_portfolios[2])
        elif self.portfolio_names is not None:
            raise ValueError("portfolio_names was given without portfolios. Pass both or neither.")

        self._settle(returns, characteristics, portfolios, lambda array: read_only(np.array(array)), tables)

    @classmethod
    def _of(cls, **parts):
        """The panel that takes over arrays made for it alone: labels are checked, arrays neither checked nor copied."""
        panel = object.__new__(cls)
        panel.__setstate__({name: None for name in cls.__dataclass_fields__} | parts)
        panel._settle(panel.returns, panel.characteristics, panel.portfolios, read_only, Tables())
        return panel

    def _settle(self, returns, characteristics, portfolios, frozen, tables):
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
        return _n_happened(self.returns)

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
            f"{short(self.dates[0])} to {short(self.dates[-1])})"
        )

    def __setstate__(self, state):
        for name, value in state.items():  # numpy forgets, on copying and unpickling, that an array is read-only
            object.__setattr__(self, name, read_only(value))

    def __getitem__(self, dates: Any) -> Panel:
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
        part = self._with({name: getattr(self, name)[rows] for name in by_date if getattr(self, name) is not None})
        if part.n_dates == 0:
            raise ValueError(
                f"No date is left by panel[{written(dates)}]: the panel has {self.n_dates} dates, "
                f"{short(self.dates[0])} to {short(self.dates[-1])}."
            )
        return part

    def select_tickers(self, tickers: Iterable[Hashable]) -> Panel:
        """The panel of some of its tickers, in the order given; the portfolios stay as they are.

        Parameters
        ----------
        tickers : sequence
            Labels out of `panel.tickers`.
        """
        columns = columns_named(self.tickers, tickers)
        parts = {"returns": self.returns[:, columns], "characteristics": self.characteristics[:, columns]}
        return self._with(parts | {"tickers": self.tickers[columns]})

    def sel(self, dates: Any = None, tickers: Iterable[Hashable] | None = None) -> Panel:
        """The panel of some of its dates and of some of its tickers, by their labels.

        Parameters
        ----------
        dates : label, slice of labels or sequence of labels, optional
            Such as "2003" (all dates of that year), slice("2003", "2005-06") or some of `panel.dates`; all dates if
            left out.
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
            return panel[dates]
        if isinstance(dates, str) or not isinstance(dates, Iterable):
            dates = [dates]
        rows = [rows_named(self.dates, date) for date in dates]
        return panel[np.unique(np.concatenate([np.array([], int), *rows]))]

    def joined(self, later: Panel) -> Panel:
        """The panel of these dates and, after them, those of a later panel of the same market.

        Parameters
        ----------
        later : Panel
            Begins after this one ends; the same tickers, characteristics and portfolios in the same order.
        """
        require_panel(later)
        if not follows(self.dates, later.dates):
            raise ValueError(
                f"The later panel must begin after the first, which ends at {short(self.dates[-1])}; it begins at "
                f"{short(later.dates[0])}. Cut both from one panel, such as panel[:60] and panel[60:120]."
            )
        for name in ("tickers", "characteristic_names", "portfolio_names"):
            ours, theirs = getattr(self, name), getattr(later, name)
            if (ours is None) != (theirs is None) or (ours is not None and not ours.equals(theirs)):
                raise ValueError(f"The two panels differ in {name}, or in their order. Cut both from one panel.")
        by_date = ("returns", "characteristics") + ("portfolios",) * (self.portfolios is not None)
        parts = {name: read_only(np.concatenate([getattr(self, name), getattr(later, name)])) for name in by_date}
        return self._with(parts | {"dates": self.dates.append(later.dates)})

    def _with(self, parts):
        """The panel with some of its parts exchanged for others known to be sound; nothing is copied or checked."""
        panel = object.__new__(Panel)
        panel.__setstate__(vars(self) | parts)
        return panel

    def rows(self, dates: Any) -> slice | np.ndarray:
        """The positions of the dates, as a slice or an array: what `panel[dates]` takes from each of its arrays."""
        return rows_at(self.dates, dates)

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
        """
        dates, tickers = dates_and_tickers(frame)
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
        half = (frame.dtypes == np.float32).all()
        shape = (len(date_labels), len(ticker_labels), len(frame.columns))
        grid = np.full(shape, np.nan, np.float32 if half else float)
        grid[date_codes, ticker_codes] = frame[[returns, *names]].to_numpy(dtype=grid.dtype, na_value=np.nan)
        if portfolios is None and aside is not None:
            portfolios = aside.portfolios
        if portfolios is not None:
            portfolios = rows_for(portfolios, date_labels)
        return cls(
            returns=grid[:, :, 0],
            characteristics=grid[:, :, 1:],
            portfolios=portfolios,
            dates=date_labels,
            tickers=ticker_labels,
            characteristic_names=names,
        )

    def to_frame(self) -> pd.DataFrame:
        """The long frame of the panel, indexed by (date, ticker): `returns`, then the characteristics.

        Rows with neither a return nor a characteristic are left out, so that gaps stay gaps; but a date, or a ticker,
        that would be lost with all of its rows keeps them, or one. The portfolios, and the order of the tickers, travel
        in `frame.attrs`: `Panel.from_frame(panel.to_frame())` gives the panel back.
        """
        values = np.concatenate([self.returns[:, :, None], self.characteristics], axis=2)
        kept = ~np.isnan(values).all(axis=2)
        kept[~kept.any(axis=1)] = True
        kept[0, ~kept.any(axis=0)] = True
        rows = pairs(self.dates, self.tickers)[kept.ravel()]
        frame = pd.DataFrame(values[kept], rows, ["returns", *self.characteristic_names])
        table = None if self.portfolios is None else pd.DataFrame(self.portfolios, self.dates, self.portfolio_names)
        frame.attrs[ASIDE] = _Aside(self.tickers, table)
        return frame


class _Aside(dict):
    """What of a panel does not fit into a long frame: its order of tickers, and its table of portfolios or None.

    pandas copies attrs at every step: this is handed on as it is, and equals itself alone. Parquet files keep attrs as
    JSON, and there it is an empty dict.
    """

    def __init__(self, tickers, portfolios):
        super().__init__()
        self.tickers, self.portfolios = tickers, portfolios

    __eq__, __ne__, __hash__ = object.__eq__, object.__ne__, object.__hash__  # type: ignore[assignment]

    def __deepcopy__(self, memo):
        return self


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


def _n_happened(returns):
    """The number of dates up to the last with a return."""
    with_returns = np.flatnonzero(~np.isnan(returns).all(axis=1))
    return int(with_returns[-1]) + 1 if len(with_returns) else 0


def read_only(values: Any) -> Any:
    """A view of the array that cannot be written to; anything else as it is."""
    if isinstance(values, np.ndarray):
        values = values.view()
        values.flags.writeable = False
    return values
