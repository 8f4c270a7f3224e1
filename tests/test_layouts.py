"""Long files in the layouts that researchers bring: read to the right panel, repaired, or refused by name."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from helpers.data.layouts import LAYOUTS, table_of_layouts
from helpers.data.reader import read_panel, read_schema
from tests.layouts import (
    LONG,
    MARKET,
    MONTHS,
    N_MONTHS,
    PERMNOS,
    Files,
    crsp_ciz,
    crsp_siz,
    downloaded,
    every_kind,
    every_long,
    factor_file,
    gkx,
    nan,
    next_month,
    of_date,
    osap,
    prices,
    read,
    shifted,
)


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


def of_ticker(frame, s, column="permno"):
    return frame[column] == PERMNOS[s]


def without_ticker(truth, s):
    truth.returns = truth.returns.drop(columns=PERMNOS[s])
    truth.characteristics = {name: np.delete(values, s, axis=1) for name, values in truth.characteristics.items()}


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


@trap("gkx", "a permno has no returns", warned=("have no row in", "1 ticker(s)", "no return at any date"))
def _(files, truth):
    files.second = files.second[~of_ticker(files.second, 5, "PERMNO")]
    truth.without(PERMNOS[[5]])


@trap("gkx", "most permnos have no returns", warned=("find a return", "have no return at any date, and are left out"))
def _(files, truth):
    files.second = files.second[files.second["PERMNO"] < PERMNOS[4]]
    truth.without(PERMNOS[4:])


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


@trap("gkx", "the returns of CRSP as it delivers them", warned=("no column 'dlret'", "left out"))
def _(files, truth):
    files.second["RET"] = files.second["RET"].astype(str).where(files.second["PERMNO"] != PERMNOS[2], "C")
    truth.without(PERMNOS[[2]])
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


@trap(
    "osap",
    "shares that are not common among the returns",
    warned=("are left out", "SHRCD = 10 or 11", "have no row in", "1 ticker(s)"),
)
def _(files, truth):
    files.second["SHRCD"] = np.where(of_ticker(files.second, 6, "PERMNO"), 73, 11)
    truth.without(PERMNOS[[6]])


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


@trap("crsp_siz", "percent, and said so, with a delisting return")
def _(files, truth):
    last = files.main.index[of_ticker(files.main, 4)][-1]
    files.main["ret"] *= 100
    files.main.loc[last, "dlret"] = -50.0
    files.arguments["percent"] = True
    truth.returns.loc["2003-06", PERMNOS[4]] = (1 + MARKET.returns[29, 4]) * 0.5 - 1


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


@trap("crsp_ciz", "names and symbols")
def _(files, truth):
    cusips = np.where(np.arange(len(files.main)) % 2, "03783310", "G0177J10")
    files.main = files.main.assign(issuernm="APPLE INC", ticker="AAPL", hdrcusip=cusips, shareclass="", mthretflg="")


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
