"""The program of the documentation for Ray Data, as it stands: complete, bit-equal, resumable."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ray", reason="needs Ray Data; nox -s engines installs it")
pytest.importorskip("psutil", reason="needs psutil; nox -s engines installs it")

import pyarrow as pa

from support import scaling

if TYPE_CHECKING:
    import psutil
    from ray.cluster_utils import Cluster

    from engines.conftest import Job

PROGRAM = "score_with_ray.py"
STOPS = scaling.ROOT / "tests" / "support" / "ray_stops_in_block.py"
MARK = "out.checkpoint/*[0-9].parquet"
"""Files of finished work."""
PENDING = "out.checkpoint/*.pending.parquet"
"""Files of ids that are not committed."""
ROWS = 20


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Start a cluster with one node, which several programs use one after the other."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        for name, value in scaling.settings().items():
            patch.setenv(name, value)
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
        yield made
        made.shutdown()


def computes(process: psutil.Process) -> bool:
    return " ".join(process.cmdline()).startswith("ray::MapBatches")


def test_every_photo_is_a_row_and_broken_ones_have_an_error(
    mixed: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env = scaling.settings(RAY_ADDRESS="local")
    scaling.run(PROGRAM, scaling.MODEL, mixed.manifest, "out", ROWS, env=env)
    scaling.assert_complete(tmp_path / "out", mixed.paths)


def test_a_killed_worker_loses_nothing(slow: Job, tmp_path: Path) -> None:
    out, env = tmp_path / "out", scaling.settings(RAY_ADDRESS="local")
    with scaling.started(PROGRAM, scaling.MODEL, slow.manifest, out, ROWS, env=env) as process:
        scaling.wait_for(lambda: scaling.parts_of(out), process)
        scaling.kill_worker(process, computes)
        assert len(scaling.parts_of(out)) < len(slow.paths) // ROWS
        assert process.wait(scaling.PATIENCE) == 0
    scaling.assert_complete(out, slow.paths)


def test_a_lost_node_loses_nothing(cluster: Cluster, slow: Job, tmp_path: Path) -> None:
    out, env = tmp_path / "out", scaling.settings(RAY_ADDRESS=cluster.address)
    node = cluster.add_node(num_cpus=2)
    with scaling.started(PROGRAM, scaling.MODEL, slow.manifest, out, ROWS, env=env) as process:
        scaling.wait_for(lambda: scaling.parts_of(out), process)
        assert len(scaling.parts_of(out)) < len(slow.paths) // ROWS
        cluster.remove_node(node, allow_graceful=False)
        assert process.wait(scaling.PATIENCE) == 0
    scaling.assert_complete(out, slow.paths)


def test_a_killed_job_resumes_and_scores_only_what_is_missing(
    slow: Job, tmp_path: Path, fuzz_count: Callable[[int, int], int]
) -> None:
    env = scaling.settings(RAY_ADDRESS="local")
    arguments = (PROGRAM, scaling.MODEL, slow.manifest, tmp_path / "out", ROWS)
    kept = scaling.run_with_kills(*arguments, env=env, kills=fuzz_count(1, 5), mark=MARK)
    scaling.assert_complete(tmp_path / "out", slow.paths)
    assert kept


def test_a_block_that_was_not_committed_is_scored_again(slow: Job, tmp_path: Path) -> None:
    # A random kill almost never hits the milliseconds between the ids, the data and the commit.
    home, copy = tmp_path / "home", tmp_path / "copy"
    home.mkdir()
    arguments = (scaling.MODEL, slow.manifest, home / "out", ROWS)
    env = scaling.settings(RAY_ADDRESS="local")
    with scaling.started(STOPS, "stop", *arguments, env=env) as process:
        scaling.wait_for(lambda: len(list(home.glob(PENDING))) > 1 and has_part(home), process)
    assert not list(home.glob(MARK))
    uncommitted = scaling.parts_of(home / "out")
    shutil.copytree(home, copy)
    scaling.run(PROGRAM, *arguments, env=env)
    scaling.assert_complete(home / "out", slow.paths)
    assert not any(path.exists() for path in uncommitted)
    # Without the step that removes them, the ids without data count as finished.
    scaling.run(STOPS, "keep", scaling.MODEL, slow.manifest, copy / "out", ROWS, env=env)
    assert 0 < len(slow.paths) - scaling.n_rows(copy / "out") <= 2 * ROWS
    with pytest.raises(AssertionError):
        scaling.assert_complete(copy / "out", slow.paths)


def has_part(home: Path) -> bool:
    """Whether a worker has written all data of a block."""
    with suppress(OSError, pa.ArrowException):
        return scaling.n_rows(home / "out") >= ROWS
    return False


def test_a_job_of_one_block_commits_nothing_before_its_end(slow: Job, tmp_path: Path) -> None:
    out, env = tmp_path / "out", scaling.settings(RAY_ADDRESS="local")
    scaling.run(PROGRAM, scaling.MODEL, slow.manifest, out, 10**6, env=env)
    assert len(scaling.parts_of(out)) == len(list(tmp_path.glob(MARK))) == 1
    assert scaling.n_rows(out) == len(slow.paths)
