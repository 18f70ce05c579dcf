"""`show_versions` tells what a report of a problem needs."""

from __future__ import annotations

import io
import platform
from importlib import metadata

import pytest

import shelfvision as shv


def shown() -> dict[str, str]:
    file = io.StringIO()
    shv.show_versions(file)
    return dict(line.split(maxsplit=1) for line in file.getvalue().splitlines())


def test_it_names_python_and_every_dependency() -> None:
    versions = shown()
    assert versions["python"] == platform.python_version()
    assert versions["numpy"] == metadata.version("numpy")
    assert versions["shelfvision"] == shv.__version__


def test_a_package_that_is_missing_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    assert shown()["keras"] == "not installed"


def test_it_prints_to_standard_output_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    shv.show_versions()
    assert "keras" in capsys.readouterr().out
