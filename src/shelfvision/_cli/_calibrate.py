"""``calibrate``: fit calibration and thresholds to validation photos, and write a new bundle."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from shelfvision._cli._photos import is_bundle, labelled_photos, require_place
from shelfvision._cli._say import complain, say, say_json
from shelfvision._validation import counted
from shelfvision.errors import InvalidParameterError
from shelfvision.inference import Classifier
from shelfvision.predictions import (
    Calibration,
    Thresholds,
    ValidationScores,
    cross_validated_calibration_error,
    expected_calibration_error,
)

_FOLDS = 5


def run(chosen: argparse.Namespace) -> int:
    """Fit, save and print the calibration error before and after."""
    _require_arguments(chosen)
    classifier = Classifier.load(chosen.file, expected_sha256=chosen.sha256)
    photos = labelled_photos(chosen, classifier)
    if not chosen.group_column:
        complain(f"searching {counted(len(photos), 'photo')} for near-duplicates and bursts")
        photos = photos.group_near_duplicates().group_bursts()
    scored = classifier.with_validation(photos)
    made, summary = _calibrated(scored, chosen)
    digest = made.save(chosen.output)
    _report(summary | {"output": chosen.output, "sha256": digest}, as_json=chosen.json)
    return 0


def _require_arguments(chosen: argparse.Namespace) -> None:
    """Raise for arguments that cannot be used, before photos are read."""
    require_place(chosen.output, "--output")
    if not is_bundle(chosen.file):
        raise InvalidParameterError(
            f"FILE must be a bundle (.shelf), got {chosen.file!r}; calibrate the bundle, then "
            "export it again",
            code="wrong-type",
            parameter="FILE",
        )
    costs = (chosen.mistake_cost, chosen.review_cost)
    if (None in costs and any(cost is not None for cost in costs)) or (
        chosen.precision is not None and costs != (None, None)
    ):
        raise InvalidParameterError(
            "thresholds need either --precision or both --mistake-cost and --review-cost; give one "
            "or the other",
            code="conflict",
            parameter="--precision",
        )


def _calibrated(
    scored: Classifier, chosen: argparse.Namespace
) -> tuple[Classifier, dict[str, object]]:
    """Return the new classifier, and its figures for the output."""
    scores = scored.validation_scores
    if scores is None:  # pragma: no cover  (with_validation keeps scores)
        raise AssertionError
    summary: dict[str, object] = {
        "n_photos": len(scores),
        "n_groups": scores.n_groups,
        "ece_before": _error(scored.calibration, scores),
    }
    made = scored
    if chosen.method != "none":
        made = scored.with_threshold() if _wants_thresholds(chosen) else scored
        made = made.with_calibration(chosen.method)
        if scores.n_groups >= _FOLDS:
            summary["ece_after"] = cross_validated_calibration_error(
                scores, method=chosen.method, n_folds=_FOLDS
            )
    if _wants_thresholds(chosen):
        made = made.with_threshold(
            chosen.precision,
            per_class=chosen.per_class,
            mistake_cost=chosen.mistake_cost,
            review_cost=chosen.review_cost,
        )
    method = None if made.calibration is None else made.calibration.method
    thresholds = None if made.thresholds is None else _plain(made.thresholds)
    return made, {**summary, "method": method, "thresholds": thresholds}


def _wants_thresholds(chosen: argparse.Namespace) -> bool:
    return chosen.precision is not None or chosen.mistake_cost is not None


def _error(calibration: Calibration | None, scores: ValidationScores) -> float:
    rows = scores.probabilities
    if calibration is not None:
        rows = calibration.apply(rows)
    return float(expected_calibration_error(rows, scores.labels))


def _plain(thresholds: Thresholds) -> dict[str, object]:
    names = ("values", "n_photos", "n_accepted", "n_mistakes")
    plain = thresholds.to_dict()
    return {name: plain[name] for name in names}


def _report(summary: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        say_json(dict(summary))
        return
    method, after = summary["method"] or "no", summary.get("ece_after")
    say(
        f"{method} calibration, on {counted(_int(summary['n_photos']), 'photo')} of "
        f"{counted(_int(summary['n_groups']), 'group')}"
    )
    say(f"expected calibration error before  {summary['ece_before']:.3f}")
    if after is not None:
        say(
            f"expected calibration error after   {after:.3f}  (cross-validated over {_FOLDS} folds)"
        )
    thresholds = summary["thresholds"]
    if isinstance(thresholds, Mapping):
        values = ", ".join("none" if one is None else f"{one:.3f}" for one in thresholds["values"])
        say(
            f"threshold {values}: {thresholds['n_accepted']} of {thresholds['n_photos']} photos "
            f"accepted, {counted(thresholds['n_mistakes'], 'mistake')}"
        )
    say(f"saved {summary['output']!r}, SHA-256 {summary['sha256']}")


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
