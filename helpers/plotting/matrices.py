"""The equation as a picture of its matrices: which half is given, which is solved for."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.checks import as_choice, as_count
from helpers.plotting.style import EMPTY, GIVEN, GREY, INK, VERMILLION, WIDTH, in_style

TICKERS = ("AAPL", "MSFT", "JPM", "XOM", "KO", "GE")
EVERYTHING = (slice(None), slice(None))
QUESTION: dict[str, Any] = {"weight": "bold", "color": "#A84300"}  # vermillion, dark enough for text


@in_style
def draw_factor_model(
    given: str | None = None,
    ticker: int | None = None,
    date: int | None = None,
    title: str | None = None,
    tickers: Sequence[str] = TICKERS,
) -> Figure:
    """The picture of R ≈ F βᵀ: which part is given (shaded), which is solved for (question marks).

    Parameters
    ----------
    given : {None, "F", "beta", "beta by date", "characteristics"}
        What is known besides R. None is PCA; "F" needs a ticker; the others need a date.
    ticker : int, optional
        The selected column of R: the regression across dates. With a date too, the ticker whose return is singled out.
    date : int, optional
        The selected row of R, from 0 to 7: the regression across tickers.
    title : str, optional
    tickers : sequence of str
        The columns' names.

    Returns
    -------
    Figure
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.5))
    _factor_model(axes, given, ticker, date, title, tickers)
    return figure


@in_style
def draw_course() -> Figure:
    """The course in one picture: the same equation four times, each time with something else given.

    Returns
    -------
    Figure
    """
    figure, panels = plt.subplots(2, 2, figsize=(2 * WIDTH, 7.4))
    of_time = "4  Characteristics given: both, and β changes with time"
    _factor_model(panels[0, 0], "F", 0, None, "1  Factors given: solve for β, one ticker at a time")
    _factor_model(panels[0, 1], "beta", None, 4, "2  Sensitivities given: solve for F, one date at a time")
    _factor_model(panels[1, 0], None, None, None, "3  Nothing given: solve for both (PCA)")
    _factor_model(panels[1, 1], "characteristics", None, 4, of_time)
    return figure


@in_style
def draw_instrumented_pca(title: str | None = None) -> Figure:
    """The picture of instrumented PCA at one date: characteristics times Γ are β, and Γ is the same at every date.

        r^(d) ≈ Z^(d) Γ F^(d)

    Parameters
    ----------
    title : str, optional

    Returns
    -------
    Figure
    """
    n_tickers, n_chars, n_factors = 6, 5, 3
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    axes.set(aspect="equal", xlim=(-1.4, 20.6), ylim=(10.4, -2.2))
    axes.axis("off")

    def matrix(x, shape, name, size, state, by_date=True):
        y = (n_tickers - shape[0]) / 2
        for step in (2, 1) if by_date else ():
            sheet = (x + 0.3 * step, y - 0.3 * step)
            axes.add_patch(Rectangle(sheet, shape[1], shape[0], fc="white", ec=GREY, lw=0.8))
        _matrix(axes, (x, y), shape, name, size, state, above=0.8 if by_date else 0.25)

    def sign(x, words):
        axes.text(x, n_tickers / 2, words, ha="center", va="center", fontsize=18)

    matrix(0, (n_tickers, 1), r"$\mathbf{r}^{(d)}$", r"$n_{tickers}$", "given")
    sign(2.7, r"$\approx$")
    matrix(4, (n_tickers, n_chars), r"$\mathbf{Z}^{(d)}$", r"$n_{tickers} \times n_{chars}$", "given")
    sign(10.4, r"$\cdot$")
    matrix(11.4, (n_chars, n_factors), r"$\Gamma$", r"$n_{chars} \times n_{factors}$", "?", by_date=False)
    sign(15.5, r"$\cdot$")
    matrix(16.6, (n_factors, 1), r"$\mathbf{F}^{(d)}$", r"$n_{factors}$", "?")
    below = n_tickers + 1.65
    axes.plot([4, 4, 14.4, 14.4], [below - 0.35, below, below, below - 0.35], color=INK, lw=1.0)
    axes.text(9.2, below + 0.25, r"$\beta^{(d)} : n_{tickers} \times n_{factors}$", ha="center", va="top")
    _legend(axes, 0, 9.2)
    axes.text(9.2, 9.6, "sheets behind: one for each date", va="center")
    if title:
        axes.set_title(title)
    return figure


