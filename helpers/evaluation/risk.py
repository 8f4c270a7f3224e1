"""Risk: the covariance of returns, and the positions that make the most of it or take it away."""

import numpy as np
from numpy.typing import ArrayLike

from helpers.calendars import follows
from helpers.checks import SMALLEST_SHARE, beta_axes, no_spread
from helpers.labels import short
from helpers.tables import Tables

DATES_AND_FACTORS = ("n_dates", "n_factors")


def tangency_weights(factors: ArrayLike) -> np.ndarray:
    """The positions in the factors whose Sharpe ratio is the highest over these dates.

        w = Σ⁻¹ μ / Σ_k |(Σ⁻¹ μ)_k|        μ, Σ: sample mean and covariance of F

    Any multiple of Σ⁻¹ μ has that Sharpe ratio; here the positions add up to 1 in absolute value, so that what is held
    long and what is sold short make up one unit of capital together.

    Parameters
    ----------
    factors : (n_dates, n_factors)
        F, in excess of the risk-free rate, in fractions per period.

    Returns
    -------
    weights : (n_factors,)
        With the names of the factors, if they have any.

    Raises
    ------
    ValueError
        If there are not more dates than factors, a factor is constant or collinear, or every mean is 0.
    """
    tables = Tables()
    f = tables.array("factors", factors, DATES_AND_FACTORS)
    return tables.labelled(_tangency(f, "factors"), "n_factors")


def tangency_returns(factors: ArrayLike, past: ArrayLike) -> np.ndarray:
    """What the tangency portfolio earns at each date when its weights come from the dates before.

        r_p^(d) = w^(d-1) · F^(d)        w^(d-1): `tangency_weights` of past and of the factors up to d - 1

    Parameters
    ----------
    factors : (n_dates, n_factors)
        F, in fractions per period, in time order.
    past : (n_past, n_factors)
        The same factors at the dates before; more dates than there are factors.

    Returns
    -------
    returns : (n_dates,)
        In fractions of capital per period, with the dates, if the factors have any.

    Raises
    ------
    ValueError
        If the two have different factors, the dates do not ascend from past to factors, or the weights are not defined
        at some date (see `tangency_weights`).

    References
    ----------
    Gu, Kelly, Xiu (2021): the out-of-sample Sharpe ratio of a model's factors is that of this portfolio.
    """
    tables = Tables()
    f = tables.array("factors", factors, DATES_AND_FACTORS)
    before = tables.array("past", past, ("n_past", "n_factors"))
    for axis in ("n_past", "n_dates"):
        tables.require_time_order(axis)
    _require_past(tables.labels("n_past"), tables.labels("n_dates"))
    known = np.concatenate([before, f])
    weights = [_tangency(known[:d], "past") for d in range(len(before), len(known))]
    return tables.labelled((np.array(weights).reshape(f.shape) * f).sum(axis=1), "n_dates")


def factor_covariance(betas: ArrayLike, factors: ArrayLike, residuals: ArrayLike) -> np.ndarray:
    """The covariance of the tickers' returns as a factor model sees it: what the factors share out, and each one's own.

        Σ = β Cov(F) β' + diag(Var(ε_1), Var(ε_2), ...)        (ddof=1)

    Few numbers are estimated, so that Σ can be inverted even for more tickers than dates. If β are the slopes of
    `time_series_betas`, with an intercept and without gaps, the diagonal is the sample variance of the returns exactly.

    Parameters
    ----------
    betas : (n_tickers, n_factors)
        β of one date, such as the last.
    factors : (n_dates, n_factors)
        F, in fractions per period.
    residuals : (n_dates, n_tickers)
        ε = r - β · F, NaN where there is no return.

    Returns
    -------
    covariance : (n_tickers, n_tickers)
        In squared fractions per period, with the tickers along both axes, where an argument has them.

    Raises
    ------
    ValueError
        If the shapes or labels disagree, there are fewer than two dates, or a ticker has fewer than two residuals.
    """
    tables = Tables()
    b = tables.array("betas", betas, ("n_tickers", "n_factors"))
    f = tables.array("factors", factors, DATES_AND_FACTORS)
    errors = tables.array("residuals", residuals, missing=True)
    short = (~np.isnan(errors)).sum(axis=0) < 2
    if short.any():
        raise ValueError(
            f"residuals has fewer than two known values for {int(short.sum())} ticker(s), the first at position "
            f"{int(np.argmax(short))}, and a variance needs two. Drop the ticker(s), or pass more dates."
        )
    covariance = b @ _sample_covariance(f) @ b.T + np.diag(np.nanvar(errors, axis=0, ddof=1))
    return tables.labelled(covariance, "n_tickers", "n_tickers")


