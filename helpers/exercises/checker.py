"""Exercises that answer. One checker serves all lessons; each lesson's exercises are declared in a module of their own.

from helpers.exercises.time_series_regression import q1
q1                  what can be asked of it
q1.check(answer)    Correct, Incorrect (and what the answer shows), Not attempted, or Could not check (and why);
                    of a task without one right answer: Open (and what to look for)
q1.hint()           a first hint; q1.hint(2) says more
q1.solution()       the code that the tests run
"""

import inspect
import textwrap
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from helpers.exercises import calling
from helpers.exercises.answers import (
    near,
    of_few_digits,
    rounded,
    same_numbers,
    same_to_a_percent,
    same_up_to_rotation,
    same_up_to_sign,
    turned,
)
from helpers.exercises.changes import Wrong
from helpers.exercises.questions import ABOVE, NOT_ATTEMPTED, Choice, Open, Question
from helpers.exercises.reading import (
    Unreadable,
    about_dates,
    about_shape,
    as_numbers,
    as_truth,
    described,
    has_dots,
    in_order_of,
    kind_of,
    same_labels,
    squeezed,
    words_of,
)
from helpers.exercises.seen import (
    about_those_that_are_right,
    first_wrong,
    last_words,
    lengths_of,
    part_is_right,
    what_it_shows,
)
from helpers.exercises.variants import alike, others
from helpers.exercises.words import PAGE, Feedback, filled

__all__ = ["NOT_ATTEMPTED", "PAGE", "Choice", "Exercise", "Feedback", "Open", "Question"]

LAST_DIGITS = "Correct. Right as far as its digits go."


