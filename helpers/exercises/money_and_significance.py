"""Exercises of lesson 15: money and significance."""

from functools import cache, partial

import numpy as np

from helpers.exercises.answers import same_to_a_percent
from helpers.exercises.checker import Exercise, Open

# Exercise 1: how many bets stand behind a Sharpe ratio


def n_bets(sharpe, r2):
    return sharpe**2 / (12 * r2)


_WRONG_COUNTS = [
    (lambda sharpe, r2: sharpe**2 / r2,
     "The Sharpe ratio is that of a year, and R² that of a month. Where do the 12 months come in?"),
    (lambda sharpe, r2: sharpe / (12 * r2),
     "The Sharpe ratio grows with the ROOT of the number of bets: square it."),
    (lambda sharpe, r2: sharpe**2 / (12 * 100 * r2),
     "R² of 0.57 % is 0.0057. You used the percent."),
    (lambda sharpe, r2: sharpe**2 / (12 * np.sqrt(r2)),
     "Squared, the right side holds R² itself, not its root."),
    (lambda sharpe, r2: sharpe**2 / (144 * r2),
     "A year has √12 times the Sharpe ratio of a month. Squared that is 12, not 144."),
    (lambda sharpe, r2: sharpe**2 / (12 * r2**2),
     "R² is a square already. Only the Sharpe ratio has to be squared."),
    (lambda sharpe, r2: sharpe / np.sqrt(12) / r2,
     "The Sharpe ratio of a month is right. It grows with the ROOT of the number: square it."),
    (lambda sharpe, r2: 12 * sharpe**2 / r2,
     "The 12 stands above, where it should be below: a month's ratio is smaller than a year's."),
    (lambda sharpe, r2: 12 * r2 / sharpe**2,
     "Your fraction stands on its head: few bets would make a high Sharpe ratio."),
]  # fmt: skip

q1 = Exercise(
    reference=n_bets,
    mistakes=dict(_WRONG_COUNTS),
    given=lambda: {"sharpe": 2.68, "r2": 0.0057},
    same=same_to_a_percent,
    hints=("Solve the formula of this section for N.", "Square both sides: S² = 12 · N · R².", "N = S² / (12 · R²)."),
    insight="About a hundred. There are 6,200 stocks in a month of the paper's data, so they are far from being as "
    "many independent bets; and holding only the outer deciles, with equal weights, wastes a part of a forecast.",
)

# Exercise 2: one asset that pays anyway


def sharpe_with_forecast(sharpe, r2):
    return np.sqrt((sharpe**2 + r2) / (1 - r2))


_WRONG_RATIOS = [
    (lambda sharpe, r2: sharpe + r2,
     "You added R² to a Sharpe ratio. R² is made of squares: square, add, and take the root."),
    (lambda sharpe, r2: sharpe + np.sqrt(r2),
     "Roots do not add up. Their squares do: S² and R²."),
    (lambda sharpe, r2: np.sqrt(r2 / (1 - r2)),
     "This is what the forecast earns alone. The asset pays on average as well."),
    (lambda sharpe, r2: sharpe * np.sqrt(1 + r2),
     "You raised S² by a share of itself. R² is added to S², not multiplied with it."),
    (lambda sharpe, r2: (sharpe**2 + r2) / (1 - r2),
     "This is the square of the Sharpe ratio. Take the root."),
    (lambda sharpe, r2: np.sqrt(12) * sharpe_with_forecast(sharpe, r2),
     "Right, and as of a year. Asked for is the ratio of a month, like the one given."),
    (lambda sharpe, r2: np.sqrt(sharpe**2 + r2),
     "The denominator 1 - R² is missing: with a forecast less of the variance is a surprise."),
    (lambda sharpe, r2: np.sqrt((sharpe**2 + r2) / (1 + r2)),
     "Below stands 1 - R²: with a forecast less of the variance is a surprise, not more."),
    (lambda sharpe, r2: np.sqrt(sharpe**2 + r2 / (1 - r2)),
     "1 - R² divides the whole sum, S² as well."),
    (lambda sharpe, r2: np.sqrt((sharpe**2 + r2**2) / (1 - r2**2)),
     "R² = 0.005 is a square already. You squared it again."),
    (lambda sharpe, r2: np.sqrt((sharpe + r2) / (1 - r2)),
     "R² is made of squares, so S has to be squared before the two are added."),
    (lambda sharpe, r2: round(float(sharpe_with_forecast(sharpe, r2)), 2),
     "Two digits are too few to see what the forecast adds. Give three."),
    (lambda sharpe, r2: sharpe_with_forecast(sharpe, 100 * r2),
     "Half a percent is 0.005. You took R² for a half."),
    (lambda sharpe, r2: np.sqrt(sharpe**2 + r2) / (1 - r2),
     "The root goes over the whole fraction, 1 - R² as well."),
    (lambda sharpe, r2: sharpe_with_forecast(sharpe, r2) - sharpe,
     "This is what the forecast adds. Asked for is the whole Sharpe ratio with it."),
]  # fmt: skip

