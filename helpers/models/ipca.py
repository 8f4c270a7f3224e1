"""The model in which β is linear in the characteristics: instrumented principal components."""

import warnings
from dataclasses import dataclass
from itertools import islice
from typing import Self

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from sklearn.exceptions import ConvergenceWarning

from helpers.checks import SMALLEST_SHARE, as_count, as_flag, as_positive, first_few
from helpers.labels import Labelled, factor_names, labelled
from helpers.models.base import SolvedFactors, factors_of_happened, require_same_labels
from helpers.models.least_squares import factors_given, regressions, second_moments
from helpers.models.threads import for_each_block, one_thread
from helpers.panel import Panel, require_panel

# Two Γ are near, and lead to the same fit, when the sines of the angles between the spans of their columns, squared and
# summed, come to less than the square of this.
NEAR = 0.2

# The search ends when so many starts have led to the best fit, or so many were made, or its rounds have cost so many
# products: those of Σ_d F F' ⊗ Z'Z, the sum that each round begins with. That much takes about a tenth of a second.
ENOUGH, MOST, WORK = 8, 40, 1.5e8

# At this caution, Newton's step is that of alternating least squares; and below this share of Σ r², a gain is rounding.
MOST_CAUTION, ROUNDING = 1e9, 1e-14


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

    References
    ----------
    Kelly, Pruitt, Su (2019), "Characteristics are covariances". Gu, Kelly, Xiu (2021), section 2.2 and Proposition 2:
    the linear conditional autoencoder is this model when Z'Z is the same at every date.
    """

    def __init__(self, n_factors=3, constant=False, tolerance=1e-12, max_rounds=200, n_starts=None, ridge=0.0):
        self.n_factors = n_factors
        self.constant = constant
        self.tolerance = tolerance
        self.max_rounds = max_rounds
        self.n_starts = n_starts
        self.ridge = ridge

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
        z, (returns, known) = panel.characteristics, known_returns(panel)
        if not returns.any():
            raise ValueError(
                "The returns have zero variance: every one is 0, or lacks a characteristic. "
                "There is nothing to explain."
            )
        squares, moments = second_moments(returns, z, known, self.constant)
        each = np.arange(squares.shape[1])
        squares[:, each, each] += ridge * known.sum(axis=1, keepdims=True)
        with one_thread:
            lengths, white = _coordinates(squares.mean(axis=0), names)
            counts = np.maximum(known.sum(axis=1, keepdims=True), 1)
            # The solution if only the number of tickers changes with the date; and the start of Kelly, Pruitt and Su.
            first = np.stack(
                [
                    _components(moments @ white / np.sqrt(counts), n_factors),
                    np.linalg.solve(white, _components(moments / lengths / counts, n_factors) / lengths[:, None]),
                ]
            )
            first = np.linalg.qr(first)[0]
            if panel.n_tickers < len(white):  # Z W is smaller than Z'Z
                slopes, *intercept = np.split(white, [z.shape[2]])
                squares, moments = second_moments(returns, z @ slopes + (intercept[0] if self.constant else 0.0), known)
                squares += (ridge * known.sum(axis=1))[:, None, None] * (white.T @ white)
            else:
                squares, moments = white.T @ (squares @ white), moments @ white
            self._require_apart(first, squares, panel.dates)
            stop = max(tolerance, ROUNDING) * (returns**2).sum()
            best, n_made, n_rounds = _search(_starts(first), squares, moments, stop, max_rounds, n_starts)
            if best is None or best.flat():
                raise ValueError(
                    f"n_factors = {n_factors} factors leave Γ without a single value: fewer explain these returns "
                    "fully, or there are too few returns to tell, or a characteristic is known from a few dates only. "
                    "Ask for fewer factors, or pass more dates."
                )
            gamma, change = np.linalg.qr(white @ best.gamma)
            factors = best.factors @ change.T
            axes = np.linalg.svd(factors, full_matrices=False)[2].T
        if not best.converged:
            warnings.warn(
                f"InstrumentedPCA stopped after max_rounds = {max_rounds} rounds while the fit still improved. "
                "Raise max_rounds, or tolerance if this is close enough.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.gamma_ = gamma @ axes * np.where((factors @ axes).mean(axis=0) < 0, -1.0, 1.0)
        self.n_starts_, self.n_rounds_ = n_made, n_rounds
        self.characteristic_names_ = names
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
        z, (slopes, *intercept) = panel.characteristics, np.split(self.gamma_, [panel.n_characteristics])
        betas = np.empty((*z.shape[:2], slopes.shape[1]))

        def multiply(block):
            np.matmul(z[block].astype(float, copy=False), slopes, out=betas[block])

        for_each_block(multiply, panel.n_dates, z.size)
        return betas + intercept[0] if self.constant else betas

    def _solved(self, panel):
        betas = self._betas(panel)
        known = ~np.isnan(betas).any(axis=2)
        if self.ridge:
            known &= ~np.isnan(panel.returns)
            returns, betas = np.where(known, panel.returns, 0.0), np.where(known[:, :, None], betas, 0.0)
            return regressions(returns, betas, self.ridge)[0]
        return factors_given(np.where(known, panel.returns, np.nan), betas, "betas", panel.dates)

    def _names(self, panel):
        """The labels of the rows of Γ that the panel would have."""
        require_panel(panel, characteristics=True)
        names = panel.characteristic_names
        return names.append(pd.Index(["constant"])) if as_flag("constant", self.constant) else names

    def _require_apart(self, starts, squares, dates):
        """Raises an error that names the dates, if any, whose returns cannot tell the factors of a start apart."""
        variation = np.linalg.eigvalsh(starts.transpose(0, 2, 1)[:, None] @ squares @ starts[:, None])
        alike = (variation[:, :, 0] <= SMALLEST_SHARE * variation[:, :, -1]).any(axis=0)
        if alike.any():
            raise ValueError(
                f"n_factors = {self.n_factors} factors cannot be told apart at the date(s) {first_few(dates[alike])}: "
                "each date needs at least as many tickers with a return and every characteristic, and these must "
                "differ. Drop the dates, or ask for fewer factors."
            )


def known_returns(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """The returns beside which every characteristic is known, else 0, and where they are: (n_dates, n_tickers) both."""
    known = ~np.isnan(panel.characteristics.sum(axis=2, dtype=float) + panel.returns)  # NaN if one of its terms is
    return np.where(known, panel.returns.astype(float, copy=False), 0.0), known


@dataclass(eq=False)
class _End:
    """Where a start led: Γ, what it explains of Σ r², its F, and how the fit bends there."""

    gamma: np.ndarray
    explained: float
    factors: np.ndarray
    curvature: np.ndarray
    converged: bool
    reached: int = 0  # by how many starts

    def flat(self):
        """Whether some move of Γ changes the fit no more than a rotation does, which changes none."""
        # With rotations made steep, the fit must be flat in no direction.
        rotations = np.kron(self.factors.T @ self.factors, self.gamma @ self.gamma.T)
        curvatures = np.abs(np.linalg.eigvalsh(self.curvature + rotations))
        return curvatures.min() <= SMALLEST_SHARE * curvatures.max()


def _coordinates(pooled, names):
    """The root mean squares of the characteristics, and W with W' pooled W = I: in its coordinates, no unit matters."""
    lengths = np.sqrt(np.diagonal(pooled))
    lengths = np.where(lengths > 0, lengths, 1.0)
    values, vectors = np.linalg.eigh(pooled / np.outer(lengths, lengths))
    if values[0] <= SMALLEST_SHARE:
        involved = np.abs(vectors[:, 0]) > 0.01
        raise ValueError(
            f"characteristics are collinear over all dates: {first_few(names[involved])} combine(s) to zero for every "
            "ticker with a return, so Γ has no single value. Drop one of them, or pass more dates."
        )
    return lengths, vectors / np.sqrt(values) / lengths[:, None]


