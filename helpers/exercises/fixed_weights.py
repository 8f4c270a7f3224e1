"""Exercises of lesson 08: fixed weights."""

from dataclasses import replace
from functools import cache

import numpy as np

from helpers.data.simulated import simulate_market
from helpers.exercises.answers import same_up_to_rotation
from helpers.exercises.checker import Choice, Exercise, Open
from helpers.models.managed import managed_portfolios


@cache
def _linear():
    return simulate_market("linear", n_dates=180, n_tickers=200, n_characteristics=10, seed=0).panel


@cache
def _portfolios():
    return {"x": np.asarray(managed_portfolios(_linear()))}


def _moments():
    random = np.random.default_rng(1)
    calls = []
    for n_chars, K in ((4, 2), (5, 3)):
        Z = random.uniform(-1, 1, (30, n_chars))
        calls.append((Z.T @ Z, random.normal(0, 1, (n_chars, K))))
    return calls


@cache
def _bent():
    bent = simulate_market("nonlinear", n_dates=180, n_tickers=200, n_characteristics=10, seed=0)

    def share_explained(inputs):
        fitted = inputs @ np.linalg.lstsq(inputs, bent.factors, rcond=None)[0]
        return 1 - ((bent.factors - fitted) ** 2).sum(axis=0) / (bent.factors**2).sum(axis=0)

    return {"bent": bent, "c": bent.panel.characteristics, "share_explained": share_explained}


# Exercise 1: the same positions, later

q1 = Choice(
    right="b",
    advice={
        "a": "It was made to be 1 with the β of date 0. Which β do these tickers have at date 20?",
        "c": "Around 1 it would swing if the tickers that are held kept, on average, the β that they were bought for. "
        "But c1 of each ticker drifts.",
        "d": "Nothing makes the tickers that are held lean on the factor more than on the day they were chosen.",
    },
    hints=(
        "At date 0 the list holds tickers of high c1 and sells those of low c1. Who has a high c1 at date 100?",
        "The ranks at date 100 know hardly anything of those at date 0. What is the mean of position times β then?",
    ),
    insight="At date 0 the positions go with β, and so the list has a sensitivity of 1. Later the tickers have other "
    "β, which know nothing of the old positions: long and short cancel. The list has lost the factor.",
)

# Exercise 2: a first guess of Γ


def first_guess(x):
    return np.linalg.svd(x, full_matrices=False)[2][:3].T


def _demeaned(x):
    return np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][:3].T


def _smallest_first(x):
    return np.linalg.eigh(x.T @ x)[1][:, :3]


def _of_the_observed_portfolios(x):
    return np.linalg.svd(_linear().portfolios, full_matrices=False)[2][:3].T


def _undivided(x):
    sums = np.einsum("dsj,ds->dj", _linear().characteristics, _linear().returns)
    return np.linalg.svd(sums, full_matrices=False)[2][:3].T


def _first_three_rows(x):
    return np.linalg.svd(x, full_matrices=False)[2].T[:3].T


def _factors_themselves(x):
    return x @ first_guess(x)


q2 = Exercise(
    reference=first_guess,
    mistakes={
        _demeaned: "The means of the portfolios were taken out (scikit-learn's PCA does so). The factors of "
        "this course keep theirs.",
        _smallest_first: "These are the components that matter least: np.linalg.eigh gives the smallest first.",
        _of_the_observed_portfolios: "These are the components of market.panel.portfolios, which come with the market. "
        "The managed ones are x.",
        _undivided: "These are the components of Z'r. The managed portfolios are (Z'Z)⁻¹Z'r.",
        _first_three_rows: "These are rows of V where columns are needed. svd returns V transposed: its "
        "first three rows, turned.",
        _factors_themselves: "These are the factors, F = x V, a row for each date. Γ has a row for each portfolio: it "
        "is V.",
    },
    given=_portfolios,
    same=same_up_to_rotation,
    hints=(
        "x ≈ F Γ', and Γ is the same at every date. It is the PCA of lesson 04, with portfolios for tickers.",
        "np.linalg.svd(x, full_matrices=False)[2] is V transposed. Γ is (n_chars, 3).",
    ),
    insight="Any invertible matrix behind Γ gives the same fit, so your answer was compared by what its columns span. "
    "It is not quite the Γ of IPCA, as the next section shows, but a good first guess: the helper starts here.",
)

# Exercise 3: the weights of the date


def weights_of_the_date(ZZ, gamma):
    return ZZ @ gamma @ np.linalg.inv(gamma.T @ ZZ @ gamma)


def _on_its_side(ZZ, gamma):
    return weights_of_the_date(ZZ, gamma).T


def _numerator(ZZ, gamma):
    return ZZ @ gamma


def _all_alike(ZZ, gamma):
    return gamma @ np.linalg.inv(gamma.T @ gamma)


def _of_the_sums(ZZ, gamma):
    return gamma @ np.linalg.inv(gamma.T @ ZZ @ gamma)


def _inverted(ZZ, gamma):
    return weights_of_the_date(np.linalg.inv(ZZ), gamma)


def _of_a_regression_on_x(ZZ, gamma):
    return np.linalg.pinv(ZZ @ gamma).T


