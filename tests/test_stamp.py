"""Whether an edition is stale is told from the files that it was built from."""

import pytest

from tools.editions import __main__ as every
from tools.editions import stamp


@pytest.fixture
def root(tmp_path):
    for name in ("notebooks/a.txt", "notebooks/deep/b.txt", "README.md", "notebooks/__pycache__/c.pyc"):
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(name)
    return tmp_path / "root"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda root: None, []),
        (lambda root: (root / "notebooks/a.txt").write_text("new"), ["notebooks/a.txt"]),
        (lambda root: (root / "notebooks/new.txt").write_text("new"), ["notebooks/new.txt"]),
        (lambda root: (root / "README.md").unlink(), ["README.md"]),
        (lambda root: (root / "notebooks/__pycache__/c.pyc").write_text("new"), []),
        (lambda root: (root / "other.txt").write_text("of no edition"), []),
    ],
)
def test_a_stale_edition_says_which_files_have_changed(root, tmp_path, change, told):
    noted = stamp.sources(root, parts := ["README.md", "notebooks"])
    stamp.write(tmp_path, noted, parts)
    change(root)
    assert stamp.stale(tmp_path, root) == told


def test_a_folder_without_a_finished_edition_is_not_fresh(root, tmp_path):
    with pytest.raises(ValueError, match="build it first"):
        stamp.stale(tmp_path, root)
    (tmp_path / stamp.STAMP).write_text("{}")
    with pytest.raises(ValueError, match="build it first"):
        stamp.stale(tmp_path, root)


def test_an_edition_is_not_made_of_what_is_not_there(root, tmp_path):
    with pytest.raises(ValueError, match=r"made of gone"):
        stamp.sources(root, ["gone"])


def test_what_changes_during_a_build_makes_the_edition_stale(root, tmp_path):
    noted = stamp.sources(root, ["README.md"])
    (root / "README.md").write_text("changed while the edition was built")
    stamp.write(tmp_path, noted, ["README.md"])
    assert stamp.stale(tmp_path, root) == ["README.md"]


@pytest.fixture
def editions(root, tmp_path, monkeypatch):
    """Two editions, of which the builders are stand-ins; what was asked of them."""
    asked = []

    def builder(name, code):
        def main(argv):
            asked.append(name)
            folder = tmp_path / "build" / name
            folder.mkdir(parents=True, exist_ok=True)
            stamp.write(folder, stamp.sources(root, ["README.md"]), ["README.md"])
            return code

        return main

    monkeypatch.setattr(every, "ROOT", root)
    monkeypatch.setattr(every, "BUILD", tmp_path / "build")
    monkeypatch.setattr(every, "BUILDERS", {"slides": builder("slides", 0), "site": builder("site", 0)})
    return asked


def test_all_editions_are_built_in_turn_and_one_that_fails_is_not_hidden(editions, monkeypatch):
    assert every.main([]) == 0 and editions == ["slides", "site"]
    monkeypatch.setitem(every.BUILDERS, "slides", lambda argv: 1)
    assert every.main([]) == 1


def test_check_names_what_is_stale_or_was_never_built(editions, root, capsys):
    assert every.main(["--check"]) == 1 and "slides: was not built" in capsys.readouterr().out
    every.main([])
    assert every.main(["--check"]) == 0
    (root / "README.md").write_text("new")
    assert every.main(["--check"]) == 1
    assert "site: stale, for 1 file has changed: README.md" in capsys.readouterr().out and len(editions) == 2
