"""Questions on lessons 13 and 14: what was known before, and skill that is not there."""

import numpy as np
from scipy.stats import norm, rankdata

from helpers.evaluation.metrics import predictive_r2
from tools.bank.question import Numbers, Question, between, whole

# --- One index too far ------------------------------------------------------------------------------------------------


def _draw_one_too_far(random: np.random.Generator) -> Numbers:
    return {"total": between(random, 20, 45, 1), "window": whole(random, 12, 60)}


def _answer_one_too_far(total: float, window: int) -> Numbers:
    return {"leak": total / window, "honest": -total / window}


def _simulate_one_too_far(total: float, window: int) -> Numbers:
    """Eight tickers whose β is thrown anew on each of 400,000 dates, and one factor without a premium."""
    random = np.random.default_rng(0)
    F = random.standard_normal(400_000 + window)
    sums = np.cumsum(np.insert(F, 0, 0.0))
    means = (sums[window:] - sums[:-window]) / window  # means[i]: of F[i] to F[i + window - 1]
    d = np.arange(window, len(F))
    beta = random.choice([-1.0, 1.0], (len(d), 8))
    noise = np.sqrt(100 / total - 1) * random.standard_normal(beta.shape)
    r = beta * F[d, None] + noise
    scores = [100 * predictive_r2(r, beta * means[d - window + late, None]) for late in (1, 0)]
    return {"leak": scores[0], "honest": scores[1]}


one_too_far = Question(
    topic="predicting_returns",
    title="One index too far",
    minutes=9,
    points=6,
    text="""
```python
F, beta = model.factors(panel), model.betas(panel)         # (n_dates, K) and (n_dates, n_tickers, K)
lam = np.array([F[d - {window} + 1 : d + 1].mean(axis=0) for d in range({window}, n_dates)])
r_hat = np.einsum("dsk,dk->ds", beta[{window}:], lam)
print(predictive_r2(panel.returns[{window}:], r_hat))
```

The market is barren: the factors have a mean of zero and no memory. `model` was fitted to other dates, and its β and F
are the true ones; they explain {total} % of the returns.

1. Which dates does the λ used for date d rest on, and which is one too many?
2. Which predictive R² is printed, on many dates?
3. Mend the line. Which R² does the mended code print?
4. Why is 3 not zero?
""",
    words="""
1. On dates d − {window} + 1 to d. F of d itself is known when its returns are.
2. λ holds F⁽ᵈ⁾ / {window}. The mean of r̂ r is 1 / {window} of that of (β F)², and so is the mean of r̂². So R² is
   (2 − 1) × {total} / {window} = {leak:.2f} %.
3. `F[d - {window} : d].mean(axis=0)`. Now r̂ r is 0 on average, and R² is −{total} / {window} = {honest:.2f} %.
4. A λ that knows nothing is not zero: it is a mean of {window} draws, and its variance is added to the error.
""",
    marks=((1, "date d"), (2, "part 2; 1 for 2 / window"), (2, "the line and its score"), (1, "the variance of λ")),
    wrong="Twice the leak in part 2: r̂ also costs its own mean square.",
    draw=_draw_one_too_far,
    answer=_answer_one_too_far,
    check=_simulate_one_too_far,
    within=0.05,
)

# --- Right order, wrong size ------------------------------------------------------------------------------------------


def _draw_too_bold(random: np.random.Generator) -> Numbers:
    return {"best": between(random, 0.3, 1.6, 3), "times": between(random, 2.3, 4.5, 1)}


def _answer_too_bold(best: float, times: float) -> Numbers:
    return {"score": best * (2 * times - times**2), "half": 0.75 * best}


def _simulate_too_bold(best: float, times: float) -> Numbers:
    """200,000 returns, in which noise has nothing to do with the forecast, and is as often r as −r."""
    random = np.random.default_rng(0)
    said, noise = random.standard_normal((2, 100_000, 1))
    noise *= np.sqrt((100 / best - 1) * (said**2).mean() / (noise**2).mean())
    said, noise = np.vstack([said, said]), np.vstack([noise, -noise])
    scores = [100 * predictive_r2(said + noise, size * said) for size in (times, 0.5)]
    return {"score": scores[0], "half": scores[1]}


