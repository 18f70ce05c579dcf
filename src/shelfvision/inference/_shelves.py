"""Predict the products in a photo of a shelf: for given boxes, or as a map of tiles."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import SupportsFloat

import numpy as np
import numpy.typing as npt

from shelfvision._photos.given import Photo
from shelfvision._photos.preprocessing import CropShape
from shelfvision._validation import as_number
from shelfvision.inference._predicting import predict_photos
from shelfvision.inference.served import ServedModel
from shelfvision.predictions import ClassPrior, Thresholds
from shelfvision.regions import Regions, ShelfMap
from shelfvision.regions.predicting import regions_of, with_crop_rule
from shelfvision.regions.tiles import Tile, Tiling, map_of

_MIN_CONFIDENCE = 0.5
"""The default `min_confidence` of a cell if the classifier has no thresholds."""


def predict_regions(
    served: ServedModel,
    photo: Photo,
    boxes: object,
    *,
    context: SupportsFloat | None,
    shape: CropShape | None,
    as_stored: bool | None,
    min_confidence: SupportsFloat | None,
    class_prior: ClassPrior,
) -> Regions:
    """Return the predictions for the boxes in a photo."""
    return regions_of(
        photo,
        boxes,
        with_crop_rule(served.preprocessing, context=context, shape=shape),
        partial(predict_photos, served, class_prior=class_prior),
        as_stored=as_stored,
        min_confidence=min_confidence,
    )


def scan(
    served: ServedModel,
    photo: Photo,
    *,
    tile: Tile | None,
    overlap: SupportsFloat,
    scales: Iterable[SupportsFloat],
    min_confidence: SupportsFloat | None,
) -> ShelfMap:
    """Return the predictions for overlapping tiles of a photo as a map of cells."""
    least = None
    if min_confidence is not None:
        least = as_number("min_confidence", min_confidence, minimum=0, maximum=1)
    return map_of(
        photo,
        Tiling.of(tile, overlap, scales),
        preprocessing=served.preprocessing,
        predict=partial(predict_photos, served),
        decide=partial(_accepted, thresholds=served.decision_rule.thresholds, min_confidence=least),
    )


def _accepted(
    scores: npt.NDArray[np.float32], *, thresholds: Thresholds | None, min_confidence: float | None
) -> npt.NDArray[np.bool_]:
    if min_confidence is None and thresholds is not None:
        return np.asarray(thresholds.decide(scores) == "accept")
    least = _MIN_CONFIDENCE if min_confidence is None else min_confidence
    return np.asarray(scores.max(axis=1) >= least)
