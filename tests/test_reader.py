"""A user's own file: read as a Panel, described, refused in clear words, and imitated."""

import gzip
import io
import os
import pickle
import shutil
import subprocess
import sys
import warnings
import zipfile
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.compact import CompactArray
from helpers.data.layout import Layout
from helpers.data.published import PUBLISHED_CHARACTERISTICS, PUBLISHED_LAYOUT, write_published_layout
from helpers.data.ranks import rank_across_tickers
from helpers.data.reader import read_panel, read_schema
from helpers.panel import Panel
from tests.common import assert_refused, small_panel

SOME = settings(
    deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
KINDS = ("csv", "csv.gz", "parquet")
every_kind = pytest.mark.parametrize("kind", KINDS)
# Rows without a partner in the second file are counted in a sentence, of which a test of its own asks.
ALONE = "ignore:[0-9,]+ of the .* rows of .* have no row in"
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.filterwarnings(ALONE)]

SMALL = """date,ticker,returns,size,value
2020-01-31,AAPL,0.01,1.5,10
2020-01-31,IBM,-0.02,2.5,
2020-02-29,AAPL,0.03,3.5,30
2020-02-29,IBM,0.04,4.5,40
2020-03-31,IBM,-0.05,5.5,50
"""


# --- Help -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


class Folder:
    """A folder into which files are put, and what is read from them."""

    def __init__(self, path):
        self.path = path

    def put(self, content, name="data.csv"):
        """The path of a file with this text, these bytes, or this frame."""
        path = self.path / name
        if isinstance(content, pd.DataFrame):
            content = frame_as_bytes(content, name)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(self, content=SMALL, name="data.csv", **arguments):
        return read_panel(self.put(content, name), **arguments)

    def schema(self, content=SMALL, name="data.csv", **arguments):
        return read_schema(self.put(content, name), **arguments)

    def warnings(self, content, name="data.csv", **arguments):
        """The sentences of read_panel's warnings, which must be those of the schema too."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.read(content, name, **arguments)
        assert all(issubclass(warning.category, UserWarning) and warning.filename == __file__ for warning in caught)
        sentences = [str(warning.message) for warning in caught]
        if not arguments.keys() & {"lag", "start", "end", "dtype"}:
            assert list(self.schema(content, name, **arguments).warnings) == sentences
        return sentences


def frame_as_bytes(frame, name):
    if name.endswith(".parquet"):
        return frame.to_parquet(index=False)
    text = frame.to_csv(index=False).encode()
    return gzip.compress(text) if name.endswith(".gz") else text


def as_rows(panel):
    """The panel as a long frame without an index: what stands in a user's file."""
    return panel.to_frame().reset_index()


def monthly(n_dates=40, n_tickers=6, seed=0, **columns):
    """Rows of a full monthly panel: the returns r_s^(d), and columns made of them by functions of (returns, random)."""
    random = np.random.default_rng(seed)
    returns = random.normal(0.01, 0.05, (n_dates, n_tickers))
    dates = pd.date_range("2000-01-31", periods=n_dates, freq="ME")
    frame = pd.DataFrame(
        {"date": np.repeat(dates, n_tickers), "ticker": np.tile([f"T{s}" for s in range(n_tickers)], n_dates)}
    )
    frame["returns"] = returns.ravel()
    for name, column in columns.items():
        frame[name] = np.ravel(column(returns, random))
    return frame


def noise(returns, random):
    return random.normal(size=returns.shape)


def assert_same_panel(a, b):
    assert a.dates.equals(b.dates) and a.tickers.equals(b.tickers)
    assert a.characteristic_names.equals(b.characteristic_names)
    assert np.array_equal(a.returns, b.returns, equal_nan=True)
    assert np.array_equal(a.characteristics, b.characteristics, equal_nan=True)


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_every_row_stands_at_its_date_and_ticker(folder):
    panel = folder.read(dtype="float64")
    assert list(panel.dates) == list(pd.to_datetime(["2020-01-31", "2020-02-29", "2020-03-31"]))
    assert list(panel.tickers) == ["AAPL", "IBM"] and list(panel.characteristic_names) == ["size", "value"]
    nan = np.nan
    assert np.array_equal(panel.returns, [[0.01, -0.02], [0.03, 0.04], [nan, -0.05]], equal_nan=True)
    sizes, values = np.moveaxis(panel.characteristics, 2, 0)
    assert np.array_equal(sizes, [[1.5, 2.5], [3.5, 4.5], [nan, 5.5]], equal_nan=True)
    assert np.array_equal(values, [[10, nan], [30, 40], [nan, 50]], equal_nan=True)


@every_kind
def test_a_panel_that_was_written_is_read_back_to_the_last_digit(folder, kind):
    panel = small_panel(missing=0.2)
    assert_same_panel(folder.read(as_rows(panel), f"panel.{kind}", dtype="float64"), Panel.from_frame(panel.to_frame()))


def test_a_frame_that_pandas_wrote_with_its_index(folder):
    panel = small_panel()
    for name, write in {"a.parquet": panel.to_frame().to_parquet, "a.csv": panel.to_frame().to_csv}.items():
        write(folder.path / name)
        assert_same_panel(read_panel(folder.path / name, dtype="float64"), panel)
    frame = as_rows(panel).sample(frac=0.5, random_state=0)
    for name, write in {"b.parquet": frame.to_parquet, "b.csv": frame.to_csv}.items():
        write(folder.path / name)
        assert_refused(
            lambda name=name: read_panel(folder.path / name),
            ValueError,
            name,
            "has no name",
            "row numbers",
            "exclude=(",
        )


@every_kind
def test_numbers_are_float32_unless_float64_is_asked_for(folder, kind):
    panel = folder.read(as_rows(small_panel()), f"panel.{kind}")
    for array, exact in (
        (panel.returns, small_panel().returns),
        (panel.characteristics, small_panel().characteristics),
    ):
        assert array.dtype == np.float32 and np.array_equal(array, exact.astype(np.float32))


def test_ranks_of_a_panel_of_float32_stay_so_and_are_taken_in_float64(folder):
    panel = folder.read(as_rows(small_panel()))
    ranks, exact = rank_across_tickers(panel).characteristics, rank_across_tickers(small_panel().characteristics)
    assert ranks.dtype == np.float32 and np.array_equal(ranks, exact.astype(np.float32))
    assert rank_across_tickers(panel.characteristics).dtype == np.float32 and exact.dtype == np.float64


def test_the_arrays_of_the_panel_are_read_only_and_its_labels_are_checked(folder):
    panel = folder.read()
    for array in (panel.returns, panel.characteristics):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0
    with pytest.raises(FrozenInstanceError):
        panel.returns = None
    assert panel[1:2].returns.base is not None and repr(panel).startswith(
        "Panel(3 dates x 2 tickers, 2 characteristics"
    )


@SOME
@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 1.0), kind=st.sampled_from(KINDS))
def test_shuffled_and_unbalanced_rows_make_the_panel_that_from_frame_makes(folder, seed, share, kind):
    random = np.random.default_rng(seed)
    frame = small_panel(missing=0.3, n_dates=9, n_tickers=7, seed=seed).to_frame().sample(frac=share, random_state=seed)
    frame = frame.mask(random.random(frame.shape) < 0.3)
    frame.iloc[0, 0] = 0.01
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        panel = folder.read(frame.reset_index(), f"panel.{kind}", dtype="float64")
    expected = Panel.from_frame(frame)
    rows = frame.reset_index()
    early = rows.loc[rows["date"] <= expected.dates[expected.n_happened - 1], "ticker"]
    never = np.isnan(expected.returns).all(axis=0) & expected.tickers.isin(early)
    assert_same_panel(panel, expected.select_tickers(expected.tickers[~never]))


@pytest.mark.parametrize("start", range(0, 60, 7))
def test_files_longer_than_a_batch_are_put_together(folder, monkeypatch, start):
    monkeypatch.setattr("helpers.data.file.BYTES_AT_ONCE", 4096 + start)
    monkeypatch.setattr("helpers.data.file.ROWS_AT_ONCE", 50 + start)
    monkeypatch.setattr("helpers.data.file.COLUMNS_AT_ONCE", 1 + start % 3)
    frame = as_rows(small_panel(n_dates=60)).sample(frac=1, random_state=start)
    expected = Panel.from_frame(frame.set_index(["date", "ticker"]))
    for kind in KINDS:
        assert_same_panel(folder.read(frame, f"panel.{kind}", dtype="float64"), expected)
        by_date = folder.read(frame.sort_values("date"), f"panel.{kind}", dtype="float64", start="2004")
        assert_same_panel(by_date, expected["2004":])


@pytest.mark.parametrize("at_once", [1, 2, 4, 7])
def test_parquet_files_with_more_columns_than_are_read_at_once(folder, monkeypatch, at_once):
    for name, value in {"COLUMNS_AT_ONCE": at_once, "ROWS_AT_ONCE": 50, "BYTES_AT_ONCE": 4000}.items():
        monkeypatch.setattr(f"helpers.data.file.{name}", value)
    frame = as_rows(small_panel()).assign(more=1.5 * np.arange(480), last=-np.arange(480.0))
    expected = Panel.from_frame(frame.set_index(["date", "ticker"]))
    assert_same_panel(folder.read(frame, "panel.parquet", dtype="float64"), expected)
    columns = folder.schema(frame, "panel.parquet").columns
    assert repr(columns) == repr(folder.schema(frame).columns) and list(columns["missing"]) == [0] * 5
    with_text = frame.assign(more=frame["ticker"], momentum=np.where(frame["momentum"] > 0, "up", "7"))
    for name in ("panel.parquet", "panel.csv"):
        schema = folder.schema(with_text, name)
        assert list(schema.columns["holds"]) == ["numbers"] * 3 + ["numbers and text", "text"]
        assert "column 'momentum' holds text beside numbers: 'up'" in schema.warnings[0]
        assert schema.warnings[1].startswith("1 column(s) hold no numbers and are left out: 'more'")
    enormous = frame.assign(size=frame["size"].where(frame.index != 70, np.inf), last=frame["last"].replace(-3.0, 1e39))
    for kind in KINDS:
        path = folder.put(enormous, f"x.{kind}")
        assert_refused(lambda path=path: read_panel(path), ValueError, "'size' in row 71", "'last' in row 4")


def test_columns_of_any_name_and_order(folder):
    frame = as_rows(small_panel()).rename(
        columns={"date": "Month end", "ticker": "permno,x", "returns": "RET ", "size": "a.b"}
    )
    for kind in KINDS:
        panel = folder.read(frame.iloc[:, ::-1], f"panel.{kind}", date="Month end", ticker="permno,x", returns="RET ")
        assert list(panel.characteristic_names) == ["momentum", "value", "a.b"]


def test_characteristics_are_those_named_in_that_order_or_all_but_those_excluded(folder):
    panel = folder.read(characteristics=["value", "size"])
    assert list(panel.characteristic_names) == ["value", "size"] and panel.characteristics[0, 0].tolist() == [10, 1.5]
    assert list(folder.read(exclude=["size"]).characteristic_names) == ["value"]
    assert (
        folder.read(characteristics=[]).n_characteristics
        == folder.read(exclude=["size", "value"]).n_characteristics
        == 0
    )


def test_names_may_come_from_a_generator(folder):
    text = SMALL.replace("1.5", "B")
    for read in (folder.read, folder.schema):
        found = read(text, exclude=(name for name in ["value"]), missing_values=(word for word in ["B"]))
        names = found.characteristic_names if read == folder.read else found.columns.index
        assert list(names) == ["size"]
        found = read(SMALL, characteristics=(name for name in ["value", "size"]))
        names = found.characteristic_names if read == folder.read else found.columns.index
        assert list(names) == ["value", "size"]
    bad = {"characteristics": "size", "exclude": "nothing"}
    for argument, name in bad.items():
        again = (name for name in [name, name])
        assert_refused(
            lambda again=again, argument=argument: folder.read(**{argument: again}), ValueError, "must all differ"
        )


