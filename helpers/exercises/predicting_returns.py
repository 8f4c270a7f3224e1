"""Exercises of lesson 13: predicting returns."""

from functools import cache

import numpy as np
from scipy.stats import kendalltau, spearmanr

from helpers.exercises.answers import same_to_a_percent
from helpers.exercises.checker import Choice, Exercise, Open

# Exercise 1: how much can be predicted


def share(mean, sd):
    return mean**2 / (mean**2 + sd**2)


def _over_the_variance(mean, sd):
    return mean**2 / sd**2


def _not_squared(mean, sd):
    return mean / (mean + sd)


def _ratio(mean, sd):
    return mean / sd


def _the_rest(mean, sd):
    return sd**2 / (mean**2 + sd**2)


def _of_the_return(mean, sd):
    return 0.4 * mean**2 / (mean**2 + sd**2)


q1 = Exercise(
    reference=share,
    mistakes={
        _over_the_variance: "You divided by the variance. What β · F explains is measured by the mean SQUARE of F, and "
        "that holds the squared mean, too.",
        _not_squared: "R² is made of squares: a factor counts with its mean square, and what is known of "
        "it with its squared mean.",
        _the_rest: "This is the share that NOBODY can predict: that of the surprises. Asked for is the other one.",
        _of_the_return: "This is a share of the returns. Asked for is the share of what β · F explains, before its "
        "40 % come in.",
        _ratio: "This is the Sharpe ratio of the factor for one date. R² is made of squares.",
        lambda mean, sd: mean**2: "This is the squared mean. A share divides it by the mean SQUARE of F, which is what "
        "β · F explains.",
        lambda mean, sd: (
            mean**2 / (mean + sd) ** 2
        ): "The square of a sum has a mixed term. The mean SQUARE of F is the squared mean and the variance, added up.",
        lambda mean, sd: (
            mean**2 / (mean**2 + sd)
        ): "sd is not squared. The mean SQUARE of F is the squared mean and the variance, added up.",
        lambda mean, sd: (
            mean / (mean**2 + sd**2)
        ): "Below stands the mean SQUARE of F. Above, what is known of F has to be squared, too.",
        lambda mean, sd: (
            mean**2 / (sd**2 - mean**2)
        ): "You took the squared mean from the variance. The variance has lost it already: add it to get the mean "
        "SQUARE.",
        lambda mean, sd: (
            (sd**2 - mean**2) / sd**2
        ): "The mean SQUARE of F is not the variance: it is the squared mean and the variance, added up. And asked for "
        "is the part that is known.",
        lambda mean, sd: 3 * share(mean, sd): "Three factors have three times as much of both, of what is known and of "
        "what is explained. Their share is that of one.",
        lambda mean, sd: 0.036 / 0.395: "These are the two scores of the fit on its test dates, luck included. Asked "
        "for is what mean and sd say.",
        lambda mean, sd: mean / np.hypot(mean, sd): "R² is made of squares: the root is not asked for.",
        lambda mean, sd: mean**2 / sd: "One is squared, the other not. And what β · F explains is measured by the mean "
        "SQUARE of F, not by its spread alone.",
    },
    given=lambda: {"mean": 0.03, "sd": 0.10},
    same=same_to_a_percent,
    hints=(
        "The total R² is not demeaned, so a factor counts with its mean square. What is that, in terms of "
        "mean and standard deviation?",
        "The mean square is mean² + sd². The forecast has the first term only.",
    ),
    insight="Eight percent of what is explained can be predicted. Of a total R² of 40 % that is 3.3 %.",
)

# Exercise 2: λ, by hand


@cache
def _some_factors():
    first, second = np.random.default_rng(0), np.random.default_rng(1)
    return [(first.normal(0.03, 0.1, (30, 3)),), (second.normal(0.0, 0.1, (27, 2)),)]


