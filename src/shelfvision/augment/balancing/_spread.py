"""Which photos get how many copies, and the number of each copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfvision._random import rank_for
from shelfvision.data import Dataset


def spread(dataset: Dataset, added: Sequence[int], seed: int) -> npt.NDArray[np.int64]:
    """Return the position of the original of every new copy, in the order of the originals."""
    times, made = np.zeros(len(dataset), dtype=np.int64), _copies_made(dataset)
    for number, n in enumerate(added):
        if n == 0:
            continue
        originals = np.flatnonzero((dataset.labels == number) & (dataset.copies == 0))
        level = _level(made[originals], n)
        times[originals] = np.maximum(level - made[originals], 0)
        rest = n - int(times[originals].sum())
        if rest:
            # Who gets one more depends on the photo's id, not on where it stands.
            lowest = originals[made[originals] <= level]
            ranks = np.fromiter(
                (rank_for(seed, "balance", photo) for photo in dataset.ids[lowest]),
                dtype=np.uint64,
                count=len(lowest),
            )
            times[lowest[np.argsort(ranks, kind="stable")[:rest]]] += 1
    return np.repeat(np.arange(len(dataset)), times)


def _copies_made(dataset: Dataset) -> npt.NDArray[np.int64]:
    """Return how many copies of every row's photo there are."""
    if not dataset.copies.any():
        return np.zeros(len(dataset), dtype=np.int64)
    made = Counter(dataset.ids[dataset.copies > 0].tolist())
    return np.fromiter((made[photo] for photo in dataset.ids), dtype=np.int64, count=len(dataset))


def _level(made: npt.NDArray[np.int64], n: int) -> int:
    """Return to how many copies a photo `n` more suffice to bring all that have fewer."""
    lowest = np.sort(made)
    # What it takes to bring the lowest 1, 2, … photos up to the next.
    steps = np.cumsum(np.diff(lowest) * np.arange(1, len(lowest)))
    count = int(np.searchsorted(steps, n, side="right")) + 1
    return int((n + lowest[:count].sum()) // count)


def copy_numbers(dataset: Dataset, origins: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Return the number of every new copy: 1, 2, … for each photo id, going on from what is."""
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
