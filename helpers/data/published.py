"""The layout of the published characteristics file, and a generator of files like it, so that all can be tried."""

import os
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from helpers.checks import as_choice, as_count
from helpers.data.file import AnyPath
from helpers.data.ranks import rank_across_tickers
from helpers.files import written_whole

PUBLISHED_LAYOUT = {"ticker": "permno", "date": "DATE", "exclude": ("sic2",)}
PUBLISHED_CHARACTERISTICS = tuple(
    "absacc acc age agr bm bm_ia cashdebt cashpr cfp cfp_ia chatoia chcsho chempia chinv chpmia convind currat depr "
    "divi divo dy egr ep gma grcapx grltnoa herf hire invest lev lgr mve_ia operprof orgcap pchcapx_ia pchcurrat "
    "pchdepr pchgm_pchsale pchquick pchsale_pchinvt pchsale_pchrect pchsale_pchxsga pchsaleinv pctacc ps quick rd "
    "rd_mve rd_sale realestate roic salecash saleinv salerec secured securedind sgr sin sp tang tb aeavol cash chtx "
    "cinvest ear ms nincr roaq roavol roeq rsup stdacc stdcf baspread beta betasq chmom dolvol idiovol ill indmom "
    "maxret mom12m mom1m mom36m mom6m mvel1 pricedelay retvol std_dolvol std_turn turn zerotrade".split()
)
FIRST_MONTH = "1957-03"
BURN_IN = 36  # months before the first that is written, so that past returns are known in it
MOMENTUM = {"mom1m": (1, 1), "mom6m": (2, 6), "mom12m": (2, 12), "mom36m": (13, 36)}  # first and last past month
DRIVERS = ("mvel1", "mom1m", "mom12m")
INDICATORS = ("convind", "divi", "divo", "rd", "securedind", "sin")
COUNTS = ("age", "ms", "nincr", "ps")
# Quarterly accounts came late.
LATER = "aeavol cash chtx cinvest ear ms nincr roaq roavol roeq rsup stdacc stdcf".split()


