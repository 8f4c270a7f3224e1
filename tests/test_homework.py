"""The homework as it is handed out and comes in; tests/test_grading.py grades it.

`make homework` builds the course folder with nbgrader. No program of the environment is on the PATH, as on the machine
of an instructor who has not activated it.
"""

import ast
import errno
import getpass
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from datetime import datetime
from functools import partial
from pathlib import Path

import nbformat
import numpy as np
import pytest

from tests.hand_ins import SOURCES, cell, zipped
from tests.wrong_homework import WRONG_WAYS
from tools import collect as collecting
from tools import homework as build
from tools.refresh import NOTEBOOKS, ROOT

pytest.importorskip("nbgrader.api", reason="nbgrader is not installed: run `make environment`.")

BUILD = ROOT / "tools" / "homework.py"
NAMES = [path.stem for path in SOURCES]
POINTS = 20
# nbgrader's commands in one process: to load it takes longer than what most of them do.
COMMANDS = """
import json, sys
from nbgrader import apps

for name, *arguments in json.loads(sys.argv[1]):
    app = getattr(apps, name)
    app.launch_instance(arguments)
    app.clear_instance()
"""


# --- A course folder --------------------------------------------------------------------------------------------------


def run(*arguments, cwd, jupyter):
    """The finished Python command, which saw no habits of the person who runs the tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    environment |= {f"JUPYTER_{kind}_DIR": str(jupyter / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    environment["PATH"] = os.defpath
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, check=False, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


class Course:
    """A course folder made by tools/homework.py, students who hand in, and nbgrader."""

    def __init__(self, folder):
        self.folder = folder / "the course"
        self.jupyter = folder / "jupyter"
        self.built = self.python(BUILD, self.folder)
        assert self.built.returncode == 0, self.built.stderr

    def nbgrader(self, *commands, cwd=None):
        """Runs commands such as `collect homework_1`, each given as a line, one after another. All must succeed."""
        apps = json.dumps([as_app(command) for command in commands])
        result = run("-c", COMMANDS, apps, cwd=cwd or self.folder, jupyter=self.jupyter)
        assert result.returncode == 0, result.stderr

    def python(self, *arguments):
        """The finished Python command, run outside of the course folder."""
        return run(*arguments, cwd=self.folder.parent, jupyter=self.jupyter)

    def notebook(self, name, step="release"):
        return nbformat.read(self.folder / step / name / f"{name}.ipynb", as_version=4)


def as_app(command):
    """["CollectApp", "homework_1"] of the command line `collect homework_1`."""
    name, *arguments = command.split()
    return ["".join(word.capitalize() for word in name.split("_")) + "App", *arguments]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The course folder, and a student whose notebook was collected into it."""
    course = Course(tmp_path_factory.mktemp("class"))
    came_in = course.folder.parent / "Ada Homework 1 (1).ipynb"
    nbformat.write(course.notebook("homework_1", "source"), came_in)
    collected = course.python(BUILD, "collect", "homework_1", came_in, f"--course={course.folder}")
    assert collected.stdout.startswith(f"collected      {came_in.name}: from ada\n1 files: 1 collected,")
    return course


# --- What the tests of a task find out --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_every_hidden_test_finds_out_who_knows_only_the_numbers_of_the_visible_one(path):
    namespace = {}
    for each in nbformat.read(path, as_version=4).cells:
        if each.cell_type != "code":
            continue
        task, _, kind = each.metadata.nbgrader.grade_id.rpartition("_")
        if kind not in ("tests", "hidden"):
            exec(each.source, namespace)
        elif kind == "tests":
            right, answers = namespace[task], []
            namespace[task] = lambda *args, right=right, answers=answers: answers.append(right(*args)) or answers[-1]
            exec(each.source, namespace)
            namespace[task] = right
        else:
            assert answers
            for answer in answers:
                with pytest.raises((AssertionError, ValueError, IndexError, TypeError)):
                    exec(each.source, namespace | {task: lambda *args, answer=answer, **named: answer})


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_every_hidden_test_finds_the_usual_wrong_ways_and_says_what_is_wrong(path):
    """The right answers pass on the way: each cell is run with them."""
    namespace, tried = {}, set()
    for each in nbformat.read(path, as_version=4).cells:
        if each.cell_type != "code":
            continue
        exec(each.source, namespace)
        task, _, kind = each.metadata.nbgrader.grade_id.rpartition("_")
        if kind == "hidden":
            tried.add((path.stem, task))
            for name, code in WRONG_WAYS[path.stem, task].items():
                wrong = namespace | {"reference": namespace[task], task: None}
                exec(code, wrong)
                with pytest.raises(AssertionError) as failed:
                    exec(each.source, wrong)
                    pytest.fail(f"{task} is passed by: {name}")
                assert len(str(failed.value)) > 15, f"{task}, {name}: nothing is said"
    assert tried == {(homework, task) for homework, task in WRONG_WAYS if homework == path.stem}


