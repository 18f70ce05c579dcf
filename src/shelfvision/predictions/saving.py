"""Write predictions as CSV, JSON lines or Parquet.

All formats have the columns id, label, confidence, decision and error, and optionally the
probability of each class. The command line writes its output with the same functions.

========== ====================================================================================
suffix     format
========== ====================================================================================
.csv       UTF-8 without formulas (`csv_cell`); ``p(milk)`` is the probability of milk
.jsonl     one JSON object in each line; ``probabilities`` is an object of class names
.parquet   columns of text and float32; ``p(milk)`` as in CSV
========== ====================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol

from shelfvision._csv import csv_lines
from shelfvision._storage import as_location, atomic_writer, suffix_of_location
from shelfvision._validation import import_extra
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.protocols import Location, StorageOptions

if TYPE_CHECKING:
    from shelfvision.predictions._predictions import Predictions

COLUMNS: Final = ("id", "label", "confidence", "decision", "error")
"""The columns of every format."""


class _Write(Protocol):
    """Writes predictions to an open file."""

    def __call__(self, predictions: Predictions, file: BinaryIO, *, probabilities: bool) -> None:
        """Write all rows."""
        ...


_AT_ONCE = 4096
"""The number of rows in memory as text."""


def save_predictions(
    predictions: Predictions,
    path: Location,
    *,
    probabilities: bool,
    storage_options: StorageOptions | None,
) -> None:
    """Write predictions in the format of the path's suffix; see `Predictions.save`."""
    target = as_location(path, storage_options=storage_options, writes=True)
    write = _WRITERS.get(suffix_of_location(target))
    if write is None:
        raise InvalidParameterError(
            f"path must have the suffix {', '.join(_WRITERS)}, got {str(target)!r}; rename it",
            code="not-an-option",
            parameter="path",
        )
    with atomic_writer(target) as file:
        write(predictions, file, probabilities=probabilities)


def plain_rows(predictions: Predictions) -> Iterator[dict[str, object]]:
    """Yield each prediction as text and numbers by column; None for a missing value."""
    for one in predictions:
        yield {
            "id": one.id,
            "label": one.label,
            "confidence": None if one.error is not None else significant(one.confidence),
            "decision": one.decision,
            "error": one.error,
        }


def significant(value: float) -> float:
    """Return a float32 as a float with the 7 digits that it holds: 0.9, not 0.8999999762."""
    return float(f"{value:.7g}")


def _write_csv(predictions: Predictions, file: BinaryIO, *, probabilities: bool) -> None:
    names = [f"p({name})" for name in predictions.class_names] if probabilities else []
    nothing: list[float | None] = [None] * len(names)
    rows = (
        [*row.values(), *(found or nothing)]
        for part in _parts(predictions)
        for row, found in zip(
            plain_rows(part), _shares(part) if probabilities else [[]] * len(part), strict=True
        )
    )
    file.writelines(line.encode() for line in csv_lines(chain([[*COLUMNS, *names]], rows)))


def _write_json_lines(predictions: Predictions, file: BinaryIO, *, probabilities: bool) -> None:
    for part in _parts(predictions):
        shares = _shares(part) if probabilities else [[]] * len(part)
        for row, found in zip(plain_rows(part), shares, strict=True):
            if probabilities:
                row["probabilities"] = (
                    dict(zip(part.class_names, found, strict=True)) if found else None
                )
            # ASCII, so that a name of bytes that are not UTF-8 is kept as an escape.
            file.write(json.dumps(row).encode("ascii") + b"\n")


def _write_parquet(predictions: Predictions, file: BinaryIO, *, probabilities: bool) -> None:
    arrow = import_extra("pyarrow", extra="parquet", purpose="a Parquet file")
    parquet = import_extra("pyarrow.parquet", extra="parquet", purpose="a Parquet file")
    text, number = arrow.string(), arrow.float32()
    fields = [arrow.field("id", text, nullable=False), arrow.field("label", text)]
    fields += [arrow.field("confidence", number), arrow.field("decision", text)]
    fields += [arrow.field("error", text)]
    columns: list[Any] = [predictions.ids, predictions.labels, predictions.confidences]
    columns += [predictions.decisions, list(predictions.errors)]
    if probabilities:
        fields += [arrow.field(f"p({name})", number) for name in predictions.class_names]
        columns += list(predictions.probabilities.T)
    _require_unicode(predictions)
    arrays = [
        arrow.array(column, type=field.type, from_pandas=True)
        for column, field in zip(columns, fields, strict=True)
    ]
    table = arrow.Table.from_arrays(arrays, schema=arrow.schema(fields))
    parquet.write_table(table, file)


def _require_unicode(predictions: Predictions) -> None:
    """Refuse names of bytes that are not UTF-8, which Parquet cannot hold."""
    for text in (*predictions.ids, *predictions.class_names, *filter(None, predictions.errors)):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise DataError(
                f"a Parquet file must have names in UTF-8, got {text!r}; save a .jsonl or .csv "
                "file",
                code="wrong-encoding",
                parameter="path",
            ) from error


def _parts(predictions: Predictions) -> Iterator[Predictions]:
    for start in range(0, len(predictions), _AT_ONCE):
        yield predictions[start : start + _AT_ONCE]


def _shares(predictions: Predictions) -> list[list[float]]:
    """Return the probabilities of each row, empty for a photo that could not be read."""
    return [
        [] if error is not None else [significant(value) for value in row]
        for row, error in zip(predictions.probabilities.tolist(), predictions.errors, strict=True)
    ]


_WRITERS: dict[str, _Write] = {
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
    ".parquet": _write_parquet,
}
