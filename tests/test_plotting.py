import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from sklearn.model_selection import KFold

from helpers import plotting
from helpers.evaluation.splitter import WalkForward
from helpers.plotting.timeline import TIMINGS
from tests.common import assert_refused
from tools.refresh import PICTURE, refresh_picture


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_number_of_question_marks_is_the_number_of_unknowns_in_the_picture():
    n_dates, n_tickers, n_factors, legend = 8, 6, 3, 1
    assert texts(plotting.draw_factor_model("F", ticker=2)).count("?") == n_factors + legend
    assert texts(plotting.draw_factor_model("beta", date=2)).count("?") == n_factors + legend
    assert texts(plotting.draw_factor_model()).count("?") == (n_dates + n_tickers) * n_factors + legend
    by_characteristics = texts(plotting.draw_factor_model("characteristics", date=2))
    assert by_characteristics.count("?") == (1 + n_tickers) * n_factors + legend
    assert texts(plotting.draw_course()).count("?") == 3 + 3 + 42 + 21 + 4 * legend


def test_gamma_and_the_factors_of_one_date_are_the_unknowns_of_instrumented_pca():
    n_chars, n_factors, legend = 5, 3, 1
    words = texts(plotting.draw_instrumented_pca(title="one date"))
    assert words.count("?") == n_chars * n_factors + n_factors + legend


@pytest.mark.parametrize(
    ("factors", "read"),
    [
        ("weights", ["Factor network", r"portfolios $\mathbf{x}^{(d)}$", r"returns $\mathbf{r}^{(d)}$ of all tickers"]),
        ("regression", ["Regression of the date", r"returns $\mathbf{r}^{(d)}$ of all tickers"]),
    ],
)
def test_the_conditional_autoencoder_is_drawn_with_its_words_apart(factors, read):
    figure = plotting.draw_conditional_autoencoder(title="one date", factors=factors)
    words = texts(figure)
    n_rows, n_factors, legend = 4, 3, 1
    assert words.count("?") == (n_rows + 1) * n_factors + legend
    assert {"Beta network", "Dot", "$s = 1$", "$n_{tickers}$", "hidden layer,\nactivation $g$", *read} <= set(words)
    assert (r"portfolios $\mathbf{x}^{(d)}$" in words) == (factors == "weights")
    figure.dpi *= 2  # the size at which a notebook stores it, and at which it was laid out
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    assert not [(one, other) for i, one in enumerate(boxes) for other in boxes[:i] if one.overlaps(other)]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and figure.bbox.y0 <= box.y0 for box in boxes)


def test_the_picture_of_the_readme_is_the_one_that_the_code_draws(tmp_path):
    assert refresh_picture(tmp_path / "course.png") == "changed"
    assert refresh_picture(tmp_path / "course.png") == "unchanged"
    drawn, stored = plt.imread(tmp_path / "course.png"), plt.imread(PICTURE)
    assert drawn.shape == stored.shape and np.abs(drawn - stored).mean() < 0.01, "run make refresh"


def test_the_network_is_drawn_from_the_model():
    from helpers.models.lecture import make_model

    model = make_model(7, 5, hidden_units=4, n_factors=2, n_factor_inputs=3)
    figure = plotting.draw_network(model)
    words = texts(figure)
    assert {layer.name for layer in model.layers} <= set(words)
    assert any("Dense (relu)" in text and "(7, 4)" in text and "24 weights" in text for text in words)
    arrows = [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 6  # three steps on the Beta side, one on the Factor side, two into Dot


def test_the_network_of_a_sequential_model_is_a_chain():
    from helpers.models.backend import keras

    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(2, name="encoder"), keras.layers.Dense(4, name="decoder")]
    )
    assert {"encoder", "decoder"} <= set(texts(plotting.draw_network(model)))


