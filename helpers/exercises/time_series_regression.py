"""Exercises of lesson 01: time-series regression."""

from functools import cache

import numpy as np

from helpers.data.simulated import simulate_constant_betas
from helpers.exercises.checker import Choice, Exercise, Open


@cache
def _given():
    market = simulate_constant_betas(n_dates=240, n_tickers=30, seed=0)
    return {"R": market.panel.returns, "F": market.factors}


def _returns_and_reconstruction():
    random = np.random.default_rng(0)
    returns = random.normal(0.02, 0.1, (40, 5))
    return [(returns, 0 * returns), (returns, 0.5 * returns + 0.01)]


# Exercise 1: one factor alone


def beta_alone(R, F):
    covariance = np.cov(F[:, 0], R[:, 0])
    return covariance[0, 1] / covariance[0, 0]


def _over_the_variance_of_the_ticker(R, F):
    covariance = np.cov(F[:, 0], R[:, 0])
    return covariance[0, 1] / covariance[1, 1]


def _without_an_intercept(R, F):
    return F[:, 0] @ R[:, 0] / (F[:, 0] @ F[:, 0])


def _correlation(R, F):
    return np.corrcoef(F[:, 0], R[:, 0])[0, 1]


def _beside_the_others(R, F):
    design = np.column_stack([np.ones(len(F)), F])
    return np.linalg.lstsq(design, R[:, 0], rcond=None)[0][1]


def _beside_the_others_through_the_origin(R, F):
    return np.linalg.lstsq(F, R[:, 0], rcond=None)[0][0]


def _two_denominators(R, F):
    return np.cov(F[:, 0], R[:, 0])[0, 1] / np.var(F[:, 0])


def _covariance(R, F):
    return np.cov(F[:, 0], R[:, 0])[0, 1]


q1 = Exercise(
    reference=beta_alone,
    mistakes={
        _over_the_variance_of_the_ticker: "You divided by the variance of AAPL. The slope of AAPL on the factor has "
        "the variance of the factor below.",
        _without_an_intercept: "This is the slope of a line through the origin: the means were not taken out.",
        _correlation: "This is the correlation: it is divided by both standard deviations, and has no unit.",
        _beside_the_others: "This is the β beside the two other factors. Leave them out: the question "
        "is for the market alone.",
        _beside_the_others_through_the_origin: "This is the β beside the two other factors, without an intercept. The "
        "question is for the market alone.",
        _two_denominators: "Very near. np.cov divides by n - 1 and np.var by n, so they do not cancel. Take the "
        "variance from the diagonal of np.cov, or np.var(..., ddof=1).",
        _covariance: "This is the covariance. Divide it by the variance of the factor.",
    },
    given=_given,
    hints=(
        "The slope of a regression with an intercept is a covariance divided by a variance.",
        "np.cov(x, y) is a 2 x 2 matrix: the variances on its diagonal, the covariance beside it.",
    ),
    insight="With one factor, what AAPL owes to size and value is put down to the market as far as they move together. "
    "In this market they hardly do: look at np.corrcoef(F.T).",
)

# Exercise 2: how much longer

q2 = Choice(
    right="b",
    advice={
        "a": "Half the noise would need a quarter of the variance of the estimate. Twice the dates "
        "halve the variance only.",
        "c": "More tickers do not help: each ticker has a regression of its own, with its own dates.",
        "d": "A longer history does help: the error falls with the root of the number of dates.",
    },
    hints=(
        "Look at the formula for the error of β in the lesson: σ_ε / (σ_F √n_dates).",
        "What must the number under the root be, to make the whole half as large?",
    ),
    insight="The error falls with the root of the number of dates, so half the error costs four times the dates. That "
    "is why one asks for decades of months, and then doubts that β stood still for so long.",
)

# Exercise 3: find the mistake


def my_total_r2(returns, reconstruction):
    return 1 - ((returns - reconstruction) ** 2).sum() / (returns**2).sum()


def _demeaned(returns, reconstruction):
    return 1 - ((returns - reconstruction) ** 2).sum() / ((returns - returns.mean()) ** 2).sum()


