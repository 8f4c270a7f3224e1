"""The figures of a study's report, drawn to be read on a narrow screen."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.dates import DateFormatter, YearLocator
from matplotlib.figure import Figure

from helpers.plotting.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILLION, in_style

WIDTH = 4.7  # inches: a screen of 400 pixels shows the writing at about 11
SKY = "#56B4E9"
# One look for each model: no two share a line style and a marker.
LOOKS = (
    (BLUE, "-", "o"), (VERMILLION, "-.", "s"), (GREEN, ":", "^"), (PURPLE, (0, (5, 1)), "D"),
    (ORANGE, (0, (1, 1)), "v"), (SKY, (0, (3, 1, 1, 1)), "P"), (INK, "--", "X"), (GREY, (0, (8, 2)), "*"),
)  # fmt: skip


def look(i: int) -> dict[str, Any]:
    """How the model at this place of the study is drawn.

    Parameters
    ----------
    i : int
    """
    colour, style, marker = LOOKS[i % len(LOOKS)]
    return {"color": colour, "ls": style, "marker": marker}


@in_style
def by_number_of_factors(table: pd.DataFrame, title: str, ylabel: str, scale: float = 100.0) -> Figure:
    """A line for each model over K, with two standard errors to each side.

    Parameters
    ----------
    table : DataFrame
        Indexed by model and K, with the columns "value" and "standard error".
    title, ylabel : str
    scale : float
    """
    models = list(table.index.get_level_values("model").unique())
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    for i, model in enumerate(models):
        rows = table.loc[model]
        apart = 0.06 * (i - (len(models) - 1) / 2)
        errors = 2 * scale * rows["standard error"].fillna(0.0)
        axes.errorbar(
            rows.index + apart, scale * rows["value"], errors, label=model, lw=1.4, ms=5, capsize=2, **look(i)
        )
    axes.axhline(0, color=INK, lw=0.6)
    axes.set_xticks(sorted(table.index.get_level_values("K").unique()))
    axes.set(xlabel="K", ylabel=ylabel, title=title)
    _legend(figure, axes)
    return figure


@in_style
def over_time(
    dates: pd.Index, lines: Mapping[str, np.ndarray], places: Sequence[int], title: str, ylabel: str
) -> Figure:
    """A line for each model over time, named below the picture.

    Parameters
    ----------
    dates : Index
    lines : dict of str to (n_dates,)
    places : sequence of int
        Of each model in the study, for its look.
    title, ylabel : str
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    for place, (name, values) in zip(places, lines.items(), strict=True):
        every = max(1, len(values) // 8)
        axes.plot(dates, values, label=name, lw=1.4, ms=4, markevery=(place % every, every), **look(place))
    axes.axhline(0, color=INK, lw=0.6)
    if not isinstance(dates, pd.DatetimeIndex):
        axes.locator_params("x", integer=True)
    elif dates.year.nunique() > 1:
        axes.xaxis.set_major_locator(YearLocator(-(-dates.year.nunique() // 6)))
        axes.xaxis.set_major_formatter(DateFormatter("%Y"))
    axes.set(ylabel=ylabel, title=title)
    _legend(figure, axes)
    return figure


@in_style
def intervals(table: pd.DataFrame, title: str, xlabel: str, reaches: tuple[str, str] = ("low", "high")) -> Figure:
    """A dot and an interval for each row, its number written beside it.

    Parameters
    ----------
    table : DataFrame
        Indexed by names, the number in its first column and the interval in `reaches`.
    title, xlabel : str
    reaches : (str, str)
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.42 * len(table)))
    for i, (_, row) in enumerate(table.iterrows()):
        value, low, high = row.iloc[0], row[reaches[0]], row[reaches[1]]
        axes.plot([low, high], [i, i], color=look(i)["color"], lw=2)
        axes.plot(value, i, ms=7, **look(i))
        axes.annotate(f"{value:.2f}", (value, i), (0, 6), textcoords="offset points", ha="center", fontsize=9)
    axes.axvline(0, color=INK, lw=0.8)
    axes.set_yticks(range(len(table)), table.index)
    axes.invert_yaxis()
    axes.margins(y=0.6 / max(len(table), 1))
    axes.grid(axis="y", visible=False)
    axes.set(xlabel=xlabel, title=title)
    return figure


@in_style
def heat_map(table: pd.DataFrame, title: str, label: str) -> Figure:
    """Numbers as cells, the larger the darker, each with its number; rows by name.

    Parameters
    ----------
    table : DataFrame
        A row for each characteristic, a column for each model.
    title, label : str
    """
    n_rows, n_columns = table.shape
    figure, axes = plt.subplots(figsize=(WIDTH, 1.2 + 0.26 * n_rows))
    values = table.to_numpy(float)
    largest = np.nanmax(np.abs(values)) or 1.0
    axes.imshow(np.clip(values, 0, None), cmap="Blues", vmin=0, vmax=1.3 * largest, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        words = "–" if np.isnan(value) else f"{value:z.1f}"
        axes.text(j, i, words, ha="center", va="center", fontsize=8.5, color="white" if value > 0.75 * largest else INK)
    axes.set_xticks(range(n_columns), [str(name) for name in table.columns], rotation=30 if n_columns > 4 else 0)
    axes.set_yticks(range(n_rows), [str(name) for name in table.index])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(False)
    axes.set(title=title, xlabel=label)
    return figure


def as_png(figure: Figure) -> str:
    """The figure as a PNG in text, for the address of an image; the same bytes for the same figure.

    Parameters
    ----------
    figure : Figure
    """
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=160, metadata={"Software": None})
    return base64.b64encode(file.getvalue()).decode()


def _legend(figure, axes):
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, fontsize=9, handlelength=3, columnspacing=1.2)
