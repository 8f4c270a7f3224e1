"""Folds in time order: the past to learn from, then the dates to be tested on."""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from itertools import pairwise
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from helpers.calendars import require_one_calendar
from helpers.checks import as_array, as_count, as_flag, described_kind, labels_along
from helpers.labels import DATE_NAMES, named_date, on_its_side, plain, short
from helpers.panel import Panel, require_panel

# What pandas.api.types.infer_dtype calls the labels whose order is that of time. Text may sort in another way.
ORDERED_IN_TIME = ("integer", "floating", "datetime64", "datetime", "date", "period")


Part = TypeVar("Part", Panel, slice)


class Fold(NamedTuple, Generic[Part]):
    """The parts of one fold in time order: panels, or where only the number of dates is known, slices of positions.

    `validation` is None where there is none. `past` is every date before the test, gaps included: what a model may
    average its factors over, `model.predict(fold.test, fold.past, lag=purge)`.
    """

    train: Part
    validation: Part | None
    test: Part
    past: Part


class WalkForward(BaseCrossValidator):
    """Folds in time order: each trains on the past, validates on what follows, and tests on what follows that.

        fold k tests the dates from n_train + n_validation + k n_test on, n_test of them

        k = 0   | training   | validation | test |
        k = 1   | training          | validation | test |        expanding: the training part grows
        k = 1          | training   | validation | test |        not expanding: it keeps its size and rolls

    Every date after the first n_train + n_validation is tested exactly once, and the last fold tests fewer than n_test
    dates if no more are left. Gaps are dates left out of the past, at its end, never of the test.

    Parameters
    ----------
    n_train : int
        How many dates the training part of the first fold spans (of every fold, if not expanding), the gap at its end
        included.
    n_validation : int
        How many dates the validation part spans, the gap at its end included. It rolls. 0 leaves it out.
    n_test : int
        How many dates are tested before the next fit.
    purge : int
        How many dates are left out at the end of the training part, and of the validation part, since their targets
        reach into what follows. A target that is earned over h dates needs purge = h - 1. With h = 1 none is needed,
        neither where a row's target is the return of its own date nor where it is that of the next one (day ahead): the
        target of the last training row is known when the first test row makes its forecast. One more, if the fit must
        have ended before that.
    embargo : int
        How many further dates are left out before the test. Characteristics made of overlapping windows need none here,
        since they look back: an embargo is for what is trained on AFTER a test, which walking forward never does. It
        serves where the newest dates are not to be trusted, such as returns that are still revised.
    expanding : bool
        Whether the training part begins with the first date of all, or rolls.
    calendar_years : bool
        Whether n_train, n_validation and n_test count calendar years, of which the first and the last may be
        incomplete, and not dates. purge and embargo count dates.

    Notes
    -----
    It is a splitter for scikit-learn, to be given as `cv=`. Estimators that choose a parameter by themselves, such as
    LassoCV, hand over arrays without dates: give them `cv=list(splitter.split(X))` where X is a long frame.

    Examples
    --------
    The paper's scheme: train 18 years, growing, validate 12 years, rolling, test a year, fit again every year. Its data
    begin in March 1957: of 18 calendar years the first has ten months, and the tests begin in January 1987.

    >>> months = pd.date_range("1957-03-31", "2016-12-31", freq="ME")
    >>> first, *_, last = WalkForward(18, 12, 1, calendar_years=True).slices(months)
    >>> str(months[first.test.start].date()), first.train.stop, str(months[last.test.start].date())
    ('1987-01-31', 214, '2016-01-31')

    Counted in dates, 18 * 12 of them end in February, and all tests run from March to February:

    >>> first, *_ = WalkForward(18 * 12, 12 * 12, 12).slices(months)
    >>> str(months[first.test.start].date())
    '1987-03-31'

    References
    ----------
    Gu, Kelly, Xiu (2021), section 3. López de Prado (2018), chapter 7: purging and embargo.
    """

    # So that scikit-learn hands `groups` over where its metadata routing is switched on, too.
    __metadata_request__split: ClassVar = {"groups": True}

    def __init__(
        self,
        n_train: int,
        n_validation: int = 0,
        n_test: int = 1,
        purge: int = 0,
        embargo: int = 0,
        expanding: bool = True,
        calendar_years: bool = False,
    ):
        self.n_train = n_train
        self.n_validation = n_validation
        self.n_test = n_test
        self.purge = purge
        self.embargo = embargo
        self.expanding = expanding
        self.calendar_years = calendar_years

    def __sklearn_clone__(self):
        return copy(self)

    def __repr__(self):
        return f"WalkForward({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def slices(self, dates: Any) -> list[Fold[slice]]:
        """The folds of these dates, or of so many, oldest first, as a list of Fold whose parts are slices of positions.

        Calendar years can be told from dates only, such as `panel.dates`, in time order.
        """
        n_train, n_validation, n_test, purge, embargo, expanding, calendar_years = self._checked()
        edges, unit = self._edges(dates, calendar_years)
        first, n_units = n_train + n_validation, len(edges) - 1
        if n_units <= first:
            raise ValueError(
                f"n_train = {n_train} and n_validation = {n_validation} leave none of the {n_units} {unit}(s) to test. "
                f"Bring at least {first + 1} {unit}s, or ask for smaller parts."
            )
        folds: list[Fold[slice]] = []
        for k in range(first, n_units, n_test):
            start, validation = edges[k], None
            known = start - purge - embargo
            if n_validation:
                begin = edges[k - n_validation]
                validation, known = slice(begin, known), begin - purge
            train = slice(0 if expanding else edges[k - first], known)
            for part in (train, validation):
                if part is not None and part.stop <= part.start:
                    raise ValueError(
                        f"The gap (purge = {purge}, embargo = {embargo}) leaves no date of the training or validation "
                        f"part of fold {len(folds)}. Make the gap smaller, or the parts longer."
                    )
            folds.append(Fold(train, validation, slice(start, edges[min(k + n_test, n_units)]), slice(0, start)))
        return folds

    @staticmethod
    def _edges(dates: Any, calendar_years: bool) -> tuple[list[int], str]:
        """Where each date, or each calendar year, begins, and after the last one the end; and what is counted."""
        if not calendar_years:
            n_dates = as_count("n_dates", dates if np.ndim(dates) == 0 else len(dates))
            labels = pd.Index([]) if np.ndim(dates) != 1 else pd.Index(dates)
            if not (labels.is_monotonic_increasing and labels.is_unique):
                raise ValueError(
                    "dates must ascend, each of them once, such as panel.dates; these repeat or go back. For the rows "
                    "of a table take split(X, groups=its dates)."
                )
            return list(range(n_dates + 1)), "date"
        years = getattr(pd.Index(dates), "year", None) if np.ndim(dates) == 1 else None
        if years is None:
            raise TypeError(
                "calendar_years=True needs dates, such as panel.dates, from which years can be told; "
                f"{described_kind(dates)} was given. Count in dates instead, or convert them with pd.to_datetime."
            )
        if (np.diff(years) < 0).any():
            raise ValueError("dates must ascend, and these do not: folds are cut in time order. Sort them first.")
        starts = [k for k, year in enumerate(years) if not k or year > years[k - 1]]
        return [*starts, len(years)], "year"

    def folds(self, panel: Panel) -> Iterator[Fold[Panel]]:
        """The folds of a panel, oldest first, as an iterator of Fold whose parts are panels."""
        require_panel(panel)
        slices = self.slices(panel.dates)
        return (
            Fold(panel[train], None if validation is None else panel[validation], panel[test], panel[past])
            for train, validation, test, past in slices
        )

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of rows, oldest fold first: those of the past (training and validation), and those of the test.

        Parameters
        ----------
        X : Panel, DataFrame or array
            A pandas index, of a long frame the first level of (date, ticker), says the date of each row; otherwise each
            row is a date, in time order. The rows of a date stay together, and come in time order wherever they stand
            in X.
        y : optional
            Not read.
        groups : (n_rows,), optional
            The date of each row; it goes before the index of X.

        Returns
        -------
        iterator of (array of int, array of int)
            With validation dates, the first is training and validation together, without the gaps.

        Raises
        ------
        TypeError
            If the dates are text, or of several types: their order could be another than that of time.
        ValueError
            If the parameters do not fit each other or the number of dates.
        """
        codes, dates = _date_codes(X, groups)
        rows, ends = np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))
        starts = np.concatenate([[0], ends])

        def positions(*parts):
            return np.concatenate([rows[starts[part.start] : starts[part.stop]] for part in parts if part is not None])

        return ((positions(fold.train, fold.validation), positions(fold.test)) for fold in self.slices(dates))

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many folds the dates of X, or of groups, make."""
        return len(self.slices(_date_codes(X, groups)[1]))

    def _checked(self):
        """The parameters, if they fit each other."""
        n_train, n_test = as_count("n_train", self.n_train), as_count("n_test", self.n_test)
        n_validation, purge, embargo = (
            as_count(name, getattr(self, name), at_least=0) for name in ("n_validation", "purge", "embargo")
        )
        gaps = {"n_train": purge, "n_validation": purge + embargo} if n_validation else {"n_train": purge + embargo}
        calendar_years = as_flag("calendar_years", self.calendar_years)
        for name, gap in gaps.items():
            if gap >= getattr(self, name) and not calendar_years:
                raise ValueError(
                    f"The gap of {gap} date(s) (purge = {purge}, embargo = {embargo}) leaves nothing of "
                    f"{name} = {getattr(self, name)}. Make {name} at least {gap + 1}, or the gap smaller."
                )
        return n_train, n_validation, n_test, purge, embargo, as_flag("expanding", self.expanding), calendar_years


