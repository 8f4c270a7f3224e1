"""Gives every test, and every kernel that nbval starts, the environment in which `make refresh` stores the notebooks.

Here rather than in tests/: pytest reads it for `pytest notebooks/01_time_series_regression.ipynb`, too.
"""

import os

from helpers.refresh import set_kernel_environment

set_kernel_environment(os.environ)
