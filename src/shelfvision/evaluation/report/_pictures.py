"""Pictures of mistakes: photos read again from the dataset that was evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, SupportsIndex

import numpy as np
import numpy.typing as npt

from shelfvision import plot
from shelfvision.errors import DataError, PhotoError
from shelfvision.evaluation._explanations import Explanations, explain
from shelfvision.evaluation.report._about import About
from shelfvision.evaluation.scores._mistakes import Mistake
from shelfvision.plot._heat import laid_over
from shelfvision.protocols import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_mistakes(
    mistakes: Sequence[Mistake],
    about: About,
    *,
    heat_maps: bool,
    n_columns: SupportsIndex,
    ax: Axes | Sequence[Axes] | npt.NDArray[np.object_] | None,
) -> npt.NDArray[np.object_]:
    """Draw photos that were taken for something else."""
    if not mistakes:
        raise DataError(
            "there is no mistake to draw: every photo that could be read is right",
            code="no-mistakes",
        )
    if about.photos is None:
        raise DataError(
            "the report has no photos to draw, because it was made from predictions or was "
            "pickled; make it with evaluate(classifier, dataset)",
            code="missing-photos",
        )
    images = about.photos.read_batch([mistake.row for mistake in mistakes])
    if heat_maps:
        found = explained(mistakes, images, about)
        images = np.stack([laid_over(*pair) for pair in zip(images, found.heat_maps, strict=True)])
    return plot.predictions(
        images,
        [mistake.predicted for mistake in mistakes],
        [mistake.confidence for mistake in mistakes],
        [mistake.true for mistake in mistakes],
        n_columns=n_columns,
        ax=ax,
    )


def explained(
    mistakes: Sequence[Mistake], images: npt.NDArray[np.uint8], about: About
) -> Explanations:
    """Return where the wrong classes were seen."""
    if about.classifier is None:
        raise DataError(
            "heat maps need the Classifier, which the report does not have; make it with "
            "evaluate(classifier, dataset), the classifier being shelfvision's",
            code="needs-classifier",
            parameter="heat_maps",
        )
    return explain(about.classifier, images, labels=[mistake.predicted for mistake in mistakes])


def photos_of(mistakes: Sequence[Mistake], about: About) -> list[Image | None]:
    """Return the photos of mistakes; None for one that cannot be read any more."""
    return [_photo(mistake.row, about) for mistake in mistakes]


def _photo(row: int, about: About) -> Image | None:
    if about.photos is None:
        return None
    try:
        return about.photos[row][0]
    except PhotoError:
        return None
