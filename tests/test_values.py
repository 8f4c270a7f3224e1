"""What stands in the files of researchers: codes, percents, odd numbers, odd dates and odd tickers: right or named."""

import subprocess
import sys
from decimal import Decimal
from itertools import product

import numpy as np
import pandas as pd
import pytest

from helpers.data.layout import IDENTIFIERS
from helpers.data.published import PUBLISHED_CHARACTERISTICS
from helpers.data.reader import read_panel, read_schema
from helpers.data.returns import notes_on_returns
from helpers.data.tickers import positions_of
from tests.common import assert_refused
from tests.test_reader import KINDS, Folder, as_file, every_kind, monthly, noise

pytestmark = pytest.mark.filterwarnings("error")
CODED = [3, 7, 9, 12]  # rows
either = pytest.mark.parametrize("column", ["returns", "x"])


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def with_texts(column, written, rows=CODED, n_dates=30):
    """A monthly file whose column is text, some of it written so."""
    frame = monthly(n_dates, x=noise)
    frame[column] = frame[column].map(repr)
    frame.loc[rows, column] = written
    return frame


def with_numbers(column, value, rows=CODED):
    frame = monthly(30, x=noise)
    frame.loc[rows, column] = value
    return frame


def missing_rows(panel, column):
    """The rows of the file, by date and then ticker, that have no number."""
    values = panel.returns if column == "returns" else panel.characteristics[:, :, 0]
    return np.flatnonzero(np.isnan(values)).tolist()


def refused_by_both(folder, content, name, *fragments, error=ValueError, **arguments):
    """The panel is refused in these words, and the schema reports them, or is refused in them itself."""
    assert_refused(lambda: folder.read(content, name, **arguments), error, *fragments)
    try:
        sentences = folder.schema(content, name, **arguments).warnings
    except (ValueError, TypeError) as refusal:
        sentences = (str(refusal),)
    assert any(all(fragment in sentence for fragment in fragments) for sentence in sentences), sentences


# --- Codes of missing numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["-99.99", "-99.990", " -99.99 ", "-99.9900000", "-9.999e1", "\xa0-99.99"])
@either
@every_kind
def test_a_code_is_caught_however_it_is_written(folder, kind, column, written):
    frame, name = with_texts(column, written), f"data.{kind}"
    assert folder.warnings(frame, name, missing_values=["-99.99"]) == []
    assert missing_rows(folder.read(frame, name, missing_values=["-99.99"]), column) == CODED


@pytest.mark.parametrize("code", [-99.0, -99.99, -999.0, -66.0])
@either
@every_kind
def test_a_code_that_is_a_number_is_caught_whatever_its_type(folder, kind, column, code):
    frame = with_numbers(column, code)
    for typed in (frame, frame.astype({column: "float32"})):
        arguments = {"missing_values": [f"{code:.2f}"], "dtype": "float64"}
        panel = folder.read(typed, f"data.{kind}", **arguments)
        assert missing_rows(panel, column) == CODED
        others = np.setdiff1d(np.arange(180), CODED)
        values = panel.returns if column == "returns" else panel.characteristics
        assert np.allclose(values.ravel()[others], frame[column][others], rtol=1e-6, atol=0)


def test_codes_of_parquet_in_decimals_and_whole_numbers(folder):
    frame = monthly(30, x=lambda r, random: random.integers(-5, 5, r.shape))
    frame.loc[CODED, "x"] = -999
    assert missing_rows(folder.read(frame, "data.parquet", missing_values=["-999.0"]), "x") == CODED
    frame["x"] = [Decimal("-999.990" if value == -999 else value) for value in frame["x"].map(int)]
    assert missing_rows(folder.read(frame, "data.parquet", missing_values=["-999.99"]), "x") == CODED


@pytest.mark.parametrize("written", [".", " . ", ".A", ".Z", "._", " .B", ".e ", "NA", "", " "])
@either
@every_kind
def test_dots_and_letters_of_sas_are_missing(folder, kind, column, written):
    frame, name = with_texts(column, written), f"data.{kind}"
    assert folder.warnings(frame, name) == []
    assert missing_rows(folder.read(frame, name), column) == CODED


@pytest.mark.parametrize("written", ["C", " C", "C ", "\tC", "\xa0C"])
@either
@every_kind
def test_letters_are_named_with_their_remedy_and_the_remedy_helps(folder, kind, column, written):
    frame, name = with_texts(column, written), f"data.{kind}"
    refused_by_both(folder, frame, name, f"{column!r} holds text beside numbers", "pass missing_values=('C',)")
    assert folder.warnings(frame, name, missing_values=("C",)) == []
    assert missing_rows(folder.read(frame, name, missing_values=("B", "C")), column) == CODED


@pytest.mark.parametrize("code", [-99.99, -99.9, -99, -999, -9999, -999.99, -66, -77, -88])
@every_kind
def test_returns_that_are_codes_are_named_and_the_remedy_helps(folder, kind, code):
    frame, name = with_numbers("returns", code), f"data.{kind}"
    (sentence,) = folder.warnings(frame, name)
    assert "4 of them lie below -1" in sentence and sentence.endswith(f"pass missing_values=('{code:g}',).")
    assert folder.warnings(frame, name, missing_values=(f"{code:g}",)) == []


