"""Exercises that answer. One checker serves all lessons; each lesson's exercises are declared in a module of their own.

from helpers.exercises.lesson_01 import q1
q1.check(answer)        Correct, Incorrect (and what the answer shows), Not attempted, or Could not check (and why)
q1.hint()               a first hint; q1.hint(2) says more
q1.solution()           the code that the tests run
"""

import inspect
import textwrap
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

NOT_ATTEMPTED = "Not attempted. Replace the dots with your answer, then run the cell again."


class Feedback(str):
    """A text that a notebook shows as it is, without quotation marks."""

    def __repr__(self):
        return str(self)


def same_numbers(answer, truth):
    """Whether two arrays of one shape agree to a thousandth of their size."""
    size = np.abs(truth).max(initial=0.0)
    return bool(np.abs(answer - truth).max(initial=0.0) <= 1e-3 * size + 1e-12)


def same_up_to_sign(answer, truth):
    """Whether they agree once each column of the answer may be turned around: the sign of a factor is convention."""
    signs = np.where((answer * truth).sum(axis=0) < 0, -1.0, 1.0)
    return same_numbers(answer * signs, truth)


def same_up_to_order(answer, truth):
    """Whether the columns agree in some order."""
    left = list(range(truth.shape[-1]))
    for column in np.moveaxis(answer, -1, 0):
        found = [k for k in left if same_numbers(column, truth[..., k])]
        if not found:
            return False
        left.remove(found[0])
    return True


def same_up_to_rotation(answer, truth):
    """Whether an invertible matrix turns the columns of one into those of the other: factors are known no better."""

    def explained(y, x):
        return same_numbers(x @ np.linalg.lstsq(x, y, rcond=None)[0], y)

    return explained(truth, answer) and explained(answer, truth)