def test_names_in_a_set_come_in_alphabetical_order(folder):
    names = [f"x{i:02d}" for i in range(20)]
    frame = monthly(**dict.fromkeys(reversed(names), noise))
    assert list(folder.read(frame, characteristics=set(names)).characteristic_names) == names


def test_excluded_columns_may_hold_anything(folder):
    text = SMALL.replace("size", "name").replace("1.5", "APPLE").replace("2.5", "inf")
    assert folder.read(text, exclude=["name"]).n_characteristics == 1


def test_large_files_are_written_by_pandas_in_one_group_and_read_by_rows(folder):
    frame = as_rows(small_panel(n_dates=200, n_tickers=100))
    assert pa.parquet.ParquetFile(folder.put(frame, "panel.parquet")).metadata.num_row_groups == 1
    assert_same_panel(
        read_panel(folder.path / "panel.parquet", dtype="float64"),
        Panel.from_frame(frame.set_index(["date", "ticker"])),
    )


def test_text_of_parquet_in_any_of_its_forms_and_numbers_of_any_type(folder):
    frame = as_rows(small_panel(n_dates=3))
    table = pa.table({
        "date": pa.array(frame["date"]).cast(pa.date32()),
        "ticker": pa.array(frame["ticker"]).dictionary_encode(),
        "returns": pa.array(frame["returns"].round(4).astype(str)).cast(pa.large_string()),
        "whole": pa.array(np.arange(len(frame)) + 2**53, pa.int64()),
        "flag": pa.array(np.arange(len(frame)) % 2 == 0),
        "half": pa.array(np.arange(len(frame)).astype(np.float16)),
        "category": pa.array([" 1.5 ", "NA", "2.5", ""] * (len(frame) // 4)).dictionary_encode(),
        "unknown": pa.nulls(len(frame)),
        "decimal": pa.array(np.arange(len(frame))).cast(pa.decimal128(24, 2)),
    })  # fmt: skip
    pa.parquet.write_table(table, folder.path / "odd.parquet")
    with pytest.warns(UserWarning, match="^1 characteristic.* known for nobody .*'unknown' at 3 date"):
        panel = read_panel(folder.path / "odd.parquet", dtype="float64")
    assert np.array_equal(panel.returns, frame["returns"].round(4).to_numpy().reshape(3, 12))
    whole, flag, half, category, unknown, decimal = np.moveaxis(panel.characteristics, 2, 0).reshape(6, -1)
    assert (
        np.array_equal(half, np.arange(36))
        and np.array_equal(decimal, np.arange(36))
        and whole[0] == 2**53
        and np.isnan(unknown).all()
    )
    assert np.array_equal(flag, np.arange(36) % 2 == 0)
    assert np.array_equal(category, [1.5, np.nan, 2.5, np.nan] * 9, equal_nan=True)


@pytest.mark.parametrize("text", [
    "\ufeff" + SMALL,  # Excel's CSV UTF-8
    SMALL.replace("\n", "\r\n"),
    SMALL.rstrip("\n"),
    SMALL.replace("AAPL", '"AAPL"').replace("0.01", '"0.01"').replace("date,", '"date",'),
    SMALL.replace("-02-29,IBM", "-02-29,IBM").replace(",2.5,\n", ",2.5,NA\n"),
    SMALL.replace(",2.5,\n", ",2.5,.\n").replace("1.5", " 1.5 "),
    SMALL.replace("\n2020-02", "\n\n2020-02"),
    SMALL.replace("0.01", "1e-2").replace("10\n", "+10.\n"),
])  # fmt: skip
def test_ways_to_write_the_same_csv(folder, text):
    assert_same_panel(folder.read(text), folder.read(SMALL))


def test_quoted_text_may_hold_commas_and_new_lines(folder):
    text = (
        SMALL.replace("size", "name")
        .replace("1.5", '"Apple,\nInc."')
        .replace("2.5", "x")
        .replace("3.5", "y")
        .replace("4.5", "z")
        .replace("5.5", "Z")
    )
    assert_same_panel(folder.read(text, exclude=["name"]), folder.read(SMALL, exclude=["size"]))


@pytest.mark.parametrize("block", range(300, 330, 3))
def test_quoted_text_may_run_over_the_end_of_a_batch(folder, monkeypatch, block):
    monkeypatch.setattr("helpers.data.file.BYTES_AT_ONCE", block)
    frame = as_rows(small_panel()).assign(name="one\ntwo\nthree\nfour, five")
    assert_same_panel(folder.read(frame, exclude=["name"], dtype="float64"), small_panel())


def test_a_panel_takes_over_arrays_but_not_wrong_labels():
    arrays = {"returns": np.zeros((2, 2)), "characteristics": np.zeros((2, 2, 1))}
    labels = {
        "dates": pd.to_datetime(["2020-01-31", "2020-02-29"]),
        "tickers": ["A", "B"],
        "characteristic_names": ["x"],
    }
    panel = Panel._of(**arrays, **labels)
    assert np.shares_memory(panel.characteristics, arrays["characteristics"])
    assert_same_panel(pickle.loads(pickle.dumps(panel)), Panel(**arrays, **labels))
    assert_same_panel(panel[1:].select_tickers(["B"]), Panel(**arrays, **labels)[1:].select_tickers(["B"]))
    for name, wrong, fragment in [
        ("dates", labels["dates"][::-1], "dates must ascend"),
        ("tickers", ["A", "A"], "tickers must all differ"),
        ("characteristic_names", ["x", "y"], "characteristic_names must have 1 entries"),
    ]:
        assert_refused(
            lambda name=name, wrong=wrong: Panel._of(**arrays, **labels | {name: wrong}), ValueError, fragment
        )


# --- Dates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written, arguments", [
    ("%Y-%m-%d", {}),
    ("%Y%m%d", {}),
    ("%Y%m", {}),
    ("%Y-%m", {}),
    ("%Y-%m-%d 16:00:00", {}),
    ("%Y-%m-%dT00:00:00.000", {}),
    ("%Y/%m/%d", {}),
    ("%d/%m/%Y", {"date_format": "%d/%m/%Y"}),
    ("%d%b%Y", {"date_format": "%d%b%Y"}),
    ("%b %Y", {"date_format": "%b %Y"}),
])  # fmt: skip
@every_kind
def test_ways_to_write_dates(folder, kind, written, arguments):
    frame = as_rows(small_panel(n_dates=14))
    texts = frame["date"].dt.strftime(written)
    panel = folder.read(frame.assign(date=texts), f"panel.{kind}", **arguments)
    assert panel.dates.equals(small_panel(n_dates=14).dates)


def test_dates_of_parquet_may_be_numbers_or_timestamps_of_any_kind(folder):
    frame = as_rows(small_panel(n_dates=5))
    dates = frame["date"]
    for other in (
        dates.dt.strftime("%Y%m%d").astype(int),
        dates.dt.strftime("%Y%m%d").astype(float),
        dates.dt.strftime("%Y%m").astype("int32"),
        dates.dt.date,
        dates.astype("datetime64[ns]"),
        dates.dt.tz_localize("Asia/Tokyo") + pd.Timedelta(hours=15),
        dates.dt.strftime("%Y-%m-%d").astype("category"),
    ):
        assert folder.read(frame.assign(date=other), "panel.parquet").dates.equals(small_panel(n_dates=5).dates)


def test_weeks_with_a_day_are_dates_of_that_day(folder):
    for written in ("%G-W%V-%u", "%Y-%W-%w", "%Y %U %a"):
        frame = as_file(FREQUENCIES["weekly"])
        panel = folder.read(frame.assign(date=frame["date"].dt.strftime(written)), date_format=written)
        assert list(panel.dates) == list(FREQUENCIES["weekly"])


def test_years_alone_are_dates_at_their_end(folder):
    text = "date,ticker,returns,x\n" + "".join(f"{year},A,0.1,{year % 7}\n" for year in range(1990, 2000))
    panel = folder.read(text, date_format="%Y")
    assert panel.dates[0] == pd.Timestamp("1990-12-31") and folder.schema(text, date_format="%Y").frequency == "annual"


def business_days(first, n):
    return pd.bdate_range(first, periods=n)


def as_file(dates, tickers=("A", "B"), seed=0):
    """Rows of returns and one characteristic for every ticker at every date."""
    random = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([pd.DatetimeIndex(dates), list(tickers)], names=["date", "ticker"])
    values = random.normal(0, 0.02, (len(index), 2))
    return pd.DataFrame(values, index, columns=["returns", "x"]).reset_index()


HOLIDAYS = business_days("2019-12-02", 200).drop(pd.bdate_range("2020-01-24", "2020-02-02"))
FREQUENCIES = {
    "daily": business_days("2020-01-01", 60),
    "daily, with holidays": HOLIDAYS,
    "daily, closed for months": business_days("2020-01-01", 150).delete(range(40, 110)),
    "daily, closed for years": business_days("2000-01-03", 40).union(business_days("2004-01-05", 40)),
    "weekly": pd.date_range("2020-01-03", periods=60, freq="W-FRI"),
    "weekly, by the first working day": pd.date_range("2020-01-06", periods=60, freq="W-MON")
    + pd.to_timedelta([0, 1] * 30, "D"),
    "monthly": pd.date_range("2020-01-31", periods=30, freq="ME"),
    "monthly, with absent months": pd.date_range("2020-01-31", periods=60, freq="ME").delete([5, 17, 18, 40]),
    "quarterly": pd.date_range("2020-03-31", periods=12, freq="QE"),
    "annual": pd.date_range("2000-12-31", periods=12, freq="YE"),
    "unknown": pd.DatetimeIndex(["2020-01-15"]),
}


@pytest.mark.parametrize("name", FREQUENCIES)
def test_the_frequency_is_read_from_the_gaps_between_dates(folder, name):
    schema = folder.schema(as_file(FREQUENCIES[name]))
    assert schema.frequency == name.split(",")[0] and schema.n_dates == len(FREQUENCIES[name])
    assert not [sentence for sentence in schema.warnings if "frequency" in sentence]


@pytest.mark.parametrize("name", [name for name in FREQUENCIES if name.startswith(("daily", "weekly", "unknown"))])
def test_dates_of_daily_and_weekly_data_stay(folder, name):
    assert folder.read(as_file(FREQUENCIES[name])).dates.equals(FREQUENCIES[name].rename("date"))


@pytest.mark.parametrize("freq, end", [("BME", "ME"), ("MS", "ME"), ("BQE", "QE"), ("BYE", "YE")])
def test_dates_of_monthly_and_rarer_data_become_the_last_day_of_their_month(folder, freq, end):
    panel = folder.read(as_file(pd.date_range("2000-01-01", periods=12, freq=freq)))
    assert panel.dates.equals(pd.date_range("2000-01-01", periods=12, freq=end, name="date"))


def test_tickers_may_name_different_days_of_a_month(folder):
    last = as_file(pd.date_range("2000-01-01", periods=12, freq="ME"), ["A"])
    first = as_file(pd.date_range("2000-01-01", periods=12, freq="MS"), ["B"])
    frame = pd.concat([last, first])
    panel = folder.read(frame.assign(x=np.random.default_rng(0).normal(size=len(frame))))
    assert panel.returns.shape == (12, 2) and not np.isnan(panel.returns).any()


@pytest.mark.parametrize("rare", ["ME", "W-FRI", "QE"])
@pytest.mark.parametrize("first", ["2010", "1990"])
def test_mixed_frequencies_are_refused(folder, rare, first):
    daily, others = business_days("2000-01-03", 500), pd.date_range(first, periods=30, freq=rare)
    path = folder.put(as_file(daily.union(others)))
    assert_refused(lambda: read_panel(path), ValueError, "data.csv", "mixed frequency", "daily", "start and end")
    assert read_schema(path).frequency == "mixed" and "mixed frequency" in read_schema(path).warnings[0]
    part = read_panel(path, start="2000-01-03", end="2001-11")
    assert part.dates[0] == daily[0] and part.dates[-1] == pd.Timestamp("2001-11-30")


