"""In JupyterLab, in a real browser: each lesson opens, runs, moves its sliders, answers, and asks no other machine.

They need Chromium (`apt-get install chromium`). A JupyterLab serves a copy of the notebooks; each lesson is opened and
run once, and the tests of that lesson use the same page, one after the other.
"""

import importlib
import re
import shutil
import sys
import time
from pathlib import Path

import nbformat
import pytest

from helpers.exercises.checker import NOT_ATTEMPTED, Choice, Exercise
from tests.browser import (
    LIMIT,
    MONOSPACED_NAMES,
    RUN_LIMIT,
    Opened,
    playwright,
)
from tools.refresh import NOTEBOOKS, lessons

pytestmark = pytest.mark.extra

LESSONS = lessons()
FIRST_LESSON = NOTEBOOKS / "01_time_series_regression.ipynb"
SLIDERS = re.compile(r"^slide\(", re.MULTILINE)
EXERCISES = re.compile(r"^from helpers\.exercises\.(\w+) import ([\w, ]+)", re.MULTILINE)


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def lesson(request, lab, chromium):
    """A lesson that is open."""
    opened = Opened(lab, chromium, request.param.name)
    try:
        opened.open()
        yield opened
    finally:
        opened.close()


@pytest.fixture
def ran(lesson):
    """The same, once its cells have run: the first test that asks for it runs them."""
    assert lesson.run_all() is True
    return lesson


def assert_it_runs(opened, first=1):
    """All cells run, one after the other, the first of them numbered so, and nothing is written in red."""
    __tracebackhide__ = True
    answer = opened.run_all()
    assert opened.red_boxes() == []
    assert opened.errors == []  # those of the page
    assert answer is True
    prompts = opened.page.locator(".jp-CodeCell .jp-InputPrompt")
    playwright.expect(prompts).to_have_text([f"[{first + count}]:" for count in range(prompts.count())])


def assert_nothing_left(opened):
    """Neither the page nor, as the guard noted, the server and the kernels asked for anything elsewhere."""
    __tracebackhide__ = True
    local = (opened.lab.address, opened.lab.address.replace("http:", "ws:"), "data:", "blob:")
    assert opened.requests
    assert [url for url in opened.requests if not url.startswith(local)] == []
    assert opened.lab.left_the_machine() == []


# --- Each lesson, in this order ---------------------------------------------------------------------------------------


def test_it_stays_as_it_was_if_it_is_only_opened(lesson):
    """JupyterLab saves by itself what a kernel tells it, the version of Python. The file is the same, byte for byte."""
    version = "jupyterapp.shell.currentWidget.model.getMetadata('language_info')?.version"
    lesson.page.wait_for_function(version)
    lesson.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    assert (lesson.lab.notebooks / lesson.path).read_bytes() == (NOTEBOOKS / lesson.path).read_bytes()


def test_it_opens_and_runs(lesson):
    stored = nbformat.read(lesson.lab.notebooks / lesson.path, as_version=4).cells
    pictures = sum("image/png" in output.get("data", ()) for cell in stored for output in cell.get("outputs", ()))
    playwright.expect(lesson.cells).to_have_count(len(stored))
    shown = lesson.page.locator(".jp-OutputArea-output img")
    playwright.expect(shown).to_have_count(pictures)  # before anything has run
    assert_it_runs(lesson)
    assert lesson.page.locator(".jp-Dialog").all_inner_texts() == [], "JupyterLab asks something"


