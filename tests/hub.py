"""A JupyterHub with users of its own, in a namespace of its own, where what docs/administrators.md says is done.

`command_line` starts this module inside the namespace, as its root: /etc, /home, /srv and the network are those of the
test, the course and its environment are there to be read alone. It prints what happened, as JSON.
"""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import nbformat
import requests
import websocket

from tests.hand_ins import zipped
from tools.grading.sandbox import OF_THE_SYSTEM
from tools.refresh import ROOT, lessons

TEACHER, STUDENTS = "teacher", ("ada", "ben", "cem")
USERS = {name: 20_000 + i for i, name in enumerate((TEACHER, *STUDENTS))}
LESSONS = dict(
    zip(STUDENTS, ("01_time_series_regression", "07_instrumented_pca", "09_conditional_autoencoder"), strict=True)
)
HUB, TOKEN = "http://127.0.0.1:8000", "0123456789abcdef"
BIN = Path(sys.prefix) / "bin"
LINKED = Path("/srv/lessons")
LIMIT = 300  # seconds, for anything
OF_ETC = ("hosts", "nsswitch.conf", "ssl", "ld.so.cache", "fonts", "alternatives")
# The test's own users have no passwords, and the test is a service that may act for them.
CONFIG = f"""
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.services = [{{"name": "test", "api_token": "{TOKEN}"}}]
c.JupyterHub.load_roles = [
    {{"name": "test", "services": ["test"], "scopes": ["admin:users", "admin:servers", "tokens"]}}
]
"""


