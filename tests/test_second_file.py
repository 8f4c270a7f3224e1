"""A further file of characteristics: joined row by row, known when those of the first file are, or as its layout says.

What it must give is what pandas gives that merges the files first.
"""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import helpers.data.places as places
from helpers.compact import CompactArray
from helpers.data.layout import Layout
from helpers.data.layouts import LAYOUTS
from helpers.data.published import write_published_layout
from helpers.data.reader import read_panel, read_schema
from helpers.panel import Panel
from tests.common import assert_refused

LOST = "ignore:[0-9,]+ of the [0-9,]+ rows of .* have no row"
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.filterwarnings(LOST)]
pytestmark += [pytest.mark.filterwarnings("ignore:.* known for nobody at some of the")]
KINDS = ("csv", "csv.gz", "parquet", "frame")
DOUBLE = {"dtype": "float64"}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The files of the published layout: their paths, and the first as pandas reads it."""
    paths = write_published_layout(tmp_path_factory.mktemp("published"), 40, 30, 4, seed=1)
    return *paths, pd.read_csv(paths[0])


def month_of(days):
    """The ends of the months of dates such as 19570329."""
    return pd.to_datetime(days.astype(str), format="%Y%m%d") + pd.offsets.MonthEnd(0)


def own(first, seed=0, share=0.8):
    """Two signals for most rows of the first file, dated by the last day of the month, and rows that it has not."""
    random = np.random.default_rng(seed)
    rows = first.sample(frac=share, random_state=seed)
    frame = pd.DataFrame({"Permno": rows["permno"], "date": month_of(rows["DATE"])})
    strangers = pd.DataFrame({"Permno": [99_999] * 5, "date": frame["date"].iloc[:5].to_numpy()})
    later = pd.DataFrame({"Permno": frame["Permno"].iloc[:3], "date": pd.Timestamp("1990-01-31")})
    frame = pd.concat([frame, strangers, later], ignore_index=True)
    frame["my_signal"] = random.normal(size=len(frame)).round(6)
    frame["other"] = np.where(random.random(len(frame)) < 0.2, np.nan, random.integers(0, 9, len(frame)))
    return frame


def put(frame, folder, kind="csv", name="mine"):
    """The frame as read_panel may be given it."""
    if kind == "frame":
        return frame
    path = folder / f"{name}.{kind}"
    if kind == "parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return path


def merged(published, mine, ahead=0):
    """The panel of a merge by pandas: the first file, its returns, and one's own rows, by ticker and month."""
    first, second = published[2].copy(), pd.read_csv(published[1])
    first["month"], second["month"] = month_of(first.pop("DATE")), month_of(second.pop("date"))
    frame = first.drop(columns="sic2").merge(second, how="left", on=["permno", "month"])
    mine = mine.rename(columns={"Permno": "permno", "date": "month"})
    mine["month"] = mine["month"] + pd.offsets.MonthEnd(ahead) if ahead else mine["month"]
    frame = frame.merge(mine, how="left", on=["permno", "month"])
    return Panel.from_frame(frame.set_index(["month", "permno"]).rename(columns={"RET": "returns"}))


def same(panel, expected):
    assert list(panel.dates) == list(expected.dates) and list(panel.tickers) == list(expected.tickers)
    assert list(panel.characteristic_names) == list(expected.characteristic_names)
    for name in ("returns", "characteristics"):
        ours, theirs = (np.asarray(getattr(each, name), dtype=float) for each in (panel, expected))
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg=name)


def read(published, mine, **arguments):
    layout = {"layout": "gkx", "returns_path": published[1], "returns": "RET"}
    return read_panel(published[0], more_path=mine, **layout | DOUBLE | arguments)