@pytest.mark.parametrize("code", [-99.99, -99.9, -99, -999, -9999])
@every_kind
def test_codes_among_percents_do_not_become_returns_without_a_word(folder, kind, code):
    frame, name = with_numbers("returns", np.nan), f"data.{kind}"
    frame["returns"] = frame["returns"].mul(100).fillna(code)
    (sentence,) = folder.warnings(frame, name, percent=True)
    assert f"such as {code / 100:.4g} of T3" in sentence and f"missing_values=('{code:g}',)" in sentence
    assert folder.warnings(frame, name, percent=True, missing_values=(f"{code:g}",)) == []
    coded, percent = folder.warnings(frame, name)
    assert f"missing_values=('{code:g}',)" in coded and "percent=True" in percent


def test_a_single_code_among_percents_and_beside_a_wrong_return(folder):
    frame = with_numbers("returns", np.nan, [3])
    percents = frame.assign(returns=frame["returns"].mul(100).fillna(-99.99))
    assert "missing_values=('-99.99',)" in folder.warnings(percents, percent=True)[0]
    sound = frame.assign(returns=frame["returns"].mul(100).fillna(-99))  # a share may lose 99 percent, once
    assert folder.warnings(sound, percent=True) == []
    frame.loc[3, "returns"], frame.loc[8, "returns"] = -99.99, -1.5
    coded, wrong = folder.warnings(frame)
    assert "missing_values=('-99.99',)" in coded and "1 of them lie below -1, such as -1.5" in wrong


@pytest.mark.parametrize("codes", [(-99,) * 2, (-99.99,) * 4, (-999,) * 2, (-9999,) * 4, (-99.99,), (-66, -77, -99)])
@every_kind
def test_codes_in_characteristics_are_named_and_the_remedy_helps(folder, kind, codes):
    frame, name = with_numbers("x", codes, CODED[: len(codes)]), f"data.{kind}"
    texts = tuple(f"{code:g}" for code in sorted(set(codes)))
    (sentence,) = folder.warnings(frame, name)
    assert "'x' (" in sentence and sentence.endswith(f"If so, pass missing_values={texts!r}.")
    assert folder.warnings(frame.astype({"x": "float32"}), name) == [sentence]
    assert folder.warnings(frame, name, missing_values=texts) == []


@pytest.mark.parametrize("values", [(-99, -98.5), (-99, -99, -50), (-100.0, -100.0), (99, 99), (-98, -98, -97)])
def test_low_numbers_are_no_codes(folder, values):
    assert folder.warnings(with_numbers("x", values, CODED[: len(values)])) == []
    spread = monthly(x=lambda r, random: random.integers(-150, 150, r.shape))
    assert (spread["x"] == -99).any() and folder.warnings(spread) == []
    spread.loc[[3, 200], "x"] = -9999
    (sentence,) = folder.warnings(spread)
    assert "'x' (-9999). If so, pass missing_values=('-9999',)" in sentence


@pytest.mark.parametrize("at_once", [1, 7, 300])
def test_codes_are_found_wherever_they_stand_in_a_long_file(folder, monkeypatch, at_once):
    monkeypatch.setattr("helpers.data.file.ROWS_AT_ONCE", at_once)
    frame = monthly(x=lambda r, random: random.normal(0, 15, r.shape), y=noise)
    for rows in ([0, 1], [238, 239], [0, 239], [100, 101]):
        coded = frame.copy()
        coded.loc[rows, ["x", "y"]] = -999
        (sentence,) = folder.warnings(coded, "data.parquet")
        assert "2 characteristic(s) hold what looks like a code" in sentence and "'x' (-999), 'y' (-999)" in sentence


@pytest.mark.parametrize("kinds", [*product(KINDS, repeat=2)])
def test_codes_and_percents_of_a_second_file(folder, kinds):
    frame, name = with_numbers("returns", -99.99), f"data.{kinds[0]}"
    for percent in (False, True):
        second = frame.assign(
            returns=frame["returns"].mask(frame["returns"] > -1, frame["returns"] * (1 + 99 * percent))
        )
        path = folder.put(second.drop(columns="x"), f"crsp.{kinds[1]}")
        arguments = {"returns_path": path, "percent": percent}
        (sentence,) = folder.warnings(frame.drop(columns="returns"), name, **arguments)
        assert "missing_values=('-99.99',)" in sentence
        arguments["missing_values"] = ("-99.99",)
        assert folder.warnings(frame.drop(columns="returns"), name, **arguments) == []
        panel = folder.read(frame.drop(columns="returns"), name, dtype="float64", **arguments)
        assert missing_rows(panel, "returns") == CODED
        assert np.allclose(np.delete(panel.returns.ravel(), CODED), np.delete(frame["returns"].to_numpy(), CODED))


# --- Percent ----------------------------------------------------------------------------------------------------------


def test_a_riskless_column_does_not_hide_percents_of_the_others():
    random = np.random.default_rng(0)
    dates, names = pd.date_range("2000-01-31", periods=40, freq="ME"), pd.Index(["rf", "bill", "note", "mkt"])
    percents = np.abs(random.normal(0, 4, (40, 4))) * [0.001, 0.002, 0.003, 1]
    (sentence,) = notes_on_returns(percents, dates, names, "monthly")
    assert "those of 1 ticker(s), such as mkt, have a median size" in sentence and "percent=True" in sentence
    assert notes_on_returns(percents / 100, dates, names, "monthly") == []


