"""The shapes of products: five kinds of packaging, each drawn on a transparent tile."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageOps

from shelfvision.samples._label_art import (
    Palette,
    Point,
    Rgb,
    hsv,
    label_art,
    mixed,
    random_palette,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The common design of all products of one class."""

    form: int
    """The index of the packaging in `FORMS`."""
    motif: int | None = None
    """The index of the label's motif in `MOTIFS`; None means a random motif."""
    hue: float | None = None
    """The hue of the label, 0 to 1; None means a random hue."""


def draw_product(rng: np.random.Generator, design: Design, height: int) -> Image.Image:
    """Return one product as an RGBA tile of about this many pixels in height."""
    palette = random_palette(rng, design.hue)
    return FORMS[design.form](rng, max(height, 8), palette, design.motif)


def _bottle(
    rng: np.random.Generator, height: int, colours: Palette, motif: int | None
) -> Image.Image:
    width = max(4, round(height * rng.uniform(0.28, 0.42)))
    cap, neck = rng.uniform(0.06, 0.1), rng.uniform(0.14, 0.24)
    shoulder, slim = neck + rng.uniform(0.12, 0.26), rng.uniform(0.3, 0.42)
    levels = [0.0, cap, cap + 0.001, neck, (neck + shoulder) / 2, shoulder, 0.97, 1.0]
    radii = [slim + 0.03, slim + 0.03, slim - 0.04, slim, 0.3 + slim / 2 + 0.12, 1.0, 1.0, 0.9]
    glass = _drink(rng)
    tile, draw = _blank(width, height)
    _fill(draw, _outline(levels, radii, width, height), glass)
    _fill(draw, _outline([0.0, cap], [slim + 0.03] * 2, width, height), colours.accent)
    top = rng.uniform(shoulder, shoulder + 0.08)
    bottom = rng.uniform(0.82, 0.94)
    _stick(tile, _rolled(label_art(rng, _box(width, height, top, bottom), colours, motif)), top)
    return _rounded(rng, tile, gloss=0.5)


def _can(rng: np.random.Generator, height: int, colours: Palette, motif: int | None) -> Image.Image:
    width = max(4, round(height * rng.uniform(0.5, 0.72)))
    tile, draw = _blank(width, height)
    steel = hsv(0.6, 0.04, rng.uniform(0.7, 0.9))
    _fill(draw, _outline([0.0, 0.07, 0.93, 1.0], [0.9, 1.0, 1.0, 0.9], width, height), steel)
    art = label_art(rng, _box(width, height, 0.075, 0.925), colours, motif)
    _stick(tile, _rolled(art), 0.075)
    curve = rng.uniform(0.1, 0.18)
    tile = _rounded(rng, tile, gloss=0.35, curve=curve)
    draw, lid = ImageDraw.Draw(tile), curve * width
    rim = (0.05 * width, 0, 0.95 * width, 2 * lid)
    draw.ellipse(rim, fill=(*steel, 255))
    inner = (0.1 * width, 0.25 * lid, 0.9 * width, 1.85 * lid)
    draw.ellipse(inner, fill=(*mixed(steel, (40, 44, 52), 0.4), 255))
    draw.ellipse((0.42 * width, 0.7 * lid, 0.58 * width, 1.6 * lid), fill=(*steel, 255))
    return tile


def _carton(
    rng: np.random.Generator, height: int, colours: Palette, motif: int | None
) -> Image.Image:
    width = max(4, round(height * rng.uniform(0.46, 0.66)))
    front, roof = width * rng.uniform(0.62, 0.82), height * rng.uniform(0.16, 0.26)
    lift, ridge = height * rng.uniform(0.02, 0.07), height * rng.uniform(0.04, 0.07)
    tile, draw = _blank(width, height)
    art = label_art(rng, (max(2, round(front)), max(2, round(height - roof))), colours, motif)
    mirrored = rng.random() < 0.5
    # The whole carton may be mirrored at the end, so its print is mirrored first to stay readable.
    tile.paste(ImageOps.mirror(art) if mirrored else art, (0, round(roof)))
    paper = mixed(colours.base, (255, 255, 255), 0.1)
    dark = mixed(colours.base, (10, 10, 25), 0.42)
    side: list[Point] = [
        (front, roof), (width, roof - lift), (width, height - lift), (front, height)
    ]  # fmt: skip
    _fill(draw, side, dark)
    peak = (front + width) / 2
    left, depth = front * 0.06, peak - front * 0.97
    _fill(draw, [(0, roof), (left, ridge), (peak, ridge), (front, roof)], paper)
    _fill(draw, [(front, roof), (peak, ridge), (width, roof - lift)], mixed(dark, paper, 0.25))
    _fill(draw, [(left, 0), (peak, 0), (peak, ridge), (left, ridge)], mixed(paper, dark, 0.2))
    draw.line([(left, ridge), (peak, ridge)], fill=(*mixed(paper, dark, 0.6), 255))
    if rng.random() < 0.6:
        x, y, radius = front * rng.uniform(0.4, 0.6), (roof + ridge) / 2, max(2.0, depth * 0.6)
        radius = min(radius, width * 0.13)
        draw.ellipse((x - radius, y - radius * 0.8, x + radius, y + radius * 0.8), colours.accent)
    return ImageOps.mirror(tile) if mirrored else tile


