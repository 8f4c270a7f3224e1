"""Exercises of lesson 11: the recipe."""

from functools import cache

import numpy as np

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.exercises.checker import Choice, Exercise, Open


@cache
def _market():
    return simulate_market("nonlinear", seed=0)


# Exercise 1: what the penalty does to one weight


def best_weight(a, l1):
    return np.sign(a) * max(abs(a) - l1 / 2, 0)


def _the_whole_strength(a, l1):
    return np.sign(a) * max(abs(a) - l1, 0)


def _all_or_nothing(a, l1):
    return a if abs(a) > l1 / 2 else 0


def _past_zero(a, l1):
    return a - np.sign(a) * l1 / 2


def _positive_only(a, l1):
    return max(a - l1 / 2, 0)


def _squared_penalty(a, l1):
    return a / (1 + l1)


def _without_cases(a, l1):
    return a - l1 / 2


def _sign_lost(a, l1):
    return max(abs(a) - l1 / 2, 0)


q1 = Exercise(
    reference=best_weight,
    mistakes={
        _the_whole_strength: "The shape is right, the threshold is not: the slope of θ² is 2θ. Divide by that 2.",
        _all_or_nothing: "Small weights are 0, which is right. But those that survive pay as well: the slope of "
        "λ₁|θ| does not end there.",
        _past_zero: "Large weights are right. A small one went through zero and came out on the other side, where it "
        "pays again. It stops at zero.",
        _positive_only: "This is right for a > 0. A negative a deserves a negative weight.",
        _without_cases: "This solves the slope for θ > 0. It may come out below zero, and a may be negative: what "
        "then?",
        _sign_lost: "The size is right. The sign of a is lost.",
        _squared_penalty: "This is the best weight for a penalty of λ₁θ². Here the penalty is λ₁|θ|.",
        lambda a, l1: (
            a if abs(a) > l1 else 0
        ): "Here a weight is kept whole or not at all. The slope of λ₁|θ| takes from each, "
        "and the threshold is λ₁ / 2.",
        lambda a, l1: (
            np.sign(a) * max(abs(a) - 2 * l1, 0)
        ): "The threshold is four times too large: the slope of θ² is 2θ, so divide λ₁ by 2.",
        lambda a, l1: (
            a + l1 / 2
        ): "This moves the weight away from zero, or through it. The penalty pulls it towards zero.",
        lambda a, l1: (
            0
        ): "No weight is always 0. Where a is large, what the penalty costs is less than what the weight gains.",
        lambda a, l1: a - l1: "This gives up λ₁, whatever the sign of a, and may go past zero. For θ > 0 the slope is "
        "2θ - 2a + λ₁: solve that for θ, then look at the other cases.",
        lambda a, l1: max(a - l1, 0): "Two things: the slope of θ² is 2θ, so half of λ₁ is given up. And a negative a "
        "deserves a negative weight.",
        lambda a, l1: max(abs(a) - l1, 0): "Two things: the sign of a is lost, and half of λ₁ is given up, not all.",
        lambda a, l1: (
            np.sign(a) * max(abs(a) - l1, 0) / 2
        ): "The 2 of the slope divides all of it. In 2θ - 2a + λ₁ = 0 there are two of a as well.",
        lambda a, l1: np.sign(a) * min(abs(a) - l1 / 2, 0): "min keeps what is below zero. What is to be kept?",
        lambda a, l1: abs(a) - l1 / 2: "The sign of a is lost, and a small weight falls below zero. It stops there.",
        lambda a, l1: (
            _past_zero(a, l1) if abs(a) > l1 / 2 else a
        ): "Large weights are right. A small one can't pay the price, and you left it as it was.",
        lambda a, l1: a / (1 + l1 / 2): "You took from each weight the same SHARE, as a squared penalty does. The "
        "slope of λ₁|θ| is the same for every size.",
        lambda a, l1: a * (1 - l1 / 2): "You multiplied, so each weight gives up the same SHARE. The slope of λ₁|θ| is "
        "the same for every size: an amount is taken off.",
        lambda a, l1: (
            a * (1 - l1)
        ): "You multiplied by 1 − λ₁: each weight gives up the same SHARE. An amount is taken off, the same for each.",
    },
    calls=lambda: [(0.3, 0.1), (-0.3, 0.1), (0.07, 0.1), (0.04, 0.1), (-0.02, 0.1), (0.3, 0.0)],
    hints=(
        "Multiply the square out. With mean x² = 1 and a = mean xy there remains θ² - 2aθ + "
        "λ₁|θ|, and a number without θ.",
        "For θ > 0 set the slope, 2θ - 2a + λ₁, to zero. Is the θ that you find above zero? If not, zero is the best.",
        "np.sign(a) takes care of the other side. max(…, 0) stops at zero.",
    ),
    insight="Every weight gives up the same amount, λ₁/2, and a small one gives up all it has. A squared penalty takes "
    "the same SHARE of each, and none ever becomes zero.",
)

