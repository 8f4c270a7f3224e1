"""What a student has done so far: one small file of their own, and where to go on."""

import json
import os
import re
import sys
from importlib import import_module, util
from pathlib import Path
from typing import Any

from helpers.exercises.words import Feedback
from helpers.files import written_whole

WHERE = "FACTOR_MODELS_PROGRESS"  # the path of the file; an empty one keeps no record
COURSE = (
    "start_here", "time_series_regression", "cross_sectional_regression", "risk_premia", "principal_components",
    "how_many_factors", "autoencoders", "instrumented_pca", "fixed_weights", "conditional_autoencoder",
    "training_and_reading", "the_recipe", "the_laboratory", "predicting_returns", "the_leakage_clinic",
    "money_and_significance", "what_matters", "risk_or_characteristics", "covariance_and_hedging", "your_own_files",
    "real_stocks", "let_others_judge",
)  # fmt: skip
SOLVED, TRIED = "solved", "tried"
_PACKAGE = __name__.rpartition(".")[0]


def record_path() -> Path | None:
    """The file of the record: `.factor_models_course.json` at home, or where the environment says; None for nowhere."""
    said = os.environ.get(WHERE)
    if said is None:
        return Path.home() / ".factor_models_course.json"
    return Path(said).expanduser() if said else None


def place_of(question: Any) -> tuple[str, str] | None:
    """The lesson and the name of a question, found in the lessons' modules; None if it is none of theirs."""
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{_PACKAGE}."):
            for own, value in list(vars(module).items()):
                if value is question:
                    return name.rpartition(".")[2], own
    return None


def note(question: Any, done: bool) -> None:
    """Puts down that a question was answered, rightly or not. What is solved stays solved; nothing is ever raised."""
    try:
        path, place = record_path(), place_of(question)
        if path is None or place is None:
            return
        record = _read(path)
        lesson, name = place
        states = record["lessons"].setdefault(lesson, {})
        state = SOLVED if done or states.get(name) == SOLVED else TRIED
        if states.get(name) == state and record.get("last") == lesson:
            return
        states[name], record["last"] = state, lesson
        with written_whole(path) as unfinished:
            unfinished.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    except Exception:  # a record that can't be kept must not come between a student and the answer
        return


def _read(path):
    """The record of a file: an empty one if there is none, or if it is broken."""
    empty: dict[str, Any] = {"lessons": {}}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return empty
    lessons = record.get("lessons") if isinstance(record, dict) else None
    if not isinstance(lessons, dict) or not all(isinstance(states, dict) for states in lessons.values()):
        return empty
    return record


def progress() -> Feedback:
    """What is solved, lesson by lesson and in the course, and the exercise to go on with.

    The record is a file of your own, `.factor_models_course.json` in your home folder, or the one that the environment
    variable FACTOR_MODELS_PROGRESS names; with an empty one no record is kept. Nothing is sent anywhere.
    """
    path = record_path()
    record: dict[str, Any] = {"lessons": {}}
    try:
        record = record if path is None else _read(path)
    except OSError:  # there, and not for us to read
        pass
    lines, there, left = [], [], []
    for lesson in COURSE:
        asked, states = _questions(lesson), record["lessons"].get(lesson, {})
        unsolved = [name for name in asked if states.get(name) != SOLVED]
        there += [(lesson, name) for name in asked]
        left += [(lesson, name) for name in unsolved]
        if any(name in states for name in asked):
            lines.append(_line(lesson, len(asked) - len(unsolved), len(asked), unsolved))
    lines = lines or ["Nothing is put down yet: a question counts from its first check on."]
    lines.append(_line("the course", len(there) - len(left), len(there), []))
    return Feedback("\n".join([*lines, _next(left, record.get("last"))]))


def _line(what, n_solved, n_asked, unsolved):
    return f"{what:28}{n_solved:3} of {n_asked:3} solved" + (f"   left: {', '.join(unsolved)}" if unsolved else "")


def _next(left, last):
    """Where to go on: in the lesson of the last answer or after it, else with the first that is left."""
    if not left:
        return "All are solved."
    begin = COURSE.index(last) if last in COURSE else 0
    later = [(lesson, name) for lesson, name in left if COURSE.index(lesson) >= begin]
    lesson, name = (later or left)[0]
    return f"Next: {name} of {lesson}."


def _questions(lesson):
    """The names of a lesson's questions; none if the lesson is not there."""
    if util.find_spec(f"{_PACKAGE}.{lesson}") is None:
        return []
    module = import_module(f"{_PACKAGE}.{lesson}")
    return [name for name in vars(module) if re.fullmatch(r"q\d+", name)]
