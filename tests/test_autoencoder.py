"""The lecture's network and the arrays it trains on, against a forward pass by hand and against plain loops."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import TimeSeriesSplit

from helpers.data.simulated import simulate_market
from helpers.models.backend import keras
from helpers.models.lecture import make_model, train_validation_arrays
from helpers.panel import Panel
from tests.common import assert_refused, small_panel, with_value

N_DATES, N_TICKERS, N_CHARS = 40, 12, 3
PANEL = small_panel()
FRAME = PANEL.to_frame()
LECTURE = FRAME.assign(returns_fwd=FRAME.groupby("ticker")["returns"].shift(-1))
X1, X2 = PANEL.characteristics, PANEL.returns
TRAIN, VAL = range(0, 30), range(30, 40)
NAMES = ("X1_train", "X2_train", "y_train", "X1_val", "X2_val", "y_val")


@pytest.fixture(scope="module")
def model():
    """A network whose batch normalisation has seen data, so that it is not the identity."""
    keras.utils.set_random_seed(0)
    model = make_model(N_TICKERS, N_CHARS, hidden_units=5, n_factors=2)
    model.fit([X1, X2], X2, epochs=2, batch_size=8, verbose=0)
    return model


def betas_by_hand(model, x1):
    w1, b1, scale, shift, mean, variance, w2, b2 = (
        weight.numpy()
        for name in ("hidden_layer", "batch_norm", "output_beta")
        for weight in model.get_layer(name).weights
    )
    hidden = np.maximum(x1 @ w1 + b1, 0)
    return (scale * (hidden - mean) / np.sqrt(variance + model.get_layer("batch_norm").epsilon) + shift) @ w2 + b2


def factors_by_hand(model, x2):
    w, b = (weight.numpy() for weight in model.get_layer("output_factor").weights)
    return x2 @ w + b


def predict(model, x1, x2):
    return keras.ops.convert_to_numpy(model([x1, x2], training=False))


def test_the_layers_are_those_of_the_lecture(model):
    assert {layer.name: type(layer).__name__ for layer in model.layers} == {
        "input_beta": "InputLayer",
        "hidden_layer": "Dense",
        "batch_norm": "BatchNormalization",
        "output_beta": "Dense",
        "input_factor": "InputLayer",
        "output_factor": "Dense",
        "output_layer": "Dot",
    }
    assert [tensor.name for tensor in model.inputs] == ["input_beta", "input_factor"]
    assert model.get_layer("hidden_layer").activation is keras.activations.relu
    assert model.get_layer("output_beta").activation is keras.activations.linear
    assert model.get_layer("output_factor").activation is keras.activations.linear


def test_the_shapes_are_those_of_the_lecture():
    model = make_model(n_tickers=100, n_characteristics=16)
    assert model.input_shape == [(None, 100, 16), (None, 100)] and model.output_shape == (None, 100)
    assert tuple(model.get_layer("hidden_layer").output.shape) == (None, 100, 8)
    assert tuple(model.get_layer("output_beta").output.shape) == (None, 100, 3)
    assert tuple(model.get_layer("output_factor").output.shape) == (None, 3)


def test_one_set_of_weights_serves_all_tickers():
    few, many = make_model(10, 4), make_model(1000, 4)
    for name in ("hidden_layer", "batch_norm", "output_beta"):
        assert few.get_layer(name).count_params() == many.get_layer(name).count_params()
    assert few.get_layer("hidden_layer").count_params() == (4 + 1) * 8
    assert few.get_layer("output_beta").count_params() == (8 + 1) * 3
    assert many.get_layer("output_factor").count_params() == (1000 + 1) * 3


def test_the_factor_network_can_read_other_series():
    model = make_model(N_TICKERS, N_CHARS, n_factor_inputs=5)
    assert model.input_shape == [(None, N_TICKERS, N_CHARS), (None, 5)] and model.output_shape == (None, N_TICKERS)


def test_the_output_is_the_product_of_both_networks_computed_by_hand(model):
    by_hand = np.einsum("dsk,dk->ds", betas_by_hand(model, X1), factors_by_hand(model, X2))
    assert np.allclose(predict(model, X1, X2), by_hand, atol=1e-5)


def test_permuting_the_characteristics_of_tickers_permutes_their_betas(model):
    order = np.random.default_rng(0).permutation(N_TICKERS)
    assert np.allclose(predict(model, X1[:, order], X2), predict(model, X1, X2)[:, order], atol=1e-6)


def test_the_factor_network_is_linear_so_that_factors_are_portfolios(model):
    other = X2[::-1]
    middle = predict(model, X1, 0.3 * X2 + 0.7 * other)
    assert np.allclose(middle, 0.3 * predict(model, X1, X2) + 0.7 * predict(model, X1, other), atol=1e-6)


def test_the_beta_network_is_not_linear(model):
    other = X1[::-1]
    middle = predict(model, 0.5 * X1 + 0.5 * other, X2)
    assert not np.allclose(middle, 0.5 * predict(model, X1, X2) + 0.5 * predict(model, other, X2), atol=1e-3)


def test_the_loss_is_the_mean_of_the_squared_errors(model):
    expected = np.mean((predict(model, X1, X2) - X2) ** 2)
    assert model.evaluate([X1, X2], X2, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert type(model.optimizer).__name__ == "Adam"


def test_the_same_seed_gives_the_same_network_and_another_seed_another():
    def weights(seed):
        keras.utils.set_random_seed(seed)
        return make_model(6, 3).get_layer("output_beta").kernel.numpy()

    assert np.array_equal(weights(1), weights(1)) and not np.allclose(weights(1), weights(2))


def test_training_on_the_arrays_explains_more_of_a_simulated_market():
    keras.utils.set_random_seed(0)
    panel = simulate_market("linear", n_dates=60, n_tickers=30, n_characteristics=3, seed=0).panel
    x1_train, x2_train, y_train, x1_val, x2_val, y_val = train_validation_arrays(panel, range(40), range(40, 60))
    losses = (
        make_model(30, 3)
        .fit(
            [x1_train, x2_train],
            y_train,
            validation_data=([x1_val, x2_val], y_val),
            epochs=10,
            batch_size=10,
            verbose=0,
        )
        .history
    )
    assert losses["loss"][-1] < losses["loss"][0] and losses["val_loss"][-1] < losses["val_loss"][0]


def test_a_panel_is_cut_into_the_six_arrays_by_date():
    x1_train, x2_train, y_train, x1_val, x2_val, y_val = train_validation_arrays(PANEL, TRAIN, VAL)
    for dates, x1, x2, y in ((TRAIN, x1_train, x2_train, y_train), (VAL, x1_val, x2_val, y_val)):
        for i, d in enumerate(dates):
            assert np.array_equal(x1[i], X1[d]) and np.array_equal(x2[i], X2[d]) and np.array_equal(y[i], X2[d])
        assert len(x1) == len(x2) == len(y) == len(dates)


def rows_of(dates):
    return np.concatenate([np.arange(d * N_TICKERS, (d + 1) * N_TICKERS) for d in dates])


@pytest.mark.parametrize("target", ["returns", "returns_fwd"])
@pytest.mark.parametrize("frame", [FRAME, LECTURE], ids=["frame", "frame with returns_fwd"])
def test_the_lectures_frame_gives_the_arrays_of_the_panel(frame, target):
    by_panel = train_validation_arrays(PANEL, TRAIN, VAL, target)
    by_frame = train_validation_arrays(frame, rows_of(TRAIN), rows_of(VAL), target)
    for name, a, b in zip(NAMES, by_panel, by_frame, strict=True):
        assert np.array_equal(a, b), name


def test_every_value_of_the_frame_meets_its_date_and_ticker():
    x1, x2, y, *_ = train_validation_arrays(LECTURE, rows_of(TRAIN), rows_of(VAL), "returns_fwd")
    for d in (0, 13, 29):
        for s, ticker in enumerate(PANEL.tickers):
            row = LECTURE.loc[(PANEL.dates[d], ticker)]
            assert x1[d, s].tolist() == row[list(PANEL.characteristic_names)].tolist()
            assert (x2[d, s], y[d, s]) == (row["returns"], row["returns_fwd"])


def test_day_ahead_the_target_is_the_return_of_the_next_date_and_the_last_date_has_none():
    _, x2_train, y_train, _, x2_val, y_val = train_validation_arrays(PANEL, TRAIN, VAL, "returns_fwd")
    assert np.array_equal(y_train, X2[1:31]) and np.array_equal(x2_train, X2[:30])
    assert np.array_equal(y_val, X2[31:40]) and np.array_equal(x2_val, X2[30:39])


def test_day_ahead_a_frame_may_know_the_target_of_its_last_date():
    last = len(X2) - 1
    frame = LECTURE.assign(returns_fwd=LECTURE["returns_fwd"].fillna(7.0))
    assert np.array_equal(
        train_validation_arrays(frame, rows_of([3]), rows_of([last]), "returns_fwd")[5], np.full_like(X2[:1], 7)
    )
    assert_refused(
        lambda: train_validation_arrays(LECTURE, rows_of([3]), rows_of([last]), "returns_fwd"), ValueError, "val_idx"
    )


def test_the_folds_of_scikit_learn_are_positions_of_dates():
    for train, val in TimeSeriesSplit(4).split(X2):
        x1_train, *_, y_val = train_validation_arrays(PANEL, train, val)
        assert np.array_equal(x1_train, X1[train]) and np.array_equal(y_val, X2[val])


def test_the_arrays_do_not_share_memory_with_the_panel_or_with_each_other():
    arrays = train_validation_arrays(PANEL, TRAIN, VAL)
    assert not any(np.shares_memory(array, values) for array in arrays for values in (X1, X2))
    assert not np.shares_memory(arrays[1], arrays[2])


def cut(data, train=TRAIN, val=VAL, target="returns"):
    return train_validation_arrays(data, train, val, target)


TRAIN_ROWS, VAL_ROWS = rows_of(TRAIN), rows_of(VAL)


def cut_frame(frame, train=TRAIN_ROWS, val=VAL_ROWS, target="returns"):
    return train_validation_arrays(frame, train, val, target)


def with_returns(returns):
    return Panel(returns=returns, characteristics=X1)


FIRST = FRAME.index[0]
BY_TICKER = FRAME.sort_index(level="ticker")
SHUFFLED = FRAME.sample(frac=1, random_state=0)
SWAPPED_PAIR = FRAME.iloc[[1, 0, *range(2, len(FRAME))]]
TEXT_DATES = FRAME.set_index(FRAME.index.set_levels(PANEL.dates.strftime("%d/%m/%Y"), level=0))

BAD_INPUT = {
    "no tickers": (lambda: make_model(0, 3), ValueError, "n_tickers", "at least 1", "0 was given"),
    "text for the tickers": (lambda: make_model("5", 3), TypeError, "n_tickers", "whole number", "'5'"),
    "half a characteristic": (lambda: make_model(5, 1.5), TypeError, "n_characteristics", "whole number", "1.5"),
    "no characteristics": (lambda: make_model(5, 0), ValueError, "n_characteristics", "at least 1"),
    "several hidden layers": (lambda: make_model(5, 3, hidden_units=(8, 4)), TypeError, "hidden_units", "tuple"),
    "no hidden units": (lambda: make_model(5, 3, hidden_units=0), ValueError, "hidden_units", "at least 1"),
    "no factors": (lambda: make_model(5, 3, n_factors=0), ValueError, "n_factors", "at least 1"),
    "no factor inputs": (lambda: make_model(5, 3, n_factor_inputs=0), ValueError, "n_factor_inputs", "at least 1"),
    "an array": (lambda: cut(X2), TypeError, "data", "Panel", "ndarray"),
    "a panel without characteristics": (lambda: cut(Panel(returns=X2)), ValueError, "data", "characteristics"),
    "an unknown target": (lambda: cut(PANEL, target="fwd"), ValueError, "target", "'returns_fwd'", "'fwd'"),
    "no training dates": (lambda: cut(PANEL, train=[]), ValueError, "train_idx", "non-empty", "[]"),
    "no validation dates": (lambda: cut(PANEL, val=None), ValueError, "val_idx", "None"),
    "a date before the first": (lambda: cut(PANEL, train=[-1]), ValueError, "train_idx", "0 to 39", "-1"),
    "a date beyond the last": (lambda: cut(PANEL, val=[40]), ValueError, "val_idx", "0 to 39", "40"),
    "a repeated date": (lambda: cut(PANEL, train=[0, 0]), ValueError, "train_idx", "repeated"),
    "half a date": (lambda: cut(PANEL, train=[0.5]), ValueError, "train_idx", "whole numbers", "[0.5]"),
    "a mask": (lambda: cut(PANEL, train=[True, False]), ValueError, "train_idx", "whole numbers"),
    "dates in both parts": (
        lambda: cut(PANEL, train=[0, 1, 2], val=[2, 3]), ValueError, "train_idx and val_idx", "1 date", "2",
    ),
    "a missing return": (
        lambda: cut(with_returns(with_value(X2, (3, 1), np.nan))), ValueError, "X2_train", "1 NaN", "drop the tickers",
    ),
    "a missing validation return": (
        lambda: cut(with_returns(with_value(X2, (33, 1), np.nan))), ValueError, "X2_val", "1 NaN",
    ),
    "a missing characteristic": (
        lambda: cut(Panel(returns=X2, characteristics=with_value(X1, (3, 1, 0), np.nan))),
        ValueError, "X1_train", "1 NaN",
    ),
    "a missing forward return": (
        lambda: cut(with_returns(with_value(X2, (10, 1), np.nan)), range(10), VAL, "returns_fwd"),
        ValueError, "y_train", "1 NaN",
    ),
    "only a date without a target": (
        lambda: cut(PANEL, val=[39], target="returns_fwd"), ValueError, "val_idx", "target",
    ),
    "a frame in shuffled order": (lambda: cut_frame(SHUFFLED), ValueError, "data", "not sorted", "sort_index"),
    "a frame sorted by ticker": (lambda: cut_frame(BY_TICKER), ValueError, "data", "not sorted", "sort_index"),
    "a frame with two rows exchanged": (
        lambda: cut_frame(SWAPPED_PAIR), ValueError, "data", "not sorted", "sort_index",
    ),
    "a frame with a gap": (
        lambda: cut_frame(FRAME.drop(index=FIRST)), ValueError, "data", "479 rows", "40 dates x 12 tickers",
    ),
    "a frame with a repeated row": (
        lambda: cut_frame(pd.concat([FRAME, FRAME.iloc[:1]])), ValueError, "data", "1 repeated", "T00",
    ),
    "a frame with text dates": (lambda: cut_frame(TEXT_DATES), TypeError, "data", "text", "to_datetime"),
    "a frame with swapped levels": (lambda: cut_frame(FRAME.swaplevel().sort_index()), TypeError, "data", "swaplevel"),
    "a frame without its index": (lambda: cut_frame(FRAME.reset_index()), TypeError, "data", "set_index"),
    "a frame without returns": (lambda: cut_frame(FRAME[["size"]]), ValueError, "data", "'returns'"),
    "a frame with a column of text": (
        lambda: cut_frame(FRAME.assign(name="x")), TypeError, "data", "'name'", "numbers",
    ),
    "a frame with an infinite value": (
        lambda: cut_frame(FRAME.assign(size=np.inf)), ValueError, "infinite", "characteristics",
    ),
    "a frame with a missing value": (lambda: cut_frame(FRAME.assign(size=np.nan)), ValueError, "X1_train", "360 NaN"),
    "rows that split a date": (
        lambda: cut_frame(FRAME, train=range(13)), ValueError, "train_idx", "splits a date", "2000-02-29",
    ),
    "rows beyond the frame": (lambda: cut_frame(FRAME, val=[480]), ValueError, "val_idx", "0 to 479", "480"),
    "rows in both parts": (
        lambda: cut_frame(FRAME, train=rows_of([0, 1]), val=rows_of([1])),
        ValueError, "train_idx and val_idx", "1 date",
    ),
    "forward returns of text": (
        lambda: cut_frame(FRAME.assign(returns_fwd="x"), target="returns_fwd"), TypeError, "returns_fwd", "numbers",
    ),
    "infinite forward returns": (
        lambda: cut_frame(FRAME.assign(returns_fwd=np.inf), target="returns_fwd"),
        ValueError, "returns_fwd", "infinite",
    ),
    "forward returns that are all missing": (
        lambda: cut_frame(FRAME.assign(returns_fwd=np.nan), target="returns_fwd"), ValueError, "train_idx", "target",
    ),
    "repeated forward returns": (
        lambda: cut_frame(pd.concat([LECTURE, LECTURE[["returns_fwd"]]], axis=1), target="returns_fwd"),
        ValueError, "repeated columns", "returns_fwd",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused(case):
    assert_refused(*BAD_INPUT[case])


def test_forward_returns_of_another_ticker_are_refused():
    panel = small_panel()
    frame = panel.to_frame()
    right = frame.assign(returns_fwd=frame.groupby("ticker").returns.shift(-1))
    wrong = frame.assign(returns_fwd=frame.returns.shift(-1))
    y = train_validation_arrays(right, range(120), range(120, 240), target="returns_fwd")[2]
    assert np.allclose(y, panel.returns[1:11])
    assert_refused(
        lambda: train_validation_arrays(wrong, range(120), range(120, 240), target="returns_fwd"),
        ValueError, "returns_fwd", "next date", "groupby",
    )  # fmt: skip


def test_a_message_does_not_print_the_whole_input():
    with pytest.raises(ValueError) as refusal:
        train_validation_arrays(small_panel(), [0.5] * 10_000, [1])
    assert len(str(refusal.value)) < 300
