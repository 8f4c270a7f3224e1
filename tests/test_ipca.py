"""Instrumented principal components, against plain loops, the `ipca` package, and closed forms."""

import contextlib
import io
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.data.simulated import simulate_market
from helpers.equation import product
from helpers.evaluation.inspection import align_factors
from helpers.evaluation.metrics import total_r2
from helpers.models import gamma as search
from helpers.models.ipca import InstrumentedPCA
from helpers.models.least_squares import cross_sectional_factors
from helpers.models.managed import managed_portfolios
from helpers.models.pca import PCAFactors
from helpers.panel import Panel
from tests.common import assert_refused, small_panel, with_value

SOME = settings(deadline=None, derandomize=True, max_examples=15)
SEEDS = st.integers(0, 10_000)

PANEL = small_panel()
R, Z = PANEL.returns, PANEL.characteristics


def with_gaps(panel, missing=0.25, unknown=0.02, seed=0):
    """The panel with a share of its returns missing and a share of its characteristics unknown."""
    random = np.random.default_rng(seed)
    returns, z = panel.returns.copy(), panel.characteristics.copy()
    returns[random.random(returns.shape) < missing] = np.nan
    z[random.random(z.shape) < unknown] = np.nan
    return replace(panel, returns=returns, characteristics=z)


MARKET = simulate_market(n_dates=50, n_tickers=40, n_characteristics=8, seed=3)
PANELS = {"complete": MARKET.panel, "gaps": with_gaps(MARKET.panel)}
with_and_without_gaps = pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)


def explained(model, panel):
    """The total R² over the returns whose characteristics are all known."""
    betas = model.betas(panel)
    return total_r2(np.where(np.isnan(betas).any(axis=2), np.nan, panel.returns), model.reconstruct(panel))


def known_rows(panel, d):
    """Z and r of a date, over the tickers with a return and every characteristic."""
    known = ~np.isnan(panel.returns[d]) & ~np.isnan(panel.characteristics[d]).any(axis=1)
    return panel.characteristics[d, known], panel.returns[d, known]


def alternating_least_squares(panel, n_factors, rounds):
    """Γ, F and the sum of squared errors, each half solved in turn by plain loops over dates and tickers."""
    n_chars = panel.n_characteristics
    rows = [known_rows(panel, d) for d in range(panel.n_dates)]
    gamma = np.linalg.eigh(sum(np.outer(z.T @ r, z.T @ r) / len(r) for z, r in rows))[1][:, -n_factors:]
    for _ in range(rounds):
        factors = [np.linalg.lstsq(z @ gamma, r, rcond=None)[0] for z, r in rows]
        # z' Γ F is the sum over j and k of Γ_jk z_j F_k: one regressor z_j F_k for each entry of Γ
        pairs = [(z_s, f) for (z, _), f in zip(rows, factors, strict=True) for z_s in z]
        design = np.array([[z_j * f_k for z_j in z_s for f_k in f] for z_s, f in pairs])
        gamma = np.linalg.lstsq(design, np.concatenate([r for _, r in rows]), rcond=None)[0].reshape(n_chars, n_factors)
    factors = [np.linalg.lstsq(z @ gamma, r, rcond=None)[0] for z, r in rows]
    errors = sum(((r - z @ gamma @ f) ** 2).sum() for (z, r), f in zip(rows, factors, strict=True))
    return gamma, np.array(factors), 1 - errors / sum((r**2).sum() for _, r in rows)


@pytest.mark.parametrize("k", [1, 3])
@with_and_without_gaps
def test_the_fit_is_that_of_alternating_least_squares_by_plain_loops(panel, k):
    model = InstrumentedPCA(k).fit(panel)
    gamma, factors, fit = alternating_least_squares(panel, k, rounds=25)
    assert explained(model, panel) == pytest.approx(fit, abs=1e-7)
    assert np.allclose(model.gamma_ @ (model.gamma_.T @ gamma), gamma, atol=2e-3)  # the same span
    assert np.allclose(model.gamma_ @ model.factors(panel).T, gamma @ factors.T, atol=2e-3)


