"""Bilinear sampling with integers; the three colours of a pixel are lanes of one 64-bit word.

A pixel is a word of 64 bits: red, green, blue and 1, 16 bits each. One multiplication by a weight
scales all lanes, and because four weights sum to 256, no lane overflows into the next. The result
is the same on every machine.

Bilinear interpolation at a fraction (x, y) between four pixels is

``(1-x)(1-y) p00 + x(1-y) p01 + (1-x)y p10 + xy p11``.

With x and y in 256ths, at x = 64 and y = 0 between levels 100 and 200: the weights are 192, 64, 0
and 0, the sum is 192 * 100 + 64 * 200 = 32000, and (32000 + 128) >> 8 = 125. The lane holds at
most 256 * 255 + 128 < 65536.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision.augment.operations._tint import ColourMatrix, exact, tint
from shelfvision.protocols import Image

Matrix: TypeAlias = tuple[float, float, float, float, float, float, float, float, float]
"""A 3x3 matrix by rows."""

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

Fill: TypeAlias = Literal["reflect"] | Colour
"""The fill outside of the image: its mirrored edge, or one colour."""

_Reals: TypeAlias = npt.NDArray[np.float32]
_Wholes: TypeAlias = npt.NDArray[np.int32]
_Words: TypeAlias = npt.NDArray[np.uint64]
# The number of pixels per block; the arrays of a block fit into the processor cache.
_AT_ONCE = 1 << 14
_BORDER = 2


@final
class _Room:
    """Buffers for the intermediate arrays of one block of pixels.

    Each thread keeps one, because allocating memory of this size takes longer than the computation.
    Arrays that are needed at different times share memory.
    """

    __slots__ = (
        "colours",
        "padded",
        "places",
        "positions",
        "reals",
        "values",
        "weights",
        "words",
    )

    def __init__(self, pixels: int) -> None:
        self.reals = np.empty((3, pixels), dtype=np.float32)
        self.weights = self.reals.view(np.int32)
        self.colours = self.reals.reshape(pixels, 3)
        self.positions = np.empty((2, pixels), dtype=np.int32)
        self.places = np.empty(pixels, dtype=np.intp)
        self.words = np.empty((3, pixels), dtype=np.uint64)
        self.values = self.words[1:].reshape(-1).view(np.float32).reshape(pixels, 4)
        self.padded = np.empty(pixels, dtype=np.uint64)


_kept = threading.local()


def _room_for(pixels: int) -> _Room:
    if pixels > _AT_ONCE:
        return _Room(pixels)
    room: _Room | None = getattr(_kept, "room", None)
    if room is None:
        room = _kept.room = _Room(_AT_ONCE)
    return room


def sample(image: Image, back: Matrix, fill: Fill, colours: ColourMatrix | None = None) -> Image:
    """Return the image sampled where `back` says, and recoloured.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        The pixels; they are only read.
    back : tuple of 9 floats
        Maps where a pixel of the result is to where it comes from; the origin is the top left
        corner, and the centre of the first pixel is at a half. Its last number is 1.
    fill : "reflect" or (red, green, blue)
        What is there beyond the edges.
    colours : tuple of 12 floats, optional
        A change of colours, done last.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        A new array.
    """
    height, width = image.shape[:2]
    rows = max(1, _AT_ONCE // width)
    room = _room_for(min(rows, height) * width)
    padded = _padded(image, fill, room)
    ways = _ways(back, height, width)
    out = np.empty(image.shape, dtype=np.uint8)
    matrix = None if colours is None else exact(colours)
    for top in range(0, height, rows):
        part = out[top : top + rows]
        x, y = _positions(ways, fill, top, part.shape[:2], room)
        lanes = _blended(padded, x, y, room)
        if matrix is None:
            for channel in range(3):
                part[..., channel] = lanes[..., channel]
        else:
            values = room.values[: lanes.size // 4]
            np.copyto(values, lanes.reshape(-1, 4))
            tint(values, matrix, room.colours[: len(values)], part)
    return out


def recolour(image: Image, colours: ColourMatrix) -> Image:
    """Return the image with every colour changed by the matrix."""
    height, width = image.shape[:2]
    rows = max(1, _AT_ONCE // width)
    room = _room_for(min(rows, height) * width)
    out = np.empty(image.shape, dtype=np.uint8)
    matrix = exact(colours)
    for top in range(0, height, rows):
        part = image[top : top + rows]
        pixels = part.shape[0] * width
        values = room.values[:pixels].reshape(*part.shape[:2], 4)
        for channel in range(3):
            values[..., channel] = part[..., channel]
        values[..., 3] = 1
        tint(values.reshape(-1, 4), matrix, room.colours[:pixels], out[top : top + rows])
    return out


def _padded(image: Image, fill: Fill, room: _Room) -> _Words:
    """Return the image's pixels as words, in a border one pixel wide."""
    height, width = image.shape[0] + _BORDER, image.shape[1] + _BORDER
    pixels = height * width
    fits = pixels <= room.padded.size
    flat = room.padded[:pixels] if fits else np.empty(pixels, dtype=np.uint64)
    words = flat.reshape(height, width)
    lanes = flat.view(np.uint16).reshape(height, width, 4)
    for channel in range(3):
        lanes[1:-1, 1:-1, channel] = image[..., channel]
    lanes[1:-1, 1:-1, 3] = 1
    if fill == "reflect":
        words[1:-1, 0], words[1:-1, -1] = words[1:-1, 1], words[1:-1, -2]
        words[0], words[-1] = words[1], words[-2]
    else:
        word = np.array((*fill, 1), dtype=np.uint16).view(np.uint64)[0]
        words[0] = words[-1] = word
        words[:, 0] = words[:, -1] = word
    return words