def numbers_of_the_tests(source):
    """All numbers that the tests of an assignment hand to the student's functions, where they are no whole numbers."""
    namespace, handed = {}, []

    def collect(value):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim < 3:  # characteristics are ranks
            handed.append(np.asarray(value).ravel())
        elif isinstance(value, (list, tuple)):
            for part in value:
                collect(part)

    for each in source.cells:
        task, _, kind = each.metadata.get("nbgrader", {}).get("grade_id", "").rpartition("_")
        if each.cell_type != "code" or "compare" in (task, kind):  # the last task takes panels, and a minute
            continue
        exec(each.source, namespace)
        if kind not in ("tests", "hidden") and (kind or task) in namespace:
            name = each.metadata.nbgrader.grade_id

            def asked(*arguments, right=namespace[name], **named):
                collect(arguments)
                return right(*arguments, **named)

            namespace[name] = asked if callable(namespace[name]) and not isinstance(namespace[name], type) else None
    numbers = np.unique(np.concatenate(handed).round(12))
    return numbers[np.isfinite(numbers) & (numbers != numbers.round())]


@pytest.mark.parametrize("path", SOURCES[:2], ids=NAMES[:2])
def test_two_seeds_share_no_number_of_a_test(path, monkeypatch):
    monkeypatch.setattr(build.judge, "grade", lambda *arguments: build.judge.Graded())  # tests/test_grading.py does
    ours, *seeded = (nbformat.reads(build.with_seed(path, seed), 4) for seed in (2026, 2027, 2028))
    found = [numbers_of_the_tests(each) for each in (ours, *seeded)]
    assert min(map(len, found)) > 1000
    for i, one in enumerate(found):
        for other in found[:i]:
            assert set(np.intersect1d(one, other)) <= {0.8, 1.2}  # of the true Γ, which is shown
    assert build.with_seed(path, 2027) == build.with_seed(path, 2027)


def test_a_seed_changes_a_course_folder_that_nobody_has_changed_and_says_where_it_does_not(here, monkeypatch, capsys):
    with monkeypatch.context() as patched:
        patched.setattr(build, "build", lambda course, generate: ["homework_1"])
        assert build.main(["course"]) == build.main(["course", "--seed=7"]) == 0
        source = Path("course/source/homework_1/homework_1.ipynb")
        assert source.read_bytes() == build.with_seed(SOURCES[0], 7) and "was kept" not in capsys.readouterr().out
        assert build.main(["course", "--seed=8"]) == 0
        assert "homework_1: your version" in (out := capsys.readouterr().out) and "SEED=8 changes nothing in it" in out
        assert source.read_bytes() == build.with_seed(SOURCES[0], 7)


