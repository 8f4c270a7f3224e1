"""Risk premia: what a sensitivity of 1 earned on average, and how sure that is when β itself is an estimate."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.checks import as_flag, no_spread
from helpers.labels import factor_names
from helpers.models.least_squares import cross_sectional_factors, time_series_betas
from helpers.tables import Tables


def risk_premia(returns: ArrayLike, factors: ArrayLike, intercept: bool = True) -> pd.DataFrame:
    """The premium of each factor by two passes, with the standard errors of Fama and MacBeth and of Shanken.

        first pass     r_s^(d) = α_s + β_s · F^(d) + ε_s^(d)            across dates, for each ticker
        second pass    r^(d) = λ_0^(d) + β λ^(d) + e^(d)                across tickers, for each date
        premium        λ = mean over d of λ^(d), the regression of the mean returns on β
        V_FM = cov(λ^(d)) / T        V = (1 + c) (V_FM - Σ_F / T) + Σ_F / T        c = λ' Σ_F⁻¹ λ

    Fama and MacBeth's error takes β as known. Shanken's counts in that β was estimated: what the noise of the tickers
    adds to V_FM is multiplied by 1 + c, what the factors themselves add stays. The row and column of Σ_F for λ_0 are
    0. It takes the model to be right, β to differ across tickers, ε to be independent from date to date, and its spread
    not to follow F. That noise also biases the premium, with one factor towards 0; this is not corrected.

    Parameters
    ----------
    returns : (n_dates, n_tickers)
        R, in excess of the risk-free rate, in fractions per period, without gaps.
    factors : (n_dates, n_factors)
        F, traded or not, in any unit: then λ is in that unit.
    intercept : bool
        Whether λ_0, what a ticker without any sensitivity earns (the zero-beta rate), is estimated or is 0.

    Returns
    -------
    DataFrame
        Indexed by "intercept", if there is one, and the factors, with the columns "premium", "Fama-MacBeth error",
        "Shanken error" and "t", the premium over Shanken's error.

    Raises
    ------
    TypeError
        If intercept is not True or False.
    ValueError
        If the shapes or labels disagree, a return is missing, a factor is constant or collinear, the betas are
        collinear across tickers (or, beside an intercept, all alike), or there are too few dates or tickers.

    References
    ----------
    Fama, MacBeth (1973). Shanken (1992). Cochrane (2005), Asset Pricing, chapter 12.

    Examples
    --------
    >>> from helpers.data import simulate_constant_betas
    >>> panel = simulate_constant_betas(n_dates=600, n_tickers=100).panel
    >>> risk_premia(panel.returns, panel.portfolios)["premium"].index.to_list()
    ['intercept', 'F1', 'F2', 'F3']
    """
    as_flag("intercept", intercept)
    tables = Tables()
    r = tables.array("returns", returns)
    f = tables.array("factors", factors, ("n_dates", "n_factors"))
    least = f.shape[1] + int(intercept) + 1
    if len(r) <= least:
        raise ValueError(
            f"With {f.shape[1]} factors {len(r)} dates say nothing of an error; more than {least} are needed."
        )
    _, betas = time_series_betas(r, f)
    by_date = cross_sectional_factors(r, np.column_stack([np.ones(len(betas)), betas]) if intercept else betas)

    n_dates, first = len(r), int(intercept)
    premia = by_date.mean(axis=0)
    spread = np.cov(f, rowvar=False).reshape(f.shape[1], -1)
    from_factors = np.zeros((len(premia), len(premia)))
    from_factors[first:, first:] = spread / n_dates
    fama_macbeth = np.cov(by_date, rowvar=False).reshape(len(premia), -1) / n_dates
    c = premia[first:] @ np.linalg.solve(spread, premia[first:])
    shanken = (1 + c) * (fama_macbeth - from_factors) + from_factors

    # What is the same at each date but for rounding has no error, and no t.
    flat = no_spread(by_date, of=np.repeat(np.sqrt((r**2).mean(axis=1))[:, None], len(premia), axis=1))
    errors, corrected = (np.sqrt(np.maximum(np.diag(each), 0.0)) * ~flat for each in (fama_macbeth, shanken))
    own = tables.labels("n_factors")
    names = factor_names(f.shape[1]) if own is None else own
    return pd.DataFrame(
        {
            "premium": premia,
            "Fama-MacBeth error": errors,
            "Shanken error": corrected,
            "t": np.divide(premia, corrected, out=np.full(len(premia), np.nan), where=corrected > 0),
        },
        index=pd.Index([*["intercept"][: int(intercept)], *names], name="factor"),
    )
