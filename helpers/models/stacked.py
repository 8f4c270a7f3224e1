"""Networks of one shape, trained as one: each with its own weights, L1 strength and best epoch.

A network this small leaves a processor idle most of the time; a stack of them is one set of larger matrix products. Its
members share the data and the order of the batches, and nothing else: the loss is a sum over members, so no gradient
crosses from one to another, and each ends with the weights that it would have reached alone.
"""

import warnings
from dataclasses import dataclass, fields, replace
from functools import cache, partial

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from tqdm.auto import tqdm

from helpers.models.backend import compiled, compiled_loop, keras, with_gradient
from helpers.models.layers import network, weights_of_layer

ops = keras.ops

# Data of more bytes are not copied into the backend's memory, but handed over batch by batch.
STREAMED = 500_000_000
DECAY_1, DECAY_2, EPSILON = 0.9, 0.999, 1e-8  # Adam's, as the paper prints them


@dataclass(frozen=True)
class Shape:
    """What two stacks must have in common to be the same matrix products."""

    kept_by_its_fields = True  # in a file of a fitted model

    n_members: int
    n_characteristics: int
    n_inputs: int
    hidden_units: tuple
    n_factors: int
    batch_normalization: bool
    hooks: tuple = ()
    n_categories: tuple = ()  # of each hook that reads categories; their numbers stand in z after the characteristics

    def take(self, rows, z, x, date, y, take=ops.take):
        """The part of the data, as `Observations` has them, that these rows are, by Keras' `take` or numpy's."""
        return take(z, rows, axis=0), take(x, take(date, rows, axis=0), axis=0), take(y, rows, axis=0)

    def loss(self, errors):
        """What each error costs: its square, or what a hook says."""
        own = [hook.loss for hook in self.hooks if hook.loss is not None]
        return own[0](errors) if own else ops.square(errors)

    def losses(self, weights, statistics, batch, training):
        """The loss y - β · F costs in each row and member, (n_rows, n_members), and what batch normalisation keeps."""
        z, x, y = batch
        (betas, factors), statistics = network(self).stateless_call(weights, statistics, [z, x], training=training)
        return self.loss(y[:, None] - ops.sum(betas * factors, axis=-1)), statistics

    def training_error(self, weights, statistics, batch):
        """The mean loss of each member on a batch of training data, and what batch normalisation keeps."""
        losses, statistics = self.losses(weights, statistics, batch, training=True)
        return ops.mean(losses, axis=0), statistics

    def held_out_error(self, weights, statistics, batch, counts):
        """The sum of the losses of each member on a batch of held-out data, each row `counts` times."""
        losses, _ = self.losses(weights, statistics, batch, training=False)
        return ops.sum(counts[:, None] * losses, axis=0)

    def size(self, kernels):
        """What l1 is the strength of, for each member: Σ |θ| over the kernels."""
        return sum(ops.sum(ops.abs(kernel), axis=(0, 2)) for kernel in kernels)


@dataclass(frozen=True)
class Observations:
    """The returns that are known, one a row, with what the two networks read for each.

    Parameters
    ----------
    z : (n_rows, n_chars)
        What the Beta network reads.
    x : (n_dates, n_inputs)
        What the Factor network reads.
    date : (n_rows,)
        Which row of x belongs to the observation.
    y : (n_rows,)
        The returns.
    """

    z: np.ndarray
    x: np.ndarray
    date: np.ndarray
    y: np.ndarray

    @property
    def n_items(self):
        """How many rows there are to make batches of."""
        return len(self.y)

    @property
    def n_known(self):
        """How many returns are known."""
        return len(self.y)

    @property
    def nbytes(self):
        """How many bytes the characteristics take."""
        return self.z.nbytes

    def repeated(self, rows):
        """The observations in these rows."""
        return replace(self, z=self.z[rows], date=self.date[rows], y=self.y[rows])


