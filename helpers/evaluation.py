"""How well a model explains and predicts, how sure that is, what it rests on, and how its factors compare with the true ones."""

from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from helpers.checks import as_array, as_choice, as_count, as_positive, first_few, require_same_axis
from helpers.models import ConstantBetas, FactorModel
from helpers.panel import require_panel


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

    returns, prediction = _side_by_side(returns, prediction, "prediction")
    known = ~np.isnan(returns) & ~np.isnan(prediction)
    counts = known.sum(axis=1)

    def centred_ranks(values):
        ranks = rankdata(np.where(known, values, np.nan), axis=1, nan_policy="omit")
        return np.where(known, ranks - (counts[:, None] + 1) / 2, 0.0)

    a, b = centred_ranks(returns), centred_ranks(prediction)
    spreads = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    coefficients = np.full(len(returns), np.nan)
    return np.divide((a * b).sum(axis=1), spreads, out=coefficients, where=(counts >= 3) & (spreads > 0))


def newey_west(series, n_lags=None):
    """The mean of a time series, and its standard error when dates near each other may move together.

        mean = Σ_d y^(d) / T        u = y - mean
        standard error² = (Σ_d u^(d)² + 2 Σ_l (1 - l / (L + 1)) Σ_d u^(d) u^(d-l)) / (T (T - 1))        l = 1, ..., L

    The weights fall off in a straight line (Bartlett's), so that the square is never negative. T - 1 in place of the paper's T
    makes the case without lags the ordinary standard error, the standard deviation (ddof=1) over √T.

    Parameters
    ----------
    series : (n_dates,) or (n_dates, n_series)
        y. Dates with NaN are dropped, series by series, and those on both sides of a gap count as neighbours.
    n_lags : int, optional
        L; if left out, 4 (T / 100)^(2/9) rounded down, with the T of each series.

    Returns
    -------
    mean, standard_error : float or (n_series,)
        In the units of the series.

    Raises
    ------
    ValueError
        If a series has fewer than two dates, or no more dates than lags.

    References
    ----------
    Newey, West (1987); the number of lags is that of Newey, West (1994) for Bartlett's weights.
    """
    several = len(_date_axes(series)) == 2
    series = as_array("series", series, ("n_dates", "n_series") if several else ("n_dates",), missing=True)
    columns = (series if several else series[:, None]).astype(float, copy=False)
    missing = np.isnan(columns)
    counts = (~missing).sum(axis=0)
    if (counts < 2).any():
        short = int(np.argmin(counts))
        where, remedy = (f" in column {short}", ", or drop the column") if several else ("", "")
        raise ValueError(
            f"series has {counts[short]} known value(s){where}, and a standard error needs two. Pass more dates{remedy}."
        )
    lags = np.floor(4 * (counts / 100) ** (2 / 9))
    if n_lags is not None:
        shortest, why = int(counts.min(initial=len(columns))), "There are fewer lags than known dates."
        lags[:] = as_count("n_lags", n_lags, at_least=0, at_most=shortest - 1, why=why)

    # The known dates of each series first, zeros below: the gaps are closed, and a product with a zero adds nothing.
    packed = np.take_along_axis(np.where(missing, 0.0, columns), np.argsort(missing, axis=0, kind="stable"), axis=0)
    means = packed.sum(axis=0) / counts
    u = np.where(np.arange(len(packed))[:, None] < counts, packed - means, 0.0)
    squares = (u**2).sum(axis=0)
    for lag in range(1, int(lags.max(initial=0)) + 1):
        squares += 2 * np.maximum(1 - lag / (lags + 1), 0.0) * (u[lag:] * u[:-lag]).sum(axis=0)
    # Rounding may take a sum of zero below it.
    errors = np.sqrt(np.maximum(squares, 0.0) / (counts * (counts - 1)))
    return (means, errors) if several else (float(means[0]), float(errors[0]))


