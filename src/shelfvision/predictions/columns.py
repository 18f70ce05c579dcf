"""Check arrays of probabilities, labels, groups and quality measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._photos.quality import QUALITY
from shelfvision._validation import counted, one_of
from shelfvision.data.table import frozen
from shelfvision.errors import DataError, InvalidParameterError

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
TOLERANCE = 1e-6
"""The largest difference by which a confidence may be below a threshold and still be accepted.

The last bits of a probability depend on the processor and on the batch size. A threshold equals the
confidence of some photo; with this tolerance that photo is accepted on every processor.
"""
Groups: TypeAlias = (
    Sequence[int] | Sequence[str] | npt.NDArray[np.integer] | npt.NDArray[np.object_]
)
"""A name or number for each photo; photos of one group share it."""


def as_probabilities(values: npt.ArrayLike, *, failed: bool = False) -> npt.NDArray[np.float32]:
    """Return checked probabilities, shape (n, k); `failed` allows rows of NaN."""
    try:
        rows = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(
            f"probabilities must be numbers of shape (n, number of classes), but {error}",
            code="wrong-type",
            parameter="probabilities",
        ) from error
    if rows.ndim != 2 or rows.shape[1] < 1:
        raise InvalidParameterError(
            "probabilities must have shape (n, number of classes), one row per photo, got "
            f"{rows.shape}",
            code="wrong-shape",
            parameter="probabilities",
        )
    # Comparisons with NaN are false, so NaN counts as outside.
    outside = ~((rows >= 0) & (rows <= 1 + 1e-3)).all(axis=1)
    if failed:
        outside &= ~np.isnan(rows).all(axis=1)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InvalidParameterError(
            f"probabilities must be in [0, 1], got {rows[row, :5].tolist()} in row {row}; pass "
            "the output of a softmax",
            code="not-in-range",
            parameter="probabilities",
        )
    return rows


def as_labels(values: npt.ArrayLike, n: int, n_classes: int) -> Integers:
    """Return the checked class indices of `n` photos."""
    labels = np.asarray(values)
    if labels.shape != (n,) or (n and labels.dtype.kind not in "iu"):
        raise InvalidParameterError(
            f"labels must be {n} class indices, one per row of probabilities, got "
            f"{labels.dtype} of shape {labels.shape}",
            code="wrong-shape",
            parameter="labels",
        )
    if n and not (labels.min() >= 0 and labels.max() < n_classes):
        raise InvalidParameterError(
            f"labels must be from 0 to {n_classes - 1}, the columns of probabilities, got values "
            f"from {labels.min()} to {labels.max()}",
            code="not-in-range",
            parameter="labels",
        )
    return labels.astype(np.int64)


def as_groups(values: Groups | None, n: int) -> Integers:
    """Return the group of each photo as an integer, numbered by first appearance."""
    if values is None:
        return np.arange(n, dtype=np.int64)
    names = list(values)
    if len(names) != n:
        raise InvalidParameterError(
            f"groups must have one entry for each of {counted(n, 'photo')}, got {len(names)}; "
            "pass one for each",
            code="wrong-length",
            parameter="groups",
        )
    codes: dict[object, int] = {}
    return np.array([codes.setdefault(name, len(codes)) for name in names], dtype=np.int64)


def as_quality(
    quality: Mapping[str, npt.ArrayLike], failed: npt.NDArray[np.bool_]
) -> dict[str, npt.NDArray[np.float32]]:
    """Return read-only columns of known measures, with NaN for unreadable photos."""
    columns = {}
    for name, values in quality.items():
        one_of("a measure of quality", name, QUALITY, parameter="quality")
        column = np.array(values, dtype=np.float32)
        if column.shape != failed.shape:
            raise InvalidParameterError(
                f"quality must have {counted(len(failed), 'value')} of {name!r}, one for each "
                f"photo, got shape {column.shape}; pass one for each",
                code="wrong-length",
                parameter="quality",
            )
        column[failed] = np.nan
        columns[name] = frozen(column)
    return columns


def judged(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike
) -> tuple[npt.NDArray[np.float32], Integers]:
    """Return checked probabilities and true labels of at least one photo."""
    rows = as_probabilities(probabilities)
    true = as_labels(labels, len(rows), rows.shape[1])
    if not len(rows):
        raise DataError(
            "labels must contain at least 1 photo, got none; pass photos with true labels",
            code="empty",
            parameter="labels",
        )
    return rows, true


def winners_of(rows: npt.NDArray[np.float32]) -> tuple[Integers, npt.NDArray[np.float32]]:
    """Return the most probable class of each photo, and its probability."""
    winners = rows.argmax(axis=1).astype(np.int64)
    confidences: npt.NDArray[np.float32] = rows[np.arange(len(rows)), winners]
    return winners, confidences
