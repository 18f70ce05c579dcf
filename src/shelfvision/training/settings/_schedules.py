"""Learning-rate schedules as values: along a cosine, or when the metric stops improving."""

from __future__ import annotations

from dataclasses import dataclass

from shelfvision._validation import as_integer, as_number
from shelfvision.errors import InvalidParameterError


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


def require_schedule_fits(schedule: Schedule | None, *, epochs: int, learning_rate: object) -> None:
    """Refuse a schedule that cannot work beside the other settings."""
    if schedule is None:
        return
    if hasattr(learning_rate, "get_config"):
        raise InvalidParameterError(
            f"learning_rate is already a schedule, {type(learning_rate).__name__}; give schedule "
            "or that, not both",
            code="conflict",
            parameter="learning_rate",
        )
    if isinstance(schedule, CosineSchedule):
        schedule.require_room(epochs)
