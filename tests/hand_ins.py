"""Notebooks of the homework as students change them, and zips of what they hand in."""

import io
import zipfile

from tools.homework import HERE

SOURCES = sorted(HERE.glob("*.ipynb"))


def cell(notebook, grade_id):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def with_answer(notebook, grade_id, code):
    """The notebook with this code as the answer to a task."""
    cell(notebook, grade_id).source = code
    return notebook


def typed_in(source, grade_id, arguments):
    """An answer that knows the numbers of the visible tests by heart and computes nothing."""
    namespace = {}
    exec(cell(source, "given").source + "\n" + cell(source, grade_id).source, namespace)
    values = eval(f"[each.tolist() for each in {grade_id}({arguments})]", namespace)
    return f"def {grade_id}({arguments}):\n    return [np.array(each) for each in {values}]"


def without_its_tests(notebook):
    """The notebook after a student who had no answers made every test pass, and deleted one."""
    for each in notebook.cells:
        if each.metadata.get("nbgrader", {}).get("points") and not each.metadata.nbgrader.solution:
            each.source = "pass"
    notebook.cells.remove(cell(notebook, "turn_hidden"))
    return notebook


def zipped(files, time=(2027, 2, 1, 12, 0, 0)):
    """The bytes of a zip of {name: content}."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, time), content)
    return whole.getvalue()
