"""How many factors: rules that count the eigenvalues which stand out of the noise."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from helpers.checks import SMALLEST_SHARE, as_choice, as_count
from helpers.tables import Tables

# Of the eigenvalues after the first max_factors, how many a rule looks at.
LOOKS_BEYOND = {"ic_p1": 1, "ic_p2": 1, "eigenvalue_ratio": 1, "growth_ratio": 2, "onatski": 5}


def number_of_factors(
    returns: ArrayLike,
    method: Literal["ic_p1", "ic_p2", "eigenvalue_ratio", "growth_ratio", "onatski"],
    max_factors: int = 8,
) -> int:
    """The number of factors that a rule reads from the eigenvalues μ_1 ≥ μ_2 ≥ ... of the returns' covariance.

        V(K) = μ_(K+1) + μ_(K+2) + ...              what K components leave: their mean squared error
        "ic_p1", "ic_p2":     the K of 0 to max_factors with the smallest log V(K) + K g
                              g_1 = (N + T) / (N T) log(N T / (N + T))        g_2 = (N + T) / (N T) log min(N, T)
        "eigenvalue_ratio":   the K of 1 to max_factors with the largest μ_K / μ_(K+1)
        "growth_ratio":       ... with the largest log(V(K-1) / V(K)) / log(V(K) / V(K+1))
        "onatski":            the largest K with μ_K - μ_(K+1) ≥ δ, where δ is twice the slope of the five
                              eigenvalues after the K-th on j^(2/3); 0 if there is none

    Each is made for many dates (T) and tickers (N), and for noise that is at most weakly correlated between them. Where
    tickers move in groups, a group can count as a factor. "onatski" moves with max_factors where tickers are few: its
    five eigenvalues are then no edge of noise. The rules often disagree: report more than one.

    Parameters
    ----------
    returns : (n_dates, n_tickers)
        r in any unit, none missing. The mean of each ticker is taken out.
    method : {"ic_p1", "ic_p2", "eigenvalue_ratio", "growth_ratio", "onatski"}
    max_factors : int
        The largest number that may come out. "onatski" needs five more dates and tickers than that.

    Returns
    -------
    int
        The two ratios can't say 0: they are given here without the mock eigenvalue that Ahn and Horenstein put before
        the first.

    Raises
    ------
    ValueError
        If a return is missing, there are too few dates or tickers for max_factors, or no noise is left.

    References
    ----------
    Bai, Ng (2002), Econometrica 70; Onatski (2010), Review of Economics and Statistics 92; Ahn, Horenstein (2013),
    Econometrica 81.
    """
    r = Tables().array("returns", returns)
    beyond = LOOKS_BEYOND[as_choice("method", method, LOOKS_BEYOND)]
    n_dates, n_tickers = r.shape
    most = min(n_dates - 1, n_tickers) - beyond
    if most < 1:
        raise ValueError(
            f"returns must have at least {beyond + 2} dates and {beyond + 1} tickers for {method!r}; its shape is "
            f"{r.shape}."
        )
    max_factors = as_count(
        "max_factors",
        max_factors,
        at_most=most,
        why=f"{method!r} looks at {beyond} more of the {most + beyond} eigenvalues.",
    )
    eigenvalues = np.linalg.svd(r - r.mean(axis=0), compute_uv=False) ** 2 / r.size
    left = np.append(eigenvalues[::-1].cumsum()[::-1], 0.0)  # left[K] is V(K)
    if not left[max_factors + beyond - 1] > SMALLEST_SHARE * (r**2).mean():
        rank = int((left > SMALLEST_SHARE * (r**2).mean()).sum())
        raise ValueError(
            f"{rank} components explain these returns without an error, so that no noise is left to tell factors "
            f"from; {method!r} looks at {max_factors + beyond} eigenvalues. Lower max_factors, or leave out tickers "
            "that are sums of others."
        )
    if method == "eigenvalue_ratio":
        return 1 + int(np.argmax(eigenvalues[:max_factors] / eigenvalues[1 : max_factors + 1]))
    if method == "growth_ratio":
        growth = np.log(left[: max_factors + 1] / left[1 : max_factors + 2])
        return 1 + int(np.argmax(growth[:-1] / growth[1:]))
    if method == "onatski":
        return _onatski(eigenvalues, max_factors)
    share = (n_dates + n_tickers) / (n_dates * n_tickers)
    penalty = share * np.log(1 / share if method == "ic_p1" else min(n_dates, n_tickers))
    return int(np.argmin(np.log(left[: max_factors + 1]) + penalty * np.arange(max_factors + 1)))


def _onatski(eigenvalues, max_factors):
    """The last gap that is wider than the noise's own near its edge, which is measured again beyond each answer."""
    gaps = eigenvalues[:max_factors] - eigenvalues[1 : max_factors + 1]
    found = max_factors
    for _ in range(5):
        ranks = np.arange(found, found + 5) ** (2 / 3)
        slope = np.polyfit(ranks, eigenvalues[found : found + 5], 1)[0]
        wide = np.flatnonzero(gaps >= 2 * abs(slope))
        found = int(wide[-1]) + 1 if len(wide) else 0
    return found
