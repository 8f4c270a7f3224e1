"""Exercises of lesson 14: the leakage clinic."""

from functools import cache, partial

import numpy as np

from helpers.data.ranks import rank_across_tickers
from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import information_coefficient, predictive_r2, total_r2
from helpers.exercises.checker import Exercise, Open
from helpers.experiments.clinic import clinic_market as barren
from helpers.models.ipca import InstrumentedPCA
from helpers.panel import Panel

# Patient 1: gaps


def masked(seed):
    panel, random = barren(seed), np.random.default_rng(seed)
    d, enters = np.arange(240)[:, None], random.integers(0, 240, 100)
    there = (enters <= d) & (d < enters + random.integers(40, 200, 100))
    r = np.where(there, panel.returns, np.nan)
    design = np.concatenate([panel.characteristics, np.ones((240, 100, 1))], axis=2)
    b, *_ = np.linalg.lstsq(design[:160][there[:160]], r[:160][there[:160]], rcond=None)
    return np.nanmean(information_coefficient(r[160:], design[160:] @ b))


def _gaps(seed, in_fit=-2.0, in_score=-2.0, gaps=True):
    """The score where gaps in returns become these numbers; NaN leaves them out."""
    panel, random = barren(seed), np.random.default_rng(seed)
    d, enters = np.arange(240)[:, None], random.integers(0, 240, 100)
    there = (enters <= d) & (d < enters + random.integers(40, 200, 100)) | (not gaps)
    x = np.where(there[:, :, None], panel.characteristics, -2)
    design = np.concatenate([x, np.ones((240, 100, 1))], axis=2)
    r = np.where(there, panel.returns, in_fit)[:160]
    known = ~np.isnan(r)
    b, *_ = np.linalg.lstsq(design[:160][known], r[known], rcond=None)
    return np.nanmean(information_coefficient(np.where(there, panel.returns, in_score)[160:], design[160:] @ b))


_filled = partial(_gaps)
_filled_in_the_fit_only = partial(_gaps, in_score=np.nan)
_filled_in_the_score_only = partial(_gaps, in_fit=np.nan)
_without_gaps = partial(_gaps, gaps=False)
_filled_with_zero = partial(_gaps, in_fit=0.0, in_score=0.0)

q1 = Exercise(
    reference=masked,
    mistakes={
        _filled: "The function is still as it was: −2 stands for gaps in returns and characteristics, in "
        "the fit and in the score.",
        _filled_in_the_fit_only: "The score is clean now. But the fit still sees the gaps as returns of −2: mask them "
        "there as well.",
        _filled_in_the_score_only: "The fit is clean now. But the score still takes each gap for a return of −2: write "
        "np.nan there.",
        _without_gaps: "Now every ticker is there at every date. Keep the gaps (there), and leave them out of fit and "
        "score.",
        _filled_with_zero: "A gap is now a return of 0. It is still a return that nobody earned, in the fit and in the "
        "score.",
    },
    calls=lambda: [(0,), (1,)],
    hints=(
        "A gap is no return. Where in the function does a gap become a number?",
        "Write np.nan in the place of −2. Least squares must then be given only the rows of those who are there.",
        "design[:160][there[:160]] and r[:160][there[:160]] are these rows. np.nanmean copes with dates "
        "on which nobody is left.",
    ),
    insight="ConditionalAutoencoder does the same: a missing return is never in its pool of observations.",
)

# Patient 2: ranks over time


def ranked_across_tickers(seed):
    r = barren(seed).returns
    rank = rank_across_tickers(np.cumsum(r, axis=0) - r)
    slope = np.polyfit(rank[:160].ravel(), r[:160].ravel(), 1)
    return information_coefficient(r[160:], np.polyval(slope, rank[160:])).mean()


def _judged(seed, ranks, fit=slice(160), own=False):
    """The score of the ranks of prices that `ranks` makes, with a slope of these dates."""
    r = barren(seed).returns
    rank = ranks(np.cumsum(r, axis=0) - (0 if own else r))
    slope = np.polyfit(rank[fit].ravel(), r[fit].ravel(), 1)
    return information_coefficient(r[160:], np.polyval(slope, rank[160:])).mean()


def _apart(price):
    return np.concatenate([rank_across_tickers(part.T).T for part in (price[:160], price[160:])])


_over_past_and_future_apart = partial(_judged, ranks=_apart)
_ranked_over_time = partial(_judged, ranks=lambda price: rank_across_tickers(price.T).T)
_with_the_return_of_the_date = partial(_judged, ranks=rank_across_tickers, own=True)
_slope_of_all_dates = partial(_judged, ranks=rank_across_tickers, fit=slice(None))
_slope_of_the_test = partial(_judged, ranks=rank_across_tickers, fit=slice(160, None))

