"""The run behind Table 6: its order, its file, its summary and its command line. The cells here are cheap ones."""

import itertools
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.data.simulated import simulate_market
from helpers.evaluation.metrics import total_r2
from helpers.experiments import cells as shared
from helpers.experiments import table6
from helpers.models.pca import PCAFactors
from tests.common import assert_refused

ROOT = Path(__file__).parent.parent
HEADER = ",".join(table6.COLUMNS) + "\n"
FEW = table6.cells(models=("PCA", "IPCA"), factors=(1, 2), repetitions=2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run in this process: the file, and the table."""
    path = tmp_path_factory.mktemp("table6") / "whole.csv"
    return path, table6.run(path, FEW, n_jobs=1)


def assert_same_rows(table, other):
    """The same cells, each once, with the same numbers; only the clock may differ."""
    __tracebackhide__ = True
    pd.testing.assert_frame_equal(table.drop(columns="seconds"), other.drop(columns="seconds"))
    assert not table.drop(columns="seconds").duplicated().any()


@pytest.mark.parametrize("distribution", ["tensorflow", "tensorflow-cpu"])
def test_a_row_names_the_version_of_tensorflow_whatever_it_was_installed_as(distribution, monkeypatch):
    def version(name):
        if name in ("numpy", "keras", distribution):
            return "1.2.3"
        raise shared.PackageNotFoundError(name)

    monkeypatch.setattr(shared, "version", version)
    assert shared.versions.__wrapped__().split()[1:] == ["numpy-1.2.3", "keras-1.2.3", "tensorflow-1.2.3"]


def test_a_row_names_jax_where_jax_made_it(monkeypatch):
    monkeypatch.setattr(shared, "version", lambda name: "1.2.3")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert shared.versions.__wrapped__().split()[1:] == ["numpy-1.2.3", "keras-1.2.3", "jax-1.2.3"]


# What is run, and in which order


def test_every_cell_of_the_table_is_there_once():
    cells = table6.cells()
    assert len(cells) == len(set(cells)) == 2 * (2 * 6 * 100 + 4 * 100 + 4 * 5 * 20)
    for case, model, n_factors in itertools.product(table6.CASES, table6.MODELS, table6.FACTORS):
        found = sorted(repetition for c, repetition, m, k in cells if (c, m, k) == (case, model, n_factors))
        assert found == list(range(20 if model.startswith("CA") and n_factors != 3 else 100))


def test_some_cells_alone_can_be_asked_for():
    assert table6.cells(("nonlinear",), ("CA1", "PCA"), (3, 1), repetitions=2, repetitions_elsewhere=1) == [
        ("nonlinear", 0, "CA1", 3),
        ("nonlinear", 0, "CA1", 1),
        ("nonlinear", 0, "PCA", 3),
        ("nonlinear", 0, "PCA", 1),
        ("nonlinear", 1, "CA1", 3),
        ("nonlinear", 1, "PCA", 3),
        ("nonlinear", 1, "PCA", 1),
    ]


def test_variants_are_run_when_asked_for_and_count_as_the_models_they_vary():
    cells = table6.cells(("linear",), table6.VARIANTS, (1, 3), repetitions=4, repetitions_elsewhere=2)
    counts = {key: sum(cell[2:] == key for cell in cells) for key in itertools.product(table6.VARIANTS, (1, 3))}
    elsewhere = [("IPCA constant", 1), ("IPCA constant", 3), ("CA1 managed", 3), ("CA3 plain", 3)]
    assert [counts[variant] for variant in elsewhere] == [4, 4, 4, 4]
    assert counts["CA1 managed", 1] == counts["CA1 plain", 1] == counts["CA3 plain", 1] == 2
    assert not {cell[2] for cell in table6.cells(repetitions=1)} & set(table6.VARIANTS)


def test_whenever_the_run_is_stopped_the_table_is_balanced():
    cells = table6.cells()
    for stop in range(0, len(cells), 211):
        counts = pd.Series(0, pd.MultiIndex.from_product([table6.CASES, table6.MODELS, table6.FACTORS]))
        for case, _, model, n_factors in cells[:stop]:
            counts[case, model, n_factors] += 1
        often = counts.to_numpy().reshape(2, 6, 6)
        simple, networks = often[:, :2].ravel(), often[:, 2:]
        at_three, elsewhere = networks[:, :, 2].ravel(), np.delete(networks, 2, axis=2).ravel()
        every_time = np.concatenate([simple, at_three])
        assert np.ptp(every_time) <= 1 and np.ptp(elsewhere) <= 1
        assert (np.abs(elsewhere[:, None] - every_time / 5) <= 1).all()


def test_fewer_repetitions_than_elsewhere_are_no_more_elsewhere():
    assert len(table6.cells(models=("CA0",), repetitions=3)) == 2 * 6 * 3


BAD_CELLS = {
    "an unknown case": ({"cases": ("square",)}, ValueError, "cases", "'linear'", "'square'"),
    "an unknown case after a known one": (
        {"cases": ("linear", "square", "nonlinear")}, ValueError, "cases must be one of 'linear'", "'square' was given",
    ),
    "an unknown model": ({"models": ("CA4",)}, ValueError, "models", "'CA3'", "'CA4'"),
    "too many factors": ({"factors": (7,)}, ValueError, "factors", "7"),
    "no repetitions": ({"repetitions": 0}, ValueError, "repetitions", "at least 1"),
    "half a repetition": ({"repetitions": 0.5}, TypeError, "repetitions", "whole number"),
    "no repetitions elsewhere": ({"repetitions_elsewhere": 0}, ValueError, "repetitions_elsewhere", "at least 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_CELLS)
def test_cells_that_are_none_are_refused(case):
    arguments, *refusal = BAD_CELLS[case]
    assert_refused(lambda: table6.cells(**arguments), *refusal)


def test_an_unknown_model_is_not_made():
    assert_refused(lambda: table6.make("CA1 shaved", 3), ValueError, "model", "'CA1 managed'", "'CA1 shaved'")


def test_names_stand_for_the_papers_models():
    units = {"CA0": (), "CA1": (32,), "CA2": (32, 16), "CA3": (32, 16, 8)}
    for name, hidden_units in units.items():
        model = table6.make(name, 4, seed=6)
        assert (model.n_factors, model.hidden_units) == (4, hidden_units)
        assert (model.seed, model.n_members) == (6, table6.N_MEMBERS)
        assert (model.l1, model.factor_inputs, model.batch_normalization) == (table6.STRENGTHS, "portfolios", True)
    assert (table6.make("PCA", 2).n_factors, table6.make("IPCA", 2).constant) == (2, False)
    assert table6.make("IPCA constant", 2).constant is True
    assert table6.make("CA1 managed", 2).factor_inputs == "managed"
    assert table6.make("CA1 managed", 2).batch_normalization
    assert table6.make("CA3 plain", 2).hidden_units == (32, 16, 8)
    assert not table6.make("CA3 plain", 2).batch_normalization


# A row


def test_a_row_of_pca_is_what_a_hand_computes():
    row = table6.run_cell("linear", 3, "PCA", 2)
    market = simulate_market("linear", seed=3)
    returns, truth = market.panel.returns, market.reconstruction
    _, _, right = np.linalg.svd(returns[:120])
    factors = returns @ right[:2].T
    means = np.array([factors[:d].mean(axis=0) for d in range(120, 180)])
    true_means = np.array([market.factors[:d].mean(axis=0) for d in range(120, 180)])
    expected_truth = np.array([market.betas[d] @ mean for d, mean in zip(range(120, 180), true_means, strict=True)])
    tested = returns[120:]

    def share(reconstruction):
        return 1 - np.sum((tested - reconstruction) ** 2) / np.sum(tested**2)

    assert [row[name] for name in table6.KEY] == ["linear", 3, "PCA", 2]
    assert np.isclose(row["total_r2"], share(factors[120:] @ right[:2]))
    assert np.isclose(row["predictive_r2"], share(means @ right[:2]))
    assert np.isclose(row["truth_total_r2"], share(truth[120:]))
    assert np.isclose(row["truth_predictive_r2"], share(expected_truth))
    assert np.isnan([row["one_member_total_r2"], row["l1"], row["epochs"]]).all()
    assert row["settings"] == "the defaults" and f"numpy-{np.__version__}" in row["versions"] and row["seconds"] > 0
    assert list(row) == table6.COLUMNS


def test_a_row_of_a_network_is_fitted_to_training_and_validation_dates_apart(monkeypatch):
    monkeypatch.setattr(table6, "N_MEMBERS", 2)
    monkeypatch.setattr(table6, "STRENGTHS", (0.01,))
    row = table6.run_cell("linear", 1, "CA0", 1)
    panel = simulate_market("linear", seed=1).panel
    model = table6.make("CA0", 1, seed=1).fit(panel[:60], panel[60:120])
    tested = panel[120:]
    alone = [total_r2(tested.returns, m.betas(tested)[:, :, 0] * m.factors(tested)) for m in model.members_]
    assert np.isclose(row["total_r2"], total_r2(tested.returns, model.reconstruct(tested)))
    assert np.isclose(row["predictive_r2"], total_r2(tested.returns, model.predict(tested, panel[:120])))
    assert np.isclose(row["one_member_total_r2"], np.mean(alone))
    assert row["l1"] == 0.01 and row["epochs"] == model.history_["epoch"].max()
    assert row["settings"] == table6.settings("CA0")


def test_components_are_fitted_to_training_and_validation_dates_together():
    panel = simulate_market("nonlinear", seed=2).panel
    fitted = PCAFactors(2).fit(panel[:120])
    row = table6.run_cell("nonlinear", 2, "PCA", 2)
    assert row["total_r2"] == pytest.approx(total_r2(panel[120:].returns, fitted.reconstruct(panel[120:])), rel=1e-12)


def test_the_seconds_are_those_that_the_cell_took(stored):
    start = time.perf_counter()
    row = table6.run_cell("linear", 5, "IPCA", 3)
    assert 0 < row["seconds"] <= time.perf_counter() - start
    assert (stored["seconds"] > 0).all()


# The stored table

REMADE = [
    ("linear", 0, "PCA", 1), ("nonlinear", 7, "PCA", 6), ("linear", 99, "PCA", 3),
    ("linear", 0, "IPCA", 6), ("nonlinear", 99, "IPCA", 3), ("nonlinear", 41, "IPCA", 1),
]  # fmt: skip


@pytest.fixture(scope="module")
def stored():
    return table6.read()


def stored_row(stored, cell):
    rows = stored[(stored[table6.KEY] == list(cell)).all(axis=1)]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize("cell", REMADE, ids=str)
def test_stored_rows_are_made_again_to_the_printed_digit(cell, stored):
    made, row = table6.run_cell(*cell), stored_row(stored, cell)
    for name in ("total_r2", "predictive_r2", "truth_total_r2", "truth_predictive_r2"):
        assert float(f"{made[name]:.6g}") == pytest.approx(row[name], rel=2e-6, abs=1e-8)
    assert row[["one_member_total_r2", "l1", "epochs"]].isna().all()


def test_a_stored_row_of_a_network_is_made_again(stored):
    """To what another processor may change by rounding otherwise; an untrained network explains next to nothing."""
    made, row = table6.run_cell("linear", 0, "CA0", 3), stored_row(stored, ("linear", 0, "CA0", 3))
    assert row["total_r2"] > 0.3
    for name in ("total_r2", "predictive_r2", "one_member_total_r2"):
        assert made[name] == pytest.approx(row[name], abs=5e-3)
    assert made["truth_total_r2"] == pytest.approx(row["truth_total_r2"], rel=2e-6)
    assert made["l1"] in table6.STRENGTHS and made["epochs"] == pytest.approx(row["epochs"], abs=10)


# The file


def test_a_run_writes_every_cell_once_in_order(whole):
    path, table = whole
    assert list(table.columns) == table6.COLUMNS and len(table) == len(FEW)
    assert list(table[table6.KEY].itertuples(index=False, name=None)) == [
        (case, repetition, model, n_factors)
        for case in table6.CASES for model in ("PCA", "IPCA") for n_factors in (1, 2) for repetition in (0, 1)
    ]  # fmt: skip
    row = table.query("case == 'nonlinear' and repetition == 1 and model == 'IPCA' and n_factors == 2").iloc[0]
    assert row["total_r2"] == pytest.approx(table6.run_cell("nonlinear", 1, "IPCA", 2)["total_r2"], rel=1e-5)
    lines = path.read_text().splitlines()
    assert len(lines) == len(FEW) + 1 and {line.count(",") for line in lines} == {len(table6.COLUMNS) - 1}


def test_a_finished_run_does_nothing_more(whole, monkeypatch):
    path, table = whole
    content = path.read_bytes()
    monkeypatch.setattr(table6, "run_cell", None)
    assert_same_rows(table6.run(path, FEW, n_jobs=1), table)
    assert path.read_bytes() == content


def test_a_cell_asked_for_twice_is_made_once(tmp_path, whole):
    assert_same_rows(table6.run(tmp_path / "twice.csv", [*FEW, *FEW], n_jobs=1), whole[1])


def stop_after(n_cells, monkeypatch):
    """From now on `run_cell` is interrupted after so many cells, as by Ctrl-C. The cells that it was asked for."""
    asked, genuine = [], table6.run_cell

    def run_cell(*cell):
        if len(asked) == n_cells:
            raise KeyboardInterrupt
        asked.append(cell)
        return genuine(*cell)

    monkeypatch.setattr(table6, "run_cell", run_cell)
    return asked


@pytest.mark.parametrize("cut", [0, 1, 40, None])
def test_a_run_that_was_interrupted_goes_on_where_it_was(cut, whole, tmp_path, monkeypatch):
    """The file loses its last characters too, as when the power goes; `cut` None takes the last line but one letter."""
    path = tmp_path / "stopped.csv"
    first = stop_after(5, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        table6.run(path, FEW, n_jobs=1)
    monkeypatch.undo()
    content = path.read_bytes()
    left = content.count(b"\n") - 1
    assert 4 <= left <= 5
    last_line = len(content.splitlines(keepends=True)[-1])
    cut = last_line - 1 if cut is None else cut
    path.write_bytes(content[: len(content) - cut])

    second = stop_after(1000, monkeypatch)
    assert_same_rows(table6.run(path, FEW, n_jobs=1), whole[1])
    kept = left - bool(cut)
    assert second == FEW[kept:] and first[:kept] == FEW[:kept]


@pytest.mark.parametrize("kept", [0, 1, len(HEADER) - 1, len(HEADER)])
def test_a_run_stopped_in_its_first_line_begins_again(kept, tmp_path):
    path = tmp_path / "begun.csv"
    path.write_text(HEADER[:kept])
    table = table6.run(path, FEW[:1], n_jobs=1)
    assert len(table) == 1 and path.read_text().startswith(HEADER) and path.read_text().count("\n") == 2


def test_a_run_that_was_killed_goes_on_where_it_was(whole, tmp_path):
    path = tmp_path / "killed.csv"
    imports = "from helpers.experiments import table6; from tests.test_table6 import FEW"
    code = f"{imports}; table6.run({str(path)!r}, FEW, n_jobs=1)"
    run = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60

    def begun():
        return path.exists() and path.read_bytes().count(b"\n") > 3

    while not begun() and time.monotonic() < deadline and run.poll() is None:
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert path.read_bytes().count(b"\n") > 3
    assert_same_rows(table6.run(path, FEW, n_jobs=1), whole[1])


def test_two_processes_make_the_same_rows_as_one(whole, tmp_path):
    assert_same_rows(
        table6.run(tmp_path / "two.csv", FEW[:8], n_jobs=2), whole[1].query("repetition == 0").reset_index(drop=True)
    )


def test_an_error_in_a_cell_leaves_what_was_finished(tmp_path):
    path = tmp_path / "wrong.csv"
    todo = [*FEW[:2], ("linear", 0, "CA9", 1)]
    assert_refused(lambda: table6.run(path, todo, n_jobs=1), ValueError, "model", "'CA9'")
    assert len(table6.run(path, FEW[:2], n_jobs=1)) == 2


def test_another_programs_file_is_refused_and_left_as_it_is(tmp_path):
    notes, picture = b"a,b\n1,2\nlast line without an end", b"\x89PNG\xff\xfe\n\x00\x01"
    for name, content in (("notes.txt", notes), ("picture.csv", picture)):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError):
            table6.run(path, FEW, n_jobs=1)
        assert path.read_bytes() == content
    assert_refused(lambda: table6.read(tmp_path / "notes.txt"), ValueError, "notes.txt", "not a table made by", "a, b")


def test_a_file_made_with_other_settings_is_refused_and_left_as_it_is(whole, tmp_path):
    path = tmp_path / "other.csv"
    whole[1].assign(settings="2 members; l1 0.5; else the defaults").to_csv(path, index=False)
    content = path.read_bytes()
    for call in (lambda: table6.read(path), lambda: table6.run(path, FEW, n_jobs=1)):
        assert_refused(call, ValueError, "other.csv", "other settings", "2 members; l1 0.5", "--out")
    assert path.read_bytes() == content


def test_rows_are_read_in_the_order_of_the_paper_whatever_their_order_in_the_file(whole, tmp_path):
    whole[1].sample(frac=1, random_state=0).to_csv(tmp_path / "shuffled.csv", index=False)
    pd.testing.assert_frame_equal(table6.read(tmp_path / "shuffled.csv"), whole[1])


# The table


# The sums of what the paper prints: over K = 1, …, 6 of each model, and over the six models of each K.
OVER_FACTORS = {
    ("linear", "total_r2"): [34.9, 215.6, 176.1, 198.1, 192.4, 152.4],
    ("linear", "predictive_r2"): [0.28, 18.42, 17.44, 18.12, 17.84, 15.35],
    ("nonlinear", "total_r2"): [36.3, 72.4, 46.8, 167.1, 160.3, 80.5],
    ("nonlinear", "predictive_r2"): [0.80, 4.85, 4.51, 14.98, 14.94, 7.70],
}
OVER_MODELS = {
    ("linear", "total_r2"): [90.6, 148.7, 184.8, 184.5, 181.8, 179.1],
    ("linear", "predictive_r2"): [10.68, 14.22, 15.92, 15.84, 15.50, 15.29],
    ("nonlinear", "total_r2"): [69.5, 88.4, 103.1, 104.3, 100.7, 97.4],
    ("nonlinear", "predictive_r2"): [7.34, 7.75, 8.48, 8.44, 8.07, 7.70],
}
OVER_ALL = {
    ("linear", "total_r2"): 969.5,
    ("linear", "predictive_r2"): 87.45,
    ("nonlinear", "total_r2"): 563.4,
    ("nonlinear", "predictive_r2"): 47.78,
}


@pytest.mark.parametrize(("case", "measure"), OVER_ALL)
def test_the_papers_144_numbers_add_up(case, measure):
    """A slip in one number changes a sum of each kind; two numbers that change places change two."""
    paper = table6.paper_table().loc[case, measure].unstack("n_factors").loc[list(table6.MODELS), list(table6.FACTORS)]
    assert paper.size == 36
    assert paper.sum(axis=1).to_list() == pytest.approx(OVER_FACTORS[case, measure], abs=1e-9)
    assert paper.sum(axis=0).to_list() == pytest.approx(OVER_MODELS[case, measure], abs=1e-9)
    assert paper.sum(axis=None) == pytest.approx(OVER_ALL[case, measure], abs=1e-9)


def test_the_papers_table_is_complete_and_as_printed():
    paper = table6.paper_table()
    assert paper.shape == (72, 2) and paper.notna().all(axis=None)
    assert paper.loc["linear", "IPCA", 3].to_dict() == {"total_r2": 40.7, "predictive_r2": 3.33}
    assert paper.loc["linear", "CA0", 6].to_dict() == {"total_r2": 33.2, "predictive_r2": 3.13}
    assert paper.loc["linear", "PCA", 5].to_dict() == {"total_r2": 7.1, "predictive_r2": -0.01}
    assert paper.loc["nonlinear", "CA1", 3].to_dict() == {"total_r2": 31.8, "predictive_r2": 2.70}
    assert paper.loc["nonlinear", "CA2", 4].to_dict() == {"total_r2": 31.8, "predictive_r2": 2.80}
    assert paper.loc["nonlinear", "CA3", 1].to_dict() == {"total_r2": 15.9, "predictive_r2": 1.77}


def test_the_summary_is_means_and_standard_errors_by_hand(whole):
    table = whole[1].assign(predictive_r2=lambda t: t["predictive_r2"] + 0.01 * t["repetition"])
    summary = table6.summary(table)
    assert list(summary.index) == list(itertools.product(table6.CASES, ("PCA", "IPCA"), (1, 2)))
    for key, row in summary.iterrows():
        rows = table[(table["case"] == key[0]) & (table["model"] == key[1]) & (table["n_factors"] == key[2])]
        for measure in ("total_r2", "predictive_r2"):
            a, b = 100 * rows[measure]
            assert row[measure, "ours"] == pytest.approx((a + b) / 2)
            assert row[measure, "se"] == pytest.approx(abs(a - b) / 2)
            assert row[measure, "truth"] == pytest.approx(100 * rows[f"truth_{measure}"].mean())
            assert row[measure, "paper"] == table6.PAPER[key[0], measure][key[1]][key[2] - 1]
        assert row["", "repetitions"] == len(rows) == 2


def test_a_variant_is_summed_up_without_a_number_from_the_paper(whole):
    summary = table6.summary(whole[1].replace({"model": {"IPCA": "IPCA constant"}}))
    assert summary.loc["linear", "IPCA constant", 1][[("total_r2", "paper"), ("predictive_r2", "paper")]].isna().all()
    assert summary.loc["linear", "IPCA constant", 1]["total_r2", "ours"] > 10


# The command line


def command(*arguments):
    return ["--jobs", "1", "--repetitions", "1", *map(str, arguments)]


def assert_summary_of_the_command(experiment, arguments, table, tmp_path, capsys, *words):
    """The command makes the rows of the first repetition, and prints what is made of them."""
    __tracebackhide__ = True
    path = tmp_path / "mine.csv"
    experiment.main(command(*arguments, "--out", path))
    assert_same_rows(experiment.read(path), table.query("repetition == 0").reset_index(drop=True))
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("nonlinear", "total_r2", "se", "repetitions", *words))


def test_the_command_makes_the_file_and_prints_the_summary(tmp_path, capsys, whole):
    arguments = ["--models", "PCA", "IPCA", "--factors", 1, 2]
    assert_summary_of_the_command(table6, arguments, whole[1], tmp_path, capsys, "IPCA", "paper", "ours")


BAD_COMMANDS = {
    "an unknown model": (["--models", "CA4"], "--models", "'CA4'", "'CA3'"),
    "too many factors": (["--factors", "7"], "--factors", "7"),
    "no repetitions": (["--repetitions", "0"], "repetitions", "at least 1"),
    "a folder that is not there": (
        ["--models", "PCA", "--out", "nowhere/mine.csv"], "nowhere/mine.csv", "No such file"
    ),
    "a folder for the file": (["--models", "PCA", "--out", "."], "directory"),
    "no scheduler": (["--models", "PCA", "--dask", "tcp://127.0.0.1:1"], "127.0.0.1:1"),
    "no address": (["--models", "PCA", "--dask", "here:and:there"], "here:and:there"),
}


@pytest.mark.parametrize("case", BAD_COMMANDS)
def test_a_wrong_command_is_refused_in_a_sentence(case, capsys, tmp_path, monkeypatch):
    arguments, *fragments = BAD_COMMANDS[case]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(table6, "STORED", tmp_path / "never.csv")
    monkeypatch.setattr(shared, "DASK_TIMEOUT", 0.5)
    with pytest.raises(SystemExit) as leaving:
        table6.main(arguments)
    message = capsys.readouterr().err
    assert leaving.value.code == 2 and "Traceback" not in message
    assert all(fragment in message for fragment in fragments), message
    assert not list(tmp_path.iterdir())


def test_interrupted_the_command_says_how_to_go_on(tmp_path, monkeypatch):
    stop_after(2, monkeypatch)
    with pytest.raises(SystemExit) as leaving:
        table6.main(command("--models", "PCA", "--out", tmp_path / "mine.csv"))
    assert "Stopped" in leaving.value.code and "mine.csv" in leaving.value.code
    assert "the same command" in leaving.value.code
    assert len(table6.read(tmp_path / "mine.csv")) >= 1


def test_help_is_given_where_the_module_is_started():
    asked = [sys.executable, "-m", "helpers.experiments.table6", "--help"]
    run = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    options = "cases", "models", "factors", "repetitions", "repetitions-elsewhere", "jobs", "dask", "out"
    for option in (f"--{name}" for name in options):
        assert option in run.stdout
    assert "python -m helpers.experiments.table6" in run.stdout and "Table 6" in run.stdout and not run.stderr


def test_started_as_a_module_the_workers_know_its_functions_by_their_name(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(table6, "main", lambda: seen.append("helpers.experiments.table6.main"))
    with pytest.warns(RuntimeWarning, match="helpers.experiments.table6"):
        runpy.run_module("helpers.experiments.table6", run_name="__main__")
    assert seen == ["helpers.experiments.table6.main"]


def test_a_client_whose_thread_begins_late_is_asked_for_once_more(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="distributed, for clusters, is not installed.")
    asked = []

    def late(address, timeout):
        asked.append(address)
        if len(asked) % 2:
            raise AssertionError  # as distributed does after ten seconds
        return timeout

    monkeypatch.setattr(distributed, "Client", late)
    assert shared.dask_client("tcp://x:1") == shared.DASK_TIMEOUT and asked == 2 * ["tcp://x:1"]


def test_on_a_cluster_the_rows_are_those_made_here(tmp_path, whole, capsys):
    distributed = pytest.importorskip("distributed", reason="distributed, for clusters, is not installed.")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        path = tmp_path / "cluster.csv"
        table6.main(
            command("--models", "PCA", "IPCA", "--factors", 1, 2, "--out", path, "--dask", cluster.scheduler_address)
        )
    assert_same_rows(table6.read(path), whole[1].query("repetition == 0").reset_index(drop=True))
    assert "IPCA" in capsys.readouterr().out
    assert os.environ.get("DASK_SCHEDULER_ADDRESS") is None
