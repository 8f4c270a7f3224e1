"""Which pieces of a lesson become slides, and what of the rest is said with each: a deck is made of one lesson's cells.

Each piece that could stand on a slide has a worth; the dearest that fit into the deck are shown, in the lesson's order.
The metadata of a cell has the last word: `slideshow.slide_type` ("slide", "skip", "notes"), and in `slide`

    title        of the slide that the cell makes; where it makes several, by their kind: question, formula, list, ...
    points       short sentences in the place of a list or of prose
    caption      a sentence in the place of those that the lesson says next; none, if it is empty
    skip         the kinds of slides that it is not to make
    whiteboard   true, where the derivation on the whiteboard belongs
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tools.editions import slides_html as html
from tools.editions.slides_lesson import Piece, said_by_picture, sentences
from tools.editions.slides_material import Material

FEWEST, USUAL, MOST = 15, 18, 20
FIXED = 3  # title, discussion, takeaways
EXERCISE = re.compile(r"Exercise (\d+)(?: \((\w[^)]*)\))?(?:: (.+))?")
ASKS = re.compile(r"\*\*Before you run the next cells?:\*\*\s*")
HEIGHT, WIDTH = 540, 1150  # of what stands below a title, in the pixels of the design
WORTH = {"picture": 100, "playground": 200, "formula": 70, "question": 62, "table": 66, "points": 300, "list": 52,
         "printed": 50, "options": 92, "predict": 84, "mistake": 80, "exercise": 58, "open": 20}  # fmt: skip
PLAYGROUND = '<iframe src="playground.html" title="Playground: a network that trains in the page"></iframe>'
FIRST = 25  # more, for the first of its section
AGAIN, SOON_TOO_MANY = 25, ("question", "printed", "list")


@dataclass(frozen=True)
class Slide:
    """A slide: its title, what is seen and what is said."""

    title: str
    kind: str
    first: int  # its pieces, from the first
    last: int  # to the last
    worth: float
    body: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    section: str = ""
    small: bool = False
    piece: Piece | None = field(default=None, repr=False)


def deck(pieces: Sequence[Piece], material: Material) -> list[Slide]:
    """The slides of a lesson, 15 to 20, with all of its prose in their notes.

    Raises
    ------
    ValueError
        The lesson gives too few slides, or its metadata asks for too many.
    """
    end = next(i for i, piece in enumerate(pieces) if piece.kind == "heading" and piece.text == "Takeaways")
    found = [slide for slide in candidates(pieces[:end], material) if wanted(slide)]
    forced = [slide for slide in found if slide.piece and slide.piece.said["type"] == "slide"]
    rest = dearest([slide for slide in found if slide not in forced])
    chosen = sorted(
        [*forced, *rest[: max(USUAL - FIXED - len(forced), 0)]], key=lambda slide: (slide.first, slide.last)
    )
    if not FEWEST <= len(chosen) + FIXED <= MOST:
        title = pieces[0].text
        raise ValueError(
            f"“{title}” gives {len(chosen) + FIXED} slides, and {FEWEST} to {MOST} are wanted: "
            "say in the metadata of its cells what to show (slideshow.slide_type, slide.points)."
        )
    start = 1 + next(i for i, piece in enumerate(pieces[1:]) if piece.kind == "heading")
    ends = [*(boundary(pieces, a.last + 1, b.first) for a, b in pairwise(chosen)), end]
    starts = [start, *ends[:-1]]
    chosen = [with_notes(slide, pieces[a:b], material) for slide, a, b in zip(chosen, starts, ends, strict=True)]
    slides = [title_slide(pieces[:start]), *chosen, material.discussion_slide(Slide), last_slide(pieces[end:])]
    return with_whiteboard(told_apart(slides), material)


def wanted(slide: Slide) -> bool:
    """Whether the metadata of its cell lets it be shown."""
    said = slide.piece.said if slide.piece else {"type": ""}
    return said["type"] not in ("skip", "notes") and slide.kind not in said.get("skip", ())


def dearest(slides: Sequence[Slide]) -> list[Slide]:
    """The dearest first; of the same kind, each after the third is worth less: no deck of questions alone."""
    ordered = sorted(slides, key=lambda slide: (-slide.worth, slide.first))
    seen: Counter[str] = Counter()
    worth = {}
    for slide in ordered:
        worth[id(slide)] = slide.worth - (AGAIN * max(seen[slide.kind] - 2, 0) if slide.kind in SOON_TOO_MANY else 0)
        seen[slide.kind] += 1
    return sorted(ordered, key=lambda slide: -worth[id(slide)])


def boundary(pieces: Sequence[Piece], after: int, before: int) -> int:
    """Where the notes of one slide end and those of the next begin: at a heading, or where a question is asked."""
    between = range(after, before)
    starts = [i for i in between if pieces[i].kind == "heading" or ASKS.match(pieces[i].text)]
    return starts[0] if starts else before


def candidates(pieces: Sequence[Piece], material: Material) -> list[Slide]:
    """All that could stand on a slide between title and takeaways."""
    found: list[Slide] = []
    section = ""
    asking: re.Match | None = None  # the exercise that the pieces belong to
    fresh = True
    seen: set[tuple[int, str]] = set()
    for i, piece in enumerate(pieces):
        if piece.kind == "heading":
            asking = EXERCISE.match(piece.text)
            section, fresh = (section, fresh) if asking else (piece.text, True)
            if asking:
                found.append(exercise(pieces, i, asking))
            continue
        if i == 0 or (asking and piece.is_prose) or piece.cell == 0:
            continue
        asking = None if piece.kind not in ("printed", "code") else asking
        slide = None if "from helpers.exercises" in piece.text else shown(pieces, i, section, material)
        if slide and (piece.cell, slide.kind) not in seen:
            seen.add((piece.cell, slide.kind))
            found.append(replace(slide, worth=slide.worth + FIRST * fresh))
            fresh = False
    return found


def shown(pieces: Sequence[Piece], i: int, section: str, material: Material) -> Slide | None:
    """The slide that a piece makes, if it makes one."""
    piece = pieces[i]
    title = piece.said.get(piece.kind) or piece.said.get("title") or section
    if ASKS.match(piece.text) and piece.kind == "prose":
        asked = ASKS.sub("", piece.text)
        asked = capital(asked)
        seen = (f'<div class="question">{html.as_html(asked)}</div>',)
        return Slide(piece.said.get("question") or f"Your guess: {section}", "question", i, i, WORTH["question"], seen,
                     section=section, piece=piece)  # fmt: skip
    if "points" in piece.said and piece.kind in ("list", "prose") and not piece.text.startswith("*What"):
        seen = (f"<ul>{''.join(f'<li>{html.inline(point)}</li>' for point in piece.said['points'])}</ul>",)
        return Slide(title, "points", i, i, WORTH["points"], seen, section=section, piece=piece)
    after = pieces[i + 1].text if i + 1 < len(pieces) and pieces[i + 1].kind == "prose" else ""
    before = pieces[i - 1].text if pieces[i - 1].kind == "prose" else ""
    kind = piece.kind
    body: list[str] | None = None
    if "playground(" in piece.text and piece.kind == "picture":
        kind, body = "playground", [PLAYGROUND]
    elif piece.picture:
        body = [material.figure(piece), *caption(after)]
        title = piece.said.get("picture") or piece.said.get("title") or said_by_picture(piece.text) or section
    elif piece.kind == "formula":
        after = "" if ASKS.match(after) else after
        lead = re.sub(r"[^.!?]*[^.!?)]$", "", sentences(after, 260).strip()).strip()
        body = [html.as_html(piece.text), html.as_html(lead)]
        if not after and before and not before.startswith("*What"):
            body = [html.as_html(sentences(before, 260)), html.as_html(piece.text)]
    elif piece.kind == "table" and fits(html.cells(piece.result)):
        body = [html.table(piece.result, title), *remark(after)]
        body = body[:1] if sum(tall(part, 28) for part in body) > HEIGHT - 110 else body
    elif piece.kind == "printed":
        body = code_and_result(piece)
        body = body and [*body, *remark(after)]
        body = body[:-1] if body and sum(tall(part, 28) for part in body) > HEIGHT else body
    elif piece.kind == "list" and 2 <= len(re.findall(r"^(?:-|\d+\.) ", piece.text, re.M)) <= 5:
        body = [html.as_html(piece.text)]
    if body is None:
        return None
    if "caption" in piece.said and kind in ("picture", "table", "printed", "formula"):
        said = html.inline(piece.said["caption"])
        body = [part for part in body if not part.startswith("<p") or "\\[" in part or part.startswith("<pre")]
        body += [f'<p class="caption">{said}</p>'] if said else []
    height = sum(tall(part, 28) for part in body)
    if piece.kind == "list" and height > HEIGHT:
        return None
    small = piece.kind in ("list", "formula") and height > HEIGHT - 120
    return Slide(title, kind, i, i, WORTH[kind], tuple(body), section=section, piece=piece, small=small)


def caption(after: str) -> list[str]:
    """What there is to see, in a sentence or two."""
    if not after.startswith("*What to see:") or not after.rstrip().endswith("*"):
        return []
    # Its emphasis stops and begins again around formulas.
    text = re.sub(r"(?<!\*)\*(?!\*)", "", after).strip().removeprefix("What to see:").strip()
    text = sentences(text, 170)
    return [f'<p class="caption">{html.inline(capital(text))}</p>'] if len(text) < 330 else []


def remark(after: str) -> list[str]:
    """What the lesson says next of numbers, in a sentence or two."""
    if not after or ASKS.match(after) or after.startswith("*"):
        return caption(after)
    return [f'<p class="remark">{html.inline(sentences(after, 200))}</p>']


def code_and_result(piece: Piece) -> list[str] | None:
    """Code of at most twelve lines with what it prints; what it prints alone, if the code is longer or wide."""
    lines, result = piece.text.split("\n"), piece.result.split("\n")
    if len(result) > 12 or max(map(len, result)) > 78:
        return None
    if len(lines) <= 12 and max(map(len, lines)) <= 77 and len(lines) + len(result) <= 15:
        return [html.code(piece.text), html.printed(piece.result)]
    return [html.printed(piece.result)] if len(result) >= 3 else None


def fits(rows: Sequence[Sequence[str]]) -> bool:
    """Whether a table can be read on a slide."""
    widths = [max(len(row[j]) if j < len(row) else 0 for row in rows) for j in range(max(map(len, rows), default=0))]
    return 2 <= len(rows) <= 10 and sum(14 * width + 36 for width in widths) <= WIDTH


def exercise(pieces: Sequence[Piece], i: int, found: re.Match) -> Slide:
    """An exercise to vote on or to think about: as much of its question as fits, and its options."""
    number, way, title = found.groups()
    parts = []
    last = i
    for j in range(i + 1, len(pieces)):
        if not pieces[j].is_prose or pieces[j].kind == "heading" or pieces[j].cell > pieces[j - 1].cell + 1:
            break  # after its answer cell, which is no piece, the lesson goes on
        last = j
        if not re.search(r"`q\d+\.hint", pieces[j].text):
            parts.append(pieces[j])
    options = [p for p in parts if p.kind == "list" and re.search(r"^- \*\*[a-z]\*\*", p.text, re.M)]
    kind = "options" if options else way or title or ""
    worth = next((WORTH[w] for w in ("options", "open", "mistake", "predict") if w in kind), WORTH["exercise"])
    said = pieces[i].said
    heading = said.get("exercise") or f"Exercise {number}: {title or way or 'think'}"
    body, small = fitting([html.code(code_of(p)) if p.kind == "fence" else html.as_html(p.text) for p in parts],
                          [p in options for p in parts])  # fmt: skip
    return Slide(capital(heading), "exercise", i, last, worth, tuple(body), section=f"q{number}",
                 small=small, piece=pieces[i])  # fmt: skip


def capital(text: str) -> str:
    """The text with a capital first, unless that is a Greek letter: β is no B."""
    return text[:1].upper() + text[1:] if text[:1].isascii() else text


def code_of(piece: Piece) -> str:
    """The code between fences."""
    return re.sub(r"^```.*\n|\n?```$", "", piece.text)


def fitting(parts: Sequence[str], needed: Sequence[bool]) -> tuple[list[str], bool]:
    """The parts that fit on a slide, those that are needed first, and whether they have to be smaller for it."""
    for size in (28, 24):
        if sum(tall(part, size) for part in parts) <= HEIGHT:
            return list(parts), size == 24
    room = HEIGHT - sum(tall(part, 24) for part, need in zip(parts, needed, strict=True) if need)
    kept = []
    for part, need in zip(parts, needed, strict=True):
        if need or tall(part, 24) <= room:
            room -= 0 if need else tall(part, 24)
            kept.append(part)
        else:
            room = 0 if not need else room  # what comes after a gap would not be understood
    return kept, True


def tall(part: str, size: int) -> float:
    """About how many pixels of height a part takes in text of this size."""
    if part.startswith("<pre"):
        return 31 * (part.count("\n") + 1) + 40
    height = 0.0
    for block in re.split(r"</(?:p|li|tr|div)>", part):
        formulas = block.count("\\[")
        text = re.sub(r"<[^>]+>|\\[a-zA-Z]+|[{}$]", "", block).strip()
        if text:
            height += 1.4 * size * -(-len(text) * 0.5 * size // WIDTH) + 0.45 * size + 70 * formulas
    return height


def with_notes(slide: Slide, pieces: Sequence[Piece], material: Material) -> Slide:
    """The slide with what its part of the lesson says."""
    notes = [f"### {p.text}" if p.kind == "heading" else p.text for p in pieces if p.is_prose]
    said = [html.as_html(note) for note in notes]
    for piece in pieces:
        if piece.kind == "heading" and (found := EXERCISE.match(piece.text)):
            said += [html.as_html(note) for note in material.of_exercise(f"q{found[1]}")]
    return replace(slide, notes=tuple(said))


def title_slide(pieces: Sequence[Piece]) -> Slide:
    """The first slide: title, one sentence, what one will be able to do."""
    sentence = next(piece for piece in pieces if piece.text.startswith("**In one sentence:**"))
    able = next(piece for piece in pieces if piece.kind == "list")
    text = sentence.text.removeprefix("**In one sentence:**").strip()
    body = [f'<p class="lead">{html.inline(capital(text))}</p>', "<p>Afterwards you will be able to</p>",
            html.as_html(able.text)]  # fmt: skip
    longer = 56 * (len(pieces[0].text) // 44) + 30  # of the title, and of the sentence, which is larger
    small = sum(tall(part, 28) for part in body) + longer > HEIGHT + 90  # what is tall is guessed high
    notes = tuple(html.as_html(piece.text) for piece in pieces[1:])
    return Slide(pieces[0].text, "title", 0, 0, 0, tuple(body), notes, small=small)


def last_slide(pieces: Sequence[Piece]) -> Slide:
    """What to take along."""
    body, small = fitting([html.as_html(next(piece for piece in pieces if piece.kind == "list").text)], [True])
    notes = tuple(html.as_html(piece.text) for piece in pieces[1:])
    return Slide("Takeaways", "takeaways", 0, 0, 0, tuple(body), notes, small=small)


def told_apart(slides: Sequence[Slide]) -> list[Slide]:
    """The slides with titles of which none comes twice."""
    seen: dict[str, int] = {}
    told = []
    for slide in slides:
        seen[slide.title] = seen.get(slide.title, 0) + 1
        again = f" ({seen[slide.title]})" if seen[slide.title] > 1 else ""
        told.append(replace(slide, title=slide.title + again))
    return told


def with_whiteboard(slides: Sequence[Slide], material: Material) -> list[Slide]:
    """The derivation goes where the metadata says, or to the last formula, or to the discussion."""
    asked = [s for s in slides if s.piece and s.piece.said.get("whiteboard")]
    place = [*asked, *reversed([s for s in slides if s.kind == "formula"]), slides[-2]][0]
    more = tuple(html.as_html(part) for part in material.whiteboard)
    return [replace(slide, notes=(*slide.notes, *more)) if slide is place else slide for slide in slides]
