"""The pages of the API: for each room of the helpers, what its `.pyi` file makes public, from the docstrings."""

import ast
import re
from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from tools.refresh import ROOT

HELPERS = ROOT / "helpers"
# In this order, with what a page says of itself; a room that is not here has a page at the end.
ROOMS = {
    "helpers": "The panel, and what is asked of input",
    "helpers.data": "Data",
    "helpers.models": "Models",
    "helpers.evaluation": "Evaluation",
    "helpers.plotting": "Pictures",
    "helpers.playground": "The playground",
    "helpers.experiments": "Experiments",
    "helpers.experiments.entries": "Entries for the leaderboard",
    "helpers.exercises": "Exercises",
}
HEAD = """# The helpers

The small tested module that the notebooks import. Everything passes through three nouns: a panel holds the data, a
model is fitted to it, a simulated market knows the truth. Students write `from helpers import PCAFactors`, or
`from helpers.models import PCAFactors`; each name stands in the page of its room.
"""


class Public(NamedTuple):
    """A public name: the room that offers it, its name there, and the module that it comes from."""

    room: str
    name: str
    module: str


def public_names() -> list[Public]:
    """What the `.pyi` files of the helpers offer, each name in the room that it is at home in."""
    found: dict[str, Public] = {}
    for stub in sorted(HELPERS.rglob("__init__.pyi"), key=lambda path: -len(path.parts)):
        room = ".".join(stub.parent.relative_to(ROOT).parts)
        for node in ast.parse(stub.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    thing = getattr(import_module(room), alias.name)
                    if isinstance(thing, ModuleType) and thing.__name__ in _rooms():
                        continue  # a room is a page of its own
                    found.setdefault(alias.name, Public(room, alias.name, f"{room}.{node.module or ''}".rstrip(".")))
    return sorted(found.values())


def _rooms():
    return {".".join(stub.parent.relative_to(ROOT).parts) for stub in HELPERS.rglob("__init__.pyi")}


def write(folder: Path) -> None:
    """Writes the pages: index.md, and one for each room."""
    folder.mkdir()
    names = public_names()
    rooms = [*ROOMS, *sorted(_rooms() - ROOMS.keys())]
    entries = "\n".join(file(room).removesuffix(".rst") for room in rooms)
    (folder / "index.md").write_text(f"{HEAD}\n```{{toctree}}\n{entries}\n```\n", encoding="utf-8")
    for room in rooms:
        (folder / file(room)).write_text(page(room, [each for each in names if each.room == room]), encoding="utf-8")


def file(room: str) -> str:
    """The page of a room."""
    return room.removeprefix("helpers.").replace(".", "_") + ".rst"


def page(room: str, names: list[Public]) -> str:
    """The page of a room in reStructuredText: classes and functions first, then modules."""
    title = f"{ROOMS.get(room, room)}: ``{room}``"
    parts = [title, "=" * len(title), "", *_summary(room), f".. currentmodule:: {room}", ""]
    public = {each.name for each in public_names()}
    things = {each.name: getattr(import_module(room), each.name) for each in names}
    for name, thing in sorted(things.items(), key=lambda item: isinstance(item[1], ModuleType)):
        parts += _directive(room, name, thing, public)
    return "\n".join(parts)


def _summary(room):
    """The first line of a room's own docstring."""
    first = (import_module(room).__doc__ or "").partition("\n")[0]
    return [re.sub(r"([*|])", r"\\\1", first), ""]


def _directive(room, name, thing, elsewhere):
    """What asks Sphinx for the description of a public name; what a module shares with its room is said there."""
    if isinstance(thing, ModuleType):
        # The questions of lessons hold their solutions, and the entries are scripts: only what they are is said.
        whole = [] if room in ("helpers.exercises", "helpers.experiments.entries") else ["   :members:"]
        shared = sorted(elsewhere & vars(thing).keys())
        whole += [f"   :exclude-members: {', '.join(shared)}"] if whole and shared else []
        title = f"``{name}``"
        return [title, "-" * len(title), "", f".. automodule:: {thing.__name__}", *whole, ""]
    if isinstance(thing, type):
        bases = [] if thing.__bases__ == (object,) else ["   :show-inheritance:"]
        return [f".. autoclass:: {name}", "   :members:", *bases, ""]
    if callable(thing):
        return [f".. autofunction:: {name}", ""]
    if isinstance(thing, Mapping):
        said = f"Has {', '.join(f'``{key}``' for key in thing)}."
    elif isinstance(thing, Collection) and not isinstance(thing, str):
        said = f"{', '.join(f'``{one}``' for one in thing)}."
    else:
        said = f"``{thing!r}``."
    return [f".. py:data:: {name}", "", f"   {said}", ""]
