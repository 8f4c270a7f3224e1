"""Questions on lessons 07 and 08: characteristics are given, β follows them along lines."""

import numpy as np

from helpers.evaluation.metrics import total_r2
from tools.bank.question import Numbers, Question, between, whole

# --- F that is solved for ---------------------------------------------------------------------------------------------


def _draw_gift(random: np.random.Generator) -> Numbers:
    sizes = {"n_tickers": whole(random, 30, 70), "k": whole(random, 2, 5)}
    return {"truth": between(random, 30, 48, 1), **sizes}


def _answer_gift(truth: float, n_tickers: int, k: int) -> Numbers:
    noise, share = 100 - truth, k / n_tickers
    return {"solved": truth + noise * share, "without": 100 - noise / (1 - share)}


def _simulate_gift(truth: float, n_tickers: int, k: int) -> Numbers:
    """20,000 dates of a market of waves, whose tickers all have the same leverage; each left out in a loop."""
    random = np.random.default_rng(0)
    phase = 2 * np.pi * np.arange(n_tickers) / n_tickers
    waves = [wave(j * phase) for j in range(1, 5) for wave in (np.cos, np.sin)]
    beta = np.stack(waves[:k] if k % 2 == 0 else [np.full(n_tickers, 0.5**0.5), *waves[: k - 1]], axis=1)
    said = random.standard_normal((20_000, k)) @ beta.T
    r = said + said.std() * np.sqrt(100 / truth - 1) * random.standard_normal(said.shape)
    others = np.empty_like(r)
    for s in range(n_tickers):
        rest = np.delete(np.arange(n_tickers), s)
        others[:, s] = r[:, rest] @ (np.linalg.pinv(beta[rest]).T @ beta[s])
    return {"solved": 100 * total_r2(r, r @ np.linalg.pinv(beta).T @ beta.T), "without": 100 * total_r2(r, others)}


gift = Question(
    topic="instrumented_pca",
    title="Better than the truth",
    minutes=9,
    points=6,
    text="""
A market has {n_tickers} tickers and {k} factors. The true β and the true F explain {truth} % of the returns, the rest
is noise, independent and equally large for all tickers. A model knows the **true β** (all tickers have the same
leverage, {k} / {n_tickers}), and solves for F on each date by the regression of that date.

1. Which total R² does it score, on many later dates?
2. It has learned nothing from those dates, and no β was fitted. Is the gain over {truth} % knowledge?
3. Each ticker's F is now solved for from all **other** tickers. Which total R² does it score?
4. Why does 3 fall below {truth} %?
""",
    words="""
1. The fit of {k} numbers to {n_tickers} returns catches the share {k} / {n_tickers} of the noise:
   {truth} + (100 − {truth}) × {k} / {n_tickers} = {solved:.1f} %.
2. No. It is a part of each return's own noise, given back to it. It could not be held or foreseen.
3. Left out, a residual is the ordinary one over 1 − h, with h = {k} / {n_tickers}. The ordinary ones hold 1 − h of the
   noise, so the error is (100 − {truth}) (1 − h) / (1 − h)², and R² is {without:.1f} %.
4. F from {n_tickers} − 1 tickers is itself known with an error. The gift is gone, and the cost of solving shows.
""",
    marks=((2, "part 1"), (1, "no knowledge"), (2, "part 3; 1 for “the gift is gone”"), (1, "the error of F")),
    wrong="“Nothing can score more than the truth on new dates”: a model that reads the returns it explains can.",
    draw=_draw_gift,
    answer=_answer_gift,
    check=_simulate_gift,
    within=0.03,
)

# --- A line for a curve -----------------------------------------------------------------------------------------------


def _draw_curve(random: np.random.Generator) -> Numbers:
    return {"bend": between(random, 0.8, 1.9, 3), "line": between(random, 0.2, 0.7)}


