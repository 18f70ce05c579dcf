"""Tests of the tiers, the recommended pretrained networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import shelfvision as shv
from shelfvision.errors import InvalidParameterError
from shelfvision.models.pretrained import installation_of
from support import refuses

installed = pytest.mark.skipif(
    not (found := installation_of("efficientnet_lite0")) or not found.installed,
    reason="needs pretrained weights",
)


@pytest.mark.backend
@installed
@pytest.mark.parametrize("image_size", [None, (64, 96)])
def test_a_tier_is_an_architecture_with_pretrained_weights_and_a_size(
    image_size: tuple[int, int] | None,
) -> None:
    model = shv.build_model(3, tier="fast", image_size=image_size)
    tier = shv.models.TIERS["fast"]
    assert model.input_shape == (None, *(image_size or tier.image_size), 3)
    other = shv.build_model(
        3,
        architecture=tier.architecture,
        weights="imagenet",
        image_size=image_size or tier.image_size,
    )
    for ours, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not model.layers[2].trainable


@pytest.mark.backend
@installed
def test_a_tier_takes_weights_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "backbone.safetensors"
    shv.models.save_backbone(shv.build_model(3, tier="fast"), path)
    model = shv.build_model(4, tier="balanced", weights=path)
    assert model.input_shape == (None, *shv.models.TIERS["balanced"].image_size, 3)


def test_every_tier_has_a_package_of_weights() -> None:
    for tier in shv.models.TIERS.values():
        assert installation_of(tier.architecture) is not None


def test_a_tier_and_an_architecture_are_refused() -> None:
    with refuses(InvalidParameterError, "conflict", "tier"):
        shv.build_model(3, tier="fast", architecture="shelf_cnn")


def test_an_unknown_tier_is_refused() -> None:
    with refuses(InvalidParameterError, "not-an-option", "tier"):
        shv.build_model(3, tier="quick")  # type: ignore[arg-type]
