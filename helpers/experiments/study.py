"""A study of your own data: every model fitted forward through time, cell by cell, and a report made from what is kept.

    python -m helpers.experiments.study --example FOLDER      writes a small study, ready to run
    python -m helpers.experiments.study my.toml               runs it, one process for each core, and makes the report
    python -m helpers.experiments.study my.toml --dask tcp://10.0.0.1:8786
    python -m helpers.experiments.study my.toml --report-only

Each cell (a model, a number of factors, a fold) is fitted once and kept with its model, factors and forecasts. Stopped
at any moment, the same command goes on where it was. A study file that has changed fits only what has changed.
"""

import argparse
import errno
import os
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from joblib import Parallel, cpu_count, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from helpers.checks import first_few
from helpers.experiments.cells import dask_client, on_one_thread
from helpers.experiments.study_cells import Job, Outcome, came_to_no_end, is_full_disk, jobs_of, run_job
from helpers.experiments.study_data import data_folder
from helpers.experiments.study_file import Study

PAUSE = 0.5  # seconds between two looks at cells that another process is fitting
ATTEMPTS = 12  # how often workers may be killed before a run gives up


def run_study(
    study: Study | str | Path, n_jobs: int = -1, backend: str = "loky", progress: bool = False
) -> pd.DataFrame:
    """How each cell of the study ended, once all are fitted that can be; what is kept is not fitted again.

    Several processes, on several machines too, may run one study in one folder at once: no cell is fitted twice.

    Parameters
    ----------
    study : Study or path of a TOML file
    n_jobs : int
        How many processes; -1 is one for each core. Each of them computes on one thread.
    backend : str
        joblib's: "loky" for processes here, "dask" for the workers of the current dask.distributed Client. These must
        see the folder of the study under the same path.
    progress : bool
        Whether a progress bar with the time left is shown.

    Returns
    -------
    DataFrame
        A row for each cell: `model`, `K`, `fold`, `state` ("kept", "fitted" or "failed") and what is said of it.

    Raises
    ------
    ValueError
        If the study file or the data are not what they should be.
    OSError
        If the disk is full, or workers were killed again and again. What is finished is kept.
    """
    study = _as_study(study)
    study.folder.mkdir(parents=True, exist_ok=True)
    data = data_folder(study)
    run = f"{socket.gethostname()} {os.getpid()} {time.time_ns()}"
    waves = [[job._replace(run=run) for job in wave] for wave in jobs_of(study, data)]
    jobs = [job for wave in waves for job in wave]
    ended = {job.cell: Outcome(job.cell, "kept") for job in jobs if job.path.exists()}
    log(study, f"begins: {len(jobs)} cells, of which {len(ended)} are kept already")
    quiet = {} if progress else {"disable": True}
    with tqdm(total=len(jobs), initial=len(ended), desc="cells", unit="cell", smoothing=0.02, **quiet) as bar:
        for wave in waves:
            todo = [job for job in wave if job.cell not in ended]
            _run_wave(study, data, todo, ended, n_jobs, backend, bar)
    failed = sum(outcome.state == "failed" for outcome in ended.values())
    log(study, f"ends: {len(jobs) - failed} cells are kept, {failed} failed")
    rows = [(*job.cell, ended[job.cell].state, ended[job.cell].says) for job in jobs]
    return pd.DataFrame(rows, columns=["model", "K", "fold", "state", "says"])


def report(study: Study | str | Path) -> Path:
    """The path of the page that the kept cells make, tables as CSV beside it; nothing is fitted.

    Parameters
    ----------
    study : Study or path of a TOML file

    Raises
    ------
    ValueError
        If nothing is kept yet, or a kept cell is damaged.
    """
    from helpers.experiments.study_page import write_report  # loads matplotlib

    study = _as_study(study)
    return write_report(study, data_folder(study, again=False))


