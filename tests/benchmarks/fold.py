"""One fold of the paper's scheme at its size: how long each model takes, cold, and a year later from a warm start.

From the root of the repository (half an hour or more; with `KERAS_BACKEND=jax` as well):

    uv run python -m tests.benchmarks.fold

3,000 stocks and 94 characteristics of the simulated nonlinear market; 18 years to train, 12 to validate, and the year
after is judged; K = 5, ten networks of each of three strengths, all else as the models have it. Thirty folds of six
models are to take six hours on two cores: two minutes for a model and fold, if all were alike. Then the same a year
later, with the weights of the first fit to begin from. With names of models, such as CA2, only these are measured;
with the word cold, nothing from a warm start.
"""

import sys
import time
import warnings
from dataclasses import replace

from helpers.data.simulated import simulate_market
from helpers.models.autoencoder import PAPER_MODELS, ConditionalAutoencoder
from helpers.models.ipca import InstrumentedPCA
from helpers.models.neural_ipca import NeuralIPCA
from tests.benchmarks.gpu import device

TRAIN, VALIDATE, YEAR = 216, 144, 12  # months
HOURS, FOLDS = 6, 30


def models(**how) -> dict:
    """The models by their names, as a study has them; `how` is for all networks."""
    found: dict = {"IPCA": InstrumentedPCA(5, constant=True, warm_start=True)}
    strengths = (3e-3, 6e-3, 1.2e-2)
    for name, hidden in PAPER_MODELS.items():
        found[name] = ConditionalAutoencoder(5, hidden, factor_inputs="managed", l1=strengths, warm_start=True, **how)
    found["NeuralIPCA"] = NeuralIPCA(5, l1=(3.2e-2, 4.8e-2, 9.6e-2), warm_start=True, **how)
    return found


def measure(n_tickers=3000, n_characteristics=94, train=TRAIN, validate=VALIDATE, names=None, warm=True, **how) -> str:
    """The report as text: a line for each model and start."""
    n_dates = train + validate + 2 * YEAR
    panel = simulate_market(
        "nonlinear", n_dates=n_dates, n_tickers=n_tickers, n_characteristics=n_characteristics
    ).panel
    panel = replace(
        panel, characteristics=panel.characteristics.astype("float32"), portfolios=None, portfolio_names=None
    )
    lines = [f"{device()[0]}; {panel}", f"{'':<12}{'start':>8}{'seconds':>10}{'epochs':>8}{'total R² of the year':>22}"]
    cold = 0.0
    for name, model in models(**how).items():
        if names and name not in names:
            continue
        for first, start in ((0, "cold"), (YEAR, "warm"))[: 2 if warm else 1]:
            stop = first + train
            begun = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(panel[first:stop], panel[stop : stop + validate])
            seconds = time.perf_counter() - begun
            cold += seconds * (start == "cold")
            epochs = int(model.history_["epoch"].max()) if hasattr(model, "history_") else 0
            judged = panel[stop + validate : stop + validate + YEAR]
            lines.append(f"{name:<12}{start:>8}{seconds:>10.1f}{epochs:>8}{100 * model.score(judged):>21.1f}%")
            print(lines[-1], file=sys.stderr, flush=True)
    lines.append(
        f"{FOLDS} cold folds of these: {FOLDS * cold / 3600:.1f} hours   target: at most {HOURS} for six models"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    print(measure(names=[name for name in sys.argv[1:] if name != "cold"], warm="cold" not in sys.argv))