q2 = Exercise(
    reference=sharpe_with_forecast,
    mistakes=dict(_WRONG_RATIOS),
    given=lambda: {"sharpe": 0.15, "r2": 0.005},
    hints=("The formula stands above: both are of a month.", "Root of (S² + R²) / (1 - R²), with R² = 0.005."),
    insight="From 0.15 to 0.166: a tenth more, of half a percent. What R² is worth is measured against S², which is "
    "0.0225 for a month.",
)

# Exercise 3: the cost at which nothing is left


@cache
def _some_portfolios():
    random = np.random.default_rng(4)
    return [(random.normal(0.008, 0.03, n), random.uniform(low, high, n - 1)) for n, low, high in
            ((60, 0.5, 1.5), (24, 1.2, 3.0))]  # fmt: skip


def break_even(earned, traded):
    return earned.mean() / traded.mean()


def _of_single_dates(earned, traded, dates):
    return (earned[dates] / traded).mean()


def _on_its_head(earned, traded):
    return traded.mean() / earned.mean()


def _by_the_trade(earned, traded, above, below=np.mean):
    return above(earned) / below(traded)


def _difference(earned, traded):
    return earned.mean() - traded.mean()


_mean_of_ratios = partial(_of_single_dates, dates=slice(-1))
_mean_of_later_ratios = partial(_of_single_dates, dates=slice(1, None))
_medians = partial(_by_the_trade, above=np.median, below=np.median)
_one_date_short = partial(_by_the_trade, above=lambda earned: earned[1:].mean())
_last_date_dropped = partial(_by_the_trade, above=lambda earned: earned[:-1].mean())
_of_the_sum = partial(_by_the_trade, above=np.sum)
_sum_by_sum = partial(_by_the_trade, above=np.sum, below=np.sum)
_yearly_over_monthly = partial(_by_the_trade, above=lambda earned: 12 * earned.mean())
_there_and_back = partial(_by_the_trade, above=lambda earned: earned.mean() / 2)
_of_risk = partial(_by_the_trade, above=lambda earned: earned.mean() / earned.std(ddof=1))


q3 = Exercise(
    reference=break_even,
    mistakes={
        _mean_of_ratios: "A mean of ratios is not the ratio of the means: dates with hardly any trade would decide. "
        "Divide mean by mean.",
        _mean_of_later_ratios: "These are ratios of single dates, and their mean. Divide mean by mean: a date with "
        "hardly any trade should not decide.",
        _difference: "You took one mean off the other. A cost of c takes c times the turnover: divide.",
        _medians: "These are medians. What is left in the end is a mean: a rare large return counts, too.",
        _on_its_head: "Your fraction stands on its head: it says how much is traded for each unit earned.",
        _one_date_short: "Every return counts in the mean, the first as well: each mean runs over its own length.",
        _last_date_dropped: "Every return counts in the mean, the last as well: each mean runs over its own length.",
        _of_the_sum: "This divides a sum by a mean. Take the mean of both.",
        _yearly_over_monthly: "What is earned counts by the year, what is traded by the month. Take both by the date.",
        _there_and_back: "The turnover counts purchases and sales both, already. No half is needed.",
        _of_risk: "You divided by the standard deviation as well. A cost is paid out of the mean.",
        _sum_by_sum: "These are sums of different lengths: there is one return more than there are trades. Take the "
        "mean of each.",
    },
    calls=_some_portfolios,
    hints=(
        "What is left per date at a cost c for each unit traded is the mean return less c times the mean turnover.",
        "Set that to zero, and solve for c.",
    ),
    insight="Below this cost the portfolio earns something, above it nothing. What is left after costs still has to "
    "be worth its risk.",
)

# Exercise 4: Benjamini and Hochberg


@cache
def _some_p_values():
    first = np.array([0.041, 0.0002, 0.62, 0.0045, 0.024, 0.31, 0.0205, 0.9, 0.05, 0.0053])
    second = np.random.default_rng(2).permutation(np.append(np.linspace(0.004, 0.09, 12), 0.5))
    third, none = np.array([0.014, 0.6, 0.001, 0.012]), np.array([0.7, 0.04, 0.2, 0.5])  # in the last nothing is found
    return [(first, 0.05), (second, 0.1), (third, 0.05), (none, 0.05)]


def found(p, q):
    order = np.argsort(p)
    below = np.flatnonzero(p[order] <= q * np.arange(1, len(p) + 1) / len(p))
    result = np.zeros(len(p), dtype=bool)
    if len(below):
        result[order[: below[-1] + 1]] = True
    return result


