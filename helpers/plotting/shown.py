"""How a notebook shows a figure: at twice its pixels, with words for who does not see it, and its numbers.

IPython asks one object for the PNG of whatever a cell shows. Here is one that adds to a figure's PNG what it should be
shown at and described by, in the metadata of the output:

    {"width": pixels, "height": pixels, "alt": a sentence, "tables": as `helpers.plotting.described.tables`}
"""

import base64
import io
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from IPython import get_ipython
from IPython.core.formatters import PNGFormatter
from IPython.core.pylabtools import print_figure, retina_figure
from PIL import Image

KEPT = 64  # so many of a picture's colours are kept exactly
QUICK = {"compress_level": 1}  # what is drawn is written once more, smaller


class DescribedPNG(PNGFormatter):
    """The PNG of a figure at twice its pixels, described; of anything else what IPython shows."""

    def __call__(self, obj: Any) -> Any:
        """The PNG and its metadata. What IPython was told of figures by somebody else stays as it was told."""
        options = self._options(obj)
        if not self.enabled or options is None:
            return super().__call__(obj)
        made = retina_figure(obj, **{"pil_kwargs": QUICK, **options})
        if made is None:  # an empty figure
            return None
        png, size = made
        return base64.b64encode(small(png)).decode(), {**size, **in_words(obj)}

    def _options(self, obj: Any) -> dict[str, Any] | None:
        """How IPython would draw a figure as a PNG; None for what is no figure, or is drawn in another way."""
        drawing = sys.modules.get("matplotlib.figure")  # where it is not loaded, nothing is a figure
        if drawing is None or not isinstance(obj, drawing.Figure):
            return None
        try:
            printer = self.lookup(obj)
        except KeyError:
            return None
        if getattr(printer, "func", None) not in (print_figure, retina_figure):
            return None
        return {name: value for name, value in printer.keywords.items() if name not in ("fmt", "base64")}


def describe_figures() -> None:
    """From now on this kernel shows figures described; nothing happens where there is no kernel."""
    shell = get_ipython()
    formatters = getattr(getattr(shell, "display_formatter", None), "formatters", {})
    before = formatters.get("image/png")
    if type(before) is PNGFormatter:
        # The tables of who draws what are shared, so that whoever holds the old one tells the new one, too.
        shared = ("singleton_printers", "type_printers", "deferred_printers")
        tables: dict[str, Any] = {name: getattr(before, name) for name in shared}
        after = DescribedPNG(parent=before.parent, enabled=before.enabled)
        for name, table in tables.items():
            after._trait_values[name] = table
        formatters["image/png"] = after


def small(png: bytes) -> bytes:
    """The PNG with at most 256 colours, less than half as large; as it is, if something shines through."""
    drawn = Image.open(io.BytesIO(png)).convert("RGBA")
    if drawn.getchannel("A").getextrema() != (255, 255):
        return png
    picture = drawn.convert("RGB")
    fewer = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette = np.array(fewer.getpalette()).reshape(-1, 3)
    counted = sorted(picture.getcolors(picture.width * picture.height) or [])
    for _, colour in counted[-KEPT:]:  # white stays white: the commonest last, if two are taken for one
        palette[np.square(palette - colour).sum(axis=1).argmin()] = colour
    fewer.putpalette(palette.ravel().tolist())
    file = io.BytesIO()
    fewer.save(file, "png")
    return file.getvalue()


def metadata_of(png: bytes, **said: Any) -> dict[str, Any]:
    """What an output says beside a PNG of twice the pixels: its size on the page, and the words."""
    width, height = Image.open(io.BytesIO(png)).size
    return {"width": width // 2, "height": height // 2, **said}


def in_words(figure: Any) -> dict[str, Any]:
    """The sentence and the tables of a figure; what cannot be read is told by its titles and axes alone."""
    from helpers.plotting.described import briefly, described, tables

    return {
        "alt": _either(lambda: described(figure), lambda: briefly(figure), "A figure."),
        "tables": _either(lambda: tables(figure), list, []),
    }


def _either(first: Callable[[], Any], second: Callable[[], Any], third: Any) -> Any:
    """What the first gives, or the second where that fails: no figure may remain unseen for want of words."""
    for way in (first, second):
        try:
            return way()
        except Exception:  # a figure may hold anything
            continue
    return third
