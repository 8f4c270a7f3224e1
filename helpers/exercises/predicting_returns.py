"""Exercises of lesson 13: predicting returns, and the leakage clinic."""

from functools import cache

import numpy as np

from helpers.data.ranks import rank_across_tickers
from helpers.evaluation.metrics import information_coefficient, predictive_r2, total_r2
from helpers.exercises.answers import same_to_a_percent
from helpers.exercises.checker import Choice, Exercise, Open
from helpers.experiments.clinic import clinic_market as barren
from helpers.models.ipca import InstrumentedPCA
from helpers.panel import Panel

# Exercise 1: how much can be predicted


def share(mean, sd):
    return mean**2 / (mean**2 + sd**2)


def _over_the_variance(mean, sd):
    return mean**2 / sd**2


def _not_squared(mean, sd):
    return mean / (mean + sd)


def _ratio(mean, sd):
    return mean / sd


q1 = Exercise(
    reference=share,
    mistakes={
        _over_the_variance: "You divided by the variance. What β · F explains is measured by the mean SQUARE of F, and "
        "that holds the squared mean, too.",
        _not_squared: "R² is made of squares: a factor counts with its mean square, and what is known of "
        "it with its squared mean.",
        _ratio: "This is the Sharpe ratio of the factor for one date. R² is made of squares.",
    },
    given=lambda: {"mean": 0.03, "sd": 0.10},
    same=same_to_a_percent,
    hints=(
        "The total R² is not demeaned, so a factor counts with its mean square. What is that, in terms of "
        "mean and standard deviation?",
        "The mean square is mean² + sd². The forecast has the first term only.",
    ),
    insight="Eight percent of what is explained can be predicted. Of a total R² of 40 % that is 3.3 %.",
)

# Exercise 2: λ, by hand


@cache
def _some_factors():
    first, second = np.random.default_rng(0), np.random.default_rng(1)
    return [(first.normal(0.03, 0.1, (12, 3)),), (second.normal(0.0, 0.1, (7, 2)),)]


def lam(F):
    return np.cumsum(F, axis=0)[:-1] / np.arange(1, len(F))[:, None]


def _with_its_own_date(F):
    return (np.cumsum(F, axis=0) / np.arange(1, len(F) + 1)[:, None])[1:]


def _of_all_dates(F):
    return np.broadcast_to(F.mean(axis=0), F[1:].shape)


def _divided_by_the_next_number(F):
    return np.cumsum(F, axis=0)[:-1] / np.arange(2, len(F) + 1)[:, None]


def _the_last_date_only(F):
    return F[:-1]


def _sums(F):
    return np.cumsum(F, axis=0)[:-1]


def _across_factors(F):
    return np.cumsum(F, axis=1)[:-1] / np.arange(1, len(F))[:, None]


q2 = Exercise(
    reference=lam,
    mistakes={
        _with_its_own_date: "The factors of the date itself are in your mean. Row d must end one date earlier.",
        _of_all_dates: "This is the mean of all dates, later ones included: every row of it looks ahead.",
        _divided_by_the_next_number: "The sums are right, and each is divided by one date too many.",
        _sums: "These are the sums so far. A mean divides by the number of dates in it.",
        _across_factors: "Your sum runs across the factors. Dates go down: axis 0.",
        _the_last_date_only: "These are the factors of the date before, not the mean of all dates before.",
    },
    calls=_some_factors,
    hints=(
        "The first row belongs to date 1, and is the factors of date 0. The last row is the mean "
        "of all dates but the last.",
        "np.cumsum(F, axis=0) holds the sums up to and with each date. Leave out its last row, "
        "and divide by 1, 2, 3, …",
    ),
    insight="The one-off in this function is the most common leak of all.",
)

# Exercise 3: a date on which the order was upside down

q3 = Choice(
    right="c",
    advice={
        "a": "A wrong sign would show in the mean over dates, and that is well above zero.",
        "b": "Luck of the tickers' own noise moves the coefficient of a date by about 1/√200, which "
        "is 0.07. This is far more.",
        "d": "The characteristics of the date were known before it, and β is right. It is the other half of "
        "the product that surprised.",
    },
    hints=(
        "All 200 tickers hang on the same three factors. What happens to those with a high "
        "forecast when the factors fall?",
        "A forecast is β times the factors' mean. A return is β times the factors as they came.",
    ),
    insight="When the factors come out negative, tickers with a high β · λ fall the most, and the order turns around. "
    "That is risk, not error, and it is the same for all tickers: more of them would not help, more dates do.",
)

