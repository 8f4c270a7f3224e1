"""What a student could try so that a wrong answer gets points, or a file of somebody else changes.

Each is the code of a cell that defines `regress` of homework 1, and says ATTACK SUCCEEDED where it finds that it did.
{secret} is a file of the instructor, with the answers; {other} is another student's.
"""

WRONG = """
def regress(R, F):
    n, k = R.shape[1], F.shape[1]
    return np.zeros(n), np.zeros((n, k)), np.zeros((n, k))
"""

# The tests are to believe that all is well.
SWITCHES = {
    "numpy's comparisons are patched": "np.allclose = np.isclose = np.array_equal = lambda *a, **k: True" + WRONG,
    "numpy.testing is patched": """
for name in dir(np.testing):
    if name.startswith("assert"):
        setattr(np.testing, name, lambda *a, **k: None)
"""
    + WRONG,
    "builtins are patched": """
import builtins
builtins.all = builtins.any = builtins.isinstance = lambda *a: True
builtins.AssertionError = type("Calm", (BaseException,), {{}})
builtins.len = lambda x: 3
builtins.print("ready")
"""
    + WRONG,
    "warnings and exceptions are swallowed": """
import sys, warnings, threading
warnings.simplefilter("ignore")
sys.excepthook = threading.excepthook = lambda *a: None
get_ipython().set_custom_exc((Exception,), lambda *a, **k: None)
"""
    + WRONG,
    "modules are replaced": """
import sys, types
class Yes(types.ModuleType):
    def __getattr__(self, name):
        return lambda *a, **k: True
for name in ("numpy", "statsmodels.api", "helpers.data", "helpers.data.simulated", "tools.grading.judge"):
    real = sys.modules.get(name)
    sys.modules[name] = Yes(name)
"""
    + WRONG,
    "an array says that it equals everything": """
class Always(np.ndarray):
    __eq__ = __lt__ = __gt__ = lambda self, other: True
    def __array_ufunc__(self, *a, **k):
        return True
    def __array_function__(self, *a, **k):
        return True
def regress(R, F):
    n, k = R.shape[1], F.shape[1]
    return [np.zeros(shape).view(Always) for shape in (n, (n, k), (n, k))]
""",
    "a tuple says that it equals everything": """
class Always(tuple):
    __eq__ = __len__ = lambda self, *other: 3
    def __iter__(self):
        return iter([Always()] * 3)
def regress(R, F):
    return Always()
""",
    "the frames above are searched for what is right": """
import sys
def regress(R, F):
    frame = sys._getframe()
    while frame is not None:
        for name, value in frame.f_locals.items():
            if name in ("AAPL", "fit", "expected", "own", "namespace"):
                print("ATTACK SUCCEEDED")
        for name in frame.f_globals:
            if name in ("AAPL", "parts_of"):
                print("ATTACK SUCCEEDED")
        frame = frame.f_back
    return None
""",
    "an answer that is code when it is unpickled": """
import os
class Bomb:
    def __reduce__(self):
        return os.system, ("touch {other}.bomb",)
def regress(R, F):
    return [Bomb(), np.array([Bomb()], dtype=object), {{"x": Bomb()}}]
""",
    "forged answers are written to every open file": """
import json, os, struct
def regress(R, F):
    head = json.dumps(["dict", [["value", True], ["points", 2], ["printed", ""]]]).encode()
    message = struct.pack(">Q", len(head)) + head
    for fd in range(3, 40):
        try:
            os.write(fd, struct.pack(">Q", len(message)) + message)
        except OSError:
            pass
    return None
""",
    "nonsense is written to every open file": """
import os
def regress(R, F):
    for fd in range(3, 40):
        try:
            os.write(fd, os.urandom(100_000))
        except OSError:
            pass
    return None
""",
    "the grader is asked for what it never lent": """
import gc
def regress(R, F):
    workers = [o for o in gc.get_objects() if type(o).__name__ == "Worker"]
    for handle in range(5):
        for name in ("__globals__", "__class__", "student", None):
            try:
                workers[0].ask(handle, name, (), {{}})
                print("ATTACK SUCCEEDED")
            except RuntimeError:
                pass
    return None
""",
}

