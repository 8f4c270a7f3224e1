"""Instrumented principal components along curves: β is a network, and F the regression of each date on it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np

from helpers.checks import as_count
from helpers.labels import Labelled, factor_names, labelled
from helpers.models import layers
from helpers.models.base import require_same_labels, warn_of_magnitudes
from helpers.models.halves import require_enough_tickers, solved_without
from helpers.models.hooks import Hook, as_hooks, categories_of, rows_read
from helpers.models.least_squares import each_left_out, regressions
from helpers.models.networks import (
    NetworkEnsemble,
    known_cells,
    network_betas,
    root_mean_square,
)
from helpers.models.solved import RIDGE, SolvedShape, dates_of, side_by_side, whitened
from helpers.models.unused import warned_of_unused, without
from helpers.panel import Panel, require_panel

ROWS = 50_000  # returns that are judged at once


class NeuralIPCA(NetworkEnsemble):
    """Given the characteristics, solve for a network that turns them into sensitivities, and for the factors.

        β_s^(d) = Beta network(z_s^(d))        hidden layers of ReLU, then K linear units
        F^(d) = (β'β)⁻¹ β'r^(d)                the regression of the date's returns on β, inside the training
        r̂_s^(d) = β_s^(d) · F^(d)              min over all weights θ of mean (r - r̂)² / mean r² + l1 · size(θ)

    It knows what instrumented PCA knows, returns and characteristics, and no portfolio; without a hidden layer and a
    penalty it is that model. Tickers may come and go.

    Adam on random batches of whole dates. Each member keeps the weights of its own best epoch on the validation panel.
    There F would be fitted to the very returns that judge it, and catch about n_factors / n_tickers of their noise. So
    each ticker is left out of the F by which it is judged: (r - r̂) / (1 - h), h = β_s'(β'β)⁻¹β_s.

    Where F is solved for, β A and A⁻¹ F are the same fit, for any A. So the length of a kernel can mean nothing, and
    the penalty is on its shape, from 1 (all is in one place) to √n (n places alike), summed over the kernels. In the
    first, the weights θ_j of a characteristic are one thing, so that whole characteristics switch off:
    size = Σ_j |θ_j| / √Σ θ². In the later ones each weight is one: size = Σ |θ| / √Σ θ². Of the A that fit alike, each
    member has the one with β'β diagonal in the mean, the same for all factors, and F'F diagonal and descending over the
    fitted dates; the mean of no factor is negative.

    Parameters
    ----------
    n_factors : int
        K.
    hidden_units : sequence of int
        Of the Beta network.
    n_members : int
        How many networks, with different random starts, make the ensemble. `reconstruct` is the mean of their products
        r̂, and `predict` that of their β · λ; ask `members_` for β and F.
    l1 : float or sequence of float
        The strength of the penalty. Of several, each has n_members networks, and `choose` says which are kept.
    learning_rate : float
    batch_size : int
        Dates.
    epochs, patience : int
        How many at most, and how many without an improvement on the validation panel.
    seed : int
    progress : bool
        Whether a progress bar is shown.
    choose : {"networks", "strength"}
        What the validation panel chooses, each ticker left out in its turn: the n_members best networks, whatever their
        strengths, or the strength whose ensemble explains most. Some random starts come to rest where a factor is
        lost; the first way leaves them behind.
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
    members_ : list of NeuralIPCA
        One for each network, with `betas`, `factors` and `l1_` of its own.
    l1_ : float
        The strength that was kept, or that of most members.
    chosen_ : DataFrame
        One row for each member, the best first if networks were chosen: its `l1`, and its number `member` in the
        history.
    validation_curve_ : Series
        The total R² of the validation panel by each strength, each ticker left out of the F of its date.
    unused_characteristics_ : Index
        Those that were 0 or unknown for every ticker throughout: nothing is read of them.
    history_ : DataFrame
        One row for each strength, member and epoch until it stopped: the mean squared errors `training` (a running mean
        within the epoch) and `validation` (each ticker left out), as shares of the mean squared return; mean losses
        where a hook has one.

    Notes
    -----
    Each date needs more tickers with a return and all characteristics than there are factors. A thousandth of what β'β
    is in the mean is added to that of each date, in training and afterwards, so that F is never without bounds.

    References
    ----------
    Kelly, Pruitt, Su (2019) for F solved for; Gu, Kelly, Xiu (2021) for β by networks, ensembles and early stopping.
    """

    ridge_of_dates = RIDGE

    def __init__(
        self,
        n_factors: int = 3,
        hidden_units: Sequence[int] = (32, 16),
        n_members: int = 10,
        l1: float | Sequence[float] = (3.2e-2, 4.8e-2, 6.4e-2, 9.6e-2),
        learning_rate: float = 0.01,
        batch_size: int = 6,
        epochs: int = 100,
        patience: int = 15,
        seed: int = 0,
        progress: bool = False,
        choose: str = "networks",
        warm_start: bool = False,
        hooks: Hook | Sequence[Hook] = (),
    ):
        self.n_factors = n_factors
        self.hidden_units = hidden_units
        self.n_members = n_members
        self.l1 = l1
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.seed = seed
        self.progress = progress
        self.choose = choose
        self.warm_start = warm_start
        self.hooks = hooks

    def fit(self, panel: Panel, validation: Panel | None = None) -> Self:
        """The model itself, fitted to the panel.

        Without a validation panel the panel takes its place; l1 is then one number.
        """
        require_panel(panel, characteristics=True)
        panel = self._learns_from(panel, validation)
        strengths, how, names = self._strengths(validation), self._how(), panel.characteristic_names
        unused = warned_of_unused(panel, stacklevel=2)
        panel = without(panel, unused)
        known = held_out_known = known_cells("The panel", panel)
        hooks = as_hooks(self.hooks)
        categories = categories_of(hooks, panel, known)
        alone = SolvedShape(
            n_members=as_count("n_members", self.n_members),
            n_characteristics=panel.n_characteristics,
            n_inputs=0,
            hidden_units=self._hidden(),
            n_factors=as_count(
                "n_factors",
                self.n_factors,
                at_most=panel.n_characteristics,
                why="There are no more factors than characteristics.",
            ),
            batch_normalization=False,
            hooks=hooks,
            n_categories=tuple(map(len, categories)),
        )
        require_enough_tickers("The panel", panel, known, alone.n_factors)
        if validation is not None:
            validation, held_out_known = self._held_out(names, validation, unused)
            require_enough_tickers("validation", validation, held_out_known, alone.n_factors)
        warn_of_magnitudes(panel.characteristics, panel.characteristic_names, stacklevel=2)

        scale = root_mean_square(panel.returns[known])
        training = held_out = _dates(panel, known, scale, hooks, categories)
        if validation is not None:
            held_out = _dates(validation, held_out_known, scale, hooks, categories)

        def predicted(shape, weights):
            squares = np.zeros((shape.n_members, shape.n_factors, shape.n_factors))
            for _, betas in layers.blocks_of_betas(shape, weights, training.z, chosen=training.rows):
                by_member = betas.transpose(1, 0, 2).astype(float)
                squares += by_member.transpose(0, 2, 1) @ by_member
            turns = [whitened(square / training.n_known) for square in squares]
            parts = [_said(shape, weights, held_out, some, turns) for some in _some_dates(held_out)]
            return held_out.y[held_out.known > 0].astype(float), np.concatenate(parts)

        self._train(alone, strengths, how, training, held_out, (names, unused, categories), predicted)
        self.returns_scale_, self.characteristic_names_, self.unused_characteristics_ = scale, names, unused
        self.categories_ = categories
        self._turn(panel, known)
        return self

    def betas(self, panel: Panel) -> Labelled:
        """β of a single network, (n_dates, n_tickers, n_factors); NaN where a characteristic is unknown."""
        self._require_fitted(panel)
        self._require_one("betas")
        require_panel(panel, characteristics=True)
        require_same_labels("characteristic_names", panel.characteristic_names, self.characteristic_names_)
        betas = network_betas(
            without(panel, self.unused_characteristics_), self.weights_, self.shape_, self.categories_
        )
        return labelled(betas, panel.dates, panel.tickers, factor_names(self._n_factors()))

    def factors(self, panel: Panel) -> Labelled:
        """The regression of each date on β, (n_dates, n_factors), in fractions; NaN at dates yet to happen."""
        self._require_fitted(panel)
        self._require_one("factors")
        return self._solved_factors(panel)

    def _leave_one_out(self, panel):
        return solved_without(self.betas(panel), panel, self.ridge_of_dates)

    def _n_factors(self):
        return self.shape_.n_factors

    def _turn(self, panel, known):
        """Turns the last layer of each member so that β and F come out as the class says; no product changes."""
        moved, kept = self.weights_
        shape = replace(self.shape_, n_members=self._n_fitted())

        def blocks():
            for dates, tickers, block in panel.blocks():
                there = known[dates][:, tickers]
                rows = rows_read(block, there, shape.hooks, self.categories_)
                yield block, there, layers.member_betas(shape, self.weights_, rows)

        # In double precision one member after the other: of a large panel all together took several gigabytes.
        squares, factors = np.zeros((shape.n_members, shape.n_factors, shape.n_factors)), []
        for _, _, found in blocks():
            for m in range(shape.n_members):
                one = found[:, m].astype(float)
                squares[m] += one.T @ one
        turns = np.stack([whitened(square / known.sum()) for square in squares])
        for block, there, found in blocks():
            returns, betas = np.where(there, block.returns, 0.0), np.zeros((*there.shape, shape.n_factors))
            solved = []
            for m, turn in enumerate(turns):
                betas[there] = found[:, m].astype(float) @ turn
                solved.append(regressions(returns, betas, RIDGE)[0])
            factors.append(solved)
        turns = turns @ np.stack([_rotated(solved) for solved in np.concatenate(factors, axis=1)])
        turned = [np.array(array) for array in moved]
        for i in layers.weights_of_layer(shape, len(shape.hidden_units)):
            for m, turn in enumerate(turns):
                turned[i][..., m, :] = turned[i][..., m, :] @ turn
        self.weights_ = turned, kept


def _dates(panel, known, scale, hooks, categories):
    """The dates of the panel as the training takes them, with their known returns in units of the scale."""
    returns = panel.returns / scale
    if not categories:
        return dates_of(panel.characteristics, returns, known)
    rows = rows_read(panel, known, hooks, categories)
    return side_by_side(rows, np.arange(len(rows)), returns[known], known.sum(axis=1))


def _some_dates(data):
    """The positions of some dates after the others: of so many that their tickers fill a block."""
    n = max(1, ROWS // data.y.shape[1])
    return (slice(a, a + n) for a in range(0, len(data.y), n))


def _said(shape, weights, data, some, turns):
    """What each network says of the returns of some dates by F of all other tickers, (n_known, n_networks)."""
    there, y = data.known[some] > 0, data.y[some].astype(float)
    rows = data.row[some][there]
    found = layers.member_betas(shape, weights, data.z[rows]) if len(rows) else None
    betas, said = np.zeros((*there.shape, shape.n_factors)), np.empty((len(rows), shape.n_members))
    for m, turn in enumerate(turns if len(rows) else ()):
        betas[there] = found[:, m] @ turn
        said[:, m] = each_left_out(y, betas, RIDGE)[there]
    return said


def _rotated(factors):
    """The rotation after which factors are uncorrelated, descending, and of no negative mean."""
    rotation = np.linalg.svd(factors, full_matrices=True)[2].T
    return rotation * np.where((factors @ rotation).mean(axis=0) < 0, -1.0, 1.0)