def write_published_layout(
    folder: AnyPath,
    n_tickers: int = 300,
    n_dates: int = 120,
    n_characteristics: int = 94,
    seed: int = 0,
    format: Literal["csv", "parquet"] = "csv",
    months_listed: int | None = None,
) -> tuple[Path, Path]:
    """Two files laid out like the published ones, from an invented market: characteristics, and returns to be joined.

        r_s^(d) = β_s^(d) · F^(d) + ε_s^(d)        F ~ N(0.03, 0.1² I)        ε = 0.1 t_5
        β = (c_size², 2 c_size c_year, 0.6 sgn(c_month))

    c: ranks of mvel1, mom12m and mom1m across tickers, 0 if unknown.

    Read them with `read_panel(first, layout="gkx", returns_path=second, returns="RET")`. Everything is invented;
    the layout and its troubles are not. Dates are the last weekday of the month in the first file and its last day in
    the second. Tickers enter and leave. Characteristics are not ranked; they are missing for some tickers, 13 of them
    for all in the first years. mom1m, mom6m, mom12m and mom36m are what the ticker earned in the months 1, 2-6, 2-12
    and 13-36 before.

    Parameters
    ----------
    folder : str or path
        An existing folder. Files simulated_characteristics and simulated_returns in it are replaced, once the new ones
        are whole.
    n_tickers : int
        At least 10 different tickers, whole numbers of five digits; at any date about half of them are there, or fewer
        with `months_listed`.
    n_dates : int
        Months from March 1957, at least 12.
    n_characteristics : int
        3 to 94: mvel1, mom1m, mom12m, and then the first of `PUBLISHED_CHARACTERISTICS`.
    seed : int
    format : {"csv", "parquet"}
    months_listed : int, optional
        How many months a ticker is there on average, entering at any time: CRSP's are there for some 150. If left out,
        more than half of the tickers are there at the beginning, and stay for `n_dates` on average.

    Returns
    -------
    characteristics_path, returns_path : Path
        The first has `permno`, `DATE`, the characteristics and `sic2`; the second `permno`, `date` and `RET`, in
        fractions.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of its bounds, or the folder does not exist.

    References
    ----------
    Gu, Kelly, Xiu (2021): the betas and the factors are those of section 4, case (b).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_published_layout(folder, n_tickers=10, n_dates=12, n_characteristics=3)
    ...     for path in paths:
    ...         print(path.name, path.read_text().splitlines()[0])
    simulated_characteristics.csv permno,DATE,mom12m,mom1m,mvel1,sic2
    simulated_returns.csv permno,date,RET
    """
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(f"folder must be the path of a folder; {folder!r} was given.")
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise ValueError(f"folder must exist, and there is no folder {folder}. Make it first.")
    n_tickers = as_count("n_tickers", n_tickers, at_least=10, at_most=80_000, why="Tickers have five digits.")
    n_dates = as_count("n_dates", n_dates, at_least=12, at_most=2_000)
    p = as_count("n_characteristics", n_characteristics, at_least=3, at_most=94, why="Three of them make the betas.")
    random = np.random.default_rng(as_count("seed", seed, at_least=0))
    ending = as_choice("format", format, ("csv", "parquet"))
    paths = [folder / f"simulated_{what}.{ending}" for what in ("characteristics", "returns")]

    chosen = [*DRIVERS, *(name for name in PUBLISHED_CHARACTERISTICS if name not in DRIVERS)][:p]
    names = [name for name in PUBLISHED_CHARACTERISTICS if name in chosen]
    listed = None if months_listed is None else as_count("months_listed", months_listed, at_least=2)
    months = _PublishedMarket(n_tickers, n_dates, names, random, listed).months()
    first = {"permno": pa.int32(), "DATE": pa.int32(), **dict.fromkeys(names, pa.float32()), "sic2": pa.int32()}
    second = {"permno": pa.int32(), "date": pa.int32(), "RET": pa.float64()}
    with written_whole(paths[0]) as unfinished, written_whole(paths[1]) as also_unfinished:
        with _Writer(unfinished, ending, first) as characteristics, _Writer(also_unfinished, ending, second) as returns:
            for of_characteristics, of_returns in months:
                characteristics.add(of_characteristics)
                returns.add(of_returns)
    return paths[0], paths[1]


