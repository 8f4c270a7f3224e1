"""What a figure shows, read from its artists: for each axes a chart of series, cells or words."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.category import StrCategoryLocator
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.dates import DateLocator, num2date
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Polygon, StepPatch
from matplotlib.ticker import FixedLocator

SYMBOLS = {
    "times": "×", "cdot": "·", "approx": "≈", "leq": "≤", "geq": "≥", "pm": "±", "sum": "Σ", "vdots": "…",
    "lambda": "λ", "Lambda": "Λ",  # which Unicode spells lamda
}  # fmt: skip
HAT = "\N{COMBINING CIRCUMFLEX ACCENT}"
OF_BARS = "<colorbar>"  # what matplotlib calls the axes of a bar of colours


@dataclass(frozen=True)
class Series:
    """Values of one kind, each at a place along the axis that they are shown over."""

    kind: str  # "line", "points", "bars", "spans", "intervals" or "histogram"
    name: str
    at: np.ndarray
    values: np.ndarray
    low: np.ndarray | None = None  # of intervals; where bars begin; where bins end
    high: np.ndarray | None = None


@dataclass(frozen=True)
class Chart:
    """What one axes shows. In a diagram there are words alone, in a heat map there are cells."""

    title: str
    over: str  # what the axis of the places is called, and that of the values
    of: str
    series: tuple[Series, ...]
    places: Any  # from numbers along the axis of the places to words; the same of the values
    words: tuple[str, ...] = ()
    marks: tuple[float, ...] = ()  # where a line across the whole chart stands on the axis of the values, but for 0
    cells: np.ndarray | None = None
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def title_of(figure: Figure) -> str:
    """The title above a whole figure; without one, that of its only axes; else nothing."""
    titles = [plain(figure.get_suptitle()), *(_title(axes) for axes in _panels(figure)[:1])]
    return next((title for title in titles if title), "") if len(_panels(figure)) < 2 else titles[0]


def charts_of(figure: Figure) -> list[Chart]:
    """A chart for each axes of a figure that shows something, colour bars left out; see `Chart`."""
    units = [plain(axes.get_ylabel() or axes.get_xlabel()) for axes in figure.axes if axes.get_label() == OF_BARS]
    unit = next((unit for unit in units if unit), "")
    charts = [_chart(axes, unit) for axes in _panels(figure)]
    return [chart for chart in charts if chart.series or chart.words or chart.cells is not None]


def plain(text: str) -> str:
    """A label without the marks of formulas, such as β^(d)."""

    def symbol(command: re.Match[str]) -> str:
        name = command[1]
        if name in ("mathbf", "mathrm", "mathit", "text", "left", "right", "quad", "bf", "rm"):
            return ""
        if name in SYMBOLS:
            return SYMBOLS[name]
        case = "CAPITAL" if name[0].isupper() else "SMALL"
        try:
            return unicodedata.lookup(f"GREEK {case} LETTER {name}")
        except KeyError:
            return name

    def formula(found: re.Match[str]) -> str:
        inside = re.sub(r"\\hat\{?(?:\\mathbf\{(\w)\}|(\w))\}?", lambda hat: (hat[1] or hat[2]) + HAT, found[1])
        inside = re.sub(r"\\[,;:! ]", "", inside)
        return re.sub(r"[{}]", "", re.sub(r"\\([A-Za-z]+)", symbol, inside)).strip()

    return " ".join(re.sub(r"\$([^$]*)\$", formula, text or "").split())


def is_number(word: str) -> bool:
    """Whether a word spells a number, or nothing."""
    try:
        float((word or "nan").replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return False
    return True


def _panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.get_visible() and axes.get_label() != OF_BARS]


def _title(axes: Axes) -> str:
    return next((plain(title) for where in ("left", "center", "right") if (title := axes.get_title(where))), "")


def _written_inside(axes: Axes) -> str:
    """The name of a panel, in bold in a corner of it."""
    inside = (text for text in axes.texts if text.get_transform() == axes.transAxes and text.get_fontweight() == "bold")
    return plain(next((text.get_text() for text in inside), ""))


def _shared(axes: Axes, along: str, read: Callable[[Axes], str]) -> str:
    """What is written at a panel, or else at another of its row or column (`along`), for all of them."""
    if own := read(axes):
        return own
    place = axes.get_subplotspec()
    for other in _panels(axes.figure) if place else ():  # type: ignore[arg-type]
        there = other.get_subplotspec()
        if there and getattr(there, along) == getattr(place, along) and (written := read(other)):
            return written
    return ""


def _chart(axes: Axes, unit: str) -> Chart:
    """What one axes shows."""
    if not axes.axison:  # a diagram: where its lines and circles lie means nothing
        return Chart(_title(axes), "", "", (), None, _words(axes))
    x = _shared(axes, "colspan", lambda panel: plain(panel.get_xlabel()))
    y = _shared(axes, "rowspan", lambda panel: plain(panel.get_ylabel()))
    title = _title(axes) or _written_inside(axes) or _shared(axes, "colspan", _title)
    if (cells := _cells(axes)) is not None:
        rows, columns = _places(axes.yaxis, _steps(axes, 0, cells)), _places(axes.xaxis, _steps(axes, 1, cells))
        over = f"{y or 'row'} by {x or 'column'}"
        return Chart(title, over, unit, (), None, cells=cells, rows=tuple(rows), columns=tuple(columns))
    down = _labels(axes.yaxis) is not None or any(
        isinstance(bars, BarContainer) and bars.orientation == "horizontal" for bars in axes.containers
    )
    series = tuple(_joined(_series(axes, down)))
    (over, of), axis = ((y, x), axes.yaxis) if down else ((x, y), axes.xaxis)
    words = _words(axes) if not series else ()
    return Chart(title, over, of, series, partial(_places, axis), words, tuple(_marks(axes, down)))


def _series(axes: Axes, down: bool) -> Iterator[Series]:
    """The series of an axes; `down` where their places lie along the vertical axis."""
    parts: set[int] = set()
    for container in axes.containers:
        if isinstance(container, BarContainer):
            parts |= {id(bar) for bar in container.patches}
            yield _bars(axes, container)
        elif isinstance(container, ErrorbarContainer):
            line, caps, spans = container.lines
            parts |= {id(part) for part in (line, *caps)}
            if line is not None and spans:
                x, y = np.asarray(line.get_xdata(orig=False)), np.asarray(line.get_ydata(orig=False))
                sideways = container.has_xerr and not container.has_yerr
                ends = np.array([segment[:, 0 if sideways else 1] for segment in spans[0].get_segments()], dtype=float)
                if len(ends) == len(x):
                    at, values = (y, x) if sideways else (x, y)
                    yield Series("intervals", _name(container), at, values, ends.min(axis=1), ends.max(axis=1))
    lines = [line for line in axes.lines if id(line) not in parts and line.get_transform() == axes.transData]
    beside = bool(axes.collections or axes.patches or len(lines) > 1)
    for line in lines:
        x, y = np.asarray(line.get_xdata(orig=False), float), np.asarray(line.get_ydata(orig=False), float)
        marked = line.get_linestyle() in ("None", "") and line.get_marker() not in ("None", None, "")
        if not line.get_visible() or not len(x) or (len(x) == 2 and beside and not _name(line) and not marked):
            continue  # two points without a name, beside others: a line that guides the eye
        at, values = (y, x) if down else (x, y)
        yield Series("points" if marked or len(x) == 1 else "line", _name(line), at, values)
    for cloud in axes.collections:
        points: np.ndarray = np.ma.filled(np.ma.asarray(cloud.get_offsets(), dtype=float), np.nan)
        if isinstance(cloud, PathCollection) and cloud.get_visible() and len(points):
            x, y = points.T
            at, values = (y, x) if down else (x, y)
            yield Series("points", _name(cloud), at, values)
    for patch in axes.patches:
        if id(patch) not in parts and (outline := _outline(patch)):
            heights, edges = outline
            yield Series("histogram", _name(patch), edges[:-1], heights, edges[1:])


def _marks(axes: Axes, down: bool) -> Iterator[float]:
    """Where the lines stand that cross the whole chart on the axis of its values, that at 0 left out."""
    across = axes.get_xaxis_transform("grid") if down else axes.get_yaxis_transform("grid")
    for line in axes.lines:
        at = np.asarray(line.get_xdata(orig=False) if down else line.get_ydata(orig=False), dtype=float)
        if line.get_transform() == across and line.get_visible() and len(at) and at[0] != 0 and np.all(at == at[0]):
            yield float(at[0])


def _bars(axes: Axes, container: BarContainer) -> Series:
    boxes = np.array([(*bar.get_xy(), bar.get_width(), bar.get_height()) for bar in container.patches], dtype=float)
    x, y, width, height = boxes.reshape(-1, 4).T
    if container.orientation == "horizontal":
        at, low, high = y + height / 2, x, x + width
    else:
        at, low, high = x + width / 2, y, y + height
    name = _name(container) or _name_in_legend(axes, container.patches[:1])
    if np.any(low != 0):
        return Series("spans", name, at, high - low, low, high)
    return Series("bars", name, at, high)


def _name_in_legend(axes: Axes, bars: Iterable[Any]) -> str:
    """What a legend of the figure calls bars of this filling."""
    for bar in bars:
        for legend in getattr(axes.figure, "legends", ()):
            for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=False):
                same = getattr(handle, "get_hatch", lambda: None)() == bar.get_hatch()
                if same and getattr(handle, "get_facecolor", lambda: None)() == bar.get_facecolor():
                    return plain(text.get_text())
    return ""


def _outline(patch: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """The heights and edges of a histogram that was drawn as an outline; None for other shapes."""
    if isinstance(patch, StepPatch):
        heights, edges, _ = patch.get_data()
        return np.asarray(heights, float), np.asarray(edges, float)
    if not isinstance(patch, Polygon):
        return None
    x, y = np.asarray(patch.get_xy(), dtype=float).T
    if len(x) < 4 or len(x) % 2 or np.any(x[::2] != x[1::2]) or np.any(y[1:-1:2] != y[2:-1:2]):
        return None
    return y[1:-1:2], x[::2]


def _joined(series: Iterable[Series]) -> list[Series]:
    """The series, those without a name that are alike made one: bars drawn one at a time, marks set singly."""
    joined: dict[Any, Series] = {}
    for number, one in enumerate(series):
        single = one.kind in ("bars", "spans", "points") and len(one.at) == 1
        key = (one.kind, one.name) if single else number
        if before := joined.get(key):
            pairs = [(getattr(before, part), getattr(one, part)) for part in ("at", "values", "low", "high")]
            both = [None if a is None or b is None else np.concatenate([a, b]) for a, b in pairs]
            joined[key] = Series(one.kind, one.name, *both)  # type: ignore[arg-type]
        else:
            joined[key] = one
    return list(joined.values())


def _cells(axes: Axes) -> np.ndarray | None:
    """The numbers behind coloured cells, NaN where there is none; None if there are no such cells."""
    for artist in (*axes.images, *axes.collections):
        if isinstance(artist, AxesImage | QuadMesh) and artist.get_visible():
            values = artist.get_array()
            if values is not None and np.ndim(values) == 2:
                return np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
    return None


def _steps(axes: Axes, along: int, cells: np.ndarray) -> np.ndarray:
    """Where the middles of the rows (0) or columns (1) of coloured cells lie."""
    for artist in axes.images:
        left, right, bottom, top = artist.get_extent()
        first, last = ((bottom, top) if artist.origin == "lower" else (top, bottom)) if along == 0 else (left, right)
        width = (last - first) / cells.shape[along]
        return first + width * (np.arange(cells.shape[along]) + 0.5)
    for mesh in axes.collections:
        if isinstance(mesh, QuadMesh):
            corners = np.asarray(mesh.get_coordinates())
            grid: np.ndarray = corners[:, 0, 1] if along == 0 else corners[0, :, 0]
            return grid if len(grid) == cells.shape[along] else (grid[:-1] + grid[1:]) / 2
    return np.arange(cells.shape[along])


def _labels(axis: Any) -> dict[float, str] | None:
    """The names along an axis by where they stand; None where there are numbers."""
    if not isinstance(axis.get_major_locator(), FixedLocator | StrCategoryLocator):
        return None
    ticks = axis.get_majorticklocs()
    labels = [plain(label) for label in axis.get_major_formatter().format_ticks(ticks)]
    if all(is_number(label) for label in labels):
        return None
    return dict(zip(map(float, ticks), labels, strict=False))


def _places(axis: Any, numbers: Iterable[float]) -> list[str]:
    """What is written along an axis at these numbers: names, dates, or the numbers to four digits."""
    labels, dated = _labels(axis) or {}, isinstance(axis.get_major_locator(), DateLocator)

    def word(number: float) -> str:
        if number in labels:
            return labels[number]
        if not np.isfinite(number):
            return ""
        return num2date(number).date().isoformat() if dated else f"{number:.4g}"

    return [word(float(number)) for number in numbers]


def _name(artist: Any) -> str:
    label = str(artist.get_label() or "")
    return "" if label.startswith("_") else plain(label)


def _words(axes: Axes) -> tuple[str, ...]:
    """The texts of an axes from top to bottom and left to right, each once."""
    texts = [text for text in axes.texts if text.get_visible() and text.get_text().strip()]
    (_, lowest), (_, highest) = axes.transData.transform([(0, bound) for bound in axes.get_ylim()])
    band = max(abs(highest - lowest) / 12, 1.0)  # pixels: what stands within them is one line

    def reading_order(text: Any) -> tuple[float, float]:
        x, y = text.get_transform().transform(text.get_position())
        return -round(y / band), x

    words = [plain(text.get_text()) for text in sorted(texts, key=reading_order)]
    asked = words.count("?")
    said = dict.fromkeys(word for word in words if any(sign.isalpha() for sign in word))
    return (*said, *([f"{asked} question marks"] if asked else []))
