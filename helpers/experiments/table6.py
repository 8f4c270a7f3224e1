"""The paper's Table 6, made again: every model on every simulated market, beside what the paper prints.

    python -m helpers.experiments.table6                      everything, one process for each core; hours
    python -m helpers.experiments.table6 --models IPCA CA2 --factors 3 --repetitions 5 --out mine.csv
    python -m helpers.experiments.table6 --dask tcp://10.0.0.1:8786

Each cell (a case, a repetition, a model, a number of factors) is a row of a CSV file, written as soon as it is known.
Stopped at any moment, the same command goes on where it was and loses at most the cells in progress.
"""

import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.checks import as_choice, as_count
from helpers.evaluation.comparison import TRUTH, compare
from helpers.evaluation.metrics import predictive_r2, total_r2
from helpers.evaluation.splitter import WalkForward
from helpers.experiments.cells import command_line, in_order, read_rows, run_cells, simulated, versions
from helpers.models.ipca import InstrumentedPCA
from helpers.models.pca import PCAFactors

CASES = ("linear", "nonlinear")
MODELS = ("PCA", "IPCA", "CA0", "CA1", "CA2", "CA3")
# What the paper leaves open: models of the table with one thing changed. Run them with --models and their names.
VARIANTS = ("IPCA constant", "CA1 managed", "CA1 plain", "CA3 plain")
FACTORS = (1, 2, 3, 4, 5, 6)
N_MEMBERS, STRENGTHS = 5, (3e-3, 6e-3, 1.2e-2, 2.4e-2)
# Batch normalisation undoes what the penalty does to the size of a hidden layer; without it, the same strength bites
# harder.
PLAIN_STRENGTHS = (2e-4, 5e-4, 1e-3, 2e-3, 4e-3)
THIRDS = WalkForward(n_train=60, n_validation=60, n_test=60)  # of the 180 dates of a market
STORED = Path(__file__).with_name("table6.csv")
KEY = ["case", "repetition", "model", "n_factors"]
COLUMNS = [*KEY, "total_r2", "predictive_r2", "truth_total_r2", "truth_predictive_r2", "one_member_total_r2"]
COLUMNS += ["l1", "epochs", "seconds", "settings", "versions"]

# Gu, Kelly, Xiu (2021), Table 6, in percent: K = 1, …, 6.
PAPER = {
    ("linear", "total_r2"): {
        "PCA": (3.5, 4.7, 5.5, 6.3, 7.1, 7.8),
        "IPCA": (18.6, 32.2, 40.7, 41.0, 41.4, 41.7),
        "CA0": (15.6, 26.7, 33.7, 33.5, 33.4, 33.2),
        "CA1": (17.6, 30.3, 38.1, 37.7, 37.3, 37.1),
        "CA2": (17.7, 29.2, 36.8, 36.5, 36.3, 35.9),
        "CA3": (17.6, 25.6, 30.0, 29.5, 26.3, 23.4),
    },
    ("linear", "predictive_r2"): {
        "PCA": (0.17, 0.10, 0.04, 0.01, -0.01, -0.03),
        "IPCA": (2.20, 2.93, 3.33, 3.32, 3.32, 3.32),
        "CA0": (2.04, 2.84, 3.17, 3.14, 3.12, 3.13),
        "CA1": (2.11, 2.93, 3.27, 3.29, 3.26, 3.26),
        "CA2": (2.10, 2.85, 3.22, 3.22, 3.23, 3.22),
        "CA3": (2.06, 2.57, 2.89, 2.86, 2.58, 2.39),
    },
    ("nonlinear", "total_r2"): {
        "PCA": (3.4, 5.1, 6.0, 6.6, 7.3, 7.9),
        "IPCA": (11.0, 11.4, 11.9, 12.3, 12.7, 13.1),
        "CA0": (8.5, 8.2, 7.9, 7.6, 7.4, 7.2),
        "CA1": (15.0, 24.6, 31.8, 32.0, 31.9, 31.8),
        "CA2": (15.7, 23.5, 30.9, 31.8, 30.2, 28.2),
        "CA3": (15.9, 15.6, 14.6, 14.0, 11.2, 9.2),
    },
    ("nonlinear", "predictive_r2"): {
        "PCA": (0.15, 0.19, 0.15, 0.12, 0.10, 0.09),
        "IPCA": (0.84, 0.82, 0.81, 0.80, 0.79, 0.79),
        "CA0": (0.80, 0.76, 0.77, 0.76, 0.72, 0.70),
        "CA1": (1.83, 2.31, 2.70, 2.70, 2.71, 2.73),
        "CA2": (1.95, 2.24, 2.73, 2.80, 2.69, 2.53),
        "CA3": (1.77, 1.43, 1.32, 1.26, 1.06, 0.86),
    },
}


