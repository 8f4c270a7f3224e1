"""The files that researchers bring, each made up in its layout: read to the right panel, or refused by name."""

import dataclasses
import gzip
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from helpers.data.layouts import LAYOUTS, table_of_layouts
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


@every_kind
@every_long
def test_a_file_in_its_layout_is_read_to_the_right_panel(tmp_path, layout, kind):
    files, truth = LONG[layout]()
    truth.assert_is(read(files, tmp_path, kind)[0])


# --- By hand: two months of one ticker, in the words of each layout's authors -----------------------------------------

CRSP = "PERMNO,date,RET\n7,19570228,0.02\n7,19570329,0.03\n"
BY_HAND = {
    "gkx": (  # 19570329 pairs with the return of March 1957
        "permno,DATE,mom1m,sic2\n7,19570228,0.01,35\n7,19570329,0.02,35\n",
        {"second": CRSP, "returns": "RET"},
        [("1957-02-28", 0.02, 0.01), ("1957-03-31", 0.03, 0.02)],
    ),
    "jkp": (  # the return of the NEXT month
        "id,eom,ret_exc_lead1m,ret_1_0\n7,2020-01-31,0.02,0.01\n7,2020-02-29,,0.02\n",
        {},
        [("2020-02-29", 0.02, 0.01), ("2020-03-31", nan, 0.02)],
    ),
    "ctf": (
        "id,eom,eom_ret,ctff_test,ret_exc_lead1m,ret_1_0\n"
        "7,2020-01-31,2020-02-29,False,0.02,0.01\n7,2020-02-29,2020-03-31,True,,0.02\n",
        {},
        [("2020-02-29", 0.02, 0.01), ("2020-03-31", nan, 0.02)],
    ),
    "osap": (  # the signal of February 1957 pairs with the return of March
        "permno,yyyymm,STreversal\n7,195702,-2\n7,195703,-3\n",
        {"second": CRSP, "returns_layout": "crsp_siz"},
        [("1957-03-31", 0.03, -2), ("1957-04-30", nan, -3)],
    ),
    "crsp_siz": (  # a price known at the end of January is there before the return of February
        "permno,date,ret,prc,shrcd,dlret\n7,20200131,0.01,-10,11,\n7,20200228,0.02,11,11,-0.5\n",
        {},
        [("2020-02-29", 1.02 * 0.5 - 1, 10), ("2020-03-31", nan, 11)],
    ),
    "crsp_ciz": (
        "permno,mthcaldt,mthret,mthprc,mthprcflg\n7,2020-01-31,0.01,10,BA\n7,2020-02-28,0.02,11,TR\n",
        {},
        [("2020-02-29", 0.02, 10), ("2020-03-31", nan, 11)],
    ),
    "tidyfinance": (  # 2020-01-01 means January
        "permno,date,ret_excess,mktcap,mktcap_lag\n7,2020-01-01,0.01,12,11\n7,2020-02-01,0.02,13,12\n",
        {},
        [("2020-01-31", 0.01, 11), ("2020-02-29", 0.02, 12)],
    ),
    "french": (
        "Some words.\n\n,Hlth\n202001,   1.50\n202002, -99.99\n",
        {},
        [("2020-01-31", 0.015, nan), ("2020-02-29", nan, nan)],
    ),
    "yfinance": (
        "Price,Close\nTicker,AAPL\nDate,\n2020-01-02,100\n2020-01-03,101\n2020-01-06,99.99\n",
        {},
        [("2020-01-03", 0.01, nan), ("2020-01-06", -0.01, nan)],
    ),
}


@pytest.mark.parametrize("layout", BY_HAND)
def test_two_months_by_hand(tmp_path, layout):
    text, arguments, rows = BY_HAND[layout]
    (tmp_path / "mine.csv").write_text(text)
    if second := arguments.get("second"):
        (tmp_path / "crsp.csv").write_text(second)
        arguments = {"returns_path": tmp_path / "crsp.csv"} | {k: v for k, v in arguments.items() if k != "second"}
    panel, _ = read(Files(None), tmp_path, path=tmp_path / "mine.csv", layout=layout, **arguments)
    assert panel.n_tickers == 1 and panel.characteristics.shape[2] == (0 if np.isnan(rows[0][2]) else 1)
    dates, returns, characteristic = zip(*rows, strict=True)
    assert list(panel.dates) == list(pd.to_datetime(dates))
    np.testing.assert_allclose(panel.returns[:, 0], returns, rtol=1e-12)
    for values in panel.characteristics[:, 0].T:
        np.testing.assert_allclose(values, characteristic, rtol=1e-12)


# --- Traps ------------------------------------------------------------------------------------------------------------


class Trap(NamedTuple):
    """A fault planted in a file: a refusal, or a warning, with these words; else it is repaired without a word."""

    layout: str
    name: str
    plant: Callable
    refused: tuple
    warned: tuple
    compared: bool

    @property
    def id(self):
        return f"{self.layout}: {self.name}"


TRAPS = []


def trap(layout, name, refused=(), warned=(), compared=True):
    """Registers a function that plants a fault in the files, and changes the truth if the right answer changes."""

    def register(plant):
        words = [(text,) if isinstance(text, str) else tuple(text) for text in (refused, warned)]
        TRAPS.append(Trap(layout, name, plant, *words, compared))
        return plant

    return register


def of_date(frame, layout):
    return next(column for column in frame if column.lower() == LAYOUTS[layout].date)


def of_ticker(frame, s, column="permno"):
    return frame[column] == PERMNOS[s]


def without_ticker(truth, s):
    truth.returns = truth.returns.drop(columns=PERMNOS[s])
    truth.characteristics = {name: np.delete(values, s, axis=1) for name, values in truth.characteristics.items()}


def shifted(frame, columns, by, ticker="permno"):
    """The columns of each ticker moved down by so many rows."""
    moved = frame.groupby(ticker)[list(columns)].shift(by)
    return frame.assign(**{column: moved[column] for column in columns})


def said_by_schema(arguments):
    """What the schema warns of, or why it refuses the file."""
    try:
        return " ".join(read_schema(**arguments).warnings)
    except (TypeError, ValueError) as refusal:
        return str(refusal)


def assert_outcome(one, files, truth, right, folder, kind):
    """The trap was found or repaired: `right` are the sentences that the right file brings, too."""
    __tracebackhide__ = True
    if one.refused:
        arguments = files.put(folder, kind)
        with pytest.raises((TypeError, ValueError)) as refusal, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_panel(**arguments)
        for said in (str(refusal.value), said_by_schema(arguments)):
            absent = [words for words in one.refused if words not in said]
            assert not absent, f"{absent} not in: {said}"
        return
    panel, sentences = read(files, folder, kind)
    new = [sentence for sentence in sentences if sentence not in right]
    absent = [words for words in one.warned if words not in " ".join(new)]
    assert not absent, f"{absent} not in: {new}"
    assert bool(new) == bool(one.warned), new
    if one.compared:
        truth.assert_is(panel)


# Gu, Kelly and Xiu


@trap("gkx", "returns dated by the first of the month")
def _(files, truth):
    files.second["DATE"] = files.second["DATE"] // 100 * 100 + 1


@trap("gkx", "returns dated by the last calendar day, as text")
def _(files, truth):
    days = pd.to_datetime(files.second["DATE"].astype(str)) + pd.offsets.MonthEnd(0)
    files.second["DATE"] = days.dt.strftime("%Y-%m-%d")


@trap("gkx", "returns dated yyyymm")
def _(files, truth):
    files.second["DATE"] = files.second["DATE"] // 100


@trap("gkx", "other capitals in the names")
def _(files, truth):
    files.main = files.main.rename(columns={"DATE": "Date", "permno": "Permno", "sic2": "SIC2"})