# The clinic


def masked(seed):
    panel, random = barren(seed), np.random.default_rng(seed)
    d, enters = np.arange(240)[:, None], random.integers(0, 240, 100)
    there = (enters <= d) & (d < enters + random.integers(40, 200, 100))
    r = np.where(there, panel.returns, np.nan)
    design = np.concatenate([panel.characteristics, np.ones((240, 100, 1))], axis=2)
    b, *_ = np.linalg.lstsq(design[:160][there[:160]], r[:160][there[:160]], rcond=None)
    return np.nanmean(information_coefficient(r[160:], design[160:] @ b))


def _filled(seed, filled_returns=-2, filled_score=True):
    panel, random = barren(seed), np.random.default_rng(seed)
    d, enters = np.arange(240)[:, None], random.integers(0, 240, 100)
    there = (enters <= d) & (d < enters + random.integers(40, 200, 100))
    x = np.where(there[:, :, None], panel.characteristics, -2)
    r = np.where(there, panel.returns, filled_returns)
    design = np.concatenate([x, np.ones((240, 100, 1))], axis=2)
    b, *_ = np.linalg.lstsq(design[:160].reshape(-1, 11), r[:160].ravel(), rcond=None)
    judged = r[160:] if filled_score else np.where(there, panel.returns, np.nan)[160:]
    return np.nanmean(information_coefficient(judged, design[160:] @ b))


def _filled_in_the_fit_only(seed):
    return _filled(seed, filled_score=False)


def _filled_with_zero(seed):
    return _filled(seed, filled_returns=0)


def _zero_in_the_fit_only(seed):
    return _filled(seed, filled_returns=0, filled_score=False)


def _filled_in_the_score_only(seed):
    panel, random = barren(seed), np.random.default_rng(seed)
    d, enters = np.arange(240)[:, None], random.integers(0, 240, 100)
    there = (enters <= d) & (d < enters + random.integers(40, 200, 100))
    x = np.where(there[:, :, None], panel.characteristics, -2)
    r = np.where(there, panel.returns, -2)
    design = np.concatenate([x, np.ones((240, 100, 1))], axis=2)
    b, *_ = np.linalg.lstsq(design[:160][there[:160]], r[:160][there[:160]], rcond=None)
    return information_coefficient(r[160:], design[160:] @ b).mean()


def _without_gaps(seed):
    panel = barren(seed)
    design = np.concatenate([panel.characteristics, np.ones((240, 100, 1))], axis=2)
    b, *_ = np.linalg.lstsq(design[:160].reshape(-1, 11), panel.returns[:160].ravel(), rcond=None)
    return information_coefficient(panel.returns[160:], design[160:] @ b).mean()


q4 = Exercise(
    reference=masked,
    mistakes={
        _filled: "The function is still as it was: −2 stands for gaps in returns and characteristics, in "
        "the fit and in the score.",
        _filled_in_the_fit_only: "The score is clean now. But the fit still sees the gaps as returns of −2: "
        "mask them there as well.",
        _filled_in_the_score_only: "The fit is clean now. But the score still takes each gap for a return "
        "of −2: write np.nan there.",
        _zero_in_the_fit_only: "The score is clean now. But the fit still takes each gap for a return of "
        "0: leave these rows out.",
        _without_gaps: "Now every ticker is there at every date. Keep the gaps (there), and leave "
        "them out of fit and score.",
        _filled_with_zero: "A gap is now a return of 0. It is still a return that nobody earned, in "
        "the fit and in the score.",
    },
    calls=lambda: [(0,), (1,)],
    hints=(
        "Write np.nan in the place of −2. Least squares must then be given only the rows of those who are there.",
        "design[:160][there[:160]] and r[:160][there[:160]] are these rows. np.nanmean copes with dates "
        "on which nobody is left.",
    ),
    insight="ConditionalAutoencoder does the same: a missing return is never in its pool of observations.",
)


