"""What every model of the course promises: one table of models, and each promise asked of all of them."""

import copy
import importlib
import inspect
import json
import os
import pickle
import pkgutil
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

import helpers.models
from helpers.data.simulated import SimulatedMarket
from helpers.evaluation.comparison import Truth
from helpers.evaluation.metrics import total_r2
from helpers.evaluation.splitter import WalkForward
from helpers.labels import labelled
from helpers.models.autoencoder import ConditionalAutoencoder
from helpers.models.backend import keras
from helpers.models.base import Ensemble, FactorModel
from helpers.models.halves import ConstantBetas, SolvedFactors
from helpers.models.ipca import InstrumentedPCA
from helpers.models.networks import NetworkEnsemble
from helpers.models.neural_ipca import NeuralIPCA
from helpers.models.pca import PCAFactors
from helpers.models.regression import CrossSectionalRegression, TimeSeriesRegression
from helpers.panel import Panel
from tests.common import assert_refused, small_panel, with_value

# Keras' own warning.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

PANEL, GAPPY, OTHER = small_panel(), small_panel(missing=0.15), small_panel(seed=5)
RANDOM = np.random.default_rng(7)
GIVEN, BY_DATE = RANDOM.normal(size=(12, 2)), RANDOM.normal(size=(40, 12, 2))
TABLE = pd.DataFrame(GIVEN, index=PANEL.tickers, columns=["beta", "size"])
MARKET = SimulatedMarket(PANEL, BY_DATE, RANDOM.normal(0.01, 0.1, (40, 2)))
N_PAST = 25


def network(**changes):
    parameters = {"n_factors": 2, "hidden_units": (3,), "n_members": 1, "l1": 0.01, "batch_size": 50, "epochs": 2}
    return ConditionalAutoencoder(**(parameters | changes))


def curved(**changes):
    return NeuralIPCA(**({"n_factors": 2, "hidden_units": (3,), "n_members": 1, "l1": 0.01, "epochs": 2} | changes))


ABSTRACT = {FactorModel, ConstantBetas, SolvedFactors, Ensemble, NetworkEnsemble}
MODELS = {
    "time series": TimeSeriesRegression(),
    "time series through the origin": TimeSeriesRegression(intercept=False),
    "cross sections of characteristics": CrossSectionalRegression(),
    "cross sections of given betas": CrossSectionalRegression(given_betas=GIVEN),
    "cross sections of a table of betas": CrossSectionalRegression(given_betas=TABLE),
    "cross sections of betas by date": CrossSectionalRegression(given_betas=BY_DATE),
    "components": PCAFactors(n_factors=2),
    "instrumented components": InstrumentedPCA(n_factors=2),
    "instrumented components with a constant": InstrumentedPCA(n_factors=2, constant=True),
    "instrumented components with a ridge": InstrumentedPCA(n_factors=2, ridge=0.3),
    "a network of portfolios": network(),
    "a network whose factors are regressions": network(factors="regression"),
    "a linear network of returns": network(hidden_units=(), factor_inputs="returns"),
    "an ensemble of managed portfolios": network(n_members=3, factor_inputs="managed", l1=(1e-3, 3e-2)),
    "a member of an ensemble": network(),
    "curves and regressions": curved(n_members=2, l1=(1e-3, 3e-2)),
    "one curve and regressions": curved(),
    "the truth": Truth(MARKET),
}
TRUTH, OF_RETURNS, OF_SEVERAL, MEMBER, RIDGED, BY_DATES = (
    "the truth", "a linear network of returns", "an ensemble of managed portfolios", "a member of an ensemble",
    "instrumented components with a ridge", "cross sections of betas by date",
)  # fmt: skip
CURVED = [name for name, model in MODELS.items() if isinstance(model, NeuralIPCA)]
NETWORKS = [name for name, model in MODELS.items() if isinstance(model, NetworkEnsemble)]


def models(*left_out):
    return pytest.mark.parametrize("name", [name for name in MODELS if name not in left_out])


every_model = models()


def learn(model, panel, n_past=N_PAST):
    """The model, fitted to the first dates of the panel, the last five of them for validation; betas by date to all."""
    if np.ndim(getattr(model, "given_betas", None)) == 3:
        return model.set_params(given_betas=model.given_betas[: panel.n_dates]).fit(panel)
    if model.reads_validation:
        return model.fit(panel[: n_past - 5], panel[n_past - 5 : n_past])
    return model.fit(panel[:n_past])


def fit(name, panel, n_past=N_PAST):
    if name == MEMBER:
        return fit(OF_SEVERAL, panel, n_past).members_[1]
    return learn(clone(MODELS[name]), panel, n_past)


@cache
def fitted(name, panel=PANEL):
    """Not to be changed by a test."""
    return fit(name, panel)


def panel_for(name):
    """A panel with gaps, where the model takes one."""
    return PANEL if name == OF_RETURNS else GAPPY


def members(model):
    """The models that have betas and factors: the model itself, or those of an ensemble."""
    return model.members_ if isinstance(model, Ensemble) else [model]


def sayings(model, panel, n_past=N_PAST):
    """All that the model says of the dates of the panel, each an array that begins with the axis of dates."""
    said = [call(panel) for member in members(model) for call in (member.betas, member.factors)]
    predicted = np.asarray(model.predict(panel[n_past:], panel[:n_past]))
    padding = np.zeros((n_past, panel.n_tickers))
    said += [model.reconstruct(panel), np.concatenate([padding, predicted])]
    if getattr(model, "factor_inputs", None) != "returns":  # fixed weights on every return cannot do without one
        said.append(model.leave_one_out(panel))
    return [np.asarray(each) for each in said]


def assert_says_the_same(model, other, panel=PANEL, other_panel=None):
    __tracebackhide__ = True
    for a, b in zip(sayings(model, panel), sayings(other, panel if other_panel is None else other_panel), strict=True):
        np.testing.assert_array_equal(a, b)


