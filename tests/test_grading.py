"""`make grade`: a class of made-up students, each with what went wrong; and those who try to get points for nothing.

What a student's code can do is tried in the sandbox that is here; without one only what needs none is tried.
"""

import csv
import json
import os
import re
import socket
import sys
import threading
import time
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from helpers.data import simulate_market
from helpers.labels import labelled
from tests.attacks import BREAKS, HANGS, SWITCHES, WIRE
from tests.hand_ins import SOURCES, cell, typed_in, with_answer, without_its_tests, zipped
from tools import grade
from tools import homework as build
from tools.grading import judge, report, sandbox, wire
from tools.grading.submission import Cell, Raised, Stopped, Submission

if sys.platform == "win32":
    pytest.skip("grading needs Linux or macOS.", allow_module_level=True)

pytestmark = pytest.mark.extra

KIND = next((kind for kind in sandbox.KINDS if sandbox.works(kind)), "none")
needs_a_sandbox = pytest.mark.skipif(KIND == "none", reason="no sandbox: install bubblewrap.")
SECONDS = 6  # of a processor's time


@pytest.fixture(scope="module")
def source():
    return nbformat.read(SOURCES[0], as_version=4)


@pytest.fixture(scope="module")
def release(source):
    return as_released(source)


def as_released(notebook):
    """What a student opens, as nbgrader makes it: tests/test_homework.py checks that it does."""
    given = deepcopy(notebook)
    for each in given.cells:
        each.source = judge.released(each.source)
        each.source = re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", "...  # your code", each.source, flags=re.DOTALL)
        if each.cell_type == "markdown" and each.metadata.get("nbgrader"):
            each.source = "Write your answer here."
    return given


# --- What the two processes say to each other -------------------------------------------------------------------------

PANEL = simulate_market("linear", n_dates=4, n_tickers=5, n_characteristics=3, seed=0).panel
TOLD = {
    "nothing": None,
    "numbers": [1, 2.5, True, -3, float("inf")],
    "text": "β · F",
    "arrays": (np.arange(6.0).reshape(2, 3), np.array([True]), np.array(["a", "bc"]), np.float32(1.5)),
    "dates": np.array(["2020-01-31", "NaT"], dtype="datetime64[ns]"),
    "objects": np.array([None, "x", 3], dtype=object),
    "sets": {1, 2},
    "dicts": {"a": {"b": [1]}, 3: None},
    "tables": pd.DataFrame({"x": [1.0, 2.0], "y": ["a", "b"]}, index=pd.Index(["r", "s"])),
    "series": pd.Series([1, 2], index=[3, 4], name="n"),
    "empty": np.zeros((0, 3)),
    "big-endian": np.arange(3, dtype=">i4"),
}


@pytest.mark.parametrize("name", TOLD)
def test_data_comes_over_as_it_was(name):
    value = TOLD[name]
    over = wire.unpack(wire.pack(value), list)
    assert type(over) is type(value)
    if isinstance(value, (pd.DataFrame, pd.Series)):
        assert over.equals(value) and list(over.index) == list(value.index)
    else:
        assert repr(over) == repr(value)


def test_a_panel_and_labelled_arrays_come_over():
    over = wire.unpack(wire.pack(PANEL), list)
    assert np.array_equal(over.characteristics, PANEL.characteristics) and list(over.tickers) == list(PANEL.tickers)
    assert np.array_equal(wire.unpack(wire.pack(labelled(np.eye(2), ["a", "b"], ["c", "d"])), list), np.eye(2))


def test_what_is_no_data_is_told_by_its_name_and_code_never_comes_over():
    class Bomb:
        def __reduce__(self):
            return os.abort, ()

    over = wire.unpack(wire.pack([Bomb(), np.array([Bomb()], dtype=object), (x for x in "ab"), print]), list)
    assert [over[0].type_name, over[2].type_name, over[3].type_name] == [
        "Bomb",
        "generator",
        "builtin_function_or_method",
    ]
    assert over[1][0].type_name == "Bomb"
    endless = []
    endless.append(endless)
    assert "without an end" in repr(wire.unpack(wire.pack(endless), list))


