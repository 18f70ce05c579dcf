"""Operations that degrade an image like a camera: noise, blur, compression."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from PIL import Image as Pictures
from PIL import ImageFilter
from typing_extensions import override

from shelfvision._validation import as_integer
from shelfvision.augment.operations._operation import Operation, Spread, draw, set_spread
from shelfvision.augment.operations._stages import Stage, Touch
from shelfvision.augment.operations._warp import mirrored
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Image

# The standard deviation of the sum of four bytes.
_BYTES_DEVIATION = math.sqrt(4 * (256**2 - 1) / 12)


@final
@dataclass(frozen=True, slots=True, repr=False)
class Noise(Operation):
    """Add approximately Gaussian noise to each pixel and channel, like high ISO sensitivity."""

    levels: Spread = 12.0
    """The standard deviation, in levels of 255; a number a means from 0 to a."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "levels", low=0, high=255, one_sided=True)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the noise."""
        levels = draw(rng, self.levels, one_sided=True)
        yield Touch(lambda image: _grained(image, levels, rng))


def _grained(image: Image, levels: float, rng: np.random.Generator) -> Image:
    # The sum of four bytes is nearly normal, and raw bytes are the same for all NumPy versions.
    drawn = np.frombuffer(rng.bytes(4 * image.size), dtype=np.uint8).reshape(4, *image.shape)
    grain = drawn.sum(axis=0, dtype=np.int16) - 510
    values = image + grain * np.float32(levels / _BYTES_DEVIATION)
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)


@final
@dataclass(frozen=True, slots=True, repr=False)
class Blur(Operation):
    """Blur the image with a Gaussian, like a camera that is out of focus."""

    radius: Spread = 1.2
    """The standard deviation of the Gaussian, 0 to 50 pixels; a number a means from 0 to a."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "radius", low=0, high=50, one_sided=True)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the blur."""
        radius = draw(rng, self.radius, one_sided=True)
        yield Touch(lambda image: _blurred(image, radius))


def _blurred(image: Image, radius: float) -> Image:
    picture = Pictures.fromarray(np.ascontiguousarray(image))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)))


@final
@dataclass(frozen=True, slots=True, repr=False)
class MotionBlur(Operation):
    """Blur the image along a line, like a moving camera."""

    length: Spread = 5.0
    """The length of the movement, 0 to 50 pixels; a number a means from 0 to a."""
    degrees: Spread = 90.0
    """The direction, in degrees from -180 to 180; 0 is horizontal."""

    def __post_init__(self) -> None:
        """Check the settings."""
        set_spread(self, "length", low=0, high=50, one_sided=True)
        set_spread(self, "degrees", low=-180, high=180)

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the motion blur."""
        length = draw(rng, self.length, one_sided=True)
        angle = math.radians(draw(rng, self.degrees))
        yield Touch(lambda image: _smeared(image, length, angle))


def _smeared(image: Image, length: float, angle: float) -> Image:
    height, width = image.shape[:2]
    reach = math.ceil(length / 2)
    steps = max(1, math.ceil(length)) + 1
    wide = mirrored(image, reach, reach, reach, reach)
    total = np.zeros(image.shape, dtype=np.uint16)
    for step in range(steps):
        along = (step / (steps - 1) - 0.5) * length
        left = reach + round(along * math.cos(angle))
        top = reach + round(along * math.sin(angle))
        total += wide[top : top + height, left : left + width]
    return ((total + steps // 2) // steps).astype(np.uint8)


@final
@dataclass(frozen=True, slots=True, repr=False)
class JpegArtifacts(Operation):
    """Add JPEG compression artifacts, like messengers and cheap cameras."""

    quality: tuple[int, int] = (25, 75)
    """The lowest and the highest quality, from 1 to 95."""

    def __post_init__(self) -> None:
        """Check the settings."""
        low, high = _quality_range(self.quality)
        object.__setattr__(self, "quality", (low, high))

    @override
    def stages(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Stage]:
        """Yield the compression."""
        low, high = self.quality
        quality = low + int((high - low + 1) * float(rng.random()))
        yield Touch(lambda image: _recompressed(image, quality))


def _quality_range(value: object) -> tuple[int, int]:
    if isinstance(value, list | tuple) and len(value) == 2:
        low, high = (
            as_integer("JpegArtifacts: quality", part, minimum=1, maximum=95, parameter="quality")
            for part in value
        )
        if low <= high:
            return low, high
    raise InvalidParameterError(
        f"JpegArtifacts: quality must be a pair (low, high), got {value!r}",
        code="not-a-pair",
        parameter="quality",
    )


def _recompressed(image: Image, quality: int) -> Image:
    file = io.BytesIO()
    Pictures.fromarray(np.ascontiguousarray(image)).save(file, "JPEG", quality=quality)
    with Pictures.open(file, formats=("JPEG",)) as picture:
        return np.asarray(picture.convert("RGB"))
