"""The real panels: their labels, their units, and their numbers by another route."""

import numpy as np
import pandas as pd
import pytest
from linearmodels.datasets import french
from skfolio.datasets import load_factors_dataset, load_sp500_dataset

from helpers.data.datasets import load_industries, load_sorted_portfolios, load_stocks
from helpers.evaluation.metrics import total_r2
from helpers.models.pca import PCAFactors
from helpers.models.regression import TimeSeriesRegression

PANELS = {"industries": load_industries(), "sorted portfolios": load_sorted_portfolios(), "stocks": load_stocks()}
INDUSTRIES, SORTED, STOCKS = PANELS.values()
FRENCH = french.load()
every_panel = pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)


@pytest.mark.parametrize(
    "panel, shape", [(INDUSTRIES, (819, 12)), (SORTED, (819, 18)), (STOCKS, (2263, 20))], ids=PANELS
)
def test_panels_have_the_size_that_their_description_says_and_no_gaps(panel, shape):
    assert panel.returns.shape == shape and not np.isnan(panel.returns).any()


@pytest.mark.parametrize("panel", [INDUSTRIES, SORTED], ids=["industries", "sorted portfolios"])
def test_monthly_panels_run_from_january_1949_to_march_2017_by_month_end(panel):
    assert panel.dates.equals(pd.date_range("1949-01-31", "2017-03-31", freq="ME", name="date"))
    assert list(panel.portfolio_names) == ["market", "size", "value", "momentum"]


@pytest.mark.parametrize("panel", [INDUSTRIES, SORTED], ids=["industries", "sorted portfolios"])
def test_monthly_returns_are_those_of_the_library_less_the_risk_free_rate(panel):
    for s, ticker in enumerate(panel.tickers):
        assert np.allclose(panel.returns[:, s], FRENCH[ticker] - FRENCH["RF"])
    assert np.array_equal(panel.portfolios, FRENCH[["MktRF", "SMB", "HML", "Mom"]])


def test_stock_returns_are_ratios_of_prices():
    prices, etfs = load_sp500_dataset(), load_factors_dataset()
    for d in (0, 1000, 2262):
        today, before = STOCKS.dates[d], etfs.index[etfs.index.get_loc(STOCKS.dates[d]) - 1]
        assert np.allclose(STOCKS.returns[d], prices.loc[today] / prices.loc[before] - 1)
        assert np.allclose(STOCKS.portfolios[d], etfs.loc[today] / etfs.loc[before] - 1)


def test_stocks_and_etfs_carry_their_names():
    assert {"AAPL", "MSFT", "XOM"} <= set(STOCKS.tickers)
    assert list(STOCKS.portfolio_names) == ["MTUM", "QUAL", "SIZE", "USMV", "VLUE"]
    assert STOCKS.dates[0] == pd.Timestamp("2014-01-03") and STOCKS.dates[-1] == pd.Timestamp("2022-12-28")


@every_panel
def test_returns_are_fractions_per_period(panel):
    assert 0.005 < panel.returns.std() < 0.1 and np.abs(panel.returns.mean()) < 0.02
    assert np.abs(panel.portfolios).max() < 0.5


@pytest.mark.parametrize("panel", [INDUSTRIES, SORTED], ids=["industries", "sorted portfolios"])
def test_the_average_portfolio_of_the_market_has_a_market_beta_of_about_one_and_little_alpha(panel):
    model = TimeSeriesRegression().fit(panel)
    assert model.betas_[:, 0].mean() == pytest.approx(1, abs=0.1)
    assert np.abs(model.alphas_).max() < 0.005


def test_small_firms_load_on_size_and_value_firms_on_value():
    betas = pd.DataFrame(TimeSeriesRegression().fit(SORTED).betas_, SORTED.tickers, SORTED.portfolio_names)
    assert (
        betas.loc[["S1V1", "S1V3", "S1V5"], "size"].to_numpy() > betas.loc[["S5V1", "S5V3", "S5V5"], "size"] + 0.5
    ).all()
    assert (
        betas.loc[["S1V5", "S3V5", "S5V5"], "value"].to_numpy() > betas.loc[["S1V1", "S3V1", "S5V1"], "value"] + 0.5
    ).all()
    assert (betas.loc[["S1M5", "S5M5"], "momentum"].to_numpy() > betas.loc[["S1M1", "S5M1"], "momentum"] + 0.5).all()


@every_panel
def test_the_given_factors_explain_much_and_components_more(panel):
    given, found = TimeSeriesRegression().fit(panel), PCAFactors(panel.n_portfolios).fit(panel)
    given_r2, found_r2 = (total_r2(panel.returns, model.reconstruct(panel)) for model in (given, found))
    assert 0.3 < given_r2 < found_r2 < 1


def test_a_caller_cannot_spoil_the_panel_of_the_next_one():
    frame = load_industries().to_frame()
    frame["returns"] = 0.0
    assert np.array_equal(load_industries().returns, INDUSTRIES.returns)
