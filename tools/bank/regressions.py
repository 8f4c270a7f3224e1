"""Questions on lessons 00 to 02: one half of β · F is given."""

import numpy as np

from tools.bank.question import Numbers, Question, between, whole

# --- How many unknowns ------------------------------------------------------------------------------------------------


def _draw_unknowns(random: np.random.Generator) -> Numbers:
    return {"n_tickers": whole(random, 150, 900), "n_dates": whole(random, 120, 600), "k": whole(random, 2, 7)}


def _answer_unknowns(n_tickers: int, n_dates: int, k: int) -> Numbers:
    return {"columns": n_tickers * (k + 1), "rows": n_dates * k, "both": k * (n_tickers + n_dates) - k**2}


def _count_unknowns(n_tickers: int, n_dates: int, k: int) -> Numbers:
    """By counting: β and F with the intercept as one more row, and U, S, V less one for each equation U'U = V'V = I."""
    equations = sum(1 for i in range(k) for j in range(i, k))
    both = np.zeros((n_dates, k)).size - equations + k + np.zeros((n_tickers, k)).size - equations
    return {"columns": np.zeros((k + 1, n_tickers)).size, "rows": np.zeros((n_dates, k)).size, "both": both}


unknowns = Question(
    topic="start_here",
    title="How many unknowns?",
    minutes=6,
    points=4,
    text="""
R holds the returns of {n_tickers} tickers on {n_dates} dates, without gaps. A model has {k} factors and a β that does
not change with the date. How many numbers are free to fit R

1. when F is given, and each ticker has an intercept beside its β;
2. when β is given, without an intercept;
3. when nothing is given, without an intercept, and two pairs (β, F) with the same product count as one?
""",
    words="""
1. {columns}: for each of {n_tickers} tickers {k} sensitivities and one intercept.
2. {rows}: {k} factor returns on each of {n_dates} dates.
3. {both}: {k} × ({n_tickers} + {n_dates}) numbers in β and F, less {k} × {k}: for every invertible matrix M the pair
   (F M, β M⁻ᵀ) has the same product.
""",
    marks=((1, "part 1, intercepts counted"), (1, "part 2"), (2, "part 3; 1 of them without taking off K × K")),
    wrong="In part 3 the sum without K × K: F and β are believed to be known one by one, where only the product is.",
    draw=_draw_unknowns,
    answer=_answer_unknowns,
    check=_count_unknowns,
)

# --- How well is a β known --------------------------------------------------------------------------------------------


def _draw_beta_error(random: np.random.Generator) -> Numbers:
    noise, sd = between(random, 5, 11), between(random, 3, 6)
    return {"noise": noise, "sd": sd, "months": whole(random, 36, 150), "wanted": between(random, 0.03, 0.09, 3)}


def _answer_beta_error(noise: float, sd: float, months: int, wanted: float) -> Numbers:
    return {"error": noise / (sd * np.sqrt(months)), "needed": (noise / (sd * wanted)) ** 2}


def _simulate_beta_error(noise: float, sd: float, months: int, wanted: float) -> Numbers:
    """The spread of the slopes of 4000 tickers without any β, each regressed on a factor of its own."""

    def spread(n: int) -> float:
        factor, rest = np.random.default_rng(0).standard_normal((2, 4000, n)) * [[[sd]], [[noise]]]
        factor -= factor.mean(axis=1, keepdims=True)
        return float(np.std((factor * rest).sum(axis=1) / (factor**2).sum(axis=1)))

    return {"error": spread(months), "needed": 600 * (spread(600) / wanted) ** 2}


beta_error = Question(
    topic="time_series_regression",
    title="How well is a β known?",
    minutes=6,
    points=4,
    text="""
A ticker is regressed on one factor over {months} months. The factor has a standard deviation of {sd} % a month, the
residual of the ticker one of {noise} %. The residuals are independent of each other and of the factor.

1. What is the standard error of β, about?
2. After about how many months is it {wanted}?
3. The ticker's returns are given by day instead, over the same {months} months. All variances of a day are 1/21 of
   those of a month. Does β become more exact, or does it not? And α, in percent a month?
""",
    words="""
1. {noise} / ({sd} × √{months}) = {error:.3f}.
2. ({noise} / ({sd} × {wanted}))² = {needed:.0f} months.
3. β does, by √21 ≈ 4.6: the ratio of the two standard deviations stays and there are 21 times as many dates. α does
   not: it is a mean, and the error of a mean hangs on the years, not on how finely they are cut.
""",
    marks=((1, "part 1"), (1, "part 2, the square"), (1, "β gains √21"), (1, "α gains nothing, with the reason")),
    wrong="“More data make everything better” in part 3. A mean return hangs on the first and the last price alone.",
    draw=_draw_beta_error,
    answer=_answer_beta_error,
    check=_simulate_beta_error,
    within=0.06,
)