def test_a_penny_stock_among_many_does_not_make_percents():
    random = np.random.default_rng(0)
    returns = np.abs(random.normal(0, 0.05, (40, 20))) * ([1] * 19 + [10])
    dates = pd.date_range("2000-01-31", periods=40, freq="ME")
    assert notes_on_returns(returns, dates, pd.RangeIndex(20), "monthly") == []


@pytest.mark.parametrize("frequency, size", [("daily", 0.15), ("weekly", 0.3), ("monthly", 0.4)])
def test_percents_of_calm_tickers_are_seen_by_their_frequency(frequency, size):
    random = np.random.default_rng(0)
    returns, dates = random.choice([-size, size], (40, 4)), pd.date_range("2000-01-31", periods=40)
    assert "their median size" in notes_on_returns(returns, dates, pd.RangeIndex(4), frequency)[0]
    assert notes_on_returns(returns / 10, dates, pd.RangeIndex(4), frequency) == []


@every_kind
def test_fractions_that_are_divided_by_100_are_remarked_on(folder, kind):
    (sentence,) = folder.warnings(monthly(x=noise), f"data.{kind}", percent=True)
    assert "fractions already" in sentence and "percent=False" in sentence
    wrong = monthly(x=noise).assign(returns=lambda frame: frame["returns"] * 1e4)
    (sentence,) = folder.warnings(wrong, f"data.{kind}", percent=True)
    assert "although they were divided by 100" in sentence and "pass percent" not in sentence


# --- Numbers in odd ways ----------------------------------------------------------------------------------------------

ODD = {
    "−0.01": "a minus sign other than '-'",
    "–0.01": "a minus sign other than '-'",
    "﹣0.01": "a minus sign other than '-'",
    "−99.99": "a minus sign other than '-'",
    "1%": "a percent sign: remove it, and pass percent=True",
    "-1.5 %": "a percent sign",
    "1,234": "a comma, of thousands or of decimals",
    "1,234.5": "marks or blanks between thousands",
    "1,234,567": "marks or blanks between thousands",
    "1'234": "marks or blanks between thousands",
    "1.234.567": "marks or blanks between thousands",
    "1_000": "marks or blanks between thousands",
    "1 234": "marks or blanks between thousands",
    "1\u202f234": "marks or blanks between thousands",
    "1.234,5": "a decimal comma",
    "0,01": "a decimal comma",
    "0,123": "a decimal comma",
    "-,5": "a decimal comma",
    "(0.01)": "parentheses, as accountants write what is negative",
    "$5": "a currency",
    "-$5": "a currency",
    "5 €": "a currency",
    "5.0 USD": "a currency",
    "- 0.5": "blanks within it",
    "1d-3": "d for the exponent",
    "0.5*": "a mark behind it",
    "1.5a": "a mark behind it",
    "\u200b0.5": "characters that cannot be seen",
    "\ufeff0.5": "characters that cannot be seen",
    "１.5": "digits other than 0 to 9",
    "True": "a word for yes or no",
}


@pytest.mark.parametrize("written", ODD)
@either
@every_kind
def test_numbers_in_odd_ways_are_named_for_what_they_are(folder, kind, column, written):
    frame, name = with_texts(column, written), f"data.{kind}"
    refused_by_both(folder, frame, name, f"{written!r} has {ODD[written]}")
    with pytest.raises(ValueError, match="text beside numbers") as refusal:
        folder.read(frame, name)
    assert "missing_values" not in str(refusal.value)


@pytest.mark.parametrize("written, number", [
    ("1e-3 ", 0.001), (" 0.5", 0.5), ("+0.5", 0.5), ("\t.5", 0.5), ("1E+02", 100.0), ("1.", 1.0),
    ("\xa00.5", 0.5), ("0.5\xa0", 0.5), ("\u202f0.5\u2009", 0.5),
])  # fmt: skip
@either
@every_kind
def test_blanks_and_signs_around_a_number_do_no_harm(folder, kind, column, written, number):
    frame, name = with_texts(column, written), f"data.{kind}"
    panel = folder.read(frame, name, dtype="float64")
    values = panel.returns if column == "returns" else panel.characteristics
    assert (values.ravel()[CODED] == number).all() and not np.isnan(values).any()
    assert folder.schema(frame, name).columns["holds"].to_list() == ["numbers"]


def test_blanks_that_do_not_break_far_down_a_long_file(folder, monkeypatch):
    monkeypatch.setattr("helpers.data.file.BYTES_AT_ONCE", 300)
    frame = with_texts("x", "\xa00.5", [150, 170]).assign(
        y=lambda frame: frame["returns"].map("\xa0{:.1f}".format), z="T"
    )
    panel = folder.read(frame, characteristics=["x", "y"])
    assert (panel.characteristics[:, :, 0].ravel()[[150, 170]] == 0.5).all()
    assert np.allclose(panel.characteristics[..., 1].ravel(), frame["y"].str.strip().astype(float))


def test_several_faults_are_named_with_one_remedy_each(folder):
    frame = with_texts("x", ["1%", "2%", "C", "−1"])
    with pytest.raises(ValueError, match="text beside numbers") as refusal:
        folder.read(frame)
    said = str(refusal.value)
    assert said.count("percent sign") == said.count("minus sign") == 1 and "missing_values=('C',)" in said


