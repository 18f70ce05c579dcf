"""`DecisionRule`: how a classifier calibrates its probabilities and decides by them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shelfvision.predictions import Calibration, Thresholds, ValidationScores

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecisionRule:
    """How a classifier calibrates its probabilities and decides by them."""

    validation_scores: ValidationScores | None = None
    """The uncalibrated probabilities of validation photos, which both others are fitted on."""
    calibration: Calibration | None = None
    """What calibrates probabilities; None leaves them as they are."""
    thresholds: Thresholds | None = None
    """From which confidence on a prediction is accepted; None decides nothing."""

    def calibrate(self, raw: Rows) -> Rows:
        """Return calibrated probabilities."""
        return raw if self.calibration is None else self.calibration.apply(raw)
