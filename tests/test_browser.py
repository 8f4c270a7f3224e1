"""In JupyterLab, in a real browser: each lesson opens and runs, its sliders move, its exercises answer, and nothing leaves the machine.

They need Chromium (`apt-get install chromium`). One JupyterLab serves a copy of the notebooks; each lesson is opened and run once, and
the tests of that lesson use the same page, one after the other.
"""

import importlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from urllib.parse import quote
from urllib.request import Request, urlopen

import matplotlib
import nbformat
import pytest

from helpers.exercises.checker import NOT_ATTEMPTED, Choice, Exercise
from tools.refresh import NOTEBOOKS, ROOT, set_kernel_environment

WITHOUT = "The lessons were not tried in a browser: {}, then run the tests again."
playwright = pytest.importorskip("playwright.sync_api", reason=WITHOUT.format("install the package playwright (make lab does)"))
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if not CHROMIUM:
    pytest.skip(WITHOUT.format("install Chromium (apt-get install chromium)"), allow_module_level=True)

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
FIRST_LESSON = NOTEBOOKS / "01_time_series_regression.ipynb"
SLIDERS = re.compile(r"^slide\(", re.MULTILINE)
EXERCISES = re.compile(r"^from helpers\.exercises\.(\w+) import ([\w, ]+)", re.MULTILINE)
START_LIMIT = 120  # seconds, for JupyterLab on a busy machine
RUN_LIMIT, LIMIT = 400_000, 60_000  # milliseconds: for a whole lesson, and for anything else in the page
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


