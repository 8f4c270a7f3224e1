"""What the kept cells of a study come to, date by date: sums of squares, portfolios, errors. Nothing is fitted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.evaluation.inference import newey_west
from helpers.evaluation.portfolios import portfolio_returns, sorted_positions, turnover
from helpers.evaluation.risk import tangency_weights
from helpers.experiments.study_cells import Kept, jobs_of, read_cell
from helpers.experiments.study_data import Market, market
from helpers.experiments.study_file import Study

RISK = 0.01  # the standard deviation per period that a tangency portfolio is scaled to, by what was known before
EQUAL, VALUE = "equal weights", "value weights"
NYSE = {EQUAL: "equal weights, NYSE breakpoints", VALUE: "value weights, NYSE breakpoints"}


class ByDate(NamedTuple):
    """A share whose parts are known date by date, Σ above / Σ below; NaN at dates that are not there."""

    above: np.ndarray
    below: np.ndarray

    def of(self, dates: np.ndarray) -> "ByDate":
        """The same of some of the dates."""
        return ByDate(self.above[dates], self.below[dates])


@dataclass(eq=False)
class Scores:
    """What one model with one number of factors comes to at the test dates that have happened.

    Parameters
    ----------
    model : str
    n_factors : int
    folds : tuple of int
        Those that are kept.
    parts : dict of str to ByDate
        Of each R²: explained and total sum of squares by date.
    returns : dict of str to (n_portfolios, n_dates)
        By weights and breakpoints, the returns of portfolios sorted by what was predicted, the lowest first.
    traded : dict of str to (n_dates,)
        By weights, the turnover after each date of the highest minus the lowest.
    tangency : (n_dates,)
        Of the tangency portfolio of the factors, by weights known before, at a risk of one percent.
    errors : (n_dates, n_portfolios)
        x - x̂ of the managed portfolios.
    importance : (n_dates, n_chars)
        The sum of squares that is lost without each characteristic.
    said : float
        The share of the returns of which something was said; of the others, 0 counts as said.
    about : dict
        Of its first cell.
    warnings : set of str
    missing : dict of str to str
        What could not be made, and why.
    """

    model: str
    n_factors: int
    folds: tuple[int, ...]
    parts: dict[str, ByDate]
    returns: dict[str, np.ndarray]
    traded: dict[str, np.ndarray]
    tangency: np.ndarray
    errors: np.ndarray
    importance: np.ndarray
    said: float
    about: dict
    warnings: set[str] = field(default_factory=set)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Model and K, for a message."""
        return f"{self.model}, K = {self.n_factors}"


class Tested(NamedTuple):
    """The test dates of a study that have happened, the cells that are kept, and those that are not."""

    dates: pd.DatetimeIndex
    scores: list[Scores]
    missing: list[str]


def ratio(parts: ByDate) -> tuple[float, float]:
    """Σ above / Σ below, and its standard error over dates (Newey, West), to first order, as in `compare`.

    Parameters
    ----------
    parts : ByDate
    """
    known = parts.of(_known(parts))
    if not known.below.sum() > 0:
        return np.nan, np.nan
    return _value(known), newey_west(_moves(known))[1] if len(known.below) > 1 else np.nan


def difference(parts: ByDate, others: ByDate) -> tuple[float, float]:
    """How far the one share lies above the other at the dates that both have, and the standard error of this.

    Parameters
    ----------
    parts, others : ByDate
    """
    both = _known(parts) & _known(others)
    a, b = parts.of(both), others.of(both)
    if both.sum() < 2 or not min(a.below.sum(), b.below.sum()) > 0:
        return np.nan, np.nan
    return _value(a) - _value(b), newey_west(_moves(a) - _moves(b))[1]


