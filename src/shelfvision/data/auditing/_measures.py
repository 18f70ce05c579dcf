"""Measures of one photo: how blurred it is, and how its light is spread."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from shelfvision.protocols import Image

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_WINDOW = 9


class Measures(NamedTuple):
    """What is measured of a photo."""

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
    grey = image.astype(np.float32) @ _GREY
    dark, bright = np.percentile(grey, (5, 95))
    return Measures(blur_of(grey), float(grey.mean()), float(dark), float(bright))


def blur_of(grey: npt.NDArray[np.float32]) -> float:
    """Return how little of a photo's detail blurring it again would take away, 0 to 1.

    It is the measure of F. Crété et al., "The blur effect", SPIE 6492 (2007): unlike the variance
    of the Laplacian it depends on neither contrast nor light. The worse of the two directions
    counts, so that motion blur is seen.
    """
    return max(_blur_along(grey), _blur_along(grey.T))


def _blur_along(grey: npt.NDArray[np.float32]) -> float:
    if grey.shape[1] < 2:
        return 0.0
    before = np.abs(np.diff(grey, axis=1))
    after = np.abs(np.diff(_smoothed(grey), axis=1))
    total = float(before.sum())
    lost = float(np.maximum(before - after, 0).sum())
    return 1.0 - lost / total if total > 0 else 1.0


def _smoothed(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the mean over a window along each row."""
    half = _WINDOW // 2
    padded = np.pad(grey, ((0, 0), (half + 1, half)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float64)
    means = (sums[:, _WINDOW:] - sums[:, :-_WINDOW]) / _WINDOW
    return cast("npt.NDArray[np.float32]", means.astype(np.float32))


def outlyingness(values: npt.NDArray[np.float64], *, floor: float) -> npt.NDArray[np.float64]:
    """Return how many robust standard deviations each value is from the median.

    The deviation is 1.4826 times the median absolute deviation, and never less than `floor`, as
    in B. Iglewicz and D. Hoaglin, "How to detect and handle outliers" (1993).
    """
    if not len(values):
        return values
    centre = float(np.median(values))
    scale = max(1.4826 * float(np.median(np.abs(values - centre))), floor)
    return (values - centre) / scale
