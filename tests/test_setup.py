"""The course installs: versions agree, and `make` makes the environment, mends it, leaves it alone, or says what lacks.

The tests of `make` run offline in a copy of its two files, with a PATH of a few tools and stand-ins for Python and uv.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


# --- The versions -----------------------------------------------------------------------------------------------------

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
STUDENT = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
EXTRA = [Requirement(line) for lines in PROJECT["project"]["optional-dependencies"].values() for line in lines]
DEVELOPER = [Requirement(line) for line in PROJECT["dependency-groups"]["dev"]]


def locked(name):
    """The one version of a package in uv.lock."""
    (version,) = {package["version"] for package in LOCK["package"] if package["name"] == name}
    return version


def imported(code):
    """The packages that Python code imports, wherever in it."""
    names = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.append(node.module)
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names


def test_environment_yml_is_what_a_student_needs_at_the_versions_of_uv_lock():
    *conda, pip = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert conda == ["python=3.12", "pip"]
    *pins, last = pip["pip"]
    assert last == "-e ."
    # conda brings pip itself
    wanted = {(need.name, f"=={locked(need.name)}", str(need.marker)) for need in STUDENT if need.name != "pip"}
    assert {(pin.name, str(pin.specifier), str(pin.marker)) for pin in map(Requirement, pins)} == wanted
    assert len(pins) == len(wanted)


def test_a_students_environment_holds_pip_which_uv_does_not_bring():
    assert "pip" in {need.name for need in STUDENT}


def test_uv_lock_was_made_from_the_ranges_of_pyproject_and_lies_within_them():
    (here,) = (package["metadata"] for package in LOCK["package"] if package["name"] == PROJECT["project"]["name"])
    read = {(need["name"], need["specifier"]) for need in here["requires-dist"]}
    assert read == {(need.name, str(need.specifier)) for need in STUDENT + EXTRA}, "run uv lock"
    for need in STUDENT + EXTRA + DEVELOPER:
        assert need.specifier.contains(locked(need.name)), f"uv.lock has {need.name} {locked(need.name)}"


def test_pyproject_gives_ranges_and_a_reason_for_each_upper_bound():
    for need in STUDENT + EXTRA + DEVELOPER:
        operators = {bound.operator for bound in need.specifier}
        assert ">=" in operators and operators <= {">=", "<"}, f"{need} is no range: uv.lock alone pins"
    for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if re.match(r'    "[\w-]+>=[^"]*<', line):
            assert "#" in line, f"say why there is an upper bound: {line}"


def test_the_tests_run_with_all_extras_but_what_drives_a_gpu():
    extras = PROJECT["project"]["optional-dependencies"]
    gpu = {str(Requirement(line)) for line in extras["gpu"]}
    assert {str(need) for need in EXTRA} - gpu <= {str(need) for need in DEVELOPER}
    assert all(need.startswith("jax[") for need in gpu)  # the same backend as that of the extra jax


def test_a_student_has_every_package_that_lessons_and_helpers_import():
    distributions = packages_distributions()
    student, extra = ({canonicalize_name(need.name) for need in needs} for needs in (STUDENT, EXTRA))
    here = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for path in [*(ROOT / "helpers").rglob("*.py"), *(ROOT / "notebooks").rglob("*.ipynb")]:
        code = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            cells = [cell.source for cell in nbformat.reads(code, as_version=4).cells if cell.cell_type == "code"]
            code = re.sub(r"(?m)^[%!].*$", "", "\n".join(cells))
        for name in imported(code) - here:
            found = {canonicalize_name(distribution) for distribution in distributions.get(name, ())}
            assert found & student or (path.suffix == ".py" and found & extra), f"{path.name} imports {name}"


def test_uv_lock_names_public_addresses_only():
    addresses = re.findall(r'"(\w+://[^"]*)"', (ROOT / "uv.lock").read_text(encoding="utf-8"))
    assert addresses
    assert [address for address in addresses if not re.match(r"https://[a-z]+(\.[a-z]+)*\.org/", address)] == []


# --- make -------------------------------------------------------------------------------------------------------------

TOOLS = "sh cat cksum cp dirname echo env find grep id ln make mkdir rm touch uname".split()
ENVIRONMENT_OF_UV = 'mkdir -p .venv/bin; ln -sf "$(command -v fake-python)" .venv/bin/python'
HAS_MAKE = sys.platform != "win32" and shutil.which("make")
posix_only = pytest.mark.skipif(not HAS_MAKE, reason="needs make and a POSIX shell")


class Machine:
    """A bare computer: a folder with the course's set-up, and a PATH of a few tools, onto which commands can be put."""

    def __init__(self, folder):
        self.bin, self.course = folder / "bin", folder / "my course"
        self.bin.mkdir()
        self.course.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        for name in ("Makefile", "environment.sh"):
            shutil.copy(ROOT / name, self.course)
        (self.course / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
        (self.course / "uv.lock").write_text("version = 1\n", encoding="utf-8")
        self.venv, self.calls = self.course / ".venv", folder / "calls"

    def command(self, name, script):
        """Puts a command onto the PATH; it notes how it was called."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.calls}"\n{script}\n', encoding="utf-8")
        path.chmod(0o755)

    def python(self, name="python3", version_suits=True, complete=True, pip="true"):
        """A Python that makes environments of itself; `pip` is what it does when asked to run pip."""
        self.command("fake-python", pip)  # what environments hold
        self.command(name, f"""
case "$*" in
    --version) echo Python 3.12.0 ;;
    *ensurepip*) {str(complete).lower()} ;;
    *print*) echo python3.12 ;;
    -c*) {str(version_suits).lower()} ;;
    *venv*) {ENVIRONMENT_OF_UV} ;;
