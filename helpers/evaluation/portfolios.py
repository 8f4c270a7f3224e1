"""Positions: what they hold, what they earn, and what they cost to hold.

A position is a share of capital, negative where a ticker is sold short. What the positions of a date do not add up to
lies in cash, which earns nothing: returns are in excess of its rate.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.checks import as_count, as_positive, no_spread
from helpers.tables import DATES_AND_TICKERS, Tables


def sorted_positions(
    prediction: ArrayLike,
    n_portfolios: int = 10,
    sizes: ArrayLike | None = None,
    breakpoints: ArrayLike | None = None,
) -> np.ndarray:
    """The positions of portfolios that hold equal numbers of tickers, sorted by what is predicted, the lowest first.

        w_s^(d) = 1 / (tickers in the portfolio), or size_s^(d) / (sum of the sizes in it)        Σ_s w_s^(d) = 1

    At each date the tickers with a known prediction are cut by their rank into portfolios, whose numbers of tickers
    differ by at most one. Equal predictions rank in the order of the tickers. "Decile 10 minus 1" is ``positions[-1] -
    positions[0]``.

    Parameters
    ----------
    prediction : (n_dates, n_tickers)
        Known before each date; NaN for a ticker that is not to be held.
    n_portfolios : int
    sizes : (n_dates, n_tickers), optional
        Above 0 and known before each date, such as market values; equal weights if left out.
    breakpoints : (n_dates, n_tickers), optional
        True or 1 for the tickers that say where to cut, such as those of the NYSE; all of them if left out. They alone
        are cut into equal numbers; any other ticker joins the portfolio into whose range its prediction falls.

    Returns
    -------
    positions : (n_portfolios, n_dates, n_tickers)
        Shares of the capital of each portfolio; 0 where a ticker is not in it. With the dates and tickers, where an
        argument has them, the portfolios are named 1, 2, ….

    Raises
    ------
    ValueError
        If the shapes or labels differ, a date has fewer predictions than portfolios, of the tickers that say where to
        cut, or a ticker has a prediction but no size above 0.

    Examples
    --------
    >>> low, high = sorted_positions([[0.03, 0.01, 0.02, 0.04]], n_portfolios=2)
    >>> high
    array([[0.5, 0. , 0. , 0.5]])

    References
    ----------
    Gu, Kelly, Xiu (2021) hold decile 10 and sell decile 1 of the predicted returns, by equal weights and by market
    value.
    """
    tables = Tables()
    said = tables.array("prediction", prediction, missing=True)
    known = ~np.isnan(said)
    weights = np.ones(known.shape)
    if sizes is not None:
        weights = tables.array("sizes", sizes, missing=True)
        _require_sizes(weights, known)
    cutting, whose = known, ""
    if breakpoints is not None:
        cutting = known & (tables.array("breakpoints", breakpoints, missing=True) == 1)
        whose = " marked by breakpoints"
    n_portfolios, counts = as_count("n_portfolios", n_portfolios), cutting.sum(axis=1)
    if (counts < n_portfolios).any():
        d = int(np.argmax(counts < n_portfolios))
        raise ValueError(
            f"prediction is known for only {counts[d]} ticker(s){whose} at the date at position {d}, and "
            f"n_portfolios = {n_portfolios} need at least one each. Ask for fewer portfolios, or leave such dates out."
        )
    of_cutting = np.where(cutting, said, np.nan)
    ranks = of_cutting.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")  # NaN last
    for date in np.flatnonzero((known & ~cutting).any(axis=1)):
        others = known[date] & ~cutting[date]
        below = np.searchsorted(np.sort(said[date, cutting[date]]), said[date, others])
        ranks[date, others] = np.minimum(below, counts[date] - 1)  # as if each stood alone among those that cut
    portfolios = np.where(known, ranks * n_portfolios // counts[:, None], -1)
    held = np.where(portfolios == np.arange(n_portfolios)[:, None, None], weights, 0.0)
    names = pd.RangeIndex(1, n_portfolios + 1, name="portfolio")
    return tables.labelled(held / held.sum(axis=2, keepdims=True), names, *DATES_AND_TICKERS)


def portfolio_returns(positions: ArrayLike, returns: ArrayLike) -> np.ndarray:
    """The return of each portfolio at each date: what its positions, taken before the date, earn.

        r_p^(d) = Σ_s w_s^(d) r_s^(d)

    A missing return earns nothing. Whether a ticker's return would go missing was not known when the position was
    taken, so to share its weight out among the others would look ahead.

    Parameters
    ----------
    positions : (..., n_dates, n_tickers)
        w, in shares of capital, such as those of `sorted_positions`.
    returns : (n_dates, n_tickers)
        r, in fractions per period; NaN where there is none.

    Returns
    -------
    portfolio_returns : (..., n_dates)
        In fractions of capital per period, with the dates, where an argument has them.

    Raises
    ------
    ValueError
        If the shapes or labels disagree, or a position is unknown.

    Examples
    --------
    >>> returns = pd.DataFrame({"AAPL": [0.01, 0.03], "MSFT": [0.02, np.nan]}, index=["2020-01-31", "2020-02-29"])
    >>> portfolio_returns([[0.5, 0.5], [0.5, 0.5]], returns).to_frame()
    2020-01-31    0.015
    2020-02-29    0.015
    dtype: float64
    """
    tables, held, earned = _positions_and_returns(positions, returns)
    return tables.labelled(np.einsum("...ds,ds->...d", held, earned), *_axes(held, DATES_AND_TICKERS)[:-1])


def turnover(positions: ArrayLike, returns: ArrayLike) -> np.ndarray:
    """How much is bought and sold after each date, but the last, to come to the positions of the next.

        turnover^(d) = Σ_s |w_s^(d+1) - w_s^(d) (1 + r_s^(d)) / (1 + Σ_s w_s^(d) r_s^(d))|

    Holdings drift with their returns, and so does the capital that they are shares of; only what is left to change is
    traded. Purchases and sales both count: 2 is a portfolio sold and another bought, and 0 is buy and hold. Positions
    that add up to 0 (long minus short) are shares of capital like others. A holding whose return is missing stays what
    it was.

    Parameters
    ----------
    positions : (..., n_dates, n_tickers)
        w, in shares of capital.
    returns : (n_dates, n_tickers)
        r, in fractions per period; NaN where there is none.

    Returns
    -------
    turnover : (..., n_dates - 1)
        In fractions of capital; entry d is what is traded between date d and date d + 1. With the dates d, where an
        argument has dates.

    Raises
    ------
    ValueError
        If the shapes or labels disagree, dates do not ascend, a position is unknown, or a portfolio loses all of its
        capital at some date.

    References
    ----------
    Gu, Kelly, Xiu (2020), "Empirical asset pricing via machine learning", who average it over dates.
    """
    tables, held, earned = _positions_and_returns(positions, returns)
    tables.require_time_order()
    before, after, earned = held[..., :-1, :], held[..., 1:, :], earned[:-1]
    capital = 1 + np.einsum("...ds,ds->...d", before, earned)
    if (capital <= 0).any():
        where = tuple(int(i) for i in np.argwhere(capital <= 0)[0])
        raise ValueError(
            f"positions lose all capital at the date at position {where[-1]} (return {capital[where] - 1:.3g}), "
            "and there is nothing left to trade. Returns are fractions, 0.01 is one percent; or take smaller positions."
        )
    traded = np.abs(after - before * (1 + earned) / capital[..., None]).sum(axis=-1)
    portfolios, dates = _axes(traded, ("n_dates",))[:-1], tables.labels("n_dates")
    return tables.labelled(traded, *portfolios, "n_dates" if dates is None else dates[:-1])


def sharpe_ratio(returns: ArrayLike, periods_per_year: float) -> float | np.ndarray:
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
        With the names of the portfolios, if they have any.

    Raises
    ------
    ValueError
        If there are fewer than two dates, a return is missing, or all returns of a portfolio are equal but for
        rounding.

    References
    ----------
    Sharpe (1994). The root holds for returns without autocorrelation.
    """
    tables, axes = Tables(), _axes(returns, ("n_dates",))
    earned = tables.array("returns", returns, axes)
    years = as_positive("periods_per_year", periods_per_year)
    if earned.shape[-1] < 2:
        raise ValueError(f"returns must have at least two dates for a standard deviation; its shape is {earned.shape}.")
    if no_spread(np.moveaxis(earned, -1, 0)).any():
        raise ValueError(
            "returns has no spread: all of a portfolio's are equal, but for rounding, so that its Sharpe ratio is not "
            "defined. Drop it."
        )
    ratio = np.sqrt(years) * earned.mean(axis=-1) / earned.std(axis=-1, ddof=1)
    return float(ratio) if earned.ndim == 1 else tables.labelled(ratio, *axes[:-1])


def _require_sizes(sizes, known):
    """Refuses sizes of which one is not above 0 where its ticker has a prediction."""
    bad = known & ~(sizes > 0)
    if bad.any():
        raise ValueError(
            f"sizes must be above 0 wherever a prediction is known, and {int(bad.sum())} are not, the first at "
            f"position {tuple(int(i) for i in np.argwhere(bad)[0])}. Set the prediction to NaN to leave a ticker out."
        )


def _positions_and_returns(positions, returns):
    """Both as arrays of the same dates and tickers, and their labels; a missing return is a return of 0."""
    tables = Tables()
    earned = tables.array("returns", returns, missing=True)
    held = tables.array("positions", positions, _axes(positions, DATES_AND_TICKERS))
    return tables, held, np.nan_to_num(earned)


def _axes(values, last):
    """The names of the axes of an array, the last ones these, and whatever is before them."""
    try:
        n_axes = np.ndim(values)
    except ValueError:  # ragged: as_array says so
        n_axes = len(last)
    return (*(f"axis {axis}" for axis in range(n_axes - len(last))), *last)
