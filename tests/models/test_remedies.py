"""What messages about pretrained weights say to do works when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._keras.layers import backbone_weights
from shelfvision.errors import MissingDependencyError, ModelError
from shelfvision.models import save_backbone
from support import refuses

if TYPE_CHECKING:
    import keras

SMALL, LITE0 = "keras:MobileNetV3Small", "efficientnet_lite0"


def built(architecture: str, *, weights: str | Path | None = None, seed: int = 1) -> keras.Model:
    side = 88 if architecture == "grocery_cnn" else 32
    return shv.build_model(
        2, architecture=architecture, image_size=(side, side), weights=weights, seed=seed
    )


def require_weights_of_a_file(architecture: str, path: Path) -> None:
    """Build with weights= the path of a file that save_backbone wrote, as messages say."""
    written = built(architecture)
    save_backbone(written, path)
    found = built(architecture, weights=path, seed=2)
    for one, two in zip(backbone_weights(found), backbone_weights(written), strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())


@pytest.mark.remedy("no-weights")
@pytest.mark.usefixtures("no_network")
def test_weights_that_cannot_be_downloaded_come_from_a_file(tmp_path: Path) -> None:
    with refuses(ModelError, "no-weights", "weights"):
        built(SMALL, weights="imagenet")
    require_weights_of_a_file(SMALL, tmp_path / "backbone.safetensors")


@pytest.mark.remedy("no-weights")
def test_a_network_without_pretrained_weights_takes_those_of_a_file(tmp_path: Path) -> None:
    with refuses(ModelError, "no-weights", "weights"):
        built("grocery_cnn", weights="imagenet")
    require_weights_of_a_file("grocery_cnn", tmp_path / "backbone.safetensors")


@pytest.mark.remedy("missing-dependency")
@pytest.mark.usefixtures("no_package_of_weights")
def test_weights_whose_package_is_missing_come_from_a_file(tmp_path: Path) -> None:
    with refuses(MissingDependencyError, "missing-dependency", "weights"):
        built(LITE0, weights="imagenet")
    require_weights_of_a_file(LITE0, tmp_path / "backbone.safetensors")
