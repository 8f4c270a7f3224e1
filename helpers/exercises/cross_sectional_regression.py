"""Exercises of lesson 02: cross-sectional regression."""

from functools import cache

import numpy as np

from helpers.data.simulated import simulate_constant_betas
from helpers.exercises.checker import Choice, Exercise, Open


@cache
def _given():
    market = simulate_constant_betas(n_dates=240, n_tickers=200, seed=0)
    return {"R": market.panel.returns, "betas": market.betas[0]}


@cache
def _truth():
    return simulate_constant_betas(n_dates=240, n_tickers=200, seed=0).factors


@cache
def _weights():
    betas = _given()["betas"]
    return {"W": np.linalg.inv(betas.T @ betas) @ betas.T}


def _characteristics():
    random = np.random.default_rng(0)
    return [(random.standard_normal(shape).cumsum(axis=0),) for shape in ((12, 5, 3), (4, 9, 2))]


# Exercise 1: another date, another way


def F_100(R, betas):
    return np.linalg.solve(betas.T @ betas, betas.T @ R[100])


def _of_row_99(R, betas):
    return np.linalg.solve(betas.T @ betas, betas.T @ R[99])


def _each_factor_alone(R, betas):
    return betas.T @ R[100] / (betas**2).sum(axis=0)


def _with_an_intercept(R, betas):
    design = np.column_stack([np.ones(len(betas)), betas])
    return np.linalg.lstsq(design, R[100], rcond=None)[0][1:]


def _average_of_the_date_taken_out(R, betas):
    return np.linalg.solve(betas.T @ betas, betas.T @ (R[100] - R[100].mean()))


def _average_of_all_dates(R, betas):
    return np.linalg.solve(betas.T @ betas, betas.T @ R.mean(axis=0))


def _rounded(R, betas):
    return F_100(R, betas).round(3)


q1 = Exercise(
    reference=F_100,
    mistakes={
        _of_row_99: "These are the factor returns of row 99. Rows are counted from 0: date 100 is R[100].",
        lambda R, betas: _truth()[
            100
        ]: "These are the true factor returns. Of real tickers nobody knows them: solve for "
        "them, with R[100] and betas.",
        _rounded: "These are the right numbers, rounded. Hand them over as they are.",
        lambda R, betas: (
            betas.T @ R[100]
        ): "This is βᵀr, the right-hand side. It is not yet multiplied by the inverse of βᵀβ.",
        lambda R, betas: (
            betas.T @ betas @ (betas.T @ R[100])
        ): "You multiplied by βᵀβ. Multiply by its inverse, which np.linalg.solve does.",
        lambda R, betas: (
            betas.T @ R[100] / len(betas)
        ): "This is βᵀr divided by the number of tickers. Divide by the matrix βᵀβ: solve.",
        _average_of_the_date_taken_out: "The average return of the date was taken out first. Leave it in: it is most "
        "of what the market factor did.",
        _average_of_all_dates: "These are the factors of the average date. One date is asked for, R[100].",
        _each_factor_alone: "Each factor was solved for as if the others were not there. The matrix βᵀβ is not "
        "diagonal, so the three have to be solved for together.",
        _with_an_intercept: "A column of ones stands beside β. The equation of this lesson has none: without "
        "factors the return is 0.",
        lambda R, betas: np.linalg.solve(betas.T @ betas, betas.T @ R[101]): "These are the factor returns of row 101. "
        "Date 100 is R[100], with nothing added.",
    },
    given=_given,
    hints=(
        "Multiply both sides of the solution by βᵀβ. It is then a system of three equations for three unknowns.",
        "np.linalg.solve(A, b) gives the x of A x = b. Here A is betas.T @ betas, and b is betas.T @ R[100].",
    ),
    insight="These are the normal equations. lstsq gives the same and is more exact where the "
    "columns of β are nearly alike.",
)

# Exercise 2: read the picture

q2 = Choice(
    right="c",
    advice={
        "a": "A large move makes the line steep, and it also makes the truth steep. Look at the distance between the "
        "two lines, not at their slope.",
        "b": "In a quiet month the noise is the same. The line is flat then, but it misses the dashed one by as much.",
        "d": "Each date is solved by itself. What came before does not help it.",
    },
    hints=(
        "Compare a month with a large move and a month with hardly any. How far are the two lines "
        "apart at their right end?",
        "What does the error of F depend on? On each date there are the same 200 tickers, with the same β "
        "and noise of the same size.",
    ),
    insight="The error comes from the noise of the tickers and from β, and both are alike on all dates. So a small "
    "factor return drowns in an error beside which a large one stands out.",
)

# Exercise 3: find the mistake


