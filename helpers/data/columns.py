"""What the user says of the columns of a file, and whether the file agrees."""

import difflib
import re
from collections.abc import Iterable, Set
from copy import copy
from dataclasses import replace
from typing import Any, Self

import pandas as pd

from helpers.checks import first_few
from helpers.data.beside import Wanted, as_select
from helpers.data.file import File, Report
from helpers.data.frames import WIDE, as_table, is_frame
from helpers.data.layout import IDENTIFIERS, Layout
from helpers.data.layouts import recognised
from helpers.data.text import Text, refusal_of_text

ALMOST = 0.75  # from here on, one name is taken for a misspelling of another


class Columns:
    """What the user says of the columns; the parameters are those of `read_panel`."""

    def __init__(
        self,
        date: str | None = None,
        ticker: str | None = None,
        returns: str | None = None,
        characteristics: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        date_format: str | None = None,
        missing_values: Iterable[str] = (),
        layout: Layout | None = None,
        returns_layout: Layout | None = None,
        select: Wanted | None = None,
        side: Iterable[str] = (),
        more_layout: Layout | None = None,
    ) -> None:
        said = {"date": date, "ticker": ticker, "returns": returns, "date_format": date_format}
        for argument, name in said.items():
            if name is not None and not isinstance(name, str):
                raise TypeError(f"{argument} must be text; {name!r} was given.")
        self.layout, self.returns_layout, self.more_layout = layout, returns_layout, more_layout
        self.of_more = more_layout or (layout and replace(layout, screens={}, dated={}))
        self.date, self.ticker, self.returns, self.date_format = date, ticker, returns, date_format
        self.characteristics = None if characteristics is None else _as_texts("characteristics", characteristics)
        self.asked = self.characteristics  # by the user, not by a list beside the file
        self.exclude = _as_texts("exclude", exclude)
        self.missing_values = _as_texts("missing_values", missing_values)
        self.select, self.side = as_select(select), _as_texts("side", side)
        if not layout:
            self._settle(Layout(name="", title="", known="", returns="returns"))

    def _settle(self, layout):
        """Takes the layout's names where the user gave none, and refuses one column in two places."""
        self.date, self.ticker = self.date or layout.date, self.ticker or layout.ticker
        if self.returns is None:
            self.returns = self.returns_layout.returns if self.returns_layout else layout.returns or "returns"
        named = {"date": self.date, "ticker": self.ticker, "returns": self.returns}
        if len(set(named.values())) < 3:
            raise ValueError(
                "date, ticker and returns must be three columns; "
                f"{self.date!r}, {self.ticker!r} and {self.returns!r} were given."
            )
        twice = [name for name in self.characteristics or () if name in {*named.values(), *self.exclude}]
        twice += [name for name in self.exclude if name in (self.date, self.ticker)]
        if twice:
            why = layout.futures.get(twice[0]) if twice[0] in (self.characteristics or ()) else None
            if why:
                raise ValueError(f"Column {twice[0]!r} can be no characteristic: {why}.")
            raise ValueError(
                f"Column {twice[0]!r} is named twice, among date, ticker, returns, characteristics and exclude."
            )

    def fitted(self, file: File, source: File | None, percent: bool = False, more: File | None = None) -> Self:
        """The same with the names of a layout as these files have them; the files compute what the layout says."""
        found = copy(self)
        if self.layout:
            found.layout = layout = self.layout.fitted(file.columns, percent)
            file.compute(layout.made, layout.codes, layout.missing_values)
            found._settle(layout)
            if found.characteristics is None:
                found.characteristics = _listed(file, layout)
        if self.returns_layout and source:
            found.returns_layout = layout = self.returns_layout.fitted(source.columns, percent)
            source.compute(layout.made, layout.codes, layout.missing_values)
            found.returns = layout.returns if self.returns in (None, self.returns_layout.returns) else self.returns
        if self.of_more and more:
            found.of_more = layout = self.of_more.fitted(more.columns)
            found.more_layout = layout if self.more_layout else None
            more.compute(layout.made, layout.codes, layout.missing_values)
        return found

    def holder(
        self, argument: str, name: str, file: File, source: File | None, more: File | None = None
    ) -> tuple[File, str]:
        """The file that has a column of `select` or `side`, the first if several do, and the column's name there."""
        for each in filter(None, (file, source, more)):
            alike = [other for other in each.columns if other == name or other.lower() == name.lower()]
            if name in alike or len(alike) == 1:
                return each, name if name in alike else alike[0]
        raise ValueError(_without_column(file if source is None else source, argument, name))

    def ahead(self, column: str | None) -> int:
        """By how many months the returns in a column of the first file lie after the dates of their rows."""
        return self.layout.returns_ahead.get(column, 0) if self.layout else 0

    def among(
        self, file: File, source: File | None, notes: list[str], report: Report, more: File | None = None
    ) -> tuple[str | None, list[str], dict[str, Text]]:
        """The columns of a file that are to be read.

        Parameters
        ----------
        file : File
        source : File or None
            A second file that holds the returns.
        notes : list of str
            Gains a sentence on identifiers that are left out.
        report : callable
            Takes the sentence on a fault.
        more : File, optional
            A further file of characteristics: what it has need not be in this one.

        Returns
        -------
        own_returns : str or None
            None if the returns stand in the second file, or nowhere.
        characteristics : list of str
        left_out : dict of str to Text
            Columns that can be no characteristics, whatever stands in them.
        """
        for argument in ("date", "ticker"):
            _require_column(file, argument, getattr(self, argument), self.layout)
            _require_labels(file, argument, getattr(self, argument))
        elsewhere = set(more.columns if more else ())
        for argument in ("characteristics", "exclude"):
            for name in getattr(self, argument) or ():
                if name not in elsewhere:
                    _require_named(file, argument, name, self.layout, more)
        own_returns = self._own_returns(file, source, report)
        wanted = self.characteristics
        if wanted is not None:
            wanted = [name for name in wanted if name in file.columns or name not in elsewhere]
        keys = {self.date, self.ticker, own_returns}
        names, left_out = self.characteristics_of(file, keys, self.layout, wanted, notes, report)
        notes += notes_on_wanted(file, self.layout) + self._note_on_another(file, own_returns)
        return own_returns, names, left_out

    def characteristics_of(
        self,
        file: File,
        keys: Set[str | None],
        layout: Layout | None,
        wanted: list[str] | None,
        notes: list[str],
        report: Report,
    ) -> tuple[list[str], dict[str, Text]]:
        """The characteristics of a file, those wanted or all, and its columns that can be none whatever they hold.

        Parameters
        ----------
        file : File
        keys : set of str
            Its columns of dates, tickers and returns.
        layout : Layout or None
            Its own, fitted to it.
        wanted : list of str or None
        notes, report
            As in `among`.
        """
        names = wanted
        if names is None:
            others = {*keys, *self.exclude, *self.select, *self.side}
            if layout:
                others |= {*layout.exclude, *layout.futures, *layout.screens}
            names = [name for name in file.columns if name not in others]
            identifiers = [name for name in names if name.lower() in IDENTIFIERS]
            names = [name for name in names if name not in identifiers]
            if identifiers and not layout:
                notes.append(
                    f"{len(identifiers)} column(s) say who a ticker is or when, and are left out: "
                    f"{first_few(map(repr, identifiers))}. Name them in exclude, or in characteristics if they are."
                )
        elif layout:
            for name in names:
                if name in layout.futures:
                    report(f"Column {name!r} of {file.name} can be no characteristic: {layout.futures[name]}.")
        names = [name for name in names if not _is_unfit(file, name, report)]
        left_out = {name: Text(file.kinds[name]) for name in names if file.holds_neither(name)}
        if left_out and wanted is not None:
            report(refusal_of_text(file.name, left_out))
        return [name for name in names if name not in left_out], left_out

    def _note_on_another(self, file, own_returns):
        """A sentence on a layout that the file looks like, if another was named, or none for returns dated ahead."""
        guess = recognised(file.columns)
        if not guess or (self.layout and self.layout.name == guess[0].name):
            return []
        if not self.layout and not guess[0].fitted(file.columns).returns_ahead.get(own_returns):
            return []
        read = f"read as {self.layout.title}" if self.layout else "its returns dated by their own rows"
        return [f"{file.name} looks like layout={guess[0].name!r}: {guess[1]}. It was {read}."]

    def _own_returns(self, file, source, report):
        if source is not None:
            _require_column(source, "returns", self.returns, self.returns_layout, "returns_layout")
            if self.returns in file.columns and self.returns not in self.exclude:
                raise ValueError(
                    f"Both {file.name} and {source.name} have a column {self.returns!r}. "
                    f"Pass exclude=({self.returns!r},) for those of the second, "
                    "or leave returns_path out for those of the first."
                )
            return None
        if self.returns in file.columns:
            return self.returns
        if self.layout and self.layout.returns is None:
            report(
                f"{file.name} holds no column {self.returns!r}: in {self.layout.title}, returns stand in a second "
                "file. Pass returns_path=…, and returns_layout=… if that has a layout with a name, such as 'crsp_siz'."
            )
            return None
        missing = _without_column(file, "returns", self.returns)
        looks = _looks_like(file, self.layout)
        report(f"{missing} If a second file holds the returns, pass returns_path=….{looks}")
        return None


