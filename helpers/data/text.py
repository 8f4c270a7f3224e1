"""Columns that hold text where numbers are needed: what is in them, and the sentences that say so."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from helpers.checks import first_few

NUMBER = re.compile(r"\s*[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|inf(inity)?|nan)\s*", re.IGNORECASE)
CRSP_LETTERS = set("ABCDEPST")
MOST_TEXTS = 1000  # different ones that are counted: enough to show, however long the file

# Ways to write a number that are not read as one, what is odd about each, and what to do. The first that fits counts.
ODD_NUMBERS = tuple(
    (re.compile(pattern, re.IGNORECASE), what)
    for pattern, what in (
        (r".*\ufffd.*", "bytes that are not UTF-8: export the file again, as UTF-8"),
        (r"(?=.*\d)[\u2010-\u2015\u2212\ufe58\ufe63\uff0d].*", "a minus sign other than '-': replace it by '-'"),
        (r"(?=.*\d).*[\u200b-\u200f\u2060\ufeff].*", "characters that cannot be seen: remove them"),
        (r".*(?![0-9])\d.*", "digits other than 0 to 9: replace them"),
        (r".*\d\s*[%‰]", "a percent sign: remove it, and pass percent=True if the returns are in percent"),
        (r"\(.*\d.*\)", "parentheses, as accountants write what is negative: write -1 for (1)"),
        (r"(?=.*\d)([-+]?\s*[$€£¥₹].*|.*[$€£¥₹]|.*\d\s*(usd|eur|gbp|jpy|chf|cny|cad|aud))", "a currency: remove it"),
        (r"[-+]?(0*,\d+|\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+)",
            "a decimal comma: export it with decimal points, as pandas.read_csv(..., decimal=',') makes them"),
        (r"[-+]?\d{1,3},\d{3}",
            "a comma, of thousands or of decimals: export it without, with decimal points only"),
        (r"[-+]?\d{1,3}([,'’\s_]\d{3})+(\.\d*)?|[-+]?\d{1,3}(\.\d{3}){2,}|[-+]?\d+(_\d+)+",
            "marks or blanks between thousands: remove them"),
        (r"[-+]\s+[\d.]+|[-+]?[\d.]+(\s+[\d.]+)+", "blanks within it: remove them"),
        (r"[-+]?[\d.]+d[-+]?\d+", "d for the exponent: write e"),
        (r"[-+]?[\d.]+\s*[*†‡a-z]", "a mark behind it: remove the mark"),
        (r"true|false", "a word for yes or no: write 1 and 0"),
    )
)  # fmt: skip


class TextFound(Exception):
    """Columns that should hold numbers hold text: `texts` is {column: Text}, and `file` has them."""

    def __init__(self, texts: "Mapping[str, Text]", file: object) -> None:
        super().__init__()
        self.texts, self.file = dict(texts), file


class Text:
    """What is in a column that does not hold numbers alone.

    Parameters
    ----------
    kind : str
        "text", or the type of a Parquet column that is neither text nor numbers.

    Attributes
    ----------
    n_rows : int
        How many entries were counted.
    texts : Counter
        What is no number, and how often.
    spaced : bool
        Whether some numbers have blanks around them that do not break lines.
    """

    def __init__(self, kind: str = "text") -> None:
        self.kind = kind
        self.n_rows = self.n_numbers = 0
        self.n_missing = 0 if kind == "text" else np.nan
        self.texts: Counter[str] = Counter()
        self.spaced = False

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
        self.n_rows += len(column)
        self.n_missing += len(column) - len(known)
        try:
            self.n_numbers += len(pc.utf8_trim_whitespace(known).cast(pa.float64()))
            self.spaced |= pc.any(pc.match_substring_regex(known, "[^[:ascii:]]")).as_py() or False
        except pa.ArrowInvalid:
            for entry in known.cast(pa.binary()).value_counts():
                text, count = entry["values"].as_py().decode(errors="replace"), entry["counts"].as_py()
                if NUMBER.fullmatch(text):
                    self.n_numbers += count
                    self.spaced |= not text.isascii()
                elif text in self.texts or len(self.texts) < MOST_TEXTS:
                    self.texts[text] += count


def is_missing(column: pa.Array, nulls: Sequence[str]) -> pa.Array:
    """Whether each entry of a column of text is null, or one of the texts that mean a missing number."""
    return pc.is_in(column, value_set=pa.array([*nulls, None], pa.string()))


def what_is_odd(texts: Mapping[str, Text]) -> tuple[list[str], list[str]]:
    """Sentences on numbers that are written in ways that are not read, one for each way; and the other words."""
    words = sorted({word for text in texts.values() for word in text.texts})
    odd: dict[str, str] = {}
    left = []
    for word in words:
        what = next((what for way, what in ODD_NUMBERS if way.fullmatch(word.strip())), None)
        if what is None:
            left.append(word.strip())
        else:
            odd.setdefault(what, word)
    return [f"{word!r} has {what}." for what, word in odd.items()], list(dict.fromkeys(left))


def notes_on_text(texts: Mapping[str, Text]) -> list[str]:
    """A sentence on the columns that are left out because they hold no number, if there are any."""
    without = {name: text for name, text in texts.items() if not text.n_numbers}
    if not without:
        return []
    shown = first_few([f"{name!r} ({text.shown(1)})" for name, text in without.items()])
    odd, words = what_is_odd(without)
    remedy = " ".join([*([] if words else odd[:3]), "Name them in exclude if that is meant."])
    return [f"{len(without)} column(s) hold no numbers and are left out: {shown}. {remedy}"]


def refusal_of_text(file_name: str, texts: Mapping[str, Text]) -> str:
    """The sentence on columns that should hold numbers alone."""
    shown = [
        f"column {name!r} holds {'text beside numbers' if text.n_numbers else 'no numbers'}: {text.shown(3)}"
        for name, text in texts.items()
    ]
    odd, _ = what_is_odd(texts)
    _, words = what_is_odd({name: text for name, text in texts.items() if text.n_numbers})
    sentences = [f"In {file_name}, {'; '.join(shown[:3])}.", *odd[:3]]
    crsp = " Such letters are CRSP's reasons; layout='crsp_siz', or returns_layout= for a second file, knows them all."
    of_returns = any(re.match("(dl|mth)?ret", name, re.IGNORECASE) for name in texts)
    if 0 < len(words) <= 8:
        what = " and ".join(map(repr, words[:2])) if odd else "that"
        sentences.append(
            f"If {what} means a missing number, pass missing_values={tuple(words)!r}; "
            f"otherwise correct or exclude the column.{crsp if of_returns and set(words) <= CRSP_LETTERS else ''}"
        )
    elif words or not odd:
        sentences.append("Correct the column, or exclude it.")
    return " ".join(sentences)