@pytest.fixture(scope="module")
def package():
    """The `ipca` package as a function from a panel and K to its Γ and F; it prints, and this does not."""
    import numba

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", True)  # compiling takes longer than these panels
        from ipca import InstrumentedPCA as Package

    def fit(panel, n_factors):
        known = ~np.isnan(panel.returns) & ~np.isnan(panel.characteristics).any(axis=2)
        dates, tickers = np.nonzero(known)
        model = Package(n_factors=n_factors, iter_tol=1e-6)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(panel.characteristics[known], panel.returns[known], np.column_stack([tickers, dates]))
        return model.get_factors()

    return fit


@pytest.mark.parametrize("k", range(1, 7))
@with_and_without_gaps
def test_from_one_start_the_fit_is_that_of_the_ipca_package_and_from_several_no_worse(panel, k, package):
    gamma, factors = package(panel, k)
    rows = [known_rows(panel, d) for d in range(50)]
    errors = np.concatenate([r - z @ gamma @ f for f, (z, r) in zip(factors.T, rows, strict=True)])
    theirs = 1 - errors @ errors / sum((r**2).sum() for _, r in rows)
    model = InstrumentedPCA(k, n_starts=1).fit(panel)
    ours = explained(model, panel)
    assert ours > theirs - 1e-9 and ours == pytest.approx(theirs, rel=1e-6)
    assert np.allclose(model.gamma_, gamma, atol=2e-3) and np.allclose(model.factors(panel), factors.T, atol=2e-3)
    assert explained(InstrumentedPCA(k).fit(panel), panel) > theirs - 1e-9


@with_and_without_gaps
@pytest.mark.parametrize("constant", [False, True])
def test_gamma_and_factors_are_identified_as_in_kelly_pruitt_su(panel, constant):
    model = InstrumentedPCA(4, constant=constant).fit(panel)
    factors = model.factors(panel)
    squares = factors.T @ factors
    assert np.allclose(model.gamma_.T @ model.gamma_, np.eye(4))
    assert np.allclose(squares, np.diag(np.diag(squares)), atol=1e-7 * squares.max())
    assert (np.diff(np.diag(squares)) < 0).all() and (factors.mean(axis=0) > 0).all()


@pytest.mark.parametrize("k", [1, 2, 3])
def test_if_every_date_has_the_same_characteristics_the_closed_form_is_pca_of_the_managed_portfolios(k):
    z, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(12, 5)))
    z = z @ np.random.default_rng(2).normal(size=(5, 5))
    panel = Panel(returns=R, characteristics=np.broadcast_to(z, (40, 12, 5)))
    values, vectors = np.linalg.eigh(z.T @ z)
    root, inverse = vectors * np.sqrt(values) @ vectors.T, vectors / np.sqrt(values) @ vectors.T
    components = PCAFactors(k).fit(Panel(returns=managed_portfolios(panel) @ root))
    model = InstrumentedPCA(k).fit(panel)
    assert np.allclose(
        model.betas(panel)[0] @ model.factors(panel).T,
        z @ inverse @ components.betas_ @ components.factors(Panel(returns=managed_portfolios(panel) @ root)).T,
    )
    assert np.allclose(
        model.betas(panel)[0] @ np.linalg.pinv(model.betas(panel)[0]) @ z @ inverse @ components.betas_,
        z @ inverse @ components.betas_,
    )


