"""`Architecture`: how to build a network, check its weights and cut it in two.

Each module of `models.architectures` defines `ARCHITECTURES`, a mapping of names to `Architecture`
objects; `models.registry` joins these mappings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from shelfvision.models.spec import ModelSpec

if TYPE_CHECKING:
    import keras

Builder: TypeAlias = "Callable[[ModelSpec], keras.Model]"
"""Returns an uncompiled model for a spec."""
Shapes: TypeAlias = Callable[[ModelSpec], Mapping[str, tuple[int, ...]]]
"""Returns the shape of each weight by path, in the model's order."""

DEFAULT_LOSS = "categorical_crossentropy"
"""The Keras loss of networks that name no other, custom ones included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The functions and limits of one architecture."""

    build: Builder
    """Builds the model."""
    tensors: Shapes | None = None
    """Returns the shape of each weight by path, in order, without Keras; None if unknown."""
    fewest: int = 0
    """If the shapes are unknown, the smallest number of elements in all weights."""
    smallest: int = 1
    """The smallest side of the model input in pixels."""
    image_size: tuple[int, int] = (100, 100)
    """The default size of the model input."""
    loss: str = DEFAULT_LOSS
    """The Keras loss that ``Trainer(loss="auto")`` compiles the model with."""
    cuts: Callable[[ModelSpec], tuple[str, ...]] | None = None
    """Returns the layers between the blocks, in order; None to search for them."""
    imagenet: Callable[[keras.Model, ModelSpec], None] | None = None
    """Sets the ImageNet weights of all layers but the last one; None without such weights."""
