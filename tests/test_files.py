"""Files that are whole or not there, whatever happens while they are written."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from helpers.files import written_whole
from tests.common import assert_refused

COURSE = Path(__file__).parent.parent


def write(path, content):
    with written_whole(path) as unfinished:
        unfinished.write_text(content)


@pytest.mark.parametrize("as_path", [str, lambda path: path], ids=["text", "path"])
def test_the_new_content_stands_under_the_name_when_the_block_ends_and_not_before(tmp_path, as_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with written_whole(as_path(path)) as unfinished:
        assert unfinished.parent == tmp_path and unfinished != path
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["table.csv"]


def test_a_file_may_be_new(tmp_path):
    write(tmp_path / "table.csv", "new")
    assert (tmp_path / "table.csv").read_text() == "new" and os.listdir(tmp_path) == ["table.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", ["old", None])
def test_an_error_leaves_the_old_file_and_nothing_half_written(tmp_path, error, old):
    path = tmp_path / "table.csv"
    if old:
        path.write_text(old)
    with pytest.raises(error), written_whole(path) as unfinished:
        unfinished.write_text("half")
        raise error
    assert os.listdir(tmp_path) == (["table.csv"] if old else [])
    assert old is None or path.read_text() == old


def test_a_block_that_writes_nothing_is_an_error_and_the_old_file_stays(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), written_whole(path):
        pass
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["table.csv"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    assert_refused(lambda: write(tmp_path / "absent" / "table.csv", "new"), FileNotFoundError, "absent")


def test_a_name_that_is_a_folder_is_refused_and_nothing_is_left_beside_it(tmp_path):
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(OSError):
        write(tmp_path / "table.csv", "new")
    assert os.listdir(tmp_path) == ["table.csv"]


def test_others_may_read_the_file_as_they_may_read_any_new_one(tmp_path):
    write(tmp_path / "whole", "new")
    (tmp_path / "plain").write_text("new")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("whole", "plain")]
    assert modes[0] == modes[1]


def test_two_writers_at_once_leave_one_whole_file(tmp_path):
    """Both are in the middle at the same time, in one process; the one that ends last is read."""
    path, both = tmp_path / "table.csv", threading.Barrier(2, timeout=30)

    def write_slowly(letter):
        with written_whole(path) as unfinished, open(unfinished, "w") as file:
            file.write(letter * 1000)
            file.flush()
            both.wait()
            file.write(letter * 1000)
            both.wait()

    writers = [threading.Thread(target=write_slowly, args=letter) for letter in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_text() in ("a" * 2000, "b" * 2000) and os.listdir(tmp_path) == ["table.csv"]


WRITE_OFTEN = """
import sys
from helpers.files import written_whole
for _ in range(50):
    with written_whole(sys.argv[1]) as unfinished:
        unfinished.write_text(5000 * sys.argv[2])
"""


def test_writers_in_two_processes_never_show_half_a_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a" * 5000)
    writers = [subprocess.Popen([sys.executable, "-c", WRITE_OFTEN, path, letter], cwd=COURSE) for letter in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(path.read_text())
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen | {path.read_text()} <= {"a" * 5000, "b" * 5000} and os.listdir(tmp_path) == ["table.csv"]