def _factor_model(axes, given, ticker, date, title, tickers=TICKERS):
    """Draws one picture of R ≈ F βᵀ on the axes."""
    as_choice("given", given, (None, "F", "beta", "beta by date", "characteristics"))
    n_dates, n_tickers, n_factors = 8, len(tickers), 3
    if given == "F":
        ticker = as_count("ticker", ticker, at_least=0, at_most=n_tickers - 1, why="given='F' selects one column of R.")
    elif given is not None:
        date = as_count("date", date, at_least=0, at_most=n_dates - 1, why=f"given={given!r} selects one row of R.")
        if ticker is not None:
            ticker = as_count("ticker", ticker, at_least=0, at_most=n_tickers - 1)
    row, column = (date, slice(None)), (slice(None), ticker)
    known = {None: EVERYTHING, "F": column}.get(given, row)
    factors = "given" if given == "F" else "?"
    moving = EVERYTHING if given in (None, "F") else row
    betas = {None: "?", "F": "?", "characteristics": "?"}.get(given, "given")
    by_date = given in ("beta by date", "characteristics")

    axes.set(aspect="equal", xlim=(-3.2, 22.4), ylim=(n_dates + 2.6, -2.8))
    axes.axis("off")
    left = 0.0
    _matrix(axes, (left, 0), (n_dates, n_tickers), r"$\mathbf{R}$", r"$n_{dates} \times n_{tickers}$", "given", known)
    for s, ticker_name in enumerate(tickers):
        axes.text(left + s + 0.5, -0.2, ticker_name, ha="left", va="bottom", rotation=50, fontsize=9)
    axes.text(-1.2, n_dates / 2, "dates", rotation=90, ha="right", va="center")
    if date is not None:
        axes.text(-0.3, date + 0.5, "d", ha="right", va="center", style="italic", fontsize=12)
    left += n_tickers + 0.9
    axes.text(left, n_dates / 2, r"$\approx$", ha="center", va="center", fontsize=18)
    left += 0.9
    size = r"$n_{dates} \times n_{factors}$"
    _matrix(axes, (left, 0), (n_dates, n_factors), r"$\mathbf{F}$", size, factors, moving, 0.25)
    left += n_factors + 0.9
    axes.text(left, n_dates / 2, r"$\cdot$", ha="center", va="center", fontsize=22)
    left += 0.9
    top, middle = (n_dates - n_factors) / 2, left + n_tickers / 2
    for step in (2, 1) if by_date else ():
        sheet = (left + 0.35 * step, top - 0.35 * step)
        axes.add_patch(Rectangle(sheet, n_tickers, n_factors, fc="white", ec=GREY, lw=0.8))
    name = r"$\beta^{(d)\,T}$" if by_date else r"$\beta^{\,T}$"
    size = r"$n_{factors} \times n_{tickers}$" + f"\n{'one for each date' if by_date else 'the same at every date'}"
    selected = column if given == "F" else EVERYTHING
    above = 0.9 if by_date else 0.25
    _matrix(axes, (left, top), (n_factors, n_tickers), name, size, betas, selected, above)
    if date is not None and ticker is not None:
        for x, y, height in ((ticker, date, 1), (left + ticker, top, n_factors)):
            axes.add_patch(Rectangle((x, y), 1, height, fill=False, ec=VERMILLION, lw=2.2, ls=(0, (3, 1)), zorder=3))
        s = tickers[ticker]
        words = rf"dashed: $\hat{{r}}_{{{s}}}^{{(d)}} = \beta_{{{s}}} \cdot \mathbf{{F}}^{{(d)}}$"
        axes.text(middle, n_dates + 2.15, words, ha="center", va="center")
    if given == "characteristics":
        below = top + n_factors
        axes.annotate("", (middle, below + 2.15), (middle, below + 3.0), arrowprops={"arrowstyle": "->", "color": INK})
        axes.text(middle, below + 3.1, r"characteristics $\mathbf{X}^{(d)}$ (given)", ha="center", va="top")
    _legend(axes, -2.9, n_dates + 1.75)
    if title:
        axes.set_title(title)


def _matrix(axes, corner, shape, name, size, state, selected=EVERYTHING, above=None):
    """Draws one matrix, its name above and its size below: selected cells shaded if given, marked if solved for."""
    x, y = corner
    chosen = np.zeros(shape, dtype=bool)
    chosen[selected] = True
    for i, j in np.ndindex(shape):
        fill = GIVEN if chosen[i, j] and state == "given" else "white" if chosen[i, j] else EMPTY
        axes.add_patch(Rectangle((x + j, y + i), 1, 1, fc=fill, ec="#BBBBBB", lw=0.6))
        if chosen[i, j] and state == "?":
            axes.text(x + j + 0.5, y + i + 0.53, "?", ha="center", va="center", **QUESTION)
    rows, columns = np.nonzero(chosen)
    width, height = columns.max() - columns.min() + 1, rows.max() - rows.min() + 1
    axes.add_patch(Rectangle((x + columns.min(), y + rows.min()), width, height, fill=False, ec=INK, lw=1.6))
    middle = x + shape[1] / 2
    if above is None:  # R: its columns carry the tickers' names, so its own name stands to the left of them
        axes.text(x - 0.6, y - 0.5, name, ha="right", va="bottom", fontsize=14)
    else:
        axes.text(middle, y - above, name, ha="center", va="bottom", fontsize=14)
    axes.text(middle, y + shape[0] + 0.25, size, ha="center", va="top", fontsize=9.5)


def _legend(axes, x, y):
    """Says below a picture what shading and question marks mean."""
    axes.add_patch(Rectangle((x, y), 0.8, 0.8, fc=GIVEN, ec=INK, lw=0.8))
    axes.text(x + 1.1, y + 0.4, "given", va="center")
    axes.text(x + 3.9, y + 0.4, "?", va="center", fontsize=12, **QUESTION)
    axes.text(x + 4.6, y + 0.4, "to solve for", va="center")
