"""BatchColumns of a batch of any kind, and a table as a batch of the same kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import is_missing, text_of
from shelfvision._validation import received
from shelfvision.errors import InvalidParameterError
from shelfvision.scale._kinds import as_kind_of, batch_column, kind_of

if TYPE_CHECKING:
    import pyarrow as pa

# Objects of packages without type annotations, and of any engine.
Foreign: TypeAlias = Any


class BatchColumns:
    """The columns of a batch by name, read when they are asked for.

    Parameters
    ----------
    batch : dict of arrays, DataFrame, pyarrow.Table or pyarrow.RecordBatch
        The batch.
    parameters : mapping of str to str
        The argument that named each column; columns of a fixed name have none.
    made_by : str, default=""
        The step whose output has the columns of fixed names, for messages.
    """

    __slots__ = ("_batch", "_kind", "_made_by", "_names", "_parameters")

    def __init__(self, batch: Foreign, parameters: Mapping[str, str], made_by: str = "") -> None:
        self._batch, self._kind, self._made_by = batch, kind_of(batch), made_by
        self._names = self._kind.names(batch)
        self._parameters = dict(parameters)

    def __contains__(self, name: str) -> bool:
        """Return whether the batch has a column."""
        return name in self._names

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._kind.length(self._batch)

    def values(self, name: str) -> Sequence[object]:
        """Return the values of a column; refuse a batch without it."""
        parameter = self._parameters.get(name, "batch")
        column = batch_column(
            self._kind, self._batch, self._names, name, parameter, made_by=self._made_by
        )
        return self._kind.values(column, 0, len(column))

    def texts(self, name: str) -> list[str | None]:
        """Return a column as text, None where it is missing; numbers keep every digit."""
        parameter = self._parameters.get(name, "batch")
        return [
            one if type(one) is str else _text(one, name, parameter) for one in self.values(name)
        ]

    def required(self, name: str) -> list[str]:
        """Return a column as text; refuse missing and empty values."""
        texts = self.texts(name)
        found = [text for text in texts if text]
        if len(found) < len(texts):
            row = next(row for row, text in enumerate(texts) if not text)
            raise InvalidParameterError(
                f"{self._parameters.get(name, 'batch')} must have text in each row of the column "
                f"{name!r}, got none in row {row}; fill the column, or filter the rows",
                code="empty",
                parameter=self._parameters.get(name, "batch"),
            )
        return found

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column of numbers, NaN where it is missing."""
        values = self.values(name)
        return np.array([np.nan if one is None else one for one in values], dtype=np.float64)

    def whole(self, name: str) -> npt.NDArray[np.int64]:
        """Return a column of whole numbers without missing values."""
        return np.array(self.values(name), dtype=np.int64)

    def like(self, table: pa.Table, *, same_rows: bool = False, width: int = 0) -> object:
        """Return a table as a batch of the same kind, with the index of a pandas frame or without.

        Parameters
        ----------
        table : pyarrow.Table
            The result.
        same_rows : bool, default=False
            Whether the rows of the result are those of the batch.
        width : int, default=0
            The length of the lists in a column of lists.
        """
        if same_rows:
            return self._kind.returned(self._batch, table, width)
        return as_kind_of(self._batch, table, width)


def _text(value: object, column: str, parameter: str) -> str | None:
    if isinstance(value, str):
        return str(value)
    if hasattr(value, "__len__"):
        raise InvalidParameterError(
            f"{parameter} must have text or numbers in the column {column!r}, got "
            f"{type(value).__name__}; pass another column",
            code="wrong-type",
            parameter=parameter,
        )
    return None if is_missing(value) else text_of(value, name=parameter)


def column_name(parameter: str, name: object) -> str:
    """Return the name of a column; refuse anything but text."""
    if isinstance(name, str) and name:
        return name
    raise InvalidParameterError(
        f"{parameter} must be the name of a column, got {received(name)}; pass text",
        code="wrong-type",
        parameter=parameter,
    )


def require_distinct(names: Sequence[str], parameter: str) -> None:
    """Refuse two columns of one name in a result."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidParameterError(
            f"{parameter} must differ from the other columns of the result, got {twice[0]!r}; "
            "rename the column in the batches",
            code="duplicate",
            parameter=parameter,
        )


def joined_bytes(
    values: Sequence[object], shape: tuple[int, ...], column: str
) -> npt.NDArray[np.uint8]:
    """Return binary cells of one size as an array of shape ``(n, *shape)``."""
    size = int(np.prod(shape))
    cells = [one if isinstance(one, bytes) else bytes(one or b"") for one in values]  # type: ignore[call-overload]
    wrong = next((len(one) for one in cells if len(one) != size), None)
    if wrong is not None:
        raise InvalidParameterError(
            f"batch must have {size} bytes in each cell of the column {column!r}, got {wrong}; "
            "pass the unchanged column of the function that computed it",
            code="wrong-shape",
            parameter="batch",
        )
    return np.frombuffer(b"".join(cells), dtype=np.uint8).reshape(len(cells), *shape)
