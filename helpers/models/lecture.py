"""The lecture's own conditional autoencoder, and the arrays that it trains on."""

import numpy as np
import pandas as pd

from helpers.checks import as_array, as_choice, as_count, first_few
from helpers.labels import dates_and_tickers, short
from helpers.models.backend import keras
from helpers.models.base import warn_of_magnitudes
from helpers.panel import Panel

FORWARD_RETURNS = "returns_fwd"


def make_model(n_tickers, n_characteristics, hidden_units=8, n_factors=3, n_factor_inputs=None):
    """The lecture's conditional autoencoder with one hidden layer, compiled and ready to fit on `[X1, X2], y`.

        β^(d) = Dense(n_factors)(BatchNorm(ReLU(Dense(hidden_units)(X^(d)))))   the same weights for all rows
        F^(d) = Dense(n_factors)(R^(d))                                         linear: factors are portfolios
        r̂^(d) = β^(d) · F^(d)                                                      min over all weights of mean (r - r̂)²

    Parameters
    ----------
    n_tickers, n_characteristics : int
    hidden_units : int
        Of the Beta network's hidden layer.
    n_factors : int
    n_factor_inputs : int, optional
        How many series the Factor network reads; the tickers' own returns if left out.

    Returns
    -------
    keras.Model
        Inputs `input_beta` (n_tickers, n_characteristics) and `input_factor` (n_factor_inputs,); output r̂
        (n_tickers,). Weights start at random: call `keras.utils.set_random_seed` first for the same ones every time.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive whole number.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 2.2 and Figure 2; CA1 with the Adam defaults and without their L1 penalty.
    """
    n_tickers = as_count("n_tickers", n_tickers)
    n_characteristics = as_count("n_characteristics", n_characteristics)
    hidden_units, n_factors = as_count("hidden_units", hidden_units), as_count("n_factors", n_factors)
    n_factor_inputs = n_tickers if n_factor_inputs is None else as_count("n_factor_inputs", n_factor_inputs)

    input_beta = keras.Input((n_tickers, n_characteristics), name="input_beta")
    input_factor = keras.Input((n_factor_inputs,), name="input_factor")

    hidden_layer = keras.layers.Dense(units=hidden_units, activation="relu", name="hidden_layer")(input_beta)
    batch_norm = keras.layers.BatchNormalization(name="batch_norm")(hidden_layer)
    output_beta = keras.layers.Dense(units=n_factors, name="output_beta")(batch_norm)

    output_factor = keras.layers.Dense(units=n_factors, name="output_factor")(input_factor)

    output = keras.layers.Dot(axes=(2, 1), name="output_layer")([output_beta, output_factor])

    model = keras.Model(inputs=[input_beta, input_factor], outputs=output)
    model.compile(loss="mse", optimizer="adam")
    return model


def train_validation_arrays(data, train_idx, val_idx, target="returns"):
    """The arrays that `make_model` trains on: (X1_train, X2_train, y_train, X1_val, X2_val, y_val).

    One example per date d: X1^(d) the characteristics (n_tickers, n_chars), X2^(d) the returns (n_tickers,), and

        y^(d) = r^(d)      target "returns": explain the returns of the same date (contemporaneous)
        y^(d) = r^(d+1)    target "returns_fwd": predict those of the next date (day ahead)

    Parameters
    ----------
    data : Panel or DataFrame
        A frame is the lecture's: indexed by (date, ticker), with the column `returns`, perhaps `returns_fwd`, and the
        characteristics; sorted, every ticker at every date.
    train_idx, val_idx : sequences of int
        Positions along the first axis of `data`: dates of a Panel; rows of a frame, as in `data.iloc`, which must be
        whole dates.
    target : {"returns", "returns_fwd"}
        Day ahead, the last date of all has no target and is left out, and so is a frame's date whose `returns_fwd` is
        missing.

    Returns
    -------
    six arrays
        X1 (m, n_tickers, n_chars), X2 (m, n_tickers), y (m, n_tickers); m dates.

    Raises
    ------
    TypeError
        If data is neither a Panel nor a DataFrame.
    ValueError
        If a frame's rows are unsorted or have gaps (reshape and unstack would then disagree in silence), positions are
        out of range, overlap or run backwards in time, or a value is missing.
    """
    as_choice("target", target, ("returns", FORWARD_RETURNS))
    if isinstance(data, pd.DataFrame):
        panel, y = _from_sorted_frame(data)
        train, val = (_whole_dates(name, idx, panel) for name, idx in (("train_idx", train_idx), ("val_idx", val_idx)))
    elif isinstance(data, Panel):
        panel, y = data, None
        train, val = _positions("train_idx", train_idx, panel.n_dates), _positions("val_idx", val_idx, panel.n_dates)
    else:
        raise TypeError(f"data must be a Panel or a long DataFrame; a {type(data).__name__} was given.")
    if not panel.n_characteristics:
        raise ValueError(
            "data has no characteristics, and the Beta network needs at least one. Add columns to the frame."
        )
    both = np.intersect1d(train, val)
    if len(both):
        raise ValueError(
            f"train_idx and val_idx share {len(both)} date(s), the first at position {both[0]}. Separate them."
        )
    if val.min() < train.max():
        raise ValueError(
            f"val_idx must come after train_idx in time; it begins at {short(panel.dates[val.min()])}, and train_idx "
            f"ends at {short(panel.dates[train.max()])}. A model is judged by dates that follow those it learned from."
        )
    if target == "returns":
        y = panel.returns
    elif y is None:
        y = np.concatenate([panel.returns[1:], np.full((1, panel.n_tickers), np.nan)])

    arrays = []
    for name, dates in (("train_idx", train), ("val_idx", val)):
        if target == FORWARD_RETURNS:
            dates = dates[~np.isnan(y[dates]).all(axis=1)]
            if not len(dates):
                raise ValueError(
                    f"{name} holds no date whose target, the return of the next date, is known. Add earlier dates."
                )
        arrays += [np.asarray(panel.characteristics[dates]), panel.returns[dates], y[dates]]
    for name, array in zip(("X1_train", "X2_train", "y_train", "X1_val", "X2_val", "y_val"), arrays, strict=True):
        if np.isnan(array).any():
            raise ValueError(
                f"{name} would have {int(np.isnan(array).sum())} NaN value(s), and the mean of squares would be NaN "
                "with them. "
                "make_model needs every ticker at every date: drop the tickers or dates with gaps."
            )
    warn_of_magnitudes(arrays[0], panel.characteristic_names, stacklevel=2)
    return tuple(arrays)


