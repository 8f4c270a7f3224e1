"""Exercises of the lesson on risk or characteristics: pricing errors, the GRS test, conditional α."""

from functools import cache, partial

import numpy as np
from scipy import stats

from helpers.exercises.answers import same_to_a_percent
from helpers.exercises.checker import Choice, Exercise, Open

# Exercise 1: a test that nobody can fail


@cache
def _returns_and_factors():
    random = np.random.default_rng(0)
    calls = []
    for n_dates, n_portfolios, K in ((120, 5, 2), (200, 4, 3)):
        F = random.normal(0.03, 0.1, (n_dates, K))
        alpha = np.linspace(-0.01, 0.02, n_portfolios)
        noise = 0.05 * random.standard_normal((n_dates, n_portfolios))
        calls.append((alpha + F @ random.normal(1, 0.5, (n_portfolios, K)).T + noise, F))
    return calls


def t_of_alphas(R, F):
    half = len(R) // 2
    design = np.column_stack([np.ones(half), F[:half]])
    betas = np.linalg.lstsq(design, R[:half], rcond=None)[0][1:]
    errors = R[half:] - F[half:] @ betas
    return errors.mean(axis=0) / (errors.std(axis=0, ddof=1) / np.sqrt(len(errors)))


def _mean_over_error(errors):
    return errors.mean(axis=0) / (errors.std(axis=0, ddof=1) / np.sqrt(len(errors)))


def _slopes(R, F):
    design = np.column_stack([np.ones(len(F)), F])
    return np.linalg.lstsq(design, R, rcond=None)[0]


def _always_zero(R, F):
    return _mean_over_error(R - np.column_stack([np.ones(len(F)), F]) @ _slopes(R, F))


