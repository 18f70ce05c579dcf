"""Parameters within parameters, such as ``trainer__epochs`` and ``balance__seed``.

A `Trainer` is immutable and a `BalancingAugmenter` may be shared, so setting such a parameter
replaces the whole value by a changed copy.

>>> from shelfvision.training import Trainer
>>> changed(Trainer(), {"epochs": 3}, parameter="trainer")
Trainer(epochs=3)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from shelfvision.augment import BalancingAugmenter
from shelfvision.errors import InvalidParameterError
from shelfvision.training import Trainer

NESTED = ("trainer", "balance")
"""The parameters that have parameters."""


def settings_of(value: object) -> dict[str, object]:
    """Return the parameters of a value by name; empty if it has none."""
    if isinstance(value, Trainer):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return value.get_params() if isinstance(value, BalancingAugmenter) else {}


def changed(value: object, settings: Mapping[str, object], *, parameter: str) -> object:
    """Return a copy of a trainer or balancer with other settings."""
    known = settings_of(value)
    unknown = sorted(settings.keys() - known.keys())
    if not known:
        kind = "Trainer" if parameter == "trainer" else "BalancingAugmenter"
        raise InvalidParameterError(
            f"{parameter} must be a {kind} to set {parameter}__{unknown[0]}, got {value!r}; set "
            f"{parameter}=shelfvision.{kind}() first",
            code="wrong-type",
            parameter=parameter,
        )
    if unknown:
        raise InvalidParameterError(
            f"{parameter} has no setting {unknown[0]!r}; its settings are {', '.join(known)}",
            code="unknown-name",
            parameter=parameter,
        )
    if isinstance(value, Trainer):
        # The constructor checks every value.
        return replace(value, **settings)  # type: ignore[arg-type]
    return BalancingAugmenter(**{**known, **settings})  # type: ignore[arg-type]


def divided_names(
    params: Mapping[str, object],
) -> tuple[dict[str, object], dict[str, dict[str, object]]]:
    """Return the plain parameters, and those of each nested value."""
    plain: dict[str, object] = {}
    nested: dict[str, dict[str, object]] = {}
    for name, value in params.items():
        outer, separator, inner = name.partition("__")
        if separator and outer in NESTED:
            nested.setdefault(outer, {})[inner] = value
        else:
            plain[name] = value
    return plain, nested
