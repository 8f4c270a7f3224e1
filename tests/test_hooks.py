"""Losses and layers of one's own in the stacked networks."""

import pickle
import warnings
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from helpers import ConditionalAutoencoder, InstrumentedPCA, NeuralIPCA, Panel, simulate_market, total_r2
from helpers.evaluation import characteristic_importance
from helpers.models import Dropout, Embedding, Hook, Huber, layers, stacked
from helpers.models.backend import keras
from helpers.models.hooks import rows_read
from tests.common import assert_refused

pytestmark = pytest.mark.filterwarnings("error")
ops = keras.ops
INDUSTRIES = np.array(["banks", "mines", "shops"])


def with_industries(panel, seed=0, share=None):
    """The panel with an industry of each ticker, some of which move every now and then."""
    random = np.random.default_rng(seed)
    of_ticker = random.integers(0, 3, panel.n_tickers)
    moved = np.where(random.random(panel.shape) < 0.05, random.integers(0, 3, panel.shape), of_ticker)
    return replace(panel, side={"industry": INDUSTRIES[moved].astype(object)})


@cache
def market(n_tickers=40, n_dates=90):
    return with_industries(simulate_market(n_tickers=n_tickers, n_dates=n_dates, n_characteristics=6, seed=3).panel)


def small(kind, **how):
    usual = {"n_factors": 2, "hidden_units": (5, 4), "n_members": 2, "epochs": 4, "l1": 1e-3}
    return kind(**usual | how)


KINDS = pytest.mark.parametrize("kind", [NeuralIPCA, ConditionalAutoencoder])
LAYERS = pytest.mark.parametrize("hidden_units", [(), (5,), (5, 4)])


@dataclass(frozen=True)
class Residual(Hook):
    """What a hidden layer says, and a linear layer on top of it."""

    def hidden(self, values, dense):
        return values + dense(values, values.shape[-1])


@dataclass(frozen=True)
class Crosses(Hook):
    """Categories, each with weights of its own on two units of every network, through a hidden layer of their own."""

    side: str = "industry"

    def inputs(self, categories, dense):
        return dense(dense(categories, 3, activation="tanh"), 2)


ALL = (Huber(), Dropout(0.2), Embedding("industry"), Residual())
HOOKS = pytest.mark.parametrize(
    "hooks",
    [Huber(), Dropout(0.2), Embedding("industry"), Crosses(), Residual(), ALL],
    ids=lambda hooks: str(hooks)[:20],
)


# --- each does what it says -----------------------------------------------------------------------------------------


def test_huber_is_the_square_up_to_delta_and_a_line_beyond():
    errors = np.array([-4.0, -1.5, -0.5, 0.0, 1.0, 1.5, 3.0], "float32")
    by_hand = [2 * 1.5 * 4 - 1.5**2, 1.5**2, 0.25, 0, 1, 1.5**2, 2 * 1.5 * 3 - 1.5**2]
    assert np.allclose(ops.convert_to_numpy(Huber(1.5).loss(ops.convert_to_tensor(errors))), by_hand)


@KINDS
def test_huber_with_a_delta_that_no_error_reaches_is_least_squares(kind):
    panel = market()
    plain, robust = (small(kind, hooks=hooks).fit(panel[:60], panel[60:]) for hooks in ((), Huber(1e3)))
    pd.testing.assert_frame_equal(plain.history_, robust.history_, rtol=1e-4)
    assert np.allclose(plain.reconstruct(panel), robust.reconstruct(panel), atol=1e-5)


@KINDS
def test_the_history_is_of_the_loss_and_the_curve_of_r2(kind):
    panel = market()
    model = small(kind, n_members=1, epochs=1, hidden_units=(), hooks=Huber(0.5)).fit(panel[:60], panel[60:])
    plain = small(kind, n_members=1, epochs=1, hidden_units=()).fit(panel[:60], panel[60:])
    assert model.history_["validation"].iloc[0] < 0.9 * plain.history_["validation"].iloc[0]
    assert abs(model.validation_curve_.iloc[0] - plain.validation_curve_.iloc[0]) < 0.2


