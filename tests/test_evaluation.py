"""What is said of models, against plain loops, scikit-learn, scipy, pandas, statsmodels and closed forms."""

from copy import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.exceptions import NotFittedError
from sklearn.metrics import mean_squared_error, r2_score

from helpers.data.simulated import simulate_constant_betas, simulate_market
from helpers.evaluation.inference import bootstrap_interval, newey_west, pricing_errors
from helpers.evaluation.inspection import align_factors, characteristic_importance
from helpers.evaluation.metrics import information_coefficient, predictive_r2, total_r2
from helpers.evaluation.portfolios import portfolio_returns, sharpe_ratio, sorted_positions, turnover
from helpers.evaluation.risk import (
    factor_covariance,
    hedge,
    minimum_variance_weights,
    tangency_returns,
    tangency_weights,
)
from helpers.labels import Labelled, labelled
from helpers.models.ipca import InstrumentedPCA
from helpers.models.managed import managed_portfolios
from helpers.models.pca import PCAFactors
from helpers.models.regression import CrossSectionalRegression, TimeSeriesRegression
from helpers.panel import Panel
from tests.common import assert_refused, small_panel, with_value

SOME = settings(deadline=None, derandomize=True, max_examples=25)
SEEDS = st.integers(0, 10_000)

random = np.random.default_rng(0)
R, R_HAT = random.normal(size=(2, 20, 6))
F, TRUE_F = random.normal(size=(2, 20, 2))
B = random.normal(size=(20, 6, 2))
GAPPY_R, GAPPY_R_HAT = with_value(R, ([0, 5, 5], [1, 2, 3]), np.nan), with_value(R_HAT, ([0, 8], [4, 0]), np.nan)
PANEL = small_panel()


def test_total_r2_is_the_sum_over_dates_and_tickers_that_its_equation_says():
    gappy = with_value(R, ([0, 5, 5], [1, 2, 3]), np.nan)
    errors = squares = 0.0
    for r, r_hat in zip(gappy.ravel(), R_HAT.ravel(), strict=True):
        if not np.isnan(r):
            errors, squares = errors + (r - r_hat) ** 2, squares + r**2
    assert np.isclose(total_r2(gappy, R_HAT), 1 - errors / squares)


def test_total_r2_is_one_for_the_returns_themselves_zero_for_nothing_and_negative_for_worse():
    assert total_r2(R, R) == 1 and total_r2(R, R * 0) == 0 and np.isclose(total_r2(R, -R), -3)


def test_total_r2_of_a_half_is_three_quarters():
    assert np.isclose(total_r2(R, R / 2), 0.75)


def test_total_r2_is_a_ratio_of_mean_squared_errors_in_scikit_learn():
    assert np.isclose(total_r2(R, R_HAT), 1 - mean_squared_error(R, R_HAT) / mean_squared_error(R, R * 0))


def test_total_r2_is_the_centred_one_only_if_returns_have_mean_zero():
    centred = R - R.mean()
    assert np.isclose(total_r2(centred, R_HAT), r2_score(centred.ravel(), R_HAT.ravel()))
    assert total_r2(R + 3, R_HAT + 3) > r2_score((R + 3).ravel(), (R_HAT + 3).ravel()) + 0.5


def test_dates_are_pooled_and_not_averaged():
    assert np.isclose(total_r2([[1.0], [3.0]], [[0.0], [3.0]]), 0.9)


def test_a_reconstruction_may_be_missing_where_the_return_is():
    assert total_r2(with_value(R, (3, 4), np.nan), with_value(R, (3, 4), np.nan)) == 1


@SOME
@given(seed=SEEDS, scale=st.sampled_from([100.0, -1.0, 1e-6]))
def test_total_r2_depends_neither_on_the_unit_nor_on_the_order(seed, scale):
    dates, tickers = np.random.default_rng(seed).permutation(20), np.random.default_rng(seed).permutation(6)
    expected = total_r2(R, R_HAT)
    assert np.isclose(total_r2(scale * R, scale * R_HAT), expected)
    assert np.isclose(total_r2(R[dates][:, tickers], R_HAT[dates][:, tickers]), expected)


@SOME
@given(seed=SEEDS)
def test_alignment_changes_the_halves_and_not_their_product(seed):
    random = np.random.default_rng(seed)
    betas, factors, truth = random.normal(size=(20, 6, 2)), random.normal(size=(20, 2)), random.normal(size=(20, 2))
    aligned_betas, aligned_factors = align_factors(betas, factors, truth)
    assert np.allclose(np.einsum("dsk,dk->ds", aligned_betas, aligned_factors), np.einsum("dsk,dk->ds", betas, factors))


@SOME
@given(seed=SEEDS)
def test_alignment_undoes_any_invertible_matrix(seed):
    market = simulate_constant_betas(n_dates=30, n_tickers=5, seed=seed)
    mix = np.random.default_rng(seed).normal(size=(3, 3)) + 3 * np.eye(3)
    betas, factors = align_factors(market.betas @ np.linalg.inv(mix).T, market.factors @ mix, market.factors)
    assert np.allclose(factors, market.factors) and np.allclose(betas, market.betas)


def test_alignment_of_many_noisy_dates_approaches_the_true_betas():
    market = simulate_constant_betas(n_dates=5000, n_tickers=8, seed=0)
    noise = np.random.default_rng(1).normal(0, 0.02, market.factors.shape)
    betas, _ = align_factors(market.betas, market.factors + noise, market.factors)
    assert np.allclose(betas, market.betas, atol=0.05)


# --- predictive_r2


def test_predictive_r2_is_the_sum_that_its_equation_says_with_the_past_mean_of_the_factors():
    panel = small_panel(missing=0.15)
    past, later = panel[:30], panel[30:]
    model = InstrumentedPCA(2).fit(past)
    betas, factors = model.betas(panel), model.factors(panel)
    errors = squares = 0.0
    for d in range(30, 40):
        expected = sum(factors[e] for e in range(d)) / d
        for s in range(12):
            if not np.isnan(panel.returns[d, s]):
                errors += (panel.returns[d, s] - betas[d, s] @ expected) ** 2
                squares += panel.returns[d, s] ** 2
    assert np.isclose(predictive_r2(later.returns, model.predict(later, past)), 1 - errors / squares)