def _tested(R, F, fit, test, made=_mean_over_error, ones=True):
    """What is made of the errors on some dates, with β of some; both functions of half the number of dates."""
    known, new = fit(len(R) // 2), test(len(R) // 2)
    betas = _slopes(R[known], F[known])[1:] if ones else np.linalg.lstsq(F[known], R[known], rcond=None)[0]
    return made(R[new] - F[new] @ betas)


def _all(half):
    return slice(None)


def _second(half):
    return slice(half, None)


_betas_of_the_same_dates = partial(_tested, fit=_all, test=_all)
_tested_on_all_dates = partial(_tested, fit=slice, test=_all)
_second_half_alone = partial(_tested, fit=_second, test=_second)
_halves_exchanged = partial(_tested, fit=_second, test=slice)
_fitted_to_all_dates = partial(_tested, fit=_all, test=_second)
_without_an_intercept = partial(_tested, fit=slice, test=_second, ones=False)
_means_alone = partial(_tested, fit=slice, test=_second, made=lambda errors: errors.mean(axis=0))
_without_the_root = partial(_tested, fit=slice, test=_second, made=lambda e: _mean_over_error(e) / np.sqrt(len(e)))
_without_any_root = partial(_tested, fit=slice, test=_second, made=lambda e: _mean_over_error(e) * np.sqrt(len(e)))
_root_of_all_dates = partial(_tested, fit=slice, test=_second, made=lambda e: _mean_over_error(e) * np.sqrt(2))


def _old_alpha_taken_out(R, F):
    half = len(R) // 2
    return _tested(R - _slopes(R[:half], F[:half])[0], F, slice, _second)


def _risk_of_returns(R, F):
    half = len(R) // 2
    return _means_alone(R, F) / R[half:].std(axis=0, ddof=1) * np.sqrt(len(R) - half)


def _t_of_the_intercept(R, F):
    half = len(R) // 2
    design = np.column_stack([np.ones(len(R) - half), F[half:]])
    errors = R[half:] - design @ _slopes(R[half:], F[half:])
    variances = (errors**2).sum(axis=0) / (len(errors) - design.shape[1]) * np.linalg.inv(design.T @ design)[0, 0]
    return _slopes(R[half:], F[half:])[0] / np.sqrt(variances)


q1 = Exercise(
    reference=t_of_alphas,
    mistakes={
        _always_zero: "Zero for all portfolios, up to rounding. A regression with an intercept leaves residuals whose "
        "mean is zero on the dates of the fit, whatever the factors: nobody can fail this test.",
        _betas_of_the_same_dates: "The intercept is out of r̂ now. But β was fitted to the dates that it is tested on: "
        "fit on the first half, test on the second.",
        _old_alpha_taken_out: "The intercept of the first half is part of your r̂. Then you ask whether α has changed, "
        "not whether there is one: r̂ is β · F alone.",
        _without_the_root: "You divided by the standard deviation. The standard error of a mean is smaller: divide it "
        "by the root of the number of dates.",
        _root_of_all_dates: "You divided by the root of the number of ALL dates. The mean is one of the second half.",
        _without_any_root: "You divided by the number of dates. The standard error takes its root.",
        _risk_of_returns: "Your standard deviation is that of the returns. Take that of the errors.",
        _t_of_the_intercept: "This is the t of the intercept in a regression on the second half: β is fitted where it "
        "is tested. Fit β on the first half.",
        _without_an_intercept: "Your regression has no intercept, so its lines go through zero and β is bent to "
        "swallow some of α. Keep the column of ones in the fit, and leave it out of r̂.",
        _means_alone: "These are the α, the means of what is left. Divide each by its standard error.",
        _tested_on_all_dates: "The fit is right. But the dates of the fit are among those that you test on: "
        "take the second half alone.",
        _second_half_alone: "β was fitted to the second half, on which it is tested. Fit on the first half.",
        _halves_exchanged: "The halves are exchanged: fit on the first, test on the second.",
        _fitted_to_all_dates: "You test on the second half, and fitted β to all dates, those of the test among them. "
        "Fit on the first half alone.",
    },
    same=same_to_a_percent,  # a standard deviation with n or with n - 1
    calls=_returns_and_factors,
    hints=(
        "What is the mean of the residuals of a regression with an intercept, on the dates that it was fitted to?",
        "The fit needs the column of ones and the first half of the dates. r̂ is F @ betas on the second "
        "half, without the intercept.",
    ),
    insight="The intercept belongs to the fit, so that it does not bend β. It does not belong to r̂: the model says β "
    "· F and no more, and what it leaves on average is the error that we look for.",
)

# Exercise 2: GRS by hand


@cache
def _many_portfolios():
    """So many that one degree of freedom more or less shows, and T in the place of T - 1 does not."""
    calls = []
    for seed, (n_dates, n_portfolios, K) in enumerate(((130, 60, 3), (120, 50, 4))):
        random = np.random.default_rng(seed)
        F = random.normal(0.03, 0.1, (n_dates, K))
        alpha = np.linspace(-0.006, 0.012, n_portfolios)
        noise = 0.05 * random.standard_normal((n_dates, n_portfolios))
        calls.append((alpha + F @ random.normal(1, 0.5, (n_portfolios, K)).T + noise, F))
    return calls


def grs(R, F):
    (T, N), K = R.shape, F.shape[1]
    design = np.column_stack([np.ones(T), F])
    coefficients = np.linalg.lstsq(design, R, rcond=None)[0]
    alpha, residuals = coefficients[0], R - design @ coefficients
    mean = F.mean(axis=0)
    squared_sharpe = mean @ np.linalg.solve(np.cov(F.T, ddof=0).reshape(K, K), mean)
    squared_alphas = alpha @ np.linalg.solve(residuals.T @ residuals / T, alpha)
    return (T - N - K) / N * squared_alphas / (1 + squared_sharpe)


def _squared_sharpe(X):
    mean = X.mean(axis=0)
    return mean @ np.linalg.solve(np.cov(X.T, ddof=0).reshape(len(mean), -1), mean)


def _from_sharpe(R, F, of_all, of_factors):
    (T, N), K = R.shape, F.shape[1]
    return (T - N - K) / N * (of_all - of_factors) / (1 + of_factors)


def _portfolios_alone(R, F):
    return _from_sharpe(R, F, _squared_sharpe(R), _squared_sharpe(F))


def _ratios_not_squared(R, F):
    return _from_sharpe(R, F, np.sqrt(_squared_sharpe(np.hstack([R, F]))), np.sqrt(_squared_sharpe(F)))


def _times(R, F, factor):
    """GRS with something else in front than (T - N - K) / N, a function of the three."""
    (T, N), K = R.shape, F.shape[1]
    return grs(R, F) * factor(T, N, K) / ((T - N - K) / N)


_times_dates = partial(_times, factor=lambda T, N, K: T)
_factors_forgotten = partial(_times, factor=lambda T, N, K: (T - N) / N)
_one_degree_too_few = partial(_times, factor=lambda T, N, K: (T - N - K - 1) / N)
_one_degree_too_many = partial(_times, factor=lambda T, N, K: (T - N - K + 1) / N)
_as_if_of_one_factor = partial(_times, factor=lambda T, N, K: (T - N - 1) / N)
_by_factors_divided = partial(_times, factor=lambda T, N, K: (T - N - K) / K)


def _p_value(R, F):
    (T, N), K = R.shape, F.shape[1]
    return stats.f.sf(grs(R, F), N, T - N - K)


def _of_parts(R, F, covariance=None, ones=True, means=False, below=lambda F: 1 + _squared_sharpe(F)):
    """The form by alphas, with another covariance, without an intercept, or with another fraction."""
    (T, N), K = R.shape, F.shape[1]
    design = np.column_stack([np.ones(T), F])
    errors = R - (design @ _slopes(R, F) if ones else F @ np.linalg.lstsq(F, R, rcond=None)[0])
    alpha = R.mean(axis=0) if means else _slopes(R, F)[0] if ones else errors.mean(axis=0)
    sigma = errors.T @ errors / T if covariance is None else covariance(R, errors, K)
    return (T - N - K) / N * (alpha @ np.linalg.solve(sigma, alpha)) / below(F)


_covariance_of_returns = partial(_of_parts, covariance=lambda R, e, K: np.cov(R.T, ddof=0))
_without_the_denominator = partial(_of_parts, below=lambda F: 1.0)
_diagonal_alone = partial(_of_parts, covariance=lambda R, e, K: np.diag((e**2).mean(axis=0)))
_sums_of_errors = partial(_of_parts, covariance=lambda R, e, K: e.T @ e)
_fewer_dates_in_sigma = partial(_of_parts, covariance=lambda R, e, K: e.T @ e / (len(e) - K - 1))
_no_intercept = partial(_of_parts, ones=False)
_means_as_alphas = partial(_of_parts, means=True)
_one_plus_root = partial(_of_parts, below=lambda F: 1 + np.sqrt(_squared_sharpe(F)))
_one_by_one_below = partial(_of_parts, below=lambda F: 1 + (F.mean(axis=0) ** 2 / F.var(axis=0)).sum())
_pooled_below = partial(_of_parts, below=lambda F: 1 + (F.mean() / F.std()) ** 2)


def _all_below(R, F):
    return grs(R, F) * (1 + _squared_sharpe(F)) / (1 + _squared_sharpe(np.hstack([F, R])))


def _square_of_the_difference(R, F):
    of_all, of_factors = _squared_sharpe(np.hstack([F, R])), _squared_sharpe(F)
    return _from_sharpe(R, F, of_factors + (np.sqrt(of_all) - np.sqrt(of_factors)) ** 2, of_factors)


q2 = Exercise(
    reference=grs,
    mistakes={
        _portfolios_alone: "Your larger Sharpe ratio is that of the test portfolios alone. Take the best mix of "
        "portfolios AND factors: np.hstack([F, R]).",
        _ratios_not_squared: "These are Sharpe ratios, and squares of them are needed.",
        _without_the_denominator: "1 + S² of the factors is missing below: the more surely factors earn, the less "
        "surely α is measured.",
        _times_dates: "This is T · (S²_all - S²_F) / (1 + S²_F), the plain J statistic. GRS takes (T - N - K) / N in "
        "the place of T.",
        _factors_forgotten: "Your second number of degrees of freedom is T - N. The K factors have cost some, too: "
        "T - N - K.",
        _diagonal_alone: "You divided each α by its own variance and added up. The noises of the portfolios go "
        "together: Σ_ε is a full matrix, residuals.T @ residuals / T.",
        _means_as_alphas: "These are the means of the returns in the place of α. α is the intercept of the "
        "regression on the factors.",
        _one_degree_too_few: "Your second number of degrees of freedom is T - N - K - 1, one too few. It is T - N - K.",
        _one_degree_too_many: "Your second number of degrees of freedom is T - N - K + 1, one too many. It is "
        "T - N - K.",
        _as_if_of_one_factor: "T - N - 1 is the number for one factor. With K of them it is T - N - K.",
        _covariance_of_returns: "Your Σ is that of the returns. It is the covariance of what the regression leaves.",
        _sums_of_errors: "Your Σ holds sums of squares. A covariance divides them by T.",
        _fewer_dates_in_sigma: "Your Σ divides by T - K - 1. GRS has its degrees of freedom in front, and T in Σ.",
        _no_intercept: "Your regression has no intercept, so β swallows a part of α. Its coefficient is α.",
        _one_plus_root: "Below stands 1 + the SQUARED Sharpe ratio. Yours is not squared.",
        _one_by_one_below: "You added the squared Sharpe ratios of the single factors. Factors go together: mean' Σ⁻¹ "
        "mean, with all of their covariance.",
        _pooled_below: "Your Sharpe ratio throws all factors into one pot. The best mix is mean' Σ⁻¹ mean.",
        _all_below: "Below stands 1 + S² of the factors alone, without the test portfolios.",
        _square_of_the_difference: "You squared the difference of two ratios. GRS has the difference of two squares.",
        _by_factors_divided: "You divided by the number of factors. N is the number of portfolios that are tested.",
        _p_value: "This is the p-value. The statistic itself is asked for.",
    },
    same=same_to_a_percent,  # a covariance with T or with T - 1
    calls=_many_portfolios,
    hints=(
        "Either the intercepts and the covariance of the residuals, or two squared Sharpe ratios. Both stand in the "
        "lesson for other data.",
        "The squared Sharpe ratio of columns X is mean @ np.linalg.solve(np.cov(X.T, ddof=0), mean).",
        "(T - N - K) / N * (of_all - of_factors) / (1 + of_factors), with of_all of np.hstack([F, R]).",
    ),
    insight="The numerator is what the test portfolios add to the squared Sharpe ratio of the factors. So a joint test "
    "of intercepts asks an investor's question: can I do better with them?",
)

# Exercise 3: read the picture

q3 = Choice(
    right="b",
    advice={
        "a": "The dotted line is where NOTHING is explained. The point lies far below it; and what is explained is its "
        "distance from that line.",
        "c": "A hollow point says that |t| is not above 3. It does not say that α is zero: about 2 % a year are "
        "left, and its t is about 2.",
        "d": "The 2 % are what the model leaves. What it explains is the rest of the mean return.",
    },
    hints=(
        "The vertical axis is what is left, the horizontal axis what was earned. So what does the model say?",
        "What was earned, less what is left: about 17 less about 2. And what does a hollow point say of the 2?",
    ),
    insight="Mean return less α is what the model says: about 15 % a year. In the panel of the market alone the same "
    "portfolio lies halfway to the dotted line and is filled. Size, value and momentum (it holds small winners) "
    "speak for the difference.",
)

# Exercise 4: the conditional α


@cache
def _moving_market():
    calls = []
    for seed, slope in ((0, 0.5), (1, -0.8)):
        random = np.random.default_rng(seed)
        z = random.standard_normal(300)
        F = 0.006 * (1 + z) + 0.045 * random.standard_normal(300)
        calls.append((0.002 + (1 + slope * z) * F + 0.02 * random.standard_normal(300), F, z))
    return calls


def conditional_alpha(r, F, z):
    design = np.column_stack([np.ones(len(r)), F, z * F])
    return np.linalg.lstsq(design, r, rcond=None)[0][0]


def _first(r, *columns):
    return np.linalg.lstsq(np.column_stack([np.ones(len(r)), *columns]), r, rcond=None)[0][0]


def _z_of_the_date_before(r, F, z):
    return _first(r[1:], F[1:], z[:-1] * F[1:])


def _z_of_the_date_after(r, F, z):
    return _first(r[:-1], F[:-1], z[1:] * F[:-1])


def _coefficient(r, F, z, k):
    return np.linalg.lstsq(np.column_stack([np.ones(len(r)), F, z * F]), r, rcond=None)[0][k]


_slope_of_the_factor, _slope_of_the_product = partial(_coefficient, k=1), partial(_coefficient, k=2)


def _t_value(r, F, z):
    design = np.column_stack([np.ones(len(r)), F, z * F])
    b = np.linalg.lstsq(design, r, rcond=None)[0]
    variance = ((r - design @ b) ** 2).sum() / (len(r) - 3) * np.linalg.inv(design.T @ design)[0, 0]
    return b[0] / np.sqrt(variance)


def _mean_of_the_rest(r, F, z):
    b = np.linalg.lstsq(np.column_stack([F, z * F]), r, rcond=None)[0]
    return (r - b[0] * F - b[1] * z * F).mean()


_OTHER_REGRESSIONS = [
    (lambda r, F, z: _first(r, F),
     "β is still constant: this is the unconditional α. Put b₀ + b₁ z in the place of β, and see which second "
     "regressor comes out."),
    (lambda r, F, z: _first(r, F, z),
     "You added z itself. Then z moves α. To move β, z has to stand beside F in a product."),
    (lambda r, F, z: _first(r, z * F),
     "F itself is missing: your β is zero wherever z is. The regressors are 1, F and z F."),
    (lambda r, F, z: _first(r, F, z, z * F),
     "You added z itself as well. Only β moves here: the regressors are 1, F and z F."),
    (lambda r, F, z: 0.0,
     "A regression with an intercept leaves residuals whose mean is zero. α is the intercept itself."),
    (lambda r, F, z: (r - (1 + 0.5 * z) * F).mean(),
     "You used the β of the lesson's market, 1 + z / 2. The check has another: let a regression find it."),
    (lambda r, F, z: _first(r, F) - np.cov(z, F)[0, 1],
     "You took a covariance off the unconditional α. That holds roughly, and for Cov(β, λ). Let the regression have "
     "a β that moves."),
    (lambda r, F, z: 100 * conditional_alpha(r, F, z),
     "This is in percent. Fractions are asked for."),
]  # fmt: skip

q4 = Exercise(
    reference=conditional_alpha,
    mistakes={
        **dict(_OTHER_REGRESSIONS),
        _z_of_the_date_before: "You took z one date earlier. z[d] is known before date d already, as rows of "
        "characteristics are everywhere in the course.",
        _z_of_the_date_after: "You took z one date later than F. z[d] belongs to date d.",
        _slope_of_the_factor: "This is b₀, the slope of F. α is the intercept.",
        _t_value: "This is the t value of α. Asked for is α itself.",
        _slope_of_the_product: "This is b₁, the slope of z F. α is the intercept.",
        _mean_of_the_rest: "Your regression has no intercept, so β is bent to swallow a part of α. Keep the column of "
        "ones: its coefficient is α.",
    },
    calls=_moving_market,
    hints=(
        "(b₀ + b₁ z) F = b₀ F + b₁ (z F). So it is still a linear regression: on how many columns?",
        "np.column_stack([np.ones(len(r)), F, z * F]) is the design, and α the first coefficient.",
    ),
    insight="z F is a managed factor: a position in F that grows with z. To let β follow z is to give the model one "
    "more factor that can be traded. In the lesson's market α falls from 0.31 % a month "
    "(t = 3.4) to -0.02 % (t = -0.3).",
)

# Exercise 5: open

q5 = Open(
    look_for="With one factor c1's managed portfolio has a t of 14. With two, the second factor lies along c1 (0.98 in "
    "Γ), and the t is about 1: the error is gone, and the model calls a factor what moves nothing. Its mean is 1.3 % "
    "per date, and its volatility, 1.8 %, no more than the tickers' noise leaves in a portfolio. That Sharpe ratio of "
    "0.7 per date gives it away: who would leave such a premium lying there?",
    hints=(
        "InstrumentedPCA(2).fit(riskless), then gamma_ and factors(riskless): mean and standard deviation of the "
        "second column.",
        "Compare with the volatility that noise of 10 % leaves in a portfolio of 100 tickers: about "
        "0.1 / √(100 · 1/3).",
    ),
)