too_bold = Question(
    topic="predicting_returns",
    title="Right order, wrong size",
    minutes=8,
    points=5,
    text="""
The best forecast there is has a predictive R² of {best} %: what it leaves has nothing to do with it. A network's
forecast is {times} times the best one, for every ticker and date.

1. What is its predictive R²?
2. What is its information coefficient (a rank correlation on each date), compared with that of the best?
3. And the predictive R² of a third forecast, half of the best one?
4. Which forecasts with the right order score below zero, and what would you do with such a network before you throw it
   away?
""",
    words="""
1. With E[r̂ r] = E[r̂²] = R² E[r²] for the best, k times it scores (2k − k²) R²: {score:.3f} %.
2. The same: ranks know no size.
3. (2 × 0.5 − 0.25) × {best} = {half:.3f} %.
4. Those more than twice as large as the best. Scale them by one number found on **earlier** dates (the slope of r on
   r̂), or use the order alone.
""",
    marks=((2, "2k − k²"), (1, "the same"), (1, "part 3"), (1, "beyond twice; a slope of earlier dates")),
    wrong="“Below zero means worse than guessing the order.” It means worse than saying 0.",
    draw=_draw_too_bold,
    answer=_answer_too_bold,
    check=_simulate_too_bold,
    within=1e-6,
)

# --- The luckiest characteristic --------------------------------------------------------------------------------------


def _draw_luckiest(random: np.random.Generator) -> Numbers:
    sizes = {"n_tickers": whole(random, 40, 150), "n_dates": whole(random, 48, 150)}
    cut = between(random, 1.9, 2.5)
    return {**sizes, "n_tried": whole(random, 12, 60), "cut": cut, "outside": round(200 * norm.sf(cut), 2)}


def _answer_luckiest(n_tickers: int, n_dates: int, n_tried: int, cut: float, outside: float) -> Numbers:
    error = 100 / np.sqrt((n_tickers - 1) * n_dates)
    return {"error": error, "beyond": cut * error, "chance": 100 * (1 - (1 - outside / 100) ** n_tried)}


def _simulate_luckiest(n_tickers: int, n_dates: int, n_tried: int, cut: float, outside: float) -> Numbers:
    """The spread of rank correlations of noise, and the share of 200,000 tries in which one of them is far out."""
    random = np.random.default_rng(0)
    ranks = rankdata(random.random((2, 20_000, n_tickers)), axis=-1)
    ranks -= ranks.mean(axis=-1, keepdims=True)
    product = (ranks[0] * ranks[1]).sum(axis=-1) / (ranks[0] ** 2).sum(axis=-1)
    error = 100 * float(product.std()) / np.sqrt(n_dates)
    found = np.abs(random.standard_normal((200_000, n_tried))).max(axis=1) > cut
    return {"error": error, "beyond": cut * error, "chance": 100 * float(found.mean())}


luckiest = Question(
    topic="the_leakage_clinic",
    title="The luckiest of many",
    minutes=8,
    points=5,
    text="""
{n_tried} characteristics are tried. For each the information coefficient (a rank correlation across {n_tickers}
tickers) is computed on each of {n_dates} test dates and averaged. In truth none of them has anything to do with
returns, which are independent across tickers and dates; so are the characteristics.

The rank correlation of n independent pairs has a variance of 1 / (n − 1). A normal number is more than {cut}
standard deviations from zero with a probability of {outside} %.

1. What is the standard error of one mean information coefficient, in percent?
2. How large is {cut} times that, and what is the chance that at least one of the {n_tried} is farther from zero?
3. The best is reported “with a p-value of 3 %”. What is missing in this sentence?
4. A colleague turns the sign of each characteristic so that its mean on the test dates is positive, and averages all
   {n_tried}. Is that honest?
5. In real data tickers share factors. Is the standard error then larger or smaller than in 1?
""",
    words="""
1. 100 / √(({n_tickers} − 1) × {n_dates}) = {error:.3f} %.
2. {beyond:.3f} %, and 1 − (1 − {outside} / 100)^{n_tried} = {chance:.1f} %.
3. How many were tried. The smallest of {n_tried} such numbers is below 3 % far more often than in 3 of
   100 cases.
4. No: the signs were chosen by the dates that judge them. The mean of {n_tried} sizes is above zero for noise.
5. Larger: a date then counts for fewer than {n_tickers} independent tickers.
""",
    marks=((1, "part 1"), (1, "part 2"), (1, "the number of tries"), (1, "a sign is a choice"), (1, "larger")),
    wrong="“{outside} % × the number of tries” as the chance in part 2: that is the expected number of finds.",
    draw=_draw_luckiest,
    answer=_answer_luckiest,
    check=_simulate_luckiest,
    within=0.03,
)

