"""The homework, graded by nbgrader itself in a course folder of its own: right answers get all points, others do not.

`make homework` builds the folder; students hand in; nbgrader grades and exports. No program of the environment is on
the PATH, as on the machine of an instructor who has not activated it.
"""

import csv
import errno
import getpass
import json
import os
import re
import shutil
import subprocess
import sys
from copy import deepcopy
from functools import partial
from pathlib import Path

import nbformat
import pytest

from tools import homework as build
from tools.refresh import NOTEBOOKS, ROOT

nbgrader_api = pytest.importorskip("nbgrader.api", reason="nbgrader is not installed: run `make environment`.")

BUILD = ROOT / "tools" / "homework.py"
SOURCES = sorted((NOTEBOOKS / "homework").glob("*.ipynb"))
NAMES = [path.stem for path in SOURCES]
POINTS, READ_BY_A_PERSON = 20, 3
WRITTEN = {"homework_1": "did_beta_move", "homework_2": "two_students", "homework_3": "read_this_report"}
# Seconds for a cell of the student whose loop does not end; its first cell, which imports, needs one or two.
TIME_LIMIT = 12
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
        self.built = run(BUILD, self.folder, cwd=folder, jupyter=self.jupyter)
        assert self.built.returncode == 0, self.built.stderr

    def nbgrader(self, *commands, cwd=None):
        """Runs commands such as `autograde homework_1`, each given as a line, one after another. All must succeed."""
        apps = json.dumps([as_app(command) for command in commands])
        result = run("-c", COMMANDS, apps, cwd=cwd or self.folder, jupyter=self.jupyter)
        assert result.returncode == 0, result.stderr

    def notebook(self, name, step="release"):
        return nbformat.read(self.folder / step / name / f"{name}.ipynb", as_version=4)

    def hand_in(self, student, name, notebook):
        path = self.folder / "submitted" / student / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)

    def graded(self, student, name):
        return nbformat.read(self.folder / "autograded" / student / name / f"{name}.ipynb", as_version=4)

    def gradebook(self):
        return nbgrader_api.Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}")

    def scores(self, student, name):
        """{cell: (points, most points)} of a student's work, and the cells that wait for a person."""
        with self.gradebook() as book:
            grades = book.find_submission_notebook(name, name, student).grades
            return {g.name: (g.score, g.max_score) for g in grades}, [g.name for g in grades if g.needs_manual_grade]

    def score(self, student, name):
        return sum(points for points, _ in self.scores(student, name)[0].values())


def as_app(command):
    """["AutogradeApp", "homework_1"] of the command line `autograde homework_1`."""
    name, *arguments = command.split()
    return ["".join(word.capitalize() for word in name.split("_")) + "App", *arguments]


def cell(notebook, grade_id):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def with_answer(notebook, grade_id, code):
    """The notebook with this code as the answer to a task."""
    cell(notebook, grade_id).source = code
    return notebook


def typed_in(source, grade_id, arguments):
    """An answer that knows the numbers of the visible tests by heart and computes nothing."""
    namespace = {}
    exec(cell(source, "given").source + "\n" + cell(source, grade_id).source, namespace)
    values = eval(f"[each.tolist() for each in {grade_id}({arguments})]", namespace)
    return f"def {grade_id}({arguments}):\n    return [np.array(each) for each in {values}]"


def without_its_tests(notebook):
    """The notebook after a student who had no answers made every test pass, and deleted one."""
    for each in notebook.cells:
        if each.metadata.get("nbgrader", {}).get("points") and not each.metadata.nbgrader.solution:
            each.source = "pass"
    notebook.cells.remove(cell(notebook, "turn_hidden"))
    return notebook


