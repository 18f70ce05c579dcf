"""`DecodeLimits`: the limits that are checked in the header of a photo before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import final

from shelfvision._validation import as_integer


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeLimits:
    """Limits of one photo; a photo that exceeds a limit is refused before it is decoded.

    The defaults accept the photos of a 50-megapixel phone and keep the memory of the decoder below
    512 MiB for all formats and modes.

    Raises
    ------
    InvalidParameterError
        A limit is not an integer of at least 1.

    Examples
    --------
    >>> import shelfvision as shv
    >>> shv.DecodeLimits(max_pixels=12_000_000).max_pixels
    12000000
    """

    max_bytes: int = 128 * 1024 * 1024
    """Size of the file, in bytes."""
    max_side: int = 20_000
    """Width or height, in pixels."""
    max_pixels: int = 52_000_000
    """Width times height."""
    max_memory: int = 512 * 1024 * 1024
    """Memory for decoding, including the file, in bytes. It is an upper bound by format and mode: a
    pixel of a JPEG or PNG takes 7 or 8 bytes at the original size, a pixel of a WebP 17."""
    max_scans: int = 32
    """Passes of a progressive JPEG; common encoders write 3 to 12."""
    max_frames: int = 1
    """Frames of an animated PNG or WebP; if more than 1 is allowed, the first frame is used."""
    max_chunks: int = 20_000
    """Segments of a JPEG file, or chunks of a PNG or WebP file."""

    def __post_init__(self) -> None:
        for field in fields(self):
            as_integer(field.name, getattr(self, field.name), minimum=1)
