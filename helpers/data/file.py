"""A CSV or Parquet file, read in batches of rows: it is never in memory as a whole. Or a frame that is there."""

import csv
import difflib
import os
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from helpers.checks import first_few
from helpers.data.frames import as_table, is_frame, is_period, last_days, looks_wide
from helpers.data.statistics import SAME_DIGITS
from helpers.data.text import MOST_TEXTS, NUMBER, Text, TextFound, is_missing

# What is read at once takes about a megabyte: so much CSV, or so many numbers of Parquet.
BYTES_AT_ONCE = 1 << 20
ROWS_AT_ONCE = 8192
COLUMNS_AT_ONCE = 16

# A dot is a missing number of SAS and Stata, and so is a dot with a letter.
DOTS = (".", "._", *(f".{letter}" for letter in string.ascii_letters))
MISSING = (*pa.csv.ConvertOptions().null_values, *DOTS, "None", "<NA>")

KINDS_OF_FILE = (".csv", ".csv.gz", ".parquet")
OTHER_KINDS_OF_FILE = {
    ".xlsx": "Export the sheet as CSV.",
    ".xls": "Export the sheet as CSV.",
    ".zip": "Unzip it first, and pass the file that was in it.",
    ".gz": "Unpack it first; a packed CSV file may stay so if its name ends in .csv.gz.",
    ".tsv": "Export it with commas, as CSV.",
    ".txt": "If it is CSV with commas, rename it to .csv.",
    ".dta": "Convert it with pandas.read_stata(...).to_parquet(...).",
    ".sas7bdat": "Convert it with pandas.read_sas(...).to_parquet(...).",
}
MAGIC = {b"PK": "a zip archive or an Excel workbook", b"\x1f\x8b": "packed by gzip", b"PAR1": "Parquet"}

AnyPath = str | os.PathLike[str]
Source = Any  # a path, or a frame of pandas, polars or pyarrow
Report = Callable[[str], object]  # what is done with the sentence on a fault: it is raised, or noted and read past


