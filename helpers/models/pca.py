"""The model in which nothing is given: principal components solve for the factors and the sensitivities at once."""

import warnings
from typing import Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from helpers.checks import as_count, as_positive, first_few
from helpers.labels import Labelled, labelled
from helpers.models.base import ConstantBetas, SolvedFactors, factors_of_happened, require_same_labels
from helpers.models.least_squares import cross_sectional_factors
from helpers.panel import Panel


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

    Attributes
    ----------
    betas_ : (n_tickers, n_factors)
        V_K, orthonormal columns; the largest entry of each is positive, since the sign is free.
    shares_ : (min(n_dates, n_tickers),)
        The share of Σ r² that each component explains, in descending order. NaN with missing returns: `total_r2` says
        what all of them together explain of the returns that are known.
    n_rounds_ : int
        How many decompositions were made; 1 without gaps.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 2.1: PCA is the linear autoencoder.
    """

    def __init__(self, n_factors=3, tolerance=1e-6, max_rounds=500):
        self.n_factors = n_factors
        self.tolerance = tolerance
        self.max_rounds = max_rounds

    def fit(self, panel: Panel, validation: Panel | None = None) -> Self:
        """The model with the components of these dates, and of the validation dates if there are any."""
        panel = self._learns_from(panel, validation)
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
            left, sizes, right = np.linalg.svd(returns, full_matrices=False)
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
        self.shares_ = np.full(len(sizes), np.nan) if missing.any() else sizes**2 / (sizes**2).sum()
        self.n_rounds_, self.tickers_ = n_rounds, panel.tickers
        return self

    def factors(self, panel: Panel) -> Labelled:
        """The cross-sectional regression of each date on β, (n_dates, n_factors), in fractions per period."""
        self._require_fitted(panel)
        require_same_labels("tickers", panel.tickers, self.tickers_)
        names = self._factor_names()

        def solve(past):
            return cross_sectional_factors(past.returns, self.betas_)

        factors = factors_of_happened(panel, len(names), solve)
        return labelled(factors, panel.dates, names)
