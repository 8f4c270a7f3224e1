"""Fitted models in files: numbers and names, never code, so that a file from anywhere can be opened."""

import json
import struct
import zipfile
import zlib
from importlib import import_module

import numpy as np
import pandas as pd

from helpers.files import written_whole
from helpers.labels import Labelled, labelled

# What reading a file raises that another program wrote, or that was cut short or altered.
DAMAGE = (AttributeError, EOFError, KeyError, MemoryError, NotImplementedError, OSError, RuntimeError, TypeError)
DAMAGE += (ValueError, struct.error, zipfile.BadZipFile, zlib.error)


def write_model(model, path):
    """Writes the model's parameters and what it has learned to a file, whole or not at all.

    Raises
    ------
    TypeError
        If a part is neither numbers nor labels, such as an object of another library.
    """
    arrays = {}
    about = {
        "model": f"{type(model).__module__}.{type(model).__qualname__}",
        "parameters": {name: _packed(name, value, arrays) for name, value in model.get_params(deep=False).items()},
        "learned": {name: _packed(name, value, arrays) for name, value in vars(model).items() if name.endswith("_")},
    }
    with written_whole(path) as unfinished, open(unfinished, "wb") as file:
        np.savez(file, about=json.dumps(about), **arrays)


def stored_model(kind, path):
    """The fitted model in the file, which must be of this kind, a class.

    Raises
    ------
    ValueError
        If the file is damaged, not one that `save` wrote, or of another model.
    """
    try:
        name, parameters, learned = _contents(path)
    except (FileNotFoundError, PermissionError):
        raise
    except DAMAGE as error:
        raise ValueError(f"{path} is not a file that {kind.__name__}.save wrote, or it is damaged: {error}.") from error
    cls = _class_named(name, kind)
    if cls is None:
        raise ValueError(
            f"{path} holds a {name.rpartition('.')[2]}, and {kind.__name__} was asked for. "
            "Load it by its own class, or define that first."
        )
    try:
        model = cls(**parameters)
    except TypeError as error:
        raise ValueError(f"{path} was written by another version of {cls.__name__}: {error}.") from error
    vars(model).update(learned)
    return model


def _contents(path):
    """The name of the model's class, its parameters, and what it has learned."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    about = json.loads(str(arrays.pop("about")))
    parameters, learned = (
        {key: _unpacked(value, arrays) for key, value in about[part].items()} for part in ("parameters", "learned")
    )
    wrong = [key for key in learned if key.startswith("_") or not key.endswith("_")]
    if wrong or not isinstance(about["model"], str):
        raise ValueError(f"it holds what no model learns, {wrong or about['model']!r}")
    return about["model"], parameters, learned


def _class_named(name, kind):
    """The class of this name that is of this kind, or None. No code is fetched but that of the course's own models."""
    module = name.rpartition(".")[0]
    if module.startswith("helpers.models."):  # it may not have been loaded yet
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
    found = [cls for cls in _subclasses(kind) if f"{cls.__module__}.{cls.__qualname__}" == name]
    return found[0] if found else None


def _subclasses(kind):
    return [kind, *(each for cls in kind.__subclasses__() for each in _subclasses(cls))]


def _packed(name, value, arrays):
    """The value as JSON, with its numbers among the arrays."""

    def inner(part):
        return _packed(name, part, arrays)

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
    raise TypeError(
        f"The model's {name} holds a {type(value).__name__}, which cannot be stored: numbers, text, arrays and tables "
        "can. "
        "Give it as one of these, or keep the model with joblib.dump."
    )


def _unpacked(value, arrays):
    if isinstance(value, list):
        return [_unpacked(part, arrays) for part in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return arrays[content]
    parts = [_unpacked(part, arrays) for part in content]
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
    raise ValueError(f"it holds a part of the unknown kind {kind!r}")
