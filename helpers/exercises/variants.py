"""What the right way gives for other data than those given: the means taken out, a date less, two arguments exchanged.

An answer that agrees with one of these was computed rightly from something else, or wrongly in just this manner. Beside
these stand the data themselves, what is left of them, and the steps of the right way.
"""

import ast
import inspect
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import is_dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from helpers.exercises.answers import rounded
from helpers.exercises.changes import is_exact
from helpers.exercises.reading import as_numbers, squeezed

MOST_SECONDS = 2.0  # for all variants of an exercise, once
SLOW = 0.3  # a right way that takes longer is not asked again and again


Other = tuple[str, list[np.ndarray], bool]  # the sentence, an array for each call, and whether one number will do


def others(way: Callable, calls: Sequence[Sequence[Any]], names: Sequence[str], truth: list) -> list[Other]:
    """What an answer may be in place of the right one: the data, what is left of them, a step, of other data.

    Parameters
    ----------
    way, calls, names
        As for `variants`.
    truth : list of arrays
        What is right, for each call.
    """
    return [*data_themselves(calls, names, truth), *by_the_way(way, calls, names, truth)]


def data_themselves(calls: Sequence[Sequence[Any]], names: Sequence[str], truth: list) -> list[Other]:
    """Of `others` those that need no right way: the data as they were given, and what is left of them."""
    found: list[Other] = []
    for k, name in enumerate(names):
        arrays = [call[k] for call in calls if k < len(call) and _is_array(call[k])]
        if len(arrays) != len(calls) or not all(np.isfinite(array).all() for array in arrays):
            continue
        found.append((f" This is {name}, as it was given.", arrays, False))
        if all(array.shape == true.shape for array, true in zip(arrays, truth, strict=True)):
            left = [array - true for array, true in zip(arrays, truth, strict=True)]
            words = f" Yours and the right numbers add up to {name}. Is what was taken asked for, or what is left?"
            found.append((words, left, True))
    return found


def by_the_way(way: Callable, calls: Sequence[Sequence[Any]], names: Sequence[str], truth: list) -> list[Other]:
    """Of `others` those that the right way gives: a step of it, and what it makes of other data."""
    words = " These numbers are a step of the right way, and not its end. What is still to be done with them?"
    found: list[Other] = [(words, arrays, True) for arrays in steps(way, calls, names)]
    if sum(true.size for true in truth) < 2:
        return found
    counts = all(true.dtype.kind == "i" for true in truth)
    words = " This is what the right way gives with {}. Is that what yours does?"
    in_order = way if [*inspect.signature(way).parameters] == [*names] else _by_name(way, names)
    return found + [(words.format(what), results, False) for what, results in variants(in_order, calls, names, counts)]


def _by_name(way, names):
    return lambda *parts: way(**dict(zip(names, parts, strict=True)))


def alike(values: list[np.ndarray], found: list[Other], is_right: Callable) -> str:
    """The sentence of the first that the answer agrees with and that is not right; empty if there is none."""
    mine = np.concatenate([value.ravel() for value in values])
    alone = len(np.unique(mine)) < 2  # a single number may be one of the data, or come about in many ways
    few = bool(np.isclose(mine, [float(f"{one:.4g}") for one in mine], rtol=1e-9, atol=0).all())
    if (alone and few) or np.isin(mine, (-1.0, 0.0, 1.0)).all() or not np.isfinite(mine).all():
        return ""
    for words, results, even_alone in found:
        shapes = all(squeezed(value, other) is not None for value, other in zip(values, results, strict=True))
        if not shapes or (alone and not even_alone) or is_right(results):
            continue
        other = np.concatenate([array.ravel() for array in results])
        if is_exact(mine, other) or (rounded(mine, other, digits=3) and not alone):
            return words
    return ""


def steps(reference: Callable, calls: Sequence[Sequence[Any]], names: Sequence[str]) -> list[list[np.ndarray]]:
    """What stands in the variables of the right way before it returns: of each an array for each call."""
    try:
        function = ast.parse(textwrap.dedent(inspect.getsource(reference))).body[0]
        if not isinstance(function, ast.FunctionDef):
            return []
        lines = [line for line in function.body if not isinstance(line, ast.Return)]
        code = compile(ast.Module(lines, []), "the right way", "exec")
        scopes = [{**reference.__globals__, **dict(zip(names, deepcopy(call), strict=True))} for call in calls]
        for scope in scopes:
            exec(code, scope)
    except Exception:  # a way of another form has no steps that one can see
        return []
    found = []
    for name in reference.__code__.co_varnames[reference.__code__.co_argcount :]:
        parts = [scope.get(name) for scope in scopes]
        if all(map(_are_floats, parts)):
            found.append([np.asarray(part, dtype=float) for part in parts])
    return found


