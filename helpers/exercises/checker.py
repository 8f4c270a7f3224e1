"""Exercises that answer. One checker serves all lessons; each lesson's exercises are declared in a module of their own.

from helpers.exercises.time_series_regression import q1
q1.check(answer)        Correct, Incorrect (and what the answer shows), Not attempted, or Could not check (and why)
q1.hint()               a first hint; q1.hint(2) says more
q1.solution()           the code that the tests run
"""

import inspect
import re
import string
import textwrap
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

NOT_ATTEMPTED = "Not attempted. Replace the dots with your answer, then run the cell again."
PAGE = 76  # characters in a line, so that JupyterLab need not break words


class Feedback(str):
    """A text that a notebook shows without quotation marks: prose in lines that fit its page, code as it is."""

    def __repr__(self):
        return str(self) if "\n" in self else _filled(self)


def same_numbers(answer, truth):
    """Whether two arrays of one shape agree to a thousandth of their size."""
    return bool(_near(answer, truth).all())


def same_to_a_percent(answer, truth):
    """Whether each number is right to one percent of itself: a rounded answer will do."""
    return bool((np.abs(answer - truth) <= 0.01 * np.abs(truth)).all())


def same_up_to_sign(answer, truth):
    """Whether they agree once each column of the answer may be turned around: the sign of a factor is convention."""
    return same_numbers(_turned(answer, truth), truth)


def same_up_to_order(answer, truth):
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


def same_up_to_rotation(answer, truth):
    """Whether an invertible matrix turns the columns of one into those of the other: factors are known no better."""
    if truth.ndim < 2:
        answer, truth = answer.reshape(-1, 1), truth.reshape(-1, 1)

    def explained(y, x):
        return same_numbers(x @ np.linalg.lstsq(x, y, rcond=None)[0], y)

    return explained(truth, answer) and explained(answer, truth)


class Question:
    """What every exercise can do: judge an answer, and give hints, from vague to near."""

    def check(self, answer=...):
        """Correct; Incorrect, with advice that fits; Not attempted; or Could not check, with the reason. It never raises."""
        try:
            words = NOT_ATTEMPTED if _has_dots(answer) else self._judged(answer)
        except Unreadable as reason:
            words = f"Could not check. {reason}"
        except Exception as error:
            words = f"Could not check. Reading your answer failed with {type(error).__name__}: {_words(error)}"
        return Feedback(re.sub(r"( at)? ?0x[0-9a-fA-F]{6,}", "", words))  # where an object lies in memory

    def hint(self, level=1):
        """The hint of this level, the first if none is asked for."""
        if not isinstance(level, Integral) or not 1 <= level <= len(self.hints):
            return Feedback(f"There are {len(self.hints)} hints: hint(1) to hint({len(self.hints)}).")
        more = f" hint({level + 1}) says more." if level < len(self.hints) else ""
        return Feedback(self.hints[level - 1] + more)


