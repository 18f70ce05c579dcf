"""Detect in overlapping tiles of a large photo, and join the boxes of all tiles.

A network with an input of 640 x 640 pixels does not see a product of 60 pixels in a photo of 4,000.
Tiles are run one by one, and each product near a border is seen by two or more tiles, whole or cut
in pieces (F. Akyon, S. Altinuc, A. Temizel, "Slicing aided hyper inference and fine-tuning for
small object detection", ICIP 2022).

Two tiles see the same pixels in the area where they overlap. Two boxes of two tiles are therefore
the same product if they agree *inside that area*: both are clipped to it, and the IoU of the
clipped boxes is above the limit. This holds for whole boxes, for a whole box and a piece of it, and
for two pieces of a product that is larger than the overlap:

- A whole box removes the pieces of other tiles, and whole boxes with a lower score.
- Two pieces become one box around both, which may grow further with pieces of other tiles.

A box is a piece if it touches a border of its tile that is not a border of the photo. Whole boxes
remove only whole boxes of the same class, but pieces of any class, because half a bottle is often
mistaken for another product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._runtime.detecting._layouts import Candidates
from shelfvision._runtime.detecting._suppression import (
    MOST_CANDIDATES,
    Floats,
    Integers,
    by_score,
    overlaps,
)

MOST_TILES = 2_500
"""The largest number of tiles of one photo."""
_TOUCH = 0.01
"""A box touches a border if it is closer than this share of the tile's side, at least 2 pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """The boxes of all tiles, whole boxes first, each part by descending score."""

    boxes: Candidates
    """The boxes in pixels of the photo."""
    windows: Floats
    """The tile of each box, as corners in the photo."""
    cut: npt.NDArray[np.bool_]
    """Whether a box is a piece."""
    iou: float
    """The largest IoU of two boxes that stay apart."""


def joined_tiles(
    parts: list[Candidates], windows: Integers, photo_size: tuple[int, int], iou: float
) -> Candidates:
    """Return the boxes of a photo from the boxes of its tiles.

    Parameters
    ----------
    parts : list of Candidates
        The boxes of each tile, without duplicates, in pixels of the photo.
    windows : ndarray of int, shape (n_tiles, 4)
        Left, top, right and bottom of each tile.
    photo_size : tuple of int
        Height and width of the photo.
    iou : float
        The largest IoU of two boxes that stay apart.
    """
    seen = _seen(parts, windows.astype(np.float64), photo_size, iou)
    left = np.ones(len(seen.cut), dtype=np.bool_)
    corners, scores, classes = [np.empty((0, 4))], [0.0][:0], [0][:0]
    for row in range(len(left)):
        if left[row]:
            left[row] = False
            corners.append(_grown(row, seen, left)[None])
            scores.append(float(seen.boxes.scores[row]))
            classes.append(int(seen.boxes.classes[row]))
    found = Candidates(
        corners=np.concatenate(corners),
        scores=np.array(scores, dtype=np.float64),
        classes=np.array(classes, dtype=np.int64),
    )
    return found[by_score(found.scores)]


def _seen(
    parts: list[Candidates], windows: Floats, photo_size: tuple[int, int], iou: float
) -> _Seen:
    tiles = np.repeat(np.arange(len(parts)), [len(part.scores) for part in parts])
    every = Candidates.joined(parts)
    best = np.sort(by_score(every.scores)[:MOST_CANDIDATES])
    boxes, around = every[best], windows[tiles[best]].reshape(-1, 4)
    height, width = photo_size
    margins = np.maximum(_TOUCH * (around[:, 2:] - around[:, :2]), 2)
    inner = around != np.array([0, 0, width, height])
    near = np.abs(boxes.corners - around) <= np.concatenate([margins, margins], axis=1)
    cut = np.asarray((inner & near).any(axis=1), dtype=np.bool_)
    order = np.lexsort((np.arange(len(cut)), -boxes.scores, cut))
    return _Seen(boxes=boxes[order], windows=around[order], cut=cut[order], iou=iou)


def _grown(row: int, seen: _Seen, left: npt.NDArray[np.bool_]) -> Floats:
    """Remove the boxes that show the product of a row; return the box around a cut product."""
    box, window = seen.boxes.corners[row].copy(), seen.windows[row].copy()
    while True:
        same = _same_product(row, box, window, seen, left)
        left[same] = False
        if not len(same) or not seen.cut[row]:
            return np.asarray(box, dtype=np.float64)
        box = _around(box, seen.boxes.corners[same])
        window = _around(window, seen.windows[same])


def _same_product(
    row: int, box: Floats, window: Floats, seen: _Seen, left: npt.NDArray[np.bool_]
) -> Integers:
    """Return the remaining rows of other tiles that agree with a box where both tiles see."""
    rows = np.flatnonzero(left)
    alike = seen.boxes.classes[rows] == seen.boxes.classes[row]
    if not seen.cut[row]:
        alike |= seen.cut[rows]
    other = (seen.windows[rows] != seen.windows[row]).any(axis=1)
    rows = rows[alike & other]
    low = np.maximum(window[:2], seen.windows[rows, :2])
    high = np.minimum(window[2:], seen.windows[rows, 2:])
    shared = (high > low).all(axis=1)
    rows, low, high = rows[shared], low[shared], high[shared]
    mine, theirs = _clipped(box[None], low, high), _clipped(seen.boxes.corners[rows], low, high)
    return np.asarray(rows[overlaps(mine, theirs) > seen.iou], dtype=np.int64)


def _clipped(corners: Floats, low: Floats, high: Floats) -> Floats:
    """Return corners clipped to areas given by their upper left and lower right corners."""
    return np.concatenate([corners[:, :2].clip(low, high), corners[:, 2:].clip(low, high)], axis=1)


def _around(box: Floats, others: Floats) -> Floats:
    """Return the box around a box and others."""
    every = np.concatenate([box[None], others])
    return np.concatenate([every[:, :2].min(axis=0), every[:, 2:].max(axis=0)])
