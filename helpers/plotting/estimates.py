"""Charts of estimates beside the truth, and of the data behind them."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from helpers.checks import as_array, as_positive, labels_along
from helpers.plotting.style import BLUE, GREY, INK, LINES, WHITE_BOX, WIDTH, in_style, title_above
from helpers.tables import Tables


@in_style
def plot_estimates(
    truth: ArrayLike,
    estimates: ArrayLike,
    names: Sequence[str] | None = None,
    title: str | None = None,
    xlabel: str = "true β",
    ylabel: str = "estimated β",
) -> Figure:
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
    tables = Tables()
    truth = tables.array("truth", truth, ("n", "n_columns"))
    estimates = tables.array("estimates", estimates, ("n", "n_columns"))
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
    title_above(figure, title)
    return figure


@in_style
def plot_regression_line(
    x: ArrayLike,
    y: ArrayLike,
    alpha: float,
    beta: float,
    title: str | None = None,
    xlabel: str = "factor, % per month",
    ylabel: str = "ticker, % per month",
    truth: tuple[float, float] | None = None,
) -> Figure:
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
    tables = Tables()
    x, y = tables.array("x", x, ("n_dates",)), tables.array("y", y, ("n_dates",), missing=True)
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    axes.scatter(100 * x, 100 * y, s=14, color=GREY, linewidth=0)
    ends = np.array([x.min(), x.max()])
    axes.plot(100 * ends, 100 * (alpha + beta * ends), color=BLUE, lw=2, label=f"fitted: β = {beta:.2f}")
    if truth is not None:
        true_line = 100 * (truth[0] + truth[1] * ends)
        axes.plot(100 * ends, true_line, "--", color="black", lw=1.4, label=f"true: β = {truth[1]:.2f}")
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.legend(loc="upper left")
    return figure


@in_style
def plot_cross_section(
    betas: ArrayLike,
    returns: ArrayLike,
    factor: float,
    truth: float | None = None,
    title: str | None = None,
    xlabel: str = "β to the market",
    ylabel: str = "rest of the return, %",
    reach: float | None = None,
) -> Figure:
    """One date: a point for each ticker, and the line through the origin whose slope is the factor's return.

    The true line is dashed.

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
    tables = Tables()
    betas = tables.array("betas", betas, ("n_tickers",))
    returns = tables.array("returns", returns, ("n_tickers",), missing=True)
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


@in_style
def plot_lines(
    x: ArrayLike,
    lines: Mapping[str, ArrayLike],
    title: str | None = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
    truth: ArrayLike | None = None,
    zero: bool = False,
    log: bool = False,
) -> Figure:
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
        raise ValueError(
            f"lines must hold 1 to {len(LINES)} series; {len(lines)} were given. Draw them in two figures."
        )
    figure, axes = plt.subplots(figsize=(WIDTH, 3.0))
    tables = Tables()
    tables.takes_in("x", {"n": x} if isinstance(x, pd.Index) else _labels(x))
    x = np.asarray(x)
    drawn: list[tuple[str, Any, dict[str, Any]]] = [
        (name, values, {"color": colour, "ls": style, "lw": 1.6})
        for (name, values), (colour, style) in zip(lines.items(), LINES, strict=False)
    ]
    if truth is not None:
        drawn.append(("truth", truth, {"color": "black", "ls": "--", "lw": 1.4}))
    for name, values, look in drawn:
        if len(values) != len(x):
            raise ValueError(f"lines[{name!r}] has {len(values)} values, and x has {len(x)}. Pass as many of both.")
        tables.takes_in(name, _labels(values))
        axes.plot(x, np.asarray(values), label=name, **look)
    if zero:
        axes.axhline(0, color=INK, lw=0.6)
    if log:
        axes.set_yscale("log")
    if x.dtype.kind in "iu":
        axes.locator_params("x", integer=True)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if len(drawn) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0, handlelength=2.6)
    return figure


@in_style
def plot_beta_surfaces(
    surfaces: Mapping[str, ArrayLike], title: str | None = None, xlabel: str = "c1", ylabel: str = "c2"
) -> Figure:
    """β as a function of two characteristics: one row of maps per model, one column per factor, with contour lines.

    Parameters
    ----------
    surfaces : dict of str to (n_grid, n_grid, n_factors)
        For each model, β at the points of a grid over (-1, 1) x (-1, 1); axis 0 is the second characteristic, axis 1
        the first.
    title, xlabel, ylabel : str, optional

    Returns
    -------
    Figure
    """
    if not surfaces:
        raise ValueError(
            "surfaces is empty: pass a dict with at least one name and its (n_grid, n_grid, n_factors) array."
        )
    grid_axes = ("n_grid", "n_grid", "n_factors")
    maps = {name: as_array(f"surfaces[{name!r}]", values, grid_axes) for name, values in surfaces.items()}
    for name, values in maps.items():
        if values.shape[0] != values.shape[1]:
            raise ValueError(
                f"surfaces[{name!r}] must be over a square grid, (n_grid, n_grid, n_factors); "
                f"its shape is {values.shape}."
            )
    n_factors = next(iter(maps.values())).shape[2]
    figure, panels = plt.subplots(
        len(surfaces), n_factors, figsize=(WIDTH, 0.6 + 1.95 * len(surfaces)), squeeze=False, sharex=True, sharey=True
    )
    for k in range(n_factors):
        largest = max(np.abs(values[:, :, k]).max() for values in maps.values())
        levels = MaxNLocator(nbins=8, symmetric=True).tick_values(-largest, largest)
        for axes, (name, values) in zip(panels[:, k], maps.items(), strict=True):
            grid = np.linspace(-1, 1, values.shape[0])
            axes.grid(False)
            colours = axes.pcolormesh(
                grid, grid, values[:, :, k], cmap="PuOr_r", vmin=-largest, vmax=largest, shading="gouraud"
            )
            if np.ptp(values[:, :, k]) > levels[1] - levels[0]:
                lines = axes.contour(grid, grid, values[:, :, k], levels=levels, colors=INK, linewidths=0.7)
                for label in axes.clabel(lines, fmt="%g", fontsize=9):
                    # Upright, so that 0.6 is not read as 9.0, and so far inside that the frame cuts off nothing.
                    half = 0.045 + 0.013 * n_factors * len(label.get_text())
                    inside = np.clip(label.get_position(), half - 1, 1 - half)
                    label.set(position=inside, rotation=0, bbox=WHITE_BOX)
            else:
                gap = " " if n_factors < 3 else "\n"  # narrow panels
                words = f"nearly flat,{gap}about {round(float(values[:, :, k].mean()), 1) + 0.0:g}"
                axes.text(0, 0, words, ha="center", va="center", bbox=WHITE_BOX)
            if k == 0:
                axes.set_ylabel(f"{name}\n\n{ylabel}")
        panels[0, k].set_title(f"β on factor {k + 1}", loc="center")
        panels[-1, k].set_xlabel(xlabel)
        figure.colorbar(colours, ax=panels[:, k], orientation="horizontal", aspect=30, pad=0.02)
    title_above(figure, title)
    return figure


