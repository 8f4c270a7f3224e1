"""Whether this environment is the one that the course was made with, and every exercise can be asked: in seconds."""

import re
import sys
import tomllib
from importlib import import_module
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement

from helpers.exercises.checker import NOT_ATTEMPTED, Question
from helpers.exercises.record import COURSE
from tools.refresh import ROOT, lessons

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKED: dict[str, set[str]] = {}
for package in tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]:
    LOCKED.setdefault(package["name"], set()).add(package.get("version", ""))
NEEDED = [Requirement(line) for line in PROJECT["dependencies"]]


def test_this_is_a_python_that_the_course_runs_on():
    said = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"])
    assert said and int(said[1]) <= sys.version_info.minor < int(said[2])


@pytest.mark.parametrize("needed", [one for one in NEEDED if not one.marker or one.marker.evaluate()], ids=str)
def test_a_package_has_the_version_of_the_lock(needed):
    assert version(needed.name) in LOCKED[needed.name]


def test_every_lesson_has_its_exercises():
    assert [path.stem[3:] for path in lessons()] == [*COURSE]


@pytest.mark.parametrize("topic", COURSE)
def test_every_exercise_of_a_lesson_waits_for_an_answer_and_has_hints(topic):
    asked = [one for one in vars(import_module(f"helpers.exercises.{topic}")).values() if isinstance(one, Question)]
    assert len(asked) >= 3
    for question in asked:
        assert question.check(...) == NOT_ATTEMPTED
        assert question.hints and all(question.hint(n + 1).startswith(said) for n, said in enumerate(question.hints))
        assert question.solution()
