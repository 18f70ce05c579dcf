"""A preview shows what an augmenter does, as a picture and as an array."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from shelfvision._random import rng_for
from shelfvision.augment import (
    Blur,
    Compose,
    Flip,
    Noise,
    Rotate,
    default_augmenter,
    preview,
    preview_array,
)
from shelfvision.errors import AugmenterError, DataError
from support import refuses

IMAGES = rng_for(0, "test").integers(0, 256, (2, 12, 16, 3), dtype=np.uint8)


def test_a_preview_is_a_grid_of_originals_by_copies() -> None:
    copies = preview_array(default_augmenter(), IMAGES, n=5)
    assert copies.shape == (2, 5, 12, 16, 3)
    assert len({copy.tobytes() for copy in copies[0]}) == 5
    assert_array_equal(copies, preview_array(default_augmenter(), IMAGES, n=5))


def test_one_image_will_do() -> None:
    assert preview_array(Flip(), IMAGES[0], n=1)[0, 0].tolist() == IMAGES[0][:, ::-1].tolist()


def test_stages_show_one_copy_coming_about() -> None:
    augmenter = Compose([Rotate(), Blur(), Noise()])
    stages = preview_array(augmenter, IMAGES, stages=True)
    assert stages.shape == (2, 3, 12, 16, 3)
    assert_array_equal(stages[:, -1], preview_array(augmenter, IMAGES, n=1)[:, 0])
    assert_array_equal(stages[:, 0], preview_array(Rotate(), IMAGES, n=1)[:, 0])


def test_a_preview_is_drawn() -> None:
    pytest.importorskip("matplotlib")
    axes = preview(default_augmenter(), IMAGES, n=3)
    assert axes.shape == (2, 4)
    titles = [
        panel.get_title()
        for panel in np.ravel(preview(Compose([Flip(), Blur()]), IMAGES, stages=True))
    ]
    assert "Flip" in titles
    assert "Blur" in titles


def test_what_is_no_image_is_refused() -> None:
    with refuses(DataError, "wrong-shape", "images"):
        preview_array(Flip(), IMAGES / 255)  # type: ignore[arg-type]  # wrong on purpose


def test_a_broken_augmenter_is_named() -> None:
    with refuses(AugmenterError, "contract") as caught:
        preview_array(lambda image, rng: image[1:], IMAGES)
    assert "image 0" in str(caught.value)
