"""A further file of characteristics: which of its columns are read, and which row of the first file each row joins."""

import numpy as np

from helpers.checks import first_few
from helpers.data.columns import Columns, same_but_for_capitals
from helpers.data.file import File, Report
from helpers.data.joining import MANY_ALONE, note_on_lost, partners, refusal_of_strangers, rows_beside
from helpers.data.layouts import recognised
from helpers.data.rows import Rows, among, by_month, count_repeated, note_on_screens
from helpers.data.text import Text


def columns_of_more(
    columns: Columns, file: File, source: File | None, more: File, notes: list[str], report: Report
) -> tuple[tuple[str, str], list[str], dict[str, Text]]:
    """The columns of date and ticker, the characteristics, and the columns that can be none.

    Parameters
    ----------
    columns : Columns
        Fitted to the files.
    file, source, more : File
        The first, that of the returns, and the further one.
    notes : list of str
        Gains sentences on what is left out, or looks otherwise than declared.
    report : callable
        Takes the sentence on a fault.
    """
    layout, own = columns.of_more, columns.more_layout
    said = {"date": own.date, "ticker": own.ticker} if own else {"date": columns.date, "ticker": columns.ticker}
    date, ticker = (same_but_for_capitals(more, argument, name, "more_layout") for argument, name in said.items())
    asked = columns.asked
    wanted = None if asked is None else [name for name in asked if name in more.columns]
    names, left_out = columns.characteristics_of(more, {date, ticker}, layout, wanted, notes, report)
    others = ((file, set(file.columns)), (source, {columns.returns}))
    for other, theirs in others:
        both = [name for name in (*names, *left_out) if name in theirs] if other else []
        if other and both:
            raise ValueError(
                f"Both {other.name} and {more.name} have the column(s) {first_few(map(repr, both))}. Rename them in "
                f"one of the files; or pass exclude={tuple(both[:3])!r}, and they are characteristics from neither."
            )
    guess = None if own else recognised(more.columns)
    if guess and guess[0].months_ahead != (layout.months_ahead if layout else 0):
        notes.append(
            f"{more.name} looks like more_layout={guess[0].name!r}: {guess[1]}. It was read as if its rows were dated "
            f"as those of {file.name}."
        )
    return (date, ticker), names, left_out


def joined_more(
    file: File,
    more: File,
    labels: tuple[str, str],
    columns: Columns,
    rows: Rows,
    frequency: str,
    largest: float,
    report: Report,
    notes: list[str],
) -> np.ndarray:
    """The position of the first file's row that each row of the further file joins, -1 for none: (n_more_rows,).

    Parameters
    ----------
    file, more : File
        The first and the further one.
    labels : (date, ticker)
        The columns of the further one.
    columns : Columns
    rows, frequency
        Of the first file.
    largest : float
        Beyond it, a number counts as infinite.
    report : callable
        Takes the sentence on a fault.
    notes : list of str
        Gains sentences on rows of either file that have none in the other.
    """
    layout, own = columns.of_more, columns.more_layout
    remedy = f"Bring {more.name} to the dates of {file.name} first: one row for each of them."
    about = rows, frequency, columns.date_format, largest, report, layout, remedy, bool(own and own.monthly)
    theirs, fits = rows_beside(file, more, (*labels, None), *about)
    nowhere = np.full(len(theirs.date_codes), -1, dtype=np.int64)
    if not fits:
        return nowhere
    notes += note_on_screens(more, theirs, layout, "more_layout")
    theirs = by_month(theirs, frequency, layout.months_ahead if layout else 0)
    found = among(theirs, rows)
    at = partners(found, rows)
    if not (at >= 0).any():
        report(refusal_of_strangers(file, more, rows, theirs))
        return nowhere
    count_repeated(more, found, frequency, report, layout)
    lost = theirs.used & (at < 0)
    if lost.any():
        elsewhen = int((lost & (found.date_codes < 0)).sum())
        notes.append(
            f"{lost.sum():,} of the {theirs.used.sum():,} rows of {more.name} have no row that is read in {file.name}, "
            f"and are left out{f' ({elsewhen:,} of them at other dates)' if elsewhen else ''}."
        )
    known = np.zeros(len(rows.date_codes), bool)
    known[at[at >= 0]] = True
    alone = int((rows.used & ~known).sum())
    if alone > MANY_ALONE * rows.used.sum():
        notes.append(
            f"{alone:,} of the {rows.used.sum():,} rows of {file.name} have no row in {more.name}: what that says is "
            "unknown there."
        )
    notes += note_on_lost(file, more, rows, theirs)
    return at
