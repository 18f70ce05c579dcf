"""`MeasuredPhotos`: the predictions of a model for photos with known classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision.data.table import frozen
from shelfvision.predictions.columns import winners_of

if TYPE_CHECKING:
    from typing import Self


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
    def from_summary(cls, summary: Sequence[tuple[int, int, float, int]], num_classes: int) -> Self:
        """Return photos from their summary; other probabilities of a row are equal.

        Parameters
        ----------
        summary : sequence of tuple
            The true class, the predicted class, its probability and the group of each photo.
        num_classes : int
            The number of classes.

        Returns
        -------
        MeasuredPhotos
            Photos with the same predicted classes and confidences.
        """
        labels, predicted, confidences, groups = (
            np.array([row[place] for row in summary]) for place in range(4)
        )
        rest = (1 - confidences) / max(1, num_classes - 1)
        rows = np.repeat(rest[:, None], num_classes, axis=1)
        # With equal probabilities the first class would win.
        rows[np.arange(len(rows)), predicted] = np.maximum(confidences, rest + 1e-6)
        return cls(probabilities=rows.astype(np.float32), labels=labels, groups=groups)

    def summary(self) -> tuple[tuple[int, int, float, int], ...]:
        """Return the true class, the predicted class, its probability and the group of each photo.

        Returns
        -------
        tuple of tuple
            One row per photo.
        """
        predicted, confidences = winners_of(self.probabilities)
        columns = (self.labels, predicted, confidences.astype(np.float64).round(6), self.groups)
        return tuple(zip(*(column.tolist() for column in columns), strict=True))

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.labels)

    def __repr__(self) -> str:
        """Return the number of photos and classes."""
        return f"<MeasuredPhotos: {len(self)} photos, {self.probabilities.shape[1]} classes>"
