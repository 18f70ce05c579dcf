"""What a classifier says about photos."""

from shelfvision.predictions._calibration import (
    Calibration,
    CalibrationMethod,
    expected_calibration_error,
)
from shelfvision.predictions._prediction import Decision, Prediction
from shelfvision.predictions._predictions import Predictions
from shelfvision.predictions._thresholds import Thresholds
from shelfvision.predictions.class_prior import ClassPrior
from shelfvision.predictions.validation_scores import ValidationScores

__all__ = [
    "Calibration",
    "CalibrationMethod",
    "ClassPrior",
    "Decision",
    "Prediction",
    "Predictions",
    "Thresholds",
    "ValidationScores",
    "expected_calibration_error",
]
