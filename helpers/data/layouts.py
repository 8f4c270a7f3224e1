"""The layouts of files that researchers in this field bring, by name."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from helpers.checks import described_kind, first_few
from helpers.data.layout import Layout
from helpers.data.text import CRSP_LETTERS


def _price(price):
    """CRSP's price: minus the mean of bid and ask where nothing was traded, 0 where nothing is known."""
    return np.where(price == 0, np.nan, np.abs(price))


def _market_value(price, shares):
    return _price(price) * shares


def _with_delisting(r, of_delisting):
    """(1 + r)(1 + r of the delisting) - 1; either alone where the other is missing."""
    compounded = (1 + np.nan_to_num(r)) * (1 + np.nan_to_num(of_delisting)) - 1
    return np.where(np.isnan(r) & np.isnan(of_delisting), np.nan, compounded)


CRSP_CODES = (-44.0, -55.0, -66.0, -77.0, -88.0, -99.0)
MARKET_RETURNS = ("vwretd", "vwretx", "ewretd", "ewretx", "sprtrn")
# cfacpr and cfacshr are what splits up to the END of the sample make of a price: they hold the future.
SIZ_NO_CHARACTERISTICS = (
    "cfacpr cfacshr facpr facshr divamt shrflg shrsdt shrenddt "
    "namedt nameendt altprcdt dclrdt rcrddt paydt nextdt nwcomp nwperm dlprc acperm accomp issuno hsicmg hsicig nsdinx "
    "trtscd nmsind mmcnt distcd comnam tsymbol ticker shrcls trdstat secstat primexch"
).split()
CIZ_NO_CHARACTERISTICS = (
    "mthprcdt mthprcflg mthretflg mthcapflg mthprevprcflg mthvolflg mthfacshrflg mthdelflg mthdtflg mthcompflg "
    "mthcompsubflg mthprevdt mthprevdtflg mthprevcapflg mthprcvolmiscnt mthvolmiscnt mthcumfacpr mthcumfacshr "
    "shrstartdt shrenddt shrsource shrfactype shradrflg shareclass secinfostartdt secinfoenddt securitybegdt "
    "securityenddt securityhdrflg securityactiveflg securitynm issuernm exchangetier delactiontype delstatustype "
    "delreasontype delpaymenttype delretmisstype disfacpr disfacshr disdivamt disordinaryflg"
).split()
JKP_NO_CHARACTERISTICS = (
    "eom date excntry size_grp obs_main common exch_main primary_sec bidask source_crsp crsp_shrcd crsp_exchcd "
    "comp_tpci comp_exchg curcd fx adjfct ret_lag_dif eom_ret ctff_test"
).split()
NO_SHARE_CODES = "without it, funds and foreign shares cannot be told from common stocks, and all rows are kept"
END_OF_MONTH = "it is known at the end of the row's month only, when the return has been earned"
NEXT_MONTH = "it is the return of the next month, which the row's characteristics are to explain"

