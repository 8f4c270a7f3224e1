"""What an instructor and the students get to read of a grading: tables, what is still to be read, pages of feedback."""

import csv
import hashlib
import html
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from helpers.files import written_whole
from tools.collect import Student
from tools.grading.judge import Graded, Part, Score

GRADED, TO_READ, CRASHED, MISSING = "graded", "to read", "crashed", "missing"
MARKS = ("id", "task", "most", "points", "remark", "answer")


@dataclass
class Row:
    """A student in the table."""

    student: Student
    state: str
    graded: Graded = field(default_factory=Graded)
    reason: str = ""
    late: timedelta | None = None
    suspicions: tuple[str, ...] = ()

    @property
    def points(self) -> float | None:
        """The sum, or None where something is still to be read, crashed or missing."""
        if self.state != GRADED:
            return None
        return sum(score.points or 0.0 for score in self.graded.scores)

    @property
    def notes(self) -> str:
        """What to know of it, in one line."""
        return "; ".join([*([self.reason] if self.reason else []), *self.suspicions])


def duration(span: timedelta) -> str:
    """3 d 4 h, 2 h 5 min or 7 min."""
    minutes = max(1, round(span.total_seconds() / 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def number(points: float | None) -> str:
    """Points as a grade book reads them; nothing where there are none yet."""
    return "" if points is None else f"{points:g}"


# --- Tables -----------------------------------------------------------------------------------------------------------


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence]) -> None:
    """A CSV file, as a whole or not at all. A cell that a spreadsheet would take for a formula begins with a quote."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[_harmless(value) for value in row] for row in rows])
    with written_whole(path) as unfinished:
        # With "-sig", Excel knows that it is UTF-8.
        unfinished.write_text(text.getvalue(), encoding="utf-8-sig", errors="replace")


def _harmless(value):
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _as_it_was(text):
    return text[1:] if text[:1] == "'" and _harmless(text[1:]) != text[1:] else text


def write_tables(folder: Path, homework: str, parts: Sequence[Part], rows: Sequence[Row]) -> None:
    """Writes our own table, and those that Moodle's and Canvas' grade books import.

    Moodle is told which column means what when it reads the file. Canvas wants its own names: of its columns those that
    are empty here are filled in from its export.
    """
    scored = [part for part in parts if part.points]
    ours, moodle, canvas = (folder / f"{homework}{end}.csv" for end in ("", "_moodle", "_canvas"))
    header = ["id", "last_name", "first_name", "state", "points", *(part.name for part in scored), "late", "notes"]
    lines = []
    for row in rows:
        by_name = {score.name: score for score in row.graded.scores}
        own = [number(by_name[part.name].points) if part.name in by_name else "" for part in scored]
        student, late = row.student, duration(row.late) if row.late else ""
        names = [student.id, student.last_name, student.first_name]
        lines.append([*names, row.state, number(row.points), *own, late, row.notes])
    write_table(ours, header, lines)
    title, most = homework.replace("_", " ").capitalize(), sum(part.points for part in scored)
    extra = ("ID number", "First name", "Last name", "Email address")
    write_table(
        moodle,
        [*extra, f"{title} (of {most:g})", "Feedback"],
        [[*row.student, number(row.points), feedback_line(row)] for row in rows],
    )
    write_table(
        canvas,
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title],
        [
            ["    Points Possible", "", "", "", "", f"{most:g}"],
            *([_name(row.student), "", row.student.id, row.student.id, "", number(row.points)] for row in rows),
        ],
    )


def _name(student):
    return ", ".join(word for word in (student.last_name, student.first_name) if word)


def feedback_line(row: Row) -> str:
    """What a student reads in the grade book."""
    if row.state in (CRASHED, MISSING):
        return row.reason
    lost = [f"{s.name}: {s.said}" for s in row.graded.scores if s.said and s.state != "right"]
    return "; ".join(lost)[:1000]


# --- Marks of a person ------------------------------------------------------------------------------------------------


class Mark(NamedTuple):
    """What a person gave: None before it was typed in. `answer` knows the words that were read, if it is told."""

    points: float | None = None
    remark: str = ""
    answer: str = ""

    def is_of(self, words: str) -> bool:
        """Whether it was given to these words."""
        return self.answer in ("", known_as(words))


def known_as(words: str) -> str:
    """Six letters that other words do not have. Letters: a spreadsheet would make a number of digits."""
    return "".join(chr(ord("a") + byte % 26) for byte in hashlib.sha256(words.encode(errors="replace")).digest()[:6])


def read_marks(path: Path) -> dict[tuple[str, str], Mark]:
    """{(id, task): Mark} of the file that `write_marks` wrote and a person filled in.

    Raises
    ------
    ValueError
        Its columns are others, or points are no number between 0 and the most.
    """
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not in UTF-8: save it as 'CSV UTF-8'.") from None
    table = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",")
    if not {"id", "task", "points"} <= set(table.fieldnames or ()):
        raise ValueError(f"{path} must have the columns {', '.join(MARKS[:5])}: it has {table.fieldnames}.")
    marks = {}
    for row in table:
        if None in row:
            raise ValueError(
                f'{path}: the line of {row["id"]}, {row["task"]} has a comma too many: write 2.5, or "2,5".'
            )
        said, most = ((row.get(name) or "").strip().replace(",", ".") for name in ("points", "most"))
        try:
            most = float(most or "inf")
            points = float(said) if said else None
        except ValueError:
            points, most = -1.0, 0.0 if isinstance(most, str) else most
        if points is not None and not 0 <= points <= most:
            raise ValueError(f"{path}: {row['id']}, {row['task']} has the points {said!r}; 0 to {most:g} can be given.")
        names = ("id", "task", "remark", "answer")
        id_, task, remark, answer = (_as_it_was((row.get(name) or "").strip()) for name in names)
        if re.fullmatch(r"\d+ \d+", f"{said} {remark}"):  # 2,5 became 2, and the remark 5
            raise ValueError(f'{path}: {id_}, {task} has the remark {remark!r}: write 2.5, or "2,5".')
        if id_:
            marks[id_, task] = Mark(points, remark, answer)
    return marks


def write_marks(path: Path, rows: Sequence[Row], marks: Mapping) -> list[tuple[str, str]]:
    """The answers in words and their points, those that a person gave before among them; one line each.

    Points that a person gave in the place of a test's stay, too. Points of what is no answer now (a notebook that
    crashed, an id that a spreadsheet changed) stay, and are returned. Those of an answer that has other words now
    become a remark.
    """
    lines, left = [], {key: mark for key, mark in marks.items() if mark[:2] != (None, "")}
    tests = {(row.student.id, score.name) for row in rows if row.state != CRASHED for score in row.graded.scores}
    for row in rows:
        for score in row.graded.scores:
            if words := row.graded.words.get(score.name):
                mark = marks.get((row.student.id, score.name), Mark())
                left.pop((row.student.id, score.name), None)
                if not mark.is_of(words):
                    before = "" if mark.points is None else f"{number(mark.points)} for the answer before; "
                    mark = Mark(None, before + mark.remark)
                given = (number(mark.points), mark.remark, known_as(words))
                lines.append([row.student.id, score.name, f"{score.most:g}", *given])
    lines += [[id_, task, "", number(mark.points), *mark[1:]] for (id_, task), mark in left.items()]
    write_table(path, MARKS, lines)
    return [key for key in left if key not in tests]


def with_marks(graded: Graded, student: str, marks: Mapping) -> tuple[list[Score], list[str]]:
    """The scores, with the points that a person gave, to answers in words or against a test; and what to know of them.

    Raises
    ------
    ValueError
        A person gave more points than there are.
    """
    new, notes = [], []
    for score in graded.scores:
        mark = marks.get((student, score.name), Mark())
        if mark.points is not None and mark.points > score.most:
            raise ValueError(
                f"{student}, {score.name} has the points {mark.points:g}; 0 to {score.most:g} can be given."
            )
        if mark.points is not None and not mark.is_of(graded.words.get(score.name, "")):
            notes.append(f"{score.name}: another answer than the one that was read")
        elif mark.points is not None:
            score = Score(score.name, score.most, mark.points, "read", mark.remark)
        new.append(score)
    return new, notes


# --- Pages ------------------------------------------------------------------------------------------------------------

PAGE = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; }}
table {{ border-collapse: collapse; width: 100%; }} pre {{ white-space: pre-wrap; background: #f4f4f4; padding: .6em; }}
td, th {{ border: 1px solid #888; padding: .3em .6em; text-align: left; vertical-align: top; }}
</style><h1>{title}</h1>
{body}
</html>
"""