def bootstrap_interval(statistic, series, block_length=None, n_draws=2000, level=0.95, seed=0):
    """The interval in which a statistic of a time series falls in most of the histories that might have happened instead.

    Each draw is a history as long as the series, made of blocks of consecutive dates that begin anywhere; after the last date
    comes the first again, so that every date is drawn equally often. Blocks keep what neighbouring dates have in common. The
    interval leaves out (1 - level) / 2 of the draws at either end (the percentile interval).

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

    >>> bootstrap_interval(lambda d: total_r2(d[:, 0], d[:, 1]), np.stack([returns, r_hat], axis=1))  # doctest: +SKIP

    References
    ----------
    Politis, Romano (1992), the circular block bootstrap.
    """
    if not callable(statistic):
        raise TypeError(f"statistic must be a function of an array, such as np.mean; a {type(statistic).__name__} was given.")
    series = as_array("series", series, _date_axes(series), missing=True)
    n_dates = len(series)
    if n_dates < 2:
        raise ValueError(f"series must have at least two dates to draw from; its shape is {series.shape}.")
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
        draws[i] = _as_number(statistic(series[dates]))
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def pricing_errors(returns, reconstruction, n_lags=0):
    """What the model leaves unexplained of each ticker on average, with its standard error.

        α_s = mean over d of (r_s^(d) - r̂_s^(d))        t = α / standard error

    A model whose factors carry all the risk that is paid for leaves no α. For the α of managed portfolios, pass their returns
    and the reconstruction of these in place of the tickers'. Missing returns are left out.

    Parameters
    ----------
    returns, reconstruction : (n_dates, n_tickers)
        r and r̂ in the same units; NaN in returns where there is none. A DataFrame of returns gives the result its labels.
    n_lags : int, optional
        As in `newey_west`; 0 takes dates to be independent, None lets the number of dates decide.

    Returns
    -------
    DataFrame
        Indexed by ticker, with the columns "alpha", "standard error" and "t". The last two are NaN for a ticker that has fewer
        than two returns or no more returns than lags, and t also where the standard error is 0; without a return, α is NaN too.

    Raises
    ------
    ValueError
        If the shapes differ, or the reconstruction is NaN where a return is present.

    References
    ----------
    Gu, Kelly, Xiu (2021), the comparison of risk premia with mispricing.
    """
    tickers = returns.columns if isinstance(returns, pd.DataFrame) else None
    returns, reconstruction = _side_by_side(returns, reconstruction, "reconstruction")
    _require_known(returns, reconstruction, "reconstruction")
    lags = 0 if n_lags is None else as_count("n_lags", n_lags, at_least=0)
    errors = returns - reconstruction
    counts = (~np.isnan(errors)).sum(axis=0)
    alphas, standard_errors = np.full((2, len(counts)), np.nan)
    np.divide(np.nansum(errors, axis=0, dtype=float), counts, out=alphas, where=counts > 0)
    enough = counts > max(lags, 1)
    if enough.any():
        standard_errors[enough] = newey_west(errors[:, enough], n_lags)[1]
    t = np.divide(alphas, standard_errors, out=np.full(len(counts), np.nan), where=standard_errors > 0)
    return pd.DataFrame({"alpha": alphas, "standard error": standard_errors, "t": t}, index=tickers)


def characteristic_importance(model, panel, side="betas"):
    """How much total R² is lost when one characteristic is set to zero everywhere, and all that was estimated stays as it is.

        importance of c_j = total R²(r, β · F) - total R²(r, β · F with c_j = 0)        0: the median, once ranked

    Parameters
    ----------
    model : FactorModel
        Fitted. For "betas", one whose β is a function of the characteristics; for "factors", one with a Factor network.
    panel : Panel
        Unknown characteristics stay unknown, and returns that the model does not reconstruct for that reason are left out.
    side : {"betas", "factors", "both"}
        Where the zeros are put. "betas": where β is computed; F stays. "factors": among the inputs of the Factor network, one
        after the other, whatever these are; β stays. "both": where either reads the characteristic, which needs a Factor network
        whose inputs are named as the characteristics, such as factor_inputs='managed'.

    Returns
    -------
    Series
        In descending order, indexed by characteristic (for "factors", by factor input). Negative where the model explains these
        returns better without.

    Raises
    ------
    TypeError
        If the model has no β of characteristics, or no Factor network, to put zeros into.
    ValueError
        If side is none of the three, or "both" is asked of factor inputs with other names.

    References
    ----------
    Gu, Kelly, Xiu (2021), the importance of characteristics.
    """
    as_choice("side", side, ("betas", "factors", "both"))
    _require_side(model, panel, side)
    betas, factors = model._all_betas(panel), model._all_factors(panel)
    reconstruction = model._product(betas, factors)
    returns = np.where(np.isnan(reconstruction), np.nan, panel.returns)
    whole = total_r2(returns, reconstruction)
    lost = {}
    for name in model.factor_input_names_ if side == "factors" else panel.characteristic_names:
        b = betas if side == "factors" else model._all_betas(_without_characteristic(panel, name))
        f = factors if side == "betas" else _without_input(model, name)._all_factors(panel)
        lost[name] = whole - total_r2(returns, model._product(b, f))
    return pd.Series(lost, name="importance").sort_values(ascending=False, kind="stable")


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


