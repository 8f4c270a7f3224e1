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
from helpers.data.layout import Layout

# By how many days the dates of each frequency are at most apart, holidays and an absent month allowed.
LONGEST_GAPS = {"daily": 4, "weekly": 13, "monthly": 75, "quarterly": 200, "annual": np.inf}
OFTEN = 12  # of fewer dates, their digits tell nothing
BY_MONTH = ("monthly", "quarterly", "annual")
WAYS_TO_WRITE_DATES = {
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?": "ISO8601",
    r"\d{4}-\d\d?-\d\d?": "%Y-%m-%d",
    r"\d{4}/\d\d?/\d\d?": "%Y/%m/%d",
    r"\d{4}-\d\d": "%Y-%m",
    r"\d{8}": "%Y%m%d",
    r"\d{6}": "%Y%m",
}

WITH_OFFSET = r"^(\d{4}-\d\d-\d\d[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)) ?(Z|[+-]\d\d:?\d\d)$"
NO_OFFSET, SUMMER_WINTER = pd.Timedelta(0), (pd.Timestamp("2000-07-01"), pd.Timestamp("2000-01-01"))
LATE = 11  # o'clock in UTC, at which a day begins in Auckland in summer
SUNDAY_TO_THURSDAY = {6, 0, 1, 2, 3}
FIRST_YEAR, LAST_YEAR = 1600, 2200  # a year beyond is a day or a month that was read as one
WAY_TO_NAME_A_PERIOD = r"\d{4}(-?Q[1-4]|[-/]\d\d?([-/]\d\d?([ T].*)?)?|\d\d(\d\d)?)?"
# What a date_format must name for its dates to be days, months or years: all of one line, and no more of the others.
NAMES = {"Y": "year", "y": "year", "G": "year", "m": "month", "b": "month", "B": "month", "h": "month", "d": "day"}
NAMES |= dict.fromkeys("wuaA", "weekday") | dict.fromkeys("WUV", "week") | {"j": "day of the year"}
NAMES |= dict.fromkeys("xcDF", "date")
DAYS = ({"date"}, {"year", "month", "day"}, {"year", "day of the year"}, {"year", "week", "weekday"})
MONTHS, YEARS = ({"year", "month"},), ({"year"},)
DIGITS_AT_DIGITS = "%[YyGmdjHMS]%[YymdjHMSVUWwu]"
EXCEL_COUNT = r"[1-6]\d{4}"
HINT_OF_EXCEL = " A count of days, as Excel and SAS keep dates, must be exported as 2020-01-31."

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
        return _of_timestamps(file, column, labels)
    texts = pd.Index([re.sub(r"\.0$", "", str(label).strip()) for label in labels], dtype="str")
    _require_all_digits(file, column, labels)
    if date_format in (None, "ISO8601"):
        texts = _without_offsets(file, column, texts)
        fits = {way: texts.str.fullmatch(way).astype(bool) for way in WAYS_TO_WRITE_DATES}
        way = max(fits, key=lambda way: fits[way].sum())  # that of most, since the first date may be the wrong one
        if labels and not fits[way].any():
            raise ValueError(
                f"The dates in column {column!r} of {file.name} are written like {labels[0]!r}, which is not "
                "understood, or could be read in two ways (day or month first). "
                "Pass date_format, such as '%d/%m/%Y' or '%m/%d/%Y'."
                + (HINT_OF_EXCEL if re.fullmatch(EXCEL_COUNT, texts[0]) else "")
            )
        texts, date_format = texts.where(fits[way]), WAYS_TO_WRITE_DATES[way]
        if date_format == "%Y%m":
            _require_months(file, column, texts.dropna())
    dates = _parsed(file, column, texts, date_format)
    ends = _ends_of(date_format)
    dates = dates.where((dates.year >= FIRST_YEAR) & (dates.year <= LAST_YEAR))
    _require_century(file, column, dates, date_format)
    dates = dates if ends is None else dates + ends
    bad = np.isin(codes, np.flatnonzero(dates.isna()))
    if bad.any():
        shown = first_few([f"{labels[codes[i]]!r} in row {i + 1}" for i in np.flatnonzero(bad)[:3]])
        sentence = (
            f"{int(bad.sum())} date(s) in column {column!r} of {file.name} are no dates, or not written like the "
            f"others: {shown}. Correct them; if all are meant so, pass date_format, such as '%d/%m/%Y'."
        )
        if dates.isna().all():  # no row is left to report others of
            raise ValueError(sentence)
        report(sentence)
    return dates


