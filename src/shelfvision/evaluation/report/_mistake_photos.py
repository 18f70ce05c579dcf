"""Photos of mistakes, read again from the dataset that was evaluated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfvision.errors import DataError, PhotoError
from shelfvision.evaluation._explanations import Explanations, explain
from shelfvision.evaluation.report._context import EvaluationContext
from shelfvision.evaluation.scores._mistakes import Mistake
from shelfvision.plot import heat_overlay
from shelfvision.protocols import Image, Images


def mistake_photos(
    mistakes: Sequence[Mistake], context: EvaluationContext, *, heat_maps: bool
) -> Images:
    """Return the pixels of mistakes, with heat maps over them on request."""
    if not mistakes:
        raise DataError(
            "the report must have a mistake to draw, but every photo that could be read is correct",
            code="no-mistakes",
        )
    if context.photos is None:
        raise DataError(
            "the report has no photos to draw, because it was made from predictions or was "
            "pickled; make it with evaluate(classifier, dataset)",
            code="missing-photos",
        )
    images = context.photos.read_batch([mistake.row for mistake in mistakes])
    if not heat_maps:
        return images
    found = explained(mistakes, images, context)
    return np.stack([heat_overlay(*pair) for pair in zip(images, found.heat_maps, strict=True)])


def explained(
    mistakes: Sequence[Mistake], images: npt.NDArray[np.uint8], context: EvaluationContext
) -> Explanations:
    """Return the heat maps of the wrong classes."""
    if context.classifier is None:
        raise DataError(
            "heat maps need a Classifier, but the report has none; make the report with "
            "evaluate(classifier, dataset) and a shelfvision.Classifier",
            code="needs-classifier",
            parameter="heat_maps",
        )
    return explain(context.classifier, images, labels=[mistake.predicted for mistake in mistakes])


def photos_or_none(mistakes: Sequence[Mistake], context: EvaluationContext) -> list[Image | None]:
    """Return the photos of mistakes; None for a photo that can no longer be read."""
    return [_photo(mistake.row, context) for mistake in mistakes]


def _photo(row: int, context: EvaluationContext) -> Image | None:
    if context.photos is None:
        return None
    try:
        return context.photos[row][0]
    except PhotoError:
        return None
