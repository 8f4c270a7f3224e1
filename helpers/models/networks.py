"""What ensembles of networks have in common: their parameters, their training as one stack, their members."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from helpers.checks import as_choice, as_count, as_flag, as_positive
from helpers.compact import complete
from helpers.labels import Labelled, factor_names, labelled
from helpers.models import layers, stacked
from helpers.models.base import Ensemble, factors_of_happened, happened, require_same_labels
from helpers.models.halves import require_enough_tickers
from helpers.models.hooks import require_apart, rows_read
from helpers.models.least_squares import regressions
from helpers.models.unused import without
from helpers.panel import Panel, require_panel


class NetworkEnsemble(Ensemble):
    """Networks with different random starts and L1 strengths, trained together; validation chooses those that are kept.

    A subclass has the parameters l1, n_members, learning_rate, batch_size, epochs, patience, seed, progress, choose,
    warm_start and hooks.
    It names in `SHARED` what its members have in common, and in `READS` the labels of what its networks read.
    """

    reads_validation = True
    choose: str
    warm_start: bool
    ridge_of_dates = 0.0  # what is added to β'β, for each ticker of the date, where F is solved for
    hooks: Any
    READS: tuple[str, ...] = ("characteristic_names_", "unused_characteristics_", "categories_")
    SHARED: tuple[str, ...] = ("validation_curve_", "returns_scale_", "shape_", *READS)

    @property
    def l1_(self) -> float:
        """The strength that was kept, or that of most members; of equals, that of the better network."""
        check_is_fitted(self)
        return float(self.chosen_["l1"].value_counts(sort=False).idxmax())

    @property
    def members_(self) -> list[Self]:
        """One fitted model for each network of the ensemble."""
        check_is_fitted(self)
        n_members = self._n_fitted()
        return [self] if n_members == 1 else [self._member(m, n_members) for m in range(n_members)]

    def _n_fitted(self):
        """How many networks were fitted: a parameter may have been set since, for a next fit."""
        return len(self.chosen_)

    def _member(self, m, n_members):
        """The ensemble of one network out of this one."""
        alone = clone(self).set_params(n_members=1)
        for name in self.SHARED:
            setattr(alone, name, getattr(self, name))
        start = self.chosen_["member"].iloc[m]
        alone.chosen_ = self.chosen_.iloc[[m]].assign(member=0).reset_index(drop=True)
        alone.history_ = self.history_[self.history_["member"] == start].assign(member=0).reset_index(drop=True)
        alone.weights_ = layers.select_members(self.weights_, [m], n_members)
        return alone

    def _how(self) -> dict[str, Any]:
        """The parameters of the training, if they are good."""
        as_choice("choose", self.choose, ("strength", "networks"))
        return {
            "learning_rate": as_positive("learning_rate", self.learning_rate),
            "batch_size": as_count("batch_size", self.batch_size, at_least=2),
            "epochs": as_count("epochs", self.epochs),
            "patience": as_count("patience", self.patience),
            "seed": as_count("seed", self.seed, at_least=0),
            "progress": as_flag("progress", self.progress),
        }

    def _strengths(self, validation: Panel | None) -> list[float]:
        values = [as_positive("l1", value, zero=True) for value in as_sequence(self.l1)]
        if not values or len(set(values)) < len(values):
            raise ValueError(f"l1 must be a number or a sequence of different ones; {self.l1!r} was given.")
        if validation is None and len(values) > 1:
            raise ValueError(
                f"l1 holds {len(values)} strengths, and only a validation panel can choose among them. "
                "Call fit(panel, validation), or give l1 one number."
            )
        return values

    def _hidden(self) -> tuple[int, ...]:
        return tuple(as_count("hidden_units", units) for units in as_sequence(self.hidden_units))

    def _held_out(self, names: pd.Index, validation: Panel, unused: pd.Index) -> tuple[Panel, np.ndarray]:
        """The validation panel's dates that have happened, and where they have a return and all that is read."""
        require_panel(validation, characteristics=True)
        validation = happened(validation, "validation")
        require_same_labels("characteristic_names", validation.characteristic_names, names)
        validation = without(validation, unused)
        return validation, known_cells("validation", validation)

    def _solved_factors(self, panel: Panel) -> Labelled:
        """The regression of each date on β, (n_dates, n_factors), in fractions; NaN at dates yet to happen."""
        n_factors = self._n_factors()

        def solved(past):
            b = np.asarray(self.betas(past))
            there = ~np.isnan(b[:, :, 0] + past.returns)
            require_enough_tickers("The panel", past, there, n_factors)
            returns, b = np.where(there, past.returns, 0.0), np.where(there[:, :, None], b, 0.0)
            return regressions(returns, b, self.ridge_of_dates)[0]

        return labelled(factors_of_happened(panel, n_factors, solved), panel.dates, factor_names(n_factors))

    def _start(self, alone: stacked.Shape, seed: int, reads: Sequence[pd.Index]) -> tuple:
        """The weights that training begins with: random ones, or those of the last fit if it was of the same networks.

        These have the same shape, and read the same: a weight belongs to a characteristic, not to a place.
        """
        random, last = layers.initial_weights(alone, seed), getattr(self, "weights_", None)
        if not as_flag("warm_start", self.warm_start) or last is None:
            return random
        before = [getattr(self, name) for name in self.READS]
        same = all(_same_labels(*labels) for labels in zip(reads, before, strict=True))
        return last if same and replace(self.shape_, n_members=alone.n_members) == alone else random

    def _train(
        self,
        alone: stacked.Shape,
        strengths: Sequence[float],
        how: dict[str, Any],
        training: Any,
        held_out: Any,
        reads: Sequence[pd.Index],
        predicted: Callable[[stacked.Shape, Any], tuple[np.ndarray, np.ndarray]],
    ) -> None:
        """Trains networks of all strengths, and keeps those of the best, or the best of all.

        Parameters
        ----------
        alone : Shape
            Of the members of one strength.
        strengths : list of float
        how : dict
        training, held_out
            Data of the kind that the shape takes.
        reads : sequence of Index
            What stands in the columns of the data: what this fit will have as `READS`.
        predicted : function of the shape of all networks and their weights
            It gives the held-out returns (n,) and what each network says of them (n, n_networks).
        """
        require_apart(alone)
        m, n_strengths = alone.n_members, len(strengths)
        networks = pd.DataFrame({"l1": np.repeat(strengths, m), "member": np.tile(np.arange(m), n_strengths)})
        together = replace(alone, n_members=len(networks))
        weights, history = stacked.train(
            together,
            layers.select_members(self._start(alone, how["seed"], reads), networks["member"].tolist(), m),
            training,
            held_out,
            l1=networks["l1"].to_numpy(),
            **how,
        )
        y, products = predicted(together, weights)
        errors = y[:, None] - products.reshape(len(y), n_strengths, m).mean(axis=2)
        curve = 1 - (errors**2).sum(axis=0, dtype=float) / (y**2).sum(dtype=float)
        self.validation_curve_ = pd.Series(curve, pd.Index(strengths, name="l1"), name="total R²")
        if self.choose == "strength":
            kept = curve.argmax() * m + np.arange(m)
        else:
            squares = ((y[:, None] - products) ** 2).sum(axis=0, dtype=float)
            kept = np.argsort(squares, kind="stable")[:m]
        self.chosen_ = networks.iloc[kept].reset_index(drop=True)
        history = pd.concat(
            [networks.iloc[history["member"]].reset_index(drop=True), history.drop(columns="member")], axis=1
        )
        self.history_ = history[["l1", "epoch", "member", "training", "validation"]].astype(
            {"training": float, "validation": float}
        )
        self.weights_, self.shape_ = layers.select_members(weights, kept.tolist(), len(networks)), alone


