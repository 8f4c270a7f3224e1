"""What every public function asks of its input, said once: errors name the argument, what was given, and what to do."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
import pandas as pd

Choice = TypeVar("Choice")

# A regressor is called collinear when the others leave less than this share of its sum of squares unexplained. Double
# precision keeps about six digits of the answer at this bound, and none a few orders of magnitude below it.
SMALLEST_SHARE = 1e-10
FEW_PAIRS, MANY_PAIRS = 30, 10_000  # of fewer, a correlation says nothing; so many say enough
HUGE = 90.0  # a return, as a fraction; from here on 99.99, 999 or 9999 are rather codes
WHOLE_IN_FLOAT32 = 2**24  # beyond it, float32 holds no longer every whole number
LOOKS_THE_SAME = 0.99  # the correlation from which a characteristic is taken for a return


def as_array(
    name: str,
    values: Any,
    axes: Sequence[str],
    missing: bool = False,
    sizes: Mapping[str, int] | None = None,
    keep_precision: bool = False,
) -> np.ndarray:
    """The values as an array of float64 with the axes asked for: one precision for every fit and every measure.

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
    keep_precision : bool
        Whether float32 stays so: for what is stored, never for what is computed.

    Raises
    ------
    TypeError
        If the values are not numbers.
    ValueError
        If an axis is missing, superfluous or of the wrong length, or if a value is infinite or (unless allowed) NaN.
    """
    array = as_numbers(name, values, axes, sizes)
    if not np.isfinite(array.sum(dtype=float)):  # one quick pass clears most arrays; only the others are searched
        remedy = "Replace infinite values by NaN where nothing is known, or drop them."
        _refuse(name, np.isinf(array), "infinite", remedy)
        if not missing:
            _refuse(name, np.isnan(array), "NaN", "Fill or drop the missing values first: none may be missing here.")
    return array if keep_precision else array.astype(float, copy=False)


def as_numbers(name: str, values: Any, axes: Sequence[str], sizes: Mapping[str, int] | None = None) -> np.ndarray:
    """The values as an array of floats with the axes asked for; float32 stays, and so do NaN and infinity.

    The arguments are those of `as_array`.
    """
    sizes = sizes or {}
    if hasattr(values, "to_pandas") and hasattr(values, "columns"):
        raise TypeError(
            f"{name} is a table of {type(values).__module__.partition('.')[0]}, whose names of columns would be lost. "
            f"Pass {name}.to_pandas(), with what names its rows as the index."
        )
    first = next(filter(_has_more, values), None) if isinstance(values, (list, tuple)) else None
    if first is not None:
        raise TypeError(
            f"{name} is a {type(values).__name__} of {type(first).__name__}, whose labels or masks would be lost. "
            "Pass one table, such as pd.concat(...) gives, or one array."
        )
    try:
        array = np.ma.filled(values.astype(float), np.nan) if np.ma.isMaskedArray(values) else np.asarray(values)
        if array.dtype.kind not in "fiubO":
            raise TypeError(f"{array.dtype} is no number")
        if array.dtype == object:
            array = np.where(pd.isna(array), np.nan, array)
        if array.dtype not in (np.float64, np.float32):
            array = array.astype(float)
    except (TypeError, ValueError) as error:
        table = values if isinstance(values, pd.DataFrame) and values.columns.is_unique else pd.DataFrame()
        text = [repr(column) for column in table if _is_no_number(table[column])]
        where = f" with other things in the column(s) {first_few(text)}" if text else ""
        raise TypeError(
            f"{name} must hold numbers; {_kind(values)}{where} was given. Convert it to floats first."
        ) from error
    wanted = f"({', '.join(axes)})"
    if array.ndim != len(axes):
        raise ValueError(f"{name} must have {len(axes)} axes, {wanted}; its shape is {array.shape}.")
    for axis, length in zip(axes, array.shape, strict=True):
        if length != sizes.get(axis, length):
            raise ValueError(
                f"{name} must be {wanted} with {axis} = {sizes[axis]}; its shape is {array.shape}. "
                "Pass arrays that cover the same dates and tickers, in the same order."
            )
    return array


def _is_no_number(column):
    return not pd.api.types.is_numeric_dtype(column) and (
        pd.api.types.is_datetime64_any_dtype(column)
        or bool((pd.to_numeric(column, errors="coerce").isna() & column.notna()).any())
    )


def like(values: np.ndarray, others: np.ndarray) -> float:
    """The correlation of the pairs that both know; 0 where these are few, or all of one number.

    Where there are many, a part of them comes first, and the rest only if those are alike.
    """
    if len(values) > 20 * MANY_PAIRS:
        part = np.random.default_rng(0).integers(0, len(values), MANY_PAIRS)
        enough = (np.isfinite(values[part]) & np.isfinite(others[part])).sum() >= MANY_PAIRS // 100
        if enough and abs(like(values[part], others[part])) < 0.9 * LOOKS_THE_SAME:
            return 0.0
    both = np.isfinite(values) & np.isfinite(others)
    x, y = values[both].astype(float), others[both].astype(float)
    with np.errstate(over="ignore", invalid="ignore"):
        if len(x) < FEW_PAIRS or no_spread(x) or no_spread(y):
            return 0.0
        alike = float(np.corrcoef(x, y)[0, 1])
    return alike if np.isfinite(alike) else 0.0


def _has_more(value):
    return np.ma.isMaskedArray(value) or isinstance(value, (pd.Series, pd.DataFrame))


def as_count(name: str, value: Any, at_least: int = 1, at_most: int | None = None, why: str = "") -> int:
    """The value as an int between the bounds."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number; {_kind(value)} was given.")
    count = int(value)
    if count < at_least or (at_most is not None and count > at_most):
        bounds = f"at least {at_least}" if at_most is None else f"between {at_least} and {at_most}"
        raise ValueError(f"{name} must be {bounds}; {value} was given.{' ' + why if why else ''}")
    return count


