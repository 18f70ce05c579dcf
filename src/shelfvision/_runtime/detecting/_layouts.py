"""The layouts of detector outputs: how each becomes boxes, scores and classes.

======================  ==================================  =========================  ===========
layout                  outputs                             boxes                      duplicates
======================  ==================================  =========================  ===========
``"yolo"``              (1, 4 + k, n) or (1, n, 4 + k)      center, size in pixels     suppressed
``"yolov5"``            (1, n, 5 + k), with objectness      center, size in pixels     suppressed
``"yolo-end-to-end"``   (1, n, 6), score and class last     corners in pixels          none
``"rt-detr"``           (1, n, 6), of Ultralytics           center, size in 0 to 1     none
``"rt-detr"``           (1, n, 4 + k), of older Ultralytics center, size in 0 to 1     none
``"rt-detr"``           logits (1, n, k), pred_boxes        center, size in 0 to 1     none
``"rf-detr"``           dets (1, n, 4), labels (1, n, k)    center, size in 0 to 1     none
======================  ==================================  =========================  ===========

``k`` is the number of classes. Segmentation models of the same families have more columns or
outputs, which are not read. Pixels are those of the network's input.

YOLO gives each box its best class. RT-DETR and RF-DETR take the ``n`` best pairs of a box and a
class, so one box may be returned for two classes; older versions of Ultralytics give each box its
best class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shelfvision._class_names import MAX_CLASSES
from shelfvision._runtime.detecting._input import (
    Pixels,
    Placement,
    antialiased_input,
    normalized_input,
    stretched_input,
    yolo_input,
)
from shelfvision._runtime.detecting._suppression import (
    MOST_CANDIDATES,
    Floats,
    Integers,
    by_score,
)
from shelfvision.protocols import Image

_SCORE_SLACK = 1e-3
"""How far a score may be outside 0 to 1; half-precision sums round."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Boxes of one image, before or after removing duplicates."""

    corners: Floats
    """Left, top, right and bottom of each box, shape (n, 4)."""
    scores: Floats
    """The score of each box, 0 to 1."""
    classes: Integers
    """The class number of each box."""

    def __getitem__(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Candidates:
        """Return the candidates of some rows."""
        return Candidates(
            corners=self.corners[rows], scores=self.scores[rows], classes=self.classes[rows]
        )

    @classmethod
    def joined(cls, parts: list[Candidates]) -> Candidates:
        """Return the candidates of several images as one."""
        return cls(
            corners=np.concatenate([np.empty((0, 4)), *(part.corners for part in parts)]),
            scores=np.concatenate([np.empty(0), *(part.scores for part in parts)]),
            classes=np.concatenate(
                [np.empty(0, dtype=np.int64), *(part.classes for part in parts)]
            ),
        )


Prepare = Callable[[Image, tuple[int, int], int | None], tuple[Pixels, Placement]]
"""Returns the input of a network for a photo, a size, and the stride of variable sizes."""
Decode = Callable[[tuple[Pixels, ...], float], Candidates]
"""Returns the boxes of the outputs with at least a score; relative boxes are in 0 to 1."""


class ScoresError(ValueError):
    """Outputs that cannot have the chosen layout: scores outside 0 to 1, or NaN."""


class ClassesError(ValueError):
    """Outputs with a class number that is NaN, negative or too large."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutputLayout:
    """One layout for one file: all that is needed from a photo to its candidates."""

    name: str
    """The name in ``Detector(layout=)``."""
    prepare: Prepare
    """Returns the input of the network for a photo."""
    decode: Decode
    """Returns the candidates of the outputs."""
    relative: bool
    """Whether the boxes of `decode` are relative to the input instead of pixels of it."""
    suppress: bool
    """Whether duplicates must be removed."""
    num_classes: int | None
    """The number of classes; None if the outputs do not show it."""


def yolo(output: int, num_classes: int, *, transposed: bool) -> OutputLayout:
    """Return the layout of YOLOv8 and YOLO11; `transposed` if a row is a box."""

    def decode(outputs: tuple[Pixels, ...], least: float) -> Candidates:
        table = outputs[output][0] if transposed else outputs[output][0].T
        return best_of(centered(table[:, :4]), table[:, 4 : 4 + num_classes], least)

    return OutputLayout(
        name="yolo",
        prepare=yolo_input,
        decode=decode,
        relative=False,
        suppress=True,
        num_classes=num_classes,
    )


def yolov5(output: int, num_classes: int) -> OutputLayout:
    """Return the layout of YOLOv5 and YOLOv7, whose scores are objectness times class."""

    def decode(outputs: tuple[Pixels, ...], least: float) -> Candidates:
        table = outputs[output][0]
        return best_of(centered(table[:, :4]), table[:, 4:5] * table[:, 5 : 5 + num_classes], least)

    return OutputLayout(
        name="yolov5",
        prepare=yolo_input,
        decode=decode,
        relative=False,
        suppress=True,
        num_classes=num_classes,
    )


def yolo_end_to_end(output: int) -> OutputLayout:
    """Return the layout of YOLOv10, YOLO26 and exports with non-maximum suppression."""

    def decode(outputs: tuple[Pixels, ...], least: float) -> Candidates:
        table = outputs[output][0]
        return scored_rows(table[:, :4].astype(np.float64), table, least)

    return OutputLayout(
        name="yolo-end-to-end",
        prepare=yolo_input,
        decode=decode,
        relative=False,
        suppress=False,
        num_classes=None,
    )


def rt_detr_with_class(output: int) -> OutputLayout:
    """Return the layout of Ultralytics' RT-DETR: boxes with a score and a class."""

    def decode(outputs: tuple[Pixels, ...], least: float) -> Candidates:
        table = outputs[output][0]
        return scored_rows(centered(table[:, :4]), table, least)

    return OutputLayout(
        name="rt-detr",
        prepare=lambda photo, size, _: stretched_input(photo, size),
        decode=decode,
        relative=True,
        suppress=False,
        num_classes=None,
    )


def rt_detr(output: int, num_classes: int) -> OutputLayout:
    """Return the layout of the RT-DETR of older versions of Ultralytics."""

    def decode(outputs: tuple[Pixels, ...], least: float) -> Candidates:
        table = outputs[output][0]
        return best_of(centered(table[:, :4]), table[:, 4 : 4 + num_classes], least)

    return OutputLayout(
        name="rt-detr",
        prepare=lambda photo, size, _: stretched_input(photo, size),
        decode=decode,
        relative=True,
        suppress=False,
        num_classes=num_classes,
    )


def transformer(
    name: str, boxes: int, logits: int, num_classes: int, named: Integers | None
) -> OutputLayout:
    """Return the layout of Hugging Face's RT-DETR (``"rt-detr"``) or of RF-DETR (``"rf-detr"``).

    `named` are the columns of classes that have a name, or None for all. RF-DETR's other columns
    are the background, and unused category numbers of COCO.
    """
    made = normalized_input if name == "rf-detr" else antialiased_input

    def decode(outputs: tuple[Pixels, ...], least: float) -> Candidates:
        scores = sigmoid(outputs[logits][0])
        if named is None:
            return best_pairs(centered(outputs[boxes][0]), scores, least)
        found = best_pairs(centered(outputs[boxes][0]), scores[:, named], least)
        return replace(found, classes=named[found.classes])

    return OutputLayout(
        name=name,
        prepare=lambda photo, size, _: made(photo, size),
        decode=decode,
        relative=True,
        suppress=False,
        num_classes=num_classes,
    )


def centered(table: Pixels) -> Floats:
    """Convert center, width and height to left, top, right and bottom."""
    middle, half = table[:, :2].astype(np.float64), table[:, 2:4].astype(np.float64) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def sigmoid(logits: Pixels) -> Pixels:
    """Return the logistic function of logits, without overflow."""
    return np.asarray(1 / (1 + np.exp(-logits.clip(-80, 80))), dtype=np.float32)


def scored_rows(corners: Floats, table: Pixels, least: float) -> Candidates:
    """Return boxes by descending score, with the scores and classes of columns 4 and 5."""
    scores = _checked(table[:, 4])
    rows = np.flatnonzero(scores >= least)
    rows = rows[by_score(scores[rows])][:MOST_CANDIDATES]
    numbers = np.rint(table[rows, 5])
    odd = numbers[~((numbers >= 0) & (numbers < MAX_CLASSES))]
    if len(odd):
        raise ClassesError(f"{float(odd[0]):.4g}")
    classes = numbers.astype(np.int64)
    return Candidates(corners=corners[rows], scores=scores[rows], classes=classes)


def best_of(corners: Floats, scores: Pixels, least: float) -> Candidates:
    """Return each box with its best class, by descending score."""
    best = _checked(scores.max(axis=1))
    rows = np.flatnonzero(best >= least)
    rows = rows[by_score(best[rows])][:MOST_CANDIDATES]
    return Candidates(
        corners=corners[rows],
        scores=best[rows],
        classes=scores[rows].argmax(axis=1).astype(np.int64),
    )


def best_pairs(corners: Floats, scores: Pixels, least: float) -> Candidates:
    """Return the n best pairs of a box and a class, for n boxes, by descending score."""
    flat = _checked(scores.reshape(-1))
    chosen = by_score(flat)[: min(len(corners), MOST_CANDIDATES)]
    chosen = chosen[flat[chosen] >= least]
    return Candidates(
        corners=corners[chosen // scores.shape[1]],
        scores=flat[chosen],
        classes=(chosen % scores.shape[1]).astype(np.int64),
    )


def _checked(scores: Pixels) -> Floats:
    """Return scores clipped to 0 to 1; raise if they are not probabilities."""
    if len(scores) and not (
        float(scores.min()) >= -_SCORE_SLACK and float(scores.max()) <= 1 + _SCORE_SLACK
    ):
        raise ScoresError(f"from {float(scores.min()):.4g} to {float(scores.max()):.4g}")
    return scores.astype(np.float64).clip(0, 1)