def lam(F):
    return np.cumsum(F, axis=0)[:-1] / np.arange(1, len(F))[:, None]


def _with_its_own_date(F):
    return (np.cumsum(F, axis=0) / np.arange(1, len(F) + 1)[:, None])[1:]


def _of_all_dates(F):
    return np.broadcast_to(F.mean(axis=0), F[1:].shape)


def _divided_by_the_next_number(F):
    return np.cumsum(F, axis=0)[:-1] / np.arange(2, len(F) + 1)[:, None]


def _the_last_date_only(F):
    return F[:-1]


def _sums(F):
    return np.cumsum(F, axis=0)[:-1]


def _across_factors(F):
    return np.cumsum(F, axis=1)[:-1] / np.arange(1, len(F))[:, None]


def _of_a_year(F):
    return np.stack([F[max(0, d - 12) : d].mean(axis=0) for d in range(1, len(F))])


def _divided_by_all(F):
    return np.cumsum(F, axis=0)[:-1] / len(F)


def _of_what_is_to_come(F):
    return np.stack([F[d:].mean(axis=0) for d in range(1, len(F))])


q2 = Exercise(
    reference=lam,
    mistakes={
        _with_its_own_date: "The factors of the date itself are in your mean. Row d must end one date earlier.",
        _of_all_dates: "This is the mean of all dates, later ones included: every row of it looks ahead.",
        _divided_by_the_next_number: "The sums are right, and each is divided by one date too many.",
        _sums: "These are the sums so far. A mean divides by the number of dates in it.",
        _across_factors: "Your sum runs across the factors. Dates go down: axis 0.",
        _the_last_date_only: "These are the factors of the date before, not the mean of all dates before.",
        _of_a_year: "Your mean looks back twelve dates. λ is the mean of ALL dates before.",
        _divided_by_all: "The sums are right, and each is divided by the number of all dates. Divide by the number of "
        "dates in the sum.",
        _of_what_is_to_come: "These are means of the date itself and of all that follow. λ is known before the date.",
        lambda F: (
            np.cumsum(F, axis=1)[:-1] / np.arange(1, F.shape[1] + 1)
        ): "These are running means across the factors. Dates go down: axis 0.",
        lambda F: np.stack([np.median(F[:d], axis=0) for d in range(1, len(F))]): "These are medians. λ is a mean.",
        lambda F: np.stack(
            [np.exp(np.log1p(F[:d]).mean(axis=0)) - 1 for d in range(1, len(F))]
        ): "Your mean compounds, as the growth of wealth does. λ is a plain mean.",
        lambda F: np.stack([F[:d].mean() for d in range(1, len(F))]): "The mean runs over the factors as well. Each "
        "factor has a λ of its own: axis=0.",
        lambda F: np.stack(
            [F[: max(d - 1, 1)].mean(axis=0) for d in range(1, len(F))]
        ): "Your mean ends one date too early: the factors of the date before are known, too.",
        lambda F: F.mean(axis=0): "This is one λ for all dates, from all dates. Before date d only d dates are known.",
        lambda F: np.concatenate(
            [[F[0]], np.cumsum(F, axis=0)[1:-1] / np.arange(1, len(F) - 1)[:, None]]
        ): "The sums are right, and each but the first is divided by one date too few.",
    },
    calls=_some_factors,
    hints=(
        "The first row belongs to date 1, and is the factors of date 0. The last row is the mean "
        "of all dates but the last.",
        "np.cumsum(F, axis=0) holds the sums up to and with each date. Leave out its last row, "
        "and divide by 1, 2, 3, …",
    ),
    insight="The one-off in this function is the most common leak of all.",
)

# Exercise 3: how many dates to purge

