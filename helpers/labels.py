"""Labels: arrays that know what stands along their axes, and what is asked of the labels that a user brings."""

import re
from collections.abc import Hashable, Iterable
from datetime import date as Date

import numpy as np
import pandas as pd

from helpers.checks import first_few

# What a level or an axis of dates is called.
DATE_NAMES = ("date", "dates", "month", "yyyymm", "yearmonth", "eom", "caldt")

# Those that a number must hold to be read as a date.
YEARS = range(1900, 2101)


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


def as_labels(name, labels, n, own=None, dates=False):
    """The labels as an Index of n different entries: those given, else the table's own, else positions."""
    if labels is None:
        labels = pd.RangeIndex(n) if own is None else own
    if isinstance(labels, str):
        raise TypeError(f"{name} must be a sequence of {n} labels; the text {labels!r} was given.")
    labels = pd.Index(labels)
    if len(labels) != n:
        raise ValueError(f"{name} must have {n} entries, as many as the array has; {len(labels)} were given.")
    labels = as_dates(name, labels) if dates else plain(name, labels)
    if own is not None and not labels.equals(own):
        raise ValueError(
            f"{name} differ from the index or the columns of the table given. Leave {name} out, or make them agree."
        )
    if labels.hasnans:
        raise ValueError(f"{name} has missing entries. Name every one.")
    if not labels.is_unique:
        raise ValueError(f"{name} must all differ; repeated: {first_few(labels[labels.duplicated()])}.")
    return labels


def plain(name, labels):
    """The labels in one level, and categories, whose order may be that of appearance, as what they stand for."""
    if isinstance(labels, pd.MultiIndex):
        raise TypeError(
            f"{name} have {labels.nlevels} levels, such as {labels[0] if len(labels) else ()}, and one is needed. "
            "Unstack a long table, or leave a level out with droplevel."
        )
    return pd.Index(np.asarray(labels), name=labels.name) if isinstance(labels, pd.CategoricalIndex) else labels


