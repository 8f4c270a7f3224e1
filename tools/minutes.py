"""How long an honest reader takes for a lesson, counted.

    python -m tools.minutes                                    every lesson
    python -m tools.minutes notebooks/06_autoencoders.ipynb    this one

`python -m tools.refresh` writes the number into the head of the lesson; README's table has the same.
"""

import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

WORDS_PER_MINUTE = 130  # of prose that is new, with its formulas
LINES_PER_MINUTE = 12  # of code that is read, run, and compared with what it gave
MINUTES_OF_AN_EXERCISE = 6
IN_THE_BROWSER = ("links", "on-colab")  # the ids of the cells of `tools.badges`, which nobody reads
AT_THE_HEAD = re.compile(r"(?<=\*\*Time:\*\* )\d+(?= minutes)")


def minutes(notebook: NotebookNode) -> int:
    """The minutes, in steps of five, upwards: prose at 130 words a minute, code at 12 lines, an exercise at six."""
    cells = [cell for cell in notebook.cells if cell.get("id") not in IN_THE_BROWSER]
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    lines = [line for line in code.splitlines() if line.strip()]
    imports = re.findall(r"^from helpers\.exercises\.\w+ import (.+)$", code, re.MULTILINE)
    exercises = set(re.findall(r"\bq\d+\b", " ".join(imports)))
    taken = (
        len(_read(prose).split()) / WORDS_PER_MINUTE
        + len(lines) / LINES_PER_MINUTE
        + len(exercises) * MINUTES_OF_AN_EXERCISE
    )
    return 5 * -int(-taken // 5)


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
