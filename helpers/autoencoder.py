"""The conditional autoencoder: both halves of the product are neural networks, trained together."""

import json
import os
import struct
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from helpers import stacked
from helpers.backend import keras
from helpers.checks import as_array, as_choice, as_count, as_flag, as_positive, first_few
from helpers.models import FactorModel, require_same_labels
from helpers.panel import Panel, managed_portfolios, require_panel

FORWARD_RETURNS = "returns_fwd"

# What reading a file raises that another program wrote, or that was cut short or altered.
DAMAGE = (AttributeError, EOFError, KeyError, NotImplementedError, OSError, RuntimeError, TypeError, ValueError)
DAMAGE += (struct.error, zipfile.BadZipFile, zlib.error)

# The hidden layers of the Beta network in the paper's models.
PAPER_MODELS = {"CA0": (), "CA1": (32,), "CA2": (32, 16), "CA3": (32, 16, 8)}


class ConditionalAutoencoder(FactorModel):
    """Given characteristics and the returns of portfolios, solve for both halves of the product by neural networks.

        β_s^(d) = Beta network(z_s^(d))        hidden layers of ReLU with batch normalisation, then K linear units
        F^(d) = W' x^(d)                       Factor network: one linear layer, so that factors are portfolios of x
        r̂_s^(d) = β_s^(d) · F^(d)              min over all weights θ of mean (r - r̂)² / mean r² + l1 Σ |θ|

    Adam on random batches of known returns: a missing one is never seen. Each member keeps the weights of its own best epoch on
    the validation panel. `reconstruct` is the mean of the members' products r̂, and `predict` that of their β · λ, each λ the
    past mean of the member's own F. Their β and F alone differ by a rotation from member to member, and must not be averaged.
    All members, of all L1 strengths, train together as one stack of networks.

    Parameters
    ----------
    n_factors : int
        K.
    hidden_units : sequence of int
        Of the Beta network: () is CA0, (32,) CA1, (32, 16) CA2, (32, 16, 8) CA3.
    n_members : int
        How many networks, with different random starts, make the ensemble.
    factor_inputs : {"portfolios", "managed", "returns"}
        What x is: the panel's portfolios, its `managed_portfolios` with the constant, or the returns of its tickers.
    l1 : float or sequence of float
        The strength of the penalty. Of several, each with an ensemble of its own, the one whose ensemble reconstructs the
        validation panel best is kept.
    batch_normalization : bool
    learning_rate : float
    batch_size : int
        Returns, not dates.
    epochs, patience : int
        How many at most, and how many without an improvement on the validation panel.
    seed : int
    progress : bool
        Whether a progress bar is shown.

    Attributes
    ----------
    l1_ : float
        The strength that was kept.
    validation_curve_ : Series
        The total R² of the validation panel by each strength.
    history_ : DataFrame
        One row for each strength, member and epoch until it stopped: the mean squared errors `training` (a running mean within
        the epoch) and `validation`, as shares of the mean squared return.
    factor_weights_ : (n_members, n_inputs, n_factors)
        W: the position of each factor in each of the `factor_input_names_`.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 2.2-2.3 and Figure 2.
    """

    def __init__(
        self,
        n_factors=3,
        hidden_units=(32,),
        n_members=10,
        factor_inputs="portfolios",
        l1=(3e-3, 6e-3, 1.2e-2, 2.4e-2),
        batch_normalization=True,
        learning_rate=0.01,
        batch_size=800,
        epochs=100,
        patience=5,
        seed=0,
        progress=False,
    ):
        self.n_factors = n_factors
        self.hidden_units = hidden_units
        self.n_members = n_members
        self.factor_inputs = factor_inputs
        self.l1 = l1
        self.batch_normalization = batch_normalization
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.seed = seed
        self.progress = progress

    def fit(self, panel, validation=None):
        """The model itself, fitted to the panel. Without a validation panel the panel takes its place, and l1 must be one number."""
        require_panel(panel, characteristics=True)
        strengths = self._strengths()
        if validation is None and len(strengths) > 1:
            raise ValueError(
                f"l1 holds {len(strengths)} strengths, and only a validation panel can choose among them. "
                "Call fit(panel, validation), or give l1 one number."
            )
        how = {
            "learning_rate": as_positive("learning_rate", self.learning_rate),
            "batch_size": as_count("batch_size", self.batch_size, at_least=2),
            "epochs": as_count("epochs", self.epochs),
            "patience": as_count("patience", self.patience),
            "seed": as_count("seed", self.seed, at_least=0),
            "progress": as_flag("progress", self.progress),
        }
        input_names = self._input_names(panel)
        alone = self._shape(panel.n_characteristics, len(input_names))
        known = held_out_known = _known("The panel", panel)
        if validation is not None:
            require_panel(validation, characteristics=True)
            require_same_labels("characteristic_names", validation.characteristic_names, panel.characteristic_names)
            require_same_labels("factor inputs", self._input_names(validation), input_names)
            held_out_known = _known("validation", validation)

        x = self._inputs(panel)
        scales = _scale(panel.returns[known]), _scale(x, axis=0)
        if not scales[1].all():
            raise ValueError(f"Factor input(s) {first_few(input_names[scales[1] == 0])} are 0 at every date. Drop them.")
        training = held_out = _observations(panel, known, x, scales)
        if validation is not None:
            held_out = _observations(validation, held_out_known, self._inputs(validation), scales)

        m, repeated = alone.n_members, list(range(alone.n_members)) * len(strengths)
        together = replace(alone, n_members=len(repeated))
        weights, history = stacked.train(
            together,
            stacked.select_members(stacked.initial_weights(alone, how["seed"]), repeated, m),
            training,
            held_out,
            l1=np.repeat(strengths, m),
            **how,
        )

        products = _products(stacked.member_betas(together, weights, held_out.z), held_out, weights)
        errors = held_out.y[:, None] - products.reshape(len(held_out.y), len(strengths), m).mean(axis=2)
        curve = 1 - (errors**2).sum(axis=0, dtype=float) / (held_out.y**2).sum(dtype=float)
        best = int(curve.argmax())

        self.l1_ = strengths[best]
        self.validation_curve_ = pd.Series(curve, pd.Index(strengths, name="l1"), name="total R²")
        history.insert(0, "l1", np.repeat(strengths, m)[history["member"]])
        self.history_ = history.assign(member=history["member"] % m).astype({"training": float, "validation": float})
        self.weights_ = stacked.select_members(weights, list(range(best * m, (best + 1) * m)), len(repeated))
        self.returns_scale_ = scales[0]
        self.factor_weights_ = (self.weights_[0][-1] / scales[1][:, None, None] * scales[0]).transpose(1, 0, 2).astype(float)
        self.characteristic_names_, self.factor_input_names_ = panel.characteristic_names, input_names
        return self

    def betas(self, panel, member=0):
        """The sensitivities β of one member, (n_dates, n_tickers, n_factors); NaN where a characteristic is unknown."""
        return self._all_betas(panel, [self._member(member)])[:, :, 0]

    def factors(self, panel, member=0):
        """The factor returns F of one member, (n_dates, n_factors), in fractions per period."""
        return self._all_factors(panel)[self._member(member)]

    def save(self, path):
        """Nothing; the fitted model is in a file, whole or not at all, for `ConditionalAutoencoder.load`. No code is stored."""
        check_is_fitted(self)
        path = Path(path)
        arrays = {f"weights_{i}_{j}": array for i, part in enumerate(self.weights_) for j, array in enumerate(part)}
        arrays |= {name: getattr(self, name) for name in ("returns_scale_", "factor_weights_", "l1_")}
        frames = {"history_": self.history_, "validation_curve_": self.validation_curve_.reset_index()}
        about = {
            "parameters": {k: list(v) if np.iterable(v) and not isinstance(v, str) else v for k, v in self.get_params().items()},
            "names": {name: getattr(self, name).to_list() for name in ("characteristic_names_", "factor_input_names_")},
            "frames": {name: frame.to_dict("list") for name, frame in frames.items()},
        }
        unfinished = path.with_name(path.name + ".unfinished")
        try:
            with open(unfinished, "wb") as file:
                np.savez(file, about=json.dumps(about, default=_plain), **arrays)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)

    @classmethod
    def load(cls, path):
        """The fitted model that `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            about = json.loads(str(arrays["about"]))
            model = cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in about["parameters"].items()})
            counts = [sum(name.startswith(f"weights_{i}_") for name in arrays) for i in (0, 1)]
            model.weights_ = tuple([arrays[f"weights_{i}_{j}"] for j in range(n)] for i, n in enumerate(counts))
            model.returns_scale_, model.l1_ = float(arrays["returns_scale_"]), float(arrays["l1_"])
            model.factor_weights_ = arrays["factor_weights_"]
            for name in ("characteristic_names_", "factor_input_names_"):
                setattr(model, name, pd.Index(about["names"][name]))
            model.history_ = pd.DataFrame(about["frames"]["history_"])
            model.validation_curve_ = pd.DataFrame(about["frames"]["validation_curve_"]).set_index("l1")["total R²"]
        except (FileNotFoundError, PermissionError):
            raise
        except DAMAGE as error:
            raise ValueError(
                f"{path} is not a file that ConditionalAutoencoder.save wrote, or it is damaged: {error}."
            ) from error
        return model

    def _strengths(self):
        values = [as_positive("l1", value, zero=True) for value in _sequence(self.l1)]
        if not values or len(set(values)) < len(values):
            raise ValueError(f"l1 must be a number or a sequence of different ones; {self.l1!r} was given.")
        return values

    def _shape(self, n_characteristics, n_inputs):
        return stacked.Shape(
            n_members=as_count("n_members", self.n_members),
            n_characteristics=n_characteristics,
            n_inputs=n_inputs,
            hidden_units=tuple(as_count("hidden_units", units) for units in _sequence(self.hidden_units)),
            n_factors=as_count(
                "n_factors",
                self.n_factors,
                at_most=min(n_characteristics, n_inputs),
                why="There are no more factors than characteristics, nor than inputs of the Factor network.",
            ),
            batch_normalization=as_flag("batch_normalization", self.batch_normalization),
        )

    def _input_names(self, panel):
        """The labels of what the Factor network reads, or an error if the panel has no such thing."""
        as_choice("factor_inputs", self.factor_inputs, ("portfolios", "managed", "returns"))
        if self.factor_inputs == "managed":
            return panel.characteristic_names.append(pd.Index(["constant"]))
        if self.factor_inputs == "returns":
            if np.isnan(panel.returns).any():
                raise ValueError(
                    f"factor_inputs='returns' needs every ticker at every date, and {int(np.isnan(panel.returns).sum())} returns "
                    "are missing. Choose factor_inputs='managed': those portfolios hold whoever is there."
                )
            return panel.tickers
        if not panel.n_portfolios:
            raise ValueError(
                "factor_inputs='portfolios' needs a panel with portfolios, and this one has none. "
                "Pass Panel(..., portfolios=...), or choose factor_inputs='managed'."
            )
        return panel.portfolio_names

    def _inputs(self, panel):
        """What the Factor network reads, (n_dates, n_inputs)."""
        if self.factor_inputs == "managed":
            return managed_portfolios(panel, constant=True)
        return panel.returns if self.factor_inputs == "returns" else panel.portfolios

    def _member(self, member):
        check_is_fitted(self)
        return as_count("member", member, at_least=0, at_most=len(self.factor_weights_) - 1, why="Members are counted from 0.")

    def _all_betas(self, panel, members=None):
        """(n_dates, n_tickers, len(members), n_factors); of all members if they are left out."""
        self._require_fitted(panel)
        require_same_labels("characteristic_names", panel.characteristic_names, self.characteristic_names_)
        n_members, n_inputs, n_factors = self.factor_weights_.shape
        members = list(range(n_members)) if members is None else members
        # The shape is that of the weights: a parameter may have been set since, for a next fit.
        hidden = tuple(kernel.shape[2] for kernel in self.weights_[0] if kernel.ndim == 3)[:-2]
        shape = stacked.Shape(len(members), panel.n_characteristics, n_inputs, hidden, n_factors, bool(self.weights_[1]))
        known = ~np.isnan(panel.characteristics).any(axis=2)
        betas = np.full((*known.shape, len(members), n_factors), np.nan)
        weights = stacked.select_members(self.weights_, members, n_members)
        betas[known] = stacked.member_betas(shape, weights, panel.characteristics[known].astype("float32"))
        return betas

    def _product(self, betas, factors):
        """The mean of the members' products, (n_dates, n_tickers)."""
        return np.einsum("dsmk,mdk->ds", betas, factors) / len(factors)

    def _all_factors(self, panel):
        """(n_members, n_dates, n_factors)"""
        self._require_fitted(panel)
        require_same_labels("factor inputs", self._input_names(panel), self.factor_input_names_)
        return self._inputs(panel) @ self.factor_weights_


