"""Find near-duplicates: photos that were re-encoded, resized, mirrored or rotated by 90 degrees.

The search has two steps, so that its run time grows slightly faster than the number of photos:

1. **Candidates.** Each photo is stretched to 32 x 32 grey pixels. The lowest coefficients of its
   two-dimensional discrete cosine transform (DCT-II, N. Ahmed, T. Natarajan and K. R. Rao, 1974)
   describe its layout: ``X[u, v] = sum of x[r, c] cos(pi/N (r + 1/2) u) cos(pi/N (c + 1/2) v)``,
   as in a perceptual hash. A flip changes only signs, and a transposition swaps ``u`` and ``v``.
   So ``|X[u, v]| + |X[v, u]|`` and ``||X[u, v]| - |X[v, u]||`` are the same for all eight
   symmetries. A k-d tree finds the nearest photos by these numbers.
2. **Check.** Each pair is compared at 16 x 16 pixels in colour by structural similarity (Z. Wang et
   al., 2004, equation 13), and the best of the eight symmetries counts.

All sums are sums of integers, so the result is the same on every machine.

>>> photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
>>> turned = np.rot90(photo)
>>> bool((coarse_of(photo) == coarse_of(turned)).all())
True

References
----------
N. Ahmed, T. Natarajan, K. R. Rao, "Discrete cosine transform", IEEE Transactions on Computers C-23
(1974) 90-93.
Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error
visibility to structural similarity", IEEE Transactions on Image Processing 13 (2004) 600-612.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import numpy.typing as npt

from shelfvision._photos.decode import resize_image
from shelfvision._photos.threads import in_threads
from shelfvision._progress import progress
from shelfvision.protocols import Image, PixelSource

_SIDE = 32
FINE = 16
"""The side at which pairs are compared, in pixels."""
_FREQUENCIES = 4
N_COARSE = 10
"""The number of coefficients that describe the layout of a photo."""
# The largest distance of two candidates, in grey levels, and the number of candidates per photo.
# Copies of one photo have distances below 0.5; more copies are joined through chains.
_RADIUS = 16.0
_NEIGHBOURS = 13
# The approximation of the search: a neighbour may be up to 1.5 times as far as the true one.
_SLACK = 0.5
_BLOCK = 4096

# Integers, in thousandths of a grey level and 2**-10 of a wave: float64 sums of their products are
# exact and do not depend on the order of summation.
_GREY = np.array([299.0, 587.0, 114.0])
_WAVE = 2**10
_WAVES = np.rint(
    _WAVE
    * np.cos(np.pi / _SIDE * np.outer(np.arange(_FREQUENCIES), np.arange(_SIDE) + 0.5))
    * np.where(np.arange(_FREQUENCIES) == 0, 1, np.sqrt(2))[:, None]
)
_LEVEL = 1000 * _WAVE**2 * _SIDE**2


def near_pairs(
    source: PixelSource, rows: npt.NDArray[np.int64], threshold: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return pairs of near-duplicates as positions in `rows`, and similarities, in falling order.

    Candidates are nearest neighbours by the magnitudes of low frequencies. Flips and rotations do
    not change these, so one search tree covers all eight symmetries. Each pair is then compared in
    colour under each symmetry.
    """
    return pairs_among(*_features(source, rows), threshold)


