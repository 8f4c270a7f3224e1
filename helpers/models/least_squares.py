"""The two regressions of the course on plain arrays: down the columns of R, and along its rows.

Both read the same equation, r_s^(d) = β_s · F^(d) + ε_s^(d). Given F, each ticker's β is a regression across dates; given β,
each date's F is a regression across tickers. Missing returns (NaN) are left out of every sum.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from helpers.checks import as_array, as_count, as_flag, as_numbers, beta_axes, first_few, require_same_axis

# A regressor is called collinear when the others leave less than this share of its sum of squares unexplained. Double precision
# keeps about six digits of the answer at this bound, and none a few orders of magnitude below it.
SMALLEST_SHARE = 1e-10

# The product of small matrices keeps one core busy; below this many values, starting threads costs more than it saves.
VALUES_WORTH_A_THREAD = 300_000


def time_series_betas(returns, factors, intercept=True):
    """The sensitivity of each ticker to each factor: the slopes of one regression per ticker, across dates.

        r_s^(d) = α_s + β_s · F^(d) + ε_s^(d)        min over (α_s, β_s) of Σ_d ε_s^(d)²

    Every ticker without gaps shares the right-hand side, so one QR factorisation serves them all. A ticker with gaps has a
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
    require_same_axis("dates", "factors", factors, 0, "returns", returns, 0)
    return betas_given(returns, factors, intercept, "factors")


def betas_given(returns, factors, intercept, name, tickers=None):
    """`time_series_betas`; messages use the caller's name for the factors, and the tickers' labels."""
    as_flag("intercept", intercept)
    returns = as_array("returns", returns, ("n_dates", "n_tickers"), missing=True).astype(float, copy=False)
    factors = as_array(name, factors, ("n_dates", "n_factors"), sizes={"n_dates": len(returns)}).astype(float, copy=False)
    _require_columns(name, factors)
    design = np.column_stack([np.ones(len(factors)), factors]) if intercept else factors
    observed = ~np.isnan(returns)
    _require_enough("ticker", "dates", observed.sum(axis=0), design.shape[1], tickers)
    _require_variation(name, factors, intercept)

    gaps = ~observed.all(axis=0)
    coefficients = np.empty((returns.shape[1], design.shape[1]))
    if gaps.any():
        own_rows = np.where(observed[:, gaps].T[:, :, None], design, 0.0)
        coefficients[gaps] = _solve_by_qr(own_rows, np.where(observed, returns, 0.0)[:, gaps].T[:, :, None], name)[:, :, 0]
    if not gaps.all():
        coefficients[~gaps] = _solve_by_qr(design, returns[:, ~gaps] if gaps.any() else returns, name).T
    return (coefficients[:, 0], coefficients[:, 1:]) if intercept else (np.zeros(len(coefficients)), coefficients)


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
    require_same_axis("tickers", "betas", betas, 0, "returns", returns, 1)
    return factors_given(returns, betas, "betas")


def factors_given(returns, betas, name, dates=None):
    """`cross_sectional_factors`; messages use the caller's name for the betas, and the dates' labels."""
    returns = as_array("returns", returns, ("n_dates", "n_tickers"), missing=True)
    n_dates, n_tickers = returns.shape
    if not n_dates:
        raise ValueError(f"returns must hold at least one date; its shape is {returns.shape}.")
    betas = as_numbers(name, betas, beta_axes(betas), sizes={"n_dates": n_dates, "n_tickers": n_tickers})
    _require_columns(name, betas)
    observed = ~np.isnan(returns)
    _require_enough("date", "tickers", observed.sum(axis=1), betas.shape[-1], dates)

    if not observed.all():
        returns = np.where(observed, returns, 0.0)
        betas = np.where(observed[:, :, None], betas, 0.0)
    if betas.ndim == 2:
        betas = betas.astype(float, copy=False)
        gram = betas.T @ betas
        _require_finite(name, gram, betas)
        return _solve(gram, betas.T @ returns.T, name).T

    def solve(part):
        b = betas[part].astype(float, copy=False)
        gram = _gram(b)
        _require_finite(name, gram, betas)
        return _solve(gram, b.transpose(0, 2, 1) @ returns[part, :, None], name)[..., 0]

    return _in_threads(solve, n_dates, betas.size)


