"""Networks as pictures: units and weights of an autoencoder, layers of any Keras model."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from helpers.checks import as_choice, as_count
from helpers.plotting.matrices import QUESTION
from helpers.plotting.style import EMPTY, GIVEN, INK, ORANGE, VERMILLION, WIDTH, in_style

ARROW: dict[str, Any] = {"arrowstyle": "-|>", "color": INK, "lw": 1.1, "shrinkA": 0, "shrinkB": 0}
# Of the conditional autoencoder: the heights of the tickers' rows, and of F.
ROWS, FACTORS = (6.7, 9.9, 13.1, 19.5), 39.0
MIDDLE = 13.1


@in_style
def draw_autoencoder(sizes: Sequence[int] = (8, 3, 8), title: str | None = None) -> Figure:
    """The picture of an autoencoder: encoder, bottleneck, decoder, each unit a circle and each weight a line.

    Parameters
    ----------
    sizes : sequence of int
        The number of units in each layer, from the input to the output.
    title : str, optional

    Returns
    -------
    Figure
    """
    sizes = [as_count("sizes", size, at_most=20, why="More circles than that cannot be told apart.") for size in sizes]
    narrowest = int(np.argmin(sizes))
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    axes.set(xlim=(-0.75, len(sizes) - 0.25), ylim=(-max(sizes) / 2 - 1.3, max(sizes) / 2 + 1.2))
    axes.axis("off")
    heights = [np.arange(size) - (size - 1) / 2 for size in sizes]
    for layer in range(len(sizes) - 1):
        for a in heights[layer]:
            for b in heights[layer + 1]:
                axes.plot([layer, layer + 1], [a, b], color="#CCCCCC", lw=0.6, zorder=1)
    for layer, (size, height) in enumerate(zip(sizes, heights, strict=True)):
        colour = ORANGE if layer == narrowest else GIVEN
        axes.scatter(np.full(size, layer), height, s=130, color=colour, edgecolor=INK, zorder=2)
        axes.text(layer, -max(sizes) / 2 - 0.5, f"{size} unit{'s' if size > 1 else ''}", ha="center", va="top")
    names = {
        0: r"input $\mathbf{x}$",
        narrowest: r"bottleneck $\mathbf{z}$",
        len(sizes) - 1: r"output $\hat{\mathbf{x}} \approx \mathbf{x}$",
    }
    for layer, name in names.items():
        axes.text(layer, heights[layer].max() + 0.6, name, ha="center", va="bottom")
    for centre, name in ((narrowest / 2, "Encoder"), ((narrowest + len(sizes) - 1) / 2, "Decoder")):
        axes.text(centre, -max(sizes) / 2 - 0.5, name, ha="center", va="top", weight="bold")
    if title:
        axes.set_title(title)
    return figure


@in_style
def draw_conditional_autoencoder(title: str | None = None, factors: str = "weights") -> Figure:
    """The picture of the conditional autoencoder at one date, neuron by neuron: two halves and their dot product.

    Parameters
    ----------
    title : str, optional
    factors : {"weights", "regression"}
        How F is found: by the Factor network, which reads portfolios or the returns of the tickers; or by the
        regression of the date's returns on β, as in `NeuralIPCA`.

    Returns
    -------
    Figure

    References
    ----------
    Gu, Kelly, Xiu (2021), Figure 2.
    """
    by_network = as_choice("factors", factors, ("weights", "regression")) == "weights"
    height = 52 if by_network else 48
    figure, axes = plt.subplots(figsize=(WIDTH, height / 10))
    axes.set(aspect="equal", xlim=(-0.5, 69.5), ylim=(height, 0))  # a unit is a tenth of an inch
    axes.axis("off")
    _beta_half(axes)
    if by_network:
        _factor_network(axes)
    else:
        _regression_of_the_date(axes)
    _strip(axes, 46, FACTORS, 3, "?")
    _write(axes, 49, FACTORS - 2.6, r"$\mathbf{F}^{(d)}$", fontsize=13)
    _write(axes, 49, FACTORS + 2.6, r"$n_{factors}$")
    _dot(axes)
    _strip(axes, 4, height - 1.6, 1, "given")
    _write(axes, 6.8, height - 1.6, "given", ha="left")
    _write(axes, 14, height - 1.6, "?", **QUESTION)
    _write(axes, 15.5, height - 1.6, "to solve for", ha="left")
    _units(axes, 28, [height - 1.6], "bent")
    _write(axes, 29.8, height - 1.6, r"a unit with its activation $g$: below 0 becomes 0", ha="left")
    if title:
        axes.set_title(title)
    return figure


@in_style
def draw_network(model: Any, title: str | None = None) -> Figure:
    """The picture of a Keras model, read from the model itself: its layers, their output shapes and numbers of weights.

    Parameters
    ----------
    model : keras.Model
        A functional or sequential model.
    title : str, optional

    Returns
    -------
    Figure
    """
    if not hasattr(model, "get_config") or not getattr(model, "layers", None):
        raise TypeError(f"model must be a built keras.Model; a {type(model).__name__} was given.")
    layers = {layer.name: layer for layer in model.layers}
    serialised = {config.get("name"): config.get("inbound_nodes") for config in model.get_config()["layers"]}
    parents: dict[str, list[str]] = {}
    for name, last in zip(layers, [None, *layers], strict=False):
        nodes = serialised.get(name)  # a Sequential model does not say that each layer reads the last
        parents[name] = _parents(nodes) if nodes is not None else [last] * (last is not None)
    depth: dict[str, int] = {}
    for name in layers:  # Keras lists every layer after the layers it reads
        depth[name] = 1 + max((depth[parent] for parent in parents[name]), default=-1)
    for name in reversed(list(layers)):  # an input stands just above its first reader
        readers = [depth[child] for child in layers if name in parents[child]]
        if readers and not parents[name]:
            depth[name] = min(readers) - 1
    place = _places(layers, parents, depth)

    deepest = max(depth.values())
    figure, axes = plt.subplots(figsize=(WIDTH, 0.98 * (deepest + 1) + 0.4))
    columns = max(column for column, _ in place.values()) + 1
    axes.set(xlim=(-0.55, columns - 0.45), ylim=(deepest + 0.55, -0.55))
    axes.axis("off")
    for name, (x, y) in place.items():
        layer = layers[name]
        kind, shape = type(layer).__name__, tuple(layer.output.shape[1:])
        activation = getattr(getattr(layer, "activation", None), "__name__", "")
        weights = f"{layer.count_params():,} weights" if layer.count_params() else "no weights"
        words = f"{kind}{f' ({activation})' if activation else ''}\noutput {shape}, {weights}"
        fill = EMPTY if parents[name] else GIVEN
        axes.add_patch(FancyBboxPatch((x - 0.42, y - 0.32), 0.84, 0.64, boxstyle="round,pad=0.02", fc=fill, ec=INK))
        axes.text(x, y - 0.19, name, ha="center", va="center", weight="bold")
        axes.text(x, y + 0.12, words, ha="center", va="center", fontsize=9)
        for parent in parents[name]:
            start_x, start_y = place[parent]
            axes.annotate("", (x, y - 0.34), (start_x, start_y + 0.34), arrowprops={"arrowstyle": "-|>", "color": INK})
    if title:
        axes.set_title(title)
    return figure


def _parents(inbound_nodes):
    """The names of the layers that a layer reads, from its serialised call."""
    if isinstance(inbound_nodes, dict):
        history = inbound_nodes.get("keras_history")
        return [history[0]] if history else [name for part in inbound_nodes.values() for name in _parents(part)]
    if isinstance(inbound_nodes, (list, tuple)):
        return [name for part in inbound_nodes for name in _parents(part)]
    return []


def _places(layers, parents, depth):
    """A column and a row for each layer.

    Every input opens a column, which its readers continue; a layer that joins two stands between them.
    """
    column: dict[str, float] = {}
    for name in layers:
        above = [column[parent] for parent in parents[name]]
        column[name] = float(np.mean(above)) if above else float(sum(not parents[other] for other in column))
    return {name: (column[name], depth[name]) for name in layers}


def _beta_half(axes):
    """One row of characteristics for each ticker, the network that all rows pass through, and the rows of β."""
    _rows(axes, 4, 0, 5, "given")
    _write(axes, 9, ROWS[0] - 2.6, r"$\mathbf{X}^{(d)}$", fontsize=13)
    _write(axes, 9, ROWS[-1] + 2.4, r"$n_{tickers} \times n_{chars}$")
    _box(axes, 19.5, 1.4, 22, 23.4, "Beta network")
    columns = (22.6, 30.5, 38.4)
    heights = [_heights(MIDDLE, n) for n in (5, 6, 3)]
    for here in (0, 1):
        _weights(axes, columns[here], heights[here], columns[here + 1], heights[here + 1])
    for x, ys, kind in zip(columns, heights, ("given", "bent", "out"), strict=True):
        _units(axes, x, ys, kind)
    words = r"inputs," "\n" r"$n_{chars}$", "hidden layer,\nactivation $g$", r"linear," "\n" r"$n_{factors}$"
    for x, said in zip(columns, words, strict=True):
        _write(axes, x, 20.9, said, va="top", fontsize=8.5)
    for row in ROWS:
        axes.plot([14.3, 17.6], [row, MIDDLE], color=INK, lw=0.8)
        axes.annotate("", (45.9, row), (43.0, MIDDLE), arrowprops=ARROW | {"lw": 0.8})
    axes.annotate("", (21.3, MIDDLE), (17.6, MIDDLE), arrowprops=ARROW)
    axes.plot([39.5, 43.0], [MIDDLE, MIDDLE], color=INK, lw=1.1)
    _write(axes, 30.5, 27.0, "one row at a time,\nthe same weights for every row", fontsize=8.5)
    _rows(axes, 46, 0, 3, "?", names=False)
    _write(axes, 49, ROWS[0] - 2.6, r"$\beta^{(d)}$", fontsize=13)
    _write(axes, 49, ROWS[-1] + 2.4, r"$n_{tickers} \times n_{factors}$")


def _factor_network(axes):
    """The two series that the Factor network may read, one or the other, and its one linear layer."""
    for y, name, above, dashes in (
        (FACTORS - 3.4, r"portfolios $\mathbf{x}^{(d)}$", -2.5, "-"),
        (FACTORS + 3.4, r"returns $\mathbf{r}^{(d)}$ of all tickers", 2.5, (0, (4, 2))),
    ):
        _strip(axes, 4, y, 5, "given")
        _write(axes, 9, y + above, name)
        axes.plot([14.3, 17.6], [y, FACTORS], color=INK, lw=1.1, ls=dashes)
    _write(axes, 9, FACTORS, "or", style="italic")
    _box(axes, 19.5, FACTORS - 8.2, 22, 17.6, "Factor network")
    inputs, outputs = _heights(FACTORS, 4), _heights(FACTORS, 3)
    _weights(axes, 25, inputs, 36, outputs)
    _units(axes, 25, inputs, "given")
    _units(axes, 36, outputs, "out")
    _write(axes, 25, FACTORS + 5.5, "inputs,\n$n_{inputs}$", va="top", fontsize=8.5)
    _write(axes, 36, FACTORS + 5.5, "linear,\n$n_{factors}$", va="top", fontsize=8.5)
    axes.annotate("", (23.8, FACTORS), (17.6, FACTORS), arrowprops=ARROW)
    axes.annotate("", (45.8, FACTORS), (37.1, FACTORS), arrowprops=ARROW)


def _regression_of_the_date(axes):
    """The returns of the date, regressed on the β of the date."""
    _strip(axes, 4, FACTORS, 5, "given")
    _write(axes, 9, FACTORS + 2.6, r"returns $\mathbf{r}^{(d)}$ of all tickers")
    axes.annotate("", (19.3, FACTORS), (14.3, FACTORS), arrowprops=ARROW)
    _box(axes, 19.5, FACTORS - 4.6, 22, 9.2, "Regression of the date")
    formula = r"$\mathbf{F}^{(d)} = (\beta^T\beta)^{-1}\,\beta^T\,\mathbf{r}^{(d)}$"
    _write(axes, 30.5, FACTORS + 0.6, formula, fontsize=12)
    axes.annotate("", (45.8, FACTORS), (41.7, FACTORS), arrowprops=ARROW)
    axes.annotate("", (38.6, FACTORS - 4.8), (44.6, ROWS[-1] + 4.2), arrowprops=ARROW)


def _dot(axes):
    """β and F meet, and the rows of r̂ come out."""
    y = 26
    for row in ROWS:
        axes.plot([52.2, 54.2], [row, MIDDLE], color=INK, lw=0.8)
    axes.annotate("", (57.4, y - 2.0), (54.2, MIDDLE), arrowprops=ARROW)
    axes.annotate("", (57.4, y + 2.0), (52.4, FACTORS), arrowprops=ARROW)
    axes.add_patch(Circle((58.5, y), 2.2, fc="white", ec=INK, lw=1.2))
    _write(axes, 58.5, y, "Dot", weight="bold")
    axes.annotate("", (64.2, y), (60.8, y), arrowprops=ARROW)
    down = y - MIDDLE
    _rows(axes, 64.5, down, 1, "out", names=False)
    _write(axes, 65.5, down + ROWS[0] - 2.8, r"$\hat{\mathbf{r}}^{(d)}$", fontsize=13)
    _write(axes, 65.5, down + ROWS[-1] + 2.4, r"$n_{tickers}$")
    _write(axes, 62.0, FACTORS + 2.6, r"$\hat{\mathbf{r}}_s^{(d)} = \beta_s^{(d)} \cdot \mathbf{F}^{(d)}$", fontsize=11)


def _box(axes, x, y, width, height, name):
    """A network's frame, its name inside at the top."""
    look: dict[str, Any] = {
        "boxstyle": "round,pad=0,rounding_size=1.2",
        "fc": "#FAFAFA",
        "ec": INK,
        "lw": 1.2,
        "zorder": 1,
    }
    axes.add_patch(FancyBboxPatch((x, y), width, height, **look))
    _write(axes, x + width / 2, y + 1.5, name, weight="bold")


