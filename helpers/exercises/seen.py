"""What a wrong answer shows: an observation, from the most telling to the least, and last what is true of any."""

from collections.abc import Sequence

import numpy as np

from helpers.exercises.answers import of_few_digits, rounded
from helpers.exercises.changes import ROUNDED_TOO, SIDES, Arrays, Wrong, changes, is_exact


def what_it_shows(wrong: Wrong) -> str:
    """Which change of the right numbers gives the wrong ones, in words; empty if none of the usual ones does."""
    value, true = wrong.value, wrong.true
    whose = "Your value is" if value.size == 1 else "Your values are"
    if not np.isfinite(value).all():
        return f"{whose if value.size == 1 else 'Some of your values are'} infinite: was something divided by zero?"
    if not value.any() and true.any():
        one = value.size == 1
        all_, right = ("Your value is", "the right one is") if one else ("All your values are", "the right ones are")
        return f"{all_} 0, and {right} not. Was something cut off, rounded away, or never filled in?"
    if of_few_digits(value, true):
        return "Right as far as its digits go, and they are too few: give two more."
    in_percent = not wrong.counts and rounded(value / 100, true, digits=1 if np.count_nonzero(true) > 1 else 2)
    for sentence, changed in changes(wrong):
        if wrong.is_like(changed, sentence not in ROUNDED_TOO) or (in_percent and "In percent" in sentence):
            return sentence.format(whose=whose)
    return about_lengths(wrong, whose) or about_a_line(wrong)


# --- What the lengths of the data show --------------------------------------------------------------------------------

WITH_LENGTH = [
    ("{whose} {n} times what is right, and {n} is a length of the data. A sum, where a mean is asked for?",
     lambda n: n),
    ("{whose} 1/{n} of what is right, and {n} is a length of the data. A mean, where a sum is asked for?",
     lambda n: 1 / n),
    ("{whose} √{n} times what is right, and {n} is a length of the data. Was a √n left out?", np.sqrt),
    ("{whose} 1/√{n} of what is right, and {n} is a length of the data. Was a √n put in, or a mean taken under a root?",
     lambda n: 1 / np.sqrt(n)),
    ("{whose} {n} / ({n} - 1) times what is right. Is n - 1 below the line, where n is meant?", lambda n: n / (n - 1)),
    ("{whose} ({n} - 1) / {n} times what is right. Is n below the line, where n - 1 is meant?", lambda n: (n - 1) / n),
    ("{whose} √({n} / ({n} - 1)) times what is right. Is n - 1 below the line, where n is meant?",
     lambda n: np.sqrt(n / (n - 1))),
    ("{whose} √(({n} - 1) / {n}) times what is right. Is n below the line, where n - 1 is meant?",
     lambda n: np.sqrt((n - 1) / n)),
]  # fmt: skip
FEWEST = 20  # so long must the data be, if only one length of them was tried


def about_lengths(wrong: Wrong, whose: str) -> str:
    """Whether the answer is a multiple of the right one that a length of the data gives: n, √n, n / (n - 1).

    A small length that is the same in all calls, such as 4, is no witness: 1/√4 is one half.
    """
    if wrong.counts or not wrong.lengths or not wrong.true.any():
        return ""
    for k, n_first in enumerate(wrong.lengths[0]):
        if n_first < 3 or any(len(lengths) != len(wrong.lengths[0]) or lengths[k] < 3 for lengths in wrong.lengths):
            continue
        if n_first < FEWEST and all(lengths[k] == n_first for lengths in wrong.lengths):
            continue
        for sentence, factor in WITH_LENGTH:
            many = zip(wrong.truths, wrong.lengths, strict=True)
            multiples = np.concatenate([(factor(lengths[k]) * true).ravel() for true, lengths in many])
            if is_exact(wrong.value, multiples):
                n = n_first if all(lengths[k] == n_first for lengths in wrong.lengths) else "n"
                return sentence.format(whose=whose, n=n)
    return ""


def about_a_line(wrong: Wrong) -> str:
    """Whether all numbers are off by one amount, or in one proportion, or both."""
    value, true = wrong.value, wrong.true
    shift, spread = value - true, np.ptp(true)
    same = np.ptp(shift) <= (1e-3 if value.size > 2 else 1e-6) * abs(shift.mean()) + 1e-12 * np.abs(true).max()
    if value.size > 1 and same and abs(shift.mean()) > 1e-9:
        question = "Is something counted that should not be, or left out?"
        if not wrong.counts:
            question = "Was a mean taken out, or left in?" if spread else "Was something added, or left out?"
        return f"All your values are off by the same amount, {shift.mean():.3g}. {question}"
    if np.count_nonzero(true) < 2:
        return ""
    ratio = value @ true / (true @ true)
    multiples = [ratio * one for one in wrong.truths]
    alike = is_exact(value, ratio * true) if wrong.counts else wrong.agree(wrong.values, multiples)
    if alike and abs(ratio) > 1e-9 and abs(ratio - 1) > 0.005:
        left_out = "Was a multiplication or a division left out, or made twice?"
        return f"Your values are all {ratio:.3g} times what they should be. {left_out}"
    if value.size > 3 and len(np.unique(true)) > 3:
        slope, start = np.polyfit(true, value, 1)
        if abs(slope) > 1e-9 and is_exact(start + slope * true, value):
            also = f"{'plus' if start > 0 else 'less'} {abs(start):.3g}"
            return f"All your values are {slope:.3g} times the right ones, {also}."
    return ""


