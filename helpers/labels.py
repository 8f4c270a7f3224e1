"""Labels: arrays that know what stands along their axes, and what is asked of the labels that a user brings."""

from collections.abc import Hashable, Iterable

import numpy as np
import pandas as pd

from helpers.checks import first_few, labels_along


class Labelled(np.ndarray):
    """An array with the labels of its axes: it computes as any array does, and `to_frame` shows it with its labels.

    What is computed from it, or cut out of it, is a plain array again: no label can stand beside a number it does not
    belong to.

    Attributes
    ----------
    axes : tuple of Index
        The labels along each axis.
    """

    __array_priority__ = -1.0  # beside any other array, the result is of the other's kind

    axes: tuple

    def __array_finalize__(self, source):
        """Views and copies start without labels."""
        self.axes = ()

    def __array_wrap__(self, array, context=None, return_scalar=False):
        """What a computation returns: a plain array, or a number."""
        array = np.asarray(array)
        return array[()] if return_scalar else array

    def __getitem__(self, key):
        """A part, as a plain array."""
        return np.asarray(self)[key]

    def __repr__(self):
        return repr(np.asarray(self))

    def __deepcopy__(self, memo):
        """The same numbers with the same labels: so scikit-learn's clone copies a parameter such as given betas."""
        return labelled(np.array(self), *self.axes) if self.axes else np.array(self)

    def __reduce__(self):
        values = np.asarray(self)
        return (labelled, (values, *self.axes)) if self.axes else values.__reduce__()

    def to_frame(self) -> pd.DataFrame | pd.Series:
        """The numbers with their labels.

        Returns
        -------
        Series or DataFrame
            Of one axis a Series; of two a DataFrame; of three, such as β, a long frame indexed by the first two, such
            as (date, ticker), with a column for each label of the third.
        """
        values = np.asarray(self)
        if len(self.axes) != values.ndim:
            raise ValueError(
                "These numbers were computed or reshaped since they had labels. Call to_frame on the model's own "
                "result."
            )
        if values.ndim == 1:
            return pd.Series(values, self.axes[0])
        if values.ndim == 2:
            return pd.DataFrame(values, *self.axes)
        return pd.DataFrame(values.reshape(-1, values.shape[2]), pairs(*self.axes[:2]), self.axes[2])


def labelled(values: np.ndarray, *axes: pd.Index) -> Labelled:
    """The values with labels along each axis, such as the dates, the tickers and the names of the factors.

    Parameters
    ----------
    values : array
    *axes : Index
        One for each axis, as long as it is.
    """
    values = np.asarray(values)
    if values.shape != tuple(map(len, axes)):
        raise ValueError(
            f"Labels for a shape of {tuple(map(len, axes))} were given, and the values have {values.shape}."
        )
    result = values.view(Labelled)
    result.axes = axes
    return result


def factor_names(n_factors: int) -> pd.Index:
    """The names of factors that have none of their own, F1, F2 and so on."""
    return pd.Index([f"F{k}" for k in range(1, n_factors + 1)], name="factor")


def pairs(first: pd.Index, second: pd.Index) -> pd.MultiIndex:
    """Every pair of labels, the second running faster; unlike pandas' own product it keeps the order of the labels."""
    codes = [np.repeat(np.arange(len(first)), len(second)), np.tile(np.arange(len(second)), len(first))]
    return pd.MultiIndex(levels=[first, second], codes=codes, names=[first.name, second.name])


def as_labels(name, labels, n, source=None, axis=0):
    """The labels as an Index of n different entries: those given, else those of the source's axis, else positions."""
    own = labels_along(source, axis)
    if labels is None:
        labels = pd.RangeIndex(n) if own is None else own
    if isinstance(labels, str):
        raise TypeError(f"{name} must be a sequence of {n} labels; the text {labels!r} was given.")
    labels = pd.Index(labels)
    if len(labels) != n:
        raise ValueError(f"{name} must have {n} entries, as many as the array has; {len(labels)} were given.")
    if own is not None and not labels.equals(own):
        raise ValueError(
            f"{name} differ from the {('index', 'columns')[axis]} of the DataFrame given. Leave {name} out, or make "
            "them agree."
        )
    if labels.hasnans:
        raise ValueError(f"{name} has missing entries. Name every one.")
    if not labels.is_unique:
        raise ValueError(f"{name} must all differ; repeated: {first_few(labels[labels.duplicated()])}.")
    return labels


