"""Exercises of lesson 16: reading the model."""

from dataclasses import replace
from functools import cache

import numpy as np

from helpers.data.ranks import rank_across_tickers
from helpers.data.simulated import simulate_constant_betas, simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.evaluation.risk import factor_covariance, minimum_variance_weights
from helpers.exercises.answers import same_to_a_percent
from helpers.exercises.checker import Choice, Exercise, Open
from helpers.models.ipca import InstrumentedPCA
from helpers.models.least_squares import time_series_betas

# Exercise 1: importance by hand


def _true_beta(X):
    c1, c2, c3 = np.moveaxis(X[:, :, :3], 2, 0)
    return np.stack([c1**2, 2 * c1 * c2, 0.6 * np.sign(c3)], axis=-1)


@cache
def _small_market():
    random = np.random.default_rng(0)
    X, F = random.uniform(-1, 1, (60, 50, 4)), random.normal(0.03, 0.1, (60, 3))
    R = 0.02 + np.einsum("dsk,dk->ds", _true_beta(X), F) + 0.05 * random.standard_normal((60, 50))
    return [(_true_beta, X, F, R, j) for j in (0, 1, 2)]


def importance(beta, X, F, R, j):
    muted = X.copy()
    muted[:, :, j] = 0
    whole, left = (total_r2(R, np.einsum("dsk,dk->ds", beta(x), F)) for x in (X, muted))
    return whole - left


def _demeaned(beta, X, F, R, j):
    return importance(beta, X, F, R, j) * (R**2).sum() / ((R - R.mean()) ** 2).sum()


def _muted_sensitivity(beta, X, F, R, j):
    betas = beta(X)
    muted = betas.copy()
    muted[:, :, j] = 0
    whole, left = (total_r2(R, np.einsum("dsk,dk->ds", b, F)) for b in (betas, muted))
    return whole - left


def _factors_again(beta, X, F, R, j):
    muted = X.copy()
    muted[:, :, j] = 0
    again = np.stack([np.linalg.lstsq(b, r, rcond=None)[0] for b, r in zip(beta(muted), R, strict=True)])
    left = total_r2(R, np.einsum("dsk,dk->ds", beta(muted), again))
    return total_r2(R, np.einsum("dsk,dk->ds", beta(X), F)) - left


def _ticker_muted(beta, X, F, R, j):
    muted = X.copy()
    muted[:, j] = 0
    whole, left = (total_r2(R, np.einsum("dsk,dk->ds", beta(x), F)) for x in (X, muted))
    return whole - left


def _without_a_copy(beta, X, F, R, j):
    return 0.0


def _what_remains(beta, X, F, R, j):
    return total_r2(R, np.einsum("dsk,dk->ds", beta(X), F)) - importance(beta, X, F, R, j)


def _share_of_the_whole(beta, X, F, R, j):
    return importance(beta, X, F, R, j) / total_r2(R, np.einsum("dsk,dk->ds", beta(X), F))


q1 = Exercise(
    reference=importance,
    mistakes={
        _demeaned: "Your R² takes the mean of the returns out of its denominator. Ours does not: a "
        "model that says 0 scores 0.",
        _muted_sensitivity: "You set a column of β to zero, the sensitivity to factor j. Set the CHARACTERISTIC to "
        "zero before β is made of it: c1 stands in two sensitivities.",
        _factors_again: "The factors were solved for anew from the muted β. Nothing is fitted again: F stays as it is.",
        _ticker_muted: "X[:, j] is ticker j with all of its characteristics. Characteristic j is on "
        "the last axis: X[:, :, j].",
        _without_a_copy: "Nothing is lost in your function. Were both values of R² computed with the zeros in place? "
        "muted = X is the same array under a second name; take X.copy().",
        _what_remains: "This is the R² without the characteristic. The importance is what was lost: the R² of "
        "the whole model less this.",
        _share_of_the_whole: "You divided by the total R² of the model. The importance is the drop "
        "itself, in points of R².",
    },
    calls=_small_market,
    hints=(
        "Two values of the total R²: one with beta(X), one with beta of a copy of X in which characteristic j is "
        "0. F is the same in both.",
        "np.einsum('dsk,dk->ds', beta(X), F) is the product, total_r2(R, product) its R². total_r2 "
        "stands in helpers.evaluation.",
    ),
    insight="`beta` may be any function of the characteristics: a formula, a regression, a network.",
)

