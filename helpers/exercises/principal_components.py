"""Exercises of lesson 04: principal components."""

from dataclasses import replace
from functools import cache

import numpy as np

from helpers.data.datasets import load_industries, load_sorted_portfolios
from helpers.data.simulated import simulate_constant_betas
from helpers.exercises.answers import same_up_to_sign
from helpers.exercises.checker import Choice, Exercise, Open


@cache
def _market():
    return simulate_constant_betas(n_dates=240, n_tickers=30, seed=0)


@cache
def _decomposed():
    U, S, _ = np.linalg.svd(_market().panel.returns, full_matrices=False)
    return {"U": U, "S": S}


def _factors_and_betas():
    random = np.random.default_rng(2)
    sizes = np.array([0.2, 0.05, 0.02])  # means as large as standard deviations, so that the two are not taken for one
    return [((random.normal(1, 1, (240, K)) * sizes[:K]), random.normal(0.2, 1, (8, K))) for K in (2, 3)]


@cache
def _industries():
    return {"industries": load_industries()}


def _matrices():
    random = np.random.default_rng(0)
    return [(random.normal(0.01, 0.05, (12, 5)), 2), (random.normal(0.01, 0.05, (9, 6)), 3)]


def _same_to_a_percent(answer, truth):
    signs = np.where((answer * truth).sum(axis=0) < 0, -1.0, 1.0)
    return bool(np.abs(answer * signs - truth).max() <= 1e-2 * np.abs(truth).max())


# Exercise 1: the factors from the other side


def F_by_hand(U, S):
    return U[:, :3] * S[:3]


def _without_the_singular_values(U, S):
    return U[:, :3]


def _root_of_the_singular_values(U, S):
    return U[:, :3] * np.sqrt(S[:3])


def _squared_singular_values(U, S):
    return U[:, :3] * S[:3] ** 2


def _divided_by_the_singular_values(U, S):
    return U[:, :3] / S[:3]


def _all_components(U, S):
    return U * S


def _the_last_three(U, S):
    return U[:, -3:] * S[-3:]


def _of_standard_deviation_one(U, S):
    return U[:, :3] / U[:, :3].std(axis=0)


def _without_their_means(U, S):
    F = F_by_hand(U, S)
    return F - F.mean(axis=0)


q1 = Exercise(
    reference=F_by_hand,
    mistakes={
        _without_the_singular_values: "The directions are right, but each of these columns has length 1. A large "
        "component must have a large factor: where did the singular values go?",
        _root_of_the_singular_values: "The singular values were shared out between F and β. Here β keeps "
        "length 1, so F takes all of S.",
        _squared_singular_values: "The singular values came in squared. Their squares are sums of squares; "
        "the factors take S itself.",
        _divided_by_the_singular_values: "You divided by the singular values. R V = U S: they are multiplied.",
        _the_last_three: "These are the three smallest components. svd orders them from large to small.",
        _of_standard_deviation_one: "All of these columns have a standard deviation of 1. R V is as large as the "
        "returns: where did the singular values go?",
        _without_their_means: "The mean of each factor was taken out. R V keeps it.",
        _all_components: "These are all 30 components. Keep the first three columns.",
        lambda U, S: U[:, :3] @ S[:3]: "@ multiplies and adds up: the three factors have become one. * multiplies each "
        "column of U by its number of S.",
        lambda U, S: (U * S)[:3]: "These are the first three rows, which are dates. A factor is a column.",
        lambda U, S: (U * S)[:, 1:4]: "These are the second to the fourth factor. Columns are counted from 0.",
    },
    given=_decomposed,
    hints=(
        "R = U S Vᵀ, and the columns of V are orthonormal, so VᵀV = I. What is R V?",
        "numpy gives S as a vector. Multiplying a matrix by it scales its columns.",
        "R V = U S. Of both keep the first three: U[:, :3] and S[:3].",
    ),
    insight="R V = U S Vᵀ V = U S. So U holds the factors scaled to length 1, and S their "
    "lengths, in descending order.",
    same=same_up_to_sign,
)