def make_model(n_tickers, n_characteristics, hidden_units=8, n_factors=3, n_factor_inputs=None):
    """The lecture's conditional autoencoder with one hidden layer, compiled and ready to fit on `[X1, X2], y`.

        β^(d) = Dense(n_factors)(BatchNorm(ReLU(Dense(hidden_units)(X^(d)))))      one set of weights for all tickers and dates
        F^(d) = Dense(n_factors)(R^(d))                                            linear, so that factors are portfolios
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
        Inputs `input_beta` (n_tickers, n_characteristics) and `input_factor` (n_factor_inputs,); output r̂ (n_tickers,).
        Weights start at random: call `keras.utils.set_random_seed` first for the same ones every time.

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
        Positions along the first axis of `data`: dates of a Panel; rows of a frame, as in `data.iloc`, which must be whole dates.
    target : {"returns", "returns_fwd"}
        Day ahead, the last date of all has no target and is left out, and so is a frame's date whose `returns_fwd` is missing.

    Returns
    -------
    six arrays
        X1 (m, n_tickers, n_chars), X2 (m, n_tickers), y (m, n_tickers); m dates.

    Raises
    ------
    TypeError
        If data is neither a Panel nor a DataFrame.
    ValueError
        If a frame's rows are unsorted or have gaps (reshape and unstack would then disagree in silence), positions are out of
        range or overlap, or a value is missing.
    """
    as_choice("target", target, ("returns", FORWARD_RETURNS))
    if isinstance(data, pd.DataFrame):
        panel, y = _from_sorted_frame(data)
        train, val = (_whole_dates(name, idx, panel) for name, idx in (("train_idx", train_idx), ("val_idx", val_idx)))
    elif isinstance(data, Panel):
        panel, y = data, None
        train, val = (_positions(name, idx, panel.n_dates) for name, idx in (("train_idx", train_idx), ("val_idx", val_idx)))
    else:
        raise TypeError(f"data must be a Panel or a long DataFrame; a {type(data).__name__} was given.")
    if not panel.n_characteristics:
        raise ValueError("data has no characteristics, and the Beta network needs at least one. Add columns to the frame.")
    both = np.intersect1d(train, val)
    if len(both):
        raise ValueError(f"train_idx and val_idx share {len(both)} date(s), the first at position {both[0]}. Separate them.")
    if target == "returns":
        y = panel.returns
    elif y is None:
        y = np.concatenate([panel.returns[1:], np.full((1, panel.n_tickers), np.nan)])

    arrays = []
    for name, dates in (("train_idx", train), ("val_idx", val)):
        if target == FORWARD_RETURNS:
            dates = dates[~np.isnan(y[dates]).all(axis=1)]
            if not len(dates):
                raise ValueError(f"{name} holds no date whose target, the return of the next date, is known. Add earlier dates.")
        arrays += [panel.characteristics[dates], panel.returns[dates], y[dates]]
    for name, array in zip(("X1_train", "X2_train", "y_train", "X1_val", "X2_val", "y_val"), arrays, strict=True):
        if np.isnan(array).any():
            raise ValueError(
                f"{name} would have {int(np.isnan(array).sum())} NaN value(s), and the mean of squares would be NaN with them. "
                "make_model needs every ticker at every date: drop the tickers or dates with gaps."
            )
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
            f"{panel.n_dates * panel.n_tickers}: reshape would shift rows into the wrong place. Drop the tickers with gaps."
        )
    if not frame.index.is_monotonic_increasing:
        raise ValueError(
            "data is not sorted by date and ticker: reshape would keep this order and unstack would not, and characteristics "
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
            "Make it with data.groupby('ticker')['returns'].shift(-1): a shift without groupby takes another ticker's return."
        )
    return panel, y


