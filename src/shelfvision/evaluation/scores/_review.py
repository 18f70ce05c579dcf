"""What accepting and reviewing comes to, where predictions were sorted into the two."""

from __future__ import annotations

from dataclasses import dataclass

from shelfvision.evaluation.scores._intervals import Interval, accuracy_interval
from shelfvision.evaluation.scores._outcomes import Outcomes
from shelfvision.evaluation.scores._resampling import Bootstrap


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewScores:
    """How many photos were accepted, and how good the accepted ones are."""

    n_accepted: int
    """How many photos were accepted."""
    n_review: int
    """How many were sent to review; photos that could not be read are not among them."""
    coverage: float
    """The share that was accepted."""
    accuracy: float | None
    """The accuracy of the accepted ones; None if there are none."""
    accuracy_interval: Interval | None
    """What it lies between."""
    review_accuracy: float
    """The share of those sent to review that would have been right."""


def review_of(outcomes: Outcomes, settings: Bootstrap) -> ReviewScores | None:
    """Return the summary, or None where every photo was accepted."""
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
