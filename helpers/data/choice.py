"""Which rows of a file a user wants, and what a panel carries along beside its characteristics."""

from collections.abc import Collection
from typing import Any

import numpy as np

from helpers.checks import first_few
from helpers.data.beside import passes, values_of, written
from helpers.data.columns import Columns
from helpers.data.file import File
from helpers.data.returns import Joined
from helpers.data.rows import Rows, among, by_month, of_rows, of_tickers_that_are_left


class Choice:
    """What `select` and `side` of `read_panel` ask of one file, two or three."""

    def __init__(
        self,
        columns: Columns,
        file: File,
        source: File | None,
        more: File | None = None,
        later: Collection[str] = (),
    ) -> None:
        files = file, source, more
        self.file, self.source, self.more, self.wanted = *files, columns.select
        self.at = np.empty(0, dtype=np.int64)  # which row of the first file each row of `more` joins, -1 for none
        self._select = {name: columns.holder("select", name, *files) for name in columns.select}
        self._side = {name: columns.holder("side", name, *files) for name in columns.side}
        for what, asked in (("select", self._select), ("side", self._side)):
            for name, (holder, column) in asked.items():
                if holder is file and column in later:
                    raise ValueError(
                        f"{what} names {name!r}, the return that the row of {holder.name} is to explain: whoever "
                        "selects or sorts by it knows the future. Leave it out, or take that of an earlier date."
                    )

    def kept(self, file: File, n_rows: int) -> np.ndarray:
        """Whether each row of the file has what is selected, as far as this file says, (n_rows,)."""
        kept = np.full(n_rows, True)
        for name, (holder, column) in self._select.items():
            if holder is file:
                kept &= passes(values_of(file, column), self.wanted[name])
        return kept

    def require_some(self, rows: Rows) -> None:
        """Refuses a selection of no row."""
        if self.wanted and not rows.used.any():
            raise ValueError(
                f"No row of {self.file.name} is selected by {written(self.wanted)}. Look at what the columns hold."
            )

    def left(
        self, rows: Rows, returns: np.ndarray, joined: Joined | None, frequency: str, notes: list[str]
    ) -> tuple[Rows, np.ndarray]:
        """The rows and returns without what the other files do not select, and without tickers that never have one.

        A ticker without any return at the dates that have happened would take part in ranks and sorts, and nobody could
        hold it. One that is there at later dates alone is new, and is forecast.
        """
        if joined is not None and self.source and any(holder is self.source for holder, _ in self._select.values()):
            selected, kept = self._selected(self.source, joined, rows, frequency), np.full(len(rows.date_codes), True)
            kept[rows.used] = selected[rows.date_codes[rows.used], rows.ticker_codes[rows.used]]
            rows, returns = of_rows(rows, kept), np.where(selected, returns, np.nan)
        if self.more and any(holder is self.more for holder, _ in self._select.values()):
            kept = np.full(len(rows.date_codes), False)
            kept[self.at[self.kept(self.more, len(self.at)) & (self.at >= 0)]] = True
            rows = of_rows(rows, kept)
        self.require_some(rows)
        if self.wanted:
            left, of = int(rows.used.sum()), len(rows.date_codes)
            notes.append(f"{left:,} of the {of:,} rows of {self.file.name} are read: {written(self.wanted)}.")
        happened = np.flatnonzero(~np.isnan(returns).all(axis=1))
        if len(happened):
            d, s = rows.date_codes, rows.ticker_codes
            ghost = np.isnan(returns).all(axis=0)
            early = np.zeros(len(ghost), bool)
            early[s[rows.used & (d <= happened[-1])]] = True
            ghost &= early
            if ghost.any():
                of_ghosts = rows.used & ghost[s]
                notes.append(
                    f"{ghost.sum():,} ticker(s) of {self.file.name} have no return at any date, and are left out with "
                    f"their {of_ghosts.sum():,} row(s): {first_few(rows.tickers[ghost])}."
                )
                rows = of_rows(rows, ~of_ghosts)
        rows, used = of_tickers_that_are_left(rows)
        return rows, returns[:, used]

    def held(self, rows: Rows, theirs: Rows, own: Rows | None, returns: np.ndarray, lag: int) -> np.ndarray:
        """The returns without those at dates at which the first file, by what was known before them, selects nobody.

        Parameters
        ----------
        rows : Rows
            With the dates of the panel, before they are moved by `lag`.
        theirs : Rows
            All rows of the first file, dated as `rows` are.
        own : Rows or None
            The same, dated as their returns are; None where the returns are of a second file.
        returns : (n_dates, n_tickers)
        lag : int
            By how many dates characteristics are moved.
        """
        if not any(holder is self.file for holder, _ in self._select.values()):
            return returns
        passed = self.kept(self.file, len(theirs.date_codes))
        known = _moved(_passed(theirs, passed, rows), lag)
        if own is None:
            return np.where(known == 0, np.nan, returns)
        return np.where(np.where(np.isnan(known), _passed(own, passed, rows), known) == 1, returns, np.nan)

    def _selected(self, source, joined, rows, frequency):
        """Where the second file selects a ticker at a date of the panel, by what was known before it.

        Its row stands beside a return: a price in it is one after that return, and who selects by it deletes crashes.
        So the row of the date before decides. Where there is none, at the ticker's first date, its own does; beyond the
        end of the file its last.
        """
        if joined.rows is None:
            return np.zeros((len(rows.dates), len(rows.tickers)), bool)
        theirs, passed = joined.rows, self.kept(source, len(joined.rows.date_codes))
        own = _passed(theirs, passed, rows)
        monthly = frequency == "monthly"
        before = _passed(by_month(theirs, frequency, 1), passed, rows) if monthly else _moved(own, 1)
        end = int(np.searchsorted(rows.dates, theirs.dates[-1], side="right"))
        selected = np.where(np.isnan(before), own, before) == 1
        selected[end + 1 :] = selected[end : end + 1]
        return selected

    def side(self, rows: Rows, joined: Joined | None, frequency: str, lag: int) -> dict[str, np.ndarray]:
        """The side data at the dates of the panel, (n_dates, n_tickers) each.

        Those of the second file stand beside a return that is earned by their date, and are known for the next date.
        """
        found = {}
        for name, (holder, column) in self._side.items():
            values = values_of(holder, column)
            if holder is self.more:
                values = _at_rows(values, self.at, len(rows.date_codes))
            if holder in (self.file, self.more):
                found[name] = _placed(rows, values)[: len(rows.dates) - lag]
            elif joined is None or joined.rows is None:
                found[name] = np.full((len(rows.dates) - lag, len(rows.tickers)), np.nan)
            else:
                found[name] = _one_date_later(joined.rows, rows, values, frequency)[lag:]
        return found


