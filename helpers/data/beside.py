"""Columns that are no characteristics: those that rows are chosen by, and side data that a panel carries along."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers.data.file import File
from helpers.data.text import TextFound

COMPARED = {">=": operator.ge, "<=": operator.le, "!=": operator.ne, ">": operator.gt, "<": operator.lt}
BOUND = re.compile(r"\s*(>=|<=|!=|>|<)\s*(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*")

Wanted = Mapping[str, Any]


def as_select(select: Wanted | None) -> dict[str, tuple]:
    """What each column must be, as a tuple of values, or of one text such as ">= 5"."""
    if select is None:
        return {}
    if not isinstance(select, Mapping):
        raise TypeError(
            f"select must be a dict of columns and what they must be, such as {{'shrcd': (10, 11), 'prc': '>= 5'}}; "
            f"{select!r} was given."
        )
    found = {}
    for name, wanted in select.items():
        if not isinstance(name, str):
            raise TypeError(f"select must name columns by text; {name!r} was given.")
        values = (wanted,) if isinstance(wanted, str) or not isinstance(wanted, Iterable) else tuple(wanted)
        wrong = [v for v in values if not isinstance(v, str | int | float | np.number) or v != v]
        if not values or wrong:
            raise ValueError(
                f"select[{name!r}] must be a number, a text, several of them, or a bound such as '>= 5'; {wanted!r} "
                "was given."
            )
        if len(values) > 1 and any(isinstance(v, str) and BOUND.fullmatch(v) for v in values):
            raise ValueError(f"select[{name!r}] must be one bound, or several values; {wanted!r} was given.")
        found[name] = values
    return found


def values_of(file: File, name: str) -> np.ndarray:
    """The column, (n_rows,): numbers, NaN where missing, if it holds nothing else; or texts, None where missing."""
    if file.kinds[name] == "numbers" or file.is_csv:
        try:
            parts = [batch.column(0).to_numpy(zero_copy_only=False) for batch in file.batches([], [name])]
            return np.concatenate([np.empty(0), *parts])
        except TextFound:
            pass
    texts: list[Any] = []
    for batch in file.batches([name]):
        texts += batch.column(0).to_pylist()
    missing = set(file.nulls)
    found = [None if text is None or str(text).strip() in missing else str(text).strip() for text in texts]
    return np.array([*found, None], dtype=object)[:-1]


def passes(values: np.ndarray, wanted: tuple) -> np.ndarray:
    """Whether each value is one of those wanted, or within the bound; a missing one is not.

    Numbers are compared as such, 10.0 with "10" too; texts without regard to capitals.
    """
    bound = BOUND.fullmatch(wanted[0]) if isinstance(wanted[0], str) else None
    if values.dtype != object:
        if bound:
            with np.errstate(invalid="ignore"):
                return COMPARED[bound[1]](values, float(bound[2])) & ~np.isnan(values)
        numbers = pd.to_numeric(pd.Series(list(wanted), dtype=object), errors="coerce").dropna()
        return np.isin(values, numbers.to_numpy(dtype=float))
    if bound:
        raise ValueError(f"select: {wanted[0]!r} is a bound for numbers, and the column holds text.")
    texts = {_bare(v) for v in wanted}
    labels, codes = np.unique(np.where(values == None, "", values).astype(str), return_inverse=True)  # noqa: E711
    return np.array([_bare(label) in texts for label in labels], dtype=bool)[codes] & (values != None)  # noqa: E711


def _bare(value):
    """The value as text without capitals; 10.0 is 10."""
    return re.sub(r"\.0$", "", str(value).strip().lower())


def written(select: Mapping[str, tuple]) -> str:
    """What is wanted, in words."""
    return ", ".join(f"{name} {_wanted(values)}" for name, values in select.items())


def _wanted(values):
    if isinstance(values[0], str) and BOUND.fullmatch(values[0]):
        return values[0].strip()
    return "= " + " or ".join(str(value) for value in values)
