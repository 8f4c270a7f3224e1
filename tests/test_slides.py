"""The slides: their number, what stands on them and in their notes, and that a deck needs nothing from elsewhere."""

import json
import re
from dataclasses import replace

import nbformat
import pytest

from tools.editions import slides, slides_deck, slides_html, slides_lesson, slides_material, stamp
from tools.refresh import lessons

LESSONS = lessons()
ADDRESS = re.compile(r"""(?:<(?:script|img|iframe|link)\b[^>]*?(?:src|href)=|url\(|@import )\s*["']?(\w+:)?//""")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides") / "first"
    assert slides.main([str(folder)]) == 0
    return folder


def deck(path):
    material = slides_material.read(slides.ROOT / "teaching" / "lessons" / f"{path.stem}.md")
    return slides_deck.deck(slides_lesson.read(path), material)


def words(text):
    """Its letters and digits alone, without addresses, tags and what formulas escape."""
    text = re.sub(r"\]\([^)]*\)|</?[a-z][^>]*>", " ", text)
    text = re.sub(r"&(?:lt|gt|amp|quot|#x27);", " ", text)
    return re.sub(r"[\W_]+", "", re.sub(r"^```\w*|^\d+\. ", "", text, flags=re.MULTILINE))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_deck_has_15_to_20_slides_with_titles_of_their_own(path):
    shown = deck(path)
    assert 15 <= len(shown) <= 20
    assert len({slide.title for slide in shown}) == len(shown)
    assert not [slide.title for slide in shown if re.search(r" \(\d\)$", slide.title)]
    assert all(slide.body for slide in shown)
    assert (shown[0].kind, shown[-2].kind, shown[-1].kind) == ("title", "discussion", "takeaways")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_sentence_of_a_lesson_is_lost(path):
    said = words("".join("".join((slide.title, *slide.body, *slide.notes)) for slide in deck(path)))
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    blocks = [block for source in cells for block in re.split(r"\n\n|\n(?=- )", source)]
    assert [block for block in blocks if words(block.removeprefix("**In one sentence:** ")) not in said] == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_pictures_say_what_they_show_and_points_are_short(path):
    for slide in deck(path):
        assert slide.kind != "picture" or len(slide.piece.picture.alt.split()) > 5, slide.title
        points = slide.piece.said.get("points", ()) if slide.kind == "points" else ()
        assert len(points) <= 5 and all(len(point.split()) <= 12 for point in points), slide.title


def test_prompts_mistakes_hints_and_the_derivation_are_in_the_notes():
    shown = deck(LESSONS[3])
    notes = ["\n".join(slide.notes) for slide in shown]
    asked = next(i for i, slide in enumerate(shown) if slide.title.startswith("Exercise 2"))
    assert "Typical mistakes" in notes[asked] and "Nobody earns the growth of production" in notes[asked]
    assert "Hints" in notes[asked] and "Nobody earns the growth" not in "".join(shown[asked].body)
    assert "All tickers live through the same months" in notes[-2] or "all tickers live through" in notes[-2]
    whiteboard = [slide.title for slide, note in zip(shown, notes, strict=True) if "On the whiteboard" in note]
    assert whiteboard == ["Shanken: estimated betas make the error larger"]


def test_the_metadata_of_a_cell_has_the_last_word():
    pieces = slides_lesson.read(LESSONS[3])
    material = slides_material.read(slides.ROOT / "teaching" / "lessons" / f"{LESSONS[3].stem}.md")
    drawn = next(slide.piece for slide in slides_deck.deck(pieces, material) if slide.kind == "picture")

    def with_said(**said):
        changed = [replace(p, said={**p.said, **said}) if p.cell == drawn.cell else p for p in pieces]
        return slides_deck.deck(changed, material)

    assert drawn.cell not in {slide.piece.cell for slide in with_said(type="skip") if slide.piece}
    assert drawn.cell not in {slide.piece.cell for slide in with_said(skip=["picture"]) if slide.piece}
    assert "A title by hand" in {slide.title for slide in with_said(title="A title by hand")}
    said = {said: next(slide for slide in with_said(caption=said) if slide.piece is not None and slide.piece.cell
                       == drawn.cell and slide.kind == "picture").body for said in ("By **hand**.", "")}  # fmt: skip
    assert said["By **hand**."][-1] == '<p class="caption">By <strong>hand</strong>.</p>'
    assert [part.startswith('<div class="figure">') for part in said[""]] == [True]


