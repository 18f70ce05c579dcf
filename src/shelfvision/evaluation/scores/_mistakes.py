"""Single mistakes, the most confident first, which are often wrong labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from shelfvision._text import printable
from shelfvision.evaluation.scores._outcomes import Outcomes
from shelfvision.predictions import Predictions


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A photo with a wrong prediction."""

    row: int
    """The row in the predictions and in the evaluated dataset."""
    id: str
    """The id of the photo."""
    true: str
    """The true class, from the label."""
    predicted: str
    """The predicted class."""
    confidence: float
    """The probability of the predicted class, 0 to 1."""
    true_probability: float
    """The probability of the true class."""

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