def main(arguments: list[str] | None = None) -> None:
    """The command line.

    Parameters
    ----------
    arguments : list of str, optional
        What was typed after the command.
    """
    parser = argparse.ArgumentParser(
        prog="python -m helpers.experiments.study", description="Runs the study that a TOML file describes."
    )
    parser.add_argument("study", nargs="?", type=Path, help="the study file")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one for each core)")
    parser.add_argument("--dask", metavar="ADDRESS", help="send the cells to the Dask cluster with this scheduler")
    parser.add_argument("--report-only", action="store_true", help="make the report from what is kept, and fit nothing")
    parser.add_argument("--example", metavar="FOLDER", type=Path, help="write a small study, ready to run, and stop")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.example is not None:
            from helpers.experiments.study_example import write_example

            print(f"Now run: python -m helpers.experiments.study {write_example(chosen.example)}")
            return
        if chosen.study is None:
            parser.error("name a study file, or write an example by --example FOLDER.")
        study = Study.from_toml(chosen.study)
        failed = 0 if chosen.report_only else _run(study, chosen)
        print(f"The report: {report(study)}")
    except (OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: error: {_no_room(error) if is_full_disk(error) else error}\n")
    except KeyboardInterrupt:
        sys.exit(f"Stopped. What was finished is in {study.folder}; the same command goes on from there.")
    sys.exit(1 if failed else 0)


def log(study: Study, sentence: str, more: str = "") -> None:
    """Adds a line to the log of the study, with the time and the process; a full disk does not stop it.

    Parameters
    ----------
    study : Study
    sentence : str
    more : str
        What follows it on lines of its own.
    """
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    text = f"{stamp} {socket.gethostname()} {os.getpid()}  {sentence}\n"
    text += "".join(f"    {line}\n" for line in more.splitlines())
    try:
        with open(study.folder / "log.txt", "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        if not is_full_disk(error):
            raise


def _run(study, chosen):
    """Runs the study and prints what failed; how many cells that were."""
    if chosen.dask is None:
        table = run_study(study, chosen.jobs, progress=True)
    else:
        with dask_client(chosen.dask):
            table = run_study(study, chosen.jobs, backend="dask", progress=True)
    failed = table[table["state"] == "failed"]
    for row in failed.head(10).itertuples():
        print(f"{row.model}, K = {row.K}, fold {row.fold} failed: {row.says}", file=sys.stderr)
    if len(failed):
        print(f"{len(failed)} cell(s) failed. All else is kept; see {study.folder / 'log.txt'}.", file=sys.stderr)
    return len(failed)


def _as_study(study):
    return study if isinstance(study, Study) else Study.from_toml(study)


def _run_wave(study, data, todo, ended, n_jobs, backend, bar):
    """Runs jobs until each has ended, here or in another process that runs the same study."""
    attempts = 0
    while todo:
        try:
            # After a death, each cell that may be to blame has its turn alone, and so takes no other with it.
            suspects = [job for job in todo if attempts and came_to_no_end(study, job)]
            for jobs in ([job for job in todo if job not in suspects], *([job] for job in suspects)):
                for outcome in _outcomes(study, data, jobs, n_jobs, backend):
                    _take(study, outcome, ended, bar)
        except Exception as error:
            if not _is_a_death(error):
                raise
            attempts += 1
            rest = [str(job.cell) for job in todo if job.cell not in ended]
            log(
                study, f"a worker was killed, perhaps for want of memory; {len(rest)} cells are left: {first_few(rest)}"
            )
            if attempts == ATTEMPTS:
                raise OSError(
                    f"Workers were killed {ATTEMPTS} times, perhaps for want of memory. {len(ended)} cells are kept in "
                    f"{study.folder}. Run the same command again with fewer --jobs; it goes on from there."
                ) from None
            if backend == "loky":  # fewer at once need less memory; a single one would be this process itself
                n_jobs = max(2, (cpu_count() if n_jobs < 0 else n_jobs) // 2)
        else:
            if any(job.cell not in ended for job in todo):
                time.sleep(PAUSE)
        todo = [job for job in todo if job.cell not in ended]


def _outcomes(study, data, todo: list[Job], n_jobs, backend) -> Iterable[Outcome]:
    """The outcomes of the jobs, as they end."""
    # As in `run_cells`: one thread each.
    threads = {"inner_max_num_threads": 1} if backend == "loky" else {}
    with parallel_config(backend, n_jobs=n_jobs, **threads):
        parallel = Parallel(return_as="generator_unordered", batch_size=1)
        yield from parallel(delayed(on_one_thread)(run_job, (study, data, job)) for job in todo)


def _take(study, outcome, ended, bar):
    """Notes how a job ended; one that another process is busy with has not."""
    if outcome.state == "busy":
        return
    if outcome.state == "full":
        raise OSError(errno.ENOSPC, outcome.says)
    ended[outcome.cell] = outcome
    bar.update()
    if outcome.state != "kept":
        log(study, f"{outcome.cell}: {outcome.state} {outcome.says}", outcome.trace)


def _no_room(error):
    return (
        f"There is no room on the disk ({error.strerror or error}). What was finished is kept, whole. Make room, and "
        "run the same command again; it goes on from there."
    )


def _is_a_death(error):
    """Whether an error says that a worker is gone, here or on a cluster."""
    return isinstance(error, TerminatedWorkerError) or type(error).__name__ == "KilledWorker"


if __name__ == "__main__":
    import helpers.experiments.study  # what workers are sent must have this name: theirs is another __main__

    helpers.experiments.study.main()
