"""How many photos each part of a split gets, and which groups they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from shelfvision.errors import SplitError

FREE = -1
"""The part of a group that no part has been chosen for."""

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
    """Return the quota of every part and class, shape (parts, classes)."""
    columns = [largest_remainder(int(count), shares) for count in counts]
    return np.array(columns, dtype=np.int64).reshape(len(counts), len(shares)).T.copy()


def fold_quotas(counts: npt.NDArray[np.int64], n_folds: int) -> npt.NDArray[np.int64]:
    """Return even quotas, shape (folds, classes); no fold gets the remainders of all classes."""
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
    """Return the part in whose span of [0, 1) every ``rank / 2**64`` falls, exactly."""
    limits = []
    for part in range(1, len(shares)):
        limit = sum(shares[:part], Fraction(0)) * _RANKS
        limits.append(-(-limit.numerator // limit.denominator))
    inside = np.array([limit for limit in limits if limit < _RANKS], dtype=np.uint64)
    return np.searchsorted(inside, ranks, side="right").astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTable:
    """Which classes every group holds, and how often: sorted by group, then by class."""

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
        """Count the rows of every group and class."""
        pairs, counts = np.unique(codes * n_classes + labels, return_counts=True)
        return cls(
            group=pairs // n_classes,
            label=pairs % n_classes,
            count=counts.astype(np.int64),
            n_groups=n_groups,
            n_classes=n_classes,
        )

    def groups_per_class(self) -> npt.NDArray[np.int64]:
        """Return how many groups hold each class."""
        return np.bincount(self.label, minlength=self.n_classes).astype(np.int64)

    def class_counts(self) -> npt.NDArray[np.int64]:
        """Return how many rows each class has."""
        return self._summed(self.label, self.count, self.n_classes)

    def sizes(self) -> npt.NDArray[np.int64]:
        """Return how many rows each group has."""
        return self._summed(self.group, self.count, self.n_groups)

    @staticmethod
    def _summed(
        keys: npt.NDArray[np.int64], weights: npt.NDArray[np.int64], length: int
    ) -> npt.NDArray[np.int64]:
        # Sums of whole numbers below 2**53 are exact in float64.
        return np.bincount(keys, weights=weights, minlength=length).astype(np.int64)


def place_groups(
    table: GroupTable,
    ranks: npt.NDArray[np.uint64],
    quotas: npt.NDArray[np.int64],
    open_parts: Sequence[int],
    *,
    pinned: npt.NDArray[np.int64],
    filled: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Give every free group an open part, so that every part comes near its quota of every class.

    Groups that hold several classes come first, then those of each class; larger before
    smaller, equals by rank. Each goes where it lowers the sum of squared distances from the
    quotas most, of equals to the earlier part. The last groups of a class are kept for parts
    that have none of it yet. `pinned` has the part of every group, `FREE` if it has none;
    `filled` counts the rows that every part has of every class already.
    """
    parts = pinned.copy()
    state = _State(quotas - filled, filled > 0, open_parts, _free_groups(table, parts))
    free = parts == FREE
    sizes = table.sizes()
    classes = np.bincount(table.group, minlength=table.n_groups)
    mixed = np.flatnonzero(free & (classes > 1))
    mixed = mixed[np.lexsort((ranks[mixed], -sizes[mixed]))]
    _place_mixed(table, mixed.tolist(), parts, state)
    start = np.searchsorted(table.group, np.arange(table.n_groups))
    pure = np.flatnonzero(free & (classes == 1))
    label = table.label[start[pure]]
    order = np.lexsort((ranks[pure], -sizes[pure], label))
    pure, label = pure[order], label[order]
    for number in np.unique(label).tolist():
        low, high = np.searchsorted(label, [number, number + 1])
        members = pure[low:high]
        parts[members] = _place_pure(sizes[members].tolist(), number, state)
    return parts


class _State:
    """What every part still needs of every class while groups are being placed."""

    __slots__ = ("empty", "left", "need", "open_parts")

    def __init__(
        self,
        need: npt.NDArray[np.int64],
        present: npt.NDArray[np.bool_],
        open_parts: Sequence[int],
        left: npt.NDArray[np.int64],
    ) -> None:
        self.open_parts = list(open_parts)
        self.need = need.tolist()
        self.empty = [
            {part for part in self.open_parts if not present[part, number]}
            for number in range(need.shape[1])
        ]
        self.left = left.tolist()


def _free_groups(table: GroupTable, parts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    free = table.label[parts[table.group] == FREE]
    return np.bincount(free, minlength=table.n_classes).astype(np.int64)


def _place_mixed(
    table: GroupTable, groups: Iterable[int], parts: npt.NDArray[np.int64], state: _State
) -> None:
    starts = np.searchsorted(table.group, np.arange(table.n_groups + 1)).tolist()
    labels, counts = table.label.tolist(), table.count.tolist()
    for group in groups:
        span = slice(starts[group], starts[group + 1])
        part = _best_part(labels[span], counts[span], state)
        parts[group] = part
        for label, count in zip(labels[span], counts[span], strict=True):
            state.need[part][label] -= count
            state.empty[label].discard(part)
            state.left[label] -= 1


def _best_part(labels: list[int], counts: list[int], state: _State) -> int:
    urgent = [label for label in labels if 0 < state.left[label] <= len(state.empty[label])]

    def worth(part: int) -> tuple[int, int]:
        need = state.need[part]
        fit = sum(count * need[label] for label, count in zip(labels, counts, strict=True))
        return sum(part in state.empty[label] for label in urgent), fit

    return max(state.open_parts, key=worth)


def _place_pure(sizes: list[int], label: int, state: _State) -> list[int]:
    open_parts = state.open_parts
    need = [state.need[part][label] for part in open_parts]
    empty = {open_parts.index(part) for part in state.empty[label]}
    chosen = []
    for left, size in zip(range(len(sizes), 0, -1), sizes, strict=True):
        if empty and left <= len(empty):
            place = max(sorted(empty), key=need.__getitem__)
        else:
            place = need.index(max(need))
        empty.discard(place)
        need[place] -= size
        chosen.append(open_parts[place])
    return chosen


def count_rows(
    parts: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], shape: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """Return the rows of every part and class, shape (parts, classes); negative parts are none."""
    cells = (parts * shape[1] + labels)[parts >= 0]
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def check_groups(table: GroupTable, class_names: Sequence[str], least: int, purpose: str) -> None:
    """Refuse classes that have photos, but fewer groups than `least`."""
    groups, counts = table.groups_per_class(), table.class_counts()
    for number in np.flatnonzero((counts > 0) & (groups < least)).tolist():
        many = "groups" if groups[number] > 1 else "group"
        raise SplitError(
            f"class {class_names[number]!r} has {counts[number]} photos in {groups[number]} "
            f"{many}, too few for {least} {purpose}; add photos, put it together with another "
            "class by relabel, leave it out by select, or ask for fewer parts",
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
    """Say how far the counts, shape (parts, classes), are from the quotas, and for what cause."""
    gap = np.abs(counts - quotas)
    if not gap.any():
        return "Every class has its exact quota in every part."
    part, number = divmod(int(gap.argmax()), gap.shape[1])
    return (
        f"{cause} moved the quotas by at most {gap.max()} photos of a class: "
        f"{class_names[number]!r} has {counts[part, number]} instead of {quotas[part, number]} "
        f"in {part_names[part]}."
    )
