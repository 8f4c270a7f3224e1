"""Instrumented principal components along curves: each number by a second route."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.models import layers, solved
from helpers.models.autoencoder import ConditionalAutoencoder
from helpers.models.backend import keras
from helpers.models.ipca import InstrumentedPCA
from helpers.models.least_squares import each_left_out
from helpers.models.neural_ipca import NeuralIPCA
from helpers.models.solved import RIDGE
from helpers.panel import Panel
from tests.common import assert_refused, small_panel

# Keras' own warning.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

RANDOM = np.random.default_rng(0)


def small(**changes):
    how = {"n_factors": 2, "hidden_units": (4,), "n_members": 3, "l1": (1e-3, 3e-2), "epochs": 4, "batch_size": 5}
    return NeuralIPCA(**(how | changes))


def smaller_autoencoder(**changes):
    how = {"n_factors": 2, "hidden_units": (4,), "n_members": 3, "factor_inputs": "managed", "epochs": 4}
    return ConditionalAutoencoder(**(how | {"batch_size": 60} | changes))


def with_returns(panel, where, value):
    returns = panel.returns.copy()
    returns[where] = value
    return replace(panel, returns=returns)


PANEL = small_panel(missing=0.1)
TRAIN, HELD_OUT = PANEL[:22], PANEL[22:32]


@pytest.fixture(scope="module")
def model():
    return small().fit(TRAIN, HELD_OUT)


@pytest.fixture
def uncompiled():
    """Inside the test TensorFlow runs operation by operation: the same arithmetic, without seconds of compilation."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def shape(n_members=2, hidden=(4,), n_factors=2, n_characteristics=3):
    return solved.SolvedShape(n_members, n_characteristics, 0, hidden, n_factors, False)


def dates(n_dates=5, n_tickers=20, n_characteristics=3, missing=0.2, seed=1):
    random = np.random.default_rng(seed)
    z, r = random.normal(size=(n_dates, n_tickers, n_characteristics)), random.normal(size=(n_dates, n_tickers))
    return solved.dates_of(z, r, random.random(r.shape) >= missing)


def tensors(data, indices=None):
    whole = range(data.n_items) if indices is None else indices
    arrays = (data.z, data.row, data.y, data.known)
    return shape().take(keras.ops.convert_to_tensor(np.array(list(whole))), *map(keras.ops.convert_to_tensor, arrays))


def betas_by_hand(weights, m, z):
    """The network of one member, layer by layer."""
    *hidden, (kernel, bias) = [(weights[i][:, m], weights[i + 1][m]) for i in range(0, len(weights), 2)]
    for k, b in hidden:
        z = np.maximum(z @ k + b, 0)
    return z @ kernel + bias


def errors_by_hand(weights, m, data):
    """For each date a regression with the ridge, and one more for each ticker that is left out; by plain loops."""
    plain, alone = [], []
    everything = betas_by_hand(weights, m, data.z.astype(float))
    mean = everything.T @ everything / len(everything)
    for row, y, known in zip(data.row, data.y, data.known > 0, strict=True):
        b, r = betas_by_hand(weights, m, data.z[row[known]].astype(float)), y[known].astype(float)
        ridge = solved.RIDGE * len(r) * mean + solved.JITTER * np.trace(b.T @ b) * np.eye(b.shape[1])
        plain += list(r - b @ np.linalg.solve(b.T @ b + ridge, b.T @ r))
        for s in range(len(r)):
            others = np.arange(len(r)) != s
            f = np.linalg.solve(b[others].T @ b[others] + ridge, b[others].T @ r[others])
            alone.append(r[s] - b[s] @ f)
    return np.array(plain), np.array(alone)


