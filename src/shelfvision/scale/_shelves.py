"""Score photos of shelves: predict the boxes of each photo.

The boxes are in a column of the table, or a detector finds them. The results are those of
``predict_regions`` with the crop rule of the classifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._photos.threads import in_threads
from shelfvision._runtime.answers import answers_of
from shelfvision.boxes import Boxes
from shelfvision.data.reading import Reader
from shelfvision.errors import InvalidParameterError, PhotoError
from shelfvision.predictions import Predictions
from shelfvision.protocols import Image
from shelfvision.regions import Regions
from shelfvision.regions.predicting import BoxDetector, regions_of
from shelfvision.scale._cells import UNREAD, PhotoCells, require_present, wrong_type
from shelfvision.scale._opening import ServingModel
from shelfvision.scale._settings import ScorerSettings

_SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShelfCells:
    """Where the photos and the boxes of a table are."""

    photos: PhotoCells
    boxes_column: str | None
    """The name of the column of boxes; None with a detector."""


def score_shelves(
    where: ShelfCells,
    cells: Sequence[tuple[object, object]],
    names: Sequence[str],
    model: ServingModel,
    threads: int,
) -> list[Regions | PhotoError]:
    """Return the predictions for the boxes of each photo, or the error of its row."""
    found: list[Regions | PhotoError] = [UNREAD] * len(cells)

    def fill(row: int) -> None:
        photo, boxes = cells[row]
        try:
            found[row] = _scored(where, photo, boxes, names[row], model)
        except PhotoError as error:
            found[row] = error

    in_threads(fill, len(cells), workers=min(threads, len(cells)))
    return found


def _scored(
    where: ShelfCells, photo: object, boxes: object, name: str, model: ServingModel
) -> Regions:
    data = where.photos.content(photo, name)
    source: Boxes | BoxDetector | None = model.detector
    if where.boxes_column is not None:
        source = _boxes_in(boxes, name, where.boxes_column)
    try:
        return regions_of(
            data,
            source,
            model.preprocessing,
            lambda crops: _predicted(model, crops),
            as_stored=None,
        )
    except InvalidParameterError as error:
        # Boxes outside of the photo are a fault of the row.
        raise _of_row(error, name) from error


def _predicted(model: ServingModel, crops: Iterator[Image]) -> Predictions:
    reader = Reader(preprocessing=model.preprocessing, on_error="raise")
    batches = reader.batches(crops, model.batch_size)
    return answers_of(batches, model.probabilities, model.class_names, model.thresholds)


def _boxes_in(cell: object, name: str, column: str) -> Boxes:
    """Return the boxes in a cell: a list of (left, top, right, bottom), or of structs."""
    require_present(cell, name, column, "boxes")
    if isinstance(cell, str | bytes | Mapping) or not hasattr(cell, "__iter__"):
        remedy = "store a list of boxes, each with left, top, right and bottom in pixels"
        raise wrong_type(cell, name, column, "a list of boxes", remedy)
    try:
        return Boxes(_corners(list(cell)))
    except InvalidParameterError as error:
        raise _of_row(error, name) from error
    except (TypeError, ValueError, KeyError) as error:
        raise PhotoError(
            f"{name!r} must have boxes of 4 numbers in the column {column!r}, but {error!r}; store "
            "left, top, right and bottom in pixels",
            path=name,
            code="wrong-type",
        ) from error


def _corners(boxes: list[object]) -> npt.NDArray[np.float64]:
    rows = [[box[side] for side in _SIDES] if isinstance(box, Mapping) else box for box in boxes]
    return np.array([np.asarray(row, np.float64) for row in rows]).reshape(len(rows), 4)


def _of_row(error: InvalidParameterError, name: str) -> PhotoError:
    return PhotoError(
        f"{name!r} has boxes that cannot be used: {error}", path=name, code=error.code
    )


def region_rows(regions: Regions, settings: ScorerSettings) -> list[dict[str, object]]:
    """Return one row for each box, with the fields of the schema."""
    predictions = regions.predictions
    fields: dict[str, list[object]] = dict(
        zip(_SIDES, regions.boxes.corners.T.tolist(), strict=True)
    )
    if settings.detector is not None:
        found = regions.boxes.scores
        fields["score"] = [None] * len(regions) if found is None else found.tolist()
    known = {
        "label": predictions.labels,
        "confidence": predictions.confidences,
        "decision": predictions.decisions,
    }
    fields |= {name: known[name].tolist() for name in settings.columns}
    if settings.probabilities:
        fields["probabilities"] = predictions.probabilities.tolist()
    return [dict(zip(fields, row, strict=True)) for row in zip(*fields.values(), strict=True)]
