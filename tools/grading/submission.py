"""A student's notebook as the grader sees it: cells that are run elsewhere, and functions that can be called there."""

import io
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tools.grading import sandbox, wire

STARTED_WITHIN = 120  # seconds, for Python and its packages on a busy machine
MOST_STARTS = 12
PATIENCE = 6  # seconds on the clock for each of a processor
POLL = 0.2  # seconds between two looks at what the process does


class Stopped(Exception):
    """The process ended, or was ended: says why."""


class Raised(Exception):
    """The student's code raised an error: says which, and at what line of theirs."""


class Cell(NamedTuple):
    """A code cell that is run: its name (nbgrader's, or its place) and its code."""

    name: str
    source: str


class Submission:
    """The process in which a student's cells are run, started again without the cell that ended it.

    Parameters
    ----------
    cells : sequence of Cell
    kind : str
        Of `sandbox`, or "none".
    seconds : float
        Of a processor's time that a cell, or one call of a function, may take, so that a busy machine costs nobody
        points. Of the clock's it may take PATIENCE times as many; a container, whose work is not seen from here, too.
    seconds_in_all : float
        Of the clock's, for all cells and calls.
    lend : function
        Of an object: the number under which the tests lend it to the student, or None.
    borrowed : function
        The object of such a number.
    """

    def __init__(
        self,
        cells: list[Cell],
        kind: str,
        seconds: float,
        lend: Callable[[Any], int | None] = lambda value: None,
        borrowed: Callable[[int], Any] | None = None,
        seconds_in_all: float = float("inf"),
    ):
        self.cells, self.kind, self.seconds, self.lend, self.borrowed = cells, kind, seconds, lend, borrowed
        self.seconds_in_all, self.latest = seconds_in_all, time.monotonic() + seconds_in_all
        self.troubles: dict[str, str] = {}  # what became of the cells that failed
        self.ended_by: set[str] = set()  # cells that ended the process, and are not run again
        self.printed, self.starts, self.checked = "", 0, 0.0
        self.process: Any = None  # a Popen, while there is one
        self.folder = tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()
        self.folder.cleanup()

    def call(self, name: str, arguments: tuple, named: dict) -> Any:
        """What the student's function returns.

        Raises
        ------
        Raised
            It raises an error, or there is no such function.
        Stopped
            It takes too long or too much, or ends the process.
        """
        return self._value(name, "call", name, arguments, named)

    def get(self, name: str) -> Any:
        """The value that the student's code gave to this name. Errors as in `call`."""
        return self._value(name, "get", name)

    def _value(self, name, *request):
        self.start()
        answer = self.request(*request)
        if "unknown" in answer:
            told = "; ".join(f"{cell}: {why}" for cell, why in self.troubles.items())
            raise Raised(f"{name} is not there" + (f" ({told[:1000]})" if told else ": its cell is missing"))
        if "raised" in answer:
            raise Raised(_words(answer["raised"]))
        if isinstance(answer["value"], wire.Other):
            raise Raised(f"{name} returns {answer['value']!r}: numbers, arrays or tables are asked for")
        return answer["value"]

    def start(self) -> None:
        """Starts the process, if there is none, and runs the cells."""
        while self.process is None:
            if self.starts >= MOST_STARTS:
                raise Stopped(f"it was started {MOST_STARTS} times, and ended each time")
            if time.monotonic() > self.latest:
                raise Stopped(f"the notebook took more than {self.seconds_in_all:g} seconds in all")
            self.starts += 1
            self.process = sandbox.start(self.kind, Path(self.folder.name))
            self.worked = float("inf")  # the start does not count
            self._read(time.monotonic() + STARTED_WITHIN)
            for cell in self.cells:
                if cell.name in self.ended_by:
                    continue
                try:
                    answer = self.request("cell", cell.source)
                except Stopped as why:
                    self.ended_by.add(cell.name)
                    self.troubles[cell.name] = str(why)
                    break
                if "raised" in answer:
                    self.troubles[cell.name] = _words(answer["raised"])

    def request(self, *message: Any) -> dict:
        """What the process answers, after the tests answered what it asked of them."""
        deadline, failed = min(time.monotonic() + PATIENCE * self.seconds, self.latest), None
        self.worked = self._work()[1]
        self._send(message, deadline)
        while True:
            answer = self._read(deadline)
            if "ask" not in answer:
                if failed is not None:
                    raise failed
                self.printed = (self.printed + str(answer.get("printed", "")))[-4000:]
                return answer if {"value", "raised", "unknown"} & set(answer) else self._end("it forged an answer")
            try:
                self._send((True, self._asked(answer)), deadline)
            except (Stopped, wire.Unreadable):
                raise
            except Exception as error:
                failed = failed or error  # what a test's own object says counts, though the student's code goes on
                self._send((False, f"{type(error).__name__}: {error}"), deadline)

    def _asked(self, answer):
        target, name = (self.borrowed or _nothing_lent)(answer["ask"]), answer.get("name")
        if name is None:
            return target(*answer["arguments"], **answer["named"])
        if not isinstance(name, str) or name.startswith("_"):
            raise AttributeError(name)
        return getattr(target, name)

    def _send(self, message, deadline):
        pickled, frame = io.BytesIO(), io.BytesIO()
        wire.Sender(pickled, self.lend).dump(message)
        wire.send(frame, pickled.getvalue())
        left, descriptor = frame.getbuffer(), self.process.stdin.fileno()
        os.set_blocking(descriptor, False)  # it may never read
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_WRITE)
            while left:
                self._check(deadline)
                if selector.select(timeout=POLL):
                    try:
                        left = left[os.write(descriptor, left[: 1 << 16]) :]
                    except BlockingIOError:
                        continue
                    except OSError:
                        self._end(self._how_it_ended())

    def _read(self, deadline):
        descriptor = self.process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)

            def read(n):
                parts = []
                while n:
                    self._check(deadline)
                    if not selector.select(timeout=POLL):
                        continue
                    part = os.read(descriptor, min(n, 1 << 20))
                    if not part:
                        self._end(self._how_it_ended())
                    parts.append(part)
                    n -= len(part)
                return b"".join(parts)

            try:
                answer = wire.unpack(wire.receive(read), self.borrowed or _nothing_lent)
            except wire.Unreadable as why:
                self._end(str(why))
        return answer if isinstance(answer, dict) else self._end("it forged an answer")

    def _check(self, deadline):
        """Ends what takes too long or too much, though it says something all the time."""
        now = time.monotonic()
        if now < self.checked + POLL:
            return
        self.checked = now
        memory, worked = self._work()
        if now > self.latest:
            self._end(f"the notebook took more than {self.seconds_in_all:g} seconds in all")
        if now > deadline or worked - self.worked > self.seconds:
            self._end(f"it ran for more than {self.seconds:g} seconds, and was stopped")
        if memory > sandbox.MEMORY:
            self._end(f"it took more than {sandbox.MEMORY / 1e9:g} GB of memory, and was stopped")

    def _work(self):
        """Bytes that the process and those it started hold, and seconds of a processor that they took.

        Those in a container are not seen from here: it has limits of its own.
        """
        memory, seconds = 0, 0.0
        with suppress(psutil.Error):
            for process in [(top := psutil.Process(self.process.pid)), *top.children(recursive=True)]:
                with suppress(psutil.Error):
                    memory += process.memory_info().rss
                    seconds += sum(process.cpu_times()[:4])
        return memory, seconds

    def _how_it_ended(self):
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "it closed the way to the grader"
        code = 128 - code if code < 0 else code
        why = {137: "it took too much memory, or killed itself"}.get(code, "os._exit, or a crash of compiled code")
        return f"its process ended ({why}; status {code})"

    def _end(self, why):
        self.stop()
        raise Stopped(why)

    def stop(self) -> None:
        """Ends the process, and all that it started."""
        if self.process is None:
            return
        children = []
        with suppress(psutil.Error):
            children = psutil.Process(self.process.pid).children(recursive=True)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for child in children:
            with suppress(psutil.Error):
                child.kill()
        self.process.kill()
        self.process.wait()
        self.process.stdin.detach()
        self.process.stdout.close()
        self.process = None


def _words(raised):
    raised = raised if isinstance(raised, dict) else {}
    kind, message, line = (str(raised.get(name, ""))[:1000] for name in ("type", "message", "line"))
    return f"{kind}: {message}".rstrip(": ") + (f", at the line: {line}" if line else "")


def _nothing_lent(number):
    raise wire.Unreadable("an object that was not lent")