def test_a_seed_of_which_the_right_answers_fail_is_refused_and_others_are_built(here, monkeypatch, capsys):
    failing = build.judge.Score("turn_tests", 1, 0.0, "wrong", "The correlations are only 0.7.")
    monkeypatch.setattr(build.judge, "grade", lambda *arguments: build.judge.Graded([failing]))
    assert build.main(["course", "--seed=3"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("With the seed 3 the right answers of homework_1 fail (turn_tests: The correlations")


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_every_assertion_has_a_message(path):
    silent = [
        ast.unparse(node)
        for each in nbformat.read(path, as_version=4).cells
        if each.cell_type == "code"
        for node in ast.walk(ast.parse(each.source))
        if isinstance(node, ast.Assert) and node.msg is None
    ]
    assert not silent


# --- The steps of the README ------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="nbgrader's exchange needs a Unix machine.")
def test_on_a_hub_files_go_to_the_students_and_come_back(course, tmp_path):
    exchange, student = tmp_path / "exchange", tmp_path / "student"
    student.mkdir()
    exchange.mkdir()
    exchange.chmod(0o777)
    where = f"--course=factor-models --Exchange.root={exchange}"
    course.nbgrader(f"release_assignment homework_3 {where}")
    course.nbgrader(f"fetch_assignment homework_3 {where}", f"submit homework_3 {where}", cwd=student)
    course.nbgrader(f"collect homework_3 {where}")
    released = (course.folder / "release" / "homework_3" / "homework_3.ipynb").read_bytes()
    (collected,) = (course.folder / "submitted" / getpass.getuser()).rglob("*.ipynb")
    assert (student / "homework_3" / "homework_3.ipynb").read_bytes() == collected.read_bytes() == released


# --- What is handed out -----------------------------------------------------------------------------------------------


def test_the_command_says_where_the_release_versions_are(course):
    release = course.folder / "release"
    assert course.built.stdout == f"Built homework_1, homework_2, homework_3 for students, in {release}\n"
    assert course.built.stderr == ""


@pytest.mark.parametrize("name", NAMES)
def test_release_versions_hold_neither_answers_nor_hidden_tests(course, name):
    release, source = course.notebook(name), course.notebook(name, "source")
    assert [each.id for each in release.cells] == [each.id for each in source.cells]
    assert not any(each.get("outputs") for each in release.cells)
    assert "Do not copy or split the cells of a task" in release.cells[0].source
    text = "\n".join(each.source for each in release.cells)
    assert "SOLUTION" not in text and "HIDDEN TESTS" not in text and "Marks" not in text and "nbgrader" not in text
    for each in release.cells:
        meta = each.metadata.get("nbgrader", {})
        if meta.get("grade_id", "").endswith("_hidden"):
            assert each.source == "# Hidden tests: your function is called with other data."
        elif meta.get("solution"):
            assert each.source.endswith("...  # your code" if each.cell_type == "code" else "Write your answer here.")
        elif meta.get("locked"):
            assert each.metadata.editable is False and each.source == cell(source, meta.grade_id).source


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_points_add_up_and_each_task_has_visible_and_hidden_tests(path):
    tasks, found = {}, 0
    for each in nbformat.read(path, as_version=4).cells:
        title = re.match(r"## Task (\d): .* \((\d) points?\b(.*)\)", each.source)
        if title:
            tasks[title[1]] = {"points": int(title[2]), "person": "person" in title[3], "cells": []}
        elif each.metadata.get("nbgrader", {}).get("grade"):
            tasks[title_of(tasks)]["cells"].append(each)
            found += each.metadata.nbgrader.points
    assert list(tasks) == ["1", "2", "3", "4", "5", "6"] and found == POINTS
    for task in tasks.values():
        assert sum(each.metadata.nbgrader.points for each in task["cells"]) == task["points"]
        kinds = [(each.metadata.nbgrader.solution, "BEGIN HIDDEN TESTS" in each.source) for each in task["cells"]]
        assert kinds == ([(True, False)] if task["person"] else [(False, False), (False, True)])
    assert [task["person"] for task in tasks.values()] == [False] * 5 + [True]
    assert "**Marks" in tasks["6"]["cells"][0].source


def title_of(tasks):
    return list(tasks)[-1]


# --- The command in bad situations ------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def complaint(folder, capsys):
    assert build.main([str(folder)]) == 1
    return capsys.readouterr().err


def test_a_folder_that_cannot_be_a_course_folder_is_refused(here, capsys):
    (here / "file").touch()
    (here / "other").mkdir()
    (here / "other" / "thesis.tex").touch()
    assert complaint("file", capsys) == "file is a file: give a folder.\n"
    assert complaint("file/within", capsys).startswith("file/within cannot be made or written (")
    assert complaint("other", capsys).startswith(
        "other holds other files, and no nbgrader_config.py: give a new folder"
    )
    assert "lies in notebooks/, where every notebook is run by the tests" in complaint(NOTEBOOKS / "homework", capsys)
    assert sorted(path.name for path in here.rglob("*")) == ["file", "other", "thesis.tex"]
    with pytest.raises(SystemExit) as stop:
        build.main(["one", "two"])
    assert stop.value.code == 2 and "unrecognized arguments: two" in capsys.readouterr().err


def test_a_full_disk_leaves_nothing_half_written(here, monkeypatch, capsys):
    def write_half(path, content):
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    assert complaint("course", capsys).startswith("course cannot be made or written (No space left on device)")
    assert [path for path in here.rglob("*") if path.is_file()] == []


def test_without_nbgrader_the_command_says_how_to_get_it(here, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "nbgrader.apps", None)
    sentence = complaint("course", capsys)
    assert sentence.startswith("nbgrader cannot be loaded (") and sentence.endswith("or `pip install '.[homework]'`.\n")
    assert not (here / "course").exists()


@pytest.fixture
def one_assignment(tmp_path):
    """The command for the first assignment, and a course folder with a copy of it: (command, notebook, its path)."""
    ours = tmp_path / "repository" / "notebooks" / "homework"
    ours.mkdir(parents=True)
    for name in ("homework_1.ipynb", "nbgrader_config.py"):
        shutil.copy(NOTEBOOKS / "homework" / name, ours)
    command = tmp_path / "repository" / "tools" / BUILD.name
    command.parent.mkdir()
    shutil.copy(BUILD, command)
    path = tmp_path / "course" / "source" / "homework_1" / "homework_1.ipynb"
    path.parent.mkdir(parents=True)
    (tmp_path / "course" / "nbgrader_config.py").write_text(
        "c = get_config()\nc.ClearSolutions.code_stub = {'python': 'todo'}\n"
    )
    command = partial(run, command, "course", cwd=tmp_path, jupyter=tmp_path / "jupyter")
    return command, nbformat.read(SOURCES[0], as_version=4), path


def test_an_instructors_own_versions_are_kept_and_built(one_assignment, tmp_path):
    command, own, path = one_assignment
    cell(own, "turn_hidden").source = "assert 'a test that all can see'"
    nbformat.write(own, path)
    before = path.read_bytes()
    for _ in range(2):
        assert f"homework_1: your version in {tmp_path / 'course' / 'source'} differs" in command().stdout
        assert path.read_bytes() == before
        released = nbformat.read(tmp_path / "course" / "release" / "homework_1" / "homework_1.ipynb", as_version=4)
        assert cell(released, "turn").source.endswith("\n    todo")
        assert cell(released, "turn_hidden").source == cell(own, "turn_hidden").source


def test_a_source_that_nbgrader_cannot_read_is_named(one_assignment, tmp_path):
    command, broken, path = one_assignment
    cell(broken, "turn").source = cell(broken, "turn").source.replace("### END SOLUTION", "")
    nbformat.write(broken, path)
    result = command()
    assert result.returncode == 1
    assert result.stderr.endswith(
        f"nbgrader could not build {path.parent}, for the reason above: mend it, then run this again.\n"
    )
    assert [*(tmp_path / "course").rglob("release/*")] == []


def test_release_versions_are_out_of_reach_of_git_and_of_the_tests():
    assert not build.COURSE.is_relative_to(NOTEBOOKS)
    assert f"/{build.COURSE.name}/" in (Path(build.COURSE).parent / ".gitignore").read_text(encoding="utf-8").split()


# --- Collecting -------------------------------------------------------------------------------------------------------

LIST = """id,first_name,last_name
bob,Bob,Smith
cyd,Cyd,Charisse
eve,Eve,Moneypenny
dan,Dan,Jones
s1234567,Jürgen,Müller
kim,Kim,Lee
kim2,Kim,Park
maria,Maria José,O'Brien
"""
DAY = 86400
MONDAY = 1_000_000_000


def homework(number=1, mark="", cells=None):
    """The bytes of a notebook handed in, or of its first cells; the mark tells two of them apart."""
    notebook = nbformat.read(SOURCES[number - 1], as_version=4)
    notebook.cells = notebook.cells[:cells]
    notebook.metadata["mark"] = mark
    return nbformat.writes(notebook).encode()


class Class:
    """A course folder with sources and a list of students, and a folder in which files come in."""

    def __init__(self, folder):
        self.course, self.place, self.list = folder / "course", folder / "came in", folder / "list.csv"
        build.bring_sources(build.course_folder(self.course))
        self.list.write_text(LIST, encoding="utf-8")

    def comes_in(self, files, time=MONDAY):
        for name, content in files.items():
            path = self.place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (time, time))

    def collect(self, name="homework_1", place=None, listed=True):
        """{file: (outcome, remark)}; those who handed in nothing are under "missing"."""
        students = collecting.read_students(self.list) if listed else []
        lines = collecting.collect(self.course, name, place or self.place, students)
        told = {line.about: (line.outcome, line.said) for line in lines if line.outcome != collecting.MISSING}
        assert len(told) == len([line for line in lines if line.outcome != collecting.MISSING])
        return told | {"missing": [line.about for line in lines if line.outcome == collecting.MISSING]}

    def submitted(self):
        """{student/homework/file: bytes} of all that was collected."""
        place = self.course / "submitted"
        return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}

    def owners(self):
        return sorted(name.split("/")[0] for name in self.submitted() if name.endswith(".ipynb"))


