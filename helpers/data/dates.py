"""Dates of a file: how they are written, how often they come, and which of them lie from start to end."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date as Date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from helpers.checks import first_few
from helpers.data.file import File, Report

# By how many days the dates of each frequency are at most apart, holidays and an absent month allowed.
LONGEST_GAPS = {"daily": 4, "weekly": 13, "monthly": 75, "quarterly": 200, "annual": np.inf}
BY_MONTH = ("monthly", "quarterly", "annual")
WAYS_TO_WRITE_DATES = {
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?": "ISO8601",
    r"\d{4}/\d\d/\d\d": "%Y/%m/%d",
    r"\d{4}-\d\d": "%Y-%m",
    r"\d{8}": "%Y%m%d",
    r"\d{6}": "%Y%m",
}

Day = str | Date | np.datetime64


def as_dates(
    file: File, column: str, labels: Sequence[Any], codes: np.ndarray, date_format: str | None, report: Report
) -> pd.DatetimeIndex:
    """The labels as timestamps without a time of day, NaT where one is not understood.

    Parameters
    ----------
    file, column
        Where the labels stand, for the messages.
    labels : list
        The different dates as the file has them.
    codes : (n_rows,)
        The position among the labels of the date of each row.
    date_format : str or None
        As in `read_panel`.
    report : callable
        Takes the sentence on a fault.
    """
    if labels and isinstance(labels[0], Date):
        return _as_days(pd.to_datetime(labels))
    texts = pd.Index([re.sub(r"\.0$", "", str(label).strip()) for label in labels], dtype="str")
    if date_format is None:
        fits = {way: texts.str.fullmatch(way).astype(bool) for way in WAYS_TO_WRITE_DATES}
        way = max(fits, key=lambda way: fits[way].sum())  # that of most, since the first date may be the wrong one
        if labels and not fits[way].any():
            raise ValueError(
                f"The dates in column {column!r} of {file.name} are written like {labels[0]!r}, which is not "
                "understood, or could be read in two ways (day or month first). "
                "Pass date_format, such as '%d/%m/%Y' or '%m/%d/%Y'."
            )
        texts, date_format = texts.where(fits[way]), WAYS_TO_WRITE_DATES[way]
    dates = _as_days(pd.to_datetime(texts, format=date_format, errors="coerce"))
    if date_format != "ISO8601" and not re.search("%[djxcaAuwUWV]", date_format):  # no day is named
        dates += pd.offsets.MonthEnd(0) if re.search("%[mbB]", date_format) else pd.offsets.YearEnd(0)
    bad = np.isin(codes, np.flatnonzero(dates.isna()))
    if bad.any():
        shown = first_few([f"{labels[codes[i]]!r} in row {i + 1}" for i in np.flatnonzero(bad)[:3]])
        report(
            f"{int(bad.sum())} date(s) in column {column!r} of {file.name} are no dates, or not written like the "
            f"others: {shown}. Correct them; if all are meant so, pass date_format, such as '%d/%m/%Y'."
        )
    return dates


def _as_days(timestamps):
    return pd.DatetimeIndex(timestamps).tz_localize(None).normalize().as_unit("us")


def frequency_of(file: File, alternatives: Sequence[pd.DatetimeIndex], report: Report) -> str:
    """The frequency of the first of the alternatives that has one, "mixed" after the fault is reported."""
    fault = ""
    for dates in alternatives:
        frequency, fault = _frequency(dates)
        if not fault:
            return frequency
    report(
        f"The dates of {file.name} are of mixed frequency: {fault}. "
        "Keep one part, with start and end, or bring all to one."
    )
    return "mixed"


def _frequency(dates):
    """How often the dates come, a name of `LONGEST_GAPS` or "unknown" for a single date, and what speaks against it."""
    if len(dates) < 2:
        return "unknown", ""
    names = list(LONGEST_GAPS)
    days = np.diff(dates) / np.timedelta64(1, "D")
    kinds = np.searchsorted(list(LONGEST_GAPS.values()), days)
    # By the root of the days, neither a single hole in daily data nor a second date in some months outweighs the rest.
    main = np.bincount(kinds, np.sqrt(days)).argmax()
    edges = np.flatnonzero(np.diff(kinds, prepend=-1, append=-1))
    longest, a, b = max(((b - a, a, b) for a, b in pairwise(edges) if kinds[a] != main), default=(0, 0, 0))
    if longest < 5:  # holidays and absent months
        return names[main], ""
    others = f"those from {dates[a].date()} to {dates[b].date()} are {names[kinds[a]]}"
    return names[main], f"most are {names[main]}, but {others}"


def window(dates: pd.DatetimeIndex, start: Day | None, end: Day | None, months: bool) -> slice:
    """The slice of the dates from start to end; if months count, from the first day of start's to the last of end's."""
    first = dates[0] if start is None else _period("start", start).start_time
    last = dates[-1] if end is None else _period("end", end).end_time
    if months:
        first, last = first.to_period("M").start_time, last.to_period("M").end_time
    if start is not None and end is not None and first > last:
        raise ValueError(f"start must not be after end; start={start!r} and end={end!r} were given.")
    return slice(int(dates.searchsorted(first)), int(dates.searchsorted(last, side="right")))


def _period(name, value):
    """The day, month or year that is meant."""
    if not isinstance(value, str | Date | np.datetime64):
        raise TypeError(f"{name} must be a date, such as '1987' or '1987-01-31'; {value!r} was given.")
    period = None
    with suppress(ValueError):
        period = pd.Period(value) if isinstance(value, str) else pd.Period(pd.Timestamp(value), "D")
    if period is None or period is pd.NaT:
        raise ValueError(f"{name} must be a date, such as '1987' or '1987-01-31'; {value!r} was given.")
    return period


def span(dates: pd.DatetimeIndex) -> str:
    """The first and the last of the dates, as text."""
    return f"{dates[0].date()} to {dates[-1].date()}"
