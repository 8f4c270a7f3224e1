"""Parts of one's own in the stacked networks: a loss, what happens to a hidden layer, categories beside the inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from helpers.checks import as_count, as_positive, first_few
from helpers.models import layers
from helpers.models.backend import keras
from helpers.panel import Panel

ops = keras.ops


class Hook:
    """A part of one's own in the networks of NeuralIPCA or ConditionalAutoencoder, handed to them as ``hooks=``.

    A subclass is a frozen dataclass and defines what it changes; what it leaves out stays as it is:

        loss(self, errors)                what is minimised in the mean, instead of errors²
        hidden(self, values, dense)       what the next layer reads, made of a hidden layer (n_rows, n_members, n_units)
        inputs(self, categories, dense)   what the first layer reads beside the characteristics, (n_rows, n_members,
                                          any), made of the categories of `side`, (n_rows, n_categories), 1 or 0

    Errors are r - r̂ in units of the root mean square return, of any shape with the members last. ``dense(values,
    units, bias=True, activation=None)`` is a layer of weights for each member. All of it is Keras' `ops` and `layers`,
    and keeps members apart: no member may see another's numbers. Weights are given one per member, and the kernels of
    `dense` are part of the penalty.

    The loss is that of the gradient and of early stopping. What validation chooses, strengths and networks, it chooses
    by R², as scores do. Where F is solved for, it stays the regression of the date.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from helpers.models import Hook, NeuralIPCA
    >>> from helpers.models.backend import keras
    >>> @dataclass(frozen=True)
    ... class Absolute(Hook):
    ...     def loss(self, errors):
    ...         return keras.ops.abs(errors)
    >>> model = NeuralIPCA(n_factors=3, hooks=Absolute())
    """

    kept_by_its_fields = True  # in a file of a fitted model
    loss: Any = None
    hidden: Any = None
    inputs: Any = None
    side: str  # the name of the panel's side data that `inputs` reads, if it has inputs


@dataclass(frozen=True)
class Huber(Hook):
    """Errors that are squared up to δ, and count only in proportion beyond it: min over θ of mean h(r - r̂).

        h(e) = e² for |e| ≤ δ,  2 δ |e| - δ² else

    Parameters
    ----------
    delta : float
        δ, in units of the root mean square return.

    References
    ----------
    Huber (1964). Gu, Kelly, Xiu (2020) train their linear models with it.
    """

    delta: float = 1.5

    def __post_init__(self) -> None:
        as_positive("delta", self.delta)

    def loss(self, errors: Any) -> Any:
        """h of each error."""
        size = ops.abs(errors)
        return ops.where(size <= self.delta, ops.square(errors), 2 * self.delta * size - self.delta**2)


@dataclass(frozen=True)
class Dropout(Hook):
    """Hidden units that are 0 at random in training, for each row and member anew; the others count for more.

    Parameters
    ----------
    rate : float
        The share that is 0, above 0 and below 1.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014).
    """

    rate: float = 0.1

    def __post_init__(self) -> None:
        if not as_positive("rate", self.rate) < 1:
            raise ValueError(f"rate must be below 1, since some units must be left; {self.rate!r} was given.")

    def hidden(self, values: Any, dense: Callable) -> Any:
        """The hidden layer with some of its units 0 in training, and whole afterwards."""
        return keras.layers.Dropout(self.rate, seed=0)(values)  # the fit's own seed takes the place of this one


@dataclass(frozen=True)
class Embedding(Hook):
    """A point learned for each category, such as an industry, which the first layer reads beside the characteristics.

    A category that was not met in training, or is unknown, is at the origin.

    Parameters
    ----------
    side : str
        The name of the panel's side data.
    n_dimensions : int
        Of the points.
    """

    side: str
    n_dimensions: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.side, str):
            raise TypeError(f"side must be the name of side data, such as 'industry'; {self.side!r} was given.")
        as_count("n_dimensions", self.n_dimensions)

    def inputs(self, categories: Any, dense: Callable) -> Any:
        """The point of each row's category, (n_rows, n_members, n_dimensions)."""
        return dense(categories, self.n_dimensions, bias=False)


def as_hooks(hooks: Any) -> tuple[Hook, ...]:
    """The hooks that were given, if they are such."""
    each = (hooks,) if isinstance(hooks, Hook | type) else hooks
    if not isinstance(each, Sequence) or isinstance(each, str):
        raise TypeError(f"hooks must be a Hook or a sequence of them, such as (Huber(),); {hooks!r} was given.")
    for hook in each:
        if not isinstance(hook, Hook):
            made = f" Write {hook.__name__}(...)." if isinstance(hook, type) and issubclass(hook, Hook) else ""
            raise TypeError(f"hooks must be a Hook or a sequence of them, such as (Huber(),); it has {hook!r}.{made}")
        if not is_dataclass(hook) or not type(hook).__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise TypeError(
                f"{type(hook).__name__} must be a frozen dataclass, so that equal hooks are one thing to compile and "
                "can be kept in a file. Write @dataclass(frozen=True) above it."
            )
        try:
            hash(hook)
        except TypeError as error:
            raise TypeError(f"{hook!r} cannot be hashed: {error}. Give it numbers, text and tuples.") from error
        if hook.inputs is not None and not isinstance(getattr(hook, "side", None), str):
            raise TypeError(f"{type(hook).__name__} has inputs and no side: name the side data that they are made of.")
    losses = [type(hook).__name__ for hook in each if hook.loss is not None]
    if len(losses) > 1:
        raise ValueError(f"Only one hook can have the loss, and {', '.join(losses)} have one each. Choose one.")
    return tuple(each)


