"""What ends a training run in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfvision._keras.backend import load_keras
from shelfvision.errors import TrainingError

if TYPE_CHECKING:
    import keras


class PowerCutError(Exception):
    """The end of a run from outside."""


def crash_before(epoch: int) -> keras.callbacks.Callback:
    """Return a callback that fails when an epoch begins."""

    def crash(begun: int, logs: object) -> None:
        if begun + 1 == epoch:
            raise TrainingError("the power went")

    return load_keras().callbacks.LambdaCallback(on_epoch_begin=crash)
