"""Which photos get how many copies, and the number of each copy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfvision._random import rank_for
from shelfvision.data import Dataset


def spread(ds: Dataset, added: Sequence[int], seed: int) -> npt.NDArray[np.int64]:
    """Return the position of the original of every new copy, in the order of the originals."""
    times = np.zeros(len(ds), dtype=np.int64)
    for number, n in enumerate(added):
        if n == 0:
            continue
        originals = np.flatnonzero((ds.labels == number) & (ds.copies == 0))
        each, rest = divmod(n, len(originals))
        times[originals] = each
        if rest:
            # Who gets one more depends on the photo's id, not on where it stands.
            ranks = np.fromiter(
                (rank_for(seed, "balance", photo) for photo in ds.ids[originals]),
                dtype=np.uint64,
                count=len(originals),
            )
            times[originals[np.argsort(ranks, kind="stable")[:rest]]] += 1
    return np.repeat(np.arange(len(ds)), times)


def copy_numbers(ds: Dataset, origins: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Return the number of every new copy: 1, 2, … for each photo id, going on from what is."""
    if not ds.copies.any() and len(set(ds.ids)) == len(ds):
        starts = np.flatnonzero(np.diff(origins, prepend=-1))
        lengths = np.diff(np.append(starts, len(origins)))
        return (np.arange(len(origins)) - np.repeat(starts, lengths) + 1).astype(np.int32)
    last: dict[str, int] = {}
    for photo, copy in zip(ds.ids, ds.copies.tolist(), strict=True):
        last[photo] = max(copy, last.get(photo, 0))
    numbers = np.empty(len(origins), dtype=np.int32)
    for position, photo in enumerate(ds.ids[origins]):
        last[photo] += 1
        numbers[position] = last[photo]
    return numbers
