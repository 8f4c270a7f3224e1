"""The simulated markets: the paper's design to the letter, and the market of constant betas."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, spearmanr, t

from helpers.data.simulated import FAMILIAR_TICKERS, SimulatedMarket, simulate_constant_betas, simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.models.least_squares import time_series_betas
from tests.common import assert_refused

both_cases = pytest.mark.parametrize("case", ["linear", "nonlinear"])
MARKETS = {case: simulate_market(case, n_dates=1500, n_characteristics=6, seed=11) for case in ("linear", "nonlinear")}
SMALL = simulate_market(n_dates=5, n_tickers=4, n_characteristics=3)


def g(case, c):
    if case == "linear":
        return np.stack([1.2 * c[..., 0], c[..., 1], 0.8 * c[..., 2]], axis=-1)
    return np.stack([c[..., 0] ** 2, 2 * c[..., 0] * c[..., 1], 0.6 * np.sign(c[..., 2])], axis=-1)


def test_the_default_is_the_size_of_the_paper():
    panel = simulate_market().panel
    assert (panel.n_dates, panel.n_tickers, panel.n_characteristics, panel.n_portfolios) == (180, 200, 50, 50)
    assert list(panel.characteristic_names[:2]) == ["c1", "c2"] and list(panel.portfolio_names[48:]) == ["x49", "x50"]


@both_cases
def test_row_d_of_the_characteristics_makes_row_d_of_the_betas(case):
    market = MARKETS[case]
    assert np.array_equal(market.betas, g(case, market.panel.characteristics))


@both_cases
def test_each_dates_ranks_are_exactly_the_even_grid(case):
    n = 200
    grid = 2 * np.arange(1, n + 1) / (n + 1) - 1
    assert np.allclose(np.sort(MARKETS[case].panel.characteristics, axis=1), grid[:, None])


@both_cases
def test_returns_are_betas_times_factors_plus_a_tenth_of_students_t_with_five_degrees(case):
    market = MARKETS[case]
    product = np.array([beta @ f for beta, f in zip(market.betas, market.factors, strict=True)])
    assert np.allclose(market.reconstruction, product)
    noise = market.panel.returns - product
    assert kstest(noise[::15].ravel() / 0.1, t(5).cdf).pvalue > 0.001
    assert noise.var() == pytest.approx(0.01 * 5 / 3, rel=0.03)


@both_cases
def test_factors_are_the_first_three_portfolios_plus_small_noise(case):
    market = MARKETS[case]
    eta = market.factors - market.panel.portfolios[:, :3]
    assert np.allclose(eta.std(axis=0), 0.01, rtol=0.1) and np.allclose(eta.mean(axis=0), 0, atol=0.001)


def test_portfolios_have_mean_three_percent_and_standard_deviation_ten_and_are_unrelated():
    portfolios = MARKETS["linear"].panel.portfolios
    assert np.allclose(portfolios.mean(axis=0), 0.03, atol=4 * 0.1 / np.sqrt(1500))
    assert np.allclose(portfolios.std(axis=0), 0.1, rtol=4 / np.sqrt(2 * 1500))
    assert np.abs(np.corrcoef(portfolios.T) - np.eye(6)).max() < 4.5 / np.sqrt(1500)


@both_cases
def test_the_truth_explains_the_share_of_variance_that_the_design_implies(case):
    """Σ E[β²] E[f²] against 0.1² var(t_5): 40.1 % and 39.6 % with 200 tickers (40.4 and 39.9 with many).

    With 1,500 dates the mean of f² moves the share by about 0.6 points between markets: four times that is allowed.
    """
    c = 2 * np.arange(1, 201) / 201 - 1
    squares = {"linear": (1.44 + 1 + 0.64) * np.mean(c**2), "nonlinear": np.mean(c**4) + 4 * np.mean(c**2) ** 2 + 0.36}
    signal, noise = squares[case] * (0.1**2 + 0.03**2 + 0.01**2), 0.1**2 * 5 / 3
    share, market = signal / (signal + noise), MARKETS[case]
    assert share == pytest.approx({"linear": 0.404, "nonlinear": 0.399}[case], abs=0.004)
    assert total_r2(market.panel.returns, market.reconstruction) == pytest.approx(share, abs=0.024)


@both_cases
def test_characteristics_precede_returns_and_do_not_follow_them(case):
    """Regressing r_d on g(c_d) gives f_d with the least error; a date later or earlier, with more."""
    market = MARKETS[case]

    def error(shift):
        rows = range(500, 1000)
        estimates = [np.linalg.lstsq(market.betas[d + shift], market.panel.returns[d], rcond=None)[0] for d in rows]
        return np.mean((np.array(estimates) - market.factors[500:1000]) ** 2)

    assert error(0) < 0.9 * min(error(1), error(-1))
    gram = np.einsum("dsk,dsl->dkl", market.betas[500:1000], market.betas[500:1000])
    variance = 0.01 * 5 / 3 * np.diagonal(np.linalg.inv(gram), axis1=1, axis2=2)
    assert error(0) == pytest.approx(variance.mean(), rel=0.15)


def test_characteristics_persist_with_coefficients_between_nine_tenths_and_one():
    """Late enough for the start to be forgotten, a rank's correlation from date to date is ρ_j, or a little less."""
    c = simulate_market(n_dates=200, n_tickers=400, n_characteristics=50, seed=2).panel.characteristics[150:]
    persistence = np.array(
        [np.mean([spearmanr(c[d, :, j], c[d + 1, :, j]).statistic for d in range(0, 49, 4)]) for j in range(50)]
    )
    assert 0.88 < persistence.min() < 0.92 and 0.98 < persistence.max() < 1
    assert np.mean(persistence) == pytest.approx(0.95, abs=0.015)


