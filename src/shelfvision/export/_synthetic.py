"""Synthetic images to verify an exported file on, if the caller gives no photos.

A faulty conversion changes the outputs for any varied input. These images have structure at every
scale, from one color to pixel noise, and include all black and all white. They cause small and
large activations in all layers.
"""

from __future__ import annotations

import numpy as np

from shelfvision._photos.decode import resize_image
from shelfvision._random import rng_for
from shelfvision.protocols import Image, Images

_N_IMAGES = 32
_GRIDS = (1, 2, 3, 5, 9, 17, 33, 65)
"""Sides of the random color grids that are enlarged to the image size."""


def synthetic_images(image_size: tuple[int, int]) -> Images:
    """Return the synthetic images, ``uint8``, shape (32, height, width, 3), deterministically."""
    extremes = [np.full((*image_size, 3), value, dtype=np.uint8) for value in (0, 255)]
    return np.stack([*extremes, *(_smooth_noise(image_size, i) for i in range(_N_IMAGES - 2))])


def _smooth_noise(image_size: tuple[int, int], number: int) -> Image:
    """Return a smooth color pattern with noise, and with random contrast and brightness."""
    rng = rng_for(0, "export.synthetic", number)
    grid = _GRIDS[number % len(_GRIDS)]
    colors = rng.integers(0, 256, (grid, grid, 3), dtype=np.uint8)
    smooth = resize_image(colors, image_size=image_size, resize="stretch").astype(np.float64)
    noise = rng.normal(0, 40 * rng.random(), (*image_size, 3))
    contrast, brightness = rng.uniform(0.3, 1.5), rng.uniform(-60, 60)
    image = (smooth - 128) * contrast + 128 + brightness + noise
    return np.asarray(np.clip(np.rint(image), 0, 255), dtype=np.uint8)