@pytest.mark.parametrize("bounds, dates", [
    ({}, slice(0, 24)),
    ({"start": "2001"}, slice(12, 24)),
    ({"end": "2000"}, slice(0, 12)),
    ({"start": "2000-03", "end": "2000-05"}, slice(2, 5)),
    ({"start": "2000-03-31", "end": "2000-05-30"}, slice(2, 5)),  # months count, whatever the day
    ({"start": pd.Timestamp("2000-03-10"), "end": np.datetime64("2000-05-02")}, slice(2, 5)),
    ({"start": "20000301", "end": pd.Timestamp("2000-05-31").date()}, slice(2, 5)),
    ({"start": "2000-03", "end": "2000-03"}, slice(2, 3)),
    ({"start": "1900", "end": "2100"}, slice(0, 24)),
])  # fmt: skip
def test_start_and_end_bound_monthly_data_by_month(folder, bounds, dates):
    frame = as_file(pd.date_range("2000-01-01", periods=24, freq="BME"))
    assert_same_panel(folder.read(frame, **bounds), folder.read(frame)[dates])


def test_start_and_end_bound_daily_data_by_day(folder):
    frame = as_file(business_days("2020-01-01", 60))
    panel = folder.read(frame, start="2020-01-15", end="2020-02")
    assert panel.dates[0] == pd.Timestamp("2020-01-15") and panel.dates[-1] == pd.Timestamp("2020-02-28")


def test_tickers_without_a_row_between_start_and_end_are_dropped(folder):
    frame = as_file(pd.date_range("2000-01-31", periods=24, freq="ME"), "ABC")
    frame = frame[(frame["ticker"] != "B") | (frame["date"] < "2001")]
    assert list(folder.read(frame, start="2001").tickers) == ["A", "C"]
    assert list(folder.read(frame, start="2001", lag=1).tickers) == ["A", "B", "C"]  # B was known the month before


# --- The lag ----------------------------------------------------------------------------------------------------------


def test_a_lag_moves_characteristics_and_leaves_returns(folder):
    panel = folder.read(lag=1, dtype="float64")
    assert list(panel.dates) == list(pd.to_datetime(["2020-02-29", "2020-03-31"]))
    assert np.array_equal(panel.returns, [[0.03, 0.04], [np.nan, -0.05]], equal_nan=True)
    assert np.array_equal(panel.characteristics[:, :, 0], [[1.5, 2.5], [3.5, 4.5]])


@pytest.mark.parametrize("lag", [0, 1, 2, 6, 39])
@pytest.mark.parametrize("start", [None, "2000-04", "2002"])
def test_a_lag_is_a_shift_of_whole_panels(folder, lag, start):
    whole = small_panel(missing=0.1)
    panel = folder.read(as_rows(whole), lag=lag, start=start, dtype="float64")
    first = max(lag, 0 if start is None else whole.dates.searchsorted(pd.Timestamp(start)))
    assert panel.dates.equals(whole.dates[first:])
    assert np.array_equal(panel.returns, whole.returns[first:], equal_nan=True)
    assert np.array_equal(panel.characteristics, whole.characteristics[first - lag : whole.n_dates - lag])


def test_a_characteristic_at_a_date_never_depends_on_later_rows(folder):
    frame = as_rows(small_panel())
    later = frame["date"] > "2001-06-30"
    changed = frame.assign(**{name: frame[name].mask(later, 7.0 + np.arange(len(frame))) for name in ("size", "value")})
    a, b = folder.read(frame, lag=2), folder.read(changed, lag=2)
    known = a.dates.searchsorted(pd.Timestamp("2001-06-30")) + 1
    assert np.array_equal(a.characteristics[: known + 2], b.characteristics[: known + 2])
    assert not np.array_equal(a.characteristics[known + 2], b.characteristics[known + 2])


# --- Returns in a second file -----------------------------------------------------------------------------------------

LEAD = """permno,DATE,size,sic2
10001,20200131,1,7
10002,20200131,2,7
10001,20200228,3,7
10003,20200228,4,8
10001,20200331,5,7
10002,20200331,6,7
"""
CRSP = """PERMNO,date,RET
10001,2020-01-31,0.01
10001,2020-02-29,0.02
10002,2020-02-29,0.03
10003,2020-02-29,0.04
10002,2020-03-31,0.05
99999,2020-03-31,0.06
10001,2020-04-30,0.07
"""


def joined(folder, lead=LEAD, returns=CRSP, **arguments):
    arguments = {
        **PUBLISHED_LAYOUT,
        "returns_path": folder.put(returns, "crsp.csv"),
        "returns": "RET",
        "dtype": "float64",
    } | arguments
    return folder.read(lead, **arguments)


def test_returns_are_joined_by_ticker_and_month(folder):
    panel = joined(folder)
    assert list(panel.tickers) == [10001, 10002, 10003] and panel.tickers.dtype == "int64"
    assert list(panel.dates) == list(pd.to_datetime(["2020-01-31", "2020-02-29", "2020-03-31"]))
    nan = np.nan
    assert np.array_equal(panel.returns, [[0.01, nan, nan], [0.02, 0.03, 0.04], [nan, 0.05, nan]], equal_nan=True)
    assert np.array_equal(panel.characteristics[:, :, 0], [[1, 2, nan], [3, nan, 4], [5, 6, nan]], equal_nan=True)
    assert list(panel.characteristic_names) == ["size"]


def test_the_return_of_an_absent_row_is_kept_and_that_of_an_unknown_ticker_or_later_date_is_not(folder):
    panel = joined(folder)
    assert panel.returns[1, 1] == 0.03 and np.isnan(panel.characteristics[1, 1, 0])
    assert 99999 not in panel.tickers and panel.dates[-1] == pd.Timestamp("2020-03-31")


def test_a_lag_shifts_the_first_file_against_the_second(folder):
    panel = joined(folder, lag=1)
    nan = np.nan
    assert np.array_equal(panel.returns, [[0.02, 0.03, 0.04], [nan, 0.05, nan]], equal_nan=True)
    assert np.array_equal(panel.characteristics[:, :, 0], [[1, 2, nan], [3, nan, 4]], equal_nan=True)


def test_the_return_of_a_date_that_has_not_happened_is_unknown(folder):
    before = CRSP[: CRSP.index("10002,2020-03-31")]
    panel = joined(folder, returns=before)
    assert np.isnan(panel.returns[-1]).all() and np.array_equal(panel.characteristics[-1, :2, 0], [5, 6])
    frame = as_rows(small_panel())
    frame["returns"] = frame["returns"].mask(frame["date"] == frame["date"].max())
    assert folder.warnings(frame) == [] and np.isnan(folder.read(frame).returns[-1]).all()


def test_the_second_file_may_be_parquet_and_its_tickers_text(folder):
    frame = pd.read_csv(io.StringIO(CRSP), dtype={"PERMNO": str}, parse_dates=["date"])
    path = folder.put(frame, "crsp.parquet")
    assert_same_panel(joined(folder, returns_path=path), joined(folder))


def test_daily_returns_are_joined_by_day(folder):
    frame = as_file(business_days("2020-01-01", 30))
    path = folder.put(frame[["ticker", "date", "returns"]].iloc[::-1], "returns.parquet")
    assert_same_panel(folder.read(frame.drop(columns="returns"), returns_path=path), folder.read(frame))


def test_returns_that_both_files_hold_are_taken_from_the_second_once_the_first_are_excluded(folder):
    lead = LEAD.replace("sic2", "RET")
    path = folder.put(CRSP, "crsp.csv")
    arguments = {"date": "DATE", "ticker": "permno", "returns": "RET", "returns_path": path}
    assert_refused(lambda: folder.read(lead, **arguments), ValueError, "Both data.csv and crsp.csv", "exclude=('RET',)")
    assert folder.read(lead, exclude=["RET"], **arguments).returns[0, 0] == np.float32(0.01)


def test_returns_for_few_rows_are_remarked_on(folder):
    few = "\n".join(CRSP.splitlines()[:2])
    with pytest.warns(UserWarning) as caught:
        panel = joined(folder, returns=few)
    said = [str(one.message) for one in caught]
    assert said[0] == "Only 17% of the rows of data.csv find a return in crsp.csv."
    assert "ticker(s) of data.csv have no return at any date, and are left out" in said[1]
    assert list(panel.tickers) == [10001, 10003], "10003 is new, and may be forecast"


@pytest.mark.filterwarnings("default:.*have no row in")
def test_rows_without_a_partner_are_counted(folder):
    with pytest.warns(UserWarning, match=r"^2 of the 6 rows of data\.csv have no row in crsp\.csv\.$"):
        joined(folder)


def test_bad_second_files_are_refused(folder):
    for returns, fragments in {
        CRSP.replace("10001", "20001").replace("10002", "x").replace("10003", "y"): [
            "crsp.csv has no row",
            "20001",
            "10001",
        ],
        CRSP.replace("2020-", "1920-"): [
            "no row of a ticker and date",
            "1920-01-31 to 1920-04-30",
            "2020-01-31 to 2020-03-31",
        ],
        CRSP + "10001,2020-01-15,0.5\n": [
            "crsp.csv has 1 repeated",
            "(2020-01-31, 10001) in rows 1 and 8",
            "in one month",
        ],
        CRSP.replace("0.02", "B"): ["'RET' holds text beside numbers: 'B', 1 row(s)", "missing_values=('B',)"],
        CRSP.replace("RET", "ret"): ["crsp.csv has no column 'RET'", "Perhaps 'ret' is meant"],
        CRSP.replace("PERMNO", "stock"): [
            "crsp.csv has no column 'permno'",
            "'stock'",
            "Name its ticker as in the first file",
        ],
        CRSP.replace("PERMNO,date,RET", "PERMNO,date,RET,DATE").replace("\n1", ",1\n1"): ["crsp.csv"],
        CRSP.replace("0.02", "inf"): ["'RET' of crsp.csv holds infinite values, the first in row 2"],
    }.items():
        assert_refused(lambda returns=returns: joined(folder, returns=returns), ValueError, *fragments)


def test_files_of_different_frequency_are_refused(folder):
    lead = as_file(pd.date_range("2020-01-31", periods=12, freq="ME")).drop(columns="returns")
    path = folder.put(as_file(business_days("2020-01-01", 250)).drop(columns="x"), "returns.csv")
    assert_refused(
        lambda: folder.read(lead, returns_path=path),
        ValueError,
        "data.csv is monthly and returns.csv is daily",
        "compound",
    )


# --- Tickers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tickers, expected", [
    (["10001", "10002"], [10001, 10002]),
    (["9", "10"], [9, 10]),  # as numbers, not as text, in order
    (["10001.0", "10002.0"], [10001, 10002]),
    (["000001", "600000"], ["000001", "600000"]),
    (["7203", "130A"], ["130A", "7203"]),
    (["NA", "NULL"], ["NA", "NULL"]),
    (["TRUE", "nan"], ["TRUE", "nan"]),
    (["BRK.B", "Ö"], ["BRK.B", "Ö"]),
])  # fmt: skip
def test_tickers_of_csv(folder, tickers, expected):
    text = SMALL.replace("AAPL", tickers[0]).replace("IBM", tickers[1])
    panel = folder.read(text)
    assert list(panel.tickers) == expected
    assert panel.returns[1, expected.index(expected[0])] in (np.float32(0.03), np.float32(0.04))


@pytest.mark.parametrize("tickers", [["10001", "10002"], [10001, 10002], [1.0, 2.0], ["000001", "600000"]])
def test_tickers_of_parquet_keep_their_type(folder, tickers):
    frame = as_file(pd.date_range("2020-01-31", periods=3, freq="ME"), tickers)
    panel = folder.read(frame, "data.parquet")
    assert list(panel.tickers) == tickers and (panel.tickers.dtype == "int64") == (not isinstance(tickers[0], str))


