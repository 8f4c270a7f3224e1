"""An answer as it was handed over, read as an array of numbers; or why it can't be, in a sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


class Unreadable(Exception):
    """Why an answer can't be compared, in a sentence."""


def has_dots(value: Any) -> bool:
    """Whether it is the dots of an untouched cell, or a list or tuple in which some are left."""
    return value is ... or (isinstance(value, (list, tuple)) and any(item is ... for item in value))


def words_of(error: BaseException) -> str:
    """What an error says, if it says anything."""
    try:
        return str(error) or "no further words"
    except Exception:
        return "no further words"


def as_numbers(value: Any) -> np.ndarray:
    """The answer as an array of floats, without NaN.

    Raises
    ------
    Unreadable
        It holds no numbers, or some are missing.
    """
    if value is None:
        raise Unreadable(
            "Numbers are needed, and this is None. Have the cells above been run, and does one compute it?"
        )
    if isinstance(value, (str, dict)):
        without = " A number stands without quotes." if isinstance(value, str) else ""
        raise Unreadable(f"Numbers are needed, and this is {kind_of(value)}.{without}")
    if isinstance(value, tuple) and [isinstance(part, np.ndarray) for part in value] == [True, True, False, True]:
        raise Unreadable("lstsq gives four things, and the first are the coefficients: take [0].")
    try:
        array = np.asarray(np.ma.filled(value.astype(float), np.nan) if np.ma.isMaskedArray(value) else value)
        if array.dtype.kind in "US":
            raise Unreadable("Numbers are needed, and these are text, not numbers.")
        if array.dtype.kind in "Mm":
            raise TypeError  # dates, which numpy would turn into numbers
        if np.iscomplexobj(array):
            if (array.imag != 0).any():
                raise Unreadable("Real numbers are needed, and yours have an imaginary part.")
            array = array.real
        array = array.astype(float)
    except (TypeError, ValueError, OverflowError) as error:
        uneven = isinstance(value, (list, tuple)) and "inhomogeneous" in words_of(error)
        this = f"the parts of this {type(value).__name__} differ in length" if uneven else f"this is {kind_of(value)}"
        raise Unreadable(f"Numbers are needed, in one array without holes; {this}.") from None
    if np.isnan(array).any():
        n_missing = int(np.isnan(array).sum())
        how_many = "It is NaN" if array.size == 1 else f"{n_missing} of its {array.size} values are NaN"
        raise Unreadable(f"{how_many}: something was divided by zero, or a missing value was carried along.")
    return array


def as_truth(value: Any) -> np.ndarray:
    """What the reference gives, as an array: of whole numbers where it counts, else of floats."""
    array = as_numbers(value)
    counts = np.asarray(value).dtype.kind in "biu"
    return array.astype(int) if counts else array


def in_order_of(value: Any, truth: Any) -> Any:
    """A labelled answer with its rows and columns in the order of the truth's, where both have the same labels."""
    if not (type(value) is type(truth) and isinstance(value, (pd.Series, pd.DataFrame))):
        return value
    for axis in range(truth.ndim):
        mine, right = value.axes[axis], truth.axes[axis]
        if len(mine) != len(right) or not mine.is_unique or mine.equals(right) or set(mine) != set(right):
            continue
        value = value.reindex(right, axis=axis) if value.ndim > 1 else value.reindex(right)
    return value


def same_labels(value: Any, other: Any) -> bool:
    """Whether two tables have the same rows and columns, by their labels; False for what has no labels."""
    if not (type(value) is type(other) and isinstance(value, (pd.Series, pd.DataFrame))):
        return False
    return all(mine.equals(right) for mine, right in zip(value.axes, other.axes, strict=True))


def about_dates(value: Any, truth: Any) -> str:
    """That a labelled answer stands at other dates than the truth, in a sentence; empty if it does not."""
    if not (type(value) is type(truth) and isinstance(value, (pd.Series, pd.DataFrame))):
        return ""
    mine, right = value.index, truth.index
    if not (isinstance(mine, pd.DatetimeIndex) and isinstance(right, pd.DatetimeIndex)) or len(mine) != len(right):
        return ""
    if mine.equals(right) or not len(mine):
        return ""
    return f"The first row of yours is that of {mine[0].date()}, and {right[0].date()} is needed."


def squeezed(value: np.ndarray, true: np.ndarray) -> np.ndarray | None:
    """The value in the shape of the truth, or None if the two differ by more than axes of length 1."""
    return value.reshape(true.shape) if value.squeeze().shape == true.squeeze().shape else None


def about_shape(value: np.ndarray, true: np.ndarray) -> str:
    """The shape that is needed, in a sentence; empty if the value has it."""
    if squeezed(value, true) is not None:
        return ""
    needed = "one number is needed" if true.ndim == 0 else f"the shape {true.shape} is needed"
    return f"Your answer has the shape {value.shape}, and {needed}.{_what_the_shape_shows(value, true)}"


def _what_the_shape_shows(value, true):
    if value.T.shape == true.shape:
        return " Transpose it?"
    if value.size == true.size:
        return " It holds as many numbers in another shape."
    if value.ndim != true.ndim:
        return ""
    other = [axis for axis in range(true.ndim) if value.shape[axis] != true.shape[axis]]
    if len(other) != 1:
        return ""
    axis = other[0]
    n = min(value.shape[axis], true.shape[axis])
    if n == 0:
        return ""
    which, whose = ("yours", "the right ones") if value.shape[axis] < true.shape[axis] else ("the right ones", "yours")
    for part, index in (("first", slice(0, n)), ("last", slice(-n, None))):
        cut = tuple(index if k == axis else slice(None) for k in range(true.ndim))
        mine, right = (array[cut] if array.shape[axis] > n else array for array in (value, true))
        if np.allclose(mine, right, rtol=1e-3, atol=0):
            return f" As far as they go the numbers agree: {which} are the {part} {n} of {whose}."
    return ""


def kind_of(value: Any) -> str:
    """What sort of thing it is, in words."""
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) < 40 else "a text"
    return "None" if value is None else f"of the type {type(value).__name__}"


def described(arguments: Sequence[Any], names: Sequence[str]) -> str:
    """What a function was called with: `table of shape (4, 2) and scale = 2.0`; of many arguments the first three."""
    names = [*names, *(f"argument {k}" for k in range(len(names) + 1, len(arguments) + 1))]
    said = [_described_one(value, name) for value, name in zip(arguments, names, strict=False)]
    if len(said) > 4:
        said = [*said[:3], f"{len(said) - 3} more"]
    return ", ".join(said[:-1]) + " and " + said[-1] if len(said) > 1 else "".join(said) or "nothing"


def _described_one(value, name):
    shape = getattr(value, "shape", ())
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.size <= 6 and value.dtype.kind in "biuf":
        return f"{name} = [{', '.join(f'{one:.4g}' for one in value)}]"
    if shape:
        return f"{name} of shape {tuple(shape)}"
    text = f"{value:.4g}" if isinstance(value, float) else repr(value)
    return f"{name} = {text}" if len(text) <= 40 and not callable(value) else f"{name}, {kind_of(value)}"
