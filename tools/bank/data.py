"""Questions on lessons 19 to 21: files as they come, what may be said of real stocks, a place on a leaderboard."""

import numpy as np

from tools.bank.question import Numbers, Question, between, whole

# --- A row too early --------------------------------------------------------------------------------------------------

row_too_early = Question(
    topic="your_own_files",
    title="One line to shift",
    minutes=9,
    points=6,
    text="""
`frame` has a row for each permno and month, sorted by permno and month. The row of 2015-03 holds the return of March
2015 and `size`, the market value **at the end of** March 2015. Some permnos miss months in the middle. A student wants
what was known before the return, and writes

```python
frame["size"] = frame["size"].shift(1)
```

1. What was wrong before this line? How would it have shown in a forecast by size?
2. The line is wrong in two ways. Which rows get a wrong value, and whose?
3. Write it right, in words or in pandas.
4. Another column, `profit`, belongs to the quarter that ended with March, and was published in May. In which row may it
   first stand?
5. Describe a test that finds all such mistakes without reading the code.
""",
    words="""
1. A row a month too early: the value at the end of March contains March's return. Tickers that went up are larger, so
   size would seem to forecast high returns.
2. The first row of each permno gets the last size of the permno above it. And after a gap the row gets the size of
   months ago as if it were last month's.
3. By permno and by month: `frame.groupby("permno")["size"].shift(1)`, and NaN where the month before is not the one in
   the row above; or join the frame with itself, each month moved on by one.
4. June's: the return of May begins before the report is out.
5. Change the future: alter all returns and values from a date on. Nothing that is said of earlier dates, and no
   forecast for that date itself, may move.
""",
    marks=(
        (1, "the date's own return, and the sign"),
        (2, "the first row of a permno; the row after a gap"),
        (1, "by permno and by month"),
        (1, "June"),
        (1, "change the future"),
    ),
    wrong="`groupby` alone in part 3: it mends the first row of each permno and leaves the gaps.",
)

# --- Those who are left -----------------------------------------------------------------------------------------------


def _draw_survivors(random: np.random.Generator) -> Numbers:
    return {"sd": between(random, 22, 48, 1), "years": whole(random, 5, 25), "premium": between(random, 0.5, 2.5)}


def _answer_survivors(sd: float, years: int, premium: float) -> Numbers:
    gift = sd / np.sqrt(years) * np.sqrt(2 / np.pi)
    return {"gift": gift, "kept": premium + gift}


def _simulate_survivors(sd: float, years: int, premium: float) -> Numbers:
    """Year by year, 200,000 tickers, of which those with an average above the premium are kept."""
    random = np.random.default_rng(0)
    total = np.zeros(200_000)
    for _ in range(years):
        total += premium + sd * random.standard_normal(total.size)
    means = total / years
    kept = float(means[means > premium].mean())
    return {"gift": kept - premium, "kept": kept}


survivors = Question(
    topic="your_own_files",
    title="Those who are left",
    minutes=8,
    points=5,
    text="""
Every ticker has the same expected return, {premium} % a year above interest, and a standard deviation of {sd} % a year,
normal and independent. After {years} years a list is made of the half with the higher averages over these years; the
file that you get holds those alone, from the first year on. (The mean of the upper half of a normal distribution is
0.798 standard deviations above its middle.)

1. Which average return over these {years} years do the tickers of the file show?
2. What do they earn on average in the years after?
3. A model is fitted to the first half of the file's years and tested on the second half. Does the honest split help?
4. Does hedging, or a comparison of two models on this file, suffer in the same way?
""",
    words="""
1. The averages have a standard deviation of {sd} / √{years}; 0.798 of it is {gift:.2f}, so {kept:.2f} % a year.
2. {premium} % as all others: they were lucky, not better.
3. No. The list was made after the last year, so that both halves hold the same luck; a constant forecast above zero
   “works” in the test.
4. Less. Means are spoilt above all. What moves with what, and a difference of two models on the same returns, are hurt
   less; but a model that says something higher on average gains by it.
""",
    marks=(
        (2, "part 1; 1 without the root of the years"),
        (1, "the premium"),
        (1, "both halves"),
        (1, "means above all"),
    ),
    wrong="“The test is out of sample, so it is clean”: the sample itself was chosen by its end.",
    draw=_draw_survivors,
    answer=_answer_survivors,
    check=_simulate_survivors,
    within=0.01,
)

