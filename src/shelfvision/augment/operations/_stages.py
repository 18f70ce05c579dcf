"""Stages of operations: `Move` and `Tint`, which can be merged, and `Touch`, which cannot."""

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
    """A geometric transformation of the whole image."""

    matrix: Matrix
    """The map from old to new positions."""
    fill: Fill = "reflect"
    """The fill outside of the image."""


@dataclass(frozen=True, slots=True)
class Tint:
    """A linear change of colours, the same at each pixel."""

    matrix: ColourMatrix
    """The map from old to new colours."""


@dataclass(frozen=True, slots=True)
class Touch:
    """Any other change of the pixels."""

    apply: Callable[[Image], Image]
    """Returns new pixels; it must not write into its input."""


Stage: TypeAlias = Move | Tint | Touch


def render(stages: Iterable[Stage], image: Image) -> Image:
    """Return the image after all stages; neighbouring stages of one kind become one pass.

    The next stage is requested only after the previous `Touch` is applied, so that all of them can
    use one random generator in a fixed order.
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
    """Return whether two moves can be merged into one resampling."""
    return tint is None and move.fill == following.fill


def _drawn(image: Image, move: Move | None, tint: Tint | None) -> Image:
    """Return the image after a move and a tint, in one pass."""
    if move is None and tint is None:
        return image
    matrix, fill = (IDENTITY, "reflect") if move is None else (move.matrix, move.fill)
    return warp(image, matrix, fill, None if tint is None else tint.matrix)


def _own(result: Image, image: Image) -> Image:
    """Return a contiguous, writeable array that does not share memory with `image`."""
    if (
        result.flags.writeable
        and result.flags.c_contiguous
        and not np.may_share_memory(result, image)
    ):
        return result
    return np.array(result, order="C")
