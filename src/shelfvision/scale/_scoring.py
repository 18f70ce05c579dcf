"""Score rows: read photos in small batches, predict, and return an Arrow table.

The batches are those of ``Predictor.predict`` and ``Classifier.predict``, so that the results are
bit-identical to theirs. At most one batch of photos is in memory as pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shelfvision._runtime.answers import Scores, answers_of
from shelfvision.data.reading import Batch
from shelfvision.errors import PhotoError
from shelfvision.predictions import Predictions
from shelfvision.protocols import Images
from shelfvision.scale._cells import CellReader
from shelfvision.scale._opening import ServingModel
from shelfvision.scale._schema import arrow, result_schema
from shelfvision.scale._settings import EMBEDDING, ScorerSettings

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenRows:
    """The rows of a batch, whatever its kind."""

    length: int
    cells: Callable[[int, int], Sequence[object]]
    """Returns the photo cells from a first to a last row."""
    ids: Sequence[str | None] | None
    """The id of each row as text; None without an id column."""


def scored(rows: GivenRows, settings: ScorerSettings, model: ServingModel) -> pa.Table:
    """Return the results for all rows, in order, with the schema of the settings."""
    run = _RowScores(rows, settings, model)
    predictions = answers_of(run.batches(), run.probabilities, model.class_names, model.thresholds)
    return _as_table(predictions, run, settings)


class _RowScores:
    """Scores the rows of one batch; keeps error codes and embeddings, which predictions lack."""

    def __init__(self, rows: GivenRows, settings: ScorerSettings, model: ServingModel) -> None:
        self.rows, self.errors = rows, list[PhotoError | None]()
        self.embeddings: list[Scores] = []
        self._embed = model.embed if settings.embedding_width else None
        self._model = model
        self._reader = CellReader(
            kind=settings.photo_kind,
            column=settings.photo_column,
            preprocessing=model.preprocessing,
            threads=settings.threads,
        )

    def batches(self) -> Iterator[Batch]:
        size = self._model.batch_size
        for start in range(0, self.rows.length, size):
            stop = min(start + size, self.rows.length)
            names = self._names(start, stop)
            found = self._reader.read(self.rows.cells(start, stop), names)
            self.errors.extend(found.errors)
            messages = [None if error is None else str(error) for error in found.errors]
            yield Batch(ids=names, errors=messages, images=found.images)

    def probabilities(self, images: Images) -> Scores:
        if self._embed is not None:
            self.embeddings.append(self._embed(images))
        return self._model.probabilities(images)

    def _names(self, start: int, stop: int) -> list[str]:
        if self.rows.ids is None:
            return [f"photo {row}" for row in range(start, stop)]
        ids = self.rows.ids[start:stop]
        return [one or f"photo {row}" for row, one in enumerate(ids, start)]


def _as_table(predictions: Predictions, run: _RowScores, settings: ScorerSettings) -> pa.Table:
    pa = arrow()
    schema = result_schema(settings, predictions.class_names)
    failed = np.array([error is not None for error in run.errors], dtype=np.bool_)
    columns: dict[str, object] = {
        "label": predictions.labels,
        "confidence": predictions.confidences,
        "decision": predictions.decisions,
        "error": list(predictions.errors),
        "error_code": [None if error is None else error.code for error in run.errors],
    }
    if settings.id_column is not None:
        columns[settings.id_column] = run.rows.ids
    if settings.probabilities:
        shares = predictions.probabilities.T
        columns |= {f"p({name})": shares[i] for i, name in enumerate(predictions.class_names)}
    arrays = {name: columns[name] for name in schema.names if name in columns}
    made = {
        name: pa.array(values, type=schema.field(name).type, from_pandas=True)
        for name, values in arrays.items()
    }
    if settings.embedding_width:
        made[EMBEDDING] = _lists(run.embeddings, failed, settings.embedding_width)
    return pa.Table.from_arrays([made[name] for name in schema.names], schema=schema)


def _lists(parts: Sequence[Scores], failed: np.ndarray, width: int) -> pa.Array:
    """Return one list per row, null for photos that could not be read."""
    pa = arrow()
    lengths = np.where(failed, 0, width)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = np.concatenate([part.ravel() for part in parts]) if parts else np.empty(0, np.float32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(values, type=pa.float32()), mask=pa.array(failed)
    )
