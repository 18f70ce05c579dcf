"""What every part has, and still lacks, of every class while groups are placed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import final

import numpy as np
import numpy.typing as npt

from shelfvision.data.splitting._quotas import GroupTable

# Shares are compared as whole multiples of 2**-20.
_UNIT = 2**20


@final
class Accounts:
    """Rows by open part and class, in plain lists, which are quicker than arrays one by one.

    Parameters
    ----------
    table : GroupTable
        The classes of all groups.
    quotas, filled : ndarray of int64, shape (parts, classes)
        The rows that each open part should have, and has.
    shares : sequence of Fraction
        The share of each open part, above 0.
    free : ndarray of bool, shape (groups,)
        Which groups are still to be placed.
    """

    __slots__ = ("empty", "largest", "left", "need", "over", "parts", "placed", "seen", "weights")

    def __init__(
        self,
        table: GroupTable,
        quotas: npt.NDArray[np.int64],
        filled: npt.NDArray[np.int64],
        shares: Sequence[Fraction],
        free: npt.NDArray[np.bool_],
    ) -> None:
        self.parts = range(len(shares))
        self.placed: list[list[int]] = filled.tolist()
        self.need: list[list[int]] = (quotas - filled).tolist()
        """What is lacking of the quota; negative where it is exceeded."""
        self.seen: list[int] = filled.sum(axis=0).tolist()
        """The rows of each class in any part."""
        self.over: list[int] = np.maximum(filled - quotas, 0).sum(axis=0).tolist()
        """By how much the parts exceed their quotas of each class, together."""
        self.largest: list[int] = table.largest_groups().tolist()
        self.empty = [set(np.flatnonzero(column == 0).tolist()) for column in filled.T]
        """The parts that have nothing of each class."""
        left = np.bincount(table.label[free[table.group]], minlength=table.n_classes)
        self.left: list[int] = left.tolist()
        """How many groups with rows of each class are still to be placed."""
        self.weights = [int(_UNIT * share) for share in shares]

    def best(
        self, labels: Sequence[int], counts: Sequence[int], seats: Sequence[int], own: int
    ) -> int:
        """Return the part for a group.

        The last groups of a class go to parts that have nothing of it. Otherwise a part with a
        seat is chosen whose classes are furthest behind, of equals the one whose seat comes first
        (`own`). Where all would exceed the bound, the part that lacks most is chosen.
        """
        rows = list(zip(labels, counts, strict=True))
        # Every group of several photos passes here, so these are plain loops.
        urgent = [
            label
            for label in labels
            if self.empty[label] and self.left[label] <= len(self.empty[label])
        ]

        def worth(part: int) -> tuple[int, bool, int, int, bool]:
            need, missing = self.need[part], 0
            for label in urgent:
                missing += part in self.empty[label]
            for label, count in rows:
                if count > need[label] and self._exceeds(label, count, need[label]):
                    return missing, False, sum(n * need[name] for name, n in rows), 0, False
            return missing, True, seats[part] > 0, self._behind(part, rows), part == own

        return max(self.parts, key=worth)

    def _exceeds(self, label: int, count: int, need: int) -> bool:
        """Return whether so many rows of a class would exceed the bound."""
        return self.over[label] + _excess(need, count) > self.largest[label]

    def _behind(self, part: int, rows: Sequence[tuple[int, int]]) -> int:
        """Return by how much a part is short of its share of classes so far, or would be above it.

        Differences up to the largest group are none: they leave the choice to chance.
        """
        placed, weight, behind = self.placed[part], self.weights[part], 0
        for label, count in rows:
            largest = self.largest[label]
            short = (self.seen[label] + count) * weight // _UNIT - placed[label]
            if short > largest:
                behind += short - largest
            elif short + largest < count:
                behind += short + largest - count
        return behind

    def add(self, labels: Sequence[int], counts: Sequence[int], part: int) -> None:
        """Note that a group was placed."""
        for label, count in zip(labels, counts, strict=True):
            self.left[label] -= 1
            self._add_rows(label, count, part)

    def takes_all(self, label: int, groups: Sequence[int], size: int) -> bool:
        """Note as many groups of one class and size in every part, unless a bound forbids it."""
        need = [self.need[part][label] for part in self.parts]
        over = sum(_excess(n, held * size) for n, held in zip(need, groups, strict=True))
        missing = sum(not groups[part] for part in self.empty[label])
        if self.over[label] + over > self.largest[label]:
            return False
        if self.left[label] - sum(groups) < missing:
            return False
        for part, held in enumerate(groups):
            if held:
                self._add_rows(label, held * size, part)
        self.left[label] -= sum(groups)
        return True

    def _add_rows(self, label: int, count: int, part: int) -> None:
        need = self.need[part]
        if count > need[label]:
            self.over[label] += _excess(need[label], count)
        need[label] -= count
        self.placed[part][label] += count
        self.seen[label] += count
        if self.empty[label]:
            self.empty[label].discard(part)


def _excess(need: int, count: int) -> int:
    """Return how many of `count` rows are above what is lacking."""
    return max(0, min(count, count - need))
