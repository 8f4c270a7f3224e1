"""What the site is made of: the pages written for Sphinx, without building it (tests/test_site_built.py does)."""

import base64
import re

import nbformat
import pytest
import yaml
from markdown_it import MarkdownIt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from sphinx.util.inspect import signature, stringify_signature

import helpers
from helpers.plotting import plot_alphas
from tools.editions import site, stamp
from tools.editions.site_source import api, docstrings, pages, printed, reading, shown
from tools.refresh import NOTEBOOKS, ROOT, lessons

ENTRIES = reading.references().entries


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    pages.write(folder, with_pdf=True)
    return folder


def test_each_lesson_is_a_page_and_stands_in_its_part_with_its_minutes(source):
    assert {path.name for path in (source / "notebooks").glob("*.ipynb")} == {path.name for path in lessons()}
    front = (source / "index.md").read_text(encoding="utf-8")
    trees = re.findall(r"```\{toctree\}\n:hidden:\n:caption: (.+)\n\n((?:.+\n)+?)```", front)
    assert [name for name, _ in trees[1:7]] == re.findall(r"\*\*([IV]+ [^*]+)\*\*", front)
    listed = [line for _, lines in trees for line in lines.splitlines() if re.match(r"\d\d ", line)]
    rows = re.findall(r"^\| \[(\d\d [^\]]+)\]\(notebooks/(\w+)\.ipynb\) .*\| (\d+) \|$", front, re.MULTILINE)
    assert listed == [f"{title} <notebooks/{name}>" for title, name, _ in rows]
    assert [name for _, name, _ in rows] == [path.stem for path in lessons()]
    heads = [nbformat.read(path, as_version=4).cells[0].source for path in lessons()]
    assert all(f"**Time:** {minutes} minutes" in head for (_, _, minutes), head in zip(rows, heads, strict=True))


def test_the_front_page_has_the_picture_the_commands_the_playground_and_no_other_kernel(source):
    front = (source / "index.md").read_text(encoding="utf-8")
    assert "](course.png)" in front and "make lab" in front and 'href="course.pdf"' in front and "| MB |" not in front
    assert (ROOT / "helpers" / "playground" / "playground.js").read_text(encoding="utf-8") in front
    assert "Contributors" not in front and "last column" not in front and "Where networks are trained" not in front
    table = MarkdownIt("commonmark").enable("table").render(front[front.index("| lesson |") :]).partition("</table>")[0]
    assert table.startswith("<table>") and table.count("<a href") == len(lessons())  # as a reader of Markdown sees it
    assert "course.pdf" not in pages.front_page((ROOT / "README.md").read_text(encoding="utf-8"))


def test_what_is_not_for_readers_is_not_on_the_site(source):
    folders = {path.name for path in source.rglob("*") if path.is_dir()}
    assert folders == {"notebooks", "docs", "api"}
    names = {path.name for path in source.rglob("*")}
    for folder in ("teaching", "notebooks/homework"):
        assert not names & {path.name for path in (ROOT / folder).rglob("*")}
    exercises = (source / "api" / "exercises.rst").read_text(encoding="utf-8")
    assert "automodule:: helpers.exercises.start_here\n\n" in exercises  # no :members:, whose references are solutions


def test_links_that_leave_the_site_are_words():
    text = "[a](../teaching/README.md) [b](students.md) [c](https://x.org) [d](../helpers/models/pca.py)"
    text += "\n```\n[e](../f)\n```"
    assert pages.with_links_of_site(text, "docs/instructors.md") == (
        "a [b](students.md) [c](https://x.org) [d](../api/models.rst)\n```\n[e](../f)\n```"
    )


# --- Glossary and notation --------------------------------------------------------------------------------------------


