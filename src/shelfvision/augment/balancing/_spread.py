"""Distribute copies over photos, and number the copies.

All photos of a class get the same number of copies, except that some get one more. Photos with the
fewest copies get theirs first, so balancing twice gives the same numbers as balancing once. The
remaining copies go to photos in the order of a hash of seed and id.

Two photos without copies and one with three: five more copies raise the first two to two copies
each, and one copy remains.

>>> _level(np.array([0, 0, 3]), 5)
2
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfvision._random import rank_for
from shelfvision.data import Dataset


def spread(dataset: Dataset, added: Sequence[int], seed: int) -> npt.NDArray[np.int64]:
    """Return the position of the original of each new copy, in the order of the originals."""
    times, made = np.zeros(len(dataset), dtype=np.int64), _copies_made(dataset)
    for number, n in enumerate(added):
        if n == 0:
            continue
        originals = np.flatnonzero((dataset.labels == number) & (dataset.copies == 0))
        level = _level(made[originals], n)
        times[originals] = np.maximum(level - made[originals], 0)
        rest = n - int(times[originals].sum())
        if rest:
            # The photo id decides which photos get one more copy, not the position of the row.
            lowest = originals[made[originals] <= level]
            ranks = np.fromiter(
                (rank_for(seed, "balance", photo) for photo in dataset.ids[lowest]),
                dtype=np.uint64,
                count=len(lowest),
            )
            times[lowest[np.argsort(ranks, kind="stable")[:rest]]] += 1
    return np.repeat(np.arange(len(dataset)), times)


def _copies_made(dataset: Dataset) -> npt.NDArray[np.int64]:
    """Return the number of existing copies of each row's photo."""
    if not dataset.copies.any():
        return np.zeros(len(dataset), dtype=np.int64)
    made = Counter(dataset.ids[dataset.copies > 0].tolist())
    return np.fromiter((made[photo] for photo in dataset.ids), dtype=np.int64, count=len(dataset))


def _level(made: npt.NDArray[np.int64], n: int) -> int:
    """Return the number of copies per photo that `n` more copies can reach for all photos."""
    lowest = np.sort(made)
    # The copies that raise the lowest 1, 2, … photos to the next level.
    steps = np.cumsum(np.diff(lowest) * np.arange(1, len(lowest)))
    count = int(np.searchsorted(steps, n, side="right")) + 1
    return int((n + lowest[:count].sum()) // count)


def copy_numbers(dataset: Dataset, origins: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Return the number of each new copy: 1, 2, … per photo id, after existing copies."""
    if not dataset.copies.any() and len(set(dataset.ids)) == len(dataset):
        starts = np.flatnonzero(np.diff(origins, prepend=-1))
        lengths = np.diff(np.append(starts, len(origins)))
        return (np.arange(len(origins)) - np.repeat(starts, lengths) + 1).astype(np.int32)
    last: dict[str, int] = {}
    for photo, copy in zip(dataset.ids, dataset.copies.tolist(), strict=True):
        last[photo] = max(copy, last.get(photo, 0))
    numbers = np.empty(len(origins), dtype=np.int32)
    for position, photo in enumerate(dataset.ids[origins]):
        last[photo] += 1
        numbers[position] = last[photo]
    return numbers
