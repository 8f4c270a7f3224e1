"""A figure for who does not see it: its words and numbers are true, whatever it holds, and it is shown with them."""

import base64
import io
import json
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import PNGFormatter
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from helpers import plotting
from helpers.plotting import shown
from helpers.plotting.described import LONGEST, MOST_COLUMNS, MOST_ROWS, described, tables
from helpers.plotting.series import plain
from tests.test_pictures import EXAMPLES

FIGURES = [
    pytest.param(draw, id=f"{name}-{i}") for name, draws in EXAMPLES.items() if name != "draw_network"
    for i, draw in enumerate(draws)
]  # fmt: skip


def figure_of(paint):
    """A figure on whose only axes something was painted."""
    figure, axes = plt.subplots()
    paint(axes)
    plt.close(figure)
    return figure


# --- Words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", FIGURES)
def test_every_picture_of_the_course_is_told_shortly_and_the_same_each_time(draw):
    figure = draw()
    alt = described(figure)
    assert 15 < len(alt) <= LONGEST and alt.endswith(".") and "$" not in alt and "\\" not in alt and "nan" not in alt
    assert described(figure) == alt == described(draw())
    if title := figure.get_suptitle() or figure.axes[0].get_title("left"):
        assert plain(title) in alt


@pytest.mark.parametrize(
    "draw, alt",
    [
        (
            lambda: plotting.plot_lines([1, 2, 3, 4], {"up": [1, 0, 9, 4], "flat": [2, 2, 2, 2]}, title="Two",
                                        xlabel="K", ylabel="R², %"),
            "Two. Line chart of R², % over K: up from 1 at 1 to 4 at 4, lowest 0 at 2, highest 9 at 3; "
            "flat 2 throughout.",
        ),
        (
            lambda: plotting.plot_lines(pd.date_range("2000-01-31", periods=3, freq="ME"), {"x": [1, np.nan, 3]}),
            "Line chart: x from 1 at 2000-01-31 to 3 at 2000-03-31.",
        ),
        (
            lambda: plotting.plot_bars({"one": 0.1234, "two": -0.05}, title="Bars", ceiling=0.4),
            "Bars. Bar chart of total R², %: one 12.3, two -5; a line at 40.",
        ),
        (
            lambda: plotting.plot_intervals({"a": (1.0, 0.25), "b": (-2.0, 0.5)}, xlabel="%"),
            "Dots with intervals of %: a 1 (0.5 to 1.5), b -2 (-3 to -1).",
        ),
        (
            lambda: plotting.plot_dots(pd.DataFrame({"truth": [3.0, 1], "net": [2.5, 0.5]}, ["c1", "c2"])),
            "Dot chart: truth: c1 3, c2 1; net: c1 2.5, c2 0.5.",
        ),
        (
            lambda: plotting.plot_matrix(np.array([[0.01, np.nan], [-0.02, 0.03]]), title="R"),
            "R. Heat map of %, date by ticker: 2 × 2 cells from -2 to 3.",
        ),
        (
            lambda: plotting.plot_histograms({"s": [0, 0, 0, 1]}, bins=2, xlabel="t"),
            "Histogram of how often over t: s, mean 0.25 from 0 to 1, most often 0 to 0.5.",
        ),
        (
            lambda: plotting.draw_autoencoder((2, 1, 2), title="Narrow"),
            "Narrow. Diagram: input x; output x̂ ≈ x; bottleneck z; 2 units; Encoder; 1 unit; Decoder.",
        ),
        (lambda: figure_of(lambda axes: axes.scatter([1, 2, 3], [4, 6, 5])),
         "Scatter plot: 3 points, x from 1 to 3, y from 4 to 6."),
        (lambda: figure_of(lambda axes: axes.plot([5], [7], "o")), "Scatter plot: 5 7."),
        (lambda: figure_of(lambda axes: axes.bar(["a", "b"], [1, 2], label="n")), "Bar chart: n: a 1, b 2."),
        (lambda: figure_of(lambda axes: axes.set_title("Nothing yet")), "Nothing yet."),
        (Figure, "An empty figure."),
    ],
)  # fmt: skip
def test_the_words_are_those_of_what_is_drawn(draw, alt):
    assert described(draw()) == alt


def test_what_has_no_room_is_counted():
    figure, panels = plt.subplots(3, 3)
    for i, axes in enumerate(panels.flat):
        axes.set_title(f"A panel with a rather long title, number {i}")
        for j in range(4):
            axes.plot(np.arange(9) ** j, label=f"series {j}")
    plt.close(figure)
    alt = described(figure)
    assert len(alt) <= LONGEST and alt.startswith("9 panels.") and alt.endswith(" more panels.")
    many = figure_of(lambda axes: [axes.plot(np.sin(np.arange(9) + j), label=f"a long name {j}") for j in range(20)])
    assert len(described(many)) <= LONGEST and described(many).endswith(" more.")