def test_the_folds_are_bars_over_their_dates_the_oldest_on_top():
    splitter = WalkForward(n_train=5, n_validation=4, n_test=2, purge=1, embargo=1)
    axes = plotting.draw_folds(splitter, pd.date_range("2000-01-31", periods=12, freq="ME")).axes[0]
    bars = [(round(bar.get_y() + bar.get_height() / 2), bar.get_x() + 0.5, bar.get_width()) for bar in axes.patches]
    assert bars == [
        (0, 0, 4), (0, 4, 1), (0, 5, 2), (0, 7, 2), (0, 9, 2),
        (1, 0, 6), (1, 6, 1), (1, 7, 2), (1, 9, 2), (1, 11, 1),
    ]  # fmt: skip
    assert axes.get_ylim() == (1.5, -0.5) and axes.get_yticks().tolist() == [0, 1]
    assert "2000-01-31" in [text.get_text() for text in axes.get_xticklabels()]


def test_the_parts_of_a_fold_differ_by_hatch_and_not_by_colour_alone():
    figure = plotting.draw_folds(WalkForward(n_train=5, n_validation=4, purge=1), 12)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["training", "left out", "validation", "test"]
    looks = {(to_hex(bar.get_facecolor()), bar.get_hatch()) for bar in figure.axes[0].patches}
    assert len({colour for colour, _ in looks}) == len({hatch for _, hatch in looks}) == len(looks) == 4


def test_parts_that_no_fold_has_are_not_in_the_legend():
    figure = plotting.draw_folds(WalkForward(n_train=5, expanding=False), 9)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["training", "test"]
    assert [bar.get_x() + 0.5 for bar in figure.axes[0].patches] == [0, 5, 1, 6, 2, 7, 3, 8]


def test_forty_folds_fit_a_page():
    width, height = plotting.draw_folds(WalkForward(n_train=5, n_validation=2), 47).canvas.get_width_height()
    assert width <= 900 and height <= 1300


def test_a_forecast_is_known_before_its_target_and_after_all_that_it_is_made_of():
    for rows in TIMINGS.values():
        when = {kind: [t for t, of in rows.values() if of == kind] for kind in ("input", "made", "forecast", "target")}
        (forecast,), (target,) = when["forecast"], when["target"]
        assert max(when["input"]) <= forecast < target
    figure = plotting.draw_timeline(title="when")
    drawn = [[line.get_xdata()[0] for line in axes.lines if line.get_marker() != "None"] for axes in figure.axes]
    assert drawn == [[t for t, _ in rows.values()] for rows in TIMINGS.values()]


def test_estimates_are_drawn_where_they_are_and_the_truth_is_a_dashed_black_diagonal():
    truth, estimates = np.array([[0.0], [1.0], [2.0]]), np.array([[0.1], [0.9], [2.2]])
    axes = plotting.plot_estimates(truth, estimates).axes[0]
    assert np.allclose(axes.collections[0].get_offsets(), np.hstack([truth, estimates]))
    (diagonal,) = axes.lines
    assert diagonal.get_linestyle() == "--" and to_hex(diagonal.get_color()) == "#000000"
    assert np.allclose(diagonal.get_xdata(), diagonal.get_ydata())


def test_the_fitted_line_goes_through_alpha_plus_beta_x():
    axes = plotting.plot_regression_line(
        np.array([-0.1, 0.0, 0.2]), np.array([0.0, np.nan, 0.1]), alpha=0.01, beta=2.0
    ).axes[0]
    assert np.allclose(axes.lines[0].get_xdata(), [-10, 20])
    assert np.allclose(axes.lines[0].get_ydata(), [1 - 20, 1 + 40])


def test_the_line_of_a_cross_section_passes_through_the_origin_with_the_factor_as_its_slope():
    figure = plotting.plot_cross_section(
        np.array([0.5, 2.0]), np.array([np.nan, 0.1]), factor=0.03, truth=0.04, reach=0.2
    )
    axes = figure.axes[0]
    _, fitted, true = axes.lines
    assert np.allclose(fitted.get_xydata(), [[0, 0], [2, 6]]) and np.allclose(true.get_xydata(), [[0, 0], [2, 8]])
    assert axes.get_ylim() == (-20, 20)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["fitted: F = 3.0 %", "true: F = 4.0 %"]


