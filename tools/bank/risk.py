"""Questions on lessons 17 and 18: pricing errors, covariance and hedges."""

import numpy as np
from scipy.optimize import minimize_scalar

from tools.bank.question import Numbers, Question, between, whole

# --- One test for all alphas ------------------------------------------------------------------------------------------


def _draw_joint_test(random: np.random.Generator) -> Numbers:
    sizes = {"n_dates": whole(random, 150, 480), "n_portfolios": whole(random, 8, 30)}
    return {**sizes, "factor": between(random, 0.1, 0.18, 3), "mix": between(random, 0.28, 0.42, 3)}


def _answer_joint_test(n_dates: int, n_portfolios: int, factor: float, mix: float) -> Numbers:
    gain = (mix**2 - factor**2) / (1 + factor**2)
    return {"gain": gain, "statistic": (n_dates - n_portfolios - 1) / n_portfolios * gain}


def _compute_joint_test(n_dates: int, n_portfolios: int, factor: float, mix: float) -> Numbers:
    """By alphas and residuals of returns that are made to have these Sharpe ratios, one regression a portfolio."""
    random = np.random.default_rng(0)
    columns = random.standard_normal((n_dates, n_portfolios + 1))
    series = np.linalg.qr(columns - columns.mean(axis=0))[0] * np.sqrt(n_dates)  # mean 0, variance 1, unrelated
    F, noise = factor + series[:, 0], series[:, 1:]
    alpha = random.standard_normal(n_portfolios)
    alpha *= np.sqrt((mix**2 - factor**2) / (alpha @ alpha))
    R = alpha + np.outer(F, random.standard_normal(n_portfolios)) + noise
    design = np.column_stack([np.ones(n_dates), F])
    fits = [np.linalg.lstsq(design, column, rcond=None)[0] for column in R.T]
    left = R - design @ np.array(fits).T
    found = np.array(fits)[:, 0]
    gain = found @ np.linalg.solve(left.T @ left / n_dates, found) / (1 + (F.mean() / F.std()) ** 2)
    freedom = n_dates - np.linalg.matrix_rank(np.column_stack([design, R])) + 1
    return {"gain": gain, "statistic": freedom / n_portfolios * gain}


joint_test = Question(
    topic="risk_or_characteristics",
    title="One test for all alphas",
    minutes=10,
    points=6,
    text="""
Over {n_dates} months the market has a Sharpe ratio of {factor} a month. The best mix, in hindsight, of the market and
{n_portfolios} test portfolios has one of {mix}. (Means over standard deviations with n_dates in the denominator.) The
test of Gibbons, Ross and Shanken with one factor is

    (T − N − 1) / N × (S*² − S²) / (1 + S²)

and follows, if all α are zero and residuals are normal, an F distribution with N and T − N − 1 degrees of freedom.

1. What is its value here, and what are the degrees of freedom?
2. If all α are zero, its mean is (T − N − 1) / (T − N − 3), about 1. Why is S* above S even then?
3. With a fixed T, what happens to the test when more and more portfolios are added, up to T − 1 of them?
4. A model fails this test. Another one passes it, with standard errors of α ten times as large. Is it the better one?
""",
    words="""
1. {n_portfolios} and {n_dates} − {n_portfolios} − 1 degrees of freedom. (S*² − S²) / (1 + S²) = {gain:.4f}, and the
   statistic is {statistic:.3f}.
2. The mix was chosen in hindsight: N estimated alphas are not zero, even where the true ones are.
3. Degrees of freedom run out: at N = T − 1 nothing is left to estimate the residuals' covariance, and the test has lost
   its power before.
4. Not for that. A test can pass because α is small or because it is badly known. Look at the sizes of α.
""",
    marks=((2, "the statistic"), (1, "degrees of freedom"), (1, "hindsight"), (1, "part 3"), (1, "part 4")),
    wrong="Sharpe ratios of a year in the formula: they are √12 too large for months.",
    draw=_draw_joint_test,
    answer=_answer_joint_test,
    check=_compute_joint_test,
    within=1e-6,
)