def train(shape, weights, training, validation, l1, learning_rate, batch_size, epochs, patience, seed, progress=False):
    """The weights of each member at its best epoch, and the history.

        min over each member's weights θ of mean (y - β · F)² + l1 Σ |θ|      Σ over the kernels, not over the constants

    by Adam on random batches of rows; another kind of shape has another error, another size, and other items than rows.
    A member whose error on the validation data has not improved for `patience` epochs stops, and keeps the weights of
    its best epoch.

    Every batch is full: the few rows that are left at the end of an epoch's random order sit out this epoch, others the
    next. A smaller batch would have noisier means for batch normalisation and a larger weight for each of its rows, and
    machine code of its own.

    Parameters
    ----------
    shape : Shape
    weights : as from `initial_weights`
    training, validation : Observations, or what the kind of shape takes
    l1 : (n_members,)
    learning_rate : float
    batch_size, epochs, patience, seed : int
    progress : bool
        Whether a progress bar is shown.

    Returns
    -------
    weights : as given
    history : DataFrame
        One row for each epoch and member that was running: mean squared errors `training` (a running mean within the
        epoch) and `validation`.

    Raises
    ------
    ValueError
        If the first epoch of a member already has an error that is not finite. Later, that member stops with a warning.
    """
    # Left out where a bar is wanted, since the variable TQDM_DISABLE must have its say.
    quiet = {} if progress else {"disable": True}
    with tqdm(range(1, epochs + 1), desc="training", unit="epoch", leave=False, **quiet) as bar:
        say = bar.set_postfix_str
        return train_over(bar, shape, weights, training, validation, l1, learning_rate, batch_size, patience, seed, say)