def _from_sorted_frame(frame):
    """The panel of a sorted full grid, and its forward returns if it holds them."""
    try:
        panel = Panel.from_frame(frame.drop(columns=FORWARD_RETURNS, errors="ignore"))
    except (TypeError, ValueError) as error:
        raise type(error)(f"data: {error}") from None
    if len(frame) != panel.n_dates * panel.n_tickers:
        raise ValueError(
            f"data has {len(frame)} rows, and {panel.n_dates} dates x {panel.n_tickers} tickers would be "
            f"{panel.n_dates * panel.n_tickers}: reshape would shift rows into the wrong place. Drop the tickers with "
            "gaps."
        )
    if not pd.MultiIndex.from_arrays(dates_and_tickers(frame)).is_monotonic_increasing:
        raise ValueError(
            "data is not sorted by date and ticker: reshape would keep this order and unstack would not, and "
            "characteristics "
            "would meet the wrong returns. Call data = data.sort_index() first."
        )
    if FORWARD_RETURNS not in frame:
        return panel, None
    forward = frame[FORWARD_RETURNS]
    if forward.ndim > 1:
        raise ValueError(f"data has repeated columns: {FORWARD_RETURNS}. Keep one.")
    y = as_array(FORWARD_RETURNS, forward, ("n_rows",), missing=True).reshape(panel.n_dates, panel.n_tickers)
    both = ~np.isnan(y[:-1]) & ~np.isnan(panel.returns[1:])
    if not np.allclose(y[:-1][both], panel.returns[1:][both]):
        raise ValueError(
            "data: returns_fwd is not the return of the next date. "
            "Make it with data.groupby('ticker')['returns'].shift(-1): a shift without groupby takes another ticker's "
            "return."
        )
    return panel, y


def _whole_dates(name, rows, panel):
    """The dates whose rows, all of them, are asked for."""
    rows = _positions(name, rows, panel.n_dates * panel.n_tickers)
    dates, counts = np.unique(rows // panel.n_tickers, return_counts=True)
    if (counts < panel.n_tickers).any():
        raise ValueError(
            f"{name} splits a date: it holds some rows of {panel.dates[dates[counts < panel.n_tickers][0]]} but not "
            "all "
            f"{panel.n_tickers}. Rows of a frame are taken by whole dates."
        )
    return dates


def _positions(name, values, n):
    positions = np.asarray(values)
    if positions.ndim != 1 or positions.size == 0 or positions.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be a non-empty sequence of whole numbers; [{first_few(positions.ravel())}] was given."
        )
    if positions.min() < 0 or positions.max() >= n or len(np.unique(positions)) < len(positions):
        raise ValueError(
            f"{name} must hold different positions from 0 to {n - 1}; they run from {positions.min()} to "
            f"{positions.max()}"
            f"{', some repeated' if len(np.unique(positions)) < len(positions) else ''}."
        )
    return positions
