"""Files that are whole or not there: what is half-written never stands under its name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """The path of a new file, which takes the place of the one at `path` when the block ends without an error.

    Until then the old content stands, if there was any; after an error, for good. The new file is beside the old one,
    since only within a folder is the exchange a single step.

    Parameters
    ----------
    path : str or path
        Of the file; its folder exists.
    """
    path = Path(path)
    # A name that no other writer has, of this machine or another.
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.unfinished")
    try:
        yield unfinished
        with open(unfinished, "rb+") as file:
            os.fsync(file.fileno())  # or a loss of power could leave an empty file under the name
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