# Exercise 2: read the picture

q2 = Choice(
    right="b",
    advice={
        "a": "This is what he will believe: 1 minus the training error. The question is what new dates "
        "say. Which line shows that?",
        "c": "This is what he would have got with the best penalty. Does its training line end lowest?",
        "d": "Of the two training lines the other one ends lower. And new dates are not training dates.",
    },
    hints=(
        "First find the lower of the two training lines, at its right end. Its colour stands in the legend.",
        "Then follow the validation line of the SAME penalty to its right end. The R² is 1 minus the error.",
    ),
    insight="Training errors choose the network with the most noise in it: 50 % on its own dates, 19 % on "
    "others. The validation dates would have given 31 %. The gap between two lines of one network is noise "
    "that it learned by heart.",
)

# Exercise 3: two networks that agree


def share_kept(angle):
    return (1 + np.cos(angle)) / 2


def _cosine(angle):
    return np.cos(angle)


def _one_half_averaged(angle):
    return np.cos(angle / 2)


def _own_terms_only(angle):
    return 0.5


def _nothing_lost(angle):
    return 1.0


def _not_halved(angle):
    return 1 + np.cos(angle)


q3 = Exercise(
    reference=share_kept,
    mistakes={
        _cosine: "This is what β of one network times F of the other keeps. The product of two means has four terms: "
        "two such mixed ones, and two in which a network meets itself.",
        _one_half_averaged: "This is how long the mean F still is, beside F. The mean β is shorter as well, and "
        "the product pays for both.",
        _own_terms_only: "Only β₁F₁ and β₂F₂ are counted. The mixed terms, β₁ with F₂ and β₂ with F₁, are there, too.",
        _nothing_lost: "That is the mean of the products. Here the means are taken first and multiplied then.",
        _not_halved: "Two means, so two times a half: the four terms are divided by 4 in all.",
        lambda angle: (
            (1 + np.cos(angle)) / 4
        ): "The four terms are divided by 4, and two of them are whole. Halve once less.",
        lambda angle: 2 + 2 * np.cos(angle): "These are the four terms added up. Two means, so two times a half.",
        lambda angle: share_kept(np.radians(angle)): "The angle was turned from degrees into radians. It comes in "
        "radians.",
        lambda angle: share_kept(np.degrees(angle)): "The angle was turned into degrees. np.cos wants radians, and the "
        "angle comes in radians.",
        lambda angle: share_kept(angle) ** 2: "(1 + cos)/2 was taken for β and for F, and multiplied. It is what the "
        "product of the two means keeps: multiply (I + Q)/2 by its own transpose.",
        lambda angle: (3 + np.cos(angle)) / 4: "One mixed term is counted. There are two: β₁ with F₂, and β₂ with F₁.",
        lambda angle: (1 + np.cos(angle) ** 2) / 2: "The cosine is squared. A mixed term, β₁ with F₂, has one Q in it, "
        "so one cosine.",
        lambda angle: np.cos(angle) ** 2: "This is cos² of the angle: written out, the cosine of TWICE the angle is in "
        "it. A mixed term has one Q in it, and Q turns once.",
        lambda angle: (
            (1 + np.cos(angle) + np.sin(angle)) / 2
        ): "A sine is left. In Q + Qᵀ the two sines have opposite signs.",
    },
    calls=lambda: [(0.0,), (np.pi / 6,), (np.pi / 2,), (np.pi,), (4.0,)],
    hints=(
        "Write the two means as β₁(I + Q)/2 and F₁(I + Q)/2, and multiply the one by the other transposed.",
        "QQᵀ = I. What is Q + Qᵀ?",
        "(I + Q)(I + Qᵀ) = 2I + Q + Qᵀ, and Q + Qᵀ = 2 cos(angle) I. Do not forget the two halves.",
    ),
    insight="At half a turn nothing is left, and the two networks agree on every return. Over all angles they keep one "
    "half on average. M networks with unrelated angles keep 1/M of the product: M² terms, of which only the M in which "
    "a network meets itself do not cancel. With ten that is a tenth, and it is the collapse in the picture.",
)

# Exercise 4: open

