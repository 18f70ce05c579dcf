"""The implementation of `predict_regions`: crop the boxes of a photo and predict the crops.

`Classifier`, `Gallery` and `Predictor` pass a function that predicts a stream of images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import SupportsFloat, cast

from shelfvision._photos.given import Photo
from shelfvision._photos.preprocessing import CropShape, Preprocessing
from shelfvision.boxes.box_list import HasCorners, as_boxes
from shelfvision.boxes.crops import crops_of, windows_of
from shelfvision.boxes.orientation import upright
from shelfvision.boxes.whole_photo import whole_photo
from shelfvision.predictions import Predictions
from shelfvision.protocols import Image
from shelfvision.regions._regions import Regions

__all__ = ["HasCorners", "regions_of", "with_crop_rule"]


def with_crop_rule(
    preprocessing: Preprocessing, *, context: SupportsFloat | None, shape: CropShape | None
) -> Preprocessing:
    """Return the preprocessing with another crop rule; None keeps the current value."""
    return replace(
        preprocessing,
        context=preprocessing.context if context is None else cast("float", context),
        shape=preprocessing.shape if shape is None else shape,
    )


def regions_of(
    photo: Photo,
    boxes: object,
    preprocessing: Preprocessing,
    predict: Callable[[Iterator[Image]], Predictions],
    *,
    as_stored: bool | None,
) -> Regions:
    """Return the predictions for the boxes in a photo."""
    found = as_boxes(boxes)
    whole = whole_photo(photo)
    found = upright(found, whole.orientation, whole.image_size, as_stored=as_stored)
    windows = windows_of(found, whole.image_size, preprocessing)
    predictions = predict(crops_of(whole.pixels, windows, preprocessing))
    named = Predictions(
        predictions.probabilities,
        predictions.class_names,
        [f"{whole.name}#{row}" for row in range(len(found))],
        decisions=list(predictions.decisions),
        class_prior=predictions.class_prior,
    )
    return Regions(named, found, whole.origin)
