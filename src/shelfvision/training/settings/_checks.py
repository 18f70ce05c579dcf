"""Checks of settings.

A check takes the name and the value of a setting. It returns the value to store, or raises
`InvalidParameterError`.
"""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from shelfvision._urls import is_url, shown_url
from shelfvision._validation import as_integer, as_number, as_seed, one_of, received
from shelfvision.errors import InvalidParameterError
from shelfvision.training.settings._setting import Check

_MOST = 10**9
_NOTHING: Mapping[float, str] = MappingProxyType({})


def optional(check: Check) -> Check:
    """Return a check that also accepts None."""
    return lambda name, value: None if value is None else check(name, value)


def choice(*options: str) -> Check:
    """Return a check for one of several strings."""
    # `one_of` checks the type too.
    return lambda name, value: one_of(name, value, options)  # type: ignore[arg-type]


def number(
    *, minimum: float = 0.0, maximum: float = math.inf, refused: Mapping[float, str] = _NOTHING
) -> Check:
    """Return a check for a finite number in a range; `refused` maps single numbers to reasons."""

    def check(name: str, value: object) -> float:
        # `as_number` checks the type too.
        found = as_number(name, value, minimum=minimum, maximum=maximum)  # type: ignore[arg-type]
        if found in refused:
            raise InvalidParameterError(
                f"{name} is {found:g}, {refused[found]}", code="not-in-range", parameter=name
            )
        return found

    return check


def instance(kinds: tuple[type, ...], sentence: str) -> Check:
    """Return a check for an instance of one of several classes, which `sentence` describes."""

    def check(name: str, value: object) -> object:
        if not isinstance(value, kinds):
            raise _wrong_type(name, sentence, value)
        return value

    return check


def count(name: str, value: object) -> int:
    """Return an integer of at least 1."""
    # `as_integer` checks the type too.
    return as_integer(name, value, minimum=1, maximum=_MOST)  # type: ignore[arg-type]


def seed(_: str, value: object) -> int:
    """Return a valid seed."""
    return as_seed(value)  # type: ignore[arg-type]  # it checks the type too


def text(sentence: str) -> Check:
    """Return a check for a string that is not empty, which `sentence` describes."""

    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise _wrong_type(name, sentence, value)
        return value

    return check


def augmenter(name: str, value: object) -> object:
    """Return a callable; refuse anything else."""
    if not callable(value):
        raise _wrong_type(name, "callable as (image, rng) -> image", value)
    return value


def callbacks(name: str, value: object) -> tuple[object, ...]:
    """Return a tuple of Keras callbacks; refuse anything else, and ``BackupAndRestore``."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _wrong_type(name, "a list of keras.callbacks.Callback, such as [callback]", value)
    for callback in value:
        if inspect.isclass(callback) or not hasattr(callback, "on_epoch_end"):
            raise _wrong_type(name, "instances of keras.callbacks.Callback", callback)
        if any(kind.__name__ == "BackupAndRestore" for kind in type(callback).__mro__):
            raise InvalidParameterError(
                f"{name} has a BackupAndRestore, which would return the run to an epoch that "
                "differs from the Trainer's own checkpoint; leave it out and give checkpoint_dir, "
                "from which a stopped run resumes",
                code="not-supported",
                parameter=name,
            )
    return tuple(value)


def keras_object(name: str, value: object) -> object:
    """Return a name, a Keras object or a callable; refuse a class or anything else."""
    named = isinstance(value, str) and value
    if inspect.isclass(value) or not (named or hasattr(value, "get_config") or callable(value)):
        raise _wrong_type(name, "the name of one that Keras has, or an instance", value)
    return value


def learning_rate(name: str, value: object) -> object:
    """Return a learning rate as a float, or a Keras schedule unchanged."""
    if hasattr(value, "get_config"):
        return value
    return number(refused={0.0: "which learns nothing; give more"})(name, value)


def folder(name: str, value: object) -> Path:
    """Return the path of a local folder; refuse a URL."""
    if is_url(value):
        raise InvalidParameterError(
            f"{name} must be a folder of this computer, got the URL {shown_url(str(value))!r}; "
            "train in a local folder and copy it afterwards, or mount the storage and give the "
            "path of the mount",
            code="not-a-folder",
            parameter=name,
        )
    found = os.fspath(value) if isinstance(value, str | os.PathLike) else ""
    if not isinstance(found, str) or not found or "\0" in found:
        raise _wrong_type(name, "the path of a folder", value)
    return Path(found)


def _wrong_type(name: str, sentence: str, value: object) -> InvalidParameterError:
    return InvalidParameterError(
        f"{name} must be {sentence}, got {received(value)}", code="wrong-type", parameter=name
    )
