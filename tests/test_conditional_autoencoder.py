"""Stacks of conditional autoencoders, against Keras models trained alone, numpy, instrumented PCA and plain loops."""

import functools
import gc
import os
import pickle
import random
import runpy
import subprocess
import sys
import warnings
import zipfile
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.models import compiling, layers, stacked
from helpers.models.autoencoder import PAPER_MODELS, ConditionalAutoencoder
from helpers.models.backend import keras
from helpers.models.ipca import InstrumentedPCA
from helpers.models.managed import managed_portfolios
from helpers.panel import Panel
from tests.common import assert_refused, small_panel, with_value

if keras.backend.backend() != "tensorflow":
    pytest.skip("These tests train reference models on TensorFlow.", allow_module_level=True)
import tensorflow as tf

# Keras' own warning.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

PANEL, GAPPY = small_panel(), small_panel(missing=0.15)
TRAIN, HELD_OUT = slice(0, 25), slice(25, 40)
R, Z = PANEL.returns, PANEL.characteristics
EVEN, ODD = (slice(None), slice(None, None, 2), 0), (slice(None), slice(1, None, 2), 1)  # a part of the characteristics
L1 = (1e-3, 3e-2)


def small(**changes):
    """Two strengths of L1, two members each: CA1 with four hidden units and two factors, which most tests share."""
    parameters = {
        "n_factors": 2, "hidden_units": (4,), "n_members": 2, "l1": L1, "batch_size": 60, "epochs": 8, "patience": 3
    }
    return ConditionalAutoencoder(**(parameters | changes))


def fitted(panel=PANEL, **changes):
    return small(**changes).fit(panel[TRAIN], panel[HELD_OUT])


@pytest.fixture(scope="module")
def model():
    """Not to be changed by a test."""
    return fitted(seed=3)