READABLE = 4.5  # the least contrast of text, as WCAG 2 asks at level AA
COMPLAINTS = Path(__file__).with_name("complaints.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("width, theme", [(800, "Dark"), (1280, "Light")])  # the last is how a student meets it
def test_nothing_is_cut_off_or_unreadable(ran, width, theme):
    """Prose, formulas and labels fit, text stands out, and pictures bring a white ground for their dark lines."""
    ran.look(width, theme)
    no_more = f"readable => ({COMPLAINTS})(readable).length === 0"
    try:  # formulas are typeset a little later
        ran.page.wait_for_function(no_more, arg=READABLE, timeout=LIMIT, polling=500)
    except playwright.TimeoutError:
        complaints = ran.page.evaluate(COMPLAINTS, READABLE)
        assert not complaints, "\n".join(complaints)


def test_each_slider_moves_its_picture(ran):
    """One step of each slider by an arrow key; picture and alt text change. What it took is printed (pytest -rP)."""
    redrawn = "([shown, words]) => shown.querySelector('img')?.alt !== words"
    moved = 0
    for number in (number for number, source in enumerate(ran.sources) if SLIDERS.search(source)):
        output = ran.cells.nth(number).locator(".jp-OutputArea-output", has=ran.page.locator(".widget-hslider"))
        shown, handles = output.locator(".widget-html-content"), output.locator(".noUi-handle")
        handles.first.wait_for()
        labels = output.locator(".widget-hslider .widget-label").all_inner_texts()
        for handle, label in zip(handles.all(), labels, strict=True):
            before = {name: shown.locator("img").get_attribute(name) for name in ("src", "alt")}
            at_the_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
            handle.focus()
            start = time.perf_counter()
            ran.page.keyboard.press("ArrowLeft" if at_the_end else "ArrowRight")
            ran.page.wait_for_function(redrawn, arg=[shown.element_handle(), before["alt"]])
            print(f"cell {number}, {label}: {time.perf_counter() - start:.2f} s from the key to the picture")
            assert shown.inner_text().strip() == "", f"cell {number}, {label}: words in place of the picture"
            after = {name: shown.locator("img").get_attribute(name) for name in before}
            assert after["src"] != before["src"], f"cell {number}: {label} moves, the picture stays the same"
            assert f" {label} " in after["alt"]
            moved += 1
    assert ran.page.locator(".noUi-handle").count() == moved


def first_exercise(sources):
    """Of the exercises that can be right and wrong, the first: the number of its cell, its module, its name."""
    for number, source in enumerate(sources):
        for module, names in EXERCISES.findall(source):
            for name in names.split(", "):
                exercise = getattr(importlib.import_module(f"helpers.exercises.{module}"), name)
                if isinstance(exercise, (Exercise, Choice)):
                    return number, module, name, exercise
    pytest.fail("The lesson has no exercise.")


def test_an_exercise_has_advice(ran):
    """The lesson's first: answered wrongly it shows the advice for that mistake, answered rightly it says Correct."""
    number, module, name, exercise = first_exercise(ran.sources)
    if isinstance(exercise, Exercise):
        wrong, advice = f"{name}.answer_of(next(iter({name}.mistakes)))", next(iter(exercise.mistakes.values()))
        right = f"{name}.answer_of({name}.reference)"
    else:
        (letter, advice), right = next(iter(exercise.advice.items())), repr(exercise.right)
        wrong = repr(letter)
    for answer, feedback in [(wrong, f"Incorrect. {advice}"), (right, "Correct.")]:
        output = ran.run_cell(number, f"from helpers.exercises.{module} import {name}\n{name}.check({answer})")
        words = r"\s+".join(map(re.escape, feedback.split()))
        output.to_have_text(re.compile(f"^{words}"), timeout=LIMIT)


def test_nothing_left_the_machine(ran):
    """In all that the tests above did."""
    assert_nothing_left(ran)


# --- Elsewhere than in JupyterLab -------------------------------------------------------------------------------------


def test_a_lesson_runs_in_notebook_7_too_and_its_slider_moves(lab, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(LIMIT)
    page = context.new_page()
    try:
        page.goto(f"{lab.address}/notebooks/{FIRST_LESSON.name}?token={lab.token}")
        page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
        prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
        for _ in range(20):
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
            page.wait_for_timeout(3_000)
            # On a busy machine the page says idle before its kernel is there; cells that nobody took have no number.
            if prompts.first.inner_text().strip() != "[ ]:":
                break
        n_cells = sum(cell.cell_type == "code" for cell in nbformat.read(FIRST_LESSON, as_version=4).cells)
        playwright.expect(prompts).to_have_text([f"[{count}]:" for count in range(1, n_cells + 1)], timeout=RUN_LIMIT)
        kinds = [f'[data-mime-type="application/vnd.jupyter.{kind}"]' for kind in ("error", "stderr")]
        assert page.locator(", ".join(kinds)).all_inner_texts() == []
        picture, handle = page.locator(".widget-html-content img").first, page.locator(".noUi-handle").first
        before = picture.get_attribute("alt")
        handle.drag_to(page.locator(".noUi-base").first)  # to the middle
        playwright.expect(picture).not_to_have_attribute("alt", before)
    finally:
        context.close()
        lab.end_sessions()


# --- What no lesson is needed for -------------------------------------------------------------------------------------


PROPORTIONAL_NAMES = ("system-ui", "-apple-system", "Segoe UI", "Helvetica", "Arial", "sans-serif", "serif", "Times")


@pytest.mark.skipif(sys.platform != "linux", reason="Only on Linux do the tests choose the browser's fonts.")
def test_the_browser_has_its_own_fonts(chromium):
    """Whatever name a page asks for, it gets one of two fonts: no test hangs on what a machine has."""
    page = chromium.new_page()
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    for name in (*PROPORTIONAL_NAMES, *MONOSPACED_NAMES):
        page.set_content(f'<p style="font-family: {name}">R̂ = β · F <b>bold</b></p>')
        root = session.send("DOM.getDocument")["root"]["nodeId"]
        paragraph = session.send("DOM.querySelector", {"nodeId": root, "selector": "p"})["nodeId"]
        found = session.send("CSS.getPlatformFontsForNode", {"nodeId": paragraph})["fonts"]
        expected = "DejaVu Sans Mono" if name in MONOSPACED_NAMES else "DejaVu Sans"
        assert {one["familyName"] for one in found} == {expected}, name
    page.close()


# --- A student's copy -------------------------------------------------------------------------------------------------


TWO_BY_TWO = "Your answer has the shape (2, 2), and one number is needed."


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
            ("np.cov(F[:, 0], R[:, 0])", f"Could not check. {TWO_BY_TWO}"),
            ("np.cov(F[:, 0], R[:, 0])[0, 1] / F[:, 0].var(ddof=1)", "Correct."),
            ("...", "Not attempted."),
        ]:
            output = opened.run_cell(number, f"beta_alone = {answer}", line="beta_alone = ")
            output.to_contain_text(feedback, timeout=LIMIT)
        assert_nothing_left(opened)
    finally:
        opened.close()
