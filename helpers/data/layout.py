"""How a known file is laid out: which column is what, and when a characteristic is known."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

Made = tuple[tuple[str, ...], Callable[..., np.ndarray]]

# Columns that say who a ticker is, or when: numbers, and yet no characteristics.
IDENTIFIERS = (
    "permno permco gvkey iid cusip cusip8 cusip9 ncusip hdrcusip hdrcusip9 cik isin sedol figi id lpermno lpermco "
    "sic siccd sic2 sich hsiccd naics gsector ggroup gind gsubind gics ff49 ff12 "
    "shrcd exchcd hexcd shrcls crsp_shrcd crsp_exchcd comp_exchg "
    "ticker tic symbol tradingsymbol issuno nasdissuno "
    "date eom caldt year month yyyymm yearmonth fyear datadate dlstcd"
).split()


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a known file is laid out.

    Parameters
    ----------
    name, title : str
        What `layout=` is called, and whose file it is.
    known : str
        When a characteristic is known, in words.
    date, ticker : str
        Two columns. Capitals do not count, in these and all other names.
    returns : str, optional
        The column of returns; None if they stand in a second file.
    months_ahead : int
        By how many months the return that a row's characteristics explain lies after the row's date. The panel dates
        both by the month of that return.
    returns_ahead : dict of str to int
        By how many months the returns of a column lie after the row's date, if not 0.
    dated : dict of str to int
        Columns of dates that lie so many months after the row's: a row where they do not is refused.
    screens : dict of str to tuple of str
        Rows are kept if these columns, where the file has them, hold one of these values.
    leaving : tuple of (column, value), optional
        What marks the rows of a delisting: there `carried` columns count as empty.
    carried : tuple of str
        Screens that are empty in some rows of a ticker: kept are those of tickers that have rows that pass.
    futures : dict of str to str
        Columns that are not known when the layout says, and why; never characteristics.
    wanted : dict of str to str
        Columns without which the panel is less than it should be, and what to do.
    absent : dict of str to str
        Columns that one may look for in vain, and where they come from.
    repeated : str
        What to do about two rows of a ticker in one month, if not to keep one.
    exclude : tuple of str
        Columns that are no characteristics, beside the identifiers and those of the screens.
    missing_values : tuple of str
        Codes of missing numbers.
    codes : dict of str to tuple of float
        Numbers that mean a missing one, in these columns only.
    made : dict of str to (columns, function)
        Columns computed from others where the file has all of them.
    signs : tuple of tuple of str
        Columns by which a file of this layout is recognised: all of any of the tuples.
    percent : bool
        Whether returns are in percent.
    monthly : bool
        Whether dates are months, however they are written.
    wide : bool
        Whether each ticker has a column of its own.
    table : str, optional
        Of a file that holds several tables, words in the title of the one that is read; the first if left out.
    features : str, optional
        The name of a file beside it that lists which columns may be characteristics.
    """

    name: str
    title: str
    known: str
    date: str = "date"
    ticker: str = "ticker"
    returns: str | None = None
    months_ahead: int = 0
    returns_ahead: Mapping[str, int] = field(default_factory=dict)
    dated: Mapping[str, int] = field(default_factory=dict)
    screens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    leaving: tuple[str, str] | None = None
    carried: tuple[str, ...] = ()
    futures: Mapping[str, str] = field(default_factory=dict)
    wanted: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    repeated: str = ""
    exclude: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ()
    codes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    made: Mapping[str, Made] = field(default_factory=dict)
    signs: tuple[tuple[str, ...], ...] = ()
    percent: bool = False
    monthly: bool = True
    wide: bool = False
    table: str | None = None
    features: str | None = None

    def sign_in(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The columns by which a file is recognised as laid out so; empty if it is not."""
        lower = {column.lower() for column in columns}
        return next((sign for sign in self.signs if lower.issuperset(sign)), ())

    def fitted(self, columns: Iterable[str], percent: bool = False) -> "Layout":
        """The layout with the names of columns as a file has them, its returns perhaps computed from percent."""
        own: dict[str, str] = {}
        for column in sorted(columns, key=lambda column: column != column.lower()):  # of 'DATE' and 'date' the latter
            own.setdefault(column.lower(), column)

        def name(column):
            return own.get(column.lower(), column)

        made = {}
        for column, (inputs, function) in self.made.items():
            if all(each in own for each in inputs) and not (column in own and column not in inputs):
                in_percent = percent and column == self.returns
                made[name(column)] = (tuple(map(name, inputs)), _of_percent(function) if in_percent else function)
        renamed = {
            what: {name(column): value for column, value in getattr(self, what).items() if column in own}
            for what in ("returns_ahead", "dated", "screens", "futures", "codes")
        }
        return replace(
            self,
            wanted={column: what for column, what in self.wanted.items() if column not in own},
            date=name(self.date),
            ticker=name(self.ticker),
            returns=None if self.returns is None else name(self.returns),
            exclude=tuple(name(column) for column in self.exclude if column in own),
            carried=tuple(map(name, self.carried)),
            leaving=(name(self.leaving[0]), self.leaving[1]) if self.leaving and self.leaving[0] in own else None,
            made=made,
            **renamed,
        )


def _of_percent(function):
    """The function of fractions for numbers in percent."""
    return lambda *columns: 100 * function(*(column / 100 for column in columns))
