"""Whether a script keeps the contract of the leaderboard: its text, table and time, the future, the order of rows."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from helpers.checks import as_count, as_positive, first_few
from helpers.experiments import contained
from helpers.experiments.forbidden import forbidden
from helpers.experiments.made_up import CHARS, DAILY, FEATURES

MOST_SOURCE, MOST_TABLE = 1_000_000, 50_000_000  # bytes
RELATIVE, ABSOLUTE = 1e-5, 1e-8
LOADING = 30  # seconds in which Python and the files are loaded, besides those that main may take
SHORT, SECONDS, A_DAY = 123, 60, 24 * 3600.0  # a file of at most so many months has a minute, others have a day
KEY = ["id", "eom"]


@dataclass(frozen=True)
class Finding:
    """Whether a rule is kept (None: not asked), and what was seen."""

    rule: str
    kept: bool | None
    says: str = ""

    def __str__(self):
        return f"{ {True: 'ok', False: 'FAILED', None: '-'}[self.kept]:8}{self.rule:15}{self.says}".rstrip()


@dataclass(frozen=True)
class Run:
    """What became of a run: the table, or what went wrong in a sentence."""

    table: pd.DataFrame | None
    fault: str | None
    noted: tuple = ()
    dtypes: tuple = ()
    id_type: str = ""
    seconds: float = 0.0


def check(
    script: str | Path,
    folder: str | Path,
    truncations: int = 10,
    shuffles: int = 10,
    seconds: float | None = None,
    seed: int = 0,
) -> list[Finding]:
    """Whether each rule is kept, a list of `Finding`; what hangs on a rule that is broken is not asked.

    "source": UTF-8, under 1 MB, Python, and nothing forbidden in its text. "runs": `main` gives a table within the
    time. "forbidden": nothing forbidden is done. "columns", "types", "missing", "repeats", "rows", "size": the table.
    "twice": a second run gives the same. "future": with later months taken away and the returns that were not known
    then changed, no weight moves, at as many dates as `truncations`. "own target": nor do those of the last month left.
    "order": rows, columns and features in any order give the same.

    Parameters
    ----------
    script : str or path
    folder : str or path
        With the organisers' three files, or those that `simulate` makes.
    truncations, shuffles : int
    seconds : float, optional
        That a run may take: 60 for files of up to 123 months, otherwise a day.
    seed : int
        Of the shuffles.
    """
    script, folder = Path(script).expanduser(), Path(folder).expanduser()
    truncations, shuffles = as_count("truncations", truncations, 0), as_count("shuffles", shuffles, 0)
    if not script.is_file():
        raise ValueError(f"There is no script {script}. Make one: leaderboard build ipca {script}")
    frames = read_folder(folder)
    months = np.sort(frames[0]["eom"].unique())
    limit = (SECONDS if len(months) <= SHORT else A_DAY) if seconds is None else as_positive("seconds", seconds)
    source = _source(script)
    found = [source]
    if not source.kept:
        return found
    tested = frames[0][frames[0]["ctff_test"].astype(bool)]
    random = np.random.default_rng(as_count("seed", seed, 0))
    with TemporaryDirectory() as room:
        first = run(script, folder, Path(room), limit)
        found.append(Finding("runs", first.fault is None, first.fault or f"in {first.seconds:.0f} s"))
        found.append(Finding("forbidden", not first.noted, "; ".join(first.noted)))
        if first.fault:
            return found
        found += list(_of_table(first, tested))
        if not all(finding.kept for finding in found):
            return found
        again = run(script, folder, Path(room), limit)
        found.append(_alike("twice", [(again, "in a second run", None)], first.table, "Set every seed."))
        if not found[-1].kept:
            return found
        ends = np.sort(tested["eom"].unique())
        # The first month that is weighed has none before it in which a weight could move.
        places = np.linspace(min(1, len(ends) - 1), len(ends) - 1, truncations).round().astype(int)
        cuts = ends[np.unique(places)]
        found += _without_the_future(script, frames, cuts, first.table, Path(room), limit, random)
        found.append(_in_any_order(script, frames, shuffles, first.table, Path(room), limit, random))
    return found


def read_folder(folder: str | Path) -> list[pd.DataFrame]:
    """The three tables of a folder, or an error that says which file or column is lacking."""
    paths = [Path(folder) / name for name in (CHARS, FEATURES, DAILY)]
    absent = [path.name for path in paths if not path.is_file()]
    if absent:
        raise ValueError(f"{folder} lacks {', '.join(absent)}. Make a folder: leaderboard simulate {folder}")
    frames = [pd.read_parquet(path) for path in paths]
    wanted = [("id", "eom", "eom_ret", "ret_exc_lead1m", "ctff_test"), ("features",), ("id", "date", "ret_exc")]
    for path, frame, columns in zip(paths, frames, wanted, strict=True):
        lacking = [column for column in columns if column not in frame]
        if lacking:
            raise ValueError(f"{path.name} lacks the column(s) {', '.join(lacking)}. Give the organisers' three files.")
    return frames


def run(script: Path, folder: str | Path, room: Path, seconds: float) -> Run:
    """One run of the script's main on the files of a folder, in a process of its own: a `Run`."""
    answer = room / "answer"
    for ending in (".json", ".parquet"):
        answer.with_suffix(ending).unlink(missing_ok=True)
    # One thread for a matrix product, unless something else is said: with neighbours on the machine, more are slower.
    environment = {"OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "PYTHONHASHSEED": "random"}
    command = [sys.executable, "-I", contained.__file__, *map(str, (script.resolve(), Path(folder).resolve(), answer))]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=room, env=environment, start_new_session=True, **quiet)
    try:
        process.wait(seconds + LOADING)
    except subprocess.TimeoutExpired:
        return Run(None, f"main did not end within {seconds:g} seconds and was stopped. Make it faster.")
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # what the script left behind ends with it
        process.wait()
    if not answer.with_suffix(".json").is_file():
        return Run(None, f"the process ended (code {process.returncode}) before main was done: too little memory?")
    said = json.loads(answer.with_suffix(".json").read_text(encoding="utf-8"))
    table, fault = None, said["error"] and f"main ended with {said['error']}"
    if not fault and said["kind"] != "DataFrame":
        fault = f"main returned a {said['kind']}. Return a pandas DataFrame with the columns id, eom, w."
    if not fault and said["seconds"] > seconds:
        fault = f"main took {said['seconds']:.0f} seconds, and {seconds:g} are allowed. Make it faster."
    if not fault:
        table = pd.read_parquet(answer.with_suffix(".parquet"))
    dtypes = tuple(said["dtypes"].items())
    return Run(table, fault, tuple(said["noted"]), dtypes, said["id"], said["seconds"])