def _of_timestamps(file, column, labels):
    """The days of timestamps; where they carry a time zone, the days that its clocks show."""
    try:
        stamps = pd.DatetimeIndex(pd.to_datetime(labels))
    except (ValueError, TypeError):
        raise ValueError(
            f"The dates in column {column!r} of {file.name} are of several time zones. Bring them to one first."
        ) from None
    in_utc = stamps.tz is not None and all(day.tz_localize(stamps.tz).utcoffset() == NO_OFFSET for day in SUMMER_WINTER)
    _require_clear_days(file, column, stamps, np.full(len(stamps), in_utc))
    return _as_days(stamps)


def _require_clear_days(file, column, stamps, in_utc):
    """Refuses times that may be midnights of another time zone: late in UTC, moved by summer time, or on Sundays."""
    late = stamps[np.asarray(in_utc) & (stamps.hour >= LATE)]
    if len(late):
        raise ValueError(
            f"The dates in column {column!r} of {file.name} are times in UTC, such as {late[0]}: a midnight east of "
            "Greenwich is the day before in UTC. Convert them to the exchange's time zone first, and keep the day."
        )
    clocks = stamps.dropna().unique()
    hours = sorted(set(clocks.hour + clocks.minute / 60 + clocks.second / 3600))
    seasons = len(hours) == 2 and hours[1] - hours[0] in (1, 23) and hours[1] >= LATE
    weekdays = set(clocks.day_of_week) if len(hours) == 1 and hours[0] >= LATE and len(clocks) >= OFTEN else set()
    if seasons or weekdays == SUNDAY_TO_THURSDAY:
        oclock = " and ".join(f"{hour:g}" for hour in hours)
        why = (
            "on Sundays and never on Fridays" if weekdays else "as the clocks of another time zone in summer and winter"
        )
        raise ValueError(
            f"The dates in column {column!r} of {file.name} are at {oclock} o'clock, such as {clocks[0]}, {why}: "
            "perhaps midnights of the day after. Convert them to the exchange's time zone first, and keep the day."
        )


def _without_offsets(file, column, texts):
    """Texts without their offsets from UTC, so that the day is the one that is written."""
    parts = texts.str.extract(WITH_OFFSET)
    found = parts[0].notna().to_numpy()
    if not found.any():
        return texts
    in_utc = parts[2][found].str.fullmatch("Z|[+-]00:?00").astype(bool)
    stamps = pd.DatetimeIndex(pd.to_datetime(parts[0][found], format="ISO8601", errors="coerce"))
    _require_clear_days(file, column, stamps, in_utc)
    return pd.Index(np.where(found, parts[0], texts), dtype="str")


def _parsed(file, column, texts, date_format):
    """The texts as timestamps by the format, NaT where one is not written so; of a time zone, what its clocks show."""
    try:
        if re.search("%[zZ]", date_format):
            stamps = [pd.to_datetime(text, format=date_format, errors="coerce") for text in texts]
            in_utc = np.array([not pd.isna(stamp) and stamp.utcoffset() == NO_OFFSET for stamp in stamps])
            dates = pd.DatetimeIndex([stamp.tz_localize(None) for stamp in stamps])
        else:
            dates = pd.to_datetime(texts, format=date_format, errors="coerce")
            in_utc = np.zeros(len(dates), dtype=bool)
    except ValueError as error:
        raise ValueError(f"date_format={date_format!r} cannot be used: {error}.") from None
    if re.search(DIGITS_AT_DIGITS, date_format):  # 202011 is no %Y%m%d, though it can be split as 2020, 1, 1
        dates = pd.DatetimeIndex(dates.where(dates.strftime(date_format) == texts))
    _require_clear_days(file, column, dates, in_utc)
    return _as_days(dates)


