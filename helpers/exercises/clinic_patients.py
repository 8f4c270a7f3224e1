"""What the exercises of lesson 14 are asked with: networks and markets in which leaks show, and recipes that leak."""

from functools import cache

import numpy as np

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import information_coefficient, predictive_r2, total_r2
from helpers.experiments.clinic import clinic_market
from helpers.models.ipca import InstrumentedPCA
from helpers.panel import Panel


def networks_that_remember():
    """A network that remembers the dates it was fitted to.

    Each of them that it is judged on costs it a thousand, and its score says at which date the judge began.
    """

    def fit(network, start):
        network.extend(range(start))

    def judge(network, start):
        if network is None:
            raise ValueError("judge got None for a network: fit changes the network that it is given, and returns none")
        return len(network) + 7 * start - 1000 * len(set(network) & set(range(start, start + 40)))

    return [(list, fit, judge)]


NEWEST_FIRST, OLDEST_FIRST = (200, 160, 120, 80, 40), (40, 80, 120, 160, 200)


def rounds(make_network, fit, judge, starts=NEWEST_FIRST, anew=True, taught=int, judged=int, turn=False):
    """The scores of the folds, of a network for each or of one for all, with another end of fit or fold."""
    networks = [make_network() for _ in starts] if anew else len(starts) * [make_network()]
    scores = []
    for start, network in zip(starts, networks, strict=True):
        fit(network, taught(start))
        scores.append(judge(network, judged(start)))
    return scores[::-1] if turn else scores


@cache
def markets_that_turn():
    """Panels to choose a characteristic from. The last is told below.

    In the first two one characteristic ranks returns before date 160, a second more weakly, a third only after it.
    Whoever chooses by dates before 160, by whatever score, finds the first; whoever looks at the test the third.
    """
    panels = []
    for seed, sign in ((3, -1.0), (4, 1.0)):
        panel = simulate_market("linear", 240, 100, 10, seed=seed, premium=0.0).panel
        x, after = panel.characteristics, (np.arange(240) >= 160)[:, None]
        worked = np.where(after, -0.2, 1.0) * sign * x[:, :, 3] - 0.3 * sign * x[:, :, 5]
        noise = np.random.default_rng(seed).standard_normal((240, 100))
        panels.append((Panel(returns=0.05 * (worked + after * 4.0 * x[:, :, 6] + noise), characteristics=x),))
    return [*panels, (_market_of_a_first_test_date(),)]


def _market_of_a_first_test_date(seed=37):
    """A market in which the first date of the test, 160, turns the choice: it moves a close second to the top.

    Six early dates speak for the first and the second. On all others the noise is orthogonal to all characteristics,
    so that mean, median, t value, slope and correlation of the dates before 160 choose the same one.
    """
    x = simulate_market("linear", 240, 100, 10, seed=seed, premium=0.0).panel.characteristics
    noise = np.random.default_rng(seed).standard_normal((240, 100))
    for d in range(240):
        design = np.column_stack([x[d], np.ones(100)])
        noise[d] -= design @ np.linalg.lstsq(design, noise[d], rcond=None)[0]
    first, second, r = x[:, :, 3], x[:, :, 5], noise.copy()
    r[100:106] = (1.04 * first - 0.88 * second + 0.6 * noise)[100:106]
    r[160] = (-first - second + 0.3 * noise)[160]
    r[161:] = (0.3 * second - 0.2 * first + noise)[161:]
    return Panel(returns=0.05 * r, characteristics=x)


def scored_with_gaps(seed, in_fit=-2.0, in_score=-2.0, in_x=-2.0, gaps=True, fit=slice(160), constant=1.0):
    """The score where gaps become these numbers; NaN leaves a return out, and None leaves it as it was."""
    panel, random = clinic_market(seed), np.random.default_rng(seed)
    d, enters = np.arange(240)[:, None], random.integers(0, 240, 100)
    there = (enters <= d) & (d < enters + random.integers(40, 200, 100)) | (not gaps)
    x = np.where(there[:, :, None], panel.characteristics, in_x)
    design = np.concatenate([x, np.full((240, 100, 1), constant)], axis=2)
    r = np.where(there, panel.returns, in_fit)[fit]
    known = ~np.isnan(r)
    b, *_ = np.linalg.lstsq(design[fit][known], r[known], rcond=None)
    if in_score is None:
        there, x = np.full(there.shape, True), panel.characteristics
        design = np.concatenate([x, np.full((240, 100, 1), constant)], axis=2)
    return np.nanmean(information_coefficient(np.where(there, panel.returns, in_score)[160:], design[160:] @ b))