def said(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("kind", KINDS)
def test_the_panel_is_that_of_a_merge_by_pandas(published, tmp_path, kind):
    mine = own(published[2])
    panel = read(published, put(mine, tmp_path, kind))
    same(panel, merged(published, mine))
    assert list(panel.characteristic_names)[-2:] == ["my_signal", "other"]


@pytest.mark.parametrize("how", ["rows", "columns", "rows of the first"])
def test_the_order_of_rows_and_columns_does_not_count(published, tmp_path, how):
    mine, first = own(published[2]), published[2]
    expected = read(published, mine)
    if how == "rows":
        mine = mine.sample(frac=1, random_state=3)
    elif how == "columns":
        mine = mine[mine.columns[::-1]]
    else:
        first = first.sample(frac=1, random_state=3)
    found = read((put(first, tmp_path, name="first"), *published[1:]), put(mine, tmp_path))
    same(found.select_characteristics(expected.characteristic_names), expected)


def test_a_large_sparse_panel_is_joined_without_an_array(published, monkeypatch):
    mine = own(published[2])
    dense = read(published, mine)
    monkeypatch.setattr(places, "is_large", lambda *sizes: True)
    monkeypatch.setattr(CompactArray, "__array__", lambda *a, **k: pytest.fail("an array was made"))
    large = read(published, mine)
    monkeypatch.undo()
    assert isinstance(large.characteristics, CompactArray)
    same(large, dense)


@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_a_layout_says_when_the_signals_are_known(published, ahead):
    mine = own(published[2])
    layout = replace(LAYOUTS["gkx"], months_ahead=ahead)
    same(read(published, mine, more_layout=layout), merged(published, mine, ahead))


def test_a_layout_names_the_columns_of_its_own_file(published):
    mine = own(published[2])
    renamed = mine.rename(columns={"Permno": "stock", "date": "month"})
    layout = Layout(name="mine", title="my signals", known="at the month's end", date="month", ticker="stock")
    same(read(published, renamed, more_layout=layout), read(published, mine))
    osap = mine.assign(yyyymm=mine["date"].dt.strftime("%Y%m").astype(int)).drop(columns="date")
    osap = osap.rename(columns=str.lower)
    same(read(published, osap, more_layout="osap"), merged(published, mine, 1))
    assert_refused(
        lambda: read(published, osap), ValueError, "more_path has no column 'DATE'",
        "Pass more_layout='osap'", "or name its date as in the first file",
    )  # fmt: skip


def test_without_a_layout_its_rows_are_dated_as_those_of_the_first(tmp_path):
    """In a file whose rows explain the return of the next month, so do those of the further one; lag moves both."""
    dates = pd.date_range("2000-01-31", periods=30, freq="ME")
    index = pd.MultiIndex.from_product([dates, range(1, 8)], names=["eom", "id"])
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(0, 0.1, (210, 3)), index, ["ret_exc_lead1m", "me", "mine"]).reset_index()
    frame[["obs_main", "common", "exch_main", "primary_sec"]] = 1
    for arguments in ({}, {"lag": 1}, {"start": "2000-06", "end": "2001-12"}, {"lag": 2, "start": "2000-06"}):
        given = DOUBLE | {"layout": "jkp"} | arguments
        both = read_panel(frame.drop(columns="mine"), more_path=frame[["id", "eom", "mine"]], **given)
        same(both, read_panel(frame, **given))
    plain = frame[["id", "eom", "ret_exc_lead1m", "me", "mine"]]
    plain = plain.set_axis(["ticker", "date", "returns", "me", "x"], axis=1)
    for arguments in ({}, {"lag": 1}):
        both = read_panel(plain.drop(columns="x"), more_path=plain[["date", "ticker", "x"]], **DOUBLE, **arguments)
        same(both, read_panel(plain, **DOUBLE, **arguments))


def test_daily_files_are_joined_by_day():
    days = pd.bdate_range("2020-01-01", periods=40)
    index = pd.MultiIndex.from_product([days, ["A", "B", "C"]], names=["date", "ticker"])
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(0, 0.01, (120, 3)), index, ["returns", "size", "mine"]).reset_index()
    first, mine = frame.drop(columns="mine"), frame[["date", "ticker", "mine"]]
    same(read_panel(first, more_path=mine), read_panel(frame))
    monthly = replace(LAYOUTS["gkx"], ticker="ticker", months_ahead=1)
    assert_refused(
        lambda: read_panel(first, more_path=mine, more_layout=monthly),
        ValueError, "The dates of more_path are daily", "is monthly",
    )  # fmt: skip


