"""The tests of an assignment, run in the grader's own process on what a student's functions return.

The cells of the instructor's source are run here: those that are given, and the tests. What a test calls is a function
that asks the student's process. So nothing that a student's code changes, in its own numpy or anywhere, reaches a test.
"""

import ast
import contextlib
import difflib
import io
import re
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import Any

import nbformat
import numpy as np
import psutil

from tools.grading import sandbox
from tools.grading.submission import Cell, Raised, Stopped, Submission

resource: Any = None
with contextlib.suppress(ImportError):  # Windows has none
    import resource

RIGHT, WRONG, FAILED, STOPPED, MISSING = "right", "wrong", "failed", "stopped", "missing"
NAMESPACE = "tests_of_the_homework"  # the module of what a test defines: lent to a student, and not copied
STUBS = ("...  # your code", "Write your answer here.")
SHORT, LONG = 60, 3000  # characters of code: two students may have less alike by chance; more is not compared
MOST_SAID, MOST_WORDS = 1500, 20_000  # characters of what is said of a test, and of an answer in words
SECONDS, SECONDS_IN_ALL = 120, 1200  # of a cell or a call, and of a student


@dataclass(frozen=True)
class Part:
    """A cell of the instructor's source."""

    name: str
    kind: str  # "given", "answer", "words" or "test"
    source: str
    points: float = 0.0
    gives: tuple[str, ...] = ()  # the names that an answer defines


@dataclass
class Score:
    """What became of one test, or of an answer in words (whose points a person gives)."""

    name: str
    most: float
    points: float | None
    state: str
    said: str = ""


@dataclass
class Graded:
    """What became of a student's notebook."""

    scores: list[Score] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    suspicions: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    printed: str = ""
    seconds: float = 0.0

    @property
    def crashed(self) -> str:
        """Why nothing could be judged, or nothing: then what is not right is wrong, and was earned."""
        tests = [score for score in self.scores if score.state in (RIGHT, WRONG, FAILED, STOPPED)]
        if not tests or any(score.state in (RIGHT, WRONG) for score in tests):
            return ""
        return tests[0].said


def parts_of(source: nbformat.NotebookNode) -> list[Part]:
    """The cells of the source that nbgrader has a name for, in their order."""
    parts = []
    for cell in source.cells:
        told = cell.metadata.get("nbgrader")
        if not told:
            continue
        name, points = told["grade_id"], float(told.get("points", 0))
        if cell.cell_type != "code":
            parts.append(Part(name, "words" if told["solution"] else "text", cell.source, points))
        elif told["solution"]:
            parts.append(Part(name, "answer", cell.source, points, _defined(cell.source)))
        else:
            parts.append(Part(name, "test" if told["grade"] else "given", cell.source, points))
    return parts


def _defined(source):
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)]
    return tuple(names)


def grade(
    parts: Sequence[Part],
    notebook: nbformat.NotebookNode,
    kind: str,
    seconds: float = SECONDS,
    seconds_in_all: float = SECONDS_IN_ALL,
) -> Graded:
    """What became of each test of a student's notebook, run in a sandbox of this kind.

    A copied or split cell is no hindrance: all cells are run in their order, as in the student's Jupyter. Tests and
    given cells are those of the source, whatever the student's say.
    """
    begun = time.monotonic()
    result, given = Graded(), {part.name: part for part in parts}
    cells = run_cells(parts, notebook, result)
    for part in parts:
        if part.kind == "words":
            _read_words(part, notebook, result)
    lent: list[Any] = []
    functions = {name for part in parts if part.kind == "answer" for name in part.gives}
    namespace: dict[str, Any] = {"__name__": NAMESPACE}
    between = (lambda value: _lend(value, lent)), lent.__getitem__, seconds_in_all
    with Submission(cells, kind, seconds, *between) as student, quiet(), strict():
        asked = {name: Asked(student, name) for name in functions if name in _callables(parts)}
        for part in parts:
            if part.kind == "given":
                exec(compile(part.source, part.name, "exec"), namespace)
            elif part.kind == "test":
                late = time.monotonic() - begun > seconds_in_all
                result.scores.append(_tested(part, namespace, asked, functions, student, late, seconds_in_all))
        result.printed = student.printed
        for cell, why in student.troubles.items():
            result.remarks.append(f"{cell}: {why}")
    order = list(given)
    result.scores.sort(key=lambda score: order.index(score.name))
    result.suspicions += typed_in(result.scores)
    result.seconds = time.monotonic() - begun
    return result


