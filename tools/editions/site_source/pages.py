"""The pages of the site, written into a folder for Sphinx: lessons and docs as they are, the others made of them."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import nbformat

from helpers.playground.widget import SCRIPT
from tools.editions.site_source import api, reading
from tools.editions.site_source.shown import shown
from tools.refresh import NOTEBOOKS, PICTURE, ROOT, lessons

DOCS = ("students", "instructors", "administrators", "researchers")
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])+)\]\(([^)\s]+)\)")
ROW = re.compile(r"^\| \[(\d\d [^\]]+)\]\(notebooks/([^)]+)\) \|", re.MULTILINE)
PART = re.compile(r"^\| \*\*([IVX]+ [^*]+)\*\* \|", re.MULTILINE)
ENTRY = re.compile(r"^\*\*(?P<terms>[^*]+)\*\*(?: \((?P<symbol>(?:\([^()]*\)|[^()])+)\))?: (?P<text>.+)$", re.MULTILINE)
PLAYGROUND = """## The playground

A conditional autoencoder that trains in this page: press *Play*, and its β bends towards the true one. Change the
truth, the noise or the network, and see what it finds. It needs no kernel and no connection.

```{{raw}} html
<div id="playground"></div>
<script type="module">
{script}
mount(document.getElementById("playground"));
</script>
```
"""
ONE_PDF = 'All of them, with the glossary and the reading list, are also <a href="course.pdf">one PDF</a>.\n\n'


class NotBuilt(Exception):
    """Says in a sentence what is in the way of the site."""


class Entry(NamedTuple):
    """A word of the glossary: its names, its symbol if it has one, what it means, and the lesson that explains it."""

    terms: tuple[str, ...]
    symbol: str
    text: str
    lesson: str


def write(folder: Path, with_pdf: bool = False) -> None:
    """Writes all pages of the site, with what Sphinx reads beside them.

    Parameters
    ----------
    folder : Path
        Is there.
    with_pdf : bool
        Whether the front page leads to the PDF of the course.

    Raises
    ------
    NotBuilt
        The README or the glossary has not the form that the pages are made of.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    course(folder, front_page(readme, with_pdf), live=True)
    (folder / "docs").mkdir()
    for name in (f"docs/{name}.md" for name in DOCS):
        _write(folder / name, (ROOT / name).read_text(encoding="utf-8"), name)
    api.write(folder / "api")
    _write(folder / "notation.md", notation())
    shutil.copy(PICTURE, folder / PICTURE.name)


def course(folder: Path, front: str, live: bool = False) -> None:
    """Writes the front page, and what the PDF has, too: the lessons, the glossary and the reading list."""
    (folder / "notebooks").mkdir(parents=True)
    _write(folder / "index.md", front)
    for path in lessons():
        nbformat.write(shown(path, live), folder / "notebooks" / path.name)
    _write(folder / "notebooks" / "glossary.md", glossary(), "notebooks/glossary.md")
    _write(folder / "reading.md", reading.page({file: title for _, rows in parts() for title, file in rows}))
    shutil.copy(reading.LIST, folder / reading.LIST.name)


def _write(path, text, name=""):
    path.write_text(with_links_of_site(text, name or path.name), encoding="utf-8")


# --- Links ------------------------------------------------------------------------------------------------------------


def on_site() -> set[str]:
    """The files of the repository that are pages of the site."""
    return {f"notebooks/{path.name}" for path in lessons()} | {"notebooks/glossary.md"} | {f"docs/{n}.md" for n in DOCS}