def _as_texts(name: str, values: Any) -> list[str]:
    """The values as a list, those of a generator too, those of a set in alphabetical order; all text, all different."""
    if is_frame(values) and not isinstance(values, pd.Series):  # a list of names that was read from a file
        table = as_table(values)
        values = table.column(0).to_pylist() if table.num_columns == 1 else table.column_names
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a sequence of texts, such as ({values!r},); {values!r} was given.")
    values = sorted(values, key=str) if isinstance(values, Set) else list(values)
    wrong = [value for value in values if not isinstance(value, str)]
    if wrong:
        raise TypeError(f"{name} must hold texts; {wrong[0]!r} was given.")
    if len(set(values)) < len(values):
        raise ValueError(f"{name} must all differ; {first_few(values)} were given.")
    return values


def _is_unfit(file, name, report):
    """Whether the column cannot be a characteristic, after the fault is reported."""
    if not name.strip() or re.fullmatch(r"__index_level_\d+__", name):
        report(
            f"A column of {file.name} has no name ({name!r}): perhaps pandas wrote its row numbers. "
            f"Pass exclude=({name!r},), or write the file with index=False."
        )
    elif name == "returns":
        report(f"Column 'returns' of {file.name} is not the one named by returns=. Exclude it, or name that one.")
    elif name == "returns_fwd":
        report(
            f"Column 'returns_fwd' of {file.name} is not known before the return of its row. "
            "Pass exclude=('returns_fwd',)."
        )
    else:
        return False
    return True