esac""")

    def uv(self, sync="true", version="uv 0.13.8"):
        cases = f'--version) echo "{version}" ;; venv) {ENVIRONMENT_OF_UV} ;; sync) {sync} ;;'
        self.command("fake-python", "true")
        self.command("uv", f'case "$1" in {cases} esac')

    def make(self, *arguments):
        """The finished `make environment` (or another target)."""
        return subprocess.run(
            ["make", *(arguments or ["environment"])],
            cwd=self.course,
            env={"PATH": str(self.bin), "HOME": str(self.course)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def called(self, words):
        """How many times a command was called with these words."""
        return self.calls.read_text(encoding="utf-8").count(words) if self.calls.exists() else 0


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def sentences(result):
    """What a failed command says on stderr, make's own closing line left out."""
    assert result.returncode != 0
    return [line for line in result.stderr.splitlines() if not line.startswith("make")]


@posix_only
@pytest.mark.parametrize("arguments", [{}, {"version_suits": False}])
def test_no_suitable_python(machine, arguments):
    if arguments:
        machine.python(**arguments)
    for target in ("lab", "test", "refresh", "homework"):
        (sentence,) = sentences(machine.make(target))
        assert sentence.startswith("No Python 3.11, 3.12 or 3.13 found: install one")
    assert not machine.venv.exists()


@posix_only
def test_python_without_ensurepip(machine):
    machine.python("python3.12", complete=False)
    assert sentences(machine.make()) == [
        "This python3.12 cannot make environments: run 'sudo apt install python3.12-venv', then this command again."
    ]
    assert not machine.venv.exists()
    machine.python("python3.11")  # an older one that is complete will do
    machine.python("python3.12", complete=False)
    machine.make()
    assert machine.called("python3.11 -m venv") == 1


@posix_only
def test_pip_brings_uv_where_it_is_missing(machine):
    uv_script = machine.bin.parent / "uv-of-pip"
    uv_script.write_text(f'#!/bin/sh\necho "own uv $*" >>"{machine.calls}"\n', encoding="utf-8")
    uv_script.chmod(0o755)
    machine.python(pip=f'case "$*" in *"pip install"*) cp "{uv_script}" .venv/bin/uv ;; esac')
    assert machine.make().returncode == 0
    assert machine.called("own uv sync --locked --inexact") == 1
    (machine.course / "uv.lock").write_text("version = 2\n", encoding="utf-8")
    assert machine.make().returncode == 0  # the uv in .venv serves again
    assert machine.called("pip install") == 1 and machine.called("own uv sync") == 2


