"""Crop the boxes of a photo and resize the crops to the model input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from shelfvision._photos.decode import fit_rgb, resize_image
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._photos.threads import in_threads
from shelfvision._validation import received
from shelfvision.boxes._checking import Corners
from shelfvision.boxes.box_list import Boxes
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Image, Images

Windows: TypeAlias = npt.NDArray[np.int64]
"""Left, top, right and bottom in integer pixels inside the photo, shape (n, 4)."""
ROUNDING = 0.0075
"""The largest rounding error of a box edge in pixels: six decimals at 10,000 pixels. The centre may
be off by 0.5 millionths, and half of the width by 0.25."""

_AT_ONCE = 256


def windows_of(boxes: Boxes, photo_size: tuple[int, int], preprocessing: Preprocessing) -> Windows:
    """Return the pixels to crop for each box, with context margin and crop shape applied."""
    require_inside(boxes, photo_size)
    return windows_in(boxes.corners, photo_size, preprocessing)


def windows_in(
    corners: Corners, photo_size: tuple[int, int], preprocessing: Preprocessing
) -> Windows:
    """Return the pixels to crop for corners in pixels that overlap the photo."""
    size = np.array(photo_size[::-1] * 2, dtype=np.float64)
    corners = settled(corners, photo_size).clip(0, size)
    corners = _widened(corners, preprocessing.context)
    if preprocessing.shape == "image":
        corners = _shaped(corners, preprocessing.image_size, photo_size)
    corners = corners.clip(0, size)
    # Include every pixel that the box touches, so that a crop is never empty.
    edges = [np.floor(corners[:, :2]), np.ceil(corners[:, 2:])]
    return np.concatenate(edges, axis=1).astype(np.int64)


def settled(corners: Corners, photo_size: tuple[int, int]) -> Corners:
    """Return corners where those within `ROUNDING` of a whole pixel are whole.

    YOLO files have six decimals of the photo's size, so a box of whole pixels comes back as 24.002
    pixels. Its crop would have one column more than the same box from COCO or PASCAL VOC. A box
    that would have no area inside the photo keeps its corners.
    """
    whole = corners.round()
    found = np.where(np.abs(corners - whole) <= ROUNDING, whole, corners)
    inside = found.clip(0, np.array(photo_size[::-1] * 2))
    collapsed = (inside[:, 2:] <= inside[:, :2]).any(axis=1, keepdims=True)
    return np.where(collapsed, corners, found)


def crops_of(photo: Image, windows: Windows, preprocessing: Preprocessing) -> Iterator[Image]:
    """Yield the crops, resized to `Preprocessing.read_size` in several threads."""
    for start in range(0, len(windows), _AT_ONCE):
        yield from cropped(photo, windows[start : start + _AT_ONCE], preprocessing)


def cropped(
    photo: Image | PillowImage.Image,
    windows: Windows,
    preprocessing: Preprocessing,
    *,
    workers: int | None = None,
) -> Images:
    """Return the crops as one array, resized to `Preprocessing.read_size`."""
    size, resize = preprocessing.read_size, preprocessing.resize
    crops = np.empty((len(windows), *size, 3), dtype=np.uint8)

    def fill(position: int) -> None:
        left, top, right, bottom = windows[position].tolist()
        if isinstance(photo, PillowImage.Image):
            crops[position] = fit_rgb(photo.crop((left, top, right, bottom)), size, resize)
        else:
            crop = photo[top:bottom, left:right]
            crops[position] = resize_image(crop, image_size=size, resize=resize)

    in_threads(fill, len(windows), workers=workers)
    return crops


def is_inside(boxes: Boxes, photo_size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return which boxes overlap the photo."""
    height, width = photo_size
    left, top, right, bottom = boxes.corners.T
    found: npt.NDArray[np.bool_] = (left < width) & (top < height) & (right > 0) & (bottom > 0)
    return found


def require_inside(boxes: Boxes, photo_size: tuple[int, int]) -> None:
    """Raise if a box does not overlap the photo, or if boxes seem to be relative."""
    height, width = photo_size
    outside = ~is_inside(boxes, photo_size)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InvalidParameterError(
            f"box {row}, {received(boxes.corners[row].tolist())}, must overlap the photo, which is "
            f"{width} x {height} pixels when upright; leave it out, or pass the photo that it "
            "belongs to",
            code="outside",
            parameter="boxes",
        )
    if len(boxes) and boxes.corners.max() <= 1 and min(photo_size) > 4:
        raise InvalidParameterError(
            "boxes must be in pixels, but all corners are at most 1, such as "
            f"{received(boxes.corners[0].tolist())} of box 0; pass Boxes(corners, relative=True) "
            "if they are relative to the photo's size",
            code="relative",
            parameter="boxes",
        )


def _widened(corners: Corners, context: float) -> Corners:
    margin = context * (corners[:, 2:] - corners[:, :2])
    return np.concatenate([corners[:, :2] - margin, corners[:, 2:] + margin], axis=1)


def _shaped(corners: Corners, image_size: tuple[int, int], photo_size: tuple[int, int]) -> Corners:
    """Widen boxes to the aspect ratio of the model input, and shift them into the photo."""
    sides = corners[:, 2:] - corners[:, :2]
    wanted = np.array(image_size[::-1], dtype=np.float64)
    sides = wanted * (sides / wanted).max(axis=1, keepdims=True)
    low = (corners[:, :2] + corners[:, 2:] - sides) / 2
    room = np.maximum(np.array(photo_size[::-1]) - sides, 0)
    low = np.clip(low, 0, room)
    return np.concatenate([low, low + sides], axis=1)