class File:
    """A CSV or Parquet file, opened for reading only, or a frame in memory.

    Parameters
    ----------
    source : str, path or frame
    name : str
        What a frame is called in messages.
    missing_values : sequence of str
        Texts that mean a missing number, beside the usual ones. One that is a number, such as -99.99, means every
        number of this size, however it is written.

    Attributes
    ----------
    columns : list of str
    kinds : dict of str to str
        What each column holds: "numbers", "text" (in CSV perhaps numbers), or another type of Parquet.
    looks_wide : bool
        Whether a frame has one row for each date.
    """

    def __init__(self, source: Source, missing_values: Sequence[str] = (), name: str = "frame") -> None:
        self.table = as_table(source) if is_frame(source) else None
        self.looks_wide = looks_wide(source)
        self.path = Path(name) if self.table is not None else existing(source)
        self.name = self.path.name
        self.nulls = [*MISSING, *missing_values]
        self.is_csv = self.table is None and not self.name.lower().endswith(".parquet")
        self._codes: dict[str, tuple[float, ...]] = {}
        self._codes_everywhere = tuple(float(text) for text in missing_values if NUMBER.fullmatch(text))
        self._made: Mapping[str, tuple[tuple[str, ...], Callable]] = {}
        self._spaced: set[str] = set()  # columns of CSV whose numbers have blanks around them that Arrow does not trim
        try:
            kinds = self._kinds_in_csv() if self.is_csv else self._kinds_in_parquet()
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error
        self.columns = [name for name, _ in kinds]
        self.kinds = dict(kinds)
        repeated = [name for name, count in Counter(self.columns).items() if count > 1]
        if repeated:
            raise ValueError(
                f"{self.name} has several columns of the same name: {first_few(map(repr, repeated))}. Rename them."
            )

    def is_float32(self, name: str) -> bool:
        """Whether a column is in float32, which keeps 7 digits; numbers of a CSV file are text until they are read."""
        if self.is_csv:
            return False
        schema = self.table.schema if self.table is not None else pa.parquet.read_schema(self.path)
        return name in schema.names and schema.field(name).type == pa.float32()

    def compute(
        self,
        made: Mapping[str, tuple[tuple[str, ...], Callable]],
        codes: Mapping[str, tuple[float, ...]],
        missing_values: Sequence[str],
    ) -> None:
        """From now on, columns are computed from others, and some codes count as missing, as a Layout says."""
        self.nulls += missing_values
        self._codes |= codes
        self._made = made
        for name in made:
            if name not in self.kinds:
                self.columns.append(name)
                self.kinds[name] = "text" if self.is_csv else "numbers"

    def learned(self, texts: Mapping[str, Text]) -> bool:
        """Whether texts are missing numbers, or numbers, but for the blanks around them; then they count as such."""
        spaced = {name for name, text in texts.items() if text.spaced} - self._spaced
        self._spaced |= spaced
        found = {entry for text in texts.values() for entry in text.texts}
        if any(len(text.texts) >= MOST_TEXTS for text in texts.values()) or not found:
            return bool(spaced)
        if not {entry.strip() for entry in found} <= set(self.nulls) or found <= set(self.nulls):
            return bool(spaced)
        self.nulls += sorted(found)
        return True

    def holds_neither(self, name: str) -> bool:
        """Whether a column is of a Parquet type that is neither numbers nor text."""
        return self.kinds[name] not in ("numbers", "text")

    def batches(self, labels: Sequence[str], numbers: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """All rows in order, a batch at a time: columns of labels as the file has them, of numbers as floats."""
        with self._faults_named(numbers):
            yield from self._batches(labels, numbers)

    def blocks(self, names: Sequence[str]) -> Iterator[tuple[int, slice, np.ndarray]]:
        """All numbers of the columns, a block at a time: its first row, its columns, its values (n_columns, n_rows).

        A row of CSV is parsed whole, so a block has all columns. Parquet keeps each column by itself and unpacks pages
        of megabytes, one of each column that is being read: so few are read at a time, from the first row to the last.
        """
        width = len(names) if self.is_csv else COLUMNS_AT_ONCE
        with self._faults_named(names):
            for first in range(0, len(names), width or 1):
                columns, row = slice(first, first + width), 0
                for batch in self._batches((), names[columns]):
                    yield row, columns, np.array([column.to_numpy(zero_copy_only=False) for column in batch.columns])
                    row += batch.num_rows

    # Both readers stay a few blocks ahead of what is asked for. pyarrow.dataset would read CSV and Parquet through one
    # scanner and bounds neither (pyarrow 26, whatever its options; apache/arrow#39808): it unpacks a row group of
    # Parquet whole, a million rows in files that pandas wrote, and parses CSV to its end while the first rows are being
    # worked on. Of 0.96 million rows x 94 columns it held 0.5 GB of Parquet and 1.4 GB of CSV, these 0.15 GB of either.
    def _batches(self, labels, numbers, check_utf8=True):
        if not (self._made or self._codes or self._codes_everywhere):
            yield from self._plain_batches(labels, numbers, check_utf8)
            return
        inputs = list(dict.fromkeys(each for name in numbers for each in self.inputs(name)))
        for batch in self._plain_batches(labels, inputs, check_utf8):
            values = {name: self._without_codes(name, batch.column(name)) for name in inputs}
            floats = {
                name: self._made[name][1](*(values[each] for each in self.inputs(name)))
                if name in self._made
                else values[name]
                for name in numbers
            }
            columns = {name: batch.column(name) for name in labels}
            yield pa.record_batch(columns | {name: pa.array(column) for name, column in floats.items()})

    def inputs(self, name: str) -> tuple[str, ...]:
        """The columns of the file that a column is computed from: itself, if it is one of them."""
        return self._made[name][0] if name in self._made else (name,)

    def _without_codes(self, name, column):
        values = np.array(column.to_numpy(zero_copy_only=False), dtype=float)
        for code in (*self._codes.get(name, ()), *self._codes_everywhere):
            values[np.abs(values - code) <= SAME_DIGITS * abs(code)] = np.nan
        return values

    def _plain_batches(self, labels, numbers, check_utf8):
        if self.is_csv:
            types = dict.fromkeys(labels, pa.string()) | dict.fromkeys(numbers, pa.float64())
            types |= dict.fromkeys(self._spaced & set(numbers), pa.string())
            read = pa.csv.ReadOptions(block_size=BYTES_AT_ONCE)
            parse = pa.csv.ParseOptions(newlines_in_values=True)
            convert = pa.csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=self.nulls, check_utf8=check_utf8
            )
            with (
                self._opened() as stream,
                pa.csv.open_csv(stream, read, parse, convert) as reader,
            ):
                for batch in reader:
                    yield self._trimmed(batch, numbers)
        else:
            for batch in self._typed_batches([*labels, *numbers]):
                columns = {name: _plain(batch.column(name)) for name in labels}
                floats = {name: _as_floats(batch.column(name), self.nulls) for name in numbers}
                yield pa.record_batch(columns | floats)

    def _trimmed(self, batch, numbers):
        """The batch with numbers for their text, in the columns where blanks were in the way."""
        if not self._spaced.intersection(numbers):
            return batch
        columns = {name: batch.column(name) for name in batch.schema.names}
        return pa.record_batch(
            columns | {name: _as_floats(columns[name], self.nulls) for name in self._spaced.intersection(numbers)}
        )

    def _typed_batches(self, names):
        """Rows of columns whose types are known, a batch at a time."""
        if self.table is not None:
            yield from self.table.select(names).to_batches(ROWS_AT_ONCE)
            return
        with pa.parquet.ParquetFile(self.path, pre_buffer=False, buffer_size=1 << 16) as file:
            yield from file.iter_batches(ROWS_AT_ONCE, columns=names)

    def _opened(self):
        """A CSV file as a stream of its text, unpacked whatever the capitals of .gz."""
        return pa.input_stream(self.path, compression="gzip" if self.name.lower().endswith(".gz") else None)

    @contextmanager
    def _faults_named(self, numbers):
        """Turns what pyarrow cannot read into `TextFound`, if it is text among numbers, or into a ValueError."""
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            texts = self._text_in(numbers) if isinstance(error, pa.ArrowInvalid) else {}
            if texts:
                raise TextFound(texts, self) from None
            raise self._unreadable(error) from error

    def _text_in(self, names):
        """What the columns hold that hold text, found by reading them once more, all as text."""
        real = dict.fromkeys(each for name in names for each in self.inputs(name))
        found = {name: Text() for name in real if self.kinds[name] == "text"}
        try:
            for batch in self._plain_batches(list(found), (), check_utf8=False) if found else ():
                for name, text in found.items():
                    text.add(batch.column(name), self.nulls)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error
        return {name: text for name, text in found.items() if text.texts or (text.spaced and name not in self._spaced)}

    def _unreadable(self, error):
        reason = str(error).splitlines()[0][:200]
        return ValueError(
            f"{self.name} cannot be read: {reason}. Is it whole, and is it UTF-8 text if CSV? Fetch or export it again."
        )

    def _kinds_in_csv(self):
        with self._opened() as stream:
            begin = stream.read(1 << 20)
        for magic, what in MAGIC.items():
            if begin.startswith(magic):
                raise ValueError(
                    f"{self.name} is {what}, not CSV. Unpack or export it, or give it the ending of what it is."
                )
        lines = [line for line in begin.splitlines() if line.strip()]
        if len(lines) < 2:
            raise ValueError(f"{self.name} {'has a header and no rows' if lines else 'is empty'}.")
        try:
            header = lines[0].decode("utf-8-sig")
            names = next(csv.reader([header]))
        except (UnicodeDecodeError, csv.Error):
            names = []
        if not names or b"\0" in begin:
            raise ValueError(f"{self.name} is not UTF-8 text, as a CSV file must be. Export it again, as CSV in UTF-8.")
        if len(names) == 1 and re.search(r"[;\t|]", header):
            raise ValueError(
                f"{self.name} is not separated by commas: its header is {header[:60]!r}. Export it with commas."
            )
        return [(name, "text") for name in names]

    def _kinds_in_parquet(self):
        if self.table is not None:
            return [(field.name, _kind(field.type)) for field in self.table.schema]
        if not self.path.stat().st_size:
            raise ValueError(f"{self.name} is empty.")
        with pa.parquet.ParquetFile(self.path) as file:
            if not file.metadata.num_rows:
                raise ValueError(f"{self.name} has columns and no rows.")
            return [(field.name, _kind(field.type)) for field in file.schema_arrow]