# Exercise 2: noise learned by heart

q2 = Choice(
    right="c",
    advice={
        "a": "A model that ignores noise would show this. But this network was trained on few dates, and nothing kept "
        "it from using all of its inputs: on those dates the noise happens to go along with some returns.",
        "b": "On later dates noise has nothing to say. What the network believes of it can only disturb there.",
        "d": "On the dates of the fit the loss was made small with the help of ALL inputs. Take some "
        "away, and what does it do?",
    },
    hints=(
        "What was learned by heart lowers the error on the dates of the fit. What happens to that error "
        "when the noise is muted?",
        "On later dates what was learned by heart is wrong: it adds error. So what happens there when it is muted?",
    ),
    insight="On the dates of the fit the noise seems to matter, and a ranking made there would praise it. On later "
    "dates the network is better off without it: the drop is negative.",
)

# Exercise 3: two measurements of one thing


@cache
def _measured_twice():
    market = simulate_market("linear", n_dates=300, n_tickers=100, n_characteristics=5, seed=0)
    c1, *others = np.moveaxis(market.panel.characteristics, 2, 0)
    noises = np.random.default_rng(0).standard_normal((2, *c1.shape))
    first, second = (rank_across_tickers(c1 + 0.5 * noise) for noise in noises)
    measured = replace(
        market.panel,
        characteristics=np.stack([first, second, *others], axis=-1),
        characteristic_names=["first", "second", "c2", "c3", "c4", "c5"],
    )
    return {"measured": measured, "fitted": InstrumentedPCA(3).fit(measured[:150])}


def drops(measured, fitted):
    new, lost = measured[150:], []
    for muted in ([0], [1], [0, 1], [2]):
        X = new.characteristics.copy()
        X[:, :, muted] = 0
        betas = fitted.betas(replace(new, characteristics=X))
        r_hat = np.einsum("dsk,dk->ds", betas, fitted.factors(new))
        lost.append(total_r2(new.returns, fitted.reconstruct(new)) - total_r2(new.returns, r_hat))
    return np.array(lost)


def _lost(fitted, panel, factors_again=False):
    lost = []
    for muted in ([0], [1], [0, 1], [2]):
        X = panel.characteristics.copy()
        X[:, :, muted] = 0
        without = replace(panel, characteristics=X)
        F = fitted.factors(without if factors_again else panel)
        r_hat = np.einsum("dsk,dk->ds", fitted.betas(without), F)
        lost.append(total_r2(panel.returns, fitted.reconstruct(panel)) - total_r2(panel.returns, r_hat))
    return np.array(lost)


def _added_up(measured, fitted):
    first, second, _, c2 = drops(measured, fitted)
    return np.array([first, second, first + second, c2])


def _on_the_dates_of_the_fit(measured, fitted):
    return _lost(fitted, measured[:150])


def _on_all_dates(measured, fitted):
    return _lost(fitted, measured)


def _with_factors_solved_for_again(measured, fitted):
    return _lost(fitted, measured[150:], factors_again=True)


def _what_is_left(measured, fitted):
    new = measured[150:]
    return total_r2(new.returns, fitted.reconstruct(new)) - drops(measured, fitted)


