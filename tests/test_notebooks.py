"""Every stored notebook is fit to be read: executed in order, quiet, its pictures described, its links leading somewhere.

Each check is a function of a notebook and its path that returns its complaints as sentences; `problems` is all of them. Below the
checks, two sound notebooks are spoilt in one way after another, and each time the right check must complain.

At the end, the pictures of `helpers.plotting`: text stands out from what is behind it, and no two series differ in colour alone.
"""

import ast
import base64
import html
import re
import struct
import zlib
from copy import deepcopy
from itertools import combinations
from urllib.parse import unquote, urlsplit

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.lines import Line2D
from matplotlib.text import Text
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers import plotting
from helpers.evaluation.splitter import WalkForward
from tools.refresh import NOTEBOOKS, all_notebooks, stored_form

MOST_CELLS = 74
MOST_LINES = 15
WIDEST_PICTURE = 900  # pixels
SHORTEST_ALT_TEXT = 20  # characters
LOWEST_CONTRAST = 4.5  # of text against its background: WCAG 2.2, level AA
WARNING = re.compile(r"\b\w*Warning:|Traceback \(most recent call last\)|^\d{4}-\d\d-\d\d [\d:.]+: [IWEF] ", re.MULTILINE)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|tmp|Users|private/var)/|\bC:[\\/]|\b0x[0-9a-f]{8,}")
LINK = re.compile(r"\]\(\s*<?([^()\s<>]+(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+[\"'][^)]*)?\)")
REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)", re.MULTILINE)
HTML_LINK = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
HEADING = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t#]*$", re.MULTILINE)
LINK_TEXT = re.compile(r"(?<!!)\[([^\[\]]*)\]\(|<a\b[^>]*>(.*?)</a>", re.IGNORECASE | re.DOTALL)
SAYS_NOTHING = re.compile(r"\W*|(click )?(here|this|that|it|link|page|more|read more|(this|the) (link|page))|\w+://\S+", re.IGNORECASE)
PICTURE_IN_TEXT = re.compile(r"!\[([^\]]*)\]\(|<img\b([^>]*)>", re.IGNORECASE)
TABLE = re.compile(r"^\s*\|.*(?:\n\s*\|.*)*", re.MULTILINE)  # lines that begin with |


def problems(notebook, path):
    """All that is wrong with a notebook, one sentence each; an empty list when it is sound."""
    return [sentence for check in CHECKS for sentence in check(notebook, path)]


# --- Execution ---------------------------------------------------------------------------------------------------------------

def is_valid(notebook, path):
    """Complaints of the notebook format itself, and about cell ids and the kernel."""
    try:
        nbformat.validate(deepcopy(notebook))  # a copy: validating repairs ids
    except nbformat.ValidationError as error:
        yield f"The notebook is not valid: {error.message}"
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) < len(ids):
        yield "The cell ids are not unique."
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "The kernel is not python3."


def is_executed_in_order(notebook, path):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"The execution counts are {counts}, not 1, 2, 3, ...: refresh the notebook; no code cell may be empty."


def has_no_errors(notebook, path):
    for cell in code_cells(notebook):
        if "raises-exception" not in tags(cell) and any(output.output_type == "error" for output in cell.outputs):
            yield f"Cell {cell.id} stores an error and is not tagged raises-exception."


def has_no_warnings(notebook, path):
    for cell in code_cells(notebook):
        if any(output.get("name") == "stderr" for output in cell.outputs):
            yield f"Cell {cell.id} stores text from stderr."
        if "raises-exception" not in tags(cell) and WARNING.search(output_text(cell)):
            yield f"Cell {cell.id} stores a warning."


def names_no_machine(notebook, path):
    for cell in notebook.cells:
        found = MACHINE_PATH.search(cell.source) or MACHINE_PATH.search(output_text(cell))
        if found:
            yield f"Cell {cell.id} holds a path or an address of one machine: {found.group()}"


def is_stored_stably(notebook, path):
    """Complaints about what differs from run to run: times, widget states, vector pictures."""
    if "widgets" in notebook.metadata:
        yield "The notebook's metadata hold the state of widgets."
    for cell in notebook.cells:
        if {"execution", "ExecuteTime"} & set(cell.metadata):
            yield f"Cell {cell.id} stores when it was executed."
        if any("image/svg+xml" in output.get("data", {}) for output in cell.get("outputs", ())):
            yield f"Cell {cell.id} stores an SVG picture, whose bytes change from run to run: draw a PNG."
    if stored_form(deepcopy(notebook)) != nbformat.writes(notebook).rstrip("\n") + "\n":
        yield "The notebook is not stored in the form that `make refresh` gives it."


