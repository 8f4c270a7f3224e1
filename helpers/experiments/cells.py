"""Experiments made of many independent cells: run in parallel, stored row by row, continued where they were stopped."""

import os
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import process_executor
from tqdm import tqdm

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
        rows = parallel(delayed(_on_one_thread)(run_cell, cell) for cell in todo)
        quiet = {} if progress else {"disable": True}
        for row in tqdm(rows, total=len(todo), desc=path.name, unit="cell", smoothing=0.02, **quiet):
            line = pd.DataFrame([row], columns=columns)
            line.to_csv(file, header=False, index=False, float_format="%.6g", lineterminator="\n")
            file.flush()
    return read(path)


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
        by, key=lambda column: column.map(lambda value: order.get(value, value)), ignore_index=True
    )


def _on_one_thread(run_cell, cell):
    """The cell's row, made in a worker. TensorFlow has threads of its own, counted when it starts."""
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
