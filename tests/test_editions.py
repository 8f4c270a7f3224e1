"""The editions as git repositories, and what that for students leaves out of the code; the whole in test_student.py."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

from helpers.exercises.checker import Choice, Exercise, Open
from helpers.exercises.record import COURSE
from tests.answers import assert_same_words, code_of_answers, links_of, load, questions
from tools.editions import instructor, recording, repository, stamp, student
from tools.editions.repository import NotBuilt
from tools.refresh import ROOT

QUICK = ("time_series_regression", "risk_premia", "let_others_judge", "real_stocks")  # to record


def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True, text=True)
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def nobodys_settings(tmp_path, monkeypatch):
    (tmp_path / "settings").touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "settings"))


def build(folder, **files):
    """An edition of these files."""

    def fill(content):
        for name, text in files.items():
            (content / f"{name}.txt").write_text(text)

    return repository.build(folder, "Small edition", ["LICENSE"], fill)


def fail(content):
    (content / "half.txt").write_text("written")
    raise OSError(28, "No space left on device", "half.txt")


# --- Repositories -----------------------------------------------------------------------------------------------------


def test_the_first_build_is_a_repository_with_one_commit_of_nobody_in_particular(tmp_path):
    place = tmp_path / "new" / "course"
    assert build(place, a="one", b="two") == f"The small edition is in {place}, a git repository."
    assert git(place, "status", "--porcelain", "--branch") == "## main"
    assert git(place, "log", "--format=%an <%ae> %cn") == (
        f"{repository.NOBODY['name']} <{repository.NOBODY['email']}> {repository.NOBODY['name']}"
    )
    assert git(place, "log", "--format=%s").startswith("Small edition of 20")
    assert sorted(path.name for path in place.iterdir()) == [".git", "a.txt", "b.txt"]
    assert [path.name for path in place.parent.iterdir()] == ["course"]
    assert stamp.stale(place / ".git", ROOT) == []


def test_who_is_known_to_git_commits(tmp_path):
    (tmp_path / "settings").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    (tmp_path / "course").mkdir()  # an empty folder will do
    build(tmp_path / "course", a="one")
    assert git(tmp_path / "course", "log", "--format=%an <%ae> %cn") == "Ada <ada@example.org> Ada"


def test_a_build_without_changes_makes_no_commit_and_one_with_changes_makes_one(tmp_path):
    place = tmp_path / "course"
    build(place, a="one", b="two")
    first = git(place, "rev-parse", "HEAD")
    assert build(place, a="one", b="two") == f"Nothing has changed: {place} is the small edition as it was."
    assert git(place, "rev-parse", "HEAD") == first
    assert build(place, a="other", c="three").endswith(", one commit further.")
    assert git(place, "rev-parse", "HEAD~1") == first
    assert git(place, "diff", "--name-status", "HEAD~1").split() == ["M", "a.txt", "D", "b.txt", "A", "c.txt"]
    assert git(place, "status", "--porcelain") == "" and not (place / "b.txt").exists()


def test_what_git_ignores_is_in_an_edition_that_has_it_and_stays_where_it_lies(tmp_path):
    place = tmp_path / "course"
    (tmp_path / "settings").write_text("[core]\n\texcludesFile = " + str(tmp_path / "ignored") + "\n")
    (tmp_path / "ignored").write_text("*.txt\nvenv\n")
    build(place, a="one")
    assert git(place, "ls-files") == "a.txt"
    (place / "venv").mkdir()
    (place / "venv" / "package").write_text("3 GB")
    build(place, a="two")
    assert (place / "venv" / "package").exists() and (place / "a.txt").read_text() == "two"


def test_a_build_goes_on_in_a_clone_of_the_build_before(tmp_path):
    build(tmp_path / "course", a="one")
    git(tmp_path, "clone", "--quiet", "course", "clone")
    assert build(tmp_path / "clone", a="two").endswith(", one commit further.")


def test_a_hook_of_the_repository_around_it_does_not_mislead_git(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    build(tmp_path / "course", a="one")
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert git(tmp_path / "course", "status", "--porcelain") == ""


def holds_a_file(place):
    (place / ".git").rename(place / "other")


def is_a_file(place):
    place.rename(place.with_name("elsewhere"))
    place.write_text("a file")


def has_a_change(place):
    (place / "a.txt").write_text("mine")


def has_a_new_file(place):
    (place / "mine.txt").write_text("mine")


def has_a_commit(place):
    git(
        place, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "--allow-empty", "-m", "Mine"
    )


def has_no_commit(place):
    git(place, "update-ref", "-d", "HEAD")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (holds_a_file, "holds other files, and no git repository of this edition: give a new folder"),
        (is_a_file, "is a file: give a folder"),
        (has_a_change, "has changes that are in no commit"),
        (has_a_new_file, "has changes that are in no commit"),
        (has_a_commit, "The last commit in .*, 'Mine', is none of a build: .* Work in a clone of it"),
        (has_no_commit, "is a git repository without a commit"),
    ],
)
def test_a_folder_with_anything_else_in_it_is_refused(tmp_path, spoil, said):
    place = tmp_path / "course"
    build(place, a="one")
    spoil(place)
    with pytest.raises(NotBuilt, match=said):
        build(place, a="two")
    if place.is_dir():
        assert (place / "a.txt").read_text() == ("mine" if spoil is has_a_change else "one")


def test_after_an_error_the_folder_is_as_it_was_and_nothing_lies_beside_it(tmp_path):
    place = tmp_path / "course"
    with pytest.raises(OSError, match="No space"):
        repository.build(place, "Small edition", ["LICENSE"], fail)
    assert not place.exists() and [path.name for path in tmp_path.iterdir()] == ["settings"]
    build(place, a="one")
    first = git(place, "rev-parse", "HEAD")
    with pytest.raises(OSError, match="No space"):
        repository.build(place, "Small edition", ["LICENSE"], fail)
    assert git(place, "rev-parse", "HEAD") == first and git(place, "status", "--porcelain") == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["course", "settings"]


def test_an_error_is_told_in_a_sentence(tmp_path, capsys, monkeypatch):
    (tmp_path / "course").write_text("a file")
    for edition in (student, instructor):
        assert edition.main([str(tmp_path / "course")]) == 1
        assert capsys.readouterr().err == f"{tmp_path / 'course'} is a file: give a folder.\n"
    monkeypatch.setattr(student, "fill", lambda content, given: fail(content))
    assert student.main([str(tmp_path / "new")]) == 1
    assert capsys.readouterr().err == "half.txt cannot be read or written: No space left on device.\n"


def test_the_instructor_edition_is_all_that_is_tracked(tmp_path):
    place = tmp_path / "all"
    assert instructor.main([str(place)]) == 0
    assert git(place, "ls-files").splitlines() == sorted(repository.tracked())
    assert all((place / name).read_bytes() == (ROOT / name).read_bytes() for name in repository.tracked())
    assert (place / "notebooks/homework/homework_1.ipynb").exists() and (place / "teaching/README.md").exists()


# --- What students do not get -----------------------------------------------------------------------------------------


def test_the_list_of_parts_is_that_of_what_is_there():
    names = repository.tracked()
    absent = [part for part in student.PARTS if not any(one == part or one.startswith(f"{part}/") for one in names)]
    assert absent == []
    chosen = student.chosen()
    for pages in ("teaching/", "tools/bank", "tools/grading", "tools/editions", "notebooks/homework/", "tests/bench"):
        assert not [name for name in chosen if name.startswith(pages)], pages
    for page in ("docs/instructors.md", "docs/administrators.md", "tests/test_solutions.py", "tests/test_exercises.py",
                 "tests/wrong_homework.py", "tests/attacks.py", "tools/homework.py", "CONTRIBUTING.md"):  # fmt: skip
        assert page in names and page not in chosen


def test_what_is_marked_is_left_out_and_links_lead_to_what_is_left(tmp_path):
    names = student.chosen()
    student.copied(names, tmp_path)
    for name in names:
        if name.endswith((".md", "Makefile", ".py")):
            student.adapted(tmp_path / name)
    there = {*names, *(f"notebooks/homework_{k}.ipynb" for k in (1, 2, 3))}
    assert [one for name in names for one in links_of(tmp_path, name) if one not in there] == []
    make = (tmp_path / "Makefile").read_text(encoding="utf-8")
    assert "\nupdate:" in make and not any(one in make for one in ("make grade", "homework:", "not for students"))
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "nstructors" not in readme and "make lab" in readme and "docs/students.md" in readme


def test_a_mark_without_a_partner_is_told(tmp_path):
    page = tmp_path / "page.md"
    for text in ("a\n<!-- not for students: begin -->\nb\n", "a\n<!-- not for students: end -->\nb\n"):
        page.write_text(text)
        with pytest.raises(NotBuilt, match=r"page\.md.*no partner"):
            student.adapted(page)
    page.write_text("a\n# not for students: begin\nb\n# not for students: end\nc\n")
    student.adapted(page)
    assert page.read_text() == "a\nc\n"


def test_the_homework_of_a_course_folder_is_what_it_has_for_students(tmp_path, capsys):
    course, lessons = tmp_path / "homework", tmp_path / "notebooks"
    lessons.mkdir()
    with pytest.raises(NotBuilt, match="has no homework in release/: run make homework first"):
        student.releases(lessons, course, None)
    for place in ("source", "release"):
        (course / place / "homework_1").mkdir(parents=True)
        (course / place / "homework_1" / "homework_1.ipynb").write_text(place)
    student.releases(lessons, course, None)
    assert [path.read_text() for path in lessons.iterdir()] == ["release"]
    with pytest.raises(SystemExit):
        student.main([str(tmp_path / "new"), "--homework", str(course), "--seed", "1"])
    assert "A course folder has its homework already: give --homework or --seed." in capsys.readouterr().err


MODULES = recording.modules_without_answers()


def test_no_code_of_an_answer_is_left_in_the_exercises():
    secret = code_of_answers(MODULES)
    assert len(secret) > 900
    assert [(name, line) for name, text in MODULES.items() for line in secret if line in text] == []


@pytest.mark.parametrize("topic", COURSE)
def test_a_module_without_answers_has_the_questions_of_the_whole_and_no_word_of_a_choice(topic):
    text = MODULES[f"{recording.EXERCISES}/{topic}.py"]
    module = import_module(f"helpers.exercises.{topic}")
    for name, question in questions(module).items():
        line = next(line for line in text.splitlines() if line.startswith(f"{name} = "))
        assert line.startswith(f"{name} = _record.question({name!r}")
        assert isinstance(question, Exercise) or line == f"{name} = _record.question({name!r})"


# --- Exercises that are recorded --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A folder with the modules and records of a few lessons."""
    folder = tmp_path_factory.mktemp("few")
    for topic in QUICK:
        (folder / f"{topic}.py").write_text(MODULES[f"{recording.EXERCISES}/{topic}.py"], encoding="utf-8")
    recording.write(folder, QUICK)
    return folder


