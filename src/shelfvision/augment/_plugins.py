"""Plugins: augmenters that other packages register by name in an entry-point group."""

from __future__ import annotations

import importlib.metadata
import sys
import warnings
from collections.abc import Mapping
from typing import cast

from shelfvision.errors import AugmenterError, ShelfVisionWarning
from shelfvision.protocols import Augmenter

GROUP = "shelfvision.augmenters"
"""The entry-point group; each entry is an augmenter or a class of augmenters."""


def plugin_names() -> tuple[str, ...]:
    """Return the registered names of installed packages, sorted; nothing is imported."""
    return tuple(sorted({point.name for point in importlib.metadata.entry_points(group=GROUP)}))


def imported_plugin_names() -> tuple[str, ...]:
    """Return the names of plugins whose packages are already imported."""
    points = importlib.metadata.entry_points(group=GROUP)
    return tuple(
        sorted({point.name for point in points if point.module.partition(".")[0] in sys.modules})
    )


def load_plugin(name: str) -> object | None:
    """Return the object that is registered under a name; warn and return None if loading fails."""
    points = sorted(
        importlib.metadata.entry_points(group=GROUP, name=name), key=lambda point: point.value
    )
    for point in points:
        try:
            return cast("object", point.load())
        except Exception as error:  # noqa: BLE001  (code of a plugin may raise anything)
            warnings.warn(
                ShelfVisionWarning(
                    f"cannot load the augmenter {name!r} of the entry point {point.value!r}, "
                    f"{type(error).__name__}: {error}; update or uninstall its package",
                    code="broken-plugin",
                ),
                stacklevel=3,
            )
    return None


def made_from_plugin(name: str, plugin: object, settings: Mapping[str, object]) -> Augmenter:
    """Return the augmenter that a plugin makes from these settings."""
    if isinstance(plugin, type):
        try:
            made = plugin(**settings)
        except (TypeError, ValueError) as error:
            raise AugmenterError(
                f"cannot make the augmenter {name!r} with {dict(settings)!r}: {error}",
                code="unusable-settings",
                parameter="recipe",
            ) from error
    elif settings:
        raise AugmenterError(
            f"the augmenter {name!r} has no settings, got {sorted(settings)} in the recipe",
            code="unknown-name",
            parameter="recipe",
        )
    else:
        made = plugin
    if not callable(made):
        raise AugmenterError(
            f"the entry point {name!r} must be a callable (image, rng) -> image, got {made!r}",
            code="wrong-type",
            parameter="recipe",
        )
    return cast("Augmenter", made)
