"""One resampling of an image through one 3x3 matrix, however many movements it stands for."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures

from shelfvision.protocols import Image

Matrix: TypeAlias = tuple[float, float, float, float, float, float, float, float, float]
"""A 3x3 matrix by rows. It maps where a point was to where it goes; the origin is the image's
centre, x points right, y down, and a pixel is 1 wide."""

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

Fill: TypeAlias = Literal["reflect"] | Colour
"""What shows where the image does not reach: its mirrored edge, or one colour."""

IDENTITY: Matrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
_FLIPS: dict[Matrix, tuple[int, int]] = {
    (x, 0, 0, 0, y, 0, 0, 0, 1): (y, x) for x, y in ((-1, 1), (1, -1), (-1, -1))
}
# Beyond this many times the image's own pixels, mirrored margins cost more than they are worth.
_ROOMY = 12
_HORIZON = 0.05


def multiply(second: Matrix, first: Matrix) -> Matrix:
    """Return the matrix that does `first` and then `second`."""
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


def warp(image: Image, matrix: Matrix, fill: Fill) -> Image:
    """Return the image moved by the matrix, bilinear, of the same shape.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        The pixels; they are only read.
    matrix : tuple of 9 floats
        Where every point goes.
    fill : "reflect" or (red, green, blue)
        What shows where the image does not reach.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        The moved pixels; `image` itself where the matrix moves nothing.
    """
    if matrix == IDENTITY:
        return image
    if matrix in _FLIPS:
        down, right = _FLIPS[matrix]
        return image[::down, ::right]
    height, width = image.shape[:2]
    back = _sampling(matrix, height, width)
    if fill != "reflect":
        return _transform(image, back, (height, width), fill)
    left, top, right, bottom = _margins(back, height, width)
    if (height + top + bottom) * (width + left + right) > _ROOMY * height * width + 4096:
        return _gather(image, back)
    shifted = multiply((1, 0, left, 0, 1, top, 0, 0, 1), back)
    return _transform(mirrored(image, left, top, right, bottom), shifted, (height, width), None)


def _sampling(matrix: Matrix, height: int, width: int) -> Matrix:
    """Return the inverse, in coordinates from the top left corner, scaled so that its last is 1."""
    x, y = width / 2, height / 2
    back = multiply(
        (1, 0, x, 0, 1, y, 0, 0, 1), multiply(_inverse(matrix), (1, 0, -x, 0, 1, -y, 0, 0, 1))
    )
    depths = [back[6] * u + back[7] * v + back[8] for u in (0, width) for v in (0, height)]
    if min(depths) * back[8] <= 0 or min(map(abs, depths)) < _HORIZON * max(map(abs, depths)):
        # The horizon would cross the picture: keep the movement, leave out the tilt.
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


def _margins(back: Matrix, height: int, width: int) -> tuple[int, int, int, int]:
    """Return how far the samples reach past the left, top, right and bottom edge, in pixels."""
    xs, ys = [], []
    for u in (0, width):
        for v in (0, height):
            depth = back[6] * u + back[7] * v + back[8]
            xs.append((back[0] * u + back[1] * v + back[2]) / depth)
            ys.append((back[3] * u + back[4] * v + back[5]) / depth)
    return (
        max(0, math.ceil(-min(xs)) + 1),
        max(0, math.ceil(-min(ys)) + 1),
        max(0, math.ceil(max(xs) - width) + 1),
        max(0, math.ceil(max(ys) - height) + 1),
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


def _transform(image: Image, back: Matrix, size: tuple[int, int], fill: Colour | None) -> Image:
    """Sample with Pillow; both of its ways take pixel centres to be at a half."""
    flat = back[6] == 0 and back[7] == 0
    picture = Pictures.fromarray(image).transform(
        size[::-1],
        Pictures.Transform.AFFINE if flat else Pictures.Transform.PERSPECTIVE,
        back[:6] if flat else back[:8],
        Pictures.Resampling.BILINEAR,
        fillcolor=fill,
    )
    return np.asarray(picture)


def _gather(image: Image, back: Matrix) -> Image:
    """Sample from the endlessly mirrored image, in memory of the output's size."""
    height, width = image.shape[:2]
    x, y = np.arange(width) + 0.5, (np.arange(height) + 0.5)[:, None]
    depth = back[6] * x + back[7] * y + back[8]
    x, y = (
        (back[0] * x + back[1] * y + back[2]) / depth - 0.5,
        (back[3] * x + back[4] * y + back[5]) / depth - 0.5,
    )
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    total = np.zeros((height, width, 3))
    for down in (0, 1):
        for right in (0, 1):
            weight = np.abs(1 - down - (y - row)) * np.abs(1 - right - (x - column))
            pixels = image[_mirror_index(row + down, height), _mirror_index(column + right, width)]
            total += weight[:, :, None] * pixels
    return np.rint(total).astype(np.uint8)
