"""Homework graded: what came in is collected, run where it can do no harm, and told in one table.

    make grade FOLDER=../downloads                          what Moodle, Canvas, a hub or e-mail delivered, or a zip
    make grade FOLDER=../downloads DUE="2027-03-01 23:59"   late hand-ins are told
    make grade                                              what is in the course folder's submitted/ (a hub's exchange)
    make grade FOLDER=../downloads ARGS="--homework homework_1 --course ../factor-models-2027 --trust"

Beside the table, in grades/ of the course folder, lie those that Moodle and Canvas import, and a page with all answers
in words. Type their points into the file of marks and run the same command again: what was graded is kept. feedback/
has a page for each student. docs/instructors.md tells the rest.
"""

import argparse
import hashlib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
from joblib import Parallel, delayed
from tqdm import tqdm

from helpers.files import written_whole
from tools.collect import EARLIER, TO_DO, Line, NotCollected, Student, collect, homework_of, read_students
from tools.grading import judge, report, sandbox
from tools.grading.judge import Graded, Part, Score
from tools.grading.report import CRASHED, GRADED, MISSING, TO_READ, Row
from tools.homework import COURSE


def main(argv: Sequence[str] | None = None) -> int:
    """0 when every hand-in has its line, else 1, with a sentence on stderr."""
    given = _arguments(sys.argv[1:] if argv is None else argv)
    given.folder = given.folder and given.folder.expanduser()  # in quotes, ~ is left to us
    if sys.platform == "win32":
        print("Grading needs Linux or macOS: on Windows, give the command in WSL.", file=sys.stderr)
        return 1
    try:
        kind = "none" if given.trust else sandbox.found(given.sandbox)
        usual = given.course / "students.csv"
        roster = given.students or (usual if usual.exists() else None)
        students = read_students(roster) if roster else []
        names = [given.homework] if given.homework else homework_of(given.course, given.folder)
        if given.due and len(names) > 1:
            raise NotCollected(f"One time is given, and {', '.join(names)} are there: say which with --homework.")
        for name in names:
            until = _due(due_file(given.course, name), given.due) if given.in_time else None
            if given.in_time and not until:
                raise NotCollected("--in-time needs a time: give DUE, too.")
            lines = collect(given.course, name, given.folder, students, until) if given.folder else []
            lines = [line for line in lines if not _of_another(line, name, names)]
            rows = grade_class(given.course, name, students, lines, kind, given)
            _tell(given.course, name, rows, lines)
    except (NotCollected, sandbox.NoSandbox, ValueError) as reason:
        print(reason, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be read or written: {error.strerror}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was graded is kept: the same command goes on.", file=sys.stderr)
        return 1
    return 0


def _of_another(line, name, names):
    """Whether a file that cannot be collected here is, by its cells or its name, of another homework of this run."""
    told = re.search(r"(?i)(?:homework|hw)[\W_]*(\d+)", Path(line.about).name)
    others = [each for each in names if each != name]
    return line.said.startswith(tuple(f"this is {each}:" for each in others)) or (
        line.outcome == TO_DO and told is not None and f"homework_{int(told[1])}" in others
    )


def _arguments(argv):
    parser = argparse.ArgumentParser("make grade", description=__doc__.partition("\n")[0])
    what = "the folder, or the zip, with all that came in; without it, what is collected is graded"
    parser.add_argument("folder", nargs="?", type=Path, help=what)
    parser.add_argument("--homework", help="its name, such as homework_1; default: all that came in")
    parser.add_argument("--course", type=Path, default=COURSE, help="the course folder; default: homework/")
    parser.add_argument("--students", type=Path, help="the class's list; default: students.csv there, if there is one")
    parser.add_argument("--due", type=_time, help="2027-03-01 or '2027-03-01 23:59', on this machine's clock")
    parser.add_argument("--in-time", action="store_true", help="of each student the last that came in time")
    parser.add_argument("--sandbox", choices=sandbox.KINDS, help="default: the first that works")
    parser.add_argument("--trust", action="store_true", help="run submissions with your own rights, without a sandbox")
    parser.add_argument("--seconds", type=float, default=judge.SECONDS, help="that a cell, or a call, may take")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2), help="students at a time")
    return parser.parse_args(argv)


