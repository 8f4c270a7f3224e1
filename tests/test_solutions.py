"""The exercises of a lesson fit it: each is asked once, in order; and what `tests.between_cells` asks finds mistakes.

That each solution is right where it stands, that the sliders move, and that the pictures can be read, nbval's own run
of a lesson tells: `pytest notebooks/04_principal_components.ipynb`.
"""

import ast
import builtins
import inspect
import os
import re
import subprocess
import sys

import matplotlib.pyplot as plt
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from helpers.exercises.checker import NOT_ATTEMPTED, Exercise
from helpers.plotting import plot_lines, slide
from tests.cells import code_cells, exercise_checked, read
from tests.in_the_kernel import answer_by_its_solution, assert_memory, assert_moves, assert_readable, declared
from tools.refresh import ROOT, lessons, stored_form

LESSONS = lessons()
USES_AN_EXERCISE = re.compile(r"\bq\d+\.(check|hint|solution)\(")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_each_exercise_of_a_lesson_is_asked_once_and_in_order(path):
    asked = []
    for cell in code_cells(read(path)):
        if uses := USES_AN_EXERCISE.findall(cell.source):
            asked.append(exercise_checked(cell.source))
            assert len(uses) == 1 and asked[-1], f"cell {cell.id} does not end in one check"
            shown = "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)
            assert shown == NOT_ATTEMPTED, f"{asked[-1]}, untouched: {shown}"
    assert asked == [f"q{k}" for k in range(1, len(asked) + 1)] == list(declared(path.stem[3:]))
    assert len(asked) >= 3, "a lesson has at least three exercises"


class Renamed(ast.NodeTransformer):
    """Names and arguments by the order of their appearance, so that code is equal whatever its author calls things."""

    def __init__(self):
        self.names = {name: name for name in dir(builtins)}

    def visit_Name(self, node):
        return ast.Name(self.names.setdefault(node.id, str(len(self.names))), node.ctx)

    def visit_arg(self, node):
        return ast.arg(self.names.setdefault(node.arg, str(len(self.names))))


