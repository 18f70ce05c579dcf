"""Whether confidences can be believed: how often photos of each confidence are right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shelfvision.evaluation.scores._outcomes import Outcomes

N_BINS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """The photos whose confidence lies in one range."""

    low: float
    """Where the range begins; its beginning is not in it."""
    high: float
    """Where the range ends."""
    n: int
    """How many photos there are."""
    confidence: float
    """Their mean confidence."""
    accuracy: float
    """The share of them that are right; the same as the confidence if that can be believed."""


def reliability_of(outcomes: Outcomes, n_bins: int = N_BINS) -> tuple[ReliabilityBin, ...]:
    """Return the ranges that have photos, the least confident first."""
    from sklearn.calibration import calibration_curve

    # Probabilities of float32 may sum to a hair over 1.
    confidences = np.clip(outcomes.confidences, 0, 1)
    right, mean = calibration_curve(outcomes.correct.astype(int), confidences, n_bins=n_bins)
    edges = np.linspace(0, 1, n_bins + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], confidences), minlength=n_bins)
    return tuple(
        ReliabilityBin(
            low=float(edges[place]),
            high=float(edges[place + 1]),
            n=int(counts[place]),
            confidence=float(mean[at]),
            accuracy=float(right[at]),
        )
        for at, place in enumerate(np.flatnonzero(counts))
    )
