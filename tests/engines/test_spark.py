"""The program of the documentation for Spark, as it stands: complete, bit-equal, resumable."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("pyspark", reason="needs PySpark; nox -s engines installs it")
pytest.importorskip("psutil", reason="needs psutil; nox -s engines installs it")
if shutil.which("java") is None:
    pytest.skip("Spark needs Java, 17 or newer", allow_module_level=True)

from support import scaling

if TYPE_CHECKING:
    import psutil

    from engines.conftest import Job

PROGRAM = "score_with_spark.py"
MARK = "out/*/_SUCCESS"
"""Files of finished work."""


def on(master: str) -> dict[str, str]:
    """Return the environment of a program that Spark runs on a master, quietly."""
    options = f"--master {master} --conf spark.ui.enabled=false"
    return scaling.settings(PYSPARK_SUBMIT_ARGS=f"{options} pyspark-shell")


TWO_CORES = on("local[2,4]")  # a task is tried four times, as on a cluster
TWO_EXECUTORS = on("local-cluster[2,1,1024] --executor-memory 512m")


def computes(process: psutil.Process) -> bool:
    """Whether this is a Python process that runs tasks, which the daemon forks."""
    parent = process.parent()
    names = [" ".join(one.cmdline()) for one in (process, parent) if one is not None]
    return len(names) == 2 and all("pyspark.daemon" in name for name in names)


def executes(process: psutil.Process) -> bool:
    return "CoarseGrainedExecutorBackend" in " ".join(process.cmdline())


def test_every_photo_is_a_row_and_broken_ones_have_an_error(mixed: Job, tmp_path: Path) -> None:
    scaling.run(PROGRAM, scaling.MODEL, mixed.manifest, tmp_path / "out", 3, env=TWO_CORES)
    scaling.assert_complete(tmp_path / "out", mixed.paths)


@pytest.mark.parametrize(
    ("env", "victim"),
    [(TWO_CORES, computes), (TWO_EXECUTORS, executes)],
    ids=["worker", "executor"],
)
def test_a_killed_process_loses_nothing(
    slow: Job, tmp_path: Path, env: dict[str, str], victim: Callable[[psutil.Process], bool]
) -> None:
    out = tmp_path / "out"
    with scaling.started(PROGRAM, scaling.MODEL, slow.manifest, out, 4, env=env) as process:
        scaling.wait_for(lambda: scaling.parts_of(out), process)
        scaling.kill_worker(process, victim)
        assert len(list(out.glob("*/_SUCCESS"))) < 12
        assert process.wait(scaling.PATIENCE) == 0
    scaling.assert_complete(out, slow.paths)


def test_a_killed_job_resumes_and_scores_only_what_is_missing(
    slow: Job, tmp_path: Path, fuzz_count: Callable[[int, int], int]
) -> None:
    out = tmp_path / "out"
    arguments = (PROGRAM, scaling.MODEL, slow.manifest, out, 4)
    kept = scaling.run_with_kills(*arguments, env=TWO_CORES, kills=fuzz_count(1, 5), mark=MARK)
    scaling.assert_complete(out, slow.paths)
    assert kept
