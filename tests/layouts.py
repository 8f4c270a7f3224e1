"""A made-up market, written in the layouts of the files that researchers bring, and the panel that each must give."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from helpers.data.layouts import LAYOUTS
from helpers.data.reader import read_panel, read_schema

KINDS = ("csv", "parquet")
N_MONTHS, N_TICKERS = 48, 12
MONTHS = pd.date_range("2001-01-31", periods=N_MONTHS + 1, freq="ME")  # the last one has not happened
PERMNOS = 10001 + 37 * np.arange(N_TICKERS)
NOTHING: Mapping = MappingProxyType({})
nan = np.nan


# --- One market, whose truth is known ---------------------------------------------------------------------------------


class Market:
    """Returns of months, and what is known at the END of each month; tickers come and go.

    Attributes
    ----------
    returns, excess : (n_months, n_tickers)  of the row's month
    price, shares, book : (n_months, n_tickers)  at its end
    listed : (n_months, n_tickers)
    """

    def __init__(self, seed=0):
        random = np.random.default_rng(seed)
        shape = (N_MONTHS, N_TICKERS)
        self.listed = np.ones(shape, dtype=bool)
        self.listed[:5, 3] = self.listed[30:, 4] = self.listed[20:24, 7] = False
        self.rate = 0.003 + 0.001 * np.sin(np.arange(N_MONTHS))[:, None]
        returns = random.normal(0.01, 0.08, shape)
        self.price = 20 * np.cumprod(1 + returns, axis=0)
        self.shares = np.full(shape, 1000.0) + 100 * np.arange(N_TICKERS)
        self.book = np.exp(random.normal(0, 1, N_TICKERS) + np.cumsum(random.normal(0, 0.02, shape), axis=0))
        self.returns, self.excess = self.seen(returns), self.seen(returns - self.rate)

    def seen(self, values):
        """The values of the tickers that are listed."""
        return np.where(self.listed, values, nan)

    def rows(self, dates, **columns):
        """A long frame with a row for each ticker that is listed in a month."""
        d, s = np.nonzero(self.listed)
        frame = {"permno": PERMNOS[s], "date": pd.Index(dates)[d]}
        return pd.DataFrame(
            frame | {name: np.broadcast_to(values, self.listed.shape)[d, s] for name, values in columns.items()}
        )


MARKET = Market()


def next_month(values):
    """What the month after holds, in the row of each month; nothing after the last."""
    return np.vstack([values[1:], np.full((1, N_TICKERS), nan)])


def month_before(values):
    return np.vstack([np.full((1, N_TICKERS), nan), values[:-1]])


def trading_days():
    """The last trading day of each month."""
    return pd.DatetimeIndex([pd.offsets.BMonthEnd().rollback(day) for day in MONTHS[:-1]])


@dataclass
class Files:
    """What a researcher has in a folder: `main` is the file that is read, `second` that of its returns."""

    main: pd.DataFrame
    second: pd.DataFrame | None = None
    beside: dict = field(default_factory=dict)
    arguments: dict = field(default_factory=dict)

    def put(self, folder, kind):
        """The arguments of read_panel, after the files are written."""
        arguments = dict(self.arguments)
        for argument, frame in {"path": self.main, "returns_path": self.second}.items():
            if isinstance(frame, pd.DataFrame) and folder is not None:
                arguments[argument] = written(frame, folder / f"{argument}.{kind}")
        for name, frame in self.beside.items():
            written(frame, folder / name)
        return arguments


def written(frame, path):
    if isinstance(frame, str):
        path = path.with_suffix(".csv")
        path.write_bytes(frame.encode("latin-1"))
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return path


@dataclass
class Truth:
    """What a panel must hold: returns (dates x tickers) and characteristics of the same shape, by name."""

    returns: pd.DataFrame
    characteristics: dict

    def without(self, tickers):
        """Leaves out tickers that have no return at any date."""
        for name, values in self.characteristics.items():
            self.characteristics[name] = np.asarray(values)[:, ~self.returns.columns.isin(tickers)]
        self.returns = self.returns.drop(columns=tickers)

    def assert_is(self, panel):
        __tracebackhide__ = True
        assert list(panel.dates) == list(self.returns.index)
        assert list(panel.tickers) == list(self.returns.columns)
        assert list(panel.characteristic_names) == list(self.characteristics)
        np.testing.assert_allclose(panel.returns, self.returns, rtol=1e-9, atol=1e-15, err_msg="returns")
        for k, (name, values) in enumerate(self.characteristics.items()):
            np.testing.assert_allclose(panel.characteristics[..., k], values, rtol=1e-9, err_msg=name)


def from_next_month(returns, **characteristics):
    """The truth if characteristics are known at the end of their months: all stands at the month after."""
    table = pd.DataFrame(np.vstack([returns[1:], np.full((1, N_TICKERS), nan)]), MONTHS[1:], PERMNOS)
    return Truth(
        table, {name: MARKET.seen(np.broadcast_to(values, returns.shape)) for name, values in characteristics.items()}
    )


def in_own_month(returns, **characteristics):
    table = pd.DataFrame(returns, MONTHS[:-1], PERMNOS)
    return Truth(
        table, {name: MARKET.seen(np.broadcast_to(values, returns.shape)) for name, values in characteristics.items()}
    )


# --- The layouts: a writer and the truth of each ----------------------------------------------------------------------

SIZE = MARKET.price * MARKET.shares


def gkx():
    before = month_before
    main = MARKET.rows(
        trading_days().strftime("%Y%m%d").astype(int),
        mvel1=before(SIZE),
        bm=before(MARKET.book),
        mom1m=before(MARKET.returns),
        sic2=35.0,
    ).rename(columns={"date": "DATE"})
    second = MARKET.rows(trading_days().strftime("%Y%m%d").astype(int), RET=MARKET.returns, SHRCD=11)
    second = second.rename(columns=str.upper)
    files = Files(main, second, arguments={"layout": "gkx", "returns": "RET"})
    return files, in_own_month(MARKET.returns, mvel1=before(SIZE), bm=before(MARKET.book), mom1m=before(MARKET.returns))


def jkp():
    main = MARKET.rows(
        MONTHS[:-1],
        excntry="USA",
        gvkey=np.char.zfill((PERMNOS - 9000).astype(str), 6),
        permno=PERMNOS.astype(float),
        size_grp="large",
        obs_main=1,
        common=1,
        exch_main=1,
        primary_sec=1,
        me=SIZE,
        be_me=MARKET.book,
        ret_1_0=MARKET.returns,
        ret_exc=MARKET.excess,
        ret_exc_lead1m=next_month(MARKET.excess),
    )
    main = main.drop(columns="permno").join(main["permno"].astype(int).rename("id")).rename(columns={"date": "eom"})
    files = Files(main, arguments={"layout": "jkp"})
    returns = MARKET.excess.copy()
    returns[1:][~MARKET.listed[:-1]] = nan  # in the first month of a ticker there is no row before
    return files, from_next_month(returns, me=SIZE, be_me=MARKET.book, ret_1_0=MARKET.returns, ret_exc=MARKET.excess)


def ctf():
    main = MARKET.rows(
        MONTHS[:-1],
        eom_ret=MONTHS[1:].to_numpy()[:, None],
        excntry="USA",
        sic=3571.0,
        ctff_test=np.arange(N_MONTHS)[:, None] >= 24,
        me=SIZE,
        be_me=MARKET.book,
        ret_1_0=MARKET.returns,
        ret_exc_lead1m=next_month(MARKET.excess),
    ).rename(columns={"permno": "id", "date": "eom"})
    files = Files(main, arguments={"layout": "ctf"})
    returns = MARKET.excess.copy()
    returns[1:][~MARKET.listed[:-1]] = nan
    return files, from_next_month(returns, me=SIZE, be_me=MARKET.book, ret_1_0=MARKET.returns)


def osap():
    yyyymm = MONTHS[:-1].strftime("%Y%m").astype(int)
    main = MARKET.rows(yyyymm, BM=MARKET.book, STreversal=-MARKET.returns, Mom12m=-MARKET.book)
    second = MARKET.rows(trading_days(), RET=MARKET.returns).rename(columns=str.upper)
    main = main.rename(columns={"date": "yyyymm"})
    files = Files(main, second, arguments={"layout": "osap", "returns_layout": "crsp_siz"})
    return files, from_next_month(MARKET.returns, BM=MARKET.book, STreversal=-MARKET.returns, Mom12m=-MARKET.book)


def crsp_siz():
    main = MARKET.rows(
        trading_days(),
        ret=MARKET.returns,
        prc=MARKET.price,
        shrout=MARKET.shares,
        shrcd=11,
        exchcd=1,
        siccd=3571,
        dlret=nan,
        dlstcd=nan,
        vwretd=0.01,
    )
    files = Files(main, arguments={"layout": "crsp_siz"})
    return files, from_next_month(MARKET.returns, prc=MARKET.price, shrout=MARKET.shares, market_value=SIZE)


def crsp_ciz():
    main = MARKET.rows(
        MONTHS[:-1],
        permco=PERMNOS - 5000,
        siccd=3571,
        yyyymm=MONTHS[:-1].strftime("%Y%m").astype(int).to_numpy()[:, None],
        mthret=MARKET.returns,
        mthprc=MARKET.price,
        mthprcflg="TR",
        shrout=MARKET.shares,
        sharetype="NS",
        securitytype="EQTY",
        securitysubtype="COM",
        usincflg="Y",
        issuertype="CORP",
        primaryexch="N",
        conditionaltype="RW",
        tradingstatusflg="A",
    ).rename(columns={"date": "mthcaldt"})
    files = Files(main, arguments={"layout": "crsp_ciz"})
    return files, from_next_month(MARKET.returns, mthprc=MARKET.price, shrout=MARKET.shares, market_value=SIZE)


def tidyfinance():
    main = MARKET.rows(
        MONTHS[:-1] - pd.offsets.MonthBegin(1),
        ret_excess=MARKET.excess,
        mktcap=SIZE,
        mktcap_lag=month_before(SIZE),
        bm=month_before(MARKET.book),
        exchange="NYSE",
        industry="Manufacturing",
    )
    files = Files(main, arguments={"layout": "tidyfinance", "exclude": ("exchange", "industry")})
    return files, in_own_month(MARKET.excess, mktcap_lag=month_before(SIZE), bm=month_before(MARKET.book))


LONG = {maker.__name__: maker for maker in (gkx, jkp, ctf, osap, crsp_siz, crsp_ciz, tidyfinance)}
every_kind = pytest.mark.parametrize("kind", KINDS)
every_long = pytest.mark.parametrize("layout", LONG)


def read(files, folder, kind="parquet", **arguments):
    """The panel, and the sentences that were warned of, which must be those of the schema."""
    arguments = files.put(folder, kind) | {"dtype": "float64"} | arguments
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        panel = read_panel(**arguments)
    sentences = [str(warning.message) for warning in caught]
    if not arguments.keys() & {"lag", "start", "end"}:
        del arguments["dtype"]
        assert list(read_schema(**arguments).warnings) == sentences
    return panel, sentences


def of_date(frame, layout):
    return next(column for column in frame if column.lower() == LAYOUTS[layout].date)


def shifted(frame, columns, by, ticker="permno"):
    """The columns of each ticker moved down by so many rows."""
    moved = frame.groupby(ticker)[list(columns)].shift(by)
    return frame.assign(**{column: moved[column] for column in columns})


# --- Wide tables ------------------------------------------------------------------------------------------------------

FACTORS = ["Mkt-RF", "SMB", "HML", "RF"]
INDUSTRIES = ["NoDur", "Durbl", "Manuf", "Enrgy", "Other"]
YEARS = pd.date_range("2001-12-31", periods=4, freq="YE")
DAYS = pd.bdate_range("2001-01-02", periods=60)
BEGIN = "This file was created using the 202409 CRSP database. The Tbill return is from Ibbotson.\n\n"
END = "\nCopyright 2024 Kenneth R. French\n"


def drawn(dates, columns, seed=0):
    """Returns in percent, two digits as in the files."""
    values = np.random.default_rng(seed).normal(0.8, 4, (len(dates), len(columns))).round(2)
    return pd.DataFrame(values, pd.DatetimeIndex(dates), columns)


def as_french(table, date_format="%Y%m", title=""):
    rows = [
        f"{d.strftime(date_format)},{','.join(f'{v:8.2f}' for v in row)}"
        for d, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return "\n".join([*([f"  {title}"] if title else []), "," + ",".join(table.columns), *rows, ""]) + "\n"


MONTHLY, ANNUAL, DAILY = drawn(MONTHS, FACTORS), drawn(YEARS, FACTORS, 1), drawn(DAYS, FACTORS, 2)
VALUE, EQUAL = drawn(MONTHS, INDUSTRIES, 3), drawn(MONTHS, INDUSTRIES, 4)
FIRMS = drawn(MONTHS, INDUSTRIES, 5).abs() * 100


def factor_file():
    return BEGIN + as_french(MONTHLY) + as_french(ANNUAL, "%Y", "Annual Factors: January-December") + END


def portfolio_file():
    tables = {"Average Value Weighted Returns -- Monthly": VALUE, "Average Equal Weighted Returns -- Monthly": EQUAL}
    text = BEGIN + "".join(as_french(table, title=title) for title, table in tables.items())
    text += as_french(drawn(YEARS, INDUSTRIES, 6), "%Y", "Average Value Weighted Returns -- Annual")
    return text + as_french(FIRMS, title="Number of Firms in Portfolios") + END


SYMBOLS = ["AAPL", "BTC-USD", "MSFT"]


def prices(days=DAYS, symbols=SYMBOLS, seed=7):
    walk = np.random.default_rng(seed).normal(0, 0.02, (len(days), len(symbols))).cumsum(axis=0)
    return pd.DataFrame(100 * np.exp(walk), pd.DatetimeIndex(days, name="Date"), symbols)


def downloaded(close, adjusted=None):
    """The frame that yfinance returns: two levels of columns, Price and Ticker."""
    kinds = {"Close": close, "High": close * 1.01, "Low": close * 0.99, "Open": close, "Volume": close * 0 + 1e6}
    if adjusted is not None:
        kinds = {"Adj Close": adjusted} | kinds
    return pd.concat(kinds, axis=1, names=["Price", "Ticker"])