def test_the_closed_form_holds_too_if_only_the_number_of_tickers_changes():
    """Some dates hold every ticker once, some twice: Z'Z doubles, and so does Z'r."""
    z, once = Z[0], R[:, :12]
    returns = np.concatenate([once, np.where(np.arange(40)[:, None] % 2, once, np.nan)], axis=1)
    panel = Panel(returns=returns, characteristics=np.broadcast_to(np.concatenate([z, z]), (40, 24, 3)))
    weights = np.where(np.arange(40) % 2, 2.0, 1.0)
    sizes = np.linalg.svd(np.sqrt(weights)[:, None] * (once @ z @ np.linalg.pinv(z)), compute_uv=False)
    share = sizes[0] ** 2 / (weights @ (once**2).sum(axis=1))
    assert explained(InstrumentedPCA(1).fit(panel), panel) == pytest.approx(share)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_as_many_factors_as_characteristics_is_one_regression_per_date_on_all_of_them(k):
    panel = replace(PANEL, characteristics=Z[:, :, :k], characteristic_names=None)
    model = InstrumentedPCA(k).fit(panel)
    assert np.allclose(model.factors(panel) @ model.gamma_.T, managed_portfolios(panel))


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_a_market_without_noise_is_recovered_up_to_a_rotation(missing):
    market = simulate_market(n_dates=40, n_tickers=30, n_characteristics=6, seed=1)
    panel = with_gaps(replace(market.panel, returns=market.reconstruction), missing, unknown=0)
    model = InstrumentedPCA(3).fit(panel)
    expected = np.zeros((6, 3))
    expected[[0, 1, 2], [0, 1, 2]] = 1.2, 1.0, 0.8
    betas, factors = align_factors(model.betas(panel), model.factors(panel), market.factors)
    assert np.allclose(model.reconstruct(panel), market.reconstruction)
    assert np.allclose(betas, market.betas) and np.allclose(factors, market.factors)
    assert np.allclose(model.gamma_ @ (model.gamma_.T @ expected), expected, atol=1e-6)


def test_in_the_linear_market_of_the_paper_the_truth_is_recovered_to_within_the_noise():
    market = simulate_market(n_dates=180, n_tickers=200, n_characteristics=20, seed=0)
    train, test = market[:120], market[120:]
    model = InstrumentedPCA(3).fit(train.panel)
    betas, factors = align_factors(model.betas(test.panel), model.factors(test.panel), test.factors)
    assert total_r2(test.betas.reshape(60, -1), betas.reshape(60, -1)) > 0.99
    assert total_r2(test.factors, factors) > 0.95
    truth = total_r2(test.panel.returns, test.reconstruction)
    assert truth - 0.01 < total_r2(test.panel.returns, model.reconstruct(test.panel)) < truth + 0.02


def entries_of_curvature(gamma, squares, moments, epsilon=1e-4):
    """The second derivatives of Σ r² explained, over two, by differences: entry (k, j) of Γ' after entry (k', j')."""
    k = gamma.shape[1]

    def explained_at(*moves):
        moved = gamma.copy()
        for (factor, j), sign in moves:
            moved[j, factor] += sign * epsilon
        total = 0.0
        for a, b in zip(squares, moments, strict=True):
            total += moved.T @ b @ np.linalg.solve(moved.T @ a @ moved, moved.T @ b)
        return total

    places = [(factor, j) for factor in range(k) for j in range(len(gamma))]
    signs = [(p, q) for p in (1, -1) for q in (1, -1)]
    return np.array(
        [
            [sum(-p * q * explained_at((a, p), (b, q)) for p, q in signs) / (8 * epsilon**2) for b in places]
            for a in places
        ]
    )


def test_the_curvature_that_newton_uses_is_the_second_derivative_of_the_fit_in_this_order():
    random = np.random.default_rng(5)
    z, moments = random.normal(size=(7, 9, 4)), random.normal(size=(7, 4))
    squares, gamma = z.transpose(0, 2, 1) @ z, random.normal(size=(4, 3))
    _, factors, exposures, roots = search._given_gamma(gamma, squares, moments)
    slope, fixed = search._given_factors(factors, exposures, squares, moments)
    curvature = fixed - search._as_factors_follow(factors, exposures, roots, moments)
    assert np.allclose(curvature, entries_of_curvature(gamma, squares, moments), atol=1e-5)
    by_loops = sum(np.kron(np.outer(f, f), a) for f, a in zip(factors, squares, strict=True))
    assert np.allclose(fixed, by_loops)
    errors = sum(np.outer(b - a @ gamma @ f, f) for f, a, b in zip(factors, squares, moments, strict=True))
    assert np.allclose(slope, errors.T.ravel())
    one_turn = gamma + np.linalg.solve(fixed, slope).reshape(3, 4).T
    assert np.allclose(
        one_turn,
        np.linalg.solve(by_loops, sum(np.kron(f, b) for f, b in zip(factors, moments, strict=True))).reshape(3, 4).T,
    )