# --- Its own company --------------------------------------------------------------------------------------------------


def _draw_own_company(random: np.random.Generator) -> Numbers:
    return {"n_tickers": whole(random, 9, 35), "alike": between(random, 0.08, 0.35, 3)}


def _answer_own_company(n_tickers: int, alike: float) -> Numbers:
    mine = (1 + (n_tickers - 1) * alike) / n_tickers
    others = alike**2 * (n_tickers - 1) / (1 + (n_tickers - 2) * alike)
    return {"mine": 100 * mine, "others": 100 * others}


def _compute_own_company(n_tickers: int, alike: float) -> Numbers:
    """By regressions on days with just these covariances: of one ticker on the average with and without it."""
    days = np.random.default_rng(0).standard_normal((400, n_tickers))
    days = np.linalg.qr(days - days.mean(axis=0))[0] * np.sqrt(400)
    R = days @ np.linalg.cholesky(np.full((n_tickers, n_tickers), alike) + (1 - alike) * np.eye(n_tickers)).T
    averages = {"mine": R.mean(axis=1), "others": R[:, 1:].mean(axis=1)}
    return {name: 100 * np.corrcoef(R[:, 0], average)[0, 1] ** 2 for name, average in averages.items()}


own_company = Question(
    topic="real_stocks",
    title="A stock in its own company",
    minutes=9,
    points=5,
    text="""
{n_tickers} stocks all move by the same amount, and any two have a correlation of {alike}. The one factor is their plain
average. A stock's R² is the squared correlation with it, over very many days.

1. What is a stock's R² with the average of all {n_tickers}?
2. And with the average of the {n_tickers} − 1 others?
3. Which R² would part 1 show if no two of N stocks had anything in common? A formula in N is enough.
4. A table of five such factors, solved for, shows a higher total R² for every further factor. What do you ask for?
""",
    words="""
1. Both the covariance with the average and its variance are (1 + ({n_tickers} − 1) × {alike}) / {n_tickers} of a
   stock's variance, and so is R²: {mine:.1f} %.
2. Covariance {alike}, variance (1 + ({n_tickers} − 2) × {alike}) / ({n_tickers} − 1):
   {alike}² × ({n_tickers} − 1) / (1 + ({n_tickers} − 2) × {alike}) = {others:.1f} %.
3. 1 / N: a stock explains itself.
4. For the table with each stock left out of F. A further factor catches about 1 / {n_tickers} of the noise by itself.
""",
    marks=((2, "part 1; 1 for the variance of the average"), (1, "part 2"), (1, "part 3"), (1, "leave the stock out")),
    wrong="The correlation, or its square, as R² in part 1: with many others the noise of the average goes away.",
    draw=_draw_own_company,
    answer=_answer_own_company,
    check=_compute_own_company,
)

# --- What may be said -------------------------------------------------------------------------------------------------

what_may_be_said = Question(
    topic="real_stocks",
    title="What may be said",
    minutes=8,
    points=5,
    text="""
Twenty stocks, chosen for being the largest of today, 2015 to 2022. Predictive R² of the last two years, with intervals
of 95 % from blocks of whole days, drawn anew:

| forecast | predictive R², % | interval |
|:--|--:|:--|
| network | 0.05 | 0.01 to 0.09 |
| each day the same small number, the mean of earlier returns | 0.04 | 0.00 to 0.08 |
| instrumented PCA | 0.02 | −0.03 to 0.07 |
| network less constant | 0.01 | −0.02 to 0.04 |

Say of each sentence whether the table supports it, with a reason.

1. “The network predicts returns, for its interval leaves out zero.”
2. “Instrumented PCA does not predict, and the network does, so the network is better.”
3. “The network has learned from characteristics.”
4. “Intervals that count all 20 × 500 returns as independent would be even more exact.”
5. Which forecast of the table does the choice of stocks flatter?
""",
    words="""
1. Of these stocks in these years, yes; but they are known to have grown, and a constant does as well. It is no finding
   about a forecast that was possible.
2. No. What counts is the interval of the difference between the two, which isn't shown; their intervals overlap widely.
3. No. The difference from a constant, which knows no characteristic, can't be told from zero.
4. No. They would be narrower and wrong: the stocks of a day share its market.
5. All that are above zero on average, the constant first of all: survivors have means that nobody could have earned.
""",
    marks=((1, "1"), (1, "2, the difference"), (1, "3, the constant"), (1, "4, dates"), (1, "5, means above zero")),
    wrong="Sentence 2 passes: “significant” and “not significant” need not differ significantly.",
)

