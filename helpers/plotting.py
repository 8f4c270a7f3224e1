"""The pictures of the course. Every function returns a Figure and shows nothing by itself.

In all of them the truth is a black dashed line, the estimate blue, the second model vermillion, and data points grey.
"""

from functools import wraps

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import MaxNLocator

from helpers.checks import as_array, as_choice, as_count, as_positive

# Okabe and Ito's palette: told apart by readers with any colour vision.
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#999999"
INK, GIVEN, EMPTY = "#222222", "#A9D3F0", "#F4F4F4"
LINES = ((BLUE, "-"), (VERMILLION, "-."), (GREEN, ":"), (PURPLE, (0, (5, 1))), (ORANGE, (0, (1, 1))))
STYLE = {
    "figure.dpi": 110,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "text.color": INK,
    "axes.labelcolor": INK,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
WIDTH = 7  # inches
WHITE_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # behind text that stands on colours
# The parts of a fold in time order.
FOLD_PARTS = {
    "training": {"facecolor": GIVEN},
    "left out": {"facecolor": "white", "hatch": "xxxxx", "hatchcolor": GREY},
    "validation": {"facecolor": ORANGE, "hatch": "////", "hatchcolor": "white"},
    "test": {"facecolor": BLUE, "hatch": "....", "hatchcolor": "white"},
}


def _figure(draw):
    """A function that draws in the course's style, closes its figure, and hands it back to be shown once."""

    @wraps(draw)
    def styled(*args, **kwargs):
        before = set(plt.get_fignums())
        try:
            with plt.rc_context(STYLE):
                figure = draw(*args, **kwargs)
                figure.get_layout_engine().execute(figure)  # places the labels while the style holds
                figure.set_layout_engine("none")  # to look for places once more would take as long as the drawing
        finally:
            for number in set(plt.get_fignums()) - before:
                plt.close(number)
        return figure

    return styled


# ---------------------------------------------------------------------------------------------------- the equation as a picture


@_figure
def draw_factor_model(given=None, ticker=None, date=None, title=None, tickers=("AAPL", "MSFT", "JPM", "XOM", "KO", "GE")):
    """The picture of R ≈ F βᵀ: which part is given (shaded), which is solved for (question marks).

    Parameters
    ----------
    given : {None, "F", "beta", "beta by date", "characteristics"}
        What is known besides R. None is PCA; "F" needs a ticker; the others need a date.
    ticker : int, optional
        The selected column of R: the regression across dates. With a date too, the ticker whose return is singled out.
    date : int, optional
        The selected row of R, from 0 to 7: the regression across tickers.
    title : str, optional
    tickers : sequence of str
        The columns' names.

    Returns
    -------
    Figure
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.5))
    _factor_model(axes, given, ticker, date, title, tickers)
    return figure


@_figure
def draw_course():
    """The course in one picture: the same equation four times, each time with something else given.

    Returns
    -------
    Figure
    """
    figure, panels = plt.subplots(2, 2, figsize=(2 * WIDTH, 7.4))
    tickers = ("AAPL", "MSFT", "JPM", "XOM", "KO", "GE")
    _factor_model(panels[0, 0], "F", 0, None, "1  Factors given: solve for β, one ticker at a time", tickers)
    _factor_model(panels[0, 1], "beta", None, 4, "2  Sensitivities given: solve for F, one date at a time", tickers)
    _factor_model(panels[1, 0], None, None, None, "3  Nothing given: solve for both (PCA)", tickers)
    _factor_model(panels[1, 1], "characteristics", None, 4, "4  Characteristics given: both, and β changes with time", tickers)
    return figure


def _factor_model(axes, given, ticker, date, title, tickers):
    """One picture of R ≈ F βᵀ on the axes."""
    as_choice("given", given, (None, "F", "beta", "beta by date", "characteristics"))
    n_dates, n_tickers, n_factors = 8, len(tickers), 3
    if given == "F":
        ticker = as_count("ticker", ticker, at_least=0, at_most=n_tickers - 1, why="given='F' selects one column of R.")
    elif given is not None:
        date = as_count("date", date, at_least=0, at_most=n_dates - 1, why=f"given={given!r} selects one row of R.")
        if ticker is not None:
            ticker = as_count("ticker", ticker, at_least=0, at_most=n_tickers - 1)
    everything = (slice(None), slice(None))
    row, column = (date, slice(None)), (slice(None), ticker)
    known = {None: everything, "F": column}.get(given, row)
    factors = {None: ("?", everything), "F": ("given", everything)}.get(given, ("?", row))
    betas = {None: "?", "F": "?", "characteristics": "?"}.get(given, "given")
    by_date = given in ("beta by date", "characteristics")

    axes.set(aspect="equal", xlim=(-3.2, 22.4), ylim=(n_dates + 2.6, -2.8))
    axes.axis("off")
    left = 0
    _matrix(axes, (left, 0), (n_dates, n_tickers), r"$\mathbf{R}$", r"$n_{dates} \times n_{tickers}$", "given", known)
    for s, name in enumerate(tickers):
        axes.text(left + s + 0.5, -0.2, name, ha="left", va="bottom", rotation=50, fontsize=9)
    axes.text(-1.2, n_dates / 2, "dates", rotation=90, ha="right", va="center")
    if date is not None:
        axes.text(-0.3, date + 0.5, "d", ha="right", va="center", style="italic", fontsize=12)
    left += n_tickers + 0.9
    axes.text(left, n_dates / 2, r"$\approx$", ha="center", va="center", fontsize=18)
    left += 0.9
    _matrix(axes, (left, 0), (n_dates, n_factors), r"$\mathbf{F}$", r"$n_{dates} \times n_{factors}$", *factors, above=0.25)
    left += n_factors + 0.9
    axes.text(left, n_dates / 2, r"$\cdot$", ha="center", va="center", fontsize=22)
    left += 0.9
    top = (n_dates - n_factors) / 2
    if by_date:
        for step in (2, 1):
            axes.add_patch(Rectangle((left + 0.35 * step, top - 0.35 * step), n_tickers, n_factors, fc="white", ec=GREY, lw=0.8))
    name = r"$\beta^{(d)\,T}$" if by_date else r"$\beta^{\,T}$"
    note = "one for each date" if by_date else "the same at every date"
    size = r"$n_{factors} \times n_{tickers}$" + f"\n{note}"
    _matrix(
        axes,
        (left, top),
        (n_factors, n_tickers),
        name,
        size,
        betas,
        column if given == "F" else everything,
        above=0.9 if by_date else 0.25,
    )
    if date is not None and ticker is not None:
        for x, y, height in ((ticker, date, 1), (left + ticker, top, n_factors)):
            axes.add_patch(Rectangle((x, y), 1, height, fill=False, ec=VERMILLION, lw=2.2, ls=(0, (3, 1)), zorder=3))
        words = rf"dashed: $\hat{{r}}_{{{tickers[ticker]}}}^{{(d)}} = \beta_{{{tickers[ticker]}}} \cdot \mathbf{{F}}^{{(d)}}$"
        axes.text(left + n_tickers / 2, n_dates + 2.15, words, ha="center", va="center")
    if given == "characteristics":
        axes.annotate(
            "",
            (left + n_tickers / 2, top + n_factors + 2.15),
            (left + n_tickers / 2, top + n_factors + 3.0),
            arrowprops={"arrowstyle": "->", "color": INK},
        )
        axes.text(
            left + n_tickers / 2, top + n_factors + 3.1, r"characteristics $\mathbf{X}^{(d)}$ (given)", ha="center", va="top"
        )
    axes.add_patch(Rectangle((-2.9, n_dates + 1.75), 0.8, 0.8, fc=GIVEN, ec=INK, lw=0.8))
    axes.text(-1.8, n_dates + 2.15, "given", va="center")
    axes.text(1.0, n_dates + 2.15, "?", va="center", weight="bold", fontsize=12, color="#A84300")
    axes.text(1.7, n_dates + 2.15, "to solve for", va="center")
    if title:
        axes.set_title(title)


def _matrix(axes, corner, shape, name, size, state, selected, above=None):
    """One matrix: its selected cells shaded if given, or holding a question mark if solved for; its name above, its size below."""
    x, y = corner
    chosen = np.zeros(shape, dtype=bool)
    chosen[selected] = True
    for i, j in np.ndindex(shape):
        fill = GIVEN if chosen[i, j] and state == "given" else "white" if chosen[i, j] else EMPTY
        axes.add_patch(Rectangle((x + j, y + i), 1, 1, fc=fill, ec="#BBBBBB", lw=0.6))
        if chosen[i, j] and state == "?":
            axes.text(x + j + 0.5, y + i + 0.53, "?", ha="center", va="center", weight="bold", color="#A84300")
    rows, columns = np.nonzero(chosen)
    axes.add_patch(
        Rectangle((x + columns.min(), y + rows.min()), np.ptp(columns) + 1, np.ptp(rows) + 1, fill=False, ec=INK, lw=1.6)
    )
    label_x = x + shape[1] / 2
    if above is None:  # R: its columns carry the tickers' names, so its own name stands to the left of them
        axes.text(x - 0.6, y - 0.5, name, ha="right", va="bottom", fontsize=14)
    else:
        axes.text(label_x, y - above, name, ha="center", va="bottom", fontsize=14)
    axes.text(label_x, y + shape[0] + 0.25, size, ha="center", va="top", fontsize=9.5)


@_figure
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


@_figure
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


@_figure
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


@_figure
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


@_figure
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


# ------------------------------------------------------------------------------------------------------------- data and estimates


@_figure
def plot_estimates(truth, estimates, names=None, title=None, xlabel="true β", ylabel="estimated β"):
    """The estimates against the truth, one panel per column; on the dashed line they agree.

    Parameters
    ----------
    truth, estimates : (n, n_columns)
    names : sequence of str, optional
        One for each column.
    title, xlabel, ylabel : str, optional

    Returns
    -------
    Figure
    """
    truth = as_array("truth", truth, ("n", "n_columns"))
    estimates = as_array("estimates", estimates, ("n", "n_columns"), sizes={"n": truth.shape[0], "n_columns": truth.shape[1]})
    if names is not None and len(names) != truth.shape[1]:
        raise ValueError(f"names must have {truth.shape[1]} entries, one for each column; {len(names)} were given.")
    figure, panels = plt.subplots(1, truth.shape[1], figsize=(WIDTH, 2.9), squeeze=False)
    low, high = np.minimum(truth, estimates).min(axis=0), np.maximum(truth, estimates).max(axis=0)
    reach = 0.55 * (high - low).max() or 1.0  # the same in every panel, so that distances from the line can be compared
    for j, axes in enumerate(panels[0]):
        axes.scatter(truth[:, j], estimates[:, j], s=14, color=BLUE, alpha=0.7, linewidth=0)
        ends = (low[j] + high[j]) / 2 + reach * np.array([-1, 1])
        axes.plot(ends, ends, "--", color="black", lw=1.2)
        axes.set(xlabel=xlabel, xlim=ends, ylim=ends)
        if names is not None:
            axes.text(0.04, 0.96, names[j], transform=axes.transAxes, va="top", weight="bold")
    panels[0, 0].set_ylabel(ylabel)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


@_figure
def plot_regression_line(x, y, alpha, beta, title=None, xlabel="factor, % per month", ylabel="ticker, % per month", truth=None):
    """One ticker's returns against one factor, with the fitted line α + β F and, if given, the true one dashed.

    Parameters
    ----------
    x, y : (n_dates,)
        The factor and the ticker, in fractions per period; drawn in percent.
    alpha, beta : float
        Of the fitted line.
    title, xlabel, ylabel : str, optional
    truth : (float, float), optional
        True α and β.

    Returns
    -------
    Figure
    """
    x = as_array("x", x, ("n_dates",))
    y = as_array("y", y, ("n_dates",), missing=True, sizes={"n_dates": len(x)})
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    axes.scatter(100 * x, 100 * y, s=14, color=GREY, linewidth=0)
    ends = np.array([x.min(), x.max()])
    axes.plot(100 * ends, 100 * (alpha + beta * ends), color=BLUE, lw=2, label=f"fitted: β = {beta:.2f}")
    if truth is not None:
        axes.plot(100 * ends, 100 * (truth[0] + truth[1] * ends), "--", color="black", lw=1.4, label=f"true: β = {truth[1]:.2f}")
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.legend(loc="upper left")
    return figure


@_figure
def plot_cross_section(
    betas, returns, factor, truth=None, title=None, xlabel="β to the market", ylabel="rest of the return, %", reach=None
):
    """One date: a point for each ticker, and the line through the origin whose slope is the factor's return; the true one dashed.

    Parameters
    ----------
    betas : (n_tickers,)
        Each ticker's sensitivity to the factor.
    returns : (n_tickers,)
        Of the date, in fractions; drawn in percent. NaN where there is none.
    factor : float
        The estimated return of the factor on that date.
    truth : float, optional
        Its true return.
    title, xlabel, ylabel : str, optional
    reach : float, optional
        How far the vertical axis goes to both sides of 0, a fraction; the same at every date, slopes can be compared.

    Returns
    -------
    Figure
    """
    betas = as_array("betas", betas, ("n_tickers",))
    returns = as_array("returns", returns, ("n_tickers",), missing=True, sizes={"n_tickers": len(betas)})
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    axes.axhline(0, color=INK, lw=0.6)
    axes.scatter(betas, 100 * returns, s=14, color=GREY, linewidth=0)
    ends = np.array([min(0, betas.min()), max(0, betas.max())])
    axes.plot(ends, 100 * factor * ends, color=BLUE, lw=2, label=f"fitted: F = {100 * factor:.1f} %")
    if truth is not None:
        axes.plot(ends, 100 * truth * ends, "--", color="black", lw=1.4, label=f"true: F = {100 * truth:.1f} %")
    if reach is not None:
        reach = 100 * as_positive("reach", reach)
        axes.set_ylim(-reach, reach)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.legend(loc="upper left")
    return figure


@_figure
def plot_lines(x, lines, title=None, xlabel=None, ylabel=None, truth=None, zero=False, log=False):
    """One line for each series, named at its end; the true one dashed.

    Parameters
    ----------
    x : (n,)
        Dates or numbers.
    lines : dict of str to (n,)
    title, xlabel, ylabel : str, optional
    truth : (n,), optional
    zero : bool
        Whether a thin line marks 0.
    log : bool
        Whether the vertical axis is logarithmic.

    Returns
    -------
    Figure
    """
    if not lines or len(lines) > len(LINES):
        raise ValueError(f"lines must hold 1 to {len(LINES)} series; {len(lines)} were given. Draw them in two figures.")
    figure, axes = plt.subplots(figsize=(WIDTH, 3.0))
    drawn = [
        (name, np.asarray(values), {"color": colour, "ls": style, "lw": 1.6})
        for (name, values), (colour, style) in zip(lines.items(), LINES, strict=False)
    ]
    if truth is not None:
        drawn.append(("truth", np.asarray(truth), {"color": "black", "ls": "--", "lw": 1.4}))
    for name, values, look in drawn:
        if len(values) != len(x):
            raise ValueError(f"lines[{name!r}] has {len(values)} values, and x has {len(x)}. Pass as many of both.")
        axes.plot(x, values, label=name, **look)
    if zero:
        axes.axhline(0, color=INK, lw=0.6)
    if log:
        axes.set_yscale("log")
    if np.asarray(x).dtype.kind in "iu":
        axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if len(drawn) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0, handlelength=2.6)
    return figure


@_figure
def plot_bars(values, title=None, xlabel="total R², %", ceiling=None, percent=True):
    """One bar for each value with its number beside it, and the ceiling that the truth itself reaches as a dashed line.

    Parameters
    ----------
    values : dict of str to float
    title, xlabel : str, optional
    ceiling : float, optional
        In the units of values.
    percent : bool
        Whether values are fractions to be drawn in percent.

    Returns
    -------
    Figure
    """
    if not values:
        raise ValueError("values is empty: pass a dict with at least one name and its value.")
    scale = 100 if percent else 1
    figure, axes = plt.subplots(figsize=(WIDTH, 0.75 + 0.42 * len(values)))
    numbers = scale * np.array(list(values.values()), dtype=float)
    bars = axes.barh(list(values), numbers, color=[VERMILLION if number < 0 else BLUE for number in numbers], height=0.6)
    axes.bar_label(bars, [f"{number:.1f}" for number in numbers], padding=4, bbox=WHITE_BOX)
    axes.axvline(0, color=INK, lw=0.8)
    if ceiling is not None:
        axes.axvline(scale * ceiling, ls="--", color="black", lw=1.4)
        axes.text(
            scale * ceiling,
            1.0,
            f"the truth: {scale * ceiling:.1f} ",
            transform=axes.get_xaxis_transform(),
            ha="right",
            va="bottom",
            fontsize=9,
        )
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)
    axes.set(xlabel=xlabel)
    axes.set_title(title, pad=18 if ceiling is not None else None)
    return figure


@_figure
def plot_intervals(estimates, title=None, xlabel=None):
    """A dot for each estimate with its 95 % interval; a thin line marks 0.

    Parameters
    ----------
    estimates : dict of str to (float, float) or (float, float, float)
        Each value and its standard error, two of which are drawn to each side; or each value and the two ends of its interval,
        such as those of `bootstrap_interval`. In the units drawn.
    title, xlabel : str, optional

    Returns
    -------
    Figure
    """
    if not estimates:
        raise ValueError("estimates is empty: pass a dict with at least one name, its value and its standard error.")
    columns = as_array("estimates", list(estimates.values()), ("n", "value and error, or value and two ends")).T
    if len(columns) not in (2, 3):
        raise ValueError(f"Each of estimates must be (value, error) or (value, low, high); {len(columns)} number(s) were given.")
    values = columns[0]
    if len(columns) == 2:
        ends = values - 2 * columns[1], values + 2 * columns[1]
        words = [f"{value:+z.1f} ± {2 * error:.1f}" for value, error in zip(*columns, strict=True)]
    else:
        ends = columns[1:]
        outside = [name for name, (value, low, high) in estimates.items() if not low <= value <= high]
        if outside:
            raise ValueError(f"The interval of {outside[0]!r}, {estimates[outside[0]]}, must hold its value: (value, low, high).")
        words = [f"{value:+z.1f} ({low:z.1f} to {high:z.1f})" for value, low, high in zip(*columns, strict=True)]
    figure, axes = plt.subplots(figsize=(WIDTH, 0.85 + 0.4 * len(values)))
    rows = range(len(values))
    axes.errorbar(values, rows, xerr=(values - ends[0], ends[1] - values), fmt="o", color=BLUE, ms=6, lw=1.8, capsize=4)
    for row, high, word in zip(rows, ends[1], words, strict=True):
        place = {"xytext": (8, 0), "textcoords": "offset points", "va": "center"}
        axes.annotate(word, (high, row), bbox=WHITE_BOX, **place)
    axes.set_yticks(rows, estimates)
    axes.axvline(0, color=INK, lw=0.8)
    axes.invert_yaxis()
    axes.margins(x=0.25, y=0.5 / len(values))
    axes.grid(axis="y", visible=False)
    axes.set(xlabel=xlabel, title=title)
    return figure


@_figure
def plot_histograms(samples, title=None, xlabel=None, bins=20):
    """How often each value occurs, one outline for each sample over the same bins, with its mean as a thin line.

    Parameters
    ----------
    samples : dict of str to (n,)
        One to five samples; NaN are left out. One named "truth" is drawn in black and dashed.
    title, xlabel : str, optional
    bins : int

    Returns
    -------
    Figure
    """
    if not 1 <= len(samples) <= len(LINES):
        raise ValueError(f"samples must hold 1 to {len(LINES)} samples; {len(samples)} were given.")
    samples = {name: as_array(f"samples[{name!r}]", values, ("n",), missing=True) for name, values in samples.items()}
    known = {name: values[~np.isnan(values)] for name, values in samples.items()}
    for name, values in known.items():
        if not len(values):
            raise ValueError(f"The sample {name!r} holds no known value, so there is nothing to draw. Leave it out.")
    edges = np.histogram_bin_edges(np.concatenate(list(known.values())), as_count("bins", bins))
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    looks = dict(zip((name for name in known if name != "truth"), LINES, strict=False), truth=("black", "--"))
    for name, values in known.items():
        color, style = looks[name]
        heights, *_ = axes.hist(
            values, edges, histtype="step", color=color, ls=style, lw=1.8, label=f"{name}, mean {values.mean():.2f}"
        )
        axes.plot([values.mean()] * 2, [0, heights.max()], color=color, ls=style, lw=1)
    axes.axvline(0, color=INK, lw=0.8)
    axes.legend()
    axes.set(xlabel=xlabel, ylabel="how often", title=title)
    return figure


@_figure
def plot_table(table, title=None, ylabel="total R², %"):
    """A small picture for each case and model: R² over the number of factors, ours, the paper's, and the truth's own.

    Parameters
    ----------
    table : DataFrame
        Indexed by (case, model, n_factors), with the columns `ours`, `se`, `truth` and `paper`, in percent; as one measure of
        `helpers.table6.summary`.
    title, ylabel : str, optional

    Returns
    -------
    Figure
    """
    cases, models = (table.index.get_level_values(level).unique() for level in ("case", "model"))
    figure, grid = plt.subplots(
        len(cases), len(models), figsize=(WIDTH + 1, 0.6 + 1.9 * len(cases)), sharex=True, sharey=True, squeeze=False
    )
    for row, case in zip(grid, cases, strict=True):
        row[0].set_ylabel(f"{case}\n{ylabel}")
        for axes, model in zip(row, models, strict=True):
            cell = table.xs((case, model), level=("case", "model"))
            axes.plot(cell.index, cell["truth"], "--", color="black", lw=1.2, label="the truth")
            axes.plot(cell.index, cell["paper"], "s:", color=VERMILLION, ms=4.5, lw=1.2, mfc="white", label="paper")
            axes.errorbar(
                cell.index, cell["ours"], 2 * cell["se"], fmt="o-", color=BLUE, ms=3.5, lw=1.4, label="ours, ± 2 standard errors"
            )
            axes.set_xticks(table.index.get_level_values("n_factors").unique())
    for axes, model in zip(grid[0], models, strict=True):
        axes.set_title(model, loc="center")
    for axes in grid[-1]:
        axes.set_xlabel("K")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(title, x=0.01, ha="left", fontsize=STYLE["axes.titlesize"])
    return figure


@_figure
def plot_shares(shares, n_factors, title=None):
    """The share of the returns' sum of squares that each component explains; those kept are filled.

    Parameters
    ----------
    shares : (n_components,)
        As `PCAFactors.shares_`.
    n_factors : int
        How many are kept.
    title : str, optional

    Returns
    -------
    Figure
    """
    shares = as_array("shares", shares, ("n_components",))
    n_factors = as_count("n_factors", n_factors, at_least=0, at_most=len(shares))
    shown = min(len(shares), 20)
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    looks = [{"color": BLUE} if j < n_factors else {"color": "white", "edgecolor": GREY, "hatch": "//"} for j in range(shown)]
    for j, look in enumerate(looks):
        axes.bar(j + 1, 100 * shares[j], width=0.7, **look)
    axes.text(
        0.98,
        0.95,
        f"filled: the {n_factors} kept, {100 * shares[:n_factors].sum():.1f} % together",
        transform=axes.transAxes,
        ha="right",
        va="top",
    )
    axes.margins(y=0.17)  # room for these words above the highest bar
    axes.set(xlabel="component", ylabel="share of Σ r², %", title=title, xticks=range(1, shown + 1))
    axes.grid(axis="x", visible=False)
    return figure


@_figure
def plot_matrix(values, title=None, xlabel="ticker", ylabel="date", unit="%", scale=100.0):
    """A matrix as coloured cells, orange above zero and purple below, with a bar that tells the size.

    Parameters
    ----------
    values : (n_rows, n_columns)
        NaN is drawn as a white cell with a cross.
    title, xlabel, ylabel, unit : str, optional
    scale : float
        What values are multiplied by before they are drawn.

    Returns
    -------
    Figure
    """
    values = scale * as_array("values", values, ("n_rows", "n_columns"), missing=True)
    if np.isnan(values).all():
        raise ValueError(
            f"values has nothing to draw: its shape is {values.shape} and every entry is NaN. Pass at least one number."
        )
    largest = np.nanmax(np.abs(values))
    figure, axes = plt.subplots(figsize=(WIDTH, 3.0))
    axes.grid(False)
    image = axes.imshow(values, cmap="PuOr_r", vmin=-largest, vmax=largest, aspect="auto", interpolation="nearest")
    rows, columns = np.nonzero(np.isnan(values))
    axes.plot(columns, rows, "x", color=INK, ms=4)
    figure.colorbar(image, ax=axes, label=unit)
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return figure


@_figure
def plot_matrices(matrices, title=None, xlabel="ticker", ylabel="date", unit="%", scale=100.0):
    """Matrices of one shape side by side in the same colours, orange above zero and purple below, with a bar that tells the size.

    Parameters
    ----------
    matrices : dict of str to (n_rows, n_columns)
        Two to four.
    title, xlabel, ylabel, unit : str, optional
    scale : float
        What values are multiplied by before they are drawn.

    Returns
    -------
    Figure
    """
    if not 2 <= len(matrices) <= 4:
        raise ValueError(f"matrices must hold 2 to 4 of them; {len(matrices)} were given. plot_matrix draws one.")
    sizes = dict(zip(("n_rows", "n_columns"), np.shape(next(iter(matrices.values()))), strict=False))
    values = [
        scale * as_array(f"matrices[{name!r}]", matrix, ("n_rows", "n_columns"), sizes=sizes) for name, matrix in matrices.items()
    ]
    largest = max(np.abs(matrix).max() for matrix in values)
    figure, panels = plt.subplots(1, len(values), figsize=(WIDTH, 3.6))
    for axes, name, matrix in zip(panels, matrices, values, strict=True):
        axes.grid(False)
        image = axes.imshow(matrix, cmap="PuOr_r", vmin=-largest, vmax=largest, aspect="auto", interpolation="nearest")
        axes.set_title(name, loc="center")
        axes.set_xlabel(xlabel)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
        if axes is not panels[0]:
            axes.set_yticks([])
    panels[0].set_ylabel(ylabel)
    figure.colorbar(image, ax=panels, label=unit)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=STYLE["axes.titlesize"])
    return figure


@_figure
def plot_beta_surfaces(surfaces, title=None, xlabel="c1", ylabel="c2"):
    """β as a function of two characteristics: one row of maps per model, one column per factor, with contour lines.

    Parameters
    ----------
    surfaces : dict of str to (n_grid, n_grid, n_factors)
        For each model, β at the points of a grid over (-1, 1) x (-1, 1); axis 0 is the second characteristic, axis 1 the first.
    title, xlabel, ylabel : str, optional

    Returns
    -------
    Figure
    """
    if not surfaces:
        raise ValueError("surfaces is empty: pass a dict with at least one name and its (n_grid, n_grid, n_factors) array.")
    surfaces = {
        name: as_array(f"surfaces[{name!r}]", values, ("n_grid", "n_grid", "n_factors")) for name, values in surfaces.items()
    }
    for name, values in surfaces.items():
        if values.shape[0] != values.shape[1]:
            raise ValueError(
                f"surfaces[{name!r}] must be over a square grid, (n_grid, n_grid, n_factors); its shape is {values.shape}."
            )
    n_factors = next(iter(surfaces.values())).shape[2]
    figure, panels = plt.subplots(
        len(surfaces), n_factors, figsize=(WIDTH, 0.6 + 1.95 * len(surfaces)), squeeze=False, sharex=True, sharey=True
    )
    for k in range(n_factors):
        largest = max(np.abs(values[:, :, k]).max() for values in surfaces.values())
        levels = MaxNLocator(nbins=8, symmetric=True).tick_values(-largest, largest)
        for axes, (name, values) in zip(panels[:, k], surfaces.items(), strict=True):
            grid = np.linspace(-1, 1, values.shape[0])
            axes.grid(False)
            colours = axes.pcolormesh(grid, grid, values[:, :, k], cmap="PuOr_r", vmin=-largest, vmax=largest, shading="gouraud")
            if np.ptp(values[:, :, k]) > levels[1] - levels[0]:
                lines = axes.contour(grid, grid, values[:, :, k], levels=levels, colors=INK, linewidths=0.7)
                for label in axes.clabel(lines, fmt="%g", fontsize=9):
                    label.set(rotation=0, bbox=WHITE_BOX)  # upright, so that 0.6 is not read as 9.0
            else:
                words = f"nearly flat, about {round(float(values[:, :, k].mean()), 1) + 0.0:g}"
                axes.text(0, 0, words, ha="center", va="center", bbox=WHITE_BOX)
            if k == 0:
                axes.set_ylabel(f"{name}\n\n{ylabel}")
        panels[0, k].set_title(f"β on factor {k + 1}", loc="center")
        panels[-1, k].set_xlabel(xlabel)
        figure.colorbar(colours, ax=panels[:, k], orientation="horizontal", aspect=30, pad=0.02)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure


@_figure
def plot_curves(points, curves, truth=None, title=None, xlabel="ticker 1, %", ylabel="ticker 2, %"):
    """The returns of two tickers as a cloud, with the curves on which models place them and the true one dashed.

    Parameters
    ----------
    points : (n_dates, 2)
        In fractions per period; drawn in percent.
    curves : dict of str to (n, 2)
        The points of each model's curve, in order.
    truth : (n, 2), optional
    title, xlabel, ylabel : str, optional

    Returns
    -------
    Figure
    """
    points = as_array("points", points, ("n_dates", "two"), sizes={"two": 2})
    if len(curves) > len(LINES):
        raise ValueError(f"curves must hold at most {len(LINES)} models; {len(curves)} were given. Draw them in two figures.")
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    axes.scatter(*100 * points.T, s=12, color=GREY, linewidth=0)
    for (name, curve), (colour, style) in zip(curves.items(), LINES, strict=False):
        curve = as_array(f"curves[{name!r}]", curve, ("n", "two"), sizes={"two": 2})
        axes.plot(*100 * curve.T, color=colour, ls=style, lw=2, label=name)
    if truth is not None:
        axes.plot(*100 * as_array("truth", truth, ("n", "two"), sizes={"two": 2}).T, "--", color="black", lw=1.4, label="truth")
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0, handlelength=2.6)
    return figure


@_figure
def plot_dots(table, title=None, xlabel=None):
    """One row for each label and a mark for each column, so that models can be compared label by label; the truth is a black bar.

    Parameters
    ----------
    table : DataFrame
        A row for each label, a column for each model; the column "truth", if there is one, is drawn as the truth. Up to three
        others, in the units drawn.
    title, xlabel : str, optional

    Returns
    -------
    Figure
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"table must be a DataFrame, labels down and models across; a {type(table).__name__} was given.")
    values = as_array("table", table, ("n_labels", "n_models"))
    models = [name for name in table.columns if name != "truth"]
    looks = ((BLUE, "o"), (VERMILLION, "s"), (GREEN, "^"))
    if not len(table) or not models or len(models) > len(looks):
        raise ValueError(
            f"table must have at least one row, and 1 to {len(looks)} columns beside the truth; its shape is {values.shape}. "
            "Draw the others in a second figure."
        )
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.27 * len(table)))
    rows = np.arange(len(table))
    if "truth" in table:
        axes.plot(table["truth"], rows, "|", color="black", ms=15, mew=2.2, label="truth", zorder=2)
    for name, (colour, marker) in zip(models, looks, strict=False):
        axes.plot(table[name], rows, marker, color=colour, ms=7, mfc=colour if marker == "o" else "none", mew=1.6, label=name)
    axes.set_yticks(rows, table.index)
    axes.axvline(0, color=INK, lw=0.6, zorder=1)
    axes.set(xlabel=xlabel, title=title, ylim=(len(table) - 0.4, -0.6))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0)
    return figure