def test_matrices_side_by_side_share_their_colours():
    figure = plotting.plot_matrices(
        {"R": np.full((3, 2), 0.1), "fitted": np.zeros((3, 2)), "rest": np.full((3, 2), -0.2)}
    )
    images = [axes.images[0] for axes in figure.axes[:3]]
    assert {image.get_clim() for image in images} == {(-20.0, 20.0)}
    assert np.allclose(images[2].get_array(), -20)
    assert [axes.get_title() for axes in figure.axes[:3]] == ["R", "fitted", "rest"]


def test_lines_differ_by_style_and_not_by_colour_alone():
    names = ["a", "b", "c", "d", "e"]
    axes = plotting.plot_lines([1, 2], {name: [0, 1] for name in names}, truth=[1, 1]).axes[0]
    assert len({str(line._dash_pattern) for line in axes.lines}) == 6


def test_bars_carry_their_numbers_and_the_ceiling():
    axes = plotting.plot_bars({"one": 0.123, "two": -0.05}, ceiling=0.4).axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([12.3, -5.0])
    assert {"12.3", "-5.0"} <= {text.get_text() for text in axes.texts}
    assert axes.lines[1].get_xdata()[0] == pytest.approx(40)


def test_shares_kept_are_filled_and_the_others_hatched():
    axes = plotting.plot_shares([0.5, 0.3, 0.2], n_factors=1).axes[0]
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([50, 30, 20])
    assert [bar.get_hatch() for bar in axes.patches] == [None, "//", "//"]


def test_a_missing_cell_is_marked():
    axes = plotting.plot_matrix([[0.01, np.nan], [-0.02, 0.0]]).axes[0]
    assert list(axes.lines[0].get_xdata()) == [1] and list(axes.lines[0].get_ydata()) == [0]


def test_surfaces_share_their_scale_across_models():
    grid = np.linspace(-1, 1, 11)
    truth = np.add.outer(grid, 2 * grid)[:, :, None]
    figure = plotting.plot_beta_surfaces({"truth": truth, "flat": np.full_like(truth, 0.1)})
    limits = {axes.collections[0].get_clim() for axes in figure.axes[:2]}
    assert limits == {(-3.0, 3.0)}
    assert any("nearly flat, about 0.1" in text for text in texts(figure))


def test_curves_pass_through_their_points():
    points = np.array([[0.01, 0.02], [0.03, 0.01]])
    axes = plotting.plot_curves(points, {"model": points}, truth=points[::-1]).axes[0]
    assert np.allclose(axes.lines[0].get_xydata(), 100 * points)
    assert axes.lines[1].get_linestyle() == "--"


