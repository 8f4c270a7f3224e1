"""One fold of the largest case on a GPU: how long an epoch of the networks takes there.

On Linux with an NVIDIA GPU, from the root of the repository (some quarter of an hour):

    uv sync --extra gpu
    KERAS_BACKEND=jax uv run python -m tests.benchmarks.gpu

The panel is as large as CRSP, 30,000 tickers x 720 months x 94 characteristics, two thirds of the dates to train, the
rest to validate; ten networks of each of three strengths, K = 5. The first epoch holds what is done once, compiling
above all; the seconds of a later one are those by which fits of one and of three epochs differ. Without a GPU it says
so and measures nothing; a small panel is measured anywhere with the word `small`, and says which device that was.
"""

import sys
import time
import warnings

from helpers.models.autoencoder import PAPER_MODELS, ConditionalAutoencoder
from helpers.models.backend import keras
from helpers.models.neural_ipca import NeuralIPCA
from helpers.panel import Panel
from tests.benchmarks.sparse import FULL, made_up

SMALL = (600, 120)
MODELS = {
    "NeuralIPCA": lambda **how: NeuralIPCA(5, l1=(3.2e-2, 4.8e-2, 9.6e-2), **how),
    "CA3": lambda **how: ConditionalAutoencoder(
        5, PAPER_MODELS["CA3"], factor_inputs="managed", l1=(3e-3, 6e-3, 1.2e-2), batch_size=10_000, **how
    ),
}


def device() -> tuple[str, bool]:
    """What Keras computes on, in words, and whether that is a GPU."""
    name = keras.backend.backend()
    if name == "jax":
        import jax

        first = jax.devices()[0]
        return f"{first.device_kind} by jax {jax.__version__}", first.platform == "gpu"
    import tensorflow as tf

    there = tf.config.list_physical_devices("GPU")
    return f"{'GPU' if there else 'processor'} by tensorflow {tf.__version__}", bool(there)


def seconds(model: str, panel: Panel, epochs: int, n_members: int = 10) -> float:
    """Of one fit of so many epochs."""
    cut = 2 * panel.n_dates // 3
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few epochs end while the error still falls
        MODELS[model](n_members=n_members, epochs=epochs, patience=epochs).fit(panel[:cut], panel[cut:])
    return time.perf_counter() - start


def measure(n_tickers: int, n_dates: int, n_members: int = 10) -> str:
    """The report as text: a line for each model."""
    panel = made_up(n_tickers, n_dates)
    lines = [f"{device()[0]}: {n_tickers} tickers x {n_dates} dates, {panel.characteristics.nbytes / 1e9:.2f} GB"]
    lines.append(f"{'':<14}{'first epoch':>14}{'later, each':>14}{'100 epochs':>14}   (seconds)")
    for name in MODELS:
        first, third = (seconds(name, panel, epochs, n_members) for epochs in (1, 3))
        later = (third - first) / 2
        lines.append(f"{name:<14}{first:>14.1f}{later:>14.2f}{first + 99 * later:>14.0f}")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["small"]:
        print(measure(*SMALL))
    elif device()[1]:
        print(measure(*FULL["full"]))
    else:
        print(f"No GPU is at hand ({device()[0]}): not tried. See the first lines of this file.")
