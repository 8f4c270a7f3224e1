"""Characteristics of one's own, put behind those of a panel: values, places, precision, and what is refused."""

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers import added
from helpers.compact import CompactArray
from helpers.models.ipca import InstrumentedPCA
from helpers.models.managed import managed_portfolios
from helpers.panel import Panel
from tests.common import assert_refused, small_panel
from tests.test_compact import COMPACT, DENSE, same

PANEL = small_panel()
R = pd.DataFrame(PANEL.returns, PANEL.dates, PANEL.tickers)
LAST = R.shift(1)  # what was earned the date before
ROWS = LAST.stack()
PANELS = {"dense": DENSE, "compact": COMPACT}


def behind(panel, table):
    """The panel as it would have been built with one characteristic more."""
    z = np.concatenate([np.asarray(panel.characteristics), np.asarray(table)[:, :, None]], axis=2)
    return replace(panel, characteristics=z, characteristic_names=[*panel.characteristic_names, "mine"])


def own_table(panel=DENSE):
    """What was earned the date before, with values also where the panel has no row, and gaps."""
    table = pd.DataFrame(panel.returns, panel.dates, panel.tickers).shift(1)
    table.iloc[10:12] = np.nan
    return table


WAYS = {
    "a table": lambda table: table,
    "an array": lambda table: table.to_numpy(),
    "lists": lambda table: table.to_numpy().tolist(),
    "a masked array": lambda table: np.ma.masked_invalid(table.to_numpy()),
    "a nullable table": lambda table: table.astype("Float64"),
    "rows": lambda table: table.stack(),
    "rows in another order": lambda table: table.stack().sample(frac=1, random_state=0),
    "rows with gaps": lambda table: table.stack().dropna(),
    "rows with names": lambda table: table.stack().rename_axis(["date", "ticker"]),
}


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_panel_is_the_one_that_was_built_with_the_characteristic_from_the_start(panel, way):
    table = own_table()
    found = panel.with_characteristics(mine=way(table))
    same(found, behind(DENSE, table))
    assert list(found.characteristic_names) == ["a", "b", "c", "mine"]
    assert found.portfolio_names.equals(panel.portfolio_names) and found.place() == (found, 0, found.n_dates)
    assert isinstance(found.characteristics, CompactArray) == (panel is COMPACT)
    assert panel.n_characteristics == 3, "the panel itself stays as it was"


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_part_a_pickle_and_a_folder_of_it_are_those_of_the_whole(panel, tmp_path):
    whole = panel.with_characteristics(mine=own_table())
    same(panel[5:17].with_characteristics(mine=own_table()[5:17]), whole[5:17])
    same(panel[5:17].joined(panel[17:20]).with_characteristics(mine=own_table()[5:20]), whole[5:20])
    same(pickle.loads(pickle.dumps(whole)), whole)
    whole.save(tmp_path / "mine")
    same(Panel.load(tmp_path / "mine"), whole)
    square = own_table() ** 2
    same(Panel.load(tmp_path / "mine").with_characteristics(more=square), whole.with_characteristics(more=square))
    same(whole.select_characteristics(["a", "b", "c"]), panel)
    same(Panel.from_frame(whole.to_frame()), Panel.from_frame(behind(DENSE, own_table()).to_frame()))
    with pytest.raises(ValueError, match="read-only"):
        (whole.characteristics.values if panel is COMPACT else whole.characteristics)[0] = 0


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_models_say_what_they_say_of_the_panel_that_was_built_with_it():
    table = own_table().fillna(0.0).where(~np.isnan(DENSE.returns))  # neutral where unknown, as after ranking
    built = behind(DENSE, table)
    expected = InstrumentedPCA(2).fit(built[:20])
    for panel in PANELS.values():
        found = panel.with_characteristics(mine=table)
        model = InstrumentedPCA(2).fit(found[:20])
        assert np.allclose(model.gamma_, expected.gamma_)
        same(model.reconstruct(found), expected.reconstruct(built))
        same(managed_portfolios(found), managed_portfolios(built))


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_value_where_no_row_is_stored_gets_one(panel):
    d, s = np.argwhere(~COMPACT.characteristics.there())[7]
    table = np.full(panel.shape, np.nan)
    table[d, s] = 5.0
    found = panel.with_characteristics(mine=table)
    assert found.characteristics[d][s, 3] == 5.0 and np.isnan(found.characteristics[d][s, :3]).all()
    assert (~np.isnan(found.characteristics[:, :, 3])).sum() == 1