@dataclass(frozen=True)
class Exercise(Question):
    """A question with one right way and the usual wrong ways to answer it.

    Parameters
    ----------
    reference : function
        The right way. Its arguments are what is given, by the names that the lesson uses. Its code is the solution shown.
    mistakes : dict of function to str
        Wrong ways, functions of the same arguments, and the advice that fits the answers they give.
    given : function
        Of nothing; what is given, a dict by name. Where the answer is to be a function itself: `calls`.
    calls : function
        Of nothing; a list of tuples of arguments. Then the answer, the reference and the mistakes are all functions of these, and
        their results are compared.
    hints : tuple of str
    insight : str
        What the solution teaches, said after it.
    same : function
        Of answer and truth, arrays of one shape: whether they count as equal.
    """

    reference: Callable
    mistakes: Mapping
    hints: tuple
    given: Callable = dict
    calls: Callable | None = None
    insight: str = ""
    same: Callable = same_numbers
    _made: dict = field(default_factory=dict, repr=False, compare=False)

    def solution(self):
        """The code of the right way, and what it teaches."""
        code = textwrap.dedent(inspect.getsource(self.reference)).rstrip()
        return Feedback("\n\n".join(part for part in (code, _filled(self.insight)) if part))

    def answer_of(self, way):
        """What a way to answer, the reference or a mistake, would hand to `check`."""
        return way if self.calls is not None else way(**self._given())

    def _judged(self, answer):
        values = self._results(answer)
        if any(_has_dots(value) for value in values):
            return NOT_ATTEMPTED
        with np.errstate(all="ignore"):  # an answer may be huge
            return self._compared([_as_numbers(value) for value in values])

    def _compared(self, values):
        truth = self._truth(self.reference)
        if self._agree(values, truth):
            return "Correct."
        for mistake, advice in self.mistakes.items():
            if self._agree(values, self._truth(mistake)):
                return f"Incorrect. {advice}"
        for value, true in zip(values, truth, strict=True):
            _require_shape(value, true)
        return f"Incorrect. {self._what_it_shows(values, truth)}"

    def _results(self, answer):
        """The answer as a list: itself alone, or if it is to be a function, what it gives in each call."""
        if self.calls is None:
            if callable(answer) and not hasattr(answer, "__array__"):
                raise Unreadable("Numbers are needed, and this is a function. Call it, and check what it returns.")
            return [answer]
        if not callable(answer):
            raise Unreadable(f"A function is needed, and this is {_kind(answer)}. Pass the function itself, without calling it.")
        results = []
        for arguments in self._calls():
            try:
                results.append(answer(*deepcopy(arguments)))
            except (Exception, SystemExit) as error:
                if "ellipsis" in _words(error):  # the dots are still in it
                    return [...]
                raise Unreadable(
                    f"Your function raised {type(error).__name__} ({_words(error)}) when it was called with {_described(arguments)}."
                ) from None
            if results[-1] is None:
                raise Unreadable("Your function returns None. Does its last line begin with return?")
        return results

    def _truth(self, way):
        if way not in self._made:
            answers = [way(*deepcopy(call)) for call in self._calls()] if self.calls is not None else [self.answer_of(way)]
            self._made[way] = [_as_numbers(answer) for answer in answers]
        return self._made[way]

    def _agree(self, values, truth):
        pairs = [(_squeezed(value, true), true) for value, true in zip(values, truth, strict=True)]
        try:
            return all(value is not None and np.isfinite(value).all() and self.same(value, true) for value, true in pairs)
        except np.linalg.LinAlgError:  # numbers so large that they overflow
            return False

    def _what_it_shows(self, values, truth):
        pairs = [(_squeezed(value, true), true) for value, true in zip(values, truth, strict=True)]
        if self.same is same_up_to_rotation and all(np.isfinite(value).all() for value, _ in pairs):
            return "Your columns do not span what the right ones span: no rotation turns one into the other."
        if self.same is same_up_to_sign:
            pairs = [(_turned(value, true), true) for value, true in pairs]
        near = np.concatenate([_near(value, true).ravel() for value, true in pairs])
        value, true = (np.concatenate([array.ravel() for array in side]) for side in zip(*pairs, strict=True))
        return _what_it_shows(value, true, near)

    def _given(self):
        if "given" not in self._made:
            self._made["given"] = self.given()
        return self._made["given"]

    def _calls(self):
        if "calls" not in self._made:
            self._made["calls"] = self.calls()
        return self._made["calls"]


@dataclass(frozen=True)
class Choice(Question):
    """A question with several answers to choose from, one of them right.

    Parameters
    ----------
    right : str
        The letter of the right answer.
    advice : dict of str to str
        For each letter of a wrong answer, what is wrong with it.
    hints : tuple of str
    insight : str
        Why the right answer is right.
    """

    right: str
    advice: Mapping
    hints: tuple
    insight: str = ""

    def _judged(self, answer):
        letters = sorted({self.right, *self.advice})
        if not isinstance(answer, str):
            raise Unreadable(f"One of the letters {', '.join(letters)} is needed, in quotes; this is {_kind(answer)}.")
        letter = answer.strip(string.punctuation + string.whitespace).lower()
        if letter == self.right:
            return f"Correct. {self.insight}".rstrip()
        if letter not in self.advice:
            raise Unreadable(f"One of the letters {', '.join(letters)} is needed; this is {_kind(answer)}.")
        return f"Incorrect. {self.advice[letter]}"

    def solution(self):
        """The right letter, and why."""
        return Feedback(f"{self.right}. {self.insight}".rstrip())


@dataclass(frozen=True)
class Open(Question):
    """A task without a single right answer: hints, and what to look for in one's own.

    Parameters
    ----------
    look_for : str
    hints : tuple of str
    """

    look_for: str
    hints: tuple

    def _judged(self, answer):
        """That no program can judge this, and what to look for."""
        raise Unreadable(f"This task is open, so judge for yourself. {self.look_for}")

    def solution(self):
        """What to look for in an answer."""
        return Feedback(self.look_for)


class Unreadable(Exception):
    """Why an answer can't be compared, in a sentence."""


def _filled(prose):
    return textwrap.fill(prose, PAGE, break_long_words=False, break_on_hyphens=False)


def _has_dots(value):
    """Whether it is the dots of an untouched cell, or a list or tuple in which some are left."""
    return value is ... or isinstance(value, (list, tuple)) and any(item is ... for item in value)


def _words(error):
    """What an error says, if it says anything."""
    try:
        return str(error) or "no further words"
    except Exception:
        return "no further words"


def _as_numbers(value):
    """The answer as an array of floats, without NaN."""
    if isinstance(value, str) or value is None or isinstance(value, dict):
        raise Unreadable(f"Numbers are needed, and this is {_kind(value)}.")
    try:
        array = np.asarray(value.astype(float).filled(np.nan) if np.ma.isMaskedArray(value) else value)
        if array.dtype.kind in "USMm":
            raise TypeError  # text or dates, which numpy would turn into numbers
        if np.iscomplexobj(array):
            if (array.imag != 0).any():
                raise Unreadable("Real numbers are needed, and yours have an imaginary part.")
            array = array.real
        array = array.astype(float)
    except (TypeError, ValueError, OverflowError) as error:
        uneven = isinstance(value, (list, tuple)) and "inhomogeneous" in _words(error)
        this = f"the parts of this {type(value).__name__} differ in length" if uneven else f"this is {_kind(value)}"
        raise Unreadable(f"Numbers are needed, in one array without holes; {this}.") from None
    if np.isnan(array).any():
        how_many = "It is NaN" if array.size == 1 else f"{int(np.isnan(array).sum())} of its {array.size} values are NaN"
        raise Unreadable(f"{how_many}: something was divided by zero, or a missing value was carried along.")
    return array


