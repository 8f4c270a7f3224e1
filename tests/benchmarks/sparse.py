"""A panel in which most tickers are absent at most dates: how much time and memory it takes, compact and as one array.

From the root of the repository (the sizes take minutes; the full one, as large as CRSP with 94 characteristics, needs
6 GB of memory and some quarter of an hour):

    uv run python -m tests.benchmarks.sparse
    uv run python -m tests.benchmarks.sparse full

Tickers enter at any date and stay for 150 on average. Each stage runs in a process of its own, since the memory of a
process is the most that it has ever held. GB are those above what the process held with the panel made: the target is
2 at most. Reading is from Parquet, in the published layout with returns in a second file; its GB are those above the
panel that comes of it. One epoch of two networks stands for NeuralIPCA: its memory does not depend on how many there
are.
"""

import multiprocessing
import sys
import tempfile
import time
import warnings

import numpy as np

from helpers.compact import CompactArray
from helpers.data.published import write_published_layout
from helpers.data.ranks import rank_across_tickers
from helpers.data.reader import read_panel
from helpers.models.ipca import InstrumentedPCA
from helpers.models.managed import managed_portfolios
from helpers.panel import Panel
from tests.benchmarks.scale import peak_memory

SIZES = {"small": (1500, 240), "middle": (6000, 360), "large": (12_000, 600)}
FULL = {"full": (30_000, 720)}
N_CHARS, STAY = 94, 150
TARGET = 2  # GB


def made_up(n_tickers: int, n_dates: int, n_chars: int = N_CHARS, compact: bool = True, seed: int = 0) -> Panel:
    """A panel of noise and one factor, with CRSP's pattern of entries and exits; float32."""
    random = np.random.default_rng(seed)
    begin = random.integers(-STAY, n_dates, n_tickers)
    end = begin + np.ceil(random.exponential(STAY, n_tickers)).astype(int)
    d = np.arange(n_dates)[:, None]
    there = (begin <= d) & (d < end)
    starts = np.concatenate([[0], there.sum(axis=1).cumsum()])
    z = random.standard_normal((starts[-1], n_chars), dtype=np.float32)
    returns = np.full(there.shape, np.nan, np.float32)
    factor = np.repeat(random.normal(0, 0.1, n_dates), np.diff(starts))
    returns[there] = z[:, 0] * factor + 0.1 * random.standard_normal(starts[-1], dtype=np.float32)
    characteristics = CompactArray(z, np.nonzero(there)[1].astype(np.int32), starts, n_tickers)
    dates = np.datetime64("1957-03") + np.arange(n_dates)
    panel = Panel._of(
        returns=returns,
        characteristics=characteristics if compact else np.asarray(characteristics),
        dates=(dates + 1).astype("M8[D]").astype("M8[ns]") - np.timedelta64(1, "D"),
        tickers=np.arange(10_001, 10_001 + n_tickers),
    )
    return panel


def neural(panel: Panel) -> None:
    """One epoch of two networks, on the first two thirds of the dates and judged on the rest."""
    from helpers.models.neural_ipca import NeuralIPCA

    cut = 2 * panel.n_dates // 3
    NeuralIPCA(3, n_members=2, l1=0.05, epochs=1).fit(panel[:cut], panel[cut:])


STAGES = {
    "rank": lambda panel: rank_across_tickers(panel, "median"),
    "managed portfolios": managed_portfolios,
    "IPCA, K = 3": lambda panel: InstrumentedPCA(3).fit(panel),
    "IPCA, r̂": lambda panel: InstrumentedPCA(3, n_starts=1, max_rounds=2).fit(panel[:60]).reconstruct(panel),
    "NeuralIPCA, 1 epoch": neural,
}


def stage(name: str, n_tickers: int, n_dates: int, compact: bool) -> tuple[float, float, float]:
    """Seconds, the most GB above those with the panel made, and GB of the panel."""
    if name.startswith("Neural"):
        import helpers.models.neural_ipca  # noqa: F401  (TensorFlow's own memory is no part of it)
    panel = made_up(n_tickers, n_dates, compact=compact)
    size = (panel.characteristics.nbytes + panel.returns.nbytes) / 1e9
    with open("/proc/self/clear_refs", "w") as file:  # the peak begins anew
        file.write("5")
    before, start = held(), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        STAGES[name](panel)
    return time.perf_counter() - start, peak_since() - before, size


def reading(folder: str, n_tickers: int, n_dates: int) -> tuple[float, float, float]:
    """Seconds, the most GB above the panel that is read, and GB of the panel; a process of its own writes the files."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        sizes = folder, n_tickers, n_dates, N_CHARS, 0, "parquet", STAY
        paths = process.apply(write_published_layout, sizes)
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(_read, paths)


def _read(characteristics, returns):
    before, start = held(), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        panel = read_panel(characteristics, layout="gkx", returns_path=returns, returns="RET")
    size = (panel.characteristics.nbytes + panel.returns.nbytes) / 1e9
    return time.perf_counter() - start, peak_since() - before - size, size


def held() -> float:
    """GB that this process holds."""
    return _status("VmRSS")


def peak_since() -> float:
    """The most GB that it has held since the peak began anew."""
    return _status("VmHWM")


def _status(name):
    try:
        with open("/proc/self/status") as file:
            line = next(line for line in file if line.startswith(name))
    except OSError:  # not Linux: the peak since the process began
        return peak_memory()
    return int(line.split()[1]) / 1e6


def measure(sizes=SIZES, dense=("small", "middle")) -> str:
    """The report as text: a line for each size and stage."""
    fresh = multiprocessing.get_context("spawn")
    lines = [f"{'':<52}{'compact':>22}{'one array':>22}", f"{'':<52}{'seconds':>11}{'GB':>11}{'seconds':>11}{'GB':>11}"]
    for size, (n_tickers, n_dates) in sizes.items():
        lines.append(f"{size}: {n_tickers} tickers x {n_dates} dates x {N_CHARS}")
        with tempfile.TemporaryDirectory() as folder:
            seconds, gigabytes, held_by = reading(folder, n_tickers, n_dates)
        lines.append(f"  {f'read: a panel of {held_by:.2f} GB':<50}{seconds:>11.1f}{gigabytes:>11.2f}")
        print(lines[-1], file=sys.stderr, flush=True)
        for name in STAGES:
            found = {}
            for compact in (True, False) if size in dense else (True,):
                with fresh.Pool(1) as process:
                    found[compact] = process.apply(stage, (name, n_tickers, n_dates, compact))
            lines.append(f"  {name:<50}" + "".join(f"{s:>11.1f}{gb:>11.2f}" for s, gb, _ in found.values()))
            print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join([*lines, f"target: GB at most {TARGET}"])


if __name__ == "__main__":
    print(measure(FULL, dense=()) if sys.argv[1:] == ["full"] else measure())