# Exercise 2: read the picture

q2 = Choice(
    right="b",
    advice={
        "a": "The months stand in their order, none were sorted or averaged. Look at the formula "
        "for one row of R̂ at K = 1.",
        "c": "R̂ does not hold the tickers' own noise at K = 1; that is what R − R̂ shows, and it is a "
        "scatter without stripes.",
        "d": "The sensitivities differ: the stripes are paler in some columns, always the same ones.",
    },
    hints=(
        "At K = 1, F has one column. Write row d of F βᵀ: what changes from row to row?",
        "Row d is the number F^(d) times the row β_1, ..., β_30. And what signs do the entries of V[:, 0] have?",
    ),
    insight="Row d is one number, the factor's return, times the same 30 sensitivities, which all have one sign. With "
    "K = 2 a row can be orange at some tickers and purple at others.",
)

# Exercise 3: find the mistake


def my_reconstruction(R, K):
    V = np.linalg.svd(R, full_matrices=False)[2].T
    betas = V[:, :K]
    factors = R @ betas
    return factors @ betas.T


def _rows_of_V(R, K):
    kept = np.linalg.svd(R, full_matrices=False)[2][:, :K]
    return R @ kept @ kept.T


def _the_last_components(R, K):
    betas = np.linalg.svd(R, full_matrices=False)[2][-K:].T
    return R @ betas @ betas.T


def _without_the_sizes(R, K):
    U, _, Vt = np.linalg.svd(R, full_matrices=False)
    return U[:, :K] @ Vt[:K]


def _with_the_means_taken_out(R, K):
    mean = R.mean(axis=0)
    return mean + my_reconstruction(R - mean, K)


def _nothing_dropped(R, K):
    return R.copy()


def _only_the_factors(R, K):
    return R @ np.linalg.svd(R, full_matrices=False)[2][:K].T


q3 = Exercise(
    reference=my_reconstruction,
    mistakes={
        _rows_of_V: "numpy returns V transposed: the components are the rows of what it returns. Its first "
        "columns are no components.",
        _the_last_components: "These are the K smallest components. svd orders them from large to small "
        "(eigh does the opposite).",
        _without_the_sizes: "The factors are too small: they have length 1 each, as U has. F = R V_K is "
        "as large as the returns.",
        _with_the_means_taken_out: "The mean of each column was taken out and put back, as scikit-learn's PCA does. β "
        "· F has no place for it.",
        _nothing_dropped: "This is R itself: no component was dropped.",
        lambda R, K: (
            R - my_reconstruction(R, K)
        ): "This is what is left, R − R̂. The reconstruction itself is asked for.",
        lambda R, K: my_reconstruction(R, K) / (R.std(axis=0) + 0 * R): "The reconstruction is divided by the standard "
        "deviations of R. Put them back, or leave R as it is.",
        _only_the_factors: "This is F = R V_K, with one column for each factor. Multiply by βᵀ to "
        "come back to the tickers.",
    },
    calls=_matrices,
    hints=(
        "A row of F belongs to a date, a row of V to a ticker. Which matrix has one row for each date?",
        "V_K is β. F is R V_K, and the reconstruction is F βᵀ.",
        "betas = np.linalg.svd(R, full_matrices=False)[2][:K].T, since numpy gives V transposed.",
    ),
    insight="V belongs to the tickers: with columns dropped it is β, and the factors are R V_K. With as "
    "many dates as tickers her lines would have run without a complaint and given something else, so do not "
    "wait for numpy to find it.",
)

# Exercise 4: the other regression