@trap("gkx", "rows shuffled")
def _(files, truth):
    files.main = files.main.sample(frac=1, random_state=1)
    files.second = files.second.sample(frac=1, random_state=2)


@trap("gkx", "lagged once more", warned=("one date earlier than declared", "'mom1m'", "lagged already"), compared=False)
def _(files, truth):
    files.main = shifted(files.main, ["mvel1", "bm", "mom1m"], 1)


@trap("gkx", "not lagged", warned=("'mom1m' looks like the return itself", "one date later", "'mvel1'"), compared=False)
def _(files, truth):
    files.main = shifted(files.main, ["mvel1", "bm", "mom1m"], -1)


@trap("gkx", "returns in percent", warned="look like percent", compared=False)
def _(files, truth):
    files.second["RET"] *= 100


@trap("gkx", "returns in percent, and said so")
def _(files, truth):
    files.second["RET"] *= 100
    files.arguments["percent"] = True


@trap("gkx", "a permno has no returns")
def _(files, truth):
    files.second = files.second[~of_ticker(files.second, 5, "PERMNO")]
    truth.returns[PERMNOS[5]] = nan


@trap("gkx", "most permnos have no returns", warned="find a return")
def _(files, truth):
    files.second = files.second[files.second["PERMNO"] < PERMNOS[4]]
    truth.returns[PERMNOS[4:]] = nan


@trap("gkx", "permnos are text in the returns")
def _(files, truth):
    files.second["PERMNO"] = files.second["PERMNO"].astype(str)


