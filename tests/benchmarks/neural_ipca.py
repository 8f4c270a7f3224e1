"""How long an ensemble of curved IPCA trains, beside as many plain JAX fits and the bare matrix products.

From the root of the repository (some minutes), with the number of threads that a user has:

    uv run python -m tests.benchmarks.neural_ipca

The market is the paper's: 60 + 60 dates of 200 tickers, 50 characteristics; 32 and 16 hidden units, three factors, ten
members of each of four L1 strengths, six dates a batch. Every network trains the same number of epochs. The routes are
first checked to reach the same error; compilation is done before the clock starts, and ours stands by itself in the
last line. Timed as in `tests.benchmarks.regressions`; the targets stand beside the ratios.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from helpers.data.simulated import simulate_market
from helpers.models.neural_ipca import NeuralIPCA
from tests.benchmarks.ensembles import report

STRENGTHS = (3.2e-2, 4.8e-2, 6.4e-2, 9.6e-2)
RIDGE = 1e-3


def our_route(panel, validation, n_members, hidden_units, batch_size, epochs):
    """A fit of all networks; it returns the smallest validation error of each."""
    model = NeuralIPCA(3, hidden_units, n_members, STRENGTHS, 0.01, batch_size, epochs, patience=epochs)

    def ours():
        return model.fit(panel, validation).history_.groupby(["l1", "member"])["validation"].min().to_numpy()

    return ours


def jax_route(panel, validation, n_members, hidden_units, batch_size, epochs):
    """One network after the other, as a user would write it; the step is compiled once, for all of them."""
    scale = np.sqrt(np.mean(panel.returns**2))
    (z, y), (z_held_out, y_held_out) = (
        (jnp.asarray(part.characteristics, "float32"), jnp.asarray(part.returns / scale, "float32"))
        for part in (panel, validation)
    )

    def solved(weights, z, y):
        hidden = z
        for kernel, bias in weights[:-1]:
            hidden = jax.nn.relu(hidden @ kernel + bias)
        betas = hidden @ weights[-1][0] + weights[-1][1]
        squares = jnp.swapaxes(betas, 1, 2) @ betas
        squares = squares + RIDGE * squares.mean(axis=0)
        inverse = jnp.linalg.inv(squares + 1e-6 * jnp.trace(squares, axis1=1, axis2=2)[:, None, None] * jnp.eye(3))
        factors = inverse @ (jnp.swapaxes(betas, 1, 2) @ y[:, :, None])
        errors = y - (betas @ factors)[:, :, 0]
        return errors, jnp.einsum("dsk,dkj,dsj->ds", betas, inverse, betas)

    def loss(weights, z, y, l1):
        (first, _), *later = weights
        size = jnp.sqrt((first**2).sum(axis=1) + 1e-12).sum() / jnp.sqrt((first**2).sum())
        size += sum(jnp.abs(kernel).sum() / jnp.sqrt((kernel**2).sum()) for kernel, _ in later)
        return (solved(weights, z, y)[0] ** 2).mean() + l1 * size

    @jax.jit
    def step(weights, first, second, t, z, y, l1):
        slopes = jax.grad(loss)(weights, z, y, l1)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slopes)
        rate = 0.01 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), weights, first, second)
        return weights, first, second

    @jax.jit
    def held_out_error(weights):
        errors, leverage = solved(weights, z_held_out, y_held_out)
        return ((errors / jnp.maximum(1 - leverage, 1e-2)) ** 2).mean()

    def fit(member, l1):
        random = np.random.default_rng([0, member])
        widths = [z.shape[2], *hidden_units, 3]
        weights = []
        for a, b in pairwise(widths):
            limit = np.sqrt(6 / (a + b))
            weights.append((jnp.asarray(random.uniform(-limit, limit, (a, b)), "float32"), jnp.zeros(b)))
        first = second = jax.tree.map(jnp.zeros_like, weights)
        t, errors = 0, []
        for epoch in range(1, epochs + 1):
            order = np.random.default_rng([0, epoch, len(y)]).permutation(len(y))
            for begin in range(0, len(y) - batch_size + 1, batch_size):
                dates, t = order[begin : begin + batch_size], t + 1
                weights, first, second = step(weights, first, second, t, z[dates], y[dates], l1)
            errors.append(float(held_out_error(weights)))
        return min(errors)

    def one_after_the_other():
        return np.array([fit(member, l1) for l1 in STRENGTHS for member in range(n_members)])

    return one_after_the_other


def products_route(panel, validation, n_members, hidden_units, batch_size, epochs):
    """The products of the same shapes alone, in single precision: forward, back to all weights, forward to validate.

    The first layers of all networks are one product, since they read the same characteristics.
    """
    random, n_networks = np.random.default_rng(0), n_members * len(STRENGTHS)

    def matrices(*shape):
        return random.standard_normal(shape, dtype="float32")

    n_rows, units = batch_size * panel.n_tickers, [*hidden_units, 3]
    z = matrices(n_rows, panel.n_characteristics)
    first = matrices(z.shape[1], n_networks * units[0])
    later = [matrices(n_networks, a, b) for a, b in pairwise(units)]
    slopes = [matrices(n_networks, n_rows, n) for n in units]  # of the loss, by the outputs of each layer
    first_slopes = matrices(n_rows, first.shape[1])

    def forward():
        np.matmul(z, first)
        for layer_input, weights in zip(slopes, later, strict=False):
            np.matmul(layer_input, weights)

    def backward():
        np.matmul(z.T, first_slopes)
        for i, weights in enumerate(later):
            np.matmul(slopes[i].transpose(0, 2, 1), slopes[i + 1])
            np.matmul(slopes[i + 1], weights.transpose(0, 2, 1))

    def bare():
        for _ in range(epochs):
            for _ in range(panel.n_dates // batch_size):
                forward()
                backward()
            for _ in range(-(-validation.n_dates // batch_size)):
                forward()

    return bare


def measure(
    n_dates=60,
    n_tickers=200,
    n_characteristics=50,
    n_members=10,
    hidden_units=(32, 16),
    batch_size=6,
    epochs=90,  # that a default fit to this market takes, until its last network stops (grid.csv: 92.5 in the mean)
    rounds=3,
    tolerance=0.05,
):
    """The report as text. n_dates are those of the training panel, and again of the validation panel."""
    panel = simulate_market("nonlinear", 2 * n_dates, n_tickers, n_characteristics).panel
    arguments = panel[:n_dates], panel[n_dates:], n_members, hidden_units, batch_size, epochs
    title = (
        f"{n_members} members of {len(STRENGTHS)} strengths, hidden units {hidden_units}, {n_characteristics} "
        f"characteristics, {epochs} epochs of {n_dates // batch_size} batches of {batch_size} dates"
    )
    return report(
        title,
        our_route(*arguments),
        {"JAX fits, one after the other": jax_route(*arguments)},
        products_route(*arguments),
        rounds,
        tolerance,
    )


if __name__ == "__main__":
    print(measure())