@every_kind
def test_columns_of_odd_numbers_alone_are_left_out_with_the_reason(folder, kind):
    frame = monthly(30, x=noise, y=noise)
    frame["y"] = frame["y"].map("{:.3f}".format).str.replace(".", ",")
    (sentence,) = folder.warnings(frame, f"data.{kind}")
    assert "'y' (" in sentence and "has a decimal comma" in sentence and "Name them in exclude" in sentence
    frame["y"] = "1.5a"
    frame.loc[0, "y"] = "Utilities"
    (sentence,) = folder.warnings(frame, f"data.{kind}")
    assert "a mark behind it" not in sentence


# --- Prices -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["prc", "PRC", "price", "altprc"])
@every_kind
def test_prices_below_zero_are_named(folder, kind, name):
    frame = monthly(30, x=lambda r, random: random.uniform(2, 50, r.shape)).rename(columns={"x": name})
    assert folder.warnings(frame, f"data.{kind}") == []
    frame.loc[CODED, name] *= -1
    (sentence,) = folder.warnings(frame, f"data.{kind}")
    assert repr(name) in sentence and "mean of bid and ask" in sentence and "absolute value" in sentence
    assert folder.warnings(frame.rename(columns={name: "spread"}), f"data.{kind}") == []
    frame[name] = frame[name].rank(pct=True) - 0.5
    assert folder.warnings(frame, f"data.{kind}") == []


# --- Columns and files ------------------------------------------------------------------------------------------------

# Names of the global factor data of Jensen, Kelly and Pedersen, and of Open Source Asset Pricing, that might be taken.
CHARACTERISTICS_OF_OTHERS = (
    "age ami_126d at_be at_gr1 be_me beta_60m betabab_1260d bev_mev bidaskhl_21d capex_abn cash_at chcsho_12m "
    "cop_at div12m_me dolvol_126d ebit_bev emp_gr1 eqnpo_12m f_score fcf_me gp_at intrinsic_value iskew_capm_21d "
    "ivol_capm_21d kz_index lti_gr1a market_equity mispricing_mgmt niq_at niq_su o_score oaccruals_at prc "
    "prc_highprc_252d qmj ret_12_1 ret_1_0 rmax1_21d rd_me resff3_12_1 sale_me seas_1_1an seas_11_15na "
    "tangibility tax_gr1a turnover_126d z_score accruals ageipo announcementreturn beta bm dolvol exchswitch "
    "governance herf hire idiovol3f illiquidity indipo indmom maxret mom12m mom1m price ps sinalgo size spinoff "
    "tang turn volsd zerotrade me ret_lag_dif"
).split()


def test_no_characteristic_of_researchers_is_among_the_identifiers():
    lower = {name.lower() for name in PUBLISHED_CHARACTERISTICS} | set(CHARACTERISTICS_OF_OTHERS)
    assert not lower & set(IDENTIFIERS) and IDENTIFIERS == [name.lower() for name in IDENTIFIERS]


@every_kind
def test_identifiers_are_left_out_with_a_word_unless_they_are_asked_for(folder, kind):
    frame = monthly(30, x=noise)
    names = ["year", "Month", "permco", "SICCD", "gvkey"]
    frame = frame.assign(**{name: np.arange(180) for name in names})
    (sentence,) = folder.warnings(frame, f"data.{kind}")
    assert sentence.startswith("5 column(s) say who a ticker is or when, and are left out: 'year', 'Month', 'permco'")
    assert list(folder.read(frame, f"data.{kind}", exclude=names).characteristic_names) == ["x"]
    panel = folder.read(frame, f"data.{kind}", characteristics=["x", "year"])
    assert list(panel.characteristic_names) == ["x", "year"]


@pytest.mark.parametrize("name", ["A.CSV.GZ", "a.csv.GZ", "a.CSV.gz", "A.CSV", "A.PARQUET", "a.Parquet"])
def test_endings_in_capitals(folder, name):
    frame = monthly(10, x=noise)
    written = folder.put(frame, "written" + name[1:].lower())
    path = written.rename(written.with_name(name))
    panel = read_panel(path, dtype="float64")
    assert np.array_equal(panel.returns.ravel(), frame["returns"]) and read_schema(path).warnings == ()


# --- Tickers ----------------------------------------------------------------------------------------------------------

WAYS = {
    "int": lambda label: int(label),
    "float": lambda label: float(label),
    "text": lambda label: label.lstrip("0"),
    "padded": lambda label: label.zfill(6),
    "with .0": lambda label: label.lstrip("0") + (".0" if label.isdigit() else ""),
    "with .00": lambda label: label.lstrip("0") + (".00" if label.isdigit() else ""),
}
BLANK = {"blank": lambda label: f" {label}"}
NUMBERS, MIXED = ("001004", "001013", "120000"), ("001004", "001013", "0012AB")


def two_files(folder, tickers, ways, kinds):
    """Characteristics in a first file and returns in a second, and what read_panel is to be told."""
    dates = pd.date_range("2000-01-31", periods=4, freq="ME")
    ways = [(WAYS | BLANK)[way] for way in ways]
    first, second = (as_file(dates, list(map(way, tickers))).rename(columns={"returns": "r"}) for way in ways)
    path = folder.put(second.drop(columns="x"), f"crsp.{kinds[1]}")
    return (first.drop(columns="r"), f"data.{kinds[0]}"), {"returns": "r", "returns_path": path}, second["r"]


