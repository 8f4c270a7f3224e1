"""Tickers of a file: text, or whole numbers."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from helpers.checks import WHOLE_IN_FLOAT32, first_few
from helpers.data.file import File, Report


def as_tickers(file: File, column: str, labels: Sequence[Any], report: Report) -> pd.Index:
    """The labels as text or as whole numbers.

    Those of a CSV file are whole numbers if all look so and none begins with a zero.
    """
    if file.is_float32(column) and max(labels) > WHOLE_IN_FLOAT32:
        raise ValueError(
            f"The tickers in column {column!r} of {file.name} are in float32, which keeps 7 digits: longer numbers "
            f"have become others, such as {max(labels):.0f}. Write them as whole numbers or text."
        )
    if all(type(label) is int or (isinstance(label, float) and label.is_integer()) for label in labels):
        return pd.Index([int(label) for label in labels])
    if not all(isinstance(label, str) for label in labels):
        kinds = sorted({type(label).__name__ for label in labels})
        raise TypeError(
            f"Tickers must be text or whole numbers; column {column!r} of {file.name} holds {first_few(kinds)}, "
            f"such as {labels[0]!r}."
        )
    blanks = [repr(label) for label in labels if label != label.strip()]
    if blanks:
        report(
            f"{len(blanks)} ticker(s) of {file.name} have blanks around them: {first_few(blanks)}. Remove the blanks."
        )
    values = {label: value for label in labels if (value := _whole_number(label)) is not None}
    by_value: dict[int, list[str]] = {}
    for label, value in values.items():
        by_value.setdefault(value, []).append(label)
    alike = [" and ".join(map(repr, group)) for group in by_value.values() if len(group) > 1]
    if alike:
        report(
            f"Some tickers of {file.name} are one number written in several ways: {first_few(alike)}. "
            "Write each in one way."
        )
    if file.is_csv and len(values) == len(labels) and not any(re.match("0[0-9]", label) for label in labels):
        return pd.Index(list(values.values()), dtype="int64")
    return pd.Index(labels, dtype="str")


def positions_of(theirs: pd.Index, tickers: pd.Index) -> np.ndarray:
    """Where the tickers of a second file stand among those of the first, -1 where they do not.

    One whole number is one ticker, however it is written: 1004 is '001004' and '1004.0'.
    """
    first, second = (labels.astype("str") for labels in (tickers, theirs))
    found = first.get_indexer(second)
    lost, free = found < 0, np.setdiff1d(np.arange(len(first)), found)
    numbers = {_whole_number(label): position for label, position in zip(first[free], free, strict=True)}
    found[lost] = [
        -1 if (number := _whole_number(label)) is None else numbers.get(number, -1) for label in second[lost]
    ]
    return found


def _whole_number(label):
    """The whole number that a text is, None if it is none."""
    match = re.fullmatch(r"([0-9]{1,18})(\.0+)?", label)
    return None if match is None else int(match[1])