q2 = Exercise(
    reference=ranked_across_tickers,
    mistakes={
        _ranked_over_time: "The ranks still run over time, among later prices, too. One date is one row: rank along "
        "the tickers.",
        _with_the_return_of_the_date: "You rank across tickers, but the price now holds the return of the date itself. "
        "Take it out again.",
        _over_past_and_future_apart: "Training and test dates are ranked apart, and within each part a rank "
        "still knows later prices.",
        _slope_of_all_dates: "The ranks are right. But the slope is fitted to all dates, those of the test among them: "
        "only [:160] may teach it.",
        _slope_of_the_test: "The ranks are right. But the slope is fitted to the dates that it is judged on.",
    },
    calls=lambda: [(1,), (4,)],  # the slopes of past, test and all dates differ in sign
    hints=(
        "One date is one row of log_price. rank_across_tickers ranks along rows.",
        "Leave out both .T: rank_across_tickers(log_price).",
    ),
    insight="A rank among the ticker's own EARLIER prices would be clean, too. A rank over the whole history never is.",
)


# Patient 3: the period's own factors


def earlier_factors(seed):
    panel = barren(seed)
    past, period = panel[:160], panel[160:172]
    return predictive_r2(period.returns, InstrumentedPCA(3).fit(past).predict(period, past))


def _said(seed, expected):
    """The score of β · λ, with λ made by `expected` of the factors of all 172 dates, (172, 3)."""
    panel = barren(seed)
    past, period = panel[:160], panel[160:172]
    model = InstrumentedPCA(3).fit(past)
    lam = np.broadcast_to(expected(np.asarray(model.factors(panel[:172]))), (12, 3))
    return predictive_r2(period.returns, np.einsum("dsk,dk->ds", model.betas(period), lam))


def _refitted(seed):
    panel = barren(seed)
    said = [InstrumentedPCA(3).fit(panel[:d]).predict(panel[d : d + 1], panel[:d])[0] for d in range(160, 172)]
    return predictive_r2(panel.returns[160:172], np.array(said))


_own_factors = partial(_said, expected=lambda f: f[160:].mean(axis=0))
_reconstructed = partial(_said, expected=lambda f: f[160:])
_mean_of_all = partial(_said, expected=lambda f: f.mean(axis=0))
_one_date_too_late = partial(_said, expected=lambda f: (np.cumsum(f, axis=0) / np.arange(1, 173)[:, None])[160:])
_mean_of_the_past = partial(_said, expected=lambda f: f[:160].mean(axis=0))

q3 = Exercise(
    reference=earlier_factors,
    mistakes={
        _own_factors: "The mean of the period's own factors is still in there. It was not known before the period.",
        _reconstructed: "reconstruct uses the factors of each date itself. That explains, and does not predict.",
        _mean_of_all: "Your mean runs over past and period together, so that some of what it says of a "
        "date comes from later ones.",
        _one_date_too_late: "λ of each date holds the factors of that date itself. Row d of the forecast needs the "
        "mean up to d - 1.",
        _mean_of_the_past: "No leak is left: this is the mean of the past. But as the period goes on, its earlier "
        "dates are known as well. λ moves on with each date; model.predict does that.",
        _refitted: "No leak is left, and this is how one would do it with time to spare: a new fit at each date. The "
        "exercise asks for one fit, to the first 160 dates, so that only λ moves on.",
    },
    calls=lambda: [(0,), (1,)],
    hints=("λ of a date is a mean over all dates before it.", "model.predict(period, past) does all of it."),
    insight="Where there is no past at all, there is no forecast. The first dates of a sample can't be tested.",
)

# Patient 4: rows out of order


def by_label(seed):
    frame = barren(seed).to_frame().sample(frac=1, random_state=seed)
    panel = Panel.from_frame(frame)
    model = InstrumentedPCA(3).fit(panel[:160])
    return total_r2(panel.returns[160:], model.reconstruct(panel[160:]))


def _reshaped(seed, unstacked=True, **how):
    frame = barren(seed).to_frame().sample(frac=1, random_state=seed)
    frame = frame.sort_index(**how) if how else frame
    x = frame.drop(columns="returns").to_numpy().reshape(240, 100, 10)
    r = frame["returns"].unstack("ticker") if unstacked else frame["returns"].to_numpy().reshape(240, 100)
    panel = Panel(returns=np.asarray(r), characteristics=x)
    model = InstrumentedPCA(3).fit(panel[:160])
    return total_r2(panel.returns[160:], model.reconstruct(panel[160:]))


