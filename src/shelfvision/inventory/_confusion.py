"""What a classifier takes products for, measured on validation photos, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_PSEUDO = 1.0
"""How many photos a class is thought to have had beside its own, confused as photos are overall."""
_GROUP = 0.25
"""What a group counts for: those of one product in one shop are alike too."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confusion:
    """How often photos of each class were taken for each class, burst by burst."""

    cells: npt.NDArray[np.int64]
    """Of each photo: its true class times the number of classes, plus its predicted one."""
    groups: npt.NDArray[np.int64]
    """The number of its group, from 0."""
    n_classes: int

    @property
    def n_groups(self) -> int:
        """How many groups the photos come from."""
        return int(self.groups.max()) + 1

    @property
    def support(self) -> npt.NDArray[np.int64]:
        """How many photos of each class there are."""
        return np.bincount(self.cells // self.n_classes, minlength=self.n_classes)

    def matrix(self) -> Floats:
        """Return the shares that each class (row) is taken for each class, shape (k, k)."""
        counts = self._counts(np.ones(self.n_groups))
        return _shares(counts + self._prior(counts))

    def draws(self, n: int, *, n_groups: float, rng: np.random.Generator) -> Floats:
        """Return shares as they may be in new photos of so many groups, shape (n, k, k).

        Groups are weighted anew (Bayesian bootstrap). The confusion in the new photos differs from
        the true one as that in the validation photos does, so both variances are added.
        """
        own, new = self.n_groups, max(1.0, n_groups)
        prior = self._prior(self._counts(np.ones(own)))
        found = np.empty((n, self.n_classes, self.n_classes))
        for row in range(n):
            weights = rng.standard_gamma(_GROUP * new / (own + new), own)
            weights *= own / max(float(weights.sum()), 1e-300)
            found[row] = _shares(self._counts(weights) + rng.standard_gamma(prior))
        return found

    def _counts(self, weights: Floats) -> Floats:
        k = self.n_classes
        counts = np.bincount(self.cells, weights=weights[self.groups], minlength=k * k)
        return np.asarray(counts, dtype=np.float64).reshape(k, k)

    def _prior(self, counts: Floats) -> Floats:
        """Return the photos that each class is thought to have had beside its own."""
        k = self.n_classes
        right = (np.trace(counts) + 1) / (counts.sum() + 2)
        taken = np.tile(counts.sum(axis=0) - np.diag(counts) + 0.5, (k, 1))
        np.fill_diagonal(taken, 0)
        total = taken.sum(axis=1, keepdims=True)
        wrong = np.divide(taken, total, out=np.zeros_like(taken), where=total > 0) * (1 - right)
        return np.asarray(_PSEUDO * (wrong + right * np.eye(k)), dtype=np.float64)


def _shares(counts: Floats) -> Floats:
    counts = np.maximum(counts, 1e-12)
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True), dtype=np.float64)
