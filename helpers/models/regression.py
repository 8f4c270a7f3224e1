"""The two models in which one half of the product is given: the factors, or the sensitivities."""

from dataclasses import replace
from typing import Self

import numpy as np

from helpers.checks import as_array, beta_axes, labels_along
from helpers.labels import Labelled, factor_names, labelled, plain
from helpers.models.base import factors_of_happened, happened, require_same_labels
from helpers.models.halves import ConstantBetas, SolvedFactors
from helpers.models.least_squares import betas_given, factors_given
from helpers.panel import Panel, require_panel
from helpers.tables import Tables


class TimeSeriesRegression(ConstantBetas):
    """Given F, solve for β: one regression per ticker, across dates. The given factors are the panel's portfolios.

        r_s^(d) = α_s + β_s · F^(d) + ε_s^(d)        min over (α_s, β_s) of Σ_d ε_s^(d)²

    β is constant over time. α is what the factors leave unexplained on average; it is estimated so that β is not bent
    to fit it, and it stays out of `reconstruct`, which is β · F as in every other model.

    Parameters
    ----------
    intercept : bool
        Whether α is estimated.
    min_observations : int, optional
        How many returns a ticker needs for a β. Tickers may then come and go: those with fewer, or met later, are
        `unseen`. Left out: every ticker must have a β, and a panel of other tickers is refused.
    unseen : {"zero", "leave out"}
        What the β of an unseen ticker is: 0, so that its return counts as unexplained in every score; or NaN, so that
        nothing is said of it.

    Attributes
    ----------
    alphas_ : (n_tickers,)
        In fractions per period.
    betas_ : (n_tickers, n_factors)
    tickers_ : Index
        Those that have a β.

    References
    ----------
    Fama, French (1993). Gu, Kelly, Xiu (2021) call it the model with observable factors.
    """

    def __init__(self, intercept=True, min_observations=None, unseen="zero"):
        self.intercept = intercept
        self.min_observations = min_observations
        self.unseen = unseen

    def fit(self, panel: Panel, validation: Panel | None = None) -> Self:
        """The model with α and β of these dates, and of the validation dates if there are any."""
        require_panel(panel, portfolios=True)
        panel = self._with_enough(self._learns_from(panel, validation))
        alphas, betas = betas_given(panel.returns, panel.portfolios, self.intercept, "portfolios", panel.tickers)
        self.alphas_, self.betas_ = alphas, betas
        self.tickers_, self.portfolio_names_ = panel.tickers, panel.portfolio_names
        return self

    def factors(self, panel: Panel) -> Labelled:
        """The returns of the panel's portfolios, (n_dates, n_factors): given, but for dates that have not happened."""
        self._require_fitted(panel)
        require_panel(panel, portfolios=True)
        require_same_labels("portfolio_names", panel.portfolio_names, self.portfolio_names_)
        factors = factors_of_happened(panel, len(self.portfolio_names_), lambda past: past.portfolios)
        return labelled(factors, panel.dates, self.portfolio_names_)

    def _factor_names(self):
        return self.portfolio_names_