def test_further_characteristics_are_unrelated_to_the_returns():
    market = MARKETS["linear"]
    noise = market.panel.returns - market.reconstruction
    products = np.einsum("dsj,ds->j", market.panel.characteristics, noise) / noise.size
    assert np.abs(products).max() < 4.5 * np.sqrt(0.01 * 5 / 3 / 3 / noise.size)


@pytest.mark.parametrize(
    "simulate",
    [
        lambda seed: simulate_market("linear", 20, 10, 4, seed),
        lambda seed: simulate_market("nonlinear", 20, 10, 4, seed),
        lambda seed: simulate_constant_betas(20, 10, seed=seed),
    ],
    ids=["linear", "nonlinear", "constant betas"],
)
def test_the_same_seed_makes_the_same_market_and_another_seed_another(simulate):
    first, again, other = simulate(3), simulate(3), simulate(4)
    for values in (
        lambda m: m.panel.returns, lambda m: m.panel.characteristics, lambda m: m.panel.portfolios, lambda m: m.factors,
        lambda m: m.betas,
    ):  # fmt: skip
        assert np.array_equal(values(first), values(again)) and not np.allclose(values(first), values(other))


def test_simulating_leaves_the_global_random_numbers_alone():
    np.random.seed(0)
    expected = np.random.random()
    np.random.seed(0)
    simulate_market(n_dates=3, n_tickers=3, n_characteristics=3, seed=9)
    assert np.random.random() == expected


def test_both_cases_of_one_seed_share_characteristics_and_portfolios():
    linear, nonlinear = MARKETS.values()
    assert np.array_equal(linear.panel.characteristics, nonlinear.panel.characteristics)
    assert np.array_equal(linear.panel.portfolios, nonlinear.panel.portfolios)


