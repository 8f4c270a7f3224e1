"""What students hand in, collected into a course folder of nbgrader, with a line on what became of each file.

    make homework ARGS="collect homework_1 downloads.zip"

A hand-in lies in submitted/ under its student and its proper name afterwards, however the student, the browser or the
learning platform named it. What cannot be placed is listed with what to do. docs/instructors.md tells the rest.
"""

import csv
import io
import os
import re
import unicodedata
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat

from helpers.files import written_whole

OUTCOMES = COLLECTED, NOTHING, EARLIER, TO_DO, MISSING = "collected", "nothing to do", "left out", "to do", "missing"
# What stands before the student's own name of the file, and in it the student.
MOODLE, CANVAS = r"(.+?)_\d+_assignsubmission_", r"([^_]+)_(?:late_)?\d+_\d+_"
ENDING = r"(?i)(?:[(-](\d+)\)?)?(?:\.(?:ipynb|json|txt|zip))*$"  # a browser's (2).ipynb, Canvas's -2.ipynb
NOT_NAMES = r"copy|of|final|v\d+"
RUBBISH = r"(?i)(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\.ipynb_checkpoints/)"
LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
MOST_BYTES, MOST_UNPACKED, MOST_ZIPS = 100_000_000, 2_000_000_000, 4  # of a file, of all files of a zip
UNREADABLE = zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError


class NotCollected(Exception):
    """Says in a sentence what is in the way."""


class Student(NamedTuple):
    """Of the class's list."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""


class HandIn(NamedTuple):
    """A file that came in: its path from there, through zips; seconds since 1970; what to do if it cannot be read."""

    path: str
    content: bytes
    time: int
    trouble: str = ""


class Line(NamedTuple):
    """What became of a file or a student: one of OUTCOMES, and what there is to say."""

    outcome: str
    about: str
    said: str
    owner: str = ""


def collect(
    course: Path, homework: str, place: Path, students: Sequence[Student] = (), until: datetime | None = None
) -> list[Line]:
    """A line for each file of the place, then one for each student of the list of whom there is no such homework.

    A notebook is known by its graded cells; its student by the name of the file, and with a list also by those of the
    folders and zips around it. Of several the latest is collected, by the file's time, which a zip keeps, then by the
    number in its name. It replaces nothing but what has an earlier time. What came after `until` is left out.

    Raises
    ------
    NotCollected
        The course folder has no such homework, or the place is not there or holds the course folder itself.
    """
    source, cells = course / "source", known_cells(course)
    if homework not in (known := sorted({path.parent.name for path in cells})):
        own = ", ".join(known) or "none yet"
        raise NotCollected(f"{source} holds no {homework}: give one of its homework ({own}).")
    if not place.exists() or course.resolve().is_relative_to(place.resolve()):
        raise NotCollected(f"{place} is not there, or holds the course: give the folder, or the zip, of what came in.")
    lines, of_student = [], defaultdict(list)
    for file in hand_ins(place):
        if re.search(RUBBISH, file.path):
            lines.append(Line(NOTHING, file.path, "made by a computer, not by a student"))
            continue
        name, trouble = ("", file.trouble) if file.trouble else recognised(file, homework, cells)
        owners = owners_of(file.path, homework, students)
        if len(owners) == 1 and not trouble and until and file.time > until.timestamp():
            lines.append(Line(EARLIER, file.path, f"from {owners[0]}, handed in too late", owners[0]))
            continue
        if len(owners) == 1 and not trouble:
            of_student[owners[0], name].append(file)
            continue
        whose = " or ".join(owners) or ("nobody on the list" if students else "whom its name does not tell")
        said = f"from {whose}: name it ID_{name}{', or mend the list,' if students else ''} and run this again"
        lines.append(Line(TO_DO, file.path, trouble or said, owners[0] if len(owners) == 1 else ""))
    for (owner, name), files in of_student.items():
        lines += put(course, Path(owner, homework, name), files, until)
    lines.sort(key=lambda line: (OUTCOMES.index(line.outcome), line.about))
    without = [each.id for each in students if not any((course / "submitted" / each.id / homework).glob("*.ipynb"))]
    return lines + [Line(MISSING, id_, f"no {homework}") for id_ in sorted(without)]


def read_students(path: Path) -> list[Student]:
    """Each student of a table with these columns, as `nbgrader db student import` reads it, and perhaps with `email`.

    Raises
    ------
    NotCollected
        It is no such table, or an id cannot be the name of a folder, or is there twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise NotCollected(f"{path} is not in UTF-8: save it as 'CSV UTF-8'.") from None
    first, _, rest = text.partition("\n")
    separator = max(",;\t", key=first.count)
    first = re.sub(r" +", "_", first.strip().lower())  # First Name is first_name
    table = csv.DictReader(io.StringIO(f"{first}\n{rest}"), delimiter=separator)
    columns = Student._fields
    if "id" not in (table.fieldnames or ()):
        raise NotCollected(f"{path} has no column id: its first line must be {','.join(columns[:3])}.")
    rows = [[(row.get(column) or "").strip() for column in columns] for row in table]
    students = [Student(*row) for row in rows if any(row)]  # a spreadsheet writes empty lines
    count = Counter(student.id for student in students)
    wrong = [repr(each) for each in count if count[each] > 1 or each[:1] in ("", ".") or re.search(r"[/\\]", each)]
    if wrong:
        raise NotCollected(f"{path} has the id {', '.join(wrong)}: each must be there once, and name a folder.")
    return students


