"""Every stored notebook is fit to be read: executed in order, quiet, its pictures described, its links alive.

Each check is a function of a notebook and its path that returns its complaints as sentences; `problems` is all of them.
Below the checks, two sound notebooks are spoilt in one way after another, and each time the right check must complain.
"""

import base64
import html
import re
import struct
import zlib
from copy import deepcopy
from itertools import pairwise
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.cells import code_cells, ends_in_playground, ends_in_slide, pictures, read, tags
from tools.refresh import NOTEBOOKS, all_notebooks, stored_form

MOST_CELLS = 74
MOST_LINES = 15
WIDEST_PICTURE = 900  # pixels on the page; stored are twice as many
MOST_ROWS, MOST_COLUMNS = 60, 12  # of the tables behind a picture
DIAGRAM = re.compile(r"\bdraw_|\bslide\(")  # has no numbers, or perhaps none
SHORTEST_ALT_TEXT = 20  # characters
WARNING = re.compile(
    r"\b\w*Warning:|Traceback \(most recent call last\)|^\d{4}-\d\d-\d\d [\d:.]+: [IWEF] ", re.MULTILINE
)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|tmp|Users|private/var)/|\bC:[\\/]|\b0x[0-9a-f]{8,}")
LINK = re.compile(r"\]\(\s*<?([^()\s<>]+(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+[\"'][^)]*)?\)")
REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)", re.MULTILINE)
HTML_LINK = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
HEADING = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t#]*$", re.MULTILINE)
LINK_TEXT = re.compile(r"(?<!!)\[([^\[\]]*)\]\(|<a\b[^>]*>(.*?)</a>", re.IGNORECASE | re.DOTALL)
SAYS_NOTHING = re.compile(
    r"\W*|(click )?(here|this|that|it|link|page|more|read more|(this|the) (link|page))|\w+://\S+", re.IGNORECASE
)
PICTURE_IN_TEXT = re.compile(r"!\[([^\]]*)\]\(|<img\b([^>]*)>", re.IGNORECASE)
TABLE = re.compile(r"^\s*\|.*(?:\n\s*\|.*)*", re.MULTILINE)  # lines that begin with |


def problems(notebook, path):
    """All that is wrong with a notebook, one sentence each; an empty list when it is sound."""
    return [sentence for check in CHECKS for sentence in check(notebook, path)]


# --- Execution --------------------------------------------------------------------------------------------------------


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
        tested_elsewhere = ends_in_slide(cell) or ends_in_playground(cell)
        if "nbval-ignore-output" in tags(cell) and not asserts and not tested_elsewhere:
            yield f"Cell {cell.id} is tagged nbval-ignore-output and asserts nothing."
        if "nbval-skip" in tags(cell) or "NBVAL_" in cell.source:
            yield f"Cell {cell.id} is skipped by nbval, or marked in a comment that students would read."


# --- Shape ------------------------------------------------------------------------------------------------------------


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
    for before, level in pairwise(levels):
        if level > before + 1:
            yield f"A heading of level {level} follows one of level {before}."


def pictures_are_described(notebook, path):
    for cell, following in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        if not pictures(cell):
            continue
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if len(alt) < SHORTEST_ALT_TEXT:
            yield f"Cell {cell.id} draws a picture and has no alt text in its metadata (mystnb.image.alt)."
        if following is None or following.cell_type != "markdown" or not following.source.startswith("*What to see:"):
            yield f'Cell {cell.id} draws a picture; the next cell does not begin with "*What to see:".'
        for picture in pictures(cell):
            if width(picture) > 2 * WIDEST_PICTURE:
                yield f"Cell {cell.id} draws a picture {width(picture)} pixels wide, more than {2 * WIDEST_PICTURE}."


