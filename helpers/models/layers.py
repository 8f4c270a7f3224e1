"""The stack of networks as one Keras model: its layers, the weights of its members, the betas that they give."""

from functools import cache

import numpy as np

from helpers.models.backend import keras

ops = keras.ops

# of batch normalisation's running means: Keras' 0.99 still remembers the random start after twenty epochs
MOMENTUM = 0.9


@cache
def network(shape):
    """The stack as a Keras model: (z, x) to (β, F), each (n_rows, n_members, n_factors); without inputs, z to β alone.

        β = Dense(K)(… BatchNorm(ReLU(Dense(h)(z))))      F = Dense(K)(x), without a constant: factors are portfolios

    The weights it was made with are never used: others are handed to `stateless_call`, and so one model serves all
    fits.
    """
    m, layers, n_chars = shape.n_members, keras.layers, shape.n_characteristics

    def dense(values, units, bias=True, activation=None, name=None):
        product = "ri,imo->rmo" if len(values.shape) == 2 else "rmi,imo->rmo"  # row, member, input, output
        axes = "mo" if bias else None
        # Zeros, since Keras' default draws from Python's global random numbers.
        made = layers.EinsumDense(
            product,
            (m, units),
            bias_axes=axes,
            activation=activation,
            kernel_initializer="zeros",
            name=name,
        )
        return made(values)

    def layer(number, parts, units, bias=True, activation=None):
        first, *others = parts
        if not others:
            return dense(first, units, bias, activation, f"layer_{number}")
        sums = [dense(part, units, bias=False, name=f"layer_{number}_{i}") for i, part in enumerate(others)]
        return layers.Activation(activation)(layers.add([dense(first, units, bias, name=f"layer_{number}"), *sums]))

    z = keras.Input((n_chars + len(shape.n_categories),))
    parts = [z[:, :n_chars], *beside(shape, z, dense)] if shape.n_categories else [z]
    for number, units in enumerate(shape.hidden_units):
        hidden = layer(number, parts, units, activation="relu")
        if shape.batch_normalization:
            side_by_side = layers.Reshape((m * units,))(hidden)
            hidden = layers.Reshape((m, units))(layers.BatchNormalization(momentum=MOMENTUM)(side_by_side))
        for hook in shape.hooks:
            if hook.hidden is not None:
                hidden = like(hidden, hook.hidden(hidden, dense), hook)
        parts = [hidden]
    # Without a hidden layer there is no constant either: β = z Γ, as in instrumented PCA.
    betas = layer(len(shape.hidden_units), parts, shape.n_factors, bias=bool(shape.hidden_units))
    if not shape.n_inputs:
        return keras.Model(z, betas)
    x = keras.Input((shape.n_inputs,))
    return keras.Model([z, x], [betas, dense(x, shape.n_factors, bias=False)])  # factors are portfolios: no constant


def beside(shape, z, dense):
    """What hooks make of the categories whose numbers stand in the last columns of z, (n_rows, n_members, any) each."""
    reading = [hook for hook in shape.hooks if hook.inputs is not None]
    for i, (hook, n_categories) in enumerate(zip(reading, shape.n_categories, strict=True)):
        number = ops.cast(z[:, shape.n_characteristics + i], "int32")
        made = hook.inputs(ops.one_hot(number, n_categories), dense)  # of a category not met before, -1, all are 0
        if tuple(getattr(made, "shape", ()))[:-1] != (None, shape.n_members):
            got = getattr(made, "shape", made)
            raise ValueError(f"{type(hook).__name__}.inputs must give (n_rows, n_members, any); it gave {got}.")
        yield made


def like(hidden, made, hook):
    """What a hook made of a hidden layer, if it is of the same shape."""
    if getattr(made, "shape", None) != hidden.shape:
        raise ValueError(
            f"{type(hook).__name__}.hidden must give back the shape that it got, {hidden.shape}: rows, members, units; "
            f"it gave {getattr(made, 'shape', made)}."
        )
    return made


def weights_of_layer(shape, number):
    """Which of the weights that training moves are those of a layer, its kernel first; the last gives β."""
    paths = [variable.path.split("/")[0] for variable in network(shape).trainable_variables]
    name = f"layer_{number}"
    return [i for i, path in enumerate(paths) if path == name or path.startswith(f"{name}_")]


def initial_weights(shape, seed):
    """The random weights that training starts from: a list of those it moves, one of those batch normalisation keeps.

    Member m draws from a generator of its own, (seed, m), so that it starts the same in a stack of any size.
    """
    model = network(shape)
    randoms = [np.random.default_rng([seed, m]) for m in range(shape.n_members)]

    def start(variable):
        if "int" in variable.dtype:  # the state of a layer's random numbers, such as dropout's
            return np.array([seed, 0], variable.dtype)
        if "kernel" not in variable.path or len(variable.shape) != 3:
            return np.asarray(variable)
        n_in, _, n_out = variable.shape
        limit = np.sqrt(6 / (n_in + n_out))  # Glorot's
        return np.stack([random.uniform(-limit, limit, (n_in, n_out)) for random in randoms], axis=1).astype("float32")

    return [start(v) for v in model.trainable_variables], [start(v) for v in model.non_trainable_variables]


def select_members(weights, members, n_members):
    """The weights of some members of a stack of n_members, in the order asked for; one may be asked for repeatedly."""

    def select(array):
        if np.issubdtype(array.dtype, np.integer):  # random numbers are drawn for the stack
            return array
        if array.ndim == 1:  # batch normalisation has the units of all members in one row
            return array.reshape(n_members, -1)[members].reshape(-1)
        return array[..., members, :]

    return tuple([select(array) for array in part] for part in weights)


def member_betas(shape, weights, z, n_rows=None):
    """The betas of all members for each row of z, (n_rows, n_members, n_factors)."""
    return np.concatenate([betas for _, betas in blocks_of_betas(shape, weights, z, n_rows)])


def blocks_of_betas(shape, weights, z, n_rows=None, chosen=None, training=False):
    """The same, some rows after the others: which they are, a slice, and their betas; of the chosen rows if some are.

    The layers hold a block several times over, for all members: large blocks took more memory than the whole fit. Small
    ones take time each, whatever is in them.
    """
    n_rows = n_rows or max(1024, 40_960 // shape.n_members)
    x = np.zeros((n_rows, shape.n_inputs), "float32")  # the betas do not depend on it
    for first in range(0, len(z) if chosen is None else len(chosen), n_rows):
        block = z[first : first + n_rows] if chosen is None else z[chosen[first : first + n_rows]]
        inputs = [block, x[: len(block)]] if shape.n_inputs else block
        said, _ = network(shape).stateless_call(*weights, inputs, training=training)
        yield slice(first, first + len(block)), np.asarray(said[0] if shape.n_inputs else said)