def _own_line_only(p, q):
    ranks = p.argsort().argsort() + 1
    return p <= q * ranks / len(p)


def _until_the_first_above(p, q):
    order = np.argsort(p)
    above = p[order] > q * np.arange(1, len(p) + 1) / len(p)
    result = np.zeros(len(p), dtype=bool)
    result[order[: np.argmax(above)]] = True
    return result


def _ranks_from_zero(p, q):
    order = np.argsort(p)
    below = np.flatnonzero(p[order] <= q * np.arange(len(p)) / len(p))
    result = np.zeros(len(p), dtype=bool)
    if len(below):
        result[order[: below[-1] + 1]] = True
    return result


def _ranked_the_other_way(p, q):
    return p <= q * ((-p).argsort().argsort() + 1) / len(p)


def _number_of_the_lesson(p, q):
    return found(p, q * len(p) / 95)


def _lines(p, q):
    return q * np.arange(1, len(p) + 1) / len(p)


def _last_one_left_out(p, q):
    return p < p[found(p, q)].max(initial=0.0)


def _first_one_alone(p, q):
    return p <= np.where(np.sort(p) <= _lines(p, q), np.sort(p), 1.0).min() if found(p, q).any() else found(p, q)


def _holm(p, q):
    order = np.argsort(p)
    result = np.zeros(len(p), dtype=bool)
    result[order] = np.cumprod(p[order] <= q / np.arange(len(p), 0, -1)).astype(bool)
    return result


q4 = Exercise(
    reference=found,
    mistakes={
        (lambda p, q: p <= q): "Each p-value is compared with q, as if it were the only one.",
        (
            lambda p, q: p <= q / len(p)
        ): "This is Bonferroni: every p-value meets q / m. Here the k-th smallest meets k q / m.",
        _own_line_only: "Nearly. All p-values up to the LAST one under its line are found, those among them that lie "
        "above their own line as well.",
        _until_the_first_above: "You stopped at the first p-value above its line. The LAST one below it decides, and "
        "all smaller ones come along.",
        _ranks_from_zero: "Your ranks begin at 0, so that the smallest p-value meets a line of 0. Begin at 1.",
        (
            lambda p, q: np.sort(found(p, q))[::-1]
        ): "The number is right. But the answers stand in the order of the sorted p-values: bring them back.",
        _ranked_the_other_way: "Your ranks run from the largest to the smallest. The smallest p-value has rank 1.",
        (lambda p, q: found(p, q).sum()): "The number is right. Asked for is one answer for each p-value.",
        _number_of_the_lesson: "You divided by the 95 of the lesson. m is the number of these p-values, len(p).",
        (
            lambda p, q: p <= _lines(p, q)
        ): "The line rises with the rank of a p-value, and yours with its place in the array. Sort first.",
        (
            lambda p, q: np.sort(p) <= _lines(p, q)
        ): "These are the sorted p-values, each against its own line. The last one below decides "
        "for all before it, and the answers belong where the p-values stood.",
        _last_one_left_out: "The last p-value below its line is a discovery, too. Yours leaves it out.",
        _first_one_alone: "You go up to the first p-value below its line. The LAST one decides.",
        (lambda p, q: found(p, q / (1 / np.arange(1, len(p) + 1)).sum())): "This is Benjamini and Yekutieli's line. "
        "Theirs is lower, for tests that depend in any way.",
        (lambda p, q: p < 0): "You find nothing at all. Does your line begin at 0? The smallest p-value has rank 1.",
        _holm: "Your line is q / (m - k + 1), which is Holm's. That of Benjamini and Hochberg is k q / m.",
        (
            lambda p, q: p <= q / np.arange(len(p), 0, -1)
        ): "Your line is q / (m - k + 1), in the order of the array. Sort, and take k q / m.",
    },
    calls=_some_p_values,
    hints=(
        "Sort, draw the line k q / m, and look for the last p-value that is not above it.",
        "np.flatnonzero(p[order] <= line)[-1] is its place in the order; it and all before it are found.",
        "Fill an array of False with True at order[: place + 1], so that the answers stand where the p-values did.",
    ),
    insight="Of those found, at most the share q is false on average (q times the share of tests with nothing in it), "
    "where the tests are independent or depend on each other in certain positive ways.",
)

# Exercise 5: an honest linear competitor


@cache
def _some_rows():
    random = np.random.default_rng(5)
    return [
        (random.uniform(-1, 1, (n, k)), random.normal(0.1, 1, n), random.uniform(-1, 1, (4, k)), penalty)
        for n, k, penalty in ((60, 3, 5.0), (40, 2, 1.0))
    ]


def ridge_with_products(x, y, x_new, penalty):
    def bent(x):
        j, k = np.triu_indices(x.shape[1])
        return np.hstack([x, x[:, j] * x[:, k]])  # squares where j = k

    a = bent(x)
    b = np.linalg.solve(a.T @ a + penalty * np.eye(a.shape[1]), a.T @ y)
    return bent(x_new) @ b


