"""A panel of which only the rows that exist are stored says what the same panel as one array says, everywhere."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers import compact, long_frame
from helpers.compact import CompactArray
from helpers.data.ranks import rank_across_tickers
from helpers.evaluation.anomaly import anomaly_test
from helpers.evaluation.inspection import characteristic_importance
from helpers.evaluation.splitter import WalkForward
from helpers.evaluation.walk_forward import out_of_sample
from helpers.models.autoencoder import ConditionalAutoencoder
from helpers.models.ipca import InstrumentedPCA
from helpers.models.lecture import train_validation_arrays
from helpers.models.managed import managed_portfolios
from helpers.models.neural_ipca import NeuralIPCA
from helpers.models.pca import PCAFactors
from helpers.models.regression import CrossSectionalRegression, TimeSeriesRegression
from helpers.panel import Panel

N_DATES, N_TICKERS, N_CHARS = 30, 40, 3
SMALL = {"n_members": 2, "epochs": 3, "patience": 3, "l1": 0.01}


def gappy(seed=0, n_dates=N_DATES, n_tickers=N_TICKERS):
    """Tickers that enter and leave, some returns and characteristics missing, the last date yet to happen."""
    random = np.random.default_rng(seed)
    begin, d = random.integers(0, n_dates // 2, n_tickers), np.arange(n_dates)[:, None]
    begin[: n_tickers // 2] = 0
    there = (begin <= d) & (d < begin + random.integers(8, 2 * n_dates, n_tickers))
    there[:, :8] = True
    z = np.where(there[:, :, None], random.normal(size=(n_dates, n_tickers, N_CHARS)), np.nan)
    f = random.normal(0.02, 0.05, (n_dates, 2))
    noise = random.normal(0, 0.02, there.shape)
    returns = np.where(there, z[:, :, 0] * f[:, :1] + z[:, :, 1] * f[:, 1:] + noise, np.nan)
    z[random.random(z.shape) < 0.02] = np.nan
    z[12, :6] = np.nan  # a return, and nothing else
    returns[random.random(returns.shape) < 0.02] = np.nan
    returns[-1] = np.nan
    value = np.where(there, np.exp(random.normal(size=there.shape)), np.nan)
    exchange = np.where(there, random.choice(["NYSE", "AMEX"], there.shape).astype(object), None)
    return Panel(
        returns,
        z,
        portfolios=f,
        dates=pd.date_range("2001-01-31", periods=n_dates, freq="ME"),
        tickers=[f"T{s:02}" for s in range(n_tickers)],
        characteristic_names=["a", "b", "c"],
        side={"me": value, "exchange": exchange},
    )


DENSE = gappy()
COMPACT = DENSE.compact()
PAST = slice(0, 20)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(compact, "BLOCK", 300)  # of four or five dates


def same(one, other):
    assert type(one) is type(other)
    if isinstance(one, Panel):
        for name in ("returns", "characteristics", "portfolios"):
            pair = (np.asarray(getattr(panel, name)) for panel in (one, other))
            assert np.array_equal(*pair, equal_nan=True), name
        assert one.dates.equals(other.dates) and one.tickers.equals(other.tickers)
        assert [*one.side] == [*other.side]
        assert all((pd.DataFrame(one.side[name]).equals(pd.DataFrame(other.side[name]))) for name in one.side)
    else:
        assert np.allclose(one, other, equal_nan=True, rtol=1e-6, atol=1e-9)


# --- The array --------------------------------------------------------------------------------------------------------

INDICES = {
    "one date": 3,
    "the last date": -1,
    "some dates": slice(4, 9),
    "no date": slice(9, 4),
    "every third": slice(None, None, 3),
    "dates by position": [2, 5, 5],
    "dates by bool": np.arange(N_DATES) % 2 == 0,
    "one ticker": (slice(None), 7),
    "some tickers": (slice(None), [3, 1]),
    "one characteristic": (slice(None), slice(None), 1),
    "a part of a date": (4, slice(2, 6), 0),
    "the last axis": (..., 2),
    "points": ([1, 2], [3, 4]),
    "cells": ~np.isnan(DENSE.returns),
    "cells where a row is": COMPACT.characteristics.there(),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_any_part_is_what_an_array_gives(index):
    z = DENSE.characteristics
    assert np.array_equal(np.asarray(COMPACT.characteristics[index]), z[index], equal_nan=True)
    assert np.array_equal(np.asarray(COMPACT.characteristics[3:][2:9]), z[5:12], equal_nan=True)


def test_it_computes_as_an_array_does():
    z, array = COMPACT.characteristics, DENSE.characteristics
    assert z.shape == array.shape and z.dtype == array.dtype and z.ndim == 3 and len(z) == N_DATES
    assert np.array_equal(z * 2, array * 2, equal_nan=True) and np.array_equal(np.isnan(z), np.isnan(array))
    assert np.array_equal(compact.complete(z), compact.complete(array))
    assert z.nbytes == z.size * 8 + z.there().sum() * 4 + (N_DATES + 1) * 8 and z.size == z.there().sum() * N_CHARS
    with pytest.raises(ValueError, match="read-only"):
        z.values[0] = 0


def test_what_would_not_fit_into_memory_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(compact, "LARGEST", 10_000)
    with pytest.raises(ValueError, match=r"as one array; .* Take some dates, panel\[a:b\], or work through panel"):
        np.asarray(COMPACT.characteristics)
    assert COMPACT.characteristics[:3].shape == (3, N_TICKERS, N_CHARS)


def test_dates_that_follow_share_memory_and_go_together_again():
    z = COMPACT.characteristics
    assert np.shares_memory(COMPACT[3:9].characteristics.values, z.values)
    together = COMPACT[:10].joined(COMPACT[10:20])
    assert np.shares_memory(together.characteristics.values, z.values)
    same(together, DENSE[:20])
    other = replace(COMPACT[10:20], returns=COMPACT.returns[10:20])  # another panel, of no part of this one
    assert other.place() == (other, 0, 10)
    same(COMPACT[:10].joined(other), DENSE[:20])
    same(DENSE[:10].joined(other), DENSE[:20])


# --- The panel --------------------------------------------------------------------------------------------------------

PARTS = {
    "the panel": lambda panel: panel,
    "some dates": lambda panel: panel[5:12],
    "dates by position": lambda panel: panel[[2, 7, 9]],
    "dates by label": lambda panel: panel["2001-06":"2002"],
    "tickers": lambda panel: panel.select_tickers(["T30", "T02", "T39"]),
    "characteristics": lambda panel: panel.select_characteristics(["c", "a"]),
    "dates and tickers": lambda panel: panel.sel("2002", ["T05", "T04"]),
    "ranks": rank_across_tickers,
    "ranks with medians": lambda panel: rank_across_tickers(panel, "median"),
    "a copy": lambda panel: replace(panel, portfolios=panel.portfolios * 2),
    "a pickle": lambda panel: pickle.loads(pickle.dumps(panel[4:9])),
    "a frame and back": lambda panel: Panel.from_frame(panel.to_frame()),
    "compact": lambda panel: panel.compact(),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_part_of_a_compact_panel_is_that_part_of_the_panel(part):
    same(part(COMPACT), part(DENSE))


@pytest.mark.parametrize("panel", [DENSE, COMPACT, COMPACT[5:17]], ids=["dense", "compact", "a part"])
def test_a_panel_in_a_folder_is_the_panel(panel, tmp_path):
    panel.save(tmp_path / "mine")
    loaded = Panel.load(tmp_path / "mine")
    same(loaded, panel)
    z = loaded.characteristics
    assert isinstance(z.values if isinstance(z, CompactArray) else z, np.memmap), "read where it is needed"
    (DENSE[:3]).save(tmp_path / "mine")
    same(Panel.load(tmp_path / "mine"), DENSE[:3])
    assert [path.name for path in tmp_path.iterdir()] == ["mine"], "nothing half-written is left"


def test_a_folder_that_is_no_panel_is_neither_read_nor_overwritten(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match=r"holds no panel\. Give a new folder"):
        DENSE.save(tmp_path)
    with pytest.raises(ValueError, match=r"not a folder that Panel\.save wrote"):
        Panel.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        Panel.load(tmp_path / "nowhere")
    COMPACT.save(tmp_path / "mine")
    values = np.load(tmp_path / "mine" / "values.npy")
    np.save(tmp_path / "mine" / "values.npy", values[:-1])
    with pytest.raises(ValueError, match="its arrays do not belong together"):
        Panel.load(tmp_path / "mine")


def test_blocks_cover_the_panel_and_hold_only_tickers_that_are_there():
    blocks = list(COMPACT.blocks())
    assert len(blocks) > 4 and [b.start for b, _, _ in blocks[1:]] == [b.stop for b, _, _ in blocks[:-1]]
    returns = np.full(DENSE.shape, np.nan)
    for dates, tickers, block in blocks:
        returns[dates, tickers] = block.returns
        assert isinstance(block.characteristics, np.ndarray) and block.tickers.equals(DENSE.tickers[tickers])
        assert block.side["me"].shape == block.shape
        same(block, DENSE[dates].select_tickers(block.tickers))
    assert np.array_equal(returns, DENSE.returns, equal_nan=True)
    ((dates, tickers, block),) = DENSE.blocks()
    assert block is DENSE and (dates, tickers) == (slice(0, N_DATES), slice(None))


def test_a_large_sparse_frame_becomes_a_compact_panel(monkeypatch):
    frame = DENSE.to_frame().dropna(how="all")
    dense = Panel.from_frame(frame)
    assert isinstance(dense.characteristics, np.ndarray)
    monkeypatch.setattr(compact, "LARGE", 1000)
    monkeypatch.setattr(compact, "SPARSE", 0.95)
    shuffled = frame.sample(frac=1, random_state=0)
    large = Panel.from_frame(shuffled)
    assert isinstance(large.characteristics, CompactArray)
    same(large, dense)
    assert long_frame.is_large(500, (N_DATES, N_TICKERS, 3), 8) and not long_frame.is_large(5, (5, 5, 3), 8)


# --- What is computed of it -------------------------------------------------------------------------------------------

MODELS = {
    "given factors": TimeSeriesRegression(min_observations=6),
    "given factors, unseen left out": TimeSeriesRegression(min_observations=6, unseen="leave out"),
    "PCA": PCAFactors(2, min_observations=6),
    "IPCA": InstrumentedPCA(2),
    "IPCA with a constant and a ridge": InstrumentedPCA(2, constant=True, ridge=0.01),
    "NeuralIPCA": NeuralIPCA(2, (4,), batch_size=4, **SMALL),
    "CA on managed portfolios": ConditionalAutoencoder(2, (4,), factor_inputs="managed", batch_size=50, **SMALL),
    "CA on portfolios": ConditionalAutoencoder(2, (4,), batch_size=50, **SMALL),
    "CA, F by regression": ConditionalAutoencoder(2, (4,), batch_size=50, factors="regression", **SMALL),
}


@pytest.mark.filterwarnings("ignore:.*have fewer than min_observations")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", MODELS)
def test_every_model_says_the_same_of_a_compact_panel(name):
    from sklearn.base import clone

    fits = [clone(MODELS[name]).fit(panel[PAST]) for panel in (DENSE, COMPACT)]
    for panel, part in ((DENSE, COMPACT), (DENSE[20:], COMPACT[20:])):
        same(fits[1].reconstruct(part), fits[0].reconstruct(panel))
        same(fits[1].leave_one_out(part[:4]), fits[0].leave_one_out(panel[:4]))
    same(fits[1].predict(COMPACT[20:], COMPACT[PAST]), fits[0].predict(DENSE[20:], DENSE[PAST]))
    if getattr(fits[0], "n_members", 1) == 1:
        same(fits[1].factors(COMPACT), fits[0].factors(DENSE))
        same(fits[1].betas(COMPACT), fits[0].betas(DENSE))
    if not isinstance(fits[0], TimeSeriesRegression | PCAFactors):
        lost = (characteristic_importance(fit, panel) for fit, panel in zip(fits, (DENSE, COMPACT), strict=True))
        same(*(series.sort_index() for series in lost))


@pytest.mark.parametrize("name", ["NeuralIPCA", "CA on managed portfolios", "CA on portfolios"])
def test_networks_that_are_handed_their_data_batch_by_batch_learn_the_same(name, monkeypatch):
    from sklearn.base import clone

    at_once = clone(MODELS[name]).fit(DENSE[:15], DENSE[15:22])
    monkeypatch.setattr("helpers.models.stacked.STREAMED", 0)
    streamed = clone(MODELS[name]).fit(COMPACT[:15], COMPACT[15:22])
    assert np.allclose(streamed.history_, at_once.history_, rtol=1e-5)
    assert np.allclose(streamed.reconstruct(COMPACT), at_once.reconstruct(DENSE), rtol=1e-3, atol=1e-6, equal_nan=True)


FUNCTIONS = {
    "managed portfolios": managed_portfolios,
    "managed portfolios with a constant": lambda panel: managed_portfolios(panel, constant=True),
    "anomaly test": lambda panel: anomaly_test(panel[PAST], 2, n_draws=19).p_value,
    "walk forward": lambda panel: out_of_sample(InstrumentedPCA(2), panel, WalkForward(12, n_test=5)).prediction,
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_every_function_says_the_same_of_a_compact_panel(function):
    same(function(COMPACT), function(DENSE))


def test_the_arrays_of_the_lecture_are_arrays():
    there = ~np.isnan(DENSE.returns[:12]) & compact.complete(DENSE.characteristics[:12])
    whole = DENSE.tickers[there.all(axis=0)]
    one, other = (
        train_validation_arrays(panel[:12].sel(tickers=whole), range(8), range(8, 12)) for panel in (COMPACT, DENSE)
    )
    assert all(isinstance(array, np.ndarray) and np.array_equal(array, b) for array, b in zip(one, other, strict=True))


@pytest.mark.parametrize("dates", [True, False], ids=["one for each date", "constant"])
def test_given_betas_are_those_of_all_tickers_of_a_compact_panel_too(dates):
    betas = np.random.default_rng(0).normal(size=(*(DENSE.shape if dates else DENSE.shape[1:]), 2))
    one, other = (CrossSectionalRegression(betas).fit(panel) for panel in (DENSE, COMPACT))
    assert np.allclose(one.premia_, other.premia_)
    same(other.reconstruct(COMPACT), one.reconstruct(DENSE))
    same(other.factors(COMPACT[3:9]), one.factors(DENSE[3:9]))


def test_cross_sectional_regression_of_a_large_panel_makes_no_array_of_it(monkeypatch):
    known = DENSE.characteristics.copy()
    known[np.isnan(known) & ~np.isnan(DENSE.returns)[:, :, None]] = 0.0
    panel = replace(DENSE, characteristics=known)
    expected = CrossSectionalRegression().fit(panel)
    monkeypatch.setattr(compact, "LARGEST", 20_000)
    model = CrossSectionalRegression().fit(panel.compact())
    same(model.reconstruct(panel.compact()), expected.reconstruct(panel))


def test_cross_sectional_regression_says_the_same_where_all_characteristics_are_known():
    known = DENSE.characteristics.copy()
    known[np.isnan(known) & ~np.isnan(DENSE.returns)[:, :, None]] = 0.0
    panel = replace(DENSE, characteristics=known)
    one, other = (CrossSectionalRegression().fit(each) for each in (panel, panel.compact()))
    assert np.allclose(one.premia_, other.premia_)
    same(other.reconstruct(panel.compact()), one.reconstruct(panel))


# --- Side data --------------------------------------------------------------------------------------------------------


def test_side_data_follow_dates_and_tickers_and_no_model_reads_them():
    part = DENSE.sel("2002-03", ["T02", "T01"])
    d = list(DENSE.dates).index(pd.Timestamp("2002-03-31"))
    assert part.side["me"].tolist() == [[DENSE.side["me"][d, 2], DENSE.side["me"][d, 1]]]
    assert part.side["exchange"].tolist() == [[DENSE.side["exchange"][d, 2], DENSE.side["exchange"][d, 1]]]
    assert "beside it me, exchange" in repr(DENSE)
    bare = replace(DENSE, side=None)
    assert not bare.side
    assert np.array_equal(InstrumentedPCA(2).fit(bare).gamma_, InstrumentedPCA(2).fit(DENSE).gamma_)
    with pytest.raises(TypeError):
        DENSE.side["me"] = 0


@pytest.mark.parametrize(
    ("side", "error", "says"),
    [
        ({"me": np.ones((2, 2))}, ValueError, r"side\['me'\] must be \(n_dates, n_tickers\)"),
        ({"me": np.ones(N_DATES)}, ValueError, r"side\['me'\]"),
        ({"exchange": np.full((2, 2), "NYSE")}, ValueError, r"side\['exchange'\]"),
        ({3: np.ones(DENSE.shape)}, TypeError, "names are text; 3"),
    ],
)
def test_side_data_that_do_not_fit_are_refused(side, error, says):
    with pytest.raises(error, match=says):
        replace(DENSE, side=side)


def test_side_data_with_labels_must_have_those_of_the_panel():
    table = pd.DataFrame(DENSE.side["me"], DENSE.dates, DENSE.tickers)
    returns = pd.DataFrame(DENSE.returns, DENSE.dates, DENSE.tickers)
    assert Panel(returns, side={"me": table}).side["me"].shape == DENSE.shape
    with pytest.raises(ValueError, match="not those of returns"):
        Panel(returns, side={"me": table.iloc[:, ::-1]})


def test_panels_that_differ_in_side_data_do_not_join():
    with pytest.raises(ValueError, match="differ in their side data"):
        DENSE[:10].joined(replace(DENSE, side=None)[10:20])
