"""The right numbers, changed in every usual way; each change with what is then seen: an observation, and a question.

A change is named only if the answer agrees with what it gives, by the rule of the exercise. So what is said of an
answer is true of it, whatever the student did.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from helpers.exercises.answers import COUNTS, rounded

Arrays = list[np.ndarray]
Change = tuple[str, Arrays]  # the sentence, and what the right numbers become: one array for each call


@dataclass(frozen=True)
class Wrong:
    """A wrong answer beside the right one: for each call an array of each, in one shape.

    Parameters
    ----------
    values, truths : lists of arrays
    right : list of arrays
        Which of the numbers are right.
    agree : function
        Of two such lists: whether they count as equal, by the rule of the exercise.
    lengths : list of lists of int
        For each call, the lengths of the arrays given, in one order: what sums and means may run over.
    """

    values: Arrays
    truths: Arrays
    right: Arrays
    agree: Callable[[Arrays, Arrays], bool]
    lengths: list[list[int]] = field(default_factory=list)

    @property
    def value(self) -> np.ndarray:
        """All numbers of the answer, in one row."""
        return np.concatenate([array.ravel() for array in self.values])

    @property
    def true(self) -> np.ndarray:
        """All right numbers, in one row."""
        return np.concatenate([array.ravel() for array in self.truths])

    @property
    def counts(self) -> bool:
        """Whether whole numbers are asked for."""
        return all(true.dtype.kind in COUNTS for true in self.truths)

    def is_like(self, changed: Arrays, exactly: bool = False) -> bool:
        """Whether the answer is these numbers, better than a wide rule asks. Where two decide: to the last digit.

        Of few numbers only a change of the unit or the sign may be told from three digits, unless `exactly`.
        """
        if any(a.shape != b.shape or not np.isfinite(b).all() for a, b in zip(self.values, changed, strict=True)):
            return False
        value, other = self.value, np.concatenate([array.ravel() for array in changed]).astype(float)
        if np.count_nonzero(self.true) > 2 and not self.counts:
            near = np.allclose(np.sort(np.abs(value)), np.sort(np.abs(other)), rtol=2e-3, atol=1e-5 * self.scale)
            return (near and self.agree(self.values, changed)) or rounded(value, other, digits=3 if exactly else 2)
        return is_exact(value, other) or (not self.counts and not exactly and rounded(value, other, digits=3))

    @property
    def scale(self) -> float:
        """The largest of the right numbers, without its sign."""
        return float(np.abs(self.true).max(initial=0.0))


def is_exact(value: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays agree to what single precision leaves."""
    return bool((np.abs(value - other) <= 1e-5 * np.abs(other) + 1e-9 * np.abs(other).max(initial=0.0)).all())


BY_NUMBER = [
    ("The size is right and the sign is the opposite.", lambda x: -x),
    ("{whose} 100 times what is right. In percent, where a fraction is needed?", lambda x: 100 * x),
    ("{whose} a hundredth of what is right. Divided by 100 once too often?", lambda x: x / 100),
    ("{whose} 10,000 times what is right. Is something squared in percent?", lambda x: 1e4 * x),
    ("{whose} 12 times what is right. For a year, where a month is asked for?", lambda x: 12 * x),
    ("{whose} a twelfth of what is right. For a month, where a year is asked for?", lambda x: x / 12),
    ("{whose} √12 times what is right. For a year, where a month is asked for?", lambda x: np.sqrt(12) * x),
    ("{whose} 1/√12 of what is right. For a month, where a year is asked for?", lambda x: x / np.sqrt(12)),
    ("{whose} 252 times what is right. For a year, where a day is asked for?", lambda x: 252 * x),
    ("{whose} 1/252 of what is right. For a day, where a year is asked for?", lambda x: x / 252),
    ("{whose} √252 times what is right. For a year, where a day is asked for?", lambda x: np.sqrt(252) * x),
    ("{whose} 1/√252 of what is right. For a day, where a year is asked for?", lambda x: x / np.sqrt(252)),
    ("{whose} the square of what is right. Is a root missing, as between a variance and a standard deviation?",
     np.square),
    ("{whose} the square root of what is right. Is a root taken that is not asked for?", np.sqrt),
    ("{whose} one minus what is right. Is it the share that is left, where the other is asked for?", lambda x: 1 - x),
    ("{whose} what is right less 1. Is a 1 taken away that belongs there?", lambda x: x - 1),
    ("{whose} what is right plus 1. Is there a 1 too many?", lambda x: x + 1),
    ("{whose} one divided by what is right. Is the fraction upside down?", lambda x: 1 / x),
    ("{whose} log(1 + x) of what is right. Log returns, where simple ones are asked for?", np.log1p),
    ("{whose} exp(x) - 1 of what is right. Simple returns, where log returns are asked for?", np.expm1),
    ("{whose} the logarithm of what is right. Is it to be the number itself?", np.log),
    ("{whose} the exponential of what is right. Is its logarithm asked for?", np.exp),
    ("The sizes are right, and none of yours is negative. Was the absolute value taken?", np.abs),
    ("Where the right numbers are below 0 yours are 0. Are they cut off?", lambda x: np.maximum(x, 0)),
    ("Where the right numbers are above 1 yours are 1. Are they cut off?",
     lambda x: np.minimum(x, 1 if (x < 1).any() else np.nan)),
    ("{whose} the tanh of what is right. Is there a bend that was not asked for?", np.tanh),
]  # fmt: skip
ROUNDED_TOO = {sentence for sentence, _ in BY_NUMBER[:4]}  # a sign, or the unit
COUNTED = [
    ("{whose} one too many. Is an end, or a column of ones, counted that does not belong?", lambda x: x + 1),
    ("{whose} one too few. Is an end, or a column of ones, left out?", lambda x: x - 1),
    ("The size is right and the sign is the opposite.", lambda x: -x),
]
SIDES = {1: ("numbers",), 2: ("rows", "columns"), 3: ("dates", "rows", "columns")}


