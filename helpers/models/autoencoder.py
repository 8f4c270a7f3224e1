"""The conditional autoencoder: both halves of the product are neural networks, trained together."""

from collections.abc import Sequence
from types import MethodType
from typing import Self

import numpy as np
import pandas as pd

from helpers.checks import as_choice, as_count, as_flag, first_few
from helpers.labels import Labelled, factor_names, labelled
from helpers.models import layers, stacked
from helpers.models.base import factors_of_happened, require_same_labels, warn_of_magnitudes
from helpers.models.halves import solved_without
from helpers.models.hooks import Hook, as_hooks, categories_of, rows_read
from helpers.models.managed import managed_portfolios, managed_without
from helpers.models.networks import NetworkEnsemble, known_cells, network_betas, root_mean_square
from helpers.models.unused import warned_of_unused, without
from helpers.panel import Panel, require_panel

# The hidden layers of the Beta network in the paper's models.
PAPER_MODELS = {"CA0": (), "CA1": (32,), "CA2": (32, 16), "CA3": (32, 16, 8)}


class beside_a_parameter:
    """A method that has the name of a parameter: whoever reads it has the method, whoever sets it the parameter."""

    def __init__(self, method):
        self.method = method

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, model, owner=None):
        return self.method if model is None else MethodType(self.method, model)

    def __set__(self, model, value):
        vars(model)[self.name] = value


