"""Columns that hold text where numbers are needed: what is in them, and the sentences that say so."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from helpers.checks import first_few

NUMBER = re.compile(r"\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|nan)\s*", re.IGNORECASE)
MOST_TEXTS = 1000  # different ones that are counted: enough to show, however long the file


class TextFound(Exception):
    """Columns that should hold numbers hold text: `texts` is {column: Text}."""

    def __init__(self, texts: "Mapping[str, Text]") -> None:
        super().__init__()
        self.texts = dict(texts)


class Text:
    """What is in a column that does not hold numbers alone.

    Parameters
    ----------
    kind : str
        "text", or the type of a Parquet column that is neither text nor numbers.
    """

    def __init__(self, kind: str = "text") -> None:
        self.kind = kind
        self.n_numbers = 0
        self.n_missing = 0 if kind == "text" else np.nan
        self.texts: Counter[str] = Counter()

    @property
    def holds(self) -> str:
        """What a schema says that the column holds."""
        return "numbers and text" if self.n_numbers else self.kind

    def shown(self, how_many: int) -> str:
        """The texts that are most frequent, or the type of the column."""
        entries = [f"{text!r}, {count:,} row(s)" for text, count in self.texts.most_common()]
        return first_few(entries, how_many) or self.kind

    def add(self, column: pa.Array, nulls: Sequence[str]) -> None:
        """Counts the entries of some rows; `nulls` are the texts that mean a missing number."""
        known = column.filter(pc.invert(is_missing(column, nulls)))
        self.n_missing += len(column) - len(known)
        try:
            self.n_numbers += len(pc.utf8_trim_whitespace(known).cast(pa.float64()))
        except pa.ArrowInvalid:
            for entry in known.cast(pa.binary()).value_counts():
                text, count = entry["values"].as_py().decode(errors="replace"), entry["counts"].as_py()
                if NUMBER.fullmatch(text):
                    self.n_numbers += count
                elif text in self.texts or len(self.texts) < MOST_TEXTS:
                    self.texts[text] += count


def is_missing(column: pa.Array, nulls: Sequence[str]) -> pa.Array:
    """Whether each entry of a column of text is null, or one of the texts that mean a missing number."""
    return pc.is_in(column, value_set=pa.array([*nulls, None], pa.string()))


def notes_on_text(texts: Mapping[str, Text]) -> list[str]:
    """A sentence on the columns that are left out because they hold no number, if there are any."""
    shown = [f"{name!r} ({text.shown(1)})" for name, text in texts.items() if not text.n_numbers]
    if not shown:
        return []
    return [
        f"{len(shown)} column(s) hold no numbers and are left out: {first_few(shown)}. "
        "Name them in exclude if that is meant."
    ]


def refusal_of_text(file_name: str, texts: Mapping[str, Text]) -> str:
    """The sentence on columns that should hold numbers alone."""
    shown = [
        f"column {name!r} holds {'text beside numbers' if text.n_numbers else 'no numbers'}: {text.shown(3)}"
        for name, text in texts.items()
    ]
    words = sorted({word for text in texts.values() if text.n_numbers for word in text.texts})
    if 0 < len(words) <= 8:
        remedy = (
            f"If that means a missing number, pass missing_values={tuple(words)!r}; "
            "otherwise correct or exclude the column."
        )
    else:
        remedy = "Correct the column, or exclude it."
    return f"In {file_name}, {'; '.join(shown[:3])}. {remedy}"