def test_predictive_r2_is_one_formula_with_total_r2():
    assert predictive_r2(GAPPY_R, R_HAT) == total_r2(GAPPY_R, R_HAT)
    assert predictive_r2(R, R) == 1 and predictive_r2(R, R * 0) == 0


# --- information_coefficient


def test_the_information_coefficient_is_that_of_scipy_date_by_date():
    tied = GAPPY_R_HAT.round(0)
    coefficients = information_coefficient(GAPPY_R, tied)
    assert coefficients.shape == (20,)
    for d in range(20):
        known = ~np.isnan(GAPPY_R[d]) & ~np.isnan(tied[d])
        expected = np.nan if np.ptp(tied[d, known]) == 0 else stats.spearmanr(GAPPY_R[d, known], tied[d, known])[0]
        assert np.isclose(coefficients[d], expected, equal_nan=True)


def test_the_information_coefficient_is_that_of_pandas():
    for a, b in ((R, R_HAT), (R, GAPPY_R_HAT), (GAPPY_R, GAPPY_R_HAT)):
        returns, prediction = pd.DataFrame(a), pd.DataFrame(b)
        expected = [returns.loc[d].corr(prediction.loc[d], method="spearman") for d in range(20)]
        assert np.allclose(information_coefficient(returns, prediction), expected)


def test_a_date_with_too_few_tickers_or_no_spread_has_no_coefficient():
    returns = [
        [1.0, 2.0, np.nan, 4.0],
        [1.0, 2.0, 3.0, 4.0],
        [1.0, 1.0, 1.0, 1.0],
        [np.nan] * 4,
        [1.0, 2.0, 3.0, np.nan],
    ]
    prediction = [
        [1.0, 2.0, 3.0, np.nan],
        [5.0, 5.0, 5.0, 5.0],
        [1.0, 2.0, 3.0, 4.0],
        [1.0, 2.0, 3.0, 4.0],
        [3.0, 2.0, 1.0, 0.0],
    ]
    coefficients = information_coefficient(returns, prediction)
    assert np.isnan(coefficients[:4]).all() and np.isclose(coefficients[4], -1)


@SOME
@given(seed=SEEDS)
def test_the_information_coefficient_depends_on_the_order_of_the_tickers_values_only(seed):
    order = np.random.default_rng(seed).permutation(6)
    expected = information_coefficient(GAPPY_R, R_HAT)
    assert np.allclose(information_coefficient(GAPPY_R[:, order], R_HAT[:, order]), expected)
    assert np.allclose(information_coefficient(GAPPY_R, np.exp(3 * R_HAT)), expected)
    assert np.allclose(information_coefficient(GAPPY_R, -R_HAT), -expected)
    assert np.allclose(information_coefficient(R_HAT, GAPPY_R), expected)


def test_the_returns_themselves_predict_perfectly_and_noise_not_at_all():
    assert np.allclose(information_coefficient(GAPPY_R, GAPPY_R), 1)
    noise = np.random.default_rng(1).normal(size=(2, 4000, 10))
    coefficients = information_coefficient(*noise)
    assert abs(coefficients.mean()) < 0.02 and np.isclose(coefficients.var(), 1 / 9, rtol=0.1)  # 1 / (n_tickers - 1)


def test_the_coefficient_of_a_date_reads_no_other_date():
    changed = information_coefficient(with_value(R, 7, R[8]), with_value(R_HAT, 9, R_HAT[8]))
    assert np.flatnonzero(changed != information_coefficient(R, R_HAT)).tolist() == [7, 9]


# --- newey_west


def autoregressive(n, persistence, seed=0):
    y = np.random.default_rng(seed).normal(size=n)
    for d in range(1, n):
        y[d] += persistence * y[d - 1]
    return y


Y = 0.3 + autoregressive(150, 0.5)


def on_a_constant(series, n_lags):
    fit = sm.OLS(series, np.ones(len(series))).fit(cov_type="HAC", cov_kwds={"maxlags": n_lags, "use_correction": True})
    return fit.params[0], fit.bse[0]


@pytest.mark.parametrize("n_lags", [0, 1, 5, 40, 149])
def test_the_standard_error_is_that_of_a_regression_on_a_constant_in_statsmodels(n_lags):
    assert np.allclose(newey_west(Y, n_lags), on_a_constant(Y, n_lags))


@pytest.mark.parametrize("n_lags", [0, 3])
def test_the_standard_error_is_the_sum_that_its_equation_says(n_lags):
    mean = sum(Y) / 150
    squares = sum((y - mean) ** 2 for y in Y)
    for lag in range(1, n_lags + 1):
        products = sum((Y[d] - mean) * (Y[d - lag] - mean) for d in range(lag, 150))
        squares += 2 * (1 - lag / (n_lags + 1)) * products
    assert np.allclose(newey_west(Y, n_lags), (mean, (squares / (150 * 149)) ** 0.5))


def test_without_lags_it_is_the_ordinary_standard_error():
    assert np.isclose(newey_west(Y, 0)[1], stats.sem(Y)) and np.isclose(newey_west(Y, 0)[1], pd.Series(Y).sem())


@pytest.mark.parametrize(("n_dates", "n_lags"), [(2, 1), (99, 3), (100, 4), (150, 4), (500, 5), (1000, 6)])
def test_the_number_of_lags_grows_with_the_number_of_dates(n_dates, n_lags):
    series = autoregressive(n_dates, 0.5)
    assert newey_west(series) == newey_west(series, n_lags)


def test_missing_dates_are_dropped():
    gappy = with_value(Y, [0, 7, 8, 149], np.nan)
    for n_lags in (None, 0, 6):
        assert np.allclose(newey_west(gappy, n_lags), newey_west(gappy[~np.isnan(gappy)], n_lags))


@pytest.mark.parametrize("n_lags", [None, 0, 6])
def test_several_series_are_one_series_at_a_time(n_lags):
    table = np.stack([Y, with_value(Y, slice(10, 150), np.nan), with_value(Y[::-1], 3, np.nan)], axis=1)
    means, errors = newey_west(table, n_lags)
    assert means.shape == errors.shape == (3,)
    assert np.allclose(np.stack([means, errors], axis=1), [newey_west(column, n_lags) for column in table.T])
    assert np.allclose(newey_west(pd.DataFrame(table), n_lags), (means, errors))


