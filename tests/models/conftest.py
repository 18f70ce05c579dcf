"""Pretrained weights that cannot be had."""

from __future__ import annotations

import importlib.metadata
from typing import NoReturn

import pytest

from shelfvision._keras.backend import load_keras


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Keras fail to download the weights of MobileNetV3Small."""
    applications = load_keras().applications
    genuine = applications.MobileNetV3Small

    def offline(*, weights: str | None, **settings: object) -> object:
        if weights is not None:
            raise Exception("URL fetch failure on https://example.org")  # noqa: TRY002  (as Keras)
        return genuine(weights=weights, **settings)

    monkeypatch.setattr(applications, "MobileNetV3Small", offline)


@pytest.fixture
def no_package_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no package of pretrained weights be installed."""

    def missing(name: str) -> NoReturn:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", missing)
