"""Sphinx' configuration of the site; `tools.editions.site` runs it on the pages that `pages` has written."""

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.fileutil import copy_asset

from tools.editions.site_source import docstrings
from tools.refresh import ROOT

HERE = ROOT / "tools" / "editions" / "site_source"
STATED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "Factor models"
author = "The authors of the factor models course"
version = release = STATED["version"]
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "sphinxcontrib.bibtex"]
default_role = "py:obj"  # a name in single backticks, in docstrings, leads to its description if there is one
smartquotes_action = "D"  # two hyphens are a dash; an apostrophe stays what the author wrote
toc_object_entries_show_parents = "hide"
exclude_patterns: list[str] = []

# Notebooks are shown as they are stored. Headings have the anchors that they have in JupyterLab.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_heading_slug_func = "tools.editions.site_source.conf.anchor"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"

# Formulas: MathJax lies beside the pages. Its menu is off: with it each formula would be a stop of the Tab key.
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}

html_theme = "furo"
html_title = project
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
templates_path = [str(HERE / "templates")]
html_favicon = str(HERE / "static" / "favicon.svg")
html_show_sourcelink = False
html_show_copyright = False
html_domain_indices = False
html_copy_source = False
html_show_search_summary = False  # it reads pages by fetch, which browsers refuse from a folder on disk
html_permalinks_icon = "#"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

MOST_LETTERS = 160  # of what a search engine shows of a page


def anchor(title: str) -> str:
    """The anchor of a heading: the one that JupyterLab gives it."""
    return title.replace(" ", "-")


def describe(app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Gives a page its description: its first sentences."""
    said = [part.astext().replace("\n", " ") for part in doctree.findall(nodes.paragraph)] if doctree else []
    text = next((part for part in said if len(part) > 40), f"{context.get('title', '')}: {STATED['description']}")
    if len(text) > MOST_LETTERS:
        text = text[:MOST_LETTERS].rpartition(" ")[0] + " …"
    text = text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    context["metatags"] = f'{context.get("metatags", "")}<meta name="description" content="{text}">\n'


def say_levels(app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Says what parts of a page are to those who hear it: the navigation, code, and what it printed.

    The captions of the navigation are plain paragraphs: Sphinx calls them headings, and says of no level.
    """
    tree = context.get("furo_navigation_tree", "").replace(' role="heading"', "")
    here = 'class="current reference internal" href="#"'
    context["furo_navigation_tree"] = tree.replace(here, f'{here} aria-current="page"')
    for part, said in (("cell_input", "Code"), ("cell_output", "Output")):
        start = f'<div class="{part} docutils container"'
        context["body"] = context.get("body", "").replace(start, f'{start} role="group" aria-label="{said}"')


def without_empty_heads(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Makes the empty corner of a table a plain cell: a screen reader would announce a heading without a word."""
    context["body"] = re.sub(r"<th( class=\"[^\"]*\")?><p></p></th>", r"<td\1></td>", context.get("body", ""))


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Puts MathJax beside the pages, as far as they use it: formulas from TeX, and the fonts."""
    if error is None and app.builder.format == "html":
        whole = Path(str(import_module("sphinx-mathjax-offline").__file__)).parent / "static" / "mathjax"
        there = app.outdir / "_static" / "mathjax"
        copy_asset(whole / "tex-chtml.js", there)
        copy_asset(whole / "output" / "chtml" / "fonts" / "woff-v2", there / "output" / "chtml" / "fonts" / "woff-v2")


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls first."""
    app.connect("html-page-context", describe)
    app.connect("html-page-context", without_empty_heads)
    app.connect("html-page-context", say_levels, priority=900)  # after furo
    app.connect("build-finished", copy_mathjax)
    app.connect("autodoc-process-docstring", docstrings.as_markup, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", docstrings.as_written)
    app.connect("autodoc-skip-member", docstrings.is_not_ours)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