def r2_by_date(R, betas):
    F = R @ betas @ np.linalg.inv(betas.T @ betas)
    errors = R - F @ betas.T
    return 1 - (errors**2).sum(axis=1) / (R**2).sum(axis=1)


def _mean_of_the_date_taken_out(R, betas):
    return 1 - (1 - r2_by_date(R, betas)) * (R**2).sum(axis=1) / ((R - R.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)


def _mean_of_each_ticker_taken_out(R, betas):
    return 1 - (1 - r2_by_date(R, betas)) * (R**2).sum(axis=1) / ((R - R.mean(axis=0)) ** 2).sum(axis=1)


def _by_ticker(R, betas):
    errors = R - R @ betas @ np.linalg.inv(betas.T @ betas) @ betas.T
    return 1 - (errors**2).sum(axis=0) / (R**2).sum(axis=0)


def _all_dates_together(R, betas):
    errors = R - R @ betas @ np.linalg.inv(betas.T @ betas) @ betas.T
    return 1 - (errors**2).sum() / (R**2).sum()


def _unexplained(R, betas):
    return 1 - r2_by_date(R, betas)


def _factors_of_the_average_date(R, betas):
    F = np.linalg.lstsq(betas, R.mean(axis=0), rcond=None)[0]
    return 1 - ((R - betas @ F) ** 2).sum(axis=1) / (R**2).sum(axis=1)


def _squared_correlation(R, betas):
    fitted = R @ betas @ np.linalg.inv(betas.T @ betas) @ betas.T
    return np.array([np.corrcoef(row, fit)[0, 1] ** 2 for row, fit in zip(R, fitted, strict=True)])


q3 = Exercise(
    reference=r2_by_date,
    mistakes={
        _mean_of_the_date_taken_out: "These are scikit-learn's scores: the average return of the date was taken out of "
        "the denominator. Take nothing out.",
        _mean_of_each_ticker_taken_out: "The average of each ticker was taken out of the denominator. Take nothing "
        "out: a model that says 0 should score 0.",
        _by_ticker: "There are 200 numbers, one for each ticker: the sums run over the dates. Sum "
        "over the tickers, axis=1.",
        _all_dates_together: "This is one number for all dates together. Sum over the tickers only, axis=1, "
        "and keep the dates apart.",
        _unexplained: "This is the share that is NOT explained. Take it from 1.",
        _factors_of_the_average_date: "You explained every date with the factors of the average date. Each "
        "date has its own F.",
        lambda R, betas: (
            1 - ((R - _truth() @ betas.T) ** 2).sum(axis=1) / (R**2).sum(axis=1)
        ): "You explained each date with the true F. The model solves for F, and its R² is asked for.",
        lambda R, betas: (
            1 - ((R - betas @ np.linalg.pinv(betas) @ R[7]) ** 2).sum(axis=1) / (R**2).sum(axis=1)
        ): "Every date is explained with the factors of date 7. Each date has its own F.",
        _squared_correlation: "These are squared correlations. A correlation takes the average out as well, and it "
        "does not mind if all fitted returns are twice too large.",
        lambda R, betas: 1 - (1 - r2_by_date(R, betas)) * (R**2).sum(axis=1) / ((R - R.mean()) ** 2).sum(axis=1): "One "
        "average of all returns was taken out of the denominator. Take nothing out.",
        lambda R, betas: (
            1 - (1 - r2_by_date(R, betas)) * (R**2).sum(axis=1) / (R**2).sum()
        ): "The squared errors are of one "
        "date each, and the denominator is of all dates together. It needs an axis, too.",
        lambda R, betas: (
            1 - (1 - r2_by_date(R, betas)) / R.shape[1]
        ): "Above stands a mean of squares, below a sum. Take the same for both.",
        lambda R, betas: (
            1 - np.abs(R - R @ betas @ np.linalg.inv(betas.T @ betas) @ betas.T).sum(axis=1) / np.abs(R).sum(axis=1)
        ): "You added up absolute values. Squares are asked for.",
    },
    given=_given,
    hints=(
        "What would a model score that says 0 for every ticker? Total R² should give it 0 on each date.",
        "The score divides the squared errors by ((R[d] - R[d].mean()) ** 2).sum(). What should stand there?",
        "betas @ F is fitted for one date; by_hand @ betas.T is fitted for all of them, (n_dates, n_tickers), as R is.",
    ),
    insight="On most dates the market moves all tickers, and that is the average that scikit-learn takes out. What the "
    "market factor explains is then not counted. The package ipca takes a mean out in its score() too. So before you "
    "compare two numbers called R², look at both denominators.",
)

# Exercise 4: how exact is a factor return?


def error_of_F(W):
    return 0.05 * np.sqrt((W**2).sum(axis=1))


def _measured(W):
    return (_given()["R"] @ W.T - _truth()).std(axis=0)


q4 = Exercise(
    reference=error_of_F,
    mistakes={
        lambda W: 0.05**2 * (W**2).sum(axis=1): "These are the variances. A standard deviation is the root of it.",
        lambda W: 0.05 * (W**2).sum(axis=1): "The root is missing: variances add up, and the standard deviation "
        "is the root of their sum.",
        lambda W: np.sqrt((W**2).sum(axis=1)): "The noise of the tickers is missing: its standard deviation is 0.05.",
        lambda W: (
            0.05 * np.abs(W).sum(axis=1)
        ): "The absolute weights were added up, as if the noise of all tickers came with the worst "
        "sign at once. Independent noise partly cancels: its variances add up.",
        lambda W: np.full(
            len(W), 0.05 / np.sqrt(W.shape[1])
        ): "This is the error of a plain average of 200 tickers. Here ticker s has the weight W[j, s], "
        "and each portfolio has weights of its own.",
        lambda W: 0.05 * W.std(axis=1): "This is the spread of the weights around their mean. Nothing is a mean here: "
        "W ε is a sum over the tickers, and its variances add up.",
        lambda W: 0.05 / np.linalg.norm(np.linalg.pinv(W), axis=0): "This is the rule of thumb, 0.05 / (β_rms √n). It "
        "takes the columns of β as unlike each other. W knows how much alike they are.",
        lambda W: (
            0.05 / (np.linalg.pinv(W).std(axis=0) * np.sqrt(W.shape[1]))
        ): "This is the formula of lesson 01 with β "
        "in the place of F. Here there is no intercept, and W tells it exactly.",
        lambda W: np.sqrt(
            ((_given()["R"] @ W.T - _truth()) ** 2).mean(axis=0)
        ): "This is how large the errors of these "
        "240 dates were: near the answer, by chance not the same. Derive it from W.",
        _measured: "This is how much the errors of these 240 dates moved: near the answer, by chance not "
        "the same. Derive it from W.",
        lambda W: (
            0.05 * np.sqrt((W**2).sum(axis=0))
        ): "There are 200 numbers: the sum runs over the portfolios. Sum over the tickers, axis=1.",
        lambda W: (
            0.05 * np.sqrt((W[0] ** 2).sum())
        ): "This is the error of the first factor alone. Three are asked for: sum over the tickers only, axis=1.",
        lambda W: 0.05 * np.sqrt((W**2).sum()): "This is one number for all three factors. Sum over the tickers only, "
        "axis=1.",
        lambda W: (
            0.05 * np.abs(W.sum(axis=1))
        ): "The weights were added up, so that long and short cancel. The noise of "
        "two tickers does not: its variances add up.",
        lambda W: (
            0.05 * W.sum(axis=1)
        ): "The weights were added up with their signs. Square each before: the noise of two "
        "tickers has variances that add up.",
        lambda W: np.sqrt(
            0.05 * (W**2).sum(axis=1)
        ): "0.05 stands under the root, and it is a standard deviation: square it there, or take it out.",
    },
    given=_weights,
    hints=(
        "Put r = β F + ε into W r. What remains beside F?",
        "The variance of a sum of independent terms is the sum of their variances; w ε has the variance w² 0.05².",
    ),
    insight="W r = W β F + W ε = F + W ε. The size factor is known less well than the market, because the tickers "
    "lean on it less. The root of the mean of the three squares is near 0.0064, the typical error that was "
    "printed for 200 tickers.",
)

# Exercise 5: whose return changes?

q5 = Choice(
    right="b",
    advice={
        "a": "Write r̂ = β_market F_market + β_size F_size and put his column in. Which of the two returns has to give "
        "way, so that the market's sensitivity is not counted one and a half times?",
        "c": "One of them changes. Try it at date 100: put his columns into np.linalg.lstsq, and compare.",
        "d": "His three columns can make every r̂ that ours can, and no other. So the best fit r̂ stays.",
    },
    hints=(
        "r̂ stays: his columns are mixtures of ours, and ours of his. So how do the same r̂ come about?",
        "β_m F_m + β_s F_s = β_m (F_m - 0.5 F_s) + (β_s + 0.5 β_m) F_s.",
        "his = betas + 0.5 * np.outer(betas[:, 0], [0, 1, 0]); np.linalg.lstsq(his, R[100], rcond=None)[0] beside the "
        "same with betas.",
    ),
    insight="The market's return loses half of that of size, and size keeps its own. A factor return is that of a "
    "portfolio with sensitivity 0 to all OTHER columns. To change the column of size changes what the market's "
    "portfolio has to avoid. So a factor return has no meaning by itself: name the factors that stand beside it. "
    "Lessons 04 to 07 make much of this.",
)

# Exercise 6: find the mistake


def my_ranks(c):
    return c.argsort(axis=1).argsort(axis=1) / c.shape[1]


def _over_time(c):
    return c.argsort(axis=0).argsort(axis=0) / c.shape[0]


def _across_characteristics(c):
    return c.argsort(axis=2).argsort(axis=2) / c.shape[2]


def _all_dates_in_one(c):
    flat = c.reshape(-1, c.shape[2])
    return (flat.argsort(axis=0).argsort(axis=0) / len(flat)).reshape(c.shape)


def _divided_by_the_dates(c):
    return c.argsort(axis=1).argsort(axis=1) / c.shape[0]


q6 = Exercise(
    reference=my_ranks,
    mistakes={
        _over_time: "These are still ranks over time: today's rank depends on days that have not come yet. Change the "
        "last row of c, and earlier rows of the ranks move.",
        _across_characteristics: "These are ranks across the characteristics of one ticker. The axes of c are dates, "
        "tickers, characteristics, in this order.",
        _all_dates_in_one: "All dates were ranked together, so the future still moves the past. "
        "Rank each date by itself.",
        lambda c: (
            c.argsort(axis=1) / c.shape[1]
        ): "argsort once says which ticker comes first, second, and so on. argsort of that says the rank of each.",
        _divided_by_the_dates: "The ranks are right. Divide them by the number of values ranked, which is "
        "now the number of tickers.",
        lambda c: c.argsort(axis=1).argsort(
            axis=1
        ): "The ranks are right. Divide them by the number of values ranked, which is the number of tickers.",
        lambda c: (
            c.argsort(axis=1).argsort(axis=1) / (c.shape[1] - 1)
        ): "The ranks are right. Divide them by the number of tickers, and not by one less.",
        lambda c: (
            (c.argsort(axis=1).argsort(axis=1) + 1) / c.shape[1]
        ): "These ranks begin at 1. The smallest value has the rank 0.",
        lambda c: (
            c.argsort(axis=2).argsort(axis=2) / c.shape[1]
        ): "These are ranks across the characteristics of one ticker "
        "(the last axis), divided by the number of tickers. Rank along the axis of the tickers.",
        lambda c: (
            (c - c.min(axis=1, keepdims=True)) / np.ptp(c, axis=1, keepdims=True)
        ): "You stretched the values between "
        "the smallest and the largest. A rank only counts how many tickers are below.",
        lambda c: c.argsort(axis=1).argsort(axis=1) / 200: "The ranks are right. 200 is the number of tickers of the "
        "notebook: divide by that of c.",
        lambda c: (
            c.argsort(axis=1).argsort(axis=0) / c.shape[1]
        ): "The first argsort goes over the tickers and the second still over the dates. Both need the same axis.",
        lambda c: (
            (-c).argsort(axis=1).argsort(axis=1) / c.shape[1]
        ): "These ranks run from large to small. The smallest value has the rank 0.",
        lambda c: (
            2 * c.argsort(axis=1).argsort(axis=1) / c.shape[1] - 1
        ): "These ranks are spread between -1 and 1. They are to begin at 0 and end below 1.",
        lambda c: (
            c.argsort(axis=1).argsort(axis=1) // c.shape[1]
        ): "// divides to whole numbers, and a rank over their number is below 1. Divide with /.",
    },
    calls=_characteristics,
    hints=(
        "Change the last row of c to something very large. Which rows of the ranks change, and which may change?",
        "On which axis are the tickers of one date? The division changes with the axis.",
    ),
    insight="A rank over time compares today with days that have not come yet: it looks ahead, and every model that "
    "reads it does too. Ranks are taken across the tickers of the same date. helpers.data.rank_across_tickers does "
    "that, spread evenly between -1 and 1.",
)

# Exercise 7: open

q7 = Open(
    look_for="With a column of ones beside a column of 0 and 1, the first factor is the average return of the group "
    "0, and the second is the average of group 1 less that of group 0: a portfolio that costs nothing. Check it on one "
    "date by hand. Does the month in which the group parted most fit what the group sells? A month picked as the "
    "largest of 819 is large in any group: how large is it in a group of three industries drawn at random?",
    hints=(
        "Which industries belong together by what they sell, not by what they earned? np.isin(panel.tickers, "
        "[...]) makes the 0 and 1.",
        "np.column_stack([np.ones(12), group]) is a β. CrossSectionalRegression(β).fit(panel) has factors_, and "
        "panel.dates[np.abs(F[:, 1]).argmax()] is the month.",
    ),
)
