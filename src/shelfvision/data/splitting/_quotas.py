"""The quota of each class in each set, and the table of which classes each group holds.

Quotas come from the largest remainder method (Hamilton's method; M. L. Balinski and H. P. Young,
"Fair Representation", 1982). With shares s_i and n photos, set i gets floor(n s_i) photos. The
photos that are left go to the sets with the largest remainders n s_i - floor(n s_i), one each; of
equal remainders the earlier set wins. A set with a share above 0 then gets at least one photo.

>>> shares = [Fraction(7, 10), Fraction(2, 10), Fraction(1, 10)]
>>> largest_remainder(18, shares)  # 12.6, 3.6 and 1.8: of equal remainders the earlier
[13, 3, 2]
>>> largest_remainder(4, shares)  # 2.8, 0.8 and 0.4: the test set gets one from the largest set
[2, 1, 1]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted
from shelfvision.errors import SplitError

_RANKS = 2**64


def largest_remainder(count: int, shares: Sequence[Fraction]) -> list[int]:
    """Divide `count` by `shares`, at least 1 for every share above 0 where the count allows."""
    quotas = [int(count * share) for share in shares]
    remainders = [count * share - quota for share, quota in zip(shares, quotas, strict=True)]
    # Sorting is stable, so that of equal remainders the earlier part wins.
    for part in sorted(range(len(shares)), key=lambda part: -remainders[part]):
        if sum(quotas) < count:
            quotas[part] += 1
    wanting = [part for part, share in enumerate(shares) if share > 0]
    if count >= len(wanting):
        for part in wanting:
            if quotas[part] == 0:
                quotas[quotas.index(max(quotas))] -= 1
                quotas[part] = 1
    return quotas


def split_quotas(
    counts: npt.NDArray[np.int64], shares: Sequence[Fraction]
) -> npt.NDArray[np.int64]:
    """Return the quota of each set and class, shape (sets, classes)."""
    columns = [largest_remainder(int(count), shares) for count in counts]
    return np.array(columns, dtype=np.int64).reshape(len(counts), len(shares)).T.copy()


def fold_quotas(counts: npt.NDArray[np.int64], n_folds: int) -> npt.NDArray[np.int64]:
    """Return even quotas, shape (folds, classes), with the remainders spread over the folds."""
    quotas = np.empty((n_folds, len(counts)), dtype=np.int64)
    first = 0
    for number, count in enumerate(counts.tolist()):
        whole, rest = divmod(count, n_folds)
        quotas[:, number] = whole
        quotas[[(first + turn) % n_folds for turn in range(rest)], number] += 1
        first += rest
    return quotas


def hashed_parts(
    ranks: npt.NDArray[np.uint64], shares: Sequence[Fraction]
) -> npt.NDArray[np.int64]:
    """Return the set whose interval of [0, 1) contains ``rank / 2**64``, computed exactly."""
    limits = []
    for part in range(1, len(shares)):
        limit = sum(shares[:part], Fraction(0)) * _RANKS
        limits.append(-(-limit.numerator // limit.denominator))
    inside = np.array([limit for limit in limits if limit < _RANKS], dtype=np.uint64)
    return np.searchsorted(inside, ranks, side="right").astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTable:
    """The row count of each group and class, sorted by group, then by class."""

    group: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    n_groups: int
    n_classes: int

    @classmethod
    def of(
        cls,
        codes: npt.NDArray[np.int64],
        labels: npt.NDArray[np.int64],
        *,
        n_groups: int,
        n_classes: int,
    ) -> GroupTable:
        """Count the rows of each group and class."""
        pairs, counts = np.unique(codes * n_classes + labels, return_counts=True)
        return cls(
            group=pairs // n_classes,
            label=pairs % n_classes,
            count=counts.astype(np.int64),
            n_groups=n_groups,
            n_classes=n_classes,
        )

    def groups_per_class(self) -> npt.NDArray[np.int64]:
        """Return the number of groups that contain each class."""
        return np.bincount(self.label, minlength=self.n_classes).astype(np.int64)

    def class_counts(self) -> npt.NDArray[np.int64]:
        """Return the number of rows of each class."""
        return self._summed(self.label, self.count, self.n_classes)

    def largest_groups(self) -> npt.NDArray[np.int64]:
        """Return the number of rows of each class in its largest group."""
        largest = np.zeros(self.n_classes, dtype=np.int64)
        np.maximum.at(largest, self.label, self.count)
        return largest

    def sizes(self) -> npt.NDArray[np.int64]:
        """Return the number of rows of each group."""
        return self._summed(self.group, self.count, self.n_groups)

    @staticmethod
    def _summed(
        keys: npt.NDArray[np.int64], weights: npt.NDArray[np.int64], length: int
    ) -> npt.NDArray[np.int64]:
        # Sums of whole numbers below 2**53 are exact in float64.
        return np.bincount(keys, weights=weights, minlength=length).astype(np.int64)


def count_rows(
    parts: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], shape: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """Return the row counts, shape (sets, classes); rows with a negative state do not count."""
    cells = (parts * shape[1] + labels)[parts >= 0]
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def check_groups(table: GroupTable, class_names: Sequence[str], least: int, purpose: str) -> None:
    """Refuse classes that have photos, but fewer groups than `least`."""
    groups, counts = table.groups_per_class(), table.class_counts()
    for number in np.flatnonzero((counts > 0) & (groups < least)).tolist():
        raise SplitError(
            f"class {class_names[number]!r} must have at least {least} groups for {least} "
            f"{purpose}, got {counted(int(counts[number]), 'photo')} in "
            f"{counted(int(groups[number]), 'group')}; add photos, merge the class with another "
            "one by relabel, leave it out by select, or ask for fewer sets",
            code="too-few-groups",
        )


def deviation(
    counts: npt.NDArray[np.int64],
    quotas: npt.NDArray[np.int64],
    class_names: Sequence[str],
    part_names: Sequence[str],
    *,
    cause: str,
) -> str:
    """Return a sentence on how far counts, shape (sets, classes), deviate from the quotas."""
    gap = np.abs(counts - quotas)
    if not gap.any():
        return "Every class has its exact quota in every set."
    part, number = divmod(int(gap.argmax()), gap.shape[1])
    return (
        f"{cause} changed the quotas by at most {counted(int(gap.max()), 'photo')} of a class: "
        f"{class_names[number]!r} has {counts[part, number]} instead of {quotas[part, number]} "
        f"in {part_names[part]}."
    )
