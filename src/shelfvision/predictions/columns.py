"""Checks the columns that scores are made of: probabilities, labels, groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted
from shelfvision.errors import DataError, InvalidParameterError

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
TOLERANCE = 1e-6
"""How far a confidence may be below a threshold and still reach it.

The last bits of a probability depend on the processor and on the size of the batch. A threshold is
the confidence of some photo; within this tolerance that photo is accepted everywhere.
"""
Groups: TypeAlias = (
    Sequence[int] | Sequence[str] | npt.NDArray[np.integer] | npt.NDArray[np.object_]
)
"""A name or number for every photo; photos that share it were taken together."""


def as_probabilities(values: npt.ArrayLike, *, failed: bool = False) -> npt.NDArray[np.float32]:
    """Return rows of probabilities, shape (n, k); with `failed`, rows of NaN may stand there."""
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
            "probabilities must be of shape (n, number of classes), a row for every photo, not "
            f"{rows.shape}",
            code="wrong-shape",
            parameter="probabilities",
        )
    # Written so that NaN counts as outside.
    outside = ~((rows >= 0) & (rows <= 1 + 1e-3)).all(axis=1)
    if failed:
        outside &= ~np.isnan(rows).all(axis=1)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InvalidParameterError(
            f"probabilities must be numbers from 0 to 1, but row {row} is "
            f"{rows[row, :5].tolist()}; pass what a softmax gives",
            code="not-in-range",
            parameter="probabilities",
        )
    return rows


def as_labels(values: npt.ArrayLike, n: int, n_classes: int) -> Integers:
    """Return one class number for every one of `n` photos."""
    labels = np.asarray(values)
    if labels.shape != (n,) or (n and labels.dtype.kind not in "iu"):
        raise InvalidParameterError(
            f"labels must be {n} class numbers, one for every row of probabilities, not "
            f"{labels.dtype} of shape {labels.shape}",
            code="wrong-shape",
            parameter="labels",
        )
    if n and not (labels.min() >= 0 and labels.max() < n_classes):
        raise InvalidParameterError(
            f"labels must be from 0 to {n_classes - 1}, the columns of probabilities, but they "
            f"go from {labels.min()} to {labels.max()}",
            code="not-in-range",
            parameter="labels",
        )
    return labels.astype(np.int64)


def as_groups(values: Groups | None, n: int) -> Integers:
    """Return a code from 0 for the group of every photo, in the order in which groups appear."""
    if values is None:
        return np.arange(n, dtype=np.int64)
    names = list(values)
    if len(names) != n:
        raise InvalidParameterError(
            f"groups has {len(names)} entries for {counted(n, 'photo')}; give one for each",
            code="wrong-length",
            parameter="groups",
        )
    codes: dict[object, int] = {}
    return np.array([codes.setdefault(name, len(codes)) for name in names], dtype=np.int64)


def judged(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike
) -> tuple[npt.NDArray[np.float32], Integers]:
    """Return rows of probabilities and the true class of each, at least one."""
    rows = as_probabilities(probabilities)
    true = as_labels(labels, len(rows), rows.shape[1])
    if not len(rows):
        raise DataError(
            "there are no photos to learn from; give at least one with its label",
            code="empty",
            parameter="labels",
        )
    return rows, true


def winners_of(rows: npt.NDArray[np.float32]) -> tuple[Integers, npt.NDArray[np.float32]]:
    """Return the most probable class of every photo and its probability."""
    winners = rows.argmax(axis=1).astype(np.int64)
    confidences: npt.NDArray[np.float32] = rows[np.arange(len(rows)), winners]
    return winners, confidences
