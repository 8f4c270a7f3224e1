"""How long the two regressions take, beside what a user would pick instead and beside the bare matrix products.

From the root of the repository:

    uv run python -m tests.benchmarks.regressions

All routes are first checked to give the same numbers. Then they are called in turn, round after round, so that a busy
moment of the machine falls on all of them alike; the table holds the shortest times, which such moments touch least.
The settings are those that a user has, the number of threads above all. Nothing here passes or fails on time: the
targets stand beside the ratios.
"""

import os
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
import statsmodels.api as sm
from linearmodels.panel import FamaMacBeth
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_info

from helpers.models.least_squares import cross_sectional_factors, time_series_betas

OURS, BARE = "helpers", "bare Z'Z, Z'r and solve"


def time_series_routes(n_dates, n_tickers, n_factors=5):
    """The intercepts and slopes of every ticker, (n_tickers, 1 + n_factors), by each route."""
    random = np.random.default_rng(0)
    factors = random.normal(0.005, 0.04, (n_dates, n_factors))
    returns = factors @ random.normal(0, 1, (n_factors, n_tickers)) + random.normal(0, 0.1, (n_dates, n_tickers))

    def ours():
        alphas, betas = time_series_betas(returns, factors)
        return np.column_stack([alphas, betas])

    def scikit_learn():
        fits = [LinearRegression().fit(factors, r) for r in returns.T]
        return np.array([[fit.intercept_, *fit.coef_] for fit in fits])

    def statsmodels():
        design = sm.add_constant(factors)
        return np.array([sm.OLS(r, design).fit().params for r in returns.T])

    def bare():
        design = np.column_stack([np.ones(n_dates), factors])
        return np.linalg.lstsq(design, returns, rcond=None)[0].T

    def products():
        design = np.column_stack([np.ones(n_dates), factors])
        return np.linalg.solve(design.T @ design, design.T @ returns).T

    return {
        OURS: ours,
        "scikit-learn, one ticker at a time": scikit_learn,
        "statsmodels, one ticker at a time": statsmodels,
        "bare numpy.linalg.lstsq": bare,
        "(X'X, X'r and solve, unchecked)": products,
    }


def cross_section_routes(n_dates, n_tickers, n_characteristics=20):
    """The factors of every date, (n_dates, n_characteristics), by each route; linearmodels is given its frame."""
    random = np.random.default_rng(1)
    z = random.uniform(-1, 1, (n_dates, n_tickers, n_characteristics))
    returns = (z @ random.normal(0, 0.1, (n_dates, n_characteristics, 1)))[:, :, 0]
    returns += random.normal(0, 0.1, returns.shape)
    index = pd.MultiIndex.from_product([range(n_tickers), range(n_dates)], names=["ticker", "date"])
    long_returns = pd.Series(returns.T.ravel(), index, name="returns")
    long_z = pd.DataFrame(z.transpose(1, 0, 2).reshape(-1, n_characteristics), index)

    def ours():
        return cross_sectional_factors(returns, z)

    def scikit_learn():
        return np.array([LinearRegression(fit_intercept=False).fit(z[d], returns[d]).coef_ for d in range(n_dates)])

    def linearmodels():
        return FamaMacBeth(long_returns, long_z).fit().all_params.to_numpy()

    def bare():
        across = z.transpose(0, 2, 1)
        return np.linalg.solve(across @ z, across @ returns[:, :, None])[:, :, 0]

    return {
        OURS: ours,
        "scikit-learn, one date at a time": scikit_learn,
        "linearmodels.FamaMacBeth": linearmodels,
        BARE: bare,
    }


def check_same_numbers(routes):
    """Nothing, or an AssertionError that names the route that differs from ours."""
    expected = routes[OURS]()
    for name, route in routes.items():
        np.testing.assert_allclose(route(), expected, rtol=1e-7, atol=1e-10, err_msg=name)


def milliseconds(routes, rounds, quick=0.05):
    """The shortest time of each route; in each round, routes quicker than `quick` seconds are called five times."""
    times = {name: [] for name in routes}
    for _ in range(rounds):
        for name, route in routes.items():
            for _ in range(5 if times[name] and min(times[name]) < quick else 1):
                start = time.perf_counter()
                route()
                times[name].append(time.perf_counter() - start)
    return {name: 1000 * min(seconds) for name, seconds in times.items()}


def import_routes():
    """A Python that imports our module, and one that imports nothing."""

    def start(code):
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    return {OURS: start("import helpers"), "Python alone": start("pass")}


def machine():
    """The cores of the machine, and the threads that BLAS takes here, as text."""
    threads = {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}
    return f"{os.cpu_count()} cores, {', '.join(map(str, sorted(threads)))} threads of BLAS"


def table(title, times, targets):
    """The lines of a table: milliseconds, their ratio to ours, and the target of that ratio where there is one."""
    lines = [title, f"    {'':<36}{'ms':>10}{'ratio to ours':>16}   target"]
    for name, ms in times.items():
        target = next((text for start, text in targets.items() if name.startswith(start)), "")
        lines.append(f"    {name:<36}{ms:>10.2f}{ms / times[OURS]:>16.2f}   {target}".rstrip())
    return lines


def measure(n_dates=240, n_tickers=500, rounds=9):
    """The report as text: a table for each question."""
    time_series, cross_sections = time_series_routes(n_dates, n_tickers), cross_section_routes(n_dates, n_tickers)
    narrow, wide = (cross_section_routes(n_dates, n_tickers, n_characteristics=n) for n in (5, 50))
    narrow, wide = ({name: routes[name] for name in (OURS, BARE)} for routes in (narrow, wide))
    for routes in (time_series, cross_sections, narrow, wide):
        check_same_numbers(routes)
    within = "at least 0.77: ours is within 1.3 x bare"
    lines = [
        f"{machine()}; {rounds} rounds",
        *table(
            f"Time series: {n_tickers} tickers x {n_dates} dates, 5 factors",
            milliseconds(time_series, rounds),
            {"scikit-learn": "at least 100", "bare": "at least 0.5: ours is within 2 x bare"},
        ),
        *table(
            f"Cross-sections: {n_dates} dates x {n_tickers} tickers, 20 characteristics",
            milliseconds(cross_sections, rounds),
            {"scikit-learn": "at least 40", "bare": within},
        ),
        *table("The same, 5 characteristics", milliseconds(narrow, rounds), {"bare": within}),
        *table("The same, 50 characteristics", milliseconds(wide, rounds), {"bare": within}),
        *table("import helpers, in a new process", milliseconds(import_routes(), min(rounds, 5), quick=0), {}),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    warnings.simplefilter("error")
    print(measure())