class Asked:
    """A student's function, as the tests call it."""

    def __init__(self, student: Submission, name: str):
        self.student, self.__name__ = student, name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.student.call(self.__name__, arguments, named)


def _callables(parts):
    """Functions, and not the names of values, among what the answers define."""
    return {
        node.name
        for part in parts
        if part.kind == "answer"
        for node in ast.parse(part.source).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }


def _lend(value, lent):
    own = value if isinstance(value, (type, FunctionType)) else type(value)
    if isinstance(value, MethodType):
        own = type(value.__self__)
    if getattr(own, "__module__", None) != NAMESPACE and not isinstance(value, Asked):
        return None
    lent.append(value)
    return len(lent) - 1


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What tests print or warn of is nobody's to read."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield


@contextlib.contextmanager
def strict() -> Iterator[None]:
    """Nothing is close to no numbers, and tests that take all memory fail.

    numpy stretches an array of shape (0, 20) to fit each of shape (20,), and then finds no number that differs.
    """
    own = {name: getattr(np, name) for name in ("allclose", "isclose")}

    def compared(name):
        def compare(a, b, *rest, **named):
            result = own[name](a, b, *rest, **named)
            nothing = 0 in (np.size(a), np.size(b)) and np.shape(a) != np.shape(b)
            assert not nothing, f"there is nothing in an answer of shape {np.shape(a)}, or in {np.shape(b)}"
            return result

        return compare

    limits = resource.getrlimit(resource.RLIMIT_DATA) if resource else None
    for name in own:
        setattr(np, name, compared(name))
    try:
        if limits:
            used = psutil.Process().memory_info().vms
            most = [used + sandbox.MEMORY, *(each for each in limits if each != resource.RLIM_INFINITY)]
            resource.setrlimit(resource.RLIMIT_DATA, (min(most), limits[1]))
        yield
    finally:
        for name in own:
            setattr(np, name, own[name])
        if limits:
            resource.setrlimit(resource.RLIMIT_DATA, limits)


def _tested(part, namespace, asked, functions, student, late, seconds):
    def scored(state, said=""):
        return Score(part.name, part.points, part.points if state == RIGHT else 0.0, state, said[:MOST_SAID])

    if late:
        return scored(STOPPED, f"the notebook took more than {seconds:g} seconds before this test")
    own = dict(namespace) | asked  # of each test its own: none sees what another made
    try:
        own |= {name: student.get(name) for name in functions - set(asked) if re.search(rf"\b{name}\b", part.source)}
        exec(compile(part.source, part.name, "exec"), own)
    except AssertionError as wrong:
        return scored(WRONG, str(wrong) or "a test says no")
    except Raised as error:
        return scored(FAILED, str(error))
    except Stopped as why:
        return scored(STOPPED, str(why))
    except Exception as error:  # the test could do nothing with the answer
        return scored(WRONG, f"the answer is not of the kind asked for ({type(error).__name__}: {error})")
    return scored(RIGHT)


# --- The student's cells ----------------------------------------------------------------------------------------------


def name_of(cell: Mapping) -> str:
    """nbgrader's name of a cell, or nothing."""
    return cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")