def test_forged_messages_are_refused_whatever_they_are():
    random = np.random.default_rng(0)
    whole = wire.pack([TOLD["arrays"], TOLD["tables"], TOLD["dicts"]])
    forged = [random.bytes(n) for n in range(40)]
    forged += [whole[:n] for n in range(0, len(whole) - 1, 7)]
    heads = (
        ["array", "O", [1]],
        ["array", "<f8", [10**9]],
        ["array", "<f8", [-1]],
        ["value"],
        ["message"],
        ["of_list"],
    )
    heads += (["handle", 0], ["panel", 3], ["frame", [1]], ["__init__", 1], ["array", "V8", [1]])
    forged += [wire.LENGTH.pack(len(h)) + h for h in (json.dumps(head).encode() for head in heads)]
    for message in forged:
        with pytest.raises(wire.Unreadable):
            wire.unpack(message, [].__getitem__)
    with pytest.raises(wire.Unreadable, match="MB"):
        wire.receive(lambda n: wire.LENGTH.pack(wire.MOST_BYTES + 1))


# --- A submission's process -------------------------------------------------------------------------------------------

CELLS = [
    Cell(
        "first",
        "import numpy as np\nK = 3\ndef double(x, times=2):\n    print('called')\n    return times * np.asarray(x)",
    ),
    Cell("wrong", "1 / 0"),
    Cell("ends", "import os\nos._exit(3)"),
    Cell("hangs", "while True:\n    pass"),
    Cell(
        "last",
        """
def asks():
    return input()
def loops():
    while True:
        pass
def makes():
    return (i for i in "ab")
def loud():
    print("y" * 30_000_000)
    return 1
def leaves():
    raise SystemExit
def uses(model):
    return model().fit([1, 2]).value
""",
    ),
]


@pytest.fixture(scope="module")
def student():
    with Submission(CELLS, KIND, 3) as submission:
        yield submission


def test_functions_are_called_where_they_are_and_what_ends_the_process_is_left_out(student):
    assert np.array_equal(student.call("double", (np.arange(3),), {"times": 3}), [0, 3, 6])
    assert student.get("K") == 3
    assert student.troubles == {
        "wrong": "ZeroDivisionError: division by zero, at the line: 1 / 0",
        "ends": "its process ended (os._exit, or a crash of compiled code; status 3)",
        "hangs": "it ran for more than 3 seconds, and was stopped",
    }
    assert student.starts == 3 and "called" in student.printed


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("asks", Raised, "EOFError: EOF when reading a line, at the line: return input()"),
        ("leaves", Raised, "SystemExit"),
        ("makes", Raised, "makes returns a generator: numbers, arrays or tables are asked for"),
        ("nowhere", Raised, r"nowhere is not there \(wrong: ZeroDivisionError: division by zero"),
        ("loops", Stopped, "it ran for more than 3 seconds, and was stopped"),
    ],
)
def test_what_goes_wrong_in_a_function_is_said_and_the_next_can_be_called(student, name, error, said):
    with pytest.raises(error, match=said):
        student.call(name, (), {})
    assert student.call("loud", (), {}) == 1 and len(student.printed) <= 4000


def test_objects_of_the_tests_are_lent_and_what_they_say_counts():
    class Model:
        value = 7

        def fit(self, dates):
            assert dates == [1, 2], "other dates"
            return self

    class Strict(Model):
        def fit(self, dates):
            raise AssertionError("fitted again")

    lent = []

    def lend(value):
        own = value if isinstance(value, type) else type(getattr(value, "__self__", value))
        return lent.append(value) or len(lent) - 1 if own in (Model, Strict) else None

    with Submission(CELLS[-1:], KIND, 20, lend, lent.__getitem__) as submission:
        assert submission.call("uses", (Model,), {}) == 7
        with pytest.raises(AssertionError, match="fitted again"):
            submission.call("uses", (Strict,), {})


# --- Sources and their own answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_right_answers_get_all_points_and_the_untouched_release_none(path):
    notebook = nbformat.read(path, as_version=4)
    parts = judge.parts_of(notebook)
    right = judge.grade(parts, notebook, KIND)
    assert [s.said for s in right.scores if s.state not in (judge.RIGHT, "to read")] == []
    assert sum(score.points or 0 for score in right.scores) == 17 and sum(score.most for score in right.scores) == 20
    assert right.suspicions == right.remarks == []
    untouched = judge.grade(parts, as_released(notebook), KIND)
    assert {score.points for score in untouched.scores} == {0} and not untouched.crashed
    assert sum("returns nothing yet" in score.said for score in untouched.scores) == 5
    assert untouched.words == {parts[-1].name: ""} and untouched.suspicions == []


# --- A class ----------------------------------------------------------------------------------------------------------


def edited(source, **answers):
    notebook = deepcopy(source)
    for name, code in answers.items():
        with_answer(notebook, name, code)
    return notebook


