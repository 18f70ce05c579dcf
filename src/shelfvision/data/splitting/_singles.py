"""Place single photos, which fill the quotas that groups left open.

Groups are placed first (`_placing`), so single photos fill the rest of each class quota:

>>> fill([5, 1, 1], 6, empty={1, 2}, largest=1)  # 5, 1 and 1 rows are missing, 6 photos are left
[4, 1, 1]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfvision.data.splitting._accounts import Accounts

_Ints = npt.NDArray[np.int64]


def place_singles(label: _Ints, accounts: Accounts) -> _Ints:
    """Return the index among the open sets of single photos, given their classes.

    The photos are in seeded order. Classes without excess get their exact quotas; classes without
    groups always do. If groups exceed the quota of a set, single photos of all classes with groups
    balance the totals of the sets.
    """
    n_classes = len(accounts.left)
    counts = np.bincount(label, minlength=n_classes)
    need = np.array(accounts.need, dtype=np.int64).reshape(len(accounts.parts), n_classes)
    rows = np.zeros_like(need)
    for number in np.flatnonzero(counts).tolist():
        rows[:, number] = fill(
            need[:, number].tolist(),
            int(counts[number]),
            accounts.empty[number],
            accounts.largest[number],
        )
    first = np.full(n_classes, len(label), dtype=np.int64)
    np.minimum.at(first, label, np.arange(len(label)))
    _even_out(rows, need, accounts, np.argsort(first, kind="stable"))
    order = np.argsort(label, kind="stable")
    parts = np.empty(len(label), dtype=np.int64)
    parts[order] = _in_turn(rows)
    return parts


def _in_turn(rows: _Ints) -> _Ints:
    """Return the sets of the photos, class by class.

    Within a class, the set that lacks most comes next; ties go to the earlier set.
    """
    n_parts, n_classes = rows.shape
    counts = rows.T.ravel()
    cell = np.repeat(np.arange(n_classes * n_parts), counts)
    ends = np.cumsum(counts)
    lacking = ends[cell] - np.arange(len(cell))
    part = cell % n_parts
    order = np.lexsort((part, -lacking, cell // n_parts))
    return np.asarray(part[order], dtype=np.int64)


def fill(need: Sequence[int], n: int, empty: set[int], largest: int) -> list[int]:
    """Divide `n` single photos of a class among sets that together lack at least `n`.

    Sets without rows of the class get one photo first. The rest is divided in proportion to the
    missing rows. If a set would then lack more than `largest`, each photo goes to the set that
    lacks most instead.
    """
    lacking = [max(wanted, 0) for wanted in need]
    rows = [int(part in empty and wanted > 0) for part, wanted in enumerate(lacking)]
    if sum(rows) > n:
        rows = [0] * len(need)
    open_ = [wanted - held for wanted, held in zip(lacking, rows, strict=True)]
    rest = n - sum(rows)
    shared = _divided(rest, open_)
    if max(wanted - got for wanted, got in zip(open_, shared, strict=True)) > largest:
        shared = _levelled(rest, open_)
    return [held + got for held, got in zip(rows, shared, strict=True)]


def _divided(n: int, weights: Sequence[int]) -> list[int]:
    """Divide `n` in proportion to integers, by largest remainders."""
    total = sum(weights) or 1
    parts = [n * weight // total for weight in weights]
    rest = sorted(range(len(weights)), key=lambda part: -(n * weights[part] % total))
    for part in rest[: n - sum(parts)]:
        parts[part] += 1
    return parts


def _levelled(n: int, lacking: Sequence[int]) -> list[int]:
    """Divide `n` so that the remaining gaps are as even as possible."""
    level, wider = 0, sorted(lacking, reverse=True)
    for places, lower in enumerate([*wider[1:], 0], start=1):
        above = sum(wider[:places]) - places * lower
        if above >= n:
            level = lower + (above - n) // places
            break
    rows = [max(wanted - level, 0) for wanted in lacking]
    surplus = sum(rows) - n
    for part in reversed(range(len(rows))):
        if surplus > 0 and rows[part]:
            rows[part] -= 1
            surplus -= 1
    return rows


def _even_out(rows: _Ints, need: _Ints, accounts: Accounts, order: _Ints) -> None:
    """Move single photos from sets with too many rows in total to sets with too few."""
    largest = np.array(accounts.largest, dtype=np.int64)
    grouped = largest > 1
    placed = np.array(accounts.placed, dtype=np.int64).reshape(rows.shape)
    excess = (rows - need)[:, grouped].sum(axis=1)
    for donor in np.flatnonzero(excess > 0).tolist():
        for taker in np.flatnonzero(excess < 0).tolist():
            wanted = min(int(excess[donor]), -int(excess[taker]))
            # Keep one photo of each class, and miss no quota by more than the largest group.
            room = np.minimum(
                rows[donor] - (placed[donor] == 0),
                np.minimum(
                    largest + rows[donor] - need[donor], largest - rows[taker] + need[taker]
                ),
            )
            moved = _spread(wanted, np.where(grouped, np.maximum(room, 0), 0)[order])
            rows[donor, order] -= moved
            rows[taker, order] += moved
            excess[donor] -= moved.sum()
            excess[taker] += moved.sum()


def _spread(n: int, room: _Ints) -> _Ints:
    """Divide `n` in proportion to `room`, without exceeding it."""
    total = int(room.sum())
    reached = np.cumsum(room) * min(n, total) // max(total, 1)
    return np.diff(reached, prepend=0)
