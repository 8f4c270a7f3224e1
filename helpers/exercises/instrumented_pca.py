"""Exercises of lesson 07: instrumented PCA."""

from functools import cache

import numpy as np

from helpers.exercises.checker import Choice, Exercise, Open


@cache
def _curves():
    c = np.random.default_rng(0).uniform(-1, 1, (200_000, 3))
    return {"c": c, "curves": np.column_stack([c[:, 0] ** 2, 2 * c[:, 0] * c[:, 1], 0.6 * np.sign(c[:, 2])])}


def _returns_characteristics_and_factors():
    random = np.random.default_rng(0)
    sizes = ((20, 8, 4, 1), (20, 8, 4, 3), (20, 8, 5, 2))
    return [
        (
            random.normal(0.02, 0.1, (n_dates, n_tickers)),
            random.uniform(-1, 1, (n_dates, n_tickers, n_chars)),
            random.normal(0.03, 0.1, (n_dates, K)),
        )
        for n_dates, n_tickers, n_chars, K in sizes
    ]


def _within_a_hundredth(answer, truth):
    """Whether no number is off by more than 0.01, so that an exact share and one from a sample both count."""
    return bool(np.abs(answer - truth).max() <= 0.01)


# Exercise 1: three wild guesses

q1 = Choice(
    right="b",
    advice={
        "a": "The errors come out the same. But is there only one Γ with these errors? Think of lesson 04, "
        "where nothing was given.",
        "c": "Each half is solved exactly, so no round can make the errors larger. Here they "
        "also lead to the same end.",
        "d": "Each half is solved exactly: F is the best for this Γ, then Γ the best for this F. So no round "
        "can make the errors larger.",
    },
    hints=(
        "Both halves are least squares. Can a round make the sum of squared errors larger?",
        "Put an invertible matrix A between Γ and F, and its inverse beside it. Does the product change?",
    ),
    insight="Each half takes the best, so the error never rises, and here all three walks end at the same fit. But Γ A "
    "with the factors turned by the inverse of A is the same fit, for any invertible A. Where a walk ends among these "
    "is a matter of its start.",
)

# Exercise 2: find the mistake


def mended_gamma(R, Z, F):
    left = sum(np.kron(np.outer(F[d], F[d]), Z[d].T @ Z[d]) for d in range(len(R)))
    right = sum(np.kron(F[d], Z[d].T @ R[d]) for d in range(len(R)))
    return np.linalg.solve(left, right).reshape(F.shape[1], Z.shape[2]).T


def _not_mended(R, Z, F):
    return mended_gamma(R, Z, F).T.reshape(Z.shape[2], F.shape[1])


def _on_its_side(R, Z, F):
    return mended_gamma(R, Z, F).T


def _only_the_left(R, Z, F):
    left = sum(np.kron(Z[d].T @ Z[d], np.outer(F[d], F[d])) for d in range(len(R)))
    right = sum(np.kron(F[d], Z[d].T @ R[d]) for d in range(len(R)))
    return np.linalg.solve(left, right).reshape(Z.shape[2], F.shape[1])


def _only_the_right(R, Z, F):
    left = sum(np.kron(np.outer(F[d], F[d]), Z[d].T @ Z[d]) for d in range(len(R)))
    right = sum(np.kron(Z[d].T @ R[d], F[d]) for d in range(len(R)))
    return np.linalg.solve(left, right).reshape(Z.shape[2], F.shape[1])


def _one_factor_at_a_time(R, Z, F):
    return np.column_stack([mended_gamma(R, Z, F[:, [k]]) for k in range(F.shape[1])])


def _mean_of_the_dates(R, Z, F):
    of_dates = [np.linalg.lstsq(np.kron(F[d], Z[d]), R[d], rcond=None)[0] for d in range(len(R))]
    return np.mean(of_dates, axis=0).reshape(F.shape[1], Z.shape[2]).T


def _summed_apart(R, Z, F):
    left = np.kron(F.T @ F, sum(z.T @ z for z in Z))
    right = sum(np.kron(F[d], Z[d].T @ R[d]) for d in range(len(R)))
    return np.linalg.solve(left, right).reshape(F.shape[1], Z.shape[2]).T


q2 = Exercise(
    reference=mended_gamma,
    mistakes={
        _not_mended: "These are the numbers of your fellow student: all right, and in the wrong places. In his "
        "solution the characteristic runs fastest.",
        _on_its_side: "The numbers are in the right places of Γ transposed. One .T is missing.",
        _only_the_left: "Now the left-hand side puts Z first and the right-hand side puts F first. "
        "They must be of one order.",
        _only_the_right: "Now the right-hand side puts Z first and the left-hand side puts F first. "
        "They must be of one order.",
        _one_factor_at_a_time: "Each column was solved for as if the other factors were not there. They move "
        "together, so all columns of Γ are one regression.",
        _mean_of_the_dates: "You solved each date for itself and took the mean. One date has too few returns for "
        "all of Γ: add the equations of all dates up first, then solve once.",
        lambda R, Z, F: (
            mended_gamma(R, Z, F).reshape(F.shape[1], Z.shape[2]).T
        ): "Mended twice: with Z first in both sums Γ comes out row by row, as the plain reshape expects it. Now it is "
        "turned over once more, by .T or by order='F'. Keep one of the two.",
        _summed_apart: "Z'Z and FF' were added up over the dates each by itself, and multiplied then. The sum runs "
        "over the products: each date's Z'Z goes with the F of that date.",
        lambda R, Z, F: mended_gamma(
            R, Z, F - F.mean(axis=0)
        ): "The means of the factors were taken out. Nothing is demeaned here: F is used as it is.",
        lambda R, Z, F: (
            np.linalg.pinv(mended_gamma(R, Z, F)).T
        ): "A matrix was inverted once too often. Solve left · γ = right, once.",
    },
    calls=_returns_characteristics_and_factors,
    hints=(
        "Which index runs fastest in his solution, that of the characteristic or that of the factor? "
        "Which does reshape expect?",
        "np.kron(A, B): the index of B runs fastest. He has Z in the second place.",
        "So his solution is Γ transposed, row by row: reshape it to (K, n_chars), and turn it over.",
    ),
    insight="His equations are right. With one factor Γ has a single column, and both orders are the same: that test "
    "could not see it. A test of a matrix needs at least two rows and two columns.",
)

