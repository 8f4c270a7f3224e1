"""The search for Γ of instrumented principal components, on the second moments of each date alone.

    max over Γ of Σ_d r̂'r̂ = Σ_d (Z'r)'Γ (Γ'Z'Z Γ)⁻¹ Γ'(Z'r)        Z'Z, Z'r : all that is left of date d
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve, lapack

from helpers.checks import SMALLEST_SHARE, first_few

# Two Γ are near, and lead to the same fit, when the sines of the angles between the spans of their columns, squared and
# summed, come to less than the square of this.
NEAR = 0.2

# The search ends when so many starts have led to the best fit, or so many were made, or its rounds have cost so many
# products: those of Σ_d F F' ⊗ Z'Z, the sum that each round begins with. That much takes about a tenth of a second.
ENOUGH, MOST, WORK = 8, 40, 1.5e8

# With a condition number below this, characteristics in units of their length are good coordinates.
WELL = 1e3

# At this caution, Newton's step is that of alternating least squares; and below this share of Σ r², a gain is rounding.
MOST_CAUTION, ROUNDING = 1e9, 1e-14

# An estimate of the smallest curvature, as a share of the largest, that is above this cannot be wrong by so much that
# the share is below SMALLEST_SHARE.
SURELY_BENT = 1e3 * SMALLEST_SHARE


@dataclass(frozen=True)
class Solution:
    """Γ, of orthonormal columns, F of each date, and how the search went."""

    gamma: np.ndarray
    factors: np.ndarray
    converged: bool
    n_starts: int
    n_rounds: int


def solved_gamma(
    squares: np.ndarray,
    moments: np.ndarray,
    counts: np.ndarray,
    total: float,
    n_factors: int,
    names: pd.Index,
    dates: pd.Index,
    tolerance: float = 1e-12,
    max_rounds: int = 200,
    n_starts: int | None = None,
    start: np.ndarray | None = None,
    in_coordinates: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None,
) -> Solution:
    """The Γ that explains most, of the rotations the one with F'F diagonal and descending, no mean negative.

    Parameters
    ----------
    squares : (n_dates, n_chars, n_chars)
        Z'Z of each date.
    moments : (n_dates, n_chars)
        Z'r.
    counts : (n_dates,)
        The number of tickers.
    total : float
        Σ r².
    n_factors : int
        K.
    names, dates : Index
        Of the characteristics and the dates, for messages.
    tolerance, max_rounds, n_starts
        As in `InstrumentedPCA`.
    start : (n_chars, n_factors), optional
        The one start that is made, instead of those from the data.
    in_coordinates : function of W, (n_chars, n_chars), optional
        Z'Z and Z'r of each date where Z W takes the place of Z, if there is a cheaper way than W'Z'Z W.
    """
    lengths, white = _coordinates(squares.mean(axis=0), names)
    if start is None:
        counts = np.maximum(counts[:, None], 1)
        # The solution if only the number of tickers changes with the date; and the start of Kelly, Pruitt and Su.
        first = np.stack(
            [
                _components(moments @ white / np.sqrt(counts), n_factors),
                np.linalg.solve(white, _components(moments / lengths / counts, n_factors) / lengths[:, None]),
            ]
        )
    else:
        n_starts = 1
        # The search has no way to go: if lengths are good coordinates, nothing need be multiplied.
        if np.linalg.cond(white * lengths[:, None]) < WELL:
            white = np.diag(1 / lengths)
            in_coordinates = partial(_in_units, squares, moments, lengths)
        first = np.linalg.solve(white, start)[None]
    first = np.linalg.qr(first)[0]
    if in_coordinates is None:
        squares, moments = white.T @ (squares @ white), moments @ white
    else:
        squares, moments = in_coordinates(white)
    _require_apart(first, squares, dates)
    stop = max(tolerance, ROUNDING) * total
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
    axes = axes * np.where((factors @ axes).mean(axis=0) < 0, -1.0, 1.0)
    return Solution(gamma @ axes, factors @ axes, best.converged, n_made, n_rounds)


def _in_units(squares, moments, lengths, white):
    """Z'Z and Z'r with each characteristic in units of its length."""
    return squares / lengths[:, None] / lengths, moments / lengths


def _require_apart(starts, squares, dates):
    """Raises an error that names the dates, if any, whose returns cannot tell the factors of a start apart."""
    variation = np.linalg.eigvalsh(starts.transpose(0, 2, 1)[:, None] @ squares @ starts[:, None])
    alike = (variation[:, :, 0] <= SMALLEST_SHARE * variation[:, :, -1]).any(axis=0)
    if alike.any():
        raise ValueError(
            f"n_factors = {starts.shape[2]} factors cannot be told apart at the date(s) {first_few(dates[alike])}: "
            "each date needs at least as many tickers with a return and every characteristic, and these must "
            "differ. Drop the dates, or ask for fewer factors."
        )


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
        bends = self.curvature + rotations
        # The eigenvalues of 2000 rows take seconds, a root takes a tenth of one; where that settles it, it does.
        root, failed = lapack.dpotrf(bends)
        share = 0.0 if failed else lapack.dpocon(root, np.abs(bends).sum(axis=0).max())[0]
        if share > SURELY_BENT:
            return False
        curvatures = np.abs(np.linalg.eigvalsh(bends))
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
