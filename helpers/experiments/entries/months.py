"""What the entries to the leaderboard share: months in time order, ranks, windows of what was known, positions.

The months are walked through once, forwards. A model sees a month's returns when they have become known, and never the
months after the one that it weighs; so there is nothing of the future that a mistake could reach.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from helpers.checks import SMALLEST_SHARE

WINDOW = 120  # months that a fit may read
FEWEST = 24  # months; with fewer behind it, every stock of a month has the same weight


@dataclass(frozen=True, eq=False)
class Month:
    """The stocks of a month, in the order of their numbers.

    Parameters
    ----------
    eom, eom_ret : datetime64
        When the characteristics are known, and when the returns.
    rows : (n_stocks,)
        Where they stand in the table that was given.
    z : (n_stocks, n_features)
        The features as ranks, in the order of their names.
    returns : (n_stocks,)
        Of the following month, NaN where there is none.
    tested : (n_stocks,)
        Which of them need a weight.
    """

    eom: np.datetime64
    eom_ret: np.datetime64
    rows: np.ndarray
    z: np.ndarray
    returns: np.ndarray
    tested: np.ndarray


@dataclass(frozen=True, eq=False)
class Known:
    """The ranks and the returns of the stocks of a month whose returns are known."""

    eom: np.datetime64
    z: np.ndarray
    returns: np.ndarray


def weighed(chars, features, model):
    """The weights of all stocks that need one: the columns id and eom as they were given, and w.

    Parameters
    ----------
    chars, features : DataFrame
        As the organisers give them.
    model : object
        With two methods: `kept` makes of a month's `Known` what later fits need of it; `weights` gives the weights
        (n_stocks,), from what was kept of the last months, the ranks of the stocks and the month's eom.
    """
    rows, weights = [np.zeros(0, int)], [np.zeros(0)]
    for window, month in test_months(chars, features, model.kept):
        z = month.z[month.tested]
        w = model.weights(window, z, month.eom) if len(window) >= FEWEST else None
        rows.append(month.rows[month.tested])
        weights.append(np.full(len(z), 1 / len(z)) if w is None or not np.isfinite(w).all() else w)
    table = chars[["id", "eom"]].iloc[np.concatenate(rows)].reset_index(drop=True)
    return table.assign(w=np.concatenate(weights))


def test_months(chars, features, kept):
    """(window, month) of each month with stocks to weigh: what was kept of the last months with known returns."""
    window, waiting = deque(maxlen=WINDOW), deque()
    for month in months_of(chars, features):
        while waiting and waiting[0].eom_ret <= month.eom:
            past = waiting.popleft()
            there = np.isfinite(past.returns)
            if there.any():
                window.append(kept(Known(past.eom, past.z[there], past.returns[there])))
        if month.tested.any():
            yield list(window), month
        waiting.append(month)


def months_of(chars, features):
    """Each `Month` in time order. Neither the order of the rows nor that of the features or columns matters."""
    columns = chars.columns.get_indexer(sorted(set(features["features"])))
    if (columns < 0).any():
        raise ValueError("features names a characteristic that is no column of chars. Pass the two files of one set.")
    ids, ends = chars["id"].to_numpy(), pd.to_datetime(chars["eom"]).to_numpy()
    known = pd.to_datetime(chars["eom_ret"]).to_numpy()
    returns = chars["ret_exc_lead1m"].to_numpy(float, na_value=np.nan)
    tested = chars["ctff_test"].to_numpy(float, na_value=0.0) > 0
    order = np.lexsort((ids, ends))
    for rows in np.split(order, np.flatnonzero(np.diff(ends[order])) + 1) if len(order) else []:
        z = ranks(chars.iloc[rows, columns].to_numpy(float, na_value=np.nan))
        yield Month(ends[rows[0]], known[rows].max(), rows, z, returns[rows], tested[rows])


def ranks(values):
    """Each characteristic's rank among the stocks that have it, from above -1/2 to 1/2; ties share one.

        rank / n - 1/2        0 where it is unknown, or the same for all

    Parameters
    ----------
    values : (n_stocks, n_features)
        NaN or infinite where unknown.
    """
    known = np.isfinite(values)
    filled = np.where(known, values, np.inf)  # these come last, so that they move no other's rank
    n = known.sum(axis=0)
    alike = np.where(known, values, -np.inf).max(axis=0) == filled.min(axis=0)
    shares = rankdata(filled, axis=0) / np.maximum(n, 1) - 0.5
    return np.where(known & ~alike, shares, 0.0).astype("float32")


def told_nothing(window):
    """Which features were 0 for everybody in all months of a window: what a model says of them is chance."""
    return ~np.any([(month.z != 0).any(axis=0) for month in window], axis=0)


def mean_variance(factors):
    """Σ⁻¹ λ of factors (n_months, n_factors) of mean λ; in directions in which they do not vary, nothing is held."""
    covariance = np.atleast_2d(np.cov(factors, rowvar=False))
    return np.linalg.pinv(covariance, rcond=SMALLEST_SHARE, hermitian=True) @ factors.mean(axis=0)
