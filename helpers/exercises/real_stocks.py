"""Exercises of lesson 20: real stocks, all models walking forward."""

from functools import cache, partial

import numpy as np

from helpers.exercises.checker import Choice, Exercise, Open

# Exercise 1: left out, by hand


@cache
def _returns_with_gaps():
    """Three tables of returns: a full one, one with gaps, and one that moves together as stocks do."""
    random = np.random.default_rng(0)
    full, gaps = random.normal(0.01, 0.05, (6, 5)), random.normal(0.01, 0.05, (8, 7))
    gaps[random.random(gaps.shape) < 0.2] = np.nan
    together = random.normal(0.01, 0.05, (12, 1)) + random.normal(0.0, 0.03, (12, 6))
    return [(full,), (gaps,), (together,)]


def left_out_r2(R):
    n = (~np.isnan(R)).sum(axis=1, keepdims=True)
    of_the_others = (np.nansum(R, axis=1, keepdims=True) - R) / (n - 1)
    return 1 - np.nansum((R - of_the_others) ** 2) / np.nansum(R**2)


def _with_the_ticker_itself(R):
    of_all = np.nanmean(R, axis=1, keepdims=True)
    return 1 - np.nansum((R - of_all) ** 2) / np.nansum(R**2)


def _divided_by_all(R):
    n = (~np.isnan(R)).sum(axis=1, keepdims=True)
    of_the_others = (np.nansum(R, axis=1, keepdims=True) - R) / n
    return 1 - np.nansum((R - of_the_others) ** 2) / np.nansum(R**2)


def _gaps_counted(R):
    of_the_others = (np.nansum(R, axis=1, keepdims=True) - R) / (R.shape[1] - 1)
    return 1 - np.nansum((R - of_the_others) ** 2) / np.nansum(R**2)


def _gaps_as_zero(R):
    R = np.nan_to_num(R)
    of_the_others = (R.sum(axis=1, keepdims=True) - R) / (R.shape[1] - 1)
    return 1 - ((R - of_the_others) ** 2).sum() / (R**2).sum()


def _other_dates(R):
    n = (~np.isnan(R)).sum(axis=0)
    of_the_others = (np.nansum(R, axis=0) - R) / (n - 1)
    return 1 - np.nansum((R - of_the_others) ** 2) / np.nansum(R**2)


def _around_the_mean(R):
    n = (~np.isnan(R)).sum(axis=1, keepdims=True)
    of_the_others = (np.nansum(R, axis=1, keepdims=True) - R) / (n - 1)
    return 1 - np.nansum((R - of_the_others) ** 2) / np.nansum((R - np.nanmean(R)) ** 2)


def _mean_over_tickers(R):
    n = (~np.isnan(R)).sum(axis=1, keepdims=True)
    of_the_others = (np.nansum(R, axis=1, keepdims=True) - R) / (n - 1)
    return np.mean(1 - np.nansum((R - of_the_others) ** 2, axis=0) / np.nansum(R**2, axis=0))


def _mean_over_dates(R):
    n = (~np.isnan(R)).sum(axis=1, keepdims=True)
    of_the_others = (np.nansum(R, axis=1, keepdims=True) - R) / (n - 1)
    return np.mean(1 - np.nansum((R - of_the_others) ** 2, axis=1) / np.nansum(R**2, axis=1))


def _by_other_forecasts(R, of):
    return 1 - np.nansum((R - of(R)) ** 2) / np.nansum(R**2)


def _sum(R):
    return np.nansum(R, axis=1, keepdims=True)


def _medians(R):
    others = [np.nanmedian(np.delete(R, s, axis=1), axis=1) for s in range(R.shape[1])]
    return np.stack(others, axis=1)


_median_of_others = partial(_by_other_forecasts, of=_medians)
_not_divided = partial(_by_other_forecasts, of=lambda R: _sum(R) - R)
_own_off_the_mean = partial(_by_other_forecasts, of=lambda R: np.nanmean(R, axis=1, keepdims=True) - R)
_as_if_of_twenty = partial(_by_other_forecasts, of=lambda R: (_sum(R) - R) / 19)
_one_for_all = partial(_by_other_forecasts, of=lambda R: np.nanmean(R[:, 1:], axis=1, keepdims=True))


def _of_others(R):
    return (_sum(R) - R) / ((~np.isnan(R)).sum(axis=1, keepdims=True) - 1)


def _exchanged(R):
    return 1 - np.nansum((R - _of_others(R)) ** 2) / np.nansum(_of_others(R) ** 2)


def _correlation(R):
    here = ~np.isnan(R)
    return np.corrcoef(R[here], _of_others(R)[here])[0, 1] ** 2


