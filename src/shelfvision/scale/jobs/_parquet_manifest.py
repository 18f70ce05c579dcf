"""Read the columns of a Parquet manifest as text.

The file may come from anybody. Everything that would fail later is refused here: columns of one
name, text that is not UTF-8, and values that have no text. Rows are chosen as those of a CSV file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO

from shelfvision._identifiers import clean_name, closest
from shelfvision._validation import listed, require_texts
from shelfvision.data.finding.photo_lists import (
    ManifestOrigin,
    Where,
    accepted_values,
    checked_where,
)
from shelfvision.errors import DataError
from shelfvision.scale._arrow import arrow, compute, parquet, typed_columns

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC = b"PAR1"
"""The first bytes of a Parquet file."""


def parquet_rows(
    file: BinaryIO, place: str, path_column: str, keep: Sequence[str], where: Where | None
) -> pa.Table:
    """Return the chosen rows of a Parquet file, with the columns of paths and of `keep` as text."""
    require_texts("path_column", [path_column])
    wanted = checked_where(where or {})
    needed = dict.fromkeys(wanted, "where") | dict.fromkeys(keep, "keep")
    table = _read(file, place, needed | {path_column: "path_column"})
    for name, values in wanted.items():
        table = _chosen(table, name, values, repr(place))
    _require_paths(table[path_column], place, path_column)
    return table


def _read(file: BinaryIO, place: str, needed: Mapping[str, str]) -> pa.Table:
    pa = arrow()
    try:
        found = parquet().read_schema(file).names
    except (pa.ArrowException, OSError) as error:
        raise _damaged(place, error) from error
    _require_columns(place, found, needed)
    try:
        return typed_columns(file, pa.schema([(name, pa.string()) for name in needed]))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(place, error) from error


def _damaged(place: str, error: Exception) -> DataError:
    return DataError(
        f"the manifest {place!r} cannot be read as Parquet: {' '.join(str(error).split())}; "
        "write it again, with text in its columns",
        code="damaged",
        parameter="source",
    )


def _require_columns(place: str, names: Sequence[str], needed: Mapping[str, str]) -> None:
    for name, parameter in needed.items():
        if names.count(name) > 1:
            raise DataError(
                f"the manifest {place!r} must have one column {name!r}, got {names.count(name)}; "
                "rename the others",
                code="duplicate",
                parameter=parameter,
            )
        if name not in names:
            near = closest(name, names)
            raise DataError(
                f"the manifest {place!r} must have the column {name!r}, but its columns are "
                f"{listed(names, limit=20)}; pass {near or 'one of them'!r} in {parameter}",
                code="missing-column",
                parameter=parameter,
            )


def _chosen(table: pa.Table, name: str, wanted: str | Sequence[str], place: str) -> pa.Table:
    """Return the rows with these values, as they are chosen from a CSV file."""
    pa, pc = arrow(), compute()
    cells = pc.fill_null(table[name], "")
    there = pc.unique(cells).to_pylist()
    accepted = accepted_values(name, wanted, map(clean_name, there), ManifestOrigin(place))
    spelled = [text for text in there if clean_name(text) in accepted]
    return table.filter(pc.is_in(cells, value_set=pa.array(spelled, pa.string())))


def _require_paths(cells: pa.ChunkedArray, place: str, column: str) -> None:
    """Refuse empty paths, and those with a NUL, which no file can have."""
    pc = compute()
    texts = pc.fill_null(cells, "")
    is_empty = pc.equal(pc.utf8_trim_whitespace(texts), "")
    if pc.any(pc.or_(is_empty, pc.match_substring(texts, "\0"))).as_py():
        raise DataError(
            f"each row of {place!r} must have a {column}, got an empty one, or one with a NUL; "
            "correct it",
            code="empty",
            parameter="path_column",
        )
