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
        return len(network) + 7 * start - 1000 * len(set(network) & set(range(start, start + 40)))

    return [(list, fit, judge)]


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


def scored_with_gaps(seed, in_fit=-2.0, in_score=-2.0, gaps=True, fit=slice(160)):
    """The score where gaps in returns become these numbers; NaN leaves them out."""
    panel, random = clinic_market(seed), np.random.default_rng(seed)
    d, enters = np.arange(240)[:, None], random.integers(0, 240, 100)
    there = (enters <= d) & (d < enters + random.integers(40, 200, 100)) | (not gaps)
    x = np.where(there[:, :, None], panel.characteristics, -2)
    design = np.concatenate([x, np.ones((240, 100, 1))], axis=2)
    r = np.where(there, panel.returns, in_fit)[fit]
    known = ~np.isnan(r)
    b, *_ = np.linalg.lstsq(design[fit][known], r[known], rcond=None)
    return np.nanmean(information_coefficient(np.where(there, panel.returns, in_score)[160:], design[160:] @ b))


def scored_by_ranks(seed, ranks, fit=slice(160), own=False):
    """The score of the ranks of prices that `ranks` makes, with a slope of these dates."""
    r = clinic_market(seed).returns
    rank = ranks(np.cumsum(r, axis=0) - (0 if own else r))
    slope = np.polyfit(rank[fit].ravel(), r[fit].ravel(), 1)
    return information_coefficient(r[160:], np.polyval(slope, rank[160:])).mean()


def predicted_with(seed, expected):
    """The score of β · λ, with λ made by `expected` of the factors of all 172 dates, (172, 3)."""
    panel = clinic_market(seed)
    past, period = panel[:160], panel[160:172]
    model = InstrumentedPCA(3).fit(past)
    lam = np.broadcast_to(expected(np.asarray(model.factors(panel[:172]))), (12, 3))
    return predictive_r2(period.returns, np.einsum("dsk,dk->ds", model.betas(period), lam))


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
