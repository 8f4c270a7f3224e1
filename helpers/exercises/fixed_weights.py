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
        lambda x: first_guess(x / x.std(axis=0)): "Each portfolio was divided by its own spread. That makes the quiet "
        "ones count as much as those that carry factors: take x as it is.",
        lambda x: first_guess(
            (x - x.mean(axis=0)) / x.std(axis=0)
        ): "The portfolios were standardised, mean and spread. Take x as it is: its sizes are what is fitted.",
        lambda x: np.eye(x.shape[1])[:, :3]: "These columns span what those of the true Γ span. Nobody hands it to "
        "you outside a simulation: make the guess from x.",
        lambda x: np.linalg.svd(_linear().returns, full_matrices=False)[2][:3, :10].T: "These are components of the "
        "tickers' returns. The guess is made from the managed portfolios, x.",
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
        lambda ZZ, gamma: ZZ @ _all_alike(ZZ, gamma): "The right-hand side knows Z'Z, and the inverse does not: "
        "β'β with β = Z Γ is more than Γ'Γ.",
        lambda ZZ, gamma: (
            ZZ @ gamma / np.diag(gamma.T @ ZZ @ gamma)
        ): "Each factor was solved for as if the others were not there: only the diagonal of β'β divides. Use the "
        "inverse of the whole matrix.",
        lambda ZZ, gamma: ZZ @ gamma @ gamma.T @ ZZ @ gamma: "β'β is multiplied in, where its inverse is needed.",
        lambda ZZ, gamma: (
            ZZ @ gamma / (gamma.T @ ZZ @ gamma).sum()
        ): "You divided by a sum of β'β. A matrix is undone by its inverse, np.linalg.inv.",
        lambda ZZ, gamma: np.linalg.inv(ZZ) @ _all_alike(ZZ, gamma): "(Z'Z)⁻¹ leads from Z'r to x, not back. What is "
        "Z'r, written with x? And β'β is not Γ'Γ.",
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


def _products(c):
    return np.stack([c[..., 0] ** 2, c[..., 0] * c[..., 1], c[..., 2]], axis=-1)


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


def _correlations(bent, c, share_explained):
    x = managed_portfolios(replace(bent.panel, characteristics=_products(c), characteristic_names=None))
    return np.array([np.corrcoef(x[:, k], bent.factors[:, k])[0, 1] for k in range(3)])


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
        lambda bent, c, share_explained: share_explained(
            bent.panel.portfolios[:, :3]
        ): "These are the observed portfolios, panel.portfolios: replace leaves them as they were. Make managed ones "
        "from the new panel.",
        lambda bent, c, share_explained: share_explained(
            bent.panel.portfolios
        ): "These are all ten observed portfolios of the market. Managed ones of three characteristics are asked for.",
        _correlations: "These are correlations of a portfolio with a factor. share_explained gives the share that "
        "all three portfolios explain together.",
        lambda bent, c, share_explained: (
            _correlations(bent, c, share_explained) ** 2
        ): "Each factor was explained by one portfolio alone. All three serve every factor: hand them over together.",
        lambda bent, c, share_explained: _shares_of(
            [c[..., 0] * c[..., 1], c[..., 0] * c[..., 2], c[..., 2]], bent, share_explained
        ): "Factor 2 is there, factor 1 is not. A product of a characteristic with itself is one, too.",
        lambda bent, c, share_explained: _shares_of(
            [c[..., 0] * c[..., 1], c[..., 1] * c[..., 2], c[..., 0] * c[..., 2]], bent, share_explained
        ): "These are the three products of two different characteristics. c1² is missing, and c3 itself stays.",
        lambda bent, c, share_explained: share_explained(
            managed_portfolios(replace(_linear(), characteristics=_products(c), characteristic_names=None))
        ): "The returns are those of the linear market. Make the panel from bent.panel.",
        lambda bent, c, share_explained: _shares_of(
            [c[..., 0] ** 2, c[..., 1] * c[..., 2], c[..., 2]], bent, share_explained
        ): "Factor 1 is there, factor 2 is not: its β hangs on c1 and c2, and your second product on c2 and c3.",
        lambda bent, c, share_explained: _shares_of(
            [np.abs(c[..., 0]), c[..., 0] * c[..., 1], c[..., 2]], bent, share_explained
        ): "The absolute value of c1 carries factor 1, though not as well. It is no product: take one that is.",
        lambda bent, c, share_explained: _shares_of(
            [c[..., 1] ** 2, c[..., 0] * c[..., 1], c[..., 2]], bent, share_explained
        ): "Factor 1 is there, as in any portfolio that holds every ticker, but not as well as it could be. Of which "
        "characteristic is its β the square?",
        lambda bent, c, share_explained: _shares_of(
            [c[..., 2] ** 2, c[..., 0] * c[..., 1], c[..., 2]], bent, share_explained
        ): "Factor 1 is there, as in any portfolio that holds every ticker, but not as well as it could be. Its β does "
        "not hang on c3.",
        lambda bent, c, share_explained: share_explained(managed_portfolios(bent.panel)): "These are the managed "
        "portfolios of all ten plain characteristics. Make a panel of three: two products and c3.",
    },
    given=_bent,
    hints=(
        "A portfolio carries a factor if its weights overlap with the true β: the mean of weight times β must not be "
        "zero. The more they overlap, the better. What overlaps most with c1²?",
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