def _date_codes(X, groups):
    """The date of each row as a number, (n_rows,), and the labels that the numbers stand for, in time order."""
    if groups is not None:
        name, dates = "groups", _one_axis(groups, X)
    elif isinstance(X, Panel):
        name, dates = "The dates of X", X.dates
    elif isinstance(getattr(X, "index", None), pd.Index):  # a list has an index too, which is a method
        name, dates = "The dates of X", _index_of_dates(X)
    else:
        name, dates = "X", pd.RangeIndex(_n_rows(X))
    dates = plain(name, dates)
    kind = pd.api.types.infer_dtype(dates)
    if len(dates) and kind not in ORDERED_IN_TIME:
        raise TypeError(
            f"{name} are of the kind {kind!r}, such as {dates[0]!r}, which may sort in another order than that of "
            "time. Convert them with pd.to_datetime."
        )
    if dates.hasnans:
        raise ValueError(f"{name} are missing for {int(dates.isna().sum())} row(s). Drop those rows first.")
    codes, labels = pd.factorize(dates, sort=True)
    require_one_calendar(name, labels)
    return codes, labels


def _one_axis(groups, X):
    if isinstance(groups, pd.MultiIndex) or np.ndim(groups) != 1:
        raise ValueError("groups must be one date for each row of X, such as X.index.get_level_values('date').")
    own, rows = labels_along(groups, 0), labels_along(X, 0)
    own = None if isinstance(own, pd.RangeIndex) else own  # which only counts
    if own is not None and rows is not None and own.nlevels == rows.nlevels and not own.equals(rows):
        raise ValueError("The index of groups is not that of X, or stands in another order. Pass groups.loc[X.index].")
    groups = pd.Index(groups)
    if X is not None and len(groups) != _n_rows(X):
        raise ValueError(f"groups must be one date for each of the {_n_rows(X)} rows of X; {len(groups)} were given.")
    return groups


