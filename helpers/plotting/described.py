"""A figure for those who do not see it: a few sentences, and the numbers behind it as tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from helpers.plotting.series import Chart, Series, charts_of, is_number, title_of

LONGEST = 400  # characters of a description
MOST_ROWS, MOST_COLUMNS = 60, 12
LISTED = 8  # so many values are told one by one
KINDS = {
    "bars": "bar chart", "spans": "bars", "intervals": "dots with intervals", "histogram": "histogram",
    "line": "line chart", "points": "scatter plot",
}  # fmt: skip


def described(figure: Figure) -> str:
    """One to three sentences: title, kind of chart, axes, and of each series where it starts, ends, is least and most.

    Parameters
    ----------
    figure : Figure

    Returns
    -------
    str
        At most 400 characters. What has no room is counted.
    """
    title, charts = title_of(figure), charts_of(figure)
    parts = [_chart_in_words(chart, alone=len(charts) == 1, title=title) for chart in charts]
    opening = [_sentence(title)] if title else []
    if len(charts) > 1:
        opening.append(f"{len(charts)} panels.")
    text = " ".join(opening)
    for number, (head, pieces) in enumerate(parts):
        if len(text) + len(head) > LONGEST - 30 and text:
            left = len(parts) - number
            return f"{text} {left} more panel{'s' if left > 1 else ''}."
        text = f"{text} {head}".strip()
        text = _with_pieces(text, pieces, LONGEST - (30 if number < len(parts) - 1 else 0))
    return text or "An empty figure."


def briefly(figure: Figure) -> str:
    """The titles and axes of a figure: what can be said of it when the rest cannot be read."""
    said = [figure.get_suptitle()]
    for axes in figure.axes:
        said += [axes.get_title("left"), axes.get_title("center"), axes.get_xlabel(), axes.get_ylabel()]
    words = ", ".join(dict.fromkeys(word for word in said if word))
    return _sentence(f"A figure: {words}"[:LONGEST]) if words else "A figure."


def tables(figure: Figure) -> list[dict[str, Any]]:
    """The numbers behind a figure, one table for each axes that shows data; none for a diagram.

    Parameters
    ----------
    figure : Figure

    Returns
    -------
    list of dict
        Each with "title", "columns", "rows" (numbers to four digits, names, dates; None where there is none) and
        "note", which says what was left out. At most 60 rows and 12 columns.
    """
    title, charts = title_of(figure), [chart for chart in charts_of(figure) if chart.series or chart.cells is not None]
    titles, made = [chart.title for chart in charts], []
    for chart in charts:
        table = _cells_table(chart) if chart.cells is not None else _series_table(chart)
        names = [chart.title]
        if titles.count(chart.title) > 1:  # the same name above the panels of a column: what stands at their side, too
            names.append(chart.of if chart.cells is None else chart.over)
        table["title"] = ", ".join(filter(None, names)) or title
        _shorten(table)
        made.append(table)
    return made


# --- Words ------------------------------------------------------------------------------------------------------------


def _chart_in_words(chart: Chart, alone: bool, title: str) -> tuple[str, list[str]]:
    """How a chart is introduced, and a piece for each series."""
    name = "" if alone and chart.title == title else chart.title
    start = f"{name}: " if name else ""
    if chart.cells is not None:
        rows, columns = chart.cells.shape
        of = f" of {chart.of}" if chart.of else ""
        return f"{start}Heat map{of}, {chart.over}:", [f"{rows} × {columns} cells{_range(chart.cells)}"]
    if not chart.series:
        return f"{start}Diagram:", list(chart.words)
    kinds = [KINDS[one.kind] for one in chart.series]
    kind = max(dict.fromkeys(kinds), key=kinds.count)
    if kind == "scatter plot" and _by_names(chart):
        kind = "dot chart"
    of, over = (f" of {chart.of}" if chart.of else ""), (f" over {chart.over}" if chart.over else "")
    pieces = [_series_in_words(one, chart) for one in chart.series]
    return f"{start}{kind.capitalize()}{of}{over}:", [*pieces, *(f"a line at {_digits(mark)}" for mark in chart.marks)]


def _by_names(chart: Chart) -> bool:
    """Whether what is written along the axis of the places are names, not numbers."""
    written = chart.places(np.concatenate([one.at for one in chart.series]))
    return any(not is_number(word) for word in written)


def _series_in_words(one: Series, chart: Chart) -> str:
    start = f"{one.name} " if one.name else ""
    places, known = chart.places(one.at), np.isfinite(one.values)
    if not known.any():
        return f"{start}no values"
    if one.kind == "histogram":
        fullest, edges = int(np.nanargmax(one.values)), np.append(one.at, np.asarray(one.low)[-1:])
        return f"{start}from {_digits(edges[0])} to {_digits(edges[-1])}, most often {_digits(edges[fullest])} to " \
               f"{_digits(edges[fullest + 1])}"  # fmt: skip
    if one.kind == "spans":
        ends = np.concatenate([one.low, one.high])
        return f"{start}{len(one.at)} times{_range(ends)}"
    if one.kind == "points" and len(one.at) > 1 and not _by_names(chart):
        places_and_values = f"{chart.over or 'x'}{_range(one.at)}, {chart.of or 'y'}{_range(one.values)}"
        return f"{start}{len(one.at)} points, {places_and_values}"
    if len(one.at) == 1 or (one.kind != "line" and len(one.at) <= LISTED):
        listed = ", ".join(_value_in_words(one, i, place) for i, place in enumerate(places))
        return f"{one.name}: {listed}" if one.name else listed
    if len(set(one.values[known])) == 1:
        return f"{start}{_digits(one.values[known][0])} throughout"
    order = np.flatnonzero(known)
    first, last = order[0], order[-1]
    least, most = order[np.argmin(one.values[order])], order[np.argmax(one.values[order])]
    start += f"from {_digits(one.values[first])} at {places[first]}"
    text = f"{start} to {_digits(one.values[last])} at {places[last]}"
    extremes = [f"{word} {_digits(one.values[i])} at {places[i]}" for word, i in (("lowest", least), ("highest", most))
            if i not in (first, last)]  # fmt: skip
    return ", ".join([text, *extremes])


def _value_in_words(one: Series, i: int, place: str) -> str:
    """One value of a series: where it is, how much, and its interval."""
    ends = "" if one.low is None or one.high is None else f" ({_digits(one.low[i])} to {_digits(one.high[i])})"
    return f"{place} {_digits(one.values[i])}{ends}".strip()


def _with_pieces(text: str, pieces: Sequence[str], longest: int) -> str:
    """The text and as many of the pieces as there is room for; the others are counted."""
    fit: list[str] = []
    for number, piece in enumerate(pieces):
        rest = len(pieces) - number - 1
        room = longest - len(text) - len("; ".join([*fit, piece])) - 2
        if room < (len(f"; {rest} more") if rest else 0):
            fit.append(f"{rest + 1} more" if rest or fit else f"{piece[: longest - len(text) - 3]}…")
            break
        fit.append(piece)
    return _sentence(f"{text} {'; '.join(fit)}")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _digits(number: Any) -> str:
    """A number as a reader says it: three digits, and no sign before zero."""
    return f"{float(f'{number:.3g}') + 0.0:g}" if np.isfinite(number) else "unknown"


def _range(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    return f" from {_digits(known.min())} to {_digits(known.max())}" if len(known) else ""


# --- Tables -----------------------------------------------------------------------------------------------------------


def _series_table(chart: Chart) -> dict[str, Any]:
    """One row for each place, if all series have their values at the same; else one for each value."""
    over, of = chart.over or ("name" if _by_names(chart) else "x"), chart.of or "y"
    wide = all(len(set(one.at)) == len(one.at) for one in chart.series)
    first = chart.series[0]
    alike = all(np.array_equal(one.at, first.at) for one in chart.series)
    if wide and (alike or _by_names(chart)):
        at = list(dict.fromkeys(place for one in chart.series for place in one.at.tolist()))
        columns, found = [over], [_places(chart, np.array(at))]
        for one in chart.series:
            for name, values in _columns(one, of, over):
                if one.kind == "histogram" and name in columns:
                    continue  # the bins of all are the same
                columns.append(name)
                by_place = dict(zip(one.at.tolist(), values, strict=True))
                found.append([_clean(by_place.get(place)) for place in at])
        return _table(chart, columns, [list(row) for row in zip(*found, strict=True)])
    named, rows = any(one.name for one in chart.series), []
    of = f"{of}, how much" if any(one.kind == "spans" for one in chart.series) else of
    bounded = any(one.low is not None for one in chart.series)
    unnamed = [one for one in chart.series if not one.name]
    for one in chart.series:
        number = f" {unnamed.index(one) + 1}" if len(unnamed) > 1 and not one.name else ""
        head = [one.name or f"{one.kind}{number}"] if named else []
        blank = np.full(len(one.at), np.nan)
        low, high = (blank if part is None else part for part in (one.low, one.high))
        for place, value, least, most in zip(_places(chart, one.at), one.values, low, high, strict=True):
            rows.append([*head, place, _clean(value), *([_clean(least), _clean(most)] if bounded else [])])
    columns = [*(["series"] if named else []), over, of, *(["from", "to"] if bounded else [])]
    return _table(chart, columns, rows)


def _table(chart: Chart, columns: list[str], rows: list[list[Any]], note: str = "") -> dict[str, Any]:
    note = " ".join([note, *(f"A line at {_digits(mark)}." for mark in chart.marks)]).strip()
    return {"title": chart.title, "columns": columns, "rows": rows, "note": note}


def _columns(one: Series, of: str, over: str) -> list[tuple[str, Any]]:
    """The columns of a series in a table: its values, and the ends of its intervals, bars or bins."""
    name = f"{one.name} ({of})" if one.name and of not in ("y", one.name) else one.name or of
    if one.kind == "histogram":
        return [(f"{over}, to", one.low), (name, one.values)]
    ends = [(f"{name}, {word}", part) for word, part in (("from", one.low), ("to", one.high)) if part is not None]
    return ends if one.kind == "spans" else [(name, one.values), *ends]


def _cells_table(chart: Chart) -> dict[str, Any]:
    """A row for each row of cells, evenly thinned across."""
    cells, rows, columns = np.asarray(chart.cells), chart.rows, chart.columns
    across = _evenly(len(columns), MOST_COLUMNS - 1)
    note = f"{len(across)} of {len(columns)} columns, evenly spaced." if len(across) < len(columns) else ""
    body = [[_number(row), *map(_clean, values[across])] for row, values in zip(rows, cells, strict=True)]
    corner = f"{chart.over} ({chart.of})" if chart.of else chart.over
    return _table(chart, [corner, *(columns[j] for j in across)], body, note)


def _shorten(table: dict[str, Any]) -> None:
    """Leaves out what goes beyond 60 rows and 12 columns, and says so."""
    notes, n_rows, n_columns = [table["note"]], len(table["rows"]), len(table["columns"])
    if n_columns > MOST_COLUMNS:
        table["columns"] = table["columns"][:MOST_COLUMNS]
        table["rows"] = [row[:MOST_COLUMNS] for row in table["rows"]]
        notes.append(f"The first {MOST_COLUMNS} of {n_columns} columns.")
    if n_rows > MOST_ROWS:
        table["rows"] = _thinned(table["rows"], by_name=table["columns"][0] == "series")
        notes.append(f"{len(table['rows'])} of {n_rows} rows, evenly spaced.")
    table["note"] = " ".join(note for note in notes if note)


def _thinned(rows: list[list[Any]], by_name: bool) -> list[list[Any]]:
    """At most 60 of the rows; of each name that they begin with as many as of the others, or all of its few."""
    groups: dict[Any, list[list[Any]]] = {}
    for row in rows:
        groups.setdefault(row[0] if by_name else None, []).append(row)
    if len(groups) > MOST_ROWS:  # there is no room for each name
        return [rows[i] for i in _evenly(len(rows), MOST_ROWS)]
    left, share = MOST_ROWS, dict.fromkeys(groups, 0)
    for number, name in enumerate(sorted(groups, key=lambda name: len(groups[name]))):
        share[name] = min(len(groups[name]), left // (len(groups) - number))
        left -= share[name]
    return [group[i] for name, group in groups.items() for i in _evenly(len(group), share[name])]


def _evenly(n: int, most: int) -> list[int]:
    """Numbers from 0 to n - 1, at most so many, evenly spaced, the first and the last among them."""
    return list(range(n)) if n <= most else np.linspace(0, n - 1, most).round().astype(int).tolist()


def _places(chart: Chart, at: np.ndarray) -> list[Any]:
    return [_number(word) for word in chart.places(at)]


def _number(word: str) -> Any:
    """The number that a word spells, or the word."""
    return _clean(float(word)) if word and is_number(word) else word


def _clean(value: Any) -> Any:
    """A number to four digits, whole if it is; None if there is none. So JSON can hold it."""
    if value is None or not np.isfinite(value):
        return None
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded == int(rounded) else rounded
