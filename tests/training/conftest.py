"""Small photos and small models that train in a second."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset

if TYPE_CHECKING:
    import keras

CLASS_NAMES = ("juice", "milk", "yoghurt")


MakeModel: TypeAlias = "Callable[..., keras.Model]"
"""Builds a model from scratch, the same one every time."""
MakePhotos: TypeAlias = Callable[..., Dataset]
"""Makes photos that a model can learn to tell apart a little."""
ValuesOf: TypeAlias = "Callable[[keras.Model], list[npt.NDArray[np.generic]]]"
"""Gives the values of all variables of a model."""


@pytest.fixture(scope="session", autouse=True)
def _compile_each_program_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let jax keep compiled programs, for the same small network is trained over and over."""
    if load_keras().config.backend() != "jax":
        return
    import jax

    settings = {
        "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("programs")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in settings.items():
        jax.config.update(name, value)


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """Give SIGINT Python's own handler, which a test suite in the background starts without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def make_model() -> MakeModel:
    """Return a maker of a tiny network with batch normalization and seeded dropout."""

    def make(*, num_classes: int = 3, size: int = 20, seed: int = 1) -> keras.Model:
        layers = load_keras().layers
        initial = load_keras().initializers.GlorotUniform
        return load_keras().Sequential(
            [
                load_keras().Input((size, size, 3), dtype="uint8"),
                layers.Rescaling(1 / 255),
                layers.Conv2D(4, 3, kernel_initializer=initial(seed)),
                layers.BatchNormalization(),
                layers.Dropout(0.2, seed=seed),
                layers.GlobalAveragePooling2D(),
                layers.Dense(
                    num_classes, activation="softmax", kernel_initializer=initial(seed + 1)
                ),
            ]
        )

    return make


@pytest.fixture(scope="session")
def make_photos() -> MakePhotos:
    """Return a maker of noisy photos whose brightness depends on their class."""

    def make(n: int, *, start: int = 0) -> Dataset:
        labels = np.arange(n) % 3
        noise = np.random.default_rng(start).integers(0, 160, (n, 20, 20, 3))
        images = (noise + 45 * labels[:, None, None, None]).astype(np.uint8)
        ids = [f"{number:04d}.png" for number in range(start, start + n)]
        return Dataset.from_arrays(images, labels, class_names=CLASS_NAMES, ids=ids)

    return make


@pytest.fixture(scope="session")
def train(make_photos: MakePhotos) -> Dataset:
    """Return 35 photos: four batches of eight and three more."""
    return make_photos(35)


@pytest.fixture(scope="session")
def validation(make_photos: MakePhotos) -> Dataset:
    """Return 12 other photos."""
    return make_photos(12, start=1000)


@pytest.fixture(scope="session")
def values_of() -> ValuesOf:
    """Return a reader of a model's variables."""

    def read(model: keras.Model) -> list[npt.NDArray[np.generic]]:
        return [np.array(variable.numpy()) for variable in model.variables]

    return read
