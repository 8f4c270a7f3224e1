"""What three choices of curved IPCA are worth: a random start, a penalty on whole characteristics, the best networks.

From the root of the repository (some 25 minutes on one core):

    uv run python -m tests.benchmarks.neural_ipca_variants [file.csv]

Each market is the paper's: 180 dates of 200 tickers and 50 characteristics, a third each to train, to choose and to
test; 32 and 16 hidden units, three factors, five members. A variant is `NeuralIPCA` with the members of one strength,
or started at the fit of IPCA, or with a penalty weight by weight, or the last two together. A penalty weight by weight
has another unit, and so a grid of its own; a "wide grid" has twice as many strengths, since more to choose from is a
change by itself.

Printed for each kind of market: the mean of the default's scores on the test dates, and the mean of what each variant
scores more, with the standard error of that mean over markets. "left out" is the total R² with each ticker left out of
the F of its date; the other total R² is `reconstruct`'s. The seconds are those of the fit, compilation left out. Then
how often the strength chosen was the smallest or the largest of its grid. Each fit is added to the file at once, and
not repeated if it is there.
"""

import sys
import tempfile
import time
import warnings
from functools import partial
from itertools import product
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from sklearn.base import clone

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.models import layers
from helpers.models.backend import keras
from helpers.models.ipca import InstrumentedPCA
from helpers.models.neural_ipca import NeuralIPCA
from helpers.models.solved import TINY, SolvedShape

ops = keras.ops

SMALL = 0.1  # of a random weight, where it leads from a random unit to one that carries the linear model
GRID = (3.2e-2, 4.8e-2, 6.4e-2, 9.6e-2)
WIDE = (1.6e-2, 2.4e-2, *GRID, 0.128, 0.192)
BY_WEIGHTS = (8e-3, 1.6e-2, 2.4e-2, 3.2e-2)
WIDE_BY_WEIGHTS = (4e-3, 8e-3, 1.2e-2, 1.6e-2, 2.4e-2, 3.2e-2, 4.8e-2, 6.4e-2)
# Where the market is linear, the start is nearly the end, and a penalty that lets nothing else grow is no bad one.
WARM = (1.6e-2, 2.4e-2, 3.2e-2, 4.8e-2, 6.4e-2, 0.128, 0.256, 0.512)
WARM_BY_WEIGHTS = (8e-3, 1.6e-2, 2.4e-2, 3.2e-2, 4.8e-2, 6.4e-2, 0.128, 0.256)
SCORES = {"left out": 4, "R²": 4, "seconds": 1}  # and the digits that they are printed with
KEYS = ["kind", "seed", "variant"]
SIZE = {"n_factors": 3, "hidden_units": (32, 16), "n_members": 5}


class WarmStart(NeuralIPCA):
    """Starts as IPCA of the training panel, and with random units beside it: by them the members differ."""

    def fit(self, panel, validation=None):
        self.gamma_ = InstrumentedPCA(self.n_factors).fit(panel).gamma_
        return super().fit(panel, validation)

    def _train(self, alone, *arguments):
        random = layers.initial_weights(alone, self.seed)
        with mock.patch.object(layers, "initial_weights", lambda *_: linear_at_first(random, self.gamma_)):
            super()._train(alone, *arguments)


class WeightByWeight(NeuralIPCA):
    """Has a penalty by which single weights switch off, and not whole characteristics."""

    def _train(self, alone, *arguments):
        super()._train(ShapeByWeights(**vars(alone)), *arguments)


class WarmStartWeightByWeight(WarmStart, WeightByWeight):
    """Both."""


class ShapeByWeights(SolvedShape):
    """A stack in which each weight of the first kernel is one thing to the penalty, as each of the others is."""

    def size(self, kernels):
        """Σ |θ| / √Σ θ², summed over all kernels."""
        return sum(
            ops.sum(ops.abs(kernel), axis=(0, 2)) / ops.sqrt(ops.sum(ops.square(kernel), axis=(0, 2)) + TINY)
            for kernel in kernels
        )