def test_no_array_of_a_large_panel_is_made_and_none_that_would_not_fit(monkeypatch):
    monkeypatch.setattr("helpers.compact.LARGEST", 20_000)
    found = COMPACT.with_characteristics(mine=own_table())
    assert found.characteristics.size > 1000
    monkeypatch.setattr(added, "LARGEST", 20_000)
    some = np.arange(DENSE.n_tickers)[:, None] < 5
    few = replace(DENSE, characteristics=np.where(some, DENSE.characteristics, np.nan))
    assert_refused(
        lambda: few.compact().with_characteristics(mine=np.ones(DENSE.shape)), ValueError,
        "at which the panel stores no row", "Leave NaN where a ticker is not there",
    )  # fmt: skip


def test_several_come_in_their_order_and_by_names_that_are_no_words():
    found = PANEL.with_characteristics({"12-1 momentum": LAST, 3: -LAST}, last=ROWS)
    assert list(found.characteristic_names) == ["size", "value", "momentum", "12-1 momentum", 3, "last"]
    z = found.characteristics[:, :, 3:]
    assert np.array_equal(z[..., 0], LAST, equal_nan=True) and np.array_equal(z[..., 1], -LAST, equal_nan=True)
    assert np.array_equal(z[..., 2], LAST, equal_nan=True)
    frame = pd.DataFrame({"one": ROWS, "two": ROWS**2})
    assert list(PANEL.with_characteristics(frame).characteristic_names)[3:] == ["one", "two"]


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_numbers_have_the_precision_of_the_panels_characteristics(kind):
    panel = replace(PANEL, characteristics=PANEL.characteristics.astype(kind))
    for each in (panel, panel.compact()):
        assert each.with_characteristics(last=LAST).characteristics.dtype == kind
    bare = Panel(PANEL.returns.astype(kind))
    for each in (bare, bare.compact()):
        found = each.with_characteristics(last=LAST.to_numpy())
        assert found.characteristics.dtype == kind
        assert np.allclose(np.asarray(found.characteristics)[:, :, 0], LAST, equal_nan=True)


def test_values_of_other_dates_and_tickers_are_left_out_and_counted():
    with pytest.warns(UserWarning, match=r"^444 of the 468 values of last are left out: .* as \(.*2000-04-30") as said:
        found = PANEL[1:3].select_tickers(PANEL.tickers).with_characteristics(last=ROWS[ROWS.notna()])[:2]
    assert said[0].filename == __file__
    assert np.array_equal(found.characteristics[:, :, 3], LAST[1:3])


def test_dates_that_have_not_happened_have_characteristics_too():
    panel = replace(PANEL, returns=np.where(np.arange(40)[:, None] < 38, PANEL.returns, np.nan))
    assert np.array_equal(panel.with_characteristics(last=LAST).characteristics[39, :, 3], LAST.iloc[39])


BEFORE_ITS_TIME = {
    "the returns": (lambda r: r, "is the return of the same date", "last.shift(1)"),
    "in percent": (lambda r: 100 * r, "is the return of the same date", "last.shift(1)"),
    "their opposite": (lambda r: -r, "is the return of the same date", "last.shift(1)"),
    "some of them": (lambda r: r + 0 * r.loc[:, :"T03"], "is the return of the same date", "last.shift(1)"),
    "in single precision": (lambda r: r.astype("float32"), "is the return of the same date", "last.shift(1)"),
    "shifted the wrong way": (lambda r: r.shift(-1), "is the return of the next date", "last.shift(2)"),
    "as rows": (lambda r: r.stack(), "is the return of the same date", "last.sort_index().groupby(level=1).shift(1)"),
    "as an array": (lambda r: r.to_numpy(), "is the return of the same date", "last.shift(1)"),
}


@pytest.mark.parametrize("case", BEFORE_ITS_TIME)
@pytest.mark.parametrize("compact", [False, True])
def test_returns_that_are_not_known_yet_are_refused(case, compact):
    make, *words = BEFORE_ITS_TIME[case]
    panel = PANEL.compact() if compact else PANEL
    assert_refused(lambda: panel.with_characteristics(last=make(R)), ValueError, *words, "BEFORE the return of row d")


def test_what_is_like_returns_by_chance_or_older_is_taken():
    for table in (LAST, R.shift(2), R.where(R > 9), 0 * R, R.abs()):
        PANEL.with_characteristics(mine=table)
    with pytest.warns(UserWarning, match="mine looks like the return of the same date"):
        PANEL.with_characteristics(mine=R + 0.001)
    Panel([[0.1, 0.2]]).with_characteristics(mine=[[1.0, 2.0]])
    Panel(np.full((4, 3), 0.01)).with_characteristics(mine=np.ones((4, 3)))


