"""Can everybody read a picture? Text must stand out, and no two series may differ in nothing but colour.

`faint_texts` and `twins` return their complaints as sentences.
"""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.lines import Line2D
from matplotlib.text import Text

LOWEST_CONTRAST = 4.5  # of text against its background: WCAG 2.2, level AA


def contrast(one, other):
    """The contrast of two colours, from 1 to 21, as the Web Content Accessibility Guidelines define it."""
    lighter, darker = np.maximum(luminance(one), luminance(other)), np.minimum(luminance(one), luminance(other))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    linear = np.where(
        np.asarray(colour) <= 0.04045, np.asarray(colour) / 12.92, ((np.asarray(colour) + 0.055) / 1.055) ** 2.4
    )
    return linear @ [0.2126, 0.7152, 0.0722]


def faint_texts(figure):
    """A sentence for each text of a figure that does not stand out from what lies behind it, judged by the pixels."""
    drawn, draw = [], Text.draw

    def noting(text, renderer):
        drawn.append(text)
        draw(text, renderer)

    shown_on, canvas = figure.canvas, FigureCanvasAgg(figure)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Text, "draw", noting)
            with_texts = pixels(canvas)
        texts = [text for text in dict.fromkeys(drawn) if text.get_visible() and text.get_text().strip()]
        alphas = [text.get_alpha() for text in texts]
        for text in texts:
            text.set_alpha(0)  # its box stays
        behind = pixels(canvas)
        for text, alpha in zip(texts, alphas, strict=True):
            text.set_alpha(alpha)
    finally:
        figure.set_canvas(shown_on)
    for text in texts:
        rows, columns = place(text, canvas)
        there = behind[rows, columns]
        inked = (np.abs(with_texts[rows, columns] - there) > 0.02).any(axis=-1)
        there = (
            there[inked] if inked.any() else there.reshape(-1, 3)
        )  # text of the colour of its background leaves no trace
        *colour, alpha = to_rgba(text.get_color(), text.get_alpha())
        lowest = np.quantile(contrast(alpha * np.array(colour) + (1 - alpha) * there, there), 0.1) if len(there) else 21
        if lowest < LOWEST_CONTRAST:
            yield f"The text {text.get_text()!r} has a contrast of {lowest:.1f}; {LOWEST_CONTRAST} is needed."


def pixels(canvas):
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3] / 255


def place(text, canvas):
    """The rows and columns of the pixels that a text may cover."""
    width, height = canvas.get_width_height()
    box = text.get_window_extent(canvas.get_renderer())
    columns, rows = np.clip([box.x0, box.x1], 0, width), np.clip([height - box.y1, height - box.y0], 0, height)
    return (slice(int(low), int(np.ceil(high))) for low, high in (rows, columns))


def twins(figure):
    """A sentence for each pair of series in one picture that only a reader who sees colours could tell apart."""
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        looks = [look(handle) for handle in handles]
        for (one, (colour, form)), (other, (other_colour, other_form)) in combinations(
            zip(labels, looks, strict=True), 2
        ):
            if form == other_form and colour != other_colour:
                yield f"{one!r} and {other!r} differ in nothing but colour: {form}."


def look(handle):
    """The colour of a series, and what else it is told by: dashes, marker, hatch, whether it is hollow."""
    form = [type(handle).__name__]
    while isinstance(handle, tuple):  # of error bars the line, of bars the first
        handle = handle[0]
    if isinstance(handle, Line2D):
        dashes = handle.get_linestyle(), handle._dash_pattern
        hollow = handle.get_marker() not in ("None", None, "") and handle.get_markerfacecolor() == "white"
        return to_rgb(handle.get_color()), (*form, str(dashes), handle.get_marker(), hollow)
    if isinstance(handle, PathCollection):
        fill, edge = (
            tuple(colours[0][:3]) if len(colours) else None
            for colours in (handle.get_facecolor(), handle.get_edgecolor())
        )
        hollow = fill in (None, (1, 1, 1))
        return edge if hollow else fill, (*form, handle.get_paths()[0].vertices.tobytes(), hollow)
    hollow = not handle.get_fill()
    colour = handle.get_edgecolor() if hollow else handle.get_facecolor()
    return tuple(colour[:3]), (
        *form,
        handle.get_hatch(),
        str(handle.get_linestyle()),
        str(handle._dash_pattern),
        hollow,
    )