def as_dates(name, dates):
    """The dates, made timestamps where they are text like 2020-01-31 or Python's own; other text is refused."""
    dates = plain(name, dates)
    if pd.api.types.infer_dtype(dates) in ("date", "datetime"):
        zones = {str(getattr(date, "tzinfo", None)) for date in dates if not pd.isna(date)}
        if len(zones) > 1:
            raise TypeError(
                f"{name} are of several time zones: {first_few(sorted(zones))}. Make them alike first: "
                "[date.replace(tzinfo=None) for date in dates] keeps each day as its own clock shows it."
            )
        return pd.to_datetime(dates)
    if pd.api.types.is_integer_dtype(dates) and not isinstance(dates, pd.RangeIndex) and len(dates) > 1:
        if ((dates % 10000).isin(YEARS) & (dates // 10000).isin(range(1, 3113))).all():
            raise TypeError(
                f"{name} are numbers that end in a year, such as {dates[0]}, and do not sort in time. Convert them "
                "with pd.to_datetime(dates.astype(str), format=...)."
            )
    if not pd.api.types.is_string_dtype(dates):
        return dates
    if not _is_text_of_dates(dates):
        raise TypeError(
            f"{name} are text such as {dates[0]!r}, not like '2020-01-31'. Convert them with pd.to_datetime; or if "
            "they are no dates, turn the table, such as with .T."
        )
    try:
        return pd.to_datetime(dates, format="%Y-%m-%d" if dates.str.len().max() == len("2020-01-31") else "%Y-%m")
    except ValueError as error:
        raise ValueError(f"{name} are text of which some is no date: {error}") from None


def named_date(date):
    """The date that a user names; text that is not like 2019, 2019-03 or 2019-03-01 has several readings: refused."""
    if isinstance(date, str) and not re.fullmatch(r"\d{4}(-\d\d(-\d\d([ T].*)?)?)?|\d{4}-?Q[1-4]", date.strip()):
        raise ValueError(f"{date!r} is not written like '2019-03-01'")
    return pd.Timestamp(date) if isinstance(date, Date) else date


def _is_text_of_dates(labels):
    return labels.str.fullmatch(r"\d{4}-\d\d(-\d\d)?", na=True).all()


def are_dates(labels: pd.Index | None) -> bool:
    """Whether the labels can be nothing but dates: timestamps, periods, Python's dates, text like 2020-01-31."""
    if labels is None or not len(labels) or isinstance(labels, pd.MultiIndex):
        return False
    labels = labels.categories if isinstance(labels, pd.CategoricalIndex) else labels
    kind = pd.api.types.infer_dtype(labels)
    return kind in ("datetime64", "datetime", "date", "period") or (kind == "string" and _is_text_of_dates(labels))


def on_its_side(dates: pd.Index, others: pd.Index) -> bool:
    """Whether the others are dates, or all read as dates, such as 202001, and the dates need not be any."""
    names = [str(labels.name).lower() for labels in (dates, others)]
    if are_dates(others) or names[1] in DATE_NAMES or names[0] == "ticker":
        return True
    if are_dates(dates) or names[0] in DATE_NAMES or not pd.api.types.is_integer_dtype(others) or not len(others):
        return False
    text = pd.Index(others.astype(str))
    found = [
        pd.to_datetime(text[text.str.len() == length], format=way, errors="coerce")
        for way, length in (("%Y", 4), ("%Y%m", 6), ("%Y%m%d", 8))
    ]
    return any(dates.year.isin(YEARS).sum() == len(others) for dates in found)


def dates_and_tickers(frame, name="frame"):
    """The dates and tickers of a long frame's rows, refused where they could be mistaken for something else."""
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"{name} must be a DataFrame indexed by (date, ticker); a {type(frame).__name__} was given.")
    if not isinstance(frame.index, pd.MultiIndex) or frame.index.nlevels != 2:
        raise TypeError(
            f"{name} must be indexed by (date, ticker). Call {name}.set_index(['date', 'ticker']) first; or if it is a "
            f"table of dates x tickers, Panel(returns={name})."
        )
    if frame.empty:
        raise ValueError(f"{name} is empty: it has {frame.shape[0]} rows and {frame.shape[1]} columns.")
    if on_its_side(*(level.rename(n) for level, n in zip(frame.index.levels, frame.index.names, strict=True))):
        raise TypeError(
            f"{name} is indexed by (ticker, date); (date, ticker) is needed. Call {name}.swaplevel() first; or if its "
            "second level holds tickers, name the levels 'date' and 'ticker'."
        )
    dates, tickers = (frame.index.get_level_values(level) for level in (0, 1))
    dates, tickers = as_dates(f"The dates of {name}", dates), plain(f"The tickers of {name}", tickers)
    if dates.isna().any() or tickers.isna().any():
        raise ValueError(f"{name} has rows without a date or a ticker. Drop them first.")
    if pd.api.types.infer_dtype(dates).startswith("mixed"):
        raise TypeError(
            f"The dates of {name} are of several types: {first_few({type(d).__name__ for d in dates})}. Make them one."
        )
    repeated = frame.index.duplicated()
    if repeated.any():
        raise ValueError(
            f"{name} has {int(repeated.sum())} repeated (date, ticker) row(s), such as {frame.index[repeated][0]}. "
            f"Keep one: {name}[~{name}.index.duplicated()]."
        )
    if pd.api.types.is_string_dtype(tickers):
        unique = tickers.unique()
        alike = unique[unique.str.strip().duplicated(keep=False)]
        if len(alike):
            raise ValueError(f"Some tickers differ by blanks only: {first_few(map(repr, alike))}. Strip them first.")
    return dates, tickers


def columns_of_numbers(frame, returns):
    """The columns beside the returns, refused where one is no number, repeated, or tells the future."""
    if frame.columns.nlevels > 1:
        raise TypeError(
            f"frame has columns of {frame.columns.nlevels} levels, such as {frame.columns[0]}, and one is needed. Pass "
            "frame.droplevel(1, axis=1), or rename them."
        )
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
    ahead = [name for name in frame.columns if str(name).lower() == "returns_fwd" and name != returns]
    if ahead:
        raise ValueError(
            f"frame has a column {ahead[0]!r}, which is not known before the return of its row. "
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
            return index.slice_indexer(*map(named_date, ends))
        except (TypeError, ValueError, KeyError):
            raise TypeError(
                f"panel[{written(dates)}] is neither a slice of positions nor one of timestamps like the panel's, "
                f"{short(index[0])} to {short(index[-1])}. Write text like '2019-03-01'."
            ) from None
    if isinstance(dates, pd.Series) and not dates.index.equals(index) and not isinstance(dates.index, pd.RangeIndex):
        raise ValueError("The index of the Series in panel[...] is not the panel's dates. Pass series[panel.dates].")
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
        found = np.atleast_1d(np.arange(len(index))[index.get_loc(named_date(date))])
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"The date {date!r} is not in the panel, whose dates are {short(index[0])} to {short(index[-1])}. Write "
            "text like '2019-03-01'."
        ) from None
    return found


def columns_named(index, labels, what="tickers"):
    """The positions of the labels in a panel's index, refused where one is unknown or repeated."""
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise TypeError(f"{what} must be a sequence of labels, such as [{labels!r}]; {labels!r} was given.")
    wanted = pd.Index(list(labels))
    if wanted.dtype == bool and index.dtype != bool:
        raise TypeError(f"{what} must be labels, and True and False were given. Pass panel.{what}[the mask].")
    if not all(isinstance(label, Hashable) for label in wanted):
        raise TypeError(f"{what} must be labels; {first_few(wanted)} was given.")
    if not len(wanted) or not wanted.is_unique:
        raise ValueError(
            f"{what} must hold at least one label, and they must all differ; {first_few(wanted)} was given."
        )
    unknown = wanted.difference(index)
    if len(unknown):
        raise ValueError(f"{what} {first_few(unknown)} are not in the panel, whose {what} are {first_few(index)}.")
    return index.get_indexer(wanted)


def rows_for(portfolios, dates):
    """The rows of the portfolios at these dates, refused where one is absent or repeated."""
    if not isinstance(portfolios, pd.DataFrame):
        raise TypeError(f"portfolios must be a DataFrame indexed by date; a {type(portfolios).__name__} was given.")
    portfolios = portfolios.set_axis(as_dates("The dates of portfolios", portfolios.index))
    repeated = portfolios.index[portfolios.index.duplicated()]
    if len(repeated):
        raise ValueError(f"portfolios repeats the date(s) {first_few(map(short, repeated))}. Keep one row for each.")
    absent = dates.difference(portfolios.index)
    if len(absent):
        raise ValueError(
            f"portfolios (dates {first_few(map(short, portfolios.index[:1])) or 'none'}, ...) has no row for "
            f"{len(absent)} of the frame's dates: {first_few(map(short, absent))}. "
            "Drop those dates from the frame, add the rows, or pass portfolios=."
        )
    return portfolios.loc[dates]


def short(date) -> str:
    """The date as text, with its time zone if it has one."""
    if not isinstance(date, pd.Timestamp):
        return str(date)
    return date.date().isoformat() + (f" {date.tzname()}" if date.tzinfo else "")


def written(dates) -> str:
    """What stands between the brackets of panel[...], as text."""
    return f"{dates.start}:{dates.stop}" if isinstance(dates, slice) else repr(dates)
