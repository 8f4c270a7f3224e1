"""Wide tables, a column for each ticker: Ken French's files, and prices as yfinance gives them."""

import dataclasses
import gzip
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from helpers.data.layouts import LAYOUTS
from helpers.data.reader import read_panel, read_schema
from tests.layouts import (
    ANNUAL,
    BEGIN,
    DAILY,
    END,
    EQUAL,
    FIRMS,
    MONTHLY,
    NOTHING,
    VALUE,
    Files,
    Truth,
    as_french,
    downloaded,
    factor_file,
    nan,
    portfolio_file,
    prices,
    read,
)

# --- Ken French -------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("layout", ["french", "yfinance", None])
@pytest.mark.parametrize("content", [b"junk and more junk", gzip.compress(factor_file().encode())[:-20]])
def test_a_packed_file_that_is_not_whole(tmp_path, layout, content):
    (tmp_path / "mine.csv.gz").write_bytes(content)
    for read_it in (read_panel, read_schema):
        with pytest.raises(ValueError, match=r"mine\.csv\.gz cannot be read"):
            read_it(tmp_path / "mine.csv.gz", layout=layout)


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
        lambda: with_value(5, 0, nan),
        lambda: returns_of(prices().mask(with_value(5, 0, nan)["Close"].isna())),
        warned=("1 price(s) are missing between others, such as that of AAPL at 2001-01-09",),
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
