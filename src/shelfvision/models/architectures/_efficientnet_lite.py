"""EfficientNet-Lite: pretrained networks for small devices, ReLU6 and no squeeze-and-excite."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras
from shelfvision._random import seed_for
from shelfvision.models.spec import ModelSpec

if TYPE_CHECKING:
    import keras

SMALLEST = 32
"""The smallest side of an image: the network halves it five times."""
STEM = 32
FEATURES = 1280
EPSILON = 1e-3
DIVISOR = 8
BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lite:
    """What one of the family differs in."""

    width: float
    """How many times as many channels as Lite0 a block has."""
    depth: float
    """How many times as many blocks as Lite0 a stage has."""
    side: int
    """The side of the images that its weights were trained on, in pixels."""
    dropout: float
    """The rate of dropout before the last layer."""


FAMILY = MappingProxyType(
    {
        "efficientnet_lite0": Lite(width=1.0, depth=1.0, side=224, dropout=0.2),
        "efficientnet_lite1": Lite(width=1.0, depth=1.1, side=240, dropout=0.2),
        "efficientnet_lite2": Lite(width=1.1, depth=1.2, side=260, dropout=0.3),
    }
)
"""The networks by the name of their architecture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A row of blocks with the same settings; only the first has the stride."""

    repeats: int
    """Number of blocks."""
    kernel: int
    """Side of the depthwise kernel."""
    stride: int
    """Stride of the first block."""
    expand: int
    """How many times as many channels the depthwise convolution works on."""
    channels: int
    """Channels of the output."""


STAGES = (
    Stage(repeats=1, kernel=3, stride=1, expand=1, channels=16),
    Stage(repeats=2, kernel=3, stride=2, expand=6, channels=24),
    Stage(repeats=2, kernel=5, stride=2, expand=6, channels=40),
    Stage(repeats=3, kernel=3, stride=2, expand=6, channels=80),
    Stage(repeats=3, kernel=5, stride=1, expand=6, channels=112),
    Stage(repeats=4, kernel=5, stride=2, expand=6, channels=192),
    Stage(repeats=1, kernel=3, stride=1, expand=6, channels=320),
)
"""The stages of Lite0, which are those of EfficientNet-B0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One inverted bottleneck: widen, convolve each channel, narrow again."""

    name: str
    """What the names of its layers start with."""
    kernel: int
    """Side of the depthwise kernel."""
    stride: int
    """Stride of the depthwise convolution."""
    takes: int
    """Channels of the input."""
    works_on: int
    """Channels of the depthwise convolution."""
    gives: int
    """Channels of the output."""

    @property
    def skips(self) -> bool:
        """Whether the input is added to the output."""
        return self.stride == 1 and self.takes == self.gives

    @property
    def widens(self) -> bool:
        """Whether there is a convolution that makes more channels first."""
        return self.works_on != self.takes

    @property
    def last_layer(self) -> str:
        """The name of the layer that gives the block's output."""
        return f"{self.name}_add" if self.skips else f"{self.name}_project_norm"


def blocks(architecture: str) -> Iterator[Block]:
    """Yield the blocks of one of the family, in order."""
    lite = FAMILY[architecture]
    number, takes = 0, STEM
    for index, stage in enumerate(STAGES):
        gives = _channels(stage.channels, lite.width)
        # The first and the last stage stay as they are, as the stem and the top do.
        ends = index in {0, len(STAGES) - 1}
        for repeat in range(stage.repeats if ends else math.ceil(stage.repeats * lite.depth)):
            number += 1
            yield Block(
                name=f"block_{number}",
                kernel=stage.kernel,
                stride=stage.stride if repeat == 0 else 1,
                takes=takes,
                works_on=takes * stage.expand,
                gives=gives,
            )
            takes = gives


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


def efficientnet_lite_tensors(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight by its path, in the model's order, without Keras."""
    tensors = efficientnet_lite_backbone(spec.architecture)
    tensors["probabilities/kernel"] = (FEATURES, spec.num_classes)
    tensors["probabilities/bias"] = (spec.num_classes,)
    return tensors


def efficientnet_lite_backbone(architecture: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight before the last layer."""
    tensors = _layer_tensors("stem", (3, 3, 3, STEM), STEM)
    gives = STEM
    for block in blocks(architecture):
        takes, works_on, gives = block.takes, block.works_on, block.gives
        name, side = block.name, block.kernel
        if block.widens:
            tensors |= _layer_tensors(f"{name}_expand", (1, 1, takes, works_on), works_on)
        tensors |= _layer_tensors(f"{name}_depthwise", (side, side, works_on, 1), works_on)
        tensors |= _layer_tensors(f"{name}_project", (1, 1, works_on, gives), gives)
    return tensors | _layer_tensors("top", (1, 1, gives, FEATURES), FEATURES)


def efficientnet_lite_cuts(spec: ModelSpec) -> tuple[str, ...]:
    """Return the layers at which the network is one tensor wide: the stem, each block, the top."""
    ends = (block.last_layer for block in blocks(spec.architecture))
    return ("stem_relu", *ends, "top_relu", "pool")


def _layer_tensors(name: str, kernel: tuple[int, ...], channels: int) -> dict[str, tuple[int, ...]]:
    """Return the weights of a convolution and the batch norm behind it."""
    norm = {f"{name}_norm/{part}": (channels,) for part in BATCH_NORM}
    return {f"{name}_conv/kernel": kernel} | norm


def _bottleneck(x: keras.KerasTensor, spec: ModelSpec, block: Block) -> keras.KerasTensor:
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
    """Return a convolution and its batch norm, with ReLU6 unless it narrows a block."""
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


def _channels(channels: int, width: float) -> int:
    """Return a number of channels scaled to a multiple of 8, at most a tenth below."""
    scaled = channels * width
    rounded = max(DIVISOR, int(scaled + DIVISOR / 2) // DIVISOR * DIVISOR)
    return rounded + DIVISOR if rounded < 0.9 * scaled else rounded
