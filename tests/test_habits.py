"""The habits of the house: ruff, mypy, doctests, docstrings, hints, and files of a size that one can read."""

import ast
import doctest
import inspect
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
TEXTS = {
    path.relative_to(ROOT): path.read_text(encoding="utf-8")
    for room in ("helpers", "tools")
    for path in sorted((ROOT / room).rglob("*.py"))
}
MODULES = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): text for path, text in TEXTS.items()}
TYPED = [
    ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    for path in TEXTS
    if any(path.is_relative_to(checked) for checked in SETTINGS["mypy"]["files"])
]

MOST_LINES = 400


def findings(tool, *arguments):
    """What a tool reports, run in the root of the repository as its users run it; nothing if all is well."""
    run = subprocess.run([sys.executable, "-m", tool, *arguments], cwd=ROOT, capture_output=True, text=True)
    return "" if run.returncode == 0 else f"{tool} found:\n{run.stdout}{run.stderr}"


def test_ruff_finds_nothing(tmp_path):
    rooms = ["helpers", "tools", "tests", "notebooks", "conftest.py"]
    report = findings("ruff", "check", "--output-format=concise", f"--cache-dir={tmp_path}", *rooms)
    assert not report, report


def test_mypy_finds_nothing(tmp_path):
    report = findings("mypy", "--no-error-summary", "--hide-error-context", f"--cache-dir={tmp_path}")
    assert not report, report


# --- Docstrings -------------------------------------------------------------------------------------------------------

EXAMPLES = [name for name, text in MODULES.items() if ">>>" in text]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_a_docstring_run_and_give_what_they_show(name, pytestconfig):
    flags = sum(doctest.OPTIONFLAGS_BY_NAME[flag] for flag in pytestconfig.getini("doctest_optionflags"))
    said = []
    runner = doctest.DocTestRunner(optionflags=flags)
    for test in doctest.DocTestFinder(exclude_empty=True).find(import_module(name), name):
        runner.run(test, out=said.append)
    assert runner.tries and not runner.failures, "".join(said)


def test_no_example_is_skipped():
    skipping = [name for name in EXAMPLES if "+SKIP" in MODULES[name]]
    assert not skipping, f"In {', '.join(skipping)} a small example could run instead."


def public(node):
    """The functions and classes that a module or class defines for others, its methods not among them."""
    kinds = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
    return [child for child in node.body if isinstance(child, kinds) and not child.name.startswith("_")]


def methods(tree):
    """The public methods of a module's public classes: (class, method)."""
    classes = (part for part in public(tree) if isinstance(part, ast.ClassDef))
    return [(part, method) for part in classes for method in public(part)]


WITH_METHODS = [name for name, text in MODULES.items() if methods(ast.parse(text))]


@pytest.mark.parametrize("name", WITH_METHODS)
def test_each_public_method_says_what_it_does_itself_or_by_inheritance(name):
    module = import_module(name)
    silent = [
        f"{part.name}.{method.name}"
        for part, method in methods(ast.parse(MODULES[name]))
        if not inspect.getdoc(getattr(getattr(module, part.name), method.name))
    ]
    assert not silent, f"{name}: no docstring for {', '.join(silent)}"


# --- Hints ------------------------------------------------------------------------------------------------------------


def without_hints(function, bound):
    """The arguments of a function that have no hint, `return` among them; bound: the first of them is self or cls."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args][bound:] + arguments.kwonlyargs
    every += [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    missing = [argument.arg for argument in every if argument.annotation is None]
    return missing + ["return"] * (function.returns is None)


def is_static(function):
    return any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in function.decorator_list)


@pytest.mark.parametrize("name", TYPED)
def test_the_public_interface_says_its_types(name):
    tree = ast.parse(MODULES[name])
    functions = [part for part in public(tree) if not isinstance(part, ast.ClassDef)]
    missing = {function.name: without_hints(function, bound=False) for function in functions}
    for part, method in methods(tree):
        missing[f"{part.name}.{method.name}"] = without_hints(method, bound=not is_static(method))
    missing = {place: arguments for place, arguments in missing.items() if arguments}
    assert not missing, f"{name}: hints are missing for {missing}"


# --- Size -------------------------------------------------------------------------------------------------------------


def test_no_file_is_longer_than_one_reads_at_once():
    lengths = {name: len(text.splitlines()) for name, text in MODULES.items()}
    long = {name: length for name, length in lengths.items() if length > MOST_LINES}
    assert not long, f"Cut these, one job a file, to at most {MOST_LINES} lines: {long}"