def scored_by_ranks(
    seed, ranks, fit=slice(160), own=False, slope_of=None, score=predictive_r2, judged=slice(160, None)
):
    """The score of the ranks of prices that `ranks` makes, with a slope of these dates."""
    r = clinic_market(seed).returns
    rank = ranks(np.cumsum(r, axis=0) - (0 if own else r))
    line = np.poly1d(np.polyfit(rank[fit].ravel(), r[fit].ravel(), 1) if slope_of is None else slope_of(rank, r))
    return float(np.nanmean(score(r[judged], line(rank[judged]))))


def slope_reversed(rank, r):
    """The line of the ranks on the returns, before date 160."""
    return np.polyfit(r[:160].ravel(), rank[:160].ravel(), 1)


def slope_through_zero(rank, r):
    """The slope of a line without an intercept, before date 160."""
    return [(rank[:160] * r[:160]).sum() / (rank[:160] ** 2).sum(), 0.0]


def predicted_with(seed, expected, taught=160, last=172):
    """The score of β · λ, with λ made by `expected` of the factors of all dates up to the last, (last, 3)."""
    panel = clinic_market(seed)
    period = panel[160:last]
    model = InstrumentedPCA(3).fit(panel[:taught])
    lam = np.broadcast_to(expected(np.asarray(model.factors(panel[:last]))), (last - 160, 3))
    return predictive_r2(period.returns, np.einsum("dsk,dk->ds", model.betas(period), lam))


def mean_before(f):
    """For each date from 160 on the mean of all factors before it."""
    return (np.cumsum(f, axis=0) / np.arange(1, len(f) + 1)[:, None])[159:-1]


def mean_of_the_period_before(f):
    """The same, of the period's own dates before it; zero at the first."""
    own = f[160:]
    return np.vstack([np.zeros(3), (np.cumsum(own, axis=0) / np.arange(1, len(own) + 1)[:, None])[:-1]])


@cache
def files_in_no_order():
    """Two markets as long frames whose rows stand in no order."""
    return [(clinic_market(seed).to_frame().sample(frac=1, random_state=seed),) for seed in (0, 1)]


def explained_by_reshaping(frame, unstacked=True, **how):
    """The total R² where a file in no order, or sorted so, is reshaped as if it were in order."""
    frame = frame.sort_index(**how) if how else frame
    x = frame.drop(columns="returns").to_numpy().reshape(240, 100, 10)
    r = frame["returns"].unstack("ticker") if unstacked else frame["returns"].to_numpy().reshape(240, 100)
    panel = Panel(returns=np.asarray(r), characteristics=x)
    model = InstrumentedPCA(3).fit(panel[:160])
    return total_r2(panel.returns[160:], model.reconstruct(panel[160:]))


def explained(frame, taught=slice(160), judged=slice(160, None)):
    """The total R² of rows that are where they belong, with these dates to teach and to judge."""
    panel = Panel.from_frame(frame)
    return total_r2(panel.returns[judged], InstrumentedPCA(3).fit(panel[taught]).reconstruct(panel[judged]))


def predicted(frame):
    """The predictive R² instead."""
    panel = Panel.from_frame(frame)
    return predictive_r2(panel.returns[160:], InstrumentedPCA(3).fit(panel[:160]).predict(panel[160:], panel[:160]))


def lam_by(every, refit, of):
    """λ of the dates from 1 on, each made by `of` of date, network and all that the networks say."""
    return np.stack([of(d, refit[d], every) for d in range(1, len(refit))])


def of_own_dates(d, m, every):
    """The mean over the dates before d at which network m was in use; over all dates before, where there were none."""
    own = np.flatnonzero(np.arange(d) // 5 % 6 == m)
    return every[m, own if len(own) else np.arange(d)].mean(axis=0)


def chosen(panel, by):
    """What `by` makes of the ten characteristics' mean coefficients before the test and in it."""
    every = [information_coefficient(panel.returns, panel.characteristics[:, :, j]) for j in range(10)]
    return by(np.mean([ic[:160] for ic in every], axis=1), np.mean([ic[160:] for ic in every], axis=1))


def chosen_with_a_border(panel, before, test):
    """The right way with another end of the dates that choose, or another beginning of those that judge."""
    every = [information_coefficient(panel.returns, panel.characteristics[:, :, j]) for j in range(10)]
    chosen_by = np.array([ic[:before].mean() for ic in every])
    j = np.abs(chosen_by).argmax()
    return np.sign(chosen_by[j]) * every[j][test:].mean()


def by_all_dates(before, after):
    """The score of the characteristic, and with the sign, that all dates choose."""
    every = 160 * before + 80 * after
    j = np.abs(every).argmax()
    return np.sign(every[j]) * after[j]


def by_its_size(before, after):
    """The score times the coefficient before, where its sign is meant."""
    j = np.abs(before).argmax()
    return before[j] * after[j]
