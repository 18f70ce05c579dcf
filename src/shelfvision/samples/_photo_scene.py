"""Render a photo of a product on a shelf: neighbours, light and camera."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from shelfvision import protocols
from shelfvision.samples._label_art import draw_text, hsv, mixed
from shelfvision.samples._product_shapes import FORMS, HEIGHTS, Design, draw_product


def render_photo(
    rng: np.random.Generator, design: Design, image_size: tuple[int, int]
) -> protocols.Image:
    """Return a photo of one product of this design, ``uint8`` (height, width, 3)."""
    height, width = image_size
    # Supersampling smooths the edges; large photos do not need it.
    finer = 2 if max(image_size) <= 512 else 1
    scene, floor = _shelf(rng, (width * finer, height * finer))
    unit = min(scene.size)
    tall = round(unit * rng.uniform(0.74, 0.88) * HEIGHTS[design.form])
    product = draw_product(rng, design, tall)
    middle = scene.width * rng.uniform(0.45, 0.55)
    _neighbours(rng, scene, product, middle=middle, floor=floor)
    place_product(scene, from_an_angle(rng, product), middle, floor)
    photo = scene.reduce(finer) if finer > 1 else scene
    blur = max(0.0, rng.normal(0.2, 0.3)) * min(image_size) / 100
    if blur > 0.15:
        photo = photo.filter(ImageFilter.GaussianBlur(blur))
    return relit(rng, np.asarray(photo, dtype=np.float32))


def _shelf(rng: np.random.Generator, size: tuple[int, int]) -> tuple[Image.Image, float]:
    """Return an empty shelf and the vertical position of its board."""
    width, height = size
    wall = hsv(rng.random(), rng.uniform(0.0, 0.22), rng.uniform(0.25, 0.95))
    fade = np.linspace(rng.uniform(0.6, 1.0), rng.uniform(0.75, 1.1), height)
    rows = (np.array(wall) * fade[:, None, None]).clip(0, 255).astype(np.uint8)
    scene = Image.fromarray(np.repeat(rows, width, axis=1))
    draw = ImageDraw.Draw(scene)
    floor = height * rng.uniform(0.84, 0.93)
    board = hsv(rng.uniform(0.05, 0.65), rng.uniform(0.0, 0.35), rng.uniform(0.4, 0.95))
    back = floor - height * rng.uniform(0.03, 0.09)
    draw.rectangle((0, back, width, height), fill=mixed(board, (0, 0, 0), 0.15))
    if rng.random() < 0.35:
        upper = height * rng.uniform(0.02, 0.08)
        draw.rectangle((0, 0, width, upper), fill=mixed(board, (0, 0, 0), 0.3))
        draw.rectangle((0, upper, width, upper * 1.8), fill=mixed(wall, (0, 0, 0), 0.45))
    _price_rail(rng, draw, size, floor + height * rng.uniform(0.01, 0.04))
    return scene, floor


def _price_rail(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], top: float
) -> None:
    width, height = size
    rail = hsv(rng.random(), rng.uniform(0.0, 0.6), rng.uniform(0.45, 0.92))
    draw.rectangle((0, top, width, height), fill=rail)
    draw.line([(0, top), (width, top)], fill=mixed(rail, (255, 255, 255), 0.5), width=2)
    across, down = width * rng.uniform(0.16, 0.26), height - top
    x = rng.uniform(-0.1, 0.3) * width
    while x < width:
        paper = (250, 250, 245) if rng.random() < 0.6 else hsv(0.15, 0.7, 0.98)
        draw.rectangle((x, top + 0.12 * down, x + across, top + 0.95 * down), fill=paper)
        price = f"{rng.integers(10)}.{rng.integers(10)}9"
        draw_text(draw, (x + across / 2, top + 0.55 * down), price, round(0.7 * down), (25, 25, 30))
        x += across * rng.uniform(1.3, 3.0)


def _neighbours(
    rng: np.random.Generator,
    scene: Image.Image,
    product: Image.Image,
    *,
    middle: float,
    floor: float,
) -> None:
    """Add neighbours at the sides, of the same or another product, cut by the photo's edges."""
    kind = rng.random()
    if kind < 0.25:
        return
    if kind < 0.6:
        other = product
    else:
        stranger = Design(form=int(rng.integers(len(FORMS))))
        tall = product.height * rng.uniform(0.8, 1.1) * HEIGHTS[stranger.form]
        other = draw_product(rng, stranger, round(tall))
    other = _shaded(other, rng.uniform(0.5, 0.75))
    gap = product.width / 2 + other.width / 2 + scene.width * rng.uniform(0.02, 0.1)
    behind = floor - scene.height * rng.uniform(0.0, 0.03)
    for side in (-1, 1):
        if rng.random() < 0.85:
            place_product(scene, other, middle + side * gap, behind)


