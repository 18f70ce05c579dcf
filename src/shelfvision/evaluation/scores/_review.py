"""Coverage and accuracy of accepted predictions, in contrast to those sent to review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from shelfvision.evaluation.scores._intervals import Interval, accuracy_interval
from shelfvision.evaluation.scores._outcomes import Outcomes
from shelfvision.evaluation.scores._resampling import Bootstrap


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewScores:
    """Coverage, and the accuracy of accepted photos."""

    n_accepted: int
    """The number of accepted photos."""
    n_review: int
    """The number of photos sent to review, without those that could not be read."""
    coverage: float
    """The share of accepted photos."""
    accuracy: float | None
    """The accuracy of accepted photos; None if no photo was accepted."""
    accuracy_interval: Interval | None
    """The confidence interval of that accuracy."""
    review_accuracy: float
    """The accuracy of photos sent to review, if they were accepted."""


def review_of(outcomes: Outcomes, settings: Bootstrap) -> ReviewScores | None:
    """Return the summary, or None if every photo was accepted."""
    accepted = outcomes.accepted
    if accepted.all():
        return None
    some = outcomes.select(accepted)
    return ReviewScores(
        n_accepted=len(some),
        n_review=len(outcomes) - len(some),
        coverage=float(accepted.mean()),
        accuracy=float(some.correct.mean()) if len(some) else None,
        accuracy_interval=accuracy_interval(some, settings) if len(some) else None,
        review_accuracy=float(outcomes.correct[~accepted].mean()),
    )