def linear_at_first(weights, gamma):
    """The random weights, changed so that each network begins as β = Z Γ, but for what the small ones add.

    x = relu(x) - relu(-x): the first 2K units of each hidden layer carry the positive and the negative parts of Z Γ, in
    the first layer with kernels as long as those of the random units. Random units lead to them, and to β, by small
    weights only.
    """
    moved, kept = [array.copy() for array in weights[0]], weights[1]
    first, *later = (array for array in moved if array.ndim == 3)
    parts, carriers = np.hstack([gamma, -gamma]), slice(2 * gamma.shape[1])
    first[:, :, carriers] = parts[:, None] * np.sqrt((first**2).sum(axis=0).mean())
    ways = [np.eye(parts.shape[1])] * (len(later) - 1) + [np.vstack([np.eye(len(gamma.T)), -np.eye(len(gamma.T))])]
    for kernel, way in zip(later, ways, strict=True):
        kernel[:, :, : way.shape[1]] *= SMALL
        kernel[carriers, :, : way.shape[1]] = way[:, None]
    return moved, kept


VARIANTS = {
    "the default": (NeuralIPCA, GRID),
    "members of one strength": (partial(NeuralIPCA, choose="strength"), GRID),
    "the default, wide grid": (NeuralIPCA, WIDE),
    "weight by weight": (WeightByWeight, BY_WEIGHTS),
    "the same, wide grid": (WeightByWeight, WIDE_BY_WEIGHTS),
    "starts at IPCA": (WarmStart, WARM),
    "both": (WarmStartWeightByWeight, WARM_BY_WEIGHTS),
}


def markets(seeds=range(100, 108)):
    """The paper's markets: their kind, seed and panel."""
    for seed, kind in product(seeds, ("linear", "nonlinear")):
        yield kind, seed, simulate_market(kind, 180, 200, 50, seed=seed).panel


def scores(model, test):
    """What a fitted ensemble explains of the test dates, and whether its strength is at an end of the grid."""
    return {
        "left out": total_r2(test.returns, model.leave_one_out(test)),
        "R²": total_r2(test.returns, model.reconstruct(test)),
        "l1": model.l1_,
        "smallest": model.l1_ == min(model.l1),
        "largest": model.l1_ == max(model.l1),
    }


def measure(markets, file, variants=VARIANTS, **size):
    """The report as text: a table for each kind of market. Fits that are in the file are not repeated."""
    done = set(pd.read_csv(file)[KEYS].itertuples(index=False, name=None)) if file.exists() else set()
    compiled = set()
    for (kind, seed, panel), (variant, (make, strengths)) in product(markets, variants.items()):
        if (kind, seed, variant) in done:
            continue
        third = panel.n_dates // 3
        train, choose, test = panel[:third], panel[third : 2 * third], panel[2 * third :]
        model = make(**(SIZE | size), l1=strengths)
        if variant not in compiled:
            clone(model).set_params(epochs=1).fit(train, choose)
            compiled.add(variant)
        start = time.perf_counter()
        model.fit(train, choose)
        row = {"kind": kind, "seed": seed, "variant": variant, "seconds": time.perf_counter() - start}
        pd.DataFrame([row | scores(model, test)]).to_csv(file, mode="a", header=not file.exists(), index=False)
    return report(pd.read_csv(file), list(variants))


def report(fits, variants):
    """A table for each kind of market, from one row for each fit; the first variant is what others are compared to."""
    lines = []
    for kind, rows in fits.groupby("kind"):
        wide = rows.pivot(index="seed", columns="variant")[[*SCORES, "smallest", "largest"]].dropna()
        titles = "".join(f"{title:>20}" for title in SCORES)
        lines += [f"{kind}, {len(wide)} markets", f"{'':<28}{titles}{'smallest':>10}{'largest':>9}"]
        for variant in variants:
            cells = [cell(wide[score], variant, variants[0], digits) for score, digits in SCORES.items()]
            edges = [int(wide[edge][variant].sum()) for edge in ("smallest", "largest")]
            lines.append(f"{variant:<28}{''.join(f'{each:>20}' for each in cells)}{edges[0]:>10}{edges[1]:>9}")
    return "\n".join(lines)


def cell(values, variant, default, digits):
    """The mean over markets (rows) of the default, or of what the variant has more, with its standard error."""
    if variant == default:
        return f"{values[default].mean():.{digits}f}"
    more = values[variant] - values[default]
    return f"{more.mean():+.{digits}f} ± {more.sem():.{digits}f}"


if __name__ == "__main__":
    warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "variants" / "neural_ipca.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    print(measure(markets(), path))