q4 = Open(
    look_for="Does your sentence name the strengths at which members together go past the truth on the training dates, "
    "and what that costs them on new dates? The weak ones do, and there more members help most: the noise that each "
    "has learned by heart is its own, and cancels in part. At good strengths the members agree, and a further one "
    "changes little, now and then for the worse. One thing no slider can show: together to the left of one network. "
    "The square of a mean error is never larger than the mean of the squares.",
    hints=(
        "Leave the members at 3 and walk through the strengths: look at the top row first, then at the bottom one.",
        "Then walk through the members at the weakest strength and at 0.006. How far apart are the two marks of a row?",
    ),
)

# Exercise 5: chosen by the test dates


@cache
def _models_that_know_nothing():
    random, panel = np.random.default_rng(46), _market().panel
    judged = panel.returns[60:120], panel.returns[120:]
    scores = [[total_r2(r, 0.003 * random.standard_normal(r.shape)) for r in judged] for _ in range(50)]
    return {"know_nothing": np.array(scores)}


def honest(know_nothing):
    chosen = know_nothing[:, 0].argmax()
    return know_nothing[chosen, 1]


def _chosen_by_the_test(know_nothing):
    return know_nothing[:, 1].max()


def _score_of_the_validation_dates(know_nothing):
    return know_nothing[:, 0].max()


def _mean_of_all(know_nothing):
    return know_nothing[:, 1].mean()


def _worst(know_nothing):
    return know_nothing[:, 1].min()


def _nothing(know_nothing):
    return 0.0


q5 = Exercise(
    reference=honest,
    mistakes={
        _chosen_by_the_test: "This is the colleague's number: the model was chosen by the very "
        "dates that it is judged on.",
        _score_of_the_validation_dates: "The right model, but judged by the dates that chose it: this is its score on "
        "the validation dates, and it is flattered in the same way.",
        _mean_of_all: "This is the mean of all fifty, which is honest, but it chooses nothing. Choose one "
        "by the validation dates.",
        _nothing: "We know that these models explain nothing; he does not. Which score would the model that the "
        "validation dates choose have shown him?",
        _worst: "The worst of the test dates is chosen by the test dates just as the best is.",
        lambda know_nothing: know_nothing[
            know_nothing[:, 0].argmin(), 1
        ]: "Was the LOWEST score of the validation dates chosen, or the largest without its sign? The highest chooses.",
        lambda know_nothing: float(
            know_nothing[:, 0].argmax()
        ): "This is the number of the chosen row. Which score does column 1 give it?",
        lambda know_nothing: know_nothing[
            know_nothing.sum(axis=1).argmax(), 1
        ]: "The row was chosen by both columns together, so the test dates had a say. Column 0 alone chooses.",
        lambda know_nothing: know_nothing[
            know_nothing[:, 0].argsort()[-2], 1
        ]: "This is the second best of column 0. Its highest score chooses.",
        lambda know_nothing: np.median(know_nothing[:, 1]): "This is the middle of all fifty, which is honest, but it "
        "chooses nothing. Choose one by the validation dates.",
        lambda know_nothing: (
            know_nothing[:, 1].max() - honest(know_nothing)
        ): "This is by how much the colleague flatters himself. Which number would he report?",
        lambda know_nothing: know_nothing[know_nothing[:, 0].argmax()].mean(): "The right model, and the mean of its "
        "two scores. The validation dates chose it, so only the test dates judge.",
        lambda know_nothing: know_nothing[
            know_nothing[:, 0] > 0, 1
        ].mean(): "This is a mean over all models that the validation dates like. They choose one: the best.",
        lambda know_nothing: know_nothing[
            know_nothing[:, 1].argmax(), 0
        ]: "The columns are exchanged: the test dates chose, and the validation dates judged.",
        lambda know_nothing: know_nothing[
            0, 1
        ]: "This is the first row (or the scores were sorted: then no row is where it "
        "was). Which row do the validation dates choose?",
    },
    given=_models_that_know_nothing,
    hints=(
        "Two columns, two duties: column 0 chooses the row, column 1 judges it.",
        "know_nothing[:, 0].argmax() is the row that the validation dates choose.",
    ),
    insight="Noise explains a little less than nothing, and so does the model that was chosen honestly. The best of "
    "fifty looks as if it explained something. Whatever is chosen by the test dates is flattered by them. A strength, "
    "an epoch or a number of members that was picked while looking at the test dates is such a choice, too: our "
    "sliders show the test dates, and so what they taught us about this market can't be tested on it any more.",
)

# Exercise 6: a penalty on the shape


@cache
def _kernels():
    random = np.random.default_rng(0)
    three_of_six = np.zeros((6, 4))
    three_of_six[:3] = random.standard_normal((3, 4))
    kernels = [random.standard_normal((5, 3)), three_of_six, np.outer([0.0, 2.0, 0.0], [1.0, -1.0])]
    return [(kernel,) for kernel in (*kernels, 10 * kernels[0])]