# --- The regression inside --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_factors", [1, 2, 3])
def test_the_errors_are_those_of_regressions_by_plain_loops(n_factors):
    kind, data = shape(n_factors=n_factors), dates()
    weights, _ = layers.initial_weights(kind, 0)
    error, _ = kind.training_error(weights, [], tensors(data))
    counts = keras.ops.convert_to_tensor(np.ones(5, "float32"))
    held_out = kind.held_out_error(weights, [], tensors(data), counts)
    for m in range(2):
        plain, alone = errors_by_hand(weights, m, data)
        assert len(plain) == data.n_known
        assert np.asarray(error)[m] == pytest.approx((plain**2).mean(), rel=1e-5)
        assert np.asarray(held_out)[m] == pytest.approx((alone**2).sum(), rel=1e-4)


def test_the_gradient_goes_through_the_regression():
    kind, data = shape(n_members=1), dates()
    weights, _ = layers.initial_weights(kind, 3)

    def loss(weights):
        return kind.training_error(weights, [], tensors(data))[0][0]

    moved = [tf.convert_to_tensor(w) for w in weights]
    with tf.GradientTape() as tape:
        tape.watch(moved)
        value = loss(moved)
    slopes = tape.gradient(value, moved)
    for i, slope in enumerate(slopes):
        direction, step = RANDOM.normal(size=slope.shape), 1e-5
        ends = []
        for sign in (-1, 1):
            moved_by_hand = [w + (sign * step * direction if j == i else 0) for j, w in enumerate(weights)]
            ends.append((errors_by_hand(moved_by_hand, 0, data)[0] ** 2).mean())
        by_hand = (ends[1] - ends[0]) / (2 * step)
        assert (np.asarray(slope) * direction).sum() == pytest.approx(by_hand, rel=1e-3, abs=1e-5)


def test_a_missing_return_is_nobodys_zero():
    data = dates(missing=0.3)
    nothing = data.known == 0
    assert nothing.any()
    filled = replace(data, row=np.where(nothing, 7, data.row).astype("int32"))
    weights, _ = layers.initial_weights(shape(), 0)
    one, other = (shape().training_error(weights, [], tensors(each))[0] for each in (data, filled))
    assert np.allclose(one, other, rtol=1e-6)


def test_tickers_that_are_there_stand_side_by_side():
    z, r = RANDOM.normal(size=(2, 4, 3)), RANDOM.normal(size=(2, 4))
    known = np.array([[True, False, True, False], [False, True, True, True]])
    data = solved.dates_of(z, r, known)
    assert data.z.shape == (5, 3) and data.known.tolist() == [[1, 1, 0], [1, 1, 1]] and data.n_known == 5
    assert np.allclose(data.y, [[r[0, 0], r[0, 2], 0], r[1, 1:]]) and np.allclose(data.z[data.row[0, 1]], z[0, 2])


def test_the_penalty_is_the_same_for_any_multiple_of_a_kernel():
    kernels = [RANDOM.normal(size=(3, 2, 4)).astype("float32"), np.ones((4, 2, 2), "float32")]
    size = np.asarray(shape().size(kernels))
    assert np.allclose(shape().size([5 * kernels[0], 0.1 * kernels[1]]), size, rtol=1e-5)
    lengths = np.sqrt((kernels[0] ** 2).sum(axis=2))  # of the weights of each characteristic
    by_characteristic = lengths.sum(axis=0) / np.sqrt((lengths**2).sum(axis=0))
    by_weight = np.abs(kernels[1]).sum(axis=(0, 2)) / np.sqrt((kernels[1] ** 2).sum(axis=(0, 2)))
    assert np.allclose(size, by_characteristic + by_weight, rtol=1e-5)
    alone = np.zeros((4, 2, 2), "float32")
    alone[1] = -3  # one characteristic, whatever number of its weights
    assert np.allclose(shape().size([alone]), 1) and np.allclose(shape().size([np.ones_like(alone)]), 2)
    assert np.allclose(shape().size([alone, kernels[1]]), 1 + np.sqrt(8))


