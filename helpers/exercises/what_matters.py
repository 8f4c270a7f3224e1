"""Exercises of the lesson on what matters: importance, positions, and which parts of a model can be read."""

from dataclasses import replace
from functools import cache, partial

import numpy as np

from helpers.data.ranks import rank_across_tickers
from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.exercises.checker import Choice, Exercise, Open
from helpers.models.ipca import InstrumentedPCA

# Exercise 1: importance by hand


def _true_beta(X):
    c1, c2, c3 = np.moveaxis(X[:, :, :3], 2, 0)
    return np.stack([c1**2, 2 * c1 * c2, 0.6 * np.sign(c3)], axis=-1)


def _turned_beta(X):
    """A β that is wrong throughout: without its third characteristic it errs less, and the importance is negative."""
    return -_true_beta(X)


@cache
def _small_market():
    random = np.random.default_rng(0)
    X, F = random.uniform(-1, 1, (60, 50, 4)), random.normal(0.03, 0.1, (60, 3))
    R = 0.02 + np.einsum("dsk,dk->ds", _true_beta(X), F) + 0.05 * random.standard_normal((60, 50))
    return [(_true_beta, X, F, R, j) for j in (0, 1, 2)] + [(_turned_beta, X, F, R, 2)]


def importance(beta, X, F, R, j):
    muted = X.copy()
    muted[:, :, j] = 0
    whole, left = (total_r2(R, np.einsum("dsk,dk->ds", beta(x), F)) for x in (X, muted))
    return whole - left


def _demeaned(beta, X, F, R, j):
    return importance(beta, X, F, R, j) * (R**2).sum() / ((R - R.mean()) ** 2).sum()


def _muted_sensitivity(beta, X, F, R, j):
    betas = beta(X)
    muted = betas.copy()
    muted[:, :, j] = 0
    whole, left = (total_r2(R, np.einsum("dsk,dk->ds", b, F)) for b in (betas, muted))
    return whole - left


def _factors_again(beta, X, F, R, j):
    muted = X.copy()
    muted[:, :, j] = 0
    again = np.stack([np.linalg.lstsq(b, r, rcond=None)[0] for b, r in zip(beta(muted), R, strict=True)])
    left = total_r2(R, np.einsum("dsk,dk->ds", beta(muted), again))
    return total_r2(R, np.einsum("dsk,dk->ds", beta(X), F)) - left


def _drop_to(beta, X, F, R, j, other):
    """The drop of R² to that of other characteristics, made by `other` of a copy of X and j."""
    whole, left = (total_r2(R, np.einsum("dsk,dk->ds", beta(x), F)) for x in (X, other(X.copy(), j)))
    return whole - left


def _with(X, place, value):
    X[place] = value
    return X


_ticker_muted = partial(_drop_to, other=lambda X, j: _with(X, np.s_[:, j], 0))
_date_muted = partial(_drop_to, other=lambda X, j: _with(X, np.s_[j], 0))
_at_its_mean = partial(_drop_to, other=lambda X, j: _with(X, np.s_[:, :, j], X[:, :, j].mean()))
_deleted = partial(_drop_to, other=lambda X, j: np.delete(X, j, axis=2))
_others_muted = partial(_drop_to, other=lambda X, j: X * (np.arange(X.shape[2]) == j))
_one_too_far = partial(_drop_to, other=lambda X, j: _with(X, np.s_[:, :, j - 1], 0))


def _mean_squares(beta, X, F, R, j):
    return importance(beta, X, F, R, j) * (R**2).mean()


def _against_the_model(beta, X, F, R, j):
    muted = _with(X.copy(), np.s_[:, :, j], 0)
    return total_r2(*(np.einsum("dsk,dk->ds", beta(x), F) for x in (X, muted)))


def _without_a_copy(beta, X, F, R, j):
    return 0.0


def _what_remains(beta, X, F, R, j):
    return total_r2(R, np.einsum("dsk,dk->ds", beta(X), F)) - importance(beta, X, F, R, j)


def _share_of_the_whole(beta, X, F, R, j):
    return importance(beta, X, F, R, j) / total_r2(R, np.einsum("dsk,dk->ds", beta(X), F))


def _size_of_the_drop(beta, X, F, R, j):
    return abs(importance(beta, X, F, R, j))


def _without_j_first(beta, X, F, R, j):
    return -importance(beta, X, F, R, j)


