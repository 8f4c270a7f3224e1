"""What every factor model of the course can do."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from helpers.calendars import follows
from helpers.checks import as_count, first_few
from helpers.compact import CompactArray, each_column
from helpers.equation import product, share_explained
from helpers.labels import Labelled, labelled, short
from helpers.models.store import stored_model, write_model
from helpers.panel import Panel, require_panel

# Characteristics are too different for a network when one is, by its root mean square, above the first, and so many
# times as large as another. That of a standardised characteristic is 1.
LARGE, APART = 10.0, 100.0


class FactorModel(BaseEstimator, ABC):
    """A model of the returns as sensitivities times factors.

        r̂_s^(d) = β_s^(d) · F^(d)

    A model says how β and F come about: a new one writes `fit`, `betas` and `factors`, and has the rest from here. The
    habits are scikit-learn's: `__init__` only stores, `fit` learns and returns the model, learned attributes end in an
    underscore.

    Attributes
    ----------
    reads_validation : bool
        Whether validation dates stop or choose anything in `fit`. If not, they are a part of the past like any other,
        and are learned from.
    """

    reads_validation: ClassVar[bool] = False

    @abstractmethod
    def fit(self, panel: Panel, validation: Panel | None = None) -> Self:
        """The model itself, fitted to the panel, and where it does not read validation dates, to those as well."""

    @abstractmethod
    def betas(self, panel: Panel) -> np.ndarray:
        """The sensitivities β, (n_dates, n_tickers, n_factors), constant or from what is known before each date."""

    @abstractmethod
    def factors(self, panel: Panel) -> np.ndarray:
        """The factor returns F, (n_dates, n_factors), in fractions per period; NaN at dates that have not happened."""

    def reconstruct(self, panel: Panel) -> Labelled:
        """The returns as the model explains them, r̂ = β · F, (n_dates, n_tickers), in fractions per period."""
        return self._by_block(panel, lambda block, dates: product(self.betas(block), self.factors(block)))

    def leave_one_out(self, panel: Panel) -> Labelled:
        """The returns as the model explains each of them by F of all other tickers, r̂_s = β_s · F_(-s).

        F that is solved for from the returns of a date has caught about n_factors / n_tickers of their noise, and the
        reconstruction is flattered by as much. Here nothing of a ticker's own return is in the F that explains it. So
        models that solve for F and models that are given it can be compared.

        Returns
        -------
        (n_dates, n_tickers)
            In fractions per period; NaN where β is unknown, and at dates that have not happened.

        References
        ----------
        Allen (1974): the prediction sum of squares.
        """
        betas = np.asarray(self.betas(panel))
        said = np.full(panel.shape, np.nan)
        for s in range(panel.n_tickers):
            returns = np.array(panel.returns)
            returns[:, s] = np.nan
            said[:, s] = product(betas[:, [s]], self.factors(replace(panel, returns=returns)))[:, 0]
        return labelled(said, panel.dates, panel.tickers)

    def predict(self, panel: Panel, past: Panel, lag: int = 0) -> Labelled:
        """The returns expected before each date, r̂^(d) = β^(d) · λ^(d-1), (n_dates, n_tickers), in fractions.

        Nothing of the last date is needed but what is known before it, so that a date which has not happened can be
        forecast.

        Parameters
        ----------
        panel : Panel
        past : Panel
            The dates before, over which λ begins to be averaged.
        lag : int
            How many dates earlier λ ends. Returns that are earned over h dates are over h - 1 dates later than those of
            a single date: they need lag = h - 1.
        """
        expected = self.expected_factors(panel, past, lag)
        return self._by_block(panel, lambda block, dates: product(self.betas(block), expected[dates]))

    def expected_factors(self, panel: Panel, past: Panel, lag: int = 0) -> np.ndarray:
        """The factors expected before each date, λ^(d-1), (n_dates, n_factors): the mean of F over all dates before d.

        Those are the dates of `past`, a panel that ends before this one begins, and those of the panel itself up to
        d - 1; with a lag, up to d - 1 - lag. Of a date that has not happened there is no F, and the mean is over those
        that have.

        Raises
        ------
        ValueError
            If past does not end before the panel begins, or none of its dates, but for the last `lag`, has happened.
        """
        require_panel(panel)
        require_panel(past)
        if not follows(past.dates, panel.dates):
            raise ValueError(
                f"past must end before the panel begins; it ends at {past.dates[-1]} and the panel begins at "
                f"{panel.dates[0]}. "
                "Cut both from one panel, such as panel[:120] and panel[120:]."
            )
        lag = as_count("lag", lag, at_least=0)
        if lag >= past.n_dates:
            raise ValueError(
                f"lag = {lag} leaves none of the {past.n_dates} date(s) of past to average factors over. Pass earlier "
                "dates, or a smaller lag."
            )
        known = self.factors(past)
        if panel.n_dates > 1:
            known = np.concatenate([known, self.factors(panel[:-1])])
        happened = ~np.isnan(known).any(axis=1)
        until = slice(past.n_dates - 1 - lag, len(known) - lag)
        sums = np.cumsum(np.where(happened[:, None], known, 0.0), axis=0)[until]
        counts = np.cumsum(happened)[until]
        if not counts[0]:
            raise ValueError(
                "past holds no date that has happened: no return is known to average factors over. Pass earlier dates."
            )
        return sums / counts[:, None]

    def score(self, panel: Panel, y: None = None) -> float:
        """The total R² of the reconstruction, what scikit-learn's searches compare models by; `y` is not read."""
        require_panel(panel)
        return share_explained(panel.returns, self.reconstruct(panel))

    def continued(self) -> Self:
        """A model with the same parameters and all that this one has learned: where a fit with `warm_start` begins."""
        other = clone(self)
        vars(other).update(vars(self))
        return other

    def save(self, path: str | Path) -> None:
        """Writes the fitted model to a file, whole or not at all, for `load`. No code is stored."""
        check_is_fitted(self)
        write_model(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The fitted model that `save` wrote.

        `FactorModel.load` takes any model of the course, a class its own kind only.
        """
        return stored_model(cls, path)

    def _by_block(self, panel: Panel, said: Callable[[Panel, slice], np.ndarray]) -> Labelled:
        """What is said of each return, (n_dates, n_tickers): a large panel is worked through in blocks, NaN elsewhere.

        Parameters
        ----------
        panel : Panel
        said : function of a block and of its dates, a slice of positions
            It gives (n_dates, n_tickers) of the block. Of a date, it depends on that date alone.
        """
        require_panel(panel)
        values = np.full(panel.shape, np.nan)
        for dates, tickers, block in panel.blocks():
            part = said(block, dates)
            if block is panel:
                return labelled(part, panel.dates, panel.tickers)
            values[dates, tickers] = part
        return labelled(values, panel.dates, panel.tickers)

    def _learns_from(self, panel, validation):
        """The dates to fit to: those that have happened, validation dates among them unless they have another use."""
        require_panel(panel)
        if validation is not None and not self.reads_validation:
            panel = panel.joined(validation)
        elif validation is not None:
            require_panel(validation)
            if not follows(panel.dates, validation.dates):
                raise ValueError(
                    f"validation must begin after the panel ends; the panel ends at {short(panel.dates[-1])} and "
                    f"validation begins at {short(validation.dates[0])}. Cut both from one panel, such as panel[:60] "
                    "and panel[60:120]."
                )
        return happened(panel)

    def _require_fitted(self, panel):
        require_panel(panel)
        check_is_fitted(self)


class Ensemble(FactorModel):
    """Several models whose products are averaged: r̂ = mean over members of β_m · F_m.

    Each member knows β and F up to a rotation of its own, so means of β or of F mean nothing: an ensemble of several
    members has neither, and says so when it is asked. A subclass gives `members_`, and the `betas` and `factors` of a
    single member.

    Attributes
    ----------
    members_ : list of FactorModel
        Fitted, each an ensemble of one.
    """

    members_: list[FactorModel]

    def reconstruct(self, panel: Panel) -> Labelled:
        """The mean of the members' reconstructions, (n_dates, n_tickers), in fractions per period."""
        members = self._members()
        if len(members) == 1:
            return super().reconstruct(panel)
        return self._mean((member.reconstruct(panel) for member in members), panel)

    def leave_one_out(self, panel: Panel) -> Labelled:
        """The mean of what the members say of each return by F of all other tickers, (n_dates, n_tickers)."""
        members = self._members()
        if len(members) == 1:
            return self._leave_one_out(panel)
        return self._mean((member.leave_one_out(panel) for member in members), panel)

    def _leave_one_out(self, panel):
        return super().leave_one_out(panel)

    def predict(self, panel: Panel, past: Panel, lag: int = 0) -> Labelled:
        """The mean of the members' predictions, each by its own β and λ, (n_dates, n_tickers), in fractions."""
        members = self._members()
        if len(members) == 1:
            return super().predict(panel, past, lag)
        return self._mean((member.predict(panel, past, lag) for member in members), panel)

    def _members(self):
        check_is_fitted(self)
        return self.members_

    def _require_one(self, what):
        n_members = len(self._members())
        if n_members > 1:
            raise ValueError(
                f"An ensemble of {n_members} members has no {what} of its own: those of each member are turned in "
                "another way, "
                f"and must not be averaged. Ask one of them, model.members_[0].{what}(panel), or the ensemble for "
                "reconstruct(panel)."
            )

    @staticmethod
    def _mean(products, panel):
        total, n_members = np.zeros(panel.shape), 0
        for said in products:  # one after the other: of a large panel each takes much room
            total += said
            n_members += 1
        return labelled(total / n_members, panel.dates, panel.tickers)


def happened(panel: Panel, name: str = "The panel") -> Panel:
    """The panel without the dates at its end that have not happened; `name` is what a message calls it."""
    n = panel.n_happened
    if not n:
        raise ValueError(
            f"{name} has no return at any date, so nothing can be learned from it. Pass dates that have happened."
        )
    return panel if n == panel.n_dates else panel[:n]


def factors_of_happened(panel: Panel, n_factors: int, solve: Callable[[Panel], np.ndarray]) -> np.ndarray:
    """F of each date, (n_dates, n_factors): what `solve` gives for the dates that have happened, NaN at the others.

    A large panel is handed on in blocks: of a date, F depends on that date alone.
    """
    factors, n = np.full((panel.n_dates, n_factors), np.nan), panel.n_happened
    if n:
        for dates, _, block in (panel if n == panel.n_dates else panel[:n]).blocks():
            factors[dates] = solve(block)
    return factors


def warn_of_magnitudes(characteristics: np.ndarray | CompactArray, names: pd.Index, stacklevel: int) -> None:
    """Warns, once, of characteristics in very different units: a network would learn from the large ones alone.

    Those within -1 and 1, such as ranks, and standardised ones are never too large.
    """
    sizes = [np.sqrt((known**2).mean()) for known in _known_values(characteristics)]
    largest, smallest = int(np.argmax(sizes)), int(np.argmin([size or np.inf for size in sizes]))
    if sizes[largest] > LARGE and sizes[largest] > APART * sizes[smallest] > 0:
        warnings.warn(
            f"The characteristics are of different magnitudes: {names[largest]!r} is about {sizes[largest]:.0e}, and "
            f"{names[smallest]!r} about {sizes[smallest]:.0e}. A network learns from the large ones alone. Make them "
            "ranks first, with rank_across_tickers.",
            stacklevel=stacklevel + 1,
        )


def _known_values(characteristics):
    """The known values of each characteristic, one characteristic after the other; 0 for one that is nowhere known."""
    for column in each_column(characteristics):
        values = column.astype(float, copy=False)
        known = values[~np.isnan(values)]
        yield known if len(known) else np.zeros(1)


def require_same_labels(name: str, labels: pd.Index, fitted: pd.Index) -> None:
    """Refuses labels of a panel that differ from those that a model was fitted to, and says how they differ."""
    if not labels.equals(fitted):
        new, gone = labels.difference(fitted, sort=False), fitted.difference(labels, sort=False)
        differences = [f"new: {first_few(new)}"] * bool(len(new)) + [f"gone: {first_few(gone)}"] * bool(len(gone))
        raise ValueError(
            f"The panel's {name} differ from those that the model was fitted to "
            f"({'; '.join(differences) or 'another order'}). "
            f"Its sensitivities are known for those {name} only: pass a panel of the same {name} in the same order, or "
            "fit again."
        )