@trap("gkx", "two rows in one month", refused=("repeated (date, ticker)", "two dates in one month are one date"))
def _(files, truth):
    again = files.main[files.main["DATE"] // 100 == 200203].assign(DATE=20020315)
    files.main = pd.concat([files.main, again])


@trap("gkx", "no second file", refused=("returns_path",))
def _(files, truth):
    files.second = None
    del files.arguments["returns"]


@trap("gkx", "the column of returns not named", refused=("no column 'returns'", "'RET'"))
def _(files, truth):
    del files.arguments["returns"]


@trap("gkx", "daily returns", refused=("returns_path.", "daily", "compound"))
def _(files, truth):
    days = pd.bdate_range(MONTHS[0], MONTHS[-1])
    files.second = pd.DataFrame({"PERMNO": PERMNOS[0], "DATE": days, "RET": 0.01})


@trap("gkx", "the returns of CRSP as it delivers them", warned="no column 'dlret'")
def _(files, truth):
    files.second["RET"] = files.second["RET"].astype(str).where(files.second["PERMNO"] != PERMNOS[2], "C")
    truth.returns[PERMNOS[2]] = nan
    del files.arguments["returns"]
    files.arguments["returns_layout"] = "crsp_siz"


# Jensen, Kelly and Pedersen


@trap("jkp", "the next return named as a characteristic", refused=("ret_exc_lead1m", "return of the next month"))
def _(files, truth):
    files.arguments["characteristics"] = ("me", "ret_exc_lead1m")


@trap("jkp", "the next return as characteristic of this one", refused=("ret_exc_lead1m", "return of the next month"))
def _(files, truth):
    files.arguments |= {"characteristics": ("me", "ret_exc_lead1m"), "returns": "ret_exc"}


@trap("jkp", "the return of the row's month")
def _(files, truth):
    files.arguments["returns"] = "ret_exc"
    truth.returns.iloc[:-1] = MARKET.excess[1:]
    del truth.characteristics["ret_exc"]


@trap("jkp", "no next return", refused=("ret_exc_lead1m", "'ret_exc'"))
def _(files, truth):
    files.main = files.main.drop(columns="ret_exc_lead1m")


@trap("jkp", "rows that the screens leave out", warned=("are left out", "obs_main = 1"))
def _(files, truth):
    out = of_ticker(files.main, 5, "id") & (files.main["eom"] > "2003")
    files.main.loc[out, "obs_main"] = 0
    gone = MONTHS[1:] > "2003-02"
    truth.returns.loc[gone, PERMNOS[5]] = nan
    for values in truth.characteristics.values():
        values[gone, 5] = nan


@trap("jkp", "screens that no row passes", refused=("no row", "passes the screens obs_main = 1 or true"))
def _(files, truth):
    files.main["obs_main"] = "yes"


@trap("jkp", "screens written 1.0 and as text")
def _(files, truth):
    files.main = files.main.assign(obs_main=1.0, common="1", exch_main="1.0", primary_sec=True)


@trap("jkp", "zero-padded gvkey for a ticker")
def _(files, truth):
    files.arguments["ticker"] = "gvkey"
    truth.returns.columns = [f"{permno - 9000:06d}" for permno in PERMNOS]


@trap("jkp", "months as whole numbers yyyymmdd")
def _(files, truth):
    files.main["eom"] = files.main["eom"].dt.strftime("%Y%m%d").astype(int)


@trap("jkp", "dated by the month's first day")
def _(files, truth):
    files.main["eom"] -= pd.offsets.MonthBegin(1)


@trap("jkp", "characteristics a month too early", warned=("one date later than declared", "'me'"), compared=False)
def _(files, truth):
    files.main = shifted(files.main, ["me", "be_me", "ret_1_0"], -1, "id")


@trap("jkp", "characteristics a month too late", warned=("one date earlier than declared", "'me'"), compared=False)
def _(files, truth):
    files.main = shifted(files.main, ["me", "be_me", "ret_1_0", "ret_exc"], 1, "id")


@trap("jkp", "two returns for a month", refused=("repeated",))
def _(files, truth):
    files.main = pd.concat([files.main, files.main.iloc[:3]])


@trap("jkp", "capitals")
def _(files, truth):
    files.main = files.main.rename(columns=str.upper)
    truth.characteristics = {name.upper(): values for name, values in truth.characteristics.items()}


@trap("jkp", "the lagged layout said of this file", refused=("datashare", "layout='jkp'"))
def _(files, truth):
    files.main = files.main.drop(columns="permno", errors="ignore")
    files.arguments["layout"] = "gkx"


# The Common Task Framework


@trap("ctf", "the return is not that of the next month", refused=("'eom_ret' is not 1 month(s) after 'eom'", "row 1"))
def _(files, truth):
    files.main["eom_ret"] = files.main["eom"]


@trap("ctf", "one row of another month", refused=("1 row(s)", "row 100"))
def _(files, truth):
    files.main.loc[files.main.index[99], "eom_ret"] += pd.offsets.MonthEnd(1)


@trap("ctf", "features beside it")
def _(files, truth):
    files.beside["ctff_features.parquet"] = pd.DataFrame({"features": ["be_me", "me"]})
    truth.characteristics = {name: truth.characteristics[name] for name in ("be_me", "me")}


@trap("ctf", "features list a column that is absent", refused=("ctff_features.parquet", "'ni_be'"))
def _(files, truth):
    files.beside["ctff_features.parquet"] = pd.DataFrame({"features": ["me", "ni_be"]})


@trap("ctf", "features list the target", refused=("ret_exc_lead1m",))
def _(files, truth):
    files.beside["ctff_features.parquet"] = pd.DataFrame({"features": ["me", "ret_exc_lead1m"]})


@trap("ctf", "features as a frame")
def _(files, truth):
    files.arguments["characteristics"] = pd.DataFrame({"features": ["me", "be_me"]})
    del truth.characteristics["ret_1_0"]


@trap("ctf", "features as a table of Arrow")
def _(files, truth):
    files.arguments["characteristics"] = pa.table({"features": ["me", "be_me"]})
    del truth.characteristics["ret_1_0"]


@trap("ctf", "rows and columns in another order")
def _(files, truth):
    files.main = files.main.sample(frac=1, random_state=3)[files.main.columns[::-1]]
    truth.characteristics = dict(reversed(truth.characteristics.items()))


@trap("ctf", "the test's rows marked 0 and 1")
def _(files, truth):
    files.main["ctff_test"] = files.main["ctff_test"].astype(int)


@trap("ctf", "months of the return as text")
def _(files, truth):
    files.main["eom_ret"] = files.main["eom_ret"].dt.strftime("%Y-%m-%d")


@trap("ctf", "the daily returns by mistake", refused=("no column 'eom'",))
def _(files, truth):
    days = pd.bdate_range("2001-01-01", periods=50)
    files.main = pd.DataFrame({"id": PERMNOS[0], "date": days, "ret_exc": 0.01})


@trap("ctf", "the features by mistake", refused=("no column 'eom'",))
def _(files, truth):
    files.main = pd.DataFrame({"features": ["me", "be_me"]})


@trap("ctf", "a month too early", warned=("one date later than declared", "'me'"), compared=False)
def _(files, truth):
    files.main = shifted(files.main, ["me", "be_me", "ret_1_0"], -1, "id")


# Open Source Asset Pricing


@trap("osap", "signals run past the returns")
def _(files, truth):
    files.second = files.second[files.second["DATE"] < "2004-10-01"]
    truth.returns.loc["2004-10-01":] = nan


@trap("osap", "months as floats")
def _(files, truth):
    files.main["yyyymm"] = files.main["yyyymm"].astype(float)


@trap("osap", "months as text")
def _(files, truth):
    files.main["yyyymm"] = files.main["yyyymm"].astype(str)


@trap("osap", "returns of CRSP without their layout", refused=("no column 'yyyymm'", "returns_layout"))
def _(files, truth):
    files.arguments = {"layout": "osap", "returns": "RET"}


@trap("osap", "returns merged into the file by month")
def _(files, truth):
    files.main["ret"] = MARKET.returns[MARKET.listed]
    files.second, files.arguments = None, {"layout": "osap", "returns": "ret"}


@trap("osap", "returns of the new CRSP")
def _(files, truth):
    files.second = crsp_ciz()[0].main
    files.arguments["returns_layout"] = "crsp_ciz"


@trap("osap", "signals moved to the month of the return", warned=("one date earlier", "'STreversal'"), compared=False)
def _(files, truth):
    files.main = shifted(files.main, ["BM", "STreversal", "Mom12m"], 1)


@trap("osap", "signals of the next month", warned="'STreversal' looks like the return itself", compared=False)
def _(files, truth):
    files.main = shifted(files.main, ["BM", "STreversal", "Mom12m"], -1)


@trap("osap", "size asked for", refused=("no column 'Size'", "CRSP"))
def _(files, truth):
    files.arguments["characteristics"] = ("BM", "Size")


@trap("osap", "no returns", refused=("returns_path",))
def _(files, truth):
    files.second = None
    del files.arguments["returns_layout"]


@trap("osap", "a month twice", refused=("repeated",))
def _(files, truth):
    files.main = pd.concat([files.main, files.main.iloc[[7]]])


@trap("osap", "shares that are not common among the returns", warned=("are left out", "SHRCD = 10 or 11"))
def _(files, truth):
    files.second["SHRCD"] = np.where(of_ticker(files.second, 6, "PERMNO"), 73, 11)
    truth.returns[PERMNOS[6]] = nan


# CRSP until 2024


def letters(frame, **texts):
    """The returns as text, with other text in the rows of some permnos in March 2002; also in the truth."""
    frame["ret"] = frame["ret"].map("{:.17g}".format)
    march = frame["date"].dt.strftime("%Y%m") == "200203"
    for s, text in enumerate(texts.values()):
        frame.loc[march & of_ticker(frame, s), "ret"] = text
    return len(texts)


@trap("crsp_siz", "letters for missing returns")
def _(files, truth):
    n = letters(files.main, a="B", b="C", c="", d="A")
    truth.returns.loc["2002-03", PERMNOS[:n]] = nan


@trap("crsp_siz", "letters with blanks, and codes as text")
def _(files, truth):
    n = letters(files.main, a=" C", b="-99.0", c="-66", d="B ", e=" -77.0")
    truth.returns.loc["2002-03", PERMNOS[:n]] = nan


@pytest.mark.parametrize("code", [-44.0, -55.0, -66.0, -77.0, -88.0, -99.0])
@every_kind
def test_a_code_of_crsp_is_a_missing_return(tmp_path, kind, code):
    files, truth = crsp_siz()
    at = files.main.index[100]
    files.main.loc[at, "ret"] = code
    truth.returns.loc[files.main["date"][at].strftime("%Y-%m"), files.main["permno"][at]] = nan
    truth.assert_is(read(files, tmp_path, kind)[0])


@trap("crsp_siz", "a delisting return compounded")
def _(files, truth):
    last = files.main.index[of_ticker(files.main, 4)][-1]
    files.main.loc[last, "dlret"] = -0.5
    truth.returns.loc["2003-06", PERMNOS[4]] = (1 + MARKET.returns[29, 4]) * 0.5 - 1


@trap("crsp_siz", "a delisting return alone")
def _(files, truth):
    last = files.main.index[of_ticker(files.main, 4)][-1]
    files.main.loc[last, ["ret", "dlret"]] = nan, -0.3
    truth.returns.loc["2003-06", PERMNOS[4]] = -0.3


@trap("crsp_siz", "a delisting return in a row of its own, all else empty")
def _(files, truth):
    row = pd.DataFrame({"permno": PERMNOS[4], "date": [pd.Timestamp("2003-07-14")], "dlret": -0.6, "dlstcd": 580.0})
    files.main = pd.concat([files.main, row], ignore_index=True)
    truth.returns.loc["2003-07-31", PERMNOS[4]] = -0.6


@trap("crsp_siz", "a delisting return in a row of its own, of a share that is not common", warned="3 of the")
def _(files, truth):
    files.main.loc[of_ticker(files.main, 6), "shrcd"] = 31
    files.main = files.main.drop(files.main.index[of_ticker(files.main, 6)][2:])
    row = pd.DataFrame({"permno": PERMNOS[6], "date": [pd.Timestamp("2001-03-14")], "dlret": -0.6, "dlstcd": 580.0})
    files.main = pd.concat([files.main, row], ignore_index=True)
    without_ticker(truth, 6)


@trap("crsp_siz", "lowest and highest prices below zero, and dates that are numbers")
def _(files, truth):
    files.main = files.main.assign(bidlo=-files.main["prc"], askhi=files.main["prc"], namedt=19900131, hsicmg=35)
    files.main = files.main.assign(
        trdstat="A", secstat="R", shrcls="A", comnam="A CO", ticker="A", retx=files.main["ret"]
    )
    truth.characteristics["bidlo"] = truth.characteristics["askhi"] = truth.characteristics["prc"]
    truth.characteristics["retx"] = MARKET.returns
    truth.characteristics["market_value"] = truth.characteristics.pop("market_value")


@trap("crsp_siz", "no delisting returns", warned=("no column 'dlret'", "Merge"))
def _(files, truth):
    files.main = files.main.drop(columns="dlret")


@trap("crsp_siz", "codes and letters for delisting returns")
def _(files, truth):
    files.main["dlret"] = files.main["dlret"].astype(object)
    files.main.loc[files.main.index[[3, 50, 90]], "dlret"] = ["A", "-55.0", " S"]
    files.main["dlret"] = files.main["dlret"].map(lambda value: value if isinstance(value, str) else None)


@trap("crsp_siz", "negative prices")
def _(files, truth):
    files.main.loc[files.main.index[::5], "prc"] *= -1


@trap("crsp_siz", "a price of zero")
def _(files, truth):
    at = of_ticker(files.main, 1) & (files.main["date"].dt.strftime("%Y%m") == "200203")
    files.main.loc[at, "prc"] = 0.0
    for name in ("prc", "market_value"):
        truth.characteristics[name][14, 1] = nan


@trap("crsp_siz", "shares that are not common", warned=("are left out", "shrcd = 10 or 11"))
def _(files, truth):
    files.main["shrcd"] = np.where(of_ticker(files.main, 6), 73.0, 10.0)
    without_ticker(truth, 6)


@trap("crsp_siz", "capitals, dates as whole numbers")
def _(files, truth):
    files.main["date"] = files.main["date"].dt.strftime("%Y%m%d").astype(int)
    files.main = files.main.rename(columns=str.upper)
    truth.characteristics["PRC"], truth.characteristics["SHROUT"] = (
        truth.characteristics.pop(n) for n in ("prc", "shrout")
    )
    truth.characteristics["market_value"] = truth.characteristics.pop("market_value")


@trap("crsp_siz", "a row twice", refused=("repeated", str(PERMNOS[2])))
def _(files, truth):
    files.main = pd.concat([files.main, files.main[of_ticker(files.main, 2)].iloc[[0]]])


@trap("crsp_siz", "a delisting return in a second row of its month", refused=("repeated", "move that into the row"))
def _(files, truth):
    row = pd.DataFrame({"permno": PERMNOS[4], "date": [pd.Timestamp("2003-06-16")], "dlret": -0.6})
    files.main = pd.concat([files.main, row], ignore_index=True)


@trap("crsp_siz", "the daily file", refused=("are daily", "is monthly"))
def _(files, truth):
    days = pd.bdate_range("2001-01-01", periods=300)
    files.main = pd.DataFrame(
        {"permno": PERMNOS[0], "date": days, "ret": 0.01, "prc": 10.0, "shrout": 1.0, "shrcd": 11}
    )


@trap("crsp_siz", "a month too late", warned=("one date earlier", "'prc'"), compared=False)
def _(files, truth):
    files.main = shifted(files.main, ["prc", "shrout"], 1)


@trap("crsp_siz", "returns in percent", warned="look like percent", compared=False)
def _(files, truth):
    files.main["ret"] *= 100


# CRSP since 2022


@trap("crsp_ciz", "means of bid and ask")
def _(files, truth):
    files.main["mthprcflg"] = np.where(np.arange(len(files.main)) % 3, "TR", "BA")


@trap("crsp_ciz", "securities that are no common stocks", warned=("are left out", "sharetype = ns"))
def _(files, truth):
    files.main["sharetype"] = np.where(of_ticker(files.main, 6), "AD", "NS")
    without_ticker(truth, 6)


@trap("crsp_ciz", "screens in small letters, with blanks")
def _(files, truth):
    files.main = files.main.assign(usincflg="y", primaryexch="q ", issuertype="Acor")


@trap("crsp_ciz", "the daily file", refused=("no column 'mthcaldt'",))
def _(files, truth):
    days = pd.bdate_range("2001-01-01", periods=300)
    files.main = pd.DataFrame({"permno": PERMNOS[0], "dlycaldt": days, "dlyret": 0.01, "dlyprc": 10.0})


@trap("crsp_ciz", "daily rows under the monthly names", refused=("are daily", "is monthly"))
def _(files, truth):
    days = pd.bdate_range("2001-01-01", periods=300)
    files.main = pd.DataFrame({"permno": PERMNOS[0], "mthcaldt": days, "mthret": 0.01, "mthprc": 10.0})


@trap("crsp_ciz", "a blank return")
def _(files, truth):
    at = of_ticker(files.main, 1) & (files.main["mthcaldt"] == "2002-03-31")
    files.main.loc[at, "mthret"] = nan
    truth.returns.loc["2002-03-31", PERMNOS[1]] = nan


@trap("crsp_ciz", "names as WRDS writes them")
def _(files, truth):
    names = {"permno": "PERMNO", "mthcaldt": "MthCalDt", "mthret": "MthRet", "mthprc": "MthPrc", "shrout": "ShrOut"}
    files.main = files.main.rename(columns=names)
    values = truth.characteristics
    truth.characteristics = {
        "MthPrc": values["mthprc"],
        "ShrOut": values["shrout"],
        "market_value": values["market_value"],
    }


@trap("crsp_ciz", "names and symbols", warned=("hold no numbers", "'issuernm'"))
def _(files, truth):
    files.main = files.main.assign(issuernm="APPLE INC", ticker="AAPL", cusip="03783310", mthretflg="")


@trap("crsp_ciz", "the older layout said of this file", refused=("SIZ", "layout='crsp_ciz'"))
def _(files, truth):
    files.arguments["layout"] = "crsp_siz"


@trap("crsp_ciz", "a price of zero")
def _(files, truth):
    at = of_ticker(files.main, 1) & (files.main["mthcaldt"] == "2002-03-31")
    files.main.loc[at, "mthprc"] = 0.0
    for name in ("mthprc", "market_value"):
        truth.characteristics[name][14, 1] = nan


@trap("crsp_ciz", "last month's price beside this one's")
def _(files, truth):
    before = np.vstack([MARKET.price[:1], MARKET.price[:-1]])
    files.main["mthprevprc"] = before[MARKET.listed]
    truth.characteristics["mthprevprc"] = MARKET.seen(before)
    truth.characteristics["market_value"] = truth.characteristics.pop("market_value")


@trap("crsp_ciz", "prices of the next month", warned=("one date later", "'mthprc'"), compared=False)
def _(files, truth):
    files.main = shifted(files.main, ["mthprc", "shrout"], -1)


# tidyfinance


@trap("tidyfinance", "months by their last day")
def _(files, truth):
    files.main["date"] += pd.offsets.MonthEnd(0)


@trap(
    "tidyfinance",
    "the market value of the month's end as characteristic",
    refused=("'mktcap'", "end of the row's month"),
)
def _(files, truth):
    files.arguments["characteristics"] = ("mktcap", "bm")


@trap("tidyfinance", "no excess returns", refused=("ret_excess", "returns="))
def _(files, truth):
    files.main = files.main.drop(columns="ret_excess")


@trap("tidyfinance", "raw returns")
def _(files, truth):
    files.main["ret"] = MARKET.returns[MARKET.listed]
    files.arguments |= {"returns": "ret", "exclude": ("exchange", "industry", "ret_excess")}
    truth.returns[:] = MARKET.returns


@trap("tidyfinance", "raw returns beside the excess ones")
def _(files, truth):
    files.main["ret"] = MARKET.returns[MARKET.listed]


@trap("tidyfinance", "raw returns, and the excess ones are no characteristic")
def _(files, truth):
    files.main["ret"] = MARKET.returns[MARKET.listed]
    files.arguments["returns"] = "ret"
    truth.returns[:] = MARKET.returns


@trap("tidyfinance", "text of exchange and industry", warned=("hold no numbers", "'industry'"))
def _(files, truth):
    del files.arguments["exclude"]


@trap("tidyfinance", "market values not lagged", warned=("one date later", "'mktcap_lag'"), compared=False)
def _(files, truth):
    files.main["mktcap_lag"] = files.main["mktcap"]


@trap("tidyfinance", "percent", warned="look like percent", compared=False)
def _(files, truth):
    files.main["ret_excess"] *= 100


@pytest.mark.parametrize("one", TRAPS, ids=lambda one: one.id)
@every_kind
def test_a_trap_is_found_or_repaired(tmp_path, one, kind):
    (tmp_path / "right").mkdir()
    _, right = read(LONG[one.layout]()[0], tmp_path / "right")
    files, truth = LONG[one.layout]()
    one.plant(files, truth)
    assert_outcome(one, files, truth, [s.replace(".parquet", f".{kind}") for s in right], tmp_path, kind)


# --- Two files of different layouts, and parts of one -----------------------------------------------------------------

SECOND = {"crsp_siz": MARKET.returns, "crsp_ciz": MARKET.returns, "tidyfinance": MARKET.excess, "jkp": MARKET.excess}


@every_kind
@pytest.mark.parametrize("second", [*SECOND, "ctf"])
@pytest.mark.parametrize("first", ["gkx", "osap"])
def test_returns_of_any_layout_are_joined_by_month(tmp_path, first, second, kind):
    files, truth = LONG[first]()
    files.second = LONG[second]()[0].main
    files.arguments = {"layout": first, "returns_layout": second}
    returns = SECOND.get(second, MARKET.excess).copy()
    if second in ("jkp", "ctf"):  # the return of a ticker's first month stands in the row before, and there is none
        returns[0] = nan
        returns[1:][~MARKET.listed[:-1]] = nan
    truth.returns[:] = returns if first == "gkx" else next_month(returns)
    truth.assert_is(read(files, tmp_path, kind)[0])


@pytest.mark.parametrize("second", ["gkx", "osap", "french", "yfinance"])
def test_a_second_file_must_hold_returns(second):
    files, _ = osap()
    for read_it in (read_panel, read_schema):
        with pytest.raises(ValueError, match=f"returns_layout='{second}' has no column of returns"):
            read_it(files.main, layout="osap", returns_path=files.second, returns_layout=second)


@every_long
def test_a_part_of_the_months_is_that_part_of_the_panel(tmp_path, layout):
    files, truth = LONG[layout]()
    panel, _ = read(files, tmp_path, start="2002-03", end="2003-06-15")
    part = slice(*truth.returns.index.get_indexer(pd.to_datetime(["2002-03-31", "2003-07-31"])))
    truth.returns = truth.returns.iloc[part]
    truth.characteristics = {name: values[part] for name, values in truth.characteristics.items()}
    truth.assert_is(panel)


@pytest.mark.parametrize("layout", ["jkp", "ctf", "osap", "crsp_siz", "crsp_ciz"])
def test_the_month_after_the_last_has_not_happened(tmp_path, layout):
    panel, _ = read(LONG[layout]()[0], tmp_path)
    assert panel.n_happened == N_MONTHS - 1 and panel.n_dates == N_MONTHS


@every_long
def test_one_month_is_dated_as_many_are(layout):
    files, _ = LONG[layout]()
    dates = files.main[of_date(files.main, layout)].astype(str).str.replace("-", "").str[:6]
    arguments = {"layout": layout} | (
        {"returns_path": files.second, "returns": "RET"} if files.second is not None else {}
    )
    if layout == "osap":
        arguments = {"layout": layout, "returns_path": files.second, "returns_layout": "crsp_siz"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        panel = read_panel(files.main[dates == "200203"], dtype="float64", **arguments)
    d = 14 if layout in ("gkx", "tidyfinance") else 15
    assert list(panel.dates) == [MONTHS[d]]


@pytest.mark.parametrize(
    "table, layout, words",
    [
        ("crsp_siz", "yfinance", "layout='crsp_siz'"),
        ("crsp_siz", "french", "as Ken French's files do"),
        ("crsp_siz", "jkp", "layout='crsp_siz'"),
        ("jkp", "crsp_ciz", "layout='jkp'"),
        ("ctf", "jkp", None),
        ("jkp", "ctf", None),
        ("osap", "gkx", "layout='osap'"),
        ("tidyfinance", "crsp_siz", "layout='tidyfinance'"),
        ("tidyfinance", None, "layout='tidyfinance'"),
        ("french", "jkp", "layout='french'"),
        ("french", "yfinance", "layout='french'"),
        ("yfinance", "crsp_siz", "layout='yfinance'"),
        ("yfinance", "french", "as Ken French's files do"),
    ],
)
def test_another_layout_is_recognised(tmp_path, table, layout, words):
    path = tmp_path / "mine.csv"
    if table == "french":
        path.write_text(factor_file())
    elif table == "yfinance":
        downloaded(prices()).to_csv(path)
    else:
        LONG[table]()[0].main.to_csv(path, index=False)
    if words is None:  # the two have the same dates, tickers and returns
        assert read_panel(path, layout=layout).n_dates == N_MONTHS
        return
    with pytest.raises(ValueError) as refusal:
        read_panel(path, layout=layout)
    assert words in str(refusal.value), refusal.value


def test_two_columns_that_differ_in_capitals_only():
    files, truth = gkx()
    files.main = files.main.rename(columns={"DATE": "date"}).assign(DATE=19000101)
    truth.assert_is(read(files, None, path=files.main, returns_path=files.second)[0])


def test_the_table_of_layouts():
    table = table_of_layouts()
    assert list(table.index) == list(LAYOUTS) and list(table.columns) == ["file", "date", "ticker", "returns", "known"]
    assert table.loc["gkx", "returns"] == "a second file" and table.loc["french", "ticker"] == "its columns"
    assert (table.loc[["jkp", "ctf"], "returns"] == "ret_exc_lead1m").all()


# --- When a characteristic is known -----------------------------------------------------------------------------------

FAST = {
    "gkx": ("mvel1", "mom1m"),
    "jkp": ("me", "ret_1_0", "ret_exc"),
    "ctf": ("me", "ret_1_0"),
    "osap": ("STreversal",),
    "crsp_siz": ("prc",),
    "crsp_ciz": ("mthprc",),
    "tidyfinance": ("mktcap_lag",),
}
SLOW = {
    "gkx": "bm",
    "jkp": "be_me",
    "ctf": "be_me",
    "osap": "BM",
    "crsp_siz": "book",
    "crsp_ciz": "book",
    "tidyfinance": "bm",
}


def with_characteristics_moved(layout, by):
    """The files, their fast characteristics moved down by so many months."""
    files, _ = LONG[layout]()
    files.main = shifted(files.main, FAST[layout], by, LAYOUTS[layout].ticker)
    return files


@every_kind
@pytest.mark.parametrize("by, words", [(-1, "one date later"), (0, "As declared: "), (1, "one date earlier")])
@every_long
def test_the_data_tell_when_the_characteristics_are_known(tmp_path, layout, by, words, kind):
    arguments = with_characteristics_moved(layout, by).put(tmp_path, kind)
    schema = read_schema(**arguments)
    assert words in schema.timing
    others = {"one date later", "As declared: ", "one date earlier", "two dates earlier"} - {words}
    assert not [other for other in others if other in schema.timing]
    spoken_of = [
        sentence for sentence in schema.warnings if "known one date" in sentence or "the return itself" in sentence
    ]
    assert bool(spoken_of) == bool(by)
    assert schema.layout == layout and schema.known == LAYOUTS[layout].known


@every_long
def test_slow_characteristics_do_not_tell(tmp_path, layout):
    files, _ = LONG[layout]()
    if SLOW[layout] not in files.main:
        files.main[SLOW[layout]] = MARKET.book[MARKET.listed]
    for by in (-1, 0, 1):
        files.main = shifted(files.main, [SLOW[layout]], by, LAYOUTS[layout].ticker)
        schema = read_schema(**files.put(tmp_path, "parquet"), characteristics=[SLOW[layout]])
        assert "the data cannot tell" in schema.timing
        assert not [sentence for sentence in schema.warnings if "known one date" in sentence]


def large_market(n_dates, n_tickers, missing):
    """A long frame of returns, the price at the end of each date, and what tells nothing."""
    random = np.random.default_rng(5)
    returns = random.normal(0.001, 0.05, (n_dates, n_tickers))
    there = random.random(returns.shape) >= missing
    frame = pd.DataFrame({"returns": returns.ravel(), "price": 50 * np.cumprod(1 + returns, axis=0).ravel()})
    frame["date"] = np.repeat(pd.date_range("1990-01-31", periods=n_dates, freq="ME"), n_tickers)
    frame["ticker"] = np.tile(np.arange(n_tickers), n_dates)
    frame["noise"], frame["level"] = random.normal(size=(2, len(frame)))
    return frame.assign(level=np.exp(frame["level"])), there.ravel()


@pytest.mark.parametrize(
    "by, words", [(-1, "two dates later"), (0, "one date later"), (1, "As declared: "), (2, "one date earlier")]
)
@pytest.mark.parametrize("n_dates, n_tickers, missing", [(300, 80, 0.0), (300, 80, 0.15), (90, 2, 0.0), (70, 40, 0.1)])
@pytest.mark.parametrize("ranked", [False, True])
def test_a_sample_tells_as_much_as_all(by, words, n_dates, n_tickers, missing, ranked):
    frame, there = large_market(n_dates, n_tickers, missing)
    if ranked and n_tickers > 2:  # a return of the month, ranked as in the paper
        frame["price"] = frame.groupby("date")["returns"].rank(pct=True) - 0.5
    frame = shifted(frame, ["price", "noise", "level"], by, "ticker")[there]
    schema = read_schema(frame)
    assert words in schema.timing and "'noise'" not in schema.timing and "'level'" not in schema.timing
    assert "the data cannot tell" in read_schema(frame, exclude=["price"]).timing


def test_a_characteristic_that_begins_late_tells():
    frame, _ = large_market(300, 80, 0)
    frame["price"] = frame["price"].where(frame["date"] > "2013-06")
    assert "one date later" in read_schema(frame).timing


@every_kind
@every_long
def test_a_layout_is_recognised_by_its_columns(tmp_path, layout, kind):
    files, _ = LONG[layout]()
    del files.arguments["layout"]
    schema = read_schema(**files.put(tmp_path, kind))
    assert schema.layout == layout and schema.known.startswith("guessed, since its columns '")
    assert LAYOUTS[layout].title in schema.known and schema.known.endswith(LAYOUTS[layout].known)


ALSO_THERE = {
    "gkx": {"ret": 0.01, "prc": 10.0, "shrcd": 11, "mom12m": 0.1},
    "tidyfinance": {"ret": 0.01, "altprc": 10.0, "shrcd": 11, "prc": 10.0, "shrout": 5.0},
    "crsp_ciz": {"date": "2001-01-31", "ret": 0.01},
    "crsp_siz": {"yyyymm": 200101},
    "jkp": {"permno": 1, "date": "2001-01-31", "ret": 0.01},
}


@pytest.mark.parametrize("layout", ALSO_THERE)
def test_a_layout_is_recognised_among_columns_of_another(layout):
    frame = LONG[layout]()[0].main
    schema = read_schema(
        frame.assign(**{name: value for name, value in ALSO_THERE[layout].items() if name not in frame})
    )
    assert schema.layout == layout


# --- Ken French -------------------------------------------------------------------------------------------------------

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


def french(table):
    return dataclasses.replace(LAYOUTS["french"], table=table)


def read_text(folder, text, name="french.csv", encoding="latin-1", **arguments):
    """The panel, and the sentences, which must be those of the schema."""
    (folder / name).write_bytes(text.encode(encoding))
    return read(Files(None), folder, path=folder / name, **{"layout": "french"} | arguments)


def assert_holds(panel, table):
    """The panel's returns are those of a table in percent."""
    Truth(table / 100, {}).assert_is(panel)


def test_the_factors_of_french(tmp_path):
    panel, (sentence,) = read_text(tmp_path, factor_file())
    assert_holds(panel, MONTHLY)
    assert "holds 2 tables" in sentence and "'Annual Factors: January-December'" in sentence
    panel, _ = read_text(tmp_path, factor_file(), layout=french("annual"))
    assert_holds(panel, ANNUAL)


def test_the_portfolios_of_french(tmp_path):
    assert_holds(read_text(tmp_path, portfolio_file())[0], VALUE)
    assert_holds(read_text(tmp_path, portfolio_file(), layout=french("Equal"))[0], EQUAL)
    with pytest.raises(ValueError, match="'Number of Firms in Portfolios' of french"):
        read_text(tmp_path, portfolio_file(), layout=french("firms"))


def test_the_days_of_french(tmp_path):
    panel, sentences = read_text(tmp_path, BEGIN + as_french(DAILY, "%Y%m%d") + END)
    assert_holds(panel, DAILY)
    assert sentences == []


def test_a_part_of_french(tmp_path):
    panel, _ = read_text(tmp_path, factor_file(), start="2002", end="2003-06-15")
    assert_holds(panel, MONTHLY["2002":"2003-06"])


@pytest.mark.parametrize("name", ["french.csv.gz", "FRENCH.CSV.GZ"])
def test_a_packed_file_of_french(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(factor_file().encode()))
    assert_holds(read(Files(None), tmp_path, path=tmp_path / name, layout="french")[0], MONTHLY)
    assert read_schema(tmp_path / name).layout == "french"


def test_french_is_recognised(tmp_path):
    for name, text in {"factors.csv": factor_file(), "portfolios.csv": portfolio_file()}.items():
        (tmp_path / name).write_text(text)
        schema = read_schema(tmp_path / name)
        assert schema.layout == "french" and "commas and dates" not in schema.known and "guessed, since" in schema.known
        assert "no characteristics" in schema.known and schema.n_tickers in (4, 5) and schema.frequency == "monthly"


class OfText(NamedTuple):
    """A trap in a file of French: its text, and the words of refusal or warning; or the table that is read."""

    text: str
    refused: tuple = ()
    warned: tuple = ()
    table: pd.DataFrame | None = None
    arguments: Mapping = NOTHING


ONE = BEGIN + as_french(MONTHLY) + END
AFTER = "\n" + END  # what stands behind the last row
WITH_CODES = MONTHLY.copy()
WITH_CODES.iloc[[0, 3, 9], [1, 2, 0]] = nan
FRENCH_TRAPS = {
    "-99.99 and -999": OfText(
        BEGIN + as_french(WITH_CODES.fillna(-99.99)).replace("-99.99", "-999", 1) + END, table=WITH_CODES
    ),
    "already fractions": OfText(BEGIN + as_french(MONTHLY / 100) + END, warned=("fractions already", "percent=False")),
    "fractions, and said so": OfText(
        ONE, table=MONTHLY * 100, warned=("look like percent",), arguments={"percent": False}
    ),
    "a row is cut off": OfText(ONE.replace(AFTER, "200503,  1.2"), refused=("cut off", "200503")),
    "a column was added": OfText(ONE.replace("HML,RF\n", "HML\n"), refused=("entries of the header",)),
    "the copyright sign of old files": OfText(ONE.replace("Copyright", "Copyright ©"), table=MONTHLY),
    "lines end as on Windows": OfText(ONE.replace("\n", "\r\n"), table=MONTHLY),
    "no such table": OfText(ONE, refused=("no table 'Weekly'",), arguments={"layout": french("Weekly")}),
    "rows behind an empty line": OfText(
        ONE.replace("\n200312,", "\n\n200312,"), refused=("14 row(s) of numbers apart",)
    ),
    "a month twice": OfText(
        ONE.replace(AFTER, f"200412{',   1.00' * 4}\n"), refused=("repeats the date(s) 2004-12-31",)
    ),
    "text among the numbers": OfText(
        ONE.replace(AFTER, "200502, 1.0, n/a, 1.0, 1.0\n"), refused=("text among its numbers",)
    ),
    "saved again by pandas": OfText("Date" + as_french(MONTHLY), refused=("holds no table", "begins with a comma")),
    "a column twice": OfText(ONE.replace(",SMB,HML", ",SMB,SMB"), refused=("unnamed or repeated",)),
    "a lag asked for": OfText(ONE, refused=("wide table",), arguments={"lag": 1}),
    "firms come first": OfText(
        BEGIN + as_french(FIRMS, title="Number of Firms in Portfolios"), refused=("holds no returns",)
    ),
    "market values": OfText(BEGIN + as_french(FIRMS, title="Average Market Cap"), refused=("holds no returns",)),
    "sums": OfText(BEGIN + as_french(FIRMS, title="Sum of BE / Sum of ME"), refused=("holds no returns",)),
    "the newest month first": OfText(BEGIN + as_french(MONTHLY[::-1]) + END, table=MONTHLY),
    "no layout said": OfText(ONE, refused=("layout='french'",), arguments={"layout": None}),
}


@pytest.mark.parametrize("name", FRENCH_TRAPS)
def test_a_trap_in_a_file_of_french_is_found_or_repaired(tmp_path, name):
    one = FRENCH_TRAPS[name]
    if one.refused:
        with pytest.raises(ValueError) as refusal:
            read_text(tmp_path, one.text, **one.arguments)
        assert all(words in str(refusal.value) for words in one.refused), refusal.value
        return
    panel, sentences = read_text(tmp_path, one.text, **one.arguments)
    assert all(words in " ".join(sentences) for words in one.warned), sentences
    assert bool(sentences) == bool(one.warned), sentences
    if one.table is not None:
        assert_holds(panel, one.table)


@pytest.mark.parametrize("name", ["french", "yfinance"])
def test_a_wide_table_takes_no_names_of_columns(name):
    for argument in (
        {"returns": "SMB"},
        {"characteristics": ["size"]},
        {"exclude": ("RF",)},
        {"date": "month"},
        {"lag": 1},
    ):
        with pytest.raises(ValueError, match="a column for each ticker: beside it only start, end"):
            read_panel("any.csv", layout=name, **argument)


def test_a_frame_is_no_file_of_french():
    with pytest.raises(TypeError, match="pass its path, not a frame"):
        read_panel(MONTHLY, layout="french")


# --- yfinance ---------------------------------------------------------------------------------------------------------

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


def by_ticker(frame):
    return frame.swaplevel(axis=1).sort_index(axis=1)


def returns_of(close):
    table = (close / close.shift(1) - 1).iloc[1:].sort_index(axis=1)
    return Truth(table, {})


def as_source(frame, kind, folder):
    if kind == "frame":
        return frame
    path = folder / f"prices.{kind}"
    frame.to_parquet(path) if kind == "parquet" else frame.to_csv(path)
    return path


SOURCES = ("frame", "csv", "csv.gz", "parquet")
every_source = pytest.mark.parametrize("kind", SOURCES)


@every_source
@pytest.mark.parametrize("order", [lambda frame: frame, by_ticker], ids=["Price, Ticker", "Ticker, Price"])
def test_prices_of_yfinance(tmp_path, order, kind):
    source = as_source(order(downloaded(prices())), kind, tmp_path)
    panel, sentences = read(Files(None), tmp_path, path=source, layout="yfinance")
    returns_of(prices()).assert_is(panel)
    assert sentences == []
    schema = read_schema(source)
    assert schema.layout == "yfinance" and "guessed, since" in schema.known and "no characteristics" in schema.known


def with_zone(frame, zone):
    return frame.set_axis(frame.index.tz_localize(zone), axis=0)


def with_days(close, days):
    return close.reindex(days)


WEEK = pd.date_range("2001-01-02", periods=60)
WEEKENDS = prices(WEEK)
WEEKENDS.loc[WEEK.day_of_week >= 5, ["AAPL", "MSFT"]] = nan
HALTED = prices()
HALTED.iloc[-1, 2] = nan


class OfPrices(NamedTuple):
    """A trap in a frame of prices."""

    frame: Callable
    truth: Callable | None = None
    refused: tuple = ()
    warned: tuple = ()
    arguments: Mapping = NOTHING
    kinds: tuple = SOURCES


def right():
    return returns_of(prices())


def with_value(row, column, value):
    table = prices()
    table.iloc[row, column] = value
    return downloaded(table)


def last_day_at(clock):
    frame = downloaded(prices())
    return frame.set_axis([*frame.index[:-1], frame.index[-1] + pd.Timedelta(clock)], axis=0).rename_axis("Date")


def intraday():
    return downloaded(prices(pd.date_range("2001-01-02 09:30", periods=40, freq="30min")))


def one_ticker():
    return downloaded(prices(symbols=["AAPL"])).droplevel("Ticker", axis=1)


YFINANCE_TRAPS = {
    "clocks of New York": OfPrices(lambda: with_zone(downloaded(prices()), "America/New_York"), right),
    "clocks of Tokyo": OfPrices(lambda: with_zone(downloaded(prices()), "Asia/Tokyo"), right),
    "midnights of Tokyo in UTC": OfPrices(
        lambda: with_zone(downloaded(prices()), "Asia/Tokyo").tz_convert("UTC"), refused=("UTC", "time zone")
    ),
    "midnights of New York in UTC": OfPrices(
        lambda: with_zone(downloaded(prices()), "America/New_York").tz_convert("UTC"), right
    ),
    "weekends of one asset": OfPrices(
        lambda: downloaded(WEEKENDS),
        lambda: returns_of(WEEKENDS[WEEK.day_of_week < 5]),
        warned=("weekends", "only BTC-USD"),
    ),
    "weekends of all": OfPrices(
        lambda: downloaded(prices(WEEK)[["BTC-USD"]]), lambda: returns_of(prices(WEEK)[["BTC-USD"]])
    ),
    "a download that failed": OfPrices(
        lambda: downloaded(prices().assign(NOPE=nan)), right, warned=("1 ticker(s) have no price", "NOPE")
    ),
    "all downloads failed": OfPrices(lambda: downloaded(prices() * nan), refused=("holds no price",)),
    "adjusted prices beside unadjusted": OfPrices(lambda: downloaded(prices(seed=1), prices()), right),
    "the newest day first": OfPrices(lambda: downloaded(prices())[::-1], right),
    "no price on the last day": OfPrices(
        lambda: downloaded(HALTED), lambda: returns_of(HALTED), warned=("On the last day", "MSFT", "end=")
    ),
    "an unfinished last day": OfPrices(
        lambda: last_day_at("11:35:07"), lambda: returns_of(prices().iloc[:-1]), warned=("unfinished",)
    ),
    "half hours": OfPrices(intraday, refused=("several prices a day",)),
    "a day twice": OfPrices(
        lambda: pd.concat([downloaded(prices()), downloaded(prices()).iloc[[4]]]),
        refused=("repeats the date(s) 2001-01-08",),
    ),
    "a negative price": OfPrices(
        lambda: with_value(5, 1, -3.0), refused=("0, below, or infinite", "-3 of BTC-USD at 2001-01-09")
    ),
    "a price of zero": OfPrices(lambda: with_value(5, 1, 0.0), refused=("0, below, or infinite",)),
    "an infinite price": OfPrices(lambda: with_value(5, 1, np.inf), refused=("infinite, such as inf of BTC-USD",)),
    "a hole": OfPrices(
        lambda: with_value(5, 0, nan), lambda: returns_of(prices().mask(with_value(5, 0, nan)["Close"].isna()))
    ),
    "one ticker, one level": OfPrices(one_ticker, refused=("does not say which ticker", "multi_level_index=True")),
    "no closing prices": OfPrices(
        lambda: downloaded(prices()).drop(columns="Close", level="Price"), refused=("'Close' in neither",)
    ),
    "closing prices alone": OfPrices(prices, right),
    "percent": OfPrices(lambda: downloaded(prices()), refused=("holds prices",), arguments={"percent": True}),
    "row numbers for days": OfPrices(
        lambda: prices().reset_index(drop=True), refused=("must be dated",), kinds=("frame", "csv")
    ),
    "one day": OfPrices(lambda: downloaded(prices()).iloc[:1], refused=("a return needs two",)),
    "no layout said": OfPrices(
        lambda: downloaded(prices()), refused=("layout='yfinance'",), arguments={"layout": None}
    ),
    "a part": OfPrices(
        lambda: downloaded(prices()),
        lambda: Truth(right().returns["2001-02-01":"2001-02-14"], {}),
        arguments={"start": "2001-02", "end": "2001-02-14"},
    ),
}


@every_source
@pytest.mark.parametrize("name", YFINANCE_TRAPS)
def test_a_trap_in_prices_is_found_or_repaired(tmp_path, name, kind):
    one = YFINANCE_TRAPS[name]
    if kind not in one.kinds:
        return
    source = as_source(one.frame(), kind, tmp_path)
    arguments = {"path": source, "layout": "yfinance"} | one.arguments
    if one.refused:
        with pytest.raises((TypeError, ValueError)) as refusal:
            read_panel(**arguments)
        assert all(words in str(refusal.value) for words in one.refused), refusal.value
        return
    panel, sentences = read(Files(None), tmp_path, **arguments)
    assert all(words in " ".join(sentences) for words in one.warned), sentences
    assert bool(sentences) == bool(one.warned), sentences
    one.truth().assert_is(panel)


# --- Frames in the place of files -------------------------------------------------------------------------------------


def long_frame():
    """Rows of tidyfinance, under the names that need no layout."""
    frame = MARKET.rows(MONTHS[:-1], returns=MARKET.returns, size=month_before(SIZE), bm=month_before(MARKET.book))
    return frame.rename(columns={"permno": "ticker"})


def truth_of_frame():
    return in_own_month(MARKET.returns, size=month_before(SIZE), bm=month_before(MARKET.book))


class LikePolars:
    """A frame of another library, as Arrow's protocol shows it."""

    def __init__(self, frame):
        self.table = pa.Table.from_pandas(frame, preserve_index=False)

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def changed(**columns):
    return long_frame().assign(**columns)


def with_categories():
    frame = long_frame()
    return frame.assign(ticker=frame["ticker"].astype(str).astype("category"), date=frame["date"].astype("category"))


def as_text_tickers(truth):
    truth.returns.columns = truth.returns.columns.astype(str)
    return truth


FRAMES = {
    "a long frame": (long_frame, truth_of_frame),
    "labels in the index": (lambda: long_frame().set_index(["date", "ticker"]), truth_of_frame),
    "labels in the index, the other way, rows shuffled": (
        lambda: long_frame().sample(frac=1, random_state=0).set_index(["ticker", "date"]),
        truth_of_frame,
    ),
    "dates in the index": (lambda: long_frame().set_index("date"), truth_of_frame),
    "rows that were filtered": (lambda: pd.concat([long_frame(), long_frame()])[: len(long_frame())], truth_of_frame),
    "Arrow": (lambda: pa.Table.from_pandas(long_frame()), truth_of_frame),
    "another library": (lambda: LikePolars(long_frame()), truth_of_frame),
    "months as periods": (lambda: changed(date=long_frame()["date"].dt.to_period("M")), truth_of_frame),
    "months as text": (lambda: changed(date=long_frame()["date"].dt.strftime("%Y-%m")), truth_of_frame),
    "days as dates of Python": (lambda: changed(date=long_frame()["date"].dt.date), truth_of_frame),
    "days with a time zone": (lambda: changed(date=long_frame()["date"].dt.tz_localize("Asia/Tokyo")), truth_of_frame),
    "categories": (with_categories, lambda: as_text_tickers(truth_of_frame())),
    "tickers as objects": (
        lambda: changed(ticker=long_frame()["ticker"].astype(str).astype(object)),
        lambda: as_text_tickers(truth_of_frame()),
    ),
    "numbers that may be missing": (
        lambda: long_frame().astype({"ticker": "Int64", "bm": "Float64", "returns": "Float64"}),
        truth_of_frame,
    ),
    "numbers as objects": (lambda: changed(bm=long_frame()["bm"].astype(object)), truth_of_frame),
    "numbers as text": (lambda: changed(bm=long_frame()["bm"].map(repr).replace("nan", "")), truth_of_frame),
    "numbers as decimals": (
        lambda: changed(bm=[None if np.isnan(v) else Decimal(repr(v)) for v in long_frame()["bm"]]),
        truth_of_frame,
    ),
    "tickers as floats": (lambda: changed(ticker=long_frame()["ticker"].astype(float)), truth_of_frame),
}


def test_a_long_frame_of_one_ticker_may_have_its_dates_in_the_index():
    frame = long_frame()[lambda rows: rows["ticker"] == PERMNOS[0]].set_index("date")
    panel = read_panel(frame, exclude=["size", "bm"], dtype="float64")
    assert list(panel.tickers) == [PERMNOS[0]]
    np.testing.assert_array_equal(panel.returns[:, 0], MARKET.returns[:, 0])


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_read_as_a_file(tmp_path, name):
    frame, truth = FRAMES[name]
    before = frame()
    panel, sentences = read(Files(None), tmp_path, path=before, start="2001-02")
    right = truth()
    right.returns = right.returns.iloc[1:]
    right.characteristics = {name: values[1:] for name, values in right.characteristics.items()}
    right.assert_is(panel)
    assert not sentences[1:]
    if isinstance(before, pd.DataFrame):
        pd.testing.assert_frame_equal(before, frame())  # it is never altered


def two_columns_of_one_name():
    frame = long_frame()
    return frame.set_axis([*frame.columns[:-1], "size"], axis=1)


REFUSED_FRAMES = {
    "two levels of columns": (lambda: long_frame().pivot(index="date", columns="ticker"), "2 levels of columns"),
    "a column for each ticker": (
        lambda: long_frame().pivot(index="date", columns="ticker", values="returns"),
        "Panel(returns=frame)",
    ),
    "a column for each ticker, dates a column": (
        lambda: long_frame().pivot(index="date", columns="ticker", values="returns").rename(columns=str).reset_index(),
        "no column 'ticker'",
    ),
    "two columns of one name": (two_columns_of_one_name, "several columns of the same name: 'size'"),
    "several kinds in one column": (
        lambda: changed(bm=long_frame()["bm"].astype(object).where(long_frame().index > 5, "none")),
        "values of several kinds",
    ),
    "tickers of several kinds": (
        lambda: changed(ticker=long_frame()["ticker"].astype(object).where(long_frame().index > 5, "AAPL")),
        "values of several kinds",
    ),
    "an index without names": (
        lambda: long_frame().set_index(["date", "ticker"]).rename_axis([None, None]),
        "need names",
    ),
    "labels twice": (lambda: long_frame().set_index("ticker", drop=False), "both in its index and among its columns"),
    "numbers for names": (lambda: long_frame().rename(columns={"bm": 7}), "must be named by text; 7"),
    "no rows": (lambda: long_frame().iloc[:0], "no rows"),
    "a series": (lambda: long_frame()["returns"], "path must be the path of a file, or a frame"),
    "lists in a column": (lambda: changed(bm=[[1.0, 2.0]] * len(long_frame())), "'bm'"),
    "UTC, east of Greenwich": (
        lambda: changed(date=long_frame()["date"].dt.tz_localize("Asia/Tokyo").dt.tz_convert("UTC")),
        "in UTC",
    ),
}


@pytest.mark.parametrize("name", REFUSED_FRAMES)
def test_a_frame_that_could_be_misread_is_refused(name):
    frame, words = REFUSED_FRAMES[name]
    with pytest.raises((TypeError, ValueError)) as refusal:
        panel = read_panel(frame(), characteristics=["size", "bm"] if name.startswith("lists") else None)
        raise AssertionError(panel)
    assert words in str(refusal.value), refusal.value


@every_long
def test_frames_in_a_layout_are_read_as_its_files(tmp_path, layout):
    files, truth = LONG[layout]()
    second = {} if files.second is None else {"returns_path": files.second}
    labels = [of_date(files.main, layout), LAYOUTS[layout].ticker]
    for frame in (files.main, files.main.set_index(labels), pa.Table.from_pandas(files.main), LikePolars(files.main)):
        panel, _ = read(files, tmp_path, path=frame, **second)
        truth.assert_is(panel)
