"""Operations that cover a part of the image: glare, shadows, erased areas, price tags."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures
from PIL import ImageDraw
from typing_extensions import override

from shelfvision.augment.operations._operation import Operation, Spread, draw, set_fill, set_spread
from shelfvision.augment.operations._stages import Stage, Touch
from shelfvision.augment.operations._warp import Colour
from shelfvision.protocols import Image


@final
@dataclass(frozen=True, slots=True, repr=False)
class Glare(Operation):
    """Add a soft bright spot, like the reflection of a lamp on foil or glass."""

    strength: Spread = (0.3, 0.8)
    """The opacity of white at the center, from 0 to 1; a number a means from 0 to a."""
    size: Spread = (0.08, 0.25)
    """The length as a fraction of the longer side of the image, from 0.01 to 1."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "strength", low=0, high=1, one_sided=True)
        set_spread(self, "size", low=0.01, high=1, one_sided=True)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the spot."""
        strength = draw(rng, self.strength, one_sided=True)
        reach = max(draw(rng, self.size, one_sided=True) * max(size), 0.5)
        column, row = float(rng.random()) * size[1], float(rng.random()) * size[0]
        angle, slim = math.pi * float(rng.random()), 0.25 + 0.5 * float(rng.random())
        along, across = _axes(size, row, column, angle)
        square = (along / reach) ** 2 + (across / (reach * slim)) ** 2
        light = np.float32(strength) * np.exp(-square)
        yield Touch(lambda image: _blended(image, light, 255))


@final
@dataclass(frozen=True, slots=True, repr=False)
class ShadowBand(Operation):
    """Add a shadow across the image, like that of a shelf board or a rail."""

    strength: Spread = (0.2, 0.55)
    """The darkness, from 0 to 1 (black); a number a means from 0 to a."""
    width: Spread = (0.15, 0.5)
    """The width as a fraction of the longer side of the image, from 0.01 to 1."""
    degrees: Spread = 30.0
    """The slope, in degrees from -90 to 90; 0 is horizontal."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "strength", low=0, high=1, one_sided=True)
        set_spread(self, "width", low=0.01, high=1, one_sided=True)
        set_spread(self, "degrees", low=-90, high=90)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the shadow, with soft edges."""
        strength = draw(rng, self.strength, one_sided=True)
        half = max(draw(rng, self.width, one_sided=True) * max(size) / 2, 0.5)
        angle = math.radians(draw(rng, self.degrees))
        column, row = float(rng.random()) * size[1], float(rng.random()) * size[0]
        _, across = _axes(size, row, column, angle)
        soft = max(0.3 * half, 0.5)
        cover = np.clip((half - np.abs(across)) / soft + 0.5, 0, 1) * np.float32(strength)
        yield Touch(lambda image: _blended(image, cover, 0))


def _axes(
    size: tuple[int, int], row: float, column: float, angle: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the distance of each pixel from a point, along a direction and across it."""
    right = np.arange(size[1], dtype=np.float32) + np.float32(0.5 - column)
    down = (np.arange(size[0], dtype=np.float32) + np.float32(0.5 - row))[:, None]
    cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    return right * cosine + down * sine, down * cosine - right * sine


def _blended(image: Image, cover: npt.NDArray[np.floating], level: int) -> Image:
    """Return the image blended with one level of grey; `cover` is the opacity, 0 to 1."""
    cover = cover[:, :, None]
    values = image * (1 - cover) + cover * np.float32(level)
    return np.asarray(values + np.float32(0.5)).astype(np.uint8)


@final
@dataclass(frozen=True, slots=True, repr=False)
class Erase(Operation):
    """Cover a rectangle, like a hand or another product in front.

    References
    ----------
    Z. Zhong et al., "Random Erasing Data Augmentation", AAAI 2020.
    """

    area: Spread = (0.03, 0.15)
    """The covered fraction of the image, from 0 to 1; a number a means from 0 to a."""
    fill: Literal["mean"] | Colour = "mean"
    """``"mean"`` (the image's average colour) or a colour (red, green, blue)."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "area", low=0, high=1, one_sided=True)
        set_fill(self, word="mean")

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the rectangle, whose relative side lengths differ by a factor of at most 2."""
        area = draw(rng, self.area, one_sided=True)
        longer = math.sqrt(2 ** (2 * float(rng.random()) - 1))
        height = min(size[0], max(1, round(size[0] * math.sqrt(area) * longer)))
        width = min(size[1], max(1, round(size[1] * math.sqrt(area) / longer)))
        top = int((size[0] - height + 1) * float(rng.random()))
        left = int((size[1] - width + 1) * float(rng.random()))
        window = (slice(top, top + height), slice(left, left + width))
        yield Touch(lambda image: self._covered(image, window))

    def _covered(self, image: Image, window: tuple[slice, slice]) -> Image:
        result = image.copy()
        mean = np.rint(image.mean(axis=(0, 1), dtype=np.float64))
        result[window] = mean if self.fill == "mean" else self.fill
        return result


@final
@dataclass(frozen=True, slots=True, repr=False)
class PriceTag(Operation):
    """Add a price tag: a light, slightly rotated card with dark print."""

    size: Spread = (0.2, 0.4)
    """The width as a fraction of the image width, from 0.02 to 1."""
    degrees: Spread = 12.0
    """The rotation, in degrees from -180 to 180."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "size", low=0.02, high=1, one_sided=True)
        set_spread(self, "degrees", low=-180, high=180)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the tag."""
        width = max(draw(rng, self.size, one_sided=True) * size[1], 1.0)
        angle = math.radians(draw(rng, self.degrees))
        column, row = float(rng.random()) * size[1], float(rng.random()) * size[0]
        card = _CARDS[int(len(_CARDS) * float(rng.random()))]
        lines = [0.35 + 0.6 * float(rng.random()) for _ in range(3)]
        place = _Place(column, row, width, 0.6 * width, math.cos(angle), math.sin(angle))
        yield Touch(lambda image: _tagged(image, place, card, lines))


_CARDS: tuple[Colour, ...] = ((250, 250, 246), (252, 226, 70), (240, 240, 240), (226, 60, 48))


@dataclass(frozen=True, slots=True)
class _Place:
    """The position of a tag: its center and size in pixels, and its rotation."""

    column: float
    row: float
    width: float
    height: float
    cosine: float
    sine: float

    def box(
        self, left: float, top: float, right: float, bottom: float
    ) -> list[tuple[float, float]]:
        """Return the corners of a box on the tag, given in fractions of its sides, 0 to 1."""
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        offsets = [((u - 0.5) * self.width, (v - 0.5) * self.height) for u, v in corners]
        return [
            (
                self.column + x * self.cosine - y * self.sine,
                self.row + x * self.sine + y * self.cosine,
            )
            for x, y in offsets
        ]


def _tagged(image: Image, place: _Place, card: Colour, lines: list[float]) -> Image:
    picture = Pictures.fromarray(np.ascontiguousarray(image))
    pen = ImageDraw.Draw(picture)
    pen.polygon(place.box(0, 0, 1, 1), fill=card)
    pen.polygon(place.box(0.08, 0.12, 0.08 + 0.5 * lines[0], 0.22), fill=(70, 70, 70))
    pen.polygon(place.box(0.08, 0.3, 0.08 + 0.5 * lines[1], 0.38), fill=(110, 110, 110))
    for start in (0.3, 0.52, 0.74):
        pen.polygon(place.box(start, 0.48, start + 0.18 * lines[2], 0.88), fill=(25, 25, 25))
    return np.asarray(picture)
