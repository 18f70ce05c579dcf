"""What a classifier says about photos."""

from shelfvision.predictions._prediction import Decision, Prediction
from shelfvision.predictions._predictions import Predictions

__all__ = ["Decision", "Prediction", "Predictions"]
