"""Exercises of lesson 00: the one equation."""

from functools import cache

import numpy as np

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


def _without_the_factors(n_dates, n_tickers, n_factors):
    return [n_tickers, n_dates, n_dates + n_tickers]


def _product_for_pca(n_dates, n_tickers, n_factors):
    return [n_tickers * n_factors, n_dates * n_factors, n_dates * n_tickers * n_factors]


q1 = Exercise(
    reference=numbers_solved_for,
    mistakes={
        _the_other_way_round: "The first two are exchanged. Where F is given, it is β that is solved for, and β "
        "has a row for each ticker.",
        _of_one_ticker_and_one_date: "That is one ticker, and one date. Repeat the column for every ticker, "
        "and the row for every date.",
        _of_one_ticker_and_one_date_but_all_of_pca: "The third is right. The first two are one ticker, and one date: "
        "repeat the column for every ticker, and the row for every date.",
        _without_the_factors: "There are 3 factors: each ticker has 3 sensitivities, and each date 3 factor returns.",
        _product_for_pca: "The first two are right. F and β stand beside each other: their numbers add up.",
        _all_of_R: "The first two are right. PCA does not solve for R, which is known, but for F and β together.",
        lambda n_dates, n_tickers, n_factors: [
            n_tickers * (n_factors + 1),
            n_dates * n_factors,
            (n_dates + n_tickers) * n_factors,
        ]: "You gave each ticker an intercept. The equation of the course has none: r̂ is β · F, and nothing is added.",
        lambda n_dates, n_tickers, n_factors: [
            n_tickers * (n_factors + 1),
            n_dates * (n_factors + 1),
            (n_dates + n_tickers) * n_factors,
        ]: "You counted an intercept in both regressions. The equation has none: r̂ is β · F, and nothing is added.",
        lambda n_dates, n_tickers, n_factors: [
            n_tickers * n_factors,
            n_dates * n_factors,
            (n_dates + n_tickers) * n_factors - n_factors**2,
        ]: "Strictly 9 of PCA's numbers are not free. But it solves for them: count all of F and all of β.",
        lambda n_dates, n_tickers, n_factors: [(n_dates + n_tickers) * n_factors] * 3: "You counted both halves of the "
        "product each time. In the first two models one half is given, and only the other is solved for.",
        lambda n_dates, n_tickers, n_factors: (
            [n_dates * n_tickers * n_factors] * 3
        ): "A number for each date, ticker and "
        "factor would be a β that changes every day. Count the cells of what is solved for: of β, of F, of both.",
    },
    given=lambda: {"n_dates": 600, "n_tickers": 200, "n_factors": 3},
    hints=(
        "Count the question marks in the pictures.",
        "In (a) repeat the column for every ticker, in (b) the row for every date. In (c) both are unknown.",
    ),
    insight="R itself holds 120,000 numbers. (Strictly, PCA has 9 fewer free numbers: an invertible 3 x 3 matrix put "
    "into F can be undone in β. Lesson 04 shows it.)",
)

# Exercise 2: find the mistake

