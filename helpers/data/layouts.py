"""The layouts of files that researchers in this field bring: which column is what, and when it is known."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from helpers.checks import described_kind, first_few

Made = tuple[tuple[str, ...], Callable[..., np.ndarray]]
NONE: Mapping = MappingProxyType({})

# Columns that say who a ticker is, or when: numbers, and yet no characteristics.
IDENTIFIERS = (
    "permno permco gvkey iid cusip cusip8 cusip9 ncusip cik isin sedol figi id lpermno lpermco "
    "sic siccd sic2 sich hsiccd naics gsector ggroup gind gsubind gics ff49 ff12 "
    "shrcd exchcd hexcd shrcls crsp_shrcd crsp_exchcd comp_exchg "
    "date eom caldt year month yyyymm yearmonth fyear datadate dlstcd"
).split()


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a known file is laid out.

    Parameters
    ----------
    name, title : str
        What `layout=` is called, and whose file it is.
    known : str
        When a characteristic is known, in words.
    date, ticker : str
        Two columns. Capitals do not count, in these and all other names.
    returns : str, optional
        The column of returns; None if they stand in a second file.
    months_ahead : int
        By how many months the return that a row's characteristics explain lies after the row's date. The panel dates
        both by the month of that return.
    returns_ahead : dict of str to int
        By how many months the returns of a column lie after the row's date, if not 0.
    dated : dict of str to int
        Columns of dates that lie so many months after the row's: a row where they do not is refused.
    screens : dict of str to tuple of str
        Rows are kept if these columns, where the file has them, hold one of these values.
    carried : tuple of str
        Screens that are empty in some rows of a ticker: kept are those of tickers that have rows that pass.
    futures : dict of str to str
        Columns that are not known when the layout says, and why; never characteristics.
    wanted : dict of str to str
        Columns without which the panel is less than it should be, and what to do.
    absent : dict of str to str
        Columns that one may look for in vain, and where they come from.
    repeated : str
        What to do about two rows of a ticker in one month, if not to keep one.
    exclude : tuple of str
        Columns that are no characteristics, beside the identifiers and those of the screens.
    missing_values : tuple of str
        Codes of missing numbers.
    codes : dict of str to tuple of float
        Numbers that mean a missing one, in these columns only.
    made : dict of str to (columns, function)
        Columns computed from others where the file has all of them.
    signs : tuple of tuple of str
        Columns by which a file of this layout is recognised: all of any of the tuples, the longest first.
    percent : bool
        Whether returns are in percent.
    monthly : bool
        Whether dates are months, however they are written.
    wide : bool
        Whether each ticker has a column of its own.
    table : str, optional
        Of a file that holds several tables, words in the title of the one that is read; the first if left out.
    features : str, optional
        The name of a file beside it that lists which columns may be characteristics.
    """

    name: str
    title: str
    known: str
    date: str = "date"
    ticker: str = "ticker"
    returns: str | None = None
    months_ahead: int = 0
    returns_ahead: Mapping[str, int] = field(default_factory=dict)
    dated: Mapping[str, int] = field(default_factory=dict)
    screens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    carried: tuple[str, ...] = ()
    futures: Mapping[str, str] = field(default_factory=dict)
    wanted: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    repeated: str = ""
    exclude: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ()
    codes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    made: Mapping[str, Made] = field(default_factory=dict)
    signs: tuple[tuple[str, ...], ...] = ()
    percent: bool = False
    monthly: bool = True
    wide: bool = False
    table: str | None = None
    features: str | None = None

    def sign_in(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The columns by which a file is recognised as laid out so; empty if it is not."""
        lower = {column.lower() for column in columns}
        return next((sign for sign in self.signs if lower.issuperset(sign)), ())

    def fitted(self, columns: Iterable[str], percent: bool = False) -> "Layout":
        """The layout with the names of columns as a file has them, its returns perhaps computed from percent."""
        own: dict[str, str] = {}
        for column in sorted(columns, key=lambda column: column != column.lower()):  # of 'DATE' and 'date' the latter
            own.setdefault(column.lower(), column)

        def name(column):
            return own.get(column.lower(), column)

        made = {}
        for column, (inputs, function) in self.made.items():
            if all(each in own for each in inputs) and not (column in own and column not in inputs):
                in_percent = percent and column == self.returns
                made[name(column)] = (tuple(map(name, inputs)), _of_percent(function) if in_percent else function)
        renamed = {
            what: {name(column): value for column, value in getattr(self, what).items() if column in own}
            for what in ("returns_ahead", "dated", "screens", "futures", "codes")
        }
        return replace(
            self,
            wanted={column: what for column, what in self.wanted.items() if column not in own},
            date=name(self.date),
            ticker=name(self.ticker),
            returns=None if self.returns is None else name(self.returns),
            exclude=tuple(name(column) for column in self.exclude if column in own),
            carried=tuple(map(name, self.carried)),
            made=made,
            **renamed,
        )


def _price(price):
    """CRSP's price: minus the mean of bid and ask where nothing was traded, 0 where nothing is known."""
    return np.where(price == 0, np.nan, np.abs(price))


def _market_value(price, shares):
    return _price(price) * shares


def _with_delisting(r, of_delisting):
    """(1 + r)(1 + r of the delisting) - 1; either alone where the other is missing."""
    compounded = (1 + np.nan_to_num(r)) * (1 + np.nan_to_num(of_delisting)) - 1
    return np.where(np.isnan(r) & np.isnan(of_delisting), np.nan, compounded)


def _of_percent(function):
    """The function of fractions for numbers in percent."""
    return lambda *columns: 100 * function(*(column / 100 for column in columns))


CRSP_CODES = (-44.0, -55.0, -66.0, -77.0, -88.0, -99.0)
CRSP_LETTERS = ("A", "B", "C", "D", "E", "P", "S", "T")
MARKET_RETURNS = ("vwretd", "vwretx", "ewretd", "ewretx", "sprtrn")
SIZ_NO_CHARACTERISTICS = (
    "namedt nameendt altprcdt dclrdt rcrddt paydt nextdt nwcomp nwperm dlprc acperm accomp issuno hsicmg hsicig nsdinx "
    "trtscd nmsind mmcnt distcd comnam tsymbol ticker shrcls trdstat secstat primexch"
).split()
JKP_NO_CHARACTERISTICS = (
    "eom date excntry size_grp obs_main common exch_main primary_sec bidask source_crsp crsp_shrcd crsp_exchcd "
    "comp_tpci comp_exchg curcd fx adjfct ret_lag_dif eom_ret ctff_test"
).split()
END_OF_MONTH = "it is known at the end of the row's month only, when the return has been earned"
NEXT_MONTH = "it is the return of the next month, which the row's characteristics are to explain"

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
                signs=(
                    ("permno", "date", "mvel1", "mom1m", "mom12m"),
                    ("permno", "date", "mvel1"),
                    ("permno", "date", "mom1m"),
                    ("permno", "date", "sic2"),
                ),
            ),
            Layout(
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
            ),
            Layout(
                name="ctf",
                title="the Common Task Framework's ctff_chars.parquet",
                known="A row's characteristics are known at eom, the end of its month. ret_exc_lead1m is the return of "
                "the NEXT month, eom_ret, and the panel dates both by that month. What may be used is listed in "
                "ctff_features.parquet, which is read if it lies beside the file.",
                date="eom",
                ticker="id",
                returns="ret_exc_lead1m",
                months_ahead=1,
                returns_ahead={"ret_exc_lead1m": 1},
                dated={"eom_ret": 1},
                futures={"ret_exc_lead1m": NEXT_MONTH},
                exclude=tuple(JKP_NO_CHARACTERISTICS),
                signs=(("id", "eom", "ret_exc_lead1m", "ctff_test"), ("id", "eom", "ret_exc_lead1m", "eom_ret")),
                features="ctff_features.parquet",
            ),
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
                    "dlret": "the return of a delisting, which ends badly as a rule: without it losers leave in time. "
                    "Merge CRSP's delisting file on permno and month, all rows of either kept"
                },
                repeated="If one holds the delisting return alone, move that into the row of the month's return; "
                "otherwise keep one of each.",
                exclude=("dlret", "dlretx", "dlpdt", "dlamt", *SIZ_NO_CHARACTERISTICS, *MARKET_RETURNS),
                missing_values=CRSP_LETTERS,
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
                exclude=(
                    *("mthprcdt", "mthprcflg", "mthretflg", "mthcapflg", "mthprevprcflg", "mthvolflg", "mthfacshrflg"),
                    *("mthdelflg", *MARKET_RETURNS),
                ),
                made={
                    "mthprc": (("mthprc",), _price),
                    "market_value": (("mthprc", "shrout"), _market_value),
                },
                signs=(("permno", "mthcaldt", "mthret", "mthprc"), ("permno", "mthcaldt", "mthret")),
            ),
            Layout(
                name="french",
                title="a CSV of Ken French's data library",
                known="There are no characteristics: each column is a ticker, and its entry the return of the row's "
                "month, day or year. Percent becomes fractions; -99.99 and -999 are missing. Of several tables the "
                "first is read; replace(LAYOUTS['french'], table='Equal Weighted') asks for another.",
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
                signs=(
                    ("permno", "date", "ret_excess", "mktcap", "mktcap_lag"),
                    ("permno", "date", "ret", "mktcap", "mktcap_lag"),
                    ("permno", "date", "ret_excess"),
                    ("permno", "date", "mktcap_lag"),
                ),
            ),
        )
    }
)


def as_layout(argument: str, layout: "str | Layout | None") -> Layout | None:
    """The layout of this name, or the one that was given."""
    if layout is None or isinstance(layout, Layout):
        return layout
    if not isinstance(layout, str):
        raise TypeError(f"{argument} must be the name of a layout or a Layout; {described_kind(layout)} was given.")
    if layout not in LAYOUTS:
        raise ValueError(f"{argument} must be one of {', '.join(map(repr, LAYOUTS))}; {layout!r} was given.")
    return LAYOUTS[layout]


def recognised(columns: Iterable[str]) -> tuple[Layout, str] | None:
    """The layout that the columns of a file look like, and why; the one with the longest sign, if several do."""
    columns = list(columns)
    found = [(len(layout.sign_in(columns)), layout) for layout in LAYOUTS.values()]
    length, layout = max(found, key=lambda pair: pair[0])
    if not length:
        return None
    own = {column.lower(): column for column in columns}
    shown = first_few((repr(own[column]) for column in layout.sign_in(columns)), 5)
    return layout, f"its columns {shown} are those of {layout.title}"


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