def test_drawing_leaves_neither_open_figures_nor_settings_behind():
    before = dict(plt.rcParams)
    plotting.draw_autoencoder()
    plotting.draw_conditional_autoencoder(title="one date")
    assert plt.get_fignums() == [] and dict(plt.rcParams) == before


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: plotting.draw_factor_model("everything"), ValueError, "given must be one of"),
        (lambda: plotting.draw_factor_model("F"), TypeError, "ticker must be a whole number"),
        (lambda: plotting.draw_factor_model("beta", date=9), ValueError, "date must be between 0 and 7"),
        (lambda: plotting.draw_autoencoder((3, 50)), ValueError, "sizes must be between 1 and 20"),
        (lambda: plotting.plot_lines([1, 2], {}), ValueError, "lines must hold 1 to 5"),
        (lambda: plotting.plot_lines([1, 2], {"a": [1]}), ValueError, "has 1 values"),
        (lambda: plotting.plot_estimates([[1.0]], [[1.0], [2.0]]), ValueError, "estimates"),
        (lambda: plotting.plot_shares([0.5, 0.5], 3), ValueError, "n_factors must be between 0 and 2"),
        (lambda: plotting.plot_matrix("text"), TypeError, "values must hold numbers"),
        (lambda: plotting.plot_matrix([[np.nan]]), ValueError, "nothing to draw"),
        (lambda: plotting.plot_curves([[1.0, 2.0, 3.0]], {}), ValueError, "points"),
        (lambda: plotting.plot_cross_section([1.0, 2.0], [0.1], 0.03), ValueError, "returns"),
        (lambda: plotting.plot_cross_section([1.0], [0.1], 0.03, reach=0), ValueError, "reach must be"),
        (lambda: plotting.plot_matrices({"R": [[1.0]]}), ValueError, "2 to 4"),
        (lambda: plotting.plot_matrices({"R": [[1.0]], "S": [[1.0, 2.0]]}), ValueError, "S"),
        (lambda: plotting.plot_bars({}), ValueError, "values"),
        (lambda: plotting.plot_beta_surfaces({}), ValueError, "surfaces"),
        (lambda: plotting.draw_conditional_autoencoder(factors="F"), ValueError, "factors must be one of"),
        (lambda: plotting.draw_network("model"), TypeError, "keras"),
    ],
)
def test_bad_input_is_refused_in_words(call, error, words):
    with pytest.raises(error, match=words):
        call()
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: plotting.plot_curves([[0.0, 1.0]], {str(i): [[0.0, 1.0]] for i in range(7)}),
            ValueError,
            ("curves", "7"),
        ),
        (lambda: plotting.draw_folds("cv", 10), TypeError, ("splitter must be a WalkForward", "str")),
        (lambda: plotting.draw_folds(KFold(), 10), TypeError, ("splitter must be a WalkForward", "KFold")),
        (lambda: plotting.draw_timeline({}), ValueError, ("at least one panel",)),
        (lambda: plotting.draw_timeline({"a": {"r": (1, "hope")}}), ValueError, ("input, made", "'hope'")),
        (lambda: plotting.draw_folds(WalkForward(5), None), TypeError, ("dates", "None")),
        (lambda: plotting.draw_folds(WalkForward(5), 46), ValueError, ("41 folds", "raise n_test")),
        (lambda: plotting.draw_folds(WalkForward(5), 5), ValueError, ("n_train = 5", "at least 6")),
        (lambda: plotting.draw_factor_model("beta", ticker=9, date=3), ValueError, ("ticker", "9")),
        (lambda: plotting.plot_estimates(np.ones((3, 2)), np.ones((3, 2)), names=["a"]), ValueError, ("names", "2")),
        (lambda: plotting.plot_beta_surfaces({"a": np.ones((3, 4, 1))}), ValueError, ("square", "(3, 4, 1)")),
    ],
)
def test_bad_input_to_a_picture_is_refused(call, error, words):
    assert_refused(call, error, *words)


def test_intervals_reach_two_standard_errors_to_each_side():
    axes = plotting.plot_intervals({"a": (1.0, 0.25), "b": (-2.0, 0.5)}).axes[0]
    (segments,) = [collection.get_segments() for collection in axes.collections]
    assert [segment[:, 0].tolist() for segment in segments] == [[0.5, 1.5], [-3.0, -1.0]]
    assert [text.get_text() for text in axes.texts] == ["+1.0 ± 0.5", "-2.0 ± 1.0"]
    with pytest.raises(ValueError, match="estimates is empty"):
        plotting.plot_intervals({})


def test_intervals_may_be_given_by_their_two_ends():
    axes = plotting.plot_intervals({"a": (1.0, 0.5, 3.0), "b": (-2.0, -2.5, 0.5)}).axes[0]
    (segments,) = [collection.get_segments() for collection in axes.collections]
    assert [segment[:, 0].tolist() for segment in segments] == [[0.5, 3.0], [-2.5, 0.5]]
    assert [text.get_text() for text in axes.texts] == ["+1.0 (0.5 to 3.0)", "-2.0 (-2.5 to 0.5)"]
    with pytest.raises(ValueError, match=r"\(value, error\) or \(value, low, high\); 4"):
        plotting.plot_intervals({"a": (1.0, 0.5, 3.0, 2.0)})
    with pytest.raises(ValueError, match=r"interval of 'b', \(0.5, 1.0, 3.0\), must hold its value"):
        plotting.plot_intervals({"a": (1.0, 0.5, 3.0), "b": (0.5, 1.0, 3.0)})