JKP = Layout(
    name="jkp",
    title="Jensen, Kelly and Pedersen's global factor data",
    known="A row's characteristics are known at eom, the end of its month. ret_exc_lead1m is the return of "
    "the NEXT month, and the panel dates both by that month.",
    date="eom",
    ticker="id",
    returns="ret_exc_lead1m",
    months_ahead=1,
    returns_ahead={"ret_exc_lead1m": 1},
    screens=dict.fromkeys(("obs_main", "common", "exch_main", "primary_sec"), ("1", "true")),
    futures={"ret_exc_lead1m": NEXT_MONTH},
    exclude=tuple(JKP_NO_CHARACTERISTICS),
    signs=(("id", "eom", "ret_exc_lead1m"), ("id", "eom", "ret_exc"), ("id", "eom", "obs_main")),
)
CTF = replace(
    JKP,
    name="ctf",
    title="the Common Task Framework's ctff_chars.parquet",
    known="A row's characteristics are known at eom, the end of its month. ret_exc_lead1m is the return of the NEXT "
    "month, eom_ret, and the panel dates both by that month. What may be used is listed in ctff_features.parquet, "
    "which is read if it lies beside the file.",
    dated={"eom_ret": 1},
    screens={},
    signs=(("id", "eom", "ret_exc_lead1m", "ctff_test"), ("id", "eom", "ret_exc_lead1m", "eom_ret")),
    features="ctff_features.parquet",
)

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        layout.name: layout
        for layout in (
            Layout(
                name="gkx",
                title="Gu, Kelly and Xiu's datashare.csv",
                known="A row's characteristics are lagged by their authors: known before the return of the row's own "
                "month, which stands in a second file (returns_path=, such as CRSP's).",
                date="date",
                ticker="permno",
                exclude=("sic2",),
                signs=(("permno", "date", "mvel1"), ("permno", "date", "mom1m"), ("permno", "date", "sic2")),
            ),
            JKP,
            CTF,
            Layout(
                name="osap",
                title="Open Source Asset Pricing's signals, wide",
                known="A row's signals are known at the end of its month, yyyymm, and explain the return of the NEXT "
                "month, which stands in a second file (returns_path=). The panel dates both by that month.",
                date="yyyymm",
                ticker="permno",
                months_ahead=1,
                absent=dict.fromkeys(
                    ("price", "size", "streversal"), "it is not among the signals, but made of CRSP's price and return"
                ),
                signs=(("permno", "yyyymm"),),
            ),
            Layout(
                name="crsp_siz",
                title="CRSP monthly as it was until 2024 (SIZ, such as msf)",
                known="Price, shares and volume are known at the end of the row's month, so the panel moves them to "
                "the next month. The return is that of the row's month, with the delisting return (dlret) where "
                "there is one.",
                date="date",
                ticker="permno",
                returns="ret",
                months_ahead=1,
                screens={"shrcd": ("10", "11")},
                carried=("shrcd",),  # a row of a delisting return alone has none
                wanted={
                    "shrcd": NO_SHARE_CODES,
                    "dlret": "the return of a delisting, which ends badly as a rule: without it losers leave in time. "
                    "Merge CRSP's delisting file on permno and month, all rows of either kept"
                },
                repeated="If one holds the delisting return alone, move that into the row of the month's return; "
                "otherwise keep one of each.",
                exclude=("dlret", "dlretx", "dlpdt", "dlamt", *SIZ_NO_CHARACTERISTICS, *MARKET_RETURNS),
                missing_values=tuple(sorted(CRSP_LETTERS)),
                codes=dict.fromkeys(("ret", "retx", "dlret"), CRSP_CODES),
                made={
                    "ret": (("ret", "dlret"), _with_delisting),
                    "prc": (("prc",), _price),
                    "altprc": (("altprc",), _price),
                    "bidlo": (("bidlo",), _price),
                    "askhi": (("askhi",), _price),
                    "market_value": (("prc", "shrout"), _market_value),
                },
                signs=(("permno", "date", "ret", "shrcd"), ("permno", "date", "ret", "prc"), ("permno", "date", "ret")),
            ),
            Layout(
                name="crsp_ciz",
                title="CRSP monthly as it is since 2022 (CIZ, such as msf_v2)",
                known="Price, shares and volume are known at the end of the row's month, so the panel moves them to "
                "the next month. The return, mthret, is that of the row's month and holds delisting returns.",
                date="mthcaldt",
                ticker="permno",
                returns="mthret",
                months_ahead=1,
                screens={
                    "sharetype": ("ns",),
                    "securitytype": ("eqty",),
                    "securitysubtype": ("com",),
                    "usincflg": ("y",),
                    "issuertype": ("acor", "corp"),
                    "primaryexch": ("n", "a", "q"),
                    "conditionaltype": ("rw", "nw"),
                    "tradingstatusflg": ("a",),
                },
                leaving=("mthdelflg", "y"),
                carried=("usincflg", "primaryexch", "conditionaltype", "tradingstatusflg"),
                wanted={"sharetype": NO_SHARE_CODES},
                exclude=(*CIZ_NO_CHARACTERISTICS, *MARKET_RETURNS),
                made={
                    "mthprc": (("mthprc",), _price),
                    "market_value": (("mthprc", "shrout"), _market_value),
                },
                signs=(("permno", "mthcaldt", "mthret"),),
            ),
            Layout(
                name="french",
                title="a CSV of Ken French's data library",
                known="There are no characteristics: each column is a ticker, and its entry the return of the row's "
                "month, day or year. Percent becomes fractions; -99.99 and -999 are missing. Of several tables the "
                "first is read; dataclasses.replace(LAYOUTS['french'], table='Equal Weighted') asks for another.",
                percent=True,
                monthly=False,
                wide=True,
            ),
            Layout(
                name="yfinance",
                title="what yfinance.download returns: daily prices in two levels of columns",
                known="There are no characteristics: a row's return runs from the trading day before to its own, in "
                "adjusted prices. characteristics_from_prices makes characteristics of the same prices.",
                monthly=False,
                wide=True,
            ),
            Layout(
                name="tidyfinance",
                title="tidyfinance's monthly CRSP, and the pseudo data of its book",
                known="A row's return is that of the month that begins at its date. mktcap, prices and shares are "
                "known only at the end of that month and are left out; mktcap_lag, and whatever else the file holds, "
                "at its beginning.",
                date="date",
                ticker="permno",
                returns="ret_excess",
                futures=dict.fromkeys(
                    ("mktcap", "prc", "altprc", "shrout", "ret", "ret_excess", "dlret"), END_OF_MONTH
                ),
                exclude=("risk_free", "rf"),
                signs=(("permno", "date", "ret_excess"), ("permno", "date", "mktcap_lag")),
            ),
        )
    }
)


