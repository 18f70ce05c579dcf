"""Whether a `Trainer` is set to something that a run can have."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Sequence
from pathlib import Path

from shelfvision._validation import as_integer, as_number, as_seed, one_of, received
from shelfvision.data.splitting.leaks import ON_LEAK
from shelfvision.errors import InvalidParameterError
from shelfvision.training.settings._class_weight import checked_class_weight
from shelfvision.training.settings._clipping import GradientClipping
from shelfvision.training.settings._schedules import checked_schedule
from shelfvision.training.settings._settings import Settings

_COUNTS = ("epochs", "batch_size", "views", "steps_per_execution")
_OPTIONAL_COUNTS = ("patience", "save_every")
_MOST = 10**9
_FOLDERS = ("checkpoint_dir", "cache_dir")
# A path object keeps one of the two slashes. A drive of Windows has one letter.
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]+://|(s3[an]?|gs|gcs|https?|s?ftp|file|hdfs|abfss?|az|adl|wasbs?|dbfs|oci):/",
    re.IGNORECASE,
)


def checked_settings(settings: Settings) -> dict[str, object]:
    """Return the settings that are kept in another form; refuse, by name, what no run can have."""
    checked: dict[str, object] = {
        "seed": as_seed(settings.seed),
        "min_delta": as_number("min_delta", settings.min_delta, minimum=0.0),
        "layer_decay": _layer_decay(settings.layer_decay),
        "learning_rate": _learning_rate(settings.learning_rate),
        "callbacks": _callbacks(settings.callbacks),
        "mode": one_of("mode", settings.mode, ("auto", "min", "max")),
        "on_leak": one_of("on_leak", settings.on_leak, ON_LEAK),
        "label_smoothing": _label_smoothing(settings.label_smoothing),
        "class_weight": checked_class_weight(settings.class_weight),
        "verbose": _verbose(settings.verbose),
    }
    given = {name: getattr(settings, name) for name in (*_COUNTS, *_OPTIONAL_COUNTS, *_FOLDERS)}
    for name, value in given.items():
        if name in _FOLDERS and value is not None:
            checked[name] = _path(name, value)
        elif name in _COUNTS or value is not None:
            checked[name] = as_integer(name, value, minimum=1, maximum=_MOST)
    if settings.weight_decay is not None:
        checked["weight_decay"] = as_number("weight_decay", settings.weight_decay, minimum=0.0)
    _check_objects(settings)
    return checked


def _check_objects(settings: Settings) -> None:
    _callable("augmenter", settings.augmenter)
    _part("optimizer", settings.optimizer)
    _part("loss", settings.loss)
    _clipping(settings.clipping)
    _mixed_precision(settings.mixed_precision)
    _fine_tune(settings.fine_tune)
    _monitor(settings.monitor)
    checked_schedule(
        settings.schedule, epochs=settings.epochs, learning_rate=settings.learning_rate
    )


def _callable(name: str, value: object) -> None:
    """Refuse what cannot be called."""
    if value is not None and not callable(value):
        raise InvalidParameterError(
            f"{name} must be callable as (image, rng) -> image, not {received(value)}",
            code="wrong-type",
            parameter=name,
        )


def _callbacks(value: object) -> tuple[object, ...]:
    """Return callbacks as a tuple of objects that have Keras's hooks."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidParameterError(
            "callbacks must be a list of keras.callbacks.Callback, such as [callback], got "
            f"{received(value)}",
            code="wrong-type",
            parameter="callbacks",
        )
    for callback in value:
        if inspect.isclass(callback) or not hasattr(callback, "on_epoch_end"):
            raise InvalidParameterError(
                "callbacks must be instances of keras.callbacks.Callback, but one is "
                f"{received(callback)}",
                code="wrong-type",
                parameter="callbacks",
            )
        if any(kind.__name__ == "BackupAndRestore" for kind in type(callback).__mro__):
            raise InvalidParameterError(
                "callbacks has a BackupAndRestore, which would take a run back to an epoch that "
                "its Trainer knows nothing of; leave it out and give checkpoint_dir, which goes on "
                "where a run was stopped",
                code="not-supported",
                parameter="callbacks",
            )
    return tuple(value)


