"""Exercises of the lesson on covariance and hedging."""

from functools import cache, partial

import numpy as np

from helpers.data.simulated import simulate_constant_betas
from helpers.evaluation.risk import factor_covariance, minimum_variance_weights
from helpers.exercises.answers import near, same_to_a_percent
from helpers.exercises.checker import Exercise, Open
from helpers.models.least_squares import time_series_betas

# Exercise 1: fewer months than tickers


@cache
def _short_history():
    market = simulate_constant_betas(n_dates=4800, n_tickers=100, seed=0)
    R, F = market.panel.returns, market.factors
    w = minimum_variance_weights(np.cov(R[:60].T) + 1e-8 * np.eye(100))
    return {"R": R, "F": F, "w": w}


def same_with_n_or_less_one(answer, truth):
    """Whether the numbers agree, with 60 or with 59 below in the variance of 60 months."""
    return any(near(answer, one, relative=0.0045).all() for one in (truth, truth * np.sqrt(59 / 60)))


def honest_risks(R, F, w):
    betas = time_series_betas(R[:60], F[:60])[1]
    covariance = factor_covariance(betas, F[:60], R[:60] - F[:60] @ betas.T)
    by_factors = minimum_variance_weights(covariance)
    return [np.sqrt(12) * (R[60:120] @ weights).std(ddof=1) for weights in (w, by_factors)]


def _by_factors(R, F):
    betas = time_series_betas(R, F)[1]
    covariance = factor_covariance(betas, F, R - F @ betas.T)
    return covariance, minimum_variance_weights(covariance)


def _risks(R, F, w, months, taught=slice(60)):
    by_factors = _by_factors(R[taught], F[taught])[1]
    return [np.sqrt(12) * (R[months] @ weights).std(ddof=1) for weights in (w, by_factors)]


def _what_the_mended_estimate_says(R, F, w):
    mended, (covariance, weights) = np.cov(R[:60].T) + 1e-8 * np.eye(len(w)), _by_factors(R[:60], F[:60])
    return [np.sqrt(12 * w @ mended @ w), np.sqrt(12 * weights @ covariance @ weights)]


def _true_risks(R, F, w):
    B = simulate_constant_betas(n_dates=4800, n_tickers=100, seed=0).betas[0]
    true = B @ np.diag([0.045, 0.03, 0.03]) ** 2 @ B.T + 0.05**2 * np.eye(len(w))
    return [np.sqrt(12 * weights @ true @ weights) for weights in (w, _by_factors(R[:60], F[:60])[1])]


def _around_zero(R, F, w):
    by_factors = _by_factors(R[:60], F[:60])[1]
    return [np.sqrt(12 * ((R[60:120] @ weights) ** 2).mean()) for weights in (w, by_factors)]


def _by_pca(R, F, w):
    return _risks(R, R @ np.linalg.eigh(np.cov(R[:60].T))[1][:, -3:], w, slice(60, 120))


def _promised_and_true(R, F, w):
    return [honest_risks(R, F, w)[0], _what_the_mended_estimate_says(R, F, w)[1]]