def parts(panel):
    names = ("returns", "characteristics", "portfolios")
    return {name: np.array(getattr(panel, name)) for name in names}


def changed(panel, dates, what=("returns", "characteristics", "portfolios")):
    """The panel with other numbers at these dates."""
    arrays, random = parts(panel), np.random.default_rng(99)
    for name in what:
        arrays[name][dates] = random.normal(5, 10, arrays[name][dates].shape)
    return replace(panel, **arrays)


def not_yet(panel, n_dates=1):
    """The panel whose last dates have not happened: their characteristics are known, and nothing else."""
    arrays = parts(panel)
    arrays["returns"][-n_dates:] = arrays["portfolios"][-n_dates:] = np.nan
    return replace(panel, **arrays)


def permuted(panel, order):
    arrays = parts(panel)
    return replace(
        panel,
        returns=arrays["returns"][:, order],
        characteristics=arrays["characteristics"][:, order],
        tickers=panel.tickers[order],
    )


def test_every_model_of_the_course_is_in_the_table():
    for module in pkgutil.iter_modules(helpers.models.__path__):
        importlib.import_module(f"helpers.models.{module.name}")

    def kinds(kind):
        return {kind}.union(*(kinds(each) for each in kind.__subclasses__()))

    # Those of experiments are not for users: one of the clinic's patients is a model with a mistake.
    rooms = ("helpers.models.", "helpers.evaluation.")
    ours = {kind for kind in kinds(FactorModel) if kind.__module__.startswith(rooms)}
    assert {kind for kind in ours if not inspect.isabstract(kind)} == {type(model) for model in MODELS.values()}
    assert {kind for kind in ours if inspect.isabstract(kind)} == ABSTRACT


