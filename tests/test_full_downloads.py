"""Files as they are downloaded whole, with columns that nobody asked for, and mistakes of a tired user."""

import numpy as np
import pandas as pd
import pytest

from helpers.data.reader import read_panel, read_schema
from tests.layouts import LONG, N_MONTHS, PERMNOS, crsp_ciz, crsp_siz, gkx, jkp, osap, prices, read

# With all the columns of CRSP beside its own, as the published file has them.
WHOLE_JKP = {"permno": 1.0, "date": pd.Timestamp("2001-01-31"), "prc": 5.0, "ret": 0.01, "shrcd": 11.0}


@pytest.fixture
def whole_jkp():
    files, truth = jkp()
    files.main = files.main.assign(**WHOLE_JKP)
    return files, truth


def test_the_whole_file_of_jkp_is_recognised_among_columns_of_crsp(whole_jkp, tmp_path):
    schema = read_schema(whole_jkp[0].put(tmp_path, "parquet")["path"])
    assert schema.layout == "jkp" and "'eom'" in schema.known


def test_a_layout_that_the_file_is_not_is_said_though_it_can_be_read(whole_jkp):
    files, _ = whole_jkp
    with pytest.warns(UserWarning) as caught:
        read_panel(files.main, layout="ctf", characteristics=["me"])
    said = " ".join(str(one.message) for one in caught)
    assert "frame looks like layout='jkp'" in said and "It was read as the Common Task Framework's" in said


def test_returns_of_the_next_month_by_their_own_name_are_said_to_have_a_layout():
    files, _ = jkp()
    with pytest.warns(UserWarning, match="looks like layout='jkp'.*its returns dated by their own rows"):
        read_panel(files.main, date="eom", ticker="id", returns="ret_exc_lead1m", characteristics=["me"])


def test_identifiers_of_a_whole_file_of_crsp_ciz_are_no_characteristics(tmp_path):
    files, truth = crsp_ciz()
    cusips = np.where(np.arange(len(files.main)) % 2, "36720410", "G0177J10")
    files.main = files.main.assign(HdrCUSIP=cusips, ShareClass="", MthCapFlg="", SecInfoEndDt=20301231, mthcumfacpr=2.0)
    panel, sentences = read(files, tmp_path)
    truth.assert_is(panel)
    assert not [sentence for sentence in sentences if "hold no numbers" in sentence]


def test_what_a_whole_file_of_crsp_siz_says_of_the_future_is_no_characteristic(tmp_path):
    files, truth = crsp_siz()
    files.main = files.main.assign(shrenddt=20301231.0, cfacpr=np.arange(len(files.main)), shrflg=0, divamt=0.1)
    truth.assert_is(read(files, tmp_path)[0])


def test_the_row_of_a_delisting_is_kept_though_it_fails_a_flag(tmp_path):
    files, truth = crsp_ciz()
    own = files.main["permno"] == PERMNOS[4]
    last = own & (files.main["mthcaldt"] == files.main["mthcaldt"][own].max())
    assert last.sum() == 1
    gone = files.main.assign(mthdelflg=np.where(last, "Y", "N"))
    files.main = gone.assign(tradingstatusflg=gone["tradingstatusflg"].mask(last, "X"))
    truth.assert_is(read(files, tmp_path)[0])
    files.main = files.main.assign(mthdelflg="N")
    panel, sentences = read(files, tmp_path)
    with pytest.raises(AssertionError):  # the row is screened out, and its return with it
        truth.assert_is(panel)
    assert any(sentence.startswith("1 of the") for sentence in sentences)


def test_a_column_that_all_tickers_share_is_warned_of(tmp_path):
    files, _ = LONG["tidyfinance"]()
    market = dict(zip(files.main["date"].unique(), np.linspace(-0.1, 0.1, N_MONTHS), strict=True))
    files.main = files.main.assign(mkt_excess=files.main["date"].map(market))
    _, sentences = read(files, tmp_path)
    assert any("the same for all tickers at every date, as a market's return is: 'mkt_excess'" in s for s in sentences)


@pytest.mark.parametrize("layout", ["gkx", "osap"])
def test_returns_in_a_second_file_are_asked_for_and_not_guessed_by_spelling(layout):
    files, _ = LONG[layout]()
    main = files.main.assign(turn=1.0, ReturnSkew=2.0)
    with pytest.raises(ValueError, match=r"returns stand in a second file.*returns_path=") as refusal:
        read_panel(main, layout=layout)
    assert "turn'" not in str(refusal.value) and "Skew" not in str(refusal.value)
    assert any("returns stand in a second file" in sentence for sentence in read_schema(main, layout=layout).warnings)


def test_a_second_file_without_the_returns_asked_for_is_named_by_its_layout():
    files, _ = osap()
    second = crsp_siz()[0].main.assign(sprtrn=0.01)
    with pytest.raises(ValueError, match="returns_layout='crsp_siz'") as refusal:
        read_panel(files.main, layout="osap", returns_path=second)
    assert "Perhaps" not in str(refusal.value)


def test_a_second_file_with_delistings_is_said_to_have_a_layout():
    files, _ = gkx()
    second = crsp_siz()[0].main
    with pytest.warns(UserWarning, match="looks like returns_layout='crsp_siz'.*neither codes nor delisting returns"):
        read_panel(files.main, layout="gkx", returns_path=second, returns="ret")


def test_letters_of_crsp_are_named_with_their_layout():
    files, _ = crsp_siz()
    returns = files.main["ret"].astype("str").mask(files.main.index == 3, "C")
    with pytest.raises(ValueError, match="CRSP's reasons; layout='crsp_siz'"):
        read_panel(files.main.assign(ret=returns), ticker="permno", returns="ret")


def test_share_codes_that_are_absent_are_missed(tmp_path):
    files, _ = crsp_siz()
    files.main = files.main.drop(columns="shrcd")
    assert any("'shrcd': without it, funds" in sentence for sentence in read(files, tmp_path)[1])


def test_capitals_of_a_name_do_not_count_and_months_of_prices_are_dated_by_their_end():
    assert read_panel(crsp_siz()[0].main, layout="CRSP_SIZ").n_tickers == len(PERMNOS)
    bars = prices().resample("MS").first()
    panel = read_panel(bars, layout="yfinance")
    assert (panel.dates == panel.dates + pd.offsets.MonthEnd(0)).all() and panel.dates[0].month == bars.index[1].month
