"""The look of every picture: its colours, line styles and sizes, and the decorator that applies them.

In all of them the truth is a black dashed line, the estimate blue, the second model vermillion, and data points grey.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

Arguments = ParamSpec("Arguments")

# Okabe and Ito's palette: told apart by readers with any colour vision.
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#999999"
# Of writing; of a cell that is given; of a cell that plays no part.
INK, GIVEN, EMPTY = "#222222", "#A9D3F0", "#F4F4F4"
# One line for each series: no two have the same style.
LINES = ((BLUE, "-"), (VERMILLION, "-."), (GREEN, ":"), (PURPLE, (0, (5, 1))), (ORANGE, (0, (1, 1))))
WHITE_BOX: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # behind text that stands on colours
WIDTH = 7  # inches
TITLE_SIZE = 11
STYLE: dict[Any, Any] = {
    "figure.dpi": 110,
    "font.size": 10,
    "axes.titlesize": TITLE_SIZE,
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


def in_style(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """A function that draws in the course's style, closes its figure, and hands it back to be shown once."""

    @wraps(draw)
    def styled(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        before = set(plt.get_fignums())
        try:
            with plt.rc_context(STYLE):
                figure = draw(*args, **kwargs)
                if engine := figure.get_layout_engine():
                    # Places the labels while the style holds, and at the size at which a notebook stores them: letters
                    # of few pixels have other widths, and a long label would be cut off. Twice, for what is written
                    # beside a point moves as the axes become narrower.
                    figure.dpi *= 2
                    for _ in range(2):
                        engine.execute(figure)
                    figure.dpi /= 2
                figure.set_layout_engine("none")  # to look for places once more would take as long as the drawing
        finally:
            for number in set(plt.get_fignums()) - before:
                plt.close(number)
        return figure

    return styled


def title_above(figure: Figure, title: str | None) -> None:
    """Writes one title above all panels of a figure, at the left, as large as that of a single panel."""
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=TITLE_SIZE)
