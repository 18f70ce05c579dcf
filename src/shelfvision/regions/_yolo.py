"""Reads the boxes of one photo from YOLO text."""

from __future__ import annotations

import math
import os

import numpy as np

from shelfvision._validation import as_class_names
from shelfvision.protocols import ClassNames
from shelfvision.regions._checking import MAX_BOXES, written
from shelfvision.regions._found import Found
from shelfvision.regions._reading import read_text, refuse

_KIND = "YOLO"
_MOST = 32 * 1024 * 1024


def read_yolo(path: str | os.PathLike[str], class_names: ClassNames | None) -> Found:
    """Return the boxes of a file, relative to the photo."""
    where = repr(os.fspath(path))
    names = None if class_names is None else as_class_names(class_names)
    lines = read_text(path, kind=_KIND, most=_MOST).splitlines()
    rows = [
        _row(line, number, where, names) for number, line in enumerate(lines, 1) if line.strip()
    ]
    if len(rows) > MAX_BOXES:
        refuse(where, _KIND, f"it has {len(rows):,} boxes, and {MAX_BOXES:,} are allowed")
    scores = [score for _, _, score in rows]
    return Found(
        corners=np.array([corners for _, corners, _ in rows], dtype=np.float64).reshape(-1, 4),
        labels=[label for label, _, _ in rows],
        scores=None if None in scores or not scores else np.array(scores, dtype=np.float32),
        relative=True,
    )


def _row(
    line: str, number: int, where: str, names: tuple[str, ...] | None
) -> tuple[str, tuple[float, ...], float | None]:
    """Return label, corners and score of a line."""
    words = line.split()
    values = [_number(word) for word in words]
    if len(words) not in (5, 6) or not all(map(math.isfinite, values)):
        refuse(
            where,
            _KIND,
            f"line {number} is {written(line.strip())}, not the number of a class and four "
            "numbers, the middle, width and height of a box, with or without a score",
        )
    kind, x, y, width, height = values[:5]
    if kind != int(kind) or kind < 0 or (names is not None and kind >= len(names)):
        known = "a whole number from 0" if names is None else f"one of {len(names)} class_names"
        refuse(where, _KIND, f"line {number} has the class {words[0]}, not {known}")
    if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < width <= 1 and 0 < height <= 1):
        refuse(
            where,
            _KIND,
            f"line {number} has the box {written(words[1:5])}, which are not shares of the "
            "photo's width and height above 0 and up to 1",
        )
    score = values[5] if len(values) == 6 else None
    if score is not None and not 0 <= score <= 1:
        refuse(where, _KIND, f"line {number} has the score {words[5]}, not one from 0 to 1")
    label = names[int(kind)] if names is not None else str(int(kind))
    corners = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    return label, corners, score


def _number(text: str) -> float:
    try:
        number = float(text) if len(text) <= 40 else math.nan
    except ValueError:
        return math.nan
    return number if abs(number) <= 1e6 else math.nan
