"""The data of a study: read once, kept as plain arrays that all workers share, with a word on who is in the sample."""

import hashlib
import json
import os
import shutil
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd

from helpers.checks import first_few
from helpers.data.layouts import LAYOUTS
from helpers.data.ranks import rank_across_tickers
from helpers.data.reader import read_panel
from helpers.experiments.study_file import READER, Study
from helpers.experiments.study_locks import alone
from helpers.files import written_whole
from helpers.labels import short
from helpers.models.managed import managed_portfolios
from helpers.panel import Panel, read_only

VERSION = 1  # of what is kept here: another one is made anew
ARRAYS = ("returns", "characteristics", "portfolios", "size", "nyse", "managed")


@dataclass(frozen=True, eq=False)
class Market:
    """The data of a study as its cells and its report see them.

    Parameters
    ----------
    panel : Panel
        Ranked; its portfolios are the given factors, if there are any.
    size, nyse : (n_dates, n_tickers) or None
        Market values known before each date, and 1 where the ticker was then traded at the NYSE.
    managed : (n_dates, n_chars + 1) or None
        The managed portfolios x with the constant; None where they cannot be made.
    seen : tuple of str
        For each date a fingerprint of all that was there up to this date.
    sample : tuple of str
        Who is in the sample, in sentences.
    """

    panel: Panel
    size: np.ndarray | None
    nyse: np.ndarray | None
    managed: np.ndarray | None
    seen: tuple[str, ...]
    sample: tuple[str, ...]


def data_folder(study: Study, again: bool = True) -> Path:
    """The folder of the prepared data; they are made first where they are not there or the files have changed.

    Parameters
    ----------
    study : Study
    again : bool
        Whether they may be made. If not, what is there last is taken, and nothing there is an error.
    """
    if not again:
        kept = study.folder / "data.json"
        if not kept.exists():
            raise ValueError(f"Nothing is kept in {study.folder} yet: run the study first, without --report-only.")
        return study.folder / json.loads(kept.read_text(encoding="utf-8"))["folder"]
    paths = [study.data[key] for key in ("path", "returns_path", "side_path", "factors") if study.data[key]]
    files = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    wanted = json.dumps([VERSION, {key: str(value) for key, value in study.data.items()}, files], sort_keys=True)
    folder = study.folder / f"data-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    with alone(study.folder / "locks" / "data.lock", wait=True):
        if not folder.exists():
            unfinished = study.folder / f".{folder.name}.{uuid4().hex}.unfinished"
            unfinished.mkdir()
            try:
                _write(study, unfinished)
                os.rename(unfinished, folder)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        with written_whole(study.folder / "data.json") as path:
            path.write_text(json.dumps({"folder": folder.name}), encoding="utf-8")
    return folder


@lru_cache(maxsize=2)
def market(folder: Path) -> Market:
    """The market kept in a folder; its arrays stay in the file until they are read.

    Parameters
    ----------
    folder : Path
    """
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in about["arrays"]}
    labels = {name: pd.Index(np.load(folder / f"{name}.npy")) for name in ("dates", "tickers")}
    if labels["tickers"].dtype == object or labels["tickers"].dtype.kind == "U":
        labels["tickers"] = labels["tickers"].astype("str")
    has_factors = "portfolios" in arrays
    panel = Panel._of(
        returns=arrays["returns"],
        characteristics=arrays["characteristics"],
        portfolios=arrays.get("portfolios"),
        dates=pd.DatetimeIndex(labels["dates"]),
        tickers=labels["tickers"],
        characteristic_names=pd.Index(about["characteristic_names"], dtype="str"),
        portfolio_names=pd.Index(about["factor_names"], dtype="str") if has_factors else None,
    )
    rest = {name: read_only(arrays[name]) if name in arrays else None for name in ("size", "nyse", "managed")}
    return Market(panel, **rest, seen=tuple(about["seen"]), sample=tuple(about["sample"]))


