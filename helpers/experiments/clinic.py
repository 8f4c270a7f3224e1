"""The leakage clinic: what six widely copied mistakes do to a model's score, and what the right recipe says instead.

    python -m helpers.experiments.clinic                    every case on 40 markets, one process for each core; minutes
    python -m helpers.experiments.clinic --cases "gaps filled" --markets 10 --out mine.csv

Each cell (a case, a recipe, a market) is a row of a CSV file, written as soon as it is known. Stopped at any moment,
the same command goes on where it was. Lesson 14 teaches the cases one by one and shows the stored result.
"""

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.checks import as_choice, as_count, first_few
from helpers.data.ranks import rank_across_tickers
from helpers.data.simulated import simulate_market
from helpers.equation import product
from helpers.evaluation.comparison import compare
from helpers.evaluation.metrics import information_coefficient, predictive_r2
from helpers.evaluation.splitter import WalkForward
from helpers.experiments.cells import in_order, run_cells
from helpers.models.ipca import InstrumentedPCA
from helpers.panel import Panel

RECIPES = ("copied", "right")
N_DATES, N_TICKERS, N_CHARACTERISTICS = 240, 100, 10
PERIOD = 12
ONCE = WalkForward(n_train=160, n_test=80)  # the past, and the dates to be judged on
FIRST_PERIOD = WalkForward(n_train=160, n_test=PERIOD)
VALIDATED = WalkForward(n_train=120, n_validation=40, n_test=80)
FIVE_FOLDS = WalkForward(n_train=40, n_test=40)
N_FOLDS = 5
N_NETWORKS = 6
FIT = {"epochs": 20, "batch_size": 32, "verbose": 0}
STORED = Path(__file__).with_name("clinic.csv")
KEY = ["case", "recipe", "market"]
FOLDS = [f"fold_{k}" for k in range(1, N_FOLDS + 1)]
COLUMNS = [*KEY, "score", *FOLDS]


def clinic_market(market, premium=0.0):
    """The panel of a market with three factors that explain returns; without a premium none can be predicted."""
    return simulate_market("linear", N_DATES, N_TICKERS, N_CHARACTERISTICS, seed=market, premium=premium).panel


def gaps_filled(market, right):
    """The information coefficient where tickers come and go, and gaps become -2 in characteristics AND returns.

    The right recipe leaves gaps out: of the fit, and of the score.
    """
    panel, random = clinic_market(market), np.random.default_rng(market)
    enters = random.integers(0, N_DATES, N_TICKERS)
    leaves = enters + random.integers(40, 200, N_TICKERS)
    d = np.arange(N_DATES)[:, None]
    there = (enters <= d) & (d < leaves)
    missing = np.nan if right else -2.0
    x = np.where(there[:, :, None], panel.characteristics, missing)
    r = np.where(there, panel.returns, missing)
    return _coefficient(x, r)


def ranks_over_time(market, right):
    """The information coefficient of each ticker's price, as a rank among all its own prices, later ones included.

    A price that is high among all is higher than most that follow. The right recipe ranks across the tickers of a date.
    """
    panel = clinic_market(market)
    log_price = np.cumsum(panel.returns, axis=0) - panel.returns  # of the date before
    rank = rank_across_tickers(log_price) if right else rank_across_tickers(log_price.T).T
    return _coefficient(rank[:, :, None], panel.returns)


def rows_out_of_order(market, right):
    """The total R² of IPCA on later dates, where characteristics are reshaped in the file's order, returns unstacked.

    The shapes agree, and the rows do not. The right recipe goes by labels. Here nothing is won by the mistake; skill is
    lost.
    """
    frame = clinic_market(market).to_frame().sample(frac=1, random_state=market)
    panel = Panel.from_frame(frame)
    if not right:
        x = frame.drop(columns="returns").to_numpy().reshape(N_DATES, N_TICKERS, N_CHARACTERISTICS)
        panel = Panel(returns=frame["returns"].unstack("ticker"), characteristics=x)
    return _score(InstrumentedPCA(3), panel, ONCE, "total R²")


class OwnFactors(InstrumentedPCA):
    """IPCA with the mistake: what it expects of a date's factors is their mean over the panel's own dates."""

    def expected_factors(self, panel, past, lag=0):
        """λ, the same at every date, (n_dates, n_factors), of which no date could have known."""
        return np.broadcast_to(self.factors(panel).mean(axis=0), (panel.n_dates, self.n_factors))


def own_factors(market, right):
    """The predictive R² of IPCA in the first period of 12 dates, where λ is the mean of the period's own factors.

    The right recipe takes the mean of what was before each date.
    """
    first = next(FIRST_PERIOD.folds(clinic_market(market)))
    panel = first.past.joined(first.test)
    return _score(InstrumentedPCA(3) if right else OwnFactors(3), panel, FIRST_PERIOD, "predictive R²")


def several_networks(market, right):
    """The predictive R² of a network in a market WITH premia, where λ averages factors that came from several networks.

    Each refit finds the factors in a rotation of its own, so their mean is a mean of unlike things. The right recipe
    takes β and all of λ from one network. Here nothing is won by the mistake; skill is lost.
    """
    from helpers.models.autoencoder import ConditionalAutoencoder  # loads TensorFlow

    panel = clinic_market(market, premium=0.03)

    def score(tested):
        members = tested.models[0].members_
        factors = np.stack([member.factors(panel) for member in members])
        refits = np.zeros(N_DATES, int) if right else np.arange(N_DATES) // PERIOD % N_NETWORKS
        known = factors[refits, np.arange(N_DATES)]  # F of each date as the network of its period has it
        before = np.cumsum(known, axis=0) / np.arange(1, N_DATES + 1)[:, None]
        expected = before[-1 - tested.panel.n_dates : -1]
        return predictive_r2(tested.returns, product(members[0].betas(tested.panel), expected))

    model = ConditionalAutoencoder(3, n_members=N_NETWORKS, l1=6e-3, seed=market)
    return _score(model, panel, VALIDATED, {"predictive R²": score})


