"""The Panel: returns, the characteristics known before them, and the observed portfolios, by date and ticker."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.checks import as_array, first_few


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
        Returns of observed portfolios in fractions per period: given factors, or what a Factor network reads.
    dates, tickers, characteristic_names, portfolio_names : sequences, optional
        Labels. Dates must ascend; none may repeat. Where they are left out, those of a DataFrame are taken, else 0, 1, 2, ….

    Raises
    ------
    TypeError
        If an array does not hold numbers.
    ValueError
        If shapes or labels disagree, labels repeat, dates do not ascend, or a value is infinite (or, in portfolios, NaN).

    Notes
    -----
    The arrays are copied once and then read-only. `panel[a:b]` is a panel of the dates a to b, by position or by date label;
    `panel.select_tickers(labels)` one of some tickers. Dates given as text like 2020-01-31 become timestamps.
    """

    returns: np.ndarray
    characteristics: np.ndarray | None = None
    portfolios: np.ndarray | None = None
    dates: pd.Index | None = None
    tickers: pd.Index | None = None
    characteristic_names: pd.Index | None = None
    portfolio_names: pd.Index | None = None

    def __post_init__(self):
        if isinstance(self.returns, pd.DataFrame) and self.returns.index.nlevels > 1:
            raise TypeError("returns must be a table of dates x tickers; a long frame was given. Call Panel.from_frame(frame).")
        returns = as_array("returns", self.returns, ("n_dates", "n_tickers"), missing=True)
        n_dates, n_tickers = returns.shape
        if returns.size == 0:
            raise ValueError(f"returns must hold at least one date and one ticker; its shape is {returns.shape}.")
        sizes = {"n_dates": n_dates, "n_tickers": n_tickers}
        if self.characteristics is None:
            characteristics = np.empty((n_dates, n_tickers, 0))
        else:
            axes = ("n_dates", "n_tickers", "n_chars")
            characteristics = as_array("characteristics", self.characteristics, axes, missing=True, sizes=sizes)
        portfolios = None
        if self.portfolios is not None:
            portfolios = as_array("portfolios", self.portfolios, ("n_dates", "n_portfolios"), sizes=sizes)
        elif self.portfolio_names is not None:
            raise ValueError("portfolio_names was given without portfolios. Pass both or neither.")

        self._settle(returns, characteristics, portfolios, _frozen)

    @classmethod
    def _of(cls, **parts):
        """The panel that takes over arrays made for it alone: its labels are checked, the arrays neither checked nor copied."""
        panel = object.__new__(cls)
        panel.__setstate__({name: None for name in cls.__dataclass_fields__} | parts)
        panel._settle(panel.returns, panel.characteristics, panel.portfolios, read_only)
        return panel

    def _settle(self, returns, characteristics, portfolios, frozen):
        """Checks the labels against the arrays, and stores both."""
        n_dates, n_tickers = returns.shape
        dates = _as_dates("dates", _labels("dates", self.dates, n_dates, self.returns, "index"))
        if not dates.is_monotonic_increasing:
            raise ValueError("dates must ascend, and these do not. Sort the panel by date first (Panel.from_frame does it).")
        _require_same_dates(self.portfolios, dates)
        names = _labels("characteristic_names", self.characteristic_names, characteristics.shape[2])
        if "returns" in names:
            raise ValueError("characteristic_names must not hold 'returns': to_frame gives that name to the returns. Rename it.")
        found = {
            "returns": frozen(returns),
            "characteristics": frozen(characteristics),
            "portfolios": None if portfolios is None else frozen(portfolios),
            "dates": dates.rename("date"),
            "tickers": _labels("tickers", self.tickers, n_tickers, self.returns, "columns").rename("ticker"),
            "characteristic_names": names,
            "portfolio_names": None
            if portfolios is None
            else _labels("portfolio_names", self.portfolio_names, portfolios.shape[1], self.portfolios, "columns"),
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    @property
    def n_dates(self):
        """The number of dates."""
        return self.returns.shape[0]

    @property
    def n_tickers(self):
        """The number of tickers."""
        return self.returns.shape[1]

    @property
    def n_characteristics(self):
        """The number of characteristics of each ticker."""
        return self.characteristics.shape[2]

    @property
    def n_portfolios(self):
        """The number of observed portfolios."""
        return 0 if self.portfolios is None else self.portfolios.shape[1]

    def __repr__(self):
        missing = np.isnan(self.returns).mean()
        return (
            f"Panel({self.n_dates} dates x {self.n_tickers} tickers, {self.n_characteristics} characteristics, "
            f"{self.n_portfolios} portfolios, {missing:.1%} missing, "
            f"{_short(self.dates[0])} to {_short(self.dates[-1])})"
        )

    def __setstate__(self, state):
        for name, value in state.items():  # numpy forgets, on copying and unpickling, that an array is read-only
            object.__setattr__(self, name, read_only(value))

    def __getitem__(self, dates):
        """The panel of some of its dates.

        Parameters
        ----------
        dates : slice or array
            A slice of positions or of date labels, the last label included; or ascending positions; or one bool for each date.
        """
        rows = self.rows(dates)
        by_date = ("returns", "characteristics", "portfolios", "dates")
        part = self._with({name: getattr(self, name)[rows] for name in by_date if getattr(self, name) is not None})
        if part.n_dates == 0:
            raise ValueError(
                f"No date is left by panel[{_written(dates)}]: the panel has {self.n_dates} dates, "
                f"{_short(self.dates[0])} to {_short(self.dates[-1])}."
            )
        return part

    def select_tickers(self, tickers):
        """The panel of some of its tickers, in the order given; the portfolios stay as they are.

        Parameters
        ----------
        tickers : sequence
            Labels out of `panel.tickers`.
        """
        if isinstance(tickers, str) or not isinstance(tickers, Iterable):
            raise TypeError(f"tickers must be a sequence of labels, such as [{tickers!r}]; {tickers!r} was given.")
        wanted = pd.Index(list(tickers))
        if not len(wanted) or not wanted.is_unique:
            raise ValueError(f"tickers must hold at least one label, and they must all differ; {first_few(wanted)} was given.")
        unknown = wanted.difference(self.tickers)
        if len(unknown):
            raise ValueError(f"tickers {first_few(unknown)} are not in the panel, whose tickers are {first_few(self.tickers)}.")
        columns = self.tickers.get_indexer(wanted)
        parts = {"returns": self.returns[:, columns], "characteristics": self.characteristics[:, columns]}
        return self._with(parts | {"tickers": self.tickers[columns]})

    def _with(self, parts):
        """The panel with some of its parts exchanged for others known to be sound; nothing is copied or checked."""
        panel = object.__new__(Panel)
        panel.__setstate__(vars(self) | parts)
        return panel

    def rows(self, dates):
        """The positions of the dates, as a slice or an array: what `panel[dates]` takes from each of its arrays."""
        if isinstance(dates, tuple):
            raise TypeError("A panel is cut by dates only, panel[dates]. For tickers use panel.select_tickers(labels).")
        if isinstance(dates, slice):
            if dates.step not in (None, 1):
                raise ValueError(f"A panel is cut into consecutive dates; the step {dates.step} was given. Leave it out.")
            ends = (dates.start, dates.stop)
            labels_are_numbers = pd.api.types.is_numeric_dtype(self.dates)
            if all(end is None or isinstance(end, (int, np.integer)) for end in ends):
                too_far = [end for end in ends if end is not None and abs(end) > self.n_dates]
                if too_far and labels_are_numbers and not isinstance(self.dates, pd.RangeIndex):
                    raise ValueError(
                        f"panel[{_written(dates)}]: whole numbers are positions, 0 to {self.n_dates}, and {too_far[0]} is beyond. "
                        "To cut by date, make the dates timestamps first, with pd.to_datetime(dates, format=...)."
                    )
                return slice(*ends)
            try:
                if labels_are_numbers:
                    raise TypeError
                return self.dates.slice_indexer(*ends)
            except (TypeError, ValueError, KeyError):
                raise TypeError(
                    f"panel[{_written(dates)}] is neither a slice of positions nor one of timestamps like the panel's, "
                    f"{_short(self.dates[0])} to {_short(self.dates[-1])}."
                ) from None
        rows = np.asarray(dates)
        if rows.ndim == 1 and rows.dtype == bool and len(rows) == self.n_dates:
            return np.flatnonzero(rows)
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise TypeError(
                f"panel[...] takes a slice of dates, such as panel[:120] or panel[120:121], or an array of positions; "
                f"{_written(dates)} was given."
            )
        if len(rows) and (rows.min() < 0 or rows.max() >= self.n_dates or (np.diff(rows) <= 0).any()):
            raise ValueError(f"Positions of dates must ascend within 0 to {self.n_dates - 1}; {_written(dates)} was given.")
        return rows

    @classmethod
    def from_frame(cls, frame, portfolios=None, returns="returns"):
        """The panel that a long frame describes: one row for each (date, ticker), in any order, with gaps allowed.

        Parameters
        ----------
        frame : DataFrame
            Indexed by (date, ticker). One column holds the returns (fractions per period), every other one a characteristic
            known BEFORE the return of its row is earned.
        portfolios : DataFrame, optional
            Indexed by date, one column for each portfolio, without NaN. It must cover the frame's dates; others are dropped.
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
        dates, tickers = _levels(frame)
        if not isinstance(returns, Hashable):
            raise TypeError(f"returns must be the name of one column; {returns!r} was given.")
        if returns not in frame.columns:
            raise ValueError(f"frame has no column {returns!r}; it has {first_few(frame.columns, 8)}. Pass returns='its name'.")
        if not frame.columns.is_unique:
            raise ValueError(f"frame has repeated columns: {first_few(frame.columns[frame.columns.duplicated()])}. Rename them.")
        if "returns_fwd" in frame.columns and returns != "returns_fwd":
            raise ValueError(
                "frame has a column 'returns_fwd', which is not known before the return of its row. "
                "Drop it: a characteristic that holds the future would leak it."
            )
        names = [name for name in frame.columns if name != returns]
        for name in frame.columns:
            if not pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_complex_dtype(frame[name]):
                raise TypeError(f"Column {name!r} of frame holds {frame[name].dtype}, not numbers. Convert or drop it.")
        date_codes, date_labels = pd.factorize(dates, sort=True)
        ticker_codes, ticker_labels = pd.factorize(tickers, sort=True)
        grid = np.full((len(date_labels), len(ticker_labels), len(frame.columns)), np.nan)
        grid[date_codes, ticker_codes] = frame[[returns, *names]].to_numpy(dtype=float, na_value=np.nan)
        if portfolios is not None:
            portfolios = _portfolios_for(portfolios, date_labels)
        return cls(
            returns=grid[:, :, 0],
            characteristics=grid[:, :, 1:],
            portfolios=portfolios,
            dates=date_labels,
            tickers=ticker_labels,
            characteristic_names=names,
        )

    def to_frame(self):
        """The long frame of the panel, indexed by (date, ticker): `returns`, then the characteristics.

        Rows with neither a return nor a characteristic are left out, so that gaps stay gaps.
        """
        values = np.concatenate([self.returns[:, :, None], self.characteristics], axis=2)
        frame = pd.DataFrame(
            values.reshape(-1, values.shape[2]),
            index=pd.MultiIndex.from_product([self.dates, self.tickers], names=["date", "ticker"]),
            columns=["returns", *self.characteristic_names],
        )
        return frame.dropna(how="all")


def split_by_date(panel, fractions=(1 / 3, 1 / 3, 1 / 3), at=None):
    """The panel cut into consecutive parts in time order: the past to learn from, then what comes later.

    Parameters
    ----------
    panel : Panel
    fractions : sequence of float
        The share of the dates in each part; they add up to 1. The default is the paper's: thirds to train, validate and test.
    at : sequence, optional
        Instead of fractions: the first date of each part but the first, as date labels or as positions.

    Returns
    -------
    parts : tuple of Panel

    Raises
    ------
    ValueError
        If the fractions do not add up to 1, or a part would be empty.
    """
    require_panel(panel)
    if at is None:
        shares = as_array("fractions", fractions, ("n_parts",))
        if (shares <= 0).any() or abs(shares.sum() - 1) > 1e-9:
            raise ValueError(f"fractions must be above 0 and add up to 1; {tuple(fractions)} was given.")
        cuts = np.round(np.cumsum(shares)[:-1] * panel.n_dates).astype(int)
    else:
        if isinstance(at, str) or not isinstance(at, Iterable):
            raise TypeError(f"at must be a sequence of dates or positions, such as [{at!r}]; {at!r} was given.")
        cuts = [_position(cut, panel.dates) for cut in at]
    edges = [0, *cuts, panel.n_dates]
    if (np.diff(edges) <= 0).any():
        raise ValueError(
            f"Every part needs at least one date, in time order; the parts asked for would begin at positions "
            f"{[int(edge) for edge in edges[:-1]]} of {panel.n_dates} dates."
        )
    return tuple(panel[a:b] for a, b in zip(edges[:-1], edges[1:], strict=True))


def _position(cut, dates):
    """The position itself, or that of the first date which is not before the label."""
    if isinstance(cut, (int, np.integer)):
        return int(cut)
    try:
        if pd.api.types.is_numeric_dtype(dates):
            raise TypeError
        return dates.slice_indexer(start=cut).start
    except (TypeError, ValueError, KeyError):
        raise ValueError(
            f"at must hold positions, or dates like the panel's ({_short(dates[0])} to {_short(dates[-1])}); {cut!r} was given."
        ) from None


def require_panel(panel, characteristics=False, portfolios=False):
    """Nothing, or an error that says which part of the panel is missing and how to get it."""
    if not isinstance(panel, Panel):
        raise TypeError(f"A Panel is needed; a {type(panel).__name__} was given. Make one with Panel(...) or Panel.from_frame.")
    if characteristics and not panel.n_characteristics:
        raise ValueError("The panel has no characteristics, and they are needed here. Pass Panel(..., characteristics=...).")
    if portfolios and not panel.n_portfolios:
        raise ValueError("The panel has no portfolios, and they are needed here. Pass Panel(..., portfolios=...).")


def _levels(frame):
    """The dates and tickers of a long frame's rows, refused where they could be mistaken for something else."""
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame must be a DataFrame indexed by (date, ticker); a {type(frame).__name__} was given.")
    if not isinstance(frame.index, pd.MultiIndex) or frame.index.nlevels != 2:
        raise TypeError("frame must be indexed by (date, ticker). Call frame.set_index(['date', 'ticker']) first.")
    if frame.empty:
        raise ValueError(f"frame is empty: it has {frame.shape[0]} rows and {frame.shape[1]} columns.")
    dates, tickers = (frame.index.get_level_values(level) for level in (0, 1))
    names = [str(name).lower() for name in frame.index.names]
    swapped = isinstance(tickers, (pd.DatetimeIndex, pd.PeriodIndex)) or names[1] in ("date", "month") or names[0] == "ticker"
    if swapped:
        raise TypeError("frame is indexed by (ticker, date); (date, ticker) is needed. Call frame.swaplevel() first.")
    dates = _as_dates("The dates of frame", dates)
    if dates.isna().any() or tickers.isna().any():
        raise ValueError("frame has rows without a date or a ticker. Drop them first.")
    if pd.api.types.infer_dtype(dates).startswith("mixed"):
        raise TypeError(
            f"The dates of frame are of several types: {first_few({type(d).__name__ for d in dates})}. Make them one."
        )
    repeated = frame.index.duplicated()
    if repeated.any():
        raise ValueError(
            f"frame has {int(repeated.sum())} repeated (date, ticker) row(s), such as {frame.index[repeated][0]}. "
            "Keep one: frame[~frame.index.duplicated()]."
        )
    if pd.api.types.is_string_dtype(tickers):
        unique = tickers.unique()
        alike = unique[unique.str.strip().duplicated(keep=False)]
        if len(alike):
            raise ValueError(f"Some tickers differ by blanks only: {first_few(map(repr, alike))}. Strip them first.")
    return dates, tickers


def _as_dates(name, dates):
    """The dates, made timestamps where they are text like 2020-01-31; other text can be read in several ways, and is refused."""
    if not pd.api.types.is_string_dtype(dates):
        return dates
    if not dates.str.fullmatch(r"\d{4}-\d\d(-\d\d)?", na=True).all():
        raise TypeError(f"{name} are text such as {dates[0]!r}, not like '2020-01-31'. Convert them with pd.to_datetime.")
    try:
        return pd.to_datetime(dates)
    except ValueError as error:
        raise ValueError(f"{name} are text of which some is no date: {error}") from None


def _portfolios_for(portfolios, dates):
    if not isinstance(portfolios, pd.DataFrame):
        raise TypeError(f"portfolios must be a DataFrame indexed by date; a {type(portfolios).__name__} was given.")
    repeated = portfolios.index[portfolios.index.duplicated()]
    if len(repeated):
        raise ValueError(f"portfolios repeats the date(s) {first_few(map(_short, repeated))}. Keep one row for each.")
    absent = dates.difference(portfolios.index)
    if len(absent):
        raise ValueError(
            f"portfolios (dates {_short(portfolios.index[0])}, ...) has no row for {len(absent)} of the frame's dates: "
            f"{first_few(map(_short, absent))}. "
            "Drop those dates from the frame, or add the rows."
        )
    return portfolios.loc[dates]


def _labels(name, labels, n, source=None, axis=None):
    """The labels as an Index of n different entries: those given, else the DataFrame's, else 0, 1, 2, …."""
    own = getattr(source, axis) if isinstance(source, pd.DataFrame) else None
    if labels is None:
        labels = pd.RangeIndex(n) if own is None else own
    if isinstance(labels, str):
        raise TypeError(f"{name} must be a sequence of {n} labels; the text {labels!r} was given.")
    labels = pd.Index(labels)
    if len(labels) != n:
        raise ValueError(f"{name} must have {n} entries, as many as the array has; {len(labels)} were given.")
    if own is not None and not labels.equals(own):
        raise ValueError(f"{name} differ from the {axis} of the DataFrame given. Leave {name} out, or make them agree.")
    if labels.hasnans:
        raise ValueError(f"{name} has missing entries. Name every one.")
    if not labels.is_unique:
        raise ValueError(f"{name} must all differ; repeated: {first_few(labels[labels.duplicated()])}.")
    return labels


def _require_same_dates(portfolios, dates):
    if isinstance(portfolios, pd.DataFrame) and not portfolios.index.equals(dates):
        raise ValueError("The dates of portfolios differ from those of the panel. Align them first: portfolios.loc[dates].")


def _frozen(array):
    """A read-only copy."""
    return read_only(np.array(array))


def read_only(values):
    """A view of the array that cannot be written to; anything else as it is."""
    if isinstance(values, np.ndarray):
        values = values.view()
        values.flags.writeable = False
    return values


def _short(date):
    """The date as text, with its time zone if it has one."""
    if not isinstance(date, pd.Timestamp):
        return str(date)
    return date.date().isoformat() + (f" {date.tzname()}" if date.tzinfo else "")


def _written(dates):
    return f"{dates.start}:{dates.stop}" if isinstance(dates, slice) else repr(dates)