@pytest.fixture
def class_(tmp_path):
    return Class(tmp_path)


NAMED = {
    "bob_homework_1 (1).ipynb": "bob",
    "cyd_homework_1-1.ipynb": "cyd",
    "eve_homework_1_final.ipynb": "eve",
    "Dan Homework 1.ipynb": "dan",
    "DAN_HOMEWORK_1.IPYNB": "dan",
    "Bob Smith_12345_assignsubmission_file_homework_1.ipynb": "bob",
    "Bob Smith_12345_assignsubmission_file/homework_1.ipynb": "bob",
    "Bob Smith_12345_assignsubmission_file_/my work.ipynb": "bob",
    "smithbob_12345_67890_homework_1.ipynb": "bob",
    "smithbob_LATE_12345_67890_homework_1-2.ipynb": "bob",
    "Smith, Bob - homework1.ipynb": "bob",
    "BobSmithHW1.ipynb": "bob",
    "homework_1_bob.ipynb": "bob",
    "homework_1_final_bob.ipynb": "bob",
    "Bob James Smith homework 1.ipynb": "bob",
    "Copy of homework_1 bob.ipynb": "bob",
    "homework_2_bob.ipynb": "bob",  # what it holds is homework_1
    "bob.ipynb": "bob",
    "bob/solution.ipynb": "bob",
    "bob_homework_1.ipynb.txt": "bob",
    "s1234567_homework_1.ipynb": "s1234567",
    "s1234567_jmueller_homework_1.ipynb": "s1234567",
    "Jürgen Müller_1_assignsubmission_file_homework_1.ipynb": "s1234567",
    unicodedata.normalize("NFD", "Müller_homework_1.ipynb"): "s1234567",
    "juergen_mueller_homework_1.ipynb": "s1234567",
    "Jurgen Muller homework 1.ipynb": "s1234567",
    "obrienmariajosé_12_34_homework_1.ipynb": "maria",
    "Maria O'Brien homework 1.ipynb": "maria",
    "kim_homework_1.ipynb": "kim",
    "Kim Park homework 1.ipynb": "kim2",
    "Kim_homework_1.ipynb": "kim",
}