class CrossSectionalRegression(SolvedFactors):
    """Given β, solve for F: one regression per date, across tickers. β is the characteristics unless it is given.

        r^(d) = β^(d) F^(d) + ε^(d)        min over F^(d) of Σ_s ε_s^(d)²

    Nothing about β or F is learned from the past: each date's factors come from that date's returns alone. What `fit`
    learns is the average of the factors, as Fama and MacBeth (1973) do, and how sure it is.

    Parameters
    ----------
    given_betas : (n_tickers, n_factors) or (n_dates, n_tickers, n_factors), optional
        β, constant or one for each date of the panel.

    Attributes
    ----------
    factors_ : (n_dates, n_factors)
        F at the dates of the panel fitted to, in fractions per period.
    premia_ : (n_factors,)
        λ, the mean of the factors over those dates.
    standard_errors_ : (n_factors,)
        Of λ: the standard deviation of the factors over √n_dates.

    References
    ----------
    Fama, MacBeth (1973).
    """

    def __init__(self, given_betas=None):
        self.given_betas = given_betas

    def fit(self, panel: Panel, validation: Panel | None = None) -> Self:
        """The model with the average of F over these dates, and over the validation dates if there are any."""
        require_panel(panel)
        panel = panel if validation is None else panel.joined(validation)
        self._require_betas_of(panel)
        panel_of_fit, dates = happened(self._read(panel)), panel.dates
        n_factors = self._betas(panel_of_fit[:1], dates).shape[2]
        factors = factors_of_happened(panel_of_fit, n_factors, lambda past: self._solved(past, dates))
        self.factors_, self.shape_of_betas_ = factors, _shape(self.given_betas)
        self.dates_, self.tickers_, self.characteristic_names_ = panel.dates, panel.tickers, panel.characteristic_names
        self.premia_ = factors.mean(axis=0)
        self.standard_errors_ = np.full(factors.shape[1], np.nan)
        if len(factors) > 1:
            self.standard_errors_ = factors.std(axis=0, ddof=1) / np.sqrt(len(factors))
        return self

    def betas(self, panel: Panel) -> Labelled:
        """The given β at each date of the panel, or its characteristics, (n_dates, n_tickers, n_factors)."""
        self._require_fitted(panel)
        self._require_same_betas(panel)
        return labelled(self._betas(panel, self.dates_), panel.dates, panel.tickers, self._factor_names())

    def factors(self, panel: Panel) -> Labelled:
        """The cross-sectional regression of each date, (n_dates, n_factors), in fractions per period."""
        self._require_fitted(panel)
        self._require_same_betas(panel)
        n_factors = self.factors_.shape[1]
        factors = factors_of_happened(self._read(panel), n_factors, lambda past: self._solved(past, self.dates_))
        return labelled(factors, panel.dates, self._factor_names())

    def _read(self, panel):
        """The panel without characteristics, where β is given: nothing is read of them, and it is no large one."""
        require_panel(panel)
        return panel if self.given_betas is None else replace(panel, characteristics=None, characteristic_names=None)

    def _by_block(self, panel, said):
        return super()._by_block(panel if self.given_betas is None else self._read(panel), said)

    def _solved(self, panel, dates):
        name = "characteristics" if self.given_betas is None else "given_betas"
        return factors_given(panel.returns, self._betas(panel, dates), name, panel.dates)

    def _factor_names(self):
        if self.given_betas is None:
            return self.characteristic_names_
        own = labels_along(self.given_betas, -1)
        return factor_names(self.factors_.shape[1]) if own is None else own

    def _require_same_betas(self, panel):
        now = _shape(self.given_betas)
        fitted = getattr(self, "shape_of_betas_", now)  # a file of an earlier edition does not know it
        own = None if now is None else labels_along(self.given_betas, -2)
        if now != fitted or (own is not None and not plain("tickers", own).equals(self.tickers_)):
            raise ValueError(
                f"given_betas was changed after the fit: it was {_described(fitted)}, and is {_described(now)} now, or "
                "of other tickers. Fit again."
            )
        if self.given_betas is None:
            require_panel(panel, characteristics=True)
            require_same_labels("characteristic_names", panel.characteristic_names, self.characteristic_names_)
            return
        require_same_labels("tickers", panel.tickers, self.tickers_)
        if np.ndim(self.given_betas) == 3 and not panel.dates.isin(self.dates_).all():
            raise ValueError(
                "given_betas has one β for each date that the model was fitted to, and the panel has other dates. "
                "Fit again with given_betas for these dates, or give betas without dates."
            )

    def _require_betas_of(self, panel):
        """Refuses given betas that are not those of this panel's tickers, or of its dates if there is one for each."""
        if self.given_betas is None:
            require_panel(panel, characteristics=True)
            return
        tables = Tables()
        tables.takes_in("the panel", {"n_dates": panel.dates, "n_tickers": panel.tickers})
        tables.array("given_betas", self.given_betas, beta_axes(self.given_betas), missing=True)

    def _betas(self, panel, dates):
        """The β of each date of the panel; `dates` are those that given betas have, if they have any."""
        if self.given_betas is None:
            return np.asarray(panel.characteristics)
        betas = as_array("given_betas", self.given_betas, beta_axes(self.given_betas), missing=True)
        if betas.ndim == 3:
            return betas[dates.get_indexer(panel.dates)]
        return np.broadcast_to(betas, (panel.n_dates, *betas.shape))


def _shape(given):
    """The shape of given betas, () where their rows differ in length; None where there are none."""
    try:
        return None if given is None else np.shape(given)
    except ValueError:
        return ()


def _described(shape):
    return "None, so the characteristics" if shape is None else f"of shape {shape}"
