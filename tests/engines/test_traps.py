"""The traps that the documentation names exist in these versions, and a `Scorer` avoids them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("psutil", reason="needs psutil; nox -s engines installs it")

import pyarrow as pa
import pyarrow.parquet as pq

from shelfvision.scale import Scorer
from support import scaling

if TYPE_CHECKING:
    import psutil

    from engines.conftest import Job

LEAVES = scaling.ROOT / "tests" / "support" / "ray_worker_leaves.py"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copy(scaling.MODEL, tmp_path_factory.mktemp("model")))


def scorer(model: Path) -> Scorer:
    return Scorer(model, photo_column="path", photo_kind="path")


def test_spark_leaves_empty_files_out_of_binary_files_but_not_out_of_a_manifest(
    spark: Any, model: Path, mixed: Job
) -> None:
    there = [path for path in mixed.paths if Path(path).exists()]
    found = spark.read.format("binaryFile").load(there).select("path").collect()
    assert {Path(path).name for path in there} - {Path(row.path).name for row in found} == {
        "empty.jpg"
    }
    one = scorer(model)
    rows = spark.read.parquet(str(mixed.manifest)).mapInArrow(one.over, one.ddl).collect()
    assert sorted(row.path for row in rows) == sorted(mixed.paths)


def test_spark_gives_at_most_32_small_binary_files_to_a_task(spark: Any, slow: Job) -> None:
    photos = spark.read.format("binaryFile").load(str(Path(slow.paths[0]).parent))
    assert photos.rdd.getNumPartitions() >= len(slow.paths) / 32


def test_spark_passes_as_many_rows_in_a_batch_as_its_option_says(
    spark: Any, model: Path, slow: Job
) -> None:
    option = "spark.sql.execution.arrow.maxRecordsPerBatch"
    assert spark.conf.get(option) == "10000"
    photos = spark.read.format("binaryFile").load(str(Path(slow.paths[0]).parent)).coalesce(1)
    one = Scorer(model, photo_column="content")
    spark.conf.set(option, "100")
    try:
        sizes = photos.mapInArrow(batch_sizes, "size INT").collect()
        rows = photos.mapInArrow(one.over, one.ddl).collect()
    finally:
        spark.conf.unset(option)
    assert max(row["size"] for row in sizes) == 100
    assert len(rows) == len(slow.paths)
    assert not any(row.error for row in rows)


def batch_sizes(batches: Any) -> Any:
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"size": pa.array([batch.num_rows], pa.int32())})


def test_ray_reads_many_small_shards_into_few_blocks_unless_told(ray: Any, slow: Job) -> None:
    photos = ray.data.read_parquet(str(slow.manifest))
    assert photos.materialize().num_blocks() <= 2
    blocks = photos.repartition(target_num_rows_per_block=20).materialize()
    assert blocks.num_blocks() == len(slow.paths) / 20


def test_ray_gives_an_object_array_without_text_the_type_null_and_a_scorer_has_text(
    ray: Any, model: Path, slow: Job
) -> None:
    photos = ray.data.read_parquet(str(slow.manifest)).limit(20)
    untyped = photos.map_batches(without_errors, batch_format="numpy")
    assert pa.types.is_null(untyped.schema().base_schema.field("error").type)
    for batch_format in ("numpy", "pandas", "pyarrow"):
        rows = photos.map_batches(scorer(model), batch_format=batch_format, batch_size=None)
        kinds = {rows.schema().base_schema.field(one).type for one in ("error", "error_code")}
        # Ray Data itself drops the type of such a column of a pandas frame.
        assert all(map(pa.types.is_null if batch_format == "pandas" else scaling.is_text, kinds))


def without_errors(batch: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    return {"error": np.full(len(batch["path"]), None, dtype=object)}


def test_engines_copy_classes_of_a_program_into_tasks_but_not_a_scorer(model: Path) -> None:
    cloudpickle = pytest.importorskip("cloudpickle", reason="engines install it")
    program: dict[str, Any] = {"__name__": "__main__", "model": bytes(10**6)}
    exec("def score(batch):\n    return len(model)", program)
    assert len(cloudpickle.dumps(program["score"])) > 10**6
    assert len(cloudpickle.dumps(scorer(model))) < 2000


def test_workers_refuse_another_file_at_the_same_path(ray: Any, tmp_path: Path, slow: Job) -> None:
    place = Path(shutil.copy(scaling.MODEL, tmp_path))
    one = scorer(place)
    other = scaling.ROOT / "tests" / "export" / "golden" / "version-2" / "tiny.onnx"
    shutil.copy(other, place)
    photos = ray.data.from_arrow(pq.read_table(slow.manifest).slice(0, 8))
    with pytest.raises(Exception, match="must have the SHA-256"):
        photos.map_batches(one, batch_format="pyarrow").materialize()


@pytest.mark.parametrize("way", ["tasks", "actors"])
def test_ray_replaces_a_worker_that_ends_by_itself_but_not_in_a_fixed_pool(
    way: str, tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="needs Ray Data; nox -s engines installs it")
    mark, env = tmp_path / "mark", scaling.settings(RAY_ADDRESS="local")
    with scaling.started(LEAVES, mark, way, env=env) as process:
        scaling.wait_for(mark.exists, process)
        if way == "tasks":
            assert process.wait(scaling.PATIENCE) == 0
            assert "8 rows" in scaling.log_of([mark, way]).read_text("utf-8")
        else:
            # The job stands still: https://github.com/ray-project/ray/issues/62746
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(60)
            assert not scaling.workers_of(process.pid, is_pool_actor)


def is_pool_actor(process: psutil.Process) -> bool:
    return " ".join(process.cmdline()).startswith("ray::MapWorker")
