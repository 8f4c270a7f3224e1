"""How well a model explains, predicts and ranks."""

import numpy as np
from numpy.typing import ArrayLike

from helpers.checks import no_spread
from helpers.equation import share_explained
from helpers.tables import Tables

# The share of a sum of squares that is left to rounding: ranks know no size, and smaller differences count.
ROUNDING = 1e-24


def total_r2(returns: ArrayLike, reconstruction: ArrayLike) -> float:
    """The share of the returns' sum of squares that the reconstruction explains, pooled over dates and tickers.

        total R² = 1 - Σ_d Σ_s (r_s^(d) - r̂_s^(d))² / Σ_d Σ_s (r_s^(d))²

    The denominator is not demeaned: a model that says 0 everywhere scores 0. Missing returns are left out of both sums.
    One is perfect; below zero is worse than saying 0.

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
        If the shapes or labels differ, the reconstruction is NaN where a return is present, or there is nothing to
        explain.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 3.3; Kelly, Pruitt, Su (2019).
    """
    return share_explained(returns, reconstruction, "reconstruction")


def predictive_r2(returns: ArrayLike, prediction: ArrayLike) -> float:
    """The share of the returns' sum of squares that the prediction, made before each date, explains.

        predictive R² = 1 - Σ_d Σ_s (r_s^(d) - r̂_s^(d))² / Σ_d Σ_s (r_s^(d))²        r̂_s^(d) = β_s^(d) · λ^(d-1)

    The same sums as in `total_r2`, with the factors of date d replaced by what was expected of them before: λ^(d-1),
    the mean of the factors up to d - 1. The denominator is not demeaned: predicting 0 everywhere scores 0. Far less can
    be predicted than explained: in the paper's simulation the truth itself scores 3.3 %, and its total R² is 40 %.

    Parameters
    ----------
    returns, prediction : (n_dates, n_tickers)
        r and r̂ in the same units, such as `FactorModel.predict` returns; NaN in returns where there is none.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes or labels differ, the prediction is NaN where a return is present, or there is nothing to explain.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 3.3.
    """
    return share_explained(returns, prediction, "prediction")


def information_coefficient(returns: ArrayLike, prediction: ArrayLike) -> np.ndarray:
    """The rank correlation, across the tickers of each date, of what was predicted with what was earned.

        IC^(d) = corr over s of rank(r̂_s^(d)) and rank(r_s^(d))        Spearman's; ties share the mean of their ranks

    It asks whether the tickers were put in the right order, and neither units nor outliers matter. A ticker whose
    return or prediction is missing at a date is left out there.

    Parameters
    ----------
    returns, prediction : (n_dates, n_tickers)
        r and r̂; NaN where unknown.

    Returns
    -------
    coefficients : (n_dates,)
        From -1 to 1; NaN at a date with fewer than three such tickers, or where all predictions or all returns are
        equal but for rounding. With the dates, where an argument has them.

    Raises
    ------
    ValueError
        If the shapes or labels differ.
    """
    from scipy.stats import rankdata  # here, since it takes longer to load than all else

    tables = Tables()
    r, said = tables.array("returns", returns, missing=True), tables.array("prediction", prediction, missing=True)
    known = ~np.isnan(r) & ~np.isnan(said)
    counts = known.sum(axis=1)
    still = [no_spread(np.where(known, values, np.nan).T, share=ROUNDING) for values in (r, said)]

    def centred_ranks(values):
        ranks = rankdata(np.where(known, values, np.nan), axis=1, nan_policy="omit")
        return np.where(known, ranks - (counts[:, None] + 1) / 2, 0.0)

    a, b = centred_ranks(r), centred_ranks(said)
    spreads = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    coefficients = np.full(len(r), np.nan)
    np.divide((a * b).sum(axis=1), spreads, out=coefficients, where=(counts >= 3) & ~np.any(still, axis=0))
    return tables.labelled(coefficients, "n_dates")