@KINDS
def test_a_robust_loss_withstands_wild_returns(kind):
    clean = simulate_market(n_tickers=60, n_dates=150, n_characteristics=6, seed=5).panel
    random = np.random.default_rng(0)
    wild = np.where(
        random.random(clean.shape) < 0.02, 15 * clean.returns.std() * random.choice([-1, 1], clean.shape), 0
    )
    # F of a date stays least squares, so only the training returns are wild.
    panel = replace(clean, returns=clean.returns + wild)
    how = {"hidden_units": (), "epochs": 25, "l1": 0.0, "n_members": 2}
    scores = [
        total_r2(clean.returns[110:], np.asarray(small(kind, hooks=hooks, **how).fit(panel[:80], panel[80:110])
                 .reconstruct(clean[110:])))
        for hooks in ((), Huber(1.0))
    ]  # fmt: skip
    assert scores[1] > scores[0] + 0.01


def test_dropout_leaves_out_units_in_training_only_and_anew_each_time():
    shape = stacked.Shape(3, 4, 0, (50,), 2, False, (Dropout(0.4),))
    weights = layers.initial_weights(shape, 7)
    z = np.random.default_rng(0).standard_normal((200, 4)).astype("float32")
    model = keras.Model(layers.network(shape).input, layers.network(shape).layers[-2].output)  # what dropout gives
    trained, state = model.stateless_call(weights[0][:2], weights[1], z, training=True)
    again, _ = model.stateless_call(weights[0][:2], state, z, training=True)
    still, _ = model.stateless_call(weights[0][:2], weights[1], z, training=False)
    trained, again, still = map(np.asarray, (trained, again, still))
    alive = still > 0
    assert abs((trained[alive] == 0).mean() - 0.4) < 0.02
    assert np.allclose(trained[alive & (trained > 0)], still[alive & (trained > 0)] / 0.6, rtol=1e-5)
    assert ((trained == 0) != (again == 0))[alive].mean() == pytest.approx(2 * 0.4 * 0.6, abs=0.02)
    assert [int(part[0]) for part in weights[1]] == [7]


@KINDS
def test_dropout_follows_the_seed_of_the_fit(kind):
    panel = market()
    said = [
        np.asarray(small(kind, hooks=Dropout(0.3), seed=seed).fit(panel[:60], panel[60:]).reconstruct(panel))
        for seed in (0, 0, 1)
    ]
    assert np.array_equal(said[0], said[1])
    assert not np.allclose(said[0], said[2])


@cache
def market_of_industries():
    """Returns whose β is 1 for banks, -1 for mines and 0 for shops, and does not depend on characteristics."""
    random = np.random.default_rng(2)
    panel = with_industries(simulate_market(n_tickers=60, n_dates=150, n_characteristics=4, seed=8).panel, seed=4)
    beta = (panel.side["industry"] == "banks") * 1.0 - (panel.side["industry"] == "mines")
    returns = 0.05 * random.standard_normal((panel.n_dates, 1)) * beta + 0.02 * random.standard_normal(panel.shape)
    return replace(panel, returns=returns)


def with_dummies(panel):
    dummies = (panel.side["industry"][:, :, None] == INDUSTRIES).astype(float)
    return Panel(panel.returns, np.concatenate([panel.characteristics, dummies], axis=2), dates=panel.dates)


def test_a_linear_embedding_is_instrumented_pca_with_dummies():
    panel = market_of_industries()
    how = {"hidden_units": (), "l1": 0.0, "epochs": 150, "patience": 150, "n_factors": 1, "n_members": 1}
    model = small(NeuralIPCA, hooks=Embedding("industry", 3), **how).fit(panel)
    by_dummies = InstrumentedPCA(n_factors=1).fit(with_dummies(panel))
    assert total_r2(panel.returns, model.reconstruct(panel)) == pytest.approx(
        total_r2(panel.returns, by_dummies.reconstruct(with_dummies(panel))), abs=2e-3
    )


