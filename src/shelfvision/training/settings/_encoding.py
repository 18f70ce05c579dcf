"""Encode settings as plain JSON values, and decode them.

The only encoder is `encoded`. Its caller chooses what happens to a value that JSON cannot
represent, such as a callback or a function. `Trainer.to_dict` refuses it with `refuse_value`,
because `Trainer.from_dict` could not restore it. The identity of a run and the provenance of a
classifier record its type and a digest, with `type_and_digest`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn, TypeAlias, cast

from shelfvision._keras.backend import load_keras
from shelfvision._storage.json_values import Json, require_shallow
from shelfvision._validation import listed, received
from shelfvision.augment import from_dict as augmenter_from_dict
from shelfvision.augment import to_dict as augmenter_to_dict
from shelfvision.augment.identity import augmenter_identity
from shelfvision.errors import AugmenterError, InvalidParameterError
from shelfvision.training.settings._setting import Decode

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Other: TypeAlias = Callable[[str, object], Json]
"""Takes the name and value of a setting that JSON cannot represent; encodes or refuses it."""

_NAME = "name"
_OUR_ROOM = "shelfvision.training"
_KERAS_MODULES = ("optimizers", "losses", "schedules")
_KERAS_BASES = ("Optimizer", "Loss", "LearningRateSchedule")


def encoded_settings(
    settings: DataclassInstance, other: Other, leave_out: Iterable[str] = ()
) -> dict[str, Json]:
    """Return settings as plain JSON values; `other` encodes values that JSON cannot represent."""
    names = [field.name for field in dataclasses.fields(settings)]
    left = [name for name in names if name not in leave_out]
    return {name: encoded(name, getattr(settings, name), other) for name in left}


def encoded(name: str, value: object, other: Other) -> Json:
    """Return a value as plain JSON values; `other` encodes what JSON cannot represent."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, Mapping):
        return {str(key): encoded(name, item, other) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(name, item, other) for item in value]
    if _is_of_keras(value):
        return _encoded_by_keras(name, value, other)
    return _encoded_object(name, value, other)


def _encoded_object(name: str, value: object, other: Other) -> Json:
    """Return an object as the name of its class and its settings."""
    if dataclasses.is_dataclass(value) and type(value).__module__.startswith(_OUR_ROOM):
        fields: dict[str, Json] = dataclasses.asdict(cast("DataclassInstance", value))
        return {_NAME: type(value).__name__, **fields}
    try:
        return cast("Json", augmenter_to_dict(value))  # type: ignore[arg-type]  # it checks
    except AugmenterError:
        return other(name, value)


def _encoded_by_keras(name: str, value: object, other: Other) -> Json:
    config = value.get_config()  # type: ignore[attr-defined]  # `_is_of_keras` has looked
    plain = {key: item for key, item in config.items() if key != _NAME}
    rate = plain.get("learning_rate")
    if isinstance(rate, Mapping):
        plain["learning_rate"] = {_NAME: rate["class_name"], **_without_name(rate["config"])}
    if any(isinstance(item, Mapping) for key, item in plain.items() if key != "learning_rate"):
        # For example, an optimizer that wraps another one.
        return other(name, value)
    settings = {key: encoded(name, item, other) for key, item in plain.items()}
    return {_NAME: type(value).__name__, **settings}


def refuse_value(name: str, value: object) -> NoReturn:
    """Refuse a value that plain JSON values cannot represent."""
    if name == "augmenter":
        _refuse_augmenter(value)
    raise InvalidParameterError(
        f"{name} has {_kind_name(value)}, which plain values cannot represent; leave it out, and "
        "add it with dataclasses.replace to the Trainer that is made of them",
        code="not-plain",
        parameter=name,
    )


def _refuse_augmenter(value: object) -> None:
    """Name the augmenter that has no name, which can be a part of another one."""
    try:
        augmenter_to_dict(value)  # type: ignore[arg-type]  # it checks
    except AugmenterError as error:
        raise InvalidParameterError(
            f"augmenter cannot be converted to plain values: {error}",
            code="not-plain",
            parameter="augmenter",
        ) from error


def type_and_digest(name: str, value: object) -> Json:
    """Return the type of a value with its settings, or with a digest of its content.

    Equal values have the same digest in every process.
    """
    for method in ("to_dict", "get_config"):
        configure = getattr(value, method, None)
        if callable(configure) and not inspect.isclass(value):
            config = encoded(name, configure(), type_and_digest)
            config = _without_name(config) if isinstance(config, Mapping) else config
            return {"type": _full_name(type(value)), "settings": config}
    kind = value if inspect.isroutine(value) or inspect.isclass(value) else type(value)
    digest = hashlib.sha256(augmenter_identity(value).encode()).hexdigest()
    return f"{_full_name(kind)} #{digest[:16]}"