def _answer_curve(bend: float, line: float) -> Numbers:
    every = bend**2 / 5 + line**2 / 3
    return {
        "constant": bend / 3,
        "without": 100 * line**2 / 3 / every,
        "with_it": 100 * (line**2 / 3 + bend**2 / 9) / every,
    }


def _fit_curve(bend: float, line: float) -> Numbers:
    """By least squares on a fine grid of ranks."""
    c = np.linspace(-1, 1, 200_001)
    beta = bend * c**2 + line * c
    one, two = c[:, None], np.column_stack([np.ones(c.size), c])
    fits = [np.linalg.lstsq(design, beta, rcond=None)[0] for design in (one, two)]
    shares = [100 * total_r2(beta[:, None], (x @ fit)[:, None]) for x, fit in zip((one, two), fits, strict=True)]
    return {"constant": fits[1][0], "without": shares[0], "with_it": shares[1]}


curve = Question(
    topic="instrumented_pca",
    title="What a line makes of a curve",
    minutes=9,
    points=5,
    text="""
A characteristic c is a rank, spread evenly from −1 to 1 on every date (E[c²] = 1/3, E[c⁴] = 1/5, odd powers average to
0). There is one factor, and the true sensitivity is

    β = {bend} c² + {line} c

Instrumented PCA is fitted to very many tickers and dates, so that it finds the line nearest to β.

1. Which β does it find without a constant among the characteristics?
2. And with one?
3. Which share of the mean square of β does each of the two reproduce?
4. A friend adds c² to the characteristics. What is needed now: a network, a constant, or neither?
""",
    words="""
1. {line} c: c² has nothing to do with c, since E[c³] = 0.
2. {constant:.4f} + {line} c: the constant catches the mean of {bend} c².
3. E[β²] = {bend}² / 5 + {line}² / 3. Without: {line}² / 3 of it, {without:.1f} %. With: {bend}² / 9 more,
   {with_it:.1f} %.
4. Neither. IPCA is linear in what it is given, and β is a line in (c, c²). Somebody had to know the shape.
""",
    marks=((1, "part 1"), (1, "the constant"), (2, "both shares"), (1, "neither, with the reason")),
    wrong="A slope that changes when the constant comes in: c and 1 are unrelated, E[c] = 0.",
    draw=_draw_curve,
    answer=_answer_curve,
    check=_fit_curve,
    within=1e-4,
)

# --- Weights that stay ------------------------------------------------------------------------------------------------


def _draw_old_list(random: np.random.Generator) -> Numbers:
    return {"rho": between(random, 0.85, 0.97, 4), "months": whole(random, 4, 15)}


def _answer_old_list(rho: float, months: int) -> Numbers:
    return {"left": rho**months, "tenth": np.log(0.1) / np.log(rho)}


def _simulate_old_list(rho: float, months: int) -> Numbers:
    """A million tickers, month by month; between two months the sensitivity falls evenly in logarithms."""
    random = np.random.default_rng(0)
    first = c = random.standard_normal(1_000_000)
    left = [1.0]
    while left[-1] > 0.1 or len(left) <= months:
        c = rho * c + np.sqrt(1 - rho**2) * random.standard_normal(c.size)
        left.append(float(first @ c / (first @ first)))
    log = np.log(left)
    after = next(i for i in range(len(left)) if left[i] <= 0.1)
    part = (np.log(0.1) - log[after - 1]) / (log[after] - log[after - 1])
    return {"left": left[months], "tenth": after - 1 + part}