@pytest.mark.parametrize("n_lags", [0, 3, 12])
def test_gaps_are_closed_series_by_series_and_statsmodels_says_the_same_of_each(n_lags):
    table = np.random.default_rng(2).normal(size=(60, 94)) + np.linspace(-1, 1, 94)
    table[np.random.default_rng(3).random(table.shape) < 0.2] = np.nan
    expected = [on_a_constant(column[~np.isnan(column)], n_lags) for column in table.T]
    assert np.allclose(np.transpose(newey_west(table, n_lags)), expected, rtol=1e-9)


def test_the_mean_and_its_error_are_in_the_units_of_the_series():
    mean, error = newey_west(Y, 3)
    assert isinstance(mean, float) and isinstance(error, float)
    assert np.allclose(newey_west(-100 * Y, 3), (-100 * mean, 100 * error)) and np.isclose(
        newey_west(Y + 9, 3)[1], error
    )
    assert newey_west(np.ones(10))[1] == 0


def test_lags_see_that_the_dates_of_a_persistent_series_are_not_independent():
    series = autoregressive(20_000, 0.8)
    assert np.isclose(newey_west(series, 100)[1] * 20_000**0.5, 1 / (1 - 0.8), rtol=0.1)
    assert np.isclose(newey_west(series, 0)[1] * 20_000**0.5, 1 / (1 - 0.8**2) ** 0.5, rtol=0.1)


# --- bootstrap_interval


def test_the_interval_of_a_mean_covers_the_truth_about_as_often_as_it_says():
    intervals = [
        bootstrap_interval(np.mean, np.random.default_rng(seed).normal(2, 1, 60), n_draws=200, seed=seed)
        for seed in range(300)
    ]
    covered = np.mean([low < 2 < high for low, high in intervals])
    assert 0.88 < covered < 0.98


