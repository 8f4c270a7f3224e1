"""Everybody can read the pictures of `helpers.plotting`; and pictures that not everybody can read are found.

The pictures of the lessons are asked the same where they are drawn, by `tests.between_cells`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from helpers import plotting
from helpers.evaluation.splitter import WalkForward
from tests.pictures import contrast, faint_texts, twins


def network():
    from helpers.models.lecture import make_model

    return make_model(7, 5, hidden_units=4, n_factors=2, n_factor_inputs=3)


def surfaces(scale=1.0):
    grid = np.linspace(-1, 1, 21)
    slope = scale * np.stack([np.add.outer(0 * grid, 5 * grid), np.outer(grid, grid)], axis=2)
    return {"linear": slope, "curved": slope**2, "flat": np.full_like(slope, 0.9 * np.abs(slope).max())}


random = np.random.default_rng(0)
SERIES = {name: random.normal(size=9).cumsum() for name in "abcde"}
CLOUD = random.normal(0, 0.1, (9, 2))
TABLE6 = pd.DataFrame(
    {"ours": 10.0, "se": 0.5, "truth": 40.0, "paper": 11.0},
    pd.MultiIndex.from_product([["linear"], ["IPCA", "CA1"], [1, 2, 3]], names=["case", "model", "n_factors"]),
)
ALPHAS = pd.DataFrame({"alpha": [0.01, 0.02, -0.01], "standard error": 0.01, "t": [3.5, 2.9, -3.1]})
EXAMPLES = {
    "draw_factor_model": [
        lambda: plotting.draw_factor_model("F", ticker=0, title="F given"),
        lambda: plotting.draw_factor_model("characteristics", ticker=1, date=3),
        plotting.draw_factor_model,
    ],
    "draw_course": [plotting.draw_course],
    "draw_autoencoder": [lambda: plotting.draw_autoencoder(title="narrow")],
    "draw_conditional_autoencoder": [
        lambda: plotting.draw_conditional_autoencoder(title="one date"),
        lambda: plotting.draw_conditional_autoencoder(factors="regression"),
    ],
    "draw_instrumented_pca": [lambda: plotting.draw_instrumented_pca(title="one date")],
    "draw_network": [lambda: plotting.draw_network(network(), title="layers")],
    "draw_folds": [
        lambda: plotting.draw_folds(
            WalkForward(n_train=5, n_validation=4, n_test=2, purge=1, embargo=1), 12, title="folds"
        )
    ],
    "draw_timeline": [plotting.draw_timeline, lambda: plotting.draw_timeline({"one": {"r": (1.0, "target")}}, "late")],
    "plot_estimates": [lambda: plotting.plot_estimates(CLOUD, CLOUD + 0.01, ["market", "size"], title="near")],
    "plot_regression_line": [
        lambda: plotting.plot_regression_line(*CLOUD.T, 0.01, 1.0, title="a line", truth=(0, 1.2))
    ],
    "plot_cross_section": [lambda: plotting.plot_cross_section(*CLOUD.T, 0.01, truth=0.02, title="a date", reach=0.3)],
    "plot_lines": [
        lambda: plotting.plot_lines(
            range(9), SERIES, truth=SERIES["a"], zero=True, title="five", xlabel="x", ylabel="y"
        ),
        lambda: plotting.plot_lines(range(9), {"a": np.exp(SERIES["a"])}, log=True),
    ],
    "plot_bars": [lambda: plotting.plot_bars({"one": 0.123, "two": -0.05, "three": 0.39}, title="bars", ceiling=0.4)],
    "plot_intervals": [lambda: plotting.plot_intervals({"a": (1.0, 0.25), "b": (-2.0, 0.5)}, title="two", xlabel="%")],
    "plot_histograms": [lambda: plotting.plot_histograms(SERIES, title="five", xlabel="x")],
    "plot_table": [lambda: plotting.plot_table(TABLE6, title="Table 6")],
    "plot_shares": [
        lambda: plotting.plot_shares([0.9, 0.8, 0.1, 0.7], 2, title="kept"),
        lambda: plotting.plot_shares(np.full(20, 0.05), 20),
    ],
    "plot_matrix": [lambda: plotting.plot_matrix(np.where(CLOUD > 0.1, np.nan, CLOUD), title="cells")],
    "plot_matrices": [lambda: plotting.plot_matrices({"R": CLOUD, "r̂": 2 * CLOUD}, title="two")],
    "plot_beta_surfaces": [
        lambda: plotting.plot_beta_surfaces(surfaces(), title="β"),
        lambda: plotting.plot_beta_surfaces(surfaces(-1)),
    ],
    "plot_curves": [lambda: plotting.plot_curves(CLOUD, {"one": CLOUD, "two": CLOUD**2}, truth=-CLOUD, title="curves")],
    "plot_dots": [
        lambda: plotting.plot_dots(
            pd.DataFrame({"truth": [3.0, 1], "network": [2.5, 0.5], "IPCA": [0.0, 1]}, ["c1", "c2"])
        )
    ],
    "plot_alphas": [
        lambda: plotting.plot_alphas([0.01, 0.02, -0.01], {"one": ALPHAS, "two": ALPHAS, "three": ALPHAS}, title="α")
    ],
}


def test_every_picture_of_the_course_has_an_example():
    assert set(EXAMPLES) == {name for name in dir(plotting) if name.startswith(("draw_", "plot_"))}


@pytest.mark.parametrize("name", EXAMPLES)
def test_text_stands_out_and_series_differ_in_more_than_colour(name):
    for draw in EXAMPLES[name]:
        figure = draw()
        assert [*faint_texts(figure), *twins(figure)] == []


LONG = "a name about as long as names of models get"
WITH_LONG_LABELS = [
    lambda: plotting.plot_intervals({"short": (0.0, -1.0, 1.0), LONG: (1.0, 0.5, 1.5)}),
    lambda: plotting.plot_beta_surfaces(surfaces(0.23)),
    lambda: plotting.plot_beta_surfaces({name: one[:, :, [0, 1, 0, 1]] for name, one in surfaces().items()}),
]


@pytest.mark.parametrize("draw", [*(draw for draws in EXAMPLES.values() for draw in draws), *WITH_LONG_LABELS])
def test_nothing_is_cut_off_at_the_size_at_which_a_notebook_stores_it(draw):
    """Letters of few pixels are wider or narrower than the same at twice their size."""
    figure = draw()
    figure.set_dpi(2 * figure.dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert min(shown.x0, shown.y0, width - shown.x1, height - shown.y1) > -0.001
    for axes in figure.axes:
        frame = axes.get_window_extent()
        for text in axes.texts:
            if text.get_clip_box() is not None and not hasattr(text, "arrow_patch") and (box := text.get_bbox_patch()):
                inside = box.get_window_extent()
                assert frame.x0 <= inside.x0 + 1 and inside.x1 - 1 <= frame.x1, text.get_text()
                assert frame.y0 <= inside.y0 + 1 and inside.y1 - 1 <= frame.y1, text.get_text()


def test_contrast_is_that_of_the_guidelines():
    assert contrast(to_rgb("black"), to_rgb("white")) == pytest.approx(21)
    assert contrast(to_rgb("#777777"), to_rgb("white")) == pytest.approx(4.48, abs=0.01)  # their best known border line
    assert contrast(to_rgb("red"), to_rgb("red")) == 1


def drawn(paint):
    """A figure with two bars, blue and pale, on which something was painted."""
    figure, axes = plt.subplots()
    axes.bar([0, 1], [1, 1], color=[plotting.BLUE, plotting.GIVEN])
    paint(axes)
    plt.close(figure)
    return figure


def say(x, **look):
    return lambda axes: axes.text(x, 0.5, "words", ha="center", **look)


@pytest.mark.parametrize(
    ("paint", "faint"),
    [
        (say(1), False),
        (say(0, color="white"), False),
        (say(0), True),
        (say(0, color=plotting.BLUE), True),
        (say(0, bbox={"facecolor": "white", "edgecolor": "none"}), False),
        (say(1, color=plotting.GREY), True),
        (say(1, alpha=0.4), True),
        (say(1, visible=False, color=plotting.GIVEN), False),
        (lambda axes: axes.set_xlabel("x", color="#999999"), True),
        (lambda axes: axes.tick_params(labelcolor="#AAAAAA"), True),
        (lambda axes: axes.set_title("β", color="#666666"), False),
    ],
)
def test_faint_text_is_found(paint, faint):
    assert bool([*faint_texts(drawn(paint))]) == faint


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"color": "red"}, {"color": "blue"}, True),
        ({"color": "red"}, {"color": "blue", "ls": "--"}, False),
        ({"color": "red"}, {"color": "blue", "ls": (0, (3, 1))}, False),
        ({"color": "red", "marker": "o"}, {"color": "blue", "marker": "s"}, False),
        ({"color": "red", "marker": "o"}, {"color": "blue", "marker": "o", "mfc": "white"}, False),
        ({"color": "red", "marker": "o"}, {"color": "blue", "marker": "o"}, True),
        ({"color": "red"}, {"color": "red"}, False),
    ],
)
def test_lines_that_differ_in_colour_alone_are_found(one, other, alike):
    figure, axes = plt.subplots()
    for label, look_of_it in (("one", one), ("other", other)):
        axes.plot([0, 1], label=label, **look_of_it)
    plt.close(figure)
    assert bool([*twins(figure)]) == alike


def test_clouds_and_bars_that_differ_in_colour_alone_are_found():
    figure, (clouds, bars) = plt.subplots(1, 2)
    for colour in ("red", "blue"):
        clouds.scatter([0, 1], [0, 1], color=colour, label=f"{colour} cloud")
        bars.bar([0, 1], [1, 1], color=colour, label=f"{colour} bars")
    clouds.scatter([0, 1], [0, 1], marker="s", color="green", label="squares")
    clouds.scatter([0, 1], [0, 1], facecolor="white", edgecolor="green", label="hollow")
    bars.bar([0, 1], [1, 1], color="green", hatch="//", label="hatched")
    plt.close(figure)
    assert [sentence.split(" differ")[0] for sentence in twins(figure)] == [
        "'red cloud' and 'blue cloud'",
        "'red bars' and 'blue bars'",
    ]
