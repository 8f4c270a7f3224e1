"""What instrumented principal components refuse, and in which words."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from helpers.data.simulated import simulate_market
from helpers.models.ipca import InstrumentedPCA
from helpers.panel import Panel
from tests.common import assert_refused, small_panel, with_value

PANEL = small_panel()
R, Z = PANEL.returns, PANEL.characteristics


def with_chars(z):
    return replace(PANEL, characteristics=z)


def with_returns(position, value=np.nan):
    return replace(PANEL, returns=with_value(R, position, value))


def at_date_five(there, elsewhere):
    """The characteristics times one number at date 5, and times others at all other dates."""
    return Z * np.where((np.arange(40) == 5)[:, None, None], there, elsewhere)


def noise_free():
    market = simulate_market(n_dates=40, n_tickers=30, n_characteristics=6)
    return replace(market.panel, returns=market.reconstruction)


def renamed(names):
    return replace(PANEL, characteristic_names=names)


FITTED = InstrumentedPCA(2).fit(PANEL)
NO_SINGLE = ("Γ", "without a single value", "Ask for fewer factors")
def _quietly(fit):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return fit()


BAD_INPUT = {
    "no factors": (lambda: InstrumentedPCA(0).fit(PANEL), ValueError, "n_factors", "between 1 and 3", "0 was given"),
    "more factors than characteristics": (
        lambda: InstrumentedPCA(4).fit(PANEL), ValueError, "n_factors", "between 1 and 3", "4 was given", "constant",
    ),
    "more factors than characteristics and the constant": (
        lambda: InstrumentedPCA(5, constant=True).fit(PANEL), ValueError, "n_factors", "between 1 and 4", "5 was given",
    ),
    "more factors than dates": (
        lambda: InstrumentedPCA(3).fit(PANEL[:2]), ValueError, "n_factors", "between 1 and 2", "dates",
    ),
    "a fraction of a factor": (lambda: InstrumentedPCA(2.0).fit(PANEL), TypeError, "n_factors", "whole number", "2.0"),
    "a text for the constant": (lambda: InstrumentedPCA(2, constant="no").fit(PANEL), TypeError, "constant", "'no'"),
    "a tolerance of zero": (lambda: InstrumentedPCA(2, tolerance=0).fit(PANEL), ValueError, "tolerance", "above 0"),
    "no starts": (lambda: InstrumentedPCA(2, n_starts=0).fit(PANEL), ValueError, "n_starts", "at least 1"),
    "no rounds": (lambda: InstrumentedPCA(2, max_rounds=0).fit(PANEL), ValueError, "max_rounds", "at least 1"),
    "no panel": (lambda: InstrumentedPCA(2).fit(R), TypeError, "Panel", "ndarray"),
    "no characteristics": (
        lambda: InstrumentedPCA(1, constant=True).fit(Panel(returns=R)), ValueError, "no characteristics", "Pass",
    ),
    "returns of zero": (
        lambda: InstrumentedPCA(1).fit(replace(PANEL, returns=R * 0)), ValueError, "zero variance", "0",
    ),
    "no return at all": (lambda: InstrumentedPCA(1).fit(with_returns(...)), ValueError, "no return at any date"),
    "a date without returns": (
        lambda: InstrumentedPCA(2).fit(with_returns(3)), ValueError, "n_factors = 2", "2000-04-30", "Drop the dates",
    ),
    "a date with fewer tickers than factors": (
        lambda: InstrumentedPCA(2).fit(with_returns((3, slice(1, None)))),
        ValueError, "n_factors = 2", "2000-04-30", "tickers",
    ),
    "a date with fewer known characteristics than factors": (
        lambda: InstrumentedPCA(2).fit(with_chars(with_value(Z, (3, slice(1, None), 0), np.nan))),
        ValueError, "2000-04-30", "every",
    ),
    "a date whose tickers are all alike": (
        lambda: InstrumentedPCA(2).fit(with_chars(with_value(Z, 5, 1.0))), ValueError, "2000-06-30", "must differ",
    ),
    "two equal characteristics": (
        lambda: InstrumentedPCA(2).fit(with_chars(Z[:, :, [0, 1, 1]])),
        ValueError, "collinear", "value, momentum", "Drop",
    ),
    "fewer characteristics than factors that say anything": (
        lambda: _quietly(lambda: InstrumentedPCA(3).fit(with_chars(Z * [1, 0, 1]))),
        ValueError, "n_factors = 3", "2 characteristic(s) that get a weight",
    ),
    "no characteristic that says anything": (
        lambda: InstrumentedPCA(1).fit(with_chars(Z * 0)),
        ValueError, "No characteristic differs from 0", "Pass other",
    ),
    "a constant beside the constant": (
        lambda: InstrumentedPCA(2, constant=True).fit(with_chars(with_value(Z, (..., 0), 1.0))),
        ValueError, "collinear", "size, constant",
    ),
    "fewer returns than characteristics": (
        lambda: InstrumentedPCA(1).fit(PANEL[:1].select_tickers(["T00", "T01"])), ValueError, "collinear", "more dates",
    ),
    "a characteristic at one date only": (
        lambda: InstrumentedPCA(2).fit(with_chars(at_date_five(1.0, [1, 1, 0]))), ValueError, *NO_SINGLE, "a few dates",
    ),
    "as many factors as tickers": (
        lambda: InstrumentedPCA(2).fit(PANEL.select_tickers(["T00", "T01"])), ValueError, *NO_SINGLE, "too few returns",
    ),
    "so few tickers that the factors have no bound": (
        lambda: InstrumentedPCA(3).fit(simulate_market(n_dates=60, n_tickers=6, n_characteristics=50).panel),
        ValueError, *NO_SINGLE,
    ),
    "more factors than the noise-free truth": (
        lambda: InstrumentedPCA(4).fit(noise_free()), ValueError, *NO_SINGLE, "fewer explain these returns fully",
    ),
    "other characteristics": (
        lambda: FITTED.betas(renamed(["size", "value", "beta"])),
        ValueError, "characteristic_names", "new: beta", "gone: momentum",
    ),
    "the same characteristics in another order": (
        lambda: FITTED.factors(renamed(["value", "size", "momentum"])),
        ValueError, "characteristic_names", "another order",
    ),
    "a later panel without characteristics": (
        lambda: FITTED.reconstruct(Panel(returns=R)), ValueError, "no characteristics",
    ),
    "a later date with fewer returns than factors": (
        lambda: FITTED.factors(with_returns((3, slice(1, None)))), ValueError, "fewer tickers", "(2)", "2000-04-30",
    ),
    "not fitted": (lambda: InstrumentedPCA(2).betas(PANEL), NotFittedError, "not fitted"),
}  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])


def test_a_failed_fit_leaves_the_model_as_it_was():
    model = InstrumentedPCA(2).fit(PANEL)
    before = {name: np.copy(value) for name, value in vars(model).items()}
    for bad in (
        Panel(returns=R * 0, characteristics=Z),
        with_chars(Z[:, :, [0, 1, 1]]),
        with_chars(at_date_five(1.0, [1, 1, 0])),
    ):
        with pytest.raises(ValueError):
            model.fit(bad)
    assert all(np.array_equal(before[name], value) for name, value in vars(model).items())
    assert len(before) == len(vars(model))