def changes(wrong: Wrong) -> Iterator[Change]:
    """All that usually happens to the right numbers, with what is then seen."""
    with np.errstate(all="ignore"):
        several = np.count_nonzero(wrong.true) > 1
        for sentence, change in [*COUNTED, *(BY_NUMBER if several else [])] if wrong.counts else BY_NUMBER:
            yield sentence, [change(true.astype(float)) for true in wrong.truths]
        if any(true.ndim for true in wrong.truths):
            yield from along_axes(wrong)
            yield from placed(wrong)


def along_axes(wrong: Wrong) -> Iterator[Change]:
    """Changes along one of the axes: the order, running sums, the mean taken out, a scale for each column."""
    truths = wrong.truths
    for axis in range(min(true.ndim for true in truths)):
        side = SIDES.get(truths[0].ndim, ("numbers",) * 9)[axis]
        if min(true.shape[axis] for true in truths) < 2:
            continue

        def each(change, *more, axis=axis):
            return [change(true.astype(float), *more, axis=axis) for true in truths]

        yield f"Your {side} are the right ones, in the reverse order.", each(np.flip)
        yield f"Your {side} are the running sums of the right ones. Is each by itself asked for?", each(np.cumsum)
        yield (f"Your {side} are the differences of the right ones from one to the next, after the first. Are their "
               "sums asked for?"), each(_differences)  # fmt: skip
        yield (
            (f"Your {side} are what the right ones grow to, compounded. Is each by itself asked for?"),
            [np.cumprod(1 + true, axis=axis) - 1 for true in truths],
        )
        yield f"Your {side} are the running means of the right ones. Is each by itself asked for?", each(_running_mean)
        if min(true.shape[axis] for true in truths) < 3 or wrong.counts:
            continue
        yield (f"Yours are the right numbers less their mean over the {side}. Is a mean taken out?"), each(_less_mean)
        yield (
            (f"Yours are the right numbers divided by their standard deviation over the {side}. Is that asked for?"),
            [true / true.std(axis=axis, keepdims=True) for true in truths],
        )
        yield (
            (f"Yours are the right numbers standardised over the {side}. Is that asked for?"),
            [(true - true.mean(axis=axis, keepdims=True)) / true.std(axis=axis, keepdims=True) for true in truths],
        )
        yield (
            (f"Yours are the right numbers divided by their sum over the {side}. Is that asked for?"),
            [true / true.sum(axis=axis, keepdims=True) for true in truths],
        )
        yield (
            (f"Yours are the ranks of the right numbers among the {side}. Are the numbers asked for?"),
            [true.argsort(axis=axis).argsort(axis=axis) for true in truths],
        )
        line = {(2, 0): "column", (2, 1): "row"}.get((truths[0].ndim, axis), "line")
        yield from _fitted(wrong, axis, line)


