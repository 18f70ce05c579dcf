"""Find near-duplicates by the cosine similarity of embeddings.

Similarities of all pairs would take too long for many photos. The squared distance of two rows of
length 1 is ``2 - 2 cosine``, so the most similar rows are the nearest ones: only the nearest rows
of each photo are compared.

>>> rows = np.array([[3.0, 4.0], [30.0, 41.0], [4.0, -3.0]])
>>> pairs, cosines = embedded_pairs(rows, threshold=0.9)
>>> pairs.tolist(), cosines.round(4).tolist()
([[0, 1]], [0.9999])
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_array
from shelfvision.errors import InvalidParameterError

# The number of candidates per photo, as for thumbnails; more copies are joined through chains.
_NEIGHBOURS = 13
_DIGITS = 9
_BLOCK = 4096


def embedded_pairs(
    embeddings: npt.NDArray[np.floating], threshold: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return pairs of rows with a cosine similarity of at least `threshold`, and the similarities.

    Similarities are rounded to nine digits, because the last digits depend on the processor.
    """
    if len(embeddings) < 2:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    from sklearn.neighbors import NearestNeighbors

    lengths = np.linalg.norm(embeddings.astype(np.float64), axis=1, keepdims=True)
    directions = embeddings / np.where(lengths > 0, lengths, 1)
    points = directions.astype(np.float32)
    search = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, len(points))).fit(points)
    found = search.kneighbors(points, return_distance=False)
    rows = np.repeat(np.arange(len(directions)), found.shape[1])
    pairs = np.unique(np.sort(np.stack((rows, found.ravel()), axis=1), axis=1), axis=0)
    real = (pairs[:, 0] != pairs[:, 1]) & (lengths[pairs, 0] > 0).all(axis=1)
    pairs = pairs[real].astype(np.int64)
    cosines = np.empty(len(pairs))
    for start in range(0, len(pairs), _BLOCK):
        block = slice(start, start + _BLOCK)
        one, other = directions[pairs[block, 0]], directions[pairs[block, 1]]
        cosines[block] = np.einsum("ij,ij->i", one, other).round(_DIGITS)
    similar = cosines >= threshold
    return pairs[similar], cosines[similar]


def checked_embeddings(
    embeddings: npt.NDArray[np.floating], n_rows: int
) -> npt.NDArray[np.floating]:
    """Return embeddings, or refuse them unless each photo has a finite row."""
    array = as_array(embeddings)
    if array.ndim != 2 or array.dtype.kind != "f" or len(array) != n_rows or not array.shape[1]:
        raise InvalidParameterError(
            f"embeddings must be floats of shape ({n_rows}, d), one row per photo, got "
            f"{array.dtype} of shape {array.shape}; compute them with classifier.embed(dataset)",
            code="wrong-shape",
            parameter="embeddings",
        )
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise InvalidParameterError(
            f"embeddings must be finite, got NaN or infinity in row {row}; embed that photo again",
            code="not-finite",
            parameter="embeddings",
        )
    return array
