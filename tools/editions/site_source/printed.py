"""The course as one PDF: one page of HTML, printed by Chromium, with formulas set and a tree of bookmarks."""

import logging
import os
import shutil
from importlib.metadata import distribution
from pathlib import Path

from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject, TextStringObject

HEADINGS = "[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(each => each.innerText.replace(/#$/, ''))"
LIMIT = 240_000  # milliseconds, for thousands of formulas on a busy machine
TITLE = "Factor models, from regression to the conditional autoencoder"
# Formulas are drawn as pictures, named by their TeX. Set in letters of MathJax's fonts, as they are on the site,
# they would not be in the PDF's structure at all, and a screen reader would say nothing where they stand.
DRAWN = "sphinx-mathjax-offline/static/mathjax/tex-svg.js"
NAMED = """for (const formula of window.MathJax?.startup.document.math ?? []) {
    const picture = formula.typesetRoot.querySelector("svg");
    picture.removeAttribute("aria-hidden");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", formula.math);
}"""
FOOTER = (
    '<div style="font-size: 8pt; width: 100%; text-align: center; color: #444">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
)


def missing() -> str:
    """What is missing to print, as a sentence; nothing if all is there."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "the package playwright is missing."
    return "" if chromium() else "there is no Chromium (apt-get install chromium)."


def chromium() -> str | None:
    """Where the browser is."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def print_page(page: Path, target: Path) -> int:
    """The number of pages of the PDF that a page of HTML was printed to.

    Parameters
    ----------
    page : Path
        All of it is there: nothing is loaded from elsewhere.
    target : Path
        The PDF, with a bookmark for each heading. The same page gives the same bytes: nothing in it tells the time.
    """
    from playwright.sync_api import sync_playwright

    raw = target.with_suffix(".unfinished")
    with sync_playwright() as driver:
        root = hasattr(os, "geteuid") and os.geteuid() == 0  # whom Chromium gives no sandbox
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"] if root else [])
        try:
            sheet = browser.new_page()
            sheet.set_default_timeout(LIMIT)
            drawn = str(distribution("sphinx-mathjax-offline").locate_file(DRAWN))
            sheet.route("**/mathjax/tex-chtml.js", lambda route: route.fulfill(path=drawn))
            sheet.goto(page.resolve().as_uri(), timeout=LIMIT)
            sheet.evaluate("window.MathJax ? MathJax.startup.promise : null")
            sheet.evaluate(NAMED)
            headings = sheet.evaluate(HEADINGS)
            sheet.emulate_media(media="print")
            sheet.pdf(
                path=str(raw), prefer_css_page_size=True, outline=True, tagged=True, display_header_footer=True,
                header_template="<span></span>", footer_template=FOOTER, print_background=True,
            )  # fmt: skip
        finally:
            browser.close()
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it would say that Chromium counts its objects another way
    writer = PdfWriter(clone_from=PdfReader(raw))
    _mend(writer.root_object["/Outlines"], {"".join(title.split()): " ".join(title.split()) for title in headings})
    writer.metadata = {"/Title": TITLE}
    writer.write(target)
    raw.unlink()
    return len(writer.pages)


def _mend(mark, titles):
    """Gives bookmarks the words of their headings: Chromium drops the space where a heading breaks its line."""
    mark = mark.get_object()
    for name in ("/First", "/Next"):
        if name in mark:
            _mend(mark[name], titles)
    if "/Title" in mark:
        squeezed = "".join(str(mark["/Title"]).split())
        mark[NameObject("/Title")] = TextStringObject(titles.get(squeezed, mark["/Title"]))
