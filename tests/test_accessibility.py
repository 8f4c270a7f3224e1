"""A lesson in JupyterLab for who sees no picture, and for who has no mouse: axe-core finds nothing, all has words.

axe-core (WCAG 2.1, levels A and AA) looks at the cells of a notebook, inputs and outputs. Left out is what JupyterLab
brings along in each of them, and gives no name: the editor of code, and the button that folds a heading's section.
"""

import re

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import LIMIT, Opened, playwright
from tests.cells import ends_in_slide, pictures
from tools.refresh import NOTEBOOKS

pytestmark = pytest.mark.extra

LESSONS = ["02_cross_sectional_regression", "10_training_and_reading"]  # the second has the playground
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
CELLS = {"include": [[".jp-Notebook .jp-Cell"]], "exclude": [[".cm-editor"], [".jp-collapseHeadingButton"]]}
WRONG_ANSWER = "from helpers.exercises.start_here import q1\nq1.check('nothing')"
CHANGED = """from helpers.plotting import plot_bars
plot_bars({"first": 0.25, "second": 0.5}, title="Changed by a student")"""
PLAIN = """import matplotlib.pyplot as plt
plt.plot([1, 2, 5], label="a student's own")
plt.title("Drawn by plt")
plt.show()"""


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request, lab, chromium):
    opened = Opened(lab, chromium, f"{request.param}.ipynb")
    try:
        opened.open()
        yield opened
    finally:
        opened.close()


@pytest.fixture
def ran(lesson):
    """The same, once its cells have run, and an answer was judged."""
    assert lesson.run_all() is True
    return lesson


def violations(opened):
    """What axe-core finds in the cells, a sentence for each place."""
    found = Axe().run(opened.page, context=CELLS, options=WCAG).response
    assert found["passes"], "axe-core has looked at nothing"
    return [f"{one['id']}: {node['html']}" for one in found["violations"] for node in one["nodes"]]


def shown(opened, number):
    """The pictures of a cell's outputs."""
    return opened.cells.nth(number).locator(".jp-OutputArea-output.jp-RenderedImage img")


def authored(path):
    """By the number of its cell, what the author says of each stored picture."""
    cells = nbformat.read(NOTEBOOKS / path, as_version=4).cells
    return {i: cell.metadata["mystnb"]["image"]["alt"] for i, cell in enumerate(cells) if pictures(cell)}