def _part(name: str, value: object) -> None:
    """Refuse an optimizer or a loss that Keras can make nothing of."""
    if inspect.isclass(value) or not (
        (isinstance(value, str) and value) or hasattr(value, "get_config") or callable(value)
    ):
        raise InvalidParameterError(
            f"{name} must be the name of one that Keras has, or an instance, not {received(value)}",
            code="wrong-type",
            parameter=name,
        )


def _learning_rate(value: object) -> object:
    """Return a step size as a float, or a schedule as it is."""
    if value is None or hasattr(value, "get_config"):
        return value
    rate = as_number("learning_rate", value, minimum=0.0)  # type: ignore[arg-type]  # it checks
    if rate == 0.0:
        raise InvalidParameterError(
            "learning_rate is 0, which learns nothing; give more",
            code="not-in-range",
            parameter="learning_rate",
        )
    return rate


def _clipping(value: object) -> None:
    """Refuse what is no `GradientClipping`."""
    if value is not None and not isinstance(value, GradientClipping):
        raise InvalidParameterError(
            "clipping must be a shelfvision.training.GradientClipping, such as "
            f"GradientClipping(global_norm=1.0), not {received(value)}",
            code="wrong-type",
            parameter="clipping",
        )


def _label_smoothing(value: float) -> float:
    """Return a share of labels as a float from 0 to below 1."""
    share = as_number("label_smoothing", value, minimum=0.0, maximum=1.0)
    if share == 1.0:
        raise InvalidParameterError(
            "label_smoothing is 1, which leaves no label; give less",
            code="not-in-range",
            parameter="label_smoothing",
        )
    return share


def _layer_decay(value: float) -> float:
    """Return a factor above 0, up to 1."""
    decay = as_number("layer_decay", value, minimum=0.0, maximum=1.0)
    if decay == 0.0:
        raise InvalidParameterError(
            "layer_decay is 0, with which only the last layer would learn; say that with "
            "fine_tune='head'",
            code="not-in-range",
            parameter="layer_decay",
        )
    return decay


def _fine_tune(value: object) -> None:
    """Refuse what cannot name a part of a model."""
    if value is not None and (not isinstance(value, str) or not value):
        raise InvalidParameterError(
            "fine_tune must be 'head', 'partial', 'full', the name of a layer or None, got "
            f"{received(value)}",
            code="wrong-type",
            parameter="fine_tune",
        )


def _mixed_precision(value: object) -> None:
    """Refuse anything but the two types."""
    if value is not None and value not in ("float16", "bfloat16"):
        raise InvalidParameterError(
            f"mixed_precision must be None, 'float16' or 'bfloat16', not {received(value)}",
            code="not-an-option",
            parameter="mixed_precision",
        )


def _path(name: str, value: object) -> Path:
    """Return the path of a folder."""
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else ""
    if not isinstance(text, str) or not text or "\0" in text:
        raise InvalidParameterError(
            f"{name} must be the path of a folder, got {received(value)}",
            code="wrong-type",
            parameter=name,
        )
    if _ADDRESS.match(text):
        raise InvalidParameterError(
            f"{name} must be a folder of this computer, got the address {text!r}; train in a local "
            "folder and copy it afterwards, or mount the storage and give the path of the mount",
            code="not-a-folder",
            parameter=name,
        )
    return Path(text)


def _monitor(value: object) -> None:
    """Refuse what cannot be the name of a metric."""
    if not isinstance(value, str) or not value:
        raise InvalidParameterError(
            "monitor must be 'auto', 'loss', 'val_loss', 'val_accuracy' or another metric of the "
            f"model, not {received(value)}",
            code="wrong-type",
            parameter="monitor",
        )


def _verbose(value: object) -> object:
    """Return 0 and 1 as the truth values that they stand for, "auto" and 2 as they are."""
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if value != "auto" and (type(value) is not int or value != 2):
        raise InvalidParameterError(
            "verbose must be 'auto', 0 or False (nothing), 1 or True (a bar), or 2 (one line per "
            f"epoch), got {received(value)}",
            code="not-an-option",
            parameter="verbose",
        )
    return value
