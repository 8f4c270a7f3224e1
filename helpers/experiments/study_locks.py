"""Locks on files: of all processes that ask for one, on this machine or through a shared folder, one has it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A file system without locks: two processes may then do the same work, and the later one writes the same bytes again.
WITHOUT_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL}


@contextmanager
def alone(path: Path, wait: bool = False) -> Iterator[bool]:
    """Whether this process alone has the lock of this name while the block lasts.

    The operating system holds the lock for an open file and takes it back when the process ends, by kill -9 as well. So
    no lock can be left behind, and none has to be judged by its age or by the number of a process. The empty file
    stays: to delete it would let two processes lock two files of one name.

    Parameters
    ----------
    path : Path
        Of the file, which is made; so is its folder.
    wait : bool
        Whether to wait until the lock is free, or else to say at once that it is not.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as file:
        yield _taken(file.fileno(), wait)


def _taken(descriptor, wait):
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in WITHOUT_LOCKS
    return True