def hand_ins(place: Path) -> Iterator[HandIn]:
    """All files of a folder, or of a zip; those in a zip in its stead."""
    for path in sorted(path for path in place.rglob("*") if not path.is_dir()) if place.is_dir() else [place]:
        name = path.relative_to(place.parent).as_posix()
        try:
            file = HandIn(name, path.read_bytes(), int(path.stat().st_mtime))
        except OSError as error:
            file = HandIn(name, b"", 0, f"it cannot be read ({error.strerror}): look into it")
        for each in unpacked(file):
            yield each._replace(path=each.path.partition("/")[2] or each.path)


def unpacked(file: HandIn) -> Iterator[HandIn]:
    """The file; if it is a zip, the files in it, or the zip with what is in the way."""
    members = []
    if file.path.lower().endswith(".zip") and not re.search(RUBBISH, file.path):
        file = file._replace(trouble=file.trouble or "a zip that is empty, broken, or deep in others: look into it")
        with suppress(*UNREADABLE):
            archive = zipfile.ZipFile(io.BytesIO(file.content))
            deep = file.path.lower().count(".zip/") >= MOST_ZIPS
            members = [] if deep else [member for member in archive.infolist() if not member.is_dir()]
            if sum(member.file_size for member in members) > MOST_UNPACKED:
                file, members = file._replace(trouble="a zip with more in it than memory may hold: look into it"), []
    if not members:
        yield file
    for member in members:
        name, time = member.filename, file.time
        with suppress(UnicodeError):  # macOS writes UTF-8 without saying so, which is then read as another alphabet
            name = name if member.flag_bits & 0x800 else name.encode("cp437").decode()
        with suppress(ValueError, OverflowError):  # a zip without times
            time = int(datetime(*member.date_time).timestamp())
        found = HandIn(f"{file.path}/{name}", b"", time, "too large, locked, or broken in its zip: look into it")
        with suppress(*UNREADABLE):
            if member.file_size <= MOST_BYTES:
                found = found._replace(content=archive.read(member), trouble="")
        yield from unpacked(found)


