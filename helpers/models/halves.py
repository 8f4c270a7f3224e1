"""One half of the product found plainly: β that stays as it was learned, or F that each date's returns decide."""

import warnings

import numpy as np

from helpers.checks import as_choice, as_count, first_few
from helpers.equation import product
from helpers.labels import Labelled, factor_names, labelled, short
from helpers.models.base import FactorModel, require_same_labels
from helpers.models.least_squares import each_left_out, regressions
from helpers.panel import Panel, require_panel


class ConstantBetas(FactorModel):
    """A factor model whose β is learned once, as `betas_` (n_tickers, n_factors), and is the same at every date.

    Attributes
    ----------
    tickers_ : Index
        Those that have a β.
    """

    min_observations: int | None = None
    unseen: str = "zero"

    def betas(self, panel: Panel) -> Labelled:
        """β as it was learned, at every date of the panel, (n_dates, n_tickers, n_factors).

        With `min_observations`, a ticker without a β has 0, or NaN, as `unseen` says.
        """
        self._require_fitted(panel)
        values = self._betas_of(panel.tickers)
        if as_choice("unseen", self.unseen, ("zero", "leave out")) == "zero":
            values = np.nan_to_num(values, nan=0.0)
        values = np.broadcast_to(values, (panel.n_dates, *values.shape))
        return labelled(values, panel.dates, panel.tickers, self._factor_names())

    def _by_block(self, panel, said):
        """What is said of each return: β needs no block, and a ticker that a block lacks has one."""
        require_panel(panel)
        return labelled(said(panel, slice(0, panel.n_dates)), panel.dates, panel.tickers)

    def _betas_of(self, tickers):
        """β of these tickers, (n_tickers, n_factors); NaN where there is none, which needs `min_observations`."""
        if tickers.equals(self.tickers_):
            return self.betas_
        if self.min_observations is None:
            require_same_labels("tickers", tickers, self.tickers_)
        nobody = np.full((1, self.betas_.shape[1]), np.nan)
        return np.concatenate([self.betas_, nobody])[self.tickers_.get_indexer(tickers)]

    def _with_enough(self, panel):
        """The panel of the tickers that have `min_observations` returns, after a sentence on the others."""
        as_choice("unseen", self.unseen, ("zero", "leave out"))
        if self.min_observations is None:
            return panel
        least = as_count("min_observations", self.min_observations)
        enough = (~np.isnan(panel.returns)).sum(axis=0) >= least
        if not enough.any():
            raise ValueError(
                f"No ticker has min_observations = {least} returns in the {panel.n_dates} dates fitted to. Ask for "
                "fewer, or pass more dates."
            )
        if not enough.all():
            how = "their β is 0" if self.unseen == "zero" else "they are left out"
            warnings.warn(
                f"{(~enough).sum()} of {panel.n_tickers} tickers have fewer than min_observations = {least} returns "
                f"in the dates fitted to, and so no β: {how} ({first_few(panel.tickers[~enough])}).",
                stacklevel=3,
            )
            panel = panel.select_tickers(panel.tickers[enough])
        return panel

    def _factor_names(self):
        return factor_names(self.betas_.shape[1])


class SolvedFactors(FactorModel):
    """A factor model whose F is the regression of each date's returns on its β."""

    ridge_of_dates: float = 0.0  # what is added to β'β, for each ticker of the date

    def leave_one_out(self, panel: Panel) -> Labelled:
        """The returns as F of all other tickers explains them, r - (r - r̂) / (1 - h), (n_dates, n_tickers)."""
        require_panel(panel)
        until, ridge = panel.n_happened, self.ridge_of_dates

        def said(block, dates):
            return solved_without(self.betas(block), block, ridge, until - dates.start)

        return self._by_block(panel, said)


def solved_without(betas: np.ndarray, panel: Panel, ridge: float = 0.0, n_happened: int | None = None) -> Labelled:
    """Each return by the regression, on these β, of all others of its date, (n_dates, n_tickers)."""
    b = np.asarray(betas, dtype=float)
    there = ~np.isnan(b).any(axis=2) & ~np.isnan(panel.returns)
    n = max(0, panel.n_happened if n_happened is None else n_happened)
    if n:
        require_enough_tickers("The panel", panel[:n], there[:n], b.shape[2])
    returns, known = np.where(there, panel.returns.astype(float), 0.0), np.where(there[:, :, None], b, 0.0)
    without = each_left_out(returns, known, ridge, least=0.0)
    require_decided(np.isnan(without) & there, panel)
    said = np.where(there, without, product(b, regressions(returns, known, ridge)[0]))
    said[n:] = np.nan
    return labelled(said, panel.dates, panel.tickers)


def require_decided(alone: np.ndarray, panel: Panel) -> None:
    """Refuses dates at which a ticker decides a part of F alone, (n_dates, n_tickers): the others say nothing of it."""
    if alone.any():
        d, s = np.argwhere(alone)[0]
        raise ValueError(
            f"Without the ticker {panel.tickers[s]!r}, F at {short(panel.dates[d])} has no single value: a factor is "
            f"decided by it alone ({int(alone.sum())} such case(s) in all). Drop the ticker, or what only it has."
        )


def require_enough_tickers(name: str, panel: Panel, there: np.ndarray, n_factors: int) -> None:
    """Refuses dates with too few tickers for the regression: with as many as factors, it explains everything."""
    few = there.sum(axis=1) <= n_factors
    if few.any():
        raise ValueError(
            f"{name} has too few tickers at the date(s) {first_few(panel.dates[few])}: {n_factors} factors of a date "
            "need more tickers than that with a return and all characteristics. Drop the dates, or ask for fewer "
            "factors."
        )
