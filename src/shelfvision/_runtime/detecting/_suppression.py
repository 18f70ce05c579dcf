"""Greedy non-maximum suppression, as in torchvision's ``nms``.

A detector finds the same product several times, in boxes that differ by some pixels. The box with
the highest score represents all of them (P. Felzenszwalb, R. Girshick, D. McAllester, D. Ramanan,
"Object detection with discriminatively trained part-based models", IEEE Transactions on Pattern
Analysis and Machine Intelligence 32 (2010) 1627-1645). Boxes are taken in the order of their
scores. Each taken box removes all later boxes of its class whose intersection over union (IoU) with
it is above the threshold. Equal scores are taken in the order of the rows, so the result is
deterministic.

>>> corners = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], dtype=float)
>>> suppressed(corners, np.array([0.8, 0.9, 0.5]), np.zeros(3, int), 0.5).tolist()
[1, 2]
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MOST_CANDIDATES = 30_000
"""The largest number of candidates of one image, and of the tiles of one photo together; those with
the highest scores are kept."""


def by_score(scores: Floats) -> Integers:
    """Return rows by descending score; equal scores keep their order."""
    return np.argsort(-scores, kind="stable")


def overlaps(boxes: Floats, others: Floats) -> Floats:
    """Return the IoU of one box with each of `others`, or of boxes and others row by row.

    It is 0 for boxes without area.
    """
    sides = np.minimum(boxes[..., 2:], others[:, 2:]) - np.maximum(boxes[..., :2], others[:, :2])
    shared = sides.clip(0).prod(axis=-1)
    areas = [(one[..., 2:] - one[..., :2]).clip(0).prod(axis=-1) for one in (boxes, others)]
    total = areas[0] + areas[1] - shared
    return np.asarray(np.divide(shared, total, out=np.zeros_like(shared), where=total > 0))


def suppressed(corners: Floats, scores: Floats, classes: Integers, iou: float) -> Integers:
    """Return the rows that remain, by descending score.

    Parameters
    ----------
    corners : ndarray of float64, shape (n, 4)
        Left, top, right and bottom of each box.
    scores : ndarray of float64, shape (n,)
        The score of each box.
    classes : ndarray of int64, shape (n,)
        The class of each box. Boxes of different classes never remove each other.
    iou : float
        The largest IoU of two remaining boxes of a class.
    """
    order = by_score(scores)
    kept: list[int] = []
    for number in np.unique(classes):
        rest = order[classes[order] == number]
        while len(rest):
            best, rest = rest[0], rest[1:]
            kept.append(int(best))
            rest = rest[overlaps(corners[best], corners[rest]) <= iou]
    rows = np.array(sorted(kept), dtype=np.int64)
    return rows[by_score(scores[rows])]
