"""Chooses from which confidence on a name is given: at the finest level that reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsFloat

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_number
from shelfvision.data import Dataset
from shelfvision.errors import InvalidParameterError
from shelfvision.inference import Classifier
from shelfvision.inference._trust import require_labelled
from shelfvision.predictions import Thresholds
from shelfvision.predictions.columns import Floats, Integers, as_groups
from shelfvision.predictions.threshold_search import Ladder, by_ladder
from shelfvision.taxonomy._rolling import summed

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """What is said of every photo on one level."""

    winners: Integers
    """The number of the most probable name, shape (n,)."""
    confidences: Floats
    """Its probability, never less than on a finer level; NaN of a photo that failed."""


def learned_from(
    classifier: Classifier, dataset: Dataset | None
) -> tuple[npt.NDArray[np.float32], Integers, Integers]:
    """Return what is said of photos that were not trained on, their classes and groups."""
    if dataset is not None:
        photos = require_labelled(dataset, classifier.class_names)
        groups = as_groups(photos.groups, len(photos))
        return classifier.predict_proba(photos), photos.labels, groups
    kept = classifier._trust.require_scores("a threshold")
    rows = classifier._trust.calibrated(kept.probabilities)
    return rows, kept.labels.astype(np.int64), kept.groups.astype(np.int64)


def limit_of(thresholds: Thresholds | SupportsFloat) -> float:
    """Return the confidence from which on a name is given; infinity gives none."""
    if not isinstance(thresholds, Thresholds):
        return as_number("thresholds", thresholds, minimum=0, maximum=1)
    if thresholds.per_class:
        raise InvalidParameterError(
            "an answer takes one threshold for all names, but these are one a class; choose them "
            "with thresholds_for(classifier, precision)",
            code="per-class",
            parameter="thresholds",
        )
    value = thresholds.values[0]
    return np.inf if value is None else value


def levels_of(rows: npt.NDArray[np.float32], steps: Sequence[tuple[Integers, int]]) -> list[Level]:
    """Return what rows of probabilities say on each level, finest first.

    A step holds the place that every column goes to on its level, and how many places there are.
    """
    found: list[Level] = []
    for places, n in steps:
        sums = np.minimum(summed(rows, places, n), 1)
        winners = np.nan_to_num(sums, nan=-1.0).argmax(axis=1).astype(np.int64)
        confidences = sums[np.arange(len(sums)), winners]
        if found:
            # Sums of many small numbers may round below one of them.
            confidences = np.maximum(confidences, found[-1].confidences)
        found.append(Level(winners=winners, confidences=confidences))
    return found


def finest(levels: Sequence[Level], limit: float) -> Integers:
    """Return the place of the finest level that reaches the limit for each photo; -1 for none."""
    place = np.full(len(levels[0].winners), -1, dtype=np.int64)
    for number, level in reversed(list(enumerate(levels))):
        place[level.confidences >= limit] = number
    return place


def chosen(
    levels: Sequence[Level],
    wrong: Sequence[Mask],
    groups: Integers,
    *,
    precision: float,
    confidence_level: float,
) -> Thresholds:
    """Return the smallest confidence under which enough groups have right names alone.

    One threshold serves all levels. As it falls, photos are first answered on the coarsest level,
    then on finer ones, where their answer may turn wrong; the tests of `Thresholds.for_precision`
    go down that one way.
    """
    ladder = _ladder(levels, wrong, groups)
    choice = by_ladder(ladder, precision=precision, confidence_level=confidence_level)
    return Thresholds(
        values=(choice.value,),
        precision=precision,
        confidence_level=confidence_level,
        n_photos=len(groups),
        n_groups=int(groups.max()) + 1,
        n_accepted=choice.n_accepted,
        n_mistakes=choice.n_mistakes,
        needed=(choice.needed,),
    )


def _ladder(levels: Sequence[Level], wrong: Sequence[Mask], groups: Integers) -> Ladder:
    """Return what answering with ever less confidence brings; ties come together."""
    # Of equal confidences the coarser comes first, so that a photo goes from coarse to fine.
    confidences = np.concatenate([level.confidences for level in reversed(levels)])
    turns = np.concatenate(list(reversed(wrong)))
    photos = np.tile(np.arange(len(groups)), len(levels))
    order = np.argsort(-confidences, kind="stable")
    values = confidences[order]
    ends = np.append(values[1:] < values[:-1], True)[: len(values)]
    columns = _followed(photos[order].tolist(), turns[order].tolist(), groups.tolist())
    answered, mistakes, n_groups, bad = (column[ends] for column in columns)
    return Ladder(
        values=values[ends],
        photos=answered,
        mistakes=mistakes,
        groups=n_groups,
        bad_groups=bad,
        turns=np.flatnonzero(ends) + 1,
    )


def _followed(
    photos: Sequence[int], turns: Sequence[bool], groups: Sequence[int]
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return after each event: photos answered, wrong ones, their groups, groups with a wrong."""
    state: dict[int, bool] = {}
    wrong_in: dict[int, int] = {}
    mistakes = bad = 0
    rows = np.empty((len(photos), 4), dtype=np.int64)
    for row, (photo, turn) in enumerate(zip(photos, turns, strict=True)):
        group, change = groups[photo], int(turn) - int(state.get(photo, False))
        before = wrong_in.get(group, 0)
        state[photo], wrong_in[group] = turn, before + change
        mistakes += change
        bad += int(before + change > 0) - int(before > 0)
        rows[row] = len(state), mistakes, len(wrong_in), bad
    return rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3]
