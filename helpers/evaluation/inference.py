"""How sure a number is: standard errors, intervals, and what a model leaves unexplained."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.checks import as_count, as_positive, no_spread
from helpers.equation import require_known
from helpers.tables import Tables


def newey_west(series: ArrayLike, n_lags: int | None = None) -> tuple[Any, Any]:
    """The mean of a time series, and its standard error when dates near each other may move together.

        mean = Σ_d y^(d) / T        u = y - mean
        standard error² = (Σ_d u^(d)² + 2 Σ_l (1 - l / (L + 1)) Σ_d u^(d) u^(d-l)) / (T (T - 1))        l = 1, ..., L

    The weights fall off in a straight line (Bartlett's), so that the square is never negative. T - 1 in place of the
    paper's T makes the case without lags the ordinary standard error, the standard deviation (ddof=1) over √T.

    Parameters
    ----------
    series : (n_dates,) or (n_dates, n_series)
        y. Dates with NaN are dropped, series by series, and those on both sides of a gap count as neighbours.
    n_lags : int, optional
        L; if left out, 4 (T / 100)^(2/9) rounded down, with the T of each series.

    Returns
    -------
    mean, standard_error : float or (n_series,)
        In the units of the series, and with their names if they have any. The error is 0 where a series is constant but
        for rounding.

    Raises
    ------
    ValueError
        If a series has fewer than two dates, or no more dates than lags, or dates that do not ascend.

    References
    ----------
    Newey, West (1987); the number of lags is that of Newey, West (1994) for Bartlett's weights.
    """
    tables, several = Tables(), len(_date_axes(series)) == 2
    values = tables.array("series", series, ("n_dates", "n_series") if several else ("n_dates",), missing=True)
    tables.require_time_order()
    columns = values if several else values[:, None]
    missing = np.isnan(columns)
    counts = (~missing).sum(axis=0)
    if (counts < 2).any():
        short = int(np.argmin(counts))
        where, remedy = (f" in column {short}", ", or drop the column") if several else ("", "")
        raise ValueError(
            f"series has {counts[short]} known value(s){where}; a standard error needs two. Pass more dates{remedy}."
        )
    lags = np.floor(4 * (counts / 100) ** (2 / 9))
    if n_lags is not None:
        shortest, why = int(counts.min(initial=len(columns))), "There are fewer lags than known dates."
        lags[:] = as_count("n_lags", n_lags, at_least=0, at_most=shortest - 1, why=why)

    from statsmodels.stats.sandwich_covariance import S_hac_simple  # here, since it takes a second to load

    means, errors = np.empty((2, len(counts)))
    for j, (y, gaps) in enumerate(zip(columns.T, missing.T, strict=True)):
        known = y[~gaps]
        means[j] = known.mean()
        if no_spread(known):
            errors[j] = 0.0
            continue
        squares = S_hac_simple(known[:, None] - means[j], nlags=int(lags[j])).item()
        # Rounding may take a sum of zero below it.
        errors[j] = np.sqrt(max(squares, 0.0) / (counts[j] * (counts[j] - 1)))
    if several:
        return tables.labelled(means, "n_series"), tables.labelled(errors, "n_series")
    return float(means[0]), float(errors[0])


def bootstrap_interval(
    statistic: Callable[[np.ndarray], float],
    series: ArrayLike,
    block_length: int | None = None,
    n_draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """The interval in which a statistic of a time series falls in most histories that might have happened instead.

    Each draw is a history as long as the series, made of blocks of consecutive dates that begin anywhere; after the
    last date comes the first again, so that every date is drawn equally often. Blocks keep what neighbouring dates have
    in common. The interval leaves out (1 - level) / 2 of the draws at either end (the percentile interval).

    Parameters
    ----------
    statistic : callable
        Takes an array shaped like the series, the dates drawn, and returns a number, such as ``np.mean``.
    series : (n_dates, ...)
        Whatever the statistic needs of each date: a return, or a row of them. NaN is handed on as it is.
    block_length : int, optional
        Dates in a block; the cube root of n_dates, rounded up, if left out. With 1, dates are taken to be independent.
    n_draws : int
    level : float
        Between 0 and 1.
    seed : int

    Returns
    -------
    low, high : float

    Raises
    ------
    TypeError
        If the statistic cannot be called, or does not return a number.
    ValueError
        If there are fewer than two dates, a parameter is out of its bounds, or a draw's statistic is not finite.

    Examples
    --------
    Of two arrays date by date, such as for the total R²:

    >>> from helpers.evaluation import total_r2
    >>> r_hat, noise = np.random.default_rng(0).normal(0, 0.05, (2, 120, 8))
    >>> both = np.stack([r_hat + noise, r_hat], axis=1)
    >>> low, high = bootstrap_interval(lambda d: total_r2(d[:, 0], d[:, 1]), both)
    >>> bool(low < total_r2(both[:, 0], both[:, 1]) < high)
    True

    References
    ----------
    Politis, Romano (1992), the circular block bootstrap.
    """
    if not callable(statistic):
        raise TypeError(
            f"statistic must be a function of an array, such as np.mean; a {type(statistic).__name__} was given."
        )
    tables = Tables()
    values = tables.array("series", series, _date_axes(series), missing=True)
    tables.require_time_order()
    n_dates = len(values)
    if n_dates < 2:
        raise ValueError(f"series must have at least two dates to draw from; its shape is {values.shape}.")
    if block_length is None:
        block_length = int(np.ceil(np.cbrt(n_dates)))
    block_length = as_count("block_length", block_length, at_most=n_dates, why="A block is no longer than the series.")
    n_draws = as_count("n_draws", n_draws)
    if as_positive("level", level) >= 1:
        raise ValueError(f"level must be between 0 and 1, such as 0.95; {level} was given.")
    random = np.random.default_rng(as_count("seed", seed, at_least=0))

    within = np.arange(block_length)
    draws = np.empty(n_draws)
    for i, starts in enumerate(random.integers(n_dates, size=(n_draws, -(-n_dates // block_length)))):
        dates = (starts[:, None] + within).ravel()[:n_dates] % n_dates
        draws[i] = _as_number(statistic(values[dates]))
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def pricing_errors(returns: ArrayLike, reconstruction: ArrayLike, n_lags: int | None = 0) -> pd.DataFrame:
    """What the model leaves unexplained of each ticker on average, with its standard error.

        α_s = mean over d of (r_s^(d) - r̂_s^(d))        t = α / standard error

    A model whose factors carry all the risk that is paid for leaves no α. For the α of managed portfolios, pass their
    returns and the reconstruction of these in place of the tickers'. Missing returns are left out.

    Parameters
    ----------
    returns, reconstruction : (n_dates, n_tickers)
        r and r̂ in the same units; NaN in returns where there is none. What has labels gives them to the result.
    n_lags : int, optional
        As in `newey_west`; 0 takes dates to be independent, None lets the number of dates decide.

    Returns
    -------
    DataFrame
        Indexed by ticker, with the columns "alpha", "standard error" and "t". The last two are NaN for a ticker that
        has fewer than two returns or no more returns than lags, and t also where the standard error is 0, as it is
        where only rounding is left; without a return, α is NaN too.

    Raises
    ------
    ValueError
        If the shapes or labels differ, or the reconstruction is NaN where a return is present.

    References
    ----------
    Gu, Kelly, Xiu (2021), the comparison of risk premia with mispricing.
    """
    tables = Tables()
    r = tables.array("returns", returns, missing=True)
    explained = tables.array("reconstruction", reconstruction, missing=True)
    tables.require_time_order()
    require_known(r, explained, "reconstruction")
    lags = 0 if n_lags is None else as_count("n_lags", n_lags, at_least=0)
    errors = r - explained
    counts = (~np.isnan(errors)).sum(axis=0)
    alphas, standard_errors = np.full((2, len(counts)), np.nan)
    np.divide(np.nansum(errors, axis=0, dtype=float), counts, out=alphas, where=counts > 0)
    enough = counts > max(lags, 1)
    if enough.any():
        standard_errors[enough] = newey_west(errors[:, enough], n_lags)[1]
        standard_errors[enough & no_spread(errors, of=r)] = 0.0
    t = np.divide(alphas, standard_errors, out=np.full(len(counts), np.nan), where=standard_errors > 0)
    return pd.DataFrame({"alpha": alphas, "standard error": standard_errors, "t": t}, index=tables.labels("n_tickers"))


def _date_axes(series):
    """The names of the axes of a series, of which only the first, the dates, is known."""
    try:
        n_axes = np.ndim(series)
    except ValueError:  # ragged: as_array says so
        n_axes = 1
    return ("n_dates", *(f"axis {axis}" for axis in range(1, n_axes)))


def _as_number(value):
    """The value of a statistic as a finite float."""
    if np.ndim(value) or not np.issubdtype(np.asarray(value).dtype, np.number):
        raise TypeError(
            f"statistic must return one number; it returned a {type(value).__name__} of shape {np.shape(value)}."
        )
    number = float(value)
    if not np.isfinite(number):
        raise ValueError(
            f"statistic returned {number} for a draw of the series. It must be finite whichever dates are drawn, some "
            "of them twice and others never: drop dates with NaN, or choose a statistic that copes with them."
        )
    return number
