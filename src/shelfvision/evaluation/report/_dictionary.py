"""A report in plain types that JSON supports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, TypedDict, cast

from shelfvision.evaluation.scores._metrics import plain_scores

if TYPE_CHECKING:
    from shelfvision.evaluation.report._context import EvaluationContext
    from shelfvision.evaluation.report._report import EvaluationReport

TOP = (1, 3, 5)
"""The values of k of the top-k accuracies."""


class ReportDict(TypedDict):
    """A report in plain types that JSON supports."""

    n: int
    n_groups: int
    accuracy: float
    macro_f1: float
    intervals: dict[str, object]
    top_k: dict[str, float]
    baseline: float
    majority_class: str
    nearest_baseline: float | None
    class_names: list[str]
    per_class: dict[str, dict[str, float | int]]
    confusion: list[list[int]]
    most_confused: list[dict[str, object]]
    calibration_error: float
    reliability: list[dict[str, object]]
    review: dict[str, object] | None
    unknown: dict[str, object] | None
    slices: dict[str, dict[str, dict[str, object]]]
    data: dict[str, object] | None
    model: dict[str, object] | None
    leakage: dict[str, object] | None
    failed: list[dict[str, str]]


def report_dict(report: EvaluationReport) -> ReportDict:
    """Return every number of a report."""
    return {
        "n": report.n,
        "n_groups": report.n_groups,
        "accuracy": report.accuracy,
        "macro_f1": report.macro_f1,
        "intervals": _plain(report.intervals) or {},
        "top_k": top_k(report),
        "baseline": report.baseline,
        "majority_class": report.majority_class,
        "nearest_baseline": report.nearest_baseline,
        "class_names": list(report.class_names),
        "per_class": {name: plain_scores(scores) for name, scores in report.per_class.items()},
        "confusion": report.confusion.tolist(),
        "most_confused": [_plain(pair) or {} for pair in report.most_confused()],
        "calibration_error": report.calibration_error,
        "reliability": [_plain(part) or {} for part in report.reliability],
        "review": _plain(report.review),
        "unknown": _plain(report.unknown),
        "slices": {
            name: {value: _plain(scores) or {} for value, scores in parts.items()}
            for name, parts in report.slices.items()
        },
        "data": _plain(report.context.data),
        "model": _model(report.context),
        "leakage": _plain(report.leakage),
        "failed": [{"id": name, "error": reason} for name, reason in report.failed],
    }


def top_k(report: EvaluationReport) -> dict[str, float]:
    """Return the top-k accuracies, for each k below the number of classes."""
    return {str(k): report.top_k(k) for k in TOP if k == 1 or k < len(report.class_names)}


def _plain(value: object) -> dict[str, object] | None:
    """Return a dataclass in plain types, tuples as lists."""
    if value is None:
        return None
    plain = json.loads(json.dumps(asdict(value)))  # type: ignore[call-overload]  # a dataclass
    return cast("dict[str, object]", plain)


def _model(context: EvaluationContext) -> dict[str, object] | None:
    if context.model is None:
        return None
    model = context.model
    provenance: Mapping[str, object] = json.loads(json.dumps(dict(model.provenance), default=str))
    return {
        "kind": model.kind,
        "parameters": model.parameters,
        "calibration": model.calibration,
        "provenance": provenance,
    }
