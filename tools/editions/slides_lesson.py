"""A lesson taken apart: its headings, paragraphs, formulas, pictures, tables and printed numbers, in their order."""

import ast
import base64
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

PARSER = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)
SENTENCE_ENDS = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][*\")])|(?<=[.!?]\*\*))\s+(?=\S)")
OF_TOKENS = {"heading_open": "heading", "math_block": "formula", "fence": "fence"}
OF_TOKENS |= {"bullet_list_open": "list", "ordered_list_open": "list"}


@dataclass(frozen=True)
class Picture:
    """A stored picture: its bytes, what it shows in a sentence, and its size on the page."""

    png: bytes
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class Piece:
    """A part of a lesson that is not taken apart further."""

    kind: str  # heading, prose, list, formula, fence; of code cells: picture, table, printed, code
    text: str  # as it stands in the lesson; of a code cell its code
    cell: int
    level: int = 0  # of a heading
    result: str = ""  # what a cell has printed, or its table in HTML
    picture: Picture | None = None
    said: Mapping[str, Any] = field(default_factory=dict)  # what the metadata of its cell says of slides

    @property
    def is_prose(self) -> bool:
        """Whether it was written to be read, and so belongs into notes."""
        return self.kind in ("heading", "prose", "list", "formula", "fence")


def read(path: Path) -> list[Piece]:
    """The pieces of a stored lesson, in its order."""
    notebook = nbformat.read(path, as_version=4)
    pieces: list[Piece] = []
    for index, cell in enumerate(notebook.cells):
        said = dict(cell.metadata.get("slide", {}))
        said["type"] = cell.metadata.get("slideshow", {}).get("slide_type", "")
        pieces += of_markdown(cell.source, index, said) if cell.cell_type == "markdown" else of_code(cell, index, said)
    return pieces


def of_markdown(source: str, cell: int, said: Mapping[str, Any]) -> Iterator[Piece]:
    """The blocks of a markdown cell."""
    lines = source.split("\n")
    for token in PARSER.parse(source):
        if token.level == 0 and token.nesting >= 0 and token.map:
            text = "\n".join(lines[slice(*token.map)]).strip()
            kind = OF_TOKENS.get(token.type, "prose")
            if kind == "heading":
                yield Piece(kind, text.lstrip("# "), cell, level=int(token.tag[1]), said=said)
            else:
                yield Piece(kind, text, cell, said=said)


def of_code(cell: Any, index: int, said: Mapping[str, Any]) -> Iterator[Piece]:
    """What a code cell has printed and drawn; the code alone, if nothing."""
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream").rstrip()
    is_exercise = "from helpers.exercises" in cell.source
    if printed and not is_exercise:
        yield Piece("printed", cell.source, index, result=printed, said=said)
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            yield Piece("picture", cell.source, index, picture=picture(output, alt), said=said)
        elif "text/html" in data:
            yield Piece("table", cell.source, index, result=data["text/html"], said=said)
    if not printed and not cell.outputs:
        yield Piece("code", cell.source, index, said=said)


def picture(output: Any, alt: str) -> Picture:
    """The picture of an output; the alt text of its cell wins, and its own size holds where it says none."""
    png = base64.b64decode(output["data"]["image/png"])
    noted = output.get("metadata", {}).get("image/png", {})
    width, height = struct.unpack(">II", png[16:24])
    return Picture(png, alt or noted.get("alt", ""), noted.get("width", width), noted.get("height", height))


def said_by_picture(source: str) -> str:
    """The title that a cell gives to its picture, where it is a sentence that stands in the code."""
    texts = [node.value for node in ast.walk(ast.parse(re.sub(r"^[%!].*$", "pass", source, flags=re.M)))
             if isinstance(node, ast.Constant) and isinstance(node.value, str)]  # fmt: skip
    found = [text for text in texts if len(text.split()) >= 4 and text[0].isupper() and text[-1] not in ".,:"]
    return found[0] if found and "{" not in found[0] and "\n" not in found[0] else ""


def sentences(text: str, most: int) -> str:
    """The first sentences of a paragraph, up to so many characters, at least one; formulas and brackets stay whole."""
    taken = ""
    for part in SENTENCE_ENDS.split(text.replace("\n", " ")):
        both = f"{taken} {part}".strip()
        if taken and _closed(taken) and len(both) > most:
            break
        taken = both
    return taken if _closed(taken) else text


def _closed(text):
    outside = re.sub(r"\$[^$]*\$|`[^`]*`", "", text)
    return text.count("$") % 2 == 0 and text.count("`") % 2 == 0 and outside.count("(") == outside.count(")")
