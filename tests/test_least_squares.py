"""The two regressions on plain arrays, against statsmodels, scikit-learn, plain loops and closed forms."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from helpers.models import threads
from helpers.models.least_squares import cross_sectional_factors, rolling_betas, time_series_betas
from tests.common import assert_refused, small_panel, with_value

SOME = settings(deadline=None, derandomize=True, max_examples=25)
SEEDS = st.integers(0, 10_000)


def market(seed=0, n_dates=30, n_tickers=8, n_factors=2, missing=0.0):
    """Returns, factors and constant betas; a share of the returns is missing."""
    random = np.random.default_rng(seed)
    factors, betas = random.normal(size=(n_dates, n_factors)), random.normal(size=(n_tickers, n_factors))
    returns = factors @ betas.T + random.normal(0.1, 1.0, size=(n_dates, n_tickers))
    returns[random.random(returns.shape) < missing] = np.nan
    return returns, factors, betas


R, F, B = market()
B3 = np.random.default_rng(5).normal(size=(30, 8, 2))


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_betas_are_those_of_statsmodels_one_ticker_at_a_time(intercept, missing):
    returns, factors, _ = market(missing=missing)
    alphas, betas = time_series_betas(returns, factors, intercept)
    for s in range(returns.shape[1]):
        design = sm.add_constant(factors) if intercept else factors
        expected = sm.OLS(returns[:, s], design, missing="drop").fit().params
        assert np.allclose([*([alphas[s]] if intercept else []), *betas[s]], expected)
    if not intercept:
        assert (alphas == 0).all()


def test_betas_are_those_of_scikit_learn():
    alphas, betas = time_series_betas(R, F)
    regression = LinearRegression().fit(F, R)
    assert np.allclose(betas, regression.coef_) and np.allclose(alphas, regression.intercept_)


def test_with_one_factor_beta_is_a_covariance_over_a_variance():
    alphas, betas = time_series_betas(R, F[:, :1])
    for s in range(R.shape[1]):
        beta = np.cov(R[:, s], F[:, 0])[0, 1] / np.var(F[:, 0], ddof=1)
        assert np.isclose(betas[s, 0], beta)
        assert np.isclose(alphas[s], R[:, s].mean() - beta * F[:, 0].mean())


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_residuals_sum_to_zero_and_are_orthogonal_to_the_factors(missing):
    returns, factors, _ = market(missing=missing)
    alphas, betas = time_series_betas(returns, factors)
    residuals = np.nan_to_num(returns - alphas - factors @ betas.T)
    assert np.allclose(residuals.sum(axis=0), 0) and np.allclose(factors.T @ residuals, 0)


def test_a_market_without_noise_gives_its_betas_and_alphas_back():
    alphas, betas = time_series_betas(0.01 + F @ B.T, F)
    assert np.allclose(betas, B) and np.allclose(alphas, 0.01)


def test_a_missing_return_is_left_out_of_the_sums_of_its_ticker_only():
    gappy = with_value(R, (slice(4, 9), 3), np.nan)
    alphas, betas = time_series_betas(gappy, F)
    rest = np.r_[0:4, 9:30]
    alone = time_series_betas(R[rest, 3:4], F[rest])
    assert np.allclose(betas[3], alone[1][0]) and np.isclose(alphas[3], alone[0][0])
    others = np.arange(8) != 3
    assert np.allclose(betas[others], time_series_betas(R, F)[1][others])


@SOME
@given(seed=SEEDS, scale=st.sampled_from([10.0, -1.0, 1e-6, 1e6]), missing=st.sampled_from([0.0, 0.2]))
def test_scaling_a_factor_divides_its_betas(seed, scale, missing):
    returns, factors, _ = market(seed, missing=missing)
    alphas, betas = time_series_betas(returns, factors)
    scaled_alphas, scaled_betas = time_series_betas(returns, factors * [scale, 1.0])
    assert np.allclose(scaled_betas, betas / [scale, 1.0], rtol=1e-6) and np.allclose(scaled_alphas, alphas)


@SOME
@given(seed=SEEDS, missing=st.sampled_from([0.0, 0.2]))
def test_permuting_the_tickers_permutes_the_rows(seed, missing):
    returns, factors, _ = market(seed, missing=missing)
    order = np.random.default_rng(seed).permutation(8)
    for part, permuted in zip(
        time_series_betas(returns, factors), time_series_betas(returns[:, order], factors), strict=True
    ):
        assert np.allclose(permuted, part[order])


@SOME
@given(seed=SEEDS)
def test_adding_a_constant_to_a_factor_changes_the_intercept_only(seed):
    returns, factors, _ = market(seed)
    alphas, betas = time_series_betas(returns, factors)
    moved_alphas, moved_betas = time_series_betas(returns, factors + np.array([5.0, 0.0]))
    assert np.allclose(moved_betas, betas) and np.allclose(moved_alphas, alphas - 5 * betas[:, 0])


def test_a_factor_far_from_zero_keeps_its_digits():
    factors = 1 + 1e-4 * F
    assert np.allclose(time_series_betas(R, factors)[1], time_series_betas(R, F)[1] * 1e4, rtol=1e-9)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_of_single_precision_the_answers_are_those_of_the_same_numbers_in_double_precision(missing):
    single = [array.astype(np.float32) for array in (market(missing=missing)[0], F, B, B3)]
    double = [array.astype(float) for array in single]
    (returns, factors, *betas), (returns_2, factors_2, *betas_2) = single, double
    for one, other in zip(betas, betas_2, strict=True):
        found = cross_sectional_factors(returns, one)
        assert found.dtype == float and np.array_equal(found, cross_sectional_factors(returns_2, other))
    assert np.array_equal(time_series_betas(returns, factors)[1], time_series_betas(returns_2, factors_2)[1])
    rolling = rolling_betas(returns, factors, 12)
    assert np.array_equal(rolling, rolling_betas(returns_2, factors_2, 12), equal_nan=True)


def factors_by_loop(returns, betas):
    rows = []
    for d, r in enumerate(returns):
        beta, known = betas if betas.ndim == 2 else betas[d], ~np.isnan(r)
        rows.append(np.linalg.lstsq(beta[known], r[known], rcond=None)[0])
    return np.array(rows)


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("betas", [B, B3], ids=["constant", "by date"])
def test_factors_are_those_of_one_regression_per_date(betas, missing):
    returns = market(missing=missing)[0]
    assert np.allclose(cross_sectional_factors(returns, betas), factors_by_loop(returns, betas))


def test_factors_are_those_of_scikit_learn_and_statsmodels():
    factors = cross_sectional_factors(R, B3)
    for d in range(len(R)):
        assert np.allclose(factors[d], LinearRegression(fit_intercept=False).fit(B3[d], R[d]).coef_)
        assert np.allclose(factors[d], sm.OLS(R[d], B3[d]).fit().params)


def test_a_market_without_noise_gives_its_factors_back():
    assert np.allclose(cross_sectional_factors(F @ B.T, B), F)


def test_orthonormal_betas_make_the_factors_a_matrix_product():
    v, _ = np.linalg.qr(B)
    assert np.allclose(cross_sectional_factors(R, v), R @ v)


@pytest.mark.parametrize("betas", [B, B3], ids=["constant", "by date"])
def test_unknown_betas_of_missing_returns_do_not_matter(betas):
    returns = with_value(R, (slice(None), 2), np.nan)
    unknown = with_value(betas, (..., 2, slice(None)), np.nan)
    assert np.allclose(cross_sectional_factors(returns, unknown), cross_sectional_factors(returns, betas))


@SOME
@given(seed=SEEDS, missing=st.sampled_from([0.0, 0.2]))
def test_mixing_the_columns_of_beta_leaves_the_product_alone(seed, missing):
    returns, _, betas = market(seed, missing=missing)
    mixed = betas @ np.array([[2.0, 1.0], [0.5, -1.0]])
    product = cross_sectional_factors(returns, betas) @ betas.T
    assert np.allclose(cross_sectional_factors(returns, mixed) @ mixed.T, product)


@SOME
@given(seed=SEEDS, missing=st.sampled_from([0.0, 0.2]))
def test_the_order_of_the_tickers_does_not_matter_to_the_factors(seed, missing):
    returns, _, betas = market(seed, missing=missing)
    order = np.random.default_rng(seed).permutation(8)
    assert np.allclose(
        cross_sectional_factors(returns[:, order], betas[order]), cross_sectional_factors(returns, betas)
    )


@pytest.mark.parametrize("intercept", [True, False])
def test_rolling_betas_of_a_date_are_those_of_the_window_before_it(intercept):
    betas = rolling_betas(R, F, 10, intercept)
    assert betas.shape == (30, 8, 2) and np.isnan(betas[:10]).all()
    for d in range(10, 30):
        assert np.allclose(betas[d], time_series_betas(R[d - 10 : d], F[d - 10 : d], intercept)[1])


def test_rolling_betas_are_unknown_while_a_gap_is_in_the_window():
    betas = rolling_betas(with_value(R, (14, 3), np.nan), F, 10)
    assert np.flatnonzero(np.isnan(betas[10:, 3, 0])).tolist() == list(range(5, 15))
    assert not np.isnan(betas[10:, 4]).any()


BAD_INPUT = {
    "returns with one axis": (lambda: time_series_betas(R[:, 0], F), ValueError, "returns", "2 axes", "(30,)"),
    "text for returns": (lambda: time_series_betas("a", F), TypeError, "returns", "numbers", "'a'"),
    "an infinite return": (
        lambda: time_series_betas(with_value(R, (1, 2), np.inf), F), ValueError, "returns", "1 infinite", "(1, 2)",
    ),
    "factors with one axis": (lambda: time_series_betas(R, F[:, 0]), ValueError, "factors", "2 axes", "(30,)"),
    "factors of fewer dates": (lambda: time_series_betas(R, F[:5]), ValueError, "factors", "n_dates = 30", "(5, 2)"),
    "a missing factor": (
        lambda: time_series_betas(R, with_value(F, (0, 1), np.nan)), ValueError, "factors", "1 NaN", "(0, 1)",
    ),
    "an infinite factor": (
        lambda: time_series_betas(R, with_value(F, (0, 1), -np.inf)), ValueError, "factors", "1 infinite", "(0, 1)",
    ),
    "tables of different dates": (
        lambda: time_series_betas(pd.DataFrame(R), pd.DataFrame(F, index=range(1, 31))),
        ValueError, "factors", "returns", "dates",
    ),
    "fewer dates than coefficients": (
        lambda: time_series_betas(R[:2], F[:2]), ValueError, "fewer dates", "(3)", "0, 1, 2 and 5 more",
    ),
    "a ticker with too few returns": (
        lambda: time_series_betas(with_value(R, (slice(2, None), 4), np.nan), F),
        ValueError, "fewer dates", "position(s) 4",
    ),
    "a constant factor": (
        lambda: time_series_betas(R, np.column_stack([F, np.full(30, 0.1)])),
        ValueError, "factors", "zero variance", "column(s) 2",
    ),
    "a factor of zeros": (
        lambda: time_series_betas(R, F * [1, 0], intercept=False),
        ValueError, "factors", "zero variance", "column(s) 1",
    ),
    "collinear factors": (
        lambda: time_series_betas(R, np.column_stack([F, F @ [0.3, 0.7]])), ValueError, "factors", "collinear", "Drop",
    ),
    "collinear factors beside a gap": (
        lambda: time_series_betas(with_value(R, (0, 0), np.nan), np.column_stack([F, F @ [0.3, 0.7]])),
        ValueError, "factors", "collinear",
    ),
    "factors that are collinear where one ticker has returns": (
        lambda: time_series_betas(with_value(R, (0, 0), np.nan), np.eye(30)[:, :1]), ValueError, "factors", "ticker",
    ),
    "a word for the intercept": (lambda: time_series_betas(R, F, intercept="no"), TypeError, "intercept", "'no'"),
    "betas of fewer tickers": (
        lambda: cross_sectional_factors(R, B[:3]), ValueError, "betas", "n_tickers = 8", "(3, 2)",
    ),
    "betas of fewer dates": (
        lambda: cross_sectional_factors(R, B3[:3]), ValueError, "betas", "n_dates = 30", "(3, 8, 2)",
    ),
    "betas with one axis": (
        lambda: cross_sectional_factors(R, B[:, 0]), ValueError, "betas", "(n_tickers, n_factors)", "(8,)",
    ),
    "ragged betas": (lambda: cross_sectional_factors(R, [[1.0], [1.0, 2.0]]), TypeError, "betas", "numbers"),
    "text for betas": (lambda: cross_sectional_factors(R, "a"), TypeError, "betas", "numbers", "'a'"),
    "an infinite beta": (
        lambda: cross_sectional_factors(R, with_value(B, (1, 1), np.inf)),
        ValueError, "betas", "1 infinite", "(1, 1)",
    ),
    "an unknown beta of a known return": (
        lambda: cross_sectional_factors(R, with_value(B, (1, 1), np.nan)),
        ValueError, "betas", "NaN", "return is present",
    ),
    "an unknown beta of a known return at one date": (
        lambda: cross_sectional_factors(R, with_value(B3, (7, 1, 1), np.nan)),
        ValueError, "betas", "NaN", "return is present",
    ),
    "a table of betas of other tickers": (
        lambda: cross_sectional_factors(
            pd.DataFrame(R, columns=list("ABCDEFGH")), pd.DataFrame(B, index=list("HGFEDCBA"))
        ),
        ValueError, "betas", "returns", "tickers",
    ),
    "fewer tickers than factors": (
        lambda: cross_sectional_factors(R[:, :1], B[:1]), ValueError, "fewer tickers", "(2)", "0, 1, 2 and 27 more",
    ),
    "a date without returns": (
        lambda: cross_sectional_factors(with_value(R, 6, np.nan), B), ValueError, "fewer tickers", "position(s) 6",
    ),
    "no dates": (lambda: cross_sectional_factors(R[:0], B), ValueError, "returns", "(0, 8)"),
    "collinear betas": (
        lambda: cross_sectional_factors(R, np.column_stack([B, B @ [0.3, 0.7]])),
        ValueError, "betas", "collinear", "Drop",
    ),
    "collinear betas in single precision": (
        lambda: cross_sectional_factors(R, np.column_stack([B, B @ [0.3, 0.7]]).astype(np.float32)),
        ValueError, "betas", "collinear",
    ),
    "betas that are collinear at one date": (
        lambda: cross_sectional_factors(R, with_value(B3, 9, np.outer(B[:, 0], [1, 2]))),
        ValueError, "betas", "collinear",
    ),
    "a beta of zeros": (lambda: cross_sectional_factors(R, B * [1, 0]), ValueError, "betas", "zero", "column 1"),
    "a window as short as the coefficients": (
        lambda: rolling_betas(R, F, 3), ValueError, "window", "between 4 and 30", "3 was given",
    ),
    "a window longer than the panel": (
        lambda: rolling_betas(R, F, 31), ValueError, "window", "between 4 and 30", "31 was given",
    ),
    "a window that no panel of this length allows": (
        lambda: rolling_betas(R[:3], F[:3], 3), ValueError, "fewer dates", "3",
    ),
    "a fraction for the window": (lambda: rolling_betas(R, F, 10.5), TypeError, "window", "whole number", "10.5"),
    "rolling factors of fewer dates": (
        lambda: rolling_betas(R, F[:3], 10), ValueError, "factors", "n_dates = 30", "(3, 2)",
    ),
    "a missing rolling factor": (
        lambda: rolling_betas(R, with_value(F, (0, 0), np.nan), 10), ValueError, "factors", "1 NaN",
    ),
    "rolling collinear factors": (
        lambda: rolling_betas(R, np.column_stack([F, F @ [0.3, 0.7]]), 10), ValueError, "factors", "collinear",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])


def test_rolling_betas_refuses_tables_of_other_dates():
    panel = small_panel()
    returns, factors = pd.DataFrame(panel.returns, panel.dates), pd.DataFrame(panel.portfolios, panel.dates)
    assert_refused(lambda: rolling_betas(returns, factors[::-1], 12), ValueError, "dates", "factors", "returns")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: cross_sectional_factors(R, B[:, :0]), "betas"),
        (lambda: cross_sectional_factors(R, np.empty((*R.shape, 0))), "betas"),
        (lambda: time_series_betas(R, F[:, :0]), "factors"),
        (lambda: time_series_betas(R, F[:, :0], intercept=False), "factors"),
    ],
)
def test_no_regressors_at_all_are_refused(call, name):
    assert_refused(call, ValueError, name, "at least one column", "0)")


@pytest.mark.parametrize("n_factors", [1, 2, 12, 25])
def test_the_products_of_each_date_are_the_same_in_blocks(n_factors, monkeypatch):
    betas = np.random.default_rng(0).standard_normal((9, 40, n_factors))
    returns = with_value(np.random.default_rng(1).standard_normal((9, 40)), (3, 5), np.nan)
    by_date = factors_by_loop(returns, betas)
    for size in (1, 40 * n_factors, 100 * n_factors, 10**6):
        monkeypatch.setattr(threads, "BLOCK", size)
        assert np.allclose(cross_sectional_factors(returns, betas), by_date)


def test_unknown_betas_are_counted_where_a_return_is_present():
    betas, returns = B3.copy(), R.copy()
    betas[7, 1], betas[9, 2], returns[7, 1] = np.nan, np.nan, np.nan
    assert_refused(lambda: cross_sectional_factors(returns, betas), ValueError, "betas has 2 NaN", "(9, 2, 0)")
