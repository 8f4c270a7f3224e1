"""Risk premia in two passes: the numbers of linearmodels and statsmodels, and errors where the truth is known."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels import FamaMacBeth
from linearmodels.asset_pricing import LinearFactorModel

from helpers.data import load_sorted_portfolios, simulate_constant_betas
from helpers.evaluation.premia import risk_premia
from helpers.models.regression import TimeSeriesRegression
from helpers.panel import Panel
from tests.common import assert_refused, with_value

MARKET = simulate_constant_betas(n_dates=120, n_tickers=25, seed=0).panel
WITH_AND_WITHOUT = pytest.mark.parametrize("intercept", [False, True])


def frames(panel):
    returns = pd.DataFrame(panel.returns, panel.dates, panel.tickers)
    return returns, pd.DataFrame(panel.portfolios, panel.dates, panel.portfolio_names)


@WITH_AND_WITHOUT
@pytest.mark.parametrize("panel", [MARKET, load_sorted_portfolios()], ids=["simulated", "sorted portfolios"])
def test_premia_are_those_of_linearmodels(panel, intercept):
    returns, factors = frames(panel)
    ours, theirs = risk_premia(returns, factors, intercept), LinearFactorModel(returns, factors, risk_free=intercept)
    assert ours.index.to_list() == ["intercept"][: int(intercept)] + list(panel.portfolio_names)
    assert np.allclose(ours["premium"], theirs.fit().risk_premia)


@WITH_AND_WITHOUT
def test_premia_are_one_regression_of_means_on_betas_in_statsmodels(intercept):
    betas = [sm.OLS(column, sm.add_constant(MARKET.portfolios)).fit().params[1:] for column in MARKET.returns.T]
    means = MARKET.returns.mean(axis=0)
    fit = sm.OLS(means, sm.add_constant(np.array(betas)) if intercept else np.array(betas)).fit()
    assert np.allclose(risk_premia(*frames(MARKET), intercept)["premium"], fit.params)


@WITH_AND_WITHOUT
def test_the_error_of_fama_and_macbeth_is_that_of_linearmodels_when_it_gets_the_same_betas(intercept):
    betas = TimeSeriesRegression().fit(MARKET).betas_
    given = Panel(MARKET.returns, np.broadcast_to(betas, (MARKET.n_dates, *betas.shape)), dates=MARKET.dates)
    frame = given.to_frame().swaplevel()
    chars = frame.drop(columns="returns")
    fit = FamaMacBeth(frame["returns"], chars.assign(one=1.0)[["one", *chars]] if intercept else chars).fit()
    ours = risk_premia(MARKET.returns, MARKET.portfolios, intercept)
    assert np.allclose(ours["Fama-MacBeth error"], fit.std_errors) and np.allclose(ours["premium"], fit.params)


@WITH_AND_WITHOUT
def test_shankens_error_is_near_that_of_linearmodels_where_both_assume_what_is_true(intercept):
    panel = noisy_news(n_dates=6000, seed=1)
    ours = risk_premia(*frames(panel), intercept)
    theirs = LinearFactorModel(*frames(panel), risk_free=intercept).fit().risk_premia_se
    assert np.allclose(ours["Shanken error"], theirs, rtol=0.05)


@WITH_AND_WITHOUT
def test_shankens_error_is_the_one_of_the_book_written_as_matrices(intercept):
    r, f = MARKET.returns, MARKET.portfolios
    model = TimeSeriesRegression().fit(MARKET)
    residuals = r - model.alphas_ - f @ model.betas_.T
    x = np.column_stack([np.ones(25), model.betas_])[:, 1 - intercept :]
    a = np.linalg.inv(x.T @ x) @ x.T
    lam = a @ r.mean(axis=0)
    spread, k = np.cov(f.T), int(intercept)
    bordered = np.zeros((len(lam), len(lam)))
    bordered[k:, k:] = spread
    c = lam[k:] @ np.linalg.inv(spread) @ lam[k:]
    book = (a @ np.cov(residuals.T) @ a.T * (1 + c) + bordered) / len(r)
    ours = risk_premia(r, f, intercept)
    assert np.allclose(ours["Shanken error"], np.sqrt(np.diag(book)))
    assert (ours["Shanken error"] > ours["Fama-MacBeth error"]).all()
    assert np.allclose(ours["t"], ours["premium"] / ours["Shanken error"])


def noisy_news(n_dates, seed):
    """A market of 25 tickers and one factor of which only a noisy index is seen; its true premium is 0.32."""
    random = np.random.default_rng(seed)
    factor = random.normal(0.08, 0.16, n_dates)
    returns = np.outer(factor, np.linspace(0.4, 1.6, 25)) + random.normal(0, 0.05, (n_dates, 25))
    return Panel(returns, portfolios=(factor + random.normal(0, 0.16 * 3**0.5, n_dates))[:, None])


def test_shankens_error_is_how_much_the_premium_moves_from_history_to_history():
    tables = [risk_premia(*frames(noisy_news(240, seed))).to_numpy() for seed in range(300)]
    premia, naive, shanken, _ = np.moveaxis(tables, 2, 0)
    moved = premia.std(axis=0, ddof=1)
    assert np.allclose(np.median(shanken, axis=0), moved, rtol=0.1)
    assert (np.median(naive, axis=0) < 0.85 * moved).all()


def test_the_unit_of_a_factor_is_that_of_its_premium():
    ours = risk_premia(MARKET.returns, MARKET.portfolios)
    other = risk_premia(MARKET.returns, MARKET.portfolios * [100, 1, 1] + [0, 0.5, 0])  # a mean says nothing here
    assert np.allclose(other.iloc[:, :3], ours.iloc[:, :3] * np.array([[1], [100], [1], [1]]))
    assert np.allclose(other["t"], ours["t"])


def test_without_labels_the_factors_are_called_by_number():
    assert risk_premia(MARKET.returns, MARKET.portfolios).index.to_list() == ["intercept", "F1", "F2", "F3"]
    assert risk_premia(MARKET.returns, MARKET.portfolios[:, :1], intercept=False).index.to_list() == ["F1"]


def test_what_has_no_premium_is_refused():
    r, f = MARKET.returns, MARKET.portfolios
    assert_refused(lambda: risk_premia(with_value(r, (3, 4), np.nan), f), ValueError, "returns")
    assert_refused(lambda: risk_premia(r, f[1:]), ValueError, "factors", "120")
    assert_refused(lambda: risk_premia(r, np.ones((120, 1))), ValueError, "zero variance")
    assert_refused(lambda: risk_premia(r[:, :2], f), ValueError, "tickers")
    assert_refused(lambda: risk_premia(r, f, intercept="no"), TypeError, "intercept")
    alike = np.column_stack([f[:, 0]] * 5)
    assert_refused(lambda: risk_premia(alike, f[:, :1]), ValueError, "collinear")