@pytest.mark.parametrize("k", [1, 3, 5])
@with_and_without_gaps
def test_at_the_solution_no_small_change_of_gamma_or_the_factors_improves_the_fit(panel, k):
    model = InstrumentedPCA(k).fit(panel)
    factors = model.factors(panel)
    slope, scale = np.zeros((8, k)), 0.0
    for d in range(50):
        z, r = known_rows(panel, d)
        errors = r - z @ model.gamma_ @ factors[d]
        assert np.allclose((z @ model.gamma_).T @ errors, 0, atol=1e-9)
        slope += np.outer(z.T @ errors, factors[d])
        scale += np.abs(np.outer(z.T @ r, factors[d])).max()
    assert np.abs(slope).max() < 1e-6 * scale


@SOME
@given(seed=SEEDS)
def test_no_other_gamma_explains_more(seed):
    panel = PANELS["complete"]
    model = InstrumentedPCA(2).fit(panel)
    for size in (1e-3, 0.1, 10):
        other = model.gamma_ + size * np.random.default_rng(seed).normal(size=(8, 2))
        betas = panel.characteristics @ other
        fit = total_r2(panel.returns, product(betas, cross_sectional_factors(panel.returns, betas)))
        assert fit < explained(model, panel)


@with_and_without_gaps
def test_more_factors_never_explain_less(panel):
    fits = [explained(InstrumentedPCA(k).fit(panel), panel) for k in range(1, 9)]
    assert fits == sorted(fits)


@SOME
@given(seed=SEEDS)
def test_permuting_the_tickers_permutes_the_betas_and_leaves_the_factors(seed):
    panel = PANELS["gaps"]
    order = np.random.default_rng(seed).permutation(40)
    other = panel.select_tickers(panel.tickers[order])
    a, b = InstrumentedPCA(3).fit(panel), InstrumentedPCA(3).fit(other)
    assert np.allclose(a.betas(panel)[:, order], b.betas(other), atol=1e-7, equal_nan=True)
    assert np.allclose(a.factors(panel), b.factors(other), atol=1e-7)


@SOME
@given(seed=SEEDS)
def test_the_order_of_the_dates_does_not_matter_to_gamma(seed):
    order = np.random.default_rng(seed).permutation(50)
    other = Panel(returns=MARKET.panel.returns[order], characteristics=MARKET.panel.characteristics[order])
    assert np.allclose(InstrumentedPCA(3).fit(other).gamma_, InstrumentedPCA(3).fit(MARKET.panel).gamma_, atol=1e-7)


@SOME
@given(seed=SEEDS)
def test_mixing_the_characteristics_leaves_the_reconstruction_alone(seed):
    panel = MARKET.panel
    other = replace(panel, characteristics=panel.characteristics @ np.random.default_rng(seed).normal(size=(8, 8)))
    assert np.allclose(
        InstrumentedPCA(3).fit(other).reconstruct(other), InstrumentedPCA(3).fit(panel).reconstruct(panel), atol=1e-6
    )


