"""What the README says is so: its code runs, its links lead somewhere, its table is that of the lessons."""

import re

import nbformat
import numpy as np
import pytest

from helpers.data.simulated import simulate_market
from tools.refresh import NOTEBOOKS

ROOT = NOTEBOOKS.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))


def test_the_code_runs(tmp_path, monkeypatch):
    market = simulate_market("linear", n_dates=150, n_tickers=60, n_characteristics=4, seed=0).panel
    frame = market.to_frame().reset_index()
    frame.columns = ["month", "permno", "ret", *frame.columns[3:]]
    months = np.arange("2000-01", "2012-07", dtype="datetime64[M]").astype(str)
    frame["month"] = months[frame["month"].to_numpy(int)]
    frame.to_csv(tmp_path / "my_file.csv", index=False)
    monkeypatch.chdir(tmp_path)
    namespace = {}
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)
    assert namespace["past"].n_dates + namespace["future"].n_dates == 819
    assert namespace["future"].returns.shape[1] == 12
    assert namespace["tested"].returns.shape == (30, 60)
    assert 0.2 < namespace["total_r2"](namespace["tested"].returns, namespace["tested"].reconstruction) < 0.6


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)\)", README))))
def test_links_lead_to_files(target):
    assert (ROOT / target).exists(), target


def test_the_table_lists_each_lesson_with_the_minutes_of_its_header():
    rows = re.findall(r"^\| \[(\d\d) [^\]]+\]\(notebooks/([^)]+)\) .*\| (\d+) \|$", README, re.MULTILINE)
    headers = {path.name: nbformat.read(path, as_version=4).cells[0].source for path in LESSONS}
    minutes = {name: re.search(r"\*\*Time:\*\* (\d+) minutes", header).group(1) for name, header in headers.items()}
    assert [(name[:2], name, minutes[name]) for name in minutes] == rows
