"""Show the boxes of photos with their surroundings on a review page."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.errors import PhotoError
from shelfvision.protocols import Image
from shelfvision.review.page import ReadPhoto, ReviewPhoto

_SURROUNDINGS = 0.75
"""The margin around a box, as a share of its longer side: a person sees its neighbours."""

_KEPT = 4
"""The number of decoded photos that are kept at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxesInPhoto:
    """The boxes of one photo, in pixels of the upright photo."""

    corners: npt.NDArray[np.float64]
    """Left, top, right and bottom, shape (n, 4)."""
    photo: Callable[[], Image]
    """Reads the photo."""


def surroundings_of(photos: Sequence[BoxesInPhoto]) -> ReadPhoto:
    """Return a function that reads the picture of each box, counted over all photos.

    A few decoded photos are kept, so that neighbouring rows decode a photo once.

    Raises
    ------
    PhotoError
        None of the photos can be read.
    """
    places = [(number, box) for number, one in enumerate(photos) for box in one.corners]
    lock = threading.Lock()

    @functools.lru_cache(maxsize=_KEPT)
    def decoded(number: int) -> Image | str:
        try:
            return photos[number].photo()
        except PhotoError as error:
            return str(error)

    def read(row: int, _: int) -> ReviewPhoto:
        number, box = places[row]
        # Without the lock, several threads decode the same photo.
        with lock:
            found = decoded(number)
        return ReviewPhoto(error=found) if isinstance(found, str) else _around(found, box)

    if photos and all(isinstance(decoded(number), str) for number in range(len(photos))):
        photos[0].photo()
    return read


def _around(photo: Image, corners: npt.NDArray[np.float64]) -> ReviewPhoto:
    """Return the surroundings of a box, with the box relative to them."""
    size = np.array(photo.shape[1::-1], dtype=np.float64)
    low, high = corners[:2].clip(0, size), corners[2:].clip(0, size)
    margin = _SURROUNDINGS * float((high - low).max())
    start = np.floor((low - margin).clip(0)).astype(np.int64)
    end = np.ceil((high + margin).clip(None, size)).astype(np.int64)
    wide = (end - start).astype(np.float64)
    left, top = ((low - start) / wide).tolist()
    right, bottom = ((high - start) / wide).tolist()
    pixels = photo[start[1] : end[1], start[0] : end[0]].copy()
    return ReviewPhoto(pixels=pixels, box=(left, top, right, bottom))
