"""What a classifier says about photos."""

from shelfvision.predictions._calibration import (
    Calibration,
    CalibrationMethod,
    expected_calibration_error,
)
from shelfvision.predictions._frequencies import ClassFrequencies
from shelfvision.predictions._prediction import Decision, Prediction
from shelfvision.predictions._predictions import Predictions
from shelfvision.predictions._thresholds import Thresholds
from shelfvision.predictions._validation_scores import ValidationScores

__all__ = [
    "Calibration",
    "CalibrationMethod",
    "ClassFrequencies",
    "Decision",
    "Prediction",
    "Predictions",
    "Thresholds",
    "ValidationScores",
    "expected_calibration_error",
]
