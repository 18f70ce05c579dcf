"""The last dense layer of a model, which tells the caller's classes apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision.models._backend import load_keras

if TYPE_CHECKING:
    import keras


def head_of(model: keras.Model) -> keras.layers.Dense | None:
    """Return the last dense layer of a functional or sequential model, or None."""
    dense = load_keras().layers.Dense
    layers = model.layers if hasattr(model, "operations") else []
    return next((layer for layer in reversed(layers) if isinstance(layer, dense)), None)


def backbone_weights(model: keras.Model) -> list[keras.Variable]:
    """Return all weights but those of the last dense layer, in the model's order."""
    layer = head_of(model)
    head = set() if layer is None else {id(weight) for weight in layer.weights}
    return [weight for weight in model.weights if id(weight) not in head]