class ConditionalAutoencoder(NetworkEnsemble):
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
        The strength of the penalty. Of several, each has n_members networks, and `choose` says which are kept.
    batch_normalization : bool
    learning_rate : float
    batch_size : int
        Returns, not dates.
    epochs, patience : int
        How many at most, and how many without an improvement on the validation panel.
    seed : int
    progress : bool
        Whether a progress bar is shown.
    factors : {"weights", "regression"}
        How F of a date is found once the networks are fitted: by the fixed weights W' x, or, with the same β, by the
        regression of the date's returns, F = (β'β)⁻¹ β'r, which reads no x.
    choose : {"strength", "networks"}
        What the validation panel chooses: the strength whose ensemble reconstructs it best, as in the paper, or the
        n_members best networks, whatever their strengths.
    warm_start : bool
        Whether a fit begins with the weights of the last fit of this model, if that had networks of the same shape
        that read the same: member by member, whatever the strength. A fit to one year more may then take fewer epochs,
        or, with more factors than the market has, as many. It stays near the optimum that it follows: with fewer
        factors than the market has, one from before may be a poor one.
    hooks : Hook or sequence of Hook
        Parts of one's own in the networks: a loss, what happens to hidden layers, categories beside the
        characteristics.

    Attributes
    ----------
    members_ : list of ConditionalAutoencoder
        One for each network, with `betas`, `factors` and `l1_` of its own.
    l1_ : float
        The strength that was kept, or that of most members.
    chosen_ : DataFrame
        One row for each member, the best first if networks were chosen: its `l1`, and its number `member` in the
        history.
    validation_curve_ : Series
        The total R² of the validation panel by each strength.
    unused_characteristics_ : Index
        Those that were 0 or unknown for every ticker throughout: nothing is read of them.
    history_ : DataFrame
        One row for each strength, member and epoch until it stopped: the mean squared errors `training` (a running mean
        within the epoch) and `validation`, as shares of the mean squared return; mean losses where a hook has one.
    factor_weights_ : (n_members, n_inputs, n_factors)
        W: the position of each factor in each of the `factor_input_names_`.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 2.2-2.3 and Figure 2.
    """

    READS = (*NetworkEnsemble.READS, "factor_input_names_")
    SHARED = (*NetworkEnsemble.SHARED, "factor_input_names_")

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
        factors: str = "weights",
        choose: str = "strength",
        warm_start: bool = False,
        hooks: Hook | Sequence[Hook] = (),
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
        self.factors = factors
        self.choose = choose
        self.warm_start = warm_start
        self.hooks = hooks

    def get_params(self, deep: bool = True) -> dict:
        """The parameters by name, as scikit-learn asks for them; `factors` among them is the parameter."""
        return super().get_params(deep) | {"factors": vars(self)["factors"]}

    def fit(self, panel: Panel, validation: Panel | None = None) -> Self:
        """The model itself, fitted to the panel.

        Without a validation panel the panel takes its place; l1 is then one number.
        """
        require_panel(panel, characteristics=True)
        panel = self._learns_from(panel, validation)
        strengths, how, names = self._strengths(validation), self._how(), panel.characteristic_names
        self._by_regression()
        unused = warned_of_unused(panel, stacklevel=2)
        panel = without(panel, unused)
        input_names = self._input_names(panel)
        known = held_out_known = known_cells("The panel", panel)
        categories = categories_of(as_hooks(self.hooks), panel, known)
        alone = self._shape(panel.n_characteristics, len(input_names), categories)
        if validation is not None:
            validation, held_out_known = self._held_out(names, validation, unused)
            require_same_labels("factor inputs", self._input_names(validation), input_names)

        warn_of_magnitudes(panel.characteristics, panel.characteristic_names, stacklevel=2)
        x = self._inputs(panel)
        scales = root_mean_square(panel.returns[known]), root_mean_square(x, axis=0)
        if not scales[1].all():
            raise ValueError(
                f"Factor input(s) {first_few(input_names[scales[1] == 0])} are 0 at every date. Drop them."
            )
        training = held_out = _observations(panel, known, x, scales, alone.hooks, categories)
        if validation is not None:
            x = self._inputs(validation)
            held_out = _observations(validation, held_out_known, x, scales, alone.hooks, categories)

        def predicted(shape, weights):
            return held_out.y, _products(shape, weights, held_out)

        self._train(alone, strengths, how, training, held_out, (names, unused, categories, input_names), predicted)
        self.returns_scale_ = scales[0]
        in_fractions = self.weights_[0][-1] / scales[1][:, None, None] * scales[0]
        self.factor_weights_ = in_fractions.transpose(1, 0, 2).astype(float)
        self.characteristic_names_, self.factor_input_names_ = names, input_names
        self.unused_characteristics_, self.categories_ = unused, categories
        return self

    def betas(self, panel: Panel) -> Labelled:
        """β of a single network, (n_dates, n_tickers, n_factors); NaN where a characteristic is unknown."""
        self._require_fitted(panel)
        self._require_one("betas")
        require_same_labels("characteristic_names", panel.characteristic_names, self.characteristic_names_)
        betas = network_betas(
            without(panel, self.unused_characteristics_), self.weights_, self.shape_, self.categories_
        )
        return labelled(betas, panel.dates, panel.tickers, factor_names(self._n_factors()))

    @beside_a_parameter
    def factors(self, panel: Panel) -> Labelled:
        """F of a single network, (n_dates, n_factors), in fractions; NaN at dates that have not happened."""
        self._require_fitted(panel)
        self._require_one("factors")
        if self._by_regression():
            return self._solved_factors(panel)
        panel = without(panel, self.unused_characteristics_)
        require_same_labels("factor inputs", self._input_names(panel), self.factor_input_names_)
        names = factor_names(self.factor_weights_.shape[2])
        factors = factors_of_happened(panel, len(names), lambda past: self._inputs(past) @ self.factor_weights_[0])
        return labelled(factors, panel.dates, names)

    def leave_one_out(self, panel: Panel) -> Labelled:
        """The mean of what the members say of each return by F of all other tickers, (n_dates, n_tickers)."""
        members = self._members()
        if self._by_regression() or self.factor_inputs != "managed":
            return super().leave_one_out(panel)
        betas = (np.asarray(member.betas(panel)) for member in members)
        x = managed_without(without(panel, self.unused_characteristics_), constant=True)  # one for all members
        said = (((x @ m.factor_weights_[0]) * each).sum(axis=2) for m, each in zip(members, betas, strict=True))
        return self._mean(said, panel)

    def _leave_one_out(self, panel):
        return solved_without(self.betas(panel), panel) if self._by_regression() else super()._leave_one_out(panel)

    def _n_factors(self):
        return self.factor_weights_.shape[2]

    def _by_regression(self):
        return as_choice("factors", vars(self)["factors"], ("weights", "regression")) == "regression"

    def _member(self, m, n_members):
        alone = super()._member(m, n_members)
        alone.factor_weights_ = self.factor_weights_[[m]]
        return alone

    def _shape(self, n_characteristics, n_inputs, categories):
        return stacked.Shape(
            n_members=as_count("n_members", self.n_members),
            n_characteristics=n_characteristics,
            n_inputs=n_inputs,
            hidden_units=self._hidden(),
            n_factors=as_count(
                "n_factors",
                self.n_factors,
                at_most=min(n_characteristics, n_inputs),
                why="There are no more factors than characteristics, nor than inputs of the Factor network.",
            ),
            batch_normalization=as_flag("batch_normalization", self.batch_normalization),
            hooks=as_hooks(self.hooks),
            n_categories=tuple(map(len, categories)),
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


def _observations(panel, known, x, scales, hooks, categories):
    """The known returns of the panel as rows for training, in units of their scale."""
    return stacked.Observations(
        z=rows_read(panel, known, hooks, categories),
        x=(x / scales[1]).astype("float32"),
        date=np.nonzero(known)[0].astype("int32"),
        y=(panel.returns[known] / scales[0]).astype("float32"),
    )


def _products(shape, weights, observations):
    """r̂ of each member for each observation, (n_rows, n_members)."""
    factors = np.einsum("di,imk->dmk", observations.x, weights[0][-1])
    said = np.empty((len(observations.y), shape.n_members), "float32")
    for rows, betas in layers.blocks_of_betas(shape, weights, observations.z):
        said[rows] = np.einsum("rmk,rmk->rm", betas, factors[observations.date[rows]])
    return said
