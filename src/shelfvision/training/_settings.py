"""What a `Trainer` may be set to, and how a setting is told to people and to files."""

from __future__ import annotations

import hashlib
import inspect
import math
import os
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from shelfvision._validation import as_number
from shelfvision.data.splitting._leaks import OnLeak
from shelfvision.errors import InvalidParameterError
from shelfvision.protocols import Augmenter
from shelfvision.training._state import Json

if TYPE_CHECKING:
    import keras

Resume: TypeAlias = Literal["auto", "never", "must"]
"""Whether a run on disk is continued: if there is one, never, or it has to be there."""
Verbose: TypeAlias = Literal["auto"] | bool
"""Whether a live line is shown: on a terminal, always, or never."""

RESUME = ("auto", "never", "must")
UNSET = MappingProxyType({"optimizer": "adam", "learning_rate": None, "loss": "auto"})
"""The settings that a model is compiled with, as they are where nobody has chosen."""


class Settings(Protocol):
    """What a run has to know of the `Trainer` that it belongs to; its fields tell more."""

    @property
    def epochs(self) -> int:
        """At most how often every photo is seen."""

    @property
    def batch_size(self) -> int:
        """The photos in a step."""

    @property
    def optimizer(self) -> str | keras.optimizers.Optimizer:
        """A name, or a pattern."""

    @property
    def learning_rate(self) -> float | keras.optimizers.schedules.LearningRateSchedule | None:
        """The step size; None for the optimizer's own."""

    @property
    def loss(self) -> str | keras.losses.Loss | Callable[..., object]:
        """The quantity to minimize."""

    @property
    def patience(self) -> int | None:
        """The epochs to wait for something better."""

    @property
    def augmenter(self) -> Augmenter | None:
        """What varies every photo in every epoch."""

    @property
    def checkpoint_dir(self) -> str | os.PathLike[str] | None:
        """The run's folder."""

    @property
    def callbacks(self) -> Sequence[keras.callbacks.Callback]:
        """The caller's."""

    @property
    def seed(self) -> int:
        """What order and augmentation are derived from."""

    @property
    def verbose(self) -> Verbose:
        """Whether to show a live line."""

    @property
    def monitor(self) -> str:
        """The metric that judges an epoch."""

    @property
    def mode(self) -> Literal["auto", "min", "max"]:
        """The direction of better."""

    @property
    def min_delta(self) -> float:
        """What a gain has to be worth."""

    @property
    def on_leak(self) -> OnLeak:
        """What to do with photos that both parts have."""

    def to_dict(self) -> dict[str, Json]:
        """Return all of them as plain JSON values."""


def described(value: object) -> Json:
    """Return a setting as a JSON value that is equal for equal settings, in any process.

    Objects are told by their configuration if they have one, functions by their name, others by
    their printed form, or by a digest of their pickle where that shows an address only.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): described(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [described(item) for item in value]
    return _described_object(value)


def finite(value: Json) -> Json:
    """Return a value with None in place of the numbers that JSON does not have."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _described_object(value: object) -> Json:
    if inspect.isroutine(value) or inspect.isclass(value):
        return _type_name(value)
    for method in ("to_dict", "get_config"):
        configure = getattr(value, method, None)
        if callable(configure):
            return {"type": _type_name(type(value)), "settings": described(configure())}
    text = repr(value)
    if not re.search(r" at 0x[0-9a-fA-F]+", text):
        return text
    return _type_name(type(value)) + _pickle_digest(value)


def _type_name(kind: object) -> str:
    module = getattr(kind, "__module__", "")
    return f"{module}.{getattr(kind, '__qualname__', type(kind).__qualname__)}"


def _pickle_digest(value: object) -> str:
    try:
        return f" #{hashlib.sha256(pickle.dumps(value, protocol=4)).hexdigest()[:16]}"
    except (pickle.PicklingError, TypeError, AttributeError):
        return ""


def checked_callable(name: str, value: object) -> None:
    """Refuse what cannot be called."""
    if value is not None and not callable(value):
        raise InvalidParameterError(
            f"{name} must be callable as (image, rng) -> image, not {value!r}"
        )


def checked_callbacks(value: object) -> tuple[object, ...]:
    """Return callbacks as a tuple of objects that have Keras's hooks."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidParameterError(
            f"callbacks must be a list of keras.callbacks.Callback, not {value!r}; write [callback]"
        )
    for callback in value:
        if inspect.isclass(callback) or not hasattr(callback, "on_epoch_end"):
            raise InvalidParameterError(
                f"callbacks must be instances of keras.callbacks.Callback, but one is {callback!r}"
            )
        if any(kind.__name__ == "BackupAndRestore" for kind in type(callback).__mro__):
            raise InvalidParameterError(
                "callbacks has a BackupAndRestore, which would take a run back to an epoch that "
                "its Trainer knows nothing of; leave it out and give checkpoint_dir, which goes on "
                "where a run was stopped"
            )
    return tuple(value)


def checked_part(name: str, value: object) -> None:
    """Refuse an optimizer or a loss that Keras can make nothing of."""
    if inspect.isclass(value) or not (
        (isinstance(value, str) and value) or hasattr(value, "get_config") or callable(value)
    ):
        raise InvalidParameterError(
            f"{name} must be the name of one that Keras has, or an instance, not {value!r}"
        )


def checked_learning_rate(value: object) -> object:
    """Return a step size as a float, or a schedule as it is."""
    if value is None or hasattr(value, "get_config"):
        return value
    rate = as_number("learning_rate", value, minimum=0.0)  # type: ignore[arg-type]  # it checks
    if rate == 0.0:
        raise InvalidParameterError("learning_rate is 0, which learns nothing; give more")
    return rate


def checked_path(value: object) -> Path:
    """Return the path of a folder."""
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else ""
    if not text:
        raise InvalidParameterError(f"checkpoint_dir must be the path of a folder, not {value!r}")
    return Path(text)


def checked_monitor(value: object) -> None:
    """Refuse what cannot be the name of a metric."""
    if not isinstance(value, str) or not value:
        raise InvalidParameterError(
            "monitor must be 'auto', 'loss', 'val_loss', 'val_accuracy' or another metric of the "
            f"model, not {value!r}"
        )


def checked_verbose(value: object) -> None:
    """Refuse anything but the three choices."""
    if value != "auto" and not isinstance(value, bool):
        raise InvalidParameterError(f"verbose must be 'auto', True or False, not {value!r}")
