"""The program of the documentation for Dask, as it stands: complete, bit-equal, resumable."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("distributed", reason="needs Dask distributed; nox -s engines installs it")
pytest.importorskip("psutil", reason="needs psutil; nox -s engines installs it")

import pyarrow as pa
import pyarrow.parquet as pq

from support import scaling

if TYPE_CHECKING:
    from engines.conftest import Job

PROGRAM = "score_with_dask.py"
MARK = "out/*/_metadata"
"""Files of finished work."""
ENV = scaling.settings()


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a scheduler and two workers, none of which is restarted; yield address and workers."""
    address = f"tcp://127.0.0.1:{free_port()}"
    scheduler = ["scheduler", "--host", address, "--no-dashboard", "--no-show"]
    worker = ["worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard"]
    with (folder / "cluster.log").open("wb") as log:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "dask", *words], cwd=folder, env=ENV, stdout=log, stderr=log
            )
            for words in (scheduler, worker, worker)
        ]
    try:
        yield address, processes[1:]
    finally:
        for process in processes:
            scaling.kill_tree(process.pid)
            process.wait()


def test_every_photo_is_a_row_and_broken_ones_have_an_error(mixed: Job, tmp_path: Path) -> None:
    scaling.run(PROGRAM, scaling.MODEL, mixed.manifest, tmp_path / "out", 10, env=ENV)
    scaling.assert_complete(tmp_path / "out", mixed.paths)


@pytest.mark.parametrize("manifest", ["missing", "list.csv", "unnamed"])
def test_a_wrong_manifest_is_refused(manifest: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path\n")
    (tmp_path / "unnamed").mkdir()
    pq.write_table(pa.table({"photo": ["a.jpg"]}), tmp_path / "unnamed" / "shard.parquet")
    arguments = (PROGRAM, scaling.MODEL, tmp_path / manifest, tmp_path / "out", 5)
    with scaling.started(*arguments, env=ENV) as process:
        assert process.wait(scaling.PATIENCE) == 1
    said = scaling.log_of(arguments).read_text("utf-8").splitlines()[-1]
    assert said.startswith("MANIFEST must be a folder of Parquet files with the column path, got")
    assert not (tmp_path / "out").exists()


def test_a_lost_worker_loses_nothing(slow: Job, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with cluster(tmp_path) as (address, workers):
        env = scaling.settings(DASK_SCHEDULER_ADDRESS=address)
        with scaling.started(PROGRAM, scaling.MODEL, slow.manifest, out, 5, env=env) as process:
            scaling.wait_for(lambda: scaling.parts_of(out), process)
            workers[0].kill()
            assert len(list(out.glob("*/_metadata"))) < 12
            assert process.wait(scaling.PATIENCE) == 0
    scaling.assert_complete(out, slow.paths)


def test_a_shard_without_metadata_is_scored_again(mixed: Job, tmp_path: Path) -> None:
    # A kill rarely comes between the first file of a shard and the last one.
    out = tmp_path / "out"
    arguments = (PROGRAM, scaling.MODEL, mixed.manifest, out, 10)
    scaling.run(*arguments, env=ENV)
    shard = sorted(out.iterdir())[1]
    (shard / "_metadata").unlink()
    scaling.parts_of(shard)[0].unlink()
    scaling.run(*arguments, env=ENV)
    scaling.assert_complete(out, mixed.paths)


def test_a_killed_job_resumes_and_scores_only_what_is_missing(
    slow: Job, tmp_path: Path, fuzz_count: Callable[[int, int], int]
) -> None:
    out = tmp_path / "out"
    arguments = (PROGRAM, scaling.MODEL, slow.manifest, out, 5)
    kept = scaling.run_with_kills(*arguments, env=ENV, kills=fuzz_count(1, 5), mark=MARK)
    scaling.assert_complete(out, slow.paths)
    assert kept
