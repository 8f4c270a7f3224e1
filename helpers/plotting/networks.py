"""Networks and folds as pictures."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import MaxNLocator

from helpers.checks import as_count
from helpers.plotting.matrices import _matrix
from helpers.plotting.style import BLUE, EMPTY, GIVEN, GREY, INK, ORANGE, WIDTH, in_style

# The parts of a fold in time order.
FOLD_PARTS = {
    "training": {"facecolor": GIVEN},
    "left out": {"facecolor": "white", "hatch": "xxxxx", "hatchcolor": GREY},
    "validation": {"facecolor": ORANGE, "hatch": "////", "hatchcolor": "white"},
    "test": {"facecolor": BLUE, "hatch": "....", "hatchcolor": "white"},
}


@in_style
def draw_autoencoder(sizes=(8, 3, 8), title=None):
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
def draw_conditional_autoencoder(title=None):
    """The picture of the conditional autoencoder at one date: two networks, and the dot product of what they say.

    Returns
    -------
    Figure
    """
    n_tickers, n_chars, n_factors, chosen = 6, 5, 3, 2
    figure, axes = plt.subplots(figsize=(WIDTH, 3.9))
    axes.set(aspect="equal", xlim=(-1.0, 21.6), ylim=(12.4, -1.4))
    axes.axis("off")
    everything, one_row = (slice(None), slice(None)), (chosen, slice(None))

    def matrix(corner, shape, name, size, state, selected=everything):
        _matrix(axes, corner, shape, name, size, state, selected, above=0.25)

    def arrow(start, stop, words):
        axes.annotate("", stop, start, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.2})
        axes.text((start[0] + stop[0]) / 2, start[1] - 0.3, words, ha="center", va="bottom", fontsize=9)

    matrix((0, 0), (n_tickers, n_chars), r"$\mathbf{X}^{(d)}$", r"$n_{tickers} \times n_{chars}$", "given", one_row)
    axes.text(-0.3, chosen + 0.5, "s", style="italic", fontsize=12, ha="right", va="center")
    arrow((5.3, chosen + 0.5), (9.7, chosen + 0.5), "Beta network")
    axes.text(7.5, chosen + 0.8, "the same weights\nfor every ticker", ha="center", va="top", fontsize=9)
    matrix((10, 0), (n_tickers, n_factors), r"$\beta^{(d)}$", r"$n_{tickers} \times n_{factors}$", "?", one_row)
    matrix((-0.5, 10), (1, n_tickers), r"$\mathbf{R}^{(d)}$", "one row: one date\n(or portfolios)", "given")
    arrow((5.8, 10.5), (9.7, 10.5), "Factor network")
    axes.text(7.75, 10.8, "linear", ha="center", va="top", fontsize=9)
    matrix((10, 10), (1, n_factors), r"$\mathbf{F}^{(d)}$", r"$n_{factors}$", "?")
    axes.annotate("", (16.0, 5.4), (13.3, chosen + 0.5), arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.2})
    axes.annotate("", (16.0, 6.6), (13.3, 10.5), arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.2})
    axes.add_patch(FancyBboxPatch((16.1, 5.2), 1.6, 1.6, boxstyle="round,pad=0.1", fc="white", ec=INK, lw=1.2))
    axes.text(16.9, 6.0, "Dot", ha="center", va="center", fontsize=9)
    axes.annotate("", (19.4, 6.0), (17.9, 6.0), arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.2})
    _matrix(
        axes,
        (19.6, 3),
        (n_tickers, 1),
        r"$\hat{\mathbf{r}}^{(d)}$",
        r"$n_{tickers}$",
        "out",
        (slice(chosen, chosen + 1), 0),
        above=0.25,
    )
    if title:
        axes.set_title(title)
    return figure


@in_style
def draw_instrumented_pca(title=None):
    """The picture of instrumented PCA at one date: characteristics times Γ are the sensitivities, and Γ is the same at every date.

        r^(d) ≈ Z^(d) Γ F^(d)

    Returns
    -------
    Figure
    """
    n_tickers, n_chars, n_factors = 6, 5, 3
    everything = (slice(None), slice(None))
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    axes.set(aspect="equal", xlim=(-1.4, 20.6), ylim=(10.4, -2.2))
    axes.axis("off")

    def matrix(x, shape, name, size, state, by_date=True):
        y = (n_tickers - shape[0]) / 2
        for step in (2, 1) if by_date else ():
            axes.add_patch(Rectangle((x + 0.3 * step, y - 0.3 * step), shape[1], shape[0], fc="white", ec=GREY, lw=0.8))
        _matrix(axes, (x, y), shape, name, size, state, everything, above=0.8 if by_date else 0.25)

    def sign(x, words):
        axes.text(x, n_tickers / 2, words, ha="center", va="center", fontsize=18)

    matrix(0, (n_tickers, 1), r"$\mathbf{r}^{(d)}$", r"$n_{tickers}$", "given")
    sign(2.7, r"$\approx$")
    matrix(4, (n_tickers, n_chars), r"$\mathbf{Z}^{(d)}$", r"$n_{tickers} \times n_{chars}$", "given")
    sign(10.4, r"$\cdot$")
    matrix(11.4, (n_chars, n_factors), r"$\Gamma$", r"$n_{chars} \times n_{factors}$", "?", by_date=False)
    sign(15.5, r"$\cdot$")
    matrix(16.6, (n_factors, 1), r"$\mathbf{F}^{(d)}$", r"$n_{factors}$", "?")
    below = n_tickers + 1.65
    axes.plot([4, 4, 14.4, 14.4], [below - 0.35, below, below, below - 0.35], color=INK, lw=1.0)
    axes.text(9.2, below + 0.25, r"$\beta^{(d)} : n_{tickers} \times n_{factors}$", ha="center", va="top")
    axes.add_patch(Rectangle((0, 9.2), 0.8, 0.8, fc=GIVEN, ec=INK, lw=0.8))
    axes.text(1.1, 9.6, "given", va="center")
    axes.text(3.9, 9.6, "?", va="center", weight="bold", fontsize=12, color="#A84300")
    axes.text(4.6, 9.6, "to solve for", va="center")
    axes.text(9.2, 9.6, "sheets behind: one for each date", va="center")
    if title:
        axes.set_title(title)
    return figure


@in_style
def draw_network(model, title=None):
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
    parents = {}
    for name, last in zip(
        layers, [None, *layers], strict=False
    ):  # a Sequential model does not say that each layer reads the last
        nodes = serialised.get(name)
        parents[name] = _parents(nodes) if nodes is not None else [last] * (last is not None)
    depth = {}
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
        axes.add_patch(
            FancyBboxPatch(
                (x - 0.42, y - 0.32), 0.84, 0.64, boxstyle="round,pad=0.02", fc=EMPTY if parents[name] else GIVEN, ec=INK
            )
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
    """A column and a row for each layer: every input opens a column, which its readers continue; a layer that joins stands between."""
    column = {}
    for name in layers:
        above = [column[parent] for parent in parents[name]]
        column[name] = float(np.mean(above)) if above else float(sum(not parents[other] for other in column))
    return {name: (column[name], depth[name]) for name in layers}


@in_style
def draw_folds(splitter, dates, title=None):
    """One row for each fold, the oldest on top: the dates that it trains on, leaves out, validates on, and tests.

    Parameters
    ----------
    splitter : WalkForward
    dates : sequence or int
        The dates, such as `panel.dates`, or how many there are.
    title : str, optional

    Returns
    -------
    Figure
    """
    if not hasattr(splitter, "slices"):
        raise TypeError(f"splitter must be a WalkForward; a {type(splitter).__name__} was given.")
    dates = pd.RangeIndex(as_count("dates", dates)) if np.ndim(dates) == 0 else pd.Index(dates)
    folds, words = splitter.slices(len(dates)), dates.astype(str)
    if len(folds) > 40:
        raise ValueError(f"{len(folds)} folds cannot be told apart. Pass fewer dates, such as dates[:n], or raise n_test.")
    figure, axes = plt.subplots(figsize=(WIDTH, 1.2 + 0.24 * len(folds)))
    drawn = {}
    for k, fold in enumerate(folds):
        for name, start, stop in _fold_parts(fold):
            look = FOLD_PARTS[name] | {"edgecolor": INK, "lw": 0.7}
            drawn[name] = axes.barh(k, stop - start, left=start - 0.5, height=0.74, **look)
    shown = [name for name in FOLD_PARTS if name in drawn]
    figure.legend([drawn[name] for name in shown], shown, loc="outside lower center", ncols=4)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.xaxis.set_major_formatter(lambda d, _: words[int(d)] if 0 <= d < len(words) else "")
    axes.set_yticks(range(0, len(folds), 1 if len(folds) <= 12 else 5))
    axes.set(xlabel="date", ylabel="fold", title=title, xlim=(-0.5, len(dates) - 0.5), ylim=(len(folds) - 0.5, -0.5))
    axes.grid(False)
    return figure


def _fold_parts(fold):
    """The parts of a fold in time order, what is left out between them among them: (name, start, stop)."""
    known = [("training", fold.train), ("validation", fold.validation), ("test", fold.test)]
    known = [(name, part) for name, part in known if part is not None]
    end = known[0][1].start
    for name, part in known:
        if end < part.start:
            yield "left out", end, part.start
        yield name, part.start, part.stop
        end = part.stop