@pytest.fixture
def uncompiled():
    """Inside the test TensorFlow runs operation by operation: the same arithmetic, without seconds of compilation."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def observations(panel, scales=(1.0, 1.0)):
    """The known returns as rows, by plain loops."""
    rows = [
        (panel.characteristics[d, s], d, panel.returns[d, s] / scales[0])
        for d in range(panel.n_dates)
        for s in range(panel.n_tickers)
        if np.isfinite(panel.returns[d, s]) and np.isfinite(panel.characteristics[d, s]).all()
    ]
    z, date, y = (np.array(column) for column in zip(*rows, strict=True))
    return stacked.Observations(
        z.astype("float32"), (panel.portfolios / scales[1]).astype("float32"), date.astype("int32"), y.astype("float32")
    )


TRAINING, UNSEEN = (observations(small_panel(seed=1)[part], (0.1, 0.05)) for part in (TRAIN, HELD_OUT))


def shape(n_members, hidden=(4,), batch_normalization=True):
    return stacked.Shape(n_members, 3, 2, hidden, 2, batch_normalization)


def train(n_members, weights=None, hidden=(4,), batch_normalization=True, l1=None, unseen=UNSEEN, **changes):
    together = shape(n_members, hidden, batch_normalization)
    how = {"learning_rate": 0.01, "batch_size": 60, "epochs": 8, "patience": 8, "seed": 0} | changes
    l1 = np.linspace(0, 0.02, n_members) if l1 is None else l1
    return stacked.train(together, weights or layers.initial_weights(together, 0), TRAINING, unseen, l1, **how)


def one_member(weights, member, n_members):
    return layers.select_members(weights, [member], n_members)


def assert_same_weights(a, b, rtol=1e-4, atol=1e-5):
    __tracebackhide__ = True
    for part, other in zip(a, b, strict=True):
        for array, other_array in zip(part, other, strict=True):
            np.testing.assert_allclose(array, other_array, rtol=rtol, atol=atol)


def betas_by_hand(weights, hidden, batch_normalization, z):
    """The Beta network of a stack of one, in numpy: (n_rows, n_factors)."""
    moved, kept = ([np.asarray(array, float) for array in part] for part in weights)
    values = np.asarray(z, float)
    for _ in hidden:
        kernel, bias = moved.pop(0)[:, 0], moved.pop(0)[0]
        values = np.maximum(values @ kernel + bias, 0)
        if batch_normalization:
            scale, shift, mean, variance = moved.pop(0), moved.pop(0), kept.pop(0), kept.pop(0)
            values = scale * (values - mean) / np.sqrt(variance + 1e-3) + shift
    values = values @ moved.pop(0)[:, 0]
    return values + moved.pop(0)[0] if hidden else values


def errors_by_hand(weights, hidden, batch_normalization, seen):
    """The errors y - β · F of a stack of one."""
    factors = seen.x @ weights[0][-1][:, 0]
    return seen.y - (betas_by_hand(weights, hidden, batch_normalization, seen.z) * factors[seen.date]).sum(axis=1)


def test_the_papers_models_have_the_papers_layers_and_it_is_ca1_unless_another_is_asked_for():
    assert PAPER_MODELS == {"CA0": (), "CA1": (32,), "CA2": (32, 16), "CA3": (32, 16, 8)}
    assert ConditionalAutoencoder().hidden_units == PAPER_MODELS["CA1"]


# The stack against networks alone


def keras_model(weights, hidden, batch_normalization, l1):
    """One member as an ordinary Keras model, with the weights of a stack of one."""
    penalty = {"kernel_regularizer": keras.regularizers.L1(l1)}
    z, x = keras.Input((3,)), keras.Input((2,))
    values, reading = z, []
    for units in hidden:
        reading.append(keras.layers.Dense(units, activation="relu", **penalty))
        values = reading[-1](values)
        if batch_normalization:
            reading.append(keras.layers.BatchNormalization(momentum=layers.MOMENTUM))
            values = reading[-1](values)
    reading += [
        keras.layers.Dense(2, use_bias=bool(hidden), **penalty), keras.layers.Dense(2, use_bias=False, **penalty)
    ]
    product = keras.layers.Dot(axes=1)([reading[-2](values), reading[-1](x)])
    model = keras.Model([z, x], product)
    for name, part in zip(("trainable_variables", "non_trainable_variables"), weights, strict=True):
        variables = [variable for layer in reading for variable in getattr(layer, name)]
        for variable, array in zip(variables, part, strict=True):
            variable.assign(array.reshape(variable.shape))
    adam = keras.optimizers.Adam(0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
    model.compile(loss="mse", optimizer=adam, run_eagerly=True, metrics=["mse"])
    return model, reading


@pytest.mark.parametrize("batch_normalization", [True, False], ids=["normalised", "plain"])
@pytest.mark.parametrize("hidden", [(), (4,), (4, 3), (4, 3, 2)], ids=PAPER_MODELS)
def test_each_member_is_an_ordinary_keras_model_trained_alone(hidden, batch_normalization, uncompiled):
    together, l1 = shape(2, hidden, batch_normalization), np.array([0.0, 0.02])
    start = layers.initial_weights(together, seed=5)
    weights, history = train(2, start, hidden, batch_normalization, l1, epochs=2, seed=7)
    for member in (0, 1):
        alone, parts = keras_model(one_member(start, member, 2), hidden, batch_normalization, l1[member])
        states = []
        for epoch in (1, 2):
            order = np.random.default_rng([7, epoch, 300]).permutation(300)
            losses = []
            for rows in order.reshape(5, 60):
                alone.reset_metrics()
                batch = [TRAINING.z[rows], TRAINING.x[TRAINING.date[rows]]]
                losses.append(alone.train_on_batch(batch, TRAINING.y[rows], return_dict=True)["mse"])
            unseen = keras.ops.convert_to_numpy(alone([UNSEEN.z, UNSEEN.x[UNSEEN.date]], training=False))[:, 0]
            kinds = ("trainable_variables", "non_trainable_variables")
            state = [
                [keras.ops.convert_to_numpy(v) for layer in parts for v in getattr(layer, kind)] for kind in kinds
            ]
            states.append((np.mean(losses), np.mean((UNSEEN.y - unseen) ** 2), state))
        ours = history[history["member"] == member]
        assert np.allclose(ours["training"], [state[0] for state in states], rtol=1e-4)
        assert np.allclose(ours["validation"], [state[1] for state in states], rtol=1e-4)
        best = min(states, key=lambda state: state[1])[2]
        assert_same_weights([[a.squeeze() for a in part] for part in one_member(weights, member, 2)],
                            [[a.squeeze() for a in part] for part in best])  # fmt: skip


def test_machine_code_does_what_keras_does_operation_by_operation():
    weights, history = train(4, epochs=3)
    tf.config.run_functions_eagerly(True)
    try:
        plain_weights, plain_history = train(4, epochs=3)
    finally:
        tf.config.run_functions_eagerly(False)
    assert_same_weights(weights, plain_weights)
    assert np.allclose(history, plain_history, rtol=1e-4)


def test_a_member_ends_with_the_weights_that_it_reaches_alone():
    start, l1 = layers.initial_weights(shape(4), 0), np.array([0.0, 1e-3, 1e-2, 3e-2])
    together, history = train(4, start, l1=l1, epochs=15, patience=2)
    for member in (0, 2):
        alone, own_history = train(1, one_member(start, member, 4), l1=l1[[member]], epochs=15, patience=2)
        assert_same_weights(one_member(together, member, 4), alone)
        ours = history[history["member"] == member]
        assert np.allclose(
            ours[["epoch", "training", "validation"]], own_history[["epoch", "training", "validation"]], rtol=1e-4
        )


def test_the_l1_of_one_member_does_not_move_the_others():
    a, _ = train(4, l1=np.array([0, 0.01, 0.02, 0.03]))
    b, _ = train(4, l1=np.array([0, 0.01, 0.5, 0.03]))
    for member in (0, 1, 3):
        assert_same_weights(one_member(a, member, 4), one_member(b, member, 4), rtol=0, atol=0)
    assert np.abs(one_member(a, 2, 4)[0][0] - one_member(b, 2, 4)[0][0]).max() > 0.01


def test_a_larger_stack_begins_with_the_members_of_a_smaller_one():
    many, few = layers.initial_weights(shape(5), 1), layers.initial_weights(shape(3), 1)
    assert_same_weights(layers.select_members(many, [0, 1, 2], 5), few, rtol=0, atol=0)
    four, _ = train(4, l1=np.full(4, 0.01))
    two, _ = train(2, l1=np.full(2, 0.01))
    assert_same_weights(layers.select_members(four, [0, 1], 4), two)


def test_members_start_apart_within_glorots_limits_and_with_the_constants_at_zero():
    moved, _ = layers.initial_weights(shape(5, (4, 3)), 0)
    kernels = [array for array in moved if array.ndim == 3]
    assert [kernel.shape for kernel in kernels] == [(3, 5, 4), (4, 5, 3), (3, 5, 2), (2, 5, 2)]
    for kernel in kernels:
        limit = np.sqrt(6 / (kernel.shape[0] + kernel.shape[2]))
        assert 0.7 * limit < np.abs(kernel).max() <= limit and np.unique(kernel).size == kernel.size
    assert not any(array.any() for array in moved if array.ndim == 2)


def test_members_are_selected_in_the_order_asked_for_and_repeatedly():
    weights = [np.arange(3 * 4 * 2.0).reshape(3, 4, 2), np.arange(4 * 2.0).reshape(4, 2)], [np.arange(8.0)]
    (kernel, bias), (mean,) = layers.select_members(weights, [2, 0, 2], 4)
    for i, member in enumerate([2, 0, 2]):
        assert np.array_equal(kernel[:, i], weights[0][0][:, member]) and np.array_equal(bias[i], weights[0][1][member])
        assert mean.reshape(3, 2)[i].tolist() == [2 * member, 2 * member + 1]


def test_a_block_of_betas_holds_as_many_rows_as_its_members_leave_room_for():
    z = np.zeros((50_000, 3), "float32")

    def sizes(n_members):
        alone = shape(n_members, (), False)
        weights = layers.initial_weights(alone, 0)
        return [len(betas) for _, betas in layers.blocks_of_betas(alone, weights, z)]

    assert sizes(1) == [40_960, 9_040]  # each block takes time of its own, however small
    assert set(sizes(10)) == {4096, 848} and max(sizes(80)) == 1024


@pytest.mark.parametrize("batch_normalization", [True, False], ids=["normalised", "plain"])
@pytest.mark.parametrize("hidden", [(), (4,), (4, 3), (4, 3, 2)], ids=PAPER_MODELS)
def test_betas_are_a_forward_pass_in_numpy_whatever_the_size_of_the_blocks(hidden, batch_normalization):
    draw, together = np.random.default_rng(0), shape(3, hidden, batch_normalization)
    weights = tuple(
        [array + draw.uniform(0.1, 0.5, array.shape).astype("float32") for array in part]
        for part in layers.initial_weights(together, 0)
    )
    z = draw.normal(size=(25, 3)).astype("float32")
    betas = layers.member_betas(together, weights, z)
    assert betas.shape == (25, 3, 2)
    assert np.allclose(layers.member_betas(together, weights, z, n_rows=8), betas, atol=1e-6)
    for member in range(3):
        by_hand = betas_by_hand(one_member(weights, member, 3), hidden, batch_normalization, z)
        assert np.allclose(betas[:, member], by_hand, atol=1e-5)


# The fitted model


def test_betas_factors_and_reconstruction_are_those_of_each_members_weights_by_hand(model):
    products = []
    for member in range(2):
        alone = one_member(model.weights_, member, 2)
        betas = betas_by_hand(alone, (4,), True, Z.reshape(-1, 3)).reshape(40, 12, 2)
        factors = PANEL.portfolios @ model.factor_weights_[member]
        assert np.allclose(model.members_[member].betas(PANEL), betas, atol=1e-5)
        assert np.allclose(model.members_[member].factors(PANEL), factors)
        products.append([betas[d] @ factors[d] for d in range(40)])
    assert model.factor_weights_.shape == (2, 2, 2)
    assert np.allclose(model.reconstruct(PANEL), np.mean(products, axis=0), atol=1e-6)


def test_factor_weights_undo_the_units_that_the_networks_train_in(model):
    inputs, returns = PANEL.portfolios[TRAIN], R[TRAIN]
    lengths = np.sqrt([np.mean(column**2) for column in inputs.T])
    for member in range(2):
        trained = one_member(model.weights_, member, 2)[0][-1][:, 0]
        assert np.allclose(model.factor_weights_[member], trained / lengths[:, None] * np.sqrt(np.mean(returns**2)))
    assert np.isclose(model.returns_scale_, np.sqrt(np.mean(returns**2)))


def test_the_same_betas_have_factors_by_weights_or_by_the_regression_of_each_date(model):
    other = clone(model).set_params(factors="regression", epochs=1).fit(PANEL[TRAIN], PANEL[HELD_OUT])
    assert other.get_params()["factors"] == vars(other)["factors"] == "regression" and "regression" in repr(other)
    solved = deepcopy(model).set_params(factors="regression")
    for one, two in zip(model.members_, solved.members_, strict=True):
        betas = np.asarray(two.betas(PANEL))
        assert np.array_equal(betas, one.betas(PANEL), equal_nan=True)
        for d in range(PANEL.n_dates):
            there = ~np.isnan(PANEL.returns[d]) & ~np.isnan(betas[d]).any(axis=1)
            by_hand, *_ = np.linalg.lstsq(betas[d, there], PANEL.returns[d, there], rcond=None)
            assert np.allclose(np.asarray(two.factors(PANEL))[d], by_hand, rtol=1e-6, atol=1e-10)
    assert solved.score(PANEL) > model.score(PANEL)
    without = replace(PANEL, portfolios=None, portfolio_names=None)
    assert np.array_equal(solved.reconstruct(without), solved.reconstruct(PANEL), equal_nan=True)
    thin = replace(PANEL, returns=np.where(np.arange(12) < 2, PANEL.returns, np.nan))
    assert_refused(lambda: solved.reconstruct(thin), ValueError, "too few tickers at the date(s)")
    words = "factors must be one of", "'regression'; 'both' was given"
    assert_refused(lambda: small(factors="both", l1=0.1).fit(PANEL[TRAIN]), ValueError, *words)


def test_the_mean_of_the_products_is_not_the_product_of_the_means(model):
    betas = np.mean([member.betas(PANEL) for member in model.members_], axis=0)
    factors = np.mean([member.factors(PANEL) for member in model.members_], axis=0)
    assert not np.allclose(np.einsum("dsk,dk->ds", betas, factors), model.reconstruct(PANEL), rtol=0.1, atol=1e-4)


def test_an_ensemble_has_no_betas_or_factors_of_its_own_and_says_whom_to_ask(model):
    for what in ("betas", "factors"):
        words = "2 members", f"no {what} of its own", f"model.members_[0].{what}(panel)", "reconstruct(panel)"
        assert_refused(lambda what=what: getattr(model, what)(PANEL), ValueError, *words)
    assert_refused(lambda: model.expected_factors(PANEL[30:], PANEL[:30]), ValueError, "members_[0].factors")


def test_the_members_are_models_of_one_network_each_with_what_they_have_in_common(model):
    first, second = model.members_
    for member in (first, second):
        assert type(member) is ConditionalAutoencoder and member.get_params() == model.get_params() | {"n_members": 1}
        assert member.members_ == [member]
        assert (member.l1_, member.returns_scale_) == (model.l1_, model.returns_scale_)
        pd.testing.assert_series_equal(member.validation_curve_, model.validation_curve_)
        assert member.factor_weights_.shape == (1, 2, 2)
    assert not np.allclose(first.betas(PANEL), second.betas(PANEL))
    assert np.allclose(model.reconstruct(PANEL), (first.reconstruct(PANEL) + second.reconstruct(PANEL)) / 2)


def test_the_history_of_a_member_is_its_own_part_of_the_whole(model):
    for m, member in enumerate(model.members_):
        own = model.history_[model.history_["member"] == m]
        assert len(own) and (member.history_["member"] == 0).all()
        assert member.history_.drop(columns="member").equals(own.drop(columns="member").reset_index(drop=True))


def test_a_model_of_one_network_is_its_own_member_and_has_betas_and_factors(model):
    alone = fitted(n_members=1, l1=(1e-3, 2e-3, 3e-3, 4e-3))  # four networks in all, as most tests have
    assert alone.members_ == [alone]
    betas, factors = alone.betas(PANEL), alone.factors(PANEL)
    assert betas.shape == (40, 12, 2) and factors.shape == (40, 2)
    assert np.allclose(alone.reconstruct(PANEL), np.einsum("dsk,dk->ds", betas, factors))


@pytest.mark.parametrize("what", ["returns", "portfolios"])
def test_units_of_returns_and_portfolios_do_not_matter(what, model):
    scaled = replace(PANEL, **{what: 100 * getattr(PANEL, what)})
    other = fitted(scaled, seed=3)
    expected = model.reconstruct(PANEL) * (100 if what == "returns" else 1)
    assert np.allclose(other.reconstruct(scaled), expected, rtol=1e-2, atol=1e-3 * np.abs(expected).max())
    assert np.allclose(other.validation_curve_, model.validation_curve_, atol=1e-4)


def test_prediction_is_the_past_mean_of_each_members_factors_by_plain_loops(model):
    past, later = PANEL[:30], PANEL[30:]
    expected = np.zeros((10, 12))
    for member in range(2):
        betas, factors = model.members_[member].betas(PANEL), model.members_[member].factors(PANEL)
        for d in range(10):
            for s in range(12):
                expected[d, s] += betas[30 + d, s] @ factors[: 30 + d].mean(axis=0) / 2
    assert np.allclose(model.predict(later, past), expected)


def test_the_future_moves_no_earlier_prediction_or_reconstruction(model):
    changed = Panel(**{
        name: np.concatenate([getattr(PANEL, name)[:35], 3 - getattr(PANEL, name)[35:]])
        for name in ("returns", "characteristics", "portfolios")
    }, dates=PANEL.dates, characteristic_names=PANEL.characteristic_names,
       portfolio_names=PANEL.portfolio_names)  # fmt: skip
    a, b = (model.predict(panel[30:], panel[:30]) for panel in (PANEL, changed))
    assert np.array_equal(a[:5], b[:5]) and not np.allclose(a[5:], b[5:])
    assert np.array_equal(model.reconstruct(PANEL)[:35], model.reconstruct(changed)[:35])


def test_prediction_does_not_read_the_return_of_its_own_date():
    panel = simulate_market(n_dates=40, n_tickers=12, n_characteristics=3).panel
    model = fitted(panel, factor_inputs="managed", n_factors=2)
    changed = replace(panel, returns=np.concatenate([panel.returns[:35], panel.returns[35:] * 3 + 1]))
    a, b = (model.predict(p[30:], p[:30]) for p in (panel, changed))
    assert np.array_equal(a[:6], b[:6]) and not np.allclose(a[6:], b[6:])


# What is found where the truth is known


def test_a_linear_market_without_noise_is_recovered():
    market = simulate_market(n_dates=60, n_tickers=40, n_characteristics=4, seed=1)
    rows = np.einsum("dsk,dk->ds", market.betas, market.panel.portfolios[:, :3])
    panel = replace(market.panel, returns=rows)
    model = ConditionalAutoencoder(3, (), n_members=1, l1=0, batch_size=200, epochs=60, patience=60, learning_rate=0.02)
    model.fit(panel[:40], panel[40:50])
    assert total_r2(panel[50:].returns, model.reconstruct(panel[50:])) > 0.99


def test_where_characteristics_are_constant_the_linear_network_is_instrumented_pca():
    normal = np.random.default_rng(0).normal
    z = normal(size=(30, 4))
    returns = normal(size=(50, 2)) @ (z @ normal(size=(4, 2))).T + normal(size=(50, 30))
    panel = Panel(returns=0.1 * returns, characteristics=np.broadcast_to(z, (50, 30, 4)))
    linear = ConditionalAutoencoder(
        2, (), n_members=1, factor_inputs="managed", l1=0, batch_size=300, epochs=150, patience=150, learning_rate=0.02
    ).fit(panel)
    best = total_r2(panel.returns, InstrumentedPCA(2).fit(panel).reconstruct(panel))
    assert best - 5e-3 < total_r2(panel.returns, linear.reconstruct(panel)) < best + 1e-6


def explained(**changes):
    """The total R² of two networks at dates after those of fit and validation."""
    panel = simulate_market("nonlinear", n_dates=60, n_tickers=30, n_characteristics=3).panel
    model = ConditionalAutoencoder(2, (4,), n_members=2, l1=(1e-3, 1e-2), batch_size=60, **changes)
    model.fit(panel[:30], panel[30:45])
    return total_r2(panel[45:].returns, model.reconstruct(panel[45:]))


def test_an_untrained_network_explains_nothing_and_more_epochs_explain_more():
    untrained, one, ten = explained(learning_rate=1e-9, epochs=1), explained(epochs=1), explained(epochs=10)
    assert untrained < 0 < one < 0.1 < ten < 0.25


# Early stopping


def test_weights_are_those_of_each_members_best_epoch():
    weights, history = train(4, epochs=30, patience=3, l1=np.array([0, 1e-3, 1e-2, 0.1]))
    for member, own in history.groupby("member"):
        errors = errors_by_hand(one_member(weights, member, 4), (4,), True, UNSEEN)
        assert np.isclose(np.mean(errors**2), own["validation"].min(), rtol=1e-4)


def test_each_member_stops_patience_epochs_after_its_best():
    _, history = train(4, epochs=60, patience=2)
    lasts = []
    for _, own in history.groupby("member"):
        assert own["epoch"].tolist() == list(range(1, len(own) + 1))
        best = own["epoch"].iloc[own["validation"].argmin()]
        assert own["epoch"].max() == best + 2
        lasts.append(own["epoch"].max())
    assert len(set(lasts)) > 1 and max(lasts) < 60


def test_a_network_that_stands_still_stops_as_soon_as_its_patience_ends(uncompiled, monkeypatch):
    """Its error stays the same to the last bit, and that is no improvement; when all have stopped, so does the work."""
    epochs, report = [], stacked._report_lost

    def count(lost, best_epoch, epoch):
        epochs.append(epoch)
        report(lost, best_epoch, epoch)

    monkeypatch.setattr(stacked, "_report_lost", count)
    start = layers.initial_weights(shape(2, batch_normalization=False), 0)
    weights, history = train(2, start, batch_normalization=False, learning_rate=1e-30, epochs=50, patience=3)
    assert history.groupby("member")["epoch"].max().tolist() == [4, 4] and epochs == [1, 2, 3, 4]
    assert (history.groupby("member")["validation"].nunique() == 1).all()
    assert_same_weights(weights, start, rtol=0, atol=1e-25)


def test_epochs_are_honoured():
    assert train(4, epochs=4, patience=50)[1].groupby("member")["epoch"].max().tolist() == [4] * 4
    assert train(4, epochs=1)[1]["epoch"].tolist() == [1] * 4


def test_later_epochs_do_not_change_a_member_that_has_stopped():
    weights, history = train(4, epochs=60, patience=2)
    lasts = history.groupby("member")["epoch"].max()
    first = lasts.idxmin()
    assert lasts[first] < lasts.max()
    short, _ = train(4, epochs=lasts[first], patience=2)
    assert_same_weights(one_member(weights, first, 4), one_member(short, first, 4), rtol=0, atol=0)


def test_the_error_of_an_epoch_counts_every_held_out_return_once_though_batches_do_not_divide_them():
    weights, history = train(4, epochs=1)
    few = stacked.Observations(UNSEEN.z[:95], UNSEEN.x, UNSEEN.date[:95], UNSEEN.y[:95])
    _, own = train(4, epochs=1, unseen=few)
    for member in range(4):
        for seen, found in ((UNSEEN, history), (few, own)):
            errors = errors_by_hand(one_member(weights, member, 4), (4,), True, seen)
            assert np.isclose(found["validation"][member], np.mean(errors**2), rtol=1e-4)


def test_without_a_validation_panel_the_panel_takes_its_place():
    alone, twice = (small(n_members=4, l1=0.01).fit(PANEL, *held_out) for held_out in ((), (afterwards(PANEL),)))
    assert np.array_equal(alone.reconstruct(PANEL), twice.reconstruct(PANEL))


def test_the_history_names_strengths_and_members(model):
    history = model.history_
    assert list(history.columns) == ["l1", "epoch", "member", "training", "validation"]
    assert set(history["l1"]) == set(L1) and set(history["member"]) == {0, 1}
    assert (history.groupby(["l1", "member"])["epoch"].min() == 1).all()


def test_the_history_numbers_three_members_alike_at_every_strength(uncompiled):
    parts = ["epoch", "training", "validation"]
    whole = fitted(n_members=3, epochs=2).history_
    assert whole.groupby(["l1", "member"]).size().to_dict() == {(l1, m): 2 for l1 in L1 for m in range(3)}
    for strength in L1:
        alone = fitted(n_members=3, epochs=2, l1=strength).history_
        assert alone["training"].nunique() == 6  # every number is of one member and epoch alone
        for m in range(3):
            ours, own = whole[(whole["l1"] == strength) & (whole["member"] == m)], alone[alone["member"] == m]
            assert np.allclose(ours[parts], own[parts], rtol=1e-4)


# The strength of L1


def test_the_strength_kept_is_the_one_whose_ensemble_explains_the_validation_panel_best(model):
    assert model.l1_ == model.validation_curve_.idxmax() and list(model.validation_curve_.index) == list(L1)
    held_out = PANEL[HELD_OUT]
    assert np.isclose(model.validation_curve_.max(), total_r2(held_out.returns, model.reconstruct(held_out)), atol=1e-5)
    for strength in L1:
        alone = fitted(seed=3, l1=strength)
        expected = total_r2(held_out.returns, alone.reconstruct(held_out))
        assert np.isclose(model.validation_curve_[strength], expected, atol=1e-4)
        if strength == model.l1_:
            assert np.allclose(alone.reconstruct(PANEL), model.reconstruct(PANEL), atol=1e-5)


def test_the_best_strength_is_kept_wherever_it_stands(model):
    reverse = fitted(seed=3, l1=L1[::-1])
    assert reverse.l1_ == model.l1_
    assert np.allclose(reverse.reconstruct(PANEL), model.reconstruct(PANEL), atol=1e-6)


def test_a_huge_strength_sends_the_kernels_to_zero_but_not_the_constants():
    nothing = replace(UNSEEN, y=0 * UNSEEN.y)  # the best epoch is then the one that explains least
    weights, _ = train(4, l1=np.array([0, 0, 10.0, 10.0]), epochs=120, patience=120, unseen=nothing)
    kernels = [array for array in weights[0] if array.ndim == 3]
    loose, tight = (max(np.abs(kernel[:, members]).mean() for kernel in kernels) for members in ([0, 1], [2, 3]))
    assert tight < 0.02 and loose > 0.2 and np.abs(weights[0][1][2:]).max() > 0.02


# Missing values


def test_characteristics_of_a_missing_return_do_not_matter_to_the_fit():
    filled = replace(GAPPY, characteristics=np.where(np.isnan(GAPPY.returns)[:, :, None], 1e6, Z))
    a, b = fitted(GAPPY), fitted(filled)
    assert np.array_equal(a.reconstruct(PANEL), b.reconstruct(PANEL)) and a.history_.equals(b.history_)


def test_a_return_without_characteristics_does_not_matter_to_the_fit():
    z = with_value(Z, (slice(None), 4, 1), np.nan)
    a, b = (fitted(replace(PANEL, characteristics=z, returns=with_value(R, (slice(None), 4), r))) for r in (0.5, 1e6))
    assert np.array_equal(a.reconstruct(PANEL), b.reconstruct(PANEL)) and a.history_.equals(b.history_)
    assert a.returns_scale_ == b.returns_scale_ == pytest.approx(np.sqrt(np.mean(np.delete(R, 4, axis=1)[TRAIN] ** 2)))


def test_what_is_known_is_fitted_and_scaled_by_what_is_known():
    model = fitted(GAPPY)
    known = GAPPY.returns[TRAIN][~np.isnan(GAPPY.returns[TRAIN])]
    assert np.isclose(model.returns_scale_, np.sqrt(np.mean(known**2)))
    assert np.isfinite(model.reconstruct(GAPPY)).all()
    assert np.isclose(
        model.validation_curve_.max(), total_r2(GAPPY[HELD_OUT].returns, model.reconstruct(GAPPY[HELD_OUT])), atol=1e-5
    )


def test_where_a_characteristic_is_unknown_so_are_the_betas(model):
    unknown = with_value(with_value(Z, (2, 3, 0), np.nan), (30, 1, 2), np.nan)
    panel = replace(PANEL, characteristics=unknown)
    for values in (
        model.members_[1].betas(panel).sum(axis=2),
        model.reconstruct(panel),
        model.predict(panel[1:], panel[:1])[[0, *range(39)]],
    ):
        assert np.argwhere(np.isnan(values)).tolist() == [[2, 3], [30, 1]]
    same = ~np.isnan(model.reconstruct(panel))
    assert np.allclose(model.reconstruct(panel)[same], model.reconstruct(PANEL)[same])


@pytest.mark.parametrize("factor_inputs", ["portfolios", "managed"])
def test_tickers_enter_and_leave(factor_inputs):
    gone, new = slice(0, 4), slice(8, 12)
    returns, z = with_value(R, (slice(15, None), gone), np.nan), with_value(Z, (slice(15, None), gone), np.nan)
    returns, z = with_value(returns, (slice(0, 15), new), np.nan), with_value(z, (slice(0, 15), new), np.nan)
    panel = replace(PANEL, returns=returns, characteristics=z)
    model = small(factor_inputs=factor_inputs).fit(panel[TRAIN], panel[HELD_OUT])
    assert np.array_equal(np.isnan(model.reconstruct(panel)), np.isnan(returns))
    later = panel[HELD_OUT].select_tickers(["T09", "T05"])
    for member in model.members_:
        assert np.allclose(member.betas(later), member.betas(panel[HELD_OUT])[:, [9, 5]], atol=1e-6)


def test_a_date_without_returns_is_left_out_with_portfolios_and_refused_with_managed_ones():
    panel = replace(PANEL, returns=with_value(R, 7, np.nan))
    assert np.isfinite(fitted(panel).reconstruct(panel)).all()
    assert_refused(lambda: fitted(panel, factor_inputs="managed"), ValueError, "2000-08-31")


# Inputs of the Factor network


def test_managed_portfolios_are_given_to_the_factor_network_with_the_constant():
    ours = fitted(factor_inputs="managed")
    names = [*PANEL.characteristic_names, "constant"]
    given = replace(PANEL, portfolios=managed_portfolios(PANEL, constant=True), portfolio_names=names)
    assert list(ours.factor_input_names_) == names and ours.factor_weights_.shape == (2, 4, 2)
    assert np.array_equal(ours.reconstruct(PANEL), fitted(given).reconstruct(given))


def test_returns_as_inputs_make_factors_that_are_portfolios_of_the_tickers():
    ours = fitted(factor_inputs="returns")
    given = replace(PANEL, portfolios=R, portfolio_names=list(PANEL.tickers))
    assert list(ours.factor_input_names_) == list(PANEL.tickers) and ours.factor_weights_.shape == (2, 12, 2)
    for member, weights in zip(ours.members_, ours.factor_weights_, strict=True):
        assert np.allclose(member.factors(PANEL), R @ weights)
    assert np.array_equal(ours.reconstruct(PANEL), fitted(given).reconstruct(given))


# Habits


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(model):
    again, other = fitted(seed=3), fitted(seed=4)
    assert np.array_equal(again.reconstruct(PANEL), model.reconstruct(PANEL)) and again.history_.equals(model.history_)
    assert not np.allclose(other.reconstruct(PANEL), model.reconstruct(PANEL), rtol=0.01)


def test_no_global_random_numbers_are_drawn():
    """Neither numpy's, Python's, nor Keras': a lesson's networks do not depend on which shapes were trained before."""
    draws = []
    for fit in (False, True):
        keras.utils.set_random_seed(1)  # of all three
        if fit:
            layers.network.cache_clear()
            fitted()
        draws.append(
            (np.random.rand(), random.random(), float(keras.random.uniform(())), keras.layers.Dense(1)(np.ones((1, 2))))
        )
    assert draws[0] == draws[1]


def test_global_random_numbers_do_not_move_a_fit(model):
    keras.utils.set_random_seed(99)
    layers.network.cache_clear()
    assert np.array_equal(fitted(seed=3).reconstruct(PANEL), model.reconstruct(PANEL))


def test_parameters_are_stored_as_given_and_cloned():
    given = {
        "n_factors": 2, "hidden_units": [7, np.int64(3)], "l1": np.array([0.1, 0.2]), "seed": np.int64(5), "epochs": 9
    }
    model = ConditionalAutoencoder(**given)
    assert all(model.get_params()[name] is value for name, value in given.items())
    copy = clone(model)
    assert copy.get_params().keys() == model.get_params().keys() and str(copy.get_params()) == str(model.get_params())


def test_a_clone_has_nothing_learned(model):
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert_refused(lambda: copy.reconstruct(PANEL), NotFittedError, "ConditionalAutoencoder", "'fit'")


def test_fit_returns_the_model_and_forgets_the_first_fit(model):
    again = fitted(GAPPY, seed=3)
    assert again.fit(PANEL[TRAIN], PANEL[HELD_OUT]) is again
    assert np.array_equal(again.reconstruct(PANEL), model.reconstruct(PANEL))


@pytest.mark.parametrize(
    "change", [{"l1": -1.0}, {"hidden_units": (8, 8), "n_factors": 9}, {"batch_normalization": False, "epochs": 0}]
)
def test_a_fit_that_fails_leaves_a_fitted_model_as_it_was(change, model):
    tried = pickle.loads(pickle.dumps(model)).set_params(**change)
    with pytest.raises(ValueError):
        tried.fit(PANEL[TRAIN], PANEL[HELD_OUT])
    assert np.array_equal(tried.reconstruct(PANEL), model.reconstruct(PANEL)) and tried.l1_ == model.l1_


def test_training_that_fails_leaves_a_fitted_model_as_it_was(model, monkeypatch):
    tried = pickle.loads(pickle.dumps(model))
    poison(monkeypatch, at_epoch=1)
    assert_refused(lambda: tried.fit(GAPPY[TRAIN], GAPPY[HELD_OUT]), ValueError, "epoch 1")
    assert np.array_equal(tried.reconstruct(PANEL), model.reconstruct(PANEL)) and tried.history_.equals(model.history_)


def test_a_pickled_model_is_the_same_model(model):
    copy = pickle.loads(pickle.dumps(model))
    assert np.array_equal(copy.reconstruct(PANEL), model.reconstruct(PANEL)) and copy.get_params() == model.get_params()


# Files


def assert_same_model(a, b, panel):
    for call in (
        lambda m: m.reconstruct(panel),
        lambda m: m.predict(panel[30:], panel[:30]),
        lambda m: m.members_[-1].betas(panel),
    ):
        assert np.array_equal(call(a), call(b))
    assert (a.l1_, a.returns_scale_) == (b.l1_, b.returns_scale_)
    pd.testing.assert_frame_equal(a.history_, b.history_)
    pd.testing.assert_series_equal(a.validation_curve_, b.validation_curve_)
    assert a.characteristic_names_.equals(b.characteristic_names_)
    assert a.factor_input_names_.equals(b.factor_input_names_)


def test_a_saved_model_is_loaded_as_it_was(model, tmp_path):
    model.save(tmp_path / "model.npz")
    loaded = ConditionalAutoencoder.load(tmp_path / "model.npz")
    assert_same_model(loaded, model, PANEL)
    assert loaded.get_params() == model.get_params()
    assert {name: type(value) for name, value in loaded.get_params().items()} == {
        name: type(value) for name, value in model.get_params().items()
    }
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_any_kind_of_parameters_and_labels_survives_a_file(tmp_path):
    fields = {name: getattr(PANEL, name) for name in ("returns", "characteristics", "portfolios", "dates")}
    panel = Panel(**fields)  # labels 0, 1, 2
    model = fitted(panel, hidden_units=[np.int64(4)], l1=np.array(L1), seed=np.int64(0), factor_inputs="returns")
    model.save(str(tmp_path / "model"))
    loaded = ConditionalAutoencoder.load(str(tmp_path / "model"))
    assert_same_model(loaded, model, panel)
    assert loaded.hidden_units == [4] and isinstance(loaded.l1, np.ndarray) and loaded.l1.tolist() == list(L1)
    assert np.array_equal(loaded.fit(panel[TRAIN], panel[HELD_OUT]).reconstruct(panel), model.reconstruct(panel))


def test_a_linear_model_is_loaded_as_it_was(tmp_path, uncompiled):
    model = fitted(hidden_units=(), epochs=1, n_factors=1)
    model.save(tmp_path / "linear")
    assert_same_model(ConditionalAutoencoder.load(tmp_path / "linear"), model, PANEL)


def foreign_files(model, folder):
    """Files that are not what `save` wrote, by a name for each."""
    model.save(folder / "right")
    right = (folder / "right").read_bytes()
    middle = len(right) // 2
    number = right.index(b"\x93NUMPY") + 130  # of the first array, whose header takes 128 bytes
    contents = {
        "empty": b"",
        "text": b"epoch,loss\n1,2\n",
        "cut short": right[:middle],
        "cut at the end": right[:-1],
        "altered": right[:number] + bytes([right[number] ^ 1]) + right[number + 1 :],
        "a pickle": pickle.dumps([1, 2]),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    np.save(folder / "one array.npy", np.zeros(3))
    np.savez(folder / "other arrays.npz", a=np.zeros(3))
    np.savez(folder / "other json.npz", about="[1, 2]")
    np.savez(folder / "other parameters.npz", about='{"parameters": {"colour": 1}}')
    np.savez(folder / "no weights.npz", about='{"parameters": {}}', fit=np.zeros(3))
    with zipfile.ZipFile(folder / "a zip", "w") as file:
        file.writestr("about", "x")
    return [path for path in sorted(folder.iterdir()) if path.name != "right"]


def test_a_file_that_save_did_not_write_or_that_is_damaged_is_refused_by_name(model, tmp_path):
    for path in foreign_files(model, tmp_path):
        assert_refused(
            lambda path=path: ConditionalAutoencoder.load(path), ValueError, path.name, "ConditionalAutoencoder.save"
        )


def test_a_file_cut_short_or_altered_anywhere_never_gives_another_model(model, tmp_path):
    model.save(tmp_path / "right")
    right, path = (tmp_path / "right").read_bytes(), tmp_path / "wrong"
    for position in np.random.default_rng(0).choice(len(right), 150, replace=False):
        for content in (right[:position], right[:position] + bytes([right[position] ^ 0x55]) + right[position + 1 :]):
            path.write_bytes(content)
            try:
                loaded = ConditionalAutoencoder.load(path)
            except ValueError:
                continue
            assert_same_model(loaded, model, PANEL[:31])


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    assert_refused(lambda: ConditionalAutoencoder.load(tmp_path / "none"), FileNotFoundError, "none")


def test_when_saving_fails_the_old_file_stays_and_nothing_half_written(model, tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    model.save(path)
    old = path.read_bytes()

    def full_disk(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    assert_refused(lambda: model.save(path), OSError, "No space left")
    assert path.read_bytes() == old and list(tmp_path.iterdir()) == [path]


def test_an_unfitted_model_cannot_be_saved(tmp_path):
    assert_refused(lambda: small().save(tmp_path / "model"), NotFittedError, "ConditionalAutoencoder")
    assert not list(tmp_path.iterdir())


# Machine code, memory, divergence


def test_a_second_panel_of_the_same_shape_compiles_nothing():
    fitted()
    compiled = stacked._compiled(shape(4), 60)
    misses, traces = (
        stacked._compiled.cache_info().misses,
        [function.experimental_get_tracing_count() for function in compiled],
    )
    fitted(small_panel(seed=9), seed=8, l1=(0.1, 0.2), epochs=3, patience=1)
    assert stacked._compiled.cache_info().misses == misses
    assert [function.experimental_get_tracing_count() for function in compiled] == traces


def test_two_learning_rates_share_one_compilation_and_give_different_results():
    slow = fitted(learning_rate=1e-3)
    compiled = stacked._compiled(shape(4), 60)
    misses, traces = (
        stacked._compiled.cache_info().misses,
        [function.experimental_get_tracing_count() for function in compiled],
    )
    fast, slow_again = fitted(learning_rate=0.03), fitted(learning_rate=1e-3)
    assert stacked._compiled.cache_info().misses == misses
    assert [function.experimental_get_tracing_count() for function in compiled] == traces
    assert not np.allclose(slow.reconstruct(PANEL), fast.reconstruct(PANEL), rtol=0.1)
    assert np.array_equal(slow.reconstruct(PANEL), slow_again.reconstruct(PANEL))


def test_panels_of_other_lengths_are_traced_a_few_times_at_most():
    compiled = stacked._compiled(shape(4), 60)
    for n_dates in range(20, 24):
        small(epochs=1).fit(PANEL[:n_dates], PANEL[n_dates:])
    before = [function.experimental_get_tracing_count() for function in compiled]
    for n_dates in range(26, 34):
        small(epochs=1).fit(PANEL[:n_dates], PANEL[n_dates:])
    after = [function.experimental_get_tracing_count() for function in compiled]
    assert all(b - a <= 2 for a, b in zip(before, after, strict=True))


def test_nothing_accumulates_from_epoch_to_epoch(monkeypatch):
    """As many tensors are alive at the end of the fortieth epoch as at the end of the fourth."""
    alive, report = {}, stacked._report_lost

    def count(lost, best_epoch, epoch):
        if epoch in (4, 20, 40):
            alive[epoch] = sum(issubclass(type(thing), tf.Tensor) for thing in gc.get_objects())
        report(lost, best_epoch, epoch)

    train(4, epochs=2)
    gc.collect()
    gc.disable()
    try:
        monkeypatch.setattr(stacked, "_report_lost", count)
        train(4, epochs=40, patience=40)
    finally:
        gc.enable()
    assert len(alive) == 3 and len(set(alive.values())) == 1 and alive[4] > 0


def poison(monkeypatch, at_epoch, member=1):
    """From an epoch on, the weights of one member are not numbers, as after a step too far."""
    genuine = stacked._compiled

    def compiled(*arguments):
        run_epoch, *others = genuine(*arguments)
        epochs = iter(range(1, 10_000))

        def run_poisoned(state, *data):
            state, error = run_epoch(state, *data)
            if next(epochs) >= at_epoch:
                n_members = len(error)
                hit = np.arange(n_members) == member
                state[0] = [
                    np.where(
                        np.repeat(hit, len(w) // n_members) if w.ndim == 1 else hit[:, None], np.float32(np.nan), w
                    )
                    for w in (np.asarray(w) for w in state[0])
                ]
                state[0] = [keras.ops.convert_to_tensor(w) for w in state[0]]
            return state, error

        return run_poisoned, *others

    monkeypatch.setattr(stacked, "_compiled", compiled)


def test_a_member_that_diverges_keeps_its_best_weights_and_disturbs_no_other(monkeypatch):
    whole, history = train(4, epochs=12, patience=12)
    short, _ = train(4, epochs=3, patience=12)
    poison(monkeypatch, at_epoch=4)
    with pytest.warns(ConvergenceWarning, match=r"1 network\(s\) stopped at epoch 4.*learning_rate") as caught:
        weights, lost = train(4, epochs=12, patience=12)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert_same_weights(one_member(weights, 1, 4), one_member(short, 1, 4), rtol=0, atol=0)
    for member in (0, 2, 3):
        assert_same_weights(one_member(weights, member, 4), one_member(whole, member, 4), rtol=0, atol=0)
    assert lost[lost["member"] == 1]["epoch"].max() == 3 and np.isfinite(lost).all(axis=None)
    assert history[history["member"] == 1]["epoch"].max() == 12


def test_a_member_that_has_stopped_may_diverge_afterwards(monkeypatch):
    poison(monkeypatch, at_epoch=30)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        _, history = train(4, epochs=60, patience=2)
    assert history[history["member"] == 1]["epoch"].max() < 30


def test_training_that_diverges_at_once_is_refused_with_a_remedy(uncompiled):
    assert_refused(
        lambda: fitted(learning_rate=1e30), ValueError, "epoch 1", "4 network(s)", "Lower learning_rate", "rank_across"
    )
    huge = replace(PANEL, characteristics=1e30 * Z)
    assert_refused(
        lambda: fitted(huge, batch_normalization=False), ValueError, "epoch 1", "not finite", "rank_across_tickers"
    )


def test_with_progress_a_bar_is_shown_and_without_none(capsys, monkeypatch):
    monkeypatch.setattr(stacked, "tqdm", functools.partial(stacked.tqdm, disable=False))  # against TQDM_DISABLE
    fitted(epochs=2)
    assert capsys.readouterr().err == ""
    fitted(epochs=2, progress=True)
    assert "training" in capsys.readouterr().err


# Bad input


def without(panel, *names):
    fields = ("returns", "characteristics", "portfolios", "dates", "tickers", "characteristic_names")
    return Panel(**{name: getattr(panel, name) for name in fields if not name.startswith(names)})


def afterwards(panel):
    """The same panel ten years later."""
    return replace(panel, dates=panel.dates + pd.offsets.MonthEnd(120))


def fit_one(panel=PANEL, validation=None, **changes):
    """A fit with one strength, so that a validation panel is not needed."""
    later = afterwards(validation) if isinstance(validation, Panel) else validation
    return lambda: small(**({"l1": 0.01} | changes)).fit(panel, later)


FITTED = functools.cache(fitted)
NO_RETURNS = np.full_like(R, np.nan)
RENAMED = replace(PANEL, characteristic_names=["size", "value", "beta"])
OTHER_PORTFOLIOS = replace(PANEL, portfolio_names=["market", "gold"])

BAD_INPUT = {
    "no factors": (fit_one(n_factors=0), ValueError, "n_factors", "between 1 and 2", "0 was given"),
    "more factors than inputs": (
        fit_one(n_factors=3), ValueError, "n_factors", "between 1 and 2", "3 was given", "inputs"
    ),
    "more factors than characteristics": (
        fit_one(n_factors=4, factor_inputs="returns"), ValueError, "n_factors", "between 1 and 3", "4 was given",
    ),
    "half a factor": (fit_one(n_factors=1.5), TypeError, "n_factors", "whole number", "1.5"),
    "a truth value for the number of factors": (fit_one(n_factors=True), TypeError, "n_factors", "True"),
    "no members": (fit_one(n_members=0), ValueError, "n_members", "at least 1", "0 was given"),
    "half a member": (fit_one(n_members=2.5), TypeError, "n_members", "whole number"),
    "no hidden units": (fit_one(hidden_units=(4, 0)), ValueError, "hidden_units", "at least 1", "0 was given"),
    "half a hidden unit": (fit_one(hidden_units=(4.5,)), TypeError, "hidden_units", "whole number", "4.5"),
    "a text for the hidden units": (fit_one(hidden_units="32"), TypeError, "hidden_units", "'32'"),
    "no answer for the hidden units": (fit_one(hidden_units=None), TypeError, "hidden_units", "None"),
    "unknown factor inputs": (
        fit_one(factor_inputs="returns_fwd"), ValueError, "factor_inputs", "'managed'", "'returns_fwd'"
    ),
    "a panel without portfolios": (
        fit_one(without(PANEL, "portfolios")),
        ValueError, "factor_inputs='portfolios'", "Panel(..., portfolios", "'managed'",
    ),
    "a panel without characteristics": (
        fit_one(without(PANEL, "characteristic")), ValueError, "no characteristics", "characteristics=",
    ),
    "an array": (fit_one(R), TypeError, "Panel", "ndarray"),
    "an array to validate": (fit_one(PANEL, R), TypeError, "Panel", "ndarray"),
    "missing returns as inputs": (
        fit_one(GAPPY, factor_inputs="returns"), ValueError, "factor_inputs='returns'", "missing", "'managed'",
    ),
    "several strengths and no validation": (fit_one(l1=(0.1, 0.2)), ValueError, "l1 holds 2", "fit(panel, validation)"),
    "no strength": (fit_one(l1=()), ValueError, "l1", "()"),
    "a negative strength": (fit_one(l1=-0.1), ValueError, "l1", "at least 0", "-0.1"),
    "a negative strength among others": (fit_one(PANEL, PANEL, l1=(0.1, -0.1)), ValueError, "l1", "-0.1"),
    "a strength twice": (fit_one(PANEL, PANEL, l1=(0.1, 0.1)), ValueError, "l1", "different"),
    "a strength that is no number": (fit_one(l1=np.nan), ValueError, "l1", "finite", "nan"),
    "a text for the strength": (fit_one(l1="0.1"), TypeError, "l1", "'0.1'"),
    "no answer for the strength": (fit_one(l1=None), TypeError, "l1", "None"),
    "a table of strengths": (fit_one(PANEL, PANEL, l1=[[0.1, 0.2]]), TypeError, "l1", "list"),
    "a text for batch normalisation": (fit_one(batch_normalization="no"), TypeError, "batch_normalization", "'no'"),
    "a learning rate of zero": (fit_one(learning_rate=0), ValueError, "learning_rate", "above 0"),
    "a text for the learning rate": (fit_one(learning_rate="fast"), TypeError, "learning_rate", "'fast'"),
    "batches of one": (fit_one(batch_size=1), ValueError, "batch_size", "at least 2", "1 was given"),
    "half a batch": (fit_one(batch_size=0.5), TypeError, "batch_size", "whole number"),
    "no epochs": (fit_one(epochs=0), ValueError, "epochs", "at least 1"),
    "no patience": (fit_one(patience=0), ValueError, "patience", "at least 1"),
    "a seed below zero": (fit_one(seed=-1), ValueError, "seed", "at least 0", "-1"),
    "no seed": (fit_one(seed=None), TypeError, "seed", "None"),
    "a number for progress": (fit_one(progress=1), TypeError, "progress", "True or False"),
    "no return at all": (
        fit_one(replace(PANEL, returns=NO_RETURNS)), ValueError, "The panel has no return at any date"
    ),
    "no return at all to validate": (
        fit_one(PANEL, replace(PANEL, returns=NO_RETURNS)), ValueError, "validation has no return at any date",
    ),
    "returns of zero": (fit_one(replace(PANEL, returns=0 * R)), ValueError, "The panel", "all 0", "nothing to explain"),
    "returns of zero to validate": (
        fit_one(PANEL, replace(PANEL, returns=0 * R)), ValueError, "validation", "all 0", "nothing to explain",
    ),
    "no characteristic known beside a return": (
        fit_one(replace(PANEL, characteristics=with_value(with_value(Z, EVEN, np.nan), ODD, np.nan))),
        ValueError, "The panel", "no ticker with a return and all characteristics",
    ),
    "no characteristic known beside a return to validate": (
        fit_one(PANEL, replace(PANEL, characteristics=with_value(Z, (..., 1), np.nan))),
        ValueError, "validation", "no ticker with a return and all characteristics",
    ),
    "inputs of zero": (
        fit_one(replace(PANEL, portfolios=with_value(PANEL.portfolios, (slice(None), 1), 0))),
        ValueError, "input(s) oil", "0 at every date", "Drop",
    ),
    "other characteristics to validate": (
        fit_one(PANEL, RENAMED), ValueError, "characteristic_names", "new: beta; gone: momentum",
    ),
    "other portfolios to validate": (
        fit_one(PANEL, OTHER_PORTFOLIOS), ValueError, "factor inputs", "new: gold; gone: oil"
    ),
    "other tickers to validate": (
        fit_one(PANEL, PANEL.select_tickers(PANEL.tickers[:5]), factor_inputs="returns"),
        ValueError, "factor inputs", "gone: T05",
    ),
    "no portfolios to validate": (
        fit_one(PANEL, without(PANEL, "portfolios")), ValueError, "needs a panel with portfolios",
    ),
    "betas of other characteristics": (
        lambda: FITTED().members_[0].betas(RENAMED), ValueError, "characteristic_names", "new: beta"
    ),
    "factors of other portfolios": (
        lambda: FITTED().members_[0].factors(OTHER_PORTFOLIOS), ValueError, "factor inputs", "new: gold"
    ),
    "reconstruction of other portfolios": (lambda: FITTED().reconstruct(OTHER_PORTFOLIOS), ValueError, "factor inputs"),
    "members of an unfitted model": (lambda: small().members_, NotFittedError, "ConditionalAutoencoder", "'fit'"),
    "betas of an unfitted model": (lambda: small().betas(PANEL), NotFittedError, "ConditionalAutoencoder", "'fit'"),
    "factors of an unfitted model": (lambda: small().factors(PANEL), NotFittedError, "ConditionalAutoencoder"),
    "reconstruction by an unfitted model": (
        lambda: small().reconstruct(PANEL), NotFittedError, "ConditionalAutoencoder"
    ),
    "prediction by an unfitted model": (
        lambda: small().predict(PANEL[5:], PANEL[:5]), NotFittedError, "ConditionalAutoencoder",
    ),
    "betas of an array": (lambda: FITTED().betas(R), TypeError, "Panel", "ndarray"),
    "a past that overlaps": (
        lambda: FITTED().predict(PANEL[20:], PANEL[:21]),
        ValueError, "past must end before", "2001-09-30", "panel[:120]",
    ),
    "the future as the past": (lambda: FITTED().predict(PANEL[:20], PANEL[20:]), ValueError, "past must end before"),
    "an array as the past": (lambda: FITTED().predict(PANEL[20:], R), TypeError, "Panel", "ndarray"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])


@pytest.mark.parametrize(
    "change", [{"learning_rate": -1}, {"epochs": 0}, {"n_members": 0}, {"seed": -1}, {"progress": 3}]
)
def test_parameters_are_checked_before_anything_is_computed(change, monkeypatch):
    def too_early(*arguments, **named):
        raise AssertionError("computed before the parameters were checked")

    monkeypatch.setattr("helpers.models.autoencoder.managed_portfolios", too_early)
    monkeypatch.setattr(layers, "initial_weights", too_early)
    with pytest.raises((TypeError, ValueError)):
        small(factor_inputs="managed", **change).fit(PANEL[TRAIN], PANEL[HELD_OUT])


# Another backend

ON_ANY_BACKEND = """
from helpers.models.autoencoder import ConditionalAutoencoder
from helpers.models.backend import keras
from helpers.evaluation import total_r2
from helpers.data import simulate_market
panel = simulate_market("nonlinear", n_dates=60, n_tickers=30, n_characteristics=3).panel
model = ConditionalAutoencoder(2, (4,), n_members=2, l1=(1e-3, 1e-2), batch_size=60, epochs=10)
model.fit(panel[:30], panel[30:45])
print(keras.backend.backend(), model.l1_, total_r2(panel[45:].returns, model.reconstruct(panel[45:])))
"""


def test_on_jax_a_fit_explains_what_it_explains_on_tensorflow(capsys, tmp_path):
    pytest.importorskip("jax", reason="jax, the other backend, is not installed.")
    script = tmp_path / "fit.py"
    script.write_text(ON_ANY_BACKEND)
    paths = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": paths}
    run = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    runpy.run_path(script)
    (jax, l1, r2), (tensorflow, own_l1, own_r2) = run.stdout.split(), capsys.readouterr().out.split()
    assert (jax, tensorflow) == ("jax", "tensorflow") and l1 == own_l1
    # Untrained it would be below 0, and 0.06 after an epoch.
    assert float(r2) == pytest.approx(float(own_r2), abs=1e-3) and float(r2) > 0.1


def test_another_backend_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    said = ("KERAS_BACKEND", "tensorflow or jax", "torch")
    assert_refused(lambda: runpy.run_path(compiling.__file__), ImportError, *said)
