"""An entry to the leaderboard: instrumented principal components along curves, the course's NeuralIPCA.

β is a network of the ranks, F the regression of each month on β. Each year, networks are trained on the last 120 months
whose returns are known; the last fifth of these months stops the training and chooses among networks. Each network has
the weights β (β'β)⁻¹ λ with the mean-variance weights λ of its own F, and the entry their mean.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from helpers.experiments.entries.months import mean_variance, told_nothing, weighed
from helpers.models.least_squares import regressions
from helpers.models.solved import RIDGE, SolvedShape, dates_of
from helpers.models.stacked import initial_weights, member_betas, select_members, train_over

N_FACTORS, HIDDEN_UNITS = 5, (32, 16)
STRENGTHS = (3.2e-2, 9.6e-2)  # of the penalty; as many networks have each
N_STARTS, N_KEPT = 4, 4
LEAST_SHARE = 1e-6  # of the largest mean square of β in any direction; a factor that has less is lost
LEARNING_RATE, BATCH, EPOCHS, PATIENCE, SEED = 0.01, 6, 50, 10, 0


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
        n_held_out = len(window) // 5
        one = SolvedShape(N_STARTS, window[0].z.shape[1], 0, HIDDEN_UNITS, min(N_FACTORS, window[0].z.shape[1]), False)
        strengths, starts = np.repeat(STRENGTHS, N_STARTS), np.tile(np.arange(N_STARTS), len(STRENGTHS)).tolist()
        together = replace(one, n_members=len(starts))
        weights, history = train_over(
            range(1, EPOCHS + 1),
            together,
            select_members(initial_weights(one, SEED), starts, N_STARTS),
            side_by_side(window[:-n_held_out], scale),
            side_by_side(window[-n_held_out:], scale),
            strengths,
            LEARNING_RATE,
            BATCH,
            PATIENCE,
            SEED,
            say=len,
        )
        best = np.argsort(history.groupby("member")["validation"].min().to_numpy(), kind="stable")[:N_KEPT]
        weights[0][0] = np.where(told_nothing(window)[:, None, None], 0.0, weights[0][0]).astype("float32")
        self.networks = select_members(weights, best.tolist(), len(starts))
        self.shape = replace(one, n_members=len(best))
        said = member_betas(self.shape, self.networks, np.concatenate([month.z for month in window])).astype(float)
        self.turns = [whitened(said[:, m]) for m in range(len(best))]
        self.factors = {}


def whitened(rows):
    """W for which the rows (n, n_factors) times W have the mean square 1 and no correlation."""
    lengths, axes = np.linalg.eigh(rows.T @ rows / len(rows))
    return axes / np.sqrt(np.maximum(lengths, LEAST_SHARE * lengths[-1]) + np.finfo(float).tiny)


def side_by_side(window, scale):
    """The months of a window as `Dates`."""
    counts = np.array([len(month.returns) for month in window])
    known = np.arange(counts.max()) < counts[:, None]
    z, y = np.zeros((*known.shape, window[0].z.shape[1]), "float32"), np.zeros(known.shape)
    z[known] = np.concatenate([month.z for month in window])
    y[known] = np.concatenate([month.returns for month in window]) / scale
    return dates_of(z, y, known)
