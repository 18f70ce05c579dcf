r"""The reader and the writer of CSV files.

Manifests, taxonomies, stock lists, saved splits and corrections are read with `read_table`.
Inventories, predictions, reports and corrections are written with `csv_text` or `csv_lines`.

Spreadsheets and data frames write one table in many ways. `read_table` detects the format: the
delimiter (comma, semicolon, tab, bar, or what a first line ``sep=;`` names), the encoding (UTF-8,
with or without a byte order mark, UTF-16 and UTF-32 with one, or an explicit `encoding`), and
cells without data (an index column without a name, empty trailing columns, empty rows). It returns
the cells of the requested columns by name, with the number of the line.

>>> import tempfile, pathlib
>>> path = pathlib.Path(tempfile.mkdtemp(), "stock.csv")
>>> _ = path.write_text(";product;count;\n0;Milk;40;\n;;;\n")
>>> table = read_table(path, {"product": "product_column", "count": "count_column"})
>>> table.rows
[(2, {'product': 'Milk', 'count': '40'})]

Other files raise a typed error with the file, the line and a remedy. The standard `csv` module
parses the text; its global settings are never changed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from shelfvision._identifiers import clean_name, closest
from shelfvision._storage import RemoteFile, as_location
from shelfvision._storage.text_files import MAX_BYTES, TextFile, file_text, lines_of
from shelfvision._text import csv_cell
from shelfvision._validation import listed
from shelfvision.errors import DataError, InvalidParameterError, SplitError
from shelfvision.protocols import Location

_LEAST_ROW = 128
"""The minimum size of a row in bytes: a short row takes 30 times its bytes in memory."""

Rows: TypeAlias = list[tuple[int, dict[str, str]]]
"""The cells of every row by column, with the number of the row's first line."""