def inserted(notebook, name, code, first=None):
    """The notebook with a copy of this cell, nbgrader's name and all, below it, that holds the code."""
    notebook = deepcopy(notebook)
    there = cell(notebook, name)
    copy = deepcopy(there)
    copy.source, copy.id = code, "a-copy"
    there.source = there.source if first is None else first
    notebook.cells.insert(notebook.cells.index(there) + 1, copy)
    return notebook


def without(notebook, *names):
    notebook = deepcopy(notebook)
    notebook.cells = [each for each in notebook.cells if judge.name_of(each) not in names]
    return notebook


def nameless(notebook):
    notebook = deepcopy(notebook)
    for each in notebook.cells:
        each.metadata.pop("nbgrader", None)
    return notebook


def renamed(code, **names):
    for old, new in names.items():
        code = re.sub(rf"\b{old}\b", new, code)
    return code


def the_class(source, release):
    """{student: (what came in, a notebook or bytes; state; points of tests; words that the notes hold)}."""
    turn, regress = cell(source, "turn").source, cell(source, "regress").source
    own = """
def factors_given(R, betas):
    out = np.empty((len(R), betas.shape[1]))
    for d in range(len(R)):
        keep = np.isfinite(R[d])
        out[d] = np.linalg.pinv(betas[keep]) @ R[d][keep]
    return out"""
    other = """
def turn(F, betas, F_true):
    B = np.linalg.pinv(F_true) @ F
    back = np.linalg.inv(B)
    return F @ back, betas @ B.T"""
    copied = "# all mine\n" + renamed(own, out="mine", d="t", keep="known"), renamed(other, B="M", back="undo")
    in_turn = "def turn(F, betas, F_true):\n    "
    magic = "%pip install nothing_at_all\n!ls\n%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1])"
    bar = regress.replace(
        "    X = np.column",
        "    from tqdm import tqdm\n    import sys\n    for _ in tqdm(range(9)):\n"
        "        print('?', file=sys.stderr)\n    X = np.column",
    )
    assert bar != regress
    more = deepcopy(source)
    more.cells.append(nbformat.v4.new_code_cell(magic))
    upside = deepcopy(source)
    upside.cells.reverse()
    no_words = deepcopy(source)
    cell(no_words, "did_beta_move").source = ""
    r_kernel = deepcopy(source)
    r_kernel.metadata["kernelspec"] = {"name": "ir", "display_name": "R", "language": "R"}
    with_output = deepcopy(source)
    cell(with_output, "given").outputs = [nbformat.v4.new_output("stream", name="stdout", text="x" * 30_000_000)]
    in_loop, left = in_turn + "while True: pass", in_turn + "import os; os._exit(0)"
    louder = turn.replace("    B, *_", "    print('y' * 30_000_000)\n    B, *_")
    assert louder != turn
    raises = "def regress(R, F):\n    raise ValueError('I give up')"
    return {
        "good": (source, "to read", 17, ""),
        "untouched": (release, "graded", 0, ""),
        "typed": (edited(source, regress=typed_in(source, "regress", "R, F")), "to read", 15, ""),
        "typed2": (
            edited(
                source,
                regress=typed_in(source, "regress", "R, F"),
                principal_factors="def principal_factors(R, K):\n    Vt = np.linalg.svd(R, full_matrices=False)[2]\n"
                "    V = Vt[:3].T\n    V = V * np.sign(V[np.abs(V).argmax(axis=0), np.arange(3)])\n    return R @ V, V",
            ),
            "to read",
            13,
            "regress, principal_factors: right on the data that is shown, wrong on others",
        ),
        "copied": (inserted(source, "turn", "# tried once more\nx = 1"), "to read", 17, ""),
        "split": (inserted(source, "regress", regress, "import math\nhalf = 1"), "to read", 17, ""),
        "second": (inserted(source, "turn", turn, in_turn + "return None"), "to read", 17, ""),
        "worse": (inserted(source, "turn", in_turn + "return None"), "to read", 14, ""),
        "lost": (nameless(source), "to read", 17, ""),
        "empty": (b"", "crashed", None, "no notebook that can be read: ask for the .ipynb, as saved in Jupyter"),
        "html": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "crashed", None, "no notebook that can be read"),
        "broken": (nbformat.writes(source).encode()[:5000], "crashed", None, "no notebook that can be read"),
        "foreign": (nbformat.writes(nbformat.v4.new_notebook()).encode(), "crashed", None, "without most of the cells"),
        "bar": (edited(source, regress=bar), "to read", 17, ""),
        "asks": (edited(source, turn=in_turn + "return input('B = ')"), "to read", 14, ""),
        "package": (edited(source, turn="import seaborn_of_mine\n" + turn), "to read", 14, ""),
        "endless": (edited(source, turn=in_loop), "to read", 14, "turn_tests: it ran for more than"),
        "hangs": (edited(source, turn="while True: pass"), "to read", 14, ""),
        "exits": (edited(source, turn="import os\nos._exit(0)"), "to read", 14, ""),
        "exits2": (edited(source, turn=left), "to read", 14, "turn_tests: its process ended"),
        "loud": (edited(source, turn=louder), "to read", 17, ""),
        "syntax": (edited(source, turn="def turn(F, betas, F_true)\n    return F"), "to read", 14, ""),
        "raises": (edited(release, regress=raises), "graded", 0, ""),
        "tampered": (without_its_tests(deepcopy(release)), "graded", 0, "the cell regress_tests was changed"),
        "no_data": (without(source, "given"), "to read", 17, ""),
        "no_tests": (without(source, "turn_tests", "turn_hidden", "regress_hidden"), "to read", 17, ""),
        "wordless": (no_words, "graded", 17, ""),
        "kernel": (r_kernel, "to read", 17, ""),
        "magic": (more, "to read", 17, ""),
        "upside": (upside, "to read", 17, ""),
        "output": (with_output, "to read", 17, ""),
        "one": (edited(source, factors_given=own, turn=other), "to read", 17, "factors_given, turn: as other wrote it"),
        "other": (edited(source, factors_given=copied[0], turn=copied[1]), "to read", 17, "turn: as one wrote it"),
        "absent": (None, "missing", None, "no homework_1"),
    }


