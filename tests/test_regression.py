"""The models with one half of the product given, against statsmodels and linearmodels."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels.asset_pricing import TradedFactorModel
from linearmodels.panel import FamaMacBeth

from helpers.data.datasets import load_industries
from helpers.data.simulated import simulate_constant_betas, simulate_market
from helpers.models.managed import managed_portfolios
from helpers.models.regression import CrossSectionalRegression, TimeSeriesRegression
from helpers.panel import Panel
from tests.common import assert_refused, small_panel, with_value

PANEL, GAPPY = small_panel(), small_panel(missing=0.15)
R, C, X = PANEL.returns, PANEL.characteristics, PANEL.portfolios


def without(panel, *names):
    fields = ("returns", "characteristics", "portfolios", "tickers")
    return Panel(**{name: getattr(panel, name) for name in fields if name not in names})


@pytest.mark.parametrize("panel", [PANEL, GAPPY], ids=["complete", "gaps"])
def test_time_series_regression_is_one_statsmodels_regression_per_ticker(panel):
    model = TimeSeriesRegression().fit(panel)
    for s in range(panel.n_tickers):
        expected = sm.OLS(panel.returns[:, s], sm.add_constant(panel.portfolios), missing="drop").fit().params
        assert np.allclose([model.alphas_[s], *model.betas_[s]], expected)


def test_time_series_regression_is_the_traded_factor_model_of_linearmodels():
    panel = load_industries()
    model = TimeSeriesRegression().fit(panel)
    expected = TradedFactorModel(panel.returns, panel.portfolios).fit()
    assert np.allclose(model.betas_, expected.betas) and np.allclose(model.alphas_, np.squeeze(expected.alphas))


def test_time_series_betas_are_the_same_at_every_date_and_their_factors_are_the_portfolios():
    model = TimeSeriesRegression().fit(PANEL[:30])
    betas = model.betas(PANEL)
    assert betas.shape == (40, 12, 2) and all(np.array_equal(row, model.betas_) for row in betas)
    assert np.array_equal(model.factors(PANEL), PANEL.portfolios)


def test_alpha_is_estimated_but_stays_out_of_the_reconstruction():
    panel = Panel(returns=R + 5.0, portfolios=X)
    raised, plain = TimeSeriesRegression().fit(panel), TimeSeriesRegression().fit(Panel(returns=R, portfolios=X))
    assert np.allclose(raised.alphas_, plain.alphas_ + 5.0)
    assert np.allclose(raised.reconstruct(panel), plain.reconstruct(panel))


def test_time_series_regression_recovers_the_betas_of_the_simulated_market():
    market = simulate_constant_betas(n_dates=600, noise=0.02, seed=1)
    model = TimeSeriesRegression().fit(market.panel)
    standard_error = 0.02 / np.sqrt(600 * market.factors.var(axis=0))
    assert (np.abs(model.betas_ - market.betas[0]) < 4.5 * standard_error).all()
    assert (np.abs(model.alphas_) < 4.5 * 0.02 / np.sqrt(600) * 1.1).all()


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_premia_and_standard_errors_are_those_of_fama_macbeth_in_linearmodels(missing):
    """linearmodels divides by T - 1, as we do, with its default options: cov_type="unadjusted", debiased=True."""
    market = simulate_market("linear", n_dates=30, n_tickers=40, n_characteristics=4, seed=0).panel
    returns = np.where(np.random.default_rng(0).random(market.returns.shape) < missing, np.nan, market.returns)
    panel = Panel(returns=returns, characteristics=market.characteristics, tickers=market.tickers)
    frame = panel.to_frame().dropna().swaplevel().sort_index()
    expected = FamaMacBeth(frame["returns"], frame.drop(columns="returns")).fit(cov_type="unadjusted", debiased=True)
    model = CrossSectionalRegression().fit(panel)
    assert np.allclose(model.premia_, expected.params)
    assert np.allclose(model.standard_errors_, expected.std_errors)
    assert np.allclose(model.factors_, expected.all_params)


def test_the_standard_error_of_a_single_date_is_unknown():
    assert np.isnan(CrossSectionalRegression().fit(PANEL[:1]).standard_errors_).all()


@pytest.mark.parametrize("panel", [PANEL, GAPPY], ids=["complete", "gaps"])
def test_the_factors_of_characteristics_are_the_managed_portfolios(panel):
    assert np.allclose(CrossSectionalRegression().fit(panel).factors(panel), managed_portfolios(panel))


def test_given_betas_replace_the_characteristics_and_may_be_constant_or_dated():
    constant = CrossSectionalRegression(given_betas=C[0]).fit(PANEL)
    dated = CrossSectionalRegression(given_betas=np.repeat(C[:1], 40, axis=0)).fit(PANEL)
    expected = [np.linalg.lstsq(C[0], r, rcond=None)[0] for r in R]
    assert np.allclose(constant.factors(PANEL), expected) and np.allclose(dated.factors(PANEL), expected)
    assert np.array_equal(constant.betas(PANEL), dated.betas(PANEL))


def test_given_the_true_betas_the_factors_are_found_to_within_the_noise():
    market = simulate_market("nonlinear", n_dates=60, n_characteristics=3, seed=3)
    model = CrossSectionalRegression(given_betas=market.betas).fit(market.panel)
    gram = np.einsum("dsk,dsl->dkl", market.betas, market.betas)
    standard_error = np.sqrt(0.01 * 5 / 3 * np.diagonal(np.linalg.inv(gram), axis1=1, axis2=2))
    assert np.sqrt(np.mean(((model.factors_ - market.factors) / standard_error) ** 2)) == pytest.approx(1, abs=0.2)


def with_names(names):
    return Panel(returns=R, characteristics=C[:, :, : len(names)], tickers=PANEL.tickers, characteristic_names=names)


BAD_INPUT = {
    "no portfolios": (
        lambda: TimeSeriesRegression().fit(without(PANEL, "portfolios")), ValueError, "portfolios", "needed",
    ),
    "no portfolios at later dates": (
        lambda: TimeSeriesRegression().fit(without(PANEL)).factors(without(PANEL, "portfolios")),
        ValueError, "portfolios", "needed",
    ),
    "other portfolios at later dates": (
        lambda: TimeSeriesRegression().fit(PANEL).factors(without(PANEL)),
        ValueError, "portfolio_names", "new: 0, 1; gone: market, oil",
    ),
    "fewer dates than coefficients": (lambda: TimeSeriesRegression().fit(PANEL[:2]), ValueError, "fewer dates", "(3)"),
    "a ticker with too few returns": (
        lambda: TimeSeriesRegression().fit(Panel(returns=with_value(R, (slice(1, None), 0), np.nan), portfolios=X)),
        ValueError, "fewer dates", "ticker(s) 0",
    ),
    "collinear portfolios": (
        lambda: TimeSeriesRegression().fit(Panel(returns=R, portfolios=X[:, [0, 1, 0]])),
        ValueError, "portfolios", "collinear",
    ),
    "a portfolio that never moves": (
        lambda: TimeSeriesRegression().fit(Panel(returns=R, portfolios=X * 0 + 0.01)),
        ValueError, "portfolios", "zero variance",
    ),
    "a word for the intercept": (
        lambda: TimeSeriesRegression(intercept="no").fit(PANEL), TypeError, "intercept", "'no'",
    ),
    "no characteristics": (
        lambda: CrossSectionalRegression().fit(without(PANEL, "characteristics")),
        ValueError, "characteristics", "needed",
    ),
    "fewer tickers than characteristics": (
        lambda: CrossSectionalRegression().fit(Panel(returns=R[:, :2], characteristics=C[:, :2])),
        ValueError, "fewer tickers", "(3)",
    ),
    "collinear characteristics": (
        lambda: CrossSectionalRegression().fit(Panel(returns=R, characteristics=C[:, :, [0, 1, 0]])),
        ValueError, "characteristics", "collinear",
    ),
    "a characteristic that is zero": (
        lambda: CrossSectionalRegression().fit(Panel(returns=R, characteristics=C * [1, 0, 1])),
        ValueError, "characteristics", "zero", "column 1",
    ),
    "an unknown characteristic of a known return": (
        lambda: CrossSectionalRegression().fit(Panel(returns=R, characteristics=with_value(C, (2, 1, 0), np.nan))),
        ValueError, "characteristics", "NaN", "return is present",
    ),
    "a date without returns": (
        lambda: CrossSectionalRegression().fit(Panel(returns=with_value(R, 3, np.nan), characteristics=C)),
        ValueError, "fewer tickers", "date(s) 3",
    ),
    "fewer characteristics at later dates": (
        lambda: CrossSectionalRegression().fit(PANEL).factors(with_names(["size", "value"])),
        ValueError, "characteristic_names", "momentum",
    ),
    "characteristics in another order at later dates": (
        lambda: CrossSectionalRegression().fit(PANEL).factors(with_names(["value", "size", "momentum"])),
        ValueError, "characteristic_names", "another order",
    ),
    "given betas of fewer tickers": (
        lambda: CrossSectionalRegression(C[0, :5]).fit(PANEL), ValueError, "given_betas", "n_tickers = 12", "(5, 3)",
    ),
    "given betas of fewer dates": (
        lambda: CrossSectionalRegression(C[:5]).fit(PANEL), ValueError, "given_betas", "n_dates = 40", "(5, 12, 3)",
    ),
    "given betas with one axis": (
        lambda: CrossSectionalRegression(C[0, :, 0]).fit(PANEL),
        ValueError, "given_betas", "(n_tickers, n_factors)", "(12,)",
    ),
    "text for given betas": (lambda: CrossSectionalRegression("a").fit(PANEL), TypeError, "given_betas", "'a'"),
    "an infinite given beta": (
        lambda: CrossSectionalRegression(with_value(C[0], (0, 0), np.inf)).fit(PANEL),
        ValueError, "given_betas", "infinite", "(0, 0)",
    ),
    "an unknown given beta of a known return": (
        lambda: CrossSectionalRegression(with_value(C[0], (0, 0), np.nan)).fit(PANEL), ValueError, "given_betas", "NaN",
    ),
    "a table of given betas in another order": (
        lambda: CrossSectionalRegression(pd.DataFrame(C[0, ::-1], index=PANEL.tickers[::-1])).fit(PANEL),
        ValueError, "given_betas", "tickers",
    ),
    "dated given betas for as many other dates": (
        lambda: CrossSectionalRegression(C[:20]).fit(PANEL[:20]).factors(PANEL[20:]),
        ValueError, "given_betas", "dates",
    ),
    "dated given betas for fewer dates": (
        lambda: CrossSectionalRegression(C[:20]).fit(PANEL[:20]).factors(PANEL[10:]),
        ValueError, "given_betas", "dates",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])


def test_a_date_that_is_too_short_is_named_by_its_label():
    panel = small_panel()
    returns = np.array(panel.returns)
    returns[4, 1:] = np.nan
    assert_refused(
        lambda: CrossSectionalRegression().fit(replace(panel, returns=returns)), ValueError, "2000-05-31", "tickers"
    )
