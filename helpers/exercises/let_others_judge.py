"""Exercises of lesson 21: scripts that somebody else runs."""

from functools import cache, partial

import numpy as np
import pandas as pd

from helpers.exercises.checker import Choice, Exercise, Open

# Exercise 1: without the future


@cache
def _files():
    """A tiny set of the three tables: five stocks, eight months, the last five with ctff_test, two days a month."""
    random = np.random.default_rng(0)
    ends = pd.date_range("2000-01-31", periods=9, freq="ME")
    ids = np.arange(1, 6)
    chars = pd.DataFrame({"id": np.tile(ids, 8), "eom": np.repeat(ends[:-1], 5), "eom_ret": np.repeat(ends[1:], 5)})
    chars["ret_exc_lead1m"] = random.normal(0.01, 0.05, 40)
    chars["ctff_test"] = chars["eom"] > ends[2]
    chars["size"], chars["value"] = random.standard_normal((2, 40))
    chars["value"] += 3 * np.repeat(np.arange(8.0)[::-1], 5)  # weights by it are largest long before a cut
    days = np.repeat(ends, 2) - pd.to_timedelta(np.tile([9, 2], 9), unit="D")
    daily = pd.DataFrame({"id": np.tile(ids, 18), "date": np.repeat(days, 5), "ret_exc": random.normal(0, 0.02, 90)})
    return chars, pd.DataFrame({"features": ["size", "value"]}), daily, ends


def _weights(chars, w):
    return chars[["id", "eom"]].assign(w=w)[chars["ctff_test"]].reset_index(drop=True)


def _in_another_order(chars, features, daily_ret):
    ranks = chars.groupby("eom")["size"].rank()
    return _weights(chars, ranks - 3).sample(frac=1, random_state=len(chars))


def _scaled_over_the_sample(chars, features, daily_ret):
    return _weights(chars, (chars["size"] - chars["size"].mean()) / chars["size"].std())


def _by_all_days(chars, features, daily_ret):
    return _weights(chars, chars["value"] / daily_ret["ret_exc"].std())


def _by_its_own_return(chars, features, daily_ret):
    return _weights(chars, 20 * chars["ret_exc_lead1m"].fillna(0.0))


def _scripts():
    """What the function is called with: a fair script, and three that look ahead, each in its own way."""
    chars, features, daily, ends = _files()
    return [
        (_in_another_order, chars, features, daily, ends[5]),
        (_scaled_over_the_sample, chars, features, daily, ends[5]),
        (_by_all_days, chars, features, daily, ends[4]),
        (_by_its_own_return, chars, features, daily, ends[5]),
    ]


def moved_by_truncation(main, chars, features, daily_ret, month):
    past = chars[chars["eom"] <= month].copy()
    past.loc[past["eom_ret"] > month, "ret_exc_lead1m"] = np.nan
    whole = main(chars, features, daily_ret)
    cut = main(past, features, daily_ret[daily_ret["date"] <= month])
    both = cut.merge(whole, on=["id", "eom"], suffixes=("_cut", ""))
    return (both["w_cut"] - both["w"]).abs().max()


def _tables(main, chars, features, daily_ret, month, cut_chars=True, cut_days=True, forget=True, keep=np.less_equal):
    """The weights of both runs side by side; each switch leaves out, or does otherwise, a step of the right way."""
    past = chars[keep(chars["eom"], month)].copy() if cut_chars else chars.copy()
    if forget:
        past.loc[past["eom_ret"] > month, "ret_exc_lead1m"] = np.nan
    days = daily_ret[daily_ret["date"] <= month] if cut_days else daily_ret
    whole, cut = main(chars, features, daily_ret), main(past, features, days)
    return cut.merge(whole, on=["id", "eom"], suffixes=("_cut", "")), whole, cut


def _largest(*arguments, **switches):
    both, *_ = _tables(*arguments, **switches)
    return (both["w_cut"] - both["w"]).abs().max()


def _by_position(*arguments):
    _, whole, cut = _tables(*arguments)
    return np.abs(cut["w"].to_numpy() - whole["w"].to_numpy()[: len(cut)]).max()


def _other_measure(*arguments, measure):
    both, *_ = _tables(*arguments)
    return float(measure(both))


def _gone_counted(*arguments):
    _, whole, cut = _tables(*arguments)
    both = cut.merge(whole, on=["id", "eom"], suffixes=("_cut", ""), how="outer").fillna(0.0)
    return (both["w_cut"] - both["w"]).abs().max()


def _last_month_alone(*arguments):
    both, *_ = _tables(*arguments)
    both = both[both["eom"] == arguments[-1]]
    return (both["w_cut"] - both["w"]).abs().max()


def _last_month_left_out(*arguments):
    both, *_ = _tables(*arguments)
    both = both[both["eom"] < arguments[-1]]
    return (both["w_cut"] - both["w"]).abs().max()


