"""Differences of scores between two classifiers on the same photos, with intervals.

Accuracy and coverage are shares of the same photos, so they are compared as paired shares
(`shelfvision.evaluation.scores._paired`). Precision of accepted photos, macro F1 and calibration
error are not; their intervals are percentiles of differences over the same resampled groups.

Classes with few photos can't show a significant difference, whatever the classifiers predict: with
:math:`g` groups, the smallest p-value is :math:`2^{1-g}`. Tarone (1990) leaves such classes out
before the correction for many classes, so that they do not weaken the tests of the others. Holm's
method then adjusts the p-values of the rest.

References
----------
R. Tarone, "A modified Bonferroni method for discrete data", Biometrics 46 (1990) 515-522. S. Holm,
"A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
(1979) 65-70.

Examples
--------
Two classes with 20 groups are tested, one with 4 groups is not:

>>> can_be_significant([20, 4, 20], alpha=0.05)
[True, False, True]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from shelfvision.evaluation.promoting._sides import Sides
from shelfvision.evaluation.scores._adjusting import holm
from shelfvision.evaluation.scores._intervals import Interval
from shelfvision.evaluation.scores._outcomes import Outcomes, group_numbers
from shelfvision.evaluation.scores._paired import PairedShare, paired_shares, widened_interval
from shelfvision.evaluation.scores._resampling import Bootstrap, draws_of, resampled_sums, share_of

Floats = npt.NDArray[np.float64]
ClassStatus: TypeAlias = Literal["better", "worse", "no difference", "not enough photos"]
"""The result for one class."""

ACCURACY: Final = "accuracy"
SHARED: Final = "accuracy, shared classes"
_N_BINS = 15
_TOLERANCE = 1e-6


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDifference:
    """One score of both classifiers, and its difference."""

    score: str
    """The name of the score, such as ``"accuracy"``."""
    old: float
    """The score of the old classifier, 0 to 1."""
    new: float
    """The score of the new classifier, 0 to 1."""
    difference: float
    """The score of the new classifier minus that of the old one."""
    interval: Interval
    """The confidence interval of the difference."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDifference:
    """The recall of one class for both classifiers, and its difference."""

    name: str
    """The name of the class."""
    status: ClassStatus
    """``"worse"`` and ``"better"`` are significant after the correction for the number of classes,
    and larger than the class margin; ``"not enough photos"`` means that no result could be."""
    n_photos: int
    """The number of photos of the class."""
    n_groups: int
    """The number of groups of these photos."""
    old: float
    """The share of these photos that the old classifier predicts correctly."""
    new: float
    """The share of these photos that the new classifier predicts correctly."""
    difference: float
    """The share of the new classifier minus that of the old one."""
    interval: Interval
    """The confidence interval of the difference, not corrected for the number of classes."""
    only_old: int
    """The number of photos on which only the old classifier is right."""
    only_new: int
    """The number of photos on which only the new classifier is right."""
    p_value: float
    """The probability of a difference at least this large if both are equally good."""
    adjusted_p_value: float | None
    """The p-value adjusted for the number of classes; None if there are not enough photos."""
    known_to: Literal["both", "old", "new"]
    """Which classifiers have the class. Its photos count as wrong for the other one."""


def accuracy_of(sides: Sides, settings: Bootstrap) -> PairedShare:
    """Return the accuracies on all photos."""
    return _share((sides.old, sides.new), settings)


def scores_of(
    sides: Sides, accuracy: PairedShare, settings: Bootstrap
) -> tuple[ScoreDifference, ...]:
    """Return the scores, the accuracy first; those that a side does not have are left out."""
    pair = sides.old, sides.new
    found = [_as_difference(ACCURACY, accuracy)]
    shared = sides.known_to_both
    if shared.any() and not shared.all():
        part = sides.old.select(shared), sides.new.select(shared)
        found.append(_as_difference(SHARED, _share(part, settings)))
    found.append(_macro_f1(pair, settings))
    if any(sides.have_thresholds):
        found.append(_as_difference("coverage", _share(pair, settings, accepted=True)))
        found += _precision(pair, settings)
    found.append(_calibration(pair, settings))
    return tuple(found)


def _share(
    pair: tuple[Outcomes, Outcomes], settings: Bootstrap, *, accepted: bool = False
) -> PairedShare:
    first, second = ((one.accepted if accepted else one.correct) for one in pair)
    everything = np.zeros(len(first), dtype=np.int64)
    return paired_shares((first, second), pair[0].groups, everything, 1, settings)[0]


def _as_difference(score: str, share: PairedShare) -> ScoreDifference:
    old, new = share.shares
    return ScoreDifference(
        score=score, old=old, new=new, difference=share.difference, interval=share.interval
    )