def _demeaned_by_ticker(returns, reconstruction):
    return 1 - ((returns - reconstruction) ** 2).sum() / ((returns - returns.mean(axis=0)) ** 2).sum()


def _squared_sum(returns, reconstruction):
    return 1 - (returns - reconstruction).sum() ** 2 / (returns**2).sum()


def _of_the_reconstruction(returns, reconstruction):
    return (reconstruction**2).sum() / (returns**2).sum()


def _cut_off(returns, reconstruction):
    return max(0.0, _demeaned(returns, reconstruction))


def _unexplained(returns, reconstruction):
    return ((returns - reconstruction) ** 2).sum() / (returns**2).sum()


q3 = Exercise(
    reference=my_total_r2,
    mistakes={
        _demeaned: "The mean is still taken out of the denominator, so a model that says 0 scores below 0.",
        _demeaned_by_ticker: "A mean is taken out of each ticker. None must be: a model that says 0 should score 0.",
        _squared_sum: "The errors are added up first and squared then, so that they cancel. Square each, then add.",
        _of_the_reconstruction: "This is the size of r̂ over that of r. It does not ask whether r̂ is anywhere near r.",
        _cut_off: "What is below 0 is cut off, but the mean is still taken out of the denominator. So every other "
        "model scores too low, too.",
        _unexplained: "This is the share that is NOT explained. Take it from 1.",
    },
    calls=_returns_and_reconstruction,
    hints=(
        "A model that says 0 should score 0. What must the denominator be then?",
        "One line is wrong: total. Nothing is to be subtracted there.",
    ),
    insight="A demeaned R² compares with somebody who knew the average return of the test dates beforehand, and nobody "
    "did. Some packages (ipca is one) take the mean out in their score. Look before you compare numbers.",
)

# Exercise 4: a factor in percent


def betas_in_percent(R, F):
    design = np.column_stack([np.ones(len(F)), F * [100, 1, 1]])
    return np.linalg.lstsq(design, R[:, 0], rcond=None)[0][1:]


def _a_hundred_times_as_large(R, F):
    return betas_in_percent(R, F) * [10_000, 1, 1]


def _unchanged(R, F):
    return betas_in_percent(R, F) * [100, 1, 1]


def _all_of_them_divided(R, F):
    return betas_in_percent(R, F) * [1, 0.01, 0.01]


def _with_the_intercept(R, F):
    design = np.column_stack([np.ones(len(F)), F * [100, 1, 1]])
    return np.linalg.lstsq(design, R[:, 0], rcond=None)[0]


def _no_intercept_in_percent(R, F):
    return np.linalg.lstsq(F * [100, 1, 1], R[:, 0], rcond=None)[0]


q4 = Exercise(
    reference=betas_in_percent,
    mistakes={
        _a_hundred_times_as_large: "The first β went up with its factor. Their product must stay what it was, "
        "because R did not change.",
        _unchanged: "These are the betas as they were. The first factor is now a hundred times as large.",
        _all_of_them_divided: "Only the first factor changed its unit. The other two betas stay.",
        _with_the_intercept: "There are four numbers: the first is the intercept. Only the three betas are asked for.",
        _no_intercept_in_percent: "These are betas of a regression without an intercept. Add the column of ones.",
    },
    given=_given,
    hints=(
        "The product of β and F must stay the same, because R did not change.",
        "F * [100, 1, 1] multiplies the first column. Then the regression with the column of ones, as above.",
    ),
    insight="Only the first β changes: it becomes a hundredth. A β has a unit, that of the return "
    "over that of the factor.",
)

# Exercise 5: open

q5 = Open(
    look_for="Do your two β differ by more than two standard errors of their difference (the root of the sum of both "
    "squared)? Then either β moved, or you looked at many tickers and picked the one that moved most. Say which, and "
    "how you would tell the two apart.",
    hints=(
        "Choose a stock and an ETF of load_stocks(), and compare the years 2015-2018 with 2019-2022.",
        "panel['2015':'2018'] is a panel of these years; sm.OLS, as for AAPL above, gives β and its standard error.",
    ),
)