def page(title: str, body: str) -> str:
    """A page of HTML; the body is HTML already."""
    return PAGE.format(title=html.escape(title), body=body)


def write_feedback(path: Path, title: str, row: Row) -> None:
    """A student's page: each test with its points and what was wrong. Nothing of it is run when it is opened."""
    escape = html.escape
    lines = []
    if row.reason:
        lines.append(f"<p><strong>{escape(row.reason)}</strong></p>")
    if row.late:
        lines.append(f"<p>Handed in late, by {duration(row.late)}.</p>")
    total = "not known yet" if row.points is None else f"{row.points:g}"
    most = sum(score.most for score in row.graded.scores)
    if row.graded.scores:
        lines.append(f"<p>Points: {total} of {most:g}.</p>")
        lines.append("<table><tr><th>Test</th><th>Points</th><th></th><th>What was found</th></tr>")
        for score in row.graded.scores:
            got = f"{number(score.points) or '?'} of {score.most:g}"
            cells = (score.name, got, score.state, score.said)
            lines.append("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in cells) + "</tr>")
        lines.append("</table>")
    if row.graded.remarks:
        lines.append(
            "<h2>Cells</h2><ul>" + "".join(f"<li>{escape(each)}</li>" for each in row.graded.remarks) + "</ul>"
        )
    if row.graded.printed.strip():
        lines.append(f"<h2>The end of what the notebook printed</h2><pre>{escape(row.graded.printed)}</pre>")
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as unfinished:
        unfinished.write_text(page(title, "\n".join(lines)), encoding="utf-8", errors="replace")


def write_reading(path: Path, title: str, parts: Sequence[Part], rows: Sequence[Row]) -> None:
    """One page with all answers in words below the instructor's own, task by task."""
    escape, lines = html.escape, []
    for part in parts:
        if part.kind != "words":
            continue
        lines.append(f"<h2>{escape(part.name)}, {part.points:g} points</h2><pre>{escape(part.source)}</pre>")
        for row in rows:
            if text := row.graded.words.get(part.name):
                lines.append(f"<h3>{escape(row.student.id)}</h3><pre>{escape(text)}</pre>")
    with written_whole(path) as unfinished:
        unfinished.write_text(page(title, "\n".join(lines)), encoding="utf-8", errors="replace")
