"""`make refresh` stores the same bytes for the same results, and stores nothing when something went wrong."""

import json
from base64 import b64decode
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from conftest import pytest_ignore_collect
from tools.refresh import NOTEBOOKS, all_notebooks, lessons, main, stored_form

TALKATIVE = """
import os, sys
print(os.path.basename(os.getcwd()))
sys.stdout.flush()
print(os.environ["OMP_NUM_THREADS"], os.environ["MPLBACKEND"].split(".")[-1])
"""
DRAWING = """
import matplotlib.pyplot as plt
from ipywidgets import IntSlider
plt.plot([0, 1, 4])
plt.show()
IntSlider(description="K")
"""


def write(path, *cells, **metadata):
    """The path, at which a notebook of these cells is stored; a piece of text is a code cell."""
    cells = [
        new_code_cell(cell, id=f"c{number}") if isinstance(cell, str) else cell for number, cell in enumerate(cells)
    ]
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path


def test_two_runs_store_the_same_bytes(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MPLBACKEND", "agg")
    heading = new_markdown_cell("# A lesson", id="title")
    path = write(tmp_path / "lesson.ipynb", heading, TALKATIVE, DRAWING, widgets={}, author="Ada")
    assert main([str(path)]) == 0
    first = path.read_bytes()
    assert main([str(path)]) == 0
    assert main(["--check", str(path)]) == 0
    assert path.read_bytes() == first
    report = capsys.readouterr().err
    assert ["changed", "unchanged", "unchanged"] == [line.split()[-1] for line in report.splitlines()]
    assert "lesson.ipynb" in report and " s " in report

    notebook = json.loads(first)
    assert first.startswith(b'{\n "cells"') and first.endswith(b"}\n")
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook["metadata"]) == {"author", "kernelspec", "language_info"}
    assert "version" not in notebook["metadata"]["language_info"]
    _, talk, drawing = notebook["cells"]
    assert [cell["id"] for cell in notebook["cells"]] == ["title", "c1", "c2"]
    assert [cell["execution_count"] for cell in (talk, drawing)] == [1, 2]
    assert [output["text"] for output in talk["outputs"]] == [[f"{tmp_path.name}\n", "1 backend_inline\n"]]
    assert [set(output["data"]) for output in drawing["outputs"]] == [{"image/png", "text/plain"}, {"text/plain"}]


TOLD = """
from helpers.plotting import plot_bars
plot_bars({"first": 0.25, "second": 0.5}, title="Two bars")
"""


def test_a_picture_is_stored_with_the_authors_words_its_size_and_its_numbers(tmp_path):
    words = "Two blue bars, the second twice as long as the first."
    by_author = new_code_cell(TOLD, id="told", metadata={"mystnb": {"image": {"alt": words}}})
    path = write(tmp_path / "lesson.ipynb", by_author, TOLD)
    assert main([str(path)]) == 0
    first = path.read_bytes()
    assert main([str(path)]) == 0 and path.read_bytes() == first
    told, made = (cell.outputs[0].metadata["image/png"] for cell in nbformat.read(path, as_version=4).cells)
    assert told["alt"] == words
    assert made["alt"] == "Two bars. Bar chart of total R², %: first 25, second 50."
    assert told["tables"] == made["tables"]
    assert told["tables"][0]["rows"] == [["first", 25], ["second", 50]]
    png = b64decode(nbformat.read(path, as_version=4).cells[0].outputs[0].data["image/png"])
    assert int.from_bytes(png[16:20]) // 2 == told["width"] and int.from_bytes(png[20:24]) // 2 == told["height"]


def test_a_failure_leaves_its_notebook_alone_and_the_others_go_on(tmp_path, capsys):
    bad = write(tmp_path / "bad.ipynb", "x = 1", "x / 0")
    good = write(tmp_path / "good.ipynb", "1 + 1")
    before = bad.read_bytes()
    assert main([str(bad), str(good)]) == 1
    report = capsys.readouterr().err
    for words in ("bad.ipynb", "Cell 2 (c1)", "`x / 0`", "Traceback", "ZeroDivisionError: division by zero"):
        assert words in report
    assert "\x1b" not in report
    assert bad.read_bytes() == before
    assert nbformat.read(good, as_version=4).cells[0].outputs[0].data["text/plain"] == "2"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bad.ipynb", "good.ipynb"]