def test_the_interval_of_independent_dates_is_that_of_scipy():
    low, high = bootstrap_interval(np.mean, Y, block_length=1, n_draws=4000)
    expected = stats.bootstrap((Y,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    width = 2 * 1.96 * Y.std() / 150**0.5
    assert np.isclose(high - low, width, rtol=0.05)
    assert np.allclose((low, high), expected, atol=0.05 * width)


def test_blocks_keep_what_neighbouring_dates_have_in_common():
    series = autoregressive(400, 0.8)
    (low, high), (low_1, high_1) = (bootstrap_interval(np.mean, series, b, 400) for b in (20, 1))
    assert high - low > 1.8 * (high_1 - low_1)


def draws(series, **how):
    """The histories that the statistic is shown."""
    seen = []
    bootstrap_interval(lambda part: seen.append(part) or 0.0, series, **how)
    return np.array(seen)


@pytest.mark.parametrize("block_length", [1, 4, 7, 20])
def test_a_draw_is_made_of_blocks_of_consecutive_dates_in_a_circle(block_length):
    seen = draws(np.arange(20), block_length=block_length, n_draws=300)
    assert seen.shape == (300, 20) and set(seen.ravel()) == set(range(20))
    inside = np.arange(1, 20) % block_length != 0
    assert (np.diff(seen, axis=1)[:, inside] % 20 == 1).all()
    assert np.allclose(np.bincount(seen.astype(int).ravel()) / 300, 1, atol=0.3)


@pytest.mark.parametrize(("n_dates", "block_length"), [(2, 2), (8, 2), (9, 3), (27, 3), (64, 4), (65, 5), (1000, 10)])
def test_blocks_are_as_long_as_the_cube_root_of_the_number_of_dates(n_dates, block_length):
    series = np.arange(n_dates)
    assert np.array_equal(draws(series, n_draws=3), draws(series, n_draws=3, block_length=block_length))


def test_a_block_of_all_dates_never_moves_the_mean():
    assert np.allclose(bootstrap_interval(np.mean, Y, block_length=150, n_draws=50), Y.mean())


def test_the_rows_of_a_date_stay_together_and_the_total_r2_of_a_model_has_an_interval():
    both = np.stack([GAPPY_R, R_HAT / 5 + 0.8 * R], axis=1)
    seen = draws(both, n_draws=5)
    assert seen.shape == (5, 20, 2, 6) and all(any(np.array_equal(row, b, True) for b in both) for row in seen[0])
    low, high = bootstrap_interval(lambda dates: total_r2(dates[:, 0], dates[:, 1]), both, n_draws=200)
    assert low < total_r2(both[:, 0], both[:, 1]) < high < 1


def test_the_seed_decides_the_interval_and_the_level_its_width():
    low, high = bootstrap_interval(np.mean, Y, n_draws=200, seed=3)
    assert (low, high) == bootstrap_interval(np.mean, pd.Series(Y), n_draws=200, seed=3)
    assert (low, high) != bootstrap_interval(np.mean, Y, n_draws=200, seed=4)
    wider = bootstrap_interval(np.mean, Y, n_draws=200, seed=3, level=0.99)
    assert wider[0] < low < high < wider[1] and isinstance(low, float) and isinstance(high, float)


# --- pricing_errors


@pytest.mark.parametrize("n_lags", [0, 3])
def test_pricing_errors_are_means_of_what_is_left_with_the_standard_errors_of_statsmodels(n_lags):
    errors = pricing_errors(GAPPY_R, R_HAT, n_lags)
    assert errors.columns.to_list() == ["alpha", "standard error", "t"] and errors.index.to_list() == list(range(6))
    for s in range(6):
        left = [r - r_hat for r, r_hat in zip(GAPPY_R[:, s], R_HAT[:, s], strict=True) if not np.isnan(r)]
        assert np.isclose(errors["alpha"][s], sum(left) / len(left))
        alpha, error = on_a_constant(np.array(left), n_lags)
        assert np.allclose(errors.loc[s], (alpha, error, alpha / error))


def test_pricing_errors_carry_the_labels_of_the_returns_and_choose_their_lags():
    returns = pd.DataFrame(R, columns=list("ABCDEF"))
    errors = pricing_errors(returns, R_HAT, n_lags=None)
    assert errors.index.to_list() == list("ABCDEF")
    assert np.allclose(errors[["alpha", "standard error"]].T, newey_west(R - R_HAT))


def test_the_pricing_errors_of_given_factors_are_the_intercepts_of_the_regressions():
    panel = small_panel(missing=0.15)
    model = TimeSeriesRegression().fit(panel)
    assert np.allclose(pricing_errors(panel.returns, model.reconstruct(panel))["alpha"], model.alphas_)


def test_managed_portfolios_have_pricing_errors_too():
    model = InstrumentedPCA(2).fit(PANEL)
    x, x_hat = (managed_portfolios(p) for p in (PANEL, replace(PANEL, returns=model.reconstruct(PANEL))))
    errors = pricing_errors(x, x_hat)
    assert errors.equals(pricing_errors(x, np.asarray(x_hat))) and errors.equals(pricing_errors(np.asarray(x), x_hat))
    expected = managed_portfolios(replace(PANEL, returns=PANEL.returns - model.reconstruct(PANEL))).mean(axis=0)
    assert errors.index.to_list() == ["size", "value", "momentum"] and np.allclose(errors["alpha"], expected)


def test_where_the_true_model_is_told_few_pricing_errors_are_far_from_zero():
    market = simulate_constant_betas(n_dates=400, n_tickers=300, seed=0)
    t = pricing_errors(market.panel.returns, market.reconstruction)["t"]
    assert abs(t.mean()) < 0.2 and 0.9 < t.std() < 1.1


def test_a_ticker_with_too_few_returns_has_no_standard_error():
    returns = with_value(R, (slice(None), 0), np.nan)
    returns[1:, 1] = returns[3:, 2] = returns[:, 3] = np.nan
    returns[:4, 3] = R_HAT[:4, 3]
    errors = pricing_errors(returns, R_HAT, n_lags=3)
    assert np.array_equal(errors["alpha"].isna(), [1, 0, 0, 0, 0, 0])
    assert np.array_equal(errors["standard error"].isna(), [1, 1, 1, 0, 0, 0])
    assert np.array_equal(errors["t"].isna(), [1, 1, 1, 1, 0, 0])
    assert np.isclose(errors["alpha"][1], R[0, 1] - R_HAT[0, 1])
    assert pricing_errors(returns[:, :1], R_HAT[:, :1]).isna().all(axis=None)
    assert pricing_errors(R[:2], R_HAT[:2], n_lags=None).notna().all(axis=None)


def test_pricing_errors_without_spread_have_no_t():
    errors = pricing_errors(np.full((8, 1), 0.5), np.zeros((8, 1)))
    assert errors["alpha"][0] == 0.5 and errors["standard error"][0] == 0 and np.isnan(errors["t"][0])


# --- characteristic_importance

HOLES = replace(PANEL, characteristics=with_value(PANEL.characteristics, ([2, 30, 30], [1, 4, 5], [0, 2, 2]), np.nan))
NAMES = PANEL.characteristic_names.to_list()
without_a_network = pytest.mark.parametrize(
    "model",
    [InstrumentedPCA(2), InstrumentedPCA(2, constant=True), CrossSectionalRegression()],
    ids=["instrumented components", "with a constant", "cross sections"],
)


def without(panel, j):
    """The panel with one characteristic at zero, by plain loops."""
    changed = panel.characteristics.copy()
    for d in range(panel.n_dates):
        for s in range(panel.n_tickers):
            if not np.isnan(changed[d, s, j]):
                changed[d, s, j] = 0
    return replace(panel, characteristics=changed)


def loss(panel, full, changed):
    """The drop of total R² from one reconstruction to another, of the returns that both know, by plain loops."""
    errors, other, squares = 0.0, 0.0, 0.0
    for r, a, b in zip(panel.returns.ravel(), full.ravel(), changed.ravel(), strict=True):
        if not np.isnan(r) and not np.isnan(a):
            errors, other, squares = errors + (r - a) ** 2, other + (r - b) ** 2, squares + r**2
    return (other - errors) / squares


def product(betas, factors):
    return np.array([[beta @ f for beta in row] for row, f in zip(betas, factors, strict=True)])


@without_a_network
def test_importance_is_what_is_lost_without_the_characteristic_in_the_betas_and_with_the_factors_as_they_are(model):
    panel = HOLES if isinstance(model, InstrumentedPCA) else small_panel(missing=0.15)
    model.fit(panel[:25])
    importance = characteristic_importance(model, panel)
    factors = model.factors(panel)
    full = product(model.betas(panel), factors)
    for j, name in enumerate(NAMES):
        assert np.isclose(importance[name], loss(panel, full, product(model.betas(without(panel, j)), factors)))
    assert sorted(importance.index) == sorted(NAMES) and (np.diff(importance) <= 0).all()


def test_importance_in_a_regression_on_the_characteristics_is_the_share_of_what_it_multiplies():
    model = CrossSectionalRegression().fit(PANEL)  # the errors are orthogonal to each characteristic at each date
    parts = (PANEL.characteristics * model.factors_[:, None]) ** 2
    expected = parts.sum(axis=(0, 1)) / (PANEL.returns**2).sum()
    assert np.allclose(characteristic_importance(model, PANEL)[NAMES], expected)


def test_the_characteristics_that_make_the_betas_are_told_from_noise():
    panel = simulate_market("linear", n_dates=80, n_tickers=60, n_characteristics=8, seed=1).panel
    importance = characteristic_importance(InstrumentedPCA(3).fit(panel[:50]), panel[50:])
    assert set(importance.index[:3]) == {"c1", "c2", "c3"}
    assert importance.iloc[2] > 0.05 and importance.iloc[3:].abs().max() < 0.02


def test_a_characteristic_that_the_model_ignores_has_no_importance():
    model = InstrumentedPCA(2).fit(PANEL)
    ignorant = copy(model)
    ignorant.gamma_ = with_value(model.gamma_, 1, 0)
    importance = characteristic_importance(ignorant, PANEL)
    assert importance["value"] == 0 and importance[["size", "momentum"]].all()


def test_neither_the_model_nor_the_panel_is_changed(network):
    weights, characteristics = network.factor_weights_.copy(), PANEL.characteristics.copy()
    before = network.reconstruct(PANEL)
    for side in ("betas", "factors", "both"):
        characteristic_importance(network, PANEL, side)
    assert np.array_equal(network.factor_weights_, weights) and np.array_equal(PANEL.characteristics, characteristics)
    assert np.array_equal(network.reconstruct(PANEL), before)


@pytest.fixture(scope="module")
def network():
    """Two members that read managed portfolios. Not to be changed by a test."""
    from helpers.models.autoencoder import ConditionalAutoencoder

    model = ConditionalAutoencoder(2, (4,), n_members=2, factor_inputs="managed", l1=1e-3, batch_size=60, epochs=3)
    return model.fit(PANEL[:25])


def member_factors(model, panel, m, ignored=None):
    """F of a member from its weights, with an input at zero, by plain loops."""
    inputs = np.array(managed_portfolios(panel, constant=True))
    if ignored is not None:
        inputs[:, ignored] = 0
    return np.array([[x @ w for w in model.factor_weights_[m].T] for x in inputs])


def mean_of_members(model, panel, beta_panel, ignored):
    return np.mean(
        [product(model.members_[m].betas(beta_panel), member_factors(model, panel, m, ignored)) for m in range(2)],
        axis=0,
    )


@pytest.mark.parametrize("side", ["betas", "factors", "both"])
def test_importance_in_an_ensemble_is_that_of_the_mean_of_its_members_products(network, side):
    importance = characteristic_importance(network, HOLES, side)
    names = [*NAMES, "constant"] if side == "factors" else NAMES
    assert sorted(importance.index) == sorted(names) and (np.diff(importance) <= 0).all()
    full = mean_of_members(network, HOLES, HOLES, None)
    assert np.allclose(full, network.reconstruct(HOLES), equal_nan=True, atol=1e-6)
    for j, name in enumerate(names):
        beta_panel = HOLES if side == "factors" else without(HOLES, j)
        changed = mean_of_members(network, HOLES, beta_panel, None if side == "betas" else j)
        assert np.isclose(importance[name], loss(HOLES, full, changed), atol=1e-6)


def test_a_network_that_ignores_a_characteristic_in_its_betas_may_still_read_it_in_its_factors(network):
    ignorant = copy(network)
    first, *others = network.weights_[0]
    ignorant.weights_ = ([with_value(first, 1, 0).astype("float32"), *others], network.weights_[1])
    assert characteristic_importance(ignorant, PANEL)["value"] == 0
    in_factors, in_both = (characteristic_importance(ignorant, PANEL, side) for side in ("factors", "both"))
    assert in_factors["value"] != 0 and np.isclose(in_both["value"], in_factors["value"])


def test_the_factor_inputs_may_have_names_of_their_own(network):
    observed = copy(network)
    observed.factor_inputs, observed.factor_input_names_ = "portfolios", PANEL.portfolio_names
    *of_betas, of_factors = network.weights_[0]
    observed.weights_ = ([*of_betas, of_factors[:2]], network.weights_[1])
    observed.shape_ = replace(network.shape_, n_inputs=2)
    observed.factor_weights_ = network.factor_weights_[:, :2]
    assert sorted(characteristic_importance(observed, PANEL, "factors").index) == ["market", "oil"]
    assert_refused(
        lambda: characteristic_importance(observed, PANEL, "both"),
        ValueError, "side='both'", "momentum, size, value", "market, oil", "factor_inputs='managed'",
    )  # fmt: skip


# --- labels: what every function of the room does with them

AXES = {
    "d": pd.date_range("2000-01-31", periods=20, freq="ME", name="date"),
    "t": pd.Index(list("ABCDEF"), name="ticker"),
    "k": pd.Index(["market", "oil"], name="factor"),
    "K": pd.Index(["true market", "true oil"]),
    "b": pd.date_range("1999-01-31", periods=12, freq="ME"),  # the dates before
    "p": pd.RangeIndex(1, 4, name="portfolio"),
}
WORDS = {"d": "dates", "t": "tickers", "k": "factors", "K": "true factors", "b": "past", "p": "portfolios"}
ROOT = random.normal(size=(6, 30))
SHAPES = ("dt", "pdt", "td", "dk", "bk", "tk", "dtk", "dK", "t")
VALUES = {name: random.normal(0.02, 0.1, [len(AXES[a]) for a in name]) for name in SHAPES}
VALUES |= {"tt": ROOT @ ROOT.T, "dt of sizes": np.exp(VALUES["dt"])}

# For each function: its tables by name, with the axes of each, and the axes of what comes back.
# ("d-" are all dates but one.)
FUNCTIONS = {
    "total_r2": (total_r2, {"returns": "dt", "reconstruction": "dt"}, [""]),
    "predictive_r2": (predictive_r2, {"returns": "dt", "prediction": "dt"}, [""]),
    "information_coefficient": (information_coefficient, {"returns": "dt", "prediction": "dt"}, ["d"]),
    "newey_west": (newey_west, {"series": "dt"}, ["t", "t"]),
    "bootstrap_interval": (partial(bootstrap_interval, np.mean, n_draws=9), {"series": "dt"}, ["", ""]),
    "pricing_errors": (
        lambda **tables: pricing_errors(**tables)["alpha"], {"returns": "dt", "reconstruction": "dt"}, ["t"],
    ),
    "sorted_positions": (
        partial(sorted_positions, n_portfolios=3), {"prediction": "dt", "sizes": "dt of sizes"}, ["pdt"],
    ),
    "portfolio_returns": (portfolio_returns, {"positions": "dt", "returns": "dt"}, ["d"]),
    "portfolio_returns, several": (portfolio_returns, {"positions": "pdt", "returns": "dt"}, ["pd"]),
    "turnover": (turnover, {"positions": "dt", "returns": "dt"}, ["d-"]),
    "turnover, several": (turnover, {"positions": "pdt", "returns": "dt"}, ["pd-"]),
    "sharpe_ratio": (partial(sharpe_ratio, periods_per_year=12), {"returns": "td"}, ["t"]),
    "tangency_weights": (tangency_weights, {"factors": "dk"}, ["k"]),
    "tangency_returns": (tangency_returns, {"factors": "dk", "past": "bk"}, ["d"]),
    "factor_covariance": (factor_covariance, {"betas": "tk", "factors": "dk", "residuals": "dt"}, ["tt"]),
    "minimum_variance_weights": (minimum_variance_weights, {"covariance": "tt"}, ["t"]),
    "hedge": (hedge, {"weights": "t", "betas": "tk"}, ["k"]),
    "hedge, date by date": (hedge, {"weights": "dt", "betas": "dtk"}, ["dk"]),
    "align_factors": (align_factors, {"betas": "dtk", "factors": "dk", "true_factors": "dK"}, ["dtK", "dK"]),
}  # fmt: skip
every_function = pytest.mark.parametrize("name", FUNCTIONS)


def plain(tables):
    return {name: VALUES[axes] for name, axes in tables.items()}


def as_table(values, *labels):
    """The values as whoever has labels holds them: a Series, a DataFrame, or what a model says."""
    if len(labels) == 1:
        return pd.Series(values, *labels)
    return pd.DataFrame(values, *labels) if len(labels) == 2 else labelled(values, *labels)


def with_labels(axes, backwards=""):
    """The table with its labels, one axis of which runs backwards if asked for."""
    labels = [AXES[a][::-1] if a == backwards else AXES[a] for a in axes.removesuffix(" of sizes")]
    return as_table(VALUES[axes], *labels)


def results(function, tables):
    """What comes back, as a list."""
    found = function(**tables)
    return list(found) if isinstance(found, tuple) else [found]


same = partial(np.allclose, rtol=1e-12, atol=1e-15)  # a last bit may hang on how a table lies in memory


def labels_of(axes):
    """The labels of the axes of a result."""
    return [AXES[a] for a in axes.removesuffix("-")][: -1 if axes.endswith("-") else None] + (
        [AXES["d"][:-1]] if axes.endswith("-") else []
    )


@every_function
def test_labels_come_out_where_they_went_in_and_the_numbers_are_those_of_plain_arrays(name):
    function, tables, shapes = FUNCTIONS[name]
    expected = results(function, plain(tables))
    found = results(function, {each: with_labels(axes) for each, axes in tables.items()})
    for said, numbers, axes in zip(found, expected, shapes, strict=True):
        assert same(said, numbers) and np.asarray(said).dtype == float
        assert not isinstance(numbers, Labelled)
        if axes and name != "pricing_errors":
            assert isinstance(said, Labelled)
            assert all(own.equals(wanted) for own, wanted in zip(said.axes, labels_of(axes), strict=True))
            said.to_frame()
        elif axes:
            assert said.index.equals(AXES["t"])
        else:
            assert type(said) is float


@every_function
def test_one_table_with_labels_gives_those_it_has(name):
    function, tables, shapes = FUNCTIONS[name]
    for named, its_axes in tables.items():
        found = results(function, plain(tables) | {named: with_labels(its_axes)})
        for said, axes in zip(found, shapes, strict=True):
            own = said.axes if isinstance(said, (Labelled, pd.Series)) else ()
            for a, labels, wanted in zip(axes.removesuffix("-"), own, labels_of(axes), strict=bool(own)):
                known = a in its_axes or (a == "p" and name == "sorted_positions")
                names = pd.Index(["F1", "F2"]) if a == "K" else pd.RangeIndex(len(labels))
                assert labels.equals(wanted if known else names), (named, a)


@every_function
def test_two_tables_whose_labels_differ_are_refused(name):
    function, tables, _ = FUNCTIONS[name]
    every = {each: with_labels(axes) for each, axes in tables.items()}
    pairs = [(one, two) for one in tables for two in tables if one != two]
    for one, two in pairs:
        for a in set(tables[one].removesuffix(" of sizes")) & set(tables[two].removesuffix(" of sizes")):
            tables_given = plain(tables) | {one: every[one], two: with_labels(tables[two], backwards=a)}
            assert_refused(lambda given=tables_given: function(**given), ValueError, WORDS[a], one, two, "Align")


@every_function
def test_lists_are_taken_as_arrays_are(name):
    function, tables, _ = FUNCTIONS[name]
    found = results(function, {each: values.tolist() for each, values in plain(tables).items()})
    for said, numbers in zip(found, results(function, plain(tables)), strict=True):
        assert np.array_equal(said, numbers)


@every_function
def test_what_is_given_in_single_precision_is_computed_in_double(name):
    function, tables, _ = FUNCTIONS[name]
    single = {each: values.astype(np.float32) for each, values in plain(tables).items()}
    if name == "minimum_variance_weights":  # whatever was rounded is no longer its own transpose, unless it is made so
        single["covariance"] = np.tril(single["covariance"]) + np.tril(single["covariance"], -1).T
    double = {each: values.astype(float) for each, values in single.items()}
    for said, numbers in zip(results(function, single), results(function, double), strict=True):
        assert np.array_equal(said, numbers) and np.asarray(said).dtype == float


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("newey_west", "series"),
        ("bootstrap_interval", "series"),
        ("pricing_errors", "returns"),
        ("pricing_errors", "reconstruction"),
        ("turnover", "positions"),
        ("turnover, several", "returns"),
        ("tangency_returns", "factors"),
        ("tangency_returns", "past"),
    ],
)
def test_dates_that_do_not_ascend_are_refused_where_one_follows_the_other(name, given):
    function, tables, _ = FUNCTIONS[name]
    axes = tables[given]
    backwards = with_labels(axes, backwards="b" if given == "past" else "d")
    assert_refused(
        lambda: function(**plain(tables) | {given: backwards}),
        ValueError,
        f"The dates of {given} must ascend",
        "sort_index",
    )