@pytest.mark.parametrize("kinds", [*product(("csv", "parquet"), repeat=2)])
@pytest.mark.parametrize("ways", [*product(WAYS, repeat=2)])
def test_numbers_are_one_ticker_however_they_are_written(folder, ways, kinds):
    file, arguments, returns = two_files(folder, NUMBERS, ways, kinds)
    assert folder.warnings(*file, **arguments) == []
    panel = folder.read(*file, dtype="float64", **arguments)
    by_number = np.argsort([int(float(ticker)) for ticker in panel.tickers])
    assert np.array_equal(panel.returns[:, by_number].ravel(), returns)


@pytest.mark.parametrize("kinds", [*product(("csv", "parquet"), repeat=2)])
@pytest.mark.parametrize("ways", [*product(["text", "padded", "with .0"], repeat=2)])
def test_numbers_among_letters_are_matched_and_letters_are_named(folder, ways, kinds):
    file, arguments, _ = two_files(folder, MIXED, ways, kinds)
    alike = ("padded" in ways) == (ways[0] == ways[1])
    sentences = folder.warnings(*file, **arguments)
    panel = folder.read(*file, dtype="float64", **arguments) if not sentences else None
    if alike or "padded" not in ways:
        assert sentences == [] and not np.isnan(panel.returns).any()
    else:
        without_a_partner, sentence, left_out = sentences
        assert "have no row in" in without_a_partner and "no return at any date" in left_out
        assert "1 ticker(s) of data." in sentence and "'0012AB'" in sentence and "differ in their writing" in sentence


@pytest.mark.parametrize("kinds", [*product(("csv", "parquet"), repeat=2)])
@pytest.mark.parametrize("way", ["text", "padded", "int"])
def test_blanks_around_tickers_of_either_file_are_named(folder, way, kinds):
    for ways in ((way, "blank"), ("blank", way)):
        file, arguments, _ = two_files(folder, NUMBERS, ways, kinds)
        refused_by_both(folder, *file, "3 ticker(s) of", "have blanks around them", **arguments)


@every_kind
def test_tickers_that_are_all_written_otherwise_are_named_when_nothing_is_joined(folder, kind):
    file, arguments, _ = two_files(folder, ["00AB", "0CD1"], ("text", "padded"), (kind, "csv"))
    refused_by_both(folder, *file, "has no row of a ticker and date", "differ in their writing only", **arguments)


@every_kind
def test_a_schema_says_that_a_second_file_does_not_fit(folder, kind):
    first = monthly(30, x=noise).drop(columns="returns")
    daily = as_file(pd.bdate_range("2000-01-03", periods=600), [f"T{s}" for s in range(6)]).drop(columns="x")
    early = monthly(30).assign(date=lambda frame: frame["date"] - pd.DateOffset(years=50))
    for second, said in ((daily, "is monthly and crsp.csv is daily"), (early, "no row of a ticker and date")):
        path = folder.put(second, "crsp.csv")
        assert_refused(lambda path=path: folder.read(first, f"data.{kind}", returns_path=path), ValueError, said)
        sentences = folder.schema(first, f"data.{kind}", returns_path=path).warnings
        assert len(sentences) == 1 and said in sentences[0]


def test_a_ticker_is_matched_once_and_the_same_text_goes_first():
    assert list(positions_of(pd.Index(["7", "007", "8.0", "x"]), pd.Index(["007", "8", "y"]))) == [-1, 0, 1, -1]
    assert list(positions_of(pd.Index([7, 8]), pd.Index(["008", "7A"]))) == [-1, 0]
    assert list(positions_of(pd.Index(["0"]), pd.Index([0]))) == [0]
    assert list(positions_of(pd.Index(["9" * 30]), pd.Index(["0" + "9" * 30]))) == [-1]


# --- Dates ------------------------------------------------------------------------------------------------------------


def dated(dates, n_tickers=3):
    """A file with a row for each ticker at each of the dates, the returns 0, 0.001, … by date and then ticker."""
    dates = pd.DatetimeIndex(dates)
    frame = as_file(dates, [f"T{s}" for s in range(n_tickers)])
    return frame.assign(returns=np.arange(len(frame)) / 1000)


def assert_dates(folder, frame, name, expected, **arguments):
    panel = folder.read(frame, name, dtype="float64", **arguments)
    assert list(panel.dates) == list(expected)
    assert np.array_equal(panel.returns.ravel(), np.arange(panel.returns.size) / 1000)
    assert folder.schema(frame, name, **arguments).warnings == ()


MONTH_STARTS = pd.date_range("2000-01-01", periods=14, freq="MS")
MONTH_ENDS = MONTH_STARTS + pd.offsets.MonthEnd(0)
WEEKS = pd.date_range("2020-01-03", periods=30, freq="W-FRI")
NEW_YORK = [
    f"{day:%Y-%m-%d}T00:00:00{'-05:00' if day.month in (1, 2, 3, 11, 12) else '-04:00'}" for day in MONTH_STARTS
]
SHIFTED = {day: text for day, text in zip(MONTH_STARTS, NEW_YORK, strict=True)}