def scores_of(study: Study, data: Path) -> Tested:
    """What all kept cells of a study come to.

    Parameters
    ----------
    study : Study
    data : Path
        The folder of the prepared data.

    Raises
    ------
    ValueError
        If no cell is kept, or one is damaged.
    """
    whole, scores, missing = market(data), [], []
    slices = [fold.test for fold in study.split.slices(whole.panel.dates)]
    first, last = slices[0].start, min(slices[-1].stop, whole.panel.n_happened)
    by_model: dict[tuple[str, int], dict[int, Path]] = {}
    for job in (job for wave in jobs_of(study, data) for job in wave):
        there = by_model.setdefault(job.cell[:2], {})
        if job.path.exists():
            there[job.cell.fold] = job.path
        else:
            missing.append(str(job.cell))
    scene = _Scene(study, whole, first, last)
    for (name, n_factors), paths in by_model.items():
        if paths:
            cells = ((slices[k].start - first, read_cell(path)) for k, path in sorted(paths.items()))
            scores.append(scene.scored(name, n_factors, tuple(sorted(paths)), cells))
    if not scores:
        raise ValueError(f"No cell of this study is kept in {study.folder}. Run it first, without --report-only.")
    return Tested(whole.panel.dates[first:last], scores, missing)


class _Scene:
    """The test dates, and what all models have in common there."""

    def __init__(self, study: Study, whole: Market, first: int, last: int):
        self.study, self.whole, rows = study, whole, slice(first, last)
        panel = whole.panel
        self.returns = np.asarray(panel.returns[rows], dtype=float)
        self.there = ~np.isnan(panel.characteristics[rows]).all(axis=2)
        self.size, self.nyse, self.managed = (
            None if table is None else np.asarray(table[rows]) for table in (whole.size, whole.nyse, whole.managed)
        )
        self.shape = self.returns.shape
        self.unsized = np.zeros(len(self.returns), bool)  # dates with too few sizes for the groups
        self.groups = self._groups()

    def scored(self, name: str, n_factors: int, folds: tuple[int, ...], cells: Iterator[tuple[int, Kept]]) -> Scores:
        """What the cells of one model come to."""
        n, n_portfolios = self.shape[0], self.study.report["portfolios"]
        lost = np.full((n, self.whole.panel.n_characteristics), np.nan)
        n_managed = 0 if self.managed is None else self.managed.shape[1]
        found = Scores(
            name, n_factors, folds, {}, {}, {}, np.full(n, np.nan), np.full((n, n_managed), np.nan), lost, 0, {}
        )
        if self.unsized.any():
            few = f"fewer than {self.study.report['size_groups']} tickers have a known size"
            found.missing["R² by size"] = f"at {int(self.unsized.sum())} of the {n} dates {few}"
        parts: dict[str, np.ndarray] = {}
        held: dict[str, np.ndarray] = {}
        n_said = n_all = 0
        for start, kept in cells:
            found.about = found.about or kept.about
            found.warnings |= set(kept.about["warnings"])
            rows = np.arange(start, min(start + len(kept.dates), n))
            if not len(rows):
                continue
            at = self.whole.panel.tickers.get_indexer(kept.tickers)
            r_hat, ahead, alone = np.full((3, len(rows), self.shape[1]), np.nan)
            for table, said in ((r_hat, kept.reconstruction), (ahead, kept.prediction), (alone, kept.left_out)):
                table[:, at] = said[: len(rows)]
            spoken = ~np.isnan(self.returns[rows]) & ~np.isnan(r_hat)
            n_said, n_all = n_said + spoken.sum(), n_all + (~np.isnan(self.returns[rows])).sum()
            self._squares(parts, rows, r_hat, ahead)
            if np.isnan(alone[spoken]).all():
                why = "the model has no quick way to it, or a date of the fold has too few tickers"
                found.missing.setdefault("leave-one-out R² of some folds", why)
            else:
                _add(parts, "leave-one-out", rows, n, *_squares_of(self.returns[rows], alone))
            if n_managed:
                x = self.managed[rows]
                for what, said in (("total", kept.managed_reconstruction), ("predictive", kept.managed_prediction)):
                    _add(parts, f"managed {what}", rows, n, *_squares_of(x, said[: len(rows)]))
                found.errors[rows] = x - kept.managed_reconstruction[: len(rows)]
            if kept.importance.shape[1]:
                of_spoken = (np.where(spoken, self.returns[rows], 0) ** 2).sum(axis=1)
                lost[rows] = kept.importance[: len(rows)] * of_spoken[:, None]
            self._tangency(found, rows, kept)
            self._sorted(found, held, rows, ahead, n_portfolios)
        found.parts = {what: ByDate(*arrays) for what, arrays in parts.items()}
        found.said = n_said / n_all if n_all else np.nan
        for weights, positions in held.items():
            known = ~np.isnan(positions).any(axis=1)
            traded = np.full(n, np.nan)
            try:
                traded[:-1] = turnover(np.nan_to_num(positions), self.returns)
            except ValueError as error:
                found.missing.setdefault(f"turnover by {weights}", str(error))
                continue
            traded[:-1][~(known[:-1] & known[1:])] = np.nan
            found.traded[weights] = traded
        return found

    def _squares(self, parts, rows, r_hat, ahead):
        """Adds the sums of squares of all tickers, and of each group by size."""
        r, n = self.returns[rows], self.shape[0]
        for what, said in (("total", r_hat), ("predictive", ahead)):
            _add(parts, what, rows, n, *_squares_of(r, said))
            for g, group in enumerate(() if self.groups is None else self.groups):
                squares = np.array(_squares_of(np.where(group[rows], r, np.nan), said))
                squares[:, self.unsized[rows]] = np.nan
                _add(parts, f"{what} of group {g + 1}", rows, n, *squares)

    def _groups(self):
        """(n_groups, n_dates, n_tickers), whether each ticker is in a group by size; None without sizes."""
        n_groups = self.study.report["size_groups"]
        if self.size is None or n_groups < 2:
            return None
        sizes = np.where(self.there, self.size, np.nan)
        self.unsized = (~np.isnan(sizes)).sum(axis=1) < n_groups
        groups = np.zeros((n_groups, *sizes.shape), bool)
        groups[:, ~self.unsized] = sorted_positions(sizes[~self.unsized], n_groups) > 0
        return None if self.unsized.all() else groups

    def _sorted(self, found, held, rows, ahead, n_portfolios):
        """Adds the returns of sorted portfolios, and what is held of the highest minus the lowest."""
        ahead = np.where(self.there[rows], ahead, np.nan)
        sizes = None if self.size is None else self.size[rows]
        sized = None if sizes is None else np.where(np.isnan(sizes), np.nan, ahead)
        for weights, said, by in ((EQUAL, ahead, None), (VALUE, sized, sizes)):
            for kind, marks in ((weights, None), (NYSE[weights], self.nyse)):
                if said is None or (kind != weights and marks is None):
                    continue
                try:
                    marked = None if marks is None else marks[rows]
                    positions = np.asarray(sorted_positions(said, n_portfolios, by, marked))
                except ValueError as error:
                    found.missing.setdefault(f"portfolios by {kind}", str(error))
                    continue
                earned = found.returns.setdefault(kind, np.full((n_portfolios, self.shape[0]), np.nan))
                earned[:, rows] = portfolio_returns(positions, self.returns[rows])
                if kind == weights:
                    dense = held.setdefault(weights, np.full(self.shape, np.nan))
                    dense[rows] = positions[-1] - positions[0]

    def _tangency(self, found, rows, kept):
        """Adds the returns of the tangency portfolio, the mean over the members, each at the same risk."""
        n_past, lag = kept.factors.shape[1] - len(kept.dates), self.study.split.purge
        if not kept.factors.size:
            return
        try:
            for j, row in enumerate(rows):
                earned = []
                for factors in kept.factors:
                    past = factors[: n_past + j - lag]
                    past = past[~np.isnan(past).any(axis=1)]
                    weights = tangency_weights(past)
                    earned.append(RISK * factors[n_past + j] @ weights / (past @ weights).std(ddof=1))
                found.tangency[row] = np.mean(earned)
        except ValueError as error:
            found.missing.setdefault("the tangency portfolio", str(error))


def _squares_of(returns, said):
    """What is explained of the sum of squares of each date, and all of it; where nothing is said, 0 is."""
    r, errors = np.nan_to_num(returns), np.nan_to_num(returns - np.nan_to_num(said))
    total = (r**2).sum(axis=1)
    return total - (errors**2).sum(axis=1), total


def _add(parts, what, rows, n, above, below):
    arrays = parts.setdefault(what, np.full((2, n), np.nan))
    arrays[0, rows], arrays[1, rows] = above, below


def _known(parts):
    return ~np.isnan(parts.above) & ~np.isnan(parts.below)


def _value(parts):
    return float(parts.above.sum() / parts.below.sum())


def _moves(parts):
    """How far each date moves the share, to first order."""
    return (parts.above - _value(parts) * parts.below) / parts.below.mean()
