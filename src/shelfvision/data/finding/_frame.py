"""Read a pandas, polars or similar DataFrame of paths and labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from shelfvision._csv import Rows
from shelfvision._identifiers import closest, is_missing, text_of
from shelfvision._validation import import_extra, listed
from shelfvision.data.finding._manifest import Columns, ManifestOrigin
from shelfvision.errors import DataError

if TYPE_CHECKING:
    from narwhals.typing import IntoDataFrame

FRAME = ManifestOrigin("the frame", "row", "frame")
"""The frame in messages; its rows count from 0."""


def rows_of_frame(frame: IntoDataFrame, columns: Columns) -> Rows:
    """Return the needed columns as text, row by row; missing values become empty text."""
    narwhals = import_extra("narwhals", extra="frame", purpose="Dataset.from_frame")
    try:
        table = narwhals.from_native(frame, eager_only=True)
        names = [str(name) for name in table.columns]
    except TypeError as error:
        raise DataError(
            "frame must be a DataFrame of pandas, polars or another library that narwhals "
            f"supports, got {type(frame).__name__}; collect a lazy frame first",
            code="wrong-type",
            parameter="frame",
        ) from error
    except ValueError as error:
        raise DataError(
            f"frame must have columns with unique names, got an error: {error}; rename them",
            code="duplicate",
            parameter="frame",
        ) from error
    wanted = {name: parameter for name, parameter in columns.needed() if name is not None}
    for name, parameter in wanted.items():
        if name not in names:
            raise _no_column(name, parameter, names)
    values = [_texts(table[name], parameter) for name, parameter in wanted.items()]
    return [
        (number, dict(zip(wanted, row, strict=True)))
        for number, row in enumerate(zip(*values, strict=True))
    ]


def _no_column(name: str, parameter: str, names: Sequence[str]) -> DataError:
    near = closest(name, names)
    remedy = f"{parameter}={near!r}" if near else f"the right name as {parameter}"
    return DataError(
        f"the frame must have the column {name!r}, but its columns are "
        f"{listed(names, limit=20)}; pass {remedy}",
        code="missing-column",
        parameter=parameter,
    )


def _texts(series: Any, parameter: str) -> list[str]:
    """Return a column as text: numbers with all digits, missing values as empty text."""
    # Convert back to float32: a Python float would print more than its 7 digits.
    narrow = str(series.dtype) == "Float32"
    return [
        _text(np.float32(value) if narrow and value is not None else value, parameter)
        for value in series.to_list()
    ]


def _text(value: object, parameter: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    return "" if is_missing(value) else text_of(value, name=parameter)