def _correlation_itself(R):
    here = ~np.isnan(R)
    return np.corrcoef(R[here], _of_others(R)[here])[0, 1]


def _mean_over_sum(R):
    return 1 - np.nanmean((R - _of_others(R)) ** 2) / np.nansum(R**2)


def _full_dates_alone(R):
    return left_out_r2(R[~np.isnan(R).any(axis=1)])


q1 = Exercise(
    reference=left_out_r2,
    mistakes={
        _with_the_ticker_itself: "This is the mean of all, the ticker among them: the R² as usual, with its gift.",
        _divided_by_all: "The ticker is out of the sum, but still in the number by which you divide.",
        _gaps_counted: "You divide by the same number on each date. Where a ticker is not there, one fewer is left.",
        _gaps_as_zero: "A gap became a return of 0: it is explained, and it explains others. It should do neither.",
        _other_dates: "You left out a date and took the mean of the ticker's other dates. F of a date is made of the "
        "other tickers, along a row.",
        _around_the_mean: "The errors are right. The total R² compares them with the squares of the returns, from "
        "which no mean is taken.",
        _median_of_others: "This is the median of the others. F of β = 1 is their mean.",
        _not_divided: "This is the sum of the others. Divide by how many they are.",
        _own_off_the_mean: "You took the whole return off a mean, in which it has a weight of 1 / n. Take it off the "
        "sum, and divide by n - 1.",
        _as_if_of_twenty: "You divided by 19, for the lesson's twenty. R may have any number of tickers, and gaps.",
        _one_for_all: "You left out the first ticker for all of them. Leave out each from what is said of it alone.",
        _exchanged: "total_r2 takes the returns first, then what is said of them. Yours stand the other way round.",
        _correlation: "This is a squared correlation, which forgives a wrong size. The total R² takes errors as they "
        "are, and can be negative.",
        _correlation_itself: "This is a correlation. The total R² is one minus the squared errors over the squared "
        "returns.",
        _mean_over_sum: "You divided a mean by a sum. Take sums, or means, both above and below.",
        _full_dates_alone: "You dropped the dates on which a ticker is missing. The others were there: keep them.",
        _mean_over_tickers: "This is the mean of one R² for each ticker. The total R² has one sum of squares over all "
        "dates and tickers, above and below.",
        _mean_over_dates: "This is the mean of one R² for each date, so that a calm date counts as much as a wild one. "
        "The total R² has one sum of squares above and one below.",
    },
    calls=_returns_with_gaps,
    hints=(
        "The mean of the others is a sum without one term, divided by a number that is smaller by one.",
        "np.nansum(R, axis=1, keepdims=True) is the sum of each date. Take R off it. How many are left?",
        "n = (~np.isnan(R)).sum(axis=1, keepdims=True), and divide by n - 1. Then one minus the squared errors over "
        "the squared returns, both by np.nansum.",
    ),
    insight="Of N tickers the mean of all holds each with a weight of 1/N, so its own noise explains itself. With "
    "three factors there are three such weights, and with twenty tickers that is 15 percent.",
)

# Exercise 2: the shortest interval

q2 = Choice(
    right="b",
    advice={
        "a": "Short is the interval of its R², which lies at zero. A model that always predicts 0 has "
        "an interval of length 0.",
        "c": "All models are tested on the same dates, and the same blocks of dates are drawn for all.",
        "d": "It has as many numbers to estimate at each date as the other models of three factors, and "
        "their intervals are long.",
    },
    hints=(
        "What would the interval of a model be that predicts 0 for every stock, always?",
        "Each F^(d) follows its own random mixture of stocks, in which the common movement nearly cancels. "
        "How large is its mean, λ?",
    ),
    insight="A predictive R² can move away from zero only as far as forecasts do. A short interval says that a number "
    "is known well, not that the number is good.",
)

# Exercise 3: more tickers

q3 = Choice(
    right="c",
    advice={
        "a": "Noise that is averaged falls with the root of the number, not with the number.",
        "b": "So it would be if tickers were independent. On one date, what do all of them share?",
        "d": "With fewer tickers their own noise averages out less. It can't get calmer.",
    },
    hints=(
        "What makes the coefficient of one date high or low: the luck of single tickers, or that of the factors?",
        "Exercise 5 of lesson 13 had a date on which 200 tickers were upside down together.",
    ),
    insight="Tickers share factors. When a factor loses, all that lean on it lose together, and no number of "
    "tickers averages that out.",
)

# Exercise 4: the forecast by hand


@cache
def _betas_and_factors():
    random = np.random.default_rng(0)
    calls = []
    for n_dates, n_tickers, n_factors in ((9, 4, 2), (14, 3, 3)):
        F = random.normal(0.02, 0.05, (n_dates, n_factors))
        F[-1] = np.nan
        calls.append((random.standard_normal((n_dates, n_tickers, n_factors)), F))
    return calls