def _side_by_side(returns, values, name):
    """The two tables as arrays (n_dates, n_tickers), refused where they do not cover the same dates and tickers."""
    axes = ("n_dates", "n_tickers")
    for axis, what in enumerate(("dates", "tickers")):
        require_same_axis(what, name, values, axis, "returns", returns, axis)
    returns = as_array("returns", returns, axes, missing=True)
    sizes = dict(zip(axes, returns.shape, strict=True))
    return returns, as_array(name, values, axes, missing=True, sizes=sizes)


def _require_known(returns, values, name):
    unknown = np.isnan(values) & ~np.isnan(returns)
    if unknown.any():
        raise ValueError(
            f"{name} is NaN at {int(unknown.sum())} place(s) where a return is present. "
            "A model is judged on every return: leave a return out by setting it to NaN too."
        )


def _share_explained(returns, values, name):
    """1 - Σ (r - r̂)² / Σ r² over the known returns."""
    returns, values = _side_by_side(returns, values, name)
    _require_known(returns, values, name)
    observed = ~np.isnan(returns)
    r = returns[observed]
    total = r @ r
    if total == 0:
        raise ValueError("returns has no sum of squares to explain: every return is zero or missing.")
    errors = r - values[observed]
    return float(1 - errors @ errors / total)


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
        raise TypeError(f"statistic must return one number; it returned a {type(value).__name__} of shape {np.shape(value)}.")
    number = float(value)
    if not np.isfinite(number):
        raise ValueError(
            f"statistic returned {number} for a draw of the series. It must be finite whichever dates are drawn, some of them "
            "twice and others never: drop dates with NaN, or choose a statistic that copes with them."
        )
    return number


def _require_side(model, panel, side):
    """Nothing, or an error that says why zeros cannot be put on that side of the model."""
    if not isinstance(model, FactorModel):
        raise TypeError(f"model must be a FactorModel; a {type(model).__name__} was given.")
    check_is_fitted(model)
    require_panel(panel)
    kind = type(model).__name__
    given = getattr(model, "given_betas", None) is not None
    if side != "factors" and (given or isinstance(model, ConstantBetas)):
        raise TypeError(
            f"The betas of this {kind} do not depend on characteristics, so none of them can be set to zero. "
            "Pass a model whose betas do, such as InstrumentedPCA or ConditionalAutoencoder."
        )
    if side == "betas":
        return
    if not hasattr(model, "factor_weights_"):
        raise TypeError(f"{kind} has no Factor network whose inputs could be set to zero. Choose side='betas', or another model.")
    unread = panel.characteristic_names.difference(model.factor_input_names_)
    if side == "both" and len(unread):
        raise ValueError(
            f"side='both' needs a Factor network that reads every characteristic by its name, and {first_few(unread)} are not "
            f"among its inputs {first_few(model.factor_input_names_)}. Choose one side, or fit with factor_inputs='managed'."
        )


def _without_characteristic(panel, name):
    """The panel with one characteristic at zero wherever it is known."""
    characteristics = panel.characteristics.copy()
    characteristics[:, :, panel.characteristic_names == name] *= 0.0
    return replace(panel, characteristics=characteristics)


def _without_input(model, name):
    """The model whose Factor network gives no weight to one of its inputs."""
    without = copy(model)
    without.factor_weights_ = np.where((model.factor_input_names_ == name)[:, None], 0.0, model.factor_weights_)
    return without
