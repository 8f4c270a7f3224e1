"""The grid in a second or two: six cells by least squares alone, on a market that a reader sets with sliders."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.checks import as_choice, as_count, as_positive
from helpers.data.simulated import SimulatedMarket, simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.models.ipca import InstrumentedPCA
from helpers.models.managed import managed_portfolios, managed_without
from helpers.models.regression import CrossSectionalRegression

BENDS = ("along lines", "along curves")
WAYS = ("weights on x", "weights on managed portfolios", "regression of the date")
N_CHARACTERISTICS, N_TESTED, FEWEST_DATES = 8, 60, 12
RIDGES = (0.01, 0.1, 1.0)  # of instrumented PCA
PRICES = (0.003, 0.01, 0.03, 0.1, 0.3)  # of Γ and W, with all columns of the mean square 1
N_ROUNDS = 10  # of two regressions in turn; more move no score by a tenth of a point


def quick_grid(market: SimulatedMarket) -> pd.DataFrame:
    """Total R² of test dates with each ticker left out of F, by how β bends and how F is found, in percent.

    No network is trained: along lines, β is linear in eight ranks and a constant; along curves, in their squares and
    products, too. All cells are given the same dates and the true number of factors. They are tested on the last 60
    dates, learn on the first half of those before, and choose the strength of their ridge on the second.

        r̂ = z Γ F        F = W'x (Γ and W by two regressions in turn), or the regression of the date (IPCA)

    Parameters
    ----------
    market : SimulatedMarket
        As from `quick_market`.

    Returns
    -------
    DataFrame, (2, 4)
        Indexed by how β bends; a column for each way to find F, and `truth`, the true β with F solved for.
    """
    if not isinstance(market, SimulatedMarket):
        raise TypeError(f"market must be a SimulatedMarket, as from quick_market; {type(market).__name__} was given.")
    n_dates, n_factors = (len(market.panel) - N_TESTED) // 2, market.betas.shape[2]
    as_count("n_dates", n_dates, at_least=FEWEST_DATES, why=f"{N_TESTED} dates are tested, and half of the others fit.")
    tested = market.panel[-N_TESTED:]
    truth = CrossSectionalRegression(given_betas=market.betas).fit(market.panel).leave_one_out(tested)
    rows = {bend: _scores(market, bend == "along curves", n_dates, n_factors) for bend in BENDS}
    return 100 * pd.DataFrame(rows).T.assign(truth=total_r2(tested.returns, truth))


def quick_market(
    case: str = "nonlinear",
    n_matter: int = 3,
    noise: float = 1.0,
    n_dates: int = 60,
    n_tickers: int = 200,
    seed: int = 0,
) -> SimulatedMarket:
    """A simulated market of eight characteristics for `quick_grid`: its first factors alone, its noise changed.

    Parameters
    ----------
    case : {"linear", "nonlinear"}
    n_matter : int
        How many of the market's three factors there are, and so how many characteristics matter: 1, 2 or 3.
    noise : float
        What the noise of the returns is multiplied by.
    n_dates : int
        To learn on, at least 12; there are as many to choose on, and 60 to test on.
    n_tickers : int
        At least 12.
    seed : int
    """
    as_choice("n_matter", n_matter, (1, 2, 3))
    n_dates = as_count("n_dates", n_dates, at_least=FEWEST_DATES, why="Γ and W are learned from them.")
    n_tickers = as_count("n_tickers", n_tickers, at_least=12, why="There are nine managed portfolios.")
    market = simulate_market(case, 2 * n_dates + N_TESTED, n_tickers, N_CHARACTERISTICS, seed=seed)
    betas, factors = market.betas[..., :n_matter], market.factors[:, :n_matter]
    noisy = as_positive("noise", noise) * (market.panel.returns - market.reconstruction)
    returns = (betas @ factors[:, :, None])[..., 0] + noisy
    return replace(market, panel=replace(market.panel, returns=returns), betas=betas, factors=factors)


def _scores(market, curves, n_dates, n_factors):
    """The score of each way to find F, {way: share}."""
    panel, z = market.panel, market.panel.characteristics.astype(float)
    if curves:
        one, other = np.triu_indices(z.shape[2])
        z = np.concatenate([z, z[..., one] * z[..., other]], axis=2)
    bent = replace(panel, characteristics=z, characteristic_names=pd.RangeIndex(1, z.shape[2] + 1))
    learn, choose, test = slice(n_dates), slice(n_dates, len(panel) - N_TESTED), slice(-N_TESTED, None)

    def solved(ridge):
        model = InstrumentedPCA(n_factors, constant=True, ridge=ridge, n_starts=1, tolerance=1e-5).fit(bent[learn])
        return lambda dates: np.asarray(model.leave_one_out(bent[dates]))

    def weighted(x, x_without):
        def fitted(price):
            gamma, weights = fixed_weights(panel.returns[learn], columns[learn], x[learn], n_factors, price)
            return lambda dates: ((columns[dates] @ gamma) * (x_without[dates] @ weights)).sum(axis=2)

        return fitted

    columns = np.concatenate([z, np.ones((*z.shape[:2], 1))], axis=2)
    managed = np.asarray(managed_portfolios(panel, constant=True)), managed_without(panel, constant=True)
    ways: tuple[tuple[Callable, tuple[float, ...]], ...] = (
        (weighted(panel.portfolios, panel.portfolios[:, None]), PRICES),
        (weighted(*managed), PRICES),
        (solved, RIDGES),
    )
    scores = {}
    for way, (fitted, strengths) in zip(WAYS, ways, strict=True):
        said = [fitted(strength) for strength in strengths]
        best = max(said, key=lambda model: total_r2(panel.returns[choose], model(choose)))
        scores[way] = total_r2(panel.returns[test], best(test))
    return scores


def fixed_weights(
    returns: np.ndarray, z: np.ndarray, x: np.ndarray, n_factors: int, price: float = 0.01
) -> tuple[np.ndarray, np.ndarray]:
    """Γ (n_chars, n_factors) and W (n_inputs, n_factors) of r̂ = z Γ W'x, by two regressions in turn.

        min over Γ and W of mean (r - z Γ W'x)² / mean r² + price (Σ Γ² + Σ W²)

    with each column of z and x divided by its root mean square, here and while Γ and W are priced. Both have a price,
    since Γ A and W A⁻ᵀ are the same fit: together they shrink the product, and a factor that x does not carry vanishes.

    Parameters
    ----------
    returns : (n_dates, n_tickers)
    z : (n_dates, n_tickers, n_chars)
    x : (n_dates, n_inputs)
    n_factors : int
    price : float
    """
    units = [np.sqrt(np.mean(values**2, axis)) for values, axis in ((returns, None), (z, (0, 1)), (x, 0))]
    r, z, x = returns / units[0], z / units[1], x / units[2]
    (n_dates, n_tickers, n_chars), n_inputs = z.shape, x.shape[1]
    squares = z.transpose(0, 2, 1) @ z / (n_dates * n_tickers)  # Z'Z of each date
    moments = (z.transpose(0, 2, 1) @ r[:, :, None])[..., 0] / (n_dates * n_tickers)  # Z'r
    on_gamma, on_weights = price * np.eye(n_chars * n_factors), price * np.eye(n_inputs * n_factors)

    # The start is the best r̂ = z B x whose B has any rank, as if Z'Z were the same at all dates, cut to n_factors.
    one, other = (part + price * np.eye(len(part)) for part in (squares.sum(axis=0), x.T @ x / n_dates))
    lengths, axes = np.linalg.svd(np.linalg.solve(one, np.linalg.solve(other, x.T @ moments).T))[1:]
    weights = axes[:n_factors].T * np.sqrt(lengths[:n_factors])
    for _ in range(N_ROUNDS):
        factors = x @ weights
        spread = np.einsum("dij,dk,dl->ikjl", squares, factors, factors, optimize=True).reshape(on_gamma.shape)
        gamma = np.linalg.solve(spread + on_gamma, (moments.T @ factors).ravel()).reshape(n_chars, n_factors)
        between = gamma.T @ squares @ gamma  # β'β of each date
        spread = np.einsum("dp,dq,dkl->pkql", x, x, between, optimize=True).reshape(on_weights.shape)
        weights = np.linalg.solve(spread + on_weights, (x.T @ moments @ gamma).ravel()).reshape(n_inputs, n_factors)
    return gamma / units[1][:, None] * units[0], weights / units[2][:, None]
