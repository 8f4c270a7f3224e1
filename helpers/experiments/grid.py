"""The grid: how β bends with the characteristics, and how F of a date is found, on the markets of the paper.

    python -m helpers.experiments.grid                        everything, one process for each core; hours
    python -m helpers.experiments.grid --betas linear 32-16 --found regression --factors 3 --out mine.csv
    python -m helpers.experiments.grid --dask tcp://10.0.0.1:8786

Each cell (a case, a repetition, a β, a way to find F, a penalty, a number of factors) is a row of a CSV file, written
as soon as it is known. Stopped at any moment, the same command goes on where it was.
"""

import time
from contextlib import suppress
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.checks import as_choice, as_count
from helpers.data.simulated import SimulatedMarket
from helpers.evaluation.comparison import Truth
from helpers.evaluation.metrics import predictive_r2, total_r2
from helpers.evaluation.portfolios import sharpe_ratio
from helpers.evaluation.risk import tangency_returns
from helpers.experiments.cells import command_line, in_order, read_rows, run_cells, simulated, versions
from helpers.experiments.table6 import CASES, FACTORS, N_MEMBERS, STRENGTHS, THIRDS
from helpers.labels import labelled
from helpers.models.base import FactorModel
from helpers.models.ipca import InstrumentedPCA
from helpers.models.managed import managed_portfolios, managed_without
from helpers.models.pca import PCAFactors
from helpers.models.regression import CrossSectionalRegression
from helpers.panel import Panel

FOUND = ("x", "managed", "regression", "drawn")
THEN_SOLVED = ", then solved"
UNITS = {"32": (32,), "32-16": (32, 16), "32-16-8": (32, 16, 8)}
WITH_CONSTANT = "linear + constant"
BETAS = ("noise", "constant", "linear", WITH_CONSTANT, "products", *UNITS, "true")
CHOICES = {"cases": CASES, "betas": BETAS, "found": FOUND, "factors": FACTORS}
N_TRAIN, N_VALIDATION = THIRDS.n_train, THIRDS.n_validation  # the dates after these are tested
# Of each model's penalty five strengths, and so as many networks. Of those kept a fifth or less are at an end, but for
# β along lines with F solved for or on managed portfolios, and F solved for where the market is linear: up to half.
WEIGHT_STRENGTHS = (*STRENGTHS, 4.8e-2)
DUMMY_STRENGTHS = (3e-4, 1e-3, 2e-3, 4e-3, 8e-3)
SOLVED_STRENGTHS = (3.2e-2, 4.8e-2, 6.4e-2, 9.6e-2, 1.44e-1)
PRODUCT_STRENGTHS = (1.6e-2, 3.2e-2, 6.4e-2, 1.28e-1, 2.56e-1)
RIDGES = (0.03, 0.1, 0.3)
CHOOSE = "networks"  # by all alike: what validation chooses among random starts and strengths
QUICK = {"n_starts": 1, "tolerance": 1e-6}  # of instrumented PCA on products, 1325 columns: a fit takes a minute
STORED = Path(__file__).with_name("grid.csv")
KEY = ["case", "repetition", "beta", "found", "penalty", "n_factors"]
MEASURES = ["total_r2", "leave_one_out_r2", "predictive_r2", "sharpe"]
COLUMNS = [*KEY, *MEASURES, *(f"solved_{name}" for name in MEASURES)]
COLUMNS += ["strength", "epochs", "seconds", "settings", "versions"]


class Kind(NamedTuple):
    """How β bends, how F is found while the model learns, and what holds the weights of β back."""

    beta: str
    found: str
    penalty: str


KINDS = (
    Kind("noise", "regression", "none"),
    Kind("constant", "x", "L1"),
    Kind("constant", "managed", "L1"),
    Kind("constant", "regression", "none"),
    Kind("linear", "x", "L1"),
    Kind("linear", "managed", "L1"),
    Kind("linear", "regression", "none"),
    Kind("linear", "regression", "L1"),
    Kind(WITH_CONSTANT, "regression", "none"),
    Kind("products", "x", "L1"),
    Kind("products", "managed", "L1"),
    Kind("products", "regression", "none"),
    Kind("products", "regression", "ridge"),
    Kind("products", "regression", "L1"),
    *(Kind(beta, found, "L1") for beta in UNITS for found in ("x", "managed", "regression")),
    Kind("true", "drawn", "none"),
    Kind("true", "x", "none"),
    Kind("true", "regression", "none"),
)


