"""A study from a file to its page: fitted once, kept, resumed; its numbers by second routes and beside the truth."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from helpers.data import published
from helpers.data.published import write_published_layout
from helpers.data.ranks import rank_across_tickers
from helpers.data.reader import read_panel
from helpers.data.simulated import simulate_market
from helpers.evaluation.comparison import compare
from helpers.evaluation.inference import newey_west
from helpers.evaluation.inspection import characteristic_importance
from helpers.evaluation.metrics import predictive_r2, total_r2
from helpers.evaluation.portfolios import sharpe_ratio
from helpers.evaluation.walk_forward import out_of_sample
from helpers.experiments import study_cells, study_scores
from helpers.experiments import study_tables as tables
from helpers.experiments.study import main, report, run_study
from helpers.experiments.study_cells import jobs_of, model_path, read_cell
from helpers.experiments.study_data import data_folder, market
from helpers.experiments.study_example import DRIVERS, TrueBetas, write_example
from helpers.experiments.study_file import Study
from helpers.experiments.study_locks import alone
from helpers.experiments.study_scores import EQUAL, NYSE, VALUE, _Scene, scores_of
from helpers.models import stacked
from helpers.models.base import FactorModel
from helpers.models.ipca import InstrumentedPCA
from helpers.models.neural_ipca import NeuralIPCA
from helpers.models.pca import PCAFactors
from helpers.models.regression import TimeSeriesRegression
from tests.common import assert_refused

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"n_tickers": 120, "n_dates": 70, "n_characteristics": 4}  # March 1957 to December 1962: six calendar years
DATA = """
title = "Small & quick"
K = [1, 2]

[data]
path = "simulated_characteristics.csv"
layout = "gkx"
returns_path = "simulated_returns.csv"
returns = "RET"
size = "me"
exchange = "exchcd"

[split]
train = 3
validation = 1

[report]
portfolios = 5
draws = 100
"""
MODELS = """
[models.IPCA]

[models.CA1]
K = [1]
n_members = 2
l1 = 0.003
epochs = 3

[models."true β"]
class = "helpers.experiments.study_example:TrueBetas"
K = [2, 3]
"""
CLOSED = '[models.IPCA]\n\n[models."true β"]\nclass = "helpers.experiments.study_example:TrueBetas"\n'
# Models of somebody's own, in a module beside the study file.
MINE = """
import os, signal, time
from pathlib import Path
from helpers.models.ipca import InstrumentedPCA

class Slow(InstrumentedPCA):
    def fit(self, panel, validation=None):
        time.sleep(0.3)
        return super().fit(panel, validation)

class Failing(InstrumentedPCA):
    def fit(self, panel, validation=None):
        if panel.n_dates > 40:
            raise RuntimeError("too much to learn")
        return super().fit(panel, validation)

class Dying(InstrumentedPCA):
    def fit(self, panel, validation=None):
        mark = Path(__file__).with_name("died")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(panel, validation)

class Mortal(InstrumentedPCA):
    def fit(self, panel, validation=None):
        os.kill(os.getpid(), signal.SIGKILL)

class Nothing:
    pass
"""


def files_of(folder):
    """The data of the small study, in a folder."""
    write_example(folder, **SIZES)
    (folder / "mine.py").write_text(MINE, encoding="utf-8")
    return folder


def study_in(folder, models, text=DATA):
    path = files_of(folder) / "small.toml"
    path.write_text(text + models, encoding="utf-8")
    return path


def command(*arguments):
    """The command in a process of its own, which shows its progress as it does to a user."""
    asked = [sys.executable, "-m", "helpers.experiments.study", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TQDM")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(asked, cwd=ROOT, text=True, env=environment, start_new_session=True, **pipes)


def main_ended(arguments, code=0):
    """Runs the command in this process, and asks how it ended."""
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    assert leaving.value.code == code


def make_folder(path):
    path.mkdir()
    return path


def cells_of(path):
    """By name, the bytes of what is kept of the cells."""
    folder = path.with_name("small_kept") / "cells"
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*.npz"))}


def report_of(path):
    folder = path.with_name("small_kept") / "report"
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*.*"))}


def said_by(arguments, capsys):
    """How the command ends, and what it says on the standard error."""
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    return leaving.value.code, capsys.readouterr().err


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The small study, run, with its report."""
    path = study_in(tmp_path_factory.mktemp("study"), MODELS)
    table = run_study(path, n_jobs=1)
    report(path)
    return path, table


@pytest.fixture(scope="module")
def kept(done):
    study = Study.from_toml(done[0])
    data = data_folder(study)
    return study, market(data), scores_of(study, data)


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_every_cell_is_fitted_once_and_the_next_run_fits_none(done, capsys):
    path, table = done
    assert len(table) == 2 * (2 + 1 + 2) and set(table["state"]) == {"fitted"}
    before = {file: file.stat().st_mtime_ns for file in path.parent.rglob("*.npz")}
    assert set(run_study(path, n_jobs=1)["state"]) == {"kept"}
    assert {file: file.stat().st_mtime_ns for file in path.parent.rglob("*.npz")} == before
    log = (path.parent / "small_kept" / "log.txt").read_text()
    assert log.count(": fitted") == 10 and "10 cells, of which 10 are kept already" in log


