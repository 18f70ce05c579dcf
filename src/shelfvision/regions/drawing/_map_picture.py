"""Draw the cells of a `ShelfMap` on a photo."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageDraw

from shelfvision.protocols import Image
from shelfvision.regions.drawing._canvas import BLACK, WHITE, Canvas, Rgb, named, tag, tag_size

# Colors of Okabe and Ito (2008), distinguishable with color blindness. They repeat with more
# classes, so every area also shows its name or number.
_COLOURS: tuple[Rgb, ...] = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0),
    (240, 228, 66),
)  # fmt: skip
_TINT = 0.38


Edges: TypeAlias = npt.NDArray[np.float64]
"""The edges of cells along one axis in pixels of the photo."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """The cells to draw."""

    numbers: npt.NDArray[np.int64]
    """The class index of each cell, -1 for unknown."""
    edges: tuple[Edges, Edges]
    """The edges of rows and columns."""
    areas: Sequence[npt.NDArray[np.bool_]]
    """The masks of connected cells with the same class."""


def draw_map(
    photo: Image,
    cells: Cells,
    class_names: Sequence[str],
    *,
    width: SupportsIndex | None,
    font: str | os.PathLike[str] | None,
) -> Image:
    """Return the photo with the cells drawn over it, and a legend."""
    canvas = Canvas.of(photo, width, font)
    numbers, areas, order = cells.numbers, cells.areas, _order(cells.numbers)
    rows, columns = (
        (edges * side / edges[-1]).round().astype(np.int64)
        for side, edges in zip(canvas.picture.size[::-1], cells.edges, strict=True)
    )
    _tint(canvas, numbers, order, (rows, columns))
    _borders(canvas, numbers, (rows, columns))
    known = [area for area in areas if numbers[area][0] >= 0]
    boxes = [_bounds(area, rows, columns) for area in known]
    names = [named(class_names[int(numbers[area][0])]) for area in known]
    fit = _fit(names, boxes, canvas)
    pen = canvas.pen()
    for area, name, box in zip(known, names, boxes, strict=True):
        number = int(numbers[area][0])
        text = name if fit else str(1 + order.index(number))
        at = _anchor(area, rows, columns, tag_size(text, canvas.letters), box)
        tag(pen, at, text, canvas.letters, _colour(number, order))
    legend = [] if fit else [f"{n}  {named(class_names[one])}" for n, one in enumerate(order, 1)]
    unknown = float((np.outer(np.diff(rows), np.diff(columns)) * (numbers < 0)).sum())
    unknown /= rows[-1] * columns[-1]
    return canvas.with_legend([*legend, f"hatched: unknown, {100 * unknown:.0f} % of the photo"])


def _order(numbers: npt.NDArray[np.int64]) -> list[int]:
    """Return the class indices in the map, the most frequent first."""
    found, counts = np.unique(numbers[numbers >= 0], return_counts=True)
    return [int(number) for number in found[np.argsort(-counts, kind="stable")]]


def _colour(number: int, order: Sequence[int]) -> Rgb:
    return _COLOURS[order.index(number) % len(_COLOURS)]


def _tint(
    canvas: Canvas,
    numbers: npt.NDArray[np.int64],
    order: Sequence[int],
    edges: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
) -> None:
    colours = np.zeros((*numbers.shape, 3), dtype=np.uint8)
    for number in order:
        colours[numbers == number] = _colour(number, order)
    heights, widths = np.diff(edges[0]), np.diff(edges[1])
    spread = np.repeat(np.repeat(colours, heights, axis=0), widths, axis=1)
    unknown = np.repeat(np.repeat(numbers < 0, heights, axis=0), widths, axis=1)
    tinted = PillowImage.blend(canvas.picture, PillowImage.fromarray(spread), _TINT)
    tinted.paste(_hatched(canvas), mask=PillowImage.fromarray(unknown))
    canvas.picture.paste(tinted)


def _hatched(canvas: Canvas) -> PillowImage.Image:
    """Return a paler copy of the photo with diagonal lines."""
    pale = PillowImage.blend(
        canvas.picture, PillowImage.new("RGB", canvas.picture.size, WHITE), 0.35
    )
    pen, (width, height) = ImageDraw.Draw(pale), pale.size
    for start in range(-height, width, 2 * canvas.letters.size):
        for shift, colour in ((0, BLACK), (1, WHITE)):
            at = start + shift
            pen.line([(at, height), (at + height, 0)], fill=colour, width=1)
    return pale


def _borders(
    canvas: Canvas,
    numbers: npt.NDArray[np.int64],
    edges: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
) -> None:
    """Draw a line between neighboring cells of different classes."""
    pen, (rows, columns) = canvas.pen(), edges
    for line, colour in ((canvas.line + 2, WHITE), (canvas.line, BLACK)):
        for row, column in np.argwhere(numbers[:, 1:] != numbers[:, :-1]):
            at = int(columns[column + 1])
            pen.line([(at, int(rows[row])), (at, int(rows[row + 1]))], fill=colour, width=line)
        for row, column in np.argwhere(numbers[1:] != numbers[:-1]):
            at = int(rows[row + 1])
            ends = [(int(columns[column]), at), (int(columns[column + 1]), at)]
            pen.line(ends, fill=colour, width=line)


def _bounds(
    area: npt.NDArray[np.bool_], rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> tuple[int, int, int, int]:
    down, across = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    return (
        int(columns[across[0]]), int(rows[down[0]]),
        int(columns[across[-1] + 1]), int(rows[down[-1] + 1]),
    )  # fmt: skip


def _fit(names: Sequence[str], boxes: Sequence[tuple[int, ...]], canvas: Canvas) -> bool:
    """Return whether all names fit into their areas."""
    return all(
        canvas.letters.width(name) + canvas.letters.size < right - left
        for name, (left, _, right, _) in zip(names, boxes, strict=True)
    )


def _anchor(
    area: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    size: tuple[int, int],
    box: tuple[int, int, int, int],
) -> tuple[float, float]:
    """Return the corner of a tag, centered in the row in which the area is widest."""
    row = int(np.argmax(area.sum(axis=1)))
    cells = np.flatnonzero(area[row])
    middle = (columns[cells[0]] + columns[cells[-1] + 1]) / 2
    left = min(max(float(middle) - size[0] / 2, box[0]), max(box[0], box[2] - size[0]))
    return left, float(rows[row] + rows[row + 1]) / 2 - size[1] / 2