def _shaded(tile: Image.Image, share: float) -> Image.Image:
    """Return a darker product, because products further back get less light."""
    light = Image.new("RGBA", tile.size, (*[round(255 * share)] * 3, 255))
    return ImageChops.multiply(tile, light)


def from_an_angle(rng: np.random.Generator, tile: Image.Image) -> Image.Image:
    """Rotate and tilt a product in front of the camera."""
    width, height = tile.size
    turn = math.radians(rng.normal(0, 3.5))
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
    centred = corners - (width / 2, height)
    lean = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    moved = centred @ lean + rng.normal(0, 0.025, (4, 2)) * (width, height)
    moved -= moved.min(axis=0)
    size = np.ceil(moved.max(axis=0)).astype(int).tolist()
    return tile.transform(
        (size[0], size[1]),
        Image.Transform.PERSPECTIVE,
        _perspective(moved, corners),
        Image.Resampling.BILINEAR,
    )


def _perspective(seen: npt.NDArray[np.float64], source: npt.NDArray[np.float64]) -> list[float]:
    """Return the eight perspective coefficients that map four target points to source points."""
    rows, values = [], []
    for (x, y), (u, v) in zip(seen, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(number) for number in np.linalg.solve(np.array(rows), np.array(values))]


def place_product(scene: Image.Image, tile: Image.Image, middle: float, floor: float) -> None:
    """Put a product on the shelf, with a shadow at its base."""
    left, top = round(middle - tile.width / 2), round(floor - 0.985 * tile.height)
    reach = tile.width * 0.56
    foot = ImageDraw.Draw(scene, "RGBA")
    for share, alpha in ((1.0, 60), (0.9, 80)):
        half = reach * share
        flat = max(1.0, 0.09 * reach * share)
        foot.ellipse((middle - half, floor - flat, middle + half, floor + flat), (0, 0, 0, alpha))
    scene.paste(tile, (left, top), tile)


def relit(rng: np.random.Generator, photo: npt.NDArray[np.float32]) -> protocols.Image:
    """Add uneven light and camera effects: colour cast, glare, noise."""
    height, width = photo.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    slope = rng.normal(0, 0.16, 2).astype(np.float32)
    lamp = np.float32(rng.uniform(0.7, 1.15)) * (1 + slope[0] * x + slope[1] * y)
    cast = rng.normal(1, 0.07, 3).astype(np.float32)
    seen = photo * lamp[..., None] * cast
    if rng.random() < 0.4:
        place, spread = rng.uniform(-0.8, 0.8, 2), rng.uniform(0.1, 0.4)
        far = ((x - np.float32(place[0])) ** 2 + (y - np.float32(place[1])) ** 2) / spread**2
        seen += (np.float32(rng.uniform(30, 90)) * np.exp(-far))[..., None]
    contrast = np.float32(rng.uniform(0.82, 1.12))
    seen = (seen - 120) * contrast + 120
    grain = np.float32(rng.uniform(0.8, 4.5))
    seen += grain * rng.standard_normal(seen.shape, dtype=np.float32)
    return np.asarray(seen.clip(0, 255), dtype=np.uint8)
