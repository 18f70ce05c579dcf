"""Scores made of true and predicted class numbers; scikit-learn does the arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScores:
    """Precision, recall, F1 and support of one class."""

    precision: float
    """The share of correct predictions among photos predicted as this class; 0 without any."""
    recall: float
    """The share of this class's photos that were predicted as it; 0 without any."""
    f1: float
    """The harmonic mean of precision and recall."""
    support: int
    """The number of scored photos of this class."""
    predicted: int
    """The number of photos predicted as this class; without any, precision is undefined."""


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
    """Return the confusion matrix, shape (k, k), read-only, true classes in rows."""
    from sklearn.metrics import confusion_matrix

    matrix = confusion_matrix(true, predicted, labels=np.arange(n_classes))
    counts = np.asarray(matrix, dtype=np.int64)
    counts.flags.writeable = False
    return counts


def class_scores_of(
    true: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], n_classes: int
) -> list[ClassScores]:
    """Return the scores of every class; 0 if the denominator is zero."""
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(
        true, predicted, labels=np.arange(n_classes), zero_division=0.0
    )
    answers = np.bincount(predicted, minlength=n_classes)
    # scikit-learn counts in floats if no prediction is correct.
    return [
        ClassScores(
            precision=precision, recall=recall, f1=f1, support=int(support), predicted=count
        )
        for precision, recall, f1, support, count in zip(
            *(column.tolist() for column in (*columns, answers)), strict=True
        )
    ]


def macro_f1_of(true: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> float:
    """Return the mean F1 of the classes that have photos."""
    from sklearn.metrics import f1_score

    present = np.unique(true)
    return float(f1_score(true, predicted, labels=present, average="macro", zero_division=0.0))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusedPair:
    """A true class and the class that was predicted instead."""

    true: str
    """The true class."""
    predicted: str
    """The predicted class."""
    count: int
    """The number of photos."""
    share: float
    """The number divided by the number of photos of the true class."""


def confused_pairs(
    confusion: npt.NDArray[np.int64], class_names: tuple[str, ...], n: int
) -> tuple[ConfusedPair, ...]:
    """Return the pairs with the most photos, ties in the order of classes."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[: min(n, int((wrong > 0).sum()))]
    support = confusion.sum(axis=1)
    return tuple(
        ConfusedPair(
            true=class_names[row],
            predicted=class_names[column],
            count=int(wrong[row, column]),
            share=float(wrong[row, column] / support[row]),
        )
        for row, column in zip(*np.unravel_index(order, wrong.shape), strict=True)
    )