q4 = Choice(
    right="a",
    advice={
        "b": "The regression sees R and the principal factors. Nobody has told it the truth, so it can't come out.",
        "c": "Solve for one factor alone: F_j · R / F_j · F_j. The singular value comes in squared above the fraction, "
        "and the division takes it out again.",
        "d": "Turning is free as long as F is turned along. Here F is given, and for a given F the "
        "least-squares solution is unique.",
    },
    hints=(
        "The columns of F are orthogonal, so the regression is three separate ones. Or think of the two "
        "regressions in turn, at their end.",
        "β = (FᵀF)⁻¹ FᵀR, transposed. Put in F = U S and R = U S Vᵀ.",
    ),
    insight="At the solution each half is the regression on the other: F is the cross-sectional regression on β, and β "
    "the time-series regression on F. That is where the two regressions in turn came to rest.",
)

# Exercise 5: the factors in another unit


def betas_scaled(F, betas):
    return betas * F.std(axis=0)


def _divided_too(F, betas):
    return betas / F.std(axis=0)


def _unchanged(F, betas):
    return betas


def _by_the_variance(F, betas):
    return betas * F.var(axis=0)


def _columns_of_beta_scaled(F, betas):
    return betas / betas.std(axis=0)


def _one_scale_for_all(F, betas):
    return betas * F.std()


def _root_mean_square(F, betas):
    return betas * np.sqrt((F**2).mean(axis=0))


def _length(F, betas):
    return betas * np.linalg.norm(F, axis=0)


q5 = Exercise(
    reference=betas_scaled,
    mistakes={
        _divided_too: "β was divided, as F was. Then the product changes twice: what F loses, β must gain.",
        _unchanged: "These are the betas as they were, and F was divided. Their product is no longer the same.",
        _by_the_variance: "Each β was multiplied by the variance of its factor; F was divided "
        "by the standard deviation.",
        _columns_of_beta_scaled: "You scaled the columns of β to a standard deviation of 1. It is F that "
        "is to have it; β follows.",
        _root_mean_square: "This is the root of the mean square, in which the mean of the factor still is. "
        "A standard deviation is measured around the mean.",
        _length: "This is the length of each column of F, the root of its sum of squares. A standard deviation is "
        "a mean, and it is measured around the mean.",
        lambda F, betas: (
            F / F.std(axis=0)
        ): "These are the factors in their new unit. The betas that belong to them are asked for.",
        lambda F, betas: (F / F.std(axis=0), betas * F.std(axis=0))[0] @ (betas * F.std(axis=0)).T: "This is the "
        "reconstruction. It stays as it was; the betas are asked for.",
        lambda F, betas: betas / F.var(axis=0): "You divided by the variance of each factor. F was divided by its "
        "standard deviation: what must β do, so that the product stays?",
        lambda F, betas: (
            betas * F.mean(axis=0)
        ): "Each β was multiplied by the mean of its factor. F was divided by its standard deviation.",
        _one_scale_for_all: "All columns were multiplied by the same number. Each factor has a standard "
        "deviation of its own: axis=0.",
    },
    calls=_factors_and_betas,
    hints=(
        "Which matrix A makes F A have standard deviation 1 in each column? It is diagonal.",
        "A = diag(1 / F.std(axis=0)). The formula of the lesson says β A⁻ᵀ.",
        "A diagonal matrix is its own transpose, and its inverse has the inverse numbers. So each column of β is "
        "multiplied by what its column of F was divided by.",
    ),
    insight="A is diagonal, with 1/σ; its inverse has σ. Many packages scale their factors like this. A β is then the "
    "return that goes with one standard deviation of the factor, and its columns are no longer of length 1: before you "
    "compare two tables of β, ask how their factors were scaled.",
    same=_same_to_a_percent,
)

# Exercise 6: find the mistake


def r2_by_K(industries):
    S = np.linalg.svd(industries.returns, compute_uv=False)
    return (S[:6] ** 2).cumsum() / (S**2).sum()


def _means_taken_out(industries):
    S = np.linalg.svd(industries.returns - industries.returns.mean(axis=0), compute_uv=False)
    return (S[:6] ** 2).cumsum() / (S**2).sum()


def _not_squared(industries):
    S = np.linalg.svd(industries.returns, compute_uv=False)
    return S[:6].cumsum() / S.sum()