@pytest.mark.parametrize("written", ["%Y-%W-%w", "%G-W%V-%u", "%Y %U %a", "%Y-%j", "%A %d %B %Y", "%d.%m.%y", "%x"])
@pytest.mark.parametrize("dates, expected", [(WEEKS, WEEKS), (MONTH_STARTS, MONTH_ENDS)], ids=["weeks", "months"])
@every_kind
def test_formats_that_name_a_day_are_dates_of_that_day(folder, kind, dates, expected, written):
    frame = dated(dates)
    texts = frame["date"].dt.strftime(written)
    assert_dates(folder, frame.assign(date=texts), f"data.{kind}", expected, date_format=written)


@pytest.mark.parametrize("written", [
    "%Y-%W", "%Y-W%W", "%G-W%V", "%Y-%U", "%d/%m", "%m-%d", "%b", "%d/%Y", "%Y %A", "%Y-%m %w", "mixed", "iso8601",
    "Y-m-d", "dd/mm/yyyy", "%%Y",
])  # fmt: skip
@every_kind
def test_formats_that_leave_the_day_open_are_refused(folder, kind, written):
    frame = dated(MONTH_STARTS)
    texts = frame["date"].dt.strftime(written)
    refused_by_both(folder, frame.assign(date=texts), f"data.{kind}", "date_format", repr(written), date_format=written)


@pytest.mark.parametrize("written", [
    *(f"%Y-%m-%dT00:00:00{offset}" for offset in ("-05:00", "+09:00", "-0500", "Z", "+00:00", ".000Z")),
    "%Y-%m-%d 23:00:00-05:00", "%Y-%m-%d 16:00:00+01:00", "%Y-%m-%dT05:00Z", "%Y-%m-%d 00:00:00",
    "%Y-%m-%dT00:00:00+00:00",
])  # fmt: skip
@every_kind
def test_a_text_with_an_offset_is_the_day_that_is_written(folder, kind, written):
    frame = dated(MONTH_STARTS)
    texts = frame["date"].dt.strftime(written)
    assert_dates(folder, frame.assign(date=texts), f"data.{kind}", MONTH_ENDS)


@every_kind
def test_offsets_that_change_with_the_season_are_the_days_that_are_written(folder, kind):
    frame, name = dated(MONTH_STARTS), f"data.{kind}"
    texts = frame["date"].map(SHIFTED)
    assert_dates(folder, frame.assign(date=texts), name, MONTH_ENDS)
    slashed = texts.str.replace(r"(\d+)-(\d+)-(\d+)T", r"\3/\2/\1 ", regex=True)
    assert_dates(folder, frame.assign(date=slashed), name, MONTH_ENDS, date_format="%d/%m/%Y %H:%M:%S%z")


