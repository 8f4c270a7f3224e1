"""Runs the cells of a student and calls their functions, in a process that holds no answers: see `sandbox`.

    python -m tools.grading.worker MEMORY PROCESSES

It reads requests from standard input and answers on standard output. What the student's code prints goes elsewhere.
"""

import io
import os
import resource
import sys
import threading
import traceback
from contextlib import suppress
from typing import Any

from tools.grading import wire

MOST_PRINTED = 4000  # characters that are kept, the last ones
FILE_BYTES = 64_000_000


def limit(memory: int, processes: int) -> None:
    """Sets what the process, and each that it starts, may take."""
    for name, value in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, processes),
    ):
        with suppress(ValueError, OSError):  # stricter limits are there, or the system knows none of this kind
            resource.setrlimit(name, (value, value))


class Printed:
    """The end of what was printed: a pipe that is always read, so that no print waits or fails."""

    def __init__(self):
        read_end, self.write_end = os.pipe()
        self.stream, self.kept = os.fdopen(read_end, "rb", buffering=0), b""
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        """Reads until nobody can write any more."""
        while part := self.stream.read(65536):
            self.kept = (self.kept + part)[-4 * MOST_PRINTED :]

    def take(self) -> str:
        """What was printed since it was last taken."""
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        text, self.kept = self.kept.decode(errors="replace")[-MOST_PRINTED:], b""
        return text


def shell_of_cells() -> Any:
    """IPython without a terminal, a history or colours: a cell may hold magics, as it may in a notebook."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    return InteractiveShell.instance(config=config)


def told(error: BaseException) -> dict:
    """An error as data: its type, its message, and the line of the student's own code where it was."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "ipython-input" in frame.filename or frame.filename.startswith("<ipython")]
    line = (own[-1].line or "").strip() if own else ""
    try:
        message = str(error)[:1000]
    except BaseException:  # whatever a student's own error does when it is told
        message = "an error that cannot tell itself"
    return {"type": type(error).__name__, "message": message, "line": line[:200]}


class Worker:
    """The answers to requests, until there are no more."""

    def __init__(self, requests, answers):
        self.requests, self.answers, self.printed = requests, answers, Printed()

    def start(self) -> None:
        """Turns what the student's code reads and prints elsewhere, and loads IPython."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(self.printed.write_end, 1)
        os.dup2(self.printed.write_end, 2)
        self.shell = shell_of_cells()

    def read(self, n: int) -> bytes:
        """So many bytes of the requests."""
        data = self.requests.read(n)
        if len(data) < n:
            os._exit(0)  # the grader is gone
        return data

    def next(self) -> Any:
        """The next request."""
        return wire.Receiver(io.BytesIO(wire.receive(self.read)), self.ask).load()

    def answer(self, message: dict) -> None:
        """Sends a message."""
        wire.send(self.answers, wire.pack(message))

    def ask(self, handle: int, name: str | None, arguments: Any, named: Any) -> Any:
        """What an object of the tests answers."""
        self.answer({"ask": handle, "name": name, "arguments": arguments, "named": named})
        answered, value = self.next()
        if not answered:
            raise RuntimeError(value)
        return value

    def run(self) -> None:
        """Serves until the grader hangs up."""
        while True:
            kind, *rest = self.next()
            try:
                message = getattr(self, f"do_{kind}")(*rest)
            except BaseException as error:  # SystemExit too: it ends an answer, not the grading
                message = {"raised": told(error)}
            try:
                self.answer({**message, "printed": self.printed.take()})
            except Exception as error:  # of any kind: an answer may fail when it is made an array
                self.answer({"raised": told(error), "printed": ""})

    def do_cell(self, source: str) -> dict:
        """Runs a cell."""
        done = self.shell.run_cell(source, store_history=False, silent=False)
        error = done.error_before_exec or done.error_in_exec
        return {"raised": told(error)} if error else {"value": None}

    def do_call(self, name: str, arguments: tuple, named: dict) -> dict:
        """Calls a function."""
        if name not in self.shell.user_ns:
            return {"unknown": name}
        return {"value": self.shell.user_ns[name](*arguments, **named)}

    def do_get(self, name: str) -> dict:
        """Gives a value."""
        return {"value": self.shell.user_ns[name]} if name in self.shell.user_ns else {"unknown": name}


def main() -> None:
    """Reads the limits from the command line, and serves."""
    memory, processes = map(int, sys.argv[1:3])
    worker = Worker(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    limit(memory, processes)
    worker.start()
    worker.answer({"value": "ready"})
    worker.run()


if __name__ == "__main__":
    main()
