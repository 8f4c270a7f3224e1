"""Exercises of lesson 05: how many factors."""

import numpy as np

from helpers.exercises.answers import same_numbers
from helpers.exercises.checker import Choice, Exercise, Open


def _spectra():
    random = np.random.default_rng(0)
    return [(np.sort(random.gamma(0.4, 1.0, n))[::-1] + 0.05, K_max) for n, K_max in ((12, 4), (20, 6))]


def _returns():
    random = np.random.default_rng(1)
    means = (random.normal(0.5, 0.4, n_tickers) for n_tickers in (8, 30))
    return [(random.standard_normal((40, len(mean))) + mean, 4) for mean in means]


# Exercise 1: how many months


def same_or_the_next_whole_month(answer, truth):
    """Whether the numbers agree, or the answer is the first whole month that reaches the truth, not the one before."""
    whole = (answer == np.rint(answer)) & (answer != truth)
    return bool((answer == np.ceil(truth)).all()) or (same_numbers(answer, truth) and not whole.any())


def months_needed(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    strength = sd_factor**2 * sum_of_squared_betas
    return n_tickers * (sd_noise**2 / strength) ** 2


def _not_squared(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return n_tickers * sd_noise**2 / (sd_factor**2 * sum_of_squared_betas)


def _turned_over(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return n_tickers * (sd_factor**2 * sum_of_squared_betas / sd_noise**2) ** 2


def _standard_deviations(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return n_tickers * (sd_noise / (sd_factor * sum_of_squared_betas)) ** 2


def _variance_of_the_factor_alone(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return n_tickers * (sd_noise**2 / sd_factor**2) ** 2


def _mean_of_the_squares(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return months_needed(n_tickers, sd_factor, sum_of_squared_betas / n_tickers, sd_noise)


def _standard_deviation_of_the_noise(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return n_tickers * (sd_noise / (sd_factor**2 * sum_of_squared_betas)) ** 2


def _without_the_tickers(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return (sd_noise**2 / (sd_factor**2 * sum_of_squared_betas)) ** 2


def _standard_deviation_of_the_factor(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return n_tickers * (sd_noise**2 / (sd_factor * sum_of_squared_betas)) ** 2


def _sum_squared_again(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return months_needed(n_tickers, sd_factor, sum_of_squared_betas**2, sd_noise)


def _years(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return months_needed(n_tickers, sd_factor, sum_of_squared_betas, sd_noise) / 12


def _rounded_down(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return np.floor(months_needed(n_tickers, sd_factor, sum_of_squared_betas, sd_noise))


def _edge(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return n_tickers / (np.sqrt(sd_factor**2 * sum_of_squared_betas / sd_noise**2) - 1) ** 2


def _edge_less_one(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return n_tickers / (np.sqrt(1 + sd_factor**2 * sum_of_squared_betas / sd_noise**2) - 1) ** 2


def _tickers_squared(n_tickers, sd_factor, sum_of_squared_betas, sd_noise):
    return n_tickers * months_needed(n_tickers, sd_factor, sum_of_squared_betas, sd_noise)


q1 = Exercise(
    reference=months_needed,
    mistakes={
        _not_squared: "T stands under a root: θ = σ² √(N / T). Square both sides before you solve for T.",
        _turned_over: "A stronger factor would need more months by your formula. Turn the fraction over.",
        _standard_deviations: "Variances are needed on both sides: σ_F² in the strength, and σ² of the noise.",
        _standard_deviation_of_the_noise: "The strength is a variance, and so is σ²: square the noise's 5 %.",
        _variance_of_the_factor_alone: "The strength is σ_F² times the sum of the squared betas. "
        "Many tickers that lean on a factor make it strong.",
        _mean_of_the_squares: "You took the mean of the squared betas. The strength adds them up over the tickers.",
        _without_the_tickers: "The number of tickers is missing. The threshold is σ² √(N / T).",
        _standard_deviation_of_the_factor: "The strength is a variance, so the factor's 1 % has to be squared too.",
        _sum_squared_again: "The 30 is a sum of squares already. It is not squared again.",
        _years: "These are years. Months are asked for.",
        _rounded_down: "You rounded down. After so many whole months the factor has not quite reached the threshold.",
        _edge: "You set θ equal to the upper edge of the noise. The threshold is lower, σ² √(N / T).",
        _edge_less_one: "You let θ + σ² reach the noise's edge. The threshold is lower: θ is to reach σ² √(N / T).",
        _tickers_squared: "The number of tickers was squared. Under the root stand N and T as they are: T is N "
        "times the square of a fraction.",
    },
    given=lambda: {"n_tickers": 500, "sd_factor": 0.01, "sum_of_squared_betas": 30, "sd_noise": 0.05},
    same=same_or_the_next_whole_month,
    hints=(
        "At the threshold θ = σ² √(N / T). Which of these do you know?",
        "The strength θ is sd_factor ** 2 * sum_of_squared_betas. Square both sides and solve for T.",
        "T = N (σ² / θ)², where σ² is sd_noise ** 2.",
    ),
    insight="Almost thirty years of months. A factor of half the standard deviation has a quarter of the strength, and "
    "needs sixteen times as many. That is why a weak factor is a matter of patience and not of skill.",
)

# Exercise 2: the growth ratio


def growth_ratios(mu, K_max):
    V = mu.sum() - np.append(0, mu.cumsum())  # V(0), V(1), V(2), ...
    growth = np.log(V[: K_max + 1] / V[1 : K_max + 2])
    return growth[:-1] / growth[1:]


def _ratios_of_eigenvalues(mu, K_max):
    return mu[:K_max] / mu[1 : K_max + 1]


def _without_logarithms(mu, K_max):
    V = mu.sum() - np.append(0, mu.cumsum())
    growth = V[: K_max + 1] / V[1 : K_max + 2]
    return growth[:-1] / growth[1:]


def _upside_down(mu, K_max):
    return 1 / growth_ratios(mu, K_max)


def _one_too_late(mu, K_max):
    return growth_ratios(mu, K_max + 1)[1:]


def _one_too_early(mu, K_max):
    return growth_ratios(mu, K_max - 1)


def _explained_for_left(mu, K_max):
    explained = mu.cumsum()
    growth = np.log(explained[1 : K_max + 2] / explained[: K_max + 1])
    return growth[:-1] / growth[1:]


def _logarithm_of_the_ratios(mu, K_max):
    return np.log(_without_logarithms(mu, K_max))


def _only_the_first_of_them(mu, K_max):
    return growth_ratios(mu, len(mu) - 3)


q2 = Exercise(
    reference=growth_ratios,
    mistakes={
        _ratios_of_eigenvalues: "These are the ratios of the eigenvalues, the rule above. Here V takes their place.",
        _without_logarithms: "The logarithms are missing: each growth is log(V before / V after).",
        _logarithm_of_the_ratios: "The logarithm was taken last. Take it of each growth, and then divide the two.",
        _upside_down: "The fraction stands upside down. A large growth before a small one is to give a large ratio.",
        _one_too_late: "Your list begins with GR(2). V(0), what no component leaves, is the sum of all eigenvalues, "
        "and GR(1) begins with it.",
        _one_too_early: "The last one is missing: GR(K_max) needs V(K_max + 1).",
        _explained_for_left: "You took what the first K explain. V(K) is what they leave.",
        _only_the_first_of_them: "These go on to the end of mu. Keep the first K_max.",
        lambda mu, K_max: (
            np.log(mu[:K_max] / mu[1 : K_max + 1]) / np.log(mu[1 : K_max + 1] / mu[2 : K_max + 2])
        ): "The eigenvalues themselves stand in your logarithms. V belongs there, what K components leave.",
        lambda mu, K_max: (
            np.log(np.cumsum(mu[::-1])[::-1])[:K_max] / np.log(np.cumsum(mu[::-1])[::-1])[1 : K_max + 1]
        ): (
            "You divided one logarithm of V by the next. Each growth is the logarithm of a ratio, and GR is the "
            "ratio of two growths."
        ),
        lambda mu, K_max: (
            1 + int(np.argmax(growth_ratios(mu, K_max)))
        ): "This is the K that the rule chooses. The ratios themselves are asked for.",
        lambda mu, K_max: (
            np.log(mu.sum() - mu.cumsum()[:K_max] + mu[:K_max]) - np.log(mu.sum() - mu.cumsum()[:K_max])
        ): ("These are the growths. GR is the ratio of each to the next."),
    },
    calls=_spectra,
    hints=(
        "Make V first, from V(0) to V(K_max + 1). V(0) is the sum of all eigenvalues.",
        "mu.sum() - np.append(0, mu.cumsum()) is V(0), V(1), ...",
        "With growth = np.log(V[:-1] / V[1:]), the answer is growth[:-1] / growth[1:], and of it the first K_max.",
    ),
    insight="log(V(K-1) / V(K)) is the growth of V from K back to K - 1, log(1 + μ_K / V(K)). A huge first eigenvalue "
    "enters it through a logarithm. number_of_factors(R, 'growth_ratio') takes the K with the largest of these.",
)

# Exercise 3: find two mistakes


def my_criterion(R, K_max):
    T, N = R.shape
    mu = np.linalg.svd(R - R.mean(axis=0), compute_uv=False) ** 2 / R.size
    V = mu.sum() - np.append(0, mu.cumsum())[: K_max + 1]
    return np.log(V) + np.arange(K_max + 1) * (N + T) / (N * T) * np.log(min(N, T))


def _as_it_was(R, K_max):
    mu = np.linalg.svd(R, compute_uv=False) ** 2 / R.size
    V = mu.sum() - np.append(0, mu.cumsum())[: K_max + 1]
    return np.log(V) + np.arange(K_max + 1) * np.log(len(R)) / len(R)


def _still_the_penalty_of_bic(R, K_max):
    return _as_it_was(R - R.mean(axis=0), K_max)


def _still_with_the_means(R, K_max):
    T, N = R.shape
    mu = np.linalg.svd(R, compute_uv=False) ** 2 / R.size
    V = mu.sum() - np.append(0, mu.cumsum())[: K_max + 1]
    return np.log(V) + np.arange(K_max + 1) * (N + T) / (N * T) * np.log(min(N, T))


def _means_of_the_dates(R, K_max):
    return _still_with_the_means(R - R.mean(axis=1, keepdims=True), K_max)


def _one_mean_for_all(R, K_max):
    return _still_with_the_means(R - R.mean(), K_max)


def _the_first_criterion(R, K_max):
    T, N = R.shape
    g = (N + T) / (N * T) * (np.log(N * T / (N + T)) - np.log(min(N, T)))
    return my_criterion(R, K_max) + g * np.arange(K_max + 1)


def _price(R):
    return sum(R.shape) / R.size * np.log(min(R.shape))


def _with(R, K_max, g):
    return my_criterion(R, K_max) + (g - _price(R)) * np.arange(K_max + 1)


def _without_a_logarithm(R, K_max):
    T, N = R.shape
    g = (N + T) / (N * T) * np.log(min(N, T)) * np.arange(K_max + 1)
    return np.exp(my_criterion(R, K_max) - g) + g


def _penalty_taken_off(R, K_max):
    T, N = R.shape
    return my_criterion(R, K_max) - 2 * (N + T) / (N * T) * np.log(min(N, T)) * np.arange(K_max + 1)


def _standardised(R, K_max):
    return my_criterion(R / R.std(axis=0), K_max)


def _number_alone(R, K_max):
    return int(np.argmin(my_criterion(R, K_max)))


def _sums_for_means(R, K_max):
    return my_criterion(R, K_max) + np.log(R.shape[1])


def _sum_for_mean(R, K_max):
    return my_criterion(R, K_max) + np.log(R.size)


q3 = Exercise(
    reference=my_criterion,
    mistakes={
        _as_it_was: "These are his numbers still. What does he take apart: the covariance, or the means, too? And "
        "what does one more factor cost, if it brings a β for each ticker and an F for each date?",
        _still_the_penalty_of_bic: "One mistake is gone, the means. log(T) / T is the price of one number in one "
        "regression. A factor adds N + T numbers.",
        _still_with_the_means: "One mistake is gone, the penalty. The means are still in: they make a component of "
        "their own, which looks like a factor.",
        _means_of_the_dates: "You took out the mean of each date, which is nearly the market factor. Take out the mean "
        "of each ticker, over the dates: axis=0.",
        _one_mean_for_all: "You took out one mean for all. Each ticker has its own: axis=0.",
        _the_first_criterion: "This is IC_p1. IC_p2 has log(min(N, T)) in its penalty.",
        _without_a_logarithm: "V stands in it without its logarithm, so that the unit of the returns would matter.",
        _penalty_taken_off: "The penalty was subtracted. Then more factors would always be better.",
        lambda R, K_max: _with(R, K_max, np.log(R.size) / R.size): "This is BIC with all returns as observations, "
        "log(NT) / (NT). But a factor adds N + T numbers, not one.",
        lambda R, K_max: _with(
            R, K_max, sum(R.shape) / R.size * np.log(R.size)
        ): "Each of the N + T numbers has the price log(NT) / (NT) here, BIC's. IC_p2 has log(min(N, T)) in its place.",
        lambda R, K_max: _with(
            R, K_max, np.log(min(R.shape)) / min(R.shape)
        ): "This penalty has log(min) / min, a third "
        "criterion of Bai and Ng. IC_p2 has (N + T) / (NT) before the logarithm.",
        lambda R, K_max: _with(
            R, K_max, sum(R.shape) / R.size
        ): "The logarithm of min(N, T) is missing in the penalty.",
        lambda R, K_max: _with(R, K_max, np.log(min(R.shape))): "(N + T) / (NT) is missing in the penalty.",
        lambda R, K_max: _with(
            R, K_max, sum(R.shape) / R.size * np.log(max(R.shape))
        ): "The larger of N and T stands in your logarithm. It is the smaller one that counts.",
        lambda R, K_max: my_criterion(R, K_max + 1)[1:]: "Your list begins with K = 1. IC(0), no factor at all, comes "
        "first.",
        lambda R, K_max: (
            _with(R, K_max, 0) + _price(R) * np.arange(1, K_max + 2)
        ): "Each K pays for one factor too many. K = 0 pays nothing.",
        _number_alone: "This is the K that wins. The criterion itself is asked for, from K = 0 to K_max.",
        _standardised: "The returns were divided by their standard deviations. That is another question (and what "
        "statsmodels does unless told otherwise).",
        _sum_for_mean: "Yours lie log(N T) too high, each of them: V is the mean of the squared errors, not their sum. "
        "(statsmodels takes the sum. The smallest stays the smallest.)",
        _sums_for_means: "V is summed over the tickers here. He has the mean of all squares: "
        "divide by R.size. (K is the same with both.)",
    },
    calls=_returns,
    hints=(
        "Try it on R plus a large mean for each ticker: which component appears? And compare log(T) / T with g.",
        "Demean each column before svd. And a factor costs g = (N + T) / (N T) log(min(N, T)).",
        "mu = np.linalg.svd(R - R.mean(axis=0), compute_uv=False) ** 2 / R.size, and in the last line "
        "np.arange(K_max + 1) * (N + T) / (N * T) * np.log(min(N, T)).",
    ),
    insight="BIC's penalty goes to 0 as T grows, whatever N is. But the first eigenvalue of noise takes away more "
    "than log(T) / T when N / T is not small: so noise is bought, one factor after another. A penalty "
    "must know both sizes.",
)

# Exercise 4: what may he say?

q4 = Choice(
    right="b",
    advice={
        "a": "It is above the noise's edge: the tickers do move together along it. What happens to the "
        "variance of a portfolio if a model forgets that?",
        "c": "Pay and movement are two questions. Which of them does a model of risk ask?",
        "d": "γ chooses which components are kept. It does not change what a portfolio has earned.",
    },
    hints=(
        "Ask two questions apart: does it move many tickers together? Is it paid?",
        "The large factor of the lesson: it earned nothing. Would you leave it out of a hedge?",
    ),
    insight="A component that moves is a matter of risk: it belongs into a covariance or a hedge. Whether it is paid "
    "is asked of its mean, and here the answer is no. The models that follow are judged on both: total R² asks for "
    "movement, the predictive R² and the Sharpe ratio ask for pay.",
)

# Exercise 5: open

q5 = Open(
    look_for="Did you choose both numbers before you looked at 2000-2017? How far did the Sharpe ratio fall from your "
    "years of choice to the years after, and is the fall larger than its standard error (0.24 for 17 years and 0.20 "
    "for 26, so about 0.3)? Would the neighbours of your K and γ have told the same story? And who tries 30 pairs "
    "finds a good one by luck.",
    hints=(
        "panel = panels['18 portfolios'], and then panel[:'1973'] is the first half, panel['1974':'1999'] the second.",
        "For each K and γ: betas = rp_pca(first.returns, K, gamma), then sharpe_in_and_out(first.returns @ betas, "
        "second.returns @ betas)[1].",
    ),
)
