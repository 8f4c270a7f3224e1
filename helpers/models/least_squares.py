"""The two regressions of the course on plain arrays: down the columns of R, and along its rows.

Both read the same equation, r_s^(d) = β_s · F^(d) + ε_s^(d). Given F, each ticker's β is a regression across dates;
given β, each date's F is a regression across tickers. Missing returns (NaN) are left out of every sum.
"""

import numpy as np
from numpy.typing import ArrayLike

from helpers.checks import (
    SMALLEST_SHARE,
    as_array,
    as_count,
    as_flag,
    as_numbers,
    beta_axes,
    first_few,
    no_spread,
)
from helpers.compact import CompactArray
from helpers.models.threads import for_each_block, one_thread
from helpers.tables import DATES_AND_TICKERS, Tables

LEAST = 1e-2  # of 1 - leverage: a ticker that decides F alone is not divided by nothing


def time_series_betas(returns: ArrayLike, factors: ArrayLike, intercept: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """The sensitivity of each ticker to each factor: the slopes of one regression per ticker, across dates.

        r_s^(d) = α_s + β_s · F^(d) + ε_s^(d)        min over (α_s, β_s) of Σ_d ε_s^(d)²

    Every ticker without gaps shares the right-hand side, so one QR factorisation serves them all. A ticker with gaps
    has a right-hand side of its own: the rows of its missing dates are zero.

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
    tables, r, f = _returns_and_factors(returns, factors)
    alphas, betas = betas_given(r, f, intercept, "factors")
    return tables.labelled(alphas, "n_tickers"), tables.labelled(betas, "n_tickers", "n_factors")


def betas_given(returns, factors, intercept, name, tickers=None):
    """`time_series_betas`; messages use the caller's name for the factors, and the tickers' labels."""
    as_flag("intercept", intercept)
    returns = as_array("returns", returns, ("n_dates", "n_tickers"), missing=True)
    factors = as_array(name, factors, ("n_dates", "n_factors"), sizes={"n_dates": len(returns)})
    _require_columns(name, factors)
    design = np.column_stack([np.ones(len(factors)), factors]) if intercept else factors
    observed = ~np.isnan(returns)
    _require_enough("ticker", "dates", observed.sum(axis=0), design.shape[1], tickers)
    _require_variation(name, factors, intercept)

    gaps = ~observed.all(axis=0)
    coefficients = np.empty((returns.shape[1], design.shape[1]))
    with one_thread:
        if gaps.any():
            known = observed[:, gaps].T
            own_rows, own_returns = np.where(known[:, :, None], design, 0.0), np.where(known, returns[:, gaps].T, 0.0)
            coefficients[gaps] = _solve_by_qr(own_rows, own_returns[:, :, None], name)[:, :, 0]
        if not gaps.all():
            coefficients[~gaps] = _solve_by_qr(design, returns[:, ~gaps] if gaps.any() else returns, name).T
    return (coefficients[:, 0], coefficients[:, 1:]) if intercept else (np.zeros(len(coefficients)), coefficients)


def cross_sectional_factors(returns: ArrayLike, betas: ArrayLike) -> np.ndarray:
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
    tables = Tables()
    r = tables.array("returns", returns, missing=True)
    b = tables.array("betas", betas, beta_axes(betas), missing=True, keep_precision=True)
    return tables.labelled(factors_given(r, b, "betas"), "n_dates", "n_factors")


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

    with one_thread:
        if betas.ndim == 2 and observed.all():
            betas = betas.astype(float, copy=False)
            gram = betas.T @ betas
            _require_finite(name, gram, betas, observed.all(axis=0))
            return _solve(gram, betas.T @ returns.T, name).T
        betas = np.broadcast_to(betas, (n_dates, n_tickers, betas.shape[-1]))
        gram, moments = second_moments(returns, betas, observed)
        _require_finite(name, gram, betas, observed)
        return _solve(gram, moments[:, :, None], name)[:, :, 0]


def regressions(
    returns: np.ndarray, betas: np.ndarray, ridge: float = 0.0, without: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """F of each date, (n_dates, n_factors), and (β'β + ridge · n I)⁻¹; no column is refused.

    n is the number of tickers of the date, less those `without`. Where several F fit alike, the smallest is taken.

    Parameters
    ----------
    returns : (n_dates, n_tickers)
    betas : (n_dates, n_tickers, n_factors)
        0 where there is no return, or no beta.
    ridge : float
    without : int
    """
    squares = betas.transpose(0, 2, 1) @ betas
    if ridge:
        counts = (betas != 0).any(axis=2).sum(axis=1) - without
        squares = squares + ridge * counts[:, None, None] * np.eye(squares.shape[1])
    inverse = np.linalg.pinv(squares, rcond=SMALLEST_SHARE, hermitian=True)
    return (inverse @ (betas.transpose(0, 2, 1) @ returns[:, :, None]))[:, :, 0], inverse


def each_left_out(returns: np.ndarray, betas: np.ndarray, ridge: float = 0.0, least: float = LEAST) -> np.ndarray:
    """What F of all other tickers says of each return, r - (r - r̂) / (1 - h), (n_dates, n_tickers).

    h = β_s'(β'β)⁻¹β_s is the leverage of the ticker: how far F, and r̂ with it, follows the ticker's own return. At 1
    it decides a part of F alone, and the others say nothing of it: 1 - h counts as `least` then, or the result is NaN
    if that is 0. The other arguments are those of `regressions`.
    """
    factors, inverse = regressions(returns, betas, ridge, without=1)
    errors = returns - (betas @ factors[:, :, None])[:, :, 0]
    left = 1 - ((betas @ inverse) * betas).sum(axis=2)
    return returns - errors / (np.maximum(left, least) if least else np.where(left > SMALLEST_SHARE, left, np.nan))


def second_moments(returns, z, known, constant=False):
    """Z'Z and Z'r of each date over the known tickers, (n_dates, n_columns, n_columns) and (n_dates, n_columns).

    Z is worked on a block of dates at a time, in double precision, and never copied whole. If asked for, a column of
    ones joins it as the last one. Of a compact Z, the rows of each date are all there is.
    """
    n_dates, _, n_columns = z.shape
    squares = np.empty((n_dates, n_columns + constant, n_columns + constant))
    moments = np.empty((n_dates, n_columns + constant))

    def sum_up(block):
        b, r, here = z[block].astype(float, copy=False), returns[block], known[block]
        if constant:
            b = np.concatenate([b, np.ones((*b.shape[:2], 1))], axis=2)
        if not here.all():
            b, r = np.where(here[:, :, None], b, 0.0), np.where(here, r, 0.0)
        np.matmul(b.transpose(0, 2, 1), b, out=squares[block])
        moments[block] = (r[:, None] @ b)[:, 0]

    def sum_up_rows(block):
        for d in range(block.start, block.stop):
            who, here = z.tickers_at(d), known[d, z.tickers_at(d)]
            b = z.rows_at(d)[here].astype(float, copy=False)
            if constant:
                b = np.column_stack([b, np.ones(len(b))])
            np.matmul(b.T, b, out=squares[d])
            moments[d] = returns[d, who][here] @ b

    for_each_block(sum_up_rows if isinstance(z, CompactArray) else sum_up, n_dates, z.size)
    return squares, moments


def rolling_betas(returns: ArrayLike, factors: ArrayLike, window: int, intercept: bool = True) -> np.ndarray:
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
        If the shapes disagree, the window is too short or too long, or the factors are constant or collinear within
        one.
    """
    tables, returns, factors = _returns_and_factors(returns, factors)
    tables.require_time_order()
    needed = factors.shape[1] + 1 + as_flag("intercept", intercept)
    if len(returns) < needed:
        raise ValueError(
            f"returns has fewer dates ({len(returns)}) than the shortest window ({needed}). Pass more dates."
        )
    window = as_count(
        "window",
        window,
        at_least=needed,
        at_most=len(returns),
        why="A window holds more dates than there are coefficients, and no more than the panel has.",
    )
    betas = np.full((*returns.shape, factors.shape[1]), np.nan)
    with one_thread:
        for d in range(window, len(returns)):
            past = slice(d - window, d)
            complete = ~np.isnan(returns[past]).any(axis=0)
            if complete.any():
                betas[d, complete] = time_series_betas(returns[past][:, complete], factors[past], intercept)[1]
    return tables.labelled(betas, *DATES_AND_TICKERS, "n_factors")


def _returns_and_factors(returns, factors):
    """Both as arrays of the same dates, and their labels."""
    tables = Tables()
    r = tables.array("returns", returns, missing=True)
    return tables, r, tables.array("factors", factors, ("n_dates", "n_factors"))


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
        column = int(np.argwhere(lengths == 0)[0][-1])
        raise ValueError(
            f"{name} has zero variation: column {column} is zero for every ticker at some date. Drop that column."
        )
    try:
        # A diagonal entry, squared, is the part of that column's sum of squares which those before it do not explain.
        unexplained = np.diagonal(np.linalg.cholesky(gram), axis1=-2, axis2=-1) ** 2
    except np.linalg.LinAlgError:
        unexplained = np.zeros(1)
    if (unexplained < SMALLEST_SHARE * lengths).any():
        raise ValueError(_collinear(name, "across the tickers of some date"))
    return np.linalg.solve(gram, moments)


def _require_finite(name, gram, betas, observed):
    """Raises an error that says where betas are not finite. The small gram matrix tells at once whether all are."""
    if np.isfinite(np.diagonal(gram, axis1=-2, axis2=-1)).all():
        return
    bad = ~np.isfinite(betas) & observed[..., None]
    if bad.any():
        raise ValueError(
            f"{name} has {int(bad.sum())} NaN or infinite value(s) where a return is present, the first at position "
            f"{tuple(int(i) for i in np.argwhere(bad)[0])}. "
            "Fill them, or set the return to NaN to leave the ticker out there."
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
    still = no_spread(factors) if intercept else ~factors.any(axis=0)
    if still.any():
        why = "a constant cannot be told from the intercept" if intercept else "a column of zeros explains nothing"
        raise ValueError(f"{name} has zero variance in column(s) {first_few(np.flatnonzero(still))}: {why}. Drop it.")


def _collinear(name, where):
    return (
        f"{name} is collinear {where}: one column is a combination of the others, so its coefficient has no single "
        "value. Drop a column."
    )
