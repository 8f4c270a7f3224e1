"""New editions with a student's work kept: in git repositories made here, as a student's is."""

import subprocess

import nbformat
import pytest

from tools import update


def git(folder, *arguments):
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, check=True, text=True)
    return done.stdout.strip()


def notebook(**cells):
    """A notebook of these cells, known by their ids: those that begin with # are markdown."""
    made = []
    for name, source in cells.items():
        make = nbformat.v4.new_markdown_cell if source.startswith("#") else nbformat.v4.new_code_cell
        made.append(make(source, id=name.replace("_", "-")))
    return nbformat.v4.new_notebook(cells=made)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else nbformat.writes(content)
    path.write_text(text, encoding="utf-8")


def sources(path):
    return [(cell.id, cell.source) for cell in nbformat.read(path, as_version=4).cells]


LESSON = {"head": "# Lesson", "data": "R = 1", "ask": "# Question", "answer": "...  # your code", "end": "# End"}


class School:
    """A public repository, and a student's clone of it."""

    def __init__(self, folder):
        self.public, self.mine = folder / "public", folder / "mine"
        self.public.mkdir()
        git(self.public, "init", "--quiet", "--initial-branch=main")
        self.publish(
            {"notebooks/05_how_many.ipynb": notebook(**LESSON), "helpers/x.py": "a = 1\n", "README.md": "one\n"}
        )
        git(folder, "clone", "--quiet", str(self.public), str(self.mine))

    def publish(self, files, gone=()):
        for name, content in files.items():
            write(self.public / name, content)
        for name in gone:
            (self.public / name).unlink()
        git(self.public, "add", "--all")
        git(self.public, "commit", "--quiet", "-m", "an edition")

    def update(self, capsys):
        code = update.main(["update"], self.mine)
        told = capsys.readouterr()
        return code, told.out + told.err

    def kept(self):
        return {path.relative_to(self.mine / "yours").as_posix().split("/", 1)[1]: path.read_text(encoding="utf-8")
                for path in (self.mine / "yours").rglob("*") if path.is_file()}  # fmt: skip


@pytest.fixture
def school(tmp_path):
    return School(tmp_path)


def test_the_newest_edition_is_told(school, capsys):
    assert school.update(capsys) == (0, "This is the newest edition.\n")
    assert not (school.mine / "yours").exists()


def test_without_work_of_their_own_a_student_gets_the_edition_as_it_is(school, capsys):
    school.publish({"README.md": "two\n", "notebooks/06_new.ipynb": notebook(**LESSON)})
    code, told = school.update(capsys)
    assert code == 0 and told == "This is the newest edition now. The next `make lab` brings its packages.\n"
    assert (school.mine / "README.md").read_text() == "two\n" and (school.mine / "notebooks/06_new.ipynb").exists()
    assert git(school.mine, "status", "--porcelain") == "" and not (school.mine / "yours").exists()


def test_answers_and_own_cells_stay_in_a_lesson_that_has_changed_and_has_another_number(school, capsys):
    mine = notebook(**{**LESSON, "answer": "R + 1"})
    mine.cells.insert(2, nbformat.v4.new_code_cell("R  # I wonder", id="own-one"))
    mine.cells.insert(3, nbformat.v4.new_markdown_cell("# and note", id="own-two"))
    mine.cells[5].outputs = [nbformat.v4.new_output("stream", name="stdout", text="2")]
    path = school.mine / "notebooks" / "05_how_many.ipynb"
    write(path, mine)
    before = path.read_text(encoding="utf-8")
    newer = {
        "head": "# Lesson, better",
        "data": "R = 2",
        "more": "S = 3",
        "ask": "# Question",
        "answer": "...  # your code",
    }
    school.publish({"notebooks/07_how_many.ipynb": notebook(**newer)}, gone=["notebooks/05_how_many.ipynb"])
    code, told = school.update(capsys)
    assert code == 0 and "notebooks/07_how_many.ipynb: 1 changed and 2 own cells kept\n" in told
    assert not path.exists()
    assert sources(school.mine / "notebooks" / "07_how_many.ipynb") == [
        ("head", "# Lesson, better"),
        ("data", "R = 2"),
        ("own-one", "R  # I wonder"),
        ("own-two", "# and note"),
        ("more", "S = 3"),
        ("ask", "# Question"),
        ("answer", "R + 1"),
    ]
    assert nbformat.read(school.mine / "notebooks" / "07_how_many.ipynb", 4).cells[6].outputs[0].text == "2"
    assert school.kept() == {"notebooks/05_how_many.ipynb": before}
    assert school.update(capsys) == (0, "This is the newest edition.\n")


def test_an_answer_whose_question_is_gone_stands_at_the_end(school, capsys):
    mine = notebook(**{**LESSON, "answer": "R + 1"})
    mine.cells.append(nbformat.v4.new_code_cell("last = 1", id="own"))
    write(school.mine / "notebooks/05_how_many.ipynb", mine)
    school.publish({"notebooks/05_how_many.ipynb": notebook(head="# Lesson", data="R = 2")})
    code, told = school.update(capsys)
    assert code == 0 and "1 changed and 1 own cells kept, 1 of them at the end" in told
    found = sources(school.mine / "notebooks/05_how_many.ipynb")
    assert found[:2] == [("head", "# Lesson"), ("data", "R = 2")] and ("own", "last = 1") in found
    assert found[-2:] == [("your-cells-of-the-edition-before", update.NO_PLACE), ("answer", "R + 1")]


