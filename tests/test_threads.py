"""The number of threads of matrix products: one inside the fits, as before outside; and the dates on all cores."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, current_thread

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from helpers.data.simulated import simulate_market
from helpers.models import threads
from helpers.models.ipca import InstrumentedPCA
from helpers.models.least_squares import cross_sectional_factors
from helpers.models.threads import for_each_block, one_thread

PANEL = simulate_market(n_dates=30, n_tickers=20, n_characteristics=5).panel


def threads_of_blas():
    """Of those built to take several: a package that a test has loaded may bring one that knows a single thread."""
    blas = (library for library in threadpool_info() if library["user_api"] == "blas")
    return {library["num_threads"] for library in blas if library.get("threading_layer") != "disabled"}


@pytest.fixture(params=[1, 2, 3])
def n_threads(request):
    """As many threads as a user may have told BLAS to take."""
    with threadpool_limits(request.param, user_api="blas"):
        yield request.param


def test_inside_there_is_one_thread_and_afterwards_there_are_as_many_as_before(n_threads):
    with one_thread:
        assert threads_of_blas() == {1}
        with one_thread:
            assert threads_of_blas() == {1} and one_thread.cores() == n_threads
        assert threads_of_blas() == {1}
    assert threads_of_blas() == {n_threads} and one_thread.cores() == n_threads
    with pytest.raises(KeyError), one_thread:
        raise KeyError
    assert threads_of_blas() == {n_threads}


def test_of_several_threads_inside_the_last_one_out_takes_the_number_back(n_threads):
    entered, second_left = Barrier(2), Barrier(2)

    def first():
        with one_thread:
            entered.wait(10)
            second_left.wait(10)
            return threads_of_blas()

    def second():
        with one_thread:
            entered.wait(10)
        inside = threads_of_blas()
        second_left.wait(10)
        return inside

    with ThreadPoolExecutor(2) as pool:
        seen = [pool.submit(first), pool.submit(second)]
        assert [one.result(20) for one in seen] == [{1}, {1}]
    assert threads_of_blas() == {n_threads}


def test_models_fitted_by_several_threads_at_once_leave_the_number_as_it_was(n_threads):
    with ThreadPoolExecutor(4) as pool:
        fits = list(pool.map(lambda _: InstrumentedPCA(2).fit(PANEL).gamma_, range(12)))
    assert all(np.array_equal(fit, fits[0]) for fit in fits) and threads_of_blas() == {n_threads}


@pytest.mark.parametrize("many", [0, np.inf], ids=["shared out", "by one"])
@pytest.mark.parametrize(("n_dates", "n_values"), [(1, 1), (1, 10**7), (7, 0), (7, 3), (100, 10**6), (3, 10**7)])
def test_blocks_cover_every_date_once(n_dates, n_values, many, n_threads, monkeypatch):
    monkeypatch.setattr(threads, "MANY", many)
    times, workers, inside = np.zeros(n_dates, int), set(), set()

    def work(block):
        times[block] += 1
        workers.add(current_thread().name)
        inside.update(threads_of_blas())

    for_each_block(work, n_dates, n_values)
    assert (times == 1).all() and inside == {1}
    if n_threads == 1 or many:
        assert workers == {current_thread().name}


def test_the_error_of_a_block_is_raised_and_the_number_of_threads_taken_back(n_threads, monkeypatch):
    monkeypatch.setattr(threads, "MANY", 0)

    def work(block):
        raise ValueError(f"dates from {block.start}")

    with pytest.raises(ValueError, match="dates from 0"):
        for_each_block(work, 100, 10**7)
    assert threads_of_blas() == {n_threads}


def test_the_number_of_threads_does_not_change_the_factors(n_threads, monkeypatch):
    monkeypatch.setattr(threads, "BLOCK", 50_000)
    random = np.random.default_rng(3)
    returns, betas = random.normal(size=(301, 400)), random.normal(size=(301, 400, 8))
    expected = cross_sectional_factors(returns, betas)
    monkeypatch.setattr(threads, "MANY", 0)
    assert np.array_equal(cross_sectional_factors(returns, betas), expected)
    for d in (0, 149, 150, 151, 300):
        assert np.allclose(expected[d], np.linalg.lstsq(betas[d], returns[d], rcond=None)[0])


FORK = """
import multiprocessing, numpy, threadpoolctl
from helpers.models import threads
from helpers.models.least_squares import cross_sectional_factors

threads.MANY = 0
random = numpy.random.default_rng(0)
returns, betas = random.normal(size=(300, 400)), random.normal(size=(300, 400, 8))

def total(_=None):
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        return cross_sectional_factors(returns, betas).sum()

if __name__ == "__main__":
    here = total()
    with threads.one_thread, multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(total).get(timeout=30) == here
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks by default")
def test_a_forked_process_does_not_wait_for_threads_it_does_not_have():
    subprocess.run([sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK], check=True, timeout=60)
