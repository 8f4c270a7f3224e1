"""The grid of how β bends and how F is found: its cells, its scores by hand, its stored table."""

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.evaluation.portfolios import sharpe_ratio
from helpers.evaluation.risk import tangency_returns
from helpers.experiments import grid
from helpers.models.autoencoder import ConditionalAutoencoder
from helpers.models.ipca import InstrumentedPCA
from helpers.models.managed import managed_portfolios
from helpers.models.neural_ipca import NeuralIPCA
from helpers.models.pca import PCAFactors
from tests.common import assert_refused
from tests.test_table6 import assert_summary_of_the_command

CLOSED = [kind for kind in grid.KINDS if kind.penalty == "none" and kind.beta != "products"]
FEW = grid.cells(betas=("constant", "noise"), found=("regression",), factors=(3, 1), repetitions=2)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    path = tmp_path_factory.mktemp("grid") / "few.csv"
    return path, grid.run(path, FEW, n_jobs=1)


# What is run


def test_every_cell_of_the_grid_is_there_once():
    cells = grid.cells()
    assert len(cells) == len(set(cells))
    counts = Counter((case, *rest) for case, _, *rest in cells)
    for case, kind, n_factors in itertools.product(grid.CASES, grid.KINDS, grid.FACTORS):
        expected = 100 if kind.penalty == "none" or n_factors == 3 else 20
        if kind.beta == "products":
            expected = 20
        if kind.beta in ("products", "true") and n_factors != 3:
            expected = 0
        assert counts[case, *kind, n_factors] == expected


def test_whenever_the_run_is_stopped_the_grid_is_balanced():
    cells = grid.cells(betas=("linear", "32"), factors=(3, 5))
    for stop in range(0, len(cells), 97):
        done = pd.Series([cell[1:] for cell in cells[:stop]])
        at_three = [repetition for repetition, *_, n_factors in done if n_factors == 3]
        elsewhere = [r for r, beta, _, penalty, n_factors in done if n_factors == 5 and penalty == "L1"]
        assert not elsewhere or abs(5 * max(elsewhere) - max(at_three)) <= 5


BAD_CELLS = {
    "an unknown case": ({"cases": ("square",)}, ValueError, "cases", "'square'"),
    "an unknown β": ({"betas": ("round",)}, ValueError, "betas", "'32-16'", "'round'"),
    "an unknown way to find F": ({"found": ("x", "guess")}, ValueError, "found", "'regression'", "'guess'"),
    "too many factors": ({"factors": (7,)}, ValueError, "factors", "7"),
    "no repetitions": ({"repetitions": 0}, ValueError, "repetitions", "at least 1"),
}


@pytest.mark.parametrize("case", BAD_CELLS)
def test_cells_that_are_none_are_refused(case):
    arguments, *refusal = BAD_CELLS[case]
    assert_refused(lambda: grid.cells(**arguments), *refusal)


def test_kinds_stand_for_models():
    kinds = {kind: grid.make(kind, 4, seed=6, strength=0.1 if kind.penalty == "ridge" else 0) for kind in grid.KINDS}
    assert isinstance(kinds["constant", "regression", "none"], PCAFactors)
    assert kinds["linear", "regression", "none"].get_params() == InstrumentedPCA(4).get_params()
    assert kinds[grid.WITH_CONSTANT, "regression", "none"].constant is True
    assert kinds["products", "regression", "ridge"].ridge == 0.1
    for kind, model in kinds.items():
        if kind.penalty == "L1":
            assert isinstance(model, NeuralIPCA if kind.found == "regression" else ConditionalAutoencoder)
            assert (model.n_factors, model.seed, model.n_members) == (4, 6, grid.N_MEMBERS)
            assert model.choose == "networks" and len(model.l1) == 5  # all choose among as many
            assert model.hidden_units == grid.UNITS.get(kind.beta, ())
    assert_refused(lambda: grid.make(("linear", "guess", "none"), 3), ValueError, "kind", "guess")