def endless(source, grade_id, arguments):
    """The right answer, but with the data of the visible test it never comes to an end."""
    head, rest = cell(source, grade_id).source.split("\n", 1)
    return f"{head}\n    while len({arguments[0]}) == 120:\n        pass\n{rest}"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Every assignment handed in with the right answers, and untouched; the first one also by students with ideas."""
    course = Course(tmp_path_factory.mktemp("class"))
    for name in NAMES:
        course.hand_in("reference", name, course.notebook(name, "source"))
        course.hand_in("untouched", name, course.notebook(name))
    source = course.notebook("homework_1", "source")
    for student, task, arguments, way in (
        ("typed", "regress", "R, F", typed_in),
        ("endless", "turn", "F, betas, F_true", endless),
    ):
        course.hand_in(student, "homework_1", with_answer(deepcopy(source), task, way(source, task, arguments)))
    course.hand_in("tampered", "homework_1", without_its_tests(course.notebook("homework_1")))
    archive = course.folder / "downloaded" / "homework_2" / "archive"
    archive.mkdir(parents=True)
    for student in ("ada", "van_der_berg"):
        shutil.copy(
            course.folder / "release" / "homework_2" / "homework_2.ipynb", archive / f"{student}_homework_2.ipynb"
        )
    course.nbgrader(
        f"autograde homework_1 --student=endless --Execute.timeout={TIME_LIMIT}",
        *(f"autograde {name}" for name in NAMES),
        "zip_collect homework_2",
    )
    return course


# --- What the issue asks of the marks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_right_answers_get_all_points(course, name):
    scores, waiting = course.scores("reference", name)
    assert waiting == [WRITTEN[name]]
    assert {grade_id: points for grade_id, (points, most) in scores.items() if points < most} == {WRITTEN[name]: 0}
    assert course.score("reference", name) == POINTS - READ_BY_A_PERSON


@pytest.mark.parametrize("name", NAMES)
def test_the_untouched_release_gets_none_and_waits_for_nobody(course, name):
    scores, waiting = course.scores("untouched", name)
    assert {points for points, _ in scores.values()} == {0} and waiting == []
    told = [output for each in course.graded("untouched", name).cells for output in each.get("outputs", ())]
    assert sum("returns nothing yet" in output.get("evalue", "") for output in told) == 5


def test_a_typed_in_answer_passes_what_it_sees_and_fails_the_hidden_test(course):
    scores, _ = course.scores("typed", "homework_1")
    assert scores["regress_tests"] == (2, 2) and scores["regress_hidden"] == (0, 2)
    assert course.score("typed", "homework_1") == POINTS - READ_BY_A_PERSON - 2


def test_tests_that_were_changed_or_deleted_are_put_back(course):
    graded, source = course.graded("tampered", "homework_1"), course.notebook("homework_1", "source")
    for each in source.cells:
        grade_id = each.metadata.get("nbgrader", {}).get("grade_id", "")
        if grade_id.endswith(("_tests", "_hidden")):
            assert cell(graded, grade_id).source.endswith(each.source)
    assert course.score("tampered", "homework_1") == 0


def test_an_endless_loop_is_stopped_and_costs_no_more_than_its_own_test(course):
    scores, _ = course.scores("endless", "homework_1")
    assert scores["turn_tests"] == (0, 1) and scores["turn_hidden"] == (2, 2)
    assert course.score("endless", "homework_1") == POINTS - READ_BY_A_PERSON - 1
    outputs = cell(course.graded("endless", "homework_1"), "turn_tests").outputs
    assert "CellTimeoutError" in [output.get("ename") for output in outputs]


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


# --- The steps of the README ------------------------------------------------------------------------------------------


def test_files_are_collected_by_their_names(course):
    for student in ("ada", "van_der_berg"):
        assert (course.folder / "submitted" / student / "homework_2" / "homework_2.ipynb").is_file()


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


@pytest.fixture(scope="module")
def marked(course):
    """The course after a person has read the written answers, with the exported marks and one student's feedback."""
    with course.gradebook() as book:
        for name in NAMES:
            grade = book.find_grade(WRITTEN[name], name, name, "reference")
            grade.manual_score, grade.needs_manual_grade = READ_BY_A_PERSON, False
        book.db.commit()
    course.nbgrader("export", "generate_feedback homework_1 --student=typed")
    return course


def test_with_the_marks_of_a_person_the_right_answers_have_full_marks_in_the_exported_table(marked):
    with (marked.folder / "grades.csv").open(newline="") as file:
        marks = {
            (row["student_id"], row["assignment"]): (row["score"], row["max_score"]) for row in csv.DictReader(file)
        }
    assert [marks["reference", name] for name in NAMES] == [("20.0", "20.0")] * 3
    assert [marks["untouched", name] for name in NAMES] == [("0.0", "20.0")] * 3
    assert marks["typed", "homework_1"] == ("15.0", "20.0")


def test_feedback_shows_a_student_the_hidden_test_that_failed(marked):
    page = (marked.folder / "feedback" / "typed" / "homework_1" / "homework_1.html").read_text(encoding="utf-8")
    assert "in a market of 37 dates" in page


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