_OTHER_RISKS = [
    (lambda R, F, w: _risks(R, F, w, slice(60)),
     "These are the risks on the 60 months from which the weights were made. Each portfolio was chosen to stand "
     "still there. Ask the next 60 months."),
    (_what_the_mended_estimate_says,
     "This is what each estimate promises of its own portfolio. Ask the next 60 months."),
    (_true_risks,
     "These are the risks under the true Σ, which he does not know. Ask the next 60 months, R[60:120]."),
    (lambda R, F, w: [risk**2 for risk in honest_risks(R, F, w)],
     "These are variances. A risk is the root."),
    (lambda R, F, w: _risks(R, F, w, slice(60, 120), taught=slice(60, 120)),
     "The portfolio of the factor model was made from months 60 to 119, on which it is judged. Make it from the "
     "first 60, as his was."),
    (lambda R, F, w: [risk / np.sqrt(12) for risk in honest_risks(R, F, w)],
     "These are risks of one month. For a year multiply by the root of 12."),
    (lambda R, F, w: _risks(R, F, w, slice(120)),
     "The first 60 months are still among those that judge. The weights know them: take R[60:120] alone."),
    (lambda R, F, w: _risks(R, F, w, slice(61, 121)),
     "Your 60 months begin with R[61]. The weights were made of R[:60], so the next month is R[60]."),
    (lambda R, F, w: _risks(R, F, w, slice(59, 119)),
     "Your 60 months begin with R[59], which is among those that the weights were made of. The next 60 are "
     "R[60:120]."),
    (lambda R, F, w: _risks(R, F, w, slice(60, None)),
     "These are the risks over all later months. Ask the next 60, R[60:120]."),
    (lambda R, F, w: _risks(R, F, w, slice(60, 120), taught=slice(120)),
     "The portfolio of the factor model was made from 120 months, and those that judge it are among them. Make it "
     "from the first 60, as his was."),
    (lambda R, F, w: _risks(R, F, w, slice(60, 120), taught=slice(None)),
     "The portfolio of the factor model was made from all 4800 months. Make it from the first 60, as his was."),
    (lambda R, F, w: _risks(R, F, w, slice(60, 119)),
     "These are 59 months: R[60:119] ends with month 118. The next 60 are R[60:120]."),
    (_by_pca,
     "The second portfolio is made with PCA's factors. from_factors is to be given the true F[:60]."),
    (_promised_and_true,
     "Your second number is what the factor model promises. Ask the next 60 months, as for w."),
    (lambda R, F, w: honest_risks(R, F, w)[::-1],
     "The numbers are right, and exchanged: his portfolio w first, then the factor model's."),
    (lambda R, F, w: [100 * risk for risk in honest_risks(R, F, w)],
     "These are in percent. Fractions are asked for, as everywhere in the course."),
    (lambda R, F, w: [np.sqrt(12) * risk for risk in honest_risks(R, F, w)],
     "You multiplied by 12. A variance is 12 times that of a month, a standard deviation √12 times."),
    (_around_zero,
     "This is the root of the mean square. Risk is measured around the mean: take the standard deviation."),
]  # fmt: skip

q1 = Exercise(
    reference=honest_risks,
    mistakes=dict(_OTHER_RISKS),
    given=_short_history,
    same=same_with_n_or_less_one,
    hints=(
        "From which months come his weights, and from which his risk? What would R[60:120] @ w be?",
        "np.sqrt(12) * (R[60:120] @ weights).std(ddof=1), once for w and once for "
        "minimum_variance_weights(from_factors(R[:60], F[:60])).",
    ),
    insight="With fewer months than tickers there are portfolios that did not move at all, and Σ⁻¹ finds one. It moves "
    "as soon as new months come: 11 % a year instead of nearly nothing. The helper refuses such a matrix. A small "
    "number on its diagonal gives a portfolio, and takes away the warning that its risk is not known. The factor "
    "model's moves by 8 %. The race of the lesson asks the same of real stocks.",
)

# Exercise 2: what the factors add


def _unrelated(noise, F):
    """The noise, unrelated to ones, factors and each other: so w' Σ w is the sample variance of the portfolio, too."""
    n_first = 1 + F.shape[1]
    columns = np.linalg.qr(np.column_stack([np.ones(len(F)), F, noise]))[0]
    return columns[:, n_first:] * np.sqrt(len(F))


@cache
def _portfolios():
    calls = []
    for seed, n_tickers, K in ((0, 8, 3), (1, 20, 2)):
        random = np.random.default_rng(seed)
        F = random.normal(0.03, 0.04, (90, K)) + random.normal(0, 0.03, (90, 1))
        betas = random.normal(0.6, 0.6, (n_tickers, K))
        noise = _unrelated(random.standard_normal((90, n_tickers)), F)
        R = 0.06 + F @ betas.T + 0.08 * noise * np.linspace(0.5, 1.5, n_tickers)
        w = random.uniform(0, 1, n_tickers)
        calls.append((w / w.sum(), R, F))
    return calls