def test_formulas_become_words():
    assert plain(r"$\hat{\mathbf{r}}^{(d)} \approx \beta^{\,T} \cdot \mathbf{F}$, %") == "r̂^(d) ≈ β^T · F, %"
    assert plain(r"$n_{tickers} \times \Gamma$") == "n_tickers × Γ"
    assert plain(r"$\lambda$, $\Lambda$") == "λ, Λ"


# --- Numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", FIGURES)
def test_tables_have_a_name_for_each_column_and_are_not_too_large(draw):
    figure = draw()
    made = tables(figure)
    assert json.dumps(made, allow_nan=False) == json.dumps(tables(draw()), allow_nan=False)
    assert bool(made) == figure.axes[0].axison  # a diagram has none
    for table in made:
        assert table["rows"] and len(table["rows"]) <= MOST_ROWS and len(table["columns"]) <= MOST_COLUMNS
        assert {len(row) for row in table["rows"]} == {len(table["columns"])}
        assert all(table["columns"]) and len(set(table["columns"])) == len(table["columns"])


def test_the_numbers_are_those_that_were_drawn():
    x, y = np.arange(5), np.array([1.23456, np.nan, -2, 1e-9, 123456.0])
    (table,) = tables(plotting.plot_lines(x, {"a": y}, truth=2 * x, xlabel="K", ylabel="%", title="T"))
    assert (table["title"], table["columns"], table["note"]) == ("T", ["K", "a (%)", "truth (%)"], "")
    assert table["rows"] == [[0, 1.235, 0], [1, None, 2], [2, -2, 4], [3, 1e-9, 6], [4, 123500, 8]]
    (table,) = tables(plotting.plot_matrix([[0.01, np.nan], [-0.02, 0.03]]))
    assert table["columns"] == ["date by ticker (%)", "0", "1"] and table["rows"] == [[0, 1, None], [1, -2, 3]]
    (table,) = tables(plotting.plot_intervals({"a": (1.0, 0.5, 2.0)}, xlabel="%"))
    assert table["columns"] == ["name", "%", "%, from", "%, to"] and table["rows"] == [["a", 1, 0.5, 2]]
    (table,) = tables(plotting.plot_histograms({"s": [0, 0, 0, 1]}, bins=2, xlabel="t"))
    assert table["rows"] == [[0, 0.5, 3], [0.5, 1, 1]]
    (table,) = tables(figure_of(lambda axes: (axes.scatter([1], [2], label="p"), axes.plot([0, 3], [0, 3], label="l"))))
    assert table["columns"] == ["series", "x", "y"] and table["rows"] == [["l", 0, 0], ["l", 3, 3], ["p", 1, 2]]
    (table,) = tables(figure_of(lambda axes: (axes.scatter([1, 3], [2, 2]), axes.plot([0, 3], [0, 3], label="l"))))
    assert [row[0] for row in table["rows"]] == ["l", "l", "points", "points"]


def test_what_is_left_out_of_a_table_is_said():
    (table,) = tables(plotting.plot_lines(np.arange(240), {"a": np.arange(240)}))
    assert len(table["rows"]) == 60 and table["note"] == "60 of 240 rows, evenly spaced."
    assert table["rows"][0] == [0, 0] and table["rows"][-1] == [239, 239]
    cloud, line = np.random.default_rng(0).normal(0, 1, (2, 500)), ([0, 3], [1, 4])
    (table,) = tables(figure_of(lambda axes: (axes.scatter(*cloud), axes.plot(*line, label="fit"))))
    assert [row for row in table["rows"] if row[0] == "fit"] == [["fit", 0, 1], ["fit", 3, 4]]
    assert len(table["rows"]) == 60 and table["note"] == "60 of 502 rows, evenly spaced."
    many = [([k, k + 0.5 * (k % 2)], [k, 0], f"line {k}") for k in range(70)]
    (table,) = tables(figure_of(lambda axes: [axes.plot(x, y, "o-", label=name) for x, y, name in many]))
    assert table["columns"][0] == "series" and len(table["rows"]) == 60
    (table,) = tables(plotting.plot_matrix(np.ones((100, 30))))
    assert table["note"] == "11 of 30 columns, evenly spaced. 60 of 100 rows, evenly spaced."
    assert table["columns"][1] == "0" and table["columns"][-1] == "29"


def test_each_table_of_a_figure_is_called_by_its_panel():
    given = np.random.default_rng(0).normal(0, 1, (2, 20, 3))
    made = tables(plotting.plot_estimates(*given, title="T", names=["market", "size", "value"]))
    assert [table["title"] for table in made] == ["market", "size", "value"]
    grid = np.linspace(-1, 1, 9)
    squares = {"true": np.outer(grid, grid)[:, :, None]}
    squares["learned"] = squares["true"] / 2
    made = tables(plotting.plot_beta_surfaces(squares))
    assert [table["title"] for table in made] == ["β on factor 1, true c2 by c1", "β on factor 1, learned c2 by c1"]