def command_line(folder: Path) -> list[str]:
    """What starts this module in a namespace whose /etc, /home and /srv lie in the folder; made by root alone."""
    page = (ROOT / "docs" / "administrators.md").read_text(encoding="utf-8").replace("/srv/factor-models", str(ROOT))
    of_hub, of_nbgrader = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    lines = [f"{name}:x:{uid}:{uid}::/home/{name}:/bin/bash\n" for name, uid in USERS.items()]
    files = {
        "passwd": "root:x:0:0:root:/root:/bin/bash\n" + "".join(lines),
        "group": "root:x:0:\n" + "".join(f"{name}:x:{uid}:\n" for name, uid in USERS.items()),
        "gitconfig": "[safe]\n\tdirectory = *\n[user]\n\tname = A\n\temail = a@b.c\n",
        "jupyterhub/jupyterhub_config.py": of_hub + CONFIG,
        "jupyter/nbgrader_config.py": of_nbgrader,
        "jupyter/jupyter_server_config.py": (ROOT / ".jupyter" / "jupyter_server_config.py").read_text(),
    }
    for name, text in files.items():
        (folder / "etc" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "etc" / name).write_text(text)
    for name, uid in USERS.items():
        (folder / "home" / name).mkdir(parents=True, mode=0o700)
        os.chown(folder / "home" / name, uid, uid)
    (folder / "srv" / "nbgrader" / "exchange").mkdir(parents=True)
    (folder / "srv" / "nbgrader" / "exchange").chmod(0o1777)
    for path in (folder / "etc", folder / "home", folder / "srv"):
        path.chmod(0o755)

    shown: list[str] = []
    for each in [each for each in OF_THE_SYSTEM if not each.startswith("/etc/")]:
        shown += ["--symlink", os.readlink(each), each] if os.path.islink(each) else ["--ro-bind-try", each, each]
    for name in OF_ETC:
        shown += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in sorted({name.partition("/")[0] for name in files}):
        shown += ["--bind", str(folder / "etc" / name), f"/etc/{name}"]
    of_python = dict.fromkeys([sys.base_prefix, os.path.realpath(sys.base_prefix), str(ROOT), sys.prefix])
    for each in [each for each in of_python if each != "/usr"]:
        shown += ["--ro-bind", each, each]
    # Folders on the way there that bwrap would make for root alone.
    ways = dict.fromkeys(
        str(way) for path in ("/etc/x", "/root/x", *of_python) for way in [*Path(path).parents][-2::-1]
    )
    return [
        *("bwrap", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--cap-add", "ALL"),
        *("--clearenv", "--setenv", "PATH", f"{BIN}:/usr/bin:/bin", "--setenv", "LANG", "C.UTF-8"),
        *("--setenv", "HOME", "/root", "--proc", "/proc", "--dev", "/dev"),
        *(word for path in ("/tmp", "/dev/shm") for word in ("--perms", "1777", "--tmpfs", path)),
        *(word for name in ("home", "srv") for word in ("--bind", str(folder / name), f"/{name}")),
        *(word for way in ways for word in ("--dir", way)),
        *shown,
        *("--chdir", str(ROOT), sys.executable, "-m", "tests.hub"),
    ]


def as_user(name, *command, where=None):
    """What a command printed that a user gave in a terminal."""
    home = f"/home/{name}"
    settings = {"HOME": home, "USER": name, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    done = subprocess.run(
        [str(each) for each in command], user=USERS[name], group=USERS[name], extra_groups=[], cwd=where or home,
        env=settings, capture_output=True, text=True, timeout=LIMIT,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def waited_for(what, condition):
    """The first answer of the condition that says yes."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        try:
            if answer := condition():
                return answer
        except requests.ConnectionError:
            pass
        time.sleep(0.3)
    raise TimeoutError(what)


@dataclass
class Account:
    """A user, as a browser is: what the hub, and the user's own server, answer."""

    name: str
    token: str = ""

    def hub(self, method, path, **arguments):
        headers = {"Authorization": f"token {TOKEN}"}
        answer = requests.request(method, f"{HUB}/hub/api/{path}", headers=headers, timeout=LIMIT, **arguments)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def start(self):
        """The user's server, once it is there."""
        self.hub("POST", f"users/{self.name}")
        self.token = self.hub("POST", f"users/{self.name}/tokens", json={"note": "test"})["token"]
        self.hub("POST", f"users/{self.name}/server")
        waited_for(
            f"{self.name}'s server", lambda: self.hub("GET", f"users/{self.name}")["servers"].get("", {}).get("ready")
        )

    def ask(self, method, path, **arguments):
        url, headers = f"{HUB}/user/{self.name}/{path}", {"Authorization": f"token {self.token}"}
        answer = requests.request(method, url, headers=headers, timeout=LIMIT, **arguments)
        answer.raise_for_status()
        return answer

    def json(self, method, path, **arguments):
        return self.ask(method, path, **arguments).json()

    def notebook(self, path):
        return nbformat.from_dict(self.json("GET", f"api/contents/{quote(path)}")["content"])

    def save(self, path, notebook):
        self.ask("PUT", f"api/contents/{quote(path)}", json={"type": "notebook", "content": notebook})

    def run(self, path, sources):
        """The outputs of these cells, run one after the other in a kernel that the notebook's page would start."""
        request = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        session = self.json("POST", "api/sessions", json=request)
        url = f"{HUB}/user/{self.name}/api/kernels/{session['kernel']['id']}/channels".replace("http", "ws", 1)
        channel = websocket.create_connection(url, timeout=LIMIT, header=[f"Authorization: token {self.token}"])
        outputs = [self._executed(channel, source) for source in sources]
        self.memory = memory_of(USERS[self.name])
        channel.close()
        self.ask("DELETE", f"api/sessions/{session['id']}")
        return outputs

    @staticmethod
    def _executed(channel, source):
        id_ = uuid.uuid4().hex
        header = {"msg_id": id_, "msg_type": "execute_request", "username": "", "session": id_, "version": "5.3"}
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        channel.send(json.dumps(message))
        outputs = []
        while True:
            said = json.loads(channel.recv())
            if said["parent_header"].get("msg_id") != id_:
                continue
            if said["msg_type"] in ("stream", "error", "display_data", "execute_result"):
                outputs.append(said["msg_type"] + ": " + Account._text(said["content"]))
            elif said["msg_type"] == "status" and said["content"]["execution_state"] == "idle":
                return outputs

    @staticmethod
    def _text(content):
        return str(content.get("text") or content.get("evalue") or content.get("data", {}).get("text/plain"))


def memory_of(uid):
    """What the processes of a user alone hold, in MB."""
    kilobytes = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == uid:
                lines = (process / "smaps_rollup").read_text().splitlines()[1:]
                told = {line.split(":")[0]: int(line.split()[1]) for line in lines}
                kilobytes += told.get("Private_Clean", 0) + told.get("Private_Dirty", 0)
        except OSError:  # it has ended meanwhile
            continue
    return kilobytes * 1.024e-3


def edition(notebooks):
    """The lessons as a repository that a link of nbgitpuller points to."""
    (LINKED / "notebooks").mkdir(parents=True)
    for path in notebooks:
        (LINKED / "notebooks" / path.name).write_bytes(path.read_bytes())
    git("init", "--quiet", "--initial-branch=main", where=LINKED)
    committed()


def next_edition(lesson):
    """In which a lesson begins, and ends, with other words."""
    path = LINKED / "notebooks" / f"{lesson}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in (notebook.cells[0], notebook.cells[-1]):
        cell.source += "\n\nA new edition."
    nbformat.write(notebook, path)
    committed()


def committed():
    git("add", ".", where=LINKED)
    git("commit", "--quiet", "--message=edition", where=LINKED)


def git(*arguments, where):
    subprocess.run(["git", *arguments], cwd=where, check=True, capture_output=True)


def pulled(account):
    said = account.ask(
        "GET", "git-pull/api", params={"repo": LINKED.as_uri(), "branch": "main", "targetpath": "course"}
    )
    return '"phase": "finished"' in said.text


def a_wheel(folder):
    """A package that no index has, so that no network is needed."""
    path = folder / "tiny_thing-1.0-py3-none-any.whl"
    files = {
        "tiny_thing.py": "answer = 42\n",
        "tiny_thing-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n",
        "tiny_thing-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tiny_thing-1.0.dist-info/RECORD": "",
    }
    path.write_bytes(zipped(files))
    return path


def with_answers(released, source, tasks):
    """The notebook with the answers of the source to these tasks, or to all, and words where words are asked for."""
    right = {cell.metadata.nbgrader.grade_id: cell for cell in source.cells if "nbgrader" in cell.metadata}
    for cell in released.cells:
        told = cell.metadata.get("nbgrader", {})
        if told.get("solution") and (tasks is None or told["grade_id"] in tasks):
            cell.source = right[told["grade_id"]].source if cell.cell_type == "code" else "Because it is so."
    return released


def main():
    """Everything, in the order in which a term brings it; what happened is printed."""
    happened: dict = {}
    os.makedirs("/srv/hub")
    log = open("/srv/hub/log", "w")
    subprocess.Popen(
        [BIN / "jupyterhub", "-f", "/etc/jupyterhub/jupyterhub_config.py"], cwd="/srv/hub", stdout=log, stderr=log
    )
    waited_for("the hub", lambda: requests.get(f"{HUB}/hub/api", timeout=5).ok)
    accounts = [Account(name) for name in STUDENTS]
    with ThreadPoolExecutor(len(accounts)) as at_once:
        list(at_once.map(Account.start, accounts))
        happened["memory of a server"] = {each.name: memory_of(USERS[each.name]) for each in accounts}

        edition(lessons())
        happened["pulled"] = list(at_once.map(pulled, accounts))

        def lesson(account):
            path = f"course/notebooks/{LESSONS[account.name]}.ipynb"
            notebook = account.notebook(path)
            sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
            outputs = account.run(path, sources)
            return {
                "cells": len(outputs),
                "errors": [said for cell in outputs for said in cell if said.startswith("error")],
                "memory": account.memory,
            }

        happened["lessons"] = dict(zip(STUDENTS, at_once.map(lesson, accounts), strict=True))

    ada = accounts[0]
    attempts = [
        "import helpers; open(helpers.__file__, 'a')",
        "import numpy; open(numpy.__file__, 'a')",
        "import os; os.listdir('/home/ben')",
        "import os; os.listdir('/home/teacher')",
        "!nbgrader --version",
        f"%pip install --quiet --no-index {a_wheel(Path('/srv'))}",
        "%pip install --quiet --no-index numpy",
    ]
    happened["attempts"] = dict(zip(attempts, ada.run("attempts.ipynb", attempts), strict=True))
    happened["its own package"] = ada.run(
        "again.ipynb", ["import tiny_thing; tiny_thing.__file__, tiny_thing.answer", "import numpy; numpy.__file__"]
    )

    # What JupyterLab saves of a lesson that was only opened.
    ben, name = accounts[1], f"notebooks/{LESSONS['ben']}.ipynb"
    opened = ben.notebook(f"course/{name}")
    opened.metadata.language_info.version = "3.99"
    ben.save(f"course/{name}", opened)
    happened["only opened"] = Path("/home/ben/course", name).read_bytes() == (LINKED / name).read_bytes()

    # A student's answer and a new edition, which has changed the same cell.
    path = f"course/notebooks/{LESSONS['ada']}.ipynb"
    written = ada.notebook(path)
    written.cells[-1].source += "\nmy own words"
    ada.save(path, written)
    next_edition(LESSONS["ada"])
    finished, now = pulled(ada), ada.notebook(path)
    new, own = now.cells[0].source.endswith("A new edition."), now.cells[-1].source.endswith("my own words")
    happened["pulled again"] = [finished, new, own]

    # Homework.
    course = Path("/home/teacher/class")
    as_user(TEACHER, "python", ROOT / "tools" / "homework.py", course, "--seed", "5")
    as_user(TEACHER, "nbgrader", "release_assignment", "homework_1", where=course)
    source = nbformat.read(course / "source" / "homework_1" / "homework_1.ipynb", as_version=4)
    tasks = [
        c.metadata.nbgrader.grade_id
        for c in source.cells
        if c.cell_type == "code" and c.metadata.get("nbgrader", {}).get("solution")
    ]
    which = {"course_id": "factor-models", "assignment_id": "homework_1"}
    for account, done in zip(accounts, (None, [], tasks[:1]), strict=True):
        fetched = account.json("POST", "assignments/fetch", data=which)
        assert fetched["success"], fetched
        path = "homework_1/homework_1.ipynb"
        account.save(path, with_answers(account.notebook(path), source, done))
        submitted = account.json("POST", "assignments/submit", data=which)
        assert submitted["success"], submitted
    as_user(TEACHER, "nbgrader", "collect", "homework_1", where=course)
    grade = ["python", ROOT / "tools" / "grade.py", "--course", course, "--homework", "homework_1"]
    # A sandbox within this namespace needs a /proc that not every machine lets a user mount.
    kinds = "from tools.grading import sandbox; print(any(map(sandbox.works, sandbox.KINDS)))"
    if "True" not in as_user(TEACHER, sys.executable, "-c", kinds):
        grade.append("--trust")
    happened["graded"] = as_user(TEACHER, *grade)
    marks = course / "grades" / "homework_1_marks.csv"
    marks.write_text(marks.read_text().replace(",3,,,", ",3,2.5,,"))  # of three points
    happened["graded again"] = as_user(TEACHER, *grade)
    happened["table"] = (course / "grades" / "homework_1.csv").read_text()
    as_user(TEACHER, "nbgrader", "release_feedback", "homework_1", where=course)
    for account in accounts:
        back = account.json("POST", "assignments/fetch_feedback", data=which)
        assert back["success"], back
    happened["feedback"] = {
        name: [path.read_text() for path in Path(f"/home/{name}").glob("homework_1/feedback/*/*.html")]
        for name in STUDENTS
    }
    for account in accounts:
        account.hub("DELETE", f"users/{account.name}/server")
    print(json.dumps(happened))


if __name__ == "__main__":
    main()