@dataclass(frozen=True, repr=False, slots=True)
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
        What the solution teaches, said after it, and after a right answer.
    same : function
        Of answer and truth, arrays of one shape: whether they count as equal. The one rule for the verdict, for the
        mistakes, and for what is said of other answers. It may take the `scale` of the other calls as a third.
    """

    reference: Callable
    mistakes: Mapping[Callable, str]
    hints: tuple[str, ...]
    given: Callable[[], dict[str, Any]] = dict
    calls: Callable[[], list[tuple]] | None = None
    insight: str = ""
    same: Callable[..., bool] = same_numbers
    _made: dict = field(default_factory=dict, compare=False)

    def solution(self) -> Feedback:
        """The code of the right way, and what it teaches."""
        code = textwrap.dedent(inspect.getsource(self.reference)).rstrip()
        return Feedback("\n\n".join(part for part in (code, filled(self.insight)) if part))

    def answer_of(self, way: Callable) -> Any:
        """What a way to answer, the reference or a mistake, would hand to `check`."""
        return way if self.calls is not None else way(**self._given())

    def _judged(self, answer):
        values, changed = self._results(answer)
        if any(has_dots(value) for value in values):
            return NOT_ATTEMPTED
        with np.errstate(all="ignore"):  # an answer may be huge
            return self._compared(answer, values, changed)

    def _compared(self, answer, values, changed):
        raw = self._raw(self.reference)
        values = [in_order_of(value, true) for value, true in zip(values, raw, strict=True)]
        numbers = []
        for k, value in enumerate(values):
            try:
                numbers.append(as_numbers(value))
            except Unreadable as reason:
                if borrowed := self._about_what_it_reads(answer, values):
                    return f"Incorrect. {borrowed}"
                raise Unreadable(f"{self._shape_first(value, k) or reason}{self._when(k)}") from None
        truth = self._truth(self.reference)
        exact = self._agree(numbers, truth, exactly=True)
        if not exact and (advice := self._advice(numbers, True, values)) is not None:
            return f"Incorrect. {advice}"  # however near it is
        right = exact or self._agree(numbers, truth)
        if right or self._rounded(numbers, truth):
            if moved := next(filter(None, map(about_dates, values, raw)), ""):
                return f"Incorrect. The numbers are right, and they stand at other dates. {moved}"
            return self._right("Correct" if right else LAST_DIGITS, answer, changed)
        if (advice := self._advice(numbers, False, values)) is not None:
            return f"Incorrect. {advice}"
        if borrowed := self._about_what_it_reads(answer, numbers):
            return f"Incorrect. {borrowed}"
        if twice := self._two_things(numbers, truth):
            return f"Incorrect. {twice}"
        for k, (value, true) in enumerate(zip(numbers, truth, strict=True)):
            if other := about_shape(value, true):
                reads = self._reads_data(answer)
                raise Unreadable(f"{reads}{other}{self._when(k)}{self._about_other_data(numbers)}")
        return f"Incorrect. {self._what_it_shows(answer, numbers, truth)}"

    def _right(self, word, answer, changed):
        """That the answer is right, with what a tutor would add, and on lines of its own what it teaches."""
        reads, ignores = calling.data_read(answer), self._ignored(answer)
        if changed:
            word = f"{word.rstrip('.')}, but your function changed {changed}. Who calls it would not expect that: copy."
        elif self.calls is not None and reads and ignores:
            word = f"{word.rstrip('.')}, but your function reads {reads[0]} of the notebook, not its {ignores[0]}."
        elif not word.endswith("."):
            word += "."
        return "\n".join(filled(part) for part in (word, self.insight) if part)

    def _advice(self, values, exactly, handed=()):
        """The advice for the mistake that gives these numbers: to the last digit, or by the rule of the exercise.

        Where two mistakes give the same numbers, their labels tell them apart.
        """
        here = [mistake for mistake in self.mistakes if not any(map(about_dates, handed, self._raw(mistake)))]
        ways = [(mistake, self._as_floats(self._truth(mistake))) for mistake in here]
        fits = [mistake for mistake, truth in ways if self._agree(values, truth, exactly)]
        if not fits and not exactly:
            near_ones = [mistake for mistake, truth in ways if self._rounded(values, truth, digits=3)]
            fits = near_ones if len(near_ones) == 1 else []
        labelled = [mistake for mistake in fits[1:] if handed and all(map(same_labels, handed, self._raw(mistake)))]
        return self.mistakes[(labelled or fits)[0]] if fits else None

    def _two_things(self, values, truth):
        """The advice for a mistake of which the answer is a multiple that one knows, with that multiple.

        A single number may be a hundred times another by chance.
        """
        for factor, words in ((100.0, "a hundred times"), (0.01, "a hundredth of"), (-1.0, "the opposite of")):
            scaled = [value / factor for value in values]
            if self._agree(scaled, truth):
                return ""
            if factor > 0 and sum(value.size for value in values) == 1:
                continue
            if (advice := self._advice(scaled, exactly=True)) is not None:
                return f"{advice} And yours is {words} what this gives."
        return ""

    def _as_floats(self, results):
        """What a mistake gives, in whole numbers only where the right way counts, too."""
        truth = self._truth(self.reference)
        counts = len(results) == len(truth) and all(true.dtype.kind == "i" for true in truth)
        return results if counts else [array.astype(float) for array in results]

    def _results(self, answer):
        """The answer as a list: itself alone, or what the function gives in each call; and the arguments it changed."""
        if self.calls is None:
            if callable(answer) and not hasattr(answer, "__array__"):
                raise Unreadable("Numbers are needed, and this is a function. Call it, and check what it returns.")
            return [answer], ""
        if answer is None:
            raise Unreadable(f"A function is needed, and this is None. {ABOVE}")
        if not callable(answer):
            raise Unreadable(
                f"A function is needed, and this is {kind_of(answer)}. Pass the function itself, without calling it."
            )
        results, changed = [], ""
        for arguments in self._calls():
            handed = deepcopy(arguments)
            result = self._called(answer, handed, arguments)
            if result is ...:
                return [...], ""
            results.append(result)
            if not changed:
                names = calling.names_of_arguments(answer) or self._names()
                touched = [k for k, pair in enumerate(zip(arguments, handed, strict=True)) if calling.unlike(*pair)]
                changed = " and ".join(names[k] if k < len(names) else f"its argument {k + 1}" for k in touched)
        return results, changed

    def _called(self, answer, handed, arguments):
        """What a call gives, the dots if they are still in it; why it gives nothing, as Unreadable."""
        when = f" when it was called with {described(arguments, self._names())}."
        try:
            result = calling.call_within(answer, handed)
        except calling.TooLong:
            raise Unreadable(
                f"Your function was stopped after {calling.SECONDS:.0f} seconds,{when} Does its loop end? "
                "Or does it load a slow library?"
            ) from None
        except (calling.TooMuch, MemoryError):
            raise Unreadable(
                f"Your function asked for too much memory{when} Does something grow without end?"
            ) from None
        except RecursionError:
            raise Unreadable(f"Your function calls itself without end{when}") from None
        except NameError as error:
            raise Unreadable(f"Your function raised {type(error).__name__} ({words_of(error)}){when} {ABOVE}") from None
        except (Exception, SystemExit) as error:
            if "ellipsis" in words_of(error) and not isinstance(error, IndexError):  # the dots are still in it
                return ...
            reads = self._reads_data(answer)
            raise Unreadable(f"{reads}Your function raised {type(error).__name__} ({words_of(error)}){when}") from None
        if result is None:
            raise Unreadable("Your function returns None. Does its last line begin with return?")
        return result

    def _raw(self, way):
        """What a way gives, as it comes: in each call, or alone."""
        if ("raw", way) not in self._made:
            ways = [way(*deepcopy(call)) for call in self._calls()] if self.calls is not None else [self.answer_of(way)]
            self._made["raw", way] = ways
        return self._made["raw", way]

    def _truth(self, way):
        if way not in self._made:
            self._made[way] = [as_truth(value) for value in self._raw(way)]
        return self._made[way]

    def _agree(self, values, truth, exactly=False):
        pairs: list[Any] = [(squeezed(value, true), true) for value, true in zip(values, truth, strict=True)]
        if any(value is None for value, _ in pairs):
            return False
        if not all(np.isfinite(array).all() for pair in pairs for array in pair):  # some mistakes divide by zero
            gone = [[np.where(np.isfinite(one), 0, one) for one in pair] for pair in pairs]
            if not all(np.array_equal(value, true) for value, true in gone):
                return False
            pairs = [(np.where(np.isfinite(value), value, 0), np.where(np.isfinite(t), t, 0)) for value, t in pairs]
        scale = max((np.abs(true).max(initial=0.0) for _, true in pairs), default=0.0)
        rule = _exactly if exactly else self._rule()
        try:
            return all(bool(rule(value, true, scale)) for value, true in pairs)
        except np.linalg.LinAlgError:  # numbers so large that they overflow
            return False

    def _rule(self):
        """The rule of the exercise, as a function of answer, truth and scale."""
        if "rule" not in self._made:
            takes_scale = "scale" in inspect.signature(self.same).parameters
            self._made["rule"] = self.same if takes_scale else lambda value, true, scale: self.same(value, true)
        return self._made["rule"]

    def _rounded(self, values, truth, digits=2):
        if self.same is same_up_to_rotation:
            return False
        pairs = [(self._aligned(value, true), true) for value, true in zip(values, truth, strict=True)]
        if any(value is None or not (np.isfinite(value).all() and np.isfinite(true).all()) for value, true in pairs):
            return False
        rule = self._rule()
        scale = max((np.abs(true).max(initial=0.0) for true in truth), default=0.0)
        return all(bool(rule(value, true, scale)) or rounded(value, true, digits) for value, true in pairs)

    def _aligned(self, value, true):
        """The value in the shape of the truth, turned as far as the rule leaves it free; None for another shape."""
        value = squeezed(value, true)
        return turned(value, true) if value is not None and self.same is same_up_to_sign else value

    # --- What else a wrong answer shows ---

    def _what_it_shows(self, answer, values, truth):
        values = [self._aligned(value, true) for value, true in zip(values, truth, strict=True)]
        if self.same is same_up_to_rotation and all(np.isfinite(value).all() for value in values):
            if all(of_few_digits(turned(value, true), true) for value, true in zip(values, truth, strict=True)):
                return "Right as far as its digits go, and they are too few: give two more."
            return "Your columns do not span what the right ones span: no rotation turns one into the other."
        right = [self._near(value, true, truth) for value, true in zip(values, truth, strict=True)]
        given = self._calls()
        wrong = Wrong(values, truth, right, self._agree, [lengths_of(arguments) for arguments in given])
        said = what_it_shows(wrong) or self._about_what_it_ignores(answer) or self._about_other_data(values).strip()
        hint = "" if said or part_is_right(wrong) else f" A hint: {self.hints[0]}"
        said = said or about_those_that_are_right(wrong)
        if self.calls is None or all(array.all() for array in right):
            return f"{said or last_words(wrong)}{hint}"
        k, beside = first_wrong(right, values, truth)
        n_right = sum(bool(array.all()) for array in right)
        among = f"Right in {n_right} of {len(right)} calls. " if n_right else ""
        return f"{said} {among}With {described(given[k], self._names())} {beside}.{hint}".strip()

    def _near(self, value, true, truth):
        """Which numbers are right by the rule of the exercise: those that can stand among the right ones."""
        scale = max((np.abs(one).max(initial=0.0) for one in truth), default=0.0)
        if self.same in (same_numbers, same_up_to_sign) or true.size > 2000:
            return near(value, true, scale)
        if self.same is same_to_a_percent:
            return near(value, true.astype(float), scale, relative=0.01)
        rule, found = self._rule(), np.zeros(true.shape, dtype=bool)
        for place in np.ndindex(true.shape):
            one = true.astype(float)
            one[place] = value[place]
            found[place] = bool(np.isfinite(value[place]) and rule(one, true, scale))
        return found

    def _about_other_data(self, values):
        """That the answer is given, a step of the right way, or what that gives for other data; empty if it is not."""
        truth = self._truth(self.reference)
        if "others" not in self._made:
            self._made["others"] = self._others(self._calls(), truth)
        return alike(values, self._made["others"], lambda results: self._agree(results, truth))

    def _others(self, calls, truth):
        return others(self.reference, calls, self._names(), truth)

    def _about_what_it_reads(self, answer, values):
        """That a function works with the notebook's variables and not with its arguments; empty if it does not."""
        reads, ignores = calling.data_read(answer), self._ignored(answer)
        if self.calls is None or not reads:
            return ""
        truth = self._truth(self.reference)
        constant = not any(calling.unlike(values[0], value) for value in values[1:])
        constant = constant and any(calling.unlike(truth[0], true) for true in truth[1:])
        if not ignores and not constant:
            return ""
        instead = f"and not its argument {ignores[0]}" if ignores else "and gives the same whatever it is called with"
        return f"Your function reads {reads[0]} of the notebook, {instead}. It is called with other data: use those."

    def _reads_data(self, answer):
        """The same in short, before what an error says or a shape that is not right; empty if it reads none."""
        data = {name: answer.__globals__[name] for name in calling.data_read(answer)}
        reads = [name for name, value in data.items() if getattr(value, "shape", ()) or hasattr(value, "returns")]
        if self.calls is None or not reads:
            return ""
        return f"Your function reads {reads[0]} of the notebook. It is called with other data: use its arguments. "

    def _shape_first(self, value, k):
        """The shape that is needed, of an answer with gaps in it; empty if it has that shape or holds no numbers."""
        try:
            array = np.asarray(value, dtype=float)
        except Exception:  # what it is was said already
            return ""
        gaps = value is not None and np.isnan(array).any()
        return about_shape(np.nan_to_num(array), self._truth(self.reference)[k]) if gaps else ""

    def _about_what_it_ignores(self, answer):
        ignores = self._ignored(answer) if self.calls is not None else []
        return f"Your function never reads its argument {ignores[0]}." if ignores else ""

    def _ignored(self, answer):
        """The arguments that a function never reads and the right way does: by their places, as names are free."""
        needless, names = self._needless(), calling.names_of_arguments(answer)
        return [name for name in calling.ignored_arguments(answer) if names.index(name) not in needless]

    def _needless(self):
        places = calling.names_of_arguments(self.reference).index
        return set(map(places, calling.ignored_arguments(self.reference)))

    def _when(self, k):
        if self.calls is None or len(self._calls()) < 2:
            return ""
        return f" That is so with {described(self._calls()[k], self._names())}."

    def _names(self):
        return list(self._given()) if self.calls is None else list(inspect.signature(self.reference).parameters)

    def _given(self):
        if "given" not in self._made:
            self._made["given"] = self.given()
        return self._made["given"]

    def _calls(self):
        if "calls" not in self._made:
            self._made["calls"] = self.calls() if self.calls is not None else [tuple(self._given().values())]
        return self._made["calls"]


def _exactly(value, true, scale):
    return np.allclose(value, true, rtol=1e-9, atol=1e-12 * scale)
