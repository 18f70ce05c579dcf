"""Operations that move the image: each is a 3x3 matrix, and neighbours are sampled once."""

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
    """Mirror the image, always; `Maybe` makes it happen now and then.

    It mirrors text and logos too, so it suits fruit and vegetables, not packaged goods.
    """

    direction: Literal["horizontal", "vertical"] = "horizontal"
    """``"horizontal"`` swaps left and right, ``"vertical"`` top and bottom."""

    def __post_init__(self) -> None:
        """Check the settings."""
        one_of("Flip: direction", self.direction, ("horizontal", "vertical"), parameter="direction")

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the mirroring."""
        x, y = (-1.0, 1.0) if self.direction == "horizontal" else (1.0, -1.0)
        yield Move((x, 0, 0, 0, y, 0, 0, 0, 1))


@final
@dataclass(frozen=True, slots=True, repr=False)
class Rotate(Operation):
    """Turn the image about its centre."""

    degrees: Spread = 15.0
    """How far, in degrees from -180 to 180; positive turns clockwise."""
    fill: Fill = "reflect"
    """What shows in the corners: ``"reflect"`` or a colour (red, green, blue)."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "degrees", low=-180, high=180)
        set_fill(self)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the turn."""
        angle = math.radians(draw(rng, self.degrees))
        cosine, sine = math.cos(angle), math.sin(angle)
        yield Move((cosine, -sine, 0, sine, cosine, 0, 0, 0, 1), self.fill)


@final
@dataclass(frozen=True, slots=True, repr=False)
class Shift(Operation):
    """Move the image sideways and up or down, each drawn for itself."""

    fraction: Spread = 0.1
    """How far, as a part of the width and of the height, from -1 to 1; positive is right, down."""
    fill: Fill = "reflect"
    """What shows at the edge: ``"reflect"`` or a colour (red, green, blue)."""

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
    """What shows around a smaller image: ``"reflect"`` or a colour (red, green, blue)."""

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
    """Slant the image along its width."""

    degrees: Spread = 8.0
    """The slant of upright lines, in degrees from -60 to 60."""
    fill: Fill = "reflect"
    """What shows at the edge: ``"reflect"`` or a colour (red, green, blue)."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "degrees", low=-60, high=60)
        set_fill(self)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the slant."""
        slant = math.tan(math.radians(draw(rng, self.degrees)))
        yield Move((1, slant, 0, 0, 1, 0, 0, 0, 1), self.fill)


@final
@dataclass(frozen=True, slots=True, repr=False)
class Perspective(Operation):
    """Tilt the image, as if the camera stood a little to the side, above or below."""

    tilt: Spread = 0.15
    """How much nearer one edge comes than the opposite one, from -0.5 to 0.5, drawn for each of
    the two axes."""
    fill: Fill = "reflect"
    """What shows at the edge: ``"reflect"`` or a colour (red, green, blue)."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "tilt", low=-0.5, high=0.5)
        set_fill(self)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the tilt."""
        sideways, upright = draw(rng, self.tilt), draw(rng, self.tilt)
        yield Move((1, 0, 0, 0, 1, 0, sideways / size[1], upright / size[0], 1), self.fill)
