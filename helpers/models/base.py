"""What every factor model of the course can do."""

from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from helpers.checks import first_few
from helpers.panel import require_panel


class FactorModel(BaseEstimator, ABC):
    """A model of the returns as sensitivities times factors.

        r̂_s^(d) = β_s^(d) · F^(d)

    A model says how β and F come about; the product is written here, once. The habits are scikit-learn's: `__init__` only
    stores, `fit` learns and returns the model, learned attributes end in an underscore.
    """

    @abstractmethod
    def fit(self, panel, validation=None):
        """The model itself, fitted to the panel. Only models that stop early read the validation panel."""

    @abstractmethod
    def betas(self, panel):
        """The sensitivities β, (n_dates, n_tickers, n_factors), constant ones as learned, others from what is known before each date."""

    @abstractmethod
    def factors(self, panel):
        """The factor returns F, (n_dates, n_factors), in fractions per period: the given ones, or those of each date's own returns."""

    def reconstruct(self, panel):
        """The returns as the model explains them, r̂ = β · F, (n_dates, n_tickers), in fractions per period."""
        return self._product(self._all_betas(panel), self._all_factors(panel))

    def predict(self, panel, past):
        """The returns expected before each date, r̂^(d) = β^(d) · λ^(d-1), (n_dates, n_tickers), in fractions per period.

        λ^(d-1) is the mean of the model's factors over all dates before d: those of `past`, a panel that ends before this one
        begins, and those of the panel itself up to d - 1.
        """
        return self._product(self._all_betas(panel), self._expected(panel, past))

    def _product(self, betas, factors):
        """β · F, (n_dates, n_tickers), of what the next two methods return; an ensemble takes the mean over its members."""
        return np.matmul(betas, factors[:, :, None])[:, :, 0]

    def _all_betas(self, panel):
        """β; an ensemble has one for each member."""
        return self.betas(panel)

    def _all_factors(self, panel):
        """F, (..., n_dates, n_factors); an ensemble has one for each member, and puts their axis first."""
        return self.factors(panel)

    def _expected(self, panel, past):
        """λ of each date, (..., n_dates, n_factors): the running mean of the factors of past and panel, one date behind."""
        require_panel(panel)
        require_panel(past)
        if not past.dates[-1] < panel.dates[0]:
            raise ValueError(
                f"past must end before the panel begins; it ends at {past.dates[-1]} and the panel begins at {panel.dates[0]}. "
                "Cut both from one panel, such as panel[:120] and panel[120:]."
            )
        before, now = self._all_factors(past), self._all_factors(panel)
        sums = np.cumsum(np.concatenate([before.sum(axis=-2, keepdims=True), now[..., :-1, :]], axis=-2), axis=-2)
        return sums / (before.shape[-2] + np.arange(panel.n_dates))[:, None]

    def _require_fitted(self, panel):
        require_panel(panel)
        check_is_fitted(self)


class ConstantBetas(FactorModel):
    """A factor model whose β is learned once, as `betas_` (n_tickers, n_factors), and is the same at every date."""

    def betas(self, panel):
        self._require_fitted(panel)
        require_same_labels("tickers", panel.tickers, self.tickers_)
        return np.broadcast_to(self.betas_, (panel.n_dates, *self.betas_.shape))


def require_same_labels(name, labels, fitted):
    """Nothing, or an error that says how the labels of a panel differ from those that a model was fitted to."""
    if not labels.equals(fitted):
        new, gone = labels.difference(fitted, sort=False), fitted.difference(labels, sort=False)
        differences = [f"new: {first_few(new)}"] * bool(len(new)) + [f"gone: {first_few(gone)}"] * bool(len(gone))
        raise ValueError(
            f"The panel's {name} differ from those that the model was fitted to ({'; '.join(differences) or 'another order'}). "
            f"Its sensitivities are known for those {name} only: pass a panel of the same {name} in the same order, or fit again."
        )