def test_tickers_and_numbers_are_read_as_in_the_first_file(published, tmp_path):
    mine = own(published[2]).dropna()
    expected = read(published, mine)
    text = mine.astype({"Permno": str, "my_signal": str, "other": str})
    text["Permno"] = "0" + text["Permno"]
    same(read(published, put(text, tmp_path)), expected)
    same(read(published, text), expected)
    text["my_signal"] = " " + text["my_signal"] + "\u00a0"
    same(read(published, put(text, tmp_path)), expected)
    blank = own(published[2])
    coded = blank.fillna({"other": -77.5})
    same(read(published, put(coded, tmp_path), missing_values=["-77.5"]), read(published, blank))
    spoken = blank.astype({"other": object}).fillna({"other": "unknown"})
    same(read(published, put(spoken, tmp_path), missing_values=["unknown"]), read(published, blank))
    dotted = blank.astype({"other": object}).fillna({"other": " . "})
    same(read(published, put(dotted, tmp_path)), read(published, blank))


def test_characteristics_are_chosen_from_both_files_in_the_order_wanted(published):
    mine = own(published[2])
    panel = read(published, mine, characteristics=["other", "mvel1", "my_signal"])
    same(panel, merged(published, mine).select_characteristics(["other", "mvel1", "my_signal"]))
    panel = read(published, mine, exclude=["other", "mvel1"])
    assert not {"other", "mvel1"} & {*panel.characteristic_names} and "my_signal" in panel.characteristic_names
    assert list(read(published, mine, characteristics=["other"]).characteristic_names) == ["other"]


def test_side_data_and_selections_may_be_of_it(published, tmp_path):
    mine = own(published[2])
    mine["group"] = np.where(mine["other"] > 4, "high", None)
    expected = merged(published, mine.drop(columns="group"))
    panel = read(published, put(mine, tmp_path), side=["group", "other"], characteristics=["my_signal"])
    j = list(expected.characteristic_names).index("other")
    assert np.array_equal(panel.side["other"], expected.characteristics[:, :, j], equal_nan=True)
    assert ((panel.side["group"] == "high") == (panel.side["other"] > 4)).all()
    chosen = read_quietly(published, put(mine, tmp_path), select={"other": "> 4"}, characteristics=["my_signal"])
    there = expected.characteristics[:, :, j] > 4
    names = expected.tickers.isin(chosen.tickers)
    assert set(expected.tickers[there.any(axis=0)]) >= set(chosen.tickers)
    k = list(expected.characteristic_names).index("my_signal")
    signal = np.where(there, expected.characteristics[:, :, k], np.nan)[:, names]
    found = pd.DataFrame(chosen.characteristics[:, :, 0], chosen.dates).reindex(expected.dates)
    assert np.array_equal(found, signal, equal_nan=True)


def read_quietly(*arguments, **named):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(*arguments, **named)


@pytest.mark.filterwarnings("default")
def test_rows_without_a_partner_are_counted(published):
    mine, first = own(published[2]), published[2]
    counted = [sentence for sentence in said(lambda: read(published, mine)) if " more_path" in sentence]
    n, name = len(first), published[0].name
    assert counted == [
        f"8 of the {len(mine)} rows of more_path have no row that is read in {name}, and are left out (3 of them at "
        "other dates).",
        f"{n - len(mine) + 8} of the {n:,} rows of {name} have no row in more_path: what that says is unknown there.",
    ]
    whole = own(first, share=1.0).iloc[:n]
    assert not [sentence for sentence in said(lambda: read(published, whole)) if "more_path" in sentence]


