"""The model in which β is linear in the characteristics: instrumented principal components."""

import warnings

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from sklearn.exceptions import ConvergenceWarning

from helpers.checks import as_count, as_flag, as_positive, first_few
from helpers.models.base import FactorModel, require_same_labels
from helpers.models.least_squares import SMALLEST_SHARE, factors_given
from helpers.panel import require_panel

# How many rounds of alternating least squares come first. Without them, Newton's steps may settle on a fit that is not the best.
ALTERNATIONS = 5

# Two Γ are near, and lead to the same fit, when no direction of one leaves the span of the other by an angle of larger sine.
NEAR = 0.2

# How many characteristics are worked on at once, in double precision: 64 MB.
BLOCK = 8_000_000


class InstrumentedPCA(FactorModel):
    """Given the characteristics, solve for what turns them into sensitivities, and for the factors: β = Z Γ.

        r^(d) ≈ Z^(d) Γ F^(d)        min over (Γ, F) of Σ_d Σ_s (r_s^(d) - z_s^(d)' Γ F^(d))²

    Γ is the same for all tickers and dates, so a ticker never seen before has a β as soon as it has characteristics. Given Γ,
    each F^(d) is a regression across tickers; given F, Γ is one regression over all tickers and dates. Taking turns is
    alternating least squares. It creeps where there are more factors than the market has, so after a few turns Newton's method
    takes over, which foresees how F will follow Γ. Both read Z'Z and Z'r of each date, never the tickers again. The fit can have
    several local optima: there are two starts, and if they do not meet, the better end is kept.

    A return is left out where it is missing, or a characteristic of its ticker is unknown at that date; β is then unknown too.

    Parameters
    ----------
    n_factors : int
        K.
    constant : bool
        Whether a column of ones joins the characteristics, as the last one, named "constant".
    tolerance : float
        Stop when a round improves the total R² by less than this.
    max_rounds : int
        Stop after so many rounds of Newton's method at the latest.

    Attributes
    ----------
    gamma_ : (n_chars, n_factors)
        Γ, with orthonormal columns. Of the rotations that fit alike, the one in which the F of the fitted dates have F'F
        diagonal and descending; the mean of no factor is negative.
    n_rounds_ : int
        How many rounds were made in all, from both starts.
    characteristic_names_ : Index
        The labels of the rows of Γ.

    References
    ----------
    Kelly, Pruitt, Su (2019), "Characteristics are covariances". Gu, Kelly, Xiu (2021), section 2.2 and Proposition 2: the linear
    conditional autoencoder is this model when Z'Z is the same at every date.
    """

    def __init__(self, n_factors=3, constant=False, tolerance=1e-12, max_rounds=200):
        self.n_factors = n_factors
        self.constant = constant
        self.tolerance = tolerance
        self.max_rounds = max_rounds

    def fit(self, panel, validation=None):
        names = self._names(panel)
        tolerance, max_rounds = as_positive("tolerance", self.tolerance), as_count("max_rounds", self.max_rounds)
        n_factors = as_count(
            "n_factors",
            self.n_factors,
            at_most=min(len(names), panel.n_dates),
            why="There are no more factors than characteristics (the constant included), nor than dates.",
        )
        squares, moments, known = self._second_moments(panel)
        returns = np.where(known, panel.returns, 0.0)
        if not returns.any():
            raise ValueError(
                "The returns have zero variance: every one is 0, or lacks a characteristic. There is nothing to explain."
            )

        counts = np.maximum(known.sum(axis=1, keepdims=True), 1)
        lengths, white = _coordinates(squares.mean(axis=0), names)
        # The best fit if Z'Z is the same at every date, but for the number of tickers; and the start of Kelly, Pruitt and Su.
        starts = [_components(moments @ white / np.sqrt(counts), n_factors)]
        starts.append(np.linalg.solve(white, _components(moments / lengths / counts, n_factors) / lengths[:, None]))

        starts = np.linalg.qr(np.stack(starts))[0]
        squares, moments = white.T @ (squares @ white), moments @ white
        variation = np.linalg.eigvalsh(starts.transpose(0, 2, 1)[:, None] @ squares @ starts[:, None])
        alike = (variation[:, :, 0] <= SMALLEST_SHARE * variation[:, :, -1]).any(axis=0)
        if alike.any():
            raise ValueError(
                f"n_factors = {n_factors} factors cannot be told apart at the date(s) {first_few(panel.dates[alike])}: each date "
                "needs at least as many tickers with a return and every characteristic, and these must differ. "
                "Drop the dates, or ask for fewer factors."
            )
        try:
            starts = [_alternate(start, squares, moments) for start in starts]
            if np.linalg.norm(starts[0] - starts[1] @ (starts[1].T @ starts[0]), 2) < NEAR:
                del starts[0]
            stop = tolerance * (returns**2).sum()
            fits = [_newton(start, squares, moments, stop, max_rounds) for start in starts]
        except np.linalg.LinAlgError:
            raise ValueError(_no_single_gamma(n_factors)) from None
        _, gamma, factors, curvature, _, converged = max(fits, key=lambda fit: fit[0])
        # A rotation of Γ changes no fit. With rotations made steep, the fit must be flat in no direction.
        curvatures = np.abs(np.linalg.eigvalsh(curvature + np.kron(factors.T @ factors, gamma @ gamma.T)))
        if curvatures.min() <= SMALLEST_SHARE * curvatures.max():
            raise ValueError(_no_single_gamma(n_factors))
        if not converged:
            warnings.warn(
                f"InstrumentedPCA stopped after max_rounds = {max_rounds} rounds while the fit still improved. "
                "Raise max_rounds, or tolerance if this is close enough.",
                ConvergenceWarning,
                stacklevel=2,
            )
        gamma, change = np.linalg.qr(white @ gamma)
        factors = factors @ change.T
        axes = np.linalg.svd(factors, full_matrices=False)[2].T
        self.gamma_ = gamma @ axes * np.where((factors @ axes).mean(axis=0) < 0, -1.0, 1.0)
        self.n_rounds_ = 2 * ALTERNATIONS + sum(fit[4] for fit in fits)
        self.characteristic_names_ = names
        return self

    def betas(self, panel):
        self._require_fitted(panel)
        require_same_labels("characteristic_names", self._names(panel), self.characteristic_names_)
        return np.concatenate([self._instruments(panel[block]) @ self.gamma_ for block in _blocks(panel)])

    def factors(self, panel):
        betas = self.betas(panel)
        known = ~np.isnan(betas).any(axis=2)
        return factors_given(np.where(known, panel.returns, np.nan), betas, "betas", panel.dates)

    def _names(self, panel):
        """The labels of the rows of Γ that the panel would have."""
        require_panel(panel, characteristics=True)
        names = panel.characteristic_names
        return names.append(pd.Index(["constant"])) if as_flag("constant", self.constant) else names

    def _instruments(self, panel):
        """Z, (n_dates, n_tickers, n_chars), the constant included if there is one."""
        z = panel.characteristics.astype(float, copy=False)
        return np.concatenate([z, np.ones((*z.shape[:2], 1))], axis=2) if self.constant else z

    def _second_moments(self, panel):
        """Z'Z and Z'r of each date over the tickers with a return and every characteristic, and which these are."""
        parts = []
        for block in _blocks(panel):
            z, returns = self._instruments(panel[block]), panel.returns[block]
            known = ~np.isnan(z.sum(axis=2) + returns)  # a sum is NaN if one of its terms is
            if not known.all():
                z, returns = np.where(known[:, :, None], z, 0.0), np.where(known, returns, 0.0)
            parts.append((z.transpose(0, 2, 1) @ z, (returns[:, None] @ z)[:, 0], known))
        return tuple(map(np.concatenate, zip(*parts, strict=True)))


