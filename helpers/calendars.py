"""Dates of two sources that were put together: each month, or each week, stands there twice."""

import numpy as np
import pandas as pd

from helpers.labels import short

# Tickers are there by turns if they are met on few dates running, and on dates somewhat apart often.
SELDOM, OFTEN, FURTHEST = 0.1, 0.5, 5
ENOUGH = 12  # of fewer dates nothing is said


def of_two_calendars(dates: pd.Index) -> tuple | None:
    """Two dates of one month, such as its last trading day and its last day, where all else comes month by month."""
    if not isinstance(dates, pd.DatetimeIndex) or len(dates) < 4:
        return None
    at_an_end = (dates.day <= 4) | (dates.day > dates.days_in_month - 4)
    gaps, months = np.diff(dates) / np.timedelta64(1, "D"), dates.year * 12 + dates.month
    close = (gaps > 0) & ((gaps <= 5) | (np.diff(months) == 0))
    if not close.any() or not at_an_end.all() or gaps.max() <= 20:
        return None
    first = int(np.argmax(close))
    return dates[first], dates[first + 1]


def require_one_calendar(name, dates):
    """Refuses dates of which two stand for one month."""
    two = of_two_calendars(dates)
    if two is not None:
        raise ValueError(
            f"{name} hold {short(two[0])} and {short(two[1])}, and are months otherwise: the calendars of two sources. "
            "Bring both to one, such as with dates.to_period('M'), before they are joined."
        )


def follows(past, later) -> bool:
    """Whether all later dates come after the past ones, in one calendar: months by another day would come twice."""
    try:
        return bool(past[-1] < later[0]) and of_two_calendars(past.append(later)) is None
    except TypeError:  # dates of two kinds
        return False


def note_on_turns(there: np.ndarray, dates: pd.Index) -> str:
    """A sentence on tickers that are seldom there on two dates running, but on every second or third; else nothing.

    Parameters
    ----------
    there : (n_dates, n_tickers)
        Whether the ticker has a return at the date.
    dates : Index
    """
    some = there.any(axis=1)
    there, dates = there[some], dates[some]
    if len(there) < ENOUGH:
        return ""
    counts = there.sum(axis=1)
    met = [
        (there[k:] & there[:-k]).sum() / max(1, np.minimum(counts[k:], counts[:-k]).sum())
        for k in range(1, FURTHEST + 1)
    ]
    if met[0] > SELDOM or max(met[1:]) < OFTEN:
        return ""
    return (
        f"The tickers are there by turns: those of {short(dates[0])} are not those of {short(dates[1])}, "
        f"but every {int(np.argmax(met)) + 1} dates they come again. These look like dates of several calendars, so no "
        "date has all tickers. Bring them to one first, such as dates.to_period('W') for weeks."
    )
