"""Charts of results: scores, intervals, shares, tables, matrices."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from helpers.checks import as_array, as_count
from helpers.plotting.style import BLUE, GREEN, GREY, INK, LINES, VERMILLION, WHITE_BOX, WIDTH, in_style, title_above
from helpers.tables import Tables


@in_style
def plot_bars(
    values: Mapping[str, float],
    title: str | None = None,
    xlabel: str = "total R², %",
    ceiling: float | None = None,
    percent: bool = True,
) -> Figure:
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
    colours = [VERMILLION if number < 0 else BLUE for number in numbers]
    bars = axes.barh(list(values), numbers, color=colours, height=0.6)
    axes.bar_label(bars, [f"{number:z.1f}" for number in numbers], padding=4, bbox=WHITE_BOX)
    axes.axvline(0, color=INK, lw=0.8)
    if ceiling is not None:
        end, above = scale * ceiling, axes.get_xaxis_transform()
        axes.axvline(end, ls="--", color="black", lw=1.4)
        axes.text(end, 1.0, f"the truth: {end:.1f} ", transform=above, ha="right", va="bottom", fontsize=9)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)
    axes.set(xlabel=xlabel)
    axes.set_title(title or "", pad=18 if ceiling is not None else None)
    return figure


@in_style
def plot_intervals(
    estimates: Mapping[str, tuple[float, float] | tuple[float, float, float]],
    title: str | None = None,
    xlabel: str | None = None,
) -> Figure:
    """A dot for each estimate with its interval; a thin line marks 0.

    Parameters
    ----------
    estimates : dict of str to (float, float) or (float, float, float)
        Each value and its standard error, two of which are drawn to each side (about 95 %, if it comes from many
        numbers; from four it takes three); or each value and the two ends of its interval, such as those of
        `bootstrap_interval`. In the units drawn.
    title, xlabel : str, optional

    Returns
    -------
    Figure
    """
    if not estimates:
        raise ValueError("estimates is empty: pass a dict with at least one name, its value and its standard error.")
    columns = as_array("estimates", list(estimates.values()), ("n", "value and error, or value and two ends")).T
    if len(columns) not in (2, 3):
        raise ValueError(
            f"Each of estimates must be (value, error) or (value, low, high); {len(columns)} number(s) were given."
        )
    values = columns[0]
    if len(columns) == 2:
        lows, highs = values - 2 * columns[1], values + 2 * columns[1]
        words = [f"{value:+z.1f} ± {2 * error:.1f}" for value, error in zip(*columns, strict=True)]
    else:
        lows, highs = columns[1:]
        inside = (lows <= values) & (values <= highs)
        outside = [name for name, it_is in zip(estimates, inside, strict=True) if not it_is]
        if outside:
            raise ValueError(
                f"The interval of {outside[0]!r}, {estimates[outside[0]]}, must hold its value: (value, low, high)."
            )
        words = [f"{value:+z.1f} ({low:z.1f} to {high:z.1f})" for value, low, high in zip(*columns, strict=True)]
    figure, axes = plt.subplots(figsize=(WIDTH, 0.85 + 0.4 * len(values)))
    rows = range(len(values))
    axes.errorbar(values, rows, xerr=(values - lows, highs - values), fmt="o", color=BLUE, ms=6, lw=1.8, capsize=4)
    for row, high, word in zip(rows, highs, words, strict=True):
        axes.annotate(word, (high, row), (8, 0), textcoords="offset points", va="center", bbox=WHITE_BOX)
    axes.set_yticks(rows, estimates)
    axes.axvline(0, color=INK, lw=0.8)
    axes.invert_yaxis()
    axes.margins(x=0.25, y=0.5 / len(values))
    axes.grid(axis="y", visible=False)
    axes.set(xlabel=xlabel, title=title)
    return figure


@in_style
def plot_histograms(
    samples: Mapping[str, ArrayLike], title: str | None = None, xlabel: str | None = None, bins: int = 20
) -> Figure:
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
    known = {name: as_array(f"samples[{name!r}]", values, ("n",), missing=True) for name, values in samples.items()}
    known = {name: values[~np.isnan(values)] for name, values in known.items()}
    for name, values in known.items():
        if not len(values):
            raise ValueError(f"The sample {name!r} holds no known value, so there is nothing to draw. Leave it out.")
    edges = np.histogram_bin_edges(np.concatenate(list(known.values())), as_count("bins", bins)).tolist()
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    looks: dict[str, Any] = dict(zip((name for name in known if name != "truth"), LINES, strict=False))
    looks["truth"] = ("black", "--")
    for name, values in known.items():
        color, style = looks[name]
        label = f"{name}, mean {values.mean():z.2f}"
        heights, *_ = axes.hist(values, edges, histtype="step", color=color, ls=style, lw=1.8, label=label)
        axes.plot([values.mean()] * 2, [0, np.max(heights)], color=color, ls=style, lw=1)
    axes.axvline(0, color=INK, lw=0.8)
    axes.legend()
    axes.set(xlabel=xlabel, ylabel="how often", title=title)
    return figure


@in_style
def plot_table(table: pd.DataFrame, title: str | None = None, ylabel: str = "total R², %") -> Figure:
    """A small picture for each case and model: R² over the number of factors, ours, the paper's, and the truth's own.

    Parameters
    ----------
    table : DataFrame
        Indexed by (case, model, n_factors), with the columns `ours`, `se`, `truth` and `paper`, in percent; as one
        measure of `helpers.experiments.table6.summary`.
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
            words = "ours, ± 2 standard errors"
            axes.errorbar(
                cell.index, cell["ours"], 2 * cell["se"], fmt="o-", color=BLUE, ms=3.5, lw=1.4, label=words
            )
            axes.set_xticks(table.index.get_level_values("n_factors").unique())
    for axes, model in zip(grid[0], models, strict=True):
        axes.set_title(model, loc="center")
    for axes in grid[-1]:
        axes.set_xlabel("K")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    title_above(figure, title)
    return figure