_both_reshaped = partial(_reshaped, unstacked=False)
_sorted_by_date_only = partial(_reshaped, level="date", sort_remaining=False, kind="stable")
_sorted_by_ticker_first = partial(_reshaped, level=["ticker", "date"])
_sorted_by_ticker_only = partial(_reshaped, level="ticker", sort_remaining=False, kind="stable")

q4 = Exercise(
    reference=by_label,
    mistakes={
        _reshaped: "The characteristics are still in the order of the file, and the returns are not.",
        _both_reshaped: "Each return has its own characteristics again. But a row of your arrays now mixes tickers of "
        "many dates, and one date has one F.",
        _sorted_by_date_only: "The dates are in order now. But within a date the tickers still stand as in the file, "
        "and unstack has sorted them: sort by both levels.",
        _sorted_by_ticker_first: "The rows are sorted now, by ticker first. reshape(240, 100, 10) wants all tickers of "
        "the first date first.",
        _sorted_by_ticker_only: "The tickers are in order now, and their dates are not. reshape(240, 100, 10) wants "
        "all tickers of the first date first.",
    },
    calls=lambda: [(0,), (1,)],
    hints=("There is a constructor that goes by labels.", "Panel.from_frame(frame) takes rows in any order."),
    insight="With a row for every ticker at every date, frame.sort_index() before the reshape would do as well.",
)

# Patients 5 and 6: networks that do not belong together, and one that knows too much


def lam_of_one_network(every, refit):
    running_mean = np.cumsum(every, axis=1) / np.arange(1, every.shape[1] + 1)[:, None]
    dates = np.arange(1, len(refit))
    return running_mean[refit[dates], dates - 1]


def _collected(every, refit):
    dates = np.arange(len(refit))
    return (np.cumsum(every[refit, dates], axis=0) / (dates + 1)[:, None])[:-1]


def _mean_over_networks(every, refit):
    return (np.cumsum(every.mean(axis=0), axis=0) / np.arange(1, len(refit) + 1)[:, None])[:-1]


def _with_the_date_itself(every, refit):
    running_mean = np.cumsum(every, axis=1) / np.arange(1, every.shape[1] + 1)[:, None]
    return running_mean[refit, np.arange(len(refit))][1:]


def _other_network(every, refit, which):
    return lam_of_one_network(every, which(refit))


_always_the_first_network = partial(_other_network, which=np.zeros_like)
_network_of_the_date_before = partial(_other_network, which=lambda refit: np.append(refit[:1], refit[:-1]))

