"""What the engines score: a manifest with broken photos, and one that takes long enough to kill."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

N_WHOLE, N_SLOW = 90, 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A manifest, and the paths in it."""

    manifest: Path
    paths: list[str]


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Return a manifest of whole photos and ten broken ones, in four shards."""
    from support import scaling

    place = tmp_path_factory.mktemp("mixed")
    whole = scaling.write_photos(place / "photos", N_WHOLE)
    broken = scaling.write_broken_photos(place / "broken")
    # Broken photos lie between whole ones, and some shards begin with one.
    paths = sorted(whole + broken, key=hash_of)
    return Job(manifest=scaling.write_manifest(place / "manifest", paths, shards=4), paths=paths)


def hash_of(path: str) -> int:
    """Return a number that is the same in every process."""
    return zlib.crc32(Path(path).name.encode())


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Return a manifest of photos that take seconds of processor time, in twelve shards."""
    from support import scaling

    place = tmp_path_factory.mktemp("slow")
    paths = scaling.write_slow_photos(place / "photos", N_SLOW)
    return Job(manifest=scaling.write_manifest(place / "manifest", paths, shards=12), paths=paths)
