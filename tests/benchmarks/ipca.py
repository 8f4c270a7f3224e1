"""How long instrumented principal components take, beside the `ipca` package and plain alternating least squares.

From the root of the repository (the package takes minutes):

    uv run python -m tests.benchmarks.ipca

No route may reach a better fit than ours. Then they are timed as in `tests.benchmarks.regressions`. Z'Z and Z'r of
every date are part of each route, and stand alone in the last line: no route can be faster. The targets stand beside
the ratios.
"""

import contextlib
import io

import numpy as np

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.models.ipca import InstrumentedPCA
from helpers.models.least_squares import cross_sectional_factors
from tests.benchmarks.regressions import OURS, machine, milliseconds, table


def second_moments(panel):
    """Z'Z and Z'r of each date of a panel without gaps."""
    z = panel.characteristics
    return z.transpose(0, 2, 1) @ z, (panel.returns[:, None] @ z)[:, 0]


def gamma_routes(panel, n_factors):
    """Γ, (n_chars, n_factors), up to a rotation, by each route; the package is given its long arrays."""
    n_dates, n_tickers, n_chars = panel.characteristics.shape
    long_z, long_returns = panel.characteristics.reshape(-1, n_chars), panel.returns.ravel()
    rows = np.column_stack([np.tile(np.arange(n_tickers), n_dates), np.repeat(np.arange(n_dates), n_tickers)])

    def ours():
        return InstrumentedPCA(n_factors).fit(panel).gamma_

    def package():
        from ipca import InstrumentedPCA as Package

        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return Package(n_factors=n_factors).fit(long_z, long_returns, rows.copy()).Gamma

    def alternating():
        squares, moments = second_moments(panel)
        flat, total, last = squares.reshape(n_dates, -1), (panel.returns**2).sum(), -np.inf
        gamma = np.linalg.eigh(moments.T @ moments)[1][:, -n_factors:]
        while True:
            portfolios = moments @ gamma
            factors = np.linalg.solve(gamma.T @ squares @ gamma, portfolios[:, :, None])[:, :, 0]
            explained = (factors * portfolios).sum()
            if explained - last <= 1e-12 * total:
                return gamma
            last = explained
            pairs = (factors[:, :, None] * factors[:, None]).reshape(n_dates, -1)
            normal = (pairs.T @ flat).reshape(n_factors, n_factors, n_chars, n_chars).transpose(0, 2, 1, 3)
            solution = np.linalg.solve(normal.reshape(n_factors * n_chars, -1), (factors.T @ moments).ravel())
            gamma, _ = np.linalg.qr(solution.reshape(n_factors, n_chars).T)

    return {OURS: ours, "the ipca package": package, "(alternating least squares alone)": alternating}


def check_no_better(fits):
    """Refuses a route that explains more than ours, or much less: it may end at a local optimum, but near the best."""
    for name, fit in fits.items():
        assert fits[OURS] - 1e-3 < fit < fits[OURS] + 1e-9, f"{name}: {fit}, ours: {fits[OURS]}"


def fit_of(gamma, panel):
    """The total R² with the best factors for this Γ."""
    betas = panel.characteristics @ gamma
    return total_r2(panel.returns, np.matmul(betas, cross_sectional_factors(panel.returns, betas)[:, :, None])[:, :, 0])


def measure(n_dates=240, n_tickers=500, n_characteristics=50, n_factors=5, rounds=2):
    """The report as text: one table. The market has three factors."""
    panel = simulate_market("linear", n_dates, n_tickers, n_characteristics).panel
    routes = gamma_routes(panel, n_factors)
    check_no_better({name: fit_of(route(), panel) for name, route in routes.items()})
    routes["(Z'Z and Z'r of each date)"] = lambda: second_moments(panel)
    lines = [
        f"{machine()}; {rounds} rounds",
        *table(
            f"IPCA: {n_tickers} tickers x {n_dates} dates, {n_characteristics} characteristics, {n_factors} factors",
            milliseconds(routes, rounds, quick=1),
            {"the ipca package": "at least 150"},
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(measure())
