"""EfficientNet-Lite: pretrained networks for small devices, ReLU6 and no squeeze-and-excite."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras
from shelfvision._random import seed_for
from shelfvision.models.architecture import Architecture
from shelfvision.models.architectures._efficientnet_lite_layout import (
    FAMILY,
    FEATURES,
    SMALLEST,
    STEM,
    LiteBlock,
    blocks,
    efficientnet_lite_cuts,
    efficientnet_lite_tensors,
)
from shelfvision.models.pretrained._pretrained import set_imagenet
from shelfvision.models.spec import ModelSpec

if TYPE_CHECKING:
    import keras

EPSILON = 1e-3


def build_efficientnet_lite(spec: ModelSpec) -> keras.Model:
    """Return the network for a spec, uncompiled, with weights drawn from its seed."""
    keras = load_keras()
    image = keras.Input(shape=(*spec.image_size, 3), dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="rescale")(image)
    x = _convolved(x, spec, "stem", STEM, kernel=3, stride=2)
    for block in blocks(spec.architecture):
        x = _bottleneck(x, spec, block)
    x = _convolved(x, spec, "top", FEATURES)
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last", name="pool")(x)
    rate = FAMILY[spec.architecture].dropout if spec.dropout is None else spec.dropout
    seed = seed_for(spec.seed, "dropout", "dropout")
    x = keras.layers.Dropout(rate, seed=seed, name="dropout")(x)
    seed = seed_for(spec.seed, "initial weights", "probabilities")
    probabilities = keras.layers.Dense(
        spec.num_classes,
        activation="softmax",
        dtype="float32",
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        name="probabilities",
    )(x)
    return keras.Model(image, probabilities, name=spec.architecture)


def _bottleneck(x: keras.KerasTensor, spec: ModelSpec, block: LiteBlock) -> keras.KerasTensor:
    layers = load_keras().layers
    start = x
    if block.widens:
        x = _convolved(x, spec, f"{block.name}_expand", block.works_on)
    x = layers.DepthwiseConv2D(
        block.kernel,
        strides=block.stride,
        padding="same",
        use_bias=False,
        data_format="channels_last",
        depthwise_initializer=_initializer(spec, f"{block.name}_depthwise"),
        name=f"{block.name}_depthwise_conv",
    )(x)
    x = _normalized(x, f"{block.name}_depthwise")
    x = _convolved(x, spec, f"{block.name}_project", block.gives, active=False)
    return layers.Add(name=f"{block.name}_add")([start, x]) if block.skips else x


def _convolved(
    x: keras.KerasTensor,
    spec: ModelSpec,
    name: str,
    channels: int,
    *,
    kernel: int = 1,
    stride: int = 1,
    active: bool = True,
) -> keras.KerasTensor:
    """Return a convolution with batch normalization, and ReLU6 except after a projection."""
    x = load_keras().layers.Conv2D(
        channels,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        data_format="channels_last",
        kernel_initializer=_initializer(spec, name),
        name=f"{name}_conv",
    )(x)
    return _normalized(x, name, active=active)


def _normalized(x: keras.KerasTensor, name: str, *, active: bool = True) -> keras.KerasTensor:
    layers = load_keras().layers
    x = layers.BatchNormalization(axis=-1, epsilon=EPSILON, name=f"{name}_norm")(x)
    return layers.ReLU(max_value=6.0, name=f"{name}_relu")(x) if active else x


def _initializer(spec: ModelSpec, name: str) -> keras.initializers.Initializer:
    seed = seed_for(spec.seed, "initial weights", name)
    initializers = load_keras().initializers
    return initializers.VarianceScaling(scale=2.0, mode="fan_out", seed=seed)


def _architecture(name: str) -> Architecture:
    side = FAMILY[name].side
    return Architecture(
        build=build_efficientnet_lite,
        tensors=efficientnet_lite_tensors,
        smallest=SMALLEST,
        image_size=(side, side),
        cuts=efficientnet_lite_cuts,
        imagenet=set_imagenet,
    )


ARCHITECTURES = MappingProxyType({name: _architecture(name) for name in FAMILY})
"""The networks by name."""