def finite(value: Json) -> Json:
    """Return a value with None instead of NaN and infinity, which JSON does not have."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def decoded_settings(
    kind: type[DataclassInstance], values: Mapping[str, object]
) -> dict[str, object]:
    """Return the settings that plain values represent; the constructor of `kind` checks them."""
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
    require_known(kind, [*values])
    return {
        field.name: field.metadata["decode"](field.name, value)
        if isinstance(value := values[field.name], Mapping)
        else value
        for field in dataclasses.fields(kind)
        if field.name in values
    }


def require_known(kind: type[DataclassInstance], names: Iterable[object]) -> None:
    """Refuse names that are not settings of `kind`."""
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = [str(name) for name in names if name not in known]
    if unknown:
        raise InvalidParameterError(
            f"{listed(unknown)} is not a setting of {kind.__name__}; choose from "
            f"{', '.join(known)}",
            code="unknown-name",
            parameter=unknown[0],
        )


def _is_of_keras(value: object) -> bool:
    """Return whether a value is an optimizer, loss or schedule of a Keras class."""
    kind = type(value)
    if not kind.__module__.startswith("keras.") or not hasattr(value, "get_config"):
        return False
    found = (getattr(_keras_module(name), kind.__name__, None) for name in _KERAS_MODULES)
    # On torch, Keras creates a subclass with the same name.
    return any(isinstance(known, type) and issubclass(kind, known) for known in found)


def _without_name(config: Mapping[str, Json]) -> dict[str, Json]:
    # Keras numbers the names of objects. Objects with equal settings must be equal here.
    return {key: item for key, item in config.items() if key != _NAME}


def as_mapping(_: str, value: Mapping[str, object]) -> object:
    """Return the dict unchanged."""
    return value


def recipe(_: str, value: Mapping[str, object]) -> object:
    """Return the augmenter that a dict represents."""
    return augmenter_from_dict(value)


def value_of(*kinds: type[DataclassInstance]) -> Decode:
    """Return a decoder for instances of some settings classes of shelfvision."""

    def decode(name: str, value: Mapping[str, object]) -> object:
        found = next((kind for kind in kinds if kind.__name__ == value.get(_NAME)), None)
        if found is None:
            choices = " or ".join(repr(kind.__name__) for kind in kinds)
            raise InvalidParameterError(
                f"{name} must be a dict with the name {choices}, got {received(value)}",
                code="wrong-type",
                parameter=name,
            )
        settings = {key: item for key, item in value.items() if key != _NAME}
        try:
            return found(**settings)
        except TypeError as error:
            raise InvalidParameterError(
                f"{name} has settings that {found.__name__} does not know: {listed(settings)}",
                code="unknown-name",
                parameter=name,
            ) from error

    return decode


def keras_object(module: str) -> Decode:
    """Return a decoder for objects of a Keras module. It runs only code of Keras."""

    def decode(name: str, value: Mapping[str, object]) -> object:
        home, kind = _keras_module(module), value.get(_NAME)
        found = getattr(home, kind, None) if isinstance(kind, str) else None
        bases = tuple(getattr(home, base) for base in _KERAS_BASES if hasattr(home, base))
        if not isinstance(found, type) or not issubclass(found, bases):
            raise InvalidParameterError(
                f"{name} must have a name that Keras knows, got {received(kind)}; give one of "
                f"those in {home.__name__}",
                code="unknown-name",
                parameter=name,
            )
        settings = {key: item for key, item in value.items() if key != _NAME}
        rate = settings.get("learning_rate")
        if isinstance(rate, Mapping):
            settings["learning_rate"] = keras_object("schedules")("learning_rate", rate)
        try:
            return found(**settings)
        except (TypeError, ValueError) as error:
            raise InvalidParameterError(
                f"{name} {kind} cannot be made: {error}", code="unusable-settings", parameter=name
            ) from error

    return decode


def _keras_module(name: str) -> ModuleType:
    keras = load_keras()
    modules: dict[str, ModuleType] = {
        "optimizers": keras.optimizers,
        "losses": keras.losses,
        "schedules": keras.optimizers.schedules,
    }
    return modules[name]


def _full_name(kind: object) -> str:
    module = getattr(kind, "__module__", "")
    return f"{module}.{getattr(kind, '__qualname__', type(kind).__qualname__)}"


def _kind_name(value: object) -> str:
    return getattr(value, "__name__", type(value).__name__)