def _components(portfolios, n_factors):
    return np.linalg.eigh(portfolios.T @ portfolios)[1][:, -n_factors:]


def _starts(first):
    """The starts made from the data, and then random ones without end."""
    yield from first
    random = np.random.default_rng(0)
    while True:
        yield np.linalg.qr(random.standard_normal(first[0].shape))[0]


def _search(starts, squares, moments, stop, max_rounds, n_starts):
    """The best end of the starts, or None if all were lost, how many were made, and how many rounds they took."""
    ends: list[_End] = []
    n_rounds, best = 0, None
    for n_made, start in enumerate(islice(starts, n_starts or MOST), 1):
        try:
            end, rounds = _newton(start, squares, moments, stop, max_rounds, ends)
        except np.linalg.LinAlgError:  # the start itself cannot tell the factors of a date apart
            end, rounds = None, 0
        n_rounds += rounds
        if end is not None:
            end.reached += 1
            ends += [] if end in ends else [end]
            best = max(ends, key=lambda end: end.explained)
        work = n_rounds * squares.size * start.shape[1] ** 2
        enough = work > WORK or (best is not None and best.reached >= ENOUGH)
        if n_starts is None and n_made >= 2 and enough:
            break
    return best, n_made, n_rounds


def _newton(gamma, squares, moments, stop, max_rounds, ends):
    """Where this start leads, one of the known ends if it comes near one, None if it is lost; and the rounds it took.

    Alternating least squares takes the curvature as it is while F stays; Newton's method takes off all that is lost as
    F follows Γ. Here the share of the loss taken off rises to one, and falls, towards the former, when a step worsened
    the fit. A start is lost where the factors of a date can be told apart no more and grow without bound, or where F
    says so little of Γ that not even alternating least squares betters it.
    """
    explained, factors, exposures, roots = _given_gamma(gamma, squares, moments)
    slope, fixed = _given_factors(factors, exposures, squares, moments)
    loss = _as_factors_follow(factors, exposures, roots, moments)
    caution, gain = 4.0, np.inf
    for n_rounds in range(1, max_rounds + 1):
        try:
            trial = _step(gamma, slope, fixed - loss / (1 + caution))
            found = _given_gamma(trial, squares, moments)
            gain = found[0] - explained
        except np.linalg.LinAlgError:  # a date's betas are collinear, or the curvature is negative in some direction
            gain = -np.inf
        if not gain >= -stop:
            caution *= 4
            if caution > MOST_CAUTION:
                return None, n_rounds
            continue
        caution /= 4
        gamma, (explained, factors, exposures, roots) = trial, found
        for end in ends:
            if end.converged and gamma.shape[1] - ((end.gamma.T @ gamma) ** 2).sum() < NEAR**2:
                return end, n_rounds
        sizes = np.abs(np.diagonal(roots, axis1=1, axis2=2))
        if (sizes.min(axis=1) ** 2 <= SMALLEST_SHARE * sizes.max(axis=1) ** 2).any():
            return None, n_rounds
        slope, fixed = _given_factors(factors, exposures, squares, moments)
        loss = _as_factors_follow(factors, exposures, roots, moments)
        if gain <= stop:
            break
    return _End(gamma, explained, factors, fixed - loss, abs(gain) <= stop), n_rounds