def network_betas(panel: Panel, weights: tuple, shape: stacked.Shape, categories: Sequence[pd.Index]) -> np.ndarray:
    """β of a single network, (n_dates, n_tickers, n_factors); NaN where a characteristic is unknown."""
    known = complete(panel.characteristics)
    betas = np.full((*known.shape, shape.n_factors), np.nan)
    rows = rows_read(panel, known, shape.hooks, categories)
    betas[known] = layers.member_betas(replace(shape, n_members=1), weights, rows)[:, 0]
    return betas


def _same_labels(now, before):
    """Whether two Indexes are equal, or two tuples of them."""
    if not isinstance(now, tuple):
        return now.equals(before)
    return len(now) == len(before) and all(map(_same_labels, now, before))


def root_mean_square(values, axis=None):
    """The root of the mean square. Divided by it, a strength of L1 means the same in any market."""
    return np.sqrt((np.asarray(values, dtype=float) ** 2).mean(axis))


def known_cells(name: str, panel: Panel) -> np.ndarray:
    """Where a ticker has a return and all characteristics, (n_dates, n_tickers); refused if it is nowhere."""
    known = ~np.isnan(panel.returns) & complete(panel.characteristics)
    if not known.any():
        raise ValueError(
            f"{name} has no ticker with a return and all characteristics at the same date. Fill or drop some."
        )
    if not panel.returns[known].any():
        raise ValueError(
            f"{name} has returns that are all 0, missing, or without characteristics: there is nothing to explain."
        )
    return known


def as_sequence(value: Any) -> list:
    """The items of a sequence, or the one value."""
    return list(value) if np.iterable(value) and not isinstance(value, str) else [value]