def make(kind, n_factors, seed=0, strength=0.0):
    """The model of a cell, unfitted. `strength` is that of a ridge.

    Constant β is β linear in the dummies of the tickers: one weight for each ticker and factor.
    """
    as_choice("kind", kind, KINDS)
    if kind.beta in ("noise", "true"):
        return CrossSectionalRegression()
    if kind.penalty != "L1":
        quick = QUICK if kind.beta == "products" else {}
        if kind.beta == "constant":
            return PCAFactors(n_factors)
        return InstrumentedPCA(n_factors, constant=kind.beta == WITH_CONSTANT, ridge=strength, **quick)
    from helpers.models.autoencoder import ConditionalAutoencoder  # loads TensorFlow
    from helpers.models.neural_ipca import NeuralIPCA

    hidden_units = UNITS.get(kind.beta, ())
    if kind.found == "regression":
        strengths = PRODUCT_STRENGTHS if kind.beta == "products" else SOLVED_STRENGTHS
        return NeuralIPCA(n_factors, hidden_units, N_MEMBERS, l1=strengths, seed=seed, choose=CHOOSE)
    strengths = DUMMY_STRENGTHS if kind.beta == "constant" else WEIGHT_STRENGTHS
    return ConditionalAutoencoder(n_factors, hidden_units, N_MEMBERS, l1=strengths, seed=seed, choose=CHOOSE)


def told(market: SimulatedMarket, kind: Kind, n_factors: int, seed: int) -> Panel:
    """The panel of a market as a model of this kind is told it: what β may follow, and what F may be made of.

    F of fixed weights is made of the portfolios; those of "managed" are the managed portfolios of the ranks, and of a
    constant, whatever β follows.
    """
    panel = market.panel
    z = _characteristics(market, kind.beta, n_factors, seed)
    names = panel.characteristic_names if z is panel.characteristics else pd.RangeIndex(1, z.shape[2] + 1)
    panel_told = replace(panel, characteristics=z, characteristic_names=names)
    if kind.found != "managed":
        return panel_told
    x = managed_portfolios(panel, constant=True)
    return replace(panel_told, portfolios=np.asarray(x), portfolio_names=x.axes[1])


def _characteristics(market, beta, n_factors, seed):
    z = market.panel.characteristics
    if beta == "noise":
        return np.random.default_rng([seed, n_factors]).standard_normal((*z.shape[:2], n_factors))
    if beta == "true":
        return market.betas
    if beta == "constant":
        return np.broadcast_to(np.eye(z.shape[1]), (len(z), z.shape[1], z.shape[1]))
    if beta == "products":
        one, other = np.triu_indices(z.shape[2])
        return np.concatenate([z, z[..., one] * z[..., other]], axis=2).astype("float32")
    return z


def settings(kind):
    """What the models of a kind were told beside the defaults, in words."""
    kind = Kind(*kind)
    if kind.penalty != "L1":
        quick = [f"{name} {value:g}" for name, value in QUICK.items()] if kind.beta == "products" else []
        ridges = [f"ridges {_listed(RIDGES)}"] if kind.penalty == "ridge" else []
        return "; ".join([*ridges, *quick, "else the defaults"]) if quick else "the defaults"
    model = make(kind, 1)
    n_networks = N_MEMBERS * len(model.l1)
    return f"the {N_MEMBERS} best of {n_networks} networks; l1 {_listed(model.l1)}; else the defaults"


def run_cell(case, repetition, beta, found, penalty, n_factors):
    """One row of the grid, as a dict: what a model scores on the test dates of one market.

    The columns that begin with solved_ are those of the same β, F at all dates then solved for by regression.
    """
    start, kind = time.perf_counter(), Kind(beta, found, penalty)
    market = simulated(case, repetition)
    n_past = N_TRAIN + N_VALIDATION
    panel = told(market, kind, n_factors, repetition)
    train, validation, past, tested = panel[:N_TRAIN], panel[N_TRAIN:n_past], panel[:n_past], panel[n_past:]
    strength, solved = 0.0, {}
    if beta == "true" and found != "regression":
        # F as it was drawn, or without what no portfolio holds: the first three portfolios, f - η.
        known = market if found == "drawn" else replace(market, factors=market.panel.portfolios[:, :3])
        model = Truth(known).fit(market.panel[:n_past])
        past, tested = market.panel[:n_past], market.panel[n_past:]
        scores = _scores(model, past, tested, model.reconstruct(tested))
    else:
        if penalty == "ridge":
            strength = _best_ridge(kind, n_factors, train, validation)
        model = make(kind, n_factors, repetition, strength).fit(train, validation)
        strength = getattr(model, "l1_", strength)
        without = model.leave_one_out(tested) if found == "regression" else _weighted(model, tested, market, found)
        scores = _scores(model, past, tested, without)
        if found != "regression":
            model.set_params(factors="regression")
            solved = _scores(model, past, tested, model.leave_one_out(tested))
    row = {
        **dict(zip(KEY, (case, repetition, *kind, n_factors), strict=True)),
        **scores,
        **{f"solved_{name}": solved.get(name, np.nan) for name in MEASURES},
        "strength": strength or np.nan,
        "epochs": model.history_["epoch"].max() if hasattr(model, "history_") else np.nan,
        "seconds": time.perf_counter() - start,
        "settings": settings(kind),
        "versions": versions(),
    }
    return {name: row[name] for name in COLUMNS}