# --- An α made by a β that moves --------------------------------------------------------------------------------------


def _draw_made_alpha(random: np.random.Generator) -> Numbers:
    sizes = {"swing": between(random, 0.2, 0.7), "mean": between(random, 0.4, 0.9)}
    return {**sizes, "move": between(random, 0.3, 1.2), "sd": between(random, 3.5, 6)}


def _answer_made_alpha(swing: float, mean: float, move: float, sd: float) -> Numbers:
    earned = mean + swing * move
    above = swing * mean * move / (sd**2 + move**2)
    return {"earned": earned, "above": above, "alpha": earned - (1 + above) * mean}


def _fit_made_alpha(swing: float, mean: float, move: float, sd: float) -> Numbers:
    """By the regression over four months, one standard deviation above and below the premium in times of each kind."""
    kinds = ((1 + swing, mean + move), (1 - swing, mean - move))
    F = np.array([premium + side for _, premium in kinds for side in (sd, -sd)])
    r = np.repeat([beta for beta, _ in kinds], 2) * F
    beta, alpha = np.polyfit(F, r, 1)
    return {"earned": r.mean(), "above": beta - 1, "alpha": alpha}


made_alpha = Question(
    topic="risk_or_characteristics",
    title="An α that β has made",
    minutes=10,
    points=6,
    text="""
Half of all months are of kind A, half of kind B, and everybody knows beforehand which kind comes. In A a stock has a β
of 1 + {swing} and the market a premium of {mean} + {move} % a month; in B 1 − {swing} and {mean} − {move} %. In both
kinds the market moves around its premium with a standard deviation of {sd} %. The stock's return is β times the
market's, nothing else.

1. What does the stock earn on average, and what is its α in months of each kind?
2. A student fits one line to all months. Which β and which α does he find, over a very long history?
3. What would he find if β moved in the same way, but the premium were {mean} % in all months?
4. “The stock has an α, so the characteristic behind it is paid without risk.” Your answer?
""",
    words="""
1. {mean} + {swing} × {move} = {earned:.3f} % a month. α is 0 in both kinds.
2. Var(F) = {sd}² + {move}², and Cov(r, F) = Var(F) + {swing} × {mean} × {move}, so β = 1 + {above:.5f} and
   α = {earned:.3f} − β × {mean} = {alpha:.3f} % a month, nearly {swing} × {move}.
3. β = 1 and α = 0: the moves of β have nothing to do with the premium.
4. Everything it earns is β times the market, in each month. A constant β makes an α where β moves with the premium.
   Test with the β of the date.
""",
    marks=(
        (2, "the mean; α = 0 in both kinds"),
        (2, "part 2; 1 with β = 1 and α ≈ swing × move"),
        (1, "0"),
        (1, "part 4"),
    ),
    wrong="α = 0 in part 2, “since it is 0 in both kinds”: a mean of products is not the product of means.",
    draw=_draw_made_alpha,
    answer=_answer_made_alpha,
    check=_fit_made_alpha,
)

# --- The hedge ratio --------------------------------------------------------------------------------------------------


def _draw_hedge_ratio(random: np.random.Generator) -> Numbers:
    sds = {"own": between(random, 1.6, 2.6), "etf": between(random, 0.9, 1.4)}
    return {**sds, "alike": between(random, 0.55, 0.85), "times": between(random, 1.2, 1.7)}


def _answer_hedge_ratio(own: float, etf: float, alike: float, times: float) -> Numbers:
    least = own * np.sqrt(1 - alike**2)
    sold = alike * own / etf
    return {"sold": sold, "least": least, "over": np.hypot(least, (times - 1) * sold * etf)}


