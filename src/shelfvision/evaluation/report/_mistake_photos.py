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
    """Return the pixels of mistakes, under their heat maps if these are asked for."""
    if not mistakes:
        raise DataError(
            "there is no mistake to draw: every photo that could be read is right",
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
    """Return where the wrong classes were seen."""
    if context.classifier is None:
        raise DataError(
            "heat maps need the Classifier, which the report does not have; make it with "
            "evaluate(classifier, dataset), the classifier being shelfvision's",
            code="needs-classifier",
            parameter="heat_maps",
        )
    return explain(context.classifier, images, labels=[mistake.predicted for mistake in mistakes])


def photos_or_none(mistakes: Sequence[Mistake], context: EvaluationContext) -> list[Image | None]:
    """Return the photos of mistakes; None for one that cannot be read any more."""
    return [_photo(mistake.row, context) for mistake in mistakes]


def _photo(row: int, context: EvaluationContext) -> Image | None:
    if context.photos is None:
        return None
    try:
        return context.photos[row][0]
    except PhotoError:
        return None