def _differences(true, axis):
    return np.diff(true, axis=axis, prepend=0.0)


def _running_mean(true, axis):
    shape = [1] * true.ndim
    shape[axis] = -1
    return np.cumsum(true, axis=axis) / np.arange(1, true.shape[axis] + 1).reshape(shape)


def _less_mean(true, axis):
    return true - true.mean(axis=axis, keepdims=True)


def _fitted(wrong, axis, line):
    """The right numbers in a scale, or moved by an amount, that is found in the answer: for each line its own."""
    pairs = list(zip(wrong.values, wrong.truths, strict=True))
    if min(true.ndim for _, true in pairs) < 2:
        return
    scales = [(v * t).sum(axis=axis, keepdims=True) / (t * t).sum(axis=axis, keepdims=True) for v, t in pairs]
    several = all((np.count_nonzero(t, axis=axis) > 1).all() for _, t in pairs)
    if several and all((np.abs(scale) > 1e-6).all() and _differ(scale) for scale in scales):
        signs = all(np.allclose(np.abs(scale), 1, rtol=1e-3) for scale in scales)
        scaled = [scale * t for scale, (_, t) in zip(scales, pairs, strict=True)]
        if signs:
            yield f"The sizes are right; some {line}s have the opposite sign.", scaled
        elif _fits(pairs, scaled):  # the numbers were fitted, so nothing less will do
            yield f"In each {line} yours are the right numbers times a number of its own. Is one too large?", scaled
    shifts = [(v - t).mean(axis=axis, keepdims=True) for v, t in pairs]
    if all(_too_large_for_noise(shift, t) and _differ(shift) for shift, (_, t) in zip(shifts, pairs, strict=True)):
        moved = [t + shift for shift, (_, t) in zip(shifts, pairs, strict=True)]
        if _fits(pairs, moved):
            yield (
                f"In each {line} yours are off by an amount of its own. Was something added or taken out there, or "
                "left in?",
                moved,
            )  # fmt: skip


def _fits(pairs, fitted):
    return all(is_exact(value, other) for (value, _), other in zip(pairs, fitted, strict=True))


def _differ(numbers):
    return bool(np.ptp(numbers) > 1e-3 * np.abs(numbers).max())


def _too_large_for_noise(shift, true):
    return bool((np.abs(shift) > 1e-3 * np.abs(true).max(initial=0.0)).all())


def placed(wrong: Wrong) -> Iterator[Change]:
    """The right numbers in other places: turned, in another order, or moved by one."""
    pairs = list(zip(wrong.values, wrong.truths, strict=True))
    if all(true.ndim > 1 for true in wrong.truths):
        yield "Yours are the right numbers, transposed.", [np.swapaxes(true, -1, -2) for true in wrong.truths]
    for axis in range(min(true.ndim for true in wrong.truths)):
        side = SIDES.get(wrong.truths[0].ndim, ("numbers",) * 9)[axis]
        if min(true.shape[axis] for true in wrong.truths) < 4:
            continue
        for later, words in ((1, "later"), (-1, "earlier")):
            moved = [_moved(value, true, later, axis) for value, true in pairs]
            if wrong.agree(wrong.values, [_moved(value, true, later, axis, by=0) for value, true in pairs]):
                continue  # all but the end are right where they are
            yield f"Your {side} are the right ones, one place {words}. Is something off by one?", moved
    if all(true.size > 2 and len(np.unique(true)) > 2 for true in wrong.truths):
        ordered = []
        for value, true in pairs:
            put = np.empty(true.size)
            put[np.argsort(value.ravel(), kind="stable")] = np.sort(true.ravel())
            ordered.append(put.reshape(true.shape))
        yield "Your numbers are the right ones, in another order.", ordered
        if any((true < 0).any() for true in wrong.truths):
            yield (
                "The sizes are right, and some of the signs are not.",
                [np.abs(true) * np.where(value < 0, -1, 1) for value, true in pairs],
            )


def _moved(value, true, later, axis, by=1):
    """The truth, moved by one place; what comes in at the end may be anything, so it is what the answer has there."""
    moved = np.roll(true, by * later, axis=axis)
    end = [slice(None)] * true.ndim
    end[axis] = slice(0, 1) if later > 0 else slice(-1, None)
    moved = moved.astype(float)
    moved[tuple(end)] = value[tuple(end)]
    return moved
