"""The anomaly term of instrumented PCA and its bootstrap, against plain loops, the `ipca` package, and its own size."""

import contextlib
import io
import warnings
from dataclasses import replace

import numpy as np
import pytest

from helpers.evaluation import anomaly
from helpers.evaluation.anomaly import anomaly_test
from helpers.models.ipca import InstrumentedPCA
from helpers.panel import Panel
from tests.common import assert_refused


def market(paid=0.0, n_dates=60, n_tickers=25, n_chars=4, seed=0):
    """The first characteristic is the β of a factor, the second is paid for without risk."""
    random = np.random.default_rng(seed)
    z = random.uniform(-1, 1, (n_dates, n_tickers, n_chars))
    returns = z[:, :, 0] * random.normal(0.03, 0.1, (n_dates, 1)) + paid * z[:, :, 1]
    return Panel(returns=returns + 0.1 * random.standard_t(5, (n_dates, n_tickers)), characteristics=z)


def by_loops(squares, moments, beta, rounds=300):
    """Γ_α and Γ_β by turns: F of each date given both, then both by one regression on F and a factor of ones."""
    alpha, (n_chars, n_factors) = np.zeros(len(beta)), beta.shape
    for _ in range(rounds):
        left, right = np.zeros((n_chars * (n_factors + 1),) * 2), np.zeros(n_chars * (n_factors + 1))
        for a, b in zip(squares, moments, strict=True):
            f = np.append(np.linalg.solve(beta.T @ a @ beta, beta.T @ (b - a @ alpha)), 1.0)
            left += np.kron(np.outer(f, f), a)
            right += np.kron(f, b)
        both = np.linalg.solve(left, right).reshape(n_factors + 1, n_chars).T
        beta, alpha = np.linalg.qr(both[:, :n_factors])[0], both[:, n_factors]
        alpha = alpha - beta @ (beta.T @ alpha)
    return alpha, beta


def sums(panel):
    z, r = panel.characteristics, panel.returns
    return z.transpose(0, 2, 1) @ z, np.einsum("dsj,ds->dj", z, r)


PANEL = market(paid=0.03)


@pytest.mark.parametrize("k", [1, 2])
def test_the_term_is_that_of_plain_loops_and_at_a_right_angle_to_beta(k):
    found = anomaly_test(PANEL, k, n_draws=1)
    alpha, beta = by_loops(*sums(PANEL), InstrumentedPCA(k).fit(PANEL).gamma_)
    assert np.allclose(found.gamma_alpha, alpha, atol=2e-4 if k == 1 else 2e-3)
    assert np.allclose(found.gamma_beta.T @ found.gamma_alpha, 0, atol=1e-12)
    assert np.allclose(found.gamma_beta.T @ found.gamma_beta, np.eye(k))
    assert found.statistic == pytest.approx((found.gamma_alpha**2).sum())
    assert k > 1 or np.allclose(abs(found.gamma_beta), abs(beta), atol=2e-3)


def test_no_other_term_fits_better():
    found, random = anomaly_test(PANEL, 1, n_draws=1), np.random.default_rng(0)
    squares, moments = sums(PANEL)

    def error(alpha, beta, factors):
        said = PANEL.characteristics @ alpha + (PANEL.characteristics @ beta @ factors[:, :, None])[:, :, 0]
        return ((PANEL.returns - said) ** 2).sum()

    best = error(found.gamma_alpha.to_numpy(), found.gamma_beta, found.factors)
    for size in (0.01, 0.1):
        alpha = found.gamma_alpha.to_numpy() + size * random.standard_normal(4)
        factors = np.stack([
            np.linalg.solve(found.gamma_beta.T @ a @ found.gamma_beta, found.gamma_beta.T @ (b - a @ alpha))
            for a, b in zip(squares, moments, strict=True)
        ])  # fmt: skip
        assert error(alpha, found.gamma_beta, factors) > best


def test_the_term_is_that_of_the_ipca_package():
    import numba

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", True)  # compiling takes longer than this panel
        from ipca import InstrumentedPCA as Package
    dates, tickers = np.indices(PANEL.returns.shape)
    theirs = Package(n_factors=1, intercept=True, iter_tol=1e-8)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        index = np.column_stack([tickers.ravel(), dates.ravel()])
        theirs.fit(PANEL.characteristics.reshape(-1, 4), PANEL.returns.ravel(), index)
    gamma = theirs.get_factors()[0]
    assert np.allclose(anomaly_test(PANEL, 1, n_draws=1).gamma_alpha, gamma[:, -1], atol=2e-4)


