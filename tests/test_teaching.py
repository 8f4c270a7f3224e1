"""What instructors teach from is true: tables are those of the course, links lead somewhere, derivations hold."""

import html
import inspect
import re
import shutil
import textwrap
import tomllib
import unicodedata
from importlib import import_module
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import yaml
from markdown_it import MarkdownIt
from scipy.stats import norm

from helpers.exercises.checker import Choice, Exercise
from tools import teaching
from tools.minutes import minutes, sections
from tools.objectives import PRACTICE
from tools.questions import BANK
from tools.refresh import NOTEBOOKS
from tools.teaching import TEACHING, NotWritten, material, read_course, tasks

ROOT = NOTEBOOKS.parent
COURSE = read_course()
NUMBERS = [lesson.number for lesson in COURSE]
PLANS = {"plan_12_weeks": NUMBERS, "plan_5_days": [number for number in NUMBERS if number not in ("05", "17")]}


def page(path):
    return (TEACHING / path).read_text(encoding="utf-8")


def page_of(lesson):
    return page(f"lessons/{lesson.path.stem}.md")


def prose_of(lesson):
    cells = nbformat.read(lesson.path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


# --- What is written by the tool --------------------------------------------------------------------------------------


def test_what_is_stored_is_what_the_tool_writes_now():
    stale = [path.name for path, text in material().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run python -m tools.teaching"
    there = {path.name for path in (TEACHING / "lessons").iterdir()}
    assert there == {f"{lesson.path.stem}.md" for lesson in COURSE} and len(there) == 22


def rows(topic):
    """The rows of a lesson's table in objectives.md, as lists of cells."""
    file = next(lesson.path.name for lesson in COURSE if lesson.topic == topic)
    part = page("objectives.md").partition(f"/{file})")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[1:]]


def test_each_objective_of_each_lesson_has_one_row_in_the_order_of_the_lesson():
    for lesson in COURSE:
        said = re.findall(r"^- (.+?)[;.]?$", prose_of(lesson).partition("\n\n**Before you start")[0], re.MULTILINE)
        assert [row[0].replace("\\|", "|") for row in rows(lesson.topic)] == said and len(said) >= 3


def test_each_exercise_of_each_module_practises_an_objective():
    for lesson in COURSE:
        module = import_module(f"helpers.exercises.{lesson.topic}")
        there = {name for name in vars(module) if re.fullmatch(r"q\d+", name)}
        assert set(re.findall(r"\bq\d+\b", " ".join(row[1] for row in rows(lesson.topic)))) == there
        assert {asked.name for asked in lesson.exercises} == there


def test_each_task_of_the_homework_and_each_question_of_the_bank_practises_an_objective():
    every = {topic: rows(topic) for topic in PRACTICE}
    found = {task for table in every.values() for row in table for task in re.findall(r"\b\d\.\d\b", row[2])}
    assert found == set(tasks()) == {f"{homework}.{task}" for homework in (1, 2, 3) for task in range(1, 7)}
    for question in BANK:
        assert any(question.title in row[3].split("; ") for row in every[question.topic]), question.title


def test_a_task_stands_only_in_lessons_that_its_homework_covers():
    covered = {"1": ("00", "01", "02", "04", "05"), "2": ("06", "07"), "3": ("09", "10", "11", "12", "13")}
    later = {"3.4": "14", "3.6": "14"}  # the clinic, which comes back to them
    numbers = {lesson.topic: lesson.number for lesson in COURSE}
    for topic, lines in PRACTICE.items():
        for task in " ".join(line.homework for line in lines).split():
            assert numbers[topic] in (*covered[task[0]], later.get(task)), (topic, task)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[1:], "0 lines for risk_premia"),
        (lambda lines: (lines[0], *lines), "2 lines for risk_premia"),
        (lambda lines: (*lines, lines[0]._replace(begins="fly")), "objectives that risk_premia has no more"),
        (lambda lines: (lines[0], lines[1]._replace(exercises=""), *lines[2:]), "without an objective q1"),
        (lambda lines: (lines[0]._replace(exercises="q5 q6 q9"), *lines[1:]), "not there q9"),
        (lambda lines: (lines[0], lines[1]._replace(questions=()), *lines[2:]), "without an objective Which standard"),
        (lambda lines: (lines[0]._replace(homework="4.1"), *lines[1:]), "not there 4.1"),
    ],
)
def test_what_is_missing_or_no_more_is_said(monkeypatch, capsys, change, said):
    monkeypatch.setattr(teaching, "PRACTICE", {**PRACTICE, "risk_premia": change(PRACTICE["risk_premia"])})
    assert teaching.main([]) == 1
    assert said in capsys.readouterr().err


