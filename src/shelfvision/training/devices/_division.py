"""`Division`: how the photos of a batch are divided among replicas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """The padding of batches that the number of replicas does not divide.

    Compiled steps see only the shape of a batch. Therefore no two batches with different numbers of
    photos have the same padded size.
    """

    replicas: int = 1
    """Number of replicas. Each computes the same number of rows."""
    padded: Mapping[int, int] = field(default_factory=dict)
    """Padded size by number of photos, for batches that need padding."""

    def rows(self, photos: int) -> Positions:
        """Return the position in the batch for each row of a padded batch.

        The rows of a replica are consecutive: first its share of the photos, then copies of the
        last photo.
        """
        size = self.padded[photos] // self.replicas
        parts = np.array_split(np.arange(photos), self.replicas)
        fillers = [np.full(size - len(part), photos - 1) for part in parts]
        return np.concatenate([rows for pair in zip(parts, fillers, strict=True) for rows in pair])

    def real(self, photos: int) -> Positions:
        """Return the rows of a padded batch that are not padding."""
        size = self.padded[photos] // self.replicas
        shares = [np.arange(share) for share in self.shares(photos)]
        return np.concatenate([size * number + rows for number, rows in enumerate(shares)])

    def shares(self, photos: int) -> tuple[int, ...]:
        """Return the number of photos of each replica."""
        return tuple(len(part) for part in np.array_split(np.arange(photos), self.replicas))


def division_of(photos: int, batch_size: int, replicas: int) -> Division:
    """Return the division of the batches of an epoch of `photos` photos."""
    sizes = [size for size in (min(batch_size, photos), photos % batch_size) if size]
    padded: dict[int, int] = {}
    taken: set[int] = set()
    for size in dict.fromkeys(sizes):
        total = -(-size // replicas) * replicas
        while total in taken:
            total += replicas
        taken.add(total)
        if total != size:
            padded[size] = total
    return Division(replicas=replicas, padded=padded)
