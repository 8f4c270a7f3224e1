"""What the pages for readers say is so: their code runs, their links lead somewhere, their map is that of the house."""

import re

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from traitlets.config import Config

from helpers.data.simulated import simulate_market
from tools.minutes import minutes, with_minutes
from tools.refresh import NOTEBOOKS, lessons

ROOT = NOTEBOOKS.parent
PAGES = {path.name: path for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))}
LESSONS = lessons()
MOST_MINUTES = 75
WITH_CODE = [name for name, path in PAGES.items() if "```python" in path.read_text(encoding="utf-8")]


def text(name):
    return PAGES[name].read_text(encoding="utf-8")


def write_a_file_of_somebodys(path):
    """Monthly data under other names than ours, whose last month has characteristics and no return yet."""
    market = simulate_market("linear", n_dates=150, n_tickers=60, n_characteristics=4, seed=0).panel
    frame = market.to_frame().reset_index()
    frame.columns = ["month", "permno", "ret", *frame.columns[3:]]
    months = np.arange("2000-01", "2012-07", dtype="datetime64[M]").astype(str)
    frame["month"] = months[frame["month"].to_numpy(int)]
    frame.loc[frame["month"] == "2012-06", "ret"] = np.nan
    frame.to_csv(path, index=False)


@pytest.mark.parametrize("name", WITH_CODE)
def test_the_code_of_a_page_runs_from_top_to_bottom(name, tmp_path, monkeypatch):
    write_a_file_of_somebodys(tmp_path / "my_file.csv")
    monkeypatch.chdir(tmp_path)
    namespace = {"get_config": Config}  # which Jupyter gives to its settings
    for block in re.findall(r"```python\n(.*?)```", text(name), re.DOTALL):
        exec(compile(block, name, "exec"), namespace)
    if name == "researchers.md":
        forecast = (tmp_path / "forecast.csv").read_text(encoding="utf-8").splitlines()
        assert len(forecast) == 2 and forecast[1].startswith("2012-06-30,")
        assert all(np.isfinite(float(number)) for number in forecast[1].split(",")[1:])
        assert namespace["tested"].returns.shape == (30, 60)


def test_every_page_with_code_is_known():
    assert {"README.md", "students.md", "researchers.md"} <= set(WITH_CODE)


def links():
    return [
        pytest.param(path.parent / target, id=f"{name}-{target}")
        for name, path in PAGES.items()
        for target in sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text(encoding="utf-8"))))
    ]


@pytest.mark.parametrize("target", links())
def test_links_lead_to_files(target):
    assert target.exists(), target


def test_the_table_lists_each_lesson_with_the_minutes_of_its_header():
    rows = re.findall(
        r"^\| \[(\d\d) [^\]]+\]\(notebooks/([^)]+)\) .*\| (\d+) \| \d+ \|$", text("README.md"), re.MULTILINE
    )
    headers = {path.name: nbformat.read(path, as_version=4).cells[0].source for path in LESSONS}
    minutes = {
        name: re.search(r"\*\*Time:\*\* (\d+) minutes", header).group(1)  # type: ignore[union-attr]
        for name, header in headers.items()
    }
    assert [(name[:2], name, minutes[name]) for name in minutes] == rows


@pytest.mark.parametrize("path", LESSONS, ids=[path.name for path in LESSONS])
def test_the_minutes_at_the_head_of_a_lesson_are_counted_and_not_too_many(path):
    notebook = nbformat.read(path, as_version=4)
    counted, head = minutes(notebook), notebook.cells[0].source
    assert with_minutes(head, counted) == head and f"**Time:** {counted} minutes" in head
    assert counted <= MOST_MINUTES


def test_minutes_are_those_of_words_lines_and_exercises():
    prose = new_markdown_cell("word " * 640 + "[six words](../away.ipynb) $a + b + c$ **Time:** 7 minutes\n|:--|--:|\n")
    code = new_code_cell("from helpers.exercises.start_here import q1\n\n" + "x = 1\n" * 59)
    # 647 words are 4.98 minutes, 60 lines are 5, and one exercise is 6.
    several = new_code_cell("from helpers.exercises.start_here import q1, q2, q3  # 0.1 minutes, and three times 6")
    assert minutes(new_notebook(cells=[prose])) == 5 and minutes(new_notebook(cells=[several])) == 20
    assert minutes(new_notebook(cells=[prose, code])) == 20 and minutes(new_notebook(cells=[code])) == 15
    assert with_minutes(prose.source, 20).endswith("**Time:** 20 minutes\n|:--|--:|\n")
    assert with_minutes("no time", 20) == "no time"


def paths_of(drawing):
    """The paths that a drawing of folders names: an indented line lies in the folder above it that is indented less."""
    found, above = [], []
    for line in drawing.splitlines():
        name = line.split()[0] if line.split() else ""
        if not re.fullmatch(r"[\w.]+/?|\.ci/run", name):
            continue
        depth = len(line) - len(line.lstrip())
        above = [folder for folder in above if folder[0] < depth]
        path = "".join(part for _, part in above) + name
        found.append(path)
        if name.endswith("/"):
            above.append((depth, name))
    return found


def test_the_map_in_contributing_is_that_of_the_tree():
    drawn = paths_of(re.search(r"```\n(README.*?)```", text("CONTRIBUTING.md"), re.DOTALL).group(1))  # type: ignore
    assert len(set(drawn)) == len(drawn)
    assert [path for path in drawn if not (ROOT / path).exists()] == []
    files = {
        path.relative_to(ROOT).as_posix()
        for folder in ("helpers", "tools")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "__init__.py" and path.parent.name != "exercises"
    }
    files |= {"helpers/exercises/checker.py"}
    assert files - set(drawn) == set()
    assert set(re.findall(r"^\w+\.py$", "\n".join(drawn), re.MULTILINE)) == {"conftest.py"}
