"""What is known when: the quantities of a forecast along the dates, so that one sees which of them look ahead."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from helpers.checks import first_few
from helpers.plotting.style import BLUE, GIVEN, GREEN, INK, ORANGE, VERMILLION, WIDTH, in_style, title_above

# For each quantity, when it comes to be known (0 is the end of date d - 1, 1 the end of date d), its colour, its mark.
LOOKS = {"input": (GREEN, "s"), "made": (ORANGE, "D"), "forecast": (BLUE, "o"), "target": (VERMILLION, "^")}
PAPER = {
    r"$\mathbf{X}^{(d)}$: characteristics": (0.0, "input"),
    r"$\lambda^{(d-1)}$: mean of F so far": (0.0, "made"),
    r"$\beta^{(d)} \cdot \lambda^{(d-1)}$: the forecast": (0.0, "forecast"),
    r"$r^{(d)}$: what is forecast": (1.0, "target"),
    r"$\mathbf{F}^{(d)}$: made of $r^{(d)}$": (1.0, "made"),
}
DAY_AHEAD = {
    r"$\mathbf{X}^{(d)}$: characteristics": (0.0, "input"),
    r"$r^{(d)}$ or portfolios of d": (1.0, "input"),
    r"$\mathbf{F}^{(d)}$: made of them": (1.0, "made"),
    r"$\beta^{(d)} \cdot \mathbf{F}^{(d)}$: the forecast": (1.0, "forecast"),
    r"$r^{(d+1)}$: what is forecast": (2.0, "target"),
}
TIMINGS = {
    r"The paper: explain $r^{(d)}$, forecast it by $\lambda$": PAPER,
    r"The day ahead: fit $r^{(d+1)}$ itself": DAY_AHEAD,
}


@in_style
def draw_timeline(timings: Mapping[str, Mapping[str, tuple[float, str]]] = TIMINGS, title: str | None = None) -> Figure:
    """One panel for each timing: a mark where each quantity comes to be known, from which on its line is filled.

    A forecast is one if every mark it hangs on lies at or to the left of its own, and its target to the right.

    Parameters
    ----------
    timings : dict of str to (dict of str to (float, str))
        For each panel, the quantities from top to bottom: when each is known, in dates counted from the end of date
        d - 1, and what it is: "input", "made", "forecast" or "target". Left out, the paper's and the day ahead.
    title : str, optional

    Returns
    -------
    Figure
    """
    if not timings or not all(timings.values()):
        raise ValueError("timings must hold at least one panel with one quantity; none was given. Leave it out.")
    for rows in timings.values():
        unknown = [kind for _, kind in rows.values() if kind not in LOOKS]
        if unknown:
            raise ValueError(f"A quantity is one of {first_few(LOOKS)}; {unknown[0]!r} was given.")
    n_rows = [len(rows) for rows in timings.values()]
    end = max(2.0, *(when for rows in timings.values() for when, _ in rows.values())) + 0.6
    size = (WIDTH, 1.1 + 0.31 * (sum(n_rows) + 1.6 * len(n_rows)))
    figure, panels = plt.subplots(len(timings), 1, figsize=size, squeeze=False, height_ratios=n_rows, sharex=True)
    for axes, (name, rows) in zip(panels[:, 0], timings.items(), strict=True):
        for y, (when, kind) in enumerate(rows.values()):
            colour, mark = LOOKS[kind]
            axes.plot([when, end], [y, y], color=colour, lw=5 if kind != "target" else 2, alpha=0.45)
            axes.plot(when, y, mark, color=colour, mec=INK, ms=9, clip_on=False, zorder=3)
        spoken = next((when for when, kind in rows.values() if kind == "forecast"), None)
        if spoken is not None:
            axes.axvline(spoken, color=BLUE, lw=1.2, ls=":")
        axes.axvspan(0, 1, color=GIVEN, alpha=0.25, lw=0, zorder=0)
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xlim(-0.9, end)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(False)
        axes.set_title(name, fontsize=10)
    ticks = [k + 0.5 for k in range(-1, int(end))]
    words = {-0.5: "date d - 1", 0.5: "date d"} | {k + 0.5: f"date d + {k}" for k in range(1, int(end))}
    panels[-1, 0].set_xticks(ticks, [words[tick] for tick in ticks])
    panels[-1, 0].tick_params(axis="x", length=0)
    panels[-1, 0].set_xlabel("when it is known, in dates after the end of date d - 1")
    title_above(figure, title)
    return figure
