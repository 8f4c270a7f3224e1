"""Every public function that takes tables: labels are obeyed or refused, and no other number ever comes back.

Each door is called with tables that agree, and then with one of them, or all, put out of order. It must say what it
said before, label by label, or refuse in a sentence.
"""

import ast
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.base import clone

import helpers
from helpers import CrossSectionalRegression, OutOfSample, Panel, PCAFactors, SimulatedMarket, WalkForward
from helpers.labels import Labelled, factor_names, labelled
from tests.common import assert_refused
from tests.test_contract import MODELS, PANEL, fitted, members

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

N_DATES, N_TICKERS, N_FACTORS = 30, 6, 2
RANDOM = np.random.default_rng(0)
DATES = pd.date_range("2000-01-31", periods=N_DATES, freq="ME", name="date")
LABELS = {
    "dates": DATES,
    "past": pd.date_range("1990-01-31", periods=N_DATES, freq="ME", name="date"),
    "tickers": pd.Index(["IBM", "AAPL", "MSFT", "KO", "GE", "F"], name="ticker"),
    "others": pd.Index(["IBM", "AAPL", "MSFT", "KO", "GE", "F"], name="ticker"),  # the tickers along a second axis
    "factors": factor_names(N_FACTORS),
    "truths": pd.Index(["market", "oil"], name="factor"),
    "two": pd.Index(["IBM", "AAPL"], name="ticker"),
    "portfolios": pd.RangeIndex(1, 4, name="portfolio"),
    "errors": pd.Index(["alpha", "standard error", "t"]),
    "points": pd.RangeIndex(20),
    "characteristics": pd.Index([f"c{j}" for j in range(1, 6)]),
}


class Table(NamedTuple):
    """Numbers with labels, to be dressed as what a user would bring."""

    values: np.ndarray
    axes: tuple[str, ...]
    labels: tuple[pd.Index, ...]

    def frame(self):
        """As pandas has it, where it has at most two axes."""
        if len(self.axes) > 2:
            return self.result()
        return (pd.Series, pd.DataFrame)[len(self.axes) - 1](np.array(self.values), *self.labels)

    def result(self):
        """As what the course computes has it."""
        return labelled(np.array(self.values), *self.labels)

    def taken(self, axis, rows):
        """Some of its rows along an axis, labels and all."""
        labels = (*self.labels[:axis], self.labels[axis][rows], *self.labels[axis + 1 :])
        return Table(self.values.take(rows, axis), self.axes, labels)

    def named(self, axis, labels):
        """The same numbers under other labels."""
        return Table(self.values, self.axes, (*self.labels[:axis], labels, *self.labels[axis + 1 :]))


def table(*axes, values=None, scale=0.05):
    labels = tuple(LABELS[axis] for axis in axes)
    if values is None:
        values = RANDOM.normal(0.01, scale, tuple(map(len, labels)))
    return Table(np.asarray(values), axes, labels)


R, SAID = table("dates", "tickers"), table("dates", "tickers")
F, TRUE_F = table("dates", "factors"), table("dates", "truths")
B, B_BY_DATE = table("tickers", "factors", scale=1), table("dates", "tickers", "factors", scale=1)
SIZES = table("dates", "tickers", values=RANDOM.uniform(1, 5, (N_DATES, N_TICKERS)))
SIGMA = table("tickers", "others", values=np.cov(R.values.T))
LONG_SHORT = table("portfolios", "dates", "tickers", scale=0.1)
MIXED = table("dates", "truths", values=F.values @ [[1.0, 0.3], [-0.4, 1.0]])


class Door(NamedTuple):
    """A public function, and the tables that it takes."""

    call: Callable
    tables: Mapping[str, Table]
    ordered: bool = False  # whether it reads the order of the dates


def panel_of(**tables):
    """The parts of the panel that came in, as labelled tables: what it holds, and under which labels."""
    panel = Panel(**tables)
    found = {"returns": labelled(panel.returns, panel.dates, panel.tickers)}
    if panel.portfolios is not None:
        found["portfolios"] = labelled(panel.portfolios, panel.dates, panel.portfolio_names)
    if panel.n_characteristics:
        found["characteristics"] = labelled(
            panel.characteristics, panel.dates, panel.tickers, panel.characteristic_names
        )
    return found


def out_of_sample_of(**tables):
    tested = OutOfSample(small_world(), fold=np.zeros(N_DATES), **tables)
    return tested.reconstruction, tested.prediction


def characteristics_of(persistence):
    panel = helpers.simulate_market(n_dates=5, n_tickers=4, n_characteristics=5, persistence=persistence).panel
    return labelled(panel.characteristics, panel.dates, panel.tickers, panel.characteristic_names)


def market_of(**tables):
    market = SimulatedMarket(small_world(), **tables)
    return labelled(market.betas, *B_BY_DATE.labels), labelled(market.factors, *F.labels)


@cache
def small_world():
    names = pd.Index(["size", "value", "momentum"])
    characteristics = RANDOM.normal(size=(N_DATES, N_TICKERS, 3))
    return Panel(
        R.values, characteristics, TRUE_F.values, DATES, LABELS["tickers"], names, portfolio_names=LABELS["truths"]
    )


def regression_on(given_betas):
    model = CrossSectionalRegression(given_betas).fit(small_world())
    return model.reconstruct(small_world())


def by_series(x, first, second, truth):
    return helpers.plot_lines(x, {"first": first, "second": second}, truth=truth)


def alphas_of(means, errors):
    return helpers.plot_alphas(means, {"a model": errors.to_frame() if isinstance(errors, Labelled) else errors})