def functions(code):
    """What each function of the code does, whatever it is called: its arguments and body, docstring left out."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            renamed = Renamed()
            yield ast.dump(renamed.visit(node.args)), *(ast.dump(renamed.visit(line)) for line in body)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_cell_of_a_lesson_holds_the_answer_to_its_exercise(path):
    """It would take the work out of the hands of the student, whose edition it would be in, too."""
    answers = {
        function: name
        for name, exercise in declared(path.stem[3:]).items()
        if isinstance(exercise, Exercise)
        for function in functions(inspect.getsource(exercise.reference))
    }
    found = [
        f"cell {cell.id}: {answers[function]}"
        for cell in code_cells(read(path))
        for function in functions(re.sub(r"(?m)^[%!].*", "", cell.source))
        if function in answers
    ]
    assert found == []


def test_an_answer_is_found_whatever_it_is_called():
    (told,) = functions('def doubled(R):\n    """Twice R."""\n    return 2 * abs(R) * scale')
    assert list(functions("x = 1\ndef mine(y):\n    return 2 * abs(y) * z")) == [told]
    assert told not in functions("def mine(y):\n    return 2 * abs(y) * y\ndef other(y):\n    return 2 * y * z")


# --- What is asked between the cells ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("answer = ...\nq3.check(answer)", "q3"),
        ("q12.check()", "q12"),
        ("q1.check(...)\nx = 1", None),
        ("feedback = q1.check(...)", None),
        ("print(q1.check(...))", None),
        ("q1.hint()", None),
        ("query.check(1)", None),
        ("", None),
    ],
)
def test_the_exercise_that_a_cell_checks_is_found(code, name):
    assert exercise_checked(code) == name


def test_a_solution_is_run_among_the_variables_and_leaves_them():
    variables = {"R": 2.0, "scale": 3.0, "doubled": ...}
    q = Exercise(reference=doubled, mistakes={}, hints=("a", "b"), given=lambda: {"R": 2.0})
    assert answer_by_its_solution(q, variables) == 12.0 and variables["doubled"] is ...


def doubled(R):
    return 2 * R * scale  # noqa: F821  a variable of the notebook


def test_a_slider_that_moves_nothing_is_found():
    def line(slope=1, shade=0):
        return plot_lines([0, 1], {"a": [0, 6 / slope]})

    assert_moves(slide(line, "A line.", slope=[1, 2]))
    with pytest.raises(AssertionError, match="the slider shade changes nothing"):
        assert_moves(slide(line, "A line.", slope=[1, 2], shade=[0, 1]))
    with pytest.raises(AssertionError, match="the slider slope: <p>This picture could not be drawn"):
        assert_moves(slide(line, "A line.", slope=[1, 0]))
    with pytest.raises(AssertionError, match="no slider, but None"):
        assert_moves(None)


def test_a_picture_that_not_everybody_can_read_is_found():
    figure, axes = plt.subplots()
    assert_readable(figure)
    axes.set_xlabel("faint", color="#AAAAAA")
    plt.close(figure)
    with pytest.raises(AssertionError, match="'faint' has a contrast of"):
        assert_readable(figure)
    with pytest.raises(AssertionError, match="no figure, but None"):
        assert_readable(None)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by Linux's /proc.")
def test_memory_beyond_what_the_readme_prints_is_told():
    with pytest.raises(AssertionError, match=r"^\d+ MB, and the README prints 10$"):
        assert_memory(10)


OUTCOMES = ("PASSED", "FAILED")
IN_ITS_KERNEL = [
    "from helpers.exercises.start_here import q1\nn_dates, n_tickers, n_factors = 600, 200, 3\nq1.check(...)",
    "n_factors = 4\nq1.check(...)",
    "from helpers.plotting import plot_lines, slide\nslide(lambda x=1: plot_lines([0], {'a': [0]}), 'A.', x=[1, 2])",
    "figure = plot_lines([0, 1], {'a': [0, 1]})\nfigure.text(0.5, 0.5, 'faint', color='#CCCCCC')\nfigure",
    "from helpers.exercises.time_series_regression import q1\nq1.check(...)",
    "assert not {'sys', 'tests', 'numbers_solved_for'} & set(dir())",
]


def test_pytest_asks_each_cell_in_its_kernel(tmp_path):
    """Beside one right solution: changed data, a dead slider, a faint picture, the exercise of another lesson."""
    tag = {"tags": ["nbval-ignore-output"]}
    cells = [new_code_cell(source, metadata=tag, execution_count=k) for k, source in enumerate(IN_ITS_KERNEL, 1)]
    cells[3].outputs = [new_output("display_data", data={"image/png": "", "text/plain": "<Figure>"})]
    path = tmp_path / "00_start_here.ipynb"
    path.write_text(stored_form(new_notebook(cells=cells)), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", "pytest", "-p", "tests.between_cells", "--nbval", "-rA", "-q", path.name]
    told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout
    passed, failed = (re.findall(rf"^{state} 00_start_here\.ipynb::(.*)$", told, re.MULTILINE) for state in OUTCOMES)
    memory = ["memory"] if sys.platform == "linux" else []
    assert passed == ["Cell 0", "q1 is solved", *(f"Cell {number}" for number in range(1, 6)), *memory], told
    assert len(failed) == 4, told
    assert "q1 is solved - Failed: q1, answered with the lesson's own data: Incorrect." in failed[0]
    assert failed[1] == "Cell 2 has sliders that move - Failed: the slider x changes nothing in the picture"
    assert "Cell 3 has a readable picture - Failed: The text 'faint' has a contrast of" in failed[2]
    assert failed[3] == "q1 is solved - Failed: q1 is not that of helpers.exercises.start_here"
