"""A small classifier, and pixels for it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv

NAMES = ("juice", "milk", "yoghurt")
SIZE = (88, 90)


@pytest.fixture(scope="session")
def classifier() -> shv.Classifier:
    """Return a classifier that answers differently to different pixels."""
    model = shv.build_model(3, image_size=SIZE, seed=3)
    weights = [array * (3.0 if array.ndim > 1 else 1.0) for array in model.get_weights()]
    model.set_weights(weights)
    return shv.Classifier.from_model(model, class_names=NAMES, provenance={"data": "made up"})


@pytest.fixture(scope="session")
def pixels() -> npt.NDArray[np.uint8]:
    """Return 40 varied images."""
    rng = np.random.default_rng(0)
    tints = rng.integers(0, 256, (40, 1, 1, 3))
    noise = rng.integers(-60, 60, (40, *SIZE, 3))
    images: npt.NDArray[np.uint8] = np.clip(tints + noise, 0, 255).astype(np.uint8)
    return images


@pytest.fixture(scope="session")
def dataset(pixels: npt.NDArray[np.uint8]) -> shv.Dataset:
    """Return the images in bursts of two, of three classes in turn."""
    groups = [f"burst {n // 2}" for n in range(len(pixels))]
    return shv.Dataset.from_arrays(
        pixels, np.arange(len(pixels)) % 3, class_names=NAMES, groups=groups
    )