# Files hold columns of their own and of others that were merged to them. So the layouts that have columns which no
# other has are asked first.
BY_SIGNS = tuple(LAYOUTS[name] for name in "ctf jkp crsp_ciz gkx tidyfinance crsp_siz osap".split())


def as_layout(argument: str, layout: "str | Layout | None") -> Layout | None:
    """The layout of this name, or the one that was given."""
    if layout is None or isinstance(layout, Layout):
        return layout
    if not isinstance(layout, str):
        raise TypeError(f"{argument} must be the name of a layout or a Layout; {described_kind(layout)} was given.")
    if layout.lower() not in LAYOUTS:
        raise ValueError(f"{argument} must be one of {', '.join(map(repr, LAYOUTS))}; {layout!r} was given.")
    return LAYOUTS[layout.lower()]


def recognised(columns: Iterable[str]) -> tuple[Layout, str] | None:
    """The layout that the columns of a file look like, and why."""
    columns = list(columns)
    own = {column.lower(): column for column in columns}
    for layout in BY_SIGNS:
        if sign := layout.sign_in(columns):
            shown = first_few((repr(own[column]) for column in sign), 5)
            return layout, f"its columns {shown} are those of {layout.title}"
    return None


def table_of_layouts() -> pd.DataFrame:
    """The layouts that `read_panel` knows by name: whose they are, and when a characteristic is known.

    Returns
    -------
    DataFrame
        Indexed by the name, with the columns `file`, `date`, `ticker`, `returns` and `known`.
    """
    rows = {
        layout.name: {
            "file": layout.title,
            "date": "its index" if layout.wide else layout.date,
            "ticker": "its columns" if layout.wide else layout.ticker,
            "returns": "its entries" if layout.wide else layout.returns or "a second file",
            "known": layout.known,
        }
        for layout in LAYOUTS.values()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("layout")
