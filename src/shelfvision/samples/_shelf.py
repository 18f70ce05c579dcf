"""`render_shelf`: a rendered photo of a whole shelf, with ground-truth boxes and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsFloat, SupportsIndex, TypeAlias, final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from shelfvision import protocols
from shelfvision._class_names import as_class_names
from shelfvision._random import rng_for
from shelfvision._validation import as_image_size, as_integer, as_number, as_seed, counted
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import ClassNames
from shelfvision.samples._label_art import Rgb, draw_text, hsv, mixed
from shelfvision.samples._photo_scene import from_an_angle, place_product, relit
from shelfvision.samples._product_shapes import HEIGHTS, Design, draw_product
from shelfvision.samples._products import CLASS_NAMES, designs_for

_Box: TypeAlias = tuple[float, float, float, float]

_FINER_UP_TO = 1600
"""Photos up to this size, in pixels per side, are drawn at twice the size and averaged down."""
_LEAST = 16
"""The smallest size of a product, in pixels."""
_FLOOR = 0.9
"""The position of the board, as a fraction of the height of a shelf."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shelf:
    """A rendered photo of a shelf and its ground truth."""

    photo: protocols.Image
    """The pixels, ``uint8`` (height, width, 3), read-only."""
    boxes: npt.NDArray[np.float64]
    """The box of each product: left, top, right, bottom in pixels, shape (n, 4), read-only; row by
    row from the top, from left to right."""
    labels: tuple[str, ...]
    """The class of each product."""
    gaps: npt.NDArray[np.float64]
    """The box of each empty place, shape (m, 4), read-only."""
    class_names: tuple[str, ...]
    """All classes, with and without products on the shelf."""

    @property
    def counts(self) -> dict[str, int]:
        """The number of products of each class."""
        found = Counter(self.labels)
        return {name: found[name] for name in self.class_names}

    def __repr__(self) -> str:
        """Return one line with the number of products and gaps, and the image size."""
        height, width = self.photo.shape[:2]
        return (
            f"<Shelf: {counted(len(self.labels), 'product')}, {counted(len(self.gaps), 'gap')}, "
            f"{height} x {width} pixels>"
        )


def render_shelf(
    rows: SupportsIndex = 3,
    per_row: SupportsIndex = 8,
    *,
    class_names: ClassNames | None = None,
    image_size: tuple[int, int] = (900, 1200),
    gaps: SupportsFloat = 0.1,
    seed: SupportsIndex = 0,
) -> Shelf:
    """Render a photo of a whole shelf, with a ground-truth box and label for each product.

    Products look like those of `render_products`. They are arranged in blocks of two to four equal
    facings. The result is deterministic: equal arguments give bit-identical photos in any process.

    Parameters
    ----------
    rows : int, default=3
        The number of shelves.
    per_row : int, default=8
        The number of places per shelf.
    class_names : iterable of str, optional
        The classes; by default `CLASS_NAMES`. They get the same designs as in `render_products`.
    image_size : tuple of int, default=(900, 1200)
        Height and width of the photo, in pixels.
    gaps : float, default=0.1
        The fraction of empty places, 0 to 1, rounded to whole places.
    seed : int, default=0
        The seed of the arrangement and the light.

    Returns
    -------
    Shelf
        The photo and its ground truth.

    Raises
    ------
    InvalidParameterError
        A number, name or size is out of range, or the places are too small.

    Examples
    --------
    >>> import shelfvision as shv
    >>> shelf = shv.samples.render_shelf(2, 5, image_size=(200, 300), seed=1)
    >>> shelf
    <Shelf: 9 products, 1 gap, 200 x 300 pixels>
    >>> shelf.boxes.shape, shelf.labels[:2]
    ((9, 4), ('Pouch', 'Pouch'))
    """
    plan = _ShelfPlan(
        rows=as_integer("rows", rows, minimum=1, maximum=100),
        per_row=as_integer("per_row", per_row, minimum=1, maximum=1000),
        names=CLASS_NAMES if class_names is None else as_class_names(class_names),
        image_size=as_image_size(image_size),
        seed=as_seed(seed),
    )
    share = as_number("gaps", gaps, minimum=0, maximum=1)
    _require_room(plan)
    return _rendered(plan, share)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShelfPlan:
    """The checked parameters of a shelf."""

    rows: int
    per_row: int
    names: tuple[str, ...]
    image_size: tuple[int, int]
    seed: int


