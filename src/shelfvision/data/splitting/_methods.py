"""The split methods. They never change, and use only hashes and `numpy.random.RandomState`.

- **Stratified** assigns groups by quotas for each class (`_quotas`, `_placing`).
- **Hashed** assigns each group by its hash alone, a number from 0 to 2 ** 64. The sets divide this
  range by their shares, so a group keeps its set whatever photos are added or removed. The counts
  vary as in a draw for every group.
- **Shuffled** shuffles rows as NumPy does, without groups, as in the article.

>>> hashes = np.array([2**62, 2**63, 2**64 - 1], dtype=np.uint64)
>>> hashed_parts(hashes, [Fraction(7, 10), Fraction(2, 10), Fraction(1, 10)]).tolist()
[0, 0, 2]
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from shelfvision._random import ranks_for
from shelfvision._validation import counted
from shelfvision.data.splitting._columns import factorized
from shelfvision.data.splitting._pins import NEW, pinned_groups, rows_of
from shelfvision.data.splitting._placing import place_groups
from shelfvision.data.splitting._quotas import (
    GroupTable,
    check_groups,
    count_rows,
    deviation,
    fold_quotas,
    hashed_parts,
    largest_remainder,
    split_quotas,
)
from shelfvision.data.splitting.leaks import PARTS
from shelfvision.errors import SplitError

# The arrays of states below have, for each row, the number of its set or a state of _pins.


def rows_per_part(state: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each set, ascending."""
    return [np.flatnonzero(state == part) for part in range(len(PARTS))]


def stratified_states(
    seed: int,
    shares: Sequence[Fraction],
    keys: npt.NDArray[np.object_],
    labels: npt.NDArray[np.int64],
    *,
    class_names: Sequence[str],
    state: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], str]:
    """Place new rows by quotas per class; return their states and the deviation from quotas."""
    codes, groups = factorized(keys)
    shape = len(shares), len(class_names)
    pinned = pinned_groups(codes, len(groups), state)
    filled = count_rows(rows_of(pinned, codes, state), labels, shape)
    kept = np.flatnonzero(state >= NEW)
    table = GroupTable.of(codes[kept], labels[kept], n_groups=len(groups), n_classes=shape[1])
    open_parts = [part for part, share in enumerate(shares) if share]
    if not filled.any():
        check_groups(table, class_names, len(open_parts), "sets")
    quotas = split_quotas(table.class_counts(), shares)
    ranks = ranks_for(seed, "split", groups)
    parts = place_groups(table, ranks, quotas, shares, pinned=pinned, filled=filled)
    placed = rows_of(parts, codes, state)
    cause = "Whole groups and the earlier split" if filled.any() else "Whole groups"
    counts = count_rows(placed, labels, shape)
    return placed, deviation(counts, quotas, class_names, PARTS, cause=cause)


def hashed_states(
    seed: int,
    shares: Sequence[Fraction],
    keys: npt.NDArray[np.object_],
    state: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Place new rows by the hashes of their groups."""
    codes, groups = factorized(keys)
    pinned = pinned_groups(codes, len(groups), state)
    parts = hashed_parts(ranks_for(seed, "hashed-split", groups), shares)
    return rows_of(np.where(pinned == NEW, parts, pinned), codes, state)


def shuffled_rows(
    seed: int, shares: Sequence[Fraction], state: npt.NDArray[np.int64]
) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each set: pinned rows, then new rows in shuffled order."""
    new, pinned = np.flatnonzero(state == NEW), rows_per_part(state)
    total = len(new) + sum(map(len, pinned))
    limits = [int(total * sum(shares[:part])) for part in range(1, len(shares))]
    sizes = np.diff([0, *limits, total]).tolist()
    need = [max(0, size - len(rows)) for size, rows in zip(sizes, pinned, strict=True)]
    if sum(need) != len(new):
        # A set has more than its share already: the other sets divide the new rows.
        need = largest_remainder(len(new), [Fraction(part, sum(need)) for part in need])
    order = new[np.random.RandomState(seed).permutation(len(new))]
    added = np.split(order, np.cumsum(need)[:-1])
    return [np.concatenate(pair) for pair in zip(pinned, added, strict=True)]


def fold_numbers(
    seed: int,
    n_folds: int,
    keys: npt.NDArray[np.object_],
    labels: npt.NDArray[np.int64],
    class_names: Sequence[str],
) -> npt.NDArray[np.int64]:
    """Return the fold whose test set has each row."""
    codes, groups = factorized(keys)
    table = GroupTable.of(codes, labels, n_groups=len(groups), n_classes=len(class_names))
    check_groups(table, class_names, 2, "sets, training and test")
    quotas = fold_quotas(table.class_counts(), n_folds)
    folds = place_groups(
        table,
        ranks_for(seed, "folds", groups),
        quotas,
        [Fraction(1, n_folds)] * n_folds,
        pinned=np.full(len(groups), NEW, dtype=np.int64),
        filled=np.zeros_like(quotas),
    )[codes]
    if len(np.unique(folds)) < n_folds:
        raise SplitError(
            f"n_folds must be small enough to fill each fold, got {n_folds} for "
            f"{counted(len(codes), 'photo')} in {counted(len(groups), 'group')}; ask for fewer "
            "folds or add photos",
            code="too-few-groups",
            parameter="n_folds",
        )
    return folds
