"""Layers further down learn more slowly where they are asked to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras
from shelfvision.data import Dataset

if TYPE_CHECKING:
    import keras

MakeFrozen = Callable[..., "keras.Model"]
MakePhotos = Callable[..., Dataset]


def step_sizes(model: keras.Model, photos: Dataset, layer_decay: float) -> dict[str, float]:
    """Return the largest change of each kernel in a single step of Adam, in learning rates."""
    kernels = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    to_numpy = load_keras().ops.convert_to_numpy
    before = {name: np.array(to_numpy(kernel.value)) for name, kernel in kernels.items()}
    shv.Trainer(
        epochs=1,
        batch_size=64,
        learning_rate=1e-3,
        fine_tune="full",
        layer_decay=layer_decay,
        monitor="loss",
    ).fit(model, photos)
    return {
        name: float(np.abs(to_numpy(kernel.value) - before[name]).max() / 1e-3)
        for name, kernel in kernels.items()
    }


def test_each_layer_down_has_the_share_of_the_rate(
    make_frozen: MakeFrozen, make_photos: MakePhotos
) -> None:
    sizes = step_sizes(make_frozen(), make_photos(12), 0.5)
    # The first step of Adam is as large as the learning rate.
    expected = {"probabilities": 1.0, "high": 0.5, "inner": 0.25, "stem": 0.125}
    assert sizes == pytest.approx(expected, rel=0.02)


def test_without_decay_all_layers_have_the_same_rate(
    make_frozen: MakeFrozen, make_photos: MakePhotos
) -> None:
    sizes = step_sizes(make_frozen(), make_photos(12), 1.0)
    assert list(sizes.values()) == pytest.approx([1.0] * 4, rel=0.02)
