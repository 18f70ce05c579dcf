"""A classifier that sees nothing but a photo's mean colour, so that nearness is plain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras

Pixels = npt.NDArray[np.uint8]
NAMES = ("grass", "sky")
COLOURS = {"brick": (200, 40, 20), "grass": (30, 200, 40), "sky": (40, 60, 220)}


def colour_classifier(weight: float = 1.0) -> shv.Classifier:
    keras = load_keras()
    image = keras.Input((8, 8, 3))
    seen = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    said = keras.layers.Dense(2, activation="softmax", name="last")(seen)
    model = keras.Model(image, said, name="functional")  # Keras would count the models before it
    kernel = np.array([[0, 0], [weight, 0], [0, 1]], np.float32)
    model.set_weights([kernel, np.zeros(2, np.float32)])
    return shv.Classifier.from_model(model, class_names=NAMES)


def shots(name: str, n: int, seed: int = 0, spread: int = 12) -> Pixels:
    """Return photos of about a product's colour."""
    rng = np.random.default_rng([seed, sorted(COLOURS).index(name)])
    tints = np.array(COLOURS[name]) + rng.integers(-spread, spread + 1, (n, 3))
    plain = np.broadcast_to(tints[:, None, None, :], (n, 8, 8, 3))
    return np.asarray(np.clip(plain, 0, 255), np.uint8)


def dataset(names: tuple[str, ...], n: int, seed: int = 0, spread: int = 12) -> shv.Dataset:
    """Return photos of products, each photo a group of its own."""
    images = np.concatenate([shots(name, n, seed, spread) for name in names])
    labels = np.repeat(np.arange(len(names)), n)
    return shv.Dataset.from_arrays(images, labels, class_names=names)


@pytest.fixture(scope="session", name="colour_classifier")
def _colour_classifier() -> Callable[..., shv.Classifier]:
    """Return what makes a classifier of grass and sky."""
    return colour_classifier


@pytest.fixture(scope="session", name="shots")
def _shots() -> Callable[..., Pixels]:
    """Return what makes photos of about a product's colour."""
    return shots


@pytest.fixture(scope="session", name="dataset")
def _dataset() -> Callable[..., shv.Dataset]:
    """Return what makes a dataset of such photos."""
    return dataset


@pytest.fixture(scope="session")
def classifier() -> shv.Classifier:
    """Return a classifier of grass and sky."""
    return colour_classifier()


@pytest.fixture(scope="session")
def gallery(classifier: shv.Classifier) -> shv.Gallery:
    """Return a gallery of thirty photos each of grass and sky."""
    return shv.Gallery.from_dataset(classifier, dataset(NAMES, 30))