def come_in(folder, students):
    """Puts what came in into the folder, under the names that platforms and browsers give; a student's list."""
    names = (
        "{0}_homework_1.ipynb",
        "{0} X_101_assignsubmission_file_/homework_1.ipynb",
        "x{0}_123_456_homework_1-2.ipynb",
        "{0} Homework 1 (1).ipynb",
        "HOMEWORK_1_{0}.IPYNB",
        "{0}/my work_final.ipynb",
    )
    lines = ["id,first_name,last_name,email"]
    for i, (student, (handed_in, *_)) in enumerate(students.items()):
        lines.append(f"{student},{student},X,{student}@school.org")
        if handed_in is None:
            continue
        path = folder / names[i % len(names)].format(student)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(handed_in if isinstance(handed_in, bytes) else nbformat.writes(handed_in).encode())
        time = datetime(2027, 3, 1 if student != "bar" else 3, 12, tzinfo=UTC).timestamp()
        os.utime(path, (time, time))
    return "\n".join(lines)


def arguments(course, place, *more):
    kind = ("--trust",) if KIND == "none" else (f"--sandbox={KIND}",)
    return [str(place), f"--course={course}", f"--seconds={SECONDS}", "--jobs=1", *kind, *more]


def table(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def class_(tmp_path_factory, source, release):
    folder = tmp_path_factory.mktemp("class")
    course, place = folder / "course", folder / "came in"
    build.bring_sources(build.course_folder(course))
    students = the_class(source, release)
    (course / "students.csv").write_text(come_in(place, students), encoding="utf-8")
    assert grade.main(arguments(course, place, "--due=2027-03-02")) == 0
    return course, place, students


def test_a_class_comes_out_right_without_a_hand(class_):
    course, _, students = class_
    rows = {row["id"]: row for row in table(course / "grades" / "homework_1.csv")}
    assert list(rows) == list(students)
    for student, (_, state, points, says) in students.items():
        row = rows[student]
        tests = [float(row[name]) for name in row if name.endswith(("_tests", "_hidden")) and row[name]]
        assert (row["state"], sum(tests) if tests else None) == (state, points), (student, row)
        assert says in row["notes"] and (says or not row["notes"]), (student, row["notes"])
        assert (row["late"] != "") == (student == "bar") and row["late"] in ("", "12 h 0 min")
        assert (row["points"] == "") == (state != "graded")


def test_nothing_that_failed_looks_like_a_zero_that_was_earned(class_):
    course, _, students = class_
    moodle = {row["ID number"]: row for row in table(course / "grades" / "homework_1_moodle.csv")}
    canvas = {row["SIS Login ID"]: row for row in table(course / "grades" / "homework_1_canvas.csv")}
    assert canvas[""] == {"Student": "    Points Possible", "ID": "", "SIS User ID": "", "SIS Login ID": "",
                          "Section": "", "Homework 1": "20"}  # fmt: skip
    for student, (_, state, points, says) in students.items():
        earned = f"{points:g}" if state == "graded" else ""
        assert moodle[student]["Homework 1 (of 20)"] == canvas[student]["Homework 1"] == earned
        assert moodle[student]["Email address"] == f"{student}@school.org"
        if state in ("crashed", "missing"):
            assert says in moodle[student]["Feedback"]


def test_feedback_tells_what_was_wrong_and_runs_nothing(class_):
    course, _, _ = class_
    pages = {
        path.parent.parent.name: path.read_text(encoding="utf-8") for path in (course / "feedback").glob("*/*/*.html")
    }
    assert "absent" not in pages and "no notebook that can be read" in pages["html"]
    assert re.search(r"α is wrong in a market of \d\d dates", pages["typed"])
    assert "ModuleNotFoundError: No module named &#x27;seaborn_of_mine&#x27;" in pages["package"]
    assert "the cell turn is there more than once" in pages["copied"]
    assert "Handed in late, by 12 h 0 min" in pages["bar"]
    escaped = report.Row(build_student("x"), "crashed", reason="<script>alert(1)</script>")
    report.write_feedback(course / "feedback" / "x.html", "<b>", escaped)
    text = (course / "feedback" / "x.html").read_text(encoding="utf-8")
    (course / "feedback" / "x.html").unlink()
    assert "<script>" not in text and "<b>" not in text


def build_student(name):
    from tools.collect import Student

    return Student(name)


def test_points_of_answers_in_words_are_typed_in_and_what_was_graded_is_kept(class_, capsys, monkeypatch):
    course, place, students = class_
    marks = course / "grades" / "homework_1_marks.csv"
    page = (course / "grades" / "homework_1_to_read.html").read_text(encoding="utf-8")
    assert "The standard error of a difference" in page and "<h3>good</h3>" in page and "<h3>wordless</h3>" not in page
    waiting = [student for student, (_, state, _, _) in students.items() if state == "to read"]
    assert [row["id"] for row in table(marks)] == waiting and {row["points"] for row in table(marks)} == {""}
    lines = marks.read_text(encoding="utf-8-sig").replace("good,did_beta_move,3,,,", "good,did_beta_move,3,2.5,nearly,")
    marks.write_text(lines, encoding="utf-8")
    monkeypatch.setattr(judge, "grade", None)  # nothing is graded again
    assert grade.main(arguments(course, place)) == 0
    assert f"{len(waiting) - 1} to read" in capsys.readouterr().out
    assert grade.main(arguments(course, place)[1:]) == 0  # what is collected
    assert f"{len(waiting) - 1} to read" in capsys.readouterr().out
    good = next(row for row in table(course / "grades" / "homework_1.csv") if row["id"] == "good")
    assert (good["state"], good["points"], good["did_beta_move"]) == ("graded", "19.5", "2.5")
    assert next(row for row in table(marks) if row["id"] == "good")["points"] == "2.5"
    marks.write_text(lines.replace("2.5,nearly", "4,oh"), encoding="utf-8")
    assert grade.main(arguments(course, place)) == 1
    assert "good, did_beta_move has the points '4'; 0 to 3 can be given." in capsys.readouterr().err
    marks.write_text(lines, encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ada,words,3,2,5,", "the line of ada, words has a comma too many"),
        ("ada,words,3,two,", "has the points 'two'; 0 to 3 can be given"),
        ("ada,words,3,2,5", "has the remark '5': write 2.5"),
        ("ada,words,3,2,gr\xfcn", "is not in UTF-8: save it as 'CSV UTF-8'"),
    ],
)
def test_a_mark_that_cannot_be_meant_is_refused(tmp_path, line, said):
    path = tmp_path / "marks.csv"
    path.write_text(f"id,task,most,points,remark\n{line}\n", encoding="latin-1")
    with pytest.raises(ValueError, match=re.escape(said)):
        report.read_marks(path)


