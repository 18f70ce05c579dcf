"""Measures of the quality of photos: brightness, contrast, sharpness and color.

The measures are taken from the pixels of the network input, so they cost no second decoding and
describe what the network sees. Values of photos of another size or resize rule do not compare. Grey
levels and sharpness have the definitions of the audit of datasets: grey is 0.299 red + 0.587 green
+ 0.114 blue, and sharpness is 1 minus the blur of F. Crete, T. Dolmiere, P. Ladret, M. Nicolas,
"The blur effect: perception and estimation with a new no-reference perceptual blur metric" (2007).

Examples
--------
A black photo with a white half has a mean level of 127.5 and the full contrast:

>>> photo = np.zeros((1, 32, 32, 3), np.uint8)
>>> photo[:, :, 16:] = 255
>>> {name: column.tolist()[0] for name, column in quality_of(photo).items() if name != "sharpness"}
{'brightness': 127.5, 'contrast': 255.0, 'warmth': 0.0}
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from shelfvision._photos.threads import in_threads
from shelfvision.protocols import Image, Images

QUALITY: Final = ("brightness", "contrast", "sharpness", "warmth")
"""The names of the measures.

``"brightness"`` is the mean grey level, 0 to 255. ``"contrast"`` is the difference between the grey
levels below which 95 % and 5 % of the pixels are, 0 to 255. ``"sharpness"`` is 0 for a photo
without detail and 1 for the sharpest. ``"warmth"`` is the mean red level minus the mean blue level,
-255 to 255: yellow light makes it larger.
"""

_WINDOW = 11
_FRAME = 2


def quality_of(images: Images) -> dict[str, npt.NDArray[np.float32]]:
    """Return every measure of a batch of photos, each of shape (n,)."""
    found = np.zeros((len(images), len(QUALITY)), dtype=np.float32)

    def measure(row: int) -> None:
        found[row] = _measures(images[row])

    in_threads(measure, len(images))
    return {name: found[:, place] for place, name in enumerate(QUALITY)}


def _measures(image: Image) -> tuple[float, float, float, float]:
    red, green, blue = (image[:, :, channel].astype(np.int32) for channel in range(3))
    # Integers, so that sums do not depend on the processor.
    grey = 299 * red + 587 * green + 114 * blue
    dark, bright = np.percentile(grey.astype(np.float32), (5, 95)) / 1000
    sharp = 1 - _blur(grey.astype(np.float32) / np.float32(255_000))
    warmth = (int(red.sum()) - int(blue.sum())) / red.size
    return int(grey.sum(dtype=np.int64)) / red.size / 1000, float(bright - dark), sharp, warmth


def _blur(grey: npt.NDArray[np.float32]) -> float:
    """Return the share of detail that remains after blurring again, the larger of both axes."""
    from scipy.ndimage import uniform_filter1d

    if min(grey.shape) <= 2 * _FRAME:
        return 0.0
    blurs = []
    for axis in (0, 1):
        sharp = np.abs(_edges(grey, axis))
        lost = sharp - np.abs(_edges(uniform_filter1d(grey, _WINDOW, axis=axis), axis))
        total = float(sharp.sum(dtype=np.float64))
        kept = total - float(np.maximum(lost, 0, out=lost).sum(dtype=np.float64))
        blurs.append(kept / total if total > 0 else 1.0)
    return max(blurs)


def _edges(grey: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """Return Sobel's derivative along an axis, without a frame of two pixels."""
    across = grey if axis == 0 else grey.T
    steps = across[3:, 1:] - across[1:-2, 1:]
    smooth = steps[:, :-2] + 2 * steps[:, 1:-1] + steps[:, 2:]
    found: npt.NDArray[np.float32] = smooth
    return found
