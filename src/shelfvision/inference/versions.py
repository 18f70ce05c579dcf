"""Collect the package versions that bundles and galleries record."""

from __future__ import annotations

import importlib.metadata
import platform

from shelfvision._keras.backend import backend_name

__all__ = ["package_versions"]


def package_versions() -> dict[str, str]:
    """Return the versions of packages and Python, and the name of the Keras backend."""
    names = ("keras", "numpy", "pillow", "shelfvision")
    versions = {name: importlib.metadata.version(name) for name in names}
    return versions | {"backend": backend_name(), "python": platform.python_version()}
