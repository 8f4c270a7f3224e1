"""What counts as the same answer. One rule serves the verdict, the mistakes, and what is said of a wrong answer."""

import numpy as np

RELATIVE = 1e-3  # of each number by itself
NOISE = 1e-6  # of the largest number beside it: what rounding errors of single precision leave of a 0
COUNTS = "biu"  # the kinds of arrays that hold whole numbers


def same_numbers(answer: np.ndarray, truth: np.ndarray, scale: float = 0.0) -> bool:
    """Whether each number is right to a thousandth of itself; whole numbers, such as counts, are right or wrong.

    Parameters
    ----------
    answer, truth : arrays of one shape
        Of whole numbers if the truth has an integer type.
    scale : float
        How large the numbers are that belong to the same exercise: the measure where the truth is 0 throughout.
    """
    return bool(near(answer, truth, scale).all())


def same_to_a_percent(answer: np.ndarray, truth: np.ndarray, scale: float = 0.0) -> bool:
    """Whether each number is right to one percent of itself: a rounded answer will do."""
    return bool(near(answer, truth.astype(float), scale, relative=0.01).all())


def same_up_to_sign(answer: np.ndarray, truth: np.ndarray, scale: float = 0.0) -> bool:
    """Whether they agree once each column of the answer may be turned around: the sign of a factor is convention."""
    return same_numbers(turned(answer, truth), truth, scale)


def same_up_to_order(answer: np.ndarray, truth: np.ndarray, scale: float = 0.0) -> bool:
    """Whether the columns agree in some order."""
    if truth.ndim == 0:
        return same_numbers(answer, truth, scale)
    left = list(range(truth.shape[-1]))
    for column in np.moveaxis(answer, -1, 0):
        found = [k for k in left if same_numbers(column, truth[..., k], scale)]
        if not found:
            return False
        left.remove(found[0])
    return True


def same_up_to_rotation(answer: np.ndarray, truth: np.ndarray) -> bool:
    """Whether an invertible matrix turns the columns of one into those of the other: factors are known no better."""
    if truth.ndim < 2:
        answer, truth = answer.reshape(-1, 1), truth.reshape(-1, 1)

    def explained(y, x):
        errors = np.abs(x @ np.linalg.lstsq(x, y, rcond=None)[0] - y)
        return bool((errors <= RELATIVE * np.abs(y).max(axis=0, initial=0.0) + 1e-12).all())

    return explained(truth, answer) and explained(answer, truth)


def near(answer: np.ndarray, truth: np.ndarray, scale: float = 0.0, relative: float = RELATIVE) -> np.ndarray:
    """For each number, whether it is right: to a part of itself, beside the noise that the largest number leaves."""
    if truth.dtype.kind in COUNTS:
        return np.abs(answer - truth) <= 1e-6 + 1e-7 * np.abs(truth)  # what single precision leaves of a whole number
    size = np.abs(truth).max(initial=0.0)
    noise = NOISE * (size if size > 1e-9 * scale else scale) or 1e-12
    return np.abs(answer - truth) <= relative * np.abs(truth) + noise


def turned(answer: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The answer, each column turned around that points away from the truth's."""
    others = tuple(range(max(truth.ndim - 1, min(truth.ndim, 1))))  # of a vector: its one axis
    return answer * np.where((answer * truth).sum(axis=others) < 0, -1.0, 1.0)


def rounded(answer: np.ndarray, truth: np.ndarray, digits: int = 2) -> bool:
    """Whether the answer is the truth as one prints it, with at least so many digits of its largest number.

    To a fixed number of decimals, two or more (one will do for numbers from 10 on), or to three or more significant
    digits of each number. Where three digits are asked for, the answer must show three: 0.5 is not 0.500.
    """
    largest = np.abs(truth).max(initial=0.0)
    if truth.dtype.kind in COUNTS or not largest or not np.isfinite(answer).all():
        return False
    if (np.abs(answer - truth) > 0.5 * np.abs(truth).max()).any():
        return False
    first = int(np.floor(np.log10(largest)))  # the place of its first digit
    fewest = 0 if digits < 2 else 2 if largest < 10 else 1
    for decimals in range(max(fewest, digits - 1 - first), 8):
        kept = np.abs(truth[truth != 0]) >= 0.5 * 10.0**-decimals
        if kept.mean() >= 0.5 and _is_rounded(answer, truth, 10.0**decimals):
            coarser = 10.0 ** (digits - 2 - first)
            return digits < 3 or bool((np.abs(answer * coarser - np.rint(answer * coarser)) > 1e-6).any())
    places = np.floor(np.log10(np.abs(np.where(truth == 0, 1.0, truth))))
    return any(_is_rounded(answer, truth, 10.0 ** (n - 1 - places)) for n in range(max(digits, 3), 8))


def of_few_digits(answer: np.ndarray, truth: np.ndarray) -> bool:
    """Whether each number is the truth rounded, as `np.round` does it, and some of them to one digit or none.

    All to one number of decimals, or each to some digits of its own. What is halfway is not taken for rounded.
    """
    if truth.dtype.kind in COUNTS or not np.isfinite(answer).all() or not answer.any():
        return False
    fewest = 0 if np.abs(truth).max() >= 1 else 1
    if any(np.array_equal(answer, np.round(truth, decimals)) for decimals in range(fewest, 7)):
        return bool(np.abs(answer - truth).any())
    return all(one == right or _printed(one, right) for one, right in zip(answer.ravel(), truth.ravel(), strict=True))


def _printed(one, right):
    return one != 0 and any(one == float(f"{right:.{n}g}") for n in range(1, 7))


def _is_rounded(answer, truth, unit):
    """Whether each number is a whole number of units, and the one nearest to the truth; unit: so many make 1."""
    scaled = answer * unit
    whole = np.abs(scaled - np.rint(scaled)) <= 1e-6 + 2e-7 * np.abs(scaled)
    return bool((whole & (np.abs(scaled - truth * unit) <= 0.5 + 1e-6)).all())