def _at_rows(values, at, n_rows):
    """The values of a further file in the rows of the first that they join."""
    found = np.full(n_rows, None if values.dtype == object else np.nan, values.dtype)
    found[at[at >= 0]] = values[at >= 0]
    return found


def _one_date_later(theirs, rows, values, frequency):
    """The second file's values at the dates after their own. In monthly data these are months, also before the first.

    Of other data the first date has none, since the date before it is not known.
    """
    if frequency == "monthly":
        return _placed(among(by_month(theirs, frequency, 1), rows), values)
    return _moved(_placed(among(theirs, rows), values), 1)


def _moved(grid, n):
    """The grid some dates later; nothing is known at the first ones."""
    moved = np.full(grid.shape, None if grid.dtype == object else np.nan, grid.dtype)
    moved[n:] = grid[: len(grid) - n]
    return moved


def _passed(theirs, passed, rows):
    """On the grid of dates and tickers, 1 where a row has passed, 0 where none of its rows has, NaN without a row."""
    grid = among(of_rows(theirs, ~passed), rows).placed(np.zeros(len(passed)))
    grid[~np.isnan(among(of_rows(theirs, passed), rows).placed(np.ones(len(passed))))] = 1
    return grid


def _placed(rows: Rows, values: np.ndarray) -> Any:
    """Numbers or texts of the rows on the grid of dates and tickers."""
    if values.dtype != object:
        return rows.placed(values)
    grid = np.full((len(rows.dates), len(rows.tickers)), None, dtype=object)
    grid[rows.date_codes[rows.used], rows.ticker_codes[rows.used]] = values[rows.used]
    return grid
