"""Total R² and the alignment of factors, against plain loops, scikit-learn and closed forms."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_squared_error, r2_score

from helpers.evaluation import align_factors, total_r2
from helpers.synthetic import simulate_constant_betas
from tests.common import assert_refused, with_value

SOME = settings(deadline=None, derandomize=True, max_examples=25)
SEEDS = st.integers(0, 10_000)

random = np.random.default_rng(0)
R, R_HAT = random.normal(size=(2, 20, 6))
F, TRUE_F = random.normal(size=(2, 20, 2))
B = random.normal(size=(20, 6, 2))


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
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])