def categories_of(hooks: Sequence[Hook], panel: Panel, known: np.ndarray) -> tuple[pd.Index, ...]:
    """For each hook that reads side data, the categories met in the known cells, in ascending order."""
    found = []
    for name in _sides(hooks):
        values = pd.Series(_side_of(panel, name)[known]).dropna()
        try:
            categories = pd.Index(np.sort(values.unique()))
        except TypeError:
            kinds = sorted({type(value).__name__ for value in values.unique()})
            raise TypeError(f"The side data {name!r} hold {' and '.join(kinds)}. Write all alike.") from None
        if not 0 < 2 * len(categories) <= len(values):
            raise ValueError(
                f"The side data {name!r} have {len(categories)} different values in {len(values)} observations: an "
                "embedding is for categories that many observations share. Give numbers as characteristics."
            )
        found.append(categories)
    return tuple(found)


def rows_read(panel: Panel, known: np.ndarray, hooks: Sequence[Hook], categories: Sequence[pd.Index]) -> np.ndarray:
    """The characteristics of the known cells, and after them the numbers of their categories, (n_known, n_read).

    The number of a category that was not met before, or is unknown, is -1.
    """
    z = panel.characteristics[known].astype("float32", copy=False)
    if not categories:
        return z
    codes = []
    for name, place in zip(_sides(hooks), categories, strict=True):
        values = pd.Index(_side_of(panel, name)[known])
        codes.append(place.get_indexer(values))
        there = values.dropna().unique()
        other_kind = pd.api.types.is_numeric_dtype(there) != pd.api.types.is_numeric_dtype(place)
        if len(there) and other_kind and (codes[-1] < 0).all():
            raise ValueError(
                f"The side data {name!r} are written otherwise than in training: "
                f"{first_few(map(repr, there.tolist()))} here, {first_few(map(repr, place.tolist()))} there. "
                "Write both alike."
            )
    return np.concatenate([z, np.stack(codes, axis=1).astype("float32")], axis=1, dtype="float32")


def require_apart(shape: Any) -> None:
    """Refuses hooks that mix members, or give back something of another shape: what no message would say later."""
    if shape.hooks:
        _tried(replace(shape, n_members=2))


@cache
def _tried(shape):
    names = ", ".join(type(hook).__name__ for hook in shape.hooks)
    random = np.random.default_rng(0)
    codes = random.integers(0, shape.n_categories, (6, len(shape.n_categories)))
    z = np.concatenate([random.standard_normal((6, shape.n_characteristics)), codes], axis=1).astype("float32")
    weights = layers.initial_weights(shape, 0)
    for array in (*weights[0], *weights[1]):
        of_members = array.shape[-2] if array.ndim > 1 else array.size
        if of_members % 2 and not np.issubdtype(array.dtype, np.integer):
            raise ValueError(
                f"{names}: weights of shape {array.shape} are not given one per member. Make layers by `dense`."
            )
    for training in (False, True):
        said, other = (
            next(layers.blocks_of_betas(shape, each, z, training=training))[1]
            for each in (weights, _with_another_second(weights))
        )
        if not np.allclose(said[:, 0], other[:, 0], rtol=1e-4, atol=1e-6):
            raise ValueError(f"{names}: one member's betas change with another's weights. Keep members apart.")
    errors = random.standard_normal((4, 6, 2)).astype("float32")
    changed = errors * np.array([1, 2], "float32")
    losses, others = (np.asarray(shape.loss(ops.convert_to_tensor(e))) for e in (errors, changed))
    if losses.shape != errors.shape or not np.allclose(losses[..., 0], others[..., 0], rtol=1e-4, atol=1e-6):
        raise ValueError(f"{names}: a loss gives one number for each error; of {errors.shape} it made {losses.shape}.")


def _with_another_second(weights):
    """The weights of two members, the second one's exchanged for others."""

    def changed(array):
        array = np.array(array)
        if np.issubdtype(array.dtype, np.integer):
            return array
        second = array.reshape(2, -1)[1] if array.ndim == 1 else array[..., 1, :]
        second += 1
        return array

    return tuple([changed(array) for array in part] for part in weights)


def _sides(hooks):
    return [hook.side for hook in hooks if hook.inputs is not None]


def _side_of(panel, name):
    if name not in panel.side:
        there = f"it has {first_few(list(panel.side))}" if panel.side else "it has none"
        raise ValueError(
            f"A hook reads the side data {name!r} of the panel, and {there}. Pass Panel(..., side={{{name!r}: ...}}), "
            f"or read_panel(..., side=({name!r},))."
        )
    return panel.side[name]
