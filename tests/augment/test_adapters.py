"""Augmenters of other libraries keep our contract when they are taken in."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image as Pictures

from shelfvision._keras.backend import load_keras
from shelfvision._random import rng_for
from shelfvision.augment import (
    Compose,
    Flip,
    from_albumentations,
    from_keras_layer,
    from_torchvision,
)
from shelfvision.errors import AugmenterError, MissingBackendError
from shelfvision.protocols import Augmenter, Image
from shelfvision.testing import check_augmenter
from support import refuses


class AlbumentationsLike:
    """Has a generator of its own, as albumentations 2 does."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng(137)

    def set_random_seed(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)

    def __call__(self, *, image: Image) -> dict[str, Image]:
        level = self.generator.integers(0, 100)
        return {"image": (image // 2 + level).astype(np.uint8)}


class TorchvisionLike:
    """Draws from the global generators, as torchvision's transforms do."""

    def __call__(self, picture: Pictures.Image) -> Pictures.Image:
        draws = random.random() + np.random.rand()
        return picture.rotate(20 * draws)


class TensorLike:
    """Gives its channels first."""

    def __call__(self, picture: Pictures.Image) -> Image:
        return np.asarray(picture).transpose(2, 0, 1)


class GeneratorState:
    """What a seed generator of Keras keeps its state in."""

    dtype = "uint32"

    def __init__(self) -> None:
        self.value = np.zeros(2, np.uint32)

    def assign(self, value: Image) -> None:
        self.value = np.array(value)


class SeedGenerator:
    """Looks like Keras's: every draw moves its state on."""

    def __init__(self) -> None:
        self.state = GeneratorState()

    def draw(self) -> float:
        self.state.value = self.state.value + np.uint32(1)
        return float(np.random.default_rng(self.state.value).random())


class KerasLike:
    """Looks like a preprocessing layer of Keras, with a layer inside."""

    def __init__(self, factor: float, *, inner: bool = True) -> None:
        self.factor = factor
        self.generator = SeedGenerator()
        self.layers = [KerasLike(factor / 2, inner=False)] if inner else []

    def get_config(self) -> dict[str, float]:
        return {"factor": self.factor}

    @classmethod
    def from_config(cls, config: dict[str, float]) -> KerasLike:
        return cls(config["factor"])

    def call(self, batch: Image) -> object:
        return batch * np.float32(1 - self.factor * self.generator.draw())

    def __call__(self, batch: Image, *, training: bool) -> object:
        assert batch.dtype == np.float32
        assert training
        for layer in self.layers:
            batch = layer.call(batch)  # type: ignore[assignment]  # an array all the same
        return self.call(batch)


ADAPTED = [
    from_albumentations(AlbumentationsLike()),
    from_torchvision(TorchvisionLike()),
    from_torchvision(TensorLike()),
    from_keras_layer(KerasLike(0.5)),
    Compose([Flip(), from_torchvision(TorchvisionLike())]),
]


@pytest.mark.parametrize("augmenter", ADAPTED, ids=lambda augmenter: type(augmenter).__name__)
def test_an_adapted_transform_keeps_the_contract(augmenter: Augmenter) -> None:
    check_augmenter(augmenter)


@pytest.mark.parametrize("place", [0, 1, 3])
def test_an_adapted_transform_varies_with_the_generator(place: int) -> None:
    image = rng_for(0, "t").integers(0, 256, (20, 30, 3), dtype=np.uint8)
    results = {ADAPTED[place](image, rng_for(0, "t", key)).tobytes() for key in range(8)}
    assert len(results) > 4


def test_the_transform_that_was_given_is_left_alone() -> None:
    given, image = AlbumentationsLike(), np.zeros((2, 2, 3), np.uint8)
    before = given.generator.bit_generator.state
    from_albumentations(given)(image, rng_for(0, "t"))
    assert given.generator.bit_generator.state == before


def test_channels_first_come_back_last() -> None:
    image = rng_for(0, "t").integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert_array_equal(from_torchvision(TensorLike())(image, rng_for(0, "t")), image)


@pytest.mark.parametrize(
    ("adapt", "thing", "parameter"),
    [
        (from_keras_layer, len, "layer"),
        (from_albumentations, len, "transform"),
        (from_torchvision, "rotate", "transform"),
        (from_torchvision, TensorLike, "transform"),
    ],
)
def test_what_cannot_be_adapted_is_refused(
    adapt: Callable[[object], Augmenter], thing: object, parameter: str
) -> None:
    with refuses(AugmenterError, "wrong-type", parameter):
        adapt(thing)


def test_a_transform_without_an_image_in_its_answer_is_explained() -> None:
    class Wrong(AlbumentationsLike):
        def __call__(self, *, image: Image) -> dict[str, Image]:
            return {"picture": image}

    with refuses(AugmenterError, "contract"):
        from_albumentations(Wrong())(np.zeros((2, 2, 3), np.uint8), rng_for(0, "t"))


@pytest.mark.parametrize("name", ["RandomContrast", "RandomBrightness", "RandomFlip"])
def test_real_keras_layers_keep_the_contract(name: str) -> None:
    try:
        keras = load_keras()
    except MissingBackendError as error:
        pytest.skip(str(error))
    kind = getattr(keras.layers, name)
    layer = kind() if name == "RandomFlip" else kind(0.3)
    augmenter = from_keras_layer(layer)
    image = rng_for(0, "t").integers(0, 256, (20, 30, 3), dtype=np.uint8)
    first, again = (augmenter(image, rng_for(0, "t", 1)) for _ in range(2))
    assert_array_equal(first, again)
    assert first.dtype == np.uint8
    assert len({augmenter(image, rng_for(0, "t", key)).tobytes() for key in range(8)}) > 1