q1 = Exercise(
    reference=importance,
    mistakes={
        _demeaned: "Your R² takes the mean of the returns out of its denominator. Ours does not: a "
        "model that says 0 scores 0.",
        _muted_sensitivity: "You set a column of β to zero, the sensitivity to factor j. Set the CHARACTERISTIC to "
        "zero before β is made of it: c1 stands in two sensitivities.",
        _factors_again: "The factors were solved for anew from the muted β. Nothing is fitted again: F stays as it is.",
        _ticker_muted: "X[:, j] is ticker j with all of its characteristics. Characteristic j is on "
        "the last axis: X[:, :, j].",
        _date_muted: "X[j] is date j with all of its tickers. Characteristic j is on the last axis: X[:, :, j].",
        _at_its_mean: "You set the characteristic to its mean. It is zero that is asked for, the middle of the ranks.",
        _deleted: "You deleted the column, and all later ones moved up by one: beta takes each for its neighbour. Keep "
        "the shape, and set the column to zero.",
        _others_muted: "You set all the OTHER characteristics to zero, and kept number j.",
        _one_too_far: "You took away the characteristic before it: j counts from 0, as Python does.",
        _mean_squares: "This is what the mean squared error gains. An R² divides it by the mean square of the returns.",
        _against_the_model: "Your R² compares the muted model with the whole one. Both are to be compared with R.",
        _without_a_copy: "Nothing is lost in your function. Were both values of R² computed with the zeros in place? "
        "muted = X is the same array under a second name; take X.copy().",
        _what_remains: "This is the R² without the characteristic. The importance is what was lost: the R² of "
        "the whole model less this.",
        _share_of_the_whole: "You divided by the total R² of the model. The importance is the drop "
        "itself, in points of R².",
        _size_of_the_drop: "You took the absolute value. If a model is better off without a characteristic, the "
        "importance is negative, and should be seen to be.",
        _without_j_first: "The sign is turned: the R² of the whole model comes first, and what is left is taken off.",
    },
    calls=_small_market,
    hints=(
        "Two values of the total R²: one with beta(X), one with beta of a copy of X in which characteristic j is "
        "0. F is the same in both.",
        "np.einsum('dsk,dk->ds', beta(X), F) is the product, total_r2(R, product) its R². total_r2 "
        "stands in helpers.evaluation.",
    ),
    insight="`beta` may be any function of the characteristics: a formula, a regression, a network.",
)

# Exercise 2: noise learned by heart

q2 = Choice(
    right="c",
    advice={
        "a": "A model that ignores noise would show this. But this network was trained on few dates, and nothing kept "
        "it from using all of its inputs: on those dates the noise happens to go along with some returns.",
        "b": "On later dates noise has nothing to say. What the network believes of it can only disturb there.",
        "d": "On the dates of the fit the loss was made small with the help of ALL inputs. Take some "
        "away, and what does it do?",
    },
    hints=(
        "What was learned by heart lowers the error on the dates of the fit. What happens to that error "
        "when the noise is muted?",
        "On later dates what was learned by heart is wrong: it adds error. So what happens there when it is muted?",
    ),
    insight="On the dates of the fit the noise seems to matter, and a ranking made there would praise it. On later "
    "dates the network is better off without it: the drop is negative.",
)

# Exercise 3: two measurements of one thing


@cache
def _measured_twice():
    market = simulate_market("linear", n_dates=300, n_tickers=100, n_characteristics=5, seed=0)
    c1, *others = np.moveaxis(market.panel.characteristics, 2, 0)
    noises = np.random.default_rng(0).standard_normal((2, *c1.shape))
    first, second = (rank_across_tickers(c1 + 0.5 * noise) for noise in noises)
    measured = replace(
        market.panel,
        characteristics=np.stack([first, second, *others], axis=-1),
        characteristic_names=["first", "second", "c2", "c3", "c4", "c5"],
    )
    return {"measured": measured, "fitted": InstrumentedPCA(3).fit(measured[:150])}


def drops(measured, fitted):
    new, lost = measured[150:], []
    for muted in ([0], [1], [0, 1], [2]):
        X = new.characteristics.copy()
        X[:, :, muted] = 0
        betas = fitted.betas(replace(new, characteristics=X))
        r_hat = np.einsum("dsk,dk->ds", betas, fitted.factors(new))
        lost.append(total_r2(new.returns, fitted.reconstruct(new)) - total_r2(new.returns, r_hat))
    return np.array(lost)


