"""What the user says of the columns of a file, and whether the file agrees."""

import difflib
import re
from collections.abc import Iterable, Set

from helpers.checks import first_few
from helpers.data.file import File, Report
from helpers.data.text import Text, refusal_of_text


class Columns:
    """What the user says of the columns; the parameters are those of `read_panel`."""

    def __init__(
        self,
        date: str,
        ticker: str,
        returns: str,
        characteristics: Iterable[str] | None,
        exclude: Iterable[str],
        date_format: str | None,
        missing_values: Iterable[str],
    ) -> None:
        named = {"date": date, "ticker": ticker, "returns": returns}
        for argument, name in (named | ({} if date_format is None else {"date_format": date_format})).items():
            if not isinstance(name, str):
                raise TypeError(f"{argument} must be text; {name!r} was given.")
        if len(set(named.values())) < 3:
            raise ValueError(
                f"date, ticker and returns must be three columns; {date!r}, {ticker!r} and {returns!r} were given."
            )
        self.date, self.ticker, self.returns, self.date_format = date, ticker, returns, date_format
        self.characteristics = None if characteristics is None else _as_texts("characteristics", characteristics)
        self.exclude = _as_texts("exclude", exclude)
        self.missing_values = _as_texts("missing_values", missing_values)
        twice = [name for name in self.characteristics or () if name in {*named.values(), *self.exclude}]
        twice += [name for name in self.exclude if name in (date, ticker)]
        if twice:
            raise ValueError(
                f"Column {twice[0]!r} is named twice, among date, ticker, returns, characteristics and exclude."
            )

    def among(self, file: File, source: File | None, report: Report) -> tuple[str | None, list[str], dict[str, Text]]:
        """The columns of a file that are to be read.

        Parameters
        ----------
        file : File
        source : File or None
            A second file that holds the returns.
        report : callable
            Takes the sentence on a fault.

        Returns
        -------
        own_returns : str or None
            None if the returns stand in the second file, or nowhere.
        characteristics : list of str
        left_out : dict of str to Text
            Columns that can be no characteristics, whatever stands in them.
        """
        for argument in ("date", "ticker"):
            _require_column(file, argument, getattr(self, argument))
            _require_labels(file, argument, getattr(self, argument))
        for argument in ("characteristics", "exclude"):
            for name in getattr(self, argument) or ():
                _require_column(file, argument, name)
        own_returns = self._own_returns(file, source, report)
        names = self.characteristics
        if names is None:
            others = {self.date, self.ticker, own_returns, *self.exclude}
            names = [name for name in file.columns if name not in others]
        names = [name for name in names if not _is_unfit(file, name, report)]
        left_out = {name: Text(file.kinds[name]) for name in names if file.holds_neither(name)}
        if left_out and self.characteristics is not None:
            report(refusal_of_text(file.name, left_out))
        return own_returns, [name for name in names if name not in left_out], left_out

    def _own_returns(self, file, source, report):
        if source is not None:
            _require_column(source, "returns", self.returns)
            if self.returns in file.columns and self.returns not in self.exclude:
                raise ValueError(
                    f"Both {file.name} and {source.name} have a column {self.returns!r}. "
                    f"Pass exclude=({self.returns!r},) for those of the second, "
                    "or leave returns_path out for those of the first."
                )
            return None
        if self.returns in file.columns:
            return self.returns
        missing = _without_column(file, "returns", self.returns)
        report(f"{missing} If a second file holds the returns, pass returns_path=….")
        return None


def _as_texts(name, values):
    """The values as a list, those of a generator too, those of a set in alphabetical order; all text, all different."""
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


def _require_column(file, argument, name):
    if name not in file.columns:
        raise ValueError(_without_column(file, argument, name))


def _require_labels(file, argument, name):
    kind = file.kinds[name]
    if file.holds_neither(name) and not (argument == "date" and kind.startswith(("timestamp", "date"))):
        raise TypeError(
            f"Column {name!r} of {file.name} holds {kind}, which can be no {argument}. Convert it to text first."
        )


def _without_column(file, argument, name, remedy=""):
    alike = {other.strip().lower(): other for other in reversed(file.columns)}
    nearest = difflib.get_close_matches(name.strip().lower(), alike, n=1)
    advice = f" Perhaps {alike[nearest[0]]!r} is meant." if nearest else ""
    one = (
        f"Pass {argument}={alike[nearest[0]] if nearest else 'its name'!r}."
        if argument in ("date", "ticker", "returns")
        else f"Name columns that it has in {argument}."
    )
    return (
        f"{file.name} has no column {name!r}; it has {first_few(map(repr, file.columns), 8)}.{advice} {remedy or one}"
    )


def same_but_for_capitals(file: File, argument: str, name: str) -> str:
    """The column of a second file that has the same name as in the first, in capitals or not."""
    alike = [other for other in file.columns if other.lower() == name.lower()]
    if name not in alike and len(alike) == 1:
        name = alike[0]
    if name not in file.columns:
        raise ValueError(_without_column(file, argument, name, f"Name its {argument} as in the first file."))
    _require_labels(file, argument, name)
    return name
