"""The two regressions of the course on plain arrays: down the columns of R, and along its rows.

Both read the same equation, r_s^(d) = β_s · F^(d) + ε_s^(d). Given F, each ticker's β is a regression across dates; given β, each
date's F is a regression across tickers. Missing returns (NaN) are left out of every sum.
"""

import numpy as np

from helpers.checks import as_array, as_count, first_few

# A regressor is called collinear when the others leave less than this share of its sum of squares unexplained. Double precision
# keeps about six digits of the answer at this bound, and none a few orders of magnitude below it.
SMALLEST_SHARE = 1e-10


def time_series_betas(returns, factors, intercept=True):
    """The sensitivity of each ticker to each factor: the slopes of one regression per ticker, across dates.

        r_s^(d) = α_s + β_s · F^(d) + ε_s^(d)        min over (α_s, β_s) of Σ_d ε_s^(d)²

    Every ticker without gaps shares the right-hand side, so one least-squares solve serves them all. A ticker with gaps has a
    right-hand side of its own: the rows of its missing dates are zero.

    Parameters
    ----------
    returns : (n_dates, n_tickers)
        R, in fractions per period; NaN where there is none.
    factors : (n_dates, n_factors)
        F, in fractions per period.
    intercept : bool
        Whether α is estimated; without it, α is zero and the line passes through the origin.

    Returns
    -------
    alphas : (n_tickers,)
    betas : (n_tickers, n_factors)

    Raises
    ------
    ValueError
        If the shapes disagree, a factor is constant or collinear, or a ticker has fewer returns than coefficients.
    """
    returns = as_array("returns", returns, ("n_dates", "n_tickers"), missing=True)
    factors = as_array("factors", factors, ("n_dates", "n_factors"), sizes={"n_dates": len(returns)})
    design = np.column_stack([np.ones(len(factors)), factors]) if intercept else factors
    observed = ~np.isnan(returns)
    _require_enough("ticker", "dates", observed.sum(axis=0), design.shape[1])
    _require_variation(factors, intercept)

    scale = np.linalg.norm(design, axis=0)
    design = design / scale
    coefficients = np.empty((design.shape[1], returns.shape[1]))
    complete = observed.all(axis=0)
    coefficients[:, complete], _, rank, _ = np.linalg.lstsq(design, returns[:, complete], rcond=SMALLEST_SHARE**0.5)
    if rank < design.shape[1]:
        raise ValueError(_collinear("factors", "across these dates"))
    for_gaps = observed[:, ~complete].T
    if len(for_gaps):
        coefficients[:, ~complete] = _with_gaps(design, returns[:, ~complete].T, for_gaps).T
    coefficients = coefficients / scale[:, None]
    return (coefficients[0], coefficients[1:].T) if intercept else (np.zeros(returns.shape[1]), coefficients.T)


def cross_sectional_factors(returns, betas):
    """The return of each factor at each date: the coefficients of one regression per date, across tickers.

        r^(d) = β^(d) F^(d) + ε^(d)        F^(d) = (β^(d)' β^(d))⁻¹ β^(d)' r^(d)        min over F^(d) of Σ_s ε_s^(d)²

    All dates are solved in one batch of normal equations, (n_factors x n_factors) each.

    Parameters
    ----------
    returns : (n_dates, n_tickers)
        R, in fractions per period; NaN where there is none.
    betas : (n_tickers, n_factors) or (n_dates, n_tickers, n_factors)
        β, constant or one for each date. May be NaN where the return is.

    Returns
    -------
    factors : (n_dates, n_factors)

    Raises
    ------
    ValueError
        If the shapes disagree, the columns of β are collinear at some date, or a date has fewer returns than factors.
    """
    returns = as_array("returns", returns, ("n_dates", "n_tickers"), missing=True)
    n_dates, n_tickers = returns.shape
    axes = ("n_tickers", "n_factors") if np.ndim(betas) == 2 else ("n_dates", "n_tickers", "n_factors")
    betas = as_array("betas", betas, axes, missing=True, sizes={"n_dates": n_dates, "n_tickers": n_tickers})
    observed = ~np.isnan(returns)
    unknown = np.isnan(betas).any(axis=-1) & observed
    if unknown.any():
        raise ValueError(
            f"betas is NaN at {int(unknown.sum())} (date, ticker) place(s) where a return is present, the first at "
            f"{tuple(int(i) for i in np.argwhere(unknown)[0])}. Fill it, or set the return to NaN to leave the ticker out."
        )
    _require_enough("date", "tickers", observed.sum(axis=1), betas.shape[-1])

    if not observed.all():
        returns = np.where(observed, returns, 0.0)
        betas = np.where(observed[:, :, None], betas, 0.0)
    if betas.ndim == 2:
        return _solve(betas.T @ betas, betas.T @ returns.T).T
    across = betas.transpose(0, 2, 1)
    return _solve(across @ betas, across @ returns[..., None])[..., 0]


