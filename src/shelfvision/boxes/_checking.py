"""Checks of boxes; each message names the row and its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted, received
from shelfvision.errors import InvalidParameterError

MAX_BOXES = 100_000
"""The largest number of boxes in a photo, to limit memory."""
MAX_BOXES_OF_ALL = 2_000_000
"""The largest number of boxes in all photos of a dataset, to limit memory."""
MAX_PIXEL = 1e6
"""The largest coordinate; photos are smaller."""

Corners = npt.NDArray[np.float64]


def box_corners(values: npt.ArrayLike, *, relative: bool) -> Corners:
    """Return corners as a read-only copy, or raise if they are invalid."""
    corners = _as_numbers(values)
    if corners.ndim != 2 or corners.shape[1] != 4:
        hint = "; write a single box as [[left, top, right, bottom]]" if corners.ndim == 1 else ""
        raise InvalidParameterError(
            "boxes must be an array of shape (n, 4) with left, top, right and bottom of each box, "
            f"got shape {corners.shape}{hint}",
            code="wrong-shape",
            parameter="corners",
        )
    if len(corners) > MAX_BOXES:
        raise InvalidParameterError(
            f"boxes must be at most {MAX_BOXES:,} for one photo, got {len(corners):,}; keep those "
            "with a high score",
            code="too-large",
            parameter="corners",
        )
    for code, fault, rows in _faults(corners, relative=relative):
        if rows.any():
            _refuse(int(np.flatnonzero(rows)[0]), corners, code, fault)
    corners.flags.writeable = False
    return corners


def _as_numbers(values: npt.ArrayLike) -> Corners:
    try:
        found = np.asarray(values)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise _no_numbers(str(error)) from error
    if found.dtype.kind not in "iuf" and found.size:
        raise _no_numbers(f"they are of type {found.dtype}")
    corners = np.array(found, dtype=np.float64)
    return corners.reshape(0, 4) if corners.size == 0 and corners.ndim <= 2 else corners


def _no_numbers(fault: str) -> InvalidParameterError:
    return InvalidParameterError(
        "boxes must be numbers of shape (n, 4), left, top, right and bottom of each box, but "
        f"{fault}; pass a numeric array",
        code="wrong-type",
        parameter="corners",
    )


def _faults(corners: Corners, *, relative: bool) -> list[tuple[str, str, npt.NDArray[np.bool_]]]:
    """Return code, message and rows of each possible fault, the first to report first."""
    left, top, right, bottom = corners.T
    limit = 2.0 if relative else MAX_PIXEL
    finite = np.isfinite(corners).all(axis=1)
    far = (
        "must have relative corners from 0 to 1; pass relative=False for corners in pixels"
        if relative
        else f"must lie within {MAX_PIXEL:,.0f} pixels; pass corners in pixels of the photo"
    )
    swapped = (
        "must have left < right and top < bottom; pass left, top, right, bottom, not left, top, "
        "width, height"
    )
    empty = "must have a width and a height above 0; leave it out"
    with np.errstate(invalid="ignore"):
        return [
            ("not-finite", "must have finite corners; leave it out", ~finite),
            ("not-in-range", far, (np.abs(corners) > limit).any(axis=1)),
            ("swapped", swapped, (right < left) | (bottom < top)),
            ("empty", empty, (right == left) | (bottom == top)),
        ]


def _refuse(row: int, corners: Corners, code: str, fault: str) -> NoReturn:
    raise InvalidParameterError(
        f"box {row}, {received(corners[row].tolist())}, {fault}", code=code, parameter="corners"
    )


def box_labels(labels: Sequence[str | None] | None, n: int) -> tuple[str | None, ...]:
    """Return one label or None per box."""
    if labels is None:
        return (None,) * n
    found = tuple(labels)
    _require_length("labels", len(found), n)
    for row, label in enumerate(found):
        if label is not None and not isinstance(label, str):
            raise InvalidParameterError(
                f"labels must be str or None, got {received(label)} for box {row}; pass "
                "[str(label) for label in labels]",
                code="wrong-type",
                parameter="labels",
            )
    return found


def box_scores(scores: npt.ArrayLike | None, n: int) -> npt.NDArray[np.float32] | None:
    """Return scores as a read-only array, or None without scores."""
    if scores is None:
        return None
    try:
        found = np.array(scores, dtype=np.float32).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(
            f"scores must be one number from 0 to 1 for each box, but {error}; leave them out",
            code="wrong-type",
            parameter="scores",
        ) from error
    _require_length("scores", len(found), n)
    outside = ~((found >= 0) & (found <= 1))
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InvalidParameterError(
            f"scores must be in [0, 1], got {float(found[row])!r} for box {row}; pass the "
            "detector's confidences, or none",
            code="not-in-range",
            parameter="scores",
        )
    found.flags.writeable = False
    return found


def _require_length(name: str, got: int, n: int) -> None:
    if got != n:
        raise InvalidParameterError(
            f"{name} must have one entry for each of the {counted(n, 'box')}, got {got}; pass one "
            "for each",
            code="wrong-length",
            parameter=name,
        )
