"""How long an honest reader takes for a lesson, counted.

    python -m tools.minutes                                    every lesson
    python -m tools.minutes notebooks/06_autoencoders.ipynb    this one

`python -m tools.refresh` writes the number into the head of the lesson; README's table has the same.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

WORDS_PER_MINUTE = 130  # of prose that is new, with its formulas
LINES_PER_MINUTE = 12  # of code that is read, run, and compared with what it gave
MINUTES_OF_AN_EXERCISE = 6
IN_THE_BROWSER = ("links", "on-colab")  # the ids of the cells of `tools.badges`, which nobody reads
AT_THE_HEAD = re.compile(r"(?<=\*\*Time:\*\* )\d+(?= minutes)")


def minutes(notebook: NotebookNode) -> int:
    """The minutes, in steps of five, upwards: prose at 130 words a minute, code at 12 lines, an exercise at six."""
    return 5 * -int(-round(sum(section.minutes for section in sections(notebook)), 9) // 5)


class Section(NamedTuple):
    """A heading of a lesson, and the minutes until the next one."""

    level: int
    heading: str
    minutes: float


def sections(notebook: NotebookNode) -> list[Section]:
    """The sections of a lesson in their order, each without those inside it; an exercise counts where it begins."""
    found: list[tuple[int, str, list[str], list[str]]] = [(1, "", [], [])]
    for cell in notebook.cells:
        if cell.get("id") in IN_THE_BROWSER:
            continue
        if cell.cell_type == "code":
            found[-1][3].append(cell.source)
        elif cell.cell_type == "markdown":
            fenced = False
            for line in cell.source.split("\n"):
                fenced ^= line.lstrip().startswith("```")
                heading = None if fenced else re.match(r"(#{1,3}) (.+)", line)
                if heading:
                    found.append((len(heading[1]), heading[2].strip(), [], []))
                found[-1][2].append(line)
    result, met = [], set[str]()
    for level, name, prose, code in found:
        exercises = _exercises("\n".join(code)) - met
        met |= exercises
        taken = _taken("\n".join(prose), "\n".join(code), len(exercises))
        if name or taken:
            result.append(Section(level, name, taken))
    return result


def _exercises(code):
    imports = re.findall(r"^from helpers\.exercises\.\w+ import (.+)$", code, re.MULTILINE)
    return set(re.findall(r"\bq\d+\b", " ".join(imports)))


def _taken(prose, code, n_exercises):
    lines = [line for line in code.splitlines() if line.strip()]
    return (
        len(_read(prose).split()) / WORDS_PER_MINUTE
        + len(lines) / LINES_PER_MINUTE
        + n_exercises * MINUTES_OF_AN_EXERCISE
    )


def with_minutes(source: str, n_minutes: int) -> str:
    """The first cell of a lesson with the minutes at its head; a notebook that names none stays as it is."""
    return AT_THE_HEAD.sub(str(n_minutes), source)


def _read(prose):
    """The prose as it is read: a link is its words, a formula in a line is one word, and a rule of a table is none."""
    prose = re.sub(r"\]\([^)]*\)|<[^>]+>|\|[-|: ]+\|", " ", prose)
    prose = re.sub(r"\$\$.+?\$\$", lambda formula: " formula" * max(1, len(formula[0]) // 20), prose, flags=re.DOTALL)
    return re.sub(r"\$[^$\n]+\$", "formula", prose)


if __name__ == "__main__":
    from tools.refresh import lessons  # which itself counts minutes

    for path in [Path(name) for name in sys.argv[1:]] or lessons():
        print(f"{path.name:40} {minutes(nbformat.read(path, as_version=4)):4}")