def existing(path: AnyPath) -> Path:
    """The path, if there is a file of a kind that can be read."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be the path of a file, or a frame of pandas or polars; {path!r} was given.")
    path = Path(path).expanduser()
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Pass the path of one file in it.")
    if not path.exists():
        others = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        nearest = difflib.get_close_matches(path.name, others, n=1)
        raise FileNotFoundError(f"There is no file {path}." + (f" Perhaps {nearest[0]!r} is meant." if nearest else ""))
    if not path.name.lower().endswith(KINDS_OF_FILE):
        advice = OTHER_KINDS_OF_FILE.get(path.suffix.lower(), "Convert it first.")
        raise ValueError(f"{path.name} must be one of {', '.join(KINDS_OF_FILE)}. {advice}")
    return path


def _kind(dtype):
    """What a column of Parquet holds: "numbers", "text", or the name of its type."""
    is_a = pa.types
    if is_a.is_dictionary(dtype):
        dtype = dtype.value_type
    if is_period(dtype):
        return "date"
    numbers = (is_a.is_integer, is_a.is_floating, is_a.is_decimal, is_a.is_boolean, is_a.is_null)
    texts = (is_a.is_string, is_a.is_large_string, is_a.is_string_view, is_a.is_binary, is_a.is_large_binary)
    for kind, tests in {"numbers": numbers, "text": texts}.items():
        if any(test(dtype) for test in tests):
            return kind
    return str(dtype)


def _plain(column):
    """The column without the ways in which Parquet keeps text, of which there are many."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_period(column.type):
        return last_days(column)
    return column.cast(pa.binary()).view(pa.string()) if _kind(column.type) == "text" else column


def _as_floats(column, nulls):
    column = _plain(column)
    if pa.types.is_string(column.type):
        column = pc.utf8_trim_whitespace(pc.if_else(is_missing(column, nulls), pa.scalar(None, pa.string()), column))
    return column.cast(pa.float64(), safe=False)  # unsafe: whole numbers beyond 2^53 are rounded