@pytest.fixture
def uncompiled():
    """Inside the test TensorFlow runs operation by operation, which takes less time than compiling for one batch."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


# Habits of scikit-learn


@every_model
def test_parameters_are_stored_as_given_and_nothing_else_is(name):
    model, kind = MODELS[name], type(MODELS[name])
    parameters = model.get_params(deep=False)
    assert parameters.keys() == set(inspect.signature(kind).parameters) == vars(kind(**parameters)).keys()
    assert all(vars(kind(**parameters))[key] is value for key, value in parameters.items())


@every_model
def test_parameters_are_set_one_by_one_and_unknown_ones_are_refused(name):
    model = clone(MODELS[name])
    first = next(iter(model.get_params(deep=False)))
    assert model.set_params(**{first: "another"}) is model and model.get_params(deep=False)[first] == "another"
    assert_refused(lambda: model.set_params(colour=1), ValueError, "colour")


@every_model
def test_fitting_changes_no_parameter_and_what_is_learned_ends_in_an_underscore(name):
    model = clone(MODELS[name])
    before, print_before = model.get_params(deep=False), repr(model)
    assert learn(model, PANEL) is model
    if name != BY_DATES:  # whose betas were cut to the panel
        assert all(model.get_params(deep=False)[key] is value for key, value in before.items())
    assert repr(model) == print_before and repr(model).startswith(f"{type(model).__name__}(")
    learned = vars(model).keys() - before.keys()
    assert learned and all(key.endswith("_") and not key.startswith("_") for key in learned)


@every_model
def test_a_clone_has_the_parameters_and_nothing_learned(name):
    original = fitted(name)
    fresh = clone(original)
    assert type(fresh) is type(original) and repr(fresh) == repr(original)
    assert str(fresh.get_params(deep=False)) == str(original.get_params(deep=False))
    assert vars(fresh).keys() == original.get_params(deep=False).keys()


@every_model
def test_fitting_again_forgets_the_first_fit(name):
    twice = learn(fit(name, OTHER, n_past=30), PANEL)
    assert_says_the_same(twice, learn(clone(twice), PANEL))


ALIKE = np.ones((10, 12, 3)) * np.arange(10)[:, None, None]
NOT_TO_BE_LEARNED_FROM = {
    "no return at all": replace(OTHER, returns=np.full_like(OTHER.returns, np.nan)),
    "returns of zero": replace(OTHER, returns=0 * OTHER.returns),
    "characteristics and portfolios that are all alike": replace(
        OTHER[:10], characteristics=ALIKE, portfolios=OTHER.portfolios[:10, [0, 0]]
    ),
    "fewer tickers than factors": OTHER.select_tickers(["T01"]),
    "one date": OTHER[:1],
}


@models(TRUTH)
@pytest.mark.parametrize("case", NOT_TO_BE_LEARNED_FROM)
def test_a_fit_that_is_refused_leaves_the_model_as_it_was(name, case, uncompiled):
    model, refused = copy.deepcopy(fitted(name)), 0
    for each in (model, clone(model)):
        before = dict(vars(each))
        try:
            each.fit(NOT_TO_BE_LEARNED_FROM[case])
        except (TypeError, ValueError):
            refused += 1
            assert vars(each).keys() == before.keys() and all(vars(each)[key] is before[key] for key in before)
    assert refused in (0, 2) and (refused or case != "no return at all")


@every_model
@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copied_or_pickled_model_is_the_same_model(name, again):
    same = again(fitted(name))
    assert type(same) is type(fitted(name)) and repr(same) == repr(fitted(name))
    assert str(same.get_params(deep=False)) == str(fitted(name).get_params(deep=False))
    assert_says_the_same(fitted(name), same)


@every_model
def test_where_validation_dates_are_not_read_they_are_learned_from_like_any_other(name):
    model = clone(MODELS[name])
    if model.reads_validation:
        a, b = (learn(clone(model), changed(PANEL, slice(20, 25), what)) for what in ([], ["returns"]))
        assert not np.allclose(a.history_["validation"], b.history_["validation"], rtol=1e-3)
        assert np.array_equal(a.history_["training"], b.history_["training"])
        return
    one, two = clone(model).fit(PANEL), clone(model).fit(PANEL[:30], PANEL[30:])
    assert_says_the_same(one, two)
    if name != TRUTH:
        words = "must begin after", "begins at 2000-05-31", "ends at 2000-05-31"
        assert_refused(lambda: clone(model).fit(PANEL[:5], PANEL[4:]), ValueError, *words)


@models(TRUTH)  # which is known without a fit
@pytest.mark.parametrize("method", ["betas", "factors", "reconstruct", "score"])
def test_an_unfitted_model_says_that_it_must_be_fitted_first(name, method):
    model = clone(MODELS[name])
    assert_refused(lambda: getattr(model, method)(PANEL), NotFittedError, type(model).__name__, "'fit'")


@every_model
def test_an_unfitted_model_neither_predicts_nor_is_saved(name, tmp_path):
    model = clone(MODELS[name])
    assert_refused(lambda: model.save(tmp_path / "model"), NotFittedError, type(model).__name__)
    assert not list(tmp_path.iterdir())
    if name != TRUTH:
        assert_refused(lambda: model.predict(PANEL[5:], PANEL[:5]), NotFittedError, type(model).__name__)


@every_model
@pytest.mark.parametrize("method", ["fit", "betas", "factors", "reconstruct", "score"])
def test_an_array_is_no_panel(name, method):
    assert_refused(lambda: getattr(fitted(name), method)(PANEL.returns), TypeError, "A Panel is needed", "ndarray")


@every_model
def test_a_past_that_is_none_is_refused(name):
    model = fitted(name)
    words = "past must end before", "2001-09-30", "panel[:120]"
    assert_refused(lambda: model.predict(PANEL[20:], PANEL[:21]), ValueError, *words)
    assert_refused(lambda: model.predict(PANEL[:20], PANEL[20:]), ValueError, "past must end before")
    assert_refused(lambda: model.predict(PANEL[20:], PANEL.returns[:20]), TypeError, "Panel", "ndarray")
    assert_refused(lambda: model.predict(PANEL.returns[20:], PANEL[:20]), TypeError, "Panel", "ndarray")
    if name != OF_SEVERAL:
        assert_refused(lambda: model.expected_factors(PANEL[20:], PANEL[:21]), ValueError, *words)


# The one equation


@every_model
def test_the_reconstruction_is_the_product_of_betas_and_factors_by_plain_loops(name):
    model, panel = fitted(name), panel_for(name)
    expected, n_members = np.zeros((40, 12)), len(members(model))
    for member in members(model):
        betas, factors = np.asarray(member.betas(panel)), np.asarray(member.factors(panel))
        assert betas.shape == (40, 12, factors.shape[1]) and factors.shape[0] == 40
        for d in range(40):
            for s in range(12):
                expected[d, s] += sum(b * f for b, f in zip(betas[d, s], factors[d], strict=True)) / n_members
    assert np.allclose(model.reconstruct(panel), expected, rtol=1e-10, atol=1e-14)


@every_model
def test_the_prediction_is_the_product_of_betas_and_past_means_of_factors_by_plain_loops(name):
    model, panel = fitted(name), panel_for(name)
    expected, n_members = np.zeros((10, 12)), len(members(model))
    for member in members(model):
        betas, factors = np.asarray(member.betas(panel)), np.asarray(member.factors(panel))
        lambdas = [[np.mean([factors[e][k] for e in range(d)]) for k in range(factors.shape[1])] for d in range(30, 40)]
        assert np.allclose(member.expected_factors(panel[30:], panel[:30]), lambdas, rtol=1e-10, atol=1e-14)
        for d in range(10):
            for s in range(12):
                said = sum(b * f for b, f in zip(betas[30 + d, s], lambdas[d], strict=True))
                expected[d, s] += said / n_members
    assert np.allclose(model.predict(panel[30:], panel[:30]), expected, rtol=1e-10, atol=1e-14)


@every_model
def test_with_a_lag_lambda_ends_so_many_dates_earlier_by_plain_loops(name):
    model, panel = fitted(name), panel_for(name)
    expected, n_members = np.zeros((10, 12)), len(members(model))
    for member in members(model):
        betas, factors = np.asarray(member.betas(panel)), np.asarray(member.factors(panel))
        for d in range(10):
            expected[d] += betas[30 + d] @ factors[: 30 + d - 2].mean(axis=0) / n_members
    assert np.allclose(model.predict(panel[30:], panel[:30], lag=2), expected, rtol=1e-10, atol=1e-14)
    assert np.array_equal(model.predict(panel[30:], panel[:30], lag=0), model.predict(panel[30:], panel[:30]))
    assert_refused(lambda: model.predict(panel[30:], panel[:30], lag=30), ValueError, "lag = 30", "the 30 date(s)")
    assert_refused(lambda: model.predict(panel[30:], panel[:30], lag=-1), ValueError, "lag", "-1")
    assert_refused(lambda: model.predict(panel[30:], panel[:30], lag=1.5), TypeError, "lag", "1.5")


@every_model
def test_what_is_said_of_a_date_does_not_hang_on_which_others_are_asked_about(name):
    model, panel = fitted(name), panel_for(name)
    close = {"rtol": 1e-5, "atol": 1e-7} if name in NETWORKS else {"rtol": 1e-10, "atol": 1e-14}
    for dates in (slice(25, 40), slice(29, 30), slice(3, 20)):
        for member in members(model):
            for call in (member.betas, member.factors, member.reconstruct):
                assert np.allclose(call(panel[dates]), np.asarray(call(panel))[dates], **close)
        assert np.allclose(model.reconstruct(panel[dates]), np.asarray(model.reconstruct(panel))[dates], **close)
    together = model.predict(panel[30:], panel[:30])
    for d in range(30, 40):
        assert np.allclose(model.predict(panel[d : d + 1], panel[:d])[0], together[d - 30], **close)


@models(TRUTH)
def test_scaling_the_returns_scales_the_reconstruction(name):
    panel = panel_for(name)
    scaled = replace(panel, returns=128 * panel.returns)  # a power of two, so that not even a rounding differs
    a, b = fitted(name, panel).reconstruct(panel), fit(name, scaled).reconstruct(scaled)
    assert np.allclose(128 * a, b, rtol=1e-8, atol=1e-12) and np.std(a) > 0


@models(OF_RETURNS)
@pytest.mark.parametrize("panel", [PANEL, GAPPY], ids=["full", "with gaps"])
def test_each_ticker_is_left_out_of_the_factors_by_plain_loops(name, panel):
    model, expected = fitted(name, panel), np.zeros((40, 12))
    for member in members(model):
        for s in range(12):
            returns = np.array(panel.returns)
            returns[:, s] = np.nan
            factors = member.factors(replace(panel, returns=returns))
            for d in range(40):
                expected[d, s] += member.betas(panel)[d, s] @ factors[d] / len(members(model))
    assert np.allclose(model.leave_one_out(panel), expected, rtol=1e-9, atol=1e-12)


def test_without_the_ticker_itself_noise_is_explained_no_more():
    """Three factors of pure noise catch 3 / 30 of the returns; left out, every one of them does worse than nothing."""
    random = np.random.default_rng(0)
    noise = Panel(random.standard_normal((400, 30)), random.standard_normal((400, 30, 3)))
    model = CrossSectionalRegression().fit(noise)
    assert model.score(noise) == pytest.approx(3 / 30, abs=0.01)
    assert total_r2(noise.returns, model.leave_one_out(noise)) == pytest.approx(-3 / 30, abs=0.03)


def test_a_date_with_as_many_tickers_as_factors_cannot_do_without_one():
    returns = np.array(PANEL.returns)
    returns[7, 2:] = np.nan
    few = replace(PANEL, returns=returns)
    for name in ("cross sections of given betas", "components", "one curve and regressions"):
        assert_refused(lambda name=name: fitted(name).leave_one_out(few), ValueError, "too few tickers", "2 factors")


def test_a_ticker_that_decides_a_factor_alone_is_named():
    """Its residual is 0, and a formula that divides by nothing would give back the return itself."""
    betas = np.array(GIVEN)
    betas[:, 1] = 0
    betas[4, 1] = 2.0
    model = CrossSectionalRegression(given_betas=betas).fit(PANEL)
    words = f"Without the ticker {PANEL.tickers[4]!r}", "no single value", "40 such case(s)"
    assert_refused(lambda: model.leave_one_out(PANEL), ValueError, *words)
    z = np.array(PANEL.characteristics)
    z[:, :, 0] = betas[:, 1]
    held = fitted(OF_SEVERAL)
    assert_refused(lambda: held.leave_one_out(replace(PANEL, characteristics=z)), ValueError, *words)


@models("time series", "time series through the origin", *NETWORKS, TRUTH, RIDGED)
def test_factors_that_are_solved_for_are_the_regression_of_each_date_on_its_betas(name):
    model = fitted(name, GAPPY)
    betas, factors = model.betas(GAPPY), model.factors(GAPPY)
    for d, r in enumerate(GAPPY.returns):
        known = ~np.isnan(r)
        assert np.allclose(factors[d], np.linalg.lstsq(betas[d][known], r[known], rcond=None)[0])


def test_an_ensemble_has_no_betas_or_factors_and_each_member_is_a_model_that_has():
    model = fitted(OF_SEVERAL)
    assert len(model.members_) == 3 and all(isinstance(member, FactorModel) for member in model.members_)
    for what in ("betas", "factors"):
        words = "3 members", f"no {what}", f"model.members_[0].{what}(panel)", "reconstruct(panel)"
        assert_refused(lambda what=what: getattr(model, what)(PANEL), ValueError, *words)
        assert all(np.isfinite(getattr(member, what)(PANEL)).all() for member in model.members_)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not np.allclose(model.members_[a].betas(PANEL), model.members_[b].betas(PANEL), rtol=0.1)


# No look-ahead


@pytest.mark.parametrize("d", [14, 27, 38])
@pytest.mark.parametrize(
    ("name", "panel"),
    [(name, panel) for panel in ("complete", "gaps") for name in MODELS if (name, panel) != (OF_RETURNS, "gaps")],
)
def test_what_comes_later_moves_nothing_that_is_said_of_a_date(name, panel, d):
    panel = {"complete": PANEL, "gaps": GAPPY}[panel]
    other, n_past, known = changed(panel, slice(d + 1, None)), min(d + 1, N_PAST), slice(None, d + 1)
    before, after = fit(name, panel, n_past), fit(name, other, n_past)
    for a, b in zip(sayings(before, panel, n_past), sayings(after, other, n_past), strict=True):
        assert np.array_equal(a[known], b[known])
    if name != TRUTH:
        assert not np.allclose(before.reconstruct(panel)[d + 1 :], after.reconstruct(other)[d + 1 :])


@every_model
def test_betas_and_forecasts_of_a_date_are_known_before_its_return(name):
    model, d = fitted(name), 33
    other = changed(PANEL, slice(d, d + 1), ["returns", "portfolios"])
    for member in members(model):
        assert np.array_equal(member.betas(PANEL), member.betas(other))
    a, b = (model.predict(panel[N_PAST:], panel[:N_PAST]) for panel in (PANEL, other))
    rows = d - N_PAST + 1
    assert np.array_equal(a[:rows], b[:rows])
    if name != TRUTH:
        assert not np.allclose(a[rows:], b[rows:])


# Tickers in another order


def of_tickers(model, order):
    """The model of the same market, whose tickers stand in another order."""
    if isinstance(model, Truth):
        market = model.market
        return Truth(SimulatedMarket(permuted(market.panel, order), market.betas[:, order], market.factors))
    if isinstance(getattr(model, "given_betas", None), pd.DataFrame):
        return clone(model).set_params(given_betas=model.given_betas.iloc[order])
    if getattr(model, "given_betas", None) is not None:
        return clone(model).set_params(given_betas=model.given_betas[..., order, :])
    return clone(model)


@models(OF_RETURNS, MEMBER)  # a member is fitted with its ensemble
def test_fitting_to_permuted_tickers_permutes_all_that_is_said(name, uncompiled):
    panel, order = panel_for(name), np.random.default_rng(1).permutation(12)
    model, close = clone(MODELS[name]), {"rtol": 1e-8, "atol": 1e-12}
    if name in NETWORKS:  # in one batch the order of its rows is a matter of float32's rounding
        model, close = model.set_params(batch_size=10_000, epochs=4), {"rtol": 1e-3, "atol": 1e-5}
    one, other = learn(clone(model), panel), learn(of_tickers(model, order), permuted(panel, order))
    for a, b in zip(sayings(one, panel), sayings(other, permuted(panel, order)), strict=True):
        by_ticker = a.ndim == 3 or a.shape[1] == 12
        assert np.allclose(a[:, order] if by_ticker else a, b, **close)


FREE = [
    "cross sections of characteristics", "instrumented components", "instrumented components with a constant", RIDGED,
    "a network of portfolios", OF_SEVERAL, MEMBER, *CURVED, "a network whose factors are regressions",
]  # fmt: skip


@pytest.mark.parametrize("name", FREE)
def test_sensitivities_that_follow_characteristics_hold_for_tickers_in_another_order_and_for_new_ones(name):
    order = np.random.default_rng(1).permutation(12)
    other, few = permuted(PANEL, order), PANEL.select_tickers(["T09", "T03", "T05", "T01", "T11"])
    renamed = replace(PANEL, tickers=[f"N{s}" for s in range(12)])
    for member in members(fitted(name)):
        betas = np.asarray(member.betas(PANEL))
        assert np.allclose(member.betas(other), betas[:, order], rtol=1e-5, atol=1e-6)
        assert np.allclose(member.factors(other), member.factors(PANEL), rtol=1e-5, atol=1e-6)
        assert np.allclose(member.betas(few), betas[:, [9, 3, 5, 1, 11]], rtol=1e-5, atol=1e-6)
        assert np.array_equal(member.betas(renamed), betas)


OTHER_TICKERS = {
    "in another order": (permuted(PANEL, np.arange(12)[::-1]), "another order"),
    "one renamed": (replace(PANEL, tickers=[*PANEL.tickers[:-1], "NEW"]), "new: NEW; gone: T11"),
    "one fewer": (PANEL.select_tickers(PANEL.tickers[:11]), "gone: T11"),
}


@pytest.mark.parametrize("name", [name for name in MODELS if name not in FREE])
@pytest.mark.parametrize("change", OTHER_TICKERS)
def test_sensitivities_that_belong_to_tickers_are_refused_to_other_tickers(name, change):
    model, (panel, words) = fitted(name), OTHER_TICKERS[change]
    fragments = ["market.panel"] if name == TRUTH else [words, "in the same order, or fit again"]
    for call in (model.factors, model.reconstruct) if name == OF_RETURNS else (model.betas, model.reconstruct):
        assert_refused(lambda call=call: call(panel), ValueError, *fragments)


# Missing returns


@models(OF_RETURNS)
def test_a_missing_return_is_nobodys_zero(name):
    zeros = replace(GAPPY, returns=np.nan_to_num(GAPPY.returns))
    model, other = fitted(name, GAPPY), fit(name, zeros)
    said = sayings(model, GAPPY)
    assert all(np.isfinite(each).all() for each in said)
    if name != TRUTH:
        known = ~np.isnan(GAPPY.returns)
        assert not np.allclose(model.reconstruct(GAPPY)[known], other.reconstruct(zeros)[known], rtol=1e-3)


@models(OF_RETURNS)
@pytest.mark.parametrize("value", [np.nan, 1e6], ids=["unknown", "huge"])
def test_the_characteristics_of_a_missing_return_do_not_matter(name, value):
    gone = np.isnan(GAPPY.returns)
    other = replace(GAPPY, characteristics=np.where(gone[:, :, None], value, GAPPY.characteristics))
    a, b = fitted(name, GAPPY), fit(name, other)
    for one, two in zip(members(a), members(b), strict=True):
        assert np.array_equal(one.factors(GAPPY), two.factors(other))
        assert np.array_equal(one.betas(GAPPY)[~gone], two.betas(other)[~gone])
    assert np.array_equal(a.reconstruct(GAPPY)[~gone], b.reconstruct(other)[~gone])


def test_a_network_of_returns_asks_for_every_one_that_has_happened():
    assert_refused(lambda: fit(OF_RETURNS, GAPPY), ValueError, "factor_inputs='returns'", "missing", "'managed'")
    assert_refused(lambda: fitted(OF_RETURNS).factors(GAPPY), ValueError, "needs every ticker", "'managed'")


@every_model
def test_a_zero_here_and_there_is_a_number_like_any_other(name):
    arrays = parts(PANEL)
    arrays["characteristics"][5, 2, 1] = arrays["portfolios"][[6, 23], 0] = 0.0
    arrays["returns"][[3, 22, 36], [4, 1, 7]] = 0.0
    zero = replace(PANEL, **arrays)
    assert all(np.isfinite(each).all() for each in sayings(fit(name, zero), zero))


# Dates that have not happened


@every_model
@pytest.mark.parametrize("n_dates", [1, 3])
def test_dates_that_have_not_happened_are_forecast(name, n_dates):
    """The first of them as if it had happened; the others by the same expected factors, since no more is known."""
    model, first = fitted(name), 40 - n_dates
    waiting = not_yet(PANEL, n_dates)
    said, known = model.predict(waiting[30:], waiting[:30]), model.predict(PANEL[30:], PANEL[:30])
    assert np.array_equal(said[: first - 30 + 1], known[: first - 30 + 1]) and np.isfinite(said).all()
    if name == TRUTH:
        return
    for member in members(model):
        expected = np.asarray(member.expected_factors(waiting[30:], waiting[:30]))
        assert (expected[first - 30 :] == expected[-1]).all() and not (expected[:3] == expected[-1]).any()
        assert np.allclose(expected[-1], np.mean(member.factors(PANEL[:first]), axis=0), rtol=1e-8)
        assert np.array_equal(member.betas(waiting), member.betas(PANEL))


@models(TRUTH)
@pytest.mark.parametrize("n_dates", [1, 3])
def test_of_dates_that_have_not_happened_there_are_no_factors_and_no_reconstruction(name, n_dates):
    model, waiting = fitted(name), not_yet(PANEL, n_dates)
    for call in [model.reconstruct, *(member.factors for member in members(model))]:
        said = np.asarray(call(waiting))
        assert np.isnan(said[-n_dates:]).all() and np.array_equal(said[:-n_dates], np.asarray(call(PANEL))[:-n_dates])
    assert model.score(waiting) == pytest.approx(model.score(PANEL[:-n_dates]), rel=1e-6)


@every_model
def test_nothing_is_learned_from_dates_that_have_not_happened(name):
    waiting = not_yet(PANEL[:28], 3)
    if MODELS[name].reads_validation:
        one = clone(MODELS[name]).fit(PANEL[:20], PANEL[20:25])
        other = clone(MODELS[name]).fit(not_yet(PANEL[:20], 2), waiting[20:])
        shorter = clone(MODELS[name]).fit(PANEL[:18], PANEL[20:25])
        assert_says_the_same(other, shorter)
        assert not np.allclose(one.reconstruct(PANEL), other.reconstruct(PANEL), rtol=1e-3)
        return
    one, other = learn(clone(MODELS[name]), PANEL[:25]), learn(clone(MODELS[name]), waiting, n_past=28)
    assert np.array_equal(one.reconstruct(PANEL[:25]), other.reconstruct(PANEL[:25]))
    for key in ("betas_", "alphas_", "gamma_", "premia_", "standard_errors_", "factors_"):
        assert np.array_equal(getattr(one, key, 0), getattr(other, key, 0))


@models(TRUTH)
def test_portfolios_that_are_known_before_the_returns_are_no_factors_yet(name):
    """An index may be known before its members: what has not happened is not averaged over, whoever may know it."""
    model, early = fitted(name), replace(PANEL, returns=with_value(PANEL.returns, slice(37, None), np.nan))
    for member in members(model):
        assert np.isnan(member.factors(early)[37:]).all() and np.isfinite(member.factors(early)[:37]).all()
    waiting = not_yet(PANEL, 3)
    assert np.array_equal(model.predict(early[30:], early[:30]), model.predict(waiting[30:], waiting[:30]))


@models(TRUTH)
def test_only_who_has_no_characteristics_yet_has_no_forecast(name):
    waiting = not_yet(PANEL)
    unknown = replace(waiting, characteristics=with_value(waiting.characteristics, (39, 4, 1), np.nan))
    said, known = (fitted(name).predict(panel[30:], panel[:30]) for panel in (unknown, waiting))
    follows = name in FREE or name == OF_RETURNS
    assert np.argwhere(np.isnan(said)).tolist() == ([[9, 4]] if follows else [])
    others = ~np.isnan(said)
    assert np.allclose(said[others], known[others], rtol=1e-5, atol=1e-9)


@every_model
def test_a_panel_of_nothing_but_dates_that_have_not_happened_is_forecast_and_not_learned_from(name):
    model, waiting = fitted(name), not_yet(PANEL, 2)[38:]
    assert not waiting.n_happened
    said = model.predict(waiting, PANEL[:38])
    assert np.array_equal(said[0], model.predict(PANEL[38:39], PANEL[:38])[0]) and np.isfinite(said).all()
    if name == TRUTH:
        return
    assert np.isnan(model.reconstruct(waiting)).all()
    for member in members(model):
        assert np.isnan(member.factors(waiting)).all()
        assert np.array_equal(np.isfinite(member.betas(waiting)), np.ones((2, 12, len(member.factors(PANEL)[0])), bool))
    learner = clone(MODELS[name])
    if name == BY_DATES:
        learner.set_params(given_betas=BY_DATE[38:])
    assert_refused(lambda: learner.fit(waiting), ValueError, "no return at any date", "have happened")


@models(TRUTH)
def test_a_past_may_end_in_dates_that_have_not_happened_but_not_be_made_of_them(name):
    model, waiting = fitted(name), not_yet(PANEL[:33], 3)
    said = model.predict(PANEL[33:34], waiting)
    for member in members(model):
        expected = member.expected_factors(PANEL[33:34], waiting)
        assert np.allclose(expected[0], np.mean(member.factors(PANEL[:30]), axis=0), rtol=1e-8)
    assert np.isfinite(said).all() and not np.allclose(said, model.predict(PANEL[33:34], PANEL[:33]), rtol=1e-4)
    assert_refused(lambda: model.predict(PANEL[33:34], waiting[30:]), ValueError, "past", "no date that has happened")


# Precision


@every_model
def test_a_panel_in_single_precision_gives_what_its_copy_in_double_precision_gives(name):
    arrays = {key: value.astype("float32") for key, value in parts(panel_for(name)).items()}
    single = replace(panel_for(name), **arrays)
    double = replace(panel_for(name), **{key: value.astype(float) for key, value in arrays.items()})
    assert single.returns.dtype == np.float32 and double.returns.dtype == float
    a, b = fit(name, single), fit(name, double)
    assert_says_the_same(a, b, single, double)
    for said in (a.reconstruct(single), a.predict(single[30:], single[:30]), *(m.factors(single) for m in members(a))):
        assert said.dtype == float


# Files


@models(TRUTH)
def test_a_saved_model_is_loaded_as_it_was(name, tmp_path):
    model, path = fitted(name), tmp_path / "a model.npz"
    model.save(path)
    assert os.listdir(tmp_path) == ["a model.npz"]
    for kind in (FactorModel, type(model)):
        loaded = kind.load(str(path))
        assert type(loaded) is type(model) and repr(loaded) == repr(model)
        for key, value in model.get_params(deep=False).items():
            assert type(loaded.get_params()[key]) is type(value) and np.array_equal(loaded.get_params()[key], value)
        assert vars(loaded).keys() == vars(model).keys()
        assert_says_the_same(model, loaded)
        for member, other in zip(members(model), members(loaded), strict=True):
            pd.testing.assert_frame_equal(member.factors(PANEL).to_frame(), other.factors(PANEL).to_frame())
    assert_says_the_same(learn(model if name == MEMBER else clone(model), PANEL), learn(loaded, PANEL))


@models(TRUTH)
def test_the_file_of_another_model_is_refused_by_name(name, tmp_path):
    model, path = fitted(name), tmp_path / "model"
    model.save(path)
    for kind in (TimeSeriesRegression, PCAFactors, InstrumentedPCA, ConditionalAutoencoder, Truth):
        if kind is not type(model):
            words = "model holds a ", type(model).__name__, f"{kind.__name__} was asked for"
            assert_refused(lambda kind=kind: kind.load(path), ValueError, *words)


def test_a_parameter_that_is_neither_numbers_nor_labels_cannot_be_stored_and_nothing_is_left(tmp_path):
    words = "The model's market holds a SimulatedMarket", "cannot be stored", "joblib.dump"
    assert_refused(lambda: fitted(TRUTH).save(tmp_path / "model"), TypeError, *words)
    by_function = copy.copy(fitted("components"))
    by_function.shares_ = len
    assert_refused(lambda: by_function.save(tmp_path / "model"), TypeError, "The model's shares_ holds a builtin")
    objects = copy.copy(fitted("components"))
    objects.shares_ = np.array([len], object)
    assert_refused(lambda: objects.save(tmp_path / "model"), TypeError, "shares_ holds a ndarray")
    assert not list(tmp_path.iterdir())


class Trap:
    """What unpickling it would do shows."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_nothing_in_a_file_is_executed(tmp_path):
    path, sprung = tmp_path / "model", tmp_path / "sprung"
    fitted("components").save(path)
    with np.load(path) as file:
        arrays = dict(file)
    objects = np.empty(1, object)
    objects[0] = Trap(sprung)
    for name in arrays:
        with open(path, "wb") as file:
            np.savez(file, **(arrays | {name: objects}))
        assert_refused(lambda: FactorModel.load(path), ValueError, "FactorModel.save", "allow_pickle")
    path.write_bytes(pickle.dumps(Trap(sprung)))
    assert_refused(lambda: FactorModel.load(path), ValueError, "FactorModel.save")
    assert not sprung.exists()


