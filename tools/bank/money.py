"""Questions on lessons 15 and 16: what a forecast is worth, what it costs, and what it rests on."""

import numpy as np
from scipy.optimize import brentq

from helpers.evaluation.metrics import total_r2
from tools.bank.question import Numbers, Question, between, whole

# --- How many bets ----------------------------------------------------------------------------------------------------


def _draw_bets(random: np.random.Generator) -> Numbers:
    group, n_groups = whole(random, 4, 12), whole(random, 30, 90)
    return {"n_tickers": group * n_groups, "group": group, "r2": between(random, 0.2, 0.9, 3)}


def _answer_bets(n_tickers: int, group: int, r2: float) -> Numbers:
    naive = np.sqrt(12 * n_tickers * r2 / 100)
    return {"naive": naive, "right": naive / np.sqrt(group), "needed": 4 / (12 * r2 / 100)}


def _simulate_bets(n_tickers: int, group: int, r2: float) -> Numbers:
    """100,000 months, in which r̂ units of each ticker are held; and the bets that make a ratio of 2 at this rate."""
    random, share = np.random.default_rng(0), r2 / 100

    def sharpe(n_bets: int) -> float:
        z, e = random.standard_normal((2, 100_000, n_bets), dtype=np.float32)
        earned = (z * (np.sqrt(share) * z + np.sqrt(1 - share) * e)).sum(axis=1)
        return float(np.sqrt(12) * earned.mean() / earned.std())

    n_bets = n_tickers // group
    right = sharpe(n_bets)
    return {"naive": right * np.sqrt(group), "right": right, "needed": n_bets * (2 / right) ** 2}


bets = Question(
    topic="money_and_significance",
    title="How many bets?",
    minutes=8,
    points=5,
    text="""
A forecast has a predictive R² of {r2} % a month for each of {n_tickers} tickers. An investor holds r̂ units of each,
and pays no costs.

1. Which Sharpe ratio of a year would that be worth, about, were the {n_tickers} returns and forecasts independent?
2. They are not: the tickers come in groups of {group}, which always move as one and have the same forecast. And now?
3. How many independent bets make a Sharpe ratio of 2 with this R²?
4. All forecasts are β · λ of a model with three factors. Does doubling the number of tickers raise the ratio by √2?
""",
    words="""
1. √(12 N R²) = √(12 × {n_tickers} × {r2} / 100) = {naive:.2f}.
2. There are {n_tickers} / {group} bets: {naive:.2f} / √{group} = {right:.2f}.
3. 2² / (12 R²) = {needed:.1f}.
4. No. All positions are bets on the same three factors, and the ratio can't be above that of the best mix of these.
   More tickers spread the tickers' own noise, and that has an end.
""",
    marks=((1, "part 1"), (1, "part 2"), (1, "part 3"), (2, "three bets; 1 for “correlated” alone")),
    wrong="Dividing by the size of the group in part 2 rather than by its root.",
    draw=_draw_bets,
    answer=_answer_bets,
    check=_simulate_bets,
    within=0.05,
)

# --- Speed and costs --------------------------------------------------------------------------------------------------


def _draw_speed(random: np.random.Generator) -> Numbers:
    fast, traded = between(random, 1.6, 2.8), between(random, 2.4, 3.6)
    return {"fast": fast, "traded": traded, "slow": between(random, 0.4, 0.7, 3), "seldom": between(random, 0.2, 0.45)}


def _answer_speed(fast: float, traded: float, slow: float, seldom: float) -> Numbers:
    ends = {"fast_end": 100 * fast / traded, "slow_end": 100 * slow / seldom}
    return {**ends, "crossing": 100 * (fast - slow) / (traded - seldom)}


def _search_speed(fast: float, traded: float, slow: float, seldom: float) -> Numbers:
    """By a search for the cost at which nothing, or no difference, is left."""

    def fast_left(cost: float) -> float:
        return fast - cost / 100 * traded

    def slow_left(cost: float) -> float:
        return slow - cost / 100 * seldom

    roots = [brentq(left, 0, 10_000) for left in (fast_left, slow_left, lambda c: fast_left(c) - slow_left(c))]
    return dict(zip(("fast_end", "slow_end", "crossing"), roots, strict=True))


