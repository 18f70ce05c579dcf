"""`setting`: a dataclass field with a check, a decoder and traits.

The traits define how a setting affects compiling, resuming and provenance.

>>> from dataclasses import dataclass
>>> from shelfvision.training.settings._checks import count
>>> @dataclass(frozen=True)
... class Plan:
...     epochs: int = setting(200, count, resumable=True)
...     def __post_init__(self) -> None:
...         check_settings(self)
>>> changed_settings(Plan(epochs=3))
{'epochs': 3}
>>> names_of(Plan, "resumable")
('epochs',)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias, TypeVar

from shelfvision._validation import received
from shelfvision.errors import InvalidParameterError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Check: TypeAlias = Callable[[str, object], object]
"""Takes the name and the value of a setting; returns the value to store, or refuses it."""
Decode: TypeAlias = Callable[[str, Mapping[str, object]], object]
"""Takes the name of a setting and the dict that represents its value; returns the value."""
Trait: TypeAlias = Literal["compiled", "resumable", "unrecorded"]

_Value = TypeVar("_Value")


def _refuse_dict(name: str, value: Mapping[str, object]) -> NoReturn:
    raise InvalidParameterError(
        f"{name} must be a number, a text or None, got {received(value)}",
        code="wrong-type",
        parameter=name,
    )


def setting(
    default: _Value,
    check: Check,
    *,
    decode: Decode = _refuse_dict,
    compiled: bool = False,
    resumable: bool = False,
    unrecorded: bool = False,
) -> _Value:
    """Return a dataclass field for one setting.

    Parameters
    ----------
    default : object
        The default value.
    check : callable
        Checks a value.
    decode : callable, optional
        Decodes a dict, for settings whose value may be an object.
    compiled : bool
        Whether the value takes effect when a model is compiled.
    resumable : bool
        Whether a run may be resumed with another value.
    unrecorded : bool
        Whether a classifier's provenance leaves the value out.
    """
    metadata = {
        "check": check,
        "decode": decode,
        "compiled": compiled,
        "resumable": resumable,
        "unrecorded": unrecorded,
    }
    # The dataclass replaces the field with the default.
    return dataclasses.field(default=default, metadata=metadata)


def check_settings(settings: DataclassInstance) -> None:
    """Check all settings and store the values that the checks return."""
    for field in dataclasses.fields(settings):
        value = field.metadata["check"](field.name, getattr(settings, field.name))
        object.__setattr__(settings, field.name, value)


def changed_settings(settings: DataclassInstance) -> dict[str, object]:
    """Return the settings that differ from their default."""
    values = {field: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    return {field.name: value for field, value in values.items() if value != field.default}


def defaults_of(settings: type[DataclassInstance]) -> Mapping[str, object]:
    """Return the defaults of all settings."""
    return {field.name: field.default for field in dataclasses.fields(settings)}


def names_of(settings: type[DataclassInstance], trait: Trait) -> tuple[str, ...]:
    """Return the names of the settings that have a trait."""
    return tuple(field.name for field in dataclasses.fields(settings) if field.metadata[trait])
