"""The verdict of the gate, with its reasons.

`promote` is a test of non-inferiority: the lower end of the interval of the difference must be
above minus the margin. That a difference is not significant does not show that the new classifier
is as good; with few photos, no difference is significant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from shelfvision._text import printable
from shelfvision._validation import counted
from shelfvision.evaluation.promoting._differences import (
    ACCURACY,
    SHARED,
    ClassDifference,
    ScoreDifference,
)

Verdict: TypeAlias = Literal["promote", "keep", "undecided"]
"""The verdict of a promotion gate."""

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a new classifier replaces the old one."""

    margin: float
    class_margin: float
    min_groups: int


def verdict_of(
    scores: Sequence[ScoreDifference],
    classes: Sequence[ClassDifference],
    n_groups: int,
    rules: Rules,
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict, and its reasons in one sentence each."""
    if n_groups < rules.min_groups:
        reason = (
            f"Not enough photos: {counted(n_groups, 'group')}, and the gate needs "
            f"{rules.min_groups}."
        )
        return "undecided", (reason,)
    gates = [one for one in scores if one.score in (ACCURACY, SHARED)]
    losses = [one for one in gates if one.interval[1] < 0 and one.interval[0] <= -rules.margin]
    worse = [one for one in classes if one.status == "worse"]
    if losses or worse:
        return "keep", (*map(_loss, losses), *_worse(worse))
    open_ = [one for one in gates if one.interval[0] <= -rules.margin]
    if open_:
        return "undecided", tuple(_open(one, n_groups, rules.margin) for one in open_)
    return "promote", tuple(_gain(one, rules.margin) for one in gates)


def _loss(one: ScoreDifference) -> str:
    return f"The {one.score} is lower by {-one.difference:.3f} (at least {-one.interval[1]:.3f})."


def _gain(one: ScoreDifference, margin: float) -> str:
    return (
        f"The {one.score} changes by {one.difference:+.3f}, and its lower limit "
        f"{one.interval[0]:+.3f} is above {-margin:+.3f}."
    )


def _worse(classes: Sequence[ClassDifference]) -> list[str]:
    ordered = sorted(classes, key=lambda one: one.difference)
    found = [
        f"Class {printable(one.name)!r} is worse: {one.old:.3f} to {one.new:.3f} "
        f"(adjusted p-value {one.adjusted_p_value:.2g})."
        for one in ordered[:_SHOWN]
    ]
    more = len(ordered) - _SHOWN
    return [*found, f"Worse, too: {counted(more, 'class')}."] if more > 0 else found


def _open(one: ScoreDifference, n_groups: int, margin: float) -> str:
    text = (
        f"The {one.score} changes by {one.difference:+.3f}, but its lower limit "
        f"{one.interval[0]:+.3f} is not above {-margin:+.3f}"
    )
    room = one.difference + margin
    if room <= 0:
        return f"{text}."
    # The width of an interval shrinks with the square root of the number of groups.
    wanted = n_groups * ((one.difference - one.interval[0]) / room) ** 2
    # Two digits are enough for an estimate.
    unit = 10 ** max(0, len(str(int(wanted))) - 2)
    return f"{text}; about {int(np.ceil(wanted / unit)) * unit:,} groups would suffice."
