"""The cells of a study: one model with one number of factors, fitted in one fold, kept in two files."""

import errno
import hashlib
import inspect
import json
import time
import traceback
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone

from helpers.evaluation.inspection import characteristic_importance
from helpers.evaluation.walk_forward import MANNERS
from helpers.experiments.cells import versions
from helpers.experiments.study_data import Market, market
from helpers.experiments.study_file import Study, name_in_files, parameters_of
from helpers.experiments.study_locks import alone
from helpers.files import written_whole
from helpers.labels import short
from helpers.models.base import FactorModel
from helpers.models.managed import managed_where
from helpers.panel import Panel

MOST_DEATHS = 3  # of workers, within a run, before a cell is given up
VERSION = 2  # of what a cell holds: cells of another one are fitted anew
FULL = {errno.ENOSPC, errno.EDQUOT}  # no room on the disk, or none for this user


class Cell(NamedTuple):
    """One fit of a study."""

    model: str
    n_factors: int
    fold: int

    def __str__(self):
        return f"{self.model}, K = {self.n_factors}, fold {self.fold}"


class Job(NamedTuple):
    """What a worker needs to know of a cell: the file that it ends in, and that of the cell it begins from, if any.

    `run` names the run of the study that asks for it.
    """

    cell: Cell
    path: Path
    before: Path | None
    run: str = ""


class Outcome(NamedTuple):
    """How a job ended: "kept" it was already, "fitted", "failed", "busy" elsewhere, or the disk was "full"."""

    cell: Cell
    state: str
    says: str = ""
    trace: str = ""


@dataclass(frozen=True, eq=False)
class Kept:
    """What is kept of a cell.

    Parameters
    ----------
    dates, tickers : Index
        The test dates, and the tickers of which something is said at one of them.
    reconstruction, prediction : (n_dates, n_tickers)
        r̂ and β · λ, NaN where nothing is said.
    left_out : (n_dates, n_tickers)
        r̂ of each ticker by F of the others; NaN where the model does not say it.
    factors : (n_members, n_past + n_dates, n_factors)
        F of each member of the model at all dates up to the last test date; empty where a model has none.
    expected : (n_members, n_dates, n_factors)
        λ before each test date.
    managed_reconstruction, managed_prediction : (n_dates, n_portfolios)
        The same of the managed portfolios: (Z'Z)⁻¹ Z' r̂.
    importance : (n_dates, n_chars)
        By how much the total R² of the date falls when a characteristic is 0; empty where β is not made of them.
    about : dict
        The parameters, the fold, warnings, versions.
    """

    dates: pd.Index
    tickers: pd.Index
    reconstruction: np.ndarray
    prediction: np.ndarray
    left_out: np.ndarray
    factors: np.ndarray
    expected: np.ndarray
    managed_reconstruction: np.ndarray
    managed_prediction: np.ndarray
    importance: np.ndarray
    about: dict[str, Any]


def jobs_of(study: Study, data: Path) -> list[list[Job]]:
    """The jobs of a study in the order in which they should be done: a list of lists that each wait for the one before.

    Folds come first to last, and in each all models, so that whenever a run is stopped every model has the same folds.
    Where folds begin from the fold before, each fold is a list of its own.

    Parameters
    ----------
    study : Study
    data : Path
        The folder of the prepared data.
    """
    seen, dates = market(data).seen, market(data).panel.dates
    _require_factors(study, market(data).panel.n_portfolios)
    of_class = {name: _fingerprint_of_class(study.class_of(name)) for name in study.models}
    last: dict[tuple[str, int], Job] = {}
    waves: list[list[Job]] = []
    for k, fold in enumerate(study.split.slices(dates)):
        wave = []
        for name, model in study.models.items():
            for n_factors in model.n_factors:
                before = last.get((name, n_factors)) if _is_warm(study, name) else None
                parameters = study.model(name, n_factors).get_params(deep=False)
                depends_on = [
                    VERSION,
                    of_class[name],
                    n_factors,
                    sorted((key, repr(value)) for key, value in parameters.items() if key not in MANNERS),
                    [(part.start, part.stop) for part in fold if part is not None],
                    study.split.purge,
                    study.report["importance"],
                    seen[fold.test.stop - 1],
                    before and before.path.name,
                ]
                mark = hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()[:12]
                folder = study.folder / "cells" / name_in_files(name) / f"K{n_factors}"
                job = Job(Cell(name, n_factors, k), folder / f"fold{k:02d}-{mark}.npz", before and before.path)
                last[name, n_factors] = job
                wave.append(job)
        waves.append(wave)
    if any(_is_warm(study, name) for name in study.models):
        return waves
    return [[job for wave in waves for job in wave]]


