"""New editions, with what a student has written kept; and clean copies.

    make update            the newest edition; answers, notes and cells of your own stay where they were
    make fresh LESSON=05   a clean copy of a lesson beside yours

Both need git, and a course that came by `git clone`. Nothing of a student's is overwritten: what was changed lies in
yours/, under the time of the update, before anything else is done.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import nbformat

from helpers.files import written_whole
from tools.refresh import ROOT

YOURS = "yours"
NO_PLACE = "## Your cells of the edition before\n\nTheir places are gone; here they are."


class NotDone(Exception):
    """Says in a sentence what is in the way, and what to do."""


class Merged(NamedTuple):
    """A notebook of the new edition with a student's cells in it."""

    notebook: nbformat.NotebookNode
    n_answers: int  # cells of the course that the student had changed
    n_own: int  # cells that the student had added
    n_moved: int  # of both, those whose place is gone: they stand at the end


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """0 when it was done, else 1, with a sentence on stderr."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("update", help="bring in the newest edition, with what you wrote kept")
    commands.add_parser("fresh", help="a clean copy of a lesson beside yours").add_argument("lesson")
    given = parser.parse_args(sys.argv[1:] if argv is None else argv)
    try:
        lines = update(root) if given.command == "update" else [fresh(root, given.lesson)]
    except NotDone as reason:
        print(reason, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be read or written: {error.strerror}.", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


def git(root: Path, *arguments: str) -> str:
    """What git prints.

    Raises
    ------
    NotDone
        It is not there, or says no.
    """
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except FileNotFoundError:
        raise NotDone("git is not installed: get it from git-scm.com, then give this command again.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise NotDone(f"git {arguments[0]} says: {said[-1] if said else done.returncode}")
    return done.stdout.decode("utf-8", errors="surrogateescape")


def update(root: Path) -> list[str]:
    """Lines on what was kept, after the folder holds the newest edition.

    Raises
    ------
    NotDone
        There is no edition to be had, or the student has commits of their own.
    """
    if not (root / ".git").exists():
        raise NotDone("This course did not come by git: download the new edition beside it, and copy what you wrote.")
    git(root, "fetch", "--quiet")
    try:
        new = git(root, "rev-parse", "--verify", "@{upstream}").strip()
    except NotDone:
        new = git(root, "rev-parse", "--verify", "origin/HEAD").strip()
    old = git(root, "rev-parse", "HEAD").strip()
    if new == old:
        return ["This is the newest edition."]
    try:
        git(root, "merge-base", "--is-ancestor", old, new)
    except NotDone:
        raise NotDone("There are commits of your own here: bring the edition in with git merge.") from None
    changed = [name for name in git(root, "diff", "--name-only", "-z", "HEAD").split("\0") if name]
    there = git(root, "ls-tree", "-r", "--name-only", "-z", new).split("\0")
    known = set(git(root, "ls-files", "-z").split("\0"))
    in_the_way = [name for name in there if name and name not in known and (root / name).exists()]
    kept = keep(root, [*changed, *in_the_way])
    lines, merged = [], {}
    for name in changed:
        path = root / name
        if path.suffix != ".ipynb" or not path.exists():
            lines.append(f"{name}: yours is in {kept.relative_to(root)}; here it is as the edition has it")
            continue
        target = same_lesson(name, there)
        if target is None:
            lines.append(f"{name}: this lesson is gone; yours is in {kept.relative_to(root)}")
            continue
        try:
            before, after = (git(root, "show", place) for place in (f"{old}:{name}", f"{new}:{target}"))
            editions = [nbformat.reads(text, as_version=4) for text in (before, after)]
            count = merged[target] = merge(editions[0], nbformat.read(path, as_version=4), editions[1])
        except Exception:  # of many kinds: a file can hold anything, and an old Jupyter takes away the ids of cells
            lines.append(f"{name}: cannot be read as a notebook of this course; it is in {kept.relative_to(root)}")
            continue
        at_end = f", {count.n_moved} of them at the end" if count.n_moved else ""
        lines.append(f"{target}: {count.n_answers} changed and {count.n_own} own cells kept{at_end}")
    git(root, "reset", "--quiet", "--hard", new)
    for name, result in merged.items():
        if result.n_answers + result.n_own:
            write(root / name, result.notebook)
    if kept.exists():
        lines.append(f"What you had is in {kept.relative_to(root)}, should anything be missed.")
    return [*lines, "This is the newest edition now. The next `make lab` brings its packages."]


def keep(root: Path, names: Sequence[str]) -> Path:
    """The folder under yours/ into which these files were copied; it is not made for none."""
    folder = root / YOURS / f"{datetime.now():%Y-%m-%d %H.%M.%S}"
    for name in names:
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)
    return folder


def same_lesson(name: str, there: Sequence[str]) -> str | None:
    """The path that a lesson has in the new edition, where its number may be another; None if it is gone."""
    if name in there:
        return name
    folder, _, file = name.rpartition("/")
    topic = re.sub(r"^\d+_", "", file)
    found = [each for each in there if re.fullmatch(rf"{re.escape(folder)}/\d+_{re.escape(topic)}", each)]
    return found[0] if found else None


def merge(before: nbformat.NotebookNode, mine: nbformat.NotebookNode, new: nbformat.NotebookNode) -> Merged:
    """The new edition's notebook with the cells that the student changed or added since the edition before.

    A cell is known by its id. A cell that the student has changed takes the place of the new edition's, for what was
    written counts more than what was mended there; a cell of their own stands below the one that it stood below.
    """
    old = {cell.id: cell for cell in before.cells}
    result = deepcopy(new)
    places = {cell.id: cell for cell in result.cells}
    n_answers = n_own = n_moved = 0
    above: str | None = None
    lost: list[nbformat.NotebookNode] = []
    for cell in mine.cells:
        was = old.get(cell.id)
        if was is not None and was.source == cell.source:
            above = cell.id if cell.id in places else above
            continue
        if was is not None:
            n_answers += 1
        else:
            n_own += 1
        own = deepcopy(cell)
        if was is not None and cell.id in places:
            own.metadata = places[cell.id].metadata
            result.cells[_at(result, cell.id)] = own
            above = cell.id
        elif was is None and cell.id not in places and (above is not None or not lost):
            result.cells.insert(0 if above is None else _at(result, above) + 1, own)
            above = cell.id
            places[cell.id] = own
        else:
            if cell.id in places:
                own.id = f"{cell.id[:50]}-yours"
            lost.append(own)
            n_moved += 1
    if lost:
        result.cells += [nbformat.v4.new_markdown_cell(NO_PLACE, id="your-cells-of-the-edition-before"), *lost]
    return Merged(result, n_answers, n_own, n_moved)


def _at(notebook, cell_id):
    return next(i for i, cell in enumerate(notebook.cells) if cell.id == cell_id)


def fresh(root: Path, lesson: str) -> str:
    """A line that says where the clean copy of the lesson is.

    Raises
    ------
    NotDone
        There is no such lesson.
    """
    names = git(root, "ls-tree", "-r", "--name-only", "-z", "HEAD", "notebooks/").split("\0")
    found = [name for name in names if re.match(rf"notebooks/{re.escape(lesson)}[^/]*\.ipynb$", name)]
    if len(found) != 1:
        own = ", ".join(re.findall(r"notebooks/(\d\d)_", " ".join(names)))
        raise NotDone(f"There is no lesson {lesson!r}: make fresh LESSON=05, or one of {own}.")
    path = root / found[0]
    copy, n = path.with_name(f"{path.stem} fresh.ipynb"), 1
    while copy.exists():
        n += 1
        copy = path.with_name(f"{path.stem} fresh {n}.ipynb")
    with written_whole(copy) as unfinished:
        unfinished.write_text(git(root, "show", f"HEAD:{found[0]}"), encoding="utf-8")
    return f"A clean copy is in {copy.relative_to(root)}; yours is as it was."


def write(path: Path, notebook: nbformat.NotebookNode) -> None:
    """Writes a notebook, as a whole or not at all."""
    with written_whole(path) as unfinished:
        nbformat.write(notebook, unfinished)


if __name__ == "__main__":
    sys.exit(main())