def test_a_draw_is_the_market_without_the_term_and_what_was_left_of_random_dates():
    found = anomaly_test(PANEL, 1, n_draws=5, seed=3)
    squares, moments = sums(PANEL)
    explained = (squares @ (found.gamma_beta @ found.factors[:, :, None]))[:, :, 0]
    left = moments - explained - squares @ found.gamma_alpha.to_numpy()
    random = np.random.default_rng(3)
    q, drawn = random.standard_t(5, (5, 60)) * np.sqrt(0.6), random.integers(60, size=(5, 60))
    for i in range(5):
        alpha, _ = by_loops(squares, explained + q[i][:, None] * left[drawn[i]], found.gamma_beta, rounds=80)
        assert found.draws[i] == pytest.approx(alpha @ alpha, rel=0.05)


def test_without_a_payment_the_test_rejects_as_often_as_it_says_and_with_one_more_often():
    def share(paid):
        p = [anomaly_test(market(paid, seed=seed), 1, n_draws=39, seed=seed).p_value for seed in range(80)]
        return np.mean(np.array(p) <= 0.05)

    assert share(0.0) <= 0.11 and 0.45 < share(0.02) < share(0.04) and share(0.04) > 0.95


def test_what_is_paid_along_beta_goes_to_the_mean_of_the_factor_alone():
    none = market()
    direction = InstrumentedPCA(1).fit(none).gamma_[:, 0]
    along = replace(none, returns=none.returns + 0.02 * none.characteristics @ direction)
    a, b = (anomaly_test(panel, 1, n_draws=1) for panel in (none, along))
    assert np.allclose(a.gamma_alpha, b.gamma_alpha, atol=1e-3)
    means = [float((found.factors @ found.gamma_beta.T).mean(axis=0)[0]) for found in (a, b)]
    assert means[1] - means[0] == pytest.approx(0.02, abs=2e-3)


def test_units_and_the_order_of_tickers_change_nothing_and_missing_returns_are_left_out():
    found = anomaly_test(PANEL, 1, n_draws=19)
    percent = anomaly_test(replace(PANEL, returns=100 * PANEL.returns), 1, n_draws=19)
    assert np.allclose(percent.gamma_alpha, 100 * found.gamma_alpha) and percent.p_value == found.p_value
    turned = anomaly_test(PANEL.select_tickers(PANEL.tickers[::-1]), 1, n_draws=19)
    assert np.allclose(turned.gamma_alpha, found.gamma_alpha) and turned.p_value == found.p_value
    assert found.gamma_alpha.index.equals(PANEL.characteristic_names)
    more = Panel(
        returns=np.hstack([PANEL.returns, np.full((60, 3), np.nan)]),
        characteristics=np.concatenate([PANEL.characteristics, np.ones((60, 3, 4))], axis=1),
    )
    assert np.allclose(anomaly_test(more, 1, n_draws=1).gamma_alpha, found.gamma_alpha)


def test_the_constant_is_one_more_characteristic():
    ones = np.concatenate([PANEL.characteristics, np.ones((60, 25, 1))], axis=2)
    paid = replace(PANEL, returns=PANEL.returns + 0.01)
    by_hand = anomaly_test(replace(paid, characteristics=ones, characteristic_names=None), 1, n_draws=9)
    found = anomaly_test(paid, 1, constant=True, n_draws=9)
    assert np.allclose(found.gamma_alpha, by_hand.gamma_alpha) and np.array_equal(found.draws, by_hand.draws)
    assert found.gamma_alpha.index[-1] == "constant" and found.gamma_alpha["constant"] == pytest.approx(0.01, abs=5e-3)


def test_the_draws_hang_on_the_seed_and_not_on_how_many_are_fitted_at_once(monkeypatch):
    found = anomaly_test(PANEL, 1, n_draws=9, seed=1)
    assert np.array_equal(found.draws, anomaly_test(PANEL, 1, n_draws=9, seed=1).draws)
    assert not np.array_equal(found.draws, anomaly_test(PANEL, 1, n_draws=9, seed=2).draws)
    monkeypatch.setattr(anomaly, "NUMBERS_AT_ONCE", 4 * PANEL.returns.shape[0] * 4)  # four draws
    assert np.allclose(found.draws, anomaly_test(PANEL, 1, n_draws=9, seed=1).draws, rtol=1e-6)
    assert 0.1 == found.p_value == (1 + (found.draws >= found.statistic).sum()) / 10


def test_what_cannot_be_tested_is_refused():
    assert_refused(lambda: anomaly_test(PANEL, 4), ValueError, "n_factors = 4", "fewer than the 4 characteristics")
    assert_refused(lambda: anomaly_test(PANEL, 1, n_draws=0), ValueError, "n_draws")
    assert_refused(lambda: anomaly_test(PANEL, 1, seed=-1), ValueError, "seed")
    assert_refused(lambda: anomaly_test(PANEL.returns, 1), TypeError, "Panel")