def run_job(study: Study, data: Path, job: Job) -> Outcome:
    """How the job ended; no error leaves it but those that stop everything.

    The cell is fitted by one process at a time, and what is fitted is written whole or not at all.

    Parameters
    ----------
    study : Study
    data : Path
    job : Job
    """
    start = time.perf_counter()
    try:
        if job.path.exists():
            return Outcome(job.cell, "kept")
        lock = _lock(study, job)
        with alone(lock) as mine:
            if not mine:
                return Outcome(job.cell, "busy")
            if job.path.exists():
                return Outcome(job.cell, "kept")
            if job.before and not job.before.exists():
                return Outcome(job.cell, "failed", "it begins from the fold before, and that is not there.")
            if _deaths(lock, job.run) >= MOST_DEATHS:
                lock.write_bytes(b"")
                says = f"{MOST_DEATHS} workers were killed while they fitted it, perhaps for want of memory."
                return Outcome(job.cell, "failed", says)
            with open(lock, "a", encoding="utf-8") as marks:
                marks.write(f"{job.run}\n")
            try:
                _fit(study, market(data), job)
            finally:
                lock.write_bytes(b"")
    except Exception as error:
        state = "full" if is_full_disk(error) else "failed"
        notes = " ".join(getattr(error, "__notes__", ()))
        return Outcome(job.cell, state, f"{type(error).__name__}: {error} {notes}".strip(), traceback.format_exc())
    return Outcome(job.cell, "fitted", f"in {time.perf_counter() - start:.1f} s")


