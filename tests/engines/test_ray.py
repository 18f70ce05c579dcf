"""The program of the documentation for Ray Data, as it stands: complete, bit-equal, resumable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ray", reason="needs Ray Data; nox -s engines installs it")
pytest.importorskip("psutil", reason="needs psutil; nox -s engines installs it")

from support import scaling

if TYPE_CHECKING:
    import psutil
    from ray.cluster_utils import Cluster

    from engines.conftest import Job

PROGRAM = "score_with_ray.py"
MARK = "out.checkpoint/*[0-9].parquet"
"""Files of finished work."""
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
    return str(process.cmdline()[0]).startswith("ray::MapBatches")


def test_every_photo_is_a_row_and_broken_ones_have_an_error(mixed: Job, tmp_path: Path) -> None:
    env = scaling.settings(RAY_ADDRESS="local")
    scaling.run(PROGRAM, scaling.MODEL, mixed.manifest, tmp_path / "out", ROWS, env=env)
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
