"""The callbacks of our own that a run has; they come before the caller's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from shelfvision.data import Dataset
from shelfvision.training.loop._learning_check import watch_callback
from shelfvision.training.settings._schedules import (
    CosineSchedule,
    PlateauSchedule,
    plateau_callback,
)
from shelfvision.training.settings._settings import Settings

if TYPE_CHECKING:
    import keras


def built_in(
    settings: Settings, train: Dataset, *, monitor: str, mode: Literal["min", "max"]
) -> tuple[keras.callbacks.Callback, ...]:
    """Return callbacks that have a state, so that they go on where they were."""
    schedule = settings.schedule
    warmup = schedule.warmup_epochs if isinstance(schedule, CosineSchedule) else 0.0
    steps = math.ceil(len(train) / settings.batch_size)
    watch = watch_callback(train, steps=steps, warmup=warmup)
    if isinstance(schedule, PlateauSchedule):
        return watch, plateau_callback(schedule, monitor=monitor, mode=mode)
    return (watch,)
