"""`ValidationScores`: what a network said of photos that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, final

import numpy as np
import numpy.typing as npt

from shelfvision._random import order_for
from shelfvision.predictions.columns import Groups, as_groups, as_labels, as_probabilities

if TYPE_CHECKING:
    from typing import Self

MAX_ROWS = 10_000
"""The most photos that are kept."""
MAX_NUMBERS = 2_000_000
"""The most probabilities that are kept."""


# Compared by identity: equality of arrays is not one truth value.
@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValidationScores:
    """What a network said of photos that it was not trained on, and what was true.

    Calibration and thresholds are learned from it. It names no photo and shows none.
    """

    probabilities: npt.NDArray[np.float32]
    """What the network said, uncalibrated, read-only, shape (n, k)."""
    labels: npt.NDArray[np.int32]
    """The number of the true class of each photo, read-only, shape (n,)."""
    groups: npt.NDArray[np.int32]
    """A number for each photo, the same for photos taken together, read-only, shape (n,)."""

    def __post_init__(self) -> None:
        """Check the columns and keep read-only copies."""
        rows = as_probabilities(self.probabilities)
        labels = as_labels(self.labels, *rows.shape)
        object.__setattr__(self, "probabilities", _frozen(rows.copy()))
        object.__setattr__(self, "labels", _frozen(labels.astype(np.int32)))
        groups = as_groups(self.groups, len(rows)).astype(np.int32)
        object.__setattr__(self, "groups", _frozen(groups))

    @classmethod
    def of(
        cls, probabilities: npt.ArrayLike, labels: npt.ArrayLike, groups: Groups | None = None
    ) -> Self:
        """Return scores, of whole groups chosen by lot where they are more than are kept.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            What the network said.
        labels : array_like of int, shape (n,)
            The true classes.
        groups : sequence, length n, optional
            What was taken together; by default every photo is a group of its own.

        Returns
        -------
        ValidationScores
            At most 10,000 photos and 2 million probabilities.

        Raises
        ------
        InvalidParameterError
            The columns do not fit together.
        """
        rows = as_probabilities(probabilities)
        codes = as_groups(groups, len(rows))
        kept = _kept(codes, min(MAX_ROWS, MAX_NUMBERS // rows.shape[1]))
        true = as_labels(labels, *rows.shape)
        return cls(
            probabilities=rows[kept],
            labels=true[kept].astype(np.int32),
            groups=codes[kept].astype(np.int32),
        )

    @property
    def n_groups(self) -> int:
        """How many groups the photos come from."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.labels)

    def __repr__(self) -> str:
        """Return the number of photos, groups and classes."""
        n_classes = self.probabilities.shape[1]
        return (
            f"<ValidationScores: {len(self)} photos of {self.n_groups} groups, {n_classes} classes>"
        )


def _kept(codes: npt.NDArray[np.int64], limit: int) -> npt.NDArray[np.int64]:
    """Return the rows of as many whole groups, chosen by lot, as the limit allows."""
    if len(codes) <= limit:
        return np.arange(len(codes), dtype=np.int64)
    sizes = np.bincount(codes)
    lots = order_for(len(sizes), 0, "validation scores")
    chosen = lots[np.cumsum(sizes[lots]) <= limit]
    kept = np.flatnonzero(np.isin(codes, chosen))
    # A single group larger than all that is kept is cut.
    return (kept if len(kept) else np.arange(limit)).astype(np.int64)


_Scalar = TypeVar("_Scalar", bound=np.generic)


def _frozen(array: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
    array.flags.writeable = False
    return array
