"""Colour operations: each is a 3x4 matrix, and neighbouring operations become one pass."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from typing_extensions import override

from shelfvision.augment.operations._operation import Operation, Spread, draw, set_spread
from shelfvision.augment.operations._stages import Stage, Tint

# The weights of red, green and blue in perceived lightness (ITU-R BT.601).
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114
_MID_GREY = 127.5
_GREY = np.array([[_RED, _GREEN, _BLUE]] * 3)
# Rows: lightness, then the two axes of the chroma plane.
_YIQ = np.array([[_RED, _GREEN, _BLUE], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_QUARTER_TURN = np.linalg.inv(_YIQ) @ np.array([[0, 0, 0], [0, 0, -1], [0, 1, 0]]) @ _YIQ


@final
@dataclass(frozen=True, slots=True, repr=False)
class Brightness(Operation):
    """Change the brightness."""

    change: Spread = 0.2
    """The change of all values, from -1 to 4: 0.2 means from 20 % darker to 20 % brighter."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "change", low=-1, high=4)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the change of brightness."""
        gain = 1 + draw(rng, self.change)
        yield Tint((gain, 0, 0, 0, 0, gain, 0, 0, 0, 0, gain, 0))


@final
@dataclass(frozen=True, slots=True, repr=False)
class Contrast(Operation):
    """Change the contrast: move all values towards mid-grey or away from it."""

    change: Spread = 0.2
    """The change of distance from mid-grey, from -1 to 4."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "change", low=-1, high=4)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the change of contrast."""
        gain = 1 + draw(rng, self.change)
        offset = _MID_GREY * (1 - gain)
        yield Tint((gain, 0, 0, offset, 0, gain, 0, offset, 0, 0, gain, offset))


@final
@dataclass(frozen=True, slots=True, repr=False)
class Saturation(Operation):
    """Change the saturation of colours at constant lightness."""

    change: Spread = 0.3
    """The change of distance from grey, from -1 (grey) to 4."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "change", low=-1, high=4)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the change of saturation."""
        gain = 1 + draw(rng, self.change)
        r, g, b = (weight * (1 - gain) for weight in (_RED, _GREEN, _BLUE))
        yield Tint((r + gain, g, b, 0, r, g + gain, b, 0, r, g, b + gain, 0))


@final
@dataclass(frozen=True, slots=True, repr=False)
class Hue(Operation):
    """Rotate the hue of all colours at constant lightness.

    Many products differ by colour only (lemon and lime), so use small angles.
    """

    degrees: Spread = 8.0
    """The angle, in degrees from -180 to 180."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "degrees", low=-180, high=180)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the rotation in the chroma plane of YIQ, where it is linear."""
        angle = math.radians(draw(rng, self.degrees))
        turned = _GREY + math.cos(angle) * (np.eye(3) - _GREY) + math.sin(angle) * _QUARTER_TURN
        (a, b, c), (d, e, f), (g, h, i) = turned.tolist()
        yield Tint((a, b, c, 0, d, e, f, 0, g, h, i, 0))


@final
@dataclass(frozen=True, slots=True, repr=False)
class ColorTemperature(Operation):
    """Make the light warmer (redder) or cooler (bluer), like other lamps or white balance."""

    change: Spread = 0.1
    """The relative increase of red and decrease of blue, from -0.5 to 0.5; negative is cooler."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "change", low=-0.5, high=0.5)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the change of the white point at constant lightness."""
        warmth = draw(rng, self.change)
        scale = 1 / (1 + warmth * (_RED - _BLUE))
        red, green, blue = (1 + warmth) * scale, scale, (1 - warmth) * scale
        yield Tint((red, 0, 0, 0, 0, green, 0, 0, 0, 0, blue, 0))