def test_an_embedding_finds_what_characteristics_do_not_know():
    panel = market_of_industries()
    scores = {}
    for hooks in ((), Embedding("industry")):
        model = small(NeuralIPCA, n_factors=1, hooks=hooks, epochs=40).fit(panel[:90], panel[90:120])
        scores[hooks] = total_r2(panel.returns[120:], model.leave_one_out(panel[120:]))
    assert scores[()] < 0.1
    assert scores[Embedding("industry")] > 0.7  # the truth, F of the other tickers: 0.77


@KINDS
@LAYERS
def test_betas_with_an_embedding_are_those_computed_by_hand(kind, hidden_units):
    panel = market()
    how = {"batch_normalization": False} if kind is ConditionalAutoencoder else {}
    model = small(kind, hooks=Embedding("industry"), hidden_units=hidden_units, n_members=1, **how).fit(panel[:60])
    paths = [variable.path for variable in layers.network(model.shape_).trainable_variables]
    weights = {path: np.asarray(w)[..., 0, :] for path, w in zip(paths, model.weights_[0], strict=True)}
    (points,) = [w for path, w in weights.items() if "layer_" not in path and len(w) == 3]
    one_hot = (panel.side["industry"][:, :, None] == INDUSTRIES).astype(float)
    read = panel.characteristics @ weights["layer_0/kernel"] + one_hot @ points @ weights["layer_0_0/kernel"]
    for number in range(len(hidden_units)):
        hidden = np.maximum(read + weights[f"layer_{number}/bias"], 0)
        read = hidden @ weights[f"layer_{number + 1}/kernel"]
    if hidden_units:
        read = read + weights[f"layer_{len(hidden_units)}/bias"]
    assert np.allclose(model.betas(panel), read, atol=1e-4)


@KINDS
def test_a_category_not_met_before_is_at_the_origin(kind):
    panel = market()
    model = small(kind, hooks=Embedding("industry"), n_members=1).fit(panel[:60])
    odd = np.array(panel.side["industry"])
    odd[:, 0], odd[:, 1] = "castles", None
    said = np.asarray(model.betas(replace(panel, side={"industry": odd})))
    usual = np.asarray(model.betas(panel))
    assert np.array_equal(said[:, 2:], usual[:, 2:])
    known = np.ones(panel.shape, bool)
    rows = rows_read(replace(panel, side={"industry": odd}), known, model.shape_.hooks, model.categories_)
    codes = rows[:, -1].reshape(panel.shape)
    assert (codes[:, :2] == -1).all()
    assert (codes[:, 2:] >= 0).all()
    assert np.isfinite(said).all()


@KINDS
def test_numbers_are_categories_too(kind):
    panel = market()
    number_of = np.vectorize(dict(zip(INDUSTRIES, (10.0, 20.0, 30.0), strict=True)).get)
    numbers = replace(panel, side={"industry": number_of(panel.side["industry"])})
    said = [np.asarray(small(kind, hooks=Embedding("industry")).fit(p[:60]).reconstruct(p)) for p in (panel, numbers)]
    assert np.array_equal(*said)


# --- what the networks do besides goes on ---------------------------------------------------------------------------