def test_only_what_stands_between_the_marks_is_written(tmp_path, capsys):
    shutil.copytree(TEACHING, tmp_path / "teaching")
    path = tmp_path / "teaching" / "lessons" / "04_principal_components.md"
    good = path.read_text(encoding="utf-8")
    path.write_text(
        good.replace("## On the whiteboard", "## Ours").replace("numpy returns V", "numpy hides V"), "utf-8"
    )
    assert teaching.main(["--check"], tmp_path / "teaching") == 1
    assert capsys.readouterr().out.split() == ["lessons/04_principal_components.md", "out", "of", "date"]
    assert teaching.main([], tmp_path / "teaching") == 0
    assert path.read_text(encoding="utf-8") == good.replace("## On the whiteboard", "## Ours")
    assert teaching.main(["--check"], tmp_path / "teaching") == 0
    path.write_text(good.replace(teaching.END, ""), encoding="utf-8")
    with pytest.raises(NotWritten, match="04_principal_components needs these two lines"):
        material(tmp_path / "teaching")


def test_a_new_lesson_gets_a_page_with_its_mistakes(tmp_path):
    text = material(tmp_path)[tmp_path / "lessons" / "01_time_series_regression.md"]
    assert text.startswith("# [01 Time-series regression") and "This is the correlation: it is divided by" in text


@pytest.mark.parametrize("lesson", COURSE, ids=NUMBERS)
def test_all_that_the_checker_knows_is_there_and_no_solution(lesson):
    text = page_of(lesson)
    read = re.sub(r"\\([*_`<>|$\[\]#@])", r"\1", text)
    for asked in lesson.exercises:
        question = getattr(import_module(f"helpers.exercises.{lesson.topic}"), asked.name)
        part = read.partition(f"### {asked.name}")[2].partition("\n### ")[0]
        if isinstance(question, Exercise):
            assert all(advice in part for advice in question.mistakes.values())
            assert part.count("\n- ") == len(question.mistakes)
            body = inspect.getsource(question.reference).strip().splitlines()[-1].strip().removeprefix("return ")
            assert len(body) < 12 or body not in text
        elif isinstance(question, Choice):
            assert all(advice in part for advice in question.advice.values())
            assert set(asked.options) == {question.right, *question.advice}
            assert f"*“{asked.options[question.right]}”*" not in text and question.insight not in read
        else:
            assert "An open task" in part and question.look_for not in read


# --- Minutes ----------------------------------------------------------------------------------------------------------


def test_the_minutes_of_the_sections_are_those_of_the_lesson():
    for lesson in COURSE:
        notebook = nbformat.read(lesson.path, as_version=4)
        part = page("minutes.md").partition(f"/{lesson.path.name})")[2].partition("\n## ")[0]
        shown = [float(number) for number in re.findall(r"^\| [^*].* \| (\d+\.\d) \|$", part, re.MULTILINE)]
        head = float(re.search(r"^\| \*head\* \| (\d+\.\d) \|$", part, re.MULTILINE)[1])
        total = float(re.search(r"\*\*sum\*\* \| \*\*(\d+\.\d)\*\*", part)[1])
        assert round(head + sum(shown), 1) == total
        assert total == pytest.approx(sum(section.minutes for section in sections(notebook)), abs=0.051)
        assert f"\n{minutes(notebook)} minutes.\n" in part and total - 0.05 <= minutes(notebook) < total + 5.05
        named = [line[3:].strip("# ") for line in prose_of(lesson).splitlines() if re.match(r"#{2,3} ", line)]
        assert [section.heading for section in sections(notebook)][1:] == named


