"""What operations are made of: movements and colour changes that merge, and touches that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from shelfvision.augment.operations._tint import ColourMatrix, tint_after
from shelfvision.augment.operations._warp import IDENTITY, Fill, Matrix, multiply, warp
from shelfvision.protocols import Image


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
    result = image
    move: Move | None = None
    tint: Tint | None = None
    for stage in stages:
        if isinstance(stage, Tint):
            tint = stage if tint is None else Tint(tint_after(stage.matrix, tint.matrix))
        elif isinstance(stage, Move) and move is None and tint is None:
            move = stage
        elif isinstance(stage, Move) and move is not None and _merge(move, tint, stage):
            move = Move(multiply(stage.matrix, move.matrix), move.fill)
        else:
            result = _drawn(result, move, tint)
            move, tint = (stage, None) if isinstance(stage, Move) else (None, None)
            if isinstance(stage, Touch):
                result = stage.apply(result)
    return _own(_drawn(result, move, tint), image)


def _merge(move: Move, tint: Tint | None, following: Move) -> bool:
    """Tell whether one sampling does for both movements."""
    return tint is None and move.fill == following.fill


def _drawn(image: Image, move: Move | None, tint: Tint | None) -> Image:
    """Return the image moved and then recoloured, in one pass."""
    if move is None and tint is None:
        return image
    matrix, fill = (IDENTITY, "reflect") if move is None else (move.matrix, move.fill)
    return warp(image, matrix, fill, None if tint is None else tint.matrix)


def _own(result: Image, image: Image) -> Image:
    """Return a contiguous, writable array that is not the caller's image."""
    if (
        result.flags.writeable
        and result.flags.c_contiguous
        and not np.may_share_memory(result, image)
    ):
        return result
    return np.array(result, order="C")