@final
@dataclass(frozen=True, slots=True)
class _Way:
    """How to compute one source coordinate of a pixel (x, y), and its range."""

    line: tuple[float, float, float]
    """The factors of x, y and 1 in the numerator."""
    depth: tuple[float, float, float] | None
    """The factors of x, y and 1 in the denominator; None if it is 1."""
    length: int
    """The size of the image along this coordinate."""
    lowest: float
    """The smallest value of the coordinate."""
    highest: float
    """The largest value of the coordinate."""


def _ways(back: Matrix, height: int, width: int) -> tuple[_Way, _Way]:
    """Return how to compute both source coordinates."""
    a, b, c, d, e, f, g, h, i = back
    xs, ys = [], []
    for u in (0, width):
        for v in (0, height):
            depth = g * u + h * v + i
            xs.append((a * u + b * v + c) / depth)
            ys.append((d * u + e * v + f) / depth)
    tilt = (g, h, i) if g != 0 or h != 0 else None
    return (
        _Way((a, b, c), tilt, width, min(xs), max(xs)),
        _Way((d, e, f), tilt, height, min(ys), max(ys)),
    )


def _positions(
    ways: tuple[_Way, _Way], fill: Fill, top: int, shape: tuple[int, ...], room: _Room
) -> tuple[_Wholes, _Wholes]:
    """Return the source positions in the padded image of the pixels of some rows, in 256ths."""
    rows, width = shape
    right = np.arange(width, dtype=np.float32) + np.float32(0.5)
    down = (np.arange(top, top + rows, dtype=np.float32) + np.float32(0.5))[:, None]
    depth, reals, spare = (room.reals[place, : rows * width].reshape(shape) for place in range(3))
    if ways[0].depth is not None:
        _spread_out(ways[0].depth, 1, right, down, depth)
    x, y = (room.positions[place, : rows * width].reshape(shape) for place in range(2))
    for way, wholes in zip(ways, (x, y), strict=True):
        _spread_out(way.line, 256, right, down, reals)
        if way.depth is not None:
            reals /= depth
        _bring_inside(reals, way, fill, spare)
        # Half a pixel from edges to centers, one pixel for the border, and 0.5 for rounding.
        reals += np.float32(128.5)
        np.copyto(wholes, reals, casting="unsafe")
    return x, y


def _spread_out(
    line: tuple[float, float, float], scale: int, right: _Reals, down: _Reals, out: _Reals
) -> None:
    """Write the value of the line at each pixel into `out`."""
    start = down * np.float32(scale * line[1]) + np.float32(scale * line[2])
    np.add(right * np.float32(scale * line[0]), start, out=out)


def _bring_inside(reals: _Reals, way: _Way, fill: Fill, spare: _Reals) -> None:
    """Map positions outside of the image to positions with the same colour, within half a pixel."""
    length = 256 * way.length
    if fill != "reflect":
        np.clip(reals, -128, length + 128, out=reals)
        return
    if way.lowest < 0:
        np.abs(reals, out=reals)
    if max(-way.lowest, way.highest) > 2 * way.length:
        np.remainder(reals, np.float32(2 * length), out=reals)
    if max(-way.lowest, way.highest) > way.length:
        np.subtract(np.float32(2 * length), reals, out=spare)
        np.minimum(reals, spare, out=reals)


def _blended(padded: _Words, x: _Wholes, y: _Wholes, room: _Room) -> npt.NDArray[np.uint16]:
    """Return each pixel, blended from its four neighbours; `x` and `y` are overwritten."""
    shape, pixels, wide = x.shape, x.size, padded.shape[1]
    right, down, both = (room.weights[place, :pixels].reshape(shape) for place in range(3))
    total, weighed, factor = (room.words[place, :pixels].reshape(shape) for place in range(3))
    places = room.places[:pixels].reshape(shape)
    np.bitwise_and(x, 255, out=right)
    np.bitwise_and(y, 255, out=down)
    x >>= 8
    y >>= 8
    y *= wide
    y += x
    np.copyto(places, y)
    # The weights of the pixels to the right, below, and both; the first pixel gets the rest of 256.
    np.multiply(right, down, out=both)
    both += 128
    both >>= 8
    right -= both
    down -= both
    first = np.subtract(256, right, out=x)
    first -= down
    first -= both
    flat = padded.reshape(-1)
    total[:] = 0x0080_0080_0080_0080  # 0.5 in each lane, for rounding
    for step, weight in ((0, first), (1, right), (wide, down), (wide + 1, both)):
        # Beyond the last pixel all weights are 0.
        flat[step:].take(places, mode="clip", out=weighed)
        np.copyto(factor, weight, casting="unsafe")
        weighed *= factor
        total += weighed
    lanes = total.view(np.uint16).reshape(*shape, 4)
    lanes >>= 8
    return lanes
