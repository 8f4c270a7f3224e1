"""Exercises of lesson 15: money and significance."""

from functools import cache, partial

import numpy as np

from helpers.exercises.answers import same_to_a_percent
from helpers.exercises.checker import Exercise, Open

# Exercise 1: how many bets stand behind a Sharpe ratio


def n_bets(sharpe, r2):
    return sharpe**2 / (12 * r2)


def _of_a_year(sharpe, r2):
    return sharpe**2 / r2


def _not_squared(sharpe, r2):
    return sharpe / (12 * r2)


def _in_percent(sharpe, r2):
    return sharpe**2 / (12 * 100 * r2)


def _root_of_r2(sharpe, r2):
    return sharpe**2 / (12 * np.sqrt(r2))


def _year_squared(sharpe, r2):
    return sharpe**2 / (144 * r2)


def _upside_down(sharpe, r2):
    return 12 * r2 / sharpe**2


q1 = Exercise(
    reference=n_bets,
    mistakes={
        _of_a_year: "The Sharpe ratio is that of a year, and R² that of a month. Where do the 12 months come in?",
        _not_squared: "The Sharpe ratio grows with the ROOT of the number of bets: square it.",
        _in_percent: "R² of 0.57 % is 0.0057. You used the percent.",
        _root_of_r2: "Squared, the right side holds R² itself, not its root.",
        _year_squared: "A year has √12 times the Sharpe ratio of a month. Squared that is 12, not 144.",
        _upside_down: "Your fraction stands on its head: few bets would make a high Sharpe ratio.",
    },
    given=lambda: {"sharpe": 2.68, "r2": 0.0057},
    same=same_to_a_percent,
    hints=("Solve the formula of this section for N.", "Square both sides: S² = 12 · N · R².", "N = S² / (12 · R²)."),
    insight="About a hundred. There are 6,200 stocks in a month of the paper's data, so they are far from being as "
    "many independent bets; and holding only the outer deciles, with equal weights, wastes a part of a forecast.",
)

# Exercise 2: one asset that pays anyway


def sharpe_with_forecast(sharpe, r2):
    return np.sqrt((sharpe**2 + r2) / (1 - r2))


def _sum_of_unlike(sharpe, r2):
    return sharpe + r2


def _sum_of_roots(sharpe, r2):
    return sharpe + np.sqrt(r2)


def _forecast_alone(sharpe, r2):
    return np.sqrt(r2 / (1 - r2))


def _share_on_top(sharpe, r2):
    return sharpe * np.sqrt(1 + r2)


def _still_squared(sharpe, r2):
    return (sharpe**2 + r2) / (1 - r2)


def _as_of_a_year(sharpe, r2):
    return np.sqrt(12) * sharpe_with_forecast(sharpe, r2)


def _above_alone(sharpe, r2):
    return np.sqrt(sharpe**2 + r2)


def _plus_below(sharpe, r2):
    return np.sqrt((sharpe**2 + r2) / (1 + r2))


def _only_r2_divided(sharpe, r2):
    return np.sqrt(sharpe**2 + r2 / (1 - r2))


def _r2_squared(sharpe, r2):
    return np.sqrt((sharpe**2 + r2**2) / (1 - r2**2))


def _sharpe_not_squared(sharpe, r2):
    return np.sqrt((sharpe + r2) / (1 - r2))


def _gain_alone(sharpe, r2):
    return sharpe_with_forecast(sharpe, r2) - sharpe