def _whole_dates(name, rows, panel):
    """The dates whose rows, all of them, are asked for."""
    rows = _positions(name, rows, panel.n_dates * panel.n_tickers)
    dates, counts = np.unique(rows // panel.n_tickers, return_counts=True)
    if (counts < panel.n_tickers).any():
        raise ValueError(
            f"{name} splits a date: it holds some rows of {panel.dates[dates[counts < panel.n_tickers][0]]} but not all "
            f"{panel.n_tickers}. Rows of a frame are taken by whole dates."
        )
    return dates


def _positions(name, values, n):
    positions = np.asarray(values)
    if positions.ndim != 1 or positions.size == 0 or positions.dtype.kind not in "iu":
        raise ValueError(f"{name} must be a non-empty sequence of whole numbers; [{first_few(positions.ravel())}] was given.")
    if positions.min() < 0 or positions.max() >= n or len(np.unique(positions)) < len(positions):
        raise ValueError(
            f"{name} must hold different positions from 0 to {n - 1}; they run from {positions.min()} to {positions.max()}"
            f"{', some repeated' if len(np.unique(positions)) < len(positions) else ''}."
        )
    return positions


def _scale(values, axis=None):
    """The root of the mean square. Divided by it, a strength of L1 means the same in any market."""
    return np.sqrt((values**2).mean(axis))


def _known(name, panel):
    """Where a ticker has a return and all characteristics, (n_dates, n_tickers), or an error if there is nothing to explain."""
    known = ~np.isnan(panel.returns) & ~np.isnan(panel.characteristics).any(axis=2)
    if not known.any():
        raise ValueError(f"{name} has no ticker with a return and all characteristics at the same date. Fill or drop some.")
    if not panel.returns[known].any():
        raise ValueError(f"{name} has returns that are all 0, missing, or without characteristics: there is nothing to explain.")
    return known


def _observations(panel, known, x, scales):
    """The known returns of the panel as rows for training, in units of their scale."""
    return stacked.Observations(
        z=panel.characteristics[known].astype("float32"),
        x=(x / scales[1]).astype("float32"),
        date=np.nonzero(known)[0].astype("int32"),
        y=(panel.returns[known] / scales[0]).astype("float32"),
    )


def _products(betas, observations, weights):
    """r̂ of each member for each observation, (n_rows, n_members)."""
    factors = np.einsum("di,imk->dmk", observations.x, weights[0][-1])
    return np.einsum("rmk,rmk->rm", betas, factors[observations.date])


def _sequence(value):
    """The items of a sequence, or the one value."""
    return list(value) if np.iterable(value) and not isinstance(value, str) else [value]


def _plain(value):
    """numpy's numbers as Python's, for JSON."""
    return value.item() if isinstance(value, np.generic) else value.tolist()
