"""Gives every test, and every kernel that nbval starts, the environment in which `make refresh` stores the notebooks.

Here rather than in tests/: pytest reads it for `pytest notebooks/01_time_series_regression.ipynb`, too.
"""

import os
import re

import pytest
from xdist.scheduler import LoadFileScheduling

from tools.refresh import NOTEBOOKS, all_notebooks, set_kernel_environment

pytest_plugins = ["tests.between_cells"]

set_kernel_environment(os.environ)


def pytest_configure(config):
    """Lets the summary name each skipped test and why: what was not tried, and what to install so that it is."""
    if "s" not in config.option.reportchars:
        config.option.reportchars += "s"


def pytest_ignore_collect(collection_path, config):
    """True for a notebook that a student has put beside the lessons, unless it is asked for by its name."""
    if collection_path.suffix == ".ipynb" and collection_path.is_relative_to(NOTEBOOKS):
        named = any(collection_path.name in str(argument) for argument in config.args)
        return None if named or collection_path in all_notebooks() else True
    return None


class FilesAndLessons(LoadFileScheduling):
    """The tests of a file stay in one process, but for those in the browser: there, the tests of a lesson do.

    So two processes share the longest file, and end at about the same time.
    """

    def _split_scope(self, nodeid):
        lesson = re.search(r"test_browser\.py::\w+\[(\d\d_[a-z_]+)", nodeid)
        return f"{super()._split_scope(nodeid)}::{lesson.group(1)}" if lesson else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)  # there is nobody to ask it when pytest runs without xdist
def pytest_xdist_make_scheduler(config, log):
    """The scheduler of `--dist=loadfile`, which pyproject.toml asks for."""
    return FilesAndLessons(config, log) if config.getoption("dist") == "loadfile" else None
