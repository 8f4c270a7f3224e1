"""The reading list: what the lessons and the docstrings cite, each with what it is good for and where it is cited."""

import ast
import re
from pathlib import Path

import nbformat
from pybtex.database import BibliographyData, Entry, parse_file

from tools.refresh import ROOT, lessons

LIST = ROOT / "tools" / "editions" / "site_source" / "references.bib"
NAME = r"(?:López de |Ben )?[A-Z][\wé]+"
# "Fama and MacBeth (1973)", "Gu, Kelly, Xiu (2021)", "(Lo 2002; Ledoit, Wolf 2008)", "Lewellen and Nagel, 2006".
CITATION = re.compile(rf"({NAME}(?:(?:,? and |, |-){NAME})*),? (?:found in )?\(?((?:19|20)\d\d)\b(?! ?-)")
# Words with a capital that stand before a year and are no authors.
NO_AUTHORS = {
    "AAPL", "After", "April", "August", "Before", "December", "Econometrics", "February", "From", "In", "January",
    "Journal", "July", "June", "March", "May", "November", "October", "September", "Since", "Until",
}  # fmt: skip
HEAD = """# Reading list

What the lessons and the helpers cite, by author, each with what it is good for, and where it is cited.
"""


def references() -> BibliographyData:
    """The reading list, as it is written."""
    return parse_file(str(LIST))


def prose(path: Path) -> str:
    """What a lesson says in its Markdown cells, or a module in its docstrings and other texts."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return "\n\n".join(re.sub(r"\s+", " ", text) for text in texts)


def cited(text: str) -> set[tuple[str, str]]:
    """The citations of a text, as (last name of the first author, year)."""
    found = CITATION.findall(text.replace("*", ""))
    pairs = {(re.split(r",? and |, |-", names)[0], year) for names, year in found}
    return {(first, year) for first, year in pairs if first not in NO_AUTHORS}


def known_as(entry: Entry) -> tuple[str, str]:
    """How a text cites an entry: the last name of its first author, and the year."""
    author = entry.persons["author"][0]
    return latin(" ".join([*author.prelast_names, *author.last_names])), entry.fields["year"]


def latin(text: str) -> str:
    """A text of BibTeX with its accents as letters."""
    return re.sub(r"[{}]", "", text.replace(r"{\'o}", "ó").replace(r"{\'e}", "é").replace(r"\&", "&"))


def sources() -> list[Path]:
    """The files in which citations stand: the lessons, and the helpers."""
    return [*lessons(), *sorted((ROOT / "helpers").rglob("*.py"))]


def page(titles: dict[str, str]) -> str:
    """The reading list in MyST, sorted by author and year.

    Parameters
    ----------
    titles : dict
        The title of each lesson, by the name of its file.
    """
    found = {path: cited(prose(path)) for path in sources()}
    entries, parts = references().entries, [HEAD]
    for key in sorted(entries, key=lambda key: (known_as(entries[key]), key)):
        here = [path for path in found if known_as(entries[key]) in found[path]]
        where = [f"[{titles[path.name]}](notebooks/{path.name})" for path in here if path.name in titles]
        where += sorted(f"`{path.relative_to(ROOT).as_posix()}`" for path in here if path.name not in titles)
        parts.append(
            f'```{{bibliography}}\n:filter: key == "{key}"\n:list: bullet\n```\n\n'
            f"```{{rst-class}} cited\n```\n\n{latin(entries[key].fields['use'])} *Cited in* {', '.join(where)}.\n"
        )
    return "\n".join(parts)
