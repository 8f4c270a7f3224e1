"""The slides as they are seen: in Chromium, at a projector's size, in a narrow window, in light and dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tools.editions import slides
from tools.refresh import lessons

pytestmark = pytest.mark.extra
DECKS = [path.stem for path in lessons()]
SAMPLE = (0, 5, 9, 15)  # axe takes two seconds a slide; in a narrow window it sees all of a deck at once
# Where the lowest and the rightmost of what is shown end, in pixels of the design, and the smallest letters.
EXTENT = """() => {
    const slide = Reveal.getCurrentSlide(), frame = slide.getBoundingClientRect(), scale = Reveal.getScale();
    let low = 0, right = 0, letters = 99;
    for (const part of slide.querySelectorAll("h1, p, li, pre, td, th, img, mjx-container, iframe")) {
        if (part.closest("aside")) continue;
        const box = part.getBoundingClientRect();
        low = Math.max(low, (box.bottom - frame.top) / scale);
        right = Math.max(right, (box.right - frame.left) / scale);
        const size = parseFloat(getComputedStyle(part).fontSize);
        if (part.matches("p, li, pre, td, th")) letters = Math.min(letters, size);
    }
    return { low, right, letters, high: slide.scrollHeight, formulas: slide.querySelectorAll("mjx-merror").length,
             open: [...slide.querySelectorAll(":not(pre, code)")].filter(part => part.children.length === 0
                   && /\\\\\\[|\\\\\\(/.test(part.textContent) && !part.closest("pre, code, mjx-container")).length };
}"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides") / "built"
    assert slides.main([str(folder)]) == 0
    return folder


@pytest.fixture
def opened(chromium, built):
    """Opens a page of the slides; what went wrong in it, or was asked of others, fails the test at its end."""
    wrong, contexts = [], []

    def open_page(name, width=1280, height=720, scheme="light"):
        contexts.append(chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
        page.goto((built / name.partition("?")[0]).as_uri() + "".join(name.partition("?")[1:]))
        if name != "index.html":
            page.wait_for_function("window.MathJax?.startup?.promise")
            page.evaluate("MathJax.startup.promise")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def violations(page):
    found = Axe().run(page, options={"preload": False}).response["violations"]  # or it asks for files, in vain
    return [(rule["id"], rule["nodes"][0]["html"][:90]) for rule in found]


@pytest.mark.parametrize("name", DECKS)
def test_every_slide_fits_and_its_formulas_are_set(opened, name):
    page = opened(f"{name}.html")
    page.wait_for_function("Reveal.isReady()")
    count = page.evaluate("Reveal.getTotalSlides()")
    assert 15 <= count <= 20
    for number in range(count):
        page.evaluate(f"Reveal.slide({number})")
        extent = page.evaluate(EXTENT)
        assert extent["low"] <= 720 and extent["high"] <= 720 and extent["right"] <= 1280, (number + 1, extent)
        assert extent["letters"] >= 24 and extent["formulas"] == 0 and extent["open"] == 0, (number + 1, extent)


@pytest.mark.parametrize("name", DECKS)
def test_axe_finds_nothing_on_slides_as_they_are_shown(opened, name):
    page = opened(f"{name}.html", scheme=["light", "dark"][DECKS.index(name) % 2])
    page.wait_for_function("Reveal.isReady()")
    for number in SAMPLE:
        page.evaluate(f"Reveal.slide({number})")
        assert violations(page) == [], number + 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_index(opened, scheme):
    assert violations(opened("index.html", scheme=scheme)) == []


@pytest.mark.parametrize(("width", "scheme"), [(400, "light"), (800, "dark")])
@pytest.mark.parametrize("name", DECKS)
def test_a_narrow_window_shows_all_slides_as_a_page_with_notes_to_unfold(opened, name, width, scheme):
    page = opened(f"{name}.html", width, 900, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("details").count() == page.locator("section").count() >= 15
    page.locator("summary").first.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None
    assert violations(page) == []


def test_the_keyboard_goes_on_and_s_opens_the_notes(opened):
    page = opened(f"{DECKS[3]}.html")
    page.wait_for_function("Reveal.isReady()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getIndices().h") == 1
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    popup.value.wait_for_function("document.querySelector('.speaker-controls-notes .value')?.textContent.length > 100")


def test_in_the_dark_pictures_are_dimmed(opened):
    page = opened(f"{DECKS[3]}.html", scheme="dark")
    look = "getComputedStyle(document.querySelector('.figure img')).filter"
    assert page.evaluate(look) == "brightness(0.8)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"


def test_the_playground_trains_on_its_slide(opened):
    page = opened(f"{DECKS[10]}.html")
    page.wait_for_function("Reveal.isReady()")
    page.evaluate("Reveal.slide(Reveal.getSlides().findIndex(slide => slide.querySelector('iframe')))")
    inside = page.frame_locator("iframe[title^=Playground]")
    inside.get_by_role("button", name="One step").click()
    inside.get_by_text("Step 1.").first.wait_for()


def test_printing_makes_a_page_of_each_slide(opened):
    page = opened(f"{DECKS[3]}.html?print-pdf")
    page.wait_for_function("document.querySelectorAll('.pdf-page').length >= 15")
    assert page.locator(".pdf-page").count() <= 20