def test_a_kept_cell_is_what_the_model_says_walking_forward(kept):
    study, whole, _ = kept
    walk = out_of_sample(InstrumentedPCA(2, constant=True), whole.panel, study.split)
    jobs = [job for wave in jobs_of(study, data_folder(study)) for job in wave if job.cell[:2] == ("IPCA", 2)]
    cells = [read_cell(job.path) for job in jobs]
    at = 0
    for job, cell in zip(jobs, cells, strict=True):
        rows = walk.dates.get_indexer(cell.dates)
        columns = whole.panel.tickers.get_indexer(cell.tickers)
        for ours, theirs in ((cell.reconstruction, walk.reconstruction), (cell.prediction, walk.prediction)):
            expected = np.asarray(theirs)[np.ix_(rows, columns)]
            assert np.array_equal(np.isnan(ours), np.isnan(expected))
            assert np.allclose(ours, expected, rtol=1e-6, atol=1e-8, equal_nan=True)
        model = FactorModel.load(model_path(job.path))
        assert np.array_equal(model.gamma_, walk.models[job.cell.fold].gamma_)
        past = whole.panel[: len(cell.factors[0])]
        assert np.allclose(cell.factors[0], model.factors(past)) and cell.about["test"][0] == str(cell.dates[0].date())
        at += len(cell.dates)
    assert at == len(walk.dates) == 24


def test_numbers_of_the_report_are_those_of_compare(kept):
    study, whole, found = kept
    models = {"IPCA": InstrumentedPCA(2, constant=True), "true β": TrueBetas(2)}
    measures = {"total": "total R²", "predictive": "predictive R²"}
    expected = compare(models, whole.panel, study.split, list(measures.values()))
    for what, measure in measures.items():
        table = tables.r2_table(found, what)
        for name in models:
            ours, theirs = table.loc[(name, 2)], expected.loc[(measure, name)]
            assert ours["value"] == pytest.approx(theirs["score"], rel=1e-5)
            assert ours["standard error"] == pytest.approx(theirs["standard error"], rel=1e-4)
        for ours in ("difference", "standard error of difference", "t"):
            assert table.loc[("true β", 2), ours] == pytest.approx(expected.loc[(measure, "true β"), ours], rel=1e-3)


def test_managed_portfolios_importance_and_tangency_by_second_routes(kept):
    study, whole, found = kept
    score = next(score for score in found.scores if score.name == "IPCA, K = 2")
    walk = out_of_sample(InstrumentedPCA(2, constant=True), whole.panel, study.split)
    x, x_hat = [], []
    for d in range(len(walk.dates)):
        there = ~np.isnan(walk.returns[d])
        z = np.column_stack([walk.panel.characteristics[d, there], np.ones(there.sum())])
        x.append(np.linalg.lstsq(z, walk.returns[d, there], rcond=None)[0])
        x_hat.append(np.linalg.lstsq(z, np.asarray(walk.reconstruction)[d, there], rcond=None)[0])
    x, x_hat = np.array(x), np.array(x_hat)
    value = tables.r2_table(found, "managed total").loc[("IPCA", 2), "value"]
    assert value == pytest.approx(1 - ((x - x_hat) ** 2).sum() / (x**2).sum(), rel=1e-5)
    alphas = tables.each_alpha(found, list("abcde")).loc["IPCA"].loc[2]
    assert np.allclose(alphas["alpha"], (x - x_hat).mean(axis=0), atol=1e-7)
    mean, error = newey_west(x - x_hat)
    assert np.allclose(alphas["t"], mean / error, rtol=1e-4)
    of_all = tables.alphas_table(found, study).loc[("IPCA", 2)]
    assert of_all["count"] == (np.abs(mean / error) > 3).sum()
    assert of_all["mean |α| by chance"] == pytest.approx(np.sqrt(2 / np.pi) * error.mean(), rel=1e-4)

    r, lost = walk.returns, np.zeros(whole.panel.n_characteristics)
    for k, model in enumerate(walk.models):
        part = walk.panel[walk.fold == k]
        shares = characteristic_importance(model, part).reindex(part.characteristic_names)
        lost += shares.to_numpy() * np.nansum(part.returns**2)
    importance = tables.importance_table(found, study, list(whole.panel.characteristic_names)).loc["IPCA", "value"]
    assert np.allclose(importance, lost / np.nansum(r**2), atol=1e-6)

    earned = []
    for d, date in enumerate(walk.dates):
        until = whole.panel.dates.get_loc(date)
        f = np.asarray(walk.models[walk.fold[d]].factors(whole.panel[: until + 1]))
        w = np.linalg.solve(np.cov(f[:-1].T), f[:-1].mean(axis=0))
        earned.append(0.01 * f[-1] @ w / np.sqrt(w @ np.cov(f[:-1].T) @ w))
    assert np.allclose(score.tangency, earned, atol=1e-7)