q3 = Exercise(
    reference=drops,
    mistakes={
        _added_up: "The three single ones are right. But the third number is not their sum: set BOTH to zero in one "
        "copy of the characteristics. When one is gone the other still speaks for c1; when both are gone, nobody does.",
        _on_the_dates_of_the_fit: "These are the drops on the dates of the fit. Rank characteristics on dates that the "
        "model has not seen: measured[150:].",
        _on_all_dates: "These are the drops on all dates. The first half of them taught the model: "
        "take measured[150:] alone.",
        _with_factors_solved_for_again: "Your factors come from the muted panel: IPCA has solved for them anew, so "
        "that they make up for what is missing. Take the factors of the panel as it is, and only β of the muted one.",
        _what_is_left: "This is the R² that is left. Asked for is what is lost: the R² of the whole model less this.",
    },
    given=_measured_twice,
    hints=(
        "Four copies of measured[150:], each with other columns at zero. without(panel, j) of the lesson "
        "makes one; j may be a list.",
        "β from the muted panel, fitted.betas(muted). F from the panel as it is, fitted.factors(measured[150:]).",
    ),
    insight="Each of the two alone looks much less important than c2, since the other one fills in for it. Together "
    "they count for more than their sum. With 94 characteristics, many of them relatives of size or of volatility, "
    "read the importance of groups.",
)

# Exercise 4: the mean of the networks' halves


@cache
def _three_networks():
    random = np.random.default_rng(0)
    beta, W = random.standard_normal((20, 15, 3)), random.standard_normal((6, 3))
    x = 0.1 * random.standard_normal((20, 6))
    turns = [np.linalg.qr(random.standard_normal((3, 3)))[0] for _ in range(3)]  # their own inverses, transposed
    betas = np.stack([beta @ turn for turn in turns]) + 0.1 * random.standard_normal((3, 20, 15, 3))
    return [(betas, np.stack([W @ turn for turn in turns]), x)]


def r_hat(betas, W, x):
    products = [np.einsum("dsk,dk->ds", betas[m], x @ W[m]) for m in range(len(W))]
    return np.mean(products, axis=0)


def _halves(betas, W, x):
    return np.einsum("dsk,dk->ds", betas.mean(axis=0), x @ W.mean(axis=0))


def _halves_with_signs_turned(betas, W, x):
    signs = np.sign((W * W[0]).sum(axis=1))
    return _halves(betas * signs[:, None, None, :], W * signs[:, None, :], x)


def _sum_of_products(betas, W, x):
    return len(W) * r_hat(betas, W, x)


def _first_network(betas, W, x):
    return np.einsum("dsk,dk->ds", betas[0], x @ W[0])


q4 = Exercise(
    reference=r_hat,
    mistakes={
        _halves: "A half is still averaged over the networks. Column 1 of one W is not column 1 of the next, so their "
        "mean is a mean of unlike things; and it is enough to average one of the two halves to spoil the product.",
        _halves_with_signs_turned: "You turned the signs so that the columns point the same way. Signs are not enough: "
        "each network's factors are MIXTURES of another's, not copies of them with another sign.",
        _sum_of_products: "The products are right. Their sum is taken, not their mean.",
        _first_network: "This is the first network alone. It is not wrong, but the others know something, "
        "too: average what they say.",
    },
    calls=_three_networks,
    hints=(
        "What is the same in every network? Not β and not W. Then average only that.",
        "One product for each network: np.einsum('dsk,dk->ds', betas[m], x @ W[m]). Then np.mean over the networks.",
    ),
    insight="The product is free of the rotation, its halves are not. The same holds for positions: average β "
    "Wᵀ, never β and W apart.",
)

# Exercise 5: a test that nobody can fail


@cache
def _returns_and_factors():
    random = np.random.default_rng(0)
    calls = []
    for n_dates, n_portfolios, K in ((120, 5, 2), (200, 4, 3)):
        F = random.normal(0.03, 0.1, (n_dates, K))
        alpha = np.linspace(-0.01, 0.02, n_portfolios)
        noise = 0.05 * random.standard_normal((n_dates, n_portfolios))
        calls.append((alpha + F @ random.normal(1, 0.5, (n_portfolios, K)).T + noise, F))
    return calls


def t_of_alphas(R, F):
    half = len(R) // 2
    design = np.column_stack([np.ones(half), F[:half]])
    betas = np.linalg.lstsq(design, R[:half], rcond=None)[0][1:]
    errors = R[half:] - F[half:] @ betas
    return errors.mean(axis=0) / (errors.std(axis=0, ddof=1) / np.sqrt(len(errors)))


def _mean_over_error(errors):
    return errors.mean(axis=0) / (errors.std(axis=0, ddof=1) / np.sqrt(len(errors)))


