"""Questions on lesson 03: what a factor is paid for."""

import numpy as np

from tools.bank.question import Numbers, Question, between, whole

# --- Which standard error ---------------------------------------------------------------------------------------------


def _draw_standard_errors(random: np.random.Generator) -> Numbers:
    sizes = {"n_tickers": whole(random, 60, 400), "n_dates": whole(random, 120, 480)}
    return {**sizes, "sd": between(random, 3.5, 6), "noise": between(random, 6, 12)}


def _answer_standard_errors(n_tickers: int, n_dates: int, sd: float, noise: float) -> Numbers:
    pooled = np.sqrt((sd**2 + noise**2) / (n_tickers * n_dates))
    return {"pooled": pooled, "by_date": np.sqrt((sd**2 + noise**2 / n_tickers) / n_dates)}


def _simulate_standard_errors(n_tickers: int, n_dates: int, sd: float, noise: float) -> Numbers:
    """The formula of a program on one long draw of returns, and the spread of 20,000 histories' averages."""
    random = np.random.default_rng(0)
    returns = sd * random.standard_normal((20_000, 1)) + noise * random.standard_normal((20_000, n_tickers))
    pooled = returns.std() / np.sqrt(n_tickers * n_dates)
    return {"pooled": pooled, "by_date": returns.mean(axis=1).std() / np.sqrt(n_dates)}


standard_errors = Question(
    topic="risk_premia",
    title="Which standard error?",
    minutes=8,
    points=5,
    text="""
{n_tickers} tickers all have a known β of 1 to one factor. Over {n_dates} months the factor has a standard deviation of
{sd} % a month, and each ticker's own noise, independent of everything, one of {noise} %. The premium is estimated by
the mean of all {n_tickers} × {n_dates} returns.

1. A program that believes all returns to be independent prints a standard error. Which, about?
2. What is the right one?
3. A colleague doubles the number of tickers, another doubles the number of months. What does each do to the right one?
""",
    words="""
1. √(({sd}² + {noise}²) / ({n_tickers} × {n_dates})) = {pooled:.4f} % a month.
2. The mean of one date is F plus the average of the noise, with a variance of {sd}² + {noise}² / {n_tickers}. Dates are
   independent, so the standard error is √(({sd}² + {noise}² / {n_tickers}) / {n_dates}) = {by_date:.3f} % a month
   (Fama and MacBeth, or clustered by date).
3. More tickers do next to nothing: the factor's own variance stays. Twice the months divide it by √2.
""",
    marks=((1, "part 1"), (2, "part 2; 1 where the noise is not divided by the tickers"), (2, "part 3, both halves")),
    wrong="Dividing by √(tickers × dates) in part 2: the tickers of a date have all seen the same factor.",
    draw=_draw_standard_errors,
    answer=_answer_standard_errors,
    check=_simulate_standard_errors,
    within=0.03,
)

# --- The zero-beta rate -----------------------------------------------------------------------------------------------

BETAS = np.array([0.8, 1.0, 1.4])


def _draw_zero_beta(random: np.random.Generator) -> Numbers:
    start, slope = between(random, 5, 12, 3), -whole(random, 100, 700) / 200
    low, middle, high = (round(float(mean), 3) for mean in start + slope * BETAS)
    return {"low": low, "middle": middle, "high": high}


def _answer_zero_beta(low: float, middle: float, high: float) -> Numbers:
    slope = (high - low) / (1.4 - 0.8)
    through = (0.8 * low + 1.0 * middle + 1.4 * high) / (0.8**2 + 1.0**2 + 1.4**2)
    return {"zero_beta": low - 0.8 * slope, "premium": slope, "through": through}


def _fit_zero_beta(low: float, middle: float, high: float) -> Numbers:
    """By least squares."""
    means = np.array([low, middle, high])
    slope, start = np.polyfit(BETAS, means, 1)
    return {"zero_beta": start, "premium": slope, "through": np.linalg.lstsq(BETAS[:, None], means, rcond=None)[0][0]}


