"""Chooses the confidence from which on predictions are accepted: by a precision, or by costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.predictions.columns import TOLERANCE, Floats, Integers

STEP = 1.05
"""How much more is accepted from one test to the next."""
START = 3
"""How much more is accepted from one start of a sequence of tests to the next."""
MANY = 10**7
"""Numbers of groups beyond this are as good as none."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One threshold and what became of the photos that it was chosen on."""

    value: float | None
    """The smallest confidence that is accepted; None accepts nothing."""
    n_accepted: int
    """How many photos are accepted."""
    n_mistakes: int
    """How many of these are wrong."""
    needed: int | None
    """Where nothing is accepted: how many groups would do; None where no number would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """What accepting ever more photos, most confident first, brings; ties come together."""

    values: Floats
    """The smallest confidence accepted, falling."""
    photos: Integers
    """How many photos are accepted."""
    mistakes: Integers
    """How many of these are wrong."""
    groups: Integers
    """Of how many groups they are."""
    bad_groups: Integers
    """In how many of these groups an accepted photo is wrong."""
    turns: Integers | None = None
    """How often a photo was accepted, or is now accepted as something finer; None where photos
    only come in."""


def by_precision(
    confidences: npt.NDArray[np.float32],
    wrong: Mask,
    groups: Integers,
    *,
    precision: float,
    confidence_level: float | None,
) -> Choice:
    """Return the smallest threshold that the photos support."""
    ladder = _ladder(confidences, wrong, groups)
    return by_ladder(ladder, precision=precision, confidence_level=confidence_level)


def by_ladder(ladder: Ladder, *, precision: float, confidence_level: float | None) -> Choice:
    """Return the smallest threshold that what came of accepting ever more supports."""
    if confidence_level is None:
        rung = _on_average(ladder, 1 - precision)
    else:
        rung = _with_confidence(ladder, 1 - precision, 1 - confidence_level)
    if rung is None:
        needed = _needed(
            ladder, 1 - precision, None if confidence_level is None else 1 - confidence_level
        )
        return Choice(value=None, n_accepted=0, n_mistakes=0, needed=needed)
    return _choice(ladder, rung)


def by_cost(
    confidences: npt.NDArray[np.float32],
    wrong: Mask,
    *,
    mistake_cost: float,
    review_cost: float,
) -> Choice:
    """Return the threshold under which these photos would have cost least."""
    ladder = _ladder(confidences, wrong, np.arange(len(wrong)))
    costs = ladder.mistakes * mistake_cost - ladder.photos * review_cost
    # Costs such as 0.1 have no exact sums; this is far less than one review of any photo.
    same = 1e-9 * len(wrong) * max(mistake_cost, review_cost)
    if not len(costs) or costs.min() > same:
        return Choice(value=None, n_accepted=0, n_mistakes=0, needed=None)
    # Of thresholds that cost the same, the one that spares most reviews.
    return _choice(ladder, int(np.flatnonzero(costs <= costs.min() + same)[-1]))


def _choice(ladder: Ladder, rung: int) -> Choice:
    return Choice(
        value=float(ladder.values[rung]),
        n_accepted=int(ladder.photos[rung]),
        n_mistakes=int(ladder.mistakes[rung]),
        needed=None,
    )


def _ladder(confidences: npt.NDArray[np.float32], wrong: Mask, groups: Integers) -> Ladder:
    order = np.argsort(-confidences, kind="stable")
    values = confidences[order].astype(np.float64)
    # How many photos reach each value within the tolerance; of values with the same photos the
    # smallest is a rung.
    reached = np.searchsorted(-values, TOLERANCE - values, side="right")
    rungs = np.flatnonzero(np.append(reached[1:] > reached[:-1], True)[: len(values)])
    last = reached[rungs] - 1
    return Ladder(
        values=values[rungs],
        photos=last + 1,
        mistakes=np.cumsum(wrong[order], dtype=np.int64)[last],
        groups=_distinct_so_far(groups[order], np.ones(len(values), np.bool_))[last],
        bad_groups=_distinct_so_far(groups[order], wrong[order])[last],
    )


def _distinct_so_far(codes: Integers, counted: Mask) -> Integers:
    """Return how many distinct codes stand among the counted ones up to each place."""
    places = np.flatnonzero(counted)
    new = np.zeros(len(codes), np.int64)
    new[places[np.unique(codes[places], return_index=True)[1]]] = 1
    return np.cumsum(new)


def _on_average(ladder: Ladder, risk: float) -> int | None:
    """Return the last rung where the share of mistakes, one more imagined, is within the risk."""
    good = (ladder.bad_groups + 1) <= risk * (ladder.groups + 1) * (1 + 1e-12)
    return int(np.flatnonzero(good)[-1]) if good.any() else None


def _with_confidence(ladder: Ladder, risk: float, error: float) -> int | None:
    """Return the furthest rung that sequences of exact binomial tests reach.

    Each sequence starts where a fixed number of groups is accepted, goes on to ever more while the
    hypothesis that too many are mistakes is rejected, and stops at the first that is not; so its
    error is that of one test. The sequences share the error allowed.
    """
    n = int(ladder.groups[-1]) if len(ladder.groups) else 0
    starts = _starts(n, risk, error)
    reached = [_climb(ladder, start, risk, error / len(starts)) for start in starts]
    return max((rung for rung in reached if rung is not None), default=None)


def _starts(n: int, risk: float, error: float) -> list[int]:
    """Return the numbers of groups at which sequences start, as many as `n` groups allow."""
    number = 1
    while _fewest(risk, error / (number + 1)) * START**number <= n:
        number += 1
    return [_fewest(risk, error / number) * START**i for i in range(number)]


def _climb(ladder: Ladder, start: int, risk: float, error: float) -> int | None:
    from scipy.stats import binom

    rungs = _rungs(ladder, start)
    p_values = binom.cdf(ladder.bad_groups[rungs], ladder.groups[rungs], risk)
    failed = np.flatnonzero(~(p_values <= error))
    passed = rungs[: failed[0]] if len(failed) else rungs
    return int(passed[-1]) if len(passed) else None


def _rungs(ladder: Ladder, start: int) -> Integers:
    """Return the rungs to test: each accepts a twentieth more groups than the one before."""
    last = int(ladder.groups[-1]) if len(ladder.groups) else 0
    if last < start:
        return np.empty(0, np.int64)
    if ladder.turns is None:
        rungs = np.searchsorted(ladder.groups, _aims(start, last))
    else:
        first = int(ladder.turns[np.searchsorted(ladder.groups, start)])
        rungs = np.searchsorted(ladder.turns, _aims(first, int(ladder.turns[-1])))
    # All photos of the groups that are there already come with the last one.
    return np.unique(np.append(rungs, len(ladder.groups) - 1)).astype(np.int64)


def _aims(start: int, last: int) -> list[int]:
    """Return numbers from start to last, each a twentieth larger than the one before."""
    aims = [start]
    while aims[-1] < last:
        aims.append(min(last, max(aims[-1] + 1, int(aims[-1] * STEP))))
    return aims


def _fewest(risk: float, error: float) -> int:
    """Return how many groups without a mistake reject that the risk is larger."""
    return math.ceil(math.log(error) / math.log1p(-risk) - 1e-9)


def _needed(ladder: Ladder, risk: float, error: float | None) -> int | None:
    """Return how many groups like these would do, were mistakes as rare among more of them."""
    if not len(ladder.groups):
        return None
    last = int(ladder.groups[-1])
    rungs = _rungs(ladder, min(10, last))
    if error is not None:
        error /= len(_starts(last, risk, error))
    found = []
    for rung in rungs:
        accepted, bad = int(ladder.groups[rung]), int(ladder.bad_groups[rung])
        enough = _enough(bad / accepted, risk, error)
        if enough is not None:
            found.append(math.ceil(enough * last / accepted))
    return max(min(found), last + 1) if found else None


def _enough(rate: float, risk: float, error: float | None) -> int | None:
    """Return how many accepted groups with this rate of mistakes support the risk."""
    from scipy.stats import binom

    if rate >= risk:
        return None
    if error is None:
        return math.ceil((1 - risk) / (risk - rate))
    n = np.ceil(np.geomspace(_fewest(risk, error), MANY, 400))
    supported = np.flatnonzero(binom.cdf(np.ceil(rate * n), n, risk) <= error)
    return int(n[supported[0]]) if len(supported) else None