def test_marks_are_read_as_excel_writes_them_and_none_is_lost(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text("\ufeffid;task;most;points;remark\n7;words;3;2,5;good\n'-x;words;3;1;'- no\n", encoding="utf-8")
    marks = report.read_marks(path)
    assert marks == {("7", "words"): (2.5, "good", ""), ("-x", "words"): (1.0, "- no", "")}
    result = judge.Graded([judge.Score("words", 3, None, "to read")], {"words": "text"})
    left = report.write_marks(path, [report.Row(build_student("-x"), "to read", result)], marks)
    now = {key: mark[:2] for key, mark in report.read_marks(path).items()}
    assert left == [("7", "words")] and now == {key: mark[:2] for key, mark in marks.items()}


def test_points_do_not_go_over_to_an_answer_with_other_words(tmp_path):
    path, key = tmp_path / "marks.csv", ("ada", "words")

    def run(words):
        marks = report.read_marks(path)
        result = judge.Graded([judge.Score("words", 3, None, "to read")], {"words": words})
        (score,), notes = report.with_marks(result, "ada", marks)
        report.write_marks(path, [report.Row(build_student("ada"), "to read", result)], marks)
        return score.points, score.state, notes

    assert run("first") == (None, "to read", [])
    path.write_text(
        path.read_text(encoding="utf-8-sig").replace("ada,words,3,,,", "ada,words,3,2.5,good,"), encoding="utf-8"
    )
    assert run("first") == run("first") == (2.5, "read", [])
    assert run("second") == (None, "to read", ["words: another answer than the one that was read"])
    assert report.read_marks(path)[key][:2] == (None, "2.5 for the answer before; good")
    assert run("second") == (None, "to read", [])


def test_text_that_is_no_unicode_stops_no_table(tmp_path):
    row = report.Row(build_student("ada"), "crashed", judge.Graded(printed="\ud800"), reason="ValueError: \ud800")
    report.write_tables(tmp_path, "homework_1", [], [row])
    report.write_feedback(tmp_path / "ada.html", "homework_1", row)
    assert table(tmp_path / "homework_1.csv")[0]["notes"] == "ValueError: ?"
    deep = {"regress": "x = " + "-" * 100_000 + "1", "turn": "x" + ".a" * 20_000}
    assert judge.alike({"ada": deep, "bob": {}}, {}) == []


def test_two_homeworks_in_a_folder_and_what_came_in_beside(tmp_path, source, capsys):
    course, place = tmp_path / "course", tmp_path / "came in"
    build.bring_sources(build.course_folder(course))
    place.mkdir()
    content = nbformat.writes(edited(source, turn="import os\nos._exit(0)")).encode()
    (place / "ada_homework_1.ipynb").write_bytes(content)
    (place / "ada_homework_1 (1).ipynb").write_bytes(b"")
    (place / "bob_homework_2.ipynb").write_bytes(SOURCES[1].read_bytes())
    (course / "students.csv").write_text("id,first_name,last_name\nada,Ada,L\nbob,Bob,M\n")
    other = course / "submitted" / "ada" / "homework_1" / "scratch.ipynb"
    other.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(), other)
    other.with_name("homework_1.ipynb").write_bytes(content)
    assert grade.main(arguments(course, place)) == 0
    first, second = ({row["id"]: row for row in table(course / "grades" / f"homework_{n}.csv")} for n in (1, 2))
    assert (first["bob"]["state"], second["ada"]["state"]) == ("missing", "missing")
    assert first["ada"]["regress_hidden"] == "2" and "homework_1 (1).ipynb: no notebook" in first["ada"]["notes"]
    assert "this is homework" not in capsys.readouterr().out


