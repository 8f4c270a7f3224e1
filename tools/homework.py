"""The homework of a class, in a course folder of nbgrader: built for students, and collected from them.

    make homework                             the folder homework/, which git ignores
    make homework ARGS=../factor-models-2027  another one
    make homework SEED=2027                   with data, sizes and hidden tests that no other seed has
    make homework ARGS="collect homework_1 downloads.zip"

The notebooks of notebooks/homework/ go to its source/, and nbgrader_config.py with them. What is already there is
kept, so that an instructor may change the copies; the command then builds release/ from those. `collect` brings what
students hand in to submitted/, and tells in a line what became of each file. docs/instructors.md tells the rest.
"""

import argparse
import hashlib
import os
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

import nbformat

from helpers.files import written_whole
from tools.collect import MISSING, OUTCOMES, NotCollected, collect, read_students
from tools.grading import judge

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
HERE = NOTEBOOKS / "homework"
COURSE = ROOT / "homework"
SEEDS = re.compile(r"(default_rng\(|simulate_\w+\([^()]*\bseed=)(\d+)")


class NotBuilt(Exception):
    """Says in a sentence what is in the way."""


def main(argv: Sequence[str] | None = None) -> int:
    """0 when all was built, or every file was collected or listed, else 1, with a sentence on stderr."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        return run_collect(argv[1:]) if argv[:1] == ["collect"] else run_build(argv)
    except (NotBuilt, NotCollected) as reason:
        print(reason, file=sys.stderr)
        return 1


def run_build(argv: Sequence[str]) -> int:
    """0 when every release version could be built, else 1 or NotBuilt."""
    what = "Build the homework that students get; `collect --help` tells how to collect it."
    parser = argparse.ArgumentParser(prog="make homework", description=what)
    parser.add_argument("folder", nargs="?", type=Path, default=COURSE, help="the course folder; default: homework/")
    parser.add_argument("--seed", type=int, help="a number that changes all data and hidden tests, such as the year")
    given = parser.parse_args(argv)
    folder, seed = given.folder, given.seed
    try:
        generate = generate_assignment()
        course = course_folder(folder)
        kept = bring_sources(course, seed)
        names = build(course, generate)
    except OSError as error:
        print(f"{folder} cannot be made or written ({error.strerror}): give another folder.", file=sys.stderr)
        return 1
    what = "was kept" if seed is None else f"was kept, so SEED={seed} changes nothing in it"
    for name in kept:
        print(f"{name}: your version in {course / 'source'} differs from ours, and {what}. Delete it to get ours.")
    print(f"Built {', '.join(names)} for students, in {course / 'release'}")
    return 0


def run_collect(argv: Sequence[str]) -> int:
    """0 when every file was collected or listed, else 1 or NotCollected."""
    parser = argparse.ArgumentParser("homework.py collect", description="Collect what students hand in.")
    parser.add_argument("homework", help="its name, such as homework_1")
    parser.add_argument("place", type=Path, help="the folder, or the zip, with all that came in")
    parser.add_argument("--course", type=Path, default=COURSE, help="the course folder; default: homework/")
    parser.add_argument("--students", type=Path, help="the class's list; default: students.csv there, if there is one")
    given = parser.parse_args(argv)
    usual = given.course / "students.csv"
    path = given.students or (usual if usual.exists() else None)
    try:
        lines = collect(given.course, given.homework, given.place, read_students(path) if path else [])
    except OSError as error:
        print(f"{error.filename} cannot be read or written: {error.strerror}.", file=sys.stderr)
        return 1
    for line in lines:
        text = f"{line.outcome:<13}  {line.about}: {line.said}"
        print("".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text))
    count = Counter(line.outcome for line in lines)
    print(f"{len(lines) - count[MISSING]} files:", ", ".join(f"{count[outcome]} {outcome}" for outcome in OUTCOMES))
    return 0


def generate_assignment() -> Any:
    """nbgrader's command of that name.

    Raises
    ------
    NotBuilt
        nbgrader is not installed.
    """
    try:
        from nbgrader.apps import GenerateAssignmentApp
    except ImportError as error:
        raise NotBuilt(
            f"nbgrader cannot be loaded ({error}): run `make homework`, or `pip install '.[homework]'`."
        ) from None
    return GenerateAssignmentApp


def course_folder(path: Path) -> Path:
    """The path of a course folder, made if it is not there.

    Raises
    ------
    NotBuilt
        It lies among the course's own notebooks, or holds something else.
    """
    course = path.expanduser().resolve()
    if course.is_relative_to(NOTEBOOKS):
        raise NotBuilt(
            f"{path} lies in notebooks/, where every notebook is run by the tests: give a folder outside of it."
        )
    if course.exists() and not course.is_dir():
        raise NotBuilt(f"{path} is a file: give a folder.")
    if course.is_dir() and any(course.iterdir()) and not (course / "nbgrader_config.py").is_file():
        raise NotBuilt(
            f"{path} holds other files, and no nbgrader_config.py: give a new folder, or an earlier course folder."
        )
    course.mkdir(parents=True, exist_ok=True)
    return course


def bring_sources(course: Path, seed: int | None = None) -> list[str]:
    """The names of the assignments of which the folder holds a version of its own; those that it lacks are copied."""
    put(course / "nbgrader_config.py", (HERE / "nbgrader_config.py").read_bytes())
    kept = []
    for path in sorted(HERE.glob("homework_*.ipynb")):
        ours, target = path.read_bytes(), course / "source" / path.stem / path.name
        content = ours if seed is None else with_seed(path, seed)
        if seed is not None and target.is_file() and target.read_bytes() == ours:  # nobody has changed it
            target.unlink()
        if not put(target, content):
            kept.append(path.stem)
    return kept


def with_seed(path: Path, seed: int) -> bytes:
    """The assignment with other random numbers in what is given and in the tests, and so with other data and sizes.

    The seed of a simulation or a generator becomes one that hangs on both numbers. That of a network, which the task
    tells, stays.

    Raises
    ------
    NotBuilt
        The right answers do not pass the new tests: of a thousand markets, one may be unlike the others.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        told = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and told and not told["solution"]:
            cell.source = SEEDS.sub(lambda found: f"{found[1]}{other_seed(seed, int(found[2]))}", cell.source)
    scores = judge.grade(judge.parts_of(notebook), notebook, "none").scores
    wrong = [f"{score.name}: {score.said}" for score in scores if score.points == 0]
    if wrong:
        raise NotBuilt(f"With the seed {seed} the right answers of {path.stem} fail ({wrong[0]}): take another seed.")
    return nbformat.writes(notebook).encode()