@pytest.mark.parametrize("factor", [1e-6, 100.0, 1e9])
def test_the_unit_of_a_characteristic_leaves_the_reconstruction_alone(factor):
    panel = PANELS["gaps"]
    other = replace(panel, characteristics=panel.characteristics * np.r_[factor, np.ones(7)])
    a, b = InstrumentedPCA(3).fit(panel).reconstruct(panel), InstrumentedPCA(3).fit(other).reconstruct(other)
    assert np.allclose(a, b, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("factor", [1e-6, 100.0])
def test_scaling_the_returns_scales_the_factors_and_leaves_gamma(factor):
    panel = PANELS["gaps"]
    other = replace(panel, returns=factor * panel.returns)
    a, b = InstrumentedPCA(3).fit(panel), InstrumentedPCA(3).fit(other)
    assert np.allclose(a.gamma_, b.gamma_, atol=1e-7) and np.allclose(
        factor * a.factors(panel), b.factors(other), atol=1e-7 * factor
    )


def test_missing_returns_and_unknown_characteristics_are_left_out_as_if_the_ticker_were_not_there():
    panel = PANELS["gaps"]
    known = ~np.isnan(panel.returns) & ~np.isnan(panel.characteristics).any(axis=2)
    other = replace(
        panel,
        returns=np.where(known, panel.returns, np.nan),
        characteristics=np.where(known[:, :, None], panel.characteristics, 7.0),
    )
    a, b = InstrumentedPCA(3).fit(panel), InstrumentedPCA(3).fit(other)
    assert np.allclose(a.gamma_, b.gamma_, atol=1e-12) and np.allclose(a.factors(panel), b.factors(other), atol=1e-12)


def test_betas_are_the_characteristics_times_gamma_and_unknown_where_one_of_them_is():
    panel = PANELS["gaps"]
    model = InstrumentedPCA(3).fit(panel)
    betas = model.betas(panel)
    for d, s in [(0, 0), (7, 31), (49, 39)]:
        assert np.allclose(betas[d, s], panel.characteristics[d, s] @ model.gamma_, equal_nan=True)
    unknown = np.isnan(panel.characteristics).any(axis=2)
    assert unknown.any() and np.array_equal(np.isnan(betas), np.repeat(unknown[:, :, None], 3, axis=2))


def test_at_later_dates_gamma_is_as_learned_and_factors_are_cross_sectional_regressions():
    panel = PANELS["gaps"]
    model, later = InstrumentedPCA(2).fit(panel[:30]), panel[30:]
    factors = model.factors(later)
    for d in range(20):
        z, r = known_rows(later, d)
        assert np.allclose(factors[d], np.linalg.lstsq(z @ model.gamma_, r, rcond=None)[0])


def test_tickers_never_seen_before_have_betas():
    panel = MARKET.panel
    model = InstrumentedPCA(3).fit(panel.select_tickers(panel.tickers[:25]))
    assert np.allclose(model.betas(panel), panel.characteristics @ model.gamma_)


def test_a_date_may_hold_fewer_tickers_than_characteristics():
    panel = MARKET.panel.select_tickers(MARKET.panel.tickers[:7])
    fit = alternating_least_squares(panel, 2, rounds=300)[2]
    assert panel.n_characteristics == 8 and explained(InstrumentedPCA(2).fit(panel), panel) >= fit - 1e-5


def test_the_constant_is_a_characteristic_of_one_and_comes_last():
    z = np.concatenate([MARKET.panel.characteristics, np.ones((50, 40, 1))], axis=2)
    by_hand = Panel(returns=MARKET.panel.returns, characteristics=z)
    a, b = InstrumentedPCA(4, constant=True).fit(MARKET.panel), InstrumentedPCA(4).fit(by_hand)
    assert np.array_equal(a.gamma_, b.gamma_) and np.array_equal(a.betas(MARKET.panel), b.betas(by_hand))
    assert a.characteristic_names_.tolist() == [*MARKET.panel.characteristic_names, "constant"]
    assert a.gamma_.shape == (9, 4)


@pytest.mark.parametrize("d", [20, 35])
def test_what_comes_later_moves_no_beta(d):
    panel, random = PANELS["gaps"], np.random.default_rng(1)
    later = np.arange(50)[:, None] >= d
    future = replace(panel, returns=np.where(later, random.normal(size=(50, 40)), panel.returns))
    a, b = InstrumentedPCA(2).fit(panel[:d]), InstrumentedPCA(2).fit(future[:d])
    assert np.array_equal(a.betas(panel), b.betas(future), equal_nan=True)
    assert np.array_equal(a.factors(panel)[:d], b.factors(future)[:d])
    assert not np.allclose(a.factors(panel)[d:], b.factors(future)[d:])
    whole = [InstrumentedPCA(2).fit(p).betas(panel)[:d] for p in (panel, future)]
    assert not np.allclose(*whole, equal_nan=True)  # a model fitted to all dates does move


def test_the_returns_of_a_date_move_its_factors_and_no_beta():
    panel = MARKET.panel
    model, other = InstrumentedPCA(2).fit(panel), replace(panel, returns=with_value(panel.returns, 30, 0.5))
    moved = (model.factors(panel) != model.factors(other)).any(axis=1)
    assert np.array_equal(model.betas(panel), model.betas(other)) and np.flatnonzero(moved).tolist() == [30]


@with_and_without_gaps
@pytest.mark.parametrize("constant", [False, True])
def test_of_single_precision_the_fit_is_that_of_the_same_numbers_in_double_precision(panel, constant):
    returns, z = panel.returns.astype("float32"), panel.characteristics.astype("float32")
    single = Panel(returns=returns, characteristics=z)
    double = Panel(returns=returns.astype(float), characteristics=z.astype(float))
    a, b = (InstrumentedPCA(4, constant).fit(p) for p in (single, double))
    assert single.characteristics.dtype == np.float32 and a.gamma_.dtype == float
    assert np.array_equal(a.gamma_, b.gamma_)
    assert np.array_equal(a.factors(single), b.factors(double))
    assert np.array_equal(a.betas(single), b.betas(double), equal_nan=True)
    assert np.array_equal(a.reconstruct(single), b.reconstruct(double), equal_nan=True)


# The ridge


def with_zeros(panel, ridge):
    """The panel and one more ticker for each characteristic, which has that one alone, and earns nothing."""
    n_dates, _, n_chars = panel.characteristics.shape
    counts = (~np.isnan(panel.returns)).sum(axis=1)
    more = np.sqrt(ridge * counts)[:, None, None] * np.eye(n_chars)
    return Panel(
        np.hstack([panel.returns, np.zeros((n_dates, n_chars))]),
        np.concatenate([panel.characteristics, more], axis=1),
        dates=panel.dates,
    )


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_a_ridge_is_as_if_some_tickers_with_one_characteristic_each_earned_nothing(missing):
    panel = small_panel(missing=missing)
    more = with_zeros(panel, 0.3)
    ridged, plain = InstrumentedPCA(2, ridge=0.3).fit(panel[:25]), InstrumentedPCA(2).fit(more[:25])
    assert np.allclose(ridged.gamma_, plain.gamma_, atol=1e-5)
    assert np.allclose(ridged.factors(panel), plain.factors(more), atol=1e-5)
    assert not np.allclose(ridged.gamma_, InstrumentedPCA(2).fit(panel[:25]).gamma_, atol=0.02)


def test_a_ridge_that_is_none_is_refused():
    for ridge, error in ((-0.1, ValueError), (np.nan, ValueError), ("much", TypeError)):
        assert_refused(lambda ridge=ridge: InstrumentedPCA(2, ridge=ridge).fit(small_panel()), error, "ridge")


# More characteristics than tickers: the way to the same Γ is shorter


@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("constant", [False, True])
def test_the_short_way_for_few_tickers_leads_to_the_gamma_of_the_long_way(constant, ridge):
    few = with_gaps(simulate_market(n_dates=120, n_tickers=12, n_characteristics=16, seed=2).panel, 0.1, 0.001)
    none = np.full((120, 10), np.nan)  # tickers that never have a return: more of them than characteristics, in all
    more = Panel(
        returns=np.concatenate([few.returns, none], axis=1),
        characteristics=np.concatenate([few.characteristics, few.characteristics[:, :10]], axis=1),
    )
    gammas = [InstrumentedPCA(3, constant=constant, ridge=ridge).fit(panel).gamma_ for panel in (few, more)]
    assert np.allclose(*gammas, atol=1e-8)
