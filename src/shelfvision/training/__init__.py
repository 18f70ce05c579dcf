"""Train Keras models on photos, reproducibly, with early stopping, checkpoints and resume.

`Trainer` holds the hyperparameters, and `Trainer.fit` returns a `TrainingResult`. A
`CosineSchedule` or a `PlateauSchedule` changes the learning rate, and `GradientClipping` limits
the gradients.
"""

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
