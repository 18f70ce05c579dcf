"""LabelFont on pictures: which font, how wide a text is, and what fits."""

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
    """LabelFont of one size."""

    size: int
    """How high they are, in pixels."""
    path: str | None
    """The file of the font; None for the small one that comes with Pillow, which has ASCII only."""

    @classmethod
    def of(cls, size: int, font: str | os.PathLike[str] | None) -> LabelFont:
        """Return letters of a font that is given, or of the best that is there."""
        if font is None:
            return cls(size=size, path=_bundled())
        path = as_path(font, "font")
        try:
            _loaded(path, size)
        except OSError as error:
            raise InvalidParameterError(
                f"font must be the path of a TrueType or OpenType font, not {path!r} ({error}); "
                "leave it out for DejaVu Sans",
                code="unreadable",
                parameter="font",
            ) from error
        return cls(size=size, path=path)

    @property
    def font(self) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        """What Pillow draws with."""
        return _loaded(self.path, self.size)

    def shown(self, text: str) -> str:
        """Return a text as the font can write it: without it, accents go, other signs become ?."""
        text = "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)
        if self.path is not None or text.replace(_ELLIPSIS, "").isascii():
            return text
        bare = "".join(
            sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)
        )
        return "".join(sign if sign.isascii() else "?" for sign in bare)

    def width(self, text: str) -> int:
        """Return how wide the widest line of a text is, in pixels."""
        return round(max(self.font.getlength(line) for line in self.shown(text).split("\n")))

    def fitted(self, text: str, room: float) -> str:
        """Return a line of text, its end cut off where it is wider than the room."""
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
    # A name alone is looked for among the fonts of the system.
    if not os.path.lexists(path):
        return ImageFont.truetype(path, size)
    refuse = InvalidParameterError
    data = read_bounded(
        path, _LARGEST_FONT, what="font", error=refuse, missing=refuse, parameter="font"
    )
    return ImageFont.truetype(io.BytesIO(data), size)


@functools.cache
def _bundled() -> str | None:
    """Return the DejaVu Sans that matplotlib brings, which has Latin, Greek and Cyrillic."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return str(path) if path.is_file() else None
