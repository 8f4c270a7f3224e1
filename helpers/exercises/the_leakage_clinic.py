"""Exercises of lesson 14: the leakage clinic."""

from functools import partial

import numpy as np

from helpers.data.ranks import rank_across_tickers
from helpers.evaluation.metrics import information_coefficient, predictive_r2, total_r2
from helpers.exercises.checker import Exercise, Open
from helpers.exercises.clinic_patients import (
    OLDEST_FIRST,
    by_all_dates,
    by_its_size,
    chosen,
    chosen_with_a_border,
    explained,
    explained_by_reshaping,
    files_in_no_order,
    lam_by,
    markets_that_turn,
    mean_before,
    mean_of_the_period_before,
    networks_that_remember,
    of_own_dates,
    predicted,
    predicted_with,
    rounds,
    scored_by_ranks,
    scored_with_gaps,
    slope_reversed,
    slope_through_zero,
)
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


_filled_in_the_fit_only = partial(scored_with_gaps, in_score=np.nan)
_filled_in_the_score_only = partial(scored_with_gaps, in_fit=np.nan)
_fitted_to_all_dates = partial(scored_with_gaps, in_fit=np.nan, in_score=np.nan, fit=slice(None))
_without_gaps = partial(scored_with_gaps, gaps=False)
_filled_with_zero = partial(scored_with_gaps, in_fit=0.0, in_score=0.0)
_all_filled_with_zero = partial(scored_with_gaps, in_fit=0.0, in_score=0.0, in_x=0.0)
_gaps_scored = partial(scored_with_gaps, in_fit=np.nan, in_score=None)
_no_constant = partial(scored_with_gaps, in_fit=np.nan, in_score=np.nan, constant=0.0)

