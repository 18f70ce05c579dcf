"""Recipes: augmenters as dicts of names and numbers, for JSON and TOML files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from shelfvision._validation import listed
from shelfvision.augment import _compose
from shelfvision.augment._plugins import (
    imported_plugin_names,
    load_plugin,
    made_from_plugin,
    plugin_names,
)
from shelfvision.augment.contract import name_of
from shelfvision.augment.operations import _colour, _effects, _geometry, _light
from shelfvision.augment.operations._operation import Operation
from shelfvision.errors import AugmenterError, InvalidParameterError
from shelfvision.protocols import Augmenter

Recipe: TypeAlias = dict[str, object]
"""``{"name": …}`` and the settings: numbers, text, lists of these, and inner recipes."""

_NAME = "name"

OPERATIONS: dict[str, type[Operation]] = {
    operation.__name__: operation
    for operation in (
        _geometry.Flip,
        _geometry.Rotate,
        _geometry.Shift,
        _geometry.Zoom,
        _geometry.Shear,
        _geometry.Perspective,
        _colour.Brightness,
        _colour.Contrast,
        _colour.Saturation,
        _colour.Hue,
        _colour.ColorTemperature,
        _effects.Noise,
        _effects.Blur,
        _effects.MotionBlur,
        _effects.JpegArtifacts,
        _light.Glare,
        _light.ShadowBand,
        _light.Erase,
        _light.PriceTag,
        _compose.Compose,
        _compose.OneOf,
        _compose.Maybe,
        _compose.AlwaysChange,
    )
}
"""The operations of this package by name."""


def available_augmenters() -> tuple[str, ...]:
    """Return all augmenter names that a recipe may use, including installed plugins.

    Returns
    -------
    tuple of str
        The names of the operations of this package, then those of the entry-point group
        ``shelfvision.augmenters``. No plugin is imported.

    Examples
    --------
    >>> from shelfvision.augment import available_augmenters
    >>> available_augmenters()[:3]
    ('Flip', 'Rotate', 'Shift')
    """
    return (*OPERATIONS, *(name for name in plugin_names() if name not in OPERATIONS))


def to_dict(augmenter: Augmenter) -> Recipe:
    """Return an augmenter as a dict with all settings.

    Parameters
    ----------
    augmenter : Augmenter
        An operation of this package, or a function or dataclass that a plugin registered.

    Returns
    -------
    dict
        ``{"name": …}`` and the settings: numbers, text, lists and inner dicts, as JSON and TOML
        can store them.

    Raises
    ------
    AugmenterError
        The augmenter, or one inside it, has no registered name.

    Examples
    --------
    >>> from shelfvision.augment import Rotate, to_dict
    >>> to_dict(Rotate(10))
    {'name': 'Rotate', 'degrees': 10.0, 'fill': 'reflect'}
    """
    return recipe_text(augmenter, _registered)


def from_dict(recipe: Mapping[str, object]) -> Augmenter:
    """Return the augmenter of a dict that `to_dict` returned.

    Parameters
    ----------
    recipe : mapping
        A name and settings. Missing settings have their default values.

    Returns
    -------
    Augmenter
        The augmenter. An operation of this package equals the original.

    Raises
    ------
    AugmenterError
        The recipe has an unknown name or setting, or a value that is out of range.

    Examples
    --------
    >>> from shelfvision.augment import from_dict
    >>> from_dict({"name": "Maybe", "augmenter": {"name": "Flip"}, "p": 0.25})
    Maybe(Flip(), p=0.25)
    """
    given: object = recipe
    if not isinstance(given, Mapping) or not isinstance(given.get(_NAME), str):
        raise AugmenterError(
            f'recipe must be a dict with a "name" and settings, got {recipe!r}; make one with '
            "shelfvision.augment.to_dict",
            code="wrong-type",
            parameter="recipe",
        )
    name = str(recipe[_NAME])
    settings = {str(key): _read(value) for key, value in recipe.items() if key != _NAME}
    if name in OPERATIONS:
        return _made(name, OPERATIONS[name], settings)
    plugin = load_plugin(name) if name in plugin_names() else None
    if plugin is None:
        raise AugmenterError(
            f"recipe must have the name of an augmenter, got {name!r}; choose one of "
            f"{listed(available_augmenters(), limit=50)}, or install a package that adds it to the "
            "entry-point group 'shelfvision.augmenters'",
            code="unknown-name",
            parameter="recipe",
        )
    return made_from_plugin(name, plugin, settings)


def _made(name: str, operation: Callable[..., Operation], settings: dict[str, object]) -> Operation:
    known = {field.name: field for field in _fields(OPERATIONS[name])}
    unknown = [key for key in settings if key not in known]
    if unknown:
        raise AugmenterError(
            f"{name} has no setting {listed(unknown)}; its settings are {listed(known, limit=50)}",
            code="unknown-name",
            parameter="recipe",
        )
    missing = [
        key
        for key, field in known.items()
        if key not in settings and field.default is dataclasses.MISSING
    ]
    if missing:
        raise AugmenterError(
            f"the recipe of {name} must have {listed(missing)}",
            code="incomplete",
            parameter="recipe",
        )
    try:
        return operation(**settings)
    except InvalidParameterError as error:
        raise AugmenterError(
            f"the recipe of {name} is invalid: {error}",
            code="unusable-settings",
            parameter="recipe",
        ) from error


def _read(value: object) -> object:
    if isinstance(value, Mapping):
        return from_dict(value)
    if isinstance(value, list | tuple):
        return tuple(_read(part) for part in value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise AugmenterError(
        f"a recipe must contain text, numbers, lists and inner recipes only, got {value!r}",
        code="wrong-type",
        parameter="recipe",
    )


def recipe_text(augmenter: object, other: Callable[[object], Recipe]) -> Recipe:
    """Return the recipe of an operation; `other` describes any other augmenter."""
    if OPERATIONS.get(type(augmenter).__name__) is not type(augmenter):
        return other(augmenter)
    return _with_settings(type(augmenter).__name__, augmenter, other)


def _with_settings(name: str, augmenter: object, other: Callable[[object], Recipe]) -> Recipe:
    settings = {
        field.name: _plain(getattr(augmenter, field.name), other)
        for field in _fields(augmenter)
        # TOML has no null.
        if getattr(augmenter, field.name) is not None
    }
    return {_NAME: name, **settings}


def _plain(value: object, other: Callable[[object], Recipe]) -> object:
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Sequence):
        return [_plain(part, other) for part in value]
    return recipe_text(value, other)


def _registered(augmenter: object) -> Recipe:
    """Return the recipe of an augmenter of a plugin."""
    for name in imported_plugin_names():
        plugin = load_plugin(name)
        if plugin is augmenter:
            return {_NAME: name}
        if isinstance(plugin, type) and type(augmenter) is plugin:
            if dataclasses.is_dataclass(augmenter):
                return _with_settings(name, augmenter, _registered)
            raise AugmenterError(
                f"cannot write augmenter {name_of(augmenter)} as a recipe, because its settings "
                f"are unknown; make its class {plugin.__name__} a dataclass",
                code="not-a-dataclass",
                parameter="augmenter",
            )
    raise AugmenterError(
        f"cannot write augmenter {name_of(augmenter)} as a recipe, because it has no name; "
        "register it by name in the entry-point group 'shelfvision.augmenters'",
        code="not-registered",
        parameter="augmenter",
    )


def _fields(value: object) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cast("Any", value))
