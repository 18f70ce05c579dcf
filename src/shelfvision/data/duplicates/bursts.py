"""Find bursts: photos of one product, taken one after another in one place.

The product turns in the hand, but the light, the shelf and the hand do not change. So positions in
the photo are ignored, and colours are compared:

1. **Series.** Photos of one label whose names differ in their last number are a series.
2. **Colours.** Each photo has a histogram p of 10 x 10 x 10 colours. The similarity of two photos
   is the Bhattacharyya coefficient (A. Bhattacharyya, 1946), the sum of ``sqrt(p_i q_i)`` over all
   colours: 1 for equal histograms, 0 if they share no colour.
3. **Clusters.** Average linkage (R. R. Sokal and C. D. Michener, 1958) joins photos while the mean
   coefficient between two clusters is at least the threshold. One similar pair does not chain two
   sessions together, as single linkage would.

>>> red, blue = np.zeros((2, 4, 4, 3), dtype=np.uint8)
>>> red[..., 0] = blue[..., 2] = 255
>>> half = np.concatenate([red[:2], blue[:2]])
>>> (1 - differences(np.stack([colours_of(one) for one in (red, half, blue)]))).round(3).tolist()
[[1.0, 0.707, 0.0], [0.707, 1.0, 0.707], [0.0, 0.707, 1.0]]

References
----------
A. Bhattacharyya, "On a measure of divergence between two multinomial populations", Sankhya 7
(1946) 401-406.
R. R. Sokal, C. D. Michener, "A statistical method for evaluating systematic relationships",
University of Kansas Science Bulletin 38 (1958) 1409-1438.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from shelfvision._photos.threads import in_threads
from shelfvision._progress import progress
from shelfvision.data.duplicates.near import thumbnail_of
from shelfvision.protocols import Image, PixelSource

BURST_LIKENESS = 0.92
"""The smallest mean colour similarity within a burst.

It was chosen on half of the products of the Grocery Store photos, where it joins 12 % of the photos
between two sessions. On the other half it joins 16 % of them, and 78 % within a session.
"""

_BINS = 10
# Square roots of a histogram, in units of 2**-25. Sums of products of these integers stay below
# 2**53, so float64 sums are exact and do not depend on the order of summation.
_ONE = 2**25
# The tolerance for rounding errors of an average distance.
_TOLERANCE = 1e-9
# In a long series, each photo is compared with this many photos before and after it.
_WINDOW = 512
_NUMBERED = re.compile(r"(.*?)(\d+)[\W_]*", re.DOTALL)

_Vectors = npt.NDArray[np.float64]
_Pairs = list[tuple[int, int, float]]


def burst_pairs(
    source: PixelSource,
    rows: npt.NDArray[np.int64],
    names: Sequence[str],
    labels: npt.NDArray[np.int64],
    threshold: float,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return pairs of positions in `rows` that link each burst, and their similarities.

    Only photos of one series can be a burst: they have one label, and names that differ in their
    last number only.
    """
    found: _Pairs = []
    with progress("Looking for bursts", len(rows)) as advance:
        for series in _series(names, labels):
            known, seen = np.empty(0, dtype=np.int64), np.empty((0, _BINS**3))
            for start in range(0, len(series), _WINDOW):
                positions = np.array(series[start : start + _WINDOW], dtype=np.int64)
                colours = _colours(source, rows[positions], advance)
                both = np.concatenate((known, positions))
                found += _chained(both, np.concatenate((seen, colours)), threshold)
                known, seen = positions, colours
    pairs = np.array([pair[:2] for pair in found], dtype=np.int64).reshape(-1, 2)
    return pairs, np.array([pair[2] for pair in found], dtype=np.float64)


def _colours(
    source: PixelSource, rows: npt.NDArray[np.int64], advance: Callable[[], None]
) -> _Vectors:
    colours = np.empty((len(rows), _BINS**3))

    def look(place: int) -> None:
        colours[place] = colours_of(thumbnail_of(source, int(rows[place])))
        advance()

    in_threads(look, len(rows))
    return colours


def colours_of(thumbnail: Image) -> _Vectors:
    """Return the square roots of a colour histogram, as integers in units of 2**-25.

    Each pixel is divided among the eight nearest bins (trilinear interpolation).
    """
    place = thumbnail.reshape(-1, 3).astype(np.int64) * (_BINS - 1)
    low = np.minimum(place // 255, _BINS - 2)
    share = place - 255 * low
    histogram = np.zeros(_BINS**3)
    for corner in np.ndindex(2, 2, 2):
        red, green, blue = np.where(corner, share, 255 - share).T
        bins = (low + corner) @ np.array((_BINS**2, _BINS, 1))
        histogram += np.bincount(bins, red * green * blue, minlength=_BINS**3)
    return np.asarray(np.rint(_ONE * np.sqrt(histogram / (255**3 * len(place)))))


def differences(colours: _Vectors) -> npt.NDArray[np.float64]:
    """Return the colour differences of all pairs, 0 to 1; exactly 0 only for equal histograms.

    A difference is 1 minus the Bhattacharyya coefficient, which is the dot product of two unit
    vectors. It is computed as half of their squared distance, which is exact.
    """
    product = colours @ colours.T
    squares = product.diagonal()
    doubled = squares[:, None] + squares - 2 * product
    return np.asarray(doubled / (2 * _ONE**2))


def _series(names: Sequence[str], labels: npt.NDArray[np.int64]) -> Iterator[list[int]]:
    """Yield the positions of each series of photos, sorted by the last number in their names."""
    series: dict[tuple[int, str], list[tuple[int, str, int]]] = {}
    for position, name in enumerate(names):
        numbered = _NUMBERED.fullmatch(name.rpartition(".")[0] or name)
        if numbered is not None:
            key = int(labels[position]), numbered[1]
            series.setdefault(key, []).append((int(numbered[2][-18:]), name, position))
    for key in sorted(series):
        if len(series[key]) > 1:
            yield [position for _, _, position in sorted(series[key])]


def _chained(positions: npt.NDArray[np.int64], colours: _Vectors, threshold: float) -> _Pairs:
    """Return links between neighbours in each cluster of average linkage."""
    if len(positions) < 2:
        return []
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    differ = differences(colours)
    tree = linkage(squareform(differ, checks=False), "average")
    clusters = fcluster(tree, 1 - threshold + _TOLERANCE, "distance")
    links = []
    for cluster in np.unique(clusters):
        members = np.flatnonzero(clusters == cluster).tolist()
        for one, other in itertools.pairwise(members):
            similarity = 1 - float(differ[one, other])
            links.append((int(positions[one]), int(positions[other]), similarity))
    return links