def rolling_betas(returns, factors, window, intercept=True):
    """The sensitivities known before each date: row d is estimated from the `window` dates before d, d itself left out.

        β_s^(d) = the slopes of `time_series_betas` over dates d - window, ..., d - 1

    Returns
    -------
    betas : (n_dates, n_tickers, n_factors)
        NaN at the first `window` dates, and for a ticker with a gap in its window.
    """
    returns = as_array("returns", returns, ("n_dates", "n_tickers"), missing=True)
    factors = as_array("factors", factors, ("n_dates", "n_factors"), sizes={"n_dates": len(returns)})
    window = as_count("window", window, at_least=factors.shape[1] + 1 + intercept, at_most=len(returns),
                      why="A window holds more dates than there are coefficients, and no more than the panel has.")
    betas = np.full((*returns.shape, factors.shape[1]), np.nan)
    for d in range(window, len(returns)):
        past = slice(d - window, d)
        complete = ~np.isnan(returns[past]).any(axis=0)
        if complete.any():
            betas[d, complete] = time_series_betas(returns[past][:, complete], factors[past], intercept)[1]
    return betas


def _with_gaps(design, returns, observed):
    """One least-squares solution per ticker, by a QR factorisation of each ticker's own rows."""
    q, r = np.linalg.qr(np.where(observed[:, :, None], design, 0.0))
    strength = np.abs(np.diagonal(r, axis1=1, axis2=2))
    lengths = np.sqrt(observed.astype(float) @ design**2)
    weak = (strength < SMALLEST_SHARE**0.5 * lengths).any(axis=1)
    if weak.any():
        raise ValueError(_collinear("factors", f"at the dates of {int(weak.sum())} ticker(s) with missing returns"))
    projections = q.transpose(0, 2, 1) @ np.where(observed, returns, 0.0)[..., None]
    return np.linalg.solve(r, projections)[..., 0]


def _solve(gram, moments):
    """The solutions of (stacked) normal equations, refused where the regressors are collinear."""
    lengths = np.sqrt(np.diagonal(gram, axis1=-2, axis2=-1))
    if (lengths == 0).any():
        raise ValueError(
            f"betas has zero variation: column {int(np.argwhere(lengths == 0)[0][-1])} is zero for every ticker at some date. "
            "Drop that column."
        )
    scaled = gram / (lengths[..., :, None] * lengths[..., None, :])
    try:
        # The square of a diagonal entry is the share of that column which the columns before it leave unexplained.
        weakest = np.diagonal(np.linalg.cholesky(scaled), axis1=-2, axis2=-1).min() ** 2
    except np.linalg.LinAlgError:
        weakest = 0.0
    if weakest < SMALLEST_SHARE:
        raise ValueError(_collinear("betas", "across the tickers of some date"))
    return np.linalg.solve(scaled, moments / lengths[..., :, None]) / lengths[..., :, None]


def _require_enough(one, many, counts, needed):
    short = np.flatnonzero(counts < needed)
    if len(short):
        raise ValueError(
            f"returns has fewer {many} than coefficients ({needed}) for the {one}(s) at position(s) {first_few(short)}. "
            f"Drop the {one}(s), or ask for fewer factors."
        )


def _require_variation(factors, intercept):
    still = np.ptp(factors, axis=0) == 0 if intercept else ~factors.any(axis=0)
    if still.any():
        raise ValueError(
            f"factors has zero variance in column(s) {first_few(np.flatnonzero(still))}: "
            f"{'a constant cannot be told from the intercept' if intercept else 'a column of zeros explains nothing'}. Drop it."
        )


def _collinear(name, where):
    return (
        f"{name} is collinear {where}: one column is a combination of the others, so its coefficient has no single value. "
        "Drop a column."
    )
