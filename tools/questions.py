"""Questions for exams and quizzes, and their answers, with numbers that come from a seed.

    make questions                                    questions.md and answers.md, in homework/questions/
    make questions SEED=2027                          with numbers of its own
    make questions ARGS="--only risk_premia --out ../exam"

The first file is for students, the second for whoever marks. homework/ is ignored by git. The questions stand in
tools/bank/; tests/test_questions.py compares each number with a second route.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from helpers.files import written_whole
from tools.bank import (
    components,
    data,
    honest_evaluation,
    ipca,
    money,
    networks,
    premia,
    regressions,
    risk,
)
from tools.bank.question import Question
from tools.homework import COURSE, HERE, NOTEBOOKS, put

PARTS = (regressions, premia, components, ipca, networks, honest_evaluation, money, risk, data)
BANK: tuple[Question, ...] = tuple(question for part in PARTS for question in part.QUESTIONS)
FILES = ("questions.md", "answers.md")


class NotWritten(Exception):
    """Says in a sentence what is in the way."""


def main(argv: Sequence[str] | None = None) -> int:
    """0 when both files are written, else 1, with a sentence on stderr."""
    parser = argparse.ArgumentParser(prog="make questions", description="Write questions for exams, and their answers.")
    parser.add_argument(
        "--seed", type=int, default=0, help="a number that changes all others; default: 0, which all know"
    )
    parser.add_argument("--only", nargs="+", metavar="TOPIC", help="lessons, such as risk_premia; default: all")
    parser.add_argument("--out", type=Path, default=COURSE / "questions", help="default: homework/questions/")
    given = parser.parse_args(sys.argv[1:] if argv is None else argv)
    try:
        if given.seed < 0:
            raise NotWritten(f"A seed is zero or more, this is {given.seed}: give another one, such as the year.")
        questions = chosen(given.only)
        write(given.out, {FILES[0]: asked(questions, given.seed), FILES[1]: answered(questions, given.seed)})
    except NotWritten as reason:
        print(reason, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{given.out} cannot be made or written ({error.strerror}): give another folder.", file=sys.stderr)
        return 1
    print(f"Wrote {len(questions)} questions and their answers, seed {given.seed}, in {given.out}")
    return 0


def lessons() -> dict[str, tuple[str, str]]:
    """The number and the title of each lesson, by its topic, in the order of the course.

    Only the first heading is read: a lesson's outputs may be large.
    """
    found = {}
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        heading = re.search(r'"# (.+?)(?:\\n)?"', path.read_text(encoding="utf-8"))
        found[path.stem[3:]] = (path.stem[:2], heading[1] if heading else path.stem[3:])
    return found


def chosen(topics: Sequence[str] | None = None) -> list[Question]:
    """The questions on these topics, or all, in the order of the lessons.

    Raises
    ------
    NotWritten
        There is no such lesson.
    """
    order = list(lessons())
    unknown = [topic for topic in topics or [] if topic not in order]
    if unknown:
        raise NotWritten(f"No lesson has the topic {', '.join(unknown)}. There are {', '.join(order)}.")
    return sorted((q for q in BANK if topics is None or q.topic in topics), key=lambda q: order.index(q.topic))


def asked(questions: Sequence[Question], seed: int) -> str:
    """What students get, as Markdown. The seed is not told, for with it anybody could write the answers."""
    minutes, points = sum(q.minutes for q in questions), sum(q.points for q in questions)
    intro = f"# Questions\n\n{len(questions)} questions, {points} points, about {minutes} minutes."
    return _page(intro, questions, [q.asked(seed) for q in questions])


def answered(questions: Sequence[Question], seed: int) -> str:
    """What whoever marks gets: answers, partial credit, and what a wrong answer usually shows, as Markdown."""
    intro = f"# Answers\n\nOf seed {seed}. Keep it to yourself: with it anybody can write this page."
    return _page(intro, questions, [_answer(q, seed) for q in questions])


def _answer(question: Question, seed: int) -> str:
    marks = "\n".join(f"- {points} point{'s' * (points > 1)}: {line}" for points, line in question.marks)
    wrong = f"**Often wrong.** {question.warned(seed)}"
    return f"{question.answered(seed)}\n\n**Marks.**\n\n{marks}\n\n{wrong}"


def _page(intro: str, questions: Sequence[Question], bodies: Sequence[str]) -> str:
    parts, known, last = [intro], lessons(), None
    for number, (question, body) in enumerate(zip(questions, bodies, strict=True), 1):
        if question.topic != last:
            parts.append("## {} {}".format(*known[question.topic]))
            last = question.topic
        parts.append(f"### {number}. {question.title}\n\n*{question.points} points, {question.minutes} minutes*")
        parts.append(body)
    return "\n\n".join(parts) + "\n"


def write(folder: Path, texts: dict[str, str]) -> None:
    """The texts in files of these names, all of them or none.

    The usual folder lies in the course folder of `make homework`, which gets its configuration with it.

    Raises
    ------
    NotWritten
        The folder is a file, or a folder has the name of a file, or a file of this name holds something else.
    OSError
        The folder cannot be made or written.
    """
    folder = folder.expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise NotWritten(f"{folder} is a file: give a folder.")
    for name in texts:
        path = folder / name
        if path.is_dir():
            raise NotWritten(f"{path} is a folder: move it, or give another folder.")
        if path.exists() and path.read_text(encoding="utf-8", errors="replace") != texts[name]:
            raise NotWritten(f"{path} holds something else, perhaps what you wrote: move it, or give another --out.")
    if folder.is_relative_to(COURSE) and not COURSE.exists():
        put(COURSE / "nbgrader_config.py", (HERE / "nbgrader_config.py").read_bytes())
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as files:
        unfinished = {name: files.enter_context(written_whole(folder / name)) for name in texts}
        for name, path in unfinished.items():
            path.write_text(texts[name], encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