def ranked_across_tickers(seed):
    r = barren(seed).returns
    rank = rank_across_tickers(np.cumsum(r, axis=0) - r)
    slope = np.polyfit(rank[:160].ravel(), r[:160].ravel(), 1)
    return information_coefficient(r[160:], np.polyval(slope, rank[160:])).mean()


def _ranked_over_time(seed):
    r = barren(seed).returns
    rank = rank_across_tickers((np.cumsum(r, axis=0) - r).T).T
    slope = np.polyfit(rank[:160].ravel(), r[:160].ravel(), 1)
    return information_coefficient(r[160:], np.polyval(slope, rank[160:])).mean()


def _with_the_return_of_the_date(seed):
    r = barren(seed).returns
    rank = rank_across_tickers(np.cumsum(r, axis=0))
    slope = np.polyfit(rank[:160].ravel(), r[:160].ravel(), 1)
    return information_coefficient(r[160:], np.polyval(slope, rank[160:])).mean()


def _over_past_and_future_apart(seed):
    r = barren(seed).returns
    log_price = np.cumsum(r, axis=0) - r
    rank = np.concatenate([rank_across_tickers(part.T).T for part in (log_price[:160], log_price[160:])])
    slope = np.polyfit(rank[:160].ravel(), r[:160].ravel(), 1)
    return information_coefficient(r[160:], np.polyval(slope, rank[160:])).mean()


q5 = Exercise(
    reference=ranked_across_tickers,
    mistakes={
        _ranked_over_time: "The ranks still run over time, among later prices, too. One date is one "
        "row: rank along the tickers.",
        _with_the_return_of_the_date: "You rank across tickers, but the price now holds the return of the date "
        "itself. Take it out again.",
        _over_past_and_future_apart: "Training and test dates are ranked apart, and within each part a rank "
        "still knows later prices.",
    },
    calls=lambda: [(0,), (1,)],
    hints=(
        "One date is one row of log_price. rank_across_tickers ranks along rows.",
        "Leave out both .T: rank_across_tickers(log_price).",
    ),
    insight="A rank among the ticker's own EARLIER prices would be clean, too. A rank over the whole history never is.",
)


def earlier_factors(seed):
    panel = barren(seed)
    past, period = panel[:160], panel[160:172]
    return predictive_r2(period.returns, InstrumentedPCA(3).fit(past).predict(period, past))


def _own_factors(seed):
    panel = barren(seed)
    past, period = panel[:160], panel[160:172]
    model = InstrumentedPCA(3).fit(past)
    return predictive_r2(period.returns, model.betas(period) @ model.factors(period).mean(axis=0))


def _reconstructed(seed):
    panel = barren(seed)
    past, period = panel[:160], panel[160:172]
    return predictive_r2(period.returns, InstrumentedPCA(3).fit(past).reconstruct(period))


def _mean_of_all(seed):
    panel = barren(seed)
    past, period = panel[:160], panel[160:172]
    model = InstrumentedPCA(3).fit(past)
    return predictive_r2(period.returns, model.betas(period) @ model.factors(panel[:172]).mean(axis=0))


def _mean_of_the_past(seed):
    panel = barren(seed)
    past, period = panel[:160], panel[160:172]
    model = InstrumentedPCA(3).fit(past)
    return predictive_r2(period.returns, model.betas(period) @ model.factors(past).mean(axis=0))


def _one_date_too_late(seed):
    panel = barren(seed)
    past, period = panel[:160], panel[160:172]
    model = InstrumentedPCA(3).fit(past)
    lam = np.cumsum(model.factors(panel[:172]), axis=0) / np.arange(1, 173)[:, None]
    return predictive_r2(period.returns, np.einsum("dsk,dk->ds", model.betas(period), lam[160:]))


def _twelve_dates_before(seed):
    panel = barren(seed)
    past, period = panel[:160], panel[160:172]
    model = InstrumentedPCA(3).fit(past)
    return predictive_r2(period.returns, model.betas(period) @ model.factors(past)[-12:].mean(axis=0))


