"""Numbers, labels and tables as JSON and plain arrays, never code: what is kept in files of the course's own."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.labels import Labelled, labelled


def packed(name: str, value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The value as JSON, with its numbers among the arrays; `name` is what a message calls it.

    Raises
    ------
    TypeError
        If the value is neither numbers nor labels, such as an object of another library.
    """

    def inner(part):
        return packed(name, part, arrays)

    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Labelled) and value.axes:
        return {"labelled": [inner(np.asarray(value)), *map(inner, value.axes)]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        key = f"array_{len(arrays)}"
        arrays[key] = np.asarray(value)
        return {"array": key}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [inner(part) for part in value]}
    if isinstance(value, pd.DataFrame):
        return {"frame": [inner(value.columns), inner(value.index), [inner(value[c].to_numpy()) for c in value]]}
    if isinstance(value, pd.Series):
        return {"series": [inner(value.index), inner(value.to_numpy()), inner(value.name)]}
    if isinstance(value, pd.RangeIndex):
        return {"range": [value.start, value.stop, value.step, inner(value.name)]}
    if isinstance(value, pd.DatetimeIndex):
        zone = None if value.tz is None else str(value.tz)
        return {"dates": [inner(value.asi8), value.unit, zone, inner(value.name)]}
    if isinstance(value, pd.PeriodIndex):
        return {"periods": [inner(value.asi8), value.freqstr, inner(value.name)]}
    if isinstance(value, pd.Index) and not isinstance(value, pd.MultiIndex):
        return {"labels": [[inner(label) for label in value.to_list()], inner(value.name)]}
    # Only such as `unpacked` is told how to make again: they say so themselves.
    if is_dataclass(value) and getattr(type(value), "kept_by_its_fields", False) and not isinstance(value, type):
        cls = type(value)
        parts = [[field.name, inner(getattr(value, field.name))] for field in fields(value) if field.init]
        return {"dataclass": [f"{cls.__module__}.{cls.__qualname__}", parts]}
    raise TypeError(
        f"The model's {name} holds a {type(value).__name__}, which cannot be stored: numbers, text, arrays and tables "
        "can. "
        "Give it as one of these, or keep the model with joblib.dump."
    )


def unpacked(value: Any, arrays: Mapping[str, np.ndarray], made: Callable[[str, dict], Any] | None = None) -> Any:
    """What `packed` wrote; `made` makes a dataclass from its name and its fields, where one may stand.

    Raises
    ------
    ValueError
        If it holds a part of an unknown kind.
    """
    if isinstance(value, list):
        return [unpacked(part, arrays, made) for part in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return arrays[content]
    parts = [unpacked(part, arrays, made) for part in content]
    if kind == "list":
        return parts
    if kind == "tuple":
        return tuple(parts)
    if kind == "labelled":
        return labelled(*parts)
    if kind == "frame":
        columns, index, values = parts
        return pd.DataFrame(dict(zip(columns, values, strict=True)), index=index).rename_axis(columns=columns.name)
    if kind == "series":
        index, values, name = parts
        return pd.Series(values, index, name=name)
    if kind == "range":
        return pd.RangeIndex(*parts[:3], name=parts[3])
    if kind == "dates":
        values, unit, zone, name = parts
        dates = pd.DatetimeIndex(values.view(f"M8[{unit}]"), name=name)
        return dates if zone is None else dates.tz_localize("UTC").tz_convert(zone)
    if kind == "periods":
        values, freq, name = parts
        return pd.PeriodIndex.from_ordinals(values, freq=freq, name=name)
    if kind == "labels":
        return pd.Index(parts[0], name=parts[1])
    if kind == "dataclass" and made is not None:
        return made(parts[0], dict(parts[1]))
    raise ValueError(f"it holds a part of the unknown kind {kind!r}")
