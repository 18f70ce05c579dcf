"""Fit the calibration and the thresholds of a classifier on photos that it was not trained on.

Each function takes a `ServedModel` and returns a changed copy. It uses the photos of a dataset, or
the validation scores that the classifier keeps. Calibration comes first: thresholds apply to
calibrated probabilities, so a new calibration drops them. The profile of the classifier follows:
it describes the photos that the last step used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shelfvision._validation import counted, listed
from shelfvision._warnings import warn_caller
from shelfvision.data import Dataset
from shelfvision.data.aligning import aligned
from shelfvision.data.arguments import require_dataset
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from shelfvision.inference._decision_rule import DecisionRule
from shelfvision.inference.fitting._profiling import profiled, scores_and_profile
from shelfvision.inference.served import ServedModel
from shelfvision.predictions import (
    Calibration,
    CalibrationMethod,
    Profile,
    Thresholds,
    ValidationScores,
)


def with_validation(served: ServedModel, dataset: Dataset | ValidationScores | None) -> ServedModel:
    """Return the served model with the scores of other validation photos."""
    if isinstance(dataset, ValidationScores):
        _require_same_classes(dataset, served.class_names)
    elif dataset is not None:
        scores, profile = _scored(served, dataset)
        rule = replace(served.decision_rule, validation_scores=scores, profile=profile)
        return _with_rule(served, rule)
    rule = replace(served.decision_rule, validation_scores=dataset, profile=None)
    return _with_rule(served, profiled(rule, served.class_names, dataset))


def with_calibration(
    served: ServedModel, method: CalibrationMethod | None, dataset: Dataset | None
) -> ServedModel:
    """Return the served model with another calibration and without thresholds."""
    if method is None and dataset is not None:
        raise InvalidParameterError(
            "dataset must not be given with method=None, got a Dataset; leave one out",
            code="conflict",
            parameter="method",
        )
    calibration, scores = None, served.decision_rule.validation_scores
    profile = served.decision_rule.profile
    if method is not None:
        scores, profile = _scores_for("calibration", served, dataset)
        calibration = Calibration.fit(scores.probabilities, scores.labels, method=method)
    if served.decision_rule.thresholds is not None:
        warn_caller(
            ShelfVisionWarning(
                "the thresholds were chosen under another calibration and are dropped; call "
                "with_threshold again",
                code="thresholds-dropped",
            )
        )
    rule = replace(served.decision_rule, calibration=calibration, thresholds=None, profile=profile)
    return _with_rule(served, profiled(rule, served.class_names, scores))


def with_threshold(
    served: ServedModel,
    precision: float | None,
    *,
    dataset: Dataset | None,
    confidence_level: float | None,
    per_class: bool,
    mistake_cost: float | None,
    review_cost: float | None,
) -> ServedModel:
    """Return the served model with thresholds for a precision or costs, or without thresholds."""
    costs = mistake_cost is not None and review_cost is not None
    half = (mistake_cost is None) != (review_cost is None)
    if half or (costs and precision is not None):
        raise InvalidParameterError(
            "with_threshold takes a precision, or both mistake_cost and review_cost; give one "
            "or the other",
            code="conflict",
            parameter="precision",
        )
    if precision is None and not costs:
        return _with_rule(served, _without_thresholds(served.decision_rule))
    scores, profile = _scores_for("a threshold", served, dataset)
    rows = served.decision_rule.calibrate(scores.probabilities)
    if mistake_cost is not None and review_cost is not None:
        thresholds = Thresholds.for_cost(
            rows,
            scores.labels,
            scores.groups,
            mistake_cost=mistake_cost,
            review_cost=review_cost,
            per_class=per_class,
        )
    else:
        thresholds = Thresholds.for_precision(
            rows,
            scores.labels,
            scores.groups,
            precision=0.98 if precision is None else precision,
            confidence_level=confidence_level,
            per_class=per_class,
        )
        warn_of_too_few(thresholds, served.class_names)
    rule = replace(served.decision_rule, thresholds=thresholds, profile=profile)
    return _with_rule(served, profiled(rule, served.class_names, scores))


def _without_thresholds(rule: DecisionRule) -> DecisionRule:
    profile = None if rule.profile is None else rule.profile.without_coverage()
    return replace(rule, thresholds=None, profile=profile)


def _with_rule(served: ServedModel, rule: DecisionRule) -> ServedModel:
    return replace(served, decision_rule=rule)


def _require_same_classes(scores: ValidationScores, class_names: Sequence[str]) -> None:
    found, own = scores.probabilities.shape[1], len(class_names)
    if found != own:
        raise DataError(
            f"the validation scores are of {found} classes and the classifier has {own}; pass "
            "scores in the order of its class names",
            code="wrong-length",
            parameter="dataset",
        )


def _scores_for(
    what: str, served: ServedModel, dataset: Dataset | None
) -> tuple[ValidationScores, Profile | None]:
    """Return the scores and the profile of a dataset, or those that are kept.

    DataError is raised if there are none.
    """
    if dataset is not None:
        return _scored(served, dataset)
    kept = served.decision_rule.validation_scores
    if kept is None or not len(kept):
        raise DataError(
            f"{what} is learned from photos that the network was not trained on, and this "
            "classifier keeps no scores of such photos; pass dataset=, or train with a "
            "validation part",
            code="needs-labels",
            parameter="dataset",
        )
    return kept, served.decision_rule.profile


def _scored(served: ServedModel, dataset: Dataset) -> tuple[ValidationScores, Profile]:
    photos = _labelled(dataset, served.class_names)
    return scores_and_profile(served, photos, served.decision_rule)


def _labelled(dataset: object, class_names: tuple[str, ...]) -> Dataset:
    """Return a dataset with the class numbers of the classifier; classes can be empty."""
    photos = require_dataset("dataset", dataset)
    photos = aligned(photos, class_names, parameter="dataset", of="classifier")
    if not len(photos):
        raise DataError(
            "the dataset has no photos; give at least one", code="empty", parameter="dataset"
        )
    return photos


def warn_of_too_few(thresholds: Thresholds, class_names: Sequence[str]) -> None:
    """Warn if the photos do not support the precision, with the number of photos needed."""
    short = [place for place, value in enumerate(thresholds.values) if value is None]
    if not short or thresholds.precision is None:
        return
    share = f"{thresholds.precision:.4g}"
    fault = f"{_photos(thresholds)} do not support a precision of {share}{_surely(thresholds)}"
    if not thresholds.per_class:
        sentence = f"{fault}, so every photo goes to review, and {_remedy(thresholds.needed[0])}"
    else:
        names = listed(class_names[place] for place in short)
        sentence = (
            f"{fault} for {names}, so all predictions of {_these(short)} go to review: "
            f"{_remedy_of_classes(thresholds, short, class_names)}"
        )
    warn_caller(ShelfVisionWarning(sentence, code="too-few-photos"))


def _photos(thresholds: Thresholds) -> str:
    photos = counted(thresholds.n_photos, "photo")
    if thresholds.n_groups == thresholds.n_photos:
        return f"the {photos}"
    return f"the {photos} of {counted(thresholds.n_groups, 'group')}"


def _surely(thresholds: Thresholds) -> str:
    if thresholds.confidence_level is None:
        return " on average"
    return f" at a confidence level of {thresholds.confidence_level:.4g}"


def _these(classes: Sequence[int]) -> str:
    return "this class" if len(classes) == 1 else "these classes"


def _remedy(needed: int | None) -> str:
    if needed is None:
        return "more photos do not help, because mistakes are too many; request a lower precision"
    return (
        f"about {counted(needed, 'group')} would be sufficient if mistakes stay as rare; add "
        "photos, or request a lower precision"
    )


def _remedy_of_classes(
    thresholds: Thresholds, short: Sequence[int], class_names: Sequence[str]
) -> str:
    """Return the remedy for classes that lack photos, and for those that photos do not help."""
    lacking = [place for place in short if thresholds.needed[place] is not None]
    hopeless = [class_names[place] for place in short if thresholds.needed[place] is None]
    most = max((thresholds.needed[place] or 0 for place in lacking), default=0)
    parts = []
    if hopeless:
        have = "has" if len(hopeless) == 1 else "have"
        parts.append(f"{listed(hopeless)} {have} no predictions or too many mistakes")
    if lacking:
        names = listed(class_names[place] for place in lacking)
        parts.append(f"about {counted(most, 'group')} each would be sufficient for {names}")
    return f"{', and '.join(parts)}; add photos, or request a lower precision"
