"""Experiments made of many independent cells: run in parallel, stored row by row, continued where they were stopped."""

import argparse
import os
import platform
import sys
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import process_executor
from tqdm import tqdm

from helpers.checks import first_few
from helpers.data.simulated import simulate_market

DASK_TIMEOUT = 10  # seconds that a scheduler may take to answer
WORKER_MEMORY = 4_000_000_000  # bytes; a worker that has grown by more is replaced


def run_cells(path, run_cell, todo, columns, key, read, n_jobs=-1, backend="loky", progress=False):
    """The table in the file, as `read` gives it, once every cell of todo is in it; what it holds is not made again.

    Parameters
    ----------
    path : path of a CSV file
        Made if it is not there. Each row is written as soon as it is known.
    run_cell : function
        Of one cell's entries; it gives the row, a dict. Other processes find it by its module's name.
    todo : sequence of tuple
        The cells: what stands in the columns of the key.
    columns, key : list of str
        The file's columns, and those that tell its cells apart.
    read : function
        The table in a file at this path, a DataFrame, or an error if it is not this experiment's.
    n_jobs : int
        How many processes; -1 is one for each core. Each of them computes on one thread.
    backend : str
        joblib's: "loky" for processes here, "dask" for the workers of the current dask.distributed Client.
    progress : bool
        Whether a progress bar is shown.
    """
    path, header = Path(path), ",".join(columns) + "\n"
    if path.exists():
        _drop_unfinished_line(path, header.encode())
    begun = path.exists() and path.stat().st_size
    done = set(read(path)[key].itertuples(index=False, name=None)) if begun else set()
    todo = [cell for cell in dict.fromkeys(todo) if cell not in done]
    # One thread each: two processes that share the cores are faster than one whose small products are cut in two.
    threads = {"inner_max_num_threads": 1} if backend == "loky" else {}
    with parallel_config(backend, n_jobs=n_jobs, **threads), open(path, "a", encoding="utf-8", newline="") as file:
        if not begun:
            file.write(header)
        parallel = Parallel(return_as="generator_unordered", batch_size=1)
        rows = parallel(delayed(on_one_thread)(run_cell, cell) for cell in todo)
        quiet = {} if progress else {"disable": True}
        for row in tqdm(rows, total=len(todo), desc=path.name, unit="cell", smoothing=0.02, **quiet):
            line = pd.DataFrame([row], columns=columns)
            line.to_csv(file, header=False, index=False, float_format="%.6g", lineterminator="\n")
            file.flush()
    return read(path)


def read_rows(path, columns, name, settings):
    """The rows of a file that this experiment made, a DataFrame; `settings` says of a row what it should be made with.

    Raises
    ------
    ValueError
        If the file has other columns, or rows made with other settings.
    """
    table = pd.read_csv(path)
    if list(table.columns) != columns:
        raise ValueError(
            f"{path} is not a table made by helpers.experiments.{name}; its columns are {first_few(table.columns)}."
        )
    others = {row.settings for row in table.itertuples() if row.settings != settings(row)}
    if others:
        raise ValueError(
            f"{path} was made with other settings ({first_few(sorted(others))}). Write to another file with --out."
        )
    return table


def command_line(
    name,
    says,
    stored,
    choices,
    cells,
    run,
    summary,
    arguments=None,
    repetitions=(100, 20),
    elsewhere="the networks where K is not 3",
):
    """The command line of an experiment: what is chosen is run, and the summary printed.

    Parameters
    ----------
    name, says : str
        Of the module, and what it makes.
    stored : Path
        The file that is made or continued unless another is named.
    choices : dict of str to two tuples
        What may be chosen, by the names that `cells` takes, and what is unless something else is said.
    cells, run, summary : function
        The experiment's own.
    arguments : list of str, optional
        What was typed after the command.
    repetitions : (int, int)
        How many there are unless something else is said, and how many elsewhere.
    elsewhere : str
        Where the second number counts, for the help.
    """
    parser = argparse.ArgumentParser(prog=f"python -m helpers.experiments.{name}", description=says)
    for option, (values, usual) in choices.items():
        parser.add_argument(f"--{option}", nargs="+", type=type(values[0]), choices=values, default=usual)
    many, fewer = repetitions
    parser.add_argument("--repetitions", type=int, default=many, help=f"simulated markets (default {many})")
    parser.add_argument(
        "--repetitions-elsewhere", type=int, default=fewer, help=f"the same for {elsewhere} (default {fewer})"
    )
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one for each core)")
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="send the cells to the Dask cluster whose scheduler is at this address"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=stored,
        help=f"the CSV file, made or continued (default helpers/experiments/{stored.name})",
    )
    chosen = parser.parse_args(arguments)
    try:
        wanted = {option: getattr(chosen, option) for option in choices}
        todo = cells(**wanted, repetitions=chosen.repetitions, repetitions_elsewhere=chosen.repetitions_elsewhere)
        if chosen.dask is None:
            table = run(chosen.out, todo, chosen.jobs, progress=True)
        else:
            with dask_client(chosen.dask):
                table = run(chosen.out, todo, chosen.jobs, backend="dask", progress=True)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.exit(f"Stopped. What was finished is in {chosen.out}; the same command goes on from there.")
    print(summary(table).round(2).to_string())


@lru_cache(maxsize=4)
def simulated(case, repetition):
    """The market of a repetition; several models meet the same one."""
    return simulate_market(case, seed=repetition)


@lru_cache
def versions():
    """Of what the numbers of a row depend on, in one line."""
    used = {"python": platform.python_version(), "numpy": version("numpy"), "keras": version("keras")}
    by_jax = os.environ.get("KERAS_BACKEND") == "jax"
    # TensorFlow is the same package under two names, see pyproject.toml.
    for name in ("jax",) if by_jax else ("tensorflow", "tensorflow-cpu"):
        with suppress(PackageNotFoundError):
            used.setdefault(name.removesuffix("-cpu"), version(name))
    return " ".join(f"{name}-{number}" for name, number in used.items())


def in_order(table, by, names):
    """The rows sorted by these columns: what is among the names in their order, and numbers ascending.

    Parameters
    ----------
    table : DataFrame
    by : list of str
        Columns, the first of which counts most.
    names : sequence of str
    """
    order = {name: i for i, name in enumerate(names)}
    return table.sort_values(
        by, key=lambda column: column.map(lambda value: order.get(value, value)), ignore_index=True, kind="stable"
    )


def dask_client(address):
    """The client of the Dask cluster whose scheduler is at this address."""
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("--dask needs the package distributed: pip install 'distributed'.") from None
    try:
        return Client(address, timeout=DASK_TIMEOUT)
    except AssertionError:  # Dask's own thread had not begun after ten seconds: the machine stood still
        return Client(address, timeout=DASK_TIMEOUT)


def on_one_thread(run_cell, cell):
    """What `run_cell` makes of the entries of a cell, in a worker: its row."""
    # TensorFlow has threads of its own, counted when it starts.
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    # joblib takes the machine code of each new shape for a leak, and would start the worker, and all compilation, anew.
    process_executor._MAX_MEMORY_LEAK_SIZE = WORKER_MEMORY
    return run_cell(*cell)


def _drop_unfinished_line(path, header):
    """Cuts off a last line that was cut short when a run was killed. Another program's file stays as it is."""
    with open(path, "rb+") as file:
        content = file.read()
        if content.startswith(header) or header.startswith(content):
            file.truncate(content.rfind(b"\n") + 1)
