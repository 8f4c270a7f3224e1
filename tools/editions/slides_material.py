"""What a lecturer has beside the lesson: hints, typical mistakes, prompts for discussion, the derivation."""

import html as escaping
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tools.editions import slides_html as html
from tools.editions.slides_lesson import Piece


@dataclass(frozen=True)
class Material:
    """The page of a lesson in teaching/lessons/, and its exercises."""

    name: str  # of the lesson, such as 03_risk_premia
    prompts: tuple[tuple[str, str], ...]  # the question, and its point
    whiteboard: tuple[str, ...]
    mistakes: dict[str, str]  # of an exercise, as a list

    def of_exercise(self, name: str) -> list[str]:
        """Hints and typical mistakes of an exercise."""
        question = getattr(import_module(f"helpers.exercises.{self.name[3:]}"), name)
        hints = "\n".join(f"- {hint}" for hint in question.hints)
        mistakes = self.mistakes.get(name, "")
        return ["**Hints**", hints, *(["**Typical mistakes**", mistakes] if mistakes else [])]

    def figure(self, piece: Piece) -> str:
        """The picture of a cell as an image beside the deck; at most twice as large as it was drawn."""
        assert piece.picture
        alt = escaping.escape(piece.picture.alt, quote=True)
        size = f'width="{piece.picture.width}" height="{piece.picture.height}"'
        return f'<div class="figure"><img src="{self.image(piece)}" alt="{alt}" {size}></div>'

    def image(self, piece: Piece) -> str:
        """The file of a picture, relative to the deck."""
        return f"figures/{self.name[:2]}_{piece.cell:02}.png"

    def discussion_slide(self, slide: Callable[..., Any]) -> Any:
        """The two prompts on a slide, their points in its notes."""
        asked = "".join(f"<li>{html.inline(question)}</li>" for question, _ in self.prompts)
        notes = tuple(html.as_html(f"**{question}** {point}") for question, point in self.prompts)
        return slide("Discuss", "discussion", 0, 0, 0, (f'<ol class="prompts">{asked}</ol>',), notes)


def read(path: Path) -> Material:
    """The material on a page of teaching/lessons/.

    Raises
    ------
    ValueError
        The page lacks one of its three parts.
    """
    parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.M)
    by_title = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts[1:]}
    board = [title for title in by_title if title.startswith("On the whiteboard")]
    if not {"Two prompts for discussion", "Typical mistakes"} <= set(by_title) or not board:
        raise ValueError(f"{path.name} needs two prompts, a derivation on the whiteboard and typical mistakes.")
    prompts = re.findall(r"^\d\. \*\*(.+?)\*\* (.+)$", by_title["Two prompts for discussion"], re.M)
    mistakes = {}
    for part in re.split(r"^### ", by_title["Typical mistakes"], flags=re.M)[1:]:
        head, _, text = part.partition("\n")
        listed = [line for line in text.splitlines() if line.startswith("- ")]
        mistakes[head.partition(":")[0]] = "\n".join(listed) or re.sub(r"<[^>]+>", "", text).strip()
    derivation = [part for part in by_title[board[0]].split("\n\n") if part]
    return Material(path.stem, tuple(prompts), (f"**{board[0]}**", *derivation), mistakes)
