"""A photo as a JPEG file within a number of bytes.

>>> import numpy as np
>>> noise = np.random.default_rng(0).integers(0, 256, (400, 300, 3), np.uint8)
>>> small, file = thumbnail(noise, side=320, most_bytes=20_000)
>>> small.shape, len(file) <= 20_000
((244, 183, 3), True)
"""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

from shelfvision._pages.html import jpeg_of
from shelfvision.protocols import Image

_SMALLEST_SIDE = 48


def thumbnail(pixels: Image, *, side: int, most_bytes: int) -> tuple[Image, bytes]:
    """Return a photo as large as it can be for a JPEG file of at most `most_bytes` bytes.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width, 3)
        The photo.
    side : int
        The maximum of height and width.
    most_bytes : int
        The maximum size of the file. 7,000 bytes are enough for the smallest thumbnail.

    Returns
    -------
    pixels : ndarray of uint8, shape (height, width, 3)
        The thumbnail before compression.
    file : bytes
        The JPEG file.
    """
    side = min(side, max(pixels.shape[:2]))
    while True:
        small = _within(pixels, side)
        file = jpeg_of(small)
        if len(file) > most_bytes:
            # A lower quality is less visible than fewer pixels, down to a point.
            file = jpeg_of(small, quality=60)
        if len(file) <= most_bytes or side <= _SMALLEST_SIDE:
            return small, file
        side = max(_SMALLEST_SIDE, int(side * min(0.9, (most_bytes / len(file)) ** 0.5)))


def _within(pixels: Image, side: int) -> Image:
    scale = side / max(pixels.shape[:2])
    height, width = (max(1, round(edge * scale)) for edge in pixels.shape[:2])
    if (height, width) == pixels.shape[:2]:
        return pixels
    small = PillowImage.fromarray(pixels).resize((width, height), PillowImage.Resampling.BOX)
    return np.asarray(small, dtype=np.uint8)
