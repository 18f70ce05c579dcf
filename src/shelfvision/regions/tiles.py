"""The implementation of `Classifier.scan`: classify tiles of a photo and average them per cell.

The tiles of scale 1 define the cells: each cell contains the center of one tile. The probabilities
of a cell are the mean over all tiles that cover its center, weighted by their distance: along each
axis a tile has the weight 1 at its own center and 0 at its edge, as in bilinear interpolation.

Tiles of 40 pixels begin at 0, 10 and 20 of a side of 60. Their centers are 20, 30 and 40, so the
cells have the edges 0, 25, 35 and 60. The center of the middle cell is that of the second tile, and
10 pixels from those of the others, which get half its weight:

>>> starts = np.array([0, 10, 20])
>>> _weights(starts, 40, _between(starts + 20.0, 60)).round(2).tolist()
[[0.83, 0.17, 0.0], [0.25, 0.5, 0.25], [0.0, 0.17, 0.83]]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import SupportsFloat, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._photos.given import Photo
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision._validation import as_integer, as_number
from shelfvision.boxes.crops import Windows, crops_of
from shelfvision.boxes.whole_photo import whole_photo
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions import Predictions
from shelfvision.protocols import Image
from shelfvision.regions._shelf_map import ShelfMap
from shelfvision.regions.drawing._map_picture import Edges

Tile: TypeAlias = SupportsIndex | tuple[int, int]
"""Height and width in pixels of the photo, or one number for both."""
Decide: TypeAlias = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.bool_]]
"""Returns which rows of probabilities are accepted."""

_MOST_TILES = 20_000
_LEAST_TILE = 8
_LARGEST = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """Checked parameters of the tiles over a photo."""

    tile: tuple[int, int] | None
    """Height and width; None for a quarter of the photo's shorter side."""
    overlap: float
    """The share of a tile that the next tile covers too."""
    scales: tuple[float, ...]
    """The factors of the tile size."""

    @classmethod
    def of(
        cls, tile: Tile | None, overlap: SupportsFloat, scales: Iterable[SupportsFloat]
    ) -> Tiling:
        """Return a tiling after checking the parameters."""
        found = tuple(as_number("scales", one, minimum=0.1, maximum=10) for one in scales)
        if not found:
            raise InvalidParameterError(
                "scales must contain at least 1 factor, got none; pass (1.0,) for one tile size",
                code="empty",
                parameter="scales",
            )
        return cls(
            tile=_as_tile(tile),
            overlap=as_number("overlap", overlap, minimum=0, maximum=0.9),
            scales=found,
        )

    def size(self, photo_size: tuple[int, int], scale: float = 1.0) -> tuple[int, int]:
        """Return height and width of the tiles, at most those of the photo."""
        tile = self.tile or (max(_LEAST_TILE, min(photo_size) // 4),) * 2
        height, width = (
            max(1, min(round(side * scale), whole))
            for side, whole in zip(tile, photo_size, strict=True)
        )
        return height, width

    def starts(self, photo_size: tuple[int, int], scale: float) -> list[npt.NDArray[np.int64]]:
        """Return the top and left positions of tiles, evenly spaced from edge to edge."""
        return [
            _spread(side, whole, self.overlap)
            for side, whole in zip(self.size(photo_size, scale), photo_size, strict=True)
        ]

    def windows(self, photo_size: tuple[int, int], scale: float = 1.0) -> Windows:
        """Return left, top, right and bottom of the tiles of one scale, row by row."""
        height, width = self.size(photo_size, scale)
        tops, lefts = np.meshgrid(*self.starts(photo_size, scale), indexing="ij")
        corners = [lefts, tops, lefts + width, tops + height]
        return np.stack([one.ravel() for one in corners], axis=1)


def _as_tile(tile: Tile | None) -> tuple[int, int] | None:
    if tile is None:
        return None
    if isinstance(tile, tuple | list):
        if len(tile) != 2:
            raise InvalidParameterError(
                f"tile must be (height, width) of at least {_LEAST_TILE} pixels, got {tile!r}; "
                "pass about the size of one product in the photo",
                code="wrong-length",
                parameter="tile",
            )
        height, width = (
            as_integer("tile", side, minimum=_LEAST_TILE, maximum=_LARGEST) for side in tile
        )
        return height, width
    side = as_integer("tile", tile, minimum=_LEAST_TILE, maximum=_LARGEST)
    return side, side


def _spread(side: int, whole: int, overlap: float) -> npt.NDArray[np.int64]:
    step = max(1.0, side * (1 - overlap))
    n = 1 + math.ceil((whole - side) / step)
    return np.linspace(0, whole - side, n).round().astype(np.int64)


def map_of(
    photo: Photo,
    tiling: Tiling,
    *,
    preprocessing: Preprocessing,
    predict: Callable[[Iterator[Image]], Predictions],
    decide: Decide,
) -> ShelfMap:
    """Classify the tiles of a photo and return the map of its cells."""
    whole = whole_photo(photo)
    size = whole.image_size
    grids = [tiling.starts(size, scale) for scale in tiling.scales]
    n_tiles = sum(len(tops) * len(lefts) for tops, lefts in grids)
    if n_tiles > _MOST_TILES:
        raise InvalidParameterError(
            f"tile must give at most {_MOST_TILES:,} tiles, got {n_tiles:,}; make tile larger, or "
            "overlap smaller",
            code="too-large",
            parameter="tile",
        )
    sides = [tiling.size(size, scale) for scale in tiling.scales]
    windows = np.concatenate([tiling.windows(size, scale) for scale in tiling.scales])
    found = predict(crops_of(whole.pixels, windows, preprocessing))
    edges = _edges(tiling, size)
    probabilities = _averaged(found.probabilities, grids, sides, edges)
    k = probabilities.shape[-1]
    return ShelfMap(
        probabilities=probabilities,
        accepted=decide(probabilities.reshape(-1, k)).reshape(probabilities.shape[:2]),
        class_names=found.class_names,
        image_size=size,
        tile_size=tiling.size(size),
        n_tiles=n_tiles,
        edges=edges,
        origin=whole.origin,
    )


def _edges(tiling: Tiling, size: tuple[int, int]) -> tuple[Edges, Edges]:
    """Return the edges of rows and columns of cells, halfway between the centers of tiles."""
    down, across = (
        _between(starts + side / 2, whole)
        for starts, side, whole in zip(
            tiling.starts(size, 1.0), tiling.size(size), size, strict=True
        )
    )
    return down, across


def _between(middles: npt.NDArray[np.floating], whole: int) -> Edges:
    return np.array([0, *((middles[1:] + middles[:-1]) / 2), whole], dtype=np.float64)


def _averaged(
    scores: npt.NDArray[np.float32],
    grids: Sequence[Sequence[npt.NDArray[np.int64]]],
    sides: Sequence[tuple[int, int]],
    edges: tuple[Edges, Edges],
) -> npt.NDArray[np.float32]:
    """Return the weighted mean of each cell over all tiles that cover its center."""
    k, start = scores.shape[1], 0
    total = np.zeros((len(edges[0]) - 1, len(edges[1]) - 1, k))
    for grid, side in zip(grids, sides, strict=True):
        shape = len(grid[0]), len(grid[1])
        part = scores[start : start + math.prod(shape)].reshape(*shape, k)
        start += math.prod(shape)
        down, across = (
            _weights(starts, length, edge)
            for starts, length, edge in zip(grid, side, edges, strict=True)
        )
        total += np.einsum("ri,cj,ijk->rck", down, across, part, optimize=True)
    total /= len(grids)
    return total.astype(np.float32)


def _weights(starts: npt.NDArray[np.int64], length: int, edges: Edges) -> npt.NDArray[np.float64]:
    """Return the weight of each tile for each cell along one axis; rows sum to 1."""
    cells, tiles = (edges[1:] + edges[:-1]) / 2, starts + length / 2
    near = 1 - np.abs(cells[:, None] - tiles) / (length / 2)
    weights = near.clip(0, None) + 1e-9 * (near >= near.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
