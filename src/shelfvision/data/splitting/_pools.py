"""Lists of free groups, sorted by size, then by class, then in seeded order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision.data.splitting._quotas import GroupTable

_Ints: TypeAlias = npt.NDArray[np.int64]
# The start of each group's rows in a table, and their classes and counts.
_Lists: TypeAlias = tuple[_Ints, list[int], list[int]]


@final
class Pool:
    """Free groups, largest first; groups of one size and class are neighbours."""

    __slots__ = ("_counts", "_labels", "_starts", "groups", "ranks", "sizes")

    def __init__(
        self, lists: _Lists, groups: _Ints, sizes: _Ints, ranks: npt.NDArray[np.uint64]
    ) -> None:
        self._starts, self._labels, self._counts = lists
        self.groups = groups
        self.sizes = sizes
        self.ranks = ranks

    def start(self) -> tuple[int, int]:
        """Return two numbers in [0, 2**64) that depend on the groups but not on their order."""
        # Sums of unsigned integers wrap around.
        return int(self.ranks.sum(dtype=np.uint64)), int(np.bitwise_xor.reduce(self.ranks))

    def rows_of(self, places: _Ints) -> list[tuple[list[int], list[int]]]:
        """Return the classes and row counts of these groups."""
        groups = self.groups[places]
        spans = zip(self._starts[groups].tolist(), self._starts[groups + 1].tolist(), strict=True)
        return [(self._labels[low:high], self._counts[low:high]) for low, high in spans]

    def cells(self) -> Iterator[tuple[int, int, int]]:
        """Yield start, stop and class of each run of groups of one size and class.

        The class is -1 for groups of several classes.
        """
        first = self._starts[self.groups]
        pure = self._starts[self.groups + 1] - first == 1
        found = [self._labels[row] if alone else -1 for row, alone in zip(first, pure, strict=True)]
        label = np.array(found)
        cuts = (np.flatnonzero(np.diff(label) | np.diff(self.sizes)) + 1).tolist()
        for low, high in zip([0, *cuts], [*cuts, len(label)], strict=True):
            yield low, high, found[low]


def pools_of(
    table: GroupTable,
    sizes: _Ints,
    ranks: npt.NDArray[np.uint64],
    free: npt.NDArray[np.bool_],
    *,
    least: int,
) -> Iterator[Pool]:
    """Yield the free groups of several photos, the largest first, a size at a time.

    Sizes with fewer than `least` groups are pooled with their neighbours.
    """
    groups = np.flatnonzero(free & (sizes > 1))
    if not len(groups):
        return
    starts = np.searchsorted(table.group, np.arange(table.n_groups + 1)).astype(np.int64)
    cell = (sizes * 2 * table.n_classes + _cells(table, starts))[groups]
    # The groups of a cell follow each other by rank; cells, by the rank of their first group.
    by_cell = np.lexsort((ranks[groups], cell))
    opens = np.flatnonzero(np.diff(cell[by_cell], prepend=-1))
    lengths = np.diff([*opens.tolist(), len(groups)])
    cell_rank = np.empty(len(groups), dtype=np.uint64)
    cell_rank[by_cell] = np.repeat(ranks[groups][by_cell[opens]], lengths)
    groups = groups[np.lexsort((ranks[groups], cell_rank, -sizes[groups]))]
    lists = starts, table.label.tolist(), table.count.tolist()
    for members in np.split(groups, _cuts(sizes[groups], least)):
        yield Pool(lists, members, sizes[members], ranks[members])


def _cuts(sizes: _Ints, least: int) -> list[int]:
    """Return where to cut falling sizes, between two sizes, into pools of enough groups."""
    cuts = [0]
    for place in (np.flatnonzero(np.diff(sizes)) + 1).tolist():
        if place - cuts[-1] >= least and len(sizes) - place >= least:
            cuts.append(place)
    return cuts[1:]


def _cells(table: GroupTable, starts: _Ints) -> _Ints:
    """Return the class of every group; for one of several classes, the most frequent and more."""
    best = np.lexsort((table.label, -table.count, table.group))
    cells = np.zeros(table.n_groups, dtype=np.int64)
    held = np.diff(starts)
    cells[held > 0] = table.label[best[starts[:-1][held > 0]]]
    return cells + np.where(held > 1, table.n_classes, 0)