# --- What is refused --------------------------------------------------------------------------------------------------


def test_files_that_do_not_exist_or_are_of_another_kind(folder):
    good = folder.put(SMALL, "datashare.csv")
    for name, error, *fragments in [
        ("datashar.csv", FileNotFoundError, "There is no file", "Perhaps 'datashare.csv' is meant"),
        ("nowhere/x.csv", FileNotFoundError, "There is no file"),
        (".", ValueError, "is a folder", "one file in it"),
    ]:
        for read in (read_panel, read_schema):
            assert_refused(lambda read=read, name=name: read(folder.path / name), error, *fragments)
    for name, advice in {
        "a.xlsx": "Export the sheet as CSV", "a.zip": "Unzip it first", "a.txt": "rename", "a.gz": ".csv.gz",
        "a": "Convert it",
    }.items():  # fmt: skip
        assert_refused(
            lambda name=name: folder.read(SMALL, name),
            ValueError,
            f"{name} must be one of .csv, .csv.gz, .parquet",
            advice,
        )
    for path in (None, 3, b"x.csv", [good]):
        assert_refused(lambda path=path: read_panel(path), TypeError, "path must be the path of a file", repr(path))


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("datashare.csv", SMALL)
    return file.getvalue()


JUNK = np.random.default_rng(0).integers(0, 256, 20_000).astype(np.uint8).tobytes()
PARQUET = frame_as_bytes(as_rows(small_panel()), ".parquet")
UNREADABLE = {
    "empty": ("x.csv", b"", "x.csv is empty"),
    "empty lines": ("x.csv", b"\n\n", "x.csv is empty"),
    "empty gzip": ("x.csv.gz", gzip.compress(b""), "x.csv.gz is empty"),
    "empty parquet": ("x.parquet", b"", "x.parquet is empty"),
    "header": ("x.csv", b"date,ticker,returns\n", "x.csv has a header and no rows"),
    "header without an end": ("x.csv", b"date,ticker,returns", "x.csv has a header and no rows"),
    "parquet without rows": (
        "x.parquet",
        frame_as_bytes(as_rows(small_panel()).iloc[:0], ".parquet"),
        "has columns and no rows",
    ),
    "junk": ("x.csv", JUNK, "is not UTF-8 text"),
    "junk parquet": ("x.parquet", JUNK, "x.parquet cannot be read", "Fetch or export it again"),
    "junk gzip": ("x.csv.gz", JUNK, "x.csv.gz cannot be read"),
    "truncated parquet": ("x.parquet", PARQUET[: len(PARQUET) // 2], "x.parquet cannot be read"),
    "damaged parquet": ("x.parquet", PARQUET[:100] + bytes(2000) + PARQUET[2100:], "x.parquet cannot be read"),
    "truncated gzip": ("x.csv.gz", gzip.compress(JUNK.hex().encode())[:5000], "x.csv.gz cannot be read"),
    "zip": ("x.csv", zipped(), "a zip archive or an Excel workbook, not CSV"),
    "gzip": ("x.csv", gzip.compress(SMALL.encode()), "packed by gzip, not CSV"),
    "parquet as csv": ("x.csv", PARQUET, "Parquet, not CSV"),
    "csv as parquet": ("x.parquet", SMALL.encode(), "x.parquet cannot be read"),
    "utf-16": ("x.csv", SMALL.encode("utf-16"), "is not UTF-8 text"),
    "latin-1 header": ("x.csv", SMALL.replace("size", "größe").encode("latin-1"), "is not UTF-8 text"),
    "latin-1 tickers": ("x.csv", SMALL.replace("IBM", "Ö").encode("latin-1"), "cannot be read", "UTF-8"),
    "semicolons": ("x.csv", SMALL.replace(",", ";").encode(), "not separated by commas", "date;ticker;returns"),
    "tabs": ("x.csv", SMALL.replace(",", "\t").encode(), "not separated by commas"),
    "a row too short": (
        "x.csv",
        SMALL.encode() + b"2020-04-30,AAPL,0.1\n",
        "cannot be read",
        "Expected 5 columns, got 3",
    ),
    "a row too long": (
        "x.csv",
        SMALL.encode() + b"2020-04-30,AAPL,0.1,1,2,3\n",
        "cannot be read",
        "Expected 5 columns, got 6",
    ),
    "the same name twice": (
        "x.csv",
        SMALL.replace("size", "value").encode(),
        "several columns of the same name: 'value'",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable_files(folder, case):
    name, content, *fragments = UNREADABLE[case]
    path = folder.put(content, name)
    for read in (read_panel, read_schema):
        assert_refused(lambda read=read: read(path), ValueError, name, *fragments)


def test_latin_1_names_in_a_column_of_text_are_left_out_like_others(folder):
    text = SMALL.replace("size", "name").replace("1.5", "\xd6lfirma")
    for number in ("2.5", "3.5", "4.5", "5.5"):
        text = text.replace(number, "x")
    with pytest.warns(UserWarning, match="1 column.s. hold no numbers and are left out: 'name'"):
        assert folder.read(text.encode("latin-1")).n_characteristics == 1


MISSING_COLUMNS = [
    ({"date": "DATE"}, "data.csv has no column 'DATE'", "it has 'date', 'ticker', 'returns', 'size', 'value'",
        "Perhaps 'date' is meant", "Pass date='date'"),
    ({"ticker": "Tickers"}, "no column 'Tickers'", "Perhaps 'ticker' is meant"),
    ({"returns": "RETURN"}, "no column 'RETURN'", "Perhaps 'returns' is meant", "returns_path"),
    ({"characteristics": ["size", "valu"]}, "no column 'valu'", "Perhaps 'value' is meant",
        "Name columns that it has in characteristics"),
    ({"exclude": ["sic2"]}, "no column 'sic2'", "in exclude"),
]  # fmt: skip


@pytest.mark.parametrize("arguments, fragments", [(case[0], case[1:]) for case in MISSING_COLUMNS])
def test_missing_columns(folder, arguments, fragments):
    assert_refused(lambda: folder.read(**arguments), ValueError, *fragments)


@pytest.mark.parametrize("arguments, error, fragments", [
    ({"date": 3}, TypeError, ["date must be text", "3"]),
    ({"ticker": 3}, TypeError, ["ticker must be text", "3"]),
    ({"returns": ["r"]}, TypeError, ["returns must be text"]),
    ({"date_format": 3}, TypeError, ["date_format must be text"]),
    ({"ticker": "date"}, ValueError, ["must be three columns", "'date', 'date' and 'returns'"]),
    ({"characteristics": "size"}, TypeError, ["characteristics must be a sequence of texts, such as ('size',)"]),
    ({"characteristics": 3}, TypeError, ["characteristics must be a sequence"]),
    ({"characteristics": ["size", 3]}, TypeError, ["characteristics must hold texts; 3"]),
    ({"characteristics": ["size", "size"]}, ValueError, ["characteristics must all differ"]),
    ({"characteristics": ["returns"]}, ValueError, ["'returns' is named twice"]),
    ({"characteristics": ["size"], "exclude": ["size"]}, ValueError, ["'size' is named twice"]),
    ({"exclude": ["date"]}, ValueError, ["'date' is named twice"]),
    ({"exclude": "size"}, TypeError, ["exclude must be a sequence of texts, such as ('size',)"]),
    ({"missing_values": "B"}, TypeError, ["missing_values must be a sequence of texts, such as ('B',)"]),
    ({"missing_values": [-99]}, TypeError, ["missing_values must hold texts; -99"]),
    ({"percent": 1}, TypeError, ["percent must be True or False"]),
    ({"dtype": "int8"}, ValueError, ["dtype must be one of 'float32', 'float64'"]),
    ({"lag": -1}, ValueError, ["lag must be at least 0; -1"]),
    ({"lag": 1.0}, TypeError, ["lag must be a whole number"]),
    ({"lag": 3}, ValueError, ["lag must be below the number of dates; 3", "there are 3", "2020-01-31 to 2020-03-31"]),
    ({"lag": 1, "end": "2020-01"}, ValueError, ["lag must be below the number of dates"]),
    ({"start": 2020}, TypeError, ["start must be a date, such as '1987'", "2020"]),
    ({"end": "soon"}, ValueError, ["end must be a date", "'soon'"]),
    ({"start": "2021", "end": "2020"}, ValueError, ["start must not be after end", "'2021'", "'2020'"]),
    ({"start": "2021"}, ValueError, ["No date is left", "2020-01-31 to 2020-03-31"]),
    ({"end": "1999"}, ValueError, ["No date is left", "'1999'"]),
    ({"returns_path": 7}, TypeError, ["path must be the path of a file"]),
    ({"returns_path": "nothing.csv"}, FileNotFoundError, ["nothing.csv"]),
])  # fmt: skip
def test_bad_arguments(folder, arguments, error, fragments):
    assert_refused(lambda: folder.read(**arguments), error, *fragments)


BAD_CONTENT = {
    "a missing date": (SMALL.replace("2020-02-29,IBM", ",IBM"), "no 'date'", "row 4"),
    "a missing ticker": (SMALL.replace("AAPL", " "), "2 row(s) without a 'ticker': row 1, 3"),
    "an impossible date": (SMALL.replace("2020-02-29", "2020-02-30"), "2 date(s) in column 'date'",
        "'2020-02-30' in row 3, '2020-02-30' in row 4"),
    "one date written otherwise": (SMALL.replace("2020-03-31", "202003"), "1 date(s)", "'202003' in row 5",
        "date_format"),
    "day or month first": (SMALL.replace("2020-01-31", "03/04/2020"), "'03/04/2020' in row 1"),
    "all dates day or month first": (SMALL.replace("2020-", "03/04/"), "'03/04/01-31'",
        "two ways (day or month first)", "date_format, such as '%d/%m/%Y'"),
    "dates that are counts": (SMALL.replace("2020-01-31", "1").replace("2020-02-29", "2").replace("2020-03-31", "3"),
        "written like '1'"),
    "repeated rows": (SMALL + "2020-02-29,IBM,0.5,1,1\n2020-03-31,IBM,0.5,1,1\n", "2 repeated (date, ticker) row(s)",
        "(2020-02-29, IBM) in rows 4 and 6", "Keep one of each"),
    "two dates in one month": (SMALL + "2020-03-30,IBM,0.5,1,1\n", "(2020-03-31, IBM) in rows 5 and 6",
        "two dates in one month are one date"),
    "text in returns": (SMALL.replace("0.01", "B").replace("-0.02", "C").replace("0.03", "B"),
        "'returns' holds text beside numbers: 'B', 2 row(s), 'C', 1 row(s)", "missing_values=('B', 'C')"),
    "text in a characteristic": (SMALL.replace("1.5", "n.a.").replace("40", "x"),
        "'size' holds text beside numbers: 'n.a.'", "column 'value'", "missing_values=('n.a.', 'x')"),
    "thousands": (SMALL.replace("1.5", '"1,500.0"'), "'1,500.0', 1 row(s)"),
    "an infinite return": (SMALL.replace("0.03", "-inf"),
        "'returns' of data.csv holds infinite values, the first in row 3"),
    "an infinite characteristic": (SMALL.replace("4.5", "Infinity"), "holds infinite values", "'size' in row 4"),
    "beyond float32": (SMALL.replace("4.5", "1e39"), "above 3.4e+38: 'size' in row 4"),
    "blanks around tickers": (SMALL.replace("IBM", " IBM"), "1 ticker(s) of data.csv have blanks around them: ' IBM'"),
    "one ticker in two ways": (SMALL.replace("AAPL", "7").replace("-31,IBM", "-31,007").replace("IBM", "8"),
        "'7' and '007'", "one way"),
    "a column without a name": (SMALL.replace("size", ""), "has no name ('')", "exclude=('',)", "index=False"),
    "a second column of returns": (SMALL.replace("size", "returns_fwd"), "'returns_fwd'", "exclude=('returns_fwd',)"),
    "no returns at all": ("date,ticker,returns,x\n2020-01-31,A,,1\n2020-02-29,A,NA,2\n", "missing in every row"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_CONTENT)
def test_bad_content(folder, case):
    text, *fragments = BAD_CONTENT[case]
    fragments = [fragment.replace("no 'date'", "without a 'date'") for fragment in fragments]
    assert_refused(lambda: folder.read(text), ValueError, "data.csv", *fragments)


def test_only_rows_of_rarer_data_are_told_that_a_month_is_one_date(folder):
    daily = "date,ticker,returns\n" + "".join(f"2020-01-{day:02d},A,0.01\n" for day in (6, 7, 8, 9, 9))
    said = r"1 repeated \(date, ticker\) row\(s\): \(2020-01-09, A\) in rows 4 and 5\. Keep one of each\.$"
    with pytest.raises(ValueError, match=said):
        folder.read(daily)


WITHOUT_DATES = ("all dates day or month first", "dates that are counts")


@pytest.mark.parametrize("case", [case for case in BAD_CONTENT if case not in WITHOUT_DATES])
def test_a_schema_reports_what_a_panel_refuses(folder, case):
    text, *fragments = BAD_CONTENT[case]
    fragments = [fragment.replace("no 'date'", "without a 'date'") for fragment in fragments]
    schema = folder.schema(text)
    assert any(all(fragment in sentence for fragment in fragments) for sentence in schema.warnings), schema.warnings
    assert schema.n_rows == text.count("\n") - 1


@pytest.mark.parametrize("case", WITHOUT_DATES)
def test_a_schema_cannot_do_without_dates(folder, case):
    text, *fragments = BAD_CONTENT[case]
    assert_refused(lambda: folder.schema(text), ValueError, *fragments)
    assert_refused(lambda: folder.schema(SMALL.replace("2020-", ",")), ValueError, "cannot be read")
    no_row = "date,ticker,returns\n2020-01-31,,0.1\n,A,0.1\n"
    assert_refused(lambda: folder.schema(no_row), ValueError, "no row with both a 'date' and a 'ticker'")


def test_a_date_format_that_does_not_fit(folder):
    assert_refused(
        lambda: folder.read(date_format="%d/%m/%Y"),
        ValueError,
        "5 date(s)",
        "'2020-01-31' in row 1",
        "pass date_format",
    )
    assert_refused(lambda: folder.read(date_format="%Q"), ValueError, "'Q' is a bad directive")


def test_a_characteristic_cannot_be_called_returns(folder):
    text = SMALL.replace("returns", "RET").replace("size", "returns")
    assert_refused(
        lambda: folder.read(text, returns="RET"), ValueError, "'returns' of data.csv is not the one named by returns="
    )
    assert list(folder.read(text, returns="RET", exclude=["returns"]).characteristic_names) == ["value"]


def test_text_in_every_row_of_a_column_that_was_asked_for(folder):
    text = (
        SMALL.replace("size", "name")
        .replace("1.5", "a")
        .replace("2.5", "b")
        .replace("3.5", "a")
        .replace("4.5", "d")
        .replace("5.5", "e")
    )
    assert_refused(
        lambda: folder.read(text, characteristics=["name"]), ValueError, "'name' holds no numbers: 'a', 2 row(s)"
    )
    assert_refused(
        lambda: folder.read(SMALL.replace("0.0", "x"), characteristics=[]),
        ValueError,
        "'returns' holds no numbers",
        "'x1'",
    )


def test_types_of_parquet_that_are_no_dates_tickers_or_numbers(folder):
    frame = as_rows(small_panel(n_dates=3))
    listed = frame.assign(ticker=[[1]] * len(frame))
    assert_refused(
        lambda: folder.read(listed, "x.parquet"), TypeError, "'ticker' of x.parquet holds list<", "can be no ticker"
    )
    dated = frame.assign(ticker=frame["date"])
    assert_refused(lambda: folder.read(dated, "x.parquet"), TypeError, "holds timestamp[", "can be no ticker")
    halves = frame.assign(ticker=np.arange(len(frame)) + 0.5)
    assert_refused(
        lambda: folder.read(halves, "x.parquet"), TypeError, "Tickers must be text or whole numbers", "float", "0.5"
    )
    flags = frame.assign(ticker=[True, False] * (len(frame) // 2))
    assert_refused(lambda: folder.read(flags, "x.parquet"), TypeError, "Tickers must be text or whole numbers", "bool")
    listed = frame.assign(size=[[1.0]] * len(frame))
    assert_refused(
        lambda: folder.read(listed, "x.parquet", characteristics=["size"]), ValueError, "'size' holds no numbers: list<"
    )


def test_returns_of_a_type_that_is_no_number(folder):
    frame = as_rows(small_panel(n_dates=3))
    dated = frame.assign(returns=frame["date"])
    no_numbers = ["In x.parquet, column 'returns' holds no numbers: timestamp[us]", "Correct the column"]
    assert_refused(lambda: folder.read(dated, "x.parquet"), ValueError, *no_numbers)
    assert all(words in folder.schema(dated, "x.parquet").warnings[0] for words in no_numbers)
    first = frame.drop(columns="returns")
    path = folder.put(dated[["date", "ticker", "returns"]], "x.parquet")
    assert_refused(lambda: folder.read(first, returns_path=path), ValueError, *no_numbers)
    assert all(words in folder.schema(first, returns_path=path).warnings[0] for words in no_numbers)


@every_kind
def test_a_return_beyond_float32_is_refused_unless_float64_is_asked_for(folder, kind):
    frame = monthly(x=noise)
    frame.loc[7, "returns"] = 1e39
    too_large = ["Column 'returns'", "holds values above 3.4e+38, the first in row 8", "Leave such values empty"]
    assert_refused(lambda: folder.read(frame, f"x.{kind}"), ValueError, *too_large)
    assert all(words in folder.schema(frame, f"x.{kind}").warnings[0] for words in too_large)
    assert folder.read(frame, f"x.{kind}", dtype="float64").returns[1, 1] == 1e39


@every_kind
def test_a_return_of_zero_is_a_return(folder, kind):
    frame = pd.read_csv(io.StringIO(SMALL.replace("0.01", "0")), dtype={"date": str})
    assert folder.read(frame, f"x.{kind}").returns[0].tolist() == [0, np.float32(-0.02)]
    assert folder.schema(frame, f"x.{kind}").warnings == ()
    assert not folder.read(frame.assign(returns=0.0), f"x.{kind}").returns[:2].any()
    few = frame.assign(returns=[0.0, -0.02, *[np.nan] * 3])
    assert folder.read(few, f"x.{kind}").returns[0, 0] == 0 and folder.schema(few, f"x.{kind}").warnings == ()
    assert joined(folder, returns=CRSP.replace("0.02", "0")).returns[1, 0] == 0


def test_missing_values_are_read_as_missing(folder):
    text = SMALL.replace("0.01", "B").replace("-0.02", "C").replace("1.5", "B")
    for kind in ("csv", "parquet"):
        frame = pd.read_csv(io.StringIO(text), dtype={"returns": str, "size": str}, keep_default_na=False)
        panel = folder.read(text if kind == "csv" else frame, f"data.{kind}", missing_values=["B", "C"])
        assert np.isnan(panel.returns[0]).all() and np.isnan(panel.characteristics[0, 0, 0])
        assert panel.returns[1, 0] == np.float32(0.03) and panel.characteristics[0, 1, 0] == 2.5


# --- Warnings ---------------------------------------------------------------------------------------------------------


def test_sound_data_raise_no_warning(folder):
    assert folder.warnings(monthly(x=noise)) == []
    assert folder.warnings(SMALL) == []


def test_returns_in_percent(folder):
    percent = monthly(x=noise).assign(returns=lambda frame: frame["returns"] * 100)
    (sentence,) = folder.warnings(percent)
    assert sentence.startswith("The returns look like percent: their median size is 3.") and "percent=True" in sentence
    assert "lie below -1, such as -1.68 of T4 at 2000-01-31" in sentence and "lose more than all" in sentence
    assert folder.warnings(percent, percent=True) == []
    exact = folder.read(monthly(x=noise)).returns
    assert np.allclose(folder.read(percent, percent=True).returns, exact, rtol=1e-6)


def test_a_single_return_below_minus_one(folder):
    frame = monthly(x=noise)
    frame.loc[7, "returns"] = -66.0
    (sentence,) = folder.warnings(frame)
    assert "1 of them lie below -1, such as -66 of T1 at 2000-02-29" in sentence and "median" not in sentence


def test_large_returns_of_rare_data_are_none_in_percent(folder):
    frame = monthly(x=noise).assign(returns=lambda frame: frame["returns"].abs() * 20)
    assert len(folder.warnings(frame)) == 1
    for rare in ("QE", "YE"):
        dates = pd.date_range("1950-12-31", periods=40, freq=rare)
        assert folder.warnings(frame.assign(date=np.repeat(dates, 6))) == []


@pytest.mark.parametrize("leak", [
    lambda returns, random: returns,
    lambda returns, random: 100 * returns,
    lambda returns, random: 3 - 2 * returns,
    lambda returns, random: returns + random.normal(0, 0.002, returns.shape),
    lambda returns, random: np.where(random.random(returns.shape) < 0.1, np.nan, returns),
    lambda returns, random: np.where(random.random(returns.shape) < 0.1, np.nan, 2 * returns),
])  # fmt: skip
def test_a_characteristic_that_is_the_return_of_its_own_row(folder, leak):
    frame = monthly(x=noise, leak=leak)
    (sentence,) = folder.warnings(frame)
    assert sentence.startswith("Characteristic 'leak' looks like the return itself") and "lag=1" in sentence
    assert folder.warnings(frame, lag=1) == []


def test_a_characteristic_that_is_the_next_return(folder):
    frame = monthly(x=noise, leak=lambda returns, random: np.roll(returns, -1, axis=0))
    (sentence,) = folder.warnings(frame)
    assert sentence.startswith("Characteristic 'leak' looks like the return of the next date (correlation 1.000)")
    assert "holds the future" in sentence
    (sentence,) = folder.warnings(frame, lag=1)
    assert "looks like the return itself" in sentence


def test_the_return_of_the_date_before_is_no_leak(folder):
    assert folder.warnings(monthly(mom1m=lambda returns, random: np.roll(returns, 1, axis=0))) == []


@pytest.mark.parametrize("leak", [
    lambda returns, random: returns + random.normal(0, 0.02, returns.shape),  # a correlation of 0.93
    lambda returns, random: np.where(random.random(returns.shape) < 0.3, returns, 0.05 * noise(returns, random)),
])  # fmt: skip
def test_a_characteristic_that_has_something_of_the_return_may_be_one(folder, leak):
    assert folder.warnings(monthly(x=noise, leak=leak)) == []
    assert folder.warnings(monthly(3, 4, x=noise, leak=leak)) == []


def test_a_few_equal_rows_are_enough_and_a_few_alike_are_not(folder):
    assert len(folder.warnings(monthly(2, 2, leak=lambda returns, random: returns))) == 1
    assert folder.warnings(monthly(2, 2, leak=lambda returns, random: 2 * returns)) == []
    nothing = monthly(x=noise, zero=lambda returns, random: random.random(returns.shape)).assign(returns=0.0)
    assert folder.warnings(nothing.assign(zero=nothing["zero"] * 0 + np.arange(len(nothing)) % 2 * 0.0)) != []
    assert "itself" not in " ".join(folder.warnings(nothing.assign(zero=0.0)))


def test_a_return_that_was_rounded_to_float32_is_still_the_return(folder):
    frame = monthly(2, 4, leak=lambda returns, random: returns.astype(np.float32))
    assert len(folder.warnings(frame, name="x.parquet")) == 1
    near = frame.assign(leak=frame["returns"] * (1 + 1e-4))
    assert folder.warnings(near, name="x.parquet") == []


def test_statistics_are_in_float64_whatever_the_file_and_the_panel_hold(folder):
    """Single precision would lose the variance of such a column beside its mean."""
    frame = monthly(
        leak=lambda returns, random: 200 + returns, other=lambda returns, random: 1e4 + noise(returns, random)
    )
    frame = frame.astype(dict.fromkeys(["returns", "leak", "other"], np.float32))
    for dtype in ("float32", "float64"):
        (sentence,) = folder.warnings(frame, name="x.parquet", **({} if dtype == "float32" else {"dtype": dtype}))
        assert "'leak' looks like the return itself (correlation 1.000" in sentence


def test_enormous_numbers_are_kept_and_nothing_is_said_of_them(folder):
    frame = monthly(x=noise, big=noise)
    frame.loc[7, "big"] = 1e200
    assert folder.read(frame, dtype="float64").characteristics[1, 1, 1] == 1e200
    frame.loc[9, "returns"] = 0.9e200
    assert folder.read(frame, dtype="float64").returns[1, 3] == 0.9e200


def test_columns_that_never_change(folder):
    frame = monthly(x=noise).assign(one=1.0, two=2.0, now_and_then=[np.nan, 3.0] * 120)
    (sentence,) = folder.warnings(frame)
    assert sentence == "3 characteristic(s) are one number everywhere: 'one', 'two', 'now_and_then'. Exclude them."


def test_characteristics_that_are_known_for_nobody_at_some_dates(folder):
    frame = monthly(x=noise, late=noise, never=noise)
    frame.loc[frame["date"] < "2001", "late"] = np.nan
    frame["never"] = np.nan
    (sentence,) = folder.warnings(frame)
    assert sentence.startswith(
        "2 characteristic(s) are known for nobody at some of the 40 dates: 'late' at 12 date(s), the last 2000-12-31"
    )
    assert "'never' at 40 date(s), the last 2003-04-30" in sentence
    assert folder.warnings(frame, start="2001", exclude=["never"]) == []


def test_columns_of_text_are_left_out_and_named(folder):
    frame = monthly(x=noise).assign(name=lambda frame: "Firm " + frame["ticker"], listed="1999-01-01")
    (sentence,) = folder.warnings(frame)
    assert sentence.startswith("2 column(s) hold no numbers and are left out: 'name' ('Firm T0', 40 row(s) and 5 more)")
    assert folder.warnings(frame, exclude=["name", "listed"]) == []
    with pytest.warns(UserWarning, match=r"left out: 'name' .*'listed' \(timestamp\[us\]\)"):
        panel = folder.read(frame.assign(listed=pd.Timestamp("1999-01-01")), "data.parquet")
    assert list(panel.characteristic_names) == ["x"]


# --- The schema -------------------------------------------------------------------------------------------------------


def faulty():
    """A file with about every fault that does not keep it from being described."""
    frame = monthly(30, 5, x=noise, late=noise, leak=lambda returns, random: returns)
    frame.loc[frame["date"] < "2001", "late"] = np.nan
    frame.loc[3, "x"] = np.nan
    frame["rate"] = frame.groupby("date")["x"].transform("mean")
    frame = frame.assign(one=1.0, name="Firm " + frame["ticker"], code=["A", "1"] * 75)
    frame.loc[6, "name"] = None
    return pd.concat([frame.iloc[:-2], frame.iloc[[10]]])


def test_a_schema_counts_and_names_what_the_file_holds(folder):
    schema = folder.schema(faulty())
    assert (schema.name, schema.n_rows, schema.n_repeated) == ("data.csv", 149, 1)
    assert (schema.n_dates, schema.n_tickers) == (30, 5)
    assert (schema.first_date, schema.last_date) == (pd.Timestamp("2000-01-31"), pd.Timestamp("2002-06-30"))
    assert schema.frequency == "monthly" and schema.tickers_per_date == (3, 5, 6)
    assert schema.gigabytes == 30 * 5 * (5 + 1) * 4 / 1e9
    columns = schema.columns
    assert list(columns.index) == ["x", "late", "leak", "rate", "one", "name", "code"]
    assert columns.index.name == "column"
    assert list(columns["holds"]) == ["numbers"] * 5 + ["text", "numbers and text"]
    assert columns.loc[["x", "name", "late"], "missing"].tolist() == pytest.approx([1 / 149, 1 / 149, 61 / 149])
    assert columns.loc["late", "first_known"] == pd.Timestamp("2001-01-31") and columns["first_known"].isna().sum() == 2
    assert list(columns["constant"].iloc[:5]) == [False] * 4 + [True] and columns["constant"].isna().sum() == 2
    assert list(columns["constant_dates"].iloc[:5]) == [0, 0, 0, 30, 30]


def test_one_ticker_at_a_date_does_not_make_a_column_the_same_for_all(folder):
    frame = monthly(x=noise, one=lambda returns, random: np.where(np.arange(6) == 3, returns**2, np.nan))
    columns = folder.schema(frame).columns
    assert list(columns["constant_dates"]) == [0, 0] and not columns["constant"].any()


def test_a_schema_says_in_sentences_what_would_be_refused_or_warned_of(folder):
    sentences = folder.schema(faulty()).warnings
    assert len(sentences) == 7
    for fragment in (
        "1 repeated (date, ticker)",
        "'code' holds text beside numbers",
        "'name' ('Firm T0'",
        "'leak' looks like",
        "same for all tickers at every date, as a market's return is: 'rate'",
        "'one'",
        "'late' at 12",
    ):
        assert sum(fragment in sentence for sentence in sentences) == 1, (fragment, sentences)


def test_a_schema_reads_well_and_always_the_same(folder):
    schema = folder.schema(faulty())
    assert repr(schema) == str(schema) == repr(folder.schema(faulty()))
    assert repr(schema).splitlines()[:11] == [
        "data.csv: 149 rows, 1 of them repeated",
        "dates     30, 2000-01-31 to 2002-06-30, monthly",
        "tickers   5; at a date 3 at least, 5 in the median, 6 at most",
        "columns   5 of numbers, 1 of text, 1 of numbers and text",
        "layout    none is named or recognised: a row's characteristics are taken to",
        "          be known before its return",
        "timing    The characteristics look like they were known one date later than",
        "          declared: 'leak' goes with the return of its own row (1.000). If",
        "          that is true of all, pass lag=1; if of 'leak' alone, exclude it.",
        "memory    3.6e-06 GB as a Panel of float32",
        "warnings  7",
    ]
    assert str(folder.path) not in repr(schema)
    with pytest.raises(FrozenInstanceError):
        schema.n_rows = 0


def test_a_schema_by_pandas(folder):
    frame = as_rows(small_panel(missing=0.3)).sample(frac=0.8, random_state=1)
    frame = frame.mask(np.random.default_rng(0).random(frame.shape) < np.r_[0, 0, 0, 0.2, 0.3, 0.9][: frame.shape[1]])
    for kind in KINDS:
        schema = folder.schema(frame, f"data.{kind}")
        by_date = frame.groupby("date").size()
        assert schema.tickers_per_date == (by_date.min(), int(by_date.median()), by_date.max())
        for name in ("size", "value", "momentum"):
            assert schema.columns.loc[name, "missing"] == pytest.approx(frame[name].isna().mean())
            assert schema.columns.loc[name, "first_known"] == frame.loc[frame[name].notna(), "date"].min()
        assert schema.columns.index.tolist() == ["size", "value", "momentum"]


def test_the_gigabytes_of_a_schema_are_those_of_the_panel(folder):
    schema, panel = folder.schema(as_rows(small_panel())), folder.read(as_rows(small_panel()))
    assert schema.gigabytes * 1e9 == pytest.approx(panel.returns.nbytes + panel.characteristics.nbytes)


def test_a_schema_without_returns(folder):
    schema = folder.schema(LEAD, **PUBLISHED_LAYOUT)
    assert schema.n_rows == 6 and len(schema.warnings) == 1
    assert schema.warnings[0].startswith("data.csv has no column 'returns'") and "returns_path" in schema.warnings[0]
    both = folder.schema(LEAD, **PUBLISHED_LAYOUT, returns="RET", returns_path=folder.put(CRSP, "crsp.csv"))
    assert both.warnings == ("2 of the 6 rows of data.csv have no row in crsp.csv.",)
    assert repr(both.columns) == repr(schema.columns)


# --- The user's files -------------------------------------------------------------------------------------------------


@every_kind
def test_reading_leaves_the_file_and_its_folder_as_they_were(folder, kind):
    path = folder.put(as_rows(small_panel()), f"data.{kind}")
    path.chmod(0o444)
    before, state = path.read_bytes(), path.stat()
    read_panel(path)
    read_schema(str(path))
    assert path.read_bytes() == before and path.stat().st_mtime_ns == state.st_mtime_ns
    assert path.stat().st_mode == state.st_mode and os.listdir(folder.path) == [path.name]


def test_a_file_may_be_named_from_the_home_folder_and_in_capitals(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.path))
    monkeypatch.setenv("USERPROFILE", str(folder.path))
    folder.put(SMALL, "DATA.CSV")
    assert read_panel("~/DATA.CSV").n_dates == 3


# --- A file like the published one ------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["csv", "parquet"])
def published(request, tmp_path_factory):
    return write_published_layout(tmp_path_factory.mktemp("published"), n_tickers=60, n_dates=72, format=request.param)


def read_with_pandas(paths):
    return tuple(pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path) for path in paths)


def read_published(paths, **arguments):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="13 characteristic.* known for nobody")
        warnings.filterwarnings("ignore", message=".* have no return at any date, and are left out")
        return read_panel(paths[0], **PUBLISHED_LAYOUT, returns_path=paths[1], returns="RET", **arguments)


def test_the_published_names_are_94():
    assert len(set(PUBLISHED_CHARACTERISTICS)) == len(PUBLISHED_CHARACTERISTICS) == 94
    assert PUBLISHED_CHARACTERISTICS[0] == "absacc" and PUBLISHED_CHARACTERISTICS[-1] == "zerotrade"


def test_the_published_layout_by_pandas(published):
    characteristics, returns = read_with_pandas(published)
    panel = read_published(published, dtype="float64")
    characteristics["date"] = pd.to_datetime(characteristics["DATE"].astype(str)) + pd.offsets.MonthEnd(0)
    returns["date"] = pd.to_datetime(returns["date"].astype(str))
    assert list(panel.tickers) == sorted({*characteristics["permno"]} & {*returns["permno"]})
    assert panel.dates.equals(pd.date_range("1957-03-31", periods=72, freq="ME", name="date"))
    assert tuple(panel.characteristic_names) == PUBLISHED_CHARACTERISTICS
    wide = returns.pivot(index="date", columns="permno", values="RET").reindex(index=panel.dates, columns=panel.tickers)
    assert np.array_equal(panel.returns, wide.to_numpy(), equal_nan=True)
    for name in ("absacc", "mvel1", "aeavol", "zerotrade", "divi"):
        wide = characteristics.pivot(index="date", columns="permno", values=name).reindex(columns=panel.tickers)
        j = panel.characteristic_names.get_loc(name)
        assert np.array_equal(panel.characteristics[:, :, j], wide.to_numpy(dtype=float), equal_nan=True)


def test_the_files_have_the_published_layout(published):
    characteristics, returns = read_with_pandas(published)
    assert list(characteristics.columns) == ["permno", "DATE", *PUBLISHED_CHARACTERISTICS, "sic2"]
    assert list(returns.columns) == ["permno", "date", "RET"]
    assert characteristics["permno"].between(10_001, 99_999).all() and characteristics["permno"].nunique() == 60
    assert characteristics["DATE"].iloc[0] == 19570329 and returns["date"].iloc[0] == 19570331
    days = pd.to_datetime(characteristics["DATE"].astype(str))
    assert (days.dt.day_of_week < 5).all() and (days + pd.offsets.BMonthEnd(0) == days).all()
    assert characteristics["sic2"].between(1, 99).all()
    assert not characteristics.duplicated(["permno", "DATE"]).any() and not returns.duplicated(["permno", "date"]).any()


def test_the_market_has_the_troubles_of_real_ones(published):
    characteristics, _ = read_with_pandas(published)
    panel = read_published(published)
    rows = pd.DataFrame(characteristics.groupby("permno")["DATE"].agg(["min", "max", "size"]))
    first, last = characteristics["DATE"].min(), characteristics["DATE"].max()
    assert 0.1 < (rows["min"] > first).mean() < 0.9 and 0.1 < (rows["max"] < last).mean() < 0.9
    missing = characteristics[list(PUBLISHED_CHARACTERISTICS)].isna().mean()
    assert missing["mvel1"] == 0 and missing.max() > 0.4 and missing.nunique() > 50
    known = (~np.isnan(panel.characteristics)).any(axis=1)
    assert (~known).any(axis=0).sum() == 13 and known[-1].all()
    assert characteristics["divi"].dropna().isin([0, 1]).all() and characteristics["nincr"].dropna().nunique() < 15
    assert characteristics["mvel1"].skew() > 1
    last_rows = np.isnan(panel.returns) & ~np.isnan(panel.characteristics).all(axis=2)
    assert 0 < last_rows.sum() < 60


def test_past_returns_are_what_their_names_say(published):
    panel = read_published(published, dtype="float64")
    of = {name: panel.characteristics[:, :, panel.characteristic_names.get_loc(name)] for name in ("mom1m", "mom12m")}
    before = panel.returns[:-1]
    both = ~np.isnan(of["mom1m"][1:]) & ~np.isnan(before)
    assert both.sum() > 1000 and np.allclose(of["mom1m"][1:][both], before[both], rtol=1e-6)
    for d in (20, 50, 71):
        compounded = np.prod(1 + panel.returns[d - 12 : d - 1], axis=0) - 1
        both = ~np.isnan(compounded) & ~np.isnan(of["mom12m"][d])
        assert both.sum() > 10 and np.allclose(of["mom12m"][d][both], compounded[both], rtol=1e-5)


def test_the_market_warns_of_nothing_but_its_late_characteristics(published):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_panel(published[0], **PUBLISHED_LAYOUT, returns_path=published[1], returns="RET")
    assert [str(warning.message)[:40] for warning in caught] == ["13 characteristic(s) are known for nobod"]


def test_the_betas_are_nonlinear_in_characteristics_that_are_named(tmp_path):
    """Given the true betas, a regression at each date explains about what it does in the paper's nonlinear market."""
    paths = write_published_layout(tmp_path, n_tickers=400, n_dates=60, n_characteristics=3)
    panel = rank_across_tickers(read_published(paths), missing="median")
    assert list(panel.characteristic_names) == ["mom12m", "mom1m", "mvel1"]
    year, month, size = np.moveaxis(panel.characteristics, 2, 0)
    betas = {"true": (size**2, 2 * size * year, 0.6 * np.sign(month)), "linear": (size, year, month)}
    explained, total = dict.fromkeys(betas, 0.0), 0.0
    for d in range(panel.n_dates):
        here = ~np.isnan(panel.returns[d])
        r = panel.returns[d, here]
        for name, x in betas.items():
            design = np.column_stack([column[d, here] for column in x])
            fit = design @ np.linalg.lstsq(design, r, rcond=None)[0]
            explained[name] += fit @ fit
        total += r @ r
    assert 0.3 < explained["true"] / total < 0.55 and explained["linear"] < 0.7 * explained["true"]


def test_tickers_are_listed_for_as_long_as_is_said(tmp_path):
    sizes = {"n_tickers": 1000, "n_dates": 240, "n_characteristics": 3, "months_listed": 40}
    frame = pd.read_csv(write_published_layout(tmp_path, **sizes)[0])
    there = frame.groupby("DATE").size()
    assert there.iloc[:60].mean() == pytest.approx(1000 * 40 / 280, rel=0.15)
    assert there.iloc[-60:].mean() == pytest.approx(1000 * 40 / 280, rel=0.15)
    months = pd.factorize(frame["DATE"], sort=True)[0]
    within = pd.Series(months).groupby(frame["permno"]).agg(["min", "max"]).query("min > 0 and max < 239")
    listed = 1 + (within["max"] - within["min"])
    assert listed.mean() == pytest.approx(40, rel=0.2)


def test_a_seed_makes_the_same_files_and_both_formats_hold_the_same(tmp_path):
    panels = []
    for i, (seed, format) in enumerate([(0, "csv"), (0, "parquet"), (1, "csv")]):
        (tmp_path / str(i)).mkdir()
        paths = write_published_layout(tmp_path / str(i), n_tickers=20, n_dates=30, seed=seed, format=format)
        assert [path.name for path in paths] == [f"simulated_characteristics.{format}", f"simulated_returns.{format}"]
        assert sorted(os.listdir(tmp_path / str(i))) == [path.name for path in paths]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            panels.append(read_panel(paths[0], **PUBLISHED_LAYOUT, returns_path=paths[1], returns="RET"))
    assert_same_panel(panels[0], panels[1])
    assert not panels[0].tickers.equals(panels[2].tickers)


@pytest.mark.parametrize("size", [(10, 12, 3), (10, 40, 94), (30, 12, 10)])
def test_small_markets_are_written_too(tmp_path, size):
    paths = write_published_layout(tmp_path, *size)
    schema = read_schema(paths[0], **PUBLISHED_LAYOUT, returns_path=paths[1], returns="RET")
    assert schema.n_tickers == size[0] and schema.n_dates <= size[1] and len(schema.columns) == size[2]


# When it was begun, when it was written, and when it was about to take the place of the old one.
@pytest.mark.parametrize("when", ["pandas.date_range", "os.fsync", "os.replace"])
@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_market_that_cannot_be_written_whole_leaves_what_was_there(tmp_path, monkeypatch, when, format):
    size = {"n_tickers": 10, "n_dates": 12, "n_characteristics": 3, "format": format}
    paths = write_published_layout(tmp_path, **size)
    before = [path.read_bytes() for path in paths]

    def no_more(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(when, no_more)
    with pytest.raises(OSError, match="No space left"):
        write_published_layout(tmp_path, seed=1, **size)
    assert [path.read_bytes() for path in paths] == before and len(os.listdir(tmp_path)) == 2


@pytest.mark.parametrize("arguments, error, fragments", [
    ({"folder": "nowhere"}, ValueError, ["folder must exist, and there is no folder nowhere"]),
    ({"folder": 3}, TypeError, ["folder must be the path of a folder; 3"]),
    ({"n_tickers": 1}, ValueError, ["n_tickers must be between 10 and 80000; 1"]),
    ({"n_dates": 0}, ValueError, ["n_dates must be between 12 and 2000"]),
    ({"n_characteristics": 2}, ValueError, ["n_characteristics must be between 3 and 94"]),
    ({"n_characteristics": 95}, ValueError, ["n_characteristics must be between 3 and 94"]),
    ({"seed": -1}, ValueError, ["seed must be at least 0"]),
    ({"seed": "x"}, TypeError, ["seed must be a whole number"]),
    ({"format": "xlsx"}, ValueError, ["format must be one of 'csv', 'parquet'; 'xlsx'"]),
])  # fmt: skip
def test_bad_arguments_of_the_writer(tmp_path, arguments, error, fragments):
    assert_refused(lambda: write_published_layout(**({"folder": tmp_path} | arguments)), error, *fragments)


# --- Memory -----------------------------------------------------------------------------------------------------------

PEAK = """
import re, sys, warnings
from pathlib import Path
from helpers.data.published import PUBLISHED_LAYOUT
from helpers.data.reader import read_panel, read_schema
warnings.simplefilter("ignore")

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1))

before = peak()
found = {read}(sys.argv[1], **PUBLISHED_LAYOUT, returns_path=sys.argv[2], returns="RET")
print(peak() - before)
"""


@pytest.fixture(scope="module", params=[*KINDS, "parquet as pandas writes it"])
def medium(request, tmp_path_factory):
    folder, format = tmp_path_factory.mktemp("medium"), request.param.partition(" ")[0].removesuffix(".gz")
    paths = write_published_layout(folder, n_tickers=1500, n_dates=240, n_characteristics=94, format=format)
    if request.param.endswith("pandas writes it"):
        for path in paths:
            pd.read_parquet(path).astype(float).to_parquet(path, index=False)
            assert pa.parquet.ParquetFile(path).metadata.num_row_groups == 1
    if request.param.endswith(".gz"):
        packed = tuple(path.with_suffix(".csv.gz") for path in paths)
        for path, to in zip(paths, packed, strict=True):
            with open(path, "rb") as plain, gzip.open(to, "wb", compresslevel=1) as file:
                shutil.copyfileobj(plain, file)
        return packed
    return paths


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak")
def test_reading_takes_little_more_memory_than_the_panel_and_describing_little_at_all(medium):
    def peak(read):
        command = [sys.executable, "-c", PEAK.format(read=read), *map(str, medium)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    panel_takes = 1500 * 240 * 95 * 4
    assert peak("read_panel") < 2.5 * panel_takes and peak("read_schema") < 1.5 * panel_takes


def test_the_arrays_of_a_large_panel_are_not_copied(monkeypatch, folder):
    made = []
    full = np.full
    monkeypatch.setattr("numpy.full", lambda shape, *rest, **kw: made.append(full(shape, *rest, **kw)) or made[-1])
    panel = folder.read(as_rows(small_panel()))
    assert any(np.shares_memory(panel.characteristics, array) for array in made if array.ndim == 3)


# --- Rows that are chosen, and what is carried along ------------------------------------------------------------------

NAMES = ["A", "B", "C", "D"]
CHOSEN = pd.DataFrame(
    {
        "date": np.repeat(pd.date_range("2020-01-31", periods=4, freq="ME"), 4),
        "ticker": NAMES * 4,
        "returns": np.arange(16) / 100 - 0.05,
        "size": np.arange(16.0) ** 2,
        "prc": [4.0, 6, 7, 5] * 4,
        "shrcd": [10, 11, 73, 10] * 4,
        "exchange": ["NYSE", "AMEX", "nyse", None] * 4,
    }
)
SELECTED = {
    "some numbers": ({"shrcd": (10, 11)}, ["A", "B", "D"]),
    "one number": ({"shrcd": 10}, ["A", "D"]),
    "a text, whatever its capitals": ({"exchange": "NYSE"}, ["A", "C"]),
    "some texts": ({"exchange": ["nyse", "amex"]}, ["A", "B", "C"]),
    "numbers as text": ({"shrcd": ("10", "11")}, ["A", "B", "D"]),
    "a bound": ({"prc": ">= 5"}, ["B", "C", "D"]),
    "another bound": ({"prc": "<6"}, ["A", "D"]),
    "two columns": ({"prc": ">= 5", "shrcd": (10, 11)}, ["B", "D"]),
    "nothing": ({}, NAMES),
}


@every_kind
@pytest.mark.parametrize(("select", "left"), SELECTED.values(), ids=SELECTED)
def test_rows_are_selected_by_what_their_columns_hold(folder, select, left, kind):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        panel = folder.read(CHOSEN, f"x.{kind}", characteristics=["size"], select=select, dtype="float64")
    expected = CHOSEN[CHOSEN["ticker"].isin(left)].set_index(["date", "ticker"])[["returns", "size"]]
    assert_same_panel(panel, Panel.from_frame(expected))
    said = [str(one.message) for one in caught]
    assert not select or any(s.startswith(f"{4 * len(left)} of the 16 rows of x.{kind} are read: ") for s in said)


def test_a_row_is_selected_by_its_partner_in_the_second_file_and_then_ranked(folder):
    first, second = CHOSEN[["date", "ticker", "size"]], CHOSEN[["date", "ticker", "returns", "shrcd"]].copy()
    second.loc[(second["ticker"] == "B") & (second["date"] < "2020-02-15"), "shrcd"] = 31  # not common at first
    second = second[second["date"] < "2020-04-15"]  # the last date has not happened
    path = folder.put(second, "crsp.csv")
    with pytest.warns(UserWarning, match=r"^10 of the 16 rows of x\.csv are read: shrcd = 10 or 11\.$"):
        panel = folder.read(first, "x.csv", returns_path=path, select={"shrcd": (10, 11)})
    assert list(panel.tickers) == ["A", "B", "D"]
    there = ~np.isnan(panel.characteristics[:, :, 0])  # the row of a month is known for the next: B joins in March
    assert there.tolist() == [*[[True, False, True]] * 2, *[[True] * 3] * 2] and np.isnan(panel.returns[3]).all()
    assert np.array_equal(np.isnan(panel.returns[:3]), ~there[:3])
    ranks = rank_across_tickers(panel).characteristics[:, :, 0]
    assert np.allclose(ranks[2], [-0.5, 0, 0.5]) and np.allclose(ranks[0][[0, 2]], [-1 / 3, 1 / 3])


@pytest.mark.parametrize("frequency", ["ME", "D"])
def test_no_return_is_left_out_for_what_it_did_to_the_price(folder, frequency):
    dates = pd.date_range("2020-01-31", periods=6, freq=frequency)
    price = {"A": [5, 5, 5, 0.5, 0.5, 5], "B": [0.5, 5, 5, 5, 5, 5], "C": [7, 7, 7, 7, 7, 7]}
    second = pd.DataFrame(price, dates).rename_axis("date").melt(ignore_index=False, var_name="ticker").reset_index()
    second = second.rename(columns={"value": "prc"})
    second["returns"] = second.groupby("ticker")["prc"].pct_change().fillna(0.02)
    first = second[["date", "ticker"]].assign(size=np.arange(18.0) % 5)
    path = folder.put(second.sample(frac=1, random_state=0), "prices.csv")
    with pytest.warns(UserWarning, match=r"14 of the 18 rows of x\.csv are read: prc >= 1"):
        panel = folder.read(first, "x.csv", returns_path=path, select={"prc": ">= 1"}, dtype="float64")
    A, B, C = panel.returns.T
    assert np.allclose(A, [0.02, 0, 0, -0.9, np.nan, np.nan], equal_nan=True), "the crash stays, the recovery goes"
    assert np.allclose(B, [np.nan, np.nan, 0, 0, 0, 0], equal_nan=True) and np.allclose(C, [0.02, 0, 0, 0, 0, 0])


KNOWN_AT_THE_END = Layout(name="mine", title="mine", known="", returns="returns", months_ahead=1)


@pytest.mark.parametrize("how", [{"lag": 1}, {"layout": KNOWN_AT_THE_END}], ids=["lag", "layout"])
def test_nor_for_what_it_did_to_a_price_in_its_own_row(folder, how):
    """The same of one file, whose rows are known for the return of the next date: the row before decides."""
    dates = pd.date_range("2020-01-31", periods=6, freq="ME")
    price = pd.DataFrame({"A": [5, 5, 5, 0.5, 0.5, 5], "C": [7, 7, 7, 7, 7, 7]}, dates)
    earned = price.pct_change().fillna(0.02)
    frame = pd.DataFrame({"prc": price.stack(), "returns": earned.stack(), "size": price.stack() * 2}).reset_index()
    frame.columns = ["date", "ticker", *frame.columns[2:]]
    with pytest.warns(UserWarning, match="10 of the 12 rows of x.csv are read: prc >= 1"):
        panel = folder.read(frame, "x.csv", characteristics=["size"], select={"prc": ">= 1"}, dtype="float64", **how)
    expected = [0, 0, -0.9, np.nan, np.nan]  # of February to June; known for July is June's row
    assert np.allclose(panel.sel(dates[1:]).returns[:, 0], expected, equal_nan=True)
    assert np.allclose(panel.sel(dates[1:]).returns[:, 1], 0)
    assert np.isnan(panel.sel(dates[4:]).characteristics[:, 0, 0]).all(), "nor has it a row then"


def test_who_is_not_selected_by_the_first_file_has_no_return_in_the_second(folder):
    first, second = CHOSEN[["date", "ticker", "size", "prc"]], CHOSEN[["date", "ticker", "returns"]]
    first.loc[(first["ticker"] == "B") & (first["date"] < "2020-02-15"), "prc"] = 1
    path = folder.put(second, "crsp.csv")
    with pytest.warns(UserWarning, match="15 of the 16 rows of x.csv are read: prc >= 4"):
        panel = folder.read(first, "x.csv", returns_path=path, characteristics=["size"], select={"prc": ">= 4"})
    assert np.array_equal(np.isnan(panel.returns), np.isnan(panel.characteristics[:, :, 0]))
    assert np.argwhere(np.isnan(panel.returns)).tolist() == [[0, 1]]


def test_of_two_rows_of_a_second_file_for_one_return_the_selection_may_leave_one(folder):
    first, second = CHOSEN[["date", "ticker", "size"]], CHOSEN[["date", "ticker", "returns"]].assign(primary=1)
    other = second[second["ticker"] == "B"].assign(primary=0, returns=0.9)
    path = folder.put(pd.concat([second, other]), "crsp.csv")
    assert_refused(lambda: folder.read(first, "x.csv", returns_path=path), ValueError, "repeated (date, ticker) row(s)")
    with pytest.warns(UserWarning, match=r"16 of the 16 rows of x\.csv are read: primary = 1"):
        panel = folder.read(first, "x.csv", returns_path=path, select={"primary": 1}, dtype="float64")
    expected = CHOSEN.set_index(["date", "ticker"])[["returns", "size"]]
    assert_same_panel(panel, Panel.from_frame(expected))


def test_a_row_that_holds_a_last_return_and_no_codes_is_selected_by_the_month_before(folder):
    first, second = CHOSEN[["date", "ticker", "size"]], CHOSEN[["date", "ticker", "returns", "shrcd"]].copy()
    last = (second["ticker"] == "A") & (second["date"] == second["date"].max())
    second.loc[last, ["returns", "shrcd"]] = [-0.6, np.nan]
    path = folder.put(second, "crsp.csv")
    with pytest.warns(UserWarning, match="are read: shrcd = 10 or 11"):
        panel = folder.read(first, "x.csv", returns_path=path, select={"shrcd": (10, 11)}, dtype="float64")
    assert panel.returns[-1, 0] == -0.6


@pytest.mark.parametrize(
    ("select", "error", "says"),
    [
        ({"shrcd": ()}, ValueError, "select['shrcd'] must be a number, a text, several of them, or a bound"),
        ({"shrcd": (">= 5", "<= 7")}, ValueError, "must be one bound, or several values"),
        ({"shrcdd": 10}, ValueError, "has no column 'shrcdd'"),
        ({"exchange": "> 3"}, ValueError, "bound for numbers, and the column holds text"),
        ({"shrcd": 99}, ValueError, "No row of x.csv is selected by shrcd = 99. Look at what the columns hold"),
        (["shrcd"], TypeError, "select must be a dict of columns"),
        ({3: 4}, TypeError, "select must name columns by text; 3"),
    ],
)
def test_bad_selections_are_refused(folder, select, error, says):
    assert_refused(lambda: folder.read(CHOSEN, "x.csv", characteristics=["size"], select=select), error, says)


@every_kind
def test_side_data_are_carried_along_and_are_no_characteristics(folder, kind):
    panel = folder.read(CHOSEN, f"x.{kind}", side=["prc", "exchange"], exclude=["shrcd"])
    assert list(panel.characteristic_names) == ["size"] and list(panel.side) == ["prc", "exchange"]
    assert panel.side["prc"].tolist() == [[4, 6, 7, 5]] * 4
    assert panel.side["exchange"].tolist() == [["NYSE", "AMEX", "nyse", None]] * 4
    both = folder.read(CHOSEN, f"x.{kind}", side=["prc"], characteristics=["size", "prc"])
    assert np.array_equal(both.side["prc"], both.characteristics[:, :, 1])
    lagged = folder.read(CHOSEN, f"x.{kind}", side=["size"], characteristics=["size"], lag=1)
    assert np.array_equal(lagged.side["size"], lagged.characteristics[:, :, 0]) and lagged.side["size"][0, 1] == 1


def test_side_data_of_the_second_file_are_known_one_date_later(folder):
    path = folder.put(CHOSEN[["date", "ticker", "returns", "prc", "exchange"]].assign(prc=np.arange(16.0)), "crsp.csv")
    panel = folder.read(CHOSEN[["date", "ticker", "size"]], "x.csv", returns_path=path, side=["prc", "exchange"])
    assert np.array_equal(panel.side["prc"], [[np.nan] * 4, *np.arange(12).reshape(3, 4)], equal_nan=True)
    assert panel.side["exchange"][0].tolist() == [None] * 4 and panel.side["exchange"][1, 0] == "NYSE"
    later = folder.read(
        CHOSEN[["date", "ticker", "size"]], "x.csv", returns_path=path, side=["prc"], start="2020-03"
    )
    assert later.side["prc"][0].tolist() == [4, 5, 6, 7], "also at the first date that is read"


@pytest.mark.parametrize("every", ["B", "W-FRI", "QE", "YE"])
def test_side_data_of_the_second_file_are_those_of_the_date_before_however_often_dates_come(folder, every):
    dates = pd.date_range("2020-01-02", periods=16, freq=every)
    frame = CHOSEN.iloc[:4].drop(columns="date").merge(pd.DataFrame({"date": dates}), how="cross")
    frame["returns"] = np.sin(np.arange(64)) / 50
    frame["size"], frame["prc"] = np.arange(64) ** 2 + 1.0, np.arange(64.0)
    path = folder.put(frame[["date", "ticker", "returns", "prc", "exchange"]], "crsp.csv")
    panel = folder.read(frame[["date", "ticker", "size"]], "x.csv", returns_path=path, side=["prc", "exchange"])
    own = frame.pivot(index="date", columns="ticker", values="prc").to_numpy()
    assert np.array_equal(panel.side["prc"], np.vstack([[np.nan] * 4, own[:-1]]), equal_nan=True)
    where = panel.side["exchange"].tolist()
    assert where[0] == [None] * 4 and where[1][:2] == ["NYSE", "AMEX"]


@every_kind
def test_whole_numbers_are_selected_however_they_are_written(folder, kind):
    frame = CHOSEN.assign(shrcd=["10.0", "11.0", "x", "10"] * 4)
    with pytest.warns(UserWarning, match=r"shrcd = 10 or 11"):
        panel = folder.read(frame, f"x.{kind}", characteristics=["size"], select={"shrcd": (10, 11)})
    assert list(panel.tickers) == ["A", "B", "D"]


@every_kind
def test_a_large_sparse_file_becomes_a_compact_panel(folder, monkeypatch, kind):
    frame = CHOSEN.drop(columns=["prc", "shrcd", "exchange"]).sample(frac=0.7, random_state=3)
    dense = folder.read(frame, f"x.{kind}", side=["size"], characteristics=["size"])
    monkeypatch.setattr("helpers.compact.LARGE", 10)
    monkeypatch.setattr("helpers.compact.SPARSE", 0.9)
    for options in ({}, {"start": "2020-02", "end": "2020-03"}, {"lag": 1}):
        one = folder.read(frame, f"x.{kind}", side=["size"], characteristics=["size"], **options)
        assert isinstance(one.characteristics, CompactArray)
        with monkeypatch.context() as patch:
            patch.setattr("helpers.compact.LARGE", 1e9)
            other = folder.read(frame, f"x.{kind}", side=["size"], characteristics=["size"], **options)
        assert isinstance(other.characteristics, np.ndarray)
        assert np.array_equal(np.asarray(one.characteristics), other.characteristics, equal_nan=True)
        assert np.array_equal(one.returns, other.returns, equal_nan=True) and one.tickers.equals(other.tickers)
    assert folder.schema(frame, f"x.{kind}").gigabytes < (dense.returns.nbytes + 2 * dense.characteristics.nbytes) / 1e9
