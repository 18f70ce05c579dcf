"""Make the profile of a classifier from its validation photos.

The network sees each photo once: its scores are kept for calibration and thresholds, and the
quality of at most 1,000 photos is measured on the same pixels. A new calibration or new thresholds
change confidence and coverage, so the profile is computed again from the scores that are kept. The
quality does not depend on them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shelfvision._photos.quality import quality_of
from shelfvision._validation import received
from shelfvision.data import Dataset
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.inference._decision_rule import DecisionRule
from shelfvision.inference._predicting import predict_photos
from shelfvision.inference.served import ServedModel, batches_of
from shelfvision.predictions import Predictions, Profile, ValidationScores
from shelfvision.predictions.columns import Integers, as_groups, winners_of
from shelfvision.predictions.profile import profile_of, quality_distributions
from shelfvision.predictions.validation_scores import sampled_groups

_MOST_MEASURED = 1_000
"""The largest number of photos whose quality is measured."""

Rows = npt.NDArray[np.float32]


def scores_and_profile(
    served: ServedModel, photos: Dataset, rule: DecisionRule
) -> tuple[ValidationScores, Profile]:
    """Return the scores of labelled photos, and their profile under a decision rule."""
    groups = as_groups(photos.groups, len(photos))
    chosen = sampled_groups(groups, _MOST_MEASURED)
    raw, quality = _read(served, photos, chosen)
    scores = ValidationScores.of(raw, photos.labels, photos.groups)
    profile = _profile(served.class_names, scores, rule)
    inside = as_groups(groups[chosen], len(chosen))
    return scores, replace(profile, quality=quality_distributions(quality, inside))


def profiled(
    rule: DecisionRule, class_names: tuple[str, ...], scores: ValidationScores | None
) -> DecisionRule:
    """Return a rule whose profile has the confidence and coverage of its settings.

    The quality stays. Without scores a profile cannot be computed, so the rule has none.
    """
    if scores is None or not len(scores):
        return replace(rule, profile=None)
    profile = _profile(class_names, scores, rule)
    if rule.profile is not None:
        profile = replace(profile, quality=rule.profile.quality)
    return replace(rule, profile=profile)


def with_profile(
    served: ServedModel, source: Dataset | Predictions | Profile | None
) -> ServedModel:
    """Return the served model with the profile of other photos, or without a profile."""
    if isinstance(source, Dataset):
        groups = source.groups
        source = predict_photos(served, source, quality=True)
        source = Profile.from_predictions(source, groups=groups)
    elif isinstance(source, Predictions):
        source = Profile.from_predictions(source)
    elif source is not None and not isinstance(source, Profile):
        raise InvalidParameterError(
            f"source must be a Dataset, Predictions or a Profile, got {received(source)}; pass "
            "photos like those in operation",
            code="wrong-type",
            parameter="source",
        )
    if source is not None and not set(source.class_counts) <= set(served.class_names):
        raise DataError(
            "source must be predictions of this classifier, got other classes; predict with it",
            code="unknown-class",
            parameter="source",
        )
    return replace(served, decision_rule=replace(served.decision_rule, profile=source))


def _read(served: ServedModel, photos: Dataset, chosen: Integers) -> tuple[Rows, dict[str, Rows]]:
    """Return the raw probabilities of all photos, and the quality of chosen photos."""
    rows, measured, start = [], [], 0
    for batch in batches_of(served, photos, "raise"):
        rows.append(served.network.probabilities(batch.images))
        inside = chosen[(chosen >= start) & (chosen < start + len(batch.images))] - start
        if len(inside):
            measured.append(quality_of(batch.images[inside]))
        start += len(batch.images)
    columns = {name: np.concatenate([part[name] for part in measured]) for name in measured[0]}
    return np.concatenate(rows), columns


def _profile(class_names: tuple[str, ...], scores: ValidationScores, rule: DecisionRule) -> Profile:
    probabilities = rule.calibrate(scores.probabilities)
    winners, confidences = winners_of(probabilities)
    thresholds = rule.thresholds
    return profile_of(
        class_names,
        winners,
        confidences.astype(np.float64),
        scores.groups.astype(np.int64),
        accepted=None
        if thresholds is None
        else np.asarray(thresholds.decide(probabilities) == "accept"),
    )
