"""Draw boxes with labels on a photo."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np

from shelfvision.boxes.box_list import Corners
from shelfvision.protocols import Image
from shelfvision.regions.drawing._canvas import SURE, UNSURE, Canvas, frame, named, tag, tag_size


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkedBoxes:
    """The boxes to draw."""

    corners: Corners
    """The corners in pixels of the photo."""
    labels: Sequence[str]
    """The predicted class of each box."""
    confidences: Sequence[float]
    """The confidence of each prediction."""
    sure: Sequence[bool]
    """Whether each prediction is accepted; otherwise it needs review."""

    def order(self) -> list[str]:
        """Return the labels, the most frequent first."""
        return [name for name, _ in Counter(self.labels).most_common()]


def draw_regions(
    photo: Image,
    marked: MarkedBoxes,
    width: SupportsIndex | None,
    font: str | os.PathLike[str] | None,
) -> Image:
    """Return the photo with boxes and labels, and a legend if boxes are too small for labels."""
    canvas = Canvas.of(photo, width, font)
    corners = (marked.corners * canvas.scale).tolist()
    pen, line = canvas.pen(), _line(marked, canvas)
    for row, box in enumerate(corners):
        frame(pen, box, line, sure=marked.sure[row])
    names = _captions(marked, canvas)
    # Draw tags last, so that no frame of a neighboring box covers them.
    for row, text in enumerate(_numbers(marked) if names is None else names):
        corner = _inside(canvas, corners[row], tag_size(text, canvas.letters))
        tag(pen, corner, text, canvas.letters, SURE if marked.sure[row] else UNSURE)
    return canvas.with_legend(_legend(marked) if names is None else _note(marked))


def _line(marked: MarkedBoxes, canvas: Canvas) -> int:
    """Return the line width of frames, which is smaller if most boxes are small."""
    if not len(marked.corners):
        return canvas.line
    sides = (marked.corners[:, 2:] - marked.corners[:, :2]) * canvas.scale
    small = float(np.median(sides.min(axis=1))) < 3 * canvas.letters.size
    return max(1, canvas.line // 2) if small else canvas.line


def _captions(marked: MarkedBoxes, canvas: Canvas) -> list[str] | None:
    """Return captions of one or two lines that fit into all boxes, else None."""
    sides = (marked.corners[:, 2:] - marked.corners[:, :2]) * canvas.scale
    for joint in (" ", "\n"):
        captions = [
            f"{named(label)}{joint}{_percent(confidence)}{'' if sure else ' ?'}"
            for label, confidence, sure in zip(
                marked.labels, marked.confidences, marked.sure, strict=True
            )
        ]
        sizes = [tag_size(caption, canvas.letters) for caption in captions]
        if all(w <= x and h <= y for (w, h), (x, y) in zip(sizes, sides, strict=True)):
            return captions
    return None


def _numbers(marked: MarkedBoxes) -> list[str]:
    number = {name: str(place) for place, name in enumerate(marked.order(), 1)}
    return [
        number[label] if sure else f"{number[label]}?"
        for label, sure in zip(marked.labels, marked.sure, strict=True)
    ]


def _legend(marked: MarkedBoxes) -> list[str]:
    counts = Counter(marked.labels)
    entries = [
        f"{place}  {named(name)}: {counts[name]}" for place, name in enumerate(marked.order(), 1)
    ]
    return entries + _note(marked)


def _note(marked: MarkedBoxes) -> list[str]:
    unsure = sum(not one for one in marked.sure)
    return [f"?  to review (dashed): {unsure}"] if unsure else []


def _percent(confidence: float) -> str:
    return f"{100 * confidence:.0f} %"


def _inside(canvas: Canvas, corner: Sequence[float], size: tuple[int, int]) -> tuple[float, float]:
    """Return the corner of a tag, shifted into the picture."""
    left = max(0.0, min(corner[0], canvas.picture.width - size[0]))
    top = max(0.0, min(corner[1], canvas.picture.height - size[1]))
    return left, top