speed = Question(
    topic="money_and_significance",
    title="The price of speed",
    minutes=8,
    points=5,
    text="""
Two portfolios, long minus short, before costs. Turnover counts purchases and sales, as a share of the capital; 4 would
be both halves sold and bought anew.

| | mean return, % a month | turnover a month |
|:--|--:|--:|
| fast | {fast} | {traded} |
| slow | {slow} | {seldom} |

Whoever trades 100 pays c basis points (hundredths of a percent) of it.

1. At which c is nothing left of each?
2. From which c on is the slow one the better of the two?
3. The Sharpe ratio of the fast one before costs is 2.4. What more must be known for its ratio after costs?
4. An investor mixes both, half and half. Is the turnover of the mix the mean of the two?
""",
    words="""
1. Mean over turnover: fast {fast_end:.1f}, slow {slow_end:.1f} basis points.
2. Where {fast} − {traded} c = {slow} − {seldom} c, with c in percent: from {crossing:.1f} basis points on.
3. Only c, where costs are steady: the mean falls by {traded} c, and the standard deviation, which the mean and the old
   ratio give ({fast} × √12 / 2.4 % a month), stays.
4. At most, about. Where one buys what the other sells, the trades cancel.
""",
    marks=((2, "part 1"), (1, "part 2"), (1, "the mean falls, the spread stays"), (1, "at most the mean")),
    wrong="A percent for a basis point: the answers then differ by a factor of 100.",
    draw=_draw_speed,
    answer=_answer_speed,
    check=_search_speed,
)

# --- Two instruments for one thing ------------------------------------------------------------------------------------


def _draw_twins(random: np.random.Generator) -> Numbers:
    return {"weight": between(random, 0.6, 0.8), "r2": between(random, 12, 30)}


def _answer_twins(weight: float, r2: float) -> Numbers:
    return {"first": weight**2 * r2, "second": (1 - weight) ** 2 * r2, "both": r2}


def _simulate_twins(weight: float, r2: float) -> Numbers:
    """By setting characteristics to zero in a market in which noise has nothing to do with the forecast."""
    random = np.random.default_rng(0)
    c, noise = random.standard_normal((2, 10_000, 1))
    noise *= np.sqrt((100 / r2 - 1) * (c**2).mean() / (noise**2).mean())
    c, noise = np.vstack([c, c]), np.vstack([noise, -noise])
    scores = [100 * total_r2(c + noise, kept * c) for kept in (1, 1 - weight, weight, 0)]
    return dict(zip(("first", "second", "both"), (scores[0] - score for score in scores[1:]), strict=True))


twins = Question(
    topic="what_matters",
    title="Two instruments for one thing",
    minutes=8,
    points=5,
    text="""
A file has the size of a company twice: c₁ and c₂ are equal in every row. A model has put the weight {weight} on c₁ and
the rest, 1 − {weight}, on c₂, so that r̂ = b ({weight} c₁ + (1 − {weight}) c₂). This is the best r̂ there is (what it
leaves has nothing to do with c), with an R² of {r2} %. All characteristics have a mean of zero. Importance of a
characteristic is what R² loses when it is set to zero everywhere.

1. What is the importance of c₁, and that of c₂?
2. What does R² lose when both are set to zero?
3. Another random start puts weights of 0.5 on each. Is r̂ another one? And the importances?
4. The report: “size is unimportant: no characteristic about it is in the first ten.” Your advice?
""",
    words="""
1. Without c₁ a part {weight} of r̂ is missing, and costs its square: {weight}² × {r2} = {first:.2f} points. For c₂
   (1 − {weight})² × {r2} = {second:.2f} points.
2. All: {both} points, more than the sum of the two.
3. r̂ is the same; the importances become a quarter of {r2} each. They are facts about the model, not about the market.
4. Set characteristics that measure the same to zero together, as a group, and try several starts.
""",
    marks=((2, "both squares; 1 for shares without a square"), (1, "part 2"), (1, "part 3"), (1, "groups")),
    wrong="{weight} and 1 − {weight} as shares of R²: a missing part of r̂ costs its square, not itself.",
    draw=_draw_twins,
    answer=_answer_twins,
    check=_simulate_twins,
)

QUESTIONS = (bets, speed, twins)