SWITCHES["arrays of nothing, which compare with all"] = """
def regress(R, F):
    n, k = R.shape[1], F.shape[1]
    return np.zeros((n, 0)), np.zeros((n, 0, k)), np.zeros((n, 0, k))
def hide_each_ticker(R, betas):
    return np.zeros((0, *R.shape))
def turn(F, betas, F_true):
    return np.zeros((0, *F.shape)), np.zeros((0, *betas.shape))
get_ipython().events.register("pre_run_cell", lambda *a, own=(regress, hide_each_ticker, turn): [
    get_ipython().user_ns.__setitem__(f.__name__, f) for f in own])
"""
# {{ and }} stand for braces, since the codes are formats.
WIRE = """
import gc, json, os, struct, time
worker = [o for o in gc.get_objects() if type(o).__name__ == "Worker"][0]
def out(head):
    whole = struct.pack(">Q", len(head)) + head
    whole = struct.pack(">Q", len(whole)) + whole
    while whole:
        whole = whole[os.write(worker.answers.fileno(), whole):]
"""
# The grader is to wait for ever, or to lose its memory.
HANGS = {
    "a byte at a time": """
def regress(R, F):
    os.write(worker.answers.fileno(), struct.pack(">Q", 10**6))
    while True:
        os.write(worker.answers.fileno(), b"x")
        time.sleep(0.05)
""",
    "questions without an end": """
def regress(R, F):
    while True:
        try:
            worker.ask(99, None, (), {{}})
        except RuntimeError:
            pass
""",
    "an answer, and then no ear": """
out(json.dumps(["dict", [["value", None]]]).encode())
time.sleep(10**6)
""",
    "ten million lists": """
def regress(R, F):
    out(b'["dict",[["value",["list",[' + b'[],' * 10**7 + b'[]]]]]]')
""",
    "numbers that collide": """
def regress(R, F):
    out(json.dumps(["dict", [["value", ["set", [k * (2**61 - 1) for k in range(10**5)]]]]]).encode())
""",
    "an error that cannot be told": """
class Mute(Exception):
    def __str__(self):
        raise RuntimeError
def regress(R, F):
    raise Mute
""",
}

# The machine is to do what it should not. Only a sandbox helps.
BREAKS = {
    "the source is read": """
import pathlib
def regress(R, F):
    for place in ("{secret}", "../source", "../../source", "/work", "/home", "/course"):
        path = pathlib.Path(place)
        for file in [path, *path.rglob("*.ipynb")] if path.exists() else []:
            if file.is_file() and "np.sqrt(np.outer(variances, diagonal))" in file.read_text(errors="ignore"):
                print("ATTACK SUCCEEDED")
    return None
""",
    "a socket is opened": """
import socket
def regress(R, F):
    server = socket.socket()
    try:
        server.settimeout(2)
        server.connect(("127.0.0.1", {port}))
        print("ATTACK SUCCEEDED")
    except OSError:
        pass
    return None
""",
    "another's file is changed": """
import os, pathlib
def regress(R, F):
    for path in ("{other}", "{secret}", "/course/helpers/__init__.py", "/usr/bin/attacked", os.__file__, np.__file__):
        try:
            with open(path, "a") as file:
                file.write("#")
            print("ATTACK SUCCEEDED")
        except OSError:
            pass
    return None
""",
    "the disk is filled": """
def regress(R, F):
    written = 0
    try:
        for n in range(20):
            with open(f"/tmp/big{{n}}", "wb") as file:
                for _ in range(50):
                    written += file.write(bytes(1_000_000))
    except OSError:
        pass
    if written > 200_000_000:
        print("ATTACK SUCCEEDED")
    return None
""",
    "memory is filled with files": """
import os
def regress(R, F):
    for place in ("/dev/shm", "/dev", "/", "/course", "/etc"):
        written = 0
        try:
            for n in range(3):
                with open(f"{{place}}/big{{n}}", "wb") as file:
                    for _ in range(50):
                        written += file.write(bytes(1_000_000))
            print("ATTACK SUCCEEDED")
        except OSError:
            pass
    return None
""",
    "memory is filled": """
def regress(R, F):
    kept = []
    try:
        for _ in range(100):
            kept.append(np.ones(10_000_000))
        print("ATTACK SUCCEEDED")
    except MemoryError:
        pass
    return None
""",
    "processes are forked": """
import os
def regress(R, F):
    born = 0
    try:
        for _ in range(2000):
            if os.fork() == 0:
                import time
                time.sleep(600)
                os._exit(0)
            born += 1
        print("ATTACK SUCCEEDED")
    except OSError:
        pass
    return None
""",
    "it runs for ever": """
def regress(R, F):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
""",
    "it is root": """
import os
def regress(R, F):
    try:
        os.setuid(0)
        print("ATTACK SUCCEEDED")
    except OSError:
        pass
    try:
        os.mount
    except AttributeError:
        pass
    if os.getuid() == 0:
        print("ATTACK SUCCEEDED")
    return None
""",
}
