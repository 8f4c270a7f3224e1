"""The exercises of the lessons fit them: each notebook is executed, and each exercise is answered with its own solution where it stands.

The code that `q1.solution()` shows runs among the notebook's own variables, and is judged Correct: so the data that the checker
knows are those of the lesson. On the way the sliders are moved, and the pictures looked at.
"""

import ast
import inspect
import re
from importlib import import_module

import matplotlib.pyplot as plt
import nbformat
import pytest
from matplotlib.figure import Figure

from helpers.exercises.checker import NOT_ATTEMPTED, Exercise, Question
from helpers.plotting.sliders import Slider
from tests.test_notebooks import faint_texts, tags, twins
from tools.refresh import NOTEBOOKS

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
USES_AN_EXERCISE = re.compile(r"\bq\d+\.(check|hint|solution)\(")


def executed(code, namespace, filename="cell"):
    """What a notebook shows below the code: the value of its last line if that is an expression."""
    tree = ast.parse(code, filename)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, filename, "exec"), namespace)
    return eval(compile(ast.Expression(last.value), filename, "eval"), namespace) if last else None


def exercise_checked(code):
    """The name of the exercise that the last line checks, such as "q1", or None."""
    body = ast.parse(code).body
    found = re.fullmatch(r"(q\d+)\.check\(.*\)", ast.unparse(body[-1]), re.DOTALL) if body else None
    return found.group(1) if found else None


def answer_by_its_solution(q, variables):
    """The answer that the solution's code gives among these variables, which stay as they are."""
    namespace = dict(variables)
    exec(inspect.getsource(q.reference), namespace)
    way = namespace[q.reference.__name__]
    return way if q.calls is not None else way(**{name: variables[name] for name in inspect.signature(way).parameters})


def declared(lesson):
    """The exercises of a lesson's module by name, in order."""
    module = import_module(f"helpers.exercises.{lesson}")
    return {name: value for name, value in vars(module).items() if isinstance(value, Question)}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_solution_answers_its_exercise_in_its_notebook(path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(path.parent)
    exercises = declared(path.stem[3:])
    namespace, checked = {"__name__": "__main__"}, []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and "raises-exception" in tags(cell):
            with pytest.raises(Exception):  # noqa: B017
                executed(cell.source, namespace, path.name)
        elif cell.cell_type == "code":
            shown = executed(cell.source, namespace, path.name)
            if USES_AN_EXERCISE.search(cell.source):
                name = exercise_checked(cell.source)
                assert len(USES_AN_EXERCISE.findall(cell.source)) == 1 and name, f"cell {cell.id} does not end in one check"
                assert namespace[name] is exercises.get(name), f"cell {cell.id} imports {name} of another lesson"
                assert shown == NOT_ATTEMPTED, f"{name}, untouched: {shown}"
                checked.append(name)
                if isinstance(exercises[name], Exercise):
                    feedback = exercises[name].check(answer_by_its_solution(exercises[name], namespace))
                    assert feedback == "Correct.", f"{name}, answered with the lesson's own data: {feedback}"
            elif isinstance(shown, Slider):
                assert_moves(shown, cell.id)
            elif isinstance(shown, Figure):
                assert [*faint_texts(shown), *twins(shown)] == [], f"cell {cell.id} draws what not everybody can read"
    plt.close("all")
    assert checked == [f"q{k}" for k in range(1, len(checked) + 1)] == list(exercises)
    assert len(checked) >= 3, "a lesson has at least three exercises"


def assert_moves(slider, where):
    """Each slider, moved to its far end, brings another picture."""
    for name, one in slider.sliders.items():
        before = slider.picture.value
        one.index = 0 if one.index else len(one.options) - 1
        now = slider.picture.value
        assert now.startswith("<img "), f"the slider {name} of cell {where}: {now}"
        assert picture_of(now) != picture_of(before), f"the slider {name} of cell {where} changes nothing in the picture"


def picture_of(html):
    return re.search(r"base64,([^\"]+)", html).group(1)


# --- What the test itself rests on -----------------------------------------------------------------------------------------------


def test_the_last_expression_is_what_a_cell_shows():
    namespace = {}
    assert executed("x = 2\nx + 1", namespace) == 3 and namespace["x"] == 2
    assert executed("x = 5", namespace) is None and executed("# nothing", namespace) is None
    assert executed("def f():\n    return x\n\n\nf()", namespace) == 5


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
