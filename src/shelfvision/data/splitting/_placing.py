"""Which part every group goes to.

Large groups must not all go to the part with the largest quota: then validation and test would
see single photos only. Groups are therefore samples of three populations at once:

1. **Size.** All groups of one size, whatever their class, are dealt out in proportion to the
   shares: systematic sampling (`_seats`) rounds how many of them each part gets, and carries what
   the rounding owes to the next smaller size. Ten bursts split 70 / 20 / 10 give 7, 2 and 1;
   one burst goes to validation for one seed in five.
2. **Class.** Groups of one class are neighbours on the list of their size, so they are spread
   too. Within a short run of the list, each group takes the free seat whose part is furthest
   behind in the group's classes, as in iterative stratification (Sechidis, Tsoumakas and Vlahavas,
   "On the stratification of multi-label data", 2011) and minimization (Pocock and Simon, 1975).
3. **Quota.** A seat is refused where the class would exceed its quotas, over all parts together,
   by more than its largest group. Then the part that lacks most takes the group.

Single photos come last and meet the quotas (`_singles`).

**The bound.** Let g be the size of the largest group of a class. Seats keep the sum of all
excesses at most g. From such a state, placing every further group where most is lacking leaves no
part more than g short: suppose one were, then every part chosen since lacked more than g before
and lacks something still, so the excess of the parts that were not chosen would be above g. Classes
that share groups with others, or that have to reach every part with few groups, may miss by more.

Everything depends on the hashes of the groups (`ranks`) and on their sizes and classes, never on
the order of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import numpy as np
import numpy.typing as npt

from shelfvision.data.splitting._accounts import Accounts
from shelfvision.data.splitting._pools import Pool, pools_of
from shelfvision.data.splitting._quotas import GroupTable
from shelfvision.data.splitting._seats import even_sequence, rounded_seats, seat_target, still_owed
from shelfvision.data.splitting._singles import place_singles

FREE = -1
"""The part of a group that no part has been chosen for."""

_Ints = npt.NDArray[np.int64]

# Groups choose among the seats of so many of them: enough to choose from, short enough that no
# class has to wait for its seat.
_RUN = 16
# From so many groups on, those of one size and class are in proportion by themselves.
_MANY = 64


def place_groups(
    table: GroupTable,
    ranks: npt.NDArray[np.uint64],
    quotas: _Ints,
    shares: Sequence[Fraction],
    *,
    pinned: _Ints,
    filled: _Ints,
) -> _Ints:
    """Return the part of every group, in proportion for every size and near every quota.

    `quotas` and `filled`, shape (parts, classes), count the rows that a part should have of a
    class, and has already. Parts with a share of 0 get nothing. `pinned` has the part of every
    group, `FREE` if it has none.
    """
    open_parts = np.flatnonzero([share > 0 for share in shares])
    open_shares = [shares[part] for part in open_parts.tolist()]
    parts, sizes = pinned.copy(), table.sizes()
    accounts = Accounts(table, quotas[open_parts], filled[open_parts], open_shares, parts == FREE)
    held = np.flatnonzero(pinned >= 0)
    owed = [Fraction(0)] * len(open_parts)
    # In a pool, the smallest part gets one seat or more, so that it can pay what it owes.
    least = ceil(1 / min(open_shares))
    for pool in pools_of(table, sizes, ranks, parts == FREE, least=least):
        inside = (sizes[held] >= pool.sizes[-1]) & (sizes[held] <= pool.sizes[0])
        taken = np.bincount(pinned[held[inside]], minlength=len(shares))[open_parts].tolist()
        target = seat_target(len(pool.groups), open_shares, taken, owed)
        chosen = _dealt(pool, accounts, target)
        parts[pool.groups] = open_parts[chosen]
        got = np.bincount(chosen, minlength=len(open_parts)).tolist()
        owed = still_owed(target, got)
    single = np.flatnonzero((parts == FREE) & (sizes == 1))
    label = table.label[np.searchsorted(table.group, single)]
    order = np.argsort(ranks[single], kind="stable")
    parts[single[order]] = open_parts[place_singles(label[order], accounts)]
    return parts


def _dealt(pool: Pool, accounts: Accounts, target: Sequence[Fraction]) -> _Ints:
    """Return the place among the open parts of every group of a pool."""
    start, turn = pool.start()
    own = even_sequence(rounded_seats(target, start), turn)
    chosen = own.copy()
    few: list[int] = []
    for low, high, label in pool.cells():
        held = np.bincount(own[low:high], minlength=len(target)).tolist()
        many = label >= 0 and high - low >= _MANY
        if not (many and accounts.takes_all(label, held, int(pool.sizes[low]))):
            few += range(low, high)
    seats = [0] * len(target)
    for first in range(0, len(few), _RUN):
        run = np.array(few[first : first + _RUN])
        # Not by size: who comes first has the choice.
        run = run[np.argsort(pool.ranks[run], kind="stable")]
        chosen[run] = _seated(pool.rows_of(run), own[run].tolist(), seats, accounts)
    return chosen


def _seated(
    rows: Sequence[tuple[list[int], list[int]]],
    own: Sequence[int],
    seats: list[int],
    accounts: Accounts,
) -> list[int]:
    """Return the part of every group of a run; what is left of `seats` is for the next run."""
    for part in own:
        seats[part] += 1
    chosen = []
    for (labels, counts), part in zip(rows, own, strict=True):
        best = accounts.best(labels, counts, seats, part)
        accounts.add(labels, counts, best)
        seats[best] -= 1
        chosen.append(best)
    return chosen
