"""How far each row of Table 6 moves with ρ, the persistence of the characteristics, if all its markets share one ρ.

    python -m helpers.experiments.persistence                      everything, one process for each core; some minutes
    python -m helpers.experiments.persistence --models PCA --draws 0 1 2 --repetitions 4 --out mine.csv
    python -m helpers.experiments.persistence --dask tcp://10.0.0.1:8786

The paper says that ρ ~ U[0.9, 1], not whether it was drawn once for all 100 repetitions, as one does with a parameter,
or anew in each. Here are many draws of ρ, and several markets with each: the first 40 draws for PCA and instrumented
PCA, the first 6 for networks. Each cell (a case, a draw of ρ, a repetition, a model, a number of factors) is a row of a
CSV file, written as soon as it is known. Stopped at any moment, the same command goes on where it was.
"""

import time
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.checks import as_choice, as_count
from helpers.data.simulated import SimulatedMarket, simulate_market
from helpers.evaluation.comparison import compare
from helpers.experiments import table6
from helpers.experiments.cells import command_line, in_order, read_rows, run_cells, versions
from helpers.experiments.table6 import CASES, FACTORS, MODELS, THIRDS

QUICK = ("PCA", "IPCA")  # the models that are no networks
N_DRAWS, N_DRAWS_OF_NETWORKS = 40, 6
REPETITIONS, REPETITIONS_OF_NETWORKS = 8, 3
N_CHARACTERISTICS = 50
MARKETS_OF_THE_PAPER = 100
STORED = Path(__file__).with_name("persistence.csv")
KEY = ["case", "draw", "repetition", "model", "n_factors"]
MEASURES = {name: table6.MEASURES[name] for name in ("total_r2", "predictive_r2")}
COLUMNS = [*KEY, *MEASURES, "seconds", "settings", "versions"]


def persistence(draw: int) -> np.ndarray:
    """ρ of a draw, (n_characteristics,): from U[0.9, 1]."""
    draw = as_count("draw", draw, at_least=0)
    return np.random.default_rng([draw, 1]).uniform(0.9, 1.0, N_CHARACTERISTICS)


@lru_cache(maxsize=4)
def simulated(case: str, draw: int, repetition: int) -> SimulatedMarket:
    """The market of Table 6's repetition with another ρ; several models meet the same one."""
    return simulate_market(case, n_characteristics=N_CHARACTERISTICS, seed=repetition, persistence=persistence(draw))


def run_cell(case: str, draw: int, repetition: int, model: str, n_factors: int) -> dict:
    """One row of the table: the R² of a model on the test dates of one market."""
    start = time.perf_counter()
    fitted = {model: table6.make(model, n_factors, seed=repetition)}
    scores = compare(fitted, simulated(case, draw, repetition), THIRDS, MEASURES)["score"]
    return {
        **dict(zip(KEY, (case, draw, repetition, model, n_factors), strict=True)),
        **{measure: scores[measure, model] for measure in MEASURES},
        "seconds": time.perf_counter() - start,
        "settings": table6.settings(model),
        "versions": versions(),
    }


def cells(
    cases=CASES,
    models=MODELS,
    draws=range(N_DRAWS),
    factors=(3,),
    repetitions=REPETITIONS,
    repetitions_elsewhere=REPETITIONS_OF_NETWORKS,
) -> list[tuple]:
    """The cells in the order of the run: a tuple of what stands in the columns of the key.

    Networks come last, have `repetitions_elsewhere`, and see the first six draws alone. Repetition after repetition is
    made for every draw, so that the table is balanced whenever the run is stopped.
    """
    for name, chosen, known in (("cases", cases, CASES), ("models", models, MODELS), ("factors", factors, FACTORS)):
        for value in chosen:
            as_choice(name, value, known)
    draws = [as_count("draws", draw, at_least=0, at_most=N_DRAWS - 1) for draw in draws]
    many, fewer = as_count("repetitions", repetitions), as_count("repetitions_elsewhere", repetitions_elsewhere)

    def wanted(cell):
        _, draw, repetition, model, _ = cell
        return repetition < many if model in QUICK else repetition < fewer and draw < N_DRAWS_OF_NETWORKS

    everything = product(cases, draws, range(max(many, fewer)), models, factors)
    return sorted(filter(wanted, everything), key=lambda cell: (cell[3] not in QUICK, cell[2]))


def run(path, todo, n_jobs=-1, backend="loky", progress=False) -> pd.DataFrame:
    """The table in the file once every cell of todo (as from `cells`) is in it.

    The other arguments are those of `helpers.experiments.cells.run_cells`.
    """
    return run_cells(path, run_cell, todo, COLUMNS, KEY, read, n_jobs, backend, progress)