_days_kept = partial(_largest, cut_days=False)
_months_kept = partial(_largest, cut_chars=False, forget=False)
_only_forgotten = partial(_largest, cut_chars=False)
_target_kept = partial(_largest, forget=False)
_target_and_days_kept = partial(_largest, forget=False, cut_days=False)
_month_itself_gone = partial(_largest, keep=np.less)
_later_half = partial(_largest, keep=np.greater)
_with_sign = partial(_other_measure, measure=lambda both: (both["w_cut"] - both["w"]).max())
_mean = partial(_other_measure, measure=lambda both: (both["w_cut"] - both["w"]).abs().mean())
_sum = partial(_other_measure, measure=lambda both: (both["w_cut"] - both["w"]).abs().sum())
_squares = partial(_other_measure, measure=lambda both: ((both["w_cut"] - both["w"]) ** 2).max())
_counted = partial(_other_measure, measure=lambda both: (~np.isclose(both["w_cut"], both["w"])).sum())

q1 = Exercise(
    reference=moved_by_truncation,
    mistakes={
        _days_kept: "The months are cut, and daily_ret is not: a script that measures risk over all days goes "
        "undetected. Keep the days up to the month.",
        _months_kept: "The days are cut, and chars is not. Keep the rows whose eom is not after the month.",
        _only_forgotten: "You forget the returns that are not known, and keep the later rows: their characteristics "
        "are the future, too. Keep the rows whose eom is not after the month.",
        _target_kept: "The rows of the last month still hold their own ret_exc_lead1m, the return of the month after. "
        "At its end nobody knows it: make it NaN where eom_ret is after the month.",
        _target_and_days_kept: "Later months are gone. Two things of the future are left: the days after the month, "
        "and the ret_exc_lead1m of rows whose eom_ret is after it.",
        _month_itself_gone: "The month itself is gone from your cut file (a cut by eom_ret does that, too). Its "
        "characteristics are known at its end: keep eom <= month.",
        _later_half: "You kept the months after the cut. Keep those up to it.",
        _by_position: "You compare the two tables row by row. A script may give its rows in any order: bring them "
        "together by id and eom.",
        _gone_counted: "You count rows that the cut file can't have as weights of 0. Compare the rows that both have.",
        _last_month_alone: "You compare the last month alone. A weight of any month up to the cut must stay.",
        _last_month_left_out: "You compare the months before the cut. The weights of the month itself must stay, too: "
        "there a script is found that uses its own target.",
        _with_sign: "A weight may move down as well as up: take absolute values before the largest.",
        _mean: "This is the mean change. One weight that moves is enough: take the largest.",
        _sum: "This is the sum of the changes. Take the largest.",
        _squares: "This is the largest square. Take the largest absolute change.",
        _counted: "This counts the weights that moved. Asked for is the largest absolute change.",
    },
    calls=_scripts,
    hints=(
        "Run main twice: on the files as they are, and on files as they were at the end of the month. What is in them?",
        "chars up to the month by eom, daily_ret up to it by date; and where eom_ret is after it, ret_exc_lead1m is "
        "not known: .loc[..., 'ret_exc_lead1m'] = np.nan on a copy.",
        "cut.merge(whole, on=['id', 'eom'], suffixes=('_cut', '')) has both weights of each row side by side.",
    ),
    insight="It needs no look at the code of the script: whatever uses the future moves when the future is gone.",
)

# Exercise 2: what is known


@cache
def _pays():
    random = np.random.default_rng(1)
    calls = []
    for n_months, names in ((150, ["a", "b"]), (200, ["a", "b", "c"])):
        months = pd.date_range("1990-01-31", periods=n_months, freq="ME")
        calls.append((pd.DataFrame(random.normal(0.01, 0.03, (n_months, len(names))), months, names),))
    return calls


def known(paid):
    return paid.rolling(120, min_periods=24).mean().shift(1).fillna(0)


def _rolled(paid, window=120, fewest=24, by=1, how="mean", **more):
    rolled = paid.rolling(window, min_periods=fewest, **more)
    return getattr(rolled, how)().shift(by).fillna(0)


def _of_all(paid):
    return paid * 0 + paid.mean()


def _by_calendar_month(paid):
    return paid.groupby(paid.index.month).transform("mean")


def _since_the_beginning(paid, by=1, fewest=24):
    return paid.expanding(min_periods=fewest).mean().shift(by).fillna(0)


def _same_month_before(paid):
    return paid.groupby(paid.index.month).transform(lambda one: one.expanding().mean().shift(1)).fillna(0)


def _filled_from_later(paid):
    return paid.rolling(120, min_periods=24).mean().shift(1).bfill()


def _one_mean_for_all(paid):
    each = known(paid).mean(axis=1).to_numpy()[:, None]
    return paid * 0 + each


