"""Callbacks that shelfvision adds to a run, before the caller's callbacks."""

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
    """Return the learning check and, for a plateau schedule, its callback.

    Both save their state in checkpoints, so a resumed run continues with it.
    """
    warmup = schedule.warmup_epochs if isinstance(schedule, CosineSchedule) else 0.0
    watch = watch_callback(train, steps=steps, warmup=warmup)
    if isinstance(schedule, PlateauSchedule):
        return watch, plateau_callback(schedule, monitor=monitor, mode=best.mode)
    return (watch,)
