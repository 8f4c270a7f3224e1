"""An edition as a git repository of its own, in which each build is one commit on top of the one before.

So `git pull` and nbgitpuller bring what has changed, and merge it with what a reader has written.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path

from tools.editions import stamp
from tools.refresh import ROOT

NOBODY = {"name": "The course on factor models", "email": "course@factor-models.invalid"}


class NotBuilt(Exception):
    """Says in a sentence what is in the way, and what to do."""


def told(made: Callable[[], str]) -> int:
    """0 after the line that a build gives was printed, else 1, with a sentence on stderr."""
    try:
        print(made())
    except NotBuilt as reason:
        print(reason, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be read or written: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def build(folder: Path, edition: str, parts: Iterable[str], fill: Callable[[Path], None]) -> str:
    """A line on what has become of the folder, after it holds the edition.

    All is made beside the folder first: after an error the folder is as it was.

    Parameters
    ----------
    folder : Path
        Where the repository is, or will be.
    edition : str
        What its commits are called, such as "Student edition".
    parts : iterable of str
        What it is made of, for its stamp: files and folders of this repository.
    fill : function
        Of an empty folder; writes the edition into it.

    Raises
    ------
    NotBuilt
        The folder holds something else, or changes that are in no commit of a build.
    """
    folder = folder.absolute()
    old = checked(folder, edition)
    built_from = stamp.sources(ROOT, parts)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.", suffix=".unfinished") as beside:
        content = Path(beside) / "content"
        content.mkdir()
        fill(content)
        if not old:
            git(content, "init", "--quiet", "--initial-branch=main")
        place = git_folder(folder if old else content)
        new = committed(place, content, f"{edition} of {date.today():%Y-%m-%d}", Path(beside) / "index")
        if old:
            git(folder, "merge", "--quiet", "--ff-only", new)
        else:
            git(content, "reset", "--quiet", new)
        stamp.write(place, built_from, parts)
        if not old:
            if folder.exists():
                folder.rmdir()  # it is empty
            content.rename(folder)
    if new == old:
        return f"Nothing has changed: {folder} is the {edition.lower()} as it was."
    return f"The {edition.lower()} is in {folder}, {'one commit further' if old else 'a git repository'}."


def checked(folder: Path, edition: str) -> str:
    """The commit of the build before; empty if the folder is empty or not there.

    Raises
    ------
    NotBuilt
        It is neither.
    """
    if folder.exists() and not folder.is_dir():
        raise NotBuilt(f"{folder} is a file: give a folder.")
    if not folder.exists() or not any(folder.iterdir()):
        return ""
    elsewhere = "give a new folder, or one with an earlier build"
    if not (folder / ".git").exists():
        raise NotBuilt(f"{folder} holds other files, and no git repository of this edition: {elsewhere}.")
    try:
        head, title = git(folder, "log", "-1", "--format=%H %s").strip().split(" ", 1)
    except (NotBuilt, ValueError):
        raise NotBuilt(f"{folder} is a git repository without a commit: {elsewhere}.") from None
    if not title.startswith(f"{edition} of "):
        raise NotBuilt(
            f"The last commit in {folder}, {title!r}, is none of a build: {elsewhere}. Work in a clone of it."
        )
    if git(folder, "status", "--porcelain").strip():
        raise NotBuilt(f"{folder} has changes that are in no commit: take them out, and work in a clone of it.")
    return head


def committed(place: Path, content: Path, message: str, index: Path) -> str:
    """The commit that holds the content, on top of the newest in the repository, or that one if nothing has changed.

    No branch moves, and the index of the repository stays as it is: until then nobody sees anything of it.
    """
    where = {"GIT_DIR": str(place), "GIT_WORK_TREE": str(content), "GIT_INDEX_FILE": str(index)}
    plain = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "core.excludesFile=")
    git(content, *plain, "add", "--all", "--force", environment=where)
    tree = git(content, "write-tree", environment=where).strip()
    parent = git(content, "rev-parse", "--quiet", "--verify", "HEAD", environment=where, fails=True).strip()
    if parent and git(content, "rev-parse", "HEAD^{tree}", environment=where).strip() == tree:
        return parent
    above = ("-p", parent) if parent else ()
    return git(content, "commit-tree", tree, *above, "-m", message, environment={**where, **identity(content)}).strip()


def identity(folder: Path) -> dict[str, str]:
    """Who commits: whoever git is told of, else nobody in particular."""
    if all(git(folder, "config", f"user.{what}", fails=True).strip() for what in NOBODY):
        return {}
    return {f"GIT_{who}_{what.upper()}": said for who in ("AUTHOR", "COMMITTER") for what, said in NOBODY.items()}


def git_folder(folder: Path) -> Path:
    """Where a repository keeps its commits."""
    return Path(git(folder, "rev-parse", "--absolute-git-dir").strip())


def tracked(root: Path = ROOT) -> list[str]:
    """The files that git knows of and that are there, by their paths below the root.

    Raises
    ------
    NotBuilt
        This is no git repository.
    """
    if not (root / ".git").exists():
        raise NotBuilt("This course did not come by git, which knows what belongs to it: build from a clone.")
    return [name for name in git(root, "ls-files", "-z").split("\0") if name and (root / name).is_file()]


def git(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, fails: bool = False) -> str:
    """What git prints, asked in this folder, whatever repository a hook around us is at work in; empty if it may fail.

    Raises
    ------
    NotBuilt
        It is not there, or says no.
    """
    outer = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or "CONFIG" in name}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env={**outer, **(environment or {})}, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise NotBuilt("git is not installed: get it from git-scm.com, then give this command again.") from None
    if done.returncode and not fails:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise NotBuilt(f"git {' '.join(arguments)} says: {said[-1] if said else done.returncode}")
    return "" if done.returncode else done.stdout.decode("utf-8", errors="surrogateescape")
