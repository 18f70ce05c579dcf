"""`Architecture`: what has to be known about a network to build it, load it and cut it.

Each module of `models.architectures` ends with `ARCHITECTURES`, which holds one of these for each
name that it offers; `models.registry` joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from shelfvision.models.spec import ModelSpec

if TYPE_CHECKING:
    import keras

Builder: TypeAlias = "Callable[[ModelSpec], keras.Model]"
"""Makes an uncompiled model from its settings."""
Shapes: TypeAlias = Callable[[ModelSpec], Mapping[str, tuple[int, ...]]]
"""Gives the shape of every weight by path, in the model's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What is known about one architecture."""

    build: Builder
    """Makes the model."""
    tensors: Shapes | None = None
    """Gives the shape of every weight by path, in order, without Keras; None if only Keras can."""
    fewest: int = 0
    """Where the shapes are not known, how many numbers its weights hold at least."""
    smallest: int = 1
    """The smallest side of an image, in pixels."""
    image_size: tuple[int, int] = (100, 100)
    """The size of images for callers who name none."""
    cuts: Callable[[ModelSpec], tuple[str, ...]] | None = None
    """Names the layers between its blocks, in order; None if they have to be looked for."""
    imagenet: Callable[[keras.Model, ModelSpec], None] | None = None
    """Sets all weights but the last layer's, trained on ImageNet; None where there are none."""
