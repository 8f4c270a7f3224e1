"""The model in which β is linear in the characteristics: instrumented principal components."""

import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from helpers.checks import as_count, as_flag, as_positive
from helpers.compact import CompactArray, complete
from helpers.labels import Labelled, factor_names, labelled
from helpers.models.base import factors_of_happened, require_same_labels
from helpers.models.gamma import solved_gamma
from helpers.models.halves import SolvedFactors
from helpers.models.least_squares import factors_given, regressions, second_moments
from helpers.models.threads import for_each_block, one_thread
from helpers.models.unused import warned_of_unused, without
from helpers.panel import Panel, require_panel


class InstrumentedPCA(SolvedFactors):
    """Given the characteristics, solve for what turns them into sensitivities, and for the factors: β = Z Γ.

        r^(d) ≈ Z^(d) Γ F^(d)        min over (Γ, F) of Σ_d Σ_s (r_s^(d) - z_s^(d)' Γ F^(d))²

    Γ is the same for all tickers and dates, so a ticker never seen before has a β as soon as it has characteristics.
    Given Γ, each F^(d) is a regression across tickers; given F, Γ is one regression over all tickers and dates. Taking
    turns is alternating least squares. It creeps where there are more factors than the market has; Newton's method,
    which foresees how F will follow Γ, does not. Both read Z'Z and Z'r of each date, never the tickers again.

    The fit can have several local optima, the more the less there is to explain. So several starts are made, and the
    best end is kept. Two starts come from the data: the solution for a market whose Z'Z stays the same, and the start
    of Kelly, Pruitt and Su. The others are random, but the same in each fit. The search is over when eight starts have
    led to the best fit found, or forty were made, or, for a large panel, when it has taken about a tenth of a second,
    but not before the second start. Of 1500 small panels, most of them little but noise, this missed the best of a
    hundred starts on 10; the two starts from the data miss it on 235 (`python -m tests.benchmarks.local_optima`).

    A return is left out where it is missing, or a characteristic of its ticker is unknown at that date; β is then
    unknown too.

    Parameters
    ----------
    n_factors : int
        K.
    constant : bool
        Whether a column of ones joins the characteristics, as the last one, named "constant".
    tolerance : float
        A start is at its end when a round improves the total R² by less than this.
    max_rounds : int
        A start is at its end after so many rounds of Newton's method at the latest.
    n_starts : int, optional
        How many starts are made, instead of the rule above. Of 240 fits to the paper's markets (50 characteristics, K =
        1 to 6), the better of twelve starts and the rule explains more than the rule in 6, by at most 0.0001 of the
        total R².
    ridge : float
        What is added to each diagonal entry of Z'Z, for each ticker of the date, in the fit and for F at new dates. The
        term ridge · Σ_d n^(d) |Γ F^(d)|² joins the sum; it is the same for Γ A and A⁻¹ F. It holds Γ back where there
        are many characteristics, such as squares and products; they should be of like size, such as ranks.
    warm_start : bool
        Whether a fit begins where the last fit of this model ended, if that had the same characteristics and K, and
        makes no other start. So a fit to one month more costs a few rounds. It stays at the optimum that it follows,
        which need not remain the best one for ever.

    Attributes
    ----------
    gamma_ : (n_chars, n_factors)
        Γ, with orthonormal columns. Of the rotations that fit alike, the one in which the F of the fitted dates have
        F'F diagonal and descending; the mean of no factor is negative.
    n_starts_ : int
        How many starts were made.
    n_rounds_ : int
        How many rounds of Newton's method they took in all.
    characteristic_names_ : Index
        The labels of the rows of Γ.
    unused_characteristics_ : Index
        Those that were 0 or unknown for every ticker throughout: their rows of Γ are 0, and nothing is read of them.

    References
    ----------
    Kelly, Pruitt, Su (2019), "Characteristics are covariances". Gu, Kelly, Xiu (2021), section 2.2 and Proposition 2:
    the linear conditional autoencoder is this model when Z'Z is the same at every date.
    """

    def __init__(
        self,
        n_factors=3,
        constant=False,
        tolerance=1e-12,
        max_rounds=200,
        n_starts=None,
        ridge=0.0,
        warm_start=False,
    ):
        self.n_factors = n_factors
        self.constant = constant
        self.tolerance = tolerance
        self.max_rounds = max_rounds
        self.n_starts = n_starts
        self.ridge = ridge
        self.warm_start = warm_start

    def fit(self, panel: Panel, validation: Panel | None = None) -> Self:
        """The model with Γ of these dates, and of the validation dates if there are any."""
        names = self._names(panel)
        panel = self._learns_from(panel, validation)
        tolerance, max_rounds = as_positive("tolerance", self.tolerance), as_count("max_rounds", self.max_rounds)
        ridge = as_positive("ridge", self.ridge, zero=True)
        n_starts = None if self.n_starts is None else as_count("n_starts", self.n_starts)
        n_factors = as_count(
            "n_factors",
            self.n_factors,
            at_most=min(len(names), panel.n_dates),
            why="There are no more factors than characteristics (the constant included), nor than dates.",
        )
        moments = self._second_moments(panel)
        unused = names[:0]
        if not np.diagonal(moments.squares.sum(axis=0)).all():  # 0 or unknown throughout: no product is left of it
            unused = warned_of_unused(panel, stacklevel=2)
            moments = _Moments.of(without(panel, unused), self.constant)
        if not moments.total:
            raise ValueError(
                "The returns have zero variance: every one is 0, or lacks a characteristic. "
                "There is nothing to explain."
            )
        used = ~names.isin(unused)
        if used.sum() < n_factors:
            raise ValueError(
                f"n_factors = {n_factors} must be at most the {used.sum()} characteristic(s) that get a weight."
            )
        squares, counts = moments.squares, moments.counts
        if ridge:
            squares, each = squares.copy(), np.arange(squares.shape[1])
            squares[:, each, each] += ridge * counts[:, None]

        def in_coordinates(white):
            known_panel = without(panel, unused)
            z, (returns, known) = known_panel.characteristics, known_returns(known_panel)
            slopes, *intercept = np.split(white, [z.shape[2]])
            squares, moments = second_moments(returns, z @ slopes + (intercept[0] if self.constant else 0.0), known)
            return squares + (ridge * counts)[:, None, None] * (white.T @ white), moments

        with one_thread:
            found = solved_gamma(
                squares,
                moments.moments,
                counts,
                moments.total,
                n_factors,
                names[used],
                panel.dates,
                tolerance,
                max_rounds,
                n_starts,
                self._start(names, used, n_factors),
                in_coordinates if panel.n_tickers < used.sum() else None,  # Z W is smaller than Z'Z
            )
        if not found.converged:
            warnings.warn(
                f"InstrumentedPCA stopped after max_rounds = {max_rounds} rounds while the fit still improved. "
                "Raise max_rounds, or tolerance if this is close enough.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.gamma_ = np.zeros((len(names), n_factors))
        self.gamma_[used] = found.gamma
        self.n_starts_, self.n_rounds_ = found.n_starts, found.n_rounds
        self.characteristic_names_, self.unused_characteristics_ = names, unused
        return self

    def betas(self, panel: Panel) -> Labelled:
        """β = Z Γ, (n_dates, n_tickers, n_factors); NaN where a characteristic is unknown."""
        self._require_fitted(panel)
        require_same_labels("characteristic_names", self._names(panel), self.characteristic_names_)
        return labelled(self._betas(panel), panel.dates, panel.tickers, factor_names(self.gamma_.shape[1]))

    def factors(self, panel: Panel) -> Labelled:
        """The cross-sectional regression of each date on β, (n_dates, n_factors), in fractions per period."""
        self._require_fitted(panel)
        require_same_labels("characteristic_names", self._names(panel), self.characteristic_names_)
        names = factor_names(self.gamma_.shape[1])
        return labelled(factors_of_happened(panel, len(names), self._solved), panel.dates, names)

    @property
    def ridge_of_dates(self) -> float:
        """What is added to β'β, for each ticker of the date; Γ'Γ = I, so it is the ridge of Γ."""
        return self.ridge

    def _betas(self, panel):
        z = without(panel, self.unused_characteristics_).characteristics
        gamma = self.gamma_[~self.characteristic_names_.isin(self.unused_characteristics_)]
        slopes, *intercept = np.split(gamma, [z.shape[2]])
        betas = np.full((*z.shape[:2], slopes.shape[1]), np.nan)

        def multiply(block):
            np.matmul(z[block].astype(float, copy=False), slopes, out=betas[block])

        def multiply_rows(block):
            for d in range(block.start, block.stop):
                betas[d, z.tickers_at(d)] = z.rows_at(d).astype(float, copy=False) @ slopes

        for_each_block(multiply_rows if isinstance(z, CompactArray) else multiply, panel.n_dates, z.size)
        return betas + intercept[0] if self.constant else betas

    def _solved(self, panel):
        betas = self._betas(panel)
        known = ~np.isnan(betas).any(axis=2)
        if self.ridge:
            known &= ~np.isnan(panel.returns)
            returns, betas = np.where(known, panel.returns, 0.0), np.where(known[:, :, None], betas, 0.0)
            return regressions(returns, betas, self.ridge)[0]
        return factors_given(np.where(known, panel.returns, np.nan), betas, "betas", panel.dates)

    def _start(self, names, used, n_factors):
        """Γ of the last fit, if this one is to begin there and it is of the same shape."""
        last = getattr(self, "gamma_", None) if as_flag("warm_start", self.warm_start) else None
        if last is None or last.shape[1] != n_factors or not names.equals(self.characteristic_names_):
            return None
        still = last[used]
        return still if np.linalg.matrix_rank(still) == n_factors else None

    def _second_moments(self, panel):
        """Z'Z and Z'r of each date; with warm starts, those that the last fit read from the same panel are kept."""
        whole, start, stop = panel.place()
        kept = getattr(self, "_kept", None) if self.warm_start else None
        reuse = kept is not None and kept.whole is whole and kept.constant == self.constant
        first, last = (max(start, kept.start), min(stop, kept.stop)) if reuse else (start, start)
        if first >= last:
            moments = _Moments.of(panel, self.constant)
        else:
            parts = [(start, first), (last, stop)]
            new = [_Moments.of(whole[a:b], self.constant) if a < b else None for a, b in parts]
            moments = _Moments.joined([new[0], kept.between(first, last), new[1]], whole, start)
        if self.warm_start:
            self._kept = moments
        return moments

    def continued(self) -> Self:
        """A model with all that this one has learned; what it keeps of the panel goes with it."""
        other = super().continued()
        vars(self).pop("_kept", None)
        return other

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "_kept"}

    def _names(self, panel):
        """The labels of the rows of Γ that the panel would have."""
        require_panel(panel, characteristics=True)
        names = panel.characteristic_names
        return names.append(pd.Index(["constant"])) if as_flag("constant", self.constant) else names


