"""Positions: what they earn, what they cost to hold, and their risk.

A position is a share of capital, negative where a ticker is sold short. What the positions of a date do not add up to lies in
cash, which earns nothing: returns are in excess of its rate.
"""

import numpy as np

from helpers.checks import as_array, as_count, as_positive, beta_axes, require_same_axis
from helpers.models.least_squares import SMALLEST_SHARE

DATES_AND_TICKERS = ("n_dates", "n_tickers")


def sorted_positions(prediction, n_portfolios=10, sizes=None):
    """The positions of portfolios that hold equal numbers of tickers, sorted by what is predicted, the lowest first.

        w_s^(d) = 1 / (tickers in the portfolio), or size_s^(d) / (sum of the sizes in it)        Σ_s w_s^(d) = 1

    At each date the tickers with a known prediction are cut by their rank into portfolios, whose numbers of tickers differ by at
    most one. Equal predictions rank in the order of the tickers. "Decile 10 minus 1" is ``positions[-1] - positions[0]``.

    Parameters
    ----------
    prediction : (n_dates, n_tickers)
        Known before each date; NaN for a ticker that is not to be held.
    n_portfolios : int
    sizes : (n_dates, n_tickers), optional
        Above 0 and known before each date, such as market values; equal weights if left out.

    Returns
    -------
    positions : (n_portfolios, n_dates, n_tickers)
        Shares of the capital of each portfolio; 0 where a ticker is not in it.

    Raises
    ------
    ValueError
        If the shapes differ, a date has fewer predictions than portfolios, or a ticker has a prediction but no size above 0.

    References
    ----------
    Gu, Kelly, Xiu (2021) hold decile 10 and sell decile 1 of the predicted returns, by equal weights and by market value.
    """
    prediction, sizes, known = _known_predictions(prediction, sizes)
    n_portfolios, counts = as_count("n_portfolios", n_portfolios), known.sum(axis=1)
    if (counts < n_portfolios).any():
        d = int(np.argmax(counts < n_portfolios))
        raise ValueError(
            f"prediction is known for only {counts[d]} ticker(s) at the date at position {d}, and n_portfolios = {n_portfolios} "
            "need at least one each. Ask for fewer portfolios, or leave such dates out."
        )
    ranks = prediction.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")  # NaN last
    portfolios = np.where(known, ranks * n_portfolios // counts[:, None], -1)
    held = np.where(portfolios == np.arange(n_portfolios)[:, None, None], sizes, 0.0)
    return held / held.sum(axis=2, keepdims=True)


def portfolio_returns(positions, returns):
    """The return of each portfolio at each date: what its positions, taken before the date, earn.

        r_p^(d) = Σ_s w_s^(d) r_s^(d)

    A missing return earns nothing. Whether a ticker's return would go missing was not known when the position was taken, so to
    share its weight out among the others would look ahead.

    Parameters
    ----------
    positions : (..., n_dates, n_tickers)
        w, in shares of capital, such as those of `sorted_positions`.
    returns : (n_dates, n_tickers)
        r, in fractions per period; NaN where there is none.

    Returns
    -------
    portfolio_returns : (..., n_dates)
        In fractions of capital per period.

    Raises
    ------
    ValueError
        If the shapes disagree or a position is unknown.
    """
    positions, earned = _positions_and_returns(positions, returns)
    return np.einsum("...ds,ds->...d", positions, earned)


def turnover(positions, returns):
    """How much is bought and sold after each date, but the last, to come to the positions of the next.

        turnover^(d) = Σ_s |w_s^(d+1) - w_s^(d) (1 + r_s^(d)) / (1 + Σ_s w_s^(d) r_s^(d))|

    Holdings drift with their returns, and so does the capital that they are shares of; only what is left to change is traded.
    Purchases and sales both count: 2 is a portfolio sold and another bought, and 0 is buy and hold. Positions that add up to 0
    (long minus short) are shares of capital like others. A holding whose return is missing stays what it was.

    Parameters
    ----------
    positions : (..., n_dates, n_tickers)
        w, in shares of capital.
    returns : (n_dates, n_tickers)
        r, in fractions per period; NaN where there is none.

    Returns
    -------
    turnover : (..., n_dates - 1)
        In fractions of capital; entry d is what is traded between date d and date d + 1.

    Raises
    ------
    ValueError
        If the shapes disagree, a position is unknown, or a portfolio loses all of its capital at some date.

    References
    ----------
    Gu, Kelly, Xiu (2020), "Empirical asset pricing via machine learning", who average it over dates.
    """
    positions, earned = _positions_and_returns(positions, returns)
    held, earned = positions[..., :-1, :], earned[:-1]
    capital = 1 + np.einsum("...ds,ds->...d", held, earned)
    if (capital <= 0).any():
        where = tuple(int(i) for i in np.argwhere(capital <= 0)[0])
        raise ValueError(
            f"positions lose all of their capital at the date at position {where[-1]} (return {capital[where] - 1:.3g}), and "
            "there is nothing left to trade. Returns are fractions, 0.01 is one percent; or take smaller positions."
        )
    return np.abs(positions[..., 1:, :] - held * (1 + earned) / capital[..., None]).sum(axis=-1)


def sharpe_ratio(returns, periods_per_year):
    """The mean of a portfolio's returns for each unit of their standard deviation, as of a year.

        Sharpe ratio = √periods_per_year · mean / standard deviation        (ddof=1)

    Parameters
    ----------
    returns : (..., n_dates)
        In excess of the risk-free rate, or of a portfolio that costs nothing.
    periods_per_year : float
        12 for months, 252 for days of trading.

    Returns
    -------
    float or (...)

    Raises
    ------
    ValueError
        If there are fewer than two dates, a return is missing, or all returns of a portfolio are equal.

    References
    ----------
    Sharpe (1994). The root holds for returns without autocorrelation.
    """
    returns = as_array("returns", returns, _axes(returns, ("n_dates",)))
    years = as_positive("periods_per_year", periods_per_year)
    if returns.shape[-1] < 2:
        raise ValueError(f"returns must have at least two dates for a standard deviation; its shape is {returns.shape}.")
    if (np.ptp(returns, axis=-1) == 0).any():
        raise ValueError(
            "returns has no spread: all of a portfolio's are equal, so that its Sharpe ratio is not defined. Drop it."
        )
    ratio = np.sqrt(years) * returns.mean(axis=-1) / returns.std(axis=-1, ddof=1)
    return float(ratio) if returns.ndim == 1 else ratio


def tangency_weights(factors):
    """The positions in the factors whose Sharpe ratio is the highest over these dates.

        w = Σ⁻¹ μ / Σ_k |(Σ⁻¹ μ)_k|        μ, Σ: sample mean and covariance of F

    Any multiple of Σ⁻¹ μ has that Sharpe ratio; here the positions add up to 1 in absolute value, so that what is held long and
    what is sold short make up one unit of capital together.

    Parameters
    ----------
    factors : (n_dates, n_factors)
        F, in excess of the risk-free rate, in fractions per period.

    Returns
    -------
    weights : (n_factors,)

    Raises
    ------
    ValueError
        If there are not more dates than factors, a factor is constant or collinear, or every mean is 0.
    """
    return _tangency(as_array("factors", factors, ("n_dates", "n_factors")), "factors")


def tangency_returns(factors, past):
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
        In fractions of capital per period.

    Raises
    ------
    ValueError
        If the two have different factors, or the weights are not defined at some date (see `tangency_weights`).

    References
    ----------
    Gu, Kelly, Xiu (2021): the out-of-sample Sharpe ratio of a model's factors is that of this portfolio.
    """
    require_same_axis("factors", "past", past, 1, "factors", factors, 1)
    factors = as_array("factors", factors, ("n_dates", "n_factors"))
    past = as_array("past", past, ("n_past", "n_factors"), sizes={"n_factors": factors.shape[1]})
    known = np.concatenate([past, factors])
    weights = [_tangency(known[:d], "past") for d in range(len(past), len(known))]
    return (np.array(weights).reshape(factors.shape) * factors).sum(axis=1)


def factor_covariance(betas, factors, residuals):
    """The covariance of the tickers' returns as a factor model sees it: what the factors share out, and what is each one's own.

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
        In squared fractions per period.

    Raises
    ------
    ValueError
        If the shapes disagree, there are fewer than two dates, or a ticker has fewer than two residuals.
    """
    require_same_axis("dates", "residuals", residuals, 0, "factors", factors, 0)
    betas = as_array("betas", betas, ("n_tickers", "n_factors"))
    factors = as_array("factors", factors, ("n_dates", "n_factors"), sizes={"n_factors": betas.shape[1]})
    sizes = {"n_dates": len(factors), "n_tickers": len(betas)}
    residuals = as_array("residuals", residuals, DATES_AND_TICKERS, missing=True, sizes=sizes)
    short = (~np.isnan(residuals)).sum(axis=0) < 2
    if short.any():
        raise ValueError(
            f"residuals has fewer than two known values for {int(short.sum())} ticker(s), the first at position "
            f"{int(np.argmax(short))}, and a variance needs two. Drop the ticker(s), or pass more dates."
        )
    return betas @ _sample_covariance(factors) @ betas.T + np.diag(np.nanvar(residuals, axis=0, ddof=1))


def minimum_variance_weights(covariance):
    """The positions that add up to 1 and have the smallest variance w' Σ w.

        w = Σ⁻¹ 1 / (1' Σ⁻¹ 1)

    Parameters
    ----------
    covariance : (n_tickers, n_tickers)
        Σ, symmetric and positive definite, such as that of `factor_covariance`.

    Returns
    -------
    weights : (n_tickers,)
        Negative where a ticker is sold short.

    Raises
    ------
    ValueError
        If Σ is not square and symmetric, or singular.
    """
    covariance = as_array("covariance", covariance, ("n_tickers", "n_tickers"))
    if covariance.shape[0] != covariance.shape[1]:
        raise ValueError(f"covariance must have a row and a column for each ticker; its shape is {covariance.shape}.")
    if (np.abs(covariance - covariance.T) > 1e-8 * np.abs(covariance).max(initial=0)).any():
        raise ValueError("covariance must equal its transpose, and this one does not. Pass (covariance + covariance.T) / 2.")
    remedy = "Pass one of full rank, such as factor_covariance gives, or drop tickers."
    inverse = _solved("covariance", covariance, np.ones(len(covariance)), remedy)
    return inverse / inverse.sum()


def hedge(weights, betas):
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
        h, in shares of the portfolio's capital. The factors must be portfolios that can be traded.

    Raises
    ------
    ValueError
        If the shapes disagree, or β is unknown for a ticker that is held.
    """
    axes = beta_axes(betas)
    betas = as_array("betas", betas, axes, missing=True)
    weights = as_array("weights", weights, axes[:-1], sizes=dict(zip(axes, betas.shape, strict=True)))
    held = weights[..., None] != 0
    unknown = int((np.isnan(betas) & held).any(axis=-1).sum())
    if unknown:
        raise ValueError(f"betas are NaN for {unknown} position(s) that are not 0. Set the weight to 0, or fill the betas.")
    return -np.einsum("...s,...sk->...k", weights, np.where(held, betas, 0.0))


def _known_predictions(prediction, sizes):
    """The predictions, the sizes (ones if there are none), and where both are known, each (n_dates, n_tickers)."""
    for axis, what in enumerate(("dates", "tickers")):
        require_same_axis(what, "sizes", sizes, axis, "prediction", prediction, axis)
    prediction = as_array("prediction", prediction, DATES_AND_TICKERS, missing=True)
    known = ~np.isnan(prediction)
    if sizes is None:
        return prediction, np.ones(known.shape), known
    shape = dict(zip(DATES_AND_TICKERS, known.shape, strict=True))
    sizes = as_array("sizes", sizes, DATES_AND_TICKERS, missing=True, sizes=shape).astype(float, copy=False)
    bad = known & ~(sizes > 0)
    if bad.any():
        raise ValueError(
            f"sizes must be above 0 wherever a prediction is known, and {int(bad.sum())} are not, the first at position "
            f"{tuple(int(i) for i in np.argwhere(bad)[0])}. Set the prediction to NaN to leave a ticker out."
        )
    return prediction, sizes, known


def _positions_and_returns(positions, returns):
    """Both as arrays that cover the same dates and tickers; a missing return is a return of 0."""
    for axis, what in enumerate(("dates", "tickers")):
        require_same_axis(what, "positions", positions, axis, "returns", returns, axis)
    returns = as_array("returns", returns, DATES_AND_TICKERS, missing=True)
    sizes = dict(zip(DATES_AND_TICKERS, returns.shape, strict=True))
    positions = as_array("positions", positions, _axes(positions, DATES_AND_TICKERS), sizes=sizes)
    return positions, np.nan_to_num(returns)


def _axes(values, last):
    """The names of the axes of an array, the last ones these, and whatever is before them."""
    try:
        n_axes = np.ndim(values)
    except ValueError:  # ragged: as_array says so
        n_axes = len(last)
    return (*(f"axis {axis}" for axis in range(n_axes - len(last))), *last)


def _tangency(factors, name):
    """`tangency_weights`; messages use the caller's name for the factors."""
    n_dates, n_factors = factors.shape
    if n_dates <= n_factors:
        raise ValueError(
            f"{name} has {n_dates} date(s) for {n_factors} factor(s), and their covariance needs more dates than factors. "
            "Pass more dates, or fewer factors."
        )
    still = np.ptp(factors, axis=0) == 0
    if still.any():
        raise ValueError(f"{name} has zero variance in column {int(np.argmax(still))}. Drop that factor, or pass more dates.")
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
    if (unexplained <= SMALLEST_SHARE * np.diagonal(matrix)).any():
        raise ValueError(f"{name} is singular, or too nearly so to be inverted. {remedy}")
    return np.linalg.solve(matrix, right)