def _scores(model: FactorModel, past: Panel, tested: Panel, without: np.ndarray) -> dict[str, float]:
    """Each measure; the Sharpe ratio, for one period, is that of a member in the mean, since each has its own F.

    A member that lost a factor in training has no tangency portfolio of so many factors, and does not count there.
    """
    members = getattr(model, "members_", [model])
    ratios = [r for m in members if (r := _sharpe(m.factors(tested), m.factors(past))) is not None]
    values = (
        total_r2(tested.returns, model.reconstruct(tested)),
        total_r2(tested.returns, without),
        predictive_r2(tested.returns, model.predict(tested, past)),
        float(np.mean(ratios)) if ratios else np.nan,
    )
    return dict(zip(MEASURES, values, strict=True))


def _sharpe(factors, past):
    """Of the tangency portfolio; None where a factor is constant or moves as others do, so that there is none."""
    with suppress(ValueError):
        return sharpe_ratio(tangency_returns(factors, past), 1)


def _weighted(model, tested, market, found):
    """What a network with fixed weights says of each return, where the portfolios hold nothing of its ticker."""
    x = tested.portfolios[:, None]
    if found == "managed":
        x = managed_without(market.panel[-tested.n_dates :], constant=True)
    said = [((x @ m.factor_weights_[0]) * np.asarray(m.betas(tested))).sum(axis=2) for m in model.members_]
    return labelled(np.mean(said, axis=0), tested.dates, tested.tickers)


def _best_ridge(kind, n_factors, train, validation):
    def held_out(ridge):
        model = make(kind, n_factors, strength=ridge).fit(train)
        return total_r2(validation.returns, model.leave_one_out(validation))

    return max(RIDGES, key=held_out)


