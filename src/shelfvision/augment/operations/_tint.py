"""Linear colour changes that are the same at each pixel: 3x4 matrices and their application.

A change of brightness, contrast, saturation or hue is a matrix M and an offset for the colour of a
pixel: ``new = M (red, green, blue) + offset``. Several changes are the product of their matrices.
So colours are computed and rounded once. Adding 10 and then doubling adds 20 to the double:

>>> ten_more = (1, 0, 0, 10, 0, 1, 0, 10, 0, 0, 1, 10)
>>> double = (2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0)
>>> tint_after(double, ten_more)[:4]
(2, 0, 0, 20)
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision.protocols import Image

ColourMatrix: TypeAlias = tuple[
    float, float, float, float, float, float, float, float, float, float, float, float
]
"""A 3x4 matrix by rows: new red, green and blue from old red, green, blue and 1."""

# A float32 represents integers of this many bits exactly.
_EXACT_BITS = 24


def tint_after(second: ColourMatrix, first: ColourMatrix) -> ColourMatrix:
    """Return the colour matrix that applies `first` and then `second`."""
    a, b, c, d, e, f, g, h, i, j, k, m = second
    r, s, t, p, u, v, w, q, x, y, z, o = first
    return (
        a * r + b * u + c * x,
        a * s + b * v + c * y,
        a * t + b * w + c * z,
        a * p + b * q + c * o + d,
        e * r + f * u + g * x,
        e * s + f * v + g * y,
        e * t + f * w + g * z,
        e * p + f * q + g * o + h,
        i * r + j * u + k * x,
        i * s + j * v + k * y,
        i * t + j * w + k * z,
        i * p + j * q + k * o + m,
    )


def exact(matrix: ColourMatrix) -> npt.NDArray[np.float32]:
    """Return the matrix for `tint`: four rows by three columns, rounded, with 0.5 added.

    Its numbers are multiples of one power of two, chosen so that products and sums with values from
    0 to 255 fit into the bits of a ``float32``. So no intermediate result is rounded, and the
    result does not depend on the library or the order of summation.
    """
    columns = [(*matrix[row : row + 3], matrix[row + 3] + 0.5) for row in (0, 4, 8)]
    largest = max(255 * (abs(r) + abs(g) + abs(b)) + abs(o) for r, g, b, o in columns)
    step = math.ldexp(1, math.frexp(largest)[1] + 1 - _EXACT_BITS)
    table = np.rint(np.array(columns).T / step) * step
    return np.ascontiguousarray(table, dtype=np.float32)


def tint(
    values: npt.NDArray[np.float32],
    matrix: npt.NDArray[np.float32],
    room: npt.NDArray[np.float32],
    out: Image,
) -> None:
    """Write the new colours of `values`, rows of red, green, blue and 1, into `out`.

    Parameters
    ----------
    values : ndarray of float32, shape (n, 4)
        Integers from 0 to 255, and 1.
    matrix : ndarray of float32, shape (4, 3)
        The result of `exact`.
    room : ndarray of float32, shape (n, 3)
        A buffer that is overwritten.
    out : ndarray of uint8, shape (height, width, 3), with n pixels
        The result, rounded half up and clipped to 0 to 255.
    """
    np.matmul(values, matrix, out=room)
    np.clip(room, 0, 255, out=room)
    np.copyto(out, room.reshape(out.shape), casting="unsafe")
