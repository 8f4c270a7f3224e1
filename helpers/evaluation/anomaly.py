"""Do characteristics pay beyond the risk they stand for? The anomaly term of instrumented PCA and its bootstrap."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.checks import as_count
from helpers.models.ipca import InstrumentedPCA, known_returns
from helpers.models.least_squares import second_moments
from helpers.models.threads import one_thread
from helpers.panel import Panel

# Taking turns ends when a round betters the fit by less than this share of what Γ_α explains, or after so many rounds.
SMALL_GAIN, MOST_ROUNDS = 1e-3, 100
NUMBERS_AT_ONCE = 2e6  # of Z'β, over the draws that are fitted together


@dataclass(frozen=True, eq=False)
class AnomalyTest:
    """What `anomaly_test` found.

    Parameters
    ----------
    gamma_alpha : Series, (n_chars,)
        Γ_α, what a unit of each characteristic earns per date without risk, in fractions per period.
    gamma_beta : (n_chars, n_factors)
        Γ_β of the same fit, with orthonormal columns; Γ_β'Γ_α = 0.
    factors : (n_dates, n_factors)
        F of the same fit, in fractions per period.
    statistic : float
        W = Γ_α'Γ_α.
    draws : (n_draws,)
        W of markets in which Γ_α is 0.
    """

    gamma_alpha: pd.Series
    gamma_beta: np.ndarray
    factors: np.ndarray
    statistic: float
    draws: np.ndarray

    @property
    def p_value(self) -> float:
        """The share of draws with at least this W, the panel itself counted as one of them."""
        return float((1 + (self.draws >= self.statistic).sum()) / (1 + len(self.draws)))


def anomaly_test(
    panel: Panel, n_factors: int = 3, constant: bool = False, n_draws: int = 500, seed: int = 0
) -> AnomalyTest:
    """Whether characteristics pay without risk: Γ_α of instrumented PCA, and how large it would be by chance.

        r^(d) = Z^(d) Γ_α + Z^(d) Γ_β F^(d) + ε^(d)        min over (Γ_α, Γ_β, F) of Σ ε²,   Γ_β'Γ_α = 0
        W = Γ_α'Γ_α                                         the hypothesis: Γ_α = 0

    Γ_α is the loading on one more factor, which is 1 at every date. What of it lies along Γ_β the means of F take over:
    what a characteristic that is risk earns is called the premium of that risk, whatever it is. So the test asks about
    the rest. Of the factors it takes K for granted: one too few leaves its premium to Γ_α. One too many lies in a
    direction of noise, by chance partly along Γ_α; that part counts as its premium, and the test finds less.

    How large W is by chance, the wild bootstrap says. Each draw is a market of the same Z, Γ_β and F without Γ_α. To
    each date d it adds what is left of a random date, times a random number:

        Z'r of d = Z'Z Γ_β F^(d) + q (Z'ε of a date drawn)        q: Student's t with 5 degrees, scaled to variance 1

    and the model is fitted to it anew. Dates are taken to be independent of each other.

    Parameters
    ----------
    panel : Panel
        A return is left out where it is missing, or a characteristic of its ticker is unknown. The characteristics
        should be of like size, such as ranks, since W adds up their Γ_α.
    n_factors : int
        K, fewer than there are characteristics.
    constant : bool
        Whether a column of ones joins the characteristics. Its Γ_α is what every ticker earns without risk.
    n_draws : int
    seed : int

    Returns
    -------
    AnomalyTest

    Raises
    ------
    ValueError
        If there are not fewer factors than characteristics, or instrumented PCA refuses the panel.

    References
    ----------
    Kelly, Pruitt, Su (2019), "Characteristics are covariances", section 3.1. The `ipca` package's BS_Walpha draws q
    with variance 5/3, so that its W of chance are larger and its p value higher.

    Examples
    --------
    >>> from helpers import simulate_market
    >>> panel = simulate_market("linear", n_dates=120, n_tickers=40, n_characteristics=5).panel
    >>> anomaly_test(panel, n_draws=99).p_value > 0.05
    True
    """
    n_draws = as_count("n_draws", n_draws)
    random = np.random.default_rng(as_count("seed", seed, at_least=0))
    model = InstrumentedPCA(n_factors, constant).fit(panel)
    n_chars = len(model.characteristic_names_)
    if n_chars <= n_factors:
        raise ValueError(
            f"n_factors = {n_factors} must be fewer than the {n_chars} characteristics (the constant included): of "
            "as many, the means of F take over all that characteristics earn. Ask for fewer factors."
        )
    returns, known = known_returns(panel)
    there = known.any(axis=1)  # a date without any return has no F
    squares, moments = second_moments(returns[there], panel.characteristics[there], known[there], constant)
    with one_thread:
        alpha, beta, factors = (part[0] for part in _fits(model.gamma_, squares, moments[None]))
        explained = (squares @ (beta @ factors[:, :, None]))[:, :, 0]
        left = moments - explained - squares @ alpha
        n_dates, draws = len(moments), []
        q = random.standard_t(5, (n_draws, n_dates)) * np.sqrt(3 / 5)
        dates = random.integers(n_dates, size=q.shape)
        at_once = max(1, int(NUMBERS_AT_ONCE / (moments.size * n_factors)))
        for first in range(0, n_draws, at_once):
            some = slice(first, first + at_once)
            drawn = explained + q[some, :, None] * left[dates[some]]
            draws.append((_fits(beta, squares, drawn)[0] ** 2).sum(axis=1))
    names = pd.Series(alpha, model.characteristic_names_, name="gamma_alpha")
    return AnomalyTest(names, beta, factors, float(alpha @ alpha), np.concatenate(draws))


def _fits(beta, squares, moments):
    """Γ_α, Γ_β and F of several markets with the same Z'Z, (n_draws, n_dates, n_chars) of Z'r, from one start Γ_β."""
    betas = np.repeat(beta[None], len(moments), axis=0)
    alphas, factors, explained, paid = _given_beta(betas, squares, moments)
    moving = np.arange(len(moments))
    for _ in range(MOST_ROUNDS):
        betas[moving] = _given_factors(factors[moving], squares, moments[moving])
        alphas[moving], factors[moving], now, paid = _given_beta(betas[moving], squares, moments[moving])
        still = now - explained[moving] > SMALL_GAIN * paid
        explained[moving], moving = now, moving[still]
        if not len(moving):
            break
    return alphas, betas, factors


def _given_beta(beta, squares, moments):
    """Γ_α and F together, given Γ_β, Γ_α at a right angle to it: one regression of all dates, F taken out of it.

    And what the two explain of Σ r², and what of it Γ_α does.
    """
    exposures = squares @ beta[:, None]  # Z'β, (n_draws, n_dates, n_chars, n_factors)
    turned = beta.transpose(0, 2, 1)
    portfolios = moments @ beta  # β'r
    inverse = np.linalg.inv(turned[:, None] @ exposures)
    shares = inverse @ exposures.transpose(0, 1, 3, 2)  # (β'β)⁻¹ β'Z
    slopes = (inverse @ portfolios[:, :, :, None])[:, :, :, 0]  # F, were there no Γ_α
    all_dates = squares.sum(axis=0) - (exposures @ shares).sum(axis=1)
    right = moments.sum(axis=1) - (portfolios[:, :, None] @ shares)[:, :, 0].sum(axis=1)
    size = np.trace(all_dates, axis1=1, axis2=2)[:, None, None]
    alpha = np.linalg.solve(all_dates + size * (beta @ turned), right[:, :, None])[:, :, 0]
    factors = slopes - (shares @ alpha[:, None, :, None])[:, :, :, 0]
    paid = (right * alpha).sum(axis=1)
    return alpha, factors, (portfolios * slopes).sum(axis=(1, 2)) + paid, paid


def _given_factors(factors, squares, moments):
    """Γ_β with orthonormal columns, given F and a factor that is 1 at every date: one regression of all dates."""
    n_draws, n_dates, n_factors = factors.shape
    n_chars = moments.shape[2]
    both = np.concatenate([factors, np.ones((n_draws, n_dates, 1))], axis=2)
    pairs = (both[:, :, :, None] * both[:, :, None]).reshape(n_draws, n_dates, -1)
    left = (pairs.transpose(0, 2, 1) @ squares.reshape(n_dates, -1)).reshape(
        n_draws, n_factors + 1, n_factors + 1, n_chars, n_chars
    )
    size = (n_factors + 1) * n_chars
    left = left.transpose(0, 1, 3, 2, 4).reshape(n_draws, size, size)
    right = (both.transpose(0, 2, 1) @ moments).reshape(n_draws, size, 1)
    gamma = np.linalg.solve(left, right).reshape(n_draws, n_factors + 1, n_chars).transpose(0, 2, 1)
    return np.linalg.qr(gamma[:, :, :n_factors])[0]
