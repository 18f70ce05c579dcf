"""The fast warp does what a plain one does, pixel by pixel in real numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from shelfvision.augment.operations._tint import ColourMatrix
from shelfvision.augment.operations._warp import Fill, Matrix, multiply, warp
from shelfvision.protocols import Image


def warp_plainly(image: Image, matrix: Matrix, fill: Fill) -> Image:
    """Return the image moved by a matrix: inverse mapping and bilinear interpolation.

    A pixel of the result at p (from the image's centre, x to the right, y down) comes from
    ``M^-1 p``, in homogeneous coordinates. Its colour is the mean of the four pixels around that
    place, each weighted by ``(1 - |dx|) (1 - |dy|)``. Source: R. Szeliski, "Computer Vision:
    Algorithms and Applications" (2010), sections 2.1.2 and 3.6.1.
    """
    height, width = image.shape[:2]
    back = np.linalg.inv(np.array(matrix, dtype=np.float64).reshape(3, 3))
    out = np.empty(image.shape, dtype=np.uint8)
    for row in range(height):
        for column in range(width):
            x, y, depth = back @ (column + 0.5 - width / 2, row + 0.5 - height / 2, 1)
            place = y / depth + height / 2 - 0.5, x / depth + width / 2 - 0.5
            out[row, column] = _bilinear(image, *place, fill)
    return out


def _bilinear(image: Image, y: float, x: float, fill: Fill) -> Image:
    total = np.zeros(3)
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            weight = (1 - abs(y - row)) * (1 - abs(x - column))
            total += weight * np.asarray(_pixel(image, row, column, fill), dtype=np.float64)
    return np.rint(total).astype(np.uint8)


def _pixel(image: Image, row: int, column: int, fill: Fill) -> object:
    height, width = image.shape[:2]
    if fill != "reflect" and not (0 <= row < height and 0 <= column < width):
        return fill
    pixel: Image = image[_mirrored(row, height), _mirrored(column, width)]
    return pixel


def _mirrored(index: int, size: int) -> int:
    """Return the index in an endless row of mirror images: 0 1 2 2 1 0 0 1 2 for a size of 3."""
    folded = index % (2 * size)
    return min(folded, 2 * size - 1 - folded)


def recolour_plainly(image: Image, colours: ColourMatrix) -> Image:
    matrix = np.array(colours).reshape(3, 4)
    values = image.astype(np.float64) @ matrix[:, :3].T + matrix[:, 3]
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)


def photo(height: int, width: int) -> Image:
    """Return a smooth image with an edge; noise would leave no difference to be seen."""
    down, right = np.mgrid[:height, :width]
    channels = [128 + 100 * np.sin(down / k + right / 7) for k in (3, 5, 9)]
    image = np.stack(channels, axis=-1).astype(np.uint8)
    image[height // 3 : height // 2, width // 4 :] //= 3
    return image


MATRICES: list[Matrix] = [
    (0.9, 0.3, 4, -0.2, 1.1, -3, 0, 0, 1),
    (0.9, 0.3, 4, -0.2, 1.1, -3, 0.002, -0.003, 1),
    (0.2, 0.05, 9, 0, 0.25, -40, 0, 0.001, 1),
    (4, 1, 0, 0, 5, 0, 0, 0, 1),
    (1, 0, 0.5, 0, 1, 0.25, 0, 0, 1),
    multiply((1, 0, 300, 0, 1, -200, 0, 0, 1), (0.5, 0, 0, 0, 0.5, 0, 0, 0, 1)),
]


@pytest.mark.parametrize("fill", ["reflect", (10, 200, 60)])
@pytest.mark.parametrize("matrix", MATRICES)
def test_the_warp_is_as_good_as_a_plain_one(matrix: Matrix, fill: Fill) -> None:
    image = photo(37, 45)
    difference = warp(image, matrix, fill).astype(int) - warp_plainly(image, matrix, fill)
    assert np.abs(difference).max() <= 2
    assert np.abs(difference).mean() < 0.3
    assert abs(difference.mean()) < 0.1


def test_large_images_are_sampled_in_pieces_that_fit_together() -> None:
    # 16,384 pixels are sampled at a time.
    image = photo(150, 130)
    matrix = (0.9, 0.3, 4, -0.2, 1.1, -3, 0.0002, -0.0003, 1)
    difference = warp(image, matrix, "reflect").astype(int) - warp_plainly(image, matrix, "reflect")
    assert np.abs(difference).max() <= 2
    moved = warp(image, (1, 0, 20, 0, 1, 0, 0, 0, 1), "reflect")
    assert_array_equal(moved[:, 20:], image[:, :-20])


def test_flips_and_the_identity_are_exact() -> None:
    image = photo(20, 31)
    for x, y in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        matrix = (x, 0, 0, 0, y, 0, 0, 0, 1)
        assert_array_equal(warp(image, matrix, "reflect"), warp_plainly(image, matrix, "reflect"))


@pytest.mark.parametrize("matrix", MATRICES[:2])
def test_colours_are_changed_after_the_movement(matrix: Matrix) -> None:
    image = photo(37, 45)
    colours = (1.2, 0.1, 0, -20, 0, 0.7, 0.2, 5, 0.1, 0, 0.9, 0)
    moved = warp(image, matrix, "reflect")
    expected = recolour_plainly(moved, colours).astype(int)
    assert np.abs(warp(image, matrix, "reflect", colours) - expected).max() <= 1
