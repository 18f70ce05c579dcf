"""Reads what a HEIC file says of itself, before any pixel is decoded.

The file is a tree of boxes (ISO/IEC 14496-12) that describe items (ISO/IEC 23008-12). One item is
the photo. It is coded itself (``hvc1``), or derived from others: ``grid`` joins tiles, ``iovl``
lays images over a canvas, ``iden`` turns one; each may have an alpha image besides. pillow-heif
hands on none of its decoder's limits, so every canvas, every coded picture and every reference on
the way from the photo down is held against `DecodeLimits` here, with multiplicity: an image that
is used twice is decoded twice. What is not understood is refused.

Boxes and items that no pixel depends on, Exif and films above all, never reach the decoder.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from shelfvision._photos.heic.boxes import read_boxes
from shelfvision._photos.heic.costs import Costs
from shelfvision._photos.heic.hevc import BrokenPictureError
from shelfvision._photos.limits import DecodeLimits
from shelfvision._photos.refusals import AGAIN, refuse, refuse_truncated


@dataclass(frozen=True, slots=True)
class HeicPhoto:
    """What is known of the photo in a HEIC file."""

    width: int
    """In pixels, upright."""
    height: int
    """In pixels, upright."""
    decoding_bytes: int
    """Memory that decoding takes, estimated from above."""
    data: bytes
    """The file without the parts that no pixel depends on."""


def read_heic(data: bytes, limits: DecodeLimits, where: str) -> HeicPhoto:
    """Return what a file says of its photo; refuse one that costs more than it may."""
    try:
        return _photo(data, limits, where)
    except BrokenPictureError as error:
        refuse(
            where, "broken", f"is a HEIC file of which the decoder is not trusted: {error}", AGAIN
        )
    except (struct.error, IndexError):
        refuse_truncated(where)


def _photo(data: bytes, limits: DecodeLimits, where: str) -> HeicPhoto:
    images, shown = read_boxes(data, limits, where)
    if images.primary is None:
        images.refuse("does not say which image is the photo")
    images.require_shallow()
    images.require_small_properties()
    cost = Costs(images).of(images.primary)
    width, height = cost.width, cost.height
    for body in images.properties_of(images.items[images.primary], b"irot"):
        if body[:1] and body[0] & 1:
            width, height = height, width
    return HeicPhoto(width, height, int(cost.live), shown)
