"""What every exercise can do, and those that no code answers: choices, and tasks without one right answer."""

import re
import string
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from helpers.exercises import record
from helpers.exercises.reading import Unreadable, has_dots, kind_of, words_of
from helpers.exercises.words import Feedback

NOT_ATTEMPTED = "Not attempted. Replace the dots with your answer, then run the cell again."
ABOVE = "Run the cells above first: Run, Run All Above Selected Cell."
NOT_WRITTEN = "Not attempted. Write your answer between the quotes, then run the cell again."
SENTENCE = "Open. Write a whole sentence: what do you find, and why? Then this says what to look for in it."
FEWEST_WORDS = 5  # of an answer in sentences


class Question(ABC):
    """What every exercise can do: judge an answer, and give hints, from vague to near."""

    __slots__ = ()
    hints: tuple[str, ...]
    _solved = "a right answer, and what it teaches"  # what `solution` gives, as it is told

    def check(self, answer: Any = ..., *more: Any, **named: Any) -> Feedback:
        """Correct; Incorrect, with advice that fits; Not attempted; or Could not check, with the reason.

        An open task says Open, and what to look for, once something was written. It never raises.
        """
        try:
            if more or named:
                raise Unreadable(_about_arguments(1 + len(more), named))
            words = NOT_ATTEMPTED if has_dots(answer) else self._judged(answer)
        except Unreadable as reason:
            words = f"Could not check. {reason}"
        except Exception as error:
            words = f"Could not check. Reading your answer failed with {type(error).__name__}: {words_of(error)}"
        if not words.startswith("Not attempted"):
            record.note(self, words.startswith(("Correct", "Open. Judge")))
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

    def __repr__(self) -> str:
        """What can be asked of the question, and nothing of its answer."""
        place = record.place_of(self)
        lesson, name = place if place else ("", "q")
        about = f"Question {name} of {lesson}." if place else "A question."
        return "\n".join((
            about,
            f"  {name}.check(answer)   judges your answer",
            f"  {name}.hint()          a first hint, of {len(self.hints)}; {name}.hint(2) says more",
            f"  {name}.solution()      {self._solved}",
        ))  # fmt: skip

    def __dir__(self) -> list[str]:
        return ["check", "hint", "solution"]  # what the Tab key offers


@dataclass(frozen=True, repr=False, slots=True)
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
        letters = self._letters()
        if not isinstance(answer, str):
            raise Unreadable(
                f"One of the letters {', '.join(letters)} is needed, in quotes; this is {kind_of(answer)}."
            )
        letter = answer.strip(string.punctuation + string.whitespace).lower()
        if letter not in letters:
            raise Unreadable(f"One of the letters {', '.join(letters)} is needed; this is {kind_of(answer)}.")
        return self.said_of(letter)

    def _letters(self):
        return sorted({self.right, *self.advice})

    def said_of(self, letter: str) -> str:
        """The verdict on one of the letters."""
        if letter == self.right:
            return f"Correct. {self.insight}".rstrip()
        return f"Incorrect. {self.advice[letter]}"

    def solution(self) -> Feedback:
        """The right letter, and why."""
        return Feedback(f"{self.right}. {self.insight}".rstrip())


@dataclass(frozen=True, repr=False, slots=True)
class Open(Question):
    """A task without a single right answer: hints, and what to look for in one's own.

    Its check has a word of its own, Open: no program can judge a sentence. What to look for is told once one is there.

    Parameters
    ----------
    look_for : str
    hints : tuple of str
    """

    look_for: str
    hints: tuple[str, ...]

    def _judged(self, answer):
        """What to look for, once something was written."""
        said = _said(answer)
        if said is None:
            return f"Open. Sentences of yours are asked for here, in quotes, and this is {kind_of(answer)}."
        if not said.strip():
            return NOT_WRITTEN
        if len(said.split()) < FEWEST_WORDS:
            return SENTENCE
        return f"Open. Judge for yourself. {self.look_for}"

    def solution(self) -> Feedback:
        """What to look for in an answer."""
        return Feedback(self.look_for)


def _said(answer):
    """The sentences in a list, tuple or dict, and in those inside it, as one text; None if there is anything else."""
    if isinstance(answer, str):
        return answer
    if not isinstance(answer, (list, tuple, dict)):
        return None
    parts = [_said(part) for part in (answer.values() if isinstance(answer, dict) else answer)]
    return None if None in parts else " ".join(parts)


def _about_arguments(n_answers, named):
    if named:
        return f"check takes your answer alone, without a name: check(answer), not {', '.join(named)}=..."
    return f"One answer is needed, and these are {n_answers}: put them into one list or array, check([first, second])."