def model_outside_the_loop(market, right):
    """The information coefficient in each fold, newest first, of a network that is built before the loop over folds.

    The lecture's network reads characteristics and returns of a date and is fitted to the returns of the next, on all
    dates before the fold. When it comes to an older fold, it has been trained on it already. The right recipe builds it
    in the loop.
    """
    from helpers.models.backend import keras
    from helpers.models.lecture import make_model, train_validation_arrays  # loads TensorFlow

    panel = clinic_market(market)
    keras.utils.set_random_seed(market)
    keras.backend.clear_session()
    network = make_model(N_TICKERS, N_CHARACTERISTICS)
    coefficients = []
    for fold in reversed(FIVE_FOLDS.slices(N_DATES)):
        if right:
            network = make_model(N_TICKERS, N_CHARACTERISTICS)
        known, unseen = (np.arange(part.start, part.stop) for part in (fold.past, fold.test))
        x1, x2, y, x1_new, x2_new, y_new = train_validation_arrays(panel, known, unseen, target="returns_fwd")
        network.fit([x1, x2], y, **FIT)
        said = np.asarray(network([x1_new, x2_new], training=False))
        coefficients.append(information_coefficient(y_new, said).mean())
    return coefficients


# Those that invent skill come first, then the two that destroy it.
CASES = {
    "gaps filled": gaps_filled,
    "ranks over time": ranks_over_time,
    "own factors": own_factors,
    "model outside the loop": model_outside_the_loop,
    "rows out of order": rows_out_of_order,
    "several networks": several_networks,
}
MEASURES = dict(zip(CASES, ("IC", "IC", "predictive R²", "IC", "total R²", "predictive R²"), strict=True))


def run_cell(case, recipe, market):
    """One row, as a dict: the score of a case on one market, and of each fold, in the recipe's order."""
    score = CASES[as_choice("case", case, CASES)](market, as_choice("recipe", recipe, RECIPES) == "right")
    folds = dict(zip(FOLDS, score, strict=True)) if np.ndim(score) else {}
    return dict(zip(KEY, (case, recipe, market), strict=True)) | {"score": np.mean(score)} | folds


def run(path, cases=tuple(CASES), markets=40, n_jobs=-1, progress=False):
    """The table in the file, as a DataFrame, once these cases are in it for so many markets.

    The other arguments are those of `helpers.experiments.cells.run_cells`.
    """
    for case in cases:
        as_choice("case", case, CASES)
    markets = range(as_count("markets", markets))
    todo = [(case, recipe, market) for market, case, recipe in itertools.product(markets, cases, RECIPES)]
    return run_cells(path, run_cell, todo, COLUMNS, KEY, read, n_jobs, progress=progress)


def read(path=STORED):
    """The rows of a table that `run` made, in the order of cases, recipes and markets."""
    table = pd.read_csv(path)
    if list(table.columns) != COLUMNS:
        raise ValueError(
            f"{path} is not a table made by helpers.experiments.clinic; its columns are {first_few(table.columns)}."
        )
    return in_order(table, KEY, (*CASES, *RECIPES))


def summary(table):
    """The mean score of each case and recipe over the markets, in percent, its standard error, and how many they are.

    Parameters
    ----------
    table : DataFrame
        As from `read`.

    Returns
    -------
    DataFrame
        A row for each case and recipe; columns `mean`, `se`, `markets`.
    """
    scores = table.groupby(["case", "recipe"], sort=False)["score"].agg(["mean", "sem", "count"])
    return scores.mul([100, 100, 1]).rename(columns={"sem": "se", "count": "markets"}).astype({"markets": int})


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.experiments.clinic", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--cases", nargs="+", choices=CASES, default=tuple(CASES))
    parser.add_argument("--markets", type=int, default=40, help="simulated markets (default 40)")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one for each core)")
    parser.add_argument(
        "--out",
        type=Path,
        default=STORED,
        help="the CSV file, made or continued (default helpers/experiments/clinic.csv)",
    )
    chosen = parser.parse_args(arguments)
    try:
        table = run(chosen.out, chosen.cases, chosen.markets, chosen.jobs, progress=True)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.exit(f"Stopped. What was finished is in {chosen.out}; the same command goes on from there.")
    print(summary(table).round(2).to_string())


def _score(model, panel, splitter, measure):
    """The score of one model on the splitter's test dates, as `compare` gives it."""
    (score,) = compare([model], panel, splitter, measure)["score"]
    return score


def _coefficient(x, r):
    """The mean information coefficient, on the last dates, of one regression of all known returns on x before them."""
    ((*_, test, past),) = ONCE.slices(N_DATES)
    design = np.concatenate([x, np.ones((*r.shape, 1))], axis=2)
    known = ~np.isnan(design[past].sum(axis=2) + r[past])
    coefficients, *_ = np.linalg.lstsq(design[past][known], r[past][known], rcond=None)
    return np.nanmean(information_coefficient(r[test], design[test] @ coefficients))


if __name__ == "__main__":
    import helpers.experiments.clinic  # what workers are sent must have this name: theirs is another __main__

    helpers.experiments.clinic.main()
