"""Exercises of lesson 03: risk premia."""

from functools import cache

import numpy as np

from helpers.data.datasets import load_sorted_portfolios
from helpers.data.simulated import simulate_constant_betas
from helpers.exercises.checker import Choice, Exercise, Open


@cache
def _sixty_months():
    random = np.random.default_rng(0)
    betas = random.normal(1, 0.3, 1000)
    F = random.normal(0, 0.045, 60)
    F += 0.006 - F.mean()
    return {"R_60": np.outer(F, betas) + random.normal(0, 0.05, (60, 1000)), "F_60": F}


@cache
def _sorted():
    panel = load_sorted_portfolios()
    return {"R_18": panel.returns, "F_18": panel.portfolios}


def _means_and_betas():
    random = np.random.default_rng(1)
    beta = random.normal(1, 0.25, 30)
    unpaid = 0.08 + random.normal(0, 0.01, 30)
    paid = 0.02 + 0.05 * beta + random.normal(0, 0.01, 30)
    return [(unpaid, beta), (paid, beta)]


# Exercise 1: how many months?


def months_needed():
    premium, deviation = np.array([0.6, 0.2, 0.2]), np.array([4.5, 3.0, 3.0])
    return (2 * deviation / premium) ** 2


@cache
def _two_series():
    market = simulate_constant_betas(n_dates=240, n_tickers=200, seed=0)
    return market.panel.returns @ np.linalg.pinv(market.betas[0]).T, market.factors


def _months_of(F, ddof):
    return (2 * F.std(axis=0, ddof=ddof) / F.mean(axis=0)) ** 2


def _squared_twice():
    return months_needed() ** 2


q1 = Exercise(
    reference=months_needed,
    mistakes={
        lambda: (
            months_needed() / 4
        ): "After so many months the premium is one standard error from zero. Two are asked for.",
        lambda: np.sqrt(
            months_needed()
        ): "This is the root of the number of months: it stands under a root in the standard error.",
        lambda: months_needed() / 2: "The 2 has to be squared too.",
        lambda: months_needed() * (1.96 / 2) ** 2: "You took 1.96 standard errors. Two are asked for.",
        lambda: (
            months_needed() / 12
        ): "These are years. Months are asked for, because premium and standard deviation are those of a month.",
        lambda: _months_of(_two_series()[0], ddof=1): "You took premia and standard deviations that these 240 months "
        "showed. The exercise gives the true ones.",
        lambda: _months_of(_two_series()[1], ddof=0): "You took what the true factors did in these 240 months. The "
        "exercise gives the premia and standard deviations that they were drawn with.",
        lambda: 4 * np.array([7.5, 15, 15]): "The 2 is squared, and the fraction is not. The whole is.",
        lambda: np.array([135.0, 180, 180]): "The premium is not squared. The whole fraction is, above and below.",
        _squared_twice: "The fraction is squared once only. You squared the number of months.",
        lambda: (
            months_needed() / 200
        ): "You divided by the number of tickers. It plays no part: all of them live through "
        "the same months of the factor.",
    },
    hints=(
        "Write down: premium = 2 standard errors. What is the standard error after n months?",
        "The standard error of a mean is σ / √n. So λ = 2 σ / √n.",
        "Solve λ = 2 σ / √n for n, and mind that the whole fraction is squared.",
    ),
    insight="19 years for the market, 75 for size and value. And even then the estimate exceeds two standard errors in "
    "half of all histories only, since it falls below its true value as often as above.",
)

# Exercise 2: whose own average is its premium?

q2 = Choice(
    right="c",
    advice={
        "a": "Nobody earns the growth of production. Its average is a fact about factories; what a sensitivity to it "
        "earned has to be found in the returns.",
        "b": "Its average is 0 by construction, whatever the premium is. The means were hidden in just this way above.",
        "d": "Nearly. But who buys gold has money in it, which would have earned interest elsewhere. Without that the "
        "average is the premium plus the interest.",
    },
    hints=(
        "Which of the four can be held, so that its average is money in somebody's pocket?",
        "And of those that can be held: which costs nothing to enter, so that no interest has to be taken off?",
    ),
    insight="The return of one portfolio less another has the sensitivity 1 to itself and 0 to the other factors, and "
    "the zero-beta rate cancels in it. So the model says that its mean is its premium. (For the market less interest "
    "that holds if λ_0 = 0; otherwise its mean is λ_0 + λ.) The premium of a factor that nobody can hold is told by "
    "returns of assets: by the cross-section, or by a portfolio that mimics the factor.",
)

# Exercise 3: find the mistake


def price_of_beta(means, beta):
    return np.cov(beta, means)[0, 1] / np.var(beta, ddof=1)