def _slopes(R, F):
    design = np.column_stack([np.ones(len(F)), F])
    return np.linalg.lstsq(design, R, rcond=None)[0]


def _always_zero(R, F):
    return _mean_over_error(R - np.column_stack([np.ones(len(F)), F]) @ _slopes(R, F))


def _betas_of_the_same_dates(R, F):
    return _mean_over_error(R - F @ _slopes(R, F)[1:])


def _old_alpha_taken_out(R, F):
    half = len(R) // 2
    alpha, *betas = _slopes(R[:half], F[:half])
    return _mean_over_error(R[half:] - alpha - F[half:] @ np.array(betas))


def _without_the_root(R, F):
    return t_of_alphas(R, F) / np.sqrt(len(R) - len(R) // 2)


def _means_alone(R, F):
    half = len(R) // 2
    return (R[half:] - F[half:] @ _slopes(R[:half], F[:half])[1:]).mean(axis=0)


def _tested_on_all_dates(R, F):
    half = len(R) // 2
    return _mean_over_error(R - F @ _slopes(R[:half], F[:half])[1:])


def _second_half_alone(R, F):
    half = len(R) // 2
    return _betas_of_the_same_dates(R[half:], F[half:])


def _halves_exchanged(R, F):
    half = len(R) // 2
    return _mean_over_error(R[:half] - F[:half] @ _slopes(R[half:], F[half:])[1:])


def _without_an_intercept(R, F):
    half = len(R) // 2
    betas = np.linalg.lstsq(F[:half], R[:half], rcond=None)[0]
    return _mean_over_error(R[half:] - F[half:] @ betas)


q5 = Exercise(
    reference=t_of_alphas,
    mistakes={
        _always_zero: "Zero for all portfolios, up to rounding. A regression with an intercept leaves residuals whose "
        "mean is zero on the dates of the fit, whatever the factors: nobody can fail this test.",
        _betas_of_the_same_dates: "The intercept is out of r̂ now. But β was fitted to the dates that it is tested on: "
        "fit on the first half, test on the second.",
        _old_alpha_taken_out: "The intercept of the first half is part of your r̂. Then you ask whether α has changed, "
        "not whether there is one: r̂ is β · F alone.",
        _without_the_root: "You divided by the standard deviation. The standard error of a mean is smaller: divide it "
        "by the root of the number of dates.",
        _without_an_intercept: "Your regression has no intercept, so its lines go through zero and β is bent to "
        "swallow some of α. Keep the column of ones in the fit, and leave it out of r̂.",
        _means_alone: "These are the α, the means of what is left. Divide each by its standard error.",
        _tested_on_all_dates: "The fit is right. But the dates of the fit are among those that you test on: "
        "take the second half alone.",
        _second_half_alone: "β was fitted to the second half, on which it is tested. Fit on the first half.",
        _halves_exchanged: "The halves are exchanged: fit on the first, test on the second.",
    },
    same=same_to_a_percent,  # a standard deviation with n or with n - 1
    calls=_returns_and_factors,
    hints=(
        "What is the mean of the residuals of a regression with an intercept, on the dates that it was fitted to?",
        "The fit needs the column of ones and the first half of the dates. r̂ is F @ betas on the second "
        "half, without the intercept.",
    ),
    insight="The intercept belongs to the fit, so that it does not bend β. It does not belong to r̂: the model says β "
    "· F and no more, and what it leaves on average is the error that we look for.",
)

# Exercise 6: read the picture

q6 = Choice(
    right="b",
    advice={
        "a": "The dotted line is where NOTHING is explained. The point lies far below it; and what is explained is its "
        "distance from that line.",
        "c": "A hollow point says that |t| is not above 3. It does not say that α is zero: about 2 % a year are "
        "left, and its t is about 2.",
        "d": "The 2 % are what the model leaves. What it explains is the rest of the mean return.",
    },
    hints=(
        "The vertical axis is what is left, the horizontal axis what was earned. So what does the model say?",
        "What was earned, less what is left: about 17 less about 2. And what does a hollow point say of the 2?",
    ),
    insight="Mean return less α is what the model says: about 15 % a year. In the panel of the market alone the same "
    "portfolio lies halfway to the dotted line and is filled. Size, value and momentum (it holds small winners) "
    "speak for the difference.",
)

# Exercise 7: fewer months than tickers


@cache
def _short_history():
    market = simulate_constant_betas(n_dates=4800, n_tickers=100, seed=0)
    R, F = market.panel.returns, market.factors
    w = minimum_variance_weights(np.cov(R[:60].T) + 1e-8 * np.eye(100))
    return {"R": R, "F": F, "w": w}


def honest_risks(R, F, w):
    betas = time_series_betas(R[:60], F[:60])[1]
    covariance = factor_covariance(betas, F[:60], R[:60] - F[:60] @ betas.T)
    by_factors = minimum_variance_weights(covariance)
    return [np.sqrt(12) * (R[60:120] @ weights).std(ddof=1) for weights in (w, by_factors)]


def _by_factors(R, F):
    betas = time_series_betas(R, F)[1]
    covariance = factor_covariance(betas, F, R - F @ betas.T)
    return covariance, minimum_variance_weights(covariance)


def _on_their_own_months(R, F, w):
    return [np.sqrt(12) * (R[:60] @ weights).std(ddof=1) for weights in (w, _by_factors(R[:60], F[:60])[1])]


def _fitted_to_the_next_months(R, F, w):
    return [np.sqrt(12) * (R[60:120] @ weights).std(ddof=1) for weights in (w, _by_factors(R[60:120], F[60:120])[1])]


def _what_the_mended_estimate_says(R, F, w):
    mended, (covariance, weights) = np.cov(R[:60].T) + 1e-8 * np.eye(len(w)), _by_factors(R[:60], F[:60])
    return [np.sqrt(12 * w @ mended @ w), np.sqrt(12 * weights @ covariance @ weights)]


def _true_risks(R, F, w):
    B = simulate_constant_betas(n_dates=4800, n_tickers=100, seed=0).betas[0]
    true = B @ np.diag([0.045, 0.03, 0.03]) ** 2 @ B.T + 0.05**2 * np.eye(len(w))
    return [np.sqrt(12 * weights @ true @ weights) for weights in (w, _by_factors(R[:60], F[:60])[1])]


def _variances(R, F, w):
    return [risk**2 for risk in honest_risks(R, F, w)]


def _a_month(R, F, w):
    return [risk / np.sqrt(12) for risk in honest_risks(R, F, w)]


def _over_all_120_months(R, F, w):
    return [np.sqrt(12) * (R[:120] @ weights).std(ddof=1) for weights in (w, _by_factors(R[:60], F[:60])[1])]


q7 = Exercise(
    reference=honest_risks,
    mistakes={
        _on_their_own_months: "These are the risks on the 60 months from which the weights were made. Each portfolio "
        "was chosen to stand still there. Ask the next 60 months.",
        _what_the_mended_estimate_says: "This is what each estimate promises of its own "
        "portfolio. Ask the next 60 months.",
        _true_risks: "These are the risks under the true Σ, or over all later months. Ask the "
        "next 60 months, R[60:120].",
        _variances: "These are variances. A risk is the root.",
        _fitted_to_the_next_months: "The portfolio of the factor model was made from months 60 to 119, on which it is "
        "judged. Make it from the first 60, as his was.",
        _a_month: "These are risks of one month. For a year multiply by the root of 12.",
        _over_all_120_months: "The first 60 months are still among those that judge. The weights know "
        "them: take R[60:120] alone.",
    },
    given=_short_history,
    same=same_to_a_percent,  # a standard deviation with n or with n - 1
    hints=(
        "From which months come his weights, and from which his risk? What would R[60:120] @ w be?",
        "np.sqrt(12) * (R[60:120] @ weights).std(ddof=1), once for w and once for "
        "minimum_variance_weights(from_factors(R[:60], F[:60])).",
    ),
    insight="With fewer months than tickers there are portfolios that did not move at all, and Σ⁻¹ finds one. It moves "
    "as soon as new months come: 11 % a year instead of nearly nothing. The helper refuses such a matrix. A small "
    "number on its diagonal gives a portfolio, and takes away the warning that its risk is not known. The factor "
    "model's moves by 8 %. Exercise 9 asks the same of real stocks.",
)

# Exercise 8: a hedge that knew the month


@cache
def _days():
    random = np.random.default_rng(0)
    F = 0.01 * random.standard_normal((210, 5)) + 0.01 * random.standard_normal((210, 1))
    path = np.cumsum(0.05 * random.standard_normal((210, 5)), axis=0) + np.array([0.5, 1.0, -0.5, 0.2, 0.1])
    return [((F * path).sum(axis=1) + 0.01 * random.standard_normal(210), F)]


def share_left(r, F):
    hedged = []
    for d in range(21, len(r) - 20, 21):
        betas = time_series_betas(r[d - 21 : d, None], F[d - 21 : d])[1][0]
        hedged.append(r[d : d + 21] - F[d : d + 21] @ betas)
    hedged = np.concatenate(hedged)
    return hedged.std() / r[21 : 21 + len(hedged)].std()


def _share_left(r, F, window, sign=-1):
    hedged = []
    for d in range(21, len(r) - 20, 21):
        known = window(d)
        betas = time_series_betas(r[known, None], F[known])[1][0]
        hedged.append(r[d : d + 21] + sign * F[d : d + 21] @ betas)
    hedged = np.concatenate(hedged)
    return hedged.std() / r[21 : 21 + len(hedged)].std()


def _of_the_same_month(r, F):
    return _share_left(r, F, lambda d: slice(d, d + 21))


def _of_all_days(r, F):
    return _share_left(r, F, lambda d: slice(None))


def _of_both_months(r, F):
    return _share_left(r, F, lambda d: slice(d - 21, d + 21))


def _bought(r, F):
    return _share_left(r, F, lambda d: slice(d - 21, d), sign=1)


def _of_the_variance(r, F):
    return share_left(r, F) ** 2


def _of_the_risk_of_all_days(r, F):
    n_hedged = 21 * (len(r) // 21 - 1)
    return share_left(r, F) * r[21 : 21 + n_hedged].std() / r.std()


def _from_the_first_day(r, F):
    return _share_left(r, F, lambda d: slice(0, d))


def _blocks(r, F):
    """His blocks, from the second on, each hedged with the betas of the block before it."""
    blocks = [slice(d, d + 21) for d in range(21, len(r) - 20, 21)]
    betas = [time_series_betas(r[b, None], F[b])[1][0] for b in blocks]
    return np.concatenate([r[b] - F[b] @ beta for b, beta in zip(blocks[1:], betas[:-1], strict=True)])


def _a_block_lost(r, F):
    hedged = _blocks(r, F)
    return hedged.std() / r[42 : 42 + len(hedged)].std()


def _a_block_lost_above_only(r, F):
    hedged = _blocks(r, F)
    return hedged.std() / r[21 : 21 + len(hedged)].std()


def _alpha_taken_out(r, F):
    hedged = []
    for d in range(21, len(r) - 20, 21):
        alphas, betas = time_series_betas(r[d - 21 : d, None], F[d - 21 : d])
        hedged.append(r[d : d + 21] - alphas[0] - F[d : d + 21] @ betas[0])
    hedged = np.concatenate(hedged)
    return hedged.std() / r[21 : 21 + len(hedged)].std()


q8 = Exercise(
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

# Exercise 9: open

q9 = Open(
    look_for="With 40 and 60 days the sample covariance loses to equal weights (two or three times as many days as "
    "tickers are not enough for 190 correlations), with 252 it wins, and the factor model stays a little ahead. The "
    "factor model is no longer true here: the residuals of real stocks are correlated (look at JPM and BAC). At which "
    "length does the sample covariance catch up, if it does, and why does a wrong model win before?",
    hints=(
        "A loop over d in range(252, stocks.n_dates - 21, 21): the weights from stocks.returns[d - n : d], their "
        "returns on the next 21 days.",
        "stocks.returns[d : d + 21] @ minimum_variance_weights(estimate). Join all of them, and "
        "take the standard deviation.",
    ),
)