def read_cell(path: Path) -> Kept:
    """What is kept of a cell.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError
        If the file cannot be read: it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        about = json.loads(str(arrays.pop("about")))
        rows, columns = arrays.pop("row"), arrays.pop("column")
        dates, tickers = pd.DatetimeIndex(arrays.pop("dates")), pd.Index(arrays.pop("tickers"))
        for name in ("reconstruction", "prediction", "left_out"):
            dense = np.full((len(dates), len(tickers)), np.nan)
            dense[rows, columns] = arrays[name]
            arrays[name] = dense
    except Exception as error:  # whatever a damaged file leads to
        raise ValueError(
            f"{path} is damaged: {error}. Delete it, and run the study again: only it is fitted."
        ) from error
    tickers = tickers.astype("str") if tickers.dtype.kind not in "iu" else tickers
    return Kept(dates, tickers, **arrays, about=about)


def is_full_disk(error: Exception) -> bool:
    """Whether an error says that there is no room on the disk; numpy says so without a number.

    Parameters
    ----------
    error : Exception
    """
    of_numpy = any(words in str(error) for words in ("requested and", "Not enough free space"))
    return isinstance(error, OSError) and (error.errno in FULL or of_numpy)


def model_path(path: Path) -> Path:
    """The file of a cell's fitted model, for `FactorModel.load`.

    Parameters
    ----------
    path : Path
        Of the cell.
    """
    return path.with_suffix(".model.npz")


def came_to_no_end(study: Study, job: Job) -> bool:
    """Whether a worker of this run was killed while it fitted the cell, or while another beside it was killed.

    Parameters
    ----------
    study : Study
    job : Job
    """
    lock = _lock(study, job)
    return lock.exists() and _deaths(lock, job.run) > 0


def _lock(study, job):
    return study.folder / "locks" / f"{job.path.parent.parent.name}-{job.path.parent.name}-{job.path.stem}.lock"


def _deaths(lock, run):
    """How often a worker of this run began the cell and came to no end: each leaves a line in the file of the lock."""
    return lock.read_text(encoding="utf-8").splitlines().count(run)


def _fit(study, whole, job):
    """Fits a cell and writes its two files, the model first: a cell is there when its second file is."""
    name, n_factors, k = job.cell
    fresh, panel = study.model(name, n_factors), _panel_for(study, job.cell, whole)
    fold = study.split.slices(panel.dates)[k]
    train, test, past = panel[fold.train], panel[fold.test], panel[fold.past]
    validation = None if fold.validation is None else panel[fold.validation]
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        model = clone(fresh) if job.before is None else FactorModel.load(model_path(job.before))
        model.fit(train, validation)
        arrays = _said(study, model, panel[: fold.test.stop], test, past, whole)
    said = sorted({f"{warning.category.__name__}: {warning.message}" for warning in noted})
    about = {
        "model": name,
        "class": f"{type(model).__module__}.{type(model).__qualname__}",
        "parameters": {key: repr(value) for key, value in model.get_params(deep=False).items()},
        "n_factors": n_factors,
        "fold": k,
        "train": [short(date) for date in train.dates[[0, -1]]],
        "validation": None if validation is None else [short(date) for date in validation.dates[[0, -1]]],
        "test": [short(date) for date in test.dates[[0, -1]]],
        "warnings": said,
        "versions": versions(),
    }
    job.path.parent.mkdir(parents=True, exist_ok=True)
    model.save(model_path(job.path))
    with written_whole(job.path) as unfinished, open(unfinished, "wb") as file:
        np.savez(file, about=json.dumps(about), **arrays)


def _said(study, model, until, test, past, whole):
    """What a fitted model says of its test dates, as arrays by name."""
    lagged = {"lag": study.split.purge} if study.split.purge else {}
    r_hat = np.asarray(model.reconstruct(test), dtype=float)
    ahead = np.asarray(model.predict(test, past, **lagged), dtype=float)
    there = ~np.isnan(test.characteristics).all(axis=2) & ~(np.isnan(r_hat) & np.isnan(ahead))
    rows, columns = np.nonzero(there)
    used, columns = np.unique(columns, return_inverse=True)
    tickers = test.tickers[used].to_numpy()
    arrays = {
        "dates": test.dates.to_numpy(),
        "tickers": tickers if tickers.dtype.kind in "iu" else tickers.astype("U"),
        "row": rows.astype(np.int32),
        "column": columns.astype(np.int32),
        "reconstruction": r_hat[there].astype(np.float32),
        "prediction": ahead[there].astype(np.float32),
        "left_out": _left_out(model, test, there).astype(np.float32),
        "factors": np.empty((0, until.n_dates, 0)),
        "expected": np.empty((0, test.n_dates, 0)),
        "importance": _importance(model, test) if study.report["importance"] else np.empty((test.n_dates, 0)),
    }
    with suppress(AttributeError, NotImplementedError):  # a model of somebody's own may have no F to show
        members = getattr(model, "members_", [model])
        arrays["factors"] = np.stack([np.asarray(member.factors(until), dtype=float) for member in members])
        of_members = [member.expected_factors(test, past, **lagged) for member in members]
        arrays["expected"] = np.stack(of_members).astype(float)
    for name, values in (("reconstruction", r_hat), ("prediction", ahead)):
        arrays[f"managed_{name}"] = _managed(test, values, whole.managed)
    return arrays


def _left_out(model, test, there):
    """r̂ of each ticker by F of all others, NaN if the model has no quick way to it, or a date has too few tickers."""
    said, used = np.full(test.shape, np.nan), there.any(axis=0)
    part = test if used.all() else test.select_tickers(test.tickers[used])  # a large market is mostly absent
    if getattr(type(model), "leave_one_out", None) not in (None, FactorModel.leave_one_out):
        with suppress(NotImplementedError, ValueError):
            said[:, used] = model.leave_one_out(part)
    return said[there]


def _managed(test, values, managed):
    """What is said of the managed portfolios, (Z'Z)⁻¹ Z' r̂, over the tickers whose returns make them.

    Of a ticker of which nothing is said, 0 is said, as in the R² of the tickers.
    """
    if managed is None:
        return np.empty((test.n_dates, 0))
    said = np.full((test.n_dates, managed.shape[1]), np.nan)
    n = test.n_happened
    if n:
        values = np.where(np.isnan(test.returns[:n]), np.nan, np.nan_to_num(values[:n]))
        part = Panel(values, test.characteristics[:n], dates=test.dates[:n], tickers=test.tickers)
        # Of the whole panel, each characteristic tells tickers apart at some date, or these portfolios were not there.
        said[:n] = managed_where(part, np.ones(test.n_characteristics, bool), constant=True)
    return said


def _importance(model, test):
    """By how much the total R² of each date falls without each characteristic, (n_dates, n_chars)."""
    lost = np.full((test.n_dates, test.n_characteristics), np.nan)
    for d in range(test.n_happened):
        try:
            lost[d] = characteristic_importance(model, test[d : d + 1]).reindex(test.characteristic_names)
        except TypeError:  # its β is not made of characteristics
            return np.empty((test.n_dates, 0))
        except ValueError:  # a date on which it says nothing
            continue
    return lost


def _panel_for(study, cell, whole: Market):
    """The panel as a model sees it: of given factors, as many as K says, where no parameter says it."""
    panel = whole.panel
    if "n_factors" in parameters_of(study.class_of(cell.model)):
        return panel
    names = panel.portfolio_names[: cell.n_factors]
    return panel._with({"portfolios": panel.portfolios[:, : cell.n_factors], "portfolio_names": names})


def _require_factors(study, n_given):
    """Refuses more factors than are given, for a model of given ones."""
    for name, model in study.models.items():
        if "n_factors" not in parameters_of(study.class_of(name)) and n_given < model.n_factors[-1]:
            raise ValueError(
                f"The model {name!r} has no n_factors: its factors are the first K given ones, and of these there are "
                f"{n_given}, not {model.n_factors[-1]}. Name their file by factors in [data], or set K in "
                f"[models.{name}]."
            )


def _is_warm(study, name):
    return study.warm and "warm_start" in parameters_of(study.class_of(name))


def _fingerprint_of_class(cls):
    """The name of the class, and of one that is not the course's, its code: who changes it wants other numbers."""
    name = f"{cls.__module__}.{cls.__qualname__}"
    if cls.__module__.startswith("helpers."):
        return name
    try:
        return name, hashlib.sha256(inspect.getsource(cls).encode()).hexdigest()
    except (OSError, TypeError):
        return name