# --- JupyterLab and Chromium ---------------------------------------------------------------------------------------------------


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
        options = ["--no-browser", "--allow-root", "--expose-app-in-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
        options += [f"--ServerApp.root_dir={self.notebooks}", f"--IdentityProvider.token={self.token}", "--LabApp.news_url=None"]
        # If the tests are killed, it ends by itself.
        options += ["--ServerApp.shutdown_no_activity_timeout=600", "--MappingKernelManager.cull_idle_timeout=600"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options], env=self._environment(), cwd=folder, stdout=log, stderr=log
            )

    def _environment(self):
        """That of a student who has just come: nothing of what whoever runs the tests, or the tests themselves, have set."""
        ours = set_kernel_environment({})
        theirs = {name: value for name, value in os.environ.items() if name not in ours}
        theirs = {name: value for name, value in theirs.items() if not name.startswith(("JUPYTER", "IPYTHON", "PYTEST", "XDG"))}
        for kind in ("CONFIG", "DATA", "RUNTIME"):
            theirs[f"JUPYTER_{kind}_DIR"] = str(self.folder / kind.lower())
        return theirs | {
            "HOME": str(self.folder),
            "JUPYTER_CONFIG_PATH": str(ROOT / ".jupyter"),  # as make lab does
            "JUPYTERLAB_SETTINGS_DIR": str(self.folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.folder / "workspaces"),
            "MPLCONFIGDIR": matplotlib.get_cachedir(),  # to look for all fonts anew takes long, and matplotlib then says so
            "PYTHONPATH": str(self.folder / "guard"),
        }

    def start(self):
        """Nothing, once the server answers; it writes its port into a file."""
        ready, deadline = self.folder / "runtime" / f"jpserver-{self.process.pid}.json", time.monotonic() + START_LIMIT
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text(encoding='utf-8')}")
            time.sleep(0.05)
        self.address = f"http://127.0.0.1:{json.loads(ready.read_text(encoding='utf-8'))['port']}"

    def stop(self):
        """Nothing, once the server has ended; it ends its kernels first, and a kernel ends by itself when the server is gone."""
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
        with urlopen(Request(self.address + path, method=method, headers={"Authorization": f"token {self.token}"})) as answer:
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


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    server = Lab(tmp_path_factory.mktemp("jupyterlab"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def chromium():
    options = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


# --- A notebook in the page ----------------------------------------------------------------------------------------------------


class Opened:
    """A notebook that is open in a browser's only page, with a kernel of its own."""

    def __init__(self, lab, chromium, path):
        self.lab, self.path = lab, path
        self.sources = [cell.source for cell in nbformat.read(lab.notebooks / path, as_version=4).cells]
        self.context = chromium.new_context(viewport={"width": 1280, "height": 1000}, service_workers="block")
        self.context.set_default_timeout(LIMIT)
        self.context.route("**/*", self._requested)
        self.page = self.context.new_page()
        self.errors, self.requests = [], []
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("websocket", lambda connection: self.requests.append(connection.url))
        self.cells = self.page.locator(".jp-Notebook .jp-Cell")

    def _requested(self, route):
        self.requests.append(route.request.url)
        if route.request.url.startswith(self.lab.address):
            route.continue_()
        else:
            route.abort()

    def open(self):
        """Nothing, once the notebook is in sight and its kernel is ready."""
        self.page.goto(self.lab.url(self.path))
        self.page.wait_for_function("path => window.jupyterapp?.shell.currentWidget?.context?.path === path", arg=self.path)
        self.page.evaluate("""async () => {
            const panel = jupyterapp.shell.currentWidget;
            await Promise.all([jupyterapp.restored, panel.context.ready, panel.revealed, panel.sessionContext.ready]);
        }""")

    def run_all(self):
        """Whether all cells ran, once the last of them is finished: JupyterLab's own answer to Run All."""
        self.page.evaluate("""() => {
            window.allRan = null;
            jupyterapp.commands.execute("notebook:run-all-cells").then(
                good => { window.allRan = Boolean(good); }, error => { window.allRan = String(error); });
        }""")
        self.page.wait_for_function("window.allRan !== null", timeout=RUN_LIMIT, polling=200)
        self.page.wait_for_function("jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'")
        return self.page.evaluate("window.allRan")

    def red_boxes(self):
        """The texts of errors, and of whatever else was written to stderr."""
        kinds = [f'[data-mime-type="application/vnd.jupyter.{kind}"]' for kind in ("error", "stderr")]
        return self.page.locator(", ".join(kinds)).all_inner_texts()

    def look(self, width, theme):
        """Sets the width of the window and the theme. In the narrow window the list of files is folded away."""
        self.page.set_viewport_size({"width": width, "height": 1000})
        self.page.evaluate("narrow => jupyterapp.shell[narrow ? 'collapseLeft' : 'expandLeft']()", width < 1000)
        self.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", f"JupyterLab {theme}")
        self.page.wait_for_function("light => document.body.dataset.jpThemeLight === light", arg=str(theme == "Light").lower())
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


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def lesson(request, lab, chromium):
    """A lesson that is open; the first test runs it."""
    opened = Opened(lab, chromium, request.param.name)
    try:
        opened.open()
        yield opened
    finally:
        opened.close()


def assert_it_runs(opened, first=1):
    """All cells run, one after the other, the first of them numbered so, and nothing is written in red."""
    __tracebackhide__ = True
    answer = opened.run_all()
    assert opened.red_boxes() == []
    assert opened.errors == []  # those of the page
    assert answer is True, f"Run All says {answer}; did the kernel die?"
    prompts = opened.page.locator(".jp-CodeCell .jp-InputPrompt")
    playwright.expect(prompts).to_have_text([f"[{first + count}]:" for count in range(prompts.count())])


def assert_nothing_left(opened):
    """Neither the page nor, as the guard noted, the server and the kernels asked for anything elsewhere."""
    __tracebackhide__ = True
    local = (opened.lab.address, opened.lab.address.replace("http:", "ws:"), "data:", "blob:")
    assert opened.requests
    assert [url for url in opened.requests if not url.startswith(local)] == []
    assert opened.lab.left_the_machine() == []


# --- Each lesson, in this order --------------------------------------------------------------------------------------------------


def test_it_opens_and_runs(lesson):
    stored = nbformat.read(lesson.lab.notebooks / lesson.path, as_version=4).cells
    pictures = sum("image/png" in output.get("data", ()) for cell in stored for output in cell.get("outputs", ()))
    playwright.expect(lesson.cells).to_have_count(len(stored))
    playwright.expect(lesson.page.locator(".jp-OutputArea-output img")).to_have_count(pictures)  # before anything has run
    assert_it_runs(lesson)
    assert lesson.page.locator(".jp-Dialog").all_inner_texts() == [], "JupyterLab asks something"


READABLE = 4.5  # the least contrast of text, as WCAG 2 asks at level AA

# What is wrong with the page, in sentences. JupyterLab chooses the colours of code itself, so code is not asked for its contrast.
COMPLAINTS = r"""readable => {
    const found = [], notebook = document.querySelector(".jp-Notebook"), cells = [...notebook.querySelectorAll(".jp-Cell")];
    const all = selector => [...notebook.querySelectorAll(selector)].filter(element => element.checkVisibility());
    const complain = (element, sentence) => {
        const words = (element.innerText || element.alt || "").trim().slice(0, 50);
        found.push(`Cell ${cells.indexOf(element.closest(".jp-Cell"))}, ${JSON.stringify(words)}: ${sentence}`);
    };

    for (const element of all(".jp-RenderedMarkdown, .jp-RenderedText pre, .widget-label, .widget-readout")) {
        const over = element.scrollWidth - element.clientWidth;
        if (over > 1) complain(element, `${over} pixels are cut off on the right`);
    }
    for (const element of all(".jp-RenderedMarkdown")) {
        const words = element.cloneNode(true);
        words.querySelectorAll("code, mjx-container").forEach(part => part.remove());
        if (/\\[a-zA-Z]{2,}|\$/.test(words.textContent)) complain(element, "a formula is not typeset");
    }
    for (const element of all("mjx-merror, mjx-mtext[style*=red]")) complain(element, "a formula is wrong");
    for (const element of all("img")) {
        if (!element.naturalWidth) { complain(element, "the picture is not shown"); continue; }
        const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
        canvas.drawImage(element, 0, 0);
        if (canvas.getImageData(0, 0, 1, 1).data.join() !== "255,255,255,255") complain(element, "the ground is not white");
    }

    const channels = colour => colour.match(/[\d.]+/g).map(Number);
    const over = (below, [red, green, blue, alpha = 1]) => [red, green, blue].map((v, i) => alpha * v + (1 - alpha) * below[i]);
    const ground = element => over(
        element.parentElement ? ground(element.parentElement) : [255, 255, 255],
        channels(getComputedStyle(element).backgroundColor));
    const light = colour => {
        const [red, green, blue] = colour.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.05 + 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    for (const element of all(".jp-RenderedMarkdown *, .jp-OutputArea-output *")) {
        const text = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
        if (!(text || element.matches("mjx-container")) || element.closest("pre code, mjx-assistive-mml, style")) continue;
        const below = ground(element), ink = over(below, channels(getComputedStyle(element).color));
        const contrast = Math.max(light(ink) / light(below), light(below) / light(ink));
        if (contrast < readable) complain(element, `the contrast is ${contrast.toFixed(1)}, less than ${readable}`);
    }
    return found;
}"""


@pytest.mark.parametrize("width, theme", [(800, "Dark"), (1280, "Light")])  # the last is how a student meets it
def test_nothing_is_cut_off_or_unreadable(lesson, width, theme):
    """Prose, formulas and labels fit, text stands out, and pictures bring a white ground for their dark lines."""
    lesson.look(width, theme)
    try:  # formulas are typeset a little later
        lesson.page.wait_for_function(
            f"readable => ({COMPLAINTS})(readable).length === 0", arg=READABLE, timeout=10_000, polling=500
        )
    except playwright.TimeoutError:
        complaints = lesson.page.evaluate(COMPLAINTS, READABLE)
        assert not complaints, "\n".join(complaints)


def test_each_slider_moves_its_picture(lesson):
    """One step of each slider by an arrow key; its picture and its alt text change. What it took is printed (pytest -rP)."""
    redrawn = "([shown, words]) => shown.querySelector('img')?.alt !== words"
    moved = 0
    for number in (number for number, source in enumerate(lesson.sources) if SLIDERS.search(source)):
        output = lesson.cells.nth(number).locator(".jp-OutputArea-output", has=lesson.page.locator(".widget-hslider"))
        shown, handles = output.locator(".widget-html-content"), output.locator(".noUi-handle")
        handles.first.wait_for()
        for handle, label in zip(handles.all(), output.locator(".widget-hslider .widget-label").all_inner_texts(), strict=True):
            before = {name: shown.locator("img").get_attribute(name) for name in ("src", "alt")}
            at_the_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
            handle.focus()
            start = time.perf_counter()
            lesson.page.keyboard.press("ArrowLeft" if at_the_end else "ArrowRight")
            lesson.page.wait_for_function(redrawn, arg=[shown.element_handle(), before["alt"]])
            print(f"cell {number}, {label}: {time.perf_counter() - start:.2f} s from the key to the picture")
            assert shown.inner_text().strip() == "", f"cell {number}, {label}: words in place of the picture"
            after = {name: shown.locator("img").get_attribute(name) for name in before}
            assert after["src"] != before["src"], f"cell {number}: {label} moves, the picture stays the same"
            assert f" {label} " in after["alt"]
            moved += 1
    assert lesson.page.locator(".noUi-handle").count() == moved


def first_exercise(sources):
    """Of the exercises that can be answered rightly and wrongly, the first: the number of its cell, its module, its name."""
    for number, source in enumerate(sources):
        for module, names in EXERCISES.findall(source):
            for name in names.split(", "):
                exercise = getattr(importlib.import_module(f"helpers.exercises.{module}"), name)
                if isinstance(exercise, (Exercise, Choice)):
                    return number, module, name, exercise
    pytest.fail("The lesson has no exercise.")


def test_an_exercise_has_advice(lesson):
    """The lesson's first: answered wrongly it shows the advice for that mistake, answered rightly it says Correct."""
    number, module, name, exercise = first_exercise(lesson.sources)
    if isinstance(exercise, Exercise):
        wrong, advice = f"{name}.answer_of(next(iter({name}.mistakes)))", next(iter(exercise.mistakes.values()))
        right = f"{name}.answer_of({name}.reference)"
    else:
        (letter, advice), right = next(iter(exercise.advice.items())), repr(exercise.right)
        wrong = repr(letter)
    for answer, feedback in [(wrong, f"Incorrect. {advice}"), (right, "Correct.")]:
        output = lesson.run_cell(number, f"from helpers.exercises.{module} import {name}\n{name}.check({answer})")
        words = r"\s+".join(map(re.escape, feedback.split()))
        output.to_have_text(re.compile(f"^{words}"), timeout=LIMIT)


def test_nothing_left_the_machine(lesson):
    """In all that the tests above did."""
    assert_nothing_left(lesson)


# --- A student's copy ------------------------------------------------------------------------------------------------------------


def test_a_copy_answers_under_another_name_in_another_folder_and_out_of_order(lab, chromium):
    """What a student types is answered before the cells above it have run, and after all have run."""
    path = "my notes/My copy of lesson 1.ipynb"
    (lab.notebooks / path).parent.mkdir()
    shutil.copy(FIRST_LESSON, lab.notebooks / path)
    opened = Opened(lab, chromium, path)
    try:
        opened.open()
        number = next(number for number, source in enumerate(opened.sources) if "q1.check(beta_alone)" in source)
        opened.run_cell(number).to_have_text(NOT_ATTEMPTED, timeout=LIMIT)
        assert_it_runs(opened, first=2)
        for answer, feedback in [
            ("np.corrcoef(F[:, 0], R[:, 0])[0, 1]", "Incorrect. This is the correlation"),
            ("np.cov(F[:, 0], R[:, 0])", "Could not check. Your answer has the shape (2, 2), and one number is needed."),
            ("np.cov(F[:, 0], R[:, 0])[0, 1] / F[:, 0].var(ddof=1)", "Correct."),
            ("...", "Not attempted."),
        ]:
            output = opened.run_cell(number, f"beta_alone = {answer}", line="beta_alone = ")
            output.to_contain_text(feedback, timeout=LIMIT)
        assert_nothing_left(opened)
    finally:
        opened.close()
