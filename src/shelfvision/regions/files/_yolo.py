"""Reads the boxes of one photo from YOLO text.

A line is ``class x y width height``, all but the class as shares of the photo's width and height,
with or without a confidence after them. Lines of other tasks become their bounding boxes: a
polygon (``class x1 y1 x2 y2 x3 y3 ...``) and an oriented box, which is a polygon of four corners.
A line that may as well be a box with keypoints (``class x y width height x1 y1 visibility1 ...``)
is refused.

Exporters round, and draw a little beyond the edge: shares up to `TOLERANCE` outside 0 to 1 are
clipped, what lies further out is refused, for then the numbers are pixels or another format.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass

import numpy as np

from shelfvision._class_names import as_class_names
from shelfvision._text import shortened
from shelfvision._validation import as_path, counted, one_of, received
from shelfvision._warnings import warn_caller
from shelfvision.data import SkippedFile, SkippedFiles
from shelfvision.errors import ShelfVisionWarning
from shelfvision.protocols import ClassNames, OnError
from shelfvision.regions._checking import MAX_BOXES
from shelfvision.regions.files._raw_boxes import RawBoxes
from shelfvision.regions.files._text_files import read_text, refuse_file

TOLERANCE = 0.01
"""How far a share may lie outside 0 to 1; exports of Label Studio have up to 1.0021."""

_KIND = "YOLO"
_MOST = 32 * 1024 * 1024
_LEAST_POLYGON = 6


@dataclass(frozen=True, slots=True)
class _YoloLine:
    """A line that was read."""

    label: str
    corners: tuple[float, float, float, float]
    score: float | None


class _LineError(ValueError):
    """Why a line is no box."""

    def __init__(self, code: str, fault: str, remedy: str = "correct it") -> None:
        super().__init__(fault)
        self.code, self.remedy = code, remedy


def read_yolo(
    path: str | os.PathLike[str], class_names: ClassNames | None, on_error: OnError
) -> RawBoxes:
    """Return the boxes of a file, relative to the photo."""
    names = None if class_names is None else as_class_names(class_names)
    one_of("on_error", on_error, ("raise", "skip"))
    where = as_path(path)
    lines = re.split(r"\r\n|\r|\n", read_text(path, kind=_KIND, most=_MOST))
    rows: list[_YoloLine] = []
    skipped: list[SkippedFile] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(_row(line.split(), names))
        except _LineError as error:
            if on_error == "raise":
                fault = f"line {number} {error}"
                refuse_file(
                    repr(where), _KIND, fault, code=error.code, parameter="path",
                    remedy=error.remedy,
                )  # fmt: skip
            skipped.append(
                SkippedFile(
                    path=f"{where}:{number}", reason=f"line {number} {error}", code=error.code
                )
            )
        if len(rows) + len(skipped) > MAX_BOXES:
            few = f"it has more than {MAX_BOXES:,} boxes"
            refuse_file(repr(where), _KIND, few, code="too-large", parameter="path")
    _tell(where, skipped)
    scores = [row.score for row in rows]
    return RawBoxes(
        corners=np.array([row.corners for row in rows], dtype=np.float64).reshape(-1, 4),
        labels=[row.label for row in rows],
        scores=None if None in scores or not scores else np.array(scores, dtype=np.float32),
        relative=True,
        skipped=SkippedFiles(skipped),
    )


def _tell(where: str, skipped: list[SkippedFile]) -> None:
    if skipped:
        lines, first = counted(len(skipped), "line"), skipped[0].reason
        warn_caller(
            ShelfVisionWarning(
                f"skipped {lines} of {where!r}, the first because {first}; `Boxes.skipped` lists "
                "them, and the file needs correcting",
                code="skipped-lines",
                parameter="path",
            )
        )


def _row(words: list[str], names: tuple[str, ...] | None) -> _YoloLine:
    """Return label, corners and confidence of a line."""
    shown = received(shortened(" ".join(words[:40]), 60))
    values = [_number(word) for word in words]
    polygon = len(words) > _LEAST_POLYGON
    if len(words) < 5 or not all(map(math.isfinite, values)):
        raise _LineError(
            "wrong-length" if all(map(math.isfinite, values)) else "wrong-type",
            f"is {shown}, not the number of a class and the middle, width and height of a box, or "
            "the corners of a polygon",
        )
    if len(words) == 7 and words[-1].isdigit():
        # Ultralytics writes the number of a track behind the confidence.
        raise _LineError("ambiguous", f"is {shown}, a triangle or a tracked box with its number")
    if _may_have_keypoints(values[1:]):
        raise _LineError(
            "ambiguous",
            f"is {shown}, a polygon or a box with keypoints",
            "keep the first five numbers of each line if it is a box with keypoints, or move a "
            "corner of the polygon by 0.001 inward",
        )
    label = _label(words[0], values[0], names)
    # An even number of values after the class are coordinates; one more is a confidence.
    shares, score = (values[1:], None) if len(values) % 2 else (values[1:-1], values[-1])
    if score is not None and not 0 <= score <= 1:
        raise _LineError("not-in-range", f"has the score {words[-1]}, not one from 0 to 1")
    if not all(-TOLERANCE <= share <= 1 + TOLERANCE for share in shares):
        raise _LineError(
            "not-in-range",
            f"is {shown}, with values that are not shares of the photo's width and height, 0 to 1 "
            "(pixels and keypoints are not read)",
        )
    left, top, right, bottom = _around(shares) if polygon else _corners(shares)
    if not (right > left and bottom > top):
        raise _LineError("empty", f"is {shown}, which has no area inside the photo")
    return _YoloLine(label, (left, top, right, bottom), score)


def _may_have_keypoints(values: list[float]) -> bool:
    """Return whether values are a box and then x, y and visibility of keypoints.

    How many keypoints there are is in ``kpt_shape`` of a ``data.yaml``, which is not known here.
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
    """Return a box by its edges, inside the photo; a negative size makes an empty one."""
    x, y, width, height = shares
    if width <= 0 or height <= 0:
        return 0.0, 0.0, 0.0, 0.0
    return (
        _clipped(x - width / 2), _clipped(y - height / 2),
        _clipped(x + width / 2), _clipped(y + height / 2),
    )  # fmt: skip


def _around(shares: list[float]) -> tuple[float, float, float, float]:
    """Return the box around a polygon, inside the photo."""
    across, down = [_clipped(one) for one in shares[::2]], [_clipped(one) for one in shares[1::2]]
    return min(across), min(down), max(across), max(down)


def _clipped(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def _number(text: str) -> float:
    # Underscores and other scripts' digits are numbers to Python, but to no other tool.
    if len(text) > 40 or not text.isascii() or "_" in text:
        return math.nan
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if abs(number) <= 1e6 else math.nan
