"""An installed package is complete: built as a wheel, unpacked where nothing else of this folder is, it works."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# The build backend, asked as pip and uv ask it. The group dev brings it, so that no network is needed.
BUILD = "import sys, uv_build; print(uv_build.build_wheel(sys.argv[1]))"


def printed(python, code, *arguments, folder):
    """What a Python prints when it runs the code in a folder."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])  # for the backend's program
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PATH": path}
    command = [python, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    return folder / printed(sys.executable, BUILD, folder, folder=ROOT)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """What code prints in a new environment: it holds the wheel, and sees the packages of this one, not its folder."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "environment"], check=True)
    python = folder / "environment" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    packages = Path(printed(python, "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder))
    zipfile.ZipFile(wheel).extractall(packages)  # all there is to do for a wheel without commands or compiled code
    # The .pth files in a folder that a .pth file names are not read; one of them would lead back here.
    shared = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    (packages / "shared.pth").write_text("\n".join(shared), encoding="utf-8")
    return lambda code: printed(python, code, folder=folder)


def test_the_wheel_holds_the_helpers_and_nothing_else(wheel):
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / "helpers").rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if not name.endswith("/")}
    about = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    assert names - about == {name for name in here if "__pycache__" not in name}
    tables = {f"helpers/experiments/{name}.csv" for name in ("clinic", "grid", "persistence", "table6")}
    assert {"helpers/__init__.pyi", *tables} <= names


def test_it_is_this_very_package_and_no_tools_come_with_it(installed):
    place, packages = installed("""
import helpers, sysconfig
print(helpers.__file__)
print(sysconfig.get_path("purelib"))
""").splitlines()
    assert Path(place).parent.parent == Path(packages)
    assert installed("import importlib.util as u; print(u.find_spec('tools'), u.find_spec('tests'))") == "None None"


def test_every_public_name_resolves(installed):
    assert int(installed("import helpers; print(len([getattr(helpers, name) for name in helpers.__all__]))")) > 50


def test_the_stored_tables_are_read(installed):
    code = """
from helpers.experiments import clinic, grid, persistence, table6
print(*(len(each.read()) for each in (table6, clinic, persistence, grid)))
"""
    assert all(int(rows) > 400 for rows in installed(code).split())


def test_a_model_is_fitted(installed):
    code = """
from helpers import PCAFactors, simulate_constant_betas, total_r2
panel = simulate_constant_betas().panel
print(total_r2(panel.returns, PCAFactors(n_factors=3).fit(panel).reconstruct(panel)))
"""
    assert 0 < float(installed(code)) < 1


def test_an_exercise_answers(installed):
    answers = installed("""
from helpers.exercises.start_here import q1
print(q1.check(...))
print(q1.check([200 * 3, 600 * 3, (600 + 200) * 3]))
""")
    assert answers.startswith("Not attempted") and "\nCorrect" in answers
