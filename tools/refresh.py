"""Executes notebooks again and stores them so that the same results are the same bytes.

    python -m tools.refresh                                    every notebook, and the picture of the README
    python -m tools.refresh notebooks/06_autoencoders.ipynb    this one
    python -m tools.refresh --check                            says which of them are out of date, writes nothing

A notebook is replaced only when all of its cells ran without an error and without a word on stderr. The minutes at the
head of a lesson are counted (`tools.minutes`).
"""

import argparse
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import TypeVar

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from helpers.files import written_whole
from tools.minutes import minutes, with_minutes

Environment = TypeVar("Environment", bound=MutableMapping[str, str])

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
PICTURE = ROOT / "course.png"  # of the README
CELL_TIMEOUT = 600  # seconds

# One thread per kernel: sums come out the same whatever the number of cores, and two kernels at once do not compete.
_KERNEL_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "TQDM_DISABLE": "1",  # a progress bar is for who waits in front of it
    "FACTOR_MODELS_PROGRESS": "",  # what a test or a refresh answers is no student's progress
}
_KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# What a kernel says of itself, less the version of Python.
_LANGUAGE_INFO = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_PICTURE = "image/png"
_TIMING_METADATA = ("execution", "ExecuteTime")


class NotRefreshed(Exception):
    """Says which cell of a notebook could not be stored, and why."""


def main(argv: Sequence[str] | None = None) -> int:
    """0 when every notebook could be refreshed (with --check: is up to date), else 1; progress goes to stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.refresh", description="Execute notebooks and store their outputs."
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all under notebooks/")
    parser.add_argument("--check", action="store_true", help="only say which stored notebooks would change")
    arguments = parser.parse_args(argv)
    for path in arguments.notebooks:
        if path.suffix != ".ipynb" or not path.is_file():
            parser.error(f"{path} is not a notebook: give the path of an .ipynb file, or none for all of them.")

    good = True
    for path in arguments.notebooks or [*all_notebooks(), PICTURE]:
        start = time.perf_counter()
        try:
            state = refresh(path, check=arguments.check) if path != PICTURE else refresh_picture(check=arguments.check)
        except NotRefreshed as error:
            state, good = f"NOT REFRESHED\n{error}", False
        good = good and not (arguments.check and state == "changed")
        print(f"{path.name:40} {time.perf_counter() - start:6.1f} s  {state}", file=sys.stderr, flush=True)
    return 0 if good else 1


def all_notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """The lessons and the homework of the course, in reading order. A student's own notebooks may lie beside them."""
    return [*lessons(folder), *sorted((folder / "homework").glob("homework_[0-9].ipynb"))]


def lessons(folder: Path = NOTEBOOKS) -> list[Path]:
    """The lessons of the course, in reading order: each has its exercises among the helpers."""
    exercises = ROOT / "helpers" / "exercises"
    return [path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")) if (exercises / f"{path.stem[3:]}.py").exists()]


def refresh(path: Path, check: bool = False) -> str:
    """The word "changed" or "unchanged", after the notebook was executed and (unless only checked) stored.

    Raises
    ------
    NotRefreshed
        A cell failed, or wrote to stderr, or the file changed meanwhile. The stored notebook is then as it was.
    """
    before = path.read_bytes()
    try:
        notebook = nbformat.reads(before.decode(), as_version=4)
    except (ValueError, KeyError, AttributeError) as error:
        raise NotRefreshed(f"{path} is not a notebook that nbformat can read: {error}") from None
    execute(notebook, path.parent)
    for head in notebook.cells[:1]:
        head.source = with_minutes(head.source, minutes(notebook))
    after = stored_form(notebook).encode()
    if before == after:
        return "unchanged"
    if not check:
        if path.read_bytes() != before:
            raise NotRefreshed(f"{path} was edited while it ran: save it and refresh it again.")
        with written_whole(path) as unfinished:
            unfinished.write_bytes(after)
    return "changed"


def refresh_picture(path: Path = PICTURE, check: bool = False) -> str:
    """The word "changed" or "unchanged", after the picture of the README was drawn and (unless only checked) stored."""
    from helpers.plotting.matrices import draw_course

    drawn = io.BytesIO()
    draw_course().savefig(drawn, format="png", dpi=80, bbox_inches="tight", metadata={"Software": None})
    if path.is_file() and path.read_bytes() == drawn.getvalue():
        return "unchanged"
    if not check:
        with written_whole(path) as unfinished:
            unfinished.write_bytes(drawn.getvalue())
    return "changed"


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """The notebook with the outputs of a fresh kernel whose working directory is the folder (changed in place)."""
    where = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, kernel_name="python3", timeout=CELL_TIMEOUT, record_timing=False, resources=where)
    # A kernel's own notes on its start go nowhere; what a cell writes to stderr arrives as an output.
    with client.setup_kernel(env=set_kernel_environment(dict(os.environ)), stderr=subprocess.DEVNULL):
        for index, cell in enumerate(notebook.cells):
            try:
                client.execute_cell(cell, index)
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                raise NotRefreshed(f"{_name(cell, index)} failed:\n{_plain(str(error))}") from None
            written = "".join(output.text for output in cell.get("outputs", ()) if output.get("name") == "stderr")
            if written:
                raise NotRefreshed(f"{_name(cell, index)} wrote to stderr, a warning perhaps:\n{_plain(written)}")
    return notebook


def stored_form(notebook: NotebookNode) -> str:
    """The notebook as text in which nothing differs between runs with the same results, or versions of Python."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata.pop("widgets", None)
    notebook.metadata.update(kernelspec=_KERNELSPEC, language_info=_LANGUAGE_INFO)
    for index, cell in enumerate(notebook.cells):
        cell.setdefault("id", f"cell-{index}")
        for key in _TIMING_METADATA:
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = _joined_streams([_stable_output(output) for output in cell.outputs])
            _describe(cell)
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def set_kernel_environment(environment: Environment) -> Environment:
    """The environment with what a kernel needs to give the same outputs on every machine (changed in place)."""
    environment.update(_KERNEL_ENVIRONMENT)
    for name in ("COLUMNS", "LINES", "PYTHONWARNINGS"):  # somebody's terminal and habits
        environment.pop(name, None)
    return environment


def _stable_output(output):
    """The output without a widget's random name, and an expected error without its traceback, which names folders."""
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
    elif "data" in output:
        output.data.pop(_WIDGET_VIEW, None)
    return output


def _describe(cell):
    """Puts what the author says of a cell's picture in the place of what was made of the figure itself."""
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
    for output in cell.outputs if alt else ():
        said = output.get("metadata", {}).get(_PICTURE)
        if said is not None and _PICTURE in output.data:
            said["alt"] = alt


def _joined_streams(outputs):
    """The outputs, consecutive pieces of one stream made one: where a kernel cuts its stream is a matter of timing."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream" and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _name(cell, index):
    first_line = cell.source.strip().split("\n")[0]
    return f"Cell {index + 1} ({cell.get('id', 'without id')}), which begins `{first_line}`,"


def _plain(text):
    """The text without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).rstrip()


if __name__ == "__main__":
    sys.exit(main())
