"""Networks as pictures: units and weights of an autoencoder, layers of any Keras model."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from helpers.checks import as_count
from helpers.plotting.style import EMPTY, GIVEN, INK, ORANGE, WIDTH, in_style


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
        axes.add_patch(
            FancyBboxPatch((x - 0.42, y - 0.32), 0.84, 0.64, boxstyle="round,pad=0.02", fc=fill, ec=INK)
        )
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
