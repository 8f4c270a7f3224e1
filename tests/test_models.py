"""What all models share: the product, the habits of scikit-learn, later dates, missing returns, and their refusals."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from helpers.models.base import FactorModel
from helpers.models.ipca import InstrumentedPCA
from helpers.models.pca import PCAFactors
from helpers.models.regression import CrossSectionalRegression, TimeSeriesRegression
from helpers.panel import Panel
from tests.common import assert_refused, small_panel

PANEL, GAPPY = small_panel(), small_panel(missing=0.15)
GIVEN = np.random.default_rng(7).normal(size=(12, 2))
MODELS = {
    "time series": TimeSeriesRegression(),
    "time series through the origin": TimeSeriesRegression(intercept=False),
    "cross sections of characteristics": CrossSectionalRegression(),
    "cross sections of given betas": CrossSectionalRegression(given_betas=GIVEN),
    "components": PCAFactors(n_factors=2),
}
every_model = pytest.mark.parametrize("model", [clone(model) for model in MODELS.values()], ids=MODELS)
with_and_without_gaps = pytest.mark.parametrize("panel", [PANEL, GAPPY], ids=["complete", "gaps"])


@every_model
@with_and_without_gaps
def test_the_reconstruction_is_the_product_of_betas_and_factors(model, panel):
    model.fit(panel)
    betas, factors, reconstruction = model.betas(panel), model.factors(panel), model.reconstruct(panel)
    assert betas.shape == (40, 12, factors.shape[1]) and reconstruction.shape == (40, 12)
    for d in range(40):
        for s in range(12):
            assert np.isclose(reconstruction[d, s], sum(b * f for b, f in zip(betas[d, s], factors[d], strict=True)))


@every_model
@with_and_without_gaps
def test_a_fitted_model_works_on_later_dates(model, panel):
    model.fit(panel[:25])
    later = model.reconstruct(panel[25:])
    assert later.shape == (15, 12) and np.isfinite(later).all()
    assert np.allclose(later, model.reconstruct(panel)[25:])
    assert np.allclose(later[4], model.reconstruct(panel[29:30])[0])


@every_model
def test_later_factors_come_from_each_dates_own_returns(model):
    model.fit(GAPPY[:25])
    later, factors, betas = GAPPY[25:], model.factors(GAPPY[25:]), model.betas(GAPPY[25:])
    if isinstance(model, TimeSeriesRegression):
        assert np.array_equal(factors, later.portfolios)
    else:
        for d, r in enumerate(later.returns):
            known = ~np.isnan(r)
            assert np.allclose(factors[d], np.linalg.lstsq(betas[d][known], r[known], rcond=None)[0])


@every_model
def test_fit_returns_the_model_and_does_not_read_the_validation_panel(model):
    assert model.fit(PANEL, validation="not read") is model


@every_model
def test_fitting_again_forgets_the_first_fit(model):
    again = clone(model).fit(GAPPY).fit(PANEL).reconstruct(PANEL)
    assert np.array_equal(again, clone(model).fit(PANEL).reconstruct(PANEL))


@every_model
def test_a_clone_has_the_parameters_and_nothing_learned(model):
    copy = clone(model.fit(PANEL))
    assert str(copy.get_params()) == str(model.get_params())
    with pytest.raises(NotFittedError):
        copy.betas(PANEL)


@every_model
def test_scaling_the_returns_scales_the_reconstruction(model):
    scaled = Panel(
        returns=GAPPY.returns * 100,
        characteristics=GAPPY.characteristics,
        portfolios=GAPPY.portfolios,
        tickers=GAPPY.tickers,
    )
    plain = Panel(
        returns=GAPPY.returns, characteristics=GAPPY.characteristics, portfolios=GAPPY.portfolios, tickers=GAPPY.tickers
    )
    assert np.allclose(model.fit(scaled).reconstruct(scaled), 100 * model.fit(plain).reconstruct(plain))


@every_model
@pytest.mark.parametrize("method", ["betas", "factors", "reconstruct"])
def test_an_unfitted_model_says_that_it_must_be_fitted_first(model, method):
    assert_refused(lambda: getattr(clone(model), method)(PANEL), NotFittedError, type(model).__name__, "'fit'")


@every_model
@pytest.mark.parametrize("method", ["fit", "betas", "factors", "reconstruct"])
def test_an_array_is_no_panel(model, method):
    fitted = clone(model).fit(PANEL)
    assert_refused(lambda: getattr(fitted, method)(PANEL.returns), TypeError, "Panel", "ndarray")


def with_tickers(rows, tickers):
    return Panel(
        returns=PANEL.returns[:, rows],
        characteristics=PANEL.characteristics[:, rows],
        portfolios=PANEL.portfolios,
        tickers=tickers,
        characteristic_names=PANEL.characteristic_names,
        portfolio_names=PANEL.portfolio_names,
    )


OTHER_TICKERS = {
    "in another order": (with_tickers(slice(None, None, -1), PANEL.tickers[::-1]), "another order"),
    "one renamed": (with_tickers(slice(None), [*PANEL.tickers[:-1], "NEW"]), "new: NEW; gone: T11"),
    "one fewer": (with_tickers(slice(11), PANEL.tickers[:11]), "gone: T11"),
}


@pytest.mark.parametrize("name", [name for name in MODELS if name != "cross sections of characteristics"])
@pytest.mark.parametrize("change", OTHER_TICKERS)
def test_sensitivities_that_belong_to_tickers_are_refused_to_other_tickers(name, change):
    model, (panel, words) = clone(MODELS[name]).fit(PANEL), OTHER_TICKERS[change]
    fragments = ["tickers"] if "given" in name else ["tickers", words, "fit again"]
    for method in (model.betas, model.reconstruct):
        assert_refused(lambda method=method: method(panel), ValueError, *fragments)


@pytest.mark.parametrize("change", OTHER_TICKERS)
def test_sensitivities_that_are_characteristics_hold_for_other_tickers(change):
    panel = OTHER_TICKERS[change][0]
    model = CrossSectionalRegression().fit(PANEL)
    assert model.reconstruct(panel).shape == panel.returns.shape


def test_the_base_class_is_no_model():
    with pytest.raises(TypeError):
        FactorModel()


EXPECTING = {
    "components": PCAFactors(n_factors=2),
    "instrumented components": InstrumentedPCA(n_factors=2),
    "instrumented components with a constant": InstrumentedPCA(n_factors=2, constant=True),
    "time series": TimeSeriesRegression(),
    "cross sections of characteristics": CrossSectionalRegression(),
}
every_expecting_model = pytest.mark.parametrize("model", [clone(model) for model in EXPECTING.values()], ids=EXPECTING)


@every_expecting_model
@with_and_without_gaps
def test_prediction_is_the_past_mean_of_the_factors_by_plain_loops(model, panel):
    model.fit(panel[:25])
    past, later = panel[:30], panel[30:]
    betas, factors, predictions = model.betas(panel), model.factors(panel), model.predict(later, past)
    for d in range(10):
        expected = [sum(factors[e][k] for e in range(30 + d)) / (30 + d) for k in range(factors.shape[1])]
        for s in range(12):
            assert np.isclose(predictions[d, s], sum(b * f for b, f in zip(betas[30 + d, s], expected, strict=True)))


@every_expecting_model
def test_prediction_reads_neither_its_own_date_nor_later_ones(model):
    model.fit(PANEL[:25])
    changed = replace(
        PANEL,
        returns=np.concatenate([PANEL.returns[:35], 1 - 3 * PANEL.returns[35:]]),
        portfolios=np.concatenate([PANEL.portfolios[:35], 1 - 3 * PANEL.portfolios[35:]]),
    )
    a, b = (model.predict(panel[30:], panel[:30]) for panel in (PANEL, changed))
    assert np.array_equal(a[:6], b[:6]) and not np.allclose(a[6:], b[6:])


@every_expecting_model
def test_prediction_of_one_date_after_another_is_prediction_of_all_at_once(model):
    model.fit(PANEL[:25])
    together = model.predict(PANEL[30:], PANEL[:30])
    for d in range(30, 40):
        assert np.allclose(model.predict(PANEL[d : d + 1], PANEL[:d])[0], together[d - 30])


@every_expecting_model
def test_a_past_that_is_none_is_refused(model):
    fitted = clone(model).fit(PANEL)
    words = "past must end before", "2001-09-30", "panel[:120]"
    assert_refused(lambda: fitted.predict(PANEL[20:], PANEL[:21]), ValueError, *words)
    assert_refused(lambda: fitted.predict(PANEL[:20], PANEL[20:]), ValueError, "past must end before")
    assert_refused(lambda: fitted.predict(PANEL[20:], PANEL.returns[:20]), TypeError, "Panel", "ndarray")
    assert_refused(lambda: clone(model).predict(PANEL[20:], PANEL[:20]), NotFittedError, type(model).__name__)