def test_a_formula_in_a_name_is_text_in_a_spreadsheet(tmp_path):
    report.write_table(tmp_path / "x.csv", ["id", "n"], [["=cmd()", 3], ["@x", 4], ["ada", -5]])
    assert table(tmp_path / "x.csv") == [{"id": "'=cmd()", "n": "3"}, {"id": "'@x", "n": "4"}, {"id": "ada", "n": "-5"}]


# --- What an instructor does ------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path, source):
    """A course, and a folder into which ada's right notebook came on 1 March 2027, and again on the third."""
    course, place = tmp_path / "course", tmp_path / "came in"
    build.bring_sources(build.course_folder(course))
    place.mkdir()
    for day, name in ((1, "ada_homework_1"), (3, "ada_homework_1 (1)")):
        path, time = place / f"{name}.ipynb", datetime(2027, 3, day, 12, tzinfo=UTC).timestamp()
        notebook = source if day == 1 else edited(source, turn="def turn(B, F):\n    return None")
        path.write_bytes(nbformat.writes(notebook).encode())
        os.utime(path, (time, time))
    return course, place


def only(course):
    (row,) = table(course / "grades" / "homework_1.csv")
    return row


def test_the_time_it_was_due_is_kept_and_the_last_that_came_in_time_can_be_taken(small, capsys):
    course, place = small
    assert grade.main(arguments(course, place, "--in-time")) == 1
    assert "--in-time needs a time: give DUE, too." in capsys.readouterr().err
    assert grade.main(arguments(course, place, "--due=2027-03-02", "--in-time")) == 0
    assert (only(course)["late"], only(course)["turn_hidden"]) == ("", "2")
    assert grade.main(arguments(course, place)) == 0  # the latest, and the same time
    assert (only(course)["late"], only(course)["turn_hidden"]) == ("12 h 0 min", "0")
    assert grade.main(arguments(course, place)[1:]) == 0
    assert only(course)["late"] == "12 h 0 min"
    assert grade.main([*arguments(course, place)[1:], "--in-time"]) == 0  # of what is collected, nothing came in time
    assert (only(course)["state"], only(course)["notes"]) == ("missing", "homework_1 came too late")
    assert grade.main(arguments(course, place, "--in-time")) == 0  # the one that came in time takes its place again
    assert (only(course)["late"], only(course)["turn_hidden"]) == ("", "2")