def _time(text):
    """A date alone ends with its day."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write 2027-03-01 or '2027-03-01 23:59'") from None
    return (time + timedelta(days=1) if len(text.strip()) <= 10 else time).astimezone()


def grade_class(
    course: Path,
    homework: str,
    students: Sequence[Student],
    lines: Sequence[Line],
    kind: str,
    given: argparse.Namespace,
) -> list[Row]:
    """A row for each student of the list, and for each other who handed in; tables and pages are written."""
    source = next((course / "source" / homework).glob("*.ipynb"), None)
    if source is None:
        raise NotCollected(f"{course / 'source'} holds no {homework}: run `make homework`, or give another name.")
    parts = judge.parts_of(nbformat.read(source, as_version=4))
    marked = course / "grades" / f"{homework}_marks.csv"
    marks = report.read_marks(marked)  # before an hour's work: it may be refused
    came_in = sorted((course / "submitted").glob(f"*/{homework}/*.ipynb"), key=lambda path: path.name == source.name)
    submitted = {path.parent.parent.name: path for path in came_in}  # of several, the one that was handed out
    submitted = dict(sorted(submitted.items()))
    due = _due(due_file(course, homework), given.due)
    too_late = {id_ for id_, path in submitted.items() if given.in_time and _handed_in(path) > due}
    too_late |= {line.owner for line in lines if line.outcome == EARLIER and line.owner not in ("", *submitted)}
    known = {student.id: student for student in students}
    known |= {id_: Student(id_) for id_ in sorted(submitted) if id_ not in known}
    stamp = _stamp(source, given.seconds)
    _require_right(
        graded(source, parts, course / "graded" / homework / ".source.json", stamp, kind, given.seconds), source
    )
    work = [
        (path, parts, course / "graded" / homework / f"{id_}.json", stamp, kind, given.seconds)
        for id_, path in submitted.items()
        if id_ not in too_late
    ]
    results = Parallel(n_jobs=given.jobs, return_as="generator")(delayed(graded)(*each) for each in work)
    results = tqdm(results, total=len(work), desc=homework, unit="student", leave=False)
    done = dict(zip([id_ for id_ in submitted if id_ not in too_late], results, strict=True))
    copied = judge.alike(
        {id_: result.answers for id_, result in done.items()},
        {name: part.source for part in parts for name in part.gives},
    )
    rows = []
    for id_, student in known.items():
        row = _row(student, done.get(id_), lines, marks, homework)
        if id_ in too_late:
            row.reason = row.reason if row.state == CRASHED else f"{homework} came too late"
        if id_ in done and due:
            late = _handed_in(submitted[id_]) - due
            row.late = late if late > timedelta(0) else None
        pairs = [(other, same) for a, b, same in copied for me, other in ((a, b), (b, a)) if me == id_]
        row.suspicions += tuple(f"{', '.join(same)}: as {other} wrote it" for other, same in pairs)
        if students and id_ not in {each.id for each in students}:
            row.suspicions += ("not on the list",)
        other = [line for line in lines if line.outcome == TO_DO and line.owner == id_ and id_ in submitted]
        broken = [line for line in other if re.search(r"(?i)\.(ipynb|zip)$", line.about)]
        row.suspicions += tuple(f"{line.about}: {line.said}" for line in broken)
        rows.append(row)
    (course / "grades").mkdir(exist_ok=True)
    for id_, task in report.write_marks(marked, rows, marks):
        print(_printable(f"to do    {marked}: points of {id_}, {task}, and no such answer: is the id right?"))
    report.write_tables(course / "grades", homework, parts, rows)
    report.write_reading(course / "grades" / f"{homework}_to_read.html", f"{homework}: answers in words", parts, rows)
    for row in rows:
        if row.state != MISSING:
            folder = course / "feedback" / row.student.id / homework  # as nbgrader's release_feedback looks for it
            report.write_feedback(folder / source.with_suffix(".html").name, homework, row)
            _sealed(submitted.get(row.student.id), folder)
    return rows


def due_file(course: Path, homework: str) -> Path:
    """Where the course folder keeps when it was to be there."""
    return course / "grades" / f"{homework}_due.txt"


def _due(kept, given):
    """When it was to be there: as given, which is kept, or as it was given before."""
    if given is None:
        return datetime.fromisoformat(kept.read_text().strip()) if kept.exists() else None
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(f"{given.isoformat()}\n")
    return given


def _require_right(own, source):
    """A test of the instructor's own that no answer passes would take points from everybody."""
    tests = [score for score in own.scores if score.state != TO_READ]
    wrong = [f"{score.name}: {score.said}" for score in tests if score.points != score.most]
    if own.crashed or wrong:
        said = own.crashed or "; ".join(wrong)
        raise NotCollected(f"The answers in {source} do not pass its own tests ({said}): mend them, then grade again.")