q3 = Choice(
    right="c",
    advice={
        "a": "The newest training rows have targets that end after the forecast is made. Which rows are these?",
        "b": "One date is not enough: the row two dates before has a target that is not over yet, either.",
        "d": "This is safe, and one date more than needed: the target of row d - 6 ends with the return of d - 1, "
        "which is known before d.",
    },
    hints=(
        "Write down, for a training row d', the last return in its target.",
        "The target of row d' ends at d' + 5, and must be known before date d: d' + 5 ≤ d - 1.",
    ),
    insight="The horizon is six, the purge five: one less. With a horizon of one nothing has to be purged.",
)

# Exercise 4: the information coefficient by hand


@cache
def _some_forecasts():
    random = np.random.default_rng(3)
    returns = [random.standard_t(3, shape) for shape in ((6, 9), (5, 20))]
    return [(r, 0.4 * r + random.standard_t(3, r.shape)) for r in returns]


def ic_by_hand(returns, forecast):
    ranks = [values.argsort(axis=1).argsort(axis=1) for values in (returns, forecast)]
    a, b = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def _correlation(a, b, axis=1):
    a, b = (values - values.mean(axis=axis, keepdims=True) for values in (a, b))
    return (a * b).sum(axis=axis) / np.sqrt((a**2).sum(axis=axis) * (b**2).sum(axis=axis))


def _ranks(values, axis=1):
    return values.argsort(axis=axis).argsort(axis=axis)


def _without_ranks(returns, forecast):
    return _correlation(returns, forecast)


def _sorted_once(returns, forecast):
    return _correlation(returns.argsort(axis=1), forecast.argsort(axis=1))


def _one_ranked(returns, forecast):
    return _correlation(returns, _ranks(forecast))


def _along_dates(returns, forecast):
    return _correlation(_ranks(returns, 0), _ranks(forecast, 0), 0)


def _pooled(returns, forecast):
    return _correlation(_ranks(returns.ravel(), 0), _ranks(forecast.ravel(), 0), 0)


def _ranked_in_one_pool(returns, forecast):
    one, other = (_ranks(values.ravel(), 0).reshape(values.shape) for values in (returns, forecast))
    return _correlation(one, other)


def _not_demeaned(returns, forecast):
    a, b = _ranks(returns), _ranks(forecast)
    return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def _mean_over_dates(returns, forecast):
    return ic_by_hand(returns, forecast).mean()


def _covariance(returns, forecast):
    a, b = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (_ranks(returns), _ranks(forecast)))
    return (a * b).mean(axis=1)