def test_a_slice_of_a_market_is_the_slice_of_its_panel_and_its_truth():
    part, mask = SMALL[1:3], SMALL[np.array([True, False, False, True, False])]
    assert np.array_equal(part.panel.returns, SMALL.panel.returns[1:3])
    assert np.array_equal(part.betas, SMALL.betas[1:3]) and np.array_equal(part.factors, SMALL.factors[1:3])
    assert np.array_equal(mask.betas, SMALL.betas[[0, 3]]) and np.array_equal(
        mask.panel.returns, SMALL.panel.returns[[0, 3]]
    )


def test_constant_betas_are_the_characteristics_and_the_true_factors_the_portfolios():
    market = simulate_constant_betas(seed=1)
    assert np.array_equal(market.panel.characteristics, market.betas) and np.array_equal(
        market.panel.portfolios, market.factors
    )
    assert (market.betas == market.betas[0]).all()
    assert list(market.panel.portfolio_names) == ["market", "size", "value"]


def test_tickers_are_familiar_and_dates_are_month_ends():
    panel = simulate_constant_betas(n_dates=14, n_tickers=33).panel
    assert list(panel.tickers) == [*FAMILIAR_TICKERS, "S031", "S032", "S033"] and "AAPL" in FAMILIAR_TICKERS
    assert panel.tickers.is_unique and panel.dates[0] == pd.Timestamp("2000-01-31") and panel.dates.is_month_end.all()


def test_constant_betas_and_their_factors_have_the_moments_that_are_promised():
    market = simulate_constant_betas(n_dates=5000, n_tickers=2000, seed=2)
    assert np.allclose(market.factors.mean(axis=0), (0.006, 0.002, 0.002), atol=4 * 0.045 / np.sqrt(5000))
    assert np.allclose(market.factors.std(axis=0), (0.045, 0.03, 0.03), rtol=0.05)
    assert np.allclose(market.betas[0].mean(axis=0), (1, 0, 0), atol=4 * 0.5 / np.sqrt(2000))
    assert np.allclose(market.betas[0].std(axis=0), (0.3, 0.5, 0.5), rtol=0.07)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
def test_the_noise_has_the_size_asked_for(noise):
    market = simulate_constant_betas(n_dates=1000, noise=noise, seed=3)
    assert (market.panel.returns - market.reconstruction).std() == pytest.approx(noise, rel=0.02, abs=1e-15)


def test_a_market_without_noise_is_explained_exactly():
    market = simulate_constant_betas(noise=0, seed=4)
    alphas, betas = time_series_betas(market.panel.returns, market.factors)
    assert np.allclose(betas, market.betas[0]) and np.allclose(alphas, 0)