def _lost(fitted, panel, factors_again=False, both=(0, 1), last=2):
    lost = []
    for muted in ([0], [1], [*both], [last]):
        X = panel.characteristics.copy()
        X[:, :, muted] = 0
        without = replace(panel, characteristics=X)
        F = fitted.factors(without if factors_again else panel)
        r_hat = np.einsum("dsk,dk->ds", fitted.betas(without), F)
        lost.append(total_r2(panel.returns, fitted.reconstruct(panel)) - total_r2(panel.returns, r_hat))
    return np.array(lost)


def _added_up(measured, fitted):
    first, second, _, c2 = drops(measured, fitted)
    return np.array([first, second, first + second, c2])


def _on_the_dates_of_the_fit(measured, fitted):
    return _lost(fitted, measured[:150])


def _on_all_dates(measured, fitted):
    return _lost(fitted, measured)


def _with_factors_solved_for_again(measured, fitted):
    return _lost(fitted, measured[150:], factors_again=True)


def _what_is_left(measured, fitted):
    new = measured[150:]
    return total_r2(new.returns, fitted.reconstruct(new)) - drops(measured, fitted)


def _fitted_to_all_dates(measured, fitted):
    return _lost(InstrumentedPCA(3).fit(measured), measured[150:])


def _c3_for_c2(measured, fitted):
    return np.append(drops(measured, fitted)[:3], _lost(fitted, measured[150:], last=3)[3])


def _shares(measured, fitted):
    new = measured[150:]
    return drops(measured, fitted) / total_r2(new.returns, fitted.reconstruct(new))


def _both_is_first_and_c2(measured, fitted):
    return _lost(fitted, measured[150:], both=(0, 2))


def _c2_before_both(measured, fitted):
    return drops(measured, fitted)[[0, 1, 3, 2]]


q3 = Exercise(
    reference=drops,
    mistakes={
        _added_up: "The three single ones are right. But the third number is not their sum: set BOTH to zero in one "
        "copy of the characteristics. When one is gone the other still speaks for c1; when both are gone, nobody does.",
        _on_the_dates_of_the_fit: "These are the drops on the dates of the fit. Rank characteristics on dates that the "
        "model has not seen: measured[150:].",
        _on_all_dates: "These are the drops on all dates. The first half of them taught the model: "
        "take measured[150:] alone.",
        _with_factors_solved_for_again: "Your factors come from the muted panel: IPCA has solved for them anew, so "
        "that they make up for what is missing. Take the factors of the panel as it is, and only β of the muted one.",
        _what_is_left: "This is the R² that is left. Asked for is what is lost: the R² of the whole model less this.",
        _c3_for_c2: "The first three are right. But the last is that of c3: the columns are first, second, c2, and "
        "Python counts from 0.",
        _shares: "You divided by the R² of the whole model. Asked for is the drop itself.",
        _both_is_first_and_c2: "The third number is that of first and c2 together. The two that measure c1 are columns "
        "0 and 1.",
        _c2_before_both: "The numbers are right. But their order is first, second, both, c2.",
        _fitted_to_all_dates: "Your model was fitted to all 300 dates, those on which it is judged among them. "
        "`fitted` knows the first 150 alone.",
    },
    given=_measured_twice,
    hints=(
        "Four copies of measured[150:], each with other columns at zero. without(panel, j) of the lesson "
        "makes one; j may be a list.",
        "β from the muted panel, fitted.betas(muted). F from the panel as it is, fitted.factors(measured[150:]).",
    ),
    insight="Each of the two alone looks much less important than c2, since the other one fills in for it. Together "
    "they count for more than their sum. With 94 characteristics, many of them relatives of size or of volatility, "
    "read the importance of groups.",
)

# Exercise 4: the mean of the networks' halves


@cache
def _networks():
    """Three networks of three factors, and four of two: one number does not do for the other."""
    random, calls = np.random.default_rng(0), []
    for n_networks, K in ((3, 3), (4, 2)):
        beta, W = random.standard_normal((20, 15, K)), random.standard_normal((6, K))
        x = 0.1 * random.standard_normal((20, 6))
        turns = [np.linalg.qr(random.standard_normal((K, K)))[0] for _ in range(n_networks)]  # inverses: transposed
        noise = 0.1 * random.standard_normal((n_networks, 20, 15, K))
        calls.append((np.stack([beta @ turn for turn in turns]) + noise, np.stack([W @ turn for turn in turns]), x))
    return calls


