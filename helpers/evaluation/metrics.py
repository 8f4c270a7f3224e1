"""How well a model explains, predicts and ranks."""

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
    return _share_explained(returns, reconstruction, "reconstruction")


def predictive_r2(returns, prediction):
    """The share of the returns' sum of squares that the prediction, made before each date, explains.

        predictive R² = 1 - Σ_d Σ_s (r_s^(d) - r̂_s^(d))² / Σ_d Σ_s (r_s^(d))²        r̂_s^(d) = β_s^(d) · λ^(d-1)

    The same sums as in `total_r2`, with the factors of date d replaced by what was expected of them before: λ^(d-1), the mean of
    the factors up to d - 1. The denominator is not demeaned: predicting 0 everywhere scores 0. Far less can be predicted than
    explained: in the paper's simulation the truth itself scores 3.3 %, and its total R² is 40 %.

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
        If the shapes differ, the prediction is NaN where a return is present, or there is nothing to explain.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 3.3.
    """
    return _share_explained(returns, prediction, "prediction")


def information_coefficient(returns, prediction):
    """The rank correlation, across the tickers of each date, of what was predicted with what was earned.

        IC^(d) = corr over s of rank(r̂_s^(d)) and rank(r_s^(d))        Spearman's; ties share the mean of their ranks

    It asks whether the tickers were put in the right order, and neither units nor outliers matter. A ticker whose return or
    prediction is missing at a date is left out there.

    Parameters
    ----------
    returns, prediction : (n_dates, n_tickers)
        r and r̂; NaN where unknown.

    Returns
    -------
    coefficients : (n_dates,)
        From -1 to 1; NaN at a date with fewer than three such tickers, or where all predictions or all returns are equal.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    from scipy.stats import rankdata  # here, since it takes longer to load than all else

    returns, prediction = side_by_side(returns, prediction, "prediction")
    known = ~np.isnan(returns) & ~np.isnan(prediction)
    counts = known.sum(axis=1)

    def centred_ranks(values):
        ranks = rankdata(np.where(known, values, np.nan), axis=1, nan_policy="omit")
        return np.where(known, ranks - (counts[:, None] + 1) / 2, 0.0)

    a, b = centred_ranks(returns), centred_ranks(prediction)
    spreads = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    coefficients = np.full(len(returns), np.nan)
    return np.divide((a * b).sum(axis=1), spreads, out=coefficients, where=(counts >= 3) & (spreads > 0))


def side_by_side(returns, values, name):
    """The two tables as arrays (n_dates, n_tickers), refused where they do not cover the same dates and tickers."""
    axes = ("n_dates", "n_tickers")
    for axis, what in enumerate(("dates", "tickers")):
        require_same_axis(what, name, values, axis, "returns", returns, axis)
    returns = as_array("returns", returns, axes, missing=True)
    sizes = dict(zip(axes, returns.shape, strict=True))
    return returns, as_array(name, values, axes, missing=True, sizes=sizes)


def require_known(returns, values, name):
    unknown = np.isnan(values) & ~np.isnan(returns)
    if unknown.any():
        raise ValueError(
            f"{name} is NaN at {int(unknown.sum())} place(s) where a return is present. "
            "A model is judged on every return: leave a return out by setting it to NaN too."
        )


def _share_explained(returns, values, name):
    """1 - Σ (r - r̂)² / Σ r² over the known returns."""
    returns, values = side_by_side(returns, values, name)
    require_known(returns, values, name)
    observed = ~np.isnan(returns)
    r = returns[observed]
    total = r @ r
    if total == 0:
        raise ValueError("returns has no sum of squares to explain: every return is zero or missing.")
    errors = r - values[observed]
    return float(1 - errors @ errors / total)
