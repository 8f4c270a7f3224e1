"""How many threads matrix products take: one for each product; and where there is much to do, each core has its dates.

The library behind numpy (BLAS) cuts every single product among all cores. The products of one date are over before the
other cores have woken up; and while these look out for the next one, they keep the cores from everybody else. So dates
are shared out among cores, and a product stays on its core.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

from threadpoolctl import OpenBLASController, ThreadpoolController

# How many numbers are worked on at once: as many as the memory next to a core holds.
BLOCK = 250_000

# How many numbers are worth the help of other cores. On a busy machine they come late, some milliseconds.
MANY = 8_000_000


class OneThread:
    """One thread for every matrix product within a `with` block, and afterwards as many as before.

    The number belongs to the whole process. So with several of Python's threads inside, the first to enter sets it, and
    the last to leave takes it back.
    """

    def __init__(self):
        self.forget()

    def forget(self) -> None:
        """Nobody is inside: so it is in a process just forked, where nobody would leave the block or open the lock."""
        self._lock, self._inside, self._before = Lock(), 0, []

    def __enter__(self):
        with self._lock:
            if not self._inside:
                self._before = _numbers()
                _set_numbers([1] * len(self._before))
            self._inside += 1

    def __exit__(self, *error):
        with self._lock:
            self._inside -= 1
            if not self._inside:
                _set_numbers(self._before)

    def cores(self) -> int:
        """How many cores the process may keep busy: as many as BLAS was told, by whatever way there is to tell it."""
        with self._lock:
            return max(self._before if self._inside else _numbers(), default=os.cpu_count() or 1)


one_thread = OneThread()


def for_each_block(work: Callable[[slice], None], n_dates: int, n_values: int) -> None:
    """Does the work for all dates: called with slices that together cover them, on all cores if there is much to do.

    Parameters
    ----------
    work : function of a slice of dates
        It keeps its results itself. Its error is raised here; of several, that of the first slice.
    n_dates : int
    n_values : int
        How many numbers the work reads in all.
    """
    n_blocks = max(1, min(n_dates, n_values // BLOCK))
    edges = [n_dates * i // n_blocks for i in range(n_blocks + 1)]
    blocks = list(map(slice, edges[:-1], edges[1:]))
    with one_thread:
        n_cores = one_thread.cores() if n_values >= MANY else 1
        if n_cores > 1:
            list(_threads(n_cores).map(work, blocks))
        else:
            for block in blocks:
                work(block)


def _numbers():
    """The number of threads of each BLAS library."""
    return [library.num_threads for library in _blas()]


def _set_numbers(numbers):
    """Sets them, whichever of Python's threads did so before; threadpoolctl 3.8 would heed only that one."""
    heed_all = getattr(OpenBLASController, "clear_controlling_thread", lambda force: None)
    heed_all(force=True)
    for library, number in zip(_blas(), numbers, strict=True):
        library.set_num_threads(number)
    heed_all(force=True)


@cache
def _blas():
    """The BLAS libraries of this process; looking for them takes milliseconds."""
    import scipy.linalg  # noqa: F401  (it brings another one than numpy's, which is there)

    return ThreadpoolController().select(user_api="blas").lib_controllers


@cache
def _threads(n_cores):
    """Threads kept between calls: a new one would first have to get memory from BLAS, which takes longer than work."""
    return ThreadPoolExecutor(n_cores, thread_name_prefix="dates")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=one_thread.forget)
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a forked process has none of them: it would wait forever
