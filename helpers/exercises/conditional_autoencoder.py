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
        returns[0] = 0.02  # at least one date is complete
        calls.append((returns, random.normal(0.01, 0.05, returns.shape)))
    return calls


def _batches():
    random = np.random.default_rng(1)
    return [
        (random.exponential(1, (9, 4)), np.array([3, 1, 1, 7, 3, 0, 3, 5, 1])),
        (random.exponential(1, (5, 3)), np.array([4, 2, 9, 0, 6])),
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


def _to_two_decimals(answer, truth):
    """Whether a share is right as one would write it down: a third may be 0.33."""
    return bool(np.abs(answer - truth).max() <= 0.005)


# Exercise 1: find the mistake, ReLU on the output


def share_out_of_reach(market):
    return (market.betas < 0).mean()


def _share_in_reach(market):
    return (market.betas > 0).mean()


def _any_of_the_three(market):
    return (market.betas < 0).any(axis=2).mean()


def _of_two_factors(market):
    return (market.betas[:, :, 1:] < 0).mean()


def _of_the_returns(market):
    return (market.panel.returns < 0).mean()


q1 = Exercise(
    reference=share_out_of_reach,
    mistakes={
        _share_in_reach: "This is the share that is positive. A ReLU can give those.",
        _any_of_the_three: "This is how often a ticker has at least one of its three sensitivities below 0. "
        "Each is asked for by itself.",
        _of_two_factors: "These are factors 2 and 3 alone. The first factor counts too, although none of its "
        "sensitivities is negative.",
        _of_the_returns: "These are the negative returns. The output of the Beta network are "
        "sensitivities: market.betas.",
    },
    given=_given,
    same=_to_two_decimals,
    hints=(
        "Which numbers can a ReLU never give out?",
        "market.betas holds them all, (n_dates, n_tickers, n_factors). Which share of it is below 0?",
    ),
    insight="About a third: half of factor 2, half of factor 3. A sensitivity must be free to be negative, so the "
    "ReLU belongs on the hidden layer and the output is linear. (With ReLU on the output the network would need two "
    "factors for one, F and −F.)",
)

# Exercise 2: what does one more cost?


def cost(n_tickers, n_chars, hidden_units, n_factors):
    ticker, characteristic = n_factors, hidden_units
    hidden_unit = n_chars + 1 + n_factors
    factor = (hidden_units + 1) + (n_tickers + 1)
    return [ticker, characteristic, hidden_unit, factor]


def _without_biases(n_tickers, n_chars, hidden_units, n_factors):
    return [n_factors, hidden_units, n_chars + n_factors, hidden_units + n_tickers]


def _beta_network_alone(n_tickers, n_chars, hidden_units, n_factors):
    return [0, hidden_units, n_chars + 1 + n_factors, hidden_units + 1]


def _a_network_for_each_ticker(n_tickers, n_chars, hidden_units, n_factors):
    of_a_ticker = (n_chars + 1) * hidden_units + (hidden_units + 1) * n_factors
    _, *others = cost(n_tickers, n_chars, hidden_units, n_factors)
    return [of_a_ticker + n_factors, *others]


def _a_bias_for_each_input(n_tickers, n_chars, hidden_units, n_factors):
    return [n_factors + 1, hidden_units + 1, n_chars + n_factors + 1, hidden_units + n_tickers]


def _unit_without_its_way_out(n_tickers, n_chars, hidden_units, n_factors):
    ticker, characteristic, _, factor = cost(n_tickers, n_chars, hidden_units, n_factors)
    return [ticker, characteristic, n_chars + 1, factor]


def _factor_of_the_beta_network_alone(n_tickers, n_chars, hidden_units, n_factors):
    *others, _ = cost(n_tickers, n_chars, hidden_units, n_factors)
    return [*others, hidden_units + 1]


q2 = Exercise(
    reference=cost,
    mistakes={
        _without_biases: "The biases are missing: a new unit or a new factor brings one of its own in each layer that "
        "gives it out.",
        _beta_network_alone: "This is the Beta network. The Factor network has weights, too: one for each ticker and "
        "factor.",
        _a_network_for_each_ticker: "The Beta network serves all tickers with the same weights. A new ticker costs it "
        "nothing.",
        _a_bias_for_each_input: "You counted a bias for each input. A layer has one for each number that it gives out.",
        _unit_without_its_way_out: "A hidden unit has weights in, from each characteristic, and weights out, to each "
        "factor.",
        _factor_of_the_beta_network_alone: "A factor is an output of both networks, and has weights in each.",
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


def _filled_with_minus_two(returns, reconstruction):
    return ((np.nan_to_num(returns, nan=-2) - reconstruction) ** 2).mean()


def _filled_with_zero(returns, reconstruction):
    return ((np.nan_to_num(returns) - reconstruction) ** 2).mean()


def _divided_by_all(returns, reconstruction):
    return np.nan_to_num((returns - reconstruction) ** 2).mean()


def _signed(returns, reconstruction):
    return np.nanmean(returns - reconstruction)


def _complete_dates(returns, reconstruction):
    complete = ~np.isnan(returns).any(axis=1)
    return ((returns - reconstruction)[complete] ** 2).mean()


def _mean_of_dates(returns, reconstruction):
    return np.nanmean((returns - reconstruction) ** 2, axis=1).mean()


def _root(returns, reconstruction):
    return np.sqrt(masked_mse(returns, reconstruction))


q3 = Exercise(
    reference=masked_mse,
    mistakes={
        _filled_with_minus_two: "The gaps still hold −2, a loss of 200 %. The network would be "
        "trained to say who is missing.",
        _filled_with_zero: "The gaps hold 0 now. That is a return too, and the network would be trained to "
        "say 0 for who is missing.",
        _divided_by_all: "The sum is right: gaps add nothing. But you divided by all cells. Divide by "
        "the number of known ones.",
        _signed: "The errors are not squared, so they cancel: a model that is far off on both sides would score 0.",
        _complete_dates: "You left out each date with a gap, and with it returns that are known. Leave out "
        "the missing cells alone.",
        _mean_of_dates: "You took the mean of each date first, then the mean of those. A return on a date with many "
        "gaps then weighs more than another.",
        _root: "This is the root of the mean squared error.",
    },
    calls=_returns_with_gaps,
    hints=(
        "What is known of a missing return? Then what can the model be blamed for?",
        "known = ~np.isnan(returns) is the mask. Take the squared errors where it is True, and their mean.",
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


def _row_by_row(hidden, dates):
    return (hidden - hidden.mean(axis=1, keepdims=True)) / np.sqrt(hidden.var(axis=1, keepdims=True) + 0.001)


def _all_units_together(hidden, dates):
    return (hidden - hidden.mean()) / np.sqrt(hidden.var() + 0.001)


def _by_the_variance(hidden, dates):
    return (hidden - hidden.mean(axis=0)) / (hidden.var(axis=0) + 0.001)


def _dates_of_one_left_alone(hidden, dates):
    once = np.array([np.sum(dates == d) == 1 for d in dates])
    return np.where(once[:, None], hidden, _date_by_date(hidden, dates))


def _without_the_thousandth(hidden, dates):
    return (hidden - hidden.mean(axis=0)) / hidden.std(axis=0)


q4 = Exercise(
    reference=normalise,
    mistakes={
        _date_by_date: "This is still done date by date. Look at a date that occurs once: what is left of its row?",
        _dates_of_one_left_alone: "Rows of a date that occurs once are now left as they were: they are not normalised "
        "at all. And the others still go date by date. Is the date needed here?",
        _without_the_thousandth: "The 0.001 under the root is missing. A unit that hardly moves "
        "would be blown up without it.",
        _row_by_row: "You normalised each row across its units. Here each unit is normalised across the rows: axis 0.",
        _all_units_together: "You took one mean and one variance for all units. Each unit has its own.",
        _by_the_variance: "You divided by the variance. The root is missing.",
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


def _returns_to_next_returns(n_dates):
    return [range(n_dates - 1), range(n_dates - 1), range(1, n_dates)]


def _all_of_one_date(n_dates):
    return [range(n_dates)] * 3


def _all_of_the_later_date(n_dates):
    return [range(1, n_dates)] * 3


def _all_of_the_earlier_date(n_dates):
    return [range(n_dates - 1)] * 3


def _counted_from_one(n_dates):
    return [[row + 1 for row in column] for column in rows(n_dates)]


def _to_next_returns_with_a_lag(n_dates):
    return [range(n_dates - 2), range(1, n_dates - 1), range(2, n_dates)]


def _characteristics_too_late(n_dates):
    return [range(1, n_dates), range(n_dates - 1), range(n_dates - 1)]


q5 = Exercise(
    reference=rows,
    mistakes={
        _returns_to_next_returns: "This is the public notebook: the Factor network reads r of date d, and the target "
        "is r of d + 1. In the paper the factors are made of the returns that they explain.",
        _all_of_one_date: "All three lists are the same. But characteristics of the end of date d know the return of "
        "date d already: the paper takes those of the date before. And then one date has no partner.",
        _all_of_the_later_date: "The two lists of returns are right. The characteristics are not: at the end of date d "
        "they know the return of date d already.",
        _all_of_the_earlier_date: "The characteristics of the end of date d know the return of date d already. The "
        "paper takes those of the date before.",
        _counted_from_one: "The order is right. But rows are counted from 0 in Python.",
        _to_next_returns_with_a_lag: "The characteristics come before the returns of the Factor network, as they "
        "should. But the target is one row later still: that would predict, and the paper explains.",
        _characteristics_too_late: "These characteristics are known only after the return that they are to explain. It "
        "is the other way around: first the characteristics, then the return.",
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


def _as_the_rows_come(data, n_tickers, n_characteristics):
    return data.values.reshape(-1, n_tickers, n_characteristics)


def _sorted_by_date_alone(data, n_tickers, n_characteristics):
    data = data.sort_index(level="date", sort_remaining=False, kind="stable")
    return data.values.reshape(-1, n_tickers, n_characteristics)


def _tickers_first(data, n_tickers, n_characteristics):
    return data.swaplevel().sort_index().values.reshape(-1, n_tickers, n_characteristics)


def _unstacked(data, n_tickers, n_characteristics):
    return data.unstack("ticker").values.reshape(-1, n_tickers, n_characteristics)


q6 = Exercise(
    reference=by_date,
    mistakes={
        _as_the_rows_come: "This is the notebook's own line: it trusts that the rows come sorted, and here they don't.",
        _sorted_by_date_alone: "The dates are in order now. Within a date the tickers are still as they came.",
        _tickers_first: "Sorted by ticker first, one block of rows is a ticker with all its dates. A block must be a "
        "date with all its tickers.",
        _unstacked: "After unstack a row holds c1 of all tickers, then c2 of all tickers. reshape cuts it as if the "
        "characteristics of a ticker stood together.",
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
