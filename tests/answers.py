"""What the tests of the edition for students know of answers: their code, all ways to give one, and pages' links."""

import ast
import importlib.util
import re

import nbformat

from helpers.exercises.checker import Choice, Exercise, Open, Question
from tools.refresh import ROOT

SHORT = 30  # a line of fewer letters says nothing: `return x.mean(axis=0)`


def code_of_answers(modules):
    """The lines of all functions in the exercises that are not in these texts, the modules without answers.

    Comments, and the sentences of docstrings, advice and hints are none.
    """
    kept = "\n".join(modules.values())
    found = set()
    for name in modules:
        text = (ROOT / name).read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.Lambda):
                for part in node.body if isinstance(node, ast.FunctionDef) else [node.body]:
                    if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)):
                        found |= {line.strip() for line in ast.get_source_segment(text, part).splitlines()}
    lines = {line.removeprefix("return ") for line in found if not line.startswith(("#", '"'))}
    return {line for line in lines if len(line) >= SHORT and line not in kept}


def text_of(path):
    """What stands in a file; of a notebook the sources of its cells."""
    if path.suffix == ".ipynb":
        return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    return path.read_text(encoding="utf-8")


def links_of(root, name):
    """The paths below the root to which a page or a notebook links; none for other files."""
    if not name.endswith((".md", ".ipynb")):
        return []
    path = root / name
    found = re.findall(r"\]\((?!https?:|attachment:|data:|#)([^)\s#]+)[^)]*\)", text_of(path))
    return [(path.parent / one).resolve().relative_to(root.resolve()).as_posix() for one in found]


def load(folder, topic):
    """The lesson's module in this folder, beside that of the course."""
    spec = importlib.util.spec_from_file_location(f"recorded_{topic}", folder / f"{topic}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def questions(module):
    return {name: one for name, one in vars(module).items() if isinstance(one, Question)}


def ways_to_answer(question):
    """The right answer, each usual mistake, and what is none."""
    none = [..., None, "text", 0.5, [], [1.0, ...], len]
    if isinstance(question, Exercise):
        ways = [question.answer_of(way) for way in (question.reference, *question.mistakes)]
        other = [] if question.calls is not None else [100 * one for one in ways[:1] if not isinstance(one, list)]
        return [*none, *ways, *other]
    if isinstance(question, Choice):
        return [*none, "a", "B", "(c)", "d", "e", "f"]
    return [*none, "", "one", "these are five words here"]


def assert_same_words(whole, recorded):
    """Both modules have the same questions, and say the same of each answer, in each hint."""
    assert list(questions(whole)) == list(questions(recorded))
    said = set()
    for name, question in questions(whole).items():
        other = questions(recorded)[name]
        for answer in ways_to_answer(question):
            assert str(other.check(answer)) == str(question.check(answer)), f"{name}, answered with {answer!r}"
            said.add(str(other.check(answer)).split()[0])
        for n in range(1, len(question.hints) + 2):
            assert str(other.hint(n)) == str(question.hint(n))
        if isinstance(question, Open):  # what to look for is no answer, and lessons promise it
            assert str(other.solution()) == str(question.solution())
        else:
            assert other.solution() != question.solution() and "ask whoever teaches" in other.solution()
    assert {"Correct.", "Incorrect.", "Not", "Could"} <= said
