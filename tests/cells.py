"""What the tests look at in the cells of a stored notebook."""

import ast
import re

import nbformat


def read(path):
    """The notebook as it is stored; `nbformat.read` would repair its cell ids."""
    with path.open(encoding="utf-8") as file:
        return nbformat.reader.read(file)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell):
    return cell.metadata.get("tags", [])


def pictures(cell):
    """The PNG pictures that a cell's outputs show."""
    return [output.data["image/png"] for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]


def ends_in_slide(cell):
    """Whether what a code cell shows is what `helpers.plotting.sliders.slide` returns."""
    return _ends_in_call(cell, "slide")


def ends_in_playground(cell):
    """Whether what a code cell shows is what `helpers.playground.playground` returns."""
    return _ends_in_call(cell, "playground")


def _ends_in_call(cell, name):
    if not re.search(rf"\b{name}\(", cell.source):
        return False
    last = ast.parse(cell.source).body[-1]
    return (
        isinstance(last, ast.Expr)
        and isinstance(last.value, ast.Call)
        and ast.unparse(last.value.func).split(".")[-1] == name
    )


def exercise_checked(code):
    """The name of the exercise that the last line checks, such as "q1", or None."""
    body = ast.parse(code).body
    found = re.fullmatch(r"(q\d+)\.check\(.*\)", ast.unparse(body[-1]), re.DOTALL) if body else None
    return found.group(1) if found else None
