"""`MeasuredPhotos`: the predictions of a model for photos with known classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision.data.table import frozen

if TYPE_CHECKING:
    from typing import Self

KEPT_CLASSES = 10
"""The number of classes whose probabilities a summary keeps."""
KEPT_DIGITS = 6
"""The digits of probabilities in a summary."""
MeasuredRow: TypeAlias = tuple[int, int, tuple[tuple[int, float], ...]]
"""The true class and the group of a photo, and its largest probabilities with their classes."""


def kept_probabilities(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return probabilities as a summary keeps them, shape (n, k)."""
    k = probabilities.shape[1]
    found = np.asarray(probabilities, np.float64).round(KEPT_DIGITS)
    if k <= KEPT_CLASSES:
        return found
    order = np.argsort(-probabilities, axis=1, kind="stable")
    rest = order[:, KEPT_CLASSES:]
    left = 1 - np.take_along_axis(found, order[:, :KEPT_CLASSES], axis=1).sum(axis=1)
    np.put_along_axis(found, rest, np.maximum(left, 0)[:, None] / rest.shape[1], axis=1)
    return found


# Compared by identity, because comparing arrays does not give a single truth value.
@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredPhotos:
    """The predictions of a model for photos with known classes that it was not trained on.

    `take_inventory` measures with them how often classes are confused.
    """

    probabilities: npt.NDArray[np.float32]
    """The calibrated probabilities, read-only, shape (n, k)."""
    labels: npt.NDArray[np.int64]
    """The true class index of each photo, read-only, shape (n,)."""
    groups: npt.NDArray[np.int64]
    """The group of each photo as an integer, read-only, shape (n,)."""
    rejected: npt.NDArray[np.bool_] | None = None
    """Which photos the model rejects as unknown with a separate rule; None if it has only
    thresholds."""

    def __post_init__(self) -> None:
        """Make the columns read-only."""
        object.__setattr__(self, "probabilities", frozen(np.array(self.probabilities, np.float32)))
        object.__setattr__(self, "labels", frozen(np.array(self.labels, np.int64)))
        object.__setattr__(self, "groups", frozen(np.array(self.groups, np.int64)))

    @classmethod
    def from_summary(cls, summary: Sequence[MeasuredRow], num_classes: int) -> Self:
        """Return photos from their summary; classes that it leaves out have equal probabilities.

        Parameters
        ----------
        summary : sequence of tuple
            The true class and the group of each photo, and the probabilities of its most probable
            classes, the most probable first.
        num_classes : int
            The number of classes.

        Returns
        -------
        MeasuredPhotos
            Photos with the same predicted classes and confidences.
        """
        rows = np.zeros((len(summary), num_classes))
        for row, (_, _, classes) in zip(rows, summary, strict=True):
            if len(classes) < num_classes:
                left = 1 - sum(value for _, value in classes)
                row[:] = max(left, 0.0) / (num_classes - len(classes))
            for place, value in classes:
                row[place] = value
            # With equal probabilities the first class would win.
            row[classes[0][0]] = max(row.max(), row[classes[0][0]] + 1e-7)
        return cls(
            probabilities=rows.astype(np.float32),
            labels=np.array([label for label, _, _ in summary], np.int64),
            groups=np.array([group for _, group, _ in summary], np.int64),
        )

    def summary(self) -> tuple[MeasuredRow, ...]:
        """Return the true class, the group and the largest probabilities of each photo.

        Returns
        -------
        tuple of tuple
            One row per photo, with at most 10 classes and their probabilities.
        """
        values = np.asarray(self.probabilities, np.float64).round(KEPT_DIGITS)
        order = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :KEPT_CLASSES]
        largest = np.take_along_axis(values, order, axis=1)
        classes = (
            tuple(zip(some, few, strict=True))
            for some, few in zip(order.tolist(), largest.tolist(), strict=True)
        )
        columns = (self.labels.tolist(), self.groups.tolist(), classes)
        return tuple(zip(*columns, strict=True))

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.labels)

    def __repr__(self) -> str:
        """Return the number of photos and classes."""
        return f"<MeasuredPhotos: {len(self)} photos, {self.probabilities.shape[1]} classes>"
