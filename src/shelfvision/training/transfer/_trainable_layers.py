"""Which layers learn: those above the cut, or all, and never a batch norm."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras

if TYPE_CHECKING:
    import keras


def set_trainable(model: keras.Model, learning: keras.Model) -> None:
    """Let the layers of a model that belong to `learning` learn, and freeze all others.

    Batch norms stay frozen: they keep the statistics of the photos that the model was pretrained
    on, which a few hundred photos cannot replace, and Keras then uses them in training too.
    """
    chosen = {id(layer) for layer in learning.layers}
    for layer in model.layers:
        layer.trainable = id(layer) in chosen
    for layer in _all_layers(learning.layers):
        if isinstance(layer, load_keras().layers.BatchNormalization):
            layer.trainable = False


def _all_layers(layers: Iterable[keras.layers.Layer]) -> Iterable[keras.layers.Layer]:
    """Yield layers and, where one is a model, those within."""
    for layer in layers:
        yield layer
        yield from _all_layers(getattr(layer, "layers", ()))