def cells(
    cases=CASES, betas=BETAS, found=FOUND, factors=FACTORS, repetitions=100, repetitions_elsewhere=20
) -> list[tuple]:
    """The cells of the grid in the order of the run: a tuple of what stands in the columns of the key.

    Networks have `repetitions_elsewhere` where n_factors is not 3, and β linear in products has them at 3, and is not
    made elsewhere; nor is the truth, which has three factors. The kinds advance together, so that the grid is balanced
    whenever the run is stopped.
    """
    for (name, values), chosen in zip(CHOICES.items(), (cases, betas, found, factors), strict=True):
        for value in chosen:
            as_choice(name, value, values)
    repetitions = as_count("repetitions", repetitions)
    pace = max(1, repetitions // as_count("repetitions_elsewhere", repetitions_elsewhere))

    def often(kind, n_factors):
        return kind.beta != "products" and (kind.penalty == "none" or n_factors == 3)

    def turn(cell):
        return cell[1] * (1 if often(Kind(*cell[2:5]), cell[5]) else pace)

    def wanted(cell):
        _, repetition, *kind, n_factors = cell
        kind = Kind(*kind)
        if kind.beta in ("products", "true") and n_factors != 3:
            return False
        return often(kind, n_factors) or repetition < repetitions_elsewhere

    kinds = [kind for kind in KINDS if kind.beta in betas and kind.found in found]
    everything = ((*first, *kind, k) for first, kind, k in product(product(cases, range(repetitions)), kinds, factors))
    return sorted(filter(wanted, everything), key=turn)


def run(path, todo, n_jobs=-1, backend="loky", progress=False):
    """The grid in the file, as a DataFrame, once every cell of todo (as from `cells`) is in it.

    The other arguments are those of `helpers.experiments.cells.run_cells`.
    """
    return run_cells(path, run_cell, todo, COLUMNS, KEY, read, n_jobs, backend, progress)


def read(path=STORED):
    """The rows of a grid that `run` made, in the order of cases, β, ways to find F, factors and repetitions."""
    kinds = {kind: settings(kind) for kind in KINDS}
    table = read_rows(path, COLUMNS, "grid", lambda row: kinds[row.beta, row.found, row.penalty])
    within = in_order(table, ["beta", "found", "penalty", "n_factors", "repetition"], (*BETAS, *FOUND))
    return in_order(within, ["case"], CASES)  # by itself: "linear" is a case, and a way for β to bend


def balanced(table: pd.DataFrame, n_factors: int | range = 3) -> pd.DataFrame:
    """The rows with so many factors of the markets on which every kind was run, so that means compare like with like.

    β linear in products was run on fewer markets, and does not count.

    Parameters
    ----------
    table : DataFrame
        As from `read`.
    n_factors : int or range of numbers that all must have been run
    """
    rows = table[table["n_factors"].isin(np.atleast_1d(n_factors))]
    counted = rows[rows["beta"] != "products"]
    n_kinds = len(counted[["case", "beta", "found", "penalty", "n_factors"]].drop_duplicates())
    whole = counted.groupby("repetition").size() == n_kinds
    return rows[rows["repetition"].isin(whole[whole].index)]


def by_way(table: pd.DataFrame) -> pd.DataFrame:
    """The grid with a row for each way to find F at new dates: the same β counts twice where F was solved for as well.

    Parameters
    ----------
    table : DataFrame
        As from `read`.

    Returns
    -------
    DataFrame
        With the columns of the key and the measures; `found` says "x, then solved" and "managed, then solved" of the
        second way.
    """
    own = table[[*KEY, *MEASURES]]
    again = table[table["found"].isin(("x", "managed")) & (table["beta"] != "true")]
    again = (
        again[KEY]
        .assign(found=again["found"] + THEN_SOLVED)
        .join(again[[f"solved_{name}" for name in MEASURES]].set_axis(MEASURES, axis=1))
    )
    return pd.concat([own, again], ignore_index=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """The mean of each measure over repetitions and its standard error, R² in percent.

    Parameters
    ----------
    table : DataFrame
        As from `read`.

    Returns
    -------
    DataFrame
        Indexed by (case, n_factors, beta, penalty, found); for each measure the columns `mean` and `se`, and
        `repetitions`.
    """
    groups = by_way(table).groupby(["case", "n_factors", "beta", "penalty", "found"], sort=False)
    parts = {("", "repetitions"): groups.size()}
    for measure in MEASURES:
        unit = 1 if measure == "sharpe" else 100
        parts[measure, "mean"], parts[measure, "se"] = unit * groups[measure].mean(), unit * groups[measure].sem()
    return pd.DataFrame(parts)


def difference(table: pd.DataFrame, one: tuple, other: tuple, measure: str, case: str, n_factors: int = 3) -> pd.Series:
    """How much more the first way scores than the second on the same markets: mean, standard error, markets.

    Parameters
    ----------
    table : DataFrame
        As from `read`.
    one, other : (beta, found, penalty)
        As in `by_way`.
    measure : str
    case : str
    n_factors : int

    Returns
    -------
    Series
        `difference` and `se`, R² in percentage points, and `repetitions`, the markets that both have.
    """
    as_choice("measure", measure, MEASURES)
    rows = by_way(table)
    rows = rows[(rows["case"] == case) & (rows["n_factors"] == n_factors)]
    columns = []
    for way in (one, other):
        chosen = rows[(rows[["beta", "found", "penalty"]] == list(way)).all(axis=1)]
        if chosen.empty:
            raise ValueError(f"The grid has no rows of {way!r} in the {case} case with {n_factors} factors.")
        columns.append(chosen.set_index("repetition")[measure])
    apart = (columns[0] - columns[1]).dropna() * (1 if measure == "sharpe" else 100)
    return pd.Series({"difference": apart.mean(), "se": apart.sem(), "repetitions": len(apart)})


def main(arguments=None):
    """The command line."""
    command_line(
        "grid",
        __doc__.partition("\n")[0],
        STORED,
        {name: (values, values) for name, values in CHOICES.items()},
        cells,
        run,
        summary,
        arguments,
    )


def _listed(numbers):
    return " ".join(f"{number:g}" for number in numbers)


if __name__ == "__main__":
    import helpers.experiments.grid  # what workers are sent must have this name: theirs is another __main__

    helpers.experiments.grid.main()
