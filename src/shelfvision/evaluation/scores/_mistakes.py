"""Mistakes one by one, the most confident first: where wrong labels are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision._text import printable
from shelfvision.evaluation.scores._outcomes import Outcomes
from shelfvision.predictions import Predictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A photo that was taken for something else."""

    row: int
    """Its row in the predictions, and in the dataset that was evaluated."""
    id: str
    """Its name."""
    true: str
    """The class of its label."""
    predicted: str
    """The class that was predicted."""
    confidence: float
    """The probability of the predicted class, 0 to 1."""
    true_probability: float
    """The probability of the label's class."""

    def __str__(self) -> str:
        """Return the photo, its label and what was predicted, in one line."""
        return printable(
            f"{self.id}: labelled {self.true!r}, predicted {self.predicted!r} "
            f"({100 * self.confidence:.0f} %)"
        )


def wrong_rows(outcomes: Outcomes) -> npt.NDArray[np.int64]:
    """Return the rows of the predictions that are wrong, the most confident first."""
    wrong = ~outcomes.correct
    order = np.argsort(-outcomes.confidences[wrong], kind="stable")
    return outcomes.rows[wrong][order]


def mistakes_at(
    rows: Sequence[int], predictions: Predictions, labels: npt.NDArray[np.int64]
) -> tuple[Mistake, ...]:
    """Return the mistakes of some rows."""
    names = predictions.class_names
    return tuple(
        Mistake(
            row=row,
            id=predictions.ids[row],
            true=names[labels[row]],
            predicted=predictions.labels[row],
            confidence=float(predictions.confidences[row]),
            true_probability=float(predictions.probabilities[row, labels[row]]),
        )
        for row in rows
    )