def as_dates(name, dates):
    """The dates, made timestamps where they are text like 2020-01-31; other text has several readings: refused."""
    if not pd.api.types.is_string_dtype(dates):
        return dates
    if not dates.str.fullmatch(r"\d{4}-\d\d(-\d\d)?", na=True).all():
        raise TypeError(
            f"{name} are text such as {dates[0]!r}, not like '2020-01-31'. Convert them with pd.to_datetime."
        )
    try:
        return pd.to_datetime(dates)
    except ValueError as error:
        raise ValueError(f"{name} are text of which some is no date: {error}") from None


def dates_and_tickers(frame):
    """The dates and tickers of a long frame's rows, refused where they could be mistaken for something else."""
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame must be a DataFrame indexed by (date, ticker); a {type(frame).__name__} was given.")
    if not isinstance(frame.index, pd.MultiIndex) or frame.index.nlevels != 2:
        raise TypeError("frame must be indexed by (date, ticker). Call frame.set_index(['date', 'ticker']) first.")
    if frame.empty:
        raise ValueError(f"frame is empty: it has {frame.shape[0]} rows and {frame.shape[1]} columns.")
    dates, tickers = (frame.index.get_level_values(level) for level in (0, 1))
    names = [str(name).lower() for name in frame.index.names]
    if isinstance(tickers, (pd.DatetimeIndex, pd.PeriodIndex)) or names[1] in ("date", "month") or names[0] == "ticker":
        raise TypeError("frame is indexed by (ticker, date); (date, ticker) is needed. Call frame.swaplevel() first.")
    dates = as_dates("The dates of frame", dates)
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


def columns_of_numbers(frame, returns):
    """The columns beside the returns, refused where one is no number, repeated, or tells the future."""
    if not isinstance(returns, Hashable):
        raise TypeError(f"returns must be the name of one column; {returns!r} was given.")
    if returns not in frame.columns:
        raise ValueError(
            f"frame has no column {returns!r}; it has {first_few(frame.columns, 8)}. Pass returns='its name'."
        )
    if not frame.columns.is_unique:
        raise ValueError(
            f"frame has repeated columns: {first_few(frame.columns[frame.columns.duplicated()])}. Rename them."
        )
    if "returns_fwd" in frame.columns and returns != "returns_fwd":
        raise ValueError(
            "frame has a column 'returns_fwd', which is not known before the return of its row. "
            "Drop it: a characteristic that holds the future would leak it."
        )
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_complex_dtype(frame[name]):
            raise TypeError(f"Column {name!r} of frame holds {frame[name].dtype}, not numbers. Convert or drop it.")
    return [name for name in frame.columns if name != returns]


