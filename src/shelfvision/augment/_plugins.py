"""Augmenters that other packages bring, by name, through an entry-point group."""

from __future__ import annotations

import importlib.metadata
import sys
import warnings
from collections.abc import Mapping
from typing import cast

from shelfvision.errors import AugmenterError, ShelfVisionWarning
from shelfvision.protocols import Augmenter

GROUP = "shelfvision.augmenters"
"""The entry-point group: each name in it is an augmenter, or a class of them."""


def plugin_names() -> tuple[str, ...]:
    """Return the names that installed packages registered, sorted; nothing is imported."""
    return tuple(sorted({point.name for point in importlib.metadata.entry_points(group=GROUP)}))


def imported_plugin_names() -> tuple[str, ...]:
    """Return the names whose packages are imported already, as that of any augmenter in use is."""
    points = importlib.metadata.entry_points(group=GROUP)
    return tuple(
        sorted({point.name for point in points if point.module.partition(".")[0] in sys.modules})
    )


def load_plugin(name: str) -> object | None:
    """Return what is registered under a name; warn and return None where it cannot be loaded."""
    points = sorted(
        importlib.metadata.entry_points(group=GROUP, name=name), key=lambda point: point.value
    )
    for point in points:
        try:
            return cast("object", point.load())
        except Exception as error:  # noqa: BLE001  (somebody else's code may raise anything)
            warnings.warn(
                ShelfVisionWarning(
                    f"the augmenter {name!r} of the entry point {point.value!r} cannot be loaded, "
                    f"{type(error).__name__}: {error}; update or uninstall the package that "
                    "brings it",
                    code="broken-plugin",
                ),
                stacklevel=3,
            )
    return None


def made_from_plugin(name: str, plugin: object, settings: Mapping[str, object]) -> Augmenter:
    """Return the augmenter that a plugin makes of these settings."""
    if isinstance(plugin, type):
        try:
            made = plugin(**settings)
        except (TypeError, ValueError) as error:
            raise AugmenterError(
                f"the augmenter {name!r} cannot be made with {dict(settings)!r}: {error}",
                code="unusable-settings",
                parameter="recipe",
            ) from error
    elif settings:
        raise AugmenterError(
            f"the augmenter {name!r} takes no settings, but the recipe gives {sorted(settings)}",
            code="unknown-name",
            parameter="recipe",
        )
    else:
        made = plugin
    if not callable(made):
        raise AugmenterError(
            f"the entry point {name!r} gives {made!r}, which is not a callable (image, rng) -> "
            "image",
            code="wrong-type",
            parameter="recipe",
        )
    return cast("Augmenter", made)