# --- The line without an intercept ------------------------------------------------------------------------------------


def _draw_no_intercept(random: np.random.Generator) -> Numbers:
    alpha, beta = between(random, 0.6, 1.9), between(random, 0.6, 1.7)
    return {"alpha": alpha, "beta": beta, "mean": between(random, 0.8, 2.4), "sd": between(random, 2.5, 5)}


def _answer_no_intercept(alpha: float, beta: float, mean: float, sd: float) -> Numbers:
    square = mean**2 + sd**2
    return {"slope": beta + alpha * mean / square, "left": alpha * sd**2 / square}


def _fit_no_intercept(alpha: float, beta: float, mean: float, sd: float) -> Numbers:
    """By least squares on two dates, on which the factor is one standard deviation above and below its mean."""
    factor = np.array([mean - sd, mean + sd])
    returns = alpha + beta * factor
    slope = np.linalg.lstsq(factor[:, None], returns, rcond=None)[0][0]
    return {"slope": slope, "left": (returns - slope * factor).mean()}


no_intercept = Question(
    topic="time_series_regression",
    title="What does this line do wrong?",
    minutes=8,
    points=5,
    text="""
`R` is (n_dates, n_tickers), `F` is (n_dates, 1), both in excess of interest.

```python
betas, *_ = np.linalg.lstsq(F, R, rcond=None)
alphas = (R - F @ betas).mean(axis=0)
```

The factor has a mean of {mean} % and a standard deviation of {sd} % a month. One ticker has a true β of {beta} and a
true α of {alpha} % a month. The history is very long.

1. What is wrong?
2. Which β does the code find for this ticker, and which α?
3. For which factors would the code's β be right, whatever the α?
""",
    words="""
1. There is no column of ones: every line is forced through zero.
2. β = E[F r] / E[F²] = {beta} + {alpha} × {mean} / ({mean}² + {sd}²) = {slope:.3f}.
   α = {alpha} × {sd}² / ({mean}² + {sd}²) = {left:.3f} % a month: a part of the true α has gone into β.
3. For those with a mean of zero.
""",
    marks=((1, "the intercept is missing"), (2, "β, with E[F²] = mean² + variance"), (1, "α"), (1, "mean of zero")),
    wrong="The true α in part 2: the mean of the residuals is taken for the intercept, which it is not without one.",
    draw=_draw_no_intercept,
    answer=_answer_no_intercept,
    check=_fit_no_intercept,
)

# --- R² of nothing ----------------------------------------------------------------------------------------------------


def _draw_r2_of_nothing(random: np.random.Generator) -> Numbers:
    return {"k": whole(random, 5, 23), "months": whole(random, 40, 130)}


def _answer_r2_of_nothing(k: int, months: int) -> Numbers:
    return {"r2": 100 * k / (months - 1), "kept": 100 * np.sqrt((months - 1 - k) / months)}


def _simulate_r2_of_nothing(k: int, months: int) -> Numbers:
    """By the regressions of 8000 tickers that are pure noise."""
    random = np.random.default_rng(0)
    noise, useless = random.standard_normal((months, 8000)), random.standard_normal((months, k))
    design = np.column_stack([np.ones(months), useless])
    left = noise - design @ np.linalg.lstsq(design, noise, rcond=None)[0]
    shares = 1 - (left**2).sum(axis=0) / ((noise - noise.mean(axis=0)) ** 2).sum(axis=0)
    return {"r2": 100 * float(shares.mean()), "kept": 100 * float(np.sqrt((left**2).mean()))}


r2_of_nothing = Question(
    topic="time_series_regression",
    title="An R² of nothing",
    minutes=7,
    points=4,
    text="""
A ticker's returns are pure noise: independent, normal, and nothing to do with any factor. It is regressed on {k}
useless factors and an intercept, over {months} months. Here R² compares with the ticker's mean, as in every textbook.

1. What R² is to be expected on these months?
2. The noise's variance is estimated by the mean of the squared residuals. Which share of the true standard deviation
   does its root show, in percent? By what should the sum of squares be divided instead?
3. What R² is to be expected on later months: more than zero, zero, or less?
""",
    words="""
1. {k} / ({months} − 1) = {r2:.1f} %. Each factor catches, by chance, one of the {months} − 1 directions that are left
   after the mean.
2. Of {months} directions {months} − 1 − {k} are left: √(({months} − 1 − {k}) / {months}) = {kept:.1f} %. Divide by
   {months} − 1 − {k}, the degrees of freedom.
3. Less: the fitted betas are noise, and add their own variance to the error.
""",
    marks=((2, "part 1; 1 with n_dates in the denominator"), (1, "the degrees of freedom"), (1, "below zero, and why")),
    wrong="Zero in part 3: a forecast that has nothing to do with the returns costs its own variance.",
    draw=_draw_r2_of_nothing,
    answer=_answer_r2_of_nothing,
    check=_simulate_r2_of_nothing,
    within=0.03,
)

