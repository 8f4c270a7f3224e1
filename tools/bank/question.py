"""A question of an exam: its text, its numbers, its answer, and a second route to that answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter
from zlib import crc32

import numpy as np

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Question:
    """A question whose numbers come from a seed.

    Parameters
    ----------
    topic : str
        The lesson's file name without its number: "risk_premia".
    title : str
    minutes, points : int
        What a prepared student needs, and what a right answer is worth.
    text : str
        Markdown, with the names of the drawn numbers in braces: "over {n_dates} dates".
    words : str
        The answer in words, with drawn numbers and those of `answer` in braces.
    marks : pairs of points and a line
        Partial credit; the points add up to `points`.
    wrong : str
        What a wrong answer usually shows, with numbers like those of `words`.
    draw : function of a numpy Generator
        The numbers in the text. Without it there are none.
    answer : function of the drawn numbers, by name
        The numbers asked for, by name; None where the answer is words.
    check : function of the drawn numbers, by name
        The same numbers by another route: a simulation, loops, brute force, a library.
    within : float
        How far the two routes may be apart, as a share of the number: more than rounding for simulations only.
    """

    topic: str
    title: str
    minutes: int
    points: int
    text: str
    words: str
    marks: tuple[tuple[int, str], ...]
    wrong: str
    draw: Callable[[np.random.Generator], Numbers] = lambda random: {}
    answer: Callable[..., Numbers] | None = None
    check: Callable[..., Numbers] | None = None
    within: float = 1e-9

    def drawn(self, seed: int) -> Numbers:
        """The numbers in the text, which hang on the seed and on the question's own title, on no other question."""
        return self.draw(np.random.default_rng([seed, crc32(self.title.encode())]))

    def asked(self, seed: int) -> str:
        """The text, with its numbers."""
        return filled(self.text, self.drawn(seed))

    def answered(self, seed: int) -> str:
        """The answer in words, with its numbers."""
        return filled(self.words, self.numbers(seed))

    def warned(self, seed: int) -> str:
        """What a wrong answer usually shows, with its numbers."""
        return filled(self.wrong, self.numbers(seed))

    def numbers(self, seed: int) -> Numbers:
        """Those in the text and those asked for."""
        drawn = self.drawn(seed)
        return {**drawn, **(self.answer(**drawn) if self.answer else {})}


def filled(text: str, numbers: Numbers) -> str:
    """The text with a number for each name in braces."""
    return text.format(**numbers).strip()


def names(text: str) -> set[str]:
    """The names that stand in braces in a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def between(random: np.random.Generator, low: float, high: float, digits: int = 2) -> float:
    """A number drawn evenly between two others, with so many digits after the point."""
    return round(float(random.uniform(low, high)), digits)


def whole(random: np.random.Generator, low: int, high: int) -> int:
    """A whole number drawn evenly from low to high, both included."""
    return int(random.integers(low, high, endpoint=True))