q4 = Exercise(
    reference=ic_by_hand,
    mistakes={
        _without_ranks: "This is the correlation of the numbers themselves. Rank both first: one wild return must not "
        "decide.",
        _sorted_once: "argsort says which ticker stands at each place. You need the place of each ticker: argsort of "
        "that, once more.",
        _one_ranked: "The forecast is ranked, and the return is not. Rank both.",
        _along_dates: "You ranked each ticker's dates. The coefficient of a date compares its tickers: axis 1.",
        _pooled: "This is one number for all dates together. Each date has a coefficient of its own.",
        _ranked_in_one_pool: "The ranks run over all dates together. Rank within each date, along axis 1.",
        _not_demeaned: "A correlation takes the mean out of both first. Ranks from 0 to n - 1 have a mean of "
        "(n - 1) / 2.",
        _mean_over_dates: "This is one number: the mean of the coefficients, or one correlation over all dates. Hand "
        "back a coefficient for each date.",
        lambda returns, forecast: _correlation(_ranks(returns), forecast): "The return is ranked, and the forecast is "
        "not. Rank both.",
        lambda returns, forecast: _correlation(returns.argsort(axis=1), _ranks(forecast)): "The forecast is ranked. Of "
        "the return argsort was taken once: it says who stands at each place. Take it twice.",
        lambda returns, forecast: _correlation(_ranks(returns), forecast.argsort(axis=1)): "The return is ranked. Of "
        "the forecast argsort was taken once: it says who stands at each place. Take it twice.",
        lambda returns, forecast: _covariance(returns, forecast) / (1 - 1 / returns.shape[1]): "np.cov gives the "
        "covariance of the ranks. A correlation divides by both spreads: np.corrcoef.",
        _covariance: "These are covariances of the ranks. A correlation divides by both spreads.",
        lambda returns, forecast: (
            _covariance(returns, forecast) * returns.shape[1]
        ): "These are sums of products of the ranks. A correlation divides by the root of both sums of squares.",
        lambda returns, forecast: (
            _covariance(returns, forecast) / _ranks(returns).std(axis=1)
        ): "You divided by the spread of one of the two ranks. A correlation divides by both.",
        lambda returns, forecast: (
            ic_by_hand(returns, forecast) * (1 - 1 / returns.shape[1])
        ): "The products were divided by n, the variances by n - 1. Take the same number for both.",
        lambda returns, forecast: (np.sign(returns) == np.sign(forecast)).mean(
            axis=1
        ): "This is how often the signs agree. The coefficient compares the order of the tickers.",
        lambda returns, forecast: (
            1 - (1 - ic_by_hand(returns, forecast)) / 6
        ): "The 6 of Spearman's formula is missing.",
        lambda returns, forecast: [
            kendalltau(*pair)[0] for pair in zip(returns, forecast, strict=True)
        ]: "This is Kendall's tau, which counts pairs. Asked for is the correlation of the ranks.",
        lambda returns, forecast: [
            spearmanr(*pair)[1] for pair in zip(returns, forecast, strict=True)
        ]: "This is the p value, the second number that spearmanr gives. The coefficient is the first.",
        lambda returns, forecast: -ic_by_hand(returns, forecast): "One of the two was ranked from the top. Rank both "
        "from the same end.",
        lambda returns, forecast: [
            1 - 6 * ((a - b) ** 2).sum() / (200 * (200**2 - 1))
            for a, b in zip(_ranks(returns), _ranks(forecast), strict=True)
        ]: "Your formula has 200 in it. Take the number of tickers from the arrays.",
    },
    calls=_some_forecasts,
    hints=(
        "Two steps at each date: ranks across the tickers, then an ordinary correlation of the ranks.",
        "values.argsort(axis=1).argsort(axis=1) ranks the tickers of each date, from 0 on.",
        "Take each date's mean out of both ranks. Then the sum of their products over the root of the product of "
        "their sums of squares, all along axis=1.",
    ),
    insight="Without ties this is Spearman's correlation. The helper gives ties the mean of their ranks, and leaves "
    "out tickers without a return.",
)

# Exercise 5: a date on which the order was upside down

q5 = Choice(
    right="c",
    advice={
        "a": "A wrong sign would show in the mean over dates, and that is well above zero.",
        "b": "Luck of the tickers' own noise moves the coefficient of a date by about 1/√200, which "
        "is 0.07. This is far more.",
        "d": "The characteristics of the date were known before it, and β is right. It is the other half of "
        "the product that surprised.",
    },
    hints=(
        "All 200 tickers hang on the same three factors. What happens to those with a high "
        "forecast when the factors fall?",
        "A forecast is β times the factors' mean. A return is β times the factors as they came.",
    ),
    insight="When the factors come out negative, tickers with a high β · λ fall the most, and the order turns around. "
    "That is risk, not error, and it is the same for all tickers: more of them would not help, more dates do.",
)

# Exercise 6: other real returns

q6 = Open(
    look_for="A good answer names what was known before the first test date, gives an interval beside the mean, and "
    "says what the choice of these portfolios already knew. Industries were not sorted by anything that pays, and β · "
    "λ does not order them; sorted portfolios were.",
    hints=(
        "`load_industries()` has the same shape as `load_sorted_portfolios()`: the cells above need one other word.",
        "For a forecast of your own, write it as an array (dates, tickers) of what was known before each date, and "
        "hand it to information_coefficient with the returns of the same dates.",
    ),
)
