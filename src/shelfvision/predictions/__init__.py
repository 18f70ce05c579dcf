"""Predictions, calibration and thresholds.

A classifier returns `Predictions`, one row of probabilities per photo. `Calibration` maps
probabilities to calibrated ones, and `Thresholds` decides which predictions are accepted and which
need review. Both are fitted to `ValidationScores`, the scores of photos that the network was not
trained on. `Profile` summarizes these photos.
"""

from shelfvision.predictions._calibration import Calibration, expected_calibration_error
from shelfvision.predictions._cross_validated import cross_validated_calibration_error
from shelfvision.predictions._prediction import Decision, Prediction
from shelfvision.predictions._predictions import Predictions
from shelfvision.predictions._thresholds import Thresholds
from shelfvision.predictions.calibrators._isotonic import IsotonicCalibration
from shelfvision.predictions.calibrators._platt import PlattScaling
from shelfvision.predictions.calibrators._protocol import Calibrator
from shelfvision.predictions.calibrators._registry import CalibrationMethod, register_calibrator
from shelfvision.predictions.calibrators._temperature import TemperatureScaling
from shelfvision.predictions.class_prior import ClassPrior
from shelfvision.predictions.measured import MeasuredPhotos
from shelfvision.predictions.profile import Distribution, Profile
from shelfvision.predictions.validation_scores import ValidationScores

__all__ = [
    "Calibration",
    "CalibrationMethod",
    "Calibrator",
    "ClassPrior",
    "Decision",
    "Distribution",
    "IsotonicCalibration",
    "MeasuredPhotos",
    "PlattScaling",
    "Prediction",
    "Predictions",
    "Profile",
    "TemperatureScaling",
    "Thresholds",
    "ValidationScores",
    "cross_validated_calibration_error",
    "expected_calibration_error",
    "register_calibrator",
]