def pictures_are_told(notebook, path):
    """Complaints about stored pictures without the words, the size or the numbers that `make refresh` puts to them."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if "image/png" not in output.get("data", {}):
                continue
            told, pixels = output.metadata.get("image/png", {}), width(output.data["image/png"])
            if told.get("alt") != cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
                yield f"The picture of cell {cell.id} is stored without its alt text beside it: refresh the notebook."
            if told.get("width") != pixels // 2 or not told.get("height"):
                yield f"The picture of cell {cell.id}, {pixels} pixels wide, is not stored to be shown at half of them."
            tables = told.get("tables", [])
            if not tables and not DIAGRAM.search(cell.source):
                yield f"The picture of cell {cell.id} is stored without the numbers behind it."
            for table in tables:
                lengths = {len(table["columns"]), *map(len, table["rows"])}
                if len(lengths) > 1 or max(lengths) > MOST_COLUMNS or len(table["rows"]) > MOST_ROWS:
                    yield f"A table behind the picture of cell {cell.id} has rows of {lengths} entries, or too many."
                if not all(table["columns"]):
                    yield f"A table behind the picture of cell {cell.id} has a column without a name."


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


# --- Links ------------------------------------------------------------------------------------------------------------


def links_say_where_they_lead(notebook, path):
    for cell in notebook.cells:
        for found in LINK_TEXT.finditer(without_code_blocks(cell)):
            text = re.sub(r"<[^>]*>", "", found[1] if found[1] is not None else found[2]).strip()
            if SAYS_NOTHING.fullmatch(text):
                yield f"Cell {cell.id} has a link whose text, {text!r}, does not say where it leads."


def links_resolve(notebook, path):
    """Complaints about links to files or headings that are not there, or outside of what JupyterLab shows."""
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
    ignored_outputs_are_asserted, is_short, headings_are_in_order, pictures_are_described, pictures_are_told,
    pictures_in_text_are_described, tables_have_headers, links_say_where_they_lead, links_resolve, lessons_are_chained,
]  # fmt: skip


# --- What the checks look at ------------------------------------------------------------------------------------------


def output_text(cell):
    """The text that a cell's outputs show, pictures left out."""
    texts = []
    for output in cell.get("outputs", ()):
        texts += [output.get("text", ""), "\n".join(output.get("traceback", ()))]
        texts += [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(texts)


def width(picture):
    """The width of a PNG in pixels: its first chunk says it, after 16 bytes."""
    return struct.unpack(">I", base64.b64decode(picture)[16:20])[0]


def prose(cell):
    """The markdown of a cell without its code and its formulas, in which a bracket is no link."""
    return re.sub(r"`[^`\n]*`|\$\$.*?\$\$|(?<!\\)\$[^$\n]+\$", "", without_code_blocks(cell), flags=re.DOTALL)


def without_code_blocks(cell):
    """The markdown of a cell without its fenced blocks; nothing for a code cell."""
    return (
        re.sub(r"^(```|~~~).*?^\1", "", cell.source, flags=re.MULTILINE | re.DOTALL)
        if cell.cell_type == "markdown"
        else ""
    )


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


# --- The stored notebooks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", all_notebooks(), ids=lambda path: path.relative_to(NOTEBOOKS).as_posix())
def test_stored_notebook_is_sound(path):
    found = problems(read(path), path)
    assert not found, "\n".join(found)


# --- The checks themselves --------------------------------------------------------------------------------------------


def png(width):
    """A black picture of this width and one pixel high, as a notebook stores it."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header, pixels = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0), zlib.compress(bytes(1 + width))
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    ).decode()


def sound_notebook(neighbour):
    """A notebook with something for each check to look at, and nothing to complain about."""
    told = {"alt": "One black line, seven hundred long.", "width": 700, "height": 1, "tables": [
        {"title": "A line", "columns": ["x", "y"], "rows": [[1, 2]], "note": ""}
    ]}  # fmt: skip
    data = {"image/png": png(1400), "text/plain": "<Figure size 700x1 with 1 Axes>"}
    drawing = new_output("display_data", data=data, metadata={"image/png": told})
    stream = new_output("stream", name="stdout", text="sum 3\n")
    oops = new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=["division by zero"])
    alt = {"image": {"alt": "One black line, seven hundred long."}}
    notebook = new_notebook(cells=[
        new_markdown_cell(f"# A lesson\n\nSee [the other]({neighbour}#The-picture-of-R), [below](#The-picture-of-R), "
                          "[a page](https://example.org/tmp/x) and $[r](d)$."),
        new_code_cell("print('sum', 1 + 2)", execution_count=1, outputs=[stream]),
        new_markdown_cell("## The *picture* of `R`\n\n```sh\n# not a heading\n```"),
        new_code_cell("draw()", execution_count=2, outputs=[drawing], metadata={"mystnb": alt}),
        new_markdown_cell("*What to see: a line.*\n\n| | model |\n|:--|:-:|\n| `a` | |\n\n"
                          "![A line, as above, once more.](attachment:line.png)",
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


def add_cells(number):
    return lambda notebook: notebook.cells.extend([new_markdown_cell("x")] * number)


def add_output(cell, kind, **content):
    return lambda notebook: notebook.cells[cell].outputs.append(new_output(kind, **content))


def printed(text):
    return lambda notebook: notebook.cells[1].outputs[0].update(text=text)


def set_cell(cell, **values):
    return lambda notebook: notebook.cells[cell].update(values)


def set_metadata(cell, **values):
    return lambda notebook: notebook.cells[cell].metadata.update(values)


def tell(**said):
    return lambda notebook: notebook.cells[3].outputs[0].metadata["image/png"].update(said)


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
    (is_stored_stably, set_metadata(1, execution={"iopub.execute_input": "2026-11-21"}), "when it was executed"),
    (is_stored_stably, add_output(1, "display_data", data={"image/svg+xml": "<svg/>"}), "SVG"),
    (is_stored_stably, lambda notebook: notebook.metadata.language_info.update(version="3.11.7"), "make refresh"),
    (ignored_outputs_are_asserted, set_cell(5, source="fit()  # assert nothing"), "asserts nothing"),
    (ignored_outputs_are_asserted, set_metadata(5, tags=["nbval-skip"]), "skipped by nbval"),
    (is_short, add_cells(MOST_CELLS), f"{MOST_CELLS + 7} cells"),
    (is_short, set_cell(1, source="\n".join(["x = 1"] * (MOST_LINES + 1))), "16 lines"),
    (headings_are_in_order, add_text("\n\n# Another lesson"), "exactly one heading"),
    (headings_are_in_order, set_cell(0, source="No title."), "exactly one heading"),
    (headings_are_in_order, set_cell(0, source="## Early\n\n# Late"), "exactly one heading"),
    (headings_are_in_order, set_cell(2, source="### Deep"), "level 3 follows one of level 1"),
    (pictures_are_described, set_metadata(3, mystnb={"image": {"alt": "A line."}}), "no alt text"),
    (pictures_are_described, lambda notebook: notebook.cells[3].metadata.pop("mystnb"), "no alt text"),
    (pictures_are_described, set_cell(4, source="A line."), "What to see"),
    (pictures_are_described, lambda notebook: notebook.cells.pop(4), "What to see"),
    (pictures_are_described, add_output(3, "display_data", data={"image/png": png(1801)}), "1801 pixels"),
    (pictures_are_told, add_output(3, "display_data", data={"image/png": png(700)}), "without its alt text"),
    (pictures_are_told, tell(alt="Another line, which it is not."), "without its alt text"),
    (pictures_are_told, tell(width=1400), "shown at half of them"),
    (pictures_are_told, tell(tables=[]), "without the numbers"),
    (pictures_are_told, tell(tables=[{"columns": ["x"], "rows": [[1, 2]]}]), "entries"),
    (pictures_are_told, tell(tables=[{"columns": ["x"], "rows": [[1]] * 61}]), "too many"),
    (pictures_are_told, tell(tables=[{"columns": ["x", ""], "rows": [[1, 2]]}]), "without a name"),
    (pictures_in_text_are_described, add_text(" ![](attachment:line.png)"), "does not describe it"),
    (pictures_in_text_are_described, add_text(" <img src='attachment:line.png' width=3>"), "does not describe it"),
    (tables_have_headers, add_text("\n\n| a | b |\n| c | d |\n"), "without a header row: | a | b |"),
    (tables_have_headers, add_text("\n\n| | b | |\n|-|-|-|\n| c | d | e |\n"), "a column that has no name: | | b | |"),
    (tables_have_headers, add_text("\n\n<table><th>a</th></table> <table><td>b</td></table>"), "HTML table without"),
    (tables_have_headers, add_output(1, "display_data", data={"text/html": "<table><td>b"}), "HTML table without"),
    (links_say_where_they_lead, add_text(" [Here](01_second.ipynb)"), "'Here', does not say"),
    (links_say_where_they_lead, add_text(" [this page](01_second.ipynb)"), "'this page', does not say"),
    (links_say_where_they_lead, add_text(" [](01_second.ipynb)"), "'', does not say"),
    (links_say_where_they_lead, add_text(" [https://example.org/x](https://example.org/x)"), "does not say"),
    (links_say_where_they_lead, add_text(" <a href='01_second.ipynb'><b>click here</b></a>"), "'click here', does not"),
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


@pytest.mark.parametrize(
    "check, spoil, complaint", DEFECTS, ids=[f"{check.__name__}-{words}" for check, _, words in DEFECTS]
)
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
