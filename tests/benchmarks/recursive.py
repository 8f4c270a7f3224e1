"""How long an IPCA takes that is fitted again every month, each fit from where the last one ended.

From the root of the repository (minutes):

    uv run python -m tests.benchmarks.recursive

740 months, 151 characteristics, K = 3, and the last 360 months are each fitted to all that was before: the target is
ten minutes on two cores, reading Z'Z and Z'r included. Beside it, some of the same fits without a warm start; and one
round of Newton's method beside its bare matrix products, with the target of at most 1.5 times these.
"""

import time

import numpy as np

from helpers.data.simulated import simulate_market
from helpers.evaluation.splitter import WalkForward
from helpers.evaluation.walk_forward import out_of_sample
from helpers.models import gamma as search
from helpers.models.ipca import InstrumentedPCA
from helpers.models.least_squares import second_moments
from helpers.models.threads import one_thread
from tests.benchmarks.regressions import machine, milliseconds

MINUTES, ROUND = 10, 1.5


def bare(gamma, squares):
    """The matrix products of one round, and nothing else: Z'Z Γ, Σ F F' ⊗ Z'Z, Σ J (β'β)⁻¹ J', and one solution."""
    n_dates, n_factors = len(squares), gamma.shape[1]
    pairs, across = np.ones((n_dates, n_factors**2)), np.ones((n_dates * n_factors, gamma.size))
    flat, curvature = squares.reshape(n_dates, -1), np.eye(gamma.size)

    def products():
        squares @ gamma
        pairs.T @ flat
        across.T @ across
        search.cho_factor(curvature)

    return products


def one_round(gamma, squares, moments):
    """One round of Newton's method, from one Γ to the next and what the round after it begins with."""
    _, factors, exposures, roots = search._given_gamma(gamma, squares, moments)

    def round_():
        slope, fixed = search._given_factors(factors, exposures, squares, moments)
        loss = search._as_factors_follow(factors, exposures, roots, moments)
        search._given_gamma(search._step(gamma, slope, fixed - loss / 2), squares, moments)

    return round_


def measure(n_tickers=600, n_dates=740, n_characteristics=151, n_factors=3, n_refits=360, n_cold=5):
    """The report as text."""
    panel = simulate_market("linear", n_dates, n_tickers, n_characteristics).panel
    first = n_dates - n_refits
    start = time.perf_counter()
    warm = out_of_sample(InstrumentedPCA(n_factors, warm_start=True), panel, WalkForward(first, n_test=1))
    minutes = (time.perf_counter() - start) / 60
    some = np.linspace(0, n_refits - 1, n_cold).astype(int)
    start = time.perf_counter()
    cold = [InstrumentedPCA(n_factors).fit(panel[: first + k]) for k in some]
    of_cold = (time.perf_counter() - start) / n_cold
    apart = max(
        np.abs(np.asarray(one.reconstruct(panel[-1:])) - np.asarray(warm.models[k].reconstruct(panel[-1:]))).max()
        for k, one in zip(some, cold, strict=True)
    )
    z, known = panel.characteristics, ~np.isnan(panel.returns)
    squares, moments = second_moments(panel.returns, z, known)
    gamma = warm.models[-1].gamma_
    with one_thread:
        routes = {"bare": bare(gamma, squares), "ours": one_round(gamma, squares, moments)}
        times = milliseconds(routes, rounds=3)
        ratio = times["ours"] / times["bare"]
    lines = [
        f"IPCA, {n_refits} refits: {n_dates} dates x {n_tickers} tickers x {n_characteristics}, K = {n_factors}",
        f"{'all refits, warm':<40}{minutes:>10.2f} minutes   target: at most {MINUTES}",
        f"{'one refit, warm':<40}{60 * minutes / n_refits:>10.2f} seconds",
        f"{'one refit, cold':<40}{of_cold:>10.2f} seconds",
        f"{'the two r̂ differ by at most':<40}{apart:>10.1e}",
        f"{'rounds of a warm fit':<40}{np.mean([model.n_rounds_ for model in warm.models[1:]]):>10.1f}",
        f"{'a round, x its bare products':<40}{ratio:>10.2f}           target: at most {ROUND}",
        machine(),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(measure())