@pytest.mark.parametrize("what", [total_r2, predictive_r2])
def test_zeros_explain_exactly_nothing_in_any_precision(what):
    for seed in range(20):
        returns = np.random.default_rng(seed).normal(0.01, 0.1, (60, 40)).astype(np.float32)
        assert what(returns, np.zeros_like(returns)) == 0 and what(returns, returns) == 1


def test_a_share_of_single_precision_is_that_of_the_same_numbers_in_double():
    returns = np.random.default_rng(0).normal(1, 1e-3, (500, 40)).astype(np.float32)
    assert total_r2(returns, returns * np.float32(0.999)) == total_r2(
        returns.astype(float), (returns * np.float32(0.999)).astype(float)
    )


def test_labels_of_single_dates_and_of_a_whole_panel_are_looked_at_too():
    market = simulate_constant_betas(n_dates=30, n_tickers=5)
    model = PCAFactors(2).fit(market.panel)
    positions = sorted_positions(model.predict(market.panel[20:], market.panel[:20]), 2)
    assert positions.to_frame().index.names == ["portfolio", "date"]
    assert positions.axes[1].equals(market.panel.dates[20:]) and positions.axes[2].equals(market.panel.tickers)
    other = model.predict(market.panel[10:20], market.panel[:10])
    assert_refused(lambda: portfolio_returns(positions, other), ValueError, "dates", "positions", "returns")


