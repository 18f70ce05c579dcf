"""A space in which photos of one product spread alike in every direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LEAST = 1e-3
"""The least that a spread is drawn to its mean; a direction without any would weigh all."""
_WIDEST = 4096
"""With more numbers a photo, their covariance would be too large; all directions count alike."""


# Compared by identity: equality of arrays is not one truth value.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """What the network sees, as seen from the middle of the products and weighed by its spread."""

    middle: npt.NDArray[np.float32]
    """What becomes the origin, shape (d,)."""
    weighing: Rows | None
    """What rows are multiplied by, shape (d, d); None where all directions count alike."""

    def of(self, embeddings: Rows) -> Rows:
        """Return rows of length 1 in this space."""
        from sklearn.preprocessing import normalize

        if not len(embeddings):
            return embeddings
        moved = embeddings - self.middle
        if self.weighing is not None:
            moved = moved @ self.weighing
        return np.asarray(normalize(moved), dtype=np.float32)


def space_of(embeddings: Rows, labels: Integers) -> Space:
    """Return the space that photos of products ask for, be they ever so few.

    The covariance within products is drawn to its mean as far as Ledoit and Wolf advise for so
    many photos; with one photo a product nothing is known of it, and all directions count alike.
    """
    present, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = sums_of(embeddings, places.reshape(-1), len(present)) / counts[:, None]
    # Of a single product the middle is the product itself, which has no direction from there.
    middle = means.mean(axis=0) if len(means) > 1 else np.zeros(embeddings.shape[1])
    apart = (embeddings - means[places.reshape(-1)])[counts[places.reshape(-1)] > 1]
    return Space(
        middle=middle.astype(np.float32), weighing=_weighing(apart.astype(np.float32), embeddings)
    )


def _weighing(apart: Rows, embeddings: Rows) -> Rows | None:
    """Return what makes the covariance of rows the same in every direction."""
    from scipy.linalg import cholesky, solve_triangular
    from sklearn.covariance import ledoit_wolf_shrinkage

    d = apart.shape[1]
    spread = float((apart**2).mean()) if len(apart) else 0.0
    if d > _WIDEST or spread <= 1e-10 * float((embeddings**2).mean()):
        return None
    drawn = max(float(ledoit_wolf_shrinkage(apart, assume_centered=True)), _LEAST)
    covariance = (1 - drawn) * (apart.T @ apart / len(apart)).astype(np.float64)
    covariance[np.diag_indices(d)] += drawn * spread
    # Any root serves, since a rotation leaves cosines as they are.
    root = cholesky(covariance / spread, lower=True)
    return np.asarray(solve_triangular(root, np.eye(d), lower=True).T, dtype=np.float32)


def sums_of(embeddings: Rows, places: Integers, n: int) -> Floats:
    """Return the sum of the rows of each place, shape (n, d)."""
    order = np.argsort(places, kind="stable")
    present, starts = np.unique(places[order], return_index=True)
    sums = np.zeros((n, embeddings.shape[1]), np.float64)
    if len(present):
        sums[present] = np.add.reduceat(embeddings[order], starts, axis=0, dtype=np.float64)
    return sums