@pytest.mark.parametrize("name", NAMED)
def test_a_file_goes_to_its_student_whatever_its_name(class_, name):
    class_.comes_in({name: homework()})
    told = class_.collect()
    assert told[name] == ("collected", f"from {NAMED[name]}")
    assert class_.submitted() == {
        f"{NAMED[name]}/homework_1/homework_1.ipynb": homework(),
        f"{NAMED[name]}/homework_1/timestamp.txt": b"2001-09-09 01:46:40 UTC",
    }
    assert sorted([*told["missing"], NAMED[name]]) == sorted(line.split(",")[0] for line in LIST.splitlines()[1:])


def test_a_list_may_write_its_accents_as_letters_of_their_own(class_):
    class_.list.write_text(unicodedata.normalize("NFD", LIST), encoding="utf-8")
    class_.comes_in({"juergen_mueller_homework_1.ipynb": homework()})
    assert class_.collect()["juergen_mueller_homework_1.ipynb"] == ("collected", "from s1234567")


WITHOUT_A_LIST = {
    "bob_homework_1 (1).ipynb": "bob",
    "cyd_homework_1-1.ipynb": "cyd",
    "eve_homework_1_final.ipynb": "eve",
    "Dan Homework 1.ipynb": "dan",
    "van_der_berg_homework_1.ipynb": "van_der_berg",
    "Bob Smith_12345_assignsubmission_file_homework_1.ipynb": "bob_smith",
    "smithbob_LATE_12345_67890_homework_1-2.ipynb": "smithbob",
    unicodedata.normalize("NFD", "Jürgen_homework_1.ipynb"): "jurgen",
}


@pytest.mark.parametrize("name", WITHOUT_A_LIST)
def test_without_a_list_the_student_is_what_stands_before_the_name_of_the_homework(class_, name):
    class_.comes_in({name: homework()})
    assert class_.collect(listed=False) == {name: ("collected", f"from {WITHOUT_A_LIST[name]}"), "missing": []}
    assert class_.owners() == [WITHOUT_A_LIST[name]]