BAD_INPUT = {
    "an unknown case": (lambda: simulate_market("cubic"), ValueError, "case", "'linear'", "'nonlinear'", "'cubic'"),
    "no dates": (lambda: simulate_market(n_dates=0), ValueError, "n_dates", "at least 1", "0 was given"),
    "half a date": (lambda: simulate_market(n_dates=1.5), TypeError, "n_dates", "whole number", "1.5"),
    "a single ticker": (lambda: simulate_market(n_tickers=1), ValueError, "n_tickers", "at least 2", "1 was given"),
    "text for the tickers": (lambda: simulate_market(n_tickers="5"), TypeError, "n_tickers", "whole number", "'5'"),
    "too few characteristics": (
        lambda: simulate_market(n_characteristics=2),
        ValueError, "n_characteristics", "at least 3", "2 was given", "betas",
    ),
    "persistence above one": (
        lambda: simulate_market(n_characteristics=3, persistence=[0.9, 1.2, 1]),
        ValueError, "persistence must lie between 0 and 1", "1.2 was given",
    ),
    "persistence below zero": (
        lambda: simulate_market(n_characteristics=3, persistence=[0.9, 1, -0.5]),
        ValueError, "persistence must lie between 0 and 1", "-0.5 was given",
    ),
    "a random walk that is stationary": (
        lambda: simulate_market(n_characteristics=3, persistence=[0.9, 1, 0.5], stationary=True),
        ValueError, "persistence", "below 1", "stationary=True", "1 was given",
    ),
    "persistence of some characteristics": (
        lambda: simulate_market(n_characteristics=4, persistence=[0.9, 1, 0.5]),
        ValueError, "persistence", "n_characteristics = 4", "(3,)",
    ),
    "one persistence": (
        lambda: simulate_market(persistence=0.9), ValueError, "persistence", "1 axes, (n_characteristics)", "()",
    ),
    "unknown persistence": (
        lambda: simulate_market(n_characteristics=3, persistence=[0.9, np.nan, 0.5]), ValueError, "persistence", "NaN",
    ),
    "text for the persistence": (
        lambda: simulate_market(n_characteristics=3, persistence=["a", "b", "c"]), TypeError, "persistence", "numbers",
    ),
    "persistence of other characteristics": (
        lambda: simulate_market(n_characteristics=3, persistence=pd.Series([0.9, 0.8, 0.7], ["c2", "c1", "c3"])),
        ValueError, "characteristics of persistence", "the market", "another order",
    ),
    "a negative seed": (lambda: simulate_market(seed=-1), ValueError, "seed", "at least 0", "-1"),
    "no seed": (lambda: simulate_market(seed=None), TypeError, "seed", "whole number", "None"),
    "a generator for the seed": (lambda: simulate_market(seed=np.random.default_rng()), TypeError, "seed", "Generator"),
    "no months": (lambda: simulate_constant_betas(n_dates=0), ValueError, "n_dates", "at least 1"),
    "no tickers": (lambda: simulate_constant_betas(n_tickers=0), ValueError, "n_tickers", "at least 1"),
    "negative noise": (lambda: simulate_constant_betas(noise=-0.1), ValueError, "noise", "at least 0", "-0.1"),
    "infinite noise": (lambda: simulate_constant_betas(noise=np.inf), ValueError, "noise", "finite", "inf"),
    "text for the noise": (lambda: simulate_constant_betas(noise="a"), TypeError, "noise", "number", "'a'"),
    "a fraction for the seed": (lambda: simulate_constant_betas(seed=0.5), TypeError, "seed", "whole number", "0.5"),
    "a single date of a market": (lambda: SMALL[3], TypeError, "slice", "3"),
    "no date of a market": (lambda: SMALL[9:], ValueError, "5 dates"),
    "a truth of other dates": (
        lambda: SimulatedMarket(SMALL.panel, SMALL.betas[:2], SMALL.factors),
        ValueError, "betas", "n_dates = 5", "(2, 4, 3)",
    ),
    "true factors of other dates": (
        lambda: SimulatedMarket(SMALL.panel, SMALL.betas, SMALL.factors[:2]),
        ValueError, "factors", "n_dates = 5", "(2, 3)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])


def test_the_truth_cannot_be_overwritten():
    market = simulate_market(n_dates=4, n_tickers=5, n_characteristics=3)
    for array in (market.betas, market.factors, market[1:3].betas):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_simulated_market_keeps_its_own_copy_of_the_truth():
    market = simulate_constant_betas(n_dates=5, n_tickers=4)
    betas = np.array(market.betas)
    mine = SimulatedMarket(market.panel, betas, market.factors)
    betas[:] = 7
    assert np.array_equal(mine.betas, market.betas)


def test_spread_out_from_the_beginning_tickers_keep_their_places_longer():
    def likeness(stationary):
        c = simulate_market(n_dates=40, n_characteristics=30, seed=5, stationary=stationary).panel.characteristics
        return np.mean([np.corrcoef(c[0, :, j], c[-1, :, j])[0, 1] for j in range(30)])

    assert likeness(True) > likeness(False) + 0.1
    # Stationary, the correlation over 39 dates is ρ^39 for each characteristic (of ranks, a little less).
    persistence = np.random.default_rng(5).uniform(0.9, 1, 30)
    assert abs(likeness(True) - np.mean(persistence**39)) < 0.05


def test_the_start_changes_the_characteristics_and_no_other_draw():
    one, other = (simulate_market(n_dates=5, n_tickers=20, seed=1, stationary=flag) for flag in (False, True))
    assert np.array_equal(one.factors, other.factors) and np.array_equal(one.panel.portfolios, other.panel.portfolios)
    assert not np.array_equal(one.panel.characteristics, other.panel.characteristics)
    with pytest.raises(TypeError, match="stationary must be True or False"):
        simulate_market(stationary="yes")


def test_the_premium_moves_the_mean_of_the_portfolios_and_nothing_else_that_is_drawn():
    usual, none = simulate_market(seed=4), simulate_market(seed=4, premium=0)
    assert np.allclose(usual.panel.portfolios - none.panel.portfolios, 0.03)
    assert np.allclose(usual.factors - none.factors, 0.03)
    assert np.array_equal(usual.betas, none.betas)
    assert np.allclose(usual.panel.returns - usual.reconstruction, none.panel.returns - none.reconstruction)


def test_a_market_given_its_own_persistence_is_that_very_market_and_another_changes_the_characteristics_alone():
    one = simulate_market("nonlinear", n_dates=9, n_tickers=20, n_characteristics=4, seed=3)
    own = np.random.default_rng(3).uniform(0.9, 1, 4)
    same, other = (
        simulate_market("nonlinear", 9, 20, 4, seed=3, persistence=rho)
        for rho in (pd.Series(own, one.panel.characteristic_names), [0.5] * 4)
    )
    for name in ("returns", "characteristics", "portfolios"):
        assert np.array_equal(getattr(one.panel, name), getattr(same.panel, name))
    assert np.array_equal(one.betas, same.betas) and np.array_equal(one.factors, same.factors)
    assert np.array_equal(one.factors, other.factors) and np.array_equal(one.panel.portfolios, other.panel.portfolios)
    noise, of_the_other = (market.panel.returns - market.reconstruction for market in (one, other))
    assert np.allclose(noise, of_the_other)
    assert np.array_equal(one.panel.characteristics[0], other.panel.characteristics[0])
    assert not np.array_equal(one.panel.characteristics[1:], other.panel.characteristics[1:])


def test_ranks_persist_as_the_coefficients_given_imply():
    """Of two normal variables with the correlation ρ, ranks have the correlation 6 / π · arcsin(ρ / 2)."""
    rho = np.array([0, 0.3, 0.6, 0.9, 0.99])
    c = simulate_market("linear", 60, 1000, 5, seed=6, stationary=True, persistence=rho).panel.characteristics
    found = [np.mean([np.corrcoef(c[d, :, j], c[d + 1, :, j])[0, 1] for d in range(59)]) for j in range(5)]
    assert np.allclose(found, 6 / np.pi * np.arcsin(rho / 2), atol=4 / np.sqrt(59 * 1000))


def test_a_coefficient_of_one_is_a_random_walk_and_of_zero_has_no_memory():
    """After d + 1 steps a walk has the variance d + 1; with four times as many steps, half the correlation is left."""
    c = simulate_market("linear", 40, 4000, 3, seed=1, persistence=(1, 0, 1)).panel.characteristics
    found = [np.corrcoef(c[9, :, j], c[39, :, j])[0, 1] for j in range(3)]
    assert np.allclose(found, 6 / np.pi * np.arcsin(np.array([0.5, 0, 0.5]) / 2), atol=4 / np.sqrt(4000))


@pytest.mark.parametrize(
    "value, error", [(np.nan, ValueError), (np.inf, ValueError), ("3 %", TypeError), (True, TypeError)]
)
def test_a_premium_that_is_no_finite_number_is_refused(value, error):
    with pytest.raises(error, match="premium must be a"):
        simulate_market(premium=value)