def share_of_factors(w, R, F):
    betas = time_series_betas(R, F)[1]
    exposure = w @ betas
    by_factors = exposure @ np.cov(F.T) @ exposure
    own = (w**2 * (R - F @ betas.T).var(axis=0, ddof=1)).sum()
    return by_factors / (by_factors + own)


def _parts(w, R, F):
    betas = time_series_betas(R, F)[1]
    exposure, residuals = w @ betas, R - F @ betas.T
    return exposure, exposure @ np.cov(F.T) @ exposure, residuals


def _of_the_risk(w, R, F):
    return np.sqrt(share_of_factors(w, R, F))


def _mean_of_r2(w, R, F):
    _, _, residuals = _parts(w, R, F)
    return w @ (1 - residuals.var(axis=0) / R.var(axis=0))


def share_of_noise(w, residuals):
    return (w**2 * residuals.var(axis=0, ddof=1)).sum()


def _noise_share(w, R, F):
    return 1 - share_of_factors(w, R, F)


def _no_intercept(w, R, F):
    betas = np.linalg.lstsq(F, R, rcond=None)[0].T
    exposure = w @ betas
    by_factors = exposure @ np.cov(F.T) @ exposure
    return by_factors / (by_factors + share_of_noise(w, R - F @ betas.T))


def _equal_weights(w, R, F):
    return share_of_factors(np.full(len(w), 1 / len(w)), R, F)


def _factors_alone(w, R, F):
    return _parts(w, R, F)[1]


def _part_by_part(w, R, F):
    return share_of_factors(w, R, F) / _noise_share(w, R, F)


def _by_another_noise(w, R, F, of):
    _, by_factors, residuals = _parts(w, R, F)
    return by_factors / (by_factors + of(w, residuals.var(axis=0, ddof=1)))


_own_weights_not_squared = partial(_by_another_noise, of=lambda w, own: w @ own)
_deviations = partial(_by_another_noise, of=lambda w, own: w**2 @ np.sqrt(own))
_one_noise_for_all = partial(_by_another_noise, of=lambda w, own: w @ w * own.mean())


def _by_another_middle(w, R, F, of):
    exposure, _, residuals = _parts(w, R, F)
    by_factors = exposure @ of(F) @ exposure
    return by_factors / (by_factors + share_of_noise(w, residuals))


_factors_as_if_unrelated = partial(_by_another_middle, of=lambda F: np.diag(F.var(axis=0, ddof=1)))
_second_moment = partial(_by_another_middle, of=lambda F: F.T @ F / len(F))
_correlations = partial(_by_another_middle, of=lambda F: np.corrcoef(F.T))

q2 = Exercise(
    reference=share_of_factors,
    mistakes={
        _of_the_risk: "This is the root: a share of the volatility. Variances add up, volatilities do not. The share "
        "of the variance is asked for.",
        _own_weights_not_squared: "In a variance weights are squared: w_s² Var(ε_s). That is why own noise averages "
        "out in a portfolio of many.",
        _factors_alone: "This is the variance that the factors bring. Divide it by the whole variance.",
        _part_by_part: "You divided the part of the factors by the other part. A share divides by the whole.",
        _deviations: "You added standard deviations of the noise. In a variance variances are added.",
        _one_noise_for_all: "You gave every ticker the same noise, the mean. Each has a variance of its own.",
        _correlations: "You put correlations in the middle. It is the covariance of the factors: np.cov(F.T).",
        _mean_of_r2: "This is the mean R² of the single tickers. In the portfolio their noise averages out, and their "
        "exposures do not.",
        _factors_as_if_unrelated: "You left out how the factors go together. Put all of Cov(F) in the middle, "
        "np.cov(F.T), and not its diagonal alone.",
        _noise_share: "This is the share of the tickers' own noise. The rest is asked for.",
        _no_intercept: "Your regression has no intercept, so β swallows a part of α. time_series_betas has one.",
        _second_moment: "F'F / n_dates is no covariance: the means of the factors are still in it. Take np.cov(F.T).",
        _equal_weights: "You weighted all tickers alike. The portfolio is w.",
    },
    same=same_to_a_percent,  # variances with n or with n - 1
    calls=_portfolios,
    hints=(
        "w' Σ w falls into two parts, as Σ does. Which is which?",
        "With the exposure w @ betas, K numbers, the first part is exposure @ np.cov(F.T) @ exposure.",
        "The second is the sum of w² times the variances of the residuals. betas = time_series_betas(R, F)[1].",
    ),
    insight="One ticker alone is mostly its own noise; a portfolio of many is mostly factors. The first part does not "
    "shrink with the number of tickers, the second does. A hedge can take away the first part only.",
)

