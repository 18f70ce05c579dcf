"""What the engines score: a manifest with broken photos, and one that takes long enough to kill."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Start Ray Data on two cores of this machine."""
    engine = pytest.importorskip("ray", reason="needs Ray Data; nox -s engines installs it")
    from support import scaling

    with pytest.MonkeyPatch.context() as patch:
        for name, value in scaling.settings().items():
            patch.setenv(name, value)
        engine.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        engine.data.DataContext.get_current().enable_progress_bars = False
        yield engine
        engine.shutdown()


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start Spark on two cores of this machine."""
    sql = pytest.importorskip("pyspark.sql", reason="needs PySpark; nox -s engines installs it")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, 17 or newer")
    from support import scaling

    with pytest.MonkeyPatch.context() as patch:
        for name, value in scaling.settings().items():
            patch.setenv(name, value)
        builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        place = str(tmp_path_factory.mktemp("spark"))
        session = builder.config("spark.sql.warehouse.dir", place).getOrCreate()
        yield session
        session.stop()