def _write(study, folder):
    """Reads the files of the study and writes the arrays that are made of them."""
    data, told = study.data, []
    given = {key: data[key] for key in READER if data[key] is not None}
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        panel = read_panel(data["path"], returns_path=data["returns_path"], **given)
    told += [f"The reader warned: {warning.message}" for warning in noted]
    side = _side(data, panel)
    panel, dropped = _selected(panel, side, data["select"])
    told += dropped
    if data["factors"]:
        panel, words = _with_factors(panel, data)
        told += words
    if data["rank"] == "median":
        panel = rank_across_tickers(panel, missing="median")
    arrays = {"returns": panel.returns, "characteristics": panel.characteristics}
    if panel.portfolios is not None:
        arrays["portfolios"] = panel.portfolios
    lag = data["side_lag"]
    if data["size"]:
        size = side["size"]
        arrays["size"] = _later(np.where(size > 0, size, np.nan), lag)
        unsized = int((np.isnan(arrays["size"]) & ~np.isnan(panel.returns)).sum())
        told.append(f"{unsized:,} returns have no market value known before: no value-weighted portfolio holds them.")
    if data["exchange"]:
        arrays["nyse"] = np.nan_to_num(_later(side["nyse"], lag))
    try:
        arrays["managed"] = np.asarray(managed_portfolios(panel, constant=True))
    except ValueError as error:
        told.append(f"Managed portfolios cannot be made, so that their tables are missing: {error}")
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    np.save(folder / "dates.npy", panel.dates.to_numpy())
    tickers = panel.tickers
    np.save(
        folder / "tickers.npy", tickers.to_numpy() if tickers.dtype.kind in "iu" else tickers.to_numpy().astype("U")
    )
    about = {
        "arrays": list(arrays),
        "characteristic_names": list(panel.characteristic_names),
        "factor_names": None if panel.portfolio_names is None else list(panel.portfolio_names),
        "seen": _seen(panel),
        "sample": [*_sample(panel), *told],
    }
    (folder / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def _selected(panel, side, select):
    """The panel of the wanted rows; whoever has a return and no characteristic is left out, too."""
    returns, words = np.array(panel.returns), []
    characteristics = np.array(panel.characteristics)
    for column, values in select.items():
        wanted = side[f"select {column}"] == 1
        lost = ~wanted & ~np.isnan(returns)
        words.append(
            f"{int(lost.sum()):,} returns were dropped, since {column} is not one of {first_few(values, 9)} there."
        )
        returns[~wanted], characteristics[~wanted] = np.nan, np.nan
    nothing = np.isnan(characteristics).all(axis=2) & ~np.isnan(returns)
    words.append(f"{int(nothing.sum()):,} returns were dropped, since no characteristic is known beside them.")
    returns[nothing] = np.nan
    return replace(panel, returns=returns, characteristics=characteristics), words


def _with_factors(panel, data):
    """The panel with the given factors as its portfolios, and in excess of the risk-free rate if it is named."""
    path, layout = data["factors"], data["factors_layout"]
    if layout:
        read = read_panel(path, layout=layout)
        table = pd.DataFrame(np.asarray(read.returns, dtype=float), read.dates, read.tickers)
    else:
        table = _frame(path, None)
        table = table.set_index(_as_dates(table.pop(table.columns[0])))
    months = _monthly(panel.dates)
    index = table.index + pd.offsets.MonthEnd(0) if months else table.index
    table = table.set_axis(pd.DatetimeIndex(index), axis=0).reindex(panel.dates)
    happened = panel.n_happened
    missing = table.index[:happened][table.iloc[:happened].isna().any(axis=1)]
    if len(missing):
        raise ValueError(
            f"{path.name} has no row, or an empty one, for {len(missing)} date(s) of the panel, the first "
            f"{short(missing[0])}. Bring factors for all dates, or set start and end in [data]."
        )
    words = []
    if data["risk_free"]:
        if data["risk_free"] not in table:
            raise ValueError(f"{path.name} has no column {data['risk_free']!r}; it has {first_few(table.columns, 12)}.")
        rate = table.pop(data["risk_free"]).to_numpy(float)
        panel = replace(panel, returns=panel.returns - rate[:, None].astype(panel.returns.dtype))
        words.append(f"Returns are in excess of {data['risk_free']} of {path.name}.")
    return replace(panel, portfolios=table.astype(float)), words


def _side(data, panel):
    """What a file says beside the characteristics, (n_dates, n_tickers) each: the size, and 1 where a row is wanted.

    For the time being: `read_panel(..., side=, select=)` is to take this over.
    """
    columns = [*filter(None, (data["size"], data["exchange"])), *data["select"]]
    if not columns:
        return {}
    path = data["side_path"] or data["returns_path"] or data["path"]
    layout = data["layout"] if path == data["path"] else data["returns_layout"]
    names = [
        data[what] or (getattr(LAYOUTS[layout], what) if layout in LAYOUTS else None) for what in ("date", "ticker")
    ]
    if None in names and data["layout"] in LAYOUTS:  # as read_panel has it: under the names of the first file
        names = [
            name or getattr(LAYOUTS[data["layout"]], what) for name, what in zip(names, ("date", "ticker"), strict=True)
        ]
    date, ticker = (name or usual for name, usual in zip(names, ("date", "ticker"), strict=True))
    frame = _frame(path, [date, ticker, *columns])
    dates = _as_dates(frame[date])
    rows = panel.dates.get_indexer(dates + pd.offsets.MonthEnd(0) if _monthly(panel.dates) else dates)
    kind = pd.to_numeric if panel.tickers.dtype.kind in "iu" else (lambda column: column.astype("str"))
    at = panel.tickers.get_indexer(pd.Index(kind(frame[ticker])))
    there = (rows >= 0) & (at >= 0)
    if not there.any():
        raise ValueError(f"{path.name} has no row of a date and a ticker of the panel: check its {date} and {ticker}.")
    wanted = {f"select {column}": (column, values) for column, values in data["select"].items()}
    if data["exchange"]:
        wanted["nyse"] = (data["exchange"], [data["nyse"]])
    values = {name: _marked(frame[column], those) for name, (column, those) in wanted.items()}
    if data["size"]:
        values["size"] = pd.to_numeric(frame[data["size"]], errors="coerce").to_numpy(float)
    placed = {}
    for name, column in values.items():
        placed[name] = np.full(panel.shape, np.nan)
        placed[name][rows[there], at[there]] = column[there]
    return placed


def _frame(path, columns):
    """Some columns of a CSV or Parquet file, all if none are named; capitals do not count."""
    if path.name.endswith(".parquet"):
        frame = pd.read_parquet(path)
    else:
        wanted = None if columns is None else {name.lower() for name in columns}
        frame = pd.read_csv(path, usecols=None if wanted is None else lambda name: name.lower() in wanted)
    if columns is None:
        return frame
    own = {name.lower(): name for name in frame.columns}
    absent = [name for name in columns if name.lower() not in own]
    if absent:
        raise ValueError(f"{path.name} has no column {absent[0]!r}; it has {first_few(_header(path), 12)}.")
    return pd.DataFrame({name: frame[own[name.lower()]] for name in columns})


def _header(path):
    return pd.read_parquet(path).columns if path.name.endswith(".parquet") else pd.read_csv(path, nrows=0).columns


def _as_dates(column):
    """Dates written as 19570331, 195703, 1957-03-31 or as timestamps."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.DatetimeIndex(column).normalize()
    text = column.astype("str")
    lengths = set(text.str.len())
    form = "%Y%m%d" if lengths == {8} else "%Y%m" if lengths == {6} else None
    return pd.DatetimeIndex(pd.to_datetime(text, format=form)).normalize()


def _monthly(dates):
    return bool((dates == dates + pd.offsets.MonthEnd(0)).all())


def _marked(column, values):
    """1 where a column holds one of these values, however a number is written, else 0."""
    codes, own = pd.factorize(column)
    written = [f"{value:g}" if isinstance(value, int | float) else str(value).strip() for value in own]
    wanted = np.isin(written, [f"{v:g}" if isinstance(v, int | float) else str(v) for v in values])
    return np.where(codes >= 0, np.append(wanted, False)[codes], False).astype(float)


def _later(values, lag):
    """The table moved forward by so many dates: what was known then."""
    moved = np.full(values.shape, np.nan)
    moved[lag:] = values[: len(values) - lag]
    return moved


def _seen(panel):
    """For each date a fingerprint of it and of all before: what is added later leaves it as it is."""
    known, marks = f"{list(panel.characteristic_names)} {panel.returns.dtype}".encode(), []
    for d, date in enumerate(panel.dates):
        there = ~np.isnan(panel.returns[d]) | ~np.isnan(panel.characteristics[d]).all(axis=1)
        mark = hashlib.sha256(known + str(date).encode())
        mark.update(str(list(panel.tickers[there])).encode())
        for array in (panel.returns[d, there], panel.characteristics[d, there]):
            mark.update(np.ascontiguousarray(array).tobytes())
        if panel.portfolios is not None:
            mark.update(f"{list(panel.portfolio_names)}".encode() + np.ascontiguousarray(panel.portfolios[d]).tobytes())
        known = mark.digest()
        marks.append(mark.hexdigest())
    return marks


def _sample(panel):
    there = ~np.isnan(panel.returns)
    return [
        f"{int(there.sum()):,} returns of {int(there.any(axis=0).sum()):,} tickers at {panel.n_dates:,} dates from "
        f"{short(panel.dates[0])} to {short(panel.dates[-1])}, with {panel.n_characteristics} characteristics.",
        f"At a date {int(there.sum(axis=1).min()):,} tickers have a return at least, "
        f"{int(np.median(there.sum(axis=1))):,} in the median, {int(there.sum(axis=1).max()):,} at most.",
    ]
