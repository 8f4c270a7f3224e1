"""Sliders: the picture moves, says what it shows, and is stored; and every lesson's slider is asked about below it."""

import base64
import html
import re

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from helpers import plotting
from helpers.plotting.sliders import Named, slide
from tests.cells import code_cells, ends_in_slide, pictures, read, tags
from tests.common import assert_refused
from tests.test_notebooks import SHORTEST_ALT_TEXT
from tools.refresh import lessons

WITH_SLIDERS = [path for path in lessons() if path.name[:2] >= "01"]
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def draw_line(slope=2, hidden_units=8):
    return plotting.plot_lines([0, 1], {"a": [0, slope], "b": [0, hidden_units]})


def draw_bare(height=1):
    """A figure as a student makes one: it stays open."""
    figure, axes = plt.subplots()
    axes.plot([0, height])
    return figure


def draw_or_fail(height=1):
    plt.figure()
    if height == 2:
        raise ValueError("no <b>height</b> & no width")
    if height == 3:
        raise KeyError
    return height if height == 4 else draw_bare(height)


def shown(slider):
    """The bytes of the picture that is shown, and its alt text."""
    found = re.fullmatch(
        r'<img src="data:image/png;base64,([\w+/=]+)" alt="([^"]*)" width="(\d+)" style="max-width: 100%">',
        slider.picture.value,
    )
    png = base64.b64decode(found.group(1))
    assert png.startswith(b"\x89PNG")
    assert abs(int.from_bytes(png[16:20]) - 2 * int(found.group(3))) <= 1, "it has not twice the pixels it is shown at"
    return png, html.unescape(found.group(2))


def test_the_picture_changes_with_each_slider_and_comes_back():
    slider = slide(draw_line, "Two lines.", slope=[1, 2, 3], hidden_units=range(0, 20, 4))
    start, _ = shown(slider)
    slider.sliders["slope"].value = 3
    steeper, _ = shown(slider)
    slider.sliders["hidden_units"].index = 0
    flat, _ = shown(slider)
    assert len({start, steeper, flat}) == 3
    slider.sliders["slope"].value, slider.sliders["hidden_units"].value = 2, 8
    assert shown(slider)[0] == start
    assert plt.get_fignums() == []


def test_the_picture_is_that_of_the_function_drawn_with_these_values():
    slider = slide(draw_line, "Two lines.", slope=[1, 2, 3])
    slider.sliders["slope"].value = 1
    there = slide(lambda slope=1: draw_line(slope), "Two lines.", slope=[1, 2])
    assert shown(slider)[0] == shown(there)[0]


def test_sliders_start_at_the_default_values_or_else_at_the_first_choice():
    slider = slide(draw_line, "Two lines.", slope=[1, 2, 3], hidden_units={"few": 3, "many": 30})
    assert slider.sliders["slope"].value == 2 and slider.sliders["hidden_units"].label == "few"
    slider = slide(lambda ticker: draw_line(), "Two lines.", ticker=pd.Index(["AAPL", "F"]))
    assert slider.sliders["ticker"].value == "AAPL"
    slider = slide(lambda x=0.3: draw_line(), "Two lines.", x=np.array([0.1, 0.3]))
    assert slider.sliders["x"].value == 0.3


def test_an_argument_without_a_slider_keeps_its_default():
    given = {}

    def draw(slope=2, height=5):
        given.update(slope=slope, height=height)
        return draw_line(slope)

    slide(draw, "Two lines.", slope=[1, 2])
    assert given == {"slope": 2, "height": 5}


def test_sliders_say_what_they_move_and_where_they_stand():
    slider = slide(draw_line, "Two lines.", slope={"gentle": 1, "steep": 2}, hidden_units=[4, 8])
    assert [one.description for one in slider.sliders.values()] == ["slope", "hidden units"]
    assert [one.label for one in slider.sliders.values()] == ["steep", "8"]
    options = slide(draw_line, "x.", slope=np.linspace(0, 1, 11)).sliders["slope"].options
    assert [label for label, _ in options][3] == "0.3"
    # the arrow keys move these
    *movable, picture, named = slider.children
    assert all(isinstance(child, ipywidgets.SelectionSlider) for child in movable)
    assert picture is slider.picture and isinstance(named, Named)


def test_the_alt_text_follows_the_sliders_and_is_escaped():
    slider = slide(draw_line, 'Lines "a" & <b>.', slope={"<gentle>": 1, 'the "steep" one': 2}, hidden_units=[4, 8])
    chart = "Line chart: a from 0 at 0 to {} at 1; b from 0 at 0 to 8 at 1."
    assert shown(slider)[1] == f'Lines "a" & <b>. Now: slope the "steep" one, hidden units 8. {chart.format(2)}'
    slider.sliders["slope"].index = 0
    assert shown(slider)[1] == f'Lines "a" & <b>. Now: slope <gentle>, hidden units 8. {chart.format(1)}'
    assert "<gentle>" not in slider.picture.value and "&lt;gentle&gt;" in slider.picture.value


def test_an_error_while_drawing_is_shown_and_the_next_picture_is_drawn_again():
    slider = slide(draw_or_fail, "A line.", height=[1, 2, 3, 4, 5])
    start, _ = shown(slider)
    said = {2: "no &lt;b&gt;height&lt;/b&gt; &amp; no width", 3: "KeyError", 4: "draw must return a Figure"}
    for height, words in said.items():
        slider.sliders["height"].value = height
        assert slider.picture.value.startswith("<p>This picture could not be drawn: ") and words in slider.picture.value
    slider.sliders["height"].value = 5
    assert shown(slider)[0] != start
    assert plt.get_fignums() == []


