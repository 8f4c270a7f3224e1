"""A real hub: three students and a teacher with accounts of their own, on loopback, as docs/administrators.md says."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys

import pytest

if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("bwrap") is None:
    pytest.skip("a hub with users of its own needs Linux, root and bubblewrap.", allow_module_level=True)

from tests import hub

pytestmark = pytest.mark.extra


@pytest.fixture(scope="module")
def term(tmp_path_factory):
    """What happened on the hub, from the first start to the feedback."""
    folder = tmp_path_factory.mktemp("hub")
    done = subprocess.run(hub.command_line(folder), capture_output=True, text=True, check=False)
    log = folder / "srv" / "hub" / "log"
    assert done.returncode == 0, done.stderr[-3000:] + (log.read_text()[-3000:] if log.exists() else "")
    return json.loads(done.stdout.splitlines()[-1])


def test_each_student_gets_the_lessons_by_a_link(term):
    assert term["pulled"] == [True] * 3


def test_three_lessons_run_at_once_without_an_error(term):
    assert {name: lesson["errors"] for name, lesson in term["lessons"].items()} == {name: [] for name in hub.STUDENTS}
    assert min(lesson["cells"] for lesson in term["lessons"].values()) > 15


def test_a_server_takes_a_fifth_of_a_gigabyte_at_most_and_its_lesson_one(term):
    assert 50 < max(term["memory of a server"].values()) < 200
    assert 200 < max(lesson["memory"] for lesson in term["lessons"].values()) < 200 + 1000


def test_a_terminal_knows_nbgrader(term):
    assert "nbgrader version" in "".join(term["attempts"]["!nbgrader --version"])


def test_nobody_changes_the_environment_or_looks_into_another_home(term):
    said = {code: outputs for code, outputs in term["attempts"].items() if code.startswith("import")}
    assert len(said) == 4
    for code, outputs in said.items():
        assert len(outputs) == 1 and outputs[0].startswith("error: ") and "ermission denied" in outputs[0], code


def test_percent_pip_adds_a_package_for_its_student_alone_and_leaves_what_is_there(term):
    (its_own,), (numpy,) = term["its own package"]
    assert "'/home/ada/.packages/" in its_own and its_own.endswith(", 42)")
    assert "/.venv/lib/" in numpy and "/home/" not in numpy


def test_a_lesson_that_was_only_opened_stays_as_it_was(term):
    assert term["only opened"] is True


def test_a_new_edition_comes_by_the_same_link_and_what_a_student_wrote_stays(term):
    assert term["pulled again"] == [True, True, True]


def test_homework_is_fetched_handed_in_graded_and_its_feedback_comes_back(term):
    assert "3 students: 2 graded, 1 to read, 0 crashed, 0 missing" in term["graded"]
    assert "3 students: 3 graded, 0 to read, 0 crashed, 0 missing" in term["graded again"]
    table = {row["id"]: row for row in csv.DictReader(io.StringIO(term["table"].lstrip("\ufeff")))}
    assert [float(table[name]["points"]) for name in hub.STUDENTS] == [19.5, 0, 4]
    for name, points in zip(hub.STUDENTS, ("19.5", "0", "4"), strict=True):
        (page,) = term["feedback"][name]
        assert f"Points: {points} of 20." in page