def ignored_outputs_are_asserted(notebook, path):
    for cell in code_cells(notebook):
        asserts = re.search(r"^\s*assert\b|\bassert_\w+\(", cell.source, re.MULTILINE)
        if "nbval-ignore-output" in tags(cell) and not asserts and not ends_in_slide(cell):
            yield f"Cell {cell.id} is tagged nbval-ignore-output and asserts nothing."
        if "nbval-skip" in tags(cell) or "NBVAL_" in cell.source:
            yield f"Cell {cell.id} is skipped by nbval, or marked in a comment that students would read."


# --- Shape -------------------------------------------------------------------------------------------------------------------

def is_short(notebook, path):
    if len(notebook.cells) > MOST_CELLS:
        yield f"The notebook has {len(notebook.cells)} cells, more than {MOST_CELLS}."
    for cell in code_cells(notebook):
        lines = len(cell.source.splitlines())
        if lines > MOST_LINES:
            yield f"Cell {cell.id} has {lines} lines, more than {MOST_LINES}."


def headings_are_in_order(notebook, path):
    levels = [level for level, _ in headings(notebook)]
    if levels.count(1) != 1 or levels[0] != 1:
        yield "The notebook does not have exactly one heading of level 1, before all others."
    for before, level in zip(levels, levels[1:]):
        if level > before + 1:
            yield f"A heading of level {level} follows one of level {before}."


def pictures_are_described(notebook, path):
    for cell, following in zip(notebook.cells, [*notebook.cells[1:], None]):
        if not pictures(cell):
            continue
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if len(alt) < SHORTEST_ALT_TEXT:
            yield f"Cell {cell.id} draws a picture and has no alt text in its metadata (mystnb.image.alt)."
        if following is None or following.cell_type != "markdown" or not following.source.startswith("*What to see:"):
            yield f'Cell {cell.id} draws a picture; the next cell does not begin with "*What to see:".'
        for picture in pictures(cell):
            if width(picture) > WIDEST_PICTURE:
                yield f"Cell {cell.id} draws a picture {width(picture)} pixels wide, more than {WIDEST_PICTURE}."


def pictures_in_text_are_described(notebook, path):
    for cell in notebook.cells:
        for markdown, tag in PICTURE_IN_TEXT.findall(without_code_blocks(cell)):
            alt = markdown or "".join(re.findall(r"\balt\s*=\s*[\"']([^\"']*)", tag))
            if len(alt) < SHORTEST_ALT_TEXT:
                yield f"Cell {cell.id} shows a picture in its text and does not describe it in its alt text."


def tables_have_headers(notebook, path):
    """Complaints about tables whose columns a reader of the screen could not name; the first may go without."""
    for cell in notebook.cells:
        for table in TABLE.findall(without_code_blocks(cell)):
            header, *rows = table.strip().splitlines()
            if not rows or not re.fullmatch(r"[\s|:-]*-[\s|:-]*", rows[0]):
                yield f"Cell {cell.id} holds a table without a header row: {header}"
            elif not all(name.strip() for name in header.strip().strip("|").split("|")[1:]):
                yield f"Cell {cell.id} holds a table with a column that has no name: {header}"
        shown = [output.get("data", {}).get("text/html", "") for output in cell.get("outputs", ())]
        for text in (without_code_blocks(cell), *shown):
            if text.count("<table") > len(re.findall(r"<table\b(?:(?!</table).)*?<th\b", text, re.DOTALL)):
                yield f"Cell {cell.id} holds an HTML table without a header."


# --- Links -------------------------------------------------------------------------------------------------------------------

def links_say_where_they_lead(notebook, path):
    for cell in notebook.cells:
        for found in LINK_TEXT.finditer(without_code_blocks(cell)):
            text = re.sub(r"<[^>]*>", "", found[1] if found[1] is not None else found[2]).strip()
            if SAYS_NOTHING.fullmatch(text):
                yield f"Cell {cell.id} has a link whose text, {text!r}, does not say where it leads."