def test_a_section_has_the_words_lines_and_exercises_under_its_heading():
    cells = [
        nbformat.v4.new_markdown_cell("# Title\n\n" + "word " * 128),
        nbformat.v4.new_markdown_cell("## One\n```\n# no heading\n```\n### Two\n" + "word " * 258),
        nbformat.v4.new_code_cell("from helpers.exercises.start_here import q1\n" + "x = 1\n" * 11),
        nbformat.v4.new_markdown_cell("## Three"),
        nbformat.v4.new_code_cell("from helpers.exercises.start_here import q1, q2"),
    ]
    found = sections(nbformat.v4.new_notebook(cells=cells))
    assert [(s.level, s.heading) for s in found] == [(1, "Title"), (2, "One"), (3, "Two"), (2, "Three")]
    expected = [130 / 130, 7 / 130, 260 / 130 + 1 + 6, 2 / 130 + 1 / 12 + 6]
    np.testing.assert_allclose([s.minutes for s in found], expected)


# --- What is written by hand ------------------------------------------------------------------------------------------

PAGES = [*sorted(TEACHING.rglob("*.md")), NOTEBOOKS / "glossary.md"]


@pytest.mark.parametrize("path", PAGES, ids=[path.name for path in PAGES])
def test_links_lead_to_files_and_formulas_are_closed(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (path.parent / target).exists(), target
    plain = re.sub(r"\\\$|`[^`]*`", "", text)
    assert plain.count("$$") % 2 == 0
    shown = html.unescape(MarkdownIt("commonmark").enable("table").render(text))
    for formula in re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", plain, re.DOTALL):
        assert not re.search(r"^\$+\s|\s\$+$", formula), formula
        assert formula in shown, f"Markdown changes {formula}: where it sees emphasis, put a space before the _"
    for line in re.sub(r"\$\$.+?\$\$", "", plain, flags=re.DOTALL).splitlines():
        assert line.count("$") % 2 == 0, line
    assert all(not unicodedata.category(letter).startswith("C") for letter in text.replace("\n", ""))


@pytest.mark.parametrize("lesson", COURSE, ids=NUMBERS)
def test_each_lesson_has_two_prompts_with_their_point_and_one_derivation(lesson):
    by_hand = page_of(lesson).partition(teaching.BEGIN)[0]
    headings = re.findall(r"^##? (.+)$", by_hand, re.MULTILINE)
    assert [heading.partition(":")[0] for heading in headings[1:]] == [
        "Two prompts for discussion", "On the whiteboard", "Typical mistakes",
    ]  # fmt: skip
    assert re.search(rf"^# \[{lesson.number} .+\]\(\.\./\.\./notebooks/{lesson.path.name}\)$", by_hand, re.MULTILINE)
    prompts = re.findall(r"^\d\. \*\*.+\*\* .*\*The point:\* .{80,}$", by_hand, re.MULTILINE)
    assert len(prompts) == 2
    derivation = by_hand.partition("## On the whiteboard")[2].partition("## Typical")[0]
    lines = [part for line in derivation.splitlines()[1:] for part in textwrap.wrap(line, 110)]
    assert 12 <= len(lines) <= 24 and derivation.count("$$") >= 4


@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_has_each_lesson_once_with_its_minutes_after_what_it_builds_on(plan):
    text = page(f"{plan}.md")
    linked = re.findall(r"\[(\d\d) [^\]]+\]\(\.\./notebooks/([^)]+)\) \| (\d+) \|", text)
    taught = [number for number, _, _ in linked]
    assert sorted(taught) == PLANS[plan]
    for number, file, told in linked:
        assert file.startswith(number) and int(told) == minutes(nbformat.read(NOTEBOOKS / file, as_version=4))
        lesson = COURSE[NUMBERS.index(number)]
        assert needs(lesson) <= set(taught[: taught.index(number)]) | {n for n in NUMBERS if n not in taught}


def needs(lesson):
    """The numbers of the lessons that a lesson's head says to know before."""
    head = prose_of(lesson).partition("**Before you start:**")[2].partition("**Time:**")[0]
    return set(re.findall(r"\((\d\d)_", head))


def test_the_sections_and_exercises_that_the_plans_name_are_in_the_lessons_of_that_week():
    parts = re.split(r"\n## ", page("plan_12_weeks.md"))[1:]
    assert len(parts) == 12
    for part in parts:
        here = [COURSE[NUMBERS.index(number)] for number in re.findall(r"\[(\d\d) ", part)]
        headings = {re.sub(r"^#+ ", "", line) for lesson in here for line in prose_of(lesson).splitlines()}
        skipped = part.partition("**If short of time.**")[2]
        assert {name for name in re.findall(r"\*([^*]+)\*", skipped)} <= headings
        for lesson, (in_class, at_home) in zip(here, re.findall(r"\| \d\d \| (.+) \| (.+) \|", part), strict=True):
            asked = re.findall(r"q\d", in_class + " " + at_home)
            assert {name.name for name in lesson.exercises} == set(asked), lesson.number


def test_what_is_left_of_a_shorter_term_holds_together():
    text = page("plan_5_days.md")
    out = set(re.findall(r"\d\d", re.search(r"these can go, too, .+?: (.+?)\. ", text)[1])) | {"05", "17"}
    assert len(out) == 6 and all(not needs(lesson) & out for lesson in COURSE if lesson.number not in out)
    text = page("plan_12_weeks.md")
    for length, dropped, sessions in (
        ("ten weeks", r"lessons (.+?) and the half", 20),
        ("eight", r"leave out (.+?), and the two", 16),
    ):
        part = text.partition(f"If there are {length},")[2]
        out = set(re.findall(r"\d\d", re.search(dropped, part)[1]))
        left = [number for number in NUMBERS if number not in out]
        assert len(left) == sessions - (length == "ten weeks")  # one session of ten weeks is for the projects
        assert all(needs(COURSE[NUMBERS.index(number)]) <= set(left) for number in left)


# --- The glossary -----------------------------------------------------------------------------------------------------

TERMS = re.findall(r"^\*\*(.+?)\*\*(?: \((.+?)\))?: (.+) \[lesson (\d\d)\]\((.+)\)$",
                   (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)  # fmt: skip


def sorted_as(term):
    greek = {"α": "alpha", "β": "beta", "Γ": "gamma", "λ": "lambda"}
    return "".join(greek.get(letter, letter) for letter in term.partition(", ")[0]).casefold()


def test_the_terms_are_in_order_each_once():
    assert 60 <= len(TERMS) <= 90
    keys = [sorted_as(term) for term, *_ in TERMS]
    assert keys == sorted(keys) and len(set(keys)) == len(keys)
    lines = (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8").split("\n\n")[2:]
    assert len(lines) == len(TERMS)  # no line is left that is no term


@pytest.mark.parametrize(("term", "symbol", "text", "number", "file"), TERMS, ids=[term for term, *_ in TERMS])
def test_a_term_occurs_in_the_lesson_that_it_names(term, symbol, text, number, file):
    lesson = COURSE[NUMBERS.index(number)]
    assert file == lesson.path.name
    prose = prose_of(lesson).casefold()
    assert any(form.casefold() in prose for form in term.split(", "))
    assert 1 <= len(re.findall(r"[.:?](?: |$)", text)) <= 3 and text[-1] == "." and len(text.split()) <= 50


def test_every_lesson_links_to_the_glossary_below_its_last_line():
    for lesson in COURSE:
        last = nbformat.read(lesson.path, as_version=4).cells[-1].source
        assert last.endswith("\n\n[Glossary](glossary.md)")


# --- How to cite ------------------------------------------------------------------------------------------------------


def test_the_citation_is_valid_and_true():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "software"
    assert {"message", "title", "authors", "abstract", "keywords"} <= set(cited)
    assert str(cited["version"]) == project["version"] and cited["license"] == project["license"] == "MIT"
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert licence.startswith("MIT License") and cited["authors"] == [
        {"name": re.search(r"\(c\) \d+ (.+)", licence)[1]}
    ]
    assert f"# {cited['title']}\n" in (ROOT / "README.md").read_text(encoding="utf-8")
    works = {(paper["authors"][0]["family-names"], paper["year"]) for paper in cited["references"]}
    assert {("Gu", 2021), ("Kelly", 2019), ("Fama", 1973)} <= works and len(works) == len(cited["references"])
    for paper in cited["references"]:
        assert paper["type"] == "article" and re.fullmatch(r"10\.\d{4}/\S+", paper["doi"])
        assert int(paper["start"]) < int(paper["end"]) and {"title", "journal", "volume", "year"} <= set(paper)
        assert all({"family-names", "given-names"} == set(author) for author in paper["authors"])


# --- The derivations, in numbers --------------------------------------------------------------------------------------


@pytest.fixture
def market():
    random = np.random.default_rng(0)
    T, N, K = 60, 12, 3
    beta, F = random.normal(1, 0.5, (N, K)), random.normal(0.1, 1, (T, K))
    noise = random.normal(0, 1, (T, N))
    return SimpleNamespace(random=random, T=T, N=N, K=K, beta=beta, F=F, noise=noise, R=F @ beta.T + noise)


def test_00_the_truth_scores_its_share_and_a_constant_loses_the_variance_of_beta():
    random = np.random.default_rng(0)
    n, sigma, spread, mean = 400_000, 1.5, 0.6, 0.8
    beta, F = random.normal(mean, spread, n), random.normal(0.2, 1, n)
    r = beta * F + random.normal(0, sigma, n)
    explained = (mean**2 + spread**2) * (0.2**2 + 1)
    assert 1 - ((r - beta * F) ** 2).mean() / (r**2).mean() == pytest.approx(
        explained / (explained + sigma**2), abs=4e-3
    )
    b = (r @ F) / (F @ F)
    assert b == pytest.approx(mean, abs=0.01)
    assert ((r - b * F) ** 2).mean() - sigma**2 == pytest.approx(spread**2 * 1.04, abs=0.02)


def test_01_beta_is_a_covariance_over_a_variance_and_so_well_known(market):
    F, r = market.F[:, 0], market.R[:, 0]
    slope = np.linalg.lstsq(np.column_stack([np.ones(market.T), F]), r, rcond=None)[0][1]
    assert np.cov(F, r)[0, 1] / np.var(F, ddof=1) == pytest.approx(slope)
    draws = 0.7 * F[:, None] + market.random.normal(0, 0.3, (market.T, 20_000))
    betas = (F - F.mean()) @ draws / ((F - F.mean()) ** 2).sum()
    assert betas.var() == pytest.approx(0.3**2 / (market.T * F.var()), rel=0.05)


def test_02_of_all_portfolios_that_have_the_factor_the_regression_has_the_smallest(market):
    W = np.linalg.solve(market.beta.T @ market.beta, market.beta.T)
    np.testing.assert_allclose(W @ market.beta, np.eye(market.K), atol=1e-12)
    U = market.random.normal(size=W.shape) @ (np.eye(market.N) - market.beta @ W)
    V = W + U
    np.testing.assert_allclose(V @ market.beta, np.eye(market.K), atol=1e-12)
    np.testing.assert_allclose(V @ V.T, W @ W.T + U @ U.T, atol=1e-12)


def test_03_shankens_factor_is_the_variance_of_the_second_pass():
    random = np.random.default_rng(0)
    T, N, lam, n = 60, 25, 1.0, 4000
    beta, noise = np.linspace(-40, 40, N), 1.0  # betas that differ much more than their errors: no attenuation
    F = random.normal(0, 1, T)
    c = lam**2 / F.var()
    found = np.empty(n)
    for i in range(n):
        r = np.outer(F - F.mean() + lam, beta) + noise * random.normal(size=(T, N))
        hat = (F - F.mean()) @ r / ((F - F.mean()) ** 2).sum()
        found[i] = hat @ r.mean(axis=0) / (hat @ hat)
    expected = (1 + c) * noise**2 / (beta @ beta) / T
    assert found.var() == pytest.approx(expected, rel=0.08) and c > 0.7


def test_04_and_06_no_other_span_leaves_less_and_what_is_left_is_the_small_singular_values(market):
    _, S, Vt = np.linalg.svd(market.R, full_matrices=False)
    V, left = Vt[: market.K].T, (S[market.K :] ** 2).sum()
    A = market.random.normal(size=(market.K, market.K))
    encoder, decoder = V @ A, np.linalg.inv(A) @ V.T
    assert ((market.R - market.R @ encoder @ decoder) ** 2).sum() == pytest.approx(left)
    for _ in range(50):
        Q = np.linalg.qr(V + 0.3 * market.random.normal(size=V.shape))[0]
        a = ((Vt @ Q) ** 2).sum(axis=1)
        assert a.max() <= 1 + 1e-12 and a.sum() == pytest.approx(market.K)
        error = ((market.R - market.R @ Q @ Q.T) ** 2).sum()
        assert error == pytest.approx((S**2 * (1 - a)).sum()) and error >= left


@pytest.mark.parametrize("theta", [1.0, 2.0, 5.0])
def test_05_a_factors_eigenvalue_stands_where_the_whiteboard_says(theta):
    random = np.random.default_rng(0)
    N, T = 300, 600
    X = random.normal(size=(T, N))
    X[:, 0] *= np.sqrt(1 + theta)
    c, found = N / T, np.linalg.eigvalsh(X.T @ X / T)
    assert found[-1] == pytest.approx((1 + theta) * (1 + c / theta), rel=0.06)
    assert found[-2] == pytest.approx((1 + np.sqrt(c)) ** 2, rel=0.03)
    x = (1 + theta) * (1 + c / theta)
    m = (1 + theta) / (x * theta)
    assert c * x * m**2 - (x + c - 1) * m + 1 == pytest.approx(0, abs=1e-12)


def test_07_the_two_half_steps_are_regressions_and_their_moments_suffice(market):
    Z, L = market.random.normal(size=(market.T, market.N, 4)), 4
    left, right = np.zeros((L * market.K,) * 2), np.zeros(L * market.K)
    rows = np.vstack([np.kron(market.F[d], Z[d]) for d in range(market.T)])
    for d in range(market.T):
        left += np.kron(np.outer(market.F[d], market.F[d]), Z[d].T @ Z[d])
        right += np.kron(market.F[d], Z[d].T @ market.R[d])
    gamma = np.linalg.solve(left, right)
    np.testing.assert_allclose(gamma, np.linalg.lstsq(rows, market.R.ravel(), rcond=None)[0])
    Gamma = gamma.reshape(L, market.K, order="F")  # vec puts columns under each other
    np.testing.assert_allclose(rows @ gamma, np.concatenate([Z[d] @ Gamma @ market.F[d] for d in range(market.T)]))


def test_08_plain_characteristics_carry_the_third_factor_alone():
    random = np.random.default_rng(0)
    z = random.uniform(-1, 1, (400_000, 3))
    beta = np.column_stack([z[:, 0] ** 2, 2 * z[:, 0] * z[:, 1], np.sign(z[:, 2])])
    np.testing.assert_allclose(z.T @ beta / len(z), np.diag([0, 0, 0.5]), atol=5e-3)


def test_09_the_slopes_of_both_halves_are_the_error_times_the_other_half(market):
    random, x, h = market.random, market.F[0], market.random.normal(size=(market.N, 5))
    W, B, r = random.normal(size=(3, market.K)), random.normal(size=(5, market.K)), market.R[0]

    def loss(W, B):
        return ((r - h @ B @ (W.T @ x)) ** 2).sum()

    F, beta = W.T @ x, h @ B
    e = r - beta @ F
    for value, slopes, change in (
        (W, -2 * np.outer(x, beta.T @ e), lambda new: loss(new, B)),
        (B, -2 * h.T @ np.outer(e, F), lambda new: loss(W, new)),
    ):
        step = 1e-6 * random.normal(size=value.shape)
        assert change(value + step) - change(value - step) == pytest.approx(2 * (slopes * step).sum(), rel=1e-5)


def test_10_the_gift_is_k_over_n_of_the_noise_and_the_shortcut_leaves_each_ticker_out(market):
    H = market.beta @ np.linalg.solve(market.beta.T @ market.beta, market.beta.T)
    noise = market.random.normal(size=(market.N, 40_000))
    assert ((noise - H @ noise) ** 2).sum(axis=0).mean() == pytest.approx(market.N - market.K, rel=0.01)
    r, h = market.R[0], np.diag(H)
    for s in range(market.N):
        others = np.arange(market.N) != s
        F = np.linalg.lstsq(market.beta[others], r[others], rcond=None)[0]
        assert r[s] - market.beta[s] @ F == pytest.approx((r[s] - H[s] @ r) / (1 - h[s]))
    assert h.mean() == pytest.approx(market.K / market.N)


def test_11_the_error_of_the_mean_is_the_mean_error_less_the_spread():
    random = np.random.default_rng(0)
    r, said = random.normal(size=200), random.normal(size=(5, 200))
    mean = said.mean(axis=0)
    np.testing.assert_allclose((r - mean) ** 2, ((r - said) ** 2).mean(axis=0) - ((said - mean) ** 2).mean(axis=0))


def test_12_pairs_are_worth_one_over_the_root_of_one_less_the_correlation():
    random = np.random.default_rng(0)
    market, own = random.normal(0, 3, 200_000), random.normal(0, 1, (2, 200_000))
    a, b = market + own[0], market + own[1]
    rho = np.corrcoef(a, b)[0, 1]
    assert np.sqrt((a.var() + b.var()) / (a - b).var()) == pytest.approx(1 / np.sqrt(1 - rho), rel=0.01)
    assert rho == pytest.approx(9 / 10, abs=0.005)


def test_13_a_premium_is_worth_forecasting_after_one_over_the_squared_sharpe_ratio():
    random = np.random.default_rng(0)
    lam, sigma, T = 0.15, 1.0, 80
    F = random.normal(lam, sigma, (T + 1, 100_000))
    hat = F[:T].mean(axis=0)
    gain = (F[T] ** 2 - (F[T] - hat) ** 2).mean()
    assert gain == pytest.approx(lam**2 - sigma**2 / T, abs=2e-3)
    assert round(1 / 0.15**2) == 44
    w = lam**2 / (lam**2 + sigma**2 / T)
    best = [2 * v * lam**2 - v**2 * (lam**2 + sigma**2 / T) for v in (w - 0.05, w, w + 0.05)]
    assert best[1] == max(best) > 0


@pytest.mark.parametrize("n", [10, 95, 1000])
def test_14_the_best_of_many_nothings_stays_below_the_root_of_two_logarithms(n):
    best = np.random.default_rng(0).normal(size=(4000, n)).max(axis=1).mean()
    bound = np.sqrt(2 * np.log(n))
    assert 0.7 * bound < best < bound
    if n == 95:
        assert round(bound, 1) == 3.0 and round(best, 1) == 2.5


def test_15_benjamini_and_hochberg_find_false_things_at_exactly_the_promised_rate():
    random = np.random.default_rng(0)
    m, m0, q, n = 20, 15, 0.2, 20_000
    p = random.random((n, m))
    p[:, m0:] = norm.sf(norm.isf(p[:, m0:]) + 2)
    found = np.sort(p, axis=1) <= q * np.arange(1, m + 1) / m
    k = np.where(found.any(axis=1), m - found[:, ::-1].argmax(axis=1), 0)
    false = (p[:, :m0] <= (q * k / m)[:, None]).sum(axis=1)
    assert (false / np.maximum(k, 1)).mean() == pytest.approx(q * m0 / m, abs=0.006)


@pytest.mark.parametrize("q", [0.0, 0.5, 2.0])
def test_16_taking_away_one_of_two_costs_less_than_half(q):
    random = np.random.default_rng(0)
    c, e = random.normal(size=400_000), np.sqrt(q) * random.normal(size=(2, 400_000))
    w = 1 / (2 + q)
    full, one = ((c - w * (2 * c + e[0] + e[1])) ** 2).mean(), ((c - w * (c + e[1])) ** 2).mean()
    assert one - full == pytest.approx((1 + q) / (2 + q) ** 2, abs=0.01)
    assert (c**2).mean() - full == pytest.approx(2 / (2 + q), abs=0.01)


def test_17_all_alphas_together_are_a_difference_of_two_squared_sharpe_ratios(market):
    design = np.column_stack([np.ones(market.T), market.F])
    fit = np.linalg.lstsq(design, market.R, rcond=None)[0]
    errors = market.R - design @ fit

    def squared(x):
        return x.mean(axis=0) @ np.linalg.solve(np.cov(x.T, bias=True), x.mean(axis=0))

    alpha = fit[0] @ np.linalg.solve(errors.T @ errors / market.T, fit[0])
    assert alpha == pytest.approx(squared(np.column_stack([market.F, market.R])) - squared(market.F))


def test_18_the_sample_covariance_promises_too_little_by_as_much_as_is_said():
    random = np.random.default_rng(0)
    N, T, n = 10, 20, 20_000
    R = random.normal(size=(n, T, N))
    S = np.einsum("ntj,ntk->njk", R, R) / T
    w = np.linalg.solve(S, np.ones((n, N, 1)))[..., 0]
    w /= w.sum(axis=1, keepdims=True)
    promised, kept = np.einsum("nj,njk,nk->n", w, S, w).mean(), (w**2).sum(axis=1).mean()
    assert promised == pytest.approx((T - N + 1) / T / N, rel=0.02)
    assert kept == pytest.approx((T - 1) / (T - N) / N, rel=0.03)
    assert round((60 - 49) / 60, 2) == 0.18 and round(59 / 10, 1) == 5.9
    assert round(np.sqrt(5.9 / (11 / 60)), 1) == 5.7


def test_19_survivors_have_earned_what_nobody_could():
    random = np.random.default_rng(0)
    sums = random.normal(0, 0.10 * np.sqrt(120), 400_000)
    gift = 0.10 / np.sqrt(120) * norm.pdf(0) / 0.5
    assert sums[sums > 0].mean() / 120 == pytest.approx(gift, rel=0.01)
    assert round(100 * gift, 2) == 0.73


def test_20_an_r2_stands_half_as_many_errors_from_zero_as_the_profit():
    random = np.random.default_rng(0)
    r2, T = 0.01, 4000
    hat = np.sqrt(r2) * random.normal(size=(1000, T))
    r = hat + np.sqrt(1 - r2) * random.normal(size=hat.shape)

    def t(x):
        return (x.mean(axis=1) / x.std(axis=1) * np.sqrt(T)).mean()

    assert t(r**2 - (r - hat) ** 2) == pytest.approx(np.sqrt(T * r2) / 2, rel=0.03)
    assert t(r * hat) == pytest.approx(np.sqrt(T * r2), rel=0.03)
    assert 16 / 0.005 == 3200


def test_21_the_standard_error_of_a_sharpe_ratio_is_los():
    random = np.random.default_rng(0)
    S, T = 0.5, 400
    r = random.normal(S, 1, (20_000, T))
    assert (r.mean(axis=1) / r.std(axis=1)).std() == pytest.approx(np.sqrt((1 + S**2 / 2) / T), rel=0.02)
    assert round(np.sqrt(12 / 408), 2) == 0.17
