"""The slides: a deck of reveal.js for each lesson, with speaker notes, made of the lesson's cells.

    python -m tools.editions.slides             into build/slides
    python -m tools.editions.slides elsewhere   into another folder

Nothing in it is fetched from elsewhere: reveal.js and MathJax are copied from packages, and all of it opens as files.
"""

import argparse
import ast
import html
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

from helpers.playground import page
from tools.editions import slides_deck, slides_html, slides_lesson, slides_material, stamp
from tools.editions.slides_deck import Slide
from tools.refresh import ROOT, lessons

OWN = ("slides.py", "slides_deck.py", "slides_html.py", "slides_lesson.py", "slides_material.py", "slides_page")
PARTS = (
    *("notebooks", "teaching/lessons", "helpers/exercises", "helpers/playground"),
    *(f"tools/editions/{name}" for name in OWN),
)
LOOKS = Path(__file__).with_name("slides_page")
BESIDE = 1.75  # a picture that is not much wider than high has its caption beside it
REVEAL = (
    "LICENSE",
    "dist/reset.css",
    "dist/reveal.css",
    "dist/reveal.js",
    "plugin/notes/notes.js",
    "plugin/zoom/zoom.js",
)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the slides are built, else 1 and a sentence."""
    parser = argparse.ArgumentParser("python -m tools.editions.slides", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "slides", help="default: build/slides")
    folder = parser.parse_args(argv).folder
    try:
        count = build(folder)
    except (OSError, ValueError) as reason:
        print(f"The slides were not built. {reason}", file=sys.stderr)
        return 1
    print(f"{count} slides: open {folder}/index.html")
    return 0


def build(folder: Path) -> int:
    """Builds all decks, and puts them into the folder when they are complete; how many slides they have.

    Raises
    ------
    ValueError
        The folder holds something else, or a lesson gives too few or too many slides.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / stamp.STAMP).is_file():
        raise ValueError(f"{folder} holds something that is no edition: name another folder, or empty it.")
    built_from = stamp.sources(ROOT, PARTS)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as unfinished:
        new = Path(unfinished) / "new"
        (new / "figures").mkdir(parents=True)
        copy_looks(new)
        decks = {path: write_deck(path, new) for path in lessons()}
        write_index(decks, new)
        stamp.write(new, built_from, PARTS)
        if folder.exists():
            folder.rename(Path(unfinished) / "old")
        new.rename(folder)
    return sum(map(len, decks.values()))


def copy_looks(folder: Path) -> None:
    """What all decks share: reveal.js with its plugins, MathJax, our style and script."""
    reveal = Path(str(distribution("sphinx-revealjs").locate_file("sphinx_revealjs/_static/revealjs")))
    for name in REVEAL:
        target = folder / "reveal" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(reveal / name, target)
    package = distribution("sphinx-mathjax-offline")
    shutil.copyfile(
        str(package.locate_file("sphinx-mathjax-offline/static/mathjax/tex-svg.js")), folder / "mathjax.js"
    )  # one file, its letters included: fonts of their own are not loaded everywhere from files
    shutil.copyfile(LOOKS / "deck.js", folder / "deck.js")
    style = (LOOKS / "deck.css").read_text(encoding="utf-8") + slides_html.colours()
    (folder / "deck.css").write_text(style, encoding="utf-8")


def write_deck(path: Path, folder: Path) -> list[Slide]:
    """Writes the deck of a lesson, its pictures and its playground, if it has one."""
    pieces = slides_lesson.read(path)
    material = slides_material.read(ROOT / "teaching" / "lessons" / f"{path.stem}.md")
    deck = slides_deck.deck(pieces, material)
    for slide in deck:
        if slide.piece and slide.kind == "picture" and slide.piece.picture:
            if not slide.piece.picture.alt:
                raise ValueError(f"The picture of cell {slide.piece.cell} of {path.name} has no alt text.")
            (folder / material.image(slide.piece)).write_bytes(slide.piece.picture.png)
        elif slide.piece and slide.kind == "playground":
            (folder / "playground.html").write_text(page(**options(slide.piece.text)), encoding="utf-8")
    template = Template((LOOKS / "deck.html").read_text(encoding="utf-8"))
    title = html.escape(slides_html.plain(deck[0].title))
    text = template.substitute(title=title, slides="\n".join(map(as_section, deck)))
    (folder / f"{path.stem}.html").write_text(text, encoding="utf-8")
    return deck


def options(code: str) -> dict:
    """The options with which a cell calls the playground."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    call = next(node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "playground")
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


def as_section(slide: Slide) -> str:
    """A slide in HTML. Only one is seen at a time, so each title is the first heading of what is seen."""
    looks = " small" if slide.small else ""
    picture = slide.piece.picture if slide.piece and slide.kind == "picture" else None
    looks += " beside" if picture and picture.width < BESIDE * picture.height and len(slide.body) > 1 else ""
    section = f'<p class="section">{slides_html.inline(slide.section)}</p>' if has_section(slide) else ""
    notes = "\n".join(slide.notes)
    body = "\n".join(slide.body)
    return (
        f'<section class="{slide.kind}{looks}">\n{section}<h1>{slides_html.inline(slide.title)}</h1>\n'
        f'<div class="body">\n{body}\n</div>\n<aside class="notes">\n{notes}\n</aside>\n</section>'
    )


def has_section(slide: Slide) -> bool:
    """Whether the part of the lesson is to be named above the title, which does not say it."""
    return slide.kind != "exercise" and bool(slide.section) and not slide.title.endswith(slide.section)


def write_index(decks: dict[Path, list[Slide]], folder: Path) -> None:
    """Writes the page that lists the decks."""
    rows = "\n".join(
        f'<li><a href="{path.stem}.html">{html.escape(path.stem[:2])} {slides_html.inline(deck[0].title)}</a>'
        f' <span>{len(deck)} slides <a href="{path.stem}.html?page"'
        f' aria-label="Read as a page: {html.escape(slides_html.plain(deck[0].title))}">Read as a page</a></span></li>'
        for path, deck in decks.items()
    )
    template = Template((LOOKS / "index.html").read_text(encoding="utf-8"))
    (folder / "index.html").write_text(template.substitute(decks=rows), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
