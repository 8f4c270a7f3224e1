"""The grid by least squares alone: its market, its two regressions in turn, its six cells."""

import numpy as np
import pytest

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.experiments import live_grid
from helpers.experiments.live_grid import BENDS, WAYS, fixed_weights, quick_grid, quick_market
from helpers.models.ipca import InstrumentedPCA
from tests.common import assert_refused

RANDOM = np.random.default_rng(5)
Z, X = RANDOM.normal(0, [1.0, 2.0, 0.5, 1.0], (40, 60, 4)), RANDOM.normal(0, [0.1, 0.2, 0.1], (40, 3))
GAMMA, W = RANDOM.normal(0, 1, (4, 2)), RANDOM.normal(0, 1, (3, 2))
EXACT = np.einsum("dsi,ik,pk,dp->ds", Z, GAMMA, W, X)


def test_the_market_is_the_simulated_one_with_other_noise_and_fewer_factors():
    plain = simulate_market("nonlinear", 120, 40, live_grid.N_CHARACTERISTICS, seed=2)
    same = quick_market("nonlinear", n_dates=30, n_tickers=40, seed=2)
    assert np.allclose(same.panel.returns, plain.panel.returns)
    changed = quick_market("nonlinear", 2, 0.5, 30, 40, 2)
    explained = sum(plain.betas[..., k] * plain.factors[:, None, k] for k in range(2))
    assert np.allclose(changed.panel.returns - explained, 0.5 * (plain.panel.returns - plain.reconstruction))
    assert np.allclose(changed.reconstruction, explained)


def test_two_regressions_in_turn_find_what_made_the_returns():
    gamma, weights = fixed_weights(EXACT, Z, X, 2, price=1e-9)
    assert np.allclose(gamma @ weights.T, GAMMA @ W.T, atol=1e-4 * np.abs(GAMMA @ W.T).max())


@pytest.mark.parametrize("price", [0.003, 0.1])
def test_no_step_aside_lowers_what_they_minimise(price, monkeypatch):
    monkeypatch.setattr(live_grid, "N_ROUNDS", 500)
    returns = EXACT + RANDOM.normal(0, EXACT.std(), EXACT.shape)
    gamma, weights = fixed_weights(returns, Z, X, 2, price)
    r, z, x = (np.sqrt((values**2).mean(axis)) for values, axis in ((returns, None), (Z, (0, 1)), (X, 0)))

    def loss(change_gamma, change_weights):
        g, w = gamma * z[:, None] / r + change_gamma, weights * x[:, None] + change_weights
        errors = returns / r - np.einsum("dsi,ik,pk,dp->ds", Z / z, g, w, X / x)
        return (errors**2).mean() + price * ((g**2).sum() + (w**2).sum())

    here = loss(0, 0)
    for _ in range(20):
        aside = 1e-3 * RANDOM.normal(0, 1, (4, 2)), 1e-3 * RANDOM.normal(0, 1, (3, 2))
        assert loss(*aside) > here and loss(-aside[0], -aside[1]) > here


def test_a_factor_that_x_does_not_carry_vanishes():
    other = RANDOM.normal(0, 0.1, (40, 3))
    gamma, weights = fixed_weights(EXACT, Z, other, 2, price=1.0)
    assert np.abs(gamma @ weights.T).max() < 1e-3 * np.abs(GAMMA @ W.T).max()


def test_curves_need_the_regression_where_no_portfolio_carries_the_factor():
    table = quick_grid(quick_market("nonlinear"))
    assert list(table.index) == list(BENDS) and list(table.columns) == [*WAYS, "truth"]
    curves, lines = table.loc["along curves"], table.loc["along lines"]
    assert curves["regression of the date"] > lines["regression of the date"] + 15
    assert curves["weights on managed portfolios"] < curves["regression of the date"] - 15
    assert abs(curves["weights on x"] - curves["regression of the date"]) < 3
    assert (lines[list(WAYS)] < 0.5 * table["truth"].iloc[0]).all()


def test_where_the_market_is_linear_all_ways_come_near_the_truth():
    table = quick_grid(quick_market("linear", n_dates=40, n_tickers=100))
    assert (abs(table.sub(table["truth"], axis=0)) < 4).all(axis=None)


def test_a_cell_is_a_model_with_the_ridge_that_the_dates_between_choose():
    market = quick_market(n_dates=24, n_tickers=50)
    table, panel = quick_grid(market), market.panel
    models = [InstrumentedPCA(3, True, 1e-5, n_starts=1, ridge=ridge).fit(panel[:24]) for ridge in live_grid.RIDGES]
    best = max(models, key=lambda model: total_r2(panel[24:48].returns, model.leave_one_out(panel[24:48])))
    expected = 100 * total_r2(panel[48:].returns, best.leave_one_out(panel[48:]))
    assert table.loc["along lines", "regression of the date"] == pytest.approx(expected)


REFUSED = {
    "case": (("round",), ValueError, "case", "'round'"),
    "n_matter": (("linear", 4), ValueError, "n_matter", "4"),
    "noise": (("linear", 3, 0.0), ValueError, "noise", "0"),
    "n_dates": (("linear", 3, 1.0, 5), ValueError, "n_dates", "at least 12"),
    "n_tickers": (("linear", 3, 1.0, 60, 9), ValueError, "n_tickers", "at least 12"),
}


@pytest.mark.parametrize("argument", REFUSED)
def test_what_is_no_market_is_refused(argument):
    given, *refusal = REFUSED[argument]
    assert_refused(lambda: quick_market(*given), *refusal)


def test_the_grid_is_of_a_market_that_is_long_enough():
    assert_refused(lambda: quick_grid(EXACT), TypeError, "market", "quick_market", "ndarray")
    assert_refused(lambda: quick_grid(simulate_market("linear", 70, 30, 5)), ValueError, "n_dates", "at least 12")
