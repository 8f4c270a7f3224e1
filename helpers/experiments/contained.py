"""Runs a script's `main` once, in a process of its own that notes what the rules forbid. Run as a file, by `contract`.

    python -I contained.py script.py folder answer

It is no sandbox: it finds what a script does by mistake or in the open, and would not hold what means harm. Nothing of
the course can be imported here, as on the organisers' machine. What a library does while it is imported is its own
affair; what it does later, because the script asked, is the script's.
"""

import json
import os
import sys
import sysconfig
import time
import traceback
from types import ModuleType

FRAMES = ("chars", "features", "daily_ret")
FORBIDDEN = (
    "socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec", "os.fork",
    "os.posix_spawn", "os.spawn", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "shutil.rmtree", "ctypes.dlopen",
    "urllib.Request",
)  # fmt: skip
MOST = 20  # that are told


class Guard:
    """Notes events that the rules forbid and that the script is the cause of, while it is watching."""

    def __init__(self, script):
        self.script, self.watching, self.noted = script, False, []
        roots = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()}
        others = "/proc/", "/sys/", "/usr/share/zoneinfo", "/etc/localtime", "/dev/null", "/dev/urandom"
        self.readable = (*(os.path.realpath(root) for root in roots), *others, script)

    def __call__(self, event, arguments):
        if self.watching and len(self.noted) < MOST and (event in FORBIDDEN or event in ("open", "compile", "exec")):
            self.watching = False  # what is done here is not the script's
            try:
                what = self.judged(event, arguments)
                if what and what not in self.noted:
                    self.noted.append(what)
            finally:
                self.watching = True

    def judged(self, event, arguments):
        """What was done, in words, or None if it may be."""
        files = []
        frame = sys._getframe(2)
        while frame is not None:
            files.append((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        own = [i for i, (file, _) in enumerate(files) if file == self.script]
        if not own or any("importlib" in file for file, _ in files[: own[0]]):
            return None
        at = f"at its line {files[own[0]][1]}"
        if event in ("compile", "exec"):
            return f"eval, exec or compile {at}" if own[0] == 0 else None
        if event != "open":
            return f"{event} {at}"
        path, mode, flags = arguments
        if isinstance(path, int):
            return None
        name = os.path.realpath(os.fsdecode(path))
        writes = any(letter in str(mode) for letter in "wax+") if mode else bool(flags & (os.O_WRONLY | os.O_RDWR))
        by_joblib = any(f"{os.sep}joblib{os.sep}" in file for file, _ in files[: own[0]])
        if name == "/dev/null" or by_joblib or (not writes and name.startswith(self.readable)):
            return None
        return f"{'writes' if writes else 'reads'} the file {name} {at}"


def answered(script, folder):
    """What became of it: a dict, and the table that main returned, if it is one."""
    import pandas as pd

    said = {"error": None, "noted": [], "kind": None, "dtypes": {}, "id": None, "seconds": 0.0}
    frames = {name: pd.read_parquet(os.path.join(folder, f"ctff_{name}.parquet")) for name in FRAMES}
    said["id"] = str(frames["chars"]["id"].dtype)
    with open(script, encoding="utf-8") as file:
        code = compile(file.read(), script, "exec")
    guard = Guard(script)
    sys.addaudithook(guard)
    module = sys.modules["submission"] = ModuleType("submission")
    module.__file__ = script
    sys.modules["helpers"] = None
    table, begun = None, time.monotonic()
    try:
        guard.watching = True
        exec(code, vars(module))
        main = vars(module).get("main")
        if not callable(main):
            raise NameError("the script defines no function main(chars, features, daily_ret)")
        table = main(*frames.values())
    except BaseException as error:  # SystemExit and KeyboardInterrupt, too: the script ends, this does not
        guard.watching = False
        own = [part.lineno for part in traceback.extract_tb(error.__traceback__) if part.filename == script]
        text = " ".join(str(error).split())[:300]
        said["error"] = f"{type(error).__name__}: {text}" + (f" (line {own[-1]} of the script)" if own else "")
    guard.watching = False
    said["seconds"], said["noted"], said["kind"] = time.monotonic() - begun, guard.noted, type(table).__name__
    if isinstance(table, pd.DataFrame):
        said["dtypes"] = {str(name): str(dtype) for name, dtype in table.dtypes.items()}
    return said, table


if __name__ == "__main__":
    script, folder, answer = sys.argv[1:]
    said, table = answered(os.path.realpath(script), folder)
    if said["dtypes"]:
        try:
            table.reset_index(drop=True).to_parquet(f"{answer}.parquet")
        except Exception as error:  # two columns of one name, or objects that no file can hold
            said["error"] = f"the table that main returned cannot be stored: {' '.join(str(error).split())[:200]}"
    with open(f"{answer}.json", "w", encoding="utf-8") as file:
        json.dump(said, file)
    sys.stdout.flush()
    os._exit(0)  # threads that the script left behind do not hold this up
