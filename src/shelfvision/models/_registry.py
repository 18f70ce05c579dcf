"""The architectures that a name stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from shelfvision._validation import listed
from shelfvision.errors import ModelError
from shelfvision.models._grocery_cnn import (
    build_grocery_cnn,
    grocery_cnn_smallest,
    grocery_cnn_tensors,
)
from shelfvision.models._spec import ModelSpec

if TYPE_CHECKING:
    import keras

Builder: TypeAlias = "Callable[[ModelSpec], keras.Model]"
"""Makes an uncompiled model from its settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What is known about one architecture."""

    build: Builder
    """Makes the model."""
    tensors: Callable[[ModelSpec], dict[str, tuple[int, ...]]] | None = None
    """Gives the shape of every weight by path, in order, without Keras; None if only Keras can."""
    smallest: Callable[[], int] | None = None
    """Gives the smallest side of an image, in pixels; None where there is no such limit."""


_ARCHITECTURES = MappingProxyType(
    {
        "grocery_cnn": Architecture(
            build=build_grocery_cnn, tensors=grocery_cnn_tensors, smallest=grocery_cnn_smallest
        ),
    }
)


def architecture_for(spec: ModelSpec) -> Architecture:
    """Return the architecture that a spec names, once the spec is known to fit it."""
    found = _ARCHITECTURES.get(spec.architecture)
    if found is None:
        raise ModelError(
            f"there is no architecture {spec.architecture!r}; choose one of "
            f"{listed(_ARCHITECTURES, limit=50)}"
        )
    smallest = 1 if found.smallest is None else found.smallest()
    if min(spec.image_size) < smallest:
        raise ModelError(
            f"image_size {spec.image_size} is too small for {spec.architecture}, which needs at "
            f"least ({smallest}, {smallest}) pixels; choose a larger one"
        )
    return found