def pairs_among(
    coarse: npt.NDArray[np.float32],
    fine: npt.NDArray[np.uint8],
    threshold: float,
    *,
    wanted: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.bool_]] | None = None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return pairs of near-duplicates among photos whose features are known.

    Parameters
    ----------
    coarse : ndarray of float32, shape (n, N_COARSE)
        The result of `coarse_of` for each photo.
    fine : ndarray of uint8, shape (n, 16, 16, 3)
        The result of `fine_of` for each photo.
    threshold : float
        The minimum similarity.
    wanted : callable, optional
        Returns which candidates, pairs of rows of shape (p, 2), are compared. By default all.

    Returns
    -------
    tuple of (ndarray of int64, ndarray of float64)
        Pairs of rows, shape (p, 2), and their similarities in falling order, shape (p,).
    """
    pairs = _candidates(coarse)
    if wanted is not None:
        pairs = pairs[wanted(pairs)]
    similarity = np.empty(len(pairs), dtype=np.float64)
    for start in range(0, len(pairs), _BLOCK):
        block = pairs[start : start + _BLOCK]
        similarity[start : start + _BLOCK] = _similarity(fine[block[:, 0]], fine[block[:, 1]])
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -similarity))
    order = order[similarity[order] >= threshold]
    return pairs[order], similarity[order]


def _features(
    source: PixelSource, rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    coarse = np.empty((len(rows), N_COARSE), dtype=np.float32)
    fine = np.empty((len(rows), FINE, FINE, 3), dtype=np.uint8)
    with progress("Comparing photos", len(rows)) as advance:

        def look(position: int) -> None:
            thumbnail = thumbnail_of(source, int(rows[position]))
            coarse[position] = coarse_of(thumbnail)
            fine[position] = fine_of(thumbnail)
            advance()

        in_threads(look, len(rows))
    return coarse, fine


def fine_of(thumbnail: Image) -> Image:
    """Return a thumbnail of 32 x 32 pixels at 16 x 16, at which pairs are compared."""
    return resize_image(thumbnail, image_size=(FINE, FINE))


def thumbnail_of(source: PixelSource, row: int) -> Image:
    """Return a photo stretched to 32 x 32 pixels, by the fast path of its source if it has one."""
    size = (_SIDE, _SIDE)
    thumbnail = getattr(source, "thumbnail", None)
    if thumbnail is not None:
        return cast("Image", thumbnail(row, size))
    return resize_image(source.read(row), image_size=size)


def coarse_of(thumbnail: Image) -> npt.NDArray[np.float32]:
    """Return the layout of a photo: low-frequency DCT magnitudes that ignore symmetries.

    A flip changes only signs and a transposition swaps the two indices, so the sum and the absolute
    difference of the magnitudes of each swapped pair do not change. The numbers are grey levels;
    the first is the mean of the photo.
    """
    grey = thumbnail.astype(np.float64) @ _GREY
    magnitude = np.abs(_WAVES @ grey @ _WAVES.T)
    down, across = np.triu_indices(_FREQUENCIES)
    low = down + across < _FREQUENCIES
    one, other = magnitude[down[low], across[low]], magnitude[across[low], down[low]]
    differ = np.abs(one - other)[(down < across)[low]]
    pairs = np.concatenate((one + other, differ)) * (np.sqrt(0.5) / _LEVEL)
    return cast("npt.NDArray[np.float32]", pairs.astype(np.float32))


def _candidates(coarse: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    if len(coarse) < 2:
        return np.empty((0, 2), dtype=np.int64)
    from scipy.spatial import cKDTree

    n_neighbours = min(_NEIGHBOURS, len(coarse))
    _, found = cKDTree(coarse).query(
        coarse, k=n_neighbours, eps=_SLACK, distance_upper_bound=_RADIUS
    )
    one = np.repeat(np.arange(len(coarse)), n_neighbours)
    other = np.asarray(found, dtype=np.int64).ravel()
    real = (other < len(coarse)) & (one != other)
    pairs = np.stack((one[real], other[real]), axis=1)
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _similarity(
    one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    """Return the structural similarity of pairs of thumbnails at the best of 8 symmetries.

    Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004),
    equation 13 with their constants. All sums are sums of integers and therefore exact.
    """
    a, b = (side.reshape(len(side), -1).astype(np.float64) for side in (one, other))
    n = a.shape[1]
    sum_a, sum_b = a.sum(axis=1), b.sum(axis=1)
    product = np.max([np.einsum("ij,ij->i", a, turned) for turned in _symmetries(other)], axis=0)
    var_a = (n * np.einsum("ij,ij->i", a, a) - sum_a**2) / n**2
    var_b = (n * np.einsum("ij,ij->i", b, b) - sum_b**2) / n**2
    covariance = (n * product - sum_a * sum_b) / n**2
    mean_a, mean_b = sum_a / n, sum_b / n
    c_mean, c_var = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    light = (2 * mean_a * mean_b + c_mean) / (mean_a**2 + mean_b**2 + c_mean)
    shape = (2 * covariance + c_var) / (var_a + var_b + c_var)
    return np.asarray(light * shape)


def _symmetries(images: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.float64]]:
    for turned in (images, images.transpose(0, 2, 1, 3)):
        for flipped in (turned, turned[:, ::-1], turned[:, :, ::-1], turned[:, ::-1, ::-1]):
            yield flipped.reshape(len(images), -1).astype(np.float64)
