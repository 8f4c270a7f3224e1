"""The pictures of the course. Every function returns a Figure and shows nothing by itself.

In all of them the truth is a black dashed line, the estimate blue, the second model vermillion, and data points grey.
"""

from functools import wraps

import matplotlib.pyplot as plt

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


def in_style(draw):
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
