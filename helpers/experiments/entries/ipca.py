"""An entry to the leaderboard: instrumented principal components by the organisers' recipe, in numpy, pandas and scipy.

For each month, Γ of the last 120 months whose returns are known; of their F the mean-variance weights v; and for the
stocks the weights Z Γ (Γ'Z'Z Γ)⁻¹ v. Each search for Γ begins where that of the month before ended.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.experiments.entries.months import mean_variance, weighed
from helpers.models.gamma import solved_gamma
from helpers.models.least_squares import regressions

N_FACTORS = 5

# Added to each diagonal entry of Z'Z, for each stock: ranks have a mean square of 1/12. Features that say the same, or
# stocks fewer than features, leave Γ without a single value; with this it has one.
GAMMA_RIDGE = 1e-4

# Of the search for Γ. With few stocks and many features it creeps, for no better Γ.
TOLERANCE, MOST_ROUNDS = 1e-10, 60


def main(chars: pd.DataFrame, features: pd.DataFrame, daily_ret: pd.DataFrame) -> pd.DataFrame:
    """The weights of the stocks: id, eom, w."""
    return weighed(chars, features, InstrumentedWeights())


@dataclass(frozen=True, eq=False)
class Moments:
    """All that is left of a month: Z'Z, Z'r, the number of stocks and Σ r²."""

    squares: np.ndarray
    moments: np.ndarray
    count: int
    total: float


class InstrumentedWeights:
    """The organisers' recipe; it remembers Γ from month to month."""

    def __init__(self, n_factors: int = N_FACTORS, ridge: float = GAMMA_RIDGE):
        self.n_factors, self.ridge, self.gamma = n_factors, ridge, None

    def kept(self, known):
        """The month's `Moments`."""
        z, r = known.z.astype(float), known.returns
        return Moments(z.T @ z, r @ z, len(r), r @ r)

    def weights(self, window, z, eom):
        """The stocks' weights, or None where Γ cannot be found."""
        squares = np.stack([month.squares for month in window])
        held = np.diagonal(squares, axis1=1, axis2=2).any(axis=0)  # the others were 0 for everybody, all the time
        squares = squares if held.all() else squares[:, held][:, :, held]
        moments = np.stack([month.moments[held] for month in window])
        counts = np.array([month.count for month in window])
        each = np.arange(squares.shape[1])
        squares[:, each, each] += self.ridge * counts[:, None]
        found = self._solved(squares, moments, counts, sum(month.total for month in window), held)
        if found is None:
            return None
        self.gamma = np.zeros((len(held), found.gamma.shape[1]))
        self.gamma[held] = found.gamma
        betas = z.astype(float) @ self.gamma
        inverse = regressions(np.zeros((1, len(z))), betas[None], self.ridge)[1][0]
        return betas @ (inverse @ mean_variance(found.factors))

    def _solved(self, squares, moments, counts, total, held):
        """From the last Γ, else from the data, else with fewer factors."""
        names, dates = pd.RangeIndex(len(moments[0])), pd.RangeIndex(len(moments))
        for n_factors in range(min(self.n_factors, len(names), len(dates) - 1), 0, -1):
            last = None if self.gamma is None else self.gamma[held]
            usable = last is not None and last.shape[1] == n_factors and np.linalg.matrix_rank(last) == n_factors
            for start in (last, None) if usable else (None,):
                try:
                    return solved_gamma(
                        squares, moments, counts, total, n_factors, names, dates, TOLERANCE, MOST_ROUNDS, 1, start
                    )
                except (ValueError, np.linalg.LinAlgError):
                    continue
        return None