# --- A place on the board ---------------------------------------------------------------------------------------------


def _draw_board(random: np.random.Generator) -> Numbers:
    return {"n_years": whole(random, 9, 34), "alike": between(random, 0.3, 0.8), "n_scripts": whole(random, 5, 40)}


def _answer_board(n_years: int, alike: float, n_scripts: int) -> Numbers:
    error = 1 / np.sqrt(n_years)
    return {"error": error, "apart": error * np.sqrt(2 * (1 - alike)), "some": 100 * (1 - 0.97725**n_scripts)}


def _simulate_board(n_years: int, alike: float, n_scripts: int) -> Numbers:
    """30,000 boards, of the monthly returns of two worthless scripts, and of the ratios of all the others."""
    random = np.random.default_rng(0)
    months = random.standard_normal((2, 30_000, 12 * n_years), dtype="float32")
    months[1] = alike * months[0] + np.sqrt(1 - alike**2) * months[1]
    first, second = np.sqrt(12) * months.mean(axis=2) / months.std(axis=2, ddof=1)
    lucky = (random.standard_normal((400_000, n_scripts)) > 2).any(axis=1)
    return {"error": first.std(), "apart": (first - second).std(), "some": 100 * lucky.mean()}


board = Question(
    topic="let_others_judge",
    title="A place on the board",
    minutes=10,
    points=6,
    text="""
A leaderboard runs everybody's script on the same {n_years} years of months that no author can see, and publishes the
Sharpe ratio of a year. Take a month's Sharpe ratio as small, and returns as normal and independent over time.

1. What is the standard error of one script's Sharpe ratio of a year?
2. Two scripts have monthly returns with a correlation of {alike}. What is the standard error of the difference of their
   Sharpe ratios? (The errors of the two ratios have the same correlation.)
3. {n_scripts} independent scripts that know nothing are handed in. With which probability does at least one of them lie
   more than two standard errors above zero? (One does with probability 0.02275.)
4. The organisers run each script once more on files that end in an earlier month. Which mistake do they look for, and
   what must not happen?
5. A script takes ranks of each characteristic within a month, and mean returns of the months whose `eom` is not after
   the month that is weighed. The row of a month holds the return of the month after. Does it pass?
""",
    words="""
1. A month's has 1 / √(12 × {n_years}); times √12 that is 1 / √{n_years} = {error:.3f}.
2. {error:.3f} × √(2 × (1 − {alike})) = {apart:.3f}.
3. 1 − 0.97725 to the power {n_scripts} = {some:.1f} %.
4. Look-ahead: no weight of a month that is left may move.
5. No. The row of the month that is weighed is among them, and its return is earned a month later. What must not be
   after that month is `eom_ret`.
""",
    marks=(
        (1, "part 1"),
        (1, "part 2, paired"),
        (1, "part 3"),
        (1, "weights of months before the cut stay"),
        (2, "part 5; 1 for “no” without the row's own return"),
    ),
    wrong="{error:.3f} × √2 in part 2, as if the two had not met the same months.",
    draw=_draw_board,
    answer=_answer_board,
    check=_simulate_board,
    within=0.02,
)

QUESTIONS = (row_too_early, survivors, own_company, what_may_be_said, board)