def _require_room(plan: _ShelfPlan) -> None:
    height, width = plan.image_size
    place = height // plan.rows, width // plan.per_row
    if min(place) < _LEAST:
        raise InvalidParameterError(
            f"a product must have at least {_LEAST} x {_LEAST} pixels, got {place[1]} x {place[0]} "
            f"for {counted(plan.rows, 'row')} of {counted(plan.per_row, 'product')} in a photo of "
            f"{width} x {height}; use a larger image_size, or fewer rows or products",
            code="too-small",
            parameter="image_size",
        )


def _rendered(plan: _ShelfPlan, share: float) -> Shelf:
    height, width = plan.image_size
    finer = 2 if max(plan.image_size) <= _FINER_UP_TO else 1
    scene = Image.new("RGB", (width * finer, height * finer))
    empty = _empty_places(plan, share)
    products: list[tuple[_Box, str]] = []
    places: list[_Box] = []
    for row in range(plan.rows):
        top, bottom = (round(finer * height * n / plan.rows) for n in (row, row + 1))
        level = _ShelfLevel(plan=plan, row=row, top=top, bottom=bottom, empty=empty)
        products += level.draw(scene)
        places += level.gaps(scene.width)
    photo = scene.reduce(finer) if finer > 1 else scene
    pixels = relit(rng_for(plan.seed, "shelf light"), np.asarray(photo, dtype=np.float32))
    pixels.flags.writeable = False
    return Shelf(
        photo=pixels,
        boxes=_column([box for box, _ in products], finer, plan.image_size),
        labels=tuple(label for _, label in products),
        gaps=_column(places, finer, plan.image_size),
        class_names=plan.names,
    )


def _empty_places(plan: _ShelfPlan, share: float) -> frozenset[int]:
    """Return the numbers of the empty places, counted row by row."""
    n = plan.rows * plan.per_row
    order = rng_for(plan.seed, "shelf gaps").permutation(n)
    return frozenset(order[: round(share * n)].tolist())