def test_no_figure_is_left_open_and_those_of_others_stay():
    others = plt.figure()
    try:
        slider = slide(draw_bare, "A line.", height=[1, 2])
        slider.sliders["height"].value = 2
        assert_refused(lambda: slide(draw_or_fail, "A line.", height=[2, 3]), ValueError, "no <b>height</b>")
        assert plt.get_fignums() == [others.number]
    finally:
        plt.close(others)


def test_the_repr_is_short_and_the_same_each_time():
    one, two = (slide(draw_line, "Two lines.", slope=range(100), hidden_units=[4, 8]) for _ in range(2))
    words = "A picture with a slider for slope (0 to 99) and hidden units (4 to 8). Run this cell to move it."
    assert repr(one) == repr(two) == words


def test_a_notebook_gets_the_widget_the_first_picture_and_the_text():
    slider = slide(draw_line, "Two lines.", slope=[1, 2])
    bundle, metadata = slider._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == {WIDGET_VIEW, "image/png", "text/plain"}
    assert bundle["text/plain"] == repr(slider) and bundle[WIDGET_VIEW]["model_id"] == slider.model_id
    assert base64.b64decode(bundle["image/png"]) == shown(slider)[0]
    said = metadata["image/png"]
    assert said["alt"] == shown(slider)[1]
    assert said["alt"].startswith("Two lines. Now: slope 2. Line chart: a from 0 at 0 to 2 at 1;")
    assert said["tables"][0]["rows"] == [[0, 0, 0], [1, 2, 8]]
    slider.sliders["slope"].value = 1
    again, _ = slide(draw_line, "x.", slope=[1, 2])._repr_mimebundle_()
    stored, metadata = slider._repr_mimebundle_()
    assert stored["image/png"] == bundle["image/png"] == again["image/png"] and metadata["image/png"] == said


def test_choices_may_come_in_any_form():
    sequences = [1, 2], (1, 2), range(1, 3), np.array([1, 2]), pd.Index([1, 2]), (k for k in (1, 2))
    for choices in (*sequences, {"a": 1, "b": 2}, {1: 1, 2: 2}):
        slider = slide(draw_line, "Two lines.", slope=choices).sliders["slope"]
        assert [value for _, value in slider.options] == [1, 2] and slider.value == 2
        assert all(isinstance(label, str) for label, _ in slider.options)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: slide(None, "x", slope=[1, 2]), TypeError, ("draw must be a function", "NoneType")),
        (lambda: slide(Figure(), "x", slope=[1, 2]), TypeError, ("draw must be a function", "Figure was given")),
        (lambda: slide(draw_line, "", slope=[1, 2]), TypeError, ("alt must be a sentence", "''")),
        (lambda: slide(draw_line, None, slope=[1, 2]), TypeError, ("alt must be a sentence", "None")),
        (lambda: slide(draw_line, "x"), ValueError, ("at least one argument", "slide(draw, alt, ticker=range(30))")),
        (lambda: slide(draw_line, "x", slop=[1, 2]), TypeError, ("no argument 'slop'", "slope, hidden_units")),
        (lambda: slide(lambda: draw_line(), "x", slope=[1, 2]), TypeError, ("no argument 'slope'; it has none",)),
        (lambda: slide(draw_line, "x", slope="abc"), TypeError, ("choices of slope", "'abc'")),
        (lambda: slide(draw_line, "x", slope=3), TypeError, ("choices of slope", "3 was given")),
        (lambda: slide(draw_line, "x", slope=[]), ValueError, ("slope needs at least two choices", "none was given")),
        (lambda: slide(draw_line, "x", slope=[1]), ValueError, ("slope needs at least two choices", "1 was given")),
        (lambda: slide(draw_line, "x", slope=[1, 2, 1]), ValueError, ("all different", "1, 2, 1 was given")),
        (lambda: slide(draw_line, "x", slope={"a": 1, "b": 1.0}), ValueError, ("all different", "a, b was given")),
        (
            lambda: slide(draw_line, "x", slope={"a": np.ones(3), "b": np.zeros(3)}),
            TypeError,
            ("choices of slope", "by =="),
        ),
        (lambda: slide(lambda slope: None, "x", slope=[1, 2]), TypeError, ("draw must return a Figure", "NoneType")),
        (lambda: slide(lambda slope: 1 / 0, "x", slope=[1, 2]), ZeroDivisionError, ("division",)),
        (lambda: slide(lambda slope, other: None, "x", slope=[1, 2]), TypeError, ("other",)),
    ],
)  # fmt: skip
def test_bad_input_to_a_slider_is_refused(call, error, words):
    assert_refused(call, error, *words)
    assert plt.get_fignums() == []


# --- The sliders of the lessons ---------------------------------------------------------------------------------------


def test_every_lesson_has_a_slider():
    without = [path.name for path in WITH_SLIDERS if not any(map(ends_in_slide, code_cells(read(path))))]
    assert not without, without


@pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
def test_each_slider_of_a_lesson_is_stored_described_and_asked_about(path):
    cells = read(path).cells
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        if cell.cell_type != "code" or not re.search(r"\bslide\(", cell.source):
            continue
        assert ends_in_slide(cell), f"cell {cell.id} calls slide, and it is not its last line"
        assert "nbval-ignore-output" in tags(cell), cell.id
        assert len(pictures(cell)) == 1 and "Run this cell to move it." in cell.outputs[-1].data["text/plain"], cell.id
        assert len(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")) >= SHORTEST_ALT_TEXT, cell.id
        assert following is not None and following.cell_type == "markdown" and "?" in following.source, (
            f"below the slider of cell {cell.id} nothing is asked"
        )
