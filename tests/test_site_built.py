"""The site, built once: its links lead somewhere, it asks for nothing outside, and readers can use it in Chromium."""

import io
import os
import re
import unicodedata
from html.parser import HTMLParser
from importlib import import_module
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from PIL import Image
from pypdf import PdfReader

from helpers.exercises.checker import Exercise
from helpers.exercises.record import COURSE
from tools.editions import site, stamp
from tools.editions.site_source import pages
from tools.refresh import ROOT, lessons

pytestmark = pytest.mark.extra
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
LIMIT = 240_000  # milliseconds
TITLES = {
    path.stem: nbformat.read(path, as_version=4).cells[0].source.partition("\n")[0].removeprefix("# ")
    for path in lessons()
}
NAMES = [f"notebooks/{path.stem}.html" for path in lessons()]
NAMES += [f"{name}.html" for name in ("index", "notation", "reading", "genindex", "search")]
NAMES += [f"docs/{name}.html" for name in pages.DOCS] + ["notebooks/glossary.html", "api/index.html"]
NAMES += [f"api/{path}.html" for path in ("helpers", "data", "models", "evaluation", "plotting", "playground")]
NAMES += [f"api/{path}.html" for path in ("experiments", "experiments_entries", "exercises")]


class Page(HTMLParser):
    """What a page refers to: links, what it loads, anchors, and pictures with their alt texts."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.anchors, self.pictures, self.folds = [], [], set(), [], 0
        self.language, self.descriptions = None, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.anchors |= {told[name] for name in ("id", "name") if told.get(name)}
        self.folds += tag == "details" and told.get("class") == "figure-numbers"
        if tag == "a" and "href" in told:
            self.links.append(told["href"])
        if tag == "link" and told.get("rel") in ("stylesheet", "icon", "preload", "prefetch", "preconnect"):
            self.loads.append(told["href"])
        if tag in ("img", "script", "iframe", "source", "video", "audio", "embed") and told.get("src"):
            self.loads.append(told["src"])
        if tag == "img":
            self.pictures.append(told.get("alt") or "")
        if tag == "html":
            self.language = told.get("lang")
        if tag == "meta" and told.get("name") == "description":
            self.descriptions.append(told["content"])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built") / "site"
    assert site.main([str(folder)]) == 0
    assert [path.name for path in folder.parent.iterdir()] == ["site"]
    return folder


@pytest.fixture(scope="module")
def read(built):
    return {
        path.relative_to(built).as_posix(): Page(path.read_text(encoding="utf-8")) for path in built.rglob("*.html")
    }


@pytest.fixture
def opened(built, chromium):
    """Opens pages of the site from the folder; what they ask for outside of it and complain of is told at the end."""
    wrong, contexts = [], []

    def open_page(name, width=1280, scheme="light"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(LIMIT)
        page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda request: wrong.append(f"not there: {request.url}"))
        page.on("request", lambda request: wrong.append(request.url) if outside(request.url, built) else None)
        page.goto(f"{built.as_uri()}/{name}", timeout=LIMIT)
        page.evaluate("async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def outside(address, folder):
    return not address.startswith((folder.as_uri() + "/", "data:", "blob:"))


# --- What lies in the folder ------------------------------------------------------------------------------------------


def test_all_pages_are_there_and_no_other(read, built):
    assert set(read) == set(NAMES)
    assert stamp.stale(built, ROOT) == []


def test_every_link_leads_to_a_page_and_an_anchor_of_it(read, built):
    broken = []
    for name, page in read.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto", "data") or link == "#":
                continue
            target = os.path.normpath(os.path.join(os.path.dirname(name), unquote(parts.path))) if parts.path else name
            there = (built / target).is_file() and not parts.scheme
            if not there or (parts.fragment and unquote(parts.fragment) not in read[target].anchors):
                broken.append(f"{name}: {link}")
    assert broken == []


def test_no_page_and_no_style_loads_anything_from_elsewhere(read, built):
    for name, page in read.items():
        for place in page.loads:
            assert place.startswith("data:") or not re.match(r"[a-z]+:|//", place), f"{name} loads {place}"
            path = (built / name).parent / unquote(urlsplit(place).path)
            assert place.startswith("data:") or path.is_file(), f"{name} loads {place}, which is not there"
    for style in built.rglob("*.css"):
        places = re.findall(r"url\(['\"]?([^)'\"]+)|@import ['\"]([^'\"]+)", style.read_text(encoding="utf-8"))
        assert not [place for pair in places for place in pair if re.match(r"https?:|//", place)], style.name


def test_each_page_says_its_language_and_describes_itself(read):
    for name, page in read.items():
        assert page.language == "en" and len(page.descriptions) == 1 and len(page.descriptions[0]) > 20, name


def test_each_figure_has_its_alt_text_and_its_numbers_below(read):
    for path in lessons():
        cells = nbformat.read(path, as_version=4).cells
        alts, tables = [], 0
        for cell in cells:
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    told = output.metadata.get("image/png", {})
                    authored = cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
                    alts.append(" ".join((authored or told.get("alt", "")).split()))
                    tables += bool(told.get("tables"))
        page = read[f"notebooks/{path.stem}.html"]
        assert [" ".join(alt.split()) for alt in page.pictures] == alts and all(alts)
        assert page.folds == tables
    assert all(alt for page in read.values() for alt in page.pictures)


def test_what_is_not_for_readers_is_not_there(built):
    text = "\n".join(path.read_text(encoding="utf-8") for path in built.rglob("*.html"))
    assert "homework_1.html" not in text and "plan_12_weeks" not in text and not (built / "_sources").exists()
    exercises = (built / "api" / "exercises.html").read_text(encoding="utf-8")
    for topic in COURSE:
        asked = vars(import_module(f"helpers.exercises.{topic}")).values()
        ways = {q.reference.__name__ for q in asked if isinstance(q, Exercise)} - {"<lambda>"}
        assert [way for way in ways if f">{way}<" in exercises] == [] and topic in exercises


def test_the_pdf_has_all_lessons_with_bookmarks(built):
    pdf = PdfReader(built / "course.pdf")

    def titles(outline):
        return [title for item in outline for title in (titles(item) if isinstance(item, list) else [item.title])]

    marks, text = titles(pdf.outline), " ".join(" ".join(page.extract_text().split()) for page in pdf.pages)
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))  # a font may write f and i as one sign
    for title in TITLES.values():
        assert title in marks, title
        assert re.sub(r"\s+", "", title) in plain, title
    assert {"Glossary", "Reading list"} <= set(marks) and len(pdf.pages) > 200
    assert r"\mathbf" not in text  # formulas are set
    assert pdf.trailer["/Root"]["/MarkInfo"]["/Marked"]


def test_each_picture_and_each_formula_of_the_pdf_has_words(read, built):
    told, parts = [], [PdfReader(built / "course.pdf").trailer["/Root"]["/StructTreeRoot"]]
    while parts:
        part = parts.pop().get_object()
        if isinstance(part, list):
            parts += part
        elif isinstance(part, dict):
            parts += [part["/K"]] if "/K" in part else []
            told += [str(part.get("/Alt", ""))] if part.get("/S") == "/Figure" else []
    names = [name for name in NAMES if name.startswith("notebooks/")]
    formulas = sum((built / name).read_text(encoding="utf-8").count('class="math notranslate') for name in names)
    assert formulas > 500 and len(told) >= formulas + sum(len(read[name].pictures) for name in names)
    assert all(told) and r"\mathbf{F}" in told


# --- In Chromium ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(opened, name, scheme):
    page = opened(name, scheme=scheme)
    options = {"preload": False}
    if scheme == "dark":  # the page is the same: its colours are others
        options["runOnly"] = ["color-contrast", "link-in-text-block"]
    found = axe.Axe().run(page, options=options).response["violations"]
    assert [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_page_is_wider_than_its_window_and_what_scrolls_can_be_reached(opened, name):
    page = opened(name, width=1280)
    for width in (1920, 1648, 1312, 1280, 800, 400):  # site.css has a bound at some of them
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        unreached = """[...document.querySelectorAll("article pre, article .table-wrapper")].filter(
            part => part.scrollWidth > part.clientWidth + 1 && part.tabIndex < 0).length"""
        page.wait_for_function(f"{unreached} === 0")


@pytest.mark.parametrize("name", ["notebooks/00_start_here.html", "notation.html", "notebooks/glossary.html"])
def test_formulas_are_set(opened, name):
    page = opened(name)
    assert page.locator("mjx-container").count() > 20
    assert page.locator("mjx-merror").count() == 0
    assert r"\mathbf" not in page.locator("article").inner_text()


def test_the_search_finds_a_word_without_a_server(opened):
    page = opened("index.html")
    page.get_by_role("textbox", name="Search").fill("instrumented")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a", has_text="Instrumented PCA").count() >= 1


def test_the_playground_trains_on_the_front_page(opened):
    page = opened("index.html")
    play = page.get_by_role("button", name="Play", exact=True)
    play.scroll_into_view_if_needed()
    drawn = page.locator("#playground .all")
    before = drawn.inner_text()
    play.click()
    page.wait_for_function("([all, before]) => all.innerText !== before", arg=[drawn.element_handle(), before])


def test_a_narrow_page_is_walked_by_the_keyboard(opened):
    page = opened("notebooks/00_start_here.html", width=400)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to content"
    button = page.get_by_role("button", name="Toggle site navigation sidebar")
    link = page.get_by_role("link", name="05 How many factors")
    assert not link.is_visible()
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('__navigation').checked")
    assert link.is_visible()
    page.keyboard.press("Escape")
    page.wait_for_function("!document.getElementById('__navigation').checked")


@pytest.mark.parametrize("drawer, width", [(".sidebar-drawer", 400), (".toc-drawer", 1280)])
def test_an_open_drawer_has_the_focus_and_gives_it_back(opened, drawer, width):
    page = opened("notebooks/03_risk_premia.html", width=width)
    inside = f"document.querySelector('{drawer}').contains(document.activeElement)"
    button = page.locator(".drawer-button:not(.overlay):visible").nth(0)
    assert button.get_attribute("aria-expanded") == "false"
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(inside)
    assert page.evaluate("[...document.querySelectorAll('article, .mobile-header')].every(e => e.closest('[inert]'))")
    for _ in range(80):  # nothing of what lies beneath is a stop: only the drawer, the button around it, the browser
        page.keyboard.press("Tab")
        assert page.evaluate(f"{inside} || document.activeElement.matches('.overlay, body')")
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.matches('.drawer-button:not(.overlay)')")
    assert page.locator("[inert]").count() == 0 and button.get_attribute("aria-expanded") == "false"


def test_the_dark_around_a_drawer_is_a_button_that_closes_it(opened):
    page = opened("notebooks/03_risk_premia.html", width=400)
    opener = page.locator(".nav-overlay-icon")
    opener.click()
    around = page.locator("button.sidebar-overlay")
    assert around.get_attribute("aria-label") and around.is_visible()
    around.click(position={"x": 380, "y": 500})
    page.wait_for_function("document.activeElement.matches('.nav-overlay-icon')")
    assert not around.is_visible() and not page.evaluate("document.getElementById('__navigation').checked")


def test_a_link_within_the_page_closes_the_contents_and_leads_there(opened):
    page = opened("notebooks/03_risk_premia.html")
    page.locator(".toc-content-icon").click()
    page.locator(".toc-drawer a", has_text="Does the line begin at 0?").press("Enter")
    page.wait_for_function("!document.getElementById('__toc').checked")
    assert page.evaluate("location.hash") == "#does-the-line-begin-at-0" and page.locator("[inert]").count() == 0
    page.keyboard.press("Tab")
    there = "document.getElementById('does-the-line-begin-at-0')"
    assert page.evaluate(f"{there}.contains(document.activeElement)")


def test_code_and_what_it_printed_are_told_apart(opened):
    page = opened("notebooks/00_start_here.html", width=400)
    for part, said in ((".cell_input", "Code"), (".cell_output", "Output")):
        groups = page.locator(f"article {part}")
        named = page.locator(f"article {part}[role=group][aria-label={said}]")
        assert groups.count() == named.count() > 5
        page.wait_for_function(
            f"document.querySelector('{part} pre[tabindex=\"0\"][role=group]')?.ariaLabel.startsWith('{said}, wider')"
        )


def test_the_button_of_the_colours_says_which_there_are(opened):
    page = opened("index.html", scheme="dark")
    for said in ("as the system has it", "light", "dark"):
        page.wait_for_function(
            "text => [...document.querySelectorAll('.theme-toggle')].every(each => each.ariaLabel === text)",
            arg=f"Colour theme: {said}. Press to change",
        )
        page.locator(".theme-toggle-content button").click()


def test_the_page_of_the_search_asks_and_tells_what_was_found(opened):
    page = opened("search.html", width=400)
    page.get_by_label("Words").fill("instrumented")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    told = page.get_by_role("status")
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('pages matching')")
    assert told.count() == 1 and told.locator("a").count() == 0
    size = "e => parseFloat(getComputedStyle(e).fontSize)"
    assert page.locator("article h1").evaluate(size) > page.locator("article h2").evaluate(size)
    page.get_by_label("Words").fill("zyzzyva")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('did not match')")


def test_the_lists_of_links_are_landmarks_and_the_present_page_is_marked(opened):
    page = opened("notebooks/03_risk_premia.html", width=1600)
    assert page.get_by_role("navigation", name="Lessons").get_by_role("link").count() > 25
    assert page.get_by_role("navigation", name="On this page").get_by_role("link").count() > 5
    present = page.locator("[aria-current=page]")
    assert [" ".join(text.split()) for text in present.all_inner_texts()] == ["03 Risk premia"]


def test_no_focus_is_out_of_sight(opened):
    page = opened("notebooks/00_start_here.html", width=400)
    page.add_style_tag(content="html { scroll-behavior: auto !important; }")  # it need not be waited for
    page.locator("footer a").first.focus()
    hidden = """() => {
        const part = document.activeElement, head = document.querySelector(".mobile-header").getBoundingClientRect();
        const at = part.getBoundingClientRect(), fits = at.height < innerHeight - head.height;
        return part.closest("article") && fits && at.top < head.bottom ? part.outerHTML : "";
    }"""
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(hidden) == ""
    page = opened("index.html")
    field = page.get_by_role("textbox", name="Search")
    field.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert field.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


def test_nothing_moves_for_those_who_do_not_want_it(opened):
    page = opened("notebooks/03_risk_premia.html", width=400)
    page.emulate_media(reduced_motion="reduce")
    style = "e => [getComputedStyle(e).scrollBehavior, getComputedStyle(e).transitionDuration]"
    for part in ("html", ".sidebar-drawer", ".toc-drawer"):
        assert page.locator(part).evaluate(style) == ["auto", "0s"], part


def test_on_paper_there_is_the_lesson_alone(opened):
    page = opened("notebooks/03_risk_premia.html")
    page.emulate_media(media="print")
    for part in (".sidebar-drawer", ".toc-drawer", ".related-pages", ".theme-toggle-content", "footer"):
        assert not page.locator(part).first.is_visible(), part
    assert page.locator("article h1").is_visible() and page.locator("article img").first.is_visible()
    page = opened("index.html")
    page.emulate_media(media="print")
    assert not page.get_by_text("press Play").is_visible() and page.locator("article h1").is_visible()


def test_figures_do_not_glare_in_the_dark(opened):
    def brightest(scheme):
        page = opened("notebooks/03_risk_premia.html", scheme=scheme)
        shot = page.locator("article img").first.screenshot()
        return Image.open(io.BytesIO(shot)).convert("L").getextrema()[1]

    assert brightest("dark") < 235 < brightest("light")
