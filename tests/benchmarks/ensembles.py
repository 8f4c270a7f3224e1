"""How long an ensemble of conditional autoencoders trains, beside as many Keras models and the bare matrix products.

From the root of the repository (some minutes), with the number of threads that a user has:

    uv run python -m tests.benchmarks.ensembles

The market, the network and the batches are the paper's: 60 + 60 dates of 200 tickers, 50 characteristics and
portfolios, CA2 with three factors, ten members, 800 returns a batch. Every member trains the same number of epochs. The
routes are first checked to reach the same error; compilation is done before the clock starts, and ours stands by itself
in the last line. Timed as in `tests.benchmarks.regressions`; the targets stand beside the ratios.
"""

import time
from itertools import pairwise

import numpy as np

from helpers.data.simulated import simulate_market
from helpers.models import layers, stacked
from helpers.models.autoencoder import ConditionalAutoencoder
from helpers.models.backend import keras
from tests.benchmarks.regressions import OURS, machine, milliseconds, table

L1 = 6e-3


def our_route(panel, validation, n_members, hidden_units, batch_size, epochs):
    """A fit of the whole ensemble; it returns the smallest validation error of each member."""
    model = ConditionalAutoencoder(
        3, hidden_units, n_members, l1=L1, batch_size=batch_size, epochs=epochs, patience=epochs, learning_rate=0.01
    )

    def ours():
        return model.fit(panel, validation).history_.groupby("member")["validation"].min().to_numpy()

    return ours


def keras_model(n_characteristics, n_inputs, hidden_units):
    """One member as a user would write it.

    A return is an observation, with its characteristics z and its date's portfolios x.
    """
    penalty = {"kernel_regularizer": keras.regularizers.L1(L1)}
    z, x = keras.Input((n_characteristics,)), keras.Input((n_inputs,))
    hidden = z
    for units in hidden_units:
        hidden = keras.layers.Dense(units, activation="relu", **penalty)(hidden)
        hidden = keras.layers.BatchNormalization(momentum=layers.MOMENTUM)(hidden)
    betas = keras.layers.Dense(3, **penalty)(hidden)
    factors = keras.layers.Dense(3, use_bias=False, **penalty)(x)
    model = keras.Model([z, x], keras.layers.Dot(axes=1)([betas, factors]))
    adam = keras.optimizers.Adam(0.01, beta_1=stacked.DECAY_1, beta_2=stacked.DECAY_2, epsilon=stacked.EPSILON)
    model.compile(loss="mse", optimizer=adam, metrics=["mse"])
    return model


def keras_route(panel, validation, n_members, hidden_units, batch_size, epochs):
    """One fit after the other; every call starts from the same weights, and the graphs are traced beforehand."""
    lengths = np.sqrt(np.mean(panel.returns**2)), np.sqrt(np.mean(panel.portfolios**2, axis=0))

    def arrays(part):
        z = part.characteristics.reshape(-1, part.n_characteristics).astype("float32")
        x = np.repeat(part.portfolios / lengths[1], part.n_tickers, axis=0).astype("float32")
        return [z, x], (part.returns / lengths[0]).ravel().astype("float32")

    (inputs, y), held_out = arrays(panel), arrays(validation)

    def fit(model, epochs):
        how = {"batch_size": batch_size, "validation_batch_size": batch_size, "verbose": 0}
        return model.fit(inputs, y, epochs=epochs, validation_data=held_out, **how).history["val_mse"]

    models, starts = [], []
    for member in range(n_members):
        keras.utils.set_random_seed(member)
        model = keras_model(panel.n_characteristics, panel.n_portfolios, hidden_units)
        model.optimizer.build(model.trainable_variables)
        starts.append(
            [keras.ops.convert_to_numpy(variable).copy() for variable in (*model.variables, *model.optimizer.variables)]
        )
        models.append(model)
        fit(model, epochs=1)

    def one_after_the_other():
        errors = []
        for model, start in zip(models, starts, strict=True):
            for variable, array in zip((*model.variables, *model.optimizer.variables), start, strict=True):
                variable.assign(array)
            errors.append(min(fit(model, epochs)))
        return np.array(errors)

    return one_after_the_other