# --- Which of them are right ------------------------------------------------------------------------------------------


def about_those_that_are_right(wrong: Wrong) -> str:
    """Which part of the answer is right, if it is a part that one can name; else what the others are like."""
    right = np.concatenate([array.ravel() for array in wrong.right])
    value, true = wrong.value, wrong.true
    off = ~right
    if value.size > 2 and 0.1 < right.mean() < 1 and true[right].any():  # a few of many may be right by chance
        if not value[off].any() and true[off].all():
            are, they = ("values is", "it") if off.sum() == 1 else ("values are", "they")
            return f"{off.sum()} of your {value.size} {are} 0, where {they} should not be; the others are right."
        if one := _line_of(wrong):
            return one[0].upper() + one[1:]
        are = "values is" if right.sum() == 1 else "values are"
        return f"{right.sum()} of {value.size} {are} right; the first that is not is number {off.argmax() + 1}."
    if value.size > 2 and np.ptp(value) <= 1e-9 * np.abs(value).max() and np.ptp(true) > 0:
        return f"All your values are the same, {value[0]:.4g}, where they should differ."
    if value.size > 4 and len(np.unique(true)) > 4:
        together = np.corrcoef(value, true)[0, 1] if np.ptp(value) else 0.0
        if np.array_equal(np.argsort(value, kind="stable"), np.argsort(true, kind="stable")):
            return "Your values have the right order, from small to large; their sizes are off."
        if abs(together) > 0.8:
            question = "Is a step left out, or one too many?" if together > 0 else "Is a sign turned?"
            if together > 0.98:
                question = "So near: is one step another than the one asked for, or does one part come from elsewhere?"
            return f"Yours and the right values have a correlation of {together:.2f}. {question}"
    return ""


def _line_of(wrong):
    """The one side along which some lines are right throughout and the others are not, in words."""
    right = next(array for array in wrong.right if not array.all())
    here = "" if len(wrong.right) == 1 else "Where it first fails: "
    for axis in range(right.ndim):
        side = SIDES.get(right.ndim, ("numbers",) * 9)[axis]
        lines = right.all(axis=tuple(k for k in range(right.ndim) if k != axis))
        n, first = len(lines), int(np.argmin(lines))
        if n < 3 or not lines.any():
            continue
        question = " What changes there?" if n > 4 else ""
        several = 3 * lines.sum() >= n and lines.sum() >= 3  # one or two may be right by chance
        if several and lines[:first].all() and not lines[first:].any():
            return f"{here}the first {first} of {n} {side} are right, and none after them.{question}"
        if several and not lines[: n - lines[::-1].argmin()].any() and lines[n - lines[::-1].argmin() :].all():
            return f"{here}the last {lines.sum()} of {n} {side} are right, and none before them.{question}"
        if several and lines.sum() == n - 1:
            question = " What is special about it?" if n > 5 else ""
            return f"{here}of {n} {side} all are right but number {first + 1}.{question}"
    return ""


def part_is_right(wrong: Wrong) -> bool:
    """Whether more of the answer is right than a few numbers may be by chance: then the first hint is behind it."""
    right = np.concatenate([array.ravel() for array in wrong.right])
    return bool(right.mean() > 0.1 and (np.abs(wrong.true[right]) > 0).any())


def last_words(wrong: Wrong) -> str:
    """What can be said of any wrong answer: how far it is from the right one."""
    value, true = wrong.value, wrong.true
    if value.size == 1:
        size = abs(true[0])
        far = abs(value[0] - true[0]) / size if size else np.inf
        by = f", by {100 * far:.2g} %" if 1e-4 < far < 0.99 else ""
        return f"Your value, {value[0]:.4g}, is too {'large' if value[0] > true[0] else 'small'}{by}."
    sides = np.sign(value - true)
    if value.size < 7 and not np.concatenate([array.ravel() for array in wrong.right]).any():
        if abs(sides.sum()) == value.size:
            how = f"all are too {'large' if sides[0] > 0 else 'small'}"
        else:
            how = "they are, one by one, too " + ", too ".join("large" if side > 0 else "small" for side in sides)
        return f"None of your {value.size} values is right: {how}."
    furthest, largest = np.abs(value - true).max(), np.abs(true).max()
    return f"The values differ by up to {furthest:.3g}, where they should be as large as {largest:.3g}."


def first_wrong(right: Arrays, values: Arrays, truths: Arrays) -> tuple[int, str]:
    """The call in which the first wrong number is, and that number beside the right one, in words."""
    k = next(k for k, array in enumerate(right) if not array.all())
    place = np.unravel_index(int(np.argmin(right[k])), right[k].shape)
    mine, true = float(values[k][place]), float(truths[k][place])
    at = f" at [{', '.join(map(str, place))}]" if place else ""
    digits = next((n for n in range(4, 17) if f"{mine:.{n}g}" != f"{true:.{n}g}"), 17)
    return k, f"yours gives {mine:.{digits}g}{at}, and {true:.{digits}g} is right"


def lengths_of(arguments: Sequence) -> list[int]:
    """The lengths of the arrays among what is given, and their numbers of values."""
    found: list[int] = []
    for one in arguments:
        array = getattr(one, "returns", one)
        shape = getattr(array, "shape", ())
        found += [int(n) for n in (*shape, *([np.prod(shape)] if len(shape) > 1 else []))]
    return found
