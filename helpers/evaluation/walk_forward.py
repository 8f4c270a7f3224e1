"""Walking forward through time: fit to the past, test on the dates that follow, move on, and fit again."""

import os
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from tqdm.auto import tqdm

from helpers.checks import as_array, as_flag, described_kind, read_only
from helpers.compact import CompactArray
from helpers.evaluation.splitter import Fold, WalkForward
from helpers.labels import Labelled, labelled, pairs, short
from helpers.models.base import FactorModel
from helpers.panel import Panel
from helpers.tables import DATES_AND_TICKERS, Tables

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
        r̂ = β · F and β · λ at the test dates, in fractions per period; NaN where β is unknown, and r̂ also at dates
        that have not happened.
    fold : (n_dates,)
        The fold that tested each date, counted from 0.
    models : tuple of FactorModel
        The model of each fold, fitted.
    """

    panel: Panel
    reconstruction: Labelled
    prediction: Labelled
    fold: np.ndarray
    models: tuple[FactorModel, ...] = ()

    if TYPE_CHECKING:

        def __init__(  # what an editor shows: the constructor takes whatever becomes these
            self,
            panel: Panel,
            reconstruction: ArrayLike,
            prediction: ArrayLike,
            fold: ArrayLike,
            models: tuple[FactorModel, ...] = (),
        ) -> None: ...

    def __post_init__(self):
        tables = Tables()
        tables.takes_in("the panel", {"n_dates": self.panel.dates, "n_tickers": self.panel.tickers})
        for name in ("reconstruction", "prediction"):
            values = tables.array(name, getattr(self, name), missing=True)
            values = np.array(values)  # a copy, to which nobody else writes
            values = labelled(values, self.panel.dates, self.panel.tickers)
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        fold = tables.array("fold", self.fold, ("n_dates",))
        object.__setattr__(self, "fold", read_only(fold.astype(int)))

    def __reduce__(self):  # by the constructor, since what is read from a pickle has neither labels nor protection
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    @property
    def returns(self) -> np.ndarray:
        """The returns of the test dates, (n_dates, n_tickers), in fractions per period."""
        return self.panel.returns

    @property
    def dates(self) -> pd.Index:
        """The test dates."""
        return self.panel.dates

    def to_frame(self) -> pd.DataFrame:
        """One row for each date and ticker with a forecast or a return, ready to be written to a file.

        Returns
        -------
        DataFrame
            Indexed by (date, ticker); columns `returns`, `reconstruction`, `prediction` and `fold`. A forecast of a
            date that has not happened stands beside an empty return.
        """
        names = ["returns", "reconstruction", "prediction"]
        columns = {name: np.asarray(getattr(self, name)).ravel() for name in names}
        columns["fold"] = np.repeat(self.fold, self.panel.n_tickers)
        return pd.DataFrame(columns, pairs(self.dates, self.panel.tickers)).dropna(how="all", subset=names)

    def __repr__(self):
        n_dates, n_tickers = self.returns.shape
        return f"OutOfSample({self.fold[-1] + 1} folds, {n_dates} dates x {n_tickers} tickers)"


def out_of_sample(
    model: FactorModel,
    panel: Panel,
    splitter: WalkForward,
    folder: str | Path | None = None,
    progress: bool = False,
) -> OutOfSample:
    """What the model says of every test date when it is fitted anew in each fold, to the past of that fold alone.

        in each fold: fit(train, validation), then r̂ = reconstruct(test) and β · λ = predict(test, past, lag=purge)

    The model given is not fitted; each fold has a clone of it. A model built before the loop would carry what it
    learned in one fold into the next, whose validation dates it may have been trained on. A model that does not read
    validation dates, such as PCA, learns from them as from the training dates. The last dates may be such as have not
    happened: they are forecast.

    A model with ``warm_start=True`` begins each fit where that of the fold before ended, and sooner is done. Nothing
    leaks: folds are run in time order, and all that the fold before has seen lies before the test dates of this one.

    Parameters
    ----------
    model : FactorModel
    panel : Panel
    splitter : WalkForward
    folder : path, optional
        Where joblib.Memory keeps each fold, its fitted model included, as soon as it is done. The same call, made again
        after an interruption, goes on from there, in another process too; calls with other models, data or splitters
        may share the folder. A damaged file is noticed, and its fold fitted again. The code of the model and the
        versions of packages are not compared: take a new folder when they change. What is kept is read by pickle, which
        can run code: use a folder of your own. A model that pickle cannot write is tested and not kept, with a warning.
    progress : bool
        Whether a progress bar is shown.

    Raises
    ------
    TypeError, ValueError
        If the panel has too few dates, or the folder is none. An error of the model keeps its type, and gains a note
        that names the fold and its test dates.

    Examples
    --------
    >>> from helpers import PCAFactors, load_industries
    >>> walk = out_of_sample(PCAFactors(3), load_industries(), WalkForward(n_train=600, n_test=120))
    >>> walk
    OutOfSample(2 folds, 219 dates x 12 tickers)
    >>> list(walk.to_frame().columns)
    ['returns', 'reconstruction', 'prediction', 'fold']

    References
    ----------
    Gu, Kelly, Xiu (2021), section 3: refitted once a year.
    """
    if not isinstance(model, FactorModel):
        raise TypeError(f"model must be a FactorModel, such as PCAFactors(3); {described_kind(model)} was given.")
    if not isinstance(splitter, WalkForward):
        raise TypeError(
            f"splitter must be a WalkForward, such as WalkForward(n_train=120); {described_kind(splitter)} was given."
        )
    quiet = {} if as_flag("progress", progress) else {"disable": True}
    folds = list(splitter.folds(panel))

    results: list[tuple[np.ndarray, np.ndarray, FactorModel]] = []

    def tested(k):
        before = results[k - 1][2] if k and getattr(model, "warm_start", False) else None
        return _tested(clone(model) if before is None else before.continued(), k, folds[k], splitter.purge)

    recalled = tested if folder is None else _kept(tested, model, panel, splitter, folder)
    for k in tqdm(range(len(folds)), desc="folds", unit="fold", leave=False, **quiet):
        results.append(recalled(k))
    reconstructions, predictions, models = zip(*results, strict=True)
    return OutOfSample(
        panel=panel[folds[0].past.n_dates :],
        reconstruction=np.concatenate(reconstructions),
        prediction=np.concatenate(predictions),
        fold=np.repeat(np.arange(len(folds)), [fold.test.n_dates for fold in folds]),
        models=models,
    )


def _tested(fresh: FactorModel, k: int, fold: Fold[Panel], purge: int) -> tuple[np.ndarray, np.ndarray, FactorModel]:
    """What a model, once it is fitted to the past of fold k, says of its test dates, and that model."""
    lagged = {"lag": purge} if purge else {}  # of returns that reach over what is purged λ must know none either
    try:
        fresh.fit(fold.train, fold.validation)
        said = {"reconstruct": fresh.reconstruct(fold.test), "predict": fresh.predict(fold.test, fold.past, **lagged)}
        sizes = dict(zip(DATES_AND_TICKERS, fold.test.shape, strict=True))
        reconstruction, prediction = (
            as_array(name, values, DATES_AND_TICKERS, missing=True, sizes=sizes) for name, values in said.items()
        )
        return reconstruction, prediction, fresh
    except Exception as error:
        first, last = (short(date) for date in fold.test.dates[[0, -1]])
        error.add_note(f"This was fold {k}, which tests {first} to {last}.")
        raise


def _kept(tested, model, panel, splitter, folder):
    """The function `tested` of a fold's number, whose results are kept in the folder and taken from there."""
    folder = _opened(folder)
    try:
        pickle.dumps((type(model), model.get_params()))
        run = joblib.hash(_fingerprint(model, panel, splitter))
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        warnings.warn(
            f"No fold of this {type(model).__name__} is kept in {folder}, for pickle cannot write it: {error}. Define "
            "its class at the top of a module, a script or a notebook, and give it parameters that pickle can write.",
            stacklevel=3,
        )
        return tested
    # A function of its own in each call, since joblib would take one that it has met for known in this folder, too.
    # Compressed, since a compressed file ends with a sum that is checked when it is read.
    memory = joblib.Memory(folder, verbose=0, compress=1)

    @memory.cache
    def tested_in(run, k):
        return tested(k)

    def recalled(k):
        if tested_in.check_call_in_cache(run, k):
            found = tested_in.call_and_shelve(run, k)
            try:
                return found.get()
            except Exception:  # whatever pickle makes of a damaged file
                warnings.warn(f"Fold {k} in {folder} cannot be read and is fitted again.", stacklevel=3)
                found.clear()
        return tested_in(run, k)

    return recalled