def other_seed(seed: int, old: int) -> int:
    """The seed that takes the place of an old one: the same for the same two, and no other's."""
    return int.from_bytes(hashlib.sha256(f"{seed} {old}".encode()).digest()[:4], "big")


def put(path: Path, content: bytes) -> bool:
    """Whether this is what the file holds, after one that was not there was written, as a whole or not at all."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as unfinished:
            unfinished.write_bytes(content)
    return path.read_bytes() == content


def build(course: Path, generate: Any) -> list[str]:
    """The names of all assignments in the folder's source/, after nbgrader made their release versions.

    Raises
    ------
    NotBuilt
        nbgrader could not read one of them; it has then said why on stderr.
    """
    # For a new gradebook nbgrader calls the program alembic, which is where this environment's programs are.
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    names = sorted(folder.name for folder in (course / "source").iterdir() if folder.is_dir() and folder.name[0] != ".")
    for name in names:
        try:
            with chdir(course):  # nbgrader looks for its configuration and the assignments here
                generate.launch_instance([name, "--force", "--log-level=ERROR"])
        except SystemExit as stop:
            if stop.code:
                place = course / "source" / name
                raise NotBuilt(
                    f"nbgrader could not build {place}, for the reason above: mend it, then run this again."
                ) from None
        finally:
            generate.clear_instance()
    return names


if __name__ == "__main__":
    sys.exit(main())