def paper_table():
    """What the paper prints, in percent: a row for each case, model and number of factors."""
    rows = [
        (case, model, n_factors, measure, value)
        for (case, measure), models in PAPER.items()
        for model, values in models.items()
        for n_factors, value in zip(FACTORS, values, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["case", "model", "n_factors", "measure", "paper"])
    return frame.pivot(index=["case", "model", "n_factors"], columns="measure", values="paper")


def make(model, n_factors, seed=0):
    """A model of the table by its name in the paper, unfitted.

    A word after the name changes one thing: "constant" gives IPCA a constant, "managed" gives a network the managed
    portfolios as its factor inputs, "plain" takes batch normalisation away.
    """
    as_choice("model", model, (*MODELS, *VARIANTS))
    name, _, change = model.partition(" ")
    if name == "PCA":
        return PCAFactors(n_factors)
    if name == "IPCA":
        return InstrumentedPCA(n_factors, constant=change == "constant")
    from helpers.models.autoencoder import PAPER_MODELS, ConditionalAutoencoder  # loads TensorFlow

    return ConditionalAutoencoder(
        n_factors,
        PAPER_MODELS[name],
        n_members=N_MEMBERS,
        factor_inputs="managed" if change == "managed" else "portfolios",
        l1=_strengths(model),
        batch_normalization=change != "plain",
        seed=seed,
    )


def settings(model):
    """What a model of the table was told beside the defaults, in words."""
    if not _is_network(model):
        return "the defaults"
    return f"{N_MEMBERS} members; l1 {' '.join(f'{strength:g}' for strength in _strengths(model))}; else the defaults"


def run_cell(case, repetition, model, n_factors):
    """One row of the table, as a dict: the R² of a model on the test dates of one market, the truth's beside them."""
    start = time.perf_counter()
    market = simulated(case, repetition)
    scores = compare({model: make(model, n_factors, seed=repetition)}, market, THIRDS, MEASURES)["score"]
    row = {
        **dict(zip(KEY, (case, repetition, model, n_factors), strict=True)),
        **{measure: scores[measure, model] for measure in MEASURES},
        **{f"truth_{measure}": scores[measure, TRUTH] for measure in ("total_r2", "predictive_r2")},
        "seconds": time.perf_counter() - start,
        "settings": settings(model),
        "versions": versions(),
    }
    return {name: row[name] for name in COLUMNS}


def _one_member(tested):
    """The mean of the total R² that the members of an ensemble have alone, NaN for other models."""
    members = getattr(tested.models[0], "members_", ())
    alone = [total_r2(tested.returns, member.reconstruct(tested.panel)) for member in members]
    return np.mean(alone) if alone else np.nan


def _epochs(tested):
    """How many epochs the member that ran longest ran, NaN for other models."""
    history = getattr(tested.models[0], "history_", None)
    return np.nan if history is None else history["epoch"].max()


MEASURES = {
    "total_r2": lambda tested: total_r2(tested.returns, tested.reconstruction),
    "predictive_r2": lambda tested: predictive_r2(tested.returns, tested.prediction),
    "one_member_total_r2": _one_member,
    "l1": lambda tested: getattr(tested.models[0], "l1_", np.nan),
    "epochs": _epochs,
}


def cells(cases=CASES, models=MODELS, factors=FACTORS, repetitions=100, repetitions_elsewhere=20):
    """The cells of the table in the order of the run: (case, repetition, model, n_factors).

    The networks have `repetitions_elsewhere` where n_factors is not 3. The two kinds advance together, so that the
    table is balanced whenever the run is stopped.
    """
    known = {"cases": CASES, "models": (*MODELS, *VARIANTS), "factors": FACTORS}
    for name, chosen in (("cases", cases), ("models", models), ("factors", factors)):
        for value in chosen:
            as_choice(name, value, known[name])
    repetitions = as_count("repetitions", repetitions)
    pace = max(1, repetitions // as_count("repetitions_elsewhere", repetitions_elsewhere))

    def turn(cell):
        _, repetition, model, n_factors = cell
        return repetition if not _is_network(model) or n_factors == 3 else repetition * pace

    def wanted(cell):
        _, repetition, model, n_factors = cell
        return not _is_network(model) or n_factors == 3 or repetition < repetitions_elsewhere

    return sorted(filter(wanted, product(cases, range(repetitions), models, factors)), key=turn)


def run(path, todo, n_jobs=-1, backend="loky", progress=False):
    """The table in the file, as a DataFrame, once every cell of todo (as from `cells`) is in it.

    The other arguments are those of `helpers.experiments.cells.run_cells`.
    """
    return run_cells(path, run_cell, todo, COLUMNS, KEY, read, n_jobs, backend, progress)


def read(path=STORED):
    """The rows of a table that `run` made, in the order of cases, models, factors and repetitions."""
    table = read_rows(path, COLUMNS, "table6", lambda row: settings(row.model))
    return in_order(table, ["case", "model", "n_factors", "repetition"], (*CASES, *MODELS, *VARIANTS))


def summary(table):
    """The mean over repetitions of each R² in percent, its standard error, and what the paper prints.

    Parameters
    ----------
    table : DataFrame
        As from `read`.

    Returns
    -------
    DataFrame
        Indexed by (case, model, n_factors); for each measure, total_r2 and predictive_r2, the columns `ours`, `se`,
        `truth` (the mean on the same markets) and `paper`; and `repetitions`.
    """
    groups = table.groupby(["case", "model", "n_factors"], sort=False)
    parts = {("", "repetitions"): groups.size()}
    for measure in ("total_r2", "predictive_r2"):
        parts[measure, "ours"] = 100 * groups[measure].mean()
        parts[measure, "se"] = 100 * groups[measure].sem()
        parts[measure, "truth"] = 100 * groups[f"truth_{measure}"].mean()
        parts[measure, "paper"] = paper_table()[measure]
    return pd.DataFrame(parts).reindex(groups.size().index)


def main(arguments=None):
    """The command line."""
    command_line(
        "table6",
        __doc__.partition("\n")[0],
        STORED,
        {"cases": (CASES, CASES), "models": ((*MODELS, *VARIANTS), MODELS), "factors": (FACTORS, FACTORS)},
        cells,
        run,
        summary,
        arguments,
    )


def _is_network(model):
    return model.startswith("CA")


def _strengths(model):
    return PLAIN_STRENGTHS if model.endswith(" plain") else STRENGTHS


if __name__ == "__main__":
    import helpers.experiments.table6  # what workers are sent must have this name: theirs is another __main__

    helpers.experiments.table6.main()