q5 = Exercise(
    reference=lam_of_one_network,
    mistakes={
        _collected: "This is the recipe as it was: the factors in the mean come from different networks.",
        _mean_over_networks: "Now each date's factors are a mean over networks. Their rotations differ, so that is a "
        "mean of unlike things, too.",
        _always_the_first_network: "λ comes from one network now. But β comes from the network of refit[d], and "
        "yours is always the first.",
        _network_of_the_date_before: "You take the network of the date before. At the first date after a refit "
        "β comes from the new one.",
        _with_the_date_itself: "The right network. But its factors of date d are in the mean already, and "
        "were not known before d.",
    },
    calls=lambda: [(np.random.default_rng(seed).normal(size=(6, 60, 3)), np.arange(60) // 5 % 6) for seed in (0, 1)],
    hints=(
        "The new network can say F of the old dates, too: every[m] holds F of network m at all dates.",
        "Row d - 1 of the result is every[refit[d], :d].mean(axis=0).",
    ),
    insight="The newest network says F of the whole past again, as in FactorModel.predict(test, past).",
)


def built_in_the_loop(make_network, fit, judge):
    scores = []
    for start in (200, 160, 120, 80, 40):
        network = make_network()
        fit(network, start)
        scores.append(judge(network, start))
    return scores


def _built_once(make_network, fit, judge):
    network = make_network()
    return built_in_the_loop(lambda: network, fit, judge)


def _oldest_first_and_built_once(make_network, fit, judge):
    network = make_network()
    return [(fit(network, start), judge(network, start))[1] for start in (40, 80, 120, 160, 200)]


def _oldest_first(make_network, fit, judge):
    return built_in_the_loop(make_network, fit, judge)[::-1]


def _fitted_to_all_dates(make_network, fit, judge):
    return built_in_the_loop(make_network, lambda network, start: fit(network, 240), judge)


def _memory():
    """A network that remembers the dates it was fitted to; each of them that it is judged on costs it a thousand."""

    def fit(network, start):
        network.extend(range(start))

    def judge(network, start):
        return len(network) - 1000 * len(set(network) & set(range(start, start + 40)))

    return [(list, fit, judge)]


q6 = Exercise(
    reference=built_in_the_loop,
    mistakes={
        _built_once: "The network is still built once: from the second round on it is judged on "
        "dates that it was fitted to.",
        _oldest_first: "Built in the loop, so no round knows too much. But the scores come in another "
        "order: the newest fold first.",
        _oldest_first_and_built_once: "With the oldest fold first no date is known too early. But the network goes on "
        "from round to round, and has seen the early dates five times. Build it anew, and the order does not matter.",
        _fitted_to_all_dates: "Each network is new, and fitted to all 240 dates, those that it "
        "is judged on among them.",
    },
    calls=_memory,
    hints=(
        "Which line has to move, so that no round inherits a network?",
        "network = make_network() goes into the loop, before fit.",
    ),
    insight="out_of_sample clones the model in each fold, so that nothing can be carried over.",
)

# Chosen by the test


def chosen_before(panel):
    r, x = panel.returns, panel.characteristics
    before = [information_coefficient(r[:160], x[:160, :, j]).mean() for j in range(10)]
    j = np.argmax(np.abs(before))
    return np.sign(before[j]) * information_coefficient(r[160:], x[160:, :, j]).mean()


def _chosen(panel, by):
    """What `by` makes of the ten characteristics' mean coefficients before the test and in it."""
    every = [information_coefficient(panel.returns, panel.characteristics[:, :, j]) for j in range(10)]
    return by(np.mean([ic[:160] for ic in every], axis=1), np.mean([ic[160:] for ic in every], axis=1))


def _by_all_dates(before, after):
    every = 160 * before + 80 * after
    j = np.abs(every).argmax()
    return np.sign(every[j]) * after[j]


_chosen_by_all_dates = partial(_chosen, by=_by_all_dates)
_chosen_by_the_test = partial(_chosen, by=lambda before, after: np.abs(after).max())
_reports_the_past = partial(_chosen, by=lambda before, after: np.abs(before).max())
_sign_by_the_test = partial(_chosen, by=lambda before, after: np.abs(after[np.abs(before).argmax()]))
_sign_forgotten = partial(_chosen, by=lambda before, after: after[np.abs(before).argmax()])
_largest_not_in_size = partial(_chosen, by=lambda before, after: after[before.argmax()])


@cache
def _markets_that_turn():
    """Markets in which one characteristic ranks returns before date 160, a second more weakly, a third only after it.

    Whoever chooses by dates before 160, by whatever score, finds the first; whoever looks at the test the third.
    """
    panels = []
    for seed, sign in ((3, -1.0), (4, 1.0)):
        panel = simulate_market("linear", 240, 100, 10, seed=seed, premium=0.0).panel
        x, after = panel.characteristics, (np.arange(240) >= 160)[:, None]
        worked = np.where(after, -0.2, 1.0) * sign * x[:, :, 3] - 0.3 * sign * x[:, :, 5]
        noise = np.random.default_rng(seed).standard_normal((240, 100))
        panels.append((Panel(returns=0.05 * (worked + after * 4.0 * x[:, :, 6] + noise), characteristics=x),))
    return panels


q7 = Exercise(
    reference=chosen_before,
    mistakes={
        _chosen_by_the_test: "The characteristic is still chosen by the dates that it is judged on.",
        _chosen_by_all_dates: "It is chosen by all dates, and the test dates are among them.",
        _sign_forgotten: "The right characteristic. But one whose coefficient was negative before the test is "
        "used with its sign turned.",
        _largest_not_in_size: "This takes the largest coefficient. Asked for is the largest in SIZE, with its sign.",
        _reports_the_past: "This is the score on the dates that chose it. Choose on the first 160, judge on the "
        "others.",
        _sign_by_the_test: "The characteristic is chosen before the test, but its sign is not: an absolute value knows "
        "the outcome.",
    },
    calls=_markets_that_turn,
    hints=(
        "Two things are chosen: which characteristic, and with which sign. Both must be chosen on the first 160 dates.",
        "Compute the ten mean coefficients on [:160], take the largest in size and its sign, then judge on [160:].",
    ),
    insight="Ten looks at the test dates invent a coefficient of several percent, and no line of code is wrong.",
)

q8 = Open(
    look_for="A leak is any number that could not have been written down before the date. Perturb the future and look "
    "whether the past moves: tests/test_no_look_ahead.py of this course does nothing else.",
    hints=(
        "Standardise by the mean of all dates? Drop the tickers that leave? Fill gaps backwards?",
        "over_markets(your_function) says what it is worth, with its error.",
    ),
)