def _gram(betas):
    """β'β of each date, (n_dates, n_factors, n_factors), a block of its rows at a time.

    numpy hands the product of an array with its own transpose to a routine that is slow for few columns; a block is no transpose
    of the whole. Twelve is as wide as one step of the usual matrix products on a processor.
    """
    across, n_factors = betas.transpose(0, 2, 1), betas.shape[2]
    gram = np.empty((len(betas), n_factors, n_factors))
    width = min(12, (n_factors + 1) // 2)
    for first in range(0, n_factors, width):
        block = slice(first, first + width)
        np.matmul(across[:, block], betas, out=gram[:, block])
    return gram


def rolling_betas(returns, factors, window, intercept=True):
    """The sensitivities known before each date: row d is estimated from the `window` dates before d, d itself left out.

        β_s^(d) = the slopes of `time_series_betas` over dates d - window, ..., d - 1

    Parameters
    ----------
    returns : (n_dates, n_tickers)
        R, in fractions per period; NaN where there is none.
    factors : (n_dates, n_factors)
        F, in fractions per period.
    window : int
        The number of dates before d; more than there are coefficients.
    intercept : bool
        Whether α is estimated.

    Returns
    -------
    betas : (n_dates, n_tickers, n_factors)
        NaN at the first `window` dates, and for a ticker with a gap in its window.

    Raises
    ------
    ValueError
        If the shapes disagree, the window is too short or too long, or the factors are constant or collinear within one.
    """
    require_same_axis("dates", "factors", factors, 0, "returns", returns, 0)
    returns = as_array("returns", returns, ("n_dates", "n_tickers"), missing=True)
    factors = as_array("factors", factors, ("n_dates", "n_factors"), sizes={"n_dates": len(returns)})
    needed = factors.shape[1] + 1 + as_flag("intercept", intercept)
    if len(returns) < needed:
        raise ValueError(f"returns has fewer dates ({len(returns)}) than the shortest window ({needed}). Pass more dates.")
    window = as_count(
        "window",
        window,
        at_least=needed,
        at_most=len(returns),
        why="A window holds more dates than there are coefficients, and no more than the panel has.",
    )
    betas = np.full((*returns.shape, factors.shape[1]), np.nan)
    for d in range(window, len(returns)):
        past = slice(d - window, d)
        complete = ~np.isnan(returns[past]).any(axis=0)
        if complete.any():
            betas[d, complete] = time_series_betas(returns[past][:, complete], factors[past], intercept)[1]
    return betas


def _in_threads(solve, n_dates, n_values):
    """The solutions of all dates, in date order; the dates are shared out among threads where there are many values."""
    n_parts = min(_n_cores(), n_dates, n_values // VALUES_WORTH_A_THREAD)
    if n_parts < 2:
        return solve(slice(None))
    edges = np.linspace(0, n_dates, n_parts + 1).astype(int)
    first, *others = map(slice, edges[:-1], edges[1:])
    waiting = [_threads().submit(solve, part) for part in others]
    return np.concatenate([solve(first), *(part.result() for part in waiting)])


def _n_cores():
    """How many cores this process may keep busy; joblib and cluster schedulers say so to their workers by OMP_NUM_THREADS."""
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # "4,2": four, and two inside each
    return int(asked) if asked.isdigit() else os.cpu_count() or 1


@cache
def _threads():
    """Threads kept between calls: a new one would first have to get its memory from BLAS, which takes longer than the work."""
    return ThreadPoolExecutor(_n_cores())


if hasattr(os, "register_at_fork"):  # a forked process inherits the pool without its threads, and would wait for them forever
    os.register_at_fork(after_in_child=_threads.cache_clear)


def _solve_by_qr(design, returns, name):
    """The least-squares coefficients of the (stacked) designs, refused where their columns are collinear."""
    q, r = np.linalg.qr(design)
    # A diagonal entry is the length of what the columns before it leave of that column.
    left = np.abs(np.diagonal(r, axis1=-2, axis2=-1))
    if (left**2 <= SMALLEST_SHARE * (r**2).sum(axis=-2)).any():
        raise ValueError(_collinear(name, "across the dates of at least one ticker"))
    return np.linalg.solve(r, np.swapaxes(q, -1, -2) @ returns)


def _solve(gram, moments, name):
    """The solutions of (stacked) normal equations, refused where the regressors are collinear."""
    lengths = np.diagonal(gram, axis1=-2, axis2=-1)
    if not lengths.all():
        raise ValueError(
            f"{name} has zero variation: column {int(np.argwhere(lengths == 0)[0][-1])} is zero for every ticker at some date. "
            "Drop that column."
        )
    try:
        # The square of a diagonal entry is the part of that column's sum of squares which the columns before it do not explain.
        unexplained = np.diagonal(np.linalg.cholesky(gram), axis1=-2, axis2=-1) ** 2
    except np.linalg.LinAlgError:
        unexplained = np.zeros(1)
    if (unexplained < SMALLEST_SHARE * lengths).any():
        raise ValueError(_collinear(name, "across the tickers of some date"))
    return np.linalg.solve(gram, moments)


def _require_finite(name, gram, betas):
    """Nothing, or an error that says where the betas are not finite. The small gram matrix tells at once whether they are."""
    if not np.isfinite(np.diagonal(gram, axis1=-2, axis2=-1)).all():
        bad = ~np.isfinite(betas)
        raise ValueError(
            f"{name} has {int(bad.sum())} NaN or infinite value(s) where a return is present, the first at position "
            f"{tuple(int(i) for i in np.argwhere(bad)[0])}. Fill them, or set the return to NaN to leave the ticker out there."
        )


def _require_columns(name, regressors):
    if not regressors.shape[-1]:
        raise ValueError(f"{name} must have at least one column; its shape is {regressors.shape}.")


def _require_enough(one, many, counts, needed, labels=None):
    short = np.flatnonzero(counts < needed)
    if len(short):
        which = f"at position(s) {first_few(short)}" if labels is None else first_few(labels[short])
        drop = "" if labels is None or one == "date" else ", for example with panel.select_tickers"
        raise ValueError(
            f"returns has fewer {many} than coefficients ({needed}) for the {one}(s) {which}. "
            f"Drop the {one}(s){drop}, or ask for fewer factors."
        )


def _require_variation(name, factors, intercept):
    still = np.ptp(factors, axis=0) == 0 if intercept else ~factors.any(axis=0)
    if still.any():
        raise ValueError(
            f"{name} has zero variance in column(s) {first_few(np.flatnonzero(still))}: "
            f"{'a constant cannot be told from the intercept' if intercept else 'a column of zeros explains nothing'}. Drop it."
        )


def _collinear(name, where):
    return (
        f"{name} is collinear {where}: one column is a combination of the others, so its coefficient has no single value. "
        "Drop a column."
    )
