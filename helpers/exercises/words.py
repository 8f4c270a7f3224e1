"""Texts as a notebook shows them."""

import textwrap

PAGE = 76  # characters in a line, so that JupyterLab need not break words


class Feedback(str):
    """A text that a notebook shows without quotation marks: prose in lines that fit its page, code as it is."""

    def __repr__(self) -> str:
        return str(self) if "\n" in self else filled(self)


def filled(prose: str) -> str:
    """The prose in lines that fit the page."""
    return textwrap.fill(prose, PAGE, break_long_words=False, break_on_hyphens=False)