def rows_at(index, dates):
    """The positions of the dates in a panel's index, as a slice or an array; `dates` is what stands in panel[dates]."""
    if isinstance(dates, tuple):
        raise TypeError("A panel is cut by dates only, panel[dates]. For tickers use panel.select_tickers(labels).")
    if isinstance(dates, slice):
        if dates.step not in (None, 1):
            raise ValueError(f"A panel is cut into consecutive dates; the step {dates.step} was given. Leave it out.")
        ends = (dates.start, dates.stop)
        labels_are_numbers = pd.api.types.is_numeric_dtype(index)
        if all(end is None or isinstance(end, (int, np.integer)) for end in ends):
            too_far = [end for end in ends if end is not None and abs(end) > len(index)]
            if too_far and labels_are_numbers and not isinstance(index, pd.RangeIndex):
                raise ValueError(
                    f"panel[{written(dates)}]: whole numbers are positions, 0 to {len(index)}, and {too_far[0]} is "
                    "beyond. "
                    "To cut by date, make the dates timestamps first, with pd.to_datetime(dates, format=...)."
                )
            return slice(*ends)
        try:
            if labels_are_numbers:
                raise TypeError
            return index.slice_indexer(*ends)
        except (TypeError, ValueError, KeyError):
            raise TypeError(
                f"panel[{written(dates)}] is neither a slice of positions nor one of timestamps like the panel's, "
                f"{short(index[0])} to {short(index[-1])}."
            ) from None
    rows = np.asarray(dates)
    if rows.ndim == 1 and rows.dtype == bool and len(rows) == len(index):
        return np.flatnonzero(rows)
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise TypeError(
            f"panel[...] takes a slice of dates, such as panel[:120] or panel[120:121], or an array of positions; "
            f"{written(dates)} was given."
        )
    if len(rows) and (rows.min() < 0 or rows.max() >= len(index) or (np.diff(rows) <= 0).any()):
        raise ValueError(f"Positions of dates must ascend within 0 to {len(index) - 1}; {written(dates)} was given.")
    return rows


def rows_named(index, date):
    """The positions of the dates that a label names: one, or in an index of timestamps those of a month or a year."""
    try:
        found = np.atleast_1d(np.arange(len(index))[index.get_loc(date)])
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"The date {date!r} is not in the panel, whose dates are {short(index[0])} to {short(index[-1])}."
        ) from None
    return found


def columns_named(index, tickers):
    """The positions of the tickers in a panel's index, refused where one is unknown or repeated."""
    if isinstance(tickers, str) or not isinstance(tickers, Iterable):
        raise TypeError(f"tickers must be a sequence of labels, such as [{tickers!r}]; {tickers!r} was given.")
    wanted = pd.Index(list(tickers))
    if not len(wanted) or not wanted.is_unique:
        raise ValueError(
            f"tickers must hold at least one label, and they must all differ; {first_few(wanted)} was given."
        )
    unknown = wanted.difference(index)
    if len(unknown):
        raise ValueError(
            f"tickers {first_few(unknown)} are not in the panel, whose tickers are {first_few(index)}."
        )
    return index.get_indexer(wanted)


def rows_for(portfolios, dates):
    """The rows of the portfolios at these dates, refused where one is absent or repeated."""
    if not isinstance(portfolios, pd.DataFrame):
        raise TypeError(f"portfolios must be a DataFrame indexed by date; a {type(portfolios).__name__} was given.")
    repeated = portfolios.index[portfolios.index.duplicated()]
    if len(repeated):
        raise ValueError(f"portfolios repeats the date(s) {first_few(map(short, repeated))}. Keep one row for each.")
    absent = dates.difference(portfolios.index)
    if len(absent):
        raise ValueError(
            f"portfolios (dates {short(portfolios.index[0])}, ...) has no row for {len(absent)} of the frame's dates: "
            f"{first_few(map(short, absent))}. "
            "Drop those dates from the frame, add the rows, or pass portfolios=."
        )
    return portfolios.loc[dates]


def require_same_dates(portfolios, dates):
    """Refuses a table of portfolios whose dates are not the panel's."""
    if isinstance(portfolios, pd.DataFrame) and not portfolios.index.equals(dates):
        raise ValueError(
            "The dates of portfolios differ from those of the panel. Align them first: portfolios.loc[dates]."
        )


def short(date) -> str:
    """The date as text, with its time zone if it has one."""
    if not isinstance(date, pd.Timestamp):
        return str(date)
    return date.date().isoformat() + (f" {date.tzname()}" if date.tzinfo else "")


def written(dates) -> str:
    """What stands between the brackets of panel[...], as text."""
    return f"{dates.start}:{dates.stop}" if isinstance(dates, slice) else repr(dates)