zero_beta = Question(
    topic="risk_premia",
    title="What the zero-beta rate shows",
    minutes=9,
    points=6,
    text="""
Three large portfolios of stocks, without noise to speak of; returns are in excess of interest. The market has a β of 1
to itself, and the second portfolio is the market.

| | β to the market | mean return, % a year |
|:--|--:|--:|
| calm | 0.8 | {low:.3f} |
| market | 1.0 | {middle:.3f} |
| restless | 1.4 | {high:.3f} |

1. Which line λ₀ + β λ goes through the three points?
2. What is the slope of the least-squares line through 0?
3. “The market paid {middle} % a year, so a unit of β is rewarded with {middle} %.” Which half of this sentence is
   right, and what do the three portfolios say of the other?
4. Which assumption has failed?
""",
    words="""
1. λ = ({high} − {low}) / 0.6 = {premium:.3f} and λ₀ = {low} − 0.8 × λ = {zero_beta:.3f} % a year.
2. {through:.2f} % a year, Σ β r / Σ β².
3. The market's mean is a fact. Among the portfolios more β earned **less**: the slope is {premium:.2f}. Through 0 any
   portfolios with betas around 1 make their common mean look like a reward for β.
4. That a stock without any β earns the interest, λ₀ = 0. It would have earned {zero_beta:.2f} % more than interest, if
   the line can be trusted so far from the three points.
""",
    marks=(
        (2, "λ and λ₀"),
        (1, "the slope through 0"),
        (2, "the mean is right, the reward is not shown"),
        (1, "λ₀ = 0"),
    ),
    wrong="Calling λ₀ an α of one portfolio. It is common to all three, which lie on one line.",
    draw=_draw_zero_beta,
    answer=_answer_zero_beta,
    check=_fit_zero_beta,
)

# --- Noise in β -------------------------------------------------------------------------------------------------------


def _draw_attenuation(random: np.random.Generator) -> Numbers:
    noise, sd = between(random, 6, 11), between(random, 3.5, 6)
    return {"noise": noise, "sd": sd, "spread": between(random, 0.2, 0.45), "months": whole(random, 24, 72)}


def _answer_attenuation(noise: float, sd: float, spread: float, months: int) -> Numbers:
    error = noise**2 / (sd**2 * months)
    return {"kept": 100 * spread**2 / (spread**2 + error), "later": 100 * spread**2 / (spread**2 + error / 4)}


def _simulate_attenuation(noise: float, sd: float, spread: float, months: int) -> Numbers:
    """The slope across a million tickers whose mean return is their true β, regressed on β with noise."""
    random = np.random.default_rng(0)
    true = 1 + spread * random.standard_normal(1_000_000)

    def kept(n: int) -> float:
        return 100 * np.polyfit(true + noise / (sd * np.sqrt(n)) * random.standard_normal(true.size), true, 1)[0]

    return {"kept": kept(months), "later": kept(4 * months)}


attenuation = Question(
    topic="risk_premia",
    title="A premium through foggy glasses",
    minutes=9,
    points=5,
    text="""
There is one factor. The true betas of very many tickers have a standard deviation of {spread} around 1. Each β is
estimated from {months} months in which the factor moved by {sd} % a month (standard deviation) and the ticker's own
noise by {noise} %. Mean returns **of later months** are regressed on these estimates, with an intercept.

1. Which share of the true slope is found, on average?
2. And which with betas from four times as many months?
3. Will ten times as many tickers help? What will they change?
4. Where does the missing part of the mean return show up?
""",
    words="""
1. The variance of the error of β is {noise}² / ({sd}² × {months}); the share is {spread}² over {spread}² and this:
   {kept:.1f} %.
2. The variance of the error is a quarter: {later:.1f} %.
3. No: the slope is the same, only known more exactly. Very many tickers give the wrong number with confidence.
4. In the intercept: the line goes through the point of means, and where it is too flat it begins too high.
""",
    marks=((2, "part 1; 1 for the error of β alone"), (1, "part 2"), (1, "bias, not noise"), (1, "the intercept")),
    wrong="“The noise averages out over tickers”: in the mean return it does, in the regressor it does not.",
    draw=_draw_attenuation,
    answer=_answer_attenuation,
    check=_simulate_attenuation,
    within=0.02,
)

QUESTIONS = (standard_errors, zero_beta, attenuation)
