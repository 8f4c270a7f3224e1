"""The one equation of the course, and how much of the returns it explains.

Everything else stands on these two functions.
"""

import numpy as np
from numpy.typing import ArrayLike

from helpers.tables import Tables


def product(betas: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """The returns that sensitivities and factors make together.

        r̂_s^(d) = β_s^(d) · F^(d)

    Parameters
    ----------
    betas : (n_dates, n_tickers, n_factors)
        β; NaN where unknown, and so is the product.
    factors : (n_dates, n_factors)
        F, in fractions per period. Expected factors λ in their place make a forecast.

    Returns
    -------
    returns : (n_dates, n_tickers)
        In fractions per period.
    """
    return np.matmul(betas, np.asarray(factors)[:, :, None])[:, :, 0]


def share_explained(returns: ArrayLike, values: ArrayLike, name: str = "reconstruction") -> float:
    """The share of the sum of squared returns that the values explain: 1 - Σ (r - r̂)² / Σ r² over the known returns.

    Parameters
    ----------
    returns, values : (n_dates, n_tickers)
        r and r̂ in the same units; NaN in returns where there is none.
    name : str
        What the values are called, for the messages.

    Raises
    ------
    ValueError
        If the shapes or labels differ, a value is NaN where a return is present, or there is nothing to explain.
    """
    tables = Tables()
    r, said = tables.array("returns", returns, missing=True), tables.array(name, values, missing=True)
    require_known(r, said, name)
    known = ~np.isnan(r)
    earned = r[known]
    total = earned @ earned
    if total == 0:
        raise ValueError("returns has no sum of squares to explain: every return is zero or missing.")
    errors = earned - said[known]
    return float(1 - errors @ errors / total)


def require_known(returns: np.ndarray, values: np.ndarray, name: str) -> None:
    """Refuses values that are unknown where a return is known."""
    unknown = np.isnan(values) & ~np.isnan(returns)
    if unknown.any():
        raise ValueError(
            f"{name} is NaN at {int(unknown.sum())} place(s) where a return is present. "
            "A model is judged on every return: leave a return out by setting it to NaN too."
        )
