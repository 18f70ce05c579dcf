"""The number of groups of one size that each set gets, and their order along a list.

Both are systematic sampling (Madow, "On the theory of systematic sampling, II", 1949): one random
start instead of a draw for every group. Each group is in each part with exactly the probability
of that part's share, but the counts of all groups hardly vary.

Three groups for shares of 0.5, 0.3 and 0.2 are 1.5, 0.9 and 0.6 seats. The fractions 0.5, 0.9 and
0.6 are laid end to end, and a grid of whole numbers is put over them from a random start. A
fraction that a grid point falls into is rounded up. So each number is rounded up with the
probability of its fraction, and the sum stays.

>>> target = [Fraction(3, 2), Fraction(9, 10), Fraction(3, 5)]
>>> rounded_seats(target, start=0), rounded_seats(target, start=2**63)
([1, 1, 1], [2, 0, 1])
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor

import numpy as np
import numpy.typing as npt

_WORDS = 2**64
# The golden ratio in 64 bits: its multiples, modulo 1, fill [0, 1) evenly at every length.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def seat_target(
    n_free: int, shares: Sequence[Fraction], taken: Sequence[int], owed: Sequence[Fraction]
) -> list[Fraction]:
    """Return how many of `n_free` groups each set should get; the sum is `n_free`.

    Together with the groups that the sets have already (`taken`), the shares are met. The groups
    that sets are `owed` from larger sizes are added if each set gets at least one group, so that
    the mean does not change.
    """
    total = n_free + sum(taken)
    target = [total * share - had for share, had in zip(shares, taken, strict=True)]
    if n_free * min(shares) >= 1:
        target = [wanted + debt for wanted, debt in zip(target, owed, strict=True)]
    if min(target) >= 0:
        return target
    # A set has more than its share already: the other sets divide the free groups.
    return _scaled([max(part, Fraction(0)) for part in target], n_free)


def still_owed(target: Sequence[Fraction], got: Sequence[int]) -> list[Fraction]:
    """Return the missing groups of each set, scaled down to at most one group.

    Rounding leaves less than one group; a larger gap comes from quotas, which smaller groups cannot
    correct.
    """
    owed = [wanted - count for wanted, count in zip(target, got, strict=True)]
    most = max(map(abs, owed))
    return owed if most <= 1 else _scaled([debt / most for debt in owed], 0)


def _scaled(weights: Sequence[Fraction], total: int) -> list[Fraction]:
    """Return weights scaled to a total (unless it is 0), rounded to thousandths.

    Without rounding, the denominators of fractions would grow from size to size.
    """
    factor = total / sum(weights) if total else Fraction(1)
    scaled = [Fraction(floor(1000 * factor * weight), 1000) for weight in weights]
    scaled[scaled.index(max(scaled))] += total - sum(scaled)
    return scaled


def rounded_seats(target: Sequence[Fraction], start: int) -> list[int]:
    """Round each number up or down and keep the sum; `start` is uniform in [0, 2**64).

    A number is rounded up with the probability of its fractional part.
    """
    seats, reached = [], Fraction(start, _WORDS)
    for wanted in target:
        whole = floor(wanted)
        before, reached = floor(reached), reached + wanted - whole
        seats.append(whole + floor(reached) - before)
    return seats


def even_sequence(seats: Sequence[int], start: int) -> npt.NDArray[np.int64]:
    """Return a sequence of sets with these counts; each run has nearly the same proportions.

    List positions are sorted by a Kronecker sequence (multiples of the golden ratio, modulo 1),
    rotated by a random `start`, and divided among the sets.
    """
    length = sum(seats)
    scattered = np.arange(length, dtype=np.uint64) * _GOLDEN
    place = np.empty(length, dtype=np.int64)
    place[np.argsort(scattered, kind="stable")] = np.arange(length)
    turned = (place + start % max(length, 1)) % max(length, 1)
    return np.searchsorted(np.cumsum(seats), turned, side="right").astype(np.int64)