def _macro_f1(pair: tuple[Outcomes, Outcomes], settings: Bootstrap) -> ScoreDifference:
    values = [one.macro_f1 for one in pair]
    draws = [draws_of(one, settings).macro_f1 for one in pair]
    return _resampled("macro F1", values, draws, pair[0].n_groups, settings)


def _precision(pair: tuple[Outcomes, Outcomes], settings: Bootstrap) -> list[ScoreDifference]:
    """Return the accuracy of accepted photos; nothing if a classifier accepts none."""
    if not all(one.accepted.any() for one in pair):
        return []
    values, draws = [], []
    for one in pair:
        among = one.accepted
        right = one.correct[among]
        columns = np.concatenate((np.zeros(right.sum()), np.ones(among.sum()))).astype(np.int64)
        groups = np.concatenate((one.groups[among][right], one.groups[among]))
        sums = resampled_sums(groups, columns, (one.n_groups, 2), settings)
        values.append(float(right.mean()))
        draws.append(share_of(sums[:, 0], sums[:, 1]))
    return [_resampled("precision of accepted", values, draws, pair[0].n_groups, settings)]


def _calibration(pair: tuple[Outcomes, Outcomes], settings: Bootstrap) -> ScoreDifference:
    """Return the expected calibration errors, with bins as `expected_calibration_error` has."""
    values, draws = [], []
    for one in pair:
        bins = np.ceil(one.confidences * _N_BINS - _TOLERANCE).astype(np.int64) - 1
        bins = np.clip(bins, 0, _N_BINS - 1)
        surplus = one.confidences - one.correct
        gaps = np.abs(np.bincount(bins, weights=surplus, minlength=_N_BINS))
        values.append(float(gaps.sum() / len(one)))
        columns = np.concatenate((bins, np.full(len(one), _N_BINS)))
        weights = np.concatenate((surplus, np.ones(len(one))))
        groups = np.concatenate((one.groups, one.groups))
        sums = resampled_sums(groups, columns, (one.n_groups, _N_BINS + 1), settings, weights)
        draws.append(share_of(np.abs(sums[:, :_N_BINS]).sum(axis=1), sums[:, _N_BINS]))
    return _resampled("calibration error (ECE)", values, draws, pair[0].n_groups, settings)


def _resampled(
    score: str, values: list[float], draws: list[Floats], n_groups: int, settings: Bootstrap
) -> ScoreDifference:
    old, new = values
    interval = widened_interval(
        draws[1] - draws[0],
        new - old,
        n_groups=n_groups,
        confidence_level=settings.confidence_level,
    )
    return ScoreDifference(score=score, old=old, new=new, difference=new - old, interval=interval)


def classes_of(
    sides: Sides, settings: Bootstrap, *, class_margin: float
) -> tuple[ClassDifference, ...]:
    """Return the classes that have photos, in the order of `Sides.class_names`."""
    pair = sides.old.correct, sides.new.correct
    shares = paired_shares(
        pair, group_numbers(sides.old.groups), sides.old.true, len(sides.class_names), settings
    )
    found = [_class(sides, number, share) for number, share in shares.items()]
    return _judged(found, alpha=1 - settings.confidence_level, class_margin=class_margin)


def _class(sides: Sides, number: int, share: PairedShare) -> ClassDifference:
    name = sides.class_names[number]
    return ClassDifference(
        name=name,
        status="not enough photos",
        n_photos=share.n,
        n_groups=share.n_groups,
        old=share.shares[0],
        new=share.shares[1],
        difference=share.difference,
        interval=share.interval,
        only_old=share.only_first,
        only_new=share.only_second,
        p_value=share.p_value,
        adjusted_p_value=None,
        known_to="old" if name in sides.only_old else "new" if name in sides.only_new else "both",
    )


def _judged(
    found: Sequence[ClassDifference], *, alpha: float, class_margin: float
) -> tuple[ClassDifference, ...]:
    """Return the classes with adjusted p-values and their status."""
    tested = can_be_significant([one.n_groups for one in found], alpha=alpha)
    adjusted = iter(holm([one.p_value for one, is_in in zip(found, tested, strict=True) if is_in]))
    judged = []
    for one, is_in in zip(found, tested, strict=True):
        if not is_in:
            judged.append(one)
            continue
        p_value = float(next(adjusted))
        status: ClassStatus = "no difference"
        if p_value <= alpha and abs(one.difference) > class_margin:
            status = "worse" if one.difference < 0 else "better"
        judged.append(replace(one, adjusted_p_value=p_value, status=status))
    return tuple(judged)


def can_be_significant(n_groups: Sequence[int], *, alpha: float) -> list[bool]:
    """Return which classes have enough groups to become significant after the correction."""
    smallest = np.ldexp(1.0, 1 - np.asarray(n_groups, dtype=np.int64))
    for k in range(1, len(n_groups) + 1):
        chosen = smallest * k <= alpha
        if chosen.sum() <= k:
            return [bool(one) for one in chosen]
    return [False] * len(n_groups)
