"""What counts as the same answer, and what wrong numbers show about how they came to be wrong."""

import numpy as np


def same_numbers(answer: np.ndarray, truth: np.ndarray) -> bool:
    """Whether two arrays of one shape agree to a thousandth of their size."""
    return bool(near(answer, truth).all())


def same_to_a_percent(answer: np.ndarray, truth: np.ndarray) -> bool:
    """Whether each number is right to one percent of itself: a rounded answer will do."""
    return bool((np.abs(answer - truth) <= 0.01 * np.abs(truth)).all())


def same_up_to_sign(answer: np.ndarray, truth: np.ndarray) -> bool:
    """Whether they agree once each column of the answer may be turned around: the sign of a factor is convention."""
    return same_numbers(turned(answer, truth), truth)


def same_up_to_order(answer: np.ndarray, truth: np.ndarray) -> bool:
    """Whether the columns agree in some order."""
    if truth.ndim == 0:
        return same_numbers(answer, truth)
    left = list(range(truth.shape[-1]))
    for column in np.moveaxis(answer, -1, 0):
        found = [k for k in left if same_numbers(column, truth[..., k])]
        if not found:
            return False
        left.remove(found[0])
    return True


def same_up_to_rotation(answer: np.ndarray, truth: np.ndarray) -> bool:
    """Whether an invertible matrix turns the columns of one into those of the other: factors are known no better."""
    if truth.ndim < 2:
        answer, truth = answer.reshape(-1, 1), truth.reshape(-1, 1)

    def explained(y, x):
        return same_numbers(x @ np.linalg.lstsq(x, y, rcond=None)[0], y)

    return explained(truth, answer) and explained(answer, truth)


def what_it_shows(value: np.ndarray, true: np.ndarray, right: np.ndarray) -> str:
    """A sentence on how wrong numbers differ from the right ones; `right` says which of them are right."""
    if not np.isfinite(value).all():
        whose = "Your value is" if value.size == 1 else "Some of your values are"
        return f"{whose} infinite: was something divided by zero?"
    rounded = any(np.allclose(value, np.round(true, digits), rtol=0, atol=1e-9) for digits in range(2, 5))
    if rounded and np.abs(value).max() > 0:
        if value.size == 1:
            return "Your value is right as far as its digits go. Give more of them, or what computes it."
        return "Your values are right as far as their digits go. Give more of them, or what computes them."
    size = true @ true
    ratio = value @ true / size if size else np.nan
    if size and np.isfinite(ratio) and abs(ratio) > 1e-9 and _each_is(ratio * true, value):
        if same_numbers(value, -true):
            return "The size is right and the sign is the opposite."
        if np.isclose(ratio, 100, rtol=1e-3):
            one, many = "Is it in percent, where a fraction is", "Are they in percent, where fractions are"
            return f"{_multiple(value, 100)} {one if value.size == 1 else many} needed?"
        if np.isclose(ratio, 0.01, rtol=1e-3):
            were = "Was it" if value.size == 1 else "Were they"
            return f"{_multiple(value, 0.01)} {were} divided by 100 once too often?"
        if (value.size > 1 and abs(ratio - 1) > 0.005) or _is_simple(ratio):
            return f"{_multiple(value, ratio)} Was a multiplication or a division left out, or made twice?"
    shift = value - true
    same_for_all = np.ptp(shift) <= min(1e-3 * np.abs(true).max(), 1e-2 * abs(shift.mean()))
    if value.size > 1 and same_for_all and abs(shift.mean()) > 1e-9:
        return f"All your values are off by the same amount, {shift.mean():.3g}. Was a mean taken out, or left in?"
    if value.size > 2 and 0.1 < right.mean() < 1:  # a few of many may be right by chance
        first = int(np.argmin(right)) + 1
        return f"{int(right.sum())} of {value.size} values are right; the first that is not is number {first}."
    if value.size == 1:
        return f"Your value, {value[0]:.4g}, is too {'large' if value[0] > true[0] else 'small'}."
    furthest, largest = np.abs(shift).max(), np.abs(true).max()
    return f"The values differ by up to {furthest:.3g}, where they should be as large as {largest:.3g}."


def near(answer: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """For each number, whether it is right to a thousandth of the largest."""
    return np.abs(answer - truth) <= 1e-3 * np.abs(truth).max(initial=0.0) + 1e-12


def turned(answer: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The answer, each column turned around that points away from the truth's."""
    others = tuple(range(max(truth.ndim - 1, min(truth.ndim, 1))))  # of a vector: its one axis
    return answer * np.where((answer * truth).sum(axis=others) < 0, -1.0, 1.0)


def _each_is(true, value):
    """Whether each number is right to a hundredth of itself: what is said of all must hold for the small ones, too."""
    close = np.abs(value - true) <= 1e-2 * np.abs(true) + 1e-6 * np.abs(true).max()
    return bool(close.all()) and same_numbers(value, true)


def _is_simple(ratio):
    """Whether a ratio says something: of one number to another there always is one."""
    larger = max(abs(ratio), 1 / abs(ratio))
    return 1.5 < larger < 12.5 and abs(larger - round(larger)) < 1e-3 * larger


def _multiple(value, ratio):
    whose, should = ("Your value is", "it") if value.size == 1 else ("Your values are all", "they")
    return f"{whose} {ratio:.3g} times what {should} should be."
