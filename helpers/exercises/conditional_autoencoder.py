"""Exercises of lesson 09: the conditional autoencoder."""

from functools import cache

import numpy as np
import pandas as pd

from helpers.data.simulated import simulate_market
from helpers.exercises.checker import Exercise, Open


@cache
def _given():
    return {"market": simulate_market("nonlinear", n_dates=600, n_tickers=200, n_characteristics=10, seed=0)}


def _returns_with_gaps():
    random = np.random.default_rng(0)
    calls = []
    for share in (0.05, 0.3):
        returns = random.normal(0.01, 0.1, (30, 8))
        returns[random.random(returns.shape) < share] = np.nan
        returns[0], returns[:, 0] = 0.02, random.normal(0.01, 0.1, 30)  # one date and one ticker are complete
        calls.append((returns, random.normal(0.01, 0.05, returns.shape)))
    return calls


def _batches():
    random = np.random.default_rng(1)
    scale = [1.0, 1.0, 0.02]  # the last unit hardly moves: beside its variance 0.001 counts
    return [
        (random.exponential([1.0, *scale], (9, 4)), np.array([3, 1, 1, 7, 3, 0, 3, 5, 1])),
        (random.exponential(scale, (5, 3)), np.array([4, 2, 9, 0, 6])),
    ]


def _shuffled_frames():
    calls = []
    for seed, n_dates, n_tickers, n_characteristics in ((2, 3, 4, 2), (3, 4, 3, 3)):
        tickers = [f"S{s}" for s in range(n_tickers)]
        index = pd.MultiIndex.from_product([range(n_dates), tickers], names=["date", "ticker"])
        values = np.random.default_rng(seed).uniform(-1, 1, (len(index), n_characteristics))
        frame = pd.DataFrame(values, index, [f"c{j + 1}" for j in range(n_characteristics)])
        calls.append((frame.sample(frac=1, random_state=seed), n_tickers, n_characteristics))
    return calls


# Exercise 1: find the mistake, ReLU on the output


def share_out_of_reach(market):
    squares = market.betas**2
    return squares[market.betas < 0].sum() / squares.sum()


def _negative(betas):
    return (betas[betas < 0] ** 2).sum() / (betas**2).sum()


def _by_the_network_by_hand(market):
    draw = np.random.default_rng(0).normal
    W_1, W_2 = draw(size=(10, 32)), draw(size=(32, 3))
    return _negative(np.maximum(market.panel.characteristics @ W_1, 0) @ W_2)


q1 = Exercise(
    reference=share_out_of_reach,
    mistakes={
        lambda market: (market.betas < 0).mean(): "This is the share of their number. Asked for is that of their "
        "squares: a large sensitivity weighs more.",
        lambda market: _negative(-market.betas): "These are the positive ones. A ReLU can give those.",
        lambda market: (market.betas > 0).mean(): "This is the share of the number, and of the positive ones. A ReLU "
        "can give those. And take squares.",
        lambda market: -market.betas[market.betas < 0].sum() / np.abs(market.betas).sum(): "These are absolute values. "
        "Square each sensitivity.",
        lambda market: (market.betas**2)[market.betas < 0].sum(): "This is the sum above the line. Divide it by the "
        "sum of all squares.",
        lambda market: (market.betas**2)[market.betas < 0].mean(): "This is a mean of squares. Asked for is a sum of "
        "squares, as a share of all.",
        lambda market: (
            (market.betas[market.betas < 0] ** 2).mean() / (market.betas**2).mean()
        ): "You divided two means, and each has another number of terms. Divide the sums.",
        lambda market: _negative(market.betas[:, :, 1:]): "These are factors 2 and 3 alone. The first factor counts "
        "too, although none of its sensitivities is negative.",
        lambda market: _negative(market.betas[:1]): "This is the first date alone. Take all dates.",
        lambda market: _negative(market.betas[-1:]): "This is the last date alone. Take all dates.",
        lambda market: _negative(market.panel.returns): "These are the returns. The output of the Beta network are "
        "sensitivities: market.betas.",
        lambda market: _negative(market.panel.characteristics): "One half. Is it the share of the characteristics, or "
        "a guess by symmetry? Count market.betas: factor 1 is never negative.",
        lambda market: _negative(market.betas[..., 0]): "Nothing. Is factor 1 counted alone, or only tickers with all "
        "three below 0? Factor 1 is never negative. Count all three, each by itself.",
        lambda market: np.mean(
            [_negative(market.betas[..., k]) for k in range(3)]
        ): "This is the mean of three shares, one for each factor. Take one share, of all squares together.",
        _by_the_network_by_hand: "These are sensitivities of beta_by_hand, whose weights are drawn at random. The "
        "true ones are market.betas.",
        lambda market: (
            (market.betas < 0).any(axis=2).mean()
        ): "This is how often a ticker has at least one of its three "
        "sensitivities below 0. Each counts by itself, with its square.",
    },
    given=_given,
    hints=(
        "Which numbers can a ReLU never give out?",
        "market.betas holds them all, (n_dates, n_tickers, n_factors). Square it: where is it below 0, and what do the "
        "squares there add up to, beside all of them?",
    ),
    insight="Two fifths, and a third of their number: half of factor 2, half of factor 3. A sensitivity must be free "
    "to be negative, so the ReLU belongs on the hidden layer and the output is linear. (With ReLU on the output the "
    "network would need two factors for one, F and −F.)",
)