def _opened(folder):
    """The folder, made if it is not there."""
    if not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"folder must be a path; {described_kind(folder)} was given.")
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"folder must be a folder; {folder} is a file. Give another name.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _fingerprint(model, panel, splitter):
    """All that a result depends on, in forms that are the same in every process."""
    parameters = {name: value for name, value in model.get_params().items() if name.split("__")[-1] not in MANNERS}
    parts = {**parameters, **{f"splitter {name}": value for name, value in vars(splitter).items()}}
    parts |= {f"panel {field.name}": getattr(panel, field.name) for field in fields(panel)}
    return _named(type(model)), {name: _bare(value) for name, value in parts.items()}


def _bare(value):
    """The value without what may differ between equal ones: how pandas keeps labels, how numpy lays out an array."""
    if isinstance(value, pd.Index):
        return pd.api.types.infer_dtype(value), [str(label) for label in value]
    if isinstance(value, (pd.DataFrame, pd.Series, Labelled)):
        return [np.ascontiguousarray(value), *(_bare(labels) for labels in value.axes)]
    if isinstance(value, CompactArray):
        return [value.values[value.rows], value.columns[value.rows], value.starts - value.starts[0]]
    if isinstance(value, Mapping):
        return {name: _bare(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, BaseEstimator):  # its parameters are among those of the model
        return _named(type(value))
    return value


def _named(kind):
    return f"{kind.__module__}.{kind.__qualname__}"
