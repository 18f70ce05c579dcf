"""Read the header of a HEIC file before any pixel is decoded.

The file is a tree of boxes (ISO/IEC 14496-12) that describe items (ISO/IEC 23008-12). One item is
the photo. It is a coded picture (``hvc1``) or derived from other items: ``grid`` joins tiles,
``iovl`` draws images on a canvas, and ``iden`` rotates one image. Each item may have an alpha
image. pillow-heif does not expose the limits of its decoder. This module therefore checks every
canvas, coded picture and reference below the photo against `DecodeLimits`. An image that is used
twice is decoded twice, so it counts twice. Files with unknown structures are refused.

Boxes and items that do not affect pixels, such as EXIF and videos, are hidden from the decoder.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from shelfvision._photos.heic.boxes import read_heic_boxes
from shelfvision._photos.heic.costs import Costs
from shelfvision._photos.heic.hevc import BrokenPictureError
from shelfvision._photos.limits import DecodeLimits
from shelfvision._photos.refusals import AGAIN, refuse, refuse_truncated


@dataclass(frozen=True, slots=True)
class HeicPhoto:
    """The checked header of the photo in a HEIC file."""

    width: int
    """In pixels, upright."""
    height: int
    """In pixels, upright."""
    decoding_bytes: int
    """Upper bound of the memory for decoding, in bytes."""
    data: bytes
    """The file, with the boxes that do not affect pixels hidden."""


def read_heic(data: bytes, limits: DecodeLimits, where: str) -> HeicPhoto:
    """Return the header of a HEIC file; refuse a photo that exceeds a limit."""
    try:
        return _photo(data, limits, where)
    except BrokenPictureError as error:
        refuse(where, "broken", f"is a HEIC file with invalid picture data: {error}", AGAIN)
    except (struct.error, IndexError):
        refuse_truncated(where)


def _photo(data: bytes, limits: DecodeLimits, where: str) -> HeicPhoto:
    images, shown = read_heic_boxes(data, limits, where)
    if images.primary is None:
        images.refuse("does not name its main image")
    images.require_shallow()
    images.require_small_properties()
    cost = Costs(images).of(images.primary)
    width, height = cost.width, cost.height
    for body in images.properties_of(images.items[images.primary], b"irot"):
        if body[:1] and body[0] & 1:
            width, height = height, width
    return HeicPhoto(width, height, int(cost.live), shown)
