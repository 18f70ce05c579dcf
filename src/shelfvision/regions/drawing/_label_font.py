"""`LabelFont`: choose a font, measure text, and shorten it to fit."""

from __future__ import annotations

import functools
import importlib.util
import io
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFont

from shelfvision._storage import read_bounded
from shelfvision._validation import as_path
from shelfvision.errors import InvalidParameterError

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_LARGEST_FONT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFont:
    """A font of one size for labels."""

    size: int
    """The font size in pixels."""
    path: str | None
    """The font file; None for Pillow's built-in font, which is used for ASCII only."""

    @classmethod
    def of(cls, size: int, font: str | os.PathLike[str] | None) -> LabelFont:
        """Return the given font, else DejaVu Sans if installed, else Pillow's built-in font."""
        if font is None:
            return cls(size=size, path=_bundled())
        path = as_path(font, "font")
        try:
            _loaded(path, size)
        except OSError as error:
            raise InvalidParameterError(
                f"font must be the path of a TrueType or OpenType font, got {path!r} ({error}); "
                "leave it out for DejaVu Sans",
                code="unreadable",
                parameter="font",
            ) from error
        return cls(size=size, path=path)

    @property
    def font(self) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        """The font object of Pillow."""
        return _loaded(self.path, self.size)

    def shown(self, text: str) -> str:
        """Return text that the font can write; for the built-in font, reduce it to ASCII."""
        text = "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)
        if self.path is not None or text.replace(_ELLIPSIS, "").isascii():
            return text
        bare = "".join(
            sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)
        )
        return "".join(sign if sign.isascii() else "?" for sign in bare)

    def width(self, text: str) -> int:
        """Return the width of the widest line of a text in pixels."""
        return round(max(self.font.getlength(line) for line in self.shown(text).split("\n")))

    def fitted(self, text: str, room: float) -> str:
        """Return a line of text, with its end cut off if it is wider than `room` pixels."""
        if self.width(text) <= room:
            return text
        for length in range(len(text) - 1, 0, -1):
            cut = f"{text[:length].rstrip()}{_ELLIPSIS}"
            if self.width(cut) <= room:
                return cut
        return ""


@functools.cache
def _loaded(path: str | None, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if path is None:
        return ImageFont.load_default(size)
    # Pillow searches the system's fonts for a file name that does not exist here.
    if not os.path.lexists(path):
        return ImageFont.truetype(path, size)
    refuse = InvalidParameterError
    data = read_bounded(
        path, _LARGEST_FONT, what="font", error=refuse, missing=refuse, parameter="font"
    )
    return ImageFont.truetype(io.BytesIO(data), size)


@functools.cache
def _bundled() -> str | None:
    """Return DejaVu Sans from matplotlib, which has Latin, Greek and Cyrillic, if installed."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return str(path) if path.is_file() else None
