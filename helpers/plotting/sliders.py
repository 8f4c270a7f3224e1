"""Pictures with sliders. Without a kernel, a notebook shows the picture that was drawn first."""

import base64
import inspect
import io
from collections.abc import Callable, Iterable, Mapping
from html import escape
from itertools import combinations
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from helpers.checks import first_few
from helpers.plotting.shown import QUICK, in_words, metadata_of, small


class Named(anywidget.AnyWidget):
    """Names the sliders beside it, and tells what their picture shows once it has changed, to those who hear them."""

    _esm = Path(__file__).with_name("sliders.js")


class Slider(ipywidgets.VBox):
    """A picture below one slider for each of its choices; see `slide`."""

    def __init__(
        self, draw: Callable[..., Figure], alt: str, choices: Mapping[str, Mapping[str, Any]], start: Mapping[str, Any]
    ) -> None:
        self._draw, self._alt = draw, alt
        self.sliders = {
            name: ipywidgets.SelectionSlider(
                options=list(options.items()),
                index=list(options.values()).index(start[name]),
                description=name.replace("_", " "),
                continuous_update=False,
                style={"description_width": "initial"},
                layout={"width": "95%", "max_width": "34em"},
            )
            for name, options in choices.items()
        }
        self.picture = ipywidgets.HTML()
        super().__init__([*self.sliders.values(), self.picture, Named(layout={"display": "none"})])
        figure = self._figure()
        self._png, self._words = _png(figure), in_words(figure)
        self._words["alt"] = self._sentence(self._words["alt"])
        self._show(self._png, self._words["alt"])
        for slider in self.sliders.values():
            slider.observe(self._moved, names="value")

    def _figure(self):
        before = set(plt.get_fignums())
        try:
            figure = self._draw(**{name: slider.value for name, slider in self.sliders.items()})
            if not isinstance(figure, Figure):
                raise TypeError(
                    "draw must return a Figure, as the functions of helpers.plotting do; "
                    f"it returned a {type(figure).__name__}."
                )
        finally:  # a figure left open would be shown once more below the cell
            for number in set(plt.get_fignums()) - before:
                plt.close(number)
        return figure

    def _sentence(self, seen):
        """What the picture shows, where the sliders stand, and what is seen there."""
        words = ", ".join(f"{slider.description} {slider.label}" for slider in self.sliders.values())
        return f"{self._alt.rstrip()} Now: {words}. {seen}"

    def _show(self, png, alt):
        data, width = base64.b64encode(png).decode(), metadata_of(png)["width"]
        self.picture.value = (
            f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}" width="{width}" style="max-width: 100%">'
        )

    def _moved(self, _):
        try:
            figure = self._figure()
            self._show(_png(figure), self._sentence(in_words(figure)["alt"]))
        except Exception as error:  # what is raised here would be lost in a log that nobody reads
            said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            self.picture.value = (
                f"<p>This picture could not be drawn: {escape(said.rstrip('.'))}. Perhaps a later cell has "
                "changed what it is drawn from: run the cells above once more (Run → Run All Above Selected "
                "Cell), then this one.</p>"
            )

    def __repr__(self) -> str:
        sliders = self.sliders.values()
        ends = [f"{slider.description} ({slider.options[0][0]} to {slider.options[-1][0]})" for slider in sliders]
        return f"A picture with a slider for {' and '.join(ends)}. Run this cell to move it."

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a notebook stores: the widget, which needs a kernel, and the first picture, which does not."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        said = metadata_of(self._png, **self._words)
        data = {**data, "image/png": base64.b64encode(self._png).decode(), "text/plain": repr(self)}
        return data, {**metadata, "image/png": said}


def _png(figure: Figure) -> bytes:
    """The figure at twice its pixels."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=2 * figure.dpi, pil_kwargs=QUICK)
    return small(file.getvalue())


def slide(draw: Callable[..., Figure], alt: str, **choices: Iterable) -> Slider:
    """The picture that `draw` makes, with a slider for each of its arguments that is given choices.

    Parameters
    ----------
    draw : function
        Returns a Figure. Its arguments' default values are where the sliders start; otherwise at their first choice.
    alt : str
        What the picture shows, in a sentence, for readers who do not see it. The choices are added to it.
    **choices : sequence, or dict of label to value
        For each argument, at least two choices in the order of the slider.

    Returns
    -------
    Slider

    Raises
    ------
    TypeError, ValueError
        If draw has no such argument, or does not return a Figure; if there are fewer than two choices, repeated ones,
        or ones that == can't compare, such as arrays.
    """
    if not callable(draw):
        raise TypeError(f"draw must be a function that returns a Figure; a {type(draw).__name__} was given.")
    if not isinstance(alt, str) or not alt.strip():
        raise TypeError(f"alt must be a sentence that says what the picture shows; {alt!r} was given.")
    if not choices:
        raise ValueError(
            "Name at least one argument of draw and its choices, such as slide(draw, alt, ticker=range(30))."
        )
    arguments = inspect.signature(draw).parameters
    options: dict[str, dict[str, Any]] = {}
    start: dict[str, Any] = {}
    for name, values in choices.items():
        if name not in arguments:
            raise TypeError(f"draw has no argument {name!r}; it has {first_few(arguments) or 'none'}.")
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise TypeError(
                f"The choices of {name} must be a sequence, such as range(10) or a list; {values!r} was given."
            )
        pairs = list(values.items()) if isinstance(values, Mapping) else [(value, value) for value in values]
        options[name] = {_label(label): value for label, value in pairs}
        if len(options[name]) < 2 or len(options[name]) < len(pairs) or _has_equals(name, options[name].values()):
            given = first_few(_label(label) for label, _ in pairs) or "none"
            raise ValueError(f"{name} needs at least two choices, all different; {given} was given.")
        first = next(iter(options[name].values()))
        default = arguments[name].default
        offered = any(default is value or default == value for value in options[name].values())
        start[name] = default if offered else first
    return Slider(draw, alt, options, start)


def _label(value):
    return f"{value:g}" if isinstance(value, float) else str(value)


def _has_equals(name, values):
    try:
        return any(one == other for one, other in combinations(values, 2))
    except ValueError:
        raise TypeError(
            f"The choices of {name} can't be told apart by ==. Slide over their names, and look them up in draw."
        ) from None
