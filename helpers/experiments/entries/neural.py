"""An entry to the leaderboard: instrumented principal components along curves, the course's NeuralIPCA.

β is a network of the ranks, F the regression of each month on β. Each year, networks are trained on the last 120 months
whose returns are known; the last fifth of these months stops the training and chooses among networks. Each network has
the weights β (β'β)⁻¹ v with the mean-variance weights v of its own F, and the entry their mean.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.experiments.entries.months import mean_variance, told_nothing, weighed
from helpers.experiments.entries.trained import N_STARTS, held_out, trained
from helpers.models.layers import member_betas, select_members
from helpers.models.least_squares import regressions
from helpers.models.solved import RIDGE, SolvedShape, side_by_side, whitened

N_FACTORS, HIDDEN_UNITS = 5, (32, 16)
STRENGTHS = (3.2e-2, 9.6e-2)  # of the penalty; as many networks have each
BATCH, PATIENCE = 6, 10  # months, and epochs


def main(chars: pd.DataFrame, features: pd.DataFrame, daily_ret: pd.DataFrame) -> pd.DataFrame:
    """The weights of the stocks: id, eom, w."""
    return weighed(chars, features, CurvedWeights())


class CurvedWeights:
    """The networks of the year, and F of each month by each of them."""

    def __init__(self):
        self.year, self.shape, self.networks, self.turns, self.factors = None, None, None, [], {}

    def kept(self, known):
        """The month as it is."""
        return known

    def weights(self, window, z, eom):
        """The stocks' weights."""
        year = eom.astype("datetime64[Y]")
        if year != self.year:
            self.year = year
            self._train(window)
        for month in window:
            if month.eom not in self.factors:
                betas = self._betas(month.z)
                self.factors[month.eom] = [regressions(month.returns[None], b[None], RIDGE)[0][0] for b in betas]
        past = np.array([self.factors[month.eom] for month in window])
        each = []
        for m, betas in enumerate(self._betas(z)):
            inverse = regressions(np.zeros((1, len(z))), betas[None], RIDGE)[1][0]
            each.append(betas @ (inverse @ mean_variance(past[:, m])))
        return np.mean(each, axis=0)

    def _betas(self, z):
        """β of each network, (n_stocks, n_factors), on a scale on which a ridge means the same to all of them."""
        said = member_betas(self.shape, self.networks, z).astype(float)
        return [said[:, m] @ turn for m, turn in enumerate(self.turns)]

    def _train(self, window):
        scale = np.sqrt(np.mean(np.concatenate([month.returns for month in window]) ** 2))
        n_features, n_last = window[0].z.shape[1], held_out(window)
        one = SolvedShape(N_STARTS, n_features, 0, HIDDEN_UNITS, min(N_FACTORS, n_features), False)
        parts = (months_as_dates(part, scale) for part in (window[:-n_last], window[-n_last:]))
        weights, best = trained(one, STRENGTHS, *parts, BATCH, PATIENCE)
        weights[0][0] = np.where(told_nothing(window)[:, None, None], 0.0, weights[0][0]).astype("float32")
        self.networks = select_members(weights, best.tolist(), weights[0][0].shape[1])
        self.shape = replace(one, n_members=len(best))
        said = member_betas(self.shape, self.networks, np.concatenate([month.z for month in window])).astype(float)
        self.turns = [whitened(rows.T @ rows / len(rows)) for rows in said.transpose(1, 0, 2)]
        self.factors = {}


def months_as_dates(window, scale):
    """The months of a window as `Dates`."""
    counts = np.array([len(month.returns) for month in window])
    returns = np.concatenate([month.returns for month in window]) / scale
    return side_by_side(np.concatenate([month.z for month in window]), np.arange(len(returns)), returns, counts)
