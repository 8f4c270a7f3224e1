"""The whole edition for students: built, looked through, updated under a student's hands, and tested by its own tests.

It takes a quarter of an hour; what can be asked of a few exercises and small repositories is in test_editions.py.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module

import nbformat
import pytest
from nbgitpuller.pull import GitPuller

from helpers.exercises.record import COURSE
from tests.answers import assert_same_words, code_of_answers, links_of, load, text_of
from tools.editions import recording, repository, student
from tools.refresh import NOTEBOOKS, ROOT

pytestmark = pytest.mark.extra

LESSON = "notebooks/05_how_many_factors.ipynb"
SECRET = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", re.DOTALL)


def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True, text=True)
    return done.stdout.strip()


def files(folder):
    return git(folder, "ls-files").splitlines()


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    folder = tmp_path_factory.mktemp("editions") / "course"
    assert student.main([str(folder)]) == 0
    return folder


def test_the_first_build_is_one_commit_and_the_next_without_a_change_is_none(edition):
    first = git(edition, "rev-parse", "HEAD")
    assert student.main([str(edition)]) == 0
    assert git(edition, "rev-parse", "HEAD") == first and git(edition, "rev-list", "--count", "HEAD") == "1"
    assert git(edition, "status", "--porcelain") == ""
    assert [path.name for path in edition.parent.iterdir()] == ["course"]


def test_with_another_seed_only_the_homework_changes_in_one_commit(edition, tmp_path):
    git(tmp_path, "clone", "--quiet", str(edition), "course")
    shutil.copy(edition / ".git" / "edition.json", tmp_path / "course" / ".git")
    assert student.main([str(tmp_path / "course"), "--seed", "7"]) == 0
    changed = git(tmp_path / "course", "diff", "--name-only", "HEAD~1").splitlines()
    assert changed == [f"notebooks/homework_{k}.ipynb" for k in (1, 2, 3)]


def test_what_is_not_made_for_students_is_that_of_the_course(edition):
    made = {name for name in files(edition) if not (ROOT / name).exists()}
    assert {name for name in made if not name.startswith(f"{recording.EXERCISES}/")} == {
        f"notebooks/homework_{k}.ipynb" for k in (1, 2, 3)
    }
    assert {name for name in made if name.endswith(".npz")} == {f"{recording.EXERCISES}/{one}.npz" for one in COURSE}
    other = {name for name in files(edition) if name not in made
             and (edition / name).read_bytes() != (ROOT / name).read_bytes()}  # fmt: skip
    lessons = {name for name in other if name.endswith(".ipynb")}
    for name in lessons:
        whole = (ROOT / name).read_text(encoding="utf-8")
        said = whole.replace("solution()` the solution", "solution()` says whom to ask")
        assert (edition / name).read_text(encoding="utf-8") == said
    assert len(lessons) > 10
    texts = {"Makefile", "README.md", "docs/researchers.md", "tests/between_cells.py"}
    assert other - lessons == texts | set(recording.modules_without_answers())


def test_no_code_of_an_answer_is_in_the_exercises_or_their_records(edition):
    modules = {name: (edition / name).read_text(encoding="utf-8") for name in recording.modules_without_answers()}
    secret = {line.encode() for line in code_of_answers(modules)}
    assert len(secret) > 900
    for name in files(edition):
        text = (edition / name).read_bytes()
        assert b"BEGIN SOLUTION" not in text and b"BEGIN HIDDEN TESTS" not in text, name
        # What a lesson or a homework gives may be what an exercise elsewhere asks for.
        if name.startswith(f"{recording.EXERCISES}/") and (name in modules or name.endswith(".npz")):
            assert [line for line in secret if line in text] == [], name


def test_no_solution_and_no_hidden_test_is_in_the_homework(edition):
    for path in (NOTEBOOKS / "homework").glob("homework_*.ipynb"):
        whole, released = text_of(path), text_of(edition / "notebooks" / path.name)
        given = SECRET.sub("", whole)
        hidden = {line.strip() for part in SECRET.findall(whole) for line in part.splitlines()} - {""}
        secret = {line for line in hidden if line not in given}
        assert len(secret) > 30 and [line for line in secret if line in released] == []
        assert released.count("...  # your code") >= 5


def test_no_lesson_names_what_the_edition_does_not_have(edition):
    there = set(files(edition))
    assert [(name, one) for name in there for one in links_of(edition, name) if one not in there] == []
    for name in there:
        assert not name.startswith(("teaching", "docs/instructors", "docs/administrators", "tools/editions"))


@pytest.mark.parametrize("topic", COURSE)
def test_every_exercise_says_what_that_of_the_whole_course_says(edition, topic):
    assert_same_words(import_module(f"helpers.exercises.{topic}"), load(edition / recording.EXERCISES, topic))


# --- A student's clone ------------------------------------------------------------------------------------------------


@pytest.fixture
def public(edition, tmp_path):
    """The repository that students clone."""
    git(tmp_path, "clone", "--quiet", str(edition), "public")
    return tmp_path / "public"


def next_edition(public):
    """One more commit of a build: the lesson begins with other words, and has a cell more."""

    def fill(content):
        for name in files(public):
            (content / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(public / name, content / name)
        lesson = nbformat.read(content / LESSON, as_version=4)
        lesson.cells[0].source += "\n\nA new edition."
        lesson.cells.append(nbformat.v4.new_markdown_cell("One cell more.", id="one-more"))
        nbformat.write(lesson, content / LESSON)

    assert repository.build(public, student.EDITION, ["LICENSE"], fill).endswith("one commit further.")


def answer(mine):
    """Writes an answer into the place of the dots of the lesson's first exercise; the cell's id."""
    lesson = nbformat.read(mine / LESSON, as_version=4)
    cell = next(cell for cell in lesson.cells if cell.cell_type == "code" and "q1.check(" in cell.source)
    cell.source = cell.source.replace("...", "123.5  # my own answer")
    assert "my own answer" in cell.source
    nbformat.write(lesson, mine / LESSON)
    return cell.id


def assert_new_and_answered(mine, where):
    lesson = nbformat.read(mine / LESSON, as_version=4)
    assert lesson.cells[0].source.endswith("A new edition.") and lesson.cells[-1].id == "one-more"
    assert "123.5  # my own answer" in next(cell.source for cell in lesson.cells if cell.id == where)


def pull(public, mine):
    for _ in GitPuller(f"file://{public}", str(mine), branch="main").pull():
        pass


def test_nbgitpuller_brings_the_next_edition_and_keeps_an_answer(public, tmp_path):
    mine = tmp_path / "hub" / "course"
    mine.parent.mkdir()
    pull(public, mine)
    where = answer(mine)
    next_edition(public)
    pull(public, mine)
    assert_new_and_answered(mine, where)


def test_make_update_brings_the_next_edition_and_keeps_an_answer(public, tmp_path):
    git(tmp_path, "clone", "--quiet", str(public), "mine")
    mine = tmp_path / "mine"
    where = answer(mine)
    next_edition(public)
    recipe = re.search(r"^update:.*\n\t@\$\(PYTHON\) (.*)$", (mine / "Makefile").read_text(encoding="utf-8"), re.M)
    assert recipe
    assert "1 changed and 0 own cells kept" in run(mine, *recipe[1].split())
    assert_new_and_answered(mine, where)


def run(folder, *arguments):
    """What a command of the Makefile prints, with this Python in the place of the folder's own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH"))}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    return done.stdout


def test_its_own_tests_are_green(public):
    recipe = re.search(
        r"^test:.*\n\t@\$\(PYTHON\) (.*) \$\(ARGS\)$", (public / "Makefile").read_text(encoding="utf-8"), re.M
    )
    assert recipe
    said = run(public, *recipe[1].split())
    assert re.search(r"\d{3,} passed", said) and "failed" not in said
    assert git(public, "status", "--porcelain") == ""