# --- bad input

GIVEN = np.ones((12, 1))
BAD_INPUT = {
    "another number of dates": (lambda: total_r2(R, R_HAT[:5]), ValueError, "reconstruction", "n_dates = 20", "(5, 6)"),
    "another number of tickers": (
        lambda: total_r2(R, R_HAT[:, :5]), ValueError, "reconstruction", "n_tickers = 6", "(20, 5)",
    ),
    "returns with one axis": (lambda: total_r2(R[0], R_HAT[0]), ValueError, "returns", "2 axes", "(6,)"),
    "text for the reconstruction": (lambda: total_r2(R, "a"), TypeError, "reconstruction", "numbers", "'a'"),
    "a missing reconstruction of a known return": (
        lambda: total_r2(R, with_value(R_HAT, (0, 0), np.nan)), ValueError, "reconstruction", "NaN", "1 place",
    ),
    "an infinite reconstruction": (
        lambda: total_r2(R, with_value(R_HAT, (0, 2), np.inf)), ValueError, "reconstruction", "1 infinite", "(0, 2)",
    ),
    "returns of zero": (lambda: total_r2(R * 0, R_HAT), ValueError, "returns", "zero"),
    "no returns at all": (lambda: total_r2(R * np.nan, R_HAT), ValueError, "returns", "missing"),
    "tables of different tickers": (
        lambda: total_r2(pd.DataFrame(R, columns=list("ABCDEF")), pd.DataFrame(R_HAT, columns=list("FEDCBA"))),
        ValueError, "returns", "reconstruction", "tickers",
    ),
    "tables of different dates": (
        lambda: total_r2(pd.DataFrame(R), pd.DataFrame(R_HAT, index=range(1, 21))),
        ValueError, "returns", "reconstruction", "dates",
    ),
    "another number of true factors": (
        lambda: align_factors(B, F, TRUE_F[:, :1]), ValueError, "true_factors", "n_factors = 2", "(20, 1)",
    ),
    "true factors of other dates": (
        lambda: align_factors(B, F, TRUE_F[:5]), ValueError, "true_factors", "n_dates = 20", "(5, 2)",
    ),
    "betas without dates": (lambda: align_factors(B[0], F, TRUE_F), ValueError, "betas", "3 axes", "(6, 2)"),
    "betas of other dates": (lambda: align_factors(B[:5], F, TRUE_F), ValueError, "betas", "n_dates = 20", "(5, 6, 2)"),
    "a missing factor": (
        lambda: align_factors(B, with_value(F, (0, 0), np.nan), TRUE_F), ValueError, "factors", "1 NaN", "(0, 0)",
    ),
    "factors with one axis": (lambda: align_factors(B, F[:, 0], TRUE_F), ValueError, "factors", "2 axes", "(20,)"),
    "a true factor that no estimate carries": (
        lambda: align_factors(B, F[:, [0, 0]], TRUE_F), ValueError, "invertible", "true_factors", "missing",
    ),
    "fewer dates than factors": (
        lambda: align_factors(B[:1], F[:1], TRUE_F[:1]), ValueError, "invertible", "true_factors",
    ),
    "a true factor given twice": (
        lambda: align_factors(B, F, TRUE_F[:, [0, 0]]), ValueError, "invertible", "true_factors",
    ),
    "predictions of other dates": (
        lambda: predictive_r2(R, R_HAT[:5]), ValueError, "prediction", "n_dates = 20", "(5, 6)",
    ),
    "a missing prediction of a known return": (
        lambda: predictive_r2(R, GAPPY_R_HAT), ValueError, "prediction", "NaN", "2 place",
    ),
    "tables of predictions of other tickers": (
        lambda: predictive_r2(pd.DataFrame(R, columns=list("ABCDEF")), pd.DataFrame(R_HAT, columns=list("FEDCBA"))),
        ValueError, "returns", "prediction", "tickers",
    ),
    "a prediction of nothing": (lambda: predictive_r2(R * 0, R_HAT), ValueError, "returns", "zero"),
    "ranks of other tickers": (
        lambda: information_coefficient(R, R_HAT[:, :5]), ValueError, "prediction", "n_tickers = 6", "(20, 5)",
    ),
    "ranks of one date": (lambda: information_coefficient(R[0], R_HAT[0]), ValueError, "returns", "2 axes", "(6,)"),
    "ranks of infinity": (
        lambda: information_coefficient(R, with_value(R_HAT, (1, 1), np.inf)),
        ValueError, "prediction", "infinite", "(1, 1)",
    ),
    "the mean of one date": (lambda: newey_west([1.0]), ValueError, "series", "1 known", "two", "more dates"),
    "the mean of missing dates": (
        lambda: newey_west(with_value(R, (slice(None), 3), np.nan)),
        ValueError, "series", "0 known", "column 3", "drop",
    ),
    "as many lags as dates": (lambda: newey_west(Y, 150), ValueError, "n_lags", "between 0 and 149", "150"),
    "as many lags as known dates": (
        lambda: newey_west(with_value(Y, 0, np.nan), 149), ValueError, "n_lags", "between 0 and 148", "149",
    ),
    "lags below zero": (lambda: newey_west(Y, -1), ValueError, "n_lags", "between 0", "-1"),
    "a fraction of a lag": (lambda: newey_west(Y, 1.5), TypeError, "n_lags", "1.5"),
    "a series of three axes": (lambda: newey_west(B), ValueError, "series", "1 axes", "(20, 6, 2)"),
    "a series of text": (lambda: newey_west(["a", "b"]), TypeError, "series", "numbers"),
    "a ragged series": (lambda: newey_west([[1.0], [1.0, 2.0]]), TypeError, "series", "numbers"),
    "an infinite series": (lambda: newey_west(with_value(Y, 4, np.inf)), ValueError, "series", "infinite", "(4,)"),
    "a statistic that is none": (lambda: bootstrap_interval("mean", Y), TypeError, "statistic", "np.mean", "str"),
    "a statistic of many numbers": (lambda: bootstrap_interval(lambda y: y, Y), TypeError, "one number", "(150,)"),
    "a statistic of text": (lambda: bootstrap_interval(str, Y), TypeError, "one number", "str"),
    "a statistic of nothing": (lambda: bootstrap_interval(lambda y: None, Y), TypeError, "one number", "NoneType"),
    "a statistic that is not finite": (
        lambda: bootstrap_interval(np.mean, with_value(Y, 0, np.nan)), ValueError, "statistic", "nan", "finite", "NaN",
    ),
    "one date to draw from": (lambda: bootstrap_interval(np.mean, [1.0]), ValueError, "series", "two dates", "(1,)"),
    "a number to draw from": (lambda: bootstrap_interval(np.mean, 1.0), ValueError, "series", "n_dates", "()"),
    "a block longer than the series": (
        lambda: bootstrap_interval(np.mean, Y, 151), ValueError, "block_length", "between 1 and 150", "151",
    ),
    "no draws": (lambda: bootstrap_interval(np.mean, Y, n_draws=0), ValueError, "n_draws", "at least 1"),
    "a level of one": (lambda: bootstrap_interval(np.mean, Y, level=1), ValueError, "level", "between 0 and 1", "0.95"),
    "a level in percent": (lambda: bootstrap_interval(np.mean, Y, level=95), ValueError, "level", "95 was given"),
    "a level of zero": (lambda: bootstrap_interval(np.mean, Y, level=0), ValueError, "level", "above 0"),
    "a seed of text": (lambda: bootstrap_interval(np.mean, Y, seed="a"), TypeError, "seed", "'a'"),
    "pricing errors of other tickers": (
        lambda: pricing_errors(R, R_HAT[:, :5]), ValueError, "reconstruction", "n_tickers = 6", "(20, 5)",
    ),
    "pricing errors of a missing reconstruction": (
        lambda: pricing_errors(R, GAPPY_R_HAT), ValueError, "reconstruction", "NaN", "2 place",
    ),
    "pricing errors of one date": (lambda: pricing_errors(R[0], R_HAT[0]), ValueError, "returns", "2 axes", "(6,)"),
    "pricing errors of a number": (lambda: pricing_errors(1.0, 1.0), ValueError, "returns", "2 axes", "()"),
    "pricing errors with lags below zero": (
        lambda: pricing_errors(R, R_HAT, n_lags=-1), ValueError, "n_lags", "at least 0", "-1",
    ),
    "a past that does not end before": (
        lambda: tangency_returns(with_labels("dk"), as_table(VALUES["bk"], AXES["d"][:12], AXES["k"])),
        ValueError, "past must end before factors begin", "2000-12-31", "2000-01-31", "pass arrays",
    ),
    "a past with dates of another kind": (
        lambda: tangency_returns(with_labels("dk"), as_table(VALUES["bk"], pd.RangeIndex(12), AXES["k"])),
        ValueError, "past must end before factors begin", "11", "2000-01-31",
    ),
    "a covariance of other tickers along its columns": (
        lambda: minimum_variance_weights(as_table(VALUES["tt"], AXES["t"], AXES["t"][::-1])),
        ValueError, "covariance", "same tickers", "rows", "columns",
    ),
    "a Sharpe ratio of dates along the rows": (
        lambda: sharpe_ratio(with_labels("dt"), 12), ValueError, "stands on its side", "2000-01-31", "returns.T",
    ),
    "a panel in place of returns": (lambda: total_r2(PANEL, PANEL), TypeError, "returns must hold numbers", "Panel"),
    "importance in constant betas": (
        lambda: characteristic_importance(TimeSeriesRegression().fit(PANEL), PANEL),
        TypeError, "TimeSeriesRegression", "do not depend on characteristics", "InstrumentedPCA",
    ),
    "importance in components": (
        lambda: characteristic_importance(PCAFactors(1).fit(PANEL), PANEL), TypeError, "PCAFactors", "do not depend",
    ),
    "importance in given betas": (
        lambda: characteristic_importance(CrossSectionalRegression(GIVEN).fit(PANEL), PANEL),
        TypeError, "CrossSectionalRegression", "do not depend",
    ),
    "importance in factors without a network": (
        lambda: characteristic_importance(InstrumentedPCA(1).fit(PANEL), PANEL, "factors"),
        TypeError, "InstrumentedPCA", "no Factor network", "side='betas'",
    ),
    "importance on both sides without a network": (
        lambda: characteristic_importance(InstrumentedPCA(1).fit(PANEL), PANEL, "both"),
        TypeError, "InstrumentedPCA", "no Factor network",
    ),
    "importance on another side": (
        lambda: characteristic_importance(InstrumentedPCA(1).fit(PANEL), PANEL, "left"),
        ValueError, "side", "'betas', 'factors', 'both'", "'left'",
    ),
    "importance in no model": (lambda: characteristic_importance("IPCA", PANEL), TypeError, "FactorModel", "str"),
    "importance in an unfitted model": (
        lambda: characteristic_importance(InstrumentedPCA(1), PANEL), NotFittedError, "InstrumentedPCA",
    ),
    "importance in an array": (
        lambda: characteristic_importance(InstrumentedPCA(1).fit(PANEL), R), TypeError, "Panel", "ndarray",
    ),
    "importance of no characteristics": (
        lambda: characteristic_importance(InstrumentedPCA(1).fit(PANEL), Panel(returns=R)),
        ValueError, "no characteristics", "Pass Panel",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])