def products_route(panel, validation, n_members, hidden_units, batch_size, epochs):
    """The products of the same shapes alone, in single precision: forward, back to all weights, forward to validate.

    The first layers of all members are one product, since they read the same characteristics; so are the Factor
    networks.
    """
    random = np.random.default_rng(0)

    def matrices(*shape):
        return random.standard_normal(shape, dtype="float32")

    units = [*hidden_units, 3]
    z, x = matrices(batch_size, panel.n_characteristics), matrices(batch_size, panel.n_portfolios)
    first, factors = matrices(z.shape[1], n_members * units[0]), matrices(x.shape[1], n_members * 3)
    later = [matrices(n_members, a, b) for a, b in pairwise(units)]
    slopes = [matrices(n_members, batch_size, n) for n in units]  # of the loss, by the outputs of each layer
    first_slopes, factor_slopes = matrices(batch_size, first.shape[1]), matrices(batch_size, factors.shape[1])
    n_steps = panel.returns.size // batch_size
    n_validation_steps = -(-validation.returns.size // batch_size)

    def forward():
        np.matmul(z, first)
        np.matmul(x, factors)
        for layer_input, weights in zip(slopes, later, strict=False):
            np.matmul(layer_input, weights)

    def backward():
        np.matmul(z.T, first_slopes)
        np.matmul(x.T, factor_slopes)
        for i, weights in enumerate(later):
            np.matmul(slopes[i].transpose(0, 2, 1), slopes[i + 1])
            np.matmul(slopes[i + 1], weights.transpose(0, 2, 1))

    def bare():
        for _ in range(epochs):
            for _ in range(n_steps):
                forward()
                backward()
            for _ in range(n_validation_steps):
                forward()

    return bare


def check_same_job(errors, other_errors, tolerance):
    """Refuses routes whose smallest validation errors, in the mean over members, differ by more than a share."""
    np.testing.assert_allclose(np.mean(errors), np.mean(other_errors), rtol=tolerance, err_msg="mean validation error")


def measure(
    n_dates=60,
    n_tickers=200,
    n_characteristics=50,
    n_members=10,
    hidden_units=(32, 16),
    batch_size=800,
    epochs=10,
    rounds=3,
    tolerance=0.1,
):
    """The report as text. n_dates are those of the training panel, and again of the validation panel.

    After few epochs, while the error falls fast, an ensemble with other random starts is a few percent away: hence the
    tolerance.
    """
    panel = simulate_market("nonlinear", 2 * n_dates, n_tickers, n_characteristics).panel
    arguments = panel[:n_dates], panel[n_dates:], n_members, hidden_units, batch_size, epochs
    title = (
        f"{n_members} members, hidden units {hidden_units}, {n_characteristics} characteristics, {epochs} epochs "
        f"of {n_dates * n_tickers // batch_size} batches of {batch_size}, and as many returns to validate"
    )
    return report(
        title,
        our_route(*arguments),
        {"Keras fits, one after the other": keras_route(*arguments)},
        products_route(*arguments),
        rounds,
        tolerance,
    )


def report(title, ours, others, bare, rounds, tolerance):
    """The report as text, after all routes but the bare products were checked to do the same job.

    Parameters
    ----------
    title : str
    ours : function
        It fits, and returns the smallest validation error of each network.
    others : dict of str to function
        One entry: what a user would pick instead.
    bare : function
    rounds : int
    tolerance : float
        A share, by which the mean errors may differ.
    """
    start = time.perf_counter()
    ours()
    first_fit = time.perf_counter() - start
    ((name, other),) = others.items()
    errors, other_errors = ours(), other()
    check_same_job(errors, other_errors, tolerance)
    times = milliseconds({OURS: ours, name: other, "bare matrix products": bare}, rounds)
    fits = name.split(",")[0]
    lines = [
        f"{machine()}, {keras.backend.backend()}; {rounds} rounds",
        *table(title, times, {fits: "at least 20", "bare": "at least 0.5: ours is within 2 x bare"}),
        f"Smallest validation error, mean of the networks: ours {np.mean(errors):.3f}, {fits} "
        f"{np.mean(other_errors):.3f}.",
        f"Compiling ours, once for this shape: {first_fit - times[OURS] / 1000:.1f} s.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(measure())
