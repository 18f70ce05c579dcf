"""Set the trainable layers: those above the cut, or all, except batch normalization."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras

if TYPE_CHECKING:
    import keras


def set_trainable(model: keras.Model, learning: keras.Model) -> None:
    """Make the layers of a model that belong to `learning` trainable, and freeze all others.

    Batch normalization stays frozen. It keeps the statistics of the pretraining photos, because a
    few hundred photos are too few to estimate them. Keras then uses these statistics in training.
    """
    chosen = {id(layer) for layer in learning.layers}
    for layer in model.layers:
        layer.trainable = id(layer) in chosen
    for layer in _all_layers(learning.layers):
        if isinstance(layer, load_keras().layers.BatchNormalization):
            layer.trainable = False


def _all_layers(layers: Iterable[keras.layers.Layer]) -> Iterable[keras.layers.Layer]:
    """Yield layers, including those of nested models."""
    for layer in layers:
        yield layer
        yield from _all_layers(getattr(layer, "layers", ()))