_DELIMITERS = ",;\t|"
_SAMPLE, _SAMPLE_SIZE = 30, 2**17
# A formula that prevents a spreadsheet from converting a code to a number: ="0041".
_AS_TEXT = re.compile(r'\s*="(.*)"\s*', re.DOTALL)
_SEP_LINE = re.compile(r'"?sep=([^"\r\n])\1*"?[ \t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The requested cells of a CSV file."""

    name: str
    """The path, unchanged and in quotes, for messages."""
    columns: tuple[str, ...]
    """The names of all columns of the file, in order, without empty names."""
    rows: Rows
    """The cells of every row that is not empty."""


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield each row as a line of CSV; no text is a formula, and None is an empty cell."""
    file = io.StringIO()
    plain, quoted = (
        csv.writer(file, lineterminator="\n", quoting=quoting)
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
    )
    for row in rows:
        cells = [csv_cell(value) if isinstance(value, str) else value for value in row]
        # Readers drop spaces at the start of a cell without quotes.
        spaced = any(isinstance(cell, str) and cell != cell.strip() for cell in cells)
        (quoted if spaced else plain).writerow(cells)
        yield file.getvalue()
        file.seek(0)
        file.truncate()


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    r"""Return the rows as CSV; see `csv_lines`.

    >>> csv_text([("id", "count"), ("=milk", 3), (" a.jpg", 1.5)])
    'id,count\n\'=milk,3\n" a.jpg","1.5"\n'
    """
    return "".join(csv_lines(rows))


def read_table(
    path: Location | RemoteFile,
    columns: Mapping[str, str | None],
    *,
    optional: Collection[str] = (),
    what: str = "the manifest",
    encoding: str | None = None,
    error: type[DataError | SplitError] = DataError,
    has_encoding: bool = True,
    keep_bytes: bool = False,
    parameter: str = "path",
    limit: int = MAX_BYTES,
) -> Table:
    """Return the rows of a CSV file.

    Parameters
    ----------
    path : path-like
        The file.
    columns : mapping of str to str or None
        The required columns, and for errors the public parameter that names each; None if the
        name is fixed.
    optional : collection of str, optional
        Columns that are also returned if the file has them.
    what : str, default="the manifest"
        The kind of file, for errors.
    encoding : str, optional
        The encoding; by default UTF-8. A byte order mark takes precedence.
    error : type, default=DataError
        The type of errors about the content.
    has_encoding : bool, default=True
        Whether the public function takes `encoding`, which the error then suggests.
    keep_bytes : bool, default=False
        Whether bytes that are not UTF-8 become surrogates, as in file names, instead of an error.
    parameter : str, default="path"
        The public parameter with the path of the file.
    limit : int, default=256 MiB
        The maximum number of bytes. Every row counts as at least 128 bytes.

    Returns
    -------
    Table
        The rows, with the unchanged cells of the requested columns.

    Raises
    ------
    DatasetNotFoundError
        There is no such file.
    DataError
        It is not a regular file, cannot be read, is too large, is not CSV, has another encoding,
        or lacks a column. Its type is `error`.
    InvalidParameterError
        There is no such encoding.
    """
    file = TextFile(
        path=as_location(path, parameter),
        what=what,
        encoding=encoding,
        error=error,
        has_encoding=has_encoding,
        keep_bytes=keep_bytes,
        parameter=parameter,
        limit=limit,
    )
    names, places, rows = _opened(file, columns, optional)
    found = [(line, {name: cells[place] for name, place in places.items()}) for line, cells in rows]
    return Table(name=file.name, columns=tuple(filter(None, names)), rows=found)


def read_columns(
    path: Location | RemoteFile,
    columns: Collection[str],
    *,
    what: str,
    error: type[DataError | SplitError],
    parameter: str,
) -> tuple[list[int], dict[str, list[str]]]:
    """Return the lines and columns of a CSV file that shelfvision wrote; faster than `read_table`.

    Parameters
    ----------
    path : path-like
        The file, in UTF-8.
    columns : collection of str
        The columns; the file must have all of them.
    what, error, parameter : str or type
        As for `read_table`.

    Returns
    -------
    lines : list of int
        The number of every row's first line.
    cells : dict of str to list of str
        The cells of every column by name.

    Raises
    ------
    DatasetNotFoundError, DataError
        As for `read_table`.
    """
    file = TextFile(
        path=as_location(path, parameter),
        what=what,
        encoding=None,
        error=error,
        has_encoding=False,
        keep_bytes=False,
        parameter=parameter,
        limit=MAX_BYTES,
    )
    _, places, rows = _opened(file, dict.fromkeys(columns), ())
    lines: list[int] = []
    cells: dict[str, list[str]] = {name: [] for name in places}
    # Lists of text without a container for each row, so that the garbage collector has no work.
    filling = [(cells[name].append, place) for name, place in places.items()]
    for line, row in rows:
        lines.append(line)
        for append, place in filling:
            append(row[place])
    return lines, cells


def _opened(
    file: TextFile, columns: Mapping[str, str | None], optional: Collection[str]
) -> tuple[list[str], dict[str, int], Iterator[tuple[int, list[str]]]]:
    """Return the names of all columns, the indices of the requested columns, and the rows."""
    for name, named_by in columns.items():
        if not isinstance(name, str):
            raise InvalidParameterError(
                f"{named_by} must be the name of a column, got {name!r}; write it as text",
                code="wrong-type",
                parameter=named_by,
            )
    wanted = {clean_name(name): named_by for name, named_by in columns.items()}
    delimiter, first, text = _dialect(file_text(file), wanted)
    records = _records(file, text, delimiter, first)
    header = next(((line, cells) for line, cells in records if any(map(str.strip, cells))), None)
    names = [] if header is None else [clean_name(cell) for cell in header[1]]
    complete = set(wanted) <= set(names)
    _require_columns(file, names, wanted, None if complete else _header_below(text, first, wanted))
    asked = {name: clean_name(name) for name in (*columns, *optional)}
    places = {name: names.index(clean) for name, clean in asked.items() if clean in names}
    least = 1 + max(places.values(), default=-1)
    return names, places, _whole_rows(file, records, names, least)


def _dialect(text: str, wanted: Collection[str]) -> tuple[str, int, str]:
    """Return the delimiter, the number of the first line of the table, and the table."""
    named = _SEP_LINE.match(text)
    if named is not None:
        return named[1], 2, text[named.end() :]
    return max(_DELIMITERS, key=lambda one: _fit(text[:_SAMPLE_SIZE], one, wanted)), 1, text


def _fit(text: str, delimiter: str, wanted: Collection[str]) -> tuple[int, int, int]:
    """Return how well a delimiter fits: columns found, rows as wide as the header, its width.

    The header decides, not the rows, which may have decimal commas and names with commas.
    """
    reader = csv.reader(lines_of(text), delimiter=delimiter, strict=True, skipinitialspace=True)
    sample: list[list[str]] = []
    try:
        sample += islice((cells for cells in reader if any(map(str.strip, cells))), _SAMPLE)
    except csv.Error:
        # A wrong delimiter may break quotes; a malformed file raises an error when it is read.
        if not sample:
            return 0, 0, 0
    header = [clean_name(cell) for cell in sample[0]] if sample else []
    alike = sum(len(cells) == len(header) for cells in sample[1:]) if len(header) > 1 else 0
    return sum(name in header for name in wanted), alike, len(header)


def _records(
    file: TextFile, text: str, delimiter: str, first: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of every record with the number of its first line."""
    reader = csv.reader(lines_of(text), delimiter=delimiter, strict=True, skipinitialspace=True)
    has_formulas = '="' in text
    line = first
    try:
        for cells in reader:
            yield line, [_plain(cell) for cell in cells] if has_formulas else cells
            line = first + reader.line_num
    except csv.Error as error:
        raise file.refused(
            f"line {line} of {file.name} is not well-formed CSV: {error}; close every quote, "
            "and double quotes inside a quoted field",
            "not-csv",
        ) from error


def _header_below(text: str, first: int, wanted: Collection[str]) -> int | None:
    """Return the number of a later line that has all columns, or None."""
    for number, line in islice(enumerate(lines_of(text), first), 1, _SAMPLE):
        for delimiter in _DELIMITERS:
            cells = {clean_name(cell.strip('" ')) for cell in line.split(delimiter)}
            if cells.issuperset(wanted):
                return number
    return None


def _plain(cell: str) -> str:
    """Return a cell without the formula that keeps it text in a spreadsheet."""
    kept = _AS_TEXT.fullmatch(cell)
    return cell if kept is None else kept[1].replace('""', '"')


def _whole_rows(
    file: TextFile, records: Iterator[tuple[int, list[str]]], names: Sequence[str], least: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, with `least` fields or more."""
    width = len(names)
    while width and not names[width - 1]:
        width -= 1
    most, count = file.limit // _LEAST_ROW, 0
    for line, cells in records:
        if not any(map(str.strip, cells)):
            continue
        count += 1
        if count > most:
            raise file.refused(
                f"{file.what} {file.name} must have at most {most:,} rows, got more; split it",
                "too-large",
            )
        end = len(cells)
        while end > width and not cells[end - 1].strip():
            end -= 1
        # Cells under a trailing column without a name are notes; more than that is a mistake.
        # Excel leaves out the delimiters of empty cells at the end of a line.
        if not least <= end <= len(names):
            remedy = "quote fields that contain the delimiter" if end > width else "complete it"
            raise file.refused(
                f"line {line} of {file.name} must have {width} fields as the first line has, got "
                f"{end}; {remedy}",
                "not-csv",
            )
        yield line, cells


def _require_columns(
    file: TextFile, names: Sequence[str], wanted: Mapping[str, str | None], below: int | None
) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        if below is not None:
            raise file.refused(
                f"{file.what} {file.name} must have the columns {listed(wanted)} in its first "
                f"line, but they are in line {below}; remove the lines above it",
                "missing-column",
                wanted[missing[0]],
            )
        there = list(filter(None, names))
        has = f"its columns are {listed(there, limit=20)}" if there else "the file is empty"
        named_by, near = wanted[missing[0]], closest(missing[0], there)
        remedy = f"rename {near!r}" if near else "add it"
        if named_by is not None:
            one = named_by.endswith("_column")
            remedy = f"pass {named_by}={near!r}" if one else f"write {near!r} in {named_by}"
            remedy = remedy if near else f"pass the right name as {named_by}"
        raise file.refused(
            f"{file.what} {file.name} must have the column {listed(missing)}, but {has}; {remedy}",
            "missing-column",
            named_by,
        )
    twice = next((name for name in wanted if list(names).count(name) > 1), None)
    if twice is not None:
        raise file.refused(
            f"{file.what} {file.name} must have one column {twice!r}, got several; rename all but "
            "the one that counts",
            "duplicate",
            wanted[twice],
        )