@pytest.mark.filterwarnings("default")
def test_the_schema_knows_both_files(published, tmp_path):
    mine = own(published[2]).assign(note="text", permco=1)
    path = put(mine, tmp_path)
    layout = {"layout": "gkx", "returns_path": published[1], "returns": "RET", "more_path": path}
    schema = read_schema(published[0], **layout)
    assert {"my_signal", "other", "note", "mvel1"} <= set(schema.columns.index)
    assert schema.columns.loc["note", "holds"] == "text" and schema.columns.loc["note", "missing"] == 0
    assert list(schema.warnings) == said(lambda: read_panel(published[0], **layout))
    same(read_quietly(published, path), merged(published, mine.drop(columns=["note", "permco"])))


@pytest.mark.filterwarnings("default")
def test_text_is_left_out_of_either_file(published, tmp_path):
    mine, first = own(published[2]), published[2].assign(name="a", also=" 3\u00a0")
    paths = put(first, tmp_path, name="first"), *published[1:]
    path = put(mine.assign(note="b", more=" 4\u00a0"), tmp_path)
    panel = read_quietly(paths, path)
    same(panel, read_quietly((first.drop(columns="name").assign(also=3), *published[1:]), mine.assign(more=4)))
    assert {"also", "more"} < {*panel.characteristic_names}
    (sentence,) = [each for each in said(lambda: read(paths, path)) if "hold no numbers" in each]
    assert sentence.startswith("2 column(s) hold no numbers and are left out: 'name'") and "'note'" in sentence