# Exercise 2: what does one more cost?


def cost(n_tickers, n_chars, hidden_units, n_factors):
    ticker, characteristic = n_factors, hidden_units
    hidden_unit = n_chars + 1 + n_factors
    factor = (hidden_units + 1) + (n_tickers + 1)
    return [ticker, characteristic, hidden_unit, factor]


def _a_network_for_each_ticker(n_tickers, n_chars, hidden_units, n_factors):
    of_a_ticker = (n_chars + 1) * hidden_units + (hidden_units + 1) * n_factors
    _, *others = cost(n_tickers, n_chars, hidden_units, n_factors)
    return [of_a_ticker + n_factors, *others]


def _instead(place, number):
    def counted(*sizes):
        return [number(*sizes) if k == place else right for k, right in enumerate(cost(*sizes))]

    return counted


def _miscounted(place, by):
    return _instead(place, lambda *sizes: cost(*sizes)[place] + by)


q2 = Exercise(
    reference=cost,
    mistakes={
        lambda N, J, H, K: [K, H, J + K, H + N]: "The biases are missing: a new unit or a new factor brings one of its "
        "own in each layer that gives it out.",
        lambda N, J, H, K: [0, H, J + 1 + K, H + 1]: "This is the Beta network. The Factor network has weights, too: "
        "one for each ticker and factor.",
        _a_network_for_each_ticker: "The Beta network serves all tickers with the same weights. A new ticker costs it "
        "nothing.",
        lambda N, J, H, K: [K + 1, H + 1, J + K + 1, H + N]: "You counted a bias for each input. A layer has one for "
        "each number that it gives out.",
        _instead(0, lambda N, J, H, K: 0): "A new ticker costs nothing in the Beta network. But the Factor network "
        "reads its return.",
        _instead(0, lambda N, J, H, K: K + J * H): "The characteristics of a new ticker meet weights that are there "
        "already: one set serves all. Its return, in the Factor network, needs new ones.",
        _instead(0, lambda N, J, H, K: J * K): "The new ticker enters the Factor network with one number, its return. "
        "Its characteristics meet weights that are there already.",
        _instead(1, lambda N, J, H, K: K): "A new characteristic does not lead to the factors at once: the hidden "
        "layer stands between.",
        _instead(1, lambda N, J, H, K: H * K): "A new characteristic leads to each hidden unit. What leads on from "
        "there is there already.",
        _instead(1, lambda N, J, H, K: N * H): "One set of weights serves all tickers, so it does not count them.",
        _instead(2, lambda N, J, H, K: J + 1): "A hidden unit has weights in, from each characteristic, and weights "
        "out, to each factor.",
        _instead(2, lambda N, J, H, K: J): "These are a hidden unit's weights in. It has a bias, and weights out, too.",
        _instead(3, lambda N, J, H, K: H + 1): "A factor is an output of both networks, and has weights in each.",
        _instead(3, lambda N, J, H, K: N + 1): "This is the new factor in the Factor network. It has a sensitivity, "
        "too: weights in the Beta network.",
        _miscounted(2, -1): "The bias of the new hidden unit is missing.",
        _miscounted(2, 1): "You counted two biases for the new hidden unit. It has one; those of the factors are there "
        "already.",
        _miscounted(
            3, -1
        ): "A new factor is an output of both networks, and has a bias in each: one of them is missing.",
        _miscounted(3, 1): "You counted three biases for the new factor. There is one in each of the two networks.",
        _miscounted(3, -2): "Both biases of the new factor are missing, one in each network.",
        _miscounted(1, 1): "A new characteristic brings weights only. A bias belongs to what a layer gives out.",
        _miscounted(0, 1): "A new ticker brings weights only, in the Factor network. A bias belongs to what a layer "
        "gives out.",
    },
    calls=lambda: [(200, 10, 32, 3), (50, 4, 8, 2), (6000, 94, 32, 5)],
    hints=(
        "Draw the two networks. Where does one more ticker, characteristic, unit or factor appear, and what leads to "
        "it and away from it?",
        "A Dense layer from a to b numbers has a times b weights, and a bias for each of the b. The layers are "
        "n_chars to hidden_units, hidden_units to n_factors, and n_tickers to n_factors.",
        "A hidden unit: n_chars weights in, its bias, and n_factors weights out. A factor: a column of both output "
        "layers, with a bias in each.",
    ),
    insight="A ticker costs nothing on the left and K weights on the right, which 6000 tickers would make 6000 K, "
    "and a fixed list. With portfolios in the place of tickers that number falls, and new tickers cost nothing at all.",
)