def _over_the_variance_of_the_means(means, beta):
    return np.cov(beta, means)[0, 1] / np.var(means, ddof=1)


q3 = Exercise(
    reference=price_of_beta,
    mistakes={
        lambda means, beta: (
            means @ beta / (beta @ beta)
        ): "This line still passes through the origin. Where every ticker earns 8 %, it has to climb "
        "to 8 % on its way to β = 1.",
        _over_the_variance_of_the_means: "You divided by the variance of the means. Means are explained by β, so the "
        "variance of β stands below.",
        lambda means, beta: (
            np.cov(beta, means)[0, 1] / np.var(beta)
        ): "The covariance is divided by n - 1 and the variance by n. Use the same number in both.",
        lambda means, beta: np.corrcoef(beta, means)[
            0, 1
        ]: "This is the correlation. It says how well the points follow a line, not how steep the line is.",
        lambda means, beta: (
            means.mean() - price_of_beta(means, beta) * beta.mean()
        ): "This is where the line begins. Its slope is asked for.",
        lambda means, beta: (
            means / beta
        ).mean(): "A mean of ratios is a line through the origin for every ticker by itself. What if β plays "
        "no part in the means?",
        lambda means, beta: (
            means.mean() / beta.mean()
        ): "This is a line from 0 to the middle of the points. It never asks whether those with more β earned more.",
        lambda means, beta: means.mean(): "This is the mean return. How much more did one unit more of β earn?",
        lambda means, beta: np.cov(beta, means)[0, 1]: "This is the covariance. Divide it by the variance of β.",
        lambda means, beta: np.cov(beta, means)[0, 1] / beta.std(ddof=1): "You divided by the standard deviation of β. "
        "Its variance belongs there.",
        lambda means, beta: (
            np.cov(beta, means)[0, 1] * (len(beta) - 1) / (beta @ beta)
        ): "The mean of β was taken out above, and not below.",
    },
    calls=_means_and_betas,
    hints=(
        "What does his formula find if every ticker earns 8 % whatever its β? What should it find?",
        "The line must be free to begin anywhere: a regression with an intercept.",
        "With an intercept the slope is a covariance over a variance, as in Exercise 1 of lesson 01.",
    ),
    insight="Betas to the market lie around 1. So a line through the origin has to pass near the point (1, average "
    "return), whatever β has to do with it, and its slope is the average return of all tickers under another name. To "
    "see whether more β earned more, let the line begin where it likes. np.polyfit(beta, means, 1)[0] is the same.",
)

# Exercise 4: how much is lost?


def same_but_for_one_ticker(answer, truth):
    """Whether the numbers agree up to the choice of n or n - 1 in a variance over 1,000 tickers."""
    return bool((np.abs(answer - truth) <= 2.5e-4 * np.abs(truth)).all())


def attenuation(R_60, F_60):
    design = np.column_stack([np.ones(60), F_60])
    coefficients = np.linalg.lstsq(design, R_60, rcond=None)[0]
    residuals = R_60 - design @ coefficients
    noise = ((residuals**2).sum(axis=0) / 58).mean() / ((F_60 - F_60.mean()) ** 2).sum()
    return 1 - noise / coefficients[1].var()


def _betas_and_noise(R_60, F_60):
    """The variance of the estimated betas across tickers, and that of their errors."""
    variance = np.cov(F_60, R_60.T)[0, 1:].var() / F_60.var(ddof=1) ** 2
    return variance, (1 - attenuation(R_60, F_60)) * variance


def _what_is_seen_taken_for_the_truth(R_60, F_60):
    variance, noise = _betas_and_noise(R_60, F_60)
    return variance / (variance + noise)


def _deviations_in_place_of_variances(R_60, F_60):
    return 1 - np.sqrt(1 - attenuation(R_60, F_60))


def _of_one_month(R_60, F_60):
    variance, noise = _betas_and_noise(R_60, F_60)
    return 1 - 60 * noise / variance


def _of_the_whole_return(R_60, F_60):
    variance, _ = _betas_and_noise(R_60, F_60)
    return 1 - R_60.var(axis=0, ddof=1).mean() / ((F_60 - F_60.mean()) ** 2).sum() / variance


def _with_what_nobody_knows(R_60, F_60):
    return 0.3**2 / (0.3**2 + 0.05**2 / (60 * F_60.var()))


def _with_the_true_risk_of_the_factor(R_60, F_60):
    return 0.3**2 / (0.3**2 + 0.05**2 / (60 * 0.045**2))


def _of_n_months(R_60, F_60):
    variance, noise = _betas_and_noise(R_60, F_60)
    return 1 - noise * 58 / 60 / variance