@in_style
def plot_shares(shares: ArrayLike, n_factors: int, title: str | None = None) -> Figure:
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
    kept: dict[str, Any] = {"color": BLUE}
    left_out: dict[str, Any] = {"color": "white", "edgecolor": GREY, "hatch": "//"}
    for j in range(shown):
        axes.bar(j + 1, 100 * shares[j], width=0.7, **(kept if j < n_factors else left_out))
    words = f"filled: the {n_factors} kept, {100 * shares[:n_factors].sum():.1f} % together"
    axes.text(0.98, 0.95, words, transform=axes.transAxes, ha="right", va="top")
    axes.margins(y=0.17)  # room for these words above the highest bar
    axes.set(xlabel="component", ylabel="share of Σ r², %", title=title, xticks=range(1, shown + 1))
    axes.grid(axis="x", visible=False)
    return figure


@in_style
def plot_matrix(
    values: ArrayLike,
    title: str | None = None,
    xlabel: str = "ticker",
    ylabel: str = "date",
    unit: str = "%",
    scale: float = 100.0,
) -> Figure:
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


@in_style
def plot_matrices(
    matrices: Mapping[str, ArrayLike],
    title: str | None = None,
    xlabel: str = "ticker",
    ylabel: str = "date",
    unit: str = "%",
    scale: float = 100.0,
) -> Figure:
    """Matrices of one shape side by side in the same colours, orange above zero and purple below, with a bar of sizes.

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
    tables = Tables()
    values = [
        scale * tables.array(f"matrices[{name!r}]", matrix, ("n_rows", "n_columns"))
        for name, matrix in matrices.items()
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
    title_above(figure, title)
    return figure


@in_style
def plot_dots(table: pd.DataFrame, title: str | None = None, xlabel: str | None = None) -> Figure:
    """One row for each label and a mark for each column, so that models can be compared; the truth is a black bar.

    Parameters
    ----------
    table : DataFrame
        A row for each label, a column for each model; the column "truth", if there is one, is drawn as the truth. Up to
        three others, in the units drawn.
    title, xlabel : str, optional

    Returns
    -------
    Figure
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"table must be a DataFrame, labels down and models across; a {type(table).__name__} was given."
        )
    values = as_array("table", table, ("n_labels", "n_models"))
    models = [name for name in table.columns if name != "truth"]
    looks = ((BLUE, "o"), (VERMILLION, "s"), (GREEN, "^"))
    if not len(table) or not models or len(models) > len(looks):
        raise ValueError(
            f"table must have at least one row, and 1 to {len(looks)} columns beside the truth; its shape is "
            f"{values.shape}. Draw the others in a second figure."
        )
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.27 * len(table)))
    rows = np.arange(len(table))
    if "truth" in table:
        axes.plot(table["truth"], rows, "|", color="black", ms=15, mew=2.2, label="truth", zorder=2)
    for name, (colour, marker) in zip(models, looks, strict=False):
        inside = colour if marker == "o" else "none"
        axes.plot(table[name], rows, marker, color=colour, ms=7, mfc=inside, mew=1.6, label=name)
    axes.set_yticks(rows, table.index)
    axes.axvline(0, color=INK, lw=0.6, zorder=1)
    axes.set(xlabel=xlabel, title=title, ylim=(len(table) - 0.4, -0.6))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0)
    return figure
