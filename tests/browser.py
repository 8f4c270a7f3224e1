"""A JupyterLab and a Chromium of the tests' own, and a notebook that is open in both."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

import matplotlib
import nbformat
import pytest

from tools.refresh import NOTEBOOKS, ROOT, set_kernel_environment

WITHOUT = "The lessons were not tried in a browser: install {}, then run the tests again."
playwright = pytest.importorskip("playwright.sync_api", reason=WITHOUT.format("the package playwright (make lab does)"))
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if not CHROMIUM:
    pytest.skip(WITHOUT.format("Chromium (apt-get install chromium)"), allow_module_level=True)

START_LIMIT = 300  # seconds, for JupyterLab on a busy machine
RUN_LIMIT, LIMIT = 600_000, 120_000  # milliseconds: for a whole lesson, and for anything else in the page
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # all cells are in the page, not only those in sight
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
# The server and its kernels read this at their start. It refuses whatever would leave the machine, and notes it.
GUARD = """
import socket
import sys

HERE = (None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", socket.gethostname())
NAMES, ADDRESSES = ("getaddrinfo", "gethostbyname", "gethostbyaddr"), ("connect", "sendto", "sendmsg")

def guard(event, arguments):
    module, _, name = event.partition(".")
    if module == "socket" and name in NAMES + ADDRESSES:
        host = arguments[0] if name in NAMES else arguments[1]
        host = host[0] if isinstance(host, tuple) else host
        host = host.decode() if isinstance(host, bytes) else host
        if host not in HERE and not str(host).startswith(("/", "\\0")):
            with open({outside!r}, "a") as file:
                file.write(f"{{name}} {{host}}\\n")
            raise PermissionError(f"{{host}} is outside of this machine")

sys.addaudithook(guard)
"""

# In the page: answers to Run All when it is over, or when the kernel dies.
RUN_ALL = """() => {
    const { sessionContext } = jupyterapp.shell.currentWidget;
    window.allRan = null;
    window.kernel = () => sessionContext.session.kernel;
    sessionContext.statusChanged.connect((_, status) => {
        if (/restarting|dead/.test(status)) window.allRan ??= "the kernel died";
    });
    jupyterapp.commands.execute("notebook:run-all-cells").then(
        good => { window.allRan ??= good ? true : "a cell failed"; }, error => { window.allRan ??= String(error); });
}"""
# On Linux the browser has these fonts and no others, whatever the machine has: two of those that come with matplotlib.
# DejaVu Sans is among the widest there are, so what fits in it fits in the fonts of students.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}</dir>
  <cachedir>{cache}</cachedir>
  <selectfont>
    <rejectfont><glob>*</glob></rejectfont>
    <acceptfont><glob>*/DejaVuSans.ttf</glob></acceptfont>
    <acceptfont><glob>*/DejaVuSans-*</glob></acceptfont>
    <acceptfont><glob>*/DejaVuSansMono*</glob></acceptfont>
  </selectfont>
  {monospaced}
  <match><edit name="family" mode="append_last" binding="strong"><string>DejaVu Sans</string></edit></match>
</fontconfig>
"""
MONOSPACED_NAMES = ("monospace", "Menlo", "Consolas", "Courier", "Courier New")  # what pages may call such a font
MONOSPACED = """<match>
    <test name="family"><string>{}</string></test>
    <edit name="family" mode="assign" binding="strong"><string>DejaVu Sans Mono</string></edit>
  </match>"""


class Lab:
    """A JupyterLab on a copy of the notebooks, with a home, a port and a token of its own."""

    def __init__(self, folder):
        self.notebooks, self.log, self.outside = folder / "notebooks", folder / "log", folder / "outside"
        self.folder, self.token = folder, secrets.token_hex()
        shutil.copytree(NOTEBOOKS, self.notebooks, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        for name, content in SETTINGS.items():
            file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content), encoding="utf-8")
        (folder / "guard").mkdir()
        (folder / "guard" / "sitecustomize.py").write_text(GUARD.format(outside=str(self.outside)), encoding="utf-8")
        options = ["--no-browser", "--allow-root", "--expose-app-in-browser", "--LabApp.news_url=None"]
        options += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={self.notebooks}"]
        options += [f"--IdentityProvider.token={self.token}"]
        # If the tests are killed, it ends by itself.
        options += ["--ServerApp.shutdown_no_activity_timeout=600", "--MappingKernelManager.cull_idle_timeout=600"]
        with self.log.open("w") as log:
            command = [sys.executable, "-m", "jupyterlab", *options]
            self.process = subprocess.Popen(command, env=self._environment(), cwd=folder, stdout=log, stderr=log)

    def _environment(self):
        """That of a student who has just come: nothing of what the tests, or whoever runs them, have set."""
        ours, prefixes = set_kernel_environment({}), ("JUPYTER", "IPYTHON", "PYTEST", "XDG")
        theirs = {
            name: value for name, value in os.environ.items() if name not in ours and not name.startswith(prefixes)
        }
        for kind in ("CONFIG", "DATA", "RUNTIME"):
            theirs[f"JUPYTER_{kind}_DIR"] = str(self.folder / kind.lower())
        return theirs | {
            "HOME": str(self.folder),
            "JUPYTER_CONFIG_PATH": str(ROOT / ".jupyter"),  # as make lab does
            "JUPYTERLAB_SETTINGS_DIR": str(self.folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.folder / "workspaces"),
            "MPLCONFIGDIR": matplotlib.get_cachedir(),  # to list all fonts anew takes long, and matplotlib says so
            # The guard, and the helpers that are tested, wherever the environment may have been made.
            "PYTHONPATH": os.pathsep.join([str(self.folder / "guard"), str(ROOT)]),
        }

    def start(self):
        """Nothing, once the server answers; it writes its port into a file."""
        ready, deadline = self.folder / "runtime" / f"jpserver-{self.process.pid}.json", time.monotonic() + START_LIMIT
        while not (written := ready.read_text(encoding="utf-8") if ready.exists() else ""):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text(encoding='utf-8')}")
            time.sleep(0.05)
        self.address = f"http://127.0.0.1:{json.loads(written)['port']}"

    def stop(self):
        """Nothing, once the server has ended; it ends its kernels first, and a kernel ends when the server is gone."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def end_sessions(self):
        for session in json.loads(self._ask("GET", "/api/sessions")):
            self._ask("DELETE", f"/api/sessions/{session['id']}")

    def _ask(self, method, path):
        headers = {"Authorization": f"token {self.token}"}
        with urlopen(Request(self.address + path, method=method, headers=headers)) as answer:
            return answer.read()

    def url(self, path):
        return f"{self.address}/lab/workspaces/tests/tree/{quote(path)}?token={self.token}&reset"

    def left_the_machine(self):
        """What the server and the kernels asked elsewhere since this was called last."""
        if not self.outside.exists():
            return []
        lines = self.outside.read_text(encoding="utf-8").splitlines()
        self.outside.unlink()
        return lines


@contextmanager
def running_lab(folder):
    """A JupyterLab that serves, and ends afterwards."""
    server = Lab(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def chromium_with_own_fonts(folder):
    """A Chromium that finds no machine but this one."""
    fonts = FONTS.format(
        folder=Path(matplotlib.get_data_path(), "fonts", "ttf"),
        cache=folder / "cache",
        monospaced="\n  ".join(map(MONOSPACED.format, MONOSPACED_NAMES)),
    )
    (folder / "fonts.conf").write_text(fonts, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FONTCONFIG")}
    environment["FONTCONFIG_FILE"] = str(folder / "fonts.conf")
    options = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--font-render-hinting=none"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=options, env=environment)
        yield browser
        browser.close()


class Opened:
    """A notebook that is open in a browser's only page, with a kernel of its own."""

    def __init__(self, lab, chromium, path):
        self.lab, self.path, self.answer = lab, path, None
        self.sources = [cell.source for cell in nbformat.read(lab.notebooks / path, as_version=4).cells]
        self.context = chromium.new_context(viewport={"width": 1280, "height": 1000}, service_workers="block")
        self.context.set_default_timeout(LIMIT)
        self.context.route("**/*", self._requested)
        self.page = self.context.new_page()
        self.errors, self.requests = [], []
        self.page.on("console", self._complained)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("websocket", lambda connection: self.requests.append(connection.url))
        self.cells = self.page.locator(".jp-Notebook .jp-Cell")

    def _complained(self, message):
        """Keeps an error. Not that of a list of kernels that is asked for while one starts: the server trips there."""
        tripped = "status of 500" in message.text and "/api/kernels?" in message.location.get("url", "")
        if message.type == "error" and not tripped:
            self.errors.append(message.text)

    def _requested(self, route):
        self.requests.append(route.request.url)
        if route.request.url.startswith(self.lab.address):
            route.continue_()
        else:
            route.abort()

    def open(self):
        """Nothing, once the notebook is in sight and its kernel is ready."""
        self.page.goto(self.lab.url(self.path))
        shown = "path => window.jupyterapp?.shell.currentWidget?.context?.path === path"
        self.page.wait_for_function(shown, arg=self.path)
        self.page.evaluate("""async () => {
            const panel = jupyterapp.shell.currentWidget;
            await Promise.all([jupyterapp.restored, panel.context.ready, panel.revealed, panel.sessionContext.ready]);
        }""")

    def run_all(self):
        """True once all cells ran, JupyterLab's own answer to Run All, given once; else what happened instead."""
        if self.answer is None:
            self.page.evaluate(RUN_ALL)
            finished = "window.allRan !== null && (window.allRan !== true || window.kernel().status === 'idle')"
            try:
                self.page.wait_for_function(finished, timeout=RUN_LIMIT, polling=200)
                self.answer = self.page.evaluate("window.allRan")
            except playwright.TimeoutError:
                waiting = self.page.locator(".jp-CodeCell .jp-InputPrompt", has_text="[*]").count()
                status = self.page.evaluate("window.kernel().status")
                self.answer = f"the kernel is {status} and {waiting} cells wait after {RUN_LIMIT // 1000} seconds"
        return self.answer

    def red_boxes(self):
        """The texts of errors, and of whatever else was written to stderr."""
        kinds = [f'[data-mime-type="application/vnd.jupyter.{kind}"]' for kind in ("error", "stderr")]
        return self.page.locator(", ".join(kinds)).all_inner_texts()

    def look(self, width, theme):
        """Sets the width of the window and the theme. In the narrow window the list of files is folded away."""
        self.page.set_viewport_size({"width": width, "height": 1000})
        self.page.evaluate("narrow => jupyterapp.shell[narrow ? 'collapseLeft' : 'expandLeft']()", width < 1000)
        change = "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })"
        self.page.evaluate(change, f"JupyterLab {theme}")
        changed = "light => document.body.dataset.jpThemeLight === light"
        self.page.wait_for_function(changed, arg=str(theme == "Light").lower())
        self.page.wait_for_function("""narrow => {
            const { left, right } = document.querySelector(".jp-Notebook").getBoundingClientRect();
            return (left < 150) === narrow && right > innerWidth - 150 && right <= innerWidth;
        }""", arg=width < 1000)  # fmt: skip

    def run_cell(self, number, code=None, line=None):
        """Runs a cell, after typing over its code, or over one line of it, as a student would; its last output."""
        cell = self.cells.nth(number)
        if line is not None:
            cell.locator(".cm-line", has_text=line).click()
            self.page.keyboard.press("End")
            self.page.keyboard.press("Shift+Home")
            self.page.keyboard.type(code)  # key by key: JupyterLab adds brackets of its own
        else:
            cell.locator(".cm-content").click()
            if code is not None:
                self.page.keyboard.press("ControlOrMeta+A")
                self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")
        return playwright.expect(cell.locator(".jp-OutputArea-output").last)

    def close(self):
        self.context.close()
        self.lab.end_sessions()
