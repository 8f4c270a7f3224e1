"""The model in which nothing is given: principal components solve for the factors and the sensitivities at once."""

import warnings
from typing import Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from helpers.checks import as_count, as_positive, first_few
from helpers.labels import Labelled, labelled
from helpers.models.base import factors_of_happened
from helpers.models.halves import ConstantBetas, SolvedFactors
from helpers.models.least_squares import factors_given
from helpers.panel import Panel

MANY = 2  # from so many tickers for each date on, the components are those of the small R R'


class PCAFactors(SolvedFactors, ConstantBetas):
    """Given nothing, solve for both halves of the product: F = R V_K and β = V_K.

        R ≈ F βᵀ     min over (F, β) of Σ_d Σ_s (r_s^(d) - β_s · F^(d))²     β: the first K right singular vectors of R

    R is not centred, so that the product is β · F and nothing else. Missing returns are left out of the sum: the
    components of the completed matrix are found again and again, each time with the gaps filled by the last
    reconstruction. At new dates, β stays as learned, and F is the cross-sectional regression of that date's returns on
    it; without gaps that is R V_K.

    Parameters
    ----------
    n_factors : int
        K.
    tolerance : float
        With missing returns: stop when the fit improves by less than this share in one round.
    max_rounds : int
        With missing returns: stop after so many rounds at the latest.
    min_observations : int, optional
        How many returns a ticker needs for a β. Tickers may then come and go: those with fewer, or met later, are
        `unseen`. Left out: every ticker must have a β, and a panel of other tickers is refused.
    unseen : {"zero", "leave out"}
        What the β of an unseen ticker is: 0, so that its return counts as unexplained in every score; or NaN, so that
        nothing is said of it.

    Attributes
    ----------
    betas_ : (n_tickers, n_factors)
        V_K, orthonormal columns; the largest entry of each is positive, since the sign is free.
    tickers_ : Index
        Those that have a β.
    shares_ : (min(n_dates, n_tickers),)
        The share of Σ r² that each component explains, in descending order. NaN with missing returns: `total_r2` says
        what all of them together explain of the returns that are known.
    n_rounds_ : int
        How many decompositions were made; 1 without gaps.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 2.1: PCA is the linear autoencoder.
    """

    def __init__(self, n_factors=3, tolerance=1e-6, max_rounds=500, min_observations=None, unseen="zero"):
        self.n_factors = n_factors
        self.tolerance = tolerance
        self.max_rounds = max_rounds
        self.min_observations = min_observations
        self.unseen = unseen

    def fit(self, panel: Panel, validation: Panel | None = None) -> Self:
        """The model with the components of these dates, and of the validation dates if there are any."""
        panel = self._with_enough(self._learns_from(panel, validation))
        tolerance, max_rounds = as_positive("tolerance", self.tolerance), as_count("max_rounds", self.max_rounds)
        n_factors = as_count(
            "n_factors",
            self.n_factors,
            at_most=min(panel.returns.shape),
            why="There are no more components than dates, nor than tickers.",
        )
        missing = np.isnan(panel.returns)
        for one, labels, axis in (("ticker", panel.tickers, 0), ("date", panel.dates, 1)):
            short = (~missing).sum(axis=axis) < n_factors
            if short.any():
                raise ValueError(
                    f"returns has fewer than n_factors = {n_factors} known values for the {one}(s) "
                    f"{first_few(labels[short])}. "
                    "Drop them (tickers with panel.select_tickers), or ask for fewer factors."
                )
        returns = np.where(missing, 0.0, panel.returns.astype(float, copy=False))
        if not returns.any():
            raise ValueError("The returns have zero variance: every one is 0. There is nothing to explain.")

        n_rounds, last_error = 0, np.inf
        while n_rounds < max_rounds:
            n_rounds += 1
            left, sizes, right = _svd(returns, n_factors if missing.any() else None)
            if not missing.any():
                break
            explained = (left[:, :n_factors] * sizes[:n_factors]) @ right[:n_factors]
            error = ((returns - explained)[~missing] ** 2).sum()
            if last_error - error <= tolerance * error:
                break
            last_error = error
            returns = np.where(missing, explained, returns)
        else:
            warnings.warn(
                f"PCAFactors stopped after max_rounds = {max_rounds} rounds while the fit still improved. "
                "Raise max_rounds, or tolerance if this is close enough.",
                ConvergenceWarning,
                stacklevel=2,
            )
        largest = np.take_along_axis(right, np.abs(right).argmax(axis=1)[:, None], axis=1)
        self.betas_ = (right * np.sign(largest))[:n_factors].T
        self.shares_ = np.full(min(returns.shape), np.nan) if missing.any() else sizes**2 / (sizes**2).sum()
        self.n_rounds_, self.tickers_ = n_rounds, panel.tickers
        return self

    def factors(self, panel: Panel) -> Labelled:
        """The cross-sectional regression of each date on β, (n_dates, n_factors), in fractions per period."""
        self._require_fitted(panel)
        self._betas_of(panel.tickers)
        names = self._factor_names()

        def solve(past):
            betas = self._betas_of(past.tickers)
            returns = np.where(np.isnan(betas[:, 0]), np.nan, past.returns)
            return factors_given(returns, betas, "betas", past.dates)

        factors = factors_of_happened(panel, len(names), solve)
        return labelled(factors, panel.dates, names)


def _svd(returns, n_factors):
    """The singular vectors and values: all, or the first n_factors where there are many more tickers than dates.

    The latter from R R', which is small; the values that are not asked for would have lost their digits there.
    """
    if n_factors is None or returns.shape[1] < MANY * returns.shape[0]:
        return np.linalg.svd(returns, full_matrices=False)
    squares, left = np.linalg.eigh(returns @ returns.T)
    left, sizes = left[:, ::-1][:, :n_factors], np.sqrt(np.maximum(squares[::-1][:n_factors], 0))
    return left, sizes, (left / np.where(sizes > 0, sizes, 1)).T @ returns