def _search_hedge_ratio(own: float, etf: float, alike: float, times: float) -> Numbers:
    """By a search over what is sold, on days that have just these standard deviations and this correlation."""
    days = np.random.default_rng(0).standard_normal((500, 2))
    days = np.linalg.qr(days - days.mean(axis=0))[0] * np.sqrt(500)
    fund = etf * days[:, 0]
    stock = own * (alike * days[:, 0] + np.sqrt(1 - alike**2) * days[:, 1])
    best = minimize_scalar(lambda h: np.var(stock - h * fund), bounds=(0, 5), method="bounded", options={"xatol": 1e-9})
    return {"sold": best.x, "least": np.sqrt(best.fun), "over": np.std(stock - times * best.x * fund)}


hedge_ratio = Question(
    topic="covariance_and_hedging",
    title="How much to sell",
    minutes=8,
    points=5,
    text="""
A stock moves by {own} % a day (standard deviation), an ETF by {etf} %, and their correlation is {alike}. Both have a
mean of zero. You hold 100 of the stock and may sell the ETF.

1. How much of the ETF do you sell to have the least risk, and how large is the risk that is left, in % of the 100 a
   day?
2. You sell {times} times as much by mistake. What is left now?
3. At how many times the right amount is the hedge worth nothing?
4. The ratio was estimated on the 20 days on which the hedge is then judged, from five ETFs. What is wrong, and in which
   direction?
""",
    words="""
1. {alike} × {own} / {etf} = {sold:.4f} for each 1 of the stock, 100 times that in all; left is {own} × √(1 − {alike}²)
   = {least:.3f} %.
2. The mistake adds ({times} − 1) × {sold:.3f} × {etf} at right angles: √({least:.3f}² + …²) = {over:.3f} %.
3. Twice: the risk is that of the stock alone again.
4. Five slopes fitted to 20 days catch about a quarter of any noise; the hedge looks better than it is. Judge it on
   later days, beside the plainest hedge.
""",
    marks=((2, "both numbers"), (1, "part 2"), (1, "twice"), (1, "in sample, too good")),
    wrong="The correlation itself as the ratio: it is the ratio only where both move by the same amount.",
    draw=_draw_hedge_ratio,
    answer=_answer_hedge_ratio,
    check=_search_hedge_ratio,
    within=1e-5,
)

# --- A promise of no risk ---------------------------------------------------------------------------------------------

promise = Question(
    topic="covariance_and_hedging",
    title="A promise of no risk",
    minutes=8,
    points=5,
    text="""
100 tickers of a simulated market with three factors. Three investors hold the portfolio of minimum variance, w ∝ Σ⁻¹1,
each with a Σ from 120 months:

| Σ | risk it promises, % a year | risk in the next years, % a year |
|:--|--:|--:|
| A | 2.8 | 15.1 |
| B | 5.4 | 6.7 |
| C | 4.0 | 8.2 |

They used, in some order, the sample covariance, Ledoit and Wolf's shrinkage, and three given factors with residual
variances.

1. Which is which?
2. Why does the sample covariance promise so much, when each of its entries is unbiased?
3. What happens to it with 90 months?
4. On 20 real stocks, with a year of days, B is no better than C. Give a reason that is no bug.
""",
    words="""
1. A sample covariance, B factors, C shrinkage: A's promise is the most broken, and in a market made of three
   factors B knows more than C.
2. The optimiser looks for mixtures that happened to stand still. Small eigenvalues of a sample are too small, and its
   inverse is ruled by them: entries may be right on average where the minimum over portfolios is not.
3. It has no inverse: at most 89 of 100 eigenvalues are above zero. Some portfolios promise no risk at all.
4. 20 stocks against 250 days leave the sample little to be wrong about; and real residuals are not unrelated
   (industries), so the diagonal of B is wrong. Structure is a bet.
""",
    marks=((1, "which is which"), (2, "small eigenvalues, chosen by the optimiser"), (1, "singular"), (1, "a reason")),
    wrong="“The sample covariance is unbiased, so the promise is”: the least of many unbiased numbers is not.",
)

QUESTIONS = (joint_test, made_alpha, hedge_ratio, promise)
