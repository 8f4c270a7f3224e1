"""How well a model explains returns, and how its factors compare with the true ones."""

import numpy as np

from helpers.checks import as_array, require_same_axis


def total_r2(returns, reconstruction):
    """The share of the returns' sum of squares that the reconstruction explains, pooled over dates and tickers.

        total R² = 1 - Σ_d Σ_s (r_s^(d) - r̂_s^(d))² / Σ_d Σ_s (r_s^(d))²

    The denominator is not demeaned: a model that says 0 everywhere scores 0. Missing returns are left out of both sums. One is
    perfect; below zero is worse than saying 0.

    Parameters
    ----------
    returns, reconstruction : (n_dates, n_tickers)
        r and r̂ in the same units; NaN in returns where there is none.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes differ, the reconstruction is NaN where a return is present, or there is nothing to explain.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 3.3; Kelly, Pruitt, Su (2019).
    """
    axes = ("n_dates", "n_tickers")
    for axis, what in enumerate(("dates", "tickers")):
        require_same_axis(what, "reconstruction", reconstruction, axis, "returns", returns, axis)
    returns = as_array("returns", returns, axes, missing=True)
    sizes = dict(zip(axes, returns.shape, strict=True))
    reconstruction = as_array("reconstruction", reconstruction, axes, missing=True, sizes=sizes)
    observed = ~np.isnan(returns)
    r, r_hat = returns[observed], reconstruction[observed]
    if np.isnan(r_hat).any():
        raise ValueError(
            f"reconstruction is NaN at {int(np.isnan(r_hat).sum())} place(s) where a return is present. "
            "A model is judged on every return: leave a return out by setting it to NaN too."
        )
    total = r @ r
    if total == 0:
        raise ValueError("returns has no sum of squares to explain: every return is zero or missing.")
    errors = r - r_hat
    return float(1 - errors @ errors / total)


def align_factors(betas, factors, true_factors):
    """The betas and factors rewritten in the coordinates of the true factors; their product does not change.

        F ≈ F_true B   (least squares across dates)        F βᵀ = (F B⁻¹) (β Bᵀ)ᵀ

    Factors are known up to an invertible K x K matrix only, so they are compared after this change of coordinates. The estimate
    is regressed on the truth, and not the other way round, since the noise is in the estimate.

    Parameters
    ----------
    betas : (n_dates, n_tickers, n_factors)
    factors, true_factors : (n_dates, n_factors)

    Returns
    -------
    betas : (n_dates, n_tickers, n_factors)
    factors : (n_dates, n_factors)

    Raises
    ------
    ValueError
        If the shapes disagree or no invertible B exists: a factor is missing from the estimate, or repeated in the truth.
    """
    factors = as_array("factors", factors, ("n_dates", "n_factors"))
    true_factors = as_array(
        "true_factors",
        true_factors,
        ("n_dates", "n_factors"),
        sizes=dict(zip(("n_dates", "n_factors"), factors.shape, strict=True)),
    )
    betas = as_array(
        "betas",
        betas,
        ("n_dates", "n_tickers", "n_factors"),
        missing=True,
        sizes={"n_dates": len(factors), "n_factors": factors.shape[1]},
    )
    change, *_ = np.linalg.lstsq(true_factors, factors, rcond=None)
    if np.linalg.cond(change) > 1e10:
        raise ValueError("No invertible matrix turns true_factors into factors: at least one true factor is missing from them.")
    return betas @ change.T, factors @ np.linalg.inv(change)