def _jar(rng: np.random.Generator, height: int, colours: Palette, motif: int | None) -> Image.Image:
    width = max(4, round(height * rng.uniform(0.58, 0.82)))
    lid, wide = rng.uniform(0.13, 0.2), rng.uniform(0.76, 0.92)
    levels = [0.0, lid, lid + 0.04, lid + 0.13, 0.9, 0.97, 1.0]
    radii = [wide, wide, wide - 0.08, 1.0, 1.0, 0.95, 0.84]
    tile, draw = _blank(width, height)
    content = hsv(rng.random(), rng.uniform(0.35, 0.8), rng.uniform(0.3, 0.9))
    _fill(draw, _outline(levels, radii, width, height), content)
    _lumps(rng, tile, content)
    cover = [0.02, lid]
    _fill(draw, _outline(cover, [wide + 0.02] * 2, width, height), colours.accent)
    for groove in np.linspace(0.1, 0.9, 9):
        x = width * (0.5 + (groove - 0.5) * wide)
        shade = (*mixed(colours.accent, (0, 0, 0), 0.25), 255)
        draw.line([(x, height * (0.04 + 0.3 * lid)), (x, height * lid)], fill=shade)
    top, bottom = rng.uniform(0.38, 0.48), rng.uniform(0.78, 0.9)
    art = label_art(rng, _box(width * rng.uniform(0.72, 1.0), height, top, bottom), colours, motif)
    _stick(tile, _rolled(art), top)
    return _rounded(rng, tile, gloss=0.6)


def _pouch(
    rng: np.random.Generator, height: int, colours: Palette, motif: int | None
) -> Image.Image:
    width = max(4, round(height * rng.uniform(0.62, 0.86)))
    tile, draw = _blank(width, height)
    levels = np.linspace(0.0, 1.0, 17)
    waist = rng.uniform(0.03, 0.1)
    wobble = rng.normal(0, 0.014, 17)
    radii = 1.0 - waist * np.cos(math.tau * (levels - 0.1)) ** 2 + wobble
    radii[0] = radii[1] = rng.uniform(0.86, 0.95)
    mask = Image.new("L", tile.size)
    shape = _outline(levels.tolist(), radii.clip(0.5, 1.0).tolist(), width, height)
    sag = [(width * t, height * (1 - 0.05 * math.sin(math.pi * t))) for t in (0.9, 0.5, 0.1)]
    ImageDraw.Draw(mask).polygon([*shape[:17], *sag, *shape[17:]], fill=255)
    tile.paste(label_art(rng, tile.size, colours, motif), (0, 0), mask)
    seal = mixed(colours.base, (235, 235, 240), 0.5)
    band = height * rng.uniform(0.07, 0.12)
    ribs = max(2, round(band / 5))
    for number in range(5):
        y = band * (number + 0.5) / 5
        tone = mixed(seal, (0, 0, 0), 0.3 * (number % 2))
        draw.line([(0, y), (width, y)], fill=(*tone, 255), width=ribs)
    tile.putalpha(mask)
    return _crinkled(rng, tile)


FORMS: tuple[Callable[[np.random.Generator, int, Palette, int | None], Image.Image], ...] = (
    _bottle,
    _can,
    _carton,
    _jar,
    _pouch,
)
"""The kinds of packaging, in the order of the default class names."""

HEIGHTS = (1.0, 0.84, 0.96, 0.8, 0.92)
"""The usual height of each packaging relative to a bottle."""