def next_month(betas, F):
    return betas[-1] @ F[:-1].mean(axis=0)


def _beta_of_the_last_month(betas, F):
    return betas[-2] @ F[:-1].mean(axis=0)


def _mean_beta(betas, F):
    return betas.mean(axis=0) @ F[:-1].mean(axis=0)


def _beta_mean_of_the_past(betas, F):
    return betas[:-1].mean(axis=0) @ F[:-1].mean(axis=0)


def _last_factors(betas, F):
    return betas[-1] @ F[-2]


def _open_month_as_zero(betas, F):
    return betas[-1] @ np.nan_to_num(F).mean(axis=0)


def _sum_of_factors(betas, F):
    return betas[-1] @ F[:-1].sum(axis=0)


def _mean_of_products(betas, F):
    return np.einsum("dsk,dk->ds", betas[:-1], F[:-1]).mean(axis=0)


def _last_that_happened_missing(betas, F):
    return betas[-1] @ F[:-2].mean(axis=0)


def _first_beta(betas, F):
    return betas[0] @ F[:-1].mean(axis=0)


def _only_the_last_year(betas, F):
    return betas[-1] @ F[-13:-1].mean(axis=0)


def _first_date_left_out(betas, F):
    return betas[-1] @ F[1:-1].mean(axis=0)


def _mean_over_factors(betas, F):
    return next_month(betas, F) / F.shape[1]


def _medians_of_factors(betas, F):
    return betas[-1] @ np.median(F[:-1], axis=0)


def _first_factor_alone(betas, F):
    return betas[-1, :, 0] * F[:-1, 0].mean()


def _one_mean_for_all_factors(betas, F):
    return betas[-1].sum(axis=1) * F[:-1].mean()


def _compounded(betas, F):
    return betas[-1] @ (np.prod(1 + F[:-1], axis=0) ** (1 / (len(F) - 1)) - 1)


q4 = Exercise(
    reference=next_month,
    mistakes={
        _beta_of_the_last_month: "This is the β of the month before. The β of the open month is known: it is made of "
        "characteristics that are known at the last close.",
        _mean_beta: "You took the mean of β over all dates. What the tickers are like now is in its last row.",
        _beta_mean_of_the_past: "You took the mean of β over the past. What the tickers are like now is in its last "
        "row.",
        _last_factors: "These are the factors of the last month, one draw of a noisy series. λ is their mean over all "
        "the dates before.",
        _open_month_as_zero: "The open month counts as a month in which every factor was 0. It has not happened: the "
        "mean is over the dates before it.",
        _sum_of_factors: "This is the sum of the factors. λ is their mean.",
        _mean_of_products: "This is the mean of what the model said of the past, each month with its own β. Only λ is "
        "a mean of the past; β is today's.",
        _last_that_happened_missing: "The last month that has happened is missing in your mean: only the open one, "
        "F[-1], is left out.",
        _mean_over_factors: "You took the mean over the factors. β · λ is a sum over them.",
        _medians_of_factors: "These are medians of the factors. λ is their mean.",
        _first_factor_alone: "This is the first factor alone. β · λ is a sum over all of them.",
        _one_mean_for_all_factors: "You took one mean over all factors. Each has a λ of its own: axis=0.",
        _compounded: "You compounded the factors. λ is their plain mean.",
        _first_beta: "This is the β of the first date. Today's is in the last row.",
        _only_the_last_year: "Your mean looks back twelve months. λ is the mean of all the dates before.",
        _first_date_left_out: "Your mean leaves out the first date. λ is the mean of all the dates before.",
    },
    calls=_betas_and_factors,
    hints=(
        "r̂ = β · λ. One of the two is of today, the other is made of the past.",
        "Which row of betas is today's? And which rows of F have happened?",
        "lam = F[:-1].mean(axis=0), one number for each factor; then betas[-1] @ lam.",
    ),
    insight="A forecast needs no return of its own date: β comes from characteristics that are known, and λ from the "
    "past.",
)

# Exercise 5: a file of one's own

q5 = Open(
    look_for="The best sentence of such a report often stands in the second list, of what is not supported. Is every "
    "number there with its interval, beside one of a model that knows nothing, and with each ticker left out of F?",
    hints=(
        "Begin with read_schema, and draw how many tickers are there at each date.",
        "Then read_panel, rank_across_tickers(panel, missing='median') and out_of_sample with a WalkForward, as "
        "for the twenty stocks. with_interval gives the intervals; compare(models, panel, splitter) sets "
        "several models side by side.",
    ),
)
