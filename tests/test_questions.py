"""The bank of questions: every number by a second route, every lesson asked, the files whole or not there."""

import itertools
import math
import re
import stat
import subprocess
import sys
from dataclasses import replace

import pytest

import tools.questions as command
from tools.bank.question import Question, names
from tools.homework import COURSE, ROOT
from tools.questions import BANK, FILES, PARTS, chosen, lessons, main

SEEDS = (0, 1, 2027)
EDITIONS = (0, 1, 2, 2026, 2027, 2028)
WITH_NUMBERS = [question for question in BANK if question.answer]


def by_title(questions):
    return pytest.mark.parametrize("question", questions, ids=[question.title for question in questions])


# --- The questions ----------------------------------------------------------------------------------------------------


@by_title(WITH_NUMBERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_number_agrees_with_a_second_route(question, seed):
    drawn = question.drawn(seed)
    answer, check = question.answer(**drawn), question.check(**drawn)
    assert answer.keys() == check.keys() and all(math.isfinite(number) for number in answer.values())
    for name, number in answer.items():
        assert check[name] == pytest.approx(number, rel=question.within), name


def test_a_wrong_formula_is_noticed():
    """The second route is no copy of the first: each answer moved by a tenth no longer agrees."""
    for question in WITH_NUMBERS:
        drawn = question.drawn(0)
        check = question.check(**drawn)
        for name, number in question.answer(**drawn).items():
            assert check[name] != pytest.approx(1.1 * number, rel=question.within), (question.title, name)
        assert question.answer is not question.check and question.within <= 0.06


def test_two_seeds_share_no_number_of_an_answer():
    """To four digits: three are what one asks of a student, and by chance they agree too often."""
    answers = {seed: [q.answer(**q.drawn(seed)) for q in WITH_NUMBERS] for seed in EDITIONS}
    for one, other in itertools.combinations(EDITIONS, 2):
        for question, first, second in zip(WITH_NUMBERS, answers[one], answers[other], strict=True):
            shared = [name for name in first if f"{first[name]:.4g}" == f"{second[name]:.4g}"]
            assert not shared, (one, other, question.title, shared)


@by_title(BANK)
def test_a_seed_gives_the_same_numbers_again_and_no_other_question_changes_them(question):
    assert question.drawn(5) == question.drawn(5)
    assert replace(question, text="Another one.").drawn(5) == question.drawn(5)
    if question.answer:
        assert question.asked(5) != question.asked(6) and question.answered(5) != question.answered(6)


@by_title(BANK)
def test_texts_have_their_fields_filled_and_use_what_is_computed(question):
    for seed in SEEDS:
        for text in (question.asked(seed), question.answered(seed), question.warned(seed)):
            assert text and not re.search(r"[{}]|\bnan\b|\binf\b", text)
    drawn = set(question.drawn(0))
    asked_for = set(question.answer(**question.drawn(0))) if question.answer else set()
    assert names(question.text) == drawn, "each number drawn is told, and no answer is"
    assert asked_for <= names(question.words) <= drawn | asked_for
    assert not any(names(line) for _, line in question.marks)


@by_title(BANK)
def test_a_question_is_complete(question):
    assert question.topic in lessons()
    assert (question.answer is None) == (question.check is None)
    assert question.answer or not question.drawn(0), "numbers are drawn where some are asked for"
    assert sum(points for points, _ in question.marks) == question.points
    assert question.minutes >= question.points >= 3
    parts = re.findall(r"^(\d)\. ", question.text, re.MULTILINE)
    solved = re.findall(r"^(\d)\. ", question.words, re.MULTILINE)
    assert parts == [str(i + 1) for i in range(len(parts))]
    assert not solved or solved == parts


def test_the_bank_has_forty_one_questions_and_one_for_each_lesson():
    assert len(BANK) == 41 and len(WITH_NUMBERS) >= 26
    assert len({question.title for question in BANK}) == len(BANK)
    assert {question.topic for question in BANK} == set(lessons())
    assert all(isinstance(question, Question) for part in PARTS for question in part.QUESTIONS)


def test_the_page_for_instructors_counts_them_rightly():
    page = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    assert f"writes {len(BANK)} questions" in page and f"{len(WITH_NUMBERS)} of them have numbers" in page


def test_every_question_of_a_module_is_in_its_list():
    for part in PARTS:
        defined = [value for value in vars(part).values() if isinstance(value, Question)]
        assert sorted(q.title for q in defined) == sorted(q.title for q in part.QUESTIONS), part.__name__


def test_nothing_of_the_bank_is_in_the_package_of_the_students():
    helpers = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "helpers").rglob("*.py*") if path.suffix in (".py", ".pyi")
    )
    assert "tools.bank" not in helpers and "tools.questions" not in helpers
    for question in BANK:
        lines = [line for line in (question.text + question.words).splitlines() if len(line) > 60]
        assert not [line for line in lines if line in helpers], question.title


# --- The command ------------------------------------------------------------------------------------------------------