# Exercise 3: which entries matter?

q3 = Choice(
    right="c",
    advice={
        "a": "Look at c4, and compare the dash-dotted line with the one of c1.",
        "b": "It is flat for c1 (but for the notch at 0). Look at c2 and c3 as well.",
        "d": "Look again at c4 to c10: the dash-dotted line has its top at 0, and falls to both sides.",
    },
    hints=(
        "Move the slider from c1 to c10 and look at the dash-dotted line alone.",
        "Flat means: moving the entry leaves the columns of Γ in the same space. What is that space here?",
    ),
    insight="The three columns of the true Γ span all that can be made of rows 1 to 3. A first column (1.2, 0.5, 0, …) "
    "lies in that span too, and F makes up for it. An entry in row 4 leads out of the span, and no F can make up for "
    "that. (With 0 in row c1 the first column is gone, and with it a factor: that is the notch.)",
)

# Exercise 4: what a line can catch


def shares(c, curves):
    rows = []
    for regressors in (c, np.column_stack([c, np.ones(len(c))])):
        slopes, *_ = np.linalg.lstsq(regressors, curves, rcond=None)
        rows.append(1 - ((curves - regressors @ slopes) ** 2).sum(axis=0) / (curves**2).sum(axis=0))
    return np.array(rows)


@cache
def _right_shares():
    return shares(**_curves())


def _around_the_mean(c, curves):
    spread = ((curves - curves.mean(axis=0)) ** 2).sum(axis=0)
    return 1 - (1 - _right_shares()) * (curves**2).sum(axis=0) / spread


def _no_constant(c, curves):
    return _right_shares()[[0, 0]]


def _rows_exchanged(c, curves):
    return _right_shares()[::-1]


def _what_is_missed(c, curves):
    return 1 - _right_shares()


def _not_squared(c, curves):
    rows = []
    for regressors in (c, np.column_stack([c, np.ones(len(c))])):
        slopes, *_ = np.linalg.lstsq(regressors, curves, rcond=None)
        rows.append(1 - np.abs(curves - regressors @ slopes).sum(axis=0) / np.abs(curves).sum(axis=0))
    return np.array(rows)


def _correlations(c, curves):
    return np.sqrt(np.maximum(_right_shares(), 0))


q4 = Exercise(
    reference=shares,
    mistakes={
        _around_the_mean: "Your denominator takes the mean out. As in total R², a share of Σ curve² is asked for.",
        _no_constant: "Both rows are as without a constant. Is the column of ones beside c missing, or were the means "
        "of the curves taken out before, so that nothing is left for it?",
        _rows_exchanged: "The row without a constant comes first.",
        _what_is_missed: "These are the shares that a line misses.",
        _not_squared: "These are shares of absolute values. Total R² compares squares.",
        _correlations: "These are the roots of the shares, as a correlation is. The share itself is asked for.",
        lambda c, curves: shares(
            c, curves - curves.mean(axis=0)
        ): "The means of the curves were taken out before. Leave them in: they are what the constant is there for.",
        lambda c, curves: [
            shares(c, curves - curves.mean(axis=0))[0],
            _right_shares()[1],
        ]: "In the first row the means of the curves were taken out. Leave them in, in both rows.",
        lambda c, curves: _right_shares()[[1, 1]]: "Both rows are as with a constant. The first row regresses on c "
        "alone, without a column of ones.",
        lambda c, curves: (
            _right_shares() * (curves**2).mean(axis=0)
        ): "These are the mean squares of the fits. A share divides them by the mean squares of the curves.",
        lambda c, curves: (
            (1 - _right_shares()) * (curves**2).mean(axis=0)
        ): "These are the mean squared errors. A share compares them with the mean squares of the curves.",
        lambda c, curves: (
            1 - np.sqrt(1 - _right_shares())
        ): "These compare roots, lengths or standard deviations. A share of the sum of SQUARES is asked for.",
    },
    given=_curves,
    same=_within_a_hundredth,
    hints=(
        "One lstsq serves all three curves. The share is 1 − Σ (curve − fit)² / Σ curve², for each column.",
        "By symmetry: which way would the best line through c1² lean? Which way through 2 c1 c2, along c1, if "
        "c2 may have either sign?",
    ),
    insight="Without a constant 0, 0 and 3/4; with one 5/9, 0 and 3/4. The constant catches more than half of c1². "
    "Nothing linear catches the product.",
)

# Exercise 5: open

q5 = Open(
    look_for="Without movement, is the ticker left out still explained better than by PCA, which has a number for "
    "every name? Better than by the plain average? The first answer says what fewer numbers are worth, the second what "
    "movement is worth. And mind the first column: which of the two fits the past better?",
    hints=(
        "Freeze the characteristics of each stock at their average over 2015-2018, fit again, "
        "and compare with the table.",
        "replace(stocks, characteristics=np.broadcast_to(before.characteristics.mean(axis=0), "
        "stocks.characteristics.shape)) is a panel with frozen ones. Cut it into before and after as above.",
    ),
)
