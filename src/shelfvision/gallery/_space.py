"""A space in which the photos of one product vary equally in each direction.

Some directions of an embedding vary much within a product, for example with light or pose. They
would dominate cosine similarities. Within-class covariance normalization (Hatch et al. 2006)
multiplies embeddings by a root of ``inverse(W)``, where W is the covariance of photos around the
mean of their product. Afterwards each direction varies equally within products.

There are often fewer photos than dimensions, and W then has no inverse. It is replaced by
``(1 - s) W + s m I``: I is the identity matrix, m the mean variance of all directions. The more
photos, the smaller s. Ledoit and Wolf (2004, section 3) estimate the s with the smallest expected
squared error from the photos themselves.

Two products differ in the first number, and the photos of both vary in the second. Photo 0 is
similar to photo 2 of the other product at first, and to photo 1 of its own product in the space:

>>> photos = np.array([[1.0, 3.0], [1.0, -3.0], [-1.0, 3.0], [-1.0, -3.0]])
>>> lengths = np.linalg.norm(photos, axis=1)
>>> (photos @ photos[0] / lengths / lengths[0]).round(1).tolist()
[1.0, -0.8, 0.8, -1.0]
>>> placed = space_of(photos, np.array([0, 0, 1, 1])).of(photos)
>>> (placed @ placed[0]).round(1).tolist()
[1.0, 1.0, -1.0, -1.0]

References
----------
A. Hatch, S. Kajarekar, A. Stolcke, "Within-class covariance normalization for SVM-based speaker
recognition", Interspeech 2006. O. Ledoit, M. Wolf, "A well-conditioned estimator for
large-dimensional covariance matrices", Journal of Multivariate Analysis 88 (2004) 365-411.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LEAST = 1e-3
"""The smallest shrinkage. It limits the weight of directions without any variance."""
_WIDEST = 4096
"""The largest embedding size that is whitened; a larger covariance needs too much memory."""


# Compared by identity, because comparing arrays does not give a single truth value.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """A transformation of embeddings: subtract the center, whiten, and normalize to length 1."""

    middle: npt.NDArray[np.float32]
    """The mean of the prototypes, which is subtracted, shape (d,)."""
    weighing: Rows | None
    """The whitening matrix, shape (d, d); None for no whitening."""

    def of(self, embeddings: Rows) -> Rows:
        """Return embeddings in this space, as rows of length 1."""
        from sklearn.preprocessing import normalize

        if not len(embeddings):
            return embeddings
        moved = embeddings - self.middle
        if self.weighing is not None:
            moved = moved @ self.weighing
        return np.asarray(normalize(moved), dtype=np.float32)


def space_of(embeddings: Rows, labels: Integers) -> Space:
    """Return the space that is fitted on the photos of products, for any number of photos.

    The within-class covariance is shrunk towards a multiple of the identity matrix, with the
    shrinkage of Ledoit and Wolf for this number of photos. With one photo per product there is no
    covariance, and the space has no whitening.
    """
    present, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = sums_of(embeddings, places.reshape(-1), len(present)) / counts[:, None]
    # A single product is its own center, and would become a vector of zeros.
    middle = means.mean(axis=0) if len(means) > 1 else np.zeros(embeddings.shape[1])
    apart = (embeddings - means[places.reshape(-1)])[counts[places.reshape(-1)] > 1]
    return Space(
        middle=middle.astype(np.float32), weighing=_weighing(apart.astype(np.float32), embeddings)
    )


def _weighing(apart: Rows, embeddings: Rows) -> Rows | None:
    """Return the whitening matrix of rows of deviations; None if there is too little variance."""
    from scipy.linalg import cholesky, solve_triangular
    from sklearn.covariance import ledoit_wolf_shrinkage

    d = apart.shape[1]
    spread = float((apart**2).mean()) if len(apart) else 0.0
    if d > _WIDEST or spread <= 1e-10 * float((embeddings**2).mean()):
        return None
    drawn = max(float(ledoit_wolf_shrinkage(apart, assume_centered=True)), _LEAST)
    covariance = (1 - drawn) * (apart.T @ apart / len(apart)).astype(np.float64)
    covariance[np.diag_indices(d)] += drawn * spread
    # Any matrix root is valid, because rotations do not change cosines.
    root = cholesky(covariance / spread, lower=True)
    return np.asarray(solve_triangular(root, np.eye(d), lower=True).T, dtype=np.float32)


def sums_of(embeddings: Rows, places: Integers, n: int) -> Floats:
    """Return the sum of the embeddings with each number in `places`, shape (n, d)."""
    order = np.argsort(places, kind="stable")
    present, starts = np.unique(places[order], return_index=True)
    sums = np.zeros((n, embeddings.shape[1]), np.float64)
    if len(present):
        sums[present] = np.add.reduceat(embeddings[order], starts, axis=0, dtype=np.float64)
    return sums
