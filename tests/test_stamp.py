"""Whether an edition is stale is told from the files that it was built from."""

import pytest

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
    stamp.write(tmp_path, root, ["README.md", "notebooks"])
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
        stamp.write(tmp_path, root, ["gone"])
    assert not (tmp_path / stamp.STAMP).exists()