@dataclass(frozen=True, eq=False)
class _Moments:
    """All that a fit needs of each date, from `start` on, of the panel `whole`."""

    squares: np.ndarray
    moments: np.ndarray
    counts: np.ndarray
    sums: np.ndarray
    whole: Panel
    start: int
    constant: bool

    @classmethod
    def of(cls, panel, constant):
        returns, known = known_returns(panel)
        squares, moments = second_moments(returns, panel.characteristics, known, constant)
        whole, start, _ = panel.place()
        return cls(squares, moments, known.sum(axis=1), (returns**2).sum(axis=1), whole, start, constant)

    @property
    def stop(self):
        return self.start + len(self.counts)

    @property
    def total(self):
        return self.sums.sum()

    def between(self, first, last):
        dates = slice(first - self.start, last - self.start)
        arrays = (array[dates] for array in (self.squares, self.moments, self.counts, self.sums))
        return _Moments(*arrays, self.whole, first, self.constant)

    @classmethod
    def joined(cls, parts, whole, start):
        parts = [part for part in parts if part is not None]
        names = ("squares", "moments", "counts", "sums")
        arrays = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
        return cls(*arrays, whole, start, parts[0].constant)


def known_returns(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """The returns beside which every characteristic is known, else 0, and where they are: (n_dates, n_tickers) both."""
    z = panel.characteristics
    if isinstance(z, CompactArray):
        known = complete(z) & ~np.isnan(panel.returns)
    else:
        known = ~np.isnan(z.sum(axis=2, dtype=float) + panel.returns)  # NaN if one of its terms is
    return np.where(known, panel.returns.astype(float, copy=False), 0.0), known
