"""What imports what: one way from room to room, nothing heavy until asked for, public names where they are listed."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import helpers

FOLDER = Path(helpers.__file__).parent
MODULES = {
    ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(FOLDER.rglob("*.py"))
}
PACKAGES = [name for name, path in MODULES.items() if path.name == "__init__.py"]
# Whom the modules of each room may import. The first are those that lie in helpers itself, such as helpers.panel.
ROOMS = {
    "": {""},
    "data": {"", "data"},
    "models": {"", "models"},
    "plotting": {"", "plotting"},
    "playground": {"", "plotting", "playground"},
    "evaluation": {"", "data", "models", "evaluation"},
    "experiments": {"", "data", "models", "evaluation", "plotting", "experiments"},
    "exercises": {"", "data", "models", "evaluation", "experiments", "exercises"},
}
# Of helpers.exercises, the modules that hold no lesson's questions.
CHECKER = {
    "answers", "calling", "changes", "checker", "clinic_patients", "questions", "reading", "record", "recorded", "seen",
    "variants", "words",
}  # fmt: skip
# Of helpers.models, the modules that load Keras.
NETWORKS = {"autoencoder", "backend", "compiling", "hooks", "layers", "lecture", "networks", "neural_ipca", "solved"}
NETWORKS |= {"stacked"}
KERAS = {*(f"helpers.models.{name}" for name in NETWORKS), "helpers.experiments.clinic"}
# They name Keras' packages: the second without what silences them, for scripts made of the course.
BACKENDS = {"helpers.models.backend", "helpers.models.compiling"}
# Of helpers.experiments, the modules that draw.
PICTURES = {"study_figures", "study_page"}
HEAVY = {"tensorflow", "keras", "jax", "matplotlib"}


def room(module):
    """The room that a module lies in: "models" for helpers.models.pca, and "" for helpers.panel."""
    first = module.split(".")[1:2]
    return first[0] if first and f"helpers.{first[0]}" in PACKAGES else ""


def imports(path):
    """[(line, module, name)] of every import in a file, inside functions too; the name is None for `import module`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.lineno, "." * node.level + (node.module or ""), alias.name) for alias in node.names]
    return found


def imported_modules(path):
    """[(line, module)] of those imports; the name may be a module, as in `from helpers.models import stacked`."""
    found = imports(path)
    return [(line, f"{module}.{name}" if f"{module}.{name}" in MODULES else module) for line, module, name in found]


def listed(package):
    """{name: module} as the package's stub lists them for editors; None for a module of its own."""
    stub = MODULES[package].with_suffix(".pyi")
    names = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        assert isinstance(node, ast.ImportFrom) and node.level == 1, f"line {node.lineno}: a stub holds its own imports"
        for alias in node.names:
            assert alias.asname == alias.name, f"type checkers hide {alias.name}: write `{alias.name} as {alias.name}`"
            assert alias.name not in names, f"{alias.name} is listed twice"
            names[alias.name] = node.module
    return names


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def loaded_after(code, modules):
    return run(f"{code}\nimport sys\nprint(*({modules} & sys.modules.keys()))").stdout.split()


# --- One way ----------------------------------------------------------------------------------------------------------


def test_every_module_lies_in_a_room():
    assert {room(name) for name in MODULES} == set(ROOMS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module):
    for line, target in imported_modules(MODULES[module]):
        assert target.split(".")[0] not in ("tools", "tests"), f"line {line}: helpers are complete without {target}"
        assert not target.startswith("."), f"line {line}: write the whole name of {target}"
        if target.split(".")[0] == "helpers" and target != module:
            assert target not in PACKAGES, f"line {line}: import from the module that holds it, not {target}"
            assert target in MODULES, f"line {line}: there is no {target}"
            assert room(target) in ROOMS[room(module)], f"line {line}: {module} must not know of {target}"


def test_no_module_is_imported_by_what_it_imports():
    graph = {name: {target for _, target in imported_modules(path)} - {name} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


# --- Nothing heavy ----------------------------------------------------------------------------------------------------


def test_importing_helpers_loads_nothing_heavy():
    assert loaded_after("import helpers", {*HEAVY, "numpy", "pandas", "sklearn"}) == []


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "helpers"])
def test_importing_a_room_loads_nothing_heavy(package):
    assert loaded_after(f"import {package}", {*HEAVY, "numpy", "pandas", "sklearn"}) == []


def test_all_but_networks_and_pictures_loads_neither():
    code = "from helpers.models import PCAFactors\n"
    for package in ("helpers.data", "helpers.models", "helpers.evaluation", "helpers.experiments"):
        names = [name for name, module in listed(package).items() if module not in NETWORKS and name not in PICTURES]
        code += f"from {package} import {', '.join(names)}\n"
    assert loaded_after(code, HEAVY) == []


def test_pictures_load_no_network_library():
    assert loaded_after("from helpers.plotting import draw_course", HEAVY) == ["matplotlib"]


@pytest.mark.parametrize("module", MODULES)
def test_keras_is_loaded_by_the_backend_for_networks_alone(module):
    found = imports(MODULES[module])
    outside = {target.split(".")[0] for _, target, _ in found} & {"tensorflow", "jax", "keras"}
    assert not outside or module in BACKENDS
    through_the_backend = BACKENDS & {target for _, target in imported_modules(MODULES[module])}
    assert not through_the_backend or module in KERAS


def test_loading_tensorflow_writes_nothing_to_the_standard_error_and_leaves_it_open():
    assert run("import sys, helpers.models.autoencoder\nprint('here', file=sys.stderr)").stderr == "here\n"


# --- Every public name ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES)
def test_the_names_that_editors_complete_are_the_public_ones(package):
    names = listed(package)
    assert sorted(names) == import_module(package).__all__ == dir(import_module(package))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_resolves_to_what_its_module_holds(package):
    for name, module in listed(package).items():
        home = import_module(f"{package}.{module or name}")
        assert getattr(import_module(package), name) is (getattr(home, name) if module else home)


def test_every_room_is_listed_and_so_are_the_modules_that_students_name():
    assert {name for name in ROOMS if name} <= {name for name, module in listed("helpers").items() if module is None}
    for package in ("helpers.exercises", "helpers.experiments"):
        there = {name.rpartition(".")[2] for name in MODULES if name.rpartition(".")[0] == package}
        assert there - CHECKER == {name for name, module in listed(package).items() if module is None}


def test_every_public_name_of_the_rooms_can_be_had_from_helpers():
    own = listed("helpers")
    for name in ("data", "models", "evaluation", "plotting"):
        offered = {public for public, module in listed(f"helpers.{name}").items() if module not in (None, "style")}
        assert offered <= set(own), f"helpers/__init__.pyi lacks {sorted(offered - set(own))}"


def test_names_are_loaded_when_they_are_first_used():
    assert loaded_after("import helpers; helpers.total_r2", {"helpers.evaluation.metrics"}) != []


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match=f"{package}.*nothing"):
        import_module(package).nothing  # noqa: B018


@pytest.mark.parametrize("line", ["from helpers import PCAFactors", "from helpers.data import load_stocks"])
def test_a_file_of_a_students_that_is_called_helpers_stops_a_lesson_with_a_word_on_helpers(line, tmp_path):
    (tmp_path / "helpers.py").write_text("x = 1\n", encoding="utf-8")
    command = [sys.executable, "-c", f"{line}\n"]  # as in a kernel, the working directory comes first
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stderr.splitlines()[-1]
    assert ("from 'helpers' (" in told and "helpers.py)" in told) or "'helpers' is not a package" in told
