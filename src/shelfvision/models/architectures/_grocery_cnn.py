"""`grocery_cnn`: the article's network, five small convolutions and a dense layer."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras
from shelfvision._random import seed_for
from shelfvision.models.architecture import Architecture
from shelfvision.models.spec import ModelSpec

if TYPE_CHECKING:
    import keras

FILTERS = 32
UNITS = 64
BLOCKS = 5
PADDING = 3
# The article does not state dropout rates. A tenth after each convolution, because 32 channels are
# few; a quarter before the dense layer, which is the most likely to overfit.
BLOCK_RATE = 0.1
DENSE_RATE = 0.25


def build_grocery_cnn(spec: ModelSpec) -> keras.Model:
    """Return the network for a spec, uncompiled."""
    keras = load_keras()
    image = keras.Input(shape=(*spec.image_size, 3), dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 255, name="rescale")(image)
    x = keras.layers.ZeroPadding2D(PADDING, data_format="channels_last", name="pad")(x)
    for number in range(1, BLOCKS + 1):
        x = _block(x, spec, number)
    x = keras.layers.Flatten(data_format="channels_last", name="flatten")(x)
    x = _dense(spec, "dense", UNITS, "relu")(x)
    x = _dropout(spec, "dropout_dense", DENSE_RATE)(x)
    probabilities = _dense(spec, "probabilities", spec.num_classes, "softmax")(x)
    return keras.Model(image, probabilities, name="grocery_cnn")


def grocery_cnn_tensors(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight by its path, in the model's order, without Keras."""
    tensors: dict[str, tuple[int, ...]] = {}
    for number in range(1, BLOCKS + 1):
        channels = 3 if number == 1 else FILTERS
        tensors[f"conv_{number}/kernel"] = (3, 3, channels, FILTERS)
        tensors[f"conv_{number}/bias"] = (FILTERS,)
        if number == 1:
            for name in ("gamma", "beta", "moving_mean", "moving_variance"):
                tensors[f"normalize_1/{name}"] = (FILTERS,)
    height, width = (_side_after(side) for side in spec.image_size)
    tensors["dense/kernel"] = (height * width * FILTERS, UNITS)
    tensors["dense/bias"] = (UNITS,)
    tensors["probabilities/kernel"] = (UNITS, spec.num_classes)
    tensors["probabilities/bias"] = (spec.num_classes,)
    return tensors


def _block(x: keras.KerasTensor, spec: ModelSpec, number: int) -> keras.KerasTensor:
    layers = load_keras().layers
    conv = layers.Conv2D(
        FILTERS,
        3,
        activation="relu",
        data_format="channels_last",
        kernel_initializer=_initializer(spec, f"conv_{number}"),
        name=f"conv_{number}",
    )
    x = conv(x)
    if number == 1:
        x = layers.BatchNormalization(name="normalize_1")(x)
    x = layers.MaxPooling2D(2, data_format="channels_last", name=f"pool_{number}")(x)
    return _dropout(spec, f"dropout_{number}", BLOCK_RATE)(x)


def _dense(spec: ModelSpec, name: str, units: int, activation: str) -> keras.layers.Layer:
    initializer = _initializer(spec, name)
    return load_keras().layers.Dense(
        units, activation=activation, kernel_initializer=initializer, name=name
    )


def _dropout(spec: ModelSpec, name: str, rate: float) -> keras.layers.Layer:
    rate = rate if spec.dropout is None else spec.dropout
    return load_keras().layers.Dropout(rate, seed=seed_for(spec.seed, "dropout", name), name=name)


def _initializer(spec: ModelSpec, name: str) -> keras.initializers.Initializer:
    seed = seed_for(spec.seed, "initial weights", name)
    return load_keras().initializers.GlorotUniform(seed=seed)


def _side_after(side: int) -> int:
    """Return the length of a side after the last pooling."""
    side += 2 * PADDING
    for _ in range(BLOCKS):
        side = max(side - 2, 0) // 2
    return side


ARCHITECTURES = MappingProxyType(
    {
        "grocery_cnn": Architecture(
            build=build_grocery_cnn,
            tensors=grocery_cnn_tensors,
            loss="binary_crossentropy",  # as in the article
            # The smallest side that has a pixel left after the last pooling.
            smallest=next(side for side in range(1, 1000) if _side_after(side) >= 1),
        )
    }
)
"""The network by its name."""
