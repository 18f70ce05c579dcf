"""Read the boxes of one photo from a YOLO text file.

A line is ``class x y width height``, optionally followed by a confidence. Coordinates are relative
to the photo's width and height. Polygons (``class x1 y1 x2 y2 x3 y3 ...``) and oriented boxes,
which are polygons of four corners, become their bounding boxes. A line that could also be a box
with keypoints (``class x y width height x1 y1 visibility1 ...``) is refused.

Exporters round, so coordinates up to `TOLERANCE` outside 0 to 1 are clipped. Coordinates further
outside are refused, because they are pixels or another format.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from shelfvision._class_names import as_class_names
from shelfvision._skipped import SkippedFile, SkippedFiles
from shelfvision._text import shortened
from shelfvision._validation import as_path, counted, one_of, received
from shelfvision._warnings import warn_caller
from shelfvision.boxes._checking import MAX_BOXES, MAX_PIXEL
from shelfvision.boxes.files._raw_boxes import RawBoxes
from shelfvision.boxes.files._text_files import number_in, read_text, refuse_file
from shelfvision.errors import ShelfVisionWarning
from shelfvision.protocols import ClassNames, OnError

TOLERANCE = 0.01
"""How far a coordinate may be outside 0 to 1; exports of Label Studio have up to 1.0021."""

_KIND = "YOLO"
_MOST = 32 * 1024 * 1024
_LEAST_POLYGON = 6


@dataclass(frozen=True, slots=True)
class _YoloLine:
    """The content of a line."""

    label: str
    corners: tuple[float, float, float, float]
    score: float | None


class _LineError(ValueError):
    """The reason for refusing a line."""

    def __init__(self, code: str, fault: str, remedy: str = "correct it") -> None:
        super().__init__(fault)
        self.code, self.remedy = code, remedy


def read_yolo(
    path: str | os.PathLike[str], class_names: ClassNames | None, on_error: OnError
) -> RawBoxes:
    """Return the boxes of a file, relative to the photo's size."""
    names = None if class_names is None else as_class_names(class_names)
    one_of("on_error", on_error, ("raise", "skip"))
    where = as_path(path)
    faults: list[YoloFault] = []
    boxes = read_yolo_file(path, names, None if on_error == "raise" else faults.append).boxes
    skipped = [
        SkippedFile(path=f"{where}:{fault.line}", reason=fault.reason, code=fault.code)
        for fault in faults
    ]
    _warn_skipped(where, skipped)
    boxes["skipped"] = SkippedFiles(skipped)
    return boxes


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloFault:
    """An invalid line."""

    line: int
    """Its number in the file, from 1."""
    number: int
    """The position of its box in the file, from 0."""
    reason: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloFile:
    """The content of a file."""

    boxes: RawBoxes
    """The boxes in the order of the file."""
    numbers: Sequence[int]
    """The position of each box in the file, blank lines not counted."""


def read_yolo_file(
    path: str | os.PathLike[str],
    names: tuple[str, ...] | None,
    on_fault: Callable[[YoloFault], None] | None,
    *,
    keypoints: int = 0,
) -> YoloFile:
    """Return the boxes of a file; `on_fault` takes invalid lines, which raise without it.

    `keypoints` is the number of values of keypoints behind each box (``kpt_shape``), which are not
    read.
    """
    where = as_path(path)
    lines = re.split(r"\r\n|\r|\n", read_text(path, kind=_KIND, most=_MOST))
    filled = [(line, text.split()) for line, text in enumerate(lines, 1) if text.strip()]
    if len(filled) > MAX_BOXES:
        few = f"it has more than {MAX_BOXES:,} boxes"
        refuse_file(repr(where), _KIND, few, code="too-large", parameter="path")
    rows: dict[int, _YoloLine] = {}
    for number, (line, words) in enumerate(filled):
        posed = keypoints and len(words) == 5 + keypoints
        try:
            rows[number] = _row(words[:5] if posed else words, names)
        except _LineError as error:
            reason = f"line {line} {error}"
            if on_fault is None:
                refuse_file(
                    repr(where),
                    _KIND,
                    reason,
                    code=error.code,
                    parameter="path",
                    remedy=error.remedy,
                )
            on_fault(YoloFault(line=line, number=number, reason=reason, code=error.code))
    return YoloFile(boxes=_raw_rows(list(rows.values())), numbers=list(rows))


