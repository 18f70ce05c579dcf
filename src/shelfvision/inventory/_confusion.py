"""What a classifier takes products for, measured on validation photos, group by group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confusion:
    """What photos of each class were taken for; a cluster is one class in one group."""

    taken: Integers
    """How many photos of a cluster were taken for each class, shape (clusters, k)."""
    classes: Integers
    """The true class of each cluster."""

    @classmethod
    def of(cls, true: Integers, taken: Integers, groups: Integers, n_classes: int) -> Confusion:
        """Return the confusion of photos: their true classes, what they were taken for, groups."""
        pairs = true * (int(groups.max()) + 1) + groups
        clusters, places = np.unique(pairs, return_inverse=True)
        counts = np.zeros((len(clusters), n_classes), dtype=np.int64)
        np.add.at(counts, (places, taken), 1)
        return cls(taken=counts, classes=clusters // (int(groups.max()) + 1))

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return int(self.taken.shape[1])

    @property
    def sizes(self) -> Integers:
        """How many photos each cluster has."""
        return np.asarray(self.taken.sum(axis=1), dtype=np.int64)

    @property
    def support(self) -> Integers:
        """How many photos of each class there are."""
        return np.bincount(self.classes, self.sizes, self.n_classes).astype(np.int64)

    def clustering(self) -> float:
        """Return how much more alike photos of one group are confused than of two, 0 to 1.

        It is how much oftener two photos of a class are taken for the same when they are of one
        group than when they are of two, as a share of how often two of two groups are not.
        """
        within, between, n = (part.astype(np.float64) for part in self._pairs())
        told = (within[0] > 0) & (between[0] > 0)
        alike = within[1][told] / within[0][told]
        chance = between[1][told] / between[0][told]
        room = float((n[told] * (1 - chance)).sum())
        return float(np.clip((n[told] * (alike - chance)).sum() / room, 0, 1)) if room > 0 else 0.0

    def effective(self, clustering: float) -> Floats:
        """Return how many photos on their own tell as much, true classes in rows, shape (k, k)."""
        counts = np.zeros((self.n_classes, self.n_classes))
        worth = self.taken / (1 + (self.sizes[:, None] - 1) * clustering)
        np.add.at(counts, self.classes, worth)
        return counts

    def group_size(self) -> Floats:
        """Return how large the group of a photo of each class is on average, shape (k,)."""
        squares, photos = (
            np.bincount(self.classes, sizes, self.n_classes)
            for sizes in (self.sizes**2, self.sizes)
        )
        overall = squares.sum() / photos.sum()
        sizes = np.full(self.n_classes, overall)
        np.divide(squares, photos, out=sizes, where=photos > 0)
        return sizes

    def _pairs(self) -> tuple[Integers, Integers, Integers]:
        """Return pairs of photos of each class, and those taken for the same; and photos.

        The first are pairs within groups, the second between, each of shape (2, k).
        """
        k = self.n_classes
        totals = np.zeros((k, k), dtype=np.int64)
        np.add.at(totals, self.classes, self.taken)
        n = totals.sum(axis=1)
        every = np.stack([n * (n - 1), (totals * (totals - 1)).sum(axis=1)])
        own = np.stack([self.sizes * (self.sizes - 1), (self.taken * (self.taken - 1)).sum(axis=1)])
        within = np.zeros((2, k), dtype=np.int64)
        np.add.at(within.T, self.classes, own.T)
        return within, every - within, n
