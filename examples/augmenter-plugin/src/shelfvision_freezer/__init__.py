"""Augmenters for photos taken through the doors of freezers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shelfvision.protocols import Image

__all__ = ["Frost", "fog"]


def fog(image: Image, rng: np.random.Generator) -> Image:
    """Add white haze, as on the glass door of a freezer."""
    veil = rng.uniform(0.1, 0.5)
    return (image * (1 - veil) + 255 * veil).astype(np.uint8)


@dataclass(frozen=True)
class Frost:
    """Cover some pixels with ice, more of them towards the edges."""

    cover: float = 0.3
    """The part of the pixels that ice covers at the edges, from 0 to 1."""
    light: int = 225
    """How bright the ice is, from 0 to 255."""

    def __post_init__(self) -> None:
        """Refuse settings that make no sense, where they are written."""
        if not 0 <= self.cover <= 1:
            raise ValueError(f"cover must be from 0 to 1, not {self.cover!r}")
        if not 0 <= self.light <= 255:
            raise ValueError(f"light must be from 0 to 255, not {self.light!r}")

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """Return a frosted copy of the image."""
        height, width = image.shape[:2]
        down = np.abs(np.linspace(-1, 1, height))[:, None]
        right = np.abs(np.linspace(-1, 1, width))
        ice = rng.random((height, width)) < self.cover * np.maximum(down, right) ** 2
        frosted = image.copy()
        frosted[ice] = self.light
        return frosted