def _sealed(submitted, folder):
    """What a hub's exchange knows a hand-in by, copied beside its feedback: so it finds its student."""
    for name in ("timestamp.txt", "submission_secret.txt"):
        if submitted and (seal := submitted.with_name(name)).exists():
            (folder / name).write_bytes(seal.read_bytes())


def _row(student, result, lines, marks, homework):
    if result is None:
        trouble = [line for line in lines if line.outcome == TO_DO and line.owner == student.id]
        if trouble:
            return Row(student, CRASHED, reason=f"{trouble[0].about}: {trouble[0].said}")
        return Row(student, MISSING, reason=f"no {homework}")
    if result.crashed:
        for score in result.scores:
            score.points = None
        return Row(student, CRASHED, result, result.crashed, suspicions=tuple(result.suspicions))
    result.scores, notes = report.with_marks(result, student.id, marks)
    suspicions = (*result.suspicions, *notes)
    state = TO_READ if any(score.state == TO_READ for score in result.scores) else GRADED
    stopped = [f"{score.name}: {score.said}" for score in result.scores if score.state == judge.STOPPED]
    return Row(student, state, result, "; ".join(stopped), suspicions=suspicions)


def _handed_in(path: Path) -> datetime:
    """When: what `collect`, or a hub, wrote beside it, else the file's own time."""
    from nbgrader.utils import parse_utc

    with suppress(OSError, ValueError):
        return parse_utc(path.with_name("timestamp.txt").read_text().strip()).replace(tzinfo=UTC)
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _stamp(source, seconds):
    """What a result hangs on beside the notebook: the tests, and the code that runs them."""
    own = sorted((Path(judge.__file__).parent).glob("*.py"))
    told = [source.read_bytes(), *(path.read_bytes() for path in own), f"{seconds}".encode()]
    return hashlib.sha256(b"".join(told)).digest()


def graded(path: Path, parts: Sequence[Part], kept: Path, stamp: bytes, kind: str, seconds: float) -> Graded:
    """What became of a hand-in; as it was kept, if nothing has changed since."""
    content = path.read_bytes()
    key = hashlib.sha256(content + stamp).hexdigest()
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(kept.read_text(encoding="utf-8"))
        if told.pop("key") == key:
            return Graded(**told | {"scores": [Score(**score) for score in told["scores"]]})
    try:
        notebook = nbformat.reads(content.decode("utf-8-sig"), as_version=4)
        result = judge.grade(parts, notebook, kind, seconds)
    except Exception as error:  # whatever a notebook does to the grader, the others are graded
        said = f"the notebook could not be graded ({type(error).__name__}: {error})"
        tests = [part for part in parts if part.points]
        return Graded([Score(part.name, part.points, 0.0, judge.FAILED, said) for part in tests])
    kept.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(kept) as unfinished:
        unfinished.write_text(json.dumps({"key": key, **asdict(result)}), encoding="utf-8")
    return result


def _tell(course, homework, rows, lines):
    for line in lines:
        if line.outcome == TO_DO and not any(row.student.id == line.owner for row in rows):
            print(_printable(f"to do    {line.about}: {line.said}"))
    for row in rows:
        late = f"late by {report.duration(row.late)}" if row.late else ""
        told = "; ".join(text for text in (late, row.notes) if text)
        points = "" if row.points is None else f" {row.points:g} points;"
        if told:
            print(_printable(f"{row.state:<8} {row.student.id}:{points} {told}"))
    count = Counter(row.state for row in rows)
    told = ", ".join(f"{count[state]} {state}" for state in (GRADED, TO_READ, CRASHED, MISSING))
    print(f"{homework}: {len(rows)} students: {told}. See {course / 'grades'}")
    if count[TO_READ]:
        marks = course / "grades" / f"{homework}_marks.csv"
        print(f"Type the points of the answers in words into {marks}, then run this again.")


def _printable(text):
    return "".join(letter if letter.isprintable() else " " for letter in text)


if __name__ == "__main__":
    sys.exit(main())
