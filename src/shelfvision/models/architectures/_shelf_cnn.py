"""`shelf_cnn`: a small residual network for edge devices, faster to train than `grocery_cnn`."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras
from shelfvision._random import seed_for
from shelfvision.models.architecture import Architecture
from shelfvision.models.spec import ModelSpec

if TYPE_CHECKING:
    import keras

NORMAL = ("gamma", "beta", "moving_mean", "moving_variance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The layout of a network of this kind; the ablation study varies it."""

    stem: int = 24
    """Channels of the first convolution, 5 x 5 with stride 2."""
    widths: tuple[int, ...] = (32, 64, 80)
    """Channels of the stages; each begins with a convolution with stride 2."""
    blocks: tuple[int, ...] = (1, 1, 1)
    """Residual blocks of two convolutions in each stage."""
    momentum: float | None = 0.9
    """Momentum of batch normalization; None omits batch normalization."""
    pooled: bool = True
    """Whether the network has global average pooling instead of flattening."""
    rate: float = 0.2
    """Dropout rate before the last layer."""


PLAN = Plan()


def build_shelf_cnn(spec: ModelSpec) -> keras.Model:
    """Return the network for a spec, uncompiled."""
    return build_by_plan(spec, PLAN)


def build_by_plan(spec: ModelSpec, plan: Plan) -> keras.Model:
    """Return the network with the layout of a plan."""
    keras = load_keras()
    image = keras.Input(shape=(*spec.image_size, 3), dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)
    parts = _Parts(spec, plan)
    x = parts.convolved(x, "stem", plan.stem, kernel=5, step=2)
    for number, (width, blocks) in enumerate(zip(plan.widths, plan.blocks, strict=True), start=1):
        x = parts.convolved(x, f"stage_{number}", width, step=2)
        for block in range(1, blocks + 1):
            x = parts.residual(x, f"stage_{number}_{block}", width)
    x = parts.gathered(x)
    rate = plan.rate if spec.dropout is None else spec.dropout
    seed = seed_for(spec.seed, "dropout", "dropout")
    x = keras.layers.Dropout(rate, seed=seed, name="dropout")(x)
    initializer = keras.initializers.GlorotUniform(
        seed=seed_for(spec.seed, "initial weights", "probabilities")
    )
    probabilities = keras.layers.Dense(
        spec.num_classes, activation="softmax", kernel_initializer=initializer, name="probabilities"
    )(x)
    return keras.Model(image, probabilities, name="shelf_cnn")


def shelf_cnn_tensors(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight by its path, in the model's order, without Keras."""
    tensors: dict[str, tuple[int, ...]] = {}
    channels = 3
    for name, kernel, width in _convolutions(PLAN):
        tensors[f"{name}/kernel"] = (kernel, kernel, channels, width)
        tensors |= {f"{name}_norm/{part}": (width,) for part in NORMAL}
        channels = width
    tensors["probabilities/kernel"] = (channels, spec.num_classes)
    tensors["probabilities/bias"] = (spec.num_classes,)
    return tensors


def _convolutions(plan: Plan) -> list[tuple[str, int, int]]:
    """Return name, kernel and channels of every convolution, in the model's order."""
    found = [("stem", 5, plan.stem)]
    for number, (width, blocks) in enumerate(zip(plan.widths, plan.blocks, strict=True), start=1):
        found.append((f"stage_{number}", 3, width))
        for block in range(1, blocks + 1):
            found += [(f"stage_{number}_{block}_{part}", 3, width) for part in "ab"]
    return found


@dataclass(frozen=True, slots=True)
class _Parts:
    """Builds the parts of the network; initial weights are derived from the layer's name."""

    spec: ModelSpec
    plan: Plan

    def convolved(
        self, x: keras.KerasTensor, name: str, width: int, *, kernel: int = 3, step: int = 1
    ) -> keras.KerasTensor:
        """Return a convolution with batch normalization and ReLU."""
        x = self._normalized(self._convolution(name, width, kernel, step)(x), name)
        return load_keras().layers.ReLU(name=f"{name}_relu")(x)

    def residual(self, x: keras.KerasTensor, name: str, width: int) -> keras.KerasTensor:
        """Return a residual block: ReLU of the input plus two convolutions of it."""
        layers = load_keras().layers
        y = self.convolved(x, f"{name}_a", width)
        # With gamma 0, each block starts as the identity, so deep networks train well.
        y = self._convolution(f"{name}_b", width, 3, 1)(y)
        y = self._normalized(y, f"{name}_b", gamma="zeros")
        x = layers.Add(name=f"{name}_add")([x, y])
        return layers.ReLU(name=f"{name}_relu")(x)

    def gathered(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return one row of features for each image."""
        layers = load_keras().layers
        if not self.plan.pooled:
            return layers.Flatten(data_format="channels_last", name="flatten")(x)
        return layers.GlobalAveragePooling2D(data_format="channels_last", name="pool")(x)

    def _convolution(self, name: str, width: int, kernel: int, step: int) -> keras.layers.Layer:
        keras = load_keras()
        return keras.layers.Conv2D(
            width,
            kernel,
            strides=step,
            padding="same",
            use_bias=self.plan.momentum is None,
            data_format="channels_last",
            kernel_initializer=keras.initializers.HeNormal(
                seed=seed_for(self.spec.seed, "initial weights", name)
            ),
            name=name,
        )

    def _normalized(
        self, x: keras.KerasTensor, name: str, gamma: str = "ones"
    ) -> keras.KerasTensor:
        if self.plan.momentum is None:
            return x
        return load_keras().layers.BatchNormalization(
            momentum=self.plan.momentum, gamma_initializer=gamma, name=f"{name}_norm"
        )(x)


ARCHITECTURES = MappingProxyType(
    {"shelf_cnn": Architecture(build=build_shelf_cnn, tensors=shelf_cnn_tensors)}
)
"""The network by its name."""
