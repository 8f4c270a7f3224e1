"""A panel of the size of the real one: how many minutes and how much memory from the file to two fitted models.

From the root of the repository (it takes minutes, and 2 GB of disk while it runs):

    uv run python -m tests.benchmarks.scale

A file in the published layout is written first, by a process of its own. Then it is read, from CSV and from Parquet,
by us and by polars, which only fills columns: each in a fresh process, with the memory that it took, beside that of
what it holds in the end. Then, in another process: read, rank, instrumented PCA, and one CA2 on managed portfolios,
both tested on the last fifth of the dates. Here the memory is the most that the process has held so far, TensorFlow
included. The targets stand beside the numbers.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
import warnings

import numpy as np

from helpers.data.published import write_published_layout
from helpers.data.ranks import rank_across_tickers
from helpers.data.reader import read_panel
from helpers.evaluation.metrics import predictive_r2, total_r2
from helpers.evaluation.splitter import split_by_date
from helpers.models.ipca import InstrumentedPCA

TARGET = 8  # GB
PANEL_AND_A_QUARTER = 1.25


def peak_memory():
    """The most memory that this process has held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "linux" else 1e9)


def reading(paths, by):
    """Seconds, and GB above those held before: of our panel, or of the columns that polars makes of both files."""
    import polars

    read = {"polars, csv": polars.read_csv, "polars, parquet": polars.read_parquet}.get(by)
    before, start = peak_memory(), time.perf_counter()
    if read:
        tables = [read(path) for path in paths]
        size = sum(table.estimated_size() for table in tables) / 1e9
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            panel = read_panel(paths[0], layout="gkx", returns_path=paths[1], returns="RET")
        size = (panel.characteristics.nbytes + panel.returns.nbytes) / 1e9
    return time.perf_counter() - start, peak_memory() - before, size


def readings(paths):
    """The lines on reading, from {format: paths}: each route in a fresh process."""
    fresh = multiprocessing.get_context("spawn")
    lines = [f"{'':<20}{'seconds':>10}{'x polars':>10}{'GB taken':>10}{'GB held':>10}{'ratio':>8}   target"]
    for format, files in paths.items():
        found = {}
        for by in (f"helpers, {format}", f"polars, {format}"):
            with fresh.Pool(1) as process:
                found[by] = process.apply(reading, (files, by))
        for by, (seconds, taken, held) in found.items():
            ratio = seconds / found[f"polars, {format}"][0]
            target = f"at most {PANEL_AND_A_QUARTER}" if by.startswith("helpers") else ""
            numbers = f"{by:<20}{seconds:>10.1f}{ratio:>10.1f}{taken:>10.2f}{held:>10.2f}{taken / held:>8.2f}"
            lines.append(f"{numbers}   {target}".rstrip())
    return lines


def stages(paths, n_factors, epochs):
    """The lines of the report: one for each stage, with its minutes and the memory so far."""
    from helpers.models.autoencoder import PAPER_MODELS, ConditionalAutoencoder

    lines, start = [], time.perf_counter()

    def done(what):
        nonlocal start
        lines.append(f"{what:<84}{(time.perf_counter() - start) / 60:>8.2f}{peak_memory():>8.2f}")
        start = time.perf_counter()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of characteristics known for nobody in the first years
        panel = read_panel(paths[0], layout="gkx", returns_path=paths[1], returns="RET")
    size = f"{panel.n_dates} dates x {panel.n_tickers} tickers x {panel.n_characteristics} characteristics"
    done(f"read: {size}, {np.isfinite(panel.returns).mean():.0%} of returns")
    panel = rank_across_tickers(panel, missing="median")
    done("rank across tickers")
    train, validation, test = split_by_date(panel, (0.6, 0.2, 0.2))
    past = panel[: train.n_dates + validation.n_dates]
    models = {
        "IPCA": InstrumentedPCA(n_factors).fit,
        "CA2": ConditionalAutoencoder(
            n_factors,
            PAPER_MODELS["CA2"],
            n_members=1,
            factor_inputs="managed",
            l1=1e-3,
            batch_size=10_000,
            epochs=epochs,
        ).fit,
    }
    for name, fit in models.items():
        fitted = fit(past) if name == "IPCA" else fit(train, validation)
        done(f"{name}, K = {n_factors}: fit")
        total = total_r2(test.returns, fitted.reconstruct(test))
        predicted = predictive_r2(test.returns, fitted.predict(test, past))
        done(f"{name}, K = {n_factors}: total R² {total:.1%}, predictive R² {predicted:.1%}")
    return lines


def measure(n_tickers=3000, n_dates=600, n_characteristics=94, format="csv", n_factors=3, epochs=100):
    """The report as text: one table."""
    fresh = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, fresh.Pool(1) as writer, fresh.Pool(1) as reader:
        start, paths = time.perf_counter(), {}
        for kind in ("csv", "parquet"):
            job = (folder, n_tickers, n_dates, n_characteristics, 0, kind)
            paths[kind] = writer.apply(write_published_layout, job)
        gigabytes = {kind: sum(path.stat().st_size for path in files) / 1e9 for kind, files in paths.items()}
        sizes = ", ".join(f"{size:.2f} GB {kind}" for kind, size in gigabytes.items())
        written = f"(files written, {sizes}, by a process of their own)"
        of_reading = readings(paths)
        lines = [f"{'':<84}{'minutes':>8}{'GB':>8}", f"{written:<84}{(time.perf_counter() - start) / 60:>8.2f}"]
        lines += reader.apply(stages, (paths[format], n_factors, epochs))
    return "\n".join([*of_reading, *lines, f"{'target: at most':<92}{TARGET:>8.2f}"])


if __name__ == "__main__":
    print(measure())
