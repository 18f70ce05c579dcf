"""Scores made of true and predicted class numbers; scikit-learn does the arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScores:
    """How well one class is told from the others."""

    precision: float
    """The share of the photos predicted as this class that are of it; 0 if none was."""
    recall: float
    """The share of this class's photos that were predicted as it; 0 if there are none."""
    f1: float
    """The harmonic mean of precision and recall."""
    support: int
    """How many photos of this class were judged."""


class ReportDict(TypedDict):
    """A report in plain types that JSON knows."""

    n: int
    accuracy: float
    macro_f1: float
    baseline: float
    majority_class: str
    class_names: list[str]
    per_class: dict[str, dict[str, float | int]]
    confusion: list[list[int]]
    failed: list[dict[str, str]]


def plain_scores(scores: ClassScores) -> dict[str, float | int]:
    """Return scores in plain types."""
    return {
        "precision": scores.precision,
        "recall": scores.recall,
        "f1": scores.f1,
        "support": scores.support,
    }


def confusion_of(
    true: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], n_classes: int
) -> npt.NDArray[np.int64]:
    """Return counts of shape (k, k): a row for every true class, a column for every predicted."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(true, predicted, labels=np.arange(n_classes))
    return np.asarray(counts, dtype=np.int64)


def class_scores_of(
    true: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], n_classes: int
) -> list[ClassScores]:
    """Return the scores of every class; shares of nothing are 0."""
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(
        true, predicted, labels=np.arange(n_classes), zero_division=0.0
    )
    return [
        ClassScores(precision=precision, recall=recall, f1=f1, support=support)
        for precision, recall, f1, support in zip(*(c.tolist() for c in columns), strict=True)
    ]
