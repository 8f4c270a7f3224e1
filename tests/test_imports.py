"""What importing loads: nothing heavy, until it is asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import helpers

FILES = sorted(Path(helpers.__file__).parent.rglob("*.py"))
HEAVY = {"tensorflow", "keras", "jax", "matplotlib"}


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def heavy_modules_after(code):
    return run(f"{code}\nimport sys\nprint(*({HEAVY} & sys.modules.keys()))").stdout.split()


def test_importing_helpers_loads_nothing_heavy():
    assert heavy_modules_after("import helpers") == []


def test_importing_helpers_loads_neither_numpy_nor_pandas():
    assert (
        run("import helpers, sys; print(sorted({'numpy', 'pandas', 'sklearn'} & sys.modules.keys()))").stdout == "[]\n"
    )


def test_the_models_without_a_network_load_nothing_heavy():
    names = [name for name in helpers.__all__ if helpers._HOMES[name] != "autoencoder"]
    assert heavy_modules_after(f"from helpers import datasets, {', '.join(names)}") == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_only_the_backend_imports_keras(file):
    imported = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {(node.module or "").split(".")[0]}
            if node.module == "helpers.models.backend":
                imported |= {name.name for name in node.names}
    assert not imported & {"tensorflow", "jax"} or file.stem == "backend"
    assert "keras" not in imported or file.stem in ("backend", "autoencoder", "stacked", "clinic")


@pytest.fixture(scope="module")
def everything_imported():
    """Every public name resolved in one process, and what was written while the backend was loaded."""
    code = """
import helpers, sys
for name in helpers.__all__:
    print(name, getattr(helpers, name).__module__)
print("here", file=sys.stderr)
"""
    return run(code)


def test_every_public_name_resolves_to_its_module(everything_imported):
    found = dict(line.split() for line in everything_imported.stdout.splitlines())
    assert found == {name: f"helpers.{home}" for name, home in helpers._HOMES.items()}
    assert list(found) == helpers.__all__ == sorted(helpers.__all__)


def test_loading_tensorflow_writes_nothing_to_the_standard_error_and_leaves_it_open(everything_imported):
    assert everything_imported.stderr == "here\n"


def test_dir_lists_every_public_name_and_module():
    assert set(helpers.__all__) | {"datasets", "evaluation", "plotting"} <= set(dir(helpers))


def test_every_module_named_has_a_file():
    assert helpers._MODULES <= {file.stem for file in FILES}


def test_names_and_modules_are_loaded_when_they_are_first_used():
    assert helpers.Panel is helpers.panel.Panel and helpers.total_r2 is helpers.evaluation.total_r2


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'helpers' has no attribute 'nothing'"):
        helpers.nothing  # noqa: B018