class _PublishedMarket:
    """A market that is made month by month, so that it need not be in memory as a whole."""

    def __init__(self, n_tickers, n_dates, names, random, months_listed=None):
        self.n_dates, self.names, self.random = n_dates, names, random
        p = len(names)
        self.permnos = 10_001 + np.sort(random.choice(89_999, n_tickers, replace=False))
        self.industries = random.integers(1, 100, n_tickers)
        if months_listed is None:
            self.begin = np.where(random.random(n_tickers) < 0.6, -BURN_IN, random.integers(0, n_dates, n_tickers))
            first = np.maximum(self.begin, 0)
        else:
            self.begin = first = random.integers(-months_listed, n_dates, n_tickers)
        self.end = first + np.ceil(random.exponential(months_listed or n_dates, n_tickers)).astype(int)
        self.persistence = random.uniform(0.9, 1.0, p).astype(np.float32)
        self.scales = (10.0 ** random.uniform(-3, 4, p)).astype(np.float32)
        self.centers = random.choice([0.0, 1.0], p).astype(np.float32)
        known_at_once = [name in (*DRIVERS, *MOMENTUM) for name in names]
        self.missing = np.where(known_at_once, 0.0, random.uniform(0.0, 0.4, p)).astype(np.float32)
        later = random.integers(1 + n_dates // 8, 2 + n_dates // 3, p)
        self.known_from = np.where(np.isin(names, LATER), later, -BURN_IN)
        self.skewed = ~np.isin(names, INDICATORS + COUNTS)

    def months(self):
        """For each month two tables as {column: values}: that of the characteristics and that of the returns."""
        latent = self._normal()
        past = np.full((BURN_IN, len(self.permnos)), np.nan)  # past[-k]: the returns of k months before
        ends = pd.date_range(FIRST_MONTH, periods=self.n_dates, freq="ME")
        weekdays = pd.date_range(FIRST_MONTH, periods=self.n_dates, freq="BME")
        for d in range(-BURN_IN, self.n_dates):
            latent = self.persistence * latent + np.sqrt(1 - self.persistence**2) * self._normal()
            there = np.flatnonzero((self.begin <= d) & (d < self.end))
            characteristics = self._characteristics(d, latent, past)[there]
            earned = self._returns(characteristics)
            past = np.roll(past, -1, axis=0)
            past[-1] = np.nan
            past[-1, there] = earned
            if d >= 0:
                # A ticker that is delisted within its last month often has no return for it.
                lost = (self.end[there] == d + 1) & (d + 1 < self.n_dates) & (self.random.random(len(there)) < 0.5)
                permnos = self.permnos[there]
                of_names = dict(zip(self.names, characteristics.T, strict=True))
                yield (
                    {"permno": permnos, "DATE": _yyyymmdd(weekdays[d]), **of_names, "sic2": self.industries[there]},
                    {"permno": permnos[~lost], "date": _yyyymmdd(ends[d]), "RET": earned[~lost]},
                )

    def _normal(self):
        return self.random.standard_normal((len(self.permnos), len(self.names)), dtype=np.float32)

    def _characteristics(self, d, latent, past):
        """The characteristics of all tickers as they are published: on scales of their own, NaN where unknown."""
        values = np.where(self.skewed, self.scales * (np.exp(latent) - self.centers), np.floor(np.abs(2 * latent)))
        values = np.where(np.isin(self.names, INDICATORS), latent > 0.8, values).astype(np.float32)
        values[self.random.random(values.shape, dtype=np.float32) < self.missing] = np.nan
        values[:, self.known_from > d] = np.nan
        for name, (first, last) in MOMENTUM.items():
            if name in self.names:
                values[:, self.names.index(name)] = np.prod(1 + past[-last : len(past) - first + 1], axis=0) - 1
        return values

    def _returns(self, characteristics):
        drivers = characteristics[:, [self.names.index(name) for name in DRIVERS]]
        c = rank_across_tickers(drivers[None], missing="median")[0]
        size, month, year = c.T
        betas = np.stack([size**2, 2 * size * year, 0.6 * np.sign(month)], axis=1)
        returns = betas @ self.random.normal(0.03, 0.1, 3) + 0.1 * self.random.standard_t(5, len(c))
        return np.maximum(returns, -0.99).round(6)  # nothing loses more than all of its value


def _yyyymmdd(date):
    return int(date.strftime("%Y%m%d"))


class _Writer:
    """Writes tables to a file, many rows at a time."""

    ROWS = 50_000  # written at once

    def __init__(self, path, ending, types):
        self.schema, self.waiting = pa.schema(types), []
        if ending == "parquet":
            self.file = pa.parquet.ParquetWriter(path, self.schema)
        else:
            options = pa.csv.WriteOptions(quoting_header="none")
            self.file = pa.csv.CSVWriter(path, self.schema, write_options=options)

    def __enter__(self):
        return self

    def add(self, columns):
        """Adds a table, given as {column: values}; a single value stands for all rows."""
        n_rows = len(columns["permno"])
        arrays = [
            pa.array(np.broadcast_to(columns[field.name], n_rows), field.type, from_pandas=True)
            for field in self.schema
        ]
        self.waiting.append(pa.record_batch(arrays, schema=self.schema))
        if sum(batch.num_rows for batch in self.waiting) >= self.ROWS:
            self._flush()

    def _flush(self):
        self.file.write_table(pa.Table.from_batches(self.waiting, self.schema))
        self.waiting = []

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self._flush()
        finally:
            self.file.close()