def with_about(path, **changes):
    """The saved model with another description."""
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(str(arrays.pop("about")))
    with open(path, "wb") as file:
        np.savez(file, about=json.dumps(about | changes), **arrays)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "os.path.join"}, ("holds a join", "was asked for")),
        ({"model": "helpers.models.store.write_model"}, ("holds a write_model", "was asked for")),
        ({"model": "helpers.models.no_such_module.Net"}, ("holds a Net", "define that first")),
        ({"model": "antigravity.Net"}, ("holds a Net", "define that first")),
        ({"model": 3}, ("FactorModel.save wrote", "3")),
        ({"model": "helpers.models.base.FactorModel"}, ("another version of FactorModel",)),
        ({"parameters": {"colour": 1}}, ("another version of PCAFactors", "colour")),
        ({"parameters": {"n_factors": {"unheard of": []}}}, ("FactorModel.save wrote", "unheard of")),
        ({"parameters": {"n_factors": {"array": "array_99"}}}, ("FactorModel.save wrote", "array_99")),
        ({"learned": {"__class__": 1}}, ("FactorModel.save wrote", "__class__")),
        ({"learned": {"fit": 1}}, ("FactorModel.save wrote", "fit")),
        ({"learned": [1]}, ("FactorModel.save wrote",)),
    ],
)
def test_a_file_with_another_description_is_refused(changes, words, tmp_path):
    path = tmp_path / "model"
    fitted("components").save(path)
    with_about(path, **changes)
    assert_refused(lambda: FactorModel.load(path), ValueError, "model", *words)


