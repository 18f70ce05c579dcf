r"""The table of image formats: suffixes, first bytes, and whether photos are read.

The table has one entry per format. Folder scans look up formats by name, the decoder by content.
Known formats that are not read have a command that converts them. To add a format, add an entry
here and a header reader in `headers`.

Examples
--------
>>> from shelfvision._photos.formats import format_of_content, format_of_name
>>> format_of_name("shelf/IMG_1.JPE").name
'JPEG'
>>> format_of_content(b"BM6\x00").is_read
False
"""

from __future__ import annotations

import io
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image as PillowImage
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFormat:
    """One image format."""

    name: str
    """The name in messages: ``"JPEG"``."""
    suffixes: tuple[str, ...]
    """The suffixes of its files, in lower case; the first is the usual one."""
    is_read: bool
    """Whether photos of this format are decoded."""
    opener: Callable[[io.BytesIO], PillowImage.Image] | None = None
    """The Pillow plugin that decodes it; None if Pillow does not decode it.

    Plugins are called directly, not through `PIL.Image.open`: its check for decompression bombs
    depends on a global setting and only warns. `headers` checks the size before.
    """
    magic: re.Pattern[bytes] | None = None
    """The first bytes of its files, for formats without a brand."""
    brands: frozenset[bytes] = frozenset()
    """Brands in the ``ftyp`` box, for formats of the ISO base media family."""
    extra: str = ""
    """The extra of shelfvision that reading requires; empty if none."""

    def starts(self, data: bytes) -> bool:
        """Return whether the content of a file is of this format."""
        if self.brands:
            return data[4:8] == b"ftyp" and bool(self.brands & _brands(data))
        return self.magic is not None and self.magic.match(data) is not None


# BMP, GIF, TIFF and AVIF are not read: their headers do not limit the memory of compressed data,
# pages or canvases, and few shops store photos in these formats.
FORMATS: tuple[ImageFormat, ...] = (
    ImageFormat(
        name="JPEG",
        suffixes=(".jpg", ".jpeg", ".jpe", ".jfif", ".jfi"),
        is_read=True,
        opener=JpegImageFile,
        magic=re.compile(rb"\xff\xd8\xff"),
    ),
    ImageFormat(
        name="PNG",
        suffixes=(".png",),
        is_read=True,
        opener=PngImageFile,
        magic=re.compile(rb"\x89PNG\r\n\x1a\n"),
    ),
    ImageFormat(
        name="WebP",
        suffixes=(".webp",),
        is_read=True,
        opener=WebPImageFile,
        magic=re.compile(rb"RIFF....WEBP", re.DOTALL),
    ),
    ImageFormat(
        name="HEIC",
        suffixes=(".heic", ".heif"),
        is_read=True,
        brands=frozenset((b"heic", b"heix", b"heim", b"heis")),
        extra="heif",
    ),
    ImageFormat(
        name="AVIF", suffixes=(".avif",), is_read=False, brands=frozenset((b"avif", b"avis"))
    ),
    ImageFormat(name="BMP", suffixes=(".bmp", ".dib"), is_read=False, magic=re.compile(rb"BM")),
    ImageFormat(name="GIF", suffixes=(".gif",), is_read=False, magic=re.compile(rb"GIF8[79]a")),
    ImageFormat(
        name="TIFF",
        suffixes=(".tif", ".tiff"),
        is_read=False,
        magic=re.compile(rb"II[*+]\0|MM\0[*+]"),
    ),
)
"""All known formats; formats that are read come first."""

_BY_SUFFIX = {suffix: known for known in FORMATS for suffix in known.suffixes}

READ_SUFFIXES: frozenset[str] = frozenset(
    suffix for suffix, known in _BY_SUFFIX.items() if known.is_read
)
"""The suffixes of readable photos, in lower case, with the dot."""


def readable_suffixes(*, heif: bool) -> tuple[str, ...]:
    """Return the suffixes of readable photos, with or without the extra ``heif``."""
    return tuple(
        suffix
        for suffix, known in _BY_SUFFIX.items()
        if known.is_read and (heif or known.extra != "heif")
    )


_READ = [known.name for known in FORMATS if known.is_read]
READ_NAMES = f"{', '.join(_READ[:-1])} or {_READ[-1]}"
"""The formats that are read, for messages."""


def format_of_name(name: str | os.PathLike[str]) -> ImageFormat | None:
    """Return the format of a file by its suffix, or None."""
    return _BY_SUFFIX.get(suffix_of(os.fspath(name)))


def format_of_content(data: bytes) -> ImageFormat | None:
    """Return the format of a file's first bytes (64 are enough), or None."""
    return next((known for known in FORMATS if known.starts(data)), None)


def suffix_of(name: str) -> str:
    """Return the last suffix of a name in lower case, with the dot, or an empty text.

    This is quicker than `pathlib` or `os.path.splitext`, for scans of 100,000 names.
    """
    dot = name.rfind(".")
    return "" if dot < 0 else name[dot:].lower()


def conversion(name: str | os.PathLike[str]) -> str:
    """Return a command that saves a copy of an image as a PNG photo next to it.

    The command needs only Pillow, which is installed with shelfvision.
    """
    source = os.fspath(name)
    target = (source[: source.rfind(".")] if suffix_of(source) else source) + ".png"
    code = f"from PIL import Image; Image.open({source!r}).convert('RGB').save({target!r})"
    # On Windows, only double quotes protect the other kind of quotes.
    return (
        f'python -c "{code}"'
        if set(code).isdisjoint('"$`\\!')
        else shlex.join(("python", "-c", code))
    )


def _brands(data: bytes) -> set[bytes]:
    """Return the brands of an ISO base media file."""
    end = min(int.from_bytes(data[:4], "big"), 256, len(data))
    return {data[place : place + 4] for place in (8, *range(16, end, 4))}
