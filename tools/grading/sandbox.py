"""Where a submission runs: a place without a network, without the course's answers, and without anything to change.

Two kinds can be had. A container of podman or docker, made once of tools/grading/Containerfile; or bubblewrap, a small
program of Linux that shows a process no other files than those it is given, all of them read-only.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.refresh import ROOT

CONTAINERS = ("podman", "docker")
KINDS = (*CONTAINERS, "bubblewrap")
IMAGE = "factor-models-grader"
MEMORY, PROCESSES, TEMPORARY = 3_000_000_000, 256, 64_000_000  # bytes, number, bytes on the disk of its own
WORKER = ("-m", "tools.grading.worker", str(MEMORY), str(PROCESSES))
# Seen by a submission, beside Python and its packages. No notebook is among them, and nothing of the course folder.
OF_THE_COURSE = (
    "helpers",
    "tools/__init__.py",
    *(f"tools/grading/{name}.py" for name in ("__init__", "wire", "worker")),
)
OF_THE_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/fonts", "/etc/alternatives")
SETTINGS = {
    "HOME": "/tmp",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "IPYTHONDIR": "/tmp/ipython",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONWARNINGS": "ignore",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TQDM_DISABLE": "1",
    "LANG": "C.UTF-8",
    "USER": "student",
}


class NoSandbox(Exception):
    """Says what to install."""


def found(wanted: str | None = None) -> str:
    """The kind of sandbox that can be had here, the one that is wanted or the first that works.

    Raises
    ------
    NoSandbox
        There is none, or not the one wanted.
    """
    for kind in KINDS if wanted is None else (wanted,):
        if works(kind):
            return kind
    raise NoSandbox(
        f"No sandbox ({', '.join(KINDS) if wanted is None else wanted}) works here, and what students wrote would run "
        "with your rights. Install bubblewrap ('sudo apt install bubblewrap'), or podman and the image (docs/"
        "instructors.md, Grading), or, if you trust every student, say --trust."
    )


def works(kind: str) -> bool:
    """Whether a process can be started in a sandbox of this kind."""
    program = "bwrap" if kind == "bubblewrap" else kind
    if shutil.which(program) is None:
        return False
    start_python = [*inside_bubblewrap(), sys.executable, "-c", "import tools.grading.wire"]
    test = start_python if kind == "bubblewrap" else [kind, "image", "inspect", IMAGE]
    return subprocess.run(test, capture_output=True, check=False).returncode == 0


def command(kind: str) -> list[str]:
    """The command line that starts a worker; `kind` "none" gives it the rights of who calls."""
    if kind in CONTAINERS:
        return [*inside_container(kind), *WORKER]
    return [*(inside_bubblewrap() if kind == "bubblewrap" else []), sys.executable, *WORKER]


def start(kind: str, folder: Path) -> subprocess.Popen:
    """The worker, started; without a sandbox, in this folder."""
    environment = {"PATH": os.environ.get("PATH", os.defpath)} | (SETTINGS if kind == "none" else {})
    if kind == "none":
        environment |= {"PYTHONPATH": str(ROOT), "HOME": str(folder)}
        environment |= {name: str(folder / name.lower()) for name in ("MPLCONFIGDIR", "IPYTHONDIR")}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command(kind),
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )


def inside_bubblewrap() -> list[str]:
    """bwrap and what it shows: read-only, but for /tmp and /dev/shm, which are in memory and end with the process."""
    shown: list[str] = []
    for path in OF_THE_SYSTEM:
        if os.path.islink(path):
            shown += ["--symlink", os.readlink(path), path]
        elif os.path.exists(path):
            shown += ["--ro-bind", path, path]
    environments = dict.fromkeys([sys.base_prefix, sys.prefix, os.path.realpath(sys.base_prefix)])
    for path in [path for path in environments if not path.startswith("/usr/") and path != "/usr"]:
        shown += ["--ro-bind", path, path]
    for name in OF_THE_COURSE:
        shown += ["--ro-bind", str(ROOT / name), f"/course/{name}"]
    settings = SETTINGS | {"PYTHONPATH": "/course", "PATH": f"{sys.prefix}/bin:/usr/bin:/bin"}
    return [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
        *("--uid", "65534", "--gid", "65534", "--proc", "/proc", "--dev", "/dev"),
        # Before what is shown: a course may itself lie in /tmp.
        *(word for path in ("/tmp", "/dev/shm") for word in ("--size", str(TEMPORARY), "--tmpfs", path)),
        *shown,
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"),  # in memory too, and without a size
        *(word for name, value in settings.items() for word in ("--setenv", name, value)),
    ]


def inside_container(program: str) -> list[str]:
    """podman or docker, and the same limits."""
    return [
        *(program, "run", "--rm", "--interactive", "--network=none", "--read-only", "--cap-drop=all"),
        *("--security-opt=no-new-privileges", f"--memory={MEMORY}", f"--memory-swap={MEMORY}", "--user=65534:65534"),
        *(f"--pids-limit={PROCESSES}", f"--tmpfs=/tmp:size={TEMPORARY},mode=1777", "--workdir=/tmp"),
        *(f"--env={name}={value}" for name, value in SETTINGS.items()),
        *(IMAGE, "python"),
    ]


def shown_paths(words: Sequence[str]) -> list[str]:
    """The paths of this machine that a command line of bubblewrap shows."""
    return [words[i + 1] for i, word in enumerate(words) if word == "--ro-bind"]
