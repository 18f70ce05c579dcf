"""Convert decoded images of any mode to RGB in horizontal bands, to save memory.

Pillow stores a pixel of RGB, RGBA, CMYK or LA in 4 bytes, and a pixel of L or P in 1. Converting a
whole image with a mask needs memory for four such images; converting bands needs one, the result.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from shelfvision.protocols import Image

BACKGROUND = (255, 255, 255)
"""What shows through transparent pixels and fills the margins of ``resize="pad"``: white."""

# A band of this size fits into the processor cache.
_BAND_PIXELS = 1 << 16
_TRANSPARENT = frozenset(("LA", "PA", "RGBA", "La", "RGBa"))
# 16 bits to 8 bits, rounded.
_TO_8_BITS = ((np.arange(65536, dtype=np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def as_rgb(photo: PillowImage.Image) -> PillowImage.Image:
    """Return a photo in RGB, transparent pixels over white; close the photo if it is converted.

    Parameters
    ----------
    photo : PIL.Image.Image
        An image in any mode of JPEG, PNG, WebP and HEIC files.

    Returns
    -------
    PIL.Image.Image
        The photo in RGB; the same object if it was RGB already.
    """
    photo.load()
    if photo.mode == "RGB" and "transparency" not in photo.info:
        return photo
    if photo.width * photo.height <= _BAND_PIXELS:
        return _converted(photo)
    rgb = PillowImage.new("RGB", photo.size)
    for top, bottom in _bands(photo.size):
        rgb.paste(_converted(photo.crop((0, top, photo.width, bottom))), (0, top))
    photo.close()
    return rgb


def rgb_array(rgb: PillowImage.Image) -> Image:
    """Return the pixels of an RGB image as a writeable array.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        RGB pixels, 0 to 255.
    """
    width, height = rgb.size
    if width * height <= _BAND_PIXELS:
        return np.array(rgb)
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    for top, bottom in _bands(rgb.size):
        pixels[top:bottom] = np.asarray(rgb.crop((0, top, width, bottom)))
    return pixels


def _bands(size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the first row and the end row (exclusive) of each band, from top to bottom."""
    width, height = size
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        yield top, min(height, top + rows)


def _converted(photo: PillowImage.Image) -> PillowImage.Image:
    if photo.mode.startswith("I"):
        return _from_16_bit(photo).convert("RGB")
    if photo.mode in _TRANSPARENT or "transparency" in photo.info:
        rgba = photo.convert("RGBA")
        opaque = PillowImage.new("RGB", rgba.size, BACKGROUND)
        opaque.paste(rgba, mask=rgba.getchannel("A"))
        return opaque
    return photo.convert("RGB")


def _from_16_bit(photo: PillowImage.Image) -> PillowImage.Image:
    wide: npt.NDArray[np.integer] = np.asarray(photo)
    if wide.dtype != np.uint16:
        wide = np.clip(wide, 0, 65535)
    return PillowImage.fromarray(_TO_8_BITS[wide])