FOREIGN = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])).encode()
FEW = "without most of the cells of homework_1: ask for the notebook handed out, filled in"
NONE = "no notebook that can be read: ask for the .ipynb, as saved in Jupyter"
ZIP = "a zip that is empty, broken, or deep in others: look into it"
RENAME = "name it ID_homework_1.ipynb, or mend the list, and run this again"
SAME = "the same as the one collected"
LISTED = {
    "fay_homework_1.ipynb": (homework(), f"from nobody on the list: {RENAME}"),
    "Dan Lee homework_1.ipynb": (homework(), f"from nobody on the list: {RENAME}"),
    "homework_1.ipynb": (homework(), f"from nobody on the list: {RENAME}"),
    "Untitled1.ipynb": (homework(), f"from nobody on the list: {RENAME}"),
    "bob/cyd_homework_1.ipynb": (homework(), f"from bob or cyd: {RENAME}"),
    "bob_homework_1.ipynb": (homework(2), "this is homework_2: put it with the files for that"),
    "bob_homework_1_lesson.ipynb": (FOREIGN, FEW),
    "bob_homework_1_scratch.ipynb": (homework(cells=7), FEW),
    "eve_homework_1.ipynb": (b'{"cells": [', NONE),
    "dan_homework_1.ipynb": (b"", NONE),
    "bob_homework_1.html": (b"<html></html>", NONE),
    "bob_homework_1.py": (b"x = 1", NONE),
    "bob_homework_1.json": (b"[1, 2]", NONE),
    "bob_homework_1.zip": (b"PK\x03\x04 and no more", ZIP),
    "cyd_homework_1.zip": (zipped({}), ZIP),
}


def test_what_cannot_be_collected_is_listed_with_what_to_do(class_):
    class_.comes_in({name: content for name, (content, _) in LISTED.items()})
    told = class_.collect()
    assert len(told.pop("missing")) == 8
    assert told == {name: ("to do", said) for name, (_, said) in LISTED.items()}
    assert class_.submitted() == {}


def test_without_a_list_a_name_that_tells_no_student_is_listed(class_):
    class_.comes_in({"bob/homework_1.ipynb": homework()})
    said = "from whom its name does not tell: name it ID_homework_1.ipynb and run this again"
    assert class_.collect(listed=False) == {"bob/homework_1.ipynb": ("to do", said), "missing": []}


def test_a_name_that_two_students_share_is_nobodys(class_):
    class_.list.write_text("id,first_name,last_name\n1,Kim,Lee\n2,Kim,Park\n", encoding="utf-8")
    class_.comes_in({"Kim homework 1.ipynb": homework(), "Kim/Park.ipynb": homework()})
    told = class_.collect()
    assert told["Kim homework 1.ipynb"] == ("to do", f"from 1 or 2: {RENAME}")
    assert told["Kim/Park.ipynb"] == ("collected", "from 2")


def test_zips_are_opened_and_each_file_in_them_is_told(class_):
    secret = bytearray(zipped({"x.ipynb": b"text"}))
    secret[6] |= 1  # says that it has a password, here and in the contents at the end
    secret[secret.index(b"PK\x01\x02") + 8] |= 1
    matryoshka = homework()
    for _ in range(collecting.MOST_ZIPS + 1):
        matryoshka = zipped({"in.zip": matryoshka})
    class_.place.mkdir()
    outer = class_.place / "all of them.zip"
    outer.write_bytes(
        zipped(
            {
                "bob.zip": zipped({"homework_1.ipynb": homework(), "__MACOSX/._homework_1.ipynb": b"x"}),
                "a folder/": b"",
                "a folder/cyd_homework_1.ipynb": homework(),
                ".DS_Store": b"x",
                "eve.zip": bytes(secret),
                "dan.zip": matryoshka,
            }
        )
    )
    expected = {
        "bob.zip/homework_1.ipynb": ("collected", "from bob"),
        "a folder/cyd_homework_1.ipynb": ("collected", "from cyd"),
        ".DS_Store": ("nothing to do", "made by a computer, not by a student"),
        "bob.zip/__MACOSX/._homework_1.ipynb": ("nothing to do", "made by a computer, not by a student"),
        "eve.zip/x.ipynb": ("to do", "too large, locked, or broken in its zip: look into it"),
        "dan.zip/in.zip/in.zip/in.zip": ("to do", ZIP),
    }
    told = class_.collect(place=outer)
    assert told.pop("missing") == ["dan", "eve", "kim", "kim2", "maria", "s1234567"]
    assert told == expected
    again = class_.collect()
    assert set(again) == {f"all of them.zip/{name}" for name in expected} | {"missing"}
    assert again["all of them.zip/bob.zip/homework_1.ipynb"] == ("nothing to do", f"from bob, {SAME}")


def test_files_that_only_a_computer_wrote_are_told_and_left(class_):
    names = (".DS_Store", "x/Thumbs.db", "desktop.ini", "__MACOSX/x/._bob_homework_1.ipynb", "__MACOSX/bob.zip")
    names += ("._bob_homework_1.ipynb", ".ipynb_checkpoints/bob_homework_1-checkpoint.ipynb")
    class_.comes_in({name: homework() for name in names})
    told = class_.collect()
    assert len(told.pop("missing")) == 8
    assert told == {name: ("nothing to do", "made by a computer, not by a student") for name in names}
    assert class_.submitted() == {}


