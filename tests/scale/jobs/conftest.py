"""Jobs without a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

from shelfvision.data.finding.photo_lists import Where
from shelfvision.scale.jobs._job import Model, run_job, started_job
from shelfvision.scale.jobs._source import ListOptions, photo_list
from shelfvision.scale.jobs._status import ScoreStatus
from support.plain_scoring import PlainScoring

if TYPE_CHECKING:
    from shelfvision.scale.jobs._work import Job

LABELS = ("juice", "milk", "oats")
"""The labels of the photos, in turn."""

Score = Callable[..., ScoreStatus]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Return a manifest of 50 files, one of which does not exist."""
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = ["path,store"]
    for number in range(50):
        if number != 7:
            (folder / f"{number}.jpg").write_text(LABELS[number % 3], encoding="utf-8")
        lines.append(f"photos/{number}.jpg,{'north' if number < 30 else 'south'}")
    path = tmp_path / "list.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a folder for results that does not exist yet."""
    return tmp_path / "scores"


@pytest.fixture
def score(manifest: Path, out: Path) -> Score:
    """Return a function that runs a job of the manifest, in files of 10 photos."""

    def run(
        source: Path | list[str] | None = None,
        *,
        processes: int = 1,
        keep: tuple[str, ...] = (),
        where: Where | None = None,
        sha256: str = "a" * 64,
        settings: Mapping[str, object] | None = None,
        shard_size: int | None = 10,
        **scoring: object,
    ) -> ScoreStatus:
        job = start(
            out,
            manifest if source is None else source,
            PlainScoring(**scoring),  # type: ignore[arg-type]  # a test names them
            ListOptions(keep=keep, where=where),
            sha256=sha256,
            settings=settings or {},
            shard_size=shard_size,
            processes=processes,
        )
        return run_job(job, processes=processes)

    return run


def start(
    out: Path,
    source: Path | list[str],
    scoring: PlainScoring,
    options: ListOptions,
    *,
    sha256: str = "a" * 64,
    settings: Mapping[str, object],
    shard_size: int | None = 10,
    processes: int = 1,
) -> Job:
    """Start a job."""
    model = Model(name="m.onnx", sha256=sha256, class_names=LABELS, scoring=scoring)
    return started_job(
        str(out),
        photo_list(source, options),
        model,
        settings,
        shard_size=shard_size,
        processes=processes,
    )
