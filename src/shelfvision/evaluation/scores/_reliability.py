"""Reliability diagram: accuracy for each range of confidence.

Of photos with a confidence of about 0.8, a calibrated classifier predicts 80 % correctly. The
range 0 to 1 is divided into 15 bins of equal width, as in Guo et al. 2017 (section 2: accuracy and
mean confidence of a bin); bins without photos are left out.

References
----------
M. DeGroot, S. Fienberg, "The comparison and evaluation of forecasters", The Statistician 32 (1983)
12-22. C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks",
ICML 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from shelfvision.evaluation.scores._outcomes import Outcomes

N_BINS = 15


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """A bin of the reliability diagram: the photos whose confidence is in one range."""

    low: float
    """The lower end of the range, exclusive."""
    high: float
    """The upper end of the range, inclusive."""
    n: int
    """The number of photos."""
    confidence: float
    """Their mean confidence."""
    accuracy: float
    """The share of correct predictions; equal to the confidence if it is calibrated."""


def reliability_of(outcomes: Outcomes, n_bins: int = N_BINS) -> tuple[ReliabilityBin, ...]:
    """Return the bins that have photos, the lowest confidence first."""
    from sklearn.calibration import calibration_curve

    # Probabilities of float32 may sum to slightly more than 1.
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
