"""`Confusion`: the confusion matrix of photos, counted separately for each group.

Photos of one group, such as a burst, are often confused in the same way. Ten photos of one group
therefore carry less information than photos of ten groups. `Confusion.intraclass_correlation`
measures this, from 0 (groups do not matter) to 1 (photos of a group always get the same class). It
compares pairs of photos of one class. With ``w`` the share of pairs within groups that have the
same prediction, and ``b`` the share of pairs between groups, it is ``(w - b) / (1 - b)``, averaged
over classes. A group of ``m`` photos is then worth ``m / (1 + (m - 1) * correlation)`` photos, by
the design effect of Kish (Survey Sampling, 1965).

>>> import numpy as np
>>> true, predicted, groups = [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]
>>> found = Confusion.of(np.array(true), np.array(predicted), np.array(groups), 2)
>>> found.intraclass_correlation()
1.0
>>> found.effective_counts(1.0)[0]  # two groups, so two photos
array([1., 1.])
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confusion:
    """Predicted classes of photos of each class; a cluster is the photos of a class in a group."""

    predicted: Integers
    """The number of photos of each cluster predicted as each class, shape (clusters, k)."""
    classes: Integers
    """The true class of each cluster."""

    @classmethod
    def of(cls, true: Integers, predicted: Integers, groups: Integers, n_classes: int) -> Confusion:
        """Return the confusion of photos from their true classes, predicted classes and groups."""
        pairs = true * (int(groups.max()) + 1) + groups
        clusters, places = np.unique(pairs, return_inverse=True)
        counts = np.zeros((len(clusters), n_classes), dtype=np.int64)
        np.add.at(counts, (places, predicted), 1)
        return cls(predicted=counts, classes=clusters // (int(groups.max()) + 1))

    @property
    def n_classes(self) -> int:
        """The number of classes, k."""
        return int(self.predicted.shape[1])

    @property
    def sizes(self) -> Integers:
        """The number of photos of each cluster."""
        return np.asarray(self.predicted.sum(axis=1), dtype=np.int64)

    @property
    def support(self) -> Integers:
        """The number of photos of each class."""
        return np.bincount(self.classes, self.sizes, self.n_classes).astype(np.int64)

    def intraclass_correlation(self) -> float:
        """Return how strongly predictions of one group agree, 0 to 1."""
        within, between, n = (part.astype(np.float64) for part in self._pairs())
        known = (within[0] > 0) & (between[0] > 0)
        alike = within[1][known] / within[0][known]
        chance = between[1][known] / between[0][known]
        room = float((n[known] * (1 - chance)).sum())
        return float(np.clip((n[known] * (alike - chance)).sum() / room, 0, 1)) if room > 0 else 0.0

    def effective_counts(self, correlation: float) -> Floats:
        """Return the confusion matrix in effective numbers of independent photos."""
        counts = np.zeros((self.n_classes, self.n_classes))
        worth = self.predicted / (1 + (self.sizes[:, None] - 1) * correlation)
        np.add.at(counts, self.classes, worth)
        return counts

    def _pairs(self) -> tuple[Integers, Integers, Integers]:
        """Return all pairs of photos of each class, pairs with the same prediction, and photos.

        Pairs have shape (2, k): within groups, then between groups.
        """
        k = self.n_classes
        totals = np.zeros((k, k), dtype=np.int64)
        np.add.at(totals, self.classes, self.predicted)
        n = totals.sum(axis=1)
        every = np.stack([n * (n - 1), (totals * (totals - 1)).sum(axis=1)])
        alike = (self.predicted * (self.predicted - 1)).sum(axis=1)
        own = np.stack([self.sizes * (self.sizes - 1), alike])
        within = np.zeros((2, k), dtype=np.int64)
        np.add.at(within.T, self.classes, own.T)
        return within, every - within, n