# --- Ranks moved ------------------------------------------------------------------------------------------------------


def _draw_moved_ranks(random: np.random.Generator) -> Numbers:
    return {"level": between(random, -4, -0.5, 3), "slope": between(random, 1.2, 4.9, 3)}


def _answer_moved_ranks(level: float, slope: float) -> Numbers:
    return {"new_level": level - slope, "new_slope": 2 * slope}


def _fit_moved_ranks(level: float, slope: float) -> Numbers:
    """By the regression of a date with 99 tickers whose noise has nothing to do with the ranks."""
    ranks = np.linspace(-1, 1, 99)
    old = np.column_stack([np.ones(99), ranks])
    noise = np.random.default_rng(0).standard_normal(99)
    noise -= old @ np.linalg.lstsq(old, noise, rcond=None)[0]
    new = np.column_stack([np.ones(99), (ranks + 1) / 2])
    new_level, new_slope = np.linalg.lstsq(new, old @ [level, slope] + noise, rcond=None)[0]
    return {"new_level": new_level, "new_slope": new_slope}


moved_ranks = Question(
    topic="cross_sectional_regression",
    title="Ranks from 0 to 1",
    minutes=7,
    points=5,
    text="""
On one date the returns are regressed, across tickers, on a constant and on the rank z of one characteristic, which runs
from −1 to 1. The factor of the constant returned {level} %, that of the rank {slope} %. A colleague has ranks from 0 to
1 instead, (z + 1) / 2, and the same tickers.

1. What do his two factors return on this date?
2. Do his fitted returns differ from ours? Does his total R²?
3. Both leave the constant out. Answer 2 again.
""",
    words="""
1. {level} + {slope} z = ({level} − {slope}) + 2 × {slope} × (z + 1) / 2: the constant's factor returns
   {new_level:.3f} %, that of the rank {new_slope:.3f} %.
2. Neither: both pairs of columns span the same lines.
3. Both differ. Through zero our line may have returns of either sign at the two ends, his is zero at the smallest rank
   and has one sign everywhere. Without a constant it matters where the zero of a characteristic is.
""",
    marks=((1, "the rank's factor"), (1, "the constant's factor"), (1, "part 2"), (2, "part 3; 1 without a reason")),
    wrong="The constant's factor unchanged. Its portfolio is that of a ticker at z = 0, and at his zero z is −1.",
    draw=_draw_moved_ranks,
    answer=_answer_moved_ranks,
    check=_fit_moved_ranks,
)

# --- A factor that nobody could hold ----------------------------------------------------------------------------------

held_by_nobody = Question(
    topic="cross_sectional_regression",
    title="A portfolio that nobody could hold",
    minutes=6,
    points=4,
    text="""
A student writes: “A factor return is the return of a portfolio, so I report what my value portfolio earned.”

```python
betas = TimeSeriesRegression().fit(panel).betas_                   # all dates, F is the published factors
value = (panel.returns @ np.linalg.pinv(betas).T)[:, 2]            # the third factor, date by date
print(sharpe_ratio(value, 12))
```

1. Could anybody have held this portfolio at the time? Why, or why not?
2. Would it help to drop the dates before 1990 from the second line alone?
3. Change the recipe so that the question has the answer yes.
""",
    words="""
1. No. Its weights are the rows of (βᵀβ)⁻¹βᵀ, and this β was fitted to all dates, the later ones included. At each date
   the weights know how the tickers will move with the factors afterwards.
2. No. The portfolio of 1991 would still rest on returns of 1992 and later.
3. At each date β from the dates before it alone (a rolling or a growing window, as `rolling_betas` makes), one
   regression across tickers for each date, and the first window left out of the report.
""",
    marks=((2, "weights come from β, and β from later dates"), (1, "part 2"), (1, "betas of the past alone")),
    wrong="“Yes, F is solved for on each date alone”: the returns are those of the date, the weights are not.",
)

QUESTIONS = (unknowns, beta_error, no_intercept, r2_of_nothing, moved_ranks, held_by_nobody)