def graded_cells(content: bytes) -> tuple[set[str], set[str]]:
    """The names that nbgrader gave to cells of a notebook, and the functions that its cells define."""
    cells = nbformat.reads(content.decode("utf-8-sig"), as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    names = {cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in cells} - {""}
    return names, set(re.findall(r"^def (\w+)", code, re.MULTILINE))


def homework_of(course: Path, place: Path | None) -> list[str]:
    """The names of the homework of which a notebook is among the files, or is collected, in order.

    Raises
    ------
    NotCollected
        There is none, or no course.
    """
    cells = known_cells(course)
    if not cells:
        raise NotCollected(f"{course / 'source'} holds no homework: run `make homework` first.")
    if place is None:
        names = {path.parent.name for path in (course / "submitted").glob("*/*/*.ipynb")}
        names &= {path.parent.name for path in cells}
    elif not place.exists():
        raise NotCollected(f"{place} is not there: give the folder, or the zip, of what came in.")
    else:
        names = set()
        for file in hand_ins(place):
            with suppress(Exception):  # a file can hold anything
                best, share = nearest(graded_cells(file.content), "", cells)
                names |= {best.parent.name} if share >= 0.5 else set()
    if not names:
        where = place or course / "submitted"
        raise NotCollected(f"{where} holds no homework that can be read: give a folder, or say which with --homework.")
    return sorted(names)


def known_cells(course: Path) -> dict[Path, tuple[set[str], set[str]]]:
    """`graded_cells` of each homework in the course folder's source/."""
    return {path: graded_cells(path.read_bytes()) for path in sorted((course / "source").glob("*/*.ipynb"))}


def nearest(own: tuple[set[str], set[str]], homework: str, cells: Mapping[Path, tuple]) -> tuple[Path, float]:
    """The homework of which a notebook has the largest share of names, or, where they are lost, of functions."""
    share = {
        path: max(len(mine & theirs) / max(len(theirs), 1) for mine, theirs in zip(own, of, strict=True))
        for path, of in cells.items()
    }
    best = max(share, key=lambda path: (share[path], path.parent.name == homework))
    return best, share[best]


def recognised(file: HandIn, homework: str, cells: Mapping[Path, tuple]) -> tuple[str, str]:
    """The name of the homework's notebook that the file is, and nothing; or else nothing, and what to do with it."""
    try:
        own = graded_cells(file.content)
    except Exception:  # of many kinds: a file can hold anything
        return "", "no notebook that can be read: ask for the .ipynb, as saved in Jupyter"
    best, share = nearest(own, homework, cells)
    if share < 0.5:
        return "", f"without most of the cells of {homework}: ask for the notebook handed out, filled in"
    if best.parent.name != homework:
        return "", f"this is {best.parent.name}: put it with the files for that"
    return best.name, ""


def owners_of(path: str, homework: str, students: Sequence[Student]) -> list[str]:
    """The ids of the listed students from whom a file can be; without a list, one that its name tells, or none."""
    title = rf"(?:(?:homework|hw)[\W_]*\d+|{re.escape(homework)})"
    found: list[set[str]] = []
    for part in unicodedata.normalize("NFC", path).split("/") if students else [Path(path).name]:
        matches = [re.match(way, part, re.IGNORECASE) for way in (MOODLE, CANVAS, f"(.*?){title}")]
        said = next((match[1] for match in matches if match and words(match[1])), "")
        if not students:
            return ["_".join(words(said))] if said else []
        said = said or re.sub(title, " ", re.sub(ENDING, "", part), flags=re.IGNORECASE)
        near = {student[0]: nearness(said, student) for student in students}
        if any(near.values()):
            found.append({id_ for id_ in near if near[id_] == max(near.values())})
    return sorted(set.intersection(*found) or set.union(*found)) if found else []


def nearness(said: str, student: Student) -> int:
    """2 when the words are the student's id or whole name, 1 when part of the name or the name and more, 0 when not."""
    nearest = 0
    for german in (False, True):
        heard = words(said, german)
        id_, first, last = (words(text, german) for text in student[:3])
        if heard and "".join(heard) in {"".join(id_), "".join(first + last), "".join(last + first)}:
            return 2
        inside = set(heard) <= {*first, *last} or bool(first and last and {*first, *last} <= set(heard))
        numbered = any(letter.isdigit() for letter in student[0]) and "".join(id_) in heard
        nearest = max(nearest, bool(heard) and (inside or numbered))
    return nearest


@cache
def words(text: str, german: bool = False) -> tuple[str, ...]:
    """The words in small letters without accents, ü as u or as ue, and without what is no name."""
    text = unicodedata.normalize("NFC", text).casefold().translate(TWO_LETTERS if german else {}).translate(LETTERS)
    text = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return tuple(word for word in re.findall(r"[^\W_]+", text) if not re.fullmatch(NOT_NAMES, word))


def put(course: Path, place: Path, files: Sequence[HandIn], until: datetime | None = None) -> list[Line]:
    """Lines on a student's files, of which the latest is now in its place, unless one as late was there.

    What was there and came after `until` gives way.
    """
    from nbgrader.utils import parse_utc

    owner = place.parts[0]
    target = course / "submitted" / place
    stamp = target.with_name("timestamp.txt")  # as a hub writes it
    there, then = (target.read_bytes(), target.stat().st_mtime) if target.exists() else (None, 0.0)
    with suppress(OSError, ValueError):
        then = parse_utc(stamp.read_text().strip()).replace(tzinfo=UTC).timestamp()
    if until and then > until.timestamp():
        there, then = None, 0.0
    *others, latest = sorted(files, key=lambda f: (f.time, [int(n) for n in re.findall(ENDING, f.path) if n], f.path))
    lines = []
    if there != latest.content and (there is None or then < latest.time):
        said = f"from {owner}" if there is None else f"from {owner}, in place of an earlier one"
        target.parent.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        with written_whole(target) as unfinished:
            unfinished.write_bytes(latest.content)
            os.utime(unfinished, (latest.time, latest.time))
        there, lines = latest.content, [Line(COLLECTED, latest.path, said)]
    if there == latest.content and not stamp.exists():
        with written_whole(stamp) as unfinished:
            unfinished.write_text(f"{datetime.fromtimestamp(latest.time, UTC):%Y-%m-%d %H:%M:%S} UTC")
    for file in others if lines else files:
        same = file.content == there
        said = "the same as" if same else f"to have it, put it at {target}: it is not later than"
        lines.append(Line(NOTHING if same else EARLIER, file.path, f"from {owner}, {said} the one collected"))
    return lines
