"""CPU time and throughput of a `Scorer` in Ray Data, Dask and Spark, against a plain loop.

``python benchmarks/scaling.py [--model model.onnx] [--photos FOLDER] [--engines ray,dask,spark]``

Each engine runs in a process of its own, bound to 1, 2, ... cores. It scores a small job first, so
that every worker has loaded the model, and then two jobs of different sizes. CPU time is that of
all processes which the measured process started, and of their children. The difference between the
two jobs, divided by the difference of their sizes, excludes startup and the fixed costs of a job.
Wall-clock figures need an idle machine; CPU figures need one that is not overloaded. Engines that
are not installed are left out. Without a model, an untrained ``shelf_cnn`` is exported, which needs
``shelfvision[tensorflow,export]``; without photos, those of ``SHELFVISION_PHOTOS`` are used.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

Job: TypeAlias = Callable[[Path, Path], None]
"""Scores the manifest at the first path and writes the results below the second."""

ENGINES = {"ray": "ray", "dask": "distributed", "spark": "pyspark"}
"""Engines, and the package that each needs."""
ROWS = 250
"""Photos in a task; a task should take seconds, and small jobs should have some per core."""
SCORER = {"photo_column": "path", "photo_kind": "path"}


# -- the measured process -------------------------------------------------------------------------


@contextmanager
def plain_loop(model: Path, _cores: int) -> Iterator[Job]:
    """Score in this process, on one thread, and write one file."""
    from shelfvision.export import Predictor

    predictor = Predictor(model, threads=1)

    def job(manifest: Path, out: Path) -> None:
        paths = [str(path) for path in pq.read_table(manifest)["path"].to_pylist()]
        found = predictor.predict(paths, on_error="skip")
        out.mkdir()
        columns = {"path": paths, "label": found.labels, "confidence": found.confidences}
        pq.write_table(pa.table(columns), out / "rows.parquet")

    yield job


@contextmanager
def ray(model: Path, cores: int) -> Iterator[Job]:
    """Score in Ray Data, in tasks."""
    import ray as engine

    from shelfvision.scale import Scorer

    engine.init(num_cpus=cores, address="local", log_to_driver=False)
    engine.data.DataContext.get_current().enable_progress_bars = False
    scorer = Scorer(model, **SCORER)

    def job(manifest: Path, out: Path) -> None:
        photos = engine.data.read_parquet(str(manifest)).select_columns(["path"])
        blocks = photos.repartition(target_num_rows_per_block=ROWS)
        answers = blocks.map_batches(scorer, batch_format="pyarrow", batch_size=None)
        answers.write_parquet(str(out))

    yield job
    engine.shutdown()


@contextmanager
def dask(model: Path, cores: int) -> Iterator[Job]:
    """Score in Dask, with one process per core."""
    import dask.dataframe as dd
    from distributed import Client

    from shelfvision.scale import Scorer

    scorer = Scorer(model, **SCORER)

    def job(manifest: Path, out: Path) -> None:
        photos = dd.read_parquet(str(manifest), columns=["path"])
        parts = photos.repartition(npartitions=max(1, len(photos) // ROWS))
        parts.map_partitions(scorer, meta=scorer.meta).to_parquet(str(out))

    with Client(n_workers=cores, threads_per_worker=1, dashboard_address=None):
        yield job


@contextmanager
def spark(model: Path, cores: int) -> Iterator[Job]:
    """Score in Spark, with one Python process per core."""
    from pyspark.sql import SparkSession

    from shelfvision.scale import Scorer

    builder = SparkSession.builder.master(f"local[{cores}]")
    session = builder.config("spark.ui.enabled", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    scorer = Scorer(model, **SCORER)

    def job(manifest: Path, out: Path) -> None:
        n_tasks = max(1, pq.read_metadata(manifest).num_rows // ROWS)
        photos = session.read.parquet(str(manifest)).repartition(n_tasks)
        photos.mapInArrow(scorer.over, scorer.ddl).write.parquet(str(out))

    yield job
    session.stop()


RUNNERS = {"loop": plain_loop, "ray": ray, "dask": dask, "spark": spark}


def cpu_seconds(seen: dict[tuple[int, float], float]) -> float:
    """Return the CPU time of this process and all below it, ended ones included.

    `seen` keeps the last figure of each process, because an ended process has none.
    """
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seen[process.pid, process.create_time()] = times.user + times.system
    return sum(seen.values())


def measured(engine: str, model: Path, cores: int, folder: Path) -> list[dict[str, float]]:
    """Run the jobs of an engine; return photos, CPU seconds, wall-clock seconds and memory."""
    found, seen = [], dict[tuple[int, float], float]()
    with RUNNERS[engine](model, cores) as job:
        for number, manifest in enumerate(sorted(folder.glob("*.parquet"))):
            before, began = cpu_seconds(seen), time.perf_counter()
            job(manifest, folder / f"{engine}-{cores}-{number}")
            seconds = time.perf_counter() - began
            row = {"photos": float(pq.read_metadata(manifest).num_rows), "seconds": seconds}
            found.append({**row, "cpu": cpu_seconds(seen) - before, "mib": largest_child()})
    return found


def largest_child() -> float:
    """Return the resident memory of the largest Python process that computes, in MiB."""
    this = psutil.Process()
    sizes = [this.memory_info().rss]
    for process in this.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            named = " ".join(process.cmdline()[:3])
            if "python" in process.name() or named.startswith("ray::"):
                sizes.append(process.memory_info().rss)
    # Workers have loaded the model; this process has not, unless it is the loop.
    return max(sizes[1:] or sizes) / 2**20


# -- the program ----------------------------------------------------------------------------------


def exported(folder: Path) -> Path:
    """Export an untrained network, which computes as long as a trained one."""
    import shelfvision as shv

    classifier = shv.Classifier.from_model(
        shv.build_model(5, architecture="shelf_cnn"), class_names=list("abcde")
    )
    classifier.export(folder / "shelf_cnn.onnx", format="onnx")
    return folder / "shelf_cnn.onnx"


def write_manifests(photos: Path, folder: Path, sizes: list[int]) -> int:
    """Write a manifest per size; each repeats the photos as often as needed, under one path."""
    found = sorted(str(path) for path in photos.rglob("*.jpg"))
    if not found:
        raise SystemExit(f"{photos} has no .jpg photos")
    for number, size in enumerate(sizes):
        rows = [found[row % len(found)] for row in range(size)]
        pq.write_table(pa.table({"path": rows}), folder / f"{number}.parquet")
    return len(found)


def run(engine: str, model: Path, cores: int, photos: Path, sizes: list[int]) -> dict[str, float]:
    """Measure one engine on some cores in a process of its own; return figures per photo."""
    with tempfile.TemporaryDirectory() as place:
        write_manifests(photos, Path(place), sizes)
        command = [sys.executable, __file__, "--measure", engine, "--model", str(model)]
        command += ["--cores", str(cores), "--folder", place]
        usable = sorted(os.sched_getaffinity(0))[:cores]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, usable),
        )
        if done.returncode:
            raise SystemExit(done.stderr[-3000:])
    _, small, large = json.loads(done.stdout.splitlines()[-1])
    more = large["photos"] - small["photos"]
    return {
        "cpu": 1000 * (large["cpu"] - small["cpu"]) / more,
        "rate": more / (large["seconds"] - small["seconds"]),
        "mib": large["mib"],
    }


def show(rows: dict[tuple[str, int], list[dict[str, float]]]) -> None:
    """Print the medians as a table, and each engine's CPU time against the loop."""
    best = {
        key: {name: statistics.median(one[name] for one in found) for name in found[0]}
        for key, found in rows.items()
    }
    loop = best["loop", 1]
    print("| | cores | CPU ms a photo | against the loop | photos/s | efficiency | MiB a worker |")
    print("|---|---|---|---|---|---|---|")
    for (engine, cores), one in best.items():
        ratio = one["cpu"] / loop["cpu"]
        efficiency = one["rate"] / cores / best[engine, 1]["rate"]
        print(
            f"| {engine} | {cores} | {one['cpu']:.2f} | {ratio:.2f} | {one['rate']:.0f} | "
            f"{efficiency:.0%} | {one['mib']:.0f} |"
        )


def main() -> None:
    """Measure what is installed, from one core to all, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--sizes", default="1000,1000,5000", help="warm-up, small and large job")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--measure", choices=RUNNERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        found = measured(options.measure, options.model, options.cores, options.folder)
        print(json.dumps(found))
        return
    photos = options.photos or Path(os.environ["SHELFVISION_PHOTOS"])
    sizes = [int(size) for size in options.sizes.split(",")]
    names = [name for name in options.engines.split(",") if importlib.util.find_spec(ENGINES[name])]
    rows: dict[tuple[str, int], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        model = (options.model or exported(Path(place))).resolve()
        cases = [("loop", 1), *((name, n + 1) for name in names for n in range(options.cores))]
        # Rounds alternate between all cases, so that a busy minute does not hit one of them.
        for _ in range(options.rounds):
            for case in cases:
                rows.setdefault(case, []).append(run(*case[:1], model, case[1], photos, sizes))
                print(*case, rows[case][-1], file=sys.stderr)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"load of the machine at the end: {load}")
    show(rows)


if __name__ == "__main__":
    main()
