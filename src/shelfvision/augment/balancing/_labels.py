"""Convert labels, in the formats that imbalanced-learn accepts, to class numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfvision.augment.balancing._plan import ClassName
from shelfvision.errors import DataError


def class_numbers(
    labels: npt.NDArray[np.generic],
) -> tuple[npt.NDArray[np.int64], tuple[ClassName, ...]]:
    """Return the class number of each row, and the classes in the order of their numbers."""
    if labels.ndim == 2:
        return _from_one_hot(labels)
    if labels.ndim != 1:
        raise DataError(
            "y must have one label per row, shape (n,), or one-hot rows, shape (n, classes), got "
            f"shape {labels.shape}",
            code="wrong-shape",
            parameter="y",
        )
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.dtype.kind not in "iubUT":
        raise DataError(
            f"y must be integers, strings or one-hot rows, got {labels.dtype}",
            code="wrong-type",
            parameter="y",
        )
    classes, numbers = np.unique(labels, return_inverse=True)
    return numbers.astype(np.int64), tuple(classes.tolist())


def _from_one_hot(
    labels: npt.NDArray[np.generic],
) -> tuple[npt.NDArray[np.int64], tuple[ClassName, ...]]:
    ones = labels == 1
    if not (ones | (labels == 0)).all() or not (ones.sum(axis=1) == 1).all():
        raise DataError(
            "y with two axes must be one-hot, with one 1 per row and 0 elsewhere",
            code="not-one-hot",
            parameter="y",
        )
    return ones.argmax(axis=1).astype(np.int64), tuple(range(labels.shape[1]))
