"""`Incoming`: the photos that come in, as columns, from predictions or from a table of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from shelfvision._identifiers import identifier, is_missing, text_of
from shelfvision._photos.quality import QUALITY
from shelfvision._validation import counted, listed, received
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.predictions import Predictions
from shelfvision.predictions.columns import as_groups


class TableOfColumns(Protocol):
    """A data frame of pandas or polars: names in `columns`, and columns by name."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of the columns."""
        ...

    def __getitem__(self, name: str, /) -> Sequence[object]:
        """Return a column."""
        ...


class ArrowTable(Protocol):
    """A table of Arrow: names in `column_names`, and columns with `to_pylist`."""

    @property
    def column_names(self) -> Sequence[str]:
        """The names of the columns."""
        ...


Table: TypeAlias = Mapping[str, Sequence[object]] | TableOfColumns | ArrowTable
"""Columns by name: a mapping, a data frame of pandas or polars, or an Arrow table."""

By: TypeAlias = str | Sequence[str] | Mapping[str, Sequence[object]]
"""Names of columns, or the columns by name."""

MISSING_VALUE = "(none)"
"""The value of photos without one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Incoming:
    """The photos that come in; one entry for each photo, readable or not."""

    readable: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.object_]
    confidences: npt.NDArray[np.float64]
    accepted: npt.NDArray[np.bool_] | None
    """Which photos are accepted; None if there are no decisions."""
    quality: Mapping[str, npt.NDArray[np.float64]]
    groups: npt.NDArray[np.int64] | None
    """The group of each photo; None if groups are unknown."""
    slices: npt.NDArray[np.int64]
    """The slice of each photo, from 0."""
    slice_values: tuple[tuple[str, ...], ...]
    """The values of the `by` columns of each slice."""
    by: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.readable)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    """The columns that the predictions themselves have."""

    ids: list[object]
    readable: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.object_]
    confidences: npt.NDArray[np.float64]
    accepted: npt.NDArray[np.bool_] | None
    quality: Mapping[str, npt.NDArray[np.float64]]


def incoming_of(
    given: Predictions | Table,
    *,
    by: By | None,
    metadata: Table | None,
    groups: str | Sequence[object] | None,
) -> Incoming:
    """Return the columns of the photos that come in."""
    columns = None if isinstance(given, Predictions) else columns_of_table(given, "predictions")
    read = _of_predictions(given) if isinstance(given, Predictions) else _of_columns(columns or {})
    n = len(read.readable)
    if n == 0:
        raise DataError(
            "predictions must have at least 1 photo, got none; pass the photos of a longer time",
            code="empty",
            parameter="predictions",
        )
    extra = dict(columns or {})
    if metadata is not None:
        extra |= _aligned(columns_of_table(metadata, "metadata"), read.ids)
    values = _by_columns(by, extra, n)
    if isinstance(groups, str):
        groups = _column_named(groups, extra, "groups")
    slices, slice_values = _numbered(values, n)
    return Incoming(
        readable=read.readable,
        labels=read.labels,
        confidences=read.confidences,
        accepted=read.accepted,
        quality=read.quality,
        groups=None if groups is None else as_groups(_group_names(groups), n),
        slices=slices,
        slice_values=slice_values,
        by=tuple(values),
    )


def _of_predictions(given: Predictions) -> _Read:
    readable = np.array([error is None for error in given.errors], dtype=np.bool_)
    return _Read(
        ids=list(given.ids),
        readable=readable,
        labels=given.labels,
        confidences=given.confidences.astype(np.float64),
        accepted=_accepted(list(given.decisions), readable),
        quality={name: column.astype(np.float64) for name, column in (given.quality or {}).items()},
    )


def _of_columns(columns: Mapping[str, list[object]]) -> _Read:
    """Return the columns of a table of scores, as `Predictions.save` and `Scorer` write it."""
    labels, confidences = (
        _column_named(name, columns, "predictions") for name in ("label", "confidence")
    )
    n = len(labels)
    errors = columns.get("error", [None] * n)
    readable = np.array(
        [
            _is_empty(error) and not _is_empty(label) and not _is_empty(confidence)
            for error, label, confidence in zip(errors, labels, confidences, strict=True)
        ],
        dtype=np.bool_,
    )
    names = np.empty(n, dtype=object)
    names[:] = [
        text_of(label) if read else None for label, read in zip(labels, readable, strict=True)
    ]
    return _Read(
        ids=columns.get("id", columns.get("path", list(range(n)))),
        readable=readable,
        labels=names,
        confidences=_numbers("confidence", confidences, readable, highest=1 + 1e-3),
        accepted=_accepted(columns.get("decision", [None] * n), readable),
        quality={
            name: _numbers(name, columns[name], readable) for name in QUALITY if name in columns
        },
    )


def columns_of_table(table: object, parameter: str) -> dict[str, list[object]]:
    """Return the columns of a table as lists of one length."""
    if isinstance(table, Mapping):
        columns = {str(name): list(column) for name, column in table.items()}
    elif hasattr(table, "column_names") and hasattr(table, "to_pydict"):
        columns = {str(name): list(column) for name, column in table.to_pydict().items()}
    elif hasattr(table, "columns") and hasattr(table, "__getitem__"):
        columns = {str(name): list(table[name]) for name in table.columns}
    else:
        kind = "Predictions, " if parameter == "predictions" else ""
        raise InvalidParameterError(
            f"{parameter} must be {kind}a data frame, an Arrow table or a mapping of columns, got "
            f"{received(table)}; pass one of them",
            code="wrong-type",
            parameter=parameter,
        )
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise InvalidParameterError(
            f"{parameter} must have columns of one length, got {sorted(lengths)}; pass one value "
            "for each photo",
            code="wrong-length",
            parameter=parameter,
        )
    return columns


def _column_named(name: str, columns: Mapping[str, list[object]], parameter: str) -> list[object]:
    if name not in columns:
        raise DataError(
            f"{parameter} needs a column {name!r}, got {listed(columns) or 'no columns'}; "
            + (
                "pass predictions, or a table with the columns label and confidence"
                if parameter == "predictions"
                else "pass metadata= with this column, or the column itself"
            ),
            code="missing-column",
            parameter=parameter,
        )
    return columns[name]


def _aligned(
    metadata: Mapping[str, list[object]], ids: Sequence[object]
) -> dict[str, list[object]]:
    """Return the metadata in the order of the photos, joined by the column ``id``."""
    named = [identifier(value) for value in _column_named("id", metadata, "metadata")]
    wanted = [identifier(value) for value in ids]
    rows: dict[str, int] = {}
    needed = set(wanted)
    for row, name in enumerate(named):
        if name in rows and name in needed:
            raise DataError(
                f"metadata must have one row for each id, got several for {name!r}; remove the "
                "others",
                code="duplicate",
                parameter="metadata",
            )
        rows[name] = row
    lacking = [name for name in dict.fromkeys(wanted) if name not in rows]
    if lacking:
        raise DataError(
            f"metadata must have a row for each photo, got none for {listed(lacking)}; add them",
            code="unknown-id",
            parameter="metadata",
        )
    order = [rows[name] for name in wanted]
    return {name: [column[row] for row in order] for name, column in metadata.items()}


def _by_columns(by: By | None, extra: Mapping[str, list[object]], n: int) -> dict[str, list[str]]:
    if by is None:
        return {}
    if isinstance(by, Mapping):
        given = {str(name): list(column) for name, column in by.items()}
    else:
        names = [by] if isinstance(by, str) else list(by)
        given = {name: _column_named(name, extra, "by") for name in names}
    for name, column in given.items():
        if len(column) != n:
            raise InvalidParameterError(
                f"by must have {counted(n, 'value')} of {name!r}, one for each photo, got "
                f"{len(column)}; pass one for each",
                code="wrong-length",
                parameter="by",
            )
    return {
        name: [text_of(value, name="by") or MISSING_VALUE for value in column]
        for name, column in given.items()
    }


def _group_names(column: Sequence[object]) -> npt.NDArray[np.object_]:
    """Return the groups as text; a photo without one is a group of its own, a number."""
    texts = (text_of(value, name="groups") for value in column)
    return np.array([text or row for row, text in enumerate(texts)], dtype=np.object_)


def _numbered(
    values: Mapping[str, list[str]], n: int
) -> tuple[npt.NDArray[np.int64], tuple[tuple[str, ...], ...]]:
    """Return the number of the slice of each photo, and the values of each slice, sorted."""
    if not values:
        return np.zeros(n, dtype=np.int64), ()
    rows = list(zip(*values.values(), strict=True))
    found = sorted(set(rows))
    number = {row: place for place, row in enumerate(found)}
    return np.array([number[row] for row in rows], dtype=np.int64), tuple(found)


def _accepted(
    decisions: Sequence[object], readable: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_] | None:
    """Return which photos are accepted; None if a readable photo has no decision."""
    if any(_is_empty(one) for one, read in zip(decisions, readable, strict=True) if read):
        return None
    return np.array([one == "accept" for one in decisions], dtype=np.bool_)


def _numbers(
    name: str,
    column: Sequence[object],
    readable: npt.NDArray[np.bool_],
    *,
    highest: float = np.inf,
) -> npt.NDArray[np.float64]:
    """Return a column of numbers, NaN where there is none."""
    try:
        found = np.array(
            [np.nan if _is_empty(one) else float(cast("float", one)) for one in column]
        )
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the column {name!r} of predictions must have numbers, but {error}; correct it",
            code="wrong-type",
            parameter="predictions",
        ) from error
    if (found[readable] > highest).any() or (highest < np.inf and (found[readable] < 0).any()):
        raise DataError(
            f"the column {name!r} of predictions must be in [0, 1], got "
            f"{found[readable].min():g} to {found[readable].max():g}; pass probabilities",
            code="not-in-range",
            parameter="predictions",
        )
    return found


def _is_empty(value: object) -> bool:
    return is_missing(value) or value == ""