def _units(axes, x, heights, kind):
    """A layer of units, each a circle: given ones shaded, those that bend with the bend of a ReLU inside."""
    for y in heights:
        fill = GIVEN if kind == "given" else "white"
        axes.add_patch(Circle((x, y), 1.05, fc=fill, ec=INK, lw=1.0, zorder=3))
        if kind == "bent":
            axes.plot([x - 0.65, x, x + 0.55], [y + 0.35, y + 0.35, y - 0.55], color=VERMILLION, lw=1.6, zorder=4)


def _heights(middle, n):
    """Where the n units of a layer stand."""
    return middle + 2.6 * (np.arange(n) - (n - 1) / 2)


def _weights(axes, left, from_heights, right, to_heights):
    """A line for each weight between two layers."""
    for a in from_heights:
        for b in to_heights:
            axes.plot([left, right], [a, b], color="#BBBBBB", lw=0.6, zorder=2)


def _rows(axes, x, y, n, state, names=True):
    """The rows of a matrix, one for each ticker: the first three, dots, the last."""
    for row in ROWS:
        _strip(axes, x, y + row, n, state)
    _write(axes, x + n, y + (ROWS[-2] + ROWS[-1]) / 2, r"$\vdots$", fontsize=12)
    if names:
        for row, name in zip(ROWS, ("$s = 1$", "$2$", "$3$", "$n_{tickers}$"), strict=True):
            _write(axes, x - 0.6, y + row, name, ha="right", fontsize=8.5)


def _strip(axes, x, y, n, state):
    """One row of n cells around the height y: shaded if given, question marks if solved for."""
    for j in range(n):
        axes.add_patch(
            Rectangle((x + 2 * j, y - 1), 2, 2, fc=GIVEN if state == "given" else "white", ec="#BBBBBB", lw=0.6)
        )
        if state == "?":
            _write(axes, x + 2 * j + 1, y + 0.1, "?", **QUESTION)
    axes.add_patch(Rectangle((x, y - 1), 2 * n, 2, fill=False, ec=INK, lw=1.2))


def _write(axes, x, y, words, **look):
    axes.text(x, y, words, **{"ha": "center", "va": "center", "fontsize": 9.5} | look)
