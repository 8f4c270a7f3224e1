"""No look-ahead: what is said about the dates up to d must not move when anything after date d does.

What every model says, when it is fitted once, is a part of the contract: tests/test_contract.py.
"""

import numpy as np
import pytest

from helpers.data.ranks import rank_across_tickers
from helpers.evaluation import (
    WalkForward,
    information_coefficient,
    out_of_sample,
    portfolio_returns,
    predictive_r2,
    sorted_positions,
    split_by_date,
    tangency_returns,
    turnover,
)
from helpers.models.backend import keras
from helpers.models.ipca import InstrumentedPCA
from helpers.models.least_squares import rolling_betas, time_series_betas
from helpers.models.lecture import make_model, train_validation_arrays
from helpers.models.managed import managed_portfolios
from helpers.models.pca import PCAFactors
from helpers.models.regression import CrossSectionalRegression, TimeSeriesRegression
from tests.common import small_panel
from tests.test_contract import BY_DATES, MEMBER, MODELS, TRUTH, changed

N_DATES, N_TICKERS, N_CHARS = 40, 12, 3
PANELS = {"complete": small_panel(), "gaps": small_panel(missing=0.15)}
LAST_KNOWN = (14, 27, 38)

with_and_without_gaps = pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
last_known_date = pytest.mark.parametrize("d", LAST_KNOWN)


@pytest.mark.parametrize("make", [TimeSeriesRegression, lambda: PCAFactors(2)], ids=["time series", "components"])
def test_a_model_fitted_to_all_dates_does_move_so_that_this_file_could_tell(make):
    panel = PANELS["complete"]
    other = changed(panel, slice(30, None))
    assert not np.allclose(make().fit(panel).betas(panel)[:30], make().fit(other).betas(other)[:30])


def test_the_betas_of_characteristics_follow_the_characteristics_of_their_own_date_only():
    panel = PANELS["complete"]
    model, other = CrossSectionalRegression().fit(panel), changed(panel, slice(30, 31), ["characteristics"])
    moved = (model.betas(panel) != model.betas(other)).any(axis=(1, 2))
    assert np.flatnonzero(moved).tolist() == [30]


@with_and_without_gaps
@last_known_date
@pytest.mark.parametrize("constant", [False, True])
def test_managed_portfolios_do_not_look_ahead(panel, d, constant):
    other = changed(panel, slice(d + 1, None))
    a, b = managed_portfolios(panel, constant), managed_portfolios(other, constant)
    assert np.array_equal(a[: d + 1], b[: d + 1]) and not np.allclose(a[d + 1 :], b[d + 1 :])


@last_known_date
@pytest.mark.parametrize("missing", ["keep", "median"])
def test_ranks_do_not_look_ahead(d, missing):
    panel = PANELS["complete"]
    a, b = (rank_across_tickers(p, missing).characteristics for p in (panel, changed(panel, slice(d + 1, None))))
    assert np.array_equal(a[: d + 1], b[: d + 1]) and not np.allclose(a[d + 1 :], b[d + 1 :])


@with_and_without_gaps
@last_known_date
def test_rolling_betas_do_not_look_ahead(panel, d):
    other = changed(panel, slice(d + 1, None))
    a, b = rolling_betas(panel.returns, panel.portfolios, 10), rolling_betas(other.returns, other.portfolios, 10)
    assert np.array_equal(a[: d + 1], b[: d + 1], equal_nan=True)


@with_and_without_gaps
def test_rolling_betas_of_a_date_are_known_before_its_return(panel):
    other = changed(panel, slice(30, 31))
    a, b = rolling_betas(panel.returns, panel.portfolios, 10), rolling_betas(other.returns, other.portfolios, 10)
    assert np.array_equal(a[:31], b[:31], equal_nan=True) and not np.allclose(a[31], b[31], equal_nan=True)


def test_betas_of_one_regression_over_all_dates_do_look_ahead():
    panel = PANELS["complete"]
    other = changed(panel, slice(39, None), ["portfolios"])
    betas, moved = (time_series_betas(p.returns, p.portfolios)[1] for p in (panel, other))
    assert (betas != moved).all()


def test_every_part_of_a_split_ends_before_the_next_begins():
    parts = split_by_date(PANELS["gaps"])
    dates = [date for part in parts for date in part.dates]
    assert dates == sorted(set(dates)) and len(dates) == N_DATES


def forecasts(panel, model):
    """What the walk forward says of the dates from 12 on, fitted anew every 7 dates."""
    return out_of_sample(model, panel, WalkForward(n_train=8, n_validation=4, n_test=7)).prediction


