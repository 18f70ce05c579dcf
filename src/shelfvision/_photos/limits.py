"""`DecodeLimits`: what a photo may cost before it is refused, read from its header."""

from __future__ import annotations

from dataclasses import dataclass, fields

from shelfvision._validation import as_integer


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeLimits:
    """The most that one photo may ask for; a photo past a limit is refused before it is decoded.

    The defaults let every photo of a 50-megapixel phone pass and keep the decoder's memory under
    512 MiB, whatever the format and mode.

    Raises
    ------
    InvalidParameterError
        A limit is not a whole number of at least 1.

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
    """Memory that decoding takes, the file included, in bytes, estimated from above by format and
    mode: at its own size, a pixel of a JPEG or PNG takes 7 or 8 bytes, one of a WebP 17."""
    max_scans: int = 32
    """Passes of a progressive JPEG; common encoders write 3 to 12."""
    max_frames: int = 1
    """Frames of an animated PNG or WebP; where more are allowed, the first one is the photo."""
    max_chunks: int = 20_000
    """Segments of a JPEG, or chunks of a PNG or WebP, that the file is cut into."""

    def __post_init__(self) -> None:
        for field in fields(self):
            as_integer(field.name, getattr(self, field.name), minimum=1)