q6 = Exercise(
    reference=earlier_factors,
    mistakes={
        _own_factors: "The mean of the period's own factors is still in there. It was not known before the period.",
        _reconstructed: "reconstruct uses the factors of each date itself. That explains, and does not predict.",
        _mean_of_all: "Your mean runs over past and period together, so that some of what it says of a "
        "date comes from later ones.",
        _one_date_too_late: "λ of each date holds the factors of that date itself. Row d of the forecast "
        "needs the mean up to d - 1.",
        _twelve_dates_before: "No leak is left. But twelve dates are a short past, and a noisy "
        "mean: take all dates before.",
        _mean_of_the_past: "No leak is left: this is the mean of the past. But as the period goes on, its earlier "
        "dates are known as well. λ moves on with each date; model.predict does that.",
    },
    calls=lambda: [(0,), (1,)],
    hints=(
        "λ of a date is the mean of the factors of all dates before it.",
        "model.predict(period, past) does all of it.",
    ),
    insight="Where there is no past at all, there is no forecast. The first dates of a sample can't be tested.",
)


def by_label(seed):
    frame = barren(seed).to_frame().sample(frac=1, random_state=seed)
    panel = Panel.from_frame(frame)
    model = InstrumentedPCA(3).fit(panel[:160])
    return total_r2(panel.returns[160:], model.reconstruct(panel[160:]))


def _reshaped(seed, sort=()):
    frame = barren(seed).to_frame().sample(frac=1, random_state=seed)
    frame = frame.sort_index(level=list(sort)) if sort else frame
    x = frame.drop(columns="returns").to_numpy().reshape(240, 100, 10)
    panel = Panel(returns=frame["returns"].unstack("ticker"), characteristics=x)
    model = InstrumentedPCA(3).fit(panel[:160])
    return total_r2(panel.returns[160:], model.reconstruct(panel[160:]))


def _sorted_by_ticker_first(seed):
    return _reshaped(seed, ("ticker", "date"))


def _both_reshaped(seed):
    frame = barren(seed).to_frame().sample(frac=1, random_state=seed)
    x = frame.drop(columns="returns").to_numpy().reshape(240, 100, 10)
    panel = Panel(returns=frame["returns"].to_numpy().reshape(240, 100), characteristics=x)
    model = InstrumentedPCA(3).fit(panel[:160])
    return total_r2(panel.returns[160:], model.reconstruct(panel[160:]))


q7 = Exercise(
    reference=by_label,
    mistakes={
        _reshaped: "The characteristics are still in the order of the file, and the returns are not.",
        _both_reshaped: "Each return has its own characteristics again. But a row of your arrays now mixes tickers of "
        "many dates, and one date has one F.",
        _sorted_by_ticker_first: "The rows are sorted now, by ticker first. reshape(240, 100, 10) wants all tickers "
        "of the first date first.",
    },
    calls=lambda: [(0,), (1,)],
    hints=("There is a constructor that goes by labels.", "Panel.from_frame(frame) takes rows in any order."),
    insight="frame.sort_index() before the reshape would do as well, as long as every ticker has a row at every date. "
    "from_frame does not need that.",
)

# Exercises 8 and 9: networks that do not belong together, and one that knows too much


def lam_of_one_network(every, refit):
    running_mean = np.cumsum(every, axis=1) / np.arange(1, every.shape[1] + 1)[:, None]
    dates = np.arange(1, len(refit))
    return running_mean[refit[dates], dates - 1]


def _collected(every, refit):
    dates = np.arange(len(refit))
    return (np.cumsum(every[refit, dates], axis=0) / (dates + 1)[:, None])[:-1]


def _mean_over_networks(every, refit):
    return (np.cumsum(every.mean(axis=0), axis=0) / np.arange(1, len(refit) + 1)[:, None])[:-1]


def _always_the_first_network(every, refit):
    return lam_of_one_network(every, 0 * refit)


def _network_of_the_date_before(every, refit):
    return lam_of_one_network(every, np.concatenate([refit[:1], refit[:-1]]))


def _with_the_date_itself(every, refit):
    running_mean = np.cumsum(every, axis=1) / np.arange(1, every.shape[1] + 1)[:, None]
    return running_mean[refit, np.arange(len(refit))][1:]