@KINDS
@HOOKS
def test_an_ensemble_with_hooks_fits_saves_loads_and_is_the_mean_of_its_members(kind, hooks, tmp_path):
    panel = market()
    model = small(kind, hooks=hooks, l1=(1e-3, 1e-2)).fit(panel[:60], panel[60:80])
    said = np.asarray(model.reconstruct(panel[80:]))
    assert np.isfinite(said).all()
    assert set(model.history_["l1"]) == {1e-3, 1e-2}
    assert np.allclose(np.mean([m.reconstruct(panel[80:]) for m in model.members_], axis=0), said)
    model.save(tmp_path / "model.npz")
    for copy in (kind.load(tmp_path / "model.npz"), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(copy.reconstruct(panel[80:]), said)
        assert np.array_equal(copy.predict(panel[80:], panel[:80]), model.predict(panel[80:], panel[:80]))
        assert copy.get_params()["hooks"] == model.hooks
    assert np.array_equal(clone(model).fit(panel[:60], panel[60:80]).reconstruct(panel[80:]), said)


@KINDS
@pytest.mark.parametrize("hooks", [Huber(0.7), Embedding("industry"), Residual()], ids=str)
def test_a_member_of_a_stack_is_what_it_would_be_alone(kind, hooks):
    panel = market()
    many = small(kind, hooks=hooks, n_members=3, batch_size=20).fit(panel[:60], panel[60:])
    alone = small(kind, hooks=hooks, n_members=1, batch_size=20).fit(panel[:60], panel[60:])
    first = many.members_[list(many.chosen_["member"]).index(0)]
    for got, expected in zip(first.weights_[0], alone.weights_[0], strict=True):
        assert np.allclose(got, expected, atol=2e-4)


@KINDS
def test_a_compact_panel_gives_the_same(kind):
    full = market()
    returns = np.array(full.returns)
    returns[np.random.default_rng(1).random(full.shape) < 0.3] = np.nan
    characteristics = np.where(np.isnan(returns)[:, :, None], np.nan, full.characteristics)
    panel = Panel(returns, characteristics, full.portfolios, side=full.side)
    dense, compact = (
        small(kind, hooks=Embedding("industry")).fit(p[:60], p[60:]).reconstruct(p) for p in (panel, panel.compact())
    )
    assert np.allclose(dense, compact, atol=1e-5, equal_nan=True)


@KINDS
def test_importance_of_characteristics_is_computed_beside_an_embedding(kind):
    panel = market()
    model = small(kind, hooks=Embedding("industry")).fit(panel[:60])
    assert np.isfinite(characteristic_importance(model, panel)).all()


@KINDS
@pytest.mark.parametrize(
    ("later", "warm"), [(Embedding("industry", 2), True), (Embedding("industry", 3), False), ((), False)]
)
def test_a_warm_start_needs_the_same_hooks(kind, later, warm):
    panel = market()
    model = small(kind, hooks=Embedding("industry", 2), warm_start=True, n_members=1, choose="networks")
    trained = model.fit(panel[:60], panel[60:]).weights_[0][0]
    start = model.set_params(hooks=later, epochs=1, learning_rate=1e-9).fit(panel[:60], panel[60:]).weights_[0][0]
    assert (start.shape == trained.shape and np.allclose(start, trained, atol=1e-6)) is warm


@KINDS
def test_a_warm_start_needs_the_same_categories(kind):
    panel = market()
    other = replace(
        panel, side={"industry": np.where(panel.side["industry"] == "banks", "bank", panel.side["industry"])}
    )
    model = small(kind, hooks=Embedding("industry"), warm_start=True, n_members=1)
    trained = model.fit(panel[:60], panel[60:]).weights_[0][0]
    again = model.set_params(epochs=1, learning_rate=1e-9).fit(other[:60], other[60:]).weights_[0][0]
    assert not np.allclose(again, trained)


def test_a_file_with_a_hook_that_is_not_known_says_so(tmp_path):
    @dataclass(frozen=True)
    class Passing(Hook):
        def loss(self, errors):
            return ops.abs(errors)

    panel = market()
    small(NeuralIPCA, hooks=Passing()).fit(panel[:60]).save(tmp_path / "model.npz")
    assert np.isfinite(NeuralIPCA.load(tmp_path / "model.npz").reconstruct(panel)).all()
    Passing.__qualname__ = "Gone"
    assert_refused(lambda: NeuralIPCA.load(tmp_path / "model.npz"), ValueError, "Passing", "define that class first")


# --- what is refused ------------------------------------------------------------------------------------------------


class Thawed(Hook):
    def loss(self, errors):
        return errors


@dataclass(frozen=True)
class Listed(Hook):
    sizes: object = ()

    def loss(self, errors):
        return errors


@dataclass(frozen=True)
class Aimless(Hook):
    def inputs(self, categories, dense):
        return dense(categories, 2)


@dataclass(frozen=True)
class Summed(Hook):
    def loss(self, errors):
        return ops.sum(ops.square(errors), axis=0)


@dataclass(frozen=True)
class Pooled(Hook):
    def loss(self, errors):
        return ops.square(errors - ops.mean(errors, axis=-1, keepdims=True))


@dataclass(frozen=True)
class Narrow(Hook):
    def hidden(self, values, dense):
        return dense(values, 1)


@dataclass(frozen=True)
class Nothing(Hook):
    def hidden(self, values, dense):
        return None


@dataclass(frozen=True)
class Mixed(Hook):
    def hidden(self, values, dense):
        return values + ops.mean(values, axis=1, keepdims=True)


@dataclass(frozen=True)
class Shared(Hook):
    def hidden(self, values, dense):
        return keras.layers.Dense(values.shape[-1], kernel_initializer="ones")(values)


@dataclass(frozen=True)
class Flat(Hook):
    side: str = "industry"

    def inputs(self, categories, dense):
        return categories


@KINDS
@pytest.mark.parametrize(
    ("hooks", "error", "said"),
    [
        (Huber, TypeError, "Write Huber(...)"),
        ([Huber], TypeError, "Write Huber(...)"),
        ("huber", TypeError, "'huber' was given"),
        (3, TypeError, "3 was given"),
        ([ops.abs], TypeError, "a Hook or a sequence of them"),
        (Thawed(), TypeError, "@dataclass(frozen=True)"),
        (Listed([1, 2]), TypeError, "numbers, text and tuples"),
        (Aimless(), TypeError, "Aimless has inputs and no side"),
        ((Huber(), Listed()), ValueError, "Huber, Listed"),
        (Summed(), ValueError, "one number for each error"),
        (Pooled(), ValueError, "Pooled: a loss"),
        (Narrow(), ValueError, "Narrow.hidden must give back the shape"),
        (Nothing(), ValueError, "Nothing.hidden must give back the shape"),
        (Mixed(), ValueError, "Mixed: one member's betas change with another's"),
        (Shared(), ValueError, "Shared: "),
        (Flat(), ValueError, "Flat.inputs must give (n_rows, n_members, any)"),
        (Embedding("sector"), ValueError, "'sector' of the panel, and it has"),
        (Embedding("size"), ValueError, "embedding is for categories"),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__),
)
def test_hooks_that_cannot_work_are_refused_before_training(kind, hooks, error, said):
    panel = market()
    sizes = np.random.default_rng(0).random(panel.shape)
    panel = replace(panel, side={**panel.side, "size": sizes})
    assert_refused(lambda: small(kind, hooks=hooks).fit(panel[:60]), error, said)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: Huber(0), ValueError, "delta"),
        (lambda: Huber("1"), TypeError, "delta"),
        (lambda: Dropout(1.0), ValueError, "below 1"),
        (lambda: Dropout(0), ValueError, "rate"),
        (lambda: Embedding(3), TypeError, "the name of side data"),
        (lambda: Embedding("industry", 0), ValueError, "n_dimensions"),
    ],
)
def test_hooks_say_what_they_need(make, error, said):
    assert_refused(make, error, said)


@KINDS
def test_a_new_panel_without_the_side_data_is_refused(kind):
    panel = market()
    model = small(kind, hooks=Embedding("industry")).fit(panel[:60])
    assert_refused(lambda: model.reconstruct(replace(panel, side=None)), ValueError, "'industry'", "it has none")


def test_nothing_is_warned_of():
    panel = market()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small(NeuralIPCA, hooks=ALL).fit(panel[:60], panel[60:])
