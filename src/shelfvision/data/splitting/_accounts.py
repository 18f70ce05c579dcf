"""`Accounts`: the rows that each set has and still needs of each class, during placement."""

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
    """Rows by open set and class, in lists, which are faster than arrays for single values.

    Parameters
    ----------
    table : GroupTable
        The classes of all groups.
    quotas, filled : ndarray of int64, shape (parts, classes)
        The rows that each open set should have, and has.
    shares : sequence of Fraction
        The share of each open set, above 0.
    free : ndarray of bool, shape (groups,)
        The groups that are not placed yet.
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
        """The missing rows of each quota; negative if the quota is exceeded."""
        self.seen: list[int] = filled.sum(axis=0).tolist()
        """The rows of each class in all sets."""
        self.over: list[int] = np.maximum(filled - quotas, 0).sum(axis=0).tolist()
        """The sum of all excesses over the quotas, by class."""
        self.largest: list[int] = table.largest_groups().tolist()
        self.empty = [set(np.flatnonzero(column == 0).tolist()) for column in filled.T]
        """The sets without rows of each class."""
        left = np.bincount(table.label[free[table.group]], minlength=table.n_classes)
        self.left: list[int] = left.tolist()
        """The number of groups of each class that are not placed yet."""
        self.weights = [int(_UNIT * share) for share in shares]

    def best(
        self, labels: Sequence[int], counts: Sequence[int], seats: Sequence[int], own: int
    ) -> int:
        """Return the set for a group.

        The last groups of a class go to sets without rows of the class. Otherwise a set with a
        seat gets the group: the one whose classes are furthest behind, and in a tie the group's
        own seat (`own`). If all sets would exceed the bound, the set that lacks most gets it.
        """
        rows = list(zip(labels, counts, strict=True))
        # This code runs for each group of several photos; plain loops are fastest.
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
        """Return whether `count` more rows of a class would exceed the bound."""
        return self.over[label] + _excess(need, count) > self.largest[label]

    def _behind(self, part: int, rows: Sequence[tuple[int, int]]) -> int:
        """Return how far a set is below its share of these classes, or would be above it.

        Differences up to the size of the largest group count as 0, so that chance decides.
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
        """Record that a group was placed."""
        for label, count in zip(labels, counts, strict=True):
            self.left[label] -= 1
            self._add_rows(label, count, part)

    def takes_all(self, label: int, groups: Sequence[int], size: int) -> bool:
        """Record `groups` of one class and size per set; return False if a bound forbids it."""
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
    """Return how many of `count` rows exceed the `need`."""
    return max(0, min(count, count - need))
