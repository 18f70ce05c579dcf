"""Training that can be repeated, stopped and continued."""

from shelfvision.training._result import TrainingResult
from shelfvision.training._trainer import Trainer

__all__ = ["Trainer", "TrainingResult"]
