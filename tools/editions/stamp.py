"""What an edition was built from, so that one that has become stale is told from one that has not."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from helpers.files import written_whole

STAMP = "edition.json"


def sources(root: Path, parts: Iterable[str]) -> dict[str, str]:
    """The checksum of each file, by its path below `root`: of files, and of all that lies in folders.

    Parameters
    ----------
    root : Path
        Of the repository.
    parts : iterable of str
        Files and folders below it. What Python and Jupyter leave behind does not count.

    Raises
    ------
    ValueError
        There is no such file or folder.
    """
    found = {}
    for part in sorted(parts):
        place = root / part
        if not place.exists():
            raise ValueError(f"An edition is to be made of {part}, which is not in {root}.")
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            name = path.relative_to(root).as_posix()
            if path.is_file() and "__pycache__" not in name and ".ipynb_checkpoints" not in name:
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def write(folder: Path, built_from: dict[str, str], parts: Iterable[str]) -> None:
    """Notes in the folder of an edition what it was built from: the last thing that a build does.

    Parameters
    ----------
    folder : Path
    built_from : dict
        What `sources` said when the build began: a file that has changed meanwhile makes the edition stale at once.
    parts : iterable of str
        The same as there.
    """
    with written_whole(folder / STAMP) as unfinished:
        unfinished.write_text(json.dumps({"parts": sorted(parts), "sources": built_from}, indent=0), encoding="utf-8")


def stale(folder: Path, root: Path) -> list[str]:
    """The files that have changed, come or gone since the edition in this folder was built; none if it is fresh.

    Raises
    ------
    ValueError
        No finished edition lies there.
    """
    try:
        noted = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        then, parts = noted["sources"], noted["parts"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(f"{folder} holds no finished edition: build it first.") from None
    now = sources(root, [part for part in parts if (root / part).exists()])
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