def test_a_notebook_that_was_only_run_becomes_that_of_the_edition(school, capsys):
    run = notebook(**LESSON)
    run.cells[1].outputs = [nbformat.v4.new_output("stream", name="stdout", text="1")]
    run.cells[1].execution_count = 7
    run.metadata["language_info"] = {"name": "python", "version": "3.13"}
    write(school.mine / "notebooks/05_how_many.ipynb", run)
    school.publish({"notebooks/05_how_many.ipynb": notebook(**{**LESSON, "data": "R = 9"})})
    code, told = school.update(capsys)
    assert code == 0 and "0 changed and 0 own cells kept" in told
    assert git(school.mine, "status", "--porcelain") in ("", "?? yours/")
    assert len(school.kept()) == 1


def test_an_answer_that_became_text_is_kept_and_a_notebook_without_ids_is_laid_aside(school, capsys):
    mine = notebook(**LESSON)
    mine.cells[3] = nbformat.v4.new_markdown_cell("It is a half.", id="answer")
    write(school.mine / "notebooks/05_how_many.ipynb", mine)
    school.publish({"notebooks/05_how_many.ipynb": notebook(**{**LESSON, "data": "R = 2"})})
    assert "1 changed and 0 own cells kept" in school.update(capsys)[1]
    kept = nbformat.read(school.mine / "notebooks/05_how_many.ipynb", as_version=4)
    assert [(cell.cell_type, cell.source) for cell in kept.cells][3] == ("markdown", "It is a half.")
    for cell in kept.cells:
        del cell["id"]
    kept.nbformat_minor = 4
    write(school.mine / "notebooks/05_how_many.ipynb", nbformat.writes(kept))
    school.publish({"README.md": "three\n"})
    code, told = school.update(capsys)
    assert code == 0 and "05_how_many.ipynb: cannot be read as a notebook of this course" in told
    assert any("It is a half." in text for text in school.kept().values())
    assert git(school.mine, "status", "--porcelain") in ("", "?? yours/")


def test_other_files_that_were_changed_or_are_in_the_way_are_kept_aside(school, capsys):
    write(school.mine / "helpers" / "x.py", "a = 2  # mine\n")
    write(school.mine / "notebooks" / "06_new.ipynb", "my own file of this name")
    write(school.mine / "notes.txt", "not in anybody's way")
    write(school.mine / "notebooks" / "05_how_many.ipynb", "{broken")
    school.publish({"README.md": "two\n", "notebooks/06_new.ipynb": notebook(**LESSON)})
    code, told = school.update(capsys)
    assert code == 0
    assert "helpers/x.py: yours is in yours/" in told and "05_how_many.ipynb: cannot be read as a notebook" in told
    assert school.kept() == {
        "helpers/x.py": "a = 2  # mine\n",
        "notebooks/06_new.ipynb": "my own file of this name",
        "notebooks/05_how_many.ipynb": "{broken",
    }
    assert (school.mine / "helpers/x.py").read_text() == "a = 1\n"
    assert (school.mine / "notes.txt").read_text() == "not in anybody's way"
    assert sources(school.mine / "notebooks/06_new.ipynb") == [*notebook_sources(LESSON)]


def notebook_sources(cells):
    return [(name, source) for name, source in cells.items()]


def test_nothing_is_changed_where_something_is_in_the_way(school, tmp_path, capsys):
    school.publish({"README.md": "two\n"})
    write(school.mine / "README.md", "mine\n")
    git(school.mine, "commit", "--quiet", "--all", "-m", "my own")
    code, told = school.update(capsys)
    assert code == 1 and told == "There are commits of your own here: bring the edition in with git merge.\n"
    assert (school.mine / "README.md").read_text() == "mine\n"
    (tmp_path / "zip").mkdir()
    assert update.main(["update"], tmp_path / "zip") == 1
    assert capsys.readouterr().err.startswith("This course did not come by git: download the new edition beside it")
    git(school.mine, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    code, told = school.update(capsys)
    assert code == 1 and told.startswith("git fetch says: ")


def test_a_disk_that_is_full_leaves_what_was_there(school, capsys, monkeypatch):
    write(school.mine / "notebooks/05_how_many.ipynb", notebook(**{**LESSON, "answer": "R + 1"}))
    school.publish({"README.md": "two\n"})
    full = OSError(28, "No space left on device", "yours")
    monkeypatch.setattr(update.shutil, "copy2", lambda *paths: (_ for _ in ()).throw(full))
    code, told = school.update(capsys)
    assert code == 1 and told == "yours cannot be read or written: No space left on device.\n"
    assert ("answer", "R + 1") in sources(school.mine / "notebooks/05_how_many.ipynb")
    assert (school.mine / "README.md").read_text() == "one\n"


def test_a_clean_copy_stands_beside_the_students(school, capsys):
    path = school.mine / "notebooks/05_how_many.ipynb"
    write(path, notebook(**{**LESSON, "answer": "R + 1"}))
    for name in ("05_how_many fresh.ipynb", "05_how_many fresh 2.ipynb"):
        assert update.main(["fresh", "05"], school.mine) == 0
        assert capsys.readouterr().out == f"A clean copy is in notebooks/{name}; yours is as it was.\n"
        assert sources(path.with_name(name)) == notebook_sources(LESSON)
    assert ("answer", "R + 1") in sources(path)
    assert update.main(["fresh", "99"], school.mine) == 1
    assert capsys.readouterr().err == "There is no lesson '99': make fresh LESSON=05, or one of 05.\n"