@pytest.mark.parametrize("source", ["warnings.warn('old habits')", "print('old habits', file=sys.stderr)"])
def test_words_on_stderr_are_refused(tmp_path, capsys, source):
    path = write(tmp_path / "loud.ipynb", f"import sys, warnings\n{source}")
    before = path.read_bytes()
    assert main([str(path)]) == 1
    report = capsys.readouterr().err
    assert "Cell 1 (c0)" in report and "old habits" in report
    assert path.read_bytes() == before


def test_an_expected_error_is_stored_without_the_folders_of_this_machine(tmp_path):
    cell = new_code_cell("import json\njson.loads('{')", id="oops", metadata={"tags": ["raises-exception"]})
    path = write(tmp_path / "lesson.ipynb", cell, "'after'")
    assert main([str(path)]) == 0
    oops, after = nbformat.read(path, as_version=4).cells
    assert oops.outputs[0].ename == "JSONDecodeError"
    assert "site-packages" not in str(oops) and "/json/" not in str(oops)
    assert after.execution_count == 2


def test_check_writes_nothing_and_says_what_would_change(tmp_path, capsys):
    path = write(tmp_path / "lesson.ipynb", "1 + 1")
    before = path.read_bytes()
    assert main(["--check", str(path)]) == 1
    assert capsys.readouterr().err.split()[-1] == "changed"
    assert path.read_bytes() == before


def test_an_edit_during_the_run_is_kept(tmp_path, capsys):
    path = write(tmp_path / "lesson.ipynb", "from pathlib import Path\nPath('lesson.ipynb').open('a').write(' ');")
    before = path.read_bytes()
    assert main([str(path)]) == 1
    assert "was edited while it ran" in capsys.readouterr().err
    assert path.read_bytes() == before + b" "


def test_what_is_no_notebook_is_named(tmp_path, capsys):
    broken = tmp_path / "broken.ipynb"
    broken.write_text("not json", encoding="utf-8")
    assert main([str(broken)]) == 1
    assert "is not a notebook that nbformat can read" in capsys.readouterr().err
    for path in (tmp_path / "missing.ipynb", tmp_path):
        with pytest.raises(SystemExit) as stop:
            main([str(path)])
        assert stop.value.code == 2
        assert f"{path} is not a notebook" in capsys.readouterr().err


def test_a_students_own_notebooks_beside_them_are_none_of_the_course(tmp_path):
    names = ["00_start_here", "06_autoencoders", "homework/homework_2"]
    others = ["06_autoencoders fresh", "06_autoencoders copy", "21_my_own", "homework_1", "Untitled", "homework/mine"]
    others += [".ipynb_checkpoints/00_start_here", "homework/.ipynb_checkpoints/homework_2"]
    for name in names + others:
        path = tmp_path / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert all_notebooks(tmp_path) == [tmp_path / f"{name}.ipynb" for name in names]
    assert lessons(tmp_path) == [tmp_path / f"{name}.ipynb" for name in names[:2]]


def test_pytest_leaves_a_students_notebook_alone_unless_it_is_named():
    def ignored(name, *arguments):
        return pytest_ignore_collect(NOTEBOOKS / name, SimpleNamespace(args=arguments))

    assert ignored("mine.ipynb", "notebooks") is True
    assert ignored("mine.ipynb", "notebooks/mine.ipynb") is None
    assert ignored("00_start_here.ipynb", "notebooks") is ignored("homework/homework_1.ipynb", "notebooks") is None


def test_pieces_of_one_stream_are_joined_and_times_dropped():
    pieces = [("stdout", "a"), ("stdout", "b\n"), ("other", "c"), ("stdout", "d")]
    outputs = [new_output("stream", name=name, text=text) for name, text in pieces]
    metadata = {"execution": {"iopub.status.idle": "now"}, "tags": ["t"]}
    notebook = new_notebook(cells=[new_code_cell("x", id="x", outputs=outputs, metadata=metadata)])
    cell = nbformat.reads(stored_form(notebook), as_version=4).cells[0]
    assert [output.text for output in cell.outputs] == ["ab\n", "c", "d"]
    assert cell.metadata == {"tags": ["t"]}
