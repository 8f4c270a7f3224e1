"""Positions, what they earn, cost and risk: by loops, an account in money, pandas, scipy, skfolio, closed forms."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from skfolio.prior import LoadingMatrixRegression, TimeSeriesFactorModel
from sklearn.linear_model import LinearRegression

from helpers.data.datasets import load_stocks
from helpers.data.simulated import simulate_constant_betas
from helpers.evaluation.inference import newey_west
from helpers.evaluation.portfolios import portfolio_returns, sharpe_ratio, sorted_positions, turnover
from helpers.evaluation.risk import (
    factor_covariance,
    hedge,
    minimum_variance_weights,
    tangency_returns,
    tangency_weights,
)
from helpers.models.least_squares import cross_sectional_factors, time_series_betas
from tests.common import assert_refused, with_value

SOME = settings(deadline=None, derandomize=True, max_examples=25)
SEEDS = st.integers(0, 10_000)
N_DATES, N_TICKERS = 20, 11

random = np.random.default_rng(0)
R = random.normal(0.01, 0.1, (N_DATES, N_TICKERS))
PREDICTION = with_value(random.normal(size=R.shape), ([0, 3, 3], [2, 0, 7]), np.nan)
GAPPY = with_value(R, ([0, 5, 5], [1, 2, 3]), np.nan)
SIZES = random.uniform(1, 50, R.shape)
WEIGHTS = sorted_positions(PREDICTION, 3, SIZES)
LONG_SHORT = WEIGHTS[-1] - WEIGHTS[0]
F = random.normal((0.01, -0.005, 0.02), (0.05, 0.02, 0.1), (60, 3))
MARKET = simulate_constant_betas(n_dates=80, n_tickers=10, seed=1)


# --- sorted_positions


@pytest.mark.parametrize("sizes", [None, SIZES], ids=["equal", "by size"])
@pytest.mark.parametrize("n_portfolios", [1, 2, 3, 9])
def test_portfolios_hold_the_tickers_of_their_rank_by_plain_loops(n_portfolios, sizes):
    positions = sorted_positions(PREDICTION, n_portfolios, sizes)
    assert positions.shape == (n_portfolios, N_DATES, N_TICKERS)
    for d in range(N_DATES):
        known = [s for s in range(N_TICKERS) if not np.isnan(PREDICTION[d, s])]
        held = [{} for _ in range(n_portfolios)]
        for rank, s in enumerate(sorted(known, key=lambda s: PREDICTION[d, s])):
            held[rank * n_portfolios // len(known)][s] = 1.0 if sizes is None else sizes[d, s]
        for p, tickers in enumerate(held):
            for s in range(N_TICKERS):
                assert np.isclose(positions[p, d, s], tickers.get(s, 0.0) / sum(tickers.values()))


def test_where_the_portfolios_divide_the_tickers_they_are_the_quantiles_of_pandas():
    prediction = np.random.default_rng(1).normal(size=(6, 40))
    expected = pd.DataFrame(prediction).apply(pd.qcut, axis=1, q=10, labels=False).to_numpy()
    assert np.array_equal(sorted_positions(prediction).argmax(axis=0), expected)


@SOME
@given(seed=SEEDS, n_tickers=st.integers(1, 30), data=st.data())
def test_portfolios_are_full_disjoint_ordered_and_of_equal_number(seed, n_tickers, data):
    random = np.random.default_rng(seed)
    prediction = random.integers(0, 8, (4, n_tickers)).astype(float)  # with ties
    prediction[:, 1:][random.random((4, n_tickers - 1)) < 0.3] = np.nan
    n_known = (~np.isnan(prediction)).sum(axis=1)
    n_portfolios = data.draw(st.integers(1, int(n_known.min())))
    positions = sorted_positions(prediction, n_portfolios, random.uniform(1, 9, prediction.shape))
    held = positions > 0
    assert np.allclose(positions.sum(axis=2), 1) and (positions >= 0).all()
    assert np.array_equal(held.sum(axis=0), ~np.isnan(prediction))
    numbers = held.sum(axis=2)
    assert (numbers.max(axis=0) - numbers.min(axis=0) <= 1).all() and numbers.min() >= 1
    highest, lowest = (np.where(held, prediction, fill) for fill in (-np.inf, np.inf))
    assert (highest.max(axis=2)[:-1] <= lowest.min(axis=2)[1:]).all()


def test_equal_predictions_rank_in_the_order_of_the_tickers():
    assert sorted_positions([[1.0, 1.0, 1.0, 1.0]], 2).tolist() == [[[0.5, 0.5, 0.0, 0.0]], [[0.0, 0.0, 0.5, 0.5]]]
    several = np.random.default_rng(0).integers(0, 3, (1, 400)).astype(float)
    held = sorted_positions(several, 400)[:, 0].argmax(axis=1)
    assert held.tolist() == sorted(range(400), key=lambda s: (several[0, s], s))
    assert sorted_positions([[0.0, np.nan, -0.0]], 2).tolist() == [[[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]]]


@pytest.mark.parametrize("sizes", [None, SIZES], ids=["equal", "by size"])
@pytest.mark.parametrize("n_portfolios", [1, 2, 3])
def test_breakpoints_are_those_of_the_marked_tickers_by_plain_loops(n_portfolios, sizes):
    marked = np.random.default_rng(7).random(PREDICTION.shape) < 0.6
    marked[:, :5] = True
    positions = sorted_positions(PREDICTION, n_portfolios, sizes, marked)
    for d in range(N_DATES):
        known = [s for s in range(N_TICKERS) if not np.isnan(PREDICTION[d, s])]
        cutting = sorted(PREDICTION[d, s] for s in known if marked[d, s])
        # The highest marked prediction of each portfolio but the last: what lies above it belongs to a later one.
        tops = [cutting[-(-p * len(cutting) // n_portfolios) - 1] for p in range(1, n_portfolios)]
        held = [[s for s in known if sum(PREDICTION[d, s] > top for top in tops) == p] for p in range(n_portfolios)]
        for p, tickers in enumerate(held):
            weights = {s: 1.0 if sizes is None else sizes[d, s] for s in tickers}
            for s in range(N_TICKERS):
                assert np.isclose(positions[p, d, s], weights.get(s, 0.0) / sum(weights.values()))


def test_breakpoints_of_all_tickers_change_nothing_and_of_too_few_are_refused():
    everybody = np.ones(PREDICTION.shape)
    assert np.array_equal(sorted_positions(PREDICTION, 3, SIZES, everybody), WEIGHTS)
    nobody = with_value(everybody, (2, slice(1, None)), 0.0)
    assert_refused(
        lambda: sorted_positions(PREDICTION, 3, SIZES, nobody), ValueError, "marked by breakpoints", "position 2"
    )
    assert_refused(lambda: sorted_positions(PREDICTION, 3, SIZES, everybody[:1]), ValueError, "breakpoints", "n_dates")


def test_equal_sizes_are_equal_weights_and_the_unit_of_sizes_does_not_matter():
    assert np.allclose(sorted_positions(PREDICTION, 3, np.full(R.shape, 7.0)), sorted_positions(PREDICTION, 3))
    assert np.allclose(sorted_positions(PREDICTION, 3, SIZES * 1e6), WEIGHTS)


def test_the_size_of_a_ticker_that_is_not_held_may_be_unknown():
    assert np.array_equal(sorted_positions(PREDICTION, 3, with_value(SIZES, (0, 2), np.nan)), WEIGHTS)


@SOME
@given(seed=SEEDS)
def test_positions_follow_the_tickers_and_only_the_order_of_the_predictions(seed):
    order = np.random.default_rng(seed).permutation(N_TICKERS)
    assert np.allclose(sorted_positions(PREDICTION[:, order], 3, SIZES[:, order]), WEIGHTS[:, :, order])
    assert np.array_equal(sorted_positions(np.exp(5 * PREDICTION) - 1, 3, SIZES), WEIGHTS)


@pytest.mark.parametrize("d", [0, 7, 18])
def test_the_positions_of_a_date_read_no_other_date(d):
    prediction, sizes = (
        with_value(table, slice(d + 1, None), table[: N_DATES - d - 1]) for table in (PREDICTION, SIZES)
    )
    later = sorted_positions(prediction, 3, sizes)
    assert np.array_equal(later[:, : d + 1], WEIGHTS[:, : d + 1])
    assert np.array_equal(sorted_positions(PREDICTION[d : d + 1], 3, SIZES[d : d + 1])[:, 0], WEIGHTS[:, d])


# --- portfolio_returns


def test_portfolio_returns_are_weighted_sums_by_plain_loops_and_a_missing_return_earns_nothing():
    earned = portfolio_returns(WEIGHTS, GAPPY)
    assert earned.shape == (3, N_DATES)
    for p in range(3):
        for d in range(N_DATES):
            terms = (w * r for w, r in zip(WEIGHTS[p, d], GAPPY[d], strict=True) if not np.isnan(r))
            assert np.isclose(earned[p, d], sum(terms))


def test_portfolio_returns_are_those_of_pandas_and_may_have_any_leading_axes():
    expected = (pd.DataFrame(LONG_SHORT) * pd.DataFrame(GAPPY)).sum(axis=1)
    assert np.allclose(portfolio_returns(LONG_SHORT, GAPPY), expected)
    assert np.allclose(portfolio_returns(WEIGHTS[None], GAPPY), portfolio_returns(WEIGHTS, GAPPY)[None])


def test_ten_minus_one_earns_what_ten_earns_less_what_one_earns():
    low, _, high = portfolio_returns(WEIGHTS, R)
    assert np.allclose(portfolio_returns(LONG_SHORT, R), high - low)


def test_all_the_portfolios_together_are_the_mean_of_the_tickers_and_better_predictions_earn_more():
    parts = portfolio_returns(sorted_positions(R, 11), R)
    assert np.allclose(parts.mean(axis=0), R.mean(axis=1)) and np.allclose(parts, np.sort(R, axis=1).T)


@pytest.mark.parametrize("d", [0, 7, 18])
def test_what_a_portfolio_earns_at_a_date_reads_no_other_date(d):
    changed = with_value(R, slice(d + 1, None), 3.0)
    assert np.array_equal(portfolio_returns(WEIGHTS, changed)[:, : d + 1], portfolio_returns(WEIGHTS, R)[:, : d + 1])


# --- turnover


def test_turnover_is_the_sum_that_its_equation_says_by_plain_loops():
    traded = turnover(WEIGHTS, GAPPY)
    assert traded.shape == (3, N_DATES - 1)
    for p in range(3):
        for d in range(N_DATES - 1):
            r = [0.0 if np.isnan(r) else r for r in GAPPY[d]]
            capital = 1 + sum(WEIGHTS[p, d, s] * r[s] for s in range(N_TICKERS))
            drifted = [WEIGHTS[p, d, s] * (1 + r[s]) / capital for s in range(N_TICKERS)]
            assert np.isclose(traded[p, d], sum(abs(WEIGHTS[p, d + 1, s] - drifted[s]) for s in range(N_TICKERS)))


@pytest.mark.parametrize(
    "positions", [WEIGHTS[0], LONG_SHORT, LONG_SHORT / 2 + 0.03], ids=["long", "zero", "with cash"]
)
def test_turnover_is_what_an_account_kept_in_money_buys_and_sells(positions):
    capital, traded = 1000.0, []
    holdings = capital * positions[0]
    cash = capital - holdings.sum()
    for d in range(N_DATES - 1):
        holdings = holdings * (1 + R[d])
        capital = cash + holdings.sum()
        orders = capital * positions[d + 1] - holdings
        traded.append(np.abs(orders).sum() / capital)
        holdings, cash = holdings + orders, cash - orders.sum()
    assert np.allclose(turnover(positions, R), traded)
    assert np.isclose(capital, 1000 * np.prod(1 + portfolio_returns(positions, R)[:-1]))


def test_buy_and_hold_has_no_turnover():
    values = 100 * np.cumprod(1 + R, axis=0)
    held = np.concatenate([np.full((1, N_TICKERS), 1 / N_TICKERS), (values / values.sum(axis=1, keepdims=True))[:-1]])
    assert np.allclose(turnover(held, R), 0)


def test_turnover_by_hand():
    sold_and_bought = [[1.0, 0.0], [0.0, 1.0]]
    assert turnover(sold_and_bought, [[0.1, 0.2], [0.0, 0.0]]) == pytest.approx([2.0])
    kept_equal = np.full((2, 2), 0.5)  # one ticker doubles: 2/3 and 1/3 must become halves again
    assert turnover(kept_equal, [[1.0, 0.0], [0.0, 0.0]]) == pytest.approx([1 / 3])
    long_short = np.tile([1.0, -1.0], (2, 1))  # 1.1 and -1 of a capital of 1.1
    assert turnover(long_short, [[0.1, 0.0], [0.0, 0.0]]) == pytest.approx([abs(1 - 1.1 / 1.1) + abs(-1 + 1 / 1.1)])
    assert turnover(kept_equal, [[np.nan, 0.0], [0.0, 0.0]]) == pytest.approx([0.0])


def test_one_date_has_nothing_to_trade_after_it():
    assert turnover(WEIGHTS[:, :1], R[:1]).shape == (3, 0)


@pytest.mark.parametrize("d", [1, 9, 17])
def test_turnover_reads_its_own_return_and_the_next_positions_and_nothing_later(d):
    expected = turnover(WEIGHTS, R)
    changed = turnover(WEIGHTS, with_value(R, slice(d + 1, None), 0.9))
    assert np.array_equal(changed[:, : d + 1], expected[:, : d + 1]) and not np.allclose(
        changed[:, d + 1], expected[:, d + 1]
    )


# --- sharpe_ratio


@pytest.mark.parametrize("periods", [12, 252, 1, 0.5])
def test_the_sharpe_ratio_is_the_scaled_mean_over_the_standard_deviation_of_pandas(periods):
    series = pd.DataFrame(F)
    assert np.allclose(sharpe_ratio(F.T, periods), np.sqrt(periods) * series.mean() / series.std())


def test_the_sharpe_ratio_of_one_portfolio_is_a_number_that_grows_with_the_t_statistic_of_its_mean():
    mean, error = newey_west(F[:, 0], n_lags=0)
    ratio = sharpe_ratio(F[:, 0], 12)
    assert isinstance(ratio, float) and np.isclose(ratio * np.sqrt(len(F) / 12), mean / error)
    assert sharpe_ratio(F.T[None], 12).shape == (1, 3)


def test_the_sharpe_ratio_does_not_depend_on_the_leverage_and_changes_sign_with_the_position():
    assert np.isclose(sharpe_ratio(3 * F[:, 0], 12), sharpe_ratio(F[:, 0], 12))
    assert np.isclose(sharpe_ratio(-F[:, 0], 12), -sharpe_ratio(F[:, 0], 12))


# --- tangency_weights and tangency_returns


def test_no_other_position_has_a_higher_sharpe_ratio_says_an_optimiser():
    weights = tangency_weights(F)
    in_steps = F / F.std(axis=0)  # an optimiser takes steps of one size in all directions
    best = minimize(lambda w: -sharpe_ratio(in_steps @ w, 1) + (w @ w - 1) ** 2, np.ones(3), tol=1e-9).x / F.std(axis=0)
    assert np.allclose(weights, best / np.abs(best).sum(), atol=1e-4) and np.isclose(np.abs(weights).sum(), 1)


def test_the_squared_sharpe_ratio_of_the_tangency_portfolio_is_the_closed_form():
    mean = F.mean(axis=0)
    squared = mean @ np.linalg.inv(np.cov(F, rowvar=False)) @ mean
    assert np.isclose(sharpe_ratio(F @ tangency_weights(F), 1) ** 2, squared)


def test_tangency_weights_are_the_regression_of_a_constant_return_on_the_factors():
    slopes = LinearRegression(fit_intercept=False).fit(F, np.ones(len(F))).coef_  # Britten-Jones (1999)
    assert np.allclose(tangency_weights(F), slopes / np.abs(slopes).sum())


@SOME
@given(seed=SEEDS)
def test_the_tangency_portfolio_is_the_same_whichever_way_the_factors_are_rotated(seed):
    mix = np.random.default_rng(seed).normal(size=(3, 3)) + 3 * np.eye(3)
    rotated, plain = (f @ tangency_weights(f) for f in (F @ mix, F))
    assert np.isclose(sharpe_ratio(rotated, 12), sharpe_ratio(plain, 12))
    assert np.isclose(np.corrcoef(rotated, plain)[0, 1], 1)


def test_the_tangency_portfolio_of_one_factor_is_the_factor_with_the_sign_of_its_mean():
    assert tangency_weights(F[:, :1]).tolist() == [1.0] and tangency_weights(F[:, 1:2]).tolist() == [-1.0]


def test_tangency_returns_use_the_weights_of_the_dates_before_by_plain_loops():
    past, factors = F[:25], F[25:]
    for d, earned in enumerate(tangency_returns(factors, past)):
        weights = tangency_weights(F[: 25 + d])
        assert np.isclose(earned, sum(w * f for w, f in zip(weights, factors[d], strict=True)))


@pytest.mark.parametrize("d", [0, 12, 33])
def test_tangency_returns_do_not_look_ahead(d):
    before = tangency_returns(F[25:], F[:25])
    future, today = F.copy(), F.copy()
    future[25 + d + 1 :] = random.normal(5, 10, future[25 + d + 1 :].shape)
    today[25 + d] *= -7
    assert np.array_equal(tangency_returns(future[25:], F[:25])[: d + 1], before[: d + 1])
    assert np.isclose(tangency_returns(today[25:], F[:25])[d], -7 * before[d])  # the weights did not move


def test_tangency_returns_of_one_date_after_another_are_those_of_all_at_once():
    together = tangency_returns(F[25:], F[:25])
    assert np.allclose([tangency_returns(F[d : d + 1], F[:d])[0] for d in range(25, 60)], together)


# --- factor_covariance


def in_sample(panel):
    """β, F and ε of the regression with an intercept."""
    _, betas = time_series_betas(panel.returns, panel.portfolios)
    return betas, panel.portfolios, panel.returns - panel.portfolios @ betas.T


def test_the_factor_covariance_is_its_equation_by_plain_loops():
    betas, factors, residuals = in_sample(MARKET.panel)
    residuals = with_value(residuals, ([0, 4, 9], [1, 1, 5]), np.nan)
    covariance = factor_covariance(betas, factors, residuals)
    for i in range(10):
        for j in range(10):
            expected = sum(
                betas[i, k] * betas[j, m] * np.cov(factors[:, k], factors[:, m])[0, 1]
                for k in range(3)
                for m in range(3)
            )
            expected += pd.Series(residuals[:, i]).var() if i == j else 0
            assert np.isclose(covariance[i, j], expected)


def test_variances_of_regression_slopes_are_the_sample_variances_exactly():
    covariance = factor_covariance(*in_sample(MARKET.panel))
    assert np.allclose(np.diag(covariance), MARKET.panel.returns.var(axis=0, ddof=1), rtol=1e-12)
    assert not np.allclose(covariance, np.cov(MARKET.panel.returns, rowvar=False))


def test_the_factor_covariance_of_real_stocks_and_etfs_is_that_of_skfolio():
    panel = load_stocks()
    regression = LoadingMatrixRegression(linear_regressor=LinearRegression())
    prior = TimeSeriesFactorModel(loading_matrix_estimator=regression).fit(panel.returns, factors=panel.portfolios)
    assert np.allclose(factor_covariance(*in_sample(panel)), prior.return_distribution_.covariance, rtol=1e-9, atol=0)


def test_with_more_tickers_than_dates_only_the_factor_covariance_can_be_inverted():
    panel = simulate_constant_betas(n_dates=30, n_tickers=60, seed=2).panel
    covariance = factor_covariance(*in_sample(panel))
    assert np.allclose(covariance, covariance.T, rtol=1e-12)
    assert np.linalg.eigvalsh(covariance).min() > 0
    assert np.linalg.matrix_rank(np.cov(panel.returns, rowvar=False)) < 60


def test_the_factor_covariance_of_many_dates_approaches_the_truth():
    market = simulate_constant_betas(n_dates=20_000, n_tickers=4, noise=0.05, seed=3)
    truth = market.betas[0] @ np.diag([0.045**2, 0.03**2, 0.03**2]) @ market.betas[0].T + 0.05**2 * np.eye(4)
    assert np.allclose(factor_covariance(*in_sample(market.panel)), truth, rtol=0.05)


def test_one_factor_is_enough():
    covariance = factor_covariance([[1.0], [2.0]], [[0.0], [1.0], [2.0]], [[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]])
    assert covariance.tolist() == [[2.0, 2.0], [2.0, 4.0]]


@SOME
@given(seed=SEEDS)
def test_the_factor_covariance_does_not_depend_on_the_rotation_of_the_factors(seed):
    betas, factors, residuals = in_sample(MARKET.panel)
    mix = np.random.default_rng(seed).normal(size=(3, 3)) + 3 * np.eye(3)
    rotated = factor_covariance(betas @ np.linalg.inv(mix).T, factors @ mix, residuals)
    assert np.allclose(rotated, factor_covariance(betas, factors, residuals))


# --- minimum_variance_weights


def some_covariance(seed=0, n=6):
    root = np.random.default_rng(seed).normal(size=(n, 3 * n))
    return root @ root.T / 1000


@SOME
@given(seed=SEEDS)
def test_minimum_variance_weights_solve_the_conditions_of_lagrange_and_beat_any_others(seed):
    covariance = some_covariance(seed)
    weights = minimum_variance_weights(covariance)
    conditions = np.block([[2 * covariance, np.ones((6, 1))], [np.ones((1, 6)), np.zeros((1, 1))]])
    assert np.allclose(weights, np.linalg.solve(conditions, [0, 0, 0, 0, 0, 0, 1])[:6])
    moves = np.random.default_rng(seed).normal(0, 0.3, (50, 6))
    others = weights + moves - moves.mean(axis=1, keepdims=True)
    assert np.allclose(others.sum(axis=1), 1)
    assert (np.einsum("is,st,it->i", others, covariance, others) >= weights @ covariance @ weights).all()


def test_without_correlation_the_weights_are_the_inverse_variances():
    assert np.allclose(minimum_variance_weights(np.diag([1.0, 2.0, 4.0])), np.array([4, 2, 1]) / 7)
    assert np.allclose(minimum_variance_weights([[1, 0, 0], [0, 2, 0], [0, 0, 4]]), np.array([4, 2, 1]) / 7)


def test_minimum_variance_weights_do_not_depend_on_the_unit():
    covariance = some_covariance()
    assert np.allclose(minimum_variance_weights(covariance * 1e-8), minimum_variance_weights(covariance))


def test_the_minimum_variance_portfolio_has_the_same_covariance_with_every_ticker():
    covariance = factor_covariance(*in_sample(MARKET.panel))
    weights = minimum_variance_weights(covariance)
    assert np.isclose(weights.sum(), 1) and np.allclose(covariance @ weights, weights @ covariance @ weights)


# --- hedge


def test_a_hedged_portfolio_earns_the_errors_of_its_tickers_and_nothing_else():
    panel, weights = MARKET.panel, MARKET.panel.returns[0] + 0.1
    errors = panel.returns - MARKET.reconstruction
    hedged = panel.returns @ weights + MARKET.factors @ hedge(weights, MARKET.betas[0])
    assert np.allclose(hedged, errors @ weights)
    dated = sorted_positions(panel.returns, 3)[2]
    hedged = portfolio_returns(dated, panel.returns) + (hedge(dated, MARKET.betas) * MARKET.factors).sum(axis=1)
    assert np.allclose(hedged, portfolio_returns(dated, errors))


def test_positions_with_weights_of_the_cross_sectional_regression_need_one_unit_of_hedge():
    betas = MARKET.betas[0]
    of_factors = np.linalg.solve(betas.T @ betas, betas.T)
    assert np.allclose(of_factors @ MARKET.panel.returns[5], cross_sectional_factors(MARKET.panel.returns, betas)[5])
    assert np.allclose([hedge(weights, betas) for weights in of_factors], -np.eye(3))


def test_the_betas_of_a_ticker_that_is_not_held_may_be_unknown():
    betas, weights = MARKET.betas[0], with_value(np.full(10, 0.1), 4, 0.0)
    assert np.allclose(hedge(weights, with_value(betas, 4, np.nan)), hedge(weights, betas))


# --- bad input

B, COV = MARKET.betas[0], some_covariance()
TICKERS = list("ABCDEFGHIJK")
BAD_INPUT = {
    "more portfolios than predictions": (
        lambda: sorted_positions(PREDICTION), ValueError, "prediction", "9 ticker(s)", "position 3",
        "n_portfolios = 10", "fewer portfolios",
    ),
    "a date without predictions": (
        lambda: sorted_positions(PREDICTION * np.nan, 2), ValueError, "prediction", "0 ticker(s)", "position 0",
    ),
    "no portfolios": (lambda: sorted_positions(PREDICTION, 0), ValueError, "n_portfolios", "at least 1", "0"),
    "a fraction of a portfolio": (lambda: sorted_positions(PREDICTION, 2.5), TypeError, "n_portfolios", "2.5"),
    "infinite predictions": (
        lambda: sorted_positions(with_value(R, (1, 1), np.inf)), ValueError, "prediction", "infinite", "(1, 1)",
    ),
    "predictions of one date": (lambda: sorted_positions(R[0]), ValueError, "prediction", "2 axes", "(11,)"),
    "a size of zero": (
        lambda: sorted_positions(R, 2, with_value(SIZES, (4, 2), 0)), ValueError, "sizes", "above 0", "(4, 2)", "NaN",
    ),
    "an unknown size": (
        lambda: sorted_positions(R, 2, with_value(SIZES, (4, 2), np.nan)), ValueError, "sizes", "above 0", "(4, 2)",
    ),
    "sizes of other dates": (
        lambda: sorted_positions(R, 2, SIZES[1:]), ValueError, "sizes", "n_dates = 20", "(19, 11)",
    ),
    "sizes of other tickers": (
        lambda: sorted_positions(pd.DataFrame(R, columns=TICKERS), 2, pd.DataFrame(SIZES, columns=TICKERS[::-1])),
        ValueError, "sizes", "prediction", "tickers",
    ),
    "returns of other dates": (
        lambda: portfolio_returns(WEIGHTS, R[1:]), ValueError, "positions", "n_dates = 19", "(3, 20, 11)",
    ),
    "positions without dates": (lambda: portfolio_returns(R[0], R), ValueError, "positions", "2 axes", "(11,)"),
    "an unknown position": (
        lambda: portfolio_returns(with_value(WEIGHTS, (0, 1, 2), np.nan), R),
        ValueError, "positions", "NaN", "(0, 1, 2)",
    ),
    "ragged positions": (lambda: portfolio_returns([[1.0], [1.0, 2.0]], R), TypeError, "positions", "numbers"),
    "tables of other tickers": (
        lambda: portfolio_returns(pd.DataFrame(LONG_SHORT, columns=TICKERS), pd.DataFrame(R, columns=TICKERS[::-1])),
        ValueError, "positions", "returns", "tickers",
    ),
    "turnover of tables of other dates": (
        lambda: turnover(pd.DataFrame(LONG_SHORT), pd.DataFrame(R, index=range(1, 21))),
        ValueError, "positions", "dates",
    ),
    "all capital lost": (
        lambda: turnover(WEIGHTS, with_value(R, 4, -1.5)), ValueError, "positions", "position 4", "-1.5", "smaller",
    ),
    "the Sharpe ratio of one date": (lambda: sharpe_ratio([0.1], 12), ValueError, "returns", "two dates", "(1,)"),
    "the Sharpe ratio of a constant": (lambda: sharpe_ratio([0.1, 0.1], 12), ValueError, "returns", "no spread"),
    "the Sharpe ratio of a gap": (lambda: sharpe_ratio([0.1, np.nan], 12), ValueError, "returns", "NaN"),
    "a year without periods": (lambda: sharpe_ratio(F[:, 0], 0), ValueError, "periods_per_year", "above 0", "0"),
    "periods as text": (lambda: sharpe_ratio(F[:, 0], "monthly"), TypeError, "periods_per_year", "'monthly'"),
    "no more dates than factors": (
        lambda: tangency_weights(F[:3]), ValueError, "factors", "3 date(s)", "3 factor(s)", "more dates",
    ),
    "a constant factor": (
        lambda: tangency_weights(F * [1, 0, 1] + 0.1), ValueError, "factors", "zero variance", "column 1",
    ),
    "a factor given twice": (lambda: tangency_weights(F[:, [0, 1, 0]]), ValueError, "factors", "singular", "drop"),
    "a factor nearly given twice": (
        lambda: tangency_weights(np.column_stack([F, F[:, 0] + 3e-7 * np.cos(1000 * F[:, 0])])),
        ValueError, "factors", "nearly",
    ),
    "factors that earn nothing": (
        lambda: tangency_weights([[0.1], [-0.1], [0.1], [-0.1]]), ValueError, "factors", "mean of 0",
    ),
    "a missing factor": (
        lambda: tangency_weights(with_value(F, (2, 1), np.nan)), ValueError, "factors", "NaN", "(2, 1)",
    ),
    "a past too short": (lambda: tangency_returns(F, F[:3]), ValueError, "past", "3 date(s)", "more dates"),
    "a past of other factors": (
        lambda: tangency_returns(F, F[:20, :2]), ValueError, "past", "n_factors = 3", "(20, 2)",
    ),
    "a past of other names": (
        lambda: tangency_returns(pd.DataFrame(F, columns=list("abc")), pd.DataFrame(F, columns=list("cba"))),
        ValueError, "factors of past",
    ),
    "a factor missing at the last date": (
        lambda: tangency_returns(with_value(F, (-1, 1), np.nan), F[:20]), ValueError, "factors", "1 NaN", "(59, 1)",
    ),
    "a factor missing in the past": (
        lambda: tangency_returns(F, with_value(F[:20], (3, 0), np.nan)), ValueError, "past", "1 NaN", "(3, 0)",
    ),
    "a constant past": (lambda: tangency_returns(F, F[:20] * 0), ValueError, "past", "zero variance"),
    "betas of other factors": (
        lambda: factor_covariance(B[:, :2], MARKET.factors, R), ValueError, "factors", "n_factors = 2", "(80, 3)",
    ),
    "betas of all dates": (
        lambda: factor_covariance(MARKET.betas, MARKET.factors, R), ValueError, "betas", "2 axes", "(80, 10, 3)",
    ),
    "residuals of other tickers": (
        lambda: factor_covariance(B, MARKET.factors, MARKET.panel.returns[:, 1:]),
        ValueError, "residuals", "n_tickers = 10", "(80, 9)",
    ),
    "one residual of a ticker": (
        lambda: factor_covariance(B, MARKET.factors, with_value(MARKET.panel.returns, (slice(1, None), 4), np.nan)),
        ValueError, "residuals", "1 ticker(s)", "position 4", "two",
    ),
    "an unknown beta": (
        lambda: factor_covariance(with_value(B, (2, 0), np.nan), MARKET.factors, MARKET.panel.returns),
        ValueError, "betas", "NaN", "(2, 0)",
    ),
    "a covariance that is not square": (
        lambda: minimum_variance_weights(COV[:3]), ValueError, "covariance", "row and a column", "(3, 6)",
    ),
    "a covariance that is not symmetric": (
        lambda: minimum_variance_weights(with_value(COV, (0, 1), 1)), ValueError, "covariance", "transpose",
    ),
    "a singular covariance": (
        lambda: minimum_variance_weights(np.cov(R[:5], rowvar=False)), ValueError, "covariance", "singular",
        "factor_covariance",
    ),
    "a negative covariance": (lambda: minimum_variance_weights(-np.eye(3)), ValueError, "covariance", "singular"),
    "a covariance of zeros": (lambda: minimum_variance_weights(np.zeros((2, 2))), ValueError, "covariance", "singular"),
    "a hedge with unknown betas": (
        lambda: hedge(np.full(10, 0.1), with_value(B, (2, 0), np.nan)), ValueError, "betas", "1 position(s)", "not 0",
    ),
    "a hedge of other tickers": (lambda: hedge(np.ones(9), B), ValueError, "weights", "n_tickers = 10", "(9,)"),
    "a hedge of dates by the betas of one": (lambda: hedge(R[:, :10], B), ValueError, "weights", "1 axes", "(20, 10)"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])