def test_every_kind_is_told_its_own_characteristics_and_portfolios():
    market = simulate_market("nonlinear", n_dates=20, n_tickers=40, n_characteristics=4, seed=1)
    told = {kind: grid.told(market, kind, 2, seed=5) for kind in grid.KINDS}
    z = market.panel.characteristics
    assert all(np.array_equal(panel.returns, market.panel.returns) for panel in told.values())
    assert np.array_equal(told["constant", "regression", "none"].characteristics[7], np.eye(40))
    assert np.array_equal(told["true", "regression", "none"].characteristics, market.betas)
    assert np.array_equal(told["32", "x", "L1"].characteristics, z)
    products = told["products", "x", "L1"].characteristics
    pairs = [z[..., i] * z[..., j] for i in range(4) for j in range(i, 4)]
    assert np.allclose(products, np.concatenate([z, np.stack(pairs, axis=2)], axis=2))
    noise = told["noise", "regression", "none"].characteristics
    assert (
        noise.shape == (20, 40, 2)
        and abs(np.corrcoef(noise[..., 0].ravel(), market.panel.returns.ravel())[0, 1]) < 0.15
    )
    for kind, panel in told.items():
        if kind.found == "managed":
            assert np.array_equal(panel.portfolios, np.asarray(managed_portfolios(market.panel, constant=True)))
        elif kind.found == "x":
            assert np.array_equal(panel.portfolios, market.panel.portfolios)


# A row


def test_a_row_of_pca_is_what_a_hand_computes():
    row = grid.run_cell("linear", 3, "constant", "regression", "none", 2)
    returns = simulate_market("linear", seed=3).panel.returns
    betas = np.linalg.svd(returns[:120])[2][:2].T
    factors, tested = returns @ betas, returns[120:]
    alone = np.zeros(tested.shape)
    for s in range(200):
        others = np.arange(200) != s
        alone[:, s] = np.linalg.lstsq(betas[others], tested[:, others].T, rcond=None)[0].T @ betas[s]
    means = np.array([factors[:d].mean(axis=0) for d in range(120, 180)])
    assert np.isclose(row["total_r2"], total_r2(tested, factors[120:] @ betas.T))
    assert np.isclose(row["leave_one_out_r2"], total_r2(tested, alone))
    assert np.isclose(row["predictive_r2"], total_r2(tested, means @ betas.T))
    assert np.isclose(row["sharpe"], sharpe_ratio(tangency_returns(factors[120:], factors[:120]), 1))
    assert np.isnan([row["solved_total_r2"], row["strength"], row["epochs"]]).all()
    assert list(row) == grid.COLUMNS and row["settings"] == "the defaults"


@pytest.mark.parametrize("found", ["x", "managed"])
def test_a_row_of_fixed_weights_is_that_of_the_model_and_of_its_betas_with_f_solved_for(found, monkeypatch):
    monkeypatch.setattr(grid, "N_MEMBERS", 2)
    monkeypatch.setattr(grid, "WEIGHT_STRENGTHS", (0.01,))
    row = grid.run_cell("linear", 1, "linear", found, "L1", 1)
    panel = simulate_market("linear", seed=1).panel
    inputs = {"x": "portfolios", "managed": "managed"}[found]
    model = ConditionalAutoencoder(1, (), 2, factor_inputs=inputs, l1=0.01, seed=1).fit(panel[:60], panel[60:120])
    tested, past = panel[120:], panel[:120]
    assert row["strength"] == 0.01 and row["epochs"] == model.history_["epoch"].max()
    for prefix, way in (("", "weights"), ("solved_", "regression")):
        model.set_params(factors=way)
        assert row[f"{prefix}total_r2"] == pytest.approx(total_r2(tested.returns, model.reconstruct(tested)), rel=1e-6)
        left_out = total_r2(tested.returns, model.leave_one_out(tested))
        assert row[f"{prefix}leave_one_out_r2"] == pytest.approx(left_out, rel=1e-6)
        predicted = total_r2(tested.returns, model.predict(tested, past))
        assert row[f"{prefix}predictive_r2"] == pytest.approx(predicted, rel=1e-6)
        earned = [tangency_returns(m.factors(tested), m.factors(past)) for m in model.members_]
        assert row[f"{prefix}sharpe"] == pytest.approx(np.mean([sharpe_ratio(r, 1) for r in earned]), rel=1e-6)
    gift = row["total_r2"] - row["leave_one_out_r2"]
    assert gift == 0 if found == "x" else gift > 0.005  # managed portfolios hold the very returns that they explain


