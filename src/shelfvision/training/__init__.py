"""Training that can be repeated, stopped and continued."""

from shelfvision.training._clipping import GradientClipping
from shelfvision.training._result import TrainingResult
from shelfvision.training._schedules import CosineSchedule, PlateauSchedule
from shelfvision.training._trainer import Trainer

__all__ = [
    "CosineSchedule",
    "GradientClipping",
    "PlateauSchedule",
    "Trainer",
    "TrainingResult",
]
