"""Walking forward through time: fit to the past, test on the dates that follow, move on, and fit again."""

import json
import os
from dataclasses import dataclass, fields
from hashlib import blake2b
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from tqdm.auto import tqdm

from helpers.checks import as_array, as_flag, first_few
from helpers.evaluation.splitter import WalkForward, _kind
from helpers.models.base import FactorModel
from helpers.panel import Panel, read_only

# Parameters that change how a model works, and not what it says: a run may be continued with others.
MANNERS = ("progress", "n_jobs", "verbose")


@dataclass(frozen=True, eq=False, repr=False)
class OutOfSample:
    """What a model said of dates that it had not seen, all of them in one block, in time order.

    Parameters
    ----------
    panel : Panel
        The test dates.
    reconstruction, prediction : (n_dates, n_tickers)
        r̂ = β · F and β · λ at the test dates, in fractions per period; NaN where β is unknown.
    fold : (n_dates,)
        The fold that tested each date, counted from 0.
    """

    panel: Panel
    reconstruction: np.ndarray
    prediction: np.ndarray
    fold: np.ndarray

    def __post_init__(self):
        for name in ("reconstruction", "prediction", "fold"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def returns(self):
        """The returns of the test dates, (n_dates, n_tickers), in fractions per period."""
        return self.panel.returns

    @property
    def dates(self):
        """The test dates."""
        return self.panel.dates

    def __repr__(self):
        n_dates, n_tickers = self.returns.shape
        return f"OutOfSample({self.fold[-1] + 1} folds, {n_dates} dates x {n_tickers} tickers)"


def out_of_sample(model, panel, splitter, folder=None, progress=False):
    """What the model says of every test date when it is fitted anew in each fold, to the past of that fold and nothing else.

        in each fold: fit(train, validation), then r̂ = reconstruct(test) and β · λ = predict(test, past)

    The model given is not fitted; each fold has a clone of it. A model built before the loop would carry what it learned in one
    fold into the next, whose validation dates it may have been trained on.

    Parameters
    ----------
    model : FactorModel
    panel : Panel
    splitter : WalkForward
        A model that reads no validation panel, such as PCA, learns nothing from the validation dates. Give it a splitter with
        n_validation=0 and so many more n_train: the test dates are the same.
    folder : path, optional
        Where each fold is stored as soon as it is done. The same call, made again after an interruption, goes on from there. One
        process at a time; the code of the model and the versions of packages are not compared.
    progress : bool
        Whether a progress bar is shown.

    Returns
    -------
    OutOfSample

    Raises
    ------
    TypeError, ValueError
        If the folder holds another run, or the panel has too few dates. An error of the model is passed on with its fold and
        test dates before its own words.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 3: refitted once a year.
    """
    if not isinstance(model, FactorModel):
        raise TypeError(f"model must be a FactorModel, such as PCAFactors(3); {_kind(model)} was given.")
    if not isinstance(splitter, WalkForward):
        raise TypeError(f"splitter must be a WalkForward, such as WalkForward(n_train=120); {_kind(splitter)} was given.")
    quiet = {} if as_flag("progress", progress) else {"disable": True}
    folds = list(splitter.folds(panel))
    stored = {}
    if folder is not None:
        folder, run = _opened(folder), _described(model, panel, splitter)
        stored = _stored(folder, run)
    results = []
    for k, fold in enumerate(tqdm(folds, desc="folds", unit="fold", leave=False, **quiet)):
        name = f"fold_{k:03d}.npz"
        if name not in stored:
            stored[name] = _tested(model, k, fold)
            if folder is not None:
                _write(folder / name, run, stored[name])
        results.append(stored[name])
    return OutOfSample(
        panel=panel[folds[0].past.n_dates :],
        fold=np.repeat(np.arange(len(folds)), [fold.test.n_dates for fold in folds]),
        **{name: np.concatenate([result[name] for result in results]) for name in ("reconstruction", "prediction")},
    )


def _tested(model, k, fold):
    """What a clone of the model, fitted to the past of fold k, says of its test dates."""
    try:
        fresh = clone(model)
        fresh.fit(fold.train, fold.validation)
        said = {"reconstruction": fresh.reconstruct(fold.test), "prediction": fresh.predict(fold.test, fold.past)}
        axes = ("n_dates", "n_tickers")
        sizes = dict(zip(axes, fold.test.returns.shape, strict=True))
        return {name: as_array(name, values, axes, missing=True, sizes=sizes).astype(float) for name, values in said.items()}
    except Exception as error:
        first, last = fold.test.dates[[0, -1]].astype(str)
        error.args = (f"Fold {k}, which tests {first} to {last}: {error}", *error.args[1:])
        raise


def _opened(folder):
    """The folder, made if it is not there."""
    if not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"folder must be a path; {_kind(folder)} was given.")
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"folder must be a folder; {folder} is a file. Give another name.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _stored(folder, run):
    """The folds in the folder, {file name: arrays}, or an error that says how the run that made them differs from this one."""
    stored = {path.name: _read(path) for path in sorted(folder.glob("fold_*.npz"))}
    for result in stored.values():
        there = json.loads(str(result["run"]))
        differences = [
            f"{name} is {there.get(name, 'none')} there and {run.get(name, 'none')} here"
            for name in run | there
            if there.get(name) != run.get(name)
        ]
        if differences:
            raise ValueError(
                f"{folder} holds folds of another run: {first_few(differences)}. Give this run a folder of its own, or empty that."
            )
    return stored


def _read(path):
    """The arrays of a file that `_write` wrote."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in ("run", "reconstruction", "prediction")}
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is damaged, or no fold of out_of_sample: {error}. Delete it; it will be made again.") from error


def _write(path, run, result):
    """Nothing; the fold is in the file, whole or not at all."""
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with open(unfinished, "wb") as file:
            np.savez(file, run=json.dumps(run), **result)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _described(model, panel, splitter):
    """All that a result depends on, in words: {what: value}, with the fingerprint of a value where it is long."""
    parameters = {f"model {name}": value for name, value in model.get_params().items() if name.split("__")[-1] not in MANNERS}
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    parts = {f"panel {field.name}": getattr(panel, field.name) for field in fields(panel)}
    described = {**parameters, **{f"splitter {name}": value for name, value in vars(splitter).items()}, **parts}
    return {"model": kind, **{name: _in_words(value) for name, value in described.items()}}


def _in_words(value):
    """The value itself if it is short, else its kind and fingerprint; the same for equal values in every process."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"({', '.join(map(_in_words, value))})"
    if isinstance(value, BaseEstimator):  # its own parameters are listed beside it
        return type(value).__name__
    if isinstance(value, pd.Index):
        return f"{len(value)} labels {_fingerprint(repr(value.to_list()).encode())}"
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return " ".join(map(_in_words, (value.to_numpy(), *value.axes)))
    if isinstance(value, np.ndarray) and value.dtype != object:
        return f"{value.dtype} {value.shape} {_fingerprint(np.ascontiguousarray(value))}"
    return f"{type(value).__name__} {joblib.hash(value)}"


def _fingerprint(content):
    return blake2b(content, digest_size=8).hexdigest()