def test_what_the_others_say_of_a_ticker_by_leaving_it_out():
    r, b = RANDOM.normal(size=(2, 7)), RANDOM.normal(size=(2, 7, 2))
    said = each_left_out(r, b, ridge=0.02)
    for d in range(2):
        ridge = 0.02 * 6 * np.eye(2)  # for each of the six others
        for s in range(7):
            others = np.arange(7) != s
            f = np.linalg.solve(b[d, others].T @ b[d, others] + ridge, b[d, others].T @ r[d, others])
            assert said[d, s] == pytest.approx(b[d, s] @ f, rel=1e-8)


# --- The model --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["linear", "nonlinear"])
def test_without_a_hidden_layer_it_is_instrumented_pca(case):
    panel = simulate_market(case, n_dates=40, n_tickers=50, n_characteristics=6, seed=2).panel
    how = {"l1": 0.0, "epochs": 500, "patience": 500, "batch_size": 40}
    members = NeuralIPCA(2, hidden_units=(), n_members=4, **how).fit(panel).members_
    best, other = max(member.score(panel) for member in members), InstrumentedPCA(2).fit(panel).score(panel)
    assert best == pytest.approx(other, abs=1e-3) and other > 0.05


def test_curves_explain_what_lines_cannot_from_the_same_data():
    market = simulate_market("nonlinear", n_dates=150, n_tickers=120, n_characteristics=5, seed=0)
    train, validation, test = market.panel[:80], market.panel[80:110], market.panel[110:]
    network = NeuralIPCA(3, (16,), n_members=2, l1=(3e-3, 1e-2), epochs=60).fit(train, validation)
    lines = InstrumentedPCA(3).fit(market.panel[:110])
    truth = total_r2(test.returns, market.reconstruction[110:])
    assert network.score(test) > lines.score(test) + 0.1 and network.score(test) > truth - 0.06


def test_factors_are_the_regression_of_each_date_on_beta(model):
    member = model.members_[1]
    betas, factors = np.asarray(member.betas(PANEL)), np.asarray(member.factors(PANEL))
    for d in range(PANEL.n_dates):
        there = ~np.isnan(PANEL.returns[d]) & ~np.isnan(betas[d]).any(axis=1)
        b, r = betas[d, there].astype(float), PANEL.returns[d, there]
        ridge = solved.RIDGE * len(r) * np.eye(2)
        assert np.allclose(factors[d], np.linalg.solve(b.T @ b + ridge, b.T @ r), rtol=1e-6)


def test_beta_has_the_mean_square_one_and_factors_do_not_move_together(model):
    for member in model.members_:
        betas, factors = np.asarray(member.betas(TRAIN)), np.asarray(member.factors(TRAIN))
        rows = betas[~np.isnan(betas).any(axis=2) & ~np.isnan(TRAIN.returns)]
        assert np.allclose(rows.T @ rows / len(rows), np.eye(2), atol=1e-4)
        squares = factors.T @ factors
        assert abs(squares[0, 1]) < 1e-4 * squares[1, 1] and squares[0, 0] > squares[1, 1]
        assert (factors.mean(axis=0) >= 0).all()


def test_the_reconstruction_is_the_mean_of_the_products_and_the_prediction_of_those_with_lambda(model):
    past, now = PANEL[:32], PANEL[32:]
    products = [np.einsum("dsk,dk->ds", m.betas(now), m.factors(now)) for m in model.members_]
    assert np.allclose(model.reconstruct(now), np.mean(products, axis=0), equal_nan=True)
    said = []
    for m in model.members_:
        known = np.concatenate([m.factors(past), m.factors(now)])
        means = np.array([known[: 32 + d].mean(axis=0) for d in range(now.n_dates)])
        said.append(np.einsum("dsk,dk->ds", m.betas(now), means))
    assert np.allclose(model.predict(now, past), np.mean(said, axis=0), equal_nan=True)