def test_a_file_that_is_not_there_or_is_a_folder_is_said_to_be_so(tmp_path):
    assert_refused(lambda: FactorModel.load(tmp_path / "none"), FileNotFoundError, "none")
    assert_refused(lambda: FactorModel.load(tmp_path), ValueError, "FactorModel.save")
    assert_refused(lambda: fitted("components").save(tmp_path / "no folder" / "model"), FileNotFoundError, "no folder")


LABELS = {
    "months": PANEL.dates,
    "moments of a time zone": PANEL.dates.tz_localize("Europe/Berlin"),
    "moments of an offset": PANEL.dates.tz_localize("UTC+02:00"),
    "seconds": PANEL.dates.as_unit("s"),
    "periods": PANEL.dates.to_period("M"),
    "positions": pd.RangeIndex(40),
    "every second number": pd.RangeIndex(0, 80, 2),
    "years": pd.Index(range(1960, 2000)),
    "halves": pd.Index(np.arange(40) / 2),
}


@pytest.mark.parametrize("labels", LABELS)
def test_labels_of_any_kind_survive_a_file(labels, tmp_path):
    tickers = LABELS[labels][:12]
    panel = replace(PANEL, dates=LABELS[labels], tickers=tickers)
    model = CrossSectionalRegression().fit(panel)
    model.save(tmp_path / "model")
    loaded = FactorModel.load(tmp_path / "model")
    for key in ("dates_", "tickers_", "characteristic_names_"):
        kept, learned = (pd.DataFrame(index=getattr(each, key)) for each in (loaded, model))
        pd.testing.assert_frame_equal(kept, learned, check_freq=False)