def links_resolve(notebook, path):
    """Complaints about links to files that are not there, outside of what JupyterLab shows, or to headings that are not there."""
    for cell in notebook.cells:
        for link in links(cell):
            scheme, host, target, _, anchor = urlsplit(link)
            if scheme == "attachment":
                if target not in cell.get("attachments", {}):
                    yield f"Cell {cell.id} shows {link}, which is not attached."
            elif not scheme and not host:
                for reason in _dead_ends(notebook, path, unquote(target), unquote(anchor)):
                    yield f"Cell {cell.id} links to {link}: {reason}"


def _dead_ends(notebook, path, target, anchor):
    file = (path.parent / target).resolve() if target else path
    top = next((folder for folder in path.parents if folder.name == "notebooks"), path.parent).resolve()
    if not file.exists():
        yield "there is no such file."
    elif target and not file.is_relative_to(top):
        yield "JupyterLab, opened on the notebooks, does not show that folder."
    elif anchor:
        there = notebook if not target else read(file) if file.suffix == ".ipynb" else new_notebook()
        if anchor not in {title.replace(" ", "-") for _, title in headings(there)}:
            yield "there is no such heading (in JupyterLab an anchor is the heading with - for spaces, capitals kept)."


def lessons_are_chained(notebook, path):
    lessons = sorted(path.parent.glob("[0-9][0-9]_*.ipynb"))
    if path not in lessons:
        return
    here = lessons.index(path)
    neighbours = {"previous": lessons[here - 1 : here], "next": lessons[here + 1 : here + 2]}
    linked = {unquote(urlsplit(link).path) for cell in notebook.cells for link in links(cell)}
    for name, lesson in neighbours.items():
        if lesson and lesson[0].name not in linked:
            yield f"The notebook does not link to the {name} lesson, {lesson[0].name}."


CHECKS = [
    is_valid, is_executed_in_order, has_no_errors, has_no_warnings, names_no_machine, is_stored_stably,
    ignored_outputs_are_asserted, is_short, headings_are_in_order, pictures_are_described, pictures_in_text_are_described,
    tables_have_headers, links_say_where_they_lead, links_resolve, lessons_are_chained,
]  # fmt: skip


# --- What the checks look at ---------------------------------------------------------------------------------------------------

def read(path):
    """The notebook as it is stored; `nbformat.read` would repair its cell ids."""
    with path.open(encoding="utf-8") as file:
        return nbformat.reader.read(file)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def ends_in_slide(cell):
    """Whether what a code cell shows is what `helpers.plotting.sliders.slide` returns."""
    if not re.search(r"\bslide\(", cell.source):
        return False
    last = ast.parse(cell.source).body[-1]
    return isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and ast.unparse(last.value.func).split(".")[-1] == "slide"


def tags(cell):
    return cell.metadata.get("tags", [])


