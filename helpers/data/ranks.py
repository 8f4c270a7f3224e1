"""Characteristics as ranks: what is compared is the order of the tickers at a date, and never a unit."""

from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from helpers.checks import as_choice
from helpers.compact import CompactArray
from helpers.panel import Panel
from helpers.tables import Tables

Missing = Literal["keep", "median"]


@overload
def rank_across_tickers(characteristics: Panel, missing: Missing = "keep") -> Panel: ...
@overload
def rank_across_tickers(characteristics: ArrayLike, missing: Missing = "keep") -> np.ndarray: ...
def rank_across_tickers(characteristics: ArrayLike | Panel, missing: Missing = "keep") -> np.ndarray | Panel:
    """Each characteristic as its rank among the tickers of the same date, spread evenly between -1 and 1.

        c_s^(d) = 2 rank(c_s^(d)) / (N + 1) - 1        N: the tickers that have it at date d; ties share a rank

    Parameters
    ----------
    characteristics : (n_dates, n_tickers, n_chars), (n_dates, n_tickers) or Panel
        Several characteristics, or one. NaN where unknown.
    missing : {"keep", "median"}
        Whether an unknown value stays NaN, or becomes 0: the rank of the date's median. In a panel, a ticker with
        neither a return nor a characteristic at a date stays unknown there.

    Returns
    -------
    ranks : array or Panel, as given
        float32 stays so; the ranks themselves are taken in float64. With the labels that an array has.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 4. The ranks are taken across tickers: ranks over time would look ahead.

    Examples
    --------
    Three tickers of four are known, and they stand at -1/2, 0 and 1/2:

    >>> rank_across_tickers([[10.0, np.nan, 1e6, -3.0]])
    array([[ 0. ,  nan,  0.5, -0.5]])
    """
    as_choice("missing", missing, ("keep", "median"))
    if isinstance(characteristics, Panel):
        panel = characteristics
        z = panel.characteristics
        if isinstance(z, CompactArray):
            return panel._with({"characteristics": _ranked_rows(z, panel.returns, missing)})
        ranks = rank_across_tickers(z, missing)
        ranks[np.isnan(panel.returns) & np.isnan(z).all(axis=2)] = np.nan
        return panel._with({"characteristics": ranks})
    tables, axes = Tables(), ("n_dates", "n_tickers", "n_chars")[: 2 if np.ndim(characteristics) == 2 else 3]
    table = tables.array("characteristics", characteristics, axes, missing=True, keep_precision=True)
    ranks = np.empty_like(table)
    for d, values in enumerate(table):  # a date at a time, so that a large panel is never copied whole
        ranks[d] = _ranked(values, missing)
    return tables.labelled(ranks, *axes)


def _ranked(values, missing):
    """The ranks of one date, (n_tickers, n_chars) or (n_tickers,)."""
    from scipy.stats import rankdata  # here, since it takes longer to load than all else

    known = ~np.isnan(values)
    ranks = 2 * rankdata(values, axis=0, nan_policy="omit") / (known.sum(axis=0) + 1) - 1
    if missing == "median":
        ranks[~known] = 0.0
    return ranks


def _ranked_rows(z, returns, missing):
    """The ranks of a compact array, date by date; a row without a return or any characteristic stays unknown."""
    if missing == "median":
        z = z.with_rows(~np.isnan(returns))  # whoever has a return and no characteristic is in the middle
    ranks = np.empty((z.rows.stop - z.rows.start, z.shape[2]), z.dtype)
    for d in range(len(z)):
        values, rows = z.rows_at(d), slice(z.starts[d] - z.starts[0], z.starts[d + 1] - z.starts[0])
        if len(values):
            ranks[rows] = _ranked(values, missing)
            ranks[rows][np.isnan(returns[d, z.tickers_at(d)]) & np.isnan(values).all(axis=1)] = np.nan
    return z.with_values(ranks)
