"""Exercises of lesson 01: time-series regression."""

from functools import cache

import numpy as np

from helpers.data.datasets import load_stocks
from helpers.data.simulated import simulate_constant_betas
from helpers.exercises.checker import Choice, Exercise, Open


@cache
def _given():
    market = simulate_constant_betas(n_dates=240, n_tickers=30, seed=0)
    return {"R": market.panel.returns, "F": market.factors}


@cache
def _of_AAPL_and_QUAL():
    stocks = load_stocks()
    qual = stocks.portfolio_names.get_loc("QUAL")
    return {"AAPL": stocks.returns[:, 0], "QUAL_returns": stocks.portfolios[:, qual]}


def _returns_and_reconstruction():
    random = np.random.default_rng(0)
    returns = random.normal(0.02, 0.1, (40, 5))
    return [(returns, 0 * returns), (returns, 0.5 * returns + 0.01), (returns, -0.4 * returns)]


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


def _of_the_second_ticker(R, F):
    return beta_alone(R[:, 1:], F)


def _of_the_second_factor(R, F):
    return beta_alone(R, F[:, 1:])


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
        _of_the_second_ticker: "This is the β of MSFT. Columns are counted from 0: AAPL is R[:, 0].",
        lambda R, F: (R[:, 0] / F[:, 0]).mean(): "This is the mean of the ratios. A month in which the factor hardly "
        "moved counts most in it. Take the covariance over the variance.",
        _of_the_second_factor: "This is the β to size. Columns are counted from 0: the market is F[:, 0].",
        lambda R, F: np.polyfit(F[:, 0], R[:, 0], 1)[1]: "This is the intercept, α. The slope is asked for; np.polyfit "
        "gives it first.",
        lambda R, F: (
            _covariance(R, F) / F[:, 0].std()
        ): "You divided by the standard deviation of the factor. Divide by its variance, the square.",
        lambda R, F: (
            _covariance(R, F) / F[:, 0].std(ddof=1)
        ): "You divided by the standard deviation of the factor, and its variance belongs there.",
        lambda R, F: (
            R[:, 0].std() / F[:, 0].std()
        ): "This is the ratio of the two standard deviations. Not all that AAPL "
        "moves comes from the factor: take the covariance.",
        lambda R, F: simulate_constant_betas(n_dates=240, n_tickers=30, seed=0).betas[
            0, 0, 0
        ]: "This is the true β, which nobody knows of a real ticker. Estimate it from R and F.",
    },
    given=_given,
    hints=(
        "The slope of a regression with an intercept is a covariance divided by a variance.",
        "np.cov(x, y) is a 2 x 2 matrix: the variances on its diagonal, the covariance beside it.",
    ),
    insight="With one factor, what AAPL owes to size and value is put down to the market as far as they move together. "
    "In this market they hardly do: look at np.corrcoef(F.T).",
)

# Exercise 2: daily returns instead?

