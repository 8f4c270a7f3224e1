"""Exercises that know what is right and not how: those of the edition for students.

Where the course's own edition holds the right way and the usual wrong ways as functions, this one holds what they gave,
called once with what the exercise gives: numbers and labels in `topic.npz`, beside the lesson's module, never code.
Verdicts, advice and hints are those of the course's own edition; of exercises and choices there is no solution.

    record = Record(__file__)
    q1 = record.question("q1", given=_given)
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import shake_256
from pathlib import Path
from typing import Any

import numpy as np

from helpers.exercises.checker import Exercise
from helpers.exercises.questions import Choice, Open, Question
from helpers.exercises.variants import Other, data_themselves
from helpers.exercises.words import Feedback
from helpers.packed import unpacked

NO_SOLUTION = "This edition of the course holds no solutions: ask whoever teaches it. Up to there, hint({}) says most."


@dataclass(frozen=True, eq=False)
class Way:
    """A way to answer, known by what it gave in each call, or alone."""

    results: list[Any]


class _WithoutSolution(Question):
    __slots__ = ()
    _solved = "whom to ask: this edition holds no solutions"

    def solution(self) -> Feedback:
        """That there is none here, and whom to ask."""
        return Feedback(NO_SOLUTION.format(len(self.hints)))


@dataclass(frozen=True, repr=False, slots=True)
class RecordedExercise(_WithoutSolution, Exercise):
    """An exercise whose reference and mistakes are of the kind `Way`.

    Parameters
    ----------
    names : tuple of str
        What the arguments of the right way are called.
    needless : set of int
        The places of those that it never reads.
    found : list
        What it gives for other data, as `by_the_way` tells.
    """

    names: tuple[str, ...] = ()
    needless: frozenset[int] = frozenset()
    found: list[Other] = field(default_factory=list)

    def _raw(self, way):
        return way.results

    def _names(self):
        return list(self.names)

    def _needless(self):
        return self.needless

    def _others(self, calls, truth):
        return [*data_themselves(calls, self.names, truth), *self.found]


@dataclass(frozen=True, repr=False, slots=True)
class RecordedChoice(_WithoutSolution, Choice):
    """A choice that keeps what is said of each letter sealed with that letter, the right one like the others."""

    said: Mapping[str, str] = field(default_factory=dict)

    def _letters(self):
        return sorted(self.said)

    def said_of(self, letter: str) -> str:
        """The verdict on one of the letters."""
        return opened(self.said[letter], letter)


class Record:
    """What was recorded of a lesson's exercises, in the file beside their module.

    Parameters
    ----------
    module : str
        The path of the module.
    """

    def __init__(self, module: str):
        with np.load(Path(module).with_suffix(".npz"), allow_pickle=False) as file:
            self._arrays = dict(file)
        self._questions = json.loads(self._arrays.pop("questions").tobytes())

    def question(self, name: str, **code: Callable) -> Question:
        """The question of this name; of an exercise `given`, `calls` and `same` are code, as for `Exercise`."""
        told = self._questions[name]
        hints = tuple(told["hints"])
        if "said" in told:
            return RecordedChoice("", {}, hints, said=told["said"])
        if "look_for" in told:
            return Open(opened(told["look_for"], name), hints)
        unpack = partial(unpacked, arrays=self._arrays)
        reference, *wrong = [Way(unpack(results)) for results in told["ways"]]
        return RecordedExercise(
            reference,  # type: ignore[arg-type]  # its results are asked for, and it is never called
            dict(zip(wrong, told["advice"], strict=True)),  # type: ignore[arg-type]
            hints,
            insight=opened(told["insight"], name),
            names=tuple(told["names"]),
            needless=frozenset(told["needless"]),
            found=[(words, unpack(arrays), alone) for words, arrays, alone in told["found"]],
            **code,
        )


def sealed(text: str, key: str) -> str:
    """The text so that nobody reads it by accident; who has this file and the key reads it."""
    return _mixed(text.encode(), key).hex()


def opened(text: str, key: str) -> str:
    """What `sealed` was given."""
    return _mixed(bytes.fromhex(text), key).decode()


def _mixed(text, key):
    return bytes(a ^ b for a, b in zip(text, shake_256(key.encode()).digest(len(text)), strict=True))
