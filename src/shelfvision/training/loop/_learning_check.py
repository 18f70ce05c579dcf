"""Warn early about a run that learns nothing.

After some epochs, the check compares the training loss with its first value, and the accuracy with
that of a classifier that always answers the most frequent class.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from shelfvision._keras.backend import load_keras
from shelfvision._storage.json_values import Json
from shelfvision.data import Dataset
from shelfvision.errors import TrainingWarning

if TYPE_CHECKING:
    import keras

EPOCHS = 10
"""Epochs before the check, after the warm-up."""
STEPS = 300
"""Minimum number of steps before the check, because epochs with few photos are short."""
_FALL = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Training loss and accuracy so far. Checkpoints include it."""

    epochs: int = 0
    """Number of epochs."""
    first: float = math.nan
    """The loss of the first epoch."""
    lowest: float = math.inf
    """The lowest loss."""
    accuracy: float = math.nan
    """The highest accuracy; NaN if the model has no accuracy metric."""

    def after(self, loss: float, accuracy: float) -> Self:
        """Return the losses with one more epoch."""
        return replace(
            self,
            epochs=self.epochs + 1,
            first=self.first if self.epochs else loss,
            lowest=min(self.lowest, loss),
            accuracy=accuracy if math.isnan(self.accuracy) else max(self.accuracy, accuracy),
        )

    def stuck(self, guessing: float) -> bool:
        """Return whether the loss has not fallen and the accuracy is not above `guessing`.

        Both conditions are necessary, because a pretrained model starts with a low loss.
        """
        return self.lowest > self.first - _FALL * abs(self.first) and self.accuracy <= guessing


def watch_callback(train: Dataset, *, steps: int, warmup: float) -> keras.callbacks.Callback:
    """Return a callback that warns once if the run learns nothing.

    An epoch has `steps` steps. `warmup` is the number of epochs of warm-up.
    """
    look = math.ceil(warmup) + max(EPOCHS, math.ceil(STEPS / steps))
    most = max(train.class_counts, key=lambda name: train.class_counts[name])
    share = train.class_counts[most] / len(train)
    # Three standard errors above the share of the most frequent class, to allow for chance.
    guessing = share + 3 * math.sqrt(share * (1 - share) / len(train))

    class WatchLosses(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        losses = Losses()

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:  # noqa: ARG002  # Keras gives it
            found = logs or {}
            accuracy = found.get("accuracy", math.nan)
            self.losses = self.losses.after(found.get("loss", math.nan), accuracy)
            if self.losses.epochs == look and self.losses.stuck(guessing):
                _warn(self.losses, most)

        def get_state(self) -> Json:
            return dataclasses.asdict(self.losses)

        def set_state(self, state: Mapping[str, float]) -> None:
            self.losses = Losses(
                epochs=int(state["epochs"]),
                first=float(state["first"]),
                lowest=float(state["lowest"]),
                accuracy=float(state["accuracy"]),
            )

    return WatchLosses()


def _warn(losses: Losses, most: str) -> None:
    warnings.warn(
        TrainingWarning(
            f"the training loss has not fallen in {losses.epochs} epochs: it was "
            f"{losses.first:.4g} in the first and {losses.lowest:.4g} at best, and accuracy does "
            f"not exceed that of always answering {most!r}; try a learning_rate ten times smaller "
            "or larger, check that the layers that should learn are trainable, and check the "
            "labels with shelfvision.audit",
            code="not-learning",
        ),
        stacklevel=3,
    )
