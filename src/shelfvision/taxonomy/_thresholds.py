"""Chooses one threshold for all levels that guarantees a precision of the answers.

As the threshold falls, a photo is first answered on the coarsest level, then on finer levels, where
its answer may become wrong. Coarser answers at low confidence follow Deng, Krause, Berg and
Fei-Fei, "Hedging your bets", CVPR 2012. Example: a photo of Oatly has the probabilities Oatly 0.4,
Arla 0.5, and so Dairy 0.9. At thresholds up to 0.9 the answer is "Dairy", correct; at thresholds up
to 0.5 it is "Arla", wrong. Each such change is one step of the risk-coverage curve that the tests
of `Thresholds.for_precision` follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import SupportsFloat

import numpy as np
import numpy.typing as npt

from shelfvision._validation import as_number, counted
from shelfvision._warnings import warn_caller
from shelfvision.data import Dataset
from shelfvision.data.aligning import aligned
from shelfvision.data.arguments import require_dataset
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from shelfvision.inference import Classifier
from shelfvision.predictions import Thresholds
from shelfvision.predictions.columns import Integers, as_groups
from shelfvision.predictions.threshold_search import RiskCoverage, by_risk_coverage
from shelfvision.taxonomy._hierarchy import (
    Columns,
    Paths,
    columns_of_levels,
    finest_level,
)
from shelfvision.taxonomy._levels import LevelWinners, winners_of_levels

Mask = npt.NDArray[np.bool_]


def choose_thresholds(
    levels: tuple[str, ...],
    paths: Paths,
    classifier: Classifier,
    dataset: Dataset | None,
    *,
    precision: SupportsFloat,
    confidence_level: SupportsFloat,
) -> Thresholds:
    """Return the threshold for a classifier; warn if the photos do not support the precision."""
    share = as_number("precision", precision, minimum=0, maximum=1, exclusive=True)
    probable = as_number("confidence_level", confidence_level, minimum=0, maximum=1, exclusive=True)
    rows, labels, groups = _held_out(classifier, dataset)
    low = finest_level(levels, paths, classifier.class_names)
    columns = columns_of_levels(paths, classifier.class_names, low)
    found = thresholds_of_levels(
        rows, labels, groups, columns, precision=share, confidence_level=probable
    )
    _warn_of_too_few(found)
    return found


def thresholds_of_levels(
    rows: npt.NDArray[np.float32],
    labels: Integers,
    groups: Integers,
    levels: Sequence[Columns],
    *,
    precision: float,
    confidence_level: float,
) -> Thresholds:
    """Return the threshold, given the probabilities, classes and groups of photos."""
    winners = winners_of_levels(rows, levels)
    wrong: list[Mask] = [
        level.names != numbers[labels] for level, (numbers, _) in zip(winners, levels, strict=True)
    ]
    choice = by_risk_coverage(
        _risk_coverage(winners, wrong, groups),
        precision=precision,
        confidence_level=confidence_level,
    )
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


def _held_out(
    classifier: Classifier, dataset: Dataset | None
) -> tuple[npt.NDArray[np.float32], Integers, Integers]:
    """Return probabilities, classes and groups of photos outside the training set."""
    if dataset is not None:
        photos = require_dataset("dataset", dataset)
        photos = aligned(photos, classifier.class_names, parameter="dataset", of="classifier")
        if not len(photos):
            raise DataError(
                "the dataset has no photos; give at least one", code="empty", parameter="dataset"
            )
        groups = as_groups(photos.groups, len(photos))
        return classifier.predict_proba(photos), photos.labels, groups
    kept = classifier.validation_scores
    if kept is None or not len(kept):
        raise DataError(
            "classifier must have scores of photos that the network was not trained on, got none; "
            "pass dataset=, or train with a validation set",
            code="needs-labels",
            parameter="dataset",
        )
    rows = kept.probabilities
    if classifier.calibration is not None:
        rows = classifier.calibration.apply(rows)
    return rows, kept.labels.astype(np.int64), kept.groups.astype(np.int64)


def _warn_of_too_few(thresholds: Thresholds) -> None:
    """Warn if the photos do not support the precision on any level."""
    if thresholds.values[0] is not None:
        return
    more = thresholds.needed[0]
    remedy = "ask for less" if more is None else f"about {more} groups would do"
    warn_caller(
        ShelfVisionWarning(
            f"the {counted(thresholds.n_groups, 'group')} of photos do not support a precision "
            f"of {thresholds.precision:.4g} on any level, so every photo goes to review; {remedy}",
            code="too-few-photos",
            parameter="precision",
        )
    )


def confidence_limit(thresholds: Thresholds | SupportsFloat) -> float:
    """Return the minimum confidence of an answer; infinity if no photo is answered."""
    if not isinstance(thresholds, Thresholds):
        return as_number("thresholds", thresholds, minimum=0, maximum=1)
    if thresholds.per_class:
        raise InvalidParameterError(
            "thresholds must have one threshold for all names, got one for each class; choose them "
            "with taxonomy.thresholds_for(classifier, precision)",
            code="per-class",
            parameter="thresholds",
        )
    value = thresholds.values[0]
    return np.inf if value is None else value


def _risk_coverage(
    levels: Sequence[LevelWinners], wrong: Sequence[Mask], groups: Integers
) -> RiskCoverage:
    """Return the risk-coverage curve for falling confidence; ties are one step."""
    # At equal confidence the coarser level is first, so that answers go from coarse to fine.
    confidences = np.concatenate([level.confidences for level in reversed(levels)])
    turns = np.concatenate(list(reversed(wrong)))
    photos = np.tile(np.arange(len(groups)), len(levels))
    order = np.argsort(-confidences, kind="stable")
    values = confidences[order]
    ends = np.append(values[1:] < values[:-1], True)[: len(values)]
    columns = _counts_after_events(photos[order].tolist(), turns[order].tolist(), groups.tolist())
    answered, mistakes, n_groups, bad = (column[ends] for column in columns)
    return RiskCoverage(
        values=values[ends],
        photos=answered,
        mistakes=mistakes,
        groups=n_groups,
        bad_groups=bad,
        steps=np.flatnonzero(ends) + 1,
    )


def _counts_after_events(
    photos: Sequence[int], turns: Sequence[bool], groups: Sequence[int]
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return counts after each event: answered and wrong photos, answered and wrong groups."""
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
