"""Overlap of boxes: intersection over union (IoU), and one-to-one matching of two lists of boxes.

The IoU of two boxes is the area that they share, divided by the area that either of them covers: 1
for equal boxes, 0 for boxes that do not overlap. `matched_boxes` pairs detections with annotations
as COCO's evaluation does (Lin et al. 2014): the detection with the highest score is first to take
the annotation that it overlaps most, if their IoU is at least the limit. Each box is in at most one
pair.

References
----------
T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014, 740-755.

Examples
--------
The second detection has the higher score, so it is matched; the first one has no box left.

>>> detections = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10]])
>>> annotations = np.array([[1.0, 0, 11, 10]])
>>> matched_boxes(detections, annotations, scores=np.array([0.6, 0.9]), iou=0.5).first.tolist()
[1]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["BoxPairs", "matched_boxes", "overlapping_pairs"]

Corners = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

# The maximum number of IoUs in memory at once.
_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxPairs:
    """Pairs of overlapping boxes of two lists, as columns."""

    first: Rows
    """The row of each pair's box in the first list."""
    second: Rows
    """The row of each pair's box in the second list."""
    iou: npt.NDArray[np.float64]
    """The intersection over union of each pair, 0 to 1."""
    contained: npt.NDArray[np.float64]
    """The share of the smaller box that the other one covers, 0 to 1."""

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.first)

    def __getitem__(self, rows: npt.NDArray[np.generic]) -> BoxPairs:
        """Return the pairs that a mask or an array of indices selects."""
        return BoxPairs(
            first=self.first[rows],
            second=self.second[rows],
            iou=self.iou[rows],
            contained=self.contained[rows],
        )


def overlapping_pairs(first: Corners, second: Corners) -> BoxPairs:
    """Return all pairs of boxes that share an area, in the order of the first and second list.

    Parameters
    ----------
    first, second : ndarray of float, shape (n, 4) and (m, 4)
        Left, top, right and bottom of each box.

    Returns
    -------
    BoxPairs
        The pairs.
    """
    found = list(_chunks(first, second))
    return BoxPairs(
        first=np.concatenate([part.first for part in found]),
        second=np.concatenate([part.second for part in found]),
        iou=np.concatenate([part.iou for part in found]),
        contained=np.concatenate([part.contained for part in found]),
    )


def _chunks(first: Corners, second: Corners) -> Iterator[BoxPairs]:
    step = max(1, _AT_ONCE // max(1, len(second)))
    for start in range(0, max(1, len(first)), step):
        yield _pairs_of(first[start : start + step], second, start)


def _pairs_of(first: Corners, second: Corners, start: int) -> BoxPairs:
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[..., 0] * sides[..., 1]
    rows, columns = np.nonzero(shared)
    both = shared[rows, columns]
    areas, others = _areas(first)[rows], _areas(second)[columns]
    return BoxPairs(
        first=rows.astype(np.int64) + start,
        second=columns.astype(np.int64),
        iou=both / (areas + others - both),
        contained=both / np.minimum(areas, others),
    )


def _areas(corners: Corners) -> npt.NDArray[np.float64]:
    return np.asarray((corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1]))


def matched_boxes(
    first: Corners,
    second: Corners,
    *,
    iou: float,
    scores: npt.NDArray[np.floating] | None = None,
) -> BoxPairs:
    """Return a one-to-one matching of detections to annotations.

    Parameters
    ----------
    first, second : ndarray of float, shape (n, 4) and (m, 4)
        Detections and annotations.
    iou : float
        The smallest IoU of a pair.
    scores : ndarray of float, shape (n,), optional
        The score of each detection. Detections with equal scores, or without scores, are matched
        in descending order of IoU, and pairs with equal IoUs in the order of the lists.

    Returns
    -------
    BoxPairs
        The pairs in ascending order of the first list.
    """
    pairs = overlapping_pairs(first, second)
    pairs = pairs[pairs.iou >= iou]
    ranks = np.zeros(len(pairs)) if scores is None else -np.asarray(scores)[pairs.first]
    order = np.lexsort((pairs.second, pairs.first, -pairs.iou, ranks))
    free, open_ = np.ones(len(first), np.bool_), np.ones(len(second), np.bool_)
    chosen = []
    for pair in order.tolist():
        row, column = pairs.first[pair], pairs.second[pair]
        if free[row] and open_[column]:
            free[row] = open_[column] = False
            chosen.append(pair)
    kept = np.array(chosen, dtype=np.int64)
    return pairs[kept[np.argsort(pairs.first[kept], kind="stable")]]
