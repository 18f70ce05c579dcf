"""Assign every group to a set, in proportion for each group size and near each class quota.

A method that fills the largest quota first puts every burst into the training set. Validation,
calibration and test scores then see single photos only. So groups are assigned in three steps:

1. **Size.** The groups of one size are distributed over the sets in proportion, over all classes
   together. Systematic sampling (`_seats`) gives each set a number of seats: of 10 bursts, split
   70 / 20 / 10, it gives 7, 2 and 1 seats; one burst goes to the validation set for one seed in
   five. What rounding owes a set is carried to the next smaller size. Sizes with few groups are
   pooled (`_pools`).
2. **Class.** Each group has its own seat. Groups of one class are neighbours in the list, so their
   seats are in proportion too. In a run of 16 groups, a group takes another free seat where its
   own set is ahead in the group's class by more than the largest group of the class, or another
   set is that far behind. Iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011) and
   minimization (Pocock and Simon, 1975) choose by the same differences, but for every example.
3. **Quota.** A set is refused where the sum of all excesses over the class quotas would be larger
   than the largest group of the class. Where all sets are refused, the set that lacks most
   rows of the class gets the group.

Single photos come last and fill the quotas (`_singles`). Without groups, quotas are exact.

**Bound.** No set misses a quota by more than g, the size of the largest group of the class. While
step 3 refuses sets, the excesses sum to at most g. Afterwards each group goes where most is
lacking. Suppose that a set lacks more than g in the end. Then every set that got a group since
lacked more than g before and still lacks something. So the excess of the other sets, which did not
grow, would be larger than g. Two exceptions: groups of several classes, and classes with so few
groups that the rule "every set gets a group of every class" decides.

The result depends on the hashes of the groups (`ranks`), their sizes and classes, not on the order
of rows.

References
----------
W. G. Madow, "On the theory of systematic sampling, II", Ann. Math. Statist. 20 (1949) 333-354.
K. Sechidis, G. Tsoumakas, I. Vlahavas, "On the stratification of multi-label data", ECML PKDD
(2011) 145-158.
S. Pocock, R. Simon, "Sequential treatment assignment with balancing for prognostic factors in the
controlled clinical trial", Biometrics 31 (1975) 103-115.
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
"""The state of a group without a set."""

_Ints = npt.NDArray[np.int64]

# The number of groups that choose among their seats together: enough for a choice, and few enough
# that the classes stay in proportion along the list.
_RUN = 16
# With this many groups of one size and class, systematic sampling alone is proportional enough.
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
    """Return the set of each group, in proportion for each size and near each quota.

    `quotas` and `filled`, shape (sets, classes), are the rows that a set should have of a class
    and the rows that it has already. Sets with share 0 get no rows. `pinned` has the set of each
    group, `FREE` if it has none.
    """
    open_parts = np.flatnonzero([share > 0 for share in shares])
    open_shares = [shares[part] for part in open_parts.tolist()]
    parts, sizes = pinned.copy(), table.sizes()
    accounts = Accounts(table, quotas[open_parts], filled[open_parts], open_shares, parts == FREE)
    held = np.flatnonzero(pinned >= 0)
    owed = [Fraction(0)] * len(open_parts)
    # The smallest set gets at least one seat in a pool, so that rounding errors can be corrected.
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
    """Return the index among the open sets of each group of a pool."""
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
        # Seeded order, not size: the first groups of a run have more seats to choose from.
        run = run[np.argsort(pool.ranks[run], kind="stable")]
        chosen[run] = _seated(pool.rows_of(run), own[run].tolist(), seats, accounts)
    return chosen


def _seated(
    rows: Sequence[tuple[list[int], list[int]]],
    own: Sequence[int],
    seats: list[int],
    accounts: Accounts,
) -> list[int]:
    """Return the set of each group of a run; unused `seats` remain for the next run."""
    for part in own:
        seats[part] += 1
    chosen = []
    for (labels, counts), part in zip(rows, own, strict=True):
        best = accounts.best(labels, counts, seats, part)
        accounts.add(labels, counts, best)
        seats[best] -= 1
        chosen.append(best)
    return chosen
