"""What operations are made of: movements and colour changes that merge, and touches that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image as Pictures

from shelfvision.augment._warp import Fill, Matrix, multiply, warp
from shelfvision.protocols import Image

ColourMatrix: TypeAlias = tuple[
    float, float, float, float, float, float, float, float, float, float, float, float
]
"""A 3x4 matrix by rows: new red, green and blue from old red, green, blue and 1."""


@dataclass(frozen=True, slots=True)
class Move:
    """A movement of the whole image."""

    matrix: Matrix
    """Where every point goes."""
    fill: Fill = "reflect"
    """What shows where the image does not reach."""


@dataclass(frozen=True, slots=True)
class Tint:
    """A change of every colour, the same at every pixel."""

    matrix: ColourMatrix
    """New colours from old."""


@dataclass(frozen=True, slots=True)
class Touch:
    """Anything else that happens to the pixels."""

    apply: Callable[[Image], Image]
    """Gives the new pixels; it must not write into the old ones."""


Stage: TypeAlias = Move | Tint | Touch


def render(stages: Iterable[Stage], image: Image) -> Image:
    """Return the image after all stages; neighbours of a kind are merged and done in one pass.

    Each stage is asked for only after the `Touch` before it is done, so that everything may draw
    from one generator in a fixed order.
    """
    pending: Move | Tint | None = None
    result = image
    for stage in stages:
        merged = None if pending is None else _merged(pending, stage)
        if merged is None:
            result = result if pending is None else _apply(pending, result)
            pending = None
            if isinstance(stage, Touch):
                result = stage.apply(result)
            else:
                pending = stage
        else:
            pending = merged
    result = result if pending is None else _apply(pending, result)
    return _own(result, image)


def _own(result: Image, image: Image) -> Image:
    """Return a contiguous, writable array that is not the caller's image."""
    if (
        result.flags.writeable
        and result.flags.c_contiguous
        and not np.may_share_memory(result, image)
    ):
        return result
    return np.array(result, order="C")


def _merged(first: Move | Tint, second: Stage) -> Move | Tint | None:
    if isinstance(first, Move) and isinstance(second, Move) and first.fill == second.fill:
        return Move(multiply(second.matrix, first.matrix), first.fill)
    if isinstance(first, Tint) and isinstance(second, Tint):
        return Tint(tint_after(second.matrix, first.matrix))
    return None


def _apply(stage: Move | Tint, image: Image) -> Image:
    if isinstance(stage, Move):
        return warp(image, stage.matrix, stage.fill)
    picture = Pictures.fromarray(np.ascontiguousarray(image))
    return np.asarray(picture.convert("RGB", stage.matrix))


def tint_after(second: ColourMatrix, first: ColourMatrix) -> ColourMatrix:
    """Return the colour matrix that does `first` and then `second`."""
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