_with_its_own = partial(_rolled, by=0)
_year_with_its_own = partial(_rolled, window=12, fewest=12, by=0)
_forward = partial(_rolled, by=-1)
_too_late = partial(_rolled, by=2)
_centred = partial(_rolled, center=True, by=0)
_a_year = partial(_rolled, window=12, fewest=12)
_full_windows_alone = partial(_rolled, fewest=120)
_at_once = partial(_rolled, fewest=1)
_added = partial(_rolled, how="sum")
_middle = partial(_rolled, how="median")
_one_too_few = partial(_rolled, window=119)
_beginning_with_its_own = partial(_since_the_beginning, by=0)

q2 = Exercise(
    reference=known,
    mistakes={
        _with_its_own: "The row of a month is in its own mean. What it paid is known a month later: shift(1).",
        _year_with_its_own: "This is the script as it was: twelve months, the month's own among them.",
        _of_all: "This is the mean of all months, later ones among them.",
        _by_calendar_month: "This is the seasonal script as it was: the mean over all Januaries, later ones among "
        "them. Take the 120 months before, whatever they are called.",
        _same_month_before: "Nothing of the future is left. But these are means of the same calendar month alone: take "
        "all of the 120 months before.",
        _forward: "shift(-1) brings what comes later to a month. shift(1) brings what was before.",
        _too_late: "No leak is left, but a month that is known is missing: shift(1) is enough.",
        _centred: "Half of a window around the month lies after it.",
        _a_year: "No leak is left. But these are the last 12 months, and 120 are asked for.",
        _full_windows_alone: "No leak is left. But with 24 months or more behind it, a month has a mean: "
        "min_periods=24.",
        _at_once: "No leak is left. But with fewer than 24 months behind it, a month gets 0: min_periods=24.",
        _added: "This is a sum. Take the mean.",
        _middle: "This is the median. Take the mean.",
        _one_too_few: "Your window has 119 months: 120 are asked for.",
        _since_the_beginning: "No leak is left. But your mean begins with the first month: only the last 120 count.",
        _beginning_with_its_own: "Your mean begins with the first month and ends with the month itself. The last 120 "
        "before it are asked for.",
        _filled_from_later: "bfill fills the first months from later ones: that is the future again. Write 0 there.",
        _one_mean_for_all: "You took the mean over the characteristics. Each column keeps its own.",
    },
    calls=_pays,
    hints=(
        "paid of a month is known one month later. Which rows are known at the end of the month of a row?",
        "paid.rolling(120, min_periods=24).mean() ends with the month's own row. shift moves a table down.",
        ".shift(1) after the mean, then .fillna(0).",
    ),
    insight="The shift is the whole repair: one word in the code, and it decides whether the portfolio could be held.",
)

# Exercise 3: a seed is not enough

q3 = Choice(
    right="c",
    advice={
        "a": "Another seed draws other rows. Which row meets which number still hangs on the order in which they come.",
        "b": "Then the order of rows is settled. But a file that is cut lacks the last months of each stock, so that "
        "from the second stock on each row meets another number: the truncation moves all weights.",
        "d": "It shuffles with a seed what came in some order: what comes out hangs on that order as before.",
    },
    hints=(
        "The first row gets the first random number, the second the second. What decides which row is the first?",
        "Two of the answers settle the order. Now cut the last months off: which rows keep their random numbers?",
    ),
    insight="Sorted by month first, a shorter file is the beginning of the longer one, and so are its random numbers.",
)

# Exercise 4: a script of one's own

q4 = Open(
    look_for="Is the idea said in words, and is each number there with its standard error? A Sharpe ratio less than "
    "two standard errors above zero, or a paired difference within two of its own, supports no sentence about who is "
    "better. And the number of ideas that you tried belongs into the sentence, those that failed among them. (Did the "
    "mean of all ranks do well? What pays in this made-up market pays for high ranks. Real files are not so kind.)",
    hints=(
        "known(paid) of the past says with which sign each characteristic paid. Few of them may be enough: which, only "
        "the past may choose.",
        "Risk is in daily_ret: the standard deviation of a stock's days up to a month. Divide by its square.",
        "If a rule is broken, read what the check says: it names the first weight that moved, and what to change.",
    ),
)

# Exercise 5: ten looks

q5 = Choice(
    right="b",
    advice={
        "a": "This standard error is that of a script that was chosen before anybody saw its score. Yours was chosen "
        "by it.",
        "c": "So much luck is in the best of ten WORTHLESS and INDEPENDENT scripts. Ten settings of one model are "
        "neither: how much to take off is not known so exactly.",
        "d": "The organisers ran ten, and so did you. A look does not go away because nobody mentions it.",
    },
    hints=(
        "What would a reader need to know, to judge the 1.1?",
        "All ten were looked at. Which sentence tells of all ten?",
    ),
    insight="The mean of the ten is not chosen by its luck. Who wants one number chooses the setting on data of the "
    "past, by a rule in the script itself, and hands in once.",
)
