"""Learning rates that change as training goes on: along a cosine, or when nothing gets better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

from shelfvision._keras.backend import load_keras
from shelfvision._validation import as_integer, as_number, received
from shelfvision.errors import InvalidParameterError
from shelfvision.training.run._state import Json

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, kw_only=True)
class CosineSchedule:
    """The learning rate climbs in a straight line, then falls along half a cosine.

    Its position is the optimizer's count of steps, so a run that goes on from disk goes on with
    the very rate that it had. The rate at the top is the trainer's `learning_rate`.

    Raises
    ------
    InvalidParameterError
        A setting has a value that no schedule can have.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017.

    Examples
    --------
    >>> import shelfvision as shv
    >>> from shelfvision.training import CosineSchedule
    >>> trainer = shv.Trainer(
    ...     epochs=30, learning_rate=1e-3, schedule=CosineSchedule(warmup_epochs=2)
    ... )
    """

    warmup_epochs: float = 0.0
    """Epochs in which the rate climbs from near nothing; parts of an epoch are fine."""
    final: float = 0.0
    """What is left of the rate at the end, as a share of its top, from 0 to 1."""
    epochs: int | None = None
    """Epochs until the end of the fall, after which the rate stays; None for the trainer's."""

    def __post_init__(self) -> None:
        warmup = as_number("warmup_epochs", self.warmup_epochs, minimum=0.0)
        object.__setattr__(self, "warmup_epochs", warmup)
        object.__setattr__(self, "final", as_number("final", self.final, minimum=0, maximum=1))
        if self.epochs is not None:
            object.__setattr__(self, "epochs", as_integer("epochs", self.epochs, minimum=1))
            self.require_room(self.epochs)

    def require_room(self, epochs: int) -> None:
        """Refuse a warm-up that leaves nothing of so many epochs.

        Parameters
        ----------
        epochs : int
            The epochs of the whole run.

        Raises
        ------
        InvalidParameterError
            The warm-up is as long or longer.
        """
        if self.warmup_epochs >= (self.epochs or epochs):
            raise InvalidParameterError(
                f"warmup_epochs is {self.warmup_epochs:g} of {self.epochs or epochs} epochs, which "
                "leaves nothing for the cosine; warm up for less, or train for more epochs",
                code="not-in-range",
                parameter="warmup_epochs",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateauSchedule:
    """The learning rate shrinks when the watched metric has not got better for a while.

    The metric is the trainer's `monitor`. Unlike Keras's ``ReduceLROnPlateau``, it goes on where
    it was when a run is resumed.

    Raises
    ------
    InvalidParameterError
        A setting has a value that no schedule can have.

    Examples
    --------
    >>> import shelfvision as shv
    >>> from shelfvision.training import PlateauSchedule
    >>> trainer = shv.Trainer(patience=20, schedule=PlateauSchedule(factor=0.5, patience=5))
    """

    factor: float = 0.5
    """What the rate is multiplied with, between 0 and 1."""
    patience: int = 5
    """Epochs without improvement after which the rate shrinks."""
    min_delta: float = 1e-4
    """By how much an epoch has to be better to count as improvement."""
    cooldown: int = 0
    """Epochs after a reduction that are not held against the new rate."""
    minimum: float = 0.0
    """The rate never goes below this."""

    def __post_init__(self) -> None:
        checked = {
            "factor": as_number("factor", self.factor, minimum=0, maximum=1, exclusive=True),
            "patience": as_integer("patience", self.patience, minimum=1),
            "min_delta": as_number("min_delta", self.min_delta, minimum=0.0),
            "cooldown": as_integer("cooldown", self.cooldown, minimum=0),
            "minimum": as_number("minimum", self.minimum, minimum=0.0),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)


Schedule = CosineSchedule | PlateauSchedule
"""How the learning rate changes."""


def checked_schedule(value: object, *, epochs: int, learning_rate: object) -> None:
    """Refuse what is no schedule of ours, or one that cannot work beside the other settings."""
    if value is None:
        return
    if not isinstance(value, CosineSchedule | PlateauSchedule):
        raise InvalidParameterError(
            "schedule must be a CosineSchedule or a PlateauSchedule of shelfvision.training, not "
            f"{received(value)}; a schedule of Keras's is given as learning_rate",
            code="wrong-type",
            parameter="schedule",
        )
    if hasattr(learning_rate, "get_config"):
        raise InvalidParameterError(
            f"learning_rate is already a schedule, {type(learning_rate).__name__}; give schedule "
            "or that, not both",
            code="conflict",
            parameter="learning_rate",
        )
    if isinstance(value, CosineSchedule):
        value.require_room(epochs)


def cosine(
    schedule: CosineSchedule, *, top: float, epochs: int, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return the schedule in steps, for a run of `epochs` of `steps` each."""
    whole = (schedule.epochs or epochs) * steps
    warmup = round(schedule.warmup_epochs * steps)
    decay = load_keras().optimizers.schedules.CosineDecay
    if warmup == 0:
        return decay(top, whole, alpha=schedule.final)
    # The first step is already worth something: a rate of 0 would be a step for nothing.
    return decay(
        top / (warmup + 1),
        max(whole - warmup, 1),
        alpha=schedule.final,
        warmup_target=top,
        warmup_steps=warmup,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plateau:
    """How long the watched metric has not got better; it survives in a run's state."""

    schedule: PlateauSchedule
    """When to shrink the rate."""
    mode: Literal["min", "max"]
    """Whether less or more of the metric is better."""
    reference: float = math.nan
    """The value that has to be beaten."""
    waited: int = 0
    """Epochs since it was beaten."""
    cooling: int = 0
    """Epochs of cooldown that are left."""

    def after(self, value: float) -> Self:
        """Return what there is to know once an epoch has ended with this value."""
        gain = self.reference - value if self.mode == "min" else value - self.reference
        if math.isnan(self.reference) or gain > self.schedule.min_delta:
            return replace(self, reference=value, waited=0, cooling=max(self.cooling - 1, 0))
        if self.cooling > 0:
            return replace(self, waited=0, cooling=self.cooling - 1)
        return replace(self, waited=self.waited + 1)

    @property
    def reached(self) -> bool:
        """Whether it is time for a smaller rate."""
        return self.waited >= self.schedule.patience

    def left(self) -> Self:
        """Return what there is to know once the rate has been made smaller."""
        return replace(self, waited=0, cooling=self.schedule.cooldown)


def plateau_callback(
    schedule: PlateauSchedule, *, monitor: str, mode: Literal["min", "max"]
) -> keras.callbacks.Callback:
    """Return what shrinks the optimizer's rate; the rate itself is a variable of the optimizer."""

    class ShrinkOnPlateau(load_keras().callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.plateau = Plateau(schedule=schedule, mode=mode)

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:  # noqa: ARG002  # Keras gives it
            self.plateau = self.plateau.after(float((logs or {})[monitor]))
            if self.plateau.reached:
                optimizer = self.model.optimizer
                rate = float(load_keras().ops.convert_to_numpy(optimizer.learning_rate))
                optimizer.learning_rate = max(rate * schedule.factor, min(rate, schedule.minimum))
                self.plateau = self.plateau.left()

        def get_state(self) -> Json:
            now = self.plateau
            return {"reference": now.reference, "waited": now.waited, "cooling": now.cooling}

        def set_state(self, state: Mapping[str, float]) -> None:
            self.plateau = Plateau(
                schedule=schedule,
                mode=mode,
                reference=float(state["reference"]),
                waited=int(state["waited"]),
                cooling=int(state["cooling"]),
            )

    return ShrinkOnPlateau()
