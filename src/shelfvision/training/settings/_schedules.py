"""Learning-rate schedules: cosine decay with warm-up, and reduction on a plateau.

They are plain settings. ``training/loop/_learning_rates.py`` implements them with Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from shelfvision._validation import as_integer, as_number
from shelfvision.errors import InvalidParameterError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CosineSchedule:
    """Learning-rate schedule with linear warm-up and cosine decay.

    The highest learning rate is ``Trainer(learning_rate=...)``, or the default of the optimizer.
    It depends on the number of optimizer steps, so a resumed run continues with the same rate.

    Raises
    ------
    InvalidParameterError
        A setting has an invalid value.

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
    """Epochs of warm-up, in which the rate rises from near 0. Fractions are allowed."""
    final: float = 0.0
    """Final learning rate as a share of the highest rate, from 0 to 1."""
    epochs: int | None = None
    """Epochs until the decay ends; then the rate is constant. None uses ``Trainer(epochs=...)``."""

    def __post_init__(self) -> None:
        warmup = as_number("warmup_epochs", self.warmup_epochs, minimum=0.0)
        object.__setattr__(self, "warmup_epochs", warmup)
        object.__setattr__(self, "final", as_number("final", self.final, minimum=0, maximum=1))
        if self.epochs is not None:
            object.__setattr__(self, "epochs", as_integer("epochs", self.epochs, minimum=1))
            _require_room(self, self.epochs)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PlateauSchedule:
    """Learning-rate schedule that reduces the rate when the metric stops improving.

    The metric is ``Trainer(monitor=...)``. Checkpoints include the state of the schedule, in
    contrast to ``keras.callbacks.ReduceLROnPlateau``, so a resumed run continues with it.

    Raises
    ------
    InvalidParameterError
        A setting has an invalid value.

    Examples
    --------
    >>> import shelfvision as shv
    >>> from shelfvision.training import PlateauSchedule
    >>> trainer = shv.Trainer(patience=20, schedule=PlateauSchedule(factor=0.5, patience=5))
    """

    factor: float = 0.5
    """Factor of each reduction, between 0 and 1."""
    patience: int = 5
    """Epochs without improvement before the rate is reduced."""
    min_delta: float = 1e-4
    """Change of the metric that an improvement must exceed."""
    cooldown: int = 0
    """Epochs after a reduction that do not count towards `patience`."""
    minimum: float = 0.0
    """Lowest learning rate."""

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
"""A learning-rate schedule of shelfvision."""


def require_schedule_fits(schedule: Schedule | None, *, epochs: int, learning_rate: object) -> None:
    """Refuse a schedule that conflicts with the other settings."""
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
        _require_room(schedule, epochs)


def _require_room(schedule: CosineSchedule, epochs: int) -> None:
    """Refuse a warm-up that takes all epochs of a schedule; `epochs` are those of the run."""
    length = schedule.epochs or epochs
    if schedule.warmup_epochs >= length:
        raise InvalidParameterError(
            f"warmup_epochs is {schedule.warmup_epochs:g} of {length} epochs, which leaves nothing "
            "for the cosine; warm up for less, or train for more epochs",
            code="not-in-range",
            parameter="warmup_epochs",
        )