def read(path=STORED) -> pd.DataFrame:
    """The rows of a table that `run` made, in the order of cases, models, factors, draws and repetitions."""
    table = read_rows(path, COLUMNS, "persistence", lambda row: table6.settings(row.model))
    return in_order(table, ["case", "model", "n_factors", "draw", "repetition"], (*CASES, *MODELS))


def spread(scores: pd.DataFrame) -> pd.Series:
    """How far a score moves with ρ, and how far from market to market of one ρ.

        score_ar = mean + (of draw a) + (of market r, the same with every ρ) + rest_ar

        within²  = mean over a of var_r(score_ar)
        rest²    = Σ_a Σ_r (score_ar - mean_a - mean_r + mean)² / ((n_draws - 1) (n_repetitions - 1))
        between² = var_a(mean_a) - rest² / n_repetitions        negative counts as 0

    The markets of a repetition share every draw but ρ. What such a market has of its own, such as its F, moves the
    means of all draws alike and cancels in their differences; what is left of it is rest².

    Parameters
    ----------
    scores : DataFrame
        A row for each draw of ρ, a column for each repetition. Repetitions that some draw lacks are left out.

    Returns
    -------
    Series
        mean : of all scores.
        se : its standard error, sqrt(between² / n_draws + var_r(mean_r) / n_repetitions).
        between, within : standard deviations, as above.
        se_one_rho : of a row of 100 markets with one ρ for all, sqrt(between² + within² / 100).
        se_new_rho : of a row of 100 markets with a new ρ in each, sqrt((between² + within²) / 100).
        draws, repetitions : how many there are.
    """
    scores = scores.dropna(axis=1)
    n_draws, n_repetitions = scores.shape
    of_draws, of_markets, mean = scores.mean(axis=1), scores.mean(axis=0), scores.to_numpy().mean()
    rest = scores.sub(of_draws, axis=0).sub(of_markets, axis=1) + mean
    freedom = (n_draws - 1) * (n_repetitions - 1)
    rest_variance = (rest**2).to_numpy().sum() / freedom if freedom else np.nan
    within = scores.var(axis=1).mean()
    between = np.maximum(of_draws.var() - rest_variance / n_repetitions, 0)  # NaN stays NaN
    return pd.Series(
        {
            "mean": mean,
            "se": np.sqrt(between / n_draws + of_markets.var() / n_repetitions),
            "between": np.sqrt(between),
            "within": np.sqrt(within),
            "se_one_rho": np.sqrt(between + within / MARKETS_OF_THE_PAPER),
            "se_new_rho": np.sqrt((between + within) / MARKETS_OF_THE_PAPER),
            "draws": n_draws,
            "repetitions": n_repetitions,
        }
    )


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """How far each row moves with ρ and from market to market, in percent, beside what the paper prints.

    Parameters
    ----------
    table : DataFrame
        As from `read`.

    Returns
    -------
    DataFrame
        Indexed by (case, model, n_factors); for each measure, total_r2 and predictive_r2, what `spread` gives, and
        `paper`; `draws` and `repetitions`.
    """
    rows = {}
    for key, group in table.groupby(["case", "model", "n_factors"], sort=False):
        row = {}
        for measure in MEASURES:
            found = spread(100 * group.pivot(index="draw", columns="repetition", values=measure))
            row |= {("", name): found.pop(name) for name in ("draws", "repetitions")}
            row |= {(measure, name): value for name, value in found.items()}
            row[measure, "paper"] = table6.paper_table()[measure].get(key, np.nan)
        rows[key] = row
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis(index=["case", "model", "n_factors"])
    return frame.astype({("", name): int for name in ("draws", "repetitions")})


def main(arguments=None):
    """The command line."""
    draws = tuple(range(N_DRAWS))
    command_line(
        "persistence",
        __doc__.partition("\n")[0],
        STORED,
        {"cases": (CASES, CASES), "models": (MODELS, MODELS), "draws": (draws, draws), "factors": (FACTORS, (3,))},
        cells,
        run,
        summary,
        arguments,
        repetitions=(REPETITIONS, REPETITIONS_OF_NETWORKS),
        elsewhere=f"the networks, which see the first {N_DRAWS_OF_NETWORKS} draws",
    )


if __name__ == "__main__":
    import helpers.experiments.persistence  # what workers are sent must have this name: theirs is another __main__

    helpers.experiments.persistence.main()