def test_a_member_that_lost_a_factor_does_not_count_in_the_sharpe_ratio_and_does_not_stop_the_run():
    class Member:
        def __init__(self, weights):
            self.weights = np.array(weights)

        def factors(self, panel):
            return panel.portfolios[:, :2] @ self.weights

    class Ensemble(Member):
        def reconstruct(self, panel):
            return np.zeros(panel.returns.shape)

        def predict(self, panel, past):
            return np.zeros(panel.returns.shape)

    panel = simulate_market("linear", seed=2).panel
    past, tested = panel[:120], panel[120:]
    whole, lost, still = Member([[1, 0.5], [0, 1]]), Member([[1, 1], [1, 1]]), Member([[1, 0], [0, 0]])
    ensemble = Ensemble(np.eye(2))
    for members, counted in (([lost, whole, still], 1), ([lost, still], 0), ([whole, lost, whole], 2)):
        ensemble.members_ = members
        sharpe = grid._scores(ensemble, past, tested, np.zeros(tested.returns.shape))["sharpe"]
        alone = sharpe_ratio(tangency_returns(whole.factors(tested), whole.factors(past)), 1)
        assert sharpe == pytest.approx(alone) if counted else np.isnan(sharpe)


def test_the_truth_is_a_bound_and_noise_explains_its_share():
    rows = {kind: grid.run_cell("nonlinear", 4, *kind, 3) for kind in CLOSED}
    drawn, solved = rows["true", "drawn", "none"], rows["true", "regression", "none"]
    noise, linear = rows["noise", "regression", "none"], rows["linear", "regression", "none"]
    assert drawn["total_r2"] == drawn["leave_one_out_r2"] > 0.3
    assert solved["total_r2"] > drawn["total_r2"] > solved["leave_one_out_r2"] > linear["leave_one_out_r2"]
    weights = rows["true", "x", "none"]
    assert drawn["total_r2"] > weights["total_r2"] == weights["leave_one_out_r2"] > drawn["total_r2"] - 0.01
    assert rows[grid.WITH_CONSTANT, "regression", "none"]["leave_one_out_r2"] > linear["leave_one_out_r2"] + 0.02
    assert noise["total_r2"] == pytest.approx(3 / 200, abs=0.003) and noise["leave_one_out_r2"] < 0


@pytest.mark.parametrize("penalty", ["none", "ridge"])
def test_products_are_fitted_by_instrumented_pca_with_the_ridge_that_validation_dates_choose(penalty, monkeypatch):
    market = simulate_market("nonlinear", n_tickers=40, n_characteristics=3, seed=2)
    monkeypatch.setattr(grid, "simulated", lambda case, repetition: market)
    row = grid.run_cell("nonlinear", 2, "products", "regression", penalty, 3)
    panel = grid.told(market, grid.Kind("products", "regression", penalty), 3, 2)
    validation, tested = panel[60:120], panel[120:]
    held_out = {
        ridge: total_r2(
            validation.returns, InstrumentedPCA(3, ridge=ridge, **grid.QUICK).fit(panel[:60]).leave_one_out(validation)
        )
        for ridge in grid.RIDGES
    }
    ridge = max(held_out, key=held_out.get) if penalty == "ridge" else 0.0
    model = InstrumentedPCA(3, ridge=ridge, **grid.QUICK).fit(panel[:120])
    assert row["total_r2"] == pytest.approx(model.score(tested), rel=1e-9) and row["total_r2"] > 0.2
    assert row["leave_one_out_r2"] == pytest.approx(total_r2(tested.returns, model.leave_one_out(tested)), rel=1e-9)
    assert row["strength"] == ridge if ridge else np.isnan(row["strength"])
    assert "n_starts 1" in row["settings"] and ("ridges 0.03" in row["settings"]) == (penalty == "ridge")


# The file


def test_the_file_is_the_cells_in_order(few):
    path, table = few
    assert list(table.columns) == grid.COLUMNS and len(table) == len(FEW) == 16
    assert list(table[grid.KEY].itertuples(index=False, name=None)) == [
        (case, repetition, beta, "regression", "none", k)
        for case in grid.CASES for beta in ("noise", "constant") for k in (1, 3) for repetition in (0, 1)
    ]  # fmt: skip
    again = grid.run(path, FEW, n_jobs=1)
    pd.testing.assert_frame_equal(again, table)
    table.assign(settings="another").to_csv(path.with_name("other.csv"), index=False)
    assert_refused(lambda: grid.read(path.with_name("other.csv")), ValueError, "other settings", "another", "--out")
    assert_refused(lambda: grid.read(__file__), Exception)


def test_the_command_makes_the_file_and_prints_the_summary(few, tmp_path, capsys):
    arguments = ["--betas", "noise", "constant", "--found", "regression", "--factors", "1", "3"]
    assert_summary_of_the_command(grid, arguments, few[1], tmp_path, capsys, "leave_one_out_r2", "sharpe")


# What is made of it


