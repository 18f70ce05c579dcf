"""The layout of the EfficientNet-Lite networks: blocks, names and shapes, without Keras."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from shelfvision.models.spec import ModelSpec

SMALLEST = 32
"""The smallest side of an image, because the network halves it five times."""
STEM = 32
FEATURES = 1280
DIVISOR = 8
BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteVariant:
    """The differences between the networks of the family."""

    width: float
    """The multiplier of the number of channels, relative to Lite0."""
    depth: float
    """The multiplier of the number of blocks per stage, relative to Lite0."""
    side: int
    """The side of the images that its weights were trained on, in pixels."""
    dropout: float
    """The dropout rate before the last layer."""


FAMILY = MappingProxyType(
    {
        "efficientnet_lite0": LiteVariant(width=1.0, depth=1.0, side=224, dropout=0.2),
        "efficientnet_lite1": LiteVariant(width=1.0, depth=1.1, side=240, dropout=0.2),
        "efficientnet_lite2": LiteVariant(width=1.1, depth=1.2, side=260, dropout=0.3),
    }
)
"""The networks by the name of their architecture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteStage:
    """A sequence of blocks with the same settings; only the first has the stride."""

    repeats: int
    """Number of blocks."""
    kernel: int
    """Side of the depthwise kernel."""
    stride: int
    """Stride of the first block."""
    expand: int
    """The multiplier of channels in the depthwise convolution."""
    channels: int
    """Channels of the output."""


STAGES = (
    LiteStage(repeats=1, kernel=3, stride=1, expand=1, channels=16),
    LiteStage(repeats=2, kernel=3, stride=2, expand=6, channels=24),
    LiteStage(repeats=2, kernel=5, stride=2, expand=6, channels=40),
    LiteStage(repeats=3, kernel=3, stride=2, expand=6, channels=80),
    LiteStage(repeats=3, kernel=5, stride=1, expand=6, channels=112),
    LiteStage(repeats=4, kernel=5, stride=2, expand=6, channels=192),
    LiteStage(repeats=1, kernel=3, stride=1, expand=6, channels=320),
)
"""The stages of Lite0, which equal those of EfficientNet-B0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteBlock:
    """One inverted bottleneck: expansion, depthwise convolution, projection."""

    name: str
    """The prefix of the names of its layers."""
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
        """Whether the block starts with an expansion."""
        return self.works_on != self.takes

    @property
    def last_layer(self) -> str:
        """The name of the layer with the output of the block."""
        return f"{self.name}_add" if self.skips else f"{self.name}_project_norm"


def blocks(architecture: str) -> Iterator[LiteBlock]:
    """Yield the blocks of a network of the family, in order."""
    lite = FAMILY[architecture]
    number, takes = 0, STEM
    for index, stage in enumerate(STAGES):
        gives = _channels(stage.channels, lite.width)
        # The number of blocks in the first and the last stage is not scaled.
        ends = index in {0, len(STAGES) - 1}
        for repeat in range(stage.repeats if ends else math.ceil(stage.repeats * lite.depth)):
            number += 1
            yield LiteBlock(
                name=f"block_{number}",
                kernel=stage.kernel,
                stride=stage.stride if repeat == 0 else 1,
                takes=takes,
                works_on=takes * stage.expand,
                gives=gives,
            )
            takes = gives


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
    """Return the cut points, which no branch bypasses: the stem, each block and the top."""
    ends = (block.last_layer for block in blocks(spec.architecture))
    return ("stem_relu", *ends, "top_relu", "pool")


def _layer_tensors(name: str, kernel: tuple[int, ...], channels: int) -> dict[str, tuple[int, ...]]:
    """Return the weights of a convolution and of the batch normalization after it."""
    norm = {f"{name}_norm/{part}": (channels,) for part in BATCH_NORM}
    return {f"{name}_conv/kernel": kernel} | norm


def _channels(channels: int, width: float) -> int:
    """Return a scaled number of channels, rounded to a multiple of 8, at most 10 % lower."""
    scaled = channels * width
    rounded = max(DIVISOR, int(scaled + DIVISOR / 2) // DIVISOR * DIVISOR)
    return rounded + DIVISOR if rounded < 0.9 * scaled else rounded
