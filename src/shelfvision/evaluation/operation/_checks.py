"""Check each slice of the photos against the profile, and adjust the p-values of all checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, final, get_args

import numpy as np
import numpy.typing as npt

from shelfvision._photos.quality import QUALITY
from shelfvision.evaluation.operation._incoming import Incoming
from shelfvision.evaluation.operation._tests import (
    CHI_SQUARE,
    FISHER,
    KOLMOGOROV_SMIRNOV,
    Tested,
    classes_test,
    distribution_test,
    shares_test,
)
from shelfvision.evaluation.scores._adjusting import benjamini_hochberg, holm
from shelfvision.predictions import Distribution, Profile
from shelfvision.predictions.profile.design_effects import (
    classes_design_effect,
    share_design_effect,
    values_design_effect,
)

Measure: TypeAlias = Literal[
    "brightness",
    "contrast",
    "sharpness",
    "warmth",
    "confidence",
    "coverage",
    "classes",
    "unreadable",
]
"""What is compared with the profile."""
MEASURES: Final = get_args(Measure)
Status: TypeAlias = Literal["drift", "no drift", "not enough photos"]
"""The result of a check."""
Correction: TypeAlias = Literal["holm", "benjamini-hochberg"]
"""How p-values are adjusted for many checks."""

MIN_EFFECTS: Final[Mapping[str, float]] = {
    **dict.fromkeys((*QUALITY, "confidence", "classes"), 0.1),
    "coverage": 0.05,
    "unreadable": 0.02,
}
"""The smallest effect that is drift, as a share of photos."""

_ADJUST: Mapping[str, Callable[[Sequence[float]], npt.NDArray[np.float64]]] = {
    "holm": holm,
    "benjamini-hochberg": benjamini_hochberg,
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DriftCheck:
    """One measure of one slice of the photos, compared with the profile."""

    slice: tuple[str, ...]
    """The values of the `by` columns; empty for all photos."""
    measure: Measure
    """What is compared, such as ``"brightness"``."""
    status: Status
    """``"drift"``, ``"no drift"`` or ``"not enough photos"``."""
    n_photos: int
    """The number of photos of the slice, without those that lack the measure."""
    n_effective: float
    """The number of independent photos that these are worth: `n_photos` by the design effect."""
    expected: float | None
    """The value of the profile: a median, or a share of photos; None for classes."""
    observed: float | None
    """The value of these photos; None for classes."""
    effect: float | None
    """The size of the difference as a share of photos, 0 to 1; None if there are not enough."""
    min_effect: float
    """The smallest effect that is drift."""
    p_value: float | None
    """The probability of at least this difference without drift; None if there are not enough."""
    adjusted_p_value: float | None
    """The p-value, adjusted for the number of checks."""
    test: str
    """The name of the test."""
    detail: str
    """For classes, the three largest changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a check is drift."""

    measures: tuple[Measure, ...]
    alpha: float
    min_effects: Mapping[str, float]
    min_photos: int
    correction: Correction


def checks_of(incoming: Incoming, profile: Profile, rules: Rules) -> tuple[DriftCheck, ...]:
    """Return the checks of all photos, then those of each slice."""
    found = list(_slice_checks((), np.arange(len(incoming)), incoming, profile, rules))
    order = np.argsort(incoming.slices, kind="stable")
    starts = np.searchsorted(incoming.slices[order], np.arange(len(incoming.slice_values) + 1))
    for number, values in enumerate(incoming.slice_values):
        rows = order[starts[number] : starts[number + 1]]
        found += _slice_checks(values, rows, incoming, profile, rules)
    return _judged(found, rules)


def _judged(found: Sequence[DriftCheck], rules: Rules) -> tuple[DriftCheck, ...]:
    """Return the checks with adjusted p-values and their status."""
    p_values = [one.p_value for one in found if one.p_value is not None]
    adjusted = iter(_ADJUST[rules.correction](p_values).tolist())
    judged = []
    for one in found:
        if one.p_value is None or one.effect is None:
            judged.append(one)
            continue
        p_value = next(adjusted)
        drifts = p_value <= rules.alpha and one.effect >= one.min_effect
        judged.append(
            replace(one, adjusted_p_value=p_value, status="drift" if drifts else "no drift")
        )
    return tuple(judged)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Slice:
    """The photos of a slice."""

    values: tuple[str, ...]
    rows: npt.NDArray[np.intp]
    incoming: Incoming
    profile: Profile
    rules: Rules

    def groups(self, among: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64] | None:
        """Return the groups of some photos, numbered from 0; None if they are unknown."""
        groups = self.incoming.groups
        if groups is None:
            return None
        return np.unique(groups[self.rows[among]], return_inverse=True)[1].reshape(-1)

    def is_enough(self, photos: int, groups: npt.NDArray[np.int64] | None) -> bool:
        """Return whether both sides have enough groups; unknown groups are like the profile's."""
        profile = self.profile
        if groups is None:
            n = int(photos * profile.n_groups / profile.n_photos)
        else:
            n = int(groups.max()) + 1 if len(groups) else 0
        return min(n, profile.n_groups) >= self.rules.min_photos


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sides:
    """A measure of a slice and of the profile, and the test that compares them."""

    measure: Measure
    n_photos: int
    groups: npt.NDArray[np.int64] | None
    design_effect: float
    expected: float | None
    observed: float | None
    test: str
    tested: Callable[[], Tested | None]