def _are_floats(value):
    floats = isinstance(value, (float, np.floating)) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")
    return floats and bool(np.isfinite(value).all())


def variants(
    way: Callable, calls: Sequence[Sequence[Any]], names: Sequence[str], counts: bool = False
) -> list[tuple[str, list[np.ndarray]]]:
    """[(what was given instead, what the right way gives for it in each call)]; those that it can't take are left out.

    Parameters
    ----------
    way : function
        The right way, of positional arguments.
    calls : list of tuples
        What it is called with.
    names : list of str
        What the arguments are called.
    counts : bool
        Whether the right way gives whole numbers.
    """
    begun = time.perf_counter()
    first = _results(way, calls)
    if first is None or time.perf_counter() - begun > SLOW:
        return []
    found = []
    for words, change in _changes(calls, names):
        if counts and words.endswith((" one more", " one less")):  # of a count that is no other way
            continue
        if time.perf_counter() - begun > MOST_SECONDS:
            break
        results = _results(way, calls, change)
        if results is not None:
            found.append((words, results))
    return found


def _results(way, calls, change=list):
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            changed = [change(call) for call in calls]
            if _has_holes(changed) and not _has_holes(calls):
                return None
            results = [as_numbers(way(*deepcopy(call))) for call in changed]
            return results if all(np.isfinite(array).all() for array in results) else None
    except Exception:
        return None


def _has_holes(calls):
    return any(not np.isfinite(one).all() for call in calls for one in call if _is_array(one))


def _changes(calls, names) -> Iterator[tuple[str, Callable]]:
    """Other data, a function of those of a call: each argument changed alone, then those that belong together."""
    n = len(calls[0])
    names = [*names, *(f"argument {k}" for k in range(len(names) + 1, n + 1))]
    for k in range(n):
        if names[k] == "seed":  # other draws are no other way
            continue
        for words, change in _changes_of(calls[0][k]):
            yield words.format(names[k]), partial(_alone, change, k)
    arrays = [k for k in range(n) if _is_array(calls[0][k])]
    for j, k in combinations(arrays, 2):
        yield f"{names[j]} and {names[k]} exchanged", partial(_exchanged, j, k)
        if all(len(call[j]) == len(call[k]) > 2 for call in calls):
            yield f"each row of {names[j]} beside the row of {names[k]} before it", partial(_late, j, k)
            yield f"each row of {names[j]} beside the row of {names[k]} after it", partial(_late, k, j)
    if arrays:
        for words, change in TOGETHER if len(arrays) > 1 else TOGETHER[-1:]:
            yield words, partial(_together, change, arrays)


def _alone(change, k, call):
    return _with(call, {k: change(call[k])})


def _exchanged(j, k, call):
    return _with(call, {j: call[k], k: call[j]})


def _late(j, k, call):
    return _with(call, {j: call[j][1:], k: call[k][:-1]})


def _together(change, arrays, call):
    return _with(call, {k: change(call[k]) for k in arrays})


def _with(call, other):
    return [other.get(k, value) for k, value in enumerate(call)]


def _is_array(value):
    return isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype.kind == "f"


def _changes_of(value):
    if _is_array(value):
        holes = OF_HOLES if np.isnan(value).any() else ()
        if value.ndim > 2:
            every = (*OF_ARRAYS, *OF_TABLES, *holes[:1])
            return [(along_axes(words), change) for words, change in every if " ones " not in words]
        return [*OF_ARRAYS, *(OF_TABLES if value.ndim > 1 else ()), *(holes if value.ndim == 2 else holes[:1])]
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return OF_COUNTS
    if isinstance(value, float):
        return OF_NUMBERS
    if is_dataclass(value) and _is_array(getattr(value, "returns", None)):
        return OF_PANELS
    return ()


def along_axes(words: str) -> str:
    """What is said of rows and columns, of an array that has more axes: its second axis may be dates."""
    for axis, line in enumerate(("row", "column")):
        words = words.replace(f"mean of each {line}", f"mean over axis {1 - axis}")
        words = words.replace(f"of the {line}s of", f"along axis {axis} of")
        words = words.replace(f"{line}s", f"entries of axis {axis}").replace(line, f"entry of axis {axis}")
    return words