def test_given_betas_keep_their_labels_in_clones_and_files(tmp_path):
    """Without them a clone would take by position what the model itself refuses."""
    ours = fitted("components").betas(PANEL[:30])
    for betas in (TABLE, ours):
        model = CrossSectionalRegression(betas).fit(PANEL[:30])
        model.save(tmp_path / "model")
        for same in (clone(model), pickle.loads(pickle.dumps(model)), FactorModel.load(tmp_path / "model")):
            assert list(same.fit(PANEL[:30]).betas(PANEL[:30]).axes[2]) == list(model.betas(PANEL[:30]).axes[2])
            other = permuted(PANEL[:30], np.arange(12)[::-1])
            assert_refused(lambda same=same, other=other: same.fit(other), ValueError, "given_betas", "tickers")
    assert_refused(lambda: clone(CrossSectionalRegression(ours)).fit(PANEL[5:35]), ValueError, "dates of given_betas")


class OwnModel(ConstantBetas):
    """A model of one's own: every ticker moves one to one with the mean of all."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def fit(self, panel, validation=None):
        panel = self._learns_from(panel, validation)
        self.betas_, self.tickers_ = np.full((panel.n_tickers, 1), self.scale), panel.tickers
        return self

    def factors(self, panel):
        self._require_fitted(panel)
        mean = panel.returns.mean(axis=1, keepdims=True)
        return labelled(mean, panel.dates, pd.Index(["mean"]))


def test_a_model_of_ones_own_writes_three_methods_and_has_the_rest(tmp_path):
    model = OwnModel(2.0).fit(PANEL[:20], PANEL[20:25])
    assert np.allclose(model.reconstruct(PANEL), 2 * PANEL.returns.mean(axis=1, keepdims=True) * np.ones(12))
    waiting = not_yet(PANEL)
    assert np.allclose(model.predict(waiting[39:], waiting[:39]), 2 * PANEL.returns[:39].mean())
    model.save(tmp_path / "model")
    assert_says_the_same(FactorModel.load(tmp_path / "model"), model)
    assert repr(OwnModel.load(tmp_path / "model")) == "OwnModel(scale=2.0)"


# Labels


@every_model
def test_results_come_with_their_labels(name):
    model = fitted(name)
    for member in members(model):
        betas, factors = member.betas(PANEL).to_frame(), member.factors(PANEL).to_frame()
        assert betas.index.equals(pd.MultiIndex.from_product([PANEL.dates, PANEL.tickers]))
        assert betas.index.names == ["date", "ticker"] and factors.index.equals(PANEL.dates)
        assert betas.columns.equals(factors.columns)
        assert np.array_equal(betas.to_numpy().reshape(40, 12, -1), member.betas(PANEL))
        assert np.array_equal(factors.to_numpy(), member.factors(PANEL))
    for table, dates in (
        (model.reconstruct(PANEL).to_frame(), PANEL.dates),
        (model.predict(PANEL[30:], PANEL[:30]).to_frame(), PANEL.dates[30:]),
    ):
        assert table.index.equals(dates) and table.columns.equals(PANEL.tickers)
    assert np.array_equal(model.reconstruct(PANEL).to_frame().to_numpy(), model.reconstruct(PANEL))


FACTOR_NAMES = {
    "time series": ["market", "oil"],
    "cross sections of characteristics": ["size", "value", "momentum"],
    "cross sections of a table of betas": ["beta", "size"],
}


@models(OF_SEVERAL)
def test_factors_have_the_names_of_what_they_are_or_are_numbered(name):
    names = FACTOR_NAMES.get(name.removesuffix(" through the origin"), ["F1", "F2"])
    assert list(members(fitted(name))[0].factors(PANEL).to_frame().columns) == names


@every_model
def test_what_is_computed_from_a_result_is_a_plain_array(name):
    reconstruction = fitted(name).reconstruct(PANEL)
    for computed in (reconstruction - PANEL.returns, reconstruction[3:5], abs(reconstruction), reconstruction.mean(0)):
        assert type(computed) is np.ndarray


# Scores and searches


@every_model
def test_the_score_is_the_total_r2_of_the_reconstruction(name):
    model, panel = fitted(name), panel_for(name)
    assert model.score(panel) == model.score(panel, None) == total_r2(panel.returns, model.reconstruct(panel))
    assert type(model.score(panel)) is float


def test_a_search_over_numbers_of_factors_walks_forward_and_fits_the_best_to_all_dates():
    folds = WalkForward(n_train=20, n_test=5)
    search = GridSearchCV(PCAFactors(), {"n_factors": [1, 2, 3]}, cv=folds).fit(GAPPY)
    expected = [[PCAFactors(k).fit(fold.train).score(fold.test) for fold in folds.folds(GAPPY)] for k in (1, 2, 3)]
    found = [[search.cv_results_[f"split{i}_test_score"][k] for i in range(4)] for k in range(3)]
    assert np.array_equal(found, expected)
    best = int(np.argmax(np.mean(expected, axis=1))) + 1
    assert search.best_params_ == {"n_factors": best}
    assert_says_the_same(search.best_estimator_, PCAFactors(best).fit(GAPPY), GAPPY)
    assert search.score(GAPPY) == search.best_estimator_.score(GAPPY)


@models(TRUTH, BY_DATES, *NETWORKS)
def test_scikit_learn_scores_a_model_by_folds(name):
    folds = WalkForward(n_train=30, n_test=5)
    scores = cross_val_score(MODELS[name], PANEL, cv=folds)
    assert scores.tolist() == [clone(MODELS[name]).fit(f.train).score(f.test) for f in folds.folds(PANEL)]


# The base class


def test_the_base_classes_are_no_models():
    for kind in (FactorModel, ConstantBetas, Ensemble):
        with pytest.raises(TypeError):
            kind()
