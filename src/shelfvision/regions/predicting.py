"""The implementation of `predict_regions`: crop the boxes of a photo and predict the crops.

`Classifier`, `Gallery` and `Predictor` pass a function that predicts a stream of images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol, SupportsFloat, cast

from shelfvision._photos.given import Photo
from shelfvision._photos.preprocessing import CropShape, Preprocessing
from shelfvision.boxes import Boxes
from shelfvision.boxes.box_list import HasCorners, as_boxes
from shelfvision.boxes.crops import crops_of, windows_of
from shelfvision.boxes.orientation import upright
from shelfvision.boxes.whole_photo import WholePhoto, whole_photo
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions import Predictions
from shelfvision.protocols import Image
from shelfvision.regions._regions import Regions

__all__ = ["BoxDetector", "HasCorners", "regions_of", "with_crop_rule"]


class BoxDetector(Protocol):
    """An object that finds boxes in a photo, such as `shelfvision.export.Detector`."""

    def detect(self, photo: Image) -> Boxes | HasCorners:
        """Return the boxes of products.

        Parameters
        ----------
        photo : ndarray of uint8, shape (height, width, 3)
            The RGB pixels of the upright photo. They must not be changed.

        Returns
        -------
        Boxes or supervision.Detections
            The boxes in pixels of this photo.
        """
        ...


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
    min_confidence: SupportsFloat | None = None,
) -> Regions:
    """Return the predictions for the boxes in a photo."""
    if hasattr(boxes, "detect"):
        whole = whole_photo(photo)
        found = _detected(whole, cast("BoxDetector", boxes), as_stored=as_stored)
    else:
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
    regions = Regions(named, found, whole.origin)
    return regions if min_confidence is None else regions.with_min_confidence(min_confidence)


def _detected(whole: WholePhoto, detector: BoxDetector, *, as_stored: bool | None) -> Boxes:
    """Return the boxes that a detector finds in the upright pixels of a photo."""
    if as_stored is not None:
        raise InvalidParameterError(
            f"as_stored must be left out with a detector, got {as_stored}, because a detector gets "
            "the upright photo; leave it out",
            code="conflict",
            parameter="as_stored",
        )
    return as_boxes(detector.detect(whole.pixels)).in_pixels(whole.image_size)
