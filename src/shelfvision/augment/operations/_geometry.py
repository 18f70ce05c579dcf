"""Geometric operations: each is a 3x3 matrix, and neighbouring operations are resampled once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from typing_extensions import override

from shelfvision._validation import one_of
from shelfvision.augment.operations._operation import Operation, Spread, draw, set_fill, set_spread
from shelfvision.augment.operations._stages import Move, Stage
from shelfvision.augment.operations._warp import Fill


@final
@dataclass(frozen=True, slots=True, repr=False)
class Flip(Operation):
    """Flip the image. ``Maybe(Flip())`` flips half of the images.

    Text and logos are mirrored too, so use it for fruit and vegetables, not for packaged goods.
    """

    direction: Literal["horizontal", "vertical"] = "horizontal"
    """``"horizontal"`` swaps left and right, ``"vertical"`` top and bottom."""

    def __post_init__(self) -> None:
        """Check the settings."""
        one_of("Flip: direction", self.direction, ("horizontal", "vertical"), parameter="direction")

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the flip."""
        x, y = (-1.0, 1.0) if self.direction == "horizontal" else (1.0, -1.0)
        yield Move((x, 0, 0, 0, y, 0, 0, 0, 1))


@final
@dataclass(frozen=True, slots=True, repr=False)
class Rotate(Operation):
    """Rotate the image about its centre."""

    degrees: Spread = 15.0
    """The angle, in degrees from -180 to 180; positive is clockwise."""
    fill: Fill = "reflect"
    """The fill of the corners: ``"reflect"`` or a colour (red, green, blue)."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "degrees", low=-180, high=180)
        set_fill(self)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the rotation."""
        angle = math.radians(draw(rng, self.degrees))
        cosine, sine = math.cos(angle), math.sin(angle)
        yield Move((cosine, -sine, 0, sine, cosine, 0, 0, 0, 1), self.fill)


@final
@dataclass(frozen=True, slots=True, repr=False)
class Shift(Operation):
    """Shift the image horizontally and vertically, by independent random distances."""

    fraction: Spread = 0.1
    """The distance as a fraction of width and height, from -1 to 1; positive is right and down."""
    fill: Fill = "reflect"
    """The fill at the edges: ``"reflect"`` or a colour (red, green, blue)."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "fraction", low=-1, high=1)
        set_fill(self)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the shift."""
        right = draw(rng, self.fraction) * size[1]
        down = draw(rng, self.fraction) * size[0]
        yield Move((1, 0, right, 0, 1, down, 0, 0, 1), self.fill)


@final
@dataclass(frozen=True, slots=True, repr=False)
class Zoom(Operation):
    """Enlarge or shrink the image about its centre."""

    change: Spread = 0.1
    """The change of scale, from -0.8 to 4: 0.1 means from 10 % smaller to 10 % larger."""
    fill: Fill = "reflect"
    """The fill around a smaller image: ``"reflect"`` or a colour (red, green, blue)."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "change", low=-0.8, high=4)
        set_fill(self)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the change of scale."""
        scale = 1 + draw(rng, self.change)
        yield Move((scale, 0, 0, 0, scale, 0, 0, 0, 1), self.fill)


@final
@dataclass(frozen=True, slots=True, repr=False)
class Shear(Operation):
    """Shear the image horizontally."""

    degrees: Spread = 8.0
    """The angle of vertical lines, in degrees from -60 to 60."""
    fill: Fill = "reflect"
    """The fill at the edges: ``"reflect"`` or a colour (red, green, blue)."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "degrees", low=-60, high=60)
        set_fill(self)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the shear."""
        slant = math.tan(math.radians(draw(rng, self.degrees)))
        yield Move((1, slant, 0, 0, 1, 0, 0, 0, 1), self.fill)


@final
@dataclass(frozen=True, slots=True, repr=False)
class Perspective(Operation):
    """Change the perspective, as if the camera moved sideways, up or down."""

    tilt: Spread = 0.15
    """The tilt of each axis, from -0.5 to 0.5: how much nearer one edge is than the other."""
    fill: Fill = "reflect"
    """The fill at the edges: ``"reflect"`` or a colour (red, green, blue)."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "tilt", low=-0.5, high=0.5)
        set_fill(self)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the tilt."""
        sideways, upright = draw(rng, self.tilt), draw(rng, self.tilt)
        yield Move((1, 0, 0, 0, 1, 0, sideways / size[1], upright / size[0], 1), self.fill)
