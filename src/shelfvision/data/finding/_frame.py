"""Reads a frame, of pandas, polars or their like, that lists photos and their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision._validation import import_extra, listed
from shelfvision.data._columns import is_missing
from shelfvision.data.finding._manifest import Columns, Origin, Rows
from shelfvision.errors import DataError

if TYPE_CHECKING:
    from narwhals.typing import IntoDataFrame

FRAME = Origin("the frame", "row")
"""How messages speak of it; its rows count from 0."""


def rows_of_frame(frame: IntoDataFrame, columns: Columns) -> Rows:
    """Return the columns that matter, as text, row by row; nothing is said of missing values."""
    narwhals = import_extra("narwhals", extra="frame", purpose="Dataset.from_frame")
    try:
        table = narwhals.from_native(frame, eager_only=True)
    except TypeError as error:
        raise DataError(
            f"frame must be a frame of pandas, polars or their like, not {type(frame).__name__}; "
            "collect a lazy frame first"
        ) from error
    wanted = [name for name in (columns.path, columns.label, columns.group) if name is not None]
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise DataError(
            f"the frame has no column {listed(missing)}; its columns are "
            f"{listed(map(str, table.columns), limit=20)}, so name the right ones with "
            "path_column, label_column and group_column"
        )
    values = [_texts(table[name].to_list()) for name in wanted]
    return [
        (number, dict(zip(wanted, row, strict=True)))
        for number, row in enumerate(zip(*values, strict=True))
    ]


def _texts(values: list[object]) -> list[str]:
    """Return values as text, and what is missing as no text."""
    return ["" if is_missing(value) else str(value) for value in values]
