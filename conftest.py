"""Gives every test, and every kernel that nbval starts, the environment in which `make refresh` stores the notebooks.

Here rather than in tests/: pytest reads it for `pytest notebooks/01_time_series_regression.ipynb`, too.
"""

import os

from tools.refresh import set_kernel_environment

set_kernel_environment(os.environ)


def pytest_configure(config):
    """Lets the summary name each skipped test and why: what was not tried, and what to install so that it is."""
    if "s" not in config.option.reportchars:
        config.option.reportchars += "s"
