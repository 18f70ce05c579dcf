"""Drawing primitives for shelf photos: a resized photo, frames, tags and a legend."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import SupportsIndex, TypeAlias

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from shelfvision._text import shortened
from shelfvision._validation import as_integer
from shelfvision.protocols import Image
from shelfvision.regions.drawing._label_font import LabelFont

Rgb: TypeAlias = tuple[int, int, int]

# Blue and orange of Okabe and Ito (2008), distinguishable with color blindness and in gray.
SURE: Rgb = (0, 114, 178)
UNSURE: Rgb = (230, 159, 0)
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (20, 20, 20)

_WIDEST = 1600
"""The largest default width of a picture in pixels."""
_LONGEST_NAME = 80
_LONGEST_LEGEND = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """A resized photo to draw on."""

    picture: PillowImage.Image
    """The photo, resized to the width of the picture."""
    scale: float
    """The width of the picture divided by the width of the photo."""
    letters: LabelFont
    """The font of the labels, with a size that fits the width of the picture."""

    @classmethod
    def of(
        cls,
        photo: Image,
        width: SupportsIndex | None,
        font: str | os.PathLike[str] | None = None,
    ) -> Canvas:
        """Return the photo resized to a width."""
        own = photo.shape[1]
        wide = min(own, _WIDEST) if width is None else as_integer("width", width, minimum=50)
        wide = as_integer("width", wide, minimum=1, maximum=20_000)
        picture = PillowImage.fromarray(np.ascontiguousarray(photo))
        if wide != own:
            size = wide, max(1, round(photo.shape[0] * wide / own))
            picture = picture.resize(size, PillowImage.Resampling.BILINEAR, reducing_gap=3.0)
        letters = LabelFont.of(max(12, round(wide / 80)), font)
        return cls(picture=picture, scale=wide / own, letters=letters)

    @property
    def line(self) -> int:
        """The width of lines in pixels."""
        return max(2, round(self.letters.size / 7))

    def pen(self) -> ImageDraw.ImageDraw:
        """Return the object that draws on the picture."""
        return ImageDraw.Draw(self.picture)

    def with_legend(self, entries: Sequence[str]) -> Image:
        """Return the picture with a legend below it, in as many columns as fit."""
        if not entries:
            return np.array(self.picture)
        if len(entries) > _LONGEST_LEGEND:
            more = f"and {len(entries) - _LONGEST_LEGEND:,} more"
            entries = [*entries[:_LONGEST_LEGEND], more]
        letters = self.letters
        pad, step = letters.size // 2, round(1.5 * letters.size)
        widest = max(letters.width(entry) for entry in entries) + 2 * pad
        columns = max(1, min(len(entries), self.picture.width // widest))
        rows = -(-len(entries) // columns)
        size = self.picture.width, self.picture.height + rows * step + 2 * pad
        whole = PillowImage.new("RGB", size, WHITE)
        whole.paste(self.picture)
        pen = ImageDraw.Draw(whole)
        for place, entry in enumerate(entries):
            column, row = divmod(place, rows)
            at = pad + column * (size[0] - pad) // columns, self.picture.height + pad + row * step
            room = (size[0] - pad) // columns - pad
            text = letters.shown(letters.fitted(entry, room))
            pen.text(at, text, fill=BLACK, font=letters.font)
        return np.array(whole)


def named(name: str) -> str:
    """Return a class name on one line, shortened, without control characters."""
    return shortened(name, _LONGEST_NAME)


def tag(
    pen: ImageDraw.ImageDraw,
    corner: tuple[float, float],
    text: str,
    letters: LabelFont,
    ground: Rgb,
) -> None:
    """Write text on a filled background; `corner` is the upper left one."""
    if not text:
        return
    ink = BLACK if 0.3 * ground[0] + 0.59 * ground[1] + 0.11 * ground[2] > 130 else WHITE
    step = round(1.15 * letters.size)
    wide, tall = tag_size(text, letters)
    left, top = corner
    pen.rectangle((left, top, left + wide - 1, top + tall - 1), fill=ground)
    for row, line in enumerate(letters.shown(text).split("\n")):
        middle = top + (row + 0.5) * step + 1
        pen.text((left + wide / 2, middle), line, fill=ink, font=letters.font, anchor="mm")


def tag_size(text: str, letters: LabelFont) -> tuple[int, int]:
    """Return width and height of a tag in pixels."""
    rows = text.count("\n") + 1
    return letters.width(text) + max(4, letters.size // 3), rows * round(1.15 * letters.size) + 2


def frame(
    pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float], line: int, *, sure: bool
) -> None:
    """Draw a frame inside a box: solid if `sure`, else dashed in another color."""
    left, top, right, bottom = box
    right, bottom = max(right - 1, left), max(bottom - 1, top)
    thin = max(1, line // 2)
    # An outline of contrasting lightness keeps the frame visible on any photo.
    edge = WHITE if sure else BLACK
    pen.rectangle((left, top, right, bottom), outline=edge, width=line + 2 * thin)
    inner = left + thin, top + thin, right - thin, bottom - thin
    if inner[2] <= inner[0] or inner[3] <= inner[1]:
        return
    if sure:
        pen.rectangle(inner, outline=SURE, width=line)
        return
    for start, end in _dashes(inner, 4 * line + 2):
        pen.line([start, end], fill=UNSURE, width=line)


def _dashes(
    box: tuple[float, float, float, float], length: float
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    left, top, right, bottom = box
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    for (x, y), (u, v) in itertools.pairwise(corners):
        far = max(abs(u - x), abs(v - y))
        # With an odd number of steps each side starts and ends with a dash, so corners are visible.
        steps = max(1, 2 * int(far / (2 * length)) + 1)
        for step in range(0, steps, 2):
            a, b = step / steps, (step + 1) / steps
            yield (x + a * (u - x), y + a * (v - y)), (x + b * (u - x), y + b * (v - y))
