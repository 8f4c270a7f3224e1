"""What weights earn on files whose truth is known, beside the best that can be done, a plain recipe and 1/N."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import ArrayLike

from helpers.evaluation.inference import newey_west
from helpers.experiments.entries.months import WINDOW, mean_variance, months_of
from helpers.experiments.made_up import CHARS, FEATURES, LAMBDAS, TRUTH

BEST, RECIPE, EQUAL = "best possible", "organisers' recipe", "1/N"


def score(weights: pd.DataFrame, folder: str | Path, recipe: bool = True) -> pd.DataFrame:
    """The annualised Sharpe ratio of each, its standard error, and how far the weights' is above it.

        mean / standard deviation · √12        of the portfolio's returns by month

    Standard errors are those of the delta method, with neighbouring months allowed to move together; those of
    differences are paired: both portfolios met the same months.

    Parameters
    ----------
    weights : DataFrame
        id, eom, w; those of an eom earn ret_exc_lead1m. Where there is no return, 0 is earned.
    folder : str or path
        As `helpers.experiments.made_up.simulate` writes it.
    recipe : bool
        Whether the organisers' recipe is computed too, which takes a minute for 100 months and 40 features.

    Returns
    -------
    DataFrame
        Rows "best possible", "these weights", "organisers' recipe" and "1/N"; columns sharpe, se, difference,
        difference_se, and months.
    """
    folder = Path(folder)
    keys = pd.read_parquet(folder / CHARS, columns=["id", "eom", "ret_exc_lead1m", "ctff_test"])
    tested = keys[keys["ctff_test"].astype(bool)]
    ways = {BEST: best_weights(folder, tested["eom"].min()), "these weights": weights}
    if recipe:
        ways[RECIPE] = recipe_weights(pd.read_parquet(folder / CHARS), pd.read_parquet(folder / FEATURES))
    ways[EQUAL] = tested[["id", "eom"]].assign(w=1 / tested.groupby("eom")["id"].transform("size"))
    earned = pd.DataFrame({way: earnings(table, tested) for way, table in ways.items()})
    if len(earned) < 3:
        raise ValueError(f"A Sharpe ratio needs three months and more; {folder} has {len(earned)} with ctff_test.")
    pulls = earned.apply(_pulls)
    own = sharpe(earned["these weights"])
    rows = {}
    for way in earned:
        apart = pulls["these weights"] - pulls[way]
        rows[way] = {
            "sharpe": sharpe(earned[way]),
            "se": newey_west(pulls[way])[1],
            "difference": own - sharpe(earned[way]),
            "difference_se": newey_west(apart)[1] if way != "these weights" else 0.0,
            "months": len(earned),
        }
    return pd.DataFrame(rows).T.astype({"months": int})


def sharpe(returns: ArrayLike) -> float:
    """mean / standard deviation · √12."""
    return float(np.mean(returns) / np.std(returns, ddof=1) * np.sqrt(12))


def earnings(weights: pd.DataFrame, tested: pd.DataFrame) -> pd.Series:
    """What the weights earn in each tested month: Σ w r."""
    both = tested.merge(weights, on=["id", "eom"], how="left")
    return (both["w"].fillna(0.0) * both["ret_exc_lead1m"].fillna(0.0)).groupby(both["eom"]).sum()


def best_weights(folder: str | Path, first: pd.Timestamp) -> pd.DataFrame:
    """Σ⁻¹ μ of each month from `first`, with the true μ = β λ and Σ = β β' + diag(v), as `simulate` wrote them."""
    truth = pq.read_table(Path(folder) / TRUTH, filters=[("eom", ">=", first)]).to_pandas()
    names = [f"beta_{k + 1}" for k in range(len(LAMBDAS))]
    parts = []
    for _, month in truth.groupby("eom"):
        betas = month[names].to_numpy()
        scaled = betas / month["variance"].to_numpy()[:, None]
        parts.append(scaled @ np.linalg.solve(np.eye(len(LAMBDAS)) + betas.T @ scaled, LAMBDAS))
    return truth.sort_values("eom", kind="stable")[["id", "eom"]].assign(w=np.concatenate(parts))


def recipe_weights(
    chars: pd.DataFrame, features: pd.DataFrame, n_factors: int = 5, rounds: int = 300, tolerance: float = 1e-6
) -> pd.DataFrame:
    """The organisers' recipe written plainly: alternating least squares for each month, from its own beginning.

    Parameters
    ----------
    chars, features : DataFrame
        As the organisers give them.
    n_factors, rounds : int
    tolerance : float
        A search ends when no entry of Γ moves by more.
    """
    months, parts = list(months_of(chars, features)), []
    sums = []
    for month in months:
        there = np.isfinite(month.returns)
        z, r = month.z[there].astype(float), month.returns[there]
        sums.append((month.eom_ret, z.T @ z, z.T @ r))
    for month in months:
        if not month.tested.any():
            continue
        known = [(squares, moments) for eom_ret, squares, moments in sums if eom_ret <= month.eom][-WINDOW:]
        gamma, factors = alternated(*map(np.array, zip(*known, strict=True)), n_factors, rounds, tolerance)
        betas = month.z[month.tested] @ gamma
        w = betas @ np.linalg.solve(betas.T @ betas, mean_variance(factors))
        parts.append(chars[["id", "eom"]].iloc[month.rows[month.tested]].assign(w=w))
    return pd.concat(parts, ignore_index=True)


def alternated(
    squares: np.ndarray, moments: np.ndarray, n_factors: int, rounds: int, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Γ and F by alternating least squares, from the principal components of Z'r."""
    held = np.diagonal(squares, axis1=1, axis2=2).any(axis=0)
    z_z, z_r = squares[:, held][:, :, held], moments[:, held]
    gamma = np.linalg.eigh(z_r.T @ z_r)[1][:, -n_factors:]
    size = (n_factors, n_factors, *z_z.shape[1:])
    for _ in range(rounds):
        factors = np.linalg.solve(gamma.T @ z_z @ gamma, (z_r @ gamma)[:, :, None])[:, :, 0]
        pairs = (factors[:, :, None] * factors[:, None]).reshape(len(factors), -1)
        left = (pairs.T @ z_z.reshape(len(factors), -1)).reshape(size).transpose(0, 2, 1, 3)
        left = left.reshape(gamma.size, gamma.size)
        left += 1e-12 * np.trace(left) * np.eye(gamma.size)  # features that say the same do not stop it
        new = np.linalg.solve(left, (factors.T @ z_r).ravel()).reshape(n_factors, -1).T
        new = np.linalg.qr(new)[0]
        new *= np.sign((new * gamma).sum(axis=0))
        moved, gamma = np.abs(new - gamma).max(), new
        if moved <= tolerance:
            break
    factors = np.linalg.solve(gamma.T @ z_z @ gamma, (z_r @ gamma)[:, :, None])[:, :, 0]
    whole = np.zeros((len(held), n_factors))
    whole[held] = gamma
    return whole, factors


def _pulls(returns):
    """What each month does to the Sharpe ratio; their mean has its standard error (Lo 2002; Ledoit, Wolf 2008)."""
    z = (returns - returns.mean()) / returns.std(ddof=1)
    ratio = returns.mean() / returns.std(ddof=1)
    return (z - ratio / 2 * (z**2 - 1)) * np.sqrt(12)
