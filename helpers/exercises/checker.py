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
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np

from helpers.exercises.answers import near, same_numbers, same_up_to_rotation, same_up_to_sign, turned, what_it_shows

NOT_ATTEMPTED = "Not attempted. Replace the dots with your answer, then run the cell again."
PAGE = 76  # characters in a line, so that JupyterLab need not break words


class Feedback(str):
    """A text that a notebook shows without quotation marks: prose in lines that fit its page, code as it is."""

    def __repr__(self) -> str:
        return str(self) if "\n" in self else _filled(self)


class Question(ABC):
    """What every exercise can do: judge an answer, and give hints, from vague to near."""

    hints: tuple[str, ...]

    def check(self, answer: Any = ...) -> Feedback:
        """Correct; Incorrect, with advice that fits; Not attempted; or Could not check, with the reason.

        It never raises.
        """
        try:
            words = NOT_ATTEMPTED if _has_dots(answer) else self._judged(answer)
        except Unreadable as reason:
            words = f"Could not check. {reason}"
        except Exception as error:
            words = f"Could not check. Reading your answer failed with {type(error).__name__}: {_words(error)}"
        return Feedback(re.sub(r"( at)? ?0x[0-9a-fA-F]{6,}", "", words))  # where an object lies in memory

    def hint(self, level: int = 1) -> Feedback:
        """The hint of this level, the first if none is asked for."""
        if not isinstance(level, Integral) or not 1 <= level <= len(self.hints):
            return Feedback(f"There are {len(self.hints)} hints: hint(1) to hint({len(self.hints)}).")
        more = f" hint({level + 1}) says more." if level < len(self.hints) else ""
        return Feedback(self.hints[level - 1] + more)

    @abstractmethod
    def solution(self) -> Feedback:
        """What a right answer is, and why."""

    @abstractmethod
    def _judged(self, answer):
        """The verdict on an answer that was attempted."""


@dataclass(frozen=True)
class Exercise(Question):
    """A question with one right way and the usual wrong ways to answer it.

    Parameters
    ----------
    reference : function
        The right way. Its arguments are what is given, by the names that the lesson uses; its code is the solution.
    mistakes : dict of function to str
        Wrong ways, functions of the same arguments, and the advice that fits the answers they give.
    given : function
        Of nothing; what is given, a dict by name. Where the answer is to be a function itself: `calls`.
    calls : function
        Of nothing; a list of tuples of arguments. Then the answer, the reference and the mistakes are all functions of
        these, and their results are compared.
    hints : tuple of str
    insight : str
        What the solution teaches, said after it.
    same : function
        Of answer and truth, arrays of one shape: whether they count as equal.
    """

    reference: Callable
    mistakes: Mapping[Callable, str]
    hints: tuple[str, ...]
    given: Callable[[], dict[str, Any]] = dict
    calls: Callable[[], list[tuple]] | None = None
    insight: str = ""
    same: Callable[[np.ndarray, np.ndarray], bool] = same_numbers
    _made: dict = field(default_factory=dict, repr=False, compare=False)

    def solution(self) -> Feedback:
        """The code of the right way, and what it teaches."""
        code = textwrap.dedent(inspect.getsource(self.reference)).rstrip()
        return Feedback("\n\n".join(part for part in (code, _filled(self.insight)) if part))

    def answer_of(self, way: Callable) -> Any:
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
            raise Unreadable(
                f"A function is needed, and this is {_kind(answer)}. Pass the function itself, without calling it."
            )
        results = []
        for arguments in self._calls():
            try:
                results.append(answer(*deepcopy(arguments)))
            except (Exception, SystemExit) as error:
                if "ellipsis" in _words(error):  # the dots are still in it
                    return [...]
                raise Unreadable(
                    f"Your function raised {type(error).__name__} ({_words(error)}) when it was called with "
                    f"{_described(arguments)}."
                ) from None
            if results[-1] is None:
                raise Unreadable("Your function returns None. Does its last line begin with return?")
        return results

    def _truth(self, way):
        if way not in self._made:
            if self.calls is None:
                answers = [self.answer_of(way)]
            else:
                answers = [way(*deepcopy(call)) for call in self._calls()]
            self._made[way] = [_as_numbers(answer) for answer in answers]
        return self._made[way]

    def _agree(self, values, truth):
        pairs = [(_squeezed(value, true), true) for value, true in zip(values, truth, strict=True)]
        if any(value is None or not np.isfinite(value).all() for value, _ in pairs):
            return False
        try:
            return all(self.same(value, true) for value, true in pairs)
        except np.linalg.LinAlgError:  # numbers so large that they overflow
            return False

    def _what_it_shows(self, values, truth):
        pairs = [(_squeezed(value, true), true) for value, true in zip(values, truth, strict=True)]
        if self.same is same_up_to_rotation and all(np.isfinite(value).all() for value, _ in pairs):
            return "Your columns do not span what the right ones span: no rotation turns one into the other."
        if self.same is same_up_to_sign:
            pairs = [(turned(value, true), true) for value, true in pairs]
        right = np.concatenate([near(value, true).ravel() for value, true in pairs])
        value, true = (np.concatenate([array.ravel() for array in side]) for side in zip(*pairs, strict=True))
        return what_it_shows(value, true, right)

    def _given(self):
        if "given" not in self._made:
            self._made["given"] = self.given()
        return self._made["given"]

    def _calls(self):
        if "calls" not in self._made and self.calls is not None:
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
    advice: Mapping[str, str]
    hints: tuple[str, ...]
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

    def solution(self) -> Feedback:
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
    hints: tuple[str, ...]

    def _judged(self, answer):
        """That no program can judge this, and what to look for."""
        raise Unreadable(f"This task is open, so judge for yourself. {self.look_for}")

    def solution(self) -> Feedback:
        """What to look for in an answer."""
        return Feedback(self.look_for)


class Unreadable(Exception):
    """Why an answer can't be compared, in a sentence."""


def _filled(prose):
    return textwrap.fill(prose, PAGE, break_long_words=False, break_on_hyphens=False)


def _has_dots(value):
    """Whether it is the dots of an untouched cell, or a list or tuple in which some are left."""
    return value is ... or (isinstance(value, (list, tuple)) and any(item is ... for item in value))


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
        array = np.asarray(np.ma.filled(value.astype(float), np.nan) if np.ma.isMaskedArray(value) else value)
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
        n_missing = int(np.isnan(array).sum())
        how_many = "It is NaN" if array.size == 1 else f"{n_missing} of its {array.size} values are NaN"
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


def _kind(value):
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) < 40 else "a text"
    return "None" if value is None else f"of the type {type(value).__name__}"


def _described(arguments):
    shapes = [getattr(value, "shape", ()) for value in arguments]
    return " and ".join(
        f"an array of shape {shape}" if shape else repr(value) for value, shape in zip(arguments, shapes, strict=True)
    )