def _near(answer, truth):
    """For each number, whether it is right to a thousandth of the largest."""
    return np.abs(answer - truth) <= 1e-3 * np.abs(truth).max(initial=0.0) + 1e-12


def _turned(answer, truth):
    """The answer, each column turned around that points away from the truth's."""
    others = tuple(range(max(truth.ndim - 1, min(truth.ndim, 1))))  # of a vector: its one axis
    return answer * np.where((answer * truth).sum(axis=others) < 0, -1.0, 1.0)


def _squeezed(value, true):
    """The value in the shape of the truth, or None if the two differ by more than axes of length 1."""
    return value.reshape(true.shape) if value.squeeze().shape == true.squeeze().shape else None


def _require_shape(value, true):
    if _squeezed(value, true) is None:
        turned = " Transpose it?" if value.T.shape == true.shape else ""
        needed = "one number is needed" if true.ndim == 0 else f"the shape {true.shape} is needed"
        raise Unreadable(f"Your answer has the shape {value.shape}, and {needed}.{turned}")


def _what_it_shows(value, true, near):
    """A sentence on how wrong numbers differ from the right ones; near says which of them are right."""
    if not np.isfinite(value).all():
        return f"{'Your value is' if value.size == 1 else 'Some of your values are'} infinite: was something divided by zero?"
    if any(np.allclose(value, np.round(true, digits), rtol=0, atol=1e-9) for digits in range(2, 5)) and np.abs(value).max() > 0:
        whose, it = (
            ("Your value is right as far as its", "it") if value.size == 1 else ("Your values are right as far as their", "them")
        )
        return f"{whose} digits go. Give more of them, or what computes {it}."
    size = true @ true
    ratio = value @ true / size if size else np.nan
    if size and np.isfinite(ratio) and abs(ratio) > 1e-9 and _each_is(ratio * true, value):
        if same_numbers(value, -true):
            return "The size is right and the sign is the opposite."
        if np.isclose(ratio, 100, rtol=1e-3):
            one, many = "Is it in percent, where a fraction is needed?", "Are they in percent, where fractions are needed?"
            return f"{_multiple(value, 100)} {one if value.size == 1 else many}"
        if np.isclose(ratio, 0.01, rtol=1e-3):
            return f"{_multiple(value, 0.01)} {'Was it' if value.size == 1 else 'Were they'} divided by 100 once too often?"
        if value.size > 1 and abs(ratio - 1) > 0.005 or _is_simple(ratio):
            return f"{_multiple(value, ratio)} Was a multiplication or a division left out, or made twice?"
    shift = value - true
    same_for_all = np.ptp(shift) <= min(1e-3 * np.abs(true).max(), 1e-2 * abs(shift.mean()))
    if value.size > 1 and same_for_all and abs(shift.mean()) > 1e-9:
        return f"All your values are off by the same amount, {shift.mean():.3g}. Was a mean taken out, or left in?"
    if value.size > 2 and 0.1 < near.mean() < 1:  # a few of many may be right by chance
        return f"{int(near.sum())} of {value.size} values are right; the first that is not is number {int(np.argmin(near)) + 1}."
    if value.size == 1:
        return f"Your value, {value[0]:.4g}, is too {'large' if value[0] > true[0] else 'small'}."
    return f"The values differ by up to {np.abs(shift).max():.3g}, where they should be as large as {np.abs(true).max():.3g}."


def _each_is(true, value):
    """Whether each number is right to a hundredth of itself: what is said of all must hold for the small ones, too."""
    return bool((np.abs(value - true) <= 1e-2 * np.abs(true) + 1e-6 * np.abs(true).max()).all()) and same_numbers(value, true)


def _is_simple(ratio):
    """Whether a ratio says something: of one number to another there always is one."""
    larger = max(abs(ratio), 1 / abs(ratio))
    return 1.5 < larger < 12.5 and abs(larger - round(larger)) < 1e-3 * larger


def _multiple(value, ratio):
    whose, should = ("Your value is", "it") if value.size == 1 else ("Your values are all", "they")
    return f"{whose} {ratio:.3g} times what {should} should be."


def _kind(value):
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) < 40 else "a text"
    return "None" if value is None else f"of the type {type(value).__name__}"


def _described(arguments):
    shapes = [getattr(value, "shape", ()) for value in arguments]
    return " and ".join(
        f"an array of shape {shape}" if shape else repr(value) for value, shape in zip(arguments, shapes, strict=True)
    )