def _index_of_dates(X):
    """The dates that the index of a pandas table holds, or an error where others could be mistaken for them."""
    index, columns = X.index, labels_along(X, 1)
    if isinstance(index, pd.MultiIndex):
        if on_its_side(*(index.levels[k].rename(index.names[k]) for k in (0, 1))):
            raise TypeError("X is indexed by (ticker, date); (date, ticker) is needed. Call X.swaplevel() first.")
        return index.get_level_values(0)
    columns = pd.Index([]) if columns is None else columns.get_level_values(0)
    if on_its_side(index.rename(None), columns):
        raise TypeError("X has dates along its columns; they belong along its rows. Pass X.T.")
    if not pd.api.types.is_numeric_dtype(index):
        return index
    named = [column for column in columns if str(column).lower() in DATE_NAMES]
    if isinstance(X, pd.DataFrame) and columns.is_unique:
        named += [column for column in X.columns if pd.api.types.is_datetime64_any_dtype(X[column])]
    if named:
        raise ValueError(
            f"The rows of X are numbered, and the dates stand in its column {named[0]!r}. Pass groups=X[{named[0]!r}], "
            "or make it the index with X.set_index."
        )
    if not index.is_monotonic_increasing:
        raise ValueError(
            "The rows of X are numbered, and the numbers do not ascend: they may be dates or not. "
            "Say the date of each row with groups=, or bring the rows in time order and call X.reset_index(drop=True)."
        )
    return index


def _n_rows(X):
    if isinstance(X, Panel):
        return X.n_dates
    try:
        return X.shape[0] if hasattr(X, "shape") else len(X)
    except (IndexError, TypeError):
        raise TypeError(
            f"X must have rows, of which the folds are made; {described_kind(X)} was given. Pass a Panel, a frame or "
            "an array."
        ) from None


def split_by_date(
    panel: Panel, fractions: Sequence[float] = (1 / 3, 1 / 3, 1 / 3), at: Sequence | None = None
) -> tuple[Panel, ...]:
    """The panel cut into consecutive parts in time order: the past to learn from, then what comes later.

    Parameters
    ----------
    panel : Panel
    fractions : sequence of float
        The share of the dates in each part; they add up to 1. The default is the paper's: thirds to train, validate and
        test.
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
        cuts = [int(cut) for cut in np.round(np.cumsum(shares)[:-1] * panel.n_dates)]
    else:
        if isinstance(at, str) or not isinstance(at, Iterable):
            raise TypeError(f"at must be a sequence of dates or positions, such as [{at!r}]; {at!r} was given.")
        cuts = [_position(cut, panel.dates) for cut in at]
    edges = [0, *cuts, panel.n_dates]
    if (np.diff(edges) <= 0).any():
        raise ValueError(
            f"Every part needs at least one date, in time order; the parts asked for would begin at positions "
            f"{edges[:-1]} of {panel.n_dates} dates."
        )
    return tuple(panel[a:b] for a, b in pairwise(edges))


def _position(cut, dates):
    """The position itself, or that of the first date which is not before the label."""
    if isinstance(cut, (int, np.integer)):
        return int(cut)
    try:
        if pd.api.types.is_numeric_dtype(dates):
            raise TypeError
        return dates.slice_indexer(start=named_date(cut)).start
    except (TypeError, ValueError, KeyError):
        raise ValueError(
            f"at must hold positions, or dates like the panel's ({short(dates[0])} to {short(dates[-1])}), text like "
            f"'2019-03-01'; {cut!r} was given."
        ) from None
