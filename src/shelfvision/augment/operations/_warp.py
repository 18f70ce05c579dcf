"""Resample an image once by one 3x3 matrix, for any number of transformations.

A transformation maps a point p to M p in homogeneous coordinates (R. Szeliski, "Computer Vision:
Algorithms and Applications", 2010, section 2.1.2): rotation, shift, zoom, shear and perspective
are one matrix each. Several transformations are the product of their matrices, so the image is
sampled, and blurred, once. Sampling is an inverse warp (section 3.6.1): for each pixel of the
result, the inverse matrix gives its position in the image.

>>> quarter = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
>>> multiply(quarter, quarter)[:5]
(-1.0, 0.0, 0.0, 0.0, -1.0)

``tests/augment/test_warp.py`` compares this module with a simple implementation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfvision.augment.operations._sampling import Colour, Fill, Matrix, recolour, sample
from shelfvision.augment.operations._tint import ColourMatrix
from shelfvision.protocols import Image

__all__ = ["IDENTITY", "Colour", "Fill", "Matrix", "mirrored", "multiply", "warp"]

# A matrix maps old to new positions. The origin is the center of the image, x points right, y
# points down, and the width of a pixel is 1.
IDENTITY: Matrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
_FLIPS: dict[Matrix, tuple[int, int]] = {
    (x, 0, 0, 0, y, 0, 0, 0, 1): (y, x) for x, y in ((-1, 1), (1, -1), (-1, -1))
}
_HORIZON = 0.05


def multiply(second: Matrix, first: Matrix) -> Matrix:
    """Return the matrix that applies `first` and then `second`."""
    a, b, c, d, e, f, g, h, i = second
    r, s, t, u, v, w, x, y, z = first
    return (
        a * r + b * u + c * x,
        a * s + b * v + c * y,
        a * t + b * w + c * z,
        d * r + e * u + f * x,
        d * s + e * v + f * y,
        d * t + e * w + f * z,
        g * r + h * u + i * x,
        g * s + h * v + i * y,
        g * t + h * w + i * z,
    )


def warp(image: Image, matrix: Matrix, fill: Fill, colours: ColourMatrix | None = None) -> Image:
    """Return the image transformed by the matrix (bilinear, same shape) and then recoloured.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        The pixels; they are not changed.
    matrix : tuple of 9 floats
        The map from old to new positions.
    fill : "reflect" or (red, green, blue)
        The fill outside of the image.
    colours : tuple of 12 floats, optional
        A colour change, applied last.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The new pixels; `image` itself or a view of it if no resampling or recolouring is needed.
    """
    if matrix != IDENTITY and matrix not in _FLIPS:
        return sample(image, _sampling(matrix, image.shape[0], image.shape[1]), fill, colours)
    down, right = _FLIPS.get(matrix, (1, 1))
    flipped = image if matrix == IDENTITY else image[::down, ::right]
    return flipped if colours is None else recolour(flipped, colours)


def _sampling(matrix: Matrix, height: int, width: int) -> Matrix:
    """Return the inverse in coordinates from the top left corner, scaled so that the last is 1."""
    x, y = width / 2, height / 2
    back = multiply(
        (1, 0, x, 0, 1, y, 0, 0, 1), multiply(_inverse(matrix), (1, 0, -x, 0, 1, -y, 0, 0, 1))
    )
    depths = [back[6] * u + back[7] * v + back[8] for u in (0, width) for v in (0, height)]
    if min(depths) * back[8] <= 0 or min(map(abs, depths)) < _HORIZON * max(map(abs, depths)):
        # The horizon would be inside the image: keep the affine part, leave out the perspective.
        flat = (*matrix[:6], 0.0, 0.0, matrix[8])
        return _sampling(flat, height, width)
    return _scaled(back, 1 / back[8])


def _inverse(m: Matrix) -> Matrix:
    a, b, c, d, e, f, g, h, i = m
    adjugate = (
        e * i - f * h,
        c * h - b * i,
        b * f - c * e,
        f * g - d * i,
        a * i - c * g,
        c * d - a * f,
        d * h - e * g,
        b * g - a * h,
        a * e - b * d,
    )
    return _scaled(adjugate, 1 / (a * adjugate[0] + b * adjugate[3] + c * adjugate[6]))


def _scaled(m: Matrix, factor: float) -> Matrix:
    a, b, c, d, e, f, g, h, i = m
    return (
        a * factor,
        b * factor,
        c * factor,
        d * factor,
        e * factor,
        f * factor,
        g * factor,
        h * factor,
        i * factor,
    )


def mirrored(image: Image, left: int, top: int, right: int, bottom: int) -> Image:
    """Return the image with mirrored margins; the edge pixel is repeated."""
    height, width = image.shape[:2]
    if max(left, right) > width or max(top, bottom) > height:
        rows = _mirror_index(np.arange(-top, height + bottom), height)
        columns = _mirror_index(np.arange(-left, width + right), width)
        return image[rows[:, None], columns]
    out = np.empty((height + top + bottom, width + left + right, 3), dtype=np.uint8)
    inner = out[top : top + height]
    inner[:, left : left + width] = image
    inner[:, :left] = image[:, :left][:, ::-1]
    inner[:, left + width :] = image[:, width - right :][:, ::-1]
    out[:top] = inner[:top][::-1]
    out[top + height :] = inner[height - bottom :][::-1]
    return out


def _mirror_index(index: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    folded = index % (2 * size)
    return np.minimum(folded, 2 * size - 1 - folded)