def test_the_table_has_a_picture_for_each_case_and_model_with_three_lines():
    index = pd.MultiIndex.from_product(
        [["linear", "nonlinear"], ["IPCA", "CA1", "CA3"], [1, 2]], names=["case", "model", "n_factors"]
    )
    numbers = np.arange(12.0)
    table = pd.DataFrame({"ours": numbers, "se": 0.5, "truth": 40.0, "paper": numbers + 1}, index)
    figure = plotting.plot_table(table)
    assert [axes.get_title() for axes in figure.axes] == ["IPCA", "CA1", "CA3", "", "", ""]
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "", "K", "K", "K"]
    truth, paper, ours, *_ = figure.axes[4].lines
    assert truth.get_ydata().tolist() == [40, 40]
    assert paper.get_ydata().tolist() == [9, 10] and ours.get_ydata().tolist() == [8, 9]


def test_dots_stand_where_their_numbers_are_and_the_truth_is_a_bar():
    table = pd.DataFrame({"truth": [3.0, 1.0], "network": [2.5, 0.5], "IPCA": [0.0, 1.0]}, ["c1", "c2"])
    axes = plotting.plot_dots(table).axes[0]
    bars, network, ipca, *_ = axes.lines
    assert [line.get_xdata().tolist() for line in (bars, network, ipca)] == [[3, 1], [2.5, 0.5], [0, 1]]
    assert bars.get_marker() == "|" and to_hex(bars.get_color()) == "#000000"
    assert to_hex(network.get_color()).upper() == plotting.BLUE and network.get_marker() != ipca.get_marker()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["c1", "c2"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first row on top
    assert_refused(lambda: plotting.plot_dots({"a": 1}), TypeError, "table", "dict")
    assert_refused(
        lambda: plotting.plot_dots(pd.DataFrame(np.ones((2, 4)))), ValueError, "table", "(2, 4)", "second figure"
    )
    assert_refused(lambda: plotting.plot_dots(table * np.nan), ValueError, "table", "NaN")


def test_alphas_with_large_t_are_filled_and_counted_and_those_of_no_model_lie_on_the_diagonal():
    means = np.array([0.01, 0.02, -0.01])
    errors = pd.DataFrame({"alpha": means, "standard error": 0.01, "t": [3.5, 2.9, -3.1]})
    unknown = errors.assign(t=np.nan)
    figure = plotting.plot_alphas(means, {"none": errors, "unknown": unknown, "third": errors})
    titles = [axes.get_title(loc="center") for axes in figure.axes]
    assert titles == ["none: 2 of 3", "unknown: 0 of 3", "third: 2 of 3", ""]
    assert [axes.get_visible() for axes in figure.axes] == [True, True, True, False]
    filled, hollow = figure.axes[0].collections
    assert np.allclose(filled.get_offsets(), [[1, 1], [-1, -1]]) and np.allclose(hollow.get_offsets(), [[2, 2]])
    assert to_hex(filled.get_facecolor()[0]).upper() == plotting.BLUE and to_hex(hollow.get_facecolor()[0]) == "#ffffff"
    assert_refused(lambda: plotting.plot_alphas(means, {}), ValueError, "alphas", "1 to 4", "0")
    assert_refused(lambda: plotting.plot_alphas(means[:2], {"a": errors}), ValueError, "n_portfolios = 2", "(3,)")


def test_histograms_share_their_bins_and_count_every_known_value():
    samples = {"a": [0.0, 1.0, 1.1, np.nan], "b": np.array([3.0, 4.0])}
    axes = plotting.plot_histograms(samples, bins=4).axes[0]
    edges = np.linspace(0, 4, 5)
    for patch, values in zip(axes.patches, samples.values(), strict=True):
        corners = patch.get_xy()
        assert set(corners[:, 0]) == set(edges)
        assert corners[1:-1:2, 1].tolist() == np.histogram(values, edges)[0].tolist()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a, mean 0.70", "b, mean 3.50"]
    a, truth = plotting.plot_histograms({"a": [0.0, 1.0], "truth": [2.0, 3.0]}).axes[0].patches
    assert to_hex(a.get_edgecolor()).upper() == plotting.BLUE and to_hex(truth.get_edgecolor()) == "#000000"
    assert a.get_linestyle() != truth.get_linestyle()
    for bad, words in (
        ({}, "1 to 5"),
        ({"a": [np.nan]}, "'a' holds no known value"),
        ({"a": [[1.0]]}, "samples['a'] must have 1 axes"),
    ):
        assert_refused(lambda bad=bad: plotting.plot_histograms(bad), ValueError, words)
