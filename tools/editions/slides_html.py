"""Markdown, code, tables and pictures as HTML that can be read from the back row."""

import html
import re

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, TextLexer

LIGHT, DARK = "a11y-high-contrast-light", "a11y-high-contrast-dark"
FORMATTER = HtmlFormatter(nowrap=True)


def _formula(text, options):
    left, right = ("\\[", "\\]") if options["display_mode"] else ("\\(", "\\)")
    return f"{left}{html.escape(text.strip())}{right}"


def _coloured(text, language, _attributes):
    return coloured(text) if language == "python" else html.escape(text)


MARKDOWN = MarkdownIt("commonmark", {"highlight": _coloured}).enable("table")
MARKDOWN.use(dollarmath_plugin, renderer=_formula)


def as_html(text: str) -> str:
    """Markdown as HTML: formulas are left to MathJax, lessons become decks, other links within the course plain text.

    Examples
    --------
    >>> as_html("see [02 Regression](02_cross_sectional_regression.ipynb)")
    '<p>see <a href="02_cross_sectional_regression.html">02 Regression</a></p>'
    """
    text = re.sub(r"\]\((\d\d_\w+)\.ipynb(?:#[^)]*)?\)", r"](\1.html)", text)
    text = re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?://|\d\d_\w+\.html)[^)]*\)", r"\1", text)
    made = MARKDOWN.render(text).strip()
    # A heading within notes would be one of the slide.
    return re.sub(r"<(/?)h[1-6]>", lambda tag: "</strong></p>" if tag[1] else "<p><strong>", made)


def inline(text: str) -> str:
    """A line of Markdown, without the paragraph around it."""
    return re.sub(r"^<p>(.*)</p>$", r"\1", as_html(text), flags=re.S)


def plain(text: str) -> str:
    """A line of Markdown without its marks, for titles of pages.

    Examples
    --------
    >>> plain("**F** is `given`")
    'F is given'
    """
    return re.sub(r"[*`$\\]", "", text)


def coloured(code: str) -> str:
    """Python code with its words marked for colours."""
    return highlight(code, PythonLexer(), FORMATTER).rstrip("\n")


def code(text: str, name: str = "Code") -> str:
    """A block of code; the keyboard reaches it, in case it has to be scrolled on a phone."""
    return f'<pre class="code" tabindex="0" role="group" aria-label="{name}"><code>{coloured(text)}</code></pre>'


def printed(text: str, name: str = "What it prints") -> str:
    """What a cell has printed."""
    shown = highlight(text, TextLexer(stripnl=False), FORMATTER).rstrip("\n")
    return f'<pre class="printed" tabindex="0" role="group" aria-label="{name}"><samp>{shown}</samp></pre>'


def table(text: str, name: str) -> str:
    """A table of pandas or linearmodels without its own looks; empty heads are cells, which say nothing to a reader."""
    inner = "".join(re.findall(r"<table.*?</table>", text, re.S)[:1])
    inner = re.sub(r"<table[^>]*>", f"<table><caption>{html.escape(name)}</caption>", inner)
    inner = re.sub(r"<(t[hrd]|thead|tbody)\s[^>]*?((?:(?:col|row)span=\"\d+\"\s*)*)[^>]*>", _without_looks, inner)
    return re.sub(r"<th[^>]*>\s*</th>", "<td></td>", inner)


def _without_looks(tag):
    spans = re.findall(r'(?:col|row)span="\d+"', tag[0])
    return " ".join([f"<{tag[1]}", *spans]) + ">"


def cells(text: str) -> list[list[str]]:
    """The rows of the first table, as text."""
    inner = "".join(re.findall(r"<table.*?</table>", text, re.S)[:1])
    rows = re.findall(r"<tr.*?</tr>", inner, re.S)
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)]
            for row in rows]  # fmt: skip


def colours() -> str:
    """The style of code, light and dark."""
    light, dark = (HtmlFormatter(style=style).get_style_defs(".code") for style in (LIGHT, DARK))
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