def numbers(text, decimals):
    """The numbers of a text as they would be rounded; shares as percent, too."""
    found = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]
    return {round(scale * number, decimals) for number in found for scale in (1, 100)}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_number_in_words_by_hand_stands_in_the_cell_or_is_its_result(path):
    """Or in the few cells before. Of two digits or more: a smaller one is a name or a count, and stands anywhere."""
    cells = nbformat.read(path, as_version=4).cells
    for i, cell in enumerate(cells):
        said = cell.metadata.get("slide", {})
        lines = [*said.get("points", ()), *(line for name, line in said.items() if name not in ("points", "skip"))]
        for number in re.findall(r"\d+\.\d+|\d\d+", re.sub(r"Exercise \d+", "", " ".join(map(str, lines)))):
            around = cells[max(i - 3, 0) : i + 2]
            text = " ".join(f"{each.source} {json.dumps(without_pictures(each))}" for each in around)
            assert float(number) in numbers(text, len(number.partition(".")[2])), (cell.id, number)


def without_pictures(cell):
    """What a cell has printed, and the tables behind what it has drawn."""
    outputs = cell.get("outputs", [])
    told = [output.get("metadata", {}).get("image/png", {}).get("tables", []) for output in outputs]
    return [*told, *({**output.get("data", {}), "image/png": "", "": output.get("text", "")} for output in outputs)]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_an_exercise_ends_before_its_answer_cell(path):
    """What the lesson says below it would tell the answer, or follow from it."""
    cells = nbformat.read(path, as_version=4).cells
    below = [cells[i + 1].source for i, cell in enumerate(cells[:-1]) if re.search(r"\bq\d+\.check\(", cell.source)]
    below = [words(source.partition("\n\n")[0]) for source in below if not source.startswith("#")]
    asked = [words("".join(slide.body)) for slide in deck(path) if slide.kind == "exercise"]
    assert asked and not [start for start in below if start and any(start in body for body in asked)]


def test_nothing_is_fetched_from_elsewhere(built):
    ours = [*built.glob("*.html"), built / "deck.css", *built.glob("reveal/**/*.css")]
    assert len(ours) > len(LESSONS) + 2
    assert [(path.name, found[0]) for path in ours if (found := ADDRESS.search(path.read_text(encoding="utf-8")))] == []


def test_every_file_that_a_deck_names_is_there(built):
    for page in built.glob("*.html"):
        if page.name == "playground.html":
            continue
        named = re.findall(r'(?:src|href)="(?!data:|https?:|#)([^"]+)"', page.read_text(encoding="utf-8"))
        assert named and [name for name in named if not (built / name.partition("?")[0]).is_file()] == []


def test_two_builds_are_the_same_and_neither_is_stale(built, tmp_path):
    assert slides.main([str(tmp_path / "again")]) == 0
    first, again = ({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
                    for folder in (built, tmp_path / "again"))  # fmt: skip
    assert first == again
    assert stamp.stale(built, slides.ROOT) == []


def test_a_folder_with_something_else_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert slides.main([str(tmp_path)]) == 1
    assert "name another folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("text", "most", "first"),
    [
        ("One. Two. Three.", 9, "One. Two."),
        ("It is $a. b$ (see below. There) now. Next.", 3, "It is $a. b$ (see below. There) now."),
        ("**Bold.** And more.", 4, "**Bold.**"),
    ],
)
def test_sentences_are_not_torn(text, most, first):
    assert slides_lesson.sentences(text, most) == first


def test_an_empty_head_of_a_table_is_a_cell():
    made = slides_html.table('<table class="x"><tr style="a"><th></th><th>t</th></tr></table>', "numbers")
    assert made == "<table><caption>numbers</caption><tr><td></td><th>t</th></tr></table>"