def test_what_is_too_large_or_cannot_be_read_is_listed(class_, monkeypatch):
    monkeypatch.setattr(collecting, "MOST_BYTES", len(homework()) - 1)
    class_.comes_in({"x.zip": zipped({"bob_homework_1.ipynb": homework()})})
    (class_.place / "cyd_homework_1.ipynb").symlink_to(class_.place / "nowhere")
    told = class_.collect()
    assert told["x.zip/bob_homework_1.ipynb"] == ("to do", "too large, locked, or broken in its zip: look into it")
    assert told["cyd_homework_1.ipynb"] == ("to do", "it cannot be read (No such file or directory): look into it")
    monkeypatch.setattr(collecting, "MOST_UNPACKED", len(homework()) - 1)
    assert class_.collect()["x.zip"] == ("to do", "a zip with more in it than memory may hold: look into it")
    assert class_.submitted() == {}


def test_the_names_in_a_zip_of_macos_are_read_as_it_meant_them(class_):
    name = unicodedata.normalize("NFD", "Müller_homework_1.ipynb")
    stored = zipped({name: homework()})
    flag = (0x800).to_bytes(2, "little")
    assert stored.count(flag + b"\0\0") >= 2
    class_.comes_in({"x.zip": stored.replace(flag + b"\0\0", b"\0\0\0\0")})
    assert class_.collect(place=class_.place / "x.zip")[name] == ("collected", "from s1234567")


def test_of_two_files_the_later_is_collected_and_running_again_changes_nothing(class_):
    class_.comes_in({"bob_homework_1.ipynb": homework(mark="late")}, MONDAY + DAY)
    class_.comes_in({"bob_homework_1 (1).ipynb": homework(mark="early"), "bob-2.ipynb": homework(mark="late")})
    class_.comes_in({f"cyd_homework_1{end}.ipynb": homework(mark=end) for end in ("", " (2)", " (10)")})
    earlier = "to have it, put it at {}: it is not later than the one collected"
    places = {name: class_.course / "submitted" / name / "homework_1" / "homework_1.ipynb" for name in ("bob", "cyd")}
    left_out = {
        "bob_homework_1 (1).ipynb": ("left out", f"from bob, {earlier.format(places['bob'])}"),
        "cyd_homework_1.ipynb": ("left out", f"from cyd, {earlier.format(places['cyd'])}"),
        "cyd_homework_1 (2).ipynb": ("left out", f"from cyd, {earlier.format(places['cyd'])}"),
    }
    same = "nothing to do", f"from bob, {SAME}"
    told = class_.collect()
    assert told.pop("missing") == ["dan", "eve", "kim", "kim2", "maria", "s1234567"]
    assert told == left_out | {
        "bob_homework_1.ipynb": ("collected", "from bob"),
        "bob-2.ipynb": same,
        "cyd_homework_1 (10).ipynb": ("collected", "from cyd"),
    }
    before = class_.submitted()
    assert before["bob/homework_1/homework_1.ipynb"] == homework(mark="late")
    assert before["bob/homework_1/timestamp.txt"] == b"2001-09-10 01:46:40 UTC"
    assert before["cyd/homework_1/homework_1.ipynb"] == homework(mark=" (10)")
    times = {path: path.stat().st_mtime_ns for path in class_.course.rglob("*")}
    told = class_.collect()
    assert {name: told[name] for name in left_out} == left_out
    assert told["bob_homework_1.ipynb"] == same
    assert class_.submitted() == before
    assert {path: path.stat().st_mtime_ns for path in class_.course.rglob("*")} == times


def test_a_later_file_takes_the_place_of_an_earlier_and_never_the_other_way_round(class_):
    class_.comes_in({"bob_homework_1.ipynb": homework(mark="first")}, MONDAY + DAY)
    class_.collect()
    for time, mark, collected in ((0, "older", False), (DAY, "as old", False), (2 * DAY, "newer", True)):
        class_.comes_in({"bob_homework_1.ipynb": homework(mark=mark)}, MONDAY + time)
        outcome, said = class_.collect()["bob_homework_1.ipynb"]
        assert outcome == ("collected" if collected else "left out")
        kept = class_.submitted()["bob/homework_1/homework_1.ipynb"]
        assert kept == homework(mark="newer" if collected else "first")
    assert said == "from bob, in place of an earlier one"
    assert class_.submitted()["bob/homework_1/timestamp.txt"] == b"2001-09-11 01:46:40 UTC"


