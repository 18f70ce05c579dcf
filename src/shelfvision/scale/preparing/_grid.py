"""A grid over the coarse features of photos, in which near-duplicates always share a bucket.

The in-process search finds, for each photo, its nearest photos by ten numbers (see
`shelfvision.data.duplicates.near`). To distribute it, photos must be divided such that near ones
are together. Each photo is in the grid cell of four of its numbers, its *home*, and also in the
cell below, in each number that is less than `reach` above the lower border of its cell. Take two
photos whose four numbers differ by at most `reach`. In each number their cells are the same or
neighbours, and the photo in the upper cell is near its lower border. So both are in the bucket of
the lower cells, `common_bucket`, and only there the pair is reported:

>>> numbers = np.zeros((2, 10), dtype=np.float32)
>>> numbers[:, 0] = 7.5, 8.5  # two photos on both sides of a border
>>> home = homes_of(numbers, 8.0)
>>> photos, buckets = buckets_of(numbers, reach=1.0, cell=8.0)
>>> photos.tolist(), buckets.tolist(), common_bucket(home[0], home[1]).tolist()
([0, 1, 1], [0, 1, 0], 0)

The nearest photos in a bucket are at least as many as those in the whole set, because a bucket has
fewer photos to compete. So no pair within reach is lost to the division. This is the grid of
locality-sensitive hashing (M. Datar et al., 2004) with one table and overlapping cells instead of
many tables with random offsets, which would find a pair with a probability only.

References
----------
M. Datar, N. Immorlica, P. Indyk, V. S. Mirrokni, "Locality-sensitive hashing scheme based on
p-stable distributions", Symposium on Computational Geometry (2004) 253-262.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_Integers = npt.NDArray[np.int64]

# The numbers that vary most among photos: the mean, the two lowest waves along one side, and the
# lowest wave along both.
_AXES = (0, 1, 2, 4)
_BITS = 15
MOST_CELLS = 2**_BITS
"""The exclusive upper bound of the number of a cell along one axis."""


def homes_of(coarse: npt.NDArray[np.float32], cell: float) -> _Integers:
    """Return the bucket of the cell that each photo is in, shape (n,)."""
    return _joined(_cells_of(coarse, cell))


def buckets_of(
    coarse: npt.NDArray[np.float32], *, reach: float, cell: float
) -> tuple[_Integers, _Integers]:
    """Return the photo and the bucket of each entry; every photo has 1 to 16 of them.

    Parameters
    ----------
    coarse : ndarray of float32, shape (n, 10)
        The coarse features of photos, in grey levels.
    reach : float
        The largest difference, in grey levels, at which two photos certainly share a bucket.
    cell : float
        The side of a cell, at least `reach`.

    Returns
    -------
    tuple of two ndarrays of int64
        Photos in rising order and their buckets, of equal length.
    """
    cells = _cells_of(coarse, cell)
    above = coarse[:, _AXES].astype(np.float64) - cells * cell
    # No photo is below cell 0.
    low = (above <= reach) & (cells > 0)
    photos, buckets = [], []
    for step in np.ndindex((2,) * len(_AXES)):
        there = np.flatnonzero((low | (np.array(step) == 0)).all(axis=1))
        photos.append(there)
        buckets.append(_joined(cells[there] - step))
    order = np.argsort(np.concatenate(photos), kind="stable")
    return np.concatenate(photos)[order], np.concatenate(buckets)[order]


def common_bucket(one: _Integers, other: _Integers) -> _Integers:
    """Return the bucket in which pairs of photos with these homes are reported."""
    return _joined(np.minimum(_divided(one), _divided(other)))


def _cells_of(coarse: npt.NDArray[np.float32], cell: float) -> _Integers:
    numbers = np.floor(coarse[:, _AXES].astype(np.float64) / cell)
    return np.clip(numbers, 0, MOST_CELLS - 1).astype(np.int64)


def _joined(cells: _Integers) -> _Integers:
    """Return the numbers of cells along all axes as one number."""
    return np.asarray((cells << (_BITS * np.arange(len(_AXES)))).sum(axis=-1))


def _divided(buckets: _Integers) -> _Integers:
    cells = np.asarray(buckets)[..., None] >> (_BITS * np.arange(len(_AXES)))
    return np.asarray(cells % MOST_CELLS)
