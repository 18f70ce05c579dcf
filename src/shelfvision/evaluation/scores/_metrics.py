"""Scores made of true and predicted class numbers; scikit-learn does the arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

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
    predicted: int
    """How many photos were predicted as this class; without any, precision has no meaning."""


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
    """Return counts, shape (k, k), read-only: a row for every true class."""
    from sklearn.metrics import confusion_matrix

    matrix = confusion_matrix(true, predicted, labels=np.arange(n_classes))
    counts = np.asarray(matrix, dtype=np.int64)
    counts.flags.writeable = False
    return counts


def class_scores_of(
    true: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], n_classes: int
) -> list[ClassScores]:
    """Return the scores of every class; shares of nothing are 0."""
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(
        true, predicted, labels=np.arange(n_classes), zero_division=0.0
    )
    answers = np.bincount(predicted, minlength=n_classes)
    # scikit-learn counts in floats where no photo was predicted rightly.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusedPair:
    """One class that was taken for another."""

    true: str
    """What the photos show."""
    predicted: str
    """What they were taken for."""
    count: int
    """How many photos."""
    share: float
    """The share of the true class's photos that these are."""


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