def test_the_time_of_a_file_in_a_zip_is_that_which_the_zip_tells(class_):
    early, late = (2027, 2, 1, 12, 0, 0), (2027, 2, 1, 12, 0, 2)
    class_.comes_in({"2.zip": zipped({"bob_homework_1.ipynb": homework(mark="early")}, early)}, MONDAY + DAY)
    class_.comes_in({"1.zip": zipped({"bob_homework_1.ipynb": homework(mark="late")}, late)})
    assert class_.collect()["1.zip/bob_homework_1.ipynb"] == ("collected", "from bob")
    assert class_.submitted()["bob/homework_1/homework_1.ipynb"] == homework(mark="late")
    time = (class_.course / "submitted" / "bob" / "homework_1" / "homework_1.ipynb").stat().st_mtime
    assert time == datetime(*late).timestamp()


def test_a_run_that_is_cut_short_leaves_what_was_there_and_the_next_one_goes_on(class_, monkeypatch):
    class_.comes_in({"bob_homework_1.ipynb": homework(mark="first")})
    class_.collect()
    class_.comes_in({"bob_homework_1.ipynb": homework(mark="second")}, MONDAY + DAY)
    with monkeypatch.context() as patched, pytest.raises(OSError):
        patched.setattr(os, "replace", lambda *paths: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        class_.collect()
    assert set(class_.submitted().values()) == {homework(mark="first")}
    assert class_.collect()["bob_homework_1.ipynb"] == ("collected", "from bob, in place of an earlier one")
    assert class_.submitted() == {
        "bob/homework_1/homework_1.ipynb": homework(mark="second"),
        "bob/homework_1/timestamp.txt": b"2001-09-10 01:46:40 UTC",
    }


def test_the_command_prints_a_line_for_each_file_and_for_each_student_without_one(class_, capsys):
    class_.list.write_text("\ufeffid;first_name;last_name\nbob;Bob;Smith\ncyd;Cyd;Charisse\n", encoding="utf-8")
    class_.list.rename(class_.course / "students.csv")
    class_.comes_in({"Smith.ipynb": homework(), "two\nlines.html": b""})
    assert build.main(["collect", "homework_1", str(class_.place), "--course", str(class_.course)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "collected      Smith.ipynb: from bob",
        f"to do          two\\nlines.html: {NONE}",
        "missing        cyd: no homework_1",
        "2 files: 1 collected, 0 nothing to do, 0 left out, 1 to do, 1 missing",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "ID,First_Name,Last_Name,Email\nbob,Bob,Smith,b@x.org\n",
        "id;First Name;Last name;E-Mail;email\nbob;Bob;Smith;;b@x.org\n;;;;\n",
        "id\tfirst_name\tlast_name\temail\r\nbob\tBob\tSmith\tb@x.org\r\n\r\n",
    ],
)
def test_a_list_is_read_as_spreadsheets_write_it(tmp_path, text):
    (tmp_path / "list.csv").write_text(text, encoding="utf-8", newline="")
    assert collecting.read_students(tmp_path / "list.csv") == [("bob", "Bob", "Smith", "b@x.org")]


@pytest.mark.parametrize(
    ("arguments", "table", "said"),
    [
        (["homework_9", "."], LIST, "source holds no homework_9: give one of its homework (homework_1, homework_2, "),
        (["homework_1", "nowhere"], LIST, "nowhere is not there, or holds the course: give the folder"),
        (["homework_1", "/"], LIST, "/ is not there, or holds the course: give the folder, or the zip, of what"),
        (["homework_1", "."], "name\nbob\n", "has no column id: its first line must be id,first_name,last_name."),
        (["homework_1", "."], "id\nbob\nbob\n..\n", "has the id 'bob', '..': each must be there once, and name"),
        (["homework_1", "."], "id,last_name\nbob,Müller\n", "is not in UTF-8: save it as 'CSV UTF-8'."),
    ],
)
def test_what_stops_the_command_is_said(class_, capsys, arguments, table, said):
    class_.list.write_text(table, encoding="cp1252" if "UTF-8" in said else "utf-8")
    assert build.main(["collect", *arguments, f"--course={class_.course}", f"--students={class_.list}"]) == 1
    assert said in capsys.readouterr().err
    assert class_.submitted() == {}


def test_a_list_that_is_not_there_is_said(class_, capsys):
    assert build.main(["collect", "homework_1", ".", f"--course={class_.course}", "--students=none.csv"]) == 1
    assert capsys.readouterr().err == "none.csv cannot be read or written: No such file or directory.\n"
