"""Lessons as the site shows them: alt texts and sizes where myst-nb looks for them, the numbers behind each figure."""

import base64
import csv
import html
import io
import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

PICTURE = "image/png"
MOVABLE = "*This picture has a slider. It moves where Python runs: in JupyterLab, after a click on Run.*"
BAR = re.compile(r"\s*\d+%\|")  # how far a cell had come when it was stored
LIVE = "*The playground runs here, too, without a kernel: [on the front page](../index.md#The-playground).*"


def shown(path: Path, live: bool = False) -> NotebookNode:
    """A stored lesson, with what its figures say of themselves put where it is read.

    Of a picture, the alt text and the width stand in the cell's metadata, and its data in a cell below. What an output
    tells in metadata is the contract with the formatter of figures: alt, width, height and tables, all of which may be
    missing. Below the playground, a link leads to the front page, where it is live, if it is.
    """
    notebook = nbformat.read(path, as_version=4)
    cells, figures = [], 0
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if not BAR.match(one.get("data", {}).get("text/plain", ""))]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if PICTURE in data:
                figures += 1
                told = output.get("metadata", {}).get(PICTURE, {})
                _describe(cell, data[PICTURE], told)
                if told.get("tables"):
                    text = numbers(told["tables"], f"{path.stem}-figure-{figures}")
                    cells.append(new_markdown_cell(text, id=f"{cell.id[:50]}-numbers"))
                if live and data.get("text/plain", "").startswith("A picture with a slider for"):
                    cells.append(new_markdown_cell(MOVABLE, id=f"{cell.id[:50]}-slider"))
            if "text/html" in data:
                data["text/html"] = plain_table(data["text/html"])
            if live and "A playground:" in data.get("text/plain", ""):
                cells.append(new_markdown_cell(LIVE, id="playground-on-the-site"))
    notebook.cells = cells
    return notebook


def _describe(cell: NotebookNode, picture: str, told: Mapping[str, Any]) -> None:
    """Writes alt text and width into the metadata of a cell; an alt text of the lesson's author stays."""
    image = cell.metadata.setdefault("mystnb", NotebookNode()).setdefault("image", NotebookNode())
    if told.get("alt"):
        image.setdefault("alt", told["alt"])
    image["width"] = f"{told.get('width') or png_width(picture)}px"


def png_width(picture: str) -> int:
    """The width of a PNG in pixels, from its first bytes."""
    return int(struct.unpack(">I", base64.b64decode(picture[:64])[16:20])[0])


def plain_table(text: str) -> str:
    """A table of pandas without its own style, and without empty cells that claim to be headings."""
    text = re.sub(r"<style.*?</style>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<th[^>]*>(\s|&nbsp;)*</th>", "<td></td>", text)
    text = re.sub(r' (border="\d+"|style="[^"]*"|valign="\w+")', "", text)
    head, mark, body = text.partition("<tbody>")
    head = re.sub(r"<th(?=[^>]* colspan)", '<th scope="colgroup"', head).replace("<th>", '<th scope="col">')
    body = re.sub(r"<th(?=[^>]* rowspan)", '<th scope="rowgroup"', body).replace("<th>", '<th scope="row">')
    return head + mark + body


def numbers(tables: Sequence[Mapping[str, Any]], name: str) -> str:
    """The data behind a figure as HTML, folded away: a table for each, and the same as a file to download.

    Parameters
    ----------
    tables : sequence of mappings
        title, columns, rows and note, as a stored picture's metadata has them.
    name : str
        What the files are called, without their ending.
    """
    several = len(tables) > 1
    parts = [_table(table, f"{name}-{i}.csv" if several else f"{name}.csv") for i, table in enumerate(tables, 1)]
    return (
        '<details class="figure-numbers"><summary>The numbers of this figure</summary>' + "".join(parts) + "</details>"
    )


def _table(table, file):
    """One table, its note, and a link that holds it as CSV."""
    title, columns, rows = table.get("title") or "Data", table["columns"], table["rows"]
    names = [_text(column) for column in columns]
    head = "".join(f'<th scope="col">{name}</th>' if name.strip() else "<td></td>" for name in names)
    lines = "".join(f"<tr>{''.join(map(_cell, row, range(len(row))))}</tr>" for row in rows)
    note = f"<p>{_text(table['note'])}</p>" if table.get("note") else ""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([columns, *rows])
    link = base64.b64encode(written.getvalue().encode()).decode()
    return (
        f"<div><table><caption>{_text(title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table></div>"
        f'{note}<p><a download="{file}" href="data:text/csv;charset=utf-8;base64,{link}">'
        f"{_text(title)}, as CSV</a></p>"
    )


def _cell(value, column):
    """A cell of the body; a name that a row begins with is its heading."""
    named = column == 0 and isinstance(value, str) and value.strip()
    return f'<th scope="row">{_text(value)}</th>' if named else f"<td>{_text(value)}</td>"


def _text(value):
    """A value as text in HTML, on one line, in which Markdown finds nothing of its own."""
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return "".join(f"&#{ord(letter)};" if letter in "$*_`[]\\" else html.escape(letter) for letter in text).replace(
        "\n", " "
    )