def _column(
    boxes: Sequence[_Box], finer: int, image_size: tuple[int, int]
) -> npt.NDArray[np.float64]:
    height, width = image_size
    column = np.array(boxes, dtype=np.float64).reshape(-1, 4) / finer
    column = column.clip(0, (width, height, width, height))
    column.flags.writeable = False
    return column


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShelfLevel:
    """One row of products."""

    plan: _ShelfPlan
    row: int
    top: int
    bottom: int
    empty: frozenset[int]

    def draw(self, scene: Image.Image) -> list[tuple[_Box, str]]:
        """Draw the board and its products; return the box and label of each product."""
        blocks = self._blocks()
        floor = self.top + _FLOOR * (self.bottom - self.top)
        across = scene.width / self.plan.per_row
        self._draw_board(scene, floor, [across * (places[0] + 0.5) for _, places in blocks])
        designs = designs_for(self.plan.names)
        drawn: list[tuple[_Box, str]] = []
        for number, places in blocks:
            tile = self._product(designs[number], places[0], across)
            for place in places:
                if self.row * self.plan.per_row + place not in self.empty:
                    box = self._stand(scene, tile, place, floor)
                    drawn.append((box, self.plan.names[number]))
        return drawn

    def gaps(self, width: int) -> list[_Box]:
        """Return the box of each empty place."""
        first, across = self.row * self.plan.per_row, width / self.plan.per_row
        floor = self.top + _FLOOR * (self.bottom - self.top)
        return [
            ((place - first) * across, self.top, (place - first + 1) * across, floor)
            for place in sorted(self.empty)
            if 0 <= place - first < self.plan.per_row
        ]

    def _blocks(self) -> list[tuple[int, range]]:
        """Return the class and the places of each block; neighbouring blocks differ in class."""
        rng = rng_for(self.plan.seed, "shelf blocks", self.row)
        blocks: list[tuple[int, range]] = []
        classes = len(self.plan.names)
        number, start = int(rng.integers(classes)), 0
        while start < self.plan.per_row:
            end = min(start + int(rng.integers(2, 5)), self.plan.per_row)
            blocks.append((number, range(start, end)))
            number = (number + int(rng.integers(1, max(2, classes)))) % classes
            start = end
        return blocks

    def _product(self, design: Design, place: int, across: float) -> Image.Image:
        rng = rng_for(self.plan.seed, "shelf product", self.row, place)
        tall = (self.bottom - self.top) * rng.uniform(0.7, 0.8) * HEIGHTS[design.form]
        tile = draw_product(rng, design, round(tall))
        shrink = min(1.0, 0.86 * across / tile.width)
        size = max(1, round(tile.width * shrink)), max(1, round(tile.height * shrink))
        return tile.resize(size, Image.Resampling.BILINEAR) if shrink < 1 else tile

    def _stand(self, scene: Image.Image, tile: Image.Image, place: int, floor: float) -> _Box:
        rng = rng_for(self.plan.seed, "shelf place", self.row, place)
        seen = from_an_angle(rng, tile)
        slack = scene.width / self.plan.per_row
        middle = slack * (place + 0.5 + float(rng.uniform(-0.03, 0.03)))
        place_product(scene, seen, middle, floor)
        left, top = round(middle - seen.width / 2), round(floor - 0.985 * seen.height)
        inner = seen.getchannel("A").getbbox() or (0, 0, *seen.size)
        return left + inner[0], top + inner[1], left + inner[2], top + inner[3]

    def _draw_board(self, scene: Image.Image, floor: float, tags: Sequence[float]) -> None:
        """Draw the back wall, the board and a price for each block."""
        # All boards of a shelf look similar, so their seed does not include the row.
        rng = rng_for(self.plan.seed, "shelf board")
        height = self.bottom - self.top
        wall = hsv(rng.random(), rng.uniform(0.0, 0.15), rng.uniform(0.3, 0.9))
        _gradient(scene, (self.top, self.bottom), wall)
        draw = ImageDraw.Draw(scene)
        board = hsv(rng.uniform(0.05, 0.65), rng.uniform(0.0, 0.35), rng.uniform(0.4, 0.95))
        under = self.top + 0.03 * height
        draw.rectangle((0, self.top, scene.width, under), fill=mixed(wall, (0, 0, 0), 0.5))
        back = floor - 0.06 * height
        draw.rectangle((0, back, scene.width, self.bottom), fill=mixed(board, (0, 0, 0), 0.15))
        rail = hsv(rng.random(), rng.uniform(0.0, 0.6), rng.uniform(0.45, 0.92))
        top = floor + 0.02 * height
        draw.rectangle((0, top, scene.width, self.bottom), fill=rail)
        prices = rng_for(self.plan.seed, "shelf prices", self.row)
        for middle in tags:
            _price(draw, prices, middle, (top, self.bottom))


def _gradient(scene: Image.Image, rows: tuple[int, int], wall: Rgb) -> None:
    fade = np.linspace(0.75, 1.0, max(1, rows[1] - rows[0]))
    shades = (np.array(wall) * fade[:, None, None]).clip(0, 255).astype(np.uint8)
    scene.paste(Image.fromarray(shades).resize((scene.width, len(fade))), (0, rows[0]))


def _price(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, middle: float, rows: tuple[float, float]
) -> None:
    down = rows[1] - rows[0]
    paper = (250, 250, 245) if rng.random() < 0.7 else hsv(0.15, 0.7, 0.98)
    half, top, bottom = 1.3 * down, rows[0] + 0.1 * down, rows[0] + 0.92 * down
    draw.rectangle((middle - half, top, middle + half, bottom), fill=paper)
    price = f"{rng.integers(10)}.{rng.integers(10)}9"
    draw_text(draw, (middle, (top + bottom) / 2), price, round(0.7 * down), (25, 25, 30))