def controls(opened):
    """(name, value) of each slider of a widget, as the browser tells them to a reader of the screen."""
    session = opened.page.context.new_cdp_session(opened.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [
        (node["name"]["value"], {each["name"]: each["value"].get("value") for each in node["properties"]}["valuetext"])
        for node in nodes
        if node.get("role", {}).get("value") == "slider" and not node.get("ignored")
    ]


# --- In this order ----------------------------------------------------------------------------------------------------


def test_stored_pictures_are_told_in_the_authors_words(lesson):
    described = authored(lesson.path)
    assert described
    for number, alt in described.items():
        playwright.expect(shown(lesson, number).first).to_have_attribute("alt", alt)
    assert lesson.page.locator(".jp-OutputArea-output img:not([alt])").count() == 0


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing_in_a_lesson_that_is_only_opened(lesson, theme):
    lesson.look(1280, theme)
    assert violations(lesson) == []


@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_axe_finds_nothing_once_all_has_run_and_an_answer_was_judged(ran, theme):
    ran.look(1280, theme)
    last = len(ran.sources) - 2
    number = next(n for n in range(last, 0, -1) if ran.cells.nth(n).evaluate("cell => cell.matches('.jp-CodeCell')"))
    ran.run_cell(number, WRONG_ANSWER).to_contain_text("Could not check", timeout=LIMIT)
    told = ran.page.locator("body > [role=status]")  # without a word of it, who does not see would have to look for it
    playwright.expect(told).to_contain_text("Could not check")
    assert violations(ran) == []


def test_pictures_are_softened_in_a_dark_theme_and_only_there(ran):
    picture = ran.page.locator(".jp-OutputArea-output img").first
    softened = {}
    for theme in ("Dark", "Light"):
        ran.look(1280, theme)
        softened[theme] = picture.evaluate("image => getComputedStyle(image).filter")
    assert softened["Light"] == "none" and re.fullmatch(r"brightness\(0\.\d+\)", softened["Dark"])


def test_each_picture_has_words_after_a_run(ran):
    """True for each: they are made of the figure that was drawn, so they hold more than a word."""
    told = ran.page.eval_on_selector_all(".jp-OutputArea-output img", "all => all.map(image => image.alt)")
    assert told and all(len(alt) > 20 for alt in told), told


@pytest.mark.parametrize(
    "code, alt",
    [
        (CHANGED, "Changed by a student. Bar chart of total R², %: first 25, second 50."),
        (PLAIN, "Drawn by plt. Line chart: a student's own from 1 at 0 to 5 at 2."),
    ],
)
def test_a_picture_of_changed_code_is_told_as_it_is_and_has_twice_the_pixels(ran, code, alt):
    number = next(iter(authored(ran.path)))
    ran.run_cell(number, code)
    picture = shown(ran, number).first
    playwright.expect(picture).to_have_attribute("alt", alt, timeout=LIMIT)
    assert picture.evaluate("image => Math.abs(image.naturalWidth - 2 * image.width) <= 1")


def test_sliders_have_a_name_and_a_value_in_words(ran):
    sliders = ran.page.locator(".widget-hslider")
    sliders.first.locator("[aria-label]").first.wait_for()
    in_sight = sliders.evaluate_all(
        "all => all.map(one => [...one.querySelectorAll('.widget-label, .widget-readout')].map(part => part.innerText))"
    )
    told = [list(each) for each in controls(ran)]
    assert in_sight and all(pair in told for pair in in_sight), (in_sight, told)
    assert all(name and value for name, value in told), told


# --- By keyboard alone ------------------------------------------------------------------------------------------------

ACTIVE = "jupyterapp.shell.currentWidget.content.activeCellIndex"


def test_a_lesson_by_keyboard_alone(lab, chromium):
    """To a slider, which moves, and on to the first exercise, an answer, its verdict: all without a click."""
    path = "01_time_series_regression.ipynb"
    opened = Opened(lab, chromium, path)
    cells = nbformat.read(NOTEBOOKS / path, as_version=4).cells
    exercise = next(i for i, cell in enumerate(cells) if "q1.check(" in cell.source)
    with_slider = next(i for i, cell in enumerate(cells) if cell.cell_type == "code" and ends_in_slide(cell))
    assert with_slider < exercise
    try:
        opened.open()
        page, press = opened.page, opened.page.keyboard.press

        def run_up_to(number):
            """Runs cell after cell; each run takes the next as the active one."""
            for _ in range(len(cells)):
                if (at := page.evaluate(ACTIVE)) == number:
                    return
                press("Shift+Enter")
                page.wait_for_function(f"before => {ACTIVE} !== before", arg=at)
            pytest.fail(f"Shift+Enter does not lead to cell {number}")

        press("Escape")
        run_up_to(with_slider)
        press("Control+Enter")
        cell = opened.cells.nth(with_slider)
        handle = cell.locator("[role=slider]").first
        handle.wait_for(timeout=LIMIT)
        for _ in range(40):
            press("Tab")
            if handle.evaluate("one => one === document.activeElement"):
                break
        else:
            pytest.fail(f"Tab does not lead to the slider, but to {page.evaluate('document.activeElement.outerHTML')}")
        picture = cell.locator(".widget-html-content img")
        before, value = picture.get_attribute("alt"), handle.get_attribute("aria-valuetext")
        at_the_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        press("ArrowLeft" if at_the_end else "ArrowRight")
        playwright.expect(picture).not_to_have_attribute("alt", before, timeout=LIMIT)
        playwright.expect(handle).not_to_have_attribute("aria-valuetext", value)
        playwright.expect(cell.locator("[role=status]")).to_have_text(picture.get_attribute("alt"))

        run_up_to(exercise)
        press("Enter")
        press("ControlOrMeta+A")
        page.keyboard.insert_text("from helpers.exercises.time_series_regression import q1\nq1.check(5.0)")
        press("Control+Enter")
        verdict = opened.cells.nth(exercise).locator(".jp-OutputArea-output").last
        playwright.expect(verdict).to_contain_text(re.compile("Incorrect|Could not check"), timeout=LIMIT)
        playwright.expect(page.locator("body > [role=status]")).to_contain_text(verdict.inner_text()[:40])
        assert opened.errors == []
    finally:
        opened.close()
