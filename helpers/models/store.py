"""Fitted models in files: numbers and names, never code, so that a file from anywhere can be opened."""

import json
import struct
import zipfile
import zlib
from importlib import import_module

import numpy as np

from helpers.files import written_whole
from helpers.packed import packed, unpacked

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
        "parameters": {name: packed(name, value, arrays) for name, value in model.get_params(deep=False).items()},
        "learned": {name: packed(name, value, arrays) for name, value in vars(model).items() if name.endswith("_")},
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
        {key: unpacked(value, arrays, _part) for key, value in about[part].items()}
        for part in ("parameters", "learned")
    )
    wrong = [key for key in learned if key.startswith("_") or not key.endswith("_")]
    if wrong or not isinstance(about["model"], str):
        raise ValueError(f"it holds what no model learns, {wrong or about['model']!r}")
    return about["model"], parameters, learned


def _part(name, fields):
    """A hook, or the shape of networks, by the name of its class."""
    kinds = import_module("helpers.models.hooks").Hook, import_module("helpers.models.stacked").Shape
    found = [cls for kind in kinds if (cls := _class_named(name, kind)) is not None]
    if not found:
        raise ValueError(f"it has a {name}, which is not known here: import or define that class first")
    return found[0](**fields)


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
