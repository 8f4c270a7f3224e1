"""How many threads matrix products take: one for each product; and where there is much to do, each core has its dates.

The library behind numpy (BLAS) cuts every single product among all cores. The products of one date are over before the
other cores have woken up; and while these look out for the next one, they keep the cores from everybody else. So dates
are shared out among cores, and a product stays on its core.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ContextDecorator
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController

# How many numbers are worked on at once: as many as the memory next to a core holds.
BLOCK = 250_000

# How many numbers are worth the help of other cores. On a busy machine they come late, some milliseconds.
MANY = 8_000_000


class OneThread(ContextDecorator):
    """One thread for every matrix product, within a `with` block or a decorated function; then as many as before.

    The number belongs to the whole process. So with several of Python's threads inside, the first to enter sets it, and
    the last to leave takes it back.
    """

    def __init__(self):
        self._lock, self._inside, self._limit, self._cores = Lock(), 0, None, 1

    def __enter__(self):
        with self._lock:
            if not self._inside:
                self._cores = _threads_of_blas()
                self._limit = _blas().limit(limits=1)
            self._inside += 1

    def __exit__(self, *error):
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()

    def cores(self) -> int:
        """How many cores the process may keep busy: as many as BLAS was told, by whatever way there is to tell it."""
        with self._lock:
            return self._cores if self._inside else _threads_of_blas()


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
    n_blocks = min(n_dates, -(-n_values // BLOCK))
    edges = [n_dates * i // n_blocks for i in range(n_blocks + 1)]
    blocks = list(map(slice, edges[:-1], edges[1:]))
    with one_thread:
        n_cores = one_thread.cores() if n_values >= MANY else 1
        if n_cores > 1:
            list(_threads(n_cores).map(work, blocks))
        else:
            for block in blocks:
                work(block)


def _threads_of_blas():
    return max((library.num_threads for library in _blas().lib_controllers), default=os.cpu_count() or 1)


@cache
def _blas():
    """The BLAS libraries of this process; looking for them takes milliseconds."""
    import scipy.linalg  # noqa: F401  (it brings another one than numpy's, which is there)

    return ThreadpoolController().select(user_api="blas")


@cache
def _threads(n_cores):
    """Threads kept between calls: a new one would first have to get memory from BLAS, which takes longer than work."""
    return ThreadPoolExecutor(n_cores, thread_name_prefix="dates")


def _forget():
    one_thread.__init__()
    _threads.cache_clear()


if hasattr(os, "register_at_fork"):  # a forked process has neither the threads nor anybody to leave the block
    os.register_at_fork(after_in_child=_forget)