def test_a_person_may_overrule_a_test(small, capsys):
    course, place = small
    assert grade.main(arguments(course, place)) == 0
    marks = course / "grades" / "homework_1_marks.csv"
    marks.write_text(marks.read_text(encoding="utf-8-sig") + "ada,turn_hidden,2,1.5,a good idea\n", encoding="utf-8")
    for _ in range(2):
        assert grade.main(arguments(course, place)) == 0
        assert only(course)["turn_hidden"] == "1.5" and "no such answer" not in capsys.readouterr().out
    marks.write_text("id,task,points\nada,turn_hidden,3\n", encoding="utf-8")
    assert grade.main(arguments(course, place)) == 1
    assert "ada, turn_hidden has the points 3; 0 to 2 can be given." in capsys.readouterr().err


def test_a_test_that_the_instructors_own_answer_fails_takes_points_from_nobody(small, capsys):
    course, place = small
    path = course / "source" / "homework_1" / "homework_1.ipynb"
    own = nbformat.read(path, as_version=4)
    hidden = cell(own, "turn_hidden")
    hidden.source = hidden.source.replace("### BEGIN HIDDEN TESTS", "### BEGIN HIDDEN TESTS\nassert np.allclsoe(1, 1)")
    nbformat.write(own, path)
    assert grade.main(arguments(course, place)) == 1
    said = capsys.readouterr().err
    assert "do not pass its own tests (turn_hidden: " in said and "allclsoe" in said
    assert not (course / "grades" / "homework_1.csv").exists()


def test_a_time_is_for_one_homework(small, capsys):
    course, place = small
    (place / "bob_homework_2.ipynb").write_bytes(SOURCES[1].read_bytes())
    assert grade.main(arguments(course, place, "--due=2027-03-02")) == 1
    assert "One time is given, and homework_1, homework_2 are there" in capsys.readouterr().err


# --- The command ------------------------------------------------------------------------------------------------------


def test_without_a_sandbox_nothing_runs_unless_the_instructor_says_so(class_, capsys, monkeypatch):
    course, place, _ = class_
    monkeypatch.setattr(sandbox, "works", lambda kind: False)
    assert grade.main([str(place), f"--course={course}"]) == 1
    said = capsys.readouterr().err
    assert "would run with your rights" in said and "sudo apt install bubblewrap" in said and "--trust" in said


def test_what_stops_the_command_is_said(class_, tmp_path, capsys):
    course, place, _ = class_
    for more, said in (
        ([str(tmp_path / "nowhere")], "is not there: give the folder, or the zip, of what came in."),
        ([str(tmp_path)], "holds no homework that can be read: give a folder, or say which with --homework."),
        ([str(place), "--homework=homework_9"], "holds no homework_9: give one of its homework"),
        ([str(place), f"--course={tmp_path}"], "holds no homework: run `make homework`"),
    ):
        assert grade.main([*arguments(course, more[0]), *more[1:]]) == 1
        assert said in capsys.readouterr().err
    with pytest.raises(SystemExit):
        grade.main([*arguments(course, place), "--due=tomorrow"])
    assert "'tomorrow' is no date: write 2027-03-01 or '2027-03-01 23:59'" in capsys.readouterr().err