q1 = Exercise(
    reference=masked,
    mistakes={
        scored_with_gaps: "The function is still as it was: −2 stands for gaps in returns and characteristics, in "
        "the fit and in the score.",
        _filled_in_the_fit_only: "The score is clean now. But the fit still sees the gaps as returns of −2: mask them "
        "there as well.",
        _filled_in_the_score_only: "The fit is clean now. But the score still takes each gap for a return of −2: write "
        "np.nan there.",
        _fitted_to_all_dates: "The gaps are out. But the fit sees all 240 dates, those of the score among them.",
        _without_gaps: "Now every ticker is there at every date. Keep the gaps (there), and leave them out of fit and "
        "score.",
        _filled_with_zero: "A gap is now a return of 0. It is still a return that nobody earned, in the fit and in the "
        "score.",
        _all_filled_with_zero: "You filled with 0 in the place of −2. A gap is no number: who is not there has no row "
        "in the fit, and no return in the score.",
        _gaps_scored: "The fit is clean now. But the score counts returns of tickers that are not there.",
        _no_constant: "The gaps are out. But the column of ones is gone from your regression. Leave it in.",
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
    return predictive_r2(r[160:], np.polyval(slope, rank[160:]))


def _apart(price):
    return np.concatenate([rank_across_tickers(part.T).T for part in (price[:160], price[160:])])


_ranked = partial(scored_by_ranks, ranks=rank_across_tickers)
_over_past_and_future_apart = partial(scored_by_ranks, ranks=_apart)
_ranked_over_time = partial(scored_by_ranks, ranks=lambda price: rank_across_tickers(price.T).T)
_with_the_return_of_the_date = partial(_ranked, own=True)
_not_ranked = partial(scored_by_ranks, ranks=np.asarray)
_slope_of_all_dates = partial(_ranked, fit=slice(None))
_slope_of_the_test = partial(_ranked, fit=slice(160, None))
_rank_itself = partial(_ranked, slope_of=lambda rank, r: [1.0, 0.0])
_reversed = partial(_ranked, slope_of=slope_reversed)
_without_an_intercept = partial(_ranked, slope_of=slope_through_zero)
_of_returns = partial(scored_by_ranks, ranks=lambda p: rank_across_tickers(np.diff(p, axis=0, prepend=0.0)), own=True)
_coefficient = partial(_ranked, score=information_coefficient)
_judged_on_the_fit = partial(_ranked, judged=slice(160))
_judged_on_all_dates = partial(_ranked, judged=slice(None))

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
        _rank_itself: "The ranks are right, and they are used as they are. Let the first 160 dates say by a slope "
        "whether a high rank is good or bad.",
        _not_ranked: "These are log prices. Rank them across the tickers of each date, before the slope is fitted.",
        _slope_of_the_test: "The ranks are right. But the slope is fitted to the dates that it is judged on.",
        _of_returns: "These are ranks of the date's own returns, which nobody knows before. Rank the prices.",
        _reversed: "Your regression is turned around: it says what rank belongs to a return. Ranks come first in "
        "polyfit, then returns.",
        _without_an_intercept: "Your line goes through zero. np.polyfit gives a slope and an intercept: keep both.",
        _coefficient: "This is the information coefficient. It sees the order of a forecast only: the predictive R² is "
        "asked for.",
        _judged_on_the_fit: "You judge on the first 160 dates, which taught the slope. Judge on those after them.",
        _judged_on_all_dates: "You judge on all dates, and the first 160 of them taught the slope. Judge on [160:].",
    },
    calls=lambda: [(2,), (5,), (12,)],
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


def _refitted(seed):
    panel = barren(seed)
    said = [InstrumentedPCA(3).fit(panel[:d]).predict(panel[d : d + 1], panel[:d])[0] for d in range(160, 172)]
    return predictive_r2(panel.returns[160:172], np.array(said))


_own_factors = partial(predicted_with, expected=lambda f: f[160:].mean(axis=0))
_reconstructed = partial(predicted_with, expected=lambda f: f[160:])
_mean_of_all = partial(predicted_with, expected=lambda f: f.mean(axis=0))
_one_date_too_late = partial(
    predicted_with, expected=lambda f: (np.cumsum(f, axis=0) / np.arange(1, 173)[:, None])[160:]
)
_mean_of_the_past = partial(predicted_with, expected=lambda f: f[:160].mean(axis=0))
_last_factors = partial(predicted_with, expected=lambda f: f[159:-1])
_too_early = partial(predicted_with, expected=lambda f: [f[: d - 1].mean(axis=0) for d in range(160, 172)])
_period_alone = partial(predicted_with, expected=mean_of_the_period_before)
_all_test_dates = partial(predicted_with, expected=mean_before, last=240)
_period_in_the_fit = partial(predicted_with, expected=mean_before, taught=172)
_fitted_to_all_dates_too = partial(predicted_with, expected=mean_before, taught=240)

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
        _last_factors: "Your λ is the one row of factors before each date. One date is mostly luck: take the mean of "
        "all dates before.",
        _too_early: "Your mean ends a date too early: date d - 1 is known before d.",
        _period_alone: "Your mean begins with the period. The 160 dates before it are known, too.",
        _all_test_dates: "No leak is left. But these are all 80 dates from 160 on. The period is the first twelve.",
        _period_in_the_fit: "λ is right. But the model is fitted to the period as well: fit to the first 160 dates.",
        _fitted_to_all_dates_too: "λ is right. But the model is fitted to all dates: fit to the first 160.",
        _refitted: "No leak is left, and this is how one would do it with time to spare: a new fit at each date. The "
        "exercise asks for one fit, to the first 160 dates, so that only λ moves on.",
    },
    calls=lambda: [(0,), (1,)],
    hints=("λ of a date is a mean over all dates before it.", "model.predict(period, past) does all of it."),
    insight="Where there is no past at all, there is no forecast. The first dates of a sample can't be tested.",
)

# Patient 4: rows out of order


def by_label(frame):
    panel = Panel.from_frame(frame)
    model = InstrumentedPCA(3).fit(panel[:160])
    return total_r2(panel.returns[160:], model.reconstruct(panel[160:]))


_both_reshaped = partial(explained_by_reshaping, unstacked=False)
_sorted_by_date_only = partial(explained_by_reshaping, level="date", sort_remaining=False, kind="stable")
_sorted_by_ticker_first = partial(explained_by_reshaping, level=["ticker", "date"])
_sorted_by_ticker_only = partial(explained_by_reshaping, level="ticker", sort_remaining=False, kind="stable")

_fitted_to_every_date = partial(explained, taught=slice(None))
_explained_on_all_dates = partial(explained, judged=slice(None))

