"""Whether the upper part of a model that was cut in two stands on the cut alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision.models._backend import load_keras

if TYPE_CHECKING:
    import keras


def require_one_input(above: keras.Model) -> None:
    """Raise ValueError where a branch comes from below the cut, as newer versions of Keras do."""
    kind = load_keras().layers.InputLayer
    if sum(isinstance(layer, kind) for layer in above.layers) > 1:
        raise ValueError("a branch leads past the cut")
