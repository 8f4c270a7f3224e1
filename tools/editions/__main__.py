"""Builds every edition below build/: student, instructor, slides, site.

    make editions                 all of them, one after the other
    make editions ARGS=--check    says which are stale or not there, and builds nothing
"""

import argparse
import sys
import time
from collections.abc import Sequence

from tools.editions import instructor, site, slides, stamp, student
from tools.editions.repository import git_folder
from tools.refresh import ROOT

BUILD = ROOT / "build"
BUILDERS = {"student": student.main, "instructor": instructor.main, "slides": slides.main, "site": site.main}


def main(argv: Sequence[str] | None = None) -> int:
    """0 when all were built (with --check: are fresh), else 1."""
    parser = argparse.ArgumentParser("python -m tools.editions", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only say which are stale or not there")
    if parser.parse_args(argv).check:
        words = {name: state(name) for name in BUILDERS}
        print(*(f"{name}: {said}" for name, said in words.items()), sep="\n")
        return int(any(said != "fresh" for said in words.values()))
    failed = 0
    for name, build in BUILDERS.items():
        begun = time.monotonic()
        failed |= build([])
        print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
    return int(failed)


def state(name: str) -> str:
    """Whether an edition is fresh, in words."""
    folder = BUILD / name
    try:
        changed = stamp.stale(git_folder(folder) if (folder / ".git").exists() else folder, ROOT)
    except ValueError:
        return "was not built"
    if not changed:
        return "fresh"
    files = f"{len(changed)} file{' has' if len(changed) == 1 else 's have'} changed"
    return f"stale, for {files}: {', '.join(changed[:3])}{' ...' if len(changed) > 3 else ''}"


if __name__ == "__main__":
    sys.exit(main())