q4 = Exercise(
    reference=by_label,
    mistakes={
        _fitted_to_every_date: "The rows are right. But the model is fitted to all dates, those that judge it among "
        "them: fit to the first 160.",
        _explained_on_all_dates: "The rows are right. But this is the R² on all dates. Judge from date 160 on.",
        predicted: "The rows are right. But this is the predictive R². Asked for is the total R²: what IPCA explains.",
        explained_by_reshaping: "The characteristics are still in the order of the file, and the returns are not.",
        _both_reshaped: "Each return has its own characteristics again. But a row of your arrays now mixes tickers of "
        "many dates, and one date has one F.",
        _sorted_by_date_only: "The dates are in order now. But within a date the tickers still stand as in the file, "
        "and unstack has sorted them: sort by both levels.",
        _sorted_by_ticker_first: "The rows are sorted now, by ticker first. reshape(240, 100, 10) wants all tickers of "
        "the first date first.",
        _sorted_by_ticker_only: "The tickers are in order now, and their dates are not. reshape(240, 100, 10) wants "
        "all tickers of the first date first.",
    },
    calls=files_in_no_order,
    hints=("There is a constructor that goes by labels.", "Panel.from_frame(frame) takes rows in any order."),
    insight="With a row for every ticker at every date, frame.sort_index() before the reshape would do as well.",
)

# Patients 5 and 6: networks that do not belong together, and one that knows too much


def lam_of_one_network(every, refit):
    running_mean = np.cumsum(every, axis=1) / np.arange(1, every.shape[1] + 1)[:, None]
    dates = np.arange(1, len(refit))
    return running_mean[refit[dates], dates - 1]


def _other_network(every, refit, which):
    return lam_of_one_network(every, which(refit))