def output_text(cell):
    """The text that a cell's outputs show, pictures left out."""
    texts = []
    for output in cell.get("outputs", ()):
        texts += [output.get("text", ""), "\n".join(output.get("traceback", ()))]
        texts += [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(texts)


def pictures(cell):
    """The PNG pictures that a cell's outputs show."""
    return [output.data["image/png"] for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]


def width(picture):
    """The width of a PNG in pixels: its first chunk says it, after 16 bytes."""
    return struct.unpack(">I", base64.b64decode(picture)[16:20])[0]


def prose(cell):
    """The markdown of a cell without its code and its formulas, in which a bracket is no link."""
    return re.sub(r"`[^`\n]*`|\$\$.*?\$\$|(?<!\\)\$[^$\n]+\$", "", without_code_blocks(cell), flags=re.DOTALL)


def without_code_blocks(cell):
    """The markdown of a cell without its fenced blocks; nothing for a code cell."""
    return re.sub(r"^(```|~~~).*?^\1", "", cell.source, flags=re.MULTILINE | re.DOTALL) if cell.cell_type == "markdown" else ""


def links(cell):
    text = prose(cell)
    return [html.unescape(link) for pattern in (LINK, REFERENCE, HTML_LINK) for link in pattern.findall(text)]


def headings(notebook):
    """(level, title) of each heading; the title as JupyterLab shows it, from which it makes the anchor."""
    found = []
    for cell in notebook.cells:
        for level, title in HEADING.findall(without_code_blocks(cell)):
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
            found.append((len(level), re.sub(r"\*\*|\*|`", "", title)))
    return found


# --- The stored notebooks ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", all_notebooks(), ids=lambda path: path.relative_to(NOTEBOOKS).as_posix())
def test_stored_notebook_is_sound(path):
    found = problems(read(path), path)
    assert not found, "\n".join(found)


# --- The checks themselves -----------------------------------------------------------------------------------------------------

def png(width):
    """A black picture of this width and one pixel high, as a notebook stores it."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header, pixels = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0), zlib.compress(bytes(1 + width))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")).decode()


def sound_notebook(neighbour):
    """A notebook with something for each check to look at, and nothing to complain about."""
    drawing = new_output("display_data", data={"image/png": png(700), "text/plain": "<Figure size 700x1 with 1 Axes>"})
    stream = new_output("stream", name="stdout", text="sum 3\n")
    oops = new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=["division by zero"])
    alt = {"image": {"alt": "One black line, seven hundred long."}}
    notebook = new_notebook(cells=[
        new_markdown_cell(f"# A lesson\n\nSee [the other]({neighbour}#The-picture-of-R), [below](#The-picture-of-R), "
                          "[a page](https://example.org/tmp/x) and $[r](d)$."),
        new_code_cell("print('sum', 1 + 2)", execution_count=1, outputs=[stream]),
        new_markdown_cell("## The *picture* of `R`\n\n```sh\n# not a heading\n```"),
        new_code_cell("draw()", execution_count=2, outputs=[drawing], metadata={"mystnb": alt}),
        new_markdown_cell("*What to see: a line.*\n\n| | model |\n|:--|:-:|\n| `a` | |\n\n![A line, as above, once more.](attachment:line.png)",
                          attachments={"line.png": {"image/png": png(1)}}),
        new_code_cell("assert fit() < 1", execution_count=3, metadata={"tags": ["nbval-ignore-output"]}),
        new_code_cell("1 / 0", execution_count=4, outputs=[oops], metadata={"tags": ["raises-exception"]}),
    ])  # fmt: skip
    return nbformat.reads(stored_form(notebook), as_version=4)


@pytest.fixture
def lesson(tmp_path):
    """Two lessons that link to each other, as (the first notebook, its path)."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "00_first.ipynb").write_text(stored_form(sound_notebook("01_second.ipynb")), encoding="utf-8")
    (folder / "01_second.ipynb").write_text(stored_form(sound_notebook("00_first.ipynb")), encoding="utf-8")
    (tmp_path / "outside.md").touch()
    path = folder / "00_first.ipynb"
    return read(path), path


def test_sound_notebook_has_no_problems(lesson):
    assert problems(*lesson) == []


def add_text(text):
    return lambda notebook: notebook.cells[0].update(source=notebook.cells[0].source + text)


def add_output(cell, kind, **content):
    return lambda notebook: notebook.cells[cell].outputs.append(new_output(kind, **content))


def printed(text):
    return lambda notebook: notebook.cells[1].outputs[0].update(text=text)


def set_cell(cell, **values):
    return lambda notebook: notebook.cells[cell].update(values)


def set_metadata(cell, **values):
    return lambda notebook: notebook.cells[cell].metadata.update(values)


DEFECTS = [
    (is_valid, lambda notebook: notebook.cells[0].update(cell_type="song"), "not valid"),
    (is_valid, lambda notebook: notebook.cells[1].update(id=notebook.cells[0].id), "ids are not unique"),
    (is_valid, lambda notebook: notebook.metadata.kernelspec.update(name="my-env"), "not python3"),
    (is_executed_in_order, set_cell(1, execution_count=7), "execution counts"),
    (is_executed_in_order, set_cell(1, execution_count=None), "execution counts"),
    (has_no_errors, set_metadata(6, tags=[]), "stores an error"),
    (has_no_warnings, add_output(1, "stream", name="stderr", text="loading"), "stderr"),
    (has_no_warnings, printed("x.py:3: FutureWarning: this will go"), "stores a warning"),
    (has_no_warnings, printed("2026-11-21 07:00:00.1: I tensorflow/core: onednn"), "stores a warning"),
    (names_no_machine, add_text(" Look in /home/ada/course."), "/home/"),
    (names_no_machine, printed("read /tmp/prices.csv"), "/tmp/"),
    (names_no_machine, printed("read '/root/x' and /work/y"), "/root/"),
    (names_no_machine, printed("read /work/y"), "/work/"),
    (names_no_machine, set_cell(1, source="open('C:\\\\prices.csv')"), "C:"),
    (names_no_machine, printed("<Line2D at 0x7f3a5c2b10>"), "0x7f3a5c2b10"),
    (is_stored_stably, lambda notebook: notebook.metadata.update(widgets={}), "state of widgets"),
    (is_stored_stably, set_metadata(1, execution={"iopub.execute_input": "2026-11-21T07:00:00Z"}), "when it was executed"),
    (is_stored_stably, add_output(1, "display_data", data={"image/svg+xml": "<svg/>"}), "SVG"),
    (is_stored_stably, lambda notebook: notebook.metadata.language_info.update(version="3.11.7"), "make refresh"),
    (ignored_outputs_are_asserted, set_cell(5, source="fit()  # assert nothing"), "asserts nothing"),
    (ignored_outputs_are_asserted, set_metadata(5, tags=["nbval-skip"]), "skipped by nbval"),
    (is_short, lambda notebook: notebook.cells.extend(new_markdown_cell("x") for _ in range(MOST_CELLS)), f"{MOST_CELLS + 7} cells"),
    (is_short, set_cell(1, source="\n".join(["x = 1"] * (MOST_LINES + 1))), "16 lines"),
    (headings_are_in_order, add_text("\n\n# Another lesson"), "exactly one heading"),
    (headings_are_in_order, set_cell(0, source="No title."), "exactly one heading"),
    (headings_are_in_order, set_cell(0, source="## Early\n\n# Late"), "exactly one heading"),
    (headings_are_in_order, set_cell(2, source="### Deep"), "level 3 follows one of level 1"),
    (pictures_are_described, set_metadata(3, mystnb={"image": {"alt": "A line."}}), "no alt text"),
    (pictures_are_described, lambda notebook: notebook.cells[3].metadata.pop("mystnb"), "no alt text"),
    (pictures_are_described, set_cell(4, source="A line."), "What to see"),
    (pictures_are_described, lambda notebook: notebook.cells.pop(4), "What to see"),
    (pictures_are_described, lambda notebook: notebook.cells[3].outputs[0].data.update({"image/png": png(901)}), "901 pixels"),
    (pictures_in_text_are_described, add_text(" ![](attachment:line.png)"), "does not describe it"),
    (pictures_in_text_are_described, add_text(" <img src='attachment:line.png' width=3>"), "does not describe it"),
    (tables_have_headers, add_text("\n\n| a | b |\n| c | d |\n"), "without a header row: | a | b |"),
    (tables_have_headers, add_text("\n\n| | b | |\n|-|-|-|\n| c | d | e |\n"), "a column that has no name: | | b | |"),
    (tables_have_headers, add_text("\n\n<table><tr><th>a</th></tr></table> <table><tr><td>b</td></tr></table>"), "HTML table without"),
    (tables_have_headers, add_output(1, "display_data", data={"text/html": "<table><td>b</td></table>"}), "HTML table without"),
    (links_say_where_they_lead, add_text(" [Here](01_second.ipynb)"), "'Here', does not say"),
    (links_say_where_they_lead, add_text(" [this page](01_second.ipynb)"), "'this page', does not say"),
    (links_say_where_they_lead, add_text(" [](01_second.ipynb)"), "'', does not say"),
    (links_say_where_they_lead, add_text(" [https://example.org/x](https://example.org/x)"), "does not say"),
    (links_say_where_they_lead, add_text(" <a href='01_second.ipynb'><b>click here</b></a>"), "'click here', does not say"),
    (links_resolve, add_text(" [gone](02_gone.ipynb)"), "no such file"),
    (links_resolve, add_text(' [gone](02_gone.ipynb "a title")'), "no such file"),
    (links_resolve, add_text("\n\n[1]: 02_gone.ipynb"), "no such file"),
    (links_resolve, add_text(' <img src="gone.png" alt="a picture">'), "no such file"),
    (links_resolve, add_text(" [outside](../outside.md)"), "does not show that folder"),
    (links_resolve, add_text(" [lower case](#the-picture-of-r)"), "no such heading"),
    (links_resolve, add_text(" [no heading](01_second.ipynb#Nothing)"), "no such heading"),
    (links_resolve, add_text(" ![lost](attachment:lost.png)"), "not attached"),
    (lessons_are_chained, set_cell(0, source="# A lesson"), "next lesson, 01_second.ipynb"),
]  # fmt: skip


@pytest.mark.parametrize("check, spoil, complaint", DEFECTS, ids=[f"{check.__name__}-{words}" for check, _, words in DEFECTS])
@pytest.mark.filterwarnings("ignore:Non-unique cell id")
def test_each_defect_is_named(lesson, check, spoil, complaint):
    notebook, path = lesson
    spoil(notebook)
    sentences = list(check(notebook, path))
    assert any(complaint in sentence for sentence in sentences), sentences


def test_every_check_has_a_defect_that_it_finds():
    assert {check for check, _, _ in DEFECTS} == set(CHECKS)


def test_last_lesson_must_link_back(lesson):
    _, path = lesson
    last = path.with_name("01_second.ipynb")
    notebook = read(last)
    assert problems(notebook, last) == []
    notebook.cells[0].source = "# A lesson"
    assert any("previous lesson, 00_first.ipynb" in sentence for sentence in lessons_are_chained(notebook, last))


# --- Pictures that everybody can read --------------------------------------------------------------------------------------------

def contrast(one, other):
    """The contrast of two colours, from 1 to 21, as the Web Content Accessibility Guidelines define it; arrays broadcast."""
    lighter, darker = np.maximum(luminance(one), luminance(other)), np.minimum(luminance(one), luminance(other))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    linear = np.where(np.asarray(colour) <= 0.04045, np.asarray(colour) / 12.92, ((np.asarray(colour) + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def faint_texts(figure):
    """A sentence for each text of a figure that does not stand out from what lies behind it, judged by the pixels."""
    drawn, draw = [], Text.draw

    def noting(text, renderer):
        drawn.append(text)
        draw(text, renderer)

    shown_on, canvas = figure.canvas, FigureCanvasAgg(figure)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Text, "draw", noting)
            with_texts = pixels(canvas)
        texts = [text for text in dict.fromkeys(drawn) if text.get_visible() and text.get_text().strip()]
        alphas = [text.get_alpha() for text in texts]
        for text in texts:
            text.set_alpha(0)  # its box stays
        behind = pixels(canvas)
        for text, alpha in zip(texts, alphas, strict=True):
            text.set_alpha(alpha)
    finally:
        figure.set_canvas(shown_on)
    for text in texts:
        rows, columns = place(text, canvas)
        there = behind[rows, columns]
        inked = (np.abs(with_texts[rows, columns] - there) > 0.02).any(axis=-1)
        there = there[inked] if inked.any() else there.reshape(-1, 3)  # text of the colour of its background leaves no trace
        *colour, alpha = to_rgba(text.get_color(), text.get_alpha())
        lowest = np.quantile(contrast(alpha * np.array(colour) + (1 - alpha) * there, there), 0.1) if len(there) else 21
        if lowest < LOWEST_CONTRAST:
            yield f"The text {text.get_text()!r} has a contrast of {lowest:.1f}; {LOWEST_CONTRAST} is needed."


def pixels(canvas):
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3] / 255


def place(text, canvas):
    """The rows and columns of the pixels that a text may cover."""
    width, height = canvas.get_width_height()
    box = text.get_window_extent(canvas.get_renderer())
    columns, rows = np.clip([box.x0, box.x1], 0, width), np.clip([height - box.y1, height - box.y0], 0, height)
    return (slice(int(low), int(np.ceil(high))) for low, high in (rows, columns))


def twins(figure):
    """A sentence for each pair of series in one picture that only a reader who sees colours could tell apart."""
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        looks = [look(handle) for handle in handles]
        for (one, (colour, form)), (other, (other_colour, other_form)) in combinations(zip(labels, looks, strict=True), 2):
            if form == other_form and colour != other_colour:
                yield f"{one!r} and {other!r} differ in nothing but colour: {form}."


def look(handle):
    """The colour of a series, and what else it is told by: dashes, marker, hatch, whether it is hollow."""
    form = [type(handle).__name__]
    while isinstance(handle, tuple):  # of error bars the line, of bars the first
        handle = handle[0]
    if isinstance(handle, Line2D):
        dashes = handle.get_linestyle(), handle._dash_pattern
        hollow = handle.get_marker() not in ("None", None, "") and handle.get_markerfacecolor() == "white"
        return to_rgb(handle.get_color()), (*form, str(dashes), handle.get_marker(), hollow)
    if isinstance(handle, PathCollection):
        fill, edge = (tuple(colours[0][:3]) if len(colours) else None for colours in (handle.get_facecolor(), handle.get_edgecolor()))
        hollow = fill in (None, (1, 1, 1))
        return edge if hollow else fill, (*form, handle.get_paths()[0].vertices.tobytes(), hollow)
    hollow = not handle.get_fill()
    colour = handle.get_edgecolor() if hollow else handle.get_facecolor()
    return tuple(colour[:3]), (*form, handle.get_hatch(), str(handle.get_linestyle()), str(handle._dash_pattern), hollow)


def network():
    from helpers.models.lecture import make_model

    return make_model(7, 5, hidden_units=4, n_factors=2, n_factor_inputs=3)


def surfaces(scale=1.0):
    grid = np.linspace(-1, 1, 21)
    slope = scale * np.stack([np.add.outer(0 * grid, 5 * grid), np.outer(grid, grid)], axis=2)
    return {"linear": slope, "curved": slope**2, "flat": np.full_like(slope, 0.9 * np.abs(slope).max())}


random = np.random.default_rng(0)
SERIES = {name: random.normal(size=9).cumsum() for name in "abcde"}
CLOUD = random.normal(0, 0.1, (9, 2))
TABLE6 = pd.DataFrame(
    {"ours": 10.0, "se": 0.5, "truth": 40.0, "paper": 11.0},
    pd.MultiIndex.from_product([["linear"], ["IPCA", "CA1"], [1, 2, 3]], names=["case", "model", "n_factors"]),
)
ALPHAS = pd.DataFrame({"alpha": [0.01, 0.02, -0.01], "standard error": 0.01, "t": [3.5, 2.9, -3.1]})
EXAMPLES = {
    "draw_factor_model": [
        lambda: plotting.draw_factor_model("F", ticker=0, title="F given"),
        lambda: plotting.draw_factor_model("characteristics", ticker=1, date=3),
        plotting.draw_factor_model,
    ],
    "draw_course": [plotting.draw_course],
    "draw_autoencoder": [lambda: plotting.draw_autoencoder(title="narrow")],
    "draw_conditional_autoencoder": [lambda: plotting.draw_conditional_autoencoder(title="one date")],
    "draw_instrumented_pca": [lambda: plotting.draw_instrumented_pca(title="one date")],
    "draw_network": [lambda: plotting.draw_network(network(), title="layers")],
    "draw_folds": [
        lambda: plotting.draw_folds(WalkForward(n_train=5, n_validation=4, n_test=2, purge=1, embargo=1), 12, title="folds")
    ],
    "plot_estimates": [lambda: plotting.plot_estimates(CLOUD, CLOUD + 0.01, ["market", "size"], title="near")],
    "plot_regression_line": [lambda: plotting.plot_regression_line(*CLOUD.T, 0.01, 1.0, title="a line", truth=(0, 1.2))],
    "plot_cross_section": [lambda: plotting.plot_cross_section(*CLOUD.T, 0.01, truth=0.02, title="a date", reach=0.3)],
    "plot_lines": [
        lambda: plotting.plot_lines(range(9), SERIES, truth=SERIES["a"], zero=True, title="five", xlabel="x", ylabel="y"),
        lambda: plotting.plot_lines(range(9), {"a": np.exp(SERIES["a"])}, log=True),
    ],
    "plot_bars": [lambda: plotting.plot_bars({"one": 0.123, "two": -0.05, "three": 0.39}, title="bars", ceiling=0.4)],
    "plot_intervals": [lambda: plotting.plot_intervals({"a": (1.0, 0.25), "b": (-2.0, 0.5)}, title="two", xlabel="%")],
    "plot_histograms": [lambda: plotting.plot_histograms(SERIES, title="five", xlabel="x")],
    "plot_table": [lambda: plotting.plot_table(TABLE6, title="Table 6")],
    "plot_shares": [lambda: plotting.plot_shares([0.9, 0.8, 0.1, 0.7], 2, title="kept"), lambda: plotting.plot_shares(np.full(20, 0.05), 20)],
    "plot_matrix": [lambda: plotting.plot_matrix(np.where(CLOUD > 0.1, np.nan, CLOUD), title="cells")],
    "plot_matrices": [lambda: plotting.plot_matrices({"R": CLOUD, "r̂": 2 * CLOUD}, title="two")],
    "plot_beta_surfaces": [lambda: plotting.plot_beta_surfaces(surfaces(), title="β"), lambda: plotting.plot_beta_surfaces(surfaces(-1))],
    "plot_curves": [lambda: plotting.plot_curves(CLOUD, {"one": CLOUD, "two": CLOUD**2}, truth=-CLOUD, title="curves")],
    "plot_dots": [lambda: plotting.plot_dots(pd.DataFrame({"truth": [3.0, 1], "network": [2.5, 0.5], "IPCA": [0.0, 1]}, ["c1", "c2"]))],
    "plot_alphas": [lambda: plotting.plot_alphas([0.01, 0.02, -0.01], {"one": ALPHAS, "two": ALPHAS, "three": ALPHAS}, title="α")],
}  # fmt: skip


def test_every_picture_of_the_course_has_an_example():
    assert set(EXAMPLES) == {name for name in vars(plotting) if name.startswith(("draw_", "plot_"))}


@pytest.mark.parametrize("name", EXAMPLES)
def test_text_stands_out_and_series_differ_in_more_than_colour(name):
    for draw in EXAMPLES[name]:
        figure = draw()
        assert [*faint_texts(figure), *twins(figure)] == []


def test_contrast_is_that_of_the_guidelines():
    assert contrast(to_rgb("black"), to_rgb("white")) == pytest.approx(21)
    assert contrast(to_rgb("#777777"), to_rgb("white")) == pytest.approx(4.48, abs=0.01)  # their best known border line
    assert contrast(to_rgb("red"), to_rgb("red")) == 1


def drawn(paint):
    """A figure with two bars, blue and pale, on which something was painted."""
    figure, axes = plt.subplots()
    axes.bar([0, 1], [1, 1], color=[plotting.BLUE, plotting.GIVEN])
    paint(axes)
    plt.close(figure)
    return figure


def say(x, **look):
    return lambda axes: axes.text(x, 0.5, "words", ha="center", **look)


@pytest.mark.parametrize(
    ("paint", "faint"),
    [
        (say(1), False),
        (say(0, color="white"), False),
        (say(0), True),
        (say(0, color=plotting.BLUE), True),
        (say(0, bbox={"facecolor": "white", "edgecolor": "none"}), False),
        (say(1, color=plotting.GREY), True),
        (say(1, alpha=0.4), True),
        (say(1, visible=False, color=plotting.GIVEN), False),
        (lambda axes: axes.set_xlabel("x", color="#999999"), True),
        (lambda axes: axes.tick_params(labelcolor="#AAAAAA"), True),
        (lambda axes: axes.set_title("β", color="#666666"), False),
    ],
)
def test_faint_text_is_found(paint, faint):
    assert bool([*faint_texts(drawn(paint))]) == faint


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"color": "red"}, {"color": "blue"}, True),
        ({"color": "red"}, {"color": "blue", "ls": "--"}, False),
        ({"color": "red"}, {"color": "blue", "ls": (0, (3, 1))}, False),
        ({"color": "red", "marker": "o"}, {"color": "blue", "marker": "s"}, False),
        ({"color": "red", "marker": "o"}, {"color": "blue", "marker": "o", "mfc": "white"}, False),
        ({"color": "red", "marker": "o"}, {"color": "blue", "marker": "o"}, True),
        ({"color": "red"}, {"color": "red"}, False),
    ],
)
def test_lines_that_differ_in_colour_alone_are_found(one, other, alike):
    figure, axes = plt.subplots()
    for label, look_of_it in (("one", one), ("other", other)):
        axes.plot([0, 1], label=label, **look_of_it)
    plt.close(figure)
    assert bool([*twins(figure)]) == alike


def test_clouds_and_bars_that_differ_in_colour_alone_are_found():
    figure, (clouds, bars) = plt.subplots(1, 2)
    for colour in ("red", "blue"):
        clouds.scatter([0, 1], [0, 1], color=colour, label=f"{colour} cloud")
        bars.bar([0, 1], [1, 1], color=colour, label=f"{colour} bars")
    clouds.scatter([0, 1], [0, 1], marker="s", color="green", label="squares")
    clouds.scatter([0, 1], [0, 1], facecolor="white", edgecolor="green", label="hollow")
    bars.bar([0, 1], [1, 1], color="green", hatch="//", label="hatched")
    plt.close(figure)
    assert [sentence.split(" differ")[0] for sentence in twins(figure)] == ["'red cloud' and 'blue cloud'", "'red bars' and 'blue bars'"]
