"""Find the head of a model, which is its last dense layer, and the backbone below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras

if TYPE_CHECKING:
    import keras


def head_of(model: keras.Model) -> keras.layers.Dense | None:
    """Return the last dense layer of a functional or sequential model, or None."""
    dense = load_keras().layers.Dense
    layers = model.layers if hasattr(model, "operations") else []
    return next((layer for layer in reversed(layers) if isinstance(layer, dense)), None)


def backbone_weights(model: keras.Model) -> list[keras.Variable]:
    """Return all weights except those of the last dense layer, in the model's order."""
    layer = head_of(model)
    head = set() if layer is None else {id(weight) for weight in layer.weights}
    return [weight for weight in model.weights if id(weight) not in head]


def require_one_input(above: keras.Model) -> None:
    """Raise ValueError if a layer above the cut takes a second input from below it.

    Newer versions of Keras raise by themselves; older ones add an input to the model.
    """
    kind = load_keras().layers.InputLayer
    if sum(isinstance(layer, kind) for layer in above.layers) > 1:
        raise ValueError("a branch leads past the cut")
