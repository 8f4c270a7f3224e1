"""Managed portfolios: the returns of characteristics, one regression for each date."""

import numpy as np
import pandas as pd

from helpers.checks import SMALLEST_SHARE, as_flag
from helpers.compact import complete
from helpers.equation import product
from helpers.labels import Labelled, labelled, short
from helpers.models.base import factors_of_happened
from helpers.models.halves import require_decided
from helpers.models.least_squares import factors_given
from helpers.panel import Panel, require_panel


def managed_portfolios(panel: Panel, constant: bool = False) -> Labelled:
    """The returns of one portfolio per characteristic: the regression of each date's returns on the characteristics.

        x^(d) = (Z^(d)' Z^(d))⁻¹ Z^(d)' r^(d)        Z^(d) : (n_tickers x n_chars), known before r^(d)

    A characteristic that is 0 for every ticker at a date tells none from another. Its portfolio is then empty, and
    earns 0: so it is where a characteristic was unknown for everybody and became the median.

    Parameters
    ----------
    panel : Panel
        Tickers whose return or characteristics are missing at a date are left out at that date.
    constant : bool
        Whether a column of ones joins the characteristics, as the last one (the paper's empirical part does so).

    Returns
    -------
    portfolios : (n_dates, n_chars) or (n_dates, n_chars + 1)
        In fractions per period; NaN at dates that have not happened.

    Raises
    ------
    ValueError
        If the panel has no characteristics, or at some date they are collinear or outnumber the tickers.

    Examples
    --------
    A panel with these as its portfolios, for a Factor network to read:

    >>> from dataclasses import replace
    >>> from helpers import simulate_market
    >>> panel = simulate_market("linear", n_dates=10, n_tickers=40, n_characteristics=5).panel
    >>> x = managed_portfolios(panel)
    >>> replace(panel, portfolios=x, portfolio_names=panel.characteristic_names)
    Panel(10 dates x 40 tickers, 5 characteristics, 5 portfolios, 0.0% missing, 0 to 9)

    References
    ----------
    Gu, Kelly, Xiu (2021), equation for x_t in section 2.3.
    """
    require_panel(panel, characteristics=True)
    ever = np.zeros(panel.n_characteristics, bool)
    for _, _, block in panel.blocks():
        ever |= ((block.characteristics != 0) & _known(block)[:, :, None]).any(axis=(0, 1))
    return managed_where(panel, ever, constant)


def managed_where(panel: Panel, ever: np.ndarray, constant: bool = False) -> Labelled:
    """The managed portfolios of a part of a panel, with what is known of the whole, (n_dates, n_portfolios).

    Parameters
    ----------
    panel, constant
        As in `managed_portfolios`.
    ever : (n_chars,)
        Whether each characteristic tells tickers apart at some date; one that never does is refused.
    """
    names = panel.characteristic_names
    if as_flag("constant", constant):
        names = names.append(pd.Index(["constant"]))
    earned = factors_of_happened(panel, len(names), lambda past: _earned(past, constant, ever))
    return labelled(earned, panel.dates, names)


def managed_without(panel: Panel, constant: bool = False) -> np.ndarray:
    """The managed portfolios that each ticker in turn takes no part in, (n_dates, n_tickers, n_portfolios).

        x_(-s) = x - (Z'Z)⁻¹ z_s (r_s - z_s'x) / (1 - z_s'(Z'Z)⁻¹ z_s)

    Of a ticker without a return or a characteristic at a date, who took no part, they are the portfolios as they are.
    """
    x, z = np.asarray(managed_portfolios(panel, constant)), np.array(panel.characteristics, dtype=float)
    if constant:
        z = np.concatenate([z, np.ones((*z.shape[:2], 1))], axis=2)
    known = ~np.isnan(z).any(axis=2) & ~np.isnan(panel.returns)
    z = np.where(known[:, :, None], z, 0.0)
    inverse = np.linalg.pinv(z.transpose(0, 2, 1) @ z, rcond=SMALLEST_SHARE, hermitian=True)
    parts = z @ inverse
    errors = np.where(known, panel.returns.astype(float), 0.0) - np.where(known, product(z, x), 0.0)
    left = 1 - (parts * z).sum(axis=2)
    require_decided(left <= SMALLEST_SHARE, panel)
    return x[:, None] - parts * (errors / left)[:, :, None]


def _known(panel):
    """Where a ticker has a return and all characteristics, (n_dates, n_tickers)."""
    return complete(panel.characteristics) & ~np.isnan(panel.returns)


def _earned(panel, constant, ever):
    """The portfolios' returns at dates that have happened; `ever` says which characteristics tell tickers apart."""
    nobody = np.argwhere(np.isnan(panel.characteristics).all(axis=1))
    if len(nobody):
        d, j = nobody[0]
        raise ValueError(
            f"characteristics: {panel.characteristic_names[j]!r} is unknown for every ticker at "
            f"{short(panel.dates[d])} "
            f"({len(nobody)} such case(s) in all). Drop the characteristic, or those dates."
        )
    z, known = panel.characteristics, _known(panel)
    if constant:
        z, ever = np.concatenate([z, np.ones((*z.shape[:2], 1), z.dtype)], axis=2), np.append(ever, True)
    returns = np.where(known, panel.returns, np.nan)
    held = ((z != 0) & known[:, :, None]).any(axis=1)
    held[~known.any(axis=1)] = True  # a date without returns is no date of empty portfolios: it is refused below
    held[:, ~ever] = True  # and so is what is 0 for everybody at every date
    if held.all():
        return factors_given(returns, z, "characteristics", panel.dates)
    portfolios = np.zeros(held.shape)
    for columns in np.unique(held, axis=0):
        dates = np.flatnonzero((held == columns).all(axis=1))
        if columns.any():
            part = factors_given(returns[dates], z[dates][:, :, columns], "characteristics", panel.dates[dates])
            portfolios[np.ix_(dates, columns)] = part
    return portfolios
