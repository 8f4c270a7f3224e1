"""The conditional autoencoder: both halves of the product are neural networks, trained together."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from helpers.checks import as_choice, as_count, as_flag, as_positive, first_few
from helpers.labels import Labelled, factor_names, labelled
from helpers.models import stacked
from helpers.models.base import Ensemble, factors_of_happened, happened, require_same_labels
from helpers.models.managed import managed_portfolios
from helpers.panel import Panel, require_panel

# The hidden layers of the Beta network in the paper's models.
PAPER_MODELS = {"CA0": (), "CA1": (32,), "CA2": (32, 16), "CA3": (32, 16, 8)}


class ConditionalAutoencoder(Ensemble):
    """Given characteristics and the returns of portfolios, solve for both halves of the product by neural networks.

        β_s^(d) = Beta network(z_s^(d))        hidden layers of ReLU with batch normalisation, then K linear units
        F^(d) = W' x^(d)                       Factor network: one linear layer, so that factors are portfolios of x
        r̂_s^(d) = β_s^(d) · F^(d)              min over all weights θ of mean (r - r̂)² / mean r² + l1 Σ |θ|

    Adam on random batches of known returns: a missing one is never seen. Each member keeps the weights of its own best
    epoch on the validation panel. `reconstruct` is the mean of the members' products r̂, and `predict` that of their β
    · λ, each λ the past mean of the member's own F. Their β and F alone differ by a rotation from member to member, and
    must not be averaged: ask `members_` for them. All members, of all L1 strengths, train together as one stack of
    networks.

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
        The strength of the penalty. Of several, each with an ensemble of its own, the one whose ensemble reconstructs
        the validation panel best is kept.
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
    members_ : list of ConditionalAutoencoder
        One for each network, with `betas` and `factors` of its own.
    l1_ : float
        The strength that was kept.
    validation_curve_ : Series
        The total R² of the validation panel by each strength.
    history_ : DataFrame
        One row for each strength, member and epoch until it stopped: the mean squared errors `training` (a running mean
        within the epoch) and `validation`, as shares of the mean squared return.
    factor_weights_ : (n_members, n_inputs, n_factors)
        W: the position of each factor in each of the `factor_input_names_`.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 2.2-2.3 and Figure 2.
    """

    reads_validation = True

    def __init__(
        self,
        n_factors: int = 3,
        hidden_units: Sequence[int] = (32,),
        n_members: int = 10,
        factor_inputs: str = "portfolios",
        l1: float | Sequence[float] = (3e-3, 6e-3, 1.2e-2, 2.4e-2),
        batch_normalization: bool = True,
        learning_rate: float = 0.01,
        batch_size: int = 800,
        epochs: int = 100,
        patience: int = 5,
        seed: int = 0,
        progress: bool = False,
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

    def fit(self, panel: Panel, validation: Panel | None = None) -> Self:
        """The model itself, fitted to the panel.

        Without a validation panel the panel takes its place; l1 is then one number.
        """
        require_panel(panel, characteristics=True)
        panel = self._learns_from(panel, validation)
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
            validation = happened(validation, "validation")
            require_same_labels("characteristic_names", validation.characteristic_names, panel.characteristic_names)
            require_same_labels("factor inputs", self._input_names(validation), input_names)
            held_out_known = _known("validation", validation)

        x = self._inputs(panel)
        scales = _scale(panel.returns[known]), _scale(x, axis=0)
        if not scales[1].all():
            raise ValueError(
                f"Factor input(s) {first_few(input_names[scales[1] == 0])} are 0 at every date. Drop them."
            )
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
        in_fractions = self.weights_[0][-1] / scales[1][:, None, None] * scales[0]
        self.factor_weights_ = in_fractions.transpose(1, 0, 2).astype(float)
        self.characteristic_names_, self.factor_input_names_ = panel.characteristic_names, input_names
        return self

    @property
    def members_(self) -> list[Self]:
        """One fitted model for each network of the ensemble."""
        check_is_fitted(self)
        if len(self.factor_weights_) == 1:
            return [self]
        return [self._member(m) for m in range(len(self.factor_weights_))]

    def betas(self, panel: Panel) -> Labelled:
        """β of a single network, (n_dates, n_tickers, n_factors); NaN where a characteristic is unknown."""
        self._require_fitted(panel)
        self._require_one("betas")
        require_same_labels("characteristic_names", panel.characteristic_names, self.characteristic_names_)
        _, n_inputs, n_factors = self.factor_weights_.shape
        # The shape is that of the weights: a parameter may have been set since, for a next fit.
        hidden = tuple(kernel.shape[2] for kernel in self.weights_[0] if kernel.ndim == 3)[:-2]
        shape = stacked.Shape(1, panel.n_characteristics, n_inputs, hidden, n_factors, bool(self.weights_[1]))
        known = ~np.isnan(panel.characteristics).any(axis=2)
        betas = np.full((*known.shape, n_factors), np.nan)
        z = panel.characteristics[known].astype("float32")
        betas[known] = stacked.member_betas(shape, self.weights_, z)[:, 0]
        return labelled(betas, panel.dates, panel.tickers, factor_names(n_factors))

    def factors(self, panel: Panel) -> Labelled:
        """F = W'x of a single network, (n_dates, n_factors), in fractions; NaN at dates that have not happened."""
        self._require_fitted(panel)
        self._require_one("factors")
        require_same_labels("factor inputs", self._input_names(panel), self.factor_input_names_)
        names = factor_names(self.factor_weights_.shape[2])
        factors = factors_of_happened(panel, len(names), lambda past: self._inputs(past) @ self.factor_weights_[0])
        return labelled(factors, panel.dates, names)

    def _member(self, m):
        """The ensemble of one network out of this one."""
        alone, n_members = clone(self).set_params(n_members=1), len(self.factor_weights_)
        for name in ("l1_", "validation_curve_", "returns_scale_", "characteristic_names_", "factor_input_names_"):
            setattr(alone, name, getattr(self, name))
        alone.history_ = self.history_[self.history_["member"] == m].assign(member=0).reset_index(drop=True)
        alone.weights_ = stacked.select_members(self.weights_, [m], n_members)
        alone.factor_weights_ = self.factor_weights_[[m]]
        return alone

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
            missing = int(np.isnan(panel.returns[: panel.n_happened]).sum())
            if missing:
                raise ValueError(
                    f"factor_inputs='returns' needs every ticker at every date, and {missing} returns are missing. "
                    "Choose factor_inputs='managed': those portfolios hold whoever is there."
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
        inputs = panel.returns if self.factor_inputs == "returns" else panel.portfolios
        return inputs.astype(float, copy=False)


def _scale(values, axis=None):
    """The root of the mean square. Divided by it, a strength of L1 means the same in any market."""
    return np.sqrt((np.asarray(values, dtype=float) ** 2).mean(axis))


def _known(name, panel):
    """Where a ticker has a return and all characteristics, (n_dates, n_tickers); refused if it is nowhere."""
    known = ~np.isnan(panel.returns) & ~np.isnan(panel.characteristics).any(axis=2)
    if not known.any():
        raise ValueError(
            f"{name} has no ticker with a return and all characteristics at the same date. Fill or drop some."
        )
    if not panel.returns[known].any():
        raise ValueError(
            f"{name} has returns that are all 0, missing, or without characteristics: there is nothing to explain."
        )
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
