"""`DecisionRule`: the calibration and the thresholds of a classifier.

Raw probabilities are first calibrated, then compared with the thresholds. The rule also keeps the
validation scores, so that both can be fitted again later without the photos.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.predictions import Calibration, Profile, Thresholds, ValidationScores

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecisionRule:
    """The calibration and the thresholds of a classifier, with the scores to fit them on."""

    validation_scores: ValidationScores | None = None
    """The uncalibrated probabilities for validation photos; None if none are kept."""
    calibration: Calibration | None = None
    """The calibration; None returns probabilities unchanged."""
    thresholds: Thresholds | None = None
    """The lowest confidence of accepted predictions; None makes no decisions."""
    profile: Profile | None = None
    """How the validation photos and their predictions look; None without a profile."""

    def calibrate(self, raw: Rows) -> Rows:
        """Return the calibrated probabilities for raw probabilities, shape (n, k)."""
        return raw if self.calibration is None else self.calibration.apply(raw)
