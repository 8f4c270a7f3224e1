"""What a lesson is asked in its own kernel, between two of its cells, by `tests.between_cells`.

Each function reads the notebook's variables as they stand there, adds none, and raises an AssertionError that says what
is wrong.
"""

import inspect
import re
from importlib import import_module
from pathlib import Path

from matplotlib.figure import Figure

from helpers.exercises.checker import Exercise, Question
from helpers.plotting.sliders import Slider
from tests.pictures import faint_texts, twins


def declared(topic):
    """The exercises of a lesson's module by name, in order."""
    module = import_module(f"helpers.exercises.{topic}")
    return {name: value for name, value in vars(module).items() if isinstance(value, Question)}


def assert_solved(name, topic, variables):
    """The code that `q1.solution()` shows, run among the notebook's variables, is judged Correct.

    So the data that the checker knows are those of the lesson.
    """
    q = declared(topic)[name]
    assert variables[name] is q, f"{name} is not that of helpers.exercises.{topic}"
    if isinstance(q, Exercise):  # what is right in a choice of letters hangs on no variable
        feedback = q.check(answer_by_its_solution(q, variables))
        assert feedback.startswith("Correct."), f"{name}, answered with the lesson's own data: {feedback}"


def answer_by_its_solution(q, variables):
    """The answer that the solution's code gives among these variables, which stay as they are."""
    namespace = dict(variables)
    exec(inspect.getsource(q.reference), namespace)
    way = namespace[q.reference.__name__]
    return way if q.calls is not None else way(**{name: variables[name] for name in inspect.signature(way).parameters})


def assert_moves(slider):
    """Each slider, moved to its far end, brings another picture."""
    assert isinstance(slider, Slider), f"the cell shows no slider, but {slider!r}"
    for name, one in slider.sliders.items():
        before = slider.picture.value
        one.index = 0 if one.index else len(one.options) - 1
        now = slider.picture.value
        assert now.startswith("<img "), f"the slider {name}: {now}"
        assert _png(now) != _png(before), f"the slider {name} changes nothing in the picture"


def _png(html):
    return re.search(r"base64,([^\"]+)", html).group(1)


def assert_memory(printed):
    """The kernel has never held more of its own than the README prints, in MB, by a quarter, nor a GB.

    Pages of files, such as the code of libraries, are not counted: all kernels of a machine share them.
    """
    lines = [line.split() for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines()]
    kilobytes = {line[0]: int(line[1]) for line in lines if line[0] in ("VmHWM:", "RssFile:")}
    megabytes = (kilobytes["VmHWM:"] - kilobytes["RssFile:"]) * 1.024e-3
    assert megabytes < min(1.25 * printed, 1000), f"{megabytes:.0f} MB, and the README prints {printed}"


def assert_readable(figure):
    """Text stands out from what is behind it, and no two series differ in colour alone."""
    assert isinstance(figure, Figure), f"the cell stores a picture and shows no figure, but {figure!r}"
    complaints = [*faint_texts(figure), *twins(figure)]
    assert not complaints, "\n".join(complaints)