def _kept_through_the_origin(R_60, F_60, n):
    betas = F_60 @ R_60 / (F_60 @ F_60)
    noise = ((R_60 - np.outer(F_60, betas)) ** 2).sum(axis=0).mean() / n / (F_60 @ F_60)
    return 1 - noise / betas.var()


def _through_the_origin_first(R_60, F_60):
    return _kept_through_the_origin(R_60, F_60, 58)


def _through_the_origin_with_59(R_60, F_60):
    return _kept_through_the_origin(R_60, F_60, 59)


def _mean_error_squared(R_60, F_60):
    design = np.column_stack([np.ones(60), F_60])
    coefficients = np.linalg.lstsq(design, R_60, rcond=None)[0]
    errors = (R_60 - design @ coefficients).std(axis=0) / np.sqrt(58 * F_60.var())
    return 1 - (errors.mean() / coefficients[1].std()) ** 2


q4 = Exercise(
    reference=attenuation,
    mistakes={
        lambda R_60, F_60: (
            1 - attenuation(R_60, F_60)
        ): "This is the share of the noise in the variance of the estimated β. What is kept is 1 less it.",
        _what_is_seen_taken_for_the_truth: "You took the variance of the estimated β for that of the true one, and "
        "added the noise a second time. The estimates have it already.",
        _deviations_in_place_of_variances: "Variances are compared, not standard deviations.",
        _of_one_month: "You divided by the variance of F. The error of β falls with the number of months: divide by "
        "the sum of the squared deviations of F.",
        _of_the_whole_return: "You took the variance of the returns. The noise is what remains of them when α and β F "
        "are taken out.",
        lambda R_60, F_60: np.sqrt(
            attenuation(R_60, F_60)
        ): "This is the root. The slope shrinks by the ratio of the variances themselves.",
        _with_what_nobody_knows: "You used the true spread of β and the true noise. Nobody knows them: take what the "
        "estimates and the residuals say.",
        _with_the_true_risk_of_the_factor: "You used the numbers that the market was made with. Nobody knows them: "
        "take what R_60 and F_60 say.",
        _of_n_months: "The residuals of a line are divided by n - 2, here 58: two numbers were fitted.",
        _through_the_origin_first: "Your first pass has no intercept. Regress on a column of ones as well.",
        _through_the_origin_with_59: "Your first pass has no intercept, and so 59 below. With the column of ones "
        "it is 58.",
        lambda R_60, F_60: (
            np.polyfit(np.polyfit(F_60, R_60, 1)[0], R_60.mean(axis=0), 1)[0] / F_60.mean()
        ): "This is the slope that you found over the true one: one draw, near κ by luck, and nobody "
        "knows the true slope of real returns. Use the spread of the betas and their standard errors.",
        lambda R_60, F_60: 1 - (1 - attenuation(R_60, F_60)) * 59 / 60: "Nearly. Below the noise stands 60 times the "
        "variance of F with n - 1 in it. It is the sum of squared deviations that belongs there.",
        _mean_error_squared: "You took the mean of the standard errors and squared it. Square each standard error, "
        "then take the mean.",
    },
    given=_sixty_months,
    same=same_but_for_one_ticker,
    hints=(
        "Estimated β = true β + error, so var(estimated) = var(true) + var(error). Which two of the three can you "
        "compute?",
        "The squared standard error of one β is σ_ε² / Σ (F - mean of F)². Average it over the tickers.",
        "σ_ε² is the sum of squared residuals over 58, and κ = 1 - (mean squared standard error) / betas.var().",
    ),
    insight="Nothing here needs the truth: the standard errors of the first pass say how noisy β is, and the spread of "
    "the estimates says how much there is to see. Divide a slope by κ and the bias is gone, on average.",
)

# Exercise 5: Shanken's factor


def shanken_factor(R_18, F_18):
    design = np.column_stack([np.ones(len(F_18)), F_18])
    betas = np.linalg.lstsq(design, R_18, rcond=None)[0][1:].T
    design = np.column_stack([np.ones(18), betas])
    premia = np.linalg.lstsq(design, R_18.mean(axis=0), rcond=None)[0][1:]
    return 1 + premia @ np.linalg.solve(np.cov(F_18.T), premia)


def _premia(R_18, F_18, intercept=True):
    design = np.column_stack([np.ones(len(F_18)), F_18])
    betas = np.linalg.lstsq(design, R_18, rcond=None)[0][1:].T
    design = np.column_stack([np.ones(18), betas]) if intercept else betas
    return np.linalg.lstsq(design, R_18.mean(axis=0), rcond=None)[0][-4:]


def _without_an_intercept(R_18, F_18):
    premia = _premia(R_18, F_18, intercept=False)
    return 1 + premia @ np.linalg.solve(np.cov(F_18.T), premia)


