"""Links to Binder and Colab: written into a copy of the course, read again, and run."""

import re
import shutil
import sys

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.test_notebooks import problems
from tools.badges import INSTALL, main
from tools.minutes import IN_THE_BROWSER, minutes
from tools.refresh import NOTEBOOKS, lessons


@pytest.fixture
def course(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for path in lessons():
        shutil.copy(path, tmp_path / "notebooks")
    shutil.copy(NOTEBOOKS.parent / "README.md", tmp_path)
    return tmp_path


def texts(course):
    return {path.name: path.read_bytes() for path in [course / "README.md", *lessons(course / "notebooks")]}


def test_each_lesson_has_its_links_and_an_install_cell_and_is_sound(course, capsys):
    before = {path.name: nbformat.read(path, as_version=4) for path in lessons()}
    for notebook in before.values():  # this course may have its badges
        notebook.cells = [cell for cell in notebook.cells if cell.id not in IN_THE_BROWSER]
    assert main(["someone/their-course"], course / "notebooks") == 0
    assert "README.md and 22 lessons" in capsys.readouterr().out
    for path in lessons(course / "notebooks"):
        notebook = nbformat.read(path, as_version=4)
        head, links, install, *rest = notebook.cells
        assert [cell.source for cell in (head, *rest)] == [cell.source for cell in before[path.name].cells]
        assert (
            f"(https://mybinder.org/v2/gh/someone/their-course/main?urlpath=lab/tree/notebooks/{path.name})"
            in links.source
        )
        assert f"/github/someone/their-course/blob/main/notebooks/{path.name})" in links.source
        assert install.source == INSTALL.format(repository="someone/their-course")
        assert minutes(notebook) == minutes(before[path.name])
        assert list(problems(notebook, NOTEBOOKS / path.name)) == []
    badges = (course / "README.md").read_text(encoding="utf-8").splitlines()[2]
    assert re.findall(r"someone/their-course/(?:blob/)?main", badges) == [
        "someone/their-course/main",
        "someone/their-course/blob/main",
    ]


def test_given_again_the_command_replaces_what_it_wrote(course):
    main(["someone/their-course"], course / "notebooks")
    once = texts(course)
    main(["another/course", "--branch=2027"], course / "notebooks")
    assert texts(course) != once
    main(["someone/their-course"], course / "notebooks")
    assert texts(course) == once


@pytest.mark.parametrize("address", ["", "course", "https://github.com/someone/course", "a/b/c"])
def test_what_is_no_owner_and_name_is_refused_and_nothing_is_written(course, address, capsys):
    before = texts(course)
    with pytest.raises(SystemExit):
        main([address], course / "notebooks")
    assert "REPOSITORY=owner/name" in capsys.readouterr().err and texts(course) == before


@pytest.mark.parametrize("on_colab", [True, False])
def test_the_install_cell_installs_on_colab_alone(on_colab, monkeypatch):
    asked = []
    shell = InteractiveShell.instance()
    monkeypatch.setattr(shell, "run_line_magic", lambda *words, **_: asked.append(words))
    if on_colab:
        monkeypatch.setitem(sys.modules, "google.colab", object())
    assert shell.run_cell(INSTALL.format(repository="someone/their-course")).success
    assert asked == ([("pip", "install --quiet git+https://github.com/someone/their-course")] if on_colab else [])
