"""Convert photos to the input of a detector, and map boxes back to the photo.

Each detector expects the resizing that it was trained with:

- YOLO: the photo is scaled by one factor until it fits, and centered on grey 114 (letterboxing).
- RT-DETR and RF-DETR: the photo is stretched to the input size.

Ultralytics and RF-DETR resize bilinearly *without* antialiasing, with pixel centers at half
integers, as OpenCV's ``INTER_LINEAR`` does. The image processor of Hugging Face's RT-DETR uses
antialiasing, as Pillow does. A detector that was trained with one of them finds other boxes with
the other, so both are implemented.

A `Placement` contains the exact scale of each axis. A letterboxed photo has whole pixels, so its
two scales differ slightly: 4000 x 2999 pixels become 640 x 480, with the factors 640/4000 and
480/2999.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from shelfvision.protocols import Image

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.float32]

_GREY = 114
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The position of a photo in the input of a network."""

    scale: tuple[float, float]
    """Horizontal and vertical factor from photo to input."""
    offset: tuple[int, int]
    """Left and top margin in pixels of the input."""
    input_size: tuple[int, int]
    """Height and width of the input."""
    photo_size: tuple[int, int]
    """Height and width of the photo."""

    def to_photo(self, corners: Floats) -> Floats:
        """Convert boxes from pixels of the input to pixels of the photo, clipped to it."""
        moved = (corners - np.array(self.offset * 2)) / np.array(self.scale * 2)
        height, width = self.photo_size
        return np.asarray(moved.clip(0, (width, height, width, height)), dtype=np.float64)


def letterboxed(
    photo: Image, size: tuple[int, int], stride: int | None
) -> tuple[npt.NDArray[np.uint8], Placement]:
    """Scale a photo to fit a size and center it on grey.

    Parameters
    ----------
    photo : ndarray of uint8, shape (h, w, 3)
        The photo.
    size : tuple of int
        The largest height and width of the result.
    stride : int or None
        The number that the sides of the result are a multiple of, for a network that accepts every
        such size. None pads to the whole `size`.
    """
    height, width = photo.shape[:2]
    factor = min(size[0] / height, size[1] / width)
    fitted = max(1, round(height * factor)), max(1, round(width * factor))
    rest = size[0] - fitted[0], size[1] - fitted[1]
    if stride is not None:
        rest = rest[0] % stride, rest[1] % stride
    top, left = round(rest[0] / 2 - 0.1), round(rest[1] / 2 - 0.1)
    whole = fitted[0] + rest[0], fitted[1] + rest[1]
    pixels = np.full((*whole, 3), _GREY, dtype=np.uint8)
    pixels[top : top + fitted[0], left : left + fitted[1]] = _whole_levels(bilinear(photo, fitted))
    return pixels, Placement(
        scale=(fitted[1] / width, fitted[0] / height),
        offset=(left, top),
        input_size=whole,
        photo_size=(height, width),
    )


def stretched(photo: Image, size: tuple[int, int]) -> Placement:
    """Return the placement of a photo that fills the whole input."""
    height, width = photo.shape[:2]
    return Placement(
        scale=(size[1] / width, size[0] / height),
        offset=(0, 0),
        input_size=size,
        photo_size=(height, width),
    )


def bilinear(photo: Image, size: tuple[int, int]) -> Pixels:
    """Resize bilinearly without antialiasing; values stay 0 to 255."""
    above, below, down = _neighbours(photo.shape[0], size[0])
    left, right, across = _neighbours(photo.shape[1], size[1])
    down, across = down[:, None, None], across[None, :, None]
    # Reading both columns from both rows touches four pixels for each pixel of the result, not
    # the whole photo.
    upper = photo[above[:, None], left] * (1 - across) + photo[above[:, None], right] * across
    lower = photo[below[:, None], left] * (1 - across) + photo[below[:, None], right] * across
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float32)


def _neighbours(
    old: int, new: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the two old positions around each new one, and the weight of the second."""
    places = ((np.arange(new) + 0.5) * (old / new) - 0.5).clip(0, old - 1)
    first = np.floor(places).astype(np.int64)
    return first, np.minimum(first + 1, old - 1), (places - first).astype(np.float32)


def _whole_levels(pixels: Pixels) -> npt.NDArray[np.uint8]:
    return np.asarray(np.floor(pixels + 0.5), dtype=np.uint8)


def yolo_input(photo: Image, size: tuple[int, int], stride: int | None) -> tuple[Pixels, Placement]:
    """Return the input of a YOLO network, 0 to 1."""
    pixels, placement = letterboxed(photo, size, stride)
    return _planes(pixels.astype(np.float32) / 255), placement


def stretched_input(photo: Image, size: tuple[int, int]) -> tuple[Pixels, Placement]:
    """Return the input of Ultralytics' RT-DETR, 0 to 1."""
    pixels = _whole_levels(bilinear(photo, size)).astype(np.float32)
    return _planes(pixels / 255), stretched(photo, size)


def antialiased_input(photo: Image, size: tuple[int, int]) -> tuple[Pixels, Placement]:
    """Return the input of Hugging Face's RT-DETR, 0 to 1."""
    given = PillowImage.fromarray(photo)
    shrunk = given.resize((size[1], size[0]), PillowImage.Resampling.BILINEAR)
    return _planes(np.asarray(shrunk, dtype=np.float32) / 255), stretched(photo, size)


def normalized_input(photo: Image, size: tuple[int, int]) -> tuple[Pixels, Placement]:
    """Return the input of RF-DETR, normalized by the mean and deviation of ImageNet."""
    pixels = bilinear(photo, size) / 255
    return _planes((pixels - _MEAN) / _STD), stretched(photo, size)


def _planes(pixels: npt.NDArray[np.floating]) -> Pixels:
    """Return a batch of one photo with the channels first, shape (1, 3, h, w)."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)