def minimum_variance_weights(covariance: ArrayLike) -> np.ndarray:
    """The positions that add up to 1 and have the smallest variance w' Σ w.

        w = Σ⁻¹ 1 / (1' Σ⁻¹ 1)

    Parameters
    ----------
    covariance : (n_tickers, n_tickers)
        Σ, symmetric and positive definite, such as that of `factor_covariance`.

    Returns
    -------
    weights : (n_tickers,)
        Negative where a ticker is sold short. With the tickers, if Σ has them.

    Raises
    ------
    ValueError
        If Σ is not square and symmetric, in its labels too, or singular.
    """
    tables = Tables()
    sigma = tables.array("covariance", covariance, ("n_tickers", "n_columns"))
    if sigma.shape[0] != sigma.shape[1]:
        raise ValueError(f"covariance must have a row and a column for each ticker; its shape is {sigma.shape}.")
    rows, columns = tables.labels("n_tickers"), tables.labels("n_columns")
    if rows is not None and columns is not None and not rows.equals(columns):
        raise ValueError("covariance must name the same tickers, in the same order, along its rows and its columns.")
    if (np.abs(sigma - sigma.T) > 1e-8 * np.abs(sigma).max(initial=0)).any():
        raise ValueError(
            "covariance must equal its transpose, and this one does not. Pass (covariance + covariance.T) / 2."
        )
    remedy = "Pass one of full rank, such as factor_covariance gives, or drop tickers."
    inverse = _solved("covariance", sigma, np.ones(len(sigma)), remedy)
    return tables.labelled(inverse / inverse.sum(), "n_tickers")


def hedge(weights: ArrayLike, betas: ArrayLike) -> np.ndarray:
    """The positions in the factors that take a portfolio's exposure to them away.

        h_k = -Σ_s w_s β_s,k        then Σ_s w_s r_s + Σ_k h_k F_k = Σ_s w_s ε_s

    Parameters
    ----------
    weights : (n_tickers,) or (n_dates, n_tickers)
        w, in shares of capital.
    betas : (n_tickers, n_factors) or (n_dates, n_tickers, n_factors)
        β, known before the date; may be NaN for a ticker that is not held.

    Returns
    -------
    positions : (n_factors,) or (n_dates, n_factors)
        h, in shares of the portfolio's capital, with the names of the factors, where an argument has labels. The
        factors must be portfolios that can be traded.

    Raises
    ------
    ValueError
        If the shapes or labels disagree, or β is unknown for a ticker that is held.

    Examples
    --------
    >>> hedge([0.5, 0.5], [[1.0], [0.6]])
    array([-0.8])
    """
    tables, axes = Tables(), beta_axes(betas)
    b = tables.array("betas", betas, axes, missing=True)
    w = tables.array("weights", weights, axes[:-1])
    held = w[..., None] != 0
    unknown = int((np.isnan(b) & held).any(axis=-1).sum())
    if unknown:
        raise ValueError(
            f"betas are NaN for {unknown} position(s) that are not 0. Set the weight to 0, or fill the betas."
        )
    return tables.labelled(-np.einsum("...s,...sk->...k", w, np.where(held, b, 0.0)), *axes[:-2], "n_factors")


def _require_past(past, dates):
    """Refuses labels of past dates that do not end before the dates begin."""
    if past is None or dates is None or not len(past) or not len(dates):
        return
    if not follows(past, dates):
        raise ValueError(
            f"past must end before factors begin; it ends at {short(past[-1])} and they begin at {short(dates[0])}. "
            "Give both the dates of one calendar, or pass arrays, which go by position."
        )


def _tangency(factors, name):
    """`tangency_weights`; messages use the caller's name for the factors."""
    n_dates, n_factors = factors.shape
    if n_dates <= n_factors:
        raise ValueError(
            f"{name} has {n_dates} date(s) for {n_factors} factor(s), and their covariance needs more dates than "
            "factors. Pass more dates, or fewer factors."
        )
    still = no_spread(factors)
    if still.any():
        raise ValueError(
            f"{name} has zero variance in column {int(np.argmax(still))}, but for rounding: there is no risk to weigh "
            "its mean against. Drop that factor, or pass more dates."
        )
    remedy = "One factor is a combination of the others: drop it."
    direction = _solved(f"The covariance of {name}", _sample_covariance(factors), factors.mean(axis=0), remedy)
    length = np.abs(direction).sum()
    if length == 0:
        raise ValueError(f"{name} has a mean of 0 in every column, so that no position in them is better than none.")
    return direction / length


def _sample_covariance(factors):
    """(n_factors, n_factors), with ddof=1; also for a single factor."""
    centred = factors - factors.mean(axis=0)
    return centred.T @ centred / (len(factors) - 1)


def _solved(name, matrix, right, remedy):
    """The solution of matrix x = right, refused where the matrix is not positive definite."""
    try:
        # The square of a diagonal entry is the part of that variance which the columns before it do not explain.
        unexplained = np.diagonal(np.linalg.cholesky(matrix)) ** 2
    except np.linalg.LinAlgError:
        unexplained = np.array([-np.inf])
    variances = np.diagonal(matrix)
    # A variance far below the others' rounding is none, even if no other column explains it.
    if (unexplained <= np.maximum(SMALLEST_SHARE * variances, SMALLEST_SHARE**2 * variances.max(initial=0))).any():
        raise ValueError(f"{name} is singular, or too nearly so to be inverted. {remedy}")
    return np.linalg.solve(matrix, right)