def test_the_command_writes_both_files(tmp_path, capsys):
    assert main(["--out", str(tmp_path / "a" / "b"), "--seed", "2027"]) == 0
    folder = tmp_path / "a" / "b"
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    texts = [(folder / name).read_text(encoding="utf-8") for name in FILES]
    assert "41 questions" in capsys.readouterr().out
    for text in texts:
        assert [int(n) for n in re.findall(r"^### (\d+)\. ", text, re.MULTILINE)] == list(range(1, 42))
        headings = re.findall(r"^## (\d\d) \S", text, re.MULTILINE)
        assert headings == [number for number, _ in lessons().values()]
    assert "2027" not in texts[0] and "2027" in texts[1]  # with the seed a student could write the answers
    assert not any(line in texts[0] for line in ("**Marks.**", "**Often wrong.**"))
    assert all(question.answered(2027) in texts[1] and question.asked(2027) in texts[0] for question in BANK)


def test_only_some_lessons(tmp_path):
    assert main(["--only", "risk_premia", "start_here", "--out", str(tmp_path)]) == 0
    text = (tmp_path / FILES[0]).read_text(encoding="utf-8")
    assert text.index("## 00") < text.index("## 03") and "## 01" not in text
    assert [q.topic for q in chosen(["risk_premia", "start_here"])] == ["start_here", *3 * ["risk_premia"]]


def test_lessons_are_those_with_their_titles():
    found = lessons()
    assert len(found) == 22 and next(iter(found)) == "start_here"
    assert found["risk_premia"] == ("03", "Risk premia: is a factor paid for?")
    assert all(title[0].isupper() and "\\" not in title for _, title in found.values())


def test_the_usual_folder_is_in_a_course_folder_that_make_homework_takes(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "COURSE", tmp_path / "homework")
    assert main(["--out", str(tmp_path / "homework" / "questions"), "--only", "start_here"]) == 0
    assert (tmp_path / "homework" / "nbgrader_config.py").is_file()
    ignored = subprocess.run(["git", "check-ignore", "-q", str(COURSE / "questions")], cwd=ROOT, check=False)
    assert ignored.returncode in (0, 128)  # 128: a copy without git


def test_the_makefile_hands_the_seed_on():
    run = subprocess.run(
        ["make", "-n", "questions", "SEED=2027", "ARGS=--only start_here"], cwd=ROOT, capture_output=True, text=True
    )
    assert '--seed "2027" --only start_here' in run.stdout, run.stderr
    shown = subprocess.run([sys.executable, "tools/questions.py", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 0 and "--only" in shown.stdout


@pytest.mark.parametrize("seed", ["-1", "-2027"])
def test_a_seed_below_zero_gets_a_sentence(tmp_path, capsys, seed):
    assert main([f"--seed={seed}", "--out", str(tmp_path)]) == 1
    assert "zero or more" in capsys.readouterr().err and not any(tmp_path.iterdir())


def test_an_unknown_topic_gets_a_sentence_with_those_there_are(tmp_path, capsys):
    assert main(["--only", "risk_premia", "riskpremia", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("No lesson has the topic riskpremia. There are start_here, ")
    assert not any(tmp_path.iterdir())


def test_a_file_in_the_place_of_the_folder_gets_a_sentence(tmp_path, capsys):
    (tmp_path / "exam").write_text("mine", encoding="utf-8")
    assert main(["--out", str(tmp_path / "exam")]) == 1
    assert "is a file: give a folder." in capsys.readouterr().err
    assert main(["--out", str(tmp_path / "exam" / "inside")]) == 1
    assert "give another folder" in capsys.readouterr().err
    assert (tmp_path / "exam").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_file_leaves_both_as_they_were(tmp_path, capsys, name):
    other = next(file for file in FILES if file != name)
    assert main(["--out", str(tmp_path)]) == 0
    before = (tmp_path / other).read_bytes()
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    assert main(["--out", str(tmp_path)]) == 1
    assert "is a folder" in capsys.readouterr().err
    assert (tmp_path / other).read_bytes() == before


@pytest.mark.parametrize("name", FILES)
def test_what_an_instructor_has_written_is_kept(tmp_path, capsys, name):
    assert main(["--out", str(tmp_path), "--seed", "7"]) == 0
    assert main(["--out", str(tmp_path), "--seed", "7"]) == 0  # the same again
    (tmp_path / name).write_text("mine", encoding="utf-8")
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    assert main(["--out", str(tmp_path), "--seed", "7"]) == 1
    assert f"{tmp_path / name} holds something else" in capsys.readouterr().err
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before


def test_a_folder_that_cannot_be_written_gets_a_sentence(tmp_path, capsys, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)  # root may write everywhere, so the folder's mode is not enough
    assert main(["--out", str(tmp_path / "exam")]) == 1
    assert "cannot be made or written (Permission denied): give another folder." in capsys.readouterr().err


def test_a_full_disk_leaves_the_old_files_and_no_new_ones(tmp_path, capsys, monkeypatch):
    assert main(["--out", str(tmp_path)]) == 0
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    write_text = type(tmp_path).write_text

    def full(path, text, **options):
        if FILES[1] in path.name:
            write_text(path, text[:100], **options)
            raise OSError(28, "No space left on device")
        return write_text(path, text, **options)

    monkeypatch.setattr(type(tmp_path), "write_text", full)
    assert main(["--out", str(tmp_path)]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert all(stat.S_ISREG((tmp_path / name).stat().st_mode) for name in FILES)