def _listed(file, layout):
    """The characteristics that the file beside this one lists, as in the Common Task Framework; None without one."""
    path = file.path.with_name(layout.features) if layout.features and file.table is None else None
    if path is None or not path.exists():
        return None
    listed = pd.read_parquet(path).iloc[:, 0].astype(str).tolist()
    absent = [name for name in listed if name not in file.columns]
    if absent:
        raise ValueError(f"{path.name} lists columns that {file.name} does not have: {first_few(map(repr, absent))}.")
    return listed


def _require_column(file, argument, name, layout=None, option="layout"):
    if name not in file.columns:
        sentence = _without_column(file, argument, name)
        if layout:
            sentence += f" So it is not laid out as {layout.title}."
        raise ValueError(sentence + _looks_like(file, layout, option))


def _looks_like(file, layout, option="layout"):
    """A sentence on another layout that the file may have."""
    guess = recognised(file.columns)
    if not guess or (layout and guess[0].name == layout.name) or (option != "layout" and not guess[0].returns):
        return ""
    return f" It looks like {option}={guess[0].name!r}: {guess[1]}."


def _require_named(file, argument, name, layout, more):
    """Refuses a column that is named in a list, and absent; of two files, it is sought in both."""
    if name in file.columns:
        return
    if more and not (layout and layout.absent.get(name.lower())):
        near = difflib.get_close_matches(name, [*more.columns, *file.columns], n=1)
        advice = f" Perhaps {near[0]!r} is meant." if near else ""
        raise ValueError(
            f"Neither {file.name} nor {more.name} has a column {name!r}.{advice} Name columns that they have in "
            f"{argument}."
        )
    if not layout:
        _require_column(file, argument, name)
    why = layout.absent.get(name.lower())
    raise ValueError(_without_column(file, argument, name, why and f"In {layout.title}, {why}."))