def with_links_of_site(text: str, name: str) -> str:
    """The text of a page, in which links to files that are not on the site are words; to a helper, its room's page."""
    pages = on_site() | {"index.md", "notation.md", "reading.md", "api/index.md", "genindex.html"}

    def changed(link):
        words, target = link.groups()
        if re.match(r"[a-z]+:|#", target):
            return link[0]
        path = os.path.normpath(os.path.join(os.path.dirname(name), target.partition("#")[0]))
        if path in pages:
            return link[0]
        room = re.match(r"helpers/(\w+)/", path)
        if room:
            there = os.path.relpath(f"api/{room[1]}.rst", os.path.dirname(name) or ".")
            return f"[{words}]({there})"
        return words

    blocks = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(block if block.startswith("```") else LINK.sub(changed, block) for block in blocks)


# --- The front page ---------------------------------------------------------------------------------------------------


def parts() -> list[tuple[str, list[tuple[str, str]]]]:
    """The parts of the course in the README's table, each with its lessons: (title, file). The first has no name."""
    found: list[tuple[str, list[tuple[str, str]]]] = [("", [])]
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        if part := PART.match(line):
            found.append((part[1], []))
        elif row := ROW.match(line):
            found[-1][1].append((row[1], row[2]))
    files = [file for _, rows in found for _, file in rows]
    if files != [path.name for path in lessons()]:
        raise NotBuilt("The README's table has not the lessons that notebooks/ has: make them the same.")
    return found


def section(readme: str, title: str) -> str:
    """What stands in the README under a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n+(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    if found is None:
        raise NotBuilt(f"README.md has no section {title!r}, which the front page of the site is made of.")
    return found[1].rstrip() + "\n"


def front_page(readme: str, with_pdf: bool = False) -> str:
    """The front page in MyST: the README's own words, the lessons with their minutes, and the playground."""
    head = readme.partition("\n## ")[0].rstrip()
    table = section(readme, "The lessons").splitlines()
    table = [re.sub(r"[^|]*\|$", "", line) if line.startswith("|") else line for line in table]  # without memory
    lists = [toctree(name or "Begin", [f"{title} <notebooks/{file}>" for title, file in had]) for name, had in parts()]
    lists.append(toctree("Words", ["notebooks/glossary.md", "notation.md", "reading.md", "Index <genindex>"]))
    lists.append(toctree("For whom", [f"docs/{name}.md" for name in DOCS] + ["api/index.md"]))
    return "\n\n".join(
        [
            head,
            "## Two commands\n\n" + section(readme, "Two commands"),
            PLAYGROUND.format(script=SCRIPT.read_text(encoding="utf-8")),
            "## The lessons\n\n" + (ONE_PDF if with_pdf else ""),
            re.sub(r", and about the memory of the last column[^\n]*", ".", "\n".join(table)),
            "## For whom\n\n" + for_whom(section(readme, "For whom")),
            "## Sources\n\n" + section(readme, "Sources"),
            *lists,
        ]
    )


def for_whom(text: str) -> str:
    """The README's list without its example, and without who has no page here."""
    text = re.sub(r"\n```python.*?```\n", "", text, flags=re.DOTALL)
    return re.sub(r"^- \*\*\[Contributors\].*\n|^<!-- .* -->\n", "", text, flags=re.MULTILINE)