DOORS = {
    # evaluation
    "total_r2": Door(helpers.total_r2, {"returns": R, "reconstruction": SAID}),
    "predictive_r2": Door(helpers.predictive_r2, {"returns": R, "prediction": SAID}),
    "information_coefficient": Door(helpers.information_coefficient, {"returns": R, "prediction": SAID}),
    "newey_west": Door(helpers.newey_west, {"series": F}, ordered=True),
    "newey_west of one series": Door(helpers.newey_west, {"series": table("dates")}, ordered=True),
    "bootstrap_interval": Door(
        lambda series: helpers.bootstrap_interval(np.mean, series, n_draws=20), {"series": F}, ordered=True
    ),
    "pricing_errors": Door(helpers.pricing_errors, {"returns": R, "reconstruction": SAID}, ordered=True),
    "risk_premia": Door(helpers.risk_premia, {"returns": R, "factors": F}),
    "align_factors": Door(helpers.align_factors, {"betas": B_BY_DATE, "factors": F, "true_factors": MIXED}),
    "sorted_positions": Door(
        lambda **tables: helpers.sorted_positions(n_portfolios=2, **tables), {"prediction": SAID, "sizes": SIZES}
    ),
    "sorted_positions by breakpoints": Door(
        lambda **tables: helpers.sorted_positions(n_portfolios=2, breakpoints=np.ones(SAID.values.shape), **tables),
        {"prediction": SAID, "sizes": SIZES},
    ),
    "portfolio_returns": Door(helpers.portfolio_returns, {"positions": SAID, "returns": R}),
    "portfolio_returns of several": Door(helpers.portfolio_returns, {"positions": LONG_SHORT, "returns": R}),
    "turnover": Door(helpers.turnover, {"positions": SAID, "returns": R}, ordered=True),
    "turnover of several": Door(helpers.turnover, {"positions": LONG_SHORT, "returns": R}, ordered=True),
    "sharpe_ratio": Door(lambda returns: helpers.sharpe_ratio(returns, 12), {"returns": table("dates")}),
    "sharpe_ratio of several": Door(
        lambda returns: helpers.sharpe_ratio(returns, 12), {"returns": table("portfolios", "dates")}
    ),
    "tangency_weights": Door(helpers.tangency_weights, {"factors": F}),
    "tangency_returns": Door(helpers.tangency_returns, {"factors": F, "past": table("past", "factors")}, ordered=True),
    "factor_covariance": Door(helpers.factor_covariance, {"betas": B, "factors": F, "residuals": R}),
    "minimum_variance_weights": Door(helpers.minimum_variance_weights, {"covariance": SIGMA}),
    "hedge": Door(helpers.hedge, {"weights": table("tickers"), "betas": B}),
    "hedge by date": Door(helpers.hedge, {"weights": SAID, "betas": B_BY_DATE}),
    "number_of_factors": Door(lambda returns: helpers.number_of_factors(returns, "ic_p2", 4), {"returns": R}),
    "OutOfSample": Door(out_of_sample_of, {"reconstruction": R, "prediction": SAID}),
    # models
    "time_series_betas": Door(helpers.time_series_betas, {"returns": R, "factors": F}),
    "cross_sectional_factors": Door(helpers.cross_sectional_factors, {"returns": R, "betas": B}),
    "cross_sectional_factors by date": Door(helpers.cross_sectional_factors, {"returns": R, "betas": B_BY_DATE}),
    "rolling_betas": Door(
        lambda **tables: helpers.rolling_betas(window=12, **tables), {"returns": R, "factors": F}, ordered=True
    ),
    "CrossSectionalRegression": Door(regression_on, {"given_betas": B}),
    "CrossSectionalRegression by date": Door(regression_on, {"given_betas": B_BY_DATE}),
    # data
    "rank_across_tickers": Door(helpers.rank_across_tickers, {"characteristics": R}),
    "rank_across_tickers of several": Door(helpers.rank_across_tickers, {"characteristics": B_BY_DATE}),
    "simulate_market": Door(
        characteristics_of, {"persistence": table("characteristics", values=np.linspace(0.1, 0.9, 5))}
    ),
    "SimulatedMarket": Door(market_of, {"betas": B_BY_DATE, "factors": F}),
    "Panel": Door(panel_of, {"returns": R, "portfolios": TRUE_F}, ordered=True),
    "Panel with characteristics": Door(panel_of, {"returns": R, "characteristics": B_BY_DATE}, ordered=True),
    # plotting
    "plot_estimates": Door(helpers.plot_estimates, {"truth": B, "estimates": table("tickers", "factors")}),
    "plot_regression_line": Door(
        lambda x, y: helpers.plot_regression_line(x, y, 0.0, 1.0), {"x": table("dates"), "y": table("dates")}
    ),
    "plot_cross_section": Door(
        lambda **tables: helpers.plot_cross_section(factor=0.1, **tables),
        {"betas": table("tickers"), "returns": table("tickers")},
    ),
    "plot_lines": Door(
        by_series, {"x": table("dates"), "first": table("dates"), "second": table("dates"), "truth": table("dates")}
    ),
    "plot_curves": Door(
        lambda points, curve, truth: helpers.plot_curves(points, {"a model": curve}, truth),
        {"points": table("dates", "two"), "curve": table("points", "two"), "truth": table("points", "two")},
    ),
    "plot_alphas": Door(alphas_of, {"means": table("tickers"), "errors": table("tickers", "errors", scale=3)}),
    "plot_matrices": Door(lambda one, two: helpers.plot_matrices({"one": one, "two": two}), {"one": R, "two": SAID}),
}

