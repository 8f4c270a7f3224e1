"""Exercises of lesson 00: the one equation."""

from functools import cache

from helpers.data.simulated import simulate_market
from helpers.exercises.checker import Choice, Exercise

# Exercise 1: how many numbers are solved for


def numbers_solved_for(n_dates, n_tickers, n_factors):
    factors_given = n_tickers * n_factors
    sensitivities_given = n_dates * n_factors
    pca = (n_dates + n_tickers) * n_factors
    return [factors_given, sensitivities_given, pca]


def _the_other_way_round(n_dates, n_tickers, n_factors):
    return [n_dates * n_factors, n_tickers * n_factors, (n_dates + n_tickers) * n_factors]


def _of_one_ticker_and_one_date(n_dates, n_tickers, n_factors):
    return [n_factors, n_factors, 2 * n_factors]


def _of_one_ticker_and_one_date_but_all_of_pca(n_dates, n_tickers, n_factors):
    return [n_factors, n_factors, (n_dates + n_tickers) * n_factors]


def _all_of_R(n_dates, n_tickers, n_factors):
    return [n_tickers * n_factors, n_dates * n_factors, n_dates * n_tickers]


q1 = Exercise(
    reference=numbers_solved_for,
    mistakes={
        _the_other_way_round: "The first two are exchanged. Where F is given, it is β that is solved for, and β "
        "has a row for each ticker.",
        _of_one_ticker_and_one_date: "That is one ticker, and one date. Repeat the column for every ticker, "
        "and the row for every date.",
        _of_one_ticker_and_one_date_but_all_of_pca: "The third is right. The first two are one ticker, and one date: "
        "repeat the column for every ticker, and the row for every date.",
        _all_of_R: "The first two are right. PCA does not solve for R, which is known, but for F and β together.",
    },
    given=lambda: {"n_dates": 600, "n_tickers": 200, "n_factors": 3},
    hints=(
        "Count the question marks in the pictures.",
        "In (a) repeat the column for every ticker, in (b) the row for every date. In (c) both are unknown.",
    ),
    insight="R itself holds 120,000 numbers. (Strictly, PCA has 9 fewer free numbers: an invertible 3 x 3 matrix put "
    "into F can be undone in β. Lesson 04 shows it.)",
)

# Exercise 2: the total R² by hand


@cache
def _test_dates():
    market = simulate_market("nonlinear", n_dates=600, n_tickers=200, n_characteristics=10, seed=0)
    return {"test": market.panel[400:], "truth": market[400:].reconstruction}


def r2_of_the_truth(test, truth):
    return 1 - ((test.returns - truth) ** 2).sum() / (test.returns**2).sum()


def _demeaned(test, truth):
    return 1 - ((test.returns - truth) ** 2).sum() / ((test.returns - test.returns.mean()) ** 2).sum()


def _unexplained(test, truth):
    return ((test.returns - truth) ** 2).sum() / (test.returns**2).sum()


def _without_squares(test, truth):
    return 1 - (test.returns - truth).sum() / test.returns.sum()


def _mean_over_dates(test, truth):
    return (1 - ((test.returns - truth) ** 2).sum(axis=1) / (test.returns**2).sum(axis=1)).mean()


def _mean_over_tickers(test, truth):
    return (1 - ((test.returns - truth) ** 2).sum(axis=0) / (test.returns**2).sum(axis=0)).mean()


def _size_of_the_truth(test, truth):
    return (truth**2).sum() / (test.returns**2).sum()


q2 = Exercise(
    reference=r2_of_the_truth,
    mistakes={
        _demeaned: "The mean is taken out of the denominator. Nothing is subtracted there: a model "
        "that says 0 must score 0.",
        _unexplained: "This is the share that is NOT explained. Take it from 1.",
        _without_squares: "The errors are added without squares, so that they cancel.",
        _mean_over_dates: "You computed an R² for each date and took their mean. Here both sums run over all "
        "dates and tickers first.",
        _mean_over_tickers: "You computed an R² for each ticker and took their mean. Here both sums run over all "
        "dates and tickers first.",
        _size_of_the_truth: "This is the size of r̂ over that of r. It does not ask whether r̂ is anywhere near "
        "r: the errors are missing.",
    },
    given=_test_dates,
    hints=(
        "Two sums of squares and one division.",
        "1 - (sum of squared errors) / (sum of squared returns), over all entries at once.",
    ),
    insight="The denominator is not demeaned, and both sums run over everything.",
)

# Exercise 3: find the mistake

q3 = Choice(
    right="c",
    advice={
        "a": "Its factors are the true ones up to a little noise, and the fourth model has no better ones.",
        "b": "It has 400 dates for three numbers per ticker. That is plenty.",
        "d": "The same R² is computed for all four, on the same dates.",
    },
    hints=(
        "Look at what changes with time in this market.",
        "2 c1 c2 and 0.6 sgn(c3) are positive as often as negative. What is their average over the dates of a ticker?",
    ),
    insight="The first model has nearly the true F, but it must give each ticker ONE β for all dates. Here β moves "
    "with the characteristics, and its average over the past is close to zero for two of the three factors.",
)