q2 = Exercise(
    reference=sharpe_with_forecast,
    mistakes={
        _sum_of_unlike: "You added R² to a Sharpe ratio. R² is made of squares: square, add, and take the root.",
        _sum_of_roots: "Roots do not add up. Their squares do: S² and R².",
        _forecast_alone: "This is what the forecast earns alone. The asset pays on average as well.",
        _share_on_top: "You raised S² by a share of itself. R² is added to S², not multiplied with it.",
        _still_squared: "This is the square of the Sharpe ratio. Take the root.",
        _as_of_a_year: "Right, and as of a year. Asked for is the ratio of a month, like the one given.",
        _above_alone: "The denominator 1 - R² is missing: with a forecast less of the variance is a surprise.",
        _plus_below: "Below stands 1 - R²: with a forecast less of the variance is a surprise, not more.",
        _only_r2_divided: "1 - R² divides the whole sum, S² as well.",
        _r2_squared: "R² = 0.005 is a square already. You squared it again.",
        _sharpe_not_squared: "R² is made of squares, so S has to be squared before the two are added.",
        _gain_alone: "This is what the forecast adds. Asked for is the whole Sharpe ratio with it.",
    },
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


def _mean_of_ratios(earned, traded):
    return (earned[:-1] / traded).mean()


def _on_its_head(earned, traded):
    return traded.mean() / earned.mean()


def _by_the_trade(earned, traded, above, below=np.mean):
    return above(earned) / below(traded)


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
    first = np.array([0.041, 0.0002, 0.62, 0.0095, 0.024, 0.31, 0.0205, 0.9, 0.05, 0.0149])
    second = np.random.default_rng(2).permutation(np.append(np.linspace(0.004, 0.09, 12), 0.5))
    return [(first, 0.05), (second, 0.1), (np.array([0.7, 0.04, 0.2, 0.5]), 0.05)]  # in the last nothing is found


def found(p, q):
    order = np.argsort(p)
    below = np.flatnonzero(p[order] <= q * np.arange(1, len(p) + 1) / len(p))
    result = np.zeros(len(p), dtype=bool)
    if len(below):
        result[order[: below[-1] + 1]] = True
    return result


def _one_by_one(p, q):
    return p <= q


def _bonferroni(p, q):
    return p <= q / len(p)


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


def _sorted(p, q):
    return np.sort(found(p, q))[::-1]


def _ranked_the_other_way(p, q):
    return p <= q * ((-p).argsort().argsort() + 1) / len(p)


def _only_their_number(p, q):
    return found(p, q).sum()


def _number_of_the_lesson(p, q):
    return found(p, q * len(p) / 94)


q4 = Exercise(
    reference=found,
    mistakes={
        _one_by_one: "Each p-value is compared with q, as if it were the only one.",
        _bonferroni: "This is Bonferroni: every p-value meets q / m. Here the k-th smallest meets k q / m.",
        _own_line_only: "Nearly. All p-values up to the LAST one under its line are found, those among them that lie "
        "above their own line as well.",
        _until_the_first_above: "You stopped at the first p-value above its line. The LAST one below it decides, and "
        "all smaller ones come along.",
        _ranks_from_zero: "Your ranks begin at 0, so that the smallest p-value meets a line of 0. Begin at 1.",
        _sorted: "The number is right. But the answers stand in the order of the sorted p-values: bring them back.",
        _ranked_the_other_way: "Your ranks run from the largest to the smallest. The smallest p-value has rank 1.",
        _only_their_number: "The number is right. Asked for is one answer for each p-value.",
        _number_of_the_lesson: "You divided by 94. m is the number of these p-values, len(p).",
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


def _ridge(x, y, x_new, penalty, pairs=lambda n: np.triu_indices(n), straight=True):
    def bent(x):
        j, k = pairs(x.shape[1])
        return np.hstack([x, x[:, j] * x[:, k]] if straight else [x[:, j] * x[:, k]])

    a = bent(x)
    return bent(x_new) @ np.linalg.solve(a.T @ a + penalty * np.eye(a.shape[1]), a.T @ y)


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


def _without_penalty(x, y, x_new, penalty):
    return _ridge(x, y, x_new, 0.0)


def _penalty_times_rows(x, y, x_new, penalty):
    return _ridge(x, y, x_new, penalty * len(x))


def _demeaned(x, y, x_new, penalty):
    return _ridge(x, y - y.mean(), x_new, penalty) + y.mean()


def _with_a_constant(x, y, x_new, penalty):
    x, x_new = (np.hstack([bent, np.ones((len(bent), 1))]) for bent in map(_bent, (x, x_new)))
    return _plain_ridge(x, y, x_new, penalty)


def _with_a_free_constant(x, y, x_new, penalty):
    a = _bent(x)
    return _plain_ridge(a - a.mean(axis=0), y - y.mean(), _bent(x_new) - a.mean(axis=0), penalty) + y.mean()


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