@pytest.fixture(scope="module")
def stored():
    return grid.read()


REMADE = [
    ("linear", 0, "noise", "regression", "none", 6), ("nonlinear", 9, "constant", "regression", "none", 4),
    ("nonlinear", 2, "linear", "regression", "none", 3), ("linear", 5, "true", "regression", "none", 3),
    ("linear", 1, "true", "drawn", "none", 3),
]  # fmt: skip


@pytest.mark.parametrize("cell", REMADE, ids=str)
def test_stored_rows_are_made_again_to_the_printed_digit(cell, stored):
    made, rows = grid.run_cell(*cell), stored[(stored[grid.KEY] == list(cell)).all(axis=1)]
    assert len(rows) == 1
    for name in grid.MEASURES:
        assert float(f"{made[name]:.6g}") == pytest.approx(rows.iloc[0][name], rel=2e-6, abs=1e-8)


def test_a_stored_row_of_a_network_is_made_again(stored):
    """To what another processor may change by rounding otherwise."""
    cell = ("linear", 0, "linear", "x", "L1", 3)
    made, row = grid.run_cell(*cell), stored[(stored[grid.KEY] == list(cell)).all(axis=1)].iloc[0]
    for name in ("total_r2", "leave_one_out_r2", "predictive_r2"):
        assert made[name] == pytest.approx(row[name], abs=5e-3) == pytest.approx(row[f"solved_{name}"], abs=0.05)


def test_the_stored_grid_is_what_the_command_makes_without_a_choice(stored):
    cells = grid.cells()
    assert set(map(tuple, stored[grid.KEY].to_numpy().tolist())) == set(cells) and len(stored) == len(cells)
    assert stored[["total_r2", "leave_one_out_r2", "predictive_r2"]].notna().all(axis=None)


def test_balanced_rows_are_those_of_markets_that_every_kind_has(stored):
    rows = grid.balanced(stored)
    counts = rows[rows["beta"] != "products"].groupby(["case", "beta", "found", "penalty"]).size()
    assert len(counts) == 2 * (len(grid.KINDS) - 5) and counts.nunique() == 1 and counts.iloc[0] >= 5
    assert set(rows["n_factors"]) == {3}
    dropped = rows.drop(index=rows.query("case == 'linear' and repetition == 2 and beta == '32'").index[0])
    assert set(rows["repetition"]) - set(grid.balanced(dropped)["repetition"]) == {2}


def test_rows_balanced_over_several_numbers_of_factors_are_of_markets_that_have_them_all(stored):
    rows = grid.balanced(stored, range(1, 7))
    of_each = [set(grid.balanced(stored, k)["repetition"]) for k in range(1, 7)]
    assert set(rows["repetition"]) == set.intersection(*of_each)
    assert set(rows["n_factors"]) == set(range(1, 7))
    counts = rows[rows["beta"] != "products"].groupby("repetition").size()
    assert counts.nunique() == 1  # every kind, with each number
    lost = stored.query("not (case == 'linear' and repetition == 1 and n_factors == 5 and beta == '32')")
    assert set(rows["repetition"]) - set(grid.balanced(lost, range(1, 7))["repetition"]) == {1}


def test_ways_summaries_and_differences_are_those_of_a_hand():
    rows = [
        {**dict(zip(grid.KEY, ("linear", m, "linear", "x", "L1", 3), strict=True)), "total_r2": 0.3 + 0.1 * m,
         "solved_total_r2": 0.5 + 0.3 * m} for m in range(2)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=grid.COLUMNS)
    ways = grid.by_way(table)
    assert list(ways["found"]) == ["x", "x", "x, then solved", "x, then solved"]
    assert list(ways["total_r2"]) == pytest.approx([0.3, 0.4, 0.5, 0.8])
    summary = grid.summary(table).loc["linear", 3, "linear", "L1"]
    assert summary["total_r2", "mean"].to_list() == pytest.approx([35, 65])
    assert summary["total_r2", "se"].to_list() == pytest.approx([5, 15])
    one, other = (("linear", found, "L1") for found in ("x, then solved", "x"))
    difference = grid.difference(table, one, other, "total_r2", "linear")
    assert difference.to_list() == pytest.approx([30, 10, 2])
    none = ("32", "x", "L1")
    assert_refused(lambda: grid.difference(table, one, none, "total_r2", "linear"), ValueError, "'32'", "linear", "3")
    assert_refused(lambda: grid.difference(table, one, other, "r2", "linear"), ValueError, "measure", "'sharpe'")
