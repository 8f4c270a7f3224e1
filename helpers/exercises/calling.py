"""A student's function, called: within a time, within the memory, and with an eye on what it reads and changes."""

import ctypes
import dis
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import CodeType, ModuleType
from typing import Any

import numpy as np
import pandas as pd

SECONDS = 10.0  # for one call
MOST_MEMORY = 4 * 2**30  # bytes that one call may add to what the program had at most before


class TooLong(BaseException):
    """A call has not ended in time. No Exception, so that a function which catches those is stopped, too."""


class TooMuch(BaseException):
    """A call has taken more memory than it may."""


def call_within(function: Callable, arguments: Sequence[Any], seconds: float | None = None) -> Any:
    """What the function returns.

    A second thread watches the clock and the memory, and raises an error in this one: so it works in every thread, in
    a kernel of Jupyter, and on every system; and nothing is traced. Code that has no Python in it, such as one call
    of numpy, ends before it is stopped.

    Raises
    ------
    TooLong, TooMuch
        The call was stopped.
    """
    caller, over, lock = threading.get_ident(), threading.Event(), threading.Lock()
    ends = time.monotonic() + (SECONDS if seconds is None else seconds)
    watcher = threading.Thread(target=_watch, args=(caller, over, lock, ends, _memory() + MOST_MEMORY), daemon=True)
    watcher.start()
    try:
        try:
            return function(*arguments)
        finally:
            with lock:
                over.set()
    finally:
        over.set()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(caller), None)  # one that was still to come


def _watch(caller, over, lock, ends, most):
    while not over.wait(0.05):
        reason = TooLong if time.monotonic() > ends else TooMuch if _memory() > most else None
        if reason is not None:
            with lock:
                if not over.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(caller), ctypes.py_object(reason))
            over.wait(0.5)  # and once more, should the function have caught it


def _memory():
    """The most memory that this program has had so far, in bytes; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def unlike(before: Any, after: Any) -> bool:
    """Whether a call has changed an argument, as far as one can see."""
    try:
        if isinstance(before, (pd.DataFrame, pd.Series)):
            return not before.equals(after)
        if isinstance(before, np.ndarray):
            return before.shape != after.shape or not np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")
        if isinstance(before, Mapping):
            return before.keys() != after.keys() or any(unlike(before[key], after[key]) for key in before)
        if isinstance(before, (list, tuple)):
            return len(before) != len(after) or any(map(unlike, before, after))
        if is_dataclass(before):
            names = [part.name for part in fields(before)]
            return any(unlike(getattr(before, name), getattr(after, name)) for name in names)
        return isinstance(before, (int, float, str)) and before != after
    except Exception:
        return False


# --- What its code says -----------------------------------------------------------------------------------------------


def names_of_arguments(function: Callable) -> list[str]:
    """The names under which a function takes its arguments; none if it is not written in Python."""
    code = getattr(function, "__code__", None)
    return list(code.co_varnames[: code.co_argcount]) if isinstance(code, CodeType) else []


def ignored_arguments(function: Callable) -> list[str]:
    """The arguments that the code of a function never reads."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return []
    names = names_of_arguments(function)
    read = {name for inner in _codes(code) for name in _read(inner, ("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE"))}
    return [name for name in names if name not in read and not name.startswith("_")]


def data_read(function: Callable) -> list[str]:
    """The notebook's variables that hold data and that the code of a function reads."""
    code, variables = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    if not isinstance(code, CodeType):
        return []
    read = [name for inner in _codes(code) for name in _read(inner, ("LOAD_GLOBAL", "LOAD_NAME"))]
    return [name for name in dict.fromkeys(read) if name in variables and _is_data(variables[name])]


def _codes(code):
    """A function's code and that of the functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _read(code, ways):
    for instruction in dis.get_instructions(code):
        if any(way in instruction.opname for way in ways):  # from Python 3.13 on, two may be read at once
            names = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
            yield from names[1:] if instruction.opname.startswith("STORE") else names


def _is_data(value):
    try:
        if isinstance(value, (type, bool, ModuleType)) or callable(value):
            return False
        return isinstance(value, (int, float, list, dict)) or hasattr(value, "shape") or hasattr(value, "returns")
    except Exception:
        return False
