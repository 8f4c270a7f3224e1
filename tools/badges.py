"""The course in a browser, without installing anything: links to Binder and Colab for whoever puts it on GitHub.

    make badges REPOSITORY=owner/name

README.md gets two badges, each lesson two links below its head and a cell that installs the course on Colab and does
nothing elsewhere. Given again, also with another address, the command replaces what it wrote. Then commit and push.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.files import written_whole
from tools.minutes import IN_THE_BROWSER
from tools.refresh import NOTEBOOKS, lessons, stored_form

BINDER, COLAB = "https://mybinder.org/v2/gh", "https://colab.research.google.com/github"
INSTALL = """# On Google Colab this installs the course; elsewhere it does nothing.
import sys

if "google.colab" in sys.modules:
    get_ipython().run_line_magic("pip", "install --quiet git+https://github.com/{repository}")"""


def main(argv: Sequence[str] | None = None, folder: Path = NOTEBOOKS) -> int:
    """0 when all was written, else 2 with a sentence on stderr."""
    parser = argparse.ArgumentParser("make badges", description=__doc__.partition("\n")[0])
    parser.add_argument("repository", help="owner/name, as in the address of the course on GitHub")
    parser.add_argument("--branch", default="main")
    given = parser.parse_args(argv)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", given.repository):
        parser.error(f"{given.repository!r} is no owner/name: give REPOSITORY=owner/name")
    for path in lessons(folder):
        notebook = nbformat.read(path, as_version=4)
        with written_whole(path) as unfinished:
            linked = with_links(notebook, path.name, given.repository, given.branch)
            unfinished.write_text(stored_form(linked), encoding="utf-8")
    readme = folder.parent / "README.md"
    text = with_badges(readme.read_text(encoding="utf-8"), given.repository, given.branch)
    with written_whole(readme) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    print(f"README.md and {len(lessons(folder))} lessons lead to Binder and Colab, by way of {given.repository}.")
    return 0


def links(name: str, repository: str, branch: str) -> tuple[str, str]:
    """The addresses that open a lesson on Binder and on Colab."""
    return (
        f"{BINDER}/{repository}/{branch}?urlpath=lab/tree/notebooks/{name}",
        f"{COLAB}/{repository}/blob/{branch}/notebooks/{name}",
    )


def with_links(
    notebook: nbformat.NotebookNode, name: str, repository: str, branch: str = "main"
) -> nbformat.NotebookNode:
    """The lesson with its links, and the cell that installs the course on Colab, below its head (changed in place)."""
    binder, colab = links(name, repository, branch)
    text = f"Without installing anything: [this lesson on Binder]({binder}), [this lesson on Colab]({colab})."
    install = new_code_cell(INSTALL.format(repository=repository), id=IN_THE_BROWSER[1], execution_count=1)
    cells = [cell for cell in notebook.cells if cell.id not in IN_THE_BROWSER]
    notebook.cells = [cells[0], new_markdown_cell(text, id=IN_THE_BROWSER[0]), install, *cells[1:]]
    for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
    return notebook


def with_badges(readme: str, repository: str, branch: str = "main") -> str:
    """README.md with two badges below its title."""
    title, rest = readme.split("\n", 1)
    rest = re.sub(r"^\n\[!\[Binder\].*\n", "", rest)
    binder, colab = links("00_start_here.ipynb", repository, branch)
    logos = "https://mybinder.org/badge_logo.svg", "https://colab.research.google.com/assets/colab-badge.svg"
    return f"{title}\n\n[![Binder]({logos[0]})]({binder}) [![Colab]({logos[1]})]({colab})\n{rest}"


if __name__ == "__main__":
    sys.exit(main())