def _step(gamma, slope, curvature):
    """Γ moved to where a parabola of this slope and curvature is lowest, with orthonormal columns."""
    move = cho_solve(cho_factor(curvature), slope).reshape(gamma.shape[::-1]).T
    return np.linalg.qr(gamma + move)[0]


def _given_gamma(gamma, squares, moments):
    """What Γ explains of Σ r² with the best F for it, that F, and of each date Z'β and the root of (β'β)⁻¹."""
    exposures = squares @ gamma
    roots = np.linalg.inv(np.linalg.cholesky(gamma.T @ exposures))
    portfolios = roots @ (moments @ gamma)[:, :, None]
    return (portfolios**2).sum(), (roots.transpose(0, 2, 1) @ portfolios)[:, :, 0], exposures, roots


def _given_factors(factors, exposures, squares, moments):
    """How Σ ε² / 2 bends with the rows of Γ', one after the other, while F stays: the slope downwards, the curvature.

    Σ_d vec(Z'ε F')        Σ_d F F' ⊗ Z'Z
    """
    n_dates, n_chars, n_factors = exposures.shape
    pairs = factors[:, :, None] * factors[:, None]
    curvature = pairs.reshape(n_dates, -1).T @ squares.reshape(n_dates, -1)
    curvature = curvature.reshape(n_factors, n_factors, n_chars, n_chars).transpose(0, 2, 1, 3)
    slope = factors.T @ _errors(factors, exposures, moments)
    return slope.ravel(), curvature.reshape(slope.size, slope.size)


def _as_factors_follow(factors, exposures, roots, moments):
    """How much of that curvature is lost because F follows Γ: Σ_d J (β'β)⁻¹ J' with J = F ⊗ Z'β - I ⊗ Z'ε."""
    errors = _errors(factors, exposures, moments)
    across = factors[:, None, :, None] * (roots @ exposures.transpose(0, 2, 1))[:, :, None]
    across -= roots[:, :, :, None] * errors[:, None, None]  # (J root')', (n_dates, n_factors, n_factors, n_chars)
    across = across.reshape(roots.shape[0] * roots.shape[1], -1)
    return across.T @ across


def _errors(factors, exposures, moments):
    """Z'ε of each date, (n_dates, n_chars)."""
    return moments - (exposures @ factors[:, :, None])[:, :, 0]
