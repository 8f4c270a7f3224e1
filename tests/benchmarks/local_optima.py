"""How often instrumented principal components end at a local optimum, by the number of starts.

From the root of the repository (some minutes):

    uv run python -m tests.benchmarks.local_optima

The best known fit is the best of a hundred starts. A fit misses it when it explains less by more than 1e-6 of the total
R². The small panels are little but noise, where local optima are most; the markets are the paper's.
"""

import warnings
from itertools import product

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.models.ipca import InstrumentedPCA
from helpers.panel import Panel

STARTS = {"the first start": 1, "the two starts from the data": 2, "the rule": None}


def small_panels(n_seeds=100):
    """Panels by name and K: noise, noise with gaps, and weak factors; twenty to forty dates, ten to thirty tickers."""
    sizes = [(1, 3), (2, 4), (3, 5), (2, 6), (3, 8)]
    for (k, n_chars), seed in product(sizes, range(n_seeds)):
        random = np.random.default_rng(seed)
        z, noise = random.normal(size=(20, 10, n_chars)), random.normal(0, 0.1, (20, 10))
        yield "noise", k, Panel(returns=noise, characteristics=z)
        z, gaps = random.normal(size=(30, 20, n_chars)), random.normal(0, 0.1, (30, 20))
        gaps[random.random(gaps.shape) < 0.1] = np.nan
        yield "noise with gaps", k, Panel(returns=gaps, characteristics=z)
        yield "weak factors", k, simulate_market("nonlinear", 40, 30, n_chars, seed=seed).panel


def markets(n_markets=20):
    """The paper's markets, K = 1 to 6."""
    for kind, seed, k in product(("linear", "nonlinear"), range(n_markets), range(1, 7)):
        yield f"the paper's {kind} market", k, simulate_market(kind, 180, 200, 50, seed=seed).panel


def shortfalls(panel, n_factors, most):
    """How much less of the total R² each choice of starts explains than the best known fit."""
    fits = {}
    for name, n_starts in {**STARTS, "best": most}.items():
        try:
            model = InstrumentedPCA(n_factors, n_starts=n_starts).fit(panel)
        except ValueError:  # every start was lost
            fits[name] = 0.0
        else:
            fits[name] = total_r2(panel.returns, model.reconstruct(panel))
    best = max(fits.values())
    return {name: best - fits[name] for name in STARTS}


def measure(panels, most):
    """The report as text: a table of misses."""
    found = {}
    for name, k, panel in panels:
        for choice, shortfall in shortfalls(panel, k, most).items():
            found.setdefault((name, choice), []).append(shortfall)
    lines = [f"{'':<32}{'':<30}{'fits':>6}{'misses':>8}{'largest':>10}"]
    for (name, choice), values in found.items():
        missed = [value for value in values if value > 1e-6]
        lines.append(f"{name:<32}{choice:<30}{len(values):>6}{len(missed):>8}{max(missed, default=0.0):>10.5f}")
    return "\n".join(lines)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(measure(small_panels(), 100), flush=True)
    print(measure(markets(), 12))