def test_each_word_of_the_glossary_is_kept(source):
    page = (source / "notebooks" / "glossary.md").read_text(encoding="utf-8")
    written = re.findall(r"^\*\*([^*]+)\*\*", (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [", ".join(entry.terms) for entry in pages.words()] == written and len(written) > 80
    for entry in pages.words():
        assert "\n".join(entry.terms) + "\n  " in page and entry.text in page
    assert ("GRS", "Gibbons, Ross and Shanken") in [entry.terms for entry in pages.words()]


def test_the_notation_has_the_symbols_of_lesson_00_and_each_symbol_of_the_glossary_once(source):
    table = (source / "notation.md").read_text(encoding="utf-8")
    first = nbformat.read(lessons()[0], as_version=4)
    said = next(cell.source for cell in first.cells if "| term | meaning | shape |" in cell.source)
    rows = re.findall(r"^\| (\$.+?) \| (.+?) \| (.*?) ?\|$", said, re.MULTILINE)
    assert len(rows) > 10
    for symbol, meaning, shape in rows:
        assert f"| {symbol} | {meaning} | {shape} | [00]" in table
    symbols = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| $")]
    assert len(set(symbols)) == len(symbols)
    for entry in pages.words():
        for symbol in re.findall(r"\$[^$]+\$", entry.symbol):
            assert symbol in table, symbol


def test_no_shape_is_of_a_symbol_that_is_gone():
    assert set(pages.SHAPES) <= {entry.symbol for entry in pages.words()}


# --- The reading list -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def citations():
    return {path.name: reading.cited(reading.prose(path)) for path in reading.sources()}


def test_each_citation_is_on_the_reading_list(citations):
    listed = {reading.known_as(entry) for entry in ENTRIES.values()}
    unknown = {name: found - listed for name, found in citations.items() if found - listed}
    assert not unknown, "add these to references.bib, or if they are no citations, their first word to NO_AUTHORS"


@pytest.mark.parametrize("key", ENTRIES)
def test_each_entry_is_cited_and_says_what_it_is_good_for(key, citations):
    assert reading.known_as(ENTRIES[key]) in set().union(*citations.values())
    assert ENTRIES[key].fields["use"].endswith(".")


def test_the_page_says_which_lesson_cites_what(source):
    page = (source / "reading.md").read_text(encoding="utf-8")
    assert re.findall(r'key == "(\w+)"', page) != [] and set(re.findall(r'key == "(\w+)"', page)) == set(ENTRIES)
    part = page.partition('"shanken1992"')[2].partition("```{bibliography}")[0]
    assert "[03 Risk premia](notebooks/03_risk_premia.ipynb)" in part and "`helpers/evaluation/premia.py`" in part


def test_citations_are_found_as_people_write_them():
    text = "Fama and MacBeth (1973); Gu, Kelly, Xiu (2021). See **Ledoit-Wolf** (2004), Péché 2005 and October 2008."
    pairs = {("Fama", "1973"), ("Gu", "2021"), ("Ledoit", "2004"), ("Péché", "2005")}
    assert reading.cited(text) == pairs
    assert reading.cited("López de Prado (2018). Market 1949-2017. In 1992 (Lo 2002; Lewellen and Nagel, 2006)") == {
        ("López de Prado", "2018"), ("Lo", "2002"), ("Lewellen", "2006"),
    }  # fmt: skip


def test_the_reading_list_and_the_citation_file_agree():
    by_doi = {entry.fields.get("doi"): entry for entry in ENTRIES.values()}
    for reference in yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["references"]:
        entry = by_doi[reference["doi"]]
        said = {name: reading.latin(entry.fields[name]) for name in ("title", "journal", "year", "volume", "number")}
        wanted = {**{name: str(reference[name]) for name in ("title", "journal", "year", "volume")}}
        assert said == {**wanted, "number": reference["issue"]}
        assert entry.fields["pages"] == f"{reference['start']}--{reference['end']}"
        last = [author["family-names"] for author in reference["authors"]]
        assert [" ".join(person.last_names) for person in entry.persons["author"]] == last


# --- The helpers ------------------------------------------------------------------------------------------------------


def test_every_public_name_is_described_once(source):
    text = "\n".join(path.read_text(encoding="utf-8") for path in (source / "api").glob("*.rst"))
    described = re.findall(r"^\.\. (?:autoclass|autofunction|py:data):: (\w+)$", text, re.MULTILINE)
    described += [name.rpartition(".")[2] for name in re.findall(r"^\.\. automodule:: ([\w.]+)$", text, re.MULTILINE)]
    rooms = {room.rpartition(".")[2] for room in api.ROOMS}
    public = {each.name for each in api.public_names()}
    assert set(described) == public and set(helpers.__all__) - rooms <= public and len(public) > 100
    assert all((source / "api" / api.file(room)).is_file() for room in api.ROOMS)


def test_equations_in_docstrings_stay_as_they_are_drawn():
    lines = ["The β_s of x.", "", "    r = β * F", "", "It sets members_ and |x|.", ""]
    lines += ["Parameters", "----------", "**options", "    Those of `f_`.", "    K."]
    assert docstrings.marked_up(lines) == [
        "The β_s of x.", "", "::", "", "    r = β * F", "", "It sets members\\_ and \\|x\\|.", "", "Parameters",
        "----------", "**options", "    Those of `f_`.", "    K\\.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (stringify_signature(signature(plot_alphas), unqualified_typehints=True), "(means: ~numpy.typing.ArrayLike,"),
        ("(path=PosixPath('/somewhere/helpers/experiments/grid.csv'))", "(path=Path('grid.csv'))"),
        ("(same: x = <function same_numbers>, made: dict = <factory>)", "(same: x = same_numbers, made: dict = ...)"),
        ("(given=<class 'dict'>)", "(given=dict)"),
    ],
)
def test_a_signature_is_written_for_readers(given, written):
    made, returns = docstrings.as_written(None, "function", "f", None, None, given, None)
    assert written in made and returns is None
    assert not re.search(r"_Buffer|<|/", made.replace("->", ""))


def test_a_property_keeps_its_sentence_and_a_tuple_says_nothing_of_its_fields():
    lines = ["What happened, (n_dates,): a number.", ""]
    docstrings.as_markup(None, "property", "p", None, None, lines)
    assert lines == ["", "What happened, (n_dates,): a number.", ""]
    lines = ["Alias for field number 3"]
    docstrings.as_markup(None, "attribute", "a", None, None, lines)
    assert "".join(lines) == ""
    assert docstrings.escaped("folder, file : str or path") == "folder, file : str or Path"


# --- Figures and tables -----------------------------------------------------------------------------------------------

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")).decode()
TOLD = {"alt": "of the figure", "width": 700, "height": 400}
TABLES = [{"title": "β & F", "columns": ["", "x_1"], "rows": [["a $b$", 0.25], ["c", None]], "note": "In %."}]


def notebook_with(metadata, of_cell):
    output = new_output("execute_result", data={"image/png": PNG}, metadata={"image/png": metadata} if metadata else {})
    return new_notebook(cells=[new_code_cell("draw()", outputs=[output], metadata=of_cell), new_markdown_cell("below")])


@pytest.mark.parametrize(
    ("metadata", "of_cell", "alt", "width"),
    [
        (None, {"mystnb": {"image": {"alt": "of the author"}}}, "of the author", "640px"),
        (TOLD, {}, "of the figure", "700px"),
        (TOLD, {"mystnb": {"image": {"alt": "of the author"}}}, "of the author", "700px"),
    ],
)
def test_a_figure_has_its_alt_text_and_its_width(tmp_path, metadata, of_cell, alt, width):
    nbformat.write(notebook_with(metadata, of_cell), tmp_path / "a.ipynb")
    cells = shown.shown(tmp_path / "a.ipynb").cells
    assert cells[0].metadata["mystnb"]["image"] == {"alt": alt, "width": width} and len(cells) == 2


def test_the_numbers_of_a_figure_are_a_table_below_it_and_a_file(tmp_path):
    nbformat.write(notebook_with({**TOLD, "tables": TABLES}, {}), tmp_path / "a.ipynb")
    cells = shown.shown(tmp_path / "a.ipynb").cells
    text = cells[1].source
    assert len(cells) == 3 and text.startswith('<details class="figure-numbers"><summary>The numbers of this figure')
    assert "<caption>β &amp; F</caption>" in text and "<td>0.25</td>" in text and "<td></td><th" in text
    assert "$" not in text and "\n" not in text  # nothing in it is Markdown
    assert '<th scope="row">a &#36;b&#36;</th><td>0.25</td>' in text
    file = re.search(r'download="a-figure-1.csv" href="data:text/csv;charset=utf-8;base64,([^"]+)"', text)[1]
    assert base64.b64decode(file).decode() == ",x_1\na $b$,0.25\nc,\n"


def test_tables_of_pandas_have_headings_that_say_something():
    text = '<style scoped>x</style><table border="1"><thead><tr style="a"><th></th><th>x</th></tr></thead>'
    text += "<tbody><tr><th>a</th>"
    assert shown.plain_table(text) == (
        '<table><thead><tr><td></td><th scope="col">x</th></tr></thead><tbody><tr><th scope="row">a</th>'
    )
    text = '<table><thead><tr><th colspan="2" halign="left">linear</th></tr></thead><tbody><tr><th rowspan="2">a</th>'
    assert shown.plain_table(text) == (
        '<table><thead><tr><th scope="colgroup" colspan="2" halign="left">linear</th></tr></thead>'
        '<tbody><tr><th scope="rowgroup" rowspan="2">a</th>'
    )


def test_two_tables_of_a_figure_are_two_files():
    made = shown.numbers([{**TABLES[0], "title": title} for title in ("β", "F")], "a-figure-3")
    assert re.findall(r'download="([^"]+)"', made) == ["a-figure-3-1.csv", "a-figure-3-2.csv"]


def test_what_moves_only_in_jupyterlab_says_so_and_a_bar_of_progress_is_left_out(tmp_path):
    notebook = notebook_with(None, {})
    words = {"text/plain": "A picture with a slider for K (1 to 6). Run this cell to move it."}
    notebook.cells[0].outputs[0].data.update(words)
    notebook.cells[0].outputs.insert(0, new_output("display_data", data={"text/plain": "  0%|      | 0/6 [00:00<?]"}))
    nbformat.write(notebook, tmp_path / "a.ipynb")
    cells = shown.shown(tmp_path / "a.ipynb", live=True).cells
    assert len(cells[0].outputs) == 1 and cells[1].source == shown.MOVABLE
    assert len(shown.shown(tmp_path / "a.ipynb").cells) == 2  # on paper nobody looks for it


# --- The command ------------------------------------------------------------------------------------------------------


def test_a_build_that_fails_leaves_what_was_there(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "site"
    folder.mkdir()
    stamp.write(folder, {}, ["README.md"])
    (folder / "index.html").write_text("before")

    def fails(*given):
        raise pages.NotBuilt("A link leads nowhere.")

    monkeypatch.setattr(pages, "write", lambda folder, with_pdf: None)
    monkeypatch.setattr(site, "sphinx", fails)
    assert site.main([str(folder)]) == 1 and "A link leads nowhere." in capsys.readouterr().err
    assert (folder / "index.html").read_text() == "before" and [path.name for path in tmp_path.iterdir()] == ["site"]


def test_without_chromium_the_rest_is_built_and_that_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(printed, "chromium", lambda: None)
    monkeypatch.setattr(pages, "write", lambda folder, with_pdf: (folder / "pdf").write_text(str(with_pdf)))
    monkeypatch.setattr(site, "sphinx", lambda builder, source, target: source.rename(target))
    monkeypatch.setattr(site, "PARTS", ("README.md",))
    assert site.main([str(tmp_path / "site")]) == 0
    assert "It has no PDF" in capsys.readouterr().out and (tmp_path / "site" / "pdf").read_text() == "False"
    assert stamp.stale(tmp_path / "site", ROOT) == []


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert site.main([str(tmp_path)]) == 1 and "name another folder" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_readme_without_its_table_is_told():
    with pytest.raises(pages.NotBuilt, match="no section 'The lessons'"):
        pages.section("# Title\n", "The lessons")