def as_finite(name: str, value: Any) -> float:
    """The value as a finite float."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number; {_kind(value)} was given.")
    number = float(value)
    if not np.isfinite(number):
        raise ValueError(f"{name} must be a finite number; {value} was given.")
    return number


def as_positive(name: str, value: Any, zero: bool = False) -> float:
    """The value as a finite float above zero (or, if allowed, zero itself)."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number; {_kind(value)} was given.")
    number = float(value)
    if not np.isfinite(number) or number < 0 or (number == 0 and not zero):
        raise ValueError(f"{name} must be a finite number {'of at least' if zero else 'above'} 0; {value} was given.")
    return number


def as_choice(name: str, value: Choice, choices: Collection[Choice]) -> Choice:
    """The value, which must be one of the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; {value!r} was given.")
    return value


def as_flag(name: str, value: Any) -> bool:
    """The value, which must be True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False; {_kind(value)} was given.")
    return bool(value)


def no_spread(values: np.ndarray, of: np.ndarray | None = None, share: float = SMALLEST_SHARE) -> np.ndarray:
    """Whether values differ from their mean by no more than rounding does, along the first axis; NaN are left out.

    Parameters
    ----------
    values : (n, ...)
    of : (n, ...), optional
        What the values were computed from, which says how large their rounding is; the values themselves if left out.
    share : float
        Of the sum of squares, how much is taken for rounding.
    """
    of = values if of is None else of
    counts = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    around = values - np.nansum(values, axis=0) / counts
    return np.nansum(around**2, axis=0) <= share * np.nansum(of**2, axis=0)


def beta_axes(betas: Any) -> tuple[str, ...]:
    """The names of the axes that betas should have: with dates if there are three, else without."""
    try:
        dated = np.ndim(betas) == 3
    except ValueError:  # ragged: as_array says so
        dated = False
    return ("n_dates", "n_tickers", "n_factors") if dated else ("n_tickers", "n_factors")


def labels_along(table: Any, axis: int) -> pd.Index | None:
    """The labels along an axis of a table, or None where it has none: plain arrays go by position."""
    axes = getattr(table, "axes", ())
    has = not callable(axes) and -len(axes) <= axis < len(axes) and isinstance(axes[axis], pd.Index)
    return axes[axis] if has else None


def require_same_axis(
    what: str, name: str, table: Any, axis: int, other_name: str, other: Any, other_axis: int
) -> None:
    """Refuses two tables with labels that cover different dates or tickers, or the same in another order."""
    labels, others = labels_along(table, axis), labels_along(other, other_axis)
    if labels is not None and others is not None and not labels.equals(others):
        raise ValueError(
            f"The {what} of {name} are not those of {other_name}, or stand in another order. "
            "Align the two tables first."
        )


def first_few(items: Iterable, how_many: int = 3) -> str:
    """The first items as text, with a count of the rest."""
    items = list(items)
    rest = len(items) - how_many
    return ", ".join(map(str, items[:how_many])) + (f" and {rest} more" if rest > 0 else "")


def described_kind(value: Any) -> str:
    """What kind of thing was given, for a message: the class itself, or one of its instances."""
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"


def _refuse(name, bad, what, remedy):
    if bad.any():
        where = tuple(int(index) for index in np.argwhere(bad)[0])
        raise ValueError(f"{name} has {int(bad.sum())} {what} value(s), the first at position {where}. {remedy}")


def _kind(value):
    return f"{value!r}" if np.isscalar(value) or value is None else f"a {type(value).__name__}"


def read_only(values: Any) -> Any:
    """A view of the array that cannot be written to; anything else as it is."""
    if isinstance(values, np.ndarray):
        values = values.view()
        values.flags.writeable = False
    return values


def frozen_copy(values: Any) -> Any:
    """A copy of the array that cannot be written to; of what is no array of numpy, itself."""
    return read_only(np.array(values)) if isinstance(values, np.ndarray) else values


def n_happened(returns: np.ndarray) -> int:
    """The number of dates up to the last with a return, of (n_dates, n_tickers)."""
    with_returns = np.flatnonzero(~np.isnan(returns).all(axis=1))
    return int(with_returns[-1]) + 1 if len(with_returns) else 0
