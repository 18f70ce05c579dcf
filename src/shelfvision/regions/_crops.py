"""What is cut out of a photo for each box, and brought to the size that a classifier takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import resize_image
from shelfvision._photos.threads import in_threads
from shelfvision._validation import received
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Image, Resize
from shelfvision.regions._boxes import Boxes
from shelfvision.regions._checking import Corners

Windows: TypeAlias = npt.NDArray[np.int64]
"""Left, top, right, bottom in whole pixels inside the photo, shape (n, 4)."""
CropShape: TypeAlias = Literal["box", "image"]
"""What is cut out: the box, or more around it, in the shape of the classifier's image."""

_AT_ONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """How crops are cut out and brought to a size."""

    image_size: tuple[int, int]
    """Height and width that crops are brought to."""
    resize: Resize
    """How crops of another shape get there."""
    context: float = 0.0
    """The share of a box's width and height that is added on every side."""
    shape: CropShape = "box"
    """What is cut out."""

    def windows(self, boxes: Boxes, photo_size: tuple[int, int]) -> Windows:
        """Return what is cut out of a photo for boxes in its pixels."""
        require_inside(boxes, photo_size)
        size = np.array(photo_size[::-1] * 2, dtype=np.float64)
        corners = boxes.corners.clip(0, size)
        corners = _widened(corners, self.context)
        if self.shape == "image":
            corners = _shaped(corners, self.image_size, photo_size)
        corners = corners.clip(0, size)
        # Every pixel that is touched, so that a crop is never empty.
        edges = [np.floor(corners[:, :2]), np.ceil(corners[:, 2:])]
        return np.concatenate(edges, axis=1).astype(np.int64)

    def crops(self, photo: Image, windows: Windows) -> Iterator[Image]:
        """Yield the crops, brought to size by a few threads."""
        for start in range(0, len(windows), _AT_ONCE):
            yield from self._cut(photo, windows[start : start + _AT_ONCE])

    def _cut(self, photo: Image, windows: Windows) -> npt.NDArray[np.uint8]:
        crops = np.empty((len(windows), *self.image_size, 3), dtype=np.uint8)

        def fill(position: int) -> None:
            left, top, right, bottom = windows[position]
            crop = photo[top:bottom, left:right]
            crops[position] = resize_image(crop, image_size=self.image_size, resize=self.resize)

        in_threads(fill, len(windows))
        return crops


def require_inside(boxes: Boxes, photo_size: tuple[int, int]) -> None:
    """Refuse boxes that have nothing of the photo in them."""
    height, width = photo_size
    left, top, right, bottom = boxes.corners.T
    outside = (left >= width) | (top >= height) | (right <= 0) | (bottom <= 0)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InvalidParameterError(
            f"box {row}, {received(boxes.corners[row].tolist())}, lies outside the photo, which is "
            f"{width} x {height} pixels when upright; leave it out, or give the photo that it "
            "belongs to",
            code="outside",
            parameter="boxes",
        )
    if len(boxes) and boxes.corners.max() <= 1 and min(photo_size) > 4:
        raise InvalidParameterError(
            f"all boxes lie within the first pixel, such as {received(boxes.corners[0].tolist())} "
            "in box 0, so they seem to be shares of the photo's size; pass Boxes(corners, "
            "relative=True)",
            code="relative",
            parameter="boxes",
        )


def _widened(corners: Corners, context: float) -> Corners:
    margin = context * (corners[:, 2:] - corners[:, :2])
    return np.concatenate([corners[:, :2] - margin, corners[:, 2:] + margin], axis=1)


def _shaped(corners: Corners, image_size: tuple[int, int], photo_size: tuple[int, int]) -> Corners:
    """Widen boxes to the shape of an image, moved into the photo where they stick out."""
    sides = corners[:, 2:] - corners[:, :2]
    wanted = np.array(image_size[::-1], dtype=np.float64)
    sides = wanted * (sides / wanted).max(axis=1, keepdims=True)
    low = (corners[:, :2] + corners[:, 2:] - sides) / 2
    room = np.maximum(np.array(photo_size[::-1]) - sides, 0)
    low = np.clip(low, 0, room)
    return np.concatenate([low, low + sides], axis=1)