class Question:
    """What every exercise can do: give hints, from vague to near."""

    def hint(self, level=1):
        """The hint of this level, the first if none is asked for."""
        if level not in range(1, len(self.hints) + 1):
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

    def check(self, answer):
        """Correct; Incorrect, with advice that fits; Not attempted; or Could not check, with the reason. It never raises."""
        try:
            return Feedback(self._judged(answer))
        except Unreadable as reason:
            return Feedback(f"Could not check. {reason}")
        except Exception as error:
            return Feedback(f"Could not check. Reading your answer failed with {type(error).__name__}: {error}")

    def solution(self):
        """The code of the right way, and what it teaches."""
        code = textwrap.dedent(inspect.getsource(self.reference)).rstrip()
        return Feedback("\n\n".join(part for part in (code, textwrap.fill(self.insight, 100)) if part))

    def answer_of(self, way):
        """What a way to answer, the reference or a mistake, would hand to `check`."""
        return way if self.calls is not None else way(**self._given())

    def _judged(self, answer):
        if answer is ...:
            return NOT_ATTEMPTED
        values = self._results(answer)
        if any(value is ... for value in values):
            return NOT_ATTEMPTED
        values, truth = [_as_numbers(value) for value in values], self._truth(self.reference)
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
            except Exception as error:
                words = str(error) or "no further words"
                raise Unreadable(
                    f"Your function raised {type(error).__name__} ({words}) when it was called with {_described(arguments)}."
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
        return all(value is not None and not np.isnan(value).any() and self.same(value, true) for value, true in pairs)

    def _what_it_shows(self, values, truth):
        value = np.concatenate([_squeezed(value, true).ravel() for value, true in zip(values, truth, strict=True)])
        true = np.concatenate([true.ravel() for true in truth])
        return _what_it_shows(value, true)

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

    def check(self, answer):
        """Correct; Incorrect, with advice that fits; Not attempted; or Could not check, with the reason. It never raises."""
        letters = sorted({self.right, *self.advice})
        if answer is ...:
            return Feedback(NOT_ATTEMPTED)
        if not isinstance(answer, str):
            return Feedback(
                f"Could not check. One of the letters {', '.join(letters)} is needed, in quotes; this is {_kind(answer)}."
            )
        letter = answer.strip().strip("().").lower()
        if letter == self.right:
            return Feedback(f"Correct. {self.insight}".rstrip())
        if letter not in self.advice:
            return Feedback(f"Could not check. One of the letters {', '.join(letters)} is needed; {answer!r} was given.")
        return Feedback(f"Incorrect. {self.advice[letter]}")

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

    def check(self, answer=...):
        """Not attempted, or that no program can judge this, and what to look for."""
        if answer is ...:
            return Feedback(NOT_ATTEMPTED)
        return Feedback(f"Could not check. This task is open, so judge for yourself. {self.look_for}")

    def solution(self):
        """What to look for in an answer."""
        return Feedback(self.look_for)


class Unreadable(Exception):
    """Why an answer can't be compared, in a sentence."""


def _as_numbers(value):
    """The answer as an array of floats, without NaN."""
    if isinstance(value, str) or value is None or isinstance(value, dict):
        raise Unreadable(f"Numbers are needed, and this is {_kind(value)}.")
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise Unreadable(f"Numbers are needed, in one array without holes; this is {_kind(value)}.") from None
    if np.isnan(array).any():
        how_many = "It is NaN" if array.size == 1 else f"{int(np.isnan(array).sum())} of its {array.size} values are NaN"
        raise Unreadable(f"{how_many}: something was divided by zero, or a missing value was carried along.")
    return array


def _squeezed(value, true):
    """The value in the shape of the truth, or None if the two differ by more than axes of length 1."""
    return value.reshape(true.shape) if value.squeeze().shape == true.squeeze().shape else None


def _require_shape(value, true):
    if _squeezed(value, true) is None:
        turned = " Transpose it?" if value.T.shape == true.shape else ""
        needed = "one number is needed" if true.ndim == 0 else f"the shape {true.shape} is needed"
        raise Unreadable(f"Your answer has the shape {value.shape}, and {needed}.{turned}")


def _what_it_shows(value, true):
    """A sentence on how wrong numbers differ from the right ones."""
    if not np.isfinite(value).all():
        return "Some of your values are infinite: was something divided by zero?"
    size = true @ true
    ratio = value @ true / size if size else np.nan
    if size and np.isfinite(ratio) and same_numbers(value, ratio * true) and abs(ratio) > 1e-9:
        if same_numbers(value, -true):
            return "The size is right and the sign is the opposite."
        for power, words in (
            (100, "Are they in percent, where fractions are needed?"),
            (0.01, "Were they divided by 100 too much?"),
        ):
            if np.isclose(ratio, power, rtol=1e-3):
                return f"{_multiple(value, power)} {words}"
        return f"{_multiple(value, ratio)} Is a factor missing, or one too many?"
    shift = value - true
    if value.size > 1 and np.ptp(shift) <= 1e-3 * np.abs(true).max() and abs(shift.mean()) > 1e-9:
        return f"All your values are off by the same amount, {shift.mean():.3g}. Was a mean taken out, or left in?"
    near = np.abs(shift) <= 1e-3 * np.abs(true).max() + 1e-12
    if value.size > 2 and near.any():
        return f"{int(near.sum())} of {value.size} values are right; the first that is not is number {int(np.argmin(near)) + 1}."
    if value.size == 1:
        return f"Your value, {value[0]:.4g}, is too {'large' if value[0] > true[0] else 'small'}."
    return f"The values differ by up to {np.abs(shift).max():.3g}, where they should be as large as {np.abs(true).max():.3g}."


def _multiple(value, ratio):
    whose, should = ("Your value is", "it") if value.size == 1 else ("Your values are all", "they")
    return f"{whose} {ratio:.3g} times what {should} should be."


def _kind(value):
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) < 40 else "a text"
    return "None" if value is None else f"of the type {type(value).__name__}"


def _described(arguments):
    words = [f"an array of shape {np.shape(value)}" if np.ndim(value) else repr(value) for value in arguments]
    return " and ".join(words)
