"""The browser and the JupyterLab of the tests that need them, one of each for the tests of a file.

No longer than a file: while Playwright's browser is open its event loop is, and no other can run in that process.
"""

import pytest


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    from tests.browser import chromium_with_own_fonts  # it skips where there is no Chromium

    with chromium_with_own_fonts(tmp_path_factory.mktemp("fonts")) as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    from tests.browser import running_lab

    with running_lab(tmp_path_factory.mktemp("jupyterlab")) as server:
        yield server