def moved(table: pd.DataFrame, other: pd.DataFrame) -> str | None:
    """The first weight by which two tables differ, in words, or None; rows that one of them lacks count."""
    both = table.merge(other, on=KEY, how="outer", suffixes=("", "_other"), indicator=True)
    alone = both[both["_merge"] != "both"]
    if len(alone):
        row = alone.iloc[0]
        return f"{len(alone)} weight(s) are there only once, the first id {row['id']}, {row['eom']:%Y-%m-%d}"
    apart = ~np.isclose(both["w_other"], both["w"], rtol=RELATIVE, atol=ABSOLUTE)
    if not apart.any():
        return None
    row = both[apart].sort_values("eom", kind="stable").iloc[0]
    return (
        f"{int(apart.sum())} weight(s) moved, the first id {row['id']}, {row['eom']:%Y-%m-%d}: "
        f"{row['w']:.6g} and {row['w_other']:.6g}"
    )


def _source(script):
    content = script.read_bytes()
    if len(content) >= MOST_SOURCE:
        return Finding("source", False, f"{len(content)} bytes, and it must have less than {MOST_SOURCE}. Shorten it.")
    try:
        bad = forbidden(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Finding("source", False, f"it is not UTF-8 at byte {error.start}. Save it as UTF-8.")
    except (SyntaxError, ValueError) as error:
        return Finding("source", False, f"it is not Python: {error}. Mend that line.")
    return Finding("source", not bad, f"{first_few(bad)}. The script was not run: take that out." if bad else "")


def _of_table(first, tested):
    """The findings on the table itself, up to one that is broken."""
    names = [name for name, _ in first.dtypes]
    yield (good := Finding("columns", names == [*KEY, "w"], f"{', '.join(names)}; exactly id, eom, w are asked for"))
    if not good.kept:
        return
    types, table = dict(first.dtypes), first.table
    wrong = [] if types["id"] == first.id_type else [f"id is {types['id']}, and was given as {first.id_type}"]
    wrong += [] if types["eom"].startswith("datetime64") else [f"eom is {types['eom']}, not datetime64"]
    wrong += [] if types["w"].startswith("float") else [f"w is {types['w']}, not float"]
    yield Finding("types", not wrong, "; ".join(wrong))
    if wrong:
        return
    bad = int((~np.isfinite(table["w"])).sum() + table[KEY].isna().any(axis=1).sum())
    says = f"{bad} row(s) with a missing or infinite value. Give each a number."
    yield Finding("missing", not bad, says if bad else "")
    twice = table[table.duplicated(KEY)]
    yield Finding("repeats", twice.empty, "" if twice.empty else f"{_row(twice)} stands there more than once.")
    lacking = tested[KEY].merge(table[KEY].drop_duplicates(), on=KEY, how="left", indicator=True)
    lacking = lacking[lacking["_merge"] == "left_only"]
    says = "" if lacking.empty else f"{len(lacking)} row(s) with ctff_test have no weight, the first {_row(lacking)}"
    yield Finding("rows", lacking.empty, f"{says}. 0 is a weight." if says else "")
    size = len(table.to_csv(index=False))
    yield Finding("size", size < MOST_TABLE, "" if size < MOST_TABLE else f"{size} bytes as CSV; 50 MB are allowed.")


def _row(table):
    return f"id {table['id'].iloc[0]}, {table['eom'].iloc[0]:%Y-%m-%d}"


def _alike(rule, runs, table, remedy):
    """The finding that runs give the table up to their ends; runs: (Run, what was changed, the last eom or None)."""
    for other, how, end in runs:
        fault = other.fault
        if fault is None:
            kept = table if end is None else table[table["eom"] <= end]
            fault = moved(kept, other.table if end is None else other.table[other.table["eom"] <= end])
        if fault:
            return Finding(rule, False, f"{how}: {fault}. {remedy}")
    return Finding(rule, True)


def _without_the_future(script, frames, cuts, table, room, limit, random):
    """The two findings on what was not known: at earlier months, and of the last month that is left."""
    if not len(cuts):
        return [Finding("future", None), Finding("own target", None)]
    chars, features, daily = frames
    before, at = [], []
    for cut in cuts:
        past = chars[chars["eom"] <= cut].copy()
        unknown = (past["eom_ret"] > cut).to_numpy()
        others = past.loc[unknown, "ret_exc_lead1m"].to_numpy()
        past.loc[unknown, "ret_exc_lead1m"] = -random.permutation(others)
        where = _write(room, past, features, daily[daily["date"] <= cut])
        shorter = run(script, where, room, limit)
        how = f"without what came after {pd.Timestamp(cut):%Y-%m-%d}"
        if shorter.table is None or list(shorter.table) != [*KEY, "w"]:
            before.append((shorter, how, None))
            break
        before.append((shorter, how, cut - np.timedelta64(1, "D")))
        ends = shorter.table["eom"] == cut
        at.append((Run(shorter.table[ends], None), how, table[table["eom"] == cut]))
    early = _alike("future", before, table, "Compute everything from rows whose eom_ret is not after the eom weighed.")
    own = next((f"{how}: {fault}" for last, how, kept in at if (fault := moved(kept, last.table))), "")
    if not early.kept:
        return [early, Finding("own target", None)]
    remedy = ". Its ret_exc_lead1m, or the day after, was used: it is not known when the weight is chosen."
    return [early, Finding("own target", not own, own + remedy if own else "")]


def _in_any_order(script, frames, shuffles, table, room, limit, random):
    if not shuffles:
        return Finding("order", None)
    runs = []
    for turn in range(shuffles):
        columns = random.permutation(frames[0].columns.to_numpy())
        mixed = [frame.iloc[random.permutation(len(frame))].reset_index(drop=True) for frame in frames]
        where = _write(room, mixed[0][columns], mixed[1], mixed[2])
        how = f"in another order of rows, columns and features ({turn + 1})"
        runs.append((run(script, where, room, limit), how, None))
        if runs[-1][0].fault or moved(table, runs[-1][0].table):
            break
    return _alike("order", runs, table, "Sort rows by eom and id, and features by name, first.")


def _write(room, *frames):
    """The folder that holds these three tables."""
    for frame, name in zip(frames, (CHARS, FEATURES, DAILY), strict=True):
        frame.to_parquet(room / name, index=False)
    return room