def _require_labels(file, argument, name):
    kind = file.kinds[name]
    if file.holds_neither(name) and not (argument == "date" and kind.startswith(("timestamp", "date"))):
        raise TypeError(
            f"Column {name!r} of {file.name} holds {kind}, which can be no {argument}. Convert it to text first."
        )


def _without_column(file, argument, name, remedy=""):
    if file.looks_wide and argument in ("date", "ticker"):
        return WIDE
    alike = {other.strip().lower(): other for other in reversed(file.columns)}
    # Of these the spelling tells little: 'turn' is a share turnover, and 'sprtrn' the return of an index.
    cutoff = ALMOST if name.lower() in ("returns", "ret") else 0.6
    nearest = difflib.get_close_matches(name.strip().lower(), alike, n=1, cutoff=cutoff)
    advice = f" Perhaps {alike[nearest[0]]!r} is meant." if nearest else ""
    one = (
        f"Pass {argument}={alike[nearest[0]] if nearest else 'its name'!r}."
        if argument in ("date", "ticker", "returns")
        else f"Name columns that it has in {argument}."
    )
    return (
        f"{file.name} has no column {name!r}; it has {first_few(map(repr, file.columns), 8)}.{advice} {remedy or one}"
    )


def note_on_returns_layout(source: File, layout: Layout | None) -> list[str]:
    """A sentence on the layout of a second file that was read without it, if it would make a difference."""
    guess = None if layout else recognised(source.columns)
    if not guess or not guess[0].returns:
        return []
    fitted = guess[0].fitted(source.columns)
    if not fitted.screens and fitted.returns not in fitted.made:
        return []
    return [
        f"{source.name} looks like returns_layout={guess[0].name!r}: {guess[1]}. Without it no rows are screened, and "
        "neither codes nor delisting returns are known for what they are."
    ]


def notes_on_wanted(file: File, layout: Layout | None) -> list[str]:
    """A sentence for each column without which the panel is less than it should be."""
    return [f"{file.name} has no column {name!r}: {what}." for name, what in (layout.wanted if layout else {}).items()]


def same_but_for_capitals(file: File, argument: str, name: str, option: str = "returns_layout") -> str:
    """The column of a further file by the name that it has in the first, or in its own layout; in capitals or not."""
    alike = [other for other in file.columns if other.lower() == name.lower()]
    if name not in alike and len(alike) == 1:
        name = alike[0]
    if name not in file.columns:
        guess = recognised(file.columns)
        layout = f"pass {option}={guess[0].name!r}, since {guess[1]}, or " if guess else ""
        remedy = f"{layout}name its {argument} as in the first file."
        raise ValueError(_without_column(file, argument, name, remedy[0].upper() + remedy[1:]))
    _require_labels(file, argument, name)
    return name
