"""Frames in the place of files: of pandas, of Arrow, and of other libraries that speak its protocol."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest

from helpers.data.layouts import LAYOUTS
from helpers.data.reader import read_panel
from tests.layouts import (
    LONG,
    MARKET,
    MONTHS,
    PERMNOS,
    SIZE,
    Files,
    every_long,
    in_own_month,
    month_before,
    of_date,
    read,
)


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
        "frame['bm'].astype('str')",
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


@every_long
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_frames_of_polars_are_read_in_every_long_layout(layout):
    files, truth = LONG[layout]()
    frames = {"path": files.main, "returns_path": files.second}
    given = {name: polars.from_pandas(frame) for name, frame in frames.items() if frame is not None}
    truth.assert_is(read_panel(**given, **files.arguments, dtype="float64"))