def test_a_notebook_that_the_grader_cannot_take_does_not_stop_the_others(tmp_path, source, monkeypatch, capsys):
    course, place = tmp_path / "course", tmp_path / "all.zip"
    build.bring_sources(build.course_folder(course))
    content = nbformat.writes(edited(source, regress="def regress(R, F):\n    pass")).encode()
    place.write_bytes(zipped({"ada_homework_1.ipynb": content, "bob_homework_1.ipynb": b"{}"}))

    real = judge.grade

    def fails(parts, notebook, *arguments):
        if "def regress(R, F):\n    pass" in [each.source for each in notebook.cells]:
            raise RuntimeError("of the grader")
        return real(parts, notebook, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(judge, "grade", fails)
        assert grade.main(arguments(course, place)) == 0
    out = capsys.readouterr().out
    assert "crashed  ada: the notebook could not be graded (RuntimeError: of the grader)" in out
    assert "to do    bob_homework_1.ipynb: no notebook that can be read" in out or "without most" in out
    assert grade.main(arguments(course, place)) == 0  # and is graded the next time
    assert "crashed" not in capsys.readouterr().out.replace("0 crashed", "")


# --- Attacks ----------------------------------------------------------------------------------------------------------


def attacked(source, release, code, kind, seconds=SECONDS):
    """What became of the release with this attack in its first answer."""
    notebook = with_answer(deepcopy(release), "regress", "import numpy as np\n" + code)
    return judge.grade(judge.parts_of(source), notebook, kind, seconds)


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("kind", dict.fromkeys([KIND, "none"]))
def test_tests_cannot_be_switched_off(source, release, tmp_path, name, kind):
    code = SWITCHES[name].format(other=tmp_path / "other")
    result = attacked(source, release, code, kind)
    assert {score.points for score in result.scores} == {0}
    assert "ATTACK SUCCEEDED" not in result.printed and list(tmp_path.iterdir()) == []
    assert all(score.said for score in result.scores)


@pytest.mark.parametrize("name", HANGS)
def test_the_grader_waits_for_nobody(source, release, name):
    code = WIRE + HANGS[name].format()
    notebook = with_answer(deepcopy(release), "regress", "import numpy as np\n" + code)
    with_answer(notebook, "turn", "#" * 300_000)  # more than a pipe holds
    parts = [part for part in judge.parts_of(source) if part.name in ("given", "regress", "regress_tests", "turn")]
    begun = time.monotonic()
    result = judge.grade(parts, notebook, KIND, 1, 20)
    assert [score.points for score in result.scores] == [0] and result.crashed
    assert time.monotonic() - begun < 60


@needs_a_sandbox
@pytest.mark.parametrize("name", BREAKS)
def test_no_attack_gains_a_point_or_a_file(source, release, tmp_path, name):
    secret, other = tmp_path / "source.ipynb", tmp_path / "other.ipynb"
    for path in (secret, other):
        nbformat.write(source, path)
        path.chmod(0o666)
    tmp_path.chmod(0o777)
    with socket.create_server(("127.0.0.1", 0)) as server:
        visits = []
        threading.Thread(target=lambda: visits.append(server.accept()), daemon=True).start()
        code = BREAKS[name].format(secret=secret, other=other, port=server.getsockname()[1])
        result = attacked(source, release, code, KIND)
        assert visits == []
    assert {score.points for score in result.scores} == {0}
    assert "ATTACK SUCCEEDED" not in result.printed
    assert secret.read_bytes() == other.read_bytes() and sorted(path.name for path in tmp_path.iterdir()) == [
        "other.ipynb",
        "source.ipynb",
    ]


def test_the_attacks_succeed_where_nothing_is_in_their_way(source, release, tmp_path):
    """So that the tests above are tests: without a sandbox, these find what they look for."""
    secret = tmp_path / "source.ipynb"
    nbformat.write(source, secret)
    for name in ("the source is read", "another's file is changed"):
        code = BREAKS[name].format(secret=secret, other=tmp_path / "other.ipynb", port=1)
        code = code.replace('"/course/helpers/__init__.py", "/usr/bin/attacked", os.__file__, np.__file__', "")
        code = code.replace('"../source", "../../source", "/work", "/home", "/course"', "")
        result = attacked(source, release, code, "none")
        assert "ATTACK SUCCEEDED" in result.printed, name
        assert {score.points for score in result.scores} == {0}


def test_a_course_that_lies_in_tmp_is_not_hidden_by_the_tmp_of_the_sandbox():
    words = sandbox.inside_bubblewrap()
    assert words.index("/tmp") < words.index("--ro-bind") and words[words.index("/tmp") - 1] == "--tmpfs"


@needs_a_sandbox
@pytest.mark.skipif(KIND != "bubblewrap", reason="a container holds what its recipe says.")
def test_a_submission_sees_python_and_the_helpers_and_no_answer(tmp_path):
    shown = [Path(path).resolve() for path in sandbox.shown_paths(sandbox.inside_bubblewrap())]
    for path in [*SOURCES, build.HERE, build.COURSE, Path(judge.__file__), Path(build.__file__).parent / "grade.py"]:
        assert not any(path.resolve().is_relative_to(place) for place in shown), path
