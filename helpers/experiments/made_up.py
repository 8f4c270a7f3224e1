"""Made-up files in the exact schema of the leaderboard, whose truth is known, so that scripts can be tried and scored.

    r_s^(m+1) = β_s^(m) · F^(m+1) + ε_s^(m+1)        F ~ N(λ, I)        ε_s ~ N(0, v_s)

β are in units of returns, so each factor has the variance 1, and λ are its monthly Sharpe ratios. Everything is
invented; the schema and its troubles are not.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from helpers.checks import as_count
from helpers.files import written_whole

CHARS, FEATURES, DAILY, TRUTH = "ctff_chars.parquet", "ctff_features.parquet", "ctff_daily_ret.parquet", "truth.parquet"
SMALL = {"stocks": 50, "months": 123, "features": 40}
FULL = {"stocks": 3000, "months": 528, "features": 400}
BEFORE = 120  # months before the first that is tested
LAMBDAS = np.array([0.15, 0.20, 0.20, 0.15])
MARKET, SPREAD = 0.045, 0.09  # how much a factor of variance 1 moves: everything; the first-ranked against the middle
DRIVERS = 6  # features that make β; the others only look as if
ABSENT = 6000  # industries from this number up to the next thousand have no stock
INDUSTRIES = np.array([100, 1311, 2834, 3674, 4911, 5812, 7372, 8062])
DAYS = 21


def simulate(
    folder: str | Path, stocks: int = 50, months: int = 123, features: int = 40, seed: int = 0
) -> list[Path]:
    """The paths of four files: the three of the organisers' schema, of a made-up market, and the truth about it.

    The first 120 months have no `ctff_test`. A stock appears in the last month only; the feature named last is missing
    for everybody in the first third of the months; no `sic` lies between 6000 and 6999. Features persist, are missing
    here and there, and some take few values. Files are written month by month, and never in memory as a whole.

    Parameters
    ----------
    folder : str or path
        Made if it is not there. Files of these names in it are replaced, once the new ones are whole.
    stocks : int
        Of a month, at least 10.
    months : int
        At least 121.
    features : int
        At least 8.
    seed : int

    Returns
    -------
    list of Path
        The truth, the last one, has for each row of the first its `mean`, the `beta_1`, ... and the `variance` of ε.
    """
    stocks, months = as_count("stocks", stocks, at_least=10), as_count("months", months, at_least=BEFORE + 1)
    features, seed = as_count("features", features, at_least=8), as_count("seed", seed, at_least=0)
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(f"folder must be the path of a folder; {folder!r} was given.")
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    market = _Market(stocks, months, features, np.random.default_rng(seed))
    paths = [folder / name for name in (CHARS, FEATURES, DAILY, TRUTH)]
    with ExitStack() as stack:
        unfinished = [stack.enter_context(written_whole(path)) for path in paths]
        pa.parquet.write_table(pa.table({"features": market.names}), unfinished[1])
        writers = [None, None, None]
        for tables in market.months():
            for i, (table, path) in enumerate(zip(tables, (unfinished[0], *unfinished[2:]), strict=True)):
                if writers[i] is None:
                    writers[i] = stack.enter_context(pa.parquet.ParquetWriter(path, table.schema))
                writers[i].write_table(table)
        for writer in writers:
            writer.close()
    return paths


class _Market:
    """A market that is made month by month; a stock that leaves gives its place to a new one."""

    def __init__(self, stocks, months, features, random):
        self.n_months, self.random = months, random
        self.names = [f"char_{j:03d}" for j in range(1, features + 1)]
        self.keeps = random.uniform(0.85, 0.99, features).astype("float32")
        self.scales = (10.0 ** random.uniform(-3, 3, features)).astype("float32")
        self.coarse = random.random(features) < 0.1
        self.missing = np.where(np.arange(features) < DRIVERS, 0.0, random.uniform(0, 0.3, features))
        self.coarse[:DRIVERS] = False
        self.n_stocks, self.next_id = stocks, 10_001
        self.ids, self.sic, self.variances = np.zeros(0, "int64"), np.zeros(0, int), np.zeros(0)
        self.latent = np.zeros((0, features), "float32")
        self._enter(stocks)

    def months(self):
        """For each month three tables: characteristics, daily returns of the month after, the truth."""
        ends = pd.date_range("1980-01-31", periods=self.n_months + 1, freq="ME").to_numpy().astype("datetime64[ns]")
        for m in range(self.n_months):
            last = m == self.n_months - 1
            if last:
                self._enter(1)
            noise = self.random.standard_normal(self.latent.shape, dtype="float32")
            self.latent = self.keeps * self.latent + np.sqrt(1 - self.keeps**2) * noise
            betas = self._betas()
            means = betas @ LAMBDAS
            earned = means + betas @ self.random.standard_normal(len(LAMBDAS))
            earned += np.sqrt(self.variances) * self.random.standard_normal(len(earned))
            leaves = self.random.random(len(earned)) < (0.0 if last else 0.008)
            lost = leaves & (self.random.random(len(earned)) < 0.5)  # delisted within the month: no return
            observed = np.where(lost, np.nan, earned)
            keys = {"id": self.ids, "eom": np.repeat(ends[m], len(earned))}
            yield (
                pa.table(self._characteristics(m, ends, keys, observed)),
                self._daily(ends[m], ends[m + 1], observed),
                pa.table(
                    {**keys, "mean": means, **{f"beta_{k + 1}": b for k, b in enumerate(betas.T)},
                     "variance": self.variances.copy()}
                ),
            )  # fmt: skip
            self._leave(leaves)

    def _enter(self, n):
        self.ids = np.append(self.ids, np.arange(self.next_id, self.next_id + n))
        self.next_id += n
        self.sic = np.append(self.sic, self.random.choice(INDUSTRIES, n))
        self.variances = np.append(self.variances, self.random.uniform(0.06, 0.14, n) ** 2)
        born = self.random.standard_normal((n, len(self.names)), dtype="float32")
        self.latent = np.concatenate([self.latent, born])

    def _leave(self, leaves):
        stay = ~leaves
        self.ids, self.sic, self.variances = self.ids[stay], self.sic[stay], self.variances[stay]
        self.latent = self.latent[stay]
        self._enter(int(leaves.sum()))

    def _betas(self):
        """Of the market, two linear in ranks, and one along curves; ranks c are from -1 to 1."""
        order = self.latent[:, :DRIVERS].argsort(axis=0).argsort(axis=0)
        c = 2 * (order + 0.5) / len(order) - 1
        bent = SPREAD * (c[:, 4] * c[:, 5] + np.abs(c[:, 0]) - 0.5)
        market, linear = MARKET * (1 + 0.3 * c[:, 0]), SPREAD * (c[:, 2] + c[:, 3]) / 2
        return np.stack([market, SPREAD * c[:, 1], linear, bent], axis=1)

    def _characteristics(self, m, ends, keys, observed):
        values = self.latent.copy()
        values[:, self.coarse] = np.floor(values[:, self.coarse])
        values *= self.scales
        values[self.random.random(values.shape, dtype="float32") < self.missing] = np.nan
        if m < self.n_months // 3:
            values[:, -1] = np.nan
        n = len(observed)
        return {
            **keys,
            "eom_ret": np.repeat(ends[m + 1], n),
            "ret_exc_lead1m": pa.array(observed, from_pandas=True),
            "ctff_test": np.full(n, m >= BEFORE),
            "excntry": ["USA"] * n,
            "sic": self.sic,
            **{name: pa.array(values[:, j], from_pandas=True) for j, name in enumerate(self.names)},
        }

    def _daily(self, begin, end, observed):
        """The returns of the month after, day by day; those of a day differ by noise that sums to zero."""
        days = pd.bdate_range(begin + np.timedelta64(1, "D"), end)[:DAYS]
        known = ~np.isnan(observed)
        noise = self.random.normal(0, 0.02, (int(known.sum()), len(days)))
        returns = observed[known, None] / len(days) + noise - noise.mean(axis=1, keepdims=True)
        return pa.table(
            {
                "id": np.repeat(self.ids[known], len(days)),
                "date": np.tile(days.to_numpy().astype("datetime64[ns]"), int(known.sum())),
                "ret_exc": returns.ravel(),
            }
        )
