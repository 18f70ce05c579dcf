"""A small network with a body worth freezing, and photos for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pytest

from shelfvision._keras.backend import load_keras

if TYPE_CHECKING:
    import keras

Tensor: TypeAlias = "keras.KerasTensor"
"""What a layer gives while a model is built."""
MakeFrozen: TypeAlias = "Callable[..., keras.Model]"
"""Builds a network whose layers below the last are frozen, the same one every time."""


@pytest.fixture(scope="session")
def make_frozen() -> MakeFrozen:
    """Return a maker of a network of two blocks, one of which something leads past."""

    def make(*, dropout: float = 0.0, seed: int = 1) -> keras.Model:
        keras = load_keras()
        layers, initial = keras.layers, keras.initializers.GlorotUniform

        def convolved(x: Tensor, name: str, number: int) -> Tensor:
            convolution = layers.Conv2D(
                6, 3, padding="same", kernel_initializer=initial(seed + number), name=name
            )
            return layers.BatchNormalization(name=f"{name}_norm")(convolution(x))

        image = keras.Input((20, 20, 3), dtype="uint8", name="image")
        start = convolved(layers.Rescaling(1 / 255, name="rescale")(image), "stem", 0)
        low = layers.MaxPooling2D(name="low")(start)
        inner = layers.ReLU(name="low_relu")(convolved(low, "inner", 1))
        joined = layers.Add(name="joined")([low, inner])
        high = layers.ReLU(name="high_relu")(convolved(joined, "high", 2))
        rows = layers.GlobalAveragePooling2D(name="pool")(high)
        rows = layers.Dropout(dropout, seed=seed, name="dropout")(rows)
        head = layers.Dense(
            3, activation="softmax", kernel_initializer=initial(seed + 3), name="probabilities"
        )
        model = keras.Model(image, head(rows))
        for layer in model.layers:
            layer.trainable = layer is head
        return model

    return make