q3 = Exercise(
    reference=weights_of_the_date,
    mistakes={
        _on_its_side: "The numbers are right. W is (n_chars, n_factors), so that F = W'x: turn it over.",
        _numerator: "This is the right-hand side of the normal equations. The left-hand side, β'β = Γ'(Z'Z)Γ, "
        "is missing.",
        _all_alike: "These weights do not know Z'Z: they are right where it is a multiple of I. With β = Z Γ, "
        "what is β'β?",
        _inverted: "You have (Z'Z)⁻¹ where Z'Z belongs. β'β with β = Z Γ is Γ'Z'ZΓ, without an inverse inside.",
        _of_a_regression_on_x: "This regresses x on (Z'Z)Γ. The regression of the date is that of r on β = Z Γ: write "
        "its normal equations with x.",
        _of_the_sums: "These are weights on Z'r. How do you get Z'r from x = (Z'Z)⁻¹Z'r?",
    },
    calls=_moments,
    hints=(
        "The normal equations of the date are β'β F = β'r, with β = Z Γ.",
        "β'β = Γ'(Z'Z)Γ and β'r = Γ'Z'r. And Z'r = (Z'Z) x.",
        "F = (Γ'(Z'Z)Γ)⁻¹ Γ'(Z'Z) x, so W' is what stands before x.",
    ),
    insight="The date enters through Z'Z alone, the sums of squares and products of the characteristics. Where they "
    "stay the same, the weights of the regression stay, too.",
)

# Exercise 4: the right instruments


def shares(bent, c, share_explained):
    c1, c2, c3 = c[..., 0], c[..., 1], c[..., 2]
    products = np.stack([c1**2, c1 * c2, c3], axis=-1)
    curved = replace(bent.panel, characteristics=products, characteristic_names=None)
    return share_explained(managed_portfolios(curved))


def _shares_of(columns, bent, share_explained):
    curved = replace(bent.panel, characteristics=np.stack(columns, axis=-1), characteristic_names=None)
    return share_explained(managed_portfolios(curved))


def _the_characteristics_themselves(bent, c, share_explained):
    return _shares_of([c[..., 0], c[..., 1], c[..., 2]], bent, share_explained)


def _two_squares(bent, c, share_explained):
    return _shares_of([c[..., 0] ** 2, c[..., 1] ** 2, c[..., 2]], bent, share_explained)


def _all_squared(bent, c, share_explained):
    return _shares_of([c[..., 0] ** 2, c[..., 0] * c[..., 1], c[..., 2] ** 2], bent, share_explained)


def _cubes(bent, c, share_explained):
    return _shares_of([c[..., 0] ** 3, c[..., 0] * c[..., 1], c[..., 2]], bent, share_explained)


def _sign_of_c3(bent, c, share_explained):
    return _shares_of([c[..., 0] ** 2, c[..., 0] * c[..., 1], np.sign(c[..., 2])], bent, share_explained)


q4 = Exercise(
    reference=shares,
    mistakes={
        _the_characteristics_themselves: "These are the shares of the plain characteristics, without the constant. "
        "Factors 1 and 2 need products.",
        _two_squares: "Factor 1 is there now, factor 2 is not: the mean of c2² times 2 c1 c2 is zero. "
        "What overlaps with c1 c2?",
        _all_squared: "Factors 1 and 2 are there. But c3² has lost the sign that factor 3 hangs on: leave c3 as it is.",
        _cubes: "A third power changes its sign with c1, and c1² does not. So their product is "
        "zero on average, as before.",
        _sign_of_c3: "These carry all three factors, the third even better than c3 does. Is sign(c3) among them, or "
        "was F solved for with the true β, without managed portfolios? Make them of c1², c1 c2 and c3 itself.",
        lambda bent, c, share_explained: _shares_of(
            [c[..., 0] ** 2, c[..., 0] * c[..., 1], c[..., 2], np.ones(c.shape[:2])], bent, share_explained
        ): "There is a constant beside the three. The exercise asks for the three alone.",
        lambda bent, c, share_explained: _shares_of(
            [c[..., 0] ** 2, c[..., 0] * c[..., 1]], bent, share_explained
        ): "Two characteristics stand there. The third, c3 itself, carries the third factor.",
    },
    given=_bent,
    hints=(
        "A portfolio carries a factor if its weights overlap with the true β: the mean of weight times β must not be "
        "zero. What overlaps with c1²?",
        "dataclasses.replace(bent.panel, characteristics=..., characteristic_names=None) makes a panel "
        "with other characteristics.",
        "np.stack([…, …, c[..., 2]], axis=-1) are the three. Then share_explained(managed_portfolios(the new panel)).",
    ),
    insight="With the right instruments fixed weights carry all three factors. But one has to know them. The networks "
    "of the next lessons find the shape of β by themselves; what their fixed weights stand on must carry the factors "
    "already.",
)

# Exercise 5: open

q5 = Open(
    look_for="Does your sentence say what each model was given, and whether the ticker's own return was in its F? A "
    "lead of the ETFs can come from what the five hold, hundreds of stocks, and a lead of IPCA in total R² from the "
    "ticker's own return. With one ETF alone, can two factors be told apart? And how many choices did you try before "
    "you wrote the sentence?",
    hints=(
        "replace(before, portfolios=before.portfolios[:, [3]], portfolio_names=['USMV']) keeps one ETF alone; do the "
        "same with after.",
        "Fit ConditionalAutoencoder(1, **plain) to it, and ask total_r2(after.returns, model.leave_one_out(after)).",
    ),
)
