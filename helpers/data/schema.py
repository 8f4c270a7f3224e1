"""A file described: how many rows, dates and tickers it holds, what its columns hold, and what speaks against it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd

from helpers.compact import is_large
from helpers.data.contents import Contents
from helpers.data.dates import frequency_of_dates
from helpers.data.file import Source
from helpers.data.layout import Layout
from helpers.panel import Panel

WIDTH = 76  # characters: what a page 800 pixels wide holds
NO_LAYOUT = "none is named or recognised: a row's characteristics are taken to be known before its return"


@dataclass(frozen=True, eq=False, repr=False)
class Schema:
    """What a file holds, as `read_schema` found it.

    Parameters
    ----------
    name : str
        Of the file, without its folder.
    n_rows, n_dates, n_tickers : int
    first_date, last_date : Timestamp
    frequency : {"daily", "weekly", "monthly", "quarterly", "annual", "mixed", "unknown"}
        Unknown if there is one date only.
    tickers_per_date : (least, median, most)
    n_repeated : int
        Rows whose (date, ticker) stands in an earlier row.
    gigabytes : float
        What the Panel would take in float32.
    columns : DataFrame
        One line for each column of characteristics. `holds`: "numbers", "text", "numbers and text", or the type of a
        Parquet column that is neither; `missing`: the share of rows; `first_known`: a date; `constant`: whether it is
        the same number everywhere; `constant_dates`: at how many dates it is the same for all tickers (of two at
        least).
    warnings : tuple of str
        What `read_panel` would refuse or warn of, in sentences.
    layout : str or None
        The name of the layout by which it was read, named or guessed.
    known : str
        What that layout assumes about when a characteristic is known, and why it was guessed.
    timing : str
        What the data tell of it.
    """

    name: str
    n_rows: int
    n_dates: int
    n_tickers: int
    first_date: pd.Timestamp
    last_date: pd.Timestamp
    frequency: str
    tickers_per_date: tuple[int, int, int]
    n_repeated: int
    gigabytes: float
    columns: pd.DataFrame
    warnings: tuple[str, ...]
    layout: str | None = None
    known: str = NO_LAYOUT
    timing: str = ""

    def __repr__(self) -> str:
        least, median, most = self.tickers_per_date
        kinds = [f"{count:,} of {kind}" for kind, count in self.columns["holds"].value_counts().items()]
        numbered = [f"  {i}. {sentence}" for i, sentence in enumerate(self.warnings, start=1)]
        lines = [
            f"{self.name}: {self.n_rows:,} rows, {self.n_repeated:,} of them repeated",
            f"dates     {self.n_dates:,}, {self.first_date.date()} to {self.last_date.date()}, {self.frequency}",
            f"tickers   {self.n_tickers:,}; at a date {least:,} at least, {median:,} in the median, {most:,} at most",
            f"columns   {', '.join(kinds) or 'none'}",
            _entry("layout", f"{self.layout}: {self.known}" if self.layout else self.known),
            *([_entry("timing", self.timing)] if self.timing else []),
            f"memory    {self.gigabytes:.3g} GB as a Panel of float32",
            f"warnings  {len(self.warnings)}",
            *(fill(sentence, WIDTH, subsequent_indent="     ") for sentence in numbered),
        ]
        return "\n".join(lines)


def _entry(name, text):
    return fill(text, WIDTH, initial_indent=f"{name:<10}", subsequent_indent=" " * 10)


def _known(layout, why):
    return NO_LAYOUT if layout is None else (f"guessed, since {why}. " if why else "") + layout.known


def schema_of_wide(source: Source, panel: Panel, layout: Layout, why: str, notes: Sequence[str]) -> Schema:
    """The schema of a wide table that was read as this panel."""
    per_date = (~np.isnan(panel.returns)).sum(axis=1)
    return Schema(
        name=_name(source),
        n_rows=panel.n_dates,
        n_dates=panel.n_dates,
        n_tickers=panel.n_tickers,
        first_date=panel.dates[0],
        last_date=panel.dates[-1],
        frequency=frequency_of_dates(panel.dates),
        tickers_per_date=(int(per_date.min()), int(np.median(per_date)), int(per_date.max())),
        n_repeated=0,
        gigabytes=panel.returns.size * 4 / 1e9,
        columns=pd.DataFrame({"holds": []}, index=pd.Index([], name="column", dtype="str")),
        warnings=tuple(notes),
        layout=layout.name,
        known=_known(layout, why),
    )


def _name(source):
    return Path(source).name if isinstance(source, str | os.PathLike) else "frame"


def described(source: Source, contents: Contents, faults: Sequence[str], why: str = "") -> Schema:
    """The schema of a file with these contents and these faults, and why its layout was guessed."""
    rows, dates = contents.rows, contents.dates
    per_date = np.bincount(rows.date_codes[rows.used], minlength=len(dates))
    tables = [_lines_of_numbers(contents)] + ([_lines_of_text(contents)] if contents.texts else [])
    return Schema(
        name=_name(source),
        n_rows=len(rows.date_codes),
        n_dates=len(dates),
        n_tickers=len(rows.tickers),
        first_date=dates[0],
        last_date=dates[-1],
        frequency=contents.frequency,
        tickers_per_date=(int(per_date.min()), int(np.median(per_date)), int(per_date.max())),
        n_repeated=contents.n_repeated,
        gigabytes=_gigabytes(contents),
        columns=pd.concat(tables),
        warnings=(*faults, *contents.notes),
        layout=contents.layout and contents.layout.name,
        known=_known(contents.layout, why),
        timing=contents.timing,
    )


def _gigabytes(contents):
    """What returns and characteristics take in float32, the latter compact where they are many, and sparse."""
    shape = (len(contents.dates), len(contents.tickers), len(contents.names))
    n_rows = int(contents.rows.used.sum())
    n_stored = n_rows * (shape[2] + 1) if is_large(n_rows, shape, 4) else np.prod(shape, dtype=float)
    return float(n_stored + shape[0] * shape[1]) * 4 / 1e9


def _lines_of_numbers(contents):
    known = contents.statistics.known
    first = [contents.dates[at.argmax()] if at.any() else pd.NaT for at in known > 0]
    return pd.DataFrame(
        {
            "holds": "numbers",
            "missing": 1 - known.sum(axis=1) / len(contents.rows.date_codes),
            "first_known": pd.DatetimeIndex(first, dtype=contents.dates.dtype),
            "constant": pd.array(contents.statistics.constant(), dtype="boolean"),
            "constant_dates": pd.array(contents.statistics.constant_dates(), dtype="Int64"),
        },
        index=pd.Index(contents.names, name="column", dtype="str"),
    )


def _lines_of_text(contents):
    texts = contents.texts.values()
    return pd.DataFrame(
        {
            "holds": [text.holds for text in texts],
            "missing": [text.n_missing / max(1, text.n_rows) for text in texts],
            "first_known": np.full(len(texts), np.datetime64("NaT"), dtype=contents.dates.dtype),
            "constant": pd.array([pd.NA] * len(texts), dtype="boolean"),
            "constant_dates": pd.array([pd.NA] * len(texts), dtype="Int64"),
        },
        index=pd.Index(list(contents.texts), name="column", dtype="str"),
    )