# Public names that take a panel: asked below, of every model too.
OF_PANELS = {
    "Panel", "FactorModel", "TimeSeriesRegression", "CrossSectionalRegression", "PCAFactors", "InstrumentedPCA",
    "ConditionalAutoencoder", "NeuralIPCA", "Truth", "WalkForward", "Fold", "split_by_date", "out_of_sample", "compare",
    "characteristic_importance", "managed_portfolios", "train_validation_arrays", "anomaly_test", "AnomalyTest",
}  # fmt: skip

NO_TABLES = {
    "simulate_constant_betas": "takes sizes, no table",
    "load_industries": "takes names, no table",
    "load_sorted_portfolios": "takes names, no table",
    "load_stocks": "takes names, no table",
    "make_model": "takes sizes, no table",
    "write_published_layout": "takes sizes, no table",
    "read_panel": "reads a file; see test_reader.py",
    "read_schema": "reads a file; see test_reader.py",
    "Schema": "says what is in a file",
    "characteristics_from_prices": "has a file of tests of its own, test_characteristics.py",
    "Hook": "is handed what the networks compute; its side data are those of the panel",
    "Huber": "a hook",
    "Dropout": "a hook",
    "Embedding": "a hook",
    "draw_autoencoder": "draws a network, no numbers",
    "draw_network": "draws a network, no numbers",
    "draw_timeline": "takes moments by their names, no arrays",
    "draw_conditional_autoencoder": "draws a scheme, no numbers",
    "draw_course": "draws a scheme, no numbers",
    "draw_factor_model": "draws a scheme, no numbers",
    "draw_instrumented_pca": "draws a scheme, no numbers",
    "draw_folds": "takes dates alone; their order is asked below",
    "plot_bars": "a number for each name, and the name stands beside it",
    "plot_intervals": "an estimate for each name, and the name stands beside it",
    "plot_histograms": "samples whose entries do not belong together",
    "plot_dots": "one table, drawn with its own labels",
    "plot_table": "one table, drawn with its own labels",
    "plot_matrix": "one matrix, drawn as it stands",
    "plot_shares": "one row of shares, in the order of the components",
    "plot_beta_surfaces": "values on a grid, which have no labels",
    "Layout": "says what is in a file",
    "table_of_layouts": "says what is in a file",
    "Playground": "takes choices, no table",
    "playground": "takes choices, no table",
    "page": "takes choices, no table",
    "Slider": "takes choices, no table",
    "slide": "takes choices, no table",
    "Choice": "an answer of a student",
    "Exercise": "an answer of a student",
    "Open": "an answer of a student",
    "Question": "an answer of a student",
    "progress": "reads a student's own record",
    "same_numbers": "compares an answer, for which order is free or labels do not count",
    "same_to_a_percent": "compares an answer, for which order is free or labels do not count",
    "same_up_to_order": "compares an answer, for which order is free or labels do not count",
    "same_up_to_rotation": "compares an answer, for which order is free or labels do not count",
    "same_up_to_sign": "compares an answer, for which order is free or labels do not count",
}