q2 = Choice(
    right="b",
    advice={
        "a": "For β this is right. But α of a day has to be multiplied by 252 to be that of a year, and its error with "
        "it. Write down the standard error of a mean before and after.",
        "c": "The same years, but each β is a slope through 21 times as many points, and both axes shrank alike. Put "
        "σ_ε / √21 and σ_F / √21 into the formula for the error of β.",
        "d": "You have them the wrong way round. Which of the two is a ratio of movements, and which is a mean?",
    },
    hints=(
        "Do it one by one. In σ_ε / (σ_F √n_dates), which of the three change, and by what factor?",
        "α is nearly a mean: its error by date is σ_ε / √n_dates. From days to a year, it is multiplied by 252; from "
        "months, by 12.",
        "From months: 12 σ_ε / √240. From days: 252 (σ_ε / √21) / √5040. Compute both for σ_ε = 5 %.",
    ),
    insight="β is a ratio of movements, and σ_ε and σ_F shrink alike, so only the number of dates counts. A mean is "
    "another matter: what a price did over 20 years depends on its two ends, and no point between them adds to that. "
    "So risk can be learned from few years, rewards cannot. (With days other troubles begin: prices that react a day "
    "late, and noise that comes in waves.)",
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


def _mean_over_tickers(returns, reconstruction):
    return 1 - (((returns - reconstruction) ** 2).sum(axis=0) / (returns**2).sum(axis=0)).mean()


def _absolute_values(returns, reconstruction):
    return 1 - np.abs(returns - reconstruction).sum() / np.abs(returns).sum()


def _over_the_reconstruction(returns, reconstruction):
    with np.errstate(divide="ignore"):
        return 1 - ((returns - reconstruction) ** 2).sum() / (reconstruction**2).sum()


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
        _mean_over_tickers: "You averaged one R² for each ticker. The total R² adds up all squares first, so that a "
        "ticker that moves more counts more.",
        _absolute_values: "You added up absolute values. Squares are asked for.",
        _over_the_reconstruction: "The squares of r̂ stand in the denominator. Those of r belong there.",
        lambda returns, reconstruction: max(0.0, my_total_r2(returns, reconstruction)): "What is below 0 is cut off. A "
        "model that is worse than saying 0 has an R² below 0, and should be seen to have one.",
        lambda returns, reconstruction: abs(
            my_total_r2(returns, reconstruction)
        ): "The absolute value was taken. A model that is worse than saying 0 has an R² below 0.",
        lambda returns, reconstruction: (
            1 - ((returns - reconstruction) ** 2).mean() / (returns**2).sum()
        ): "Above stands a mean of squares, below a sum. Take the same for both.",
        lambda returns, reconstruction: (
            1 - (returns - reconstruction).var() / returns.var()
        ): "var takes a mean out, of the errors and of the returns. Add up the squares as they are.",
        lambda returns, reconstruction: (
            1 - (returns - reconstruction).var() / (returns**2).mean()
        ): "var takes the mean out of the errors, and a model that is off by one amount everywhere would lose nothing.",
        lambda returns, reconstruction: (
            1 - np.sqrt(((returns - reconstruction) ** 2).sum() / (returns**2).sum())
        ): "A root was taken: this compares sizes. R² compares the sums of squares themselves.",
        lambda returns, reconstruction: (
            1 - ((returns - reconstruction) ** 2).sum() / returns.sum() ** 2
        ): "Below, the returns are added up first and squared then. Square each, then add.",
    },
    calls=_returns_and_reconstruction,
    hints=(
        "A model that says 0 should score 0. What must the denominator be then?",
        "One line is wrong: total. Nothing is to be subtracted there.",
    ),
    insight="A demeaned R² compares with somebody who knew the average return of the test dates beforehand, and nobody "
    "did. Some packages (ipca is one) take the mean out in their score. Look before you compare numbers.",
)

# Exercise 4: a hedge without a regression


def left_of_AAPL(AAPL, QUAL_returns):
    correlation = np.corrcoef(AAPL, QUAL_returns)[0, 1]
    return np.sqrt(1 - correlation**2)


def _share_of_the_variance(AAPL, QUAL_returns):
    return left_of_AAPL(AAPL, QUAL_returns) ** 2


def _one_less_the_correlation(AAPL, QUAL_returns):
    return 1 - np.corrcoef(AAPL, QUAL_returns)[0, 1]


def _share_taken_away(AAPL, QUAL_returns):
    return np.corrcoef(AAPL, QUAL_returns)[0, 1] ** 2


def _volatility_taken_away(AAPL, QUAL_returns):
    return 1 - left_of_AAPL(AAPL, QUAL_returns)


def _volatility_itself(AAPL, QUAL_returns):
    return left_of_AAPL(AAPL, QUAL_returns) * AAPL.std()


def _a_dollar_for_a_dollar(AAPL, QUAL_returns):
    return (AAPL - QUAL_returns).std() / AAPL.std()


def _correlation_sold(AAPL, QUAL_returns):
    correlation = np.corrcoef(AAPL, QUAL_returns)[0, 1]
    return (AAPL - correlation * QUAL_returns).std() / AAPL.std()


