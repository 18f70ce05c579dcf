"""Training that can be repeated, stopped and continued."""

from shelfvision.training._result import TrainingResult
from shelfvision.training._trainer import Trainer
from shelfvision.training.settings._clipping import GradientClipping
from shelfvision.training.settings._schedules import CosineSchedule, PlateauSchedule

__all__ = [
    "CosineSchedule",
    "GradientClipping",
    "PlateauSchedule",
    "Trainer",
    "TrainingResult",
]