def _with_the_means_of_the_factors(R_18, F_18):
    means = F_18.mean(axis=0)
    return 1 + means @ np.linalg.solve(np.cov(F_18.T), means)


def _each_factor_alone(R_18, F_18):
    return 1 + (_premia(R_18, F_18) ** 2 / F_18.var(axis=0, ddof=1)).sum()


def _deviation_in_place_of_variance(R_18, F_18):
    premia = _premia(R_18, F_18)
    return 1 + np.sqrt(premia @ np.linalg.solve(np.cov(F_18.T), premia))


def _not_inverted(R_18, F_18):
    premia = _premia(R_18, F_18)
    return 1 + premia @ np.cov(F_18.T) @ premia


def _price(R_18, F_18, first):
    design = np.column_stack([np.ones(len(F_18)), F_18])
    X = np.column_stack([np.ones(18), np.linalg.lstsq(design, R_18, rcond=None)[0][1:].T])
    by_date = (R_18 @ X @ np.linalg.inv(X.T @ X))[:, first:]
    return by_date.mean(axis=0) @ np.linalg.solve(np.cov(by_date.T), by_date.mean(axis=0))


def _one_factor_model(R_18, F_18):
    slope = np.polyfit(np.polyfit(F_18[:, 0], R_18, 1)[0], R_18.mean(axis=0), 1)[0]
    return 1 + slope**2 / F_18[:, 0].var(ddof=1)


q5 = Exercise(
    reference=shanken_factor,
    mistakes={
        lambda R_18, F_18: shanken_factor(R_18, F_18) - 1: "This is c. The noise is multiplied by 1 + c.",
        _without_an_intercept: "These are premia of a second pass without an intercept. It has one here.",
        _with_the_means_of_the_factors: "You took the means of the factors. λ is what the second pass finds; for the "
        "market the two differ a lot here.",
        _each_factor_alone: "You added up the factors one by one, as if they did not move together. Use the whole "
        "covariance matrix.",
        _deviation_in_place_of_variance: "You took the root of c. Variances are multiplied by 1 + c, standard "
        "errors by its root.",
        lambda R_18, F_18: (
            1 + 12 * (shanken_factor(R_18, F_18) - 1)
        ): "This is c of a year. λ is by month, and so is Σ_F.",
        _not_inverted: "Σ_F has to be inverted: np.linalg.solve(np.cov(F_18.T), premia).",
        lambda R_18, F_18: (
            1 + _premia(R_18, F_18)[0] ** 2 / F_18[:, 0].var(ddof=1)
        ): "This is the market's part alone. All four premia take part: λ' Σ_F⁻¹ λ.",
        lambda R_18, F_18: (
            1 + _price(R_18, F_18, 1)
        ): "You took the covariance of the factors that were solved for. Σ_F is that of the given factors, F_18.",
        lambda R_18, F_18: 1 + _price(R_18, F_18, 0): "The intercept takes part in your λ. Shanken's c is made of the "
        "four premia alone.",
        lambda R_18, F_18: (
            1 + len(F_18) * (shanken_factor(R_18, F_18) - 1)
        ): "You divided the covariance by the number of months. In c stands Σ_F itself.",
        _one_factor_model: "You did both passes with the market as the only factor. F_18 has four: use them all.",
    },
    given=_sorted,
    hints=(
        "Two passes first: β of the 18 portfolios on the four factors, then their mean returns on β.",
        "Both regressions have a column of ones; what it finds takes no part in c.",
        "c = λ @ np.linalg.solve(np.cov(F_18.T), λ), with the four premia by month, as fractions.",
    ),
    insight="Eight percent of the variance, so four percent of a standard error. Were the factors priced at their "
    "own means, c would be the squared Sharpe ratio of their best mix, of a month, and that is small. With yearly data "
    "and a noisy index, of which no portfolio is made, c was about 1.",
)

# Exercise 6: open

q6 = Open(
    look_for="Tickers sorted by β of the first 60 months: the slope over the next 60 is near F[60:].mean(), what the "
    "factor earned in them, and that of the 1,000 single tickers is a fifth below. In a group the noise of β averages "
    "out, and the spread between groups stays. Sorted by β of the same months, the group with the highest β holds the "
    "tickers whose error was the largest: the noise is sorted too, nothing averages out, and the slope is as flat as "
    "before. How many groups can there be before the noise comes back?",
    hints=(
        "np.argsort(betas).reshape(25, 40) holds the tickers of 25 groups; R[:, groups].mean(axis=2) their returns.",
        "Sort with the betas of R[:60], then do both passes with rows 60 to 120. Then sort with the betas of these "
        "rows themselves.",
    ),
)