old_list = Question(
    topic="fixed_weights",
    title="A list of names grows old",
    minutes=8,
    points=5,
    text="""
Very many tickers lean on one factor with β equal to a characteristic c, whose values are standard normal across tickers
on each date. From month to month a ticker's value is {rho} times the last one, and something new and independent. On
date 0 the regression of the date makes a portfolio with a sensitivity of 1 to the factor. Its weights on the tickers
are kept.

1. What is its sensitivity after {months} months?
2. After how many months is it a tenth?
3. Another investor keeps weights on **managed portfolios**, x = (ZᵀZ)⁻¹Zᵀr. Why do these not grow old?
4. A network with fixed weights on the returns of tickers is trained on this market. What will it do on new dates?
""",
    words="""
1. {rho}^{months} = {left:.3f}: the weights are c⁽⁰⁾ over its sum of squares, and c⁽⁰⁾ · c is {rho}^{months} of that.
2. ln 0.1 / ln {rho} = {tenth:.1f} months.
3. Inside such a portfolio the tickers are exchanged as their characteristics change, so its own β is the same at every
   date.
4. Fail: a list that fits some dates of training is unrelated to the factor on others. It can only learn those by heart.
""",
    marks=((2, "part 1; 1 for “it falls”"), (1, "part 2"), (1, "tickers are exchanged"), (1, "it fails, and why")),
    wrong="“It stays 1, the weights have not changed.” The weights have not, the companies have.",
    draw=_draw_old_list,
    answer=_answer_old_list,
    check=_simulate_old_list,
    within=0.04,
)

# --- No like with like ------------------------------------------------------------------------------------------------


def _draw_like_with_like(random: np.random.Generator) -> Numbers:
    a, lead = between(random, 27, 34, 1), between(random, 2, 3.4, 1)
    sizes = {"n_tickers": whole(random, 28, 66), "k": whole(random, 4, 6), "noise": between(random, 62, 75, 1)}
    return {**sizes, "a": a, "b": round(a - lead, 1)}


def _answer_like_with_like(n_tickers: int, k: int, noise: float, a: float, b: float) -> Numbers:
    return {"caught": noise * k / n_tickers}


def _simulate_like_with_like(n_tickers: int, k: int, noise: float, a: float, b: float) -> Numbers:
    """20,000 dates of noise, explained by F solved for with a β that was thrown."""
    random = np.random.default_rng(0)
    r, beta = random.standard_normal((20_000, n_tickers)), random.standard_normal((n_tickers, k))
    return {"caught": noise * total_r2(r, r @ np.linalg.pinv(beta).T @ beta.T)}


like_with_like = Question(
    topic="fixed_weights",
    title="No like with like",
    minutes=8,
    points=5,
    text="""
A report on {n_tickers} tickers, out of sample, with {k} factors each:

| model | what it is given on date d, besides β | total R², % |
|:--|:--|--:|
| A, instrumented PCA | the {n_tickers} returns of date d, F solved for | {a} |
| B, network, fixed weights | returns of eight ETFs on date d | {b} |
| C, says 0 | nothing | 0 |

“A explains more than B, so its β is better.”

1. What does A read that B does not? Say that noise makes up {noise} % of the returns' sum of squares, equally for all
   tickers. How many points does A score by catching noise, whatever its β is worth?
2. Suppose A's {k} factors were useless, and the returns had no common factor at all. Would A score above
   zero, zero, or less?
3. Name two tables that would compare like with like.
4. Predictive R² puts λ in the place of F in both. Is that comparison spoilt in the same way?
""",
    words="""
1. The very returns that it explains. {k} numbers fitted to {n_tickers} returns catch the share {k} / {n_tickers} of the
   noise: {noise} × {k} / {n_tickers} = {caught:.2f} points, more than A's lead.
2. Above zero: the share {k} / {n_tickers} of what is then noise alone.
3. For instance: A with each ticker left out of its own F; A's β with F read from the eight ETFs, by weights of the
   training dates; B's β with F solved for in the same {n_tickers} returns. (Two of them, or others in which both are
   given the same.)
4. No. λ is of dates before, and neither model reads a return of date d.
""",
    marks=(
        (2, "the returns themselves, and K / N"),
        (1, "part 2"),
        (1, "two fair tables"),
        (1, "predictive R² is fair"),
    ),
    wrong="Comparing the numbers of weights: what decides here is what was read, not how many weights there are.",
    draw=_draw_like_with_like,
    answer=_answer_like_with_like,
    check=_simulate_like_with_like,
    within=0.02,
)

QUESTIONS = (gift, curve, old_list, like_with_like)