q2 = Choice(
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

# Exercise 3: a constant β that knows the true means


@cache
def _market():
    market = simulate_market("nonlinear", n_dates=600, n_tickers=200, n_characteristics=10, seed=0)
    return {"betas": market.betas, "F": market.factors, "R": market.panel.returns}


def r2_of_constant_betas(betas, F, R):
    mean = betas[:400].mean(axis=0)  # one row for each ticker
    reconstruction = F[400:] @ mean.T
    return 1 - ((R[400:] - reconstruction) ** 2).sum() / (R[400:] ** 2).sum()


def _r2(R, reconstruction):
    return 1 - ((R - reconstruction) ** 2).sum() / (R**2).sum()


def _mean_over_tickers(betas, F, R):
    one_beta_for_all = (F * betas.mean(axis=1)).sum(axis=1, keepdims=True)
    return _r2(R[400:], np.broadcast_to(one_beta_for_all[400:], R[400:].shape))


def _one_beta_for_all(betas, F, R):
    reconstruction = F[400:] @ betas[:400].mean(axis=(0, 1))
    return _r2(R[400:], reconstruction[:, None])


def _mean_over_all_dates(betas, F, R):
    return _r2(R[400:], F[400:] @ betas.mean(axis=0).T)


def _mean_over_the_test_dates(betas, F, R):
    return _r2(R[400:], F[400:] @ betas[400:].mean(axis=0).T)


def _judged_on_the_past(betas, F, R):
    return _r2(R[:400], F[:400] @ betas[:400].mean(axis=0).T)


def _judged_on_all_dates(betas, F, R):
    return _r2(R, F @ betas[:400].mean(axis=0).T)


def _beta_that_changes(betas, F, R):
    return _r2(R[400:], (betas[400:] * F[400:, None]).sum(axis=2))


def _last_beta_of_the_past(betas, F, R):
    return _r2(R[400:], F[400:] @ betas[399].T)


def _unexplained(betas, F, R):
    return 1 - r2_of_constant_betas(betas, F, R)


def _demeaned(betas, F, R):
    reconstruction = F[400:] @ betas[:400].mean(axis=0).T
    return 1 - ((R[400:] - reconstruction) ** 2).sum() / ((R[400:] - R[400:].mean()) ** 2).sum()


def _size_of_the_reconstruction(betas, F, R):
    return ((F[400:] @ betas[:400].mean(axis=0).T) ** 2).sum() / (R[400:] ** 2).sum()


def _mean_of_the_tickers_r2(betas, F, R):
    reconstruction = F[400:] @ betas[:400].mean(axis=0).T
    return (1 - ((R[400:] - reconstruction) ** 2).sum(axis=0) / (R[400:] ** 2).sum(axis=0)).mean()


def _squared_correlation(betas, F, R):
    reconstruction = F[400:] @ betas[:400].mean(axis=0).T
    return np.corrcoef(R[400:].ravel(), reconstruction.ravel())[0, 1] ** 2


def _demeaned_by_ticker(betas, F, R):
    reconstruction = F[400:] @ betas[:400].mean(axis=0).T
    return 1 - ((R[400:] - reconstruction) ** 2).sum() / ((R[400:] - R[400:].mean(axis=0)) ** 2).sum()


q3 = Exercise(
    reference=r2_of_constant_betas,
    mistakes={
        _beta_that_changes: "This β changes with the date: it is the truth. The model may have one β for each ticker "
        "and factor.",
        _mean_over_tickers: "You took the mean over the tickers of each date. A mean over dates is asked for: axis=0.",
        _one_beta_for_all: "Your β is the same for all tickers. Each ticker has a mean of its own.",
        _mean_over_all_dates: "Your mean runs over all 600 dates, those on which the model is judged included.",
        _mean_over_the_test_dates: "Your mean runs over the very dates on which the model is judged.",
        _judged_on_the_past: "You judged on the dates from which the mean was taken.",
        _judged_on_all_dates: "You judged on all dates. The first 400 have already been used for the mean.",
        _last_beta_of_the_past: "This is the β of date 399 alone. The mean over the first 400 is asked for.",
        _unexplained: "This is the share that is NOT explained. Take it from 1.",
        _demeaned: "The mean is taken out of the denominator. Nothing is subtracted there: a model "
        "that says 0 must score 0.",
        _mean_of_the_tickers_r2: "You computed an R² for each ticker and took their mean. Here both sums run over all "
        "dates and tickers first.",
        _size_of_the_reconstruction: "This is the size of r̂ over that of r. It does not ask whether r̂ is anywhere "
        "near r: the errors are missing.",
        _squared_correlation: "This is a squared correlation: it forgives a wrong scale and a wrong mean. The total R² "
        "forgives neither.",
        lambda betas, F, R: np.mean(
            1
            - ((R[400:] - F[400:] @ betas[:400].mean(axis=0).T) ** 2).sum(axis=0)
            / ((R[400:] - R[400:].mean(axis=0)) ** 2).sum(axis=0)
        ): "This is the mean of one R² for each ticker, with the ticker's mean taken out (r2_score of scikit-learn "
        "does so). Here both sums run over all dates and tickers, and no mean is taken out.",
        lambda betas, F, R: np.mean(
            1 - ((R[400:] - F[400:] @ betas[:400].mean(axis=0).T) ** 2).sum(axis=1) / (R[400:] ** 2).sum(axis=1)
        ): "You computed an R² for each date and took their mean. Here both sums run over all dates first.",
        lambda betas, F, R: _r2(R[400:], F[400:] @ betas[:200].mean(axis=0).T): "Your mean runs over the first 200 "
        "dates, those of train. The first 400 are asked for.",
        lambda betas, F, R: _r2(R[400:], F[400:] @ betas[0].T): "This is the β of the first date alone. The mean over "
        "the first 400 is asked for: axis=0.",
        lambda betas, F, R: _r2(
            R[400:], F[400:] @ np.linalg.lstsq(F[:400], R[:400], rcond=None)[0]
        ): "You estimated β from returns. This model is told the truth: the mean of betas over the first 400 dates.",
        lambda betas, F, R: _r2(R[400:], F[400:] @ np.linalg.lstsq(F, R, rcond=None)[0]): "You estimated β from the "
        "returns of all dates. This model is told the mean of the true betas over the first 400.",
        lambda betas, F, R: (
            1 - ((R[400:] - F[400:] @ betas[:400].mean(axis=0).T) ** 2).sum() / (R**2).sum()
        ): "Above stand the errors of 200 dates, below the squares of all 600. Take the same dates for both.",
        _demeaned_by_ticker: "Each ticker's mean is taken out of the denominator. Nothing is subtracted there: a model "
        "that says 0 must score 0.",
    },
    given=_market,
    hints=(
        "Three steps: a β of the shape (200, 3), the products β · F of the last 200 dates, and the total R².",
        "betas[:400].mean(axis=0) is the mean of each ticker and factor. F[400:] @ that.T has a row for each date.",
        "1 - ((R[400:] - reconstruction) ** 2).sum() / (R[400:] ** 2).sum(), and nothing is demeaned.",
    ),
    insight="Here it hears the true F and the true mean β, and stays far below the truth's 39.6 %, near the score "
    "of the first model. It is not the estimate that fails. What is constant can't follow what changes. (PCA has a "
    "constant β, too, and scored 5.6 %. But it solves for F from the returns that it explains, and that gift is in "
    "its score: with the ticker hidden it had 2.8 %.)",
)
