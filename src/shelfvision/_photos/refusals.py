"""Errors for photos that are refused, with fault and remedy in one sentence."""

from __future__ import annotations

from typing import NoReturn

from shelfvision._photos.limits import DecodeLimits
from shelfvision.errors import PhotoError

AGAIN = "copy it from its source again, or remove it"
"""The remedy for a corrupted file."""
RAISE = "make it smaller, or pass DecodeLimits with a higher {}"
"""The remedy for a photo that exceeds a limit."""


def refuse(where: str, code: str, what: str, remedy: str) -> NoReturn:
    """Raise a `PhotoError` of one sentence."""
    raise PhotoError(f"{where or 'the photo'!r} {what}; {remedy}", path=where, code=code)


def refuse_size(where: str, size: int, limits: DecodeLimits) -> NoReturn:
    """Raise the error of a file with too many bytes."""
    what = f"has {size:,} bytes, more than the {limits.max_bytes:,} allowed"
    refuse(where, "too-large", what, RAISE.format("max_bytes"))


def refuse_truncated(where: str) -> NoReturn:
    """Raise the error of a file that ends too early."""
    refuse(where, "truncated", "is truncated: the file ends before the image does", AGAIN)


def check_size(width: int, height: int, limits: DecodeLimits, where: str) -> None:
    """Refuse a photo with too many pixels, or without pixels."""
    if width < 1 or height < 1:
        refuse(where, "broken", f"declares a size of {width} x {height} pixels", AGAIN)
    size = f"has {width} x {height} pixels"
    if max(width, height) > limits.max_side:
        what = f"{size}; the maximum for a side is {limits.max_side:,}"
        refuse(where, "too-many-pixels", what, RAISE.format("max_side"))
    if width * height > limits.max_pixels:
        what = f"{size}; the maximum is {limits.max_pixels:,} pixels in total"
        refuse(where, "too-many-pixels", what, RAISE.format("max_pixels"))


def check_memory(needed: int, limits: DecodeLimits, where: str) -> None:
    """Refuse a photo whose decoding takes too much memory."""
    if needed > limits.max_memory:
        what = (
            f"takes some {needed / 2**20:,.0f} MiB to decode, more than the "
            f"{limits.max_memory / 2**20:,.0f} allowed"
        )
        refuse(where, "too-much-memory", what, RAISE.format("max_memory"))


def check_chunks(count: int, limits: DecodeLimits, where: str) -> None:
    """Refuse a file with too many chunks."""
    if count > limits.max_chunks:
        what = f"is cut into more than the {limits.max_chunks:,} chunks allowed"
        refuse(where, "too-many-chunks", what, RAISE.format("max_chunks"))


def check_frames(count: int, limits: DecodeLimits, where: str) -> None:
    """Refuse an animation with too many frames."""
    if count > limits.max_frames:
        what = f"is an animation of {count:,} frames, where {limits.max_frames:,} is allowed"
        refuse(where, "too-many-frames", what, "save a single frame as the photo")
