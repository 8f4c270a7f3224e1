"""Exercises of lesson 12: the laboratory."""

from functools import cache

import numpy as np
from scipy.stats import norm

from helpers.exercises.answers import same_to_a_percent
from helpers.exercises.checker import Exercise, Open
from helpers.experiments import table6

# Exercise 1: as if on different markets


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


q1 = Exercise(
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
        lambda by_market: (
            _the_error_itself(by_market) / (by_market["CA2"] - by_market["CA1"]).std()
        ): "Above stands the error of a mean (sem), below a spread over markets (std). Take sem for both.",
        lambda by_market: (
            by_market["CA2"] - by_market["CA1"]
        ).sem(): "This is the paired error. How many times as large is the unpaired one?",
        lambda by_market: (
            _the_error_itself(by_market) - (by_market["CA2"] - by_market["CA1"]).sem()
        ): "This is the difference of the two errors. How many TIMES larger is asked for: divide.",
        lambda by_market: (
            by_market["CA1"].sem() / (by_market["CA2"] - by_market["CA1"]).sem()
        ): "This is the error of CA1 alone over the paired one. That of CA2 belongs in there, too.",
        lambda by_market: (
            times_larger(by_market) / np.sqrt(2)
        ): "This is the root of the MEAN of the two squared errors. For a difference of independent means they add up.",
        lambda by_market: (
            by_market.mean().diff()["CA2"] / (by_market["CA2"] - by_market["CA1"]).sem()
        ): "This is the mean difference over its error, a t statistic. Two errors are compared here.",
        lambda by_market: (
            by_market.mean().diff()["CA2"] / _the_error_itself(by_market)
        ): "This is the mean difference over the unpaired error, a t statistic. Two errors are compared here.",
        lambda by_market: np.hypot(
            by_market["CA1"].std(), by_market["CA2"].std()
        ): "This is a spread over markets. Errors of means (sem) are compared, one over the other.",
        lambda by_market: (
            _the_error_itself(by_market) ** 2 / (by_market["CA2"] - by_market["CA1"]).sem()
        ): "The root above is missing: squared errors add up, and the error is the root of the sum.",
        lambda by_market: _errors_added(by_market) / 2: "You took the mean of the two errors. For independent means "
        "their SQUARES add up; then take the root.",
        lambda by_market: (
            np.hypot(by_market["CA1"].sem(), by_market["CA3"].sem()) / (by_market["CA2"] - by_market["CA1"]).sem()
        ): "Above stands CA3 in the place of CA2, below CA2. Take the same two models.",
        lambda by_market: (
            np.hypot(by_market["CA2"].sem(), by_market["CA3"].sem()) / (by_market["CA2"] - by_market["CA1"]).sem()
        ): "Above stands CA3 in the place of CA1, below CA1. Take the same two models.",
        lambda by_market: (
            abs(by_market["CA2"].sem() - by_market["CA1"].sem()) / (by_market["CA2"] - by_market["CA1"]).sem()
        ): "You took one error from the other. Of a difference, too, the squared errors add up.",
        lambda by_market: 100 * (times_larger(by_market) - 1): "By how many percent? Asked for is how many TIMES.",
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

# Exercise 2: the forecast of an ensemble


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


def _with_lam(betas, lam):
    return np.einsum("msk,mk->s", betas[:, -1], lam) / len(betas)


def _first_beta(betas, factors):
    return betas[0, -1] @ factors[:, :-1].mean(axis=(0, 1))


def _the_date_before(betas, factors):
    return np.einsum("msk,mk->s", betas[:, -2], factors[:, :-1].mean(axis=1)) / len(betas)


q2 = Exercise(
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
        lambda betas, factors: _with_lam(
            betas, factors[:, 1:].mean(axis=1)
        ): "The first date was left out of λ, and the last is still in it. It is the last that nobody knew.",
        lambda betas, factors: forecast(
            betas[:, ::-1], factors
        ): "λ and the members are right, but β is that of the first date. The last date is to be forecast.",
        lambda betas, factors: _with_lam(
            betas, factors[:, :-1].sum(axis=1)
        ): "λ is a sum over the dates. A mean is asked for.",
        lambda betas, factors: forecast(
            betas[:1], factors[:1]
        ): "This is the forecast of the first member alone. Average over all of them.",
        lambda betas, factors: forecast(
            betas[-1:], factors[-1:]
        ): "This is the forecast of the last member alone. Average over all of them.",
        lambda betas, factors: _with_lam(
            betas, factors[:, :-2].mean(axis=1)
        ): "Two dates were left out at the end of λ. The factors of the date before the last are known.",
        lambda betas, factors: _with_lam(
            betas, factors[:, 1:-1].mean(axis=1)
        ): "The last date is left out of λ, as it should be. But the first is, too.",
        lambda betas, factors: _with_lam(betas, factors[:, 0]): "λ is the factor of the first date alone. It is the "
        "mean over all dates before the last.",
        lambda betas, factors: _with_lam(
            betas, factors[:, -2]
        ): "λ is the factor of one date, the one before. It is the mean over ALL dates before the last.",
        lambda betas, factors: forecast(
            np.broadcast_to(betas.mean(axis=1, keepdims=True), betas.shape), factors
        ): "β was averaged over the dates. β of the last date is known: take that.",
        lambda betas, factors: forecast(
            np.broadcast_to(betas[:, :-1].mean(axis=1, keepdims=True), betas.shape), factors
        ): "β was averaged over the dates before, as λ is. β of the last date is known in time: take that.",
        lambda betas, factors: np.einsum("mdsk,mdk->mds", betas[:, :-1], factors[:, :-1]).mean(
            axis=(0, 1)
        ): "These are products of each date's own β and F, averaged. A forecast has β of the last date.",
        lambda betas, factors: _with_its_own_date(
            betas[:-1], factors[:-1]
        ): "[:-1] cuts the first axis, which is that of the members. Dates are axis 1: factors[:, :-1].",
        lambda betas, factors: np.median(
            [b[-1] @ f[:-1].mean(axis=0) for b, f in zip(betas, factors, strict=True)], axis=0
        ): "You took the median over members. An ensemble averages.",
        lambda betas, factors: _with_lam(
            betas, np.median(factors[:, :-1], axis=1)
        ): "λ is a median over the dates. The premium is a mean.",
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

# Exercise 3: many bars, one by luck


def by_luck(n_bars, n_errors):
    one = 2 * norm.sf(n_errors)
    return 1 - (1 - one) ** n_bars


def _one_bar(n_bars, n_errors):
    return 2 * norm.sf(n_errors)


def _added(n_bars, n_errors):
    return n_bars * 2 * norm.sf(n_errors)


def _one_side(n_bars, n_errors):
    return 1 - norm.cdf(n_errors) ** n_bars


def _all_of_them(n_bars, n_errors):
    return (2 * norm.sf(n_errors)) ** n_bars


def _none_of_them(n_bars, n_errors):
    return (1 - 2 * norm.sf(n_errors)) ** n_bars


q3 = Exercise(
    reference=by_luck,
    mistakes={
        _one_bar: "This is the chance of one bar. With more of them there are more chances.",
        _added: "You added the chances. Two bars may leave out zero at once, and then they are counted twice: with a "
        "hundred bars your number is above 1. Begin with the chance that NONE does.",
        _one_side: "Only bars above zero are counted. A bar may lie below zero by luck just as well.",
        _all_of_them: "This is the chance that ALL of them leave out zero. One is enough.",
        _none_of_them: "This is the chance that none does. The question is that at least one does.",
        lambda n_bars, n_errors: (
            1 - (1 - norm.sf(2 * n_errors)) ** n_bars
        ): "The 2 stands inside: this is the chance beyond twice "
        "as many errors, on one side. Two sides are 2 * norm.sf(n_errors).",
        lambda n_bars, n_errors: (
            1 - (1 - 2 * norm.sf(n_bars)) ** n_errors
        ): "The arguments are exchanged: n_errors belongs into norm.sf, and n_bars into the exponent.",
        lambda n_bars, n_errors: (
            n_bars * norm.sf(n_errors)
        ): "You added the chances, and of one side only. Begin with the chance that NONE leaves out zero.",
        lambda n_bars, n_errors: min(
            1, 2 * n_bars * norm.sf(n_errors)
        ): "You added the chances, cut off at 1. That is a bound: two "
        "bars may leave out zero at once. Begin with the chance that NONE does.",
        lambda n_bars, n_errors: (
            _all_of_them(1, n_errors) * n_bars * _none_of_them(n_bars - 1, n_errors)
        ): "This is the chance that exactly ONE does. At least one is asked for.",
        lambda n_bars, n_errors: (
            1 - _all_of_them(n_bars, n_errors)
        ): "This is the chance that not ALL of them leave out zero. "
        "At least one is asked for: 1 minus the chance that none does.",
        lambda n_bars, n_errors: (
            1 - norm.sf(n_errors) ** n_bars
        ): "norm.sf is the chance beyond n_errors, on one side. Which chance, to the power of n_bars, is that of none?",
        lambda n_bars, n_errors: norm.sf(
            n_errors
        ): "This is the chance of one bar, on one side. A bar may lie below zero, too, and there are n_bars of them.",
        lambda n_bars, n_errors: (
            2 * _one_side(n_bars, n_errors)
        ): "You doubled at the end. Each bar has two sides: the 2 belongs to the chance of one bar, inside the power.",
        lambda n_bars, n_errors: _one_side(
            2 * n_bars, n_errors
        ): "You counted 2 n_bars bars with one side each. The two sides of one bar exclude each other: add them first.",
        lambda n_bars, n_errors: (
            1 - (1 - 2 * norm.pdf(n_errors)) ** n_bars
        ): "norm.pdf is the height of the curve. A chance is an area: norm.sf.",
        lambda n_bars, n_errors: 1 - 0.95**n_bars: "You took a chance of 5 % for each bar. It hangs on n_errors: "
        "2 * norm.sf(n_errors).",
        lambda n_bars, n_errors: 1 - _one_bar(n_bars, n_errors): "This is the chance that one bar holds zero. All "
        "n_bars have to, and you want the opposite.",
        lambda n_bars, n_errors: 2 * norm.sf(n_errors / np.sqrt(n_bars)): "The root of n_bars belongs to errors of "
        "means. Here n_bars chances come together: begin with the chance that NONE leaves out zero.",
    },
    calls=lambda: [(1, 2.0), (5, 2.0), (20, 2.0), (20, 3.0), (100, 2.0)],
    hints=(
        "2 * norm.sf(n_errors) is the chance that one bar leaves out zero, on either side.",
        "n_bars that have nothing to do with each other ALL hold zero with the chance (1 - that) ** n_bars.",
    ),
    insight="Five bars of two errors already leave out zero in one case of five, twenty in six of ten. With three "
    "errors twenty bars do so in one case of twenty: the rule of three is there for about that many bars.",
)

# Exercise 4: open

q4 = Open(
    look_for="Does your sentence name a mean difference over the same markets, and its standard error? Is the "
    "difference more than two of them? A model that is true and has few numbers to learn needs few dates: look for the "
    "price of flexibility where nothing bends. If you tried many markets and report one, say how many you tried.",
    hints=(
        "Begin with markets = [simulate_market('linear', n_dates=90, seed=seed) for seed in range(5)], cut into thirds "
        "by WalkForward(30, 30, 30) of helpers.evaluation.",
        "compare({'IPCA': InstrumentedPCA(3), 'CA1': ConditionalAutoencoder(3, (32,), n_members=3)}, markets, "
        "WalkForward(30, 30, 30), ['leave-one-out R²']). IPCA learns from the first two thirds; the network from "
        "the first, with the second as validation.",
    ),
)