def _check(part: _Slice, sides: _Sides) -> DriftCheck:
    """Return one check; the test is only computed if there are enough photos on both sides."""
    enough = part.is_enough(sides.n_photos, sides.groups)
    found = sides.tested() if enough else None
    return DriftCheck(
        slice=part.values,
        measure=sides.measure,
        status="not enough photos",
        n_photos=sides.n_photos,
        n_effective=sides.n_photos / sides.design_effect,
        expected=sides.expected,
        observed=sides.observed,
        effect=None if found is None else found.effect,
        min_effect=part.rules.min_effects[sides.measure],
        p_value=None if found is None else found.p_value,
        adjusted_p_value=None,
        test=sides.test,
        detail="" if found is None else found.detail,
    )


def _slice_checks(
    values: tuple[str, ...],
    rows: npt.NDArray[np.intp],
    incoming: Incoming,
    profile: Profile,
    rules: Rules,
) -> Iterator[DriftCheck]:
    part = _Slice(values=values, rows=rows, incoming=incoming, profile=profile, rules=rules)
    for measure in rules.measures:
        sides = _sides_of(part, measure)
        if sides is not None:
            yield _check(part, sides)


def _sides_of(part: _Slice, measure: Measure) -> _Sides | None:
    """Return both sides of a measure; None if one side lacks it."""
    profile, incoming = part.profile, part.incoming
    if measure == "confidence":
        return _of_values(part, measure, profile.confidence, incoming.confidences)
    if measure == "coverage":
        if profile.n_accepted is None or incoming.accepted is None:
            return None
        return _of_coverage(part, profile.n_accepted, incoming.accepted)
    if measure == "classes":
        return _of_classes(part)
    if measure == "unreadable":
        return _of_unreadable(part)
    known, column = profile.quality.get(measure), incoming.quality.get(measure)
    return None if known is None or column is None else _of_values(part, measure, known, column)


def _of_values(
    part: _Slice, measure: Measure, known: Distribution, column: npt.NDArray[np.float64]
) -> _Sides:
    among = part.incoming.readable[part.rows] & np.isfinite(column[part.rows])
    values, groups = column[part.rows[among]], part.groups(among)
    effect = known.design_effect if groups is None else values_design_effect(values, groups)
    return _Sides(
        measure=measure,
        n_photos=len(values),
        groups=groups,
        design_effect=effect,
        expected=known.median,
        observed=float(np.median(values)) if len(values) else None,
        test=KOLMOGOROV_SMIRNOV,
        tested=lambda: distribution_test(known, values, effect),
    )


def _of_coverage(part: _Slice, known: int, accepted: npt.NDArray[np.bool_]) -> _Sides:
    among, profile = part.incoming.readable[part.rows], part.profile
    members, groups = accepted[part.rows[among]], part.groups(among)
    there = profile.coverage_design_effect
    here = there if groups is None else share_design_effect(members, groups)
    n = len(members)
    return _Sides(
        measure="coverage",
        n_photos=n,
        groups=groups,
        design_effect=here,
        expected=profile.coverage,
        observed=float(members.mean()) if n else None,
        test=FISHER,
        tested=lambda: shares_test((known, profile.n_photos, there), (int(members.sum()), n, here)),
    )


def _of_classes(part: _Slice) -> _Sides:
    among, profile = part.incoming.readable[part.rows], part.profile
    labels, groups = part.incoming.labels[part.rows[among]], part.groups(among)
    there = here = profile.class_design_effect
    if groups is not None:
        numbers = np.unique(labels.astype(str), return_inverse=True)[1].reshape(-1)
        here = classes_design_effect(numbers, groups)
    return _Sides(
        measure="classes",
        n_photos=len(labels),
        groups=groups,
        design_effect=here,
        expected=None,
        observed=None,
        test=CHI_SQUARE,
        tested=lambda: classes_test(profile.class_counts, Counter(labels.tolist()), (there, here)),
    )


def _of_unreadable(part: _Slice) -> _Sides:
    failed, n = ~part.incoming.readable[part.rows], len(part.rows)
    groups = part.groups(np.ones(n, dtype=np.bool_))
    # A profile has no design effect of unreadable photos: the largest is that of whole bursts.
    whole = part.profile.n_photos / part.profile.n_groups
    effect = whole if groups is None else share_design_effect(failed, groups)
    bad, known = part.profile.n_unreadable, part.profile.n_photos + part.profile.n_unreadable
    return _Sides(
        measure="unreadable",
        n_photos=n,
        groups=groups,
        design_effect=effect,
        expected=bad / known,
        observed=float(failed.mean()),
        test=FISHER,
        tested=lambda: shares_test(
            (bad, known, 1.0), (int(failed.sum()), n, effect), only_more=True
        ),
    )