# --- Which steps look ahead -------------------------------------------------------------------------------------------

steps = Question(
    topic="the_leakage_clinic",
    title="Which of these look ahead?",
    minutes=9,
    points=6,
    text="""
A pipeline forecasts the return of date d with what is known before d. Row d of a characteristic is known before d. The
last third of the dates is the test. Which steps look ahead? For each that does, say in half a sentence what it knows.

1. Each characteristic is ranked across the tickers of row d.
2. Each ticker's returns are divided by the standard deviation of **that ticker's** returns in the file, before anything
   is fitted. The forecasts for a ticker are compared with its divided returns.
3. Tickers with fewer than 60 returns in the file are dropped.
4. A missing characteristic takes the median of row d.
5. The strength of the penalty is the one with the best R² on the last third.
6. A mean of the last twelve returns, those of dates d − 12 to d − 1.
7. Returns beyond ±50 % are taken for mistakes and their rows dropped, in all dates.
8. The network's weights at the start are drawn with a seed; of ten seeds the one with the best validation R² is kept.
""",
    words="""
They look ahead: **2** (how restless the ticker will be), **3** (who will still be there), **5** (the test itself) and
**7** (in the test, which returns will be extreme; for training dates alone it would be a choice, and not a leak). They
do not: **1**, **4** and **6**, which use row d or earlier returns, and **8**, since validation dates are no test dates
(the validation R² is then flattering, the test R² is not).
""",
    marks=((4, "1 for each of 2, 3, 5, 7 with its reason"), (2, "1, 4, 6 and 8 left alone; 1 with one slip")),
    wrong="Step 3 passes as cleaning. At date d nobody knew whether a young company would reach 60 months.",
)

# --- Rows at random ---------------------------------------------------------------------------------------------------

rows_at_random = Question(
    topic="the_leakage_clinic",
    title="Rows at random",
    minutes=8,
    points=5,
    text="""
Each row of a table is a ticker at a date: characteristics known before, **the number of the date** among them as a
column, and the return of the date as target. A forest of trees is scored by

```python
cross_val_score(forest, X, y, cv=KFold(10, shuffle=True, random_state=0), scoring="r2")
```

The score is 0.21, in a market in which nothing can be predicted. With the dates cut into ten blocks in time order it is
below zero.

1. What does the forest learn, and from which rows?
2. Would the score be as high in a market without common factors, each ticker's return independent of the others'?
3. A friend removes the date's number. The characteristics of a ticker are slow, and so nearly the same in neighbouring
   rows of that ticker. Returns have no memory. Can anything still leak?
4. Which split should be used, and what must be left out beside it if the target of date d is the return of
   six dates, d to d + 5?
""",
    words="""
1. What this date's tickers earned. Nine tenths of the rows of each date are in the training part, and the date's number
   leads the trees to them.
2. No. It is the shared factor of a date that is given away; with independent returns the other rows of a date say
   nothing.
3. Hardly by one ticker's memory, as its returns have none. But anything that is common to a date and stands in the
   columns (an index's level, or many tickers' values that move together) can still name the date.
4. Blocks in time order, trained on what comes before. Of targets over six dates the last five examples before the test
   reach into it: leave them out.
""",
    marks=(
        (2, "rows of the same date, by its number"),
        (1, "no"),
        (1, "what names the date"),
        (1, "order, and five dates"),
    ),
    wrong="“Shuffling is fine since the rows are independent.” Rows of a date share its factors.",
)

QUESTIONS = (one_too_far, too_bold, luckiest, steps, rows_at_random)
