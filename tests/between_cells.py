"""A pytest plugin: what a notebook is asked while nbval runs it, between two cells, in the kernel of nbval.

After a cell with an exercise: is its own solution judged Correct there? After one with sliders: do they move? After one
with a picture: can everybody read it? After the last: how much memory did it take? So a notebook runs once for all of
this, and a solution meets the variables as they stand where a student answers. The questions themselves are in
`tests.in_the_kernel`.
"""

import re
import sys
import time
from queue import Empty

import pytest
from nbval.plugin import IPyNbCell

from tests.cells import ends_in_playground, ends_in_slide, exercise_checked, pictures
from tools.refresh import ROOT

SHOWN = "get_ipython().last_execution_result.result"
MEMORY = {
    name: int(megabytes)
    for name, megabytes in re.findall(
        r"(?m)^\| \[.*\]\(notebooks/(\S+)\) .*\| (\d+) \|$", (ROOT / "README.md").read_text(encoding="utf-8")
    )
}


def pytest_collection_modifyitems(items):
    for item in items:
        if isinstance(item, IPyNbCell):
            item.output_timeout = 60  # seconds; nbval's own 5 are few where the machine is busy
    items[:] = [one for item in items for one in (item, *questions(item))]
    last = {item.path: i for i, item in enumerate(items) if isinstance(item, IPyNbCell | Asked)}
    for path, i in reversed(last.items()):
        if sys.platform == "linux" and path.name in MEMORY:
            items.insert(i + 1, question(items[i], "memory", f"assert_memory({MEMORY[path.name]})"))


def questions(item):
    """What is asked after a test: at most one question, and none after a test that is no cell of a notebook."""
    if not isinstance(item, IPyNbCell):
        return
    cell, topic = item.cell, item.path.stem[3:]
    # not for students: begin
    if name := exercise_checked(cell.source):
        yield question(item, f"{name} is solved", f"assert_solved({name!r}, {topic!r}, get_ipython().user_ns)")
        return
    # not for students: end
    if ends_in_slide(cell):
        yield question(item, f"{item.name} has sliders that move", f"assert_moves({SHOWN})")
    elif ends_in_playground(cell):
        yield question(item, f"{item.name} has a readable picture", f"assert_readable({SHOWN}.picture())")
    elif pictures(cell):
        yield question(item, f"{item.name} has a readable picture", f"assert_readable({SHOWN})")


def question(item, name, call):
    return Asked.from_parent(item.parent, name=name, call=call)


class Asked(pytest.Item):
    """One function of `tests.in_the_kernel`, called in the kernel of the notebook."""

    def __init__(self, name, parent, call):
        super().__init__(name, parent)
        self.call = call

    def runtest(self):
        # An expression, so that the notebook gains no variable; silent, so that nothing is counted, stored or shown.
        find = f"__import__('sys').path.append({str(ROOT)!r})"
        code = f"[{find}, __import__('tests.in_the_kernel').in_the_kernel.{self.call}]"
        reply = answer(self.parent.kernel, code, self.config.option.nbval_cell_timeout)
        if reply["status"] != "ok":
            words = "\n".join(reply["traceback"]) if reply["ename"] != "AssertionError" else reply["evalue"]
            pytest.fail(words, pytrace=False)

    def reportinfo(self):
        return self.path, 0, f"{self.path.name}::{self.name}"


def answer(kernel, code, timeout):
    """The kernel's reply to silent code."""
    if not kernel.is_alive():
        pytest.fail("The kernel has died in a cell above.", pytrace=False)
    asked, deadline = kernel.kc.execute(code, silent=True, allow_stdin=False), time.monotonic() + timeout
    while True:
        try:
            message = kernel.kc.get_shell_msg(timeout=max(0, deadline - time.monotonic()))
        except Empty:
            pytest.fail(f"The kernel has not answered within {timeout:.0f} seconds.", pytrace=False)
        if message["parent_header"].get("msg_id") == asked:
            return message["content"]
