"""The edition for students: the course without answers, hidden tests and instructors' pages, as a git repository.

    make student                        build/student
    make student FOLDER=../course-2027  another folder
    make student SEED=2027              with the homework of `make homework SEED=2027`

A text that has parts for others says so: what stands between a line with `not for students: begin` and one with
`not for students: end` is left out. An exercise keeps what its right way and the usual wrong ways give, in the place of
their code (`tools.editions.recording`). A homework is the version that nbgrader makes for students.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools import homework
from tools.editions import recording, stamp
from tools.editions.repository import NotBuilt, build, git_folder, told, tracked
from tools.refresh import ROOT, set_kernel_environment

EDITION = "Student edition"
# Files, and folders with all that is tracked in them.
PARTS = (
    ".gitignore", ".jupyter", "CITATION.cff", "LICENSE", "Makefile", "README.md", "conftest.py", "course.png",
    "docs/researchers.md", "docs/students.md", "environment.sh", "environment.yml", "helpers", "notebooks",
    "pyproject.toml", "tests/__init__.py", "tests/between_cells.py", "tests/cells.py", "tests/in_the_kernel.py",
    "tests/pictures.py", "tests/test_environment.py", "tools/__init__.py", "tools/minutes.py", "tools/refresh.py",
    "tools/update.py", "uv.lock",
)  # fmt: skip
HOMEWORK = "notebooks/homework/"  # its sources hold answers and hidden tests
ALSO_MADE_OF = ("tools/editions", "tools/homework.py")
SOLUTION = re.compile(r"(`q\d+\.solution\(\)`) the solution")  # what lessons say of it, which here is not so
MARKED = re.compile(r"^[^\n]*not for students: begin.*?not for students: end[^\n]*\n", re.DOTALL | re.MULTILINE)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when it was built, else 1, with a sentence on stderr."""
    parser = argparse.ArgumentParser(prog="make student", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "student")
    parser.add_argument("--seed", type=int, help="that of the homework, as for make homework")
    parser.add_argument("--homework", type=Path, help="a course folder of make homework, whose release/ is taken")
    given = parser.parse_args(sys.argv[1:] if argv is None else argv)
    if given.homework and given.seed is not None:
        parser.error("A course folder has its homework already: give --homework or --seed.")
    return told(lambda: build(given.folder, EDITION, (*PARTS, *ALSO_MADE_OF), lambda content: fill(content, given)))


def fill(content: Path, given: argparse.Namespace) -> None:
    """Writes the edition into an empty folder.

    Raises
    ------
    NotBuilt
        A part of it could not be made.
    """
    copied(chosen(), content)
    for name in chosen():
        if name.endswith((".md", ".py", ".toml", "Makefile", ".gitignore")):
            adapted(content / name)
        elif name.endswith(".ipynb"):
            text = (content / name).read_text(encoding="utf-8")
            (content / name).write_text(SOLUTION.sub(r"\1 says whom to ask", text), encoding="utf-8")
    for name, text in recording.modules_without_answers().items():
        (content / name).write_text(text, encoding="utf-8")
    record(content, given.folder)
    releases(content / "notebooks", given.homework, given.seed)


def chosen() -> list[str]:
    """The files of the edition, by their paths below the root; the homework is none of them."""
    names = tracked()
    found = [name for name in names if name in PARTS or name.startswith(tuple(f"{part}/" for part in PARTS))]
    return [name for name in found if not name.startswith(HOMEWORK)]


def copied(names: Iterable[str], content: Path) -> None:
    """Copies these files of the repository into a folder, with who may run them."""
    for name in names:
        (content / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, content / name)


def adapted(path: Path) -> None:
    """Takes out of a text what is marked as not for students.

    Raises
    ------
    NotBuilt
        A mark has no partner.
    """
    text = path.read_text(encoding="utf-8")
    without = MARKED.sub("", text)
    if "not for students: begin" in without or "not for students: end" in without:
        raise NotBuilt(f"In {path.name} a mark `not for students` has no partner: begin and end belong together.")
    if without != text:
        path.write_text(without, encoding="utf-8")


def record(content: Path, folder: Path) -> None:
    """Writes what the ways to answer give: taken from the build before if no helper has changed since, else new."""
    exercises = content / recording.EXERCISES
    if (folder / ".git").exists() and not any(map(is_recorded_from, changed_since(folder))):
        for path in (folder / recording.EXERCISES).glob("*.npz"):
            shutil.copy(path, exercises / path.name)
        return
    # In a process of its own, in which sums come out the same on every machine.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tools.editions.recording", str(content)],
        cwd=ROOT, env=set_kernel_environment(dict(os.environ)), check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise NotBuilt(f"The exercises could not be recorded:\n{done.stderr}")


def changed_since(folder: Path) -> list[str]:
    """What has changed since the build before; all, if nobody knows."""
    try:
        return stamp.stale(git_folder(folder), ROOT)
    except ValueError:
        return list(PARTS)


def is_recorded_from(name: str) -> bool:
    """Whether the records hang on this file."""
    return name.startswith(("helpers", "tools/editions/recording", "uv.lock"))


def releases(notebooks: Path, course: Path | None, seed: int | None) -> None:
    """Puts the versions of the homework for students beside the lessons.

    Raises
    ------
    NotBuilt
        The course folder has none.
    """
    with tempfile.TemporaryDirectory() as own:
        if course is None:
            try:
                course = homework.course_folder(Path(own) / "course")
                homework.bring_sources(course, seed)
                homework.build(course, homework.generate_assignment())
            except homework.NotBuilt as reason:
                raise NotBuilt(str(reason)) from None
        found = sorted((course / "release").glob("*/homework_*.ipynb"))
        if not found:
            raise NotBuilt(f"{course} has no homework in release/: run make homework first.")
        for path in found:
            shutil.copy(path, notebooks / path.name)


if __name__ == "__main__":
    sys.exit(main())