# --- What nobody has foreseen -----------------------------------------------------------------------------------------


def test_unknown_artists_leave_a_title_and_the_axes():
    def paint(axes):
        axes.set(title="Field", xlabel="east", ylabel="north")
        axes.quiver([0, 1], [0, 1], [1, 0], [0, 1])

    assert described(figure_of(paint)) == "Field." and tables(figure_of(paint)) == []


def test_a_figure_that_cannot_be_read_is_shown_all_the_same(monkeypatch):
    def fail(*_):
        raise RuntimeError("no")

    figure = figure_of(lambda axes: axes.set(title="Field", xlabel="east", ylabel="north"))
    monkeypatch.setattr("helpers.plotting.described.charts_of", fail)
    assert shown.in_words(figure) == {"alt": "A figure: Field, east, north.", "tables": []}
    monkeypatch.setattr("helpers.plotting.described.briefly", fail)
    assert shown.in_words(figure) == {"alt": "A figure.", "tables": []}


# --- In a kernel ------------------------------------------------------------------------------------------------------


@pytest.fixture
def shell(monkeypatch):
    """A shell that is told to show figures as the inline backend does, and then described."""
    one = InteractiveShell()
    one.display_formatter.active_types = ["text/plain", "image/png"]
    monkeypatch.setattr(shown, "get_ipython", lambda: one)
    return one


def test_a_figure_is_shown_at_twice_its_pixels_with_words_and_numbers(shell):
    figure = plotting.plot_bars({"a": 0.1, "b": 0.2}, title="Bars")
    select_figure_formats(shell, {"png"})
    plain_data, _ = shell.display_formatter.format(figure)
    shown.describe_figures()
    data, metadata = shell.display_formatter.format(figure)
    assert set(data) == set(plain_data) and data["text/plain"] == plain_data["text/plain"]
    told = metadata["image/png"]
    assert set(told) == {"width", "height", "alt", "tables"} and told["alt"].startswith("Bars. Bar chart")
    before, after = (Image.open(io.BytesIO(base64.b64decode(each["image/png"]))) for each in (plain_data, data))
    assert (after.width // 2, after.height // 2) == (told["width"], told["height"])
    assert np.abs(np.subtract(after.size, 2 * np.array(before.size))).max() <= 2
    colours = dict(map(reversed, after.convert("RGB").getcolors()))
    assert len(colours) <= 256 and max(colours, key=colours.get) == (255, 255, 255)
    assert tuple(round(255 * part) for part in to_rgb(plotting.BLUE)) in colours  # its main colours are kept exactly
    assert len(data["image/png"]) < 1.5 * len(plain_data["image/png"])  # of four times the pixels
    assert shell.display_formatter.format(figure)[0] == data  # the same bytes


@pytest.mark.parametrize("late", [True, False])
def test_it_serves_figures_whenever_the_backend_comes(shell, late):
    if not late:
        select_figure_formats(shell, {"png"})
    shown.describe_figures()
    shown.describe_figures()
    if late:
        select_figure_formats(shell, {"png"})
    assert "alt" in shell.display_formatter.format(plotting.plot_bars({"a": 0.1}))[1]["image/png"]


def test_what_a_student_has_chosen_stays(shell):
    figure = plotting.plot_bars({"a": 0.1})
    shown.describe_figures()
    assert shell.display_formatter.format(figure)[1] == {}  # nobody asked for pictures
    select_figure_formats(shell, {"png"}, bbox_inches=None, facecolor="none")
    data, metadata = shell.display_formatter.format(figure)
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.size == tuple((2 * figure.dpi * figure.get_size_inches()).round().astype(int))
    assert picture.mode == "RGBA" and picture.getpixel((0, 0))[3] == 0  # what shines through is not filled
    assert metadata["image/png"]["width"] == picture.width // 2
    shell.display_formatter.formatters["image/png"].for_type(Figure, lambda figure: "their own")
    assert shell.display_formatter.format(figure) == ({**data, "image/png": "their own"}, {})
    select_figure_formats(shell, {"svg"})
    assert "image/png" not in shell.display_formatter.format(figure)[0]


def test_other_pictures_are_shown_as_before(shell):
    class Own:
        def _repr_png_(self):
            return b"png", {"width": 3}

    shown.describe_figures()
    assert isinstance(shell.display_formatter.formatters["image/png"], PNGFormatter)
    data, metadata = shell.display_formatter.format(Own())
    assert data["image/png"] and metadata["image/png"] == {"width": 3}
    assert shell.display_formatter.format(Figure())[0].keys() == {"text/plain"}  # it has nothing to show


def test_a_script_pays_nothing():
    code = "import helpers.plotting, sys\nprint({'IPython', 'matplotlib', 'PIL'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