def toctree(caption: str, entries: list[str]) -> str:
    """A hidden list of pages, which the navigation at the side shows."""
    lines = "\n".join(re.sub(r"\.(md|ipynb)(?=>?$)", "", entry) for entry in entries)
    return f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{lines}\n```"


# --- Glossary and notation --------------------------------------------------------------------------------------------


def words() -> list[Entry]:
    """The words of the course, from its glossary."""
    text = (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8")
    found = []
    for entry in ENTRY.finditer(text):
        lesson = re.search(r" ?\[lesson \d\d\]\((\d\d_\w+\.ipynb)\)\.?$", entry["text"])
        if lesson is None:
            raise NotBuilt(f"notebooks/glossary.md: the word {entry['terms']!r} names no lesson at its end.")
        # "GRS, Gibbons, Ross and Shanken" are two names, not four.
        terms = entry["terms"].split(", ", 1 if " and " in entry["terms"] else -1)
        found.append(Entry(tuple(terms), entry["symbol"] or "", entry["text"][: lesson.start()], lesson[1]))
    if len(found) != len(re.findall(r"^\*\*", text, re.MULTILINE)):
        raise NotBuilt("notebooks/glossary.md: an entry has not the form **word** ($symbol$): what it means. [lesson]")
    return found


def glossary() -> str:
    """The glossary in MyST, so that each word has an anchor and stands in the index."""
    head = (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8").partition("\n**")[0]
    lines = []
    for entry in words():
        symbol = f"{entry.symbol}. " if entry.symbol else ""
        lines += [*entry.terms, f"  {symbol}{entry.text} [lesson {entry.lesson[:2]}]({entry.lesson})", ""]
    return f"{head}\n```{{glossary}}\n" + "\n".join(lines) + "```\n"


def notation() -> str:
    """The symbols of the course in one table: those of lesson 00 with their shapes, then those of the glossary."""
    first = lessons()[0]
    rows = [f"| {' | '.join(row)} | [00](notebooks/{first.name}) |" for row in symbols()]
    there = {symbol for cell, _, _ in symbols() for symbol in re.findall(r"\$[^$]+\$", cell)}
    for entry in words():
        if "$" in entry.symbol and not set(re.findall(r"\$[^$]+\$", entry.symbol)) <= there:
            meaning = re.sub(r"\]\((\d\d_\w+\.ipynb)\)", r"](notebooks/\1)", entry.text)
            link = f"[{entry.lesson[:2]}](notebooks/{entry.lesson})"
            rows.append(f"| {entry.symbol} | **{entry.terms[0]}**: {meaning} | {shape_of(entry)} | {link} |")
    table = "\n".join(["| symbol | meaning | shape | lesson |", "|:--|:--|:--|:--|", *rows])
    return (
        "# Notation\n\nThe letters of all lessons. A superscript in brackets is a date, a subscript is a ticker. Bold "
        "capitals are matrices, or their rows. The words are explained in the [glossary](notebooks/glossary.md).\n\n"
        f"```{{rst-class}} with-prose\n```\n\n{table}\n"
    )


# The shapes of symbols that the glossary explains; a symbol that is not here is a number.
SHAPES = {
    r"$\Gamma_\alpha$": r"$n_\text{chars}$",
    r"$\text{NN}_\beta$": "a network",
    r"$\text{NN}_\mathbf{F}$": "a network",
    r"$\mathbf{Z}$, $\mathbf{X}$, $c_j$": r"$(n_\text{tickers} \times n_\text{chars})$; $c_j$: $n_\text{tickers}$",
    r"$\Sigma$": r"$(n_\text{tickers} \times n_\text{tickers})$",
    r"$\mathbf{W}$": r"$(n_\text{portfolios} \times n_\text{factors})$",
    r"$\mathbf{A}$": r"$(n_\text{factors} \times n_\text{factors})$",
    r"$\mathbf{x}^{(d)}$": r"$n_\text{portfolios}$",
    r"$\epsilon$": r"$(n_\text{dates} \times n_\text{tickers})$",
    r"$w$": r"$n_\text{tickers}$",
    r"$\mathbf{V}_K$": r"$(n_\text{tickers} \times n_\text{factors})$",
    r"$h_s$": "a number for each ticker",
}


def shape_of(entry: Entry) -> str:
    """The shape of an entry's symbol."""
    return SHAPES.get(entry.symbol, "a number")


def symbols() -> list[tuple[str, str, str]]:
    """The table of lesson 00: (symbol, meaning, shape)."""
    cells = json.loads(lessons()[0].read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    table = re.search(r"^\| term \| meaning \| shape \|\n\|[-:|]+\n((?:\|.*\n)+)", text + "\n", re.MULTILINE)
    if table is None:
        raise NotBuilt("Lesson 00 has no table of term, meaning and shape, which the notation is made of.")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]
    return [(symbol, meaning, shape) for symbol, meaning, shape in rows]
