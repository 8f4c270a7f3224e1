"""What the grader and a submission's process say to each other, in frames: eight bytes of length, then as many.

The grader's messages are pickles, which the submission may do with as it likes. A submission's are data: JSON, and the
bytes of arrays. Reading them runs nothing, and gives nothing but numbers, text, tables and what holds them.
"""

import json
import math
import pickle
import struct
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

LENGTH = struct.Struct(">Q")
MOST_BYTES = 300_000_000  # of an answer
MOST_DEPTH, MOST_PARTS = 12, 100_000  # of lists in lists, and in all
MOST_TEXT, MOST_NAMES = 10_000_000, 20_000  # bytes of JSON; keys of a set, which may be chosen to collide
KINDS = "biufcmMUS"  # of arrays that are their bytes


class Unreadable(Exception):
    """A message that is none, or too long."""


class Remote:
    """What a submission is handed in the place of a function, a class or an object of the tests: it asks the grader."""

    def __init__(self, handle: int, ask: Callable[..., Any]):
        self.__dict__.update(_handle=handle, _ask=ask)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._ask(self._handle, None, arguments, named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._ask(self._handle, name, None, None)


def send(stream: BinaryIO, message: bytes) -> None:
    """Writes a frame."""
    stream.write(LENGTH.pack(len(message)) + message)
    stream.flush()


def receive(read: Callable[[int], bytes]) -> bytes:
    """The next frame; `read` gives so many bytes.

    Raises
    ------
    Unreadable
        It says that it is longer than MOST_BYTES.
    """
    (length,) = LENGTH.unpack(read(LENGTH.size))
    if length > MOST_BYTES:
        raise Unreadable(f"an answer of {length / 1e6:.0f} MB, and {MOST_BYTES / 1e6:.0f} are allowed")
    return read(length)


# --- From the submission: data alone ----------------------------------------------------------------------------------


def pack(value: Any) -> bytes:
    """The bytes of a value. What cannot be told as data is told by the name of its type."""
    parts: list[bytes] = []
    head = json.dumps(_told(value, parts, 0, iter(range(MOST_PARTS)))).encode()
    return b"".join([LENGTH.pack(len(head)), head, *parts])


def _told(value, parts, depth, left):
    if value is None or isinstance(value, (bool, str)) or type(value) in (int, float):
        return value
    if isinstance(value, Remote):
        return ["handle", value._handle]
    if depth > MOST_DEPTH or next(left, None) is None:
        return ["other", "list of lists without an end"]

    def told(part):
        return _told(part, parts, depth + 1, left)

    if isinstance(value, (tuple, list, set, frozenset)):
        name = next(kind.__name__ for kind in (tuple, list, set, frozenset) if isinstance(value, kind))
        return [name, [told(part) for part in value]]
    if isinstance(value, Mapping):
        return ["dict", [[told(name), told(part)] for name, part in value.items()]]
    if isinstance(value, pd.DataFrame):
        columns = [value.iloc[:, i].to_numpy() for i in range(value.shape[1])]
        return ["frame", told([columns, _labels(value.index), _labels(value.columns)])]
    if isinstance(value, pd.Series):
        return ["series", told([value.to_numpy(), _labels(value.index), value.name])]
    if type(value).__name__ == "Panel" and hasattr(value, "characteristic_names"):
        return ["panel", told({field.name: _labels(getattr(value, field.name)) for field in fields(value)})]
    if isinstance(value, (np.ndarray, np.generic, pd.Index)) or hasattr(value, "__array__"):
        return _array(np.asarray(value), told, parts, value)
    return ["other", type(value).__name__]


def _array(array, told, parts, value):
    if array.dtype.kind == "O":
        if array.shape == () and array[()] is value:
            return ["other", type(value).__name__]
        return ["objects", list(array.shape), [told(part) for part in array.ravel().tolist()]]
    if array.dtype.kind not in KINDS:
        return ["other", f"array of {array.dtype}"]
    parts.append(np.ascontiguousarray(array).tobytes())
    return ["array", array.dtype.str, list(array.shape)]


def _labels(value):
    return value.to_numpy() if isinstance(value, pd.Index) else value


class Other:
    """An answer that is no data: a generator, a function, a model."""

    def __init__(self, name: str):
        self.type_name = name

    def __repr__(self) -> str:
        return f"a {self.type_name}"


def unpack(message: bytes, handle: Callable[[int], Any]) -> Any:
    """The value of the bytes; `handle` gives the object of the tests that a Remote stood for.

    Raises
    ------
    Unreadable
        They are not what `pack` writes.
    """
    try:
        (length,) = LENGTH.unpack_from(message)
        if length > MOST_TEXT:
            raise Unreadable("an answer of very many small parts")
        head = json.loads(message[LENGTH.size : LENGTH.size + length])
        reader = _Reader(message, LENGTH.size + length, handle)
        return reader.value(head)
    except Unreadable:
        raise
    except Exception as error:  # of any kind: a submission can send anything
        raise Unreadable(f"an answer that cannot be read ({type(error).__name__})") from None


class _Reader:
    def __init__(self, message, position, handle):
        self.message, self.position, self.handle = message, position, handle

    def value(self, told: Any) -> Any:
        if not isinstance(told, list):
            return told
        kind, *rest = told
        return getattr(self, f"of_{kind}")(*rest)

    def values(self, told):
        return [self.value(part) for part in told]

    def of_tuple(self, parts):
        return tuple(self.values(parts))

    def of_list(self, parts):
        return self.values(parts)

    def of_set(self, parts):
        return set(self.values(_few(parts)))

    def of_frozenset(self, parts):
        return frozenset(self.values(_few(parts)))

    def of_dict(self, parts):
        return {self.value(name): self.value(part) for name, part in _few(parts)}

    def of_other(self, name):
        return Other(str(name)[:60])

    def of_handle(self, number):
        return self.handle(number)

    def of_array(self, dtype, shape):
        dtype = np.dtype(dtype)
        n_bytes = dtype.itemsize * math.prod(shape)
        if dtype.kind not in KINDS or self.position + n_bytes > len(self.message) or any(n < 0 for n in shape):
            raise Unreadable("an array that is shorter than it says")
        part = self.message[self.position : self.position + n_bytes]
        self.position += n_bytes
        array = np.frombuffer(part, dtype).reshape(shape).copy()
        return array[()] if shape == [] else array

    def of_objects(self, shape, parts):
        array = np.empty(len(parts), object)
        array[:] = self.values(parts)
        return array.reshape(shape)

    def of_series(self, told):
        values, index, name = self.value(told)
        return pd.Series(values, _index(index), name=name)

    def of_frame(self, told):
        columns, index, names = self.value(told)
        frame = pd.DataFrame(dict(enumerate(columns)), _index(index))
        frame.columns = _index(names)
        return frame

    def of_panel(self, told):
        from helpers.panel import Panel

        return Panel(**self.value(told))


def _few(parts):
    if len(parts) > MOST_NAMES:
        raise Unreadable("an answer of very many small parts")
    return parts


def _index(labels):
    return pd.Index(labels.tolist() if labels.dtype.kind == "O" else labels)


# --- From the grader: pickles, but for what belongs to the tests ------------------------------------------------------


class Sender(pickle.Pickler):
    """A pickler that lends the objects of the tests: the submission gets a Remote in their place."""

    def __init__(self, stream: BinaryIO, lend: Callable[[Any], int | None]):
        super().__init__(stream, protocol=5)
        self.lend = lend

    def persistent_id(self, value: Any) -> int | None:
        """The number under which the object is lent, or None: it is copied."""
        return self.lend(value)


class Receiver(pickle.Unpickler):
    """An unpickler that asks the grader where an object is lent."""

    def __init__(self, stream: BinaryIO, ask: Callable[..., Any]):
        super().__init__(stream)
        self.ask = ask

    def persistent_load(self, pid: int) -> Remote:
        """What stands for the object here."""
        return Remote(pid, self.ask)
