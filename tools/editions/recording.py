"""What the ways to answer an exercise give, in the place of their code: what the edition for students checks with.

    python -m tools.editions.recording folder      writes the lessons' modules and records into helpers/exercises/ there

Each right way and each usual wrong way is called once with what the exercise gives, and what comes out is kept as
numbers and labels. Of a lesson's module only that is left which makes what is given, and the rule of comparison.
"""

import ast
import io
import json
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from helpers.exercises import record
from helpers.exercises.checker import Exercise
from helpers.exercises.questions import Choice, Open, Question
from helpers.exercises.recorded import sealed
from helpers.exercises.variants import by_the_way
from helpers.packed import packed
from tools.refresh import ROOT

EXERCISES = "helpers/exercises"
SHARED = "clinic_patients"  # what several exercises of a lesson are made of, right ways and wrong ones among it
CODE = ("given", "calls", "same")  # the arguments of an exercise that stay code: they hold no answer
MOST_NUMBERS = 20_000  # of one step of the right way, or one of its results for other data
HEAD = "from helpers.exercises.recorded import Record"


def main(argv: Sequence[str] | None = None) -> int:
    """0 after the modules and the records of all lessons were written."""
    (folder,) = sys.argv[1:] if argv is None else argv
    write(Path(folder) / EXERCISES)
    return 0


def write(folder: Path, topics: Iterable[str] = record.COURSE) -> None:
    """Writes each lesson's record into the folder."""
    for topic in topics:
        (folder / f"{topic}.npz").write_bytes(recorded(import_module(f"helpers.exercises.{topic}")))


def modules_without_answers(root: Path = ROOT) -> dict[str, str]:
    """The text of each lesson's module, and of what is made for several exercises, by its path below the root."""
    found, shared = {}, set()
    for topic in record.COURSE:
        path = f"{EXERCISES}/{topic}.py"
        found[path] = without_answers((root / path).read_text(encoding="utf-8"))
        shared |= _imported(found[path], f"helpers.exercises.{SHARED}")
    path = f"{EXERCISES}/{SHARED}.py"
    found[path] = only((root / path).read_text(encoding="utf-8"), shared)
    return found


# --- What is recorded -------------------------------------------------------------------------------------------------


def recorded(module: ModuleType) -> bytes:
    """The file of a lesson's record: its questions as JSON, and their arrays."""
    arrays: dict[str, np.ndarray] = {}
    told = {name: _told(name, q, arrays) for name, q in vars(module).copy().items() if isinstance(q, Question)}
    text = json.dumps(told, ensure_ascii=False).encode()
    file = io.BytesIO()
    np.savez_compressed(file, questions=np.frombuffer(text, dtype=np.uint8), **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _told(name: str, q: Question, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    if isinstance(q, Choice):
        letters = sorted({q.right, *q.advice})
        return {"hints": q.hints, "said": {letter: sealed(q.said_of(letter), letter) for letter in letters}}
    if isinstance(q, Open):
        return {"hints": q.hints, "look_for": sealed(q.look_for, name)}
    if not isinstance(q, Exercise):
        raise TypeError(f"{name} is a {type(q).__name__}, of which nobody has said how it is recorded: say it here.")
    truth = q._truth(q.reference)

    def worth_keeping(results):
        return sum(one.size for one in results) <= MOST_NUMBERS and not q._agree(results, truth)

    others = by_the_way(q.reference, q._calls(), q._names(), truth)
    ways = [[_plain(value, true) for value, true in zip(q._raw(way), q._truth(way), strict=True)]
            for way in (q.reference, *q.mistakes)]  # fmt: skip
    return {
        "hints": q.hints,
        "insight": sealed(q.insight, name),
        "names": q._names(),
        "needless": sorted(q._needless()),
        "ways": packed(name, ways, arrays)["list"],
        "advice": [*q.mistakes.values()],
        "found": [[words, packed(name, results, arrays), alone] for words, results, alone in others
                  if worth_keeping(results)],
    }  # fmt: skip


def _plain(value, true):
    """What a way gave: as a table, since a table's labels count, else as the array that the checker reads from it."""
    return value if isinstance(value, pd.Series | pd.DataFrame) else true


# --- What is left of the code -----------------------------------------------------------------------------------------


def without_answers(text: str) -> str:
    """A lesson's module whose questions are recorded ones, with the code that makes what they give, and no other."""
    tree = ast.parse(text)
    lines: dict[ast.stmt, str] = {}
    needed: set[str] = set()
    for node in tree.body:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _is_question(node.value)):
            continue
        name = ast.unparse(node.targets[0])
        kept = [keyword for keyword in node.value.keywords if keyword.arg in CODE]
        needed |= {one for keyword in kept for one in _names(keyword.value)}
        code = [f"{keyword.arg}={ast.get_source_segment(text, keyword.value)}" for keyword in kept]
        lines[node] = f"{name} = _record.question({', '.join([repr(name), *code])})"
    return only(text, needed, lines)


def only(text: str, needed: Iterable[str], instead: dict[ast.stmt, str] | None = None) -> str:
    """A module with what these names need of it, and with these lines in the place of some of its statements."""
    instead = instead or {}
    tree = ast.parse(text)
    # The same statements as in the tree that `instead` knows, by where they stand.
    at = {node.lineno: line for node, line in instead.items()}
    statements = [node for node in tree.body if node.lineno not in at]
    wanted, found = set(needed), set()
    while wanted:
        name = wanted.pop()
        found.add(name)
        for node in statements:
            if name in _defined(node):
                wanted |= _names(node) - found
    parts = [f'"""{ast.get_docstring(tree, clean=False)}"""']
    imports = [kept for node in statements if (kept := _import_of(node, found))]
    parts.append("\n".join([*imports, *([HEAD] if at else [])]))
    if at:
        parts.append("_record = Record(__file__)")
    for node in tree.body:
        if node.lineno in at:
            parts.append(at[node.lineno])
        elif not isinstance(node, ast.Import | ast.ImportFrom) and _defined(node) & found:
            first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
            parts.append("\n".join(text.splitlines()[first - 1 : node.end_lineno]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _is_question(call):
    return isinstance(call.func, ast.Name) and call.func.id in (Exercise.__name__, Choice.__name__, Open.__name__)


def _names(node):
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _defined(node):
    """The names that a statement of a module gives a meaning to."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return set()


def _import_of(node, found):
    """An import with those of its names that are needed; empty if none is, or if it is none."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return ""
    names = [one for one in node.names if (one.asname or one.name).split(".")[0] in found]
    if not names:
        return ""
    made = ast.Import(names) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, names, node.level)
    return ast.unparse(made)


def _imported(text, module):
    """The names that a text imports from a module."""
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom) and node.module == module]
    return {one.name for node in nodes for one in node.names}


if __name__ == "__main__":
    sys.exit(main())