@pytest.mark.parametrize("topic", QUICK)
def test_a_recorded_exercise_says_what_the_whole_one_says(few, topic):
    assert_same_words(import_module(f"helpers.exercises.{topic}"), load(few, topic))


@pytest.mark.parametrize("topic", QUICK)
def test_a_record_is_the_same_each_time_and_shows_no_answer_in_words(few, topic):
    again = recording.recorded(import_module(f"helpers.exercises.{topic}"))
    assert again == (few / f"{topic}.npz").read_bytes()
    with np.load(few / f"{topic}.npz", allow_pickle=False) as file:
        told = json.loads(file["questions"].tobytes())
    for name, question in questions(import_module(f"helpers.exercises.{topic}")).items():
        text = json.dumps(told[name], ensure_ascii=False)
        if isinstance(question, Choice):
            assert sorted(told[name]["said"]) == sorted({question.right, *question.advice})  # one like the other
            assert "Correct" not in text and question.insight not in text
        elif isinstance(question, Exercise):
            assert not question.insight or question.insight not in text
        else:
            assert question.look_for not in text


def test_a_recorded_question_shows_no_answer_where_one_looks(few):
    for question in questions(load(few, QUICK[0])).values():
        assert dir(question) == ["check", "hint", "solution"]
        assert ("holds no solutions" in repr(question)) == (not isinstance(question, Open))


def test_a_lesson_runs_with_recorded_exercises_and_so_do_the_quick_tests(few, tmp_path):
    names = student.chosen()
    student.copied([name for name in names if not name.endswith(".ipynb") or "/01_" in name], tmp_path)
    student.adapted(tmp_path / "tests/between_cells.py")
    for path in few.glob("*.*"):
        shutil.copy(path, tmp_path / recording.EXERCISES / path.name)
    asked = ["tests/test_environment.py", "notebooks/01_time_series_regression.ipynb", "-k", f"{QUICK[0]} or Cell"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *asked],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