def _bent(x, pairs=np.triu_indices, straight=True):
    j, k = pairs(x.shape[1])
    return np.hstack([x, x[:, j] * x[:, k]] if straight else [x[:, j] * x[:, k]])


def _ridge(x, y, x_new, penalty, **how):
    return _plain_ridge(_bent(x, **how), y, _bent(x_new, **how), penalty)


def _plain_ridge(x, y, x_new, penalty):
    return x_new @ np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)


_squares_only = partial(_ridge, pairs=lambda n: (np.arange(n), np.arange(n)))
_products_only = partial(_ridge, pairs=lambda n: np.triu_indices(n, 1))
_every_pair_twice = partial(_ridge, pairs=lambda n: tuple(axis.ravel() for axis in np.indices((n, n))))
_without_the_characteristics = partial(_ridge, straight=False)


def _other_penalty(x, y, x_new, penalty, of):
    return _ridge(x, y, x_new, of(penalty, len(x)))


_without_penalty = partial(_other_penalty, of=lambda penalty, n: 0.0)
_penalty_times_rows = partial(_other_penalty, of=lambda penalty, n: penalty * n)


def _demeaned(x, y, x_new, penalty):
    return _ridge(x, y - y.mean(), x_new, penalty) + y.mean()


def _with_a_constant(x, y, x_new, penalty):
    x, x_new = (np.hstack([bent, np.ones((len(bent), 1))]) for bent in map(_bent, (x, x_new)))
    return _plain_ridge(x, y, x_new, penalty)


def _with_a_free_constant(x, y, x_new, penalty):
    a = _bent(x)
    return _plain_ridge(a - a.mean(axis=0), y - y.mean(), _bent(x_new) - a.mean(axis=0), penalty) + y.mean()


def _penalty_everywhere(x, y, x_new, penalty):
    a = _bent(x)
    return _bent(x_new) @ np.linalg.solve(a.T @ a + penalty, a.T @ y)


def _standardised(x, y, x_new, penalty):
    a, a_new = ((bent - bent.mean(axis=0)) / bent.std(axis=0) for bent in map(_bent, (x, x_new)))
    return _plain_ridge(a, y, a_new, penalty)


def _squares_twice(x, y, x_new, penalty):
    return _plain_ridge(np.hstack([_bent(x), x**2]), y, np.hstack([_bent(x_new), x_new**2]), penalty)


q5 = Exercise(
    reference=ridge_with_products,
    mistakes={
        _squares_only: "The squares are there. The products of two different characteristics are missing.",
        _products_only: "The products of different characteristics are there. Their squares are missing.",
        _every_pair_twice: "Each product of two characteristics is in twice, which halves its penalty. np.triu_indices "
        "gives each pair once.",
        _without_the_characteristics: "Squares and products are there, and the characteristics themselves are gone.",
        _without_penalty: "This is least squares. Add penalty times the unit matrix to A'A.",
        _penalty_times_rows: "You multiplied the penalty by the number of rows. Add it as it is.",
        _plain_ridge: "These are the characteristics alone: nothing of it bends.",
        _penalty_everywhere: "A'A + penalty adds it to every number of the matrix. It belongs on the diagonal: "
        "times np.eye.",
        _standardised: "You standardised the columns, and those of x_new by their own mean. Take them as they are.",
        _squares_twice: "The squares are in twice: products with j <= k hold them already.",
        _demeaned: "You took the mean out of y and put it back. No constant was asked for: the returns are in excess.",
        _with_a_constant: "There is a column of ones in your table. No constant was asked for: the returns are in "
        "excess.",
        _with_a_free_constant: "Your regression has an intercept (scikit-learn's has one unless told otherwise: "
        "fit_intercept=False). No constant was asked for.",
    },
    calls=_some_rows,
    hints=(
        "First make the table: characteristics, squares, products. Then one ridge regression, and the same table of "
        "x_new.",
        "j, k = np.triu_indices(n) are all pairs with j <= k: x[:, j] * x[:, k] has squares and products.",
        "b = np.linalg.solve(A.T @ A + penalty * np.eye(A.shape[1]), A.T @ y)",
    ),
    insight="It is linear in what it learns, so it has one minimum, no seed and no training that could go wrong. "
    "Whoever reports a network should report this beside it.",
)

# Exercise 6: one's own claim

q6 = Open(
    look_for="A good answer has five numbers: a mean with its interval, the number of things that were tried, the "
    "turnover and the break-even cost, and the score of the simplest competitor. A claim that leaves one out should be "
    "asked for it.",
    hints=(
        "Take a paper, a blog or a fund's page, and look for each of the five.",
        "How many forecasts, portfolios and periods did its authors probably try?",
    ),
)
