"""The teaching material that is made of the course itself: objectives, minutes, typical mistakes.

    python -m tools.teaching            writes what has changed in teaching/
    python -m tools.teaching --check    says what is out of date, writes nothing

Two files are written whole: objectives.md (of tools/objectives.py and the heads of the lessons) and minutes.md (of
tools/minutes.py). In each page of teaching/lessons/ only the part between two marks is; the rest is written by hand.
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import nbformat

from helpers.exercises.checker import Choice, Exercise
from helpers.files import written_whole
from tools.minutes import minutes, sections
from tools.objectives import PRACTICE, Practice
from tools.questions import BANK
from tools.refresh import NOTEBOOKS, lessons

TEACHING = NOTEBOOKS.parent / "teaching"
BEGIN = "<!-- From here on written by `python -m tools.teaching`. -->"
END = "<!-- To here. -->"
SHOWN = 6  # mistakes of an exercise; the others are folded away
WRITTEN = "<!-- Written by `python -m tools.teaching`. Change tools/objectives.py or the lessons, not this file. -->"


class NotWritten(Exception):
    """Says in a sentence what is in the way."""


class Asked(NamedTuple):
    """An exercise as its lesson has it: its name, its title, and for a choice the text of each letter."""

    name: str
    title: str
    options: Mapping[str, str]


class Lesson(NamedTuple):
    """A lesson as far as the teaching material needs it."""

    topic: str
    path: Path
    title: str
    objectives: tuple[str, ...]
    exercises: tuple[Asked, ...]

    @property
    def number(self) -> str:
        """Its two digits."""
        return self.path.stem[:2]


def main(argv: Sequence[str] | None = None, folder: Path = TEACHING) -> int:
    """0 when all is written (with --check: up to date), else 1; what was written goes to stdout."""
    parser = argparse.ArgumentParser("python -m tools.teaching", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only say what would change")
    given = parser.parse_args(argv)
    try:
        texts = {path: text for path, text in material(folder).items() if _now(path) != text}
    except NotWritten as reason:
        print(reason, file=sys.stderr)
        return 1
    for path, text in texts.items():
        print(f"{path.relative_to(folder).as_posix():40} {'out of date' if given.check else 'written'}")
        if not given.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(path) as unfinished:
                unfinished.write_text(text, encoding="utf-8")
    return int(given.check and bool(texts))


def _now(path):
    return path.read_text(encoding="utf-8") if path.is_file() else None


def material(folder: Path = TEACHING) -> dict[Path, str]:
    """The files of the folder as they should be, those parts among them that are written by hand as they are.

    Raises
    ------
    NotWritten
        An objective, an exercise, a task or a question is missing in tools/objectives.py, or is no more; or a page of a
        lesson has lost its marks.
    """
    course = read_course()
    texts = {folder / "objectives.md": objectives_page(course), folder / "minutes.md": minutes_page(course)}
    for lesson in course:
        path = folder / "lessons" / f"{lesson.path.stem}.md"
        texts[path] = with_mistakes(_now(path) or _blank(lesson), lesson)
    return texts


@cache
def read_course() -> tuple[Lesson, ...]:
    """All lessons, in reading order."""
    return tuple(read_lesson(path) for path in lessons())


def read_lesson(path: Path) -> Lesson:
    """A lesson's objectives, and its exercises with their titles.

    Raises
    ------
    NotWritten
        It has no list of objectives.
    """
    prose = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    head = re.search(r"\*\*After this lesson you will be able to\*\*\n((?:- .+\n)+)", prose[0] + "\n")
    if head is None:
        raise NotWritten(f"{path.name} does not say in its first cell what one will be able to do.")
    asked = []
    for text in re.split(r"\n(?=#)", "\n".join(prose)):
        found = re.match(r"#+ Exercise (\d+)(?: \((\w+)\))?(?:: (.+))?", text)
        if found:
            options = dict(re.findall(r"^- \*\*([a-z])\*\* (.+)$", text, re.MULTILINE))
            asked.append(Asked(f"q{found[1]}", found[3] or found[2] or "", options))
    return Lesson(
        path.stem[3:],
        path,
        prose[0].split("\n")[0].removeprefix("# "),
        tuple(re.sub(r"[;.,]$", "", line[2:]) for line in head[1].splitlines()),
        tuple(asked),
    )


def tasks() -> dict[str, str]:
    """The titles of the homework's tasks: "1.2" is task 2 of homework 1."""
    found = {}
    for path in sorted((NOTEBOOKS / "homework").glob("homework_[0-9].ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            task = re.match(r"## Task (\d+): (.+?) \(", cell.source) if cell.cell_type == "markdown" else None
            if task:
                found[f"{path.stem[-1]}.{task[1]}"] = task[2]
    return found


# --- What practises what ----------------------------------------------------------------------------------------------


def practice_of(lesson: Lesson) -> list[tuple[str, Practice]]:
    """Each objective of a lesson, with what practises it.

    Raises
    ------
    NotWritten
        An objective or an exercise of the lesson has no line in tools/objectives.py, or two, or is not there.
    """
    lines = PRACTICE.get(lesson.topic, ())
    result = []
    for objective in lesson.objectives:
        fits = [line for line in lines if objective.startswith(line.begins)]
        if len(fits) != 1:
            raise NotWritten(f"tools/objectives.py has {len(fits)} lines for {lesson.topic}: {objective!r}.")
        result.append((objective, fits[0]))
    if len(lines) != len(lesson.objectives):
        raise NotWritten(f"tools/objectives.py has lines for objectives that {lesson.topic} has no more.")
    named = {name for line in lines for name in line.exercises.split()}
    _same(f"exercises of {lesson.topic}", named, {asked.name for asked in lesson.exercises})
    questions = {title for line in lines for title in line.questions}
    _same(f"questions on {lesson.topic}", questions, {q.title for q in BANK if q.topic == lesson.topic})
    return result


def _same(what, named, there):
    if named != there:
        lacks, gone = ", ".join(sorted(there - named)), ", ".join(sorted(named - there))
        raise NotWritten(
            f"tools/objectives.py, {what}: without an objective {lacks or 'none'}; not there {gone or 'none'}."
        )


def objectives_page(course: Sequence[Lesson]) -> str:
    """The table of all objectives as Markdown.

    Raises
    ------
    NotWritten
        Something is missing in tools/objectives.py, or is no more.
    """
    titles = tasks()
    named = {task for lines in PRACTICE.values() for line in lines for task in line.homework.split()}
    _same("homework", named, set(titles))
    parts = [
        f"# Objectives, and what practises them\n\n{WRITTEN}\n\n"
        "What each lesson promises, and the exercises (q1, q2, …) of the lesson, tasks of the homework (1.2 is task 2 "
        "of homework 1) and questions for exams (`make questions`) that practise it. Where there is none, the "
        "objective is met by reading and running the lesson: ask for it in class."
    ]
    for lesson in course:
        names = {asked.name: asked.title for asked in lesson.exercises}
        rows = []
        for objective, line in practice_of(lesson):
            exercises = "; ".join(f"{name} {names[name]}".strip() for name in line.exercises.split())
            homework = "; ".join(f"{task} {titles[task]}" for task in line.homework.split())
            rows.append(f"| {_cell(objective)} | {exercises} | {homework} | {'; '.join(line.questions)} |")
        parts.append(
            f"## {_linked(lesson)}\n\n| objective | exercises | homework | questions |\n|:--|:--|:--|:--|\n"
            + "\n".join(rows)
        )
    parts.append(_counted(course))
    return "\n\n".join(parts) + "\n"


def _counted(course):
    lines = [line for lesson in course for _, line in practice_of(lesson)]
    idle = sum(not (line.exercises or line.homework or line.questions) for line in lines)
    n_exercises = sum(len(lesson.exercises) for lesson in course)
    return (
        f"{len(lines)} objectives, {n_exercises} exercises, {len(tasks())} tasks, {len(BANK)} questions. "
        f"{idle} objectives have nothing that practises them."
    )


def _linked(lesson, up=".."):
    return f"[{lesson.number} {lesson.title}]({up}/notebooks/{lesson.path.name})"


def _cell(text):
    return text.replace("|", "\\|")


# --- Minutes ----------------------------------------------------------------------------------------------------------


def minutes_page(course: Sequence[Lesson]) -> str:
    """The minutes of each section as Markdown; those of a lesson add up to its own, before it is rounded."""
    parts = [
        f"# Minutes, section by section\n\n{WRITTEN}\n\n"
        "Counted as at the heads of the lessons: 130 words a minute, twelve lines of code, six minutes for an "
        "exercise. A section's minutes are its own, without those of the sections inside it, which are indented. The "
        "lesson's sum is rounded up to five minutes at its head. A class that talks takes longer."
    ]
    for lesson in course:
        notebook = nbformat.read(lesson.path, as_version=4)
        rows, told, exact = [], 0.0, 0.0
        for section in sections(notebook):
            exact += section.minutes
            shown = round(round(exact, 1) - told, 1)  # so that what is shown adds up
            told = round(told + shown, 1)
            name = "*head*" if section.level == 1 else "&emsp;" * (section.level - 2) + section.heading
            rows.append(f"| {_cell(name)} | {shown:.1f} |")
        table = "\n".join(["| section | minutes |", "|:--|--:|", *rows, f"| **sum** | **{told:.1f}** |"])
        parts.append(f"## {_linked(lesson)}\n\n{minutes(notebook)} minutes.\n\n{table}")
    return "\n\n".join(parts) + "\n"


# --- Typical mistakes -------------------------------------------------------------------------------------------------


def with_mistakes(page: str, lesson: Lesson) -> str:
    """The page of a lesson with its typical mistakes between the two marks, and nothing else changed.

    Raises
    ------
    NotWritten
        The marks are not there, each once.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise NotWritten(f"The page of {lesson.path.stem} needs these two lines, once each:\n{BEGIN}\n{END}")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    return f"{before}{BEGIN}\n\n{mistakes(lesson)}\n\n{END}{after}"


def _blank(lesson):
    said = (
        "The wrong answers that the checker knows, by what it says of them: each shows what somebody has not seen yet."
    )
    return f"# {_linked(lesson, '../..')}\n\n## Typical mistakes\n\n{said}\n\n{BEGIN}\n{END}\n"


def mistakes(lesson: Lesson) -> str:
    """The wrong answers that the checker knows, exercise by exercise, in words: what each shows. No right answer."""
    module = import_module(f"helpers.exercises.{lesson.topic}")
    parts = []
    for asked in lesson.exercises:
        question = getattr(module, asked.name)
        if isinstance(question, Exercise):
            lines = [_plain(advice) for advice in question.mistakes.values()]
        elif isinstance(question, Choice):
            lines = [f"*“{asked.options[letter]}”* {_plain(advice)}" for letter, advice in question.advice.items()]
        else:
            lines = []
        title = f"### {asked.name}" + f": {asked.title}" * bool(asked.title)
        parts.append(f"{title}\n\n{_folded(lines)}")
    return "\n\n".join(parts)


def _folded(lines):
    """The first lines, and the others where a click shows them."""
    if not lines:
        return "An open task: the checker reads no sentences. It says what to look for once something is written."
    bullets = [f"- {line}" for line in lines]
    shown, more = bullets[:SHOWN], bullets[SHOWN:]
    if len(more) < 2:
        return "\n".join(bullets)
    inside = "\n".join(more)
    return "\n".join(shown) + f"\n\n<details><summary>{len(more)} more</summary>\n\n{inside}\n\n</details>"


def _plain(text):
    """A text that Markdown shows as it is."""
    return re.sub(r"([*_`<>|$\[\]#@])", r"\\\1", text)


if __name__ == "__main__":
    sys.exit(main())
