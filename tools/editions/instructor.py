"""The edition for instructors: all of this repository, answers included, as a git repository of its own.

    make instructor                        build/instructor
    make instructor FOLDER=../my-course    another folder

Clone it into a private repository, and change the clone: what the next build brings is one commit, to be merged.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.editions.repository import build, told, tracked
from tools.editions.student import copied
from tools.refresh import ROOT

EDITION = "Instructor edition"


def main(argv: Sequence[str] | None = None) -> int:
    """0 when it was built, else 1, with a sentence on stderr."""
    parser = argparse.ArgumentParser(prog="make instructor", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "instructor")
    given = parser.parse_args(sys.argv[1:] if argv is None else argv)

    def made() -> str:
        names = tracked()
        return build(given.folder, EDITION, names, lambda content: copied(names, content))

    return told(made)


if __name__ == "__main__":
    sys.exit(main())
