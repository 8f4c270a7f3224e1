"""Tickers that come and go, and characteristics that are unknown for years: what each model makes of them."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.evaluation.splitter import WalkForward
from helpers.evaluation.walk_forward import out_of_sample
from helpers.models.autoencoder import ConditionalAutoencoder
from helpers.models.ipca import InstrumentedPCA
from helpers.models.least_squares import time_series_betas
from helpers.models.neural_ipca import NeuralIPCA
from helpers.models.pca import PCAFactors
from helpers.models.regression import TimeSeriesRegression
from helpers.panel import Panel
from tests.test_compact import gappy

PANEL = gappy(seed=1, n_dates=40, n_tickers=30)[:39]
TRAIN, TEST = PANEL[:25], PANEL[25:]

# --- Tickers without a β ----------------------------------------------------------------------------------------------

CONSTANT = {
    "given factors": lambda **options: TimeSeriesRegression(**options),
    "PCA": lambda **options: PCAFactors(2, max_rounds=5000, **options),
}


def late(panel, n):
    """The panel, the first n of its tickers unknown until its last five dates."""
    returns = np.array(panel.returns)
    returns[:-5, :n] = np.nan
    return replace(panel, returns=returns)


@pytest.mark.parametrize("made", CONSTANT.values(), ids=CONSTANT)
def test_with_few_returns_a_ticker_has_no_beta_and_a_sentence_says_so(made):
    train = late(TRAIN, 4)
    with pytest.warns(UserWarning, match=r"4 of 30 tickers have fewer than min_observations = 6 .* their β is 0 \(T00"):
        model = made(min_observations=6).fit(train)
    assert list(model.tickers_) == list(PANEL.tickers[4:])
    alone = made().fit(train.select_tickers(model.tickers_))
    assert np.allclose(model.betas_, alone.betas_)
    assert np.allclose(model.factors(TEST), alone.factors(TEST.select_tickers(model.tickers_)))
    assert not np.asarray(model.reconstruct(TEST))[:, :4].any(), "their returns count as unexplained"
    assert model.score(TEST) == pytest.approx(total_r2(TEST.returns, model.reconstruct(TEST)))


@pytest.mark.filterwarnings("ignore:.*fewer than min_observations")
@pytest.mark.parametrize("made", CONSTANT.values(), ids=CONSTANT)
def test_or_nothing_is_said_of_such_tickers(made):
    model = made(min_observations=6, unseen="leave out").fit(late(TRAIN, 4))
    said = np.asarray(model.reconstruct(TEST))
    assert np.isnan(said[:, :4]).all() and np.isfinite(said[:, 4:]).all()


@pytest.mark.parametrize("made", CONSTANT.values(), ids=CONSTANT)
def test_tickers_met_later_are_unseen_and_those_that_left_are_not_missed(made):
    model = made(min_observations=5).fit(TRAIN.select_tickers(PANEL.tickers[:20]))
    others = TEST.select_tickers([*PANEL.tickers[25:], *PANEL.tickers[5:10]])
    assert not np.asarray(model.betas(others))[:, :5].any()
    assert np.array_equal(model.betas(others)[0, 5:], model.betas_[5:10])
    strict = made().fit(TRAIN.select_tickers(PANEL.tickers[:20]))
    with pytest.raises(ValueError, match="tickers differ from those that the model was fitted to"):
        strict.betas(others)


@pytest.mark.filterwarnings("ignore:.*fewer than min_observations")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("made", CONSTANT.values(), ids=CONSTANT)
def test_they_walk_forward_through_a_panel_of_tickers_that_come_and_go(made):
    walk = out_of_sample(made(min_observations=8), PANEL, WalkForward(20, n_test=6))
    assert np.isfinite(total_r2(walk.returns, walk.reconstruction))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"min_observations": 0}, "min_observations must be"),
        ({"min_observations": 99}, "No ticker has min_observations = 99 returns in the 25 dates"),
        ({"min_observations": 5, "unseen": "nothing"}, "unseen must be"),
    ],
)
@pytest.mark.parametrize("made", CONSTANT.values(), ids=CONSTANT)
def test_bad_options_are_refused(made, options, says):
    with pytest.raises(ValueError, match=says):
        made(**options).fit(TRAIN)


def test_betas_of_unbalanced_tickers_are_those_of_each_ticker_alone():
    model = TimeSeriesRegression(min_observations=8).fit(TRAIN)
    for s, ticker in enumerate(model.tickers_):
        column = TRAIN.returns[:, list(TRAIN.tickers).index(ticker)]
        known = ~np.isnan(column)
        alphas, betas = time_series_betas(column[known][:, None], TRAIN.portfolios[known])
        assert np.allclose(model.betas_[s], betas[0]) and np.isclose(model.alphas_[s], alphas[0])


def test_components_of_few_dates_and_many_tickers_are_those_of_the_whole_decomposition(monkeypatch):
    returns = np.array(simulate_market(n_dates=30, n_tickers=90, n_characteristics=5).panel.returns)
    returns[np.random.default_rng(0).random(returns.shape) < 0.3] = np.nan
    by_dates = PCAFactors(3).fit(Panel(returns))
    monkeypatch.setattr("helpers.models.pca.MANY", 1e9)
    whole = PCAFactors(3).fit(Panel(returns))
    assert by_dates.n_rounds_ == whole.n_rounds_ and np.allclose(by_dates.betas_, whole.betas_, atol=1e-8)


# --- Characteristics that say nothing ---------------------------------------------------------------------------------

FEW = {"n_members": 2, "epochs": 4, "l1": 0.01}
READERS = {
    "IPCA": InstrumentedPCA(2),
    "IPCA with a constant": InstrumentedPCA(2, constant=True),
    "NeuralIPCA": NeuralIPCA(2, (4,), batch_size=5, **FEW),
    "CA": ConditionalAutoencoder(2, (4,), batch_size=60, **FEW),
    "CA on managed portfolios": ConditionalAutoencoder(2, (4,), factor_inputs="managed", batch_size=60, **FEW),
}


def with_one_more(panel, value):
    """The panel with a characteristic "new" in its middle, of this value throughout."""
    z = np.insert(panel.characteristics, 1, value, axis=2)
    return replace(panel, characteristics=z, characteristic_names=["a", "new", "b", "c"])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("compact", [False, True], ids=["dense", "compact"])
@pytest.mark.parametrize("value", [0.0, np.nan], ids=["0", "unknown"])
@pytest.mark.parametrize("model", READERS.values(), ids=READERS)
def test_a_characteristic_that_says_nothing_throughout_gets_no_weight_and_a_warning(model, value, compact):
    train = with_one_more(TRAIN, value)
    with pytest.warns(UserWarning, match=r"1 characteristic\(s\) are unknown, or 0, .* and get no weight: new\."):
        fitted = clone(model).fit(train.compact() if compact else train)
    plain = clone(model).fit(TRAIN)
    assert list(fitted.unused_characteristics_) == ["new"] and not len(plain.unused_characteristics_)
    for later in (with_one_more(TEST, 0.7), with_one_more(TEST, np.nan)):  # known at last, or never
        assert np.allclose(fitted.reconstruct(later), plain.reconstruct(TEST), equal_nan=True, atol=1e-7)
        assert np.allclose(fitted.predict(later, train), plain.predict(TEST, TRAIN), equal_nan=True, atol=1e-7)
    if isinstance(model, InstrumentedPCA):
        assert not fitted.gamma_[1].any() and fitted.gamma_.shape == (4 + model.constant, 2)


def test_a_characteristic_known_at_a_few_dates_gets_a_weight():
    z = np.where(np.arange(25)[:, None] >= 19, np.random.default_rng(0).normal(size=TRAIN.shape), 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert InstrumentedPCA(2).fit(with_one_more(TRAIN, z)).gamma_[1].any()


def test_a_model_in_a_file_remembers_what_it_does_not_read(tmp_path):
    with pytest.warns(UserWarning, match="get no weight"):
        fitted = InstrumentedPCA(2).fit(with_one_more(TRAIN, np.nan))
    fitted.save(tmp_path / "model")
    loaded = InstrumentedPCA.load(tmp_path / "model")
    later = with_one_more(TEST, np.nan)
    assert np.array_equal(loaded.reconstruct(later), fitted.reconstruct(later), equal_nan=True)


# --- Warm starts ------------------------------------------------------------------------------------------------------


def test_ipca_walks_forward_from_where_the_fold_before_ended_to_the_same_fits():
    panel = simulate_market(n_dates=60, n_tickers=50, n_characteristics=8).panel
    cold, warm = (
        out_of_sample(InstrumentedPCA(3, warm_start=on), panel, WalkForward(30, n_test=5)) for on in (False, True)
    )
    assert np.allclose(warm.reconstruction, cold.reconstruction, atol=1e-7)
    starts = [model.n_starts_ for model in warm.models]
    assert starts[0] > 1 and starts[1:] == [1] * 5
    assert not any("_kept" in vars(model) for model in warm.models[:-1]), "what is kept of the panel is kept once"


def test_of_dates_that_the_last_fit_has_read_nothing_is_read_again(monkeypatch):
    from helpers.models import ipca

    panel, dates = simulate_market(n_dates=40, n_tickers=30, n_characteristics=5).panel, []
    plain = ipca.second_moments
    monkeypatch.setattr(ipca, "second_moments", lambda r, z, *rest: dates.append(len(r)) or plain(r, z, *rest))
    model = InstrumentedPCA(2, warm_start=True)
    fits = {(0, 20): [20], (0, 21): [1], (1, 22): [1], (5, 15): [], (30, 40): [10], (28, 40): [2], (20, 30): [8]}
    for (first, last), read in fits.items():
        fresh = InstrumentedPCA(2).fit(panel[first:last])
        dates.clear()
        assert np.allclose(np.abs(model.fit(panel[first:last]).gamma_), np.abs(fresh.gamma_), atol=1e-5)
        assert dates == read


def test_a_panel_that_only_looks_the_same_is_read_again():
    panel = simulate_market(n_dates=30, n_tickers=30, n_characteristics=5).panel
    other = replace(panel, returns=panel.returns[::-1])
    model = InstrumentedPCA(2, warm_start=True, n_starts=3).fit(panel[:20])
    assert np.allclose(model.fit(other[:20]).reconstruct(other), InstrumentedPCA(2).fit(other[:20]).reconstruct(other))


NETWORKS = {
    "NeuralIPCA": NeuralIPCA(3, (8,), n_members=5, l1=(0.03, 0.06)),
    "CA": ConditionalAutoencoder(3, (8,), n_members=5, l1=(0.003, 0.01)),
}


@pytest.mark.parametrize("model", NETWORKS.values(), ids=NETWORKS)
def test_networks_that_begin_where_the_last_fit_ended_are_as_good_after_fewer_epochs(model):
    panel = simulate_market("nonlinear", n_dates=90, n_tickers=60, n_characteristics=5, seed=2).panel
    splits = [(panel[:a], panel[a : a + 20]) for a in (55, 61, 67)]
    warm, epochs, errors = clone(model).set_params(warm_start=True), {}, {}
    for train, validation in splits:
        cold = clone(model).fit(train, validation)
        warm.fit(train, validation)
        for name, fitted in (("cold", cold), ("warm", warm)):
            epochs.setdefault(name, []).append(len(fitted.history_))  # of all networks
            errors.setdefault(name, []).append(1 - fitted.validation_curve_.max())
    assert errors["warm"][0] == errors["cold"][0], "the first fit has nothing to begin from"
    assert np.mean(epochs["warm"][1:]) < 0.75 * np.mean(epochs["cold"][1:])
    assert np.mean(errors["warm"][1:]) < np.mean(errors["cold"][1:]) + 0.01


@pytest.mark.parametrize("model", NETWORKS.values(), ids=NETWORKS)
def test_networks_that_read_something_else_begin_anew(model):
    panel = simulate_market(n_dates=40, n_tickers=30, n_characteristics=5).panel
    few = clone(model).set_params(epochs=2, l1=0.01)
    turned = replace(panel, characteristic_names=panel.characteristic_names[::-1])
    warm = clone(few).set_params(warm_start=True).fit(panel)
    assert np.array_equal(warm.fit(turned).weights_[0][0], clone(few).fit(turned).weights_[0][0])
    assert not np.array_equal(warm.fit(turned).weights_[0][0], clone(few).fit(turned).weights_[0][0])


def test_networks_of_another_shape_begin_anew():
    panel = simulate_market(n_dates=40, n_tickers=30, n_characteristics=5).panel
    model = NeuralIPCA(2, (4,), warm_start=True, batch_size=5, **FEW).fit(panel)
    fresh = NeuralIPCA(2, (6,), batch_size=5, **FEW).fit(panel)
    assert np.array_equal(model.set_params(hidden_units=(6,)).fit(panel).weights_[0][0], fresh.weights_[0][0])
