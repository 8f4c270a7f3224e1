"""The equation as a picture: which half is given, which is solved for."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from helpers.checks import as_choice, as_count
from helpers.plotting.style import EMPTY, GIVEN, GREY, INK, VERMILLION, WIDTH, in_style


@in_style
def draw_factor_model(given=None, ticker=None, date=None, title=None, tickers=("AAPL", "MSFT", "JPM", "XOM", "KO", "GE")):
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
def draw_course():
    """The course in one picture: the same equation four times, each time with something else given.

    Returns
    -------
    Figure
    """
    figure, panels = plt.subplots(2, 2, figsize=(2 * WIDTH, 7.4))
    tickers = ("AAPL", "MSFT", "JPM", "XOM", "KO", "GE")
    _factor_model(panels[0, 0], "F", 0, None, "1  Factors given: solve for β, one ticker at a time", tickers)
    _factor_model(panels[0, 1], "beta", None, 4, "2  Sensitivities given: solve for F, one date at a time", tickers)
    _factor_model(panels[1, 0], None, None, None, "3  Nothing given: solve for both (PCA)", tickers)
    _factor_model(panels[1, 1], "characteristics", None, 4, "4  Characteristics given: both, and β changes with time", tickers)
    return figure


def _factor_model(axes, given, ticker, date, title, tickers):
    """One picture of R ≈ F βᵀ on the axes."""
    as_choice("given", given, (None, "F", "beta", "beta by date", "characteristics"))
    n_dates, n_tickers, n_factors = 8, len(tickers), 3
    if given == "F":
        ticker = as_count("ticker", ticker, at_least=0, at_most=n_tickers - 1, why="given='F' selects one column of R.")
    elif given is not None:
        date = as_count("date", date, at_least=0, at_most=n_dates - 1, why=f"given={given!r} selects one row of R.")
        if ticker is not None:
            ticker = as_count("ticker", ticker, at_least=0, at_most=n_tickers - 1)
    everything = (slice(None), slice(None))
    row, column = (date, slice(None)), (slice(None), ticker)
    known = {None: everything, "F": column}.get(given, row)
    factors = {None: ("?", everything), "F": ("given", everything)}.get(given, ("?", row))
    betas = {None: "?", "F": "?", "characteristics": "?"}.get(given, "given")
    by_date = given in ("beta by date", "characteristics")

    axes.set(aspect="equal", xlim=(-3.2, 22.4), ylim=(n_dates + 2.6, -2.8))
    axes.axis("off")
    left = 0
    _matrix(axes, (left, 0), (n_dates, n_tickers), r"$\mathbf{R}$", r"$n_{dates} \times n_{tickers}$", "given", known)
    for s, name in enumerate(tickers):
        axes.text(left + s + 0.5, -0.2, name, ha="left", va="bottom", rotation=50, fontsize=9)
    axes.text(-1.2, n_dates / 2, "dates", rotation=90, ha="right", va="center")
    if date is not None:
        axes.text(-0.3, date + 0.5, "d", ha="right", va="center", style="italic", fontsize=12)
    left += n_tickers + 0.9
    axes.text(left, n_dates / 2, r"$\approx$", ha="center", va="center", fontsize=18)
    left += 0.9
    _matrix(axes, (left, 0), (n_dates, n_factors), r"$\mathbf{F}$", r"$n_{dates} \times n_{factors}$", *factors, above=0.25)
    left += n_factors + 0.9
    axes.text(left, n_dates / 2, r"$\cdot$", ha="center", va="center", fontsize=22)
    left += 0.9
    top = (n_dates - n_factors) / 2
    if by_date:
        for step in (2, 1):
            axes.add_patch(Rectangle((left + 0.35 * step, top - 0.35 * step), n_tickers, n_factors, fc="white", ec=GREY, lw=0.8))
    name = r"$\beta^{(d)\,T}$" if by_date else r"$\beta^{\,T}$"
    note = "one for each date" if by_date else "the same at every date"
    size = r"$n_{factors} \times n_{tickers}$" + f"\n{note}"
    _matrix(
        axes,
        (left, top),
        (n_factors, n_tickers),
        name,
        size,
        betas,
        column if given == "F" else everything,
        above=0.9 if by_date else 0.25,
    )
    if date is not None and ticker is not None:
        for x, y, height in ((ticker, date, 1), (left + ticker, top, n_factors)):
            axes.add_patch(Rectangle((x, y), 1, height, fill=False, ec=VERMILLION, lw=2.2, ls=(0, (3, 1)), zorder=3))
        words = rf"dashed: $\hat{{r}}_{{{tickers[ticker]}}}^{{(d)}} = \beta_{{{tickers[ticker]}}} \cdot \mathbf{{F}}^{{(d)}}$"
        axes.text(left + n_tickers / 2, n_dates + 2.15, words, ha="center", va="center")
    if given == "characteristics":
        axes.annotate(
            "",
            (left + n_tickers / 2, top + n_factors + 2.15),
            (left + n_tickers / 2, top + n_factors + 3.0),
            arrowprops={"arrowstyle": "->", "color": INK},
        )
        axes.text(
            left + n_tickers / 2, top + n_factors + 3.1, r"characteristics $\mathbf{X}^{(d)}$ (given)", ha="center", va="top"
        )
    axes.add_patch(Rectangle((-2.9, n_dates + 1.75), 0.8, 0.8, fc=GIVEN, ec=INK, lw=0.8))
    axes.text(-1.8, n_dates + 2.15, "given", va="center")
    axes.text(1.0, n_dates + 2.15, "?", va="center", weight="bold", fontsize=12, color="#A84300")
    axes.text(1.7, n_dates + 2.15, "to solve for", va="center")
    if title:
        axes.set_title(title)


def _matrix(axes, corner, shape, name, size, state, selected, above=None):
    """One matrix: its selected cells shaded if given, or holding a question mark if solved for; its name above, its size below."""
    x, y = corner
    chosen = np.zeros(shape, dtype=bool)
    chosen[selected] = True
    for i, j in np.ndindex(shape):
        fill = GIVEN if chosen[i, j] and state == "given" else "white" if chosen[i, j] else EMPTY
        axes.add_patch(Rectangle((x + j, y + i), 1, 1, fc=fill, ec="#BBBBBB", lw=0.6))
        if chosen[i, j] and state == "?":
            axes.text(x + j + 0.5, y + i + 0.53, "?", ha="center", va="center", weight="bold", color="#A84300")
    rows, columns = np.nonzero(chosen)
    axes.add_patch(
        Rectangle((x + columns.min(), y + rows.min()), np.ptp(columns) + 1, np.ptp(rows) + 1, fill=False, ec=INK, lw=1.6)
    )
    label_x = x + shape[1] / 2
    if above is None:  # R: its columns carry the tickers' names, so its own name stands to the left of them
        axes.text(x - 0.6, y - 0.5, name, ha="right", va="bottom", fontsize=14)
    else:
        axes.text(label_x, y - above, name, ha="center", va="bottom", fontsize=14)
    axes.text(label_x, y + shape[0] + 0.25, size, ha="center", va="top", fontsize=9.5)