def test_the_advice_of_the_refusals_is_right():
    given = PANEL.with_characteristics(last=R.stack().groupby(level=1).shift(1))
    assert np.array_equal(given.characteristics[:, :, 3], LAST, equal_nan=True)
    left = PANEL.select_characteristics(PANEL.characteristic_names.drop(["size"])).with_characteristics(size=LAST)
    assert list(left.characteristic_names) == ["value", "momentum", "size"]
    only = PANEL.select_characteristics(["size"])
    bare = replace(only, characteristics=None, characteristic_names=None)
    assert list(bare.with_characteristics(size=LAST).characteristic_names) == ["size"]


def month_before(date):
    return date + pd.Timedelta(days=1) - pd.offsets.BDay(1)


BAD = {
    "nothing": (dict, ValueError, "needs a table at least"),
    "a shape of other dates": (lambda: {"mine": PANEL.returns[1:]}, ValueError, "mine must be", "n_dates = 40"),
    "three axes": (lambda: {"mine": PANEL.characteristics}, ValueError, "mine must have 2 axes"),
    "one number": (lambda: {"mine": 1.0}, ValueError, "mine must have 2 axes"),
    "text": (lambda: {"mine": LAST.astype(object).where(LAST > 0, "B")}, TypeError, "mine must hold numbers"),
    "rows of text": (lambda: {"mine": ROWS.astype(object).where(ROWS > 0, "B")}, TypeError, "mine must hold numbers"),
    "infinite": (lambda: {"mine": LAST.fillna(np.inf)}, ValueError, "mine has 12 infinite", "NaN where nothing"),
    "an infinite row": (lambda: {"mine": (1 / ROWS).where(ROWS < 0, np.inf)}, ValueError, "infinite value(s)"),
    "dates in another order": (lambda: {"mine": LAST[::-1]}, ValueError, "dates of mine are not those of the panel"),
    "tickers in another order": (lambda: {"mine": LAST.iloc[:, ::-1]}, ValueError, "tickers of mine", "Align"),
    "a ticker less": (lambda: {"mine": LAST.iloc[:, 1:]}, ValueError, "mine must be", "n_tickers = 12"),
    "on its side": (lambda: {"mine": LAST.T}, ValueError, "mine stands on its side", "mine.T"),
    "rows by ticker": (lambda: {"mine": ROWS.swaplevel()}, TypeError, "(ticker, date)", "mine.swaplevel()"),
    "rows of one level": (lambda: {"mine": LAST["T01"]}, TypeError, "1 level(s); (date, ticker) is needed"),
    "repeated rows": (lambda: {"mine": pd.concat([ROWS, ROWS[:2]])}, ValueError, "mine has 2 repeated"),
    "rows of other tickers": (
        lambda: {"mine": ROWS.rename(lambda name: f"X{name}", level=1)}, ValueError,
        "mine has no row of a date and ticker of the panel", "XT00", "T00",
    ),
    "rows of other dates": (
        lambda: {"mine": ROWS.rename(lambda date: date - pd.Timedelta(days=9000), level=0)}, ValueError,
        "mine has no row of a date and ticker of the panel", "1975",
    ),
    "rows of another calendar": (
        lambda: {"mine": ROWS.rename(month_before, level=0)}, ValueError, "the calendars of two sources",
    ),
    "rows in a time zone": (
        lambda: {"mine": ROWS.rename(lambda date: date.tz_localize("UTC"), level=0)}, ValueError, "2000-01-31 UTC",
    ),
    "a name that is there": (lambda: {"size": LAST}, ValueError, "'size' among", "names.drop(['size'])"),
    "the name of the returns": (lambda: {"returns": LAST}, ValueError, "must not hold 'returns'"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("compact", [False, True])
def test_bad_tables_are_refused(case, compact):
    given, error, *words = BAD[case]
    panel = PANEL.compact() if compact else PANEL
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_refused(lambda: panel.with_characteristics(**given()), error, *words)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: PANEL.with_characteristics([LAST]), TypeError, "takes tables by name"),
        (lambda: PANEL.with_characteristics(LAST), TypeError, "takes tables by name"),
        (lambda: PANEL.with_characteristics({"a": LAST}, a=LAST), ValueError, "'a' is given twice"),
        (lambda: PANEL.with_characteristics({None: LAST}), ValueError, "names of the characteristics has missing"),
        (
            lambda: PANEL.with_characteristics(pd.DataFrame(np.ones((480, 2)), ROWS.index, ["a", "a"])),
            ValueError, "must all differ; repeated: a",
        ),
        (lambda: PANEL.select_characteristics(["size"]).with_characteristics(size=LAST), ValueError, "replace(panel"),
    ],
)  # fmt: skip
def test_bad_names_are_refused(call, error, words):
    assert_refused(call, error, words)
