"""What every public function asks of its input, said once: errors name the argument, what was given, and what to do."""

from numbers import Integral, Real

import numpy as np
import pandas as pd


def as_array(name, values, axes, missing=False, sizes=None):
    """The values as an array of floats with the axes asked for.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    values : array_like
    axes : tuple of str
        The names of the axes, such as ``("n_dates", "n_tickers")``.
    missing : bool
        Whether NaN is allowed. Infinity never is.
    sizes : dict of str to int, optional
        The lengths that some of the axes must have.

    Raises
    ------
    TypeError
        If the values are not numbers.
    ValueError
        If an axis is missing, superfluous or of the wrong length, or if a value is infinite or (unless allowed) NaN.
    """
    array = as_numbers(name, values, axes, sizes)
    if not np.isfinite(array.sum()):  # one quick pass clears most arrays; only the others are searched
        _refuse(name, np.isinf(array), "infinite", "Replace infinite values by NaN where nothing is known, or drop them.")
        if not missing:
            _refuse(name, np.isnan(array), "NaN", "Fill or drop the missing values first: none may be missing here.")
    return array


def as_numbers(name, values, axes, sizes=None):
    """The values as an array of floats with the axes asked for; float32 stays, and so do NaN and infinity. See `as_array`."""
    try:
        array = values.astype(float).filled(np.nan) if np.ma.isMaskedArray(values) else np.asarray(values)
        if array.dtype.kind not in "fiubO":
            raise TypeError(f"{array.dtype} is no number")
        if array.dtype == object:
            array = np.where(pd.isna(array), np.nan, array)
        if array.dtype not in (np.float64, np.float32):
            array = array.astype(float)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must hold numbers; {_kind(values)} was given. Convert it to floats first.") from error
    wanted = f"({', '.join(axes)})"
    if array.ndim != len(axes):
        raise ValueError(f"{name} must have {len(axes)} axes, {wanted}; its shape is {array.shape}.")
    for axis, length in zip(axes, array.shape, strict=True):
        if length != (sizes or {}).get(axis, length):
            raise ValueError(
                f"{name} must be {wanted} with {axis} = {sizes[axis]}; its shape is {array.shape}. "
                "Pass arrays that cover the same dates and tickers, in the same order."
            )
    return array


def as_count(name, value, at_least=1, at_most=None, why=""):
    """The value as an int between the bounds."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number; {_kind(value)} was given.")
    if value < at_least or (at_most is not None and value > at_most):
        bounds = f"at least {at_least}" if at_most is None else f"between {at_least} and {at_most}"
        raise ValueError(f"{name} must be {bounds}; {value} was given.{' ' + why if why else ''}")
    return int(value)


def as_finite(name, value):
    """The value as a finite float."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number; {_kind(value)} was given.")
    if not np.isfinite(value):
        raise ValueError(f"{name} must be a finite number; {value} was given.")
    return float(value)


def as_positive(name, value, zero=False):
    """The value as a finite float above zero (or, if allowed, zero itself)."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number; {_kind(value)} was given.")
    if not np.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise ValueError(f"{name} must be a finite number {'of at least' if zero else 'above'} 0; {value} was given.")
    return float(value)


def as_choice(name, value, choices):
    """The value, which must be one of the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; {value!r} was given.")
    return value


def as_flag(name, value):
    """The value, which must be True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False; {_kind(value)} was given.")
    return bool(value)


def beta_axes(betas):
    """The names of the axes that betas should have: with dates if there are three, else without."""
    try:
        dated = np.ndim(betas) == 3
    except ValueError:  # ragged: as_array says so
        dated = False
    return ("n_dates", "n_tickers", "n_factors") if dated else ("n_tickers", "n_factors")


def require_same_axis(what, name, table, axis, other_name, other, other_axis):
    """Nothing, or an error: two tables (arrays have no labels) that cover different dates or tickers, or in another order."""
    if isinstance(table, pd.DataFrame) and isinstance(other, pd.DataFrame):
        if not table.axes[axis].equals(other.axes[other_axis]):
            raise ValueError(
                f"The {what} of {name} are not those of {other_name}, or stand in another order. Align the two tables first."
            )


def first_few(items, how_many=3):
    """The first items as text, with a count of the rest."""
    items = list(items)
    rest = len(items) - how_many
    return ", ".join(map(str, items[:how_many])) + (f" and {rest} more" if rest > 0 else "")


def _refuse(name, bad, what, remedy):
    if bad.any():
        where = tuple(int(index) for index in np.argwhere(bad)[0])
        raise ValueError(f"{name} has {int(bad.sum())} {what} value(s), the first at position {where}. {remedy}")


def _kind(value):
    return f"{value!r}" if np.isscalar(value) or value is None else f"a {type(value).__name__}"
