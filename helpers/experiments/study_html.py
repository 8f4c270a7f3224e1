"""The pieces of a study's page: tables that screen readers can follow, and how all of it looks."""

from collections.abc import Iterable, Mapping
from html import escape

import numpy as np
import pandas as pd

STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 46rem; margin: 0 auto;
  padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem; }
.wide { overflow-x: auto; }
.wide:focus-visible { outline: 2px solid #0072B2; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; font-size: .9rem;
  min-width: min(34rem, 100%); }
caption { text-align: left; padding-bottom: .4rem; position: sticky; left: 0; max-width: calc(100vw - 2.2rem); }
th, td { padding: .25rem .6rem; text-align: right; vertical-align: top; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; }
th[scope=row] { position: sticky; left: 0; background: #fff; white-space: normal; overflow-wrap: normal; }
thead th { border-bottom: 2px solid #222; }
tbody { border-bottom: 1px solid #999; }
td small { display: block; color: #555; font-size: .8rem; line-height: 1.2; }
td.words, thead th.words { text-align: left; white-space: normal; min-width: 13rem; }
figure { margin: 1rem 0; }
img { width: 100%; max-width: 34rem; height: auto; }
figcaption, .csv { font-size: .9rem; color: #444; }
a { color: #0072B2; }
.missing { border-left: 4px solid #D55E00; padding-left: .8rem; }
"""


def table(caption: str, names: list[str], body: str, words: str | None = None) -> str:
    """A table that scrolls sideways where the screen is narrow.

    Parameters
    ----------
    caption : str
    names : list of str
        Of the columns, that of the rows' names first.
    body : str
        One `rows` or several.
    words : str, optional
        The name of a last column that holds words.
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    head += f'<th scope="col" class="words">{escape(words)}</th>' if words else ""
    label = escape(caption.partition(".")[0], quote=True)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{label}">\n<table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead>\n<tr>{head}</tr>\n</thead>\n{body}</table>\n</div>\n"
    )


def rows(cells: Mapping[str, Iterable[str]], title: str | None = None, width: int = 1) -> str:
    """Rows of a table by their names, perhaps under a title of their own.

    Parameters
    ----------
    cells : dict of str to cells
        Each made by one of the functions below.
    title : str, optional
    width : int
        How many columns the title stands over.
    """
    head = f'<tr><th scope="rowgroup" colspan="{width}">{escape(title)}</th></tr>\n' if title else ""
    lines = "".join(f'<tr><th scope="row">{escape(name)}</th>{"".join(own)}</tr>\n' for name, own in cells.items())
    return f"<tbody>\n{head}{lines}</tbody>\n"


def plain_cell(text: str, words: bool = False) -> str:
    """A cell of text, or of a whole sentence.

    Parameters
    ----------
    text : str
    words : bool
    """
    return f'<td class="words">{escape(text)}</td>' if words else f"<td>{escape(text)}</td>"


def two_lines(number: str, below: str) -> str:
    """A cell with a number and, smaller, how sure it is.

    Parameters
    ----------
    number, below : str
    """
    return f"<td>{number} <small>{below}</small></td>"


def percent_cell(entry: pd.Series) -> str:
    """The first number of a row of a table, in percent, and its standard error.

    Parameters
    ----------
    entry : Series
    """
    return two_lines(_number(100 * entry.iloc[0]), f"({_number(100 * entry['standard error'])})")


def percent_difference(entry: pd.Series) -> str:
    """The difference of a row of a table of R², in points, and its standard error.

    Parameters
    ----------
    entry : Series
    """
    if np.isnan(entry["difference"]):
        return plain_cell("")
    error = _number(100 * entry["standard error of difference"])
    return two_lines(f"{100 * entry['difference']:+z.2f}", f"({error})")


def sharpe_cell(entry: pd.Series) -> str:
    """The Sharpe ratio of a row of a table, and its interval.

    Parameters
    ----------
    entry : Series
    """
    return two_lines(_number(entry["sharpe"]), f"{_number(entry['low'])} to {_number(entry['high'])}")


def sharpe_difference(entry: pd.Series) -> str:
    """The difference of a row of Sharpe ratios, and its interval.

    Parameters
    ----------
    entry : Series
    """
    if np.isnan(entry["difference"]):
        return plain_cell("")
    low, high = _number(entry["difference low"]), _number(entry["difference high"])
    return two_lines(f"{entry['difference']:+z.2f}", f"{low} to {high}")


def count_cell(entry: pd.Series) -> str:
    """The count of a row of a table, and its interval.

    Parameters
    ----------
    entry : Series
    """
    return two_lines(f"{entry['count']:.0f}", f"{entry['low']:.0f} to {entry['high']:.0f}")


def listed(values: pd.Series) -> str:
    """Numbers in a sentence, for those who do not see the picture.

    Parameters
    ----------
    values : Series
        Indexed by model, or by model and K.
    """
    if isinstance(values.index, pd.MultiIndex):
        by_model = values.groupby(level="model", sort=False)
        return "; ".join(f"{name}: {', '.join(f'{v:z.1f}' for v in own)}" for name, own in by_model) + "."
    return "; ".join(f"{name} {value:z.1f}" for name, value in values.items()) + "."


def _number(value):
    return "" if np.isnan(value) else f"{value:z.2f}"