@_figure
def plot_alphas(means, alphas, title=None, unit="% per date", scale=100.0):
    """The pricing error of each portfolio against its mean return, one panel per model; |t| above 3 is filled.

    On the dotted diagonal a model explains nothing of a mean return, on the line at 0 all of it.

    Parameters
    ----------
    means : (n_portfolios,)
        Mean returns, in fractions per period.
    alphas : dict of str to DataFrame
        For each model, up to four, what `helpers.evaluation.pricing_errors` returns.
    title, unit : str, optional
    scale : float
        What fractions per period are multiplied by before they are drawn: 100 for percent, 1200 for percent a year of months.

    Returns
    -------
    Figure
    """
    means = scale * as_array("means", means, ("n_portfolios",))
    if not 1 <= len(alphas) <= 4:
        raise ValueError(f"alphas must hold 1 to 4 models; {len(alphas)} were given. Draw them in two figures.")
    n_rows, n_columns = -(-len(alphas) // 2), min(len(alphas), 2)
    figure, panels = plt.subplots(n_rows, n_columns, figsize=(WIDTH, 0.7 + 2.3 * n_rows), sharex=True, sharey=True, squeeze=False)
    sizes, ends = {"n_portfolios": len(means)}, [0, *means]
    for axes, (name, errors) in zip(panels.flat, alphas.items(), strict=False):
        alpha, t = (
            as_array(f"alphas[{name!r}][{column!r}]", errors[column], ("n_portfolios",), missing=True, sizes=sizes)
            for column in ("alpha", "t")
        )
        large = np.abs(t) > 3
        axes.plot([min(ends), max(ends)], [min(ends), max(ends)], ":", color=GREY, lw=1.6, label="nothing explained")
        axes.axhline(0, color=INK, lw=0.8)
        for chosen, fill, words in ((large, BLUE, "α with |t| > 3"), (~large, "white", "other α")):
            axes.scatter(
                means[chosen], scale * alpha[chosen], s=30, color=fill, edgecolor=BLUE, linewidth=1.1, label=words, zorder=3
            )
        axes.set_title(f"{name}: {large.sum()} of {len(means)}", loc="center", fontsize=10)
    for axes in panels.flat[len(alphas) :]:
        axes.set_visible(False)
    for axes in panels[-1]:
        axes.set_xlabel(f"mean return, {unit}")
    for axes in panels[:, 0]:
        axes.set_ylabel(f"α, {unit}")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    figure.suptitle(title, x=0.01, ha="left", fontsize=STYLE["axes.titlesize"])
    return figure