# Exercise 3: a hedge that knew the month


@cache
def _days():
    calls = []
    for seed, n in ((0, 210), (1, 178)):  # the second ends in the middle of a block
        random = np.random.default_rng(seed)
        F = 0.01 * random.standard_normal((n, 5)) + 0.01 * random.standard_normal((n, 1))
        path = np.cumsum(0.05 * random.standard_normal((n, 5)), axis=0) + np.array([0.5, 1.0, -0.5, 0.2, 0.1])
        calls.append(((F * path).sum(axis=1) + 0.01 * random.standard_normal(n), F))
    return calls


def share_left(r, F):
    hedged = []
    for d in range(21, len(r) - 20, 21):
        betas = time_series_betas(r[d - 21 : d, None], F[d - 21 : d])[1][0]
        hedged.append(r[d : d + 21] - F[d : d + 21] @ betas)
    hedged = np.concatenate(hedged)
    return hedged.std() / r[21 : 21 + len(hedged)].std()


def _ratio(hedged, r):
    return hedged.std() / r.std()


def _share_left(r, F, window, sign=-1, step=21, made=_ratio, first=21, last=20, fit=time_series_betas):
    """What is made of the hedged days and the same days of the stock, with other days to teach each block."""
    starts = range(first, len(r) - last, step)
    betas = [fit(r[window(d), None], F[window(d)])[1][0] for d in starts]
    hedged = np.concatenate([r[d : d + step] + sign * F[d : d + step] @ b for d, b in zip(starts, betas, strict=True)])
    return made(hedged, r[first : first + len(hedged)])


def _before(d):
    return slice(max(d - 21, 0), max(d, 21))


def _block_by_block(hedged, r):
    return np.mean([_ratio(hedged[d : d + 21], r[d : d + 21]) for d in range(0, len(r), 21)])


_of_the_same_month = partial(_share_left, window=lambda d: slice(d, d + 21))
_of_all_days = partial(_share_left, window=lambda d: slice(None))
_of_both_months = partial(_share_left, window=lambda d: slice(d - 21, d + 21))
_from_the_first_day = partial(_share_left, window=lambda d: slice(0, d))
_bought = partial(_share_left, window=_before, sign=1)
_of_the_first_month = partial(_share_left, window=lambda d: slice(21))
_a_day_too_late = partial(_share_left, window=lambda d: slice(d - 20, d + 1))
_a_day_too_early = partial(_share_left, window=lambda d: slice(max(d - 22, 0), d - 1))
_every_day = partial(_share_left, window=_before, step=1, last=0)
_last_block_lost = partial(_share_left, window=_before, last=21)
_first_block_by_itself = partial(_share_left, window=_before, first=0)
_mean_of_the_blocks = partial(_share_left, window=_before, made=_block_by_block)
_not_divided = partial(_share_left, window=_before, made=lambda hedged, r: hedged.std())
_no_ones = partial(_share_left, window=_before, fit=lambda r, F: (None, np.linalg.lstsq(F, r, rcond=None)[0].T))


def _of_the_variance(r, F):
    return share_left(r, F) ** 2