@posix_only
def test_no_network(machine):
    machine.python(pip='case "$*" in *"pip install"*) echo "WARNING: Retrying (Retry(total=1" >&2; exit 1 ;; esac')
    sentence = "The packages could not be fetched: connect this machine to the network, then run this command again."
    assert sentences(machine.make()) == [sentence]
    machine.uv(sync="echo 'error: Failed to fetch: numpy' >&2; exit 2")
    assert sentences(machine.make())[-1] == sentence
    machine.uv()
    assert machine.make().returncode == 0


@posix_only
def test_other_failures_are_shown(machine):
    machine.uv(sync="echo 'error: No space left on device' >&2; exit 2")
    assert sentences(machine.make())[-1].startswith("The disk is full")
    machine.uv(sync="echo 'error: a wheel of wax' >&2; exit 2")
    assert sentences(machine.make())[-2:] == [
        "error: a wheel of wax",
        "The environment could not be made, for the reason above; run this command again once it is gone.",
    ]


@posix_only
def test_second_run_does_nothing_until_a_file_changes(machine):
    machine.uv()
    for lock, syncs in [("version = 1\n", 1), ("version = 1\n", 1), ("version = 2\n", 2), ("version = 2\n", 2)]:
        (machine.course / "uv.lock").write_text(lock, encoding="utf-8")
        assert machine.make().returncode == 0
        assert machine.called("uv sync --locked --inexact") == syncs
    assert machine.called("uv venv") == 1
    (machine.course / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    machine.make()
    assert machine.called("uv sync") == 3


@posix_only
def test_make_lab_installs_what_students_need_and_make_test_the_rest(machine):
    machine.uv()
    course, everything = "uv sync --locked --inexact --no-dev", "uv sync --locked --inexact"

    def syncs_after(*targets):
        for target in targets:
            assert machine.make(target).returncode == 0
        calls = [line for line in machine.calls.read_text(encoding="utf-8").splitlines() if line.startswith("uv sync")]
        machine.calls.unlink()
        return calls

    assert syncs_after("lab", "lab") == [course]
    assert syncs_after("test") == [everything]
    assert syncs_after("lab", "test", "refresh", "homework") == []
    (machine.course / "uv.lock").write_text("version = 2\n", encoding="utf-8")
    assert syncs_after("lab", "test") == [everything]  # what is there once is kept up to date
    machine.make("clean")
    assert syncs_after("lab", "homework") == [course, everything]


@posix_only
def test_lessons_open_offline_after_what_the_tests_need_could_not_be_fetched(machine):
    machine.uv()
    machine.make("lab")
    (machine.venv / "remains").touch()
    machine.uv(sync="echo 'error: Failed to fetch: pytest' >&2; exit 2")
    assert sentences(machine.make("test"))[-1].startswith("The packages could not be fetched")
    assert machine.make("lab").returncode == 0 and machine.called("uv sync") == 3  # test tries twice, lab has no need
    machine.uv()
    assert machine.make("test").returncode == 0
    assert (machine.venv / "remains").exists() and machine.called("uv venv") == 1


@posix_only
@pytest.mark.parametrize("before", ["lab", "test"])
def test_offline_with_a_newer_lock_the_packages_of_before_open_the_course(machine, before):
    machine.uv()
    machine.make(before)
    (machine.venv / "remains").touch()
    (machine.course / "uv.lock").write_text("version = 2\n", encoding="utf-8")
    machine.uv(sync="echo 'error: Failed to fetch: numpy' >&2; exit 2")
    opened = machine.make("lab")
    assert opened.returncode == 0 and (machine.venv / "remains").exists()
    said = "No network: the packages stay those of the edition before, until this command finds one."
    assert said in opened.stdout and "jupyterlab" in machine.calls.read_text(encoding="utf-8")
    assert sentences(machine.make("test"))[-1].startswith("The packages could not be fetched")
    machine.uv()
    assert said not in machine.make("lab").stdout
    assert machine.make("test").returncode == 0 and (machine.venv / "remains").exists()


@posix_only
def test_what_was_interrupted_while_the_tests_needs_were_added_is_made_anew(machine):
    machine.uv()
    machine.make("lab")
    (machine.venv / "remains").touch()
    machine.uv(sync="kill -9 $PPID")
    assert machine.make("test").returncode != 0
    machine.uv()
    assert machine.make("lab").returncode == 0
    assert not (machine.venv / "remains").exists()


def relink_python(machine):
    """What is left of an environment when the Python that it was made with is uninstalled."""
    (machine.venv / "bin" / "python").unlink()
    (machine.venv / "bin" / "python").symlink_to(machine.bin / "python-that-was-uninstalled")


@posix_only
@pytest.mark.parametrize("break_it", [
    relink_python,
    lambda machine: (machine.venv / ".made").unlink(),  # made by uv itself, perhaps killed
    lambda machine: (machine.venv / ".made").write_text("unfinished\n", encoding="utf-8"),  # killed while it was made
    lambda machine: (machine.venv / "bin" / "python").unlink(),  # removed in part
    # The folder was moved.
    lambda machine: (machine.venv / ".made").write_text("course 1 2 /elsewhere\n", encoding="utf-8"),
    # Made when the course had another TensorFlow, which uv would leave beside the new one, in the same folder.
    lambda machine: (machine.venv / ".made").write_text(f"1 2 {machine.course}\n", encoding="utf-8"),
])  # fmt: skip
def test_a_broken_environment_is_made_anew(machine, break_it):
    machine.uv()
    machine.make()
    (machine.venv / "remains").touch()
    break_it(machine)
    assert machine.make().returncode == 0
    assert not (machine.venv / "remains").exists()
    assert (machine.called("uv venv"), machine.called("uv sync")) == (2, 2)


@posix_only
def test_a_uv_too_old_for_this_project_is_passed_over(machine):
    machine.uv(version="uv 0.8.22")
    assert sentences(machine.make())[0].startswith("No Python 3.11")
    machine.uv(version="uv 0.10.1")
    assert machine.make().returncode == 0


@posix_only
def test_arguments_are_handed_on(machine):
    machine.uv()
    machine.make("lab", "ARGS=--port 9999")
    assert machine.called("--port 9999\n") == 1
    assert machine.called("--no-browser") == (sys.platform != "darwin")  # this machine has no display
    machine.make("test", "ARGS=-k panel")
    assert machine.called("fake-python -m pytest -k panel") == 1
    machine.make("refresh")
    assert machine.called("fake-python -m tools.refresh") == 1
    machine.make("homework", "ARGS=../my-class")
    assert machine.called("fake-python tools/homework.py ../my-class") == 1


@posix_only
def test_students_do_not_see_the_tools_of_instructors(machine):
    """What nbgrader and the package it brings add to JupyterLab is off where `make lab` reads its configuration."""
    machine.uv()
    machine.command("fake-python", 'echo "settings: $JUPYTER_CONFIG_PATH"')
    assert f"settings: {machine.course}/.jupyter\n" in machine.make("lab").stdout

    def setting(folder, name):
        return json.loads((folder / name).read_text(encoding="utf-8"))

    server = "jupyter_server_config.d/nbgrader.json"
    added = setting(Path(sys.prefix) / "etc" / "jupyter", server)["ServerApp"]["jpserver_extensions"]
    assert setting(ROOT / ".jupyter", server)["ServerApp"]["jpserver_extensions"] == dict.fromkeys(added, False)
    hidden = setting(ROOT / ".jupyter", "labconfig/page_config.json")["disabledExtensions"]
    extensions = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    assert hidden and all(hidden.values()) and all((extensions / name).is_dir() for name in hidden)


@posix_only
def test_help_is_the_default_and_clean_removes_what_was_made(machine):
    machine.uv()
    result = machine.make("environment", "help")
    for target in ("lab", "test", "refresh", "homework", "clean"):
        assert f"make {target} " in result.stdout
    first_target = re.search(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE).group(1)
    assert first_target == "help"
    before = {"Makefile", "environment.sh", "pyproject.toml", "uv.lock"}
    assert set(os.listdir(machine.course)) == before | {".venv"}
    assert machine.make("clean").returncode == 0
    assert set(os.listdir(machine.course)) == before