@pytest.mark.parametrize(
    "zone", ["Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland", "Europe/London", "Asia/Kolkata"]
)
@pytest.mark.parametrize("written", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%S.000Z"])
@every_kind
def test_midnights_of_the_east_in_utc_are_refused(folder, kind, written, zone):
    frame = dated(MONTH_STARTS)
    stamps = frame["date"].dt.tz_localize(zone).dt.tz_convert("UTC")
    as_text = frame.assign(date=stamps.dt.strftime(written))
    refused_by_both(folder, as_text, f"data.{kind}", "are times in UTC", "Convert them to the exchange's time zone")
    slashed = frame.assign(date=stamps.dt.strftime("%d/%m/%Y %H:%M:%S%z"))
    refused_by_both(folder, slashed, f"data.{kind}", "are times in UTC", date_format="%d/%m/%Y %H:%M:%S%z")
    for utc in ("UTC", "Etc/UTC", "GMT", "+00:00"):
        typed = frame.assign(date=stamps.dt.tz_convert(utc))
        refused_by_both(folder, typed, "data.parquet", "are times in UTC")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC", "Europe/London", "+09:00", "Etc/UTC"])
@every_kind
def test_stamps_with_a_time_zone_are_the_days_that_its_clocks_show(folder, kind, zone):
    frame = dated(MONTH_STARTS)
    for hours in (0, 9):
        stamps = (frame["date"] + pd.Timedelta(hours=hours)).dt.tz_localize(zone)
        assert_dates(folder, frame.assign(date=stamps), f"data.{kind}", MONTH_ENDS)
    stamps = (frame["date"] + pd.Timedelta(hours=16)).dt.tz_localize("Europe/London")  # a close, not UTC
    assert_dates(folder, frame.assign(date=stamps), "data.parquet", MONTH_ENDS)


def in_utc(days, zone):
    """Midnights of a time zone, as clocks in UTC show them, without saying so."""
    return days.dt.tz_localize(zone).dt.tz_convert("UTC").dt.tz_localize(None)


@pytest.mark.parametrize("zone", ["Europe/London", "Europe/Berlin", "Australia/Sydney"])
@every_kind
def test_midnights_that_move_with_summer_time_are_refused(folder, kind, zone):
    frame = dated(MONTH_STARTS)
    said = "as the clocks of another time zone in summer and winter: perhaps midnights of the day after"
    stamps = frame["date"].dt.tz_localize("America/New_York").dt.tz_convert("-05:00")
    for moved in (in_utc(frame["date"], zone), stamps):
        refused_by_both(folder, frame.assign(date=moved), f"data.{kind}", "o'clock", said)
    objects = pd.Series([pd.Timestamp(text) for text in frame["date"].map(SHIFTED)], dtype=object)
    with pytest.raises(ValueError, match="at 0 and 23 o'clock"):
        read_panel(frame.assign(date=objects))


@every_kind
def test_midnights_of_tokyo_on_the_evening_before_are_refused_in_daily_data(folder, kind):
    frame = dated(pd.bdate_range("2020-01-06", periods=30))
    moved = frame.assign(date=in_utc(frame["date"], "Asia/Tokyo"))
    refused_by_both(folder, moved, f"data.{kind}", "at 15 o'clock", "on Sundays and never on Fridays")
    close = frame["date"] + pd.Timedelta(hours=15)
    assert_dates(folder, frame.assign(date=close), f"data.{kind}", frame["date"].unique())
    half_days = close.where(frame["date"].dt.day != 24, frame["date"] + pd.Timedelta(hours=12))
    assert_dates(folder, frame.assign(date=half_days), f"data.{kind}", frame["date"].unique())


@pytest.mark.parametrize("time", ["16:00:00", "23:59:59", "12:30:00", "00:00:00", "23:00:00"])
@every_kind
def test_a_time_of_day_that_is_always_the_same_is_dropped(folder, kind, time):
    frame = dated(MONTH_ENDS)
    stamps = frame["date"] + pd.Timedelta(time)
    assert_dates(folder, frame.assign(date=stamps), f"data.{kind}", MONTH_ENDS)


PERIODS = {
    "M": (MONTH_STARTS, MONTH_ENDS),
    "D": (WEEKS, WEEKS),
    "W-FRI": (WEEKS, WEEKS),
    "Q": (pd.date_range("2000-03-31", periods=14, freq="QE"),) * 2,
    "Y": (pd.date_range("2000-12-31", periods=14, freq="YE"),) * 2,
}


@pytest.mark.parametrize("freq", PERIODS)
def test_periods_of_parquet_are_their_last_days(folder, freq):
    dates, expected = PERIODS[freq]
    frame = dated(dates)
    frame["date"] = frame["date"].dt.to_period(freq)
    assert_dates(folder, frame, "data.parquet", expected)


def test_periods_of_parquet_are_read_in_a_fresh_process(folder):
    frame = dated(MONTH_STARTS)
    path = folder.put(frame.assign(date=frame["date"].dt.to_period("M")), "data.parquet")
    program = "import sys; from helpers.data.reader import read_panel; print(read_panel(sys.argv[1]).dates[[0, -1]])"
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert "'2000-01-31', '2001-02-28'" in done.stdout and not done.stderr


@pytest.mark.parametrize("written", [
    lambda day: day.strftime("%Y%m"), lambda day: float(day.strftime("%Y%m")),
    lambda day: float(day.strftime("%Y%m%d")), lambda day: f"{day.year}-{day.month}-{day.day}",
    lambda day: f"{day.year}/{day.month}/{day.day}",
    lambda day: day.strftime("%Y-%m"), lambda day: int(day.strftime("%Y%m")),
])  # fmt: skip
@every_kind
def test_dates_as_numbers_and_without_zeros(folder, kind, written):
    frame = dated(MONTH_STARTS)
    assert_dates(folder, frame.assign(date=frame["date"].map(written)), f"data.{kind}", MONTH_ENDS)
    newest_first = frame.assign(date=frame["date"].map(written)).iloc[::-1]
    assert_dates(folder, newest_first, f"data.{kind}", MONTH_ENDS)


EXCEL = pd.Timestamp("1899-12-30")
IN_TWO_WAYS = {
    "Excel's count": (lambda day: (day - EXCEL).days, "A count of days, as Excel and SAS keep dates"),
    "Excel's count as a float": (lambda day: float((day - EXCEL).days), "A count of days, as Excel and SAS"),
    "the count of SAS": (lambda day: (day - pd.Timestamp("1960-01-01")).days, "A count of days"),
    "the count of Matlab": (lambda day: (day - EXCEL).days + 693960, "no dates, or not written like the others"),
    "seconds": (lambda day: int(day.timestamp()), "not understood"),
    "nanoseconds": (lambda day: day.value, "not understood"),
    "month and year": (lambda day: day.strftime("%m%Y"), "no dates, or not written like the others"),
    "day, month and year": (lambda day: day.strftime("%d%m%Y"), "no dates, or not written like the others"),
    "day, month, two digits": (lambda day: day.strftime("%d%m%y"), "no dates, or not written like the others"),
    "two digits, month, day": (lambda day: day.strftime("%y%m%d"), "two ways", "date_format='%Y%m' or '%y%m%d'"),
    "day or month first": (lambda day: day.strftime("%d/%m/%Y"), "two ways (day or month first)"),
    "month first": (lambda day: day.strftime("%m/%d/%Y"), "two ways (day or month first)"),
    "quarters": (lambda day: f"{day.year}Q{day.quarter}", "not understood"),
    "the month without a zero": (lambda day: f"{day.year}-{day.month}", "not written like the others"),
    "the year 19": (lambda day: f"00{day:%y-%m-%d}", "no dates, or not written like the others"),
}


@pytest.mark.parametrize("case", IN_TWO_WAYS)
@pytest.mark.parametrize("first", ["2012-01-01", "2019-10-01"])
@every_kind
def test_dates_that_could_be_read_in_two_ways_are_refused(folder, kind, first, case):
    written, *fragments = IN_TWO_WAYS[case]
    frame = dated(pd.date_range(first, periods=14, freq="MS"))
    texts = frame["date"].map(written)
    refused_by_both(folder, frame.assign(date=texts), f"data.{kind}", "column 'date' of data", *fragments)


@pytest.mark.parametrize("written, date_format", [
    ("%Y%m", "%Y%m%d"), ("%Y%m", "%Y%j"), ("%Y%m%d", "%Y%m"), ("%d%m%Y", "%Y%m%d"),
])  # fmt: skip
@pytest.mark.parametrize("months", [["2020-10", "2020-11", "2020-12"], ["2011-11", "2012-12"], ["2000-01", "2001-02"]])
@every_kind
def test_digits_are_not_split_otherwise_than_the_format_says(folder, kind, months, written, date_format):
    frame = dated(pd.DatetimeIndex(months))
    texts = frame["date"].dt.strftime(written)
    fragments = "no dates, or not written like the others"
    refused_by_both(folder, frame.assign(date=texts), f"data.{kind}", fragments, date_format=date_format)
    refused_by_both(folder, frame.assign(date=texts.astype(int)), f"data.{kind}", fragments, date_format=date_format)


@every_kind
def test_zeros_that_a_number_has_lost_are_missed(folder, kind):
    frame = dated(pd.DatetimeIndex(["2001-01-31", "2001-02-28", "2001-03-31"]))
    for written in ("%y%m%d", "%m%d%Y", "%d%m%Y", "%y%m"):
        texts = frame["date"].dt.strftime(written)
        if written != "%d%m%Y":  # 31012001 has lost none
            numbers = frame.assign(date=texts.astype(int))
            refused_by_both(folder, numbers, f"data.{kind}", "not written like the others", date_format=written)
        if kind != "csv.gz":
            ends = pd.DatetimeIndex(frame["date"].unique())
            quoted = frame.assign(date=texts)
            assert_dates(folder, quoted, f"data.{kind}", ends, date_format=written)


def test_dates_that_were_float32_are_refused(folder):
    frame = dated(pd.date_range("2000-01-01", periods=60, freq="W-FRI"))
    frame["date"] = frame["date"].dt.strftime("%Y%m%d").astype("float32")
    refused_by_both(folder, frame, "data.parquet", "were float32", "whole numbers or text")


@every_kind
def test_years_of_two_digits_that_lie_ahead_are_refused(folder, kind):
    frame = dated(pd.date_range("1950-01-01", periods=14, freq="MS"))
    texts = frame["date"].dt.strftime("%y%m")
    refused_by_both(folder, frame.assign(date=texts), f"data.{kind}", "two digits", "four", date_format="%y%m")


CALENDARS = {"MS": MONTH_STARTS, "BME": pd.date_range("2000-01-01", periods=14, freq="BME"), "ME": MONTH_ENDS}
WAYS_OF_MONTHS = {
    "stamps": lambda dates: dates,
    "yyyymm": lambda dates: dates.dt.strftime("%Y%m").astype(int),
    "yyyymmdd": lambda dates: dates.dt.strftime("%Y%m%d").astype(float),
    "periods": lambda dates: dates.dt.to_period("M"),
}


@pytest.mark.parametrize("calendars", [*product(CALENDARS, repeat=2)])
@pytest.mark.parametrize("ways", [*product(WAYS_OF_MONTHS, repeat=2)])
def test_months_of_different_calendars_are_joined(folder, ways, calendars):
    first, second = (
        dated(CALENDARS[calendar]).assign(date=lambda frame, way=way: WAYS_OF_MONTHS[way](frame["date"]))
        for way, calendar in zip(ways, calendars, strict=True)
    )
    for kind in KINDS[::2]:
        path = folder.put(second.drop(columns="x").iloc[::-1], f"returns.{kind}")
        assert_dates(folder, first.drop(columns="returns"), "data.parquet", MONTH_ENDS, returns_path=path)


@pytest.mark.parametrize("bound, month", [
    ("2000-6-1", "2000-06"), ("2000/06", "2000-06"), ("2000/6/15", "2000-06"), ("200006", "2000-06"),
    ("20000615", "2000-06"), (pd.Timestamp("2000-06-01", tz="Asia/Tokyo"), "2000-06"),
    ("2000-06-01T00:00:00+09:00", "2000-06"), (np.datetime64("2000-06-01"), "2000-06"), ("2000Q2", "2000-04"),
])  # fmt: skip
def test_the_start_is_the_day_that_is_written(folder, bound, month):
    assert folder.read(dated(MONTH_ENDS), start=bound).dates[0] == pd.Timestamp(month) + pd.offsets.MonthEnd(0)


@pytest.mark.parametrize("bound", [
    "01/03/2019", "3.1.2019", "1-3-2019", "March 2001", "Jan", "43831", "202013", "2000-13", "2000-06-31", "", "NaT",
    pd.NaT, np.datetime64("NaT"), 2000, 20000615, 43831.0, pd.Period("2000-06"), "2000-W03", "2000-06-15x",
])  # fmt: skip
@pytest.mark.parametrize("name", ["start", "end"])
def test_bounds_that_could_be_read_in_several_ways_are_refused(folder, name, bound):
    with pytest.raises((ValueError, TypeError), match=f"^{name} must be a date"):
        folder.read(dated(MONTH_ENDS), **{name: bound})