# Exercise 3: find the mistake, a loss that sees the gaps


def masked_mse(returns, reconstruction):
    known = ~np.isnan(returns)
    return ((returns - reconstruction)[known] ** 2).mean()


q3 = Exercise(
    reference=masked_mse,
    mistakes={
        lambda r, h: ((np.nan_to_num(r, nan=-2) - h) ** 2).mean(): "The gaps still hold −2, a loss of 200 %. The "
        "network would be trained to say who is missing.",
        lambda r, h: ((np.nan_to_num(r) - h) ** 2).mean(): "The gaps hold 0 now. That is a return too, and the network "
        "would be trained to say 0 for who is missing.",
        lambda r, h: ((np.nan_to_num(r, nan=np.nanmean(r)) - h) ** 2).mean(): "The gaps hold the mean return now. That "
        "is a return too, and the network would be trained to say it for who is missing.",
        lambda r, h: np.nan_to_num((r - h) ** 2).mean(): "The sum is right: gaps add nothing. But you divided by all "
        "cells. Divide by the number of known ones.",
        lambda r, h: np.nanmean(r - h): "The errors are not squared, so they cancel: a model that is far off on both "
        "sides would score 0.",
        lambda r, h: ((r - h)[~np.isnan(r).any(axis=1)] ** 2).mean(): "You left out each date with a gap, and with it "
        "returns that are known. Leave out the missing cells alone.",
        lambda r, h: (
            (r - h)[:, ~np.isnan(r).any(axis=0)] ** 2
        ).mean(): "You left out each ticker with a gap, and with "
        "it returns that are known. Leave out the missing cells alone.",
        lambda r, h: np.nanmean((r - h) ** 2, axis=1).mean(): "You took the mean of each date first, then the mean of "
        "those. A return on a date with many gaps then weighs more than another.",
        lambda r, h: np.sqrt(masked_mse(r, h)): "This is the root of the mean squared error.",
        lambda r, h: np.nansum((r - h) ** 2): "This is the sum. The mean is asked for.",
        lambda r, h: np.nansum((r - h) ** 2) / len(r): "You divided the sum by the number of dates. Divide by the "
        "number of known returns.",
        lambda r, h: np.nanmean(np.abs(r - h)): "These are absolute errors. Square them.",
        lambda r, h: np.nanmean(r - h) ** 2: "The mean was taken first and squared then, so that errors cancel. Square "
        "each, then take the mean.",
        lambda r, h: np.nanvar(r - h): "This is the variance of the errors: their mean is taken out. A model that is "
        "always too high would not be blamed for it.",
        lambda r, h: np.nanmean((r - h) ** 2, axis=0).mean(): "You took the mean of each ticker first. A return of a "
        "ticker with many gaps then weighs more than another.",
    },
    calls=_returns_with_gaps,
    hints=(
        "What is known of a missing return? Then what can the model be blamed for?",
        "A mask says where a return is known. Take the squared errors there alone, and their mean.",
    ),
    insight="A gap is no return: it must neither reward nor punish. Mask the loss (or, as ConditionalAutoencoder "
    "does, draw the batches from the known returns alone). Missing characteristics may be filled, with the middle "
    "rank for example; targets never.",
)

