"""The callbacks of our own that a run has; they come before the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision.data import Dataset
from shelfvision.training.loop._learning_check import watch_callback
from shelfvision.training.loop._learning_rates import plateau_callback
from shelfvision.training.run._best_epoch import BestEpoch
from shelfvision.training.settings._schedules import CosineSchedule, PlateauSchedule, Schedule

if TYPE_CHECKING:
    import keras


def own_callbacks(
    schedule: Schedule | None, train: Dataset, *, steps: int, best: BestEpoch, monitor: str
) -> tuple[keras.callbacks.Callback, ...]:
    """Return callbacks that have a state, so that they go on where they were."""
    warmup = schedule.warmup_epochs if isinstance(schedule, CosineSchedule) else 0.0
    watch = watch_callback(train, steps=steps, warmup=warmup)
    if isinstance(schedule, PlateauSchedule):
        return watch, plateau_callback(schedule, monitor=monitor, mode=best.mode)
    return (watch,)
