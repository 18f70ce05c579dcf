"""The print on a product label: palettes, motifs and words."""

from __future__ import annotations

import colorsys
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Rgb: TypeAlias = tuple[int, int, int]
"""One colour, 0 to 255 per channel."""
Point: TypeAlias = tuple[float, float]
"""x and y in pixels."""

_WORDS = (
    "OLMO", "BRISA", "TAMO", "LUNDA", "PIKO", "SAVA", "NERI", "KOLU", "AVENA", "MIRU",
    "FIORA", "TOLLE", "ZENA", "RUBO", "HALVA", "SOLI",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one product."""

    base: Rgb
    """The background of the label."""
    second: Rgb
    """The colour of the motif."""
    accent: Rgb
    """The colour of lids, bands and details."""
    ink: Rgb
    """The colour of words: dark on light backgrounds, light on dark ones."""


def hsv(hue: float, saturation: float, value: float) -> Rgb:
    """Return the colour at this hue (in turns), saturation and value (0 to 1)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def mixed(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Return `first` with a `share` (0 to 1) of `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def random_palette(rng: np.random.Generator, hue: float | None = None) -> Palette:
    """Return a harmonious palette, around `hue` if it is given."""
    turn = float(rng.random()) if hue is None else hue + float(rng.normal(0, 0.015))
    pale = hue is None and rng.random() < 0.3
    base = (
        hsv(turn, rng.uniform(0.02, 0.16), rng.uniform(0.86, 0.98))
        if pale
        else hsv(turn, rng.uniform(0.4, 0.82), rng.uniform(0.4, 0.92))
    )
    offset = float(rng.choice([0.08, 0.33, 0.5, 0.62]))
    second = hsv(turn + offset, rng.uniform(0.35, 0.85), rng.uniform(0.55, 0.96))
    accent = hsv(rng.random(), rng.uniform(0.2, 0.9), rng.uniform(0.3, 0.95))
    bright = 0.3 * base[0] + 0.59 * base[1] + 0.11 * base[2] > 140
    ink = hsv(turn + offset, 0.7, 0.25) if bright else hsv(turn, 0.06, 0.98)
    return Palette(base=base, second=second, accent=accent, ink=ink)


def label_art(
    rng: np.random.Generator, size: tuple[int, int], palette: Palette, motif: int | None
) -> Image.Image:
    """Return a printed label of (width, height) `size`; `motif` None means a random motif."""
    art = Image.new("RGB", size, palette.base)
    draw = ImageDraw.Draw(art)
    chosen = int(rng.integers(len(MOTIFS))) if motif is None else motif
    MOTIFS[chosen](rng, draw, size, palette)
    _write_brand(rng, draw, size, palette)
    _write_small_print(rng, draw, size, palette)
    return art


def _stripes(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colours: Palette
) -> None:
    width, height = size
    step = height * rng.uniform(0.14, 0.26)
    slope = float(rng.choice([0.0, 0.5, -0.5, 1.0])) * width
    offset = rng.uniform(0, step)
    for number in range(-6, 16):
        top = offset + number * step
        band = [
            (0, top),
            (width, top + slope),
            (width, top + slope + step / 2),
            (0, top + step / 2),
        ]
        draw.polygon(band, fill=colours.second)


def _fruit(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colours: Palette
) -> None:
    width, height = size
    radius = min(width, height) * rng.uniform(0.2, 0.3)
    leaf = hsv(rng.uniform(0.25, 0.38), 0.7, rng.uniform(0.4, 0.7))
    for _ in range(int(rng.integers(2, 5))):
        x, y = width * rng.uniform(0.2, 0.8), height * rng.uniform(0.5, 0.85)
        draw.ellipse(_around(x, y, radius, radius), fill=colours.second)
        shine = mixed(colours.second, (255, 255, 255), 0.55)
        draw.ellipse(_around(x - radius * 0.35, y - radius * 0.35, radius / 4, radius / 4), shine)
        stalk = [
            (x, y - radius),
            (x + radius, y - 1.6 * radius),
            (x + radius / 2, y - 0.8 * radius),
        ]
        draw.polygon(stalk, fill=leaf)


def _shield(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colours: Palette
) -> None:
    width, height = size
    x, y = width * rng.uniform(0.42, 0.58), height * rng.uniform(0.35, 0.6)
    across, down = width * rng.uniform(0.34, 0.48), height * rng.uniform(0.2, 0.32)
    draw.ellipse(_around(x, y, across, down), fill=colours.accent)
    draw.ellipse(_around(x, y, across * 0.86, down * 0.84), fill=colours.second)


def _dots(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colours: Palette
) -> None:
    width, height = size
    step = width * rng.uniform(0.22, 0.34)
    radius = step * rng.uniform(0.24, 0.36)
    for row in range(int(height / step) + 2):
        for column in range(int(width / step) + 2):
            x = (column + 0.5 * (row % 2)) * step
            draw.ellipse(_around(x, row * step, radius, radius), fill=colours.second)


def _hills(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colours: Palette
) -> None:
    width, height = size
    sun = width * rng.uniform(0.12, 0.2)
    draw.ellipse(_around(width * rng.uniform(0.2, 0.8), height * 0.42, sun, sun), colours.accent)
    for share, level in ((0.0, 0.55), (0.35, 0.72)):
        phase, waves = rng.uniform(0, math.tau), rng.uniform(0.7, 1.6)
        edge: list[Point] = [
            (width * t / 10, height * (level + 0.08 * math.sin(phase + math.tau * waves * t / 10)))
            for t in range(11)
        ]
        ground = mixed(colours.second, (0, 0, 0), share)
        draw.polygon([*edge, (width, height), (0, height)], fill=ground)


def _rays(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colours: Palette
) -> None:
    width, height = size
    x, y = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.45, 0.8)
    count, reach, turn = int(rng.integers(7, 12)), 1.5 * max(size), rng.uniform(0, math.tau)
    for number in range(count):
        start = turn + math.tau * number / count
        ends = [
            (x + reach * math.cos(angle), y + reach * math.sin(angle))
            for angle in (start, start + math.pi / count)
        ]
        draw.polygon([(x, y), *ends], fill=colours.second)
    draw.ellipse(_around(x, y, width * 0.16, width * 0.16), fill=colours.accent)


MOTIFS: tuple[
    Callable[[np.random.Generator, ImageDraw.ImageDraw, tuple[int, int], Palette], None], ...
] = (_stripes, _fruit, _shield, _dots, _hills, _rays)
"""The motifs of labels; a design refers to one by its index."""


def _write_brand(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colours: Palette
) -> None:
    width, height = size
    word = _WORDS[rng.integers(len(_WORDS))]
    letters = int(min(width / (0.68 * len(word)), 0.3 * height) * rng.uniform(0.8, 1.0))
    middle = (width * 0.5, height * rng.uniform(0.14, 0.3))
    ink = colours.ink
    if rng.random() < 0.5:
        half = letters * 0.62
        draw.rectangle((0, middle[1] - half, width, middle[1] + half), fill=ink)
        ink = colours.base
    draw_text(draw, middle, word, letters, ink)


def _write_small_print(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], colours: Palette
) -> None:
    width, height = size
    if rng.random() < 0.35:
        return
    thick = max(1, round(height * 0.02))
    x, y = width * rng.uniform(0.1, 0.45), height * rng.uniform(0.5, 0.86)
    for line in range(int(rng.integers(2, 4))):
        level, end = y + 2.4 * thick * line, x + width * rng.uniform(0.25, 0.45)
        draw.line([(x, level), (end, level)], fill=colours.ink, width=thick)


def draw_text(draw: ImageDraw.ImageDraw, middle: Point, words: str, letters: int, ink: Rgb) -> None:
    """Draw words around `middle`, `letters` pixels high; leave out words too small to read."""
    if letters >= 4:
        draw.text(middle, words, fill=ink, font=_font(letters), anchor="mm")


@functools.cache
def _font(letters: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(letters)


def _around(x: float, y: float, across: float, down: float) -> tuple[float, float, float, float]:
    return x - across, y - down, x + across, y + down