# Exercise 4: find the mistake, groups of one


def normalise(hidden, dates):
    return (hidden - hidden.mean(axis=0)) / np.sqrt(hidden.var(axis=0) + 0.001)


def _date_by_date(hidden, dates):
    out = np.empty(hidden.shape)
    for d in np.unique(dates):
        group = hidden[dates == d]
        out[dates == d] = (group - group.mean(axis=0)) / np.sqrt(group.var(axis=0) + 0.001)
    return out


def _variance_of_the_date(hidden, dates):
    variances = np.array([hidden[dates == d].var(axis=0) for d in dates])
    return (hidden - hidden.mean(axis=0)) / np.sqrt(variances + 0.001)


def _dates_of_one_left_alone(hidden, dates):
    once = np.array([np.sum(dates == d) == 1 for d in dates])
    return np.where(once[:, None], hidden, _date_by_date(hidden, dates))


q4 = Exercise(
    reference=normalise,
    mistakes={
        _date_by_date: "This is still done date by date. Look at a date that occurs once: what is left of its row?",
        _dates_of_one_left_alone: "Rows of a date that occurs once are now left as they were: they are not normalised "
        "at all. And the others still go date by date. Is the date needed here?",
        lambda h, dates: (
            (h - h.mean(axis=0)) / h.std(axis=0)
        ): "The 0.001 under the root is missing. A unit that hardly moves would be blown up without it.",
        lambda h, dates: normalise(h.T, dates).T: "You normalised each row across its units. Here each unit is "
        "normalised across the rows: axis 0.",
        lambda h, dates: (h - h.mean()) / np.sqrt(h.var() + 0.001): "You took one mean and one variance for all units. "
        "Each unit has its own.",
        lambda h, dates: (h - h.mean(axis=0)) / (h.var(axis=0) + 0.001): "You divided by the variance. The root is "
        "missing.",
        lambda h, dates: (
            (h - h.mean(axis=0)) / (h.std(axis=0) + 0.001)
        ): "The 0.001 stands beside the root. It is added to the variance, under the root.",
        lambda h, dates: h / np.sqrt(h.var(axis=0) + 0.001): "The mean of each unit was not taken out.",
        lambda h, dates: h - h.mean(axis=0) / np.sqrt(h.var(axis=0) + 0.001): "Only the mean is divided by the root: "
        "brackets are missing around what stands above the line.",
        lambda h, dates: h - h.mean(axis=0): "The means are taken out. Now divide by √(variance + 0.001).",
        lambda h, dates: (h - h.mean(axis=0)) / np.sqrt(h.var(axis=0, ddof=1) + 0.001): "The variance was divided by "
        "n - 1. Batch normalisation divides by n.",
        _variance_of_the_date: "The mean is that of the batch, and the variance still that of the date: in a group of "
        "one it is 0. Take both from the batch.",
    },
    calls=_batches,
    hints=(
        "What is the mean of a group of one? And what is the group, less its mean?",
        "Forget the dates: for each unit the mean and the variance over all rows, axis=0.",
    ),
    insight="A group of one is its own mean: all its hidden values become 0, so its β is the same "
    "whatever its characteristics are. Normalise the whole batch first and split it by date afterwards, "
    "when the factors are needed.",
)

# Exercise 5: which rows belong together?


def rows(n_dates):
    earlier, later = range(n_dates - 1), range(1, n_dates)
    return [earlier, later, later]


