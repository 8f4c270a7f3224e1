"""An entry to the leaderboard: the conditional autoencoder CA2 of Gu, Kelly, Xiu, its factors made tradable.

β is a network of the ranks, and F = W'x a fixed portfolio of managed portfolios x = (Z'Z)⁻¹ Z'r, which stocks make up.
So the stocks' weights are Z (Z'Z)⁻¹ W v, with the mean-variance weights v of F. Each year, networks are trained on the
last 120 months whose returns are known, of which the last fifth stops the training and chooses among networks; the
entry is the mean of those chosen.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.experiments.entries.months import mean_variance, told_nothing, weighed
from helpers.experiments.entries.trained import N_STARTS, held_out, trained
from helpers.models.least_squares import regressions
from helpers.models.stacked import Observations, Shape

N_FACTORS, HIDDEN_UNITS = 5, (32, 16)
STRENGTHS = (3e-3, 1.2e-2)  # of the penalty; as many networks have each
BATCH, PATIENCE = 800, 5  # returns, and epochs

# Added to each diagonal entry of Z'Z, for each stock: ranks have a mean square of 1/12. There may be more features than
# stocks, and many that say nearly the same.
MANAGED_RIDGE = 1e-2


def main(chars: pd.DataFrame, features: pd.DataFrame, daily_ret: pd.DataFrame) -> pd.DataFrame:
    """The weights of the stocks: id, eom, w."""
    return weighed(chars, features, AutoencoderWeights())


@dataclass(frozen=True, eq=False)
class Managed:
    """The ranks and returns of a month, and its managed portfolios, that of the constant the last one."""

    z: np.ndarray
    returns: np.ndarray
    x: np.ndarray


class AutoencoderWeights:
    """The W of the year, one for each network: (n_networks, n_portfolios, n_factors)."""

    def __init__(self):
        self.year, self.portfolios = None, None

    def kept(self, known):
        """The month with its managed portfolios."""
        return Managed(
            known.z,
            known.returns,
            regressions(known.returns[None], with_constant(known.z)[None], MANAGED_RIDGE)[0][0],
        )

    def weights(self, window, z, eom):
        """The stocks' weights."""
        year = eom.astype("datetime64[Y]")
        if year != self.year:
            self.year, self.portfolios = year, self._trained(window)
        x = np.stack([month.x for month in window])
        held = np.mean([w @ mean_variance(x @ w) for w in self.portfolios], axis=0)
        z = with_constant(z)
        return z @ (regressions(np.zeros((1, len(z))), z[None], MANAGED_RIDGE)[1][0] @ held)

    def _trained(self, window):
        x = np.stack([month.x for month in window])
        empty = np.append(told_nothing(window), False)
        x[:, empty] = 0.0
        lengths = np.where(empty, 1.0, np.sqrt(np.mean(x**2, axis=0)))
        scale = np.sqrt(np.mean(np.concatenate([month.returns for month in window]) ** 2))
        n_features, n_last = window[0].z.shape[1], held_out(window)
        one = Shape(N_STARTS, n_features, n_features + 1, HIDDEN_UNITS, min(N_FACTORS, n_features), True)
        cuts = slice(None, -n_last), slice(-n_last, None)
        parts = (one_a_row(window[cut], x[cut] / lengths, scale) for cut in cuts)
        weights, best = trained(one, STRENGTHS, *parts, BATCH, PATIENCE)
        portfolios = weights[0][-1].transpose(1, 0, 2)[best].astype(float) / lengths[:, None]
        return np.where(empty[:, None], 0.0, portfolios)


def with_constant(z):
    """The ranks, and a column of ones as the last one."""
    return np.column_stack([z, np.ones(len(z))]).astype(float)


def one_a_row(window, x, scale):
    """The returns of a window as `Observations`."""
    counts = [len(month.returns) for month in window]
    return Observations(
        z=np.concatenate([month.z for month in window]),
        x=x.astype("float32"),
        date=np.repeat(np.arange(len(window)), counts).astype("int32"),
        y=(np.concatenate([month.returns for month in window]) / scale).astype("float32"),
    )
