"""`WholePhoto`: one upright photo at full resolution, and its source."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image as PillowImage

from shelfvision._photos.decode import DEFAULT_LIMITS, decode_whole, read_bytes
from shelfvision._photos.given import Photo, from_pillow, orientation_of, remedy_for
from shelfvision.errors import InvalidParameterError, PhotoError
from shelfvision.protocols import Image

Origin: TypeAlias = str | bytes | Image
"""A path, the bytes of an encoded file, or pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholePhoto:
    """One photo at full resolution."""

    name: str
    """The path of the photo, or ``"photo"`` without a path."""
    origin: Origin
    """The source from which the pixels can be read again."""
    pixels: Image
    """Upright RGB pixels."""
    orientation: int
    """The EXIF orientation of the file or PIL image, 1 to 8; 1 is upright."""

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]


def whole_photo(photo: Photo) -> WholePhoto:
    """Read one photo at full resolution."""
    if isinstance(photo, np.ndarray):
        _require_pixels(photo)
        return WholePhoto(name="photo", origin=photo, pixels=photo, orientation=1)
    if isinstance(photo, bytes | bytearray | memoryview):
        data = bytes(photo)
        pixels, orientation = decode_whole(data)
        return WholePhoto(name="photo", origin=data, pixels=pixels, orientation=orientation)
    if isinstance(photo, PillowImage.Image):
        # The file of a PIL image may be closed or changed later, so the pixels are kept.
        pixels = from_pillow(photo, "photo", DEFAULT_LIMITS)
        turn = orientation_of(photo)
        return WholePhoto(name="photo", origin=pixels, pixels=pixels, orientation=turn)
    if not isinstance(photo, str | os.PathLike):
        raise InvalidParameterError(
            "photo must be a path, the bytes of an encoded file, a PIL image or uint8 pixels of "
            f"shape (height, width, 3), got {type(photo).__name__}; {_remedy(photo)}",
            code="wrong-type",
            parameter="photo",
        )
    name = os.fsdecode(photo)
    pixels, orientation = decode_whole(read_bytes(name)[0], where=name)
    return WholePhoto(name=name, origin=name, pixels=pixels, orientation=orientation)


def pixels_of(origin: Origin, image_size: tuple[int, int]) -> Image:
    """Read the pixels of a photo again; raise if it has another size now."""
    photo = whole_photo(origin)
    if photo.image_size != image_size:
        height, width = photo.image_size
        raise PhotoError(
            f"{photo.name!r} must have {image_size[1]} x {image_size[0]} pixels as before, got "
            f"{width} x {height}; predict again",
            path=photo.name,
            code="changed",
        )
    return photo.pixels


def _require_pixels(photo: Image) -> None:
    if photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape or photo.dtype != np.uint8:
        raise InvalidParameterError(
            "photo must be uint8 pixels of shape (height, width, 3), values 0 to 255, got "
            f"{photo.dtype} of shape {photo.shape}; {_remedy(photo)}",
            code="wrong-shape",
            parameter="photo",
        )


def _remedy(photo: object) -> str:
    """Return the remedy: convert the pixels, or pass the photos of a batch one by one."""
    if hasattr(photo, "__array__") and len(getattr(photo, "shape", ())) < 4:
        return remedy_for(photo, "photo")
    return "pass several photos one by one"