@pytest.mark.parametrize("name", [name for name in MODELS if name not in (BY_DATES, MEMBER, TRUTH)])
@last_known_date
def test_a_forecast_is_known_before_its_date(name, d):
    """Row d of the forecast may read the characteristics of date d, and nothing else of it or of what follows."""
    panel = PANELS["complete"]
    other = changed(changed(panel, slice(d, d + 1), ["returns", "portfolios"]), slice(d + 1, None))
    a, b = forecasts(panel, MODELS[name]), forecasts(other, MODELS[name])
    assert np.allclose(a[: d - 12 + 1], b[: d - 12 + 1], rtol=0, atol=1e-12)
    assert not np.allclose(a[d - 12 + 1 :], b[d - 12 + 1 :])


@last_known_date
def test_what_is_earned_with_a_forecast_up_to_a_date_does_not_look_ahead(d):
    """Positions, returns, trades, information coefficients, and the tangency portfolio of IPCA's factors."""
    panel = PANELS["complete"]
    model = InstrumentedPCA(2).fit(panel[:12])

    def quantities(panel):
        said, returns = model.predict(panel[12:], panel[:12]), panel.returns[12:]
        positions = sorted_positions(said, n_portfolios=3)
        factors = model.factors(panel)
        return {
            "positions": np.moveaxis(positions, 1, 0),
            "returns": portfolio_returns(positions, returns).T,
            "coefficients": information_coefficient(returns, said),
            "tangency": tangency_returns(factors[12:], factors[:12]),
            "turnover": turnover(positions, np.clip(returns, -0.5, 0.5)).T,
            "predictive R²": np.array([predictive_r2(returns[: k + 1], said[: k + 1]) for k in range(len(said))]),
        }

    before, after = quantities(panel), quantities(changed(panel, slice(d + 1, None)))
    for name in before:
        known = d - 12 + (0 if name == "turnover" else 1)  # the trade after date d needs the forecast of d + 1
        assert np.allclose(before[name][:known], after[name][:known], rtol=0, atol=1e-12), name
        assert not np.allclose(before[name][known:], after[name][known:]), name


def arrays_up_to(d, panel, target="returns"):
    """The training arrays of the dates up to d; day ahead, up to d - 1, whose target is the return of d."""
    end = d + 1 if target == "returns" else d
    return train_validation_arrays(panel, range(end), range(end, N_DATES), target)[:3]


def trained(panel, d):
    """A tiny network after two epochs on the dates up to d."""
    x1, x2, y = arrays_up_to(d, panel)
    keras.utils.set_random_seed(0)
    model = make_model(N_TICKERS, N_CHARS, hidden_units=4, n_factors=2)
    model.fit([x1, x2], y, epochs=2, batch_size=8, verbose=0)
    return model


def predict(model, panel):
    return keras.ops.convert_to_numpy(model([panel.characteristics, panel.returns], training=False))


@pytest.fixture(scope="module")
def network():
    return trained(PANELS["complete"], 27)


def test_a_network_trained_up_to_a_date_says_the_same_whatever_comes_later(network):
    d, panel = 27, PANELS["complete"]
    other = changed(panel, slice(d + 1, None))
    a, b = predict(network, panel), predict(trained(other, d), other)
    assert np.allclose(a[: d + 1], b[: d + 1], atol=1e-6) and not np.allclose(a[d + 1 :], b[d + 1 :], atol=1e-2)


@last_known_date
@pytest.mark.parametrize("target", ["returns", "returns_fwd"])
def test_training_arrays_do_not_look_ahead(d, target):
    panel = PANELS["complete"]
    arrays, after = (arrays_up_to(d, p, target) for p in (panel, changed(panel, slice(d + 1, None))))
    assert all(np.array_equal(a, b) for a, b in zip(arrays, after, strict=True))


def test_the_network_predicts_each_date_from_its_own_row(network):
    panel = PANELS["complete"]
    moved = np.abs(predict(network, changed(panel, slice(30, 31))) - predict(network, panel)).max(axis=1) > 1e-6
    assert np.flatnonzero(moved).tolist() == [30]


def test_the_beta_network_does_not_read_the_return(network):
    betas = keras.Model(network.inputs, network.get_layer("output_beta").output)
    panel = PANELS["complete"]
    other = changed(panel, slice(30, 31), ["returns"])
    assert np.allclose(predict(betas, panel), predict(betas, other), atol=1e-6)
    assert not np.allclose(predict(network, panel)[30], predict(network, other)[30])