def train_over(epochs, shape, weights, training, validation, l1, learning_rate, batch_size, patience, seed, say):
    """`train` over these epochs, numbers from 1 upwards, with what there is to say handed to a function of a text."""
    n_items = training.n_items
    batch_size = min(batch_size, n_items)
    run_epoch, squared_errors, keep, step, batch_errors = _compiled(shape, batch_size)
    if max(training.nbytes, validation.nbytes) > STREAMED:
        run_epoch = partial(_streamed_epoch, shape, batch_size, step)
        squared_errors = partial(_streamed_errors, shape, batch_size, batch_errors)
        data, unseen = _arrays(training), (_arrays(validation), validation.n_items)
    else:
        data, unseen = _tensors(training), _whole_batches(validation, batch_size)
    rate = ops.convert_to_tensor(np.float32(learning_rate))
    weights, statistics = ([ops.convert_to_tensor(array) for array in part] for part in weights)
    moments = [ops.zeros_like(w) for w in weights]
    state = [weights, statistics, moments, moments, ops.convert_to_tensor(np.float32(0))]
    best, l1 = [weights, statistics], ops.convert_to_tensor(np.asarray(l1, "float32"))

    smallest, best_epoch = np.full(shape.n_members, np.inf), np.zeros(shape.n_members, int)
    running, history = np.ones(shape.n_members, bool), []
    for epoch in epochs:
        order = np.random.default_rng([seed, epoch, n_items]).permutation(n_items).astype("int32")
        state, training_total = run_epoch(state, data, ops.convert_to_tensor(order), l1, rate)
        validation_error = np.asarray(squared_errors(state[0], state[1], *unseen)) / validation.n_known
        # Divided here: TensorFlow would do it in one way for the first panel of a process and in another for the next.
        errors = np.stack([np.asarray(training_total) / np.float32(n_items // batch_size), validation_error])

        finite = np.isfinite(errors).all(axis=0)
        _report_lost(running & ~finite, best_epoch, epoch)
        running &= finite
        history += [(epoch, member, *errors[:, member]) for member in np.flatnonzero(running)]
        better = running & (validation_error < smallest)
        best = keep(best, state[:2], ops.convert_to_tensor(better))
        smallest[better], best_epoch[better] = validation_error[better], epoch
        running &= epoch - best_epoch < patience
        say(f"validation error {smallest.min():.4f}, {running.sum()} of {len(running)} running")
        if not running.any():
            break
    best = tuple([np.asarray(array) for array in part] for part in best)
    return best, pd.DataFrame(history, columns=["epoch", "member", "training", "validation"])


@cache
def _compiled(shape, batch_size):
    """The machine code of training, kept so that a hundred panels of one shape compile once: five functions."""
    model = network(shape)
    # that of the characteristics first
    first = weights_of_layer(shape, 0)[0]
    others = [i for i, v in enumerate(model.trainable_variables) if "kernel" in v.path and i != first]
    kernels = [first, *others]

    def loss(weights, statistics, batch, l1):
        error, statistics = shape.training_error(weights, statistics, batch)
        return ops.sum(error + l1 * shape.size([weights[i] for i in kernels])), (statistics, error)

    gradient = with_gradient(loss)

    @compiled
    def step(state, batch, l1, learning_rate):
        weights, statistics, first, second, t = state
        slopes, (statistics, error) = gradient(weights, statistics, batch, l1)
        t = t + 1
        first = [DECAY_1 * m + (1 - DECAY_1) * g for m, g in zip(first, slopes, strict=True)]
        second = [DECAY_2 * v + (1 - DECAY_2) * g * g for v, g in zip(second, slopes, strict=True)]
        rate = learning_rate * ops.sqrt(1 - DECAY_2**t) / (1 - DECAY_1**t)
        weights = [w - rate * m / (ops.sqrt(v) + EPSILON) for w, m, v in zip(weights, first, second, strict=True)]
        return [weights, statistics, first, second, t], error

    @compiled_loop
    def run_epoch(state, data, order, l1, learning_rate):
        n_steps = ops.shape(order)[0] // batch_size

        def next_batch(i, carried):
            state, total = carried
            rows = ops.slice(order, [i * batch_size], [batch_size])
            state, error = step(state, shape.take(rows, *data), l1, learning_rate)
            return state, total + error

        state, total = ops.fori_loop(0, n_steps, next_batch, (state, ops.zeros((shape.n_members,))))
        return state, total

    batch_errors = compiled(shape.held_out_error)

    @compiled_loop
    def squared_errors(weights, statistics, data, counts):
        def next_batch(i, total):
            rows = i * batch_size + ops.arange(batch_size)
            return total + batch_errors(weights, statistics, shape.take(rows, *data), ops.take(counts, rows, axis=0))

        return ops.fori_loop(0, ops.shape(counts)[0] // batch_size, next_batch, ops.zeros((shape.n_members,)))

    @compiled
    def keep(best, new, better):
        def choose(old, new):
            if "int" in str(new.dtype):
                return new
            mask = ops.repeat(better, old.shape[0] // shape.n_members) if len(old.shape) == 1 else better[:, None]
            return ops.where(mask, new, old)

        return [[choose(*pair) for pair in zip(*parts, strict=True)] for parts in zip(best, new, strict=True)]

    return run_epoch, squared_errors, keep, step, batch_errors


def _streamed_epoch(shape, batch_size, step, state, data, order, l1, learning_rate):
    """`run_epoch` with the data where they are, in memory or on disk: each batch is taken from there when it is due."""
    order, total = np.asarray(order), np.zeros(shape.n_members, "float32")
    n_steps = len(order) // batch_size
    for i in range(n_steps):
        batch = _batch(shape, data, order[i * batch_size : (i + 1) * batch_size])
        state, error = step(state, batch, l1, learning_rate)
        total += np.asarray(error)
    return state, total


def _streamed_errors(shape, batch_size, batch_errors, weights, statistics, data, n_items):
    """`squared_errors` in the same way; the last batch is filled up with items that do not count."""
    total = np.zeros(shape.n_members)
    for first in range(0, n_items, batch_size):
        items = np.arange(first, first + batch_size)
        counts = ops.convert_to_tensor((items < n_items).astype("float32"))
        total += np.asarray(batch_errors(weights, statistics, _batch(shape, data, items % n_items), counts))
    return total


def _batch(shape, data, items):
    return tuple(ops.convert_to_tensor(array) for array in shape.take(items, *data, take=np.take))


def _arrays(data):
    return tuple(getattr(data, field.name) for field in fields(data))


def _tensors(data):
    return tuple(map(ops.convert_to_tensor, _arrays(data)))


def _whole_batches(data, batch_size):
    """The data, filled up to whole batches by repeating some items, and how often each counts: once or not at all."""
    items = np.arange(-(-data.n_items // batch_size) * batch_size)
    counts = (items < data.n_items).astype("float32")
    return _tensors(data.repeated(items % data.n_items)), ops.convert_to_tensor(counts)


def _report_lost(lost, best_epoch, epoch):
    """Warns of members whose errors are not finite any more, or refuses to go on where one has no earlier weights."""
    if not lost.any():
        return
    if (best_epoch[lost] == 0).any():
        raise ValueError(
            f"Training failed at epoch {epoch}: the error of {int(lost.sum())} network(s) is not finite, and there are "
            "no earlier "
            "weights to keep. Lower learning_rate, or rank the characteristics first (rank_across_tickers)."
        )
    warnings.warn(
        f"{int(lost.sum())} network(s) stopped at epoch {epoch}, where the error was not finite; each keeps its best "
        "weights "
        "from before. Lower learning_rate.",
        ConvergenceWarning,
        stacklevel=4,
    )
