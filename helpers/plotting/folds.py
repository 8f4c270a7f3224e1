"""Folds as a picture: which dates are trained on, left out, validated on and tested."""

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from helpers.checks import as_count
from helpers.labels import as_dates
from helpers.plotting.style import BLUE, GIVEN, GREY, INK, ORANGE, WIDTH, in_style

# The parts of a fold in time order.
PARTS: dict[str, dict[str, Any]] = {
    "training": {"facecolor": GIVEN},
    "left out": {"facecolor": "white", "hatch": "xxxxx", "hatchcolor": GREY},
    "validation": {"facecolor": ORANGE, "hatch": "////", "hatchcolor": "white"},
    "test": {"facecolor": BLUE, "hatch": "....", "hatchcolor": "white"},
}


@in_style
def draw_folds(splitter: Any, dates: Any, title: str | None = None) -> Figure:
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
    dates = pd.RangeIndex(as_count("dates", dates)) if np.ndim(dates) == 0 else as_dates("dates", pd.Index(dates))
    if not dates.is_monotonic_increasing:
        raise ValueError("dates must ascend, and these do not: folds are cut in time order. Sort them first.")
    folds, words = splitter.slices(dates), dates.astype(str)
    if len(folds) > 40:
        raise ValueError(
            f"{len(folds)} folds cannot be told apart. Pass fewer dates, such as dates[:n], or raise n_test."
        )
    figure, axes = plt.subplots(figsize=(WIDTH, 1.2 + 0.24 * len(folds)))
    drawn = {}
    for k, fold in enumerate(folds):
        for name, start, stop in _parts(fold):
            look = PARTS[name] | {"edgecolor": INK, "lw": 0.7}
            drawn[name] = axes.barh(k, stop - start, left=start - 0.5, height=0.74, **look)
    shown = [name for name in PARTS if name in drawn]
    handles: list[Any] = [drawn[name] for name in shown]
    figure.legend(handles, shown, loc="outside lower center", ncols=4)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.xaxis.set_major_formatter(lambda d, _: words[int(d)] if 0 <= d < len(words) else "")
    axes.set_yticks(range(0, len(folds), 1 if len(folds) <= 12 else 5))
    axes.set(xlabel="date", ylabel="fold", title=title, xlim=(-0.5, len(dates) - 0.5), ylim=(len(folds) - 0.5, -0.5))
    axes.grid(False)
    return figure


def _parts(fold: Any) -> Iterator[tuple[str, int, int]]:
    """The parts of a fold in time order, what is left out between them among them: (name, start, stop)."""
    known = [("training", fold.train), ("validation", fold.validation), ("test", fold.test)]
    known = [(name, part) for name, part in known if part is not None]
    end = known[0][1].start
    for name, part in known:
        if end < part.start:
            yield "left out", end, part.start
        yield name, part.start, part.stop
        end = part.stop
