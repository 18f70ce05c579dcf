"""What predicts regions calls: crops of the boxes in a photo, and `Regions` of their predictions.

`Classifier`, `Gallery` and `Predictor` pass a function that predicts a stream of images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import SupportsFloat, cast

from shelfvision._validation import as_number, one_of
from shelfvision.data.reading import Photo
from shelfvision.predictions import Predictions
from shelfvision.protocols import Image, Resize
from shelfvision.regions._boxes import HasCorners, as_boxes
from shelfvision.regions._crops import CropShape, Cutting
from shelfvision.regions._orientation import upright
from shelfvision.regions._regions import Regions
from shelfvision.regions._whole_photo import whole_photo

__all__ = ["CropShape", "HasCorners", "cutting", "regions_of"]

SHAPES = ("box", "image")


def cutting(
    image_size: tuple[int, int], resize: Resize, *, context: SupportsFloat, shape: CropShape
) -> Cutting:
    """Return how crops are cut out, with its settings checked."""
    return Cutting(
        image_size=image_size,
        resize=resize,
        context=as_number("context", context, minimum=0, maximum=10),
        shape=cast("CropShape", one_of("shape", shape, SHAPES)),
    )


def regions_of(
    photo: Photo,
    boxes: object,
    how: Cutting,
    predict: Callable[[Iterator[Image]], Predictions],
    *,
    as_stored: bool | None,
) -> Regions:
    """Return what a classifier says about boxes in a photo."""
    found = as_boxes(boxes)
    whole = whole_photo(photo)
    found = upright(found, whole.orientation, whole.image_size, as_stored=as_stored)
    windows = how.windows(found, whole.image_size)
    predictions = predict(how.crops(whole.pixels, windows))
    named = Predictions(
        predictions.probabilities,
        predictions.class_names,
        [f"{whole.name}#{row}" for row in range(len(found))],
        decisions=list(predictions.decisions),
        class_prior=predictions.class_prior,
    )
    return Regions(named, found, whole.origin)
