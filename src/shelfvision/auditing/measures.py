"""Measures of one photo: its blur and the distribution of its light.

The blur is that of Crete et al. (2007). Blurring a sharp photo once more removes most of its
detail; a blurred photo has little detail to lose. The differences of neighbouring pixels are summed
before and after a blur over 11 pixels, and the share that remains is the result.

>>> rng = np.random.default_rng(0)
>>> sharp = rng.uniform(0, 255, (64, 64))
>>> smooth = np.add.outer(np.arange(64.0), np.arange(64.0))
>>> round(blur_of(sharp), 1), round(blur_of(smooth), 1)
(0.1, 1.0)

`outlyingness` finds photos that differ from the others. It measures with the median and the median
absolute deviation, which a few odd photos hardly move (Iglewicz and Hoaglin 1993, modified
z-scores):

>>> outlyingness(np.array([9.0, 10.0, 11.0, 90.0]), floor=0.1).round(1).tolist()
[-1.0, -0.3, 0.3, 53.6]

References
----------
F. Crete, T. Dolmiere, P. Ladret, M. Nicolas, "The blur effect: perception and estimation with a new
no-reference perceptual blur metric", Human Vision and Electronic Imaging XII (2007). B. Iglewicz,
D. Hoaglin, "How to detect and handle outliers", 1993.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shelfvision.protocols import Image

# In thousandths as integers: their sums are exact and independent of the order of addition.
_GREY = np.array([299.0, 587.0, 114.0])
# Sums of floats are rounded before they are compared, because their last digits depend on the
# processor.
DIGITS = 9
# skimage ignores a frame of two pixels; below this size, no pixels remain.
_SMALLEST = 4


class Measures(NamedTuple):
    """The measures of a photo."""

    blur: float
    """0 is sharp, 1 has no detail at all."""
    mean: float
    """The mean grey level, 0 to 255."""
    dark: float
    """The grey level below which 5 % of the pixels are."""
    bright: float
    """The grey level above which 5 % of the pixels are."""


def measures_of(image: Image) -> Measures:
    """Measure a photo of any size."""
    grey = image.astype(np.float64) @ _GREY
    dark, bright = np.percentile(grey, (5, 95)) / 1000
    return Measures(blur_of(grey / 1000), float(grey.mean() / 1000), float(dark), float(bright))


def spread_of(image: Image) -> float:
    """Return the standard deviation of the colour that varies most, in levels."""
    levels = image.reshape(-1, 3).astype(np.int64)
    n = len(levels)
    # Integers until the last step.
    squares = n * (levels**2).sum(axis=0) - levels.sum(axis=0) ** 2
    return float(np.sqrt(squares.max()) / n)


def blur_of(grey: npt.NDArray[np.float64]) -> float:
    """Return the blur of a photo: the share of detail that remains after blurring again, 0 to 1.

    Unlike the variance of the Laplacian, it is independent of contrast and light. The larger value
    of the two directions counts, so that motion blur is detected.
    """
    if min(grey.shape) < _SMALLEST:
        return 0.0
    from skimage import measure

    blur_effect: Callable[[npt.NDArray[np.floating]], float] = measure.blur_effect
    with np.errstate(invalid="ignore"):
        blur = float(blur_effect(grey / 255))
    # Older releases of skimage divide zero by zero for a photo without detail.
    return 1.0 if np.isnan(blur) else round(blur, DIGITS)


def outlyingness(values: npt.NDArray[np.float64], *, floor: float) -> npt.NDArray[np.float64]:
    """Return the distance of each value from the median in robust standard deviations.

    The deviation is 1.4826 times the median absolute deviation, and never less than `floor`.
    """
    if not len(values):
        return values
    centre = float(np.median(values))
    scale = max(1.4826 * float(np.median(np.abs(values - centre))), floor)
    return np.asarray(((values - centre) / scale).round(DIGITS))
