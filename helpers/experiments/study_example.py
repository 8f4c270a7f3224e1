"""A small study that is ready to run: files like those that researchers have, of a market whose truth is known."""

from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from helpers.data.published import write_published_layout
from helpers.files import written_whole
from helpers.labels import Labelled, factor_names, labelled
from helpers.models.base import factors_of_happened
from helpers.models.halves import SolvedFactors
from helpers.models.least_squares import cross_sectional_factors
from helpers.panel import Panel

N_TICKERS, N_DATES, N_CHARACTERISTICS = 300, 118, 8  # March 1957 to December 1966: ten calendar years
DRIVERS = ("mvel1", "mom12m", "mom1m")
TOML = """\
# A small study. Run it: python -m helpers.experiments.study {name}
# Every key that is left out has a value of its own; a key that is misspelt is refused.
title = "An example of a study"
K = [1, 2, 3]        # numbers of factors
seed = 0
warm = false         # true: a fold begins where the fold before ended, with models that can (InstrumentedPCA)

[data]
path = "simulated_characteristics.csv"
layout = "gkx"                           # of read_panel, as are most keys here
returns_path = "simulated_returns.csv"
returns = "RET"
rank = "median"                          # ranks between -1 and 1, an unknown one at the median; or "none"
size = "me"                              # market value of the month before: value weights, groups by size
exchange = "exchcd"                      # NYSE breakpoints
nyse = 1
select = {{ shrcd = [10, 11] }}            # common stocks

[split]                                  # in calendar years; the paper: train = 18, validation = 12
train = 4
validation = 2
refit_every = 2                          # the paper: 1

[models.PCA]                             # names of the paper have its settings; others name a class

[models.IPCA]

[models.CA1]
n_members = 2
l1 = [0.003, 0.012]
epochs = 40

[models.NeuralIPCA]
n_members = 2
l1 = [0.048, 0.096]
epochs = 40

[models."true β"]                        # a class of your own is named by its module
class = "helpers.experiments.study_example:TrueBetas"

[report]
K = 3                                    # that of the tables which show one
size_groups = 3
costs = [0.001, 0.003]                   # of what is bought or sold
draws = 500                              # of the bootstrap
"""


class TrueBetas(SolvedFactors):
    """The true β of the example's market, and F by the regression of each date: what no other model can better by far.

        β = (c_size², 2 c_size c_year, 0.6 sgn(c_month))        the first K of them

    c: the ranks of the study. In the market they were ranks among all tickers, those that a study leaves out as well.

    Parameters
    ----------
    n_factors : int
        K, up to 3.
    """

    def __init__(self, n_factors: int = 3):
        self.n_factors = n_factors

    def fit(self, panel: Panel, validation: Panel | None = None) -> Self:
        """The model itself, which has nothing to learn."""
        self.characteristic_names_ = self._learns_from(panel, validation).characteristic_names
        return self

    def betas(self, panel: Panel) -> Labelled:
        """The true β, (n_dates, n_tickers, n_factors)."""
        self._require_fitted(panel)
        at = [panel.characteristic_names.get_loc(name) for name in DRIVERS]
        size, year, month = np.moveaxis(np.asarray(panel.characteristics[:, :, at], dtype=float), 2, 0)
        betas = np.stack([size**2, 2 * size * year, 0.6 * np.sign(month)], axis=2)[:, :, : self.n_factors]
        return labelled(betas, panel.dates, panel.tickers, factor_names(betas.shape[2]))

    def factors(self, panel: Panel) -> Labelled:
        """The regression of each date on the true β, (n_dates, n_factors), in fractions per period."""
        betas = np.asarray(self.betas(panel))
        there = ~np.isnan(betas).any(axis=2)

        def solve(past):
            n = past.n_dates
            return cross_sectional_factors(np.where(there[:n], past.returns, np.nan), betas[:n])

        return labelled(factors_of_happened(panel, betas.shape[2], solve), panel.dates, factor_names(betas.shape[2]))


def write_example(
    folder: str | Path,
    n_tickers: int = N_TICKERS,
    n_dates: int = N_DATES,
    n_characteristics: int = N_CHARACTERISTICS,
    seed: int = 0,
) -> Path:
    """The path of a ready study file; beside it stand the files that it reads, of an invented market.

    Parameters
    ----------
    folder : path
        Made if it is not there. Files in it of the same names are replaced.
    n_tickers, n_dates, n_characteristics, seed : int
        Of `write_published_layout`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_example(folder, n_tickers=40, n_dates=24, n_characteristics=3).name
    'my.toml'
    """
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    _, returns = write_published_layout(folder, n_tickers, n_dates, n_characteristics, seed)
    _add_market_values(returns, seed)
    path = folder / "my.toml"
    path.write_text(TOML.format(name=path), encoding="utf-8")
    return path


def _add_market_values(path, seed):
    """Adds to the file of returns what CRSP's has: market value at the end of the month, exchange and share code."""
    table = pd.read_csv(path)
    random = np.random.default_rng(seed)
    permnos = np.unique(table["permno"])
    first = pd.Series(np.exp(random.normal(5, 1.5, len(permnos))), permnos)  # in millions
    # Large companies are at the NYSE; one in twenty tickers is a fund.
    listed = pd.Series(
        np.where(first.rank(pct=True) > 0.5, 1, np.where(random.random(len(permnos)) < 0.5, 2, 3)), permnos
    )
    code = pd.Series(
        np.where(random.random(len(permnos)) < 0.05, 14, np.where(random.random(len(permnos)) < 0.1, 10, 11)), permnos
    )
    growth = (1 + table["RET"]).groupby(table["permno"]).cumprod()
    about = {
        "me": (first.loc[table["permno"]].to_numpy() * growth).round(3),
        "exchcd": listed.loc[table["permno"]].to_numpy(),
        "shrcd": code.loc[table["permno"]].to_numpy(),
    }
    with written_whole(path) as unfinished:
        table.assign(**about).to_csv(unfinished, index=False, lineterminator="\n")