def test_sorted_portfolios_by_plain_loops(kept):
    study, whole, found = kept
    score = next(score for score in found.scores if score.name == "true β, K = 2")
    walk = out_of_sample(TrueBetas(2), whole.panel, study.split)
    first = len(whole.panel.dates) - len(walk.dates)
    for kind, by_size, at_nyse in ((EQUAL, 0, 0), (VALUE, 1, 0), (NYSE[EQUAL], 0, 1), (NYSE[VALUE], 1, 1)):
        for d in range(0, len(walk.dates), 5):
            size, nyse, said = whole.size[first + d], whole.nyse[first + d], np.asarray(walk.prediction)[d]
            known = ~np.isnan(said) & (~np.isnan(size) | (not by_size))
            cutting = sorted(said[known & (nyse == 1)] if at_nyse else said[known])
            edges = [cutting[-(-p * len(cutting) // 5)] for p in range(1, 5)]  # the lowest of each portfolio but one
            portfolio = np.searchsorted(edges, np.nan_to_num(said, nan=-9), side="right")
            if at_nyse:  # between two that cut, the higher portfolio's range begins above the lower's last
                below = [cutting[-(-p * len(cutting) // 5) - 1] for p in range(1, 5)]
                portfolio = np.searchsorted(below, np.nan_to_num(said, nan=-9), side="left")
            for p in (0, 4):
                held = known & (portfolio == p)
                weights = size[held] if by_size else np.ones(held.sum())
                expected = (np.nan_to_num(walk.returns[d, held]) * weights).sum() / weights.sum()
                assert score.returns[kind][p, d] == pytest.approx(expected, rel=1e-6, abs=1e-9)
    spread = score.returns[EQUAL][-1] - score.returns[EQUAL][0]
    table = tables.sharpe_table(found, study, tables.long_short(EQUAL))
    row = table.loc[("true β", 2)]
    assert row["sharpe"] == pytest.approx(sharpe_ratio(spread, 12)) and row["low"] < row["sharpe"] < row["high"]
    costs = tables.costs_table(found, study).loc[EQUAL].loc["true β"].loc[2]
    assert list(costs.index) == [0, 0.001, 0.003] and costs["sharpe"].is_monotonic_decreasing
    assert costs.loc[0.0, "sharpe"] == pytest.approx(row["sharpe"]) and 0 < costs["turnover"].iloc[0] < 4


def test_groups_by_size_add_up_and_years_are_those_of_the_dates(kept):
    study, whole, found = kept
    score = found.scores[0]
    below = sum(score.parts[f"total of group {g}"].below for g in (1, 2, 3))
    sized = np.where(np.isnan(whole.size), np.nan, whole.panel.returns)[-24:]
    assert np.allclose(below, np.nansum(sized.astype(float) ** 2, axis=1))
    years = tables.years_table(found, study).loc["IPCA", "value"]
    walk = out_of_sample(InstrumentedPCA(2, constant=True), whole.panel, study.split)
    assert list(years.index) == [1961, 1962]
    for year, value in years.items():
        rows = walk.dates.year == year
        assert value == pytest.approx(total_r2(walk.returns[rows], np.asarray(walk.reconstruction)[rows]), rel=1e-5)


def test_left_out_by_the_models_themselves(kept):
    study, whole, found = kept
    walk = out_of_sample(InstrumentedPCA(2, constant=True), whole.panel, study.split)
    alone = np.concatenate([m.leave_one_out(walk.panel[walk.fold == k]) for k, m in enumerate(walk.models)])
    table = tables.r2_table(found, "leave-one-out")["value"]
    assert table["IPCA", 2] == pytest.approx(total_r2(walk.returns, alone), rel=1e-5)
    assert set(table.index) == set(tables.r2_table(found, "total").index)
    assert (table < tables.r2_table(found, "total")["value"]).all(), "the gift is gone"


def test_a_share_that_is_lost_is_one_of_the_returns_of_which_something_was_said(kept):
    study, whole, _ = kept
    scene = _Scene(study, whole, len(whole.panel.dates) - 24, len(whole.panel.dates))
    paths = [job.path for wave in jobs_of(study, data_folder(study)) for job in wave if job.cell[:2] == ("IPCA", 2)]
    cells = [(12 * k, read_cell(path)) for k, path in enumerate(paths)]
    for _, cell in cells:
        cell.reconstruction[:, ::2] = np.nan  # a model that says nothing of every other ticker
    found = scene.scored("IPCA", 2, (0, 1), iter(cells))
    at = np.concatenate([whole.panel.tickers.get_indexer(cell.tickers[1::2]) for _, cell in cells[:1]])
    spoken = ~np.isnan(cells[0][1].reconstruction[:, 1::2])
    squares = np.where(spoken, whole.panel.returns[-24:-12][:, at], 0).astype(float) ** 2
    expected = cells[0][1].importance * np.nansum(squares, axis=1)[:, None]
    assert np.allclose(found.importance[:12], expected) and 0.2 < found.said < 0.8


def test_a_portfolio_that_loses_all_takes_only_its_own_table_with_it(kept):
    study, whole, _ = kept
    first = len(whole.panel.dates) - 24
    wild = whole.panel.returns.copy()
    wild[first + 5, ::2] = 40.0
    panel = replace(whole.panel, returns=wild)
    scene = _Scene(study, replace(whole, panel=panel), first, len(panel.dates))
    paths = [job.path for wave in jobs_of(study, data_folder(study)) for job in wave if job.cell[:2] == ("IPCA", 2)]
    cells = [(12 * k, read_cell(path)) for k, path in enumerate(paths)]
    for _, cell in cells:
        cell.prediction[:] = -np.arange(cell.prediction.shape[1])[None] % 2  # sells what rises by 4,000 %
    found = scene.scored("IPCA", 2, (0, 1), iter(cells))
    assert "lose all capital" in found.missing["turnover by equal weights"] and EQUAL in found.returns


def test_dates_with_few_sizes_are_left_out_and_said_to_be(kept):
    study, whole, _ = kept
    first, size = len(whole.panel.dates) - 24, whole.size.copy()
    size[first + 3, 2:] = np.nan
    scene = _Scene(study, replace(whole, size=size), first, len(whole.panel.dates))
    paths = [job.path for wave in jobs_of(study, data_folder(study)) for job in wave if job.cell[:2] == ("IPCA", 2)]
    found = scene.scored("IPCA", 2, (0, 1), ((12 * k, read_cell(path)) for k, path in enumerate(paths)))
    assert np.flatnonzero(np.isnan(found.parts["total of group 1"].above)).tolist() == [3]
    assert found.missing["R² by size"] == "at 1 of the 24 dates fewer than 3 tickers have a known size"


def test_a_difference_is_from_the_first_model_or_there_is_none(kept):
    _, _, found = kept
    only = study_scores.Tested(found.dates, [s for s in found.scores if s.name != "IPCA, K = 2"], [])
    table = tables.r2_table(only, "total")
    assert only.scores[0].model == "IPCA" and not np.isnan(table.loc[("CA1", 1), "difference"])
    assert np.isnan(table.loc[("true β", 2), "difference"]), "the first model has no cell with so many factors"


def test_a_characteristic_that_nobody_has_in_a_fold_does_not_stop_it(tmp_path):
    path = study_in(tmp_path, "[models.IPCA]\nK = [1]\n")
    first = pd.read_csv(tmp_path / "simulated_characteristics.csv")
    name = first.columns.difference(["permno", "DATE"])[0]
    late = first["DATE"].astype(str).str[:4] == first["DATE"].astype(str).str[:4].max()
    first.assign(**{name: first[name].mask(late)}).to_csv(tmp_path / "simulated_characteristics.csv", index=False)
    assert set(run_study(path, n_jobs=1)["state"]) == {"fitted"}


# --- The truth --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """β · F and β · 0.03 of the example's market as they were drawn, by date and ticker, before the noise."""
    drawn = []

    def _returns(self, characteristics):
        c = rank_across_tickers(
            characteristics[:, [self.names.index(name) for name in published.DRIVERS]][None], missing="median"
        )[0]
        size, month, year = c.T
        betas = np.stack([size**2, 2 * size * year, 0.6 * np.sign(month)], axis=1)
        factors = self.random.normal(0.03, 0.1, 3)
        drawn.append((betas @ factors, betas @ np.full(3, 0.03)))
        noise = 0.1 * self.random.standard_t(5, len(c))
        return np.maximum(betas @ factors + noise, -0.99).round(6)

    folder = tmp_path_factory.mktemp("truth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published._PublishedMarket, "_returns", _returns)
        paths = write_published_layout(folder, **SIZES)
    table = pd.read_csv(paths[0], usecols=["permno", "DATE"])
    months = [group["permno"].to_numpy() for _, group in table.groupby("DATE", sort=True)]
    of_months = zip(drawn[published.BURN_IN :], months, strict=True)
    return paths, [pd.DataFrame(list(row), columns=own).T for row, own in of_months]


def test_the_report_reaches_the_truth_and_nobody_passes_it(truth, done, kept):
    (paths, by_month), (_, whole, found) = truth, kept
    for path in paths:  # it is the market of the study
        own = pd.read_csv(path)
        assert own.equals(pd.read_csv(done[0].parent / path.name)[list(own)])
    panel = whole.panel
    explained, expected = (
        np.array([month[i].reindex(panel.tickers).to_numpy() for month in by_month])[-24:] for i in (0, 1)
    )
    r = np.asarray(panel.returns[-24:], dtype=float)
    ceiling, ceiling_ahead = total_r2(r, explained), predictive_r2(r, expected)
    assert 0.25 < ceiling < 0.5 and 0 < ceiling_ahead < 0.1
    total, ahead = tables.r2_table(found, "total"), tables.r2_table(found, "predictive")
    # F by regression catches K / n of the noise: a little more than the truth, and not much.
    by_true_beta = total.loc[("true β", 3), "value"]
    assert ceiling < by_true_beta < ceiling + 3 * 3 / 50
    others = total.drop(index=("true β", 3))
    assert (others["value"] < ceiling).all() and (others["value"] > 0.02).all()
    # λ is estimated from a few years, and one market's predictive R² says little: within its errors.
    row = ahead.loc[("true β", 3)]
    assert abs(row["value"] - ceiling_ahead) < 3 * row["standard error"]
    importance = tables.importance_table(found, kept[0], list(panel.characteristic_names))
    assert importance.loc[("IPCA", "absacc"), "value"] < 0.01 < importance.loc[("IPCA", DRIVERS[2]), "value"]


# --- Stopped, and together --------------------------------------------------------------------------------------------


def test_killed_in_the_middle_it_goes_on_to_the_same_bytes(tmp_path):
    models = CLOSED + '\n[models.Slow]\nclass = "mine:Slow"\n'
    straight, path = (study_in(make_folder(tmp_path / name), models) for name in ("straight", "killed"))
    main_ended([straight, "--jobs", 1])
    running = command(path, "--jobs", 2)
    until = time.monotonic() + 120
    while len(cells_of(path)) < 6 and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    began = cells_of(path)
    assert 6 <= len(began) < 24 == len(cells_of(straight))
    again = command(path, "--jobs", 2)
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert "The report:" in out and "cells: 100%" in err
    assert cells_of(path) == cells_of(straight) and report_of(path) == report_of(straight)
    assert not [file for file in path.parent.rglob("*") if file.name.endswith(".unfinished") and file.is_dir()]


def test_two_processes_on_one_folder_fit_each_cell_once(tmp_path):
    path = study_in(tmp_path, CLOSED + '\n[models.Slow]\nclass = "mine:Slow"\n')
    both = [command(path, "--jobs", 1) for _ in range(2)]
    ends = [(process.communicate(timeout=300), process.returncode) for process in both]
    assert [code for _, code in ends] == [0, 0], ends
    log = (path.parent / "small_kept" / "log.txt").read_text()
    assert log.count(": fitted") == 12 and log.count("begins: 12 cells") == 2
    assert len({line.split()[3] for line in log.splitlines() if ": fitted" in line}) == 2  # both had a part


def test_a_lock_is_held_by_one_and_falls_with_its_process(tmp_path):
    lock = tmp_path / "locks" / "a.lock"
    code = "import time; from pathlib import Path; from helpers.experiments.study_locks import alone\n"
    code += f"with alone(Path({str(lock)!r})) as mine: print(mine, flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "True\n"
    with alone(lock) as mine:
        assert not mine
    holder.kill()
    holder.communicate()
    with alone(lock) as mine:
        assert mine
        with alone(lock) as again:
            assert not again


def test_on_a_cluster_the_numbers_are_those_made_here(done, tmp_path):
    distributed = pytest.importorskip("distributed", reason="distributed, for clusters, is not installed.")
    path = study_in(tmp_path, MODELS)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        main_ended([path, "--dask", cluster.scheduler_address])
    here, there = ({name: data for name, data in cells_of(p).items() if "CA1" not in name} for p in (done[0], path))
    assert here == there
    for name in cells_of(done[0]):
        if name.endswith(".model.npz"):
            continue
        ours, theirs = (read_cell(p.with_name("small_kept") / "cells" / name) for p in (done[0], path))
        assert np.allclose(ours.prediction, theirs.prediction, atol=1e-5, equal_nan=True)


def test_a_fold_may_begin_where_the_one_before_ended(tmp_path):
    path = study_in(tmp_path, CLOSED, "warm = true\n" + DATA)
    assert set(run_study(path, n_jobs=2)["state"]) == {"fitted"}
    study = Study.from_toml(path)
    waves = jobs_of(study, data_folder(study))
    first, second = (next(job for job in wave if job.cell[:2] == ("IPCA", 2)) for wave in waves)
    starts = [FactorModel.load(model_path(job.path)).n_starts_ for job in (first, second)]
    assert starts[0] > 1 and starts[1] == 1 and second.before == first.path
    cold = out_of_sample(InstrumentedPCA(2, constant=True), market(data_folder(study)).panel, study.split)
    warm = tables.r2_table(scores_of(study, data_folder(study)), "total").loc[("IPCA", 2), "value"]
    assert warm == pytest.approx(total_r2(cold.returns, cold.reconstruction), abs=0.01)
    truth = [job for wave in waves for job in wave if job.cell.model == "true β"]
    assert all(job.before is None for job in truth)


# --- Changed ----------------------------------------------------------------------------------------------------------


def test_a_changed_study_fits_only_what_has_changed(tmp_path):
    path = study_in(tmp_path, CLOSED)
    assert len(run_study(path, n_jobs=1)) == 8
    path.write_text(DATA.replace("[1, 2]", "[1, 2, 3]").replace("draws = 100", "draws = 50") + CLOSED)
    states = run_study(path, n_jobs=1).set_index("K")["state"]
    assert set(states[[1, 2]]) == {"kept"} and set(states[3]) == {"fitted"}
    path.write_text(DATA + CLOSED.replace("[models.IPCA]", "[models.IPCA]\nridge = 0.1"))
    states = run_study(path, n_jobs=1).set_index("model")["state"]
    assert set(states["IPCA"]) == {"fitted"} and set(states["true β"]) == {"kept"}


def test_later_dates_leave_the_cells_before_them_as_they_are(tmp_path):
    path = study_in(tmp_path, CLOSED, DATA.replace('layout = "gkx"', 'layout = "gkx"\nend = "1961"'))
    first = _files_of_cells(path)
    path.write_text(DATA + CLOSED)
    assert len(first) == 4 and first < _files_of_cells(path)


def _files_of_cells(path):
    return {job.path for wave in jobs_of(Study.from_toml(path), _made(path)) for job in wave}


def _made(path):
    study = Study.from_toml(path)
    study.folder.mkdir(exist_ok=True)
    return data_folder(study)


# --- What goes wrong --------------------------------------------------------------------------------------------------


def test_a_model_that_raises_stops_no_other(tmp_path, capsys):
    path = study_in(tmp_path, CLOSED + '\n[models.mine]\nclass = "mine:Failing"\n')
    code, said = said_by([path, "--jobs", 1], capsys)
    assert code == 1 and "mine, K = 1, fold 1 failed: RuntimeError: too much to learn" in said
    assert "2 cell(s) failed" in said and "Traceback" not in said
    page = (path.parent / "small_kept" / "report" / "index.html").read_text()
    assert "mine, K = 2, fold 1 is not kept." in page and "1 of 2" in page
    log = (path.parent / "small_kept" / "log.txt").read_text()
    assert log.count("too much to learn") >= 2 and "Traceback" in log
    table = pd.read_csv(path.parent / "small_kept" / "report" / "csv" / "total_r2_stocks.csv", index_col=["model", "K"])
    assert table.loc[("mine", 2), "dates"] == 12 and table.loc[("IPCA", 2), "dates"] == 24


def test_on_a_full_disk_it_says_so_and_keeps_what_is_finished(tmp_path, monkeypatch, capsys):
    path, save, calls = study_in(tmp_path, CLOSED), np.savez, []

    def full(*args, **kwargs):
        calls.append(1)
        if len(calls) > 6:  # two files for each cell
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(*args, **kwargs)

    monkeypatch.setattr(np, "savez", full)
    code, said = said_by([path, "--jobs", 1], capsys)
    assert code == 2 and "no room on the disk" in said and "No space left" in said and "Traceback" not in said
    finished = cells_of(path)
    assert len(finished) == 6
    monkeypatch.undo()
    assert list(run_study(path, n_jobs=1)["state"]).count("kept") == 3
    assert finished.items() < cells_of(path).items()
    assert study_cells.is_full_disk(OSError("800 requested and 0 written")) and not study_cells.is_full_disk(OSError())


def test_a_killed_worker_costs_only_what_it_was_doing(tmp_path, capsys):
    path = study_in(tmp_path, '[models.IPCA]\n[models.mine]\nclass = "mine:Dying"\n')
    assert set(run_study(path, n_jobs=2)["state"]) <= {"fitted", "kept"}
    assert "a worker was killed" in (path.parent / "small_kept" / "log.txt").read_text()
    assert len(cells_of(path)) == 16


def test_a_cell_that_kills_its_workers_is_given_up_and_no_other(tmp_path, capsys):
    path = study_in(tmp_path, '[models.IPCA]\n[models.mine]\nclass = "mine:Mortal"\nK = [1]\n')
    table = run_study(path, n_jobs=2).set_index("model")
    assert list(table.loc["mine", "state"]) == ["failed"] * 2 and set(table.loc["IPCA", "state"]) <= {"fitted", "kept"}
    assert all("3 workers were killed" in says for says in table.loc["mine", "says"])


def test_workers_that_always_die_end_the_run_in_a_sentence(tmp_path, monkeypatch, capsys):
    path = study_in(tmp_path, '[models.IPCA]\n[models.mine]\nclass = "mine:Mortal"\nK = [1]\n')
    monkeypatch.setattr("helpers.experiments.study.ATTEMPTS", 1)
    code, said = said_by([path, "--jobs", 2], capsys)
    assert code == 2 and "Workers were killed" in said and "fewer --jobs" in said and "Traceback" not in said


def test_a_damaged_cell_is_named(tmp_path, capsys):
    path = study_in(tmp_path, CLOSED)
    run_study(path, n_jobs=1)
    cell = sorted((path.parent / "small_kept" / "cells").rglob("fold01-????????????.npz"))[0]
    cell.write_bytes(cell.read_bytes()[:-500])
    code, said = said_by([path, "--report-only"], capsys)
    assert code == 2 and cell.name in said and "damaged" in said and "Traceback" not in said


BAD_FILES = {
    "a misspelt key": (("train = 3", "trian = 3"), "'trian'", "[split]", "Did you mean 'train'?"),
    "a misspelt key of data": (("returns_path", "return_path"), "'return_path'", "'returns_path'"),
    "a misspelt key at the top": (("title", "titel"), "'titel'", "'title'"),
    "a misspelt table": (("[report]", "[reprot]"), "'reprot'", "'report'"),
    "a missing key": (("train = 3\n", ""), "[split]", "'train'"),
    "a number as text": (("train = 3", 'train = "3"'), "[split] train", "whole number", "'3'"),
    "a number below 0": (("train = 3", "train = -3"), "train", "-3"),
    "a file that is not there": (("simulated_returns", "simulated_retruns"), "returns_path", "simulated_retruns.csv"),
    "no K": (("K = [1, 2]", "K = []"), "K", "[]"),
    "K that is text": (("K = [1, 2]", 'K = ["1"]'), "K", "'1'"),
    "a split longer than the data": (("train = 3", "train = 30"), "n_train = 30", "6 year(s)", "at least 32"),
    "no such column": (('size = "me"', 'size = "mee"'), "'mee'", "has no column"),
    "a model that does not exist": (("[models.IPCA]", "[models.IPAC]"), "models.IPAC", "'IPAC'", "'IPCA'"),
    "a parameter that a model has not": (("[models.IPCA]", "[models.IPCA]\nrigde = 1"), "'rigde'", "'ridge'"),
    "n_factors beside K": (("[models.IPCA]", "[models.IPCA]\nn_factors = 1"), "n_factors", "K says it"),
    "a module that does not exist": (('"helpers.experiments.study_example:', '"nowhere:'), "'nowhere'", "imported"),
    "a class that does not exist": (("TrueBetas", "Betas"), "'Betas'", "study_example"),
    "a class that is no model": (('"helpers.experiments.study_example:TrueBetas"', '"mine:Nothing"'), "FactorModel"),
    "given factors and no file of them": (("[models.IPCA]", "[models.FF]"), "'FF'", "factors", "0"),
    "a risk-free rate from nowhere": (('size = "me"', 'risk_free = "RF"'), "risk_free", "factors"),
    "no TOML": (("[data]", "[data"), "no TOML"),
    "a K of the report that is not run": (("draws = 100", "K = 9"), "[report] K", "9"),
    "a level in percent": (("draws = 100", "level = 95"), "[report] level must be between 0 and 1", "95"),
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return files_of(tmp_path_factory.mktemp("bad"))


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_wrong_file_is_refused_in_a_sentence(case, files, capsys):
    (old, new), *fragments = BAD_FILES[case]
    text = DATA + CLOSED
    assert old in text
    path = files / "small.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    code, said = said_by([path, "--jobs", 1], capsys)
    assert code == 2 and "Traceback" not in said
    assert [fragment for fragment in fragments if fragment not in said] == [], said


def test_a_command_without_a_study_or_with_one_that_is_not_there(tmp_path, capsys):
    assert "name a study file" in said_by([], capsys)[1]
    assert "no study file" in said_by([tmp_path / "none.toml"], capsys)[1]
    path = study_in(tmp_path, CLOSED)
    assert "Nothing is kept" in said_by([path, "--report-only"], capsys)[1]
    assert_refused(lambda: Study.from_table({}, tmp_path), ValueError, "[data]")


# --- Given factors, and the example -----------------------------------------------------------------------------------


def test_given_factors_are_joined_by_month_and_the_rate_is_taken_off(tmp_path):
    path = study_in(tmp_path, CLOSED)
    months = pd.date_range("1957-03-01", periods=70, freq="MS")
    random = np.random.default_rng(0)
    factors = pd.DataFrame(random.normal(0.01, 0.05, (70, 3)), months, ["MKT", "SMB", "RF"])
    factors["RF"] = 0.004
    factors.rename_axis("month").to_csv(tmp_path / "factors.csv")
    without = market(_made(path)).panel
    path.write_text(DATA.replace('size = "me"', 'size = "me"\nfactors = "factors.csv"\nrisk_free = "RF"') + CLOSED)
    whole = market(_made(path))
    assert list(whole.panel.portfolio_names) == ["MKT", "SMB"] and any("in excess of RF" in s for s in whole.sample)
    assert np.allclose(whole.panel.portfolios, factors[["MKT", "SMB"]])
    assert np.allclose(whole.panel.returns, without.returns - 0.004, atol=1e-7, equal_nan=True)
    factors.iloc[:-1].rename_axis("month").to_csv(tmp_path / "factors.csv")
    assert_refused(lambda: _made(path), ValueError, "factors.csv", "1962-12-31", "start and end")


def test_given_factors_and_components_take_stocks_that_come_and_go(tmp_path):
    models = "[models.FF]\nK = [1]\n\n[models.PCA]\nK = [1]\n"
    path = study_in(tmp_path, models, DATA.replace('size = "me"', 'size = "me"\nfactors = "factors.csv"'))
    months = pd.date_range("1957-03-31", periods=70, freq="ME")
    pd.DataFrame({"MKT": np.random.default_rng(0).normal(0.01, 0.05, 70)}, months).rename_axis("month").to_csv(
        tmp_path / "factors.csv"
    )
    table = run_study(path, n_jobs=1)
    assert set(table["state"]) == {"fitted"} and len(table) == 4
    study = Study.from_toml(path)
    whole, found = market(data_folder(study)), scores_of(study, data_folder(study))
    assert np.isnan(whole.panel.returns).mean() > 0.3
    for job in (job for wave in jobs_of(study, data_folder(study)) for job in wave):
        kept = read_cell(job.path)
        assert any("no β: they are left out" in sentence for sentence in kept.about["warnings"])
        assert np.isfinite(kept.reconstruction[~np.isnan(kept.prediction)]).all()
        assert (kept.prediction[~np.isnan(kept.prediction)] != 0).all(), "what nothing is known of is in no portfolio"
    assert all(0.5 < score.said < 1 for score in found.scores)
    assert tables.r2_table(found, "total")["value"].notna().all()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"MKT": (0.6, 4.5), "RF": (0.3, 0.1)}, "look like percent: their median size is"),
        ({"MKT": (0.006, 0.045), "RF": (0.3, 0.1)}, "the median of RF is 0.3"),
    ],
)
def test_factors_and_rates_in_percent_are_refused(tmp_path, table, said):
    text = DATA.replace('size = "me"', 'size = "me"\nfactors = "factors.csv"\nrisk_free = "RF"')
    path = study_in(tmp_path, CLOSED, text)
    months, random = pd.date_range("1957-03-31", periods=70, freq="ME"), np.random.default_rng(0)
    columns = {name: random.normal(mean, sd, 70) for name, (mean, sd) in table.items()}
    pd.DataFrame(columns, months).rename_axis("month").to_csv(tmp_path / "factors.csv")
    assert_refused(lambda: _made(path), ValueError, "The factors in factors.csv look like percent", said, "french")


def test_returns_that_are_not_in_excess_are_said_to_be_so(kept):
    assert any("no risk_free was named" in sentence for sentence in kept[1].sample)


def test_a_file_of_ones_own_stands_behind_the_characteristics(tmp_path):
    path = study_in(tmp_path, CLOSED, DATA.replace('returns = "RET"', 'returns = "RET"\nmore_path = "mine.csv"'))
    first = pd.read_csv(tmp_path / "simulated_characteristics.csv")
    mine = first[["permno", "DATE"]].assign(signal=np.random.default_rng(0).normal(size=len(first)))
    mine.to_csv(tmp_path / "mine.csv", index=False)
    panel, folder = market(_made(path)).panel, _made(path)
    assert list(panel.characteristic_names)[-1] == "signal" and panel.n_characteristics == 5
    assert (np.nanmax(panel.characteristics[:, :, 4], axis=1) > 0.9).all(), "ranked"
    mine.assign(signal=1 - mine["signal"]).to_csv(tmp_path / "mine.csv", index=False)
    assert _made(path) != folder, "what was made of another file is made anew"


def test_sizes_are_those_of_the_month_before_and_funds_are_left_out(tmp_path):
    text = DATA.replace('size = "me"', 'size = "me"\nselect = { shrcd = [10, 11] }')
    path = study_in(tmp_path, CLOSED, text)
    whole = market(_made(path))
    table = pd.read_csv(tmp_path / "simulated_returns.csv")
    table["month"] = pd.to_datetime(table["date"].astype(str)) + pd.offsets.MonthEnd(0)
    wide = table.pivot(index="month", columns="permno", values="me")
    wide = wide.reindex(index=whole.panel.dates, columns=whole.panel.tickers).shift(1)
    assert np.allclose(whole.size, wide, equal_nan=True)
    raw = read_panel(
        tmp_path / "simulated_characteristics.csv", layout="gkx", returns_path=tmp_path / "simulated_returns.csv",
        returns="RET",
    )  # fmt: skip
    funds = raw.tickers.isin(table.loc[table["shrcd"] == 14, "permno"])
    assert funds.any() and list(whole.panel.tickers) == list(raw.tickers[~funds])
    assert np.array_equal(whole.panel.returns, raw.returns[:, ~funds], equal_nan=True)
    assert any("are read: shrcd = 10 or 11." in sentence for sentence in whole.sample)


BALANCED = """
K = [1, 2]

[data]
path = "balanced.csv"
date = "month"
returns = "ret"
rank = "none"
factors = "factors.csv"

[split]
unit = "dates"
train = 30
validation = 10
refit_every = 10
expanding = false

[models.FF]

[models.PCA]
"""


def test_of_days_it_asks_how_many_are_a_year(tmp_path):
    whole = simulate_market("linear", n_dates=60, n_tickers=30, n_characteristics=3, seed=1).panel
    frame = replace(whole, dates=pd.bdate_range("2001-01-01", periods=60)).to_frame().reset_index()
    frame.columns = ["month", "ticker", "ret", *frame.columns[3:]]
    frame.to_csv(tmp_path / "balanced.csv", index=False)
    path, said = tmp_path / "small.toml", BALANCED.replace('factors = "factors.csv"\n', "").partition("[models.FF]")[0]
    path.write_text(said + "[models.IPCA]\n", encoding="utf-8")
    assert_refused(lambda: _made(path), ValueError, "balanced.csv", "periods_per_year in [report], such as 252")
    path.write_text(said + "[models.IPCA]\n[report]\nperiods_per_year = 252\n", encoding="utf-8")
    run_study(path, n_jobs=1)
    assert "× √252" in report(path).read_text(encoding="utf-8")
    path.write_text(said + "[models.IPCA]\n", encoding="utf-8")
    assert_refused(lambda: report(path), ValueError, "periods_per_year"), "also once the data are made"


def test_given_factors_and_principal_components_without_anything_beside(tmp_path):
    """A balanced panel, tickers as text, folds counted in dates, neither sizes nor exchanges."""
    whole = simulate_market("linear", n_dates=60, n_tickers=30, n_characteristics=3, seed=1).panel
    months = pd.date_range("2001-01-31", periods=60, freq="ME")
    frame = whole.to_frame().reset_index()
    frame.columns = ["month", "ticker", "ret", *frame.columns[3:]]
    frame["month"], frame["ticker"] = months[frame["month"].to_numpy()], "T" + frame["ticker"].astype(str)
    frame.to_csv(tmp_path / "balanced.csv", index=False)
    factors = pd.DataFrame(whole.portfolios[:, :2], months, ["first", "second"]).rename_axis("month")
    factors.to_csv(tmp_path / "factors.csv")
    path = tmp_path / "small.toml"
    path.write_text(BALANCED, encoding="utf-8")
    assert set(run_study(path, n_jobs=1)["state"]) == {"fitted"}
    study = Study.from_toml(path)
    panel, found = market(data_folder(study)).panel, scores_of(study, data_folder(study))
    total = tables.r2_table(found, "total")["value"]
    for n in (1, 2):
        models = {"FF": TimeSeriesRegression(), "PCA": PCAFactors(n)}
        of_first = replace(panel, portfolios=panel.portfolios[:, :n], portfolio_names=panel.portfolio_names[:n])
        for name, model in models.items():
            walk = out_of_sample(model, of_first, study.split)
            assert total[name, n] == pytest.approx(total_r2(walk.returns, walk.reconstruction), rel=1e-5)
    text = report(path).read_text(encoding="utf-8")
    assert "value weights" not in text and "Which characteristics matter" not in text and "2 models" in text


class Outline(HTMLParser):
    """The tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def test_the_page_needs_nothing_else_and_can_be_read_aloud(done):
    folder = done[0].parent / "small_kept" / "report"
    text = (folder / "index.html").read_text(encoding="utf-8")
    page = Outline(text)
    assert not page.all("script") and not page.all("link") and "http" not in text
    images = page.all("img")
    assert len(images) >= 7 and all(image["src"].startswith("data:image/png;base64,") for image in images)
    assert all(len(image["alt"]) > 20 for image in images)
    assert len(page.all("caption")) == len(page.all("table")) >= 14
    assert all(attrs.get("scope") in ("col", "row", "rowgroup") for attrs in page.all("th"))
    assert len(page.all("h1")) == 1 and page.all("html") == [{"lang": "en"}] and "Small &amp; quick" in text
    links = {attrs["href"] for attrs in page.all("a")}
    assert links == {f"csv/{file.name}" for file in (folder / "csv").iterdir()}
    for word in ("Table 1", "Table 5", "cost 0.3 %", "R² through time", "NYSE breakpoints", "no characteristic"):
        assert word in text, word
    assert str(ROOT) not in text and "nan" not in re.sub("base64,[^\"]*", "", text)


def test_the_report_is_the_same_bytes_each_time(done):
    before = report_of(done[0])
    report(done[0])
    assert report_of(done[0]) == before


def test_each_number_of_a_table_has_its_uncertainty(done):
    for file in (done[0].parent / "small_kept" / "report" / "csv").glob("*.csv"):
        if file.stem not in ("models", "long_short_returns"):
            columns = " ".join(pd.read_csv(file, nrows=1).columns)
            assert "standard error" in columns or ("low" in columns and "high" in columns), file.name


def test_the_example_is_ready_and_the_readme_says_how(tmp_path, capsys):
    main(["--example", str(tmp_path)])
    assert f"python -m helpers.experiments.study {tmp_path / 'my.toml'}" in capsys.readouterr().out
    study = Study.from_toml(tmp_path / "my.toml")
    assert list(study.models) == ["PCA", "IPCA", "CA1", "NeuralIPCA", "true β"] and study.split.n_train == 4
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in ("--example example", "example/my.toml"):
        assert f"python -m helpers.experiments.study {line}" in readme


def test_what_a_process_fitted_before_changes_no_byte_of_a_network(tmp_path):
    """Or a run that was killed could not go on to the same bytes: TensorFlow divides otherwise once sizes vary."""
    panel = simulate_market("nonlinear", n_dates=55, n_tickers=30, n_characteristics=3, seed=0).panel
    fresh = NeuralIPCA(2, (4,), n_members=2, l1=(0.05, 0.1), epochs=15)
    written = []
    for before in (True, False):
        stacked._compiled.cache_clear()
        if before:
            clone(fresh).fit(panel[:31], panel[31:43])
        clone(fresh).fit(panel[:43], panel[43:]).save(tmp_path / f"{before}.npz")
        written.append((tmp_path / f"{before}.npz").read_bytes())
    assert written[0] == written[1]
