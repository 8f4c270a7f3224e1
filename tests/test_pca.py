"""Principal components, against numpy, scikit-learn, and alternating least squares where returns are missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import ConvergenceWarning

from helpers.data.simulated import simulate_constant_betas
from helpers.evaluation.metrics import total_r2
from helpers.models.least_squares import cross_sectional_factors
from helpers.models.pca import PCAFactors
from helpers.panel import Panel
from tests.common import assert_refused, small_panel, with_value

SOME = settings(deadline=None, derandomize=True, max_examples=25)
SEEDS = st.integers(0, 10_000)

PANEL = small_panel()
R = PANEL.returns


def market_with_gaps(missing=0.2, noise=0.02, seed=0):
    """A market of three factors; a share of its returns is missing."""
    market = simulate_constant_betas(n_dates=60, n_tickers=20, noise=noise, seed=seed)
    random = np.random.default_rng(seed)
    returns = np.where(random.random(market.panel.returns.shape) < missing, np.nan, market.panel.returns)
    return Panel(returns=returns, tickers=market.panel.tickers), market


@pytest.mark.parametrize("k", [1, 3, 12])
def test_betas_are_the_first_right_singular_vectors_and_factors_the_returns_times_them(k):
    model = PCAFactors(k).fit(PANEL)
    _, _, right = np.linalg.svd(R)
    signs = np.sign((model.betas_ * right[:k].T).sum(axis=0))
    assert np.allclose(model.betas_, right[:k].T * signs)
    assert np.allclose(model.factors(PANEL), R @ model.betas_)
    assert np.allclose(model.betas_.T @ model.betas_, np.eye(k)) and model.n_rounds_ == 1


def test_components_are_those_of_truncated_svd_in_scikit_learn_up_to_sign():
    model = PCAFactors(3).fit(PANEL)
    expected = TruncatedSVD(3, algorithm="arpack", random_state=0).fit(R)
    assert np.allclose(np.abs(model.betas_.T), np.abs(expected.components_))
    assert np.allclose(model.reconstruct(PANEL), expected.inverse_transform(expected.transform(R)))


def test_components_of_centred_returns_are_those_of_pca_in_scikit_learn_up_to_sign():
    centred = R - R.mean(axis=0)
    model, expected = PCAFactors(3).fit(Panel(returns=centred)), PCA(3).fit(centred)
    assert np.allclose(np.abs(model.betas_.T), np.abs(expected.components_))
    assert np.allclose(model.shares_[:3], expected.explained_variance_ratio_)


def test_the_largest_entry_of_each_beta_is_positive():
    for returns in (R, -R):
        betas = PCAFactors(4).fit(Panel(returns=returns)).betas_
        assert (betas.max(axis=0) == np.abs(betas).max(axis=0)).all()


def test_shares_add_up_to_one_and_their_sum_over_the_components_is_the_total_r2():
    model = PCAFactors(3).fit(PANEL)
    assert len(model.shares_) == 12 and np.isclose(model.shares_.sum(), 1) and (np.diff(model.shares_) <= 0).all()
    assert np.isclose(model.shares_[:3].sum(), total_r2(R, model.reconstruct(PANEL)))


def test_as_many_components_as_tickers_explain_everything():
    assert np.allclose(PCAFactors(12).fit(PANEL).reconstruct(PANEL), R)


@SOME
@given(seed=SEEDS)
def test_no_other_three_factors_explain_more(seed):
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(12, 3)))
    assert total_r2(R, PCAFactors(3).fit(PANEL).reconstruct(PANEL)) >= total_r2(R, R @ basis @ basis.T)


@SOME
@given(seed=SEEDS)
def test_rotating_the_components_leaves_the_reconstruction_alone(seed):
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    model = PCAFactors(3).fit(PANEL)
    rotated = model.betas_ @ rotation
    assert np.allclose((R @ rotated) @ rotated.T, model.reconstruct(PANEL))


@SOME
@given(seed=SEEDS)
def test_permuting_the_tickers_permutes_the_betas(seed):
    order = np.random.default_rng(seed).permutation(12)
    betas = PCAFactors(3).fit(Panel(returns=R[:, order])).betas_
    assert np.allclose(betas, PCAFactors(3).fit(PANEL).betas_[order])


@SOME
@given(seed=SEEDS)
def test_the_order_of_the_dates_does_not_matter_to_the_betas(seed):
    order = np.random.default_rng(seed).permutation(40)
    betas = PCAFactors(3).fit(Panel(returns=R[order])).betas_
    assert np.allclose(betas, PCAFactors(3).fit(PANEL).betas_)


def test_at_later_dates_the_factors_are_the_returns_times_the_betas_as_learned():
    model = PCAFactors(3).fit(PANEL[:25])
    assert np.allclose(model.factors(PANEL[25:]), R[25:] @ model.betas_)
    assert np.array_equal(model.betas(PANEL[25:]), np.broadcast_to(model.betas_, (15, 12, 3)))


def alternating_least_squares(returns, k, rounds):
    """The sum of squared errors over the observed returns, each half of the product solved in turn by plain loops."""
    known = ~np.isnan(returns)
    betas = np.random.default_rng(0).normal(size=(returns.shape[1], k))
    factors = np.empty((len(returns), k))
    for _ in range(rounds):
        for d, row in enumerate(known):
            factors[d] = np.linalg.lstsq(betas[row], returns[d, row], rcond=None)[0]
        for s, column in enumerate(known.T):
            betas[s] = np.linalg.lstsq(factors[column], returns[column, s], rcond=None)[0]
    return factors @ betas.T


@pytest.mark.parametrize("missing", [0.05, 0.3])
def test_with_gaps_the_fit_is_that_of_alternating_least_squares(missing):
    panel, _ = market_with_gaps(missing)
    fit = total_r2(panel.returns, PCAFactors(3).fit(panel).reconstruct(panel))
    expected = total_r2(panel.returns, alternating_least_squares(panel.returns, 3, rounds=150))
    assert fit == pytest.approx(expected, abs=1e-4)


def test_with_gaps_the_missing_returns_of_a_market_without_noise_are_recovered():
    panel, market = market_with_gaps(missing=0.2, noise=0.0)
    reconstruction = PCAFactors(3, tolerance=1e-12, max_rounds=5000).fit(panel).reconstruct(panel)
    assert np.allclose(reconstruction, market.reconstruction, atol=1e-4)


def test_with_gaps_the_true_factors_are_recovered_to_within_the_noise():
    panel, market = market_with_gaps(missing=0.2, noise=0.02)
    estimates = [PCAFactors(3).fit(panel).factors(panel), cross_sectional_factors(panel.returns, market.betas)]
    by_components, by_true_betas = (
        total_r2(market.factors, f @ np.linalg.lstsq(f, market.factors, rcond=None)[0]) for f in estimates
    )
    assert by_components > by_true_betas - 0.02 > 0.9


def test_with_gaps_betas_stay_orthonormal():
    model = PCAFactors(3).fit(market_with_gaps()[0])
    assert np.allclose(model.betas_.T @ model.betas_, np.eye(3))
    assert 1 < model.n_rounds_ < 500


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_more_rounds_never_explain_less():
    panel, _ = market_with_gaps(0.3)
    fits = [
        total_r2(panel.returns, PCAFactors(3, tolerance=1e-15, max_rounds=n).fit(panel).reconstruct(panel))
        for n in (1, 2, 5, 50)
    ]
    assert fits == sorted(fits)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_max_rounds_stops_the_search():
    assert PCAFactors(3, max_rounds=4).fit(market_with_gaps()[0]).n_rounds_ == 4


def test_scaling_returns_with_gaps_changes_no_beta():
    panel, _ = market_with_gaps()
    model, scaled = PCAFactors(2).fit(panel), PCAFactors(2).fit(Panel(returns=100 * panel.returns))
    assert np.allclose(scaled.betas_, model.betas_)


def fit_with_gap(where, n_factors=2):
    return PCAFactors(n_factors).fit(Panel(returns=with_value(R, where, np.nan), tickers=PANEL.tickers))


BAD_INPUT = {
    "no factors": (lambda: PCAFactors(0).fit(PANEL), ValueError, "n_factors", "between 1 and 12", "0 was given"),
    "more factors than tickers": (
        lambda: PCAFactors(13).fit(PANEL), ValueError, "n_factors", "between 1 and 12", "13 was given",
    ),
    "more factors than dates": (
        lambda: PCAFactors(3).fit(PANEL[:2]), ValueError, "n_factors", "between 1 and 2", "dates",
    ),
    "a fraction of a factor": (lambda: PCAFactors(2.0).fit(PANEL), TypeError, "n_factors", "whole number", "2.0"),
    "a text for the number of factors": (
        lambda: PCAFactors("3").fit(PANEL), TypeError, "n_factors", "whole number", "'3'",
    ),
    "a truth value for the number of factors": (lambda: PCAFactors(True).fit(PANEL), TypeError, "n_factors", "True"),
    "a tolerance of zero": (lambda: PCAFactors(2, tolerance=0).fit(PANEL), ValueError, "tolerance", "above 0"),
    "a missing tolerance": (
        lambda: PCAFactors(2, tolerance=np.nan).fit(PANEL), ValueError, "tolerance", "finite", "nan",
    ),
    "a text for the tolerance": (
        lambda: PCAFactors(2, tolerance="a").fit(PANEL), TypeError, "tolerance", "number", "'a'",
    ),
    "no rounds": (
        lambda: PCAFactors(2, max_rounds=0).fit(PANEL), ValueError, "max_rounds", "at least 1", "0 was given",
    ),
    "half a round": (lambda: PCAFactors(2, max_rounds=1.5).fit(PANEL), TypeError, "max_rounds", "whole number"),
    "returns of zero": (lambda: PCAFactors(1).fit(Panel(returns=R * 0)), ValueError, "returns", "zero variance"),
    "a ticker without returns": (lambda: fit_with_gap((slice(None), 1)), ValueError, "ticker(s) T01", "Drop"),
    "a date without returns": (lambda: fit_with_gap(1), ValueError, "date(s) 1", "Drop"),
    "a ticker with fewer returns than factors": (
        lambda: fit_with_gap((slice(1, None), 4)), ValueError, "ticker(s) T04", "Drop",
    ),
    "a date with fewer returns than factors": (
        lambda: fit_with_gap((5, slice(1, None))), ValueError, "date(s) 5", "Drop",
    ),
    "a later date with fewer returns than factors": (
        lambda: PCAFactors(3).fit(PANEL).factors(
            Panel(returns=with_value(R, (0, slice(2, None)), np.nan), tickers=PANEL.tickers)
        ),
        ValueError, "fewer tickers", "(3)", "date(s) 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])


def test_with_gaps_no_share_is_claimed():
    whole, gappy = small_panel(), small_panel(missing=0.2)
    model = PCAFactors(2).fit(whole)
    assert model.shares_[:2].sum() == pytest.approx(total_r2(whole.returns, model.reconstruct(whole)))
    assert np.isnan(PCAFactors(2).fit(gappy).shares_).all()


def test_pca_that_runs_out_of_rounds_says_so():
    with pytest.warns(ConvergenceWarning, match="max_rounds = 2"):
        PCAFactors(2, max_rounds=2).fit(small_panel(missing=0.3))