def _blocks(panel):
    """Slices of dates that together cover the panel, so that a large one is never copied whole."""
    step = max(1, BLOCK // (panel.n_tickers * panel.n_characteristics))
    return [slice(first, min(first + step, panel.n_dates)) for first in range(0, panel.n_dates, step)]


def _coordinates(pooled, names):
    """The root mean squares of the characteristics, and W with W' pooled W = I: in its coordinates no unit plays a part."""
    lengths = np.sqrt(np.diagonal(pooled))
    lengths = np.where(lengths > 0, lengths, 1.0)
    values, vectors = np.linalg.eigh(pooled / np.outer(lengths, lengths))
    if values[0] <= SMALLEST_SHARE:
        involved = np.abs(vectors[:, 0]) > 0.01
        raise ValueError(
            f"characteristics are collinear over all dates: {first_few(names[involved])} combine(s) to zero for every ticker "
            "with a return, so Γ has no single value. Drop one of them, or pass more dates."
        )
    return lengths, vectors / np.sqrt(values) / lengths[:, None]


def _components(portfolios, n_factors):
    return np.linalg.eigh(portfolios.T @ portfolios)[1][:, -n_factors:]


def _alternate(gamma, squares, moments):
    """Γ after a few rounds of alternating least squares, none of which worsens the fit."""
    for _ in range(ALTERNATIONS):
        _, factors, exposures, _ = _given_gamma(gamma, squares, moments)
        slope, curvature = _given_factors(factors, exposures, squares, moments)
        gamma = _step(gamma, slope, curvature)
    return gamma


def _newton(gamma, squares, moments, stop, max_rounds):
    """The best fit found from this Γ: what it explains of Σ r², its Γ, F and curvature, the rounds, and whether it converged.

    Alternating least squares takes the curvature as it is while F stays; Newton's method takes off all that is lost as F
    follows Γ. Here the share of the loss taken off rises to one, and falls, towards the former, when a step worsened the fit.
    """
    explained, factors, exposures, roots = _given_gamma(gamma, squares, moments)
    slope, fixed = _given_factors(factors, exposures, squares, moments)
    loss = _as_factors_follow(factors, exposures, roots, moments)
    caution, gain = 1.0, np.inf
    for n_rounds in range(1, max_rounds + 1):
        try:
            trial = _step(gamma, slope, fixed - loss / (1 + caution))
            found = _given_gamma(trial, squares, moments)
            gain = found[0] - explained
        except np.linalg.LinAlgError:  # the curvature is not positive in every direction, or a date's betas are collinear
            gain = -np.inf
        if not gain >= -stop:
            caution *= 4
            continue
        caution /= 4
        gamma, (explained, factors, exposures, roots) = trial, found
        slope, fixed = _given_factors(factors, exposures, squares, moments)
        loss = _as_factors_follow(factors, exposures, roots, moments)
        if gain <= stop:
            break
    return explained, gamma, factors, fixed - loss, n_rounds, abs(gain) <= stop


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
    """How Σ ε² / 2 bends with the rows of Γ', one after the other, while F stays: its slope downwards, and its curvature.

    Σ_d vec(Z'ε F')        Σ_d F F' ⊗ Z'Z
    """
    n_dates, n_chars, n_factors = exposures.shape
    pairs = factors[:, :, None] * factors[:, None]
    curvature = (pairs.reshape(n_dates, -1).T @ squares.reshape(n_dates, -1)).reshape(n_factors, n_factors, n_chars, n_chars)
    slope = factors.T @ _errors(factors, exposures, moments)
    return slope.ravel(), curvature.transpose(0, 2, 1, 3).reshape(slope.size, slope.size)


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


def _no_single_gamma(n_factors):
    return (
        f"n_factors = {n_factors} factors leave Γ without a single value: fewer explain these returns fully, or there are too "
        "few returns to tell, or a characteristic is known from a few dates only. Ask for fewer factors, or pass more dates."
    )