def r_hat(betas, W, x):
    products = [np.einsum("dsk,dk->ds", betas[m], x @ W[m]) for m in range(len(W))]
    return np.mean(products, axis=0)


def _halves(betas, W, x):
    return np.einsum("dsk,dk->ds", betas.mean(axis=0), x @ W.mean(axis=0))


def _halves_with_signs_turned(betas, W, x):
    signs = np.sign((W * W[0]).sum(axis=1))
    return _halves(betas * signs[:, None, None, :], W * signs[:, None, :], x)


def _sum_of_products(betas, W, x):
    return len(W) * r_hat(betas, W, x)


def _one_w_for_all(betas, W, x):
    return np.mean([np.einsum("dsk,dk->ds", beta, x @ W[0]) for beta in betas], axis=0)


def _first_network(betas, W, x):
    return np.einsum("dsk,dk->ds", betas[0], x @ W[0])


def _last_network(betas, W, x):
    return np.einsum("dsk,dk->ds", betas[-1], x @ W[-1])


def _median_of_products(betas, W, x):
    return np.median([np.einsum("dsk,dk->ds", b, x @ w) for b, w in zip(betas, W, strict=True)], axis=0)


def _by_factors(betas, W, x):
    return _sum_of_products(betas, W, x) / W.shape[-1]


def _as_if_of_three(betas, W, x):
    return _sum_of_products(betas, W, x) / 3


def _divided_twice(betas, W, x):
    return r_hat(betas, W, x) / len(W)


def _mean_inputs(betas, W, x):
    return r_hat(betas, W, np.broadcast_to(x.mean(axis=0), x.shape))


q4 = Exercise(
    reference=r_hat,
    mistakes={
        _halves: "A half is still averaged over the networks. Column 1 of one W is not column 1 of the next, so their "
        "mean is a mean of unlike things; and it is enough to average one of the two halves to spoil the product.",
        _halves_with_signs_turned: "You turned the signs so that the columns point the same way. Signs are not enough: "
        "each network's factors are MIXTURES of another's, not copies of them with another sign.",
        _sum_of_products: "The products are right. Their sum is taken, not their mean.",
        _one_w_for_all: "Every β is multiplied with the factors of the first network. Each β goes with the W of its "
        "own network, W[m]: the halves of two networks do not fit together.",
        _median_of_products: "The products are right. But this is their median: the ensemble takes the mean.",
        _by_factors: "The products are right. But you divided by the number of factors: take the mean over networks.",
        _as_if_of_three: "You divided by three. The number of networks is len(W).",
        _divided_twice: "The products are right. But you divided by the number of networks twice.",
        _mean_inputs: "You took the mean of x over the dates. Factors of a date are made of that date's inputs.",
        _first_network: "This is the first network alone. It is not wrong, but the others know something, "
        "too: average what they say.",
        _last_network: "This is the last network alone. Does your loop overwrite what the networks before it said? "
        "Collect all, then take the mean.",
    },
    calls=_networks,
    hints=(
        "What is the same in every network? Not β and not W. Then average only that.",
        "One product for each network: np.einsum('dsk,dk->ds', betas[m], x @ W[m]). Then np.mean over the networks.",
    ),
    insight="The product is free of the rotation, its halves are not. The same holds for positions: average β "
    "Wᵀ, never β and W apart.",
)

# Exercise 5: open

q5 = Open(
    look_for="Set to zero one by one, the five lose little: beta about 1.5 points of the 36 that the network explains, "
    "the others half a point or nothing. In 2020 none of them counts; in 2022 beta does, with 3 points. So nearly all "
    "that is explained rests on the factor, with much the same β for every stock. That agrees with the picture above: "
    "β = 1 for all came within 3 points. What drives these stocks is the market. Importance says what the MODEL rests "
    "on, on these days.",
    hints=(
        "characteristic_importance(style, later) gives five numbers; later['2020':'2020'] are the days of one year.",
        "Put the columns of several years beside each other in a DataFrame. Then add up a column, and compare "
        "the sum with the total R² of the network on these days.",
    ),
)
