"""Augmenters that tests of several rooms use; each follows the contract and can be pickled."""

from __future__ import annotations

import numpy as np

from shelfvision.protocols import Image


def flip(image: Image, rng: np.random.Generator) -> Image:
    """Return the image mirrored; nothing is random."""
    return image[:, ::-1].copy()


def invert(image: Image, rng: np.random.Generator) -> Image:
    """Return the negative; nothing is random."""
    return 255 - image


def shade(image: Image, rng: np.random.Generator) -> Image:
    """Return the image at a random brightness."""
    return (image * rng.uniform(0.5, 1.0)).astype(np.uint8)
