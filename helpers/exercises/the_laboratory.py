"""Exercises of lesson 10: the laboratory."""

from dataclasses import replace
from functools import cache

import numpy as np

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.exercises.answers import same_to_a_percent
from helpers.exercises.checker import Choice, Exercise, Open
from helpers.experiments import table6
from helpers.models.managed import managed_portfolios


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

# Exercise 4: chosen by the test dates


@cache
def _models_that_know_nothing():
    random, panel = np.random.default_rng(0), _market().panel
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


q4 = Exercise(
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

# Exercise 5: as if on different markets


@cache
def _by_market():
    table = table6.read()
    k3 = table[table["model"].isin(table6.MODELS)].query("case == 'nonlinear' and n_factors == 3")
    by_market = k3.pivot(index="repetition", columns="model", values="total_r2")[list(table6.MODELS)]
    return {"by_market": 100 * by_market.dropna()}


def times_larger(by_market):
    unpaired = np.hypot(by_market["CA1"].sem(), by_market["CA2"].sem())
    return unpaired / (by_market["CA2"] - by_market["CA1"]).sem()


def _upside_down(by_market):
    return 1 / times_larger(by_market)


def _in_markets(by_market):
    return times_larger(by_market) ** 2


def _errors_added(by_market):
    return (by_market["CA1"].sem() + by_market["CA2"].sem()) / (by_market["CA2"] - by_market["CA1"]).sem()


def _one_of_them(by_market):
    return by_market["CA2"].sem() / (by_market["CA2"] - by_market["CA1"]).sem()


def _spread_over_error(by_market):
    return np.hypot(by_market["CA1"].std(), by_market["CA2"].std()) / (by_market["CA2"] - by_market["CA1"]).sem()


def _the_error_itself(by_market):
    return np.hypot(by_market["CA1"].sem(), by_market["CA2"].sem())


q5 = Exercise(
    reference=times_larger,
    mistakes={
        _upside_down: "This is the paired error over the unpaired one. The question is how many times "
        "larger the unpaired one is.",
        _in_markets: "This is the square: how many times as many markets one would need without pairing. Asked for is "
        "the ratio of the errors themselves.",
        _errors_added: "You added the errors. For independent means their SQUARES add up; then take the root.",
        _one_of_them: "This is the error of CA2 alone over the paired one. The error of CA1 belongs in there, too.",
        _the_error_itself: "This is the unpaired error. How many times the paired one is that?",
        _spread_over_error: "Above stands a spread over markets (std), below the error of a mean "
        "(sem). Take sem for both.",
    },
    given=_by_market,
    same=same_to_a_percent,
    hints=(
        "by_market['CA1'].sem() is the standard error of a mean. Squared errors of independent means add up.",
        "np.hypot(a, b) is the root of a² + b². Divide it by the sem() of the difference.",
    ),
    insight="An error falls with the root of the number of markets. To see the same difference without pairing, one "
    "would need the square of this number times as many of them.",
)

# Exercise 6: the forecast of an ensemble


@cache
def _members():
    random = np.random.default_rng(0)
    shapes = [((4, 6, 5, 2), (4, 6, 2)), ((3, 8, 4, 3), (3, 8, 3))]
    return [(random.normal(1.0, 1.0, beta), random.normal(0.03, 0.1, factor)) for beta, factor in shapes]


def forecast(betas, factors):
    lam = factors[:, :-1].mean(axis=1)
    return np.mean([betas[m, -1] @ lam[m] for m in range(len(betas))], axis=0)


def _as_it_was(betas, factors):
    return betas.mean(axis=0)[-1] @ factors.mean(axis=0).mean(axis=0)


def _averaged_apart(betas, factors):
    return betas.mean(axis=0)[-1] @ factors.mean(axis=0)[:-1].mean(axis=0)


def _with_its_own_date(betas, factors):
    return np.einsum("msk,mk->s", betas[:, -1], factors.mean(axis=1)) / len(betas)


def _explained(betas, factors):
    return np.einsum("msk,mk->s", betas[:, -1], factors[:, -1]) / len(betas)


def _summed(betas, factors):
    return np.einsum("msk,mk->s", betas[:, -1], factors[:, :-1].mean(axis=1))


def _first_beta(betas, factors):
    return betas[0, -1] @ factors[:, :-1].mean(axis=(0, 1))


def _the_date_before(betas, factors):
    return np.einsum("msk,mk->s", betas[:, -2], factors[:, :-1].mean(axis=1)) / len(betas)


q6 = Exercise(
    reference=forecast,
    mistakes={
        _as_it_was: "The function is still as it was. One mistake is about members, the other about dates.",
        _averaged_apart: "The dates are right now. But β and F are still averaged over members, "
        "each apart. Average last.",
        _with_its_own_date: "The members are right now. But λ still contains the factors of the last date itself, "
        "which nobody knew before it.",
        _explained: "These are products with the factors of the last date itself. That explains the "
        "date, it does not predict it.",
        _summed: "This is the sum over members, not their mean.",
        _first_beta: "The β of the first member meets a λ averaged over all members. Each λ "
        "belongs to its own member's β.",
        _the_date_before: "λ and the members are right, but β is that of the date before. β of the last date is known "
        "in time: row d of the characteristics is known before the return of date d.",
    },
    calls=_members,
    hints=(
        "Averages over members come last, when β · λ has been formed for each member.",
        "λ of the last date is the mean of the factors of all dates before it: factors[:, :-1].mean(axis=1), "
        "one row for each member.",
        "betas[m, -1] @ lam[m] is what member m says.",
    ),
    insight="The λ of one network is a mean of factors that only that network knows. A mean of such λ over networks is "
    "a mean over different things: they cancel, and what is left is mostly noise. ConditionalAutoencoder.predict forms "
    "each member's β · λ first.",
)

# Exercise 7: a batch split by date

q7 = Choice(
    right="b",
    advice={
        "a": "The mean of a single row is the row itself. What is left when it is subtracted?",
        "c": "The spread is 0 indeed. But look under the root: 1e-3 keeps it from a division by zero.",
        "d": "The weights are the same, the normalisation is not: it uses the group's mean and spread, and a "
        "group of one has no others.",
    },
    hints=(
        "Take a group of one row: group = np.array([[0.4, 1.7, 0.0]]). What is group.mean(axis=0)?",
        "group - group.mean(axis=0) is zero for a single row, and zero divided by anything else is zero.",
    ),
    insight="Of 100 observations from 60 dates, each is alone with probability (59/60)^99, about one in five. A "
    "group of two is hardly better: its values become about +1 and -1, whatever they were. And later, on new "
    "dates, the network normalises by fixed numbers, so that it sees there what it never saw in training. "
    "Normalise over the whole batch.",
)

# Exercise 8: the right instruments


@cache
def _factor_inputs():
    market = _market()

    def share_explained(inputs):
        fitted = inputs @ np.linalg.lstsq(inputs, market.factors, rcond=None)[0]
        return 1 - ((market.factors - fitted) ** 2).sum(axis=0) / (market.factors**2).sum(axis=0)

    return {"market": market, "c": market.panel.characteristics, "share_explained": share_explained}


def shares(market, c, share_explained):
    c1, c2, c3 = c[..., 0], c[..., 1], c[..., 2]
    products = np.stack([c1**2, c1 * c2, c3], axis=-1)
    curved = replace(market.panel, characteristics=products, characteristic_names=None)
    return share_explained(managed_portfolios(curved))


def _shares_of(columns, market, share_explained):
    curved = replace(market.panel, characteristics=np.stack(columns, axis=-1), characteristic_names=None)
    return share_explained(managed_portfolios(curved))


def _the_characteristics_themselves(market, c, share_explained):
    return _shares_of([c[..., 0], c[..., 1], c[..., 2]], market, share_explained)


def _two_squares(market, c, share_explained):
    return _shares_of([c[..., 0] ** 2, c[..., 1] ** 2, c[..., 2]], market, share_explained)


def _all_squared(market, c, share_explained):
    return _shares_of([c[..., 0] ** 2, c[..., 0] * c[..., 1], c[..., 2] ** 2], market, share_explained)


def _cubes(market, c, share_explained):
    return _shares_of([c[..., 0] ** 3, c[..., 0] * c[..., 1], c[..., 2]], market, share_explained)


def _sign_of_c3(market, c, share_explained):
    return _shares_of([c[..., 0] ** 2, c[..., 0] * c[..., 1], np.sign(c[..., 2])], market, share_explained)


q8 = Exercise(
    reference=shares,
    mistakes={
        _the_characteristics_themselves: "These are the shares of the plain characteristics, without the constant. "
        "Factors 1 and 2 need products.",
        _two_squares: "Factor 1 is there now, factor 2 is not: the mean of c2² times 2 c1 c2 is zero. "
        "What overlaps with c1 c2?",
        _all_squared: "Factors 1 and 2 are there. But c3² has lost the sign that factor 3 hangs on: leave c3 as it is.",
        _cubes: "A third power changes its sign with c1, and c1² does not. So their product is "
        "zero on average, as before.",
        _sign_of_c3: "These carry all three factors, the third even better than c3 does. The exercise "
        "asks for c3 itself, though.",
    },
    given=_factor_inputs,
    hints=(
        "A portfolio carries a factor if its weights overlap with the true β: the mean of weight times β must not be "
        "zero. What overlaps with c1²?",
        "dataclasses.replace(market.panel, characteristics=..., characteristic_names=None) makes a panel "
        "with other characteristics.",
        "np.stack([…, …, c[..., 2]], axis=-1) are the three. Then share_explained(managed_portfolios(the new panel)).",
    ),
    insight="With the right instruments, least squares is enough. The networks' merit is that nobody has to know them. "
    "But they can do so only in β: what the Factor network reads must carry the factors.",
)

# Exercise 9: open

q9 = Open(
    look_for="Does your sentence name a mean difference over the same markets, and its standard error? Is the "
    "difference more than two of them? A model that is true and has few numbers to learn needs few dates: look for the "
    "price of flexibility where nothing bends. If you tried many markets and report one, say how many you tried.",
    hints=(
        "Begin with markets = [simulate_market('linear', n_dates=90, seed=seed) for seed in range(5)], cut into thirds "
        "by WalkForward(30, 30, 30) of helpers.evaluation.",
        "compare({'IPCA': InstrumentedPCA(3), 'CA1': ConditionalAutoencoder(3, (32,), n_members=3)}, markets, "
        "WalkForward(30, 30, 30)). IPCA learns from the first two thirds; the network from the first, with the "
        "second as validation.",
    ),
)