def run_cells(parts: Sequence[Part], notebook: nbformat.NotebookNode, result: Graded) -> list[Cell]:
    """The cells that are run in the student's process: all but the tests; the given ones as they were given."""
    known = {part.name: part for part in parts}
    shown = {released(part.source) for part in parts if part.kind == "test"}
    cells, seen = [], set()
    for place, cell in enumerate(notebook.cells, start=1):
        name, source = name_of(cell), cell.source
        part = known.get(name)
        if cell.cell_type != "code" or (part is None and source.strip() in shown):  # a test that has lost its name
            continue
        if part is not None and part.kind in ("given", "test"):
            if source.strip() not in ("", released(part.source), part.source.strip()):
                result.suspicions.append(f"the cell {name} was changed")
            if part.kind == "given" and name not in seen:
                cells.append(Cell(name, part.source))
        else:
            label = name or f"cell {place}"
            cells.append(Cell(label if label not in seen else f"{label}, again at {place}", source))
            for given in part.gives if part else ():
                result.answers[given] = result.answers.get(given, "") + source + "\n"
        seen.add(name)
    copies = [name for name in known if sum(name_of(cell) == name for cell in notebook.cells) > 1]
    result.remarks += [f"the cell {name} is there more than once; all were run, in their order" for name in copies]
    absent = [Cell(part.name, part.source) for part in parts if part.kind == "given" and part.name not in seen]
    return absent + cells


def released(source: str) -> str:
    """What a test cell holds in the version for students."""
    return re.sub(r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", "", source, flags=re.DOTALL).strip()


def _read_words(part, notebook, result):
    texts = [cell.source.strip() for cell in notebook.cells if name_of(cell) == part.name]
    if not texts:  # the cell has lost its name: what stands below the last heading of a task
        headings = [i for i, cell in enumerate(notebook.cells) if cell.source.startswith("## Task")]
        below = notebook.cells[headings[-1] + 1 :] if headings else []
        texts = [cell.source.strip() for cell in below if cell.cell_type == "markdown"]
    text = "\n\n".join(text for text in texts if text and text not in STUBS)
    if len(text) > MOST_WORDS:
        text = f"{text[:MOST_WORDS]}\n[... {len(text)} characters: the rest is in the notebook]"
    result.words[part.name] = text
    result.scores.append(
        Score(part.name, part.points, None, "to read") if text else Score(part.name, part.points, 0.0, MISSING, "empty")
    )


# --- What a person should look at -------------------------------------------------------------------------------------


def typed_in(scores: Sequence[Score]) -> list[str]:
    """Tasks whose visible tests are passed and whose hidden ones are not: as an answer that knows the first by heart.

    One such task may be a mistake, two or more are told.
    """
    state = {score.name: score.state for score in scores}
    names = [name.removesuffix("_tests") for name in state if name.endswith("_tests")]
    halves = [name for name in names if state[f"{name}_tests"] == RIGHT and state.get(f"{name}_hidden") == WRONG]
    if len(halves) < 2:
        return []
    return [f"{', '.join(halves)}: right on the data that is shown, wrong on others"]


def alike(answers: Mapping[str, Mapping[str, str]], reference: Mapping[str, str], share: float = 0.97) -> list[tuple]:
    """(student, other, functions) of whom most answers are the same code, whatever the names and the comments.

    Short functions may be alike by chance: they do not count, nor those that are like the instructor's own.
    """
    normal = {who: {f: _normal(code) for f, code in own.items()} for who, own in answers.items()}
    own = {f: _normal(code) for f, code in reference.items()}
    students, pairs = sorted(normal), []
    for i, one in enumerate(students):
        for other in students[i + 1 :]:
            both = [f for f in normal[one] if min(len(normal[one][f]), len(normal[other].get(f, ""))) > SHORT]
            both = [f for f in both if own.get(f) not in (normal[one][f], normal[other][f])]
            same = [f for f in both if _ratio(normal[one][f], normal[other][f]) >= share]
            if len(same) >= 2 and len(same) * 2 > len(both):
                pairs.append((one, other, same))
    return pairs


def _ratio(one, other):
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return 0.0 if matcher.real_quick_ratio() < 0.9 or matcher.quick_ratio() < 0.9 else matcher.ratio()


def _normal(code):
    """The code without comments, docstrings and layout, its local names numbered in the order in which they come."""
    try:
        return _numbered(ast.parse(code))[:LONG]
    except Exception:  # no code, or so deep that Python gives up
        return " ".join(code.split())[:LONG]


def _numbered(tree):
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        for name in ("id", "arg"):
            if hasattr(node, name) and isinstance(getattr(node, name), str):
                setattr(node, name, names.setdefault(getattr(node, name), f"n{len(names)}"))
    return ast.unparse(tree)