def _raw_rows(rows: Sequence[_YoloLine]) -> RawBoxes:
    scores = [row.score for row in rows]
    return RawBoxes(
        corners=np.array([row.corners for row in rows], dtype=np.float64).reshape(-1, 4),
        labels=[row.label for row in rows],
        scores=None if None in scores or not scores else np.array(scores, dtype=np.float32),
        relative=True,
    )


def _warn_skipped(where: str, skipped: list[SkippedFile]) -> None:
    if skipped:
        lines, first = counted(len(skipped), "line"), skipped[0].reason
        warn_caller(
            ShelfVisionWarning(
                f"skipped {lines} of {where!r}, the first because {first}; correct the lines that "
                "`Boxes.skipped` lists",
                code="skipped-lines",
                parameter="path",
            )
        )


def _row(words: list[str], names: tuple[str, ...] | None) -> _YoloLine:
    """Return label, corners and confidence of a line."""
    shown = received(shortened(" ".join(words[:40]), 60))
    values = [number_in(word, most=MAX_PIXEL) for word in words]
    polygon = len(words) > _LEAST_POLYGON
    if len(words) < 5 or not all(map(math.isfinite, values)):
        raise _LineError(
            "wrong-length" if all(map(math.isfinite, values)) else "wrong-type",
            f"is {shown}, not a class number with center, width and height of a box, or with the "
            "corners of a polygon",
        )
    if len(words) == 7 and words[-1].isdigit():
        # Ultralytics writes the track number after the confidence.
        raise _LineError("ambiguous", f"is {shown}, a triangle or a box with a track number")
    if _may_have_keypoints(values[1:]):
        raise _LineError(
            "ambiguous",
            f"is {shown}, a polygon or a box with keypoints",
            "keep the first five numbers of each line if it is a box with keypoints, or move a "
            "corner of the polygon by 0.001 inward",
        )
    label = _label(words[0], values[0], names)
    # An even number of values after the class are coordinates; the last of an odd number is a
    # confidence.
    shares, score = (values[1:], None) if len(values) % 2 else (values[1:-1], values[-1])
    if score is not None and not 0 <= score <= 1:
        raise _LineError("not-in-range", f"has the score {words[-1]}, which must be in [0, 1]")
    if not all(-TOLERANCE <= share <= 1 + TOLERANCE for share in shares):
        raise _LineError(
            "not-in-range",
            f"is {shown}, but coordinates must be in [0, 1], relative to the photo's size (pixels "
            "and keypoints are not supported)",
        )
    left, top, right, bottom = _around(shares) if polygon else _corners(shares)
    if not (right > left and bottom > top):
        raise _LineError("empty", f"is {shown}, which has no area inside the photo")
    return _YoloLine(label, (left, top, right, bottom), score)


def _may_have_keypoints(values: list[float]) -> bool:
    """Return whether values may be a box followed by x, y and visibility of keypoints.

    Only ``kpt_shape`` in ``data.yaml``, which is unknown here, has the number of keypoints.
    """
    visibilities = values[6::3]
    return len(values) % 3 == 1 and len(values) > 4 and set(visibilities) <= {0.0, 1.0}


def _label(word: str, number: float, names: tuple[str, ...] | None) -> str:
    if number != int(number) or number < 0 or (names is not None and number >= len(names)):
        known = "a whole number from 0" if names is None else f"one of {len(names)} class_names"
        code = "not-in-range" if names is None else "unknown-id"
        raise _LineError(code, f"has the class {word}, not {known}")
    return names[int(number)] if names is not None else str(int(number))


def _corners(shares: list[float]) -> tuple[float, float, float, float]:
    """Return the edges of a box, clipped to the photo; empty if its size is not positive."""
    x, y, width, height = shares
    if width <= 0 or height <= 0:
        return 0.0, 0.0, 0.0, 0.0
    return (
        _clipped(x - width / 2),
        _clipped(y - height / 2),
        _clipped(x + width / 2),
        _clipped(y + height / 2),
    )


def _around(shares: list[float]) -> tuple[float, float, float, float]:
    """Return the bounding box of a polygon, clipped to the photo."""
    across, down = [_clipped(one) for one in shares[::2]], [_clipped(one) for one in shares[1::2]]
    return min(across), min(down), max(across), max(down)


def _clipped(share: float) -> float:
    return min(max(share, 0.0), 1.0)
