"""`ValidationScores`: the network's probabilities for photos that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from shelfvision._random import order_for
from shelfvision.data.table import frozen
from shelfvision.predictions.columns import (
    Groups,
    as_groups,
    as_labels,
    as_probabilities,
)

if TYPE_CHECKING:
    from typing import Self

MAX_ROWS = 10_000
"""The largest number of photos that are kept."""
MAX_NUMBERS = 2_000_000
"""The largest number of probabilities that are kept."""


# Compared by identity, because comparing arrays does not give a single truth value.
@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValidationScores:
    """The network's probabilities for photos that it was not trained on, and their true labels.

    Calibration and thresholds are fitted to them. They contain neither photos nor their names.
    """

    probabilities: npt.NDArray[np.float32]
    """The uncalibrated probabilities of the network, read-only, shape (n, k)."""
    labels: npt.NDArray[np.int32]
    """The true class index of each photo, read-only, shape (n,)."""
    groups: npt.NDArray[np.int32]
    """The group of each photo as an integer, read-only, shape (n,)."""

    def __post_init__(self) -> None:
        """Check the columns and keep read-only copies."""
        rows = as_probabilities(self.probabilities)
        labels = as_labels(self.labels, *rows.shape)
        object.__setattr__(self, "probabilities", frozen(rows.copy()))
        object.__setattr__(self, "labels", frozen(labels.astype(np.int32)))
        groups = as_groups(self.groups, len(rows)).astype(np.int32)
        object.__setattr__(self, "groups", frozen(groups))

    @classmethod
    def of(
        cls, probabilities: npt.ArrayLike, labels: npt.ArrayLike, groups: Groups | None = None
    ) -> Self:
        """Return validation scores; sample whole groups at random if there are too many photos.

        Parameters
        ----------
        probabilities : array_like of float32, shape (n, k)
            The uncalibrated probabilities of the network.
        labels : array_like of int, shape (n,)
            The true class of each photo.
        groups : sequence, length n, optional
            The group of each photo. By default each photo is one group.

        Returns
        -------
        ValidationScores
            The scores of at most 10,000 photos and 2 million probabilities.

        Raises
        ------
        InvalidParameterError
            The arrays have inconsistent shapes.
        """
        rows = as_probabilities(probabilities)
        codes = as_groups(groups, len(rows))
        kept = sampled_groups(codes, min(MAX_ROWS, MAX_NUMBERS // rows.shape[1]))
        true = as_labels(labels, *rows.shape)
        return cls(
            probabilities=rows[kept],
            labels=true[kept].astype(np.int32),
            groups=codes[kept].astype(np.int32),
        )

    @property
    def n_groups(self) -> int:
        """The number of groups."""
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


def sampled_groups(codes: npt.NDArray[np.int64], limit: int) -> npt.NDArray[np.int64]:
    """Return the rows of randomly chosen whole groups, up to a limit."""
    if len(codes) <= limit:
        return np.arange(len(codes), dtype=np.int64)
    sizes = np.bincount(codes)
    lots = order_for(len(sizes), 0, "validation scores")
    chosen = lots[np.cumsum(sizes[lots]) <= limit]
    kept = np.flatnonzero(np.isin(codes, chosen))
    # If every chosen group exceeds the limit, keep the first rows.
    return (kept if len(kept) else np.arange(limit)).astype(np.int64)
