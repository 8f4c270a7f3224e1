"""The number of factors, against statsmodels, plain loops, and markets whose number is known."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.multivariate.pca import PCA

from helpers.data.simulated import simulate_constant_betas
from helpers.evaluation.number_of_factors import LOOKS_BEYOND, number_of_factors
from tests.common import assert_refused, with_value

METHODS = list(LOOKS_BEYOND)
R = simulate_constant_betas(n_dates=120, n_tickers=30, noise=0.08, seed=0).panel.returns
RANDOM = np.random.default_rng(0)


def market(strengths, n_dates=200, n_tickers=60, seed=0):
    """Returns with factors whose variance is these multiples of what noise can hide, and noise of variance 1."""
    random = np.random.default_rng(seed)
    directions, _ = np.linalg.qr(random.standard_normal((n_tickers, len(strengths))))
    betas = directions * np.sqrt(np.array(strengths) * np.sqrt(n_tickers / n_dates))
    return random.standard_normal((n_dates, len(strengths))) @ betas.T + random.standard_normal((n_dates, n_tickers))


def by_loops(returns, method, max_factors):
    """The ratios and the edge from the eigenvalues of the covariance matrix, one K after the other."""
    eigenvalues = sorted(np.linalg.eigvalsh(np.cov(returns.T, ddof=0)), reverse=True)

    def left(k):
        return sum(eigenvalues[k:])

    if method == "eigenvalue_ratio":
        scores = {k: eigenvalues[k - 1] / eigenvalues[k] for k in range(1, max_factors + 1)}
        return max(scores, key=scores.get)
    if method == "growth_ratio":
        scores = {
            k: np.log(1 + eigenvalues[k - 1] / left(k)) / np.log(1 + eigenvalues[k] / left(k + 1))
            for k in range(1, max_factors + 1)
        }
        return max(scores, key=scores.get)
    j = max_factors + 1
    for _ in range(5):
        design = np.array([[1.0, (i - 1) ** (2 / 3)] for i in range(j, j + 5)])
        slope = np.linalg.lstsq(design, np.array(eigenvalues[j - 1 : j + 4]), rcond=None)[0][1]
        wide = [k for k in range(1, max_factors + 1) if eigenvalues[k - 1] - eigenvalues[k] >= 2 * abs(slope)]
        j = max(wide, default=0) + 1
    return j - 1


MARKETS = [
    market(s, t, n, seed) for seed in range(4) for s in ([], [6], [20, 3], [30, 9, 5]) for t, n in ((80, 25), (30, 50))
]


@pytest.mark.parametrize("method", ["eigenvalue_ratio", "growth_ratio", "onatski"])
def test_the_ratios_and_the_edge_are_those_of_plain_loops(method):
    answers = [number_of_factors(returns, method, 6) for returns in MARKETS]
    assert answers == [by_loops(returns, method, 6) for returns in MARKETS] and len(set(answers)) > 1


@pytest.mark.parametrize("method", ["ic_p1", "ic_p2"])
def test_the_information_criteria_are_those_of_statsmodels(method):
    answers = [number_of_factors(returns, method, 6) for returns in MARKETS]
    expected = [PCA(returns, ncomp=6, standardize=False, method="svd").ic for returns in MARKETS]
    assert answers == [int(np.argmin(ic[:7, METHODS.index(method)])) for ic in expected] and len(set(answers)) > 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n_dates", "n_tickers"), [(200, 60), (60, 200)])
def test_strong_factors_are_counted(method, n_dates, n_tickers):
    answers = [number_of_factors(market([60, 50, 40], n_dates, n_tickers, seed), method) for seed in range(20)]
    assert answers.count(3) >= 18  # a gap or a ratio of noise is large now and then


@pytest.mark.parametrize("method", ["ic_p1", "ic_p2", "onatski"])
def test_pure_noise_has_no_factor(method):
    assert [number_of_factors(market([], seed=seed), method) for seed in range(5)] == [0] * 5


@pytest.mark.parametrize("method", METHODS)
def test_unit_mean_and_order_do_not_matter(method):
    returns = market([20, 8])
    changed = 100 * (returns + RANDOM.normal(size=60))[RANDOM.permutation(200)][:, RANDOM.permutation(60)]
    assert number_of_factors(changed, method) == number_of_factors(returns, method)


@pytest.mark.parametrize("method", METHODS)
def test_a_table_is_read_as_its_numbers(method):
    dates = pd.date_range("2000-01-31", periods=120, freq="ME")
    answer = number_of_factors(pd.DataFrame(R, dates, range(30)), method)
    assert answer == number_of_factors(R, method) and type(answer) is int


def test_no_more_than_the_largest_number_comes_out():
    assert number_of_factors(market([60, 50, 40]), "ic_p2", max_factors=2) == 2


SUMS = np.column_stack([R, R @ RANDOM.normal(size=(30, 10))])
BAD_INPUT = {
    "another rule": (lambda: number_of_factors(R, "kaiser"), ValueError, "method", "'onatski'", "'kaiser'"),
    "a missing return": (
        lambda: number_of_factors(with_value(R, (3, 4), np.nan), "ic_p1"), ValueError, "NaN", "(3, 4)", "drop",
    ),
    "one ticker": (lambda: number_of_factors(R[:, :1], "ic_p1"), ValueError, "returns", "2 tickers", "(120, 1)"),
    "few tickers for a rule": (
        lambda: number_of_factors(R[:, :12], "onatski"), ValueError, "max_factors", "between 1 and 7", "8 was given",
    ),
    "few dates for a rule": (
        lambda: number_of_factors(R[:10], "growth_ratio"), ValueError, "max_factors", "between 1 and 7", "8 was given",
    ),
    "no factor allowed": (lambda: number_of_factors(R, "ic_p1", 0), ValueError, "max_factors", "0 was given"),
    "a fraction": (lambda: number_of_factors(R, "ic_p1", 2.5), TypeError, "max_factors", "whole number"),
    "one series": (lambda: number_of_factors(R[:, 0], "ic_p1"), ValueError, "returns", "2 axes"),
    "a text": (lambda: number_of_factors("returns", "ic_p1"), TypeError, "returns", "numbers"),
    "no noise": (
        lambda: number_of_factors(SUMS, "ic_p1", 35), ValueError, "30 components", "no noise", "Lower max_factors",
    ),
    "returns that stand still": (lambda: number_of_factors(np.ones((40, 20)), "ic_p1"), ValueError, "0 components"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])