@in_style
def plot_curves(
    points: ArrayLike,
    curves: Mapping[str, ArrayLike],
    truth: ArrayLike | None = None,
    title: str | None = None,
    xlabel: str = "ticker 1, %",
    ylabel: str = "ticker 2, %",
) -> Figure:
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
    tables = Tables()
    points = _of_two(tables, "points", points, "n_dates")
    if len(curves) > len(LINES):
        raise ValueError(
            f"curves must hold at most {len(LINES)} models; {len(curves)} were given. Draw them in two figures."
        )
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    first, second = 100 * points.T
    axes.scatter(first, second, s=12, color=GREY, linewidth=0)
    for (name, curve), (colour, style) in zip(curves.items(), LINES, strict=False):
        curve = _of_two(tables, f"curves[{name!r}]", curve, f"points of {name}")
        axes.plot(*100 * curve.T, color=colour, ls=style, lw=2, label=name)
    if truth is not None:
        truth = _of_two(tables, "truth", truth, "points of the truth")
        axes.plot(*100 * truth.T, "--", color="black", lw=1.4, label="truth")
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0, handlelength=2.6)
    return figure


@in_style
def plot_alphas(
    means: ArrayLike,
    alphas: Mapping[str, pd.DataFrame],
    title: str | None = None,
    unit: str = "% per date",
    scale: float = 100.0,
) -> Figure:
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
        What fractions per period are multiplied by before they are drawn: 100 for percent, 1200 for percent a year of
        months.

    Returns
    -------
    Figure
    """
    numbered = [e for e in alphas.values() if isinstance(e, pd.DataFrame) and pd.api.types.is_integer_dtype(e.index)]
    if isinstance(labels_along(means, 0), pd.RangeIndex) and not numbered:
        means = np.asarray(means)  # whose labels only count, beside names
    tables = Tables()
    means = scale * tables.array("means", means, ("n_portfolios",))
    if not 1 <= len(alphas) <= 4:
        raise ValueError(f"alphas must hold 1 to 4 models; {len(alphas)} were given. Draw them in two figures.")
    n_rows, n_columns = -(-len(alphas) // 2), min(len(alphas), 2)
    size = (WIDTH, 0.7 + 2.3 * n_rows)
    figure, panels = plt.subplots(n_rows, n_columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    ends = [0, *means]
    for axes, (name, errors) in zip(panels.flat, alphas.items(), strict=False):
        if not isinstance(errors, pd.DataFrame) or not {"alpha", "t"} <= set(errors.columns):
            raise ValueError(
                f"alphas[{name!r}] must be a DataFrame with the columns 'alpha' and 't', as pricing_errors returns it."
            )
        alpha, t = (
            tables.array(f"alphas[{name!r}][{column!r}]", errors[column], ("n_portfolios",), missing=True)
            for column in ("alpha", "t")
        )
        large = np.abs(t) > 3
        axes.plot([min(ends), max(ends)], [min(ends), max(ends)], ":", color=GREY, lw=1.6, label="nothing explained")
        axes.axhline(0, color=INK, lw=0.8)
        for chosen, fill, words in ((large, BLUE, "α with |t| > 3"), (~large, "white", "other α")):
            x, y = means[chosen], scale * alpha[chosen]
            axes.scatter(x, y, s=30, color=fill, edgecolor=BLUE, linewidth=1.1, label=words, zorder=3)
        axes.set_title(f"{name}: {large.sum()} of {len(means)}", loc="center", fontsize=10)
    for axes in panels.flat[len(alphas) :]:
        axes.set_visible(False)
    for axes in panels[-1]:
        axes.set_xlabel(f"mean return, {unit}")
    for axes in panels[:, 0]:
        axes.set_ylabel(f"α, {unit}")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    title_above(figure, title)
    return figure


def _of_two(tables: Tables, name: str, values: ArrayLike, rows: str) -> np.ndarray:
    """Points in the plane of two tickers, (n, 2); `rows` names their axis, which two curves do not share."""
    points = tables.array(name, values, (rows, "n_tickers"))
    if points.shape[1] != 2:
        raise ValueError(f"{name} must have two columns, one for each ticker; its shape is {points.shape}.")
    return points


def _labels(series: Any) -> dict[str, pd.Index]:
    """The labels of a series by its axis; none where it only counts its entries."""
    labels = labels_along(series, 0)
    return {} if labels is None or isinstance(labels, pd.RangeIndex) else {"n": labels}
