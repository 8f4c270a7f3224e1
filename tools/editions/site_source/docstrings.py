"""The docstrings of the course as reStructuredText: equations stay as they are drawn, names are no markup."""

import re
from typing import Any

from sphinx.application import Sphinx

PROMPT = 3 * ">"  # before an example
TYPE = re.compile(r"^\s*\w+(, \w+)* : ")
# What a type or a default is in Python, and how a reader would write it.
WRITTEN = [
    (re.compile(r"~?[\w.]*_Buffer \|.*?\| complex \| bytes \| str \| [^|]*?\[complex \| bytes \| str\]"),
     "~numpy.typing.ArrayLike"),
    (re.compile(r"<factory>"), "..."),
    (re.compile(r"<function (\w+)>"), r"\1"),
    (re.compile(r"<class '(\w+)'>"), r"\1"),
    (re.compile(r"\w+Path\('(?:[^']*/)?([^/']+)'\)"), r"Path('\1')"),  # a file of the course, wherever it was built
]  # fmt: skip
MARKS = re.compile(r"(``.*?``|`[^`]*`)|([*|]|(?<=\w)_(?!\w))")


def as_markup(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Changes the lines of a docstring in place, before they are read.

    An indented block that no section's heading explains is an equation or a command, and is set as such. Elsewhere
    stars, bars and underscores at the end of a name mean themselves.
    """
    if lines and lines[0].startswith("Alias for field number"):  # Python's own words for what a tuple holds
        lines[:] = []
    # Of a property napoleon takes what stands before a colon for its type, but not below an empty line.
    lines[:] = [*([""] if what in ("property", "attribute") else []), *marked_up(lines)]


def marked_up(lines: list[str]) -> list[str]:
    """The lines of a docstring with its equations as literal blocks, and nothing else that looks like markup."""
    section = next((i - 1 for i, line in enumerate(lines) if i and re.fullmatch(r"-{3,}", line.strip())), len(lines))
    found, block = [], False
    for i, line in enumerate(lines):
        indented = i < section and line.startswith("    ")
        if indented and not block:
            found += ["::", ""]
        if line.strip():
            block = indented
        found.append(line if block or line.lstrip().startswith(PROMPT) else escaped(line))
    return found


def escaped(line: str) -> str:
    """The line without markup, but for what stands in backticks, and the names of arguments such as `**options`."""
    if re.fullmatch(r"\s*\*{1,2}\w+( : .*)?", line):
        return line
    if TYPE.match(line):  # a type is looked up, and the helpers have a name `path`
        line = re.sub(r"\bpath\b", "Path", line)
    line = re.sub(r"^(\s*\w)\.(?=\s|$)", r"\1\\.", line)  # "K." begins no list
    return MARKS.sub(lambda found: found[1] or f"\\{found[2]}", line)


def as_written(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """The signature in words of a reader: no inner names of numpy, and no path of the machine that builds the site."""
    for found, written in WRITTEN:
        signature, returns = (part and found.sub(written, part) for part in (signature, returns))
    return signature, returns


def is_not_ours(app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """True for a member that another library has put into a class of the course; else Sphinx decides."""
    return True if "sklearn" in (getattr(thing, "__module__", None) or "") else None