def test_the_strength_kept_is_the_one_whose_ensemble_explains_best_what_is_left_out(uncompiled):
    strengths = (1e-3, 3e-2, 3e-1)
    model = small(l1=strengths, n_members=2, choose="strength").fit(TRAIN, HELD_OUT)
    known = ~np.isnan(HELD_OUT.returns) & ~np.isnan(HELD_OUT.characteristics).any(axis=2)
    for l1 in strengths:
        alone = small(l1=l1, n_members=2).fit(TRAIN, HELD_OUT)
        said = np.mean([
            each_left_out(np.where(known, HELD_OUT.returns, 0), np.where(known[..., None], m.betas(HELD_OUT), 0), RIDGE)
            for m in alone.members_
        ], axis=0)  # fmt: skip
        left_out = total_r2(np.where(known, HELD_OUT.returns, np.nan), np.where(known, said, 0))
        assert model.validation_curve_[l1] == pytest.approx(left_out, abs=1e-3)
    assert model.l1_ == model.validation_curve_.idxmax()


def test_members_and_strengths_do_not_touch_each_other(uncompiled):
    many = small(l1=(1e-3, 3e-2), n_members=3, epochs=2).fit(TRAIN, HELD_OUT)
    for network, (l1, start) in zip(many.members_, many.chosen_.itertuples(index=False), strict=True):
        alone = small(l1=l1, n_members=3, epochs=2, choose="strength").fit(TRAIN, HELD_OUT).members_[start]
        assert np.allclose(network.reconstruct(PANEL), alone.reconstruct(PANEL), atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("make", [small, smaller_autoencoder])
def test_the_networks_kept_are_the_best_of_all_strengths_on_the_held_out_dates(make):
    strengths = (1e-3, 3e-2, 1e-1)
    model = make(l1=strengths, choose="networks").fit(TRAIN, HELD_OUT)
    alone = {l1: make(l1=l1, choose="strength").fit(TRAIN, HELD_OUT).members_ for l1 in strengths}
    every = [(l1, m, network) for l1 in strengths for m, network in enumerate(alone[l1])]
    there = ~np.isnan(HELD_OUT.returns) & ~np.isnan(HELD_OUT.characteristics).any(axis=2)

    def error(network):
        said = np.asarray(network.leave_one_out(HELD_OUT) if make is small else network.reconstruct(HELD_OUT))
        return ((HELD_OUT.returns - said)[there] ** 2).sum()

    best = sorted(every, key=lambda each: error(each[2]))[: len(model.members_)]
    assert [(l1, m) for l1, m, _ in best] == list(model.chosen_.itertuples(index=False, name=None))
    own = [l1 for l1, *_ in best]
    assert [member.l1_ for member in model.members_] == own and model.l1_ == max(own, key=own.count)
    for member, (*_, network) in zip(model.members_, best, strict=True):
        assert np.allclose(member.reconstruct(PANEL), network.reconstruct(PANEL), atol=1e-5, equal_nan=True)
        assert member.chosen_.to_dict("list") == {"l1": [member.l1_], "member": [0]}
    means = np.mean([network.reconstruct(PANEL) for *_, network in best], axis=0)
    assert np.allclose(model.reconstruct(PANEL), means, atol=1e-5, equal_nan=True)


def test_what_validation_chooses_is_one_of_two_things():
    with pytest.raises(ValueError, match="choose must be one of 'strength', 'networks'; 'best' was given"):
        small(choose="best").fit(TRAIN, HELD_OUT)


def test_permuted_tickers_move_no_number(uncompiled):
    order = np.random.default_rng(3).permutation(PANEL.n_tickers)

    def permuted(panel):
        return panel.select_tickers(panel.tickers[order])

    one, other = small(epochs=2).fit(TRAIN, HELD_OUT), small(epochs=2).fit(permuted(TRAIN), permuted(HELD_OUT))
    assert np.allclose(one.reconstruct(PANEL)[:, order], other.reconstruct(permuted(PANEL)), atol=1e-5, equal_nan=True)


def test_units_of_returns_do_not_matter(model):
    def scaled(panel):
        return replace(panel, returns=100 * panel.returns)

    other = small().fit(scaled(TRAIN), scaled(HELD_OUT))
    assert np.allclose(other.reconstruct(scaled(PANEL)), 100 * model.reconstruct(PANEL), rtol=1e-3, equal_nan=True)
    assert other.l1_ == model.l1_


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(model):
    again, other = small().fit(TRAIN, HELD_OUT), small(seed=1).fit(TRAIN, HELD_OUT)
    assert np.array_equal(again.reconstruct(PANEL), model.reconstruct(PANEL), equal_nan=True)
    assert not np.allclose(other.reconstruct(PANEL), model.reconstruct(PANEL), equal_nan=True)


def test_the_future_moves_nothing_earlier(model):
    later = with_returns(PANEL, (35, 0), 0.5)
    assert np.array_equal(model.reconstruct(later)[:35], model.reconstruct(PANEL)[:35], equal_nan=True)
    past = PANEL[:32]
    one, other = model.predict(PANEL[32:], past), model.predict(later[32:], past)
    assert np.array_equal(one[:4], other[:4], equal_nan=True) and not np.array_equal(one[4:], other[4:], equal_nan=True)


def test_a_stronger_penalty_leaves_fewer_weights(uncompiled):
    def sizes(l1):
        how = {"n_members": 1, "epochs": 40, "patience": 40, "learning_rate": 0.03}
        first, *_ = small(l1=l1, **how).fit(TRAIN).weights_[0]
        return np.abs(first).sum() / np.sqrt((first**2).sum())

    weak, strong = sizes(0.0), sizes(3.0)
    assert strong < weak - 0.5 and strong >= 1


def test_more_factors_than_the_returns_have_is_no_error():
    panel = simulate_market("linear", n_dates=60, n_tickers=30, n_characteristics=8, seed=0).panel
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model = NeuralIPCA(6, (4,), n_members=1, l1=3e-2, epochs=20).fit(panel[:30], panel[30:45])
    assert np.isfinite(model.reconstruct(panel[45:])).all()


# --- Refusals ---------------------------------------------------------------------------------------------------------

SPARSE = with_returns(PANEL, (5, slice(2, None)), np.nan)
REFUSED = [
    (lambda: small().fit(TRAIN), ValueError, ("l1 holds 2 strengths", "validation panel")),
    (lambda: small(l1=()).fit(TRAIN, HELD_OUT), ValueError, ("l1 must be a number",)),
    (lambda: small(l1=-1.0).fit(TRAIN), ValueError, ("l1 must be", "-1")),
    (lambda: small(n_factors=4).fit(TRAIN, HELD_OUT), ValueError, ("n_factors must be between 1 and 3", "4")),
    (lambda: small(batch_size=1).fit(TRAIN, HELD_OUT), ValueError, ("batch_size must be at least 2",)),
    (lambda: small(hidden_units=(0,)).fit(TRAIN, HELD_OUT), ValueError, ("hidden_units must be at least 1",)),
    (lambda: small().fit(SPARSE[:22], HELD_OUT), ValueError, ("too few tickers at the date(s)", "2 factors of a date")),
    (lambda: small(l1=0.1).fit(TRAIN.returns), TypeError, ("Panel",)),
    (lambda: small().fit(HELD_OUT, TRAIN), ValueError, ("validation must begin after the panel ends",)),
    (lambda: small().fit(Panel(returns=TRAIN.returns), HELD_OUT), ValueError, ("characteristics",)),
]


@pytest.mark.parametrize(("call", "error", "fragments"), REFUSED)
def test_bad_input_is_refused(call, error, fragments):
    assert_refused(call, error, *fragments)


def test_an_ensemble_has_no_beta_of_its_own_and_a_thin_date_is_named(model):
    assert_refused(lambda: model.betas(PANEL), ValueError, "members_[0].betas")
    assert_refused(lambda: model.reconstruct(SPARSE), ValueError, "too few tickers at the date(s)")