def _blank(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    tile = Image.new("RGBA", (width, height))
    return tile, ImageDraw.Draw(tile)


def _box(width: float, height: int, top: float, bottom: float) -> tuple[int, int]:
    return max(2, round(width)), max(2, round(height * (bottom - top)))


def _outline(
    levels: Sequence[float], radii: Sequence[float], width: int, height: int
) -> list[Point]:
    right = [(width * (1 + r) / 2, height * y) for y, r in zip(levels, radii, strict=True)]
    left = [(width - x, y) for x, y in reversed(right)]
    return [*right, *left]


def _fill(draw: ImageDraw.ImageDraw, points: Sequence[Point], colour: Rgb) -> None:
    draw.polygon(list(points), fill=(*colour, 255))


def _stick(tile: Image.Image, art: Image.Image, top: float) -> None:
    tile.paste(art, ((tile.width - art.width) // 2, round(top * tile.height)))


def _drink(rng: np.random.Generator) -> Rgb:
    if rng.random() < 0.3:
        return hsv(rng.random(), 0.08, rng.uniform(0.75, 0.95))
    return hsv(rng.random(), rng.uniform(0.3, 0.75), rng.uniform(0.2, 0.8))


def _lumps(rng: np.random.Generator, tile: Image.Image, content: Rgb) -> None:
    if rng.random() < 0.4:
        return
    lumps, draw = tile.copy(), ImageDraw.Draw(tile)
    for x, y, size in rng.random((14, 3)):
        radius = tile.width * (0.05 + 0.08 * size)
        centre = x * tile.width, (0.2 + 0.8 * y) * tile.height
        tone = mixed(content, (255, 245, 220) if size < 0.5 else (20, 10, 0), 0.3)
        draw.ellipse(
            (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius),
            fill=(*tone, 255),
        )
    tile.putalpha(lumps.getchannel("A"))


def _rolled(art: Image.Image) -> Image.Image:
    """Compress a label towards its sides, as on a cylinder."""
    across = (np.arange(art.width) + 0.5) / art.width * 2 - 1
    source = (np.arcsin(across) / math.pi + 0.5) * art.width
    columns = source.astype(np.intp).clip(0, art.width - 1)
    return Image.fromarray(np.asarray(art)[:, columns])


def _rounded(
    rng: np.random.Generator, tile: Image.Image, *, gloss: float, curve: float | None = None
) -> Image.Image:
    """Bend a tile around a vertical cylinder, seen slightly from above, and shade it."""
    across = (np.arange(tile.width) + 0.5) / tile.width * 2 - 1
    bulge = np.sqrt(1 - across**2)
    depth = (rng.uniform(0.0, 0.14) if curve is None else curve) * tile.width
    shifts = np.rint(depth * bulge).astype(np.intp)
    height = tile.height + int(shifts.max())
    rows = np.arange(height)[:, None] - shifts
    packed = np.ascontiguousarray(tile).view(np.uint32)[..., 0]
    inside = (rows >= 0) & (rows < tile.height)
    bent = packed[rows.clip(0, tile.height - 1), np.arange(tile.width)] * inside
    light = rng.uniform(-0.6, 0.6)
    tone = 0.42 + 0.62 * np.sqrt(np.clip(1 - ((across - light) / 1.65) ** 2, 0, 1)) * bulge**0.35
    shine = gloss * rng.uniform(0.2, 1.0) * np.exp(-(((across - light) / 0.09) ** 2))
    return _toned(bent.view(np.uint8).reshape(height, tile.width, 4), tone, 200 * shine)


def _crinkled(rng: np.random.Generator, tile: Image.Image) -> Image.Image:
    """Add bulge, creases and glossy streaks to a bag."""
    x = np.linspace(-1, 1, tile.width, dtype=np.float32)
    y = np.linspace(-1, 1, tile.height, dtype=np.float32)[:, None]
    light = rng.uniform(-0.4, 0.4)
    tone = 1.08 - 0.42 * (x - light) ** 2 - 0.16 * y**4
    shine = np.zeros_like(tone)
    for _ in range(3):
        slope, place = rng.uniform(-1.2, 1.2), rng.uniform(-0.8, 0.8)
        ridge = np.exp(-(((x - slope * y * 0.4 - place) / rng.uniform(0.04, 0.1)) ** 2))
        shine += rng.uniform(-45, 75) * ridge
    return _toned(np.asarray(tile), tone, shine)


def _toned(
    pixels: npt.NDArray[np.uint8], tone: npt.NDArray[np.floating], shine: npt.NDArray[np.floating]
) -> Image.Image:
    lit = pixels[..., :3] * tone.astype(np.float32)[..., None]
    lit += shine.astype(np.float32)[..., None]
    result = np.array(pixels)
    result[..., :3] = lit.clip(0, 255)
    return Image.fromarray(result)
