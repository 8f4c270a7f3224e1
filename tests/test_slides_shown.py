"""The slides as they are seen: in Chromium, at a projector's size, in a narrow window, in light and dark."""

from io import BytesIO

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

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

# What of a page ends right of the window, or is cut off, and cannot be scrolled to.
OUT = """() => [...document.querySelectorAll("main *")].filter(part => {
    for (let around = part; around !== document.body; around = around.parentElement)
        if (/auto|scroll/.test(getComputedStyle(around).overflowX)) return false;
    const cut = getComputedStyle(part).overflowX !== "visible" && part.scrollWidth > part.clientWidth + 1;
    return (cut || part.getBoundingClientRect().right > innerWidth + 1) && !part.closest("caption, mjx-assistive-mml");
}).map(part => part.outerHTML.slice(0, 90))"""
# Whether a heading is what one sees where it stands.
SEEN = """heading => {
    heading.scrollIntoView();
    const box = heading.getBoundingClientRect();
    return heading.contains(document.elementFromPoint(box.left + 9, box.top + 9));
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

    def open_page(name, width=1280, height=720, scheme="light", **more):
        size = {"width": width, "height": height}
        contexts.append(chromium.new_context(viewport=size, color_scheme=scheme, **more))
        page = contexts[-1].new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
        page.goto((built / name.partition("?")[0]).as_uri() + "".join(name.partition("?")[1:]))
        if not name.startswith("index.html"):
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


def assert_it_is_a_page(page):
    assert page.evaluate("document.documentElement.scrollHeight") > 3000
    assert page.locator("h1").first.evaluate(SEEN) and page.locator("h1").last.evaluate(SEEN)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") and page.evaluate(OUT) == []


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (800, "dark")])  # 320: 1280 at 400 %
@pytest.mark.parametrize("name", DECKS)
def test_a_narrow_window_shows_all_slides_as_a_page_with_notes_to_unfold(opened, name, width, scheme):
    page = opened(f"{name}.html", width, 900, scheme)
    assert_it_is_a_page(page)
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


def test_the_index_leads_to_each_deck_as_a_page_in_a_window_of_any_width(opened):
    page = opened("index.html")
    assert page.get_by_role("link", name="Read as a page").count() == len(DECKS)
    page.get_by_role("link", name="Read as a page").nth(3).click()
    page.wait_for_url(f"**/{DECKS[3]}.html?page")
    page.wait_for_function("window.MathJax?.startup?.promise")
    page.evaluate("MathJax.startup.promise")
    assert_it_is_a_page(page)
    assert violations(page) == []
    assert page.locator(".slides a[href$='.html?page']").count() == page.locator(".slides a[href*='.html']").count() > 0


def test_the_keyboard_sees_where_it_is_among_the_arrows(opened):
    page = opened(f"{DECKS[3]}.html")
    page.wait_for_function("Reveal.isReady()")
    page.evaluate("Reveal.slide(2)")
    for name in ("navigate-left", "navigate-right"):
        arrow = page.locator(f".controls .{name}")
        page.keyboard.press("Tab")
        while not arrow.evaluate("arrow => arrow === document.activeElement"):
            page.keyboard.press("Tab")
        assert arrow.evaluate("arrow => getComputedStyle(arrow).outline") == "rgb(0, 90, 140) solid 4px"
        shown = "arrow => getComputedStyle(arrow).opacity === '0.9'"  # in a moment: it comes slowly
        page.wait_for_function(shown, arg=arrow.element_handle())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_leave_the_arrows(opened, scheme):
    page = opened(f"{DECKS[3]}.html", scheme=scheme, forced_colors="active")
    page.wait_for_function("Reveal.isReady()")
    page.evaluate("Reveal.slide(2)")
    for name in ("navigate-left", "navigate-right"):
        with Image.open(BytesIO(page.locator(f".controls .{name}").screenshot())) as picture:
            darkest, lightest = picture.convert("L").getextrema()
        assert lightest - darkest > 128


def test_a_screen_reader_hears_where_it_is_and_what_a_picture_shows(opened):
    page = opened(f"{DECKS[3]}.html")
    page.wait_for_function("Reveal.isReady()")
    assert page.locator(".reveal").get_attribute("role") is None
    count = page.evaluate("Reveal.getTotalSlides()")
    heard = page.locator(".aria-status")
    for number in (0, page.evaluate("Reveal.getSlides().findIndex(slide => slide.querySelector('.figure img'))")):
        page.evaluate(f"Reveal.slide({number})")
        page.wait_for_function(f"document.querySelector('.aria-status').textContent.includes('Slide {number + 1} of')")
        page.evaluate("new Promise(done => setTimeout(done, 200))")  # Reveal has written by then, if it comes second
        title = page.locator("section.present h1").inner_text()
        assert heard.inner_text().count(title) == heard.inner_text().count(f"Slide {number + 1} of {count}") == 1
    assert page.locator("section.present img").get_attribute("alt") in heard.inner_text()


def test_letters_that_nobody_needs_do_nothing(opened):
    page = opened(f"{DECKS[3]}.html")
    page.wait_for_function("Reveal.isReady()")
    page.evaluate("Reveal.slide(2)")
    for key in ",;:/acdeghijklmnopqrtuvwxyz":
        page.keyboard.press(key)
        assert page.evaluate("[Reveal.getIndices().h, Reveal.isPaused(), Reveal.isOverview()]") == [2, False, False]
    assert page.locator(".jump-to-slide").count() == 0
    page.keyboard.press("Shift+Slash")
    keys = page.locator(".r-overlay td:first-child").all_inner_texts()
    assert keys == ["→, SPACE", "←, Shift SPACE", "ESC", "F", "B, .", "S"]
    page.keyboard.press("Escape")
    for key in "b.":  # a presenter's button sends one of them
        page.keyboard.press(key)
        assert page.evaluate("Reveal.isPaused()") is (key == "b")


def test_the_other_letters_can_be_switched_off(opened):
    page = opened("index.html?keys=off")
    page.locator(".decks > li > a").nth(3).click()
    page.wait_for_url(f"**/{DECKS[3]}.html?keys=off")
    page.wait_for_function("window.Reveal?.isReady()")
    for key in ("s", "f", "b", ".", "?", "Shift+Slash"):
        page.keyboard.press(key)
    page.evaluate("new Promise(done => setTimeout(done, 300))")
    assert len(page.context.pages) == 1 and page.evaluate("document.fullscreenElement") is None
    assert page.locator(".r-overlay").count() == 0 and page.evaluate("Reveal.isPaused()") is False
    page.keyboard.press("F1")
    assert page.locator(".r-overlay td:first-child").all_inner_texts() == ["→, SPACE", "←, Shift SPACE", "ESC"]
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getIndices().h") == 1


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