def _six_random_networks():
    return [(np.random.default_rng(seed).normal(size=(6, 60, 3)), np.arange(60) // 5 % 6) for seed in (0, 1)]


q8 = Exercise(
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
    calls=_six_random_networks,
    hints=(
        "The new network can say F of the old dates, too: every[m] holds F of network m at all dates.",
        "Row d - 1 of the result is every[refit[d], :d].mean(axis=0).",
    ),
    insight="After a refit, compute the factors of the whole past again, with the new network, and average those. "
    "FactorModel.predict(test, past) does that.",
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


def _oldest_first(make_network, fit, judge):
    return built_in_the_loop(make_network, fit, judge)[::-1]


def _oldest_first_and_built_once(make_network, fit, judge):
    network, scores = make_network(), []
    for start in (40, 80, 120, 160, 200):
        fit(network, start)
        scores.append(judge(network, start))
    return scores


def _fitted_to_all_dates(make_network, fit, judge):
    return built_in_the_loop(make_network, lambda network, start: fit(network, 240), judge)


def _memory():
    """A network that remembers the dates it was fitted to.

    Its score is their number, far lower for each that it is judged on.
    """

    def fit(network, start):
        network.extend(range(start))

    def judge(network, start):
        return len(network) - 1000 * len(set(network) & set(range(start, start + 40)))

    return [(list, fit, judge)]


q9 = Exercise(
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

# Exercise 10: chosen by the test


def chosen_before(seed):
    panel = barren(seed)
    ic = [information_coefficient(panel.returns[:160], panel.characteristics[:160, :, j]).mean() for j in range(10)]
    j = np.argmax(np.abs(ic))
    return np.sign(ic[j]) * information_coefficient(panel.returns[160:], panel.characteristics[160:, :, j]).mean()


def _chosen_by_the_test(seed):
    panel = barren(seed)
    ic = [information_coefficient(panel.returns[160:], panel.characteristics[160:, :, j]).mean() for j in range(10)]
    return np.abs(ic).max()


def _chosen_by_all_dates(seed):
    panel = barren(seed)
    ic = [information_coefficient(panel.returns, panel.characteristics[:, :, j]).mean() for j in range(10)]
    j = np.argmax(np.abs(ic))
    return np.sign(ic[j]) * information_coefficient(panel.returns[160:], panel.characteristics[160:, :, j]).mean()


def _sign_by_the_test(seed):
    return abs(chosen_before(seed))


def _ics(seed):
    panel = barren(seed)
    ic = [information_coefficient(panel.returns, panel.characteristics[:, :, j]) for j in range(10)]
    return np.mean([x[:160] for x in ic], axis=1), np.mean([x[160:] for x in ic], axis=1)


def _sign_forgotten(seed):
    before, after = _ics(seed)
    return after[np.abs(before).argmax()]


def _largest_not_in_size(seed):
    before, after = _ics(seed)
    return after[before.argmax()]


def _reports_the_past(seed):
    return np.abs(_ics(seed)[0]).max()


q10 = Exercise(
    reference=chosen_before,
    mistakes={
        _chosen_by_the_test: "The characteristic is still chosen by the dates that it is judged on.",
        _chosen_by_all_dates: "It is chosen by all dates, and the test dates are among them.",
        _sign_forgotten: "The right characteristic. But one whose coefficient was negative before the test is "
        "used with its sign turned.",
        _largest_not_in_size: "This takes the largest coefficient. Asked for is the largest in SIZE, with its sign.",
        _reports_the_past: "This is the score on the dates that chose it. Choose on the first "
        "160, judge on the others.",
        _sign_by_the_test: "The characteristic is chosen before the test, but its sign is not: an absolute "
        "value knows the outcome.",
    },
    calls=lambda: [(3,), (4,), (6,)],
    hints=(
        "Two things are chosen: which characteristic, and with which sign. Both must be chosen on the first 160 dates.",
        "Compute the ten mean coefficients on [:160], take the largest in size and its sign, then judge on [160:].",
    ),
    insight="Ten looks at the test dates invent an information coefficient of several percent. It is the quietest leak "
    "of all, since no line of code is wrong.",
)

q11 = Open(
    look_for="A leak is any number that could not have been written down before the date. Perturb the future and look "
    "whether the past moves: tests/test_no_look_ahead.py of this course does nothing else.",
    hints=(
        "Standardise by the mean of all dates? Drop the tickers that leave? Fill gaps backwards?",
        "over_markets(your_function) says what it is worth, with its error.",
    ),
)