def size(kernel):
    lengths = np.sqrt((kernel**2).sum(axis=1))
    return lengths.sum() / np.sqrt((kernel**2).sum())


def _each_weight_alone(kernel):
    return np.abs(kernel).sum() / np.sqrt((kernel**2).sum())


def _by_unit(kernel):
    return np.sqrt((kernel**2).sum(axis=0)).sum() / np.sqrt((kernel**2).sum())


def _not_divided(kernel):
    return np.sqrt((kernel**2).sum(axis=1)).sum()


def _plain_l1(kernel):
    return np.abs(kernel).sum()


def _divided_by_the_square(kernel):
    return np.sqrt((kernel**2).sum(axis=1)).sum() / (kernel**2).sum()


def _no_root_of_a_row(kernel):
    return (kernel**2).sum(axis=1).sum() / np.sqrt((kernel**2).sum())


q6 = Exercise(
    reference=size,
    mistakes={
        _each_weight_alone: "This is the size of a later kernel, in which each weight is a thing of its own. Here all "
        "weights of a characteristic, a row, are one thing.",
        _by_unit: "These are the lengths of the columns: one for each hidden unit. A characteristic is a row.",
        _not_divided: "The sum of the lengths is right. Ten times the kernel has ten times that sum, and the same "
        "shape: divide by the length of the whole.",
        _plain_l1: "This is the plain L1, Σ |θ|: neither are the weights of a row taken together, nor is the length "
        "divided out.",
        _divided_by_the_square: "Divide by the length of the kernel, which is the ROOT of the sum of all squares.",
        _no_root_of_a_row: "The length of a row is the ROOT of its sum of squares. Without it the sum is the same "
        "wherever the weights are.",
        lambda kernel: (
            1.0
        ): "This is 1 for every kernel. The squares of the rows add up to those of the whole; take the root of "
        "each row's sum BEFORE they are added.",
        lambda kernel: (
            np.sqrt((kernel**2).sum(axis=1)).sum() / np.linalg.norm(kernel, 2)
        ): "np.linalg.norm(kernel, 2) is the "
        "largest singular value. The length of the kernel is the root of the sum of all squares.",
        lambda kernel: (
            np.sqrt((kernel**2).sum(axis=1)).mean() / np.sqrt((kernel**2).sum())
        ): "You took the mean of the lengths. Their sum is asked for.",
        lambda kernel: (
            np.abs(kernel).sum() / np.sqrt((np.abs(kernel).sum(axis=1) ** 2).sum())
        ): "Your rows have the length Σ|θ|. The length of a row, |θⱼ|, is the root of its sum of squares.",
        lambda kernel: float(np.count_nonzero(kernel.any(axis=1))): "You counted the rows that are not zero. The size "
        "weighs them: it is the root of that number only where all are alike.",
        lambda kernel: (
            np.sqrt((kernel**2).mean(axis=1)).sum() / np.sqrt((kernel**2).sum())
        ): "A mean stands under the root of each row. The length of a row is the root of a SUM.",
        lambda kernel: np.sqrt(kernel.shape[1]) * size(kernel): "A mean of the squares stands under one of the roots. "
        "Both lengths are roots of sums.",
        lambda kernel: (
            np.sqrt((kernel**2).sum(axis=1)).sum() / np.abs(kernel).sum()
        ): "You divided by Σ|θ|. Divide by the length of the kernel, the root of the sum of all squares.",
        lambda kernel: (
            np.abs(kernel.sum(axis=1)).sum() / np.sqrt((kernel**2).sum())
        ): "The weights of a row were added with their signs, so they cancel. Its length is the root of its squares.",
        lambda kernel: (
            np.sqrt((kernel**2).sum(axis=1)).max() / np.sqrt((kernel**2).sum())
        ): "This is the longest row alone. The lengths of all rows are added up.",
        lambda kernel: (
            np.abs(kernel).max(axis=1).sum() / np.sqrt((kernel**2).sum())
        ): "You took the largest weight of each row. The length of a row counts all its weights, squared.",
    },
    calls=_kernels,
    hints=(
        "First one number for each row, its length. Then the sum of these over the length of the whole kernel.",
        "np.sqrt((kernel**2).sum(axis=1)) are the lengths of the rows.",
    ),
    insight="One characteristic alone has the size 1, three that weigh alike have √3 = 1.7, and fifty √50 = 7.1, "
    "however long the kernel is. What an idle characteristic adds is what the penalty takes away.",
)
