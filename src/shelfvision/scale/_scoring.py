"""Score rows: read photos in small batches, predict, and return an Arrow table.

The batches are those of ``Predictor.predict`` and ``Classifier.predict``, so that the results are
bit-identical to theirs. At most one batch of photos is in memory as pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shelfvision._runtime.answers import Scores, answers_of
from shelfvision.data.reading import Batch
from shelfvision.errors import PhotoError
from shelfvision.predictions import Predictions
from shelfvision.protocols import Images
from shelfvision.scale._arrow import arrow
from shelfvision.scale._cells import PhotoCells, read_cells
from shelfvision.scale._fetching import Step
from shelfvision.scale._opening import ServingModel
from shelfvision.scale._schema import result_schema
from shelfvision.scale._settings import EMBEDDING, REGIONS, ScorerSettings
from shelfvision.scale._shelves import ShelfCells, region_rows, score_shelves

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenRows:
    """The rows of a batch, whatever its kind."""

    length: int
    photos: Callable[[int, int], Sequence[object]]
    """Returns the photo cells from a first to a last row."""
    boxes: Callable[[int, int], Sequence[object]]
    """Returns the cells of boxes from a first to a last row; None without a column of boxes."""
    ids: Sequence[str | None] | None
    """The id of each row as text; None without an id column."""
    kept: Mapping[str, pa.Array]
    """The columns that are copied."""

    def names(self, start: int, stop: int) -> list[str]:
        """Return the names of some rows in messages."""
        if self.ids is None:
            return [f"photo {row}" for row in range(start, stop)]
        return [one or f"photo {row}" for row, one in enumerate(self.ids[start:stop], start)]


def scored(rows: GivenRows, settings: ScorerSettings, model: ServingModel) -> pa.Table:
    """Return the results for all rows, in order, with the schema of the settings."""
    schema = result_schema(settings, model.class_names if settings.probabilities else ())
    score = _shelf_columns if settings.with_regions else _photo_columns
    columns, errors = score(rows, settings, model)
    columns |= {
        "error": [None if error is None else str(error) for error in errors],
        "error_code": [None if error is None else error.code for error in errors],
        **rows.kept,
    }
    if settings.id_column is not None:
        columns[settings.id_column] = rows.ids
    pa = arrow()
    arrays = [
        one
        if isinstance(one := columns[field.name], pa.Array)
        else pa.array(one, type=field.type, from_pandas=True)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


_SHELVES = 4
"""The number of photos of shelves that are read together; each may have 50 megapixels."""

Columns = dict[str, object]
Errors = Sequence[PhotoError | None]


def _photo_columns(
    rows: GivenRows, settings: ScorerSettings, model: ServingModel
) -> tuple[Columns, Errors]:
    run = _RowScores(rows, settings, model)
    found = answers_of(run.batches(), run.probabilities, model.class_names, model.thresholds)
    columns: Columns = {
        "label": found.labels,
        "confidence": found.confidences,
        "decision": found.decisions,
    }
    if settings.probabilities:
        columns |= _probabilities(found)
    if settings.embedding_width:
        failed = np.array([error is not None for error in run.errors], dtype=np.bool_)
        columns[EMBEDDING] = _lists(run.embeddings, failed, settings.embedding_width)
    return columns, run.errors


def _probabilities(found: Predictions) -> Columns:
    columns = found.probabilities.T
    return {f"p({name})": columns[place] for place, name in enumerate(found.class_names)}


class _RowScores:
    """Scores the rows of one batch; keeps errors and embeddings, which predictions lack."""

    def __init__(self, rows: GivenRows, settings: ScorerSettings, model: ServingModel) -> None:
        self.errors: list[PhotoError | None] = []
        self.embeddings: list[Scores] = []
        self._rows, self._model, self._threads = rows, model, settings.threads
        self._cells = _cells_of(settings)
        self._embed = model.embed if settings.embedding_width else None

    def batches(self) -> Iterator[Batch]:
        """Yield the photos in batches of the network."""
        rows = self._rows
        steps = _steps(rows.length, self._model.batch_size)
        ahead = self._cells.ahead(steps, rows.photos, rows.names)
        for (start, stop), cells in zip(steps, ahead, strict=True):
            names = rows.names(start, stop)
            found = read_cells(self._cells, cells, names, self._model.preprocessing, self._threads)
            self.errors.extend(found.errors)
            messages = [None if error is None else str(error) for error in found.errors]
            yield Batch(ids=names, errors=messages, images=found.images)

    def probabilities(self, images: Images) -> Scores:
        """Return the probabilities for images, and keep their embeddings."""
        if self._embed is not None:
            self.embeddings.append(self._embed(images))
        return self._model.probabilities(images)


def _shelf_columns(
    rows: GivenRows, settings: ScorerSettings, model: ServingModel
) -> tuple[Columns, Errors]:
    where = ShelfCells(photos=_cells_of(settings), boxes_column=settings.boxes_column)
    regions: list[list[dict[str, object]] | None] = []
    errors: list[PhotoError | None] = []
    steps = _steps(rows.length, max(settings.threads, _SHELVES))
    ahead = where.photos.ahead(steps, rows.photos, rows.names)
    for (start, stop), photos in zip(steps, ahead, strict=True):
        cells = list(zip(photos, rows.boxes(start, stop), strict=True))
        names = rows.names(start, stop)
        for one in score_shelves(where, cells, names, model, settings.threads):
            errors.append(one if isinstance(one, PhotoError) else None)
            regions.append(None if isinstance(one, PhotoError) else region_rows(one, settings))
    return {REGIONS: regions}, errors


def _cells_of(settings: ScorerSettings) -> PhotoCells:
    return PhotoCells(
        kind=settings.photo_kind,
        column=settings.photo_column,
        storage_options=settings.storage_options,
    )


def _steps(length: int, size: int) -> list[Step]:
    return [(start, min(start + size, length)) for start in range(0, length, size)]


def _lists(parts: Sequence[Scores], failed: npt.NDArray[np.bool_], width: int) -> pa.Array:
    """Return one list per row, null for photos that could not be read."""
    pa = arrow()
    lengths = np.where(failed, 0, width)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = np.concatenate([part.ravel() for part in parts]) if parts else np.empty(0, np.float32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(values, type=pa.float32()), mask=pa.array(failed)
    )