_collected = partial(lam_by, of=lambda d, m, every: every[np.arange(d) // 5 % 6, np.arange(d)].mean(axis=0))
_mean_over_networks = partial(lam_by, of=lambda d, m, every: every[:, :d].mean(axis=(0, 1)))
_with_the_date_itself = partial(lam_by, of=lambda d, m, every: every[m, : d + 1].mean(axis=0))
_with_later_dates = partial(lam_by, of=lambda d, m, every: every[m].mean(axis=0))
_always_the_first_network = partial(_other_network, which=np.zeros_like)
_network_of_the_date_before = partial(_other_network, which=lambda refit: np.append(refit[:1], refit[:-1]))
_always_the_last_network = partial(_other_network, which=lambda refit: np.full_like(refit, 5))
_sums = partial(lam_by, of=lambda d, m, every: every[m, :d].sum(axis=0))
_last_factors_alone = partial(lam_by, of=lambda d, m, every: every[m, d - 1])
_of_own_dates = partial(lam_by, of=of_own_dates)

q5 = Exercise(
    reference=lam_of_one_network,
    mistakes={
        _always_the_last_network: "λ comes from one network now. But yours is always the last of all: at date d it is "
        "number refit[d].",
        _sums: "The right network and the right dates. But this is the sum of the factors: λ is their mean.",
        _last_factors_alone: "The right network. But this is its factor of date d - 1 alone: λ is a mean over all the "
        "dates before d.",
        _of_own_dates: "Your mean holds only dates at which this network was in use. It can say F of all earlier ones.",
        _collected: "This is the recipe as it was: the factors in the mean come from different networks.",
        _mean_over_networks: "Now each date's factors are a mean over networks. Their rotations differ, so that is a "
        "mean of unlike things, too.",
        _always_the_first_network: "λ comes from one network now. But β comes from the network of refit[d], and "
        "yours is always the first.",
        _network_of_the_date_before: "You take the network of the date before. At the first date after a refit "
        "β comes from the new one.",
        _with_later_dates: "The right network. But its mean runs over all dates, d and later ones among them. End it "
        "before d.",
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


_built_once = partial(rounds, anew=False)
_oldest_first = partial(rounds, starts=OLDEST_FIRST)
_oldest_first_and_built_once = partial(rounds, starts=OLDEST_FIRST, anew=False)
_turned_in_the_end = partial(rounds, starts=OLDEST_FIRST, anew=False, turn=True)
_fold_in_the_fit = partial(rounds, taught=lambda start: start + 40)
_fitted_to_the_end = partial(rounds, taught=lambda start: 240)
_judged_before_the_fit = partial(rounds, taught=lambda start: 0)
_newest_fold_always = partial(rounds, judged=lambda start: 200)
_fold_after = partial(rounds, judged=lambda start: start + 40)
_date_after = partial(rounds, judged=lambda start: start + 1)

q6 = Exercise(
    reference=built_in_the_loop,
    mistakes={
        _built_once: "The network is still built once: from the second round on it is judged on "
        "dates that it was fitted to.",
        _oldest_first: "Built in the loop, so no round knows too much. But the scores come in another "
        "order: the newest fold first.",
        _oldest_first_and_built_once: "With the oldest fold first no date is known too early. But the network goes on "
        "from round to round, and has seen the early dates five times. Build it anew, and the order does not matter.",
        _turned_in_the_end: "Visited from the oldest fold on, no date is known too early. But one network goes on from "
        "round to round. Build it anew in each.",
        _fold_in_the_fit: "The fold that judges is in the fit: fit(network, start) ends where it begins.",
        _newest_fold_always: "Every network is judged on the newest fold, from date 200 on. Judge each on the fold "
        "that begins at its own start.",
        _fold_after: "Each network is judged a fold late: the fold of judge(network, start) begins at start.",
        _date_after: "Each network is judged a date late: the first date that it was not fitted to is start.",
        _judged_before_the_fit: "Your networks are judged before they are fitted, or are not fitted at all. Fit first.",
        _fitted_to_the_end: "Each network is new, and fitted to all 240 dates, those that it is judged on among them.",
    },
    calls=networks_that_remember,
    hints=(
        "Which line has to move, so that no round inherits a network?",
        "The one that makes the network: into the loop, before fit.",
    ),
    insight="out_of_sample clones the model in each fold, so that nothing can be carried over.",
)

# Chosen by the test


def chosen_before(panel):
    r, x = panel.returns, panel.characteristics
    before = [information_coefficient(r[:160], x[:160, :, j]).mean() for j in range(10)]
    j = np.argmax(np.abs(before))
    return np.sign(before[j]) * information_coefficient(r[160:], x[160:, :, j]).mean()


_a_test_date_chooses = partial(chosen_with_a_border, before=161, test=160)
_a_test_date_lost = partial(chosen_with_a_border, before=160, test=161)
_judged_on_every_date = partial(chosen_with_a_border, before=160, test=0)
_chosen_by_all_dates = partial(chosen, by=by_all_dates)
_chosen_by_the_test = partial(chosen, by=lambda before, after: np.abs(after).max())
_reports_the_past = partial(chosen, by=lambda before, after: np.abs(before).max())
_sign_by_the_test = partial(chosen, by=lambda before, after: np.abs(after[np.abs(before).argmax()]))
_sign_forgotten = partial(chosen, by=lambda before, after: after[np.abs(before).argmax()])
_times_the_coefficient = partial(chosen, by=by_its_size)
_largest_not_in_size = partial(chosen, by=lambda before, after: after[before.argmax()])

q7 = Exercise(
    reference=chosen_before,
    mistakes={
        _chosen_by_the_test: "The characteristic is still chosen by the dates that it is judged on.",
        _chosen_by_all_dates: "It is chosen by all dates, and the test dates are among them.",
        _a_test_date_chooses: "Date 160 is in the choice. It is the first date of the test: choose by [:160].",
        _a_test_date_lost: "Your test begins a date late: the first date after [:160] is 160.",
        _judged_on_every_date: "The choice is right. But the score holds the dates that chose. Judge on [160:] alone.",
        _times_the_coefficient: "The choice is right. But you multiply with the earlier coefficient itself. Only its "
        "sign is needed: np.sign.",
        _sign_forgotten: "The right characteristic. But one whose coefficient was negative before the test is "
        "used with its sign turned.",
        _largest_not_in_size: "This takes the largest coefficient. Asked for is the largest in SIZE, with its sign.",
        _reports_the_past: "This is the score on the dates that chose it. Choose on the first 160, judge on the "
        "others.",
        _sign_by_the_test: "The characteristic is chosen before the test, but its sign is not: an absolute value knows "
        "the outcome.",
    },
    calls=markets_that_turn,
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