OF_ARRAYS = [
    ("the mean of {} taken out", lambda x: x - x.mean()),
    ("the first row of {} left out", lambda x: x[1:]),
    ("the last row of {} left out", lambda x: x[:-1]),
    ("the rows of {} in reverse order", lambda x: x[::-1]),
    ("the rows of {} moved down by one", lambda x: np.roll(x, 1, axis=0)),
    ("the rows of {} moved up by one", lambda x: np.roll(x, -1, axis=0)),
    ("the running sums of {}", lambda x: np.cumsum(x, axis=0)),
    ("the differences of {}", lambda x: np.diff(x, axis=0)),
    ("{} squared", np.square),
    ("the absolute values of {}", np.abs),
    ("{} with the opposite sign", lambda x: -x),
    ("100 times {}", lambda x: 100 * x),
    ("{} divided by 100", lambda x: x / 100),
    ("only the first half of the rows of {}", lambda x: x[: len(x) // 2]),
    ("only the second half of the rows of {}", lambda x: x[len(x) // 2 :]),
    ("log(1 + {})", np.log1p),
    ("exp({}) - 1", np.expm1),
    ("{} divided by its standard deviation", lambda x: x / x.std(axis=0)),
    ("{} standardised", lambda x: (x - x.mean(axis=0)) / x.std(axis=0)),
]
OF_TABLES = [
    ("the mean of each column of {} taken out", lambda x: x - x.mean(axis=0)),
    ("the mean of each row of {} taken out", lambda x: x - x.mean(axis=1, keepdims=True)),
    ("{} transposed", np.transpose),
    ("the first column of {} left out", lambda x: x[:, 1:]),
    ("the last column of {} left out", lambda x: x[:, :-1]),
    ("the columns of {} in reverse order", lambda x: x[:, ::-1]),
    ("a column of ones in front of {}", lambda x: np.column_stack([np.ones(len(x)), x])),
    ("only the first column of {}", lambda x: x[:, :1]),
    ("the mean of each row in place of {}", lambda x: np.broadcast_to(x.mean(axis=1, keepdims=True), x.shape)),
    ("the mean of each column in place of {}", lambda x: np.broadcast_to(x.mean(axis=0), x.shape)),
]
OF_HOLES = [
    ("zeros in the gaps of {}", np.nan_to_num),
    ("only the rows of {} that have no gap", lambda x: x[~np.isnan(x).any(axis=1)]),
    ("only the columns of {} that have no gap", lambda x: x[:, ~np.isnan(x).any(axis=0)]),
    ("the mean of the row in the gaps of {}", lambda x: np.where(np.isnan(x), np.nanmean(x, axis=1, keepdims=True), x)),
    ("the mean of the column in the gaps of {}", lambda x: np.where(np.isnan(x), np.nanmean(x, axis=0), x)),
]
OF_COUNTS = [
    ("{} one more", lambda x: x + 1),
    ("{} one less", lambda x: x - 1),
    ("{} twice as large", lambda x: 2 * x),
    ("{} equal to 1", lambda x: 1),
]
OF_NUMBERS = [
    ("{} squared", lambda x: x * x),
    ("the square root of {}", lambda x: x**0.5),
    ("{} twice as large", lambda x: 2 * x),
    ("{} half as large", lambda x: x / 2),
    ("{} equal to 0", lambda x: 0.0),
    ("{} equal to 1", lambda x: 1.0),
    ("1 less {}", lambda x: 1 - x),
    ("{} with the opposite sign", lambda x: -x),
    ("100 times {}", lambda x: 100 * x),
    ("{} divided by 100", lambda x: x / 100),
]
OF_PANELS = [
    ("the first date of {} left out", lambda p: p[1:]),
    ("the last date of {} left out", lambda p: p[:-1]),
    ("only the first half of the dates of {}", lambda p: p[: p.n_dates // 2]),
    ("only the second half of the dates of {}", lambda p: p[p.n_dates // 2 :]),
    (
        "the mean return of each ticker of {} taken out",
        lambda p: replace(p, returns=p.returns - p.returns.mean(axis=0)),
    ),
    (
        "the mean return of each date of {} taken out",
        lambda p: replace(p, returns=p.returns - p.returns.mean(axis=1, keepdims=True)),
    ),
]
TOGETHER = [
    ("the first row of everything left out", lambda x: x[1:]),
    ("the last row of everything left out", lambda x: x[:-1]),
    ("only the first half of everything", lambda x: x[: len(x) // 2]),
    ("only the second half of everything", lambda x: x[len(x) // 2 :]),
    ("the column means of everything taken out", lambda x: x - x.mean(axis=0)),
    # Beside its own negative everything has the mean zero: what takes a mean out then takes none.
    ("no mean taken out, or no intercept", lambda x: np.concatenate([x, -x])),
]