def test_every_public_name_is_a_door_or_has_a_reason_not_to_be():
    root = Path(helpers.__file__).parent
    public = set()
    for stub in (root / "__init__.pyi", *root.glob("*/__init__.pyi")):
        for node in ast.walk(ast.parse(stub.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:  # without a module, the rooms themselves
                public |= {alias.name for alias in node.names}
    public = {name for name in public if not name.isupper()}  # constants
    asked = {name.split(" ")[0] for name in DOORS} | OF_PANELS
    assert public - asked - NO_TABLES.keys() == set(), "Ask these, or say why not."
    assert asked | NO_TABLES.keys() <= public and not asked & NO_TABLES.keys()


# --- What is out of order -----------------------------------------------------------------------------------------


def permuted(axis):
    return lambda t: t.taken(axis, np.roll(np.arange(len(t.labels[axis])), 2)[::-1])


def shifted(axis):
    return lambda t: t.named(axis, t.labels[axis].shift(1, "ME"))


def renamed(axis):
    return lambda t: t.named(axis, t.labels[axis][::-1])


def with_one_more(axis):
    def more(t):
        last = t.labels[axis][-1:]
        new = last.shift(1, "ME") if isinstance(last, pd.DatetimeIndex) else last.map(lambda name: name * 2)
        longer = t.taken(axis, [*range(len(t.labels[axis])), -1])
        return longer.named(axis, t.labels[axis].append(new))

    return more


def with_one_twice(axis):
    return lambda t: t.named(axis, t.labels[axis][[0, 0, *range(2, len(t.labels[axis]))]])


def transposed(t):
    return Table(t.values.T, t.axes[::-1], t.labels[::-1])


def long(t):
    return t.frame().stack()


def of_two_levels(t):
    frame = t.frame()
    return frame.set_axis(pd.MultiIndex.from_product([frame.columns, [""]]), axis=1)


def of_another_calendar(axis):
    return lambda t: t.named(axis, t.labels[axis] - pd.offsets.MonthBegin(1))


# The points of a cloud and of a curve: those of one are not those of another.
DRAWN_AS_THEY_STAND = ("dates", "points")


def distortions(t, alone):
    """By name, what may be wrong with one table; some only show beside another one with the same axis."""
    for axis, name in enumerate(t.axes):
        if name in DRAWN_AS_THEY_STAND and "two" in t.axes:
            continue
        yield f"permuted {name}", permuted(axis)
        yield f"one of the {name} twice", with_one_twice(axis)
        if name in alone:
            continue
        yield f"one more of the {name}", with_one_more(axis)
        yield f"{name} under other names", renamed(axis)
        if name == "dates":
            yield "shifted dates", shifted(axis)
            yield "dates of another calendar", of_another_calendar(axis)
    if len(t.axes) == 2:
        yield "transposed", transposed
        yield "a long series", long
        yield "a long frame", lambda t: long(t).to_frame("value")
        yield "columns of two levels", of_two_levels


def cases():
    found = []
    for name, door in DOORS.items():
        axes = [axis for t in door.tables.values() for axis in t.axes]
        alone = {axis for axis in axes if axes.count(axis) == 1}
        for argument, t in door.tables.items():
            for what, distort in distortions(t, alone if "Regression" not in name and name != "OutOfSample" else ()):
                found.append(pytest.param(name, argument, distort, id=f"{name}-{argument}-{what}"))
    return found


def by_label(result):
    """What came back, number by number, under the labels that it came with."""
    if isinstance(result, Figure):
        return drawn(result)
    if isinstance(result, (tuple, dict)):
        parts = result.items() if isinstance(result, dict) else enumerate(result)
        return {(which, *key): number for which, part in parts for key, number in by_label(part).items()}
    values, axes = np.asarray(result), getattr(result, "axes", ())
    if len(axes) != values.ndim:
        axes = [range(n) for n in values.shape]
    keys = product(*([str(label).removesuffix(" 00:00:00") for label in axis] for axis in axes))
    return dict(zip(keys, values.ravel(), strict=True))


def drawn(figure):
    """The numbers in a picture, in the order in which they are drawn."""
    numbers = []
    for axes in figure.axes:
        numbers += [np.asarray(line.get_ydata(), dtype=float).ravel() for line in axes.lines]
        numbers += [np.asarray(points.get_offsets()).ravel() for points in axes.collections]
        numbers += [np.asarray(image.get_array()).ravel() for image in axes.images]
    return dict(enumerate(np.concatenate(numbers)))


def dressed(t, how):
    return getattr(t, how)() if isinstance(t, Table) else t


@cache
def expected(name):
    door = DOORS[name]
    return by_label(door.call(**{argument: t.frame() for argument, t in door.tables.items()}))


def assert_same_or_refused(call, right):
    """What is called gives the right numbers under their labels, or raises an error that is a sentence."""
    __tracebackhide__ = True
    try:
        found = by_label(call())
    except (TypeError, ValueError) as error:
        said = str(error)
        assert len(said.split()) > 5 and said[0] != "'", said
        return
    assert found.keys() == right.keys(), "It came back under other labels."
    for key, number in found.items():
        assert number == pytest.approx(right[key], rel=1e-6, abs=1e-12, nan_ok=True), key


def assert_door_says_the_same(name, tables):
    __tracebackhide__ = True
    assert_same_or_refused(lambda: DOORS[name].call(**tables), expected(name))


@pytest.mark.parametrize("how", ["frame", "result"])
@pytest.mark.parametrize(("name", "argument", "distort"), cases())
def test_one_table_out_of_order_changes_no_number(name, argument, distort, how):
    tables = dict(DOORS[name].tables)
    tables[argument] = distort(tables[argument])
    assert_door_says_the_same(name, {each: dressed(t, how) for each, t in tables.items()})


@pytest.mark.parametrize("name", DOORS)
def test_labels_of_both_kinds_say_the_same(name):
    for hows in product(["frame", "result"], repeat=2):
        tables = {each: dressed(t, how) for (each, t), how in zip(DOORS[name].tables.items(), hows * 2, strict=False)}
        assert by_label(DOORS[name].call(**tables)).keys() == expected(name).keys()
        assert_door_says_the_same(name, tables)


# --- Time -----------------------------------------------------------------------------------------------------------


def relabelled(change):
    """The tables of a door with something else in place of their dates."""

    def changed(t):
        labels = tuple(change(x) if isinstance(x, pd.DatetimeIndex) else x for x in t.labels)
        return Table(t.values, t.axes, labels)

    return changed


def reordered(order):
    def change(t):
        for axis, labels in enumerate(t.labels):
            if isinstance(labels, pd.DatetimeIndex):
                t = t.taken(axis, order(np.arange(len(labels))))
        return t

    return change


def by_appearance(dates):
    return pd.CategoricalIndex(dates, categories=dates, ordered=True)


def mixed(dates):
    """Every other month under its first day, which is the day after the last of the one before."""
    return dates.where(np.arange(len(dates)) % 2 == 0, dates + pd.offsets.MonthBegin(-1))


backwards = reordered(lambda rows: rows[::-1])
shuffled = reordered(lambda rows: np.random.default_rng(1).permutation(rows))
ORDERS = {
    "newest first": backwards,
    "shuffled": shuffled,
    "categories newest first": lambda t: relabelled(by_appearance)(backwards(t)),
    "categories shuffled": lambda t: relabelled(by_appearance)(shuffled(t)),
    "Python's dates newest first": lambda t: relabelled(lambda x: pd.Index(x.date, dtype=object))(backwards(t)),
    "text newest first": lambda t: relabelled(lambda x: x.strftime("%Y-%m-%d"))(backwards(t)),
    "numbers that sort by day": relabelled(lambda x: pd.Index(x.strftime("%d%m%Y").astype(int))),
    "numbers that sort by month": relabelled(lambda x: pd.Index(x.strftime("%m%Y").astype(int))),
    "text that sorts by day": relabelled(lambda x: x.strftime("%d.%m.%Y")),
    "text that sorts by the month's name": relabelled(lambda x: x.strftime("%b %Y")),
}
WITH_DATES = [name for name, door in DOORS.items() if any("dates" in t.axes for t in door.tables.values())]
BESIDE_A_PANEL = ("OutOfSample", "SimulatedMarket", "CrossSectionalRegression by date")


@pytest.mark.parametrize("how", ["frame", "result"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", [name for name in WITH_DATES if not name.startswith("plot")])
def test_dates_in_another_order_change_no_number(name, order, how):
    assert_door_says_the_same(name, {each: dressed(ORDERS[order](t), how) for each, t in DOORS[name].tables.items()})


SAME_DATES = {
    "Python's dates": lambda x: pd.Index(x.date, dtype=object),
    "text": lambda x: x.strftime("%Y-%m-%d"),
    "categories": by_appearance,
    "whole numbers": lambda x: pd.Index(x.year * 100 + x.month),
    "periods": lambda x: x.to_period("M"),
}


@pytest.mark.parametrize("kind", SAME_DATES)
@pytest.mark.parametrize("name", WITH_DATES)
def test_dates_of_another_kind_are_understood(name, kind):
    if name in BESIDE_A_PANEL and kind in ("whole numbers", "periods"):
        return  # the panel's are timestamps
    tables = {each: dressed(relabelled(SAME_DATES[kind])(t), "frame") for each, t in DOORS[name].tables.items()}
    found = by_label(DOORS[name].call(**tables))
    assert list(found.values()) == pytest.approx(list(expected(name).values()), rel=1e-7, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", [name for name in WITH_DATES if not name.startswith("plot")])
def test_two_dates_of_one_month_are_refused(name):
    tables = {each: dressed(relabelled(mixed)(t), "frame") for each, t in DOORS[name].tables.items()}
    assert_refused(
        lambda: DOORS[name].call(**tables), ValueError, "2000-02-01" if name in BESIDE_A_PANEL else "calendars"
    )


def test_dates_that_are_no_months_may_stand_as_near_as_they_like():
    days = pd.date_range("2020-01-02", periods=60, freq="B")
    twice_a_month = pd.date_range("2020-01-01", periods=40, freq="SMS")
    last_days_of_trading = pd.date_range("2000-01-31", periods=200, freq="BME")
    first_days_of_trading = pd.date_range("2000-01-31", periods=200, freq="BMS")
    around_an_end = pd.DatetimeIndex(["2020-01-30", "2020-01-31", "2020-02-03"])
    for dates in (days, twice_a_month, last_days_of_trading, first_days_of_trading, around_an_end, days[::20]):
        assert Panel(np.zeros((len(dates), 2)), dates=dates).dates.equals(dates)


# --- Panels ---------------------------------------------------------------------------------------------------------


def with_names_turned(what):
    """The panel whose characteristics, or portfolios, stand in another order, names and all."""
    names = {"characteristics": "characteristic_names", "portfolios": "portfolio_names"}[what]

    def turn(panel):
        return replace(panel, **{what: getattr(panel, what)[..., ::-1], names: getattr(panel, names)[::-1]})

    return turn


TURNED = {
    "tickers": lambda panel: panel.select_tickers(panel.tickers[::-1]),
    "characteristics": with_names_turned("characteristics"),
    "portfolios": with_names_turned("portfolios"),
}
SPLITTER = WalkForward(n_train=25, n_test=8)


def importance(panel):
    found = helpers.characteristic_importance(fitted("instrumented components"), panel)
    return labelled(found.to_numpy(), found.index)


def walked(panel):
    tested = helpers.out_of_sample(PCAFactors(2), panel, SPLITTER)
    return tested.reconstruction, tested.prediction


def compared(panel):
    table = helpers.compare({"a": PCAFactors(2), "b": PCAFactors(1)}, panel, SPLITTER)
    return labelled(table.to_numpy(), table.index, table.columns)


def said_by(name, panel, past):
    model = fitted(name)
    found = [call(panel) for member in members(model) for call in (member.betas, member.factors)]
    return (*found, model.reconstruct(panel), model.predict(panel, past), np.float64(model.score(panel)))


PANEL_DOORS = {
    "characteristic_importance": importance,
    "managed_portfolios": helpers.managed_portfolios,
    "anomaly_test": lambda panel: helpers.anomaly_test(panel, 1, n_draws=9).gamma_alpha,
    "out_of_sample": walked,
    "compare": compared,
    "split_by_date": lambda panel: tuple(
        labelled(part.returns, part.dates, part.tickers) for part in helpers.split_by_date(panel)
    ),
} | {f"the model: {name}": lambda panel, name=name: said_by(name, panel[25:], panel[:25]) for name in MODELS}


@pytest.mark.parametrize("turn", TURNED)
@pytest.mark.parametrize("name", PANEL_DOORS)
def test_a_panel_in_another_order_changes_no_number(name, turn):
    right = by_label(PANEL_DOORS[name](PANEL))
    assert_same_or_refused(lambda: PANEL_DOORS[name](TURNED[turn](PANEL)), right)


@pytest.mark.parametrize("turn", TURNED)
@pytest.mark.parametrize("name", MODELS)
def test_a_past_in_another_order_changes_no_prediction(name, turn):
    model = fitted(name)
    right = by_label(model.predict(PANEL[25:], PANEL[:25]))
    assert_same_or_refused(lambda: model.predict(PANEL[25:], TURNED[turn](PANEL[:25])), right)


@pytest.mark.parametrize("turn", TURNED)
@pytest.mark.parametrize("name", MODELS)
def test_validation_dates_in_another_order_change_nothing(name, turn):
    model = clone(MODELS[name])
    if np.ndim(getattr(model, "given_betas", None)) == 3:
        model.set_params(given_betas=model.given_betas[:30])

    def learned(validation):
        if model.reads_validation:
            return np.asarray(clone(model).fit(PANEL[:25], validation).validation_curve_)
        return clone(model).fit(PANEL[:25], validation).reconstruct(PANEL[:30])

    right = by_label(learned(PANEL[25:30]))
    assert_same_or_refused(lambda: learned(TURNED[turn](PANEL[25:30])), right)


@pytest.mark.parametrize("name", MODELS)
def test_validation_dates_that_do_not_follow_are_refused(name):
    for panel, validation in ((PANEL[20:40], PANEL[:20]), (PANEL[:30], PANEL[29:]), (PANEL[:30], PANEL[:30])):
        assert_refused(lambda p=panel, v=validation: clone(MODELS[name]).fit(p, v), ValueError, "must begin after")
    numbered = replace(PANEL[30:], dates=range(30, 40))
    assert_refused(lambda: clone(MODELS[name]).fit(PANEL[:30], numbered), ValueError, "must begin after")


@pytest.mark.parametrize("name", MODELS)
def test_a_past_of_another_calendar_is_refused(name):
    """The last day of trading of the month with which the panel begins: that month would come twice."""
    model, later = fitted(name), PANEL[25:]
    trading = replace(PANEL[1:26], dates=PANEL.dates[1:26] - pd.offsets.Day(2))
    assert_refused(lambda: model.predict(later, trading), ValueError, "past must end before")
    numbered = replace(PANEL[:25], dates=range(25))
    assert_refused(lambda: model.predict(later, numbered), ValueError, "past must end before")


# --- Frames that become panels --------------------------------------------------------------------------------------

KINDS = SAME_DATES | {"timestamps": lambda x: x, "years": lambda x: pd.Index(x.year.unique())}
WIDE = pd.DataFrame(R.values, *R.labels)
NUMBERED = pd.Index([10001, 10107, 14593, 84788, 90319, 93436])


@pytest.mark.parametrize("tickers", [LABELS["tickers"], NUMBERED], ids=["names", "numbers"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_by_date_and_ticker_is_understood_and_by_ticker_and_date_refused(kind, tickers):
    dates = KINDS[kind](DATES)
    wide = pd.DataFrame(R.values[: len(dates)], dates, tickers).rename_axis(index=None, columns=None)
    assert np.array_equal(Panel(returns=wide).returns, wide)
    assert_refused(lambda: Panel(returns=wide.T), (TypeError, ValueError), "T")
    frame = wide.stack().to_frame("returns")
    panel = Panel.from_frame(frame.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(
        pd.DataFrame(panel.returns, columns=panel.tickers.rename(None))[wide.columns], wide.reset_index(drop=True),
        check_column_type=False,
    )  # fmt: skip
    turned = frame.swaplevel()
    assert_refused(lambda: Panel.from_frame(turned), TypeError, "(ticker, date)", "swaplevel()")
    assert_refused(lambda: Panel.from_frame(turned.sort_index()), TypeError, "(ticker, date)", "swaplevel()")
    assert_refused(lambda: list(SPLITTER.split(turned)), TypeError, "(ticker, date)", "swaplevel()")
    assert_refused(lambda: list(SPLITTER.split(wide.T)), TypeError, "X")


def test_tickers_that_read_as_dates_are_taken_by_the_names_of_the_levels():
    frame = pd.DataFrame(R.values, range(30), [1990, 1991, 1992, 1993, 1994, 1995]).stack().to_frame("returns")
    assert_refused(lambda: Panel.from_frame(frame), TypeError, "name the levels 'date' and 'ticker'")
    assert Panel.from_frame(frame.rename_axis(["date", "ticker"])).shape == (30, 6)


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        (pd.MultiIndex.from_tuples([("returns", ""), ("size", "")]), TypeError, ("2 levels", "droplevel")),
        (pd.MultiIndex.from_tuples([("AAPL", "returns"), ("AAPL", "size")]), TypeError, ("2 levels", "droplevel")),
        ([("returns", ""), "size"], ValueError, ("no column 'returns'", "its name")),
        (["returns", "returns"], ValueError, ("repeated columns", "Rename")),
        (["size", "size"], ValueError, ("no column 'returns'",)),
    ],
)
def test_columns_that_are_not_one_name_each_are_refused(columns, error, words):
    frame = pd.DataFrame(RANDOM.normal(size=(180, 2)), WIDE.stack().index)
    frame.columns = pd.Index(columns, tupleize_cols=False) if isinstance(columns, list) else columns
    assert_refused(lambda: Panel.from_frame(frame), error, *words)


def test_dates_in_a_column_beside_numbered_rows_are_not_passed_over():
    flat = WIDE.stack().rename("returns").reset_index()
    assert_refused(lambda: Panel.from_frame(flat), TypeError, "set_index(['date', 'ticker'])")
    words = "column 'date'", "groups=X['date']", "set_index"
    assert_refused(lambda: SPLITTER.split(flat), ValueError, *words)
    assert_refused(lambda: SPLITTER.get_n_splits(flat), ValueError, *words)
    two_levels = flat.set_axis(pd.MultiIndex.from_product([flat.columns, [""]]), axis=1)
    assert_refused(lambda: SPLITTER.split(two_levels), ValueError, "column 'date'")
    by_group = [test.tolist() for _, test in SPLITTER.split(flat, groups=flat["date"])]
    assert by_group == [test.tolist() for _, test in SPLITTER.split(WIDE.stack().to_frame())]
    assert [test.tolist() for _, test in SPLITTER.split(flat, groups=pd.Categorical(flat["date"]))] == by_group
    frame = WIDE.stack().to_frame()
    assert [test.tolist() for _, test in SPLITTER.split(frame, groups=flat["date"].set_axis(frame.index))] == by_group
    assert_refused(lambda: SPLITTER.split(frame, groups=flat["date"].set_axis(frame.index[::-1])), ValueError, "groups")
    assert_refused(lambda: SPLITTER.split(flat, groups=flat["date"][::-1].sort_index(key=lambda i: i % 7)), ValueError)


@pytest.mark.parametrize("order", ["newest first", "shuffled", "categories newest first", "categories shuffled"])
def test_rows_are_split_in_the_order_of_time_wherever_they_stand(order):
    frame = ORDERS[order](R).frame()
    dates = pd.DatetimeIndex(np.asarray(frame.index))
    for train, test in SPLITTER.split(frame):
        assert dates[train].max() < dates[test].min()


def test_rows_of_categories_do_not_pass_for_sorted_where_they_are_not():
    frame = small_world().to_frame().drop(columns=["value", "momentum"])
    frame["returns_fwd"] = frame.groupby("ticker")["returns"].shift(-1)
    dates = frame.index.get_level_values("date")
    appeared = pd.CategoricalIndex(dates, dates.unique()[::-1])
    turned = frame.set_index([appeared, frame.index.get_level_values("ticker")]).sort_index()
    assert_refused(lambda: helpers.train_validation_arrays(turned, range(60), range(60, 120)), ValueError, "not sorted")


@pytest.mark.parametrize("kind", ["Python's dates", "text", "categories"])
def test_portfolios_of_a_frame_are_found_under_dates_of_any_kind(kind):
    frame, portfolios = WIDE.stack().to_frame("returns"), TRUE_F.frame()
    right = Panel.from_frame(frame, portfolios)
    found = Panel.from_frame(frame, portfolios.set_axis(SAME_DATES[kind](DATES))[::-1])
    assert np.array_equal(found.portfolios, right.portfolios) and found.dates.equals(right.dates)
    assert_refused(lambda: Panel.from_frame(frame, portfolios.T), (TypeError, ValueError), "portfolios")
    assert_refused(lambda: Panel.from_frame(frame, portfolios[:0]), ValueError, "no row for 30 of the frame's dates")


# --- Dates that a user names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["01/03/2000", "1/3/2000", "03.01.2000", "March 2000", "200003", "20000331", "2000/03/31"]
)
def test_text_that_could_be_read_in_two_ways_names_no_date(text):
    cuts = {
        "from": lambda: PANEL[text:], "to": lambda: PANEL[:text], "sel": lambda: PANEL.sel(text),
        "several": lambda: PANEL.sel([text]), "slice": lambda: PANEL.sel(slice(text, None)),
        "split": lambda: helpers.split_by_date(PANEL, at=[text]),
    }  # fmt: skip
    for cut in cuts.values():
        assert_refused(cut, (TypeError, ValueError), text, "'2019-03-01'")


@pytest.mark.parametrize("date", ["2001-03", "2001-03-01", "2001-03-31 00:00", "2001-03-01T00:00", DATES[14].date()])
def test_dates_that_have_one_reading_are_found(date):
    assert PANEL[date:].dates[0] in PANEL.dates[12:15] and PANEL.sel(slice(date, None)).n_dates == PANEL[date:].n_dates
    assert helpers.split_by_date(PANEL, at=[date])[1].n_dates == PANEL[date:].n_dates
    assert PANEL.sel("2001").n_dates == 12 and PANEL.sel("2001-03").n_dates == 1 == PANEL.sel(DATES[14].date()).n_dates


def test_a_mask_with_labels_is_that_of_the_dates():
    mask = pd.Series(np.arange(40) > 30, PANEL.dates)
    assert PANEL[mask].n_dates == 9 == PANEL[mask.to_numpy()].n_dates == PANEL[mask.reset_index(drop=True)].n_dates
    assert_refused(lambda: PANEL[mask[::-1]], ValueError, "not the panel's dates")
    assert_refused(lambda: PANEL[mask.shift(1, "ME")], ValueError, "not the panel's dates")


def test_folds_are_drawn_of_dates_in_time_order():
    for dates in (DATES[::-1], by_appearance(DATES[::-1]), DATES[::-1].strftime("%Y-%m-%d")):
        assert_refused(lambda d=dates: helpers.draw_folds(SPLITTER, d), ValueError, "dates must ascend")


def test_a_measure_by_date_goes_by_its_dates():
    def measured(turn):
        return {"mean": lambda tested: turn(pd.Series(np.arange(len(tested.dates)), tested.dates))}

    def table(turn):
        return helpers.compare([PCAFactors(1)], PANEL, SPLITTER, measured(turn))

    assert table(lambda s: s)["score"].item() == 7 == table(lambda s: s.reset_index(drop=True))["score"].item()
    assert_refused(lambda: table(lambda s: s[::-1]), ValueError, "measures['mean']")
    assert_refused(lambda: table(lambda s: s.shift(1, "ME")), ValueError, "measures['mean']")


# --- Statistics of a constant ---------------------------------------------------------------------------------------

BANK = np.full(120, 0.001)
ACCOUNT = 100 * np.cumprod(1 + BANK)
INTEREST = ACCOUNT[1:] / ACCOUNT[:-1] - 1  # 0.001, and rounding
MARKET = np.random.default_rng(3).normal(0.01, 0.05, 119)


@pytest.mark.parametrize("bank", [BANK[1:], INTEREST, BANK[1:].astype("float32"), 0 * BANK[1:]], ids=range(4))
def test_a_bank_account_has_no_risk_to_weigh_anything_against(bank):
    assert_refused(lambda: helpers.sharpe_ratio(bank, 12), ValueError, "no spread")
    assert_refused(lambda: helpers.sharpe_ratio([MARKET, bank], 12), ValueError, "no spread")
    both = np.column_stack([MARKET, bank])
    assert_refused(lambda: helpers.tangency_weights(both), ValueError, "zero variance in column 1")
    assert_refused(lambda: helpers.tangency_returns(both[60:], both[:60]), ValueError, "zero variance in column 1")
    assert_refused(lambda: helpers.time_series_betas(both, bank[:, None]), ValueError, "zero variance in column(s) 0")
    assert_refused(lambda: helpers.rolling_betas(both, both, 60), ValueError, "zero variance in column(s) 1")
    assert_refused(lambda: helpers.minimum_variance_weights(np.cov(both.T)), ValueError, "singular")
    mean, error = helpers.newey_west(bank)
    assert mean == pytest.approx(bank.mean()) and error == 0
    alphas = helpers.pricing_errors(both, 0 * both, n_lags=None)
    assert np.isfinite(alphas["t"][0]) and alphas["standard error"][1] == 0 and np.isnan(alphas["t"][1])
    with np.errstate(all="raise"):
        assert np.isnan(helpers.information_coefficient(both.T, np.tile(bank, (2, 1)))).all()


def test_a_factor_that_others_make_up_has_no_position_of_its_own():
    other = np.random.default_rng(4).normal(0.005, 0.03, 119)
    for third in (MARKET + other, MARKET + 0.001, 3 * other, INTEREST + other):
        three = np.column_stack([MARKET, other, third])
        assert_refused(lambda f=three: helpers.tangency_weights(f), ValueError, "singular", "drop it")
        assert_refused(lambda f=three: helpers.tangency_returns(f[50:], f[:50]), ValueError, "singular", "drop it")


def test_what_is_explained_but_for_rounding_has_no_t():
    random = np.random.default_rng(5)
    factors, betas = random.normal(0.01, 0.05, (60, 2)), random.normal(1, 0.5, (4, 2))
    said = factors @ betas.T
    returns = np.array([[sum(f * b for f, b in zip(row, beta, strict=True)) for beta in betas] for row in factors])
    assert (returns != said).any()
    for table in (helpers.pricing_errors(returns, said), helpers.pricing_errors(returns + 0.002, said, n_lags=None)):
        assert (table["standard error"] == 0).all() and table["t"].isna().all()


def test_models_that_say_the_same_but_for_rounding_do_not_differ_by_many_standard_errors():
    def rounded(tested):
        return total_by_date(tested) * (1 + 1e-16 * np.random.default_rng(6).integers(-5, 5, len(tested.dates)))

    def total_by_date(tested):
        return np.nansum(tested.returns**2, axis=1)

    seen = iter([total_by_date, rounded])
    table = helpers.compare(
        {"one": PCAFactors(1), "other": PCAFactors(1)}, PANEL, SPLITTER, {"sum": lambda tested: next(seen)(tested)}
    )
    assert np.isnan(table.loc[("sum", "other"), "t"])
    seen = iter([total_by_date, rounded] * 3)
    table = helpers.compare(
        {"one": PCAFactors(1), "other": PCAFactors(1)}, [PANEL] * 3, SPLITTER, {"sum": lambda t: next(seen)(t).mean()}
    )
    assert np.isnan(table.loc[("sum", "other"), "t"])


# --- Magnitudes of characteristics ----------------------------------------------------------------------------------


def scaled(*sizes):
    return replace(PANEL, characteristics=PANEL.characteristics * np.array(sizes))


def warnings_of(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(each.message) for each in caught if "magnitude" in str(each.message)]


CALLS = {
    "autoencoder": lambda panel: clone(MODELS["a network of portfolios"]).fit(panel[:30], panel[30:]),
    "ensemble": lambda panel: clone(MODELS["an ensemble of managed portfolios"]).fit(panel[:30], panel[30:]),
    "arrays": lambda panel: helpers.train_validation_arrays(panel, range(20), range(20, 30)),
}


@pytest.mark.parametrize("name", CALLS)
def test_characteristics_of_different_magnitudes_are_warned_of_once(name):
    (words,) = warnings_of(lambda: CALLS[name](scaled(1e9, 0.01, 50)))
    assert "'size'" in words and "'value'" in words and "rank_across_tickers" in words
    ranks = helpers.rank_across_tickers(scaled(1e9, 0.01, 50))
    tiny = replace(ranks, characteristics=ranks.characteristics * [1, 1e-6, 0.3])
    for panel in (ranks, tiny, PANEL, scaled(1, 0.001, 0.5), scaled(3, 1, 0.1)):
        assert not warnings_of(lambda p=panel: CALLS[name](p))


def test_straight_lines_do_not_mind_magnitudes():
    assert not warnings_of(lambda: clone(MODELS["instrumented components"]).fit(scaled(1e9, 0.01, 50)))


def test_means_that_are_only_numbered_stand_beside_names_by_position():
    errors, means = DOORS["plot_alphas"].tables["errors"].frame(), pd.Series(np.arange(6.0))
    for right in (errors, errors.reset_index(drop=True)):
        assert drawn(helpers.plot_alphas(means, {"a": right})) == drawn(
            helpers.plot_alphas(np.arange(6.0), {"a": right})
        )
    assert_refused(lambda: helpers.plot_alphas(means, {"a": errors.reset_index(drop=True)[::-1]}), ValueError, "means")
    assert_refused(lambda: helpers.plot_alphas(means, {"a": errors.T}), ValueError, "pricing_errors")


def test_validation_positions_that_run_backwards_are_refused():
    words = "val_idx must come after train_idx", "begins at 2000-01-31", "ends at 2001-08-31"
    assert_refused(lambda: helpers.train_validation_arrays(PANEL, range(10, 20), range(10)), ValueError, *words)
