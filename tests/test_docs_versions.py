"""The site of all versions: a folder for each, and the list that the switcher of a page reads."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "docs" / "versions.py"
spec = importlib.util.spec_from_file_location("versions", SCRIPT)
assert spec
assert spec.loader
versions = importlib.util.module_from_spec(spec)
spec.loader.exec_module(versions)

VERSION = "DOCUMENTATION_OPTIONS.theme_switcher_version_match = '{}';"


def built(folder: Path, version: str, text: str = "") -> Path:
    """Return a site as Sphinx builds it, of one page."""
    (folder / "how-to").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(f"<script>{VERSION.format(version)}</script>{text}", "utf-8")
    (folder / "how-to" / "export.html").write_text(text, "utf-8")
    return folder


def entries(site: Path) -> list[dict[str, str | bool]]:
    found: list[dict[str, str | bool]] = json.loads((site / "switcher.json").read_text("utf-8"))
    return found


def test_the_newest_release_comes_first_and_the_development_version_last(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for version in ("0.9", "dev", "0.10", "0.2"):
        versions.add(built(tmp_path / version, version), site, "/shelfvision/")
    assert [entry["version"] for entry in entries(site)] == ["0.10", "0.9", "0.2", "dev"]
    assert entries(site)[0] == {
        "name": "0.10 (stable)",
        "version": "0.10",
        "url": "/shelfvision/0.10/",
        "preferred": True,
    }
    assert [entry for entry in entries(site)[1:] if "preferred" in entry] == []
    assert "url=0.10/index.html" in (site / "index.html").read_text("utf-8")


def test_every_entry_names_a_folder_with_pages(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for version in ("0.1", "dev"):
        versions.add(built(tmp_path / version, version), site, "/")
    for entry in entries(site):
        assert (site / str(entry["url"]).strip("/") / "how-to" / "export.html").is_file()


def test_a_version_that_is_built_again_replaces_its_folder_only(tmp_path: Path) -> None:
    site = tmp_path / "site"
    versions.add(built(tmp_path / "a", "0.1", "old"), site, "/")
    versions.add(built(tmp_path / "b", "0.2", "kept"), site, "/")
    (site / "0.1" / "removed.html").touch()
    versions.add(built(tmp_path / "c", "0.1", "new"), site, "/")
    assert (site / "0.1" / "how-to" / "export.html").read_text("utf-8") == "new"
    assert (site / "0.2" / "how-to" / "export.html").read_text("utf-8") == "kept"
    assert not (site / "0.1" / "removed.html").exists()


def test_before_the_first_release_the_site_leads_to_the_development_version(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(built(tmp_path / "html", "dev")), str(tmp_path / "site")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().endswith(": dev")
    assert entries(tmp_path / "site") == [{"name": "dev", "version": "dev", "url": "/dev/"}]
    assert "url=dev/index.html" in (tmp_path / "site" / "index.html").read_text("utf-8")


@pytest.mark.parametrize("version", ["../outside", "0.1.0", "latest"])
def test_pages_without_a_known_version_are_not_added(version: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="has no version switcher"):
        versions.add(built(tmp_path / "html", version), tmp_path / "site", "/")
    assert not (tmp_path / "site").exists()
