"""Finds photos that a network sees as the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_array
from shelfvision.errors import InvalidParameterError

# As many candidates as a photo has among thumbnails; copies chain up where there are more.
_NEIGHBOURS = 13


def embedded_pairs(
    embeddings: npt.NDArray[np.floating], threshold: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return pairs of rows whose cosine similarity is at least `threshold`, and that."""
    if len(embeddings) < 2:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    from sklearn.neighbors import NearestNeighbors

    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    directions = (embeddings / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    search = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, len(directions))).fit(directions)
    distances, others = search.kneighbors(directions)
    cosines = 1 - distances.astype(np.float64) ** 2 / 2
    rows, places = np.nonzero((cosines >= threshold) & (lengths > 0) & (lengths[others, 0] > 0))
    pairs = np.sort(np.stack((rows, others[rows, places]), axis=1), axis=1)
    distinct, first = np.unique(pairs, axis=0, return_index=True)
    real = distinct[:, 0] != distinct[:, 1]
    return distinct[real].astype(np.int64), cosines[rows, places][first][real]


def checked_embeddings(
    embeddings: npt.NDArray[np.floating], n_rows: int
) -> npt.NDArray[np.floating]:
    """Return embeddings that have a finite row for every photo."""
    array = as_array(embeddings)
    if array.ndim != 2 or array.dtype.kind != "f" or len(array) != n_rows or not array.shape[1]:
        raise InvalidParameterError(
            f"embeddings must be floats of shape ({n_rows}, d), one row a photo, not "
            f"{array.dtype} of shape {array.shape}; classifier.embed(dataset) gives them",
            code="wrong-shape",
            parameter="embeddings",
        )
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise InvalidParameterError(
            f"embeddings has a number that is not finite in row {row}; embed that photo again",
            code="not-finite",
            parameter="embeddings",
        )
    return array