q5 = Exercise(
    reference=rows,
    mistakes={
        lambda n: [range(n - 1), range(n - 1), range(1, n)]: "This is the public notebook: the Factor network reads r "
        "of date d, and the target is r of d + 1. In the paper the factors are made of the returns that they explain.",
        lambda n: [range(n)] * 3: "All three lists are the same. But characteristics of the end of date d know the "
        "return of date d already: the paper takes those of the date before. And then one date has no partner.",
        lambda n: [range(1, n)] * 3: "The two lists of returns are right. The characteristics are not: at the end of "
        "date d they know the return of date d already.",
        lambda n: [range(n - 1)] * 3: "The characteristics of the end of date d know the return of date d already. The "
        "paper takes those of the date before.",
        lambda n: [
            [row + 1 for row in column] for column in rows(n)
        ]: "The order is right. But rows are counted from 0 in Python.",
        lambda n: [range(n - 2), range(1, n - 1), range(2, n)]: "The characteristics come before the returns of the "
        "Factor network, as they should. But the target is one row later still: that would predict, and the paper "
        "explains.",
        lambda n: [range(1, n), range(n - 1), range(n - 1)]: "These characteristics are known only after the return "
        "that they are to explain. It is the other way around: first the characteristics, then the return.",
        lambda n: [range(n - 1), range(1, n), range(n - 1)]: "The target is the row before that of the Factor network. "
        "The paper explains the returns of the very date.",
        lambda n: [range(n - 2), range(1, n - 1), range(1, n - 1)]: "The order is right, and the last date is missing: "
        "it has a partner, too.",
        lambda n: [range(n - 2), range(2, n), range(2, n)]: "The characteristics are two rows earlier. Those of the "
        "end of the date before are the newest that are known.",
    },
    calls=lambda: [(4,), (9,)],
    hints=(
        "First the characteristics are known, then a return is earned. So which of the three "
        "lists begins one row earlier?",
        "The paper explains r of date d by the factors of date d. So the Factor network reads "
        "the row that is the target.",
    ),
    insight="C one row earlier, and the same returns as input and as target. In our Panel the shift is made "
    "beforehand: row d of its characteristics is known before the return of row d is earned, so all three rows are d.",
)

# Exercise 6: find the mistake, reshape beside unstack


def by_date(data, n_tickers, n_characteristics):
    return data.sort_index().values.reshape(-1, n_tickers, n_characteristics)


q6 = Exercise(
    reference=by_date,
    mistakes={
        lambda data, n, J: data.values.reshape(
            -1, n, J
        ): "This is the notebook's own line: it trusts that the rows come sorted, and here they don't.",
        lambda data, *sizes: data.sort_index(level="date", sort_remaining=False, kind="stable").values.reshape(
            -1, *sizes
        ): "The dates are in order now. Within a date the tickers are still as they came.",
        lambda data, n, J: data.swaplevel().sort_index().values.reshape(-1, n, J): "Sorted by ticker first, one block "
        "of rows is a ticker with all its dates. A block must be a date with all its tickers.",
        lambda data, n, J: data.unstack("ticker").values.reshape(
            -1, n, J
        ): "After unstack a row holds c1 of all tickers, then c2 of all tickers. reshape cuts it as if the "
        "characteristics of a ticker stood together.",
        lambda data, n, J: (
            data.sort_index().values.reshape(n, -1, J).swapaxes(0, 1)
        ): "The rows are sorted by date, and you cut them as if each block were a ticker. Cut them into dates.",
        lambda data, *sizes: data.sort_index().to_numpy(): "The rows are in order now, and it is still one "
        "table. Cut it with reshape: dates, tickers, characteristics.",
    },
    calls=_shuffled_frames,
    hints=(
        "In which order must the rows be, so that reshape cuts them into dates, and each date into tickers?",
        "data.sort_index() sorts by the first level of the index, then by the second.",
    ),
    insight="Sorted by (date, ticker), with every ticker at every date, reshape and unstack agree. When a row is "
    "missing they do not, and the shape may even fit. Panel.from_frame goes by the labels, and needs neither.",
)

# Exercise 7: open

q7 = Open(
    look_for="Which line became a loop, and does each hidden layer have its own batch normalisation? Is the output "
    "still without an activation? Count the new weights by hand before draw_network does: 32 x 16 + 16, and four for "
    "each new unit. And does the side of the Factor network change at all?",
    hints=(
        "hidden_units becomes a sequence. A loop over it makes Dense and BatchNormalization, each reading the last.",
        "Layers need names of their own, such as f'hidden_layer_{k}'. draw_network counts the weights of each.",
    ),
)