@pytest.mark.filterwarnings("default")
def test_a_signal_that_was_not_known_yet_is_found_out(published):
    second = pd.read_csv(published[1]).rename(columns={"RET": "last"})
    words = said(lambda: read(published, second))
    assert any("'last' looks like the return itself" in sentence for sentence in words)
    layout = replace(LAYOUTS["gkx"], months_ahead=1)
    assert not any("looks like" in sentence for sentence in said(lambda: read(published, second, more_layout=layout)))
    signals = second.assign(yyyymm=second.pop("date") // 100)
    plain = published[2].assign(yyyymm=published[2]["DATE"] // 100).drop(columns=["DATE", "sic2"])
    names = {"date": "yyyymm", "ticker": "permno", "returns": "RET", "more_path": signals}
    returns = pd.read_csv(published[1]).assign(yyyymm=lambda frame: frame.pop("date") // 100)
    words = said(lambda: read_panel(plain, returns_path=returns, **names))
    assert any(sentence.startswith("more_path looks like more_layout='osap'") for sentence in words)


BAD = {
    "repeated rows": (lambda mine: pd.concat([mine, mine[:2]]), {}, "mine.csv has 2 repeated (date, ticker) row(s)"),
    "two dates in a month": (
        lambda mine: pd.concat([mine, mine[:1].assign(date=mine["date"] - pd.Timedelta(days=3))]), {},
        "mine.csv has 1 repeated", "two dates in one month are one date",
    ),
    "a column of both": (
        lambda mine: mine.rename(columns={"other": "mvel1"}), {},
        "Both simulated_characteristics.csv and mine.csv have the column(s) 'mvel1'", "exclude=('mvel1',)",
    ),
    "a column of both that is asked for": (
        lambda mine: mine.rename(columns={"other": "mvel1"}), {"characteristics": ["mvel1"]}, "Both simulated_ch",
    ),
    "the column of the returns": (
        lambda mine: mine.rename(columns={"other": "RET"}), {}, "Both simulated_returns.csv and mine.csv", "'RET'",
    ),
    "text beside numbers": (
        lambda mine: mine.astype({"other": object}).fillna({"other": "B?"}), {},
        "In mine.csv, column 'other' holds text beside numbers: 'B?'", "missing_values=('B?',)",
    ),
    "text that is asked for": (lambda mine: mine.assign(other="x"), {"characteristics": ["other"]}, "mine.csv", "'x'"),
    "infinite values": (lambda mine: mine.fillna(np.inf), {}, "mine.csv holds infinite values", "'other' in row"),
    "no column of dates": (lambda mine: mine.drop(columns="date"), {}, "has no column 'DATE'", "Name its date"),
    "no column of tickers": (lambda mine: mine.drop(columns="Permno"), {}, "mine.csv has no column 'permno'"),
    "no ticker in common": (
        lambda mine: mine.assign(Permno=mine["Permno"] + 10**6), {},
        "mine.csv has no row of a ticker and date of simulated_characteristics.csv",
    ),
    "no date in common": (
        lambda mine: mine.assign(date=mine["date"] + pd.offsets.MonthEnd(999)), {}, "has no row of a ticker and date",
    ),
    "another frequency": (
        lambda mine: pd.DataFrame({"Permno": 1, "date": pd.bdate_range("1957-04-01", periods=200), "x": 1.0}), {},
        "is monthly and mine.csv is daily", "Bring mine.csv to the dates of",
    ),
    "a column that no file has": (
        lambda mine: mine, {"characteristics": ["my_singal"]},
        "Neither simulated_characteristics.csv nor mine.csv has a column 'my_singal'", "Perhaps 'my_signal' is meant",
    ),
    "a column to exclude that no file has": (lambda mine: mine, {"exclude": ["theirs"]}, "Neither", "in exclude."),
    "side data that no file has": (lambda mine: mine, {"side": ["theirs"]}, "has no column 'theirs'"),
    "a selection that no row passes": (
        lambda mine: mine, {"select": {"other": 77}, "characteristics": ["my_signal"]}, "No row of", "other = 77",
    ),
    "a column named returns": (lambda mine: mine.rename(columns={"other": "returns"}), {}, "Column 'returns' of mine"),
    "the returns of the next date": (
        lambda mine: mine.rename(columns={"other": "returns_fwd"}), {}, "Column 'returns_fwd' of mine.csv",
    ),
    "row numbers of pandas": (lambda mine: mine.rename(columns={"other": ""}), {}, "A column of mine.csv has no name"),
    "a wide layout": (lambda mine: mine, {"more_layout": "french"}, "more_layout='french' is a wide table"),
    "no such layout": (lambda mine: mine, {"more_layout": "gxk"}, "more_layout must be one of"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_further_files_are_refused(published, tmp_path, case):
    change, arguments, *words = BAD[case]
    path = put(change(own(published[2])), tmp_path)
    assert_refused(lambda: read(published, path, **arguments), ValueError, *words)
    if not arguments:
        layout = {"layout": "gkx", "returns_path": published[1], "returns": "RET"}
        try:
            reported = read_schema(published[0], more_path=path, **layout | arguments).warnings
        except ValueError as error:
            reported = (str(error),)
        assert any(words[0] in sentence for sentence in reported)


def test_a_further_file_is_needed_for_its_layout_and_is_none_of_a_wide_table(published, tmp_path):
    assert_refused(
        lambda: read(published, None, more_layout="osap"), ValueError, "more_layout was given without more_path"
    )
    assert_refused(lambda: read(published, tmp_path / "nothing.csv"), FileNotFoundError, "nothing.csv")
    assert_refused(lambda: read(published, 7), TypeError, "must be the path of a file")
    table = pd.DataFrame({("Close", "A"): [1.0, 2.0]}, pd.bdate_range("2020-01-01", periods=2))
    assert_refused(
        lambda: read_panel(table, layout="yfinance", more_path=own(published[2])), ValueError, "is a wide table"
    )


def test_columns_of_both_are_read_from_neither_once_they_are_excluded(published):
    mine = own(published[2]).rename(columns={"other": "mvel1"})
    panel = read(published, mine, exclude=["mvel1"])
    assert "mvel1" not in panel.characteristic_names and "my_signal" in panel.characteristic_names
    last = own(published[2]).rename(columns={"other": "RET"})
    same(read_quietly(published, last, exclude=["RET"]), read(published, own(published[2]), exclude=["other"]))