def _ends_of(date_format):
    """What leads from the dates of a format to the last day of its months or years; None for days."""
    if date_format == "ISO8601":
        return None
    named = {
        NAMES[letter] for letter in re.findall("%[-#]?([a-zA-Z])", date_format.replace("%%", "")) if letter in NAMES
    }
    for ends, sufficient in ((None, DAYS), (pd.offsets.MonthEnd(0), MONTHS), (pd.offsets.YearEnd(0), YEARS)):
        if any(names <= named for names in sufficient):
            if ends is not None and named not in sufficient:
                break
            return ends
    raise ValueError(
        f"date_format must say where the year, month and day stand, such as '%d/%m/%Y'; {date_format!r} was given."
    )


def _require_all_digits(file, column, labels):
    """Refuses dates such as 20200131 that were float32, which holds 7 digits: they are even numbers all."""
    long = [label for label in labels if isinstance(label, float) and label > 1e7]
    if len(long) >= OFTEN and len(long) == len(labels) and all(label % 2 == 0 for label in long):
        raise ValueError(
            f"The dates in column {column!r} of {file.name} were float32, such as {long[0]:.0f}, which keeps 7 of 8 "
            "digits: days are off by one. Write them as whole numbers or text."
        )


def _require_months(file, column, texts):
    """Refuses 190101, 190201 and so on, which may be the months of 2019 or the Januaries of 1901, 1902 and so on."""
    if (
        len(texts) > 2
        and (texts.str[4:] == "01").all()
        and texts.str[2:4].isin([f"{m:02d}" for m in range(1, 13)]).all()
    ):
        raise ValueError(
            f"The dates in column {column!r} of {file.name}, such as {texts[0]!r}, could be read in two ways: as year "
            "and month, or as a year of two digits, month and day. Pass date_format='%Y%m' or '%y%m%d'."
        )


def _require_century(file, column, dates, date_format):
    """Refuses years of two digits that lie ahead: 1926 is read as 2026."""
    ahead = (
        dates[dates > pd.Timestamp.now() + pd.Timedelta(days=366)] if re.search("%-?[yxD]", date_format) else dates[:0]
    )
    if len(ahead):
        raise ValueError(
            f"date_format={date_format!r} reads years of two digits, and {ahead.max().date()} in column {column!r} of "
            f"{file.name} lies far ahead: 28 is read as 2028. Write years with four digits."
        )


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


def require_monthly(file: File, frequency: str, dates: pd.DatetimeIndex, layout: Layout) -> str:
    """The frequency of a file whose layout is monthly: so it is if there is only one date, or a few far apart."""
    if frequency in ("daily", "weekly"):
        raise ValueError(
            f"The dates of {file.name} are {frequency}, {span(dates)}, and {layout.title} is monthly. "
            "Bring its monthly file, or read this one without layout=."
        )
    return "monthly" if frequency in ("unknown", "quarterly", "annual") else frequency


def frequency_of_dates(dates: pd.DatetimeIndex) -> str:
    """How often most of the dates come."""
    return _frequency(dates)[0]


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
    if isinstance(value, str) and not re.fullmatch(WAY_TO_NAME_A_PERIOD, value.strip()):
        raise ValueError(
            f"{name} must be a date written like '1987', '1987-01' or '1987-01-31'; {value!r} was given, which could "
            "be read in several ways, or in none."
        )
    if isinstance(value, str):
        value = re.sub(r"^(\d{4})(\d\d)(\d\d)?$", lambda m: "-".join(filter(None, m.groups())), value.strip())
        value = value.replace("/", "-")
    elif isinstance(value, pd.Timestamp):
        value = value.tz_localize(None)
    with suppress(ValueError):
        period = pd.Period(value) if isinstance(value, str) else pd.Period(pd.Timestamp(value), "D")
    if period is None or period is pd.NaT:
        raise ValueError(f"{name} must be a date, such as '1987' or '1987-01-31'; {value!r} was given.")
    return period


def span(dates: pd.DatetimeIndex) -> str:
    """The first and the last of the dates, as text."""
    return f"{dates[0].date()} to {dates[-1].date()}"