def _each_alone(industries):
    S = np.linalg.svd(industries.returns, compute_uv=False)
    return S[:6] ** 2 / (S**2).sum()


def _lost(industries):
    return 1 - r2_by_K(industries)


def _of_the_first_six(industries):
    S = np.linalg.svd(industries.returns, compute_uv=False)
    return (S[:6] ** 2).cumsum() / (S[:6] ** 2).sum()


def _in_units_of_their_standard_deviation(industries):
    S = np.linalg.svd(industries.returns / industries.returns.std(axis=0), compute_uv=False)
    return (S[:6] ** 2).cumsum() / (S**2).sum()


def _means_of_the_dates_taken_out(industries):
    returns = industries.returns - industries.returns.mean(axis=1, keepdims=True)
    S = np.linalg.svd(returns, compute_uv=False)
    return (S[:6] ** 2).cumsum() / (S**2).sum()


q6 = Exercise(
    reference=r2_by_K,
    mistakes={
        _means_taken_out: "These are scikit-learn's numbers: the mean of each industry was taken out before the "
        "decomposition, and so out of the denominator too.",
        _in_units_of_their_standard_deviation: "The returns were divided by their standard deviations. Leave them as "
        "they are.",
        _means_of_the_dates_taken_out: "The mean of each date was taken out, and with it most of the market. Nothing "
        "is to be taken out.",
        _not_squared: "The singular values were not squared. A sum of squares is the sum of their squares.",
        _each_alone: "This is what each component adds. The first K together explain the sum of the first K shares.",
        _lost: "This is what is lost. The R² is 1 minus that.",
        _of_the_first_six: "The denominator must hold all twelve components: with the first six "
        "alone, the sixth number is 1.",
        lambda industries: r2_by_K(load_sorted_portfolios()): "These are the 18 portfolios. The twelve industries are "
        "asked for.",
        lambda industries: r2_by_K(industries) * (industries.returns**2).sum(): "These are sums of squares. As a share "
        "of all squares?",
        lambda industries: np.append(0, r2_by_K(industries))[
            :6
        ]: "Your list begins with K = 0, which explains nothing. K goes from 1 to 6.",
        lambda industries: (
            (np.linalg.svd(industries.returns, compute_uv=False)[::-1][:6] ** 2).cumsum()
            / (industries.returns**2).sum()
        ): "The smallest components stand first (eigvalsh and eigh order so). Begin with the largest.",
        lambda industries: (
            np.linalg.eigvalsh(np.corrcoef(industries.returns.T))[::-1][:6].cumsum() / 12
        ): "These are the "
        "components of the correlations: mean and standard deviation were taken out. Leave the returns as they are.",
        lambda industries: np.sqrt(r2_by_K(industries)): "A root was taken. R² is the share of the squares itself.",
        lambda industries: r2_by_K(
            replace(industries, returns=industries.returns - industries.returns.mean())
        ): "One mean of all returns was taken out before. Nothing is to be taken out.",
    },
    given=_industries,
    hints=(
        "What is lost with K components is the sum of the other squared singular values. What is the whole?",
        "np.linalg.svd(industries.returns, compute_uv=False) gives S alone; cumsum adds up from the first.",
        "A component explains S² of the sum of all S². cumsum of the first six, over the sum of all twelve.",
    ),
    insight="One decomposition answers for every K. explained_variance_ratio_ is the R² of demeaned returns, a share "
    "of the variance; ours is a share of the squares, so that a model which says 0 scores 0.",
)

# Exercise 7: open

q7 = Open(
    look_for="Are AMD and RRC still most of components 2 and 3? Which stocks have the largest entries of either sign "
    "in component 2 now, and what do they have in common? And mind: you divided by a standard deviation of all dates, "
    "those to come included. That is harmless to describe the past. What would you do before a forecast?",
    hints=(
        "stocks.returns / stocks.returns.std(axis=0) has a standard deviation of 1 in each column.",
        "PCAFactors(3).fit(Panel(scaled)).betas_ has a row for each stock, in the order of stocks.tickers.",
    ),
)