def _of_the_risk_of_all_days(r, F):
    n_hedged = 21 * (len(r) // 21 - 1)
    return share_left(r, F) * r[21 : 21 + n_hedged].std() / r.std()


_a_block_lost = partial(_share_left, window=_before, first=42)


def _a_block_lost_above_only(r, F):
    n = 21 * (len(r) // 21 - 2)
    return _a_block_lost(r, F) * r[42 : 42 + n].std() / r[21 : 21 + n].std()


def _alpha_taken_out(r, F):
    hedged = []
    for d in range(21, len(r) - 20, 21):
        alphas, betas = time_series_betas(r[d - 21 : d, None], F[d - 21 : d])
        hedged.append(r[d : d + 21] - alphas[0] - F[d : d + 21] @ betas[0])
    hedged = np.concatenate(hedged)
    return hedged.std() / r[21 : 21 + len(hedged)].std()


q3 = Exercise(
    reference=share_left,
    mistakes={
        _of_the_same_month: "β still comes from the very month that it hedges. At the start of "
        "that month nobody knew it.",
        _of_all_days: "β comes from all days, later ones included. At the start of a month only the "
        "days before it are known.",
        _of_both_months: "Your window begins a month before and ends with the month that is hedged. End it "
        "where that month begins.",
        _bought: "The hedge has the wrong sign: it buys what the stock leans on, and the risk is "
        "there twice. A hedge sells.",
        _of_the_first_month: "Your betas are those of the first 21 days, for ever. Each block has 21 days before it.",
        _a_day_too_late: "Your window holds the first day of the block that it hedges. End it with the day before.",
        _a_day_too_early: "Your window ends a day early: the day before the block is known, too.",
        _every_day: "You refresh the betas every day. Keep them for the 21 days of a block, as he does.",
        _last_block_lost: "A block that ends with the very last day is not hedged. Where does your range end?",
        _first_block_by_itself: "Your first block is hedged with its own betas. It is there to learn from only.",
        _mean_of_the_blocks: "This is the mean of the blocks' shares. Put all hedged days together first.",
        _not_divided: "This is the volatility that is left. Divide it by that of the stock on the same days.",
        _of_the_variance: "This is the share of the variance. The share of the volatility is its root.",
        _of_the_risk_of_all_days: "The hedged days are compared with all days of the stock. Leave out there, too, what "
        "was not hedged: the first block, and the days after the last.",
        _from_the_first_day: "Your windows begin with the first day of all. Take the 21 days before "
        "each block, and no more.",
        _a_block_lost: "Very near: each block has the betas of the one before it. But his list begins with day 21, so "
        "days 21 to 41 teach you and are not hedged. Let days 0 to 20 teach: then they can be.",
        _a_block_lost_above_only: "His list begins with day 21, so your first hedged day is day 42, and you divide by "
        "the risk from day 21 on. Let days 0 to 20 teach: then both begin with day 21.",
        _alpha_taken_out: "You took α out, too. A hedge sells factors. Nobody can sell the α of last "
        "month, and so it stays in.",
        _no_ones: "Your regression has no intercept. time_series_betas has one, so that the mean of the "
        "month does not bend β.",
    },
    calls=_days,
    hints=(
        "Two slices are the same in his function: that of the regression, and that of the days that are hedged.",
        "Fit on r[d - 21 : d] and F[d - 21 : d], hedge r[d : d + 21]. For r[..., None] see his line.",
    ),
    insight="Six numbers fitted to 21 days swallow a good part of anything. The days before tell how little of that "
    "was real: of AAPL 71 % are left, not 44 %. To sell a dollar of the average ETF leaves less. With five ETFs that "
    "resemble each other a month is too short to tell them apart, so the lesson takes 252 days.",
)

# Exercise 4: open

q4 = Open(
    look_for="With 40 and 60 days the best δ is near 0.75: 17.4 and 16.5 % a year, against 22.2 and 19.7 of the sample "
    "and 17.4 and 16.6 of the factor model. With 252 days it lies in the middle, and 15.9 % beat 16.4 and 16.0. So a "
    "mixture is never worse than its better end here, and the more history there is, the more of the sample it may "
    "hold. The gains over the better end are small, and δ was chosen on the days that judge it: choose it on the days "
    "before each portfolio, or by a formula, which needs none: Ledoit and Wolf (2003) gave one for the target "
    "of a single factor, the market.",
    hints=(
        "A function of R and F that returns (1 - delta) * np.cov(R.T) + delta * from_factors(R, F), for earned_by.",
        "100 * np.sqrt(252) * earned_by(estimate, 60).std() is one number of the race. Loop over δ and over the days.",
    ),
)