q4 = Exercise(
    reference=left_of_AAPL,
    mistakes={
        _share_of_the_variance: "This is the share of the variance. The volatility is its root.",
        _one_less_the_correlation: "The variance left is not 1 - ρ. What is the R² of a regression with one factor?",
        _share_taken_away: "This is ρ², the share of the variance that the hedge takes away.",
        _volatility_taken_away: "This is the share of the volatility that is gone. What is left is asked for.",
        _volatility_itself: "This is the volatility itself, by day. Its share of that of AAPL is asked for.",
        _a_dollar_for_a_dollar: "This is a hedge that sells one dollar of QUAL. The best one sells β dollars.",
        _correlation_sold: "This is a hedge that sells ρ dollars of QUAL. The best one sells β dollars; β is ρ times "
        "the ratio of the two standard deviations.",
        lambda AAPL, QUAL_returns: np.corrcoef(AAPL, QUAL_returns)[
            0, 1
        ]: "This is ρ itself. What share of the variance "
        "does a hedge with this correlation leave, and what is its root?",
        lambda AAPL, QUAL_returns: np.sqrt(
            1 - np.corrcoef(AAPL, QUAL_returns)[0, 1]
        ): "Under the root stands 1 - ρ. Of the variance 1 - ρ² is left.",
        lambda AAPL, QUAL_returns: np.sqrt(
            1 - np.round(np.corrcoef(AAPL, QUAL_returns)[0, 1], 2) ** 2
        ): "The formula is right. But 0.73 is ρ as it was printed: take it from np.corrcoef with all its digits.",
    },
    given=_of_AAPL_and_QUAL,
    hints=(
        "The best hedge sells β dollars. What is left are the residuals of the regression of AAPL on QUAL.",
        "With one factor and an intercept the R² of a regression is the squared correlation.",
        "Of the variance 1 - ρ² is left. The volatility is the root of the variance.",
    ),
    insight="A correlation of 0.73 sounds like a good hedge, and two thirds of the risk are left. To halve the "
    "volatility the correlation has to be 0.87; to leave a tenth of it, 0.995.",
)

# Exercise 5: a factor in percent


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


def _each_alone(R, F):
    alone = [np.cov(factor, R[:, 0])[0, 1] / np.var(factor, ddof=1) for factor in F.T]
    return np.array(alone) * [0.01, 1, 1]


def _no_intercept_in_percent(R, F):
    return np.linalg.lstsq(F * [100, 1, 1], R[:, 0], rcond=None)[0]


q5 = Exercise(
    reference=betas_in_percent,
    mistakes={
        _a_hundred_times_as_large: "The first β went up with its factor. Their product must stay what it was, "
        "because R did not change.",
        _unchanged: "These are the betas as they were. The first factor is now a hundred times as large.",
        _all_of_them_divided: "Only the first factor changed its unit. The other two betas stay.",
        _with_the_intercept: "There are four numbers: the first is the intercept. Only the three betas are asked for.",
        _each_alone: "Each β was estimated with its factor alone. The three factors stand in one regression.",
        lambda R, F: betas_in_percent(R, F) * [100, 0.01, 1]: "The second factor was changed. Columns are counted from "
        "0: F[:, 0] is the first.",
        lambda R, F: betas_in_percent(R, F) * 100: "The returns are in percent here as well. Only the first factor is.",
        lambda R, F: betas_in_percent(R[:, 1:], F): "These are the betas of MSFT. Columns are counted from 0: AAPL is "
        "R[:, 0].",
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

# Exercise 6: open

q6 = Open(
    look_for="Do your two β differ by more than two standard errors of their difference (the root of the sum of both "
    "squared)? Then either β moved, or you looked at many tickers and picked the one that moved most. Say which, and "
    "how you would tell the two apart.",
    hints=(
        "Choose a stock and an ETF of load_stocks(), and compare the years 2015-2018 with 2019-2022.",
        "panel['2015':'2018'] is a panel of these years; sm.OLS, as for AAPL above, gives β and its standard error.",
    ),
)
