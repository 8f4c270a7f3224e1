"""The data of a study: read once, kept in a folder that all workers share, with a word on who is in the sample."""

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
from helpers.compact import some_known
from helpers.data.ranks import rank_across_tickers
from helpers.data.reader import read_panel
from helpers.data.returns import signs_of_percent
from helpers.experiments.study_file import READER, Study
from helpers.experiments.study_locks import alone
from helpers.files import written_whole
from helpers.labels import short
from helpers.models.managed import managed_portfolios
from helpers.panel import Panel

LARGE_RATE = 0.05  # of a period; a risk-free rate above it is one in percent
VERSION = 3  # of what is kept here: another one is made anew


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
        folder = study.folder / json.loads(kept.read_text(encoding="utf-8"))["folder"]
        _require_a_year(study, market(folder).panel.dates)
        return folder
    paths = [study.data[key] for key in ("path", "returns_path", "more_path", "factors") if study.data[key]]
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
    _require_a_year(study, market(folder).panel.dates)
    return folder


@lru_cache(maxsize=2)
def market(folder: Path) -> Market:
    """The market kept in a folder; its arrays stay in the file until they are read.

    Parameters
    ----------
    folder : Path
    """
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    panel, managed = Panel.load(folder / "panel"), folder / "managed.npy"
    size, exchange = about["size"], about["exchange"]
    return Market(
        panel,
        size=None if size is None else np.where(panel.side[size] > 0, panel.side[size].astype(float), np.nan),
        nyse=None if exchange is None else _is(panel.side[exchange], about["nyse"]).astype(float),
        managed=np.load(managed, mmap_mode="r") if managed.exists() else None,
        seen=tuple(about["seen"]),
        sample=tuple(about["sample"]),
    )


def _is(values, wanted):
    """Where side data are this number, or this text."""
    if values.dtype == object:
        return values == str(wanted)
    return values == float(wanted)


def _write(study, folder):
    """Reads the files of the study, and writes the panel and its managed portfolios."""
    data, told = study.data, []
    given = {key: data[key] for key in READER if data[key] is not None}
    side = [data[key] for key in ("size", "exchange") if data[key]]
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        paths = {key: data[key] for key in ("path", "returns_path", "more_path")}
        panel = read_panel(**paths, select=data["select"], side=side, **given)
    told += [f"The reader warned: {warning.message}" for warning in noted]
    nothing = ~some_known(panel.characteristics) & ~np.isnan(panel.returns)
    told.append(f"{int(nothing.sum()):,} returns were dropped, since no characteristic is known beside them.")
    if nothing.any():
        panel = replace(panel, returns=np.where(nothing, np.nan, panel.returns))
    if data["factors"]:
        panel, words = _with_factors(panel, data)
        told += words
    if not data["risk_free"]:
        told.append(
            "Returns are as the files have them (no risk_free was named). If they are not in excess of a risk-free "
            "rate, it is part of R², of means and of the Sharpe ratios of Table 4."
        )
    if data["rank"] == "median":
        panel = rank_across_tickers(panel, missing="median")
    if data["size"]:
        sized = panel.side[data["size"]]
        if sized.dtype == object:
            raise ValueError(f"[data] size names {data['size']!r}, which holds text. Name the column of market values.")
        unsized = int((~(sized > 0) & ~np.isnan(panel.returns)).sum())
        told.append(f"{unsized:,} returns have no market value known before: no value-weighted portfolio holds them.")
    try:
        np.save(folder / "managed.npy", np.asarray(managed_portfolios(panel, constant=True)))
    except ValueError as error:
        told.append(f"Managed portfolios cannot be made, so that their tables are missing: {error}")
    panel.save(folder / "panel")
    about = {key: data[key] for key in ("size", "exchange", "nyse")}
    about |= {"seen": _seen(panel), "sample": [*_sample(panel), *told]}
    (folder / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def _with_factors(panel, data):
    """The panel with the given factors as its portfolios, and in excess of the risk-free rate if it is named."""
    path, layout = data["factors"], data["factors_layout"]
    if layout:
        read = read_panel(path, layout=layout)
        table = pd.DataFrame(np.asarray(read.returns, dtype=float), read.dates, read.tickers)
    else:
        table = _frame(path)
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
    words, numbers = [], table.to_numpy(float)[:happened]
    signs = signs_of_percent(numbers, table.index[:happened], table.columns, "monthly" if months else "daily")
    rates = np.abs(table[data["risk_free"]].to_numpy(float)) if data["risk_free"] in table else np.zeros(1)
    if (typical := np.nanmedian(rates)) > LARGE_RATE:
        signs = [*signs, f"the median of {data['risk_free']} is {typical:.2g}"]
    if signs:
        raise ValueError(
            f"The factors in {path.name} look like percent: {', and '.join(signs)}. Name their layout "
            "(factors_layout = 'french', if they are Ken French's), or divide the file by 100."
        )
    if data["risk_free"]:
        if data["risk_free"] not in table:
            raise ValueError(f"{path.name} has no column {data['risk_free']!r}; it has {first_few(table.columns, 12)}.")
        rate = table.pop(data["risk_free"]).to_numpy(float)
        panel = replace(panel, returns=panel.returns - rate[:, None].astype(panel.returns.dtype))
        words.append(f"Returns are in excess of {data['risk_free']} of {path.name}.")
    return replace(panel, portfolios=table.astype(float)), words


def _frame(path):
    """A CSV or Parquet file as a frame of pandas."""
    return pd.read_parquet(path) if path.name.endswith(".parquet") else pd.read_csv(path)


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


def _require_a_year(study, dates):
    """Refuses dates that are no months where nobody says how many of them are a year."""
    apart = np.diff(dates.year * 12 + dates.month)
    months = _monthly(dates) and (not len(apart) or np.median(apart) == 1)
    if not (study.report["periods_per_year"] or months):
        raise ValueError(
            f"The dates of {study.data['path'].name} are not the months of a year, so a Sharpe ratio of a year needs "
            "periods_per_year in [report], such as 252 for days."
        )


def _seen(panel):
    """For each date a fingerprint of it and of all before: what is added later leaves it as it is."""
    known, marks = f"{list(panel.characteristic_names)} {panel.returns.dtype}".encode(), []
    for d, date in enumerate(panel.dates):
        z = np.asarray(panel.characteristics[d])
        there = ~np.isnan(panel.returns[d]) | ~np.isnan(z).all(axis=1)
        mark = hashlib.sha256(known + str(date).encode())
        mark.update(str(list(panel.tickers[there])).encode())
        for array in (panel.returns[d, there], z[there]):
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
