"""Settings as names and numbers: what a `Trainer` is written as, and made of again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, cast

from shelfvision._keras.backend import load_keras
from shelfvision._storage.json_values import require_shallow
from shelfvision._validation import listed, received
from shelfvision.augment import from_dict as augmenter_from
from shelfvision.augment import to_dict as augmenter_to
from shelfvision.errors import AugmenterError, InvalidParameterError
from shelfvision.training.run._state import Json
from shelfvision.training.settings._settings import VALUES, Settings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_NAME = "name"
_KERAS_PARTS: dict[str, Callable[[], ModuleType]] = {
    "optimizer": lambda: load_keras().optimizers,
    "loss": lambda: load_keras().losses,
    "learning_rate": lambda: load_keras().optimizers.schedules,
}


def as_plain(settings: Settings) -> dict[str, Json]:
    """Return settings as plain JSON values; what has none is refused by name."""
    fields = dataclasses.fields(cast("DataclassInstance", settings))
    return {field.name: _plain(field.name, getattr(settings, field.name)) for field in fields}


def from_plain(values: Mapping[str, object], known: Sequence[str]) -> dict[str, object]:
    """Return settings made of plain values; names that are not `known` are refused."""
    if not isinstance(values, Mapping):
        raise InvalidParameterError(
            f"settings must be a dict of names and values, not {type(values).__name__}",
            code="wrong-type",
            parameter="settings",
        )
    try:
        require_shallow(dict(values))
    except ValueError as error:
        raise InvalidParameterError(
            f"settings must be those that Trainer.to_dict gives, but {error}; check where they "
            "come from",
            code="too-deep",
            parameter="settings",
        ) from error
    require_known(values, known)
    return {name: _made(name, value) for name, value in values.items()}


def require_known(names: Iterable[object], known: Sequence[str]) -> None:
    """Refuse names of settings that a trainer does not have."""
    unknown = [str(name) for name in names if name not in known]
    if unknown:
        raise InvalidParameterError(
            f"{listed(unknown)} is no setting of a Trainer; it has {', '.join(known)}",
            code="unknown-name",
            parameter=unknown[0],
        )


def _plain(name: str, value: object) -> Json:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if name in _TELLERS:
        return _TELLERS[name](name, value)
    if name in VALUES:
        fields: dict[str, Json] = dataclasses.asdict(cast("DataclassInstance", value))
        return {_NAME: type(value).__name__, **fields}
    if isinstance(value, Sequence) and not value:
        return []
    raise InvalidParameterError(
        f"{name} has {listed(map(_kind, value if isinstance(value, Sequence) else [value]))}, "
        "which plain values cannot tell; leave it out, and add it with dataclasses.replace to the "
        "Trainer that is made of them",
        code="not-plain",
        parameter=name,
    )


def _path(_: str, value: object) -> Json:
    return os.fspath(cast("os.PathLike[str]", value))


def _weights(_: str, value: object) -> Json:
    return dict(cast("Mapping[str, float]", value))


def _recipe(_: str, augmenter: object) -> Json:
    try:
        # A recipe holds plain values only.
        return cast("Json", augmenter_to(augmenter))  # type: ignore[arg-type]  # it checks
    except AugmenterError as error:
        raise InvalidParameterError(
            f"augmenter has no plain values: {error}", code="not-plain", parameter="augmenter"
        ) from error


def _part_of_keras(name: str, value: object) -> Json:
    """Return one of Keras's own objects by its name and configuration."""
    kind = type(value)
    configure = getattr(value, "get_config", None)
    # On torch, Keras makes a class of the same name that derives from the one asked for.
    known = getattr(_KERAS_PARTS[name](), kind.__name__, type(None))
    of_keras = issubclass(kind, known) and kind.__module__.startswith("keras.")
    if not callable(configure) or not of_keras:
        raise InvalidParameterError(
            f"{name} is {_kind(value)}, which plain values cannot tell; use one of Keras's own, by "
            "name or as an instance",
            code="not-plain",
            parameter=name,
        )
    plain: dict[str, Json] = {_NAME: kind.__name__}
    for key, item in configure().items():
        inner = item.get("config") if key == "learning_rate" and isinstance(item, Mapping) else None
        if inner is not None:
            plain[key] = {_NAME: item["class_name"], **_without_name(inner)}
        elif key != _NAME:
            plain[key] = _number_or_word(f"{name} {kind.__name__}({key}=…)", item)
    return plain


_TELLERS: dict[str, Callable[[str, object], Json]] = {
    "optimizer": _part_of_keras,
    "loss": _part_of_keras,
    "learning_rate": _part_of_keras,
    "augmenter": _recipe,
    "class_weight": _weights,
    "checkpoint_dir": _path,
    "cache_dir": _path,
}


def _number_or_word(where: str, value: object) -> Json:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_number_or_word(where, item) for item in value]
    raise InvalidParameterError(
        f"{where} is {_kind(value)}, which plain values cannot tell; set a number or a word",
        code="not-plain",
        parameter=where.partition(" ")[0],
    )


def _without_name(config: Mapping[str, Json]) -> dict[str, Json]:
    # Keras's own names of objects are made up, and two of one kind must not differ by them.
    return {key: item for key, item in config.items() if key != _NAME}


def _made(name: str, value: object) -> object:
    if not isinstance(value, Mapping) or name == "class_weight":
        return value
    if name == "augmenter":
        return augmenter_from(value)
    kind, settings = value.get(_NAME), {key: v for key, v in value.items() if key != _NAME}
    if name in _KERAS_PARTS:
        return _made_by_keras(name, kind, settings)
    kinds = {found.__name__: found for found in VALUES.get(name, ())}
    if kind not in kinds:
        raise InvalidParameterError(
            f"{name} is {received(value)}, but it is {_choices([*kinds])}; give that instead",
            code="wrong-type",
            parameter=name,
        )
    try:
        return kinds[str(kind)](**settings)
    except TypeError as error:
        raise InvalidParameterError(
            f"{name} has settings that {kind} does not know: {listed(settings)}",
            code="unknown-name",
            parameter=name,
        ) from error


def _choices(kinds: Sequence[str]) -> str:
    return f"a dict with the name {' or '.join(map(repr, kinds))}" if kinds else "no dict"


def _made_by_keras(name: str, kind: object, settings: dict[str, object]) -> object:
    home = _KERAS_PARTS[name]()
    found = getattr(home, kind, None) if isinstance(kind, str) else None
    bases = {"Optimizer", "Loss", "LearningRateSchedule"} & set(dir(home))
    if not isinstance(found, type) or not any(issubclass(found, getattr(home, b)) for b in bases):
        raise InvalidParameterError(
            f"{name} must have a name that Keras knows, got {received(kind)}; give one of those in "
            f"{home.__name__}",
            code="unknown-name",
            parameter=name,
        )
    rate = settings.get("learning_rate")
    if name == "optimizer" and isinstance(rate, Mapping):
        settings["learning_rate"] = _made("learning_rate", rate)
    try:
        return found(**settings)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(
            f"{name} {kind} cannot be made: {error}", code="unusable-settings", parameter=name
        ) from error


def _kind(value: object) -> str:
    return getattr(value, "__name__", type(value).__name__)
