"""The solutions that are folded away in the lessons run where they stand, and pass their own asserts."""

import re

import nbformat
import pytest

from helpers.refresh import NOTEBOOKS

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))


def solutions(markdown):
    """The Python blocks inside the folded solutions of a markdown cell."""
    folded = re.findall(r"<details><summary>Solution</summary>(.*?)</details>", markdown, flags=re.DOTALL)
    return [code for text in folded for code in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_solution_passes_its_asserts(path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(path.parent)
    namespace, n_asserts = {"__name__": "__main__"}, 0
    for cell in nbformat.read(path, as_version=4).cells:
        for code in [cell.source] if cell.cell_type == "code" else solutions(cell.source):
            exec(compile(code, path.name, "exec"), namespace)
            n_asserts += ("assert " in code) * (cell.cell_type == "markdown")
    assert n_asserts >= 2, "a lesson has at least two exercises whose solution checks itself"
